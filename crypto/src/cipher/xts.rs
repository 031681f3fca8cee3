//! AES-XTS (IEEE 1619-2018, NIST SP 800-38E) over one data unit.
//!
//! AWS-LC has XTS for AES-256 only, and for a data unit in one piece: that is the path for such. AES-128, and data
//! units in parts, are XTS over the block calls of the `aes` crate, in runs of many blocks.

use aws_lc_sys::EVP_aes_256_xts;
use zeroize::Zeroize;

use super::Direction;
use super::aes::{self, BLOCK_BYTES, Bulk, xor};
use super::evp::CipherContext;
use super::operation::{Operation, room};
use super::tail::Tail;
use crate::Error;
use crate::memory::{SecretBytes, constant_time_eq, wipe};

/// A prepared AES-XTS key.
pub struct Key {
    raw: SecretBytes,
    data: Bulk,
    tweak: aes::Key,
}

impl Key {
    pub(super) fn new(bytes: &[u8]) -> Result<Key, Error> {
        if !matches!(bytes.len(), 32 | 64) {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let (data, tweak) = bytes.split_at(bytes.len() / 2);
        if constant_time_eq(data, tweak) {
            return Err(Error::KeyValue("the halves of an XTS key are equal"));
        }
        Ok(Key { raw: SecretBytes::from_slice(bytes)?, data: Bulk::new(data)?, tweak: aes::Key::new(tweak)? })
    }

    // The library's XTS takes AES-256 only.
    fn library_context(&self, direction: Direction) -> Result<Option<CipherContext>, Error> {
        if self.raw.len() != LIBRARY_KEY_BYTES {
            return Ok(None);
        }
        // SAFETY: returns a pointer to a static method table.
        CipherContext::new(unsafe { EVP_aes_256_xts() }, self.raw.expose(), direction).map(Some)
    }

    fn first_tweak(&self, value: &[u8; BLOCK_BYTES]) -> Result<Tweak, Error> {
        let mut block = [0; BLOCK_BYTES];
        self.tweak.ecb(Direction::Encrypt, value, &mut block)?;
        Ok(Tweak(u128::from_le_bytes(block)))
    }

    // Whole blocks, each under the next tweak.
    fn blocks(&self, direction: Direction, tweak: &mut Tweak, input: &[u8], output: &mut [u8]) {
        let mut masks = [0; RUN_BYTES];
        let mut masked = [0; RUN_BYTES];
        let used = input.len().min(RUN_BYTES);
        for (from, to) in input.chunks(RUN_BYTES).zip(output.chunks_mut(RUN_BYTES)) {
            let (masks, masked) = (&mut masks[..from.len()], &mut masked[..from.len()]);
            for mask in masks.chunks_exact_mut(BLOCK_BYTES) {
                mask.copy_from_slice(&tweak.0.to_le_bytes());
                tweak.step();
            }
            masked.copy_from_slice(from);
            xor(masked, masks);
            match direction {
                Direction::Encrypt => self.data.encrypt_blocks(masked, to),
                Direction::Decrypt => self.data.decrypt_blocks(masked, to),
            }
            xor(to, masks);
        }
        wipe(&mut masked[..used]);
        wipe(&mut masks[..used]);
    }

    // The end of the data unit: one block, or one and a part, whose ciphertexts change places.
    fn end(&self, direction: Direction, tweak: &mut Tweak, rest: &[u8], output: &mut [u8]) {
        let (first, part) = rest.split_at(BLOCK_BYTES);
        if part.is_empty() {
            self.blocks(direction, tweak, first, output);
            return;
        }
        let mut next = Tweak(tweak.0);
        next.step();
        // Decryption meets the last block first, and with it the last tweak.
        let (now, then) = match direction {
            Direction::Encrypt => (tweak, &mut next),
            Direction::Decrypt => (&mut next, tweak),
        };
        let (mut crossed, mut joined) = ([0; BLOCK_BYTES], [0; BLOCK_BYTES]);
        self.blocks(direction, now, first, &mut crossed);
        joined[..part.len()].copy_from_slice(part);
        joined[part.len()..].copy_from_slice(&crossed[part.len()..]);
        let (whole, short) = output.split_at_mut(BLOCK_BYTES);
        self.blocks(direction, then, &joined, whole);
        short.copy_from_slice(&crossed[..part.len()]);
        wipe(&mut crossed);
        wipe(&mut joined);
    }
}

/// A running data unit.
pub(super) struct DataUnit {
    direction: Direction,
    value: [u8; BLOCK_BYTES],
    library: Option<CipherContext>,
    // Set by the first part.
    tweak: Option<Tweak>,
    seen_bytes: usize,
    tail: Tail,
}

impl DataUnit {
    pub(super) fn new(key: &super::Key, value: &[u8; BLOCK_BYTES], direction: Direction) -> Result<DataUnit, Error> {
        let library = xts_key(key)?.library_context(direction)?;
        Ok(DataUnit { direction, value: *value, library, tweak: None, seen_bytes: 0, tail: Tail::new() })
    }

