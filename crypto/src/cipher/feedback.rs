//! AES as a stream cipher: counter mode, output feedback, cipher feedback.

use super::aes::{self, Counter, Register, Shift};
use super::operation::{Operation, room};
use super::{Direction, Key, Mode};
use crate::Error;
use crate::memory::wipe;

/// A running stream.
pub(super) struct Feedback {
    kind: Kind,
}

enum Kind {
    Counter { counter: Counter, left_bytes: u128 },
    Register { shift: Shift, register: Register },
}

impl Feedback {
    pub(super) fn new(key: &Key, mode: &Mode<'_>, direction: Direction) -> Result<Feedback, Error> {
        aes_key(key)?;
        let kind = match mode {
            Mode::Ctr { block, counter_bits } => Kind::Counter {
                counter: Counter { block: **block, keystream: [0; aes::BLOCK_BYTES], used: 0 },
                left_bytes: bytes_before_wrap(block, *counter_bits)?,
            },
            Mode::Ofb { iv } => Kind::register(Shift::Output, iv, direction)?,
            Mode::Cfb1 { iv } => Kind::register(Shift::Bit, iv, direction)?,
            Mode::Cfb8 { iv } => Kind::register(Shift::Byte, iv, direction)?,
            Mode::Cfb128 { iv } => Kind::register(Shift::Block, iv, direction)?,
            _ => return Err(Error::Parameter("not a stream mode")),
        };
        Ok(Feedback { kind })
    }
}

impl Operation for Feedback {
    fn update_len(&self, input: usize) -> usize {
        input
    }

    fn finish_len(&self) -> usize {
        0
    }

    fn one_shot_len(&self, input: usize) -> usize {
        input
    }

    fn update(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let key = aes_key(key)?;
        match &mut self.kind {
            Kind::Counter { counter, left_bytes } => {
                let left = left_bytes.checked_sub(input.len() as u128).ok_or(Error::DataLength)?;
                room(output, input.len())?;
                key.ctr(counter, input, output)?;
                *left_bytes = left;
            }
            Kind::Register { shift, register } => {
                if *shift == Shift::Bit && input.len() > CFB1_BYTES_MAX {
                    return Err(Error::DataLength);
                }
                room(output, input.len())?;
                key.feedback(*shift, register, input, output);
            }
        }
        Ok(input.len())
    }

    fn finish(&mut self, _: &Key, _: &mut [u8]) -> Result<usize, Error> {
        Ok(0)
    }

    fn one_shot(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        self.update(key, input, output)
    }
}

impl Kind {
    fn register(shift: Shift, iv: &[u8], direction: Direction) -> Result<Kind, Error> {
        let iv = iv.try_into().map_err(|_| Error::Parameter("the IV is one block"))?;
        Ok(Kind::Register { shift, register: Register { iv, used: 0, direction } })
    }
}

// The keystream still to be used is as good as the data it will cover.
impl Drop for Feedback {
    fn drop(&mut self) {
        match &mut self.kind {
            Kind::Counter { counter, .. } => wipe(&mut counter.keystream),
            Kind::Register { register, .. } => wipe(&mut register.iv),
        }
    }
}

fn aes_key(key: &Key) -> Result<&aes::Key, Error> {
    match key {
        Key::Aes(key) => Ok(key),
        _ => Err(Error::Parameter("the mode needs an AES key")),
    }
}

// How much data the counter can number before its low `bits` bits come around to zero.
fn bytes_before_wrap(block: &[u8; aes::BLOCK_BYTES], bits: u32) -> Result<u128, Error> {
    if bits == 0 || bits > 128 {
        return Err(Error::Parameter("the counter has 1 to 128 bits"));
    }
    let last = u128::MAX >> (128 - bits);
    let counter = u128::from_be_bytes(*block) & last;
    Ok((last - counter).saturating_add(1).saturating_mul(aes::BLOCK_BYTES as u128))
}

// The library counts CFB1 data in bits.
const CFB1_BYTES_MAX: usize = usize::MAX / 8;
