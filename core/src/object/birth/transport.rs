//! Keys that were not made from a template alone: unwrapped, decapsulated, derived.

use cryptoki_sys::*;
use strongroom_crypto::cipher;
use strongroom_crypto::encoding::{PublicKeyInfo, as_octet_string};
use strongroom_crypto::memory::SecretBytes;

use super::{Made, Maker, check_kind, check_secret, check_template, finish, initial_flags};
use crate::asymmetric::{self, Parts, PrivateHalf};
use crate::attribute::{
    AttributeType, Entry, Flag, Flags, Given, Template, TemplateAttribute, TemplateValue, Value, ValueKind,
};
use crate::error::Error;
use crate::object::codec::damaged;
use crate::object::schema::{CREATE_NEVER, Kind, UNWRAP_NEVER};
use crate::object::{AttributeValue, Material, Object};

/// Bytes that a key derived from a confidential one has at least, or as many as that. A shorter one could be guessed and
/// compared, with its check value or a MAC; one after the other, short keys would spell out a long one.
const CONFIDENTIAL_BYTES_MIN: usize = 16;

/// Derivations that put the bytes of a key, as they are, beside or into others, or show them. A few of them together read
/// a key: through one whose other bytes are known, or that is shorter, or whose cipher is weak with such keys. So they
/// take a confidential key only where its `CKA_ALLOWED_MECHANISMS` names them: its maker has decided.
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
            sensitive: key.has(Flag::Sensitive),
            unextractable: !key.has(Flag::Extractable),
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

    /// How many bytes the key gets of a source that gives up to `most`, where the standard wants to be told for every
    /// type of key whose length is a choice, but generic secrets (PKCS#11 3.2, "Hash-based Key Derivation").
    ///
    /// # Errors
    /// As [`Target::bytes_of`].
    pub(crate) fn told_bytes_of(&self, most: usize) -> Result<usize, Error> {
        match self.kind.subtype {
            Some(CKK_GENERIC_SECRET) => self.bytes_of(most),
            _ => self.needed_bytes().and_then(|_| self.bytes_of(most)),
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
    value: SecretBytes,
    inheritance: Inheritance,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    valued(target, template, value, inheritance, None, maker)
}

/// A key that `mechanism` made of a password. It has no number yet. `C_GenerateKey` makes it, so it is a local key; but
/// who knows the password has its value, so it was not always secret.
///
/// # Errors
/// The template's: see [`Error`].
pub(crate) fn of_password(
    target: &Target,
    template: &Template<'_>,
    value: SecretBytes,
    mechanism: u64,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    valued(target, template, value, Inheritance::none(), Some(mechanism), maker)
}

fn valued(
    target: &Target,
    template: &Template<'_>,
    mut value: SecretBytes,
    inheritance: Inheritance,
    generated_by: Option<u64>,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    let kind = target.kind;
    if matches!(kind.subtype, Some(CKK_DES | CKK_DES2 | CKK_DES3)) {
        cipher::des::odd_parity(value.expose_mut());
    }
    check_secret(kind, value.expose()).map_err(|_| Error::KeySize { got: value.len() })?;
    if value.len() < inheritance.bytes_min {
        return Err(Error::KeySize { got: value.len() });
    }
    if inheritance.bytes_min > 0 && is_one_des_key(kind, value.expose()) {
        let attribute = AttributeType(CKA_KEY_TYPE);
        return Err(Error::TemplateInconsistent { attribute, reason: "its parts would be equal, which is single DES" });
    }
    let template = &template.without(CKA_VALUE_LEN);
    check_template(kind, template, maker, UNWRAP_NEVER)?;
    check_tellings(template, inheritance.tellings)?;
    let mut flags = initial_flags(kind, template);
    if inheritance.wrap_with_trusted {
        if template.flag(Flag::WrapWithTrusted) == Some(false) {
            let attribute = AttributeType(CKA_WRAP_WITH_TRUSTED);
            let reason = "the key it comes from leaves only under a trusted key";
            return Err(Error::TemplateInconsistent { attribute, reason });
        }
        flags.set(Flag::WrapWithTrusted, true);
    }
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
    flags.set(Flag::Local, generated_by.is_some());
    finish(kind, flags, template, Made::secret(Material::new(value)), generated_by, maker)
}

/// Whether a key of 3DES has two parts in a row that cancel out, and is no stronger than the third.
fn is_one_des_key(kind: &Kind, value: &[u8]) -> bool {
    let parts: Vec<&[u8]> = value.chunks(8).collect();
    matches!(kind.subtype, Some(CKK_DES2 | CKK_DES3)) && parts.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

/// A data object that a derivation gave this value (`CKM_HKDF_DATA`). It has no number yet.
///
/// # Errors
/// The template's: see [`Error`].
pub(crate) fn data(template: &Template<'_>, value: &[u8], maker: &Maker<'_>) -> Result<Object, Error> {
    let kind = Kind::find(CKO_DATA, None).ok_or(Error::NotSupported)?;
    let template = &template.without(CKA_VALUE_LEN);
    check_kind(kind, template)?;
    check_template(kind, template, maker, 0)?;
    if template.find(CKA_VALUE).is_some() {
        return Err(Error::AttributeReadOnly(AttributeType(CKA_VALUE)));
    }
    let fields = vec![(CKA_VALUE, Value::Bytes(value.into()))];
    finish(kind, initial_flags(kind, template), template, Made { fields, ..Made::default() }, None, maker)
}

/// The usages a public key has from its private key (PKCS#11 3.2, "Public key from private key").
const MATCHING: [(Flag, Flag); 6] = [
    (Flag::Encrypt, Flag::Decrypt),
    (Flag::Verify, Flag::Sign),
    (Flag::VerifyRecover, Flag::SignRecover),
    (Flag::Wrap, Flag::Unwrap),
    (Flag::Encapsulate, Flag::Decapsulate),
    (Flag::Derive, Flag::Derive),
];

/// The public key of a private key (`CKM_PUB_KEY_FROM_PRIV_KEY`; PKCS#11 3.2, "Public key from private key"). It has no
/// number yet. What it is made of is not secret: the private key's value may stay closed.
///
/// # Errors
/// The template's, as [`create`](fn@super::create) has them; `CKR_TEMPLATE_INCONSISTENT` for parts of another key.
pub(crate) fn public_from_private(
    private: &Object,
    template: &Template<'_>,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    let key_type = private.kind.subtype.unwrap_or_default();
    let kind = Kind::pair_half(CKO_PUBLIC_KEY, key_type).ok_or(Error::NotSupported)?;
    check_kind(kind, template)?;
    check_template(kind, template, maker, CREATE_NEVER)?;
    let info = PublicKeyInfo::decode(private.inner_bytes(CKA_PUBLIC_KEY_INFO).unwrap_or_default())
        .map_err(|_| damaged("a private key that does not say what its public key is"))?;
    let half = asymmetric::import_public(key_type, &PublicParts::of(private, info))?;
    for (attribute, own) in &half.fields {
        let same = match (template.find(*attribute), own) {
            (None, _) => true,
            (Some(Given::Bytes(given)), Value::Bytes(own)) => **given == **own,
            (Some(Given::Ulong(given)), Value::Ulong(own)) => given == own,
            (Some(_), _) => false,
        };
        if !same {
            let attribute = AttributeType(*attribute);
            return Err(Error::TemplateInconsistent { attribute, reason: "not that of the private key" });
        }
    }
    let mut entries = template.entries().to_vec();
    for attribute in [CKA_ID, CKA_START_DATE, CKA_END_DATE, CKA_SUBJECT, CKA_ALLOWED_MECHANISMS] {
        let value = match private.inner_attribute(attribute) {
            Some(AttributeValue::Bytes(bytes)) => Given::Bytes(bytes),
            Some(AttributeValue::Mechanisms(list)) => Given::Mechanisms(list.into()),
            _ => continue,
        };
        if template.find(attribute).is_none() {
            entries.push(Entry { attribute: AttributeType(attribute), value });
        }
    }
    let mut flags = kind.default_flags;
    MATCHING.iter().for_each(|(own, other)| flags.set(*own, private.has(*other)));
    for entry in template.entries() {
        if let Given::Flag(flag, value) = entry.value {
            flags.set(flag, value);
        }
    }
    let mechanism = private.inner_number(CKA_KEY_GEN_MECHANISM).filter(|own| *own != CK_UNAVAILABLE_INFORMATION);
    finish(kind, flags, &Template::from_entries(entries), Made::public(half), mechanism, maker)
}

/// The parts of a private key's public half, and none of its secrets.
struct PublicParts<'a> {
    private: &'a Object,
    /// `CKA_VALUE`, `CKA_EC_POINT`, `CKA_MODULUS` and `CKA_PUBLIC_EXPONENT`, as far as the type of key has them.
    parts: Vec<(u64, Vec<u8>)>,
}

impl<'a> PublicParts<'a> {
    fn of(private: &'a Object, info: PublicKeyInfo<'_>) -> PublicParts<'a> {
        let parts = match info {
            PublicKeyInfo::Rsa { modulus, public_exponent } => {
                vec![(CKA_MODULUS, modulus.to_vec()), (CKA_PUBLIC_EXPONENT, public_exponent.to_vec())]
            }
            PublicKeyInfo::Ec { point: bytes, .. }
            | PublicKeyInfo::Edwards { bytes, .. }
            | PublicKeyInfo::Montgomery { bytes, .. } => vec![(CKA_EC_POINT, as_octet_string(bytes))],
            PublicKeyInfo::Dsa { y: value, .. }
            | PublicKeyInfo::Dh { y: value, .. }
            | PublicKeyInfo::X942Dh { y: value, .. }
            | PublicKeyInfo::MlKem { bytes: value, .. }
            | PublicKeyInfo::MlDsa { bytes: value, .. }
            | PublicKeyInfo::SlhDsa { bytes: value, .. } => vec![(CKA_VALUE, value.to_vec())],
        };
        PublicParts { private, parts }
    }
}

