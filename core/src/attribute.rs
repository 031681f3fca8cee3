//! The vocabulary of attributes: which exist, what kind of value each takes, and a caller's template once parsed.
//!
//! Which object has which attribute, and who may set it, is the business of [`crate::object::schema`].

use std::fmt;

use cryptoki_sys::*;

use crate::error::Error;
use crate::limits::{ATTRIBUTE_BYTES_MAX, TEMPLATE_DEPTH_MAX, TEMPLATE_ENTRIES_MAX};

/// The number of the user who owns a key; 0 is nobody. Ours, as the next three: the standard has one user per token.
pub const CKA_SR_OWNER: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED | 0x5352_0001;
/// The numbers of the users a key is shared with: an array of `CK_ULONG`. Given when the key is made; later by `share`.
pub const CKA_SR_SHARED_WITH: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED | 0x5352_0002;
/// How many users approve each use of a key (0 to 8, 0: none need to). Settled when the key is made, for ever.
pub const CKA_SR_USE_APPROVALS: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED | 0x5352_0003;
/// How many users approve each change of a key, its sharing, wrapping, and wrapping with it; likewise.
pub const CKA_SR_MANAGEMENT_APPROVALS: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED | 0x5352_0004;

/// The number of an attribute (`CK_ATTRIBUTE_TYPE`); displays as its name in the standard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u64);

impl AttributeType {
    /// What kind of value it takes; none for attributes the standard does not define.
    pub fn kind(self) -> Option<ValueKind> {
        self.definition().map(|definition| definition.kind)
    }

    /// The name in the standard, where it has one.
    pub fn name(self) -> Option<&'static str> {
        self.definition().map(|definition| definition.name)
    }

    /// Whether the number lies in the range left to vendors (`CKA_VENDOR_DEFINED`).
    pub fn is_vendor_defined(self) -> bool {
        self.0 & CKA_VENDOR_DEFINED != 0
    }

    fn definition(self) -> Option<&'static Definition> {
        let at = DEFINITIONS.binary_search_by_key(&self.0, |definition| definition.attribute).ok()?;
        DEFINITIONS.get(at)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "attribute 0x{:08x}", self.0),
        }
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What kind of value an attribute takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `CK_BBOOL`.
    Flag(Flag),
    /// `CK_ULONG` and its aliases.
    Ulong,
    /// Bytes, big integers, UTF-8 strings.
    Bytes,
    /// `CK_DATE`: eight digits, or empty.
    Date,
    /// An array of `CK_MECHANISM_TYPE`, or of other numbers.
    Mechanisms,
    /// An array of `CK_ATTRIBUTE`.
    Template,
}

/// The boolean attributes: each has a bit in [`Flags`]. The bits are written to the store: never renumber them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // each is the attribute of that name
pub enum Flag {
    Token,
    Private,
    Modifiable,
    Copyable,
    Destroyable,
    Trusted,
    Sensitive,
    Encrypt,
    Decrypt,
    Wrap,
    Unwrap,
    Sign,
    SignRecover,
    Verify,
    VerifyRecover,
    Derive,
    Encapsulate,
    Decapsulate,
    Extractable,
    Local,
    NeverExtractable,
    AlwaysSensitive,
    AlwaysAuthenticate,
    WrapWithTrusted,
}

/// A set of boolean attributes that are true; of keys, also which purposes they ever had (see [`Purposes`]).
///
/// [`Purposes`]: crate::object::purpose::Purposes
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(pub u64);

impl Flags {
    /// The set of these flags.
    pub const fn of(flags: &[Flag]) -> Flags {
        let mut bits = 0;
        let mut at = 0;
        while at < flags.len() {
            bits |= 1 << flags[at] as u8;
            at += 1;
        }
        Flags(bits)
    }

