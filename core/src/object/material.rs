//! The secret value of a key and what has been computed from it: key schedules, MAC states.
//!
//! Each form is built at its first use and then shared by every session and thread that uses the key, without a lock.

use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use parking_lot::Mutex;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{Error, cipher, hash, mac};

/// A secret value with its prepared forms.
pub struct Material {
    value: SecretBytes,
    cipher: OnceLock<Arc<cipher::Key>>,
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
    /// Takes a secret value.
    pub fn new(value: SecretBytes) -> Material {
        Material { value, cipher: OnceLock::new(), macs: Mutex::new(Vec::new()) }
    }

    /// The secret value.
    pub(crate) fn value(&self) -> &[u8] {
        self.value.expose()
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
    /// for generic secrets and ChaCha20 (PKCS#11 3.2 §4.10.2, §6.8.2 and the ChaCha20 key objects); none for RC4 and XTS,
    /// which have no block to encrypt.
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
