//! Encryption and decryption by messages (PKCS#11 3.2 §5.9 and §5.11): many messages with one key and mechanism, each
//! with an IV of its own, which the module may make, and with its tag apart from the ciphertext.
//!
//! An error ends the message at hand, if it came in parts, and never the series: that ends with
//! [`Session::message_encrypt_final`] and [`Session::message_decrypt_final`] or by being cancelled.

mod iv;

use strongroom_crypto::cipher::{Cipher, Direction};

use super::approval::is_carried_out;
use super::ciphers::{beginning, encrypted};
use super::operation::{KeyUse, Keyed, Slot};
use super::{Output, Session, State};
use crate::attribute::Flag;
use crate::error::Error;
use crate::mechanism::{Call, CipherMode, Mechanism, MechanismName, Parameter, Work};
use iv::IvMaker;

/// Which mechanism a message's parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// `CK_GCM_MESSAGE_PARAMS`.
    Gcm,
    /// `CK_CCM_MESSAGE_PARAMS`.
    Ccm {
        /// Bytes of the plaintext.
        data_bytes: u64,
    },
    /// `CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS`.
    ChaCha20Poly1305,
}

/// The parameter of one message.
#[derive(Debug)]
pub struct Message<'a> {
    /// Which struct it was.
    pub kind: MessageKind,
    /// The IV or nonce. Where the module makes it, the caller's goes in and the new one comes out.
    pub iv: &'a mut [u8],
    /// How many of its first bits stay as the caller gave them.
    pub fixed_bits: u64,
    /// `CKG_*`: who makes the IV, and how. Decryption ignores it.
    pub generator: u64,
    /// The tag, as long as it is to be: it comes out of an encryption and goes into a decryption. Where a message in
    /// parts begins only its length counts.
    pub tag: &'a mut [u8],
}

/// A series of messages.
pub(super) struct MessageOperation {
    key: KeyUse,
    mechanism: &'static Mechanism,
    mode: CipherMode,
    direction: Direction,
    ivs: IvMaker,
    cipher: Option<Cipher>,
    parts: Option<Parts>,
}

/// A message in parts.
struct Parts {
    tag_bytes: usize,
    /// Bytes that went in, and where the cipher holds data back will come out at the end.
    bytes: usize,
}

impl Keyed for MessageOperation {
    fn key_use(&mut self) -> &mut KeyUse {
        &mut self.key
    }
}

impl Session {
    /// Begins a series of encrypted messages (`C_MessageEncryptInit`). All parameters come with the messages.
    ///
    /// # Errors
    /// The mechanism's, the key's; [`Error::OperationActive`].
    pub fn message_encrypt_init(&self, mechanism: &'static Mechanism, key: u64) -> Result<(), Error> {
        self.message_init(mechanism, key, Direction::Encrypt)
    }

    /// Whether there is a series to encrypt, which is asked before anything is read of a message: with `in_parts` in
    /// the middle of a message in parts, else between messages.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::OperationActive`].
    pub fn expect_message_encryption(&self, in_parts: bool) -> Result<(), Error> {
        self.state()?.message_encryption.expect(in_parts)
    }

    /// Encrypts one message (`C_EncryptMessage`): the output is as long as the data, the IV and the tag are in
    /// `message`.
    ///
    /// # Errors
    /// The parameter's and the data's; [`Error::OperationActive`] within a message in parts; [`Error::BufferTooSmall`].
    pub fn encrypt_message(
        &self,
        message: &mut Message<'_>,
        aad: &[u8],
        data: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        self.message_whole(Direction::Encrypt, message, aad, data, output)
    }

    /// Begins a message in parts (`C_EncryptMessageBegin`): the IV is in `message`.
    ///
    /// # Errors
    /// The parameter's; [`Error::OperationActive`] within another message in parts.
    pub fn encrypt_message_begin(&self, message: &mut Message<'_>, aad: &[u8]) -> Result<(), Error> {
        self.message_begin(Direction::Encrypt, message, aad)
    }

    /// Encrypts a part of a message (`C_EncryptMessageNext`); with the last comes the tag.
    ///
    /// # Errors
    /// The data's; [`Error::OperationNotInitialized`] without a message in parts; [`Error::MechanismParameter`] for a
    /// tag of another length than at the beginning; [`Error::BufferTooSmall`], which ends nothing.
    pub fn encrypt_message_next(
        &self,
        part: &[u8],
        output: Output<'_>,
        last: Option<&mut [u8]>,
    ) -> Result<usize, Error> {
        self.message_next(Direction::Encrypt, part, output, last)
    }

