//! Such a token as a PKCS#11 program meets it.

use cryptoki_sys::*;
use std::sync::Arc;
use strongroom_core::attribute::{RawAttribute, RawValue, Template};
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::session::Session;
use strongroom_core::token::{Founding, INITIAL_PASSWORD};

use super::{ADMIN_PIN, ALICES_PIN, LABEL, hsm};

fn rv<T>(result: Result<T, Error>) -> u64 {
    result.map_or_else(|error| error.rv(), |_| CKR_OK)
}

fn open(hsm: &Hsm) -> Arc<Session> {
    hsm.session(hsm.open_session(0, true).unwrap()).unwrap()
}

fn template<'a>(entries: &[(u64, &'a [u8])]) -> Template<'a> {
    let raw: Vec<_> = entries
        .iter()
        .map(|(attribute, bytes)| RawAttribute { attribute: *attribute, value: RawValue::Bytes(bytes) })
        .collect();
    Template::parse(&raw).unwrap()
}

fn generate(session: &Session, token: bool) -> Result<u64, Error> {
    let length = 32u64.to_ne_bytes();
    let entries = [(CKA_VALUE_LEN, &length[..]), (CKA_TOKEN, if token { &[1][..] } else { &[0] })];
    let call = Call { mechanism: find(CKM_AES_KEY_GEN).unwrap(), parameter: Parameter::None };
    session.generate_key(&call, &template(&entries))
}

fn note(session: &Session, token: bool) -> Result<u64, Error> {
    let class = CKO_DATA.to_ne_bytes();
    let entries = [(CKA_CLASS, &class[..]), (CKA_TOKEN, if token { &[1] } else { &[0] }), (CKA_PRIVATE, &[0])];
    session.create_object(&template(&entries))
}

/// Promise: `C_Login(CKU_SO)` with the published password allows `C_SetPIN` and nothing else: what an officer does is
/// `CKR_PIN_EXPIRED`. `C_SetPIN` activates, and ends the login.
#[test]
fn the_published_password_allows_c_setpin_only() {
    let hsm = hsm();
    assert_eq!(hsm.fresh_cloudhsm().unwrap(), 0);
    let flags = || hsm.token_info(0).unwrap().flags;
    assert_eq!(flags() & (CKF_SO_PIN_TO_BE_CHANGED | CKF_USER_PIN_INITIALIZED), CKF_SO_PIN_TO_BE_CHANGED);
    let session = open(&hsm);
    let nobodys = note(&session, true).unwrap();
    let shared = note(&session, false).unwrap();
    assert_eq!(nobodys, 6);
    assert_eq!(rv(session.login(CKU_USER, Some(INITIAL_PASSWORD), None)), CKR_USER_PIN_NOT_INITIALIZED);
    session.login(CKU_SO, Some(INITIAL_PASSWORD), None).unwrap();
    assert_eq!(session.info().unwrap().state, CKS_RW_SO_FUNCTIONS);
    assert_eq!(rv(session.login(CKU_SO, Some(INITIAL_PASSWORD), None)), CKR_USER_ALREADY_LOGGED_IN);
    assert_eq!(rv(hsm.open_session(0, false)), CKR_SESSION_READ_WRITE_SO_EXISTS);
    assert_eq!(rv(session.init_pin(Some(ALICES_PIN))), CKR_PIN_EXPIRED);
    for token in [true, false] {
        assert_eq!(rv(note(&session, token)), CKR_PIN_EXPIRED);
        assert_ne!(rv(generate(&session, token)), CKR_OK);
    }
    for number in [nobodys, shared] {
        assert_eq!(rv(session.destroy_object(number)), CKR_PIN_EXPIRED);
        assert_eq!(rv(session.set_attributes(number, &template(&[(CKA_LABEL, b"mine")]))), CKR_PIN_EXPIRED);
    }
    assert_eq!(rv(session.set_pin(Some(b"not-the-one"), Some(ADMIN_PIN))), CKR_PIN_INCORRECT);
    assert_eq!(rv(session.set_pin(Some(INITIAL_PASSWORD), Some(b"short"))), CKR_PIN_LEN_RANGE);
    assert_eq!(rv(session.set_pin(Some(INITIAL_PASSWORD), Some(INITIAL_PASSWORD))), CKR_PIN_INVALID);
    session.set_pin(Some(INITIAL_PASSWORD), Some(ADMIN_PIN)).unwrap();
    assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(flags() & CKF_SO_PIN_TO_BE_CHANGED, 0);
    // What was there before is still there.
    session.login(CKU_SO, Some(ADMIN_PIN), None).unwrap();
    session.init_pin(Some(ALICES_PIN)).unwrap();
    assert_eq!(session.object(nobodys).unwrap().number, nobodys);
}

