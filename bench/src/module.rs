//! The foreign side: loads a PKCS#11 module and calls it. With `limit`, the only `unsafe` of this crate.
//! Everything above works with [`Module`] and [`Session`], whose methods take slices and give results.
//!
//! The wrappers add one test of the return code to each call, the same for every module.

use std::ffi::{CStr, CString, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr;

use cryptoki_sys::{
    CK_AES_CTR_PARAMS, CK_C_GetFunctionList, CK_C_GetInterface, CK_C_INITIALIZE_ARGS, CK_ECDH1_DERIVE_PARAMS,
    CK_FUNCTION_LIST, CK_FUNCTION_LIST_3_2, CK_FUNCTION_LIST_PTR, CK_GCM_PARAMS, CK_HKDF_PARAMS, CK_INFO, CK_MECHANISM,
    CK_MECHANISM_TYPE, CK_OBJECT_HANDLE, CK_RSA_PKCS_OAEP_PARAMS, CK_RSA_PKCS_PSS_PARAMS, CK_RV, CK_SESSION_HANDLE,
    CK_SLOT_ID, CK_TOKEN_INFO, CK_TRUE, CK_ULONG, CK_USER_TYPE, CK_VERSION, CKD_NULL, CKF_HKDF_SALT_DATA,
    CKF_OS_LOCKING_OK, CKF_RW_SESSION, CKF_SERIAL_SESSION, CKF_TOKEN_INITIALIZED, CKG_MGF1_SHA1, CKG_MGF1_SHA256,
    CKM_AES_CTR, CKM_AES_GCM, CKM_ECDH1_DERIVE, CKM_HKDF_DERIVE, CKM_RSA_PKCS_OAEP, CKM_RSA_PKCS_PSS, CKM_SHA_1,
    CKM_SHA256, CKR_FUNCTION_NOT_SUPPORTED, CKR_OK, CKZ_DATA_SPECIFIED,
};

use crate::template::{AttributeReader, Template};

/// A loaded module. It stays loaded until the process ends: unloading is not what is measured here.
pub(crate) struct Module {
    path: PathBuf,
    functions: CK_FUNCTION_LIST,
    /// Where the module offers PKCS#11 3.2.
    functions_3_2: Option<CK_FUNCTION_LIST_3_2>,
    is_softoken: bool,
}

/// An open session, closed when dropped.
pub(crate) struct Session {
    module: &'static Module,
    handle: CK_SESSION_HANDLE,
}

/// What a module says of itself (`C_GetInfo`).
pub(crate) struct Info {
    pub(crate) manufacturer: String,
    pub(crate) description: String,
    pub(crate) library_version: String,
    pub(crate) cryptoki_version: String,
}

/// One slot with a token in it.
pub(crate) struct Slot {
    pub(crate) id: CK_SLOT_ID,
    pub(crate) label: String,
    pub(crate) is_initialised: bool,
}

/// A call that did not return `CKR_OK`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallError {
    pub(crate) function: &'static str,
    pub(crate) code: CK_RV,
}

