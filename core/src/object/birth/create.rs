//! Objects made from a template that says all.

use cryptoki_sys::*;
use strongroom_crypto::memory::SecretBytes;

use super::{Made, Maker, check_secret, check_template, default_flags, finish, flags_from};
use crate::asymmetric;
use crate::attribute::{AttributeType, Flag, Flags, Template};
use crate::error::Error;
use crate::object::schema::{CREATE_NEEDED, CREATE_NEVER, Kind};
use crate::object::{Material, Object};
use crate::policy::Policy;

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
    let key_type = kind.subtype.unwrap_or_default();
    let made = match kind.class {
        CKO_SECRET_KEY => Made::secret(imported(kind, template.bytes(CKA_VALUE).unwrap_or_default())?),
        CKO_PUBLIC_KEY => Made::public(asymmetric::import_public(key_type, template)?),
        CKO_PRIVATE_KEY => Made::private(asymmetric::import_private(key_type, template)?)?,
        CKO_DOMAIN_PARAMETERS => {
            let fields = asymmetric::import_parameters(key_type, template)?;
            Made { fields, ..Made::default() }
        }
        CKO_CERTIFICATE => {
            check_certificate(template)?;
            Made::default()
        }
        _ => Made::default(),
    };
    finish(kind, created_flags(kind, template, maker.policy), template, made, None, maker)
}

/// A secret key of the session can be read again where the template is silent. Its maker has the value already, and
/// programs that compute with secrets in the clear (pkcs11-provider's HKDF) make them so and read what they derive.
fn created_flags(kind: &Kind, template: &Template<'_>, policy: Policy) -> Flags {
    let mut flags = default_flags(kind, template, policy);
    if kind.class == CKO_SECRET_KEY && template.flag(Flag::Token) != Some(true) {
        flags.set(Flag::Sensitive, false);
        flags.set(Flag::Extractable, true);
    }
    flags_from(kind, flags, template, policy)
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

fn imported(kind: &Kind, value: &[u8]) -> Result<Material, Error> {
    check_secret(kind, value)
        .map_err(|reason| Error::AttributeValue { attribute: AttributeType(CKA_VALUE), reason })?;
    Ok(Material::new(SecretBytes::from_slice(value)?))
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
