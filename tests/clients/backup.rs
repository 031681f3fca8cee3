//! Copies of tokens, put back and moved from, as `docs/backup.md` tells it.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::{Place, succeed, tool};
use crate::install::program_file;
use crate::page::{PAGE_PIN, Page, program, search_path};
use crate::softhsm2::write_script;

#[test]
fn page_works() {
    let page = Page::read("backup");
    let place = page.place();
    if place.is_peer() {
        // The files of another module are others.
        return;
    }
    write_script(&place);
    // As the module makes it where there is none.
    fs::set_permissions(place.file("tokens"), Permissions::from_mode(0o700)).unwrap();
    let told = succeed(page.shell(&place).env("PATH", search_path()));
    assert_eq!(told.matches("0 errors").count(), 2, "{told}");
    let (_, moved) = told.rsplit_once("NUMBER").unwrap();
    let kinds = ["box    02  secret   aes", "doors  03  private  ml-dsa-65", "doors  03  public   ml-dsa-65"];
    assert_eq!(moved.lines().count(), 1 + kinds.len(), "{told}");
    for kind in kinds {
        assert!(moved.contains(kind), "{kind}:\n{told}");
    }
    let first = strongroom(&place, &["key", "list", "--token", "first"]);
    assert!(first.contains("orders") && !first.contains("late") && !first.contains("box"), "{first}");
    let elsewhere = strongroom(&place, &["--dir", "elsewhere", "token", "list", "--json"]);
    assert!(elsewhere.contains("\"slot\":3") && elsewhere.contains("\"free_slot\":4"), "{elsewhere}");
    // The restored token is the one that was copied, not a new one.
    let copied = strongroom(&place, &["--dir", "monday", "token", "show"]);
    let serial = copied.lines().find(|line| line.starts_with("Serial")).unwrap();
    assert!(strongroom(&place, &["token", "show", "--token", "first"]).contains(serial), "{copied}");
}

/// The page's `save` beside a program that writes all the time: each copy is whole, and has what was there before.
#[test]
fn copies_of_a_token_in_use_are_whole() {
    let page = Page::read("backup");
    let place = page.place();
    if place.is_peer() {
        return;
    }
    let script = page.under("Copy");
    let (save, _) = script.split_once("save \"$TOKENS\"").unwrap();
    place.write("save.sh", format!("{save}save \"$1\" \"$2\"\n").as_bytes());
    let mut writer = place.command(tool("env"));
    writer.env("PATH", search_path()).args(["python", "-B"]).arg(program("writer.py")).arg(PAGE_PIN);
    let mut writer = writer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines().map(Result::unwrap);
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let reader = thread::spawn(move || lines.for_each(|line| counter.store(line.parse().unwrap(), Ordering::SeqCst)));
    for round in 0..COPIES {
        let before = written.load(Ordering::SeqCst);
        while written.load(Ordering::SeqCst) == before {
            assert!(!reader.is_finished(), "the writer has ended");
            thread::sleep(Duration::from_millis(1));
        }
        let there = written.load(Ordering::SeqCst);
        let copy = format!("copy-{round}");
        succeed(place.command(tool("bash")).args(["save.sh", "tokens", &copy]));
        strongroom(&place, &["--dir", &copy, "doctor"]);
        let found = strongroom(&place, &["--dir", &copy, "key", "list"]).matches("written").count();
        assert!(found >= there, "{found} keys of {there} in copy {round}");
    }
    drop(writer.stdin.take());
    reader.join().unwrap();
    assert!(writer.wait().unwrap().success());
}

fn strongroom(place: &Place, arguments: &[&str]) -> String {
    succeed(place.command(program_file()).env("STRONGROOM_PIN", PAGE_PIN).args(arguments))
}

const COPIES: usize = 10;
