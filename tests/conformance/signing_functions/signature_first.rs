//! `C_VerifySignatureInit` and what follows it (PKCS#11 3.2 §5.15.7 to §5.15.10).

use std::ptr;

use cryptoki_sys::*;

use super::{DATA, Way, more_ways, pair_ways};
use crate::module::{Outcome, Token, refused};
use crate::pairs::{check_first, check_first_in_parts, generate_pair};
use crate::parameters::{Mechanism, plain, with_iv};
use crate::session::Session;
use crate::template::{flag, number};

fn all_ways(session: Session) -> Vec<Way> {
    pair_ways(session).into_iter().chain(more_ways(session)).collect()
}

/// No verification is active: the length of an operation cannot be asked, so one is begun and cancelled.
fn none_is_active(session: Session, way: &Way) {
    session.verify_init(&way.mechanism, way.keys.public).unwrap();
    session.cancel(CKF_VERIFY).unwrap();
}

#[test]
fn right_signatures_verify_and_wrong_ones_do_not() {
    let token = Token::new();
    let session = token.user();
    let ways = all_ways(session);
    for way in &ways {
        let (mechanism, key) = (&way.mechanism, way.keys.public);
        let signature = session.sign(mechanism, way.keys.private, DATA).unwrap();
        for _ in 0..2 {
            check_first(session, mechanism, key, DATA, &signature).unwrap();
            for cuts in [&[][..], &[0], &[1, 16, 31], &[32]] {
                check_first_in_parts(session, mechanism, key, DATA, &signature, cuts).unwrap();
            }
        }
        let invalid = refused(CKR_SIGNATURE_INVALID);
        let mut other = *DATA;
        other[31] ^= 1;
        assert_eq!(check_first(session, mechanism, key, &other, &signature), invalid, "0x{:x}", way.id());
        assert_eq!(check_first_in_parts(session, mechanism, key, &other, &signature, &[7]), invalid);
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut wrong = signature.clone();
            wrong[at] ^= 1;
            assert_eq!(check_first(session, mechanism, key, DATA, &wrong), invalid, "0x{:x} {at}", way.id());
            assert_eq!(check_first_in_parts(session, mechanism, key, DATA, &wrong, &[7]), invalid);
        }
        // Whatever came of it, it is over.
        assert_eq!(session.verify_signature(DATA), refused(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(session.verify_signature_update(DATA), refused(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(session.verify_signature_final(), refused(CKR_OPERATION_NOT_INITIALIZED));
        // The ordinary way says the same.
        session.check(mechanism, key, DATA, &signature).unwrap();
    }
    println!("{} mechanisms", ways.len());
}

#[test]
fn lengths_no_signature_has_are_refused() {
    let token = Token::new();
    let session = token.user();
    for way in all_ways(session) {
        let (mechanism, key) = (&way.mechanism, way.keys.public);
        let signature = session.sign(mechanism, way.keys.private, DATA).unwrap();
        // Too long is told at once, and nothing is active then.
        for longer in [1, 100] {
            let long = [&signature[..], &vec![0; longer]].concat();
            let outcome = session.verify_signature_init(mechanism, key, &long);
            assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE), "0x{:x}", way.id());
            none_is_active(session, &way);
        }
        // Too short is told at the latest with the data.
        for short in [&signature[1..], &signature[..0]] {
            let outcome = check_first(session, mechanism, key, DATA, short);
            assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE), "0x{:x}", way.id());
            let outcome = check_first_in_parts(session, mechanism, key, DATA, short, &[9]);
            assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE), "0x{:x}", way.id());
            none_is_active(session, &way);
        }
    }
}

