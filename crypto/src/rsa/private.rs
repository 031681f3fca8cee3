//! Private keys.

use std::ffi::c_uint;

use aws_lc_sys::{RSA_NO_PADDING, RSA_PKCS1_PADDING, RSA_sign, RSA_sign_pss_mgf1, RSA_sign_raw};

use super::bignum::done;
use super::handle::{Handle, block};
use super::padding::{PKCS1_BYTES, digest_info_name, max_plaintext, method, pad_left, pss_salt};
use super::{
    Check, Component, Components, EncryptionPadding, GENERATED_BITS_STEP, MODULUS_BITS_MAX, MODULUS_BITS_MIN,
    PublicKey, SignaturePadding, import, rejection,
};
use crate::Error;
use crate::memory::SecretBytes;

/// A private key, prepared. The library wipes it on drop.
pub struct PrivateKey {
    handle: Handle,
}

impl PrivateKey {
    /// A new key with a modulus of exactly `bits` bits (FIPS 186-5 §A.1.3), tried out once.
    ///
    /// # Errors
    /// [`Error::KeyLength`] unless `bits` is between [`MODULUS_BITS_MIN`] and [`MODULUS_BITS_MAX`] and a multiple of
    /// [`GENERATED_BITS_STEP`]; [`Error::KeyValue`] for an exponent that is even, 1 or longer than 32 bits.
    pub fn generate(bits: usize, public_exponent: &[u8]) -> Result<PrivateKey, Error> {
        let possible = (MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&bits);
        if !possible || !bits.is_multiple_of(GENERATED_BITS_STEP) {
            return Err(Error::KeyLength { got: bits / 8 });
        }
        let public_exponent = import::exponent_for_generation(public_exponent)?;
        let key = PrivateKey { handle: Handle::generate(bits, &public_exponent)? };
        key.try_out()?;
        Ok(key)
    }

    /// A key of these components. What is missing of the CRT form is computed, once and not in constant time.
    ///
    /// With [`Check::Full`] the key is checked as FIPS 186-5 §A.1 asks (sizes, primality, n = p·q, d·e = 1, the CRT
    /// values, the distance of the primes), for the fingerprint of [`is_roca`](super::is_roca), and tried out once.
    /// With [`Check::Known`] only sizes and n = p·q are looked at, and the first use takes a little longer than others.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for a modulus that is too short or too long, [`Error::KeyValue`] for a component that is
    /// wrong.
    pub fn from_components(components: &Components<'_>, check: Check) -> Result<PrivateKey, Error> {
        let key = PrivateKey { handle: import::private(components, check)? };
        if check == Check::Full {
            key.try_out().map_err(|_| Error::KeyValue("the key does not invert its public key"))?;
        }
        Ok(key)
    }

