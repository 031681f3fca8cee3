//! The last error in words, and the functions before, between and after.

use std::ptr;

use cryptoki_sys::*;

use super::*;
use crate::module::{self, directory, refused};

fn text() -> String {
    let mut len = 0;
    vendor!(SR_GetLastErrorText(ptr::null_mut(), &mut len)).unwrap();
    let mut text = vec![0; len as usize];
    vendor!(SR_GetLastErrorText(text.as_mut_ptr(), &mut len)).unwrap();
    assert_eq!(len, text.len() as CK_ULONG);
    String::from_utf8(text).unwrap()
}

#[test]
fn each_thread_is_told_its_own_last_error_in_words() {
    let token = Token::new();
    let session = token.user();
    std::thread::spawn(|| assert_eq!(text(), "")).join().unwrap();
    assert_eq!(session.get(4711, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
    let expected = "C_GetAttributeValue: CKR_OBJECT_HANDLE_INVALID: there is no object 4711 for this caller";
    assert_eq!(text(), expected);
    // A success, another thread, and questions that go wrong leave it.
    session.info().unwrap();
    std::thread::spawn(move || assert_eq!(session.destroy(7), refused(CKR_OBJECT_HANDLE_INVALID))).join().unwrap();
    let (mut place, mut len) = ([0u8; 8], 8);
    let short = vendor!(SR_GetLastErrorText(place.as_mut_ptr(), &mut len));
    assert_eq!((short, len, place), (refused(CKR_BUFFER_TOO_SMALL), expected.len() as CK_ULONG, [0; 8]));
    assert_eq!(vendor!(SR_GetLastErrorText(place.as_mut_ptr(), ptr::null_mut())), refused(CKR_ARGUMENTS_BAD));
    assert_eq!(vendor!(SR_GetLastErrorText(ptr::null_mut(), ptr::null_mut())), refused(CKR_ARGUMENTS_BAD));
    len = CK_ULONG::MAX;
    assert_eq!(vendor!(SR_GetLastErrorText(place.as_mut_ptr(), &mut len)), refused(CKR_ARGUMENTS_BAD));
    assert_eq!(text(), expected);
    assert_eq!(session.create_user(SR_ROLE_USER, b"dora", b"a secret PIN"), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(text(), "SR_CreateUser: CKR_USER_NOT_LOGGED_IN: log in first");
}

/// All functions of a session, called with nothing of use.
fn session_calls(s: CK_SESSION_HANDLE) -> Vec<Outcome> {
    fn n<T>() -> *mut T {
        ptr::null_mut()
    }
    vec![
        vendor!(SR_ListUsers(s, n(), n())),
        vendor!(SR_CreateUser(s, 0, n(), 0, n(), 0, n())),
        vendor!(SR_DeleteUser(s, 0)),
        vendor!(SR_SetUserPIN(s, 0, n(), 0)),
        vendor!(SR_UnlockUser(s, 0)),
        vendor!(SR_ShareKey(s, 0, 0)),
        vendor!(SR_UnshareKey(s, 0, 0)),
        vendor!(SR_SetTrusted(s, 0, 0)),
        vendor!(SR_RegisterApprover(s, 0, n(), 0, n(), 0, n(), 0)),
        vendor!(SR_RequestApproval(s, 0, 0, n(), n())),
        vendor!(SR_Approve(s, n(), 0, 0, n(), 0, n())),
        vendor!(SR_ListQuorumTokens(s, n(), n())),
        vendor!(SR_DeleteQuorumToken(s, 0)),
        vendor!(SR_GetQuorumValue(s, 0, n())),
        vendor!(SR_SetQuorumValue(s, 0, 0)),
    ]
}

#[test]
fn functions_answer_before_initialize_without_a_session_and_after_finalize() {
    let _alone = module::alone();
    let all_are = |s, code| session_calls(s).iter().all(|outcome| *outcome == refused(code));
    assert!(all_are(1, CKR_CRYPTOKI_NOT_INITIALIZED));
    let expected = "SR_SetQuorumValue: CKR_CRYPTOKI_NOT_INITIALIZED: this process has not called C_Initialize";
    assert_eq!(text(), expected);
    module::initialize_with(directory(), &directory().join("conformance.toml")).unwrap();
    assert_eq!(session_calls(0).len(), size_of::<SR_FUNCTION_LIST>() / size_of::<usize>() - 2);
    assert!(all_are(0, CKR_SESSION_HANDLE_INVALID));
    let token = Token::of_lone_test();
    let session = token.officer();
    session.close().unwrap();
    assert!(all_are(session.0, CKR_SESSION_HANDLE_INVALID));
    let session = token.officer();
    assert_eq!(session.users().unwrap().len(), 2);
    drop(token);
    call!(C_Finalize(ptr::null_mut())).unwrap();
    assert!(all_are(session.0, CKR_CRYPTOKI_NOT_INITIALIZED));
}
