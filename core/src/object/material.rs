//! The secret values of a key and what has been computed from them: key schedules, MAC states, private keys.
//!
//! Each form is built at its first use and then shared by every session and thread that uses the key, without a lock. A
//! secret key has one value. A private key has several parts, which lie one after the other in one piece of secret
//! memory, in the form in which they are sealed.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use parking_lot::Mutex;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{Error, cipher, hash, keywrap, mac};

use super::codec::damaged;
use super::schema::Kind;
use crate::asymmetric::PrivateKey;

/// The secret values of a key with their prepared forms.
pub struct Material {
    value: SecretBytes,
    /// Where each part lies, for private keys, in ascending order of the attributes.
    parts: Option<Vec<(u64, Range<usize>)>>,
    private: OnceLock<Arc<PrivateKey>>,
    cipher: OnceLock<Arc<cipher::Key>>,
    wrapping: OnceLock<keywrap::Key>,
    macs: Mutex<Vec<(MacForm, Arc<mac::Key>)>>,
}

/// What kind of MAC key a secret is prepared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacForm {
    /// HMAC with this hash.
    Hmac(hash::Algorithm),
    /// CMAC with AES.
    CmacAes,
    /// CMAC with triple DES.
    CmacDes3,
    /// CBC-MAC with AES.
    CbcMacAes,
    /// GMAC with AES.
    Gmac,
}

impl Material {
    /// Takes the value of a secret key.
    pub fn new(value: SecretBytes) -> Material {
        Material {
            value,
            parts: None,
            private: OnceLock::new(),
            cipher: OnceLock::new(),
            wrapping: OnceLock::new(),
            macs: Mutex::new(Vec::new()),
        }
    }

