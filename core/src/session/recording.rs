//! What the audit log tells of the use of keys (`docs/audit.md`).

use super::application::Application;
use crate::attribute::Flag;
use crate::error::Error;
use crate::object::Object;
use crate::token::audit::{Event, Fact};

impl Application {
    /// Logs that a key is about to be used, where that is asked for and it is the token's or a session's copy of one;
    /// whether it was logged. What cannot be logged must not go on.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn record_use(&self, key: &Object, usage: Flag, mechanism: u64) -> Result<bool, Error> {
        let Some(number) = key.number_in_token().filter(|_| self.token.records_use()) else { return Ok(false) };
        self.token.record_use(number, usage, mechanism, self.login().as_deref())?;
        Ok(true)
    }

    /// Logs that a key of the token, or a session's copy of one, leaves, wrapped.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn record_wrapping(&self, key: &Object, wrapping: &Object, mechanism: u64) -> Result<(), Error> {
        let Some(number) = key.number_in_token() else { return Ok(()) };
        let wrapped = Fact::of(Event::KeyWrapped).object(number).second(wrapping.number_in_log());
        self.record_where_possible(wrapped.by(mechanism))
    }

    /// Logs that a session has a copy of a key of the token. The copy has no number of its own in the log.
    ///
    /// # Errors
    /// The store's.
    pub(super) fn record_copy(&self, copied: Fact<'_>) -> Result<(), Error> {
        self.record_where_possible(copied)
    }

    /// Where nothing can be written that is no reason to keep the key, unless its use is logged: by then it is the
    /// medium that is protected.
    fn record_where_possible(&self, fact: Fact<'_>) -> Result<(), Error> {
        match self.token.record_alone(self.login().as_deref(), fact) {
            Err(Error::WriteProtected(_)) if !self.token.records_use() => Ok(()),
            recorded => recorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    use cryptoki_sys::*;
    use strongroom_crypto::random::System;

    use super::*;
    use crate::attribute::{RawAttribute, RawValue, Template};
    use crate::mechanism::{Call, Parameter, find};
    use crate::policy::{Kdf, Policy};
    use crate::seal::Role;
    use crate::session::{Output, Session};
    use crate::store::{Aborted, Body, MemoryStore, Store, StoreError, Visitor};
    use crate::token::audit::Level;
    use crate::token::{Credential, Settings, Token};

    /// A store that can be written until it is protected.
    #[derive(Default)]
    struct Medium {
        store: MemoryStore,
        protected: AtomicBool,
    }

    impl Store for Medium {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
            self.store.get(key)
        }

        fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
            self.store.scan(prefix, after, visit)
        }

        fn transact(&self, body: Body<'_>) -> Result<(), Aborted> {
            match self.protected.load(Ordering::Relaxed) {
                true => Err(StoreError::ReadOnly("the tab is up".to_owned()).into()),
                false => self.store.transact(body),
            }
        }

        fn generation(&self) -> u64 {
            self.store.generation()
        }

        fn compact(&self) -> Result<(), StoreError> {
            self.store.compact()
        }

        fn check(&self) -> Result<Vec<String>, StoreError> {
            self.store.check()
        }
    }

    /// Promise: where the use of keys is to be logged and cannot be, keys are not used; with less asked for they are,
    /// and leave, copied or wrapped, without an entry.
    #[test]
    fn a_use_that_cannot_be_logged_is_refused() {
        for (level, logs_use) in [(Level::Management, false), (Level::Logins, false), (Level::Use, true)] {
            let (medium, session, key) = session(level);
            let hmac = Call { mechanism: find(CKM_AES_CMAC).unwrap(), parameter: Parameter::None };
            let raw = [RawAttribute { attribute: CKA_TOKEN, value: RawValue::Bytes(&[0]) }];
            let copied = Template::parse(&raw).unwrap();
            let kwp = Call { mechanism: find(CKM_AES_KEY_WRAP_KWP).unwrap(), parameter: Parameter::None };
            session.sign_init(&hmac, key).unwrap();
            session.sign(b"data", Output::Buffer(&mut [0; 16])).unwrap();
            medium.protected.store(true, Ordering::Relaxed);
            let mut wrapped = [0; 64];
            let mut own = [0; 64];
            let in_session = generated(&session, &[0]);
            let results = [
                session.sign_init(&hmac, key),
                session.encrypt_init(&kwp, key).map(drop),
                session.wrap_key(&kwp, key, key, Output::Buffer(&mut wrapped)).map(drop),
                session.wrap_key(&kwp, in_session, key, Output::Buffer(&mut own)).map(drop),
                session.copy_object(key, &copied).map(drop),
            ];
            for result in results {
                match logs_use {
                    true => assert!(matches!(result, Err(Error::WriteProtected(_))), "{level}: {result:?}"),
                    false => result.unwrap(),
                }
            }
            assert_eq!(wrapped == [0; 64], logs_use);
            assert_eq!(own == [0; 64], logs_use);
            // What was refused is not there either: the two keys, and a copy where there may be one.
            assert_eq!(session.found(&Template::default()).unwrap().len(), if logs_use { 2 } else { 3 });
        }
    }

    /// A session of a user with an AES key of the token.
    fn session(level: Level) -> (Arc<Medium>, Session, u64) {
        let medium = Arc::<Medium>::default();
        let settings = Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
        let store = Arc::clone(&medium) as Arc<dyn Store>;
        let token =
            Token::create(store, Arc::new(System), settings, &[b' '; 32], b"officer").unwrap().with_audit(level);
        let officer = token.login(Credential::first_officer(b"officer")).unwrap();
        token.add_user(&officer, Role::User, "user", b"user-pin").unwrap();
        let numbers = Arc::new(AtomicU64::new(crate::session::application::SESSION_OBJECTS_START));
        let application = Application::new(0, Arc::new(token), Arc::new(System), numbers, false);
        let session = Session::open(Arc::new(application), 1, true).unwrap();
        session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
        let key = generated(&session, &[1]);
        (medium, session, key)
    }

    /// An AES key, in the token or in the session.
    fn generated(session: &Session, in_token: &[u8]) -> u64 {
        let length = 16u64.to_ne_bytes();
        let entries = [
            (CKA_TOKEN, in_token),
            (CKA_EXTRACTABLE, &[1]),
            (CKA_WRAP, &[1]),
            (CKA_SIGN, &[1]),
            (CKA_VALUE_LEN, &length),
        ];
        let raw = entries.map(|(attribute, bytes)| RawAttribute { attribute, value: RawValue::Bytes(bytes) });
        let generate = Call { mechanism: find(CKM_AES_KEY_GEN).unwrap(), parameter: Parameter::None };
        session.generate_key(&generate, &Template::parse(&raw).unwrap()).unwrap()
    }
}
