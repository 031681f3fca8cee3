//! RSA keys (PKCS#11 3.2 §6.1).

use cryptoki_sys::*;
use strongroom_crypto::encoding::PublicKeyInfo;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::rsa::{Check, Component, Components, PrivateKey as Private, PublicKey as Public, is_roca};

use super::{Pair, Parts, PrivateHalf, PrivateKey, PublicHalf, PublicKey, field, needed, refusal, refused, trimmed};
use crate::attribute::{AttributeType, Value};
use crate::error::Error;

/// The exponent of a pair whose template names none.
const USUAL_EXPONENT: &[u8] = &[1, 0, 1];

/// The secret attributes and the components they are.
const SECRETS: [(u64, Component); 6] = [
    (CKA_PRIVATE_EXPONENT, Component::PrivateExponent),
    (CKA_PRIME_1, Component::Prime1),
    (CKA_PRIME_2, Component::Prime2),
    (CKA_EXPONENT_1, Component::Exponent1),
    (CKA_EXPONENT_2, Component::Exponent2),
    (CKA_COEFFICIENT, Component::Coefficient),
];

pub(super) fn import_public(parts: &dyn Parts) -> Result<PublicHalf, Error> {
    let modulus = trimmed(needed(parts, CKA_MODULUS)?);
    let exponent = trimmed(needed(parts, CKA_PUBLIC_EXPONENT)?);
    let key = Public::new(modulus, exponent).map_err(refusal(CKA_MODULUS))?;
    // Whoever has such a key reads what is encrypted, or wrapped, for it.
    if is_roca(modulus) {
        return Err(refused(CKA_MODULUS, "the modulus has the fingerprint of CVE-2017-15361"));
    }
    Ok(public_half(key, modulus, exponent)?)
}

pub(super) fn import_private(parts: &dyn Parts) -> Result<PrivateHalf, Error> {
    let key = Private::from_components(&components(parts)?, Check::Full).map_err(refusal(CKA_PRIVATE_EXPONENT))?;
    private_half(key)
}

pub(super) fn open_private(parts: &dyn Parts) -> Result<PrivateKey, Error> {
    let key = Private::from_components(&components(parts)?, Check::Known).map_err(refusal(CKA_PRIVATE_EXPONENT))?;
    Ok(PrivateKey::Rsa(key))
}

pub(super) fn generate(public: &dyn Parts) -> Result<Pair, Error> {
    let bits = public.number(CKA_MODULUS_BITS).ok_or(Error::TemplateIncomplete(AttributeType(CKA_MODULUS_BITS)))?;
    let bits = usize::try_from(bits).map_err(|_| refused(CKA_MODULUS_BITS, "longer than any key"))?;
    let exponent = trimmed(public.bytes(CKA_PUBLIC_EXPONENT).unwrap_or(USUAL_EXPONENT));
    let key = Private::generate(bits, exponent).map_err(|error| match error {
        strongroom_crypto::Error::KeyLength { .. } => Error::KeySize { got: bits / 8 },
        // PKCS#11 3.2 §6.1.4 names this error.
        strongroom_crypto::Error::KeyValue(reason) => {
            Error::TemplateInconsistent { attribute: AttributeType(CKA_PUBLIC_EXPONENT), reason }
        }
        other => refusal(CKA_PUBLIC_EXPONENT)(other),
    })?;
    let private = private_half(key)?;
    let PrivateKey::Rsa(key) = &private.key else { return Err(Error::NotSupported) };
    let modulus = key.component(Component::Modulus)?;
    let public = public_half(key.public()?, trimmed(modulus.expose()), exponent)?;
    Ok(Pair { public, private })
}

fn components(parts: &dyn Parts) -> Result<Components<'_>, Error> {
    Ok(Components {
        modulus: needed(parts, CKA_MODULUS)?,
        // Older programs leave it out; the check of the key as a whole finds out whether it is the usual one.
        public_exponent: parts.bytes(CKA_PUBLIC_EXPONENT).unwrap_or(USUAL_EXPONENT),
        private_exponent: needed(parts, CKA_PRIVATE_EXPONENT)?,
        prime_1: parts.bytes(CKA_PRIME_1),
        prime_2: parts.bytes(CKA_PRIME_2),
        exponent_1: parts.bytes(CKA_EXPONENT_1),
        exponent_2: parts.bytes(CKA_EXPONENT_2),
        coefficient: parts.bytes(CKA_COEFFICIENT),
    })
}

fn public_half(key: Public, modulus: &[u8], exponent: &[u8]) -> Result<PublicHalf, strongroom_crypto::Error> {
    let info = PublicKeyInfo::Rsa { modulus, public_exponent: exponent }.encode()?;
    let fields = vec![
        field(CKA_MODULUS, modulus),
        (CKA_MODULUS_BITS, Value::Ulong(key.bits() as u64)),
        field(CKA_PUBLIC_EXPONENT, exponent),
        field(CKA_PUBLIC_KEY_INFO, &info),
    ];
    Ok(PublicHalf { fields, key: PublicKey::Rsa(key) })
}

fn private_half(key: Private) -> Result<PrivateHalf, Error> {
    let (modulus, exponent) = (key.component(Component::Modulus)?, key.component(Component::PublicExponent)?);
    let (modulus, exponent) = (trimmed(modulus.expose()), trimmed(exponent.expose()));
    let info = PublicKeyInfo::Rsa { modulus, public_exponent: exponent }.encode()?;
    let fields =
        vec![field(CKA_MODULUS, modulus), field(CKA_PUBLIC_EXPONENT, exponent), field(CKA_PUBLIC_KEY_INFO, &info)];
    let secrets: Result<Vec<(u64, SecretBytes)>, strongroom_crypto::Error> =
        SECRETS.iter().map(|(attribute, component)| Ok((*attribute, key.component(*component)?))).collect();
    Ok(PrivateHalf { fields, secrets: secrets?, key: PrivateKey::Rsa(key) })
}
