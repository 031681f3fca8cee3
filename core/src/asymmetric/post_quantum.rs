//! Keys of ML-KEM, ML-DSA and SLH-DSA (PKCS#11 3.2, from FIPS 203, 204 and 205).

use cryptoki_sys::*;
use strongroom_crypto::encoding::{self, PublicKeyInfo};
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{ml_dsa, ml_kem, slh_dsa};

use super::{
    Pair, Parts, PrivateHalf, PrivateKey, PublicHalf, PublicKey, field, needed, public_refusal, refusal, refused,
};
use crate::attribute::{AttributeType, Value};
use crate::error::Error;

pub(super) fn import_kem_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let (number, set) = set(parts, kem_set)?;
    let bytes = needed(parts, CKA_VALUE)?;
    let key = ml_kem::PublicKey::from_bytes(set, bytes).map_err(public_refusal(CKA_VALUE))?;
    let info = PublicKeyInfo::MlKem { set: encoded_kem(set), bytes }.encode()?;
    Ok(PublicHalf { fields: public_fields(number, bytes, &info), key: PublicKey::MlKem(key) })
}

pub(super) fn import_kem_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    kem_half(set(parts, kem_set)?, open_kem_private(parts)?)
}

pub(super) fn open_kem_private(parts: &dyn Parts) -> Result<ml_kem::PrivateKey, Error> {
    let (_, set) = set(parts, kem_set)?;
    match seed_or_value(parts)? {
        Given::Value(value) => ml_kem::PrivateKey::from_expanded(set, value).map_err(refusal(CKA_VALUE)),
        Given::Seed(seed, value) => {
            let key = ml_kem::PrivateKey::from_seed(set, seed).map_err(refusal(CKA_SEED))?;
            same_value(value, || key.expanded())?;
            Ok(key)
        }
    }
}

pub(super) fn generate_kem(public: &dyn Parts) -> Result<Pair, Error> {
    let (number, set) = set(public, kem_set)?;
    let key = ml_kem::PrivateKey::generate(set)?;
    let bytes = key.public_bytes();
    let info = PublicKeyInfo::MlKem { set: encoded_kem(set), bytes: &bytes }.encode()?;
    let half = ml_kem::PublicKey::from_bytes(set, &bytes)?;
    let public = PublicHalf { fields: public_fields(number, &bytes, &info), key: PublicKey::MlKem(half) };
    Ok(Pair { public, private: kem_half((number, set), key)? })
}

fn kem_half((number, set): (u64, ml_kem::ParameterSet), key: ml_kem::PrivateKey) -> Result<PrivateHalf, Error> {
    let info = PublicKeyInfo::MlKem { set: encoded_kem(set), bytes: &key.public_bytes() }.encode()?;
    let secrets = secrets(key.seed()?, key.expanded()?);
    Ok(PrivateHalf { fields: private_fields(number, &info), secrets, key: PrivateKey::MlKem(key) })
}

pub(super) fn import_ml_dsa_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let (number, set) = set(parts, ml_dsa_set)?;
    let bytes = needed(parts, CKA_VALUE)?;
    let key = ml_dsa::PublicKey::from_bytes(set, bytes).map_err(public_refusal(CKA_VALUE))?;
    let info = PublicKeyInfo::MlDsa { set: encoded_ml_dsa(set), bytes }.encode()?;
    Ok(PublicHalf { fields: public_fields(number, bytes, &info), key: PublicKey::MlDsa(key) })
}

pub(super) fn import_ml_dsa_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    ml_dsa_half(set(parts, ml_dsa_set)?, open_ml_dsa_private(parts)?)
}

pub(super) fn open_ml_dsa_private(parts: &dyn Parts) -> Result<ml_dsa::PrivateKey, Error> {
    let (_, set) = set(parts, ml_dsa_set)?;
    match seed_or_value(parts)? {
        Given::Value(value) => ml_dsa::PrivateKey::from_expanded(set, value).map_err(refusal(CKA_VALUE)),
        Given::Seed(seed, value) => {
            let key = ml_dsa::PrivateKey::from_seed(set, seed).map_err(refusal(CKA_SEED))?;
            same_value(value, || key.expanded())?;
            Ok(key)
        }
    }
}

pub(super) fn generate_ml_dsa(public: &dyn Parts) -> Result<Pair, Error> {
    let (number, set) = set(public, ml_dsa_set)?;
    let key = ml_dsa::PrivateKey::generate(set)?;
    let bytes = key.public_bytes();
    let info = PublicKeyInfo::MlDsa { set: encoded_ml_dsa(set), bytes: &bytes }.encode()?;
    let half = ml_dsa::PublicKey::from_bytes(set, &bytes)?;
    let public = PublicHalf { fields: public_fields(number, &bytes, &info), key: PublicKey::MlDsa(half) };
    Ok(Pair { public, private: ml_dsa_half((number, set), key)? })
}

