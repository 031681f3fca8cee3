//! What opens with the files and one user's PIN: that user's keys and those shared with that user, and none other. What
//! an editor of the files can do to a shared key: nothing but keep it from being used.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use cryptoki_sys::*;
use strongroom_core::attribute::{CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS};
use strongroom_core::error::Error;
use strongroom_core::seal::{Envelope, PairRecord, Role};
use strongroom_core::store::{MemoryStore, Store};
use strongroom_core::token::layout;

use crate::*;

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

fn records(token: &Token) -> Records {
    let mut records = Records::new();
    let scanned = token.store().scan(b"", None, &mut |key, value| {
        records.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    records
}

/// A token of these records, as a program of the thief's sees it.
fn stolen(records: &Records) -> Token {
    let store = MemoryStore::new();
    let filled = store.transact(&mut |transaction| {
        records.iter().try_for_each(|(key, value)| transaction.put(key, value)).map_err(Into::into)
    });
    filled.unwrap();
    let settings = Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
    Token::open(Arc::new(store), Arc::new(System), settings).unwrap()
}

fn log_in(token: &Token, name: &str) -> Login {
    token.login(Credential { role: Role::User, name: Some(name.as_bytes()), pin: &pin(name) }).unwrap()
}

/// Promise: with the files and one user's PIN, whatever rules the program leaves out, only that user's keys open, and
/// those the user was given. Each pair of records is tried: each object with each header, each pair key as each
/// other's.
#[test]
fn one_pin_opens_what_that_user_owns_or_was_given() {
    let world = World::new();
    let alice = world.desk("alice");
    let hers = alice.mac_key(&[]);
    let with_bob = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB]))]);
    let with_both = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB, CAROL]))]);
    let was_bobs = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB, CAROL]))]);
    alice.session.unshare(was_bobs, BOB).unwrap();
    let carols = world.desk("carol").mac_key(&[]);
    let files = records(alice.token());
    let token = stolen(&files);
    let opens = |name: &str| -> Vec<u64> {
        let login = log_in(&token, name);
        let all = [hers, with_bob, with_both, was_bobs, carols];
        all.into_iter().filter(|number| token.object(*number, Some(&login)).is_ok()).collect()
    };
    assert_eq!(opens("alice"), [hers, with_bob, with_both, was_bobs]);
    assert_eq!(opens("bob"), [with_bob, with_both]);
    assert_eq!(opens("carol"), [with_both, was_bobs, carols]);
    assert_eq!(opens("dave"), [0; 0]);

    // The thief has bob's PIN and edits: bodies under other objects' numbers, pair keys in each other's places.
    let bodies: Vec<&Vec<u8>> = [hers, with_bob, with_both, was_bobs, carols]
        .iter()
        .map(|number| &files[&layout::object(*number)[..]])
        .collect();
    let pairs: Vec<Vec<u8>> = files.keys().filter(|key| key.starts_with(layout::PAIRS)).cloned().collect();
    assert_eq!(pairs.len(), 2);
    for (at, body) in bodies.iter().enumerate() {
        for target in [hers, was_bobs, carols] {
            let mut edited = files.clone();
            edited.insert(layout::object(target).to_vec(), (*body).clone());
            let own = files[&layout::object(target)[..]] == **body;
            let token = stolen(&edited);
            let opened = token.object(target, Some(&log_in(&token, "bob")));
            assert!(opened.is_err(), "body {at} as {target} (its own: {own})");
        }
    }
    for pair in &pairs {
        let mut edited = files.clone();
        edited.insert(layout::pair(CAROL, BOB).to_vec(), files[pair].clone());
        edited.insert(layout::pair(ALICE, BOB).to_vec(), files[pair].clone());
        edited.insert(layout::pair(ALICE, DAVE).to_vec(), files[pair].clone());
        let token = stolen(&edited);
        for name in ["bob", "dave"] {
            let login = log_in(&token, name);
            for number in [hers, was_bobs, carols] {
                assert!(token.object(number, Some(&login)).is_err());
            }
        }
    }
}

