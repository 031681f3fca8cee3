//! Makes something happen at a chosen moment of a call, and the calls that several themes need.

use std::sync::{Arc, Mutex};

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::policy::Kdf;
use strongroom_core::session::{Output, Session};
use strongroom_core::store::{Aborted, Body, Store, StoreError, Visitor};
use strongroom_core::token::Settings;
use strongroom_core::token::audit::Level;
use strongroom_crypto::random::{Source, System};

use super::fixture::*;

/// Something that happens once, at the nth occasion from when it was set.
#[derive(Default)]
pub(crate) struct Event(Mutex<Option<(usize, Act)>>);

type Act = Box<dyn FnOnce() + Send>;

impl Event {
    /// Lets `act` happen after `occasions` more.
    pub(crate) fn set(&self, occasions: usize, act: impl FnOnce() + Send + 'static) {
        *self.0.lock().unwrap() = Some((occasions, Box::new(act)));
    }

    /// Whether it still has to happen; it no longer will.
    pub(crate) fn cancel(&self) -> bool {
        self.0.lock().unwrap().take().is_some()
    }

    /// An occasion. What happens may itself be occasions, and nothing is locked meanwhile.
    fn occasion(&self) {
        let mut set = self.0.lock().unwrap();
        match set.take() {
            Some((0, act)) => {
                drop(set);
                act();
            }
            later => *set = later.map(|(occasions, act)| (occasions - 1, act)),
        }
    }
}

/// Random numbers, before any draw of which something may happen.
#[derive(Default)]
pub(crate) struct EventfulSource(pub(crate) Event);

impl Source for EventfulSource {
    fn fill(&self, out: &mut [u8]) -> Result<(), strongroom_crypto::Error> {
        self.0.occasion();
        System.fill(out)
    }
}

/// A store, before any reading or writing of which something may happen.
pub(crate) struct EventfulStore {
    pub(crate) event: Event,
    inner: Arc<dyn Store>,
}

impl EventfulStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Arc<EventfulStore> {
        Arc::new(EventfulStore { event: Event::default(), inner })
    }
}

impl Store for EventfulStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.event.occasion();
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        self.event.occasion();
        self.inner.scan(prefix, after, visit)
    }

    fn transact(&self, body: Body<'_>) -> Result<(), Aborted> {
        self.event.occasion();
        self.inner.transact(body)
    }

    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn compact(&self) -> Result<(), StoreError> {
        self.inner.compact()
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        self.inner.check()
    }
}

/// Tokens in memory; the one in slot 0 has an officer, the normal user and another one.
pub(crate) fn hsm_in_memory(kdf: Kdf, random: Arc<dyn Source>) -> Hsm {
    let settings = Settings { kdf, ..settings() };
    let config = Config {
        dir: "/nonexistent".into(),
        file: None,
        store: StoreKind::Memory,
        settings,
        module_iv: false,
        audit: Level::default(),
    };
    let hsm = Hsm::with(config, random);
    hsm.init_token(0, Some(OFFICER_PIN), TOKEN_LABEL).unwrap();
    let session = open(&hsm);
    session.login(CKU_SO, Some(OFFICER_PIN), None).unwrap();
    session.init_pin(Some(USER_PIN)).unwrap();
    let officer = session.application().login().unwrap();
    let role = strongroom_core::seal::Role::User;
    session.application().token().add_user(&officer, role, OTHER, OTHER_PIN).unwrap();
    hsm.close_all_sessions(0).unwrap();
    hsm
}

pub(crate) fn open(hsm: &Hsm) -> Arc<Session> {
    hsm.session(hsm.open_session(0, true).unwrap()).unwrap()
}

pub(crate) fn log_in(session: &Session) {
    session.login(CKU_USER, Some(USER_PIN), None).unwrap();
}

pub(crate) fn log_in_other(session: &Session) {
    session.login(CKU_USER, Some(OTHER_PIN), Some(OTHER.as_bytes())).unwrap();
}

pub(crate) fn log_in_officer(session: &Session) {
    session.login(CKU_SO, Some(OFFICER_PIN), None).unwrap();
}

pub(crate) fn gcm() -> Call<'static> {
    let parameter = Parameter::Gcm { iv: &[1; 12], aad: b"", tag_bits: 128 };
    Call { mechanism: find(CKM_AES_GCM).unwrap(), parameter }
}

pub(crate) fn plain_call(mechanism: u64) -> Call<'static> {
    Call { mechanism: find(mechanism).unwrap(), parameter: Parameter::None }
}

/// Encrypts something from beginning to end.
pub(crate) fn encrypt(session: &Session, key: u64) -> Result<Vec<u8>, Error> {
    session.encrypt_init(&gcm(), key)?;
    let mut out = vec![0; 64];
    let length = session.encrypt(b"plaintext", Output::Buffer(&mut out))?;
    out.truncate(length);
    Ok(out)
}

pub(crate) fn generate(session: &Session, token: bool, private: bool) -> Result<u64, Error> {
    let flag = |set| if set { TRUE } else { FALSE };
    let length = 32u64.to_ne_bytes();
    let entries = [(CKA_VALUE_LEN, &length[..]), (CKA_TOKEN, flag(token)), (CKA_PRIVATE, flag(private))];
    session.generate_key(&plain_call(CKM_AES_KEY_GEN), &template(&entries))
}

pub(crate) fn rv<T>(result: Result<T, Error>) -> CK_RV {
    result.map_or_else(|error| error.rv(), |_| CKR_OK)
}

/// All but the counts of wrong PINs and the log: both are written wherever a PIN was tried.
pub(crate) fn without_failures(mut records: Records) -> Records {
    records.retain(|key, _| !b"FA".contains(&key[0]));
    records
}
