//! Keys that several users use: who they are, the keys between them, and what an officer does about keys that are not
//! his to see: trust them, and say whose they are.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use strongroom_crypto::hash::{self, Algorithm};

use super::audit::{Event, Fact};
use super::certified::Certified;
use super::objects::expect_login;
use super::{Login, Token, layout};
use crate::error::{Error, Sought};
use crate::object::codec::{Writer, damaged};
use crate::object::{Ownership, Sharees, UserId};
use crate::seal::{self, Envelope, PairKey, PairRecord, Role, User};
use crate::store::{Aborted, Transaction};

/// Whose an object is, as its record says in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The object's number.
    pub number: u64,
    /// Its owner, those who share it and still exist, and the approvals it takes.
    pub ownership: Ownership,
    /// Whether anyone may see the object.
    pub public: bool,
}

/// Whose the objects of a token are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// The objects that the caller may know of, by number.
    pub objects: Vec<Holding>,
    /// SHA-256 over this of all objects, the same for every caller: it tells whether two copies of a token agree.
    pub digest: [u8; 32],
}

/// The keys between a user who is logged in and others, by owner and sharee, as far as they were needed.
pub(super) type PairCache = Mutex<HashMap<(UserId, UserId), Arc<PairKey>>>;

impl Token {
    /// The user with this number, who can own and share keys.
    ///
    /// # Errors
    /// [`Error::NoSuchUser`] where there is none, and for officers.
    pub fn expect_sharee(&self, id: UserId) -> Result<(), Error> {
        self.sharee(id).map(|_| ())
    }

    /// Declares an object trusted, or no longer, as an officer (`CKA_TRUSTED`). Of a private object an officer sees
    /// nothing; the trust holds for what its owner committed to.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::NoObject`]; [`Error::Prohibited`] for a public
    /// object, whose attribute is changed like others.
    pub fn set_trust(&self, officer: &Login, number: u64, trusted: bool) -> Result<(), Error> {
        if officer.role != Role::Officer {
            return Err(Error::NotLoggedIn);
        }
        let key = layout::object(number);
        self.store.transact(&mut |transaction| {
            expect_login(transaction, officer)?;
            let record = transaction.get(&key)?.ok_or(Error::NoObject(number))?;
            let envelope = Envelope::read(&record)?;
            let commitment = envelope.commitment()?;
            let statement = seal::trust_statement(&officer.token, number, envelope.ownership.owner, &commitment);
            let signature = officer.keys.sign_as_authority(&[&statement])?;
            let revision = envelope.revision.wrapping_add(1);
            let record = seal::with_trust(&record, revision, trusted.then_some(signature))?;
            transaction.put(&key, &record)?;
            let event = if trusted { Event::TrustGiven } else { Event::TrustTaken };
            self.record(transaction, officer, Fact::of(event).object(number))
        })?;
        Ok(())
    }

    /// Those of these users who still exist, with the keys they had: neither somebody who was given the number by a
    /// writer of the files, nor who got other keys since, gets what was shared before.
    pub(crate) fn living(&self, sharees: Sharees) -> Result<Sharees, Error> {
        sharees.iter().try_fold(Sharees::NONE, |living, sharee| match self.sharee(sharee) {
            Ok(now) if sharees.keys_of(sharee).is_none_or(|keys| *keys == now.keys_id) => {
                Ok(living.with_keys(sharee, now.keys_id).unwrap_or(living))
            }
            Ok(_) | Err(Error::NoSuchUser(_)) => Ok(living),
            Err(error) => Err(error),
        })
    }

