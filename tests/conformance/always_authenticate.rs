//! Key pairs that want a login for each operation (`CKA_ALWAYS_AUTHENTICATE`, PKCS#11 3.2 §4.9 and §5.6.8).

use cryptoki_sys::*;

use crate::module::{Outcome, Token, USER_PIN, refused};
use crate::pairs::{Pair, ec_pair, encapsulate, generate_pair, rsa_pair};
use crate::parameters::{Mechanism, plain};
use crate::samples::usable_key;
use crate::session::{Session, Work};
use crate::template::{bytes, flag, number, with};

const NOT_YET: CK_RV = CKR_USER_NOT_LOGGED_IN;
const DATA: &[u8; 32] = b"thirty-two bytes that are signed";

fn log_in(session: Session) -> Outcome {
    session.login(CKU_CONTEXT_SPECIFIC, USER_PIN)
}

fn wanting() -> [crate::template::Entry; 1] {
    [flag(CKA_ALWAYS_AUTHENTICATE, true)]
}

/// A pair of each kind that signs, with a mechanism.
fn signing(session: Session) -> Vec<(Mechanism, Pair)> {
    let of_set =
        |mechanism, set| generate_pair(session, mechanism, &[number(CKA_PARAMETER_SET, set)], &wanting()).unwrap();
    vec![
        (plain(CKM_SHA256_RSA_PKCS), rsa_pair(session, &wanting())),
        (plain(CKM_ECDSA), ec_pair(session, &wanting())),
        (plain(CKM_ML_DSA), of_set(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44)),
        (plain(CKM_SLH_DSA), of_set(CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F)),
    ]
}

#[test]
fn signatures() {
    let token = Token::new();
    let session = token.user();
    for (mechanism, pair) in signing(session) {
        assert!(session.flag(pair.private, CKA_ALWAYS_AUTHENTICATE));
        for _ in 0..2 {
            // Before the login nothing goes, and what was begun is over.
            assert_eq!(session.sign(&mechanism, pair.private, DATA), refused(NOT_YET));
            assert!(!session.is_active(Work::Sign));
            session.begin(Work::Sign, &mechanism, pair.private).unwrap();
            assert_eq!(session.update(Work::Sign, DATA), refused(NOT_YET));
            assert!(!session.is_active(Work::Sign));
            assert_eq!(log_in(session), refused(CKR_OPERATION_NOT_INITIALIZED));

            // A length may be asked for; a wrong PIN changes nothing.
            session.begin(Work::Sign, &mechanism, pair.private).unwrap();
            assert!(session.is_active(Work::Sign));
            assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, b"wrong"), refused(CKR_PIN_INCORRECT));
            log_in(session).unwrap();
            let signature = session.whole(Work::Sign, DATA).unwrap();
            session.check(&mechanism, pair.public, DATA, &signature).unwrap();

            session.begin(Work::Sign, &mechanism, pair.private).unwrap();
            log_in(session).unwrap();
            session.update(Work::Sign, &DATA[..9]).unwrap();
            session.update(Work::Sign, &DATA[9..]).unwrap();
            let signature = session.finish(Work::Sign).unwrap();
            session.check(&mechanism, pair.public, DATA, &signature).unwrap();
        }
        // The public half has no such attribute and wants none.
        let outcome = session.get(pair.public, CKA_ALWAYS_AUTHENTICATE);
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_TYPE_INVALID));
    }
}

#[test]
fn decryption_and_recovery() {
    let token = Token::new();
    let session = token.user();
    let pair = rsa_pair(session, &wanting());
    let mechanism = plain(CKM_RSA_PKCS);
    let encrypted = session.run(Work::Encrypt, &mechanism, pair.public, DATA).unwrap();
    for _ in 0..2 {
        assert_eq!(session.run(Work::Decrypt, &mechanism, pair.private, &encrypted), refused(NOT_YET));
        session.begin(Work::Decrypt, &mechanism, pair.private).unwrap();
        log_in(session).unwrap();
        assert_eq!(session.whole(Work::Decrypt, &encrypted).unwrap(), DATA);
        assert_eq!(log_in(session), refused(CKR_OPERATION_NOT_INITIALIZED));

        assert_eq!(session.sign_recover(&mechanism, pair.private, DATA), refused(NOT_YET));
        session.sign_recover_init(&mechanism, pair.private).unwrap();
        log_in(session).unwrap();
        let (data, mut signature, mut length) = (DATA.as_ptr().cast_mut(), [0; 256], 256);
        call!(C_SignRecover(session.0, data, 32, signature.as_mut_ptr(), &mut length)).unwrap();
        assert_eq!(session.verify_recover(&mechanism, pair.public, &signature).unwrap(), DATA);
    }
    // One login serves one operation: which waits first goes on, the other still waits.
    session.begin(Work::Decrypt, &mechanism, pair.private).unwrap();
    session.begin(Work::Sign, &mechanism, pair.private).unwrap();
    log_in(session).unwrap();
    assert_eq!(session.whole(Work::Decrypt, &encrypted).unwrap(), DATA);
    log_in(session).unwrap();
    session.whole(Work::Sign, DATA).unwrap();
}