    /// Whether `flag` is in the set.
    pub const fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u8) != 0
    }

    /// The same without bits that are no flag's and no purpose's.
    pub const fn known(self) -> Flags {
        Flags(self.0 & (((1 << (Flag::WrapWithTrusted as u8 + 1)) - 1) | PURPOSE_BITS))
    }

    /// Puts `flag` in the set or takes it out.
    pub fn set(&mut self, flag: Flag, value: bool) {
        if value {
            self.0 |= 1 << flag as u8;
        } else {
            self.0 &= !(1 << flag as u8);
        }
    }
}

/// The bits of [`Flags`] that say which purposes a key ever had, from this one on.
pub(crate) const PURPOSE_SHIFT: u32 = 32;
const PURPOSE_BITS: u64 = 0b111 << PURPOSE_SHIFT;

/// The value of an attribute an object keeps, apart from the boolean ones and key material.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Ulong(u64),
    /// Bytes that need no protection in memory.
    Bytes(Box<[u8]>),
    /// A list of mechanisms.
    Mechanisms(Box<[u64]>),
    /// A template.
    Template(Box<[TemplateAttribute]>),
}

/// One entry of a template that an object keeps (`CKA_UNWRAP_TEMPLATE` and its like).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateAttribute {
    /// Which attribute.
    pub attribute: AttributeType,
    /// The value asked for.
    pub value: TemplateValue,
}

/// The value of an entry of a kept template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateValue {
    /// A boolean.
    Flag(bool),
    /// A number.
    Ulong(u64),
    /// Bytes.
    Bytes(Box<[u8]>),
    /// A list of mechanisms.
    Mechanisms(Box<[u64]>),
}

/// One entry of a caller's template, as it comes in.
#[derive(Debug)]
pub struct RawAttribute<'a> {
    /// `CK_ATTRIBUTE_TYPE`.
    pub attribute: u64,
    /// What it points to.
    pub value: RawValue<'a>,
}

/// What an entry of a caller's template points to. It may be a key: only its length is shown.
pub enum RawValue<'a> {
    /// Bytes; numbers and booleans are in the host's byte order.
    Bytes(&'a [u8]),
    /// The entries of a template within the template.
    Nested(Vec<RawAttribute<'a>>),
}

impl fmt::Debug for RawValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RawValue::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            RawValue::Nested(entries) => f.debug_list().entries(entries).finish(),
        }
    }
}

/// A caller's template after syntax checks: every attribute known, each once, each value of the right form.
#[derive(Default, Clone)]
pub struct Template<'a> {
    entries: Vec<Entry<'a>>,
}

/// One parsed entry.
#[derive(Clone)]
pub struct Entry<'a> {
    /// Which attribute.
    pub attribute: AttributeType,
    /// Its value.
    pub value: Given<'a>,
}

/// A value given by a caller.
#[derive(Clone)]
pub enum Given<'a> {
    /// A boolean and its place in [`Flags`].
    Flag(Flag, bool),
    /// A number.
    Ulong(u64),
    /// Bytes in the caller's memory.
    Bytes(&'a [u8]),
    /// A list of mechanisms.
    Mechanisms(Box<[u64]>),
    /// A template.
    Template(Box<[TemplateAttribute]>),
    /// An attribute of a vendor we do not know; only searches may name one, and nothing has it.
    Foreign,
}

impl Given<'_> {
    /// Whether two given values are the same.
    pub(crate) fn equals(&self, other: &Given<'_>) -> bool {
        match (self, other) {
            (Given::Flag(own, a), Given::Flag(other, b)) => own == other && a == b,
            (Given::Ulong(a), Given::Ulong(b)) => a == b,
            (Given::Bytes(a), Given::Bytes(b)) => a == b,
            (Given::Mechanisms(a), Given::Mechanisms(b)) => a == b,
            (Given::Template(a), Given::Template(b)) => a == b,
            _ => false,
        }
    }
}

