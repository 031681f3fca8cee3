//! A small token with one object of every shape, as the files and as the records in them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::*;
use strongroom_core::attribute::{RawAttribute, RawValue, Template};
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::Session;
use strongroom_core::store::{MemoryStore, SqliteStore, Store};
use strongroom_core::token::audit::Level;
use strongroom_core::token::{Settings, Token};
use strongroom_crypto::random::System;

pub(crate) const OFFICER_PIN: &[u8] = b"officer";
pub(crate) const USER_PIN: &[u8] = b"user-pin";
pub(crate) const OTHER: &str = "bob";
pub(crate) const OTHER_PIN: &[u8] = b"bobs-pin";
pub(crate) const TOKEN_LABEL: &[u8; 32] = b"tamper                          ";

/// The values of the sensitive keys: none of them may ever come out.
pub(crate) const SECRETS: [&[u8]; 3] =
    [b"0123456789abcdef0123456789ABCDEF", b"fedcba9876543210fedcba9876543210", b"a secret of bob's, of 32 bytes..."];

/// Numbers of the objects, in the order of their making.
pub(crate) const SEALED: u64 = 1;
pub(crate) const READABLE: u64 = 2;
pub(crate) const PUBLIC_SECRET: u64 = 3;
pub(crate) const MAC: u64 = 4;
pub(crate) const TRUSTED: u64 = 5;
pub(crate) const LETTER: u64 = 6;
pub(crate) const OTHERS: u64 = 7;
pub(crate) const NOBODYS: u64 = 8;
pub(crate) const OFFICERS: u64 = 9;
pub(crate) const LAST: u64 = 9;
/// One more was made and destroyed.
pub(crate) const DESTROYED: u64 = 10;

/// Keys and values of a store.
pub(crate) type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// A directory of its own that goes when the value does; in memory where the system has such a place.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let place = parent.join(format!("strongroom-tamper-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&place).unwrap();
        Place(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn settings() -> Settings {
    Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 }
}

pub(crate) fn hsm(dir: &Path) -> Hsm {
    let config = Config {
        dir: dir.to_owned(),
        file: None,
        store: StoreKind::Sqlite,
        settings: settings(),
        module_iv: false,
        audit: Level::default(),
    };
    Hsm::with(config, Arc::new(System))
}

/// Makes the token in `slot-0` of `dir`. Its database holds everything afterwards, its log nothing.
pub(crate) fn make_token(dir: &Path) {
    let hsm = hsm(dir);
    hsm.init_token(0, Some(OFFICER_PIN), TOKEN_LABEL).unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_SO, Some(OFFICER_PIN), None).unwrap();
    session.init_pin(Some(USER_PIN)).unwrap();
    let officer = session.application().login().unwrap();
    session.application().token().add_user(&officer, Role::User, OTHER, OTHER_PIN).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(USER_PIN), None).unwrap();
    make_users_objects(&session);
    session.logout().unwrap();
    session.login(CKU_USER, Some(OTHER_PIN), Some(OTHER.as_bytes())).unwrap();
    let others = secret(&session, CKK_GENERIC_SECRET, SECRETS[2], b"others", &[(CKA_SIGN, TRUE)]);
    assert_eq!(others, OTHERS);
    session.logout().unwrap();
    let nobodys = [(CKA_APPLICATION, &b"anyone"[..]), (CKA_VALUE, b"made before any login"), (CKA_PRIVATE, FALSE)];
    assert_eq!(create(&session, CKO_DATA, b"nobodys", &nobodys), NOBODYS);
    session.login(CKU_SO, Some(OFFICER_PIN), None).unwrap();
    assert_eq!(certificate(&session, b"officers", &[(CKA_TRUSTED, TRUE)]), OFFICERS);
    session.set_attributes(TRUSTED, &template(&[(CKA_TRUSTED, TRUE)])).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(USER_PIN), None).unwrap();
    let destroyed = secret(&session, CKK_AES, SECRETS[0], b"destroyed", &[]);
    assert_eq!(destroyed, DESTROYED);
    session.destroy_object(destroyed).unwrap();
}

