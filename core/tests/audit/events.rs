//! What is in the log.

use cryptoki_sys::*;
use strongroom_core::attribute::Template;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::UserId;
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::token::Credential;
use strongroom_core::token::audit::{Entry, Event, Level};

use super::fixture::*;

/// The entries since `from`, told shortly: event, user, object, second number.
fn told(session: &Session, from: usize) -> Vec<(Event, u32, u64, u64)> {
    let entries = entries(session.application().token());
    entries[from..].iter().map(|entry| (entry.event, entry.user.0, entry.object, entry.second)).collect()
}

fn count(session: &Session) -> usize {
    entries(session.application().token()).len()
}

/// Promise: whatever makes, changes, destroys or lets out an object of the token is logged, with who did it and how.
#[test]
fn what_happens_to_objects_is_logged() {
    let (_hsm, session) = token(Level::Management);
    let start = count(&session);
    let key = aes(&session);
    let made = secret(&session, true);
    session.set_attributes(made, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
    let copy = session.copy_object(made, &template(&[(CKA_LABEL, b"copied")])).unwrap();
    let wrapped = wrap(&session, key, made);
    let back = unwrap(&session, key, &wrapped);
    session.destroy_object(copy).unwrap();
    let (public, private) = pair(&session);
    let derived = derive(&session, public, private);
    let certificate = certificate(&session);
    as_officer(&session);
    session.set_attributes(certificate, &template(&[(CKA_TRUSTED, TRUE)])).unwrap();
    session.set_attributes(certificate, &template(&[(CKA_TRUSTED, FALSE)])).unwrap();
    assert_eq!(
        told(&session, start),
        [
            (Event::ObjectGenerated, 2, key, 0),
            (Event::ObjectCreated, 2, made, 0),
            (Event::ObjectChanged, 2, made, 0),
            (Event::ObjectCopied, 2, copy, made),
            (Event::KeyWrapped, 2, made, key),
            (Event::ObjectUnwrapped, 2, back, key),
            (Event::ObjectDestroyed, 2, copy, 0),
            (Event::ObjectGenerated, 2, public, 0),
            (Event::ObjectGenerated, 2, private, 0),
            (Event::ObjectDerived, 2, derived, private),
            (Event::ObjectCreated, 2, certificate, 0),
            (Event::TrustGiven, 1, certificate, 0),
            (Event::TrustTaken, 1, certificate, 0),
        ]
    );
    let entries = entries(session.application().token());
    let of = |event: Event| entries.iter().find(|entry| entry.event == event).unwrap();
    assert_eq!(of(Event::ObjectGenerated).mechanism, Some(CKM_AES_KEY_GEN));
    assert_eq!(of(Event::ObjectUnwrapped).mechanism, Some(CKM_AES_KEY_WRAP_KWP));
    assert_eq!(of(Event::ObjectDerived).mechanism, Some(CKM_ECDH1_DERIVE));
    assert_eq!(of(Event::ObjectCreated).mechanism, None);
    let (user, officer) = (Role::User as u8, Role::Officer as u8);
    assert_eq!((of(Event::ObjectGenerated).role, of(Event::TrustGiven).role), (user, officer));
    assert!(entries.iter().all(|entry| entry.process == std::process::id() && entry.name.len() < 8));
    // The clock that was given: a second for each look.
    let times: Vec<u64> = entries[1..].iter().map(|entry| entry.time_ms).collect();
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 1000), "{times:?}");
}

