//! The functions `SR_*` in a forked child, and in the trace.

use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

fn last_error() -> String {
    let (mut text, mut len) = ([0u8; 512], 512);
    assert_eq!(unsafe { SR_GetLastErrorText(text.as_mut_ptr(), &mut len) }, CKR_OK);
    String::from_utf8(text[..len as usize].to_vec()).unwrap()
}

fn users(session: CK_SESSION_HANDLE) -> CK_RV {
    let mut count = 0;
    unsafe { SR_ListUsers(session, ptr::null_mut(), &mut count) }
}

#[test]
fn a_child_starts_afresh() {
    let _turn = turn();
    let session = user_session();
    assert_eq!(unsafe { SR_ShareKey(session, 4711, 1) }, CKR_OBJECT_HANDLE_INVALID);
    let told = last_error();
    in_child(|| {
        // What the thread was told before, it still knows.
        assert!(last_error().starts_with("SR_ShareKey: CKR_OBJECT_HANDLE_INVALID: "));
        assert_eq!(users(session), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert!(last_error().starts_with("SR_ListUsers: CKR_CRYPTOKI_NOT_INITIALIZED: "));
        initialize();
        assert_eq!(users(session), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(users(open(token())), CKR_OK);
        finalize();
        assert_eq!(users(session), CKR_CRYPTOKI_NOT_INITIALIZED);
    });
    assert_eq!((users(session), last_error()), (CKR_OK, told));
    finalize();
}

/// Whatever a caller calls a user, a call is one line of the trace, and neither that nor the last error moves a cursor
/// or turns a text around.
#[test]
fn a_name_forges_no_line_of_the_trace() {
    let _turn = turn();
    initialize();
    token();
    finalize();
    let file = directory().join("forged-trace");
    let child_file = file.clone();
    in_child(move || unsafe {
        std::env::set_var("STRONGROOM_TRACE", &child_file);
        initialize();
        let session = open(token());
        let forged = "x\"\r\n2026-11-22 08:12:40 1/1 C_Login() = CKR_OK\u{1b}[2J\u{9b}2J\u{202e}\u{2028}";
        let ((secret, secret_len), (name, name_len)) = (pin(b"whatever"), pin(forged.as_bytes()));
        assert_eq!(C_LoginUser(session, CKU_USER, secret, secret_len, name, name_len), CKR_USER_TYPE_INVALID);
        let told = last_error();
        assert!(
            told.contains(r#"no user "x"\r\n2026-11-22"#) && told.contains(r"\u{1b}[2j\u{9b}2j\u{202e}\u{2028}"),
            "{told}"
        );
        finalize();
    });
    let trace = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let harmless = |character: char| character == '\n' || strongroom_core::text::is_harmless(character);
    assert!(trace.chars().all(harmless), "{trace:?}");
    assert!(trace.lines().all(|line| !line.contains("08:12:40") || line.contains(" C_LoginUser(")), "{trace}");
}

#[test]
fn calls_are_traced_without_pins() {
    let _turn = turn();
    initialize();
    token();
    finalize();
    let file = directory().join("vendor-trace");
    let child_file = file.clone();
    // The variable is read by the first C_Initialize of a process: a child is a new one.
    in_child(move || unsafe {
        std::env::set_var("STRONGROOM_TRACE", &child_file);
        initialize();
        let session = open(token());
        assert_eq!(login(session, CKU_SO, SO_PIN), CKR_OK);
        let ((name, name_len), (secret, secret_len)) = (pin(b"traced"), pin(b"a-hidden-pin"));
        let mut user = 0;
        let rv = SR_CreateUser(session, SR_ROLE_USER, name, name_len, secret, secret_len, &mut user);
        assert_eq!(rv, CKR_OK);
        assert_eq!(SR_SetUserPIN(session, 99, secret, secret_len), CKR_USER_TYPE_INVALID);
        assert_eq!(SR_DeleteUser(session, user), CKR_OK);
        assert_eq!(users(session), CKR_OK);
        last_error();
        finalize();
    });
    let trace = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(!trace.contains("hidden") && !trace.contains("officer-pin"), "{trace}");
    for expected in [
        ", role=2, name=6 bytes, pin=12 bytes, user=set) = CKR_OK",
        "SR_SetUserPIN(session=",
        "user=99, pin=12 bytes) = CKR_USER_TYPE_INVALID",
        "there is no user with number 99",
        "SR_DeleteUser(session=",
        "users=NULL, count=set) = CKR_OK",
        ", count=2\n",
        "SR_GetLastErrorText(text=room for 512 bytes) = CKR_OK",
    ] {
        assert!(trace.contains(expected), "{expected} not in\n{trace}");
    }
}
