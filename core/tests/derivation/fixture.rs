//! A token in memory with a user, and short words for templates and calls.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Flag, RawAttribute, RawValue, Template};
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::AttributeValue;
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::session::{Derived, Session};
use strongroom_core::token::Settings;
use strongroom_core::token::audit::Level;
use strongroom_crypto::random::System;

pub(crate) struct Token {
    // Keeps the token alive.
    _hsm: Hsm,
    pub(crate) session: Arc<Session>,
    place: std::path::PathBuf,
}

impl Drop for Token {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.place);
    }
}

pub(crate) fn token() -> Token {
    under(Policy::Standard)
}

pub(crate) fn under(policy: Policy) -> Token {
    let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
    let place = std::env::temp_dir().join(format!("strongroom-derivation-{:016x}", u64::from_le_bytes(unique)));
    let settings = Settings { policy, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
    let config = Config {
        dir: place.clone(),
        file: None,
        store: StoreKind::Memory,
        settings,
        module_iv: false,
        audit: Level::default(),
    };
    let hsm = Hsm::with(config, Arc::new(System));
    hsm.init_token(0, Some(b"officer"), b"derivation                      ").unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(CKU_SO, Some(b"officer"), None).unwrap();
    session.init_pin(Some(b"user-pin")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    Token { _hsm: hsm, session, place }
}

/// An entry of a template, owned.
#[derive(Clone)]
pub(crate) struct Entry(u64, Value);

#[derive(Clone)]
enum Value {
    Bytes(Vec<u8>),
    Nested(Vec<Entry>),
}

pub(crate) fn flag(attribute: u64, value: bool) -> Entry {
    Entry(attribute, Value::Bytes(vec![value.into()]))
}

pub(crate) fn number(attribute: u64, value: u64) -> Entry {
    Entry(attribute, Value::Bytes(value.to_ne_bytes().to_vec()))
}

pub(crate) fn bytes(attribute: u64, value: &[u8]) -> Entry {
    Entry(attribute, Value::Bytes(value.to_vec()))
}

pub(crate) fn numbers(attribute: u64, values: &[u64]) -> Entry {
    Entry(attribute, Value::Bytes(values.iter().flat_map(|value| value.to_ne_bytes()).collect()))
}

pub(crate) fn nested(attribute: u64, entries: &[Entry]) -> Entry {
    Entry(attribute, Value::Nested(entries.to_vec()))
}

/// Not sensitive, and extractable: a test reads the value.
pub(crate) fn open() -> Vec<Entry> {
    vec![flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)]
}

pub(crate) fn open_and(more: &[Entry]) -> Vec<Entry> {
    [&open()[..], more].concat()
}

fn raw(entries: &[Entry]) -> Vec<RawAttribute<'_>> {
    entries
        .iter()
        .map(|Entry(attribute, own)| RawAttribute {
            attribute: *attribute,
            value: match own {
                Value::Bytes(bytes) => RawValue::Bytes(bytes),
                Value::Nested(inner) => RawValue::Nested(raw(inner)),
            },
        })
        .collect()
}

pub(crate) fn template(entries: &[Entry]) -> Template<'_> {
    Template::parse(&raw(entries)).unwrap()
}

impl Token {
    pub(crate) fn create(&self, entries: &[Entry]) -> u64 {
        self.session.create_object(&template(entries)).unwrap()
    }

    /// A secret key with this value that may derive, with `more` in its template; a closed one unless that says
    /// otherwise.
    pub(crate) fn secret(&self, key_type: u64, value: &[u8], more: &[Entry]) -> u64 {
        let own = [
            number(CKA_CLASS, CKO_SECRET_KEY),
            number(CKA_KEY_TYPE, key_type),
            bytes(CKA_VALUE, value),
            flag(CKA_DERIVE, true),
        ];
        let closed = [flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)];
        let closed = closed.into_iter().filter(|own| more.iter().all(|entry| entry.0 != own.0));
        self.create(&[&own[..], more, &closed.collect::<Vec<_>>()].concat())
    }

    /// An open generic secret that may derive.
    pub(crate) fn generic(&self, value: &[u8]) -> u64 {
        self.secret(CKK_GENERIC_SECRET, value, &open())
    }

    pub(crate) fn generate(&self, mechanism: u64, entries: &[Entry]) -> u64 {
        let call = Call { mechanism: find(mechanism).unwrap(), parameter: Parameter::None };
        self.session.generate_key(&call, &template(entries)).unwrap()
    }

    pub(crate) fn pair(&self, mechanism: u64, public: &[Entry], private: &[Entry]) -> (u64, u64) {
        let call = Call { mechanism: find(mechanism).unwrap(), parameter: Parameter::None };
        self.session.generate_key_pair(&call, &template(public), &template(private)).unwrap()
    }

    pub(crate) fn derive(
        &self,
        mechanism: u64,
        parameter: Parameter<'_>,
        base: u64,
        entries: &[Entry],
    ) -> Result<Derived, Error> {
        let call = Call { mechanism: find(mechanism).unwrap(), parameter };
        self.session.derive_key(&call, base, &template(entries))
    }

    /// The value of the key derived, with `more` in its template.
    pub(crate) fn derived(&self, mechanism: u64, parameter: Parameter<'_>, base: u64, more: &[Entry]) -> Vec<u8> {
        self.value(self.derive(mechanism, parameter, base, &open_and(more)).unwrap().key)
    }

    /// The return value of a derivation that is refused.
    pub(crate) fn refusal(&self, mechanism: u64, parameter: Parameter<'_>, base: u64, entries: &[Entry]) -> CK_RV {
        self.derive(mechanism, parameter, base, entries).err().map_or(CKR_OK, |error| error.rv())
    }

    pub(crate) fn bytes(&self, key: u64, attribute: u64) -> Vec<u8> {
        match self.session.object(key).unwrap().attribute(AttributeType(attribute)).unwrap() {
            AttributeValue::Bytes(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn value(&self, key: u64) -> Vec<u8> {
        self.bytes(key, CKA_VALUE)
    }

    pub(crate) fn number(&self, key: u64, attribute: u64) -> u64 {
        match self.session.object(key).unwrap().attribute(AttributeType(attribute)).unwrap() {
            AttributeValue::Ulong(number) => number,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn has(&self, key: u64, flag: Flag) -> bool {
        self.session.object(key).unwrap().has(flag)
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
