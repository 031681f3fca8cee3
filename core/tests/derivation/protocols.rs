//! TLS, IKE and SP 800-108 beyond known answers.

use std::slice;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Flag};
use strongroom_core::mechanism::{CounterFormat, Ike, Kdf108Field, Kdf108Parameter, Parameter, TlsRandom};
use strongroom_core::object::AttributeValue;
use strongroom_crypto::derive;
use strongroom_crypto::hash::Algorithm;

use crate::fixture::*;

const RANDOM: TlsRandom<'static> = TlsRandom { client: &[1; 32], server: &[2; 32] };

fn prf(secret: &[u8], label: &[u8], seed: &[&[u8]], bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    derive::tls12_prf(Algorithm::Sha384, secret, label, seed, &mut out).unwrap();
    out
}

fn keys(mac_bits: u64, key_bits: u64, iv_bits: u64) -> Parameter<'static> {
    Parameter::TlsKeys { hash: CKM_SHA384, random: RANDOM, mac_bits, key_bits, iv_bits, export: false }
}

#[test]
fn extended_master_keys_and_exporters() {
    let token = token();
    let base = token.generic(&[3; 48]);
    let extended = Parameter::TlsExtendedMaster { hash: CKM_SHA384, session_hash: b"hash" };
    let made = token.derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, extended.clone(), base, &open()).unwrap();
    let master = prf(&[3; 48], b"extended master secret", &[b"hash"], 48);
    assert_eq!((made.version, token.value(made.key)), (Some((3, 3)), master.clone()));
    let longer = token.generic(&[3; 66]);
    let made = token.derive(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH, extended.clone(), longer, &open()).unwrap();
    assert_eq!(made.version, None);
    assert_eq!(token.value(made.key), prf(&[3; 66], b"extended master secret", &[b"hash"], 48));
    assert_eq!(token.refusal(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE, extended, longer, &open()), CKR_KEY_SIZE_RANGE);

    let length = number(CKA_VALUE_LEN, 40);
    let base = token.generic(&master);
    for (mechanism, context, seed) in [
        (CKM_TLS_KDF, None, vec![]),
        (CKM_TLS12_KDF, Some(&b""[..]), vec![0, 0]),
        (CKM_TLS_KDF, Some(b"context"), b"\0\x07context".to_vec()),
    ] {
        let parameter = |hash| Parameter::TlsKdf { hash, label: b"label", random: RANDOM, context };
        let expected = prf(&master, b"label", &[&[1; 32], &[2; 32], &seed], 40);
        assert_eq!(token.derived(mechanism, parameter(CKM_SHA384), base, slice::from_ref(&length)), expected);
        let older = token.derived(mechanism, parameter(CKM_TLS_PRF), base, slice::from_ref(&length));
        let mut expected = [0; 40];
        derive::tls10_prf(&master, b"label", &[&[1; 32], &[2; 32], &seed], &mut expected).unwrap();
        assert_eq!(older, expected);
        assert_eq!(token.refusal(mechanism, parameter(CKM_SHA384), base, &open()), CKR_TEMPLATE_INCOMPLETE);
    }
    let context = Some(&[0; 65536][..]);
    let parameter = Parameter::TlsKdf { hash: CKM_SHA384, label: b"label", random: RANDOM, context };
    assert_eq!(token.refusal(CKM_TLS_KDF, parameter, base, &[length]), CKR_MECHANISM_PARAM_INVALID);
}

