//! Encapsulation and decapsulation with ML-KEM (PKCS#11 3.2 §5.18.9, §5.18.10 and §6.68).

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Outcome, Token, refused};
use crate::pairs::{Pair, decapsulate, encapsulate, generate_pair, pair_of_set, readable};
use crate::parameters::{plain, with_iv};
use crate::session::Session;
use crate::template::{bytes, flag, nested, number, numbers, with};

/// Each set, with the bytes of its public keys, ciphertexts and private values (FIPS 203 table 3).
pub(super) const SETS: [(CK_ULONG, usize, usize, usize); 3] =
    [(CKP_ML_KEM_512, 800, 768, 1632), (CKP_ML_KEM_768, 1184, 1088, 2400), (CKP_ML_KEM_1024, 1568, 1568, 3168)];

fn kem_pair(session: Session, set: CK_ULONG) -> Pair {
    pair_of_set(session, CKM_ML_KEM_KEY_PAIR_GEN, set)
}

/// Encapsulates into this buffer; `length` is what the caller says and is told.
fn encapsulate_into(session: Session, key: CK_OBJECT_HANDLE, buffer: *mut u8, length: &mut CK_ULONG) -> Outcome {
    let mut made = 0;
    let template = ptr::null_mut();
    plain(CKM_ML_KEM)
        .lend(|mechanism| call!(C_EncapsulateKey(session.0, mechanism, key, template, 0, buffer, length, &mut made)))
}

/// How many secret keys the session sees.
fn secret_keys(session: Session) -> usize {
    session.find(&[number(CKA_CLASS, CKO_SECRET_KEY)]).len()
}

#[test]
fn both_sides_get_the_same_key() {
    let token = Token::new();
    let session = token.user();
    for (set, public_bytes, ciphertext_bytes, _) in SETS {
        let pair = kem_pair(session, set);
        assert_eq!(session.get(pair.public, CKA_VALUE).unwrap().len(), public_bytes);
        let (ciphertext, mine) = encapsulate(session, pair.public, &readable()).unwrap();
        assert_eq!(ciphertext.len(), ciphertext_bytes);
        let theirs = decapsulate(session, pair.private, &readable(), &ciphertext).unwrap();
        let value = session.get(mine, CKA_VALUE).unwrap();
        assert_eq!(value.len(), 32);
        assert_eq!(session.get(theirs, CKA_VALUE).unwrap(), value);
        // Another time, another key.
        let (other, again) = encapsulate(session, pair.public, &readable()).unwrap();
        assert_ne!(other, ciphertext);
        assert_ne!(session.get(again, CKA_VALUE).unwrap(), value);
        assert_ne!(session.get(mine, CKA_UNIQUE_ID).unwrap(), session.get(theirs, CKA_UNIQUE_ID).unwrap());
    }
}

#[test]
fn a_question_for_the_length_and_a_short_buffer_make_no_key() {
    let token = Token::new();
    let session = token.user();
    for (set, _, ciphertext_bytes, _) in SETS {
        let pair = kem_pair(session, set);
        let mechanism = plain(CKM_ML_KEM);
        let before = secret_keys(session);
        let mut length = 7;
        encapsulate_into(session, pair.public, ptr::null_mut(), &mut length).unwrap();
        assert_eq!(length as usize, ciphertext_bytes);
        // The handle may be left out where only the length is asked for.
        let mut asked = 0;
        let (template, buffer, handle) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        mechanism
            .lend(|mechanism| {
                call!(C_EncapsulateKey(session.0, mechanism, pair.public, template, 0, buffer, &mut asked, handle))
            })
            .unwrap();
        assert_eq!(asked, length);
        for room in [0, 1, ciphertext_bytes - 1] {
            let mut buffer = vec![0xa5; ciphertext_bytes];
            length = room as CK_ULONG;
            let outcome = encapsulate_into(session, pair.public, buffer.as_mut_ptr(), &mut length);
            assert_eq!(outcome, refused(CKR_BUFFER_TOO_SMALL));
            assert_eq!((length as usize, buffer), (ciphertext_bytes, vec![0xa5; ciphertext_bytes]));
        }
        assert_eq!(secret_keys(session), before);
        // Too much room is room enough, and what lies behind is left alone.
        let mut buffer = vec![0xa5; ciphertext_bytes + 8];
        length = buffer.len() as CK_ULONG;
        encapsulate_into(session, pair.public, buffer.as_mut_ptr(), &mut length).unwrap();
        assert_eq!((length as usize, &buffer[ciphertext_bytes..]), (ciphertext_bytes, &[0xa5; 8][..]));
        assert_eq!(secret_keys(session), before + 1);
    }
}