    /// Gives up a message in parts, not the series.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn encrypt_message_abandon(&self) -> Result<(), Error> {
        self.state()?.message_encryption.abandon_parts();
        Ok(())
    }

    /// Ends the series (`C_MessageEncryptFinal`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::OperationActive`] within a message in parts.
    pub fn message_encrypt_final(&self) -> Result<(), Error> {
        self.state()?.message_encryption.end_series()
    }

    /// Ends the series and a message in parts (`C_MessageEncryptInit` without a mechanism).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn message_encrypt_cancel(&self) -> Result<(), Error> {
        self.state()?.message_encryption.end();
        Ok(())
    }

    /// Begins a series of messages to decrypt (`C_MessageDecryptInit`).
    ///
    /// # Errors
    /// As [`Session::message_encrypt_init`].
    pub fn message_decrypt_init(&self, mechanism: &'static Mechanism, key: u64) -> Result<(), Error> {
        self.message_init(mechanism, key, Direction::Decrypt)
    }

    /// As [`Session::expect_message_encryption`].
    ///
    /// # Errors
    /// As [`Session::expect_message_encryption`].
    pub fn expect_message_decryption(&self, in_parts: bool) -> Result<(), Error> {
        self.state()?.message_decryption.expect(in_parts)
    }

    /// Decrypts one message (`C_DecryptMessage`). Nothing comes out unless the tag is right.
    ///
    /// # Errors
    /// As [`Session::encrypt_message`]; [`Error::AeadDecryption`].
    pub fn decrypt_message(
        &self,
        message: &mut Message<'_>,
        aad: &[u8],
        data: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        self.message_whole(Direction::Decrypt, message, aad, data, output).map_err(unopened)
    }

    /// Begins a message in parts (`C_DecryptMessageBegin`).
    ///
    /// # Errors
    /// As [`Session::encrypt_message_begin`].
    pub fn decrypt_message_begin(&self, message: &mut Message<'_>, aad: &[u8]) -> Result<(), Error> {
        self.message_begin(Direction::Decrypt, message, aad)
    }

    /// Takes a part of a message (`C_DecryptMessageNext`); with the last, and its tag, all of the plaintext comes out.
    ///
    /// # Errors
    /// As [`Session::encrypt_message_next`]; [`Error::AeadDecryption`].
    pub fn decrypt_message_next(
        &self,
        part: &[u8],
        output: Output<'_>,
        last: Option<&mut [u8]>,
    ) -> Result<usize, Error> {
        self.message_next(Direction::Decrypt, part, output, last).map_err(unopened)
    }

    /// Gives up a message in parts, not the series.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn decrypt_message_abandon(&self) -> Result<(), Error> {
        self.state()?.message_decryption.abandon_parts();
        Ok(())
    }

    /// Ends the series (`C_MessageDecryptFinal`).
    ///
    /// # Errors
    /// As [`Session::message_encrypt_final`].
    pub fn message_decrypt_final(&self) -> Result<(), Error> {
        self.state()?.message_decryption.end_series()
    }

    /// Ends the series and a message in parts (`C_MessageDecryptInit` without a mechanism).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn message_decrypt_cancel(&self) -> Result<(), Error> {
        self.state()?.message_decryption.end();
        Ok(())
    }

    /// Makes the IV of one key wrap, as `CK_GCM_WRAP_PARAMS` and its kin ask for it. A wrap stands alone, so a counter,
    /// which begins at zero, would give every wrap the same IV: those generators are refused.
    ///
    /// # Errors
    /// [`Error::MechanismParameter`], the generator's.
    pub fn make_wrap_iv(&self, message: &mut Message<'_>) -> Result<(), Error> {
        if matches!(message.generator, cryptoki_sys::CKG_GENERATE_COUNTER | cryptoki_sys::CKG_GENERATE_COUNTER_XOR) {
            return Err(Error::MechanismParameter("a counter would give every wrap the same IV"));
        }
        IvMaker::default().make(message.generator, message.fixed_bits, message.iv, &*self.application.random)
    }

    fn message_init(&self, mechanism: &'static Mechanism, key: u64, direction: Direction) -> Result<(), Error> {
        let mut state = self.state()?;
        let slot = state.messages(direction);
        slot.refuse_active()?;
        let (function, usage) = match direction {
            Direction::Encrypt => {
                (cryptoki_sys::CKF_MESSAGE_ENCRYPT, (Flag::Encrypt, "the key may not encrypt (CKA_ENCRYPT)"))
            }
            Direction::Decrypt => {
                (cryptoki_sys::CKF_MESSAGE_DECRYPT, (Flag::Decrypt, "the key may not decrypt (CKA_DECRYPT)"))
            }
        };
        let (key_types, mode) = match mechanism.work {
            Work::Cipher { key_types, mode } if mechanism.does(function) => (key_types, mode),
            _ => return Err(Error::MechanismInvalid(MechanismName(mechanism.id))),
        };
        let epoch = self.application.current()?;
        self.offered(mechanism)?;
        let object = self.application.key_before_approval(key)?;
        let key = KeyUse::new(object, mechanism, key_types, usage, (epoch, &self.application))?;
        // A key that cannot be used is refused now, not with the first message.
        key.object().material()?.cipher(key.object().kind.subtype.unwrap_or_default())?;
        let ivs = IvMaker::default();
        slot.begin(MessageOperation { key, mechanism, mode, direction, ivs, cipher: None, parts: None });
        Ok(())
    }

    fn message_whole(
        &self,
        direction: Direction,
        message: &mut Message<'_>,
        aad: &[u8],
        data: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        let mut state = self.state()?;
        let slot = state.messages(direction);
        slot.expect(false)?;
        let operation = slot.active()?;
        let buffer = match output {
            // Before an IV is made, so that the next call gets this one.
            Output::Buffer(buffer) => buffer.get_mut(..data.len()).ok_or(Error::BufferTooSmall { needed: data.len() }),
            Output::Length => {
                operation.key.check(&self.application, true)?;
                return Ok(data.len());
            }
        };
        operation.key.check(&self.application, buffer.is_err())?;
        let buffer = buffer?;
        let begun = operation.begin(self, message, aad);
        if begun.is_err() {
            operation.key.settle(false);
        }
        begun?;
        let written = operation.pass(data, buffer, Some(&mut *message.tag), 0);
        operation.key.settle(is_carried_out(&written));
        operation.key.again();
        written
    }

    fn message_begin(&self, direction: Direction, message: &mut Message<'_>, aad: &[u8]) -> Result<(), Error> {
        let mut state = self.state()?;
        let slot = state.messages(direction);
        slot.expect(false)?;
        let operation = slot.active()?;
        let allowed = operation.key.check(&self.application, false);
        let begun = allowed.and_then(|()| operation.begin(self, message, aad));
        // The first part takes the approvals.
        operation.key.settle(false);
        begun?;
        operation.parts = Some(Parts { tag_bytes: message.tag.len(), bytes: 0 });
        Ok(())
    }

    fn message_next(
        &self,
        direction: Direction,
        part: &[u8],
        output: Output<'_>,
        last: Option<&mut [u8]>,
    ) -> Result<usize, Error> {
        let mut state = self.state()?;
        let operation = state.messages(direction).active()?;
        let query = matches!(output, Output::Length);
        let ends = last.is_some();
        let idle = query || (part.is_empty() && !ends);
        let result = operation.key.check(&self.application, idle).and_then(|()| operation.next(part, output, last));
        if !query {
            operation.key.settle(is_carried_out(&result));
        }
        match &result {
            Ok(_) if query || !ends => {}
            Err(Error::BufferTooSmall { .. }) => {}
            _ => operation.end_parts(),
        }
        result
    }
}