    /// Takes the secret parts of a private key, in ascending order of their attributes, and the key they make.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub(crate) fn of_parts(parts: &[(u64, &[u8])], private: PrivateKey) -> Result<Material, Error> {
        let len = parts.iter().map(|(_, part)| PART_HEADER + part.len()).sum();
        let mut value = SecretBytes::zeroed(len)?;
        let mut rest = value.expose_mut();
        let mut ranges = Vec::with_capacity(parts.len());
        let mut at = 0;
        for (attribute, part) in parts {
            let (header, after) = rest.split_at_mut_checked(PART_HEADER).ok_or(Error::Memory)?;
            let (number, count) = header.split_at_mut_checked(8).ok_or(Error::Memory)?;
            number.copy_from_slice(&attribute.to_le_bytes());
            count.copy_from_slice(&(part.len() as u32).to_le_bytes());
            let (place, after) = after.split_at_mut_checked(part.len()).ok_or(Error::Memory)?;
            place.copy_from_slice(part);
            rest = after;
            ranges.push((*attribute, at + PART_HEADER..at + PART_HEADER + part.len()));
            at += PART_HEADER + part.len();
        }
        let material = Material { parts: Some(ranges), ..Material::new(value) };
        let _ = material.private.set(Arc::new(private));
        Ok(material)
    }

    /// Takes what [`Material::sealed`] gave for a key of this kind.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] for anything else.
    pub(crate) fn of_sealed(kind: &Kind, sealed: SecretBytes) -> Result<Material, crate::error::Error> {
        if kind.class != CKO_PRIVATE_KEY {
            return match kind.is_secret() && kind.lengths.allow(sealed.len()) {
                true => Ok(Material::new(sealed)),
                false => Err(damaged("a key with a value of an impossible length")),
            };
        }
        let refused = || damaged("a private key with parts of an impossible form");
        let mut ranges: Vec<(u64, Range<usize>)> = Vec::new();
        let mut rest = sealed.expose();
        while let Some((header, after)) = rest.split_first_chunk::<PART_HEADER>() {
            let (number, count) = header.split_first_chunk::<8>().ok_or_else(refused)?;
            let attribute = u64::from_le_bytes(*number);
            let count = count.first_chunk().map(|count| u32::from_le_bytes(*count) as usize).ok_or_else(refused)?;
            let start = sealed.len() - after.len();
            rest = after.get(count..).ok_or_else(refused)?;
            let known = kind.rule(attribute).is_some_and(|rule| rule.is_secret_part());
            if !known || ranges.last().is_some_and(|(last, _)| *last >= attribute) {
                return Err(refused());
            }
            ranges.push((attribute, start..start + count));
        }
        if !rest.is_empty() || ranges.is_empty() {
            return Err(refused());
        }
        Ok(Material { parts: Some(ranges), ..Material::new(sealed) })
    }

    /// The secret values in the form in which they are sealed.
    pub(crate) fn sealed(&self) -> &[u8] {
        self.value.expose()
    }

    /// The value of a secret key; nothing for a private key, which has parts.
    pub(crate) fn value(&self) -> &[u8] {
        match self.parts {
            None => self.value.expose(),
            Some(_) => &[],
        }
    }

    /// One secret part: `CKA_VALUE` of a secret key, any of a private key's.
    pub(crate) fn part(&self, attribute: u64) -> Option<&[u8]> {
        match &self.parts {
            None => (attribute == CKA_VALUE).then(|| self.value.expose()),
            Some(parts) => {
                let at = parts.binary_search_by_key(&attribute, |(which, _)| *which).ok()?;
                self.value.expose().get(parts.get(at)?.1.clone())
            }
        }
    }

    /// Bytes of the secret values.
    pub(crate) fn len(&self) -> usize {
        self.value.len()
    }

    /// The private key, which `open` makes at its first use.
    ///
    /// # Errors
    /// What `open` gives.
    pub(crate) fn private(
        &self,
        open: impl FnOnce() -> Result<PrivateKey, crate::error::Error>,
    ) -> Result<&Arc<PrivateKey>, crate::error::Error> {
        if let Some(key) = self.private.get() {
            return Ok(key);
        }
        let key = Arc::new(open()?);
        Ok(self.private.get_or_init(|| key))
    }

    /// The key as its type's cipher takes it.
    pub fn cipher(&self, key_type: u64) -> Result<&Arc<cipher::Key>, Error> {
        if let Some(key) = self.cipher.get() {
            return Ok(key);
        }
        let value = self.value();
        let key = match key_type {
            CKK_AES => cipher::Key::aes(value),
            CKK_AES_XTS => cipher::Key::aes_xts(value),
            CKK_DES | CKK_DES2 | CKK_DES3 => cipher::Key::des(value),
            CKK_RC4 => cipher::Key::rc4(value),
            CKK_CHACHA20 => cipher::Key::chacha20(value),
            _ => Err(Error::KeyValue("keys of this type do not encrypt")),
        }?;
        Ok(self.cipher.get_or_init(|| Arc::new(key)))
    }

    /// The key as AES key wrap takes it.
    pub(crate) fn key_wrap(&self) -> Result<&keywrap::Key, Error> {
        if let Some(key) = self.wrapping.get() {
            return Ok(key);
        }
        let key = keywrap::Key::new(self.value())?;
        Ok(self.wrapping.get_or_init(|| key))
    }

    /// The key as a MAC takes it.
    pub fn mac(&self, form: MacForm) -> Result<Arc<mac::Key>, Error> {
        let mut macs = self.macs.lock();
        if let Some((_, key)) = macs.iter().find(|(which, _)| *which == form) {
            return Ok(Arc::clone(key));
        }
        let value = self.value();
        let key = Arc::new(match form {
            MacForm::Hmac(algorithm) => mac::Key::hmac(algorithm, value),
            MacForm::CmacAes => mac::Key::cmac_aes(value),
            MacForm::CmacDes3 => mac::Key::cmac_des3(value),
            MacForm::CbcMacAes => mac::Key::cbc_mac_aes(value),
            MacForm::Gmac => mac::Key::gmac(value),
        }?);
        macs.push((form, Arc::clone(&key)));
        Ok(key)
    }

    /// The key check value: three bytes of an encrypted zero block for block ciphers, of the SHA-1 hash of the value
    /// for generic secrets and ChaCha20 (PKCS#11 3.2 §4.10.2, §6.8.2 and the ChaCha20 key objects); none for RC4 and
    /// XTS, which have no block to encrypt.
    pub fn check_value(&self, key_type: u64) -> Result<Option<[u8; 3]>, Error> {
        match key_type {
            CKK_AES | CKK_DES | CKK_DES2 | CKK_DES3 => cipher::check_value(self.cipher(key_type)?).map(Some),
            CKK_AES_XTS | CKK_RC4 => Ok(None),
            _ => {
                let mut digest = [0; 20];
                hash::digest(hash::Algorithm::Sha1, self.value(), &mut digest)?;
                let [a, b, c, ..] = digest;
                Ok(Some([a, b, c]))
            }
        }
    }
}

/// Bytes before each part: its attribute and its length.
const PART_HEADER: usize = 12;
