//! What every mode's running state can do, and which state a mode needs.

use super::authenticated::Authenticated;
use super::block::Blocks;
use super::feedback::Feedback;
use super::{Direction, Key, Mode, chacha20, rc4, xts};
use crate::Error;

/// The running state of one mode. The caller keeps track of whether the operation is over.
pub(super) trait Operation {
    /// Bytes an update gives, exactly.
    fn update_len(&self, input: usize) -> usize;

    /// Bytes the end gives, at most.
    fn finish_len(&self) -> usize;

    /// Bytes a whole operation over `input` bytes gives, at most.
    fn one_shot_len(&self, input: usize) -> usize;

    /// The next piece. A too small output consumes nothing.
    fn update(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error>;

    /// The end. A too small output consumes nothing.
    fn finish(&mut self, key: &Key, output: &mut [u8]) -> Result<usize, Error>;

    /// All at once on a fresh state. A too small output consumes nothing.
    fn one_shot(&mut self, key: &Key, input: &[u8], output: &mut [u8]) -> Result<usize, Error>;
}

/// The state of the mode in use.
pub(super) enum State {
    Blocks(Blocks),
    Feedback(Feedback),
    Authenticated(Authenticated),
    Xts(xts::DataUnit),
    Rc4(rc4::Stream),
    ChaCha20(chacha20::Stream),
}

impl State {
    pub(super) fn new(key: &Key, mode: &Mode<'_>, direction: Direction) -> Result<State, Error> {
        Ok(match mode {
            Mode::Ecb | Mode::Cbc { .. } | Mode::CbcPad { .. } | Mode::CbcCts { .. } => {
                State::Blocks(Blocks::new(key, mode, direction)?)
            }
            Mode::Ctr { .. } | Mode::Ofb { .. } | Mode::Cfb1 { .. } | Mode::Cfb8 { .. } | Mode::Cfb128 { .. } => {
                State::Feedback(Feedback::new(key, mode, direction)?)
            }
            Mode::Gcm { .. } | Mode::Ccm { .. } | Mode::ChaCha20Poly1305 { .. } => {
                State::Authenticated(Authenticated::new(key, mode, direction)?)
            }
            Mode::Xts { tweak } => State::Xts(xts::DataUnit::new(key, tweak, direction)?),
            Mode::Rc4 => State::Rc4(rc4::Stream::new(key)?),
            Mode::ChaCha20 { counter, counter_bits, nonce } => {
                State::ChaCha20(chacha20::Stream::new(key, *counter, *counter_bits, nonce)?)
            }
        })
    }

    /// Takes up `mode` in place where the state is of its kind, so that its buffers serve again.
    pub(super) fn renew(&mut self, key: &Key, mode: &Mode<'_>, direction: Direction) -> Result<(), Error> {
        match (&mut *self, mode) {
            (State::Authenticated(state), Mode::Gcm { .. } | Mode::Ccm { .. } | Mode::ChaCha20Poly1305 { .. }) => {
                state.begin(key, mode)
            }
            (State::Blocks(state), Mode::Ecb | Mode::Cbc { .. } | Mode::CbcPad { .. } | Mode::CbcCts { .. }) => {
                state.begin(key, mode)
            }
            (State::Xts(state), Mode::Xts { tweak }) => state.begin(key, tweak),
            (State::Rc4(state), Mode::Rc4) => state.begin(key),
            _ => {
                *self = State::new(key, mode, direction)?;
                Ok(())
            }
        }
    }

    pub(super) fn operation(&mut self) -> &mut dyn Operation {
        match self {
            State::Blocks(state) => state,
            State::Feedback(state) => state,
            State::Authenticated(state) => state,
            State::Xts(state) => state,
            State::Rc4(state) => state,
            State::ChaCha20(state) => state,
        }
    }

    pub(super) fn operation_ref(&self) -> &dyn Operation {
        match self {
            State::Blocks(state) => state,
            State::Feedback(state) => state,
            State::Authenticated(state) => state,
            State::Xts(state) => state,
            State::Rc4(state) => state,
            State::ChaCha20(state) => state,
        }
    }
}

/// The refusal of a buffer with no room for `needed` bytes.
pub(super) fn room(output: &[u8], needed: usize) -> Result<(), Error> {
    if output.len() < needed { Err(Error::OutputTooSmall { needed }) } else { Ok(()) }
}