impl MessageOperation {
    /// Ends a message in parts. The next message is another use of the key.
    fn end_parts(&mut self) {
        if self.parts.take().is_some() {
            self.key.again();
        }
    }

    /// Makes the IV, if that is asked for, and the cipher ready.
    fn begin(&mut self, session: &Session, message: &mut Message<'_>, aad: &[u8]) -> Result<(), Error> {
        if self.direction == Direction::Encrypt {
            let random = &*session.application.random;
            self.ivs.make(message.generator, message.fixed_bits, message.iv, random)?;
        }
        let (iv, tag_bytes) = (&*message.iv, message.tag.len() as u64);
        let parameter = match message.kind {
            MessageKind::Gcm => Parameter::Gcm { iv, aad, tag_bits: tag_bytes * 8 },
            MessageKind::Ccm { data_bytes } => Parameter::Ccm { data_bytes, nonce: iv, aad, mac_bytes: tag_bytes },
            MessageKind::ChaCha20Poly1305 => Parameter::ChaCha20Poly1305 { nonce: iv, aad },
        };
        let call = Call { mechanism: self.mechanism, parameter };
        let mode = call.mode(self.mode)?;
        if let Some(cipher) = &mut self.cipher {
            return cipher.restart(&mode).map_err(beginning);
        }
        let object = self.key.object();
        let prepared = object.material()?.cipher(object.kind.subtype.unwrap_or_default())?;
        self.cipher = Some(Cipher::start(prepared, &mode, self.direction).map_err(beginning)?);
        Ok(())
    }

