//! Keys derived from keys (PKCS#11 3.2 §5.18.8).

use strongroom_crypto::derive;
use strongroom_crypto::memory::SecretBytes;

use super::Session;
use crate::attribute::Template;
use crate::error::Error;
use crate::mechanism::hashes::{AgreementKdf, agreement_kdf};
use crate::mechanism::{Call, Pbkdf2};
use crate::object::Object;
use crate::object::birth::Maker;

/// What `C_DeriveKey` made.
#[derive(Debug, Default)]
pub struct Derived {
    /// The handle for `phKey`; 0 where the mechanism gives none.
    pub key: u64,
    /// The handles for `CK_DERIVED_KEY.phKey`, in the order of the templates.
    pub additional: Vec<u64>,
    /// What goes into `CK_SSL3_KEY_MAT_OUT`.
    pub tls: Option<TlsKeys>,
    /// What goes into `pVersion` of the TLS master key mechanisms.
    pub version: Option<(u8, u8)>,
}

/// `CK_SSL3_KEY_MAT_OUT`.
#[derive(Debug)]
pub struct TlsKeys {
    /// `hClientMacSecret`, 0 for none.
    pub client_mac: u64,
    /// `hServerMacSecret`, 0 for none.
    pub server_mac: u64,
    /// `hClientKey`.
    pub client_key: u64,
    /// `hServerKey`.
    pub server_key: u64,
    /// For `pIVClient`.
    pub client_iv: Vec<u8>,
    /// For `pIVServer`.
    pub server_iv: Vec<u8>,
}

impl Session {
    /// Derives keys (`C_DeriveKey`).
    ///
    /// # Errors
    /// The mechanism's, the key's, the template's.
    pub fn derive_key(&self, call: &Call<'_>, base: u64, template: &Template<'_>) -> Result<Derived, Error> {
        let _ = (call, base, template);
        Err(Error::NotSupported)
    }

    /// A key from a password (`CKM_PKCS5_PBKD2`).
    pub(super) fn password_key(
        &self,
        parameter: &Pbkdf2<'_>,
        template: &Template<'_>,
        maker: &Maker<'_>,
    ) -> Result<Object, Error> {
        let _ = (parameter, template, maker);
        Err(Error::NotSupported)
    }
}

/// So many bytes of an agreed secret: its first, or those a KDF makes of it.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`.
pub(super) fn agreed_bytes(kdf: u64, shared: &[u8], secret: &SecretBytes, bytes: usize) -> Result<SecretBytes, Error> {
    let mut value = SecretBytes::zeroed(bytes)?;
    match agreement_kdf(kdf)? {
        AgreementKdf::None if !shared.is_empty() => {
            return Err(Error::MechanismParameter("CKD_NULL takes no shared data"));
        }
        AgreementKdf::None => {
            let first = secret.expose().get(..bytes).ok_or(Error::KeySize { got: bytes })?;
            value.expose_mut().copy_from_slice(first);
        }
        AgreementKdf::X963(hash) => derive::x963(hash, secret.expose(), shared, value.expose_mut())?,
        AgreementKdf::Sp800(hash) => derive::sp800_56c(hash, secret.expose(), shared, value.expose_mut())?,
    }
    Ok(value)
}