/// Promise: unsharing makes a new data key: what the former sharee can open is the old record, and only where somebody
/// kept that.
#[test]
fn unsharing_rotates_the_data_key() {
    let world = World::new();
    let alice = world.desk("alice");
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB]))]);
    let shared = records(alice.token());
    alice.session.unshare(key, BOB).unwrap();
    let unshared = records(alice.token());
    let (before, after) = (&shared[&layout::object(key)[..]], &unshared[&layout::object(key)[..]]);
    // The old grant beside the new box, in every place where a grant could stand.
    let grant = &before[before.len() - 64..];
    assert!(!after.windows(16).any(|bytes| grant.windows(16).any(|old| old == bytes)));
    let token = stolen(&unshared);
    assert!(matches!(token.object(key, Some(&log_in(&token, "bob"))), Err(Error::NoObject(_))));
    let token = stolen(&shared);
    assert!(token.object(key, Some(&log_in(&token, "bob"))).is_ok());
}

/// Promise: no single bit of a shared object's record, nor of a pair's, can be changed so that anybody opens anything
/// else than what was written; the clear fields that no seal covers are the revision and the trust.
#[test]
fn every_bit_of_a_shared_key_counts() {
    let world = World::new();
    let alice = world.desk("alice");
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB])), (CKA_LABEL, b"counts")]);
    let files = records(alice.token());
    let facts = |token: &Token, name: &str| {
        let object = token.object(key, Some(&log_in(token, name))).ok()?;
        Some((object.flags, object.ownership, object.version, object.label().to_vec()))
    };
    let genuine = (facts(&stolen(&files), "alice"), facts(&stolen(&files), "bob"));
    assert!(genuine.0.is_some() && genuine.1.is_some());
    for place in [layout::object(key).to_vec(), layout::pair(ALICE, BOB).to_vec()] {
        let record = &files[&place];
        for bit in 0..record.len() * 8 {
            // One bit of each byte, another one in the next.
            if bit % 8 != (bit / 8) % 8 {
                continue;
            }
            let mut edited = files.clone();
            edited.get_mut(&place).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let token = stolen(&edited);
            let (hers, his) = (facts(&token, "alice"), facts(&token, "bob"));
            assert!(hers.is_none() || hers == genuine.0, "bit {bit}: {hers:?}");
            assert!(his.is_none() || his == genuine.1, "bit {bit}: {his:?}");
        }
    }
}

/// Promise: a sharee, who can open the box, cannot write a record that passes for the owner's: not with fewer
/// restrictions, not with other sharees, not without approvals, and not as one that is not shared.
#[test]
fn a_sharee_cannot_write_as_the_owner() {
    let world = World::new();
    let alice = world.desk("alice");
    let approvals = 2_u64.to_ne_bytes();
    let more = [(CKA_SR_SHARED_WITH, &numbers(&[BOB])[..]), (CKA_SR_USE_APPROVALS, &approvals)];
    let key = alice.mac_key(&more);
    let files = records(alice.token());
    let token = stolen(&files);
    let bob = log_in(&token, "bob");
    // Through the core as bob: it writes under his keys only.
    let changed = token.replace(key, Some(&bob), &mut |object| {
        strongroom_core::object::change::set(object, &template(&[(CKA_LABEL, b"mine")]), false)
    });
    assert!(matches!(changed, Err(Error::NotLoggedIn)), "{changed:?}");
    // His own record of the same key, under the number and the owner of hers: header and grants of hers, box of his.
    let his = {
        let desk = world.desk("bob");
        let own = desk.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[ALICE]))]);
        records(desk.token())[&layout::object(own)[..]].clone()
    };
    let genuine = &files[&layout::object(key)[..]];
    let header = 10..25;
    for (what, edit) in [
        ("his record, her header", {
            let mut record = his.clone();
            record[header.clone()].copy_from_slice(&genuine[header.clone()]);
            record
        }),
        ("her record without approvals", {
            let mut record = genuine.clone();
            record[header.start + 5] = 0;
            record
        }),
        ("her record as an unshared one", {
            let mut record = genuine.clone();
            record[header.start] = 1;
            record
        }),
    ] {
        let mut edited = files.clone();
        edited.insert(layout::object(key).to_vec(), edit);
        let token = stolen(&edited);
        for name in ["alice", "bob"] {
            assert!(token.object(key, Some(&log_in(&token, name))).is_err(), "{what}, {name}");
        }
    }
    assert_eq!(Envelope::read(genuine).unwrap().ownership.use_approvals, 2);
    PairRecord::decode(&files[&layout::pair(ALICE, BOB)[..]]).unwrap();
}
