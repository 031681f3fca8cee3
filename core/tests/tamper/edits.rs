//! What can be done to the records with more skill than a flipped byte: all that an editor can who knows the format and
//! has no PIN, or only their own.
//!
//! Not noticed, by nature, as nothing outside the store remembers anything: a record, a PIN or a whole token taken back
//! to what it once was; a record removed. The tests say what that amounts to.

use std::ops::Range;
use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::AttributeType;
use strongroom_core::error::Error;
use strongroom_core::object::birth::{Maker, create as born};
use strongroom_core::object::codec::{Writer, encode_attributes};
use strongroom_core::object::{AttributeValue, Object, Ownership, UserId};
use strongroom_core::policy::Policy;
use strongroom_core::seal::Role;
use strongroom_core::store::SqliteStore;
use strongroom_core::token::{Credential, Login, Token, layout};
use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::random::System;
use strongroom_crypto::{aead, kdf};

use super::fixture::*;
use super::rules::data;
use super::seen::{Care, Seen, Verdict};

/// Promise: a record is good in its own place only.
#[test]
fn swapped_records_are_detected() {
    let (records, original) = original();
    let objects = (1..=LAST).map(|number| layout::object(number).to_vec());
    let users = [1, 2, 3].map(|user| layout::user(UserId(user)).to_vec());
    let keys: Vec<_> = objects.chain(users).chain([layout::META.to_vec()]).collect();
    for one in &keys {
        for other in keys.iter().filter(|other| *other != one) {
            let mut swapped = records.clone();
            swapped.insert(one.clone(), records[other].clone());
            swapped.insert(other.clone(), records[one].clone());
            let mut copied = records.clone();
            copied.insert(one.clone(), records[other].clone());
            for edited in [swapped, copied] {
                assert_eq!(original.judge(&Seen::of(store(&edited), Care::ALL)), Ok(Verdict::Detected));
            }
        }
    }
}

/// Promise: no part of a user's record is good in another user's: not the name, the role, the public keys, the
/// certificate, the salt, the escrow nor the bundle.
#[test]
fn a_user_record_with_another_users_part_is_detected() {
    let (records, original) = original();
    let users = [1, 2, 3].map(|user| layout::user(UserId(user)).to_vec());
    for one in &users {
        for other in users.iter().filter(|other| *other != one) {
            for (part, (own, foreign)) in parts(&records[one]).into_iter().zip(parts(&records[other])).enumerate() {
                if records[one][own.clone()] == records[other][foreign.clone()] {
                    continue;
                }
                let mut edited = records.clone();
                let mut record = records[one].clone();
                record.splice(own, records[other][foreign].iter().copied());
                edited.insert(one.clone(), record);
                let verdict = original.judge(&Seen::of(store(&edited), Care::ALL));
                // The looks use the escrow of one user only.
                let unused = part == ESCROW && *one != users[1] && verdict == Ok(Verdict::Harmless);
                assert!(unused || verdict == Ok(Verdict::Detected), "part {part}: {verdict:?}");
            }
        }
    }
}

/// Promise: a record cut short, or longer than it was, is detected or harmless; so is a record that is gone.
#[test]
fn cut_and_removed_records_are_detected_or_harmless() {
    let (records, original) = original();
    let judge = |edited: &Records, story: &dyn Fn() -> String| {
        let verdict = original.judge(&Seen::of(store(edited), Care { pins: false, make: true }));
        verdict.unwrap_or_else(|what| panic!("{}: {what}", story()))
    };
    let mut detected = 0;
    for (key, value) in &records {
        let mut edited = records.clone();
        let lengths = (0..value.len()).filter(|length| *length < 64 || length % 13 == 0 || length + 4 > value.len());
        for length in lengths.chain([value.len() + 1]) {
            let mut cut = value.clone();
            cut.resize(length, 0);
            edited.insert(key.clone(), cut);
            let verdict = judge(&edited, &|| format!("{key:?} cut to {length} bytes"));
            // The values of search entries mean nothing, no look makes a user, and none reads the audit log.
            let unread = key[0] == b'T' || key == layout::NEXT_USER || layout::audit_sequence(key).is_some();
            assert!(unread || verdict == Verdict::Detected, "{key:?} cut to {length} bytes: {verdict:?}");
            detected += 1;
        }
        edited.remove(key);
        judge(&edited, &|| format!("{key:?} removed"));
    }
    assert!(detected > 1000);
}

