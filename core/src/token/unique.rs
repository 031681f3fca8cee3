//! Keys whose identifier no other key of the token has, whoever that belongs to: CloudHSM's rule for `-id`. PKCS#11 has no
//! such rule, so it holds for those who ask for it.

use std::ops::ControlFlow;

use cryptoki_sys::{CKA_CLASS, CKA_ID, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};

use super::layout::{self, TAG_BYTES};
use super::search::value_tag;
use super::{Login, Token};
use crate::attribute::{AttributeType, Entry, Given, Template};
use crate::error::Error;
use crate::object::{AttributeValue, Object};
use crate::store::{Aborted, Transaction};

/// What must not be in the token when new keys come in.
#[derive(Default)]
pub(super) struct UniqueIds {
    tags: Vec<[u8; TAG_BYTES]>,
    /// Keys of the owner's that may have the same: the other halves of pairs.
    halves: Vec<u64>,
}

impl Token {
    /// What to look for so that the identifiers of these new keys are their own.
    pub(super) fn unique_ids(&self, objects: &[Object], owner: Option<&Login>) -> Result<UniqueIds, Error> {
        let mut unique = UniqueIds::default();
        let public = self.public_tags()?;
        for object in objects.iter().filter(|object| object.kind.is_key()) {
            let Some(id @ AttributeValue::Bytes(bytes)) = object.inner_attribute(CKA_ID) else { continue };
            let keys = [Some(&*public), owner.map(|owner| owner.keys.tags())];
            unique.tags.extend(keys.into_iter().flatten().filter_map(|key| value_tag(key, CKA_ID, id)));
            let other = match object.kind.class {
                CKO_PUBLIC_KEY => CKO_PRIVATE_KEY,
                CKO_PRIVATE_KEY => CKO_PUBLIC_KEY,
                _ => continue,
            };
            let entry = |attribute, value| Entry { attribute: AttributeType(attribute), value };
            let half = [entry(CKA_ID, Given::Bytes(bytes)), entry(CKA_CLASS, Given::Ulong(other))];
            for number in self.search(&Template::from_entries(half.into()), owner)? {
                if self.object(number, owner)?.ownership.owner == object.ownership.owner {
                    unique.halves.push(number);
                }
            }
        }
        Ok(unique)
    }
}

impl UniqueIds {
    /// Whether the token has none of them.
    ///
    /// # Errors
    /// [`Error::IdTaken`].
    pub(super) fn expect(&self, transaction: &mut dyn Transaction) -> Result<(), Aborted> {
        let mut taken = None;
        for tag in &self.tags {
            transaction.scan(&layout::tag_prefix(tag), None, &mut |key, _| {
                let other = layout::tagged_number(key).filter(|number| !self.halves.contains(number));
                taken = taken.or(other);
                if taken.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
        }
        taken.map_or(Ok(()), |number| Err(Error::IdTaken(number).into()))
    }
}
