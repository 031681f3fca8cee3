//! One case of every mechanism that is of no protocol.

use std::cell::Cell;

use cryptoki_sys::*;

use super::program::{self, enc, hkdf, hmac, kbkdf, kdf};
use super::{Bench, OTHER, Row, generic, initiator, secret_of};
use crate::parameters::{AdditionalKey, Hkdf, Kdf108, Kdf108Field, Parameter};
use crate::template::{Entry, bytes, key_template, number};
use crate::vectors::hex;

/// RFC 5903 §8.1: i, gix and giy, grx and gry, girx.
pub(super) const INITIATOR: &str = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433";
pub(super) const INITIATOR_POINT: &str = "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180
    5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3";
pub(super) const RESPONDER_POINT: &str = "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63
    56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab";
pub(super) const AGREED: &str = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";

/// The prime of ffdhe2048 (RFC 7919 appendix A.1).
const PRIME: &str = "
    ffffffffffffffffadf85458a2bb4a9aafdc5620273d3cf1d8b9c583ce2d3695a9e13641146433fbcc939dce249b3ef97d2f
    e363630c75d8f681b202aec4617ad3df1ed5d5fd65612433f51f5f066ed0856365553ded1af3b557135e7f57c935984f0c70
    e0e68b77e2a689daf3efe8721df158a136ade73530acca4f483a797abc0ab182b324fb61d108a94bb2c8e3fbb96adab760d7
    f4681d4f42a3de394df4ae56ede76372bb190b07a7c8ee0a6d709e02fce1cdf7e2ecc03404cd28342f619172fe9ce98583ff
    8e4f1232eef28183c3fe3b1b4c6fad733bb5fcbc2ec22005c58ef1837d1683b2c6f34a26c1b2effa886b423861285c97ffff
    ffffffffffff";

/// Bytes that count upwards.
pub(super) fn upwards<const N: usize>() -> [u8; N] {
    std::array::from_fn(|at| at as u8)
}

pub(super) const INFO: &[u8] = b"information";
const SALT: &[u8] = b"some salt";
/// As long as the output of the function: `openssl` takes no other.
const IV: &[u8] = b"thirty-two bytes to begin with..";
pub(super) const LABEL: &[u8] = b"label";
pub(super) const CONTEXT: &[u8] = b"context";
pub(super) const HMAC_SHA256: [(&str, &str); 2] = [("mac", "HMAC"), ("digest", "SHA256")];

const HASHES: [(CK_MECHANISM_TYPE, &str, Option<usize>); 13] = [
    (CKM_SHA1_KEY_DERIVATION, "sha1", None),
    (CKM_SHA224_KEY_DERIVATION, "sha224", None),
    (CKM_SHA256_KEY_DERIVATION, "sha256", None),
    (CKM_SHA384_KEY_DERIVATION, "sha384", None),
    (CKM_SHA512_KEY_DERIVATION, "sha512", None),
    (CKM_SHA512_224_KEY_DERIVATION, "sha512-224", None),
    (CKM_SHA512_256_KEY_DERIVATION, "sha512-256", None),
    (CKM_SHA3_224_KEY_DERIVATION, "sha3-224", None),
    (CKM_SHA3_256_KEY_DERIVATION, "sha3-256", None),
    (CKM_SHA3_384_KEY_DERIVATION, "sha3-384", None),
    (CKM_SHA3_512_KEY_DERIVATION, "sha3-512", None),
    (CKM_SHAKE_128_KEY_DERIVATION, "shake128", Some(32)),
    (CKM_SHAKE_256_KEY_DERIVATION, "shake256", Some(64)),
];

pub(super) fn rows(bench: &Bench) -> Vec<Row> {
    let mut rows = simple(bench);
    rows.extend(HASHES.map(|(id, name, len)| {
        let answer = move || program::digest(name, len, &upwards::<32>());
        Row::new(id, &generic(&upwards::<32>()), Parameter::None, &[], answer)
    }));
    rows.extend(encrypted());
    rows.extend(functions());
    rows.extend(agreed());
    rows
}

