//! ML-DSA, SLH-DSA and ML-KEM, as `docs/clients/post-quantum.md` shows them.

use std::process::Command;

use crate::harness::{Place, refuse, repository, run, succeed, told, tool};
use crate::install::program_file;
use crate::page::{PAGE_PIN, Page, as_user, program, search_path};

const OPENSSL: &str = "With OpenSSL 3.5";

#[test]
fn page_works() {
    let page = Page::read("post-quantum");
    let place = page.place();
    if place.is_peer() {
        // No other module here has these mechanisms.
        return;
    }
    let told = succeed(&mut shell(&page.without(OPENSSL), &place));
    for kind in ["ml-dsa-65", "slh-dsa-sha2-128s", "ml-kem-768"] {
        assert_eq!(told.matches(&format!("private  {kind} ")).count(), 1, "{kind}:\n{told}");
    }
    for (file, length) in [("firmware.sig", 3309), ("archive.sig", 7856), ("capsule", 1088)] {
        assert_eq!(place.read(file).len(), length, "{file}");
    }
    assert_ne!(place.read("letter.sealed"), place.read("letter"));
    both_ends_have_the_same_key(&place);
    changed_capsule_gives_another_key(&place);
    tool_has_no_room_for_the_signature(&place);
    older_openssl_is_told_apart(&place);
}

/// Every row of the page's table: each kind is made, and has and gives as many bytes as the row says.
#[test]
fn sizes_are_those_of_the_page() {
    let text = std::fs::read_to_string(repository().join("docs/clients/post-quantum.md")).unwrap();
    let place = Page::read("post-quantum").place();
    if place.is_peer() {
        return;
    }
    let mut expected = String::new();
    for row in text.lines().filter(|line| line.starts_with("| `ml-") || line.starts_with("| `slh-")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let names: Vec<&str> = cells[0].split('`').skip(1).step_by(2).collect();
        let lengths = |cell: usize| cells[cell].split(", ").map(str::trim);
        for ((name, public), answer) in names.iter().zip(lengths(2)).zip(lengths(3)) {
            // After the first name only what is different.
            let (family, _) = names[0].rsplit_once('-').unwrap();
            let kind = if name.starts_with('-') { format!("{family}{name}") } else { (*name).to_owned() };
            let twin = kind.contains("sha2").then(|| kind.replace("sha2", "shake"));
            for kind in std::iter::once(kind).chain(twin) {
                let mut generate = place.command(program_file());
                generate.env("STRONGROOM_PIN", PAGE_PIN).args(["key", "generate", "--type", &kind, "--label", &kind]);
                succeed(&mut generate);
                expected += &format!("{kind} {public} {answer}\n");
            }
        }
    }
    assert_eq!(expected.lines().count(), 3 + 12 + 3, "{expected}");
    place.write("expected", expected.as_bytes());
    let mut measure = place.command(tool("env"));
    measure.env("PATH", search_path()).args(["python", "-B"]).arg(program("sizes.py")).args(["expected", PAGE_PIN]);
    assert_eq!(succeed(&mut measure).trim(), "done");
}

/// Debian 12 has 3.0, which knows none of these keys.
#[test]
#[ignore = "needs OpenSSL 3.5"]
fn openssl_3_5_verifies_and_encapsulates() {
    let page = Page::read("post-quantum");
    let place = page.place();
    let told = succeed(&mut shell(&page, &place));
    assert_eq!(told.matches("Verified OK").count(), 2, "{told}");
    place.write("letter", b"Dear writer\n");
    for (key, signature) in [("firmware.pub", "firmware.sig"), ("archive.pub", "archive.sig")] {
        let mut verify = place.command(tool("openssl"));
        let told = refuse(verify.args(["dgst", "-verify", key, "-signature", signature, "letter"]));
        assert!(told.contains("Verification failure"), "{told}");
    }
}

/// The block for OpenSSL 3.5 stops before it writes anything, and the shell it was pasted into goes on.
fn older_openssl_is_told_apart(place: &Place) {
    let block = Page::read("post-quantum").under(OPENSSL);
    let versions = [
        ("OpenSSL 3.0.19 27 Jan 2026", false),
        ("OpenSSL 3.4.1 11 Feb 2025", false),
        ("LibreSSL 3.8.2", false),
        ("OpenSSL 3.5.0 8 Apr 2025", true),
        ("OpenSSL 3.12.0 1 Jan 2030", true),
        ("OpenSSL 4.0.0 1 Jan 2030", true),
    ];
    for (version, new_enough) in versions {
        // Of the new ones only the first command: there is no such OpenSSL here.
        let fake = format!("openssl() {{ [ \"$1\" = version ] || exit 7; echo '{version}'; }}\n");
        place.write("pasted.sh", format!("{fake}{block}echo \"status $?\"\n").as_bytes());
        let mut command = place.command(tool("bash"));
        let output = run(command.arg("pasted.sh"));
        let expected = if new_enough { "status 7\n" } else { "status 1\n" };
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{}", told(&command, &output));
        let word = format!("this is {version}, and older than 3.5: nothing done\n");
        let expected = if new_enough { "" } else { &*word };
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected, "{}", told(&command, &output));
    }
    assert!(!place.file("letter.openssl").exists() && !place.file("capsule.openssl").exists());
}

fn shell(page: &Page, place: &Place) -> Command {
    let mut shell = page.shell(place);
    shell.env("PATH", search_path()).env("C_INCLUDE_PATH", repository().join("include"));
    shell
}

fn kem(place: &Place, arguments: &[&str]) {
    succeed(place.command(place.file("kem")).env("STRONGROOM_PIN", PAGE_PIN).args(arguments));
}

/// The same blocks come of both: the page's padding alone could agree by chance.
fn both_ends_have_the_same_key(place: &Place) {
    place.write_data("blocks", 64);
    for (id, sealed) in [("11", "sent"), ("12", "received")] {
        as_user(place, ["--encrypt", "--mechanism", "AES-ECB", "--id", id, "-i", "blocks", "-o", sealed]);
    }
    assert_eq!(place.read("sent"), place.read("received"));
}

fn changed_capsule_gives_another_key(place: &Place) {
    let mut capsule = place.read("capsule");
    capsule[700] ^= 1;
    place.write("changed", &capsule);
    kem(place, &["receive", "inbox", "changed", "14"]);
    as_user(place, ["--encrypt", "--mechanism", "AES-ECB", "--id", "14", "-i", "blocks", "-o", "other"]);
    assert_ne!(place.read("other"), place.read("sent"));
}

/// What the page says of `pkcs11-tool` 0.23.
fn tool_has_no_room_for_the_signature(place: &Place) {
    let mut sign = place.command(tool("pkcs11-tool"));
    sign.arg("--module").arg(&place.module).args(["--token-label", "first", "--login", "--pin", PAGE_PIN]);
    let told = refuse(sign.args(["--sign", "--mechanism", "0x1d", "-i", "letter", "-o", "none"]));
    assert!(told.contains("CKR_OPERATION_ACTIVE"), "{told}");
}
