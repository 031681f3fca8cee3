//! Buffers of operations: length queries, buffers that are too small, input and output in one place, refused arguments.

use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

const NULL: *mut u8 = ptr::null_mut();

fn begin_encryption(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, iv: &mut [u8; 16]) {
    let mut mechanism = with_parameter(CKM_AES_CBC_PAD, iv);
    assert_eq!(unsafe { C_EncryptInit(session, &mut mechanism, key) }, CKR_OK);
}

fn begin_decryption(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, iv: &mut [u8; 16]) {
    let mut mechanism = with_parameter(CKM_AES_CBC_PAD, iv);
    assert_eq!(unsafe { C_DecryptInit(session, &mut mechanism, key) }, CKR_OK);
}

fn encrypted(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, data: &[u8]) -> Vec<u8> {
    let (start, data_len) = pin(data);
    let mut output = vec![0u8; data.len() + 16];
    let mut len = output.len() as CK_ULONG;
    begin_encryption(session, key, &mut [7; 16]);
    assert_eq!(unsafe { C_Encrypt(session, start, data_len, output.as_mut_ptr(), &mut len) }, CKR_OK);
    output.truncate(len as usize);
    output
}

#[test]
fn queries_and_small_buffers_leave_the_operation() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let (data, data_len) = pin(b"sixteen bytes...and more");
    let mut output = [0u8; 64];
    let mut len: CK_ULONG = 0;
    unsafe {
        begin_encryption(session, key, &mut [0; 16]);
        assert_eq!(C_Encrypt(session, data, data_len, NULL, &mut len), CKR_OK);
        assert_eq!(len, 32);
        for small in [0, 1, 31] {
            len = small;
            assert_eq!(C_Encrypt(session, data, data_len, output.as_mut_ptr(), &mut len), CKR_BUFFER_TOO_SMALL);
            assert_eq!((len, output), (32, [0; 64]));
        }
        assert_eq!(C_Encrypt(session, data, data_len, output.as_mut_ptr(), &mut len), CKR_OK);
        assert_eq!(len, 32);
        assert_eq!(C_Encrypt(session, data, data_len, output.as_mut_ptr(), &mut len), CKR_OPERATION_NOT_INITIALIZED);
    }
    finalize();
}

#[test]
fn in_place_at_every_distance() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let data: Vec<u8> = (0..100).collect();
    let expected = encrypted(session, key, &data);
    for (from, to) in [(0, 0), (0, 1), (1, 0), (16, 0), (0, 16), (0, 99), (99, 0), (0, 100), (200, 0)] {
        let mut memory = vec![0u8; 400];
        memory[from..from + 100].copy_from_slice(&data);
        let start = memory.as_mut_ptr();
        let mut len: CK_ULONG = 112;
        unsafe {
            begin_encryption(session, key, &mut [7; 16]);
            assert_eq!(C_Encrypt(session, start.add(from), 100, start.add(to), &mut len), CKR_OK);
            assert_eq!(memory[to..to + len as usize], expected, "{from} to {to}");

            // And back, the same way.
            memory[from..from + 112].copy_from_slice(&expected);
            let start = memory.as_mut_ptr();
            begin_decryption(session, key, &mut [7; 16]);
            assert_eq!(C_Decrypt(session, start.add(from), 112, start.add(to), &mut len), CKR_OK);
            assert_eq!(memory[to..to + len as usize], data, "{from} to {to}");
        }
    }
    // In parts, each in its own place.
    let mut memory = data.clone();
    memory.resize(112, 0);
    let start = memory.as_mut_ptr();
    unsafe {
        begin_encryption(session, key, &mut [7; 16]);
        let mut done = 0;
        for part in [0..16, 16..64, 64..96] {
            let mut len: CK_ULONG = 112 - done;
            let rv = C_EncryptUpdate(
                session,
                start.add(part.start),
                16.max(part.len() as u64),
                start.add(part.start),
                &mut len,
            );
            assert_eq!(rv, CKR_OK);
            done += len;
        }
        assert_eq!(done, 96);
        let mut len: CK_ULONG = 16;
        let tail = start.add(96);
        assert_eq!(C_EncryptUpdate(session, tail, 4, tail, &mut len), CKR_OK);
        assert_eq!(len, 0);
        len = 16;
        assert_eq!(C_EncryptFinal(session, tail, &mut len), CKR_OK);
    }
    assert_eq!(memory, expected);
    finalize();
}

