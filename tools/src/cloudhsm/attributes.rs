//! The attributes of keys as the tools name, number, order and write them.

use std::fmt::Write as _;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Flag};
use strongroom_core::object::{AttributeValue, Object};
use strongroom_crypto::ec;
use strongroom_crypto::encoding::{PrivateKeyInfo, octet_string};

use crate::text::{hex, is_harmless};

/// One attribute.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// The name, after `OBJ_ATTR_`.
    pub(crate) name: &'static str,
    /// The number: that of PKCS#11, but for the check value.
    pub(crate) number: u64,
    source: Source,
}

/// Where the value comes from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// A number that all keys have.
    Number,
    /// A boolean, false where the key has no such attribute.
    Flag(Flag),
    /// Text.
    Text,
    /// What is made of other attributes: see [`Value::of`].
    Made,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A class, a type, a boolean: short where all attributes are written.
    Small(u8),
    /// A length or another number.
    Number(u32),
    /// A label or an identifier.
    Text(Vec<u8>),
    /// A few bytes.
    Bytes(Vec<u8>),
    /// A long number, over several lines.
    Long(Vec<u8>),
}

impl Value {
    /// The value `attribute` has for a key; nothing where keys of its kind do not have it.
    pub(crate) fn of(key: &Object, attribute: &Attribute) -> Option<Value> {
        let public = key.kind.class == CKO_PUBLIC_KEY;
        let read = |number| key.attribute(AttributeType(number)).ok();
        let number = match attribute.number {
            // A login is needed to see any key at all, so every key is private to who asks.
            CKA_PRIVATE => return Some(Value::Small(1)),
            CKA_EXTRACTABLE if public => return Some(Value::Small(1)),
            CKA_VALUE_LEN => return value_len(key).map(Value::Number),
            KCV => return check_value(key).map(|value| Value::Bytes(value.to_vec())),
            CKA_MODULUS => return modulus(key).map(Value::Long),
            CKA_MODULUS_BITS => return modulus_bits(key).map(Value::Number),
            number => number,
        };
        match (attribute.source, read(number)) {
            (Source::Flag(flag), _) => Some(Value::Small(key.has(flag).into())),
            (Source::Number, Some(AttributeValue::Ulong(value))) => u8::try_from(value).ok().map(Value::Small),
            (Source::Text, Some(AttributeValue::Bytes(bytes))) => Some(Value::Text(bytes.to_vec())),
            (Source::Made, Some(AttributeValue::Bytes(bytes))) => Some(Value::Bytes(bytes.to_vec())),
            _ => None,
        }
    }

    /// The lines of a file; `alone` where it holds this attribute only.
    pub(crate) fn text(&self, alone: bool) -> String {
        match self {
            Value::Small(value) if !alone => format!("0x{value:02x}"),
            Value::Small(value) => format!("0x{value:08x}"),
            Value::Number(value) => format!("0x{value:08x}"),
            Value::Text(bytes) => String::from_utf8_lossy(bytes).replace(|character| !is_harmless(character), "?"),
            Value::Bytes(bytes) => format!("0x{}", hex(bytes)),
            Value::Long(bytes) => wrapped(&format!("0x{}", hex(bytes))),
        }
    }

    /// Bytes of the value in a block of attributes.
    fn bytes(&self) -> usize {
        match self {
            Value::Small(_) => 1,
            Value::Number(_) => 4,
            Value::Text(bytes) | Value::Bytes(bytes) | Value::Long(bytes) => bytes.len(),
        }
    }
}

/// The attribute with this number.
pub(crate) fn find(number: u64) -> Option<&'static Attribute> {
    ATTRIBUTES.iter().find(|attribute| attribute.number == number)
}

/// All attributes of a key in the order of a file, with their values.
pub(crate) fn all(key: &Object) -> Vec<(&'static Attribute, Value)> {
    ATTRIBUTES.iter().filter_map(|attribute| Some((attribute, Value::of(key, attribute)?))).collect()
}

/// The attribute with this number, among those of officers' tools too.
pub(crate) fn find_managed(number: u64) -> Option<&'static Attribute> {
    find(number).or_else(|| MANAGED.iter().find(|attribute| attribute.number == number))
}

/// All attributes of a key with those of officers' tools behind them.
pub(crate) fn all_managed(key: &Object) -> Vec<(&'static Attribute, Value)> {
    let managed = MANAGED.iter().filter_map(|attribute| Some((attribute, Value::of(key, attribute)?)));
    all(key).into_iter().chain(managed).collect()
}

