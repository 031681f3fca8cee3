//! Web servers and clients with a key in a token: the commands of `docs/clients/nginx.md` and `docs/clients/curl.md`.

use crate::harness::{Place, system_library};
use crate::openssl::{Chapters, follow, free_port, key_of, token_key};

const PREPARE: &str = "Prepare";
const SERVE: &str = "Serve";
const RELOAD: &str = "Reload";
const FETCH: &str = "Fetch";
const IN_THE_TOKEN: &str = "The certificate in the token, too";

#[test]
fn every_command_of_the_pages_is_run() {
    assert_eq!(Chapters::read("nginx").headings(), [PREPARE, SERVE, RELOAD]);
    assert_eq!(Chapters::read("curl").headings(), [PREPARE, FETCH, IN_THE_TOKEN]);
}

#[test]
fn nginx_serves_and_reloads_with_an_rsa_key() {
    nginx_serves("rsa:2048");
}

#[test]
fn nginx_serves_and_reloads_with_an_elliptic_curve_key() {
    nginx_serves("EC:prime256v1");
}

/// Workers are forked from the process that read the key, and each opens the token itself.
fn nginx_serves(kind: &str) {
    let place = place(&Chapters::read("nginx"));
    let told = follow(&place, &page(Chapters::read("nginx"), kind, &free_port()).commands(&[PREPARE, SERVE, RELOAD]));
    assert_eq!(told.matches("Served from a strongroom.").count(), 3, "{told}");
    assert_eq!(key_of(&place, "site.pem"), token_key(&place, "01"));
    let log = String::from_utf8(place.read("access.log")).unwrap();
    assert_eq!(log.matches("\"GET / HTTP/1.1\" 200").count(), 3, "{log}");
    let errors = String::from_utf8(place.read("error.log")).unwrap();
    for word in ["[emerg]", "[alert]", "[crit]", "[error]"] {
        assert!(!errors.contains(word), "{errors}");
    }
}

#[test]
fn nginx_does_not_start_with_a_wrong_pin() {
    let place = place(&Chapters::read("nginx"));
    let page = page(Chapters::read("nginx"), "EC:prime256v1", &free_port());
    let serve = page.commands(&[SERVE]);
    let (configure, _) = serve.split_once("/usr/sbin/nginx").unwrap();
    let start = "printf 'not the pin' > pin\nif /usr/sbin/nginx -p \"$PWD\" -c \"$PWD/nginx.conf\"; then exit 9; fi\n";
    let told = follow(&place, &(page.commands(&[PREPARE]) + configure + start));
    assert!(told.contains("cannot load certificate key"), "{told}");
}

#[test]
fn curl_shows_a_certificate_with_an_rsa_key() {
    curl_is_known("rsa:2048");
}

#[test]
fn curl_shows_a_certificate_with_an_elliptic_curve_key() {
    curl_is_known("EC:prime256v1");
}

fn curl_is_known(kind: &str) {
    let place = place(&Chapters::read("curl"));
    let port = free_port();
    let page = page(Chapters::read("curl"), kind, &port);
    // The check can fail: without a certificate the server sends no page.
    let fetch = format!("curl --silent --cacert server.pem --output stranger.html https://localhost:{port}/");
    let stranger = format!("if {fetch}; then exit 9; fi\n");
    let before = page.commands(&[PREPARE, FETCH]);
    let told = follow(&place, &(before + &stranger + &page.commands(&[IN_THE_TOKEN])));
    assert_eq!(told.matches("Subject: CN=Ann").count(), 3, "{told}");
    assert_eq!(key_of(&place, "ann.pem"), token_key(&place, "01"));
}

/// The page with another kind of key and a port of its own.
fn page(page: Chapters, kind: &str, port: &str) -> Chapters {
    page.with("--key-type rsa:2048", &format!("--key-type {kind}")).with("4433", port)
}

fn place(page: &Chapters) -> Place {
    system_library("engines-3/pkcs11.so");
    page.place()
}
