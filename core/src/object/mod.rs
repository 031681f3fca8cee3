//! Objects: immutable values with a kind, attributes and, for keys, material that is prepared once and shared.
//!
//! An object never changes: a change makes a new one ([`change`]), which shares the key material of the old. How
//! objects come to be is [`birth`]; what they look like in the store is [`codec`]; which attributes they have is
//! [`schema`].

pub mod birth;
pub mod change;
pub mod codec;
mod kinds;
mod material;
mod ownership;
pub mod purpose;
pub mod schema;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use zeroize::Zeroize;

use crate::asymmetric::{self, PrivateKey, PublicKey};
use crate::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_OWNER, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, Flag, Flags,
    Given, Template, TemplateAttribute, TemplateValue, Value, ValueKind,
};
use crate::error::Error;
use purpose::Purposes;
use schema::{Default, Kind, SECRET};

pub use material::{MacForm, Material};
pub use ownership::{KeysId, Ownership, Sharees, UserId};

/// One object as it is at one moment.
pub struct Object {
    /// Its handle: the same in every process for a token object.
    pub number: u64,
    /// Counts the changes of a token object.
    pub version: u64,
    /// The session that made it, for session objects.
    pub session: Option<u64>,
    /// Of a session's copy of a secret of the token, or of such a copy: the number of that key, by which the audit log
    /// knows the copy.
    pub(crate) origin: Option<u64>,
    /// Set when a session object is destroyed or replaced: what was begun with it must look again.
    pub(crate) retired: AtomicBool,
    /// Its kind.
    pub kind: &'static Kind,
    /// Its boolean attributes.
    pub flags: Flags,
    /// `CKA_UNIQUE_ID`: 32 hexadecimal digits.
    pub unique_id: [u8; 32],
    /// Who it belongs to.
    pub ownership: Ownership,
    /// Whether it was opened for somebody it is shared with, who may use it and never have its value.
    pub(crate) borrowed: bool,
    /// Its other attributes, where they differ from the default, in ascending order.
    pub(crate) fields: Vec<(u64, Value)>,
    /// The secret values and what has been prepared from them, for secret and private keys.
    pub(crate) material: Option<Arc<Material>>,
    /// The prepared key, for public keys; made at its first use.
    pub(crate) public: Option<Arc<OnceLock<PublicKey>>>,
}

