//! Keys on elliptic curves (PKCS#11 3.2 §6.3).
//!
//! Programs give `CKA_EC_PARAMS` as an object identifier or as a curve's name, and `CKA_EC_POINT` as the point or as an
//! OCTET STRING of it. Both are taken. Points are given back as OCTET STRINGs, which all of them read.

use cryptoki_sys::*;
use strongroom_crypto::encoding::{self, PublicKeyInfo, as_octet_string, octet_string};
use strongroom_crypto::{ec, edwards, montgomery};

use super::{
    Pair, Parts, PrivateHalf, PrivateKey, PublicHalf, PublicKey, field, needed, public_refusal, refusal, refused,
};
use crate::error::Error;

pub(super) fn import_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let (curve, params) = curve(parts)?;
    let key = either(needed(parts, CKA_EC_POINT)?, |point| ec::PublicKey::from_point(curve, point))?;
    let point = key.uncompressed();
    public_half(key, &point, params)
}

pub(super) fn import_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    let key = open_private(parts)?;
    let point = key.public()?.uncompressed();
    private_half(key, &point, curve(parts)?.1)
}

pub(super) fn open_private(parts: &dyn Parts) -> Result<ec::PrivateKey, Error> {
    ec::PrivateKey::from_scalar(curve(parts)?.0, needed(parts, CKA_VALUE)?).map_err(refusal(CKA_VALUE))
}

pub(super) fn generate(public: &dyn Parts) -> Result<Pair, Error> {
    let (curve, params) = curve(public)?;
    let key = ec::PrivateKey::generate(curve)?;
    let half = key.public()?;
    let point = half.uncompressed();
    Ok(Pair { public: public_half(half, &point, params)?, private: private_half(key, &point, params)? })
}

fn curve(parts: &dyn Parts) -> Result<(ec::Curve, &[u8]), Error> {
    let params = needed(parts, CKA_EC_PARAMS)?;
    Ok((ec::Curve::from_params(params).ok_or_else(|| no_curve(params, &[OID, NAME, EXPLICIT]))?, params))
}

fn public_half(key: ec::PublicKey, point: &[u8], params: &[u8]) -> Result<PublicHalf, Error> {
    let info = PublicKeyInfo::Ec { params: key.curve().oid(), point }.encode()?;
    let fields = vec![
        field(CKA_PUBLIC_KEY_INFO, &info),
        field(CKA_EC_PARAMS, params),
        field(CKA_EC_POINT, &as_octet_string(point)),
    ];
    Ok(PublicHalf { fields, key: PublicKey::Ec(key) })
}

fn private_half(key: ec::PrivateKey, point: &[u8], params: &[u8]) -> Result<PrivateHalf, Error> {
    let info = PublicKeyInfo::Ec { params: key.curve().oid(), point }.encode()?;
    Ok(PrivateHalf {
        fields: vec![field(CKA_PUBLIC_KEY_INFO, &info), field(CKA_EC_PARAMS, params)],
        secrets: vec![(CKA_VALUE, key.scalar()?)],
        key: PrivateKey::Ec(key),
    })
}

pub(super) fn import_edwards_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let (curve, params) = edwards_curve(parts)?;
    let key = either(needed(parts, CKA_EC_POINT)?, |point| edwards::PublicKey::from_bytes(curve, point))?;
    edwards_public_half(key, curve, params)
}

pub(super) fn import_edwards_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    let key = open_edwards_private(parts)?;
    let (curve, params) = edwards_curve(parts)?;
    edwards_private_half(key, curve, params)
}

pub(super) fn open_edwards_private(parts: &dyn Parts) -> Result<edwards::PrivateKey, Error> {
    let (curve, _) = edwards_curve(parts)?;
    let seed = unwrapped(needed(parts, CKA_VALUE)?, curve.seed_bytes());
    edwards::PrivateKey::from_seed(curve, seed).map_err(refusal(CKA_VALUE))
}

pub(super) fn generate_edwards(public: &dyn Parts) -> Result<Pair, Error> {
    let (curve, params) = edwards_curve(public)?;
    let key = edwards::PrivateKey::generate(curve)?;
    let public = edwards_public_half(key.public(), curve, params)?;
    Ok(Pair { public, private: edwards_private_half(key, curve, params)? })
}

