//! The core as a door uses it: one token, one user, keys made, found again, used, destroyed.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Flag, RawAttribute, RawValue, Template};
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::AttributeValue;
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::token::audit::Level;
use strongroom_core::token::{Credential, Settings};
use strongroom_crypto::random::System;

const LABEL: &[u8; 32] = b"walk                            ";

struct Place(std::path::PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn place() -> Place {
    let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
    Place(std::env::temp_dir().join(format!("strongroom-walk-{:016x}", u64::from_le_bytes(unique))))
}

fn hsm(place: &Place, store: StoreKind) -> Hsm {
    let settings = Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
    let config =
        Config { dir: place.0.clone(), file: None, store, settings, module_iv: false, audit: Level::default() };
    Hsm::with(config, Arc::new(System))
}

fn with_user(hsm: &Hsm) -> Arc<Session> {
    hsm.init_token(0, Some(b"officer"), LABEL).unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    session.init_pin(Some(b"user-pin")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    session
}

fn template<'a>(entries: &[(u64, &'a [u8])]) -> Template<'a> {
    let raw: Vec<_> = entries
        .iter()
        .map(|(attribute, bytes)| RawAttribute { attribute: *attribute, value: RawValue::Bytes(bytes) })
        .collect();
    Template::parse(&raw).unwrap()
}

fn aes(session: &Session, label: &[u8], token: bool) -> u64 {
    let length = 32u64.to_ne_bytes();
    let entries = [(CKA_VALUE_LEN, &length[..]), (CKA_LABEL, label), (CKA_TOKEN, if token { &[1][..] } else { &[0] })];
    let call = Call { mechanism: find(CKM_AES_KEY_GEN).unwrap(), parameter: Parameter::None };
    session.generate_key(&call, &template(&entries)).unwrap()
}

fn found(session: &Session, entries: &[(u64, &[u8])]) -> Vec<u64> {
    session.find_init(&template(entries)).unwrap();
    let mut handles = [0; 100];
    let count = session.find(&mut handles).unwrap();
    session.find_final().unwrap();
    handles[..count].to_vec()
}

fn encrypted(session: &Session, key: u64) -> Vec<u8> {
    let iv = [1; 12];
    let parameter = Parameter::Gcm { iv: &iv, aad: b"aad", tag_bits: 128 };
    session.encrypt_init(&Call { mechanism: find(CKM_AES_GCM).unwrap(), parameter }, key).unwrap();
    let mut out = [0; 64];
    assert_eq!(session.encrypt(b"plaintext", Output::Length).unwrap(), 9 + 16);
    assert!(session.encrypt(b"plaintext", Output::Buffer(&mut out[..24])).is_err());
    let written = session.encrypt(b"plaintext", Output::Buffer(&mut out)).unwrap();
    out[..written].to_vec()
}

