//! AES keys: schedules for AWS-LC, and beside them the `aes` crate where its wide vector code is faster.

use std::mem::MaybeUninit;
use std::sync::OnceLock;

use ::aes::cipher::consts::U16;
use ::aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aws_lc_sys::{
    AES_KEY, AES_cbc_encrypt, AES_cfb1_encrypt, AES_cfb8_encrypt, AES_cfb128_encrypt, AES_ctr128_encrypt, AES_decrypt,
    AES_encrypt, AES_ofb128_encrypt, AES_set_decrypt_key, AES_set_encrypt_key, EVP_AEAD, EVP_CIPHER,
    EVP_aead_aes_128_gcm, EVP_aead_aes_192_gcm, EVP_aead_aes_256_gcm, EVP_aes_128_ccm, EVP_aes_128_gcm,
    EVP_aes_192_ccm, EVP_aes_192_gcm, EVP_aes_256_ccm, EVP_aes_256_gcm,
};

use super::Direction;
use super::evp::AeadContext;
use crate::Error;
use crate::memory::{Plain, SecretBox, SecretBytes};

/// A prepared AES key. What only some modes need is built when the first of them asks.
pub struct Key {
    raw: SecretBytes,
    encrypt: SecretBox<AES_KEY>,
    decrypt: OnceLock<SecretBox<AES_KEY>>,
    bulk: OnceLock<Bulk>,
    gcm: OnceLock<AeadContext>,
}

impl Key {
    /// Prepares a key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub(crate) fn new(bytes: &[u8]) -> Result<Key, Error> {
        if !matches!(bytes.len(), 16 | 24 | 32) {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let mut encrypt = SecretBox::<AES_KEY>::new_zeroed()?;
        // SAFETY: `bytes` holds the bits announced and the schedule is writable.
        let status = unsafe { AES_set_encrypt_key(bytes.as_ptr(), key_bits(bytes), &mut *encrypt) };
        if status != 0 {
            return Err(Error::Library("AES_set_encrypt_key"));
        }
        Ok(Key {
            raw: SecretBytes::from_slice(bytes)?,
            encrypt,
            decrypt: OnceLock::new(),
            bulk: OnceLock::new(),
            gcm: OnceLock::new(),
        })
    }

    /// The key's own bytes, for library contexts that want to schedule it themselves.
    pub(crate) fn raw(&self) -> &[u8] {
        self.raw.expose()
    }

    /// Whole blocks in electronic codebook mode.
    pub(crate) fn ecb(&self, direction: Direction, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        debug_assert_eq!(input.len() % BLOCK_BYTES, 0);
        debug_assert_eq!(input.len(), output.len());
        if input.len() >= ECB_BULK_BYTES_MIN {
            match direction {
                Direction::Encrypt => self.bulk()?.encrypt_blocks(input, output),
                Direction::Decrypt => self.bulk()?.decrypt_blocks(input, output),
            }
            return Ok(());
        }
        let schedule = self.schedule(direction)?;
        for (from, to) in input.chunks_exact(BLOCK_BYTES).zip(output.chunks_exact_mut(BLOCK_BYTES)) {
            // SAFETY: both chunks are one block; the schedule matches the direction.
            unsafe {
                match direction {
                    Direction::Encrypt => AES_encrypt(from.as_ptr(), to.as_mut_ptr(), schedule),
                    Direction::Decrypt => AES_decrypt(from.as_ptr(), to.as_mut_ptr(), schedule),
                }
            }
        }
        Ok(())
    }

