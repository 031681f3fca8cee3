//! Keys wrapped in two steps: an AES key in between, which RSA or an agreement protects (PKCS#11 3.2 §6.1.20, §6.3.20).

use cryptoki_sys::*;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{ec, keywrap, montgomery};

use crate::asymmetric::{PrivateKey, PublicKey};
use crate::error::Error;
use crate::mechanism::{HybridWrap, Parameter};
use crate::object::Object;
use crate::session::blocks::Padding;
use crate::session::derivation::agreed_bytes;

/// PKCS#11 3.2 §6.1.20 (RSA), §6.3.20 (ECDH): first what protects the key in between, then the key it wraps.
pub(super) fn hybrid_wrap(
    form: HybridWrap,
    padding: &Padding,
    parameter: &Parameter<'_>,
    wrapping: &Object,
    value: &[u8],
    out: &mut [u8],
) -> Result<usize, Error> {
    match (form, parameter) {
        (HybridWrap::Rsa, Parameter::RsaAes { key_bits, .. }) => {
            let PublicKey::Rsa(key) = wrapping.public_key()? else { return Err(Error::NotSupported) };
            let mut between = SecretBytes::zeroed(aes_key_bytes(*key_bits)?)?;
            strongroom_crypto::random::fill(between.expose_mut())?;
            let (first, second) = out.split_at_mut_checked(key.bytes()).ok_or(Error::NotSupported)?;
            let head = key.encrypt(&padding.padding(), between.expose(), first)?;
            Ok(head + keywrap::Key::new(between.expose())?.wrap_padded(None, value, second)?)
        }
        (_, Parameter::Agreement { kdf, shared, key_bits, .. }) => {
            let bytes = aes_key_bytes(*key_bits)?;
            let (public, secret) = transport(wrapping)?;
            let between = agreed_bytes(*kdf, shared, &secret, bytes)?;
            let (first, second) = out.split_at_mut_checked(public.len()).ok_or(Error::NotSupported)?;
            first.copy_from_slice(&public);
            Ok(public.len() + keywrap::Key::new(between.expose())?.wrap_padded(None, value, second)?)
        }
        _ => Err(Error::MechanismParameter("not what this mechanism takes")),
    }
}

pub(super) fn hybrid_unwrap(
    form: HybridWrap,
    padding: &Padding,
    parameter: &Parameter<'_>,
    unwrapping: &Object,
    wrapped: &[u8],
) -> Result<SecretBytes, Error> {
    let private = unwrapping.private_key()?;
    let between;
    let rest = match (form, parameter, &**private) {
        (HybridWrap::Rsa, Parameter::RsaAes { key_bits, .. }, PrivateKey::Rsa(key)) => {
            let bytes = aes_key_bytes(*key_bits)?;
            let (first, rest) = split(wrapped, key.bytes())?;
            let mut plain = SecretBytes::zeroed(key.bytes())?;
            let written = key.decrypt(&padding.padding(), first, plain.expose_mut())?;
            if written != bytes {
                return Err(Error::EncryptedDataInvalid);
            }
            between = SecretBytes::from_slice(plain.expose().get(..written).unwrap_or_default())?;
            rest
        }
        (_, Parameter::Agreement { kdf, shared, key_bits, .. }, private) => {
            let bytes = aes_key_bytes(*key_bits)?;
            let invalid = |_| Error::EncryptedDataInvalid;
            let (secret, rest) = match private {
                PrivateKey::Ec(key) => {
                    let (point, rest) = split(wrapped, key.curve().point_bytes())?;
                    (key.agree(point).map_err(invalid)?, rest)
                }
                PrivateKey::Montgomery(key) => {
                    let (point, rest) = split(wrapped, key.curve().bytes())?;
                    (key.agree(point).map_err(invalid)?, rest)
                }
                _ => return Err(Error::NotSupported),
            };
            between = agreed_bytes(*kdf, shared, &secret, bytes)?;
            rest
        }
        _ => return Err(Error::MechanismParameter("not what this mechanism takes")),
    };
    let mut value = SecretBytes::zeroed(rest.len().max(1))?;
    let written = keywrap::Key::new(between.expose())?.unwrap_padded(None, rest, value.expose_mut())?;
    Ok(SecretBytes::from_slice(value.expose().get(..written).unwrap_or_default())?)
}

/// What protects the key in between, and what that wraps. Both lengths are looked at before the private key is used: an
/// answer about the second one would tell that the first was good.
fn split(wrapped: &[u8], first: usize) -> Result<(&[u8], &[u8]), Error> {
    let (first, rest) = wrapped.split_at_checked(first).ok_or(Error::EncryptedDataLength)?;
    match rest.len() >= 16 && rest.len().is_multiple_of(8) {
        true => Ok((first, rest)),
        false => Err(Error::EncryptedDataLength),
    }
}

/// Bytes of the public key that stands before a key wrapped for this one.
pub(super) fn transport_bytes(wrapping: &Object) -> Result<usize, Error> {
    let params = wrapping.inner_bytes(CKA_EC_PARAMS).unwrap_or_default();
    if let Some(curve) = ec::Curve::from_params(params) {
        return Ok(curve.point_bytes());
    }
    montgomery::Curve::from_params(params).map(montgomery::Curve::bytes).ok_or(Error::CurveNotSupported)
}

/// A new pair on the curve of `wrapping`: its public key, and the secret it agrees on with that.
fn transport(wrapping: &Object) -> Result<(Vec<u8>, SecretBytes), Error> {
    let params = wrapping.inner_bytes(CKA_EC_PARAMS).unwrap_or_default();
    let point = wrapping.inner_bytes(CKA_EC_POINT).unwrap_or_default();
    let peer = strongroom_crypto::encoding::octet_string(point).unwrap_or(point);
    if let Some(curve) = ec::Curve::from_params(params) {
        let key = ec::PrivateKey::generate(curve)?;
        return Ok((key.public()?.uncompressed(), key.agree(peer)?));
    }
    let curve = montgomery::Curve::from_params(params).ok_or(Error::CurveNotSupported)?;
    let key = montgomery::PrivateKey::generate(curve)?;
    Ok((key.public_bytes().to_vec(), key.agree(peer)?))
}

fn aes_key_bytes(bits: u64) -> Result<usize, Error> {
    match bits {
        128 => Ok(16),
        192 => Ok(24),
        256 => Ok(32),
        _ => Err(Error::MechanismParameter("ulAESKeyBits is 128, 192 or 256")),
    }
}
