//! The exact code of each refusal.

use std::ptr;

use cryptoki_sys::*;

use super::{Takes, gcm, oaep_sha256, secret, unwrapped, unwrapped_secret, value, ways, wrapping_key, wrapping_pair};
use crate::module::{Token, refused};
use crate::pair_samples::{open, pair_sample};
use crate::parameters::{Mechanism, Parameter, plain, with_iv};
use crate::template::{bytes, flag, nested, number, numbers, with, without};

const KWP: CK_MECHANISM_TYPE = CKM_AES_KEY_WRAP_KWP;

#[test]
fn a_key_that_may_not_wrap_or_unwrap_does_not() {
    let token = Token::new();
    let session = token.user();
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 1))).unwrap();
    for way in ways(session) {
        let wrapped = way.wrap(session, target).unwrap();
        let template = unwrapped_secret(CKK_AES, 16);
        session.set(way.wrapping, &[flag(CKA_WRAP, false)]).unwrap();
        assert_eq!(way.wrap(session, target), refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{}", way.name);
        session.set(way.wrapping, &[flag(CKA_WRAP, true)]).unwrap();
        session.set(way.unwrapping, &[flag(CKA_UNWRAP, false)]).unwrap();
        let refusal = way.unwrap(session, &wrapped, &template);
        assert_eq!(refusal, refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{}", way.name);
        session.set(way.unwrapping, &[flag(CKA_UNWRAP, true)]).unwrap();
        assert!(way.unwrap(session, &wrapped, &template).is_ok(), "{}", way.name);
    }
}

#[test]
fn handles_and_types_of_keys_that_wrap() {
    let token = Token::new();
    let session = token.user();
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 1))).unwrap();
    let data = session.create(&[number(CKA_CLASS, CKO_DATA)]).unwrap();
    let template = unwrapped_secret(CKK_AES, 16);
    let generic = wrapping_key(session, CKK_GENERIC_SECRET, 16);
    for way in ways(session) {
        let wrapped = way.wrap(session, target).unwrap();
        for none in [0, 0x7fff_ffff, CK_ULONG::MAX, data] {
            let wrap = session.wrap(&way.mechanism, none, target);
            assert_eq!(wrap, refused(CKR_WRAPPING_KEY_HANDLE_INVALID), "{}", way.name);
            let unwrap = session.unwrap(&way.mechanism, none, &wrapped, &template);
            assert_eq!(unwrap, refused(CKR_UNWRAPPING_KEY_HANDLE_INVALID), "{}", way.name);
            let wrap = session.wrap(&way.mechanism, way.wrapping, none);
            assert_eq!(wrap, refused(CKR_KEY_HANDLE_INVALID), "{}", way.name);
        }
        let wrap = session.wrap(&way.mechanism, generic, target);
        assert_eq!(wrap, refused(CKR_WRAPPING_KEY_TYPE_INCONSISTENT), "{}", way.name);
        let unwrap = session.unwrap(&way.mechanism, generic, &wrapped, &template);
        assert_eq!(unwrap, refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT), "{}", way.name);
        if way.wrapping != way.unwrapping {
            // The wrong half.
            let wrap = session.wrap(&way.mechanism, way.unwrapping, target);
            assert_eq!(wrap, refused(CKR_WRAPPING_KEY_TYPE_INCONSISTENT), "{}", way.name);
            let unwrap = session.unwrap(&way.mechanism, way.wrapping, &wrapped, &template);
            assert_eq!(unwrap, refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT), "{}", way.name);
        }
    }
}

#[test]
fn curves_fit_the_mechanism() {
    let token = Token::new();
    let session = token.user();
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 1))).unwrap();
    for (id, pair) in [
        (CKM_ECDH_COF_AES_KEY_WRAP, "X25519"),
        (CKM_ECDH_X_AES_KEY_WRAP, "secp256r1"),
        (CKM_ECDH_AES_KEY_WRAP, "Ed25519"),
    ] {
        let (public, private) = wrapping_pair(session, pair);
        let mechanism = super::ecdh_aes(id, 256, CKD_SHA256_KDF, b"");
        let wrap = session.wrap(&mechanism, public, target);
        assert_eq!(wrap, refused(CKR_WRAPPING_KEY_TYPE_INCONSISTENT), "{pair}");
        let unwrap = session.unwrap(&mechanism, private, &[4; 100], &unwrapped_secret(CKK_AES, 16));
        assert_eq!(unwrap, refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT), "{pair}");
    }
}

