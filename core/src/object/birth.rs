//! How objects come to be: created from a template, generated, or copied. Every way ends in one place, `finish`, which
//! applies what must hold for all objects.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cryptoki_sys::*;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;
use strongroom_crypto::{cipher, hash};

use super::schema::{CREATE_NEEDED, CREATE_NEVER, Default, GENERATE_NEEDED, GENERATE_NEVER, Kind, OFFICER_TRUE, Rule};
use super::{Material, Object, Ownership};
use crate::attribute::{AttributeType, Flag, Flags, Given, Template, Value};
use crate::error::Error;

/// Who makes an object, and where.
pub struct Maker<'a> {
    /// Who will own it.
    pub ownership: Ownership,
    /// Whether the officer is logged in, who alone may set `CKA_TRUSTED`.
    pub officer: bool,
    /// The session it is made in.
    pub session: u64,
    /// How many logins of the application had ended when it was settled who makes it.
    pub logouts: u64,
    /// Random numbers.
    pub random: &'a dyn Source,
}

/// Makes an object from a complete template (`C_CreateObject`, PKCS#11 3.2 §5.7.1). It has no number yet.
///
/// # Errors
/// The template's: see [`Error`].
pub fn create(template: &Template<'_>, maker: &Maker<'_>) -> Result<Object, Error> {
    let kind = created_kind(template)?;
    check_template(kind, template, maker, CREATE_NEVER)?;
    if let Some(missing) =
        kind.rules().find(|rule| rule.notes & CREATE_NEEDED != 0 && template.find(rule.attribute).is_none())
    {
        return Err(Error::TemplateIncomplete(AttributeType(missing.attribute)));
    }
    let material = match (kind.is_secret(), template.bytes(CKA_VALUE)) {
        (true, Some(value)) => Some(imported(kind, value)?),
        _ => None,
    };
    if kind.class == CKO_CERTIFICATE {
        check_certificate(template)?;
    }
    let flags = initial_flags(kind, template);
    finish(kind, flags, template, material, None, maker)
}

/// Generates a secret key of `kind` (`C_GenerateKey`, PKCS#11 3.2 §5.18.1). It has no number yet.
///
/// # Errors
/// The template's: see [`Error`].
pub fn generate_secret(
    kind: &'static Kind,
    mechanism: u64,
    template: &Template<'_>,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    for (attribute, own) in [(CKA_CLASS, Some(kind.class)), (CKA_KEY_TYPE, kind.subtype)] {
        if let Some(given) = template.ulong(attribute)
            && Some(given) != own
        {
            let attribute = AttributeType(attribute);
            return Err(Error::TemplateInconsistent { attribute, reason: "not what the mechanism generates" });
        }
    }
    // A key type with one length has no CKA_VALUE_LEN, but pkcs11-tool always gives it: right, it changes nothing.
    let trimmed;
    let only = kind.lengths.only().map(|only| only as u64);
    let template = match template.ulong(CKA_VALUE_LEN) {
        given @ Some(_) if given == only => {
            trimmed = template.without(CKA_VALUE_LEN);
            &trimmed
        }
        _ => template,
    };
    check_template(kind, template, maker, GENERATE_NEVER)?;
    let length = generated_length(kind, template)?;
    let mut value = SecretBytes::zeroed(length)?;
    fill_key(kind, &mut value, maker.random)?;
    let mut flags = initial_flags(kind, template);
    flags.set(Flag::Local, true);
    flags.set(Flag::AlwaysSensitive, flags.has(Flag::Sensitive));
    flags.set(Flag::NeverExtractable, !flags.has(Flag::Extractable));
    finish(kind, flags, template, Some(Material::new(value)), Some(mechanism), maker)
}

/// What holds for every new object: defaults, dates, the check value, a unique id.
fn finish(
    kind: &'static Kind,
    flags: Flags,
    template: &Template<'_>,
    material: Option<Material>,
    mechanism: Option<u64>,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    let mut fields = Vec::with_capacity(template.entries().len() + 2);
    for entry in template.entries() {
        if let Some(value) = kept_value(kind, entry.attribute, &entry.value) {
            fields.push((entry.attribute.0, value));
        }
    }
    if let Some(mechanism) = mechanism {
        fields.push((CKA_KEY_GEN_MECHANISM, Value::Ulong(mechanism)));
    }
    let check_value = check_value(kind, template, material.as_ref())?;
    fields.retain(|(attribute, _)| *attribute != CKA_CHECK_VALUE);
    fields.extend(check_value.map(|value| (CKA_CHECK_VALUE, Value::Bytes(Box::new(value)))));
    fields.sort_unstable_by_key(|(attribute, _)| *attribute);
    let object = Object {
        number: 0,
        version: 1,
        session: (!flags.has(Flag::Token)).then_some(maker.session),
        retired: AtomicBool::new(false),
        kind,
        flags,
        unique_id: new_unique_id(maker.random)?,
        ownership: maker.ownership,
        fields,
        material: material.map(Arc::new),
    };
    check_dates(&object)?;
    check_authentication(&object)?;
    Ok(object)
}

