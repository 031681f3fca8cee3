//! Key pairs: what their attributes mean to the algorithms, and the other way round.
//!
//! | module | types of key |
//! | --- | --- |
//! | `rsa` | RSA |
//! | `curves` | EC, Edwards, Montgomery |
//! | `discrete` | DSA, DH, X9.42 DH and their domain parameters |
//! | `post_quantum` | ML-KEM, ML-DSA, SLH-DSA |
//! | `info` | PKCS#8 and SubjectPublicKeyInfo of all of them |
//! | `entries` | the templates of keys in these encodings |
//!
//! A key comes in through one function whether a template, an unwrapped PKCS#8 structure or the store holds its parts:
//! they all are [`Parts`]. What comes from outside is checked in full; what was checked once and sealed is not again.

mod curves;
mod discrete;
mod entries;
mod info;
mod post_quantum;
mod rsa;

use cryptoki_sys::*;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{dh, dsa, ec, edwards, hash, ml_dsa, ml_kem, montgomery, rsa as crypto_rsa, slh_dsa};

use crate::attribute::{AttributeType, Template, Value};
use crate::error::Error;
use crate::object::Object;

pub(crate) use discrete::{generate_parameters, import_parameters};
pub use entries::{private_key_entries, public_key_entries};
pub(crate) use info::{from_private_key_info, private_key_info};

/// A prepared private key.
pub(crate) enum PrivateKey {
    /// `CKK_RSA`.
    Rsa(crypto_rsa::PrivateKey),
    /// `CKK_EC`.
    Ec(ec::PrivateKey),
    /// `CKK_EC_EDWARDS`.
    Edwards(edwards::PrivateKey),
    /// `CKK_EC_MONTGOMERY`.
    Montgomery(montgomery::PrivateKey),
    /// `CKK_DSA`.
    Dsa(dsa::PrivateKey),
    /// `CKK_DH`, `CKK_X9_42_DH`.
    Dh(dh::PrivateKey),
    /// `CKK_ML_KEM`.
    MlKem(ml_kem::PrivateKey),
    /// `CKK_ML_DSA`.
    MlDsa(ml_dsa::PrivateKey),
    /// `CKK_SLH_DSA`.
    SlhDsa(slh_dsa::PrivateKey),
}

/// A prepared public key.
pub(crate) enum PublicKey {
    /// `CKK_RSA`.
    Rsa(crypto_rsa::PublicKey),
    /// `CKK_EC`.
    Ec(ec::PublicKey),
    /// `CKK_EC_EDWARDS`.
    Edwards(edwards::PublicKey),
    /// `CKK_DSA`.
    Dsa(dsa::PublicKey),
    /// `CKK_ML_KEM`.
    MlKem(ml_kem::PublicKey),
    /// `CKK_ML_DSA`.
    MlDsa(ml_dsa::PublicKey),
    /// `CKK_SLH_DSA`.
    SlhDsa(slh_dsa::PublicKey),
    /// A key that only takes part in agreements, as somebody's peer.
    Peer,
}

/// Where the parts of a key come from.
pub(crate) trait Parts {
    /// The bytes of an attribute; none where it is missing or empty.
    fn bytes(&self, attribute: u64) -> Option<&[u8]>;
    /// The number of an attribute.
    fn number(&self, attribute: u64) -> Option<u64>;
}

/// The public half of a pair on its way to becoming an object.
pub(crate) struct PublicHalf {
    /// The attributes that make up the key.
    pub(crate) fields: Vec<(u64, Value)>,
    /// The key.
    pub(crate) key: PublicKey,
}

/// The private half of a pair on its way to becoming an object.
pub(crate) struct PrivateHalf {
    /// The attributes of the key that are not secret.
    pub(crate) fields: Vec<(u64, Value)>,
    /// Those that are, in ascending order.
    pub(crate) secrets: Vec<(u64, SecretBytes)>,
    /// The key.
    pub(crate) key: PrivateKey,
}

