//! NSS: its database with our module in it, certutil, cmsutil and pk12util. `openssl` checks what they make.

use crate::harness::{Place, refuse, succeed, tool};
use crate::page::{Page, as_user};

#[test]
fn page_works() {
    let page = Page::read("nss");
    let place = page.place();
    let told = page.run(&place);
    assert!(told.contains("Token Name: first"), "{told}");
    assert!(told.contains("certificate is valid"), "{told}");
    assert!(told.contains("PKCS12 IMPORT SUCCESSFUL"), "{told}");
    for (kind, name) in [("rsa", "first:authority"), ("ec", "first:site"), ("rsa", "first:alice")] {
        let listed = told.lines().any(|line| line.starts_with('<') && line.contains(kind) && line.ends_with(name));
        assert!(listed, "no {kind} key of {name}:\n{told}");
    }

    for certificate in ["authority.pem", "site.pem", "alice.pem"] {
        openssl(&place, ["verify", "-CAfile", "authority.pem", certificate]);
    }
    openssl(&place, ["req", "-in", "request.csr", "-verify", "-noout"]);
    let mut open = vec!["cms", "-verify", "-inform", "DER", "-in", "signed.p7", "-CAfile", "authority.pem"];
    open.extend(["-out", "verified.txt"]);
    openssl(&place, open);
    assert_eq!(place.read("verified.txt"), place.read("letter.txt"));
    assert_eq!(place.read("opened.txt"), place.read("letter.txt"));

    message_from_openssl_is_opened(&place);
    imported_key_is_the_one_of_the_file(&place);
    sensitive_key_is_not_exported(&place);
    wrong_pin_is_refused(&place);
}

fn message_from_openssl_is_opened(place: &Place) {
    let seal = ["cms", "-encrypt", "-aes256", "-in", "letter.txt", "-outform", "DER", "-out", "from.p7", "alice.pem"];
    openssl(place, seal);
    let opened = succeed(place.command(tool("cmsutil")).args(["-D", "-d", "sql:nssdb", "-f", "pin", "-i", "from.p7"]));
    assert_eq!(opened.as_bytes().trim_ascii_end(), place.read("letter.txt").trim_ascii_end());
}

fn imported_key_is_the_one_of_the_file(place: &Place) {
    let found = as_user(place, ["--list-objects", "--type", "cert"]);
    assert!(found.contains("old"), "{found}");
    let id = found.split("label:").find(|entry| entry.trim_start().starts_with("old")).and_then(|entry| {
        let (_, rest) = entry.split_once("ID:")?;
        rest.split_whitespace().next()
    });
    let id = id.unwrap_or_else(|| panic!("no identifier:\n{found}"));
    as_user(place, ["--sign", "-m", "SHA256-RSA-PKCS", "--id", id, "-i", "letter.txt", "-o", "signature"]);
    openssl(place, ["x509", "-in", "old.pem", "-noout", "-pubkey", "-out", "old.pub"]);
    openssl(place, ["dgst", "-sha256", "-verify", "old.pub", "-signature", "signature", "letter.txt"]);
}

fn sensitive_key_is_not_exported(place: &Place) {
    let mut export = place.command(tool("pk12util"));
    let told = refuse(export.args(["-d", "sql:nssdb", "-k", "pin", "-n", "first:alice", "-W", "x", "-o", "out.p12"]));
    assert!(told.contains("SEC_ERROR_PKCS12_UNABLE_TO_EXPORT_KEY"), "{told}");
}

fn wrong_pin_is_refused(place: &Place) {
    place.write("wrong", b"wrong-pin\n");
    let told = refuse(place.command(tool("certutil")).args(["-K", "-d", "sql:nssdb", "-h", "first", "-f", "wrong"]));
    assert!(told.contains("Incorrect password/PIN entered") || told.contains("SEC_ERROR_BAD_PASSWORD"), "{told}");
}

fn openssl<'a>(place: &Place, arguments: impl IntoIterator<Item = &'a str>) -> String {
    succeed(place.command(tool("openssl")).args(arguments))
}
