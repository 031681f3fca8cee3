//! Which tokens there are, and what is left of one that was deleted.

use std::fs;
use std::sync::{Arc, Barrier};

use cryptoki_sys::*;
use strongroom_core::hsm::Hsm;
use strongroom_core::session::{Output, Session};
use strongroom_core::store::{SqliteStore, Store};

use super::fixture::*;
use super::order::*;

/// Promise: a token that another process deletes is gone with the next call, whichever it is: an error, no use of a
/// key, no result.
#[test]
fn a_deleted_token_is_gone_with_the_next_call() {
    let calls: [(&str, Next); 13] = [
        ("C_GetSessionInfo", |session| rv(session.info())),
        ("C_GetTokenInfo", |session| rv(session.application().token().meta())),
        ("C_GetAttributeValue", |session| rv(session.object(READABLE))),
        ("C_FindObjectsInit", |session| rv(session.find_init(&template(&[])))),
        ("C_EncryptInit", |session| rv(session.encrypt_init(&gcm(), SEALED))),
        ("C_Decrypt, begun", |session| rv(session.decrypt(&[0; 32], Output::Buffer(&mut [0; 64])))),
        ("C_Sign, begun", |session| rv(session.sign(b"plaintext", Output::Buffer(&mut [0; 64])))),
        ("C_GenerateKey", |session| rv(generate(session, false, true))),
        ("C_CopyObject", |session| rv(session.copy_object(LETTER, &template(&[])))),
        ("C_SetAttributeValue", |session| rv(session.set_attributes(LETTER, &template(&[(CKA_LABEL, b"new")])))),
        ("C_DestroyObject", |session| rv(session.destroy_object(LETTER))),
        ("C_SetPIN", |session| rv(session.set_pin(Some(USER_PIN), Some(b"another-pin")))),
        ("C_Login", |session| rv(session.login(CKU_USER, Some(USER_PIN), None))),
    ];
    let mut alive = Vec::new();
    for (name, call) in calls {
        let place = Place::new();
        make_token(&place.0);
        let one = hsm(&place.0);
        let session = busy(&one);
        hsm(&place.0).delete_token(0).unwrap();
        let got = call(&session);
        if name == "C_GetSessionInfo" {
            assert_eq!(got, CKR_DEVICE_REMOVED);
        }
        if [CKR_OK, CKR_USER_ALREADY_LOGGED_IN].contains(&got) {
            alive.push(name);
        }
        // Nor does the first error change the next answer.
        assert!(encrypt(&session, SEALED).is_err() && session.object(READABLE).is_err(), "{name}");
    }
    assert_eq!(alive, [""; 0]);
}

/// A call that ought to fail.
type Next = fn(&Session) -> CK_RV;

/// Promise: nor does a digest that a private key went into give a result.
#[test]
fn a_deleted_tokens_keys_are_digested_no_more() {
    let place = Place::new();
    make_token(&place.0);
    let one = hsm(&place.0);
    let session = busy(&one);
    hsm(&place.0).delete_token(0).unwrap();
    let mut out = [0; 32];
    assert!(session.digest_final(Output::Buffer(&mut out)).is_err());
    assert_eq!(out, [0; 32]);
}

/// Promise: a deletion that is reported done is done, also for those who had the token open while another writer held
/// it up.
#[test]
#[ignore = "waits for half a minute: run with --ignored"]
fn a_token_that_cannot_be_emptied_is_not_reported_deleted() {
    let place = Place::new();
    make_token(&place.0);
    let (one, two) = (hsm(&place.0), hsm(&place.0));
    let session = open(&one);
    log_in(&session);
    encrypt(&session, SEALED).unwrap();
    let writer = SqliteStore::open(&place.0.join("slot-0"), false).unwrap();
    let (begun, done) = (Barrier::new(2), Barrier::new(2));
    let deleted = std::thread::scope(|scope| {
        scope.spawn(|| {
            let held = writer.transact(&mut |_| {
                begun.wait();
                done.wait();
                Ok(())
            });
            let _ = held;
        });
        begun.wait();
        let deleted = two.delete_token(0).is_ok();
        done.wait();
        deleted
    });
    assert_eq!(encrypt(&session, SEALED).is_err(), deleted);
}

/// Promise: nobody logs in to a token that is gone, and it is not listed.
#[test]
fn a_deleted_token_has_no_users() {
    let place = Place::new();
    make_token(&place.0);
    let one = hsm(&place.0);
    let session = open(&one);
    session.info().unwrap();
    hsm(&place.0).delete_token(0).unwrap();
    for (user_type, pin) in [(CKU_USER, USER_PIN), (CKU_SO, OFFICER_PIN)] {
        assert!(session.login(user_type, Some(pin), None).is_err());
    }
    assert!(session.application().login().is_none());
    assert!(one.token_info(0).is_err());
    // The number is not given again.
    assert_eq!(one.slots().unwrap(), [1]);
    one.init_token(1, Some(OFFICER_PIN), TOKEN_LABEL).unwrap();
    assert!(session.info().is_err());
}

/// A session in the middle of everything a key can be used for.
fn busy(hsm: &Hsm) -> Arc<Session> {
    let session = open(hsm);
    log_in(&session);
    encrypt(&session, SEALED).unwrap();
    session.decrypt_init(&gcm(), READABLE).unwrap();
    session.sign_init(&plain_call(CKM_SHA256_HMAC), MAC).unwrap();
    session.digest_init(&plain_call(CKM_SHA256)).unwrap();
    session.digest_key(READABLE).unwrap();
    for number in [SEALED, READABLE, LETTER] {
        session.object(number).unwrap();
    }
    session
}

/// Promise: a directory is a slot if it has the name a slot's directory gets, and nothing else is; none of them is an
/// error.
#[test]
fn directories_with_other_names_are_no_slots() {
    let others = [
        "slot-18446744073709551615",
        "slot-18446744073709551616",
        "slot-2147483648",
        "slot-07",
        "slot-+0",
        "slot--0",
        "slot- 0",
        "slot-",
        "slot-0.old",
        "Slot-0",
        "slot-\u{663}",
    ];
    // Empty, and with a token in them.
    for name in others {
        let place = Place::new();
        fs::create_dir(place.0.join(name)).unwrap();
        assert_eq!(hsm(&place.0).slots().unwrap(), [0], "{name}");
        make_token(&place.0);
        assert_eq!(hsm(&place.0).slots().unwrap(), [0, 1], "{name}");
        fs::remove_dir(place.0.join(name)).unwrap();
        fs::rename(place.0.join("slot-0"), place.0.join(name)).unwrap();
        let hsm = hsm(&place.0);
        assert_eq!(hsm.slots().unwrap(), [0], "{name}");
        assert_eq!(hsm.token_info(0).unwrap().flags & CKF_TOKEN_INITIALIZED, 0, "{name}");
        assert!([7, u64::MAX].iter().all(|slot| rv(hsm.token_info(*slot)) == CKR_SLOT_ID_INVALID), "{name}");
    }
    // The last number there is, is one.
    let place = Place::new();
    fs::create_dir(place.0.join("slot-2147483647")).unwrap();
    assert_eq!(hsm(&place.0).slots().unwrap(), [2_147_483_648]);
}
