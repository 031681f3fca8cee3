//! What a mechanism does to wrap and to unwrap bytes, and what that tells of them.

use cryptoki_sys::*;
use strongroom_crypto::cipher::{Cipher, Direction, Mode};
use strongroom_crypto::memory::SecretBytes;

use super::hybrid::{hybrid_unwrap, hybrid_wrap, transport_bytes};
use crate::asymmetric::{PrivateKey, PublicKey};
use crate::error::Error;
use crate::mechanism::{Call, CipherMode, HybridWrap, KeyWrap, MechanismName, Parameter, Work, hashes};
use crate::object::Object;
use crate::session::blocks::{self, Padding};

/// What a wrapping mechanism works on.
pub(super) enum Scheme<'a> {
    /// A cipher. Whether it takes data of any length, and with it private keys.
    Cipher(Mode<'a>, bool),
    KeyWrap(KeyWrap, Option<&'a [u8]>),
    Rsa(Padding),
    Hybrid(HybridWrap, Padding, &'a Parameter<'a>),
}

pub(super) fn scheme<'a>(call: &'a Call<'a>, aad: Option<&'a [u8]>) -> Result<Scheme<'a>, Error> {
    let invalid = Error::MechanismInvalid(MechanismName(call.mechanism.id));
    Ok(match (&call.mechanism.work, aad) {
        (Work::Cipher { mode, .. }, None) => {
            let any = matches!(mode, CipherMode::CbcPad | CipherMode::Gcm | CipherMode::Ccm);
            Scheme::Cipher(call.mode(*mode)?, any)
        }
        (Work::Cipher { mode: mode @ (CipherMode::Gcm | CipherMode::Ccm), .. }, Some(associated)) => {
            let mode = match call.mode(*mode)? {
                Mode::Gcm { iv, aad: [], tag_bytes } => Mode::Gcm { iv, aad: associated, tag_bytes },
                Mode::Ccm { data_bytes, nonce, aad: [], tag_bytes } => {
                    Mode::Ccm { data_bytes, nonce, aad: associated, tag_bytes }
                }
                _ => return Err(Error::MechanismParameter("the associated data is an argument of its own")),
            };
            Scheme::Cipher(mode, true)
        }
        (_, Some(_)) => return Err(invalid),
        (Work::KeyWrap(form), None) => {
            let iv = blocks::initial_value(&call.parameter)?;
            if *form != KeyWrap::Padded && iv.is_some_and(|iv| iv.starts_with(&PADDED_PREFIX)) {
                return Err(Error::MechanismParameter("an initial value that begins as CKM_AES_KEY_WRAP_KWP's"));
            }
            Scheme::KeyWrap(*form, iv)
        }
        (Work::Rsa(form), None) => Scheme::Rsa(Padding::of(*form, &call.parameter)?),
        (Work::HybridWrap(form), None) => {
            let padding = match &call.parameter {
                Parameter::RsaAes { oaep, .. } => Padding::oaep(oaep)?,
                Parameter::Agreement { kdf, .. } => {
                    hashes::agreement_kdf(*kdf)?;
                    Padding::Raw
                }
                _ => Padding::Raw,
            };
            Scheme::Hybrid(*form, padding, &call.parameter)
        }
        _ => return Err(invalid),
    })
}

