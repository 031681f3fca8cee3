//! What functions answer before `C_Initialize`, without a session, between and after (§5.4, §5.5); tokens initialised
//! and initialised anew.

use std::ptr;

use cryptoki_sys::*;

use crate::module::{self, Outcome, SO_PIN, Token, USER_PIN, init_token, refused, slots};
use crate::parameters::plain;
use crate::samples::usable_key;
use crate::session::{NOTHING, Session, Work};
use crate::template::{bytes, flag, number, with};

fn n<T>() -> *mut T {
    ptr::null_mut()
}

macro_rules! calls {
    ($($name:ident($($argument:expr),*);)*) => { vec![$((stringify!($name), call!($name($($argument),*))),)*] };
}

/// The functions without a session handle, called with nothing of use.
fn general_calls() -> Vec<(&'static str, Outcome)> {
    calls! {
        C_Finalize(n());
        C_GetInfo(n());
        C_GetSlotList(0, n(), n());
        C_GetSlotInfo(0, n());
        C_GetTokenInfo(0, n());
        C_GetMechanismList(0, n(), n());
        C_GetMechanismInfo(0, 0, n());
        C_InitToken(0, n(), 0, n());
        C_OpenSession(0, 0, n(), None, n());
        C_CloseAllSessions(0);
        C_WaitForSlotEvent(0, n(), n());
    }
}

