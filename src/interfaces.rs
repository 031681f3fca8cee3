//! The function lists and the interfaces that lead to them (PKCS#11 3.2 §5.4).
//!
//! `CKF_INTERFACE_FORK_SAFE` is not set: it would promise a forked child its own copy of all sessions, and here a child
//! starts afresh.

use std::ffi::CStr;

use cryptoki_sys::*;

use crate::exports::*;
use crate::failure::{Failure, Outcome};
use crate::memory::{Interface, List, Pointer, is_c_string};
use crate::vendor;

/// `C_GetFunctionList`: the functions of 2.40, for programs that know no interfaces.
pub(crate) fn function_list(list: Pointer<*mut CK_FUNCTION_LIST>) -> Outcome {
    Ok(list.write((&raw const LIST_2_40).cast_mut())?)
}

/// `C_GetInterfaceList`.
pub(crate) fn list(list: List<CK_INTERFACE>) -> Outcome {
    list.fill(INTERFACES.iter().map(|offered| offered.interface.value()))
}

/// `C_GetInterface`: the first interface with this name (the standard's where none is given), this version (if any) and
/// all these flags.
pub(crate) fn find(
    name: Pointer<u8>,
    version: Pointer<CK_VERSION>,
    interface: Pointer<*mut CK_INTERFACE>,
    flags: CK_FLAGS,
) -> Outcome {
    interface.required()?;
    let names = [NAME, vendor::NAME];
    let name = match name.is_null() {
        true => NAME,
        false => names.into_iter().find(|own| is_c_string(name, own.to_bytes())).ok_or(Failure::NoInterface)?,
    };
    let version = if version.is_null() { None } else { Some(version.read()?) };
    let found = INTERFACES
        .iter()
        .find(|offered| {
            offered.name == name
                && version.is_none_or(|wanted| (wanted.major, wanted.minor) == offered.version)
                && offered.interface.value().flags & flags == flags
        })
        .ok_or(Failure::NoInterface)?;
    Ok(interface.write(found.interface.address())?)
}

const NAME: &CStr = c"PKCS 11";

struct Offered {
    name: &'static CStr,
    version: (u8, u8),
    interface: Interface,
}

/// The first of a name is its default, the first of all the module's.
static INTERFACES: [Offered; 4] = [
    Offered::new(NAME, (3, 2), &LIST_3_2),
    Offered::new(NAME, (3, 0), &LIST_3_0),
    Offered::new(NAME, (2, 40), &LIST_2_40),
    Offered::new(vendor::NAME, (1, 0), &vendor::LIST),
];

impl Offered {
    /// `list` is a struct that begins with its version.
    const fn new<T>(name: &'static CStr, version: (u8, u8), list: &'static T) -> Offered {
        Offered { name, version, interface: Interface::new(name, list) }
    }
}

/// Each version has the functions of the one before, and more.
macro_rules! function_lists {
    ({ $($old:ident)* } { $($since_3_0:ident)* } { $($since_3_2:ident)* }) => {
        static LIST_2_40: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($old: Some($old),)*
        };
        static LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($old: Some($old),)*
            $($since_3_0: Some($since_3_0),)*
        };
        static LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($old: Some($old),)*
            $($since_3_0: Some($since_3_0),)*
            $($since_3_2: Some($since_3_2),)*
        };
    };
}

function_lists! {
    {
        C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo
        C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession
        C_CloseAllSessions C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout
        C_CreateObject C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal C_EncryptInit C_Encrypt C_EncryptUpdate
        C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal C_DigestInit C_Digest
        C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign C_SignUpdate C_SignFinal C_SignRecoverInit
        C_SignRecover C_VerifyInit C_Verify C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover
        C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey
        C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom
        C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent
    }
    {
        C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit C_EncryptMessage
        C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal C_MessageDecryptInit C_DecryptMessage
        C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal C_MessageSignInit C_SignMessage
        C_SignMessageBegin C_SignMessageNext C_MessageSignFinal C_MessageVerifyInit C_VerifyMessage
        C_VerifyMessageBegin C_VerifyMessageNext C_MessageVerifyFinal
    }
    {
        C_EncapsulateKey C_DecapsulateKey C_VerifySignatureInit C_VerifySignature C_VerifySignatureUpdate
        C_VerifySignatureFinal C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID C_AsyncJoin
        C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_share_their_functions() {
        assert_eq!(LIST_2_40.C_Encrypt.map(|f| f as usize), LIST_3_2.C_Encrypt.map(|f| f as usize));
        assert_eq!(LIST_3_0.C_GetInterface.map(|f| f as usize), LIST_3_2.C_GetInterface.map(|f| f as usize));
        assert_eq!(LIST_3_2.version.minor, 2);
    }

    #[test]
    fn no_entry_is_empty() {
        // A name that is missing does not compile. What is left to check is that the structs are those of the standard.
        let pointers = |size: usize| size / size_of::<usize>() - 1;
        assert_eq!(pointers(size_of::<CK_FUNCTION_LIST>()), 68);
        assert_eq!(pointers(size_of::<CK_FUNCTION_LIST_3_0>()), 92);
        assert_eq!(pointers(size_of::<CK_FUNCTION_LIST_3_2>()), 104);
    }

    #[test]
    fn interfaces_begin_with_their_version() {
        let versions: Vec<_> = INTERFACES.iter().map(|offered| offered.version).collect();
        assert_eq!(versions, [(3, 2), (3, 0), (2, 40), (1, 0)]);
        assert_eq!((vendor::LIST.version.major, vendor::LIST.version.minor), (1, 0));
        assert!(INTERFACES.iter().all(|offered| offered.interface.value().flags == 0));
    }
}
