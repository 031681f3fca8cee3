//! The shared library, loaded once, and tokens for tests.

use std::ffi::{CStr, CString, c_void};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cryptoki_sys::*;
use strongroom_core::hsm::{Hsm, Options};
use strongroom_core::token::Founding;

use crate::session::Session;

pub(crate) const SO_PIN: &[u8] = b"the officer's PIN";
pub(crate) const USER_PIN: &[u8] = b"the user's PIN";

/// Calls a function of the module's 3.2 list.
macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {{
        let function = $crate::module::functions().$name.expect(stringify!($name));
        #[allow(unused_unsafe)]
        let rv = unsafe { function($($argument),*) };
        $crate::module::outcome(rv)
    }};
}

/// A return value; shows its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) CK_RV);

pub(crate) type Outcome<T = ()> = Result<T, Code>;

pub(crate) fn outcome(rv: CK_RV) -> Outcome {
    if rv == CKR_OK { Ok(()) } else { Err(Code(rv)) }
}

/// What a call that must be refused is compared with.
pub(crate) fn refused<T>(code: CK_RV) -> Outcome<T> {
    Err(Code(code))
}

/// The 3.2 function list of the module.
pub(crate) fn functions() -> &'static CK_FUNCTION_LIST_3_2 {
    static LIST: OnceLock<&'static CK_FUNCTION_LIST_3_2> = OnceLock::new();
    LIST.get_or_init(|| {
        let entry: CK_C_GetInterface = unsafe { std::mem::transmute(symbol(c"C_GetInterface")) };
        let mut version = CK_VERSION { major: 3, minor: 2 };
        let mut interface: *mut CK_INTERFACE = ptr::null_mut();
        let mut name = *b"PKCS 11\0";
        unsafe {
            let rv = entry.expect("C_GetInterface")(name.as_mut_ptr(), &mut version, &mut interface, 0);
            assert_eq!(rv, CKR_OK);
            &*(*interface).pFunctionList.cast::<CK_FUNCTION_LIST_3_2>()
        }
    })
}

fn symbol(name: &CStr) -> *mut c_void {
    let path = CString::new(module_file().as_os_str().as_bytes()).unwrap();
    unsafe {
        let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        assert!(!library.is_null(), "{path:?} cannot be loaded");
        libc::dlsym(library, name.as_ptr())
    }
}

/// `STRONGROOM_MODULE`, else the module that cargo built for this very test run.
pub(crate) fn module_file() -> PathBuf {
    if let Some(module) = std::env::var_os("STRONGROOM_MODULE") {
        return PathBuf::from(module);
    }
    // `cargo test` writes it beside the test programs; only `cargo build` copies it one level up.
    let own = std::env::current_exe().unwrap();
    let beside = own.parent().unwrap();
    [beside.join("libstrongroom.so"), beside.parent().unwrap().join("libstrongroom.so")]
        .into_iter()
        .find(|path| path.is_file())
        .expect("libstrongroom.so is built with its tests")
}

/// The directory with this process's tokens and configuration, removed when the process ends well.
pub(crate) fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
        sweep(&directory);
        let directory = directory.join(std::process::id().to_string());
        std::fs::create_dir_all(&directory).unwrap();
        write_configuration(&directory, "conformance.toml", "");
        directory
    })
}

/// Removes what earlier runs left: directories named after processes that are gone.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Writes a configuration for test tokens with more lines, and returns its path.
pub(crate) fn write_configuration(directory: &Path, name: &str, lines: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, format!("kdf = \"test\"\n{lines}")).unwrap();
    path
}

/// Initialises the module with the tokens of `directory` and the configuration file `conf`.
pub(crate) fn initialize_with(directory: &Path, conf: &Path) -> Outcome {
    let reserved = format!("dir='{}' conf='{}'\0", directory.display(), conf.display());
    let mut arguments = CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: CKF_OS_LOCKING_OK,
        pReserved: reserved.as_ptr().cast_mut().cast(),
    };
    call!(C_Initialize(ptr::from_mut(&mut arguments).cast()))
}

static TURN: RwLock<()> = RwLock::new(());

/// The right to finalise the module: no other test runs meanwhile. The module is not initialised.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    let turn = TURN.write().unwrap_or_else(PoisonError::into_inner);
    _ = call!(C_Finalize(ptr::null_mut()));
    turn
}