fn edwards_curve(parts: &dyn Parts) -> Result<(edwards::Curve, &[u8]), Error> {
    let params = needed(parts, CKA_EC_PARAMS)?;
    Ok((edwards::Curve::from_params(params).ok_or_else(|| no_curve(params, &[OID, NAME]))?, params))
}

fn edwards_info(curve: edwards::Curve, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(PublicKeyInfo::Edwards { curve: encoded_edwards(curve), bytes }.encode()?)
}

fn edwards_public_half(key: edwards::PublicKey, curve: edwards::Curve, params: &[u8]) -> Result<PublicHalf, Error> {
    let fields = vec![
        field(CKA_PUBLIC_KEY_INFO, &edwards_info(curve, key.bytes())?),
        field(CKA_EC_PARAMS, params),
        field(CKA_EC_POINT, &as_octet_string(key.bytes())),
    ];
    Ok(PublicHalf { fields, key: PublicKey::Edwards(key) })
}

fn edwards_private_half(key: edwards::PrivateKey, curve: edwards::Curve, params: &[u8]) -> Result<PrivateHalf, Error> {
    let info = edwards_info(curve, key.public().bytes())?;
    Ok(PrivateHalf {
        fields: vec![field(CKA_PUBLIC_KEY_INFO, &info), field(CKA_EC_PARAMS, params)],
        secrets: vec![(CKA_VALUE, key.seed()?)],
        key: PrivateKey::Edwards(key),
    })
}

pub(super) fn import_montgomery_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let (curve, params) = montgomery_curve(parts)?;
    let bytes = unwrapped(needed(parts, CKA_EC_POINT)?, curve.bytes());
    if bytes.len() != curve.bytes() {
        return Err(Error::PublicKeyInvalid(NOT_ITS_LENGTH));
    }
    montgomery_public_half(bytes, curve, params)
}

pub(super) fn import_montgomery_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    let key = open_montgomery_private(parts)?;
    let (curve, params) = montgomery_curve(parts)?;
    montgomery_private_half(key, curve, params)
}

pub(super) fn open_montgomery_private(parts: &dyn Parts) -> Result<montgomery::PrivateKey, Error> {
    let (curve, _) = montgomery_curve(parts)?;
    let value = unwrapped(needed(parts, CKA_VALUE)?, curve.bytes());
    montgomery::PrivateKey::from_bytes(curve, value).map_err(refusal(CKA_VALUE))
}

pub(super) fn generate_montgomery(public: &dyn Parts) -> Result<Pair, Error> {
    let (curve, params) = montgomery_curve(public)?;
    let key = montgomery::PrivateKey::generate(curve)?;
    let public = montgomery_public_half(&key.public_bytes(), curve, params)?;
    Ok(Pair { public, private: montgomery_private_half(key, curve, params)? })
}

fn montgomery_curve(parts: &dyn Parts) -> Result<(montgomery::Curve, &[u8]), Error> {
    let params = needed(parts, CKA_EC_PARAMS)?;
    let curve = montgomery::Curve::from_params(params).ok_or_else(|| no_curve(params, &[OID, NAME]))?;
    // One old client miscounts; what is kept is sound.
    let sound = params.get(1).is_some_and(|len| usize::from(*len) + 2 == params.len());
    Ok((curve, if sound { params } else { curve.oid() }))
}

fn montgomery_public_half(bytes: &[u8], curve: montgomery::Curve, params: &[u8]) -> Result<PublicHalf, Error> {
    let info = PublicKeyInfo::Montgomery { curve: encoded_montgomery(curve), bytes }.encode()?;
    let fields = vec![
        field(CKA_PUBLIC_KEY_INFO, &info),
        field(CKA_EC_PARAMS, params),
        field(CKA_EC_POINT, &as_octet_string(bytes)),
    ];
    Ok(PublicHalf { fields, key: PublicKey::Peer })
}

fn montgomery_private_half(
    key: montgomery::PrivateKey,
    curve: montgomery::Curve,
    params: &[u8],
) -> Result<PrivateHalf, Error> {
    let bytes = key.public_bytes();
    let info = PublicKeyInfo::Montgomery { curve: encoded_montgomery(curve), bytes: &bytes }.encode()?;
    Ok(PrivateHalf {
        fields: vec![field(CKA_PUBLIC_KEY_INFO, &info), field(CKA_EC_PARAMS, params)],
        secrets: vec![(CKA_VALUE, key.bytes()?)],
        key: PrivateKey::Montgomery(key),
    })
}

