//! Public keys.

use aws_lc_sys::{RSA_NO_PADDING, RSA_PKCS1_PADDING, RSA_encrypt, RSA_verify, RSA_verify_pss_mgf1, RSA_verify_raw};

use super::bignum::done;
use super::handle::{Handle, block};
use super::padding::{self, PKCS1_BYTES, digest_info_name, method, pad_left, pss_salt};
use super::{Component, EncryptionPadding, SignaturePadding, import};
use crate::Error;
use crate::memory::constant_time_eq;

/// A public key, prepared.
pub struct PublicKey {
    handle: Handle,
}

impl PublicKey {
    /// A key of modulus and exponent, big-endian; leading zeros are tolerated.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for a modulus that is too short or too long, [`Error::KeyValue`] for an even modulus or an
    /// exponent that is even, 1 or not below the modulus.
    pub fn new(modulus: &[u8], public_exponent: &[u8]) -> Result<PublicKey, Error> {
        import::public(modulus, public_exponent).map(PublicKey::of)
    }

    pub(super) fn of(handle: Handle) -> PublicKey {
        PublicKey { handle }
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> usize {
        self.handle.bits()
    }

    /// Bytes of the modulus, which is what a signature and a ciphertext take.
    pub fn bytes(&self) -> usize {
        self.handle.bytes()
    }

    /// The modulus, big-endian without leading zeros.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn modulus(&self) -> Result<Vec<u8>, Error> {
        self.handle.component(Component::Modulus).map(|bytes| bytes.expose().to_vec())
    }