/// The functions of a session, called with nothing of use.
fn session_calls(s: CK_SESSION_HANDLE) -> Vec<(&'static str, Outcome)> {
    calls! {
        C_InitPIN(s, n(), 0);
        C_SetPIN(s, n(), 0, n(), 0);
        C_CloseSession(s);
        C_GetSessionInfo(s, n());
        C_GetOperationState(s, n(), n());
        C_SetOperationState(s, n(), 0, 0, 0);
        C_Login(s, 0, n(), 0);
        C_LoginUser(s, 0, n(), 0, n(), 0);
        C_Logout(s);
        C_SessionCancel(s, 0);
        C_CreateObject(s, n(), 0, n());
        C_CopyObject(s, 0, n(), 0, n());
        C_DestroyObject(s, 0);
        C_GetObjectSize(s, 0, n());
        C_GetAttributeValue(s, 0, n(), 0);
        C_SetAttributeValue(s, 0, n(), 0);
        C_FindObjectsInit(s, n(), 0);
        C_FindObjects(s, n(), 0, n());
        C_FindObjectsFinal(s);
        C_EncryptInit(s, n(), 0);
        C_Encrypt(s, n(), 0, n(), n());
        C_EncryptUpdate(s, n(), 0, n(), n());
        C_EncryptFinal(s, n(), n());
        C_DecryptInit(s, n(), 0);
        C_Decrypt(s, n(), 0, n(), n());
        C_DecryptUpdate(s, n(), 0, n(), n());
        C_DecryptFinal(s, n(), n());
        C_DigestInit(s, n());
        C_Digest(s, n(), 0, n(), n());
        C_DigestUpdate(s, n(), 0);
        C_DigestKey(s, 0);
        C_DigestFinal(s, n(), n());
        C_SignInit(s, n(), 0);
        C_Sign(s, n(), 0, n(), n());
        C_SignUpdate(s, n(), 0);
        C_SignFinal(s, n(), n());
        C_VerifyInit(s, n(), 0);
        C_Verify(s, n(), 0, n(), 0);
        C_VerifyUpdate(s, n(), 0);
        C_VerifyFinal(s, n(), 0);
        C_DigestEncryptUpdate(s, n(), 0, n(), n());
        C_DecryptDigestUpdate(s, n(), 0, n(), n());
        C_SignEncryptUpdate(s, n(), 0, n(), n());
        C_DecryptVerifyUpdate(s, n(), 0, n(), n());
        C_GenerateKey(s, n(), n(), 0, n());
        C_SeedRandom(s, n(), 0);
        C_GenerateRandom(s, n(), 0);
        C_SignRecoverInit(s, n(), 0);
        C_SignRecover(s, n(), 0, n(), n());
        C_VerifyRecoverInit(s, n(), 0);
        C_VerifyRecover(s, n(), 0, n(), n());
        C_GenerateKeyPair(s, n(), n(), 0, n(), 0, n(), n());
        C_WrapKey(s, n(), 0, 0, n(), n());
        C_UnwrapKey(s, n(), 0, n(), 0, n(), 0, n());
        C_DeriveKey(s, n(), 0, n(), 0, n());
        C_MessageEncryptInit(s, n(), 0);
        C_EncryptMessage(s, n(), 0, n(), 0, n(), 0, n(), n());
        C_EncryptMessageBegin(s, n(), 0, n(), 0);
        C_EncryptMessageNext(s, n(), 0, n(), 0, n(), n(), 0);
        C_MessageEncryptFinal(s);
        C_MessageDecryptInit(s, n(), 0);
        C_DecryptMessage(s, n(), 0, n(), 0, n(), 0, n(), n());
        C_DecryptMessageBegin(s, n(), 0, n(), 0);
        C_DecryptMessageNext(s, n(), 0, n(), 0, n(), n(), 0);
        C_MessageDecryptFinal(s);
        C_MessageSignInit(s, n(), 0);
        C_SignMessage(s, n(), 0, n(), 0, n(), n());
        C_SignMessageBegin(s, n(), 0);
        C_SignMessageNext(s, n(), 0, n(), 0, n(), n());
        C_MessageSignFinal(s);
        C_MessageVerifyInit(s, n(), 0);
        C_VerifyMessage(s, n(), 0, n(), 0, n(), 0);
        C_VerifyMessageBegin(s, n(), 0);
        C_VerifyMessageNext(s, n(), 0, n(), 0, n(), 0);
        C_MessageVerifyFinal(s);
        C_EncapsulateKey(s, n(), 0, n(), 0, n(), n(), n());
        C_DecapsulateKey(s, n(), 0, n(), 0, n(), 0, n());
        C_VerifySignatureInit(s, n(), 0, n(), 0);
        C_VerifySignature(s, n(), 0);
        C_VerifySignatureUpdate(s, n(), 0);
        C_VerifySignatureFinal(s);
        C_GetSessionValidationFlags(s, 0, n());
        C_WrapKeyAuthenticated(s, n(), 0, 0, n(), 0, n(), n());
        C_UnwrapKeyAuthenticated(s, n(), 0, n(), 0, n(), 0, n(), 0, n());
        C_GetFunctionStatus(s);
        C_CancelFunction(s);
    }
}

/// The functions of a session that are not offered: nothing here runs on without its caller.
fn absent_calls(s: CK_SESSION_HANDLE) -> Vec<(&'static str, Outcome)> {
    calls! {
        C_AsyncComplete(s, n(), n());
        C_AsyncGetID(s, n(), n());
        C_AsyncJoin(s, n(), 0, n(), 0);
    }
}

