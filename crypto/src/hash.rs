//! Digests: SHA-1 and SHA-2 over AWS-LC, MD5 and SHA-3 over the RustCrypto crates, without an allocation. SHAKE, which
//! only prehashes messages, is AWS-LC's too and does allocate.
//!
//! A [`struct@Hash`] can be cloned in the middle of a message, which is what [`mac`](crate::mac) builds HMAC on, and
//! its state can be written down and taken up again.

mod rust_crypto;
mod sha;

use std::ptr;

use crate::Error;
use crate::pq::shake::Shake;

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
            State::Shake128($name) => $body,
            State::Shake256($name) => $body,
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
    /// With 32 bytes of output, as FIPS 204 and 205 prehash messages for 128 bits of collision strength.
    Shake128,
    /// With 64 bytes of output.
    Shake256,
}

impl Algorithm {
    /// Every algorithm that is a digest by itself: SHAKE is there only to prehash messages for
    /// [`pq::Message`](crate::pq::Message).
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
            Algorithm::Sha256 | Algorithm::Sha512_256 | Algorithm::Sha3_256 | Algorithm::Shake128 => 32,
            Algorithm::Sha384 | Algorithm::Sha3_384 => 48,
            Algorithm::Sha512 | Algorithm::Sha3_512 | Algorithm::Shake256 => 64,
        }
    }

    /// Bytes the function takes in at a time: HMAC's block length.
    pub const fn block_bytes(self) -> usize {
        match self {
            Algorithm::Md5 | Algorithm::Sha1 | Algorithm::Sha224 | Algorithm::Sha256 => 64,
            Algorithm::Sha384 | Algorithm::Sha512 | Algorithm::Sha512_224 | Algorithm::Sha512_256 => 128,
            Algorithm::Sha3_224 => 144,
            Algorithm::Sha3_256 | Algorithm::Shake256 => 136,
            Algorithm::Sha3_384 => 104,
            Algorithm::Sha3_512 => 72,
            Algorithm::Shake128 => 168,
        }
    }
}

/// The longest digest, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 64;

/// The longest block, in bytes.
pub const BLOCK_BYTES_MAX: usize = 168;

/// A running digest. Wiped on drop.
pub struct Hash {
    state: State,
}

impl Hash {
    /// A digest of nothing yet.
    pub fn new(algorithm: Algorithm) -> Hash {
        let state = match algorithm {
            Algorithm::Sha1 => return sha::Sha1::begin(),
            Algorithm::Sha224 => return sha::Sha224::begin(),
            Algorithm::Sha256 => return sha::Sha256::begin(),
            Algorithm::Sha384 => return sha::Sha384::begin(),
            Algorithm::Sha512 => return sha::Sha512::begin(),
            Algorithm::Sha512_224 => return sha::Sha512_224::begin(),
            Algorithm::Sha512_256 => return sha::Sha512_256::begin(),
            Algorithm::Md5 => State::Md5(Default::default()),
            Algorithm::Sha3_224 => State::Sha3_224(Default::default()),
            Algorithm::Sha3_256 => State::Sha3_256(Default::default()),
            Algorithm::Sha3_384 => State::Sha3_384(Default::default()),
            Algorithm::Sha3_512 => State::Sha3_512(Default::default()),
            Algorithm::Shake128 => State::Shake128(Shake::new()),
            Algorithm::Shake256 => State::Shake256(Shake::new()),
        };
        Hash { state }
    }

    /// Which function this is.
    pub fn algorithm(&self) -> Algorithm {
        self.state.algorithm()
    }

    /// Takes in the next piece of the message.
    pub fn update(&mut self, data: &[u8]) {
        with!(&mut self.state, state => Running::update(state, data));
    }

    /// Writes the digest, returns its length and begins a new message.
    ///
    /// # Errors
    /// [`Error::OutputTooSmall`], with the digest as it was; [`Error::Memory`] from SHAKE.
    pub fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        with!(&mut self.state, state => Running::finish(state, output))
    }

    /// As [`finish`](Hash::finish), for a digest that is overwritten or dropped next: no new message is begun.
    pub(crate) fn end(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        with!(&mut self.state, state => Running::end(state, output))
    }

    /// Forgets the message and begins a new one.
    pub fn reset(&mut self) {
        with!(&mut self.state, state => Running::reset(state));
    }

    /// The state in bytes, the same on every machine, for PKCS#11's C_GetOperationState. It contains data of the
    /// message.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::Parameter`] for SHAKE, whose state the library keeps to itself.
    pub fn export_state(&self) -> Result<Vec<u8>, Error> {
        with!(&self.state, state => Running::export(state))
    }

    /// Takes up a state from [`export_state`](Hash::export_state) again.
    ///
    /// # Errors
    /// [`Error::Parameter`] for bytes that are no state of this algorithm. That they come from where they should is for
    /// the caller to make sure of.
    pub fn import_state(algorithm: Algorithm, bytes: &[u8]) -> Result<Hash, Error> {
        State::import(algorithm, bytes)
            .map(|state| Hash { state })
            .ok_or(Error::Parameter("not a saved state of this digest"))
    }
}

impl Clone for Hash {
    fn clone(&self) -> Hash {
        Hash { state: self.state.clone() }
    }

