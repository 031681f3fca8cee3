//! The rows of the catalogue.

use cryptoki_sys::*;
use strongroom_crypto::hash::Algorithm::{self, *};

use super::Grade::{self, Approved, Legacy, Sound};
use super::MacLength::{Fixed, GcmTag, Given};
use super::ParameterKind::{CounterKdf, EncryptData, FeedbackKdf, Iv, None, StringData, Tweak};
use super::cloudhsm::*;
use super::{
    CipherMode, Derivation, HybridWrap, Kdf108, KeyWrap, MacLength, Mechanism, Message, ParameterKind, RsaForm, Scheme,
    Work,
};
use crate::limits::GENERIC_SECRET_BYTES_MAX;
use crate::object::MacForm;

const AES: &[u64] = &[CKK_AES];
const DES3: &[u64] = &[CKK_DES3, CKK_DES2];
const GENERIC: &[u64] = &[CKK_GENERIC_SECRET];
const HKDF: &[u64] = &[CKK_HKDF, CKK_GENERIC_SECRET];
/// Every type of secret key.
const ANY: &[u64] = &[];
/// Every type of private key.
const PRIVATE: &[u64] = &[];

/// Bits of the modulus.
const RSA: (u64, u64) = (1024, 16384);
/// Bits of the field.
const EC: (u64, u64) = (224, 521);
/// Bits of the field, for Edwards and Montgomery curves.
const EDWARDS: (u64, u64) = (255, 448);
/// Bits of the prime.
const DSA: (u64, u64) = (1024, 3072);
/// Bits of the prime.
const DH: (u64, u64) = (1024, 8192);
/// Bits of the prime of a group that is given.
const DH_GIVEN: (u64, u64) = (2048, 8192);
/// Bytes of the public key.
const ML_KEM: (u64, u64) = (800, 1568);
/// Bytes of the public key.
const ML_DSA: (u64, u64) = (1312, 2592);
/// Bytes of the public key.
const SLH_DSA: (u64, u64) = (32, 64);
/// Bytes of the base key.
const SECRET: (u64, u64) = (1, GENERIC_SECRET_BYTES_MAX as u64);
/// Bytes of a master key.
const TLS: (u64, u64) = (48, 48);

const SIGNS: u64 = CKF_SIGN | CKF_VERIFY;
const RECOVERS: u64 = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
const WRAPS: u64 = CKF_WRAP | CKF_UNWRAP;
const CRYPTS: u64 = CKF_ENCRYPT | CKF_DECRYPT;

const fn generate(id: u64, name: &'static str, key_type: u64, min_key: u64, max_key: u64, grade: Grade) -> Mechanism {
    let work = Work::GenerateSecret(key_type);
    Mechanism { id, name, min_key, max_key, functions: CKF_GENERATE, parameter: None, grade, work }
}

const fn digest(id: u64, name: &'static str, algorithm: Algorithm, grade: Grade) -> Mechanism {
    let work = Work::Digest(algorithm);
    Mechanism { id, name, min_key: 0, max_key: 0, functions: CKF_DIGEST, parameter: None, grade, work }
}

const fn cipher(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    mode: CipherMode,
    parameter: ParameterKind,
    (min_key, max_key): (u64, u64),
    grade: Grade,
) -> Mechanism {
    let work = Work::Cipher { key_types, mode };
    Mechanism { id, name, min_key, max_key, functions: CKF_ENCRYPT | CKF_DECRYPT, parameter, grade, work }
}

#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
const fn mac(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    form: MacForm,
    length: MacLength,
    parameter: ParameterKind,
    (min_key, max_key): (u64, u64),
    grade: Grade,
) -> Mechanism {
    let work = Work::Mac { key_types, form, length };
    Mechanism { id, name, min_key, max_key, functions: CKF_SIGN | CKF_VERIFY, parameter, grade, work }
}

/// HMAC takes generic secrets and keys made for it; sizes in bytes.
const fn hmac(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    algorithm: Algorithm,
    length: MacLength,
    grade: Grade,
) -> Mechanism {
    let parameter = match length {
        Given(_) => ParameterKind::MacLength,
        Fixed(_) | GcmTag => None,
    };
    let sizes = (1, GENERIC_SECRET_BYTES_MAX as u64);
    mac(id, name, key_types, MacForm::Hmac(algorithm), length, parameter, sizes, grade)
}