fn all_are(outcomes: Vec<(&'static str, Outcome)>, code: CK_RV) {
    for (name, outcome) in outcomes {
        assert_eq!(outcome, refused(code), "{name}");
    }
}

fn start() {
    let directory = module::directory();
    module::initialize_with(directory, &directory.join("conformance.toml")).unwrap();
}

#[test]
fn nothing_works_before_initialize_and_after_finalize() {
    let _alone = module::alone();
    for _ in 0..2 {
        for session in [0, 1, !0] {
            all_are(session_calls(session), CKR_CRYPTOKI_NOT_INITIALIZED);
            all_are(absent_calls(session), CKR_CRYPTOKI_NOT_INITIALIZED);
        }
        all_are(general_calls(), CKR_CRYPTOKI_NOT_INITIALIZED);
        start();
        let refusal = call!(C_Initialize(n()));
        assert_eq!(refusal, refused(CKR_CRYPTOKI_ALREADY_INITIALIZED));
        let mut byte = 0u8;
        assert_eq!(call!(C_Finalize(ptr::from_mut(&mut byte).cast())), refused(CKR_ARGUMENTS_BAD));
        call!(C_Finalize(n())).unwrap();
    }
}

#[test]
fn a_session_that_is_not_there_is_told_first() {
    let token = Token::new();
    let closed = token.read_write();
    closed.close().unwrap();
    for session in [0, closed.0, closed.0 + 100_000, 1 << 40, !0] {
        all_are(session_calls(session), CKR_SESSION_HANDLE_INVALID);
        all_are(absent_calls(session), CKR_SESSION_HANDLE_INVALID);
    }
}

#[test]
fn functions_that_are_not_offered_say_so() {
    let token = Token::new();
    let session = token.user();
    all_are(absent_calls(session.0), CKR_FUNCTION_NOT_SUPPORTED);
    all_are(calls! { C_GetFunctionStatus(session.0); C_CancelFunction(session.0); }, CKR_FUNCTION_NOT_PARALLEL);
}

/// §5.2 and §5.8 to §5.15: without a beginning there is nothing to go on with, whatever the arguments.
#[test]
fn nothing_goes_on_that_was_not_begun() {
    let token = Token::new();
    for session in [token.read_only(), token.read_write()] {
        let mut buffer = [0u8; 64];
        let mut len = 64;
        let (data, s) = (buffer.as_mut_ptr(), session.0);
        let outcomes = calls! {
            C_Encrypt(s, data, 16, data, &mut len);
            C_EncryptUpdate(s, data, 16, data, &mut len);
            C_EncryptFinal(s, data, &mut len);
            C_Encrypt(s, data, 16, n(), &mut len);
            C_Decrypt(s, data, 16, data, &mut len);
            C_DecryptUpdate(s, data, 16, data, &mut len);
            C_DecryptFinal(s, data, &mut len);
            C_Digest(s, data, 16, data, &mut len);
            C_DigestUpdate(s, data, 16);
            C_DigestKey(s, 1);
            C_DigestFinal(s, data, &mut len);
            C_Sign(s, data, 16, data, &mut len);
            C_SignUpdate(s, data, 16);
            C_SignFinal(s, data, &mut len);
            C_Verify(s, data, 16, data, 16);
            C_VerifyUpdate(s, data, 16);
            C_VerifyFinal(s, data, 16);
            C_DigestEncryptUpdate(s, data, 16, data, &mut len);
            C_DecryptDigestUpdate(s, data, 16, data, &mut len);
            C_SignEncryptUpdate(s, data, 16, data, &mut len);
            C_DecryptVerifyUpdate(s, data, 16, data, &mut len);
            C_SignRecover(s, data, 16, data, &mut len);
            C_VerifyRecover(s, data, 16, data, &mut len);
            C_VerifySignature(s, data, 16);
            C_VerifySignatureUpdate(s, data, 16);
            C_VerifySignatureFinal(s);
            C_EncryptMessage(s, data.cast(), 16, data, 16, data, 16, data, &mut len);
            C_EncryptMessageBegin(s, data.cast(), 16, data, 16);
            C_EncryptMessageNext(s, data.cast(), 16, data, 16, data, &mut len, 0);
            C_MessageEncryptFinal(s);
            C_DecryptMessage(s, data.cast(), 16, data, 16, data, 16, data, &mut len);
            C_DecryptMessageBegin(s, data.cast(), 16, data, 16);
            C_DecryptMessageNext(s, data.cast(), 16, data, 16, data, &mut len, 0);
            C_MessageDecryptFinal(s);
            C_SignMessage(s, n(), 0, data, 16, data, &mut len);
            C_SignMessageBegin(s, n(), 0);
            C_SignMessageNext(s, n(), 0, data, 16, data, &mut len);
            C_MessageSignFinal(s);
            C_VerifyMessage(s, n(), 0, data, 16, data, 16);
            C_VerifyMessageBegin(s, n(), 0);
            C_VerifyMessageNext(s, n(), 0, data, 16, data, 16);
            C_MessageVerifyFinal(s);
            C_GetOperationState(s, data, &mut len);
            C_FindObjects(s, n(), 0, &mut len);
            C_FindObjectsFinal(s);
        };
        all_are(outcomes, CKR_OPERATION_NOT_INITIALIZED);
        assert_eq!((buffer, len), ([0; 64], 64), "something was written");
    }
}

#[test]
fn arguments_of_general_functions() {
    let token = Token::new();
    let slot = token.slot;
    let mut bytes = [0u8; 8];
    let outcomes = calls! {
        C_GetInfo(n());
        C_GetSlotList(CK_TRUE, n(), n());
        C_GetSlotInfo(slot, n());
        C_GetTokenInfo(slot, n());
        C_GetMechanismList(slot, n(), n());
        C_GetMechanismInfo(slot, CKM_AES_CBC, n());
        C_WaitForSlotEvent(CKF_DONT_BLOCK, n(), n());
        C_InitToken(slot, n(), 0, n());
        C_InitToken(slot, bytes.as_mut_ptr(), 8, n());
    };
    all_are(outcomes, CKR_ARGUMENTS_BAD);
    let mut changed = 0;
    assert_eq!(call!(C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut changed, n())), refused(CKR_NO_EVENT));
    let mut info = CK_TOKEN_INFO::default();
    let mut slot_info = CK_SLOT_INFO::default();
    for unknown in [1 << 40, !0] {
        assert_eq!(call!(C_GetTokenInfo(unknown, &mut info)), refused(CKR_SLOT_ID_INVALID));
        assert_eq!(call!(C_GetSlotInfo(unknown, &mut slot_info)), refused(CKR_SLOT_ID_INVALID));
        assert_eq!(init_token(unknown, SO_PIN, "x"), refused(CKR_SLOT_ID_INVALID));
    }
}

