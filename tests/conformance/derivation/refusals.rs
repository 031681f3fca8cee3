//! What no key is derived of, each with its code; nothing is made then.

use cryptoki_sys::*;

use super::rows::{hkdf_parameter, upwards};
use super::{Bench, Row, generic, open, rows, secret_of};
use crate::module::{Code, Outcome, refused};
use crate::parameters::{Hkdf, Ike1Prf, IkePrf, Kdf108, Kdf108Field, Mechanism, Parameter, plain};
use crate::session::Session;
use crate::template::{Entry, bytes, flag, key_template, nested, number, numbers, with};

fn attempt(session: Session, row: &Row, base: CK_OBJECT_HANDLE) -> Outcome {
    row.derive(session, base, &[]).map(drop)
}

#[test]
fn keys_that_may_not_are_of_another_type_or_are_not_there() {
    let bench = Bench::new();
    let session = bench.session;
    let any = [number(CKA_MODULUS_BITS, 1024)];
    let (rsa_public, rsa) =
        session.generate_pair(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &any, &[flag(CKA_DERIVE, true)]).unwrap();
    let secret = bench.secret(&upwards::<48>());
    let des2 = session.create(&with(&key_template(CKK_DES2, &[1; 16]), &[flag(CKA_DERIVE, true)])).unwrap();
    let hmac = session.create(&with(&key_template(CKK_MD5_HMAC, &[1; 48]), &[flag(CKA_DERIVE, true)])).unwrap();
    let aes = session.create(&with(&key_template(CKK_AES, &[1; 16]), &[flag(CKA_DERIVE, true)])).unwrap();
    let data = session.create(&[number(CKA_CLASS, CKO_DATA), bytes(CKA_VALUE, [1; 16])]).unwrap();
    let mut count = 0;
    for row in rows(&bench) {
        let name = format!("{:x}", row.id());
        let mute = (row.id() != CKM_PUB_KEY_FROM_PRIV_KEY).then(|| row.base(session, &[flag(CKA_DERIVE, false)]));
        let others = row.base(session, &[numbers(CKA_ALLOWED_MECHANISMS, &[CKM_SHA256])]);
        let before = bench.count();
        if let Some(mute) = mute {
            assert_eq!(attempt(session, &row, mute), refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{name}");
        }
        assert_eq!(attempt(session, &row, others), refused(CKR_MECHANISM_INVALID), "{name}");
        for no_key in [0, !0, 0x7fff_ffff] {
            assert_eq!(attempt(session, &row, no_key), refused(CKR_KEY_HANDLE_INVALID), "{name}");
        }
        // An object that is no key; HKDF takes one that is as long as the hash.
        let hkdf = matches!(row.mechanism.parameter, Parameter::Hkdf(_));
        let expected = if hkdf { CKR_KEY_SIZE_RANGE } else { CKR_KEY_HANDLE_INVALID };
        assert_eq!(attempt(session, &row, data), refused(expected), "{name}");
        let class = row.base.iter().find(|entry| entry.attribute == CKA_CLASS).unwrap();
        let secret_base = *class == number(CKA_CLASS, CKO_SECRET_KEY);
        let mut wrong = vec![rsa_public];
        if row.id() != CKM_PUB_KEY_FROM_PRIV_KEY {
            wrong.push(rsa);
        }
        if !secret_base {
            wrong.extend([secret, aes]);
        }
        match &row.mechanism.parameter {
            Parameter::AesCbcData { .. } => wrong.extend([secret, des2, hmac]),
            Parameter::DesCbcData { .. } => wrong.extend([secret, aes, hmac]),
            Parameter::Hkdf(_) => wrong.extend([aes, des2, hmac]),
            Parameter::TlsMaster { .. }
            | Parameter::TlsExtendedMaster { .. }
            | Parameter::TlsKeys(_)
            | Parameter::TlsKdf { .. } => wrong.extend([aes, des2, hmac]),
            // The PRF is HMAC with SHA-256.
            Parameter::IkePrf(_)
            | Parameter::Ike1Prf(_)
            | Parameter::Ike2PrfPlus { .. }
            | Parameter::Ike1Extended { .. } => wrong.extend([aes, des2, hmac]),
            _ => {}
        }
        for key in wrong {
            assert_eq!(attempt(session, &row, key), refused(CKR_KEY_TYPE_INCONSISTENT), "{name}");
            count += 1;
        }
        assert_eq!(bench.count(), before, "{name}");
        count += 6;
    }
    println!("{count} refused base keys");
}

/// A parameter that names `key` wherever a second key goes in.
fn with_second(key: CK_OBJECT_HANDLE) -> Vec<(CK_MECHANISM_TYPE, Parameter)> {
    let prf = CKM_SHA256_HMAC;
    let hkdf = Hkdf { salt_type: CKF_HKDF_SALT_KEY, salt_key: key, ..hkdf_parameter() };
    let kdf = |first| Kdf108 { prf, fields: vec![first, Kdf108Field::Key(key)], iv: None, additional: Vec::new() };
    let rekey =
        IkePrf { prf, data_as_key: false, rekey: true, initiator: vec![1; 8], responder: vec![2; 8], new_key: key };
    let first = Ike1Prf { prf, previous: None, shared: key, initiator: vec![1; 8], responder: vec![2; 8], number: 0 };
    vec![
        (CKM_CONCATENATE_BASE_AND_KEY, Parameter::Number(key)),
        (CKM_HKDF_DERIVE, Parameter::Hkdf(hkdf.clone())),
        (CKM_HKDF_DATA, Parameter::Hkdf(hkdf)),
        (CKM_SP800_108_COUNTER_KDF, Parameter::Kdf108(kdf(Kdf108Field::Iteration(Some((false, 32)))))),
        (
            CKM_SP800_108_FEEDBACK_KDF,
            Parameter::Kdf108(Kdf108 { iv: Some(Vec::new()), ..kdf(Kdf108Field::Iteration(None)) }),
        ),
        (CKM_SP800_108_DOUBLE_PIPELINE_KDF, Parameter::Kdf108(kdf(Kdf108Field::Iteration(None)))),
        (CKM_IKE2_PRF_PLUS_DERIVE, Parameter::Ike2PrfPlus { prf, seed_key: Some(key), seed: vec![1] }),
        (CKM_IKE_PRF_DERIVE, Parameter::IkePrf(rekey)),
        (CKM_IKE1_PRF_DERIVE, Parameter::Ike1Prf(first)),
        (CKM_IKE1_EXTENDED_DERIVE, Parameter::Ike1Extended { prf, shared: Some(key), extra: vec![1] }),
    ]
}

/// The template of what is derived with a second key.
fn template_of(id: CK_MECHANISM_TYPE) -> Vec<Entry> {
    match id {
        CKM_HKDF_DATA => vec![number(CKA_VALUE_LEN, 16)],
        CKM_IKE_PRF_DERIVE | CKM_CONCATENATE_BASE_AND_KEY => open(),
        _ => with(&secret_of(16), &open()),
    }
}

#[test]
fn second_keys_are_asked_the_same() {
    let bench = Bench::new();
    let session = bench.session;
    let base = bench.secret(&upwards::<32>());
    let secret = |more: &[_]| session.create(&with(&generic(&[7; 16]), more)).unwrap();
    let mute = secret(&[flag(CKA_DERIVE, false)]);
    let allowed = numbers(CKA_ALLOWED_MECHANISMS, &[CKM_SHA256]);
    let bound = secret(&[flag(CKA_DERIVE, true), allowed]);
    let sensitive = secret(&[flag(CKA_DERIVE, true), flag(CKA_SENSITIVE, true)]);
    let fine = secret(&[&open()[..], &[flag(CKA_DERIVE, true)]].concat());
    let any = [number(CKA_MODULUS_BITS, 1024)];
    let derives = [flag(CKA_DERIVE, true)];
    let (public, private) = session.generate_pair(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &any, &derives).unwrap();
    let data = session.create(&[number(CKA_CLASS, CKO_DATA)]).unwrap();
    let before = bench.count();
    let mut count = 0;
    for (key, code) in [
        (0, CKR_KEY_HANDLE_INVALID),
        (!0, CKR_KEY_HANDLE_INVALID),
        (data, CKR_KEY_HANDLE_INVALID),
        (mute, CKR_KEY_FUNCTION_NOT_PERMITTED),
        (bound, CKR_MECHANISM_INVALID),
        (public, CKR_KEY_TYPE_INCONSISTENT),
        (private, CKR_KEY_TYPE_INCONSISTENT),
        (sensitive, CKR_TEMPLATE_INCONSISTENT),
    ] {
        for (id, parameter) in with_second(key) {
            let refusal = session.derive(&Mechanism { id, parameter }, base, &template_of(id));
            // The bytes of a key that is kept go into no other as they are.
            let joined = key == sensitive && id == CKM_CONCATENATE_BASE_AND_KEY;
            let code = if joined { CKR_KEY_FUNCTION_NOT_PERMITTED } else { code };
            assert_eq!(refusal, refused(code), "{id:x} with {key}");
            assert_eq!(bench.count(), before);
            count += 1;
        }
    }
    for (id, parameter) in with_second(fine) {
        session.derive(&Mechanism { id, parameter }, base, &template_of(id)).unwrap();
    }
    println!("{count} refused second keys");
    // What they demand of new keys counts, too.
    let demands = nested(CKA_DERIVE_TEMPLATE, &[bytes(CKA_LABEL, b"demanded")]);
    let demanding = secret(&[&open()[..], &[flag(CKA_DERIVE, true), demands]].concat());
    for (id, parameter) in with_second(demanding) {
        let mechanism = Mechanism { id, parameter };
        let key = session.derive(&mechanism, base, &template_of(id)).unwrap();
        assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"demanded", "{id:x}");
        let another = with(&template_of(id), &[bytes(CKA_LABEL, b"another")]);
        assert_eq!(session.derive(&mechanism, base, &another), refused(CKR_TEMPLATE_INCONSISTENT), "{id:x}");
    }
}