/// Takes a point as an OCTET STRING, or else as it is.
fn either<K>(given: &[u8], parse: impl Fn(&[u8]) -> Result<K, strongroom_crypto::Error>) -> Result<K, Error> {
    if let Some(Ok(key)) = octet_string(given).map(&parse) {
        return Ok(key);
    }
    parse(given).map_err(|error| match error {
        strongroom_crypto::Error::KeyLength { .. } => Error::PublicKeyInvalid(NOT_ITS_LENGTH),
        other => public_refusal(CKA_EC_POINT)(other),
    })
}

/// The bytes in an OCTET STRING, if they are `len`; else what was given, which may look like an OCTET STRING by chance.
fn unwrapped(given: &[u8], len: usize) -> &[u8] {
    octet_string(given).filter(|content| content.len() == len).unwrap_or(given)
}

/// What is wrong with parameters that name no curve of the key's type: they name one that is not offered, or they are
/// none, or not of a form that this type has (PKCS#11 3.2 §6.3).
fn no_curve(params: &[u8], forms: &[u8]) -> Error {
    let content = match params {
        [form, 0x82, high, low, content @ ..] if forms.contains(form) => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), content))
        }
        [form, 0x81, len, content @ ..] if forms.contains(form) => Some((usize::from(*len), content)),
        [form, len @ 1..=0x7f, content @ ..] if forms.contains(form) => Some((usize::from(*len), content)),
        _ => None,
    };
    match content {
        Some((len, content)) if len == content.len() => Error::CurveNotSupported,
        _ => Error::DomainParameters("CKA_EC_PARAMS is no DER of a form this type of key takes"),
    }
}

/// The tags of the forms of `CKA_EC_PARAMS`.
const OID: u8 = 0x06;
const NAME: u8 = 0x13;
const EXPLICIT: u8 = 0x30;
const NOT_ITS_LENGTH: &str = "not of the curve's length";

/// The curve as its encodings know it.
pub(super) fn encoded_edwards(curve: edwards::Curve) -> encoding::Edwards {
    match curve {
        edwards::Curve::Ed25519 => encoding::Edwards::Ed25519,
        edwards::Curve::Ed448 => encoding::Edwards::Ed448,
    }
}

/// The curve as its encodings know it.
pub(super) fn encoded_montgomery(curve: montgomery::Curve) -> encoding::Montgomery {
    match curve {
        montgomery::Curve::X25519 => encoding::Montgomery::X25519,
        montgomery::Curve::X448 => encoding::Montgomery::X448,
    }
}

/// The curve of a private key's encoding, as `CKA_EC_PARAMS`.
pub(super) fn edwards_params(curve: encoding::Edwards) -> &'static [u8] {
    match curve {
        encoding::Edwards::Ed25519 => edwards::Curve::Ed25519.oid(),
        encoding::Edwards::Ed448 => edwards::Curve::Ed448.oid(),
    }
}

/// The curve of a private key's encoding, as `CKA_EC_PARAMS`.
pub(super) fn montgomery_params(curve: encoding::Montgomery) -> &'static [u8] {
    match curve {
        encoding::Montgomery::X25519 => montgomery::Curve::X25519.oid(),
        encoding::Montgomery::X448 => montgomery::Curve::X448.oid(),
    }
}

/// The object identifier of a key's curve.
pub(super) fn oid_of(params: &[u8]) -> Result<&'static [u8], Error> {
    ec::Curve::from_params(params).map(ec::Curve::oid).ok_or(Error::CurveNotSupported)
}

/// The curve of a key whose `CKA_EC_PARAMS` are these, for its encoding.
pub(super) fn edwards_of(params: &[u8]) -> Result<encoding::Edwards, Error> {
    edwards::Curve::from_params(params).map(encoded_edwards).ok_or(refused(CKA_EC_PARAMS, "no such curve"))
}

/// The curve of a key whose `CKA_EC_PARAMS` are these, for its encoding.
pub(super) fn montgomery_of(params: &[u8]) -> Result<encoding::Montgomery, Error> {
    montgomery::Curve::from_params(params).map(encoded_montgomery).ok_or(refused(CKA_EC_PARAMS, "no such curve"))
}