fn is_padded(text: &[u8]) -> bool {
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |at| at + 1);
    std::str::from_utf8(text).is_ok() && !text[..end].contains(&0)
}

#[test]
fn infos_are_filled_with_blanks_and_tell_the_truth() {
    let token = Token::without_user();
    let mut info = CK_INFO::default();
    call!(C_GetInfo(&mut info)).unwrap();
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor, info.flags), (3, 2, 0));
    assert!(is_padded(&info.manufacturerID) && is_padded(&info.libraryDescription));
    let mut slot = CK_SLOT_INFO::default();
    call!(C_GetSlotInfo(token.slot, &mut slot)).unwrap();
    assert!(is_padded(&slot.slotDescription) && is_padded(&slot.manufacturerID));
    assert_eq!(slot.flags & (CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE), CKF_TOKEN_PRESENT);
    let info = token.info();
    for text in [&info.label[..], &info.manufacturerID, &info.model, &info.serialNumber] {
        assert!(is_padded(text) && text != vec![b' '; text.len()], "{text:?}");
    }
    assert_eq!(&info.label, b"conformance                     ");
    let wanted = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED | CKF_RNG;
    let unwanted =
        CKF_USER_PIN_INITIALIZED | CKF_WRITE_PROTECTED | CKF_PROTECTED_AUTHENTICATION_PATH | CKF_CLOCK_ON_TOKEN;
    assert_eq!(info.flags & (wanted | unwanted), wanted);
    // The free slot waits for a token, and says so.
    let free = *slots().last().unwrap();
    let mut info = CK_TOKEN_INFO::default();
    call!(C_GetTokenInfo(free, &mut info)).unwrap();
    assert_eq!(info.flags & CKF_TOKEN_INITIALIZED, 0);
    let (first, second) = (Token::without_user().info(), Token::without_user().info());
    assert_ne!(first.serialNumber, second.serialNumber);
}

