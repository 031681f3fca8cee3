//! MD5 and SHA-3 over the RustCrypto crates: AWS-LC does not publish its SHA-3 states.

use digest::common::hazmat::{SerializableState, SerializedState};
use digest::{FixedOutputReset, Output, Reset, Update};

use super::Running;
use crate::Error;

impl<S: Update + FixedOutputReset + SerializableState + Clone> Running for S {
    #[inline]
    fn update(&mut self, data: &[u8]) {
        Update::update(self, data);
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        let needed = S::output_size();
        let output = output.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        match <&mut Output<S>>::try_from(&mut *output) {
            Ok(output) => self.finalize_into_reset(output),
            Err(_) => output.copy_from_slice(&self.finalize_fixed_reset()),
        }
        Ok(needed)
    }

    fn end(&mut self, output: &mut [u8]) -> Result<usize, Error> {
        self.finish(output)
    }

    #[inline]
    fn reset(&mut self) {
        Reset::reset(self);
    }

    fn export(&self) -> Result<Vec<u8>, Error> {
        let state = self.serialize();
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(state.len()).map_err(|_| Error::Memory)?;
        bytes.extend_from_slice(&state);
        Ok(bytes)
    }

    fn import(bytes: &[u8]) -> Option<S> {
        S::deserialize(<&SerializedState<S>>::try_from(bytes).ok()?).ok()
    }
}

/// Whether the block count in a saved state of MD5, behind the chaining value, can be that of a message. The crate
/// takes any count and overflows at the end of the message when it is absurd.
pub(super) fn plausible_md5_count(bytes: &[u8]) -> bool {
    let count = bytes.get(MD5_CHAINING_BYTES..).and_then(|rest| rest.first_chunk());
    count.is_some_and(|count| u64::from_le_bytes(*count) < BLOCK_COUNT_LIMIT)
}

const MD5_CHAINING_BYTES: usize = 16;

// 2^58 bytes: no machine gets there, and the count of bits stays within 64 bits.
const BLOCK_COUNT_LIMIT: u64 = 1 << 52;

#[cfg(test)]
mod tests {
    use crate::hash::{Algorithm, Hash};

    #[test]
    fn an_absurd_block_count_is_refused() {
        let mut hash = Hash::new(Algorithm::Md5);
        hash.update(&[1; 258 * 64]);
        let state = hash.export_state().unwrap();
        assert_eq!(state[16..24], [2, 1, 0, 0, 0, 0, 0, 0], "the count is where it is looked for");
        assert!(Hash::import_state(Algorithm::Md5, &state).is_ok());
        for (value, accepted) in [(0x0f, true), (0x10, false), (0xff, false)] {
            let mut changed = state.clone();
            changed[16 + 6] = value;
            assert_eq!(Hash::import_state(Algorithm::Md5, &changed).is_ok(), accepted, "{value}");
        }
    }
}
