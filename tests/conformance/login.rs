//! PINs and logins (§5.5.8, §5.5.9, §5.6.8 to §5.6.10): the right code for each wrong order, lockout, names, and logins
//! for one operation.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{SO_PIN, Token, USER_PIN, refused};
use crate::parameters::plain;
use crate::samples::{sample, usable_key};
use crate::session::Work;
use crate::template::{flag, with};

/// Wrong PINs in a row that lock.
const FAILURES_MAX: usize = 10;

#[test]
fn logins_in_every_order() {
    let token = Token::new();
    let session = token.read_write();
    assert_eq!(session.logout(), refused(CKR_USER_NOT_LOGGED_IN));
    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_USER_ALREADY_LOGGED_IN));
    assert_eq!(session.login(CKU_USER, b"wrong"), refused(CKR_USER_ALREADY_LOGGED_IN));
    assert_eq!(session.login(CKU_SO, SO_PIN), refused(CKR_USER_ANOTHER_ALREADY_LOGGED_IN));
    assert_eq!(token.read_write().login(CKU_USER, USER_PIN), refused(CKR_USER_ALREADY_LOGGED_IN));
    session.logout().unwrap();
    assert_eq!(session.logout(), refused(CKR_USER_NOT_LOGGED_IN));
    session.login(CKU_SO, SO_PIN).unwrap();
    assert_eq!(session.login(CKU_SO, SO_PIN), refused(CKR_USER_ALREADY_LOGGED_IN));
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_USER_ANOTHER_ALREADY_LOGGED_IN));
    session.logout().unwrap();
    for user in [3, 99, CKU_SO + (1 << 40), !0] {
        assert_eq!(session.login(user, USER_PIN), refused(CKR_USER_TYPE_INVALID));
    }
    for user in [CKU_SO, CKU_USER] {
        assert_eq!(session.login(user, b"wrong PIN"), refused(CKR_PIN_INCORRECT));
        assert_eq!(session.login(user, b""), refused(CKR_PIN_INCORRECT));
        // No keypad: a NULL PIN is none.
        assert_eq!(call!(C_Login(session.0, user, ptr::null_mut(), 0)), refused(CKR_ARGUMENTS_BAD));
        assert_eq!(call!(C_Login(session.0, user, ptr::null_mut(), 4)), refused(CKR_ARGUMENTS_BAD));
    }
    assert_eq!(session.state(), CKS_RW_PUBLIC_SESSION);
    assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, USER_PIN), refused(CKR_OPERATION_NOT_INITIALIZED));
    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(session.login(CKU_CONTEXT_SPECIFIC, USER_PIN), refused(CKR_OPERATION_NOT_INITIALIZED));
}

#[test]
fn a_user_without_a_pin_cannot_log_in() {
    let token = Token::without_user();
    assert_eq!(token.info().flags & CKF_USER_PIN_INITIALIZED, 0);
    let session = token.read_write();
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_USER_PIN_NOT_INITIALIZED));
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(USER_PIN).unwrap();
    assert_ne!(token.info().flags & CKF_USER_PIN_INITIALIZED, 0);
    session.logout().unwrap();
    session.login(CKU_USER, USER_PIN).unwrap();
}

#[test]
fn only_the_officer_sets_the_users_pin() {
    let token = Token::new();
    let (reader, session) = (token.read_only(), token.read_write());
    let refusal = refused(CKR_USER_NOT_LOGGED_IN);
    for session in [reader, session] {
        assert_eq!(session.init_pin(b"new PIN"), refusal);
    }
    session.login(CKU_USER, USER_PIN).unwrap();
    for session in [reader, session] {
        assert_eq!(session.init_pin(b"new PIN"), refusal);
    }
    token.close_all();
    let officer = token.officer();
    let lengths = [(0, false), (1, false), (3, false), (4, true), (255, true), (256, false), (1000, false)];
    for (len, good) in lengths {
        let outcome = officer.init_pin(&vec![b'7'; len]);
        assert_eq!(outcome, if good { Ok(()) } else { refused(CKR_PIN_LEN_RANGE) }, "{len} bytes");
    }
    for bad in [&b"not UTF-8 \xff"[..], b"with\0zero", b"line\nbreak"] {
        assert_eq!(officer.init_pin(bad), refused(CKR_PIN_INVALID));
    }
    assert_eq!(call!(C_InitPIN(officer.0, ptr::null_mut(), 0)), refused(CKR_ARGUMENTS_BAD));
    // The last good one counts, and what the user owns is still theirs.
    officer.logout().unwrap();
    officer.login(CKU_USER, &[b'7'; 255]).unwrap();
    let info = token.info();
    assert_eq!((info.ulMinPinLen, info.ulMaxPinLen), (4, 255));
}

