//! Keys that were not made from a template alone: unwrapped, decapsulated, derived.

use cryptoki_sys::*;
use strongroom_crypto::cipher;
use strongroom_crypto::memory::SecretBytes;

use super::{Made, Maker, check_kind, check_secret, check_template, finish, initial_flags};
use crate::asymmetric::PrivateHalf;
use crate::attribute::{
    AttributeType, Entry, Flag, Flags, Given, Template, TemplateAttribute, TemplateValue, Value, ValueKind,
};
use crate::error::Error;
use crate::object::schema::{Kind, UNWRAP_NEVER};
use crate::object::{Material, Object};

/// What a caller wants a key to become.
pub(crate) struct Target {
    /// Its kind.
    pub(crate) kind: &'static Kind,
    /// Bytes of its value, where the template or the type of key says.
    pub(crate) bytes: Option<usize>,
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
}

impl Inheritance {
    /// What comes from the bytes of `key`, however they are turned: the new key is no more open than the old.
    pub(crate) fn of(key: &Object) -> Inheritance {
        Inheritance {
            sensitive: key.has(Flag::Sensitive),
            unextractable: !key.has(Flag::Extractable),
            always_sensitive: key.has(Flag::AlwaysSensitive),
            never_extractable: key.has(Flag::NeverExtractable),
        }
    }

    /// What comes from an agreement with somebody else: the template says how open the new key is (PKCS#11 3.2 §6.3.17).
    pub(crate) fn agreed(key: &Object) -> Inheritance {
        Inheritance { sensitive: false, unextractable: false, ..Inheritance::of(key) }
    }

    /// What came from outside.
    pub(crate) fn none() -> Inheritance {
        Inheritance { sensitive: false, unextractable: false, always_sensitive: false, never_extractable: false }
    }

    /// What comes from two keys.
    pub(crate) fn and(self, other: Inheritance) -> Inheritance {
        Inheritance {
            sensitive: self.sensitive || other.sensitive,
            unextractable: self.unextractable || other.unextractable,
            always_sensitive: self.always_sensitive && other.always_sensitive,
            never_extractable: self.never_extractable && other.never_extractable,
        }
    }
}

impl Target {
    /// What the template asks for: a secret key, generic where it does not say.
    ///
    /// # Errors
    /// The template's.
    pub(crate) fn of(template: &Template<'_>) -> Result<Target, Error> {
        if template.ulong(CKA_CLASS).is_some_and(|class| class != CKO_SECRET_KEY) {
            let attribute = AttributeType(CKA_CLASS);
            return Err(Error::TemplateInconsistent { attribute, reason: "only secret keys come out of this" });
        }
        let key_type = template.ulong(CKA_KEY_TYPE).unwrap_or(CKK_GENERIC_SECRET);
        let kind = Kind::secret_key(key_type).ok_or(Error::AttributeValue {
            attribute: AttributeType(CKA_KEY_TYPE),
            reason: "secret keys of this type are not kept",
        })?;
        let attribute = AttributeType(CKA_VALUE_LEN);
        let impossible = Error::AttributeValue { attribute, reason: "not a length this type of key can have" };
        let bytes = match template.ulong(CKA_VALUE_LEN) {
            Some(given) => {
                let given = usize::try_from(given).ok().filter(|given| kind.lengths.allow(*given));
                Some(given.ok_or(impossible)?)
            }
            None => kind.lengths.only(),
        };
        Ok(Target { kind, bytes })
    }

    /// How many bytes the key gets of a source that gives up to `most`.
    ///
    /// # Errors
    /// `CKR_TEMPLATE_INCOMPLETE` where only the caller can say; `CKR_KEY_SIZE_RANGE` where the source gives too few.
    pub(crate) fn bytes_of(&self, most: usize) -> Result<usize, Error> {
        match self.bytes {
            Some(bytes) if bytes <= most => Ok(bytes),
            Some(bytes) => Err(Error::KeySize { got: bytes }),
            None if self.kind.lengths.allow(most) => Ok(most),
            None => Err(Error::TemplateIncomplete(AttributeType(CKA_VALUE_LEN))),
        }
    }

    /// How many bytes the key gets of a source without end.
    ///
    /// # Errors
    /// `CKR_TEMPLATE_INCOMPLETE` where the caller did not say.
    pub(crate) fn needed_bytes(&self) -> Result<usize, Error> {
        self.bytes.ok_or(Error::TemplateIncomplete(AttributeType(CKA_VALUE_LEN)))
    }
}

