//! Secret keys wrapped with RSA keys (PKCS#11 3.2 §5.18.3, §5.18.4).

use std::ptr;

use cryptoki_sys::*;

use super::numbers::GOOD;
use super::oaep;
use crate::module::{Token, refused};
use crate::parameters::{Mechanism, plain};
use crate::samples::Random;
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, key_template, number, with};
use crate::vectors::hex;

/// Bytes of the key.
const K: usize = 128;

/// Each mechanism with the longest key it wraps.
fn mechanisms() -> [(Mechanism, usize); 4] {
    [
        (plain(CKM_RSA_PKCS), K - 11),
        (plain(CKM_RSA_X_509), K),
        (oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), K - 42),
        (oaep(CKM_SHA256, CKG_MGF1_SHA512, b"label"), K - 66),
    ]
}

/// An extractable generic secret.
fn secret(session: Session, value: &[u8]) -> CK_OBJECT_HANDLE {
    session.create(&with(&key_template(CKK_GENERIC_SECRET, value), &[flag(CKA_EXTRACTABLE, true)])).unwrap()
}

/// The template of a generic secret that comes back and can be read.
fn wanted(more: &[Entry]) -> Vec<Entry> {
    let open = [
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        flag(CKA_SENSITIVE, false),
        flag(CKA_EXTRACTABLE, true),
    ];
    with(&open, more)
}

#[test]
fn secret_keys_of_every_length_that_fits_wrap_with_rsa() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    for (mechanism, longest) in mechanisms() {
        for len in [1, 16, 33, longest - 1, longest] {
            let mut value = Random(len as u64).bytes(len);
            value[0] = 0x10;
            let key = secret(session, &value);
            let wrapped = session.wrap(&mechanism, public, key).unwrap();
            assert_eq!(wrapped.len(), K);
            // A raw block does not know where the key begins.
            let template = wanted(&[number(CKA_VALUE_LEN, len as CK_ULONG)]);
            let back = session.unwrap(&mechanism, private, &wrapped, &template).unwrap();
            assert_eq!(session.get(back, CKA_VALUE).unwrap(), value, "{mechanism:?}");
            let without_length = session.unwrap(&mechanism, private, &wrapped, &wanted(&[]));
            if mechanism.id == CKM_RSA_X_509 {
                assert_eq!(without_length, refused(CKR_TEMPLATE_INCOMPLETE));
            } else {
                assert_eq!(session.get(without_length.unwrap(), CKA_VALUE).unwrap(), value, "{mechanism:?}");
            }
            // It is the encryption of the value, and no more.
            let plain = session.run(Work::Decrypt, &mechanism, private, &wrapped).unwrap();
            assert!(plain.ends_with(&value), "{mechanism:?}");
            session.destroy(key).unwrap();
        }
        let long = secret(session, &vec![0x10; longest + 1]);
        assert_eq!(session.wrap(&mechanism, public, long), refused(CKR_KEY_SIZE_RANGE), "{mechanism:?}");
    }
    // As long as the modulus, and not below it.
    let large = secret(session, &hex(GOOD.n));
    assert_eq!(session.wrap(&plain(CKM_RSA_X_509), public, large), refused(CKR_KEY_SIZE_RANGE));
}

#[test]
fn wrapping_with_rsa_says_how_much_room_it_needs() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let key = secret(session, b"sixteen bytes...");
    for (mechanism, _) in mechanisms() {
        let wrap = |output: *mut u8, len: &mut CK_ULONG| {
            mechanism.lend(|mechanism| call!(C_WrapKey(session.0, mechanism, public, key, output, len)))
        };
        let mut len = 0;
        wrap(ptr::null_mut(), &mut len).unwrap();
        assert_eq!(len, K as CK_ULONG);
        let mut output = vec![0xa5; K];
        len = K as CK_ULONG - 1;
        assert_eq!(wrap(output.as_mut_ptr(), &mut len), refused(CKR_BUFFER_TOO_SMALL));
        assert_eq!((len, &output[..]), (K as CK_ULONG, &[0xa5; K][..]));
        wrap(output.as_mut_ptr(), &mut len).unwrap();
        let template = wanted(&[number(CKA_VALUE_LEN, 16)]);
        let back = session.unwrap(&mechanism, private, &output, &template).unwrap();
        assert_eq!(session.get(back, CKA_VALUE).unwrap(), b"sixteen bytes...");
    }
}

