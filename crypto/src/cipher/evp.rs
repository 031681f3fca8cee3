//! AWS-LC's cipher contexts, owned.

use std::ptr;

use aws_lc_sys::{
    ERR_clear_error, EVP_AEAD, EVP_AEAD_CTX, EVP_AEAD_CTX_cleanup, EVP_AEAD_CTX_init, EVP_AEAD_CTX_open_gather,
    EVP_AEAD_CTX_seal_scatter, EVP_CIPHER, EVP_CIPHER_CTX, EVP_CIPHER_CTX_ctrl, EVP_CIPHER_CTX_free,
    EVP_CIPHER_CTX_new, EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_IVLEN, EVP_CTRL_AEAD_SET_TAG, EVP_CipherFinal_ex,
    EVP_CipherInit_ex, EVP_CipherUpdate,
};

use super::Direction;
use crate::Error;
use crate::memory::{Plain, SecretBox};

/// A one-call authenticated cipher with its key: shared, never changed after it is made. Its tags are 16 bytes.
pub(crate) struct AeadContext {
    context: SecretBox<EVP_AEAD_CTX>,
}

// SAFETY: null pointers, a union of bytes and two counts; cleaning up the algorithms used here frees nothing.
unsafe impl Plain for EVP_AEAD_CTX {}

// SAFETY: sealing and opening take the context by const pointer and only read it; the pointer inside leads to a static
// method table.
unsafe impl Send for AeadContext {}
// SAFETY: as above.
unsafe impl Sync for AeadContext {}

impl AeadContext {
    /// A context for `key`, whose length fits `method`.
    pub(crate) fn new(method: *const EVP_AEAD, key: &[u8]) -> Result<AeadContext, Error> {
        let mut context = SecretBox::<EVP_AEAD_CTX>::new_zeroed()?;
        // SAFETY: a zeroed context is what init expects; the method is static; the key is readable for its length.
        let done = unsafe {
            EVP_AEAD_CTX_init(&mut *context, method, key.as_ptr(), key.len(), TAG_BYTES_MAX, ptr::null_mut())
        };
        if done != 1 { Err(failed("EVP_AEAD_CTX_init")) } else { Ok(AeadContext { context }) }
    }

