//! How objects come to be. Every way ends in one place, `finish`, which applies what must hold for all objects.
//!
//! | module | ways |
//! | --- | --- |
//! | `create` | from a template that says all |
//! | `generate` | secret keys, pairs, domain parameters made here |
//! | `transport` | keys that came wrapped, encapsulated, or out of a derivation |

mod create;
mod generate;
mod inheritance;
mod transport;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cryptoki_sys::*;
use strongroom_crypto::random::Source;
use strongroom_crypto::{cipher, hash, memory};

use super::purpose::Purposes;
use super::schema::{Default, Kind, OFFICER_TRUE, Rule};
use super::{Material, Object, Ownership};
use crate::asymmetric::{self, PrivateHalf, PublicHalf, PublicKey};
use crate::attribute::{AttributeType, Flag, Flags, Given, Template, Value};
use crate::error::Error;
use crate::policy::{Policy, strict};

pub use crate::asymmetric::{private_key_entries, public_key_entries};
pub use create::create;
pub use generate::generate_secret;
pub(crate) use generate::{generate_pair, generate_parameters};
pub(crate) use inheritance::{Inheritance, check_tellings, hides, is_telling};
pub(crate) use transport::{
    Target, data, derived, merged, of_password, public_from_private, unwrapped_private, unwrapped_secret,
};

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
    /// The token's policy, which says what keys do where their template is silent.
    pub policy: Policy,
    /// Random numbers.
    pub random: &'a dyn Source,
}

/// What a new object has besides what its template says.
#[derive(Default)]
struct Made {
    /// Attributes, which go before the template's.
    fields: Vec<(u64, Value)>,
    material: Option<Material>,
    public: Option<PublicKey>,
}

impl Made {
    fn secret(material: Material) -> Made {
        Made { material: Some(material), ..Made::default() }
    }

    fn public(half: PublicHalf) -> Made {
        Made { fields: half.fields, material: None, public: Some(half.key) }
    }

    fn private(half: PrivateHalf) -> Result<Made, Error> {
        let secrets: Vec<(u64, &[u8])> = half.secrets.iter().map(|(which, part)| (*which, part.expose())).collect();
        let material = Material::of_parts(&secrets, half.key)?;
        Ok(Made { fields: half.fields, material: Some(material), public: None })
    }
}

/// What holds for every new object: defaults, dates, the check value, a unique id.
fn finish(
    kind: &'static Kind,
    mut flags: Flags,
    template: &Template<'_>,
    made: Made,
    mechanism: Option<u64>,
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    let mut fields = Vec::with_capacity(template.entries().len() + made.fields.len() + 2);
    for entry in template.entries() {
        if let Some(value) = kept_value(kind, entry.attribute, &entry.value) {
            fields.push((entry.attribute.0, value));
        }
    }
    if let Some(mechanism) = mechanism {
        fields.push((CKA_KEY_GEN_MECHANISM, Value::Ulong(mechanism)));
    }
    check_public_key_info(template, &made.fields)?;
    let check_value = check_value(kind, template, &made)?;
    fields.retain(|(attribute, _)| {
        *attribute != CKA_CHECK_VALUE && made.fields.iter().all(|(which, _)| which != attribute)
    });
    fields.extend(check_value.map(|value| (CKA_CHECK_VALUE, Value::Bytes(Box::new(value)))));
    fields.extend(made.fields);
    fields.sort_unstable_by_key(|(attribute, _)| *attribute);
    flags.remember(Purposes::of(flags));
    let public = kind.public_place();
    if let (Some(place), Some(key)) = (&public, made.public) {
        let _ = place.set(key);
    }
    let object = Object {
        number: 0,
        version: 1,
        session: (!flags.has(Flag::Token)).then_some(maker.session),
        origin: None,
        retired: AtomicBool::new(false),
        kind,
        flags,
        unique_id: new_unique_id(maker.random)?,
        ownership: maker.ownership.asked(kind.class, flags, template)?,
        borrowed: false,
        fields,
        material: made.material.map(Arc::new),
        public,
    };
    check_dates(&object)?;
    check_authentication(&object)?;
    Ok(object)
}

