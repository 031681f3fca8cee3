//! The attribute schema: which kinds of object exist, which attributes each has, who may set them when, and what they
//! are when nobody sets them.
//!
//! Creation, generation, copying, changing and reading all consult this one table; no other file knows such a rule. The
//! notes are the footnotes of the standard's attribute tables (PKCS#11 3.2 §4.1.3, table 13).

use cryptoki_sys::*;

use crate::attribute::{Flag, Flags};

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
    groups: &'static [&'static [Rule]],
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

const fn flag(attribute: u64, notes: u16) -> Rule {
    Rule { attribute, notes, default: Default::Flag }
}

const fn empty(attribute: u64, notes: u16) -> Rule {
    Rule { attribute, notes, default: Default::Empty }
}

const fn ulong(attribute: u64, notes: u16, value: u64) -> Rule {
    Rule { attribute, notes, default: Default::Ulong(value) }
}

const fn own(attribute: u64, notes: u16) -> Rule {
    Rule { attribute, notes, default: Default::Own }
}

/// PKCS#11 3.2 §4.2 and §4.4: every object in storage.
static STORAGE: &[Rule] = &[
    own(CKA_CLASS, CREATE_NEEDED),
    flag(CKA_TOKEN, COPY_CHANGEABLE),
    flag(CKA_PRIVATE, COPY_CHANGEABLE),
    flag(CKA_MODIFIABLE, COPY_CHANGEABLE),
    empty(CKA_LABEL, CHANGEABLE),
    flag(CKA_COPYABLE, CHANGEABLE | STICKY_FALSE),
    flag(CKA_DESTROYABLE, COPY_CHANGEABLE),
    own(CKA_UNIQUE_ID, MODULE_ONLY),
];

/// PKCS#11 3.2 §4.5.
static DATA: &[Rule] = &[empty(CKA_APPLICATION, 0), empty(CKA_OBJECT_ID, 0), empty(CKA_VALUE, 0)];

/// PKCS#11 3.2 §4.6.2 and §4.6.3.
static X509: &[Rule] = &[
    own(CKA_CERTIFICATE_TYPE, CREATE_NEEDED),
    flag(CKA_TRUSTED, CHANGEABLE | OFFICER_TRUE),
    ulong(CKA_CERTIFICATE_CATEGORY, 0, CK_CERTIFICATE_CATEGORY_UNSPECIFIED),
    empty(CKA_CHECK_VALUE, 0),
    empty(CKA_START_DATE, 0),
    empty(CKA_END_DATE, 0),
    empty(CKA_PUBLIC_KEY_INFO, 0),
    empty(CKA_SUBJECT, CREATE_NEEDED),
    empty(CKA_ID, CHANGEABLE),
    empty(CKA_ISSUER, CHANGEABLE),
    empty(CKA_SERIAL_NUMBER, CHANGEABLE),
    empty(CKA_VALUE, 0),
    empty(CKA_URL, 0),
    empty(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, 0),
    empty(CKA_HASH_OF_ISSUER_PUBLIC_KEY, 0),
    ulong(CKA_JAVA_MIDP_SECURITY_DOMAIN, 0, CK_SECURITY_DOMAIN_UNSPECIFIED),
    ulong(CKA_NAME_HASH_ALGORITHM, 0, CKM_SHA_1),
];

/// PKCS#11 3.2 §4.13: nobody makes them.
static MECHANISM: &[Rule] =
    &[own(CKA_CLASS, MODULE_ONLY), own(CKA_UNIQUE_ID, MODULE_ONLY), ulong(CKA_MECHANISM_TYPE, MODULE_ONLY, 0)];

/// PKCS#11 3.2 §4.12: nobody makes them.
static PROFILE: &[Rule] =
    &[own(CKA_CLASS, MODULE_ONLY), own(CKA_UNIQUE_ID, MODULE_ONLY), ulong(CKA_PROFILE_ID, MODULE_ONLY, 0)];

/// PKCS#11 3.2 §4.7: every key.
static KEY: &[Rule] = &[
    own(CKA_KEY_TYPE, CREATE_NEEDED | UNWRAP_NEEDED),
    empty(CKA_ID, CHANGEABLE),
    empty(CKA_START_DATE, CHANGEABLE),
    empty(CKA_END_DATE, CHANGEABLE),
    flag(CKA_DERIVE, CHANGEABLE),
    flag(CKA_LOCAL, MODULE_ONLY),
    ulong(CKA_KEY_GEN_MECHANISM, MODULE_ONLY, CK_UNAVAILABLE_INFORMATION),
    empty(CKA_ALLOWED_MECHANISMS, 0),
    ulong(CKA_OBJECT_VALIDATION_FLAGS, MODULE_ONLY, 0),
];

