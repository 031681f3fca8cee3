//! Messages where they lie in a caller's memory: IV, tag, associated data and output in one another, and pointers that
//! lead nowhere.

use std::ffi::c_void;
use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

const NULL: *mut u8 = ptr::null_mut();
const GCM_BYTES: CK_ULONG = size_of::<CK_GCM_MESSAGE_PARAMS>() as CK_ULONG;

fn begin(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) {
    let mut gcm = mechanism(CKM_AES_GCM);
    unsafe {
        assert_eq!(C_MessageEncryptInit(session, &mut gcm, key), CKR_OK);
        assert_eq!(C_MessageDecryptInit(session, &mut gcm, key), CKR_OK);
    }
}

fn params(iv: *mut u8, tag: *mut u8) -> CK_GCM_MESSAGE_PARAMS {
    CK_GCM_MESSAGE_PARAMS {
        pIv: iv,
        ulIvLen: 12,
        ulIvFixedBits: 0,
        ivGenerator: CKG_NO_GENERATE,
        pTag: tag,
        ulTagBits: 128,
    }
}

/// What one message with an IV of 7s becomes: ciphertext and tag.
fn sealed(session: CK_SESSION_HANDLE, aad: &[u8], data: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let (mut iv, mut tag) = ([7u8; 12], [0u8; 16]);
    let mut message = params(iv.as_mut_ptr(), tag.as_mut_ptr());
    let mut output = vec![0; data.len()];
    let mut len = output.len() as CK_ULONG;
    let ((aad, aad_len), (data, data_len)) = (pin(aad), pin(data));
    let parameter = (&raw mut message).cast();
    let (start, room) = (output.as_mut_ptr(), &mut len);
    let rv = unsafe { C_EncryptMessage(session, parameter, GCM_BYTES, aad, aad_len, data, data_len, start, room) };
    assert_eq!(rv, CKR_OK);
    (output, tag)
}

#[test]
fn messages_in_place_at_every_distance() {
    let _turn = turn();
    let session = user_session();
    begin(session, aes_key(session));
    let data: Vec<u8> = (0..60).collect();
    for (data_at, aad_at, iv_at, output_at, tag_at) in [
        (0, 100, 200, 0, 300),
        (0, 0, 0, 0, 300),
        (5, 20, 40, 0, 60),
        (0, 10, 30, 7, 300),
        (60, 0, 100, 30, 30),
        (0, 300, 310, 200, 310),
    ] {
        let mut memory = vec![0u8; 400];
        memory[iv_at..iv_at + 12].copy_from_slice(&[7; 12]);
        memory[data_at..data_at + 60].copy_from_slice(&data);
        memory[iv_at..iv_at + 12].copy_from_slice(&[7; 12]);
        let before = memory.clone();
        let (expected, tag) = sealed(session, &before[aad_at..aad_at + 20], &before[data_at..data_at + 60]);
        let start = memory.as_mut_ptr();
        let mut len: CK_ULONG = 60;
        unsafe {
            let mut message = params(start.add(iv_at), start.add(tag_at));
            let rv = C_EncryptMessage(
                session,
                (&raw mut message).cast(),
                GCM_BYTES,
                start.add(aad_at),
                20,
                start.add(data_at),
                60,
                start.add(output_at),
                &mut len,
            );
            assert_eq!((rv, len), (CKR_OK, 60));
        }
        // The tag is stored last.
        assert_eq!(memory[tag_at..tag_at + 16], tag);
        let end = if (output_at..output_at + 60).contains(&tag_at) { tag_at } else { output_at + 60 };
        assert_eq!(memory[output_at..end], expected[..end - output_at]);
        if end < output_at + 60 {
            continue;
        }

        // And back, where the plaintext goes over everything there was.
        let (iv, aad) = ([7u8; 12], &before[aad_at..aad_at + 20]);
        let mut memory = [&expected[..], &tag, &iv, aad].concat();
        let start = memory.as_mut_ptr();
        unsafe {
            let mut message = params(start.add(76), start.add(60));
            let rv = C_DecryptMessage(
                session,
                (&raw mut message).cast(),
                GCM_BYTES,
                start.add(88),
                20,
                start,
                60,
                start.add(40),
                &mut len,
            );
            assert_eq!((rv, len), (CKR_OK, 60));
        }
        assert_eq!(memory[40..100], before[data_at..data_at + 60]);
    }
    finalize();
}

type Call = fn(CK_SESSION_HANDLE, *mut c_void, CK_ULONG, *mut u8, *mut CK_ULONG) -> CK_RV;