impl Scheme<'_> {
    /// Whether it takes data of any length as it is, and so private keys.
    pub(super) fn takes_any_length(&self) -> bool {
        !matches!(self, Scheme::Cipher(_, false) | Scheme::Rsa(_))
    }

    /// Whether nobody who chooses the parameter and other keys to wrap learns of a key from what it becomes: a counter
    /// that comes twice shows it, and so do short ends of blocks and a power of RSA without padding.
    pub(super) fn is_made_for_keys(&self) -> bool {
        !matches!(self, Scheme::Cipher(..) | Scheme::Rsa(Padding::Raw))
    }

    /// Whether somebody who changes the wrapped key, or has others wrapped with the same parameter, learns nothing of
    /// it. GCM and CCM encrypt with a key stream, which a known key shows, and check as few bytes as the caller says.
    pub(super) fn tells_nothing(&self) -> bool {
        match self {
            Scheme::Cipher(..) => false,
            Scheme::Rsa(padding) => !matches!(padding, Padding::Raw),
            // What was wrapped in another form, or with another initial value, has such a padding by chance.
            Scheme::KeyWrap(form, iv) => *form != KeyWrap::Pkcs7 && iv.is_none(),
            Scheme::Hybrid(..) => true,
        }
    }

    /// The most bits of strength that it has under a key of any strength: those of the key in between.
    pub(super) fn bits_max(&self) -> u32 {
        match self {
            Scheme::Hybrid(.., Parameter::RsaAes { key_bits, .. } | Parameter::Agreement { key_bits, .. }) => {
                u32::try_from(*key_bits).unwrap_or_default()
            }
            _ => u32::MAX,
        }
    }

    /// Bytes of the wrapped key.
    pub(super) fn wrapped_len(&self, wrapping: &Object, len: usize) -> Result<usize, Error> {
        Ok(match self {
            Scheme::Cipher(mode, _) => match mode {
                Mode::Ecb | Mode::Cbc { .. } => len.next_multiple_of(block_bytes(wrapping)),
                Mode::CbcPad { .. } => (len / block_bytes(wrapping) + 1) * block_bytes(wrapping),
                Mode::Gcm { tag_bytes, .. } | Mode::Ccm { tag_bytes, .. } => len + tag_bytes,
                _ => len,
            },
            Scheme::KeyWrap(form, _) => blocks::wrapped_len(*form, len),
            Scheme::Rsa(_) => modulus_bytes(wrapping)?,
            Scheme::Hybrid(form, ..) => {
                let first = match form {
                    HybridWrap::Rsa => modulus_bytes(wrapping)?,
                    HybridWrap::Ecdh | HybridWrap::Montgomery => transport_bytes(wrapping)?,
                };
                first + blocks::wrapped_len(KeyWrap::Padded, len)
            }
        })
    }

    pub(super) fn wrap(&self, wrapping: &Object, value: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        match self {
            Scheme::Cipher(mode, _) => {
                let padded;
                let value = match mode {
                    Mode::Ecb | Mode::Cbc { .. } => {
                        padded = zero_padded(value, block_bytes(wrapping))?;
                        padded.expose()
                    }
                    _ => value,
                };
                let key = wrapping.material()?.cipher(wrapping.kind.subtype.unwrap_or_default())?;
                let mode = match *mode {
                    // Callers need not know how long the key is.
                    Mode::Ccm { nonce, aad, tag_bytes, .. } => {
                        Mode::Ccm { data_bytes: value.len(), nonce, aad, tag_bytes }
                    }
                    mode => mode,
                };
                Ok(Cipher::start(key, &mode, Direction::Encrypt)?.one_shot(value, out)?)
            }
            Scheme::KeyWrap(KeyWrap::Plain, iv) => {
                let padded = zero_padded(value, 8)?;
                blocks::wrap(wrapping, KeyWrap::Plain, *iv, padded.expose(), out)
            }
            Scheme::KeyWrap(form, iv) => blocks::wrap(wrapping, *form, *iv, value, out),
            Scheme::Rsa(padding) => {
                let PublicKey::Rsa(key) = wrapping.public_key()? else { return Err(Error::NotSupported) };
                Ok(key.encrypt(&padding.padding(), value, out)?)
            }
            Scheme::Hybrid(form, padding, parameter) => hybrid_wrap(*form, padding, parameter, wrapping, value, out),
        }
    }

    pub(super) fn unwrap(&self, unwrapping: &Object, wrapped: &[u8]) -> Result<SecretBytes, Error> {
        // The longest any of them gives.
        let mut value = SecretBytes::zeroed(wrapped.len().max(1))?;
        let written = match self {
            Scheme::Cipher(mode, _) => {
                let key = unwrapping.material()?.cipher(unwrapping.kind.subtype.unwrap_or_default())?;
                let mode = match *mode {
                    // PKCS#11 gives the length of the plaintext, which callers take from the wrapped key or leave out.
                    Mode::Ccm { nonce, aad, tag_bytes, .. } => {
                        let data_bytes = wrapped.len().checked_sub(tag_bytes).ok_or(Error::EncryptedDataLength)?;
                        Mode::Ccm { data_bytes, nonce, aad, tag_bytes }
                    }
                    mode => mode,
                };
                Cipher::start(key, &mode, Direction::Decrypt)?.one_shot(wrapped, value.expose_mut())?
            }
            Scheme::KeyWrap(form, iv) => blocks::unwrap(unwrapping, *form, *iv, wrapped, value.expose_mut())?,
            Scheme::Rsa(padding) => {
                let PrivateKey::Rsa(key) = &**unwrapping.private_key()? else { return Err(Error::NotSupported) };
                if wrapped.len() != key.bytes() {
                    return Err(Error::EncryptedDataLength);
                }
                key.decrypt(&padding.padding(), wrapped, value.expose_mut())?
            }
            Scheme::Hybrid(form, padding, parameter) => {
                return hybrid_unwrap(*form, padding, parameter, unwrapping, wrapped);
            }
        };
        Ok(SecretBytes::from_slice(value.expose().get(..written).unwrap_or_default())?)
    }
}

/// Bytes of the block of a secret key's cipher.
pub(super) fn block_bytes(key: &Object) -> usize {
    if key.kind.subtype == Some(CKK_AES) { 16 } else { 8 }
}

fn modulus_bytes(key: &Object) -> Result<usize, Error> {
    match key.public_key()? {
        PublicKey::Rsa(key) => Ok(key.bytes()),
        _ => Err(Error::NotSupported),
    }
}

/// A key with zeros behind it up to the next block.
fn zero_padded(value: &[u8], block: usize) -> Result<SecretBytes, Error> {
    let mut padded = SecretBytes::zeroed(value.len().next_multiple_of(block))?;
    if let Some(place) = padded.expose_mut().get_mut(..value.len()) {
        place.copy_from_slice(value);
    }
    Ok(padded)
}

/// What the initial value of key wrap with padding begins with (RFC 5649 §3).
const PADDED_PREFIX: [u8; 4] = [0xa6, 0x59, 0x59, 0xa6];
