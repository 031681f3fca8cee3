//! The types of key by the names people give them, and what there is to say about a key of each.

use cryptoki_sys::*;
use strongroom_core::attribute::AttributeType;
use strongroom_core::mechanism::{CATALOGUE, Mechanism, Work};
use strongroom_core::object::schema::{Kind, Lengths};
use strongroom_core::object::{AttributeValue, Object};
use strongroom_crypto::rsa::{MODULUS_BITS_MAX, MODULUS_BITS_MIN};
use strongroom_crypto::{ec, edwards, montgomery};

use super::suggest::suggest;

/// What `--type` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// A secret key.
    Secret {
        /// Its `CKA_KEY_TYPE`.
        key_type: u64,
        /// The size in bits, where the name says it (`aes-128`).
        bits: Option<usize>,
    },
    /// A pair.
    Pair {
        /// The name, without a size.
        name: &'static str,
        /// Its `CKA_KEY_TYPE`.
        key_type: u64,
        /// What else the name says.
        form: Form,
        /// The size in bits, where the name says it (`rsa-2048`).
        bits: Option<usize>,
    },
}

/// What the name of a pair's type says beside the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A modulus of some size.
    Modulus,
    /// Any curve.
    Curve,
    /// This curve: its `CKA_EC_PARAMS`.
    Only(&'static [u8]),
    /// This `CKA_PARAMETER_SET`.
    Set(u64),
    /// Domain parameters of some size.
    Group,
}

const PAIRS: &[(&str, u64, Form)] = &[
    ("rsa", CKK_RSA, Form::Modulus),
    ("ec", CKK_EC, Form::Curve),
    ("ed25519", CKK_EC_EDWARDS, Form::Only(edwards::Curve::Ed25519.oid())),
    ("ed448", CKK_EC_EDWARDS, Form::Only(edwards::Curve::Ed448.oid())),
    ("x25519", CKK_EC_MONTGOMERY, Form::Only(montgomery::Curve::X25519.oid())),
    ("x448", CKK_EC_MONTGOMERY, Form::Only(montgomery::Curve::X448.oid())),
    ("ml-kem-512", CKK_ML_KEM, Form::Set(CKP_ML_KEM_512)),
    ("ml-kem-768", CKK_ML_KEM, Form::Set(CKP_ML_KEM_768)),
    ("ml-kem-1024", CKK_ML_KEM, Form::Set(CKP_ML_KEM_1024)),
    ("ml-dsa-44", CKK_ML_DSA, Form::Set(CKP_ML_DSA_44)),
    ("ml-dsa-65", CKK_ML_DSA, Form::Set(CKP_ML_DSA_65)),
    ("ml-dsa-87", CKK_ML_DSA, Form::Set(CKP_ML_DSA_87)),
    ("slh-dsa-sha2-128s", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHA2_128S)),
    ("slh-dsa-sha2-128f", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHA2_128F)),
    ("slh-dsa-sha2-192s", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHA2_192S)),
    ("slh-dsa-sha2-192f", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHA2_192F)),
    ("slh-dsa-sha2-256s", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHA2_256S)),
    ("slh-dsa-sha2-256f", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHA2_256F)),
    ("slh-dsa-shake-128s", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHAKE_128S)),
    ("slh-dsa-shake-128f", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHAKE_128F)),
    ("slh-dsa-shake-192s", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHAKE_192S)),
    ("slh-dsa-shake-192f", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHAKE_192F)),
    ("slh-dsa-shake-256s", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHAKE_256S)),
    ("slh-dsa-shake-256f", CKK_SLH_DSA, Form::Set(CKP_SLH_DSA_SHAKE_256F)),
    ("dsa", CKK_DSA, Form::Group),
    ("dh", CKK_DH, Form::Group),
    ("x942-dh", CKK_X9_42_DH, Form::Group),
];

impl KeyType {
    /// Understands `--type`.
    ///
    /// # Errors
    /// The name that may be meant, or where all names are.
    pub(crate) fn parse(name: &str) -> Result<KeyType, String> {
        let name = name.to_ascii_lowercase();
        let name = name.as_str();
        let pair = |known: &str, bits| {
            let row = PAIRS.iter().find(|(name, ..)| *name == known);
            row.map(|(name, key_type, form)| KeyType::Pair { name, key_type: *key_type, form: *form, bits })
        };
        if let Some(pair) = pair(name, None) {
            return Ok(pair);
        }
        if let Some((known, Ok(bits))) = name.rsplit_once('-').map(|(known, bits)| (known, bits.parse())) {
            if SIZED_PAIRS.contains(&known)
                && let Some(pair) = pair(known, Some(bits))
            {
                return Ok(pair);
            }
            if let Some(kind) = KeyType::sized_secret(known) {
                let Some(key_type) = kind.subtype.filter(|_| kind.lengths.allow(bits / 8) && bits % 8 == 0) else {
                    return Err(format!("{known} keys have {} bits", possible_bits(kind)));
                };
                return Ok(KeyType::Secret { key_type, bits: Some(bits) });
            }
        }
        KeyType::secret(name).ok_or_else(|| match suggest(name) {
            Some(suggestion) => suggestion,
            None => "there is no such type; 'strongroom key generate --help' lists them".to_owned(),
        })
    }

