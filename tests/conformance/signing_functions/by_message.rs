//! `C_MessageSignInit` to `C_MessageSignFinal` and their counterparts (PKCS#11 3.2 §5.14 and §5.16).

use std::ptr;

use cryptoki_sys::*;

use super::{DATA, more_ways, pair_ways};
use crate::module::{Outcome, Token, refused};
use crate::pairs::{Pair, rsa_pair};
use crate::parameters::{Mechanism, Parameter};
use crate::session::{Session, Work};
use crate::template::flag;

const NOT_BEGUN: CK_RV = CKR_OPERATION_NOT_INITIALIZED;

#[test]
fn messages_whole_and_in_parts() {
    let token = Token::new();
    let session = token.user();
    let ways = pair_ways(session);
    for way in &ways {
        let (mechanism, keys) = (&way.mechanism, way.keys);
        session.message_sign_init(mechanism, keys.private).unwrap();
        session.message_verify_init(mechanism, keys.public).unwrap();
        for round in 0..2u8 {
            let mut data = *DATA;
            data[0] = round;
            let whole = session.sign_message(&data).unwrap();
            session.sign_message_begin().unwrap();
            session.sign_message_part(&data[..7]).unwrap();
            session.sign_message_part(&[]).unwrap();
            session.sign_message_part(&data[7..9]).unwrap();
            let parts = session.sign_message_end(&data[9..]).unwrap();
            session.sign_message_begin().unwrap();
            let single = session.sign_message_end(&data).unwrap();
            for signature in [&whole, &parts, &single] {
                session.check(mechanism, keys.public, &data, signature).unwrap();
                session.verify_message(&data, signature).unwrap();
                session.verify_message_begin().unwrap();
                session.verify_message_next(&data[..5], None).unwrap();
                session.verify_message_next(&data[5..30], None).unwrap();
                session.verify_message_next(&data[30..], Some(signature)).unwrap();
                session.verify_message_begin().unwrap();
                session.verify_message_next(&data, Some(signature)).unwrap();
            }
        }
        let ordinary = session.sign(mechanism, keys.private, DATA).unwrap();
        session.verify_message(DATA, &ordinary).unwrap();
        session.message_sign_final().unwrap();
        session.message_verify_final().unwrap();
        assert_eq!(session.sign_message(DATA), refused(NOT_BEGUN));
        assert_eq!(session.verify_message(DATA, &ordinary), refused(NOT_BEGUN));
        assert_eq!(session.message_sign_final(), refused(NOT_BEGUN));
        assert_eq!(session.message_verify_final(), refused(NOT_BEGUN));
    }
    println!("{} mechanisms", ways.len());
}

/// Asks for the length, offers too little room, and gets the signature.
fn by_the_output_convention(bytes: usize, mut call: impl FnMut(*mut u8, &mut CK_ULONG) -> Outcome) -> Vec<u8> {
    let mut length = 0;
    call(ptr::null_mut(), &mut length).unwrap();
    assert_eq!(length as usize, bytes);
    let mut buffer = vec![0xa5; bytes];
    for room in [0, bytes - 1] {
        length = room as CK_ULONG;
        assert_eq!(call(buffer.as_mut_ptr(), &mut length), refused(CKR_BUFFER_TOO_SMALL));
        assert_eq!((length as usize, &buffer), (bytes, &vec![0xa5; bytes]));
    }
    call(buffer.as_mut_ptr(), &mut length).unwrap();
    assert_eq!(length as usize, bytes);
    buffer
}

#[test]
fn lengths_may_be_asked_for_and_short_buffers_end_nothing() {
    let token = Token::new();
    let session = token.user();
    for way in pair_ways(session) {
        let bytes = session.sign(&way.mechanism, way.keys.private, DATA).unwrap().len();
        let (data, no) = (DATA.as_ptr().cast_mut(), ptr::null_mut());
        session.message_sign_init(&way.mechanism, way.keys.private).unwrap();
        let whole = by_the_output_convention(bytes, |buffer, length| {
            call!(C_SignMessage(session.0, no, 0, data, 32, buffer, length))
        });
        session.sign_message_begin().unwrap();
        session.sign_message_part(&DATA[..8]).unwrap();
        let (rest, rest_len) = (DATA[8..].as_ptr().cast_mut(), 24);
        let parts = by_the_output_convention(bytes, |buffer, length| {
            call!(C_SignMessageNext(session.0, no, 0, rest, rest_len, buffer, length))
        });
        session.message_sign_final().unwrap();
        for signature in [whole, parts] {
            session.check(&way.mechanism, way.keys.public, DATA, &signature).unwrap();
        }
    }
}