#[test]
fn parameters_are_refused() {
    let token = Token::new();
    let session = token.user();
    let key = wrapping_key(session, CKK_AES, 16);
    let rsa = wrapping_pair(session, "RSA 2048");
    let curve = wrapping_pair(session, "secp256r1");
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 1))).unwrap();
    let of = |id, parameter| Mechanism { id, parameter };
    let oaep = |hash, mgf, source, label: &[u8]| {
        Parameter::Oaep(crate::parameters::Oaep { hash, mgf, source, label: label.to_vec() })
    };
    let rsa_aes = |key_bits| of(CKM_RSA_AES_KEY_WRAP, Parameter::RsaAes { key_bits, oaep: Some(oaep_sha256()) });
    for (mechanism, (wrapping, unwrapping)) in [
        (with_iv(CKM_AES_ECB, &[0; 16]), (key, key)),
        (with_iv(CKM_AES_CBC, &[0; 15]), (key, key)),
        (plain(CKM_AES_CBC_PAD), (key, key)),
        (with_iv(CKM_AES_KEY_WRAP, &[0; 4]), (key, key)),
        (with_iv(CKM_AES_KEY_WRAP, &[0; 9]), (key, key)),
        (with_iv(CKM_AES_KEY_WRAP_PKCS7, &[0; 4]), (key, key)),
        (with_iv(KWP, &[0; 8]), (key, key)),
        (with_iv(CKM_AES_KEY_WRAP_PAD, &[0; 3]), (key, key)),
        (gcm(b"", 127), (key, key)),
        (super::ccm(0, b"", 5), (key, key)),
        (plain(CKM_AES_GCM), (key, key)),
        (plain(CKM_RSA_PKCS_OAEP), rsa),
        (with_iv(CKM_RSA_PKCS, &[1]), rsa),
        (of(CKM_RSA_PKCS_OAEP, oaep(CKM_SHA256, 99, CKZ_DATA_SPECIFIED, b"")), rsa),
        (of(CKM_RSA_PKCS_OAEP, oaep(CKM_AES_CBC, CKG_MGF1_SHA1, CKZ_DATA_SPECIFIED, b"")), rsa),
        (of(CKM_RSA_PKCS_OAEP, oaep(CKM_SHA256, CKG_MGF1_SHA1, 7, b"x")), rsa),
        (of(CKM_RSA_AES_KEY_WRAP, Parameter::RsaAes { key_bits: 256, oaep: None }), rsa),
        (rsa_aes(0), rsa),
        (rsa_aes(16), rsa),
        (rsa_aes(512), rsa),
        (super::ecdh_aes(CKM_ECDH_AES_KEY_WRAP, 255, CKD_NULL, b""), curve),
        (super::ecdh_aes(CKM_ECDH_AES_KEY_WRAP, 128, 0xffff, b""), curve),
        (super::ecdh_aes(CKM_ECDH_AES_KEY_WRAP, 128, CKD_NULL, b"shared"), curve),
    ] {
        let wrap = session.wrap(&mechanism, wrapping, target);
        assert_eq!(wrap, refused(CKR_MECHANISM_PARAM_INVALID), "{mechanism:?}");
        // Long enough for a point or a block of RSA, and a key behind it.
        let blob = if mechanism.id == CKM_ECDH_AES_KEY_WRAP {
            let good = super::ecdh_aes(CKM_ECDH_AES_KEY_WRAP, 128, CKD_NULL, b"");
            session.wrap(&good, wrapping, target).unwrap()
        } else if mechanism.id == CKM_RSA_AES_KEY_WRAP {
            session.wrap(&rsa_aes(256), wrapping, target).unwrap()
        } else {
            vec![1; if (wrapping, unwrapping) == rsa { 256 } else { 32 }]
        };
        let unwrap = session.unwrap(&mechanism, unwrapping, &blob, &unwrapped_secret(CKK_AES, 16));
        assert_eq!(unwrap, refused(CKR_MECHANISM_PARAM_INVALID), "{mechanism:?}");
    }
    for id in [CKM_AES_CMAC, CKM_SHA256, CKM_ECDSA, CKM_AES_KEY_GEN, 0x7fff_0000] {
        assert_eq!(session.wrap(&plain(id), key, target), refused(CKR_MECHANISM_INVALID), "0x{id:x}");
        let unwrap = session.unwrap(&plain(id), key, &[0; 32], &unwrapped_secret(CKK_AES, 16));
        assert_eq!(unwrap, refused(CKR_MECHANISM_INVALID), "0x{id:x}");
    }
}

