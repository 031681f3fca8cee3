//! Encryption and decryption (PKCS#11 3.2 §5.8 and §5.10).

use cryptoki_sys::{CKF_DECRYPT, CKF_ENCRYPT};
use strongroom_crypto::cipher::{Cipher, Direction, Mode};

use super::blocks::Block;
use super::operation::{KeyUse, Keyed, Slot};
use super::{Output, Session, State};
use crate::attribute::Flag;
use crate::error::Error;
use crate::mechanism::{Call, CipherMode, MechanismName, Work};
use crate::object::Object;

/// A running encryption or decryption.
pub(super) struct CipherOperation {
    key: KeyUse,
    engine: Engine,
    updated: bool,
}

/// What does the work.
enum Engine {
    Cipher(Cipher),
    Block(Block),
}

impl Engine {
    fn one_shot_len(&self, data: usize) -> usize {
        match self {
            Engine::Cipher(cipher) => cipher.one_shot_len(data),
            Engine::Block(block) => block.len(data),
        }
    }

    fn one_shot(&mut self, key: &Object, data: &[u8], buffer: &mut [u8]) -> Result<usize, Error> {
        match self {
            Engine::Cipher(cipher) => Ok(cipher.one_shot(data, buffer)?),
            Engine::Block(block) => block.finish(key, data, buffer),
        }
    }

    fn update_len(&self, part: usize) -> usize {
        match self {
            Engine::Cipher(cipher) => cipher.update_len(part),
            Engine::Block(_) => 0,
        }
    }

    fn update(&mut self, part: &[u8], buffer: &mut [u8]) -> Result<usize, Error> {
        match self {
            Engine::Cipher(cipher) => Ok(cipher.update(part, buffer)?),
            Engine::Block(block) => block.update(part).map(|()| 0),
        }
    }

    fn finish_len(&self) -> usize {
        match self {
            Engine::Cipher(cipher) => cipher.finish_len(),
            Engine::Block(block) => block.len(0),
        }
    }

    fn finish(&mut self, key: &Object, buffer: &mut [u8]) -> Result<usize, Error> {
        match self {
            Engine::Cipher(cipher) => Ok(cipher.finish(buffer)?),
            Engine::Block(block) => block.finish(key, &[], buffer),
        }
    }
}

impl CipherOperation {
    /// Whether the operation may go on.
    pub(super) fn check(&mut self, session: &Session, idle: bool) -> Result<(), Error> {
        self.key.check(&session.application, idle)
    }

    /// How long a plaintext is shows only once it is decrypted: who is told that a buffer is too small for it has used
    /// the key. The next call goes on without another approval.
    fn told(&mut self, direction: Direction, result: &Result<usize, Error>) {
        if direction == Direction::Decrypt && matches!(result, Err(Error::BufferTooSmall { .. })) {
            self.key.used();
        }
    }
}

impl Keyed for CipherOperation {
    fn key_use(&mut self) -> &mut KeyUse {
        &mut self.key
    }
}

/// An IV the module made for the caller (AES-GCM where the configuration says so).
pub(super) type MadeIv = [u8; 12];

impl Session {
    /// Begins an encryption (`C_EncryptInit`). Returns the IV if the module made it.
    ///
    /// # Errors
    /// The mechanism's, its parameter's, the key's.
    pub fn encrypt_init(&self, call: &Call<'_>, key: u64) -> Result<Option<MadeIv>, Error> {
        self.cipher_init(call, key, Direction::Encrypt)
    }

    /// Encrypts all data of the operation and ends it (`C_Encrypt`).
    ///
    /// # Errors
    /// The data's; [`Error::BufferTooSmall`], which ends nothing.
    pub fn encrypt(&self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        self.cipher_whole(Direction::Encrypt, data, output)
    }

