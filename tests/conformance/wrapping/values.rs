//! Published wrapped keys.

use cryptoki_sys::*;
use strongroom_core::mechanism::cloudhsm::*;

use super::{secret, unwrapped_secret};
use crate::module::{Token, refused};
use crate::parameters::{Mechanism, plain, with_iv};
use crate::session::{Session, Work};
use crate::template::{flag, with};
use crate::vectors::hex;
use crate::wycheproof::{Case, each};

/// RFC 3394 §4: key, data, wrapped data.
const RFC_3394: [(&str, &str, &str); 6] = [
    (
        "000102030405060708090a0b0c0d0e0f",
        "00112233445566778899aabbccddeeff",
        "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
    ),
    (
        "000102030405060708090a0b0c0d0e0f1011121314151617",
        "00112233445566778899aabbccddeeff",
        "96778b25ae6ca435f92b5b97c050aed2468ab8a17ad84e5d",
    ),
    (
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "00112233445566778899aabbccddeeff",
        "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7",
    ),
    (
        "000102030405060708090a0b0c0d0e0f1011121314151617",
        "00112233445566778899aabbccddeeff0001020304050607",
        "031d33264e15d33268f24ec260743edce1c6c7ddee725a936ba814915c6762d2",
    ),
    (
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "00112233445566778899aabbccddeeff0001020304050607",
        "a8f9bc1612c68b3ff6e6f4fbe30e71e4769c8b80a32cb8958cd5d17d6b254da1",
    ),
    (
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
        "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
    ),
];

/// RFC 5649 §6.
const RFC_5649: [(&str, &str, &str); 2] = [
    (
        "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
        "c37b7e6492584340bed12207808941155068f738",
        "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
    ),
    ("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8", "466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
];

/// A key that does all that AES key wrap does.
fn kek(session: Session, value: &[u8]) -> CK_OBJECT_HANDLE {
    let usages = [CKA_WRAP, CKA_UNWRAP, CKA_ENCRYPT, CKA_DECRYPT].map(|usage| flag(usage, true));
    session.create(&with(&secret(CKK_AES, value), &usages)).unwrap()
}

/// Wraps and encrypts, unwraps and decrypts.
fn agree(session: Session, mechanism: &Mechanism, kek: CK_OBJECT_HANDLE, data: &[u8], wrapped: &[u8]) {
    let key = session.create(&secret(CKK_GENERIC_SECRET, data)).unwrap();
    assert_eq!(session.wrap(mechanism, kek, key).as_deref(), Ok(wrapped), "{mechanism:?}");
    let template = unwrapped_secret(CKK_GENERIC_SECRET, data.len());
    let back = session.unwrap(mechanism, kek, wrapped, &template).unwrap();
    assert_eq!(session.get(back, CKA_VALUE).as_deref(), Ok(data), "{mechanism:?}");
    assert_eq!(session.run(Work::Encrypt, mechanism, kek, data).as_deref(), Ok(wrapped), "{mechanism:?}");
    assert_eq!(session.run(Work::Decrypt, mechanism, kek, wrapped).as_deref(), Ok(data), "{mechanism:?}");
    session.destroy(key).unwrap();
    session.destroy(back).unwrap();
}

#[test]
fn values_of_the_rfcs() {
    let token = Token::new();
    let session = token.user();
    for (key, data, wrapped) in RFC_3394 {
        let kek = kek(session, &hex(key));
        agree(session, &plain(CKM_AES_KEY_WRAP), kek, &hex(data), &hex(wrapped));
        // The default of §2.2.3.1, given.
        agree(session, &with_iv(CKM_AES_KEY_WRAP, &[0xa6; 8]), kek, &hex(data), &hex(wrapped));
        let other = with_iv(CKM_AES_KEY_WRAP, &[0xa7; 8]);
        let template = unwrapped_secret(CKK_GENERIC_SECRET, hex(data).len());
        assert_eq!(session.unwrap(&other, kek, &hex(wrapped), &template), refused(CKR_WRAPPED_KEY_INVALID));
    }
    for (key, data, wrapped) in RFC_5649 {
        let kek = kek(session, &hex(key));
        for id in [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD] {
            agree(session, &plain(id), kek, &hex(data), &hex(wrapped));
            agree(session, &with_iv(id, &hex("a65959a6")), kek, &hex(data), &hex(wrapped));
            let template = unwrapped_secret(CKK_GENERIC_SECRET, hex(data).len());
            let refusal = session.unwrap(&with_iv(id, &[0xa6; 4]), kek, &hex(wrapped), &template);
            assert_eq!(refusal, refused(CKR_WRAPPED_KEY_INVALID));
        }
    }
}

/// What programs for CloudHSM wrapped is what the standard's mechanisms unwrap. The numbers are those of its header.
#[test]
fn cloudhsms_numbers_are_of_the_same_mechanisms() {
    let token = Token::new();
    let session = token.user();
    for (own, number, standard) in [
        (CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD, 0x8000_2109, CKM_AES_KEY_WRAP),
        (CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, 0x8000_210A, CKM_AES_KEY_WRAP_PKCS7),
        (CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, 0x8000_216F, CKM_AES_KEY_WRAP_KWP),
    ] {
        assert_eq!(own, number);
        let kek = kek(session, &[7; 32]);
        let data = [0x5a; 24];
        let wrapped = session.run(Work::Encrypt, &plain(standard), kek, &data).unwrap();
        agree(session, &plain(own), kek, &data, &wrapped);
    }
}

/// Every case of a file, as keys and as data.
fn cases(name: &str, mechanism: &Mechanism, shortest: usize) {
    let is_plain = mechanism.id == CKM_AES_KEY_WRAP;
    each(name, |session, case: &Case<'_>| {
        let kek = kek(session, &case.bytes("key"));
        let (message, wrapped) = (case.bytes("msg"), case.bytes("ct"));
        if case.case["result"] != "invalid" && message.len() >= shortest {
            agree(session, mechanism, kek, &message, &wrapped);
            return;
        }
        // The length that its zeros would leave: whatever it is, nothing comes.
        let bytes = if message.is_empty() { 16 } else { message.len() };
        let code = session.unwrap(mechanism, kek, &wrapped, &unwrapped_secret(CKK_GENERIC_SECRET, bytes));
        let code = code.expect_err(&case.case.to_string()).0;
        assert!(matches!(code, CKR_WRAPPED_KEY_INVALID | CKR_WRAPPED_KEY_LEN_RANGE), "{}: 0x{code:x}", case.case);
        let code = session.run(Work::Decrypt, mechanism, kek, &wrapped).expect_err(&case.case.to_string()).0;
        assert!(matches!(code, CKR_ENCRYPTED_DATA_INVALID | CKR_ENCRYPTED_DATA_LEN_RANGE), "{}", case.case);
        // What was never to be wrapped.
        if is_plain && !message.len().is_multiple_of(8) || message.len() < shortest {
            let refusal = session.run(Work::Encrypt, mechanism, kek, &message);
            assert_eq!(refusal, refused(CKR_DATA_LEN_RANGE), "{}", case.case);
        }
    });
}

