//! Encryption and decryption of data as a whole: RSA, and AES key wrap as a cipher.

use strongroom_crypto::cipher::Direction;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::rsa::EncryptionPadding;

use super::collected::Collected;
use crate::asymmetric::{PrivateKey, PublicKey};
use crate::error::Error;
use crate::mechanism::{Call, KeyWrap, Oaep, Parameter, RsaForm, hashes};
use crate::object::Object;

/// A running encryption or decryption that needs all data at once.
pub(super) struct Block {
    form: Form,
    direction: Direction,
    data: Collected,
    /// Bytes of the key's modulus; 0 where it has none.
    modulus: usize,
}

enum Form {
    Rsa(Padding),
    KeyWrap(KeyWrap, Option<Box<[u8]>>),
}

/// How RSA pads what it encrypts.
pub(super) enum Padding {
    Pkcs1,
    Raw,
    Oaep { hash: strongroom_crypto::hash::Algorithm, mgf: strongroom_crypto::hash::Algorithm, label: Box<[u8]> },
}

impl Padding {
    /// The padding of a mechanism with this parameter.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn of(form: RsaForm, parameter: &Parameter<'_>) -> Result<Padding, Error> {
        match (form, parameter) {
            (RsaForm::Pkcs1, Parameter::None) => Ok(Padding::Pkcs1),
            (RsaForm::Raw, Parameter::None) => Ok(Padding::Raw),
            (RsaForm::Oaep, Parameter::Oaep(oaep)) => Padding::oaep(oaep),
            _ => Err(Error::MechanismParameter("not what this mechanism takes")),
        }
    }

    /// OAEP with this parameter.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn oaep(oaep: &Oaep<'_>) -> Result<Padding, Error> {
        let label = match oaep.source {
            cryptoki_sys::CKZ_DATA_SPECIFIED => oaep.label,
            0 if oaep.label.is_empty() => &[],
            _ => return Err(Error::MechanismParameter("source is CKZ_DATA_SPECIFIED, or 0 without a label")),
        };
        Ok(Padding::Oaep { hash: hashes::hash(oaep.hash)?, mgf: hashes::mgf(oaep.mgf)?, label: label.into() })
    }

    /// As the algorithm takes it.
    pub(super) fn padding(&self) -> EncryptionPadding<'_> {
        match self {
            Padding::Pkcs1 => EncryptionPadding::Pkcs1,
            Padding::Raw => EncryptionPadding::Raw,
            Padding::Oaep { hash, mgf, label } => EncryptionPadding::Oaep { hash: *hash, mgf: *mgf, label },
        }
    }
}

impl Block {
    /// Begins with an RSA key.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`, `CKR_KEY_SIZE_RANGE`.
    pub(super) fn rsa(form: RsaForm, call: &Call<'_>, key: &Object, direction: Direction) -> Result<Block, Error> {
        let padding = Padding::of(form, &call.parameter)?;
        let (modulus, room) = match direction {
            Direction::Encrypt => match key.public_key()? {
                PublicKey::Rsa(key) => (key.bytes(), key.max_plaintext(&padding.padding())),
                _ => return Err(Error::NotSupported),
            },
            Direction::Decrypt => match &**key.private_key()? {
                PrivateKey::Rsa(key) => (key.bytes(), key.max_plaintext(&padding.padding())),
                _ => return Err(Error::NotSupported),
            },
        };
        if room.is_none() {
            return Err(Error::KeySize { got: modulus });
        }
        Ok(Block { form: Form::Rsa(padding), direction, data: Collected::default(), modulus })
    }

