//! What a new key has from the keys it comes from: how secret it is, how short it may be, and what it may be used for
//! so that it does not tell what they are.

use cryptoki_sys::*;

use crate::attribute::{AttributeType, Flag, Given, Template, TemplateAttribute, TemplateValue};
use crate::error::Error;
use crate::object::{AttributeValue, Object};

/// Bytes that a key derived from a confidential one has at least, or as many as that. A shorter one could be guessed
/// and compared, with its check value or a MAC; one after the other, short keys would spell out a long one.
const CONFIDENTIAL_BYTES_MIN: usize = 16;

/// Derivations that put the bytes of a key, as they are, beside or into others, or show them. A few of them together
/// read a key: through one whose other bytes are known, or that is shorter, or whose cipher is weak with such keys. So
/// they take a confidential key only where its `CKA_ALLOWED_MECHANISMS` names them: its maker has decided.
const TELLING: [u64; 6] = [
    CKM_CONCATENATE_BASE_AND_KEY,
    CKM_CONCATENATE_BASE_AND_DATA,
    CKM_CONCATENATE_DATA_AND_BASE,
    CKM_XOR_BASE_AND_DATA,
    CKM_EXTRACT_KEY_FROM_KEY,
    CKM_HKDF_DATA,
];

/// Which of the [`TELLING`] derivations a key may go into, and those made of it may name: a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tellings(u8);

impl Tellings {
    const ALL: Tellings = Tellings((1 << TELLING.len()) - 1);
    const NONE: Tellings = Tellings(0);

    fn named(mechanisms: &[u64]) -> Tellings {
        let bits = (0..).zip(TELLING).filter(|(_, own)| mechanisms.contains(own)).map(|(bit, _)| 1 << bit);
        Tellings(bits.sum())
    }

    fn and(self, other: Tellings) -> Tellings {
        Tellings(self.0 & other.0)
    }

    /// Whether the mechanism is none of them, or one that was named.
    pub(crate) fn allow(self, mechanism: u64) -> bool {
        Tellings::named(&[mechanism]).and(self) == Tellings::named(&[mechanism])
    }
}

/// Whether the mechanism puts the bytes of a key, as they are, into another, or shows them.
pub(crate) fn is_telling(mechanism: u64) -> bool {
    Tellings::named(&[mechanism]) != Tellings::NONE
}

