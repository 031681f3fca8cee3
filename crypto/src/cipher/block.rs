//! The block modes over AES and DES: ECB, CBC, CBC with padding, CBC with ciphertext stealing.

use super::aes::xor;
use super::operation::{Operation, room};
use super::tail::Tail;
use super::{Direction, Key, Mode};
use crate::Error;
use crate::memory::wipe;

/// A running block mode.
pub(super) struct Blocks {
    chaining: Chaining,
    direction: Direction,
    block_bytes: usize,
    iv: [u8; BLOCK_BYTES_MAX],
    tail: Tail,
}

impl Blocks {
    pub(super) fn new(key: &Key, mode: &Mode<'_>, direction: Direction) -> Result<Blocks, Error> {
        let block_bytes = key.block_bytes()?;
        let chaining = Chaining::Ecb;
        let mut state = Blocks { chaining, direction, block_bytes, iv: [0; BLOCK_BYTES_MAX], tail: Tail::new() };
        state.begin(key, mode)?;
        Ok(state)
    }

    pub(super) fn begin(&mut self, key: &Key, mode: &Mode<'_>) -> Result<(), Error> {
        let (chaining, given): (_, &[u8]) = match mode {
            Mode::Cbc { iv } => (Chaining::Cbc, iv),
            Mode::CbcPad { iv } => (Chaining::CbcPad, iv),
            Mode::CbcCts { iv } if matches!(key, Key::Aes(_)) => (Chaining::CbcCts, iv),
            Mode::Ecb => (Chaining::Ecb, &[]),
            _ => return Err(Error::Parameter("the mode does not fit the key")),
        };
        if chaining != Chaining::Ecb {
            if given.len() != self.block_bytes {
                return Err(Error::Parameter("the IV is one block"));
            }
            self.iv[..given.len()].copy_from_slice(given);
        }
        self.chaining = chaining;
        self.tail.clear();
        Ok(())
    }

    // What of `total` bytes seen so far can be processed now; the rest has to wait for what follows.
    fn ready(&self, total: usize) -> usize {
        let block = self.block_bytes;
        match (self.chaining, self.direction) {
            (Chaining::CbcCts, _) => (total / block).saturating_sub(1) * block,
            (Chaining::CbcPad, Direction::Decrypt) => total.saturating_sub(1) / block * block,
            _ => total / block * block,
        }
    }

    // The bytes kept make `tail.len()`, so no sum of lengths of real buffers comes near the limit of `usize`.
    fn total(&self, input: usize) -> usize {
        self.tail.len().saturating_add(input)
    }

    // A length that leaves part of a block where whole blocks are needed.
    fn ragged(&self) -> Error {
        match self.direction {
            Direction::Encrypt => Error::DataLength,
            Direction::Decrypt => Error::CiphertextLength,
        }
    }

    fn process(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        match self.chaining {
            Chaining::Ecb => key.ecb(self.direction, input, output),
            _ => key.cbc(self.direction, &mut self.iv, input, output),
        }
    }

    // The end of the message: less than a block, or for CBC with stealing up to two. Nothing changes before the
    // output is known to suffice.
    fn end(&mut self, key: &Key, rest: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        match (self.chaining, self.direction) {
            (Chaining::CbcPad, Direction::Encrypt) => self.pad(key, rest, output),
            (Chaining::CbcPad, Direction::Decrypt) => {
                let (block, len) = self.unpad(key, &self.iv, rest)?;
                room(output, len)?;
                output[..len].copy_from_slice(&block.0[..len]);
                Ok(len)
            }
            (Chaining::CbcCts, _) => self.steal(key, rest, output),
            _ if rest.is_empty() => Ok(0),
            _ => Err(self.ragged()),
        }
    }

    fn pad(&mut self, key: &Key, rest: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let block_bytes = self.block_bytes;
        room(output, block_bytes)?;
        let padding = block_bytes - rest.len();
        let mut block = Block([padding as u8; BLOCK_BYTES_MAX]);
        block.0[..rest.len()].copy_from_slice(rest);
        key.cbc(Direction::Encrypt, &mut self.iv, &block.0[..block_bytes], &mut output[..block_bytes])?;
        Ok(block_bytes)
    }