    /// The names of all types: of secret keys, and of pairs.
    pub(crate) fn names() -> (Vec<&'static str>, Vec<&'static str>) {
        let secret = Kind::all().iter().map(|kind| kind.name).filter(|name| KeyType::secret(name).is_some());
        (secret.collect(), PAIRS.iter().map(|(name, ..)| *name).collect())
    }

    /// The type of secret key of this name.
    fn secret(name: &str) -> Option<KeyType> {
        let kind = Kind::named(name).filter(|kind| kind.class == CKO_SECRET_KEY)?;
        let found = KeyType::Secret { key_type: kind.subtype?, bits: None };
        found.generator().map(|_| found)
    }

    /// The kind of secret key of this name, where its keys have several sizes.
    fn sized_secret(name: &str) -> Option<&'static Kind> {
        KeyType::secret(name)?;
        Kind::named(name).filter(|kind| kind.lengths.only().is_none())
    }

    /// Whether a size may stand behind this name: `rsa-2048`, `aes-128`.
    pub(super) fn takes_bits(name: &str) -> bool {
        SIZED_PAIRS.contains(&name) || KeyType::sized_secret(name).is_some()
    }

    /// Its `CKA_KEY_TYPE`.
    pub(crate) fn number(self) -> u64 {
        match self {
            KeyType::Secret { key_type, .. } | KeyType::Pair { key_type, .. } => key_type,
        }
    }

    /// The mechanism that generates keys of this type.
    pub(crate) fn generator(self) -> Option<&'static Mechanism> {
        CATALOGUE.iter().find(|mechanism| match (self, &mechanism.work) {
            (KeyType::Secret { key_type: wanted, .. }, Work::GenerateSecret(key_type)) => wanted == *key_type,
            (KeyType::Pair { key_type: wanted, .. }, Work::GeneratePair(key_type)) => wanted == *key_type,
            _ => false,
        })
    }

    /// Whether an object is a key of this type.
    pub(crate) fn is_that_of(self, object: &Object) -> bool {
        let has_size = |bits: Option<usize>| bits.is_none_or(|bits| size_bits(object) == Some(bits as u64));
        match self {
            KeyType::Secret { key_type, bits } => {
                object.kind.class == CKO_SECRET_KEY && object.kind.subtype == Some(key_type) && has_size(bits)
            }
            KeyType::Pair { name, bits, .. } => {
                object.kind.class != CKO_SECRET_KEY && type_name(object) == name && has_size(bits)
            }
        }
    }
}

/// The sizes that a kind of secret key can have.
pub(crate) fn possible_bits(kind: &Kind) -> String {
    match kind.lengths {
        Lengths::OneOf(lengths) => lengths.iter().map(|bytes| (bytes * 8).to_string()).collect::<Vec<_>>().join(", "),
        Lengths::Between(min, max) => format!("{} to {}, in steps of 8", min * 8, max * 8),
        Lengths::None => "no".to_owned(),
    }
}

/// The sizes that an RSA key can have.
pub(crate) fn rsa_sizes() -> String {
    format!("RSA keys have {MODULUS_BITS_MIN} to {MODULUS_BITS_MAX} bits")
}

/// The name of an object's type: what `--type` takes, or the kind's own name.
pub(crate) fn type_name(object: &Object) -> &'static str {
    if object.kind.class == CKO_SECRET_KEY || object.kind.class == CKO_CERTIFICATE {
        return object.kind.name;
    }
    let fits = |(_, key_type, form): &&(&str, u64, Form)| {
        object.kind.subtype == Some(*key_type)
            && match form {
                Form::Modulus | Form::Curve | Form::Group => true,
                Form::Only(oid) => only_curve(object) == Some(*oid),
                Form::Set(set) => number(object, CKA_PARAMETER_SET) == Some(*set),
            }
    };
    PAIRS.iter().find(fits).map_or(object.kind.name, |(name, ..)| *name)
}