/// Whether a new key names no more [`TELLING`] derivations in its template than it may.
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT`.
pub(crate) fn check_tellings(template: &Template<'_>, allowed: Tellings) -> Result<(), Error> {
    match template.find(CKA_ALLOWED_MECHANISMS) {
        Some(Given::Mechanisms(list)) if !list.iter().all(|mechanism| allowed.allow(*mechanism)) => {
            let attribute = AttributeType(CKA_ALLOWED_MECHANISMS);
            let reason = "it names a derivation that tells what a confidential key is, and that key does not";
            Err(Error::TemplateInconsistent { attribute, reason })
        }
        _ => Ok(()),
    }
}

/// What a derived key has from the keys it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inheritance {
    /// Whether one of them is sensitive, and the new key must be.
    pub(crate) sensitive: bool,
    /// Whether one of them is not extractable, and the new key must not be.
    pub(crate) unextractable: bool,
    /// Whether all of them were always sensitive.
    pub(crate) always_sensitive: bool,
    /// Whether none of them was ever extractable.
    pub(crate) never_extractable: bool,
    /// Whether one of them leaves only under a trusted key, and the new key must not leave otherwise.
    pub(crate) wrap_with_trusted: bool,
    /// Bytes that the new key has at least, so that it tells nothing of them.
    pub(crate) bytes_min: usize,
    /// Which derivations that would tell what they are the makers of all of them named.
    pub(crate) tellings: Tellings,
}

impl Inheritance {
    /// What comes from the bytes of `key`, however they are turned: the new key is no more open than the old.
    pub(crate) fn of(key: &Object) -> Inheritance {
        let own = Inheritance {
            sensitive: key.has(Flag::Sensitive) || key.is_bound(),
            unextractable: !key.has(Flag::Extractable) || key.borrowed,
            always_sensitive: key.has(Flag::AlwaysSensitive),
            never_extractable: key.has(Flag::NeverExtractable),
            wrap_with_trusted: key.has(Flag::WrapWithTrusted),
            bytes_min: 0,
            tellings: Tellings::ALL,
        };
        if own.is_confidential() { own.guarding(key) } else { own }
    }

    /// What comes from an agreement with somebody else: the template says how open the new key is (PKCS#11 3.2
    /// §6.3.17), and so does what the private key demands of it.
    pub(crate) fn agreed(key: &Object, demands: &[TemplateAttribute]) -> Inheritance {
        Inheritance {
            always_sensitive: key.has(Flag::AlwaysSensitive),
            never_extractable: key.has(Flag::NeverExtractable),
            ..Inheritance::exchanged(demands)
        }
    }

    /// What came from outside, under a key that demands this of it.
    pub(crate) fn exchanged(demands: &[TemplateAttribute]) -> Inheritance {
        if !hides(demands) {
            return Inheritance::none();
        }
        let named = demands.iter().find(|demand| demand.attribute.0 == CKA_ALLOWED_MECHANISMS);
        let tellings = match named.map(|demand| &demand.value) {
            Some(TemplateValue::Mechanisms(list)) => Tellings::named(list),
            _ => Tellings::NONE,
        };
        Inheritance { bytes_min: CONFIDENTIAL_BYTES_MIN, tellings, ..Inheritance::none() }
    }

    /// What came from outside.
    pub(crate) fn none() -> Inheritance {
        Inheritance {
            sensitive: false,
            unextractable: false,
            always_sensitive: false,
            never_extractable: false,
            wrap_with_trusted: false,
            bytes_min: 0,
            tellings: Tellings::ALL,
        }
    }

    /// The same for a new key that shall not tell what `key` is. One as short as `key` itself tells nothing new.
    pub(crate) fn guarding(self, key: &Object) -> Inheritance {
        let bytes = key.material().map_or(CONFIDENTIAL_BYTES_MIN, |material| material.value().len());
        let named = match key.inner_attribute(CKA_ALLOWED_MECHANISMS) {
            Some(AttributeValue::Mechanisms(list)) => Tellings::named(list),
            _ => Tellings::NONE,
        };
        Inheritance {
            bytes_min: self.bytes_min.max(bytes.min(CONFIDENTIAL_BYTES_MIN)),
            tellings: self.tellings.and(named),
            ..self
        }
    }

    /// Whether the values it comes from are to stay inside.
    pub(crate) fn is_confidential(self) -> bool {
        self.sensitive || self.unextractable
    }

    /// What comes from two keys.
    pub(crate) fn and(self, other: Inheritance) -> Inheritance {
        Inheritance {
            sensitive: self.sensitive || other.sensitive,
            unextractable: self.unextractable || other.unextractable,
            always_sensitive: self.always_sensitive && other.always_sensitive,
            never_extractable: self.never_extractable && other.never_extractable,
            wrap_with_trusted: self.wrap_with_trusted || other.wrap_with_trusted,
            bytes_min: self.bytes_min.max(other.bytes_min),
            tellings: self.tellings.and(other.tellings),
        }
    }
}

/// Whether what a key demands of those it makes keeps their values inside.
pub(crate) fn hides(demands: &[TemplateAttribute]) -> bool {
    demands.iter().any(|demand| match (demand.attribute.0, &demand.value) {
        (CKA_SENSITIVE | CKA_WRAP_WITH_TRUSTED, TemplateValue::Flag(set)) => *set,
        (CKA_EXTRACTABLE, TemplateValue::Flag(set)) => !*set,
        _ => false,
    })
}
