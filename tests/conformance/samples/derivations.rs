//! The mechanisms that derive keys.

use std::cell::Cell;

use cryptoki_sys::*;

use super::{Bench, FIXED, KEY_TYPES, Kind, PAIR_TYPES, SECRET_MAX, Sample, pairs::CURVES, rows, secret_template};
use crate::parameters::{
    AdditionalKey, Hkdf, Ike1Prf, IkePrf, Kdf108, Kdf108Field, Parameter, Pbkdf2, Place, TlsKeys, TlsRandom,
};
use crate::template::{Entry, number};

const GENERIC: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET];
/// The types of key that HMAC with SHA-256 takes.
const PRF_KEYS: &[CK_KEY_TYPE] = &[CKK_GENERIC_SECRET, CKK_SHA256_HMAC];
/// Bytes of the base key.
const SECRET: (CK_ULONG, CK_ULONG) = (1, SECRET_MAX);
/// Bits of the base key, whose types count theirs differently ("SP800-108 Key Derivation").
const BITS: (CK_ULONG, CK_ULONG) = (8, SECRET_MAX * 8);
/// "both indicate 48 bytes" ("TLS 1.2 Mechanisms").
const MASTER: (CK_ULONG, CK_ULONG) = (48, 48);

const fn derives(parameter: fn(&Bench, CK_KEY_TYPE) -> Parameter, template: fn() -> Vec<Entry>) -> Kind {
    Kind::Derive { parameter, template }
}

fn eight() -> Vec<Entry> {
    secret_template(8)
}

fn sixteen() -> Vec<Entry> {
    secret_template(16)
}

fn master() -> Vec<Entry> {
    secret_template(48)
}

fn aes() -> Vec<Entry> {
    vec![number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES)]
}

fn data() -> Vec<Entry> {
    vec![number(CKA_CLASS, CKO_DATA), number(CKA_VALUE_LEN, 16)]
}

fn none(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::None
}

fn string(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::StringData(vec![0x31; 16])
}

fn des_cbc(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::DesCbcData { iv: [0x32; 8], data: vec![0x33; 16] }
}

fn aes_cbc(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::AesCbcData { iv: [0x32; 16], data: vec![0x33; 16] }
}

/// The public value of a pair, as a peer's.
fn peer(bench: &Bench, key_type: CK_KEY_TYPE, attribute: CK_ATTRIBUTE_TYPE) -> Vec<u8> {
    bench.session.get(bench.key(CKO_PUBLIC_KEY, key_type), attribute).unwrap()
}

fn ecdh(bench: &Bench, key_type: CK_KEY_TYPE) -> Parameter {
    let public = peer(bench, key_type, CKA_EC_POINT);
    Parameter::Ecdh { kdf: CKD_SHA256_KDF, shared: b"shared".to_vec(), public }
}

fn dh(bench: &Bench, key_type: CK_KEY_TYPE) -> Parameter {
    Parameter::Bytes(peer(bench, key_type, CKA_VALUE))
}

fn x9_42_dh(bench: &Bench, key_type: CK_KEY_TYPE) -> Parameter {
    Parameter::X942Dh { kdf: CKD_NULL, other: Vec::new(), public: peer(bench, key_type, CKA_VALUE) }
}

fn hkdf(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::Hkdf(Hkdf {
        extract: true,
        expand: true,
        hash: CKM_SHA256,
        salt_type: CKF_HKDF_SALT_DATA,
        salt: b"salt".to_vec(),
        salt_key: 0,
        info: b"information".to_vec(),
    })
}

fn kdf108(counter: Kdf108Field, iv: Option<Vec<u8>>) -> Parameter {
    let length = Kdf108Field::Length { method: CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, little_endian: false, bits: 32 };
    let fields = vec![counter, Kdf108Field::Bytes(b"label".to_vec()), length];
    Parameter::Kdf108(Kdf108 { prf: CKM_SHA256_HMAC, fields, iv, additional: Vec::new() })
}

/// With a key among the data.
fn counter(bench: &Bench, _: CK_KEY_TYPE) -> Parameter {
    let Parameter::Kdf108(mut kdf) = kdf108(Kdf108Field::Iteration(Some((false, 32))), None) else { unreachable!() };
    kdf.fields.push(Kdf108Field::Key(bench.key(CKO_SECRET_KEY, CKK_GENERIC_SECRET)));
    Parameter::Kdf108(kdf)
}

