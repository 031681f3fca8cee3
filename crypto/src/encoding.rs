//! Keys as DER: X.509 SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) and PKCS#8 (RFC 5208, RFC 5958).
//!
//! Decoding is strict DER, refuses bytes behind the end, and borrows: no secret is copied. Encoding of private keys
//! writes once, straight into [`SecretBytes`] of the right size. What a number means for its algorithm (a modulus
//! that is no product, a point off the curve) is checked where keys are made, not here; lengths that the algorithm
//! fixes are checked here.
//!
//! | key | algorithm identifier and structures |
//! | --- | --- |
//! | RSA | RFC 3279 §2.3.1, RFC 8017 appendix A.1 (two primes) |
//! | EC | RFC 5480 §2.1.1, RFC 5915 |
//! | Ed25519, Ed448, X25519, X448 | RFC 8410 |
//! | DSA | RFC 3279 §2.3.2 |
//! | DH | PKCS#3 §9 (prime and base), RFC 3279 §2.3.3 (with a subgroup) |
//! | ML-KEM | RFC 9935 |
//! | ML-DSA | RFC 9881 |
//! | SLH-DSA | RFC 9909 |
//!
//! Of a certificate only the fields that PKCS#11 keeps are read, and nothing is verified.

mod algorithm;
mod certificate;
mod fields;
mod private;
mod public;
mod stored;
mod traditional;
mod writing;

use crate::Error;
#[cfg(doc)]
use crate::memory::SecretBytes;

pub use algorithm::{Edwards, MlDsa, MlKem, Montgomery, SlhDsa};
pub use certificate::{Certificate, is_encrypted_private_key, unknown_algorithm};
pub use private::{PrivateKeyInfo, RsaPrivate};
pub use public::PublicKeyInfo;
pub use stored::StoredPublic;
pub use traditional::Traditional;

/// The content of a DER OCTET STRING that is all of `der`, such as the point in PKCS#11's `CKA_EC_POINT`. `None` when
/// `der` is anything else.
pub fn octet_string(der: &[u8]) -> Option<&[u8]> {
    let mut fields = fields::Fields::new(der).ok()?;
    let content = fields.octets().ok()?;
    fields.end().ok()?;
    Some(content)
}

/// `bytes` as a DER OCTET STRING.
pub fn as_octet_string(bytes: &[u8]) -> Vec<u8> {
    let len = bytes.len().to_be_bytes();
    let significant = len.iter().skip_while(|byte| **byte == 0);
    let mut der = vec![OCTET_STRING];
    match u8::try_from(bytes.len()) {
        Ok(short) if short < LONG_LENGTH => der.push(short),
        _ => {
            der.push(LONG_LENGTH | significant.clone().count() as u8);
            der.extend(significant);
        }
    }
    der.extend_from_slice(bytes);
    der
}

const OCTET_STRING: u8 = 4;
const LONG_LENGTH: u8 = 0x80;

/// `bytes` if there are exactly `len` of them.
fn exactly(bytes: &[u8], len: usize) -> Result<&[u8], Error> {
    if bytes.len() == len { Ok(bytes) } else { Err(Error::KeyLength { got: bytes.len() }) }
}
