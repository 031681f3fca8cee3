//! GnuTLS, whose tools address tokens and objects by PKCS#11 URIs: `p11tool` by itself, and the commands of
//! `docs/clients/gnutls.md`.

use crate::harness::{Place, SO_PIN, USER_PIN, refuse, succeed, tool};
use crate::openssl::{Chapters, follow, free_port, key_of};

const TOKEN: &str = "pkcs11:token=gnutls%20test";

fn p11tool<'a>(place: &Place, arguments: impl IntoIterator<Item = &'a str>) -> String {
    let mut command = place.command(tool("p11tool"));
    command.arg("--provider").arg(&place.module).arg("--batch").args(arguments);
    succeed(&mut command)
}

fn with_token(name: &str) -> Place {
    let place = Place::new(name);
    let so_pin = format!("--set-so-pin={SO_PIN}");
    let user_pin = format!("--set-pin={USER_PIN}");
    p11tool(&place, ["--initialize", "--label=gnutls test", &so_pin, "pkcs11:token="]);
    p11tool(&place, ["--initialize-pin", &so_pin, &user_pin, TOKEN]);
    place
}

#[test]
fn token_is_initialised_and_listed() {
    let place = with_token("p11tool-init");
    let listed = p11tool(&place, ["--list-tokens"]);
    assert!(listed.contains("gnutls%20test") && listed.contains("Label: gnutls test"), "{listed}");
    let mechanisms = p11tool(&place, ["--list-mechanisms", TOKEN]);
    assert!(mechanisms.contains("CKM_AES_GCM") && mechanisms.contains("CKM_SHA256_HMAC"), "{mechanisms}");
}

#[test]
fn secret_key_is_written_listed_and_deleted() {
    let place = with_token("p11tool-key");
    let pin = format!("--set-pin={USER_PIN}");
    let key = "--secret-key=00112233445566778899aabbccddeeff";
    p11tool(&place, ["--login", &pin, "--write", key, "--label=imported", "--id=0102", TOKEN]);
    let listed = p11tool(&place, ["--login", &pin, "--list-all", TOKEN]);
    assert!(listed.contains("object=imported") && listed.contains("Secret key"), "{listed}");
    p11tool(&place, ["--login", &pin, "--delete", &format!("{TOKEN};object=imported")]);
    let mut list = place.command(tool("p11tool"));
    list.arg("--provider").arg(&place.module).args(["--batch", "--login", &pin, "--list-all", TOKEN]);
    let answer = refuse(&mut list);
    assert!(answer.contains("No matching objects found"), "{answer}");
}

#[test]
fn certificate_is_written_and_exported() {
    let place = with_token("p11tool-certificate");
    let pin = format!("--set-pin={USER_PIN}");
    let mut openssl = place.command(tool("openssl"));
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "private.pem", "-subj", "/CN=gnutls"]);
    succeed(openssl.args(["-out", "certificate.pem", "-days", "10"]));
    p11tool(&place, ["--login", &pin, "--write", "--load-certificate=certificate.pem", "--label=site", TOKEN]);
    let exported = p11tool(&place, ["--export", &format!("{TOKEN};object=site")]);
    assert_eq!(exported.trim(), String::from_utf8_lossy(&place.read("certificate.pem")).trim());
}

#[test]
fn random_bytes_differ() {
    let place = with_token("p11tool-random");
    let draw = |name: &str| {
        p11tool(&place, ["--generate-random=32", &format!("--outfile={name}"), TOKEN]);
        place.read(name)
    };
    let first = draw("first");
    assert_eq!(first.len(), 32);
    assert_ne!(first, draw("second"));
}

const PREPARE: &str = "Prepare";
const KEYS: &str = "Keys";
const CERTIFICATES: &str = "Certificates";
const TLS: &str = "A TLS server, and a client";
const FILES: &str = "Sign a file";

#[test]
fn every_command_of_the_page_is_run() {
    assert_eq!(page().headings(), [PREPARE, KEYS, CERTIFICATES, TLS, FILES]);
}