    /// Encrypts a part (`C_EncryptUpdate`).
    ///
    /// # Errors
    /// As [`Session::encrypt`].
    pub fn encrypt_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        self.cipher_update(&mut state.encryption, part, output)
    }

    /// Ends an encryption in parts (`C_EncryptFinal`).
    ///
    /// # Errors
    /// As [`Session::encrypt`].
    pub fn encrypt_final(&self, output: Output<'_>) -> Result<usize, Error> {
        self.cipher_final(Direction::Encrypt, output)
    }

    /// Begins a decryption (`C_DecryptInit`).
    ///
    /// # Errors
    /// As [`Session::encrypt_init`].
    pub fn decrypt_init(&self, call: &Call<'_>, key: u64) -> Result<(), Error> {
        self.cipher_init(call, key, Direction::Decrypt).map(|_| ())
    }

    /// Decrypts all data of the operation and ends it (`C_Decrypt`).
    ///
    /// # Errors
    /// The data's, one for every cause of a wrong tag or padding; [`Error::BufferTooSmall`], which ends nothing.
    pub fn decrypt(&self, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        self.cipher_whole(Direction::Decrypt, data, output).map_err(encrypted)
    }

    /// Decrypts a part (`C_DecryptUpdate`).
    ///
    /// # Errors
    /// As [`Session::decrypt`].
    pub fn decrypt_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        self.cipher_update(&mut state.decryption, part, output).map_err(encrypted)
    }

    /// Ends a decryption in parts (`C_DecryptFinal`).
    ///
    /// # Errors
    /// As [`Session::decrypt`].
    pub fn decrypt_final(&self, output: Output<'_>) -> Result<usize, Error> {
        self.cipher_final(Direction::Decrypt, output).map_err(encrypted)
    }

    /// Ends an encryption without a result (`C_EncryptInit` without a mechanism, PKCS#11 3.0 §5.8.1).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn encrypt_cancel(&self) -> Result<(), Error> {
        self.state()?.encryption.end();
        Ok(())
    }

    /// Ends a decryption without a result.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn decrypt_cancel(&self) -> Result<(), Error> {
        self.state()?.decryption.end();
        Ok(())
    }

    fn cipher_init(&self, call: &Call<'_>, key: u64, direction: Direction) -> Result<Option<MadeIv>, Error> {
        let mut state = self.state()?;
        let slot = state.cipher(direction);
        slot.refuse_active()?;
        let Work::Cipher { key_types, mode } = call.mechanism.work else {
            return self.block_init(slot, call, key, direction).map(|()| None);
        };
        let mut made = None;
        let mode = match (mode, direction) {
            (CipherMode::Gcm, Direction::Encrypt) if self.application.module_iv => {
                let iv: &MadeIv = made.insert(self.make_iv()?);
                with_iv(call.mode(mode)?, iv)?
            }
            _ => call.mode(mode)?,
        };
        let epoch = self.application.current()?;
        if let Some(finished) = slot.finished()
            && finished.key.is_of(key, call.mechanism, epoch)
            && let Engine::Cipher(cipher) = &mut finished.engine
        {
            match cipher.restart(&mode) {
                Ok(()) => {
                    finished.updated = false;
                    finished.key.again();
                    slot.resume();
                    return Ok(made);
                }
                Err(error) => {
                    slot.end();
                    return Err(beginning(error));
                }
            }
        }
        self.offered(call.mechanism)?;
        let object = self.application.key_before_approval(key)?;
        let key = KeyUse::new(object, call.mechanism, key_types, usage(direction), (epoch, &self.application))?;
        let prepared = key.object().material()?.cipher(key.object().kind.subtype.unwrap_or_default())?;
        let cipher = Cipher::start(prepared, &mode, direction).map_err(beginning)?;
        slot.begin(CipherOperation { key, engine: Engine::Cipher(cipher), updated: false });
        Ok(made)
    }

    /// Begins what needs all data at once.
    fn block_init(
        &self,
        slot: &mut Slot<CipherOperation>,
        call: &Call<'_>,
        key: u64,
        direction: Direction,
    ) -> Result<(), Error> {
        let function = match direction {
            Direction::Encrypt => CKF_ENCRYPT,
            Direction::Decrypt => CKF_DECRYPT,
        };
        self.functions(call.mechanism, function)?;
        call.check_hash(self.application.policy(), function)?;
        let invalid = || Error::MechanismInvalid(MechanismName(call.mechanism.id));
        let key_types = call.mechanism.keys().ok_or_else(invalid)?.types;
        let epoch = self.application.current()?;
        let object = self.application.key_before_approval(key)?;
        let key = KeyUse::new(object, call.mechanism, key_types, usage(direction), (epoch, &self.application))?;
        self.approved(key.object(), function)?;
        let block = match call.mechanism.work {
            Work::Rsa(form) => Block::rsa(form, call, key.object(), direction)?,
            Work::KeyWrap(form) => Block::key_wrap(form, call, direction)?,
            _ => return Err(invalid()),
        };
        slot.begin(CipherOperation { key, engine: Engine::Block(block), updated: false });
        Ok(())
    }

    fn cipher_whole(&self, direction: Direction, data: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let slot = state.cipher(direction);
        let query = matches!(output, Output::Length);
        slot.step(
            |_| !query,
            |operation| {
                operation.key.check(&self.application, query)?;
                if operation.updated {
                    return Err(Error::OperationNotInitialized);
                }
                let Output::Buffer(buffer) = output else { return Ok(operation.engine.one_shot_len(data.len())) };
                let result = operation.engine.one_shot(operation.key.object(), data, buffer);
                operation.told(direction, &result);
                result
            },
        )
    }

    pub(super) fn cipher_update(
        &self,
        slot: &mut Slot<CipherOperation>,
        part: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        let query = matches!(output, Output::Length);
        slot.step(
            |_| false,
            |operation| {
                operation.key.check(&self.application, query || part.is_empty())?;
                match output {
                    Output::Length => Ok(operation.engine.update_len(part.len())),
                    Output::Buffer(buffer) => {
                        let written = operation.engine.update(part, buffer)?;
                        operation.updated = true;
                        Ok(written)
                    }
                }
            },
        )
    }

    fn cipher_final(&self, direction: Direction, output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let query = matches!(output, Output::Length);
        state.cipher(direction).step(
            |_| !query,
            |operation| {
                operation.key.check(&self.application, query)?;
                let Output::Buffer(buffer) = output else { return Ok(operation.engine.finish_len()) };
                let result = operation.engine.finish(operation.key.object(), buffer);
                operation.told(direction, &result);
                result
            },
        )
    }

    fn make_iv(&self) -> Result<MadeIv, Error> {
        let mut iv = [0; 12];
        self.application.random.fill(&mut iv)?;
        Ok(iv)
    }
}

