//! DES and Triple DES keys, their parity and their weak values.

use aws_lc_sys::{
    DES_cblock, DES_ecb_encrypt, DES_ecb3_encrypt, DES_ede3_cbc_encrypt, DES_is_weak_key, DES_key_schedule,
    DES_ncbc_encrypt, DES_set_key_unchecked, DES_set_odd_parity,
};

use super::Direction;
use crate::Error;
use crate::memory::{Plain, SecretBox, wipe};

/// A prepared DES key (8 bytes), two-key (16) or three-key (24) Triple DES key.
pub struct Key {
    schedules: SecretBox<[DES_key_schedule; 3]>,
    single: bool,
}

// SAFETY: arrays of words.
unsafe impl Plain for [DES_key_schedule; 3] {}

impl Key {
    /// Prepares a key of 8, 16 or 24 bytes; parity bits are ignored.
    ///
    /// # Errors
    /// [`Error::KeyLength`], [`Error::Memory`].
    pub(crate) fn new(bytes: &[u8]) -> Result<Key, Error> {
        let [first, second, third] = match bytes.len() {
            8 => [0, 0, 0],
            16 => [0, 8, 0],
            24 => [0, 8, 16],
            got => return Err(Error::KeyLength { got }),
        };
        let mut schedules = SecretBox::<[DES_key_schedule; 3]>::new_zeroed()?;
        for (schedule, start) in schedules.iter_mut().zip([first, second, third]) {
            let mut part = block(&bytes[start..start + BLOCK_BYTES]);
            // SAFETY: the key block is readable and the schedule writable.
            unsafe { DES_set_key_unchecked(&part, schedule) };
            wipe(&mut part.bytes);
        }
        Ok(Key { schedules, single: bytes.len() == 8 })
    }

    /// Whole blocks in electronic codebook mode.
    pub(crate) fn ecb(&self, direction: Direction, input: &[u8], output: &mut [u8]) {
        debug_assert_eq!(input.len() % BLOCK_BYTES, 0);
        debug_assert_eq!(input.len(), output.len());
        let encrypt = i32::from(direction == Direction::Encrypt);
        let [one, two, three] = &*self.schedules;
        for (from, to) in input.chunks_exact(BLOCK_BYTES).zip(output.chunks_exact_mut(BLOCK_BYTES)) {
            let from = from.as_ptr().cast::<DES_cblock>();
            let to = to.as_mut_ptr().cast::<DES_cblock>();
            // SAFETY: both chunks are one block, and a DES block is eight plain bytes.
            unsafe {
                if self.single {
                    DES_ecb_encrypt(from, to, one, encrypt);
                } else {
                    DES_ecb3_encrypt(from, to, one, two, three, encrypt);
                }
            }
        }
    }

    /// Whole blocks in cipher block chaining mode; `iv` becomes the last ciphertext block.
    pub(crate) fn cbc(&self, direction: Direction, iv: &mut [u8; BLOCK_BYTES], input: &[u8], output: &mut [u8]) {
        debug_assert_eq!(input.len() % BLOCK_BYTES, 0);
        debug_assert_eq!(input.len(), output.len());
        let encrypt = i32::from(direction == Direction::Encrypt);
        let [one, two, three] = &*self.schedules;
        let iv = iv.as_mut_ptr().cast::<DES_cblock>();
        let (from, to, len) = (input.as_ptr(), output.as_mut_ptr(), input.len());
        // SAFETY: both buffers hold `input.len()` bytes, whole blocks, and the IV one block.
        unsafe {
            if self.single {
                DES_ncbc_encrypt(from, to, len, one, iv, encrypt);
            } else {
                DES_ede3_cbc_encrypt(from, to, len, one, two, three, iv, encrypt);
            }
        }
    }
}

/// Sets the low bit of each byte so that every byte has an odd number of ones (FIPS 46-3; PKCS#11 wants it of
/// generated DES keys).
pub fn odd_parity(key: &mut [u8]) {
    for part in key.chunks_exact_mut(BLOCK_BYTES) {
        // SAFETY: the chunk is one key block of eight plain bytes.
        unsafe { DES_set_odd_parity(part.as_mut_ptr().cast::<DES_cblock>()) };
    }
}

/// Whether every byte has an odd number of ones.
pub fn has_odd_parity(key: &[u8]) -> bool {
    key.iter().fold(1, |odd, byte| odd & byte.count_ones()) & 1 == 1
}

/// Whether one of the 8-byte parts is a weak or semi-weak DES key (NIST SP 800-67r2 §3.3.2), whatever its parity.
pub fn is_weak(key: &[u8]) -> bool {
    let mut weak = false;
    for part in key.chunks_exact(BLOCK_BYTES) {
        let mut part = block(part);
        // SAFETY: both calls see one key block.
        weak |= unsafe {
            DES_set_odd_parity(&mut part);
            DES_is_weak_key(&part) != 0
        };
        wipe(&mut part.bytes);
    }
    weak
}

fn block(bytes: &[u8]) -> DES_cblock {
    let mut block = DES_cblock { bytes: [0; BLOCK_BYTES] };
    block.bytes.copy_from_slice(bytes);
    block
}

pub(super) const BLOCK_BYTES: usize = 8;
