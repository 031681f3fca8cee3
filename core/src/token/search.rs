//! Searching token objects by keyed tags: the store holds short codes of attribute values, never the values, and a
//! search costs one index look-up however many objects there are.

use std::ops::ControlFlow;
use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_crypto::kdf::TagKey;

use super::layout::{self, TAG_BYTES};
use super::objects::OBJECT_NUMBER_MAX;
use super::{Login, Token};
use crate::access::{Action, check};
use crate::attribute::{Flag, Given, Template};
use crate::error::Error;
use crate::object::{AttributeValue, Object};
use crate::seal::{Envelope, Role};

type Tag = [u8; TAG_BYTES];

/// The attributes that have tags, the most telling first.
const TAGGED: &[u64] = &[
    CKA_UNIQUE_ID,
    CKA_ID,
    CKA_LABEL,
    CKA_SERIAL_NUMBER,
    CKA_SUBJECT,
    CKA_ISSUER,
    CKA_OBJECT_ID,
    CKA_APPLICATION,
    CKA_KEY_TYPE,
    CKA_CLASS,
];

impl Token {
    /// The numbers of the objects that match `template` and that `viewer` may see, in ascending order.
    ///
    /// # Errors
    /// The store's. An object that was tampered with is no match; reading it by number says what is wrong.
    pub fn search(&self, template: &Template<'_>, viewer: Option<&Login>) -> Result<Vec<u64>, Error> {
        let mut candidates = match self.template_tags(template, viewer)? {
            Some(tags) => self.tagged(&tags)?,
            None => self.visible(viewer)?,
        };
        candidates.sort_unstable();
        candidates.dedup();
        let mut found = Vec::new();
        for number in candidates {
            match self.object(number, viewer) {
                Ok(object) if check(Action::See, actor(viewer), &object).is_ok() && object.matches(template) => {
                    found.push(number);
                }
                Ok(_) | Err(Error::NoObject(_) | Error::Damaged(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// How many objects the token holds, whoever they belong to.
    ///
    /// # Errors
    /// The store's.
    pub fn object_count(&self) -> Result<u64, Error> {
        let mut count = 0;
        self.store.scan(layout::OBJECTS, None, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// The tags under which `object` is found. Those of a private object are keyed with a secret of the token's users.
    pub(super) fn tags(&self, object: &Object, owner: Option<&Login>) -> Result<Vec<Tag>, Error> {
        let values = TAGGED.iter().filter_map(|attribute| Some((*attribute, object.inner_attribute(*attribute)?)));
        if object.has(Flag::Private) {
            let keys = &owner.ok_or(Error::NotLoggedIn)?.keys;
            return Ok(values.filter_map(|(attribute, value)| value_tag(keys.tags(), attribute, value)).collect());
        }
        self.refresh()?;
        let current = self.current.read();
        Ok(values.filter_map(|(attribute, value)| value_tag(&current.public_tags, attribute, value)).collect())
    }

    /// The key of public search tags.
    pub(super) fn public_tags(&self) -> Result<Arc<TagKey>, Error> {
        self.refresh()?;
        Ok(Arc::clone(&self.current.read().public_tags))
    }

    /// The tags of the template's most telling attribute: the public one, and the private one for a user.
    fn template_tags(&self, template: &Template<'_>, viewer: Option<&Login>) -> Result<Option<Vec<Tag>>, Error> {
        let telling = TAGGED.iter().find_map(|attribute| {
            let value = match template.find(*attribute)? {
                Given::Ulong(number) => AttributeValue::Ulong(*number),
                Given::Bytes(bytes) if !bytes.is_empty() => AttributeValue::Bytes(bytes),
                _ => return None,
            };
            Some((*attribute, value))
        });
        let Some((attribute, value)) = telling else { return Ok(None) };
        self.refresh()?;
        let current = self.current.read();
        let private = viewer.filter(|viewer| viewer.role == Role::User).map(|viewer| viewer.keys.tags());
        let keys = [Some(&*current.public_tags), private];
        Ok(Some(keys.into_iter().flatten().filter_map(|key| value_tag(key, attribute, value)).collect()))
    }

    fn tagged(&self, tags: &[Tag]) -> Result<Vec<u64>, Error> {
        let mut numbers = Vec::new();
        for tag in tags {
            self.store.scan(&layout::tag_prefix(tag), None, &mut |key, _| {
                numbers.extend(layout::tagged_number(key).filter(possible));
                ControlFlow::Continue(())
            })?;
        }
        Ok(numbers)
    }

    /// All objects whose envelope lets `viewer` see them.
    fn visible(&self, viewer: Option<&Login>) -> Result<Vec<u64>, Error> {
        let user = viewer.filter(|viewer| viewer.role == Role::User).map(|viewer| viewer.user);
        let mut numbers = Vec::new();
        self.store.scan(layout::OBJECTS, None, &mut |key, record| {
            if let (Some(number), Ok(envelope)) = (layout::object_number(key).filter(possible), Envelope::read(record))
                && (envelope.is_public() || user.is_some_and(|user| envelope.ownership.is_associated(user)))
            {
                numbers.push(number);
            }
            ControlFlow::Continue(())
        })?;
        Ok(numbers)
    }
}

/// Whether a token object has this number, whatever an editor of the files wrote.
fn possible(number: &u64) -> bool {
    (1..=OBJECT_NUMBER_MAX).contains(number)
}

fn actor(viewer: Option<&Login>) -> crate::access::Actor {
    viewer.map_or(crate::access::Actor::Anonymous, Login::actor)
}

pub(super) fn value_tag(key: &TagKey, attribute: u64, value: AttributeValue<'_>) -> Option<Tag> {
    let attribute = attribute.to_le_bytes();
    let code = match value {
        AttributeValue::Ulong(number) => key.tag(&[&attribute, &number.to_le_bytes()]),
        AttributeValue::Bytes(bytes) if !bytes.is_empty() => key.tag(&[&attribute, bytes]),
        _ => return None,
    };
    code.first_chunk::<TAG_BYTES>().copied()
}