impl State {
    fn cipher(&mut self, direction: Direction) -> &mut Slot<CipherOperation> {
        match direction {
            Direction::Encrypt => &mut self.encryption,
            Direction::Decrypt => &mut self.decryption,
        }
    }
}

/// What the key must permit.
fn usage(direction: Direction) -> (Flag, &'static str) {
    match direction {
        Direction::Encrypt => (Flag::Encrypt, "the key may not encrypt (CKA_ENCRYPT)"),
        Direction::Decrypt => (Flag::Decrypt, "the key may not decrypt (CKA_DECRYPT)"),
    }
}

/// The mode with the module's IV in place of the caller's empty one (the convention of CloudHSM's PKCS#11 library).
fn with_iv<'a>(mode: Mode<'a>, made: &'a MadeIv) -> Result<Mode<'a>, Error> {
    match mode {
        Mode::Gcm { iv, aad, tag_bytes } if iv == [0; 12] => Ok(Mode::Gcm { iv: made, aad, tag_bytes }),
        _ => Err(Error::MechanismParameter("the module makes the IV: give 12 zero bytes for it")),
    }
}

/// While an operation begins there is no data yet: a length that cannot be is the parameter's (`ulDataLen` of CCM).
pub(super) fn beginning(error: strongroom_crypto::Error) -> Error {
    match error.into() {
        Error::DataLength => Error::MechanismParameter("it announces more data than the nonce leaves room for"),
        other => other,
    }
}

/// Data of a wrong length is ciphertext of a wrong length where one decrypts.
pub(super) fn encrypted(error: Error) -> Error {
    match error {
        Error::DataLength => Error::EncryptedDataLength,
        other => other,
    }
}
