//! Logging in, and what the officer and the users do about PINs and users.

use std::sync::Arc;

use super::audit::{Event, Fact};
use super::cache::ObjectCache;
use super::founding::APPLIANCE_USER_STAYS;
use super::objects::expect_login;
use super::sharing::{self, PairCache};
use super::{
    APPLIANCE_USER, APPLIANCE_USER_ID, DEFAULT_USER, FIRST_OFFICER, Founding, Meta, Token, check_name, check_pin,
    layout, read_failures,
};
use super::{officers, quorum};
use crate::access::{Actor, Service};
use crate::error::Error;
use crate::object::UserId;
use crate::object::codec::damaged;
use crate::policy::{Kdf, KdfCost};
use crate::seal::{Bundle, BundleKey, Role, TokenId, User, UserKeys};
use crate::store::Aborted;

/// Who wants to log in, and with what.
pub struct Credential<'a> {
    /// The role asked for; who asks for an officer may find one that is not activated.
    pub role: Role,
    /// The name; where there is none, the first officer, or the user the PIN names (`name:password`), or the default one.
    pub name: Option<&'a [u8]>,
    /// The PIN.
    pub pin: &'a [u8],
}

/// A user who is logged in: the keys the PIN opened, and the objects opened with them. Dropping it wipes both.
pub struct Login {
    /// Who it is.
    pub user: UserId,
    /// In which role.
    pub role: Role,
    /// By which name.
    pub name: String,
    pub(super) token: TokenId,
    /// The token as it was at the login: nobody can pass another off as it.
    pub(super) meta: Arc<Meta>,
    pub(super) keys: UserKeys,
    pub(super) bundle: Bundle,
    /// Seals the bundle, so that the user can choose another PIN.
    bundle_key: BundleKey,
    pub(super) objects: ObjectCache,
    pub(super) pairs: PairCache,
    verifying_key: [u8; 32],
}

impl Login {
    /// The user as the access table knows it. An officer who is not activated may do with objects what anybody may.
    pub fn actor(&self) -> Actor {
        match self.role {
            Role::Officer => Actor::Officer(self.user),
            Role::User => Actor::User(self.user),
            Role::Unactivated | Role::Appliance => Actor::Anonymous,
        }
    }

    /// Whether it is an officer's, who manages users.
    ///
    /// # Errors
    /// [`Error::NotActivated`], and [`Error::NotLoggedIn`] for anyone else.
    pub(super) fn expect_officer(&self) -> Result<(), Error> {
        match self.role {
            Role::Officer => Ok(()),
            Role::Unactivated => Err(Error::NotActivated),
            Role::User | Role::Appliance => Err(Error::NotLoggedIn),
        }
    }

    /// Whether it is this user's: the same number with the same keys.
    pub(super) fn is_of(&self, user: &User) -> bool {
        self.user == user.id && self.verifying_key == user.verifying_key
    }
}

impl<'a> Credential<'a> {
    /// The first officer, by PIN.
    pub fn first_officer(pin: &'a [u8]) -> Credential<'a> {
        Credential { role: Role::Officer, name: None, pin }
    }
}

impl Token {
    /// Checks a PIN and opens what it opens.
    ///
    /// # Errors
    /// [`Error::PinWrong`], [`Error::PinLocked`], [`Error::PinNotSet`], [`Error::NoSuchUser`].
    pub fn login(&self, credential: Credential<'_>) -> Result<Login, Error> {
        let (user, pin) = self.identify(&credential)?;
        let meta = self.meta()?;
        self.refuse_locked(user.id)?;
        let (bundle_key, bundle) = self.open_counted(&meta.id, &user, pin)?;
        let keys = bundle.keys()?;
        if *keys.authority() != meta.authority || !user.is_certified(&meta.id, keys.authority()) {
            return Err(damaged("the token or the user record was changed"));
        }
        let login = Login {
            user: user.id,
            role: user.role,
            name: user.name,
            token: meta.id,
            meta,
            keys,
            bundle,
            bundle_key,
            objects: ObjectCache::default(),
            pairs: PairCache::default(),
            verifying_key: user.verifying_key,
        };
        self.record_login(&login, Event::LoggedIn)?;
        Ok(login)
    }

    /// Whether a login is still good: the token is the same, and the user exists with the same keys.
    ///
    /// # Errors
    /// The store's.
    pub fn is_current(&self, login: &Login) -> Result<bool, Error> {
        if self.meta()? != login.meta {
            return Ok(false);
        }
        Ok(self.user(login.user)?.is_some_and(|user| login.is_of(&user)))
    }

