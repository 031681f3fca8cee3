//! The users of a token: listing and finding them, and what the officer and they themselves do about users and PINs.

use std::ops::ControlFlow;

use super::audit::{Event, Fact};
use super::certified::expect_certified;
use super::founding::APPLIANCE_USER_STAYS;
use super::login::{expect_unchanged, expect_unlocked, forget_failures, read_failures};
use super::objects::expect;
use super::{
    APPLIANCE_USER, APPLIANCE_USER_ID, DEFAULT_USER, FIRST_OFFICER, Founding, Login, Meta, Token, check_name,
    check_pin, layout,
};
use super::{certified, officers, quorum, sharing};
use crate::access::Service;
use crate::error::{Error, Sought};
use crate::object::UserId;
use crate::object::codec::damaged;
use crate::policy::{Kdf, KdfCost};
use crate::seal::{Bundle, Role, User};

/// A user as a listing shows it.
#[derive(Debug, Clone)]
pub struct UserInfo {
    /// The number.
    pub id: UserId,
    /// The role.
    pub role: Role,
    /// Whether it is the activated first officer of a token founded as a CloudHSM (there: PCO).
    pub primary: bool,
    /// The name.
    pub name: String,
    /// Wrong PINs in a row.
    pub failures: u32,
    /// Wrong PINs that are left before the user is locked.
    pub attempts_left: u32,
    /// Whether there were too many of them.
    pub locked: bool,
    /// Whether an officer can reset the PIN without losing the user's keys.
    pub escrowed: bool,
}

impl Token {
    /// All users, by number; on a token founded as a CloudHSM with the appliance user.
    ///
    /// # Errors
    /// The store's; [`Error::Damaged`] where the authority does not vouch for one of them.
    pub fn users(&self) -> Result<Vec<UserInfo>, Error> {
        let mut records = Vec::new();
        self.store.scan(layout::USERS, None, &mut |key, record| {
            records.push((key.to_vec(), record.to_vec()));
            ControlFlow::Continue(())
        })?;
        let meta = self.meta()?;
        let mut users = Vec::with_capacity(records.len() + 1);
        for (key, record) in &records {
            let user = certified::decode(key, record)?;
            expect_certified(&user, &meta, key)?;
            let failures = self.failures(user.id)?;
            let attempts_left = meta.founding.pin_failures_max().saturating_sub(failures);
            users.push(UserInfo {
                id: user.id,
                role: user.role,
                primary: meta.founding == Founding::CloudHsm && user.id == FIRST_OFFICER && user.role == Role::Officer,
                escrowed: user.is_escrowed(),
                name: user.name,
                failures,
                attempts_left,
                locked: attempts_left == 0,
            });
        }
        users.extend(meta.founding.appliance_user());
        users.sort_by_key(|user| user.id.0);
        Ok(users)
    }

    /// Sets the PIN of the default user, who is made if there is none (`C_InitPIN`, PKCS#11 3.2 §5.5.8).
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, the PIN's.
    pub fn init_pin(&self, officer: &Login, pin: &[u8]) -> Result<(), Error> {
        officer.expect_officer()?;
        match self.plain_user()? {
            Some(user) => self.reset_pin(officer, &user.name, pin),
            None => self.add_user(officer, Role::User, DEFAULT_USER, pin).map(|_| ()),
        }
    }

    /// Makes a user or an officer. The keys of officers are always in escrow: they all have the same, so that it tells
    /// none of them anything new.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::UserName`], the PIN's; [`Error::Arguments`] for a
    /// role that nobody is given.
    pub fn add_user(&self, officer: &Login, role: Role, name: &str, pin: &[u8]) -> Result<UserId, Error> {
        officer.expect_officer()?;
        if !matches!(role, Role::Officer | Role::User) {
            return Err(Error::Arguments("only officers and users are made"));
        }
        let meta = self.meta()?;
        let name = check_name(name.as_bytes())?;
        check_name_is_free(&name, role, meta.founding)?;
        check_pin(pin, &self.settings, meta.founding)?;
        let cost = self.pin_cost()?;
        let escrow = meta.escrow || role == Role::Officer;
        let bundle = Bundle::for_role(role, &officer.bundle, &*self.random)?;
        // The key derivation is slow, so the number is guessed before the transaction that gives it.
        loop {
            let id = self.next_user()?;
            let user = User::enrol(
                (id, role, &name),
                &officer.token,
                &bundle,
                &officer.keys,
                escrow,
                (pin, cost),
                &*self.random,
            )?;
            let record = user.encode();
            if self.find_user(&name)?.is_some() {
                return Err(Error::UserName("a user of this name exists"));
            }
            let mut given = false;
            self.transact_as_officer(officer, &mut |transaction| {
                let next = transaction.get(layout::NEXT_USER)?.as_deref().map(parse_next).transpose()?.unwrap_or(1);
                given = next == id.0;
                if !given {
                    return Ok(());
                }
                let after = next.checked_add(1).filter(|_| id.0 >= meta.founding.next_user());
                let (Some(after), None) = (after, transaction.get(&layout::user(id))?) else {
                    return Err(damaged("the user counter was set back").into());
                };
                self.take_officers_approval(transaction, officer, Service::UserManagement)?;
                transaction.put(&layout::user(id), &record)?;
                transaction.put(layout::NEXT_USER, &after.to_le_bytes())?;
                self.record(transaction, officer, Fact::user(Event::UserMade, &user))
            })?;
            if given {
                return Ok(id);
            }
        }
    }