    /// Encrypts `input` into as many bytes of `output` and writes the tag, cut to `tag`'s length.
    ///
    /// # Errors
    /// [`Error::DataLength`] when the data is too long for the algorithm.
    pub(crate) fn seal(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        output: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Error> {
        debug_assert!(output.len() >= input.len() && tag.len() <= TAG_BYTES_MAX);
        let mut full = [0; TAG_BYTES_MAX];
        let whole = tag.len() == TAG_BYTES_MAX;
        let tag_start = if whole { tag.as_mut_ptr() } else { full.as_mut_ptr() };
        let mut tag_len = 0;
        // SAFETY: every buffer is passed with its own length; the tag's place takes the context's 16 bytes.
        let done = unsafe {
            EVP_AEAD_CTX_seal_scatter(
                &*self.context,
                output.as_mut_ptr(),
                tag_start,
                &mut tag_len,
                TAG_BYTES_MAX,
                nonce.as_ptr(),
                nonce.len(),
                input.as_ptr(),
                input.len(),
                ptr::null(),
                0,
                aad.as_ptr(),
                aad.len(),
            )
        };
        if done != 1 {
            clear_errors();
            return Err(Error::DataLength);
        }
        if !whole {
            tag.copy_from_slice(&full[..tag.len()]);
        }
        Ok(())
    }

    /// Decrypts `input` into as many bytes of `output` and checks the 16-byte tag; wipes `output` if it is wrong.
    ///
    /// # Errors
    /// [`Error::Authentication`].
    pub(crate) fn open(
        &self,
        nonce: &[u8],
        aad: &[u8],
        input: &[u8],
        tag: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error> {
        debug_assert!(output.len() >= input.len() && tag.len() == TAG_BYTES_MAX);
        // SAFETY: every buffer is passed with its own length.
        let done = unsafe {
            EVP_AEAD_CTX_open_gather(
                &*self.context,
                output.as_mut_ptr(),
                nonce.as_ptr(),
                nonce.len(),
                input.as_ptr(),
                input.len(),
                tag.as_ptr(),
                tag.len(),
                aad.as_ptr(),
                aad.len(),
            )
        };
        if done != 1 {
            clear_errors();
            return Err(Error::Authentication);
        }
        Ok(())
    }
}

impl Drop for AeadContext {
    fn drop(&mut self) {
        // SAFETY: the context was initialised and is not used again. Wiped to zero (a forked child), it is a no-op.
        unsafe { EVP_AEAD_CTX_cleanup(&mut *self.context) };
    }
}

/// A running authenticated cipher with its key, for data in parts and for what [`AeadContext`] does not offer.
///
/// Any error leaves the context unusable: drop it.
pub(crate) struct CipherContext {
    context: ptr::NonNull<EVP_CIPHER_CTX>,
}

// SAFETY: the context owns all it points to, bound to no thread.
unsafe impl Send for CipherContext {}
// SAFETY: every method that calls the library takes the context by unique reference.
unsafe impl Sync for CipherContext {}

impl CipherContext {
    /// A context for `key`, whose length fits `method`. Set the nonce before use.
    pub(crate) fn new(method: *const EVP_CIPHER, key: &[u8], direction: Direction) -> Result<CipherContext, Error> {
        // SAFETY: takes nothing, gives an owned context or null.
        let context = ptr::NonNull::new(unsafe { EVP_CIPHER_CTX_new() }).ok_or_else(|| {
            clear_errors();
            Error::Memory
        })?;
        let mut made = CipherContext { context };
        made.init(method, key.as_ptr(), ptr::null(), i32::from(direction == Direction::Encrypt))?;
        Ok(made)
    }

    /// Begins an operation with a nonce of any length the cipher takes.
    pub(crate) fn begin(&mut self, nonce: &[u8]) -> Result<(), Error> {
        self.control(EVP_CTRL_AEAD_SET_IVLEN, nonce.len(), ptr::null_mut())?;
        self.init(ptr::null(), ptr::null(), nonce.as_ptr(), KEEP_DIRECTION)
    }

    /// Begins an XTS data unit.
    pub(crate) fn begin_unit(&mut self, tweak: &[u8; 16]) -> Result<(), Error> {
        self.init(ptr::null(), ptr::null(), tweak.as_ptr(), KEEP_DIRECTION)
    }

    /// Begins a CCM operation: tag length, and on decryption the tag itself, come before the nonce.
    pub(crate) fn begin_ccm(&mut self, nonce: &[u8], tag_bytes: usize, tag: Option<&[u8]>) -> Result<(), Error> {
        debug_assert!(tag.is_none_or(|tag| tag.len() == tag_bytes));
        let tag = tag.map_or(ptr::null_mut(), |tag| tag.as_ptr().cast_mut().cast());
        self.control(EVP_CTRL_AEAD_SET_IVLEN, nonce.len(), ptr::null_mut())?;
        self.control(EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag)?;
        self.init(ptr::null(), ptr::null(), nonce.as_ptr(), KEEP_DIRECTION)
    }

    /// Announces the data's length, which CCM wants first.
    pub(crate) fn announce(&mut self, data_bytes: usize) -> Result<(), Error> {
        let data_bytes = i32::try_from(data_bytes).map_err(|_| Error::DataLength)?;
        let mut written = 0;
        // SAFETY: without buffers the call only takes note of the length.
        let done =
            unsafe { EVP_CipherUpdate(self.context.as_ptr(), ptr::null_mut(), &mut written, ptr::null(), data_bytes) };
        if done == 1 { Ok(()) } else { Err(failed("EVP_CipherUpdate")) }
    }

    /// Authenticates data without encrypting it. CCM takes it in one call below 2^31 bytes.
    pub(crate) fn authenticate(&mut self, aad: &[u8]) -> Result<(), Error> {
        for part in aad.chunks(PART_BYTES_MAX) {
            let mut written = 0;
            // SAFETY: the part is readable for its length, which fits a C int.
            let done = unsafe {
                EVP_CipherUpdate(self.context.as_ptr(), ptr::null_mut(), &mut written, part.as_ptr(), part.len() as i32)
            };
            if done != 1 {
                return Err(failed("EVP_CipherUpdate"));
            }
        }
        Ok(())
    }

    /// Encrypts or decrypts `input` into as many bytes of `output`.
    ///
    /// # Errors
    /// [`Error::DataLength`] when the data is too long for the algorithm.
    pub(crate) fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        for (from, to) in input.chunks(PART_BYTES_MAX).zip(output[..input.len()].chunks_mut(PART_BYTES_MAX)) {
            if !self.update_part(from, to) {
                return Err(Error::DataLength);
            }
        }
        Ok(())
    }

    /// CCM's single call over all the data, empty data included; on decryption it also checks the tag.
    pub(crate) fn update_ccm(&mut self, input: &[u8], output: &mut [u8]) -> bool {
        debug_assert!(input.len() <= i32::MAX as usize);
        self.update_part(input, output)
    }

    /// Ends the operation; on decryption says whether the tag was right.
    pub(crate) fn finish(&mut self) -> bool {
        let (mut none, mut written) = ([0; TAG_BYTES_MAX], 0);
        // SAFETY: authenticated ciphers write nothing at the end; the buffer would take a block.
        let done = unsafe { EVP_CipherFinal_ex(self.context.as_ptr(), none.as_mut_ptr(), &mut written) };
        if done != 1 {
            clear_errors();
        }
        done == 1
    }

    /// The tag of an encryption that has ended, cut to `tag`'s length.
    pub(crate) fn tag(&mut self, tag: &mut [u8]) -> Result<(), Error> {
        self.control(EVP_CTRL_AEAD_GET_TAG, tag.len(), tag.as_mut_ptr().cast())
    }

    /// The tag a decryption is to check.
    pub(crate) fn expect_tag(&mut self, tag: &[u8]) -> Result<(), Error> {
        self.control(EVP_CTRL_AEAD_SET_TAG, tag.len(), tag.as_ptr().cast_mut().cast())
    }

    fn update_part(&mut self, input: &[u8], output: &mut [u8]) -> bool {
        debug_assert!(output.len() >= input.len());
        let mut written = 0;
        // SAFETY: both buffers hold `input.len()` bytes, which fits a C int; these ciphers write as many as they read.
        let done = unsafe {
            EVP_CipherUpdate(
                self.context.as_ptr(),
                output.as_mut_ptr(),
                &mut written,
                input.as_ptr(),
                input.len() as i32,
            )
        };
        if done != 1 {
            clear_errors();
        }
        done == 1
    }

    fn init(
        &mut self,
        method: *const EVP_CIPHER,
        key: *const u8,
        nonce: *const u8,
        direction: i32,
    ) -> Result<(), Error> {
        // SAFETY: a null method, key or nonce keeps what is set; others are readable for the lengths the context has.
        let done = unsafe { EVP_CipherInit_ex(self.context.as_ptr(), method, ptr::null_mut(), key, nonce, direction) };
        if done == 1 { Ok(()) } else { Err(failed("EVP_CipherInit_ex")) }
    }

    fn control(&mut self, command: i32, size: usize, pointer: *mut libc::c_void) -> Result<(), Error> {
        let size = i32::try_from(size).map_err(|_| Error::Parameter("too long"))?;
        // SAFETY: each command reads or writes `size` bytes at `pointer` or, where null, takes only the size.
        let done = unsafe { EVP_CIPHER_CTX_ctrl(self.context.as_ptr(), command, size, pointer) };
        if done == 1 { Ok(()) } else { Err(failed("EVP_CIPHER_CTX_ctrl")) }
    }
}

impl Drop for CipherContext {
    fn drop(&mut self) {
        // SAFETY: the context is owned and not used again; the library wipes it.
        unsafe { EVP_CIPHER_CTX_free(self.context.as_ptr()) };
    }
}

/// Empties the thread's error queue, so that a refusal of ours never confuses a later diagnosis.
pub(crate) fn clear_errors() {
    // SAFETY: touches only the calling thread's queue.
    unsafe { ERR_clear_error() };
}

fn failed(call: &'static str) -> Error {
    clear_errors();
    Error::Library(call)
}

pub(crate) const TAG_BYTES_MAX: usize = 16;
// What one call takes: lengths are C ints. A multiple of every block size.
const PART_BYTES_MAX: usize = 1 << 30;
const KEEP_DIRECTION: i32 = -1;
