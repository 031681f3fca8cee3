//! Who an object belongs to, who else may use it, and whose approval that takes.

use cryptoki_sys::{CKO_PRIVATE_KEY, CKO_SECRET_KEY};

use crate::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, Flag, Flags, Given, Template,
};
use crate::error::Error;
use crate::limits::KEY_USERS_MAX;

/// The number of a user of a token; 0 is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(pub u32);

impl UserId {
    /// Nobody: the owner of what was made before any login.
    pub const NOBODY: UserId = UserId(0);
}

/// Who owns an object, who shares it, and how many approvals it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The user who made it.
    pub owner: UserId,
    /// Approvals needed for each use (0: none).
    pub use_approvals: u8,
    /// Approvals needed to share, unshare, change, wrap or destroy it, and to wrap and unwrap with it (0: none).
    pub management_approvals: u8,
    /// The users who may use it besides its owner.
    pub sharees: Sharees,
}

/// What tells a user's keys from those of anybody else who is given the number, by whoever writes the files.
pub type KeysId = [u8; 16];

/// The users a key is shared with, ascending, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sharees {
    users: [u64; KEY_USERS_MAX - 1],
    /// Of each of them; none of those who were only named.
    keys: [Option<KeysId>; KEY_USERS_MAX - 1],
    count: usize,
}

impl Ownership {
    /// What belongs to `owner` alone.
    pub const fn of(owner: UserId) -> Ownership {
        Ownership { owner, use_approvals: 0, management_approvals: 0, sharees: Sharees::NONE }
    }

    /// Whether the user owns or shares it, and so may approve of its use.
    pub fn is_associated(&self, user: UserId) -> bool {
        user != UserId::NOBODY && (self.owner == user || self.sharees.contains(user))
    }

    /// Whether the user who has these keys owns or shares it. That an owner is the same was seen when the object was
    /// opened.
    pub fn is_associated_by(&self, user: UserId, keys: &KeysId) -> bool {
        user != UserId::NOBODY && (self.owner == user || self.sharees.keys_of(user) == Some(keys))
    }

    /// How many users own or share it.
    pub fn associated(&self) -> usize {
        1 + self.sharees.as_numbers().len()
    }

    /// The ownership that `template` asks for of a new object of `class` with these flags.
    ///
    /// # Errors
    /// [`Error::AttributeValue`] for too many users or approvals, [`Error::TemplateInconsistent`] for sharing what
    /// cannot be shared.
    pub(crate) fn asked(self, class: u64, flags: Flags, template: &Template<'_>) -> Result<Ownership, Error> {
        let approvals = |attribute| -> Result<u8, Error> {
            let number = template.ulong(attribute).unwrap_or(0);
            let possible = u8::try_from(number).ok().filter(|number| usize::from(*number) <= KEY_USERS_MAX);
            let attribute = AttributeType(attribute);
            possible.ok_or(Error::AttributeValue { attribute, reason: "at most 8 users approve" })
        };
        let sharees = match template.find(CKA_SR_SHARED_WITH) {
            Some(Given::Mechanisms(users)) => Sharees::of(users, self.owner)?,
            _ => Sharees::NONE,
        };
        let asked = Ownership {
            owner: self.owner,
            use_approvals: approvals(CKA_SR_USE_APPROVALS)?,
            management_approvals: approvals(CKA_SR_MANAGEMENT_APPROVALS)?,
            sharees,
        };
        let (attribute, most) = match asked.use_approvals >= asked.management_approvals {
            true => (CKA_SR_USE_APPROVALS, asked.use_approvals),
            false => (CKA_SR_MANAGEMENT_APPROVALS, asked.management_approvals),
        };
        if usize::from(most) > asked.associated() {
            return Err(Error::AttributeValue {
                attribute: AttributeType(attribute),
                reason: "more approvals than users who own or share the key",
            });
        }
        let plain = asked == Ownership::of(self.owner);
        let kept = flags.has(Flag::Token) && flags.has(Flag::Private);
        let can_be_shared = kept && matches!(class, CKO_SECRET_KEY | CKO_PRIVATE_KEY);
        if !plain && !can_be_shared {
            let attribute = AttributeType(if most == 0 { CKA_SR_SHARED_WITH } else { attribute });
            return Err(Error::TemplateInconsistent { attribute, reason: "only private keys in the token are shared" });
        }
        Ok(asked)
    }
}

impl Sharees {
    /// Nobody.
    pub const NONE: Sharees = Sharees { users: [0; KEY_USERS_MAX - 1], keys: [None; KEY_USERS_MAX - 1], count: 0 };

