//! STRONGROOM_TRACE: it tells what was called, and no secret.

use std::os::unix::fs::PermissionsExt;
use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

#[test]
fn calls_are_traced_without_secrets() {
    let _turn = turn();
    initialize();
    token();
    finalize();
    let file = directory().join("trace");
    let value = *b"very secret key!";
    let data = *b"confidential data";
    let child_file = file.clone();
    // The variable is read by the first C_Initialize of a process: a child is a new one.
    in_child(move || unsafe {
        libc::umask(0);
        std::env::set_var("STRONGROOM_TRACE", &child_file);
        let session = user_session();
        assert_eq!(login(session, CKU_USER, b"wrong-pin-indeed"), CKR_USER_ALREADY_LOGGED_IN);
        let mut template = [
            attribute(CKA_CLASS, &CKO_SECRET_KEY),
            attribute(CKA_KEY_TYPE, &CKK_AES),
            attribute(CKA_TOKEN, &CK_FALSE),
            attribute(CKA_LABEL, b"traced key"),
            attribute(CKA_VALUE, &value),
        ];
        let mut key = 0;
        assert_eq!(C_CreateObject(session, template.as_mut_ptr(), 5, &mut key), CKR_OK);
        let mut iv = [0u8; 16];
        let mut cbc = with_parameter(CKM_AES_CBC_PAD, &mut iv);
        assert_eq!(C_EncryptInit(session, &mut cbc, key), CKR_OK);
        let (start, len) = pin(&data);
        let (mut output, mut room) = ([0u8; 8], 8);
        assert_eq!(C_Encrypt(session, start, len, output.as_mut_ptr(), &mut room), CKR_BUFFER_TOO_SMALL);
        let mut held = *b"earlier  secrets";
        let mut wanted = [CK_ATTRIBUTE { pValue: held.as_mut_ptr().cast(), ..attribute(CKA_LABEL, &held) }];
        assert_eq!(C_GetAttributeValue(session, key, wanted.as_mut_ptr(), 1), CKR_OK);
        assert_eq!(C_GenerateRandom(session, ptr::null_mut(), 5), CKR_ARGUMENTS_BAD);
        finalize();
    });
    let trace = std::fs::read_to_string(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&file).unwrap();
    for secret in ["very secret", "confidential", "earlier", "user-pin", "wrong-pin"] {
        assert!(!trace.contains(secret), "{secret} in\n{trace}");
    }
    for expected in [
        "C_Initialize(arguments=NULL) = CKR_OK",
        "user_type=CKU_USER, pin=8 bytes) = CKR_OK",
        "= CKR_USER_ALREADY_LOGGED_IN",
        "{CKA_CLASS=CKO_SECRET_KEY, CKA_KEY_TYPE=CKK_AES, CKA_TOKEN=false, ",
        "CKA_TOKEN=false, CKA_LABEL=\"traced key\", CKA_VALUE=16 bytes}",
        "mechanism=CKM_AES_CBC_PAD with 16 bytes of parameter",
        "data=17 bytes, encrypted=room for 8 bytes) = CKR_BUFFER_TOO_SMALL",
        "encrypted_len=32: the buffer is too small",
        "wanted={CKA_LABEL=16 bytes}) = CKR_OK",
        "wanted={CKA_LABEL=\"traced key\"}",
        "random=NULL, 5 bytes) = CKR_ARGUMENTS_BAD",
        "C_Finalize(reserved=NULL) = CKR_OK",
    ] {
        assert!(trace.contains(expected), "{expected} not in\n{trace}");
    }
    for line in trace.lines() {
        assert!(line.contains(" C_") && line.contains(" = CKR_"), "{line}");
    }
}
