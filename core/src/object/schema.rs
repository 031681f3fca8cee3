//! The attribute schema: which kinds of object exist, which attributes each has, who may set them when, and what they
//! are when nobody sets them.
//!
//! Creation, generation, copying, changing and reading all consult this one table; no other file knows such a rule. The
//! notes are the footnotes of the standard's attribute tables (PKCS#11 3.2 §4.1.3, table 13).

use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;

use super::kinds::KINDS;
use crate::asymmetric::PublicKey;
use crate::attribute::Flags;

/// A kind of object: a class, or a class with its type of key or certificate.
#[derive(Debug)]
pub struct Kind {
    /// `CKA_CLASS`.
    pub class: u64,
    /// `CKA_KEY_TYPE` or `CKA_CERTIFICATE_TYPE`.
    pub subtype: Option<u64>,
    /// The name people read: "aes", "data".
    pub name: &'static str,
    /// For keys: which lengths their value may have.
    pub lengths: Lengths,
    /// The boolean attributes that are true when nobody says otherwise.
    pub default_flags: Flags,
    pub(super) groups: &'static [&'static [Rule]],
}

/// The lengths in bytes a key value may have.
#[derive(Debug, Clone, Copy)]
pub enum Lengths {
    /// Not a key with a value.
    None,
    /// One of these.
    OneOf(&'static [usize]),
    /// From the first to the second, both included.
    Between(usize, usize),
}

impl Lengths {
    /// Whether a value of `bytes` bytes is possible.
    pub fn allow(self, bytes: usize) -> bool {
        match self {
            Lengths::None => false,
            Lengths::OneOf(lengths) => lengths.contains(&bytes),
            Lengths::Between(min, max) => (min..=max).contains(&bytes),
        }
    }

    /// Whether the possible lengths are few and named.
    pub fn is_exact(self) -> bool {
        matches!(self, Lengths::OneOf(_))
    }

    /// The only possible length, where there is only one.
    pub fn only(self) -> Option<usize> {
        match self {
            Lengths::OneOf([only]) => Some(*only),
            _ => None,
        }
    }
}

/// One attribute of a kind of object.
#[derive(Debug)]
pub struct Rule {
    /// Which attribute.
    pub attribute: u64,
    /// What the standard's footnotes say of it.
    pub notes: u16,
    /// Its value when nobody sets it.
    pub default: Default,
}

impl Rule {
    /// Whether it is one of the secret values of a key.
    pub(crate) fn is_secret_part(&self) -> bool {
        self.notes & SECRET != 0
    }
}

/// What an attribute is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// A boolean: see [`Kind::default_flags`].
    Flag,
    /// The empty string, date, list or template.
    Empty,
    /// This number.
    Ulong(u64),
    /// It always has a value of its own.
    Own,
}

/// Must be given to `C_CreateObject`.
pub const CREATE_NEEDED: u16 = 1 << 1;
/// Must not be given to `C_CreateObject`.
pub const CREATE_NEVER: u16 = 1 << 2;
/// Must be given when generated.
pub const GENERATE_NEEDED: u16 = 1 << 3;
/// Must not be given when generated.
pub const GENERATE_NEVER: u16 = 1 << 4;
/// Must be given when unwrapped.
pub const UNWRAP_NEEDED: u16 = 1 << 5;
/// Must not be given when unwrapped.
pub const UNWRAP_NEVER: u16 = 1 << 6;
/// Not revealed while the object is sensitive or unextractable.
pub const SECRET: u16 = 1 << 7;
/// May be changed later, or while copying.
pub const CHANGEABLE: u16 = 1 << 8;
/// May be changed while copying, not later.
pub const COPY_CHANGEABLE: u16 = 1 << 9;
/// Only the officer sets it to true.
pub const OFFICER_TRUE: u16 = 1 << 10;
/// Once true, true for ever.
pub const STICKY_TRUE: u16 = 1 << 11;
/// Once false, false for ever.
pub const STICKY_FALSE: u16 = 1 << 12;
/// The module sets it, never a caller.
pub const MODULE_ONLY: u16 = CREATE_NEVER | GENERATE_NEVER | UNWRAP_NEVER;

