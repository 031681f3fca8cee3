//! OpenSSL with a token's keys: the commands of `docs/clients/openssl.md`, and what runs a page chapter by chapter for
//! the other clients' tests.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::harness::{Place, refuse, repository, succeed, system_library, tool};
use crate::install::program_file;
use crate::page::{PAGE_PIN, Page};

const PREPARE: &str = "Prepare";
const SELF_SIGNED: &str = "A self-signed certificate";
const AUTHORITY: &str = "A certificate authority";
const SERVER: &str = "A TLS server";
const FILES: &str = "Sign a file";
const CMS: &str = "CMS";
const PROVIDER: &str = "With the provider";

#[test]
fn every_command_of_the_page_is_run() {
    assert_eq!(page().headings(), [PREPARE, SELF_SIGNED, AUTHORITY, SERVER, FILES, CMS, PROVIDER]);
}

#[test]
fn self_signed_certificate_has_the_key_of_the_token() {
    let place = place();
    let told = follow(&place, &page().commands(&[PREPARE, SELF_SIGNED]));
    assert!(told.contains("self.pem: OK"), "{told}");
    assert_eq!(key_of(&place, "self.pem"), token_key(&place, "02"));
}

#[test]
fn authority_signs_certificates_of_rsa_and_elliptic_curve_keys() {
    let place = place();
    let told = follow(&place, &page().commands(&[PREPARE, AUTHORITY]));
    assert!(told.contains("web.pem: OK") && told.contains("ec.pem: OK"), "{told}");
    for (certificate, id) in [("ca.pem", "01"), ("web.pem", "02"), ("ec.pem", "03")] {
        assert_eq!(key_of(&place, certificate), token_key(&place, id), "{certificate}");
    }
}

#[test]
fn server_shakes_hands_with_an_rsa_key() {
    let place = place();
    let told = follow(&place, &page().with("4433", &free_port()).commands(&[PREPARE, AUTHORITY, SERVER]));
    hands_were_shaken(&told, "RSA-PSS");
}

#[test]
fn server_shakes_hands_with_an_elliptic_curve_key() {
    let place = place();
    let server = page().with("4433", &free_port()).with("$WEB", "$EC").with("web.pem", "ec.pem").commands(&[SERVER]);
    let told = follow(&place, &(page().commands(&[PREPARE, AUTHORITY]) + &server));
    hands_were_shaken(&told, "ECDSA");
}

#[test]
fn file_is_signed_and_the_public_key_alone_verifies() {
    let place = place();
    let told = follow(&place, &page().commands(&[PREPARE, FILES]));
    assert_eq!(told.matches("Verified OK").count(), 3, "{told}");
    for (key, id) in [("web.pub", "02"), ("ec.pub", "03")] {
        assert_eq!(String::from_utf8_lossy(&place.read(key)).trim(), token_key(&place, id), "{key}");
    }
    // The check can fail: a changed letter is refused.
    place.write("letter", b"something else");
    for (digest, key, signature) in [("-sha256", "web.pub", "letter.rsa"), ("-sha384", "ec.pub", "letter.ec")] {
        let mut verify = place.command(tool("openssl"));
        let answer = refuse(verify.args(["dgst", digest, "-verify", key, "-signature", signature, "letter"]));
        assert!(answer.contains("Verification failure"), "{answer}");
    }
}

#[test]
fn public_key_in_the_token_verifies_too() {
    let place = place();
    let verify = "openssl dgst -sha384 -engine pkcs11 -keyform engine -signature letter.ec \
                  -verify 'pkcs11:token=first;object=ec;type=public' letter\n";
    let told = follow(&place, &(page().commands(&[PREPARE, FILES]) + verify));
    assert_eq!(told.matches("Verified OK").count(), 4, "{told}");
}