/// Each kind of verification goes on with its own functions; those of the other find none, and end this one as any
/// error does.
#[test]
fn the_two_kinds_of_verification_do_not_mix() {
    let token = Token::new();
    let session = token.user();
    for way in all_ways(session) {
        let (mechanism, key) = (&way.mechanism, way.keys.public);
        let signature = session.sign(mechanism, way.keys.private, DATA).unwrap();
        let missing = refused(CKR_OPERATION_NOT_INITIALIZED);
        let ordinary: [&dyn Fn() -> Outcome; 3] =
            [&|| session.verify(DATA, &signature), &|| session.verify_update(DATA), &|| {
                session.verify_final(&signature)
            }];
        for call in ordinary {
            session.verify_signature_init(mechanism, key, &signature).unwrap();
            assert_eq!(call(), missing, "0x{:x}", way.id());
            assert_eq!(session.verify_signature(DATA), missing);
            session.verify_signature_init(mechanism, key, &signature).unwrap();
            session.verify_signature_update(&DATA[..5]).unwrap();
            assert_eq!(call(), missing);
            assert_eq!(session.verify_signature_final(), missing);
        }
        let first: [&dyn Fn() -> Outcome; 3] =
            [&|| session.verify_signature(DATA), &|| session.verify_signature_update(DATA), &|| {
                session.verify_signature_final()
            }];
        for call in first {
            session.verify_init(mechanism, key).unwrap();
            assert_eq!(call(), missing, "0x{:x}", way.id());
            assert_eq!(session.verify(DATA, &signature), missing);
            session.verify_init(mechanism, key).unwrap();
            session.verify_update(&DATA[..5]).unwrap();
            assert_eq!(call(), missing);
            assert_eq!(session.verify_final(&signature), missing);
        }
        // Neither begins while the other is active, which goes on.
        session.verify_init(mechanism, key).unwrap();
        let outcome = session.verify_signature_init(mechanism, key, &signature);
        assert_eq!(outcome, refused(CKR_OPERATION_ACTIVE));
        session.verify(DATA, &signature).unwrap();
        session.verify_signature_init(mechanism, key, &signature).unwrap();
        assert_eq!(session.verify_init(mechanism, key), refused(CKR_OPERATION_ACTIVE));
        let outcome = session.verify_signature_init(mechanism, key, &signature);
        assert_eq!(outcome, refused(CKR_OPERATION_ACTIVE));
        session.verify_signature(DATA).unwrap();
    }
}

#[test]
fn a_verification_in_parts_ends_in_parts_or_is_cancelled() {
    let token = Token::new();
    let session = token.user();
    for way in all_ways(session) {
        let (mechanism, key) = (&way.mechanism, way.keys.public);
        let signature = session.sign(mechanism, way.keys.private, DATA).unwrap();
        let begin = || {
            session.verify_signature_init(mechanism, key, &signature).unwrap();
            session.verify_signature_update(&DATA[..10]).unwrap();
        };
        begin();
        assert_eq!(session.verify_signature(&DATA[10..]), refused(CKR_OPERATION_NOT_INITIALIZED));
        none_is_active(session, &way);
        begin();
        call!(C_VerifySignatureInit(session.0, ptr::null_mut(), 0, ptr::null_mut(), 0)).unwrap();
        none_is_active(session, &way);
        begin();
        call!(C_VerifyInit(session.0, ptr::null_mut(), 0)).unwrap();
        none_is_active(session, &way);
        begin();
        session.cancel(CKF_VERIFY).unwrap();
        assert_eq!(session.verify_signature_final(), refused(CKR_OPERATION_NOT_INITIALIZED));
        // A bad pointer ends it too.
        begin();
        let outcome = call!(C_VerifySignatureUpdate(session.0, ptr::null_mut(), 5));
        assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD));
        none_is_active(session, &way);
        begin();
        session.verify_signature_update(&DATA[10..]).unwrap();
        session.verify_signature_final().unwrap();
    }
}

#[test]
fn what_cannot_begin() {
    let token = Token::new();
    let session = token.user();
    for way in all_ways(session) {
        let signature = session.sign(&way.mechanism, way.keys.private, DATA).unwrap();
        let begin = |mechanism: &Mechanism, key| session.verify_signature_init(mechanism, key, &signature);
        assert_eq!(begin(&way.mechanism, 0), refused(CKR_KEY_HANDLE_INVALID));
        assert_eq!(begin(&plain(CKM_SHA256), way.keys.public), refused(CKR_MECHANISM_INVALID));
        assert_eq!(begin(&plain(CKM_VENDOR_DEFINED), way.keys.public), refused(CKR_MECHANISM_INVALID));
        let odd = with_iv(way.id(), &[0; 3]);
        assert_eq!(begin(&odd, way.keys.public), refused(CKR_MECHANISM_PARAM_INVALID), "0x{:x}", way.id());
        let outcome = way
            .mechanism
            .lend(|mechanism| call!(C_VerifySignatureInit(session.0, mechanism, way.keys.public, ptr::null_mut(), 5)));
        assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD));
        session.set(way.keys.public, &[flag(CKA_VERIFY, false)]).unwrap();
        assert_eq!(begin(&way.mechanism, way.keys.public), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
        session.set(way.keys.public, &[flag(CKA_VERIFY, true)]).unwrap();
        none_is_active(session, &way);
    }
    let public = [number(CKA_PARAMETER_SET, CKP_ML_DSA_44)];
    let pair = generate_pair(session, CKM_ML_DSA_KEY_PAIR_GEN, &public, &[]).unwrap();
    let outcome = session.verify_signature_init(&plain(CKM_ECDSA), pair.public, &[0; 64]);
    assert_eq!(outcome, refused(CKR_KEY_TYPE_INCONSISTENT));
}
