//! SHAKE128 and SHAKE256 (FIPS 202) over AWS-LC: what ML-DSA hashes with, and two of the functions messages are
//! prehashed with.
//!
//! The library keeps the state of a running one in memory it allocates. When there is none, the end of the message
//! says so.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    EVP_DigestFinalXOF, EVP_DigestInit_ex, EVP_DigestUpdate, EVP_MD, EVP_MD_CTX, EVP_MD_CTX_copy_ex, EVP_MD_CTX_free,
    EVP_MD_CTX_new, EVP_shake128, EVP_shake256,
};

use crate::Error;
use crate::cipher::evp::clear_errors;

/// A running SHAKE of 128 or 256 bits of strength. Wiped on drop.
pub(crate) struct Shake<const STRENGTH: usize> {
    /// None when a call failed, which only a lack of memory does.
    context: Option<Context>,
}

impl<const STRENGTH: usize> Shake<STRENGTH> {
    /// A message of nothing yet.
    pub(crate) fn new() -> Self {
        const { assert!(STRENGTH == 128 || STRENGTH == 256) };
        let mut shake = Shake { context: Context::new() };
        shake.reset();
        shake
    }

    /// Takes in the next piece of the message.
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.attempt(|context| {
            // SAFETY: a digest has begun in the context; the data is readable for its length.
            unsafe { EVP_DigestUpdate(context, data.as_ptr().cast(), data.len()) }
        });
    }

    /// Fills `output` and begins a new message. [`Error::Memory`] when there was no memory on the way.
    pub(crate) fn finish(&mut self, output: &mut [u8]) -> Result<(), Error> {
        self.attempt(|context| {
            // SAFETY: a digest has begun in the context; the output is writable for its length.
            unsafe { EVP_DigestFinalXOF(context, output.as_mut_ptr(), output.len()) }
        });
        let outcome = if self.context.is_some() { Ok(()) } else { Err(Error::Memory) };
        self.reset();
        outcome
    }

    /// Forgets the message and begins a new one.
    pub(crate) fn reset(&mut self) {
        self.context = self.context.take().or_else(Context::new);
        self.attempt(|context| {
            // SAFETY: the context is initialised and the function static.
            unsafe { EVP_DigestInit_ex(context, Self::function(), ptr::null_mut()) }
        });
    }

    fn function() -> *const EVP_MD {
        // SAFETY: no arguments; the result is static.
        unsafe { if STRENGTH == 128 { EVP_shake128() } else { EVP_shake256() } }
    }

    fn attempt(&mut self, call: impl FnOnce(*mut EVP_MD_CTX) -> i32) {
        if let Some(context) = &self.context
            && call(context.0.as_ptr()) != 1
        {
            clear_errors();
            self.context = None;
        }
    }
}

impl<const STRENGTH: usize> Clone for Shake<STRENGTH> {
    fn clone(&self) -> Self {
        let mut copy = Shake { context: self.context.as_ref().and_then(|_| Context::new()) };
        if let Some(source) = &self.context {
            copy.attempt(|context| {
                // SAFETY: both are initialised contexts; the copy allocates a state of its own.
                unsafe { EVP_MD_CTX_copy_ex(context, source.0.as_ptr()) }
            });
        }
        copy
    }
}

struct Context(NonNull<EVP_MD_CTX>);

// SAFETY: the context is owned, belongs to no thread, and is changed through `&mut` only.
unsafe impl Send for Context {}
// SAFETY: as above; copying reads the source.
unsafe impl Sync for Context {}

impl Context {
    fn new() -> Option<Context> {
        // SAFETY: no arguments; the result is owned or null.
        NonNull::new(unsafe { EVP_MD_CTX_new() }).map(Context)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: owned and not used again. The library wipes what it frees.
        unsafe { EVP_MD_CTX_free(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{Algorithm, Hash};
    use crate::memory::testing::hex;

    /// FIPS 202, the empty message (NIST's example values, cut to the length of a digest).
    #[test]
    fn the_empty_message() {
        let mut output = [0; 64];
        Shake::<128>::new().finish(&mut output[..32]).expect("memory");
        assert_eq!(output[..32], *hex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26"));
        Shake::<256>::new().finish(&mut output).expect("memory");
        assert_eq!(
            output,
            *hex("46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f
                  d75dc4ddd8c0f200cb05019d67b592f6fc821c49479ab48640292eacb3b7c4be")
        );
    }

    #[test]
    fn parts_clones_and_resets() {
        for algorithm in [Algorithm::Shake128, Algorithm::Shake256] {
            let message: Vec<u8> = (0..1000).map(|index| index as u8).collect();
            let mut expected = [0; 64];
            let needed = crate::hash::digest(algorithm, &message, &mut expected).expect("memory");
            assert_eq!(needed, algorithm.output_bytes());

            let mut hash = Hash::new(algorithm);
            assert_eq!(hash.algorithm(), algorithm);
            hash.update(&message[..137]);
            let mut copy = Hash::new(Algorithm::Sha256);
            copy.clone_from(&hash);
            let mut other = Hash::new(algorithm);
            other.clone_from(&hash);
            hash.update(&message[137..]);
            copy.update(&message[137..]);
            other.update(&message[137..]);
            for mut hash in [hash, copy, other] {
                let mut output = [0; 64];
                assert_eq!(hash.finish(&mut output[..needed - 1]), Err(Error::OutputTooSmall { needed }));
                assert_eq!(hash.finish(&mut output), Ok(needed));
                assert_eq!(output, expected);
                hash.update(b"something else");
                hash.reset();
                hash.update(&message);
                assert_eq!(hash.finish(&mut output), Ok(needed));
                assert_eq!(output, expected);
            }
        }
    }

    #[test]
    fn a_running_one_is_not_written_down() {
        let hash = Hash::new(Algorithm::Shake256);
        assert!(matches!(hash.export_state(), Err(Error::Parameter(_))));
        assert!(matches!(Hash::import_state(Algorithm::Shake256, &[0; 201]), Err(Error::Parameter(_))));
    }
}