/// Promise: trust can be taken away by an editor, never given: not to another object, and not to another content.
#[test]
fn trust_cannot_be_forged() {
    let (records, original) = original();
    let signature = |number| records[&layout::object(number).to_vec()][TRUST].to_vec();
    for number in [PUBLIC_SECRET, TRUSTED, NOBODYS, OFFICERS] {
        let key = layout::object(number).to_vec();
        let trusted = [TRUSTED, OFFICERS].contains(&number);
        let bare = [&records[&key][..9], &[0], &records[&key][if trusted { 74 } else { 10 }..]].concat();
        let mut edited = records.clone();
        edited.insert(key.clone(), bare.clone());
        let expected = if trusted { Verdict::Hidden } else { Verdict::Harmless };
        assert_eq!(original.judge(&Seen::of(store(&edited), Care::LOOK)), Ok(expected));
        for giver in [TRUSTED, OFFICERS].into_iter().filter(|giver| *giver != number) {
            edited.insert(key.clone(), [&bare[..9], &[1], &signature(giver), &bare[10..]].concat());
            assert_eq!(original.judge(&Seen::of(store(&edited), Care::LOOK)), Ok(expected));
        }
    }
    // An owned object made nobody's, so that nobody's signature is missing: it is another object, and not trusted.
    let shared = store(&records);
    let real = token(Arc::clone(&shared)).unwrap().object(TRUSTED, None).unwrap();
    let value = b"the forger's own certificate";
    let kind = CKC_X_509.to_ne_bytes();
    let class = CKO_CERTIFICATE.to_ne_bytes();
    let entries = [
        (CKA_CLASS, &class[..]),
        (CKA_CERTIFICATE_TYPE, &kind),
        (CKA_SUBJECT, b"the subject"),
        (CKA_LABEL, b"trusted"),
        (CKA_VALUE, value),
        (CKA_TOKEN, TRUE),
    ];
    let mut forged = born(&template(&entries), &nobody()).unwrap();
    forged.unique_id = real.unique_id;
    let mut edited = records.clone();
    let record = nobodys_record(&records, TRUSTED, &forged, Some(signature(TRUSTED)), PUBLIC);
    edited.insert(layout::object(TRUSTED).to_vec(), record);
    let seen = token(store(&edited)).unwrap().object(TRUSTED, None).unwrap();
    assert_eq!(seen.attribute(AttributeType(CKA_VALUE)).unwrap(), AttributeValue::Bytes(value));
    assert_eq!(seen.attribute(AttributeType(CKA_TRUSTED)).unwrap(), AttributeValue::Flag(false));
    assert_eq!(seen.ownership.owner, UserId::NOBODY);
}

/// Promise: an owner's object cannot be replaced by a public one that pretends to be it; and no key is nobody's.
#[test]
fn a_public_record_cannot_be_forged_for_a_key() {
    let (records, original) = original();
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_AES.to_ne_bytes());
    let entries = [
        (CKA_CLASS, &class[..]),
        (CKA_KEY_TYPE, &key_type),
        (CKA_VALUE, b"the forger knows"),
        (CKA_TOKEN, TRUE),
        (CKA_PRIVATE, FALSE),
        (CKA_SENSITIVE, FALSE),
        (CKA_EXTRACTABLE, TRUE),
    ];
    let key = born(&template(&entries), &nobody()).unwrap();
    let mut owned = born(&template(&entries), &nobody()).unwrap();
    owned.ownership.owner = UserId(2);
    for number in [SEALED, PUBLIC_SECRET, OTHERS, DESTROYED] {
        for shape in [PRIVATE, PUBLIC, PUBLIC_WITH_SECRET] {
            for object in [&key, &owned] {
                for value in [&b""[..], &[0; 60 + 4], &[0; 60 + 4 + 16]] {
                    let mut record = nobodys_record(&records, number, object, None, shape);
                    let end = record.len() - 64;
                    record.splice(end..end, value.iter().copied());
                    let mut edited = records.clone();
                    edited.insert(layout::object(number).to_vec(), record);
                    let verdict = original.judge(&Seen::of(store(&edited), Care::LOOK));
                    assert!(verdict.is_ok(), "{number} {shape}: {verdict:?}");
                    // Where there was nothing, there is nothing still.
                    assert!(number == DESTROYED || verdict != Ok(Verdict::Harmless), "{number} {shape}");
                }
            }
        }
    }
    // What anybody can make in a session without a login, an editor can put anywhere: no key, no trust, nobody's.
    let mut edited = records.clone();
    let letter = nobodys_record(&records, SEALED, &data(b"a letter", None), None, PUBLIC);
    edited.insert(layout::object(SEALED).to_vec(), letter);
    let token = token(store(&edited)).unwrap();
    let user = login(&token, USER_PIN).unwrap();
    let seen = token.object(SEALED, Some(&user)).unwrap();
    assert_eq!((seen.kind.class, seen.ownership.owner), (CKO_DATA, UserId::NOBODY));
    assert!(matches!(seen.material(), Err(Error::NoKey(_))));
}

