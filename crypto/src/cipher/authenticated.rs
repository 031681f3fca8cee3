//! The authenticated ciphers: AES-GCM, AES-CCM, ChaCha20-Poly1305.
//!
//! A whole GCM or ChaCha20-Poly1305 message goes through the key's shared context. Encryption in parts runs through a
//! context of the operation's own, kept for the next operation. Decryption in parts holds the ciphertext back and
//! opens it at the end; so does CCM in both directions, because its library form takes the data in one piece.

use std::mem;

use super::evp::{AeadContext, CipherContext, TAG_BYTES_MAX};
use super::held::{HELD_BYTES_MAX, Held};
use super::operation::{Operation, room};
use super::{Direction, Key, Mode};
use crate::Error;
use crate::memory::wipe;

/// A running authenticated cipher.
pub(super) struct Authenticated {
    algorithm: Algorithm,
    direction: Direction,
    nonce: Vec<u8>,
    aad: Vec<u8>,
    tag_bytes: usize,
    held: Held,
    context: Option<CipherContext>,
    // Bytes encrypted in parts so far; nothing before the first part.
    streamed_bytes: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Gcm,
    Ccm { data_bytes: usize },
    ChaCha20Poly1305,
}

impl Authenticated {
    pub(super) fn new(key: &Key, mode: &Mode<'_>, direction: Direction) -> Result<Authenticated, Error> {
        let mut state = Authenticated {
            algorithm: Algorithm::Gcm,
            direction,
            nonce: Vec::new(),
            aad: Vec::new(),
            tag_bytes: 0,
            held: Held::new(),
            context: None,
            streamed_bytes: None,
        };
        state.begin(key, mode)?;
        Ok(state)
    }

    pub(super) fn begin(&mut self, key: &Key, mode: &Mode<'_>) -> Result<(), Error> {
        let (algorithm, nonce, aad, tag_bytes): (_, &[u8], &[u8], _) = match (mode, key) {
            (Mode::Gcm { iv, aad, tag_bytes }, Key::Aes(_)) => (Algorithm::Gcm, iv, aad, *tag_bytes),
            (Mode::Ccm { data_bytes, nonce, aad, tag_bytes }, Key::Aes(_)) => {
                (Algorithm::Ccm { data_bytes: *data_bytes }, nonce, aad, *tag_bytes)
            }
            (Mode::ChaCha20Poly1305 { nonce, aad }, Key::ChaCha20(_)) => {
                (Algorithm::ChaCha20Poly1305, nonce, aad, TAG_BYTES_MAX)
            }
            _ => return Err(Error::Parameter("the mode does not fit the key")),
        };
        algorithm.check(nonce.len(), aad.len(), tag_bytes)?;
        if !self.algorithm.shares_context(algorithm) {
            self.context = None;
        }
        self.algorithm = algorithm;
        self.tag_bytes = tag_bytes;
        self.streamed_bytes = None;
        self.held.clear();
        refill(&mut self.nonce, nonce)?;
        refill(&mut self.aad, aad)
    }

    fn seal(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        if matches!(self.algorithm, Algorithm::Ccm { data_bytes } if data_bytes != input.len()) {
            return Err(Error::DataLength);
        }
        let needed = input.len().checked_add(self.tag_bytes).ok_or(Error::DataLength)?;
        room(output, needed)?;
        let (ciphertext, tag) = output[..needed].split_at_mut(input.len());
        match self.algorithm.shared_context(key)? {
            Some(shared) => shared.seal(&self.nonce, &self.aad, input, ciphertext, tag)?,
            None => self.with_context(key, |state, context| {
                context.begin_ccm(&state.nonce, state.tag_bytes, None)?;
                context.announce(input.len())?;
                context.authenticate(&state.aad)?;
                if !context.update_ccm(input, ciphertext) {
                    return Err(Error::DataLength);
                }
                context.tag(tag)
            })?,
        }
        Ok(needed)
    }

    fn open(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        let len = input.len().checked_sub(self.tag_bytes).ok_or(Error::CiphertextLength)?;
        if matches!(self.algorithm, Algorithm::Ccm { data_bytes } if data_bytes != len) {
            return Err(Error::CiphertextLength);
        }
        room(output, len)?;
        let (ciphertext, tag) = input.split_at(len);
        let plaintext = &mut output[..len];
        match self.algorithm.shared_context(key)? {
            Some(shared) if tag.len() == TAG_BYTES_MAX => {
                shared.open(&self.nonce, &self.aad, ciphertext, tag, plaintext)?;
            }
            _ => {
                let opened =
                    self.with_context(key, |state, context| state.open_with(context, ciphertext, tag, plaintext));
                if opened.is_err() {
                    wipe(plaintext);
                }
                opened?;
            }
        }
        Ok(len)
    }

