//! Masked objects: who takes them out, who puts them in, and what comes back.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_OWNER, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS,
};
use strongroom_core::error::Error;
use strongroom_core::session::Session;
use strongroom_core::token::audit::Event;

use crate::log::log;
use crate::*;

/// A key of alice's that cannot leave in any other way.
fn inner_key(alice: &Desk, more: &[(u64, &[u8])]) -> u64 {
    let own = [(CKA_SIGN, TRUE), (CKA_EXTRACTABLE, FALSE), (CKA_LABEL, b"inner"), (CKA_ID, b"7")];
    alice.secret(CKK_GENERIC_SECRET, b"a key that does not leave at all", &[&own[..], more].concat()).unwrap()
}

/// The numbers of all objects that the user sees, and how many entries the log has.
fn state(desk: &Desk) -> (Vec<u64>, usize) {
    (desk.found(&[]), log(desk).len())
}

fn refused(result: Result<u64, Error>) -> &'static str {
    match result {
        Err(Error::MaskedObject(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// Promise: a key that does not leave comes back from a container as it was, under a new number and unique id, for its
/// owner and its sharees, also when the one in the token is gone; both ways are in the log.
#[test]
fn what_is_masked_comes_back_as_it_was() {
    let world = World::new();
    let (alice, bob) = (world.desk("alice"), world.desk("bob"));
    let with = numbers(&[BOB]);
    let key = inner_key(&alice, &[(CKA_SR_SHARED_WITH, &with)]);
    let (mac, before) = (alice.mac(key).unwrap(), alice.session.object(key).unwrap());
    let container = alice.session.extract_masked(key).unwrap();
    assert_eq!(alice.found(&[]), [key], "it stays");
    assert!(!container.windows(8).any(|window| b"a key that does not leave at all".starts_with(window)));

    let twin = alice.session.insert_masked(&container).unwrap();
    alice.session.destroy_object(key).unwrap();
    // A process of its own, after a change of PIN.
    alice.token().change_own_pin(&alice.login(), b"another pin").unwrap();
    let later = world.desk_with("alice", b"another pin");
    let again = later.session.insert_masked(&container).unwrap();
    assert!(key < twin && twin < again);
    let mut ids = vec![before.unique_id];
    for number in [twin, again] {
        let object = later.session.object(number).unwrap();
        let compared = [
            CKA_CLASS,
            CKA_KEY_TYPE,
            CKA_LABEL,
            CKA_ID,
            CKA_SENSITIVE,
            CKA_EXTRACTABLE,
            CKA_NEVER_EXTRACTABLE,
            CKA_ALWAYS_SENSITIVE,
            CKA_LOCAL,
            CKA_SIGN,
            CKA_VERIFY,
            CKA_MODIFIABLE,
            CKA_CHECK_VALUE,
            CKA_SR_OWNER,
            CKA_SR_SHARED_WITH,
            CKA_SR_USE_APPROVALS,
            CKA_SR_MANAGEMENT_APPROVALS,
        ];
        for attribute in compared.map(AttributeType) {
            let (then, now) = (before.attribute(attribute), object.attribute(attribute));
            assert_eq!(format!("{now:?}"), format!("{then:?}"), "{attribute}");
        }
        assert_eq!(later.mac(number).unwrap(), mac);
        assert_eq!(bob.mac(number).unwrap(), mac);
        ids.push(object.unique_id);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let log: Vec<_> = log(&later).into_iter().filter(|entry| entry.2 > 0).collect();
    let expected = [
        (Event::ObjectCreated, 2, key, 0),
        (Event::KeyShared, 2, key, 3),
        (Event::MaskedOut, 2, key, 0),
        (Event::MaskedIn, 2, twin, key),
        (Event::KeyShared, 2, twin, 3),
        (Event::ObjectDestroyed, 2, key, 0),
        (Event::MaskedIn, 2, again, key),
        (Event::KeyShared, 2, again, 3),
    ];
    assert_eq!(log, expected);
}

/// Promise: only the owner and officers take a key out, only the owner puts it in, and what is refused changes nothing
/// and is not in the log.
#[test]
fn who_takes_out_and_puts_in() {
    let world = World::new();
    let [alice, bob, carol, so] = ["alice", "bob", "carol", "so"].map(|name| world.desk(name));
    let key = inner_key(&alice, &[(CKA_SR_SHARED_WITH, &numbers(&[BOB]))]);
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let entries = [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &CKK_GENERIC_SECRET.to_ne_bytes()), (CKA_VALUE, b"x")];
    let of_session = alice.session.create_object(&template(&entries)).unwrap();
    let public = alice.session.create_object(&template(&[
        (CKA_CLASS, &CKO_DATA.to_ne_bytes()),
        (CKA_TOKEN, TRUE),
        (CKA_PRIVATE, FALSE),
        (CKA_VALUE, b"anyone sees this"),
    ]));
    let public = public.unwrap();
    let before = state(&alice);
    let anonymous = world.hsm();
    let anonymous = anonymous.session(anonymous.open_session(0, true).unwrap()).unwrap();
    let take = |session: &Session, number| session.extract_masked(number).map(drop);
    assert!(matches!(take(&bob.session, key), Err(Error::NotOwner)), "a sharee");
    assert!(matches!(take(&carol.session, key), Err(Error::NoObject(_))), "a stranger");
    assert!(matches!(take(&carol.session, public), Err(Error::NotOwner)), "who sees it");
    assert!(matches!(take(&anonymous, key), Err(Error::NotLoggedIn)), "nobody");
    for session in [&alice.session, &so.session] {
        assert!(matches!(take(session, of_session), Err(Error::Prohibited(_))), "of the session");
        assert!(matches!(take(session, 4711), Err(Error::NoObject(4711))));
    }
    assert_eq!(state(&alice), before);

    let container = so.session.extract_masked(key).unwrap();
    let before = state(&alice);
    let officer = so.session.insert_masked(&container);
    assert!(matches!(officer, Err(Error::Prohibited(why)) if why.contains("only its owner")), "{officer:?}");
    assert!(matches!(bob.session.insert_masked(&container), Err(Error::NotOwner)), "a sharee");
    assert!(matches!(carol.session.insert_masked(&container), Err(Error::NotOwner)), "a stranger");
    assert!(matches!(anonymous.insert_masked(&container), Err(Error::NotLoggedIn)), "nobody");
    assert_eq!(state(&alice), before);
    assert_eq!(alice.mac(alice.session.insert_masked(&container).unwrap()).unwrap(), alice.mac(key).unwrap());
    let data = alice.session.extract_masked(public).unwrap();
    let data = alice.session.insert_masked(&data).unwrap();
    assert!(carol.found(&[]).contains(&data), "as visible as it was");
}

/// Promise: nothing but what this token made is put in: no byte may differ, none be missing, none be added.
#[test]
fn a_container_is_whole_and_of_this_token() {
    let world = World::new();
    let alice = world.desk("alice");
    let key = inner_key(&alice, &[]);
    let mut container = alice.session.extract_masked(key).unwrap();
    let before = state(&alice);
    for at in 0..container.len() {
        container[at] ^= 1;
        refused(alice.session.insert_masked(&container));
        container[at] ^= 1;
        refused(alice.session.insert_masked(&container[..at]));
    }
    refused(alice.session.insert_masked(&[&container[..], &[0]].concat()));
    let elsewhere = World::new();
    let other = elsewhere.desk("alice");
    let theirs = other.session.extract_masked(inner_key(&other, &[])).unwrap();
    assert!(refused(alice.session.insert_masked(&theirs)).contains("another token"));
    assert!(refused(alice.session.insert_masked(b"SRMO\x02")).contains("another version"));
    assert!(refused(alice.session.insert_masked(b"a key")).contains("none"));
    assert_eq!(state(&alice), before);
    alice.session.insert_masked(&container).unwrap();
}

/// Promise: a copy of the token takes back what the token let out, also where the key came after the copy.
#[test]
fn a_copy_of_the_token_takes_it_back() {
    let world = World::new();
    let copy = World::copy(&world);
    let alice = world.desk("alice");
    let key = inner_key(&alice, &[]);
    let container = alice.session.extract_masked(key).unwrap();
    let elsewhere = copy.desk("alice");
    assert_eq!(elsewhere.found(&[]), []);
    let twin = elsewhere.session.insert_masked(&container).unwrap();
    assert_eq!(elsewhere.mac(twin).unwrap(), alice.mac(key).unwrap());
}

/// Promise: a key whose use takes approvals is taken out with them and never without, by no officer; it comes back with
/// the same demands, and only where enough users are left to meet them.
#[test]
fn approvals_go_with_the_key() {
    let world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| {
        let desk = world.desk(name);
        desk.register();
        desk
    });
    let two = 2u64.to_ne_bytes();
    let with = numbers(&[BOB]);
    let key = inner_key(&alice, &[(CKA_SR_SHARED_WITH, &with), (CKA_SR_USE_APPROVALS, &two)]);
    let so = world.desk("so");
    assert!(matches!(so.session.extract_masked(key), Err(Error::Prohibited(why)) if why.contains("approve")));
    let missing = |result| matches!(result, Err(Error::ApprovalsMissing { needed: 2, given: 0 }));
    assert!(missing(alice.session.extract_masked(key).map(drop)));
    let approve = |key| {
        let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
        alice.bring(&token, &["alice", "bob"]).unwrap();
    };
    approve(key);
    let container = alice.session.extract_masked(key).unwrap();
    assert!(missing(alice.session.extract_masked(key).map(drop)), "one token, one time");
    let twin = alice.session.insert_masked(&container).unwrap();
    for number in [key, twin] {
        assert!(missing(alice.mac(number).map(drop)) && missing(bob.mac(number).map(drop)));
        alice.session.destroy_object(number).unwrap();
    }
    // Nobody needs bob any more, but for what is in the container.
    so.token().delete_user(&so.login(), "bob").unwrap();
    let before = state(&alice);
    let alone = alice.session.insert_masked(&container);
    assert!(matches!(alone, Err(Error::Prohibited(why)) if why.contains("fewer users")), "{alone:?}");
    assert_eq!(state(&alice), before);
}

/// Promise: a key whose management takes approvals is not masked, with approvals neither: what is approved later, as
/// ending a sharing, would be undone by its coming back.
#[test]
fn what_takes_approvals_to_manage_is_not_masked() {
    let world = World::new();
    let (alice, so) = (world.desk("alice"), world.desk("so"));
    alice.register();
    let key = inner_key(&alice, &[(CKA_SR_MANAGEMENT_APPROVALS, &1u64.to_ne_bytes())]);
    let unapproved = alice.session.extract_masked(key);
    assert!(matches!(unapproved, Err(Error::Prohibited(_))), "no approval would help: {unapproved:?}");
    let token = alice.token().request_approval(&alice.login(), Service::ManageKey, Some(key)).unwrap();
    alice.bring(&token, &["alice"]).unwrap();
    let before = state(&alice);
    for desk in [&alice, &so] {
        let taken = desk.session.extract_masked(key);
        assert!(matches!(taken, Err(Error::Prohibited(why)) if why.contains("is not masked")), "{taken:?}");
    }
    assert_eq!(state(&alice), before);
    // The approval was not spent on it.
    alice.session.destroy_object(key).unwrap();
}

/// Promise: a trusted key has no twin, which could learn to decrypt what the key wrapped.
#[test]
fn what_is_trusted_is_not_masked() {
    let world = World::new();
    let (alice, so) = (world.desk("alice"), world.desk("so"));
    let key = alice.secret(CKK_AES, &[7; 32], &[(CKA_WRAP, TRUE)]).unwrap();
    so.token().set_trust(&so.login(), key, true).unwrap();
    let before = state(&alice);
    for desk in [&alice, &so] {
        let taken = desk.session.extract_masked(key);
        assert!(matches!(taken, Err(Error::Prohibited(why)) if why.contains("trusted")), "{taken:?}");
    }
    assert_eq!(state(&alice), before);
    so.token().set_trust(&so.login(), key, false).unwrap();
    alice.session.insert_masked(&alice.session.extract_masked(key).unwrap()).unwrap();
}

/// Promise: a sharee who was deleted does not come back with the key, and one who was unshared does.
#[test]
fn sharees_come_back_where_they_exist() {
    let world = World::new();
    let (alice, so) = (world.desk("alice"), world.desk("so"));
    let key = inner_key(&alice, &[(CKA_SR_SHARED_WITH, &numbers(&[BOB, CAROL]))]);
    let container = alice.session.extract_masked(key).unwrap();
    alice.session.unshare(key, BOB).unwrap();
    so.token().delete_user(&so.login(), "carol").unwrap();
    let twin = alice.session.insert_masked(&container).unwrap();
    assert_eq!(alice.session.object(twin).unwrap().ownership.sharees.as_numbers(), [u64::from(BOB.0)]);
    let bob = world.desk("bob");
    assert_eq!(bob.found(&[]), [twin]);
    assert_eq!(bob.mac(twin).unwrap(), alice.mac(key).unwrap());
}
