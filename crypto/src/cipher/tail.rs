//! The last bytes of the data so far, kept until it is known what follows them.

use crate::Error;
use crate::memory::wipe;

/// Up to two blocks of data not processed yet. Wiped on drop.
pub(super) struct Tail {
    bytes: [u8; TAIL_BYTES_MAX],
    len: usize,
}

impl Tail {
    pub(super) fn new() -> Tail {
        Tail { bytes: [0; TAIL_BYTES_MAX], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(super) fn clear(&mut self) {
        wipe(&mut self.bytes);
        self.len = 0;
    }

    /// Passes the first `ready` bytes of (kept bytes, then `input`) through `process` and keeps the rest.
    ///
    /// `ready` and all but the last argument of `process` are whole blocks of `block_bytes`; the rest is below two
    /// blocks; `output` has at least `ready` bytes. All of that follows from the mode's own count.
    pub(super) fn feed(
        &mut self,
        block_bytes: usize,
        ready: usize,
        input: &[u8],
        output: &mut [u8],
        mut process: impl FnMut(&[u8], &mut [u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let from_tail = ready.min(self.len.next_multiple_of(block_bytes));
        let from_input = from_tail.saturating_sub(self.len);
        let (head, rest) = input.split_at(from_input);
        let (first, second) = output[..ready].split_at_mut(from_tail);
        if from_tail > 0 {
            self.bytes[self.len..self.len + from_input].copy_from_slice(head);
            process(&self.bytes[..from_tail], first)?;
            self.bytes.copy_within(from_tail.min(self.len)..self.len, 0);
            self.len = self.len.saturating_sub(from_tail);
        }
        let (middle, kept) = rest.split_at(second.len());
        if !middle.is_empty() {
            process(middle, second)?;
        }
        self.bytes[self.len..self.len + kept.len()].copy_from_slice(kept);
        self.len += kept.len();
        Ok(())
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

const TAIL_BYTES_MAX: usize = 32;
