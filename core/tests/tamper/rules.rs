//! What one caller may rely on while others, or an editor of the files, work on the same token.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use cryptoki_sys::*;
use strongroom_core::attribute::AttributeType;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::AttributeValue;
use strongroom_core::object::birth::{Maker, create as born};
use strongroom_core::object::{Object, Ownership, UserId};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::store::MemoryStore;
use strongroom_core::token::{Credential, Login, Settings, Token};
use strongroom_crypto::random::System;

use super::fixture::*;

/// Promise: a key that was found before the login works after it, like any other.
#[test]
fn a_public_secret_key_seen_before_the_login_works_after_it() {
    let token = token(store(&records())).unwrap();
    assert!(token.object(PUBLIC_SECRET, None).unwrap().material().is_err());
    let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    assert!(token.object(PUBLIC_SECRET, Some(&officer)).unwrap().material().is_err());
    let user = token.login(Credential { role: Role::User, name: None, pin: USER_PIN }).unwrap();
    assert!(token.object(PUBLIC_SECRET, Some(&user)).unwrap().material().is_ok());
    assert!(token.object(PUBLIC_SECRET, None).unwrap().material().is_err());
}

/// Promise: who is not logged in sees the new token after a re-initialisation, never an object of the old one.
#[test]
fn no_object_outlives_its_token() {
    let shared = store(&records());
    let (one, two) = (token(Arc::clone(&shared)).unwrap(), token(shared).unwrap());
    let value = |object: &Object| match object.attribute(AttributeType(CKA_APPLICATION)) {
        Ok(AttributeValue::Bytes(bytes)) => bytes.to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(value(&one.object(NOBODYS, None).unwrap()), b"anyone");
    let stale = one.login(Credential { role: Role::User, name: None, pin: USER_PIN }).unwrap();
    assert!(one.object(SEALED, Some(&stale)).is_ok());
    two.reinitialize(TOKEN_LABEL, OFFICER_PIN).unwrap();
    for _ in 1..=NOBODYS {
        two.insert(data(b"new", None), None).unwrap();
    }
    assert_eq!(value(&one.object(NOBODYS, None).unwrap()), b"new");
    assert_eq!(value(&one.object(SEALED, Some(&stale)).unwrap()), b"new");
}

/// Promise: a program that initialises a token again knows nothing of policies, and changes none.
#[test]
fn a_token_made_anew_allows_what_it_allowed() {
    for (made, elsewhere) in [(Kdf::Test, Kdf::Strong), (Kdf::Default, Kdf::Test)] {
        let shared: Arc<MemoryStore> = Arc::new(MemoryStore::new());
        let fips = Settings { policy: Policy::Fips, kdf: made, escrow: false, ..settings() };
        Token::create(Arc::clone(&shared) as _, Arc::new(System), fips, TOKEN_LABEL, OFFICER_PIN).unwrap();
        let other = Settings { policy: Policy::Standard, kdf: elsewhere, escrow: true, ..settings() };
        let token = Token::open(Arc::clone(&shared) as _, Arc::new(System), other).unwrap();
        token.reinitialize(TOKEN_LABEL, OFFICER_PIN).unwrap();
        let meta = token.meta().unwrap();
        assert_eq!((meta.policy, meta.test, meta.escrow), (Policy::Fips, made == Kdf::Test, false));
    }
}

/// Promise: what begins before a user is deleted, or the token made anew, ends there: nothing more is written.
#[test]
fn a_login_that_ended_elsewhere_writes_nothing() {
    for ending in ["deletion", "re-initialisation"] {
        let shared = store(&records());
        let (one, two) = (token(Arc::clone(&shared)).unwrap(), token(Arc::clone(&shared)).unwrap());
        let officer = two.login(Credential::first_officer(OFFICER_PIN)).unwrap();
        two.add_user(&officer, Role::User, "short-lived", b"while-it-lasts").unwrap();
        let name = Some(&b"short-lived"[..]);
        let login = one.login(Credential { role: Role::User, name, pin: b"while-it-lasts" }).unwrap();
        let kept = one.insert(data(b"kept", Some(&login)), Some(&login)).unwrap();
        one.remove(&kept, Some(&login)).unwrap();
        match ending {
            "deletion" => two.delete_user(&officer, "short-lived").unwrap(),
            _ => two.reinitialize(TOKEN_LABEL, OFFICER_PIN).unwrap(),
        }
        let before = read(&*shared);
        let refused = one.insert(data(b"late", Some(&login)), Some(&login));
        assert!(matches!(refused, Err(Error::NotLoggedIn)), "{ending}: {:?}", refused.map(|object| object.number));
        assert_eq!(read(&*shared), before, "{ending}");
    }
}

/// Promise: a counter that was set back costs an error, never an object or a user.
#[test]
fn a_counter_set_back_overwrites_nothing() {
    let records = records();
    for (key, values) in [
        (&b"Co"[..], [&0u64.to_le_bytes()[..], &1u64.to_le_bytes(), &u64::MAX.to_le_bytes()]),
        (b"Cu", [&0u32.to_le_bytes()[..], &1u32.to_le_bytes(), &u32::MAX.to_le_bytes()]),
    ] {
        for value in values.into_iter().map(Some).chain([None]) {
            let mut edited = records.clone();
            match value {
                Some(value) => edited.insert(key.to_vec(), value.to_vec()),
                None => edited.remove(key),
            };
            let shared = store(&edited);
            let token = token(Arc::clone(&shared)).unwrap();
            let user = token.login(Credential { role: Role::User, name: None, pin: USER_PIN }).unwrap();
            let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
            let before = read(&*shared);
            let made = match key == b"Co" {
                true => token.insert(data(b"new", Some(&user)), Some(&user)).map(drop),
                false => token.add_user(&officer, Role::User, "carol", b"carols-pin").map(drop),
            };
            assert!(matches!(made, Err(Error::Damaged(_) | Error::TokenFull(_))), "{value:?}: {made:?}");
            assert_eq!(read(&*shared), before);
        }
    }
}

/// Promise: guessing in parallel gives no more guesses than guessing one by one: ten answers, then the lock.
#[test]
fn parallel_guesses_are_counted() {
    // Slow enough that all guesses are under way before the first is answered.
    let slow = Settings { kdf: Kdf::Default, ..settings() };
    let token = Token::create(Arc::new(MemoryStore::new()), Arc::new(System), slow, TOKEN_LABEL, OFFICER_PIN).unwrap();
    let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    token.init_pin(&officer, USER_PIN).unwrap();
    let (wrong, locked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Barrier::new(GUESSERS);
    std::thread::scope(|scope| {
        for _ in 0..GUESSERS {
            scope.spawn(|| {
                start.wait();
                match token.login(Credential { role: Role::User, name: None, pin: b"a guess" }) {
                    Err(Error::PinWrong) => wrong.fetch_add(1, Ordering::Relaxed),
                    Err(Error::PinLocked) => locked.fetch_add(1, Ordering::Relaxed),
                    other => panic!("{:?}", other.map(|login| login.user)),
                };
            });
        }
    });
    assert_eq!((wrong.into_inner(), locked.into_inner()), (10, GUESSERS - 10));
    assert!(matches!(token.login(Credential { role: Role::User, name: None, pin: USER_PIN }), Err(Error::PinLocked)));
}

const GUESSERS: usize = 16;

/// Promise: a use that is withdrawn ends what is under way, and the next beginning is refused: no operation that was
/// begun in time carries the old permission on.
#[test]
fn a_withdrawn_permission_is_gone_at_once() {
    let place = Place::new();
    let (_hsm, sessions) = user_sessions(&place);
    let [one, two] = &sessions;
    let key = secret(one, CKK_AES, SECRETS[0], b"narrowed", &[]);
    let mut out = [0; 64];
    encrypt_init(one, key).unwrap();
    one.encrypt_update(b"before", Output::Buffer(&mut out)).unwrap();
    two.set_attributes(key, &template(&[(CKA_ENCRYPT, FALSE)])).unwrap();
    let update = one.encrypt_update(b"after", Output::Buffer(&mut out));
    assert_eq!(rv(update), CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(rv(encrypt_init(one, key)), CKR_KEY_FUNCTION_NOT_PERMITTED);
    // A finished operation is kept for the next one: not beyond the permission.
    let key = secret(one, CKK_AES, SECRETS[0], b"narrowed later", &[]);
    encrypt_init(one, key).unwrap();
    one.encrypt(b"before", Output::Buffer(&mut out)).unwrap();
    two.set_attributes(key, &template(&[(CKA_ENCRYPT, FALSE)])).unwrap();
    assert_eq!(rv(encrypt_init(one, key)), CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/// Promise: after a logout nothing that was begun before goes on, even if the same user logs in again.
#[test]
fn no_operation_survives_a_logout() {
    let place = Place::new();
    let (_hsm, sessions) = user_sessions(&place);
    let [one, two] = &sessions;
    let key = secret(one, CKK_AES, SECRETS[0], b"key", &[]);
    let shared = secret(one, CKK_AES, SECRETS[0], b"public key", &[(CKA_PRIVATE, FALSE)]);
    let mut out = [0; 64];
    for key in [key, shared] {
        for again in [false, true] {
            encrypt_init(one, key).unwrap();
            one.encrypt_update(b"before", Output::Buffer(&mut out)).unwrap();
            one.sign_init(&hmac(), secret(one, CKK_GENERIC_SECRET, SECRETS[0], b"mac", &[])).unwrap();
            two.logout().unwrap();
            if again {
                two.login(CKU_USER, Some(USER_PIN), None).unwrap();
            }
            let expected = if again { CKR_OPERATION_NOT_INITIALIZED } else { CKR_USER_NOT_LOGGED_IN };
            assert_eq!(rv(one.encrypt_update(b"after", Output::Buffer(&mut out))), expected);
            assert_eq!(rv(one.sign(b"after", Output::Buffer(&mut out))), expected);
            assert_eq!(rv(one.encrypt_update(b"after", Output::Buffer(&mut out))), CKR_OPERATION_NOT_INITIALIZED);
            if !again {
                two.login(CKU_USER, Some(USER_PIN), None).unwrap();
            }
        }
    }
}

/// Promise: a user who is deleted, in whichever process, is logged out, and what they were doing ends.
#[test]
fn a_deleted_user_is_logged_out_everywhere() {
    let place = Place::new();
    make_token(&place.0);
    let (one, two) = (hsm(&place.0), hsm(&place.0));
    let [session, officer] = [&one, &two].map(|hsm| hsm.session(hsm.open_session(0, true).unwrap()).unwrap());
    officer.login(CKU_SO, Some(OFFICER_PIN), None).unwrap();
    let token = Arc::clone(officer.application().token());
    let login = officer.application().login().unwrap();
    token.add_user(&login, Role::User, "short-lived", b"while-it-lasts").unwrap();
    session.login(CKU_USER, Some(b"while-it-lasts"), Some(b"short-lived")).unwrap();
    // The user's own key keeps the user; one that anybody has does not.
    let key = secret(&session, CKK_AES, SECRETS[0], b"own", &[]);
    assert!(matches!(token.delete_user(&login, "short-lived"), Err(Error::Prohibited(_))));
    session.destroy_object(key).unwrap();
    encrypt_init(&session, PUBLIC_SECRET).unwrap();
    let mut out = [0; 64];
    session.encrypt_update(b"before", Output::Buffer(&mut out)).unwrap();
    token.delete_user(&login, "short-lived").unwrap();
    assert_eq!(rv(session.encrypt_update(b"after", Output::Buffer(&mut out))), CKR_USER_NOT_LOGGED_IN);
    assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(rv(encrypt_init(&session, PUBLIC_SECRET)), CKR_USER_NOT_LOGGED_IN);
}

/// Promise: a token that is deleted, in whichever process, is gone: its keys do nothing more.
#[test]
fn a_deleted_token_is_gone_for_everyone() {
    let place = Place::new();
    let (_one, [session, _]) = user_sessions(&place);
    encrypt_init(&session, SEALED).unwrap();
    let mut out = [0; 64];
    session.encrypt_update(b"before", Output::Buffer(&mut out)).unwrap();
    hsm(&place.0).delete_token(0).unwrap();
    assert!(session.encrypt_update(b"after", Output::Buffer(&mut out)).is_err());
    for number in 1..=LAST {
        assert!(session.object(number).is_err());
        assert!(encrypt_init(&session, number).is_err());
    }
    let class = CKO_DATA.to_ne_bytes();
    assert!(session.create_object(&template(&[(CKA_CLASS, &class), (CKA_TOKEN, TRUE)])).is_err());
}

/// Promise: a public session key needs no login, so its operations outlive one.
#[test]
fn a_public_session_keys_operation_survives_a_logout() {
    let place = Place::new();
    let (_hsm, [one, two]) = user_sessions(&place);
    let entries = [(CKA_VALUE_LEN, &32u64.to_ne_bytes()[..]), (CKA_TOKEN, FALSE), (CKA_PRIVATE, FALSE)];
    let call = Call { mechanism: find(CKM_AES_KEY_GEN).unwrap(), parameter: Parameter::None };
    let key = one.generate_key(&call, &template(&entries)).unwrap();
    encrypt_init(&one, key).unwrap();
    two.logout().unwrap();
    one.encrypt(b"plaintext", Output::Buffer(&mut [0; 64])).unwrap();
}

fn user_sessions(place: &Place) -> (Hsm, [Arc<Session>; 2]) {
    make_token(&place.0);
    let hsm = hsm(&place.0);
    let sessions = [(); 2].map(|()| hsm.session(hsm.open_session(0, true).unwrap()).unwrap());
    sessions[0].login(CKU_USER, Some(USER_PIN), None).unwrap();
    (hsm, sessions)
}

fn encrypt_init(session: &Session, key: u64) -> Result<(), Error> {
    let parameter = Parameter::Gcm { iv: &[1; 12], aad: b"", tag_bits: 128 };
    session.encrypt_init(&Call { mechanism: find(CKM_AES_GCM).unwrap(), parameter }, key).map(|_| ())
}

fn hmac() -> Call<'static> {
    Call { mechanism: find(CKM_SHA256_HMAC).unwrap(), parameter: Parameter::None }
}

fn rv<T>(result: Result<T, Error>) -> CK_RV {
    result.map_or_else(|error| error.rv(), |_| CKR_OK)
}

/// A data object that has no number yet: private to its owner, or public and nobody's.
pub(crate) fn data(application: &[u8], owner: Option<&Login>) -> Object {
    let class = CKO_DATA.to_ne_bytes();
    let private = if owner.is_some() { TRUE } else { FALSE };
    let entries = [(CKA_CLASS, &class[..]), (CKA_TOKEN, TRUE), (CKA_APPLICATION, application), (CKA_PRIVATE, private)];
    let owner = owner.map_or(UserId::NOBODY, |owner| owner.user);
    let ownership = Ownership::of(owner);
    born(
        &template(&entries),
        &Maker { ownership, officer: false, session: 1, logouts: 0, policy: Policy::Standard, random: &System },
    )
    .unwrap()
}
