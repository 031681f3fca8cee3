//! The two Python bindings people use, from a virtual environment that `make test-deps` makes under `target/python`.

use std::path::PathBuf;

use crate::harness::{LABEL, Place, USER_PIN, repository, succeed};
use crate::programs::sources;

#[test]
fn python_pkcs11_works() {
    script_passes("python_pkcs11.py");
}

#[test]
fn pykcs11_works() {
    script_passes("pykcs11.py");
}

fn script_passes(script: &str) {
    let place = Place::with_token(script);
    let mut command = place.command(interpreter());
    command.arg("-B").arg(sources().join(script)).args([LABEL, USER_PIN]);
    let told = succeed(&mut command);
    assert!(told.trim_end().ends_with("done"), "{told}");
}

fn interpreter() -> PathBuf {
    let path = repository().join("target/python/bin/python");
    assert!(path.is_file(), "target/python is missing: run make test-deps");
    path
}