/// Bytes of a block of attributes: for each its number and its length in four bytes, and its value.
pub(crate) fn block_bytes(attributes: &[(&'static Attribute, Value)]) -> usize {
    attributes.iter().map(|(_, value)| 8 + value.bytes()).sum()
}

/// The check value of a key: none for generic secrets and RC4, which cannot encrypt a block.
pub(crate) fn check_value(key: &Object) -> Option<[u8; 3]> {
    if matches!(key.kind.subtype, Some(CKK_GENERIC_SECRET | CKK_RC4)) {
        return None;
    }
    match key.attribute(AttributeType(CKA_CHECK_VALUE)).ok()? {
        AttributeValue::Bytes(bytes) => bytes.try_into().ok(),
        _ => None,
    }
}

/// The curve of a key.
pub(crate) fn curve(key: &Object) -> Option<ec::Curve> {
    ec::Curve::from_params(bytes(key, CKA_EC_PARAMS)?)
}

/// The bytes of an attribute that may be read.
pub(crate) fn bytes(key: &Object, attribute: u64) -> Option<&[u8]> {
    match key.attribute(AttributeType(attribute)).ok()? {
        AttributeValue::Bytes(bytes) if !bytes.is_empty() => Some(bytes),
        _ => None,
    }
}

/// The length as CloudHSM counts it: secret keys in bytes, private keys in PKCS #8, public points uncompressed, and
/// twice the modulus of a public RSA key.
fn value_len(key: &Object) -> Option<u32> {
    let length = match (key.kind.class, key.kind.subtype?) {
        (CKO_SECRET_KEY, CKK_DES3) => 24,
        (CKO_SECRET_KEY, _) => match key.attribute(AttributeType(CKA_VALUE_LEN)).ok()? {
            AttributeValue::Ulong(length) => usize::try_from(length).ok()?,
            _ => return None,
        },
        (CKO_PRIVATE_KEY, CKK_EC) => {
            // The core keeps the scalar alone; the structure others know has the point too.
            let curve = curve(key)?;
            let (scalar, point) = (vec![0; curve.order_bytes()], vec![0; curve.point_bytes()]);
            PrivateKeyInfo::Ec { params: curve.oid(), scalar: &scalar, public: Some(&point) }.encode().ok()?.len()
        }
        (CKO_PRIVATE_KEY, _) => key.private_info_bytes().ok()?,
        (_, CKK_EC) => curve(key)?.point_bytes(),
        (_, CKK_RSA) => 2 * bytes(key, CKA_MODULUS)?.len(),
        _ => bytes(key, CKA_VALUE)?.len(),
    };
    u32::try_from(length).ok()
}

/// The modulus of RSA keys, and the point of keys on curves.
pub(crate) fn modulus(key: &Object) -> Option<Vec<u8>> {
    match key.kind.subtype? {
        CKK_EC => match bytes(key, CKA_EC_POINT) {
            Some(point) => octet_string(point).map(<[u8]>::to_vec),
            None => {
                let info = bytes(key, CKA_PUBLIC_KEY_INFO)?;
                Some(info.get(info.len().checked_sub(curve(key)?.point_bytes())?..)?.to_vec())
            }
        },
        _ => bytes(key, CKA_MODULUS).map(<[u8]>::to_vec),
    }
}

/// The bits of an RSA modulus; for curves OpenSSL's number of the curve.
fn modulus_bits(key: &Object) -> Option<u32> {
    if key.kind.subtype == Some(CKK_EC) {
        let curve = curve(key)?;
        return CURVES.iter().find(|(known, _)| *known == curve).map(|(_, number)| *number);
    }
    let modulus = bytes(key, CKA_MODULUS)?;
    let leading = modulus.first()?.leading_zeros();
    u32::try_from(modulus.len() * 8).ok()?.checked_sub(leading)
}

/// Long hexadecimal numbers, in lines of 80 characters.
fn wrapped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{digit}");
    }
    text
}

const LINE: usize = 80;

/// The number of the check value, which PKCS#11 numbers otherwise.
pub(crate) const KCV: u64 = 371;
/// The number that stands for all attributes.
pub(crate) const ALL: u64 = 512;

const fn row(name: &'static str, number: u64, source: Source) -> Attribute {
    Attribute { name, number, source }
}

