//! AES key wrap: RFC 3394 (NIST SP 800-38F KW) and, with padding, RFC 5649 (KWP).
//!
//! What is unwrapped is authentic or it is not given: a wrong integrity value is [`Error::Authentication`] and leaves
//! nothing of the decryption in the output.

use std::ptr;

use aws_lc_sys::{
    AES_KEY, AES_decrypt, AES_encrypt, AES_set_decrypt_key, AES_set_encrypt_key, AES_unwrap_key, AES_unwrap_key_padded,
    AES_wrap_key, AES_wrap_key_padded,
};
use zeroize::Zeroizing;

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::{SecretBox, SecretBytes, constant_time_eq, wipe};

/// An AES key made ready to wrap and unwrap.
pub struct Key {
    encrypt: SecretBox<AES_KEY>,
    decrypt: SecretBox<AES_KEY>,
}

impl Key {
    /// Prepares a key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub fn new(bytes: &[u8]) -> Result<Key, Error> {
        if !matches!(bytes.len(), 16 | 24 | 32) {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let mut encrypt = SecretBox::<AES_KEY>::new_zeroed()?;
        let mut decrypt = SecretBox::<AES_KEY>::new_zeroed()?;
        let bits = bytes.len() as u32 * 8;
        // SAFETY: `bytes` holds the bits announced and both schedules are writable.
        let status = unsafe {
            AES_set_encrypt_key(bytes.as_ptr(), bits, &mut *encrypt)
                | AES_set_decrypt_key(bytes.as_ptr(), bits, &mut *decrypt)
        };
        if status != 0 {
            clear_errors();
            return Err(Error::Library("AES_set_encrypt_key"));
        }
        Ok(Key { encrypt, decrypt })
    }

    /// Wraps `data`, 16 bytes or more in whole multiples of 8 (RFC 3394 §2.2.1), and returns the bytes written: 8 more
    /// than `data` has. Without an `iv` it is the RFC's default of §2.2.3.1.
    ///
    /// # Errors
    /// [`Error::DataLength`], [`Error::OutputTooSmall`].
    pub fn wrap(&self, iv: Option<[u8; 8]>, data: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        if data.len() < 2 * SEMIBLOCK_BYTES
            || !data.len().is_multiple_of(SEMIBLOCK_BYTES)
            || data.len() > DATA_BYTES_MAX
        {
            return Err(Error::DataLength);
        }
        let out = room(out, data.len() + SEMIBLOCK_BYTES)?;
        let iv = iv.as_ref().map_or(ptr::null(), |iv| iv.as_ptr());
        // SAFETY: the IV is null or 8 bytes; the output takes the data and 8 bytes more; the schedule encrypts.
        let written = unsafe { AES_wrap_key(&*self.encrypt, iv, out.as_mut_ptr(), data.as_ptr(), data.len()) };
        if written < 0 {
            clear_errors();
            return Err(Error::Library("AES_wrap_key"));
        }
        Ok(out.len())
    }

    /// Unwraps what [`wrap`](Key::wrap) made with the same `iv` (RFC 3394 §2.2.2) and returns the bytes written: 8
    /// fewer than `wrapped` has.
    ///
    /// # Errors
    /// [`Error::CiphertextLength`] below 24 bytes or for a length that is no multiple of 8, [`Error::OutputTooSmall`],
    /// [`Error::Authentication`].
    pub fn unwrap(&self, iv: Option<[u8; 8]>, wrapped: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let data_bytes = unwrapped_bytes(wrapped, 2 * SEMIBLOCK_BYTES)?;
        let out = room(out, data_bytes)?;
        self.unwrap_whole(iv.as_ref(), wrapped, out)?;
        Ok(data_bytes)
    }

    /// Wraps `data` of any length from 1 byte on with padding (RFC 5649 §4.1) and returns the bytes written: `data`
    /// filled up to a multiple of 8, and 8 more. Without an `iv` the first half of the alternative initial value is
    /// the RFC's constant of §3; PKCS#11 lets the caller choose another (CKM_AES_KEY_WRAP_KWP).
    ///
    /// # Errors
    /// [`Error::DataLength`], [`Error::OutputTooSmall`], [`Error::Memory`].
    pub fn wrap_padded(&self, iv: Option<[u8; 4]>, data: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        if data.is_empty() || data.len() > DATA_BYTES_MAX {
            return Err(Error::DataLength);
        }
        let padded_bytes = data.len().next_multiple_of(SEMIBLOCK_BYTES);
        let out = room(out, padded_bytes + SEMIBLOCK_BYTES)?;
        if let Some(iv) = iv {
            let mut padded = SecretBytes::zeroed(padded_bytes)?;
            let (start, _) = padded.expose_mut().split_at_mut(data.len());
            start.copy_from_slice(data);
            let iv = initial_value(iv, data.len());
            return match padded_bytes {
                SEMIBLOCK_BYTES => self.wrap_block(iv, padded.expose(), out),
                _ => self.wrap(Some(iv), padded.expose(), out),
            };
        }
        let mut written = 0;
        // SAFETY: both buffers are passed with their own lengths; the schedule encrypts.
        let done = unsafe {
            AES_wrap_key_padded(&*self.encrypt, out.as_mut_ptr(), &mut written, out.len(), data.as_ptr(), data.len())
        };
        if done != 1 || written != out.len() {
            clear_errors();
            return Err(Error::Memory);
        }
        Ok(written)
    }