/// What the page says of the engine, with two of the kinds of keys that it does not know.
#[test]
fn engine_gives_up_a_token_with_another_kind_of_private_key() {
    for kind in ["ed25519", "ml-dsa-65"] {
        let place = place();
        if place.is_peer() {
            return;
        }
        follow(&place, &page().commands(&[PREPARE]));
        let mut generate = place.command(program_file());
        generate.env("STRONGROOM_PIN", PAGE_PIN).args(["key", "generate", "--type", kind, "--label", "other"]);
        succeed(&mut generate);
        let mut request = place.command(tool("openssl"));
        request.env("PKCS11_MODULE_PATH", &place.module);
        request.args(["req", "-new", "-x509", "-engine", "pkcs11", "-keyform", "engine", "-subj", "/CN=localhost"]);
        let key = format!("pkcs11:token=first;object=web;type=private?pin-source=file:{}", place.file("pin").display());
        let told = refuse(request.args(["-key", &key, "-out", "self.pem"]));
        let quoted = page().text;
        let quoted = quoted.split("```text\n").nth(1).and_then(|block| block.split("\n```").next()).unwrap();
        for line in quoted.lines().filter(|line| *line != "...") {
            assert!(told.contains(line), "{line} of the page is missing:\n{told}");
        }
    }
}

/// A file with the PIN is one way; OpenSSL's own option is another.
#[test]
fn pin_is_taken_from_the_environment() {
    let place = place();
    let request = "openssl req -new -x509 -engine pkcs11 -keyform engine -key 'pkcs11:token=first;object=web' \
                   -subj /CN=localhost -passin env:THE_PIN -out asked.pem\n";
    let right = format!("{}export THE_PIN=1234-user\n{request}", page().commands(&[PREPARE]));
    follow(&place, &right);
    assert_eq!(key_of(&place, "asked.pem"), token_key(&place, "02"));
}

#[test]
fn cms_is_signed_verified_and_opened() {
    let place = place();
    let letter = "head -c 100000 /dev/urandom > letter\n";
    let before = page().commands(&[PREPARE, AUTHORITY]);
    let told = follow(&place, &(before + letter + &page().commands(&[CMS])));
    assert_eq!(told.matches("CMS Verification successful").count(), 2, "{told}");
    let letter = place.read("letter");
    assert_eq!(letter.len(), 100_000);
    assert!(place.read("letter.verified") == letter && place.read("letter.opened") == letter);
    let sealed = place.read("letter.sealed");
    assert!(!sealed.windows(64).any(|part| part == &letter[..64]), "the sealed letter is not readable");
    // The check can fail: a changed letter is refused.
    place.write("letter", b"something else");
    let mut verify = place.command(tool("openssl"));
    verify.args(["cms", "-verify", "-CAfile", "ca.pem", "-purpose", "any", "-binary", "-inform", "DER"]);
    let answer = refuse(verify.args(["-in", "letter.detached", "-content", "letter", "-out", "changed"]));
    assert!(answer.contains("CMS Verification failure"), "{answer}");
}

/// The provider is not in Debian 12 itself.
#[test]
#[ignore = "needs pkcs11-provider of bookworm-backports"]
fn provider_makes_signs_and_verifies() {
    let place = place();
    system_library("ossl-modules/pkcs11.so");
    let told = follow(&place, &page().commands(&[PREPARE, FILES, PROVIDER]));
    assert!(told.contains("provided.pem: OK"), "{told}");
    assert_eq!(told.matches("Verified OK").count(), 5, "{told}");
    assert_eq!(key_of(&place, "provided.pem"), token_key(&place, "03"));
    assert_eq!(String::from_utf8_lossy(&place.read("provided.pub")).trim(), token_key(&place, "04"));
    let mut verify = place.command(tool("openssl"));
    verify.args(["dgst", "-sha256", "-verify", "web.pub", "-signature", "letter.provided", "letter"]);
    assert!(succeed(&mut verify).contains("Verified OK"));
}

/// Both versions of TLS, and a page fetched besides.
fn hands_were_shaken(told: &str, signature: &str) {
    assert!(told.contains("s_server -engine pkcs11"), "curl fetched the server's page:\n{told}");
    for line in ["Protocol version: TLSv1.3", "Protocol version: TLSv1.2"] {
        assert!(told.contains(line), "{line} is missing:\n{told}");
    }
    for line in ["Verification: OK", "Peer certificate: CN = localhost", &format!("Signature type: {signature}")] {
        assert_eq!(told.matches(line).count(), 2, "{line} in both handshakes:\n{told}");
    }
}

