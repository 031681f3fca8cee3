//! The module behind its function list, as a C program has it.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use cryptoki_sys::*;

/// A loaded module. It stays loaded.
#[derive(Clone, Copy)]
pub(crate) struct Module(&'static CK_FUNCTION_LIST);

/// Calls a function of the list.
macro_rules! call {
    ($module:expr, $function:ident($($argument:expr),*)) => {
        unsafe { ($module.list().$function.unwrap())($($argument),*) }
    };
}
pub(crate) use call;

/// An answer of the module that is not `CKR_OK`.
pub(crate) type Answer<T> = Result<T, CK_RV>;

impl Module {
    pub(crate) fn load(path: &Path) -> Module {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        unsafe {
            let library = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            assert!(!library.is_null(), "{} cannot be loaded", path.display());
            let symbol = libc::dlsym(library, c"C_GetFunctionList".as_ptr());
            assert!(!symbol.is_null());
            let function_list = std::mem::transmute::<
                *mut libc::c_void,
                unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV,
            >(symbol);
            let mut list = ptr::null_mut();
            assert_eq!(function_list(&mut list), CKR_OK);
            Module(&*list)
        }
    }

    pub(crate) fn list(self) -> &'static CK_FUNCTION_LIST {
        self.0
    }

    pub(crate) fn initialize(self) -> Answer<()> {
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
        ok(call!(self, C_Initialize(ptr::from_mut(&mut arguments).cast())))
    }

    pub(crate) fn token_info(self) -> Answer<CK_TOKEN_INFO> {
        let mut info = CK_TOKEN_INFO::default();
        ok(call!(self, C_GetTokenInfo(0, &mut info))).map(|()| info)
    }

    pub(crate) fn open(self) -> Answer<CK_SESSION_HANDLE> {
        let mut session = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        ok(call!(self, C_OpenSession(0, flags, ptr::null_mut(), None, &mut session))).map(|()| session)
    }

    pub(crate) fn login(self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: &str) -> Answer<()> {
        ok(call!(self, C_Login(session, user, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG)))
    }

    pub(crate) fn logout(self, session: CK_SESSION_HANDLE) -> Answer<()> {
        ok(call!(self, C_Logout(session)))
    }

    /// A sensitive AES key.
    pub(crate) fn generate(self, session: CK_SESSION_HANDLE, label: &str, token: bool) -> Answer<CK_OBJECT_HANDLE> {
        let length: CK_ULONG = 32;
        let token = if token { CK_TRUE } else { CK_FALSE };
        let mut template =
            [attribute(CKA_VALUE_LEN, &length), attribute(CKA_TOKEN, &token), bytes(CKA_LABEL, label.as_bytes())];
        let mut mechanism = CK_MECHANISM { mechanism: CKM_AES_KEY_GEN, ..Default::default() };
        let mut key = 0;
        ok(call!(self, C_GenerateKey(session, &mut mechanism, template.as_mut_ptr(), 3, &mut key))).map(|()| key)
    }

    pub(crate) fn destroy(self, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> Answer<()> {
        ok(call!(self, C_DestroyObject(session, object)))
    }

    /// The handles of the objects with this label, or of all.
    pub(crate) fn find(self, session: CK_SESSION_HANDLE, label: Option<&str>) -> Answer<Vec<CK_OBJECT_HANDLE>> {
        let mut template: Vec<_> = label.iter().map(|label| bytes(CKA_LABEL, label.as_bytes())).collect();
        ok(call!(self, C_FindObjectsInit(session, template.as_mut_ptr(), template.len() as CK_ULONG)))?;
        let mut found = Vec::new();
        loop {
            let (mut handles, mut count) = ([0; 64], 0);
            ok(call!(self, C_FindObjects(session, handles.as_mut_ptr(), 64, &mut count)))?;
            if count == 0 {
                break;
            }
            found.extend_from_slice(&handles[..count as usize]);
        }
        ok(call!(self, C_FindObjectsFinal(session)))?;
        Ok(found)
    }

    pub(crate) fn set_flag(
        self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        which: CK_ATTRIBUTE_TYPE,
        value: bool,
    ) -> Answer<()> {
        let value = if value { CK_TRUE } else { CK_FALSE };
        ok(call!(self, C_SetAttributeValue(session, object, &mut attribute(which, &value), 1)))
    }

    pub(crate) fn set_label(self, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, label: &str) -> Answer<()> {
        ok(call!(self, C_SetAttributeValue(session, object, &mut bytes(CKA_LABEL, label.as_bytes()), 1)))
    }

    /// An attribute of at most 4096 bytes.
    pub(crate) fn attribute(
        self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
        which: CK_ATTRIBUTE_TYPE,
    ) -> Answer<Vec<u8>> {
        let mut value = vec![0; 4096];
        let mut entry = bytes(which, &value);
        ok(call!(self, C_GetAttributeValue(session, object, &mut entry, 1)))?;
        value.truncate(entry.ulValueLen as usize);
        Ok(value)
    }

    pub(crate) fn encrypt_init(self, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Answer<()> {
        with_gcm(|mechanism| ok(call!(self, C_EncryptInit(session, mechanism, key))))
    }

    pub(crate) fn encrypt_update(self, session: CK_SESSION_HANDLE, data: &[u8]) -> Answer<Vec<u8>> {
        filled(|out, length| {
            call!(self, C_EncryptUpdate(session, data.as_ptr().cast_mut(), data.len() as CK_ULONG, out, length))
        })
    }

    pub(crate) fn encrypt_final(self, session: CK_SESSION_HANDLE) -> Answer<Vec<u8>> {
        filled(|out, length| call!(self, C_EncryptFinal(session, out, length)))
    }

    /// AES-GCM with an IV that is always the same, so that results can be compared.
    pub(crate) fn encrypt(self, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, data: &[u8]) -> Answer<Vec<u8>> {
        self.encrypt_init(session, key)?;
        filled(|out, length| {
            call!(self, C_Encrypt(session, data.as_ptr().cast_mut(), data.len() as CK_ULONG, out, length))
        })
    }

    pub(crate) fn decrypt(self, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, data: &[u8]) -> Answer<Vec<u8>> {
        with_gcm(|mechanism| ok(call!(self, C_DecryptInit(session, mechanism, key))))?;
        filled(|out, length| {
            call!(self, C_Decrypt(session, data.as_ptr().cast_mut(), data.len() as CK_ULONG, out, length))
        })
    }
}

pub(crate) fn ok(rv: CK_RV) -> Answer<()> {
    if rv == CKR_OK { Ok(()) } else { Err(rv) }
}

pub(crate) fn attribute<T>(which: CK_ATTRIBUTE_TYPE, value: &T) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE {
        type_: which,
        pValue: ptr::from_ref(value).cast_mut().cast(),
        ulValueLen: size_of::<T>() as CK_ULONG,
    }
}

pub(crate) fn bytes(which: CK_ATTRIBUTE_TYPE, value: &[u8]) -> CK_ATTRIBUTE {
    CK_ATTRIBUTE { type_: which, pValue: value.as_ptr().cast_mut().cast(), ulValueLen: value.len() as CK_ULONG }
}

fn with_gcm<T>(body: impl FnOnce(*mut CK_MECHANISM) -> T) -> T {
    let mut iv = [1; 12];
    let mut parameters = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: ptr::null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    };
    let mut mechanism = CK_MECHANISM {
        mechanism: CKM_AES_GCM,
        pParameter: ptr::from_mut(&mut parameters).cast(),
        ulParameterLen: size_of::<CK_GCM_PARAMS>() as CK_ULONG,
    };
    body(&mut mechanism)
}

fn filled(call: impl FnOnce(*mut u8, *mut CK_ULONG) -> CK_RV) -> Answer<Vec<u8>> {
    let mut out = vec![0; 4096];
    let mut length = out.len() as CK_ULONG;
    ok(call(out.as_mut_ptr(), &mut length))?;
    out.truncate(length as usize);
    Ok(out)
}
