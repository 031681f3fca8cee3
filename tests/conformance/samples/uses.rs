//! Every function that takes a mechanism, called alike.

use std::ptr;

use cryptoki_sys::*;

use super::{Bench, PAIR_TYPES};
use crate::module::Outcome;
use crate::template::{Entry, lend};

/// A function that takes a mechanism, and mostly a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
    Verify,
    VerifySignature,
    SignRecover,
    VerifyRecover,
    MessageEncrypt,
    MessageDecrypt,
    MessageSign,
    MessageVerify,
    Wrap,
    Unwrap,
    WrapAuthenticated,
    UnwrapAuthenticated,
    Derive,
    Encapsulate,
    Decapsulate,
    Generate,
    GeneratePair,
}

pub(crate) const ALL_USES: [Use; 21] = [
    Use::Encrypt,
    Use::Decrypt,
    Use::Digest,
    Use::Sign,
    Use::Verify,
    Use::VerifySignature,
    Use::SignRecover,
    Use::VerifyRecover,
    Use::MessageEncrypt,
    Use::MessageDecrypt,
    Use::MessageSign,
    Use::MessageVerify,
    Use::Wrap,
    Use::Unwrap,
    Use::WrapAuthenticated,
    Use::UnwrapAuthenticated,
    Use::Derive,
    Use::Encapsulate,
    Use::Decapsulate,
    Use::Generate,
    Use::GeneratePair,
];

impl Use {
    /// The flag of the mechanisms it takes.
    pub(crate) fn function(self) -> CK_FLAGS {
        match self {
            Use::Encrypt => CKF_ENCRYPT,
            Use::Decrypt => CKF_DECRYPT,
            Use::Digest => CKF_DIGEST,
            Use::Sign => CKF_SIGN,
            Use::Verify | Use::VerifySignature => CKF_VERIFY,
            Use::SignRecover => CKF_SIGN_RECOVER,
            Use::VerifyRecover => CKF_VERIFY_RECOVER,
            Use::MessageEncrypt => CKF_MESSAGE_ENCRYPT,
            Use::MessageDecrypt => CKF_MESSAGE_DECRYPT,
            Use::MessageSign => CKF_MESSAGE_SIGN,
            Use::MessageVerify => CKF_MESSAGE_VERIFY,
            Use::Wrap | Use::WrapAuthenticated => CKF_WRAP,
            Use::Unwrap | Use::UnwrapAuthenticated => CKF_UNWRAP,
            Use::Derive => CKF_DERIVE,
            Use::Encapsulate => CKF_ENCAPSULATE,
            Use::Decapsulate => CKF_DECAPSULATE,
            Use::Generate => CKF_GENERATE,
            Use::GeneratePair => CKF_GENERATE_KEY_PAIR,
        }
    }

    /// The attribute of a key that allows it; none where it takes no key.
    pub(crate) fn usage(self) -> Option<CK_ATTRIBUTE_TYPE> {
        Some(match self {
            Use::Encrypt | Use::MessageEncrypt => CKA_ENCRYPT,
            Use::Decrypt | Use::MessageDecrypt => CKA_DECRYPT,
            Use::Sign | Use::MessageSign => CKA_SIGN,
            Use::Verify | Use::VerifySignature | Use::MessageVerify => CKA_VERIFY,
            Use::SignRecover => CKA_SIGN_RECOVER,
            Use::VerifyRecover => CKA_VERIFY_RECOVER,
            Use::Wrap | Use::WrapAuthenticated => CKA_WRAP,
            Use::Unwrap | Use::UnwrapAuthenticated => CKA_UNWRAP,
            Use::Derive => CKA_DERIVE,
            Use::Encapsulate => CKA_ENCAPSULATE,
            Use::Decapsulate => CKA_DECAPSULATE,
            Use::Digest | Use::Generate | Use::GeneratePair => return None,
        })
    }

    /// The class of the key it takes, where keys of this type are or are not pairs.
    pub(crate) fn class_of(self, key_type: CK_KEY_TYPE) -> CK_OBJECT_CLASS {
        match self {
            _ if !PAIR_TYPES.contains(&key_type) => CKO_SECRET_KEY,
            Use::Encrypt
            | Use::Verify
            | Use::VerifySignature
            | Use::VerifyRecover
            | Use::MessageEncrypt
            | Use::MessageVerify
            | Use::Wrap
            | Use::WrapAuthenticated
            | Use::Encapsulate => CKO_PUBLIC_KEY,
            _ => CKO_PRIVATE_KEY,
        }
    }

