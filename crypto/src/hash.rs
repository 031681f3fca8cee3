//! Digests: MD5, SHA-1, SHA-2 and SHA-3 over the RustCrypto crates, without an allocation.
//!
//! A [`Hash`] can be cloned in the middle of a message, which is what [`mac`](crate::mac) builds HMAC on, and its state
//! can be written down and taken up again.

use std::ptr;

use digest::common::hazmat::{SerializableState, SerializedState};
use digest::{FixedOutputReset, Output, Reset, Update};

use crate::Error;

// The same expression over whichever state there is.
macro_rules! with {
    ($state:expr, $name:ident => $body:expr) => {
        match $state {
            State::Md5($name) => $body,
            State::Sha1($name) => $body,
            State::Sha224($name) => $body,
            State::Sha256($name) => $body,
            State::Sha384($name) => $body,
            State::Sha512($name) => $body,
            State::Sha512_224($name) => $body,
            State::Sha512_256($name) => $body,
            State::Sha3_224($name) => $body,
            State::Sha3_256($name) => $body,
            State::Sha3_384($name) => $body,
            State::Sha3_512($name) => $body,
        }
    };
}

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Algorithm; 12] = [
        Algorithm::Md5,
        Algorithm::Sha1,
        Algorithm::Sha224,
        Algorithm::Sha256,
        Algorithm::Sha384,
        Algorithm::Sha512,
        Algorithm::Sha512_224,
        Algorithm::Sha512_256,
        Algorithm::Sha3_224,
        Algorithm::Sha3_256,
        Algorithm::Sha3_384,
        Algorithm::Sha3_512,
    ];

    /// Bytes in a digest.
    pub const fn output_bytes(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha224 | Algorithm::Sha512_224 | Algorithm::Sha3_224 => 28,
            Algorithm::Sha256 | Algorithm::Sha512_256 | Algorithm::Sha3_256 => 32,
            Algorithm::Sha384 | Algorithm::Sha3_384 => 48,
            Algorithm::Sha512 | Algorithm::Sha3_512 => 64,
        }
    }

    /// Bytes the function takes in at a time: HMAC's block length.
    pub const fn block_bytes(self) -> usize {
        match self {
            Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 | Algorithm::Sha256 => 64,
            Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Sha512_224 | Algorithm::Sha512_256 => 128,
            Algorithm::Sha3_224 => 144,
            Algorithm::Sha3_256 => 136,
            Algorithm::Sha3_384 => 104,
            Algorithm::Sha3_512 => 72,
        }
    }
}

/// The longest digest, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 64;

/// The longest block, in bytes.
pub const BLOCK_BYTES_MAX: usize = 144;

/// A running digest. Wiped on drop.
pub struct Hash {
    state: State,
}

impl Hash {
    /// A digest of nothing yet.
    pub fn new(algorithm: Algorithm) -> Hash {
        Hash { state: State::new(algorithm) }
    }

    /// Which function this is.
    pub fn algorithm(&self) -> Algorithm {
        self.state.algorithm()
    }

    /// Takes in the next piece of the message.
    pub fn update(&mut self, data: &[u8]) {
        with!(&mut self.state, state => Update::update(state, data));
    }

    /// Writes the digest, returns its length and begins a new message.
    ///
    /// # Errors
    /// [`Error::OutputTooSmall`], with the digest as it was.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        let needed = self.algorithm().output_bytes();
        let output = output.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        with!(&mut self.state, state => finish_into(state, output));
        Ok(needed)
    }

    /// Forgets the message and begins a new one.
    pub fn reset(&mut self) {
        with!(&mut self.state, state => Reset::reset(state));
    }

    /// The state in bytes, for PKCS#11's C_GetOperationState. It contains data of the message.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn export_state(&self) -> Result<Vec<u8>, Error> {
        with!(&self.state, state => export(state))
    }

    /// Takes up a state from [`export_state`](Hash::export_state) again.
    ///
    /// # Errors
    /// [`Error::Parameter`] for bytes that are no state of this algorithm. That they come from where they should is for
    /// the caller to make sure of.
    pub fn import_state(algorithm: Algorithm, bytes: &[u8]) -> Result<Hash, Error> {
        if !plausible_count(algorithm, bytes) {
            return Err(Error::Parameter("not a saved state of this digest"));
        }
        let mut hash = Hash::new(algorithm);
        with!(&mut hash.state, state => import(state, bytes))?;
        Ok(hash)
    }
}

impl Clone for Hash {
    fn clone(&self) -> Hash {
        Hash { state: self.state.clone() }
    }

    // HMAC does this twice per message: no dropping of what is overwritten anyway.
    fn clone_from(&mut self, source: &Hash) {
        macro_rules! overwrite {
            ($($variant:ident)*) => {
                match (&mut self.state, &source.state) {
                    $((State::$variant(old), State::$variant(new)) => overwrite(old, new),)*
                    (old, new) => *old = new.clone(),
                }
            };
        }
        overwrite!(Md5 Sha1 Sha224 Sha256 Sha384 Sha512 Sha512_224 Sha512_256 Sha3_224 Sha3_256 Sha3_384 Sha3_512);
    }
}

/// The digest of `data` in one call; returns its length.
///
/// # Errors
/// [`Error::OutputTooSmall`].
pub fn digest(algorithm: Algorithm, data: &[u8], output: &mut [u8]) -> Result<usize, Error> {
    let mut hash = Hash::new(algorithm);
    hash.update(data);
    hash.finish(output)
}

// The sponge is the largest; a box would cost an allocation per digest.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha512_224(sha2::Sha512_224),
    Sha512_256(sha2::Sha512_256),
    Sha3_224(sha3::Sha3_224),
    Sha3_256(sha3::Sha3_256),
    Sha3_384(sha3::Sha3_384),
    Sha3_512(sha3::Sha3_512),
}

