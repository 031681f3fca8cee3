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
use crate::object::codec::{Reader, damaged};
use crate::seal::{Bundle, BundleKey, Role, TokenId, User, UserKeys};
use crate::store::{Aborted, StoreError, Transaction};

/// Who wants to log in, and with what.
pub struct Credential<'a> {
    /// The role asked for; who asks for an officer may find one that is not activated.
    pub role: Role,
    /// The name; where there is none, the first officer, or the user the PIN names (`name:password`), or the default
    /// one.
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
    /// The sealed bundle that the PIN opened.
    sealed: Box<[u8]>,
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

    /// Whether it is this user's: the same number with the same keys, and no officer has set another PIN since.
    pub(super) fn is_of(&self, user: &User) -> bool {
        self.user == user.id && self.verifying_key == user.verifying_key && *self.sealed == *user.sealed()
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
        let (bundle_key, bundle) = self.open_counted(&meta, &user, pin)?;
        let keys = bundle.keys()?;
        if *keys.authority() != meta.authority || !user.is_certified(&meta.id, keys.authority()) {
            let record = certified::whose(&layout::user(user.id), Some(&user.name));
            return Err(damaged(&format!("the token's record or {record} was changed")));
        }
        let login = Login {
            sealed: user.sealed().into(),
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

    /// Whether a login is still good: the token is the same, the user exists with the same keys, and no officer has set
    /// the user's PIN since.
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
        let (_, bundle) = self.open_counted(&login.meta, &user, pin)?;
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

    /// Opens a user's bundle, and keeps count of wrong PINs. Whatever asks for a PIN comes through here.
    ///
    /// Whether the PIN is right is told to those who were counted: both answers take a commit of the same row in the
    /// same length. Whoever keeps the store from that, with a full disk or with locks, gets the same error for both.
    ///
    /// # Errors
    /// [`Error::PinWrong`], [`Error::PinLocked`]; [`Error::Busy`] where the user was changed meanwhile; the store's.
    pub(super) fn open_counted(&self, meta: &Meta, user: &User, pin: &[u8]) -> Result<(BundleKey, Bundle), Error> {
        let failures_max = meta.founding.pin_failures_max();
        if self.failures(user.id)? >= failures_max {
            return Err(Error::PinLocked);
        }
        let opened = user.open(&meta.id, pin);
        let record = user.encode();
        let mut is_last = false;
        let counted = self.store.transact(&mut |transaction| {
            expect_unchanged(transaction, user, &record)?;
            let before = expect_unlocked(transaction, meta, user.id)?;
            let failures = match &opened {
                Ok(_) => 0,
                Err(Error::PinWrong) => before.failures + 1,
                Err(_) => before.failures,
            };
            is_last = failures >= failures_max;
            Ok(transaction.put(&layout::failures(user.id), &before.then(failures))?)
        });
        match counted.map_err(Error::from) {
            // Where the medium takes no writing there is no count, and the answer is the PIN's.
            Ok(()) | Err(Error::WriteProtected(_)) => {}
            Err(error) => return Err(error),
        }
        if matches!(opened, Err(Error::PinWrong)) {
            // In a transaction of its own, so that the one above is alike for all. The count stands without an entry.
            let _ = self.record_wrong_pin(meta, user, is_last);
        }
        opened
    }

    /// How many wrong PINs in a row the user gave.
    pub(super) fn failures(&self, user: UserId) -> Result<u32, Error> {
        read_failures(self.store.get(&layout::failures(user))?.as_deref())
    }
}

/// What is kept of the PINs that were given for a user.
#[derive(Default)]
pub(super) struct Attempts {
    /// Wrong ones in a row.
    failures: u32,
    /// How often this was written. It makes each record another one: SQLite does not write what is there already, and
    /// would take a right PIN after a right one where there is no room for anything.
    writes: u32,
}

impl Attempts {
    fn decode(record: Option<&[u8]>) -> Result<Attempts, Error> {
        let Some(record) = record else { return Ok(Attempts::default()) };
        let mut reader = Reader::new(record);
        let attempts = Attempts { failures: reader.u32()?, writes: reader.u32()? };
        reader.end()?;
        Ok(attempts)
    }

    /// The next record.
    fn then(&self, failures: u32) -> [u8; 8] {
        let mut record = [0; 8];
        let (first, second) = record.split_at_mut(4);
        first.copy_from_slice(&failures.to_le_bytes());
        second.copy_from_slice(&self.writes.wrapping_add(1).to_le_bytes());
        record
    }
}

/// What is kept of the PINs for a user who is not locked: others may have guessed meanwhile, and whoever comes after
/// the last try learns nothing.
///
/// # Errors
/// [`Error::PinLocked`].
pub(super) fn expect_unlocked(
    transaction: &mut dyn Transaction,
    meta: &Meta,
    user: UserId,
) -> Result<Attempts, Aborted> {
    let attempts = Attempts::decode(transaction.get(&layout::failures(user))?.as_deref())?;
    let locked = attempts.failures >= meta.founding.pin_failures_max();
    if locked { Err(Error::PinLocked.into()) } else { Ok(attempts) }
}

/// Lets a user try again as often as at first.
pub(super) fn forget_failures(transaction: &mut dyn Transaction, user: UserId) -> Result<(), StoreError> {
    transaction.put(&layout::failures(user), &Attempts::default().then(0))
}

/// Whether a user's record is the one that was read: whatever happened to it meanwhile wins.
///
/// # Errors
/// [`Error::Busy`].
pub(super) fn expect_unchanged(transaction: &mut dyn Transaction, user: &User, record: &[u8]) -> Result<(), Aborted> {
    if transaction.get(&layout::user(user.id))?.as_deref() == Some(record) {
        return Ok(());
    }
    Err(Error::Busy(format!("the user \"{}\" was changed at the same time; try again", user.name)).into())
}

pub(super) fn read_failures(record: Option<&[u8]>) -> Result<u32, Error> {
    Ok(Attempts::decode(record)?.failures)
}