#[test]
fn set_pin_changes_the_pin_of_who_is_logged_in_or_of_the_user() {
    let token = Token::new();
    let (reader, session) = (token.read_only(), token.read_write());
    assert_eq!(reader.set_pin(USER_PIN, b"other"), refused(CKR_SESSION_READ_ONLY));
    // Nobody is logged in: the user's PIN.
    session.set_pin(USER_PIN, b"second PIN").unwrap();
    assert_eq!(session.set_pin(USER_PIN, b"third PIN"), refused(CKR_PIN_INCORRECT));
    session.login(CKU_USER, b"second PIN").unwrap();
    assert_eq!(reader.set_pin(b"second PIN", b"other"), refused(CKR_SESSION_READ_ONLY));
    let object = session.create(&with(&usable_key(CKK_AES, 0), &[flag(CKA_TOKEN, true)])).unwrap();
    session.set_pin(b"second PIN", b"third PIN").unwrap();
    session.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(0), object).unwrap();
    for len in [0, 3, 256] {
        assert_eq!(session.set_pin(b"third PIN", &vec![b'1'; len]), refused(CKR_PIN_LEN_RANGE));
    }
    assert_eq!(session.set_pin(b"third PIN", b"\xff\xfe\xfd\xfc"), refused(CKR_PIN_INVALID));
    assert_eq!(session.set_pin(b"wrong", b"fourth PIN"), refused(CKR_PIN_INCORRECT));
    let (old, new) = (b"third PIN".as_ptr().cast_mut(), b"fourth PIN".as_ptr().cast_mut());
    assert_eq!(call!(C_SetPIN(session.0, old, 9, ptr::null_mut(), 0)), refused(CKR_ARGUMENTS_BAD));
    assert_eq!(call!(C_SetPIN(session.0, ptr::null_mut(), 0, new, 10)), refused(CKR_ARGUMENTS_BAD));
    token.close_all();
    // The officer's own.
    let officer = token.officer();
    officer.set_pin(SO_PIN, b"officer's second").unwrap();
    officer.logout().unwrap();
    assert_eq!(officer.login(CKU_SO, SO_PIN), refused(CKR_PIN_INCORRECT));
    officer.login(CKU_SO, b"officer's second").unwrap();
    officer.logout().unwrap();
    officer.login(CKU_USER, b"third PIN").unwrap();
    officer.get(object, CKA_LABEL).unwrap();
}

#[test]
fn too_many_wrong_pins_lock_and_the_flags_say_so() {
    let token = Token::new();
    let session = token.read_write();
    let flags = || token.info().flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
    assert_eq!(flags(), 0);
    // A right PIN in between forgives.
    for _ in 0..FAILURES_MAX - 1 {
        assert_eq!(session.login(CKU_USER, b"wrong"), refused(CKR_PIN_INCORRECT));
    }
    assert_eq!(flags(), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(flags(), 0);
    session.logout().unwrap();
    for failure in 1..=FAILURES_MAX {
        assert_eq!(session.login(CKU_USER, b"wrong"), refused(CKR_PIN_INCORRECT));
        let expected = match failure {
            FAILURES_MAX => CKF_USER_PIN_LOCKED,
            9 => CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY,
            _ => CKF_USER_PIN_COUNT_LOW,
        };
        assert_eq!(flags(), expected, "after {failure}");
    }
    // Locked even for the right PIN, by every way in.
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_PIN_LOCKED));
    assert_eq!(session.login_user(CKU_USER, USER_PIN, b"user"), refused(CKR_PIN_LOCKED));
    assert_eq!(session.set_pin(USER_PIN, b"new PIN"), refused(CKR_PIN_LOCKED));
    // The officer is not, and unlocks.
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(b"new PIN").unwrap();
    assert_eq!(flags(), 0);
    session.logout().unwrap();
    session.login(CKU_USER, b"new PIN").unwrap();
}

#[test]
fn the_officer_is_locked_too_and_the_token_stays_usable() {
    let token = Token::new();
    let session = token.read_write();
    let flags = || token.info().flags & (CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED);
    for _ in 0..FAILURES_MAX {
        assert_eq!(session.login(CKU_SO, b"wrong"), refused(CKR_PIN_INCORRECT));
    }
    assert_eq!(flags(), CKF_SO_PIN_LOCKED);
    assert_eq!(session.login(CKU_SO, SO_PIN), refused(CKR_PIN_LOCKED));
    session.login(CKU_USER, USER_PIN).unwrap();
    token.close_all();
    assert_eq!(crate::module::init_token(token.slot, SO_PIN, "again"), refused(CKR_PIN_LOCKED));
}

/// Wrong PINs of every function count together.
#[test]
fn every_wrong_pin_counts() {
    let token = Token::new();
    let session = token.user();
    for _ in 0..4 {
        assert_eq!(session.set_pin(b"wrong", b"new PIN"), refused(CKR_PIN_INCORRECT));
    }
    session.logout().unwrap();
    for _ in 0..3 {
        assert_eq!(session.login(CKU_USER, b"wrong"), refused(CKR_PIN_INCORRECT));
        assert_eq!(session.login_user(CKU_USER, b"wrong", b"user"), refused(CKR_PIN_INCORRECT));
    }
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_PIN_LOCKED));
}