impl State {
    fn new(algorithm: Algorithm) -> State {
        match algorithm {
            Algorithm::Md5 => State::Md5(Default::default()),
            Algorithm::Sha1 => State::Sha1(Default::default()),
            Algorithm::Sha224 => State::Sha224(Default::default()),
            Algorithm::Sha256 => State::Sha256(Default::default()),
            Algorithm::Sha384 => State::Sha384(Default::default()),
            Algorithm::Sha512 => State::Sha512(Default::default()),
            Algorithm::Sha512_224 => State::Sha512_224(Default::default()),
            Algorithm::Sha512_256 => State::Sha512_256(Default::default()),
            Algorithm::Sha3_224 => State::Sha3_224(Default::default()),
            Algorithm::Sha3_256 => State::Sha3_256(Default::default()),
            Algorithm::Sha3_384 => State::Sha3_384(Default::default()),
            Algorithm::Sha3_512 => State::Sha3_512(Default::default()),
        }
    }

    fn algorithm(&self) -> Algorithm {
        match self {
            State::Md5(_) => Algorithm::Md5,
            State::Sha1(_) => Algorithm::Sha1,
            State::Sha224(_) => Algorithm::Sha224,
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha384(_) => Algorithm::Sha384,
            State::Sha512(_) => Algorithm::Sha512,
            State::Sha512_224(_) => Algorithm::Sha512_224,
            State::Sha512_256(_) => Algorithm::Sha512_256,
            State::Sha3_224(_) => Algorithm::Sha3_224,
            State::Sha3_256(_) => Algorithm::Sha3_256,
            State::Sha3_384(_) => Algorithm::Sha3_384,
            State::Sha3_512(_) => Algorithm::Sha3_512,
        }
    }
}

// Copies a hash state over another one, every byte of which it replaces.
fn overwrite<S: Clone + FixedOutputReset>(old: &mut S, new: &S) {
    // SAFETY: both are valid, distinct values. Hash states are arrays of words that own nothing, so a copy made byte by
    // byte is a clone, and the old value needs no drop: that would only wipe what is replaced here.
    unsafe { ptr::copy_nonoverlapping(new, old, 1) };
}

// `output` has the digest's length.
fn finish_into<S: FixedOutputReset>(state: &mut S, output: &mut [u8]) {
    match <&mut Output<S>>::try_from(&mut *output) {
        Ok(output) => state.finalize_into_reset(output),
        Err(_) => output.copy_from_slice(&state.finalize_fixed_reset()),
    }
}

fn export<S: SerializableState>(state: &S) -> Result<Vec<u8>, Error> {
    let state = state.serialize();
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(state.len()).map_err(|_| Error::Memory)?;
    bytes.extend_from_slice(&state);
    Ok(bytes)
}

fn import<S: SerializableState>(state: &mut S, bytes: &[u8]) -> Result<(), Error> {
    let refused = Error::Parameter("not a saved state of this digest");
    let bytes = <&SerializedState<S>>::try_from(bytes).map_err(|_| refused)?;
    *state = S::deserialize(bytes).map_err(|_| refused)?;
    Ok(())
}

// The crates take any block count and overflow at the end of the message when it is absurd. It is little-endian,
// behind the chaining value; SHA-3 has none.
fn plausible_count(algorithm: Algorithm, bytes: &[u8]) -> bool {
    let place = match algorithm {
        Algorithm::Md5 => 16..24,
        Algorithm::Sha1 => 20..28,
        Algorithm::Sha224 | Algorithm::Sha256 => 32..40,
        Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Sha512_224 | Algorithm::Sha512_256 => 64..80,
        Algorithm::Sha3_224 | Algorithm::Sha3_256 | Algorithm::Sha3_384 | Algorithm::Sha3_512 => return true,
    };
    let Some(count) = bytes.get(place) else {
        return false;
    };
    let value = count.iter().rev().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
    value < BLOCK_COUNT_LIMIT
}

// 2^58 bytes of the smallest block: no machine gets there, and the bit count stays within 64 bits.
const BLOCK_COUNT_LIMIT: u128 = 1 << 52;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_crates() {
        fn sizes<S: FixedOutputReset + digest::common::BlockSizeUser>(_: &S) -> (usize, usize) {
            (S::output_size(), S::block_size())
        }
        for algorithm in Algorithm::ALL {
            let hash = Hash::new(algorithm);
            assert_eq!(hash.algorithm(), algorithm);
            let sizes = with!(&hash.state, state => sizes(state));
            assert_eq!(sizes, (algorithm.output_bytes(), algorithm.block_bytes()), "{algorithm:?}");
            assert!(sizes.0 <= OUTPUT_BYTES_MAX && sizes.1 <= BLOCK_BYTES_MAX);
        }
    }

    #[test]
    fn an_absurd_block_count_is_refused() {
        for algorithm in Algorithm::ALL {
            let mut hash = Hash::new(algorithm);
            hash.update(&vec![1; algorithm.block_bytes() * 258]);
            let state = hash.export_state().unwrap();
            assert!(Hash::import_state(algorithm, &state).is_ok());
            // The count of 258 blocks is where it is looked for: a high byte beside it makes the state absurd.
            let Some(place) = state.windows(8).position(|window| window == [2, 1, 0, 0, 0, 0, 0, 0]) else {
                assert!(format!("{algorithm:?}").starts_with("Sha3"), "{algorithm:?}");
                continue;
            };
            let mut absurd = state.clone();
            absurd[place + 7] = 1;
            assert!(Hash::import_state(algorithm, &absurd).is_err(), "{algorithm:?}");
        }
    }
}