    /// Checks the PIN of a user who is logged in, for one more operation (`CKU_CONTEXT_SPECIFIC`).
    ///
    /// # Errors
    /// As [`Token::login`].
    pub fn verify_pin(&self, login: &Login, pin: &[u8]) -> Result<(), Error> {
        let user = self.user(login.user)?.filter(|user| login.is_of(user)).ok_or(Error::NotLoggedIn)?;
        self.refuse_locked(user.id)?;
        let (_, bundle) = self.open_counted(&login.token, &user, pin)?;
        if !bundle.is(&login.bundle) {
            return Err(damaged("a user's bundle is not the user's own"));
        }
        self.record_login(login, Event::LoggedInForUse)
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
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::UserName`], the PIN's; [`Error::Arguments`] for a role
    /// that nobody is given.
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
            self.store.transact(&mut |transaction| {
                expect_login(transaction, officer)?;
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

    /// Sets the PIN of any user or officer, and unlocks them. Their keys stay usable where they are in escrow.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::Prohibited`] without escrow.
    pub fn reset_pin(&self, officer: &Login, name: &str, pin: &[u8]) -> Result<(), Error> {
        officer.expect_officer()?;
        check_pin(pin, &self.settings, self.meta()?.founding)?;
        let mut user = self.certified_user(name)?;
        let before = user.encode();
        let (key, _) = user.open_escrow(&officer.token, &officer.keys)?;
        user.set_pin(&officer.token, &key, pin, self.pin_cost()?, &*self.random)?;
        self.put_user(&before, &user, Some(officer))
    }

    /// Forgets a user's wrong PINs.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer.
    pub fn unlock(&self, officer: &Login, name: &str) -> Result<(), Error> {
        officer.expect_officer()?;
        let user = self.certified_user(name)?;
        self.store.transact(&mut |transaction| {
            expect_login(transaction, officer)?;
            self.take_officers_approval(transaction, officer, Service::UserManagement)?;
            transaction.delete(&layout::failures(user.id))?;
            self.record(transaction, officer, Fact::user(Event::UserUnlocked, &user))
        })?;
        Ok(())
    }

    /// Removes a user who owns nothing.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::ApprovalsMissing`]; [`Error::Prohibited`] while the user
    /// owns objects or is needed for a quorum, for the officer's own record, and on a token founded as a CloudHSM for the primary officer and the appliance user, who
    /// are part of one.
    pub fn delete_user(&self, officer: &Login, name: &str) -> Result<(), Error> {
        officer.expect_officer()?;
        let user = self.certified_user(name)?;
        if user.id == FIRST_OFFICER && officer.meta.founding == Founding::CloudHsm {
            return Err(Error::Prohibited("the primary officer of a CloudHSM cannot be deleted"));
        }
        if user.id == officer.user {
            return Err(Error::Prohibited("an officer who is logged in cannot be deleted"));
        }
        self.store.transact(&mut |transaction| {
            expect_login(transaction, officer)?;
            sharing::expect_dispensable(transaction, user.id)?;
            officers::expect_dispensable(transaction, officer, &user)?;
            self.take_officers_approval(transaction, officer, Service::UserManagement)?;
            sharing::forget(transaction, user.id)?;
            quorum::forget(transaction, user.id)?;
            transaction.delete(&layout::user(user.id))?;
            transaction.delete(&layout::failures(user.id))?;
            self.record(transaction, officer, Fact::user(Event::UserDeleted, &user))
        })?;
        Ok(())
    }

    /// Changes a user's own PIN (`C_SetPIN`, PKCS#11 3.2 §5.5.9): one record changes, no object does. Of an officer who is
    /// not activated it makes an activated one, who logs in anew.
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
        self.refuse_locked(user)?;
        let (key, _) = self.open_counted(&meta.id, &record, old)?;
        if record.role == Role::Unactivated {
            return self.activate(&meta, &record, new);
        }
        check_pin(new, &self.settings, meta.founding)?;
        record.set_pin(&meta.id, &key, new, self.pin_cost()?, &*self.random)?;
        self.put_user(&before, &record, None)
    }

