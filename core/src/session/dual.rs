//! Two operations in one call (PKCS#11 3.2 §5.17). The output convention is the cipher's: what only asks for a length or
//! offers too small a buffer reaches neither operation.

use super::{Output, Session, State, digests};
use crate::error::Error;

impl Session {
    /// Digests and encrypts a part (`C_DigestEncryptUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn digest_encrypt_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { digest, encryption, .. } = &mut *state;
        digest.active()?;
        let query = matches!(output, Output::Length);
        let written = self.cipher_update(encryption, part, output)?;
        if !query {
            digests::update(digest, part)?;
        }
        Ok(written)
    }

    /// Decrypts a part and digests the plaintext (`C_DecryptDigestUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn decrypt_digest_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { digest, decryption, .. } = &mut *state;
        digest.active()?;
        let Output::Buffer(buffer) = output else { return self.cipher_update(decryption, part, output) };
        let written = self.cipher_update(decryption, part, Output::Buffer(buffer))?;
        digests::update(digest, buffer.get(..written).unwrap_or_default())?;
        Ok(written)
    }

    /// Signs and encrypts a part (`C_SignEncryptUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn sign_encrypt_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { signature, encryption, .. } = &mut *state;
        signature.active()?;
        let query = matches!(output, Output::Length);
        let written = self.cipher_update(encryption, part, output)?;
        if !query {
            self.mac_update(signature, part)?;
        }
        Ok(written)
    }

    /// Decrypts a part and verifies the plaintext (`C_DecryptVerifyUpdate`).
    ///
    /// # Errors
    /// Those of both operations.
    pub fn decrypt_verify_update(&self, part: &[u8], output: Output<'_>) -> Result<usize, Error> {
        let mut state = self.state()?;
        let State { verification, decryption, .. } = &mut *state;
        verification.active()?;
        let Output::Buffer(buffer) = output else { return self.cipher_update(decryption, part, output) };
        let written = self.cipher_update(decryption, part, Output::Buffer(buffer))?;
        self.mac_update(verification, buffer.get(..written).unwrap_or_default())?;
        Ok(written)
    }
}
