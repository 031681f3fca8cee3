//! The mechanisms of key pairs.

use cryptoki_sys::*;

use super::{Kind, Sample, keys, rows};
use crate::parameters::{Oaep, Parameter};
use crate::template::{Entry, bytes, number};

const RSA: &[CK_KEY_TYPE] = &[CKK_RSA];
const DSA: &[CK_KEY_TYPE] = &[CKK_DSA];
const EC: &[CK_KEY_TYPE] = &[CKK_EC];
const EDWARDS: &[CK_KEY_TYPE] = &[CKK_EC_EDWARDS];
const MONTGOMERY: &[CK_KEY_TYPE] = &[CKK_EC_MONTGOMERY];

type Sizes = (CK_ULONG, CK_ULONG);

/// Bits of the modulus (§6.1).
const MODULUS: Sizes = (1024, 16384);
/// Bits of the prime (§6.2).
const DSA_PRIME: Sizes = (1024, 3072);
/// Bits of the prime (§6.4).
const DH_PRIME: Sizes = (1024, 8192);
/// Bits of the prime of the groups that standards give.
const DH_NAMED: Sizes = (2048, 8192);
/// Bits of the field (§6.3).
const FIELD: Sizes = (224, 521);
/// Bits of the field: "the only allowed values are 255 and 448" (§6.3).
const TWISTED: Sizes = (255, 448);
/// Bytes of the public key (FIPS 203, table 3).
const ML_KEM: Sizes = (800, 1568);
/// Bytes of the public key (FIPS 204, table 2).
const ML_DSA: Sizes = (1312, 2592);
/// Bytes of the public key (FIPS 205, table 2).
const SLH_DSA: Sizes = (32, 64);

const SIGNS: CK_FLAGS = CKF_SIGN | CKF_VERIFY;
const RECOVERS: CK_FLAGS = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
pub(super) const CURVES: CK_FLAGS = CKF_EC_F_P | CKF_EC_OID | CKF_EC_CURVENAME | CKF_EC_UNCOMPRESS | CKF_EC_COMPRESS;

const fn signs(data: usize, parameter: fn() -> Parameter) -> Kind {
    Kind::Signature { data, parameter }
}

fn none() -> Parameter {
    Parameter::None
}

fn oaep() -> Oaep {
    Oaep { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, source: CKZ_DATA_SPECIFIED, label: b"label".to_vec() }
}

fn pss(hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, salt_len: CK_ULONG) -> Parameter {
    Parameter::Pss { hash, mgf, salt_len }
}

fn ecdh_aes() -> Parameter {
    Parameter::EcdhAes { key_bits: 256, kdf: CKD_SHA256_KDF, shared: b"shared".to_vec() }
}

fn context() -> Parameter {
    Parameter::SignContext { hedge: CKH_HEDGE_PREFERRED, context: b"context".to_vec() }
}

fn hash_context() -> Parameter {
    Parameter::HashSignContext { hedge: CKH_HEDGE_PREFERRED, context: b"context".to_vec(), hash: CKM_SHA256 }
}

/// How a pair of this type is generated: the mechanism, and what the public template must say.
pub(super) fn generation(key_type: CK_KEY_TYPE) -> (CK_MECHANISM_TYPE, Entry) {
    match key_type {
        CKK_RSA => (CKM_RSA_PKCS_KEY_PAIR_GEN, number(CKA_MODULUS_BITS, 2048)),
        CKK_EC => (CKM_EC_KEY_PAIR_GEN, bytes(CKA_EC_PARAMS, [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])),
        CKK_EC_EDWARDS => (CKM_EC_EDWARDS_KEY_PAIR_GEN, bytes(CKA_EC_PARAMS, [6, 3, 0x2b, 0x65, 0x70])),
        CKK_EC_MONTGOMERY => (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, bytes(CKA_EC_PARAMS, keys::X25519)),
        CKK_ML_KEM => (CKM_ML_KEM_KEY_PAIR_GEN, number(CKA_PARAMETER_SET, CKP_ML_KEM_768)),
        CKK_ML_DSA => (CKM_ML_DSA_KEY_PAIR_GEN, number(CKA_PARAMETER_SET, CKP_ML_DSA_44)),
        CKK_SLH_DSA => (CKM_SLH_DSA_KEY_PAIR_GEN, number(CKA_PARAMETER_SET, CKP_SLH_DSA_SHA2_128F)),
        other => panic!("pairs of type 0x{other:x} are imported"),
    }
}

/// The public template for a pair of this type.
pub(crate) fn pair_template(key_type: CK_KEY_TYPE) -> Vec<Entry> {
    match key_type {
        CKK_DSA | CKK_X9_42_DH => keys::group(),
        CKK_DH => keys::plain_group(),
        CKK_RSA => vec![generation(key_type).1, bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1])],
        _ => vec![generation(key_type).1],
    }
}

/// The template for domain parameters of this type.
pub(super) fn parameter_template(key_type: CK_KEY_TYPE) -> Vec<Entry> {
    match key_type {
        CKK_DSA => vec![number(CKA_PRIME_BITS, 1024)],
        CKK_DH => vec![number(CKA_PRIME_BITS, 2048)],
        _ => vec![number(CKA_PRIME_BITS, 1024), number(CKA_SUBPRIME_BITS, 160)],
    }
}

