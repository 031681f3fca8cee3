//! RSA (RFC 8017, FIPS 186-5): keys, signatures, encryption, raw blocks.
//!
//! A key is prepared once and used by any number of threads. AWS-LC computes with primes and the Chinese remainder
//! theorem, blinds every private operation and checks its result with the public exponent before it leaves.
//!
//! | module | what for |
//! | --- | --- |
//! | `private`, `public` | the two key types and their operations |
//! | `import` | components to a key: completing, checking |
//! | `rejection` | PKCS #1 v1.5 decryption that never says whether the padding was right |
//! | `padding` | lengths, and the library's names of hash functions |
//! | `roca` | the fingerprint of keys made by a faulty generator |
//! | `handle`, `bignum` | the library's objects, owned |

mod bignum;
mod handle;
mod import;
mod padding;
mod private;
mod public;
mod rejection;
mod roca;

pub use private::PrivateKey;
pub use public::PublicKey;
pub use roca::is_roca;

use crate::hash::Algorithm;

/// The shortest modulus, in bits.
pub const MODULUS_BITS_MIN: usize = 1024;

/// The longest modulus, in bits.
pub const MODULUS_BITS_MAX: usize = 16384;

/// Moduli of generated keys are multiples of this, in bits: the library rounds anything else down.
pub const GENERATED_BITS_STEP: usize = 128;

/// The numbers a private key is made of, big-endian; leading zeros are tolerated. Without the primes they are found
/// from the exponents, without the CRT values these are computed; one prime alone is refused.
#[derive(Clone, Copy)]
pub struct Components<'a> {
    /// n
    pub modulus: &'a [u8],
    /// e
    pub public_exponent: &'a [u8],
    /// d
    pub private_exponent: &'a [u8],
    /// p
    pub prime_1: Option<&'a [u8]>,
    /// q
    pub prime_2: Option<&'a [u8]>,
    /// d mod p − 1
    pub exponent_1: Option<&'a [u8]>,
    /// d mod q − 1
    pub exponent_2: Option<&'a [u8]>,
    /// q⁻¹ mod p
    pub coefficient: Option<&'a [u8]>,
}

/// How far the components of a key are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// They come from outside: everything is checked (FIPS 186-5 §A.1, SP 800-56B §6.4.1).
    Full,
    /// They come from the sealed store and were checked when they came in.
    Known,
}

/// One of the numbers a private key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Component {
    Modulus,
    PublicExponent,
    PrivateExponent,
    Prime1,
    Prime2,
    Exponent1,
    Exponent2,
    Coefficient,
}

impl Component {
    /// Every component.
    pub const ALL: [Component; 8] = [
        Component::Modulus,
        Component::PublicExponent,
        Component::PrivateExponent,
        Component::Prime1,
        Component::Prime2,
        Component::Exponent1,
        Component::Exponent2,
        Component::Coefficient,
    ];
}

/// What is signed, and how it becomes a number below the modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignaturePadding {
    /// The number itself, at most as long as the modulus and smaller (PKCS#11 CKM_RSA_X_509).
    Raw,
    /// Any bytes in a block of type 1 (PKCS#11 CKM_RSA_PKCS; RFC 8017 §9.2 without step 2).
    Pkcs1,
    /// A digest of this function, in a DigestInfo (RFC 8017 §8.2).
    Pkcs1Digest(Algorithm),
    /// A digest, in RSASSA-PSS (RFC 8017 §8.1).
    Pss {
        /// The function of the digest.
        hash: Algorithm,
        /// The function of the mask (MGF1).
        mgf: Algorithm,
        /// The length of the salt, exactly; as it is signed, so it is verified.
        salt_bytes: usize,
    },
}

/// How a plaintext becomes a number below the modulus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionPadding<'a> {
    /// The number itself, at most as long as the modulus and smaller (PKCS#11 CKM_RSA_X_509).
    Raw,
    /// RSAES-PKCS1-v1_5 (RFC 8017 §7.2).
    Pkcs1,
    /// RSAES-OAEP (RFC 8017 §7.1).
    Oaep {
        /// The function of the label.
        hash: Algorithm,
        /// The function of the masks (MGF1).
        mgf: Algorithm,
        /// The label, often empty.
        label: &'a [u8],
    },
}

const MODULUS_BYTES_MAX: usize = MODULUS_BITS_MAX / 8;
