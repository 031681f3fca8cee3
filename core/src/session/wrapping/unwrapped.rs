//! The key in what came out of an unwrapping mechanism, as the template tells of it.

use cryptoki_sys::*;
use strongroom_crypto::cipher::Mode;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{derive, hash};

use super::scheme::Scheme;
use crate::asymmetric;
use crate::attribute::{AttributeType, Template};
use crate::error::Error;
use crate::mechanism::KeyWrap;
use crate::object::Object;
use crate::object::birth::{self, Maker};
use crate::object::schema::Kind;
use crate::session::blocks::Padding;

/// The key whose value, or whose encoding, was unwrapped. `block` is how many bytes the cipher's blocks have.
pub(super) fn unwrapped(
    scheme: &Scheme<'_>,
    value: SecretBytes,
    block: usize,
    (target, template, hidden): (&Unwrapped, &Template<'_>, bool),
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    match target.kind.class {
        CKO_PRIVATE_KEY => {
            let key_type = target.kind.subtype.unwrap_or_default();
            let der = match scheme {
                // Padded with zeros, which are no part of the structure. SoftHSM2 pads so even where the mechanism
                // has a padding of its own.
                Scheme::KeyWrap(KeyWrap::Plain | KeyWrap::Padded, _) => der_without_zeros(value.expose())?,
                _ => value.expose(),
            };
            let half = asymmetric::from_private_key_info(key_type, der)?;
            birth::unwrapped_private(target.kind, template, half, maker)
        }
        _ => {
            let value = match scheme {
                // Zeros behind it are no part of what was wrapped: whether there are any is nobody's business.
                Scheme::KeyWrap(KeyWrap::Plain, _) if hidden => target.whole(value)?,
                _ => target.value(scheme, value, block)?,
            };
            birth::unwrapped_secret(target.kind, template, value, maker)
        }
    }
}

/// What a template says of a key that is unwrapped.
pub(super) struct Unwrapped {
    pub(super) kind: &'static Kind,
    bytes: Option<usize>,
}

impl Unwrapped {
    pub(super) fn of(template: &Template<'_>) -> Result<Unwrapped, Error> {
        let missing = |attribute| Error::TemplateIncomplete(AttributeType(attribute));
        let class = template.ulong(CKA_CLASS).ok_or(missing(CKA_CLASS))?;
        let key_type = template.ulong(CKA_KEY_TYPE).ok_or(missing(CKA_KEY_TYPE))?;
        if !matches!(class, CKO_SECRET_KEY | CKO_PRIVATE_KEY) {
            let attribute = AttributeType(CKA_CLASS);
            return Err(Error::TemplateInconsistent {
                attribute,
                reason: "only secret and private keys are unwrapped",
            });
        }
        let kind = Kind::find(class, Some(key_type)).ok_or(Error::AttributeValue {
            attribute: AttributeType(CKA_KEY_TYPE),
            reason: "keys of this type are not kept",
        })?;
        let given = template.ulong(CKA_VALUE_LEN).filter(|_| class == CKO_SECRET_KEY);
        let bytes = match given {
            Some(given) => {
                let bytes = usize::try_from(given).ok().filter(|bytes| kind.lengths.allow(*bytes));
                // PKCS#11 3.2 §5.18.4 names this error for every conflict of lengths.
                Some(bytes.ok_or(Error::WrappedKeyLength)?)
            }
            None => kind.lengths.only(),
        };
        Ok(Unwrapped { kind, bytes })
    }

    /// The value of a secret key in what came out of the mechanism.
    fn value(&self, scheme: &Scheme<'_>, plain: SecretBytes, block: usize) -> Result<SecretBytes, Error> {
        match scheme {
            // Blocks with zeros behind the key: its length is the template's to say, and what is cut off must be zeros.
            Scheme::Cipher(Mode::Ecb | Mode::Cbc { .. }, _) => self.cut(plain, |rest| rest < block),
            Scheme::KeyWrap(KeyWrap::Plain, _) => self.cut(plain, |rest| rest < 8),
            Scheme::Rsa(Padding::Raw) => {
                let bytes = self.bytes.ok_or(Error::TemplateIncomplete(AttributeType(CKA_VALUE_LEN)))?;
                // Zeros stand before the key (PKCS#11 3.2 §6.1.11). Nobody looks: the answer would compare the
                // plaintext with a number of the caller's choice, which is enough to find it.
                let start = plain.len().checked_sub(bytes).ok_or(Error::WrappedKeyLength)?;
                Ok(SecretBytes::from_slice(plain.expose().get(start..).unwrap_or_default())?)
            }
            Scheme::Rsa(Padding::Pkcs1) => self.unpadded(plain),
            _ => self.whole(plain),
        }
    }

    fn whole(&self, plain: SecretBytes) -> Result<SecretBytes, Error> {
        match self.bytes {
            Some(bytes) if bytes != plain.len() => Err(Error::WrappedKeyLength),
            _ => Ok(plain),
        }
    }

    fn cut(&self, plain: SecretBytes, possible: impl Fn(usize) -> bool) -> Result<SecretBytes, Error> {
        let bytes = match self.bytes {
            Some(bytes) => bytes,
            None => self.only_length(plain.expose(), &possible)?,
        };
        let (value, zeros) = plain.expose().split_at_checked(bytes).ok_or(Error::WrappedKeyLength)?;
        if !possible(zeros.len()) {
            return Err(Error::WrappedKeyLength);
        }
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(Error::WrappedKeyInvalid);
        }
        Ok(SecretBytes::from_slice(value)?)
    }

    /// The length of the key, where its type and the zeros behind it leave only one. An AES key of 24 bytes in two
    /// blocks looks like one of 32: then the template must say.
    fn only_length(&self, plain: &[u8], possible: impl Fn(usize) -> bool) -> Result<usize, Error> {
        let incomplete = Error::TemplateIncomplete(AttributeType(CKA_VALUE_LEN));
        if !self.kind.lengths.is_exact() {
            return Err(incomplete);
        }
        let is_padding = |start: usize| plain.iter().skip(start).all(|byte| *byte == 0);
        let mut fitting = (0..=plain.len().min(BLOCK_BYTES_MAX))
            .filter(|zeros| possible(*zeros))
            .map(|zeros| plain.len() - zeros)
            .filter(|bytes| self.kind.lengths.allow(*bytes) && is_padding(*bytes));
        match (fitting.next(), fitting.next()) {
            (Some(bytes), None) => Ok(bytes),
            (None, _) => Err(Error::WrappedKeyLength),
            (Some(_), Some(_)) => Err(incomplete),
        }
    }

    /// PKCS #1 v1.5: a wrong padding has become a message that nobody can predict. Where the key's length is known, a
    /// message of another length must not tell either that the padding was right or that it was wrong: it becomes a key
    /// of that length, the same at each try.
    fn unpadded(&self, plain: SecretBytes) -> Result<SecretBytes, Error> {
        let Some(bytes) = self.bytes else {
            return match self.kind.lengths.allow(plain.len()) {
                true => Ok(plain),
                false => Err(Error::WrappedKeyInvalid),
            };
        };
        let mut other = SecretBytes::zeroed(bytes)?;
        let pseudo = derive::hkdf_extract(hash::Algorithm::Sha256, b"strongroom unwrap", plain.expose())?;
        derive::hkdf_expand(hash::Algorithm::Sha256, pseudo.expose(), b"", other.expose_mut())?;
        if plain.len() == bytes {
            other.expose_mut().copy_from_slice(plain.expose());
        }
        if matches!(self.kind.subtype, Some(CKK_DES | CKK_DES2 | CKK_DES3)) {
            strongroom_crypto::cipher::des::odd_parity(other.expose_mut());
        }
        Ok(other)
    }
}

/// A DER structure without the zeros that pad it.
fn der_without_zeros(padded: &[u8]) -> Result<&[u8], Error> {
    let (header, len) = match padded {
        [0x30, short @ 0..=0x7f, ..] => (2, usize::from(*short)),
        [0x30, 0x81, len, ..] => (3, usize::from(*len)),
        [0x30, 0x82, high, low, ..] => (4, usize::from(*high) << 8 | usize::from(*low)),
        _ => return Err(Error::WrappedKeyInvalid),
    };
    let (der, zeros) = padded.split_at_checked(header + len).ok_or(Error::WrappedKeyInvalid)?;
    if zeros.len() >= 8 || zeros.iter().any(|byte| *byte != 0) {
        return Err(Error::WrappedKeyInvalid);
    }
    Ok(der)
}

/// The largest block of a cipher.
const BLOCK_BYTES_MAX: usize = 16;