/// A MAC key is used to verify too. It is a secret key, which may want a login here.
#[test]
fn verification_of_a_signature_that_comes_first() {
    let token = Token::new();
    let session = token.user();
    let open = session.create(&usable_key(CKK_GENERIC_SECRET, 0)).unwrap();
    let mechanism = plain(CKM_SHA256_HMAC);
    let signature = session.sign(&mechanism, open, DATA).unwrap();
    let key = session.create(&with(&usable_key(CKK_GENERIC_SECRET, 0), &wanting())).unwrap();
    for _ in 0..2 {
        session.verify_signature_init(&mechanism, key, &signature).unwrap();
        assert_eq!(session.verify_signature(DATA), refused(NOT_YET));
        session.verify_signature_init(&mechanism, key, &signature).unwrap();
        assert_eq!(session.verify_signature_update(DATA), refused(NOT_YET));
        assert_eq!(session.verify_signature_final(), refused(CKR_OPERATION_NOT_INITIALIZED));
        session.verify_signature_init(&mechanism, key, &signature).unwrap();
        log_in(session).unwrap();
        session.verify_signature(DATA).unwrap();
        session.verify_signature_init(&mechanism, key, &signature).unwrap();
        log_in(session).unwrap();
        session.verify_signature_update(DATA).unwrap();
        session.verify_signature_final().unwrap();
    }
}

/// Each message is an operation.
#[test]
fn messages() {
    let token = Token::new();
    let session = token.user();
    for (mechanism, pair) in signing(session) {
        session.message_verify_init(&mechanism, pair.public).unwrap();
        session.message_sign_init(&mechanism, pair.private).unwrap();
        for _ in 0..2 {
            assert_eq!(session.sign_message(DATA), refused(NOT_YET));
            assert_eq!(session.sign_message_begin(), refused(NOT_YET));
            assert_eq!(session.sign_message_part(DATA), refused(CKR_OPERATION_NOT_INITIALIZED));
            log_in(session).unwrap();
            let signature = session.sign_message(DATA).unwrap();
            session.verify_message(DATA, &signature).unwrap();

            assert_eq!(session.sign_message(DATA), refused(NOT_YET));
            log_in(session).unwrap();
            session.sign_message_begin().unwrap();
            session.sign_message_part(&DATA[..9]).unwrap();
            let signature = session.sign_message_end(&DATA[9..]).unwrap();
            session.verify_message(DATA, &signature).unwrap();
        }
        session.message_sign_final().unwrap();
        session.message_verify_final().unwrap();
        assert_eq!(log_in(session), refused(CKR_OPERATION_NOT_INITIALIZED));
    }
}

/// A function that does all at once leaves no moment for the login.
#[test]
fn functions_without_a_beginning_never_get_their_login() {
    let token = Token::new();
    let session = token.user();
    let set = [number(CKA_PARAMETER_SET, CKP_ML_KEM_512)];
    let pair = generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &set, &wanting()).unwrap();
    let (ciphertext, _) = encapsulate(session, pair.public, &[]).unwrap();
    let outcome = session.decapsulate(&plain(CKM_ML_KEM), pair.private, &[], &ciphertext);
    assert_eq!(outcome, refused(NOT_YET));
    assert_eq!(log_in(session), refused(CKR_OPERATION_NOT_INITIALIZED));
}

#[test]
fn only_private_objects_may_want_it() {
    let token = Token::new();
    let session = token.user();
    let set = number(CKA_PARAMETER_SET, CKP_ML_DSA_44);
    let generate = |public: &[_], private: &[_]| generate_pair(session, CKM_ML_DSA_KEY_PAIR_GEN, public, private);
    let public = [set.clone(), flag(CKA_ALWAYS_AUTHENTICATE, true)];
    assert_eq!(generate(&public, &[]), refused(CKR_TEMPLATE_INCONSISTENT));
    let private = with(&wanting(), &[flag(CKA_PRIVATE, false)]);
    assert_eq!(generate(std::slice::from_ref(&set), &private), refused(CKR_TEMPLATE_INCONSISTENT));
    // Nobody changes it afterwards.
    let pair = generate(&[set], &with(&wanting(), &[bytes(CKA_LABEL, b"x")])).unwrap();
    let outcome = session.set(pair.private, &[flag(CKA_ALWAYS_AUTHENTICATE, false)]);
    assert_eq!(outcome, refused(CKR_ATTRIBUTE_READ_ONLY));
    let copy = session.copy(pair.private, &[]).unwrap();
    assert!(session.flag(copy, CKA_ALWAYS_AUTHENTICATE));
}
