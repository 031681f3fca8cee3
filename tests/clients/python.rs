//! The two Python bindings people use, from a virtual environment that `make test-deps` makes under `target/python`.

use std::path::PathBuf;

use crate::harness::{LABEL, Place, USER_PIN, repository, succeed};
use crate::page::{Page, as_user, program};
use crate::programs::sources;

#[test]
fn page_works() {
    let mut page = Page::read("python");
    let place = page.place();
    if place.is_peer() {
        // Tokens in memory are ours.
        page = page.without("PyKCS11, in a test suite");
    }
    let mut path = interpreter().parent().unwrap().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    succeed(page.shell(&place).env("PATH", path));
    let listed = as_user(&place, ["--list-objects"]);
    for label in ["from python", "letters rsa", "letters ec"] {
        assert!(listed.contains(label), "{listed}");
    }
}

#[test]
fn python_pkcs11_works() {
    script_passes(sources().join("python_pkcs11.py"));
}

#[test]
fn python_pkcs11_has_key_pairs() {
    script_passes(program("pairs_python_pkcs11.py"));
}

#[test]
fn pykcs11_works() {
    script_passes(sources().join("pykcs11.py"));
}

#[test]
fn pykcs11_has_key_pairs() {
    script_passes(program("pairs_pykcs11.py"));
}

fn script_passes(script: PathBuf) {
    let place = Place::with_token("python");
    let mut command = place.command(interpreter());
    command.arg("-B").arg(script).args([LABEL, USER_PIN]);
    let told = succeed(&mut command);
    assert!(told.trim_end().ends_with("done"), "{told}");
}

fn interpreter() -> PathBuf {
    let path = repository().join("target/python/bin/python");
    assert!(path.is_file(), "target/python is missing: run make test-deps");
    path
}