#[test]
fn keys_that_do_not_leave() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = pair_sample("secp256r1").pair(session, &[], &[flag(CKA_EXTRACTABLE, false)]).unwrap();
    let sealed = with(&secret(CKK_AES, &value(CKK_AES, 16, 1)), &[flag(CKA_EXTRACTABLE, false)]);
    let sealed = session.create(&sealed).unwrap();
    let open = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 1))).unwrap();
    for way in ways(session) {
        let name = &way.name;
        assert_eq!(way.wrap(session, sealed), refused(CKR_KEY_UNEXTRACTABLE), "{name}");
        assert_eq!(way.wrap(session, private), refused(CKR_KEY_UNEXTRACTABLE), "{name}");
        assert_eq!(way.wrap(session, public), refused(CKR_KEY_NOT_WRAPPABLE), "{name}");
        assert!(way.wrap(session, open).is_ok(), "{name}");
    }
    // What was once declared unextractable stays so.
    assert_eq!(session.set(sealed, &[flag(CKA_EXTRACTABLE, true)]), refused(CKR_ATTRIBUTE_READ_ONLY));
    session.set(open, &[flag(CKA_EXTRACTABLE, false)]).unwrap();
    let key = wrapping_key(session, CKK_AES, 16);
    assert_eq!(session.wrap(&plain(KWP), key, open), refused(CKR_KEY_UNEXTRACTABLE));
}

/// Only the officer says which keys are trusted (§4.8, §4.10).
#[test]
fn keys_that_only_trusted_keys_wrap() {
    let token = Token::new();
    let session = token.user();
    let place = flag(CKA_TOKEN, true);
    let public_place = [place.clone(), flag(CKA_PRIVATE, false), flag(CKA_WRAP, true)];
    let wrapping = session
        .create(&with(&secret(CKK_AES, &value(CKK_AES, 32, 5)), &with(&public_place, &[flag(CKA_UNWRAP, true)])))
        .unwrap();
    let (rsa, rsa_private) =
        pair_sample("RSA 2048").pair(session, &public_place, &[place.clone(), flag(CKA_UNWRAP, true)]).unwrap();
    let guarded = [flag(CKA_WRAP_WITH_TRUSTED, true), place];
    let key = session.create(&with(&secret(CKK_AES, &value(CKK_AES, 16, 6)), &guarded)).unwrap();
    let (_, private) = pair_sample("secp256r1").pair(session, &[], &with(&open(), &guarded)).unwrap();
    let oaep = Mechanism { id: CKM_RSA_PKCS_OAEP, parameter: Parameter::Oaep(oaep_sha256()) };
    let hybrid = Parameter::RsaAes { key_bits: 256, oaep: Some(oaep_sha256()) };
    let hybrid = Mechanism { id: CKM_RSA_AES_KEY_WRAP, parameter: hybrid };
    let ways = [
        (&plain(KWP), wrapping, key),
        (&plain(KWP), wrapping, private),
        (&oaep, rsa, key),
        (&hybrid, rsa, key),
        (&hybrid, rsa, private),
    ];
    for (mechanism, wrapping, key) in ways {
        assert_eq!(session.wrap(mechanism, wrapping, key), refused(CKR_KEY_NOT_WRAPPABLE));
    }
    assert_eq!(session.set(key, &[flag(CKA_WRAP_WITH_TRUSTED, false)]), refused(CKR_ATTRIBUTE_READ_ONLY));
    // The user cannot help himself.
    let trusted = [flag(CKA_TRUSTED, true)];
    assert!(session.set(wrapping, &trusted).is_err());
    let template = with(&secret(CKK_AES, &value(CKK_AES, 32, 5)), &trusted);
    assert_eq!(session.create(&template), refused(CKR_ATTRIBUTE_READ_ONLY));
    session.logout().unwrap();
    session.login(CKU_SO, crate::module::SO_PIN).unwrap();
    session.set(wrapping, &trusted).unwrap();
    session.set(rsa, &trusted).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, crate::module::USER_PIN).unwrap();
    for (mechanism, wrapping, key) in ways {
        let wrapped = session.wrap(mechanism, wrapping, key).unwrap();
        let unwrapping = if wrapping == rsa { rsa_private } else { wrapping };
        let template = match session.number(key, CKA_CLASS) {
            CKO_PRIVATE_KEY => unwrapped(CKO_PRIVATE_KEY, CKK_EC),
            _ => unwrapped_secret(CKK_AES, 16),
        };
        let back = session.unwrap(mechanism, unwrapping, &wrapped, &template).unwrap();
        assert_eq!(session.get(back, CKA_CHECK_VALUE), session.get(key, CKA_CHECK_VALUE));
    }
}

