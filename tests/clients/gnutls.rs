//! GnuTLS's `p11tool`, which addresses tokens and objects by PKCS#11 URIs.

use crate::harness::{Place, SO_PIN, USER_PIN, refuse, succeed, tool};

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