/// PKCS#11 3.2 §4.10: every secret key. `CKA_ALWAYS_AUTHENTICATE` is the standard's for private keys only; here a secret
/// key may ask for it too.
static SECRET_KEY: &[Rule] = &[
    flag(CKA_SENSITIVE, CHANGEABLE | STICKY_TRUE),
    flag(CKA_ENCRYPT, CHANGEABLE),
    flag(CKA_DECRYPT, CHANGEABLE),
    flag(CKA_SIGN, CHANGEABLE),
    flag(CKA_VERIFY, CHANGEABLE),
    flag(CKA_WRAP, CHANGEABLE),
    flag(CKA_UNWRAP, CHANGEABLE),
    flag(CKA_EXTRACTABLE, CHANGEABLE | STICKY_FALSE),
    flag(CKA_ALWAYS_SENSITIVE, MODULE_ONLY),
    flag(CKA_NEVER_EXTRACTABLE, MODULE_ONLY),
    empty(CKA_CHECK_VALUE, 0),
    flag(CKA_WRAP_WITH_TRUSTED, CHANGEABLE | STICKY_TRUE),
    flag(CKA_TRUSTED, CHANGEABLE | OFFICER_TRUE),
    flag(CKA_ALWAYS_AUTHENTICATE, 0),
    empty(CKA_WRAP_TEMPLATE, 0),
    empty(CKA_UNWRAP_TEMPLATE, 0),
    empty(CKA_DERIVE_TEMPLATE, 0),
    own(CKA_VALUE, CREATE_NEEDED | GENERATE_NEVER | UNWRAP_NEVER | SECRET),
];

/// Secret keys whose length is a choice.
static SIZED: &[Rule] = &[own(CKA_VALUE_LEN, CREATE_NEVER | GENERATE_NEEDED)];

const STORED: &[Flag] = &[Flag::Modifiable, Flag::Copyable, Flag::Destroyable];
const KEPT: &[Flag] = &[Flag::Modifiable, Flag::Copyable, Flag::Destroyable, Flag::Private, Flag::Sensitive];

const fn union(first: Flags, second: &[Flag]) -> Flags {
    Flags(first.0 | Flags::of(second).0)
}

const fn secret(
    key_type: u64,
    name: &'static str,
    lengths: Lengths,
    usage: &[Flag],
    groups: &'static [&'static [Rule]],
) -> Kind {
    let default_flags = union(Flags::of(KEPT), usage);
    Kind { class: CKO_SECRET_KEY, subtype: Some(key_type), name, lengths, default_flags, groups }
}

const SIZED_SECRET: &[&[Rule]] = &[STORAGE, KEY, SECRET_KEY, SIZED];
const FIXED_SECRET: &[&[Rule]] = &[STORAGE, KEY, SECRET_KEY];
const BLOCK: &[Flag] = &[Flag::Encrypt, Flag::Decrypt, Flag::Sign, Flag::Verify, Flag::Wrap, Flag::Unwrap];
const STREAM: &[Flag] = &[Flag::Encrypt, Flag::Decrypt];
const MAC: &[Flag] = &[Flag::Sign, Flag::Verify];
const ANY_SECRET: Lengths = Lengths::Between(1, crate::limits::GENERIC_SECRET_BYTES_MAX);

/// A key may do what its type can where the template is silent: the standard leaves that default to the token, and
/// programs (Java's SunPKCS11) rely on it.
static KINDS: &[Kind] = &[
    Kind {
        class: CKO_DATA,
        subtype: None,
        name: "data",
        lengths: Lengths::None,
        default_flags: union(Flags::of(STORED), &[Flag::Private]),
        groups: &[STORAGE, DATA],
    },
    Kind {
        class: CKO_CERTIFICATE,
        subtype: Some(CKC_X_509),
        name: "x509",
        lengths: Lengths::None,
        default_flags: Flags::of(STORED),
        groups: &[STORAGE, X509],
    },
    Kind {
        class: CKO_MECHANISM,
        subtype: None,
        name: "mechanism",
        lengths: Lengths::None,
        default_flags: Flags(0),
        groups: &[MECHANISM],
    },
    Kind {
        class: CKO_PROFILE,
        subtype: None,
        name: "profile",
        lengths: Lengths::None,
        default_flags: Flags(0),
        groups: &[PROFILE],
    },
    secret(CKK_AES, "aes", Lengths::OneOf(&[16, 24, 32]), BLOCK, SIZED_SECRET),
    secret(CKK_AES_XTS, "aes-xts", Lengths::OneOf(&[32, 64]), STREAM, SIZED_SECRET),
    secret(CKK_GENERIC_SECRET, "generic", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_DES, "des", Lengths::OneOf(&[8]), BLOCK, FIXED_SECRET),
    secret(CKK_DES2, "des2", Lengths::OneOf(&[16]), BLOCK, FIXED_SECRET),
    secret(CKK_DES3, "des3", Lengths::OneOf(&[24]), BLOCK, FIXED_SECRET),
    secret(CKK_RC4, "rc4", Lengths::Between(1, crate::limits::RC4_KEY_BYTES_MAX), STREAM, SIZED_SECRET),
    secret(CKK_CHACHA20, "chacha20", Lengths::OneOf(&[32]), STREAM, SIZED_SECRET),
    secret(CKK_MD5_HMAC, "md5-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA_1_HMAC, "sha1-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA224_HMAC, "sha224-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA256_HMAC, "sha256-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA384_HMAC, "sha384-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA512_HMAC, "sha512-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA512_224_HMAC, "sha512-224-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA512_256_HMAC, "sha512-256-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_224_HMAC, "sha3-224-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_256_HMAC, "sha3-256-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_384_HMAC, "sha3-384-hmac", ANY_SECRET, MAC, SIZED_SECRET),
    secret(CKK_SHA3_512_HMAC, "sha3-512-hmac", ANY_SECRET, MAC, SIZED_SECRET),
];

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