/// Promise: an object's earlier record is that object as it was, whole: never a mixture, never under another number,
/// and never in a token that was made anew. That it is the earlier one is not noticed.
#[test]
fn an_earlier_record_is_the_earlier_object_and_nothing_else() {
    let place = Place::new();
    make_token(&place.0);
    let slot = place.0.join("slot-0");
    let earlier = read(&SqliteStore::open(&slot, true).unwrap());
    let hsm = hsm(&place.0);
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_USER, Some(USER_PIN), None).unwrap();
    session.set_attributes(READABLE, &template(&[(CKA_SENSITIVE, TRUE), (CKA_LABEL, b"closed")])).unwrap();
    let later = read(session.application().token().store());
    let key = layout::object(READABLE).to_vec();
    assert_ne!(earlier[&key], later[&key]);

    let mut edited = later.clone();
    edited.insert(key.clone(), earlier[&key].clone());
    let replayed = token(store(&edited)).unwrap();
    let user = login(&replayed, USER_PIN).unwrap();
    let object = replayed.object(READABLE, Some(&user)).unwrap();
    assert_eq!((object.version, object.label()), (1, &b"readable"[..]));
    assert_eq!(object.attribute(AttributeType(CKA_VALUE)).unwrap(), AttributeValue::Bytes(b"readable by its "));
    // The search entries are those of the later label, and the object does not match them.
    for label in [&b"readable"[..], b"closed"] {
        assert_eq!(replayed.search(&template(&[(CKA_LABEL, label)]), Some(&user)).unwrap(), []);
    }
    for number in [SEALED, DESTROYED, 77] {
        let mut edited = later.clone();
        edited.insert(layout::object(number).to_vec(), earlier[&key].clone());
        let token = token(store(&edited)).unwrap();
        let user = login(&token, USER_PIN).unwrap();
        assert!(matches!(token.object(number, Some(&user)), Err(Error::Damaged(_))));
    }

    drop(session);
    hsm.close_all_sessions(0).unwrap();
    hsm.init_token(0, Some(OFFICER_PIN), TOKEN_LABEL).unwrap();
    let mut renewed = read(&SqliteStore::open(&slot, true).unwrap());
    for number in 1..=LAST {
        let key = layout::object(number).to_vec();
        renewed.insert(key.clone(), earlier[&key].clone());
    }
    let renewed = token(store(&renewed)).unwrap();
    let officer = renewed.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    renewed.init_pin(&officer, USER_PIN).unwrap();
    let user = login(&renewed, USER_PIN).unwrap();
    for number in 1..=LAST {
        let seen = renewed.object(number, Some(&user));
        assert!(matches!(seen, Err(Error::Damaged(_) | Error::NoObject(_))), "{number}: {seen:?}");
    }
}

/// Promise: after a PIN change the old PIN opens the old user record only, which an editor must have kept; the present
/// one it never opens.
#[test]
fn an_old_pin_opens_old_records_only() {
    let records = records();
    let shared = store(&records);
    let before = token(Arc::clone(&shared)).unwrap();
    before.set_pin(UserId(2), USER_PIN, b"newer-pin").unwrap();
    assert!(matches!(login(&before, USER_PIN), Err(Error::PinWrong)));
    login(&before, b"newer-pin").unwrap();
    let mut edited = read(&*shared);
    let key = layout::user(UserId(2)).to_vec();
    edited.insert(key.clone(), records[&key].clone());
    let replayed = token(store(&edited)).unwrap();
    assert!(matches!(login(&replayed, b"newer-pin"), Err(Error::PinWrong)));
    login(&replayed, USER_PIN).unwrap();
}