/// Only a private object can want a login for each use (PKCS#11 3.2 §4.9): who uses another need not have logged in.
pub(super) fn check_authentication(object: &Object) -> Result<(), Error> {
    if object.has(Flag::AlwaysAuthenticate) && !object.has(Flag::Private) {
        let attribute = AttributeType(CKA_ALWAYS_AUTHENTICATE);
        return Err(Error::TemplateInconsistent { attribute, reason: "needs CKA_PRIVATE to be true" });
    }
    Ok(())
}

/// Thirty-two hexadecimal digits nobody else has.
pub(super) fn new_unique_id(random: &dyn Source) -> Result<[u8; 32], Error> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(hexadecimal(bytes))
}

/// The digits of sixteen bytes.
pub(crate) fn hexadecimal(bytes: [u8; 16]) -> [u8; 32] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    digits
}

/// The start must not lie after the end (PKCS#11 3.2 §4.7).
pub(super) fn check_dates(object: &Object) -> Result<(), Error> {
    let date = |attribute| match object.field(attribute) {
        Some(Value::Bytes(bytes)) if !bytes.is_empty() => Some(bytes),
        _ => None,
    };
    match (date(CKA_START_DATE), date(CKA_END_DATE)) {
        (Some(start), Some(end)) if start > end => Err(Error::TemplateInconsistent {
            attribute: AttributeType(CKA_END_DATE),
            reason: "lies before CKA_START_DATE",
        }),
        _ => Ok(()),
    }
}

/// The form in which an object keeps a given value; none where it is the default, a flag, or kept elsewhere.
pub(super) fn kept_value(kind: &Kind, attribute: AttributeType, given: &Given<'_>) -> Option<Value> {
    let rule = kind.rule(attribute.0)?;
    if rule.default == Default::Own {
        return None;
    }
    match given {
        Given::Ulong(number) if rule.default == Default::Ulong(*number) => None,
        Given::Ulong(number) => Some(Value::Ulong(*number)),
        Given::Bytes(bytes) => (!bytes.is_empty()).then(|| Value::Bytes((*bytes).into())),
        Given::Mechanisms(list) => (!list.is_empty()).then(|| Value::Mechanisms(list.clone())),
        Given::Template(entries) => (!entries.is_empty()).then(|| Value::Template(entries.clone())),
        Given::Flag(..) | Given::Foreign => None,
    }
}

fn created_kind(template: &Template<'_>) -> Result<&'static Kind, Error> {
    let incomplete = |attribute| Error::TemplateIncomplete(AttributeType(attribute));
    let refused = |attribute, reason| Error::AttributeValue { attribute: AttributeType(attribute), reason };
    let class = template.ulong(CKA_CLASS).ok_or(incomplete(CKA_CLASS))?;
    if !Kind::can_be_made(class) {
        return Err(refused(CKA_CLASS, "objects of this class cannot be created"));
    }
    match class {
        CKO_DATA => Kind::find(class, None).ok_or(refused(CKA_CLASS, "not offered")),
        CKO_CERTIFICATE => {
            let given = template.ulong(CKA_CERTIFICATE_TYPE).ok_or(incomplete(CKA_CERTIFICATE_TYPE))?;
            Kind::find(class, Some(given)).ok_or(refused(CKA_CERTIFICATE_TYPE, "only X.509 certificates are kept"))
        }
        _ => {
            let given = template.ulong(CKA_KEY_TYPE).ok_or(incomplete(CKA_KEY_TYPE))?;
            Kind::find(class, Some(given)).ok_or(refused(CKA_KEY_TYPE, "keys of this type are not kept"))
        }
    }
}

/// Whether each entry may be given at all, by this maker, in this way of making.
fn check_template(kind: &Kind, template: &Template<'_>, maker: &Maker<'_>, never: u16) -> Result<(), Error> {
    for entry in template.entries() {
        let attribute = entry.attribute;
        let rule = valid_rule(kind, attribute)?;
        if rule.notes & never != 0 {
            return Err(Error::AttributeReadOnly(attribute));
        }
        if rule.notes & OFFICER_TRUE != 0 && matches!(entry.value, Given::Flag(_, true)) && !maker.officer {
            return Err(Error::AttributeReadOnly(attribute));
        }
    }
    Ok(())
}

/// An attribute of other kinds of object contradicts the template's own (PKCS#11 3.2 §4.1.1).
pub(super) fn valid_rule(kind: &Kind, attribute: AttributeType) -> Result<&'static Rule, Error> {
    kind.rule(attribute.0)
        .ok_or(Error::TemplateInconsistent { attribute, reason: "objects of this kind do not have it" })
}