#[test]
fn wrong_signatures_end_the_message_and_not_the_series() {
    let token = Token::new();
    let session = token.user();
    for way in pair_ways(session) {
        let signature = session.sign(&way.mechanism, way.keys.private, DATA).unwrap();
        let mut wrong = signature.clone();
        wrong[9] ^= 1;
        let long = [&signature[..], &[0]].concat();
        session.message_verify_init(&way.mechanism, way.keys.public).unwrap();
        for (given, code) in [
            (&wrong[..], CKR_SIGNATURE_INVALID),
            (&signature[1..], CKR_SIGNATURE_LEN_RANGE),
            (&long, CKR_SIGNATURE_LEN_RANGE),
        ] {
            assert_eq!(session.verify_message(DATA, given), refused(code), "0x{:x}", way.id());
            session.verify_message_begin().unwrap();
            session.verify_message_next(&DATA[..3], None).unwrap();
            assert_eq!(session.verify_message_next(&DATA[3..], Some(given)), refused(code));
            // The message is over, the series is not.
            assert_eq!(session.verify_message_next(DATA, None), refused(NOT_BEGUN));
            session.verify_message(DATA, &signature).unwrap();
        }
        let mut other = *DATA;
        other[0] ^= 1;
        assert_eq!(session.verify_message(&other, &signature), refused(CKR_SIGNATURE_INVALID));
        session.message_verify_final().unwrap();
    }
}

/// RSA-PSS without a hash: it takes 32 bytes, and no more than the modulus in parts.
fn pss() -> Mechanism {
    let parameter = Parameter::Pss { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, salt_len: 32 };
    Mechanism { id: CKM_RSA_PKCS_PSS, parameter }
}

/// Both series begun.
fn begun(token: &Token) -> (Session, Pair) {
    let session = token.user();
    let pair = rsa_pair(session, &[]);
    session.message_sign_init(&pss(), pair.private).unwrap();
    session.message_verify_init(&pss(), pair.public).unwrap();
    (session, pair)
}

