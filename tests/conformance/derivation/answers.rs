//! What is derived is what `openssl`, the standard's examples and the RFCs say.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use super::program::{hkdf, hmac, kbkdf, kdf};
use super::rows::{CONTEXT, INFO, LABEL, hkdf_parameter, kdf108_fields, upwards};
use super::{Bench, OTHER, generic, open, rows, secret_of};
use crate::module::Outcome;
use crate::parameters::{AdditionalKey, Hkdf, Kdf108, Kdf108Field, Mechanism, Parameter, Pbkdf2};
use crate::template::{self, flag, key_template, number, with};

#[test]
fn every_mechanism_gives_its_answer() {
    let bench = Bench::new();
    let session = bench.session;
    let mut ids = BTreeSet::new();
    for row in rows(&bench) {
        let base = row.base(session, &open());
        let made = row.derive(session, base, &row.open()).unwrap_or_else(|code| panic!("{:x}: {code:?}", row.id()));
        assert_eq!(row.value(session, &made), (row.answer)(), "mechanism {:x}", row.id());
        ids.insert(row.id());
    }
    assert_eq!(ids, listed(&bench));
    println!("{} mechanisms derive what they should", ids.len());
}

/// The mechanisms that the token says can derive.
fn listed(bench: &Bench) -> BTreeSet<CK_MECHANISM_TYPE> {
    let slot = bench.token.slot;
    let mut count = 0;
    call!(C_GetMechanismList(slot, ptr::null_mut(), &mut count)).unwrap();
    let mut list = vec![0; count as usize];
    call!(C_GetMechanismList(slot, list.as_mut_ptr(), &mut count)).unwrap();
    list.retain(|id| {
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(slot, *id, &mut info)).unwrap();
        info.flags & CKF_DERIVE != 0
    });
    list.into_iter().collect()
}

fn value(bench: &Bench, id: CK_MECHANISM_TYPE, parameter: Parameter, base: CK_OBJECT_HANDLE, len: CK_ULONG) -> Vec<u8> {
    let template = with(&secret_of(len), &open());
    let key = bench.session.derive(&Mechanism { id, parameter }, base, &template).unwrap();
    bench.session.get(key, CKA_VALUE).unwrap()
}

#[test]
fn hkdf_extracts_expands_or_both_with_every_kind_of_salt() {
    let bench = Bench::new();
    let key = upwards::<32>();
    let base = bench.secret(&key);
    let of = |parameter, len| value(&bench, CKM_HKDF_DERIVE, Parameter::Hkdf(parameter), base, len);
    let both = hkdf_parameter();
    let salted = Hkdf { salt_type: CKF_HKDF_SALT_KEY, salt: Vec::new(), salt_key: bench.other, ..both.clone() };
    assert_eq!(of(salted, 100), hkdf("EXTRACT_AND_EXPAND", &key, OTHER, INFO, 100));
    // What is not of the kind of salt does not count.
    let none = Hkdf { salt_type: CKF_HKDF_SALT_NULL, salt_key: !0, ..both.clone() };
    assert_eq!(of(none, 100), hkdf("EXTRACT_AND_EXPAND", &key, &[0; 32], INFO, 100));
    let extract = Hkdf { expand: false, ..both.clone() };
    assert_eq!(of(extract, 32), hkdf("EXTRACT_ONLY", &key, &both.salt, &[], 32));
    let expand = Hkdf { extract: false, ..both.clone() };
    assert_eq!(of(expand, 3583), hkdf("EXPAND_ONLY", &key, &[], INFO, 3583));
}

/// A counter or a length of a width, in its order of bytes.
fn numeral(number: u64, little_endian: bool, bits: usize) -> Vec<u8> {
    let bytes = bits / 8;
    if little_endian { number.to_le_bytes()[..bytes].to_vec() } else { number.to_be_bytes()[8 - bytes..].to_vec() }
}