#[test]
fn keys_live_in_a_store_and_in_memory() {
    for store in [StoreKind::Sqlite, StoreKind::Memory] {
        let place = place();
        let hsm = hsm(&place, store);
        let session = with_user(&hsm);
        let key = aes(&session, b"first", true);
        assert_eq!(key, 1);
        assert_eq!(found(&session, &[(CKA_LABEL, b"first")]), [1]);
        assert_eq!(found(&session, &[(CKA_LABEL, b"other")]), []);
        let session_key = aes(&session, b"second", false);
        assert!(session_key >= 0x8000_0000);
        assert_eq!(found(&session, &[]), [1, session_key]);
        assert_eq!(encrypted(&session, key).len(), 25);
        assert_eq!(encrypted(&session, key), encrypted(&session, key));
        assert_ne!(encrypted(&session, key), encrypted(&session, session_key));
        session.set_attributes(key, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
        assert_eq!(found(&session, &[(CKA_LABEL, b"first")]), []);
        assert_eq!(found(&session, &[(CKA_LABEL, b"renamed")]), [1]);
        session.logout().unwrap();
        assert_eq!(found(&session, &[]), []);
        session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
        assert_eq!(found(&session, &[]), [1]);
        session.destroy_object(1).unwrap();
        assert_eq!(found(&session, &[]), []);
        assert_eq!(aes(&session, b"next", true), 2);
    }
}

#[test]
fn another_process_sees_the_same() {
    let place = place();
    let (one, two) = (hsm(&place, StoreKind::Sqlite), hsm(&place, StoreKind::Sqlite));
    let first = with_user(&one);
    let second = two.session(two.open_session(0, true).unwrap()).unwrap();
    second.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    let key = aes(&first, b"shared", true);
    assert_eq!(found(&second, &[(CKA_LABEL, b"shared")]), [key]);
    assert_eq!(encrypted(&first, key), encrypted(&second, key));
    first.set_attributes(key, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
    let object = second.object(key).unwrap();
    assert_eq!(object.attribute(AttributeType(CKA_LABEL)).unwrap(), AttributeValue::Bytes(b"renamed"));
    first.destroy_object(key).unwrap();
    assert_eq!(second.object(key).unwrap_err().rv(), CKR_OBJECT_HANDLE_INVALID);
}

#[test]
fn an_officers_reset_keeps_the_users_keys() {
    let place = place();
    let hsm = hsm(&place, StoreKind::Sqlite);
    let session = with_user(&hsm);
    let key = aes(&session, b"kept", true);
    let before = encrypted(&session, key);
    session.logout().unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    session.init_pin(Some(b"forgotten")).unwrap();
    session.logout().unwrap();
    assert_eq!(session.login(CKU_USER, Some(b"user-pin"), None).unwrap_err().rv(), CKR_PIN_INCORRECT);
    session.login(CKU_USER, Some(b"forgotten"), None).unwrap();
    assert_eq!(encrypted(&session, key), before);
    session.set_pin(Some(b"forgotten"), Some(b"own-choice")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user:own-choice"), None).unwrap();
    assert_eq!(encrypted(&session, key), before);
}

#[test]
fn too_many_wrong_pins_lock_the_user_and_the_officer_unlocks() {
    let place = place();
    let hsm = hsm(&place, StoreKind::Sqlite);
    let session = with_user(&hsm);
    session.logout().unwrap();
    let flags = || hsm.token_info(0).unwrap().flags;
    for wrong in 1..=10u32 {
        assert_eq!(session.login(CKU_USER, Some(b"wrong"), None).unwrap_err().rv(), CKR_PIN_INCORRECT);
        assert_eq!(flags() & CKF_USER_PIN_COUNT_LOW != 0, wrong < 10, "{wrong}");
        assert_eq!(flags() & CKF_USER_PIN_FINAL_TRY != 0, wrong == 9, "{wrong}");
        assert_eq!(flags() & CKF_USER_PIN_LOCKED != 0, wrong == 10, "{wrong}");
    }
    assert_eq!(session.login(CKU_USER, Some(b"user-pin"), None).unwrap_err().rv(), CKR_PIN_LOCKED);
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    session.init_pin(Some(b"fresh")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"fresh"), None).unwrap();
    assert_eq!(flags() & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED), 0);
}

#[test]
fn the_officer_gives_trust_and_takes_it_back() {
    let place = place();
    let hsm = hsm(&place, StoreKind::Sqlite);
    let session = with_user(&hsm);
    let length = 32u64.to_ne_bytes();
    let entries = [(CKA_VALUE_LEN, &length[..]), (CKA_TOKEN, &[1]), (CKA_PRIVATE, &[0])];
    let call = Call { mechanism: find(CKM_AES_KEY_GEN).unwrap(), parameter: Parameter::None };
    let key = session.generate_key(&call, &template(&entries)).unwrap();
    let trusted = || session.object(key).unwrap().has(Flag::Trusted);
    let set =
        |value: &[u8]| session.set_attributes(key, &template(&[(CKA_TRUSTED, value)])).map_err(|error| error.rv());
    assert!(!trusted());
    assert_eq!(set(&[1]), Err(CKR_ATTRIBUTE_READ_ONLY));
    session.logout().unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    set(&[1]).unwrap();
    assert!(trusted());
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    assert!(trusted());
    session.set_attributes(key, &template(&[(CKA_LABEL, b"still trusted")])).unwrap();
    assert!(trusted());
    assert_eq!(set(&[0]), Err(CKR_ATTRIBUTE_READ_ONLY));
    session.logout().unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    set(&[0]).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    assert!(!trusted());
    assert_eq!(set(&[1]), Err(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(encrypted(&session, key).len(), 25);
}

#[test]
fn a_pin_alone_means_the_only_user_whatever_the_name() {
    let place = place();
    let hsm = hsm(&place, StoreKind::Sqlite);
    hsm.init_token(0, Some(b"officer"), LABEL).unwrap();
    let token = hsm.application(0).unwrap();
    let officer = token.token().login(Credential::first_officer(b"officer")).unwrap();
    token.token().add_user(&officer, Role::User, "alice", b"alices-pin").unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_USER, Some(b"alices-pin"), None).unwrap();
    let key = aes(&session, b"hers", true);
    session.logout().unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    session.init_pin(Some(b"new-pin")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"new-pin"), None).unwrap();
    assert_eq!(found(&session, &[]), [key]);
    session.logout().unwrap();
    token.token().add_user(&officer, Role::User, "bob", b"bobs-pin").unwrap();
    assert_eq!(session.login(CKU_USER, Some(b"new-pin"), None).unwrap_err().rv(), CKR_USER_PIN_NOT_INITIALIZED);
    session.login(CKU_USER, Some(b"bob:bobs-pin"), None).unwrap();
}
