//! New pairs: sizes, exponents, attributes.

use cryptoki_sys::*;

use super::{generate, pair};
use crate::module::{Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::session::{NOTHING, Session, Work};
use crate::template::{Entry, bytes, flag, number, with};

/// The attributes a sensitive or unextractable private key keeps for itself (PKCS#11 3.2 §6.1.3, footnote 7).
const SECRETS: [CK_ATTRIBUTE_TYPE; 6] =
    [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];

fn bits(bits: CK_ULONG) -> [Entry; 1] {
    [number(CKA_MODULUS_BITS, bits)]
}

/// Signs with one half, verifies with the other, and encrypts and decrypts.
fn check_pair(session: Session, (public, private): (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)) {
    let signature = session.sign(&plain(CKM_SHA256_RSA_PKCS), private, b"data").unwrap();
    assert_eq!(signature.len(), session.get(public, CKA_MODULUS).unwrap().len());
    session.check(&plain(CKM_SHA256_RSA_PKCS), public, b"data", &signature).unwrap();
    let ciphertext = session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), public, b"data").unwrap();
    assert_eq!(session.run(Work::Decrypt, &plain(CKM_RSA_PKCS), private, &ciphertext).unwrap(), b"data");
}

#[test]
fn rsa_pairs_have_the_size_that_was_asked_for() {
    let token = Token::new();
    let session = token.user();
    for size in [1024, 2048, 3072, 4096] {
        let pair = generate(session, &bits(size), &[]).unwrap();
        let modulus = session.get(pair.0, CKA_MODULUS).unwrap();
        assert_eq!(modulus.len() as CK_ULONG * 8, size);
        assert!(modulus[0] & 0x80 != 0, "the highest bit is set");
        assert_eq!(session.number(pair.0, CKA_MODULUS_BITS), size);
        assert_eq!(session.get(pair.1, CKA_MODULUS).unwrap(), modulus);
        check_pair(session, pair);
    }
}

#[test]
fn rsa_sizes_that_are_not_offered_are_refused() {
    let token = Token::new();
    let session = token.user();
    for size in [0, 1, 512, 1000, 1023, 1025, 1032, 1088, 2047, 2049, 3000, 4095, 16383, 16385, 16512, CK_ULONG::MAX] {
        assert_eq!(generate(session, &bits(size), &[]), refused(CKR_KEY_SIZE_RANGE), "{size}");
    }
    assert_eq!(session.find(&[]), NOTHING);
    // The limits are those the mechanism tells.
    let mut info = CK_MECHANISM_INFO::default();
    call!(C_GetMechanismInfo(token.slot, CKM_RSA_PKCS_KEY_PAIR_GEN, &mut info)).unwrap();
    assert_eq!((info.ulMinKeySize, info.ulMaxKeySize, info.flags), (1024, 16384, CKF_GENERATE_KEY_PAIR));
}

#[test]
fn rsa_exponents_are_those_of_the_template_or_65537() {
    let token = Token::new();
    let session = token.user();
    let with_exponent = |exponent: &[u8]| with(&bits(1024), &[bytes(CKA_PUBLIC_EXPONENT, exponent)]);
    for (given, kept) in [
        (&[3][..], &[3][..]),
        (&[17], &[17]),
        (&[1, 0, 1], &[1, 0, 1]),
        (&[0, 0, 1, 0, 1], &[1, 0, 1]),
        (&[0xff, 0xff, 0xff, 0xfb], &[0xff, 0xff, 0xff, 0xfb]),
    ] {
        let pair = generate(session, &with_exponent(given), &[]).unwrap();
        for half in [pair.0, pair.1] {
            assert_eq!(session.get(half, CKA_PUBLIC_EXPONENT).unwrap(), kept);
        }
        check_pair(session, pair);
    }
    let silent = pair(session, 1024);
    assert_eq!(session.get(silent.0, CKA_PUBLIC_EXPONENT).unwrap(), [1, 0, 1]);
    // PKCS#11 3.2 §6.1.4 names the error.
    for refusal in [&[0][..], &[1], &[2], &[4], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        let outcome = generate(session, &with_exponent(refusal), &[]);
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCONSISTENT), "{refusal:?}");
    }
}

