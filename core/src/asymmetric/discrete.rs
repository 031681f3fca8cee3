//! Keys over prime fields: DSA (PKCS#11 3.2 §6.2), Diffie-Hellman of PKCS#3 and of X9.42 (§6.4), and their domain
//! parameters.

use cryptoki_sys::*;
use strongroom_crypto::encoding::PublicKeyInfo;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::{dh, dsa};

use super::{
    Pair, Parts, PrivateHalf, PrivateKey, PublicHalf, PublicKey, field, needed, public_refusal, refusal, refused,
    trimmed, unknown_type,
};
use crate::attribute::{AttributeType, Value};
use crate::error::Error;

pub(super) fn import_dsa_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let group = dsa_parameters(parts)?;
    let value = trimmed(needed(parts, CKA_VALUE)?);
    let key = dsa::PublicKey::new(&group, value).map_err(public_refusal(CKA_VALUE))?;
    dsa_public_half(parts, key, value)
}

pub(super) fn import_dsa_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    dsa_private_half(parts, dsa_private(parts, &dsa_parameters(parts)?)?)
}

pub(super) fn open_dsa_private(parts: &dyn Parts) -> Result<dsa::PrivateKey, Error> {
    dsa_private(parts, &known_dsa_parameters(parts)?)
}

fn dsa_private(parts: &dyn Parts, group: &dsa::Parameters) -> Result<dsa::PrivateKey, Error> {
    dsa::PrivateKey::new(group, needed(parts, CKA_VALUE)?).map_err(refusal(CKA_VALUE))
}

pub(super) fn generate_dsa(public: &dyn Parts) -> Result<Pair, Error> {
    let group = dsa_parameters(public)?;
    let key = dsa::PrivateKey::generate(&group)?;
    let value = key.public_value()?;
    let half = dsa::PublicKey::new(&group, &value)?;
    let public_half = dsa_public_half(public, half, trimmed(&value))?;
    Ok(Pair { public: public_half, private: dsa_private_half(public, key)? })
}

fn dsa_parameters(parts: &dyn Parts) -> Result<dsa::Parameters, Error> {
    let (p, q) = (needed(parts, CKA_PRIME)?, needed(parts, CKA_SUBPRIME)?);
    dsa::Parameters::new(trimmed(p), trimmed(q), trimmed(needed(parts, CKA_BASE)?)).map_err(parameter_refusal)
}

/// Parameters that were checked when they came in.
fn known_dsa_parameters(parts: &dyn Parts) -> Result<dsa::Parameters, Error> {
    let (p, q) = (needed(parts, CKA_PRIME)?, needed(parts, CKA_SUBPRIME)?);
    dsa::Parameters::known(trimmed(p), trimmed(q), trimmed(needed(parts, CKA_BASE)?)).map_err(parameter_refusal)
}

fn dsa_public_half(parts: &dyn Parts, key: dsa::PublicKey, y: &[u8]) -> Result<PublicHalf, Error> {
    let mut fields = group_fields(parts)?;
    fields.push(field(CKA_PUBLIC_KEY_INFO, &dsa_info(parts, y)?));
    fields.push(field(CKA_VALUE, y));
    Ok(PublicHalf { fields, key: PublicKey::Dsa(key) })
}

fn dsa_private_half(parts: &dyn Parts, key: dsa::PrivateKey) -> Result<PrivateHalf, Error> {
    let mut fields = group_fields(parts)?;
    fields.push(field(CKA_PUBLIC_KEY_INFO, &dsa_info(parts, trimmed(&key.public_value()?))?));
    Ok(PrivateHalf { fields, secrets: vec![(CKA_VALUE, key.x()?)], key: PrivateKey::Dsa(key) })
}

fn dsa_info(parts: &dyn Parts, y: &[u8]) -> Result<Vec<u8>, Error> {
    let (p, q, g) = (needed(parts, CKA_PRIME)?, needed(parts, CKA_SUBPRIME)?, needed(parts, CKA_BASE)?);
    Ok(PublicKeyInfo::Dsa { p: trimmed(p), q: trimmed(q), g: trimmed(g), y }.encode()?)
}

pub(super) fn import_dh_public(parts: &dyn Parts, key_type: u64) -> Result<PublicHalf, Error> {
    let group = dh_parameters(parts)?;
    let value = trimmed(needed(parts, CKA_VALUE)?);
    group.check_public_value(value).map_err(public_refusal(CKA_VALUE))?;
    dh_public_half(parts, value, key_type)
}

