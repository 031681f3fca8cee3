//! Every function with NULL and with lengths that no memory has: before C_Initialize, without a login, and with one.
//!
//! Nothing may crash, nothing may answer CKR_GENERAL_ERROR (a caught panic), and an uninitialised module says so.

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

/// All parameters are as wide as a register, and a function does not see those it does not have: on the systems the
/// module runs on one type calls them all.
type AnyFunction = unsafe extern "C" fn(usize, usize, usize, usize, usize, usize, usize, usize, usize, usize) -> CK_RV;

/// What a caller may have lying around. Any pointer leads to memory that any small length fits.
struct Memory {
    words: Vec<CK_ULONG>,
    mechanisms: Vec<CK_MECHANISM>,
    template: Vec<CK_ATTRIBUTE>,
    structs: Vec<CK_ULONG>,
    random: u64,
}

impl Memory {
    fn new() -> Memory {
        let mut structs = vec![0 as CK_ULONG; 16];
        let start: *mut CK_ULONG = structs.as_mut_ptr();
        let value = start.cast::<std::ffi::c_void>();
        let lengths = [0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 1 << 63, CK_ULONG::MAX];
        let ids = [
            CKM_AES_GCM,
            CKM_AES_CBC,
            CKM_AES_CTR,
            CKM_AES_CCM,
            CKM_SHA256,
            CKM_AES_KEY_GEN,
            CKM_CHACHA20,
            CKM_CHACHA20_POLY1305,
            1 << 62,
        ];
        let mechanisms = ids.iter().flat_map(|id| {
            lengths.iter().flat_map(move |len| {
                [value, std::ptr::null_mut()].map(|pointer| CK_MECHANISM {
                    mechanism: *id,
                    pParameter: pointer,
                    ulParameterLen: *len,
                })
            })
        });
        let attributes = [CKA_CLASS, CKA_VALUE, CKA_LABEL, CKA_WRAP_TEMPLATE, CKA_ALLOWED_MECHANISMS, 0x7eee_0000];
        let template = attributes.iter().flat_map(|type_| {
            [0, 1, 8, 24, 1 << 63, CK_ULONG::MAX].into_iter().flat_map(move |len| {
                [value, std::ptr::null_mut()].map(|pointer| CK_ATTRIBUTE {
                    type_: *type_,
                    pValue: pointer,
                    ulValueLen: len,
                })
            })
        });
        Memory {
            words: vec![0; 8192],
            mechanisms: mechanisms.collect(),
            template: template.collect(),
            structs,
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    fn draw(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % below as u64) as usize
    }

    fn argument(&mut self, letter: u8, session: CK_SESSION_HANDLE) -> usize {
        match letter {
            b's' => [session as usize, session as usize, session as usize, 0, usize::MAX][self.draw(5)],
            b'n' => [0, 1, 4, 16, 24, 48, 56, 60, 1 << 63, (1 << 63) + 1, usize::MAX][self.draw(11)],
            b'p' => [0, self.words.as_mut_ptr().expose_provenance()][self.draw(2)],
            b'm' => {
                let at = self.draw(self.mechanisms.len() + 20);
                self.mechanisms.get_mut(at).map_or(0, |mechanism| (&raw mut *mechanism).expose_provenance())
            }
            b't' => {
                // At least sixty entries follow.
                let at = self.draw(self.template.len() - 60);
                let entry = (&raw mut self.template[at]).expose_provenance();
                [0, entry, entry, entry][self.draw(4)]
            }
            _ => 0,
        }
    }
}

fn sweep(phase: &str, session: CK_SESSION_HANDLE, acceptable: impl Fn(&str, CK_RV) -> bool) {
    let mut memory = Memory::new();
    let key = if phase == "user" { aes_key(session) } else { 0 };
    for (name, function, shape) in FUNCTIONS {
        // Wrong PINs in earnest would lock the user, right ones would change it.
        let about_pins = matches!(*name, "C_InitToken" | "C_InitPIN" | "C_SetPIN" | "C_Login" | "C_LoginUser");
        if about_pins && session != NO_SESSION {
            continue;
        }
        let function: AnyFunction = unsafe { std::mem::transmute(*function) };
        for round in 0..400 {
            memory.words.fill(0);
            memory.words[0] = [0, 1, 16, 4096, 1 << 63][round % 5];
            memory.structs.fill([0, 16, 128, 1 << 63][round % 4]);
            let pristine = Memory::new();
            memory.template.copy_from_slice(&pristine.template);
            for entry in &mut memory.template {
                if !entry.pValue.is_null() {
                    entry.pValue = memory.structs.as_mut_ptr().cast();
                }
            }
            for mechanism in &mut memory.mechanisms {
                if !mechanism.pParameter.is_null() {
                    mechanism.pParameter = memory.structs.as_mut_ptr().cast();
                }
            }
            if round % 4 < 2 && session != NO_SESSION {
                begin(session, key, round);
            }
            let mut arguments = [0; 10];
            for (place, letter) in arguments.iter_mut().zip(shape.bytes()) {
                *place = memory.argument(letter, session);
            }
            let [a, b, c, d, e, f, g, h, i, j] = arguments;
            let rv = unsafe { function(a, b, c, d, e, f, g, h, i, j) };
            assert_ne!(rv, CKR_GENERAL_ERROR, "{phase}: {name} {arguments:x?}");
            assert!(acceptable(name, rv), "{phase}: {name} {arguments:x?} = {rv:#x}");
        }
    }
}

const NO_SESSION: CK_SESSION_HANDLE = 1 << 50;

/// Operations for calls to go wrong in. What cannot begin, does not.
fn begin(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, round: usize) {
    let mut digest = mechanism(CKM_SHA256);
    let mut gcm = mechanism(CKM_AES_GCM);
    let (mut iv, mut tag) = ([0u8; 12], [0u8; 16]);
    let mut message = CK_GCM_MESSAGE_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvFixedBits: 0,
        ivGenerator: CKG_GENERATE,
        pTag: tag.as_mut_ptr(),
        ulTagBits: 128,
    };
    let (parameter, len) = ((&raw mut message).cast(), size_of_val(&message) as CK_ULONG);
    unsafe {
        C_DigestInit(session, &mut digest);
        C_FindObjectsInit(session, std::ptr::null_mut(), 0);
        C_MessageEncryptInit(session, &mut gcm, key);
        C_MessageDecryptInit(session, &mut gcm, key);
        if round.is_multiple_of(8) {
            C_EncryptMessageBegin(session, parameter, len, std::ptr::null_mut(), 0);
            C_DecryptMessageBegin(session, parameter, len, std::ptr::null_mut(), 0);
        }
    }
}