#[test]
fn wrap_templates_choose_what_is_wrapped() {
    let token = Token::new();
    let session = token.user();
    let demands = [
        number(CKA_KEY_TYPE, CKK_AES),
        flag(CKA_SENSITIVE, true),
        bytes(CKA_LABEL, b"exported"),
        number(CKA_VALUE_LEN, 16),
    ];
    let template =
        with(&secret(CKK_AES, &value(CKK_AES, 32, 7)), &[flag(CKA_WRAP, true), nested(CKA_WRAP_TEMPLATE, &demands)]);
    for place in [false, true] {
        let wrapping = session.create(&with(&template, &[flag(CKA_TOKEN, place)])).unwrap();
        let own = [bytes(CKA_LABEL, b"exported"), flag(CKA_SENSITIVE, true)];
        let fits = with(&secret(CKK_AES, &value(CKK_AES, 16, 8)), &own);
        let wrap = |more: &[crate::template::Entry]| {
            let key = session.create(&with(&fits, more)).unwrap();
            session.wrap(&plain(KWP), wrapping, key).map(|_| ())
        };
        assert_eq!(wrap(&[]), Ok(()));
        assert_eq!(wrap(&[bytes(CKA_ID, b"any")]), Ok(()));
        for wrong in [
            vec![bytes(CKA_LABEL, b"other")],
            vec![flag(CKA_SENSITIVE, false)],
            vec![bytes(CKA_VALUE, value(CKK_AES, 32, 8))],
            vec![number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)],
        ] {
            assert_eq!(wrap(&wrong), refused(CKR_KEY_HANDLE_INVALID), "{wrong:?}");
        }
    }
    let public = [flag(CKA_WRAP, true), nested(CKA_WRAP_TEMPLATE, &[bytes(CKA_ID, b"one")])];
    let (rsa, _) = pair_sample("RSA 2048").pair(session, &public, &[]).unwrap();
    for (id, outcome) in [(&b"one"[..], Ok(())), (b"two", refused(CKR_KEY_HANDLE_INVALID))] {
        let key = session.create(&with(&secret(CKK_AES, &value(CKK_AES, 16, 8)), &[bytes(CKA_ID, id)])).unwrap();
        assert_eq!(session.wrap(&plain(CKM_RSA_PKCS), rsa, key).map(|_| ()), outcome);
    }
}

#[test]
fn allowed_mechanisms_bind() {
    let token = Token::new();
    let session = token.user();
    let only = [flag(CKA_WRAP, true), flag(CKA_UNWRAP, true), numbers(CKA_ALLOWED_MECHANISMS, &[KWP])];
    let key = session.create(&with(&secret(CKK_AES, &value(CKK_AES, 32, 9)), &only)).unwrap();
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 9))).unwrap();
    let wrapped = session.wrap(&plain(KWP), key, target).unwrap();
    let template = unwrapped_secret(CKK_AES, 16);
    assert!(session.unwrap(&plain(KWP), key, &wrapped, &template).is_ok());
    for other in [plain(CKM_AES_KEY_WRAP), plain(CKM_AES_ECB), gcm(b"", 128)] {
        assert_eq!(session.wrap(&other, key, target), refused(CKR_MECHANISM_INVALID));
        assert_eq!(session.unwrap(&other, key, &[0; 32], &template), refused(CKR_MECHANISM_INVALID));
    }
}