/// Promise: users log in with `name:password`, also where `C_GetTokenInfo`'s longest PIN is minded.
#[test]
fn programs_log_in_with_name_and_password() {
    let hsm = hsm();
    hsm.found_token(0, Founding::CloudHsm, LABEL, Some(ADMIN_PIN)).unwrap();
    let session = open(&hsm);
    session.login(CKU_SO, Some(b"admin:admins-password"), None).unwrap();
    session.init_pin(Some(ALICES_PIN)).unwrap();
    session.logout().unwrap();
    for pin in [&b"user:alices-password"[..], b"USER:alices-password", ALICES_PIN] {
        session.login(CKU_USER, Some(pin), None).unwrap();
        session.logout().unwrap();
    }
    session.login(CKU_USER, Some(b"user:alices-password"), None).unwrap();
    assert_eq!(generate(&session, true).unwrap(), 6);
    session.set_pin(Some(b"user:alices-password"), Some(b"user:new-password")).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, Some(b"user:new-password"), None).unwrap();
    let info = hsm.token_info(0).unwrap();
    assert_eq!((info.min_pin, info.max_pin), (7, 64));
}

/// Promise: the flags of `C_GetTokenInfo` follow the limit of the token.
#[test]
fn flags_follow_the_limit_of_six() {
    let hsm = hsm();
    hsm.found_token(0, Founding::CloudHsm, LABEL, Some(ADMIN_PIN)).unwrap();
    let session = open(&hsm);
    let all = CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED;
    for count in 0..8 {
        let wanted = match count {
            0 => 0,
            1..=4 => CKF_SO_PIN_COUNT_LOW,
            5 => CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY,
            _ => CKF_SO_PIN_LOCKED,
        };
        assert_eq!(hsm.token_info(0).unwrap().flags & all, wanted, "{count}");
        let refused = rv(session.login(CKU_SO, Some(b"a-wrong-one"), None));
        assert_eq!(refused, if count < 6 { CKR_PIN_INCORRECT } else { CKR_PIN_LOCKED });
    }
}

/// Promise: `C_InitToken` keeps the way of founding, and activates with the PIN it is given.
#[test]
fn c_inittoken_keeps_the_founding() {
    let hsm = hsm();
    hsm.fresh_cloudhsm().unwrap();
    hsm.init_token(0, Some(ADMIN_PIN), LABEL).unwrap();
    let session = open(&hsm);
    session.login(CKU_SO, Some(ADMIN_PIN), None).unwrap();
    assert_eq!(session.application().login().unwrap().name, "admin");
    session.init_pin(Some(ALICES_PIN)).unwrap();
    hsm.close_all_sessions(0).unwrap();
    assert_eq!(rv(hsm.init_token(0, Some(ALICES_PIN), LABEL)), CKR_PIN_INCORRECT);
    hsm.init_token(0, Some(ADMIN_PIN), LABEL).unwrap();
    assert_eq!(hsm.application(0).unwrap().token().meta().unwrap().founding, Founding::CloudHsm);
}

/// Promise: a user who is deleted elsewhere is logged out at the next call.
#[test]
fn a_user_deleted_elsewhere_is_logged_out() {
    let hsm = hsm();
    hsm.found_token(0, Founding::CloudHsm, LABEL, Some(ADMIN_PIN)).unwrap();
    let session = open(&hsm);
    let token = Arc::clone(session.application().token());
    let admin = token.login(strongroom_core::token::Credential::first_officer(ADMIN_PIN)).unwrap();
    token.init_pin(&admin, ALICES_PIN).unwrap();
    session.login(CKU_USER, Some(ALICES_PIN), None).unwrap();
    token.delete_user(&admin, "user").unwrap();
    assert_eq!(session.info().unwrap().state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(rv(generate(&session, true)), CKR_USER_NOT_LOGGED_IN);
}