fn ml_dsa_half((number, set): (u64, ml_dsa::ParameterSet), key: ml_dsa::PrivateKey) -> Result<PrivateHalf, Error> {
    let info = PublicKeyInfo::MlDsa { set: encoded_ml_dsa(set), bytes: &key.public_bytes() }.encode()?;
    let secrets = secrets(key.seed()?, key.expanded()?);
    Ok(PrivateHalf { fields: private_fields(number, &info), secrets, key: PrivateKey::MlDsa(key) })
}

pub(super) fn import_slh_dsa_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let (number, set) = set(parts, slh_dsa_set)?;
    let bytes = needed(parts, CKA_VALUE)?;
    let key = slh_dsa::PublicKey::from_bytes(set, bytes).map_err(public_refusal(CKA_VALUE))?;
    let info = PublicKeyInfo::SlhDsa { set: encoded_slh_dsa(number)?, bytes }.encode()?;
    Ok(PublicHalf { fields: public_fields(number, bytes, &info), key: PublicKey::SlhDsa(key) })
}

pub(super) fn import_slh_dsa_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    let (number, _) = set(parts, slh_dsa_set)?;
    slh_dsa_half(number, open_slh_dsa_private(parts)?)
}

pub(super) fn open_slh_dsa_private(parts: &dyn Parts) -> Result<slh_dsa::PrivateKey, Error> {
    let (_, set) = set(parts, slh_dsa_set)?;
    slh_dsa::PrivateKey::from_bytes(set, needed(parts, CKA_VALUE)?).map_err(refusal(CKA_VALUE))
}

pub(super) fn generate_slh_dsa(public: &dyn Parts) -> Result<Pair, Error> {
    let (number, set) = set(public, slh_dsa_set)?;
    let key = slh_dsa::PrivateKey::generate(set)?;
    let bytes = key.public_bytes();
    let info = PublicKeyInfo::SlhDsa { set: encoded_slh_dsa(number)?, bytes: &bytes }.encode()?;
    let half = slh_dsa::PublicKey::from_bytes(set, &bytes)?;
    let public = PublicHalf { fields: public_fields(number, &bytes, &info), key: PublicKey::SlhDsa(half) };
    Ok(Pair { public, private: slh_dsa_half(number, key)? })
}

fn slh_dsa_half(number: u64, key: slh_dsa::PrivateKey) -> Result<PrivateHalf, Error> {
    let info = PublicKeyInfo::SlhDsa { set: encoded_slh_dsa(number)?, bytes: &key.public_bytes() }.encode()?;
    let secrets = vec![(CKA_VALUE, key.bytes()?)];
    Ok(PrivateHalf { fields: private_fields(number, &info), secrets, key: PrivateKey::SlhDsa(key) })
}

/// What a private key is made from.
enum Given<'a> {
    Value(&'a [u8]),
    /// The seed, and the value it should expand to where that was given too.
    Seed(&'a [u8], Option<&'a [u8]>),
}

fn seed_or_value(parts: &dyn Parts) -> Result<Given<'_>, Error> {
    match (parts.bytes(CKA_SEED), parts.bytes(CKA_VALUE)) {
        (Some(seed), value) => Ok(Given::Seed(seed, value)),
        (None, Some(value)) => Ok(Given::Value(value)),
        (None, None) => Err(Error::TemplateIncomplete(AttributeType(CKA_VALUE))),
    }
}

/// A value that was given beside the seed must be the one the seed expands to.
fn same_value(
    given: Option<&[u8]>,
    expand: impl FnOnce() -> Result<SecretBytes, strongroom_crypto::Error>,
) -> Result<(), Error> {
    match given {
        Some(given) if !expand()?.ct_eq(given) => Err(refused(CKA_VALUE, "not the key of CKA_SEED")),
        _ => Ok(()),
    }
}

fn secrets(seed: Option<SecretBytes>, value: SecretBytes) -> Vec<(u64, SecretBytes)> {
    let mut secrets = vec![(CKA_VALUE, value)];
    secrets.extend(seed.map(|seed| (CKA_SEED, seed)));
    secrets
}

fn public_fields(set: u64, value: &[u8], info: &[u8]) -> Vec<(u64, Value)> {
    vec![field(CKA_VALUE, value), field(CKA_PUBLIC_KEY_INFO, info), (CKA_PARAMETER_SET, Value::Ulong(set))]
}

fn private_fields(set: u64, info: &[u8]) -> Vec<(u64, Value)> {
    vec![field(CKA_PUBLIC_KEY_INFO, info), (CKA_PARAMETER_SET, Value::Ulong(set))]
}