impl<'a> Template<'a> {
    /// Parses a template that describes an object.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_TYPE_INVALID`, `CKR_ATTRIBUTE_VALUE_INVALID`, and `CKR_TEMPLATE_INCONSISTENT` for an attribute
    /// that is given twice (PKCS#11 3.2 §4.1.1).
    pub fn parse(raw: &[RawAttribute<'a>]) -> Result<Template<'a>, Error> {
        Self::parse_with(raw, false)
    }

    /// Parses a template to search with: attributes of other vendors are allowed, and match nothing.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse_search(raw: &[RawAttribute<'a>]) -> Result<Template<'a>, Error> {
        Self::parse_with(raw, true)
    }

    fn parse_with(raw: &[RawAttribute<'a>], search: bool) -> Result<Template<'a>, Error> {
        if raw.len() > TEMPLATE_ENTRIES_MAX {
            return Err(Error::Arguments("the template has too many entries"));
        }
        let mut entries: Vec<Entry<'a>> = Vec::with_capacity(raw.len());
        for entry in raw {
            let attribute = AttributeType(entry.attribute);
            if entries.iter().any(|earlier| earlier.attribute == attribute) {
                return Err(Error::TemplateInconsistent { attribute, reason: "given twice" });
            }
            let value = match attribute.kind() {
                Some(kind) => parse_value(attribute, kind, &entry.value, 0)?,
                None if search && attribute.is_vendor_defined() => Given::Foreign,
                None => return Err(Error::AttributeUnknown(attribute)),
            };
            entries.push(Entry { attribute, value });
        }
        Ok(Template { entries })
    }

    /// A template of values that are typed already, for callers inside this program.
    pub fn from_entries(entries: Vec<Entry<'a>>) -> Template<'a> {
        Template { entries }
    }

    /// The template without one of its entries.
    pub fn without(&self, attribute: u64) -> Template<'a> {
        let rest = self.entries.iter().filter(|entry| entry.attribute.0 != attribute).cloned();
        Template { entries: rest.collect() }
    }

    /// The entries in the caller's order.
    pub fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// The value given for `attribute`.
    pub fn find(&self, attribute: u64) -> Option<&Given<'a>> {
        self.entries.iter().find(|entry| entry.attribute.0 == attribute).map(|entry| &entry.value)
    }

    /// The number given for `attribute`.
    pub fn ulong(&self, attribute: u64) -> Option<u64> {
        match self.find(attribute) {
            Some(Given::Ulong(value)) => Some(*value),
            _ => None,
        }
    }

    /// The bytes given for `attribute`.
    pub fn bytes(&self, attribute: u64) -> Option<&'a [u8]> {
        match self.find(attribute) {
            Some(Given::Bytes(value)) => Some(value),
            _ => None,
        }
    }

    /// The boolean given for `flag`.
    pub fn flag(&self, flag: Flag) -> Option<bool> {
        self.entries.iter().find_map(|entry| match entry.value {
            Given::Flag(which, value) if which == flag => Some(value),
            _ => None,
        })
    }
}

fn parse_value<'a>(
    attribute: AttributeType,
    kind: ValueKind,
    raw: &RawValue<'a>,
    depth: usize,
) -> Result<Given<'a>, Error> {
    let invalid = |reason| Error::AttributeValue { attribute, reason };
    let bytes = match raw {
        RawValue::Bytes(bytes) => *bytes,
        RawValue::Nested(entries) if kind == ValueKind::Template && depth < TEMPLATE_DEPTH_MAX => {
            return parse_nested(entries, depth + 1).map(Given::Template);
        }
        RawValue::Nested(_) => return Err(invalid("a template is not possible here")),
    };
    if bytes.len() > ATTRIBUTE_BYTES_MAX {
        return Err(invalid("longer than any attribute may be"));
    }
    match kind {
        ValueKind::Flag(flag) => match bytes {
            [0] => Ok(Given::Flag(flag, false)),
            [1] => Ok(Given::Flag(flag, true)),
            [_] => Err(invalid("a CK_BBOOL is 0 or 1")),
            _ => Err(invalid("a CK_BBOOL has one byte")),
        },
        ValueKind::Ulong => {
            let number = bytes.try_into().map_err(|_| invalid("not the length of a CK_ULONG"))?;
            Ok(Given::Ulong(CK_ULONG::from_ne_bytes(number)))
        }
        ValueKind::Bytes => Ok(Given::Bytes(bytes)),
        ValueKind::Date => {
            if bytes.is_empty() || is_date(bytes) {
                Ok(Given::Bytes(bytes))
            } else {
                Err(invalid("a CK_DATE is empty or YYYYMMDD"))
            }
        }
        ValueKind::Mechanisms => {
            let (numbers, rest) = bytes.as_chunks::<{ size_of::<CK_ULONG>() }>();
            if !rest.is_empty() {
                return Err(invalid("not a whole number of CK_ULONGs"));
            }
            Ok(Given::Mechanisms(numbers.iter().map(|number| CK_ULONG::from_ne_bytes(*number)).collect()))
        }
        ValueKind::Template if bytes.is_empty() => Ok(Given::Template(Box::default())),
        ValueKind::Template => Err(invalid("not an array of CK_ATTRIBUTE")),
    }
}