/// A key that wants a login for each use cannot have one here: nothing begins before it ends.
#[test]
fn keys_that_want_a_login_for_each_use() {
    let token = Token::new();
    let session = token.user();
    let more = [flag(CKA_WRAP, true), flag(CKA_UNWRAP, true), flag(CKA_ALWAYS_AUTHENTICATE, true)];
    let careful = session.create(&with(&secret(CKK_AES, &value(CKK_AES, 32, 10)), &more)).unwrap();
    let key = wrapping_key(session, CKK_AES, 32);
    assert_eq!(session.wrap(&plain(KWP), careful, key), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(session.wrap(&plain(KWP), key, careful), refused(CKR_USER_NOT_LOGGED_IN));
    let unwrap = session.unwrap(&plain(KWP), careful, &[0; 24], &unwrapped_secret(CKK_AES, 16));
    assert_eq!(unwrap, refused(CKR_USER_NOT_LOGGED_IN));
}

/// Each way, each byte of a small blob changed: nothing comes back where the mechanism can tell; nothing but the
/// standard's codes elsewhere.
#[test]
fn tampered_blobs() {
    let token = Token::new();
    let session = token.user();
    let target = session.create(&secret(CKK_DES3, &value(CKK_DES3, 24, 11))).unwrap();
    let mut changes = 0;
    for way in ways(session) {
        let wrapped = way.wrap(session, target).unwrap();
        let before = session.find(&[]);
        let id = way.mechanism.id;
        let can_tell = matches!(
            id,
            CKM_AES_GCM
                | CKM_AES_CCM
                | CKM_AES_KEY_WRAP
                | CKM_AES_KEY_WRAP_PAD
                | CKM_AES_KEY_WRAP_KWP
                | CKM_AES_KEY_WRAP_PKCS7
                | CKM_RSA_PKCS_OAEP
                | CKM_RSA_AES_KEY_WRAP
                | CKM_ECDH_AES_KEY_WRAP
                | CKM_ECDH_COF_AES_KEY_WRAP
                | CKM_ECDH_X_AES_KEY_WRAP
        );
        for at in (0..wrapped.len()).step_by(if wrapped.len() > 100 { 13 } else { 1 }) {
            let mut tampered = wrapped.clone();
            tampered[at] ^= 0x10;
            let outcome = way.unwrap(session, &tampered, &unwrapped(CKO_SECRET_KEY, CKK_DES3));
            changes += 1;
            match outcome {
                Err(code) if can_tell => assert_eq!(code.0, CKR_WRAPPED_KEY_INVALID, "{} at {at}", way.name),
                Err(code) => {
                    let known = [CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE];
                    assert!(known.contains(&code.0), "{} at {at}: {code:?}", way.name);
                }
                // X25519 and X448 ignore bits of a public key that no key needs.
                Ok(_) if can_tell => panic!("{} at {at}: unwrapped", way.name),
                // Only a changed bit that keeps the parity, or PKCS #1, which never tells.
                Ok(key) => session.destroy(key).unwrap(),
            }
        }
        assert_eq!(session.find(&[]), before, "{}", way.name);
    }
    println!("{changes} changed blobs");
}

#[test]
fn lengths_of_blobs() {
    let token = Token::new();
    let session = token.user();
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 12))).unwrap();
    for way in ways(session) {
        let wrapped = way.wrap(session, target).unwrap();
        let template = unwrapped_secret(CKK_AES, 32);
        for len in 0..wrapped.len() {
            let code = way.unwrap(session, &wrapped[..len], &template).expect_err(&way.name).0;
            let known = [CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE];
            assert!(known.contains(&code), "{} of {len} bytes: 0x{code:x}", way.name);
        }
        for more in [1, 7, 8, 16] {
            let long = [&wrapped[..], &vec![0; more]].concat();
            let code = way.unwrap(session, &long, &template).expect_err(&way.name).0;
            let known = [CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE];
            assert!(known.contains(&code), "{} and {more} bytes: 0x{code:x}", way.name);
        }
        // Lengths that no blob has.
        let impossible: &[usize] = match way.mechanism.id {
            CKM_AES_GCM | CKM_AES_CCM => &[0, 1, 7],
            CKM_RSA_PKCS | CKM_RSA_X_509 | CKM_RSA_PKCS_OAEP => &[0, 1, 255, 257],
            CKM_RSA_AES_KEY_WRAP => &[0, 255],
            CKM_ECDH_AES_KEY_WRAP | CKM_ECDH_COF_AES_KEY_WRAP | CKM_ECDH_X_AES_KEY_WRAP => &[0, 1, 31],
            _ => &[0, 1, 9, 23 + 2],
        };
        for len in impossible {
            let blob = vec![1; *len];
            let refusal = way.unwrap(session, &blob, &template);
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{} of {len} bytes", way.name);
        }
        // NULL with a length, and none at all.
        way.mechanism.lend(|mechanism| {
            crate::template::lend(&template, |start, count| {
                let mut key = 0;
                let none = ptr::null_mut();
                let refusal =
                    call!(C_UnwrapKey(session.0, mechanism, way.unwrapping, none, 16, start, count, &mut key));
                assert_eq!(refusal, refused(CKR_ARGUMENTS_BAD), "{}", way.name);
            });
        });
    }
}