    /// Unwraps what [`wrap_padded`](Key::wrap_padded) made with the same `iv` (RFC 5649 §4.2) and returns the bytes
    /// written. 8 bytes fewer than `wrapped` has are always room enough.
    ///
    /// # Errors
    /// [`Error::CiphertextLength`] below 16 bytes or for a length that is no multiple of 8, [`Error::Authentication`],
    /// [`Error::OutputTooSmall`] (only for what is authentic), [`Error::Memory`].
    pub fn unwrap_padded(&self, iv: Option<[u8; 4]>, wrapped: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let mut padded = SecretBytes::zeroed(unwrapped_bytes(wrapped, SEMIBLOCK_BYTES)?)?;
        let data_bytes = match iv {
            Some(iv) => self.unwrap_alternative(iv, wrapped, padded.expose_mut())?,
            None => self.unwrap_default(wrapped, padded.expose_mut())?,
        };
        let data = padded.expose().get(..data_bytes).ok_or(Error::Authentication)?;
        room(out, data_bytes)?.copy_from_slice(data);
        Ok(data_bytes)
    }

    fn unwrap_whole(&self, iv: Option<&[u8; 8]>, wrapped: &[u8], out: &mut [u8]) -> Result<(), Error> {
        debug_assert_eq!(out.len() + SEMIBLOCK_BYTES, wrapped.len());
        let iv = iv.map_or(ptr::null(), |iv| iv.as_ptr());
        // SAFETY: the IV is null or 8 bytes; the output takes 8 bytes fewer than the input has; the schedule decrypts.
        let written = unsafe { AES_unwrap_key(&*self.decrypt, iv, out.as_mut_ptr(), wrapped.as_ptr(), wrapped.len()) };
        if written < 0 {
            clear_errors();
            wipe(out);
            return Err(Error::Authentication);
        }
        Ok(())
    }

    fn unwrap_default(&self, wrapped: &[u8], padded: &mut [u8]) -> Result<usize, Error> {
        let mut data_bytes = 0;
        // SAFETY: both buffers are passed with their own lengths; the schedule decrypts.
        let done = unsafe {
            AES_unwrap_key_padded(
                &*self.decrypt,
                padded.as_mut_ptr(),
                &mut data_bytes,
                padded.len(),
                wrapped.as_ptr(),
                wrapped.len(),
            )
        };
        if done != 1 {
            clear_errors();
            return Err(Error::Authentication);
        }
        Ok(data_bytes)
    }

    // The library compares the initial value as a whole, and the length in it is not known: there are at most eight.
    fn unwrap_alternative(&self, iv: [u8; 4], wrapped: &[u8], padded: &mut [u8]) -> Result<usize, Error> {
        let longest = padded.len();
        for data_bytes in (longest - SEMIBLOCK_BYTES + 1..=longest).rev() {
            let iv = initial_value(iv, data_bytes);
            let outcome = match longest {
                SEMIBLOCK_BYTES => self.unwrap_block(iv, wrapped, padded),
                _ => self.unwrap_whole(Some(&iv), wrapped, padded),
            };
            if outcome.is_ok() {
                let padding = padded.iter().skip(data_bytes).fold(0, |bits, byte| bits | byte);
                return if padding == 0 { Ok(data_bytes) } else { Err(Error::Authentication) };
            }
        }
        Err(Error::Authentication)
    }

    // Up to 8 bytes are one block with their initial value (RFC 5649 §4.1).
    fn wrap_block(&self, iv: [u8; 8], padded: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        let (start, end) = block.split_at_mut(SEMIBLOCK_BYTES);
        start.copy_from_slice(&iv);
        end.copy_from_slice(padded);
        let out = room(out, BLOCK_BYTES)?;
        // SAFETY: both are one block; the schedule encrypts.
        unsafe { AES_encrypt(block.as_ptr(), out.as_mut_ptr(), &*self.encrypt) };
        Ok(out.len())
    }

    fn unwrap_block(&self, iv: [u8; 8], wrapped: &[u8], padded: &mut [u8]) -> Result<(), Error> {
        let wrapped = wrapped.first_chunk::<BLOCK_BYTES>().ok_or(Error::CiphertextLength)?;
        let mut block = Zeroizing::new([0; BLOCK_BYTES]);
        // SAFETY: both are one block; the schedule decrypts.
        unsafe { AES_decrypt(wrapped.as_ptr(), block.as_mut_ptr(), &*self.decrypt) };
        let (start, end) = block.split_at(SEMIBLOCK_BYTES);
        if !constant_time_eq(start, &iv) {
            return Err(Error::Authentication);
        }
        padded.copy_from_slice(end);
        Ok(())
    }
}

fn room(out: &mut [u8], needed: usize) -> Result<&mut [u8], Error> {
    out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })
}

fn unwrapped_bytes(wrapped: &[u8], shortest: usize) -> Result<usize, Error> {
    match wrapped.len().checked_sub(SEMIBLOCK_BYTES) {
        Some(bytes) if bytes >= shortest && bytes.is_multiple_of(SEMIBLOCK_BYTES) && bytes <= DATA_BYTES_MAX => {
            Ok(bytes)
        }
        _ => Err(Error::CiphertextLength),
    }
}

// RFC 5649 §3: a constant and the length in bytes, big-endian. `DATA_BYTES_MAX` keeps the length within 32 bits.
fn initial_value(constant: [u8; 4], data_bytes: usize) -> [u8; 8] {
    (u64::from(u32::from_be_bytes(constant)) << 32 | data_bytes as u64).to_be_bytes()
}

const SEMIBLOCK_BYTES: usize = 8;
const BLOCK_BYTES: usize = 16;

// The library's lengths are C ints, and the result is 8 bytes longer: a multiple of 8.
const DATA_BYTES_MAX: usize = i32::MAX as usize / SEMIBLOCK_BYTES * SEMIBLOCK_BYTES - SEMIBLOCK_BYTES;
