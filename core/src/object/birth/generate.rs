//! Objects generated here.

use cryptoki_sys::*;
use strongroom_crypto::cipher;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;

use super::{Made, Maker, check_kind, check_template, equal_halves, finish, initial_flags, pair_flags};
use crate::asymmetric;
use crate::attribute::{AttributeType, Flag, Template};
use crate::error::Error;
use crate::object::schema::{GENERATE_NEEDED, GENERATE_NEVER, Kind};
use crate::object::{Material, Object};

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
    check_kind(kind, template)?;
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
    let mut flags = initial_flags(kind, template, maker.policy);
    flags.set(Flag::Local, true);
    flags.set(Flag::AlwaysSensitive, flags.has(Flag::Sensitive));
    flags.set(Flag::NeverExtractable, !flags.has(Flag::Extractable));
    finish(kind, flags, template, Made::secret(Material::new(value)), Some(mechanism), maker)
}

/// Generates a key pair (`C_GenerateKeyPair`, PKCS#11 3.2 §5.18.2): the public half and the private one. They have no
/// numbers yet.
///
/// # Errors
/// The templates': see [`Error`].
pub(crate) fn generate_pair(
    key_type: u64,
    mechanism: u64,
    public: &Template<'_>,
    private: &Template<'_>,
    maker: &Maker<'_>,
) -> Result<(Object, Object), Error> {
    let half = |class| Kind::find(class, Some(key_type)).ok_or(Error::NotSupported);
    let (public_kind, private_kind) = (half(CKO_PUBLIC_KEY)?, half(CKO_PRIVATE_KEY)?);
    for (kind, template) in [(public_kind, public), (private_kind, private)] {
        check_kind(kind, template)?;
        check_template(kind, template, maker, GENERATE_NEVER)?;
        if let Some(missing) =
            kind.rules().find(|rule| rule.notes & GENERATE_NEEDED != 0 && template.find(rule.attribute).is_none())
        {
            return Err(Error::TemplateIncomplete(AttributeType(missing.attribute)));
        }
    }
    let pair = asymmetric::generate(key_type, public, private)?;
    let [mut flags, private_flags] = pair_flags([(public_kind, public), (private_kind, private)], maker.policy);
    flags.set(Flag::Local, true);
    let public = finish(public_kind, flags, public, Made::public(pair.public), Some(mechanism), maker)?;
    let mut flags = private_flags;
    flags.set(Flag::Local, true);
    flags.set(Flag::AlwaysSensitive, flags.has(Flag::Sensitive));
    flags.set(Flag::NeverExtractable, !flags.has(Flag::Extractable));
    let private = finish(private_kind, flags, private, Made::private(pair.private)?, Some(mechanism), maker)?;
    Ok((public, private))
}

/// Generates domain parameters (PKCS#11 3.2 §6.2.7, §6.4.9). They have no number yet.
///
/// # Errors
/// The template's: see [`Error`].
pub(crate) fn generate_parameters(key_type: u64, template: &Template<'_>, maker: &Maker<'_>) -> Result<Object, Error> {
    let kind = Kind::find(CKO_DOMAIN_PARAMETERS, Some(key_type)).ok_or(Error::NotSupported)?;
    check_kind(kind, template)?;
    check_template(kind, template, maker, GENERATE_NEVER)?;
    let fields = asymmetric::generate_parameters(key_type, template)?;
    let mut flags = initial_flags(kind, template, maker.policy);
    flags.set(Flag::Local, true);
    finish(kind, flags, template, Made { fields, ..Made::default() }, None, maker)
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