    fn next(&mut self, part: &[u8], output: Output<'_>, last: Option<&mut [u8]>) -> Result<usize, Error> {
        let streams = self.direction == Direction::Encrypt && self.mode != CipherMode::Ccm;
        let Parts { tag_bytes, bytes } = self.parts.as_ref().ok_or(Error::OperationNotInitialized)?;
        let (tag_bytes, before) = (*tag_bytes, *bytes);
        let after = before.checked_add(part.len()).ok_or(Error::DataLength)?;
        let needed = match (streams, &last) {
            (true, _) => part.len(),
            (false, Some(_)) => after,
            (false, None) => 0,
        };
        let Output::Buffer(buffer) = output else { return Ok(needed) };
        let buffer = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
        if last.as_ref().is_some_and(|tag| tag.len() != tag_bytes) {
            return Err(Error::MechanismParameter("the tag is of another length than at the beginning of the message"));
        }
        self.parts = Some(Parts { tag_bytes, bytes: after });
        self.pass(part, buffer, last, if streams { 0 } else { before })
    }

    /// Passes data through the cipher, and with a tag ends the message. `buffer` is exactly as long as what comes out,
    /// and `held` bytes of it were held back before.
    fn pass(&mut self, data: &[u8], buffer: &mut [u8], last: Option<&mut [u8]>, held: usize) -> Result<usize, Error> {
        let cipher = self.cipher.as_mut().ok_or(Error::OperationNotInitialized)?;
        let streamed = cipher.update(data, buffer)?;
        let Some(tag) = last else { return Ok(streamed) };
        if self.direction == Direction::Decrypt {
            cipher.update(tag, &mut [])?;
            return Ok(cipher.finish(buffer)?);
        }
        let rest = held.saturating_add(data.len()).saturating_sub(streamed);
        if rest == 0 {
            cipher.finish(tag)?;
            return Ok(streamed);
        }
        // CCM gives all of it at the end, with the tag behind.
        let mut sealed = Vec::new();
        let sealed_bytes = rest.saturating_add(tag.len());
        sealed.try_reserve_exact(sealed_bytes).map_err(|_| Error::HostMemory)?;
        sealed.resize(sealed_bytes, 0);
        cipher.finish(&mut sealed)?;
        let (ciphertext, made) = sealed.split_at(rest);
        buffer.get_mut(..rest).ok_or(Error::BufferTooSmall { needed: rest })?.copy_from_slice(ciphertext);
        tag.copy_from_slice(made);
        Ok(rest)
    }
}

impl Slot<MessageOperation> {
    /// Gives up a message in parts.
    fn abandon_parts(&mut self) {
        if let Ok(operation) = self.active() {
            operation.end_parts();
        }
    }

    /// Refuses what does not fit where the series is.
    fn expect(&mut self, in_parts: bool) -> Result<(), Error> {
        match (in_parts, &self.active()?.parts) {
            (true, None) => Err(Error::OperationNotInitialized),
            (false, Some(_)) => Err(Error::OperationActive),
            _ => Ok(()),
        }
    }

    fn end_series(&mut self) -> Result<(), Error> {
        self.expect(false)?;
        self.end();
        Ok(())
    }
}

impl State {
    fn messages(&mut self, direction: Direction) -> &mut Slot<MessageOperation> {
        match direction {
            Direction::Encrypt => &mut self.message_encryption,
            Direction::Decrypt => &mut self.message_decryption,
        }
    }
}

/// A wrong tag has a name of its own where messages are decrypted.
fn unopened(error: Error) -> Error {
    match encrypted(error) {
        Error::EncryptedDataInvalid => Error::AeadDecryption,
        other => other,
    }
}