/// A public key info that was given must be that of the key (PKCS#11 3.2 §4.9).
pub(super) fn check_public_key_info(template: &Template<'_>, fields: &[(u64, Value)]) -> Result<(), Error> {
    let Some(given) = template.bytes(CKA_PUBLIC_KEY_INFO).filter(|given| !given.is_empty()) else { return Ok(()) };
    let own = fields.iter().find(|(attribute, _)| *attribute == CKA_PUBLIC_KEY_INFO);
    match own {
        Some((_, Value::Bytes(own))) if **own != *given => {
            Err(Error::AttributeValue { attribute: AttributeType(CKA_PUBLIC_KEY_INFO), reason: "not that of this key" })
        }
        _ => Ok(()),
    }
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
    // From a table: a branch for each digit of random bytes is mispredicted half of the time.
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte)]);
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

/// What a new object is.
fn initial_flags(kind: &Kind, template: &Template<'_>, policy: Policy) -> Flags {
    flags_from(kind, default_flags(kind, template, policy), template, policy)
}

/// What a new object is where its template does not say otherwise.
fn default_flags(kind: &Kind, template: &Template<'_>, policy: Policy) -> Flags {
    match policy {
        Policy::Strict => strict::defaults(kind.default_flags, strict::wanted(kind, template)),
        Policy::Standard | Policy::Fips => kind.default_flags,
    }
}

/// What the two halves of a new pair are, public half first. They have their purposes in common.
fn pair_flags(halves: [(&Kind, &Template<'_>); 2], policy: Policy) -> [Flags; 2] {
    let mut flags = halves.map(|(kind, template)| {
        let defaults = match policy {
            Policy::Strict => strict::defaults(kind.default_flags, strict::wanted_of_pair(halves)),
            Policy::Standard | Policy::Fips => kind.default_flags,
        };
        flags_from(kind, defaults, template, policy)
    });
    let purposes = flags.iter().fold(Purposes::default(), |all, half| all.and(Purposes::of(*half)));
    flags.iter_mut().for_each(|half| half.remember(purposes));
    flags
}

fn flags_from(kind: &Kind, mut flags: Flags, template: &Template<'_>, policy: Policy) -> Flags {
    set_given(&mut flags, template);
    if policy == Policy::Strict {
        strict::guard(kind, &mut flags, template);
    }
    flags
}

fn set_given(flags: &mut Flags, template: &Template<'_>) {
    for entry in template.entries() {
        if let Given::Flag(flag, value) = entry.value {
            flags.set(flag, value);
        }
    }
}

/// The check value an object gets: computed, compared with a given one, or none where an empty one is given.
fn check_value(kind: &Kind, template: &Template<'_>, made: &Made) -> Result<Option<[u8; 3]>, Error> {
    if kind.rule(CKA_CHECK_VALUE).is_none() {
        return Ok(None);
    }
    let given = template.bytes(CKA_CHECK_VALUE);
    if given.is_some_and(<[u8]>::is_empty) {
        return Ok(None);
    }
    let computed = match (kind.class, &made.material, kind.subtype) {
        (CKO_PUBLIC_KEY | CKO_PRIVATE_KEY, ..) => asymmetric::check_value(&made.fields)?,
        (_, Some(material), Some(key_type)) => material.check_value(key_type)?,
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
        (Some(_), None) if made.material.is_none() => Err(Error::AttributeValue {
            attribute: AttributeType(CKA_CHECK_VALUE),
            reason: "there is no value to check it against",
        }),
        (_, computed) => Ok(computed),
    }
}

/// Whether a secret key of this kind can have this value; says why not.
fn check_secret(kind: &Kind, value: &[u8]) -> Result<(), &'static str> {
    if !kind.lengths.allow(value.len()) {
        return Err("not a length this type of key can have");
    }
    match kind.subtype {
        Some(CKK_DES | CKK_DES2 | CKK_DES3) if !cipher::des::has_odd_parity(value) => {
            Err("a DES key has odd parity in each byte")
        }
        Some(CKK_AES_XTS) if equal_halves(value) => Err("the two halves of an XTS key must differ"),
        _ => Ok(()),
    }
}

fn equal_halves(value: &[u8]) -> bool {
    value.split_at_checked(value.len() / 2).is_some_and(|(a, b)| memory::constant_time_eq(a, b))
}

/// What the template says of class and type must be what is made.
fn check_kind(kind: &Kind, template: &Template<'_>) -> Result<(), Error> {
    for (attribute, own) in [(CKA_CLASS, Some(kind.class)), (CKA_KEY_TYPE, kind.subtype)] {
        if let Some(given) = template.ulong(attribute)
            && Some(given) != own
        {
            let attribute = AttributeType(attribute);
            return Err(Error::TemplateInconsistent { attribute, reason: "not what the mechanism makes" });
        }
    }
    Ok(())
}
