//! How an object becomes another: attributes set (`C_SetAttributeValue`) or overridden in a copy (`C_CopyObject`).
//! Either way attributes only get stronger, and the key material stays the same.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cryptoki_sys::{CKA_CHECK_VALUE, CKA_PRIVATE, CKA_PUBLIC_KEY_INFO, CKA_TRUSTED, CKO_CERTIFICATE};
use strongroom_crypto::random::Source;

use super::birth::{check_authentication, check_dates, check_public_key_info, kept_value, new_unique_id, valid_rule};
use super::codec::damaged;
use super::purpose::Purposes;
use super::schema::{CHANGEABLE, COPY_CHANGEABLE, OFFICER_TRUE, STICKY_FALSE, STICKY_TRUE};
use super::{Object, Ownership, Sharees, UserId, birth::Maker};
use crate::attribute::{AttributeType, CKA_SR_SHARED_WITH, Entry, Flag, Given, Template};
use crate::error::Error;

/// `object` with the attributes of `template` (PKCS#11 3.2 §5.7.6): all of them or none.
///
/// # Errors
/// [`Error::Prohibited`] for an object that is not modifiable, and for a trusted certificate (§4.6.2); the attribute's
/// own error otherwise.
pub fn set(object: &Object, template: &Template<'_>, officer: bool) -> Result<Object, Error> {
    allowed(object)?;
    if object.kind.class == CKO_CERTIFICATE && object.has(Flag::Trusted) {
        return Err(Error::Prohibited("a trusted certificate is not modifiable (CKA_TRUSTED)"));
    }
    // An officer trusted the key to do what it does, and nothing else: what it wrapped would come out by what it
    // learns.
    let changes = |entry: &Entry<'_>| matches!(entry.value, Given::Flag(flag, value) if value != object.has(flag));
    if is_trusted_key(object)
        && let Some(entry) = template.entries().iter().find(|entry| changes(entry))
    {
        return Err(match entry.attribute {
            attribute @ AttributeType(CKA_TRUSTED) => Error::AttributeReadOnly(attribute),
            _ => Error::Prohibited("what a trusted key may do cannot be changed (CKA_TRUSTED)"),
        });
    }
    let mut changed = object.duplicate();
    // The one change of a key's check value is to destroy it (PKCS#11 3.2 §4.10.2).
    let emptied = object.kind.is_secret() && template.bytes(CKA_CHECK_VALUE).is_some_and(<[u8]>::is_empty);
    if emptied {
        changed.fields.retain(|(which, _)| *which != CKA_CHECK_VALUE);
        changed.apply(&template.without(CKA_CHECK_VALUE), CHANGEABLE, officer)?;
    } else {
        changed.apply(template, CHANGEABLE, officer)?;
    }
    changed.version = next_version(object)?;
    Ok(changed)
}

/// Whether the object's attributes may be changed at all.
///
/// # Errors
/// [`Error::Prohibited`].
pub fn allowed(object: &Object) -> Result<(), Error> {
    let refusal = Error::Prohibited("the object is not modifiable (CKA_MODIFIABLE)");
    if object.has(Flag::Modifiable) { Ok(()) } else { Err(refusal) }
}

/// A copy of `object` with the attributes of `template` (PKCS#11 3.2 §5.7.2). It has no number yet, and belongs to the
/// maker.
///
/// # Errors
/// [`Error::Prohibited`] for an object that is not copyable, the attribute's own error otherwise.
pub fn copy(object: &Object, template: &Template<'_>, maker: &Maker<'_>) -> Result<Object, Error> {
    if !object.has(Flag::Copyable) {
        return Err(Error::Prohibited("the object is not copyable (CKA_COPYABLE)"));
    }
    if is_trusted_key(object) {
        return Err(Error::Prohibited("a trusted key has no copies (CKA_TRUSTED)"));
    }
    if template.flag(Flag::Trusted) == Some(true) && !maker.officer {
        return Err(Error::AttributeReadOnly(AttributeType(CKA_TRUSTED)));
    }
    if object.has(Flag::Private) && template.flag(Flag::Private) == Some(false) {
        let attribute = AttributeType(CKA_PRIVATE);
        return Err(Error::TemplateInconsistent { attribute, reason: "a private object has no public copy" });
    }
    let mut copy = object.duplicate();
    copy.apply(template, CHANGEABLE | COPY_CHANGEABLE, maker.officer)?;
    // Trust was given to the original, by an officer who did not see this copy.
    if template.flag(Flag::Trusted).is_none() {
        copy.flags.set(Flag::Trusted, false);
    }
    copy.number = 0;
    copy.version = 1;
    copy.unique_id = new_unique_id(maker.random)?;
    copy.ownership = maker.ownership;
    copy.borrowed = false;
    copy.session = (!copy.has(Flag::Token)).then_some(maker.session);
    let leaves_the_token = !copy.has(Flag::Token) && copy.kind.is_secret();
    copy.origin = object.number_in_token().filter(|_| leaves_the_token);
    check_authentication(&copy)?;
    Ok(copy)
}