#[test]
fn errors_end_the_message_and_not_the_series() {
    let token = Token::new();
    let (session, _) = begun(&token);
    let signature = session.sign_message(DATA).unwrap();
    assert_eq!(session.sign_message(&[1; 300]), refused(CKR_DATA_LEN_RANGE));
    assert_eq!(session.verify_message(&[1; 300], &signature), refused(CKR_DATA_LEN_RANGE));
    let mut byte = 7u8;
    let (no, some) = (ptr::null_mut(), ptr::from_mut(&mut byte));
    let (no_bytes, no_length) = (ptr::null_mut(), ptr::null_mut());
    let mut length = 256;
    let mut buffer = [0; 256];
    let room = buffer.as_mut_ptr();
    let data = DATA.as_ptr().cast_mut();
    let given = signature.as_ptr().cast_mut();
    let mut signing: [(CK_RV, &mut dyn FnMut() -> Outcome); 7] = [
        (CKR_DATA_LEN_RANGE, &mut || session.sign_message_part(&[1; 300])),
        (CKR_DATA_LEN_RANGE, &mut || session.sign_message_end(&[1; 300]).map(drop)),
        (CKR_MECHANISM_PARAM_INVALID, &mut || {
            call!(C_SignMessageNext(session.0, some.cast(), 1, data, 32, no_bytes, no_length))
        }),
        (CKR_MECHANISM_PARAM_INVALID, &mut || {
            let mut length = 256;
            call!(C_SignMessageNext(session.0, some.cast(), 1, data, 32, room, &mut length))
        }),
        (CKR_ARGUMENTS_BAD, &mut || call!(C_SignMessageNext(session.0, no, 0, no_bytes, 32, no_bytes, no_length))),
        (CKR_ARGUMENTS_BAD, &mut || call!(C_SignMessageNext(session.0, no, 0, no_bytes, 32, room, &mut length))),
        (CKR_ARGUMENTS_BAD, &mut || {
            let mut length = CK_ULONG::MAX;
            call!(C_SignMessageNext(session.0, no, 0, data, 32, room, &mut length))
        }),
    ];
    for (at, (code, call)) in signing.iter_mut().enumerate() {
        session.sign_message_begin().unwrap();
        session.sign_message_part(&DATA[..1]).unwrap();
        assert_eq!(call(), refused(*code), "{at}");
        assert_eq!(session.sign_message_part(b"x"), refused(NOT_BEGUN), "{at}");
        let signature = session.sign_message(DATA).unwrap();
        session.verify_message(DATA, &signature).unwrap();
    }
    let verifying: [(CK_RV, &dyn Fn() -> Outcome); 5] = [
        (CKR_DATA_LEN_RANGE, &|| session.verify_message_next(&[1; 300], None)),
        (CKR_DATA_LEN_RANGE, &|| session.verify_message_next(&[1; 300], Some(&signature))),
        (CKR_MECHANISM_PARAM_INVALID, &|| call!(C_VerifyMessageNext(session.0, some.cast(), 1, data, 32, given, 256))),
        (CKR_ARGUMENTS_BAD, &|| call!(C_VerifyMessageNext(session.0, no, 0, no_bytes, 32, no_bytes, 0))),
        (CKR_ARGUMENTS_BAD, &|| call!(C_VerifyMessageNext(session.0, no, 0, data, 32, no_bytes, 256))),
    ];
    for (at, (code, call)) in verifying.iter().enumerate() {
        session.verify_message_begin().unwrap();
        session.verify_message_next(&DATA[..1], None).unwrap();
        assert_eq!(call(), refused(*code), "{at}");
        assert_eq!(session.verify_message_next(b"x", None), refused(NOT_BEGUN), "{at}");
        session.verify_message(DATA, &signature).unwrap();
    }
    session.message_sign_final().unwrap();
    session.message_verify_final().unwrap();
}

#[test]
fn a_message_in_parts_is_finished_before_anything_else() {
    let token = Token::new();
    let (session, _) = begun(&token);
    let signature = session.sign_message(DATA).unwrap();
    assert_eq!(session.sign_message_part(b"x"), refused(NOT_BEGUN));
    assert_eq!(session.sign_message_end(b"x"), refused(NOT_BEGUN));
    assert_eq!(session.verify_message_next(b"x", None), refused(NOT_BEGUN));
    assert_eq!(session.verify_message_next(b"x", Some(&signature)), refused(NOT_BEGUN));
    let active = || refused::<()>(CKR_OPERATION_ACTIVE);
    session.sign_message_begin().unwrap();
    session.verify_message_begin().unwrap();
    for half in [&DATA[..16], &DATA[16..]] {
        assert_eq!(session.sign_message_begin(), active());
        assert_eq!(session.verify_message_begin(), active());
        assert_eq!(session.sign_message(DATA).map(drop), active());
        assert_eq!(session.verify_message(DATA, &signature), active());
        assert_eq!(session.message_sign_final(), active());
        assert_eq!(session.message_verify_final(), active());
        session.sign_message_part(half).unwrap();
        session.verify_message_next(half, None).unwrap();
    }
    let made = session.sign_message_end(&[]).unwrap();
    session.verify_message_next(&[], Some(&made)).unwrap();
    session.verify_message(DATA, &made).unwrap();
    session.message_sign_final().unwrap();
    session.message_verify_final().unwrap();
}

