//! A token in memory, and what happens to it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::*;
use strongroom_core::attribute::{RawAttribute, RawValue, Template};
use strongroom_core::clock::Clock;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::store::{MemoryStore, Store};
use strongroom_core::token::audit::{Entry, Level};
use strongroom_core::token::{Credential, Login, Settings, Token, layout};
use strongroom_crypto::random::System;

pub(crate) const OFFICER_PIN: &[u8] = b"officer";
pub(crate) const USER_PIN: &[u8] = b"user-pin";
pub(crate) const LABEL: &[u8; 32] = b"audit                           ";
pub(crate) const TRUE: &[u8] = &[1];
pub(crate) const FALSE: &[u8] = &[0];

/// Keys and values of a store.
pub(crate) type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// A clock that goes on by a second each time it is looked at.
#[derive(Default)]
pub(crate) struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + 1000 * self.0.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) fn settings() -> Settings {
    Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 }
}

pub(crate) fn hsm(dir: PathBuf, store: StoreKind, audit: Level) -> Hsm {
    let config = Config { dir, file: None, store, settings: settings(), module_iv: false, audit };
    Hsm::with(config, Arc::new(System)).with_clock(Arc::<Ticking>::default())
}

/// A session on a new token in memory, whose officer is `so` and whose user 2.
pub(crate) fn token(audit: Level) -> (Hsm, Arc<Session>) {
    let hsm = hsm("/nonexistent".into(), StoreKind::Memory, audit);
    hsm.init_token(0, Some(OFFICER_PIN), LABEL).unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    as_officer(&session);
    session.init_pin(Some(USER_PIN)).unwrap();
    as_user(&session);
    (hsm, session)
}

pub(crate) fn as_user(session: &Session) {
    let _ = session.logout();
    session.login(CKU_USER, Some(USER_PIN), None).unwrap();
}

pub(crate) fn as_officer(session: &Session) {
    let _ = session.logout();
    session.login(CKU_SO, Some(OFFICER_PIN), None).unwrap();
}

pub(crate) fn officer(token: &Token) -> Login {
    token.login(Credential::first_officer(OFFICER_PIN)).unwrap()
}

pub(crate) fn template<'a>(entries: &[(u64, &'a [u8])]) -> Template<'a> {
    let raw: Vec<_> = entries
        .iter()
        .map(|(attribute, bytes)| RawAttribute { attribute: *attribute, value: RawValue::Bytes(bytes) })
        .collect();
    Template::parse(&raw).unwrap()
}

pub(crate) fn call(mechanism: u64) -> Call<'static> {
    Call { mechanism: find(mechanism).unwrap(), parameter: Parameter::None }
}

/// An AES key of the token that may do everything and leave.
pub(crate) fn aes(session: &Session) -> u64 {
    let length = 32u64.to_ne_bytes();
    let entries = [
        (CKA_TOKEN, TRUE),
        (CKA_EXTRACTABLE, TRUE),
        (CKA_WRAP, TRUE),
        (CKA_UNWRAP, TRUE),
        (CKA_ENCRYPT, TRUE),
        (CKA_DECRYPT, TRUE),
        (CKA_SIGN, TRUE),
        (CKA_VERIFY, TRUE),
        (CKA_DERIVE, TRUE),
        (CKA_VALUE_LEN, &length),
    ];
    session.generate_key(&call(CKM_AES_KEY_GEN), &template(&entries)).unwrap()
}

/// A secret key of the token from outside.
pub(crate) fn secret(session: &Session, on_token: bool) -> u64 {
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
    let entries = [
        (CKA_CLASS, &class[..]),
        (CKA_KEY_TYPE, &key_type),
        (CKA_TOKEN, if on_token { TRUE } else { FALSE }),
        (CKA_EXTRACTABLE, TRUE),
        (CKA_SIGN, TRUE),
        (CKA_VERIFY, TRUE),
        (CKA_VALUE, b"0123456789abcdef"),
    ];
    session.create_object(&template(&entries)).unwrap()
}

pub(crate) fn certificate(session: &Session) -> u64 {
    let (class, kind) = (CKO_CERTIFICATE.to_ne_bytes(), CKC_X_509.to_ne_bytes());
    let entries = [
        (CKA_CLASS, &class[..]),
        (CKA_CERTIFICATE_TYPE, &kind),
        (CKA_TOKEN, TRUE),
        (CKA_SUBJECT, b"the subject"),
        (CKA_VALUE, b"the certificate"),
    ];
    session.create_object(&template(&entries)).unwrap()
}

pub(crate) fn wrap(session: &Session, wrapping: u64, key: u64) -> Vec<u8> {
    let mut wrapped = vec![0; 256];
    let length = session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), wrapping, key, Output::Buffer(&mut wrapped)).unwrap();
    wrapped.truncate(length);
    wrapped
}

/// A life of about thirty entries.
pub(crate) fn live(session: &Session) {
    let token = session.application().token();
    for number in 0..4 {
        let key = aes(session);
        let secret = secret(session, true);
        session.set_attributes(secret, &template(&[(CKA_LABEL, b"renamed")])).unwrap();
        wrap(session, key, secret);
        session.destroy_object(if number % 2 == 0 { key } else { secret }).unwrap();
    }
    let certificate = certificate(session);
    as_officer(session);
    session.set_attributes(certificate, &template(&[(CKA_TRUSTED, TRUE)])).unwrap();
    let officer = session.application().login().unwrap();
    token.add_user(&officer, Role::User, "bob", b"bobs-pin").unwrap();
    token.login(Credential { role: Role::User, name: Some(b"bob"), pin: b"wrong" }).map(drop).unwrap_err();
    token.unlock(&officer, "bob").unwrap();
    token.delete_user(&officer, "bob").unwrap();
    as_user(session);
}

pub(crate) fn entries(token: &Token) -> Vec<Entry> {
    let mut entries = Vec::new();
    let all = token.audit_entries(&mut |sequence, entry| {
        let entry = entry.unwrap();
        assert_eq!(entry.sequence, sequence);
        entries.push(entry);
        ControlFlow::Continue(())
    });
    all.unwrap();
    entries
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

/// A token with these records, open for whoever looks at its log.
pub(crate) struct Edited {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) token: Token,
}

impl Edited {
    pub(crate) fn new(records: &Records) -> Edited {
        let store = Arc::new(MemoryStore::new());
        write(&*store, records);
        let token = Token::open(Arc::clone(&store) as _, Arc::new(System), settings()).unwrap();
        Edited { store, token }
    }

    /// Puts a record, or takes it away.
    pub(crate) fn set(&self, key: &[u8], record: Option<&[u8]>) {
        let done = self.store.transact(&mut |transaction| {
            match record {
                Some(record) => transaction.put(key, record)?,
                None => transaction.delete(key)?,
            }
            Ok(())
        });
        done.unwrap();
    }
}

fn write(store: &dyn Store, records: &Records) {
    let filled = store
        .transact(&mut |transaction| Ok(records.iter().try_for_each(|(key, value)| transaction.put(key, value))?));
    filled.unwrap();
}

/// The keys of the entries, in their order.
pub(crate) fn entry_keys(records: &Records) -> Vec<Vec<u8>> {
    records.keys().filter(|key| layout::audit_sequence(key).is_some()).cloned().collect()
}