    // CCM, and GCM with short tags, which the shared context does not check.
    fn open_with(
        &self,
        context: &mut CipherContext,
        ciphertext: &[u8],
        tag: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), Error> {
        let right = if matches!(self.algorithm, Algorithm::Ccm { .. }) {
            context.begin_ccm(&self.nonce, self.tag_bytes, Some(tag))?;
            context.announce(ciphertext.len())?;
            context.authenticate(&self.aad)?;
            context.update_ccm(ciphertext, plaintext)
        } else {
            context.begin(&self.nonce)?;
            context.authenticate(&self.aad)?;
            context.update(ciphertext, plaintext)?;
            context.expect_tag(tag)?;
            context.finish()
        };
        if right { Ok(()) } else { Err(Error::Authentication) }
    }

    // Lends the operation's own context, made on first use. An error leaves none: the library's state is then unknown.
    fn with_context<R>(
        &mut self,
        key: &Key,
        run: impl FnOnce(&mut Authenticated, &mut CipherContext) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut context = match self.context.take() {
            Some(context) => context,
            None => self.algorithm.own_context(key, self.direction)?,
        };
        let result = run(self, &mut context)?;
        self.context = Some(context);
        Ok(result)
    }

    // Whether the data passes through as it comes.
    fn streams(&self) -> bool {
        self.direction == Direction::Encrypt && !matches!(self.algorithm, Algorithm::Ccm { .. })
    }

    fn stream(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        let streamed = self.streamed_bytes.unwrap_or(0).saturating_add(input.len() as u64);
        if streamed > self.algorithm.data_bytes_max() {
            return Err(Error::DataLength);
        }
        self.with_context(key, |state, context| {
            if state.streamed_bytes.is_none() {
                context.begin(&state.nonce)?;
                context.authenticate(&state.aad)?;
            }
            context.update(input, output)
        })?;
        self.streamed_bytes = Some(streamed);
        Ok(())
    }

    // More than CCM's parameters announced can never come out well; say so at once.
    fn hold(&mut self, input: &[u8]) -> Result<(), Error> {
        if let Algorithm::Ccm { data_bytes } = self.algorithm {
            let (expected, refusal) = match self.direction {
                Direction::Encrypt => (data_bytes, Error::DataLength),
                Direction::Decrypt => (data_bytes.saturating_add(self.tag_bytes), Error::CiphertextLength),
            };
            if expected.saturating_sub(self.held.len()) < input.len() {
                return Err(refusal);
            }
        }
        self.held.append(input)
    }
}

impl Operation for Authenticated {
    fn update_len(&self, input: usize) -> usize {
        if self.streams() { input } else { 0 }
    }

    fn finish_len(&self) -> usize {
        match self.direction {
            Direction::Encrypt => self.held.len().saturating_add(self.tag_bytes),
            Direction::Decrypt => self.held.len().saturating_sub(self.tag_bytes),
        }
    }

    fn one_shot_len(&self, input: usize) -> usize {
        match self.direction {
            Direction::Encrypt => input.saturating_add(self.tag_bytes),
            Direction::Decrypt => input.saturating_sub(self.tag_bytes),
        }
    }

    fn update(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        if !self.streams() {
            self.hold(input)?;
            return Ok(0);
        }
        room(output, input.len())?;
        self.stream(key, input, &mut output[..input.len()])?;
        Ok(input.len())
    }

    fn finish(&mut self, key: &Key, output: &mut [u8]) -> Result<usize, Error> {
        if self.streams() {
            room(output, self.tag_bytes)?;
            if self.streamed_bytes.is_none() {
                self.stream(key, &[], &mut [])?;
            }
            let tag = &mut output[..self.tag_bytes];
            self.with_context(
                key,
                |_, context| if context.finish() { context.tag(tag) } else { Err(Error::DataLength) },
            )?;
            return Ok(self.tag_bytes);
        }
        let mut held = mem::replace(&mut self.held, Held::new());
        let outcome = match self.direction {
            Direction::Encrypt => self.seal(key, held.bytes(), output),
            Direction::Decrypt => self.open(key, held.bytes(), output),
        };
        if !matches!(outcome, Err(Error::OutputTooSmall { .. })) {
            held.clear();
        }
        self.held = held;
        outcome
    }

