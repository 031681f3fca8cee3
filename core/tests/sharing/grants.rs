//! Sharing: from when on, until when, and what a sharee may do.

use cryptoki_sys::*;
use strongroom_core::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_OWNER, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS,
};
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::{AttributeValue, UserId};
use strongroom_core::seal::Role;
use strongroom_core::session::Output;

use crate::*;

/// Promise: a key is its sharee's to find and to use from the moment it is shared, also in a process that runs already,
/// and nobody else's; and no longer from the moment it is unshared, operations in progress included.
#[test]
fn sharing_holds_from_share_to_unshare() {
    let world = World::new();
    let (alice, bob, carol) = (world.desk("alice"), world.desk("bob"), world.desk("carol"));
    let key = alice.mac_key(&[(CKA_LABEL, b"shared")]);
    let mac = alice.mac(key).unwrap();
    assert!(bob.found(&[(CKA_LABEL, b"shared")]).is_empty());
    assert!(matches!(bob.mac(key), Err(Error::NoKey(_))));

    alice.session.share(key, BOB).unwrap();
    assert_eq!(bob.found(&[(CKA_LABEL, b"shared")]), [key]);
    assert_eq!(bob.found(&[]), [key]);
    assert_eq!(bob.mac(key).unwrap(), mac);
    assert!(carol.found(&[]).is_empty());
    assert!(matches!(carol.mac(key), Err(Error::NoKey(_))));
    // A new process of his reads it from the files.
    assert_eq!(world.desk("bob").mac(key).unwrap(), mac);

    let waiting = bob.another_session();
    waiting.sign_init(&call(CKM_SHA256_HMAC), key).unwrap();
    alice.session.unshare(key, BOB).unwrap();
    let late = waiting.sign(b"data", Output::Buffer(&mut [0; 32]));
    assert!(matches!(late, Err(Error::OperationNotInitialized)), "{late:?}");
    assert!(bob.found(&[]).is_empty());
    assert!(matches!(bob.mac(key), Err(Error::NoKey(_))));
    assert!(matches!(world.desk("bob").mac(key), Err(Error::NoKey(_))));
    assert_eq!(alice.mac(key).unwrap(), mac);
}

/// Promise: a sharee uses a key and reads its attributes; only the owner changes, shares, unshares, lets out, copies
/// and destroys it, and only the owner has its value, even that of a key which is neither sensitive nor kept inside.
#[test]
fn a_sharee_uses_and_nothing_more() {
    let world = World::new();
    let (alice, bob) = (world.desk("alice"), world.desk("bob"));
    let open = [(CKA_SENSITIVE, FALSE), (CKA_LABEL, &b"open"[..])];
    let key = alice.mac_key(&open);
    let (with, wrapper) = (numbers(&[BOB]), [7; 32]);
    alice.session.share(key, BOB).unwrap();
    let bobs = bob.secret(CKK_AES, &wrapper, &[(CKA_WRAP, TRUE)]).unwrap();
    let session = &bob.session;

    let object = session.object(key).unwrap();
    let read = |attribute| object.attribute(AttributeType(attribute));
    assert_eq!(read(CKA_LABEL).unwrap(), AttributeValue::Bytes(b"open"));
    assert_eq!(read(CKA_EXTRACTABLE).unwrap(), AttributeValue::Flag(true));
    assert_eq!(read(CKA_SR_OWNER).unwrap(), AttributeValue::Ulong(ALICE.0.into()));
    assert_eq!(read(CKA_SR_SHARED_WITH).unwrap(), AttributeValue::Mechanisms(&[BOB.0.into()]));
    assert!(matches!(read(CKA_VALUE), Err(Error::AttributeSensitive(_))));
    let owners = alice.session.object(key).unwrap();
    assert!(matches!(owners.attribute(AttributeType(CKA_VALUE)).unwrap(), AttributeValue::Bytes(_)));

    let refused = [
        ("change", session.set_attributes(key, &template(&[(CKA_LABEL, b"mine")]))),
        ("share", session.share(key, CAROL)),
        ("unshare", session.unshare(key, BOB)),
        ("copy", session.copy_object(key, &template(&[])).map(drop)),
        ("destroy", session.destroy_object(key)),
        ("wrap", session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), bobs, key, Output::Buffer(&mut [0; 64])).map(drop)),
    ];
    for (what, result) in refused {
        assert!(matches!(result, Err(Error::NotOwner)), "{what}: {result:?}");
    }
    assert!(matches!(
        session.digest_init(&call(CKM_SHA256)).and_then(|()| session.digest_key(key)),
        Err(Error::KeyIndigestible)
    ));
    // What he derives is as closed to him as the key.
    let parameter = Parameter::Bytes(b"more");
    let concatenate = Call { mechanism: find(CKM_CONCATENATE_BASE_AND_DATA).unwrap(), parameter };
    let told = session.derive_key(&concatenate, key, &template(&[(CKA_SENSITIVE, FALSE), (CKA_EXTRACTABLE, TRUE)]));
    assert!(told.is_err());
    let hashed = session.derive_key(&call(CKM_SHA256_KEY_DERIVATION), key, &template(&[]));
    let derived = session.object(hashed.unwrap().key).unwrap();
    assert!(matches!(derived.attribute(AttributeType(CKA_VALUE)), Err(Error::AttributeSensitive(_))));
    // The owner does all of it.
    assert_eq!(alice.found(&[(CKA_SR_SHARED_WITH, &with)]), [key]);
    alice.session.set_attributes(key, &template(&[(CKA_LABEL, b"hers")])).unwrap();
    assert_eq!(bob.found(&[(CKA_LABEL, b"hers")]), [key]);
    alice.session.destroy_object(key).unwrap();
    assert!(matches!(bob.mac(key), Err(Error::NoKey(_))));
}