fn parse_nested(raw: &[RawAttribute<'_>], depth: usize) -> Result<Box<[TemplateAttribute]>, Error> {
    if raw.len() > TEMPLATE_ENTRIES_MAX {
        return Err(Error::Arguments("the template within the template has too many entries"));
    }
    let mut entries: Vec<TemplateAttribute> = Vec::with_capacity(raw.len());
    for entry in raw {
        let attribute = AttributeType(entry.attribute);
        let kind = attribute.kind().ok_or(Error::AttributeUnknown(attribute))?;
        if entries.iter().any(|earlier| earlier.attribute == attribute) {
            return Err(Error::TemplateInconsistent { attribute, reason: "given twice" });
        }
        let value = match parse_value(attribute, kind, &entry.value, depth)? {
            Given::Flag(_, value) => TemplateValue::Flag(value),
            Given::Ulong(value) => TemplateValue::Ulong(value),
            Given::Bytes(value) => TemplateValue::Bytes(value.into()),
            Given::Mechanisms(value) => TemplateValue::Mechanisms(value),
            Given::Template(_) | Given::Foreign => {
                return Err(Error::AttributeValue { attribute, reason: "a template is not possible here" });
            }
        };
        entries.push(TemplateAttribute { attribute, value });
    }
    Ok(entries.into())
}

fn is_date(bytes: &[u8]) -> bool {
    let [y1, y2, y3, y4, m1, m2, d1, d2] = bytes else { return false };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0u32, |sum, digit| {
            let digit = **digit;
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        })
    };
    let (Some(_), Some(month), Some(day)) = (number(&[y1, y2, y3, y4]), number(&[m1, m2]), number(&[d1, d2])) else {
        return false;
    };
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

struct Definition {
    attribute: u64,
    name: &'static str,
    kind: ValueKind,
}

macro_rules! definitions {
    ($($name:ident: $kind:expr,)*) => {
        &[$(Definition { attribute: $name, name: stringify!($name), kind: $kind },)*]
    };
}