/// A mechanism with its parameters, as the operations take it.
#[derive(Clone, Copy)]
pub(crate) enum Mechanism<'a> {
    /// No parameter.
    Plain(CK_MECHANISM_TYPE),
    /// The parameter is the initialisation vector itself.
    Iv(CK_MECHANISM_TYPE, &'a [u8]),
    /// AES-GCM with a 128-bit tag and no additional data.
    Gcm(&'a [u8; 12]),
    /// AES-CTR with a counter of 128 bits that starts here.
    Ctr(&'a [u8; 16]),
    /// RSA-PSS of a SHA-256 digest, with MGF1 of SHA-256 and a salt of 32 bytes.
    Pss,
    /// RSA-OAEP with SHA-1 throughout and no label.
    Oaep,
    /// Diffie-Hellman with the owner of this public key, and no key derivation function.
    Ecdh(&'a [u8]),
    /// HKDF with SHA-256, extraction and expansion.
    Hkdf {
        /// The salt.
        salt: &'a [u8],
        /// What the key is for.
        info: &'a [u8],
    },
}

/// Calls one function of the list; a missing entry counts as `CKR_FUNCTION_NOT_SUPPORTED`.
macro_rules! call {
    ($module:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let code = match $module.functions.$function {
            // SAFETY: the function comes from the module's own list, has the type the standard gives it, and every
            // pointer passed here is null where allowed or points to live memory of the length passed beside it.
            Some(function) => unsafe { function($($argument),*) },
            None => CKR_FUNCTION_NOT_SUPPORTED,
        };
        if code == CKR_OK { Ok(()) } else { Err(CallError { function: stringify!($function), code }) }
    }};
}

mod pairs;

pub(crate) use pairs::PairHandles;

impl Module {
    /// Loads the shared object and reads its function list. The text of an error says what the loader or module said.
    pub(crate) fn load(path: &Path) -> Result<Self, String> {
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| "a path with a zero byte".to_owned())?;
        // DEEPBIND: each module uses the cryptography it was linked with, whatever another module brought along.
        let flags = libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_DEEPBIND;
        // SAFETY: `name` is a C string; the constructors of a PKCS#11 module may run in any process.
        let library = unsafe { libc::dlopen(name.as_ptr(), flags) };
        if library.is_null() {
            return Err(loader_error());
        }
        // SAFETY: `library` is a live handle and the name a C string.
        let entry = unsafe { libc::dlsym(library, c"C_GetFunctionList".as_ptr()) };
        // SAFETY: the same; only asked for to tell NSS, which alone exports this name.
        let is_softoken = !unsafe { libc::dlsym(library, c"FC_GetFunctionList".as_ptr()) }.is_null();
        if entry.is_null() {
            return Err(format!("{}: no C_GetFunctionList", path.display()));
        }
        // SAFETY: PKCS#11 gives the symbol of this name this type; a function pointer is as wide as an object pointer.
        let entry = unsafe { std::mem::transmute::<*mut libc::c_void, CK_C_GetFunctionList>(entry) };
        let mut list: CK_FUNCTION_LIST_PTR = ptr::null_mut();
        // SAFETY: `list` is a valid place for one pointer.
        let code = entry.map_or(CKR_FUNCTION_NOT_SUPPORTED, |function| unsafe { function(&mut list) });
        if code != CKR_OK || list.is_null() {
            return Err(format!("{}: C_GetFunctionList gave {}", path.display(), code_name(code)));
        }
        // SAFETY: the module gave a list of at least version 2.x, whose fields are those of CK_FUNCTION_LIST.
        let functions = unsafe { *list };
        // SAFETY: as above; modules of PKCS#11 2.x lack this name.
        let interface = unsafe { libc::dlsym(library, c"C_GetInterface".as_ptr()) };
        let functions_3_2 = if interface.is_null() {
            None
        } else {
            // SAFETY: PKCS#11 3.0 gives the symbol of this name this type.
            functions_3_2(unsafe { std::mem::transmute::<*mut libc::c_void, CK_C_GetInterface>(interface) })
        };
        Ok(Self { path: path.to_owned(), functions, functions_3_2, is_softoken })
    }

    /// The file it was loaded from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this is NSS's softoken, which wants its configuration as a parameter.
    pub(crate) fn is_softoken(&self) -> bool {
        self.is_softoken
    }

    /// `C_Initialize` for several threads, in an environment with these variables set.
    /// Call it before the first thread of this process starts: setting variables is not safe beside other threads.
    pub(crate) fn initialize(
        &self,
        variables: &[(&'static str, OsString)],
        parameters: Option<&CStr>,
    ) -> Result<(), CallError> {
        for (name, value) in variables {
            // SAFETY: the caller is the only thread, as the contract above asks.
            unsafe { std::env::set_var(name, value) };
        }
        let mut arguments = InitializeArguments {
            standard: CK_C_INITIALIZE_ARGS {
                CreateMutex: None,
                DestroyMutex: None,
                LockMutex: None,
                UnlockMutex: None,
                flags: CKF_OS_LOCKING_OK,
                pReserved: parameters.map_or(ptr::null_mut(), |text| text.as_ptr().cast_mut().cast()),
            },
            _softoken_reserved: ptr::null_mut(),
        };
        call!(self, C_Initialize((&raw mut arguments).cast()))
    }

    /// `C_Finalize`.
    pub(crate) fn finalize(&self) -> Result<(), CallError> {
        call!(self, C_Finalize(ptr::null_mut()))
    }

    /// `C_GetInfo`.
    pub(crate) fn info(&self) -> Result<Info, CallError> {
        let mut info = CK_INFO::default();
        call!(self, C_GetInfo(&mut info))?;
        Ok(Info {
            manufacturer: padded_text(&info.manufacturerID),
            description: padded_text(&info.libraryDescription),
            library_version: version_text(info.libraryVersion),
            cryptoki_version: version_text(info.cryptokiVersion),
        })
    }

    /// The slots that hold a token, initialised or not, in the module's order.
    pub(crate) fn slots(&self) -> Result<Vec<Slot>, CallError> {
        let mut ids = vec![0; 64];
        let mut count = ids.len() as CK_ULONG;
        call!(self, C_GetSlotList(CK_TRUE, ids.as_mut_ptr(), &mut count))?;
        ids.truncate(count as usize);
        ids.into_iter().map(|id| self.slot(id)).collect()
    }

    fn slot(&self, id: CK_SLOT_ID) -> Result<Slot, CallError> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self, C_GetTokenInfo(id, &mut info))?;
        Ok(Slot { id, label: padded_text(&info.label), is_initialised: info.flags & CKF_TOKEN_INITIALIZED != 0 })
    }

    /// `C_InitToken`.
    pub(crate) fn init_token(&self, slot: CK_SLOT_ID, so_pin: &str, label: &str) -> Result<(), CallError> {
        let mut padded = [b' '; 32];
        for (place, byte) in padded.iter_mut().zip(label.bytes()) {
            *place = byte;
        }
        call!(self, C_InitToken(slot, input(so_pin.as_bytes()), so_pin.len() as CK_ULONG, padded.as_mut_ptr()))
    }

    /// `C_OpenSession`, read-write.
    #[inline]
    pub(crate) fn open_session(&'static self, slot: CK_SLOT_ID) -> Result<Session, CallError> {
        let mut handle = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        call!(self, C_OpenSession(slot, flags, ptr::null_mut(), None, &mut handle))?;
        Ok(Session { module: self, handle })
    }
}

impl Session {
    /// `C_CloseSession`, for those who want to see its result.
    #[inline]
    pub(crate) fn close(self) -> Result<(), CallError> {
        let result = call!(self.module, C_CloseSession(self.handle));
        std::mem::forget(self);
        result
    }

    /// `C_Login`.
    pub(crate) fn login(&self, user: CK_USER_TYPE, pin: &str) -> Result<(), CallError> {
        call!(self.module, C_Login(self.handle, user, input(pin.as_bytes()), pin.len() as CK_ULONG))
    }

    /// `C_Logout`.
    pub(crate) fn logout(&self) -> Result<(), CallError> {
        call!(self.module, C_Logout(self.handle))
    }

    /// `C_InitPIN`: the security officer sets the user's PIN.
    pub(crate) fn init_pin(&self, pin: &str) -> Result<(), CallError> {
        call!(self.module, C_InitPIN(self.handle, input(pin.as_bytes()), pin.len() as CK_ULONG))
    }

    /// `C_CreateObject`.
    pub(crate) fn create(&self, template: &Template) -> Result<CK_OBJECT_HANDLE, CallError> {
        let (attributes, count) = template.as_raw();
        let mut object = 0;
        call!(self.module, C_CreateObject(self.handle, attributes, count, &mut object))?;
        Ok(object)
    }

    /// `C_GenerateKey` by a mechanism that takes no parameter.
    #[inline]
    pub(crate) fn generate(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        template: &Template,
    ) -> Result<CK_OBJECT_HANDLE, CallError> {
        let (attributes, count) = template.as_raw();
        let mut object = 0;
        Mechanism::Plain(mechanism).with_raw(|mechanism| {
            call!(self.module, C_GenerateKey(self.handle, mechanism, attributes, count, &mut object))
        })?;
        Ok(object)
    }

    /// `C_DestroyObject`.
    #[inline]
    pub(crate) fn destroy(&self, object: CK_OBJECT_HANDLE) -> Result<(), CallError> {
        call!(self.module, C_DestroyObject(self.handle, object))
    }

    /// `C_GetAttributeValue`.
    #[inline]
    pub(crate) fn read(&self, object: CK_OBJECT_HANDLE, reader: &mut AttributeReader) -> Result<(), CallError> {
        let (attributes, count) = reader.as_raw();
        call!(self.module, C_GetAttributeValue(self.handle, object, attributes, count))
    }

    /// One whole search: `C_FindObjectsInit`, one `C_FindObjects`, `C_FindObjectsFinal`. Gives the number found.
    #[inline]
    pub(crate) fn find(&self, template: &Template, found: &mut [CK_OBJECT_HANDLE]) -> Result<usize, CallError> {
        let (attributes, attribute_count) = template.as_raw();
        call!(self.module, C_FindObjectsInit(self.handle, attributes, attribute_count))?;
        let mut count = 0;
        call!(self.module, C_FindObjects(self.handle, found.as_mut_ptr(), found.len() as CK_ULONG, &mut count))?;
        call!(self.module, C_FindObjectsFinal(self.handle))?;
        Ok(count as usize)
    }

    /// `C_EncryptInit` and `C_Encrypt`; gives the length of the output.
    #[inline]
    pub(crate) fn encrypt(
        &self,
        mechanism: Mechanism<'_>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CallError> {
        mechanism.with_raw(|mechanism| call!(self.module, C_EncryptInit(self.handle, mechanism, key)))?;
        let mut length = output.len() as CK_ULONG;
        call!(
            self.module,
            C_Encrypt(self.handle, input(data), data.len() as CK_ULONG, output.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// `C_EncryptInit`, one `C_EncryptUpdate` for every `part_bytes` of the data, `C_EncryptFinal`.
    #[inline]
    pub(crate) fn encrypt_in_parts(
        &self,
        mechanism: Mechanism<'_>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        part_bytes: usize,
        output: &mut [u8],
    ) -> Result<usize, CallError> {
        mechanism.with_raw(|mechanism| call!(self.module, C_EncryptInit(self.handle, mechanism, key)))?;
        let mut written = 0;
        for part in data.chunks(part_bytes) {
            let rest = output.get_mut(written..).unwrap_or_default();
            let mut length = rest.len() as CK_ULONG;
            call!(
                self.module,
                C_EncryptUpdate(self.handle, input(part), part.len() as CK_ULONG, rest.as_mut_ptr(), &mut length)
            )?;
            written += length as usize;
        }
        let rest = output.get_mut(written..).unwrap_or_default();
        let mut length = rest.len() as CK_ULONG;
        call!(self.module, C_EncryptFinal(self.handle, rest.as_mut_ptr(), &mut length))?;
        Ok(written + length as usize)
    }

    /// `C_DecryptInit` and `C_Decrypt`; gives the length of the output.
    #[inline]
    pub(crate) fn decrypt(
        &self,
        mechanism: Mechanism<'_>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CallError> {
        mechanism.with_raw(|mechanism| call!(self.module, C_DecryptInit(self.handle, mechanism, key)))?;
        let mut length = output.len() as CK_ULONG;
        call!(
            self.module,
            C_Decrypt(self.handle, input(data), data.len() as CK_ULONG, output.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// `C_SignInit` and `C_Sign`; gives the length of the output.
    #[inline]
    pub(crate) fn sign(
        &self,
        mechanism: Mechanism<'_>,
        key: CK_OBJECT_HANDLE,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CallError> {
        mechanism.with_raw(|mechanism| call!(self.module, C_SignInit(self.handle, mechanism, key)))?;
        let mut length = output.len() as CK_ULONG;
        call!(self.module, C_Sign(self.handle, input(data), data.len() as CK_ULONG, output.as_mut_ptr(), &mut length))?;
        Ok(length as usize)
    }

    /// `C_DigestInit` and `C_Digest`; gives the length of the output.
    #[inline]
    pub(crate) fn digest(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        data: &[u8],
        output: &mut [u8],
    ) -> Result<usize, CallError> {
        Mechanism::Plain(mechanism).with_raw(|mechanism| call!(self.module, C_DigestInit(self.handle, mechanism)))?;
        let mut length = output.len() as CK_ULONG;
        call!(
            self.module,
            C_Digest(self.handle, input(data), data.len() as CK_ULONG, output.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// `C_GenerateRandom`.
    #[inline]
    pub(crate) fn random(&self, output: &mut [u8]) -> Result<(), CallError> {
        call!(self.module, C_GenerateRandom(self.handle, output.as_mut_ptr(), output.len() as CK_ULONG))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A session that is already gone (its module finalised) has nothing left to close.
        let _ = call!(self.module, C_CloseSession(self.handle));
    }
}

impl Mechanism<'_> {
    /// Lends the C form, with its parameter on the stack, to one call.
    #[inline]
    fn with_raw<R>(self, use_it: impl FnOnce(*mut CK_MECHANISM) -> R) -> R {
        fn lend<T, R>(kind: CK_MECHANISM_TYPE, mut parameter: T, use_it: impl FnOnce(*mut CK_MECHANISM) -> R) -> R {
            use_it(&mut CK_MECHANISM {
                mechanism: kind,
                pParameter: (&raw mut parameter).cast(),
                ulParameterLen: size_of::<T>() as CK_ULONG,
            })
        }
        match self {
            Mechanism::Plain(kind) => {
                use_it(&mut CK_MECHANISM { mechanism: kind, pParameter: ptr::null_mut(), ulParameterLen: 0 })
            }
            Mechanism::Iv(kind, iv) => use_it(&mut CK_MECHANISM {
                mechanism: kind,
                pParameter: input(iv).cast(),
                ulParameterLen: iv.len() as CK_ULONG,
            }),
            Mechanism::Gcm(iv) => {
                let parameter = CK_GCM_PARAMS {
                    pIv: input(iv),
                    ulIvLen: iv.len() as CK_ULONG,
                    ulIvBits: 8 * iv.len() as CK_ULONG,
                    pAAD: ptr::null_mut(),
                    ulAADLen: 0,
                    ulTagBits: 128,
                };
                lend(CKM_AES_GCM, parameter, use_it)
            }
            Mechanism::Ctr(start) => lend(CKM_AES_CTR, CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: *start }, use_it),
            Mechanism::Pss => {
                let parameter = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
                lend(CKM_RSA_PKCS_PSS, parameter, use_it)
            }
            Mechanism::Oaep => {
                let parameter = CK_RSA_PKCS_OAEP_PARAMS {
                    hashAlg: CKM_SHA_1,
                    mgf: CKG_MGF1_SHA1,
                    source: CKZ_DATA_SPECIFIED,
                    pSourceData: ptr::null_mut(),
                    ulSourceDataLen: 0,
                };
                lend(CKM_RSA_PKCS_OAEP, parameter, use_it)
            }
            Mechanism::Ecdh(public) => {
                let parameter = CK_ECDH1_DERIVE_PARAMS {
                    kdf: CKD_NULL,
                    ulSharedDataLen: 0,
                    pSharedData: ptr::null_mut(),
                    ulPublicDataLen: public.len() as CK_ULONG,
                    pPublicData: input(public),
                };
                lend(CKM_ECDH1_DERIVE, parameter, use_it)
            }
            Mechanism::Hkdf { salt, info } => {
                let parameter = CK_HKDF_PARAMS {
                    bExtract: CK_TRUE,
                    bExpand: CK_TRUE,
                    prfHashMechanism: CKM_SHA256,
                    ulSaltType: CKF_HKDF_SALT_DATA,
                    pSalt: input(salt),
                    ulSaltLen: salt.len() as CK_ULONG,
                    hSaltKey: 0,
                    pInfo: input(info),
                    ulInfoLen: info.len() as CK_ULONG,
                };
                lend(CKM_HKDF_DERIVE, parameter, use_it)
            }
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} gave {}", self.function, code_name(self.code))
    }
}

/// The function list of PKCS#11 3.2, where the module has one.
fn functions_3_2(get_interface: CK_C_GetInterface) -> Option<CK_FUNCTION_LIST_3_2> {
    let (mut version, mut interface) = (CK_VERSION { major: 3, minor: 2 }, ptr::null_mut());
    let name = c"PKCS 11".as_ptr().cast_mut().cast();
    // SAFETY: name and version live during the call; the place takes one pointer. A module that answers well gives an
    // interface of the version asked for, whose list is that of PKCS#11 3.2.
    unsafe {
        let code = get_interface?(name, &mut version, &mut interface, 0);
        if code != CKR_OK || interface.is_null() {
            return None;
        }
        (*interface).pFunctionList.cast::<CK_FUNCTION_LIST_3_2>().as_ref().copied()
    }
}

/// NSS's softoken reads one more pointer behind the standard arguments, and takes its configuration from `pReserved`.
#[repr(C)]
struct InitializeArguments {
    standard: CK_C_INITIALIZE_ARGS,
    _softoken_reserved: *mut libc::c_void,
}

/// The interface declares its inputs mutable; modules only read them.
#[inline]
fn input(data: &[u8]) -> *mut u8 {
    data.as_ptr().cast_mut()
}

fn loader_error() -> String {
    // SAFETY: dlerror gives null or a C string that lives until this thread's next call of the loader.
    let text = unsafe {
        let text = libc::dlerror();
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_string_lossy().into_owned()) }
    };
    text.unwrap_or_else(|| "the loader gave no reason".to_owned())
}

fn padded_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned()
}

fn version_text(version: CK_VERSION) -> String {
    format!("{}.{}", version.major, version.minor)
}

/// The names of the codes one meets when a bench fails; others are shown as numbers.
fn code_name(code: CK_RV) -> String {
    let name = match code {
        cryptoki_sys::CKR_HOST_MEMORY => "CKR_HOST_MEMORY",
        cryptoki_sys::CKR_GENERAL_ERROR => "CKR_GENERAL_ERROR",
        cryptoki_sys::CKR_FUNCTION_FAILED => "CKR_FUNCTION_FAILED",
        cryptoki_sys::CKR_ARGUMENTS_BAD => "CKR_ARGUMENTS_BAD",
        cryptoki_sys::CKR_ATTRIBUTE_TYPE_INVALID => "CKR_ATTRIBUTE_TYPE_INVALID",
        cryptoki_sys::CKR_ATTRIBUTE_VALUE_INVALID => "CKR_ATTRIBUTE_VALUE_INVALID",
        cryptoki_sys::CKR_DEVICE_ERROR => "CKR_DEVICE_ERROR",
        cryptoki_sys::CKR_DEVICE_MEMORY => "CKR_DEVICE_MEMORY",
        CKR_FUNCTION_NOT_SUPPORTED => "CKR_FUNCTION_NOT_SUPPORTED",
        cryptoki_sys::CKR_KEY_HANDLE_INVALID => "CKR_KEY_HANDLE_INVALID",
        cryptoki_sys::CKR_KEY_TYPE_INCONSISTENT => "CKR_KEY_TYPE_INCONSISTENT",
        cryptoki_sys::CKR_KEY_FUNCTION_NOT_PERMITTED => "CKR_KEY_FUNCTION_NOT_PERMITTED",
        cryptoki_sys::CKR_MECHANISM_INVALID => "CKR_MECHANISM_INVALID",
        cryptoki_sys::CKR_MECHANISM_PARAM_INVALID => "CKR_MECHANISM_PARAM_INVALID",
        cryptoki_sys::CKR_OBJECT_HANDLE_INVALID => "CKR_OBJECT_HANDLE_INVALID",
        cryptoki_sys::CKR_OPERATION_ACTIVE => "CKR_OPERATION_ACTIVE",
        cryptoki_sys::CKR_OPERATION_NOT_INITIALIZED => "CKR_OPERATION_NOT_INITIALIZED",
        cryptoki_sys::CKR_PIN_INCORRECT => "CKR_PIN_INCORRECT",
        cryptoki_sys::CKR_SESSION_READ_ONLY => "CKR_SESSION_READ_ONLY",
        cryptoki_sys::CKR_TEMPLATE_INCOMPLETE => "CKR_TEMPLATE_INCOMPLETE",
        cryptoki_sys::CKR_TEMPLATE_INCONSISTENT => "CKR_TEMPLATE_INCONSISTENT",
        cryptoki_sys::CKR_ATTRIBUTE_SENSITIVE => "CKR_ATTRIBUTE_SENSITIVE",
        cryptoki_sys::CKR_SIGNATURE_INVALID => "CKR_SIGNATURE_INVALID",
        cryptoki_sys::CKR_USER_NOT_LOGGED_IN => "CKR_USER_NOT_LOGGED_IN",
        cryptoki_sys::CKR_BUFFER_TOO_SMALL => "CKR_BUFFER_TOO_SMALL",
        cryptoki_sys::CKR_CRYPTOKI_NOT_INITIALIZED => "CKR_CRYPTOKI_NOT_INITIALIZED",
        _ => return format!("{code:#x}"),
    };
    name.to_owned()
}
