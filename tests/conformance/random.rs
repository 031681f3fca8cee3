//! Random numbers (§5.21).

use std::ptr;

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::session::Session;

fn random(session: Session, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len + 16];
    call!(C_GenerateRandom(session.0, bytes.as_mut_ptr(), len as CK_ULONG)).unwrap();
    assert_eq!(bytes[len..], [0; 16], "written beyond the end");
    bytes.truncate(len);
    bytes
}

#[test]
fn random_bytes_fill_the_buffer_and_differ() {
    let token = Token::new();
    let session = token.read_only();
    assert_ne!(token.info().flags & CKF_RNG, 0);
    for len in [0, 1, 15, 16, 17, 1000, 65_537, 1 << 20] {
        let bytes = random(session, len);
        if len >= 16 {
            assert_ne!(bytes, random(session, len));
        }
        if len >= 65_537 {
            // Each value about equally often: within six standard deviations.
            let mut counts = [0f64; 256];
            for byte in &bytes {
                counts[*byte as usize] += 1.0;
            }
            let mean = len as f64 / 256.0;
            assert!(counts.iter().all(|count| (count - mean).abs() < 6.0 * mean.sqrt()), "{len}");
        }
    }
}

#[test]
fn a_seed_is_taken_and_does_not_decide() {
    let token = Token::new();
    let session = token.read_write();
    let mut outputs = std::collections::HashSet::new();
    for _ in 0..10 {
        let mut seed = *b"the same seed each time";
        call!(C_SeedRandom(session.0, seed.as_mut_ptr(), 23)).unwrap();
        assert!(outputs.insert(random(session, 32)), "the seed decided the output");
    }
    call!(C_SeedRandom(session.0, ptr::null_mut(), 0)).unwrap();
}

#[test]
fn arguments() {
    let token = Token::new();
    let session = token.read_write();
    let mut byte = 0;
    for len in [1, 1 << 63, !0] {
        assert_eq!(call!(C_GenerateRandom(session.0, ptr::null_mut(), len)), refused(CKR_ARGUMENTS_BAD));
        assert_eq!(call!(C_SeedRandom(session.0, ptr::null_mut(), len)), refused(CKR_ARGUMENTS_BAD));
    }
    assert_eq!(call!(C_GenerateRandom(session.0, &mut byte, !0)), refused(CKR_ARGUMENTS_BAD));
    assert_eq!(call!(C_GenerateRandom(0, &mut byte, 1)), refused(CKR_SESSION_HANDLE_INVALID));
    // An operation in progress is no hindrance.
    session.begin(crate::session::Work::Digest, &crate::parameters::plain(CKM_SHA256), 0).unwrap();
    random(session, 8);
    assert!(session.is_active(crate::session::Work::Digest));
}