/// §5.18.4: every conflict of lengths has one code.
#[test]
fn lengths_that_contradict_each_other() {
    let token = Token::new();
    let session = token.user();
    let aes = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 13))).unwrap();
    let generic = session.create(&secret(CKK_GENERIC_SECRET, &value(CKK_GENERIC_SECRET, 17, 13))).unwrap();
    for way in ways(session) {
        let wrapped = way.wrap(session, aes).unwrap();
        for len in [0, 15, 17, 33, 4000, CK_ULONG::MAX] {
            let template = with(&unwrapped(CKO_SECRET_KEY, CKK_AES), &[number(CKA_VALUE_LEN, len)]);
            let refusal = way.unwrap(session, &wrapped, &template);
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{}: an AES key of {len} bytes", way.name);
        }
        if way.mechanism.id != CKM_RSA_PKCS && way.takes != Takes::Raw(super::MODULUS) {
            let template = unwrapped_secret(CKK_AES, 32);
            let refusal = way.unwrap(session, &wrapped, &template);
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{}: 16 bytes as 32", way.name);
            // No DES3 key has 16 bytes.
            let refusal = way.unwrap(session, &wrapped, &unwrapped(CKO_SECRET_KEY, CKK_DES3));
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{}: 16 bytes as DES3", way.name);
        }
        if matches!(way.takes, Takes::All | Takes::Pkcs7 | Takes::UpTo(_)) && way.mechanism.id != CKM_RSA_PKCS {
            let wrapped = way.wrap(session, generic).unwrap();
            let refusal = way.unwrap(session, &wrapped, &unwrapped(CKO_SECRET_KEY, CKK_AES));
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{}: 17 bytes as AES", way.name);
            // A part of a key is no key.
            for len in [1, 16, 18] {
                let refusal = way.unwrap(session, &wrapped, &unwrapped_secret(CKK_GENERIC_SECRET, len));
                assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{}: 17 bytes as {len}", way.name);
            }
        }
        if matches!(way.takes, Takes::Blocks | Takes::Semiblocks) {
            let wrapped = way.wrap(session, generic).unwrap();
            for len in [0, 1, 40] {
                let template = with(&unwrapped(CKO_SECRET_KEY, CKK_GENERIC_SECRET), &[number(CKA_VALUE_LEN, len)]);
                let refusal = way.unwrap(session, &wrapped, &template);
                assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{}: 17 bytes as {len}", way.name);
            }
            // What is cut off was no padding.
            let refusal = way.unwrap(session, &wrapped, &unwrapped_secret(CKK_GENERIC_SECRET, 16));
            let code = refusal.expect_err(&way.name).0;
            assert!(matches!(code, CKR_WRAPPED_KEY_INVALID | CKR_WRAPPED_KEY_LEN_RANGE), "{}: 0x{code:x}", way.name);
        }
    }
}

