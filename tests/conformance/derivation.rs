//! Keys derived from keys (PKCS#11 3.2 §5.18.8), through the structs a C program fills in.
//!
//! | file | what it asks |
//! | --- | --- |
//! | `program` | nothing: it runs `openssl` for the answers |
//! | `rows`, `protocols` | nothing: one case of every mechanism that derives keys, with its answer |
//! | `answers` | every mechanism's answer, other forms of their parameters, keys from passwords |
//! | `agreements` | ECDH as the libraries call it that use it |
//! | `places` | where handles, versions and IVs go, and what is there after a failure |
//! | `refusals` | keys, handles, sessions and templates that are not taken, each with its code |
//! | `secrecy` | what a derived key has from those it comes from |

mod agreements;
mod answers;
mod places;
mod program;
mod protocols;
mod refusals;
mod rows;
mod secrecy;

use cryptoki_sys::*;

use crate::module::{Outcome, Token};
use crate::parameters::{Mechanism, Parameter};
use crate::session::Session;
use crate::template::{Entry, bytes, flag, key_template, number, numbers, with, without};

/// One derivation that works.
struct Row {
    mechanism: Mechanism,
    /// The template of the base key: it may derive, and nothing is said of its secrecy.
    base: Vec<Entry>,
    /// The template of the new key.
    template: Vec<Entry>,
    answer: Box<dyn Fn() -> Vec<u8>>,
}

impl Row {
    fn new(
        id: CK_MECHANISM_TYPE,
        base: &[Entry],
        parameter: Parameter,
        template: &[Entry],
        answer: impl Fn() -> Vec<u8> + 'static,
    ) -> Row {
        let base = with(base, &[flag(CKA_DERIVE, true)]);
        let mechanism = Mechanism { id, parameter };
        Row { mechanism, base, template: template.to_vec(), answer: Box::new(answer) }
    }

    fn id(&self) -> CK_MECHANISM_TYPE {
        self.mechanism.id
    }

    /// A new base key, with more in its template.
    fn base(&self, session: Session, more: &[Entry]) -> CK_OBJECT_HANDLE {
        session.create(&with(&self.base, more)).unwrap_or_else(|code| panic!("{:x}: {code:?}", self.id()))
    }

    /// Derives, with more in the template: the handles of all keys made, in the order of the parameter.
    fn derive(&self, session: Session, base: CK_OBJECT_HANDLE, more: &[Entry]) -> Outcome<Vec<CK_OBJECT_HANDLE>> {
        let template = with(&self.template, more);
        match &self.mechanism.parameter {
            Parameter::TlsKeys(keys) => {
                session.derive_apart(&self.mechanism, base, &template)?;
                Ok(keys.keys.get().to_vec())
            }
            Parameter::Kdf108(kdf) => {
                let first = session.derive(&self.mechanism, base, &template)?;
                Ok([first].into_iter().chain(kdf.additional.iter().map(|additional| additional.key.get())).collect())
            }
            _ => session.derive(&self.mechanism, base, &template).map(|key| vec![key]),
        }
    }

    /// The bytes of all that was made.
    fn value(&self, session: Session, made: &[CK_OBJECT_HANDLE]) -> Vec<u8> {
        let attribute = if self.id() == CKM_PUB_KEY_FROM_PRIV_KEY { CKA_EC_POINT } else { CKA_VALUE };
        let mut value: Vec<u8> = made.iter().flat_map(|key| session.get(*key, attribute).unwrap()).collect();
        if let Parameter::TlsKeys(keys) = &self.mechanism.parameter
            && self.id() == CKM_TLS12_KEY_AND_MAC_DERIVE
        {
            value.extend(keys.client_iv.bytes());
            value.extend(keys.server_iv.bytes());
        }
        value
    }

    fn is_agreement(&self) -> bool {
        matches!(self.id(), CKM_ECDH1_DERIVE | CKM_ECDH1_COFACTOR_DERIVE | CKM_DH_PKCS_DERIVE | CKM_X9_42_DH_DERIVE)
    }

    fn makes_secret_keys(&self) -> bool {
        !matches!(self.id(), CKM_HKDF_DATA | CKM_PUB_KEY_FROM_PRIV_KEY)
    }

    /// What a key that is kept must say to go into this as it is.
    fn purpose(&self) -> Vec<Entry> {
        match self.id() {
            CKM_EXTRACT_KEY_FROM_KEY
            | CKM_CONCATENATE_BASE_AND_KEY
            | CKM_CONCATENATE_BASE_AND_DATA
            | CKM_CONCATENATE_DATA_AND_BASE
            | CKM_XOR_BASE_AND_DATA => vec![numbers(CKA_ALLOWED_MECHANISMS, &[self.id()])],
            _ => Vec::new(),
        }
    }

    /// What makes the result one that a test can read.
    fn open(&self) -> Vec<Entry> {
        if self.makes_secret_keys() { open() } else { Vec::new() }
    }
}

/// A user's session with the key that stands wherever a second key goes in.
struct Bench {
    token: Token,
    session: Session,
    other: CK_OBJECT_HANDLE,
}

impl Bench {
    fn new() -> Bench {
        let token = Token::new();
        let session = token.user();
        let other = session.create(&with(&generic(OTHER), &[&open()[..], &[flag(CKA_DERIVE, true)]].concat())).unwrap();
        Bench { token, session, other }
    }

    /// An open generic secret that may derive.
    fn secret(&self, value: &[u8]) -> CK_OBJECT_HANDLE {
        self.session.create(&with(&generic(value), &[&open()[..], &[flag(CKA_DERIVE, true)]].concat())).unwrap()
    }

    fn count(&self) -> usize {
        self.session.find(&[]).len()
    }
}

/// The value of [`Bench::other`].
const OTHER: &[u8] = b"another secret's";

fn generic(value: &[u8]) -> Vec<Entry> {
    key_template(CKK_GENERIC_SECRET, value)
}

/// Not sensitive, and extractable.
fn open() -> Vec<Entry> {
    vec![flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)]
}

/// The template of a generic secret of a length.
fn secret_of(len: CK_ULONG) -> Vec<Entry> {
    vec![number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, len)]
}

/// Every mechanism that derives keys, once.
fn rows(bench: &Bench) -> Vec<Row> {
    let mut rows = rows::rows(bench);
    rows.extend(protocols::rows(bench));
    rows
}

/// A private key on P-256 and its public half: the initiator's of RFC 5903 §8.1.
fn initiator(more: &[Entry]) -> Vec<Entry> {
    let own = [
        number(CKA_CLASS, CKO_PRIVATE_KEY),
        number(CKA_KEY_TYPE, CKK_EC),
        bytes(CKA_EC_PARAMS, program::P_256),
        bytes(CKA_VALUE, crate::vectors::hex(rows::INITIATOR)),
    ];
    with(&own, more)
}

fn without_length(template: &[Entry]) -> Vec<Entry> {
    without(template, CKA_VALUE_LEN)
}