/// "Miscellaneous simple key derivation mechanisms".
fn simple(bench: &Bench) -> Vec<Row> {
    let key = upwards::<32>();
    let data = || Parameter::StringData(b"data".to_vec());
    let base = &generic(&key);
    vec![
        Row::new(CKM_CONCATENATE_BASE_AND_KEY, base, Parameter::Number(bench.other), &[], move || {
            [&key, OTHER].concat()
        }),
        Row::new(CKM_CONCATENATE_BASE_AND_DATA, base, data(), &[], move || [&key[..], b"data"].concat()),
        Row::new(CKM_CONCATENATE_DATA_AND_BASE, base, data(), &[], move || [b"data", &key[..]].concat()),
        Row::new(CKM_XOR_BASE_AND_DATA, base, Parameter::StringData(vec![0x5c; 32]), &[], move || {
            key.map(|byte| byte ^ 0x5c).to_vec()
        }),
        // The example of the standard.
        Row::new(CKM_EXTRACT_KEY_FROM_KEY, &generic(&hex("329f84a9")), Parameter::Number(21), &secret_of(2), || {
            hex("9526")
        }),
    ]
}

/// "Key derivation by data encryption".
fn encrypted() -> Vec<Row> {
    let data: Vec<u8> = upwards::<32>().to_vec();
    let string = || Parameter::StringData(upwards::<32>().to_vec());
    // Each byte of odd parity.
    let des: Vec<u8> = hex("0123456789abcdeffedcba98765432104c6f5e9d0b2a3891");
    let odd: Vec<u8> =
        des.iter().map(|byte| byte & 0xfe | u8::from((byte & 0xfe).count_ones().is_multiple_of(2))).collect();
    let aes = upwards::<16>();
    let mut rows = Vec::new();
    for (ecb, cbc, key_type, len, name) in [
        (CKM_DES_ECB_ENCRYPT_DATA, CKM_DES_CBC_ENCRYPT_DATA, CKK_DES, 8, "des"),
        (CKM_DES3_ECB_ENCRYPT_DATA, CKM_DES3_CBC_ENCRYPT_DATA, CKK_DES3, 24, "des-ede3"),
    ] {
        let key = odd[..len].to_vec();
        let base = key_template(key_type, &key);
        let (same, own, other) = (key.clone(), data.clone(), data.clone());
        let in_ecb = if key_type == CKK_DES { "des-ecb".to_owned() } else { name.to_owned() };
        rows.push(Row::new(ecb, &base, string(), &[], move || enc(&in_ecb, &same, None, &own)));
        let parameter = Parameter::DesCbcData { iv: *b"eight iv", data: data.clone() };
        let in_cbc = format!("{name}-cbc");
        rows.push(Row::new(cbc, &base, parameter, &[], move || enc(&in_cbc, &key, Some(b"eight iv"), &other)));
    }
    let base = key_template(CKK_AES, &aes);
    let own = data.clone();
    rows.push(Row::new(CKM_AES_ECB_ENCRYPT_DATA, &base, string(), &[], move || enc("aes-128-ecb", &aes, None, &own)));
    let parameter = Parameter::AesCbcData { iv: *b"the iv of blocks", data: data.clone() };
    rows.push(Row::new(CKM_AES_CBC_ENCRYPT_DATA, &base, parameter, &[], move || {
        enc("aes-128-cbc", &aes, Some(b"the iv of blocks"), &data)
    }));
    rows
}

/// A parameter of HKDF that extracts and expands.
pub(super) fn hkdf_parameter() -> Hkdf {
    Hkdf {
        extract: true,
        expand: true,
        hash: CKM_SHA256,
        salt_type: CKF_HKDF_SALT_DATA,
        salt: SALT.to_vec(),
        salt_key: 0,
        info: INFO.to_vec(),
    }
}

/// The fields that `openssl` has, after those that come first.
pub(super) fn kdf108_fields(first: &[Kdf108Field]) -> Vec<Kdf108Field> {
    let length = Kdf108Field::Length { method: CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, little_endian: false, bits: 32 };
    let rest = [Kdf108Field::Bytes([LABEL, &[0], CONTEXT].concat()), length];
    [first, &rest].concat()
}