    /// Sets the PIN of any user or officer, unlocks them, and ends their logins. Their keys stay usable where they are
    /// in escrow. An officer's own is changed as by [`Token::change_own_pin`].
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::Prohibited`] without escrow;
    /// [`Error::ApprovalsMissing`].
    pub fn reset_pin(&self, officer: &Login, name: &str, pin: &[u8]) -> Result<(), Error> {
        officer.expect_officer()?;
        check_pin(pin, &self.settings, self.meta()?.founding)?;
        let mut user = self.certified_user(name)?;
        if user.id == officer.user {
            return self.change_own_pin(officer, pin);
        }
        let before = user.encode();
        user.reset_pin(&officer.token, &officer.keys, (pin, self.pin_cost()?), &*self.random)?;
        let record = user.encode();
        self.transact_as_officer(officer, &mut |transaction| {
            expect_unchanged(transaction, &user, &before)?;
            self.take_officers_approval(transaction, officer, Service::UserManagement)?;
            transaction.put(&layout::user(user.id), &record)?;
            forget_failures(transaction, user.id)?;
            self.record(transaction, officer, Fact::user(Event::PinReset, &user))
        })
    }

    /// Forgets a user's wrong PINs. Another officer does that for an officer who is locked. Where there are none, this
    /// takes no approval and writes nothing.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::PinLocked`]; [`Error::ApprovalsMissing`].
    pub fn unlock(&self, officer: &Login, name: &str) -> Result<(), Error> {
        officer.expect_officer()?;
        let user = self.certified_user(name)?;
        self.transact_as_officer(officer, &mut |transaction| {
            if read_failures(transaction.get(&layout::failures(user.id))?.as_deref())? == 0 {
                return Ok(());
            }
            self.take_officers_approval(transaction, officer, Service::UserManagement)?;
            forget_failures(transaction, user.id)?;
            self.record(transaction, officer, Fact::user(Event::UserUnlocked, &user))
        })
    }

    /// Removes a user who owns nothing.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::ApprovalsMissing`]; [`Error::Prohibited`] while the
    /// user owns objects or is needed for a quorum, for the officer's own record, and on a token founded as a CloudHSM
    /// for the primary officer and the appliance user, who are part of one.
    pub fn delete_user(&self, officer: &Login, name: &str) -> Result<(), Error> {
        officer.expect_officer()?;
        let user = self.certified_user(name)?;
        if user.id == FIRST_OFFICER && officer.meta.founding == Founding::CloudHsm {
            return Err(Error::Prohibited("the primary officer of a CloudHSM cannot be deleted"));
        }
        if user.id == officer.user {
            return Err(Error::Prohibited("an officer who is logged in cannot be deleted"));
        }
        self.transact_as_officer(officer, &mut |transaction| {
            sharing::expect_dispensable(transaction, user.id)?;
            officers::expect_dispensable(transaction, officer, &user)?;
            self.take_officers_approval(transaction, officer, Service::UserManagement)?;
            sharing::forget(transaction, user.id)?;
            quorum::forget(transaction, user.id)?;
            transaction.delete(&layout::user(user.id))?;
            transaction.delete(&layout::failures(user.id))?;
            self.record(transaction, officer, Fact::user(Event::UserDeleted, &user))
        })
    }

    /// Changes a user's own PIN (`C_SetPIN`, PKCS#11 3.2 §5.5.9): one record changes, no object does. Of an officer who
    /// is not activated it makes an activated one, who logs in anew.
    ///
    /// # Errors
    /// As [`Token::login`] for the old PIN, and the new PIN's.
    pub fn set_pin(&self, user: UserId, old: &[u8], new: &[u8]) -> Result<(), Error> {
        let meta = self.meta()?;
        if user == APPLIANCE_USER_ID && meta.founding == Founding::CloudHsm {
            return Err(APPLIANCE_USER_STAYS);
        }
        let mut record = self.user(user)?.ok_or(Error::PinNotSet)?;
        let before = record.encode();
        let (key, _) = self.open_counted(&meta, &record, old)?;
        if record.role == Role::Unactivated {
            return self.activate(&meta, &record, new);
        }
        check_pin(new, &self.settings, meta.founding)?;
        record.set_pin(&meta.id, &key, new, self.pin_cost()?, &*self.random)?;
        self.put_own_pin(&meta, &before, &record, None)
    }

    /// Changes the PIN of whoever is logged in without asking for the old one again, as CloudHSM's tools do. Otherwise
    /// as [`Token::set_pin`].
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] where the user was deleted since, or an officer set another PIN; [`Error::PinLocked`];
    /// [`Error::Damaged`], the new PIN's.
    pub fn change_own_pin(&self, login: &Login, new: &[u8]) -> Result<(), Error> {
        let mut user = self.user(login.user)?.filter(|user| login.is_of(user)).ok_or(Error::NotLoggedIn)?;
        let before = user.encode();
        if !user.open_with(&login.token, &login.bundle_key)?.is(&login.bundle) {
            return Err(damaged("a user's bundle is not the user's own"));
        }
        if user.role == Role::Unactivated {
            return self.activate(&login.meta, &user, new);
        }
        check_pin(new, &self.settings, login.meta.founding)?;
        user.set_pin(&login.token, &login.bundle_key, new, self.pin_cost()?, &*self.random)?;
        self.put_own_pin(&login.meta, &before, &user, Some(login))
    }

    /// The record of the user with this name.
    pub(super) fn find_user(&self, name: &str) -> Result<Option<User>, Error> {
        let mut found = None;
        let mut trouble = None;
        self.store.scan(layout::USERS, None, &mut |key, record| match certified::decode(key, record) {
            Ok(user) if user.name == name => {
                found = Some(user);
                ControlFlow::Break(())
            }
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => {
                trouble = Some(error);
                ControlFlow::Continue(())
            }
        })?;
        match (found, trouble) {
            (None, Some(error)) => Err(error),
            (found, _) => Ok(found),
        }
    }

    /// The record of the user with this name, for whom the authority vouches.
    ///
    /// # Errors
    /// [`Error::NoSuchUser`], [`Error::Damaged`]; [`Error::Prohibited`] for the appliance user, who has no record.
    pub(super) fn certified_user(&self, name: &str) -> Result<User, Error> {
        if name == APPLIANCE_USER && self.meta()?.founding == Founding::CloudHsm {
            return Err(APPLIANCE_USER_STAYS);
        }
        let user = self.find_user(name)?.ok_or_else(|| Error::NoSuchUser(Sought::Name(name.to_owned())))?;
        expect_certified(&user, &*self.meta()?, &layout::user(user.id))?;
        Ok(user)
    }

    /// The record of the user with this number.
    pub(super) fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        let key = layout::user(id);
        self.store.get(&key)?.map(|record| certified::decode(&key, &record)).transpose()
    }

    /// Writes the record of a user who has changed the own PIN.
    fn put_own_pin(&self, meta: &Meta, before: &[u8], user: &User, login: Option<&Login>) -> Result<(), Error> {
        let record = user.encode();
        self.store.transact(&mut |transaction| {
            expect(transaction, meta, login)?;
            expect_unchanged(transaction, user, before)?;
            expect_unlocked(transaction, meta, user.id)?;
            transaction.put(&layout::user(user.id), &record)?;
            self.record(transaction, user, Fact::user(Event::PinChanged, user))
        })?;
        Ok(())
    }

    fn next_user(&self) -> Result<UserId, Error> {
        Ok(UserId(self.store.get(layout::NEXT_USER)?.as_deref().map(parse_next).transpose()?.unwrap_or(1)))
    }

    /// Cheap PINs are for tokens that say so: another token gets the default cost whatever the configuration says.
    pub(super) fn pin_kdf(&self) -> Result<Kdf, Error> {
        Ok(match self.settings.kdf {
            Kdf::Test if !self.meta()?.test => Kdf::Default,
            kdf => kdf,
        })
    }

    fn pin_cost(&self) -> Result<KdfCost, Error> {
        Ok(self.pin_kdf()?.cost())
    }
}

/// Names that belong to somebody: the default user's and the first officer's to their roles, the appliance user's to
/// it.
fn check_name_is_free(name: &str, role: Role, founding: Founding) -> Result<(), Error> {
    if founding == Founding::CloudHsm && name == APPLIANCE_USER {
        return Err(Error::UserName("this name belongs to the appliance user"));
    }
    let owner = match name {
        DEFAULT_USER => Role::User,
        name if name == founding.first_officer() => Role::Officer,
        _ => return Ok(()),
    };
    if role == owner { Ok(()) } else { Err(Error::UserName("this name belongs to the other role")) }
}

fn parse_next(record: &[u8]) -> Result<u32, Error> {
    record.try_into().map(u32::from_le_bytes).map_err(|_| damaged("the user counter has a wrong length"))
}
