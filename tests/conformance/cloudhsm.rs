//! A token founded as a CloudHSM, whose users have names, numbers and rules of their own (AWS CloudHSM user guide, "HSM
//! users").

use cryptoki_sys::*;

use crate::module::{Token, init_token, refused};
use crate::parameters::plain;
use crate::template::{flag, number};

const ADMIN_PIN: &[u8] = b"admins-password";
const PIN: &[u8] = b"users-password";
const PUBLISHED: &[u8] = b"password";

#[test]
fn the_published_password_is_changed_before_anything_else() {
    let token = Token::of_cloudhsm(None);
    assert_eq!(token.info().flags & CKF_SO_PIN_TO_BE_CHANGED, CKF_SO_PIN_TO_BE_CHANGED);
    let session = token.read_write();
    assert_eq!(session.login(CKU_USER, PUBLISHED), refused(CKR_USER_PIN_NOT_INITIALIZED));
    session.login(CKU_SO, PUBLISHED).unwrap();
    assert_eq!(session.state(), CKS_RW_SO_FUNCTIONS);
    assert_eq!(session.init_pin(PIN), refused(CKR_PIN_EXPIRED));
    let aes = plain(CKM_AES_KEY_GEN);
    assert_eq!(session.generate(&aes, &[number(CKA_VALUE_LEN, 32)]), refused(CKR_PIN_EXPIRED));
    assert_eq!(session.set_pin(PUBLISHED, b"short"), refused(CKR_PIN_LEN_RANGE));
    assert_eq!(session.set_pin(PUBLISHED, PUBLISHED), refused(CKR_PIN_INVALID));
    session.set_pin(PUBLISHED, ADMIN_PIN).unwrap();
    // The officer there is now is another one, who has not logged in.
    assert_eq!(session.state(), CKS_RW_PUBLIC_SESSION);
    assert_eq!(session.login(CKU_SO, PUBLISHED), refused(CKR_PIN_INCORRECT));
    session.login(CKU_SO, ADMIN_PIN).unwrap();
    session.init_pin(PIN).unwrap();
    assert_eq!(token.info().flags & CKF_SO_PIN_TO_BE_CHANGED, 0);
}

#[test]
fn users_log_in_with_name_and_password() {
    let token = Token::of_cloudhsm(Some(ADMIN_PIN));
    let session = token.read_write();
    session.login_user(CKU_SO, ADMIN_PIN, b"admin").unwrap();
    session.init_pin(PIN).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, b"user:users-password").unwrap();
    let first = session.generate(&plain(CKM_AES_KEY_GEN), &[number(CKA_VALUE_LEN, 32), flag(CKA_TOKEN, true)]).unwrap();
    // A CloudHSM keeps the handles below to itself.
    assert_eq!(first, 6);
    session.logout().unwrap();
    assert!(session.login_user(CKU_USER, PUBLISHED, b"app_user").is_err());
    for _ in 0..6 {
        assert_eq!(session.login(CKU_USER, b"user:a-wrong-one"), refused(CKR_PIN_INCORRECT));
    }
    assert_eq!(session.login(CKU_USER, b"user:users-password"), refused(CKR_PIN_LOCKED));
    assert_eq!(token.info().flags & CKF_USER_PIN_LOCKED, CKF_USER_PIN_LOCKED);
    session.login(CKU_SO, b"admin:admins-password").unwrap();
    session.init_pin(PIN).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, PIN).unwrap();
}

#[test]
fn c_inittoken_keeps_the_way_of_founding() {
    let token = Token::of_cloudhsm(None);
    init_token(token.slot, ADMIN_PIN, "anew").unwrap();
    let session = token.read_write();
    session.login_user(CKU_SO, ADMIN_PIN, b"admin").unwrap();
    session.init_pin(PIN).unwrap();
    session.close().unwrap();
    assert_eq!(init_token(token.slot, PUBLISHED, "anew"), refused(CKR_PIN_INCORRECT));
    init_token(token.slot, ADMIN_PIN, "again").unwrap();
    token.read_write().login_user(CKU_SO, ADMIN_PIN, b"admin").unwrap();
}