/// The curve of a key, by the name people know it by.
pub(crate) fn curve_name(object: &Object) -> Option<&'static str> {
    if object.kind.subtype == Some(CKK_EC) {
        return ec::Curve::from_params(bytes(object, CKA_EC_PARAMS)?).map(name_of);
    }
    match only_curve(object)? {
        oid if oid == edwards::Curve::Ed25519.oid() => Some("Ed25519"),
        oid if oid == edwards::Curve::Ed448.oid() => Some("Ed448"),
        oid if oid == montgomery::Curve::X25519.oid() => Some("X25519"),
        _ => Some("X448"),
    }
}

/// The parameter set of a post-quantum key, by its name in FIPS 203, 204 or 205.
pub(crate) fn parameter_set(object: &Object) -> Option<String> {
    set_name(object.kind.subtype?, number(object, CKA_PARAMETER_SET)?)
}

/// The name of a `CKA_PARAMETER_SET` of this type of key.
pub(crate) fn set_name(key_type: u64, set: u64) -> Option<String> {
    let row = PAIRS.iter().find(|(_, known, form)| *known == key_type && *form == Form::Set(set))?;
    // FIPS 205 has small letters at the end: SLH-DSA-SHA2-128f.
    let mut name = row.0.to_uppercase();
    if key_type == CKK_SLH_DSA
        && let Some(last) = name.pop()
    {
        name.push(last.to_ascii_lowercase());
    }
    Some(name)
}

/// The size in bits: of a secret value, a modulus, a prime or a field.
pub(crate) fn size_bits(object: &Object) -> Option<u64> {
    if let Some(only) = object.kind.lengths.only() {
        return Some(only as u64 * 8);
    }
    match (object.kind.class, object.kind.subtype) {
        (CKO_SECRET_KEY, _) => number(object, CKA_VALUE_LEN).map(|bytes| bytes * 8),
        (CKO_CERTIFICATE, _) => None,
        (_, Some(CKK_RSA)) => bytes(object, CKA_MODULUS).map(bit_length),
        (_, Some(CKK_DSA | CKK_DH | CKK_X9_42_DH)) => bytes(object, CKA_PRIME).map(bit_length),
        (_, Some(CKK_EC)) => ec::Curve::from_params(bytes(object, CKA_EC_PARAMS)?).map(|curve| curve.bits() as u64),
        (_, Some(CKK_EC_EDWARDS | CKK_EC_MONTGOMERY)) => match curve_name(object)? {
            "Ed25519" | "X25519" => Some(255),
            _ => Some(448),
        },
        _ => None,
    }
}

/// The curve of an Edwards or Montgomery key: the object identifier that its name in [`PAIRS`] has.
fn only_curve(object: &Object) -> Option<&'static [u8]> {
    let params = bytes(object, CKA_EC_PARAMS)?;
    match object.kind.subtype {
        Some(CKK_EC_EDWARDS) => edwards::Curve::from_params(params).map(edwards::Curve::oid),
        Some(CKK_EC_MONTGOMERY) => montgomery::Curve::from_params(params).map(montgomery::Curve::oid),
        _ => None,
    }
}

/// The curve of this name: that of FIPS 186, SEC 2, X9.62 or RFC 5639.
///
/// # Errors
/// The names there are.
pub(crate) fn parse_curve(name: &str) -> Result<ec::Curve, String> {
    let printable = u8::try_from(name.len()).ok().map(|length| [&[PRINTABLE_STRING, length], name.as_bytes()].concat());
    printable.and_then(|der| ec::Curve::from_params(&der)).ok_or_else(|| {
        let names: Vec<&str> = ec::Curve::ALL.into_iter().map(name_of).collect();
        format!("the curves are {}; Ed25519, Ed448, X25519 and X448 are types", names.join(", "))
    })
}

/// The name of a curve: that of FIPS 186 where it has one.
pub(crate) fn name_of(curve: ec::Curve) -> &'static str {
    match curve {
        ec::Curve::P224 => "P-224",
        ec::Curve::P256 => "P-256",
        ec::Curve::P384 => "P-384",
        ec::Curve::P521 => "P-521",
        other => other.name(),
    }
}

/// The bytes of an attribute, where the object has some and shows them.
pub(crate) fn bytes(object: &Object, attribute: u64) -> Option<&[u8]> {
    match object.attribute(AttributeType(attribute)) {
        Ok(AttributeValue::Bytes(bytes)) if !bytes.is_empty() => Some(bytes),
        _ => None,
    }
}