#[test]
fn a_place_for_the_handle_is_needed() {
    let token = Token::new();
    let session = token.user();
    let pair = kem_pair(session, CKP_ML_KEM_512);
    let (ciphertext, _) = encapsulate(session, pair.public, &[]).unwrap();
    let before = secret_keys(session);
    let nowhere: *mut CK_OBJECT_HANDLE = ptr::null_mut();
    let mut buffer = [0; 768];
    let mut length = 768;
    plain(CKM_ML_KEM).lend(|mechanism| {
        let template = ptr::null_mut();
        let start = buffer.as_mut_ptr();
        let outcome =
            call!(C_EncapsulateKey(session.0, mechanism, pair.public, template, 0, start, &mut length, nowhere));
        assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD));
        let start = ciphertext.as_ptr().cast_mut();
        let outcome = call!(C_DecapsulateKey(session.0, mechanism, pair.private, template, 0, start, 768, nowhere));
        assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD));
    });
    assert_eq!(secret_keys(session), before);
}

#[test]
fn keys_are_of_the_type_and_length_the_template_says() {
    let token = Token::new();
    let session = token.user();
    let pair = kem_pair(session, CKP_ML_KEM_768);
    let of = |key_type, bytes: Option<CK_ULONG>| {
        let mut template = with(&readable(), &[number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, key_type)]);
        template.extend(bytes.map(|bytes| number(CKA_VALUE_LEN, bytes)));
        template
    };
    let (ciphertext, whole) = encapsulate(session, pair.public, &readable()).unwrap();
    assert_eq!(session.number(whole, CKA_KEY_TYPE), CKK_GENERIC_SECRET);
    let shared = session.get(whole, CKA_VALUE).unwrap();
    for (key_type, given, length) in [
        (CKK_GENERIC_SECRET, None, 32),
        (CKK_GENERIC_SECRET, Some(1), 1),
        (CKK_GENERIC_SECRET, Some(20), 20),
        (CKK_AES, None, 32),
        (CKK_AES, Some(16), 16),
        (CKK_AES, Some(24), 24),
        (CKK_AES, Some(32), 32),
        (CKK_CHACHA20, None, 32),
        (CKK_SHA256_HMAC, None, 32),
        (CKK_HKDF, Some(32), 32),
    ] {
        let key = decapsulate(session, pair.private, &of(key_type, given), &ciphertext).unwrap();
        assert_eq!(session.number(key, CKA_KEY_TYPE), key_type);
        assert_eq!(session.get(key, CKA_VALUE).unwrap(), shared[..length], "0x{key_type:x} {given:?}");
        assert_eq!(session.number(key, CKA_VALUE_LEN) as usize, length);
        let (own, key) = encapsulate(session, pair.public, &of(key_type, given)).unwrap();
        let same = decapsulate(session, pair.private, &of(key_type, given), &own).unwrap();
        assert_eq!(session.get(key, CKA_VALUE), session.get(same, CKA_VALUE));
    }
    let des = decapsulate(session, pair.private, &of(CKK_DES3, None), &ciphertext).unwrap();
    let des = session.get(des, CKA_VALUE).unwrap();
    assert!(des.iter().zip(&shared).all(|(own, given)| own >> 1 == given >> 1 && own.count_ones() % 2 == 1));

    let before = secret_keys(session);
    for (template, code) in [
        (of(CKK_AES, Some(17)), CKR_ATTRIBUTE_VALUE_INVALID),
        (of(CKK_AES, Some(0)), CKR_ATTRIBUTE_VALUE_INVALID),
        (of(CKK_GENERIC_SECRET, Some(33)), CKR_KEY_SIZE_RANGE),
        (of(CKK_AES_XTS, Some(64)), CKR_KEY_SIZE_RANGE),
        (of(CKK_RSA, None), CKR_ATTRIBUTE_VALUE_INVALID),
        (vec![number(CKA_CLASS, CKO_PRIVATE_KEY)], CKR_TEMPLATE_INCONSISTENT),
        (vec![bytes(CKA_VALUE, [1; 32])], CKR_ATTRIBUTE_READ_ONLY),
        (vec![flag(CKA_LOCAL, true)], CKR_ATTRIBUTE_READ_ONLY),
        (vec![flag(CKA_TRUSTED, true)], CKR_ATTRIBUTE_READ_ONLY),
        (vec![bytes(CKA_MODULUS, [1; 32])], CKR_TEMPLATE_INCONSISTENT),
        (vec![bytes(CKA_CHECK_VALUE, [0; 3])], CKR_ATTRIBUTE_VALUE_INVALID),
    ] {
        assert_eq!(encapsulate(session, pair.public, &template), refused(code), "{template:?}");
        assert_eq!(decapsulate(session, pair.private, &template, &ciphertext), refused(code), "{template:?}");
    }
    assert_eq!(secret_keys(session), before);
}