#[test]
fn bad_pointers_are_refused_and_leave_the_series() {
    let _turn = turn();
    let session = user_session();
    begin(session, aes_key(session));
    let mut bytes = [0u8; 64];
    let (mut iv, mut tag) = ([7u8; 12], [0u8; 16]);
    let buffer = bytes.as_mut_ptr();
    let mut len: CK_ULONG = 64;
    let good = params(iv.as_mut_ptr(), tag.as_mut_ptr());
    let whole: [Call; 2] = [
        |s, parameter, parameter_len, buffer, len| unsafe {
            C_EncryptMessage(s, parameter, parameter_len, NULL, 0, buffer, 16, buffer, len)
        },
        |s, parameter, parameter_len, buffer, len| unsafe {
            C_DecryptMessage(s, parameter, parameter_len, NULL, 0, buffer, 16, buffer, len)
        },
    ];
    let wrong = [
        CK_GCM_MESSAGE_PARAMS { pIv: NULL, ..good },
        CK_GCM_MESSAGE_PARAMS { pIv: ptr::without_provenance_mut(16), ..good },
        CK_GCM_MESSAGE_PARAMS { ulIvLen: CK_ULONG::MAX, ..good },
        CK_GCM_MESSAGE_PARAMS { ulIvLen: 1 << 40, ..good },
        CK_GCM_MESSAGE_PARAMS { pTag: NULL, ..good },
        CK_GCM_MESSAGE_PARAMS { pTag: ptr::without_provenance_mut(1), ..good },
        CK_GCM_MESSAGE_PARAMS { ulTagBits: 1 << 40, ..good },
        CK_GCM_MESSAGE_PARAMS { ulTagBits: CK_ULONG::MAX, ..good },
    ];
    for call in whole {
        for mut params in wrong {
            let rv = call(session, (&raw mut params).cast(), GCM_BYTES, buffer, &mut len);
            assert_eq!(rv, CKR_MECHANISM_PARAM_INVALID, "{params:?}");
        }
        let mut params = good;
        for size in [0, 8, 40, 47, 49, 1 << 63, CK_ULONG::MAX] {
            let rv = call(session, (&raw mut params).cast(), size, buffer, &mut len);
            assert_eq!(rv, CKR_MECHANISM_PARAM_INVALID, "{size}");
        }
        assert_eq!(call(session, ptr::null_mut(), GCM_BYTES, buffer, &mut len), CKR_MECHANISM_PARAM_INVALID);
        let parameter: *mut c_void = (&raw mut params).cast();
        assert_eq!(call(session, parameter, GCM_BYTES, NULL.wrapping_add(1), &mut len), CKR_ARGUMENTS_BAD);
        assert_eq!(call(session, parameter, GCM_BYTES, buffer, ptr::null_mut()), CKR_ARGUMENTS_BAD);
    }
    unsafe {
        // In parts, a refusal ends the message and not the series.
        let mut params = good;
        let parameter: *mut c_void = (&raw mut params).cast();
        let associated = C_EncryptMessageBegin(session, parameter, GCM_BYTES, NULL, 5);
        assert_eq!(associated, CKR_ARGUMENTS_BAD);
        for refusal in [
            (|s, parameter, parameter_len, buffer, len| {
                C_EncryptMessageNext(s, parameter, parameter_len, NULL, 5, buffer, len, 0)
            }) as Call,
            |s, parameter, parameter_len, buffer, _| {
                C_EncryptMessageNext(s, parameter, parameter_len, buffer, 5, buffer, ptr::null_mut(), 0)
            },
            |s, _, _, buffer, len| {
                C_EncryptMessageNext(s, ptr::null_mut(), 0, buffer, 5, buffer, len, CKF_END_OF_MESSAGE)
            },
            |s, parameter, parameter_len, buffer, len| {
                C_EncryptMessageNext(s, parameter, parameter_len, buffer, 1 << 63, buffer, len, CKF_END_OF_MESSAGE)
            },
        ] {
            assert_eq!(C_EncryptMessageBegin(session, parameter, GCM_BYTES, NULL, 0), CKR_OK);
            let rv = refusal(session, parameter, GCM_BYTES, buffer, &mut len);
            assert!(matches!(rv, CKR_ARGUMENTS_BAD | CKR_MECHANISM_PARAM_INVALID), "{rv:#x}");
            let rv = C_EncryptMessageNext(session, parameter, GCM_BYTES, buffer, 5, buffer, &mut len, 0);
            assert_eq!(rv, CKR_OPERATION_NOT_INITIALIZED);
        }
        assert_eq!(C_MessageEncryptFinal(session), CKR_OK);
        assert_eq!(C_MessageDecryptFinal(session), CKR_OK);
    }
    finalize();
}