#[test]
fn a_master_key_is_a_generic_secret_for_tls() {
    let token = token();
    let base = token.generic(&[3; 48]);
    let master = || Parameter::TlsMaster { hash: CKM_SHA256, random: RANDOM };
    let made = |more: &[Entry]| token.derive(CKM_TLS12_MASTER_KEY_DERIVE, master(), base, &open_and(more));
    let said = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 48)];
    let key = made(&said).unwrap().key;
    let object = token.session.object(key).unwrap();
    let allowed = object.attribute(AttributeType(CKA_ALLOWED_MECHANISMS)).unwrap();
    let uses = [
        CKM_TLS12_KEY_AND_MAC_DERIVE,
        CKM_TLS12_KEY_SAFE_DERIVE,
        CKM_TLS_KDF,
        CKM_TLS_MAC,
        CKM_TLS12_KDF,
        CKM_TLS12_MAC,
    ];
    assert_eq!(allowed, AttributeValue::Mechanisms(&uses));
    assert!(object.has(Flag::Derive));
    assert_eq!(token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, key, &open()), CKR_MECHANISM_INVALID);
    for bad in [
        number(CKA_VALUE_LEN, 47),
        number(CKA_KEY_TYPE, CKK_SHA256_HMAC),
        number(CKA_CLASS, CKO_PRIVATE_KEY),
        numbers(CKA_ALLOWED_MECHANISMS, &[CKM_SHA256_KEY_DERIVATION]),
        numbers(CKA_ALLOWED_MECHANISMS, &[]),
    ] {
        assert_eq!(made(&[bad]).unwrap_err().rv(), CKR_TEMPLATE_INCONSISTENT);
    }
    // Its maker can leave out the mechanism that gives IVs away.
    let safe = made(&[numbers(CKA_ALLOWED_MECHANISMS, &[CKM_TLS12_KEY_SAFE_DERIVE])]).unwrap().key;
    assert_eq!(token.refusal(CKM_TLS12_KEY_AND_MAC_DERIVE, keys(0, 128, 32), safe, &[]), CKR_MECHANISM_INVALID);
    token.derive(CKM_TLS12_KEY_SAFE_DERIVE, keys(0, 128, 32), safe, &[]).unwrap();
    let md5 = Parameter::TlsMaster { hash: CKM_AES_CBC, random: RANDOM };
    assert_eq!(token.refusal(CKM_TLS12_MASTER_KEY_DERIVE, md5, base, &[]), CKR_MECHANISM_PARAM_INVALID);
}

