//! Keys that were not made from a template alone: unwrapped, decapsulated, derived.

use cryptoki_sys::*;
use strongroom_crypto::cipher;
use strongroom_crypto::encoding::{PublicKeyInfo, as_octet_string};
use strongroom_crypto::memory::{SecretBytes, constant_time_eq};

use super::inheritance::{Inheritance, check_tellings};
use super::{Made, Maker, check_kind, check_secret, check_template, finish, initial_flags, set_given};
use crate::asymmetric::{self, Parts, PrivateHalf};
use crate::attribute::{
    AttributeType, Entry, Flag, Flags, Given, Template, TemplateAttribute, TemplateValue, Value, ValueKind,
};
use crate::error::Error;
use crate::object::codec::damaged;
use crate::object::schema::{CREATE_NEVER, Kind, UNWRAP_NEVER};
use crate::object::{AttributeValue, Material, Object};
use crate::policy::Policy;

/// What a caller wants a key to become.
pub(crate) struct Target {
    /// Its kind.
    pub(crate) kind: &'static Kind,
    /// Bytes of its value, where the template or the type of key says.
    pub(crate) bytes: Option<usize>,
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
    let mut flags = initial_flags(kind, template, maker.policy);
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
    let mut pairs = value.chunks(8).zip(value.chunks(8).skip(1));
    matches!(kind.subtype, Some(CKK_DES2 | CKK_DES3)) && pairs.any(|(one, next)| constant_time_eq(one, next))
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
    finish(kind, initial_flags(kind, template, maker.policy), template, Made { fields, ..Made::default() }, None, maker)
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
    flags.remember(private.purposes());
    MATCHING.iter().for_each(|(own, other)| flags.set(*own, private.has(*other)));
    set_given(&mut flags, template);
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
    let flags = unwrapped_flags(kind, template, maker.policy);
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
    let flags = unwrapped_flags(kind, template, maker.policy);
    finish(kind, flags, template, Made::private(half)?, None, maker)
}

/// What came from outside was not always secret; it is extractable where the template is silent (PKCS#11 3.2 §5.18.4).
fn unwrapped_flags(kind: &Kind, template: &Template<'_>, policy: Policy) -> Flags {
    let mut flags = initial_flags(kind, template, policy);
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