/// Promise: what cannot be shared is refused with its reason, and nothing is changed.
#[test]
fn only_private_keys_in_the_token_are_shared_with_other_users() {
    let world = World::new();
    let alice = world.desk("alice");
    let key = alice.mac_key(&[]);
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let key_type = CKK_AES.to_ne_bytes();
    let common = [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type), (CKA_VALUE, &[1; 32])];
    let made = |more: &[(u64, &[u8])]| alice.session.create_object(&template(&[&common, more].concat()));
    let in_session = made(&[(CKA_PRIVATE, TRUE)]).unwrap();
    let in_public = made(&[(CKA_TOKEN, TRUE), (CKA_PRIVATE, FALSE)]).unwrap();
    for other in [in_session, in_public] {
        assert!(matches!(alice.session.share(other, BOB), Err(Error::Prohibited(_))));
    }
    let with = numbers(&[BOB]);
    for place in [[(CKA_TOKEN, FALSE), (CKA_PRIVATE, TRUE)], [(CKA_TOKEN, TRUE), (CKA_PRIVATE, FALSE)]] {
        let shared = made(&[&place[..], &[(CKA_SR_SHARED_WITH, &with)]].concat());
        assert!(matches!(shared, Err(Error::TemplateInconsistent { .. })), "{shared:?}");
    }
    let before = alice.session.object(key).unwrap().version;
    for (user, expected) in [(ALICE, "owner"), (UserId(1), "officer"), (UserId(99), "nobody"), (UserId(0), "zero")] {
        assert!(alice.session.share(key, user).is_err(), "{expected}");
    }
    assert!(matches!(alice.session.unshare(key, BOB), Err(Error::AttributeValue { .. })));
    alice.session.share(key, BOB).unwrap();
    assert!(matches!(alice.session.share(key, BOB), Err(Error::AttributeValue { .. })));
    assert_eq!(alice.session.object(key).unwrap().version, before + 1);
}

/// Promise: at most eight users have a key, its owner among them; they may be named when it is made.
#[test]
fn eight_users_have_a_key() {
    let world = World::new();
    let officer = world.desk("so");
    let more: Vec<UserId> = (0..5)
        .map(|number| {
            let name = format!("user{number}");
            officer.token().add_user(&officer.login(), Role::User, &name, &pin(&name)).unwrap()
        })
        .collect();
    let alice = world.desk("alice");
    let all: Vec<UserId> = [BOB, CAROL, DAVE].into_iter().chain(more).collect();
    let (seven, eight) = (numbers(&all[..7]), numbers(&all[..8]));
    let made = |with: &[u8]| alice.secret(CKK_GENERIC_SECRET, &[9; 32], &[(CKA_SR_SHARED_WITH, with)]);
    assert!(matches!(made(&eight), Err(Error::AttributeValue { .. })));
    let key = made(&seven).unwrap();
    assert!(matches!(alice.session.share(key, all[7]), Err(Error::AttributeValue { .. })));
    assert_eq!(world.desk("user3").found(&[]), [key]);
    assert_eq!(world.desk("user4").found(&[]), [0; 0]);
    alice.session.unshare(key, all[0]).unwrap();
    alice.session.share(key, all[7]).unwrap();
    assert_eq!(world.desk("user4").found(&[]), [key]);
    for unknown in [numbers(&[UserId(1)]), numbers(&[UserId(77)])] {
        assert!(matches!(made(&unknown), Err(Error::NoSuchUser(_))));
    }
    assert!(matches!(made(&numbers(&[BOB, BOB])), Err(Error::AttributeValue { .. })));
    assert_eq!(alice.found(&[]), [key]);
}