#[test]
fn templates_that_say_too_little_or_too_much() {
    let token = Token::new();
    let session = token.user();
    let key = wrapping_key(session, CKK_AES, 32);
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 14))).unwrap();
    let pair = pair_sample("secp256r1").pair(session, &[], &open()).unwrap().1;
    let kwp = plain(KWP);
    let blob = session.wrap(&kwp, key, target).unwrap();
    let private = session.wrap(&kwp, key, pair).unwrap();
    let good = unwrapped_secret(CKK_AES, 16);
    let good_private = unwrapped(CKO_PRIVATE_KEY, CKK_EC);
    let objects = session.find(&[]).len();
    for missing in [CKA_CLASS, CKA_KEY_TYPE] {
        for (blob, good) in [(&blob, &good), (&private, &good_private)] {
            let refusal = session.unwrap(&kwp, key, blob, &without(good, missing));
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCOMPLETE));
        }
    }
    for (wrong, code) in [
        (number(CKA_CLASS, CKO_DATA), CKR_TEMPLATE_INCONSISTENT),
        (number(CKA_CLASS, CKO_PUBLIC_KEY), CKR_TEMPLATE_INCONSISTENT),
        (number(CKA_KEY_TYPE, 0x7777_7777), CKR_ATTRIBUTE_VALUE_INVALID),
        (number(CKA_KEY_TYPE, CKK_RSA), CKR_ATTRIBUTE_VALUE_INVALID),
        (bytes(CKA_VALUE, [1; 16]), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_LOCAL, true), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_ALWAYS_SENSITIVE, true), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_NEVER_EXTRACTABLE, true), CKR_ATTRIBUTE_READ_ONLY),
        (number(CKA_KEY_GEN_MECHANISM, CKM_AES_KEY_GEN), CKR_ATTRIBUTE_READ_ONLY),
        (bytes(CKA_UNIQUE_ID, b"mine"), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_TRUSTED, true), CKR_ATTRIBUTE_READ_ONLY),
        (bytes(CKA_MODULUS, [1]), CKR_TEMPLATE_INCONSISTENT),
        (bytes(CKA_CHECK_VALUE, [1, 2, 3]), CKR_ATTRIBUTE_VALUE_INVALID),
    ] {
        let refusal = session.unwrap(&kwp, key, &blob, &with(&good, std::slice::from_ref(&wrong)));
        assert_eq!(refusal, refused(code), "{:?}", wrong.attribute);
    }
    for (wrong, code) in [
        (number(CKA_VALUE_LEN, 32), CKR_TEMPLATE_INCONSISTENT),
        (bytes(CKA_VALUE, [1; 32]), CKR_ATTRIBUTE_READ_ONLY),
        (bytes(CKA_EC_PARAMS, crate::pair_samples::P256), CKR_ATTRIBUTE_READ_ONLY),
        (flag(CKA_ENCRYPT, true), CKR_TEMPLATE_INCONSISTENT),
        (flag(CKA_LOCAL, false), CKR_ATTRIBUTE_READ_ONLY),
        (number(CKA_KEY_TYPE, CKK_AES), CKR_ATTRIBUTE_VALUE_INVALID),
    ] {
        let refusal = session.unwrap(&kwp, key, &private, &with(&good_private, std::slice::from_ref(&wrong)));
        assert_eq!(refusal, refused(code), "0x{:x}", wrong.attribute);
    }
    let read_only = token.read_only();
    let refusal = read_only.unwrap(&kwp, key, &blob, &with(&good, &[flag(CKA_TOKEN, true)]));
    assert_eq!(refusal, refused(CKR_SESSION_READ_ONLY));
    assert_eq!(session.find(&[]).len(), objects);
}

/// A blob of one kind is not taken for another.
#[test]
fn kinds_that_are_confused() {
    let token = Token::new();
    let session = token.user();
    let names = ["RSA 2048", "secp256r1", "Ed25519", "X25519", "DSA 2048", "DH 2048", "X9.42 DH 2048", "ML-KEM-768"];
    let names = [&names[..], &["ML-DSA-65", "SLH-DSA-SHA2-128f"]].concat();
    let types: Vec<CK_KEY_TYPE> = names.iter().map(|name| pair_sample(name).key_type).collect();
    let kwp = plain(KWP);
    let key = wrapping_key(session, CKK_AES, 32);
    for name in names {
        let sample = pair_sample(name);
        let (_, private) = sample.pair(session, &[], &open()).unwrap();
        let wrapped = session.wrap(&kwp, key, private).unwrap();
        for other in types.iter().copied().filter(|other| *other != sample.key_type) {
            let refusal = session.unwrap(&kwp, key, &wrapped, &unwrapped(CKO_PRIVATE_KEY, other));
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_INVALID), "{name} as 0x{other:x}");
        }
        // Its encoding is no key.
        let refusal = session.unwrap(&kwp, key, &wrapped, &unwrapped(CKO_SECRET_KEY, CKK_AES));
        assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{name}");
    }
    // A value without the parity of DES.
    let aes = session.create(&secret(CKK_AES, &[0x11; 24])).unwrap();
    for way in ways(session) {
        let wrapped = way.wrap(session, aes).unwrap();
        if way.mechanism.id != CKM_RSA_PKCS {
            let refusal = way.unwrap(session, &wrapped, &unwrapped(CKO_SECRET_KEY, CKK_DES3));
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_INVALID), "{}", way.name);
        }
        if way.takes_private() {
            for key_type in [CKK_RSA, CKK_EC, CKK_ML_DSA] {
                let refusal = way.unwrap(session, &wrapped, &unwrapped(CKO_PRIVATE_KEY, key_type));
                assert_eq!(refusal, refused(CKR_WRAPPED_KEY_INVALID), "{}", way.name);
            }
        } else {
            let refusal = way.unwrap(session, &wrapped, &unwrapped(CKO_PRIVATE_KEY, CKK_EC));
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCONSISTENT), "{}", way.name);
        }
    }
}