#[test]
fn slots_keep_their_numbers_and_a_free_one_comes_last() {
    let _alone = module::alone();
    start();
    let before = slots();
    let first = Token::of_lone_test();
    let second = Token::of_lone_test();
    let after = slots();
    assert_eq!(first.slot, *before.last().unwrap());
    assert_eq!(after[..before.len()], before);
    assert!(second.slot != first.slot && after.contains(&second.slot));
    // The same after a fresh start.
    drop((first, second));
    call!(C_Finalize(n())).unwrap();
    start();
    assert_eq!(slots(), after);
    call!(C_Finalize(n())).unwrap();
}

#[test]
fn lists_tell_how_many_and_refuse_too_few_places() {
    let _token = Token::new();
    let _free = Token::new();
    let mut list = vec![77; 1];
    let mut count = 1;
    assert_eq!(call!(C_GetSlotList(CK_TRUE, list.as_mut_ptr(), &mut count)), refused(CKR_BUFFER_TOO_SMALL));
    assert!(count >= 3);
    assert_eq!(list, [77]);
}

#[test]
fn a_new_token_takes_a_pin_of_the_right_length() {
    let _alone = module::alone();
    start();
    let free = *slots().last().unwrap();
    for len in [0, 1, 3, 256, 1000] {
        assert_eq!(init_token(free, &vec![b'1'; len], "x"), refused(CKR_PIN_LEN_RANGE), "{len} bytes");
    }
    assert_eq!(init_token(free, b"\xff\xff\xff\xff", "x"), refused(CKR_PIN_INVALID));
    assert_eq!(*slots().last().unwrap(), free, "a refused token took the slot");
    init_token(free, b"1234", "shortest").unwrap();
    let free = *slots().last().unwrap();
    init_token(free, &[b'1'; 255], "longest").unwrap();
    call!(C_Finalize(n())).unwrap();
}

#[test]
fn initialising_anew_takes_the_officers_pin_and_leaves_nothing() {
    let token = Token::new();
    let session = token.user();
    let place = [flag(CKA_TOKEN, true)];
    session.create(&with(&usable_key(CKK_AES, 0), &place)).unwrap();
    session.create(&with(&[number(CKA_CLASS, CKO_DATA), flag(CKA_PRIVATE, false)], &place)).unwrap();
    let serial = token.info().serialNumber;

    assert_eq!(init_token(token.slot, SO_PIN, "anew"), refused(CKR_SESSION_EXISTS));
    session.close().unwrap();
    let reader = token.read_only();
    assert_eq!(init_token(token.slot, SO_PIN, "anew"), refused(CKR_SESSION_EXISTS));
    reader.close().unwrap();
    for wrong in [USER_PIN, b"", b"wrong"] {
        assert_eq!(init_token(token.slot, wrong, "anew"), refused(CKR_PIN_INCORRECT));
    }
    // Nothing happened so far.
    let session = token.user();
    assert_eq!(session.find(&[]).len(), 2);
    session.close().unwrap();

    init_token(token.slot, SO_PIN, "anew").unwrap();
    let info = token.info();
    assert!(info.label.starts_with(b"anew "));
    assert_eq!(info.flags & CKF_USER_PIN_INITIALIZED, 0);
    assert_ne!(info.serialNumber, serial, "another token has another serial number");
    let session = token.read_write();
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_USER_PIN_NOT_INITIALIZED));
    assert_eq!(session.find(&[]), NOTHING);
    session.login(CKU_SO, SO_PIN).unwrap();
    session.init_pin(b"another PIN").unwrap();
    session.logout().unwrap();
    assert_eq!(session.login(CKU_USER, USER_PIN), refused(CKR_PIN_INCORRECT));
    session.login(CKU_USER, b"another PIN").unwrap();
    assert_eq!(session.find(&[]), NOTHING);
    // It works like a new one.
    let key = session.create(&with(&usable_key(CKK_AES, 0), &place)).unwrap();
    assert_eq!(session.find(&[]), [key]);
}

