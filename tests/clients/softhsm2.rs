//! The way from SoftHSM2 to Strongroom, as `docs/clients/softhsm2.md` tells it.

use std::process::Stdio;

use crate::harness::{Place, succeed, system_library, tool};
use crate::install::program_file;
use crate::page::{PAGE_PIN, PAGE_SO_PIN, Page, as_user, program, search_path};

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

/// The page's script between two tokens of ours: keys of every type, and what `moved.py` has beside them.
#[test]
fn script_moves_keys_of_every_type_between_two_tokens() {
    let page = Page::read("softhsm2");
    let place = page.place();
    if place.is_peer() {
        return;
    }
    write_script(&place);
    let strongroom = |arguments: &[&str]| {
        let mut command = place.command(program_file());
        command.env("STRONGROOM_SO_PIN", PAGE_SO_PIN).env("STRONGROOM_PIN", PAGE_PIN);
        succeed(command.args(arguments))
    };
    strongroom(&["token", "init", "--label", "second"]);
    for kind in PAIRS.into_iter().chain(SECRETS) {
        let key = ["key", "generate", "--token", "second", "--type", kind, "--label", kind, "--extractable"];
        strongroom(&key);
    }
    strongroom(&["key", "generate", "--token", "second", "--type", "ml-dsa-44", "--label", "kept"]);
    let between = |arguments: &[&str]| {
        let mut command = command(&place);
        command.env("OLD_MODULE", &place.module).env("OLD_TOKEN", "second");
        command.args(arguments);
        command
    };
    let script = program("moved.py");
    let script = script.to_str().unwrap();
    succeed(&mut between(&[script, "make"]));

    let one = succeed(&mut between(&["move.py", "ml-dsa-65"]));
    assert_eq!(one, "private key ml-dsa-65: moved\npublic key ml-dsa-65: moved\n");
    let told = succeed(&mut between(&["move.py"]));
    let stay: Vec<&str> = told.lines().filter(|line| !line.ends_with(": moved")).collect();
    let expected = [
        "private key careful: not moved (CKR_USER_NOT_LOGGED_IN (0x00000101))",
        "private key guarded: not moved (CKR_KEY_NOT_WRAPPABLE (0x00000069))",
        "private key kept: not moved (not extractable)",
        "private key ml-dsa-65: not moved (there already)",
        "public key ml-dsa-65: not moved (there already)",
        "secret key stern: not moved (has a template for other keys)",
        "secret key strict: not moved (has a template for other keys)",
    ];
    assert_eq!(stay, expected, "{told}");
    let again = succeed(&mut between(&["move.py"]));
    assert!(!again.contains(": moved\n"), "{again}");

    place.write("moved.txt", format!("{told}{one}").as_bytes());
    let printed = std::fs::File::open(place.file("moved.txt")).unwrap();
    let compared = succeed(between(&[script, "compare"]).stdin(Stdio::from(printed)));
    // Of two that stay: "careful" is among those that SoftHSM2 lets go, "kept" has a public half.
    let moved = 2 * PAIRS.len() + SECRETS.len() + (MOVED.len() - 1) + 1;
    assert_eq!(compared.trim(), format!("{moved} compared"), "{told}");
}

/// One of each type of pair that a public key needs other attributes for, and the other parameter sets of one.
const PAIRS: [&str; 13] = [
    "rsa-2048",
    "ec",
    "ed25519",
    "ed448",
    "x25519",
    "x448",
    "dsa",
    "dh",
    "x942-dh",
    "ml-kem-768",
    "ml-dsa-65",
    "ml-dsa-87",
    "slh-dsa-sha2-128f",
];

const SECRETS: [&str; 6] = ["aes", "des3", "chacha20", "generic", "sha256-hmac", "hkdf"];

/// What `moved.py make` adds to the old token, but for the keys that cannot leave.
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

/// The page's `move.py`, which another page uses, too.
pub(crate) fn write_script(place: &Place) {
    Page::read("softhsm2").write_files(place);
}

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
