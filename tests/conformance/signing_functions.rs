//! Signatures in the newer ways: verified with the signature first (PKCS#11 3.2 §5.15), and message by message (§5.14
//! and §5.16); validation flags (§5.6.12) and asynchronous functions (§5.20), of which there are none.
//!
//! The ways stand for each kind of mechanism: MACs, RSA, ECDSA, EdDSA, ML-DSA, SLH-DSA.

mod by_message;
mod signature_first;

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::pairs::{Pair, ec_pair, ed25519_pair, pair_of_set, rsa_pair, with_context};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::usable_key;
use crate::session::{NOTHING, Session};
use crate::template::number;

/// A mechanism and the keys it works with.
struct Way {
    mechanism: Mechanism,
    keys: Pair,
}

impl Way {
    fn id(&self) -> CK_MECHANISM_TYPE {
        self.mechanism.id
    }
}

/// The ways of key pairs, all of which take 32 bytes of data.
fn pair_ways(session: Session) -> Vec<Way> {
    let (rsa, ec) = (rsa_pair(session, &[]), ec_pair(session, &[]));
    let ml_dsa = pair_of_set(session, CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44);
    let slh_dsa = pair_of_set(session, CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F);
    let pss = Parameter::Pss { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, salt_len: 32 };
    [
        (plain(CKM_SHA256_RSA_PKCS), rsa),
        (Mechanism { id: CKM_SHA256_RSA_PKCS_PSS, parameter: pss.clone() }, rsa),
        (Mechanism { id: CKM_RSA_PKCS_PSS, parameter: pss }, rsa),
        (plain(CKM_ECDSA), ec),
        (plain(CKM_ECDSA_SHA256), ec),
        (plain(CKM_EDDSA), ed25519_pair(session, &[])),
        (plain(CKM_ML_DSA), ml_dsa),
        (with_context(CKM_HASH_ML_DSA_SHA512, CKH_HEDGE_REQUIRED, b"context"), ml_dsa),
        (plain(CKM_SLH_DSA), slh_dsa),
        (with_context(CKM_HASH_SLH_DSA_SHAKE128, CKH_DETERMINISTIC_REQUIRED, b"context"), slh_dsa),
    ]
    .map(|(mechanism, keys)| Way { mechanism, keys })
    .into()
}

/// The ways of MACs and those of RSA that take no messages.
fn more_ways(session: Session) -> Vec<Way> {
    let secret = |key_type| {
        let key = session.create(&usable_key(key_type, 0)).unwrap();
        Pair { public: key, private: key }
    };
    [
        (plain(CKM_SHA256_HMAC), secret(CKK_GENERIC_SECRET)),
        (Mechanism { id: CKM_SHA512_HMAC_GENERAL, parameter: Parameter::MacLength(20) }, secret(CKK_GENERIC_SECRET)),
        (plain(CKM_AES_CMAC), secret(CKK_AES)),
        (plain(CKM_RSA_PKCS), rsa_pair(session, &[])),
    ]
    .map(|(mechanism, keys)| Way { mechanism, keys })
    .into()
}

const DATA: &[u8; 32] = b"thirty-two bytes that are signed";

#[test]
fn nobody_validated_anything() {
    let token = Token::new();
    let session = token.user();
    let mut flags = 0xa5;
    call!(C_GetSessionValidationFlags(session.0, CKS_LAST_VALIDATION_OK, &mut flags)).unwrap();
    assert_eq!(flags, 0);
    // Not even after an operation.
    let way = &more_ways(session)[0];
    session.sign(&way.mechanism, way.keys.private, DATA).unwrap();
    flags = 0xa5;
    call!(C_GetSessionValidationFlags(session.0, CKS_LAST_VALIDATION_OK, &mut flags)).unwrap();
    assert_eq!(flags, 0);
    assert_eq!(session.find(&[number(CKA_CLASS, CKO_VALIDATION)]), NOTHING);
    let own = [number(CKA_CLASS, CKO_VALIDATION), number(CKA_VALIDATION_TYPE, CKV_TYPE_SOFTWARE)];
    assert_eq!(session.find(&own), NOTHING);
    assert_eq!(session.create(&own), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    for kind in [0, 2, CK_ULONG::MAX] {
        flags = 0xa5;
        let outcome = call!(C_GetSessionValidationFlags(session.0, kind, &mut flags));
        assert_eq!((outcome, flags), (refused(CKR_ARGUMENTS_BAD), 0xa5), "{kind}");
    }
    let outcome = call!(C_GetSessionValidationFlags(session.0, CKS_LAST_VALIDATION_OK, ptr::null_mut()));
    assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD));
    let outcome = call!(C_GetSessionValidationFlags(0, CKS_LAST_VALIDATION_OK, &mut flags));
    assert_eq!(outcome, refused(CKR_SESSION_HANDLE_INVALID));
}

#[test]
fn no_function_is_asynchronous() {
    let token = Token::new();
    assert_eq!(token.open(CKF_ASYNC_SESSION), refused(CKR_SESSION_ASYNC_NOT_SUPPORTED));
    assert_eq!(token.open(CKF_ASYNC_SESSION | CKF_RW_SESSION), refused(CKR_SESSION_ASYNC_NOT_SUPPORTED));
    assert_eq!(token.info().flags & CKF_ASYNC_SESSION_SUPPORTED, 0);
    let session = token.user();
    let mut name = *b"C_Sign\0";
    let (mut id, mut byte) = (0, 0);
    let mut result = CK_ASYNC_DATA::default();
    for (session, code) in [(session.0, CKR_FUNCTION_NOT_SUPPORTED), (0, CKR_SESSION_HANDLE_INVALID)] {
        let outcome = call!(C_AsyncComplete(session, name.as_mut_ptr(), &mut result));
        assert_eq!(outcome, refused(code));
        assert_eq!(call!(C_AsyncGetID(session, name.as_mut_ptr(), &mut id)), refused(code));
        assert_eq!(call!(C_AsyncJoin(session, name.as_mut_ptr(), 1, &mut byte, 1)), refused(code));
    }
}