#[test]
fn lengths_that_cannot_be() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    // With the longest key each can give, where that is less than any key may have.
    let longest = |id| match id {
        CKM_CONCATENATE_BASE_AND_KEY => Some(48),
        CKM_CONCATENATE_BASE_AND_DATA | CKM_CONCATENATE_DATA_AND_BASE => Some(36),
        CKM_XOR_BASE_AND_DATA => Some(32),
        CKM_EXTRACT_KEY_FROM_KEY => Some(4),
        CKM_SHA1_KEY_DERIVATION => Some(20),
        CKM_SHA256_KEY_DERIVATION | CKM_SHAKE_128_KEY_DERIVATION | CKM_IKE1_PRF_DERIVE => Some(32),
        CKM_ECDH1_DERIVE => Some(32),
        CKM_DH_PKCS_DERIVE => Some(256),
        _ => None,
    };
    for row in rows(&bench).iter().filter(|row| row.makes_secret_keys()) {
        let base = row.base(session, &open());
        let before = bench.count();
        let attempt = |len: CK_ULONG| row.derive(session, base, &[number(CKA_VALUE_LEN, len)]);
        if let Some(longest) = longest(row.id()) {
            assert_eq!(attempt(longest + 1), refused(CKR_KEY_SIZE_RANGE), "{:x}", row.id());
            count += 1;
        }
        for len in [0, 1 << 20, 1 << 40, CK_ULONG::MAX] {
            let outcome = attempt(len);
            let codes = [CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_SIZE_RANGE, CKR_TEMPLATE_INCONSISTENT];
            let said = outcome.as_ref().is_err_and(|Code(code)| codes.contains(code) || *code == CKR_DATA_LEN_RANGE);
            assert!(said, "{:x} with {len}: {outcome:?}", row.id());
            count += 1;
        }
        assert_eq!(bench.count(), before);
    }
    println!("{count} refused lengths");
}