    /// Whose the objects are: all of them for an officer, for a user those the user owns or shares, and public ones.
    /// None is opened, so nothing is verified: what somebody wrote into the files shows when the object is used.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] where the login is over; [`Error::NotActivated`]; [`Error::Damaged`]; the store's.
    pub fn holdings(&self, login: &Login) -> Result<Holdings, Error> {
        let officer = match login.role {
            Role::Officer => true,
            Role::User => false,
            Role::Unactivated => return Err(Error::NotActivated),
            Role::Appliance => return Err(Error::NotLoggedIn),
        };
        if !self.is_current(login)? {
            return Err(Error::NotLoggedIn);
        }
        let (mut objects, mut statement, mut trouble) = (Vec::new(), Writer::default(), None);
        self.store.scan(layout::OBJECTS, None, &mut |key, record| {
            let number = layout::object_number(key).ok_or_else(|| damaged("an object's key has a wrong length"));
            match number.and_then(|number| Ok((number, Envelope::read(record)?))) {
                Ok((number, envelope)) => {
                    let (ownership, public) = (envelope.ownership, envelope.is_public());
                    statement.u64(number);
                    state(&mut statement, &ownership);
                    if officer || public || ownership.is_associated(login.user) {
                        objects.push(Holding { number, ownership, public });
                    }
                    ControlFlow::Continue(())
                }
                Err(error) => {
                    trouble = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if let Some(error) = trouble {
            return Err(error);
        }
        for held in &mut objects {
            held.ownership.sharees = self.living(held.ownership.sharees)?;
        }
        let mut digest = [0; 32];
        hash::digest(Algorithm::Sha256, &statement.finish(), &mut digest)?;
        Ok(Holdings { objects, digest })
    }

    /// Makes sure that `owner` has a key with each of these users, so that what is written for them needs none made.
    /// Users who exist no longer are left out.
    pub(super) fn pairs_for(&self, owner: &Login, sharees: Sharees) -> Result<Sharees, Error> {
        let living = self.living(sharees)?;
        for sharee in living.iter().filter(|sharee| !owner.pairs.lock().contains_key(&(owner.user, *sharee))) {
            self.own_pair(owner, &self.sharee(sharee)?.user)?;
        }
        Ok(living)
    }

    /// The key under which `owner`'s objects are wrapped for `sharee`, one of whom is logged in.
    pub(super) fn pair_key(&self, login: &Login, owner: UserId, sharee: UserId) -> Result<Arc<PairKey>, Error> {
        if let Some(key) = login.pairs.lock().get(&(owner, sharee)) {
            return Ok(Arc::clone(key));
        }
        let record = self.store.get(&layout::pair(owner, sharee))?;
        let record = PairRecord::decode(&record.ok_or_else(|| damaged("a shared object lacks the key of its users"))?)?;
        let key = match login.user == owner {
            true => record.open_as_owner(&login.token, (owner, &login.keys), sharee)?,
            false => {
                let owner_key = self.verifying_key(owner)?;
                record.open_as_sharee(&login.token, (owner, &owner_key), (sharee, &login.bundle))?
            }
        };
        let key = Arc::new(key);
        login.pairs.lock().insert((owner, sharee), Arc::clone(&key));
        Ok(key)
    }

    /// The key between the user who is logged in and `sharee`, made if there is none.
    fn own_pair(&self, owner: &Login, sharee: &User) -> Result<Arc<PairKey>, Error> {
        let key = layout::pair(owner.user, sharee.id);
        if self.store.get(&key)?.is_none() {
            let record = PairRecord::new(&owner.token, owner.user, &owner.keys, sharee, &*self.random)?.encode();
            self.store.transact(&mut |transaction| {
                expect_login(transaction, owner)?;
                // Another process may have made one meanwhile, and used it.
                match transaction.get(&key)? {
                    Some(_) => Ok(()),
                    None => Ok(transaction.put(&key, &record)?),
                }
            })?;
        }
        self.pair_key(owner, owner.user, sharee.id)
    }

    fn sharee(&self, id: UserId) -> Result<Certified, Error> {
        let user = self.certified(id)?.filter(|certified| certified.user.role == Role::User);
        user.ok_or(Error::NoSuchUser(Sought::CryptoUser(id)))
    }
}

/// What the digest of holdings covers.
fn state(statement: &mut Writer, ownership: &Ownership) {
    statement.u32(ownership.owner.0);
    statement.u8(ownership.use_approvals);
    statement.u8(ownership.management_approvals);
    let sharees = ownership.sharees.as_numbers();
    statement.u64(sharees.len() as u64);
    sharees.iter().for_each(|sharee| statement.u64(*sharee));
}

/// Whether a user can be deleted as far as objects go: he owns none, and every key he shares keeps as many users as
/// must approve of its use.
pub(super) fn expect_dispensable(transaction: &mut dyn Transaction, user: UserId) -> Result<(), Aborted> {
    let mut shared = Vec::new();
    let mut refusal = None;
    transaction.scan(layout::OBJECTS, None, &mut |_, record| {
        match Envelope::read(record).map(|envelope| envelope.ownership) {
            Ok(ownership) if ownership.owner == user => {
                refusal = Some(Error::Prohibited("the user still owns objects"))
            }
            Ok(ownership) if ownership.sharees.contains(user) => shared.push(ownership),
            Ok(_) => {}
            Err(error) => refusal = Some(error),
        }
        if refusal.is_none() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if let Some(refusal) = refusal {
        return Err(refusal.into());
    }
    for ownership in shared {
        let mut left = 1;
        for sharee in ownership.sharees.without(user).iter() {
            let record = transaction.get(&layout::user(sharee))?;
            let keys = record.map(|record| User::decode(&record)?.keys_id()).transpose()?;
            left += u8::from(keys.is_some() && keys.as_ref() == ownership.sharees.keys_of(sharee));
        }
        if ownership.use_approvals.max(ownership.management_approvals) > left {
            return Err(Error::Prohibited("keys that this user shares would have fewer users than must approve").into());
        }
    }
    Ok(())
}

/// Takes away the keys between a user who is deleted and others.
pub(super) fn forget(transaction: &mut dyn Transaction, user: UserId) -> Result<(), Aborted> {
    let mut pairs = Vec::new();
    transaction.scan(layout::PAIRS, None, &mut |key, _| {
        pairs.extend(layout::users_of_pair(key).filter(|users| users.contains(&user)).map(|_| key.to_vec()));
        ControlFlow::Continue(())
    })?;
    Ok(pairs.iter().try_for_each(|key| transaction.delete(key))?)
}

/// Nothing is written for users who were deleted meanwhile, or got other keys.
pub(super) fn expect_sharees(transaction: &mut dyn Transaction, sharees: &Sharees) -> Result<(), Aborted> {
    for sharee in sharees.iter() {
        let user = transaction.get(&layout::user(sharee))?.map(|record| User::decode(&record)).transpose()?;
        let keys = user.map(|user| user.keys_id()).transpose()?;
        if keys.is_none() || keys.as_ref() != sharees.keys_of(sharee) {
            return Err(Error::NoSuchUser(Sought::CryptoUser(sharee)).into());
        }
    }
    Ok(())
}
