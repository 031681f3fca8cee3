//! NIST's files for the derivations of protocols and for SP 800-108, through the session.

use std::collections::HashMap;

use cryptoki_sys::*;
use strongroom_core::mechanism::{CounterFormat, Ike, Kdf108Field, Kdf108Parameter, Parameter, TlsRandom};

use crate::fixture::*;

/// Headers in brackets, then cases of "name = value" lines, each beginning with its count.
fn each(name: &str, mut check: impl FnMut(&[String], &HashMap<String, String>)) -> usize {
    let path = format!("{}/../tests/vectors/nist/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (mut headers, mut case, mut count) = (Vec::new(), HashMap::new(), 0);
    for line in text.lines().map(str::trim).chain(["[end"]) {
        if (line.starts_with('[') || line.starts_with("COUNT")) && !case.is_empty() {
            check(&headers, &std::mem::take(&mut case));
            count += 1;
            if line.starts_with('[') {
                headers.clear();
            }
        }
        if let Some(header) = line.strip_prefix('[') {
            headers.push(header.trim_end_matches(']').to_owned());
        } else if let Some((name, value)) = line.split_once('=') {
            case.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    count
}

fn length(bytes: usize) -> Entry {
    number(CKA_VALUE_LEN, bytes as u64)
}

#[test]
fn tls_master_keys_and_key_blocks() {
    let token = token();
    let mut count = 0;
    each("tls.rsp", |headers, case| {
        if headers[0] != "TLS 1.2, SHA-256" {
            return;
        }
        count += 1;
        let of = |name: &str| hex(&case[name]);
        let (pre_master, hash) = (of("pre_master_secret"), CKM_SHA256);
        let (client, server) = (of("clientHello_random"), of("serverHello_random"));
        let random = TlsRandom { client: &client, server: &server };
        let base = token.generic(&pre_master);
        let master = Parameter::TlsMaster { hash, random };
        let derived = token.derive(CKM_TLS12_MASTER_KEY_DERIVE, master.clone(), base, &open()).unwrap();
        assert_eq!(derived.version, Some((pre_master[0], pre_master[1])));
        assert_eq!(token.value(derived.key), of("master_secret"));
        let without = token.derive(CKM_TLS12_MASTER_KEY_DERIVE_DH, master, base, &open()).unwrap();
        assert_eq!((without.version, token.value(without.key)), (None, of("master_secret")));

        let (client, server) = (of("client_random"), of("server_random"));
        let random = TlsRandom { client: &client, server: &server };
        let parameter = Parameter::TlsKeys { hash, random, mac_bits: 256, key_bits: 128, iv_bits: 128, export: false };
        let aes = [number(CKA_KEY_TYPE, CKK_AES)];
        let made = token.derive(CKM_TLS12_KEY_AND_MAC_DERIVE, parameter, derived.key, &aes).unwrap();
        let keys = made.tls.unwrap();
        let parts = [
            token.value(keys.client_mac),
            token.value(keys.server_mac),
            token.value(keys.client_key),
            token.value(keys.server_key),
            keys.client_iv,
            keys.server_iv,
        ];
        assert_eq!(parts.concat(), of("key_block"));
        assert_eq!(made.key, 0);
    });
    assert_eq!(count, 10);
}

fn hmac(name: &str) -> (u64, u64) {
    match name {
        "SHA-1" | "SHA1" => (CKM_SHA_1_HMAC, CKK_SHA_1_HMAC),
        "SHA-224" | "SHA224" => (CKM_SHA224_HMAC, CKK_SHA224_HMAC),
        "SHA-256" | "SHA256" => (CKM_SHA256_HMAC, CKK_SHA256_HMAC),
        "SHA-384" | "SHA384" => (CKM_SHA384_HMAC, CKK_SHA384_HMAC),
        "SHA-512" | "SHA512" => (CKM_SHA512_HMAC, CKK_SHA512_HMAC),
        other => panic!("{other}"),
    }
}

#[test]
fn ikev1_keys() {
    let token = token();
    let mut count = 0;
    for name in ["ikev1_dsa.rsp", "ikev1_psk.rsp"] {
        count += each(name, |headers, case| {
            let (prf, key_type) = hmac(&headers[1]);
            let of = |name: &str| hex(&case[name]);
            let (ni, nr) = (of("Ni"), of("Nr"));
            let shared = token.generic(&of("g^xy"));
            let (base, data_as_key) = match case.get("pre-shared-key") {
                Some(key) => (token.generic(&hex(key)), false),
                None => (shared, true),
            };
            let first = Ike::Prf { prf, data_as_key, rekey: false, initiator: &ni, responder: &nr, new_key: 0 };
            let skeyid =
                token.derive(CKM_IKE_PRF_DERIVE, Parameter::Ike(first), base, &open_and(&[flag(CKA_DERIVE, true)]));
            let skeyid = skeyid.unwrap().key;
            assert_eq!(token.value(skeyid), of("SKEYID"));
            assert_eq!(token.number(skeyid, CKA_KEY_TYPE), key_type);
            let (initiator, responder) = (of("CKY_I"), of("CKY_R"));
            let mut previous = None;
            for (number_given, name) in ["SKEYID_d", "SKEYID_a", "SKEYID_e"].into_iter().enumerate() {
                let session = |previous| {
                    Parameter::Ike(Ike::Prf1 {
                        prf,
                        previous,
                        shared,
                        initiator: &initiator,
                        responder: &responder,
                        number: number_given as u8,
                    })
                };
                let entries = open_and(&[flag(CKA_DERIVE, true), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)]);
                let key = token.derive(CKM_IKE1_PRF_DERIVE, session(previous), skeyid, &entries).unwrap().key;
                assert_eq!(token.value(key), of(name));
                let shorter = [&entries[..], &[length(7)]].concat();
                let short = token.derive(CKM_IKE1_PRF_DERIVE, session(previous), skeyid, &shorter).unwrap().key;
                assert_eq!(token.value(short), of(name)[..7]);
                previous = Some(key);
            }
        });
    }
    assert_eq!(count, 68);
}

#[test]
fn ikev2_keys() {
    let token = token();
    let count = each("ikev2.rsp", |headers, case| {
        let (prf, key_type) = hmac(&headers[1]);
        let of = |name: &str| hex(&case[name]);
        let (ni, nr) = (of("Ni"), of("Nr"));
        let (shared, new_key) = (token.generic(&of("g^ir")), token.generic(&of("g^ir (new)")));
        let first = |data_as_key, rekey| {
            Parameter::Ike(Ike::Prf { prf, data_as_key, rekey, initiator: &ni, responder: &nr, new_key })
        };
        let derives = [flag(CKA_DERIVE, true)];
        let seed = token.derive(CKM_IKE_PRF_DERIVE, first(true, false), shared, &open_and(&derives)).unwrap().key;
        assert_eq!(token.value(seed), of("SKEYSEED"));
        let plus = |base, seed_key, seed: &[u8], expected: Vec<u8>| {
            let parameter = Parameter::Ike(Ike::Prf2Plus { prf, seed_key, seed });
            let value = token.derived(CKM_IKE2_PRF_PLUS_DERIVE, parameter, base, &[length(expected.len())]);
            assert_eq!(value, expected);
            value
        };
        let material = plus(seed, None, &[&ni[..], &nr, &of("SPIi"), &of("SPIr")].concat(), of("DKM"));
        let sk_d = token.secret(key_type, &material[..of("SKEYSEED").len()], &open());
        let nonces = [&ni[..], &nr].concat();
        plus(sk_d, None, &nonces, of("DKM(Child SA)"));
        plus(sk_d, Some(new_key), &nonces, of("DKM(Child SA D-H)"));
        let rekeyed = token.derived(CKM_IKE_PRF_DERIVE, first(false, true), sk_d, &[]);
        assert_eq!(rekeyed, of("SKEYSEED(Rekey)"));
    });
    assert_eq!(count, 9);
}

/// The function and the type of its base key.
fn prf(name: &str) -> (u64, u64) {
    match name.strip_prefix("PRF=").unwrap() {
        "CMAC_AES128" | "CMAC_AES192" | "CMAC_AES256" => (CKM_AES_CMAC, CKK_AES),
        "CMAC_TDES2" => (CKM_DES3_CMAC, CKK_DES2),
        "CMAC_TDES3" => (CKM_DES3_CMAC, CKK_DES3),
        other => (hmac(other.strip_prefix("HMAC_").unwrap()).0, CKK_GENERIC_SECRET),
    }
}

/// The keys of triple DES in these files have no parity, which is none of CMAC's business.
fn with_parity(mut key: Vec<u8>, key_type: u64) -> Vec<u8> {
    if key_type != CKK_AES && key_type != CKK_GENERIC_SECRET {
        strongroom_crypto::cipher::des::odd_parity(&mut key);
    }
    key
}

#[test]
fn sp800_108() {
    let token = token();
    let mut counts = Vec::new();
    for (name, mechanism) in [
        ("sp800_108_counter.rsp", CKM_SP800_108_COUNTER_KDF),
        ("sp800_108_feedback.rsp", CKM_SP800_108_FEEDBACK_KDF),
        ("sp800_108_feedback_empty_iv.rsp", CKM_SP800_108_FEEDBACK_KDF),
        ("sp800_108_feedback_no_counter.rsp", CKM_SP800_108_FEEDBACK_KDF),
        ("sp800_108_pipeline.rsp", CKM_SP800_108_DOUBLE_PIPELINE_KDF),
        ("sp800_108_pipeline_no_counter.rsp", CKM_SP800_108_DOUBLE_PIPELINE_KDF),
    ] {
        counts.push(each(name, |headers, case| {
            let of = |name: &str| case.get(name).map(|value| hex(value)).unwrap_or_default();
            let (before, after, fixed) = (of("DataBeforeCtrData"), of("DataAfterCtrData"), of("FixedInputData"));
            let bits = headers
                .get(2)
                .map_or(0, |header| header.trim_start_matches("RLEN=").trim_end_matches("_BITS").parse().unwrap());
            let format = CounterFormat { little_endian: false, bits };
            let (counter, optional) = (Kdf108Field::Iteration(Some(format)), Kdf108Field::Counter(format));
            let (iteration, fixed) = (Kdf108Field::Iteration(None), Kdf108Field::Bytes(&fixed));
            let fields = match headers.get(1).map(String::as_str) {
                Some("CTRLOCATION=BEFORE_FIXED") => vec![counter, fixed],
                Some("CTRLOCATION=AFTER_FIXED") if mechanism == CKM_SP800_108_COUNTER_KDF => vec![fixed, counter],
                Some("CTRLOCATION=MIDDLE_FIXED") => {
                    vec![Kdf108Field::Bytes(&before), counter, Kdf108Field::Bytes(&after)]
                }
                Some("CTRLOCATION=BEFORE_ITER") => vec![optional, iteration, fixed],
                Some("CTRLOCATION=AFTER_ITER") => vec![iteration, optional, fixed],
                Some("CTRLOCATION=AFTER_FIXED") => vec![iteration, fixed, optional],
                None => vec![iteration, fixed],
                other => panic!("{other:?}"),
            };
            let (prf, key_type) = prf(&headers[0]);
            let base = token.secret(key_type, &with_parity(of("KI"), key_type), &open());
            let (iv, expected) = (of("IV"), of("KO"));
            let parameter = Kdf108Parameter { prf, fields, iv: &iv, additional: Vec::new() };
            let parameter = Parameter::Kdf108(Box::new(parameter));
            assert_eq!(token.derived(mechanism, parameter, base, &[length(expected.len())]), expected);
        }));
    }
    assert_eq!(counts[..4], [240, 120, 120, 30]);
    assert!(counts[4..].iter().all(|count| *count > 0));
}
