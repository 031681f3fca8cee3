//! DNSSEC: zones that Knot DNS signs with keys of the token, verified by the tools of two other makers.

use std::fs;
use std::net::UdpSocket;
use std::process::Command;

use crate::harness::{Place, refuse, run, succeed, told, tool};
use crate::page::{Page, as_user};

#[test]
fn page_works() {
    let page = Page::read("dnssec");
    let place = page.place();
    let _server = Server { place: &place };
    let mut shell = page.shell(&place);
    let output = run(shell.env("PORT", free_port().to_string()));
    assert!(output.status.success(), "{}", told(&shell, &output));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("no keys are available"), "{errors}");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("KSK ECDSAP256SHA256") && told.contains("ZSK ECDSAP256SHA256"), "{told}");
    let signed = told.lines().any(|line| line.starts_with("www.example.org.") && line.contains("RRSIG\tA 13 3 3600 "));
    assert!(signed, "the server's answer has no signature:\n{told}");

    let ecdsa = "ECDSAP256SHA256";
    for (directory, algorithm) in [("signed", ecdsa), ("served", ecdsa), ("signed-rsa", "RSASHA256")] {
        let zone = format!("{directory}/example.org.zone");
        assert!(verify(&place, &zone).contains("Zone is verified and complete"), "{zone}");
        let mut bind = place.command(tool("dnssec-verify"));
        let told = succeed(bind.args(["-o", "example.org", &zone]));
        assert!(told.contains(&format!("Algorithm: {algorithm}: KSKs: 1 active")), "{told}");
    }
    delegation_is_that_of_the_served_key(&place);
    keys_are_in_the_token(&place);
    changed_zone_is_refused(&place);
    signer_makes_keys_after_two_harmless_lines(&place);
    packaged_bind_has_no_engine(&place);
}

fn verify(place: &Place, zone: &str) -> String {
    succeed(place.command(tool("ldns-verify-zone")).arg(zone))
}

/// The digest for the parent zone is of a key that the served zone has.
fn delegation_is_that_of_the_served_key(place: &Place) {
    let mut delegate = place.command(tool("dnssec-dsfromkey"));
    let theirs = succeed(delegate.args(["-2", "-f", "served/example.org.zone", "example.org"]));
    let digest = theirs.split_whitespace().last().unwrap().to_lowercase();
    let ours = String::from_utf8(place.read("ds.txt")).unwrap().to_lowercase();
    assert!(ours.contains(&digest), "{theirs}{ours}");
}

/// Of the page's keys nothing is in a file but their identifiers.
fn keys_are_in_the_token(place: &Place) {
    let listed = as_user(place, ["--list-objects", "--type", "privkey"]);
    assert_eq!(listed.matches("Private Key Object; EC").count(), 2, "{listed}");
    assert_eq!(listed.matches("Private Key Object; RSA").count(), 2, "{listed}");
    assert_eq!(listed.matches(" sensitive, always sensitive").count(), 4, "{listed}");
    assert_eq!(listed.matches("never extractable, local").count(), 4, "{listed}");
    let list = String::from_utf8(place.read("list.txt")).unwrap();
    let identifiers: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(identifiers.len() == 2 && identifiers.iter().all(|known| listed.contains(known)), "{list}{listed}");
    // Only the database of what the keys are for: a key in a file would have a directory there.
    for directory in ["keys/keys", "keys-rsa/keys"] {
        for entry in fs::read_dir(place.file(directory)).unwrap() {
            let path = entry.unwrap().path();
            assert!(path.extension().is_some_and(|extension| extension == "mdb"), "{}", path.display());
        }
    }
}

/// One address changed after signing.
fn changed_zone_is_refused(place: &Place) {
    let zone = String::from_utf8(place.read("signed/example.org.zone")).unwrap();
    let changed = zone.replace("192.0.2.2", "192.0.2.3");
    assert_ne!(zone, changed);
    place.write("changed.zone", changed.as_bytes());
    let told = refuse(place.command(tool("ldns-verify-zone")).arg("changed.zone"));
    assert!(told.contains("Bogus"), "{told}");
}

/// What the page says of `kzonesign` without keys.
fn signer_makes_keys_after_two_harmless_lines(place: &Place) {
    let configuration = String::from_utf8(place.read("rsa.conf")).unwrap().replace("keys-rsa", "keys-none");
    place.write("none.conf", configuration.as_bytes());
    fs::create_dir(place.file("keys-none")).unwrap();
    fs::create_dir(place.file("signed-none")).unwrap();
    let mut sign = place.command("kzonesign");
    let output = run(sign.args(["-c", "none.conf", "-o", "signed-none", "example.org"]));
    assert!(output.status.success(), "{}", told(&sign, &output));
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = errors.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(lines.len(), 2, "{errors}");
    assert!(lines[0].ends_with("no keys are available") && lines[1].ends_with("(no keys for signing)"), "{errors}");
    assert!(verify(place, "signed-none/example.org.zone").contains("Zone is verified and complete"));
}

/// Likewise, of Debian's BIND.
fn packaged_bind_has_no_engine(place: &Place) {
    let mut key = place.command(tool("dnssec-keyfromlabel"));
    key.args(["-E", "pkcs11", "-a", "ECDSAP256SHA256", "-l", "pkcs11:token=first;object=example.org.%20KSK"]);
    let told = refuse(key.args(["-f", "KSK", "example.org"]));
    assert!(told.contains("no engine"), "{told}");
}

/// The page's `knotd`, which a failed page would leave behind.
struct Server<'a> {
    place: &'a Place,
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // knotd removes the file when it ends.
        if let Ok(number) = fs::read_to_string(self.place.file("run/knot.pid")) {
            let _ = Command::new("kill").arg(number.trim()).output();
        }
    }
}

fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