/// The value of an attribute, as a reader gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeValue<'a> {
    /// A boolean.
    Flag(bool),
    /// A number.
    Ulong(u64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A list of mechanisms.
    Mechanisms(&'a [u64]),
    /// A template.
    Template(&'a [TemplateAttribute]),
}

impl Object {
    /// Whether the boolean attribute is true.
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.has(flag)
    }

    /// The value of `attribute`, as the standard lets a caller see it (PKCS#11 3.2 §5.7.5).
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_TYPE_INVALID` where this kind of object has no such attribute, `CKR_ATTRIBUTE_SENSITIVE` where it
    /// stays inside.
    pub fn attribute(&self, attribute: AttributeType) -> Result<AttributeValue<'_>, Error> {
        let rule = self.kind.rule(attribute.0).ok_or(Error::AttributeUnknown(attribute))?;
        if rule.notes & SECRET != 0 && self.stays_inside() {
            return Err(Error::AttributeSensitive(attribute));
        }
        if self.lacks_value() && (rule.is_secret_part() || attribute.0 == CKA_VALUE_LEN) {
            return Err(Error::AttributeSensitive(attribute));
        }
        Ok(self.value(attribute, rule.default))
    }

    /// The value of `attribute`, sensitive or not, for use inside.
    pub(crate) fn inner_attribute(&self, attribute: u64) -> Option<AttributeValue<'_>> {
        let rule = self.kind.rule(attribute)?;
        Some(self.value(AttributeType(attribute), rule.default))
    }

    fn value(&self, attribute: AttributeType, default: Default) -> AttributeValue<'_> {
        match attribute.0 {
            CKA_CLASS => return AttributeValue::Ulong(self.kind.class),
            CKA_KEY_TYPE | CKA_CERTIFICATE_TYPE => {
                return AttributeValue::Ulong(self.kind.subtype.unwrap_or(CK_UNAVAILABLE_INFORMATION));
            }
            CKA_UNIQUE_ID => return AttributeValue::Bytes(&self.unique_id),
            CKA_SR_OWNER => return AttributeValue::Ulong(self.ownership.owner.0.into()),
            CKA_SR_SHARED_WITH => return AttributeValue::Mechanisms(self.ownership.sharees.as_numbers()),
            CKA_SR_USE_APPROVALS => return AttributeValue::Ulong(self.ownership.use_approvals.into()),
            CKA_SR_MANAGEMENT_APPROVALS => return AttributeValue::Ulong(self.ownership.management_approvals.into()),
            _ => {}
        }
        if let Some(material) = &self.material {
            if let Some(part) = material.part(attribute.0) {
                return AttributeValue::Bytes(part);
            }
            if attribute.0 == CKA_VALUE_LEN {
                return AttributeValue::Ulong(material.value().len() as u64);
            }
        }
        if let Some(ValueKind::Flag(flag)) = attribute.kind() {
            return AttributeValue::Flag(self.has(flag));
        }
        if let Some(value) = self.field(attribute.0) {
            return match value {
                Value::Ulong(number) => AttributeValue::Ulong(*number),
                Value::Bytes(bytes) => AttributeValue::Bytes(bytes),
                Value::Mechanisms(mechanisms) => AttributeValue::Mechanisms(mechanisms),
                Value::Template(entries) => AttributeValue::Template(entries),
            };
        }
        match (default, attribute.kind()) {
            (Default::Ulong(number), _) => AttributeValue::Ulong(number),
            (_, Some(ValueKind::Mechanisms)) => AttributeValue::Mechanisms(&[]),
            (_, Some(ValueKind::Template)) => AttributeValue::Template(&[]),
            _ => AttributeValue::Bytes(&[]),
        }
    }

    fn field(&self, attribute: u64) -> Option<&Value> {
        let at = self.fields.binary_search_by_key(&attribute, |(which, _)| *which).ok()?;
        self.fields.get(at).map(|(_, value)| value)
    }

    /// Whether every entry of a search template matches. A secret value never matches, so that a search is no oracle.
    pub fn matches(&self, template: &Template<'_>) -> bool {
        template.entries().iter().all(|entry| match self.attribute(entry.attribute) {
            Ok(value) => value.equals(&entry.value),
            Err(_) => false,
        })
    }

    /// The key material.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for a key whose value opens only with a login, [`Error::NoKey`] for what is no key.
    pub fn material(&self) -> Result<&Arc<Material>, Error> {
        let missing = if self.kind.is_secret() { Error::NotLoggedIn } else { Error::NoKey(self.number) };
        self.material.as_ref().ok_or(missing)
    }

    /// The private key, prepared.
    ///
    /// # Errors
    /// As [`Object::material`].
    pub(crate) fn private_key(&self) -> Result<&Arc<PrivateKey>, Error> {
        let key_type = self.kind.subtype.unwrap_or_default();
        self.material()?.private(|| asymmetric::open_private(key_type, self))
    }

    /// Bytes of a private key in PKCS#8, as it would be wrapped.
    ///
    /// # Errors
    /// As [`Object::material`].
    pub fn private_info_bytes(&self) -> Result<usize, Error> {
        self.material()?;
        Ok(asymmetric::private_key_info(self.kind.subtype.unwrap_or_default(), self)?.len())
    }

    /// The public key, prepared.
    ///
    /// # Errors
    /// [`Error::NoKey`] for what is no public key.
    pub(crate) fn public_key(&self) -> Result<&PublicKey, Error> {
        let place = self.public.as_ref().ok_or(Error::NoKey(self.number))?;
        if let Some(key) = place.get() {
            return Ok(key);
        }
        let half = asymmetric::import_public(self.kind.subtype.unwrap_or_default(), self)?;
        Ok(place.get_or_init(|| half.key))
    }

    /// The bytes of an attribute, secret or not.
    pub(crate) fn inner_bytes(&self, attribute: u64) -> Option<&[u8]> {
        match self.inner_attribute(attribute)? {
            AttributeValue::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number of an attribute.
    pub(crate) fn inner_number(&self, attribute: u64) -> Option<u64> {
        match self.inner_attribute(attribute)? {
            AttributeValue::Ulong(number) => Some(number),
            _ => None,
        }
    }

    /// The purposes it ever had.
    pub(crate) fn purposes(&self) -> Purposes {
        Purposes::ever(self.flags)
    }

    /// The attributes this key demands of keys it wraps or makes; none where it demands nothing.
    pub(crate) fn demands(&self, attribute: u64) -> &[TemplateAttribute] {
        match self.field(attribute) {
            Some(Value::Template(entries)) => entries,
            _ => &[],
        }
    }

    /// Whether the object has these attributes (`CKA_WRAP_TEMPLATE`, PKCS#11 3.2 §5.18.3).
    pub(crate) fn meets(&self, demanded: &[TemplateAttribute]) -> bool {
        demanded.iter().all(|TemplateAttribute { attribute, value }| {
            let Ok(own) = self.attribute(*attribute) else { return false };
            match (own, value) {
                (AttributeValue::Flag(own), TemplateValue::Flag(value)) => own == *value,
                (AttributeValue::Ulong(own), TemplateValue::Ulong(value)) => own == *value,
                (AttributeValue::Bytes(own), TemplateValue::Bytes(value)) => *own == **value,
                (AttributeValue::Mechanisms(own), TemplateValue::Mechanisms(value)) => *own == **value,
                _ => false,
            }
        })
    }

    /// The number of the token's key whose value this is: its own, or its origin's where it is a session's copy.
    pub(crate) fn number_in_token(&self) -> Option<u64> {
        if self.has(Flag::Token) { Some(self.number) } else { self.origin }
    }

    /// The number by which the audit log names it: in the token if there is one, else the session's.
    pub(crate) fn number_in_log(&self) -> u64 {
        self.number_in_token().unwrap_or(self.number)
    }

    /// Notes that the object is no longer the one with its number.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    /// Whether the object is no longer the one with its number. Token objects never say so: the store's generation
    /// does.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Whether its use as a key takes a login: it is private, or a secret of the token's.
    pub(crate) fn needs_login(&self) -> bool {
        self.has(Flag::Private) || (self.has(Flag::Token) && self.kind.is_secret())
    }

    /// Whether its value may not be had in the clear by whoever it was opened for.
    pub(crate) fn stays_inside(&self) -> bool {
        self.has(Flag::Sensitive) || !self.has(Flag::Extractable) || self.is_bound()
    }

    /// Whether more than the caller decides about it: somebody else owns it, or its use takes approvals, which nobody
    /// asks for who knows the value.
    pub(crate) fn is_bound(&self) -> bool {
        self.borrowed || self.ownership.use_approvals > 0 || self.ownership.management_approvals > 0
    }

    /// Whether it is a key whose value stayed closed.
    pub(crate) fn lacks_value(&self) -> bool {
        self.kind.is_secret() && self.material.is_none()
    }

    /// Whether it must go when its user logs out: it is private, or holds a secret value.
    pub(crate) fn is_confidential(&self) -> bool {
        self.has(Flag::Private) || self.material.is_some()
    }

    /// `CKA_LABEL`.
    pub fn label(&self) -> &[u8] {
        match self.field(CKA_LABEL) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    /// Whether `mechanism` is among `CKA_ALLOWED_MECHANISMS`, or the list is empty.
    pub fn allows_mechanism(&self, mechanism: u64) -> bool {
        match self.field(CKA_ALLOWED_MECHANISMS) {
            Some(Value::Mechanisms(list)) => list.is_empty() || list.contains(&mechanism),
            _ => true,
        }
    }

    /// About how many bytes the object takes (`C_GetObjectSize`).
    pub fn size_bytes(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(_, value)| 12 + value.size_bytes()).sum();
        let secret = self.material.as_ref().map_or(0, |material| material.len());
        FIXED_BYTES + self.unique_id.len() + fields + secret
    }
}

/// The values of a private object may be passwords.
impl Drop for Object {
    fn drop(&mut self) {
        if self.has(Flag::Private) {
            for (_, value) in &mut self.fields {
                if let Value::Bytes(bytes) = value {
                    bytes.zeroize();
                }
            }
        }
    }
}

/// Bytes an object takes apart from its values: class, type, number, version, owner, flags.
const FIXED_BYTES: usize = 64;

/// Shows what identifies the object, never its values.
impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object {} ({})", self.number, self.kind.name)
    }
}

impl AttributeValue<'_> {
    fn equals(&self, given: &Given<'_>) -> bool {
        match (self, given) {
            (AttributeValue::Flag(own), Given::Flag(_, other)) => own == other,
            (AttributeValue::Ulong(own), Given::Ulong(other)) => own == other,
            (AttributeValue::Bytes(own), Given::Bytes(other)) => own == other,
            (AttributeValue::Mechanisms(own), Given::Mechanisms(other)) => *own == &**other,
            (AttributeValue::Template(own), Given::Template(other)) => *own == &**other,
            _ => false,
        }
    }
}

impl Value {
    fn size_bytes(&self) -> usize {
        match self {
            Value::Ulong(_) => 8,
            Value::Bytes(bytes) => bytes.len(),
            Value::Mechanisms(list) => list.len() * 8,
            Value::Template(entries) => entries.iter().map(|entry| 12 + entry.value.size_bytes()).sum(),
        }
    }
}

impl TemplateValue {
    /// Bytes the value takes in the caller's representation.
    pub fn size_bytes(&self) -> usize {
        match self {
            TemplateValue::Flag(_) => 1,
            TemplateValue::Ulong(_) => 8,
            TemplateValue::Bytes(bytes) => bytes.len(),
            TemplateValue::Mechanisms(list) => list.len() * 8,
        }
    }
}