    /// Begins with an AES key.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn key_wrap(form: KeyWrap, call: &Call<'_>, direction: Direction) -> Result<Block, Error> {
        let iv = initial_value(&call.parameter)?.map(Box::from);
        Ok(Block { form: Form::KeyWrap(form, iv), direction, data: Collected::default(), modulus: 0 })
    }

    /// Takes a part.
    ///
    /// # Errors
    /// [`Error::DataLength`] for more than can be of use.
    pub(super) fn update(&mut self, part: &[u8]) -> Result<(), Error> {
        let limit = self.limit();
        self.data.add(part, limit)
    }

    fn limit(&self) -> Option<usize> {
        (self.modulus > 0).then_some(self.modulus)
    }

    /// The most bytes that can come out for the data so far and so many more.
    pub(super) fn len(&self, more: usize) -> usize {
        let data = self.data.len().saturating_add(more);
        match (&self.form, self.direction) {
            (Form::Rsa(_), _) => self.modulus,
            (Form::KeyWrap(form, _), Direction::Encrypt) => wrapped_len(*form, data),
            (Form::KeyWrap(..), Direction::Decrypt) => data.saturating_sub(8),
        }
    }

    /// Encrypts or decrypts the data with `last` behind it.
    ///
    /// # Errors
    /// The data's; [`Error::BufferTooSmall`], after which it can be done again.
    pub(super) fn finish(&mut self, key: &Object, last: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        let most = self.len(last.len());
        let limit = self.limit();
        let data = self.data.with(last, limit)?;
        match (&self.form, self.direction) {
            (Form::Rsa(padding), Direction::Encrypt) => {
                let PublicKey::Rsa(key) = key.public_key()? else { return Err(Error::NotSupported) };
                let place = out.get_mut(..most).ok_or(Error::BufferTooSmall { needed: most })?;
                Ok(key.encrypt(&padding.padding(), data, place)?)
            }
            (Form::KeyWrap(form, iv), Direction::Encrypt) => {
                let place = out.get_mut(..most).ok_or(Error::BufferTooSmall { needed: most })?;
                wrap(key, *form, iv.as_deref(), data, place)
            }
            (form, Direction::Decrypt) => {
                let mut plain = SecretBytes::zeroed(most.max(1))?;
                let written = match form {
                    Form::Rsa(padding) => {
                        let PrivateKey::Rsa(key) = &**key.private_key()? else { return Err(Error::NotSupported) };
                        key.decrypt(&padding.padding(), data, plain.expose_mut())?
                    }
                    Form::KeyWrap(form, iv) => unwrap(key, *form, iv.as_deref(), data, plain.expose_mut())?,
                };
                let place = out.get_mut(..written).ok_or(Error::BufferTooSmall { needed: written })?;
                place.copy_from_slice(plain.expose().get(..written).unwrap_or_default());
                Ok(written)
            }
        }
    }
}

/// The initial value of a key wrap, where the caller gives one.
pub(super) fn initial_value<'a>(parameter: &Parameter<'a>) -> Result<Option<&'a [u8]>, Error> {
    match parameter {
        Parameter::None => Ok(None),
        Parameter::Bytes(iv) => Ok(Some(iv)),
        _ => Err(Error::MechanismParameter("not what this mechanism takes")),
    }
}

/// Bytes of a wrapped key.
pub(super) fn wrapped_len(form: KeyWrap, data: usize) -> usize {
    let padded = match form {
        KeyWrap::Plain | KeyWrap::Padded => data.next_multiple_of(8),
        KeyWrap::Pkcs7 => (data / 8 + 1) * 8,
    };
    padded.saturating_add(8).max(16)
}

/// Wraps data with an AES key.
///
/// # Errors
/// [`Error::DataLength`] for data of a length the form does not take.
pub(super) fn wrap(
    key: &Object,
    form: KeyWrap,
    iv: Option<&[u8]>,
    data: &[u8],
    out: &mut [u8],
) -> Result<usize, Error> {
    let wrapping = key.material()?.key_wrap()?;
    Ok(match form {
        KeyWrap::Plain => wrapping.wrap(exact(iv)?, data, out)?,
        KeyWrap::Padded => wrapping.wrap_padded(exact(iv)?, data, out)?,
        KeyWrap::Pkcs7 => {
            let padding = 8 - data.len() % 8;
            let mut padded = SecretBytes::zeroed(data.len() + padding)?;
            let (text, tail) = padded.expose_mut().split_at_mut(data.len());
            text.copy_from_slice(data);
            tail.fill(padding as u8);
            wrapping.wrap(exact(iv)?, padded.expose(), out)?
        }
    })
}

/// Unwraps what [`wrap`] made, into `out`, which has room for the ciphertext without its check.
///
/// # Errors
/// [`Error::EncryptedDataInvalid`], [`Error::EncryptedDataLength`].
pub(super) fn unwrap(
    key: &Object,
    form: KeyWrap,
    iv: Option<&[u8]>,
    data: &[u8],
    out: &mut [u8],
) -> Result<usize, Error> {
    let wrapping = key.material()?.key_wrap()?;
    match form {
        KeyWrap::Plain => Ok(wrapping.unwrap(exact(iv)?, data, out)?),
        KeyWrap::Padded => Ok(wrapping.unwrap_padded(exact(iv)?, data, out)?),
        KeyWrap::Pkcs7 => {
            let written = wrapping.unwrap(exact(iv)?, data, out)?;
            // The integrity check has held: padding tells nothing that whoever wrapped does not know.
            let text = out.get(..written).unwrap_or_default();
            let padding = text.last().map_or(0, |last| usize::from(*last));
            let tail = text.len().checked_sub(padding).and_then(|start| text.get(start..));
            match tail {
                Some(tail) if (1..=8).contains(&padding) && tail.iter().all(|byte| usize::from(*byte) == padding) => {
                    Ok(written - padding)
                }
                _ => Err(Error::EncryptedDataInvalid),
            }
        }
    }
}

fn exact<const N: usize>(iv: Option<&[u8]>) -> Result<Option<[u8; N]>, Error> {
    let wrong = Error::MechanismParameter("the initial value has not the length this mechanism takes");
    iv.map(|iv| iv.try_into().map_err(|_| wrong)).transpose()
}