#[test]
fn wrapping_with_rsa_refuses_keys_that_must_not_or_cannot() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let key = secret(session, b"sixteen bytes...");
    let kept = with(&key_template(CKK_GENERIC_SECRET, b"kept"), &[flag(CKA_EXTRACTABLE, false)]);
    let kept = session.create(&kept).unwrap();
    let trusting = [flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, true)];
    let trusting = session.create(&with(&key_template(CKK_AES, &[3; 16]), &trusting)).unwrap();
    let never = session.create(&with(&GOOD.public_template(), &[flag(CKA_WRAP, false)])).unwrap();
    let open = with(&GOOD.private_template(), &[flag(CKA_EXTRACTABLE, true)]);
    let open = session.create(&open).unwrap();
    for (mechanism, _) in mechanisms() {
        for (wrapping, wrapped, code) in [
            (public, kept, CKR_KEY_UNEXTRACTABLE),
            (public, trusting, CKR_KEY_NOT_WRAPPABLE),
            (public, public, CKR_KEY_NOT_WRAPPABLE),
            // RSA blocks hold secret keys (PKCS#11 3.2 §6.1.6).
            (public, open, CKR_KEY_NOT_WRAPPABLE),
            (public, 0, CKR_KEY_HANDLE_INVALID),
            (0, key, CKR_WRAPPING_KEY_HANDLE_INVALID),
            (private, key, CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
            (key, key, CKR_WRAPPING_KEY_TYPE_INCONSISTENT),
            (never, key, CKR_KEY_FUNCTION_NOT_PERMITTED),
        ] {
            assert_eq!(session.wrap(&mechanism, wrapping, wrapped), refused(code), "{mechanism:?}");
        }
    }
    let signing = plain(CKM_SHA256_RSA_PKCS);
    assert_eq!(session.wrap(&signing, public, key), refused(CKR_MECHANISM_INVALID));
    let short = oaep(CKM_SHA512, CKG_MGF1_SHA1, b"");
    assert_eq!(session.wrap(&short, public, key), refused(CKR_WRAPPING_KEY_SIZE_RANGE));
    let template = wanted(&[number(CKA_VALUE_LEN, 16)]);
    assert_eq!(session.unwrap(&short, private, &[1; K], &template), refused(CKR_UNWRAPPING_KEY_SIZE_RANGE));
}

#[test]
fn unwrapping_with_rsa_refuses_what_is_wrong() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = GOOD.import(session).unwrap();
    let never = session.create(&with(&GOOD.private_template(), &[flag(CKA_UNWRAP, false)])).unwrap();
    let key = secret(session, b"sixteen bytes...");
    for (mechanism, _) in mechanisms() {
        let wrapped = session.wrap(&mechanism, public, key).unwrap();
        let template = wanted(&[number(CKA_VALUE_LEN, 16)]);
        for (unwrapping, code) in [
            (public, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
            (key, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT),
            (0, CKR_UNWRAPPING_KEY_HANDLE_INVALID),
            (never, CKR_KEY_FUNCTION_NOT_PERMITTED),
        ] {
            assert_eq!(session.unwrap(&mechanism, unwrapping, &wrapped, &template), refused(code), "{mechanism:?}");
        }
        for len in [0, K - 1, K + 1] {
            let mut other = wrapped.clone();
            other.resize(len, 0);
            let outcome = session.unwrap(&mechanism, private, &other, &template);
            assert_eq!(outcome, refused(CKR_WRAPPED_KEY_LEN_RANGE), "{mechanism:?} {len}");
        }
        for (more, code) in [
            (bytes(CKA_VALUE, b"sixteen bytes..."), CKR_ATTRIBUTE_READ_ONLY),
            (number(CKA_CLASS, CKO_PRIVATE_KEY), CKR_ATTRIBUTE_VALUE_INVALID),
            (number(CKA_CLASS, CKO_PUBLIC_KEY), CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_KEY_TYPE, CKK_RSA), CKR_ATTRIBUTE_VALUE_INVALID),
        ] {
            let template = with(&template, &[more]);
            assert_eq!(session.unwrap(&mechanism, private, &wrapped, &template), refused(code), "{template:?}");
        }
        let pair = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_RSA)];
        assert_eq!(session.unwrap(&mechanism, private, &wrapped, &pair), refused(CKR_TEMPLATE_INCONSISTENT));
        for incomplete in [CKA_CLASS, CKA_KEY_TYPE] {
            let template = crate::template::without(&template, incomplete);
            let outcome = session.unwrap(&mechanism, private, &wrapped, &template);
            assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE));
        }
        // Another length than the key has: PKCS #1 must not say so.
        let longer = session.unwrap(&mechanism, private, &wrapped, &wanted(&[number(CKA_VALUE_LEN, 17)]));
        match mechanism.id {
            CKM_RSA_PKCS_OAEP => assert_eq!(longer, refused(CKR_WRAPPED_KEY_LEN_RANGE)),
            CKM_RSA_X_509 => {
                assert_eq!(session.get(longer.unwrap(), CKA_VALUE).unwrap(), b"\0sixteen bytes...");
                let shorter = session.unwrap(&mechanism, private, &wrapped, &wanted(&[number(CKA_VALUE_LEN, 15)]));
                assert_eq!(session.get(shorter.unwrap(), CKA_VALUE).unwrap(), b"ixteen bytes...");
            }
            _ => assert_ne!(session.get(longer.unwrap(), CKA_VALUE).unwrap()[1..], b"sixteen bytes..."[..]),
        }
        if mechanism.id == CKM_RSA_PKCS_OAEP {
            for place in [0, 70, K - 1] {
                let mut wrong = wrapped.clone();
                wrong[place] ^= 1;
                let outcome = session.unwrap(&mechanism, private, &wrong, &template);
                assert_eq!(outcome, refused(CKR_WRAPPED_KEY_INVALID), "{mechanism:?}");
            }
        }
    }
    // Another label is another ciphertext.
    let wrapped = session.wrap(&oaep(CKM_SHA_1, CKG_MGF1_SHA1, b"one"), public, key).unwrap();
    for other in [oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), oaep(CKM_SHA_1, CKG_MGF1_SHA256, b"one")] {
        assert_eq!(session.unwrap(&other, private, &wrapped, &wanted(&[])), refused(CKR_WRAPPED_KEY_INVALID));
    }
}