    /// These users, who are not `owner`.
    ///
    /// # Errors
    /// [`Error::AttributeValue`] for too many of them, one named twice, and the owner.
    pub fn of(users: &[u64], owner: UserId) -> Result<Sharees, Error> {
        let invalid = |reason| Error::AttributeValue { attribute: AttributeType(CKA_SR_SHARED_WITH), reason };
        let mut sharees = Sharees::NONE;
        for user in users {
            let user = u32::try_from(*user).map(UserId).ok().filter(|user| *user != UserId::NOBODY);
            let user = user.ok_or(invalid("no user has such a number"))?;
            if user == owner {
                return Err(invalid("a key is not shared with its owner"));
            }
            if sharees.contains(user) {
                return Err(invalid("a user is named twice"));
            }
            sharees = sharees.with(user).ok_or(invalid("at most 8 users share a key, its owner among them"))?;
        }
        Ok(sharees)
    }

    /// The same and `user`, whose keys nobody looked at yet; nothing where there is no room.
    pub fn with(self, user: UserId) -> Option<Sharees> {
        self.and(user, None)
    }

    /// The same and the user with these keys; nothing where there is no room.
    pub fn with_keys(self, user: UserId, keys: KeysId) -> Option<Sharees> {
        self.and(user, Some(keys))
    }

    fn and(mut self, user: UserId, keys: Option<KeysId>) -> Option<Sharees> {
        let number = u64::from(user.0);
        let at = self.as_numbers().partition_point(|other| *other < number);
        let end = self.count + 1;
        self.users.get_mut(at..end)?.rotate_right(1);
        self.keys.get_mut(at..end)?.rotate_right(1);
        *self.users.get_mut(at)? = number;
        *self.keys.get_mut(at)? = keys;
        self.count = end;
        Some(self)
    }

    /// The same without `user`.
    pub fn without(self, user: UserId) -> Sharees {
        self.iter()
            .filter(|sharee| *sharee != user)
            .fold(Sharees::NONE, |rest, sharee| rest.and(sharee, self.keys_of(sharee).copied()).unwrap_or(rest))
    }

    /// What tells the keys of this one of them, where that is known.
    pub fn keys_of(&self, user: UserId) -> Option<&KeysId> {
        let at = self.as_numbers().binary_search(&u64::from(user.0)).ok()?;
        self.keys.get(at)?.as_ref()
    }

    /// Whether the user is among them.
    pub fn contains(&self, user: UserId) -> bool {
        self.as_numbers().binary_search(&u64::from(user.0)).is_ok()
    }

    /// The users, ascending.
    pub fn iter(&self) -> impl Iterator<Item = UserId> {
        self.as_numbers().iter().map(|user| UserId(*user as u32))
    }

    /// Their numbers, ascending.
    pub fn as_numbers(&self) -> &[u64] {
        self.users.get(..self.count).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharees_are_few_distinct_and_in_order() {
        let owner = UserId(3);
        let numbers = |users: &[u64]| Sharees::of(users, owner).map(|sharees| sharees.as_numbers().to_vec());
        assert_eq!(numbers(&[9, 4, 5]).unwrap(), [4, 5, 9]);
        assert_eq!(numbers(&[10, 9, 8, 7, 6, 5, 4]).unwrap().len(), 7);
        for refused in [&[3][..], &[4, 4], &[0], &[1 << 32], &[11, 10, 9, 8, 7, 6, 5, 4]] {
            assert!(matches!(numbers(refused), Err(Error::AttributeValue { .. })), "{refused:?}");
        }
        let three = Sharees::of(&[4, 5, 9], owner).unwrap();
        assert_eq!(three.without(UserId(5)).as_numbers(), [4, 9]);
        assert_eq!(three.without(UserId(6)), three);
        let known = three.without(UserId(4)).with_keys(UserId(4), [4; 16]).unwrap().with(UserId(1)).unwrap();
        assert_eq!(known.as_numbers(), [1, 4, 5, 9]);
        assert_eq!([1, 4, 5, 9, 3].map(|user| known.keys_of(UserId(user))), [None, Some(&[4; 16]), None, None, None]);
        let fewer = Ownership { sharees: known.without(UserId(1)), ..Ownership::of(owner) };
        assert!(fewer.is_associated_by(UserId(4), &[4; 16]) && fewer.is_associated_by(owner, &[9; 16]));
        assert!(!fewer.is_associated_by(UserId(4), &[5; 16]) && !fewer.is_associated_by(UserId(5), &[0; 16]));
        assert!(three.contains(UserId(9)) && !three.contains(UserId(3)) && !three.contains(UserId(0)));
    }
}