/// A place among the tests that use the initialised module.
fn together() -> RwLockReadGuard<'static, ()> {
    let turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
    match initialize_with(directory(), &directory().join("conformance.toml")) {
        Ok(()) | Err(Code(CKR_CRYPTOKI_ALREADY_INITIALIZED)) => turn,
        Err(code) => panic!("C_Initialize: {code:?}"),
    }
}

/// A token of one test.
pub(crate) struct Token {
    pub(crate) slot: CK_SLOT_ID,
    _turn: Option<RwLockReadGuard<'static, ()>>,
}

impl Token {
    /// A token with an officer and a user.
    pub(crate) fn new() -> Token {
        let token = Token::without_user();
        token.add_user();
        token
    }

    /// A token with an officer only.
    pub(crate) fn without_user() -> Token {
        let turn = together();
        Token { slot: new_slot(), _turn: Some(turn) }
    }

    /// A token founded as a CloudHSM, whose officer has this PIN, or else is not activated. No function of PKCS#11
    /// makes one, so the core does, as another process would: the module has not seen the slot yet.
    pub(crate) fn of_cloudhsm(pin: Option<&[u8]>) -> Token {
        let turn = together();
        let _new = NEW.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = *slots().last().expect("a free slot");
        let place = Options { dir: Some(directory().into()), conf: Some(directory().join("conformance.toml")) };
        let hsm = Hsm::start(place).unwrap();
        hsm.found_token(slot, Founding::CloudHsm, b"conformance                     ", pin).unwrap();
        Token { slot, _turn: Some(turn) }
    }

    /// A token, with a user, for a test that has the module alone and initialised it.
    pub(crate) fn of_lone_test() -> Token {
        let token = Token { slot: new_slot(), _turn: None };
        token.add_user();
        token
    }

    pub(crate) fn add_user(&self) {
        let session = self.officer();
        session.init_pin(USER_PIN).unwrap();
        session.close().unwrap();
    }

    pub(crate) fn open(&self, flags: CK_FLAGS) -> Outcome<Session> {
        let mut session = 0;
        call!(C_OpenSession(self.slot, flags | CKF_SERIAL_SESSION, ptr::null_mut(), None, &mut session))?;
        Ok(Session(session))
    }

    /// A new read-write session.
    pub(crate) fn read_write(&self) -> Session {
        self.open(CKF_RW_SESSION).unwrap()
    }

    /// A new read-only session.
    pub(crate) fn read_only(&self) -> Session {
        self.open(0).unwrap()
    }

    /// A new read-write session; the user is logged in.
    pub(crate) fn user(&self) -> Session {
        let session = self.read_write();
        session.login(CKU_USER, USER_PIN).unwrap();
        session
    }

    /// A new read-write session; the officer is logged in.
    pub(crate) fn officer(&self) -> Session {
        let session = self.read_write();
        session.login(CKU_SO, SO_PIN).unwrap();
        session
    }

    pub(crate) fn info(&self) -> CK_TOKEN_INFO {
        let mut info = CK_TOKEN_INFO::default();
        call!(C_GetTokenInfo(self.slot, &mut info)).unwrap();
        info
    }

    pub(crate) fn close_all(&self) {
        call!(C_CloseAllSessions(self.slot)).unwrap();
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        _ = call!(C_CloseAllSessions(self.slot));
    }
}

/// `C_InitToken` with a label that is padded here.
pub(crate) fn init_token(slot: CK_SLOT_ID, pin: &[u8], label: &str) -> Outcome {
    let mut padded = [b' '; 32];
    padded[..label.len()].copy_from_slice(label.as_bytes());
    call!(C_InitToken(slot, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG, padded.as_mut_ptr()))
}

pub(crate) fn slots() -> Vec<CK_SLOT_ID> {
    let mut count = 0;
    call!(C_GetSlotList(CK_TRUE, ptr::null_mut(), &mut count)).unwrap();
    let mut slots = vec![0; count as usize + 64];
    count = slots.len() as CK_ULONG;
    call!(C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &mut count)).unwrap();
    slots.truncate(count as usize);
    slots
}

/// Held by who makes a token.
static NEW: Mutex<()> = Mutex::new(());

/// The last slot is the free one; initialising its token makes another.
fn new_slot() -> CK_SLOT_ID {
    let _new = NEW.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = *slots().last().expect("a free slot");
    init_token(slot, SO_PIN, "conformance").unwrap();
    slot
}

