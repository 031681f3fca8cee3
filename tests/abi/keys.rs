//! Functions that make keys or let them out: every place for a handle is checked before there is a key that nobody
//! could name.

use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

#[test]
fn places_for_handles_come_first() {
    let _turn = turn();
    let session = user_session();
    let (mut bytes, mut len, mut key) = ([0u8; 64], 64, 0);
    let buffer = bytes.as_mut_ptr();
    let mut gcm = mechanism(CKM_AES_GCM);
    let (nowhere, place) = (ptr::null_mut(), &raw mut key);
    let template = ptr::null_mut();
    unsafe {
        for (public, private) in [(nowhere, place), (place, nowhere), (nowhere, nowhere)] {
            let rv = C_GenerateKeyPair(session, &mut gcm, template, 0, template, 0, public, private);
            assert_eq!(rv, CKR_ARGUMENTS_BAD);
        }
        assert_eq!(C_UnwrapKey(session, &mut gcm, 1, buffer, 8, template, 0, nowhere), CKR_ARGUMENTS_BAD);
        assert_eq!(C_DeriveKey(session, &mut gcm, 1, template, 0, nowhere), CKR_ARGUMENTS_BAD);
        assert_eq!(C_DecapsulateKey(session, &mut gcm, 1, template, 0, buffer, 8, nowhere), CKR_ARGUMENTS_BAD);
        let rv = C_EncapsulateKey(session, &mut gcm, 1, template, 0, buffer, &mut len, nowhere);
        assert_eq!(rv, CKR_ARGUMENTS_BAD);
        // Who asks for a length needs no place for a key.
        let rv = C_EncapsulateKey(session, &mut gcm, 1, template, 0, ptr::null_mut(), &mut len, nowhere);
        assert_ne!(rv, CKR_ARGUMENTS_BAD);
        let none = ptr::null_mut();
        assert_eq!(C_WrapKey(session, &mut gcm, 1, 2, buffer, none), CKR_ARGUMENTS_BAD);
        assert_eq!(C_WrapKey(session, &mut gcm, 1, 2, ptr::null_mut(), none), CKR_ARGUMENTS_BAD);
        assert_eq!(C_UnwrapKey(session, &mut gcm, 1, ptr::null_mut(), 8, template, 0, place), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetSessionValidationFlags(session, CKS_LAST_VALIDATION_OK, none), CKR_ARGUMENTS_BAD);
        // No mechanism is no mechanism here: nothing goes on that it could cancel.
        assert_eq!(C_DeriveKey(session, ptr::null_mut(), 1, template, 0, place), CKR_ARGUMENTS_BAD);
    }
    assert_eq!(key, 0);
    finalize();
}

#[test]
fn parameters_of_authenticated_wraps_are_those_of_messages() {
    let _turn = turn();
    let session = user_session();
    let (mut iv, mut tag, mut bytes, mut key) = ([7u8; 12], [0u8; 16], [0u8; 64], 0);
    let buffer = bytes.as_mut_ptr();
    let good = CK_GCM_MESSAGE_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvFixedBits: 0,
        ivGenerator: CKG_NO_GENERATE,
        pTag: tag.as_mut_ptr(),
        ulTagBits: 128,
    };
    let mut both = |mechanism: &mut CK_MECHANISM| unsafe {
        let mut len: CK_ULONG = 64;
        let null = ptr::null_mut();
        [
            C_WrapKeyAuthenticated(session, mechanism, 0, 0, null, 0, buffer, &mut len),
            C_UnwrapKeyAuthenticated(session, mechanism, 0, buffer, 16, ptr::null_mut(), 0, null, 0, &mut key),
        ]
    };
    for mut wrong in [
        CK_GCM_MESSAGE_PARAMS { pIv: ptr::null_mut(), ..good },
        CK_GCM_MESSAGE_PARAMS { pTag: ptr::null_mut(), ..good },
        CK_GCM_MESSAGE_PARAMS { ulTagBits: 100, ..good },
        CK_GCM_MESSAGE_PARAMS { ulIvLen: CK_ULONG::MAX, ..good },
    ] {
        assert_eq!(both(&mut with_parameter(CKM_AES_GCM, &mut wrong)), [CKR_MECHANISM_PARAM_INVALID; 2]);
    }
    let mut whole = good;
    for id in [CKM_AES_CCM, CKM_CHACHA20_POLY1305] {
        assert_eq!(both(&mut with_parameter(id, &mut whole)), [CKR_MECHANISM_PARAM_INVALID; 2]);
    }
    assert_eq!(both(&mut mechanism(CKM_AES_GCM)), [CKR_MECHANISM_PARAM_INVALID; 2]);
    // A counter would begin at zero with each wrap; who unwraps does not look at the generator.
    for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR] {
        let mut counting = CK_GCM_MESSAGE_PARAMS { ivGenerator: generator, ..good };
        let [wrap, unwrap] = both(&mut with_parameter(CKM_AES_GCM, &mut counting));
        assert_eq!(wrap, CKR_MECHANISM_PARAM_INVALID);
        assert_ne!(unwrap, CKR_MECHANISM_PARAM_INVALID);
    }
    for rv in both(&mut with_parameter(CKM_AES_GCM, &mut whole)) {
        assert!(!matches!(rv, CKR_OK | CKR_MECHANISM_PARAM_INVALID | CKR_ARGUMENTS_BAD), "{rv:#x}");
    }
    assert_eq!((iv, tag), ([7; 12], [0; 16]), "nothing was wrapped, nothing is stored");
    finalize();
}