#[test]
fn keys_of_the_page_are_made_and_sign() {
    let place = page().place();
    let told = follow(&place, &page().commands(&[PREPARE, KEYS]));
    assert!(told.contains("token=first"), "{told}");
    for key in ["object=ca;type=private", "object=web;type=private", "object=ann;type=private"] {
        assert!(told.contains(key), "{key} is missing:\n{told}");
    }
    assert_eq!(told.matches("Verifying against public key in the token... ok").count(), 2, "{told}");
    for (key, id) in [("ca.pub", "01"), ("web.pub", "02"), ("ann.pub", "03")] {
        assert_eq!(String::from_utf8_lossy(&place.read(key)).trim(), token_key(&place, id), "{key}");
    }
}

#[test]
fn certificates_of_the_page_are_of_the_tokens_keys() {
    let place = page().place();
    follow(&place, &page().commands(&[PREPARE, KEYS, CERTIFICATES]));
    for (certificate, id) in [("ca.pem", "01"), ("web.pem", "02"), ("ann.pem", "03")] {
        assert_eq!(key_of(&place, certificate), token_key(&place, id), "{certificate}");
        let mut verify = place.command(tool("openssl"));
        succeed(verify.args(["verify", "-CAfile", "ca.pem", certificate]));
    }
    let mut written = place.command(tool("openssl"));
    let written = succeed(written.args(["x509", "-in", "web.pem"]));
    assert_eq!(String::from_utf8_lossy(&place.read("exported.pem")).trim(), written.trim());
}

#[test]
fn server_and_client_of_the_page_shake_hands() {
    let place = page().place();
    let port = free_port();
    let page = page().with("5556", &port);
    // A client of another make, with nothing of the token, sees the same certificate; the server refuses it.
    let stranger = format!("openssl s_client -connect localhost:{port} -CAfile ca.pem -brief < /dev/null || true\n");
    let handshake = page.commands(&[TLS]).replace("kill $SERVER\n", &format!("{stranger}kill $SERVER\n"));
    let before = page.commands(&[PREPARE, KEYS, CERTIFICATES]);
    let told = follow(&place, &(before + &handshake));
    assert!(told.contains("Status: The certificate is trusted"), "{told}");
    assert!(told.contains("Handshake was completed") && told.contains("RSA-PSS-RSAE-SHA256"), "{told}");
    assert!(told.contains("Peer certificate: CN = localhost") && told.contains("Verification: OK"), "{told}");
    let log = String::from_utf8_lossy(&place.read("server.log")).into_owned();
    assert!(log.contains("CN=Ann") && log.contains("Client Signature: ECDSA-SECP256R1-SHA256"), "{log}");
    assert!(log.contains("Error in handshake"), "a client without a certificate is refused:\n{log}");
}

#[test]
fn file_of_the_page_is_signed() {
    let place = page().place();
    let told = follow(&place, &page().commands(&[PREPARE, KEYS, CERTIFICATES, FILES]));
    assert!(told.contains("Signature status: ok"), "{told}");
    // Another implementation agrees.
    let mut verify = place.command(tool("openssl"));
    verify.args(["cms", "-verify", "-in", "letter.p7", "-inform", "PEM", "-CAfile", "ca.pem", "-purpose", "any"]);
    succeed(verify.args(["-binary", "-out", "opened"]));
    assert_eq!(place.read("opened"), place.read("letter"));
}

/// The public key in the token as PEM, read by OpenSSL's engine: `pkcs11-tool` 0.23 reads no key of P-384.
fn token_key(place: &Place, id: &str) -> String {
    let mut openssl = place.command(tool("openssl"));
    openssl.env("PKCS11_MODULE_PATH", &place.module).args(["pkey", "-engine", "pkcs11", "-inform", "engine"]);
    let key = format!("pkcs11:token=first;id=%{id};type=public");
    succeed(openssl.args(["-pubin", "-pubout", "-in", &key])).trim().to_owned()
}

fn page() -> Chapters {
    Chapters::read("gnutls")
}