/// Two keys at once.
fn feedback(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    let Parameter::Kdf108(kdf) = kdf108(Kdf108Field::Iteration(None), Some(vec![0x34; 32])) else { unreachable!() };
    let additional = vec![AdditionalKey { template: sixteen(), key: Cell::new(0) }];
    Parameter::Kdf108(Kdf108 { additional, ..kdf })
}

fn double_pipeline(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    kdf108(Kdf108Field::Iteration(None), None)
}

fn random() -> TlsRandom {
    TlsRandom { client: vec![0x35; 32], server: vec![0x36; 32] }
}

fn tls_master(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::TlsMaster { hash: CKM_SHA256, random: random(), version: Some(Cell::new([0; 2])) }
}

fn tls_extended_master(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    let session_hash = vec![0x37; 32];
    Parameter::TlsExtendedMaster { hash: CKM_SHA256, session_hash, version: Some(Cell::new([0; 2])) }
}

/// For what was agreed with Diffie-Hellman there is no version in the premaster secret.
fn tls_master_dh(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::TlsMaster { hash: CKM_SHA256, random: random(), version: None }
}

fn tls_extended_master_dh(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::TlsExtendedMaster { hash: CKM_SHA256, session_hash: vec![0x37; 32], version: None }
}

fn tls_keys(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::TlsKeys(TlsKeys {
        hash: CKM_SHA256,
        random: random(),
        mac_bits: 256,
        key_bits: 128,
        iv_bits: 128,
        export: false,
        keys: Cell::new([0; 4]),
        client_iv: Place::of(&[0; 16]),
        server_iv: Place::of(&[0; 16]),
    })
}

fn tls_kdf(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    let (label, context) = (b"a label of ours".to_vec(), Some(b"context".to_vec()));
    Parameter::TlsKdf { prf: CKM_SHA256, label, random: random(), context }
}

fn ike2_prf_plus(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::Ike2PrfPlus { prf: CKM_SHA256_HMAC, seed_key: None, seed: b"nonces".to_vec() }
}

fn ike_prf(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::IkePrf(IkePrf {
        prf: CKM_SHA256_HMAC,
        data_as_key: false,
        rekey: false,
        initiator: vec![0x38; 16],
        responder: vec![0x39; 16],
        new_key: 0,
    })
}

fn ike1_prf(bench: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::Ike1Prf(Ike1Prf {
        prf: CKM_SHA256_HMAC,
        previous: None,
        shared: bench.key(CKO_SECRET_KEY, CKK_GENERIC_SECRET),
        initiator: vec![0x3a; 8],
        responder: vec![0x3b; 8],
        number: 0,
    })
}

fn ike1_extended(_: &Bench, _: CK_KEY_TYPE) -> Parameter {
    Parameter::Ike1Extended { prf: CKM_SHA256_HMAC, shared: None, extra: b"extra".to_vec() }
}

/// A parameter of `CKM_PKCS5_PBKD2`.
pub(super) fn password() -> Parameter {
    Parameter::Pbkdf2(Pbkdf2 {
        salt_source: CKZ_SALT_SPECIFIED,
        salt: b"eight of".to_vec(),
        iterations: 1000,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        prf_data: Vec::new(),
        password: b"a password of some length".to_vec(),
    })
}