    fn one_shot(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error> {
        match self.direction {
            Direction::Encrypt => self.seal(key, input, output),
            Direction::Decrypt => self.open(key, input, output),
        }
    }
}

impl Algorithm {
    fn check(self, nonce_bytes: usize, aad_bytes: usize, tag_bytes: usize) -> Result<(), Error> {
        match self {
            Algorithm::Gcm => {
                if nonce_bytes == 0 || nonce_bytes > NONCE_BYTES_MAX {
                    return Err(Error::Parameter("the IV has 1 to 2^31 - 1 bytes"));
                }
                if !matches!(tag_bytes, 4 | 8 | 12..=16) {
                    return Err(Error::Parameter("the tag has 4, 8 or 12 to 16 bytes"));
                }
            }
            Algorithm::Ccm { data_bytes } => {
                if !matches!(nonce_bytes, 7..=13) {
                    return Err(Error::Parameter("the nonce has 7 to 13 bytes"));
                }
                if !matches!(tag_bytes, 4 | 6 | 8 | 10 | 12 | 14 | 16) {
                    return Err(Error::Parameter("the tag has an even number of 4 to 16 bytes"));
                }
                if aad_bytes > CCM_AAD_BYTES_MAX {
                    return Err(Error::Parameter("the additional data has at most 2^30 bytes"));
                }
                let length_bits = 8 * (15 - nonce_bytes) as u32;
                let room = 1_usize.checked_shl(length_bits).map_or(usize::MAX, |range| range - 1);
                if data_bytes > room.min(HELD_BYTES_MAX - TAG_BYTES_MAX) {
                    return Err(Error::DataLength);
                }
            }
            Algorithm::ChaCha20Poly1305 => {
                if nonce_bytes != CHACHA20_NONCE_BYTES {
                    return Err(Error::Parameter("the nonce has 12 bytes"));
                }
            }
        }
        Ok(())
    }

    fn shares_context(self, other: Algorithm) -> bool {
        mem::discriminant(&self) == mem::discriminant(&other)
    }

    // The key's context for whole messages, where there is one.
    fn shared_context(self, key: &Key) -> Result<Option<&AeadContext>, Error> {
        match (self, key) {
            (Algorithm::Gcm, Key::Aes(key)) => key.gcm().map(Some),
            (Algorithm::ChaCha20Poly1305, Key::ChaCha20(key)) => key.poly1305().map(Some),
            _ => Ok(None),
        }
    }

    fn own_context(self, key: &Key, direction: Direction) -> Result<CipherContext, Error> {
        match (self, key) {
            (Algorithm::Gcm, Key::Aes(key)) => CipherContext::new(key.gcm_method(), key.raw(), direction),
            (Algorithm::Ccm { .. }, Key::Aes(key)) => CipherContext::new(key.ccm_method(), key.raw(), direction),
            (Algorithm::ChaCha20Poly1305, Key::ChaCha20(key)) => {
                CipherContext::new(key.poly1305_method(), key.raw(), direction)
            }
            _ => Err(Error::Parameter("the mode does not fit the key")),
        }
    }

    fn data_bytes_max(self) -> u64 {
        match self {
            Algorithm::Gcm => GCM_DATA_BYTES_MAX,
            Algorithm::Ccm { data_bytes } => data_bytes as u64,
            Algorithm::ChaCha20Poly1305 => CHACHA20_DATA_BYTES_MAX,
        }
    }
}

fn refill(buffer: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    buffer.clear();
    buffer.try_reserve(bytes.len()).map_err(|_| Error::Memory)?;
    buffer.extend_from_slice(bytes);
    Ok(())
}

const NONCE_BYTES_MAX: usize = i32::MAX as usize;
const CHACHA20_NONCE_BYTES: usize = 12;
// One library call takes all of it.
const CCM_AAD_BYTES_MAX: usize = 1 << 30;
// NIST SP 800-38D §5.2.1.1: 2^39 - 256 bits.
const GCM_DATA_BYTES_MAX: u64 = (1 << 36) - 32;
// RFC 8439 §2.8: 2^32 - 1 blocks; the first one makes the Poly1305 key.
const CHACHA20_DATA_BYTES_MAX: u64 = ((1 << 32) - 1) * 64;
