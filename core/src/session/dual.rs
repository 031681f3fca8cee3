//! Two operations in one call (PKCS#11 3.2 §5.17). Neither goes on unless both may, and an error ends both. The output
//! convention is the cipher's: what only asks for a length or offers too small a buffer reaches neither operation.

use super::ciphers::CipherOperation;
use super::digests::{self, DigestOperation};
use super::operation::{Keyed, Slot};
use super::signatures::SignOperation;
use super::{Output, Session, State};
use crate::error::Error;

/// What a cipher works together with.
enum Partner<'a> {
    Digest(&'a mut Slot<DigestOperation>),
    Mac(&'a mut Slot<SignOperation>),
}

/// Whether the partner sees the data before the cipher, or what the cipher made of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
}

impl Session {
    /// Digests and encrypts a part (`C_DigestEncryptUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn digest_encrypt_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { digest, encryption, .. } = &mut *state;
        self.both(encryption, Partner::Digest(digest), Side::Input, part, output)
    }

    /// Decrypts a part and digests the plaintext (`C_DecryptDigestUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn decrypt_digest_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { digest, decryption, .. } = &mut *state;
        self.both(decryption, Partner::Digest(digest), Side::Output, part, output).map_err(super::ciphers::encrypted)
    }

    /// Signs and encrypts a part (`C_SignEncryptUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn sign_encrypt_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { signature, encryption, .. } = &mut *state;
        self.both(encryption, Partner::Mac(signature), Side::Input, part, output)
    }

    /// Decrypts a part and verifies the plaintext (`C_DecryptVerifyUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn decrypt_verify_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { verification, decryption, .. } = &mut *state;
        self.both(decryption, Partner::Mac(verification), Side::Output, part, output).map_err(super::ciphers::encrypted)
    }

    fn both(
        &self,
        cipher: &mut Slot<CipherOperation>,
        mut partner: Partner<'_>,
        side: Side,
        part: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        let result = self.both_steps(cipher, &mut partner, side, part, output);
        partner.settle();
        if !matches!(result, Ok(_) | Err(Error::BufferTooSmall { .. })) {
            cipher.end();
            partner.end();
        }
        result
    }

    fn both_steps(
        &self,
        cipher: &mut Slot<CipherOperation>,
        partner: &mut Partner<'_>,
        side: Side,
        part: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        let Output::Buffer(buffer) = output else {
            partner.active()?;
            return self.cipher_update(cipher, part, Output::Length);
        };
        cipher.active()?.check(self, part.is_empty())?;
        partner.check(self, part.is_empty())?;
        let written = self.cipher_update(cipher, part, Output::Buffer(buffer))?;
        let seen = match side {
            Side::Input => part,
            Side::Output => buffer.get(..written).unwrap_or_default(),
        };
        match partner {
            Partner::Digest(digest) => digests::update(digest, seen)?,
            Partner::Mac(mac) => self.signature_update(mac, seen)?,
        }
        Ok(written)
    }
}

impl Partner<'_> {
    fn active(&mut self) -> Result<(), Error> {
        match self {
            Partner::Digest(digest) => digest.active().map(|_| ()),
            Partner::Mac(mac) => mac.active().map(|_| ()),
        }
    }

    fn check(&mut self, session: &Session, idle: bool) -> Result<(), Error> {
        match self {
            Partner::Digest(digest) => digest.active()?.check(session),
            Partner::Mac(mac) => mac.active()?.check(session, idle),
        }
    }

    /// What the partner took for a step that did not come to it goes back.
    fn settle(&mut self) {
        if let Partner::Mac(mac) = self
            && let Ok(mac) = mac.active()
        {
            mac.key_use().settle(false);
        }
    }

    fn end(&mut self) {
        match self {
            Partner::Digest(digest) => digest.end(),
            Partner::Mac(mac) => mac.end(),
        }
    }
}
