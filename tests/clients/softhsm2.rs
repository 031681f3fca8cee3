//! The way from SoftHSM2 to Strongroom, as `docs/clients/softhsm2.md` tells it.

use crate::harness::{build_directory, repository, succeed, system_library, tool};
use crate::page::{Page, as_user};

#[test]
fn page_works() {
    let page = Page::read("softhsm2");
    let place = page.place();
    if place.is_peer() {
        // The page is about the way to our module.
        return;
    }
    tool("softhsm2-util");
    system_library("softhsm/libsofthsm2.so");
    let python = repository().join("target/python/bin");
    assert!(python.join("python").is_file(), "target/python is missing: run make test-deps");
    let program = build_directory().join("strongroom");
    assert!(program.is_file(), "strongroom is missing: run cargo build --workspace");
    let mut path = std::ffi::OsString::from(python);
    for directory in [build_directory().into_os_string(), std::env::var_os("PATH").unwrap()] {
        path.push(":");
        path.push(directory);
    }
    let told = succeed(page.shell(&place).env("PATH", path));
    assert!(told.contains("Verified OK"), "{told}");
    let listed = as_user(&place, ["--list-objects"]);
    for label in ["web", "mail", "box"] {
        assert!(listed.contains(&format!("label:      {label}")), "{listed}");
    }
}