#[test]
fn what_was_kept_is_there_after_a_fresh_start() {
    let _alone = module::alone();
    start();
    let token = Token::of_lone_test();
    let slot = token.slot;
    let session = token.user();
    let mechanism = crate::parameters::with_iv(CKM_AES_CBC_PAD, &[1; 16]);
    let key =
        session.create(&with(&usable_key(CKK_AES, 2), &[flag(CKA_TOKEN, true), bytes(CKA_LABEL, b"kept")])).unwrap();
    let own = session.create(&usable_key(CKK_AES, 2)).unwrap();
    let encrypted = session.run(Work::Encrypt, &mechanism, key, b"before").unwrap();
    assert_eq!(session.run(Work::Encrypt, &mechanism, own, b"before").unwrap(), encrypted);
    let id = session.get(key, CKA_UNIQUE_ID).unwrap();
    call!(C_Finalize(n())).unwrap();
    assert_eq!(session.info().map(|_| ()), refused(CKR_CRYPTOKI_NOT_INITIALIZED));
    start();
    assert_eq!(session.info().map(|_| ()), refused(CKR_SESSION_HANDLE_INVALID));
    let mut handle = 0;
    call!(C_OpenSession(slot, CKF_SERIAL_SESSION, n(), None, &mut handle)).unwrap();
    let session = Session(handle);
    assert_eq!(session.state(), CKS_RO_PUBLIC_SESSION);
    session.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(session.find(&[]), [key], "the handle is the same for ever");
    assert_eq!(session.get(key, CKA_UNIQUE_ID).unwrap(), id);
    assert_eq!(session.run(Work::Decrypt, &mechanism, key, &encrypted).unwrap(), b"before");
    session.run(Work::Digest, &plain(CKM_SHA256), 0, b"x").unwrap();
    drop(token);
    call!(C_Finalize(n())).unwrap();
}

/// The mutex callbacks of `C_Initialize` (§5.4.1).
#[test]
fn callbacks_come_all_or_none() {
    unsafe extern "C" fn create(_: *mut *mut std::ffi::c_void) -> CK_RV {
        CKR_OK
    }
    unsafe extern "C" fn other(_: *mut std::ffi::c_void) -> CK_RV {
        CKR_OK
    }
    let _alone = module::alone();
    for bits in 0..16u32 {
        for flags in [0, CKF_OS_LOCKING_OK, CKF_LIBRARY_CANT_CREATE_OS_THREADS | CKF_OS_LOCKING_OK] {
            let given = |bit: u32| bits >> bit & 1 == 1;
            let reserved = format!(
                "dir='{}' conf='{}/conformance.toml'\0",
                module::directory().display(),
                module::directory().display()
            );
            let mut arguments = CK_C_INITIALIZE_ARGS {
                CreateMutex: given(0).then_some(create),
                DestroyMutex: given(1).then_some(other),
                LockMutex: given(2).then_some(other),
                UnlockMutex: given(3).then_some(other),
                flags,
                pReserved: reserved.as_ptr().cast_mut().cast(),
            };
            let outcome = call!(C_Initialize(ptr::from_mut(&mut arguments).cast()));
            let expected = match bits {
                0 => Ok(()),
                15 if flags & CKF_OS_LOCKING_OK != 0 => Ok(()),
                // The module can only lock with the system's primitives.
                15 => refused(CKR_CANT_LOCK),
                _ => refused(CKR_ARGUMENTS_BAD),
            };
            assert_eq!(outcome, expected, "callbacks {bits:04b} flags {flags}");
            assert_eq!(call!(C_Finalize(n())).is_ok(), expected.is_ok());
        }
    }
}