#[test]
fn refused_arguments_end_the_operation() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let mut bytes = [0u8; 64];
    let buffer = bytes.as_mut_ptr();
    let mut len: CK_ULONG = 64;
    // The calls are made inside these functions, so that each is refused in an operation of its own.
    let refusals: [fn(CK_SESSION_HANDLE, *mut u8, *mut CK_ULONG) -> CK_RV; 5] = [
        |session, buffer, len| unsafe { C_Encrypt(session, NULL, 5, buffer, len) },
        |session, buffer, len| unsafe { C_Encrypt(session, buffer, 1 << 63, buffer, len) },
        |session, buffer, _| unsafe { C_Encrypt(session, buffer, 16, buffer, ptr::null_mut()) },
        |session, buffer, len| unsafe { C_EncryptUpdate(session, buffer, CK_ULONG::MAX, buffer, len) },
        |session, buffer, _| unsafe { C_EncryptFinal(session, buffer, ptr::null_mut()) },
    ];
    unsafe {
        for rv in refusals {
            begin_encryption(session, key, &mut [0; 16]);
            assert_eq!(rv(session, buffer, &mut len), CKR_ARGUMENTS_BAD);
            assert_eq!(C_EncryptFinal(session, buffer, &mut len), CKR_OPERATION_NOT_INITIALIZED);
        }
        let mut sha256 = mechanism(CKM_SHA256);
        assert_eq!(C_DigestInit(session, &mut sha256), CKR_OK);
        assert_eq!(C_DigestUpdate(session, NULL, 5), CKR_ARGUMENTS_BAD);
        assert_eq!(C_DigestFinal(session, buffer, &mut len), CKR_OPERATION_NOT_INITIALIZED);
        let mut cmac = mechanism(CKM_AES_CMAC);
        assert_eq!(C_VerifyInit(session, &mut cmac, key), CKR_OK);
        assert_eq!(C_Verify(session, buffer, 16, NULL, 16), CKR_ARGUMENTS_BAD);
        assert_eq!(C_Verify(session, buffer, 16, buffer, 16), CKR_OPERATION_NOT_INITIALIZED);
        // Nothing of that touched another kind of operation.
        assert_eq!(C_SignInit(session, &mut cmac, key), CKR_OK);
        assert_eq!(C_DigestUpdate(session, NULL, 5), CKR_ARGUMENTS_BAD);
        len = 64;
        assert_eq!(C_Sign(session, buffer, 16, buffer, &mut len), CKR_OK);
        assert_eq!(len, 16);
    }
    finalize();
}

#[test]
fn a_null_mechanism_cancels() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let none = ptr::null_mut();
    let mut bytes = [0u8; 64];
    let mut len: CK_ULONG = 64;
    unsafe {
        begin_encryption(session, key, &mut [0; 16]);
        assert_eq!(C_EncryptInit(session, none, 0), CKR_OK);
        assert_eq!(C_EncryptFinal(session, bytes.as_mut_ptr(), &mut len), CKR_OPERATION_NOT_INITIALIZED);
        begin_encryption(session, key, &mut [0; 16]);
        assert_eq!(C_SessionCancel(session, CKF_ENCRYPT | CKF_DECRYPT), CKR_OK);
        begin_encryption(session, key, &mut [0; 16]);
        for cancel in [
            C_DecryptInit(session, none, 0),
            C_DigestInit(session, none),
            C_SignInit(session, none, 0),
            C_VerifyInit(session, none, 0),
        ] {
            assert_eq!(cancel, CKR_OK);
        }
        let mut key = 0;
        assert_eq!(C_GenerateKey(session, none, ptr::null_mut(), 0, &mut key), CKR_ARGUMENTS_BAD);
    }
    finalize();
}

fn init(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, mut mechanism: CK_MECHANISM) -> CK_RV {
    unsafe {
        let rv = C_EncryptInit(session, &mut mechanism, key);
        assert_eq!(C_EncryptInit(session, ptr::null_mut(), 0), CKR_OK);
        rv
    }
}