/// A new pair.
pub(crate) struct Pair {
    /// Its public half.
    pub(crate) public: PublicHalf,
    /// Its private half.
    pub(crate) private: PrivateHalf,
}

impl Parts for Template<'_> {
    fn bytes(&self, attribute: u64) -> Option<&[u8]> {
        Template::bytes(self, attribute).filter(|bytes| !bytes.is_empty())
    }

    fn number(&self, attribute: u64) -> Option<u64> {
        self.ulong(attribute)
    }
}

impl Parts for Object {
    fn bytes(&self, attribute: u64) -> Option<&[u8]> {
        self.inner_bytes(attribute).filter(|bytes| !bytes.is_empty())
    }

    fn number(&self, attribute: u64) -> Option<u64> {
        self.inner_number(attribute)
    }
}

/// The public key of these parts, in full: with the attributes an object of it has.
///
/// # Errors
/// `CKR_TEMPLATE_INCOMPLETE`, `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_PUBLIC_KEY_INVALID`, `CKR_CURVE_NOT_SUPPORTED`,
/// `CKR_DOMAIN_PARAMS_INVALID`, `CKR_PARAMETER_SET_NOT_SUPPORTED`.
pub(crate) fn import_public(key_type: u64, parts: &dyn Parts) -> Result<PublicHalf, Error> {
    match key_type {
        CKK_RSA => rsa::import_public(parts),
        CKK_EC => curves::import_public(parts),
        CKK_EC_EDWARDS => curves::import_edwards_public(parts),
        CKK_EC_MONTGOMERY => curves::import_montgomery_public(parts),
        CKK_DSA => discrete::import_dsa_public(parts),
        CKK_DH => discrete::import_dh_public(parts, CKK_DH),
        CKK_X9_42_DH => discrete::import_dh_public(parts, CKK_X9_42_DH),
        CKK_ML_KEM => post_quantum::import_kem_public(parts),
        CKK_ML_DSA => post_quantum::import_ml_dsa_public(parts),
        CKK_SLH_DSA => post_quantum::import_slh_dsa_public(parts),
        _ => Err(unknown_type()),
    }
}

/// The private key of these parts, checked in full.
///
/// # Errors
/// As [`import_public`].
pub(crate) fn import_private(key_type: u64, parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    match key_type {
        CKK_RSA => rsa::import_private(parts),
        CKK_EC => curves::import_private(parts),
        CKK_EC_EDWARDS => curves::import_edwards_private(parts),
        CKK_EC_MONTGOMERY => curves::import_montgomery_private(parts),
        CKK_DSA => discrete::import_dsa_private(parts),
        CKK_DH => discrete::import_dh_private(parts, CKK_DH),
        CKK_X9_42_DH => discrete::import_dh_private(parts, CKK_X9_42_DH),
        CKK_ML_KEM => post_quantum::import_kem_private(parts),
        CKK_ML_DSA => post_quantum::import_ml_dsa_private(parts),
        CKK_SLH_DSA => post_quantum::import_slh_dsa_private(parts),
        _ => Err(unknown_type()),
    }
}

/// The private key of an object that was checked when it was made.
///
/// # Errors
/// Those of [`import_private`], for parts that are damaged.
pub(crate) fn open_private(key_type: u64, parts: &dyn Parts) -> Result<PrivateKey, Error> {
    match key_type {
        CKK_RSA => rsa::open_private(parts),
        CKK_EC => curves::open_private(parts).map(PrivateKey::Ec),
        CKK_EC_EDWARDS => curves::open_edwards_private(parts).map(PrivateKey::Edwards),
        CKK_EC_MONTGOMERY => curves::open_montgomery_private(parts).map(PrivateKey::Montgomery),
        CKK_DSA => discrete::open_dsa_private(parts).map(PrivateKey::Dsa),
        CKK_DH | CKK_X9_42_DH => discrete::open_dh_private(parts).map(PrivateKey::Dh),
        CKK_ML_KEM => post_quantum::open_kem_private(parts).map(PrivateKey::MlKem),
        CKK_ML_DSA => post_quantum::open_ml_dsa_private(parts).map(PrivateKey::MlDsa),
        CKK_SLH_DSA => post_quantum::open_slh_dsa_private(parts).map(PrivateKey::SlhDsa),
        _ => Err(unknown_type()),
    }
}

