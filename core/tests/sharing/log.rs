//! What the log tells of keys of several users.

use std::ops::ControlFlow;

use cryptoki_sys::*;
use strongroom_core::attribute::CKA_SR_SHARED_WITH;
use strongroom_core::token::audit::Event;

use crate::*;

/// The entries, told shortly: event, user, object, second number.
pub(crate) fn log(desk: &Desk) -> Vec<(Event, u32, u64, u64)> {
    let mut entries = Vec::new();
    let read = desk.token().audit_entries(&mut |_, entry| {
        let entry = entry.unwrap();
        entries.push((entry.event, entry.user.0, entry.object, entry.second));
        ControlFlow::Continue(())
    });
    read.unwrap();
    entries
}

/// Promise: whoever a key is shared with from its beginning is in the log, however the key came to be.
#[test]
fn sharing_from_the_beginning_is_logged() {
    let world = World::new();
    let alice = world.desk("alice");
    let with = numbers(&[BOB, CAROL]);
    let s = &alice.session;
    let shared = [(CKA_TOKEN, TRUE), (CKA_PRIVATE, TRUE), (CKA_SR_SHARED_WITH, &with[..])];
    let uses = [(CKA_WRAP, TRUE), (CKA_UNWRAP, TRUE), (CKA_DERIVE, TRUE), (CKA_EXTRACTABLE, TRUE)];
    let base = alice.secret(CKK_AES, &[5; 32], &uses).unwrap();
    let kwp = call(CKM_AES_KEY_WRAP_KWP);
    let mut wrapped = vec![0; 40];
    s.wrap_key(&kwp, base, base, Output::Buffer(&mut wrapped)).unwrap();
    let (class, key_type, length) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_AES.to_ne_bytes(), 32_u64.to_ne_bytes());
    let secret = [&shared[..], &[(CKA_CLASS, &class), (CKA_KEY_TYPE, &key_type)]].concat();
    let start = log(&alice).len();
    let made = |event, key, second| {
        vec![(event, 2, key, second), (Event::KeyShared, 2, key, 3), (Event::KeyShared, 2, key, 4)]
    };
    let created = alice.mac_key(&shared[2..]);
    let generated = [&shared[..], &[(CKA_VALUE_LEN, &length)]].concat();
    let generated = s.generate_key(&call(CKM_AES_KEY_GEN), &template(&generated)).unwrap();
    let unwrapped = s.unwrap_key(&kwp, base, &wrapped, &template(&secret)).unwrap();
    let data = Parameter::Bytes(&[7; 32]);
    let encrypt = Call { mechanism: find(CKM_AES_ECB_ENCRYPT_DATA).unwrap(), parameter: data };
    let derived =
        s.derive_key(&encrypt, base, &template(&[&secret[..], &[(CKA_VALUE_LEN, &length)]].concat())).unwrap().key;
    let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let public = template(&[(CKA_EC_PARAMS, &p256)]);
    let (_, private) = s.generate_key_pair(&call(CKM_EC_KEY_PAIR_GEN), &public, &template(&shared)).unwrap();
    let container = s.extract_masked(created).unwrap();
    let masked = s.insert_masked(&container).unwrap();
    let expected = [
        made(Event::ObjectCreated, created, 0),
        made(Event::ObjectGenerated, generated, 0),
        made(Event::ObjectUnwrapped, unwrapped, base),
        made(Event::ObjectDerived, derived, base),
        made(Event::ObjectGenerated, private, 0),
        vec![(Event::MaskedOut, 2, created, 0)],
        made(Event::MaskedIn, masked, created),
    ];
    assert_eq!(log(&alice)[start..], expected.concat());
    // What is refused is shared with nobody.
    let start = log(&alice).len();
    alice.secret(CKK_AES, &[5; 32], &[(CKA_SR_SHARED_WITH, &numbers(&[BOB, UserId(77)]))]).unwrap_err();
    assert_eq!(log(&alice)[start..], []);
}

/// Promise: a change of attributes is told as one, and sharing as sharing, also where somebody was deleted with whom
/// the key was shared: that is told once, as the deletion.
#[test]
fn a_change_is_told_as_what_it_is() {
    let world = World::new();
    let (alice, so) = (world.desk("alice"), world.desk("so"));
    let with = numbers(&[BOB, CAROL]);
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &with)]);
    let other = alice.mac_key(&[(CKA_SR_SHARED_WITH, &with)]);
    let start = log(&alice).len();
    so.token().delete_user(&so.login(), "bob").unwrap();
    so.token().set_trust(&so.login(), other, true).unwrap();
    so.token().set_trust(&so.login(), other, false).unwrap();
    alice.session.set_attributes(key, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
    alice.session.share(other, DAVE).unwrap();
    alice.session.unshare(other, CAROL).unwrap();
    alice.session.set_attributes(other, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
    let expected = [
        (Event::UserDeleted, 1, 0, 3),
        (Event::TrustGiven, 1, other, 0),
        (Event::TrustTaken, 1, other, 0),
        (Event::ObjectChanged, 2, key, 0),
        (Event::KeyShared, 2, other, 5),
        (Event::KeyUnshared, 2, other, 4),
        (Event::ObjectChanged, 2, other, 0),
    ];
    assert_eq!(log(&alice)[start..], expected);
}
