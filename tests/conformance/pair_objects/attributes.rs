//! The rules of the attributes.

use cryptoki_sys::*;

use super::one_of_each;
use crate::module::{Token, refused};
use crate::pair_samples::{PAIRS, PairSample, open};
use crate::parameters::plain;
use crate::template::{Entry, bytes, flag, number, with, without};

const USAGES: [CK_ATTRIBUTE_TYPE; 13] = [
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_DERIVE,
    CKA_ENCAPSULATE,
    CKA_DECAPSULATE,
    CKA_TRUSTED,
    CKA_WRAP_WITH_TRUSTED,
];

/// What each half may do where its template is silent: all that its type is for, and neither wraps nor agreements that
/// somebody has to want.
fn usual(sample: &PairSample) -> (&'static [CK_ATTRIBUTE_TYPE], &'static [CK_ATTRIBUTE_TYPE]) {
    match sample.key_type {
        CKK_RSA => (
            &[CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP],
            &[CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP],
        ),
        CKK_EC => (&[CKA_VERIFY, CKA_DERIVE], &[CKA_SIGN, CKA_DERIVE]),
        CKK_EC_MONTGOMERY | CKK_DH | CKK_X9_42_DH => (&[CKA_DERIVE], &[CKA_DERIVE]),
        CKK_ML_KEM => (&[CKA_ENCAPSULATE], &[CKA_DECAPSULATE]),
        _ => (&[CKA_VERIFY], &[CKA_SIGN]),
    }
}

#[test]
fn a_new_pair_has_these_attributes() {
    let token = Token::new();
    let session = token.user();
    for sample in PAIRS.iter().filter(|sample| sample.key_type != CKK_SLH_DSA || sample.name.ends_with("128f")) {
        let (public, private) = sample.pair(session, &[], &[]).unwrap();
        let (public_usage, private_usage) = usual(sample);
        for (half, class, usages) in [(public, CKO_PUBLIC_KEY, public_usage), (private, CKO_PRIVATE_KEY, private_usage)]
        {
            let context = format!("{} 0x{class:x}", sample.name);
            assert_eq!(session.number(half, CKA_CLASS), class, "{context}");
            assert_eq!(session.number(half, CKA_KEY_TYPE), sample.key_type, "{context}");
            assert_eq!(session.number(half, CKA_KEY_GEN_MECHANISM), sample.generate, "{context}");
            for truth in [CKA_LOCAL, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE] {
                assert!(session.flag(half, truth), "{context} 0x{truth:x}");
            }
            assert!(!session.flag(half, CKA_TOKEN), "{context}");
            for empty in [CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_START_DATE, CKA_END_DATE, CKA_ALLOWED_MECHANISMS] {
                assert_eq!(session.get(half, empty).as_deref(), Ok(&b""[..]), "{context} 0x{empty:x}");
            }
            for usage in USAGES {
                match session.get(half, usage) {
                    Ok(value) => assert_eq!(value == [1], usages.contains(&usage), "{context} 0x{usage:x}"),
                    Err(code) => {
                        assert_eq!(code.0, CKR_ATTRIBUTE_TYPE_INVALID, "{context} 0x{usage:x}");
                        assert!(!usages.contains(&usage), "{context} 0x{usage:x}");
                    }
                }
            }
            assert_eq!(session.get(half, CKA_CHECK_VALUE).unwrap().len(), 3, "{context}");
            for other in [CKA_VALUE_LEN, CKA_CERTIFICATE_TYPE, CKA_APPLICATION, CKA_PRIME_BITS] {
                assert_eq!(session.get(half, other), refused(CKR_ATTRIBUTE_TYPE_INVALID), "{context} 0x{other:x}");
            }
        }
        assert!(!session.flag(public, CKA_PRIVATE));
        assert_eq!(session.get(public, CKA_SENSITIVE), refused(CKR_ATTRIBUTE_TYPE_INVALID));
        for (attribute, truth) in [
            (CKA_PRIVATE, true),
            (CKA_SENSITIVE, true),
            (CKA_EXTRACTABLE, false),
            (CKA_ALWAYS_SENSITIVE, true),
            (CKA_NEVER_EXTRACTABLE, true),
            (CKA_ALWAYS_AUTHENTICATE, false),
            (CKA_WRAP_WITH_TRUSTED, false),
        ] {
            assert_eq!(session.flag(private, attribute), truth, "{} 0x{attribute:x}", sample.name);
        }
        for secret in sample.secrets() {
            assert_eq!(session.get(private, *secret), refused(CKR_ATTRIBUTE_SENSITIVE), "{}", sample.name);
        }
        for shared in [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE].iter().chain(sample.private_public()) {
            assert_eq!(session.get(public, *shared), session.get(private, *shared), "{} 0x{shared:x}", sample.name);
            assert!(!session.get(public, *shared).unwrap().is_empty());
        }
        // The check value: SHA-1 of the public key info.
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let digest = session.run(crate::session::Work::Digest, &plain(CKM_SHA_1), 0, &info).unwrap();
        assert_eq!(session.get(public, CKA_CHECK_VALUE).as_deref(), Ok(&digest[..3]), "{}", sample.name);
    }
}