    /// Whether it begins an operation; the others do all in one call.
    pub(crate) fn is_begun(self) -> bool {
        !matches!(
            self,
            Use::Wrap
                | Use::Unwrap
                | Use::WrapAuthenticated
                | Use::UnwrapAuthenticated
                | Use::Derive
                | Use::Encapsulate
                | Use::Decapsulate
                | Use::Generate
                | Use::GeneratePair
        )
    }

    /// What it says of a key of the wrong type or class (PKCS#11 3.2 §5.1.6).
    pub(crate) fn wrong_type(self) -> CK_RV {
        match self {
            Use::Wrap | Use::WrapAuthenticated => CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
            Use::Unwrap | Use::UnwrapAuthenticated | Use::Decapsulate => CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
            _ => CKR_KEY_TYPE_INCONSISTENT,
        }
    }

    /// What it says of a handle that is no key's.
    pub(crate) fn no_key(self) -> CK_RV {
        match self {
            Use::Wrap | Use::WrapAuthenticated => CKR_WRAPPING_KEY_HANDLE_INVALID,
            Use::Unwrap | Use::UnwrapAuthenticated | Use::Decapsulate => CKR_UNWRAPPING_KEY_HANDLE_INVALID,
            _ => CKR_KEY_HANDLE_INVALID,
        }
    }

    /// Begins it or, where one call is all, does it: with nothing of use for data. Nothing is left behind.
    pub(crate) fn attempt(
        self,
        bench: &Bench,
        mechanism: *mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        template: &[Entry],
    ) -> Outcome {
        let s = bench.session.0;
        let mut made = 0;
        let mut second = 0;
        let mut room = vec![0u8; 4096];
        let (room, mut room_len) = (room.as_mut_ptr(), 4096);
        let mut data = [0x5a; 24];
        let (data, data_len) = (data.as_mut_ptr(), 24);
        let nothing = ptr::null_mut::<u8>();
        let outcome = lend(template, |start, count| match self {
            Use::Encrypt => call!(C_EncryptInit(s, mechanism, key)),
            Use::Decrypt => call!(C_DecryptInit(s, mechanism, key)),
            Use::Digest => call!(C_DigestInit(s, mechanism)),
            Use::Sign => call!(C_SignInit(s, mechanism, key)),
            Use::Verify => call!(C_VerifyInit(s, mechanism, key)),
            Use::VerifySignature => call!(C_VerifySignatureInit(s, mechanism, key, data, data_len)),
            Use::SignRecover => call!(C_SignRecoverInit(s, mechanism, key)),
            Use::VerifyRecover => call!(C_VerifyRecoverInit(s, mechanism, key)),
            Use::MessageEncrypt => call!(C_MessageEncryptInit(s, mechanism, key)),
            Use::MessageDecrypt => call!(C_MessageDecryptInit(s, mechanism, key)),
            Use::MessageSign => call!(C_MessageSignInit(s, mechanism, key)),
            Use::MessageVerify => call!(C_MessageVerifyInit(s, mechanism, key)),
            Use::Wrap => call!(C_WrapKey(s, mechanism, key, bench.target, room, &mut room_len)),
            Use::Unwrap => call!(C_UnwrapKey(s, mechanism, key, data, data_len, start, count, &mut made)),
            Use::WrapAuthenticated => {
                call!(C_WrapKeyAuthenticated(s, mechanism, key, bench.target, nothing, 0, room, &mut room_len))
            }
            Use::UnwrapAuthenticated => {
                call!(C_UnwrapKeyAuthenticated(s, mechanism, key, data, data_len, start, count, nothing, 0, &mut made))
            }
            Use::Derive => call!(C_DeriveKey(s, mechanism, key, start, count, &mut made)),
            Use::Encapsulate => {
                call!(C_EncapsulateKey(s, mechanism, key, start, count, room, &mut room_len, &mut made))
            }
            Use::Decapsulate => {
                call!(C_DecapsulateKey(s, mechanism, key, start, count, data, data_len, &mut made))
            }
            Use::Generate => call!(C_GenerateKey(s, mechanism, start, count, &mut made)),
            Use::GeneratePair => {
                call!(C_GenerateKeyPair(s, mechanism, start, count, ptr::null_mut(), 0, &mut made, &mut second))
            }
        });
        bench.session.cancel_all();
        for made in [made, second] {
            if made != 0 {
                bench.session.destroy(made).unwrap();
            }
        }
        outcome
    }
}