/// Promise: whatever the officers and the users do about users and PINs is logged, with the wrong PINs.
#[test]
fn what_happens_to_users_is_logged() {
    let (_hsm, session) = token(Level::Management);
    as_officer(&session);
    let token = session.application().token();
    let officer = session.application().login().unwrap();
    token.add_user(&officer, Role::User, "bob", b"bobs-pin").unwrap();
    token.set_pin(UserId(3), b"bobs-pin", b"bobs-new").unwrap();
    for _ in 0..10 {
        token.login(Credential { role: Role::User, name: Some(b"bob"), pin: b"wrong" }).map(drop).unwrap_err();
    }
    // What a locked user tries changes nothing, and is not logged.
    let locked = token.login(Credential { role: Role::User, name: Some(b"bob"), pin: b"wrong" });
    assert!(matches!(locked, Err(Error::PinLocked)));
    token.unlock(&officer, "bob").unwrap();
    token.reset_pin(&officer, "bob", b"bobs-own").unwrap();
    token.delete_user(&officer, "bob").unwrap();
    let mut expected = vec![
        (Event::TokenInitialized, 1, 0, 0),
        (Event::UserMade, 1, 0, 2),
        (Event::UserMade, 1, 0, 3),
        (Event::PinChanged, 3, 0, 3),
    ];
    expected.extend([(Event::PinWrong, 0, 0, 3)].repeat(10));
    expected.extend([
        (Event::UserLocked, 0, 0, 3),
        (Event::UserUnlocked, 1, 0, 3),
        (Event::PinReset, 1, 0, 3),
        (Event::UserDeleted, 1, 0, 3),
    ]);
    assert_eq!(told(&session, 0), expected);
    let entries = entries(token);
    let bobs: Vec<&Entry> = entries.iter().filter(|entry| entry.second == 3).collect();
    assert!(bobs.iter().all(|entry| entry.name == "bob"));
    let results: Vec<u64> = entries.iter().filter(|entry| entry.result != 0).map(|entry| entry.result).collect();
    assert_eq!(results, [vec![CKR_PIN_INCORRECT; 10], vec![CKR_PIN_LOCKED]].concat());
}

/// Promise: what is refused or undone leaves no entry, nor does what concerns the session alone.
#[test]
fn what_did_not_happen_is_not_logged() {
    let (_hsm, session) = token(Level::Management);
    let (key, own) = (aes(&session), secret(&session, false));
    let start = count(&session);
    session.copy_object(own, &template(&[])).unwrap();
    session.set_attributes(own, &template(&[(CKA_LABEL, b"mine")])).unwrap();
    wrap(&session, key, own);
    session.destroy_object(own).unwrap();
    session.destroy_object(9999).unwrap_err();
    session.set_attributes(key, &template(&[(CKA_LOCAL, TRUE)])).unwrap_err();
    session.generate_key(&call(CKM_AES_KEY_GEN), &template(&[(CKA_TOKEN, TRUE)])).unwrap_err();
    // Asking how long it will be lets nothing out.
    session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), key, key, Output::Length).unwrap();
    sign(&session, key);
    let token = session.application().token();
    token.delete_user(&officer(token), "so").unwrap_err();
    token.unlock(&officer(token), "user").unwrap();
    assert_eq!(told(&session, start), []);
}

/// Promise: logins are logged where that is asked for.
#[test]
fn logins_are_logged_when_asked() {
    let (_hsm, session) = token(Level::Logins);
    let events: Vec<_> = told(&session, 0).iter().map(|told| (told.0, told.1)).collect();
    let expected = [
        (Event::TokenInitialized, 1),
        (Event::LoggedIn, 1),
        (Event::UserMade, 1),
        (Event::LoggedOut, 1),
        (Event::LoggedIn, 2),
    ];
    assert_eq!(events, expected);
    let start = count(&session);
    let key = aes(&session);
    sign(&session, key);
    assert_eq!(told(&session, start), [(Event::ObjectGenerated, 2, key, 0)]);
}