#[test]
fn users_have_names() {
    let token = Token::new();
    let session = token.read_write();
    session.login_user(CKU_USER, USER_PIN, b"user").unwrap();
    assert_eq!(session.state(), CKS_RW_USER_FUNCTIONS);
    assert_eq!(session.login_user(CKU_USER, USER_PIN, b"user"), refused(CKR_USER_ALREADY_LOGGED_IN));
    session.logout().unwrap();
    session.login_user(CKU_SO, SO_PIN, b"so").unwrap();
    assert_eq!(session.login_user(CKU_USER, USER_PIN, b"user"), refused(CKR_USER_ANOTHER_ALREADY_LOGGED_IN));
    session.logout().unwrap();
    // No name is the default user's; a name in the PIN is understood where such a user exists.
    session.login_user(CKU_USER, USER_PIN, b"").unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, &[b"user:", USER_PIN].concat()).unwrap();
    session.logout().unwrap();
    session.login(CKU_USER, &[b"USER:", USER_PIN].concat()).unwrap();
    session.logout().unwrap();
    session.login(CKU_SO, &[b"so:", SO_PIN].concat()).unwrap();
    session.logout().unwrap();
    assert_eq!(session.login(CKU_USER, &[b"so:", SO_PIN].concat()), refused(CKR_PIN_INCORRECT));
    assert_eq!(session.login(CKU_USER, b"user:"), refused(CKR_PIN_INCORRECT));
    assert!(session.login_user(CKU_USER, USER_PIN, b"nobody").is_err());
    assert!(session.login_user(CKU_USER, SO_PIN, b"so").is_err());
    assert!(session.login_user(CKU_SO, SO_PIN, b"user").is_err());
    assert_eq!(session.login_user(CKU_CONTEXT_SPECIFIC, USER_PIN, b"user"), refused(CKR_OPERATION_NOT_INITIALIZED));
    // A new PIN must not look like a name and a PIN; other colons do no harm.
    assert_eq!(session.set_pin(USER_PIN, b"time: 12:30"), refused(CKR_PIN_INVALID));
    session.set_pin(USER_PIN, b"it is 12:30").unwrap();
    session.login(CKU_USER, b"it is 12:30").unwrap();
}

#[test]
fn keys_that_want_a_login_for_each_operation() {
    let token = Token::new();
    let session = token.user();
    let wanting = [flag(CKA_ALWAYS_AUTHENTICATE, true)];
    let key = session.create(&with(&usable_key(CKK_AES, 0), &wanting)).unwrap();
    let (cbc, cmac) = (sample(CKM_AES_CBC).mechanism(16), plain(CKM_AES_CMAC));
    let context = |pin| session.login(CKU_CONTEXT_SPECIFIC, pin);
    for _ in 0..2 {
        // Before the login, nothing goes; the beginning has to be repeated.
        session.begin(Work::Encrypt, &cbc, key).unwrap();
        assert_eq!(session.whole(Work::Encrypt, &[0; 16]), refused(CKR_USER_NOT_LOGGED_IN));

        session.begin(Work::Encrypt, &cbc, key).unwrap();
        assert_eq!(context(b"wrong"), refused(CKR_PIN_INCORRECT));
        context(USER_PIN).unwrap();
        let encrypted = session.whole(Work::Encrypt, &[0; 16]).unwrap();
        // Once for each operation.
        assert_eq!(context(USER_PIN), refused(CKR_OPERATION_NOT_INITIALIZED));
        session.begin(Work::Decrypt, &cbc, key).unwrap();
        context(USER_PIN).unwrap();
        assert_eq!(session.update(Work::Decrypt, &encrypted).unwrap(), [0; 16]);
        assert_eq!(session.finish(Work::Decrypt).unwrap(), b"");

        session.begin(Work::Sign, &cmac, key).unwrap();
        context(USER_PIN).unwrap();
        session.update(Work::Sign, b"abc").unwrap();
        let signature = session.finish(Work::Sign).unwrap();
        session.verify_init(&cmac, key).unwrap();
        context(USER_PIN).unwrap();
        session.verify(b"abc", &signature).unwrap();
        session.verify_init(&cmac, key).unwrap();
        assert_eq!(session.verify(b"abc", &signature), refused(CKR_USER_NOT_LOGGED_IN));
    }
    // Wrong PINs here lock the user as anywhere.
    session.begin(Work::Encrypt, &cbc, key).unwrap();
    for _ in 0..FAILURES_MAX {
        assert_eq!(context(b"wrong"), refused(CKR_PIN_INCORRECT));
    }
    assert_eq!(context(USER_PIN), refused(CKR_PIN_LOCKED));
    assert_ne!(token.info().flags & CKF_USER_PIN_LOCKED, 0);
}

#[test]
fn logins_of_one_token_are_not_those_of_another() {
    let (one, other) = (Token::new(), Token::new());
    let (here, there) = (one.user(), other.read_write());
    assert_eq!(there.state(), CKS_RW_PUBLIC_SESSION);
    there.login(CKU_SO, SO_PIN).unwrap();
    assert_eq!(here.state(), CKS_RW_USER_FUNCTIONS);
    there.logout().unwrap();
    assert_eq!(here.state(), CKS_RW_USER_FUNCTIONS);
}