fn initial_flags(kind: &Kind, template: &Template<'_>) -> Flags {
    let mut flags = kind.default_flags;
    for entry in template.entries() {
        if let Given::Flag(flag, value) = entry.value {
            flags.set(flag, value);
        }
    }
    flags
}

fn imported(kind: &Kind, value: &[u8]) -> Result<Material, Error> {
    let refused = |reason| Error::AttributeValue { attribute: AttributeType(CKA_VALUE), reason };
    if !kind.lengths.allow(value.len()) {
        return Err(refused("not a length this type of key can have"));
    }
    match kind.subtype {
        Some(CKK_DES | CKK_DES2 | CKK_DES3) if !cipher::des::has_odd_parity(value) => {
            return Err(refused("a DES key has odd parity in each byte"));
        }
        Some(CKK_AES_XTS) if equal_halves(value) => return Err(refused("the two halves of an XTS key must differ")),
        _ => {}
    }
    Ok(Material::new(SecretBytes::from_slice(value)?))
}

fn equal_halves(value: &[u8]) -> bool {
    value.split_at_checked(value.len() / 2).is_some_and(|(a, b)| strongroom_crypto::memory::constant_time_eq(a, b))
}

fn generated_length(kind: &Kind, template: &Template<'_>) -> Result<usize, Error> {
    let attribute = AttributeType(CKA_VALUE_LEN);
    let needed = kind.rule(CKA_VALUE_LEN).is_some_and(|rule| rule.notes & GENERATE_NEEDED != 0);
    match template.ulong(CKA_VALUE_LEN) {
        Some(given) => usize::try_from(given)
            .ok()
            .filter(|given| kind.lengths.allow(*given))
            .ok_or(Error::AttributeValue { attribute, reason: "not a length this type of key can have" }),
        None => match kind.lengths.only() {
            Some(only) => Ok(only),
            None if needed => Err(Error::TemplateIncomplete(attribute)),
            None => Err(Error::TemplateInconsistent { attribute, reason: "the key has no length" }),
        },
    }
}

fn fill_key(kind: &Kind, value: &mut SecretBytes, random: &dyn Source) -> Result<(), Error> {
    loop {
        random.fill(value.expose_mut())?;
        match kind.subtype {
            Some(CKK_DES | CKK_DES2 | CKK_DES3) => {
                cipher::des::odd_parity(value.expose_mut());
                if cipher::des::is_weak(value.expose()) {
                    continue;
                }
            }
            Some(CKK_AES_XTS) if equal_halves(value.expose()) => continue,
            _ => {}
        }
        return Ok(());
    }
}

/// The check value an object gets: computed, compared with a given one, or none where an empty one is given.
fn check_value(kind: &Kind, template: &Template<'_>, material: Option<&Material>) -> Result<Option<[u8; 3]>, Error> {
    if kind.rule(CKA_CHECK_VALUE).is_none() {
        return Ok(None);
    }
    let given = template.bytes(CKA_CHECK_VALUE);
    if given.is_some_and(<[u8]>::is_empty) {
        return Ok(None);
    }
    let computed = match (material, kind.subtype) {
        (Some(material), Some(key_type)) => material.check_value(key_type)?,
        _ => match template.bytes(CKA_VALUE) {
            Some(certificate) if !certificate.is_empty() => {
                let mut digest = [0; 20];
                hash::digest(hash::Algorithm::Sha1, certificate, &mut digest)?;
                let [a, b, c, ..] = digest;
                Some([a, b, c])
            }
            _ => None,
        },
    };
    match (given, computed) {
        (Some(given), Some(computed)) if given != computed => Err(Error::AttributeValue {
            attribute: AttributeType(CKA_CHECK_VALUE),
            reason: "not the check value of this value",
        }),
        // A type of key without a check value ignores one (PKCS#11 3.2 §4.10.2).
        (Some(_), None) if material.is_none() => Err(Error::AttributeValue {
            attribute: AttributeType(CKA_CHECK_VALUE),
            reason: "there is no value to check it against",
        }),
        (_, computed) => Ok(computed),
    }
}

/// PKCS#11 3.2 §4.6.3: the value may only be missing where a URL and both hashes say where it is.
fn check_certificate(template: &Template<'_>) -> Result<(), Error> {
    let given = |attribute| template.bytes(attribute).is_some_and(|bytes| !bytes.is_empty());
    let needed = if given(CKA_URL) {
        [CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CKA_HASH_OF_ISSUER_PUBLIC_KEY].into_iter().find(|attribute| !given(*attribute))
    } else {
        (!given(CKA_VALUE)).then_some(CKA_VALUE)
    };
    match needed {
        Some(attribute) => Err(Error::TemplateIncomplete(AttributeType(attribute))),
        None => Ok(()),
    }
}