fn make_users_objects(session: &Session) {
    let narrow = [(CKA_DECRYPT, FALSE), (CKA_SIGN, FALSE), (CKA_WRAP, FALSE), (CKA_UNWRAP, FALSE), (CKA_ID, b"\x07")];
    assert_eq!(secret(session, CKK_AES, SECRETS[0], b"sealed", &narrow), SEALED);
    let open = [(CKA_SENSITIVE, FALSE), (CKA_EXTRACTABLE, TRUE)];
    assert_eq!(secret(session, CKK_AES, b"readable by its ", b"readable", &open), READABLE);
    assert_eq!(secret(session, CKK_AES, SECRETS[1], b"public secret", &[(CKA_PRIVATE, FALSE)]), PUBLIC_SECRET);
    let only = CKM_SHA256_HMAC.to_ne_bytes();
    let mac = [(CKA_MODIFIABLE, FALSE), (CKA_COPYABLE, FALSE), (CKA_ALLOWED_MECHANISMS, &only[..])];
    assert_eq!(secret(session, CKK_GENERIC_SECRET, SECRETS[0], b"mac", &mac), MAC);
    assert_eq!(certificate(session, b"trusted", &[]), TRUSTED);
    let letter = [(CKA_APPLICATION, &b"mail"[..]), (CKA_VALUE, b"Dear reader")];
    assert_eq!(create(session, CKO_DATA, b"letter", &letter), LETTER);
}

pub(crate) const TRUE: &[u8] = &[1];
pub(crate) const FALSE: &[u8] = &[0];

pub(crate) fn secret(session: &Session, key_type: u64, value: &[u8], label: &[u8], more: &[(u64, &[u8])]) -> u64 {
    let key_type = key_type.to_ne_bytes();
    let own = [(CKA_KEY_TYPE, &key_type[..]), (CKA_VALUE, value)];
    create(session, CKO_SECRET_KEY, label, &[&own, more].concat())
}

/// A certificate as far as the token reads one; its value is large enough to fill pages of its own.
pub(crate) fn certificate(session: &Session, label: &[u8], more: &[(u64, &[u8])]) -> u64 {
    let kind = CKC_X_509.to_ne_bytes();
    let value = label.repeat(160);
    let own = [(CKA_CERTIFICATE_TYPE, &kind[..]), (CKA_SUBJECT, b"the subject"), (CKA_VALUE, &value)];
    create(session, CKO_CERTIFICATE, label, &[&own, more].concat())
}

pub(crate) fn create(session: &Session, class: u64, label: &[u8], more: &[(u64, &[u8])]) -> u64 {
    let class = class.to_ne_bytes();
    let own = [(CKA_CLASS, &class[..]), (CKA_LABEL, label), (CKA_TOKEN, TRUE)];
    session.create_object(&template(&[&own, more].concat())).unwrap()
}

pub(crate) fn template<'a>(entries: &[(u64, &'a [u8])]) -> Template<'a> {
    let raw: Vec<_> = entries
        .iter()
        .map(|(attribute, bytes)| RawAttribute { attribute: *attribute, value: RawValue::Bytes(bytes) })
        .collect();
    Template::parse(&raw).unwrap()
}

/// The records of a new token.
pub(crate) fn records() -> Records {
    let place = Place::new();
    make_token(&place.0);
    read(&SqliteStore::open(&place.0.join("slot-0"), true).unwrap())
}

pub(crate) fn read(store: &dyn Store) -> Records {
    let mut records = Records::new();
    let all = store.scan(b"", None, &mut |key, value| {
        records.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    });
    all.unwrap();
    records
}

/// A store in memory with these records.
pub(crate) fn store(records: &Records) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    let filled = store.transact(&mut |transaction| {
        for (key, value) in records {
            transaction.put(key, value)?;
        }
        Ok(())
    });
    filled.unwrap();
    Arc::new(store)
}

pub(crate) fn token(store: Arc<dyn Store>) -> Result<Token, strongroom_core::error::Error> {
    Token::open(store, Arc::new(System), settings())
}