    // Decrypts the last block behind `previous` and gives it with the bytes that are not padding.
    fn unpad(&self, key: &Key, previous: &[u8], last: &[u8]) -> Result<(Block, usize), Error> {
        let block_bytes = self.block_bytes;
        if last.len() != block_bytes {
            return Err(Error::CiphertextLength);
        }
        let mut chain = [0; BLOCK_BYTES_MAX];
        chain[..block_bytes].copy_from_slice(&previous[..block_bytes]);
        let mut block = Block([0; BLOCK_BYTES_MAX]);
        key.cbc(Direction::Decrypt, &mut chain, last, &mut block.0[..block_bytes])?;
        let len = unpadded_len(&block.0[..block_bytes]).ok_or(Error::Authentication)?;
        Ok((block, len))
    }

    // CBC-CS1: a whole block is plain CBC; with `d` bytes beyond it, the last but one ciphertext block gives up all but
    // its first `d` bytes, which the last one's plaintext carries on.
    fn steal(&mut self, key: &Key, rest: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let block = self.block_bytes;
        let Some(beyond) = rest.len().checked_sub(block) else {
            return Err(self.ragged());
        };
        room(output, rest.len())?;
        if beyond == 0 {
            self.process(key, rest, &mut output[..block])?;
            return Ok(block);
        }
        let (mut one, mut two) = (Block([0; BLOCK_BYTES_MAX]), Block([0; BLOCK_BYTES_MAX]));
        match self.direction {
            Direction::Encrypt => {
                key.cbc(Direction::Encrypt, &mut self.iv, &rest[..block], &mut one.0[..block])?;
                two.0[..beyond].copy_from_slice(&rest[block..]);
                let (short, last) = output[..rest.len()].split_at_mut(beyond);
                key.cbc(Direction::Encrypt, &mut self.iv, &two.0[..block], last)?;
                short.copy_from_slice(&one.0[..beyond]);
            }
            Direction::Decrypt => {
                let (short, last) = rest.split_at(beyond);
                key.ecb(Direction::Decrypt, last, &mut two.0[..block])?;
                one.0[..beyond].copy_from_slice(short);
                one.0[beyond..block].copy_from_slice(&two.0[beyond..block]);
                xor(&mut two.0[..beyond], short);
                let (whole, part) = output[..rest.len()].split_at_mut(block);
                key.cbc(Direction::Decrypt, &mut self.iv, &one.0[..block], whole)?;
                part.copy_from_slice(&two.0[..beyond]);
            }
        }
        Ok(rest.len())
    }

    // The last block first: it tells how much the output must take before a byte is written.
    fn one_shot_unpad(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let block = self.block_bytes;
        if input.is_empty() || !input.len().is_multiple_of(block) {
            return Err(Error::CiphertextLength);
        }
        let (whole, last) = input.split_at(input.len() - block);
        let previous = if whole.is_empty() { &self.iv[..block] } else { &whole[whole.len() - block..] };
        let (unpadded, len) = self.unpad(key, previous, last)?;
        room(output, whole.len() + len)?;
        let (start, end) = output.split_at_mut(whole.len());
        self.process(key, whole, start)?;
        end[..len].copy_from_slice(&unpadded.0[..len]);
        Ok(whole.len() + len)
    }
}

impl Operation for Blocks {
    fn update_len(&self, input: usize) -> usize {
        self.ready(self.total(input))
    }

    fn finish_len(&self) -> usize {
        match self.chaining {
            Chaining::CbcPad => self.block_bytes,
            Chaining::CbcCts => self.tail.len(),
            _ => 0,
        }
    }

    fn one_shot_len(&self, input: usize) -> usize {
        match (self.chaining, self.direction) {
            (Chaining::CbcPad, Direction::Encrypt) => (input / self.block_bytes + 1).saturating_mul(self.block_bytes),
            _ => input,
        }
    }