/// §4.9: what was always so.
#[test]
fn histories_are_kept() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        for (sensitive, extractable) in [(true, true), (false, false), (false, true)] {
            let template = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
            let (_, private) = sample.pair(session, &[], &template).unwrap();
            assert_eq!(session.flag(private, CKA_ALWAYS_SENSITIVE), sensitive);
            assert_eq!(session.flag(private, CKA_NEVER_EXTRACTABLE), !extractable);
            session.set(private, &[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)]).unwrap();
            assert_eq!(session.flag(private, CKA_ALWAYS_SENSITIVE), sensitive);
            assert_eq!(session.flag(private, CKA_NEVER_EXTRACTABLE), !extractable);
            for back in [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)] {
                assert_eq!(session.set(private, std::slice::from_ref(&back)), refused(CKR_ATTRIBUTE_READ_ONLY));
                assert_eq!(session.copy(private, &[back]), refused(CKR_ATTRIBUTE_READ_ONLY));
            }
        }
    }
}

#[test]
fn imported_halves() {
    let token = Token::new();
    let session = token.user();
    for sample in PAIRS {
        let (public, private) = sample.pair(session, &[], &open()).unwrap();
        let public_template = sample.import(session, CKO_PUBLIC_KEY, public, &sample.public_parts());
        let parts = [sample.private_public(), sample.secrets()].concat();
        let private_template = sample.import(session, CKO_PRIVATE_KEY, private, &parts);
        let own = session.create(&public_template).unwrap_or_else(|code| panic!("{}: {code:?}", sample.name));
        let secret = session.create(&private_template).unwrap_or_else(|code| panic!("{}: {code:?}", sample.name));
        sample.check_pair(session, own, secret);
        for (half, original) in [(own, public), (secret, private)] {
            assert!(!session.flag(half, CKA_LOCAL), "{}", sample.name);
            assert_eq!(session.number(half, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION, "{}", sample.name);
            for attribute in [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE] {
                assert_eq!(session.get(half, attribute), session.get(original, attribute), "{}", sample.name);
            }
        }
        for (attribute, truth) in [
            (CKA_PRIVATE, true),
            (CKA_SENSITIVE, true),
            (CKA_EXTRACTABLE, false),
            (CKA_ALWAYS_SENSITIVE, false),
            (CKA_NEVER_EXTRACTABLE, false),
        ] {
            assert_eq!(session.flag(secret, attribute), truth, "{} 0x{attribute:x}", sample.name);
        }
        let readable = session.create(&with(&private_template, &open())).unwrap();
        for part in sample.secrets() {
            assert_eq!(session.get(readable, *part), session.get(private, *part), "{}", sample.name);
        }
        for object in [public, private, own, secret, readable] {
            session.destroy(object).unwrap();
        }
    }
}

#[test]
fn what_is_needed_and_what_may_not_be_given() {
    let token = Token::new();
    let session = token.user();
    let never: [Entry; 5] = [
        flag(CKA_LOCAL, true),
        number(CKA_KEY_GEN_MECHANISM, CKM_RSA_PKCS_KEY_PAIR_GEN),
        bytes(CKA_UNIQUE_ID, b"0123456789abcdef0123456789abcdef"),
        number(CKA_OBJECT_VALIDATION_FLAGS, 1),
        flag(CKA_TRUSTED, true),
    ];
    let never_private = [flag(CKA_ALWAYS_SENSITIVE, true), flag(CKA_NEVER_EXTRACTABLE, true)];
    for sample in one_of_each() {
        let name = sample.name;
        let (public, private) = sample.pair(session, &[], &open()).unwrap();
        let public_template = sample.import(session, CKO_PUBLIC_KEY, public, &sample.public_parts());
        let parts = [sample.private_public(), sample.secrets()].concat();
        let private_template = sample.import(session, CKO_PRIVATE_KEY, private, &parts);
        let before = session.find(&[]).len();
        for entry in &public_template {
            let refusal = session.create(&without(&public_template, entry.attribute));
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCOMPLETE), "{name} without 0x{:x}", entry.attribute);
        }
        // Of seed and value one is enough; RSA finds its primes, and takes the usual exponent.
        let offered: &[CK_ATTRIBUTE_TYPE] = match sample.key_type {
            CKK_RSA => &[CKA_PUBLIC_EXPONENT, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT],
            CKK_ML_KEM | CKK_ML_DSA => &[CKA_SEED, CKA_VALUE],
            _ => &[],
        };
        for entry in &private_template {
            let outcome = session.create(&without(&private_template, entry.attribute));
            match outcome {
                Ok(key) if offered.contains(&entry.attribute) => {
                    assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO), session.get(public, CKA_PUBLIC_KEY_INFO));
                    session.destroy(key).unwrap();
                }
                Ok(_) => panic!("{name} without 0x{:x}", entry.attribute),
                Err(code) => {
                    let one_prime = matches!(entry.attribute, CKA_PRIME_1 | CKA_PRIME_2) && sample.key_type == CKK_RSA;
                    let expected = if one_prime { CKR_ATTRIBUTE_VALUE_INVALID } else { CKR_TEMPLATE_INCOMPLETE };
                    assert_eq!(code.0, expected, "{name} without 0x{:x}", entry.attribute);
                }
            }
        }
        let generate = |public: &[Entry], private: &[Entry]| sample.pair(session, public, private).map(|_| ());
        for entry in &never {
            for template in [&public_template, &private_template] {
                let code = session.create(&with(template, std::slice::from_ref(entry))).unwrap_err().0;
                assert!(
                    matches!(code, CKR_ATTRIBUTE_READ_ONLY)
                        || (entry.attribute == CKA_TRUSTED && code == CKR_TEMPLATE_INCONSISTENT),
                    "{name} 0x{:x}: 0x{code:x}",
                    entry.attribute
                );
            }
            let refusal = generate(std::slice::from_ref(entry), &[]);
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "{name} 0x{:x}", entry.attribute);
        }
        for entry in &never_private {
            let given = std::slice::from_ref(entry);
            assert_eq!(session.create(&with(&private_template, given)), refused(CKR_ATTRIBUTE_READ_ONLY), "{name}");
            assert_eq!(generate(&[], given), refused(CKR_ATTRIBUTE_READ_ONLY), "{name}");
            assert_eq!(generate(given, &[]), refused(CKR_TEMPLATE_INCONSISTENT), "{name}");
        }
        // What a generator makes cannot be given to it.
        for part in sample.secrets() {
            let given = [bytes(*part, [1; 32])];
            assert_eq!(generate(&[], &given), refused(CKR_ATTRIBUTE_READ_ONLY), "{name} 0x{part:x}");
        }
        let made: Vec<_> =
            sample.public_parts().into_iter().filter(|part| !sample.private_public().contains(part)).collect();
        for part in made {
            assert_eq!(generate(&[bytes(part, [4; 65])], &[]), refused(CKR_ATTRIBUTE_READ_ONLY), "{name} 0x{part:x}");
        }
        for needed in sample.public(session) {
            if matches!(needed.attribute, CKA_PUBLIC_EXPONENT) {
                continue;
            }
            let template = without(&sample.public(session), needed.attribute);
            let refusal = session.generate_pair(&plain(sample.generate), &template, &[]).map(|_| ());
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCOMPLETE), "{name} without 0x{:x}", needed.attribute);
        }
        for (wrong, code) in [
            (number(CKA_CLASS, CKO_SECRET_KEY), CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_KEY_TYPE, CKK_AES), CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_VALUE_LEN, 32), CKR_TEMPLATE_INCONSISTENT),
            (bytes(CKA_URL, b"http://"), CKR_TEMPLATE_INCONSISTENT),
        ] {
            let wrong = [wrong];
            assert_eq!(generate(&wrong, &[]), refused(code), "{name} {wrong:?}");
            assert_eq!(generate(&[], &wrong), refused(code), "{name} {wrong:?}");
        }
        assert_eq!(generate(&[], &[flag(CKA_VERIFY, true)]), refused(CKR_TEMPLATE_INCONSISTENT), "{name}");
        assert_eq!(generate(&[flag(CKA_SIGN, true)], &[]), refused(CKR_TEMPLATE_INCONSISTENT), "{name}");
        let read_only = token.read_only();
        let kept = [flag(CKA_TOKEN, true)];
        assert_eq!(sample.pair(read_only, &kept, &[]).map(|_| ()), refused(CKR_SESSION_READ_ONLY), "{name}");
        assert_eq!(sample.pair(read_only, &[], &kept).map(|_| ()), refused(CKR_SESSION_READ_ONLY), "{name}");
        assert_eq!(session.find(&[]).len(), before, "{name}: one half without the other");
    }
}

