//! What a token allows beyond the letter of the standard, and how hard its PINs are to guess. Both are chosen when the
//! token, or the PIN, is made, and kept with it.

mod strength;
pub(crate) mod strict;

use std::fmt;
use std::str::FromStr;

use cryptoki_sys::*;
use strongroom_crypto::dh::KnownGroup;
use strongroom_crypto::ec;

use crate::attribute::TemplateAttribute;
use crate::error::Error;
use crate::mechanism;
use crate::object::Object;

/// Which mechanisms and combinations a token offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// PKCS#11 to the letter, plus what breaks no honest program.
    #[default]
    Standard,
    /// No calls together read a key: one purpose for each, and none leaves or comes in by ways that tell it. What each
    /// rule is for is in the table of `docs/policies.md`.
    Strict,
    /// Approved algorithms only.
    Fips,
}

/// The cost of guessing a PIN: a setting of Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kdf {
    /// 19 MiB, two passes: about 16 ms.
    #[default]
    Default,
    /// 64 MiB, three passes: about 140 ms.
    Strong,
    /// Almost free, and almost no protection: only for tokens marked as test tokens.
    Test,
}

/// The parameters of Argon2id, kept with each user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Kdf {
    /// The parameters of this setting.
    pub fn cost(self) -> KdfCost {
        let (memory_kib, iterations) = match self {
            Kdf::Default => (19 * 1024, 2),
            Kdf::Strong => (64 * 1024, 3),
            Kdf::Test => (8, 1),
        };
        KdfCost { memory_kib, iterations, lanes: 1 }
    }
}

impl Policy {
    /// What it refuses besides mechanisms, in words for people; nothing where it takes every key.
    pub fn key_rules(self) -> Option<String> {
        match self {
            Policy::Standard => None,
            Policy::Strict => Some(format!(
                "a key is for data, for wrapping or for deriving, one of them for ever; it wraps only if it was made here \
                 and could never leave, or an officer trusts it, and nothing stronger than itself; it unwraps only with a \
                 CKA_UNWRAP_TEMPLATE; RSA keys with a public exponent below {EXPONENT_MIN} only verify"
            )),
            Policy::Fips => Some(format!(
                "RSA keys below {FIPS_RSA_BITS_MIN} bits or with a public exponent below {EXPONENT_MIN} only \
                 verify, DH keys agree only in the groups of RFC 3526 and RFC 7919 from {FIPS_GROUP_BITS_MIN} bits on, \
                 and keys on secp256k1, X25519 and X448 and DSA keys are not used at all"
            )),
        }
    }

    /// Whether this policy takes a new object, however it came to be: `strict` and `fips` keep no secret keys of a type
    /// they have no use for (RC4, DES; under `fips` 3DES and ChaCha20 too), and `strict` none of two purposes.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_TEMPLATE_INCONSISTENT`.
    pub fn check_new(self, object: &Object) -> Result<(), Error> {
        if self == Policy::Standard {
            return Ok(());
        }
        if let (CKO_SECRET_KEY, Some(key_type)) = (object.kind.class, object.kind.subtype)
            && !mechanism::is_used(self, key_type)
        {
            return Err(Error::KeyLeftOut(self));
        }
        if self == Policy::Strict { strict::check_new(object) } else { Ok(()) }
    }

    /// Whether an object may become another, by changed attributes or as a copy: under `strict` it keeps its purpose.
    ///
    /// # Errors
    /// `CKR_TEMPLATE_INCONSISTENT`.
    pub fn check_change(self, old: &Object, new: &Object) -> Result<(), Error> {
        if self == Policy::Strict { strict::check_change(old, new) } else { Ok(()) }
    }

    /// Whether `wrapping` may let `key` out in a form of so many bits of strength at most.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED` for the wrapping key, `CKR_KEY_NOT_WRAPPABLE`, `CKR_WRAPPING_KEY_SIZE_RANGE`.
    pub(crate) fn check_wrap(self, wrapping: &Object, key: &Object, bits: u32) -> Result<(), Error> {
        if self == Policy::Strict { strict::check_wrap(wrapping, key, bits) } else { Ok(()) }
    }

    /// What a key demands of those it unwraps: its `CKA_UNWRAP_TEMPLATE`, and what `strict` adds.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED` where `strict` demands more of the template.
    pub(crate) fn unwrap_demands(self, unwrapping: &Object) -> Result<Vec<TemplateAttribute>, Error> {
        match self {
            Policy::Strict => strict::unwrap_demands(unwrapping),
            Policy::Standard | Policy::Fips => Ok(unwrapping.demands(CKA_UNWRAP_TEMPLATE).to_vec()),
        }
    }