#[test]
fn series_are_cancelled_and_do_not_disturb_other_operations() {
    let token = Token::new();
    let (session, pair) = begun(&token);
    let mechanism = pss();
    assert_eq!(session.message_sign_init(&mechanism, pair.private), refused(CKR_OPERATION_ACTIVE));
    assert_eq!(session.message_verify_init(&mechanism, pair.public), refused(CKR_OPERATION_ACTIVE));
    // An ordinary signature goes on beside the series.
    session.begin(Work::Sign, &mechanism, pair.private).unwrap();
    session.sign_message_begin().unwrap();
    session.update(Work::Sign, &DATA[..4]).unwrap();
    session.sign_message_part(&DATA[..20]).unwrap();
    session.update(Work::Sign, &DATA[4..]).unwrap();
    let by_message = session.sign_message_end(&DATA[20..]).unwrap();
    let ordinary = session.finish(Work::Sign).unwrap();
    for signature in [&by_message, &ordinary] {
        session.verify_message(DATA, signature).unwrap();
        session.check(&mechanism, pair.public, DATA, signature).unwrap();
    }
    // In the middle of a message as well.
    session.sign_message_begin().unwrap();
    session.verify_message_begin().unwrap();
    session.cancel(CKF_MESSAGE_SIGN).unwrap();
    assert_eq!(session.sign_message_part(DATA), refused(NOT_BEGUN));
    session.verify_message_next(DATA, Some(&ordinary)).unwrap();
    session.verify_message_begin().unwrap();
    session.cancel(CKF_MESSAGE_VERIFY).unwrap();
    assert_eq!(session.verify_message_next(DATA, Some(&ordinary)), refused(NOT_BEGUN));
    assert_eq!(session.message_sign_final(), refused(NOT_BEGUN));
    assert_eq!(session.message_verify_final(), refused(NOT_BEGUN));
    // Without a mechanism, the beginning cancels.
    session.message_sign_init(&mechanism, pair.private).unwrap();
    session.sign_message_begin().unwrap();
    call!(C_MessageSignInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(session.message_sign_final(), refused(NOT_BEGUN));
    session.message_verify_init(&mechanism, pair.public).unwrap();
    call!(C_MessageVerifyInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(session.message_verify_final(), refused(NOT_BEGUN));
    // A logout ends what a private key does.
    session.message_sign_init(&mechanism, pair.private).unwrap();
    session.message_verify_init(&mechanism, pair.public).unwrap();
    session.logout().unwrap();
    assert_eq!(session.sign_message(DATA), refused(NOT_BEGUN));
    session.verify_message(DATA, &ordinary).unwrap();
}

#[test]
fn what_cannot_begin() {
    let token = Token::new();
    let session = token.user();
    for way in pair_ways(session) {
        let Pair { public, private } = way.keys;
        assert_eq!(session.message_sign_init(&way.mechanism, 0), refused(CKR_KEY_HANDLE_INVALID));
        let refusal = || refused::<()>(CKR_KEY_FUNCTION_NOT_PERMITTED);
        session.set(private, &[flag(CKA_SIGN, false)]).unwrap();
        session.set(public, &[flag(CKA_VERIFY, false)]).unwrap();
        assert_eq!(session.message_sign_init(&way.mechanism, private), refusal());
        assert_eq!(session.message_verify_init(&way.mechanism, public), refusal());
        session.set(private, &[flag(CKA_SIGN, true)]).unwrap();
        session.set(public, &[flag(CKA_VERIFY, true)]).unwrap();
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(token.slot, way.id(), &mut info)).unwrap();
        assert_eq!(info.flags & CKF_MESSAGE_SIGN, CKF_MESSAGE_SIGN);
        assert_eq!(info.flags & CKF_MESSAGE_VERIFY, CKF_MESSAGE_VERIFY);
    }
    // Mechanisms that do not say they sign messages do not.
    for way in more_ways(session) {
        let mut info = CK_MECHANISM_INFO::default();
        call!(C_GetMechanismInfo(token.slot, way.id(), &mut info)).unwrap();
        assert_eq!(info.flags & (CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY), 0);
        let refusal = || refused::<()>(CKR_MECHANISM_INVALID);
        assert_eq!(session.message_sign_init(&way.mechanism, way.keys.private), refusal());
        assert_eq!(session.message_verify_init(&way.mechanism, way.keys.public), refusal());
    }
}
