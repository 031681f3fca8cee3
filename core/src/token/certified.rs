//! Users for whom the authority vouches, kept between uses: whoever shares thousands of keys with a user has the user's
//! certificate verified once.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Meta, Token, layout};
use crate::error::Error;
use crate::object::codec::damaged;
use crate::object::{KeysId, UserId};
use crate::seal::User;

/// The users that were needed, by number.
pub(super) type CertifiedUsers = Mutex<HashMap<UserId, Certified>>;

/// A user's record that was verified.
#[derive(Clone)]
pub(super) struct Certified {
    /// The user.
    pub(super) user: Arc<User>,
    /// What tells the user's keys.
    pub(super) keys_id: KeysId,
    record: Arc<[u8]>,
    /// The token whose authority vouches for it.
    meta: Arc<Meta>,
    /// The generation of the store at which the record was there.
    generation: u64,
}

impl Token {
    /// The user with this number, if there is one. Once anything changed in the store, whoever changed it, the record
    /// is read again: a user who was deleted is gone, and a record that was changed is verified like a new one.
    ///
    /// # Errors
    /// [`Error::Damaged`] where the authority does not vouch for the user; the store's.
    pub(super) fn certified(&self, id: UserId) -> Result<Option<Certified>, Error> {
        // Asked first: what changes from here on makes what is kept below out of date.
        let generation = self.store.generation();
        let meta = self.meta()?;
        let kept = self.certified.lock().get(&id).filter(|kept| kept.meta == meta).cloned();
        if kept.as_ref().is_some_and(|kept| kept.generation == generation) {
            return Ok(kept);
        }
        let Some(record) = self.store.get(&layout::user(id))? else {
            self.certified.lock().remove(&id);
            return Ok(None);
        };
        let certified = match kept.filter(|kept| *kept.record == *record) {
            Some(kept) => Certified { generation, ..kept },
            None => {
                let user = decode(&layout::user(id), &record)?;
                expect_certified(&user, &meta, &layout::user(id))?;
                Certified { keys_id: user.keys_id()?, user: Arc::new(user), record: record.into(), meta, generation }
            }
        };
        self.certified.lock().insert(id, certified.clone());
        Ok(Some(certified))
    }

    /// The key that verifies what a user signed, if the authority vouches for it.
    pub(super) fn verifying_key(&self, id: UserId) -> Result<[u8; 32], Error> {
        let user = self.certified(id)?.ok_or_else(|| damaged("an object belongs to a user who does not exist"))?;
        Ok(user.user.verifying_key)
    }
}

/// Whether the authority vouches for a user's name, role and keys, and the record lies where it belongs.
pub(super) fn expect_certified(user: &User, meta: &Meta, key: &[u8]) -> Result<(), Error> {
    let certified = layout::user(user.id) == key && user.is_certified(&meta.id, &meta.authority);
    if certified { Ok(()) } else { Err(damaged(&format!("{} was changed", whose(key, Some(&user.name))))) }
}

/// A user's record. One that cannot be read says whose it is.
pub(super) fn decode(key: &[u8], record: &[u8]) -> Result<User, Error> {
    User::decode(record).map_err(|error| match error {
        Error::Damaged(what) => Error::Damaged(format!("{} cannot be read: {what}", whose(key, None))),
        other => other,
    })
}

/// Whose record lies under a key, in words for people; the name is what a record says that may be false.
pub(super) fn whose(key: &[u8], name: Option<&str>) -> String {
    let number = layout::user_number(key).map_or_else(String::new, |number| format!(" {}", number.0));
    let name = name.map_or_else(String::new, |name| format!(" ({name:?})"));
    format!("the record of user{number}{name}")
}
