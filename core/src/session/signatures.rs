//! Signing and verifying, with MACs and with key pairs (PKCS#11 3.2 §5.13 to §5.16).

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_crypto::mac::Mac;
use strongroom_crypto::rsa::SignaturePadding;

use super::operation::{KeyUse, Keyed, Slot};
use super::signer::{PairSigner, Signer, TlsSigner};
use super::{Output, Session};
use crate::asymmetric::{PrivateKey, PublicKey};
use crate::attribute::Flag;
use crate::error::Error;
use crate::mechanism::{Call, Mechanism, MechanismName, Scheme, Work};
use crate::object::Object;

/// A running signature, or the verification of one.
pub(super) struct SignOperation {
    key: KeyUse,
    signer: Signer,
    updated: bool,
    /// The signature to be verified, where it came first (`C_VerifySignatureInit`).
    signature: Option<Box<[u8]>>,
}

/// A signature from which the data comes back.
pub(super) struct RecoverOperation {
    key: KeyUse,
    padding: SignaturePadding,
}

impl Keyed for SignOperation {
    fn key_use(&mut self) -> &mut KeyUse {
        &mut self.key
    }
}

impl Keyed for RecoverOperation {
    fn key_use(&mut self) -> &mut KeyUse {
        &mut self.key
    }
}

/// Making a signature, or checking one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Sign,
    Verify,
    SignRecover,
    VerifyRecover,
    MessageSign,
    MessageVerify,
}

impl Session {
    /// Begins a signature (`C_SignInit`).
    ///
    /// # Errors
    /// The mechanism's, its parameter's, the key's.
    pub fn sign_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.signature_init(&mut self.state()?.signature, call, key, Purpose::Sign)
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
        self.signature_update(&mut self.state()?.signature, part)
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
        self.signature_init(&mut self.state()?.verification, call, key, Purpose::Verify)
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
                if operation.updated || operation.signature.is_some() {
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
        self.verification_update(part, false)
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
                if operation.signature.is_some() {
                    return Err(Error::OperationNotInitialized);
                }
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

    /// Begins the verification of this signature (`C_VerifySignatureInit`).
    ///
    /// # Errors
    /// As [`Session::sign_init`]; [`Error::SignatureLength`].
    pub fn verify_signature_init(&self, call: &Call<'_>, key: u64, signature: &[u8]) -> Result<(), Error> {
        let mut state = self.state()?;
        self.signature_init(&mut state.verification, call, key, Purpose::Verify)?;
        let operation = state.verification.active()?;
        if signature.len() > operation.signer.bytes() {
            state.verification.end();
            return Err(Error::SignatureLength);
        }
        operation.signature = Some(signature.into());
        Ok(())
    }

    /// Verifies the signature given first over all data of the operation and ends it (`C_VerifySignature`).
    ///
    /// # Errors
    /// As [`Session::verify`].
    pub fn verify_signature(&self, data: &[u8]) -> Result<(), Error> {
        self.state()?.verification.step(
            |()| true,
            |operation| {
                operation.key.check(&self.application, false)?;
                if operation.updated {
                    return Err(Error::OperationNotInitialized);
                }
                let signature = operation.signature.take().ok_or(Error::OperationNotInitialized)?;
                operation.compare(data, &signature)
            },
        )
    }

    /// Takes a part of the data (`C_VerifySignatureUpdate`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn verify_signature_update(&self, part: &[u8]) -> Result<(), Error> {
        self.verification_update(part, true)
    }

    /// Verifies the signature given first over the data so far (`C_VerifySignatureFinal`).
    ///
    /// # Errors
    /// As [`Session::verify`].
    pub fn verify_signature_final(&self) -> Result<(), Error> {
        self.state()?.verification.step(
            |()| true,
            |operation| {
                operation.key.check(&self.application, false)?;
                let signature = operation.signature.take().ok_or(Error::OperationNotInitialized)?;
                operation.compare(&[], &signature)
            },
        )
    }

