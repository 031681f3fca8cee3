//! Signing and verifying with MACs (PKCS#11 3.2 §5.13 and §5.15).

use strongroom_crypto::mac::Mac;

use super::operation::{KeyUse, Keyed, Slot};
use super::{Output, Session, State};
use crate::attribute::Flag;
use crate::error::Error;
use crate::mechanism::{Call, MechanismName, Work};

/// A running MAC.
pub(super) struct MacOperation {
    key: KeyUse,
    mac: Mac,
    bytes: usize,
    updated: bool,
}

impl Keyed for MacOperation {
    fn key_use(&mut self) -> &mut KeyUse {
        &mut self.key
    }
}

/// Making a MAC, or checking one.
#[derive(Clone, Copy)]
enum Purpose {
    Sign,
    Verify,
}

impl Session {
    /// Begins a signature (`C_SignInit`).
    ///
    /// # Errors
    /// The mechanism's, its parameter's, the key's.
    pub fn sign_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.mac_init(call, key, Purpose::Sign)
    }

    /// Signs all data of the operation and ends it (`C_Sign`).
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`], which ends nothing.
    pub fn sign(&self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.state()?.signature.step(
            |_| !query,
            |operation| {
                operation.key.check(&self.application, query)?;
                if operation.updated {
                    return Err(Error::OperationNotInitialized);
                }
                operation.finish(data, output)
            },
        )
    }

    /// Signs a part (`C_SignUpdate`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn sign_update(&self, part: &[u8]) -> Result<(), Error> {
        self.mac_update(&mut self.state()?.signature, part)
    }

    /// Ends a signature in parts (`C_SignFinal`).
    ///
    /// # Errors
    /// As [`Session::sign`].
    pub fn sign_final(&self, output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.state()?.signature.step(
            |_| !query,
            |operation| {
                operation.key.check(&self.application, query)?;
                operation.finish(&[], output)
            },
        )
    }

    /// Ends a signature without a result.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn sign_cancel(&self) -> Result<(), Error> {
        self.state()?.signature.end();
        Ok(())
    }

    /// Begins a verification (`C_VerifyInit`).
    ///
    /// # Errors
    /// As [`Session::sign_init`].
    pub fn verify_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.mac_init(call, key, Purpose::Verify)
    }

    /// Verifies a signature over all data of the operation and ends it (`C_Verify`).
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`], [`Error::SignatureLength`].
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.state()?.verification.step(
            |()| true,
            |operation| {
                operation.key.check(&self.application, false)?;
                if operation.updated {
                    return Err(Error::OperationNotInitialized);
                }
                operation.compare(data, signature)
            },
        )
    }

    /// Verifies a part (`C_VerifyUpdate`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn verify_update(&self, part: &[u8]) -> Result<(), Error> {
        self.mac_update(&mut self.state()?.verification, part)
    }

    /// Ends a verification in parts (`C_VerifyFinal`).
    ///
    /// # Errors
    /// As [`Session::verify`].
    pub fn verify_final(&self, signature: &[u8]) -> Result<(), Error> {
        self.state()?.verification.step(
            |()| true,
            |operation| {
                operation.key.check(&self.application, false)?;
                operation.compare(&[], signature)
            },
        )
    }

    /// Ends a verification without a result.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn verify_cancel(&self) -> Result<(), Error> {
        self.state()?.verification.end();
        Ok(())
    }

    fn mac_init(&self, call: &Call<'_>, key: u64, purpose: Purpose) -> Result<(), Error> {
        let mut state = self.state()?;
        let slot = state.mac(purpose);
        slot.refuse_active()?;
        let Work::Mac { key_types, form, .. } = call.mechanism.work else {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        };
        let (bytes, iv) = call.mac()?;
        let epoch = self.application.current()?;
        if let Some(finished) = slot.finished()
            && finished.key.is_of(key, call.mechanism, epoch)
        {
            match finished.mac.restart(iv) {
                Ok(()) => {
                    finished.updated = false;
                    finished.bytes = bytes;
                    finished.key.again();
                    slot.resume();
                    return Ok(());
                }
                Err(error) => {
                    slot.end();
                    return Err(error.into());
                }
            }
        }
        self.offered(call.mechanism)?;
        let object = self.application.key(key)?;
        let usage = match purpose {
            Purpose::Sign => (Flag::Sign, "the key may not sign (CKA_SIGN)"),
            Purpose::Verify => (Flag::Verify, "the key may not verify (CKA_VERIFY)"),
        };
        let key = KeyUse::new(object, call.mechanism, key_types, usage, (epoch, &self.application))?;
        let mac = Mac::start(&key.object().material()?.mac(form)?, iv)?;
        slot.begin(MacOperation { key, mac, bytes, updated: false });
        Ok(())
    }

    pub(super) fn mac_update(&self, slot: &mut Slot<MacOperation>, part: &[u8]) -> Result<(), Error> {
        slot.step(
            |()| false,
            |operation| {
                operation.key.check(&self.application, false)?;
                operation.mac.update(part)?;
                operation.updated = true;
                Ok(())
            },
        )
    }
}

impl MacOperation {
    /// Whether the operation may go on.
    pub(super) fn check(&mut self, session: &Session) -> Result<(), Error> {
        self.key.check(&session.application, false)
    }

    fn finish(&mut self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let needed = self.bytes;
        match output {
            Output::Length => Ok(needed),
            Output::Buffer(buffer) => {
                let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
                self.mac.update(data)?;
                Ok(self.mac.finish(place)?)
            }
        }
    }

    fn compare(&mut self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        if signature.len() != self.bytes {
            return Err(Error::SignatureLength);
        }
        self.mac.update(data)?;
        if self.mac.verify(signature)? { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

impl State {
    fn mac(&mut self, purpose: Purpose) -> &mut Slot<MacOperation> {
        match purpose {
            Purpose::Sign => &mut self.signature,
            Purpose::Verify => &mut self.verification,
        }
    }
}
