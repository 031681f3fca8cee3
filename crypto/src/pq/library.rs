//! AWS-LC's key objects and their contexts, owned.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    EVP_PKEY, EVP_PKEY_CTX, EVP_PKEY_CTX_free, EVP_PKEY_CTX_new, EVP_PKEY_CTX_new_id, EVP_PKEY_free,
    EVP_PKEY_get_raw_private_key, EVP_PKEY_get_raw_public_key,
};

use crate::Error;
use crate::cipher::evp::clear_errors;

/// A key object. The library keeps it in ordinary memory and wipes it when it is freed.
pub(crate) struct Key(NonNull<EVP_PKEY>);

// SAFETY: the object is never changed after it is made; its reference count is atomic.
unsafe impl Send for Key {}
// SAFETY: as above.
unsafe impl Sync for Key {}

impl Key {
    /// Takes over what a call of the library made. `refused` is what null means.
    ///
    /// # Safety
    /// `object` is null or a key object that nobody else frees.
    pub(crate) unsafe fn take(object: *mut EVP_PKEY, refused: Error) -> Result<Key, Error> {
        match NonNull::new(object) {
            Some(object) => Ok(Key(object)),
            None => {
                clear_errors();
                Err(refused)
            }
        }
    }

    /// Writes the private key, which has exactly the length of `output`.
    pub(crate) fn raw_private(&self, output: &mut [u8]) -> Result<(), Error> {
        let mut len = output.len();
        // SAFETY: the library writes at most `len` bytes.
        let outcome = unsafe { EVP_PKEY_get_raw_private_key(self.as_ptr(), output.as_mut_ptr(), &mut len) };
        done(outcome, "EVP_PKEY_get_raw_private_key")?;
        if len == output.len() { Ok(()) } else { Err(Error::Library("EVP_PKEY_get_raw_private_key")) }
    }

    /// The public key, which has `len` bytes.
    pub(crate) fn raw_public(&self, len: usize) -> Result<Vec<u8>, Error> {
        let mut output = Vec::new();
        output.try_reserve_exact(len).map_err(|_| Error::Memory)?;
        output.resize(len, 0);
        let mut written = len;
        // SAFETY: the library writes at most `written` bytes.
        let outcome = unsafe { EVP_PKEY_get_raw_public_key(self.as_ptr(), output.as_mut_ptr(), &mut written) };
        done(outcome, "EVP_PKEY_get_raw_public_key")?;
        if written == len { Ok(output) } else { Err(Error::Library("EVP_PKEY_get_raw_public_key")) }
    }

    /// The object, for calls that do not change it.
    pub(crate) fn as_ptr(&self) -> *mut EVP_PKEY {
        self.0.as_ptr()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: owned and not used again.
        unsafe { EVP_PKEY_free(self.0.as_ptr()) };
    }
}

/// What one operation needs beside the key.
pub(crate) struct Context(NonNull<EVP_PKEY_CTX>);

impl Context {
    /// For an operation with `key`.
    pub(crate) fn for_key(key: &Key) -> Result<Context, Error> {
        // SAFETY: the key is alive; the context takes a reference of its own.
        Context::take(unsafe { EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut()) })
    }

    /// For making keys of a kind (`EVP_PKEY_KEM`).
    pub(crate) fn for_kind(kind: i32) -> Result<Context, Error> {
        // SAFETY: no pointer goes in but the engine, which may be null.
        Context::take(unsafe { EVP_PKEY_CTX_new_id(kind, ptr::null_mut()) })
    }

    fn take(context: *mut EVP_PKEY_CTX) -> Result<Context, Error> {
        // The kinds asked for exist, so that only a lack of memory makes the library return null.
        NonNull::new(context).map(Context).ok_or_else(|| {
            clear_errors();
            Error::Memory
        })
    }

    /// The context, for the calls of its operation.
    pub(crate) fn as_ptr(&self) -> *mut EVP_PKEY_CTX {
        self.0.as_ptr()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: owned and not used again.
        unsafe { EVP_PKEY_CTX_free(self.0.as_ptr()) };
    }
}

/// Turns the outcome of a call into a result.
pub(crate) fn done(outcome: i32, call: &'static str) -> Result<(), Error> {
    if outcome == 1 {
        return Ok(());
    }
    clear_errors();
    Err(Error::Library(call))
}