/// Generates a pair: what the standard takes from the public template is there, what it takes from the private one in
/// that.
///
/// # Errors
/// As [`import_public`].
pub(crate) fn generate(key_type: u64, public: &dyn Parts, private: &dyn Parts) -> Result<Pair, Error> {
    match key_type {
        CKK_RSA => rsa::generate(public),
        CKK_EC => curves::generate(public),
        CKK_EC_EDWARDS => curves::generate_edwards(public),
        CKK_EC_MONTGOMERY => curves::generate_montgomery(public),
        CKK_DSA => discrete::generate_dsa(public),
        CKK_DH => discrete::generate_dh(public, private, CKK_DH),
        CKK_X9_42_DH => discrete::generate_dh(public, private, CKK_X9_42_DH),
        CKK_ML_KEM => post_quantum::generate_kem(public),
        CKK_ML_DSA => post_quantum::generate_ml_dsa(public),
        CKK_SLH_DSA => post_quantum::generate_slh_dsa(public),
        _ => Err(unknown_type()),
    }
}

/// The check value of both halves of a pair: the first bytes of the SHA-1 hash of the public key info, as CloudHSM has
/// it.
pub(crate) fn check_value(fields: &[(u64, Value)]) -> Result<Option<[u8; 3]>, Error> {
    let info = fields.iter().find_map(|(attribute, value)| match value {
        Value::Bytes(info) if *attribute == CKA_PUBLIC_KEY_INFO => Some(info),
        _ => None,
    });
    let Some(info) = info else { return Ok(None) };
    let mut digest = [0; 20];
    hash::digest(hash::Algorithm::Sha1, info, &mut digest)?;
    let [a, b, c, ..] = digest;
    Ok(Some([a, b, c]))
}

/// The bytes a key cannot do without.
fn needed(parts: &dyn Parts, attribute: u64) -> Result<&[u8], Error> {
    parts.bytes(attribute).ok_or(Error::TemplateIncomplete(AttributeType(attribute)))
}

/// A refusal of a value that was given.
fn refused(attribute: u64, reason: &'static str) -> Error {
    Error::AttributeValue { attribute: AttributeType(attribute), reason }
}

/// What the algorithms find wrong with a part of a key.
fn refusal(attribute: u64) -> impl Fn(strongroom_crypto::Error) -> Error {
    use strongroom_crypto::Error as Crypto;
    move |error| match error {
        Crypto::KeyLength { .. } => refused(attribute, "not a length this type of key can have"),
        Crypto::KeyValue(why) | Crypto::Parameter(why) | Crypto::Encoding(why) => refused(attribute, why),
        other => other.into(),
    }
}

/// What the algorithms find wrong with a public key (PKCS#11 3.2 §5.1.6, `CKR_PUBLIC_KEY_INVALID`).
fn public_refusal(attribute: u64) -> impl Fn(strongroom_crypto::Error) -> Error {
    use strongroom_crypto::Error as Crypto;
    move |error| match error {
        Crypto::KeyValue(why) | Crypto::Encoding(why) => Error::PublicKeyInvalid(why),
        other => refusal(attribute)(other),
    }
}

/// Bytes an object keeps.
fn field(attribute: u64, bytes: &[u8]) -> (u64, Value) {
    (attribute, Value::Bytes(bytes.into()))
}

/// A big number without its leading zeros.
fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn unknown_type() -> Error {
    refused(CKA_KEY_TYPE, "there are no key pairs of this type")
}
