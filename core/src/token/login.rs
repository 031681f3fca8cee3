//! Logging in: what a PIN opens, and the count of wrong ones.

use std::sync::Arc;

use super::audit::Event;
use super::cache::ObjectCache;
use super::founding::APPLIANCE_USER_STAYS;
use super::sharing::PairCache;
use super::{APPLIANCE_USER, DEFAULT_USER, FIRST_OFFICER, Founding, Meta, Token, certified, check_name, layout};
use crate::access::Actor;
use crate::error::{Error, Sought};
use crate::object::UserId;
use crate::object::codec::damaged;
use crate::seal::{Bundle, BundleKey, Role, TokenId, User, UserKeys};

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
    pub(super) bundle_key: BundleKey,
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
            let record = certified::whose(&layout::user(user.id), Some(&user.name));
            return Err(damaged(&format!("the token's record or {record} was changed")));
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
            return Ok((user.ok_or(Error::NoSuchUser(Sought::Name(text)))?, credential.pin));
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
    pub(super) fn plain_user(&self) -> Result<Option<User>, Error> {
        if let Some(user) = self.find_user(DEFAULT_USER)?.filter(|user| user.role == Role::User) {
            return Ok(Some(user));
        }
        let mut users = self.users()?.into_iter().filter(|user| user.role == Role::User);
        match (users.next(), users.next()) {
            (Some(only), None) => self.user(only.id),
            _ => Ok(None),
        }
    }

    pub(super) fn refuse_locked(&self, user: UserId) -> Result<(), Error> {
        if self.failures(user)? >= self.meta()?.founding.pin_failures_max() { Err(Error::PinLocked) } else { Ok(()) }
    }

    /// Opens a user's bundle and keeps count of wrong PINs. A right one costs no write unless there is a count to clear.
    pub(super) fn open_counted(&self, token: &TokenId, user: &User, pin: &[u8]) -> Result<(BundleKey, Bundle), Error> {
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

    /// How many wrong PINs in a row the user gave.
    pub(super) fn failures(&self, user: UserId) -> Result<u32, Error> {
        Ok(read_failures(self.store.get(&layout::failures(user))?.as_deref()))
    }
}

pub(super) fn read_failures(record: Option<&[u8]>) -> u32 {
    record.and_then(|record| record.try_into().ok()).map_or(0, u32::from_le_bytes)
}