impl Parts for PublicParts<'_> {
    fn bytes(&self, attribute: u64) -> Option<&[u8]> {
        match attribute {
            CKA_EC_PARAMS | CKA_PRIME | CKA_SUBPRIME | CKA_BASE => Parts::bytes(self.private, attribute),
            _ => self.parts.iter().find(|(which, _)| *which == attribute).map(|(_, bytes)| &**bytes),
        }
    }

    fn number(&self, attribute: u64) -> Option<u64> {
        Parts::number(self.private, attribute).filter(|_| attribute == CKA_PARAMETER_SET)
    }
}

/// A secret key that came wrapped. It has no number yet.
///
/// # Errors
/// The template's: see [`Error`]; [`Error::WrappedKeyLength`] and [`Error::WrappedKeyInvalid`] for a value no such key
/// has.
pub(crate) fn unwrapped_secret(
    kind: &'static Kind,
    template: &Template<'_>,
    value: SecretBytes,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    if !kind.lengths.allow(value.len()) {
        return Err(Error::WrappedKeyLength);
    }
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

/// Whether what a key demands of those it makes keeps their values inside.
pub(crate) fn hides(demands: &[TemplateAttribute]) -> bool {
    demands.iter().any(|demand| match (demand.attribute.0, &demand.value) {
        (CKA_SENSITIVE | CKA_WRAP_WITH_TRUSTED, TemplateValue::Flag(set)) => *set,
        (CKA_EXTRACTABLE, TemplateValue::Flag(set)) => !*set,
        _ => false,
    })
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
