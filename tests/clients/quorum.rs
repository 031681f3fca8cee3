//! Users, sharing and approvals: `docs/sharing.md`, and the example, with the approvers' signatures by `openssl`.

use crate::harness::{Place, refuse, repository, succeed};
use crate::page::{Page, search_path};
use crate::programs::{Language, compiler};

#[test]
fn example_signs_once_with_two_approvals() {
    let place = Place::new("quorum");
    if place.is_peer() {
        return;
    }
    for language in [Language::C, Language::Cpp] {
        let program = place.file("program");
        let mut compiler = compiler(language);
        compiler.arg("-I").arg(repository().join("include")).arg("-o").arg(&program);
        succeed(compiler.arg(repository().join("examples/quorum.c")).arg("-ldl"));
        let told = succeed(place.command(&program).arg(&place.module));
        let expected = "approved by alice, 1 missing\n\
            approved by carol, 0 missing\n\
            signed once, with the approval of alice and carol\n\
            refused: C_SignInit: CKR_FUNCTION_REJECTED: this takes the approval of 2 users; 0 approved, 2 missing (quorum)\n";
        assert_eq!(told, expected);
        assert!(refuse(place.command(&program).arg("/no/module")).contains("cannot load the module"));
    }
}

#[test]
fn page_works() {
    let page = Page::read("sharing");
    let place = page.place();
    if place.is_peer() {
        return;
    }
    let told = succeed(page.shell(&place).env("PATH", search_path()));
    assert!(told.contains("User \"alice\" may use the aes key 1 \"orders\" now."), "{told}");
    assert!(told.contains("\nShared with") && told.contains("CKA_SR_OWNER"), "{told}");
    assert!(told.ends_with("User \"alice\" may no longer use the aes key 1 \"orders\".\n"), "{told}");
}