    /// Whole blocks in cipher block chaining mode; `iv` becomes the last ciphertext block.
    pub(crate) fn cbc(
        &self,
        direction: Direction,
        iv: &mut [u8; BLOCK_BYTES],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error> {
        debug_assert_eq!(input.len() % BLOCK_BYTES, 0);
        debug_assert_eq!(input.len(), output.len());
        if direction == Direction::Decrypt && input.len() >= CBC_BULK_BYTES_MIN {
            self.bulk()?.cbc_decrypt(iv, input, output);
            return Ok(());
        }
        let schedule = self.schedule(direction)?;
        let encrypt = i32::from(direction == Direction::Encrypt);
        // SAFETY: both buffers hold `input.len()` bytes, whole blocks; the schedule matches the direction.
        unsafe {
            AES_cbc_encrypt(input.as_ptr(), output.as_mut_ptr(), input.len(), schedule, iv.as_mut_ptr(), encrypt);
        }
        Ok(())
    }

    /// Counter mode from the middle of a block on; counts all 128 bits, the caller sees to narrower counters.
    pub(super) fn ctr(&self, counter: &mut Counter, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        debug_assert!(output.len() >= input.len());
        // SAFETY: both buffers hold `input.len()` bytes; the counter's parts are one block each and `used` below 16.
        unsafe {
            AES_ctr128_encrypt(
                input.as_ptr(),
                output.as_mut_ptr(),
                input.len(),
                &*self.encrypt,
                counter.block.as_mut_ptr(),
                counter.keystream.as_mut_ptr(),
                &mut counter.used,
            );
        }
        Ok(())
    }

    /// Output and cipher feedback from the middle of a block on.
    pub(super) fn feedback(&self, shift: Shift, register: &mut Register, input: &[u8], output: &mut [u8]) {
        debug_assert!(output.len() >= input.len());
        let encrypt = i32::from(register.direction == Direction::Encrypt);
        let (from, to) = (input.as_ptr(), output.as_mut_ptr());
        let (len, key) = (input.len(), &*self.encrypt as *const AES_KEY);
        let (iv, used) = (register.iv.as_mut_ptr(), &mut register.used);
        // SAFETY: both buffers hold `input.len()` bytes; the register is one block and `used` below 16. CFB1 counts
        // bits: the caller keeps `input.len()` below an eighth of the address space.
        unsafe {
            match shift {
                Shift::Output => AES_ofb128_encrypt(from, to, len, key, iv, used),
                Shift::Bit => AES_cfb1_encrypt(from, to, len * 8, key, iv, used, encrypt),
                Shift::Byte => AES_cfb8_encrypt(from, to, len, key, iv, used, encrypt),
                Shift::Block => AES_cfb128_encrypt(from, to, len, key, iv, used, encrypt),
            }
        }
    }

    /// The shared GCM context with full tags.
    pub(super) fn gcm(&self) -> Result<&AeadContext, Error> {
        if let Some(context) = self.gcm.get() {
            return Ok(context);
        }
        // SAFETY: returns a pointer to a static method table.
        let method: *const EVP_AEAD = unsafe {
            match self.raw().len() {
                16 => EVP_aead_aes_128_gcm(),
                24 => EVP_aead_aes_192_gcm(),
                _ => EVP_aead_aes_256_gcm(),
            }
        };
        let context = AeadContext::new(method, self.raw())?;
        Ok(self.gcm.get_or_init(|| context))
    }

    /// The library's GCM for contexts that run in parts.
    pub(crate) fn gcm_method(&self) -> *const EVP_CIPHER {
        // SAFETY: returns a pointer to a static method table.
        unsafe {
            match self.raw().len() {
                16 => EVP_aes_128_gcm(),
                24 => EVP_aes_192_gcm(),
                _ => EVP_aes_256_gcm(),
            }
        }
    }

    /// The library's CCM.
    pub(super) fn ccm_method(&self) -> *const EVP_CIPHER {
        // SAFETY: returns a pointer to a static method table.
        unsafe {
            match self.raw().len() {
                16 => EVP_aes_128_ccm(),
                24 => EVP_aes_192_ccm(),
                _ => EVP_aes_256_ccm(),
            }
        }
    }

    fn schedule(&self, direction: Direction) -> Result<*const AES_KEY, Error> {
        match direction {
            Direction::Encrypt => Ok(&*self.encrypt),
            Direction::Decrypt => self.decrypt_schedule(),
        }
    }

    fn decrypt_schedule(&self) -> Result<*const AES_KEY, Error> {
        if let Some(schedule) = self.decrypt.get() {
            return Ok(&**schedule);
        }
        let mut schedule = SecretBox::<AES_KEY>::new_zeroed()?;
        // SAFETY: the raw key holds the bits announced and the schedule is writable.
        let status = unsafe { AES_set_decrypt_key(self.raw().as_ptr(), key_bits(self.raw()), &mut *schedule) };
        if status != 0 {
            return Err(Error::Library("AES_set_decrypt_key"));
        }
        Ok(&**self.decrypt.get_or_init(|| schedule))
    }

    fn bulk(&self) -> Result<&Bulk, Error> {
        if let Some(bulk) = self.bulk.get() {
            return Ok(bulk);
        }
        let bulk = Bulk::new(self.raw())?;
        Ok(self.bulk.get_or_init(|| bulk))
    }
}

/// The state of counter mode.
pub(super) struct Counter {
    pub(super) block: [u8; BLOCK_BYTES],
    pub(super) keystream: [u8; BLOCK_BYTES],
    pub(super) used: u32,
}

/// The state of the feedback modes.
pub(super) struct Register {
    pub(super) iv: [u8; BLOCK_BYTES],
    pub(super) used: i32,
    pub(super) direction: Direction,
}

/// What a feedback mode shifts in at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// OFB: the cipher's own output block.
    Output,
    /// CFB1.
    Bit,
    /// CFB8.
    Byte,
    /// CFB128.
    Block,
}