/// Nothing is no key, in any type.
#[test]
fn blobs_of_nothing() {
    let token = Token::new();
    let session = token.user();
    let raw = value(CKK_AES, 16, 15);
    let more = [CKA_ENCRYPT, CKA_UNWRAP].map(|usage| flag(usage, true));
    let key = session.create(&with(&secret(CKK_AES, &raw), &more)).unwrap();
    for mechanism in [
        with_iv(CKM_AES_CBC_PAD, &[1; 16]),
        with_iv(CKM_AES_CBC, &[1; 16]),
        plain(CKM_AES_ECB),
        gcm(b"", 128),
        super::ccm(0, b"", 16),
    ] {
        let nothing = session.run(crate::session::Work::Encrypt, &mechanism, key, b"").unwrap();
        for key_type in [CKK_AES, CKK_GENERIC_SECRET, CKK_DES3, CKK_CHACHA20, CKK_SHA256_HMAC] {
            let template = unwrapped(CKO_SECRET_KEY, key_type);
            let code = session.unwrap(&mechanism, key, &nothing, &template).unwrap_err().0;
            let known = [CKR_WRAPPED_KEY_LEN_RANGE, CKR_WRAPPED_KEY_INVALID, CKR_TEMPLATE_INCOMPLETE];
            assert!(known.contains(&code), "{mechanism:?}: 0x{code:x}");
            let template = with(&template, &[number(CKA_VALUE_LEN, 0)]);
            let refusal = session.unwrap(&mechanism, key, &nothing, &template);
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{mechanism:?}");
        }
        let refusal = session.unwrap(&mechanism, key, &nothing, &unwrapped(CKO_PRIVATE_KEY, CKK_EC));
        let code = refusal.unwrap_err().0;
        assert!(matches!(code, CKR_WRAPPED_KEY_INVALID | CKR_TEMPLATE_INCONSISTENT), "{mechanism:?}: 0x{code:x}");
    }
    let (public, private) = pair_sample("RSA 2048").pair(session, &[], &[flag(CKA_UNWRAP, true)]).unwrap();
    for mechanism in
        [plain(CKM_RSA_PKCS), Mechanism { id: CKM_RSA_PKCS_OAEP, parameter: Parameter::Oaep(oaep_sha256()) }]
    {
        let nothing = session.run(crate::session::Work::Encrypt, &mechanism, public, b"").unwrap();
        for key_type in [CKK_AES, CKK_GENERIC_SECRET] {
            let code = session.unwrap(&mechanism, private, &nothing, &unwrapped(CKO_SECRET_KEY, key_type));
            let code = code.unwrap_err().0;
            assert!(matches!(code, CKR_WRAPPED_KEY_INVALID | CKR_WRAPPED_KEY_LEN_RANGE), "0x{code:x}");
        }
    }
}

#[test]
fn nobody_wraps_without_a_login() {
    let token = Token::new();
    let session = token.user();
    let public_place = [flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false), flag(CKA_WRAP, true), flag(CKA_UNWRAP, true)];
    let key = session.create(&with(&secret(CKK_AES, &value(CKK_AES, 16, 16)), &public_place)).unwrap();
    let target = session.create(&with(&secret(CKK_AES, &value(CKK_AES, 16, 17)), &public_place)).unwrap();
    let kwp = plain(KWP);
    let blob = session.wrap(&kwp, key, target).unwrap();
    session.logout().unwrap();
    assert_eq!(session.wrap(&kwp, key, target), refused(CKR_USER_NOT_LOGGED_IN));
    let template = with(&unwrapped_secret(CKK_AES, 16), &[flag(CKA_PRIVATE, false)]);
    assert_eq!(session.unwrap(&kwp, key, &blob, &template), refused(CKR_USER_NOT_LOGGED_IN));
}