#[test]
fn templates_with_what_a_derived_key_does_not_take() {
    let bench = Bench::new();
    let session = bench.session;
    let mut count = 0;
    for row in rows(&bench).iter().filter(|row| row.makes_secret_keys()) {
        let base = row.base(session, &open());
        let before = bench.count();
        for (entry, code) in [
            (flag(CKA_LOCAL, true), CKR_ATTRIBUTE_READ_ONLY),
            (flag(CKA_ALWAYS_SENSITIVE, true), CKR_ATTRIBUTE_READ_ONLY),
            (flag(CKA_NEVER_EXTRACTABLE, true), CKR_ATTRIBUTE_READ_ONLY),
            (flag(CKA_TRUSTED, true), CKR_ATTRIBUTE_READ_ONLY),
            (number(CKA_KEY_GEN_MECHANISM, CKM_SHA256), CKR_ATTRIBUTE_READ_ONLY),
            (bytes(CKA_VALUE, b"a value of its own"), CKR_ATTRIBUTE_READ_ONLY),
            (number(CKA_CLASS, CKO_PUBLIC_KEY), CKR_TEMPLATE_INCONSISTENT),
            (bytes(CKA_EC_PARAMS, b"params"), CKR_TEMPLATE_INCONSISTENT),
            (bytes(0x4000_0000, b"?"), CKR_ATTRIBUTE_TYPE_INVALID),
            (bytes(CKA_SENSITIVE, [1, 0]), CKR_ATTRIBUTE_VALUE_INVALID),
            (bytes(CKA_VALUE_LEN, [16]), CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            let attribute = entry.attribute;
            assert_eq!(row.derive(session, base, &[entry]), refused(code), "{:x} {attribute:x}", row.id());
            count += 1;
        }
        assert_eq!(bench.count(), before);
    }
    println!("{count} refused templates");
}

#[test]
fn read_only_sessions_make_no_token_keys_and_nobody_makes_private_ones() {
    let bench = Bench::new();
    let read_only = bench.token.read_only();
    let public = [flag(CKA_TOKEN, false), flag(CKA_PRIVATE, false)];
    let rows = rows(&bench);
    let mut bases = Vec::new();
    for row in &rows {
        let base = row.base(bench.session, &[&public[..], &open()].concat());
        let before = bench.count();
        let refusal = row.derive(read_only, base, &[flag(CKA_TOKEN, true)]);
        assert_eq!(refusal, refused(CKR_SESSION_READ_ONLY), "{:x}", row.id());
        assert_eq!(bench.count(), before);
        row.derive(read_only, base, &[]).unwrap();
        // On the token it is kept, and seen by all.
        let made = row.derive(bench.session, base, &[flag(CKA_TOKEN, true)]).unwrap();
        // A key of a template inside the parameter is what that template says.
        let made = &made[..if matches!(row.mechanism.parameter, Parameter::Kdf108(_)) { 1 } else { made.len() }];
        assert!(made.iter().all(|key| read_only.flag(*key, CKA_TOKEN)), "{:x}", row.id());
        let private = row.base(bench.session, &[flag(CKA_TOKEN, true), flag(CKA_PRIVATE, true)]);
        bases.push((base, private));
    }
    bench.session.logout().unwrap();
    let mut count = 0;
    for (row, (base, private)) in rows.iter().zip(bases) {
        // A second key was private, and is gone.
        let second = match row.mechanism.parameter {
            Parameter::Number(key) => key == bench.other,
            Parameter::Ike1Prf(_) | Parameter::Ike2PrfPlus { .. } | Parameter::Ike1Extended { .. } => true,
            _ => false,
        };
        let before = bench.count();
        let refusal = row.derive(bench.session, base, &[flag(CKA_PRIVATE, true)]);
        let expected = if second { CKR_KEY_HANDLE_INVALID } else { CKR_USER_NOT_LOGGED_IN };
        assert_eq!(refusal, refused(expected), "{:x}", row.id());
        assert_eq!(row.derive(bench.session, private, &[]), refused(CKR_KEY_HANDLE_INVALID), "{:x}", row.id());
        assert_eq!(bench.count(), before);
        if !second {
            // A key in the parameter has a template of its own.
            let more = [flag(CKA_PRIVATE, false)];
            match &row.mechanism.parameter {
                Parameter::Kdf108(kdf) if !kdf.additional.is_empty() => {}
                _ => drop(row.derive(bench.session, base, &more).unwrap()),
            }
        }
        count += 1;
    }
    println!("{count} mechanisms, with nobody logged in");
}

/// §4.10: what `CKA_DERIVE_TEMPLATE` has is added, and must not be contradicted.
#[test]
fn the_template_of_the_base_key_binds() {
    let bench = Bench::new();
    let session = bench.session;
    let demands = nested(CKA_DERIVE_TEMPLATE, &[bytes(CKA_LABEL, b"demanded"), flag(CKA_COPYABLE, false)]);
    let mut count = 0;
    for row in rows(&bench) {
        let base = row.base(session, &[&open()[..], std::slice::from_ref(&demands)].concat());
        // "It can always be used", whatever the private key has to say.
        if row.id() == CKM_PUB_KEY_FROM_PRIV_KEY {
            let made = row.derive(session, base, &[bytes(CKA_LABEL, b"another")]).unwrap();
            assert_eq!(session.get(made[0], CKA_LABEL).unwrap(), b"another");
            continue;
        }
        let before = bench.count();
        for bad in [bytes(CKA_LABEL, b"another"), flag(CKA_COPYABLE, true)] {
            // The keys for MACs have no label of the caller's: they are made with the rest or not at all.
            assert_eq!(row.derive(session, base, &[bad]), refused(CKR_TEMPLATE_INCONSISTENT), "{:x}", row.id());
        }
        assert_eq!(bench.count(), before, "{:x}", row.id());
        for key in row.derive(session, base, &[bytes(CKA_LABEL, b"demanded")]).unwrap() {
            assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"demanded", "{:x}", row.id());
            assert!(!session.flag(key, CKA_COPYABLE), "{:x}", row.id());
            count += 1;
        }
    }
    println!("{count} keys with what was demanded");
}