    /// The public exponent, big-endian without leading zeros.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn public_exponent(&self) -> Result<Vec<u8>, Error> {
        self.handle.component(Component::PublicExponent).map(|bytes| bytes.expose().to_vec())
    }

    /// Checks a signature of `input`, which is what [`PrivateKey::sign`](super::PrivateKey::sign) takes.
    ///
    /// # Errors
    /// [`Error::Authentication`] for every wrong signature, of whatever length; [`Error::DataLength`] and
    /// [`Error::Parameter`] as in signing.
    pub fn verify(&self, padding: &SignaturePadding, input: &[u8], signature: &[u8]) -> Result<(), Error> {
        let rsa = self.handle.as_ptr();
        let code = match *padding {
            SignaturePadding::Raw => {
                let mut padded = block();
                let padded = padded.get_mut(..self.bytes()).ok_or(Error::DataLength)?;
                pad_left(input, padded)?;
                return self.verify_recovered(RSA_NO_PADDING, padded, signature);
            }
            SignaturePadding::Pkcs1 => {
                if self.bytes().checked_sub(PKCS1_BYTES).is_none_or(|room| input.len() > room) {
                    return Err(Error::DataLength);
                }
                return self.verify_recovered(RSA_PKCS1_PADDING, input, signature);
            }
            SignaturePadding::Pkcs1Digest(hash) => {
                let name = digest_info_name(hash)?;
                if input.len() != hash.output_bytes() {
                    return Err(Error::DataLength);
                }
                // SAFETY: a valid key; both buffers are passed with their lengths.
                unsafe { RSA_verify(name, input.as_ptr(), input.len(), signature.as_ptr(), signature.len(), rsa) }
            }
            SignaturePadding::Pss { hash, mgf, salt_bytes } => {
                let (hash_method, mgf_method) = (method(hash)?, method(mgf)?);
                let salt = pss_salt(hash, salt_bytes, self.bits())?;
                if input.len() != hash.output_bytes() {
                    return Err(Error::DataLength);
                }
                // SAFETY: a valid key and static methods; both buffers are passed with their lengths.
                unsafe {
                    RSA_verify_pss_mgf1(
                        rsa,
                        input.as_ptr(),
                        input.len(),
                        hash_method,
                        mgf_method,
                        salt,
                        signature.as_ptr(),
                        signature.len(),
                    )
                }
            }
        };
        done(code, "RSA_verify").map_err(|_| Error::Authentication)
    }

    /// Takes the signed data out of a signature (PKCS#11 C_VerifyRecover) and returns its length: the whole block for
    /// [`SignaturePadding::Raw`], the content for [`SignaturePadding::Pkcs1`].
    ///
    /// # Errors
    /// [`Error::CiphertextLength`] for a signature that is not as long as the modulus, [`Error::Authentication`] for
    /// one that is wrong, [`Error::Parameter`] for other paddings, [`Error::OutputTooSmall`].
    pub fn recover(&self, padding: &SignaturePadding, signature: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let library_padding = match padding {
            SignaturePadding::Raw => RSA_NO_PADDING,
            SignaturePadding::Pkcs1 => RSA_PKCS1_PADDING,
            _ => return Err(Error::Parameter("this padding gives no data back")),
        };
        if signature.len() != self.bytes() {
            return Err(Error::CiphertextLength);
        }
        let mut recovered = block();
        let needed = self.recover_block(library_padding, signature, &mut *recovered)?;
        let data = recovered.get(..needed).ok_or(Error::Authentication)?;
        out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?.copy_from_slice(data);
        Ok(needed)
    }

    /// Encrypts and returns the ciphertext's length, [`bytes`](PublicKey::bytes).
    ///
    /// # Errors
    /// [`Error::DataLength`] for a plaintext longer than [`max_plaintext`](PublicKey::max_plaintext);
    /// [`Error::DataValue`] for one that, raw, is not below the modulus; [`Error::KeyLength`] for a key that is too
    /// short for the OAEP hash; [`Error::OutputTooSmall`].
    pub fn encrypt(&self, padding: &EncryptionPadding<'_>, plaintext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let needed = self.bytes();
        if plaintext.len() > self.max_plaintext(padding).ok_or(Error::KeyLength { got: needed })? {
            return Err(Error::DataLength);
        }
        let out = out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        match padding {
            EncryptionPadding::Raw => {
                let mut padded = block();
                let padded = padded.get_mut(..needed).ok_or(Error::DataLength)?;
                pad_left(plaintext, padded)?;
                // All that can be wrong with a block of this length is that it is not below the modulus.
                self.encrypt_block(RSA_NO_PADDING, padded, out).map_err(|_| Error::DataValue)
            }
            EncryptionPadding::Pkcs1 => self.encrypt_block(RSA_PKCS1_PADDING, plaintext, out),
            EncryptionPadding::Oaep { hash, mgf, label } => {
                self.handle.oaep_encrypt(*hash, *mgf, label, plaintext, out)
            }
        }
    }

    /// The longest plaintext in bytes, or none if the key is too short for the padding.
    pub fn max_plaintext(&self, padding: &EncryptionPadding<'_>) -> Option<usize> {
        padding::max_plaintext(padding, self.bytes())
    }

    fn verify_recovered(&self, library_padding: i32, expected: &[u8], signature: &[u8]) -> Result<(), Error> {
        let mut recovered = block();
        let length = self.recover_block(library_padding, signature, &mut *recovered)?;
        let right = recovered.get(..length).is_some_and(|recovered| constant_time_eq(recovered, expected));
        if right { Ok(()) } else { Err(Error::Authentication) }
    }

    fn recover_block(&self, library_padding: i32, signature: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let mut written = 0;
        // SAFETY: a valid key; both buffers are passed with their lengths.
        let code = unsafe {
            RSA_verify_raw(
                self.handle.as_ptr(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                signature.as_ptr(),
                signature.len(),
                library_padding,
            )
        };
        done(code, "RSA_verify_raw").map_err(|_| Error::Authentication)?;
        Ok(written)
    }

    fn encrypt_block(&self, library_padding: i32, plaintext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let mut written = 0;
        // SAFETY: a valid key; both buffers are passed with their lengths.
        let code = unsafe {
            RSA_encrypt(
                self.handle.as_ptr(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                plaintext.as_ptr(),
                plaintext.len(),
                library_padding,
            )
        };
        done(code, "RSA_encrypt")?;
        Ok(written)
    }
}