/// §4.8, §4.9: a public key info that is given is the key's own.
#[test]
fn public_key_infos_and_check_values_are_compared() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        let name = sample.name;
        let (public, private) = sample.pair(session, &[], &open()).unwrap();
        let (other, _) = sample.pair(session, &[], &[]).unwrap();
        let parts = [sample.private_public(), sample.secrets()].concat();
        for template in [
            sample.import(session, CKO_PUBLIC_KEY, public, &sample.public_parts()),
            sample.import(session, CKO_PRIVATE_KEY, private, &parts),
        ] {
            for attribute in [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE] {
                let right = session.get(public, attribute).unwrap();
                let key = session.create(&with(&template, &[bytes(attribute, &right)])).unwrap();
                assert_eq!(session.get(key, attribute).as_ref(), Ok(&right), "{name}");
                session.destroy(key).unwrap();
                let mut wrong = right.clone();
                *wrong.last_mut().unwrap() ^= 1;
                for wrong in [wrong, right[1..].to_vec(), session.get(other, attribute).unwrap()] {
                    let refusal = session.create(&with(&template, &[bytes(attribute, wrong)]));
                    assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{name} 0x{attribute:x}");
                }
            }
            let none = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, [])])).unwrap();
            assert_eq!(session.get(none, CKA_CHECK_VALUE).as_deref(), Ok(&b""[..]), "{name}");
            let none = session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, [])])).unwrap();
            assert_eq!(session.get(none, CKA_PUBLIC_KEY_INFO), session.get(public, CKA_PUBLIC_KEY_INFO), "{name}");
        }
    }
}

