//! Whose the objects are, said without opening them.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::{Ownership, UserId};
use strongroom_core::seal::Role;
use strongroom_core::session::Session;
use strongroom_core::token::Holdings;

use super::{ADMIN_PIN, ALICES_PIN, hsm};

const ALICE: UserId = UserId(3);
const BOB: UserId = UserId(4);

/// A session of an HSM with `alice` and `bob`, where nobody is logged in.
fn users() -> (Hsm, Arc<Session>) {
    let hsm = hsm();
    let slot = hsm.fresh_cloudhsm().unwrap();
    let session = hsm.session(hsm.open_session(slot, true).unwrap()).unwrap();
    session.login(CKU_SO, Some(b"password"), None).unwrap();
    session.set_pin(Some(b"password"), Some(ADMIN_PIN)).unwrap();
    let token = session.application().token();
    let admin = super::login(token, Role::Officer, "admin", ADMIN_PIN).unwrap();
    for name in ["alice", "bob"] {
        token.add_user(&admin, Role::User, name, ALICES_PIN).unwrap();
    }
    (hsm, session)
}

fn pair(session: &Session) -> (u64, u64) {
    let flag =
        |attribute, which, value| Entry { attribute: AttributeType(attribute), value: Given::Flag(which, value) };
    let number = |attribute, value| Entry { attribute: AttributeType(attribute), value: Given::Ulong(value) };
    let curve = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let public = Template::from_entries(vec![
        flag(CKA_TOKEN, Flag::Token, true),
        number(CKA_KEY_TYPE, CKK_EC),
        Entry { attribute: AttributeType(CKA_EC_PARAMS), value: Given::Bytes(&curve) },
    ]);
    let private = Template::from_entries(vec![flag(CKA_TOKEN, Flag::Token, true)]);
    let call = Call { mechanism: find(CKM_EC_KEY_PAIR_GEN).unwrap(), parameter: Parameter::None };
    session.generate_key_pair(&call, &public, &private).unwrap()
}

/// What one who logs in is told.
fn told(session: &Session, role: u64, name: &str, pin: &[u8]) -> Holdings {
    session.login(role, Some(pin), Some(name.as_bytes())).unwrap();
    let login = session.application().login().unwrap();
    let holdings = session.application().token().holdings(&login).unwrap();
    session.logout().unwrap();
    holdings
}

#[test]
fn an_officer_learns_whose_every_object_is_and_a_user_what_concerns_the_user() {
    let (_hsm, session) = users();
    session.login(CKU_USER, Some(ALICES_PIN), Some(b"alice")).unwrap();
    let (public, private) = pair(&session);
    let (_, shared) = pair(&session);
    let before = session.application().token().holdings(&session.application().login().unwrap()).unwrap().digest;
    session.share(shared, BOB).unwrap();
    session.logout().unwrap();

    let officer = told(&session, CKU_SO, "admin", ADMIN_PIN);
    let alice = told(&session, CKU_USER, "alice", ALICES_PIN);
    let bob = told(&session, CKU_USER, "bob", ALICES_PIN);
    assert_eq!(officer.objects.len(), 4);
    assert_eq!(officer, alice);
    assert_eq!(bob.digest, officer.digest);
    assert_ne!(before, officer.digest);

    let find = |holdings: &Holdings, number| holdings.objects.iter().find(|held| held.number == number).copied();
    assert_eq!(find(&officer, private).unwrap().ownership, Ownership::of(ALICE));
    assert!(find(&officer, public).unwrap().public && !find(&officer, private).unwrap().public);
    assert_eq!(find(&bob, private), None);
    assert_eq!(find(&bob, public), find(&alice, public));
    let ownership = find(&bob, shared).unwrap().ownership;
    assert_eq!((ownership.owner, ownership.sharees.as_numbers()), (ALICE, &[4][..]));
}

#[test]
fn who_is_not_activated_or_was_deleted_is_told_nothing() {
    let fresh = hsm();
    let session = fresh.open_session(fresh.fresh_cloudhsm().unwrap(), true).and_then(|it| fresh.session(it)).unwrap();
    session.login(CKU_SO, Some(b"password"), None).unwrap();
    let login = session.application().login().unwrap();
    assert!(matches!(session.application().token().holdings(&login), Err(Error::NotActivated)));

    let (_hsm, session) = users();
    let token = session.application().token();
    let admin = super::login(token, Role::Officer, "admin", ADMIN_PIN).unwrap();
    let bob = super::login(token, Role::User, "bob", ALICES_PIN).unwrap();
    session.login(CKU_USER, Some(ALICES_PIN), Some(b"alice")).unwrap();
    let (_, private) = pair(&session);
    session.share(private, BOB).unwrap();
    assert_eq!(token.holdings(&bob).unwrap().objects.len(), 2);
    token.delete_user(&admin, "bob").unwrap();
    assert!(matches!(token.holdings(&bob), Err(Error::NotLoggedIn)));
    // Nor is he told of any longer.
    let alice = token.holdings(&session.application().login().unwrap()).unwrap();
    let held = alice.objects.iter().find(|held| held.number == private).unwrap();
    assert_eq!(held.ownership, Ownership::of(ALICE));
}
