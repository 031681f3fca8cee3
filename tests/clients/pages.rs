//! What the pages of `docs/clients` have in common: how they begin, and that each is run by a test.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::{Place, repository, succeed, tool};
use crate::install::program_file;
use crate::page::{FIRST_BLOCK, PREFACE};

#[test]
fn every_page_says_where_its_commands_work() {
    let mut pages = 0;
    for entry in fs::read_dir(repository().join("docs/clients")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let preface = text.find(PREFACE).unwrap_or_else(|| panic!("{} has no preface", path.display()));
        let commands = ["\n```sh\n", "\n```console\n"].iter().filter_map(|fence| text.find(fence)).min();
        assert!(commands.is_some_and(|first| preface < first), "{}: commands before the preface", path.display());
        pages += 1;
    }
    assert!(pages > 10, "only {pages} pages");
}

#[test]
fn every_page_is_run() {
    let tests: Vec<String> = fs::read_dir(repository().join("tests/clients"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for entry in fs::read_dir(repository().join("docs/clients")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let reads = format!("::read(\"{name}\")");
        assert!(tests.iter().any(|test| test.contains(&reads)), "no test runs {name}.md");
    }
}

/// The preface's two commands in a directory as `make` leaves it, then the first commands of a page.
#[test]
fn preface_makes_a_build_usable() {
    let place = Place::new("preface");
    if place.is_peer() {
        return;
    }
    let products = place.file("target/release");
    fs::create_dir_all(&products).unwrap();
    symlink(&place.module, products.join("libstrongroom.so")).unwrap();
    symlink(program_file(), products.join("strongroom")).unwrap();
    let said: Vec<&str> = PREFACE.split('`').filter(|part| part.starts_with("export ")).collect();
    assert_eq!(said.len(), 2, "{PREFACE}");
    let script = format!(
        "set -eu\n{}\nmkdir elsewhere && cd elsewhere\n{FIRST_BLOCK}\
         pkcs11-tool --module \"$STRONGROOM_MODULE\" --list-token-slots\ncommand -v strongroom\necho \"$STRONGROOM_DIR\"\n",
        said.join("\n")
    );
    place.write("preface.sh", script.as_bytes());
    let mut shell = place.command(tool("bash"));
    shell.env_remove("STRONGROOM_MODULE").env_remove("STRONGROOM_DIR").env("TMPDIR", &place.directory);
    let told = succeed(shell.arg("preface.sh"));
    assert!(told.contains("token label        : first"), "{told}");
    let mut last = told.lines().rev();
    let directory = last.next().unwrap();
    assert!(directory.starts_with(&*place.directory.to_string_lossy()), "{told}");
    assert!(fs::read_dir(directory).unwrap().next().is_some(), "no token in {directory}");
    assert_eq!(last.next(), products.join("strongroom").to_str(), "{told}");
}