#[test]
fn four_keys_are_made_as_the_template_and_the_master_key_say() {
    let token = token();
    let base = token.secret(CKK_GENERIC_SECRET, &[3; 48], &[]);
    let template = [number(CKA_KEY_TYPE, CKK_AES), bytes(CKA_LABEL, b"write"), flag(CKA_WRAP, false)];
    let made = token.derive(CKM_TLS12_KEY_AND_MAC_DERIVE, keys(160, 256, 96), base, &template).unwrap();
    let made = made.tls.unwrap();
    assert_eq!((made.client_iv.len(), made.server_iv.len()), (12, 12));
    assert_ne!(made.client_iv, made.server_iv);
    for key in [made.client_key, made.server_key] {
        assert_eq!((token.number(key, CKA_KEY_TYPE), token.number(key, CKA_VALUE_LEN)), (CKK_AES, 32));
        assert_eq!(token.bytes(key, CKA_LABEL), b"write");
        assert!([Flag::Encrypt, Flag::Decrypt, Flag::Derive, Flag::Sensitive].iter().all(|flag| token.has(key, *flag)));
        assert!(![Flag::Wrap, Flag::Extractable, Flag::Local].iter().any(|flag| token.has(key, *flag)));
    }
    for key in [made.client_mac, made.server_mac] {
        assert_eq!((token.number(key, CKA_KEY_TYPE), token.number(key, CKA_VALUE_LEN)), (CKK_GENERIC_SECRET, 20));
        assert!([Flag::Sign, Flag::Verify, Flag::Sensitive].iter().all(|flag| token.has(key, *flag)));
        assert!(![Flag::Encrypt, Flag::Extractable].iter().any(|flag| token.has(key, *flag)));
    }
    let safe = token.derive(CKM_TLS12_KEY_SAFE_DERIVE, keys(0, 256, 96), base, &template).unwrap().tls.unwrap();
    assert_eq!((safe.client_mac, safe.server_mac), (0, 0));
    assert!(safe.client_iv.is_empty() && safe.server_iv.is_empty());

    let refusal = |parameter, more: &[Entry]| {
        token.refusal(CKM_TLS12_KEY_AND_MAC_DERIVE, parameter, base, &[&template[..], more].concat())
    };
    for bad in [keys(0, 0, 96), keys(0, 129, 0), keys(4, 128, 0), keys(0, 128, 136), keys(u64::MAX, 128, 0)] {
        assert_eq!(refusal(bad, &[]), CKR_MECHANISM_PARAM_INVALID);
    }
    let export =
        Parameter::TlsKeys { hash: CKM_SHA384, random: RANDOM, mac_bits: 0, key_bits: 128, iv_bits: 0, export: true };
    assert_eq!(refusal(export, &[]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(keys(0, 136, 0), &[]), CKR_KEY_SIZE_RANGE);
    assert_eq!(refusal(keys(0, 128, 0), &[number(CKA_VALUE_LEN, 32)]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(refusal(keys(0, 128, 0), &[flag(CKA_SENSITIVE, false)]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(refusal(keys(0, 128, 0), &[flag(CKA_EXTRACTABLE, true)]), CKR_TEMPLATE_INCONSISTENT);
    let shorter = token.secret(CKK_GENERIC_SECRET, &[3; 47], &[]);
    assert_eq!(token.refusal(CKM_TLS12_KEY_AND_MAC_DERIVE, keys(0, 128, 0), shorter, &template), CKR_KEY_SIZE_RANGE);
    // The keys are what the master key is, not only no more open.
    let open_base = token.generic(&[3; 48]);
    let stricter = [&template[..], &[flag(CKA_SENSITIVE, true)]].concat();
    assert_eq!(
        token.refusal(CKM_TLS12_KEY_AND_MAC_DERIVE, keys(0, 128, 0), open_base, &stricter),
        CKR_TEMPLATE_INCONSISTENT
    );
}

/// RFC 2409 appendix B: K1 = prf(K, 0), K2 = prf(K, K1).
#[test]
fn ikev1_keys_are_extended() {
    let token = token();
    let base = token.generic(&[5; 20]);
    let shared = token.generic(b"shared");
    let of = |shared, extra, bytes| {
        let parameter = Parameter::Ike(Ike::Extended1 { prf: CKM_SHA256_HMAC, shared, extra });
        token.derived(CKM_IKE1_EXTENDED_DERIVE, parameter, base, &[number(CKA_VALUE_LEN, bytes)])
    };
    let hmac = |data: &[&[u8]]| {
        let key = strongroom_crypto::mac::Key::hmac(Algorithm::Sha256, &[5; 20]).unwrap();
        let mut mac = strongroom_crypto::mac::Mac::start(&std::sync::Arc::new(key), &[]).unwrap();
        data.iter().for_each(|data| mac.update(data).unwrap());
        let mut out = [0; 32];
        mac.finish(&mut out).unwrap();
        out
    };
    let first = hmac(&[&[0]]);
    assert_eq!(of(None, b"", 40), [&first[..], &hmac(&[&first])[..8]].concat());
    assert_eq!(of(None, b"", 20), [5; 20]);
    let first = hmac(&[b"shared", b"extra"]);
    assert_eq!(of(Some(shared), b"extra", 40), [&first[..], &hmac(&[&first, b"shared", b"extra"])[..8]].concat());
    assert_eq!(of(None, b"extra", 20), hmac(&[b"extra"])[..20]);
    let refusal = |bytes: u64| {
        let parameter = Parameter::Ike(Ike::Extended1 { prf: CKM_SHA256_HMAC, shared: None, extra: b"" });
        token.refusal(CKM_IKE1_EXTENDED_DERIVE, parameter, base, &[number(CKA_VALUE_LEN, bytes)])
    };
    assert_eq!((refusal(21), refusal(255 * 32 + 1)), (CKR_KEY_SIZE_RANGE, CKR_KEY_SIZE_RANGE));
}

#[test]
fn ike_refuses_what_the_standard_does() {
    let token = token();
    let (generic, aes) = (token.generic(&[5; 32]), token.secret(CKK_AES, &[6; 32], &open()));
    let first = |prf, data_as_key, rekey, new_key| {
        Parameter::Ike(Ike::Prf { prf, data_as_key, rekey, initiator: b"ni", responder: b"nr", new_key })
    };
    let refusal = |parameter, base, more: &[Entry]| token.refusal(CKM_IKE_PRF_DERIVE, parameter, base, &open_and(more));
    assert_eq!(refusal(first(CKM_SHA256_HMAC, true, true, generic), generic, &[]), CKR_ARGUMENTS_BAD);
    assert_eq!(refusal(first(CKM_SHA256_HMAC, false, false, 0), aes, &[]), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(refusal(first(CKM_AES_CMAC, true, false, 0), aes, &[]), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(refusal(first(CKM_AES_CMAC, false, false, 0), aes, &[]), CKR_OK);
    assert_eq!(refusal(first(CKM_SHA256_HMAC, false, true, aes), generic, &[]), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(refusal(first(CKM_SHA256_HMAC, false, true, 4711), generic, &[]), CKR_KEY_HANDLE_INVALID);
    assert_eq!(refusal(first(CKM_SHA256, false, false, 0), generic, &[]), CKR_MECHANISM_PARAM_INVALID);
    let length = [number(CKA_VALUE_LEN, 31)];
    assert_eq!(refusal(first(CKM_SHA256_HMAC, false, false, 0), generic, &length), CKR_KEY_SIZE_RANGE);

    let session = |shared, previous| {
        Parameter::Ike(Ike::Prf1 {
            prf: CKM_SHA256_HMAC,
            previous,
            shared,
            initiator: b"i",
            responder: b"r",
            number: 0,
        })
    };
    let refusal = |parameter, more: &[Entry]| token.refusal(CKM_IKE1_PRF_DERIVE, parameter, generic, &open_and(more));
    let typed = number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    assert_eq!(refusal(session(generic, None), &[]), CKR_TEMPLATE_INCOMPLETE);
    assert_eq!(refusal(session(generic, Some(aes)), slice::from_ref(&typed)), CKR_OK);
    assert_eq!(refusal(session(aes, None), slice::from_ref(&typed)), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(refusal(session(generic, None), &[typed, number(CKA_VALUE_LEN, 33)]), CKR_KEY_SIZE_RANGE);

    let plus = |seed_key| Parameter::Ike(Ike::Prf2Plus { prf: CKM_SHA_1_HMAC, seed_key, seed: b"seed" });
    let refusal =
        |parameter, more: &[Entry]| token.refusal(CKM_IKE2_PRF_PLUS_DERIVE, parameter, generic, &open_and(more));
    assert_eq!(refusal(plus(None), &[]), CKR_TEMPLATE_INCOMPLETE);
    assert_eq!(refusal(plus(None), &[number(CKA_VALUE_LEN, 255 * 20 + 1)]), CKR_KEY_SIZE_RANGE);
    assert_eq!(refusal(plus(Some(4711)), &[number(CKA_VALUE_LEN, 20)]), CKR_KEY_HANDLE_INVALID);
}

const COUNTER: Kdf108Field<'static> = Kdf108Field::Iteration(Some(CounterFormat { little_endian: false, bits: 32 }));

fn counter<'a>(fields: &[Kdf108Field<'a>], additional: &'a [Vec<Entry>]) -> Parameter<'a> {
    Parameter::Kdf108(Box::new(Kdf108Parameter {
        prf: CKM_SHA256_HMAC,
        fields: fields.to_vec(),
        iv: &[],
        additional: additional.iter().map(|entries| template(entries)).collect(),
    }))
}

/// The example of "Deriving Additional Keys": 48 and 16 bytes take three segments.
#[test]
fn sp800_108_makes_several_keys_of_segments_of_their_own() {
    let token = token();
    let base = token.generic(&[9; 32]);
    let length = |method| Kdf108Field::Length { method, format: CounterFormat { little_endian: false, bits: 16 } };
    let segment = |count: u32, bits: u16| {
        let key = strongroom_crypto::mac::Key::hmac(Algorithm::Sha256, &[9; 32]).unwrap();
        let mut mac = strongroom_crypto::mac::Mac::start(&std::sync::Arc::new(key), &[]).unwrap();
        mac.update(&count.to_be_bytes()).unwrap();
        mac.update(b"label").unwrap();
        mac.update(&bits.to_be_bytes()).unwrap();
        let mut out = [0; 32];
        mac.finish(&mut out).unwrap();
        out.to_vec()
    };
    let second = [open_and(&[number(CKA_KEY_TYPE, CKK_AES), number(CKA_VALUE_LEN, 16)])];
    for (method, bits) in [(CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, 512), (CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS, 768)] {
        let fields = [COUNTER, Kdf108Field::Bytes(b"label"), length(method)];
        let entries = open_and(&[number(CKA_VALUE_LEN, 48)]);
        let made = token.derive(CKM_SP800_108_COUNTER_KDF, counter(&fields, &second), base, &entries).unwrap();
        assert_eq!(token.value(made.key), [&segment(1, bits)[..], &segment(2, bits)[..16]].concat());
        assert_eq!(made.additional.len(), 1);
        assert_eq!(token.value(made.additional[0]), segment(3, bits)[..16]);
        assert_eq!(token.number(made.additional[0], CKA_KEY_TYPE), CKK_AES);
    }
}

#[test]
fn sp800_108_takes_the_value_of_another_key_as_data() {
    let token = token();
    let base = token.generic(&[9; 32]);
    let length = [number(CKA_VALUE_LEN, 32)];
    let of = |field| token.derived(CKM_SP800_108_COUNTER_KDF, counter(&[COUNTER, field], &[]), base, &length);
    let other = token.generic(b"context");
    assert_eq!(of(Kdf108Field::Key(other)), of(Kdf108Field::Bytes(b"context")));
    let refusal = |field, entries: &[Entry]| {
        token.refusal(CKM_SP800_108_COUNTER_KDF, counter(&[COUNTER, field], &[]), base, entries)
    };
    let secret = token.secret(CKK_AES, &[7; 16], &[]);
    assert_eq!(refusal(Kdf108Field::Key(secret), &open_and(&length)), CKR_TEMPLATE_INCONSISTENT);
    // Where nobody says otherwise the new key is what the old ones are.
    let made = |field| {
        let parameter = counter(&[COUNTER, field], &[]);
        token.derive(CKM_SP800_108_COUNTER_KDF, parameter, base, &length).unwrap().key
    };
    let (plain, secret) = (made(Kdf108Field::Key(other)), made(Kdf108Field::Key(secret)));
    assert!(!token.has(plain, Flag::Sensitive) && token.has(plain, Flag::Extractable));
    assert!(token.has(secret, Flag::Sensitive) && !token.has(secret, Flag::Extractable));
    let no_derive = token.create(&[
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_AES),
        bytes(CKA_VALUE, &[7; 16]),
        flag(CKA_DERIVE, false),
    ]);
    assert_eq!(refusal(Kdf108Field::Key(no_derive), &length), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(refusal(Kdf108Field::Key(4711), &length), CKR_KEY_HANDLE_INVALID);
}

#[test]
fn sp800_108_makes_all_keys_or_none() {
    let token = token();
    let base = token.generic(&[9; 32]);
    let count = || {
        token.session.find_init(&template(&[])).unwrap();
        let mut handles = [0; 100];
        let count = token.session.find(&mut handles).unwrap();
        token.session.find_final().unwrap();
        count
    };
    let before = count();
    let good = open_and(&[number(CKA_VALUE_LEN, 16)]);
    for (bad, expected) in [
        (open(), CKR_TEMPLATE_INCOMPLETE),
        (open_and(&[number(CKA_VALUE_LEN, 15), number(CKA_KEY_TYPE, CKK_AES)]), CKR_ATTRIBUTE_VALUE_INVALID),
        (open_and(&[number(CKA_VALUE_LEN, 15), number(CKA_MODULUS_BITS, 15)]), CKR_TEMPLATE_INCONSISTENT),
        (open_and(&[number(CKA_VALUE_LEN, 15), flag(CKA_LOCAL, true)]), CKR_ATTRIBUTE_READ_ONLY),
    ] {
        let additional = [good.clone(), bad];
        let refusal = token.refusal(CKM_SP800_108_COUNTER_KDF, counter(&[COUNTER], &additional), base, &good);
        assert_eq!((refusal, count()), (expected, before));
    }
}

#[test]
fn sp800_108_refuses_fields_and_functions_it_does_not_have() {
    let token = token();
    let base = token.generic(&[9; 32]);
    let length = open_and(&[number(CKA_VALUE_LEN, 16)]);
    let format = |bits| CounterFormat { little_endian: false, bits };
    let refusal = |mechanism, prf, fields: &[Kdf108Field<'_>], iv| {
        let parameter = Kdf108Parameter { prf, fields: fields.to_vec(), iv, additional: Vec::new() };
        token.refusal(mechanism, Parameter::Kdf108(Box::new(parameter)), base, &length)
    };
    let hmac = CKM_SHA256_HMAC;
    for fields in [
        &[][..],
        &[Kdf108Field::Iteration(None)],
        &[COUNTER, COUNTER],
        &[COUNTER, Kdf108Field::Counter(format(8))],
        &[COUNTER, Kdf108Field::Bytes(b"")],
        &[Kdf108Field::Iteration(Some(format(12)))],
        &[Kdf108Field::Iteration(Some(format(u64::MAX)))],
        &[COUNTER, Kdf108Field::Length { method: 3, format: format(8) }],
    ] {
        assert_eq!(refusal(CKM_SP800_108_COUNTER_KDF, hmac, fields, &[]), CKR_MECHANISM_PARAM_INVALID);
    }
    for mechanism in [CKM_SP800_108_FEEDBACK_KDF, CKM_SP800_108_DOUBLE_PIPELINE_KDF] {
        assert_eq!(refusal(mechanism, hmac, &[COUNTER], &[]), CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(refusal(mechanism, hmac, &[Kdf108Field::Iteration(None)], &[]), CKR_OK);
    }
    assert_eq!(refusal(CKM_SP800_108_COUNTER_KDF, hmac, &[COUNTER], b"iv"), CKR_MECHANISM_PARAM_INVALID);
    for prf in [CKM_MD5_HMAC, CKM_SHA512_256_HMAC, CKM_SHA256, CKM_AES_CMAC_GENERAL, 4711] {
        assert_eq!(refusal(CKM_SP800_108_COUNTER_KDF, prf, &[COUNTER], &[]), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_eq!(refusal(CKM_SP800_108_COUNTER_KDF, CKM_AES_CMAC, &[COUNTER], &[]), CKR_KEY_TYPE_INCONSISTENT);
}