    pub(super) fn begin(&mut self, key: &super::Key, value: &[u8; BLOCK_BYTES]) -> Result<(), Error> {
        if self.library.is_none() {
            self.library = xts_key(key)?.library_context(self.direction)?;
        }
        self.value = *value;
        self.tweak = None;
        self.seen_bytes = 0;
        self.tail.clear();
        Ok(())
    }

    // At least one whole block stays back: it may have to lend to a part of one.
    fn ready(total: usize) -> usize {
        (total / BLOCK_BYTES).saturating_sub(1) * BLOCK_BYTES
    }

    fn check_len(&self, total: usize) -> Result<(), Error> {
        if total > DATA_UNIT_BYTES_MAX { Err(self.refusal()) } else { Ok(()) }
    }

    fn refusal(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLength,
            Direction::Decrypt => Error::CiphertextLength,
        }
    }
}

impl Operation for DataUnit {
    fn update_len(&self, input: usize) -> usize {
        Self::ready(self.tail.len().saturating_add(input))
    }

    fn finish_len(&self) -> usize {
        self.tail.len()
    }

    fn one_shot_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, key: &super::Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let key = xts_key(key)?;
        let seen_bytes = self.seen_bytes.saturating_add(input.len());
        self.check_len(seen_bytes)?;
        let ready = self.update_len(input.len());
        room(output, ready)?;
        let mut tweak = match self.tweak.take() {
            Some(tweak) => tweak,
            None => key.first_tweak(&self.value)?,
        };
        let direction = self.direction;
        self.tail.feed(BLOCK_BYTES, ready, input, output, |from, to| {
            key.blocks(direction, &mut tweak, from, to);
            Ok(())
        })?;
        self.tweak = Some(tweak);
        self.seen_bytes = seen_bytes;
        Ok(ready)
    }

    fn finish(&mut self, key: &super::Key, output: &mut [u8]) -> Result<usize, Error> {
        let key = xts_key(key)?;
        let len = self.tail.len();
        let (Some(tweak), true) = (&mut self.tweak, len >= BLOCK_BYTES) else {
            return Err(self.refusal());
        };
        room(output, len)?;
        key.end(self.direction, tweak, self.tail.bytes(), &mut output[..len]);
        self.tail.clear();
        Ok(len)
    }

    fn one_shot(&mut self, key: &super::Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        if input.len() < BLOCK_BYTES {
            return Err(self.refusal());
        }
        self.check_len(input.len())?;
        room(output, input.len())?;
        let output = &mut output[..input.len()];
        if let Some(mut library) = self.library.take() {
            library.begin_unit(&self.value)?;
            library.update(input, output)?;
            self.library = Some(library);
            return Ok(input.len());
        }
        let key = xts_key(key)?;
        let mut tweak = key.first_tweak(&self.value)?;
        let (start, rest) = input.split_at(Self::ready(input.len()));
        let (first, second) = output.split_at_mut(start.len());
        key.blocks(self.direction, &mut tweak, start, first);
        key.end(self.direction, &mut tweak, rest, second);
        Ok(input.len())
    }
}

// An element of GF(2^128), as the standard's little-endian integer. Secret: it comes from the tweak key.
struct Tweak(u128);

impl Tweak {
    // Multiplies by alpha, without a branch on the bit that falls out.
    fn step(&mut self) {
        let carry = (self.0 >> 127).wrapping_neg() & REDUCTION;
        self.0 = (self.0 << 1) ^ carry;
    }
}

impl Drop for Tweak {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

fn xts_key(key: &super::Key) -> Result<&Key, Error> {
    match key {
        super::Key::AesXts(key) => Ok(key),
        _ => Err(Error::Parameter("the mode needs an AES-XTS key")),
    }
}

const LIBRARY_KEY_BYTES: usize = 64;
const DATA_UNIT_BYTES_MAX: usize = BLOCK_BYTES << 20;
const RUN_BYTES: usize = 1024;
const REDUCTION: u128 = 0x87;