#[test]
fn sp800_108_counts_in_every_width_and_order() {
    let bench = Bench::new();
    let key = upwards::<32>();
    let base = bench.secret(&key);
    let mut count = 0;
    for (bits, width) in [(8, 64), (16, 56), (24, 48), (32, 40), (8, 32), (16, 24), (24, 16)] {
        for little_endian in [false, true] {
            for (method, total) in
                [(CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS, 40 * 8), (CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS, 64 * 8)]
            {
                let fields = vec![
                    Kdf108Field::Bytes(LABEL.to_vec()),
                    Kdf108Field::Iteration(Some((little_endian, bits as CK_ULONG))),
                    Kdf108Field::Key(bench.other),
                    Kdf108Field::Length { method, little_endian, bits: width as CK_ULONG },
                ];
                let kdf = Kdf108 { prf: CKM_SHA256_HMAC, fields, iv: None, additional: Vec::new() };
                let parameter = Parameter::Kdf108(kdf);
                let segment = |number| {
                    let (number, len) = (numeral(number, little_endian, bits), numeral(total, little_endian, width));
                    hmac("SHA256", &key, &[LABEL, &number, OTHER, &len])
                };
                let expected = [segment(1), segment(2)[..8].to_vec()].concat();
                assert_eq!(value(&bench, CKM_SP800_108_COUNTER_KDF, parameter, base, 40), expected, "{bits}");
                count += 1;
            }
        }
    }
    println!("{count} forms of counters and lengths");
}

#[test]
fn sp800_108_with_cmac_is_that_of_openssl() {
    let bench = Bench::new();
    for (prf, key_type, key, cipher) in [
        (CKM_AES_CMAC, CKK_AES, upwards::<16>().to_vec(), "AES-128-CBC"),
        (CKM_AES_CMAC, CKK_AES, upwards::<32>().to_vec(), "AES-256-CBC"),
    ] {
        let base = with(&key_template(key_type, &key), &[&open()[..], &[flag(CKA_DERIVE, true)]].concat());
        let base = bench.session.create(&base).unwrap();
        for (id, mode, iv, first) in [
            (CKM_SP800_108_COUNTER_KDF, "COUNTER", None, vec![Kdf108Field::Iteration(Some((false, 32)))]),
            (
                CKM_SP800_108_FEEDBACK_KDF,
                "FEEDBACK",
                Some(vec![7; 16]),
                vec![Kdf108Field::Iteration(None), Kdf108Field::Counter(false, 32)],
            ),
        ] {
            let seed = iv.clone().unwrap_or_default();
            let parameter = Kdf108 { prf, fields: kdf108_fields(&first), iv, additional: Vec::new() };
            let function = [("mac", "CMAC"), ("cipher", cipher), ("mode", mode)];
            let expected = kbkdf(&function, &key, &seed, (LABEL, CONTEXT), 50);
            assert_eq!(value(&bench, id, Parameter::Kdf108(parameter), base, 50), expected, "{cipher} {mode}");
        }
    }
}

/// "Deriving Additional Keys": each key begins with a segment of its own, and has a template of its own.
#[test]
fn sp800_108_makes_keys_of_several_kinds_at_once() {
    let bench = Bench::new();
    let session = bench.session;
    let key = upwards::<32>();
    let base = bench.secret(&key);
    let additional = |template: Vec<_>| AdditionalKey { template: with(&template, &open()), key: Cell::new(0) };
    let aes = with(&secret_of(16), &[number(CKA_KEY_TYPE, CKK_AES), flag(CKA_ENCRYPT, true)]);
    let des = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_DES3)];
    let kdf = Kdf108 {
        prf: CKM_SHA256_HMAC,
        fields: vec![Kdf108Field::Iteration(Some((false, 8)))],
        iv: None,
        additional: vec![additional(aes), additional(des.to_vec()), additional(secret_of(33))],
    };
    let mechanism = Mechanism { id: CKM_SP800_108_COUNTER_KDF, parameter: Parameter::Kdf108(kdf) };
    let first = session.derive(&mechanism, base, &with(&secret_of(48), &open())).unwrap();
    let Parameter::Kdf108(kdf) = &mechanism.parameter else { unreachable!() };
    let made: Vec<_> = kdf.additional.iter().map(|additional| additional.key.get()).collect();
    let values: Vec<_> = made.iter().map(|key| session.get(*key, CKA_VALUE).unwrap()).collect();
    let segments: Vec<_> = (1..=6).map(|number| hmac("SHA256", &key, &[&[number]])).collect();
    assert_eq!(session.get(first, CKA_VALUE).unwrap(), segments[..2].concat()[..48]);
    assert_eq!(values[0], segments[2][..16]);
    let without_parity = |bytes: &[u8]| bytes.iter().map(|byte| byte & 0xfe).collect::<Vec<u8>>();
    assert_eq!(without_parity(&values[1]), without_parity(&segments[3][..24]));
    assert!(values[1].iter().all(|byte| byte.count_ones() % 2 == 1));
    assert_eq!(values[2], segments[4..].concat()[..33]);
    let types = made.iter().map(|key| session.number(*key, CKA_KEY_TYPE)).collect::<Vec<_>>();
    assert_eq!(types, [CKK_AES, CKK_DES3, CKK_GENERIC_SECRET]);
    assert!(session.flag(made[0], CKA_ENCRYPT));
}

