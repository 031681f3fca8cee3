//! Masked objects: the record of an object, as it lies in the store, in a container that leaves the token and comes
//! back.
//!
//! The record stays sealed to its owner. The container tells the token's users, and nobody else, that it is one of this
//! token and as it was made: `docs/store-format.md`.

use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;

use super::{TokenId, UserKeys, binding, open, seal};
use crate::error::Error;

impl UserKeys {
    /// The container for the record of the object with this number.
    ///
    /// # Errors
    /// The random source's; no memory.
    pub(crate) fn mask(
        &self,
        token: &TokenId,
        number: u64,
        record: &[u8],
        random: &dyn Source,
    ) -> Result<Vec<u8>, Error> {
        let content = [&number.to_le_bytes(), record].concat();
        Ok([HEAD, &seal(&self.masking, &aad(token), &content, random)?].concat())
    }

    /// The number and the record in a container.
    ///
    /// # Errors
    /// [`Error::MaskedObject`] for anything that was not made by [`UserKeys::mask`] on this token.
    pub(crate) fn unmask(&self, token: &TokenId, container: &[u8]) -> Result<(u64, SecretBytes), Error> {
        let (magic, versions) = HEAD.split_at(HEAD.len() - 1);
        let rest = container.strip_prefix(magic).ok_or(Error::MaskedObject("this is none"))?;
        let sealed = rest.strip_prefix(versions).ok_or(Error::MaskedObject("it is of another version"))?;
        let foreign = Error::MaskedObject("it is of another token, or was changed or cut off");
        let content = match open(&self.masking, &aad(token), sealed) {
            Err(strongroom_crypto::Error::Authentication) => return Err(foreign),
            opened => opened?,
        };
        let (number, record) = content.expose().split_first_chunk().ok_or(foreign)?;
        Ok((u64::from_le_bytes(*number), SecretBytes::from_slice(record)?))
    }
}

fn aad(token: &TokenId) -> Vec<u8> {
    binding("strongroom masked object", token, 0, &[HEAD])
}

/// What a container starts with: its name, and the version of its form.
const HEAD: &[u8] = b"SRMO\x01";