/// Promise: both halves of a pair are made with one call, and only the private one is shared; everybody has the public
/// one.
#[test]
fn of_a_pair_the_private_half_is_shared() {
    let world = World::new();
    let (alice, bob) = (world.desk("alice"), world.desk("bob"));
    let with = numbers(&[BOB]);
    let p256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let common = [(CKA_TOKEN, TRUE), (CKA_LABEL, &b"pair"[..])];
    let public = [&common[..], &[(CKA_EC_PARAMS, &p256[..]), (CKA_PRIVATE, FALSE)]].concat();
    let private = [&common[..], &[(CKA_SR_SHARED_WITH, &with[..]), (CKA_SIGN, TRUE)]].concat();
    let generate = call(CKM_EC_KEY_PAIR_GEN);
    let (public, private) =
        alice.session.generate_key_pair(&generate, &template(&public), &template(&private)).unwrap();
    let mut signature = [0; 64];
    bob.session.sign_init(&call(CKM_ECDSA_SHA256), private).unwrap();
    bob.session.sign(b"data", Output::Buffer(&mut signature)).unwrap();
    world.desk("carol").session.verify_init(&call(CKM_ECDSA_SHA256), public).unwrap();
    let carol = world.desk("carol");
    carol.session.verify_init(&call(CKM_ECDSA_SHA256), public).unwrap();
    carol.session.verify(b"data", &signature).unwrap();
    assert!(matches!(carol.session.sign_init(&call(CKM_ECDSA_SHA256), private), Err(Error::NoKey(_))));
    assert!(alice.session.share(public, CAROL).is_err());
    let half = alice.session.object(public).unwrap();
    for attribute in [CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, CKA_SR_MANAGEMENT_APPROVALS] {
        assert!(half.attribute(AttributeType(attribute)).is_err());
    }
}

/// Promise: a user who shares keys can be deleted; the owner goes on with the key, shares it with others, and nobody
/// who comes later gets what was shared with the one who left.
#[test]
fn a_sharee_who_is_deleted_is_gone() {
    let world = World::new();
    let (alice, officer) = (world.desk("alice"), world.desk("so"));
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB, CAROL]))]);
    let mac = alice.mac(key).unwrap();
    let bob = world.desk("bob");
    assert_eq!(bob.mac(key).unwrap(), mac);
    officer.token().delete_user(&officer.login(), "bob").unwrap();
    assert!(bob.mac(key).is_err());
    let again = officer.token().add_user(&officer.login(), Role::User, "bob", &pin("bob")).unwrap();
    assert_ne!(again, BOB);
    assert!(matches!(world.desk("bob").mac(key), Err(Error::NoKey(_))));
    assert_eq!(world.desk("carol").mac(key).unwrap(), mac);
    alice.session.share(key, DAVE).unwrap();
    assert_eq!(alice.session.object(key).unwrap().ownership.sharees.as_numbers(), [4, 5]);
    assert_eq!(world.desk("dave").mac(key).unwrap(), mac);
}

/// Promise: an officer's PIN reset, or the user's own change of it, keeps what was shared with the user usable.
#[test]
fn another_pin_opens_the_same() {
    let world = World::new();
    let (alice, officer) = (world.desk("alice"), world.desk("so"));
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB]))]);
    let mac = alice.mac(key).unwrap();
    officer.token().reset_pin(&officer.login(), "bob", b"another").unwrap();
    let hsm = world.hsm();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_USER, Some(b"another"), Some(b"bob")).unwrap();
    session.set_pin(Some(b"another"), Some(&pin("bob"))).unwrap();
    assert_eq!(world.desk("bob").mac(key).unwrap(), mac);
}