/// Promise: each use of a token's key is logged where that is asked for, also the second that is like the first.
#[test]
fn every_use_is_logged_when_asked() {
    let (_hsm, session) = token(Level::Use);
    let key = aes(&session);
    let (public, private) = pair(&session);
    let payload = secret(&session, true);
    let own = secret(&session, false);
    let start = count(&session);
    sign(&session, key);
    sign(&session, key);
    sign(&session, key);
    session.verify_init(&call(CKM_AES_CMAC), key).unwrap();
    encrypt(&session, key);
    session.decrypt_init(&call(CKM_AES_KEY_WRAP_KWP), key).unwrap();
    session.message_sign_init(&call(CKM_ECDSA_SHA256), private).unwrap();
    let wrapped = wrap(&session, key, payload);
    let back = unwrap(&session, key, &wrapped);
    let derived = derive(&session, public, private);
    // A key of the session is nobody else's business.
    session.sign_init(&call(CKM_SHA256_HMAC), own).unwrap();
    assert_eq!(
        told(&session, start),
        [
            (Event::UsedToSign, 2, key, 0),
            (Event::UsedToSign, 2, key, 0),
            (Event::UsedToSign, 2, key, 0),
            (Event::UsedToVerify, 2, key, 0),
            (Event::UsedToEncrypt, 2, key, 0),
            (Event::UsedToDecrypt, 2, key, 0),
            (Event::UsedToSign, 2, private, 0),
            (Event::UsedToWrap, 2, key, 0),
            (Event::KeyWrapped, 2, payload, key),
            (Event::UsedToUnwrap, 2, key, 0),
            (Event::ObjectUnwrapped, 2, back, key),
            (Event::UsedToDerive, 2, private, 0),
            (Event::ObjectDerived, 2, derived, private),
        ]
    );
    let entries = entries(session.application().token());
    assert_eq!(entries[start].mechanism, Some(CKM_AES_CMAC));
}