impl Kind {
    /// The kind of this class and key or certificate type, if the token has it.
    pub fn find(class: u64, subtype: Option<u64>) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.class == class && (kind.subtype == subtype))
    }

    /// The kind of secret key of this type.
    pub fn secret_key(key_type: u64) -> Option<&'static Kind> {
        Kind::find(CKO_SECRET_KEY, Some(key_type))
    }

    /// The kind of key people call `name`.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// All kinds.
    pub fn all() -> &'static [Kind] {
        KINDS
    }

    /// The kind of half of a key pair: `class` says which half.
    pub fn pair_half(class: u64, key_type: u64) -> Option<&'static Kind> {
        Kind::find(class, Some(key_type))
    }

    /// A place for the prepared key, where objects of this kind are public keys.
    pub(crate) fn public_place(&self) -> Option<Arc<OnceLock<PublicKey>>> {
        (self.class == CKO_PUBLIC_KEY).then(Arc::default)
    }

    /// Whether callers can make objects of this class.
    pub fn can_be_made(class: u64) -> bool {
        KINDS.iter().any(|kind| kind.class == class && !matches!(class, CKO_MECHANISM | CKO_PROFILE))
    }

    /// Whether objects of this kind are keys.
    pub fn is_key(&self) -> bool {
        matches!(self.class, CKO_SECRET_KEY | CKO_PRIVATE_KEY | CKO_PUBLIC_KEY)
    }

    /// Whether objects of this kind hold a secret.
    pub fn is_secret(&self) -> bool {
        matches!(self.class, CKO_SECRET_KEY | CKO_PRIVATE_KEY)
    }

    /// The rule of `attribute`, if this kind has it.
    pub fn rule(&self, attribute: u64) -> Option<&'static Rule> {
        self.groups.iter().find_map(|group| group.iter().find(|rule| rule.attribute == attribute))
    }

    /// The rules of all attributes of this kind.
    pub fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.groups.iter().flat_map(|group| group.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{AttributeType, ValueKind};

    #[test]
    fn every_rule_names_a_defined_attribute_once() {
        for kind in KINDS {
            let attributes: Vec<u64> = kind.rules().map(|rule| rule.attribute).collect();
            for (at, attribute) in attributes.iter().enumerate() {
                assert!(AttributeType(*attribute).kind().is_some(), "{} has an undefined attribute", kind.name);
                assert!(!attributes[..at].contains(attribute), "{}: {}", kind.name, AttributeType(*attribute));
            }
        }
    }

    #[test]
    fn flags_have_flag_defaults_and_nothing_else_does() {
        for rule in KINDS.iter().flat_map(|kind| kind.rules()) {
            let is_flag = matches!(AttributeType(rule.attribute).kind(), Some(ValueKind::Flag(_)));
            assert_eq!(is_flag, rule.default == Default::Flag, "{}", AttributeType(rule.attribute));
        }
    }

    #[test]
    fn key_lengths_are_those_of_the_guide_and_the_standard() {
        let allowed = |key_type| (0..5000).filter(|n| Kind::secret_key(key_type).unwrap().lengths.allow(*n)).collect();
        let bounds = |key_type| {
            let lengths: Vec<usize> = allowed(key_type);
            (lengths[0], lengths[lengths.len() - 1], lengths.len())
        };
        assert_eq!(bounds(CKK_AES), (16, 32, 3));
        assert_eq!(bounds(CKK_RC4), (1, 255, 255));
        assert_eq!(bounds(CKK_GENERIC_SECRET), (1, 3583, 3583));
        assert_eq!(bounds(CKK_DES3), (24, 24, 1));
    }
}