/// PKCS#11 3.2 §5.18.9 and §5.18.10: extractable where the template is silent, and never always sensitive.
#[test]
fn what_a_silent_template_means() {
    let token = Token::new();
    let session = token.user();
    let pair = kem_pair(session, CKP_ML_KEM_512);
    let check = |template: &[_], sensitive, extractable| {
        let (ciphertext, mine) = encapsulate(session, pair.public, template).unwrap();
        let theirs = decapsulate(session, pair.private, template, &ciphertext).unwrap();
        for key in [mine, theirs] {
            for (attribute, value) in [
                (CKA_SENSITIVE, sensitive),
                (CKA_EXTRACTABLE, extractable),
                (CKA_ALWAYS_SENSITIVE, false),
                (CKA_NEVER_EXTRACTABLE, false),
                (CKA_LOCAL, false),
                (CKA_PRIVATE, true),
                (CKA_TOKEN, false),
            ] {
                assert_eq!(session.flag(key, attribute), value, "{template:?} 0x{attribute:x}");
            }
            assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
            let value = session.get(key, CKA_VALUE);
            if sensitive || !extractable {
                assert_eq!(value, refused(CKR_ATTRIBUTE_SENSITIVE));
            } else {
                assert_eq!(value.unwrap().len(), 32);
            }
        }
    };
    check(&[], true, true);
    check(&[flag(CKA_SENSITIVE, false)], false, true);
    check(&[flag(CKA_EXTRACTABLE, false)], true, false);
    check(&[flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)], true, true);
    check(&[flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, false)], false, false);
}

#[test]
fn keys_demand_attributes_of_those_they_make() {
    let token = Token::new();
    let session = token.user();
    let demands = [number(CKA_KEY_TYPE, CKK_AES), flag(CKA_EXTRACTABLE, false)];
    let set = number(CKA_PARAMETER_SET, CKP_ML_KEM_768);
    let public = [set, nested(CKA_ENCAPSULATE_TEMPLATE, &demands)];
    let private = [nested(CKA_DECAPSULATE_TEMPLATE, &demands)];
    let pair = generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &public, &private).unwrap();
    let (ciphertext, mine) = encapsulate(session, pair.public, &[]).unwrap();
    let theirs = decapsulate(session, pair.private, &[flag(CKA_EXTRACTABLE, false)], &ciphertext).unwrap();
    for key in [mine, theirs] {
        assert_eq!(session.number(key, CKA_KEY_TYPE), CKK_AES);
        assert!(!session.flag(key, CKA_EXTRACTABLE));
    }
    let before = secret_keys(session);
    for conflict in [flag(CKA_EXTRACTABLE, true), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)] {
        // The two functions name different errors.
        let template = [conflict];
        assert_eq!(encapsulate(session, pair.public, &template), refused(CKR_KEY_HANDLE_INVALID));
        let outcome = decapsulate(session, pair.private, &template, &ciphertext);
        assert_eq!(outcome, refused(CKR_TEMPLATE_INCONSISTENT));
    }
    assert_eq!(secret_keys(session), before);
}