    /// Ends a verification without a result (`C_VerifySignatureInit` without a mechanism).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn verify_signature_cancel(&self) -> Result<(), Error> {
        self.verify_cancel()
    }

    /// Begins a signature that holds its data (`C_SignRecoverInit`).
    ///
    /// # Errors
    /// As [`Session::sign_init`].
    pub fn sign_recover_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.recover_init(&mut self.state()?.sign_recovery, call, key, Purpose::SignRecover)
    }

    /// Signs the data (`C_SignRecover`).
    ///
    /// # Errors
    /// As [`Session::sign`].
    pub fn sign_recover(&self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.state()?.sign_recovery.step(
            |_| !query,
            |operation| {
                operation.key.check(&self.application, query)?;
                let PrivateKey::Rsa(key) = &**operation.key.object().private_key()? else {
                    return Err(Error::NotSupported);
                };
                let needed = key.bytes();
                match output {
                    Output::Length => Ok(needed),
                    Output::Buffer(buffer) if buffer.len() < needed => Err(Error::BufferTooSmall { needed }),
                    Output::Buffer(buffer) => Ok(key.sign(&operation.padding, data, buffer)?),
                }
            },
        )
    }

    /// Ends the operation without a result.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn sign_recover_cancel(&self) -> Result<(), Error> {
        self.state()?.sign_recovery.end();
        Ok(())
    }

    /// Begins the recovery of data from signatures (`C_VerifyRecoverInit`).
    ///
    /// # Errors
    /// As [`Session::sign_init`].
    pub fn verify_recover_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.recover_init(&mut self.state()?.verify_recovery, call, key, Purpose::VerifyRecover)
    }

    /// Gives the data a signature holds (`C_VerifyRecover`).
    ///
    /// # Errors
    /// As [`Session::verify`]; [`Error::BufferTooSmall`], which ends nothing.
    pub fn verify_recover(&self, signature: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.state()?.verify_recovery.step(
            |_| !query,
            |operation| {
                operation.key.check(&self.application, query)?;
                let PublicKey::Rsa(key) = operation.key.object().public_key()? else {
                    return Err(Error::NotSupported);
                };
                if signature.len() != key.bytes() {
                    return Err(Error::SignatureLength);
                }
                let mut data = vec![0; key.bytes()];
                let needed = key.recover(&operation.padding, signature, &mut data).map_err(invalid_signature)?;
                match output {
                    Output::Length => Ok(needed),
                    Output::Buffer(buffer) => {
                        let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
                        place.copy_from_slice(data.get(..needed).unwrap_or_default());
                        Ok(needed)
                    }
                }
            },
        )
    }

    /// Ends the operation without a result.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn verify_recover_cancel(&self) -> Result<(), Error> {
        self.state()?.verify_recovery.end();
        Ok(())
    }

    fn recover_init(
        &self,
        slot: &mut Slot<RecoverOperation>,
        call: &Call<'_>,
        key: u64,
        purpose: Purpose,
    ) -> Result<(), Error> {
        slot.refuse_active()?;
        self.functions(call.mechanism, purpose.function())?;
        let padding = match call.mechanism.scheme() {
            Some(Scheme::RsaPkcs1(None)) => SignaturePadding::Pkcs1,
            Some(Scheme::RsaRaw) => SignaturePadding::Raw,
            _ => return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id))),
        };
        let (key, _) = self.signing_key(call.mechanism, key, purpose)?;
        slot.begin(RecoverOperation { key, padding });
        Ok(())
    }

    pub(super) fn signature_init(
        &self,
        slot: &mut Slot<SignOperation>,
        call: &Call<'_>,
        key: u64,
        purpose: Purpose,
    ) -> Result<(), Error> {
        slot.refuse_active()?;
        if let Work::Mac { .. } = call.mechanism.work {
            return self.mac_init(slot, call, key, purpose);
        }
        let epoch = self.application.current()?;
        if let Some(finished) = slot.finished()
            && finished.key.is_of(key, call.mechanism, epoch)
            && let Signer::Pair(signer) = &mut finished.signer
        {
            // The mechanism and the key are as they were found allowed; the parameter is new.
            let allowed = call.check_hash(self.application.policy(), purpose.function());
            match allowed.and_then(|()| signer.restart(call, finished.key.object())) {
                Ok(()) => {
                    finished.begin_again();
                    slot.resume();
                    return Ok(());
                }
                Err(error) => {
                    slot.end();
                    return Err(error);
                }
            }
        }
        slot.begin(self.pair_operation(call, key, purpose)?);
        Ok(())
    }

    /// A signature with a key pair, or of TLS.
    pub(super) fn pair_operation(&self, call: &Call<'_>, key: u64, purpose: Purpose) -> Result<SignOperation, Error> {
        self.functions(call.mechanism, purpose.function())?;
        call.check_hash(self.application.policy(), purpose.function())?;
        let (key, signer) = match (call.mechanism.scheme(), &call.mechanism.work) {
            (Some(scheme), _) => {
                let (key, object) = self.signing_key(call.mechanism, key, purpose)?;
                (key, Signer::Pair(PairSigner::start(scheme, call, &object)?))
            }
            (None, Work::TlsMac) => {
                let signer = Signer::Tls(TlsSigner::start(call)?);
                (self.signing_key(call.mechanism, key, purpose)?.0, signer)
            }
            _ => return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id))),
        };
        Ok(SignOperation { key, signer, updated: false, signature: None })
    }

    fn mac_init(
        &self,
        slot: &mut Slot<SignOperation>,
        call: &Call<'_>,
        key: u64,
        purpose: Purpose,
    ) -> Result<(), Error> {
        let Work::Mac { key_types, form, .. } = call.mechanism.work else {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        };
        let (bytes, iv) = call.mac()?;
        let epoch = self.application.current()?;
        if let Some(finished) = slot.finished()
            && finished.key.is_of(key, call.mechanism, epoch)
            && let Signer::Mac(mac, length) = &mut finished.signer
        {
            match mac.restart(iv) {
                Ok(()) => {
                    *length = bytes;
                    finished.begin_again();
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
        let object = self.application.key_before_approval(key)?;
        let key = KeyUse::new(object, call.mechanism, key_types, purpose.usage(), (epoch, &self.application))?;
        let mac = Mac::start(&key.object().material()?.mac(form)?, iv)?;
        slot.begin(SignOperation { key, signer: Signer::Mac(mac, bytes), updated: false, signature: None });
        Ok(())
    }

    /// The key with this handle, for use with `mechanism`.
    fn signing_key(
        &self,
        mechanism: &'static Mechanism,
        key: u64,
        purpose: Purpose,
    ) -> Result<(KeyUse, Arc<Object>), Error> {
        let keys = mechanism.keys().ok_or(Error::MechanismInvalid(MechanismName(mechanism.id)))?;
        let epoch = self.application.current()?;
        let object = self.application.key_before_approval(key)?;
        let key = KeyUse::new(Arc::clone(&object), mechanism, keys.types, purpose.usage(), (epoch, &self.application))?;
        self.approved(&object, purpose.function())?;
        Ok((key, object))
    }

    pub(super) fn signature_update(&self, slot: &mut Slot<SignOperation>, part: &[u8]) -> Result<(), Error> {
        slot.step(|()| false, |operation| operation.update(self, part))
    }

    /// A part of what is verified, where the signature comes first or does not. The wrong one of the two functions ends
    /// the operation, as any error does.
    fn verification_update(&self, part: &[u8], signature_first: bool) -> Result<(), Error> {
        self.state()?.verification.step(
            |()| false,
            |operation| {
                if operation.signature.is_some() != signature_first {
                    return Err(Error::OperationNotInitialized);
                }
                operation.update(self, part)
            },
        )
    }
}

impl SignOperation {
    /// Whether the operation may go on, with a step that uses the key or is `idle`.
    pub(super) fn check(&mut self, session: &Session, idle: bool) -> Result<(), Error> {
        self.key.check(&session.application, idle)
    }

    /// Takes a part of the data.
    pub(super) fn take(&mut self, part: &[u8]) -> Result<(), Error> {
        self.signer.update(part)
    }

    fn update(&mut self, session: &Session, part: &[u8]) -> Result<(), Error> {
        self.check(session, part.is_empty())?;
        self.take(part)?;
        self.updated = true;
        Ok(())
    }

    /// Forgets the data so far.
    pub(super) fn begin_again(&mut self) {
        self.key.again();
        self.updated = false;
        self.signature = None;
        if let Signer::Pair(signer) = &mut self.signer {
            signer.begin_again();
        }
    }

    pub(super) fn finish(&mut self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let needed = self.signer.bytes();
        match output {
            Output::Length => Ok(needed),
            Output::Buffer(buffer) => {
                let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
                self.signer.sign(self.key.object(), data, place)
            }
        }
    }

    pub(super) fn compare(&mut self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.signer.verify(self.key.object(), data, signature)
    }
}

impl Purpose {
    /// What the key must permit.
    fn usage(self) -> (Flag, &'static str) {
        match self {
            Purpose::Sign | Purpose::MessageSign => (Flag::Sign, "the key may not sign (CKA_SIGN)"),
            Purpose::Verify | Purpose::MessageVerify => (Flag::Verify, "the key may not verify (CKA_VERIFY)"),
            Purpose::SignRecover => (Flag::SignRecover, "the key may not sign so (CKA_SIGN_RECOVER)"),
            Purpose::VerifyRecover => (Flag::VerifyRecover, "the key may not verify so (CKA_VERIFY_RECOVER)"),
        }
    }

    /// What the mechanism must do.
    fn function(self) -> CK_FLAGS {
        match self {
            Purpose::Sign => CKF_SIGN,
            Purpose::Verify => CKF_VERIFY,
            Purpose::SignRecover => CKF_SIGN_RECOVER,
            Purpose::VerifyRecover => CKF_VERIFY_RECOVER,
            Purpose::MessageSign => CKF_MESSAGE_SIGN,
            Purpose::MessageVerify => CKF_MESSAGE_VERIFY,
        }
    }
}

fn invalid_signature(error: strongroom_crypto::Error) -> Error {
    match error {
        strongroom_crypto::Error::Authentication => Error::SignatureInvalid,
        other => other.into(),
    }
}