pub(super) fn import_dh_private(parts: &dyn Parts, key_type: u64) -> Result<PrivateHalf, Error> {
    let key = dh::PrivateKey::new(&dh_parameters(parts)?, needed(parts, CKA_VALUE)?).map_err(refusal(CKA_VALUE))?;
    dh_private_half(parts, key, key_type)
}

pub(super) fn open_dh_private(parts: &dyn Parts) -> Result<dh::PrivateKey, Error> {
    let (p, g) = (needed(parts, CKA_PRIME)?, needed(parts, CKA_BASE)?);
    let group = dh::Parameters::known(trimmed(p), trimmed(g), parts.bytes(CKA_SUBPRIME).map(trimmed));
    let group = group.map_err(parameter_refusal)?;
    dh::PrivateKey::new(&group, needed(parts, CKA_VALUE)?).map_err(refusal(CKA_VALUE))
}

pub(super) fn generate_dh(public: &dyn Parts, private: &dyn Parts, key_type: u64) -> Result<Pair, Error> {
    let group = dh_parameters(public)?;
    let bits = match private.number(CKA_VALUE_BITS) {
        Some(0) | None => None,
        Some(bits) => Some(usize::try_from(bits).map_err(|_| refused(CKA_VALUE_BITS, "longer than any key"))?),
    };
    let key = dh::PrivateKey::generate(&group, bits).map_err(refusal(CKA_VALUE_BITS))?;
    let public_half = dh_public_half(public, trimmed(&key.public_value()?), key_type)?;
    Ok(Pair { public: public_half, private: dh_private_half(public, key, key_type)? })
}

fn dh_parameters(parts: &dyn Parts) -> Result<dh::Parameters, Error> {
    let (p, g) = (needed(parts, CKA_PRIME)?, needed(parts, CKA_BASE)?);
    dh::Parameters::new(trimmed(p), trimmed(g), parts.bytes(CKA_SUBPRIME).map(trimmed)).map_err(parameter_refusal)
}

fn dh_public_half(parts: &dyn Parts, y: &[u8], key_type: u64) -> Result<PublicHalf, Error> {
    let mut fields = group_fields(parts)?;
    fields.push(field(CKA_PUBLIC_KEY_INFO, &dh_info(parts, y, key_type)?));
    fields.push(field(CKA_VALUE, y));
    Ok(PublicHalf { fields, key: PublicKey::Peer })
}

fn dh_private_half(parts: &dyn Parts, key: dh::PrivateKey, key_type: u64) -> Result<PrivateHalf, Error> {
    let mut fields = group_fields(parts)?;
    fields.push(field(CKA_PUBLIC_KEY_INFO, &dh_info(parts, trimmed(&key.public_value()?), key_type)?));
    let value = SecretBytes::from_slice(trimmed(key.x()?.expose()))?;
    if key_type == CKK_DH {
        fields.push((CKA_VALUE_BITS, Value::Ulong(bit_length(value.expose()))));
    }
    Ok(PrivateHalf { fields, secrets: vec![(CKA_VALUE, value)], key: PrivateKey::Dh(key) })
}

fn dh_info(parts: &dyn Parts, y: &[u8], key_type: u64) -> Result<Vec<u8>, Error> {
    let (p, g) = (trimmed(needed(parts, CKA_PRIME)?), trimmed(needed(parts, CKA_BASE)?));
    let info = match key_type {
        CKK_X9_42_DH => PublicKeyInfo::X942Dh { p, q: trimmed(needed(parts, CKA_SUBPRIME)?), g, y },
        _ => PublicKeyInfo::Dh { p, g, y },
    };
    Ok(info.encode()?)
}

/// The domain parameters a template gives, checked.
///
/// # Errors
/// `CKR_DOMAIN_PARAMS_INVALID`, `CKR_TEMPLATE_INCOMPLETE`.
pub(crate) fn import_parameters(key_type: u64, parts: &dyn Parts) -> Result<Vec<(u64, Value)>, Error> {
    match key_type {
        CKK_DSA => drop(dsa_parameters(parts)?),
        CKK_DH => drop(dh_parameters(parts)?),
        CKK_X9_42_DH => {
            needed(parts, CKA_SUBPRIME)?;
            drop(dh_parameters(parts)?);
        }
        _ => return Err(unknown_type()),
    }
    let mut fields = group_fields(parts)?;
    fields.push((CKA_PRIME_BITS, Value::Ulong(bit_length(needed(parts, CKA_PRIME)?))));
    fields.extend(parts.bytes(CKA_SUBPRIME).map(|q| (CKA_SUBPRIME_BITS, Value::Ulong(bit_length(q)))));
    Ok(fields)
}