fn page() -> Chapters {
    Chapters::read("openssl")
}

fn place() -> Place {
    system_library("engines-3/pkcs11.so");
    page().place()
}

/// The public key in a certificate, as PEM.
pub(crate) fn key_of(place: &Place, certificate: &str) -> String {
    let mut openssl = place.command(tool("openssl"));
    succeed(openssl.args(["x509", "-in", certificate, "-noout", "-pubkey"])).trim().to_owned()
}

/// The public key in the token as PEM, read without any of the page's tools.
pub(crate) fn token_key(place: &Place, id: &str) -> String {
    place.pkcs11_tool(["--read-object", "--type", "pubkey", "--id", id, "-o", "token.key"]);
    let mut openssl = place.command(tool("openssl"));
    succeed(openssl.args(["pkey", "-pubin", "-inform", "DER", "-in", "token.key"])).trim().to_owned()
}

/// A port that is free now, for a server that is about to start: below those that outgoing connections take.
pub(crate) fn free_port() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = std::process::id().wrapping_mul(16).wrapping_add(COUNTER.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + u16::try_from(number % 20_000).expect("a small number");
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port.to_string();
        }
    }
}

/// A page of `docs/clients` by its headings, so that each of its chapters is a test, with a port or a key of its own.
pub(crate) struct Chapters {
    name: &'static str,
    text: String,
}

impl Chapters {
    /// Reads `docs/clients/NAME.md`.
    pub(crate) fn read(name: &'static str) -> Self {
        let path = repository().join(format!("docs/clients/{name}.md"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}.md: {error}"));
        Self { name, text }
    }

    /// A place with the token that the page's first block makes.
    pub(crate) fn place(&self) -> Place {
        Page::read(self.name).place()
    }

    /// The page with something else in place of what it says.
    pub(crate) fn with(mut self, said: &str, instead: &str) -> Self {
        assert!(self.text.contains(said), "{}.md does not say {said}", self.name);
        self.text = self.text.replace(said, instead);
        self
    }

    /// The headings with commands below them, in the order of the page.
    pub(crate) fn headings(&self) -> Vec<&str> {
        let mut found: Vec<&str> = self.blocks().map(|(heading, _)| heading).collect();
        found.dedup();
        found
    }

    /// The commands below these headings, without the page's first block.
    pub(crate) fn commands(&self, headings: &[&str]) -> String {
        let mut commands = String::new();
        for heading in headings {
            let length = commands.len();
            commands.extend(self.blocks().skip(1).filter(|(own, _)| own == heading).map(|(_, block)| block));
            assert!(commands.len() > length, "{}.md has no commands below {heading:?}", self.name);
        }
        commands
    }

    fn blocks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.split("\n## ").skip(1).flat_map(|chapter| {
            let heading = chapter.lines().next().unwrap_or_default();
            let blocks = chapter.split("\n```sh\n").skip(1);
            blocks.map(move |block| (heading, &block[..=block.find("\n```").expect("the block ends")]))
        })
    }
}

/// Executes commands of a page as its reader would, except that they end with the first that fails, and what runs in
/// the background ends with them. Returns all they print.
pub(crate) fn follow(place: &Place, commands: &str) -> String {
    let end = "trap 'kill $(jobs -p; cat nginx.pid 2>/dev/null) 2>/dev/null || :' EXIT";
    place.write("commands.sh", format!("set -eu -o pipefail\nexec 2>&1\n{end}\n{commands}").as_bytes());
    let mut command = place.command(tool("timeout"));
    command.args(["--kill-after=5", "200", "bash", "commands.sh"]);
    command.env_remove("OPENSSL_CONF").env_remove("PKCS11_MODULE_PATH").env_remove("GNUTLS_PIN");
    succeed(&mut command)
}
