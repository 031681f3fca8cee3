//! ChaCha20 keys and the bare stream. With Poly1305 it runs in `authenticated`.

use std::sync::OnceLock;

use aws_lc_sys::{CRYPTO_chacha_20, EVP_CIPHER, EVP_aead_chacha20_poly1305, EVP_chacha20_poly1305};

use super::aes::xor;
use super::evp::AeadContext;
use super::operation::{Operation, room};
use crate::Error;
use crate::memory::{SecretBytes, wipe};

/// A prepared ChaCha20 key.
pub struct Key {
    raw: SecretBytes,
    poly1305: OnceLock<AeadContext>,
}

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Result<Key, Error> {
        if bytes.len() != KEY_BYTES {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        Ok(Key { raw: SecretBytes::from_slice(bytes)?, poly1305: OnceLock::new() })
    }

    pub(super) fn raw(&self) -> &[u8] {
        self.raw.expose()
    }

    /// The shared ChaCha20-Poly1305 context.
    pub(super) fn poly1305(&self) -> Result<&AeadContext, Error> {
        if let Some(context) = self.poly1305.get() {
            return Ok(context);
        }
        // SAFETY: returns a pointer to a static method table.
        let context = AeadContext::new(unsafe { EVP_aead_chacha20_poly1305() }, self.raw())?;
        Ok(self.poly1305.get_or_init(|| context))
    }

    /// The library's ChaCha20-Poly1305 for contexts that run in parts.
    pub(super) fn poly1305_method(&self) -> *const EVP_CIPHER {
        // SAFETY: returns a pointer to a static method table.
        unsafe { EVP_chacha20_poly1305() }
    }
}

/// A running ChaCha20 stream.
///
/// The library counts blocks in 32 bits beside a nonce of 12 bytes. The form with a 64-bit counter keeps the counter's
/// high half in the first four of those bytes (the words are neighbours in the cipher's state), and takes one call per
/// 2^32 blocks.
pub(super) struct Stream {
    counter: u64,
    nonce: [u8; NONCE_BYTES],
    left_bytes: u128,
    keystream: [u8; BLOCK_BYTES],
    used: usize,
}

impl Stream {
    pub(super) fn new(key: &super::Key, counter: u64, counter_bits: u32, nonce: &[u8]) -> Result<Stream, Error> {
        chacha20_key(key)?;
        let mut whole = [0; NONCE_BYTES];
        let last = match (counter_bits, nonce.len()) {
            (32, NONCE_BYTES) => u64::from(u32::MAX),
            (64, LONG_COUNTER_NONCE_BYTES) => u64::MAX,
            _ => return Err(Error::Parameter("a 12-byte nonce with a 32-bit counter, or 8 bytes with 64 bits")),
        };
        whole[NONCE_BYTES - nonce.len()..].copy_from_slice(nonce);
        let blocks = last.checked_sub(counter).ok_or(Error::Parameter("the counter has 32 bits"))?;
        let left_bytes = (u128::from(blocks) + 1) * BLOCK_BYTES as u128;
        Ok(Stream { counter, nonce: whole, left_bytes, keystream: [0; BLOCK_BYTES], used: BLOCK_BYTES })
    }

    // Whole blocks from the running counter on; the caller has checked that they are there.
    fn blocks(&mut self, key: &Key, input: &[u8], output: &mut [u8]) {
        let (mut input, mut output) = (input, output);
        while !input.is_empty() {
            let low = self.counter as u32;
            let before_carry = (u64::from(u32::MAX - low) + 1) * BLOCK_BYTES as u64;
            let len = input.len().min(usize::try_from(before_carry).unwrap_or(usize::MAX));
            let (from, input_left) = input.split_at(len);
            let (to, output_left) = output.split_at_mut(len);
            let mut nonce = self.nonce;
            if self.counter > u64::from(u32::MAX) {
                nonce[..4].copy_from_slice(&((self.counter >> 32) as u32).to_le_bytes());
            }
            // SAFETY: both buffers hold `len` bytes; the key has 32 bytes and the nonce 12.
            unsafe {
                CRYPTO_chacha_20(to.as_mut_ptr(), from.as_ptr(), len, key.raw().as_ptr(), nonce.as_ptr(), low);
            }
            self.counter = self.counter.wrapping_add(len.div_ceil(BLOCK_BYTES) as u64);
            (input, output) = (input_left, output_left);
        }
    }

    fn pass(&mut self, key: &Key, input: &[u8], output: &mut [u8]) {
        let (begun, rest) = input.split_at(input.len().min(BLOCK_BYTES - self.used));
        let (out_begun, out_rest) = output.split_at_mut(begun.len());
        out_begun.copy_from_slice(begun);
        xor(out_begun, &self.keystream[self.used..]);
        self.used += begun.len();

        let whole = rest.len() / BLOCK_BYTES * BLOCK_BYTES;
        let (from, last) = rest.split_at(whole);
        let (to, out_last) = out_rest.split_at_mut(whole);
        self.blocks(key, from, to);
        if !last.is_empty() {
            let mut keystream = [0; BLOCK_BYTES];
            self.blocks(key, &[0; BLOCK_BYTES], &mut keystream);
            out_last.copy_from_slice(last);
            xor(out_last, &keystream);
            self.keystream = keystream;
            wipe(&mut keystream);
            self.used = last.len();
        }
    }
}

impl Operation for Stream {
    fn update_len(&self, input: usize) -> usize {
        input
    }

    fn finish_len(&self) -> usize {
        0
    }

    fn one_shot_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, key: &super::Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let key = chacha20_key(key)?;
        let left = self.left_bytes.checked_sub(input.len() as u128).ok_or(Error::DataLength)?;
        room(output, input.len())?;
        self.pass(key, input, &mut output[..input.len()]);
        self.left_bytes = left;
        Ok(input.len())
    }

    fn finish(&mut self, _: &super::Key, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }

    fn one_shot(&mut self, key: &super::Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        self.update(key, input, output)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        wipe(&mut self.keystream);
    }
}

fn chacha20_key(key: &super::Key) -> Result<&Key, Error> {
    match key {
        super::Key::ChaCha20(key) => Ok(key),
        _ => Err(Error::Parameter("the mode needs a ChaCha20 key")),
    }
}

const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 64;
const NONCE_BYTES: usize = 12;
const LONG_COUNTER_NONCE_BYTES: usize = 8;