const fn row(
    (id, name): (u64, &'static str),
    (min_key, max_key): (u64, u64),
    functions: u64,
    parameter: ParameterKind,
    grade: Grade,
    work: Work,
) -> Mechanism {
    Mechanism { id, name, min_key, max_key, functions, parameter, grade, work }
}

const fn pair(id: u64, name: &'static str, key_type: u64, sizes: (u64, u64), grade: Grade) -> Mechanism {
    row((id, name), sizes, CKF_GENERATE_KEY_PAIR, None, grade, Work::GeneratePair(key_type))
}

const fn parameters(id: u64, name: &'static str, key_type: u64, sizes: (u64, u64), grade: Grade) -> Mechanism {
    row((id, name), sizes, CKF_GENERATE, None, grade, Work::GenerateParameters(key_type))
}

const fn signature(
    id: u64,
    name: &'static str,
    key_type: u64,
    scheme: Scheme,
    parameter: ParameterKind,
    sizes: (u64, u64),
    grade: Grade,
) -> Mechanism {
    let functions = SIGNS | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
    row((id, name), sizes, functions, parameter, grade, Work::Signature { key_type, scheme })
}

const fn rsa(
    id: u64,
    name: &'static str,
    form: RsaForm,
    parameter: ParameterKind,
    more: u64,
    grade: Grade,
) -> Mechanism {
    row((id, name), RSA, CRYPTS | WRAPS | more, parameter, grade, Work::Rsa(form))
}

const fn key_wrap(id: u64, name: &'static str, form: KeyWrap, parameter: ParameterKind, grade: Grade) -> Mechanism {
    row((id, name), (16, 32), CRYPTS | WRAPS, parameter, grade, Work::KeyWrap(form))
}

const fn hybrid(
    id: u64,
    name: &'static str,
    form: HybridWrap,
    parameter: ParameterKind,
    sizes: (u64, u64),
    grade: Grade,
) -> Mechanism {
    row((id, name), sizes, WRAPS, parameter, grade, Work::HybridWrap(form))
}

const fn derive(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    derivation: Derivation,
    parameter: ParameterKind,
    sizes: (u64, u64),
    grade: Grade,
) -> Mechanism {
    row((id, name), sizes, CKF_DERIVE, parameter, grade, Work::Derive { key_types, derivation })
}

/// Derives from a password, which is no key: `C_GenerateKey` does it.
const fn password(id: u64, name: &'static str, grade: Grade) -> Mechanism {
    let work = Work::Derive { key_types: &[], derivation: Derivation::Pbkdf2 };
    row((id, name), (0, 0), CKF_GENERATE, ParameterKind::Pbkdf2, grade, work)
}

const fn encapsulation(id: u64, name: &'static str, key_type: u64, sizes: (u64, u64), grade: Grade) -> Mechanism {
    row((id, name), sizes, CKF_ENCAPSULATE | CKF_DECAPSULATE, None, grade, Work::Encapsulation(key_type))
}

const fn tls_mac(id: u64, name: &'static str) -> Mechanism {
    row((id, name), TLS, SIGNS, ParameterKind::TlsMac, Approved, Work::TlsMac)
}

/// The same mechanism, which wraps keys too.
const fn wrapping(mechanism: Mechanism) -> Mechanism {
    Mechanism { functions: mechanism.functions | WRAPS, ..mechanism }
}

/// The same mechanism, which takes messages too.
const fn messages(mechanism: Mechanism) -> Mechanism {
    let functions = mechanism.functions | CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
    Mechanism { functions, ..mechanism }
}

/// The same mechanism, which tells what it takes for curves.
const fn curve(mechanism: Mechanism) -> Mechanism {
    let curves = CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS;
    Mechanism { functions: mechanism.functions | curves, ..mechanism }
}

/// Every mechanism, in ascending order of its number.
#[rustfmt::skip]
pub static CATALOGUE: &[Mechanism] = &[
    pair(CKM_RSA_PKCS_KEY_PAIR_GEN, "CKM_RSA_PKCS_KEY_PAIR_GEN", CKK_RSA, RSA, Approved),
    rsa(CKM_RSA_PKCS, "CKM_RSA_PKCS", RsaForm::Pkcs1, None, SIGNS | RECOVERS, Approved),
    rsa(CKM_RSA_X_509, "CKM_RSA_X_509", RsaForm::Raw, None, SIGNS | RECOVERS, Legacy),
    signature(CKM_MD5_RSA_PKCS, "CKM_MD5_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Md5)), None, RSA, Legacy),
    signature(CKM_SHA1_RSA_PKCS, "CKM_SHA1_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha1)), None, RSA, Approved),
    rsa(CKM_RSA_PKCS_OAEP, "CKM_RSA_PKCS_OAEP", RsaForm::Oaep, ParameterKind::Oaep, 0, Approved),
    signature(CKM_RSA_PKCS_PSS, "CKM_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Option::None), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA1_RSA_PKCS_PSS, "CKM_SHA1_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha1)), ParameterKind::Pss, RSA, Approved),
    pair(CKM_ML_KEM_KEY_PAIR_GEN, "CKM_ML_KEM_KEY_PAIR_GEN", CKK_ML_KEM, ML_KEM, Approved),
    pair(CKM_DSA_KEY_PAIR_GEN, "CKM_DSA_KEY_PAIR_GEN", CKK_DSA, DSA, Sound),
    signature(CKM_DSA, "CKM_DSA", CKK_DSA, Scheme::Dsa(Option::None), None, DSA, Sound),
    signature(CKM_DSA_SHA1, "CKM_DSA_SHA1", CKK_DSA, Scheme::Dsa(Some(Sha1)), None, DSA, Sound),
    signature(CKM_DSA_SHA224, "CKM_DSA_SHA224", CKK_DSA, Scheme::Dsa(Some(Sha224)), None, DSA, Sound),
    signature(CKM_DSA_SHA256, "CKM_DSA_SHA256", CKK_DSA, Scheme::Dsa(Some(Sha256)), None, DSA, Sound),
    signature(CKM_DSA_SHA384, "CKM_DSA_SHA384", CKK_DSA, Scheme::Dsa(Some(Sha384)), None, DSA, Sound),
    signature(CKM_DSA_SHA512, "CKM_DSA_SHA512", CKK_DSA, Scheme::Dsa(Some(Sha512)), None, DSA, Sound),
    encapsulation(CKM_ML_KEM, "CKM_ML_KEM", CKK_ML_KEM, ML_KEM, Approved),
    signature(CKM_DSA_SHA3_224, "CKM_DSA_SHA3_224", CKK_DSA, Scheme::Dsa(Some(Sha3_224)), None, DSA, Sound),
    signature(CKM_DSA_SHA3_256, "CKM_DSA_SHA3_256", CKK_DSA, Scheme::Dsa(Some(Sha3_256)), None, DSA, Sound),
    signature(CKM_DSA_SHA3_384, "CKM_DSA_SHA3_384", CKK_DSA, Scheme::Dsa(Some(Sha3_384)), None, DSA, Sound),
    signature(CKM_DSA_SHA3_512, "CKM_DSA_SHA3_512", CKK_DSA, Scheme::Dsa(Some(Sha3_512)), None, DSA, Sound),
    pair(CKM_ML_DSA_KEY_PAIR_GEN, "CKM_ML_DSA_KEY_PAIR_GEN", CKK_ML_DSA, ML_DSA, Approved),
    signature(CKM_ML_DSA, "CKM_ML_DSA", CKK_ML_DSA, Scheme::MlDsa(Message::Pure), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA, "CKM_HASH_ML_DSA", CKK_ML_DSA, Scheme::MlDsa(Message::Hashed), ParameterKind::HashSignContext, ML_DSA, Approved),
    pair(CKM_DH_PKCS_KEY_PAIR_GEN, "CKM_DH_PKCS_KEY_PAIR_GEN", CKK_DH, DH, Approved),
    derive(CKM_DH_PKCS_DERIVE, "CKM_DH_PKCS_DERIVE", &[CKK_DH], Derivation::Dh, ParameterKind::Bytes, DH, Approved),
    signature(CKM_HASH_ML_DSA_SHA224, "CKM_HASH_ML_DSA_SHA224", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha224)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA256, "CKM_HASH_ML_DSA_SHA256", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha256)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA384, "CKM_HASH_ML_DSA_SHA384", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha384)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA512, "CKM_HASH_ML_DSA_SHA512", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha512)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA3_224, "CKM_HASH_ML_DSA_SHA3_224", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha3_224)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA3_256, "CKM_HASH_ML_DSA_SHA3_256", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha3_256)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA3_384, "CKM_HASH_ML_DSA_SHA3_384", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha3_384)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHA3_512, "CKM_HASH_ML_DSA_SHA3_512", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Sha3_512)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHAKE128, "CKM_HASH_ML_DSA_SHAKE128", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Shake128)), ParameterKind::SignContext, ML_DSA, Approved),
    signature(CKM_HASH_ML_DSA_SHAKE256, "CKM_HASH_ML_DSA_SHAKE256", CKK_ML_DSA, Scheme::MlDsa(Message::Hash(Shake256)), ParameterKind::SignContext, ML_DSA, Approved),
    pair(CKM_SLH_DSA_KEY_PAIR_GEN, "CKM_SLH_DSA_KEY_PAIR_GEN", CKK_SLH_DSA, SLH_DSA, Approved),
    signature(CKM_SLH_DSA, "CKM_SLH_DSA", CKK_SLH_DSA, Scheme::SlhDsa(Message::Pure), ParameterKind::SignContext, SLH_DSA, Approved),
    pair(CKM_X9_42_DH_KEY_PAIR_GEN, "CKM_X9_42_DH_KEY_PAIR_GEN", CKK_X9_42_DH, DH, Approved),
    derive(CKM_X9_42_DH_DERIVE, "CKM_X9_42_DH_DERIVE", &[CKK_X9_42_DH], Derivation::X942Dh, ParameterKind::X942Dh, DH, Approved),
    signature(CKM_HASH_SLH_DSA, "CKM_HASH_SLH_DSA", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hashed), ParameterKind::HashSignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA224, "CKM_HASH_SLH_DSA_SHA224", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha224)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA256, "CKM_HASH_SLH_DSA_SHA256", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha256)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA384, "CKM_HASH_SLH_DSA_SHA384", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha384)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA512, "CKM_HASH_SLH_DSA_SHA512", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha512)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA3_224, "CKM_HASH_SLH_DSA_SHA3_224", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha3_224)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA3_256, "CKM_HASH_SLH_DSA_SHA3_256", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha3_256)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA3_384, "CKM_HASH_SLH_DSA_SHA3_384", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha3_384)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHA3_512, "CKM_HASH_SLH_DSA_SHA3_512", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Sha3_512)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHAKE128, "CKM_HASH_SLH_DSA_SHAKE128", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Shake128)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_HASH_SLH_DSA_SHAKE256, "CKM_HASH_SLH_DSA_SHAKE256", CKK_SLH_DSA, Scheme::SlhDsa(Message::Hash(Shake256)), ParameterKind::SignContext, SLH_DSA, Approved),
    signature(CKM_SHA256_RSA_PKCS, "CKM_SHA256_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha256)), None, RSA, Approved),
    signature(CKM_SHA384_RSA_PKCS, "CKM_SHA384_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha384)), None, RSA, Approved),
    signature(CKM_SHA512_RSA_PKCS, "CKM_SHA512_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha512)), None, RSA, Approved),
    signature(CKM_SHA256_RSA_PKCS_PSS, "CKM_SHA256_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha256)), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA384_RSA_PKCS_PSS, "CKM_SHA384_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha384)), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA512_RSA_PKCS_PSS, "CKM_SHA512_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha512)), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA224_RSA_PKCS, "CKM_SHA224_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha224)), None, RSA, Approved),
    signature(CKM_SHA224_RSA_PKCS_PSS, "CKM_SHA224_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha224)), ParameterKind::Pss, RSA, Approved),
    digest(CKM_SHA512_224, "CKM_SHA512_224", Sha512_224, Approved),
    hmac(CKM_SHA512_224_HMAC, "CKM_SHA512_224_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA512_224_HMAC], Sha512_224, Fixed(28), Approved),
    hmac(CKM_SHA512_224_HMAC_GENERAL, "CKM_SHA512_224_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA512_224_HMAC], Sha512_224, Given(28), Approved),
    derive(CKM_SHA512_224_KEY_DERIVATION, "CKM_SHA512_224_KEY_DERIVATION", ANY, Derivation::Hash(Sha512_224), None, SECRET, Sound),
    digest(CKM_SHA512_256, "CKM_SHA512_256", Sha512_256, Approved),
    hmac(CKM_SHA512_256_HMAC, "CKM_SHA512_256_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA512_256_HMAC], Sha512_256, Fixed(32), Approved),
    hmac(CKM_SHA512_256_HMAC_GENERAL, "CKM_SHA512_256_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA512_256_HMAC], Sha512_256, Given(32), Approved),
    derive(CKM_SHA512_256_KEY_DERIVATION, "CKM_SHA512_256_KEY_DERIVATION", ANY, Derivation::Hash(Sha512_256), None, SECRET, Sound),
    derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, "CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE", GENERIC, Derivation::TlsExtendedMaster { dh: false }, ParameterKind::TlsExtendedMaster, TLS, Approved),
    derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, "CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH", GENERIC, Derivation::TlsExtendedMaster { dh: true }, ParameterKind::TlsExtendedMaster, TLS, Approved),
    signature(CKM_SHA3_256_RSA_PKCS, "CKM_SHA3_256_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha3_256)), None, RSA, Approved),
    signature(CKM_SHA3_384_RSA_PKCS, "CKM_SHA3_384_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha3_384)), None, RSA, Approved),
    signature(CKM_SHA3_512_RSA_PKCS, "CKM_SHA3_512_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha3_512)), None, RSA, Approved),
    signature(CKM_SHA3_256_RSA_PKCS_PSS, "CKM_SHA3_256_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha3_256)), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA3_384_RSA_PKCS_PSS, "CKM_SHA3_384_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha3_384)), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA3_512_RSA_PKCS_PSS, "CKM_SHA3_512_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha3_512)), ParameterKind::Pss, RSA, Approved),
    signature(CKM_SHA3_224_RSA_PKCS, "CKM_SHA3_224_RSA_PKCS", CKK_RSA, Scheme::RsaPkcs1(Some(Sha3_224)), None, RSA, Approved),
    signature(CKM_SHA3_224_RSA_PKCS_PSS, "CKM_SHA3_224_RSA_PKCS_PSS", CKK_RSA, Scheme::RsaPss(Some(Sha3_224)), ParameterKind::Pss, RSA, Approved),
    generate(CKM_RC4_KEY_GEN, "CKM_RC4_KEY_GEN", CKK_RC4, 8, 2040, Legacy),
    cipher(CKM_RC4, "CKM_RC4", &[CKK_RC4], CipherMode::Rc4, None, (8, 2040), Legacy),
    generate(CKM_DES_KEY_GEN, "CKM_DES_KEY_GEN", CKK_DES, 0, 0, Legacy),
    wrapping(cipher(CKM_DES_ECB, "CKM_DES_ECB", &[CKK_DES], CipherMode::Ecb, None, (0, 0), Legacy)),
    wrapping(cipher(CKM_DES_CBC, "CKM_DES_CBC", &[CKK_DES], CipherMode::Cbc, Iv(8), (0, 0), Legacy)),
    wrapping(cipher(CKM_DES_CBC_PAD, "CKM_DES_CBC_PAD", &[CKK_DES], CipherMode::CbcPad, Iv(8), (0, 0), Legacy)),
    generate(CKM_DES2_KEY_GEN, "CKM_DES2_KEY_GEN", CKK_DES2, 0, 0, Sound),
    generate(CKM_DES3_KEY_GEN, "CKM_DES3_KEY_GEN", CKK_DES3, 0, 0, Sound),
    wrapping(cipher(CKM_DES3_ECB, "CKM_DES3_ECB", DES3, CipherMode::Ecb, None, (0, 0), Sound)),
    wrapping(cipher(CKM_DES3_CBC, "CKM_DES3_CBC", DES3, CipherMode::Cbc, Iv(8), (0, 0), Sound)),
    wrapping(cipher(CKM_DES3_CBC_PAD, "CKM_DES3_CBC_PAD", DES3, CipherMode::CbcPad, Iv(8), (0, 0), Sound)),
    mac(CKM_DES3_CMAC_GENERAL, "CKM_DES3_CMAC_GENERAL", DES3, MacForm::CmacDes3, Given(8), ParameterKind::MacLength, (0, 0), Sound),
    mac(CKM_DES3_CMAC, "CKM_DES3_CMAC", DES3, MacForm::CmacDes3, Fixed(8), None, (0, 0), Sound),
    digest(CKM_MD5, "CKM_MD5", Md5, Legacy),
    hmac(CKM_MD5_HMAC, "CKM_MD5_HMAC", &[CKK_GENERIC_SECRET, CKK_MD5_HMAC], Md5, Fixed(16), Legacy),
    hmac(CKM_MD5_HMAC_GENERAL, "CKM_MD5_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_MD5_HMAC], Md5, Given(16), Legacy),
    digest(CKM_SHA_1, "CKM_SHA_1", Sha1, Approved),
    hmac(CKM_SHA_1_HMAC, "CKM_SHA_1_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA_1_HMAC], Sha1, Fixed(20), Approved),
    hmac(CKM_SHA_1_HMAC_GENERAL, "CKM_SHA_1_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA_1_HMAC], Sha1, Given(20), Approved),
    digest(CKM_SHA256, "CKM_SHA256", Sha256, Approved),
    hmac(CKM_SHA256_HMAC, "CKM_SHA256_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA256_HMAC], Sha256, Fixed(32), Approved),
    hmac(CKM_SHA256_HMAC_GENERAL, "CKM_SHA256_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA256_HMAC], Sha256, Given(32), Approved),
    digest(CKM_SHA224, "CKM_SHA224", Sha224, Approved),
    hmac(CKM_SHA224_HMAC, "CKM_SHA224_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA224_HMAC], Sha224, Fixed(28), Approved),
    hmac(CKM_SHA224_HMAC_GENERAL, "CKM_SHA224_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA224_HMAC], Sha224, Given(28), Approved),
    digest(CKM_SHA384, "CKM_SHA384", Sha384, Approved),
    hmac(CKM_SHA384_HMAC, "CKM_SHA384_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA384_HMAC], Sha384, Fixed(48), Approved),
    hmac(CKM_SHA384_HMAC_GENERAL, "CKM_SHA384_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA384_HMAC], Sha384, Given(48), Approved),
    digest(CKM_SHA512, "CKM_SHA512", Sha512, Approved),
    hmac(CKM_SHA512_HMAC, "CKM_SHA512_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA512_HMAC], Sha512, Fixed(64), Approved),
    hmac(CKM_SHA512_HMAC_GENERAL, "CKM_SHA512_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA512_HMAC], Sha512, Given(64), Approved),
    digest(CKM_SHA3_256, "CKM_SHA3_256", Sha3_256, Approved),
    hmac(CKM_SHA3_256_HMAC, "CKM_SHA3_256_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_256_HMAC], Sha3_256, Fixed(32), Approved),
    hmac(CKM_SHA3_256_HMAC_GENERAL, "CKM_SHA3_256_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_256_HMAC], Sha3_256, Given(32), Approved),
    generate(CKM_SHA3_256_KEY_GEN, "CKM_SHA3_256_KEY_GEN", CKK_SHA3_256_HMAC, 1, 3583, Approved),
    digest(CKM_SHA3_224, "CKM_SHA3_224", Sha3_224, Approved),
    hmac(CKM_SHA3_224_HMAC, "CKM_SHA3_224_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_224_HMAC], Sha3_224, Fixed(28), Approved),
    hmac(CKM_SHA3_224_HMAC_GENERAL, "CKM_SHA3_224_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_224_HMAC], Sha3_224, Given(28), Approved),
    generate(CKM_SHA3_224_KEY_GEN, "CKM_SHA3_224_KEY_GEN", CKK_SHA3_224_HMAC, 1, 3583, Approved),
    digest(CKM_SHA3_384, "CKM_SHA3_384", Sha3_384, Approved),
    hmac(CKM_SHA3_384_HMAC, "CKM_SHA3_384_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_384_HMAC], Sha3_384, Fixed(48), Approved),
    hmac(CKM_SHA3_384_HMAC_GENERAL, "CKM_SHA3_384_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_384_HMAC], Sha3_384, Given(48), Approved),
    generate(CKM_SHA3_384_KEY_GEN, "CKM_SHA3_384_KEY_GEN", CKK_SHA3_384_HMAC, 1, 3583, Approved),
    digest(CKM_SHA3_512, "CKM_SHA3_512", Sha3_512, Approved),
    hmac(CKM_SHA3_512_HMAC, "CKM_SHA3_512_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_512_HMAC], Sha3_512, Fixed(64), Approved),
    hmac(CKM_SHA3_512_HMAC_GENERAL, "CKM_SHA3_512_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_512_HMAC], Sha3_512, Given(64), Approved),
    generate(CKM_SHA3_512_KEY_GEN, "CKM_SHA3_512_KEY_GEN", CKK_SHA3_512_HMAC, 1, 3583, Approved),
    generate(CKM_GENERIC_SECRET_KEY_GEN, "CKM_GENERIC_SECRET_KEY_GEN", CKK_GENERIC_SECRET, 8, 28664, Approved),
    derive(CKM_CONCATENATE_BASE_AND_KEY, "CKM_CONCATENATE_BASE_AND_KEY", ANY, Derivation::ConcatenateKey, ParameterKind::Key, SECRET, Legacy),
    derive(CKM_CONCATENATE_BASE_AND_DATA, "CKM_CONCATENATE_BASE_AND_DATA", ANY, Derivation::ConcatenateData, StringData, SECRET, Legacy),
    derive(CKM_CONCATENATE_DATA_AND_BASE, "CKM_CONCATENATE_DATA_AND_BASE", ANY, Derivation::ConcatenateBefore, StringData, SECRET, Legacy),
    derive(CKM_XOR_BASE_AND_DATA, "CKM_XOR_BASE_AND_DATA", ANY, Derivation::Xor, StringData, SECRET, Legacy),
    derive(CKM_EXTRACT_KEY_FROM_KEY, "CKM_EXTRACT_KEY_FROM_KEY", ANY, Derivation::Extract, ParameterKind::Extract, SECRET, Legacy),
    derive(CKM_SHA1_KEY_DERIVATION, "CKM_SHA1_KEY_DERIVATION", ANY, Derivation::Hash(Sha1), None, SECRET, Sound),
    derive(CKM_SHA256_KEY_DERIVATION, "CKM_SHA256_KEY_DERIVATION", ANY, Derivation::Hash(Sha256), None, SECRET, Sound),
    derive(CKM_SHA384_KEY_DERIVATION, "CKM_SHA384_KEY_DERIVATION", ANY, Derivation::Hash(Sha384), None, SECRET, Sound),
    derive(CKM_SHA512_KEY_DERIVATION, "CKM_SHA512_KEY_DERIVATION", ANY, Derivation::Hash(Sha512), None, SECRET, Sound),
    derive(CKM_SHA224_KEY_DERIVATION, "CKM_SHA224_KEY_DERIVATION", ANY, Derivation::Hash(Sha224), None, SECRET, Sound),
    derive(CKM_SHA3_256_KEY_DERIVATION, "CKM_SHA3_256_KEY_DERIVATION", ANY, Derivation::Hash(Sha3_256), None, SECRET, Sound),
    derive(CKM_SHA3_224_KEY_DERIVATION, "CKM_SHA3_224_KEY_DERIVATION", ANY, Derivation::Hash(Sha3_224), None, SECRET, Sound),
    derive(CKM_SHA3_384_KEY_DERIVATION, "CKM_SHA3_384_KEY_DERIVATION", ANY, Derivation::Hash(Sha3_384), None, SECRET, Sound),
    derive(CKM_SHA3_512_KEY_DERIVATION, "CKM_SHA3_512_KEY_DERIVATION", ANY, Derivation::Hash(Sha3_512), None, SECRET, Sound),
    derive(CKM_SHAKE_128_KEY_DERIVATION, "CKM_SHAKE_128_KEY_DERIVATION", ANY, Derivation::Hash(Shake128), None, SECRET, Sound),
    derive(CKM_SHAKE_256_KEY_DERIVATION, "CKM_SHAKE_256_KEY_DERIVATION", ANY, Derivation::Hash(Shake256), None, SECRET, Sound),
    derive(CKM_SP800_108_COUNTER_KDF, "CKM_SP800_108_COUNTER_KDF", ANY, Derivation::Kdf108(Kdf108::Counter), CounterKdf, (8, 28664), Approved),
    derive(CKM_SP800_108_FEEDBACK_KDF, "CKM_SP800_108_FEEDBACK_KDF", ANY, Derivation::Kdf108(Kdf108::Feedback), FeedbackKdf, (8, 28664), Approved),
    derive(CKM_SP800_108_DOUBLE_PIPELINE_KDF, "CKM_SP800_108_DOUBLE_PIPELINE_KDF", ANY, Derivation::Kdf108(Kdf108::DoublePipeline), CounterKdf, (8, 28664), Approved),
    password(CKM_PKCS5_PBKD2, "CKM_PKCS5_PBKD2", Approved),
    tls_mac(CKM_TLS12_MAC, "CKM_TLS12_MAC"),
    derive(CKM_TLS12_KDF, "CKM_TLS12_KDF", GENERIC, Derivation::TlsKdf, ParameterKind::TlsKdf, TLS, Approved),
    derive(CKM_TLS12_MASTER_KEY_DERIVE, "CKM_TLS12_MASTER_KEY_DERIVE", GENERIC, Derivation::TlsMaster { dh: false }, ParameterKind::TlsMaster, TLS, Approved),
    derive(CKM_TLS12_KEY_AND_MAC_DERIVE, "CKM_TLS12_KEY_AND_MAC_DERIVE", GENERIC, Derivation::TlsKeys { safe: false }, ParameterKind::TlsKeys, TLS, Approved),
    derive(CKM_TLS12_MASTER_KEY_DERIVE_DH, "CKM_TLS12_MASTER_KEY_DERIVE_DH", GENERIC, Derivation::TlsMaster { dh: true }, ParameterKind::TlsMaster, TLS, Approved),
    derive(CKM_TLS12_KEY_SAFE_DERIVE, "CKM_TLS12_KEY_SAFE_DERIVE", GENERIC, Derivation::TlsKeys { safe: true }, ParameterKind::TlsKeys, TLS, Approved),
    tls_mac(CKM_TLS_MAC, "CKM_TLS_MAC"),
    derive(CKM_TLS_KDF, "CKM_TLS_KDF", GENERIC, Derivation::TlsKdf, ParameterKind::TlsKdf, TLS, Approved),
    curve(pair(CKM_EC_KEY_PAIR_GEN, "CKM_EC_KEY_PAIR_GEN", CKK_EC, EC, Approved)),
    curve(signature(CKM_ECDSA, "CKM_ECDSA", CKK_EC, Scheme::Ecdsa(Option::None), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA1, "CKM_ECDSA_SHA1", CKK_EC, Scheme::Ecdsa(Some(Sha1)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA224, "CKM_ECDSA_SHA224", CKK_EC, Scheme::Ecdsa(Some(Sha224)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA256, "CKM_ECDSA_SHA256", CKK_EC, Scheme::Ecdsa(Some(Sha256)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA384, "CKM_ECDSA_SHA384", CKK_EC, Scheme::Ecdsa(Some(Sha384)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA512, "CKM_ECDSA_SHA512", CKK_EC, Scheme::Ecdsa(Some(Sha512)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA3_224, "CKM_ECDSA_SHA3_224", CKK_EC, Scheme::Ecdsa(Some(Sha3_224)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA3_256, "CKM_ECDSA_SHA3_256", CKK_EC, Scheme::Ecdsa(Some(Sha3_256)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA3_384, "CKM_ECDSA_SHA3_384", CKK_EC, Scheme::Ecdsa(Some(Sha3_384)), None, EC, Approved)),
    curve(signature(CKM_ECDSA_SHA3_512, "CKM_ECDSA_SHA3_512", CKK_EC, Scheme::Ecdsa(Some(Sha3_512)), None, EC, Approved)),
    curve(derive(CKM_ECDH1_DERIVE, "CKM_ECDH1_DERIVE", &[CKK_EC, CKK_EC_MONTGOMERY], Derivation::Ecdh, ParameterKind::Ecdh, EC, Approved)),
    curve(derive(CKM_ECDH1_COFACTOR_DERIVE, "CKM_ECDH1_COFACTOR_DERIVE", &[CKK_EC], Derivation::Ecdh, ParameterKind::Ecdh, EC, Approved)),
    curve(hybrid(CKM_ECDH_AES_KEY_WRAP, "CKM_ECDH_AES_KEY_WRAP", HybridWrap::Ecdh, ParameterKind::EcdhAes, EC, Approved)),
    hybrid(CKM_RSA_AES_KEY_WRAP, "CKM_RSA_AES_KEY_WRAP", HybridWrap::Rsa, ParameterKind::RsaAes, RSA, Approved),
    curve(pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, "CKM_EC_EDWARDS_KEY_PAIR_GEN", CKK_EC_EDWARDS, EDWARDS, Approved)),
    curve(pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, "CKM_EC_MONTGOMERY_KEY_PAIR_GEN", CKK_EC_MONTGOMERY, EDWARDS, Sound)),
    curve(signature(CKM_EDDSA, "CKM_EDDSA", CKK_EC_EDWARDS, Scheme::EdDsa, ParameterKind::EdDsa, EDWARDS, Approved)),
    cipher(CKM_AES_XTS, "CKM_AES_XTS", &[CKK_AES_XTS], CipherMode::Xts, Tweak, (32, 64), Approved),
    generate(CKM_AES_XTS_KEY_GEN, "CKM_AES_XTS_KEY_GEN", CKK_AES_XTS, 32, 64, Approved),
    generate(CKM_AES_KEY_GEN, "CKM_AES_KEY_GEN", CKK_AES, 16, 32, Approved),
    wrapping(cipher(CKM_AES_ECB, "CKM_AES_ECB", AES, CipherMode::Ecb, None, (16, 32), Approved)),
    wrapping(cipher(CKM_AES_CBC, "CKM_AES_CBC", AES, CipherMode::Cbc, Iv(16), (16, 32), Approved)),
    mac(CKM_AES_MAC, "CKM_AES_MAC", AES, MacForm::CbcMacAes, Fixed(8), None, (16, 32), Sound),
    mac(CKM_AES_MAC_GENERAL, "CKM_AES_MAC_GENERAL", AES, MacForm::CbcMacAes, Given(16), ParameterKind::MacLength, (16, 32), Sound),
    wrapping(cipher(CKM_AES_CBC_PAD, "CKM_AES_CBC_PAD", AES, CipherMode::CbcPad, Iv(16), (16, 32), Approved)),
    cipher(CKM_AES_CTR, "CKM_AES_CTR", AES, CipherMode::Ctr, ParameterKind::Ctr, (16, 32), Approved),
    messages(wrapping(cipher(CKM_AES_GCM, "CKM_AES_GCM", AES, CipherMode::Gcm, ParameterKind::Gcm, (16, 32), Approved))),
    messages(wrapping(cipher(CKM_AES_CCM, "CKM_AES_CCM", AES, CipherMode::Ccm, ParameterKind::Ccm, (16, 32), Approved))),
    cipher(CKM_AES_CTS, "CKM_AES_CTS", AES, CipherMode::CbcCts, Iv(16), (16, 32), Approved),
    mac(CKM_AES_CMAC, "CKM_AES_CMAC", AES, MacForm::CmacAes, Fixed(16), None, (16, 32), Approved),
    mac(CKM_AES_CMAC_GENERAL, "CKM_AES_CMAC_GENERAL", AES, MacForm::CmacAes, Given(16), ParameterKind::MacLength, (16, 32), Approved),
    mac(CKM_AES_GMAC, "CKM_AES_GMAC", AES, MacForm::Gmac, GcmTag, ParameterKind::Gcm, (16, 32), Approved),
    derive(CKM_DES_ECB_ENCRYPT_DATA, "CKM_DES_ECB_ENCRYPT_DATA", &[CKK_DES], Derivation::Encrypt(CipherMode::Ecb), StringData, (0, 0), Legacy),
    derive(CKM_DES_CBC_ENCRYPT_DATA, "CKM_DES_CBC_ENCRYPT_DATA", &[CKK_DES], Derivation::Encrypt(CipherMode::Cbc), EncryptData(8), (0, 0), Legacy),
    derive(CKM_DES3_ECB_ENCRYPT_DATA, "CKM_DES3_ECB_ENCRYPT_DATA", DES3, Derivation::Encrypt(CipherMode::Ecb), StringData, (0, 0), Legacy),
    derive(CKM_DES3_CBC_ENCRYPT_DATA, "CKM_DES3_CBC_ENCRYPT_DATA", DES3, Derivation::Encrypt(CipherMode::Cbc), EncryptData(8), (0, 0), Legacy),
    derive(CKM_AES_ECB_ENCRYPT_DATA, "CKM_AES_ECB_ENCRYPT_DATA", AES, Derivation::Encrypt(CipherMode::Ecb), StringData, (16, 32), Legacy),
    derive(CKM_AES_CBC_ENCRYPT_DATA, "CKM_AES_CBC_ENCRYPT_DATA", AES, Derivation::Encrypt(CipherMode::Cbc), EncryptData(16), (16, 32), Legacy),
    generate(CKM_CHACHA20_KEY_GEN, "CKM_CHACHA20_KEY_GEN", CKK_CHACHA20, 32, 32, Sound),
    cipher(CKM_CHACHA20, "CKM_CHACHA20", &[CKK_CHACHA20], CipherMode::ChaCha20, ParameterKind::ChaCha20, (256, 256), Sound),
    curve(pair(CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS, "CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS", CKK_EC, EC, Approved)),
    parameters(CKM_DSA_PARAMETER_GEN, "CKM_DSA_PARAMETER_GEN", CKK_DSA, DSA, Sound),
    parameters(CKM_DH_PKCS_PARAMETER_GEN, "CKM_DH_PKCS_PARAMETER_GEN", CKK_DH, DH_GIVEN, Approved),
    parameters(CKM_X9_42_DH_PARAMETER_GEN, "CKM_X9_42_DH_PARAMETER_GEN", CKK_X9_42_DH, DSA, Sound),
    cipher(CKM_AES_OFB, "CKM_AES_OFB", AES, CipherMode::Ofb, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CFB8, "CKM_AES_CFB8", AES, CipherMode::Cfb8, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CFB128, "CKM_AES_CFB128", AES, CipherMode::Cfb128, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CFB1, "CKM_AES_CFB1", AES, CipherMode::Cfb1, Iv(16), (16, 32), Approved),
    key_wrap(CKM_AES_KEY_WRAP, "CKM_AES_KEY_WRAP", KeyWrap::Plain, ParameterKind::IvOrNone(8), Approved),
    key_wrap(CKM_AES_KEY_WRAP_PAD, "CKM_AES_KEY_WRAP_PAD", KeyWrap::Padded, ParameterKind::IvOrNone(4), Approved),
    key_wrap(CKM_AES_KEY_WRAP_KWP, "CKM_AES_KEY_WRAP_KWP", KeyWrap::Padded, ParameterKind::IvOrNone(4), Approved),
    key_wrap(CKM_AES_KEY_WRAP_PKCS7, "CKM_AES_KEY_WRAP_PKCS7", KeyWrap::Pkcs7, ParameterKind::IvOrNone(8), Approved),
    generate(CKM_SHA_1_KEY_GEN, "CKM_SHA_1_KEY_GEN", CKK_SHA_1_HMAC, 1, 3583, Approved),
    generate(CKM_SHA224_KEY_GEN, "CKM_SHA224_KEY_GEN", CKK_SHA224_HMAC, 1, 3583, Approved),
    generate(CKM_SHA256_KEY_GEN, "CKM_SHA256_KEY_GEN", CKK_SHA256_HMAC, 1, 3583, Approved),
    generate(CKM_SHA384_KEY_GEN, "CKM_SHA384_KEY_GEN", CKK_SHA384_HMAC, 1, 3583, Approved),
    generate(CKM_SHA512_KEY_GEN, "CKM_SHA512_KEY_GEN", CKK_SHA512_HMAC, 1, 3583, Approved),
    generate(CKM_SHA512_224_KEY_GEN, "CKM_SHA512_224_KEY_GEN", CKK_SHA512_224_HMAC, 1, 3583, Approved),
    generate(CKM_SHA512_256_KEY_GEN, "CKM_SHA512_256_KEY_GEN", CKK_SHA512_256_HMAC, 1, 3583, Approved),
    messages(cipher(CKM_CHACHA20_POLY1305, "CKM_CHACHA20_POLY1305", &[CKK_CHACHA20], CipherMode::ChaCha20Poly1305, ParameterKind::ChaCha20Poly1305, (256, 256), Sound)),
    derive(CKM_HKDF_DERIVE, "CKM_HKDF_DERIVE", HKDF, Derivation::Hkdf, ParameterKind::Hkdf, SECRET, Approved),
    derive(CKM_HKDF_DATA, "CKM_HKDF_DATA", HKDF, Derivation::HkdfData, ParameterKind::Hkdf, SECRET, Approved),
    generate(CKM_HKDF_KEY_GEN, "CKM_HKDF_KEY_GEN", CKK_HKDF, 1, 3583, Approved),
    derive(CKM_IKE2_PRF_PLUS_DERIVE, "CKM_IKE2_PRF_PLUS_DERIVE", ANY, Derivation::Ike2PrfPlus, ParameterKind::Ike2PrfPlus, SECRET, Approved),
    derive(CKM_IKE_PRF_DERIVE, "CKM_IKE_PRF_DERIVE", ANY, Derivation::IkePrf, ParameterKind::IkePrf, SECRET, Approved),
    derive(CKM_IKE1_PRF_DERIVE, "CKM_IKE1_PRF_DERIVE", ANY, Derivation::Ike1Prf, ParameterKind::Ike1Prf, SECRET, Approved),
    derive(CKM_IKE1_EXTENDED_DERIVE, "CKM_IKE1_EXTENDED_DERIVE", ANY, Derivation::Ike1Extended, ParameterKind::Ike1Extended, SECRET, Approved),
    curve(hybrid(CKM_ECDH_X_AES_KEY_WRAP, "CKM_ECDH_X_AES_KEY_WRAP", HybridWrap::Montgomery, ParameterKind::EcdhAes, EDWARDS, Sound)),
    curve(hybrid(CKM_ECDH_COF_AES_KEY_WRAP, "CKM_ECDH_COF_AES_KEY_WRAP", HybridWrap::Ecdh, ParameterKind::EcdhAes, EC, Approved)),
    derive(CKM_PUB_KEY_FROM_PRIV_KEY, "CKM_PUB_KEY_FROM_PRIV_KEY", PRIVATE, Derivation::PublicFromPrivate, None, (0, 0), Approved),
    key_wrap(CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, "CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD", KeyWrap::Plain, None, Approved),
    key_wrap(CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, "CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD", KeyWrap::Pkcs7, None, Approved),
    key_wrap(CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, "CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD", KeyWrap::Padded, None, Approved),
];