#[test]
fn rsa_templates_are_read_by_the_rules_of_their_halves() {
    let token = Token::new();
    let session = token.user();
    assert_eq!(generate(session, &[], &[]), refused(CKR_TEMPLATE_INCOMPLETE));
    for (public, private, code) in [
        (vec![number(CKA_CLASS, CKO_PRIVATE_KEY)], vec![], CKR_TEMPLATE_INCONSISTENT),
        (vec![number(CKA_KEY_TYPE, CKK_EC)], vec![], CKR_TEMPLATE_INCONSISTENT),
        (vec![], vec![number(CKA_KEY_TYPE, CKK_AES)], CKR_TEMPLATE_INCONSISTENT),
        (vec![], vec![number(CKA_CLASS, CKO_PUBLIC_KEY)], CKR_TEMPLATE_INCONSISTENT),
        (vec![], bits(1024).to_vec(), CKR_TEMPLATE_INCONSISTENT),
        (vec![flag(CKA_SIGN, true)], vec![], CKR_TEMPLATE_INCONSISTENT),
        (vec![], vec![flag(CKA_VERIFY, true)], CKR_TEMPLATE_INCONSISTENT),
        (vec![bytes(CKA_MODULUS, [0xff; 128])], vec![], CKR_ATTRIBUTE_READ_ONLY),
        (vec![], vec![bytes(CKA_PRIVATE_EXPONENT, [0xff; 128])], CKR_ATTRIBUTE_READ_ONLY),
        (vec![], vec![bytes(CKA_PRIME_1, [0xff; 64])], CKR_ATTRIBUTE_READ_ONLY),
        (vec![flag(CKA_LOCAL, false)], vec![], CKR_ATTRIBUTE_READ_ONLY),
        (vec![], vec![flag(CKA_ALWAYS_SENSITIVE, true)], CKR_ATTRIBUTE_READ_ONLY),
        (vec![], vec![flag(CKA_NEVER_EXTRACTABLE, true)], CKR_ATTRIBUTE_READ_ONLY),
        (vec![], vec![number(CKA_KEY_GEN_MECHANISM, CKM_RSA_PKCS_KEY_PAIR_GEN)], CKR_ATTRIBUTE_READ_ONLY),
        (vec![bytes(CKA_CHECK_VALUE, [1, 2, 3])], vec![], CKR_ATTRIBUTE_READ_ONLY),
        (vec![flag(CKA_TRUSTED, true)], vec![], CKR_ATTRIBUTE_READ_ONLY),
    ] {
        let outcome = generate(session, &with(&bits(1024), &public), &private);
        assert_eq!(outcome, refused(code), "{public:?} {private:?}");
    }
    let parameter = Parameter::Bytes(vec![1]);
    let outcome = session.generate_pair(&Mechanism { id: CKM_RSA_PKCS_KEY_PAIR_GEN, parameter }, &bits(1024), &[]);
    assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID));
    let outcome = session.generate_pair(&plain(CKM_RSA_PKCS), &bits(1024), &[]);
    assert_eq!(outcome, refused(CKR_MECHANISM_INVALID));
    assert_eq!(session.generate(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &bits(1024)), refused(CKR_MECHANISM_INVALID));
    assert_eq!(session.find(&[]), NOTHING);
    // Saying what the mechanism makes anyway is no contradiction.
    let public = [number(CKA_CLASS, CKO_PUBLIC_KEY), number(CKA_KEY_TYPE, CKK_RSA)];
    let private = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_RSA)];
    generate(session, &with(&bits(1024), &public), &private).unwrap();
}

#[test]
fn a_new_rsa_pair_says_where_it_comes_from_and_may_do_what_rsa_can() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = pair(session, 1024);
    for (half, class) in [(public, CKO_PUBLIC_KEY), (private, CKO_PRIVATE_KEY)] {
        assert_eq!(session.number(half, CKA_CLASS), class);
        assert_eq!(session.number(half, CKA_KEY_TYPE), CKK_RSA);
        assert_eq!(session.number(half, CKA_KEY_GEN_MECHANISM), CKM_RSA_PKCS_KEY_PAIR_GEN);
        for (attribute, value) in [
            (CKA_LOCAL, true),
            (CKA_TOKEN, false),
            (CKA_MODIFIABLE, true),
            (CKA_COPYABLE, true),
            (CKA_DESTROYABLE, true),
            (CKA_DERIVE, false),
        ] {
            assert_eq!(session.flag(half, attribute), value, "0x{attribute:x}");
        }
        for attribute in [CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_START_DATE, CKA_END_DATE, CKA_ALLOWED_MECHANISMS] {
            assert_eq!(session.get(half, attribute).unwrap(), b"", "0x{attribute:x}");
        }
    }
    for (attribute, value) in [
        (CKA_PRIVATE, false),
        (CKA_ENCRYPT, true),
        (CKA_VERIFY, true),
        (CKA_VERIFY_RECOVER, true),
        (CKA_WRAP, true),
        (CKA_ENCAPSULATE, false),
        (CKA_TRUSTED, false),
    ] {
        assert_eq!(session.flag(public, attribute), value, "0x{attribute:x}");
    }
    for (attribute, value) in [
        (CKA_PRIVATE, true),
        (CKA_SENSITIVE, true),
        (CKA_EXTRACTABLE, false),
        (CKA_ALWAYS_SENSITIVE, true),
        (CKA_NEVER_EXTRACTABLE, true),
        (CKA_DECRYPT, true),
        (CKA_SIGN, true),
        (CKA_SIGN_RECOVER, true),
        (CKA_UNWRAP, true),
        (CKA_DECAPSULATE, false),
        (CKA_WRAP_WITH_TRUSTED, false),
        (CKA_ALWAYS_AUTHENTICATE, false),
    ] {
        assert_eq!(session.flag(private, attribute), value, "0x{attribute:x}");
    }
    for (half, missing) in [(public, CKA_SENSITIVE), (private, CKA_MODULUS_BITS), (public, CKA_PRIVATE_EXPONENT)] {
        assert_eq!(session.get(half, missing), refused(CKR_ATTRIBUTE_TYPE_INVALID), "0x{missing:x}");
    }
}

