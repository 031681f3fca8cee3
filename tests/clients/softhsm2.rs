//! The way from SoftHSM2 to Strongroom, as `docs/clients/softhsm2.md` tells it.

use std::process::Stdio;

use crate::harness::{Place, succeed, system_library, tool};
use crate::page::{PAGE_PIN, Page, as_user, program, search_path};

#[test]
fn page_works() {
    let page = Page::read("softhsm2");
    let place = page.place();
    if place.is_peer() {
        // The page is about the way to our module.
        return;
    }
    tool("softhsm2-util");
    system_library("softhsm/libsofthsm2.so");
    let told = succeed(page.shell(&place).env("PATH", search_path()));
    assert!(told.contains("Verified OK"), "{told}");
    let listed = as_user(&place, ["--list-objects"]);
    for label in ["web", "mail", "box"] {
        assert!(listed.contains(&format!("label:      {label}")), "{listed}");
    }
    assert_eq!(listed.matches("label:      web").count(), 3, "a pair and a certificate, once each:\n{listed}");

    python(&place, &[program("moved.py").to_str().unwrap(), "make"]);
    let told = python(&place, &["move.py"]);
    for line in MOVED {
        assert!(told.lines().any(|said| said == format!("{line}: moved")), "{line}:\n{told}");
    }
    assert!(told.contains("private key guarded: not moved (CKR_KEY_NOT_WRAPPABLE (0x00000069))\n"), "{told}");
    assert!(told.contains("secret key stern: not moved (has a template for other keys)\n"), "{told}");
    assert_eq!(told.matches(": moved\n").count(), MOVED.len(), "{told}");
    assert_eq!(told.matches("(there already)\n").count(), 7, "what the page's own run moved:\n{told}");

    let objects = as_user(&place, ["--list-objects"]);
    let again = python(&place, &["move.py"]);
    assert!(!again.contains(": moved\n"), "{again}");
    assert_eq!(as_user(&place, ["--list-objects"]), objects, "a second run changed something");

    // All that moved, in the page's run and in this one; the public key of the page's PEM file came with that.
    let moved: Vec<&str> = again.lines().filter(|line| *line != "public key web: not moved (there already)").collect();
    place.write("moved.txt", (moved.join("\n") + "\n").replace("not moved (there already)", "moved").as_bytes());
    assert_eq!(compare(&place).trim(), format!("{} compared", MOVED.len() + 6));
}

/// What `moved.py make` adds to the old token, but for the two keys that cannot leave.
const MOVED: [&str; 16] = [
    "data object paper",
    "private key careful",
    "private key curve",
    "private key narrow",
    "private key opener",
    "private key signer",
    "public key careful",
    "public key curve",
    "public key guarded",
    "public key narrow",
    "public key opener",
    "public key signer",
    "secret key courier",
    "secret key reader",
    "secret key twin",
    "secret key twin",
];

fn python(place: &Place, arguments: &[&str]) -> String {
    succeed(command(place).args(arguments))
}

fn compare(place: &Place) -> String {
    let printed = std::fs::File::open(place.file("moved.txt")).unwrap();
    succeed(command(place).arg(program("moved.py")).arg("compare").stdin(Stdio::from(printed)))
}

fn command(place: &Place) -> std::process::Command {
    let mut command = place.command(tool("env"));
    command.env("PATH", search_path()).env("SOFTHSM2_CONF", place.file("old.conf"));
    command.env("OLD_PIN", PAGE_PIN).env("STRONGROOM_PIN", PAGE_PIN).args(["python", "-B"]);
    command
}
