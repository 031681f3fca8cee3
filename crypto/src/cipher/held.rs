//! Data held back until a tag has been checked or a message is complete.

use crate::Error;
use crate::memory::wipe;

/// The most a multi-part CCM operation or a multi-part authenticated decryption holds back: 2^31 - 1 bytes.
pub const HELD_BYTES_MAX: usize = i32::MAX as usize;

/// A growing buffer that fails instead of aborting, is wiped whenever it lets go of data, and keeps a modest capacity
/// for the next operation.
pub(super) struct Held {
    bytes: Vec<u8>,
}

impl Held {
    pub(super) fn new() -> Held {
        Held { bytes: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends `data`.
    ///
    /// # Errors
    /// [`Error::DataLength`] past [`HELD_BYTES_MAX`], [`Error::Memory`].
    pub(super) fn append(&mut self, data: &[u8]) -> Result<(), Error> {
        let wanted = self.bytes.len().checked_add(data.len()).ok_or(Error::DataLength)?;
        if wanted > HELD_BYTES_MAX {
            return Err(Error::DataLength);
        }
        if wanted > self.bytes.capacity() {
            self.grow(wanted)?;
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        // Not only idle work: filling nothing at a dangling address costs 90 ns in the C library's masked stores.
        if self.bytes.is_empty() {
            return;
        }
        wipe(&mut self.bytes);
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
    }

    // Grows by copying into a new buffer: a plain reallocation would leave the old copy unwiped.
    fn grow(&mut self, wanted: usize) -> Result<(), Error> {
        let capacity = wanted.max(self.bytes.capacity().saturating_mul(2)).clamp(FIRST_BYTES, HELD_BYTES_MAX);
        let mut larger = Vec::new();
        larger.try_reserve_exact(capacity).map_err(|_| Error::Memory)?;
        larger.extend_from_slice(&self.bytes);
        self.clear();
        self.bytes = larger;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.clear();
    }
}

const FIRST_BYTES: usize = 256;
const KEPT_BYTES_MAX: usize = 1 << 20;