/// `object`, shared with `user` too.
///
/// # Errors
/// [`Error::AttributeValue`] for one user too many, and for one who has it already.
pub fn shared(object: &Object, user: UserId) -> Result<Object, Error> {
    let attribute = AttributeType(CKA_SR_SHARED_WITH);
    if object.ownership.is_associated(user) {
        return Err(Error::AttributeValue { attribute, reason: "the user owns or shares the key already" });
    }
    let sharees = object.ownership.sharees.with(user);
    let reason = "at most 8 users share a key, its owner among them";
    shared_with(object, sharees.ok_or(Error::AttributeValue { attribute, reason })?)
}

/// `object`, no longer shared with `user`.
///
/// # Errors
/// [`Error::AttributeValue`] for a user who does not share it; [`Error::Prohibited`] where fewer users would be left
/// than must approve.
pub fn unshared(object: &Object, user: UserId) -> Result<Object, Error> {
    let sharees = object.ownership.sharees;
    if !sharees.contains(user) {
        let attribute = AttributeType(CKA_SR_SHARED_WITH);
        return Err(Error::AttributeValue { attribute, reason: "the key is not shared with this user" });
    }
    let changed = shared_with(object, sharees.without(user))?;
    enough_users(&changed.ownership)?;
    Ok(changed)
}

/// `masked`, which was taken out of the token, as it comes in again: shared with these users.
///
/// # Errors
/// [`Error::Prohibited`] where fewer users are left than must approve.
pub(crate) fn unmasked(masked: &Object, sharees: Sharees, random: &dyn Source) -> Result<Object, Error> {
    let mut object = masked.duplicate();
    object.ownership.sharees = sharees;
    object.unique_id = new_unique_id(random)?;
    object.version = 1;
    enough_users(&object.ownership)?;
    Ok(object)
}

fn enough_users(ownership: &Ownership) -> Result<(), Error> {
    match usize::from(ownership.use_approvals.max(ownership.management_approvals)) > ownership.associated() {
        true => Err(Error::Prohibited("fewer users would be left than must approve of the key's use")),
        false => Ok(()),
    }
}

fn shared_with(object: &Object, sharees: Sharees) -> Result<Object, Error> {
    let mut changed = object.duplicate();
    changed.ownership.sharees = sharees;
    changed.version = next_version(object)?;
    Ok(changed)
}

fn next_version(object: &Object) -> Result<u64, Error> {
    object.version.checked_add(1).ok_or_else(|| damaged("an object was changed too often"))
}

fn is_trusted_key(object: &Object) -> bool {
    object.kind.is_key() && object.has(Flag::Trusted)
}

impl Object {
    /// The same object again, sharing the key material.
    pub(crate) fn duplicate(&self) -> Object {
        Object {
            number: self.number,
            version: self.version,
            session: self.session,
            origin: self.origin,
            retired: AtomicBool::new(false),
            kind: self.kind,
            flags: self.flags,
            unique_id: self.unique_id,
            ownership: self.ownership,
            borrowed: self.borrowed,
            fields: self.fields.clone(),
            material: self.material.as_ref().map(Arc::clone),
            public: self.public.as_ref().map(Arc::clone),
        }
    }

    fn apply(&mut self, template: &Template<'_>, allowed: u16, officer: bool) -> Result<(), Error> {
        for entry in template.entries() {
            let attribute = entry.attribute;
            let rule = valid_rule(self.kind, attribute)?;
            if let Given::Flag(flag, value) = entry.value {
                let current = self.has(flag);
                let sticks = (rule.notes & STICKY_TRUE != 0 && current) || (rule.notes & STICKY_FALSE != 0 && !current);
                let needs_officer = rule.notes & OFFICER_TRUE != 0 && value && !officer;
                if rule.notes & allowed == 0 || (value != current && (sticks || needs_officer)) {
                    return Err(Error::AttributeReadOnly(attribute));
                }
                self.flags.set(flag, value);
                continue;
            }
            if rule.notes & allowed == 0 {
                return Err(Error::AttributeReadOnly(attribute));
            }
            if attribute.0 == CKA_PUBLIC_KEY_INFO {
                check_public_key_info(template, &self.fields)?;
                continue;
            }
            self.fields.retain(|(which, _)| *which != attribute.0);
            if let Some(value) = kept_value(self.kind, attribute, &entry.value) {
                let at = self.fields.partition_point(|(which, _)| *which < attribute.0);
                self.fields.insert(at, (attribute.0, value));
            }
        }
        self.flags.remember(Purposes::of(self.flags));
        check_dates(self)
    }
}
