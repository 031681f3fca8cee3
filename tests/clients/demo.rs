//! The demonstration of the first README command, run on the module under test.

use std::fs;
use std::process::Command;

use crate::harness::{Place, repository, succeed, tool};

#[test]
fn demo_tells_what_it_does_and_leaves_a_usable_token() {
    let place = Place::new("demo");
    let program = place.file("program");
    let mut cc = Command::new(tool("cc"));
    cc.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I"]).arg(repository().join("include"));
    succeed(cc.arg("-o").arg(&program).arg(repository().join("examples/demo.c")).arg("-ldl"));
    fs::write(place.file("letter.txt"), "Dear reader\n").unwrap();
    // Twice: the second run finds the token and works with it.
    for _ in 0..2 {
        let told = succeed(place.command(&program).arg(&place.module).arg("letter.txt"));
        for step in ["token", "key", "letter.txt", "GCM", "ECDSA", "verified"] {
            assert!(told.contains(step), "no word of {step}:\n{told}");
        }
        assert_ne!(place.read("letter.txt.sealed"), place.read("letter.txt"));
        assert_eq!(place.read("letter.txt.opened"), place.read("letter.txt"));
        assert_eq!(place.read("letter.txt.signature").len(), 64);
    }
    let listed = place.pkcs11_tool(["--token-label", "demo", "--login", "--pin", "1234-user", "--list-objects"]);
    assert!(listed.contains("demo aes") && listed.contains("demo pair"), "{listed}");
}
