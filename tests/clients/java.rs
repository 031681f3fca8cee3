//! Java 17's SunPKCS11: keytool, jarsigner and programs. Results are compared with `openssl` and with Java's providers
//! in software.

use crate::harness::{Place, refuse, run, succeed, tool};
use crate::page::{PAGE_PIN, Page, as_user, program};

#[test]
fn page_works() {
    let page = Page::read("java");
    let place = page.place();
    let told = page.run(&place);
    assert!(told.contains("web, PrivateKeyEntry") && told.contains("sign, PrivateKeyEntry"), "{told}");
    assert!(told.contains("Certificate chain length: 2") && told.contains("Issuer: CN=Authority"), "{told}");
    assert!(told.contains("jar signed.") && told.contains("jar verified."), "{told}");

    succeed(place.command(tool("openssl")).args(["verify", "-CAfile", "web.pem", "web.pem"]));
    let mut request = place.command(tool("openssl"));
    succeed(request.args(["req", "-in", "web.csr", "-verify", "-noout"]));
    assert_eq!(public_key(&place, "x509", "web.pem"), public_key(&place, "req", "web.csr"));

    // The keys were made in the token, and are there for other programs.
    let listed = as_user(&place, ["--list-objects"]);
    for made in ["Private Key Object; RSA", "Private Key Object; EC", "Secret Key Object; AES length 32"] {
        assert!(listed.contains(made), "no {made}:\n{listed}");
    }
    assert!(listed.contains("never extractable, local"), "{listed}");

    jar_with_another_content_is_refused(&place);
    wrong_pin_is_refused(&place);
}

/// The long program, on a token whose keys keytool made; digests are the token's too.
#[test]
fn program_walks_through_the_provider() {
    let page = Page::read("java");
    let place = page.place();
    page.run(&place);
    let configuration = String::from_utf8(place.read("strongroom.cfg")).unwrap();
    let (before, rest) = configuration.split_once("disabledMechanisms").unwrap();
    let (_, after) = rest.split_once("}\n").unwrap();
    place.write("walk.cfg", format!("{before}{after}").as_bytes());
    let told = succeed(place.command(tool("java")).arg(program("Walk.java")).args(["walk.cfg", PAGE_PIN]));
    assert_eq!(told.trim(), "done");
}

fn public_key(place: &Place, kind: &str, file: &str) -> String {
    succeed(place.command(tool("openssl")).args([kind, "-in", file, "-noout", "-pubkey"]))
}

fn jar_with_another_content_is_refused(place: &Place) {
    place.write("letter.txt", b"Dear writer\n");
    succeed(place.command(tool("jar")).args(["--update", "--file", "signed.jar", "letter.txt"]));
    let output = run(place.command(tool("jarsigner")).args(["-verify", "signed.jar"]));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && !told.contains("jar verified"), "{told}");
}

fn wrong_pin_is_refused(place: &Place) {
    let mut list = place.command(tool("keytool"));
    list.args(["-list", "-addprovider", "SunPKCS11", "-providerarg", "strongroom.cfg", "-keystore", "NONE"]);
    let told = refuse(list.args(["-storetype", "PKCS11", "-storepass", "wrong-pin"]));
    assert!(told.contains("load failed"), "{told}");
}