/// Every attribute, in the order of a file that has all.
static ATTRIBUTES: &[Attribute] = &[
    row("CLASS", CKA_CLASS, Source::Number),
    row("KEY_TYPE", CKA_KEY_TYPE, Source::Number),
    row("TOKEN", CKA_TOKEN, Source::Flag(Flag::Token)),
    row("PRIVATE", CKA_PRIVATE, Source::Made),
    row("ENCRYPT", CKA_ENCRYPT, Source::Flag(Flag::Encrypt)),
    row("DECRYPT", CKA_DECRYPT, Source::Flag(Flag::Decrypt)),
    row("WRAP", CKA_WRAP, Source::Flag(Flag::Wrap)),
    row("UNWRAP", CKA_UNWRAP, Source::Flag(Flag::Unwrap)),
    row("SIGN", CKA_SIGN, Source::Flag(Flag::Sign)),
    row("VERIFY", CKA_VERIFY, Source::Flag(Flag::Verify)),
    row("LOCAL", CKA_LOCAL, Source::Flag(Flag::Local)),
    row("SENSITIVE", CKA_SENSITIVE, Source::Flag(Flag::Sensitive)),
    row("EXTRACTABLE", CKA_EXTRACTABLE, Source::Flag(Flag::Extractable)),
    row("LABEL", CKA_LABEL, Source::Text),
    row("ID", CKA_ID, Source::Text),
    row("VALUE_LEN", CKA_VALUE_LEN, Source::Made),
    row("KCV", KCV, Source::Made),
    row("MODULUS", CKA_MODULUS, Source::Made),
    row("MODULUS_BITS", CKA_MODULUS_BITS, Source::Made),
    row("PUBLIC_EXPONENT", CKA_PUBLIC_EXPONENT, Source::Made),
];

/// The attributes that `cloudhsm_mgmt_util` shows besides, in the order of a file that has all.
pub(crate) static MANAGED: &[Attribute] = &[
    row("TRUSTED", CKA_TRUSTED, Source::Flag(Flag::Trusted)),
    row("WRAP_WITH_TRUSTED", CKA_WRAP_WITH_TRUSTED, Source::Flag(Flag::WrapWithTrusted)),
    row("DESTROYABLE", CKA_DESTROYABLE, Source::Flag(Flag::Destroyable)),
    row("DERIVE", CKA_DERIVE, Source::Flag(Flag::Derive)),
    row("ALWAYS_SENSITIVE", CKA_ALWAYS_SENSITIVE, Source::Flag(Flag::AlwaysSensitive)),
    row("NEVER_EXTRACTABLE", CKA_NEVER_EXTRACTABLE, Source::Flag(Flag::NeverExtractable)),
];

/// The order of listAttributes.
pub(crate) static LISTED: &[u64] = &[
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_LABEL,
    CKA_KEY_TYPE,
    CKA_ID,
    CKA_SENSITIVE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_LOCAL,
    CKA_MODULUS,
    CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT,
    CKA_VALUE_LEN,
    CKA_EXTRACTABLE,
    KCV,
];

/// OpenSSL's numbers of the curves (its `obj_mac.h`).
const CURVES: &[(ec::Curve, u32)] = &[
    (ec::Curve::P224, 713),
    (ec::Curve::P256, 415),
    (ec::Curve::P384, 715),
    (ec::Curve::P521, 716),
    (ec::Curve::Secp256k1, 714),
    (ec::Curve::BrainpoolP224r1, 925),
    (ec::Curve::BrainpoolP256r1, 927),
    (ec::Curve::BrainpoolP320r1, 929),
    (ec::Curve::BrainpoolP384r1, 931),
    (ec::Curve::BrainpoolP512r1, 933),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_alone_is_written_in_four_bytes() {
        assert_eq!(Value::Small(4).text(false), "0x04");
        assert_eq!(Value::Small(0x15).text(true), "0x00000015");
        assert_eq!(Value::Number(24).text(false), "0x00000018");
        assert_eq!(Value::Text(b"IT-02".to_vec()).text(true), "IT-02");
        assert_eq!(Value::Text(Vec::new()).text(false), "");
        assert_eq!(Value::Bytes(vec![0x59, 0xa4, 0x6e]).text(false), "0x59a46e");
    }

    #[test]
    fn a_value_of_another_door_cannot_add_a_line() {
        assert_eq!(Value::Text(b"a\nOBJ_ATTR_KCV\n".to_vec()).text(false), "a?OBJ_ATTR_KCV?");
        assert_eq!(Value::Text("a\u{202e}b\u{9b}".as_bytes().to_vec()).text(true), "a?b?");
    }

    #[test]
    fn long_numbers_have_lines_of_80_characters() {
        let text = Value::Long(vec![0xab; 256]).text(false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.iter().map(|line| line.len()).collect::<Vec<_>>(), [80, 80, 80, 80, 80, 80, 34]);
        assert!(lines[0].starts_with("0xab") && lines[1].starts_with("abab"));
    }

    #[test]
    fn every_listed_attribute_exists() {
        assert!(LISTED.iter().all(|number| find(*number).is_some()));
        assert_eq!(LISTED.len(), ATTRIBUTES.len());
    }
}
