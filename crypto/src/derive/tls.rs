//! The pseudo-random functions of TLS 1.0 to 1.2.

use aws_lc_sys::{CRYPTO_tls1_prf, EVP_MD, EVP_md5_sha1};

use super::{done, method};
use crate::Error;
use crate::hash::Algorithm;

/// The PRF of TLS 1.2 (RFC 5246 §5): fills `out`. The parts of the seed are taken as one.
///
/// # Errors
/// [`Error::Memory`].
pub fn tls12_prf(hash: Algorithm, secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
    run(method(hash)?, secret, label, seed, out)
}

/// The PRF of TLS 1.0 and 1.1 (RFC 2246 §5), with MD5 over one half of the secret and SHA-1 over the other: fills
/// `out`. The parts of the seed are taken as one.
///
/// # Errors
/// [`Error::Memory`].
pub fn tls10_prf(secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
    // SAFETY: returns a static.
    run(unsafe { EVP_md5_sha1() }, secret, label, seed, out)
}

fn run(method: *const EVP_MD, secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
    // The library takes two parts. More have to be joined; they are public, as every seed.
    let joined;
    let (first, second): (&[u8], &[u8]) = match seed {
        [] => (&[], &[]),
        [first] => (first, &[]),
        [first, second] => (first, second),
        [first, rest @ ..] => {
            joined = join(rest)?;
            (first, &joined)
        }
    };
    // SAFETY: every pointer is valid for the length beside it; the method is static.
    let status = unsafe {
        CRYPTO_tls1_prf(
            method,
            out.as_mut_ptr(),
            out.len(),
            secret.as_ptr(),
            secret.len(),
            label.as_ptr().cast(),
            label.len(),
            first.as_ptr(),
            first.len(),
            second.as_ptr(),
            second.len(),
        )
    };
    done(status, "CRYPTO_tls1_prf")
}

fn join(parts: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let mut joined = Vec::new();
    for part in parts {
        joined.try_reserve(part.len()).map_err(|_| Error::Memory)?;
        joined.extend_from_slice(part);
    }
    Ok(joined)
}
