//! PBKDF2 (RFC 8018 §5.2).

use aws_lc_sys::PKCS5_PBKDF2_HMAC;

use super::{check_length, done, method};
use crate::Error;
use crate::hash::Algorithm;

/// PBKDF2 with HMAC (RFC 8018 §5.2): fills `out`.
///
/// # Errors
/// [`Error::Parameter`] for no iterations, [`Error::KeyLength`] for more than 2^32 - 1 digests.
pub fn pbkdf2(hash: Algorithm, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) -> Result<(), Error> {
    let method = method(hash)?;
    check_length(out, hash.output_bytes(), u32::MAX)?;
    if iterations == 0 {
        return Err(Error::Parameter("PBKDF2 has at least one iteration"));
    }
    // SAFETY: every pointer is valid for the length beside it.
    let status = unsafe {
        PKCS5_PBKDF2_HMAC(
            password.as_ptr().cast(),
            password.len(),
            salt.as_ptr(),
            salt.len(),
            iterations,
            method,
            out.len(),
            out.as_mut_ptr(),
        )
    };
    done(status, "PKCS5_PBKDF2_HMAC")
}