#[test]
fn aes_wrap() {
    // RFC 3394 begins at two semiblocks; the file has cases of one, and calls them acceptable.
    cases("aes_wrap_test.json", &plain(CKM_AES_KEY_WRAP), 16);
}

#[test]
fn aes_kwp() {
    cases("aes_kwp_test.json", &plain(CKM_AES_KEY_WRAP_KWP), 1);
    cases("aes_kwp_test.json", &plain(CKM_AES_KEY_WRAP_PAD), 1);
}

/// Plaintext of `CKM_AES_KEY_WRAP_PKCS7` has PKCS #7's padding, always, and nothing else (§6.14.4).
#[test]
fn pkcs7_pads_semiblocks() {
    let token = Token::new();
    let session = token.user();
    let kek = kek(session, &[0x31; 16]);
    for len in [1, 7, 8, 9, 15, 16, 17, 24, 64, 3583] {
        let data = vec![0x42; len];
        let padding = 8 - len % 8;
        let padded = [&data[..], &vec![padding as u8; padding]].concat();
        if padded.len() >= 16 {
            let wrapped = session.run(Work::Encrypt, &plain(CKM_AES_KEY_WRAP), kek, &padded).unwrap();
            agree(session, &plain(CKM_AES_KEY_WRAP_PKCS7), kek, &data, &wrapped);
        }
    }
    // A wrap that holds, of what has no such padding.
    for wrong in [[0; 16], [9; 16], [0x42; 16], [3; 16].map(|byte: u8| byte - 1)] {
        let mut wrong = wrong;
        if wrong == [2; 16] {
            wrong[14] = 3;
        }
        let wrapped = session.run(Work::Encrypt, &plain(CKM_AES_KEY_WRAP), kek, &wrong).unwrap();
        let pkcs7 = plain(CKM_AES_KEY_WRAP_PKCS7);
        let refusal = session.unwrap(&pkcs7, kek, &wrapped, &unwrapped_secret(CKK_GENERIC_SECRET, 14));
        assert_eq!(refusal, refused(CKR_WRAPPED_KEY_INVALID));
        let refusal = session.run(Work::Decrypt, &pkcs7, kek, &wrapped);
        assert_eq!(refusal, refused(CKR_ENCRYPTED_DATA_INVALID));
    }
}
