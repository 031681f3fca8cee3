//! Keys out of the bytes of keys (PKCS#11 3.2, "Miscellaneous simple key derivation mechanisms", "Hash-based Key
//! Derivation", "Key derivation by data encryption – DES & AES").

use std::sync::Arc;

use strongroom_crypto::cipher::{Cipher, Direction, Mode};
use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::memory::SecretBytes;

use super::{Derived, Run, Sources, first};
use crate::error::Error;
use crate::mechanism::CipherMode;

impl Run<'_> {
    /// The base key with another behind it.
    pub(super) fn concatenate_key(&self, key_types: &[u64], other: u64) -> Result<Derived, Error> {
        let base = self.key(self.base, key_types)?;
        let other = self.key(other, key_types)?;
        let sources = Sources { base, others: vec![Arc::clone(&other)] };
        self.joined(&sources, &[sources.value()?, other.material()?.value()])
    }

    /// The base key with data before or behind it.
    pub(super) fn concatenate(&self, key_types: &[u64], before: &[u8], behind: &[u8]) -> Result<Derived, Error> {
        let sources = self.sources(key_types)?;
        self.joined(&sources, &[before, sources.value()?, behind])
    }

    fn joined(&self, sources: &Sources, parts: &[&[u8]]) -> Result<Derived, Error> {
        self.may_tell(sources)?;
        self.one(sources, self.template, |target| {
            let most = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
            let bytes = target.told_bytes_of(most)?;
            let mut value = SecretBytes::zeroed(bytes)?;
            let joined = parts.iter().flat_map(|part| part.iter());
            value.expose_mut().iter_mut().zip(joined).for_each(|(place, byte)| *place = *byte);
            Ok(value)
        })
    }

    /// The base key XORed with data, as long as the shorter of them.
    pub(super) fn xor(&self, key_types: &[u64], data: &[u8]) -> Result<Derived, Error> {
        if data.is_empty() {
            return Err(Error::MechanismParameter("there is no data to XOR with"));
        }
        let sources = self.sources(key_types)?;
        self.may_tell(&sources)?;
        let base = sources.value()?;
        self.one(&sources, self.template, |target| {
            let mut value = first(base, target.told_bytes_of(base.len().min(data.len()))?)?;
            value.expose_mut().iter_mut().zip(data).for_each(|(place, byte)| *place ^= byte);
            Ok(value)
        })
    }

    /// Bits of the base key from the one with the number `start` on, counted from the most significant of the first
    /// byte, around its end if need be.
    pub(super) fn extract(&self, key_types: &[u64], start: u64) -> Result<Derived, Error> {
        let sources = self.sources(key_types)?;
        self.may_tell(&sources)?;
        let base = sources.value()?;
        let start = usize::try_from(start).ok().filter(|start| start / 8 < base.len());
        let start = start.ok_or(Error::MechanismParameter("the base key has no bit of this number"))?;
        self.one(&sources, self.template, |target| {
            let bytes = target.needed_bytes()?;
            if bytes > base.len() {
                return Err(Error::KeySize { got: bytes });
            }
            let mut value = SecretBytes::zeroed(bytes)?;
            let ring = base.iter().cycle().skip(start / 8);
            let pairs = ring.clone().zip(ring.skip(1));
            for (place, (high, low)) in value.expose_mut().iter_mut().zip(pairs) {
                let [byte, _] = (u16::from_be_bytes([*high, *low]) << (start % 8)).to_be_bytes();
                *place = byte;
            }
            Ok(value)
        })
    }

    /// The hash of the base key.
    pub(super) fn hashed(&self, key_types: &[u64], algorithm: Algorithm) -> Result<Derived, Error> {
        let sources = self.sources(key_types)?;
        self.one(&sources, self.template, |target| {
            let bytes = target.told_bytes_of(algorithm.output_bytes())?;
            let mut digest = SecretBytes::zeroed(algorithm.output_bytes())?;
            hash::digest(algorithm, sources.value()?, digest.expose_mut())?;
            first(digest.expose(), bytes)
        })
    }

    /// Data that the base key encrypts. Of more than is needed the end is left out.
    pub(super) fn encrypted(
        &self,
        key_types: &[u64],
        mode: CipherMode,
        iv: Option<&[u8]>,
        data: &[u8],
    ) -> Result<Derived, Error> {
        let mode = match (mode, iv) {
            (CipherMode::Ecb, None) => Mode::Ecb,
            (CipherMode::Cbc, Some(iv)) => Mode::Cbc { iv },
            _ => return Err(Error::MechanismParameter("not what this mechanism takes")),
        };
        let sources = self.sources(key_types)?;
        let key = sources.base.material()?.cipher(sources.base.kind.subtype.unwrap_or_default())?;
        self.one(&sources, self.template, |target| {
            let bytes = target.told_bytes_of(data.len()).map_err(|error| match error {
                Error::KeySize { .. } => Error::DataLength,
                other => other,
            })?;
            let mut ciphertext = SecretBytes::zeroed(data.len())?;
            let written = Cipher::start(key, &mode, Direction::Encrypt)?
                .one_shot(data, ciphertext.expose_mut())
                .map_err(|error| match error {
                    strongroom_crypto::Error::DataLength => Error::MechanismParameter("the data is not whole blocks"),
                    other => other.into(),
                })?;
            first(ciphertext.expose().get(..written).unwrap_or_default(), bytes)
        })
    }
}
