//! Private keys as they are wrapped: PKCS#8 (PKCS#11 3.2 §6.7, "Wrapping/unwrapping private keys").

use cryptoki_sys::*;
use strongroom_crypto::encoding::{MlDsa, MlKem, PrivateKeyInfo, RsaPrivate};
use strongroom_crypto::memory::SecretBytes;

use super::{Parts, PrivateHalf, curves, import_private, needed, unknown_type};
use crate::error::Error;

/// The private key of these parts in PKCS#8.
///
/// # Errors
/// Memory's.
pub(crate) fn private_key_info(key_type: u64, parts: &dyn Parts) -> Result<SecretBytes, Error> {
    let part = |attribute| needed(parts, attribute);
    let info = match key_type {
        CKK_RSA => PrivateKeyInfo::Rsa(RsaPrivate {
            modulus: part(CKA_MODULUS)?,
            public_exponent: part(CKA_PUBLIC_EXPONENT)?,
            private_exponent: part(CKA_PRIVATE_EXPONENT)?,
            prime_1: parts.bytes(CKA_PRIME_1),
            prime_2: parts.bytes(CKA_PRIME_2),
            exponent_1: parts.bytes(CKA_EXPONENT_1),
            exponent_2: parts.bytes(CKA_EXPONENT_2),
            coefficient: parts.bytes(CKA_COEFFICIENT),
        }),
        CKK_EC => {
            PrivateKeyInfo::Ec { params: curves::oid_of(part(CKA_EC_PARAMS)?)?, scalar: part(CKA_VALUE)?, public: None }
        }
        CKK_EC_EDWARDS => {
            PrivateKeyInfo::Edwards { curve: curves::edwards_of(part(CKA_EC_PARAMS)?)?, seed: part(CKA_VALUE)? }
        }
        CKK_EC_MONTGOMERY => {
            PrivateKeyInfo::Montgomery { curve: curves::montgomery_of(part(CKA_EC_PARAMS)?)?, bytes: part(CKA_VALUE)? }
        }
        CKK_DSA => {
            PrivateKeyInfo::Dsa { p: part(CKA_PRIME)?, q: part(CKA_SUBPRIME)?, g: part(CKA_BASE)?, x: part(CKA_VALUE)? }
        }
        CKK_DH => PrivateKeyInfo::Dh { p: part(CKA_PRIME)?, g: part(CKA_BASE)?, x: part(CKA_VALUE)? },
        CKK_X9_42_DH => PrivateKeyInfo::X942Dh {
            p: part(CKA_PRIME)?,
            q: part(CKA_SUBPRIME)?,
            g: part(CKA_BASE)?,
            x: part(CKA_VALUE)?,
        },
        CKK_ML_KEM => PrivateKeyInfo::MlKem {
            set: encoded(parts, &ML_KEM)?,
            seed: parts.bytes(CKA_SEED),
            expanded: parts.bytes(CKA_VALUE),
        },
        CKK_ML_DSA => PrivateKeyInfo::MlDsa {
            set: encoded(parts, &ML_DSA)?,
            seed: parts.bytes(CKA_SEED),
            expanded: parts.bytes(CKA_VALUE),
        },
        CKK_SLH_DSA => PrivateKeyInfo::SlhDsa {
            set: encoded(parts, &super::post_quantum::SLH_DSA_ENCODED)?,
            bytes: part(CKA_VALUE)?,
        },
        _ => return Err(unknown_type()),
    };
    Ok(info.encode()?)
}

/// The private key in a PKCS#8 structure, which must be of the type the caller expects.
///
/// # Errors
/// [`Error::WrappedKeyInvalid`] for anything that is not a sound key of that type: what was decrypted must not be told
/// apart.
pub(crate) fn from_private_key_info(key_type: u64, der: &[u8]) -> Result<PrivateHalf, Error> {
    let invalid = |_| Error::WrappedKeyInvalid;
    let info = PrivateKeyInfo::decode(der).map_err(invalid)?;
    let (own_type, parts) = parts_of(&info);
    if own_type != key_type {
        return Err(Error::WrappedKeyInvalid);
    }
    import_private(key_type, &parts).map_err(|error| match error {
        error @ (Error::HostMemory | Error::Library(_)) => error,
        _ => Error::WrappedKeyInvalid,
    })
}

/// The parts of a decoded structure.
#[derive(Default)]
pub(super) struct Decoded<'a> {
    pub(super) bytes: Vec<(u64, &'a [u8])>,
    pub(super) set: Option<u64>,
}