/// Promise: an officer of another token is nobody here, whichever of their records an editor brings along.
#[test]
fn records_of_another_token_open_nothing() {
    let (records, original) = original();
    let place = Place::new();
    let foreign = {
        let hsm = hsm(&place.0);
        hsm.init_token(0, Some(b"forgers-own"), TOKEN_LABEL).unwrap();
        let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
        session.login(CKU_SO, Some(b"forgers-own"), None).unwrap();
        session.init_pin(Some(b"forgers-own")).unwrap();
        read(session.application().token().store())
    };
    let users = [1, 2].map(|user| layout::user(UserId(user)).to_vec());
    for brought in [&users[..1], &users[1..], &users, &[layout::META.to_vec()]] {
        let mut edited = records.clone();
        brought.iter().for_each(|key| drop(edited.insert(key.clone(), foreign[key].clone())));
        // Another token's own record is consistent in itself: without a login only the objects tell.
        if edited[layout::META] == records[layout::META] {
            assert_eq!(original.judge(&Seen::of(store(&edited), Care::ALL)), Ok(Verdict::Detected));
        }
        let token = token(store(&edited)).unwrap();
        for role in [Role::Officer, Role::User] {
            let opened = token.login(Credential { role, name: None, pin: b"forgers-own" });
            assert!(opened.is_err(), "{role:?}");
        }
    }
    // With all of it, it is the forger's token, and our objects are nothing in it.
    let mut edited = records.clone();
    users
        .into_iter()
        .chain([layout::META.to_vec()])
        .for_each(|key| drop(edited.insert(key.clone(), foreign[&key].clone())));
    let token = token(store(&edited)).unwrap();
    let user = login(&token, b"forgers-own").unwrap();
    assert!(login(&token, USER_PIN).is_err());
    for viewer in [None, Some(&user)] {
        for number in 1..=LAST {
            let seen = token.object(number, viewer);
            assert!(matches!(seen, Err(Error::Damaged(_) | Error::NoObject(_))), "{number}: {seen:?}");
        }
    }
}

/// Promise: a certified user is who has the certified keys, not who sealed a bundle of their own under a PIN of their
/// own into the user's record.
#[test]
fn a_bundle_of_ones_own_is_not_the_users() {
    let (records, original) = original();
    for (user, role, name) in [(1, 1, "so"), (2, 2, "user")] {
        let key = layout::user(UserId(user)).to_vec();
        // Secrets of the forger's, with the token's authority among them, for the role and for the other one.
        for length in [224, 288] {
            let mut secrets = vec![0x5a; length];
            secrets[192..224].copy_from_slice(&records[layout::META][AUTHORITY]);
            let mut edited = records.clone();
            edited.insert(key.clone(), forge(&records, (user, role, name), &secrets));
            let token = token(store(&edited)).unwrap();
            for (wanted, named) in [(Role::Officer, "so"), (Role::User, "user")] {
                let opened = token.login(Credential { role: wanted, name: Some(named.as_bytes()), pin: FORGERS_PIN });
                let refused = opened.map(|login| login.name).unwrap_err();
                // The forger's PIN fits what the forger wrote, and is not enough.
                assert_eq!(matches!(refused, Error::Damaged(_)), named == name, "{named}, {length} bytes: {refused}");
            }
            assert_eq!(original.judge(&Seen::of(store(&edited), Care::ALL)), Ok(Verdict::Detected));
        }
    }
}