/// The number of an attribute, where the object has one and shows it.
fn number(object: &Object, attribute: u64) -> Option<u64> {
    match object.attribute(AttributeType(attribute)) {
        Ok(AttributeValue::Ulong(number)) if number != CK_UNAVAILABLE_INFORMATION => Some(number),
        _ => None,
    }
}

/// Bits of a big-endian number.
pub(super) fn bit_length(number: &[u8]) -> u64 {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    match number.get(zeros..) {
        Some([first, rest @ ..]) => u64::from(8 - first.leading_zeros()) + 8 * rest.len() as u64,
        _ => 0,
    }
}

const PRINTABLE_STRING: u8 = 0x13;
/// The types of pair whose name may end with a size.
const SIZED_PAIRS: &[&str] = &["rsa", "dsa", "dh", "x942-dh"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_understood_and_generated() {
        for (name, ..) in PAIRS {
            assert!(KeyType::parse(name).unwrap().generator().is_some(), "{name}");
        }
        for mechanism in CATALOGUE {
            let generated = match mechanism.work {
                Work::GenerateSecret(key_type) => KeyType::parse(Kind::secret_key(key_type).unwrap().name).unwrap(),
                Work::GeneratePair(key_type) => {
                    let row = PAIRS.iter().find(|(_, known, _)| *known == key_type);
                    KeyType::parse(row.unwrap_or_else(|| panic!("no name for {mechanism}")).0).unwrap()
                }
                _ => continue,
            };
            let made = |mechanism: &Mechanism| match mechanism.work {
                Work::GenerateSecret(key_type) | Work::GeneratePair(key_type) => key_type,
                _ => panic!("{mechanism} generates no key"),
            };
            assert_eq!(made(generated.generator().unwrap()), made(mechanism), "{mechanism}");
        }
        let (secret, pairs) = KeyType::names();
        assert!(secret.contains(&"aes") && !secret.contains(&"x509") && pairs.contains(&"rsa"));
        let refusal = KeyType::parse("x509").unwrap_err();
        assert!(refusal.contains("no such type") && refusal.contains("key generate --help"), "{refusal}");
    }

    #[test]
    fn names_may_say_the_size() {
        let bits = |name| match KeyType::parse(name) {
            Ok(KeyType::Pair { name, bits, .. }) => (name, bits),
            other => panic!("{other:?}"),
        };
        let aes = |bits| Ok(KeyType::Secret { key_type: CKK_AES, bits });
        assert_eq!((KeyType::parse("aes"), KeyType::parse("aes-128")), (aes(None), aes(Some(128))));
        assert_eq!(KeyType::parse("aes-32").unwrap_err(), "aes keys have 128, 192, 256 bits");
        assert!(KeyType::parse("sha256-hmac-512").is_ok() && KeyType::parse("des3-192").is_err());
        assert_eq!(bits("rsa"), ("rsa", None));
        assert_eq!(bits("rsa-2048"), ("rsa", Some(2048)));
        assert_eq!(bits("x942-dh"), ("x942-dh", None));
        assert_eq!(bits("dh-3072"), ("dh", Some(3072)));
        assert_eq!((bits("RSA-2048"), KeyType::parse("AES-128")), (("rsa", Some(2048)), aes(Some(128))));
        assert_eq!(bits("ML-DSA-65"), ("ml-dsa-65", None));
        assert!(KeyType::parse("ec-256").is_err() && KeyType::parse("rsa-big").is_err());
    }

    #[test]
    fn curves_have_many_names() {
        for name in ["P-256", "p-256", "secp256r1", "prime256v1"] {
            assert_eq!(parse_curve(name).unwrap(), ec::Curve::P256);
        }
        for curve in ec::Curve::ALL {
            assert_eq!(parse_curve(name_of(curve)).unwrap(), curve);
        }
        let refusal = parse_curve("P-192").unwrap_err();
        assert!(refusal.contains("P-224") && refusal.contains("brainpoolP512r1"), "{refusal}");
    }

    #[test]
    fn parameter_sets_are_named_as_in_their_standards() {
        assert_eq!(set_name(CKK_ML_KEM, CKP_ML_KEM_768).unwrap(), "ML-KEM-768");
        assert_eq!(set_name(CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F).unwrap(), "SLH-DSA-SHA2-128f");
        assert_eq!(set_name(CKK_ML_DSA, 99), None);
    }

    #[test]
    fn leading_zeros_are_no_bits() {
        assert_eq!(bit_length(&[0, 1, 0]), 9);
        assert_eq!(bit_length(&[0x80]), 8);
        assert_eq!(bit_length(&[]), 0);
    }
}
