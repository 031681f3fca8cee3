//! Keys whose identifier no other key of the token has, whoever that belongs to: CloudHSM's rule for `-id`. PKCS#11 has
//! no such rule, so it holds for those who ask for it.

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
    keys: Vec<NewKey>,
}

struct NewKey {
    tags: Vec<[u8; TAG_BYTES]>,
    /// Keys of the owner's that may have the same: other halves of its pair.
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
            let tags = keys.into_iter().flatten().filter_map(|key| value_tag(key, CKA_ID, id)).collect();
            let halves = self.other_halves(object, bytes, owner)?;
            unique.keys.push(NewKey { tags, halves });
        }
        Ok(unique)
    }

    fn other_halves(&self, key: &Object, id: &[u8], owner: Option<&Login>) -> Result<Vec<u64>, Error> {
        let other = match key.kind.class {
            CKO_PUBLIC_KEY => CKO_PRIVATE_KEY,
            CKO_PRIVATE_KEY => CKO_PUBLIC_KEY,
            _ => return Ok(Vec::new()),
        };
        let entry = |attribute, value| Entry { attribute: AttributeType(attribute), value };
        let half = vec![entry(CKA_ID, Given::Bytes(id)), entry(CKA_CLASS, Given::Ulong(other))];
        let mut halves = self.search(&Template::from_entries(half), owner)?;
        let mut trouble = None;
        halves.retain(|number| match self.object(*number, owner) {
            Ok(half) => half.ownership.owner == key.ownership.owner,
            Err(error) => {
                trouble = Some(error);
                false
            }
        });
        trouble.map_or(Ok(halves), Err)
    }
}

impl UniqueIds {
    /// Whether the token has none of them.
    ///
    /// # Errors
    /// [`Error::IdTaken`].
    pub(super) fn expect(&self, transaction: &mut dyn Transaction) -> Result<(), Aborted> {
        let mut taken = None;
        for NewKey { tags, halves } in &self.keys {
            for tag in tags {
                transaction.scan(&layout::tag_prefix(tag), None, &mut |key, _| {
                    let other = layout::tagged_number(key).filter(|number| !halves.contains(number));
                    taken = taken.or(other);
                    if taken.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
            }
        }
        taken.map_or(Ok(()), |number| Err(Error::IdTaken(number).into()))
    }
}