macro_rules! code_names {
    ($($name:ident)*) => {
        impl fmt::Debug for Code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.0 {
                    $($name => f.write_str(stringify!($name)),)*
                    other => write!(f, "CKR 0x{other:x}"),
                }
            }
        }
    };
}

code_names! {
    CKR_OK CKR_HOST_MEMORY CKR_SLOT_ID_INVALID CKR_GENERAL_ERROR CKR_FUNCTION_FAILED CKR_ARGUMENTS_BAD CKR_NO_EVENT
    CKR_CANT_LOCK CKR_ATTRIBUTE_READ_ONLY CKR_ATTRIBUTE_SENSITIVE CKR_ATTRIBUTE_TYPE_INVALID
    CKR_ATTRIBUTE_VALUE_INVALID CKR_ACTION_PROHIBITED CKR_DATA_INVALID CKR_DATA_LEN_RANGE CKR_DEVICE_ERROR
    CKR_DEVICE_MEMORY CKR_ENCRYPTED_DATA_INVALID CKR_ENCRYPTED_DATA_LEN_RANGE CKR_FUNCTION_NOT_PARALLEL
    CKR_FUNCTION_NOT_SUPPORTED CKR_KEY_HANDLE_INVALID CKR_KEY_SIZE_RANGE CKR_KEY_TYPE_INCONSISTENT CKR_KEY_NOT_NEEDED
    CKR_KEY_CHANGED CKR_KEY_NEEDED CKR_KEY_INDIGESTIBLE CKR_KEY_FUNCTION_NOT_PERMITTED CKR_MECHANISM_INVALID
    CKR_MECHANISM_PARAM_INVALID CKR_OBJECT_HANDLE_INVALID CKR_OPERATION_ACTIVE CKR_OPERATION_NOT_INITIALIZED
    CKR_PIN_INCORRECT CKR_PIN_INVALID CKR_PIN_LEN_RANGE CKR_PIN_EXPIRED CKR_PIN_LOCKED CKR_SESSION_CLOSED CKR_SESSION_COUNT
    CKR_SESSION_HANDLE_INVALID CKR_SESSION_PARALLEL_NOT_SUPPORTED CKR_SESSION_READ_ONLY CKR_SESSION_EXISTS
    CKR_SESSION_READ_ONLY_EXISTS CKR_SESSION_READ_WRITE_SO_EXISTS CKR_SIGNATURE_INVALID CKR_SIGNATURE_LEN_RANGE
    CKR_TEMPLATE_INCOMPLETE CKR_TEMPLATE_INCONSISTENT CKR_TOKEN_NOT_PRESENT CKR_TOKEN_NOT_RECOGNIZED
    CKR_USER_ALREADY_LOGGED_IN CKR_USER_NOT_LOGGED_IN CKR_USER_PIN_NOT_INITIALIZED CKR_USER_TYPE_INVALID
    CKR_USER_ANOTHER_ALREADY_LOGGED_IN CKR_WRAPPING_KEY_HANDLE_INVALID CKR_WRAPPING_KEY_SIZE_RANGE CKR_WRAPPING_KEY_TYPE_INCONSISTENT
    CKR_UNWRAPPING_KEY_HANDLE_INVALID CKR_UNWRAPPING_KEY_SIZE_RANGE CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT
    CKR_WRAPPED_KEY_INVALID CKR_WRAPPED_KEY_LEN_RANGE CKR_KEY_NOT_WRAPPABLE CKR_KEY_UNEXTRACTABLE
    CKR_DOMAIN_PARAMS_INVALID CKR_CURVE_NOT_SUPPORTED CKR_PUBLIC_KEY_INVALID CKR_PARAMETER_SET_NOT_SUPPORTED
    CKR_RANDOM_SEED_NOT_SUPPORTED CKR_BUFFER_TOO_SMALL CKR_SAVED_STATE_INVALID
    CKR_STATE_UNSAVEABLE CKR_FUNCTION_REJECTED CKR_AEAD_DECRYPT_FAILED CKR_CRYPTOKI_NOT_INITIALIZED
    CKR_CRYPTOKI_ALREADY_INITIALIZED CKR_SESSION_ASYNC_NOT_SUPPORTED
}