/// Promise: an officer trusts a private wrapping key without seeing it; the trust stays when the key is shared and
/// unshared, and holds for sharees.
#[test]
fn an_officer_trusts_what_he_cannot_see() {
    let world = World::new();
    let (alice, bob, officer) = (world.desk("alice"), world.desk("bob"), world.desk("so"));
    let wrapper = alice.secret(CKK_AES, &[3; 32], &[(CKA_WRAP, TRUE), (CKA_DECRYPT, FALSE)]).unwrap();
    let payload = [(CKA_EXTRACTABLE, TRUE), (CKA_WRAP_WITH_TRUSTED, TRUE)];
    let payload = bob.secret(CKK_GENERIC_SECRET, &[4; 32], &payload).unwrap();
    alice.session.share(wrapper, BOB).unwrap();
    let wrap = || bob.session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), wrapper, payload, Output::Buffer(&mut [0; 64]));
    assert!(matches!(wrap(), Err(Error::KeyNotWrappable(_))));
    assert!(matches!(officer.session.object(wrapper), Err(Error::NoObject(_))));
    assert!(matches!(alice.token().set_trust(&alice.login(), wrapper, true), Err(Error::NotLoggedIn)));
    officer.token().set_trust(&officer.login(), wrapper, true).unwrap();
    wrap().unwrap();
    alice.session.share(wrapper, CAROL).unwrap();
    wrap().unwrap();
    alice.session.unshare(wrapper, CAROL).unwrap();
    wrap().unwrap();
    let unlocked = alice.session.set_attributes(wrapper, &template(&[(CKA_DECRYPT, TRUE)]));
    assert!(matches!(unlocked, Err(Error::Prohibited(_))));
    officer.token().set_trust(&officer.login(), wrapper, false).unwrap();
    assert!(matches!(wrap(), Err(Error::KeyNotWrappable(_))));
}

/// Promise: where identifiers are to be unique they are, across all users of the token and both places of keys in it;
/// the halves of one pair have the same.
#[test]
fn identifiers_are_unique_where_that_is_asked_for() {
    let world = World::new();
    let (alice, bob) = (world.desk("alice"), world.desk("bob"));
    let id = [(CKA_ID, &b"IT-02"[..])];
    let key = alice.secret(CKK_AES, &[1; 32], &id).unwrap();
    bob.secret(CKK_AES, &[2; 32], &id).unwrap();
    bob.session.application().demand_unique_ids();
    let count = bob.found(&[]).len();
    let refused = bob.secret(CKK_AES, &[3; 32], &id);
    assert!(matches!(refused, Err(Error::IdTaken(_))), "{refused:?}");
    let carol = world.desk("carol");
    carol.session.application().demand_unique_ids();
    assert!(matches!(carol.secret(CKK_AES, &[3; 32], &id), Err(Error::IdTaken(taken)) if taken == key));
    assert_eq!((bob.found(&[]).len(), carol.found(&[]).len()), (count, 0));
    for _ in 0..2 {
        carol.secret(CKK_AES, &[3; 32], &[]).unwrap();
    }
    let p256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    let common = [(CKA_TOKEN, TRUE), (CKA_ID, &b"pair"[..])];
    let public = [&common[..], &[(CKA_EC_PARAMS, &p256[..])]].concat();
    let pair = || carol.session.generate_key_pair(&call(CKM_EC_KEY_PAIR_GEN), &template(&public), &template(&common));
    pair().unwrap();
    assert!(matches!(pair(), Err(Error::IdTaken(_))));
}

/// Promise: what an owner does with a key is not in the way of somebody else's deletion at the same time.
#[test]
fn a_deletion_at_the_same_time_is_no_refusal() {
    let world = World::new();
    let alice = world.desk("alice");
    let officer = world.desk("so");
    for name in ["bob", "carol", "dave"] {
        let user = alice.token().users().unwrap().into_iter().find(|user| user.name == name).unwrap().id;
        let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[user]))]);
        std::thread::scope(|scope| {
            let labels = scope.spawn(|| {
                for round in 0..20_u8 {
                    alice.session.set_attributes(key, &template(&[(CKA_LABEL, &[round])])).unwrap();
                }
            });
            officer.token().delete_user(&officer.login(), name).unwrap();
            labels.join().unwrap();
        });
        alice.session.set_attributes(key, &template(&[(CKA_LABEL, b"last")])).unwrap();
        assert!(alice.session.object(key).unwrap().ownership.sharees.as_numbers().is_empty());
    }
}