/// A user's record with all that a PIN protects made anew, for a PIN of the forger's.
fn forge(records: &Records, (user, role, name): (u32, u8, &str), secrets: &[u8]) -> Vec<u8> {
    let (bundle_key, salt, cost) = ([7; 32], [8; 16], [8u32, 1, 1].map(u32::to_le_bytes).concat());
    let identity = [&[role], name.as_bytes()].concat();
    let bind = |purpose: &str, rest: &[&[u8]]| {
        let token = &records[layout::META][TOKEN_ID];
        let mut bound = [purpose.as_bytes(), &[0], token, &u64::from(user).to_le_bytes()].concat();
        for part in rest {
            bound.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bound.extend_from_slice(part);
        }
        bound
    };
    let seal = |key: &[u8; 32], bound: Vec<u8>, secret: &[u8]| {
        let mut sealed = vec![9; 12];
        aead::Key::new(key).unwrap().seal(&[9; 12], &bound, secret, &mut sealed).unwrap();
        sealed
    };
    let pin_key = kdf::argon2id(FORGERS_PIN, &salt, 8, 1, 1).unwrap();
    let wrapped = seal(pin_key.expose().try_into().unwrap(), bind("strongroom pin", &[&cost, &salt]), &bundle_key);
    let bundle = seal(&bundle_key, bind("strongroom bundle", &[&identity]), secrets);
    let record = &records[&layout::user(UserId(user)).to_vec()];
    let mut forged = Writer::default();
    [&record[..parts(record)[KDF].start], &cost, &salt, &wrapped].into_iter().for_each(|part| forged.raw(part));
    forged.counted(b"");
    forged.counted(&bundle);
    forged.finish()
}

/// Where the token's record has its number and its authority.
const TOKEN_ID: Range<usize> = 1..17;
const AUTHORITY: Range<usize> = 51..83;
const FORGERS_PIN: &[u8] = b"forgers-own";

/// Where a trusted object's record has the signature.
const TRUST: Range<usize> = 10..74;

/// Which of [`parts`] are the cost of the PIN and the escrow.
const KDF: usize = 6;
const ESCROW: usize = 9;

const PRIVATE: u8 = 1;
const PUBLIC: u8 = 2;
const PUBLIC_WITH_SECRET: u8 = 3;

fn original() -> (Records, Seen) {
    let records = records();
    let seen = Seen::of(store(&records), Care::ALL).unwrap();
    seen.expect_whole();
    (records, seen)
}

fn login(token: &Token, pin: &[u8]) -> Result<Login, Error> {
    token.login(Credential { role: Role::User, name: None, pin })
}

fn nobody() -> Maker<'static> {
    let ownership = Ownership::of(UserId::NOBODY);
    Maker { ownership, officer: false, session: 1, logouts: 0, policy: Policy::Standard, random: &System }
}

/// A record as anyone can write it who knows the format: its checksum fits, and no key was needed.
fn nobodys_record(records: &Records, number: u64, object: &Object, trust: Option<Vec<u8>>, shape: u8) -> Vec<u8> {
    let mut header = Writer::default();
    header.u8(shape);
    header.u32(object.ownership.owner.0);
    header.u16(0);
    header.u64(object.version);
    let header = header.finish();
    let mut signed = Writer::default();
    signed.counted(&encode_attributes(object).unwrap());
    let signed = signed.finish();
    let mut statement = b"strongroom public object\0".to_vec();
    statement.extend_from_slice(&records[layout::META][TOKEN_ID]);
    statement.extend_from_slice(&number.to_le_bytes());
    for part in [&header, &signed] {
        statement.extend_from_slice(&(part.len() as u64).to_le_bytes());
        statement.extend_from_slice(part);
    }
    let mut checksum = [0; 64];
    digest(Algorithm::Sha512, &statement, &mut checksum).unwrap();
    let mut record = vec![1];
    record.extend_from_slice(&1u64.to_le_bytes());
    record.push(u8::from(trust.is_some()));
    [record, trust.unwrap_or_default(), header, signed, checksum.to_vec()].concat()
}

/// The parts of a user's record behind its format, with the counts in front of them.
fn parts(record: &[u8]) -> Vec<Range<usize>> {
    let mut at = 1;
    let mut part = |length: usize| {
        at += length;
        at - length..at
    };
    let count = |at: usize| 4 + u32::from_le_bytes(record[at..at + 4].try_into().unwrap()) as usize;
    let mut parts = vec![part(4), part(1)];
    let name = part(0).start;
    parts.push(part(count(name)));
    parts.push(part(32));
    let sharing = part(0).start;
    parts.push(part(count(sharing)));
    parts.extend([64, 12, 16, 60].map(&mut part));
    for _ in 0..2 {
        let counted = part(0).start;
        parts.push(part(count(counted)));
    }
    assert_eq!(part(0).end, record.len());
    parts
}
