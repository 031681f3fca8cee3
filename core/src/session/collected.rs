//! Data that an operation needs as a whole, collected over several calls and wiped when it is no longer needed.

use zeroize::Zeroize;

use crate::error::Error;

/// The data so far.
#[derive(Default)]
pub(super) struct Collected {
    bytes: Vec<u8>,
}

impl Collected {
    /// Adds a part. `limit` is the most that can be of use, where that is known: more is refused before it is kept.
    ///
    /// # Errors
    /// [`Error::DataLength`], [`Error::HostMemory`].
    pub(super) fn add(&mut self, part: &[u8], limit: Option<usize>) -> Result<(), Error> {
        let needed = self.bytes.len().checked_add(part.len()).ok_or(Error::HostMemory)?;
        if limit.is_some_and(|limit| needed > limit) {
            return Err(Error::DataLength);
        }
        if needed > self.bytes.capacity() {
            // A new place, so that the old one can be wiped before it is given back.
            let mut larger = Vec::new();
            larger.try_reserve_exact(needed.max(self.bytes.capacity() * 2)).map_err(|_| Error::HostMemory)?;
            larger.extend_from_slice(&self.bytes);
            self.bytes.zeroize();
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(part);
        Ok(())
    }

    /// The data so far with `last` behind it, which is not copied where it is all there is.
    ///
    /// # Errors
    /// [`Error::HostMemory`].
    pub(super) fn with<'a>(&'a mut self, last: &'a [u8], limit: Option<usize>) -> Result<&'a [u8], Error> {
        if self.bytes.is_empty() {
            return Ok(last);
        }
        self.add(last, limit)?;
        Ok(&self.bytes)
    }

    /// How much it is.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
