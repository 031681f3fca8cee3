//! Node.js with graphene-pk11 and pkcs11js, which `make test-deps` installs under `target/node`.

use std::path::PathBuf;

use crate::harness::{repository, succeed, tool};
use crate::page::{PAGE_PIN, Page, as_user, program};

#[test]
fn page_works() {
    let page = Page::read("node");
    let place = page.place();
    succeed(page.shell(&place).env("NODE_PATH", packages()));
    let listed = as_user(&place, ["--list-objects"]);
    assert!(listed.contains("label:      orders") && listed.contains("label:      letters"), "{listed}");
}

#[test]
fn program_walks_through_the_api() {
    let place = Page::read("node").place();
    let mut node = place.command(tool("node"));
    node.env("NODE_PATH", packages()).arg(program("walk.js")).args(["first", PAGE_PIN]);
    assert_eq!(succeed(&mut node).trim(), "done");
}

fn packages() -> PathBuf {
    let path = repository().join("target/node/node_modules");
    assert!(path.join("graphene-pk11").is_dir(), "target/node is missing: run make test-deps");
    path
}