/// A key that a derivation or a decapsulation gave this value. It has no number yet.
///
/// # Errors
/// The template's: see [`Error`]. `CKR_TEMPLATE_INCONSISTENT` where it asks for less secrecy than the key inherits.
pub(crate) fn derived(
    target: &Target,
    template: &Template<'_>,
    mut value: SecretBytes,
    inheritance: Inheritance,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    let kind = target.kind;
    if matches!(kind.subtype, Some(CKK_DES | CKK_DES2 | CKK_DES3)) {
        cipher::des::odd_parity(value.expose_mut());
    }
    check_secret(kind, value.expose()).map_err(|_| Error::KeySize { got: value.len() })?;
    let template = &template.without(CKA_VALUE_LEN);
    check_template(kind, template, maker, UNWRAP_NEVER)?;
    let mut flags = initial_flags(kind, template);
    if inheritance.sensitive && !flags.has(Flag::Sensitive) {
        let attribute = AttributeType(CKA_SENSITIVE);
        return Err(Error::TemplateInconsistent { attribute, reason: "the key it comes from is sensitive" });
    }
    if inheritance.unextractable && flags.has(Flag::Extractable) {
        let attribute = AttributeType(CKA_EXTRACTABLE);
        return Err(Error::TemplateInconsistent { attribute, reason: "the key it comes from is not extractable" });
    }
    flags.set(Flag::AlwaysSensitive, inheritance.always_sensitive && flags.has(Flag::Sensitive));
    flags.set(Flag::NeverExtractable, inheritance.never_extractable && !flags.has(Flag::Extractable));
    finish(kind, flags, template, Made::secret(Material::new(value)), None, maker)
}

/// A data object that a derivation gave this value (`CKM_HKDF_DATA`). It has no number yet.
///
/// # Errors
/// The template's: see [`Error`].
pub(crate) fn data(template: &Template<'_>, value: &[u8], maker: &Maker<'_>) -> Result<Object, Error> {
    let kind = Kind::find(CKO_DATA, None).ok_or(Error::NotSupported)?;
    let template = &template.without(CKA_VALUE_LEN);
    check_template(kind, template, maker, 0)?;
    let fields = vec![(CKA_VALUE, Value::Bytes(value.into()))];
    finish(kind, initial_flags(kind, template), template, Made { fields, ..Made::default() }, None, maker)
}

/// A secret key that came wrapped. It has no number yet.
///
/// # Errors
/// The template's: see [`Error`]; [`Error::WrappedKeyInvalid`] for a value no such key has.
pub(crate) fn unwrapped_secret(
    kind: &'static Kind,
    template: &Template<'_>,
    value: SecretBytes,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    check_secret(kind, value.expose()).map_err(|_| Error::WrappedKeyInvalid)?;
    let template = &template.without(CKA_VALUE_LEN);
    check_template(kind, template, maker, UNWRAP_NEVER)?;
    let flags = unwrapped_flags(kind, template);
    finish(kind, flags, template, Made::secret(Material::new(value)), None, maker)
}

/// A private key that came wrapped. It has no number yet.
///
/// # Errors
/// The template's: see [`Error`].
pub(crate) fn unwrapped_private(
    kind: &'static Kind,
    template: &Template<'_>,
    half: PrivateHalf,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    check_kind(kind, template)?;
    check_template(kind, template, maker, UNWRAP_NEVER)?;
    let flags = unwrapped_flags(kind, template);
    finish(kind, flags, template, Made::private(half)?, None, maker)
}

/// What came from outside was not always secret; it is extractable where the template is silent (PKCS#11 3.2 §5.18.4).
fn unwrapped_flags(kind: &Kind, template: &Template<'_>) -> Flags {
    let mut flags = initial_flags(kind, template);
    flags.set(Flag::Extractable, template.flag(Flag::Extractable).unwrap_or(true));
    flags
}

/// The caller's template with the attributes that a key demands of those it makes (`CKA_UNWRAP_TEMPLATE`,
/// `CKA_DERIVE_TEMPLATE`, PKCS#11 3.2 §5.18.4).
///
/// # Errors
/// `CKR_TEMPLATE_INCONSISTENT` where the caller says otherwise.
pub(crate) fn merged<'a>(template: &Template<'a>, demanded: &'a [TemplateAttribute]) -> Result<Template<'a>, Error> {
    let mut entries: Vec<Entry<'a>> = template.entries().to_vec();
    for TemplateAttribute { attribute, value } in demanded {
        let value = match (value, attribute.kind()) {
            (TemplateValue::Flag(value), Some(ValueKind::Flag(flag))) => Given::Flag(flag, *value),
            (TemplateValue::Ulong(number), _) => Given::Ulong(*number),
            (TemplateValue::Bytes(bytes), _) => Given::Bytes(bytes),
            (TemplateValue::Mechanisms(list), _) => Given::Mechanisms(list.clone()),
            (TemplateValue::Flag(_), _) => return Err(Error::AttributeUnknown(*attribute)),
        };
        match template.find(attribute.0) {
            Some(given) if !given.equals(&value) => {
                let reason = "the key that makes this one demands another value";
                return Err(Error::TemplateInconsistent { attribute: *attribute, reason });
            }
            Some(_) => {}
            None => entries.push(Entry { attribute: *attribute, value }),
        }
    }
    Ok(Template::from_entries(entries))
}