const PASSWORD: &[u8] = b"a password of some length";

pub(super) fn password() -> Pbkdf2 {
    Pbkdf2 {
        salt_source: CKZ_SALT_SPECIFIED,
        salt: b"salt".to_vec(),
        iterations: 1000,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        prf_data: Vec::new(),
        password: PASSWORD.to_vec(),
    }
}

fn pbkdf2(digest: &str, password: &[u8], len: usize) -> Vec<u8> {
    let options = [("digest", digest), ("iter", "1000")];
    kdf("PBKDF2", len, &options, &[("hexpass", password), ("hexsalt", b"salt")])
}

#[test]
fn keys_from_passwords_are_those_of_openssl() {
    let bench = Bench::new();
    let session = bench.session;
    for (prf, digest) in [
        (CKP_PKCS5_PBKD2_HMAC_SHA1, "SHA1"),
        (CKP_PKCS5_PBKD2_HMAC_SHA224, "SHA224"),
        (CKP_PKCS5_PBKD2_HMAC_SHA256, "SHA256"),
        (CKP_PKCS5_PBKD2_HMAC_SHA384, "SHA384"),
        (CKP_PKCS5_PBKD2_HMAC_SHA512, "SHA512"),
        (CKP_PKCS5_PBKD2_HMAC_SHA512_224, "SHA512-224"),
        (CKP_PKCS5_PBKD2_HMAC_SHA512_256, "SHA512-256"),
    ] {
        for (key_type, len) in [(CKK_GENERIC_SECRET, 100), (CKK_AES, 32)] {
            let parameter = Parameter::Pbkdf2(Pbkdf2 { prf, ..password() });
            let template = with(&secret_of(len), &[&open()[..], &[number(CKA_KEY_TYPE, key_type)]].concat());
            let key = session.generate(&Mechanism { id: CKM_PKCS5_PBKD2, parameter }, &template).unwrap();
            assert_eq!(session.get(key, CKA_VALUE).unwrap(), pbkdf2(digest, PASSWORD, len as usize), "{digest}");
            assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), CKM_PKCS5_PBKD2);
            assert!(session.flag(key, CKA_LOCAL));
        }
    }
}

/// `CK_PKCS5_PBKD2_PARAMS`, where the length of the password is behind a pointer.
#[test]
fn the_older_struct_for_passwords_is_read_too() {
    let bench = Bench::new();
    for len in [PASSWORD.len(), 5, 1] {
        let mut salt = *b"salt";
        let mut password = PASSWORD.to_vec();
        let mut password_len = len as CK_ULONG;
        let mut parameter = CK_PKCS5_PBKD2_PARAMS {
            saltSource: CKZ_SALT_SPECIFIED,
            pSaltSourceData: (&raw mut salt).cast(),
            ulSaltSourceDataLen: 4,
            iterations: 1000,
            prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
            pPrfData: ptr::null_mut(),
            ulPrfDataLen: 0,
            pPassword: password.as_mut_ptr(),
            ulPasswordLen: &raw mut password_len,
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_PKCS5_PBKD2,
            pParameter: (&raw mut parameter).cast(),
            ulParameterLen: size_of_val(&parameter) as CK_ULONG,
        };
        let template = with(&secret_of(32), &open());
        let mut key = 0;
        let made: Outcome = template::lend(&template, |start, count| {
            call!(C_GenerateKey(bench.session.0, &mut mechanism, start, count, &mut key))
        });
        made.unwrap();
        assert_eq!(bench.session.get(key, CKA_VALUE).unwrap(), pbkdf2("SHA256", &PASSWORD[..len], 32));
    }
}

/// What is derived twice is the same twice, and the base key with it.
#[test]
fn base_keys_stay_as_they_are() {
    let bench = Bench::new();
    let base = bench.secret(&upwards::<32>());
    let parameter = || Parameter::Hkdf(hkdf_parameter());
    let one = value(&bench, CKM_HKDF_DERIVE, parameter(), base, 20);
    assert_eq!(value(&bench, CKM_HKDF_DERIVE, parameter(), base, 20), one);
    assert_eq!(bench.session.get(base, CKA_VALUE).unwrap(), upwards::<32>());
    assert!(bench.session.find(&generic(&upwards::<32>())).contains(&base));
}
