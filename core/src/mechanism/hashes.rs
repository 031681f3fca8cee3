//! Which hash the numbers in mechanism parameters mean.

use cryptoki_sys::*;
use strongroom_crypto::hash::Algorithm::{self, *};

use super::{MacLength, Work, find};
use crate::error::Error;
use crate::object::MacForm;

/// The hash of a digest mechanism (`CKM_SHA256`).
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` for anything else.
pub(crate) fn hash(mechanism: u64) -> Result<Algorithm, Error> {
    match find(mechanism).map(|mechanism| &mechanism.work) {
        Some(Work::Digest(algorithm)) => Ok(*algorithm),
        _ => Err(Error::MechanismParameter("the hash is not one that is offered")),
    }
}

/// The hash of an HMAC mechanism with its full length (`CKM_SHA256_HMAC`).
pub(crate) fn hmac(mechanism: u64) -> Option<Algorithm> {
    match find(mechanism).map(|mechanism| &mechanism.work) {
        Some(Work::Mac { form: MacForm::Hmac(algorithm), length: MacLength::Fixed(_), .. }) => Some(*algorithm),
        _ => None,
    }
}

/// The type of key made for an HMAC mechanism (`CKK_SHA256_HMAC`).
pub(crate) fn hmac_key_type(mechanism: u64) -> Option<u64> {
    match find(mechanism).map(|mechanism| &mechanism.work) {
        Some(Work::Mac { key_types, form: MacForm::Hmac(_), .. }) => key_types.last().copied(),
        _ => None,
    }
}

/// The hash of a mask generation function (`CKG_MGF1_SHA256`).
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` for a number that is none.
pub(crate) fn mgf(number: u64) -> Result<Algorithm, Error> {
    Ok(match number {
        CKG_MGF1_SHA1 => Sha1,
        CKG_MGF1_SHA224 => Sha224,
        CKG_MGF1_SHA256 => Sha256,
        CKG_MGF1_SHA384 => Sha384,
        CKG_MGF1_SHA512 => Sha512,
        CKG_MGF1_SHA3_224 => Sha3_224,
        CKG_MGF1_SHA3_256 => Sha3_256,
        CKG_MGF1_SHA3_384 => Sha3_384,
        CKG_MGF1_SHA3_512 => Sha3_512,
        _ => return Err(Error::MechanismParameter("mgf is not one of CKG_MGF1_*")),
    })
}

/// What becomes of an agreed secret (PKCS#11 3.2 §6.3.13, `CK_EC_KDF_TYPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgreementKdf {
    /// Nothing.
    None,
    /// The KDF of ANSI X9.63.
    X963(Algorithm),
    /// The KDF of NIST SP 800-56C.
    Sp800(Algorithm),
}

/// The KDF with this number (`CKD_SHA256_KDF`).
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` for one that is not offered.
pub(crate) fn agreement_kdf(number: u64) -> Result<AgreementKdf, Error> {
    use AgreementKdf::{Sp800, X963};
    Ok(match number {
        CKD_NULL => AgreementKdf::None,
        CKD_SHA1_KDF => X963(Sha1),
        CKD_SHA224_KDF => X963(Sha224),
        CKD_SHA256_KDF => X963(Sha256),
        CKD_SHA384_KDF => X963(Sha384),
        CKD_SHA512_KDF => X963(Sha512),
        CKD_SHA3_224_KDF => X963(Sha3_224),
        CKD_SHA3_256_KDF => X963(Sha3_256),
        CKD_SHA3_384_KDF => X963(Sha3_384),
        CKD_SHA3_512_KDF => X963(Sha3_512),
        CKD_SHA1_KDF_SP800 => Sp800(Sha1),
        CKD_SHA224_KDF_SP800 => Sp800(Sha224),
        CKD_SHA256_KDF_SP800 => Sp800(Sha256),
        CKD_SHA384_KDF_SP800 => Sp800(Sha384),
        CKD_SHA512_KDF_SP800 => Sp800(Sha512),
        CKD_SHA3_224_KDF_SP800 => Sp800(Sha3_224),
        CKD_SHA3_256_KDF_SP800 => Sp800(Sha3_256),
        CKD_SHA3_384_KDF_SP800 => Sp800(Sha3_384),
        CKD_SHA3_512_KDF_SP800 => Sp800(Sha3_512),
        _ => return Err(Error::MechanismParameter("kdf is not one of CKD_* that is offered")),
    })
}

/// The KDF of X9.42 with this number (PKCS#11 3.2, "X9.42 Diffie-Hellman mechanism parameters"): by concatenation it is
/// that of X9.63. The one over ASN.1 counts within the caller's DER, and is not offered.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` for one that is not offered.
pub(crate) fn x942_kdf(number: u64) -> Result<AgreementKdf, Error> {
    match number {
        CKD_NULL => Ok(AgreementKdf::None),
        CKD_SHA1_KDF_CONCATENATE => Ok(AgreementKdf::X963(Sha1)),
        _ => Err(Error::MechanismParameter("kdf is CKD_NULL or CKD_SHA1_KDF_CONCATENATE")),
    }
}

/// The hashes of HashML-DSA and HashSLH-DSA that have no digest mechanism of their own are named by these.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID` for anything else.
pub(crate) fn prehash(mechanism: u64) -> Result<Algorithm, Error> {
    match mechanism {
        CKM_SHAKE_128_KEY_DERIVATION | CKM_HASH_ML_DSA_SHAKE128 | CKM_HASH_SLH_DSA_SHAKE128 => Ok(Shake128),
        CKM_SHAKE_256_KEY_DERIVATION | CKM_HASH_ML_DSA_SHAKE256 | CKM_HASH_SLH_DSA_SHAKE256 => Ok(Shake256),
        CKM_MD5 | CKM_SHA_1 => Err(Error::MechanismParameter("the hash is too weak for this signature")),
        other => hash(other),
    }
}
