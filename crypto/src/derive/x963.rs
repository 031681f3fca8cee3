//! Keys from the secret of a key agreement by hashing it with a counter: ANSI X9.63 and NIST SP 800-56C, which differ
//! in the place of the counter.

use aws_lc_sys::SSKDF_digest;
use zeroize::Zeroizing;

use super::{all_or_nothing, check_length, done, method};
use crate::Error;
use crate::hash::{Algorithm, Hash, OUTPUT_BYTES_MAX};

/// The key derivation of ANSI X9.63 (SEC 1 §3.6.1): the hash of secret, counter from 1 on and `info`, until `out` is
/// full. PKCS#11's CKD_SHA256_KDF and its likes.
///
/// # Errors
/// [`Error::KeyLength`] for more than 2^32 - 1 digests.
pub fn x963(hash: Algorithm, shared: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    check_length(out, hash.output_bytes(), u32::MAX)?;
    let mut started = Hash::new(hash);
    started.update(shared);
    let mut running = started.clone();
    let mut block = Zeroizing::new([0; OUTPUT_BYTES_MAX]);
    all_or_nothing(out, |out| {
        for (piece, counter) in out.chunks_mut(hash.output_bytes()).zip(1..=u32::MAX) {
            running.clone_from(&started);
            running.update(&counter.to_be_bytes());
            running.update(info);
            running.end(&mut *block)?;
            piece.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
        }
        Ok(())
    })
}

/// The one-step key derivation of NIST SP 800-56C §4 with a hash: the hash of counter from 1 on, secret and `info`,
/// until `out` is full. PKCS#11's CKD_SHA256_KDF_SP800 and its likes.
///
/// # Errors
/// [`Error::KeyLength`] for an output or a secret of no bytes or more than 2^30, [`Error::Parameter`] for an `info` of
/// more than 2^30 bytes: the library's limits.
pub fn sp800_56c(hash: Algorithm, shared: &[u8], info: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let method = method(hash)?;
    for length in [out.len(), shared.len()] {
        if length == 0 || length > INPUT_BYTES_MAX {
            return Err(Error::KeyLength { got: length });
        }
    }
    if info.len() > INPUT_BYTES_MAX {
        return Err(Error::Parameter("the shared info is too long"));
    }
    // SAFETY: every pointer is valid for the length beside it; the method is static.
    let status = unsafe {
        SSKDF_digest(out.as_mut_ptr(), out.len(), method, shared.as_ptr(), shared.len(), info.as_ptr(), info.len())
    };
    done(status, "SSKDF_digest")
}

const INPUT_BYTES_MAX: usize = 1 << 30;
