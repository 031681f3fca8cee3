//! What the pages with commands have in common: how they begin, and that each is run by a test.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::{Place, succeed, tool};
use crate::install::program_file;
use crate::page::{FIRST_BLOCK, PREFACE, Page};
use crate::sources::{Test, tests};

#[test]
fn every_page_says_where_its_commands_work() {
    let mut pages = 0;
    for path in Page::files() {
        let text = fs::read_to_string(&path).unwrap();
        let preface = text.find(PREFACE).unwrap_or_else(|| panic!("{} has no preface", path.display()));
        let commands = ["\n```sh\n", "\n```console\n"].iter().filter_map(|fence| text.find(fence)).min();
        assert!(commands.is_some_and(|first| preface < first), "{}: commands before the preface", path.display());
        pages += 1;
    }
    assert!(pages > 10, "only {pages} pages");
}

/// Chapter by chapter, by a test that `make test` runs, but for what this system has no package for.
#[test]
fn every_page_is_run() {
    let tests = tests();
    for path in Page::files() {
        let name: &str = path.file_stem().unwrap().to_string_lossy().into_owned().leak();
        let page = Page::read(name);
        let headings = page.headings();
        assert!(!headings.is_empty(), "{name}.md has no commands");
        for heading in &headings {
            let mut runners = tests.iter().filter(|test| test.runs(name, heading));
            let missing = MISSING.iter().find(|missing| (missing.page, missing.heading) == (name, *heading));
            match missing {
                None => assert!(
                    runners.any(|test| test.ignored.is_none()),
                    "no test that is not ignored runs \"{heading}\" of {name}.md"
                ),
                Some(missing) => {
                    let runners: Vec<&Test> = runners.collect();
                    let [runner] = runners.as_slice() else { panic!("{} tests of {heading}", runners.len()) };
                    let reason = runner.ignored.as_deref().unwrap_or("not ignored");
                    assert_eq!(runner.name, missing.test);
                    assert!(reason.contains(missing.needs), "{}: {reason}", missing.test);
                }
            }
        }
        for missing in MISSING.iter().filter(|missing| missing.page == name) {
            assert!(headings.contains(&missing.heading), "{name}.md has no {}", missing.heading);
        }
    }
}

/// What is on a page and not run with it, as Debian 12 has no package for it.
struct Missing {
    page: &'static str,
    heading: &'static str,
    needs: &'static str,
    /// What runs it where that is installed.
    test: &'static str,
}

const MISSING: &[Missing] = &[
    Missing {
        page: "openssl",
        heading: "With the provider",
        needs: "pkcs11-provider of bookworm-backports",
        test: "provider_makes_signs_and_verifies",
    },
    Missing {
        page: "post-quantum",
        heading: "With OpenSSL 3.5",
        needs: "OpenSSL 3.5",
        test: "openssl_3_5_verifies_and_encapsulates",
    },
];

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