/// There is no moment for the login that `CKA_ALWAYS_AUTHENTICATE` wants before each use.
#[test]
fn keys_that_want_a_login_for_each_use_agree_on_nothing() {
    let bench = Bench::new();
    for row in rows(&bench).iter().filter(|row| row.is_agreement()) {
        let base = row.base(bench.session, &[flag(CKA_PRIVATE, true), flag(CKA_ALWAYS_AUTHENTICATE, true)]);
        let before = bench.count();
        assert_eq!(attempt(bench.session, row, base), refused(CKR_USER_NOT_LOGGED_IN), "{:x}", row.id());
        assert_eq!(bench.count(), before);
    }
}

#[test]
fn closed_sessions_and_mechanisms_that_derive_nothing() {
    let bench = Bench::new();
    let base = bench.secret(&upwards::<32>());
    let gone = bench.token.read_write();
    gone.close().unwrap();
    let template = secret_of(16);
    let hashed = plain(CKM_SHA256_KEY_DERIVATION);
    assert_eq!(gone.derive(&hashed, base, &template), refused(CKR_SESSION_HANDLE_INVALID));
    let before = bench.count();
    for id in [
        CKM_SHA256,
        CKM_AES_ECB,
        CKM_GENERIC_SECRET_KEY_GEN,
        CKM_SSL3_MASTER_KEY_DERIVE,
        CKM_BLAKE2B_256_KEY_DERIVE,
        !0,
    ] {
        assert_eq!(bench.session.derive(&plain(id), base, &template), refused(CKR_MECHANISM_INVALID), "{id:x}");
    }
    // A password is no key.
    let password = Mechanism { id: CKM_PKCS5_PBKD2, parameter: Parameter::Pbkdf2(super::answers::password()) };
    assert_eq!(bench.session.derive(&password, base, &template), refused(CKR_MECHANISM_INVALID));
    assert_eq!(bench.count(), before);
}