#[test]
fn wrong_lengths_are_refused_and_wrong_ciphertexts_give_another_key() {
    let token = Token::new();
    let session = token.user();
    for (set, _, ciphertext_bytes, _) in SETS {
        let pair = kem_pair(session, set);
        let (ciphertext, mine) = encapsulate(session, pair.public, &readable()).unwrap();
        let before = secret_keys(session);
        for wrong in [0, 1, 32, ciphertext_bytes - 1, ciphertext_bytes + 1, 768, 1088, 1568] {
            let wrong = vec![7; wrong];
            if wrong.len() != ciphertext_bytes {
                let outcome = decapsulate(session, pair.private, &readable(), &wrong);
                assert_eq!(outcome, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{} bytes", wrong.len());
            }
        }
        assert_eq!(secret_keys(session), before);
        let value = session.get(mine, CKA_VALUE).unwrap();
        let open = |ciphertext: &[u8]| {
            let key = decapsulate(session, pair.private, &readable(), ciphertext).unwrap();
            session.get(key, CKA_VALUE).unwrap()
        };
        assert_eq!(open(&ciphertext), value);
        // FIPS 203 §6.3: the same other key each time, which depends on the ciphertext and on the private key.
        let mut rejected = Vec::new();
        for at in [0, ciphertext_bytes / 2, ciphertext_bytes - 1] {
            let mut wrong = ciphertext.clone();
            wrong[at] ^= 1;
            let other = open(&wrong);
            assert_ne!(other, value);
            assert_eq!(open(&wrong), other);
            assert!(!rejected.contains(&other));
            rejected.push(other);
        }
        let stranger = kem_pair(session, set);
        let key = decapsulate(session, stranger.private, &readable(), &ciphertext).unwrap();
        assert_ne!(session.get(key, CKA_VALUE).unwrap(), value);
    }
}

#[test]
fn only_the_right_key_with_permission_works() {
    let token = Token::new();
    let session = token.user();
    let set = number(CKA_PARAMETER_SET, CKP_ML_KEM_512);
    let pair = kem_pair(session, CKP_ML_KEM_512);
    let (ciphertext, secret) = encapsulate(session, pair.public, &[]).unwrap();
    let signing = pair_of_set(session, CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44);
    for wrong in [pair.private, signing.public, secret] {
        assert_eq!(encapsulate(session, wrong, &[]), refused(CKR_KEY_TYPE_INCONSISTENT));
    }
    for wrong in [pair.public, signing.private, secret] {
        let outcome = decapsulate(session, wrong, &[], &ciphertext);
        assert_eq!(outcome, refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT));
    }
    assert_eq!(encapsulate(session, 0, &[]), refused(CKR_KEY_HANDLE_INVALID));
    assert_eq!(decapsulate(session, 0, &[], &ciphertext), refused(CKR_UNWRAPPING_KEY_HANDLE_INVALID));

    let public = [set.clone(), flag(CKA_ENCAPSULATE, false)];
    let weak = generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &public, &[flag(CKA_DECAPSULATE, false)]).unwrap();
    assert_eq!(encapsulate(session, weak.public, &[]), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    assert_eq!(decapsulate(session, weak.private, &[], &ciphertext), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    let allowed = [numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_GCM])];
    let public = with(&allowed, &[set]);
    let weak = generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &public, &allowed).unwrap();
    assert_eq!(encapsulate(session, weak.public, &[]), refused(CKR_MECHANISM_INVALID));
    assert_eq!(decapsulate(session, weak.private, &[], &ciphertext), refused(CKR_MECHANISM_INVALID));

    // The mechanism has no parameter, and others do not do this.
    for (mechanism, code) in [
        (with_iv(CKM_ML_KEM, &[0; 8]), CKR_MECHANISM_PARAM_INVALID),
        (plain(CKM_ML_DSA), CKR_MECHANISM_INVALID),
        (plain(CKM_ML_KEM_KEY_PAIR_GEN), CKR_MECHANISM_INVALID),
        (plain(CKM_VENDOR_DEFINED), CKR_MECHANISM_INVALID),
    ] {
        assert_eq!(session.encapsulate(&mechanism, pair.public, &[]), refused(code));
        assert_eq!(session.decapsulate(&mechanism, pair.private, &[], &ciphertext), refused(code));
    }
}

#[test]
fn token_keys_are_made_in_read_write_sessions_of_the_user() {
    let token = Token::new();
    let session = token.user();
    let pair = kem_pair(session, CKP_ML_KEM_512);
    let kept = [flag(CKA_TOKEN, true)];
    let (ciphertext, mine) = encapsulate(session, pair.public, &kept).unwrap();
    let theirs = decapsulate(session, pair.private, &kept, &ciphertext).unwrap();
    assert!(session.flag(mine, CKA_TOKEN) && session.flag(theirs, CKA_TOKEN));
    let reader = token.read_only();
    assert_eq!(encapsulate(reader, pair.public, &kept), refused(CKR_SESSION_READ_ONLY));
    assert_eq!(decapsulate(reader, pair.private, &kept, &ciphertext), refused(CKR_SESSION_READ_ONLY));
    encapsulate(reader, pair.public, &[]).unwrap();
    decapsulate(reader, pair.private, &[], &ciphertext).unwrap();

    // Without a login the public key may be used, for keys that are not private.
    let public = session.copy(pair.public, &[flag(CKA_TOKEN, true)]).unwrap();
    session.logout().unwrap();
    encapsulate(session, public, &[flag(CKA_PRIVATE, false)]).unwrap();
    assert_eq!(encapsulate(session, public, &[]), refused(CKR_USER_NOT_LOGGED_IN));
}