    /// One of the numbers, big-endian without leading zeros. Generated and imported keys have all of them.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn component(&self, component: Component) -> Result<SecretBytes, Error> {
        self.handle.component(component)
    }

    /// The public key of this one.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn public(&self) -> Result<PublicKey, Error> {
        import::public_of(&self.handle).map(PublicKey::of)
    }

    /// Bits of the modulus.
    pub fn bits(&self) -> usize {
        self.handle.bits()
    }

    /// Bytes of the modulus, which is what a signature takes.
    pub fn bytes(&self) -> usize {
        self.handle.bytes()
    }

    /// Signs `input`, a digest for [`SignaturePadding::Pkcs1Digest`] and [`SignaturePadding::Pss`]; returns the
    /// signature's length, [`bytes`](PrivateKey::bytes).
    ///
    /// # Errors
    /// [`Error::DataLength`] for an input that is too long or not as long as the digest; [`Error::DataValue`] for one
    /// that, raw, is not below the modulus; [`Error::Parameter`] for a hash or salt that the key is too short for;
    /// [`Error::OutputTooSmall`].
    pub fn sign(&self, padding: &SignaturePadding, input: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let needed = self.bytes();
        let out = out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        let rsa = self.handle.as_ptr();
        match *padding {
            SignaturePadding::Raw => {
                let mut padded = block();
                let padded = padded.get_mut(..needed).ok_or(Error::DataLength)?;
                pad_left(input, padded)?;
                self.transform(padded, out, Error::DataValue)?;
            }
            SignaturePadding::Pkcs1 => {
                if needed.checked_sub(PKCS1_BYTES).is_none_or(|room| input.len() > room) {
                    return Err(Error::DataLength);
                }
                let mut written = 0;
                // SAFETY: a valid key; both buffers are passed with their lengths.
                let code = unsafe {
                    RSA_sign_raw(
                        rsa,
                        &mut written,
                        out.as_mut_ptr(),
                        out.len(),
                        input.as_ptr(),
                        input.len(),
                        RSA_PKCS1_PADDING,
                    )
                };
                done(code, "RSA_sign_raw")?;
            }
            SignaturePadding::Pkcs1Digest(hash) => {
                let name = digest_info_name(hash)?;
                if input.len() != hash.output_bytes() {
                    return Err(Error::DataLength);
                }
                let mut written: c_uint = 0;
                // SAFETY: a valid key; the input is passed with its length, the output holds a whole signature.
                let code = unsafe { RSA_sign(name, input.as_ptr(), input.len(), out.as_mut_ptr(), &mut written, rsa) };
                done(code, "RSA_sign")?;
            }
            SignaturePadding::Pss { hash, mgf, salt_bytes } => {
                let (hash_method, mgf_method) = (method(hash)?, method(mgf)?);
                let salt = pss_salt(hash, salt_bytes, self.bits())?;
                if input.len() != hash.output_bytes() {
                    return Err(Error::DataLength);
                }
                let mut written = 0;
                // SAFETY: a valid key and static methods; both buffers are passed with their lengths.
                let code = unsafe {
                    RSA_sign_pss_mgf1(
                        rsa,
                        &mut written,
                        out.as_mut_ptr(),
                        out.len(),
                        input.as_ptr(),
                        input.len(),
                        hash_method,
                        mgf_method,
                        salt,
                    )
                };
                done(code, "RSA_sign_pss_mgf1")?;
            }
        }
        Ok(needed)
    }

    /// Decrypts into `out` and returns the plaintext's length; [`EncryptionPadding::Raw`] gives the whole block.
    ///
    /// [`EncryptionPadding::Pkcs1`] never fails for the padding: a ciphertext that is not padded right gives a message
    /// made up from it and the key, of any possible length and the same each time (implicit rejection).
    ///
    /// # Errors
    /// [`Error::CiphertextLength`] for a ciphertext that is not as long as the modulus; [`Error::Authentication`] for
    /// one that is not below it, and whatever is wrong with an OAEP ciphertext; [`Error::KeyLength`] for a key that is
    /// too short for the OAEP hash; [`Error::OutputTooSmall`] with the length of this plaintext.
    pub fn decrypt(&self, padding: &EncryptionPadding<'_>, ciphertext: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let block_bytes = self.bytes();
        if ciphertext.len() != block_bytes {
            return Err(Error::CiphertextLength);
        }
        let mut decrypted = block();
        match padding {
            EncryptionPadding::Raw => {
                let needed = block_bytes;
                let out = out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
                self.transform(ciphertext, out, Error::Authentication)?;
                Ok(needed)
            }
            EncryptionPadding::Pkcs1 => {
                let decrypted = decrypted.get_mut(..block_bytes).ok_or(Error::CiphertextLength)?;
                self.transform(ciphertext, decrypted, Error::Authentication)?;
                let mut private_exponent = block();
                let private_exponent = private_exponent.get_mut(..block_bytes).ok_or(Error::CiphertextLength)?;
                self.handle.write_component(Component::PrivateExponent, private_exponent)?;
                rejection::unpad(private_exponent, ciphertext, decrypted, out)
            }
            EncryptionPadding::Oaep { hash, mgf, label } => {
                max_plaintext(padding, block_bytes).ok_or(Error::KeyLength { got: block_bytes })?;
                let needed = self.handle.oaep_decrypt(*hash, *mgf, label, ciphertext, &mut *decrypted)?;
                let plaintext = decrypted.get(..needed).ok_or(Error::Library("EVP_PKEY_decrypt"))?;
                out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?.copy_from_slice(plaintext);
                Ok(needed)
            }
        }
    }

    /// The longest plaintext in bytes, or none if the key is too short for the padding.
    pub fn max_plaintext(&self, padding: &EncryptionPadding<'_>) -> Option<usize> {
        max_plaintext(padding, self.bytes())
    }

    // input^d mod n, both as long as the modulus. `out_of_range` when the input is not below the modulus.
    fn transform(&self, input: &[u8], out: &mut [u8], out_of_range: Error) -> Result<(), Error> {
        let mut limit = block();
        let limit = limit.get_mut(..self.bytes()).ok_or(out_of_range)?;
        self.handle.write_component(Component::Modulus, limit)?;
        // Of the same length, so that the order of the bytes is that of the numbers.
        if input.len() != limit.len() || *input >= *limit {
            return Err(out_of_range);
        }
        // The library refuses the numbers that are their own odd powers: 0, 1 and n − 1.
        if let Some(last) = limit.last_mut() {
            *last &= !1;
        }
        let own_power = match input.split_last() {
            Some((0 | 1, front)) => front.iter().all(|byte| *byte == 0),
            _ => false,
        };
        if own_power || *input == *limit {
            out.copy_from_slice(input);
            return Ok(());
        }
        let mut written = 0;
        // SAFETY: a valid key; both buffers are passed with their lengths.
        let code = unsafe {
            RSA_sign_raw(
                self.handle.as_ptr(),
                &mut written,
                out.as_mut_ptr(),
                out.len(),
                input.as_ptr(),
                input.len(),
                RSA_NO_PADDING,
            )
        };
        done(code, "RSA_sign_raw")
    }

    // One private operation, which the library checks with the public exponent. It leaves everything prepared that the
    // library makes at the first use: the Montgomery values of n, p and q and a blinding pair.
    fn try_out(&self) -> Result<(), Error> {
        let (mut input, mut out) = (block(), block());
        let needed = self.bytes();
        let input = input.get_mut(..needed).ok_or(Error::DataLength)?;
        if let Some(last) = input.last_mut() {
            *last = 2;
        }
        self.transform(input, out.get_mut(..needed).ok_or(Error::DataLength)?, Error::DataLength)
    }
}