    // HMAC does this twice per message: no dropping of what is overwritten anyway. SHAKE owns its state and is
    // replaced as a whole.
    fn clone_from(&mut self, source: &Hash) {
        macro_rules! overwrite {
            ($($variant:ident)*) => {
                match (&mut self.state, &source.state) {
                    $((State::$variant(old), State::$variant(new)) => overwrite(old, new),)*
                    _ => *self = source.clone(),
                }
            };
        }
        overwrite!(Md5 Sha1 Sha224 Sha256 Sha384 Sha512 Sha512_224 Sha512_256 Sha3_224 Sha3_256 Sha3_384 Sha3_512);
    }
}

/// The digest of `data` in one call; returns its length.
///
/// # Errors
/// [`Error::OutputTooSmall`]; [`Error::Memory`] from SHAKE.
pub fn digest(algorithm: Algorithm, data: &[u8], output: &mut [u8]) -> Result<usize, Error> {
    let mut hash = Hash::new(algorithm);
    hash.update(data);
    hash.finish(output)
}

// A running digest of one function.
trait Running: Clone {
    fn update(&mut self, data: &[u8]);

    // Writes the digest to the start of `output` and begins a new message.
    fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error>;

    // As `finish`, but leaves a state that is only good for being reset, overwritten or dropped.
    fn end(&mut self, output: &mut [u8]) -> Result<usize, Error>;

    fn reset(&mut self);

    fn export(&self) -> Result<Vec<u8>, Error>;

    fn import(bytes: &[u8]) -> Option<Self>;
}

// The sponge is the largest; a box would cost an allocation per digest.
#[derive(Clone)]
#[allow(clippy::large_enum_variant)]
enum State {
    Md5(md5::Md5),
    Sha1(sha::Sha1),
    Sha224(sha::Sha224),
    Sha256(sha::Sha256),
    Sha384(sha::Sha384),
    Sha512(sha::Sha512),
    Sha512_224(sha::Sha512_224),
    Sha512_256(sha::Sha512_256),
    Sha3_224(sha3::Sha3_224),
    Sha3_256(sha3::Sha3_256),
    Sha3_384(sha3::Sha3_384),
    Sha3_512(sha3::Sha3_512),
    Shake128(Shake<128>),
    Shake256(Shake<256>),
}

impl State {
    fn import(algorithm: Algorithm, bytes: &[u8]) -> Option<State> {
        match algorithm {
            Algorithm::Md5 if !rust_crypto::plausible_md5_count(bytes) => None,
            Algorithm::Md5 => Running::import(bytes).map(State::Md5),
            Algorithm::Sha1 => Running::import(bytes).map(State::Sha1),
            Algorithm::Sha224 => Running::import(bytes).map(State::Sha224),
            Algorithm::Sha256 => Running::import(bytes).map(State::Sha256),
            Algorithm::Sha384 => Running::import(bytes).map(State::Sha384),
            Algorithm::Sha512 => Running::import(bytes).map(State::Sha512),
            Algorithm::Sha512_224 => Running::import(bytes).map(State::Sha512_224),
            Algorithm::Sha512_256 => Running::import(bytes).map(State::Sha512_256),
            Algorithm::Sha3_224 => Running::import(bytes).map(State::Sha3_224),
            Algorithm::Sha3_256 => Running::import(bytes).map(State::Sha3_256),
            Algorithm::Sha3_384 => Running::import(bytes).map(State::Sha3_384),
            Algorithm::Sha3_512 => Running::import(bytes).map(State::Sha3_512),
            Algorithm::Shake128 | Algorithm::Shake256 => None,
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
            State::Shake128(_) => Algorithm::Shake128,
            State::Shake256(_) => Algorithm::Shake256,
        }
    }
}

// SHAKE with an output of fixed length: twice its strength.
impl<const STRENGTH: usize> Running for Shake<STRENGTH> {
    fn update(&mut self, data: &[u8]) {
        Shake::update(self, data);
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        let needed = STRENGTH / 4;
        let output = output.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        Shake::finish(self, output)?;
        Ok(needed)
    }

    fn end(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        Running::finish(self, output)
    }

    fn reset(&mut self) {
        Shake::reset(self);
    }

    fn export(&self) -> Result<Vec<u8>, Error> {
        Err(Error::Parameter("SHAKE has no state to be saved"))
    }

    fn import(_: &[u8]) -> Option<Self> {
        None
    }
}

// Copies a hash state over another one, every byte of which it replaces.
fn overwrite<S: Running>(old: &mut S, new: &S) {
    // SAFETY: both are valid, distinct values. Hash states are arrays of words that own nothing, so a copy made byte by
    // byte is a clone, and the old value needs no drop: that would only wipe what is replaced here.
    unsafe { ptr::copy_nonoverlapping(new, old, 1) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_has_the_announced_length() {
        for algorithm in Algorithm::ALL {
            let mut hash = Hash::new(algorithm);
            assert_eq!(hash.algorithm(), algorithm);
            let needed = algorithm.output_bytes();
            assert_eq!(hash.end(&mut [0; OUTPUT_BYTES_MAX][..needed - 1]), Err(Error::OutputTooSmall { needed }));
            assert_eq!(hash.end(&mut [0; OUTPUT_BYTES_MAX]), Ok(needed));
            assert!(algorithm.block_bytes() <= BLOCK_BYTES_MAX);
        }
    }
}