/// The same key in the `aes` crate, for long runs of independent blocks.
pub(super) struct Bulk {
    ciphers: SecretBox<MaybeUninit<Ciphers>>,
}

// SAFETY: plain round keys; any bytes do for a value that is not assumed to be initialised.
unsafe impl Plain for MaybeUninit<Ciphers> {}

impl Bulk {
    /// Prepares a key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub(super) fn new(bytes: &[u8]) -> Result<Bulk, Error> {
        let refused = |_| Error::KeyLength { got: bytes.len() };
        let mut ciphers = SecretBox::<MaybeUninit<Ciphers>>::new_zeroed()?;
        ciphers.write(match bytes.len() {
            16 => Ciphers::Aes128(::aes::Aes128::new_from_slice(bytes).map_err(refused)?),
            24 => Ciphers::Aes192(::aes::Aes192::new_from_slice(bytes).map_err(refused)?),
            _ => Ciphers::Aes256(::aes::Aes256::new_from_slice(bytes).map_err(refused)?),
        });
        Ok(Bulk { ciphers })
    }

    pub(super) fn encrypt_blocks(&self, input: &[u8], output: &mut [u8]) {
        match self.ciphers() {
            Ciphers::Aes128(cipher) => encrypt_blocks(cipher, input, output),
            Ciphers::Aes192(cipher) => encrypt_blocks(cipher, input, output),
            Ciphers::Aes256(cipher) => encrypt_blocks(cipher, input, output),
        }
    }

    pub(super) fn decrypt_blocks(&self, input: &[u8], output: &mut [u8]) {
        match self.ciphers() {
            Ciphers::Aes128(cipher) => decrypt_blocks(cipher, input, output),
            Ciphers::Aes192(cipher) => decrypt_blocks(cipher, input, output),
            Ciphers::Aes256(cipher) => decrypt_blocks(cipher, input, output),
        }
    }

    fn ciphers(&self) -> &Ciphers {
        // SAFETY: `new` wrote the value before anyone could see it.
        unsafe { self.ciphers.assume_init_ref() }
    }

    pub(super) fn cbc_decrypt(&self, iv: &mut [u8; BLOCK_BYTES], input: &[u8], output: &mut [u8]) {
        let mut previous: &[u8] = &*iv;
        for (from, to) in input.chunks(RUN_BYTES).zip(output.chunks_mut(RUN_BYTES)) {
            self.decrypt_blocks(from, to);
            let (first, rest) = to.split_at_mut(BLOCK_BYTES);
            xor(first, previous);
            let (chain, last) = from.split_at(from.len() - BLOCK_BYTES);
            xor(rest, chain);
            previous = last;
        }
        let mut last = [0; BLOCK_BYTES];
        last.copy_from_slice(previous);
        *iv = last;
    }
}

// Its drop is never run: the secret memory around it is wiped as a whole.
enum Ciphers {
    Aes128(::aes::Aes128),
    Aes192(::aes::Aes192),
    Aes256(::aes::Aes256),
}

/// XORs `mask` into `data`, byte by byte; both have one length.
pub(super) fn xor(data: &mut [u8], mask: &[u8]) {
    for (byte, mask) in data.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

fn encrypt_blocks<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, input: &[u8], output: &mut [u8]) {
    let (from, _) = Array::<u8, U16>::slice_as_chunks(input);
    let (to, _) = Array::<u8, U16>::slice_as_chunks_mut(output);
    let done = cipher.encrypt_blocks_b2b(from, to);
    debug_assert!(done.is_ok());
}

fn decrypt_blocks<C: BlockCipherDecrypt<BlockSize = U16>>(cipher: &C, input: &[u8], output: &mut [u8]) {
    let (from, _) = Array::<u8, U16>::slice_as_chunks(input);
    let (to, _) = Array::<u8, U16>::slice_as_chunks_mut(output);
    let done = cipher.decrypt_blocks_b2b(from, to);
    debug_assert!(done.is_ok());
}

fn key_bits(bytes: &[u8]) -> u32 {
    bytes.len() as u32 * 8
}

pub(super) const BLOCK_BYTES: usize = 16;
// Where the `aes` crate overtakes the calls of AWS-LC: measured on x86-64 with VAES, fat LTO.
const ECB_BULK_BYTES_MIN: usize = 32;
const CBC_BULK_BYTES_MIN: usize = 1024;
// One run of the bulk loops stays in the first-level cache.
const RUN_BYTES: usize = 1024;
