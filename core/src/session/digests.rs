//! Message digesting (PKCS#11 3.2 §5.12).

use strongroom_crypto::hash::Hash;

use super::operation::{Settled, Slot};
use super::{Output, Session};
use crate::error::Error;
use crate::mechanism::{Call, Mechanism, MechanismName, Parameter, Work};

impl Settled for DigestOperation {
    fn settle(&mut self, _: bool) {}
}

/// A running digest.
pub(super) struct DigestOperation {
    pub(super) mechanism: &'static Mechanism,
    pub(super) hash: Hash,
    pub(super) updated: bool,
    /// Whether a key went in, and how many logins had ended by then: the state holds some of the key, so it stays
    /// inside, and a logout ends it.
    pub(super) keyed: Option<u64>,
}

impl Session {
    /// Begins a digest (`C_DigestInit`).
    ///
    /// # Errors
    /// The mechanism's.
    pub fn digest_init(&self, call: &Call<'_>) -> Result<(), Error> {
        let mut state = self.state()?;
        state.digest.refuse_active()?;
        let Work::Digest(algorithm) = call.mechanism.work else {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        };
        self.application.current()?;
        self.offered(call.mechanism)?;
        if !matches!(call.parameter, Parameter::None) {
            return Err(Error::MechanismParameter("a digest takes none"));
        }
        // A finished hash has begun anew by itself.
        if let Some(finished) = state.digest.finished()
            && std::ptr::eq(finished.mechanism, call.mechanism)
        {
            finished.updated = false;
            finished.keyed = None;
            state.digest.resume();
            return Ok(());
        }
        let hash = Hash::new(algorithm);
        state.digest.begin(DigestOperation { mechanism: call.mechanism, hash, updated: false, keyed: None });
        Ok(())
    }

    /// Digests all data of the operation and ends it (`C_Digest`).
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], which ends nothing.
    pub fn digest(&self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.state()?.digest.step(
            |_| !query,
            |operation| {
                operation.check(self)?;
                if operation.updated {
                    return Err(Error::OperationNotInitialized);
                }
                finish(operation, data, output)
            },
        )
    }

    /// Digests a part (`C_DigestUpdate`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn digest_update(&self, part: &[u8]) -> Result<(), Error> {
        update(&mut self.state()?.digest, part)
    }

    /// Digests the value of a key (`C_DigestKey`).
    ///
    /// # Errors
    /// [`Error::KeyIndigestible`] for a value that must stay inside: HMAC takes the hash of a long key in its place, so
    /// that hash is as good as the key.
    pub fn digest_key(&self, key: u64) -> Result<(), Error> {
        let mut state = self.state()?;
        state.digest.step(
            |()| false,
            |operation| {
                operation.check(self)?;
                let logouts = self.application.logouts();
                let object = self.application.key_before_approval(key)?;
                if object.stays_inside() {
                    return Err(Error::KeyIndigestible);
                }
                operation.hash.update(object.material()?.value());
                operation.updated = true;
                operation.keyed.get_or_insert(logouts);
                Ok(())
            },
        )
    }

    /// Ends a digest in parts (`C_DigestFinal`).
    ///
    /// # Errors
    /// As [`Session::digest`].
    pub fn digest_final(&self, output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.state()?.digest.step(
            |_| !query,
            |operation| {
                operation.check(self)?;
                finish(operation, &[], output)
            },
        )
    }

    /// Ends a digest without a result.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn digest_cancel(&self) -> Result<(), Error> {
        self.state()?.digest.end();
        Ok(())
    }
}

impl DigestOperation {
    /// A digest that holds a key ends with the login that could use it.
    pub(super) fn check(&self, session: &Session) -> Result<(), Error> {
        let Some(logouts) = self.keyed else { return Ok(()) };
        session.application.current()?;
        if logouts == session.application.logouts() { Ok(()) } else { Err(Error::NotLoggedIn) }
    }
}

/// Digests a part in an active operation.
pub(super) fn update(slot: &mut Slot<DigestOperation>, part: &[u8]) -> Result<(), Error> {
    slot.step(
        |()| false,
        |operation| {
            operation.hash.update(part);
            operation.updated = true;
            Ok(())
        },
    )
}

fn finish(operation: &mut DigestOperation, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
    let needed = operation.hash.algorithm().output_bytes();
    match output {
        Output::Length => Ok(needed),
        Output::Buffer(buffer) => {
            let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
            operation.hash.update(data);
            Ok(operation.hash.finish(place)?)
        }
    }
}