#[test]
fn what_can_be_changed_and_what_cannot() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        for place in [false, true] {
            let (public, private) = sample.pair(session, &[flag(CKA_TOKEN, place)], &[flag(CKA_TOKEN, place)]).unwrap();
            let (public_usage, private_usage) = usual(sample);
            for (half, usages) in [(public, public_usage), (private, private_usage)] {
                for (attribute, value) in [
                    (CKA_LABEL, &b"label"[..]),
                    (CKA_ID, &[0, 1]),
                    (CKA_SUBJECT, b"\x30\x00"),
                    (CKA_START_DATE, b"20260101"),
                ] {
                    session.set(half, &[bytes(attribute, value)]).unwrap();
                    assert_eq!(session.get(half, attribute).as_deref(), Ok(value), "{}", sample.name);
                }
                for usage in usages {
                    for truth in [false, true] {
                        session.set(half, &[flag(*usage, truth)]).unwrap();
                        assert_eq!(session.flag(half, *usage), truth, "{}", sample.name);
                    }
                }
                let read_only = [CKA_KEY_TYPE, CKA_CLASS, CKA_LOCAL, CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE];
                let own = [CKA_KEY_GEN_MECHANISM, CKA_UNIQUE_ID, CKA_ALLOWED_MECHANISMS];
                for attribute in read_only.iter().chain(&own).chain(sample.private_public()) {
                    let value = session.get(half, *attribute).unwrap();
                    let refusal = session.set(half, &[bytes(*attribute, value)]);
                    assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "{} 0x{attribute:x}", sample.name);
                }
            }
            // §4.9: it can be given, and must be that of the key.
            let info = session.get(private, CKA_PUBLIC_KEY_INFO).unwrap();
            for (value, outcome) in
                [(&info[..], Ok(())), (&[], Ok(())), (&info[1..], refused(CKR_ATTRIBUTE_VALUE_INVALID))]
            {
                assert_eq!(session.set(private, &[bytes(CKA_PUBLIC_KEY_INFO, value)]), outcome, "{}", sample.name);
                let copy = session.copy(private, &[bytes(CKA_PUBLIC_KEY_INFO, value), flag(CKA_TOKEN, false)]);
                assert_eq!(copy.map(drop), outcome, "{}", sample.name);
                assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO).unwrap(), info, "{}", sample.name);
            }
            let refusal = session.set(public, &[bytes(CKA_PUBLIC_KEY_INFO, &info)]);
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "{}", sample.name);
            for secret in sample.secrets() {
                let refusal = session.set(private, &[bytes(*secret, [1; 32])]);
                assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "{}", sample.name);
            }
            for wrong in [CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_ALWAYS_AUTHENTICATE] {
                let refusal = session.set(private, &[flag(wrong, true)]);
                assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY), "{}", sample.name);
            }
            // What may no longer be done is not done, and done again when it may.
            if let Some(mechanism) = sample.signs {
                session.set(private, &[flag(CKA_SIGN, false)]).unwrap();
                let refusal = session.sign(&plain(mechanism), private, b"x");
                assert_eq!(refusal, refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{}", sample.name);
                session.set(private, &[flag(CKA_SIGN, true)]).unwrap();
                session.set(public, &[flag(CKA_VERIFY, false)]).unwrap();
                let refusal = session.verify_init(&plain(mechanism), public);
                assert_eq!(refusal, refused(CKR_KEY_FUNCTION_NOT_PERMITTED), "{}", sample.name);
                session.set(public, &[flag(CKA_VERIFY, true)]).unwrap();
                sample.check_pair(session, public, private);
            }
            let fixed = sample.pair(session, &[flag(CKA_MODIFIABLE, false)], &[flag(CKA_MODIFIABLE, false)]).unwrap();
            for half in [fixed.0, fixed.1] {
                assert_eq!(session.set(half, &[bytes(CKA_LABEL, "x")]), refused(CKR_ACTION_PROHIBITED));
            }
        }
    }
}