    fn update(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let ready = self.update_len(input.len());
        room(output, ready)?;
        let (chaining, direction, iv) = (self.chaining, self.direction, &mut self.iv);
        self.tail.feed(self.block_bytes, ready, input, output, |from, to| match chaining {
            Chaining::Ecb => key.ecb(direction, from, to),
            _ => key.cbc(direction, iv, from, to),
        })?;
        Ok(ready)
    }

    fn finish(&mut self, key: &Key, output: &mut [u8]) -> Result<usize, Error> {
        let tail = std::mem::replace(&mut self.tail, Tail::new());
        let outcome = self.end(key, tail.bytes(), output);
        if matches!(outcome, Err(Error::OutputTooSmall { .. })) {
            self.tail = tail;
        }
        outcome
    }

    fn one_shot(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        if self.chaining == Chaining::CbcPad && self.direction == Direction::Decrypt {
            return self.one_shot_unpad(key, input, output);
        }
        let ready = self.ready(input.len());
        let (start, rest) = input.split_at(ready);
        let ends_well = match self.chaining {
            Chaining::CbcPad => true,
            Chaining::CbcCts => rest.len() >= self.block_bytes,
            _ => rest.is_empty(),
        };
        if !ends_well {
            return Err(self.ragged());
        }
        room(output, self.one_shot_len(input.len()))?;
        let (first, second) = output.split_at_mut(ready);
        self.process(key, start, first)?;
        Ok(ready + self.end(key, rest, second)?)
    }
}

impl Key {
    /// The block length of a block cipher key.
    pub(super) fn block_bytes(&self) -> Result<usize, Error> {
        match self {
            Key::Aes(_) => Ok(super::aes::BLOCK_BYTES),
            Key::Des(_) => Ok(super::des::BLOCK_BYTES),
            _ => Err(Error::Parameter("the mode needs a block cipher key")),
        }
    }

    pub(super) fn ecb(&self, direction: Direction, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        match self {
            Key::Aes(key) => key.ecb(direction, input, output),
            Key::Des(key) => {
                key.ecb(direction, input, output);
                Ok(())
            }
            _ => Err(Error::Parameter("the mode needs a block cipher key")),
        }
    }

    fn cbc(
        &self,
        direction: Direction,
        iv: &mut [u8; BLOCK_BYTES_MAX],
        input: &[u8],
        output: &mut [u8],
    ) -> Result<(), Error> {
        match self {
            Key::Aes(key) => key.cbc(direction, iv, input, output),
            Key::Des(key) => {
                let (iv, _) = iv.split_first_chunk_mut().ok_or(Error::Library("split_first_chunk_mut"))?;
                key.cbc(direction, iv, input, output);
                Ok(())
            }
            _ => Err(Error::Parameter("the mode needs a block cipher key")),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Chaining {
    Ecb,
    Cbc,
    CbcPad,
    CbcCts,
}

// One block of plaintext or of what becomes it, wiped after use.
struct Block([u8; BLOCK_BYTES_MAX]);

impl Drop for Block {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

// The length without PKCS#7 padding, or nothing. Looks at every byte whatever the padding says, without branches.
fn unpadded_len(block: &[u8]) -> Option<usize> {
    let size = block.len() as u32;
    let padding = u32::from(block[block.len() - 1]);
    let mut wrong = below(padding, 1) | below(size, padding);
    for (index, byte) in block.iter().rev().enumerate() {
        wrong |= below(index as u32, padding) & (u32::from(*byte) ^ padding);
    }
    if std::hint::black_box(wrong) == 0 { Some((size - padding) as usize) } else { None }
}

// All ones when `a < b`, else zero; both far below 2^31.
fn below(a: u32, b: u32) -> u32 {
    std::hint::black_box((a.wrapping_sub(b) >> 31).wrapping_neg())
}

pub(super) const BLOCK_BYTES_MAX: usize = 16;