fn set<S>(parts: &dyn Parts, find: impl Fn(u64) -> Option<S>) -> Result<(u64, S), Error> {
    let number = parts.number(CKA_PARAMETER_SET).ok_or(Error::TemplateIncomplete(AttributeType(CKA_PARAMETER_SET)))?;
    Ok((number, find(number).ok_or(Error::ParameterSetNotSupported)?))
}

fn kem_set(number: u64) -> Option<ml_kem::ParameterSet> {
    Some(match number {
        CKP_ML_KEM_512 => ml_kem::ParameterSet::MlKem512,
        CKP_ML_KEM_768 => ml_kem::ParameterSet::MlKem768,
        CKP_ML_KEM_1024 => ml_kem::ParameterSet::MlKem1024,
        _ => return None,
    })
}

fn ml_dsa_set(number: u64) -> Option<ml_dsa::ParameterSet> {
    Some(match number {
        CKP_ML_DSA_44 => ml_dsa::ParameterSet::MlDsa44,
        CKP_ML_DSA_65 => ml_dsa::ParameterSet::MlDsa65,
        CKP_ML_DSA_87 => ml_dsa::ParameterSet::MlDsa87,
        _ => return None,
    })
}

/// `CKP_SLH_DSA_*` and the sets of the algorithm.
const SLH_DSA: [(u64, slh_dsa::ParameterSet); 12] = {
    use slh_dsa::ParameterSet as S;
    [
        (CKP_SLH_DSA_SHA2_128S, S::Sha2_128s),
        (CKP_SLH_DSA_SHAKE_128S, S::Shake128s),
        (CKP_SLH_DSA_SHA2_128F, S::Sha2_128f),
        (CKP_SLH_DSA_SHAKE_128F, S::Shake128f),
        (CKP_SLH_DSA_SHA2_192S, S::Sha2_192s),
        (CKP_SLH_DSA_SHAKE_192S, S::Shake192s),
        (CKP_SLH_DSA_SHA2_192F, S::Sha2_192f),
        (CKP_SLH_DSA_SHAKE_192F, S::Shake192f),
        (CKP_SLH_DSA_SHA2_256S, S::Sha2_256s),
        (CKP_SLH_DSA_SHAKE_256S, S::Shake256s),
        (CKP_SLH_DSA_SHA2_256F, S::Sha2_256f),
        (CKP_SLH_DSA_SHAKE_256F, S::Shake256f),
    ]
};

/// `CKP_SLH_DSA_*` and the sets as their encodings know them.
pub(super) const SLH_DSA_ENCODED: [(u64, encoding::SlhDsa); 12] = {
    use encoding::SlhDsa as S;
    [
        (CKP_SLH_DSA_SHA2_128S, S::Sha2_128s),
        (CKP_SLH_DSA_SHAKE_128S, S::Shake128s),
        (CKP_SLH_DSA_SHA2_128F, S::Sha2_128f),
        (CKP_SLH_DSA_SHAKE_128F, S::Shake128f),
        (CKP_SLH_DSA_SHA2_192S, S::Sha2_192s),
        (CKP_SLH_DSA_SHAKE_192S, S::Shake192s),
        (CKP_SLH_DSA_SHA2_192F, S::Sha2_192f),
        (CKP_SLH_DSA_SHAKE_192F, S::Shake192f),
        (CKP_SLH_DSA_SHA2_256S, S::Sha2_256s),
        (CKP_SLH_DSA_SHAKE_256S, S::Shake256s),
        (CKP_SLH_DSA_SHA2_256F, S::Sha2_256f),
        (CKP_SLH_DSA_SHAKE_256F, S::Shake256f),
    ]
};

fn slh_dsa_set(number: u64) -> Option<slh_dsa::ParameterSet> {
    SLH_DSA.iter().find(|(known, _)| *known == number).map(|(_, set)| *set)
}

fn encoded_slh_dsa(number: u64) -> Result<encoding::SlhDsa, Error> {
    let row = SLH_DSA_ENCODED.iter().find(|(known, _)| *known == number);
    row.map(|(_, set)| *set).ok_or(Error::ParameterSetNotSupported)
}

fn encoded_kem(set: ml_kem::ParameterSet) -> encoding::MlKem {
    match set {
        ml_kem::ParameterSet::MlKem512 => encoding::MlKem::MlKem512,
        ml_kem::ParameterSet::MlKem768 => encoding::MlKem::MlKem768,
        ml_kem::ParameterSet::MlKem1024 => encoding::MlKem::MlKem1024,
    }
}

fn encoded_ml_dsa(set: ml_dsa::ParameterSet) -> encoding::MlDsa {
    match set {
        ml_dsa::ParameterSet::MlDsa44 => encoding::MlDsa::MlDsa44,
        ml_dsa::ParameterSet::MlDsa65 => encoding::MlDsa::MlDsa65,
        ml_dsa::ParameterSet::MlDsa87 => encoding::MlDsa::MlDsa87,
    }
}
