//! What is written when: each act changes its own records and no others, however many keys there are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use strongroom_core::attribute::CKA_SR_SHARED_WITH;
use strongroom_core::token::layout;

use super::*;

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// All records but the audit log's.
fn records(token: &Token) -> Records {
    let mut records = Records::new();
    token
        .store()
        .scan(b"", None, &mut |key, record| {
            records.insert(key.to_vec(), record.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    records.retain(|key, _| !key.starts_with(layout::AUDIT));
    records
}

/// The keys of records that are new, gone or different after `act`.
fn written(token: &Token, act: impl FnOnce()) -> Vec<Vec<u8>> {
    let before = records(token);
    act();
    let after = records(token);
    let keys: BTreeSet<&Vec<u8>> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).cloned().collect()
}

/// Promise: however many keys a user has, and shares, a change of the PIN writes the user's record and no other, but
/// for the count of wrong PINs.
#[test]
fn a_pin_change_writes_one_record() {
    let world = World::new();
    let (alice, officer) = (world.desk("alice"), world.desk("so"));
    let with = numbers(&[BOB, CAROL]);
    for number in 0..200_u32 {
        let sharees: &[(u64, &[u8])] = if number % 2 == 0 { &[(CKA_SR_SHARED_WITH, &with)] } else { &[] };
        alice.mac_key(sharees);
    }
    let token = alice.token();
    let both = [layout::failures(ALICE).to_vec(), layout::user(ALICE).to_vec()];
    assert_eq!(written(token, || alice.session.set_pin(Some(&pin("alice")), Some(b"another")).unwrap()), both);
    assert_eq!(written(token, || token.change_own_pin(&alice.login(), b"a third").unwrap()), both[1..]);
    let reset = || officer.token().reset_pin(&officer.login(), "alice", &pin("alice")).unwrap();
    assert_eq!(written(token, reset), both);
    let alice = world.desk("alice");
    assert_eq!(alice.token().search(&template(&[]), Some(&alice.login())).unwrap().len(), 200);
}

/// Promise: sharing and unsharing write the key's record and no other; only the first key that a user shares with
/// another brings the key between the two with it.
#[test]
fn sharing_writes_the_keys_record() {
    let world = World::new();
    let alice = world.desk("alice");
    let (first, second) = (alice.mac_key(&[]), alice.mac_key(&[]));
    let (token, session) = (alice.token(), &alice.session);
    let object = |number| layout::object(number).to_vec();
    let pair = |sharee| layout::pair(ALICE, sharee).to_vec();
    for sharee in [BOB, CAROL] {
        assert_eq!(written(token, || session.share(first, sharee).unwrap()), [object(first), pair(sharee)]);
        assert_eq!(written(token, || session.share(second, sharee).unwrap()), [object(second)]);
    }
    for sharee in [CAROL, BOB] {
        assert_eq!(written(token, || session.unshare(first, sharee).unwrap()), [object(first)]);
        assert_eq!(written(token, || session.share(first, sharee).unwrap()), [object(first)]);
    }
    // Another process of the owner's finds the key between the two.
    let elsewhere = world.desk("alice");
    assert_eq!(written(token, || elsewhere.session.unshare(second, BOB).unwrap()), [object(second)]);
    assert_eq!(written(token, || elsewhere.session.share(second, BOB).unwrap()), [object(second)]);
}

/// Promise: what a process remembers of a user from sharing before does not outlive the user, nor his record.
#[test]
fn a_user_whom_another_process_deletes_or_changes_is_noticed() {
    let world = World::new();
    let (alice, officer) = (world.desk("alice"), world.desk("so"));
    let keys = [alice.mac_key(&[]), alice.mac_key(&[])];
    for sharee in [BOB, CAROL, DAVE] {
        alice.session.share(keys[0], sharee).unwrap();
    }
    officer.token().delete_user(&officer.login(), "bob").unwrap();
    assert!(matches!(alice.session.share(keys[1], BOB), Err(Error::NoSuchUser(_))));
    // Another PIN makes another record of the same user.
    officer.token().reset_pin(&officer.login(), "carol", b"another").unwrap();
    alice.session.share(keys[1], CAROL).unwrap();
    // A certificate that does not fit, in the record of a user who was known.
    let record = officer.token().store().get(&layout::user(DAVE)).unwrap().unwrap();
    let at = record.windows(4).position(|name| name == b"dave").unwrap();
    let edited = [&record[..at], b"mave", &record[at + 4..]].concat();
    let put = |record: &[u8]| {
        officer.token().store().transact(&mut |transaction| Ok(transaction.put(&layout::user(DAVE), record)?)).unwrap();
    };
    put(&edited);
    assert!(matches!(alice.session.share(keys[1], DAVE), Err(Error::Damaged(_))));
    put(&record);
    alice.session.share(keys[1], DAVE).unwrap();
}
