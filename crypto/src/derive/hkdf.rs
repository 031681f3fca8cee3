//! HKDF (RFC 5869), its two steps apart, as PKCS#11's CKM_HKDF_DERIVE takes them.

use aws_lc_sys::{HKDF_expand, HKDF_extract};

use super::{check_length, done, method};
use crate::Error;
use crate::hash::Algorithm;
use crate::memory::SecretBytes;

/// HKDF-Extract (RFC 5869 §2.2): a pseudo-random key as long as the hash's digest. No salt is an empty salt, which is
/// the same as one of zeros.
///
/// # Errors
/// [`Error::Memory`].
pub fn hkdf_extract(hash: Algorithm, salt: &[u8], ikm: &[u8]) -> Result<SecretBytes, Error> {
    let method = method(hash)?;
    let mut prk = SecretBytes::zeroed(hash.output_bytes())?;
    let mut written = 0;
    // SAFETY: the output takes the hash's digest; the other buffers are readable for their lengths.
    let status = unsafe {
        HKDF_extract(
            prk.expose_mut().as_mut_ptr(),
            &mut written,
            method,
            ikm.as_ptr(),
            ikm.len(),
            salt.as_ptr(),
            salt.len(),
        )
    };
    done(status, "HKDF_extract")?;
    Ok(prk)
}

/// HKDF-Expand (RFC 5869 §2.3): fills `out`. The key should be as long as the hash's digest; PKCS#11 gives whatever
/// base key there is.
///
/// # Errors
/// [`Error::KeyLength`] for more than 255 digests.
pub fn hkdf_expand(hash: Algorithm, prk: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let method = method(hash)?;
    check_length(out, hash.output_bytes(), BLOCKS_MAX)?;
    // SAFETY: every pointer is valid for the length beside it.
    let status =
        unsafe { HKDF_expand(out.as_mut_ptr(), out.len(), method, prk.as_ptr(), prk.len(), info.as_ptr(), info.len()) };
    done(status, "HKDF_expand")
}

const BLOCKS_MAX: u32 = 255;