/// Generates domain parameters of the size the template says (`CKM_DSA_PARAMETER_GEN`, `CKM_DH_PKCS_PARAMETER_GEN`,
/// `CKM_X9_42_DH_PARAMETER_GEN`).
///
/// # Errors
/// `CKR_TEMPLATE_INCOMPLETE`, `CKR_KEY_SIZE_RANGE`.
pub(crate) fn generate_parameters(key_type: u64, template: &dyn Parts) -> Result<Vec<(u64, Value)>, Error> {
    let bits = |attribute| match template.number(attribute) {
        Some(bits) => usize::try_from(bits).map(Some).map_err(|_| refused(attribute, "longer than any prime")),
        None => Ok(None),
    };
    let prime_bits = bits(CKA_PRIME_BITS)?.ok_or(Error::TemplateIncomplete(AttributeType(CKA_PRIME_BITS)))?;
    let size = |error| match error {
        strongroom_crypto::Error::KeyLength { .. } | strongroom_crypto::Error::Parameter(_) => {
            Error::KeySize { got: prime_bits / 8 }
        }
        other => parameter_refusal(other),
    };
    match key_type {
        CKK_DSA | CKK_X9_42_DH => {
            // The shorter of the lengths that FIPS 186-4 §4.2 pairs with the prime's.
            let usual = match prime_bits {
                ..=1024 => 160,
                1025..=2048 => 224,
                _ => 256,
            };
            let subprime_bits = bits(CKA_SUBPRIME_BITS)?.unwrap_or(usual);
            let group = dsa::Parameters::generate(prime_bits, subprime_bits).map_err(size)?;
            let (p, q, g) = (&group.p()?, &group.q()?, &group.g()?);
            Ok(vec![
                field(CKA_PRIME, trimmed(p)),
                field(CKA_SUBPRIME, trimmed(q)),
                field(CKA_BASE, trimmed(g)),
                (CKA_PRIME_BITS, Value::Ulong(bit_length(p))),
                (CKA_SUBPRIME_BITS, Value::Ulong(bit_length(q))),
            ])
        }
        CKK_DH => {
            let group = known_group(prime_bits).ok_or(Error::KeySize { got: prime_bits / 8 })?;
            let group = dh::Parameters::of(group)?;
            let (p, g) = (&group.p()?, &group.g()?);
            Ok(vec![
                field(CKA_PRIME, trimmed(p)),
                field(CKA_BASE, trimmed(g)),
                (CKA_PRIME_BITS, Value::Ulong(bit_length(p))),
            ])
        }
        _ => Err(unknown_type()),
    }
}

/// The group of this size in RFC 7919. A search for a safe prime takes minutes, and its result is no safer.
fn known_group(bits: usize) -> Option<dh::KnownGroup> {
    Some(match bits {
        2048 => dh::KnownGroup::Ffdhe2048,
        3072 => dh::KnownGroup::Ffdhe3072,
        4096 => dh::KnownGroup::Ffdhe4096,
        6144 => dh::KnownGroup::Ffdhe6144,
        8192 => dh::KnownGroup::Ffdhe8192,
        _ => return None,
    })
}

/// The parameters as attributes of a key.
fn group_fields(parts: &dyn Parts) -> Result<Vec<(u64, Value)>, Error> {
    let mut fields = vec![field(CKA_PRIME, trimmed(needed(parts, CKA_PRIME)?))];
    fields.extend(parts.bytes(CKA_SUBPRIME).map(|q| field(CKA_SUBPRIME, trimmed(q))));
    fields.push(field(CKA_BASE, trimmed(needed(parts, CKA_BASE)?)));
    Ok(fields)
}

fn parameter_refusal(error: strongroom_crypto::Error) -> Error {
    use strongroom_crypto::Error as Crypto;
    match error {
        Crypto::KeyLength { .. } => Error::DomainParameters("not a size the algorithm takes"),
        Crypto::KeyValue(why) | Crypto::Parameter(why) => Error::DomainParameters(why),
        other => other.into(),
    }
}

fn bit_length(number: &[u8]) -> u64 {
    match trimmed(number) {
        [] => 0,
        [first, rest @ ..] => u64::from(8 - first.leading_zeros()) + 8 * rest.len() as u64,
    }
}
