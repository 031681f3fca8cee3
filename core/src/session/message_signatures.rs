//! Signing and verifying message after message with one key (PKCS#11 3.2 §5.14 and §5.16).
//!
//! As with encryption by messages, an error ends the message at hand and never the series.

use super::approval::is_carried_out;
use super::operation::{KeyUse, Keyed, Slot};
use super::signatures::{Purpose, SignOperation};
use super::{Output, Session, State};
use crate::error::Error;
use crate::mechanism::{Call, MechanismName};

/// A series of messages.
pub(super) struct MessageSignature {
    operation: SignOperation,
    /// Whether a message in parts has begun.
    begun: bool,
}

impl Keyed for MessageSignature {
    fn key_use(&mut self) -> &mut KeyUse {
        self.operation.key_use()
    }
}

impl Session {
    /// Begins a series of signed messages (`C_MessageSignInit`).
    ///
    /// # Errors
    /// As [`Session::sign_init`].
    pub fn message_sign_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.message_signature_init(call, key, Purpose::MessageSign)
    }

    /// Signs a message (`C_SignMessage`).
    ///
    /// # Errors
    /// As [`Session::sign`]; [`Error::OperationActive`] within a message in parts.
    pub fn sign_message(&self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        self.message(Purpose::MessageSign, false, |operation| {
            operation.check(self, query)?;
            let written = operation.finish(data, output)?;
            Ok((written, !query))
        })
    }

    /// Begins a message in parts (`C_SignMessageBegin`).
    ///
    /// # Errors
    /// [`Error::OperationActive`] within another.
    pub fn sign_message_begin(&self) -> Result<(), Error> {
        self.message_signature_begin(Purpose::MessageSign)
    }

    /// Takes a part of a message, or with a place for the signature its last (`C_SignMessageNext`).
    ///
    /// # Errors
    /// As [`Session::sign`].
    pub fn sign_message_next(&self, part: &[u8], output: Option<Output<'_>>) -> Result<usize, Error> {
        let query = matches!(output, Some(Output::Length));
        self.message(Purpose::MessageSign, true, |operation| {
            operation.check(self, query || (output.is_none() && part.is_empty()))?;
            match output {
                None => operation.take(part).map(|()| (0, false)),
                Some(output) => Ok((operation.finish(part, output)?, !query)),
            }
        })
    }

    /// Gives up the message in parts at hand.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn sign_message_abandon(&self) -> Result<(), Error> {
        self.message_abandon(Purpose::MessageSign)
    }

    /// Ends the series (`C_MessageSignFinal`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::OperationActive`] within a message in parts.
    pub fn message_sign_final(&self) -> Result<(), Error> {
        self.message_signature_final(Purpose::MessageSign)
    }

    /// Ends the series whatever it is in the middle of (`C_MessageSignInit` without a mechanism).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn message_sign_cancel(&self) -> Result<(), Error> {
        self.state()?.message_signature.end();
        Ok(())
    }

    /// Begins a series of messages to be verified (`C_MessageVerifyInit`).
    ///
    /// # Errors
    /// As [`Session::verify_init`].
    pub fn message_verify_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.message_signature_init(call, key, Purpose::MessageVerify)
    }

    /// Verifies a message (`C_VerifyMessage`).
    ///
    /// # Errors
    /// As [`Session::verify`]; [`Error::OperationActive`] within a message in parts.
    pub fn verify_message(&self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.message(Purpose::MessageVerify, false, |operation| {
            operation.check(self, false)?;
            operation.compare(data, signature).map(|()| ((), true))
        })
    }

    /// Begins a message in parts (`C_VerifyMessageBegin`).
    ///
    /// # Errors
    /// [`Error::OperationActive`] within another.
    pub fn verify_message_begin(&self) -> Result<(), Error> {
        self.message_signature_begin(Purpose::MessageVerify)
    }

    /// Takes a part of a message, or with its signature the last (`C_VerifyMessageNext`).
    ///
    /// # Errors
    /// As [`Session::verify`].
    pub fn verify_message_next(&self, part: &[u8], signature: Option<&[u8]>) -> Result<(), Error> {
        self.message(Purpose::MessageVerify, true, |operation| {
            operation.check(self, signature.is_none() && part.is_empty())?;
            match signature {
                None => operation.take(part).map(|()| ((), false)),
                Some(signature) => operation.compare(part, signature).map(|()| ((), true)),
            }
        })
    }

    /// Gives up the message in parts at hand.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn verify_message_abandon(&self) -> Result<(), Error> {
        self.message_abandon(Purpose::MessageVerify)
    }

    /// Ends the series (`C_MessageVerifyFinal`).
    ///
    /// # Errors
    /// As [`Session::message_sign_final`].
    pub fn message_verify_final(&self) -> Result<(), Error> {
        self.message_signature_final(Purpose::MessageVerify)
    }

    /// Ends the series whatever it is in the middle of (`C_MessageVerifyInit` without a mechanism).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn message_verify_cancel(&self) -> Result<(), Error> {
        self.state()?.message_verification.end();
        Ok(())
    }

    fn message_signature_init(&self, call: &Call<'_>, key: u64, purpose: Purpose) -> Result<(), Error> {
        let mut state = self.state()?;
        let slot = state.message_signatures(purpose);
        slot.refuse_active()?;
        if call.mechanism.scheme().is_none() {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        }
        let operation = self.pair_operation(call, key, purpose)?;
        slot.begin(MessageSignature { operation, begun: false });
        Ok(())
    }

    fn message_signature_begin(&self, purpose: Purpose) -> Result<(), Error> {
        let mut state = self.state()?;
        let message = state.message_signatures(purpose).active()?;
        if message.begun {
            return Err(Error::OperationActive);
        }
        let allowed = message.operation.check(self, false);
        // The first part takes the approvals.
        message.operation.key_use().settle(false);
        allowed?;
        message.begun = true;
        Ok(())
    }

    fn message_abandon(&self, purpose: Purpose) -> Result<(), Error> {
        if let Ok(message) = self.state()?.message_signatures(purpose).active() {
            message.end();
        }
        Ok(())
    }

    fn message_signature_final(&self, purpose: Purpose) -> Result<(), Error> {
        let mut state = self.state()?;
        let slot = state.message_signatures(purpose);
        if slot.active()?.begun {
            return Err(Error::OperationActive);
        }
        slot.end();
        Ok(())
    }

    /// Runs one step of a message, which is in parts or not, and ends the message where the step says so or fails.
    fn message<R>(
        &self,
        purpose: Purpose,
        in_parts: bool,
        step: impl FnOnce(&mut SignOperation) -> Result<(R, bool), Error>,
    ) -> Result<R, Error> {
        let mut state = self.state()?;
        let message = state.message_signatures(purpose).active()?;
        match (message.begun, in_parts) {
            (true, false) => return Err(Error::OperationActive),
            (false, true) => return Err(Error::OperationNotInitialized),
            _ => {}
        }
        let result = step(&mut message.operation);
        message.operation.key_use().settle(is_carried_out(&result));
        match result {
            Ok((value, last)) => {
                if last {
                    message.end();
                }
                Ok(value)
            }
            Err(error @ Error::BufferTooSmall { .. }) => Err(error),
            Err(error) => {
                message.end();
                Err(error)
            }
        }
    }
}

impl MessageSignature {
    /// Ends the message at hand.
    fn end(&mut self) {
        self.begun = false;
        self.operation.begin_again();
    }
}

impl State {
    fn message_signatures(&mut self, purpose: Purpose) -> &mut Slot<MessageSignature> {
        match purpose {
            Purpose::MessageVerify => &mut self.message_verification,
            _ => &mut self.message_signature,
        }
    }
}