/// The attributes of PKCS#11 3.2 that keys, certificates, data, profiles and validations have, and our own, in
/// ascending order.
static DEFINITIONS: &[Definition] = {
    use Flag::*;
    use ValueKind::{Bytes, Date, Flag as F, Mechanisms, Template as Nested, Ulong};
    definitions! {
        CKA_CLASS: Ulong,
        CKA_TOKEN: F(Token),
        CKA_PRIVATE: F(Private),
        CKA_LABEL: Bytes,
        CKA_UNIQUE_ID: Bytes,
        CKA_APPLICATION: Bytes,
        CKA_VALUE: Bytes,
        CKA_OBJECT_ID: Bytes,
        CKA_CERTIFICATE_TYPE: Ulong,
        CKA_ISSUER: Bytes,
        CKA_SERIAL_NUMBER: Bytes,
        CKA_AC_ISSUER: Bytes,
        CKA_OWNER: Bytes,
        CKA_ATTR_TYPES: Bytes,
        CKA_TRUSTED: F(Trusted),
        CKA_CERTIFICATE_CATEGORY: Ulong,
        CKA_JAVA_MIDP_SECURITY_DOMAIN: Ulong,
        CKA_URL: Bytes,
        CKA_HASH_OF_SUBJECT_PUBLIC_KEY: Bytes,
        CKA_HASH_OF_ISSUER_PUBLIC_KEY: Bytes,
        CKA_NAME_HASH_ALGORITHM: Ulong,
        CKA_CHECK_VALUE: Bytes,
        CKA_KEY_TYPE: Ulong,
        CKA_SUBJECT: Bytes,
        CKA_ID: Bytes,
        CKA_SENSITIVE: F(Sensitive),
        CKA_ENCRYPT: F(Encrypt),
        CKA_DECRYPT: F(Decrypt),
        CKA_WRAP: F(Wrap),
        CKA_UNWRAP: F(Unwrap),
        CKA_SIGN: F(Sign),
        CKA_SIGN_RECOVER: F(SignRecover),
        CKA_VERIFY: F(Verify),
        CKA_VERIFY_RECOVER: F(VerifyRecover),
        CKA_DERIVE: F(Derive),
        CKA_START_DATE: Date,
        CKA_END_DATE: Date,
        CKA_MODULUS: Bytes,
        CKA_MODULUS_BITS: Ulong,
        CKA_PUBLIC_EXPONENT: Bytes,
        CKA_PRIVATE_EXPONENT: Bytes,
        CKA_PRIME_1: Bytes,
        CKA_PRIME_2: Bytes,
        CKA_EXPONENT_1: Bytes,
        CKA_EXPONENT_2: Bytes,
        CKA_COEFFICIENT: Bytes,
        CKA_PUBLIC_KEY_INFO: Bytes,
        CKA_PRIME: Bytes,
        CKA_SUBPRIME: Bytes,
        CKA_BASE: Bytes,
        CKA_PRIME_BITS: Ulong,
        CKA_SUBPRIME_BITS: Ulong,
        CKA_VALUE_BITS: Ulong,
        CKA_VALUE_LEN: Ulong,
        CKA_EXTRACTABLE: F(Extractable),
        CKA_LOCAL: F(Local),
        CKA_NEVER_EXTRACTABLE: F(NeverExtractable),
        CKA_ALWAYS_SENSITIVE: F(AlwaysSensitive),
        CKA_KEY_GEN_MECHANISM: Ulong,
        CKA_MODIFIABLE: F(Modifiable),
        CKA_COPYABLE: F(Copyable),
        CKA_DESTROYABLE: F(Destroyable),
        CKA_EC_PARAMS: Bytes,
        CKA_EC_POINT: Bytes,
        CKA_ALWAYS_AUTHENTICATE: F(AlwaysAuthenticate),
        CKA_WRAP_WITH_TRUSTED: F(WrapWithTrusted),
        CKA_MECHANISM_TYPE: Ulong,
        CKA_PROFILE_ID: Ulong,
        CKA_PARAMETER_SET: Ulong,
        CKA_OBJECT_VALIDATION_FLAGS: Ulong,
        CKA_VALIDATION_TYPE: Ulong,
        CKA_VALIDATION_VERSION: Bytes,
        CKA_VALIDATION_LEVEL: Ulong,
        CKA_VALIDATION_MODULE_ID: Bytes,
        CKA_VALIDATION_FLAG: Ulong,
        CKA_VALIDATION_AUTHORITY_TYPE: Ulong,
        CKA_VALIDATION_COUNTRY: Bytes,
        CKA_VALIDATION_CERTIFICATE_IDENTIFIER: Bytes,
        CKA_VALIDATION_CERTIFICATE_URI: Bytes,
        CKA_VALIDATION_VENDOR_URI: Bytes,
        CKA_VALIDATION_PROFILE: Bytes,
        CKA_ENCAPSULATE_TEMPLATE: Nested,
        CKA_DECAPSULATE_TEMPLATE: Nested,
        CKA_ENCAPSULATE: F(Encapsulate),
        CKA_DECAPSULATE: F(Decapsulate),
        CKA_SEED: Bytes,
        CKA_WRAP_TEMPLATE: Nested,
        CKA_UNWRAP_TEMPLATE: Nested,
        CKA_DERIVE_TEMPLATE: Nested,
        CKA_ALLOWED_MECHANISMS: Mechanisms,
        CKA_SR_OWNER: Ulong,
        CKA_SR_SHARED_WITH: Mechanisms,
        CKA_SR_USE_APPROVALS: Ulong,
        CKA_SR_MANAGEMENT_APPROVALS: Ulong,
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(attribute: u64, bytes: &[u8]) -> RawAttribute<'_> {
        RawAttribute { attribute, value: RawValue::Bytes(bytes) }
    }

    fn refusal(entries: &[RawAttribute<'_>]) -> CK_RV {
        Template::parse(entries).err().map_or(CKR_OK, |error| error.rv())
    }

    #[test]
    fn definitions_are_in_order() {
        for pair in DEFINITIONS.windows(2) {
            assert!(pair[0].attribute < pair[1].attribute, "{} before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn forms_are_checked() {
        assert_eq!(refusal(&[raw(CKA_TOKEN, &[1])]), CKR_OK);
        assert_eq!(refusal(&[raw(CKA_TOKEN, &[2])]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(CKA_TOKEN, &[])]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(CKA_TOKEN, &[1, 0, 0, 0])]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(CKA_CLASS, &[1])]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(CKA_START_DATE, b"20260131")]), CKR_OK);
        assert_eq!(refusal(&[raw(CKA_START_DATE, b"")]), CKR_OK);
        assert_eq!(refusal(&[raw(CKA_START_DATE, b"20261301")]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(CKA_START_DATE, b"2026013")]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(CKA_ALLOWED_MECHANISMS, &[0; 12])]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(&[raw(0x7fff_0000, &[])]), CKR_ATTRIBUTE_TYPE_INVALID);
    }

    #[test]
    fn twice_is_refused() {
        let entries = [raw(CKA_LABEL, b"a"), raw(CKA_ID, b"b"), raw(CKA_LABEL, b"a")];
        assert_eq!(refusal(&entries), CKR_TEMPLATE_INCONSISTENT);
    }

    #[test]
    fn templates_within_templates_stay_flat() {
        let inner = RawAttribute {
            attribute: CKA_WRAP_TEMPLATE,
            value: RawValue::Nested(vec![RawAttribute {
                attribute: CKA_UNWRAP_TEMPLATE,
                value: RawValue::Nested(vec![raw(CKA_LABEL, b"deep")]),
            }]),
        };
        assert_eq!(refusal(&[inner]), CKR_ATTRIBUTE_VALUE_INVALID);
        let flat =
            RawAttribute { attribute: CKA_WRAP_TEMPLATE, value: RawValue::Nested(vec![raw(CKA_EXTRACTABLE, &[1])]) };
        assert_eq!(refusal(&[flat]), CKR_OK);
    }

    #[test]
    fn searches_may_name_other_vendors() {
        let entries = [raw(CKA_VENDOR_DEFINED | 0x4e53_4350, b"x")];
        assert!(Template::parse_search(&entries).is_ok());
        assert_eq!(refusal(&entries), CKR_ATTRIBUTE_TYPE_INVALID);
    }
}