#[test]
fn copies_are_the_same_key() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        let (public, private) = sample.pair(session, &[], &open()).unwrap();
        let kept = [flag(CKA_TOKEN, true), bytes(CKA_LABEL, "copy"), bytes(CKA_ID, [9])];
        let (public_copy, private_copy) = (session.copy(public, &kept).unwrap(), session.copy(private, &kept).unwrap());
        sample.check_pair(session, public_copy, private);
        sample.check_pair(session, public, private_copy);
        for (half, copy) in [(public, public_copy), (private, private_copy)] {
            for attribute in [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_LOCAL, CKA_KEY_GEN_MECHANISM, CKA_KEY_TYPE] {
                assert_eq!(session.get(half, attribute), session.get(copy, attribute), "{}", sample.name);
            }
            assert_ne!(session.get(half, CKA_UNIQUE_ID), session.get(copy, CKA_UNIQUE_ID));
            assert_eq!(session.get(copy, CKA_LABEL).as_deref(), Ok(&b"copy"[..]));
            assert!(session.flag(copy, CKA_TOKEN));
        }
        for secret in sample.secrets() {
            assert_eq!(session.get(private, *secret), session.get(private_copy, *secret), "{}", sample.name);
        }
        let closed = session.copy(private, &[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, false)]).unwrap();
        for secret in sample.secrets() {
            assert_eq!(session.get(closed, *secret), refused(CKR_ATTRIBUTE_SENSITIVE), "{}", sample.name);
        }
        for part in sample.private_public() {
            let value = session.get(private, *part).unwrap();
            assert_eq!(session.copy(private, &[bytes(*part, value)]), refused(CKR_ATTRIBUTE_READ_ONLY));
        }
        let (rigid, _) = sample.pair(session, &[flag(CKA_COPYABLE, false)], &[]).unwrap();
        assert_eq!(session.copy(rigid, &[]), refused(CKR_ACTION_PROHIBITED));
    }
}