impl Parts for Decoded<'_> {
    fn bytes(&self, attribute: u64) -> Option<&[u8]> {
        self.bytes.iter().find(|(which, _)| *which == attribute).map(|(_, bytes)| *bytes)
    }

    fn number(&self, attribute: u64) -> Option<u64> {
        self.set.filter(|_| attribute == CKA_PARAMETER_SET)
    }
}

/// The type of key, and its parts.
pub(super) fn parts_of<'a>(info: &PrivateKeyInfo<'a>) -> (u64, Decoded<'a>) {
    let of = |bytes| Decoded { bytes, set: None };
    match *info {
        PrivateKeyInfo::Rsa(rsa) => {
            let mut bytes = vec![
                (CKA_MODULUS, rsa.modulus),
                (CKA_PUBLIC_EXPONENT, rsa.public_exponent),
                (CKA_PRIVATE_EXPONENT, rsa.private_exponent),
            ];
            let optional = [
                (CKA_PRIME_1, rsa.prime_1),
                (CKA_PRIME_2, rsa.prime_2),
                (CKA_EXPONENT_1, rsa.exponent_1),
                (CKA_EXPONENT_2, rsa.exponent_2),
                (CKA_COEFFICIENT, rsa.coefficient),
            ];
            bytes.extend(optional.into_iter().filter_map(|(attribute, part)| Some((attribute, part?))));
            (CKK_RSA, of(bytes))
        }
        PrivateKeyInfo::Ec { params, scalar, .. } => (CKK_EC, of(vec![(CKA_EC_PARAMS, params), (CKA_VALUE, scalar)])),
        PrivateKeyInfo::Edwards { curve, seed } => {
            (CKK_EC_EDWARDS, of(vec![(CKA_EC_PARAMS, curves::edwards_params(curve)), (CKA_VALUE, seed)]))
        }
        PrivateKeyInfo::Montgomery { curve, bytes } => {
            (CKK_EC_MONTGOMERY, of(vec![(CKA_EC_PARAMS, curves::montgomery_params(curve)), (CKA_VALUE, bytes)]))
        }
        PrivateKeyInfo::Dsa { p, q, g, x } => {
            (CKK_DSA, of(vec![(CKA_PRIME, p), (CKA_SUBPRIME, q), (CKA_BASE, g), (CKA_VALUE, x)]))
        }
        PrivateKeyInfo::Dh { p, g, x } => (CKK_DH, of(vec![(CKA_PRIME, p), (CKA_BASE, g), (CKA_VALUE, x)])),
        PrivateKeyInfo::X942Dh { p, q, g, x } => {
            (CKK_X9_42_DH, of(vec![(CKA_PRIME, p), (CKA_SUBPRIME, q), (CKA_BASE, g), (CKA_VALUE, x)]))
        }
        PrivateKeyInfo::MlKem { set, seed, expanded } => (CKK_ML_KEM, seeded(number_of(set, &ML_KEM), seed, expanded)),
        PrivateKeyInfo::MlDsa { set, seed, expanded } => (CKK_ML_DSA, seeded(number_of(set, &ML_DSA), seed, expanded)),
        PrivateKeyInfo::SlhDsa { set, bytes } => {
            let set = number_of(set, &super::post_quantum::SLH_DSA_ENCODED);
            (CKK_SLH_DSA, Decoded { bytes: vec![(CKA_VALUE, bytes)], set })
        }
    }
}

fn seeded<'a>(set: Option<u64>, seed: Option<&'a [u8]>, expanded: Option<&'a [u8]>) -> Decoded<'a> {
    let parts = [(CKA_SEED, seed), (CKA_VALUE, expanded)];
    Decoded { bytes: parts.into_iter().filter_map(|(attribute, part)| Some((attribute, part?))).collect(), set }
}

pub(super) const ML_KEM: [(u64, MlKem); 3] =
    [(CKP_ML_KEM_512, MlKem::MlKem512), (CKP_ML_KEM_768, MlKem::MlKem768), (CKP_ML_KEM_1024, MlKem::MlKem1024)];
pub(super) const ML_DSA: [(u64, MlDsa); 3] =
    [(CKP_ML_DSA_44, MlDsa::MlDsa44), (CKP_ML_DSA_65, MlDsa::MlDsa65), (CKP_ML_DSA_87, MlDsa::MlDsa87)];

fn encoded<S: Copy>(parts: &dyn Parts, table: &[(u64, S)]) -> Result<S, Error> {
    let number = parts.number(CKA_PARAMETER_SET);
    let row = table.iter().find(|(known, _)| Some(*known) == number);
    row.map(|(_, set)| *set).ok_or(Error::ParameterSetNotSupported)
}

pub(super) fn number_of<S: PartialEq>(set: S, table: &[(u64, S)]) -> Option<u64> {
    table.iter().find(|(_, known)| *known == set).map(|(number, _)| *number)
}