pub(super) const SAMPLES: &[Sample] = rows! {
    CKM_RSA_PKCS_KEY_PAIR_GEN: RSA, MODULUS, Fips, Kind::GeneratePair;
    CKM_RSA_PKCS: RSA, MODULUS, Fips, Kind::Rsa(none), SIGNS | RECOVERS;
    CKM_RSA_X_509: RSA, MODULUS, Standard, Kind::Rsa(none), SIGNS | RECOVERS;
    CKM_RSA_PKCS_OAEP: RSA, MODULUS, Fips, Kind::Rsa(|| Parameter::Oaep(oaep()));
    CKM_RSA_AES_KEY_WRAP: RSA, MODULUS, Fips, Kind::Hybrid(|| Parameter::RsaAes { key_bits: 256, oaep: Some(oaep()) });
    CKM_MD5_RSA_PKCS: RSA, MODULUS, Standard, signs(64, none);
    CKM_SHA1_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA224_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA256_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA384_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA512_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA3_224_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA3_256_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA3_384_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_SHA3_512_RSA_PKCS: RSA, MODULUS, Fips, signs(64, none);
    CKM_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(32, || pss(CKM_SHA256, CKG_MGF1_SHA256, 32));
    CKM_SHA1_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA_1, CKG_MGF1_SHA1, 20));
    CKM_SHA224_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA224, CKG_MGF1_SHA224, 28));
    CKM_SHA256_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA256, CKG_MGF1_SHA256, 32));
    CKM_SHA384_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA384, CKG_MGF1_SHA384, 48));
    CKM_SHA512_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA512, CKG_MGF1_SHA512, 64));
    CKM_SHA3_224_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA3_224, CKG_MGF1_SHA3_224, 28));
    CKM_SHA3_256_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA3_256, CKG_MGF1_SHA3_256, 32));
    CKM_SHA3_384_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA3_384, CKG_MGF1_SHA3_384, 48));
    CKM_SHA3_512_RSA_PKCS_PSS: RSA, MODULUS, Fips, signs(64, || pss(CKM_SHA3_512, CKG_MGF1_SHA3_512, 64));
    CKM_DSA_KEY_PAIR_GEN: DSA, DSA_PRIME, Strict, Kind::GeneratePair;
    CKM_DSA_PARAMETER_GEN: DSA, DSA_PRIME, Strict, Kind::GenerateParameters;
    CKM_DSA: DSA, DSA_PRIME, Strict, signs(28, none);
    CKM_DSA_SHA1: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA224: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA256: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA384: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA512: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA3_224: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA3_256: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA3_384: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DSA_SHA3_512: DSA, DSA_PRIME, Strict, signs(64, none);
    CKM_DH_PKCS_KEY_PAIR_GEN: &[CKK_DH], DH_PRIME, Fips, Kind::GeneratePair;
    CKM_DH_PKCS_PARAMETER_GEN: &[CKK_DH], DH_NAMED, Fips, Kind::GenerateParameters;
    CKM_X9_42_DH_KEY_PAIR_GEN: &[CKK_X9_42_DH], DH_PRIME, Fips, Kind::GeneratePair;
    CKM_X9_42_DH_PARAMETER_GEN: &[CKK_X9_42_DH], DSA_PRIME, Strict, Kind::GenerateParameters;
    CKM_EC_KEY_PAIR_GEN: EC, FIELD, Fips, Kind::GeneratePair, CURVES;
    CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS: EC, FIELD, Fips, Kind::GeneratePair, CURVES;
    CKM_ECDSA: EC, FIELD, Fips, signs(32, none), CURVES;
    CKM_ECDSA_SHA1: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA224: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA256: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA384: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA512: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA3_224: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA3_256: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA3_384: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_ECDSA_SHA3_512: EC, FIELD, Fips, signs(64, none), CURVES;
    CKM_EC_EDWARDS_KEY_PAIR_GEN: EDWARDS, TWISTED, Fips, Kind::GeneratePair, CURVES;
    CKM_EDDSA: EDWARDS, TWISTED, Fips, signs(64, || Parameter::EdDsa { prehash: false, context: b"context".to_vec() }), CURVES;
    CKM_EC_MONTGOMERY_KEY_PAIR_GEN: MONTGOMERY, TWISTED, Strict, Kind::GeneratePair, CURVES;
    CKM_ECDH_AES_KEY_WRAP: &[CKK_EC, CKK_EC_MONTGOMERY], FIELD, Fips, Kind::Hybrid(ecdh_aes), CURVES;
    CKM_ECDH_COF_AES_KEY_WRAP: EC, FIELD, Fips, Kind::Hybrid(ecdh_aes), CURVES;
    CKM_ECDH_X_AES_KEY_WRAP: MONTGOMERY, TWISTED, Strict, Kind::Hybrid(ecdh_aes), CURVES;
    CKM_ML_KEM_KEY_PAIR_GEN: &[CKK_ML_KEM], ML_KEM, Fips, Kind::GeneratePair;
    CKM_ML_KEM: &[CKK_ML_KEM], ML_KEM, Fips, Kind::Encapsulation;
    CKM_ML_DSA_KEY_PAIR_GEN: &[CKK_ML_DSA], ML_DSA, Fips, Kind::GeneratePair;
    CKM_ML_DSA: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA: &[CKK_ML_DSA], ML_DSA, Fips, signs(32, hash_context);
    CKM_HASH_ML_DSA_SHA224: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA256: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA384: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA512: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA3_224: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA3_256: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA3_384: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHA3_512: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHAKE128: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_HASH_ML_DSA_SHAKE256: &[CKK_ML_DSA], ML_DSA, Fips, signs(64, context);
    CKM_SLH_DSA_KEY_PAIR_GEN: &[CKK_SLH_DSA], SLH_DSA, Fips, Kind::GeneratePair;
    CKM_SLH_DSA: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(32, hash_context);
    CKM_HASH_SLH_DSA_SHA224: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA256: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA384: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA512: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA3_224: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA3_256: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA3_384: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHA3_512: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHAKE128: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
    CKM_HASH_SLH_DSA_SHAKE256: &[CKK_SLH_DSA], SLH_DSA, Fips, signs(64, context);
};