/// Promise: a session's copy of a key of the token is logged, and so is a copy of the copy; what leaves by one, is made
/// or used by one, is logged for the key that was copied, as if it had been used itself.
#[test]
fn a_copy_in_a_session_is_logged_as_its_origin() {
    for level in [Level::Management, Level::Use] {
        let (_hsm, session) = token(level);
        let (key, own) = (aes(&session), secret(&session, false));
        let (public, private) = pair(&session);
        let start = count(&session);
        let in_session = template(&[(CKA_TOKEN, FALSE)]);
        let copy = session.copy_object(key, &in_session).unwrap();
        let second = session.copy_object(copy, &template(&[(CKA_LABEL, b"another")])).unwrap();
        session.set_attributes(second, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
        sign(&session, second);
        sign(&session, second);
        encrypt(&session, copy);
        let wrapped = wrap(&session, copy, second);
        wrap(&session, copy, own);
        let back = unwrap(&session, second, &wrapped);
        let agreeing = session.copy_object(private, &in_session).unwrap();
        let derived = derive(&session, public, agreeing);
        let kept = session.copy_object(second, &template(&[(CKA_TOKEN, TRUE)])).unwrap();
        // The public half is no secret.
        session.copy_object(public, &in_session).unwrap();
        // The origin's number tells what was copied also when the origin is gone.
        session.destroy_object(key).unwrap();
        wrap(&session, kept, copy);
        session.destroy_object(copy).unwrap();
        let used = |event, key| (level == Level::Use).then_some((event, 2, key, 0));
        let always = |event, object, second| Some((event, 2, object, second));
        let expected = [
            always(Event::ObjectCopied, 0, key),
            always(Event::ObjectCopied, 0, key),
            used(Event::UsedToSign, key),
            used(Event::UsedToSign, key),
            used(Event::UsedToEncrypt, key),
            used(Event::UsedToWrap, key),
            always(Event::KeyWrapped, key, key),
            used(Event::UsedToWrap, key),
            used(Event::UsedToUnwrap, key),
            always(Event::ObjectUnwrapped, back, key),
            always(Event::ObjectCopied, 0, private),
            used(Event::UsedToDerive, private),
            always(Event::ObjectDerived, derived, private),
            always(Event::ObjectCopied, kept, key),
            always(Event::ObjectDestroyed, key, 0),
            used(Event::UsedToWrap, kept),
            always(Event::KeyWrapped, key, kept),
        ];
        assert_eq!(told(&session, start), expected.into_iter().flatten().collect::<Vec<_>>(), "{level}");
    }
}

/// Promise: what a key of the token makes in a session is not that key: its making is a use, what becomes of it is not
/// told.
#[test]
fn what_a_key_makes_in_a_session_is_told_as_its_use() {
    for level in [Level::Management, Level::Use] {
        let (_hsm, session) = token(level);
        let key = aes(&session);
        let wrapped = wrap(&session, key, key);
        let start = count(&session);
        let entries = [
            (CKA_CLASS, &CKO_SECRET_KEY.to_ne_bytes()[..]),
            (CKA_KEY_TYPE, &CKK_AES.to_ne_bytes()),
            (CKA_EXTRACTABLE, TRUE),
            (CKA_SIGN, TRUE),
            (CKA_WRAP, TRUE),
        ];
        let own = session.unwrap_key(&call(CKM_AES_KEY_WRAP_KWP), key, &wrapped, &template(&entries)).unwrap();
        sign(&session, own);
        let data = Parameter::Bytes(&[7; 32]);
        let encrypt = Call { mechanism: find(CKM_AES_ECB_ENCRYPT_DATA).unwrap(), parameter: data };
        let length = 32u64.to_ne_bytes();
        let entries = [&entries[..], &[(CKA_VALUE_LEN, &length)]].concat();
        let derived = session.derive_key(&encrypt, key, &template(&entries)).unwrap().key;
        sign(&session, derived);
        wrap(&session, derived, own);
        let told = told(&session, start);
        match level {
            Level::Use => assert_eq!(told, [(Event::UsedToUnwrap, 2, key, 0), (Event::UsedToDerive, 2, key, 0)]),
            _ => assert_eq!(told, []),
        }
    }
}

fn sign(session: &Session, key: u64) {
    session.sign_init(&call(CKM_AES_CMAC), key).unwrap();
    session.sign(b"data", Output::Buffer(&mut [0; 16])).unwrap();
}

fn encrypt(session: &Session, key: u64) {
    session.encrypt_init(&call(CKM_AES_ECB), key).unwrap();
    session.encrypt(&[0; 16], Output::Buffer(&mut [0; 16])).unwrap();
}

fn unwrap(session: &Session, key: u64, wrapped: &[u8]) -> u64 {
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
    let entries = [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type), (CKA_TOKEN, TRUE)];
    session.unwrap_key(&call(CKM_AES_KEY_WRAP_KWP), key, wrapped, &template(&entries)).unwrap()
}

/// A pair on P-256 that signs and agrees.
fn pair(session: &Session) -> (u64, u64) {
    let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let public = template(&[(CKA_TOKEN, TRUE), (CKA_EC_PARAMS, &p256)]);
    let private = template(&[(CKA_TOKEN, TRUE), (CKA_DERIVE, TRUE), (CKA_SIGN, TRUE)]);
    session.generate_key_pair(&call(CKM_EC_KEY_PAIR_GEN), &public, &private).unwrap()
}

fn derive(session: &Session, public: u64, private: u64) -> u64 {
    let point = match session.object(public).unwrap().attribute(strongroom_core::attribute::AttributeType(CKA_EC_POINT))
    {
        Ok(strongroom_core::object::AttributeValue::Bytes(bytes)) => bytes.to_vec(),
        _ => panic!("a public key without a point"),
    };
    let parameter = Parameter::Agreement { kdf: CKD_NULL, shared: &[], public: &point, key_bits: 0 };
    let call = Call { mechanism: find(CKM_ECDH1_DERIVE).unwrap(), parameter };
    let (class, key_type, length) =
        (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes(), 32u64.to_ne_bytes());
    let entries = [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type), (CKA_TOKEN, TRUE), (CKA_VALUE_LEN, &length)];
    let template: Template<'_> = template(&entries);
    session.derive_key(&call, private, &template).unwrap().key
}