#[test]
fn secret_numbers_of_rsa_keys_are_read_only_where_the_key_is_neither_sensitive_nor_unextractable() {
    let token = Token::new();
    let session = token.user();
    for (sensitive, extractable) in [(false, true), (true, true), (false, false), (true, false)] {
        let template = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
        let (public, private) = generate(session, &bits(1024), &template).unwrap();
        assert_eq!(session.flag(private, CKA_ALWAYS_SENSITIVE), sensitive);
        assert_eq!(session.flag(private, CKA_NEVER_EXTRACTABLE), !extractable);
        for secret in SECRETS {
            let value = session.get(private, secret);
            match (sensitive, extractable) {
                (false, true) => assert!((63..=128).contains(&value.unwrap().len()), "0x{secret:x}"),
                _ => assert_eq!(value, refused(CKR_ATTRIBUTE_SENSITIVE), "0x{secret:x}"),
            }
        }
        for open in [CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO] {
            assert_eq!(session.get(private, open).unwrap(), session.get(public, open).unwrap());
        }
        if !sensitive && extractable {
            // What was read is the whole key: it comes back as another object that signs the same.
            let mut copy = vec![number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_RSA)];
            for part in SECRETS.into_iter().chain([CKA_MODULUS, CKA_PUBLIC_EXPONENT]) {
                copy.push(bytes(part, session.get(private, part).unwrap()));
            }
            let copy = session.create(&copy).unwrap();
            let sign = |key| session.sign(&plain(CKM_SHA256_RSA_PKCS), key, b"data").unwrap();
            assert_eq!(sign(copy), sign(private));
            assert!(!session.flag(copy, CKA_LOCAL));
            assert!(!session.flag(copy, CKA_ALWAYS_SENSITIVE) && !session.flag(copy, CKA_NEVER_EXTRACTABLE));
            assert_eq!(session.number(copy, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
            // Once sensitive, always closed.
            session.set(private, &[flag(CKA_SENSITIVE, true)]).unwrap();
            assert_eq!(session.get(private, CKA_PRIME_1), refused(CKR_ATTRIBUTE_SENSITIVE));
            assert_eq!(session.set(private, &[flag(CKA_SENSITIVE, false)]), refused(CKR_ATTRIBUTE_READ_ONLY));
        }
    }
}

#[test]
fn both_halves_of_an_rsa_pair_have_the_check_value_of_their_public_key_info() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = pair(session, 1024);
    let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
    let digest = session.run(Work::Digest, &plain(CKM_SHA_1), 0, &info).unwrap();
    for half in [public, private] {
        assert_eq!(session.get(half, CKA_CHECK_VALUE).unwrap(), digest[..3]);
    }
    // So have keys that come in, and what is given for them is compared.
    let numbers = super::numbers::GOOD;
    let (public, private) = numbers.import(session).unwrap();
    let check = session.get(public, CKA_CHECK_VALUE).unwrap();
    assert_eq!(session.get(private, CKA_CHECK_VALUE).unwrap(), check);
    for template in [numbers.public_template(), numbers.private_template()] {
        session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, &check)])).unwrap();
        let wrong = with(&template, &[bytes(CKA_CHECK_VALUE, [check[0] ^ 1, check[1], check[2]])]);
        assert_eq!(session.create(&wrong), refused(CKR_ATTRIBUTE_VALUE_INVALID));
        let none = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, [])])).unwrap();
        assert_eq!(session.get(none, CKA_CHECK_VALUE).unwrap(), b"");
    }
}