/// HKDF and SP 800-108.
fn functions() -> Vec<Row> {
    let key = upwards::<32>();
    let base = &generic(&key);
    let data = [number(CKA_CLASS, CKO_DATA), number(CKA_VALUE_LEN, 42)];
    let fields = kdf108_fields(&[Kdf108Field::Iteration(Some((false, 32)))]);
    let counter = Kdf108 { prf: CKM_SHA256_HMAC, fields, iv: None, additional: Vec::new() };
    // The first key takes a whole segment, the second the first half of the next.
    let additional = AdditionalKey { template: [secret_of(16), super::open()].concat(), key: Cell::new(0) };
    let feedback = Kdf108 {
        fields: kdf108_fields(&[Kdf108Field::Iteration(None), Kdf108Field::Counter(false, 32)]),
        iv: Some(IV.to_vec()),
        additional: vec![additional],
        ..counter.clone()
    };
    let fields = vec![Kdf108Field::Iteration(None), Kdf108Field::Bytes(LABEL.to_vec())];
    let pipeline = Kdf108 { fields, ..counter.clone() };
    let names = (LABEL, CONTEXT);
    vec![
        Row::new(
            CKM_HKDF_DERIVE,
            &key_template(CKK_HKDF, &key),
            Parameter::Hkdf(hkdf_parameter()),
            &secret_of(42),
            move || hkdf("EXTRACT_AND_EXPAND", &key, SALT, INFO, 42),
        ),
        // The key says itself that others may read what comes of it.
        Row::new(CKM_HKDF_DATA, &open_hkdf(&key), Parameter::Hkdf(hkdf_parameter()), &data, move || {
            hkdf("EXTRACT_AND_EXPAND", &key, SALT, INFO, 42)
        }),
        Row::new(CKM_SP800_108_COUNTER_KDF, base, Parameter::Kdf108(counter), &secret_of(48), move || {
            kbkdf(&with_mode("COUNTER"), &key, &[], names, 48)
        }),
        Row::new(CKM_SP800_108_FEEDBACK_KDF, base, Parameter::Kdf108(feedback), &secret_of(32), move || {
            kbkdf(&with_mode("FEEDBACK"), &key, IV, names, 48)
        }),
        Row::new(CKM_SP800_108_DOUBLE_PIPELINE_KDF, base, Parameter::Kdf108(pipeline), &secret_of(48), move || {
            let first = hmac("SHA256", &key, &[LABEL]);
            let second = hmac("SHA256", &key, &[&first]);
            let segments = [hmac("SHA256", &key, &[&first, LABEL]), hmac("SHA256", &key, &[&second, LABEL])];
            segments.concat()[..48].to_vec()
        }),
    ]
}

fn open_hkdf(key: &[u8]) -> Vec<Entry> {
    [key_template(CKK_HKDF, key), super::open()].concat()
}

pub(super) fn with_mode(mode: &'static str) -> Vec<(&'static str, &'static str)> {
    [&HMAC_SHA256[..], &[("mode", mode)]].concat()
}

/// Agreements, and the public key of a private one.
fn agreed() -> Vec<Row> {
    let point = || hex(RESPONDER_POINT);
    let ecdh = |kdf, shared: &[u8]| Parameter::Ecdh { kdf, shared: shared.to_vec(), public: point() };
    let secret = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
    let x963 = [("digest", "SHA256")];
    let (private, public) = (upwards::<32>(), vec![4]);
    let group = |key_type, more: &[Entry]| {
        let own = [
            number(CKA_CLASS, CKO_PRIVATE_KEY),
            number(CKA_KEY_TYPE, key_type),
            bytes(CKA_PRIME, hex(PRIME)),
            bytes(CKA_BASE, [2]),
            bytes(CKA_VALUE, private),
        ];
        [&own[..], more].concat()
    };
    // The order of the squares, of which the base is one.
    let mut half = hex(PRIME);
    let mut carry = 0;
    for byte in &mut half {
        (*byte, carry) = (*byte >> 1 | carry << 7, *byte & 1);
    }
    let dh = move || program::dh(&hex(PRIME), &[2], &private, &[4]);
    let x942 = Parameter::X942Dh { kdf: CKD_SHA1_KDF_CONCATENATE, other: INFO.to_vec(), public: public.clone() };
    vec![
        Row::new(CKM_ECDH1_DERIVE, &initiator(&[]), ecdh(CKD_NULL, b""), &secret, || hex(AGREED)),
        Row::new(CKM_ECDH1_COFACTOR_DERIVE, &initiator(&[]), ecdh(CKD_SHA256_KDF, INFO), &secret_of(40), move || {
            kdf("X963KDF", 40, &x963, &[("hexkey", &hex(AGREED)), ("hexinfo", INFO)])
        }),
        Row::new(CKM_DH_PKCS_DERIVE, &group(CKK_DH, &[]), Parameter::Bytes(public), &secret, dh),
        Row::new(
            CKM_X9_42_DH_DERIVE,
            &group(CKK_X9_42_DH, &[bytes(CKA_SUBPRIME, &half)]),
            x942,
            &secret_of(40),
            move || kdf("X963KDF", 40, &[("digest", "SHA1")], &[("hexkey", &dh()), ("hexinfo", INFO)]),
        ),
        Row::new(CKM_PUB_KEY_FROM_PRIV_KEY, &initiator(&[]), Parameter::None, &[], || {
            [&[4, 65][..], &hex(INITIATOR_POINT)].concat()
        }),
    ]
}
