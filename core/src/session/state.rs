//! Saving and restoring the state of a digest (`C_GetOperationState`, `C_SetOperationState`, PKCS#11 3.2 §5.6.6 and
//! §5.6.7). The state of an operation with a key would be worth as much as the key, so it cannot be saved.

use strongroom_crypto::hash::Hash;

use super::digests::DigestOperation;
use super::operation::KeyedSlot;
use super::{Output, Session};
use crate::error::Error;
use crate::mechanism::{self, Work};

impl Session {
    /// Saves the state of the active digest.
    ///
    /// # Errors
    /// [`Error::StateUnsaveable`] where another operation is active, or a key was digested.
    pub fn save_state(&self, output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let others = state.keyed().iter().any(|slot| slot.is_active());
        if others {
            return Err(Error::StateUnsaveable);
        }
        let operation = state.digest.active()?;
        if operation.keyed.is_some() {
            return Err(Error::StateUnsaveable);
        }
        let hash = operation.hash.export_state()?;
        let needed = HEADER_BYTES + hash.len();
        let Output::Buffer(buffer) = output else { return Ok(needed) };
        let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
        let (header, rest) = place.split_at_mut(HEADER_BYTES);
        header[..8].copy_from_slice(MAGIC);
        header[8..16].copy_from_slice(&operation.mechanism.id.to_le_bytes());
        header[16] = u8::from(operation.updated);
        rest.copy_from_slice(&hash);
        Ok(needed)
    }

    /// Restores the state of a digest, in place of whatever the session was doing.
    ///
    /// # Errors
    /// [`Error::SavedStateInvalid`], [`Error::KeyNotNeeded`].
    pub fn restore_state(&self, saved: &[u8], encryption_key: u64, authentication_key: u64) -> Result<(), Error> {
        let mut state = self.state()?;
        let operation = parse(saved).ok_or(Error::SavedStateInvalid)?;
        if encryption_key != 0 || authentication_key != 0 {
            return Err(Error::KeyNotNeeded);
        }
        self.application.current()?;
        self.offered(operation.mechanism)?;
        state.keyed().into_iter().for_each(KeyedSlot::end);
        state.found = None;
        state.digest.begin(operation);
        Ok(())
    }
}

fn parse(saved: &[u8]) -> Option<DigestOperation> {
    let (header, hash) = saved.split_at_checked(HEADER_BYTES)?;
    let (magic, rest) = header.split_at_checked(8)?;
    let (id, updated) = rest.split_first_chunk::<8>()?;
    if magic != MAGIC {
        return None;
    }
    let mechanism = mechanism::find(u64::from_le_bytes(*id))?;
    let Work::Digest(algorithm) = mechanism.work else { return None };
    let updated = match updated {
        [0] => false,
        [1] => true,
        _ => return None,
    };
    let hash = Hash::import_state(algorithm, hash).ok()?;
    Some(DigestOperation { mechanism, hash, updated, keyed: None })
}

const MAGIC: &[u8; 8] = b"SRdigst1";
const HEADER_BYTES: usize = 17;