pub(super) const SAMPLES: &[Sample] = rows! {
    CKM_PKCS5_PBKD2: &[], FIXED, Fips, Kind::Password;
    CKM_ECDH1_DERIVE: &[CKK_EC, CKK_EC_MONTGOMERY], (224, 521), Fips, derives(ecdh, sixteen), CURVES;
    CKM_ECDH1_COFACTOR_DERIVE: &[CKK_EC], (224, 521), Fips, derives(ecdh, sixteen), CURVES;
    CKM_DH_PKCS_DERIVE: &[CKK_DH], (1024, 8192), Fips, derives(dh, sixteen);
    CKM_X9_42_DH_DERIVE: &[CKK_X9_42_DH], (1024, 8192), Fips, derives(x9_42_dh, sixteen);
    CKM_CONCATENATE_BASE_AND_KEY: KEY_TYPES, SECRET, Standard, derives(|bench, _| Parameter::Number(bench.key(CKO_SECRET_KEY, CKK_GENERIC_SECRET)), eight);
    CKM_CONCATENATE_BASE_AND_DATA: KEY_TYPES, SECRET, Standard, derives(string, eight);
    CKM_CONCATENATE_DATA_AND_BASE: KEY_TYPES, SECRET, Standard, derives(string, eight);
    CKM_XOR_BASE_AND_DATA: KEY_TYPES, SECRET, Standard, derives(string, eight);
    CKM_EXTRACT_KEY_FROM_KEY: KEY_TYPES, SECRET, Standard, derives(|_, _| Parameter::Number(13), eight);
    CKM_SHA1_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA224_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA256_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA384_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA512_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA512_224_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA512_256_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA3_224_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA3_256_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA3_384_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHA3_512_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHAKE_128_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_SHAKE_256_KEY_DERIVATION: KEY_TYPES, SECRET, Strict, derives(none, eight);
    CKM_DES_ECB_ENCRYPT_DATA: &[CKK_DES], FIXED, Standard, derives(string, eight);
    CKM_DES_CBC_ENCRYPT_DATA: &[CKK_DES], FIXED, Standard, derives(des_cbc, eight);
    CKM_DES3_ECB_ENCRYPT_DATA: &[CKK_DES3, CKK_DES2], FIXED, Standard, derives(string, eight);
    CKM_DES3_CBC_ENCRYPT_DATA: &[CKK_DES3, CKK_DES2], FIXED, Standard, derives(des_cbc, eight);
    CKM_AES_ECB_ENCRYPT_DATA: &[CKK_AES], (16, 32), Standard, derives(string, eight);
    CKM_AES_CBC_ENCRYPT_DATA: &[CKK_AES], (16, 32), Standard, derives(aes_cbc, eight);
    CKM_HKDF_DERIVE: &[CKK_HKDF, CKK_GENERIC_SECRET], SECRET, Fips, derives(hkdf, sixteen);
    CKM_HKDF_DATA: &[CKK_HKDF, CKK_GENERIC_SECRET], SECRET, Fips, derives(hkdf, data);
    CKM_SP800_108_COUNTER_KDF: KEY_TYPES, BITS, Fips, derives(counter, sixteen);
    CKM_SP800_108_FEEDBACK_KDF: KEY_TYPES, BITS, Fips, derives(feedback, sixteen);
    CKM_SP800_108_DOUBLE_PIPELINE_KDF: KEY_TYPES, BITS, Fips, derives(double_pipeline, sixteen);
    CKM_TLS12_MASTER_KEY_DERIVE: GENERIC, MASTER, Fips, derives(tls_master, master);
    CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE: GENERIC, MASTER, Fips, derives(tls_extended_master, master);
    CKM_TLS12_MASTER_KEY_DERIVE_DH: GENERIC, MASTER, Fips, derives(tls_master_dh, master);
    CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH: GENERIC, MASTER, Fips, derives(tls_extended_master_dh, master);
    CKM_TLS12_KEY_AND_MAC_DERIVE: GENERIC, MASTER, Fips, derives(tls_keys, aes);
    CKM_TLS12_KEY_SAFE_DERIVE: GENERIC, MASTER, Fips, derives(tls_keys, aes);
    CKM_TLS12_KDF: GENERIC, MASTER, Fips, derives(tls_kdf, sixteen);
    CKM_TLS_KDF: GENERIC, MASTER, Fips, derives(tls_kdf, sixteen);
    CKM_IKE2_PRF_PLUS_DERIVE: PRF_KEYS, SECRET, Fips, derives(ike2_prf_plus, sixteen);
    CKM_IKE_PRF_DERIVE: PRF_KEYS, SECRET, Fips, derives(ike_prf, || secret_template(32));
    CKM_IKE1_PRF_DERIVE: PRF_KEYS, SECRET, Fips, derives(ike1_prf, sixteen);
    CKM_IKE1_EXTENDED_DERIVE: PRF_KEYS, SECRET, Fips, derives(ike1_extended, sixteen);
    CKM_PUB_KEY_FROM_PRIV_KEY: PAIR_TYPES, FIXED, Fips, derives(none, Vec::new);
};
