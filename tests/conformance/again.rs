//! One signature after another with the same key: each has its own data and parameter, and what became of the key
//! between two of them counts.

use cryptoki_sys::*;

use crate::module::{Outcome, Token, refused};
use crate::parameters::{Mechanism, plain, with_iv};
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, lend, number};

/// A pair of session objects.
pub(crate) fn pair(session: Session, mechanism: CK_MECHANISM_TYPE, public: &[Entry]) -> (u64, u64) {
    let (mut first, mut second) = (0, 0);
    let private = [flag(CKA_SIGN, true)];
    plain(mechanism)
        .lend(|mechanism| {
            lend(public, |public, public_count| {
                lend(&private, |private, private_count| {
                    call!(C_GenerateKeyPair(
                        session.0,
                        mechanism,
                        public,
                        public_count,
                        private,
                        private_count,
                        &mut first,
                        &mut second
                    ))
                })
            })
        })
        .unwrap();
    (first, second)
}

fn p256(session: Session) -> (u64, u64) {
    let params = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    pair(session, CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, params), flag(CKA_VERIFY, true)])
}

fn sign(session: Session, mechanism: &Mechanism, key: u64, data: &[u8]) -> Outcome<Vec<u8>> {
    session.begin(Work::Sign, mechanism, key)?;
    let (mut signature, mut len) = ([0; 512], 512);
    session.whole_raw(Work::Sign, (start(data), data.len() as CK_ULONG, signature.as_mut_ptr(), &mut len))?;
    Ok(signature[..len as usize].to_vec())
}

fn verify(session: Session, mechanism: &Mechanism, key: u64, data: &[u8], signature: &[u8]) -> Outcome {
    mechanism.lend(|mechanism| call!(C_VerifyInit(session.0, mechanism, key)))?;
    let (len, signature_len) = (data.len() as CK_ULONG, signature.len() as CK_ULONG);
    call!(C_Verify(session.0, start(data), len, start(signature), signature_len))
}

fn start(bytes: &[u8]) -> *mut u8 {
    bytes.as_ptr().cast_mut()
}

/// `CK_RSA_PKCS_PSS_PARAMS` with SHA-256.
fn pss(salt_bytes: CK_ULONG) -> Mechanism {
    let words = [CKM_SHA256, CKG_MGF1_SHA256, salt_bytes];
    with_iv(CKM_RSA_PKCS_PSS, &words.map(CK_ULONG::to_ne_bytes).concat())
}

#[test]
fn each_signature_is_of_its_own_data() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = p256(session);
    let mechanism = plain(CKM_ECDSA_SHA256);
    let first = sign(session, &mechanism, private, b"first").unwrap();
    session.begin(Work::Sign, &mechanism, private).unwrap();
    session.update(Work::Sign, b"sec").unwrap();
    session.update(Work::Sign, b"ond").unwrap();
    let second = session.finish(Work::Sign).unwrap();
    let third = sign(session, &mechanism, private, b"third").unwrap();
    let signed: [(&[u8], _); 3] = [(b"first", &first), (b"second", &second), (b"third", &third)];
    for (data, _) in signed {
        for (other, signature) in signed {
            let expected = if data == other { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) };
            assert_eq!(verify(session, &mechanism, public, data, signature), expected);
        }
    }
}

#[test]
fn each_signature_has_its_own_parameter() {
    let token = Token::new();
    let session = token.user();
    let (public, private) =
        pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, &[number(CKA_MODULUS_BITS, 2048), flag(CKA_VERIFY, true)]);
    let digest = [7; 32];
    for salt_bytes in [32, 0, 32, 20] {
        let signature = sign(session, &pss(salt_bytes), private, &digest).unwrap();
        for other in [0, 20, 32] {
            let expected = if other == salt_bytes { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) };
            assert_eq!(verify(session, &pss(other), public, &digest, &signature), expected);
        }
        // 256 bytes hold the digest, two bytes more and 222 of salt.
        assert_eq!(sign(session, &pss(223), private, &digest), refused(CKR_MECHANISM_PARAM_INVALID));
        assert_eq!(session.whole(Work::Sign, &digest), refused(CKR_OPERATION_NOT_INITIALIZED));
    }
    // The same key with another mechanism, and with this one again.
    assert_eq!(sign(session, &plain(CKM_RSA_PKCS), private, &digest).unwrap().len(), 256);
    let signature = sign(session, &pss(32), private, &digest).unwrap();
    assert_eq!(verify(session, &pss(32), public, &digest, &signature), Ok(()));
}

#[test]
fn what_became_of_the_key_since_the_last_signature_counts() {
    let token = Token::new();
    let session = token.user();
    let mechanism = plain(CKM_ECDSA);
    let digest = [7; 32];

    let (_, private) = p256(session);
    sign(session, &mechanism, private, &digest).unwrap();
    session.set(private, &[flag(CKA_SIGN, false)]).unwrap();
    assert_eq!(sign(session, &mechanism, private, &digest), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    session.set(private, &[flag(CKA_SIGN, true)]).unwrap();
    sign(session, &mechanism, private, &digest).unwrap();
    session.destroy(private).unwrap();
    assert_eq!(sign(session, &mechanism, private, &digest), refused(CKR_KEY_HANDLE_INVALID));

    let (public, private) = p256(session);
    let signature = sign(session, &mechanism, private, &digest).unwrap();
    verify(session, &mechanism, public, &digest, &signature).unwrap();
    session.logout().unwrap();
    // A private session object ends with the login (§5.6.10).
    assert_eq!(sign(session, &mechanism, private, &digest), refused(CKR_KEY_HANDLE_INVALID));
    verify(session, &mechanism, public, &digest, &signature).unwrap();
}
