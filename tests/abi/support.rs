//! A module of its own directory, a token with a user, and small helpers.

use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use cryptoki_sys::*;
use strongroom::*;

pub(crate) const SO_PIN: &[u8] = b"officer-pin";
pub(crate) const USER_PIN: &[u8] = b"user-pin";

/// The turn to use the module. It is not initialised when the turn begins.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    directory();
    // A test that failed may have left the module initialised.
    unsafe { C_Finalize(ptr::null_mut()) };
    turn
}

/// The directory the environment names, where tokens cost next to nothing.
pub(crate) fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = fresh_directory("abi");
        unsafe {
            std::env::set_var("STRONGROOM_DIR", &directory);
            std::env::set_var("STRONGROOM_CONF", directory.join("test.toml"));
        }
        directory
    })
}

/// A directory of its own, with a configuration for tests in it.
pub(crate) fn fresh_directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("strongroom-{name}-{}", std::process::id()));
    _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("test.toml"), "kdf = \"test\"\n").unwrap();
    directory
}

pub(crate) fn initialize() {
    assert_eq!(unsafe { C_Initialize(ptr::null_mut()) }, CKR_OK);
}

pub(crate) fn finalize() {
    assert_eq!(unsafe { C_Finalize(ptr::null_mut()) }, CKR_OK);
}

/// An initialised module with a token: a session that may write, with the user logged in.
pub(crate) fn user_session() -> CK_SESSION_HANDLE {
    initialize();
    let slot = token();
    let session = open(slot);
    assert_eq!(login(session, CKU_USER, USER_PIN), CKR_OK);
    session
}

/// The slot of this process's token, which is made the first time.
pub(crate) fn token() -> CK_SLOT_ID {
    static MADE: Mutex<Option<CK_SLOT_ID>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    *made.get_or_insert_with(|| {
        let slot = *slots().last().unwrap();
        let mut label = *b"abi                             ";
        unsafe {
            let (pin, len) = pin(SO_PIN);
            assert_eq!(C_InitToken(slot, pin, len, label.as_mut_ptr()), CKR_OK);
            let session = open(slot);
            assert_eq!(login(session, CKU_SO, SO_PIN), CKR_OK);
            let (pin, len) = self::pin(USER_PIN);
            assert_eq!(C_InitPIN(session, pin, len), CKR_OK);
            assert_eq!(C_CloseSession(session), CKR_OK);
        }
        slot
    })
}

pub(crate) fn slots() -> Vec<CK_SLOT_ID> {
    let mut count = 0;
    unsafe {
        assert_eq!(C_GetSlotList(CK_FALSE, ptr::null_mut(), &mut count), CKR_OK);
        let mut slots = vec![0; count as usize];
        assert_eq!(C_GetSlotList(CK_FALSE, slots.as_mut_ptr(), &mut count), CKR_OK);
        slots
    }
}

pub(crate) fn open(slot: CK_SLOT_ID) -> CK_SESSION_HANDLE {
    let mut session = 0;
    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
    assert_eq!(unsafe { C_OpenSession(slot, flags, ptr::null_mut(), None, &mut session) }, CKR_OK);
    session
}

pub(crate) fn login(session: CK_SESSION_HANDLE, user_type: CK_USER_TYPE, secret: &[u8]) -> CK_RV {
    let (pin, len) = pin(secret);
    unsafe { C_Login(session, user_type, pin, len) }
}

/// The functions take pointers to mutable data everywhere, and write to none of what is passed in.
pub(crate) fn pin(bytes: &[u8]) -> (*mut u8, CK_ULONG) {
    (bytes.as_ptr().cast_mut(), bytes.len() as CK_ULONG)
}

pub(crate) fn attribute<T: ?Sized>(type_: CK_ATTRIBUTE_TYPE, value: &T) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE { type_, pValue: ptr::from_ref(value).cast_mut().cast(), ulValueLen: size_of_val(value) as CK_ULONG }
}

/// An entry whose value goes into a variable.
pub(crate) fn into<T: ?Sized>(type_: CK_ATTRIBUTE_TYPE, value: &mut T) -> CK_ATTRIBUTE {
    let len = size_of_val(value) as CK_ULONG;
    CK_ATTRIBUTE { type_, pValue: ptr::from_mut(value).cast(), ulValueLen: len }
}

pub(crate) fn mechanism(id: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: id, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

pub(crate) fn with_parameter<T: ?Sized>(id: CK_MECHANISM_TYPE, parameter: &mut T) -> CK_MECHANISM {
    let len = size_of_val(parameter) as CK_ULONG;
    CK_MECHANISM { mechanism: id, pParameter: ptr::from_mut(parameter).cast(), ulParameterLen: len }
}

/// A session key for AES that may do everything.
pub(crate) fn aes_key(session: CK_SESSION_HANDLE) -> CK_OBJECT_HANDLE {
    let len: CK_ULONG = 32;
    let mut template = [
        attribute(CKA_VALUE_LEN, &len),
        attribute(CKA_TOKEN, &CK_FALSE),
        attribute(CKA_LABEL, b"abi key"),
        attribute(CKA_SENSITIVE, &CK_TRUE),
        attribute(CKA_ENCRYPT, &CK_TRUE),
        attribute(CKA_DECRYPT, &CK_TRUE),
        attribute(CKA_SIGN, &CK_TRUE),
        attribute(CKA_VERIFY, &CK_TRUE),
    ];
    let mut key = 0;
    let mut mechanism = mechanism(CKM_AES_KEY_GEN);
    let count = template.len() as CK_ULONG;
    let rv = unsafe { C_GenerateKey(session, &mut mechanism, template.as_mut_ptr(), count, &mut key) };
    assert_eq!(rv, CKR_OK);
    key
}

/// Runs `body` in a forked child and waits for it; the child must end with 0, and within half a minute.
pub(crate) fn in_child(body: impl FnOnce()) {
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::alarm(30);
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_ok();
            libc::_exit(i32::from(!good));
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "child ended with status {status:#x}");
    }
}