    /// Whether this policy takes a key pair for a function (`CKF_SIGN` and so on): `strict` and `fips` verify with RSA
    /// keys of an exponent below 2^16 and do nothing else with them (FIPS 186-5 §A.1.1). Of `fips` the same holds below
    /// 2048 bits (SP 800-131A); it knows only the curves of SP 800-186, and agrees only in the groups of RFC 3526 and
    /// RFC 7919 from 2048 bits on (SP 800-56A §5.5.1.1).
    ///
    /// # Errors
    /// `CKR_KEY_SIZE_RANGE`, `CKR_KEY_FUNCTION_NOT_PERMITTED`; for a pair that is being made,
    /// `CKR_CURVE_NOT_SUPPORTED`.
    pub fn check_key(self, key: &Object, function: u64) -> Result<(), Error> {
        if self == Policy::Standard {
            return Ok(());
        }
        let verifies = function & (CKF_VERIFY | CKF_VERIFY_RECOVER) != 0;
        match key.kind.subtype {
            Some(CKK_RSA) if !verifies => self.check_rsa(key),
            _ if self == Policy::Strict => Ok(()),
            Some(CKK_EC) => {
                let curve = key.inner_bytes(CKA_EC_PARAMS).and_then(ec::Curve::from_params);
                match curve {
                    Some(ec::Curve::Secp256k1) if function == CKF_GENERATE_KEY_PAIR => Err(Error::CurveLeftOut(self)),
                    Some(ec::Curve::Secp256k1) => Err(NOT_APPROVED),
                    _ => Ok(()),
                }
            }
            Some(CKK_DH | CKK_X9_42_DH) => {
                let part = |attribute| key.inner_bytes(attribute).unwrap_or_default();
                let known = KnownGroup::find(part(CKA_PRIME))?.is_some_and(|group| group.bits() >= FIPS_GROUP_BITS_MIN);
                // The base of all of them is 2.
                let base = part(CKA_BASE).iter().skip_while(|byte| **byte == 0);
                if known && base.eq(&[2]) { Ok(()) } else { Err(FOREIGN_GROUP) }
            }
            Some(CKK_EC_MONTGOMERY | CKK_DSA) => Err(NOT_APPROVED),
            _ => Ok(()),
        }
    }

    fn check_rsa(self, key: &Object) -> Result<(), Error> {
        let modulus = key.inner_bytes(CKA_MODULUS).unwrap_or_default().len();
        if self == Policy::Fips && (modulus as u64) < FIPS_RSA_BITS_MIN / 8 {
            return Err(Error::KeySize { got: modulus });
        }
        let exponent = key.inner_bytes(CKA_PUBLIC_EXPONENT).unwrap_or_default();
        match self {
            _ if !is_below(exponent, EXPONENT_MIN) => Ok(()),
            Policy::Strict => Err(SMALL_EXPONENT_STRICT),
            _ => Err(SMALL_EXPONENT),
        }
    }
}

/// Whether the big-endian number is below `limit`.
fn is_below(number: &[u8], limit: u64) -> bool {
    number
        .iter()
        .try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)))
        .is_some_and(|it| it < limit)
}

/// The shortest RSA modulus with which `fips` does more than verify (SP 800-131A).
pub const FIPS_RSA_BITS_MIN: u64 = 2048;
/// The smallest odd exponent above 2^16 (FIPS 186-5 §A.1.1).
const EXPONENT_MIN: u64 = 65537;
/// SP 800-56A §5.5.1.1.
const FIPS_GROUP_BITS_MIN: usize = 2048;

const SMALL_EXPONENT: Error =
    Error::KeyNotPermitted("the token's policy (fips) wants RSA keys with a public exponent of 65537 or more");
const SMALL_EXPONENT_STRICT: Error =
    Error::KeyNotPermitted("the token's policy (strict) wants RSA keys with a public exponent of 65537 or more");
const FOREIGN_GROUP: Error =
    Error::KeyNotPermitted("the token's policy (fips) agrees on keys only in the groups of RFC 3526 and RFC 7919");
const NOT_APPROVED: Error = Error::KeyNotPermitted("the token's policy (fips) does not approve of keys of this kind");

impl KdfCost {
    /// Whether a record may ask for this much work: a damaged one must take neither all memory nor all day.
    pub fn is_sane(self) -> bool {
        let work_kib = u64::from(self.memory_kib) * u64::from(self.iterations);
        (8..=WORK_KIB_MAX).contains(&u64::from(self.memory_kib))
            && (1..=WORK_KIB_MAX).contains(&work_kib)
            && (1..=8).contains(&self.lanes)
    }
}

/// Memory times passes, four times those of [`Kdf::Strong`]: about half a second.
const WORK_KIB_MAX: u64 = 768 * 1024;

/// The names of the settings, in configuration files and listings.
macro_rules! names {
    ($type:ident: $($variant:ident = $name:literal),+) => {
        impl FromStr for $type {
            type Err = String;
            fn from_str(name: &str) -> Result<$type, String> {
                match name {
                    $($name => Ok($type::$variant),)+
                    _ => Err(format!("\"{name}\" is not one of {}", [$($name),+].join(", "))),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($type::$variant => $name),+ })
            }
        }
    };
}

names!(Policy: Standard = "standard", Strict = "strict", Fips = "fips");
names!(Kdf: Default = "default", Strong = "strong", Test = "test");
