//! Who is logged in, since when, and what ends with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::object::{Object, UserId};
use strongroom_core::policy::Kdf;
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::store::{MemoryStore, Store};
use strongroom_core::token::audit::Level;
use strongroom_core::token::{Credential, Settings, Token, layout};
use strongroom_crypto::random::{Source, System};

use super::fixture::*;
use super::order::*;

/// Promise: closing the last session logs out, also whoever is about to be logged in.
#[test]
fn a_login_that_ends_after_the_last_session_is_nobodys() {
    let hsm = Arc::new(hsm_in_memory(Kdf::Default, Arc::new(System)));
    let met = (0..ATTEMPTS).any(|_| {
        let session = open(&hsm);
        let login = std::thread::spawn(move || session.login(CKU_USER, Some(USER_PIN), None));
        hsm.close_all_sessions(0).unwrap();
        let overtaken = !login.is_finished();
        let result = login.join().unwrap();
        assert_eq!(open(&hsm).info().unwrap().state, CKS_RW_PUBLIC_SESSION);
        assert!(!overtaken || rv(result) == CKR_SESSION_HANDLE_INVALID);
        hsm.close_all_sessions(0).unwrap();
        overtaken
    });
    assert!(met);
}

/// Promise: a session that was opened after all others were closed starts without a login, whatever they had begun.
#[test]
fn a_closed_sessions_login_is_not_the_next_sessions() {
    let hsm = Arc::new(hsm_in_memory(Kdf::Default, Arc::new(System)));
    let met = (0..ATTEMPTS).any(|_| {
        let session = open(&hsm);
        let login = std::thread::spawn(move || session.login(CKU_USER, Some(USER_PIN), None));
        hsm.close_all_sessions(0).unwrap();
        let next = open(&hsm);
        let overtaken = !login.is_finished();
        let result = login.join().unwrap();
        assert_eq!(next.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
        assert!(!overtaken || rv(result) == CKR_SESSION_HANDLE_INVALID);
        hsm.close_all_sessions(0).unwrap();
        overtaken
    });
    assert!(met);
}

/// Promise: a user who is deleted while the PIN is checked is not logged in for anyone's next call, even if another
/// session has seen the deletion before.
#[test]
fn a_user_deleted_during_the_login_is_not_logged_in() {
    let place = Place::new();
    make_token(&place.0);
    let settings = Settings { kdf: Kdf::Strong, ..settings() };
    let config = Config {
        dir: place.0.clone(),
        file: None,
        store: StoreKind::Sqlite,
        settings,
        module_iv: false,
        audit: Level::default(),
    };
    let hsm = Hsm::with(config, Arc::new(System));
    let (session, witness) = (open(&hsm), open(&hsm));
    let token = Arc::clone(session.application().token());
    let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    let met = (0..ATTEMPTS).any(|_| {
        token.add_user(&officer, Role::User, "carol", b"carols-pin").unwrap();
        let own = Arc::clone(&session);
        let login = std::thread::spawn(move || own.login(CKU_USER, Some(b"carols-pin"), Some(b"carol")));
        std::thread::sleep(Duration::from_millis(20));
        token.delete_user(&officer, "carol").unwrap();
        assert_eq!(witness.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
        let under_way = !login.is_finished();
        // Had it begun too late, it would have found no user; else the PIN was right.
        let met = under_way && rv(login.join().unwrap()) == CKR_FUNCTION_FAILED;
        assert_eq!(rv(encrypt(&witness, PUBLIC_SECRET)), CKR_USER_NOT_LOGGED_IN);
        assert_eq!(witness.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
        met
    });
    assert!(met);
}

/// Promise: a login is to one token. Another token's record in its place, even one with its number, ends the login, and
/// putting the right one back does not bring the login back.
#[test]
fn a_login_ends_when_the_token_record_is_replaced() {
    let place = Place::new();
    make_token(&place.0);
    let hsm = hsm(&place.0);
    let session = open(&hsm);
    let store = session.application().token().store();
    let genuine = store.get(layout::META).unwrap().unwrap();
    let forged = record_with_number(genuine[1..17].try_into().unwrap());
    let swap = |record: &[u8]| store.transact(&mut |transaction| Ok(transaction.put(layout::META, record)?)).unwrap();

    log_in(&session);
    encrypt(&session, SEALED).unwrap();
    session.encrypt_init(&gcm(), SEALED).unwrap();
    swap(&forged);
    assert_eq!(session.application().token().meta().unwrap().label_text(), "forged");
    assert_eq!(rv(session.encrypt(b"plaintext", Output::Buffer(&mut [0; 64]))), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    for number in 1..=LAST {
        assert!(encrypt(&session, number).is_err(), "{number}");
        assert!(session.object(number).map_or(true, |object| object.ownership.owner == UserId::NOBODY), "{number}");
    }
    swap(&genuine);
    assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(rv(session.logout()), CKR_USER_NOT_LOGGED_IN);
    log_in(&session);
    encrypt(&session, SEALED).unwrap();
}

/// The record of a new token that has this number.
fn record_with_number(number: [u8; 16]) -> Vec<u8> {
    struct NumberFirst([u8; 16], AtomicBool);
    impl Source for NumberFirst {
        fn fill(&self, out: &mut [u8]) -> Result<(), strongroom_crypto::Error> {
            if !self.1.swap(true, Ordering::SeqCst) {
                out.copy_from_slice(&self.0);
                return Ok(());
            }
            System.fill(out)
        }
    }
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let random = Arc::new(NumberFirst(number, AtomicBool::new(false)));
    let label = b"forged                          ";
    let token = Token::create(Arc::clone(&store), random, settings(), label, b"forgers-own").unwrap();
    assert_eq!(token.meta().unwrap().id, number);
    store.get(layout::META).unwrap().unwrap()
}

/// Promise: a PIN that can be set can be used. What would be read as the PIN of the user of some name is refused
/// wherever a PIN is set.
#[test]
fn a_pin_that_looks_like_a_name_and_a_pin_is_refused() {
    let hsm = hsm_in_memory(Kdf::Test, Arc::new(System));
    let session = open(&hsm);
    let token = Arc::clone(session.application().token());
    let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    let before = read(token.store());
    for pin in [&b"so:12345"[..], b"user:1234", b"USER:1234", b"bob:12345", b"nobody:1234", b"a.b-c_9:", b"a:b:c"] {
        let text = String::from_utf8_lossy(pin);
        assert_eq!(rv(hsm.init_token(1, Some(pin), TOKEN_LABEL)), CKR_PIN_INVALID, "{text}");
        assert_eq!(rv(token.init_pin(&officer, pin)), CKR_PIN_INVALID, "{text}");
        assert_eq!(rv(token.reset_pin(&officer, OTHER, pin)), CKR_PIN_INVALID, "{text}");
        assert_eq!(rv(token.add_user(&officer, Role::User, "carol", pin)), CKR_PIN_INVALID, "{text}");
        assert_eq!(rv(session.set_pin(Some(USER_PIN), Some(pin))), CKR_PIN_INVALID, "{text}");
        log_in_officer(&session);
        assert_eq!(rv(session.init_pin(Some(pin))), CKR_PIN_INVALID, "{text}");
        assert_eq!(rv(session.set_pin(Some(OFFICER_PIN), Some(pin))), CKR_PIN_INVALID, "{text}");
        session.logout().unwrap();
    }
    assert!(without_failures(read(token.store())) == without_failures(before));
    // No user has a name like these.
    for pin in [&b":1234"[..], b"a b:12", "\u{e9}t\u{e9}:1".as_bytes(), b"12345678901234567890123456789012:x"] {
        token.init_pin(&officer, pin).unwrap();
        session.login(CKU_USER, Some(pin), None).unwrap();
        session.logout().unwrap();
    }
}

/// Promise: after `C_Logout` no session holds a private key, in whatever kind of operation it was used last.
#[test]
fn finished_operations_let_go_of_their_keys_at_a_logout() {
    let hsm = hsm_in_memory(Kdf::Test, Arc::new(System));
    let sessions = [open(&hsm), open(&hsm)];
    log_in(&sessions[0]);
    let held: Vec<_> = sessions.iter().flat_map(|session| used_in_every_way(session)).collect();
    assert!(held.iter().all(|key| key.upgrade().is_some()));
    hsm.logout(sessions[1].handle).unwrap();
    assert_eq!(held.iter().filter(|key| key.upgrade().is_some()).count(), 0);
}

/// Makes two keys and uses them in one finished operation of each kind.
fn used_in_every_way(session: &Session) -> [Weak<Object>; 4] {
    let keys = [CKK_AES, CKK_AES, CKK_GENERIC_SECRET, CKK_GENERIC_SECRET]
        .map(|key_type| secret(session, key_type, SECRETS[0], b"used", &[]));
    let (mut ciphertext, mut mac) = ([0; 64], [0; 32]);
    let length = {
        session.encrypt_init(&gcm(), keys[0]).unwrap();
        session.encrypt(b"plaintext", Output::Buffer(&mut ciphertext)).unwrap()
    };
    session.decrypt_init(&gcm(), keys[1]).unwrap();
    session.decrypt(&ciphertext[..length], Output::Buffer(&mut [0; 64])).unwrap();
    let hmac = plain_call(CKM_SHA256_HMAC);
    session.sign_init(&hmac, keys[2]).unwrap();
    session.sign(b"plaintext", Output::Buffer(&mut mac)).unwrap();
    session.verify_init(&hmac, keys[3]).unwrap();
    session.verify(b"plaintext", &mac).unwrap();
    keys.map(|key| Arc::downgrade(&session.object(key).unwrap()))
}

/// Promise: an officer uses no key, not even one that was in use when nobody was logged in.
#[test]
fn an_officer_uses_no_key_that_was_begun_before() {
    let hsm = hsm_in_memory(Kdf::Test, Arc::new(System));
    let session = open(&hsm);
    let key = generate(&session, false, false).unwrap();
    let ciphertext = encrypt(&session, key).unwrap();
    session.decrypt_init(&gcm(), key).unwrap();
    log_in_officer(&session);
    let mut out = [0; 64];
    assert!(session.decrypt(&ciphertext, Output::Buffer(&mut out)).is_err());
    assert_eq!(out, [0; 64]);
    // The finished one would be ready to begin again.
    assert_eq!(rv(encrypt(&session, key)), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(rv(session.decrypt_init(&gcm(), key)), CKR_USER_NOT_LOGGED_IN);
    session.logout().unwrap();
    assert_eq!(encrypt(&session, key).unwrap(), ciphertext);
}

/// Promise: a digest that a private key went into ends with the login, in every way it could go on.
#[test]
fn a_digest_with_a_key_ends_with_the_login() {
    let hsm = hsm_in_memory(Kdf::Test, Arc::new(System));
    let session = open(&hsm);
    for again in [false, true] {
        for whole in [false, true] {
            log_in(&session);
            begin_keyed_digest(&session);
            session.logout().unwrap();
            if again {
                log_in(&session);
            }
            let mut out = [0; 32];
            let ended = match whole {
                true => session.digest(b"", Output::Buffer(&mut out)),
                false => session.digest_final(Output::Buffer(&mut out)),
            };
            assert!(ended.is_err());
            assert_eq!(out, [0; 32]);
            assert_eq!(rv(session.digest_final(Output::Buffer(&mut out))), CKR_OPERATION_NOT_INITIALIZED);
            if again {
                session.logout().unwrap();
            }
        }
    }
    // One without a key is anybody's.
    session.digest_init(&plain_call(CKM_SHA256)).unwrap();
    log_in(&session);
    session.logout().unwrap();
    session.digest_final(Output::Buffer(&mut [0; 32])).unwrap();
}

/// Promise: nor does another user's key let it go on.
#[test]
fn a_digest_with_a_key_does_not_go_on_with_the_next_users() {
    let hsm = hsm_in_memory(Kdf::Test, Arc::new(System));
    let session = open(&hsm);
    log_in(&session);
    begin_keyed_digest(&session);
    session.logout().unwrap();
    log_in_other(&session);
    let own = digestible(&session);
    let mut out = [0; 32];
    let ended = session.digest_key(own).and_then(|()| session.digest_final(Output::Buffer(&mut out)));
    assert!(ended.is_err());
    assert_eq!(out, [0; 32]);
}

/// Promise: a digest that a private key went into ends when the user is deleted, in whichever process.
#[test]
fn a_digest_with_a_key_ends_with_its_user() {
    let place = Place::new();
    make_token(&place.0);
    let (one, two) = (hsm(&place.0), hsm(&place.0));
    let session = open(&one);
    let token = Arc::clone(open(&two).application().token());
    let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    token.add_user(&officer, Role::User, "carol", b"carols-pin").unwrap();
    session.login(CKU_USER, Some(b"carols-pin"), Some(b"carol")).unwrap();
    let key_type = CKK_AES.to_ne_bytes();
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let entries = [
        (CKA_CLASS, &class[..]),
        (CKA_KEY_TYPE, &key_type),
        (CKA_VALUE, b"readable by its "),
        (CKA_SENSITIVE, FALSE),
        (CKA_EXTRACTABLE, TRUE),
    ];
    let key = session.create_object(&template(&entries)).unwrap();
    session.digest_init(&plain_call(CKM_SHA256)).unwrap();
    session.digest_key(key).unwrap();
    token.delete_user(&officer, "carol").unwrap();
    assert!(session.digest_final(Output::Buffer(&mut [0; 32])).is_err());
}

fn begin_keyed_digest(session: &Session) {
    let key = digestible(session);
    session.digest_init(&plain_call(CKM_SHA256)).unwrap();
    session.digest_key(key).unwrap();
}

fn digestible(session: &Session) -> u64 {
    let open = [(CKA_SENSITIVE, FALSE), (CKA_EXTRACTABLE, TRUE)];
    secret(session, CKK_AES, b"readable by its ", b"digestible", &open)
}

/// Promise: a key that wants a login for each operation (`CKA_ALWAYS_AUTHENTICATE`) gets one for each, also where
/// several operations wait for it at once.
#[test]
fn one_context_login_opens_one_operation() {
    let hsm = hsm_in_memory(Kdf::Test, Arc::new(System));
    let session = open(&hsm);
    log_in(&session);
    let wary = [(CKA_ALWAYS_AUTHENTICATE, TRUE)];
    let key = secret(&session, CKK_AES, SECRETS[0], b"wary", &wary);
    let mac_key = secret(&session, CKK_GENERIC_SECRET, SECRETS[1], b"wary", &wary);
    let ordinary = secret(&session, CKK_AES, SECRETS[0], b"ordinary", &[]);
    let ciphertext = encrypt(&session, ordinary).unwrap();
    for logins in 0..=4 {
        session.encrypt_init(&gcm(), key).unwrap();
        session.decrypt_init(&gcm(), key).unwrap();
        session.sign_init(&plain_call(CKM_SHA256_HMAC), mac_key).unwrap();
        session.verify_init(&plain_call(CKM_SHA256_HMAC), mac_key).unwrap();
        for _ in 0..logins {
            session.login(CKU_CONTEXT_SPECIFIC, Some(USER_PIN), None).unwrap();
        }
        let mut out = [0; 64];
        let results = [
            rv(session.encrypt(b"plaintext", Output::Buffer(&mut out))),
            rv(session.decrypt(&ciphertext, Output::Buffer(&mut out))),
            rv(session.sign(b"plaintext", Output::Buffer(&mut out))),
            rv(session.verify(b"plaintext", &[0; 32])),
        ];
        let refused = CKR_USER_NOT_LOGGED_IN;
        assert_eq!(results.iter().filter(|result| **result != refused).count(), logins, "{results:x?}");
        let unasked = session.login(CKU_CONTEXT_SPECIFIC, Some(USER_PIN), None);
        assert!(matches!(unasked, Err(Error::OperationNotInitialized)));
    }
}

/// How often a moment is tried for that only the time a PIN takes makes.
const ATTEMPTS: usize = 50;