    /// Changes the PIN of whoever is logged in without asking for the old one again, as CloudHSM's tools do. Otherwise as
    /// [`Token::set_pin`].
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] where the user was deleted since, [`Error::Damaged`], the new PIN's.
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
        self.put_user(&before, &user, Some(login))
    }

    /// The user a PIN alone is meant for, when nobody is logged in.
    ///
    /// # Errors
    /// [`Error::PinNotSet`].
    pub fn default_user(&self) -> Result<UserId, Error> {
        Ok(self.plain_user()?.ok_or(Error::PinNotSet)?.id)
    }

    fn identify<'a>(&self, credential: &Credential<'a>) -> Result<(User, &'a [u8]), Error> {
        if let Some(name) = credential.name {
            let text = String::from_utf8_lossy(name).to_lowercase();
            if text == APPLIANCE_USER && self.meta()?.founding == Founding::CloudHsm {
                return Err(APPLIANCE_USER_STAYS);
            }
            let user = self.find_user(&text)?.filter(|user| user.role.answers_to(credential.role));
            return Ok((user.ok_or(Error::NoSuchUser(text))?, credential.pin));
        }
        if let Some(at) = credential.pin.iter().position(|byte| *byte == b':') {
            let (name, password) = credential.pin.split_at(at);
            if let Ok(name) = check_name(name)
                && let Some(user) = self.find_user(&name)?
                && user.role.answers_to(credential.role)
            {
                return Ok((user, password.get(1..).unwrap_or_default()));
            }
        }
        let user = match credential.role {
            Role::User => self.plain_user()?,
            role => self.user(FIRST_OFFICER)?.filter(|user| user.role.answers_to(role)),
        };
        Ok((user.ok_or(Error::PinNotSet)?, credential.pin))
    }

    /// The user a program that knows nothing of users means: the one called [`DEFAULT_USER`], or else the only one.
    fn plain_user(&self) -> Result<Option<User>, Error> {
        if let Some(user) = self.find_user(DEFAULT_USER)?.filter(|user| user.role == Role::User) {
            return Ok(Some(user));
        }
        let mut users = self.users()?.into_iter().filter(|user| user.role == Role::User);
        match (users.next(), users.next()) {
            (Some(only), None) => self.user(only.id),
            _ => Ok(None),
        }
    }

    fn refuse_locked(&self, user: UserId) -> Result<(), Error> {
        if self.failures(user)? >= self.meta()?.founding.pin_failures_max() { Err(Error::PinLocked) } else { Ok(()) }
    }

    /// Opens a user's bundle and keeps count of wrong PINs. A right one costs no write unless there is a count to clear.
    fn open_counted(&self, token: &TokenId, user: &User, pin: &[u8]) -> Result<(BundleKey, Bundle), Error> {
        let key = layout::failures(user.id);
        let failures_max = self.meta()?.founding.pin_failures_max();
        match user.open(token, pin) {
            // Others may have guessed meanwhile: whoever comes after the last try learns nothing, right or wrong.
            Err(Error::PinWrong) => {
                let counted = self.store.transact(&mut |transaction| {
                    let failures = read_failures(transaction.get(&key)?.as_deref());
                    if failures >= failures_max {
                        return Err(Error::PinLocked.into());
                    }
                    transaction.put(&key, &(failures + 1).to_le_bytes())?;
                    self.record_wrong_pin(transaction, user, failures + 1 >= failures_max)
                });
                match counted.map_err(Error::from) {
                    // What cannot be written cannot be counted; the answer is the same.
                    Ok(()) | Err(Error::WriteProtected(_)) => Err(Error::PinWrong),
                    Err(error) => Err(error),
                }
            }
            Ok(opened) => {
                if self.failures(user.id)? > 0 {
                    self.store.transact(&mut |transaction| {
                        if read_failures(transaction.get(&key)?.as_deref()) >= failures_max {
                            return Err(Error::PinLocked.into());
                        }
                        Ok(transaction.delete(&key)?)
                    })?;
                }
                Ok(opened)
            }
            Err(other) => Err(other),
        }
    }

    /// Writes a user's record in place of the one that was read: whatever happened to it meanwhile wins.
    fn put_user(&self, before: &[u8], user: &User, login: Option<&Login>) -> Result<(), Error> {
        let record = user.encode();
        self.store.transact(&mut |transaction| {
            if let Some(login) = login {
                expect_login(transaction, login)?;
            }
            if transaction.get(&layout::user(user.id))?.as_deref() != Some(before) {
                let text = format!("the user \"{}\" was changed at the same time; try again", user.name);
                return Err(Aborted::from(Error::Busy(text)));
            }
            if let Some(officer) = login.filter(|login| login.user != user.id) {
                self.take_officers_approval(transaction, officer, Service::UserManagement)?;
            }
            transaction.put(&layout::user(user.id), &record)?;
            transaction.delete(&layout::failures(user.id))?;
            match login.filter(|login| login.user != user.id) {
                Some(officer) => self.record(transaction, officer, Fact::user(Event::PinReset, user)),
                None => self.record(transaction, user, Fact::user(Event::PinChanged, user)),
            }
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

/// Names that belong to somebody: the default user's and the first officer's to their roles, the appliance user's to it.
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