#[test]
fn parameters_of_mechanisms() {
    let _turn = turn();
    let session = user_session();
    let key = aes_key(session);
    let mut iv = [0u8; 16];
    let bad = CKR_MECHANISM_PARAM_INVALID;
    let raw =
        |id, pointer: *mut u8, len| CK_MECHANISM { mechanism: id, pParameter: pointer.cast(), ulParameterLen: len };
    let start = iv.as_mut_ptr();
    for (mechanism, expected) in [
        (raw(CKM_AES_ECB, NULL, 0), CKR_OK),
        (raw(CKM_AES_ECB, start, 0), CKR_OK),
        (raw(CKM_AES_ECB, start, 1), bad),
        (raw(CKM_AES_ECB, NULL, 1), bad),
        (raw(CKM_AES_ECB, NULL, CK_ULONG::MAX), bad),
        (raw(CKM_AES_CBC, start, 16), CKR_OK),
        (raw(CKM_AES_CBC, start, 15), bad),
        (raw(CKM_AES_CBC, start, 17), bad),
        (raw(CKM_AES_CBC, start, 0), bad),
        (raw(CKM_AES_CBC, NULL, 16), bad),
        (raw(CKM_AES_CBC, NULL, 1 << 63), bad),
        (raw(CKM_AES_CTR, start, 16), bad),
        (raw(CKM_AES_GCM, start, 16), bad),
        (raw(CKM_AES_CCM, NULL, 0), bad),
        (raw(1 << 40, start, 16), CKR_MECHANISM_INVALID),
    ] {
        assert_eq!(init(session, key, mechanism), expected, "{mechanism:?}");
    }

    let good = CK_GCM_PARAMS { pIv: start, ulIvLen: 12, ulIvBits: 96, pAAD: NULL, ulAADLen: 0, ulTagBits: 128 };
    for (mut gcm, expected) in [
        (good, CKR_OK),
        (CK_GCM_PARAMS { ulIvBits: CK_ULONG::MAX, ..good }, CKR_OK),
        (CK_GCM_PARAMS { pIv: NULL, ..good }, bad),
        (CK_GCM_PARAMS { ulIvLen: 1 << 63, ..good }, bad),
        (CK_GCM_PARAMS { ulAADLen: 5, ..good }, bad),
        (CK_GCM_PARAMS { pAAD: start, ulAADLen: CK_ULONG::MAX, ..good }, bad),
        (CK_GCM_PARAMS { ulTagBits: 127, ..good }, bad),
        (CK_GCM_PARAMS { ulTagBits: CK_ULONG::MAX, ..good }, bad),
    ] {
        assert_eq!(init(session, key, with_parameter(CKM_AES_GCM, &mut gcm)), expected, "{gcm:?}");
    }
    // The struct before it had ulIvBits.
    let mut old = [start.expose_provenance() as CK_ULONG, 12, 0, 0, 128];
    assert_eq!(init(session, key, with_parameter(CKM_AES_GCM, &mut old)), CKR_OK);

    let mut counter = CK_AES_CTR_PARAMS { ulCounterBits: 128, cb: [0; 16] };
    assert_eq!(init(session, key, with_parameter(CKM_AES_CTR, &mut counter)), CKR_OK);
    for bits in [0, 129, CK_ULONG::MAX] {
        counter.ulCounterBits = bits;
        assert_eq!(init(session, key, with_parameter(CKM_AES_CTR, &mut counter)), bad);
    }
    finalize();
}

#[test]
fn the_operation_state_travels() {
    let _turn = turn();
    let session = user_session();
    let other = open(token());
    let (data, data_len) = pin(b"the first part");
    let mut digests = [[0u8; 32]; 2];
    let mut state = [0u8; 4096];
    unsafe {
        let mut sha256 = mechanism(CKM_SHA256);
        assert_eq!(C_DigestInit(session, &mut sha256), CKR_OK);
        assert_eq!(C_DigestUpdate(session, data, data_len), CKR_OK);
        let mut len: CK_ULONG = 0;
        assert_eq!(C_GetOperationState(session, NULL, &mut len), CKR_OK);
        let needed = len;
        len = needed - 1;
        assert_eq!(C_GetOperationState(session, state.as_mut_ptr(), &mut len), CKR_BUFFER_TOO_SMALL);
        assert_eq!(len, needed);
        assert_eq!(C_GetOperationState(session, state.as_mut_ptr(), &mut len), CKR_OK);
        assert_eq!(C_SetOperationState(other, state.as_mut_ptr(), len, 0, 0), CKR_OK);
        for (session, digest) in [session, other].into_iter().zip(&mut digests) {
            let mut len: CK_ULONG = 32;
            assert_eq!(C_DigestUpdate(session, data, data_len), CKR_OK);
            assert_eq!(C_DigestFinal(session, digest.as_mut_ptr(), &mut len), CKR_OK);
        }
        assert_eq!(C_SetOperationState(other, NULL, 5, 0, 0), CKR_ARGUMENTS_BAD);
        assert_eq!(C_SetOperationState(other, state.as_mut_ptr(), 5, 0, 0), CKR_SAVED_STATE_INVALID);
    }
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], [0; 32]);
    finalize();
}