#[test]
fn before_initialisation() {
    let _turn = turn();
    sweep("uninitialised", NO_SESSION, |name, rv| {
        let always =
            matches!(name, "C_GetFunctionList" | "C_GetInterfaceList" | "C_GetInterface" | "SR_GetLastErrorText");
        rv == CKR_CRYPTOKI_NOT_INITIALIZED || always
    });
}

#[test]
fn without_a_login() {
    let _turn = turn();
    let session = user_session();
    assert_eq!(unsafe { C_Logout(session) }, CKR_OK);
    sweep("public", session, |_, _| true);
    assert_eq!(login(session, CKU_USER, USER_PIN), CKR_OK);
    finalize();
}

#[test]
fn with_a_login() {
    let _turn = turn();
    let session = user_session();
    sweep("user", session, |_, _| true);
    // The module still works.
    if login(session, CKU_USER, USER_PIN) != CKR_USER_ALREADY_LOGGED_IN {
        assert_eq!(login(session, CKU_USER, USER_PIN), CKR_USER_ALREADY_LOGGED_IN);
    }
    aes_key(session);
    finalize();
}

#[test]
fn functions_that_are_not_offered_check_the_session_first() {
    let _turn = turn();
    let session = user_session();
    let mut mechanism = mechanism(CKM_AES_GCM);
    unsafe {
        let mut name = *b"C_Sign\0";
        let mut id = 0;
        assert_eq!(C_AsyncGetID(session, name.as_mut_ptr(), &mut id), CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(C_AsyncGetID(session + 1, name.as_mut_ptr(), &mut id), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(C_AsyncJoin(session, name.as_mut_ptr(), 1, name.as_mut_ptr(), 7), CKR_FUNCTION_NOT_SUPPORTED);
        let nothing = std::ptr::null_mut();
        assert_eq!(C_AsyncComplete(session, name.as_mut_ptr(), nothing), CKR_FUNCTION_NOT_SUPPORTED);
        assert_eq!(C_SignRecoverInit(session + 1, &mut mechanism, 1), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(C_MessageVerifyFinal(0), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(C_GetFunctionStatus(session), CKR_FUNCTION_NOT_PARALLEL);
        assert_eq!(C_CancelFunction(session), CKR_FUNCTION_NOT_PARALLEL);
        assert_eq!(C_CancelFunction(session + 1), CKR_SESSION_HANDLE_INVALID);
    }
    finalize();
    assert_eq!(unsafe { C_MessageVerifyFinal(0) }, CKR_CRYPTOKI_NOT_INITIALIZED);
}

#[test]
fn exact_codes_where_the_standard_leaves_no_doubt() {
    let _turn = turn();
    let session = user_session();
    let slot = token();
    let null = std::ptr::null_mut::<u8>();
    let mut bytes = [0u8; 32];
    let mut number = 0;
    unsafe {
        assert_eq!(C_GetInfo(std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetSlotList(CK_FALSE, std::ptr::null_mut(), std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetSlotInfo(slot, std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetTokenInfo(slot, std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetSessionInfo(session, std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_InitToken(slot, bytes.as_mut_ptr(), 8, null), CKR_ARGUMENTS_BAD);
        let open = |flags, place| C_OpenSession(slot, flags, std::ptr::null_mut(), None, place);
        assert_eq!(open(CKF_SERIAL_SESSION, std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(open(CKF_RW_SESSION, &mut number), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
        assert_eq!(open(CKF_SERIAL_SESSION | CKF_ASYNC_SESSION, &mut number), CKR_SESSION_ASYNC_NOT_SUPPORTED);
        assert_eq!(C_GenerateRandom(0, bytes.as_mut_ptr(), 32), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(C_GenerateRandom(session, null, 5), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GenerateRandom(session, null, 0), CKR_OK);
        assert_eq!(C_GenerateRandom(session, bytes.as_mut_ptr(), CK_ULONG::MAX), CKR_ARGUMENTS_BAD);
        assert_eq!(C_SeedRandom(session, null, 5), CKR_ARGUMENTS_BAD);
        assert_eq!(C_Login(session, CKU_USER, null, 5), CKR_ARGUMENTS_BAD);
        assert_eq!(C_FindObjectsInit(session, std::ptr::null_mut(), 5), CKR_ARGUMENTS_BAD);
        assert_eq!(C_CreateObject(session, std::ptr::null_mut(), 5, &mut number), CKR_ARGUMENTS_BAD);
        assert_eq!(C_WaitForSlotEvent(CKF_DONT_BLOCK, &mut number, std::ptr::null_mut()), CKR_NO_EVENT);
        assert_eq!(C_WaitForSlotEvent(CKF_DONT_BLOCK, std::ptr::null_mut(), std::ptr::null_mut()), CKR_ARGUMENTS_BAD);
    }
    finalize();
}

/// Name, function, and parameters: s session, n number, p pointer, m mechanism, t template, 0 none. Not here is what
/// ends the sessions the other calls need.
pub(crate) const FUNCTIONS: &[(&str, *const (), &str)] = &[
    ("C_GetInfo", C_GetInfo as *const (), "p"),
    ("C_GetFunctionList", C_GetFunctionList as *const (), "p"),
    ("C_GetInterfaceList", C_GetInterfaceList as *const (), "pp"),
    ("C_GetInterface", C_GetInterface as *const (), "pppn"),
    ("C_GetSlotList", C_GetSlotList as *const (), "npp"),
    ("C_GetSlotInfo", C_GetSlotInfo as *const (), "np"),
    ("C_GetTokenInfo", C_GetTokenInfo as *const (), "np"),
    ("C_GetMechanismList", C_GetMechanismList as *const (), "npp"),
    ("C_GetMechanismInfo", C_GetMechanismInfo as *const (), "nnp"),
    ("C_InitToken", C_InitToken as *const (), "npnp"),
    ("C_InitPIN", C_InitPIN as *const (), "spn"),
    ("C_SetPIN", C_SetPIN as *const (), "spnpn"),
    ("C_OpenSession", C_OpenSession as *const (), "nnp0p"),
    ("C_GetSessionInfo", C_GetSessionInfo as *const (), "sp"),
    ("C_SessionCancel", C_SessionCancel as *const (), "sn"),
    ("C_GetOperationState", C_GetOperationState as *const (), "spp"),
    ("C_SetOperationState", C_SetOperationState as *const (), "spnnn"),
    ("C_Login", C_Login as *const (), "snpn"),
    ("C_LoginUser", C_LoginUser as *const (), "snpnpn"),
    ("C_CreateObject", C_CreateObject as *const (), "stnp"),
    ("C_CopyObject", C_CopyObject as *const (), "sntnp"),
    ("C_DestroyObject", C_DestroyObject as *const (), "sn"),
    ("C_GetObjectSize", C_GetObjectSize as *const (), "snp"),
    ("C_GetAttributeValue", C_GetAttributeValue as *const (), "sntn"),
    ("C_SetAttributeValue", C_SetAttributeValue as *const (), "sntn"),
    ("C_FindObjectsInit", C_FindObjectsInit as *const (), "stn"),
    ("C_FindObjects", C_FindObjects as *const (), "spnp"),
    ("C_FindObjectsFinal", C_FindObjectsFinal as *const (), "s"),
    ("C_EncryptInit", C_EncryptInit as *const (), "smn"),
    ("C_Encrypt", C_Encrypt as *const (), "spnpp"),
    ("C_EncryptUpdate", C_EncryptUpdate as *const (), "spnpp"),
    ("C_EncryptFinal", C_EncryptFinal as *const (), "spp"),
    ("C_DecryptInit", C_DecryptInit as *const (), "smn"),
    ("C_Decrypt", C_Decrypt as *const (), "spnpp"),
    ("C_DecryptUpdate", C_DecryptUpdate as *const (), "spnpp"),
    ("C_DecryptFinal", C_DecryptFinal as *const (), "spp"),
    ("C_DigestInit", C_DigestInit as *const (), "sm"),
    ("C_Digest", C_Digest as *const (), "spnpp"),
    ("C_DigestUpdate", C_DigestUpdate as *const (), "spn"),
    ("C_DigestKey", C_DigestKey as *const (), "sn"),
    ("C_DigestFinal", C_DigestFinal as *const (), "spp"),
    ("C_SignInit", C_SignInit as *const (), "smn"),
    ("C_Sign", C_Sign as *const (), "spnpp"),
    ("C_SignUpdate", C_SignUpdate as *const (), "spn"),
    ("C_SignFinal", C_SignFinal as *const (), "spp"),
    ("C_SignRecoverInit", C_SignRecoverInit as *const (), "smn"),
    ("C_SignRecover", C_SignRecover as *const (), "spnpp"),
    ("C_VerifyInit", C_VerifyInit as *const (), "smn"),
    ("C_Verify", C_Verify as *const (), "spnpn"),
    ("C_VerifyUpdate", C_VerifyUpdate as *const (), "spn"),
    ("C_VerifyFinal", C_VerifyFinal as *const (), "spn"),
    ("C_VerifyRecoverInit", C_VerifyRecoverInit as *const (), "smn"),
    ("C_VerifyRecover", C_VerifyRecover as *const (), "spnpp"),
    ("C_DigestEncryptUpdate", C_DigestEncryptUpdate as *const (), "spnpp"),
    ("C_DecryptDigestUpdate", C_DecryptDigestUpdate as *const (), "spnpp"),
    ("C_SignEncryptUpdate", C_SignEncryptUpdate as *const (), "spnpp"),
    ("C_DecryptVerifyUpdate", C_DecryptVerifyUpdate as *const (), "spnpp"),
    ("C_GenerateKey", C_GenerateKey as *const (), "smtnp"),
    ("C_GenerateKeyPair", C_GenerateKeyPair as *const (), "smtntnpp"),
    ("C_WrapKey", C_WrapKey as *const (), "smnnpp"),
    ("C_UnwrapKey", C_UnwrapKey as *const (), "smnpntnp"),
    ("C_DeriveKey", C_DeriveKey as *const (), "smntnp"),
    ("C_SeedRandom", C_SeedRandom as *const (), "spn"),
    ("C_GenerateRandom", C_GenerateRandom as *const (), "spn"),
    ("C_GetFunctionStatus", C_GetFunctionStatus as *const (), "s"),
    ("C_CancelFunction", C_CancelFunction as *const (), "s"),
    ("C_MessageEncryptInit", C_MessageEncryptInit as *const (), "smn"),
    ("C_EncryptMessage", C_EncryptMessage as *const (), "spnpnpnpp"),
    ("C_EncryptMessageBegin", C_EncryptMessageBegin as *const (), "spnpn"),
    ("C_EncryptMessageNext", C_EncryptMessageNext as *const (), "spnpnppn"),
    ("C_MessageEncryptFinal", C_MessageEncryptFinal as *const (), "s"),
    ("C_MessageDecryptInit", C_MessageDecryptInit as *const (), "smn"),
    ("C_DecryptMessage", C_DecryptMessage as *const (), "spnpnpnpp"),
    ("C_DecryptMessageBegin", C_DecryptMessageBegin as *const (), "spnpn"),
    ("C_DecryptMessageNext", C_DecryptMessageNext as *const (), "spnpnppn"),
    ("C_MessageDecryptFinal", C_MessageDecryptFinal as *const (), "s"),
    ("C_MessageSignInit", C_MessageSignInit as *const (), "smn"),
    ("C_SignMessage", C_SignMessage as *const (), "spnpnpp"),
    ("C_SignMessageBegin", C_SignMessageBegin as *const (), "spn"),
    ("C_SignMessageNext", C_SignMessageNext as *const (), "spnpnpp"),
    ("C_MessageSignFinal", C_MessageSignFinal as *const (), "s"),
    ("C_MessageVerifyInit", C_MessageVerifyInit as *const (), "smn"),
    ("C_VerifyMessage", C_VerifyMessage as *const (), "spnpnpn"),
    ("C_VerifyMessageBegin", C_VerifyMessageBegin as *const (), "spn"),
    ("C_VerifyMessageNext", C_VerifyMessageNext as *const (), "spnpnpn"),
    ("C_MessageVerifyFinal", C_MessageVerifyFinal as *const (), "s"),
    ("C_EncapsulateKey", C_EncapsulateKey as *const (), "smntnppp"),
    ("C_DecapsulateKey", C_DecapsulateKey as *const (), "smntnpnp"),
    ("C_VerifySignatureInit", C_VerifySignatureInit as *const (), "smnpn"),
    ("C_VerifySignature", C_VerifySignature as *const (), "spn"),
    ("C_VerifySignatureUpdate", C_VerifySignatureUpdate as *const (), "spn"),
    ("C_VerifySignatureFinal", C_VerifySignatureFinal as *const (), "s"),
    ("C_GetSessionValidationFlags", C_GetSessionValidationFlags as *const (), "snp"),
    ("C_AsyncComplete", C_AsyncComplete as *const (), "spp"),
    ("C_AsyncGetID", C_AsyncGetID as *const (), "spp"),
    ("C_AsyncJoin", C_AsyncJoin as *const (), "spnpn"),
    ("C_WrapKeyAuthenticated", C_WrapKeyAuthenticated as *const (), "smnnpnpp"),
    ("C_UnwrapKeyAuthenticated", C_UnwrapKeyAuthenticated as *const (), "smnpntnpnp"),
    ("SR_ListUsers", SR_ListUsers as *const (), "spp"),
    ("SR_CreateUser", SR_CreateUser as *const (), "snpnpnp"),
    ("SR_DeleteUser", SR_DeleteUser as *const (), "sn"),
    ("SR_SetUserPIN", SR_SetUserPIN as *const (), "snpn"),
    ("SR_UnlockUser", SR_UnlockUser as *const (), "sn"),
    ("SR_ShareKey", SR_ShareKey as *const (), "snn"),
    ("SR_UnshareKey", SR_UnshareKey as *const (), "snn"),
    ("SR_SetTrusted", SR_SetTrusted as *const (), "snn"),
    ("SR_RegisterApprover", SR_RegisterApprover as *const (), "snpnpnpn"),
    ("SR_RequestApproval", SR_RequestApproval as *const (), "snnpp"),
    ("SR_Approve", SR_Approve as *const (), "spnnpnp"),
    ("SR_ListQuorumTokens", SR_ListQuorumTokens as *const (), "spp"),
    ("SR_DeleteQuorumToken", SR_DeleteQuorumToken as *const (), "sn"),
    ("SR_GetQuorumValue", SR_GetQuorumValue as *const (), "snp"),
    ("SR_SetQuorumValue", SR_SetQuorumValue as *const (), "snn"),
    ("SR_GetLastErrorText", SR_GetLastErrorText as *const (), "pp"),
];
