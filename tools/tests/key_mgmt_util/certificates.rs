//! getCert.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::kmu::{Kmu, LOGGED_IN};
use super::place::Outcome;

#[test]
fn the_certificate_is_that_of_the_installation() {
    let kmu = Kmu::installed();
    let expected = "\n\tCfm3GetCert() returned 0 :HSM Return: SUCCESS\n";
    fs::write(kmu.place.path("t"), "overwritten").unwrap();
    let said = kmu.session(&["getCert -f s -s 16", "getCert -t 0x10 -f t", "help"]);
    assert_eq!(said[..2], [expected, expected]);
    assert!(said[2].contains("getCert"), "{said:?}");
    assert_eq!(kmu.prompt(&["getCert -f without -s 16"])[1], expected, "without a login");
    let installed = fs::read(kmu.place.path(CERTIFICATE)).unwrap();
    for name in ["s", "t", "without"] {
        assert_eq!(fs::read(kmu.place.path(name)).unwrap(), installed, "{name}");
    }
    let subject = openssl(&kmu, "x509 -in s -noout -subject");
    assert!(subject.starts_with("subject=CN = Strongroom installation "), "{subject}");
    assert_eq!(openssl(&kmu, "verify -check_ss_sig -CAfile s s"), "s: OK\n");
}

#[test]
fn what_nobody_certified_is_refused() {
    let kmu = Kmu::installed();
    for (number, reason) in [
        ("1", "no manufacturer certified it"),
        ("2", "no manufacturer certified it"),
        ("4", "without a certificate of a customer"),
        ("8", "without a certificate of a customer"),
    ] {
        let refused = refuses(&kmu, &["-s", number], NONE);
        assert!(refused.err.contains(&format!("getCert: there is no certificate {number}: ")), "{refused:?}");
        assert!(refused.err.contains(reason), "{refused:?}");
    }
    for number in ["0", "3", "17", "24", "32", "64", "18446744073709551615"] {
        let line = format!("\n\tError: {number} is no type of certificate\n\nDescription\n");
        refuses(&kmu, &["-s", number], &line);
    }
    refuses(&kmu, &[], "\n\tError: Certificate type (-s) is missing.\n\nDescription\n");
    for words in [&["-s", "16", "-t", "16"][..], &["-s", "x"], &["-s"], &["-s", "16", "16"]] {
        refuses(&kmu, words, "\nDescription\n");
    }
    let said = kmu.session(&["getCert -s 16", "getCert -f no/such/cert -s 16"]);
    assert!(said[0].starts_with("\n\tError: Output file (-f) is missing.\n"), "{said:?}");
    assert!(said[1].starts_with("\n\tError: no/such/cert cannot be written: "), "{said:?}");
}

#[test]
fn only_the_certificate_that_was_installed_is_written() {
    let kmu = Kmu::new();
    let refused = refuses(&kmu, &["-s", "16"], NONE);
    assert!(refused.err.contains("there is no certificate at "), "no installation: {refused:?}");
    assert!(refused.err.contains("strongroom attest make"), "{refused:?}");

    let kmu = Kmu::installed();
    let path = kmu.place.path(CERTIFICATE);
    let certificate = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    says_why(&kmu, &path, "there is no certificate at ");
    fs::write(&path, format!("{certificate}\n")).unwrap();
    says_why(&kmu, &path, "is not as strongroom attest make writes it");
    let digit = certificate.len() - "\n-----END CERTIFICATE-----\n".len() - 20;
    let other = if certificate.as_bytes()[digit] == b'A' { "B" } else { "A" };
    fs::write(&path, format!("{}{other}{}", &certificate[..digit], &certificate[digit + 1..])).unwrap();
    says_why(&kmu, &path, "was changed, or not signed with the key in");
    // A good certificate, and the key it is of is not the one that is pinned.
    let remade = kmu.place.path("opt/bin/strongroom");
    kmu.place.start(remade.to_str().unwrap(), &["attest", "make"]).succeeds();
    fs::write(&path, &certificate).unwrap();
    says_why(&kmu, &path, "is the certificate of another key than the one in");
    fs::remove_file(kmu.place.path("opt/etc/strongroom/attest.pub")).unwrap();
    let refused = refuses(&kmu, &["-s", "16"], NONE);
    assert!(refused.err.contains("the manifest's key is missing"), "{refused:?}");
}

fn says_why(kmu: &Kmu, path: &Path, words: &str) {
    let refused = refuses(kmu, &["-s", "16"], NONE);
    assert!(refused.err.contains(words) && refused.err.contains(path.to_str().unwrap()), "{refused:?}");
}

/// Nothing is written, and what is said begins so.
fn refuses(kmu: &Kmu, words: &[&str], begins: &str) -> Outcome {
    let outcome = kmu.single(&[&["getCert", "-f", "cert"], words].concat());
    let said = outcome.out.strip_prefix(LOGGED_IN).unwrap_or_else(|| panic!("{outcome:?}"));
    assert!(said.starts_with(begins) && outcome.code == 0, "{words:?}: {outcome:?}");
    let files = fs::read_dir(kmu.place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!files.into_iter().any(|name| name.to_string_lossy().contains("cert")), "{words:?}");
    outcome
}

fn openssl(kmu: &Kmu, line: &str) -> String {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(kmu.place.path("")).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const CERTIFICATE: &str = "opt/share/strongroom/attest.crt";
const NONE: &str = "\n\tCfm3GetCert returned: 0xf4 : HSM Error: Certificate does not exist or is not valid\n";
