//! One token: its users, its objects and its store behind one API.
//!
//! A login is a value: [`Token::login`] returns what the user's PIN opened, and every use of a private object takes one.
//! That a PKCS#11 application has one login per token is that standard's rule and lives with its sessions; a server
//! holds as many logins as it has callers.

mod approvers;
pub mod audit;
mod cache;
mod certified;
mod founding;
pub mod layout;
mod login;
mod masked;
mod meta;
mod objects;
mod officers;
pub mod quorum;
mod search;
mod sharing;
mod unique;

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::RwLock;
use strongroom_crypto::kdf::TagKey;
use strongroom_crypto::random::Source;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::limits::USER_NAME_BYTES_MAX;
use crate::object::UserId;
use crate::object::codec::damaged;
use crate::policy::{Kdf, Policy};
use crate::seal::{Role, User};
use crate::store::{Store, Transaction};
use audit::Level;
use cache::ObjectCache;
use certified::{CertifiedUsers, expect_certified};

pub use cache::{NumberHash, Numbered, UNSEEN};
pub use founding::{APPLIANCE_USER, APPLIANCE_USER_ID, FIRST_OFFICER, Founding, INITIAL_PASSWORD};
pub use login::{Credential, Login};
pub use meta::Meta;
pub use objects::Making;
pub use sharing::{Holding, Holdings};

/// The name of the user `C_InitPIN` makes and `C_Login` without a name means.
pub const DEFAULT_USER: &str = "user";

/// What is chosen when a token or a PIN is made.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What the token allows.
    pub policy: Policy,
    /// How hard PINs are to guess.
    pub kdf: Kdf,
    /// Whether an officer's PIN reset keeps the user's keys.
    pub escrow: bool,
    /// Bytes of the shortest PIN.
    pub pin_bytes_min: usize,
}

/// One token.
pub struct Token {
    store: Arc<dyn Store>,
    random: Arc<dyn Source>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    audit: Level,
    current: RwLock<Current>,
    public: ObjectCache,
    certified: CertifiedUsers,
}

/// The token's record as of a generation of the store.
struct Current {
    generation: u64,
    meta: Arc<Meta>,
    public_tags: Arc<TagKey>,
}

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
    /// Opens the token in `store`.
    ///
    /// # Errors
    /// [`Error::Damaged`] where there is none, or not one of ours.
    pub fn open(store: Arc<dyn Store>, random: Arc<dyn Source>, settings: Settings) -> Result<Token, Error> {
        let generation = store.generation();
        let record = store.get(layout::META)?.map_or_else(|| Err(no_token(&*store)), Ok)?;
        let current = read_current(&record, generation)?;
        Ok(Token {
            store,
            random,
            settings,
            clock: Arc::new(SystemClock),
            audit: Level::default(),
            current: RwLock::new(current),
            public: ObjectCache::default(),
            certified: CertifiedUsers::default(),
        })
    }

    /// The same token with another clock than the system's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Token {
        Token { clock, ..self }
    }

    /// The same token with another level of its audit log than the default.
    #[must_use]
    pub fn with_audit(self, audit: Level) -> Token {
        Token { audit, ..self }
    }

    /// The clock by which the token does what depends on the time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Changes whenever any process changes the token. Costs nanoseconds.
    pub fn generation(&self) -> u64 {
        self.store.generation()
    }

    /// The token's record.
    ///
    /// # Errors
    /// The store's.
    pub fn meta(&self) -> Result<Arc<Meta>, Error> {
        self.refresh()?;
        Ok(Arc::clone(&self.current.read().meta))
    }

    /// The store, for checks.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

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
            let user = User::decode(record)?;
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

    /// How many wrong PINs in a row the user gave.
    pub(crate) fn failures(&self, user: UserId) -> Result<u32, Error> {
        Ok(read_failures(self.store.get(&layout::failures(user))?.as_deref()))
    }

    /// The record of the user with this name.
    pub(crate) fn find_user(&self, name: &str) -> Result<Option<User>, Error> {
        let mut found = None;
        let mut trouble = None;
        self.store.scan(layout::USERS, None, &mut |_, record| match User::decode(record) {
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
    pub(crate) fn certified_user(&self, name: &str) -> Result<User, Error> {
        if name == APPLIANCE_USER && self.meta()?.founding == Founding::CloudHsm {
            return Err(founding::APPLIANCE_USER_STAYS);
        }
        let user = self.find_user(name)?.ok_or_else(|| Error::NoSuchUser(name.to_owned()))?;
        expect_certified(&user, &*self.meta()?, &layout::user(user.id))?;
        Ok(user)
    }

    /// The record of the user with this number.
    pub(crate) fn user(&self, id: UserId) -> Result<Option<User>, Error> {
        self.store.get(&layout::user(id))?.map(|record| User::decode(&record)).transpose()
    }

    fn refresh(&self) -> Result<(), Error> {
        let generation = self.store.generation();
        if self.current.read().generation == generation {
            return Ok(());
        }
        // Read under the lock, so that an older record never takes the place of a newer one.
        let mut current = self.current.write();
        let generation = self.store.generation();
        let record = self.store.get(layout::META)?.ok_or(Error::TokenDeleted)?;
        if *current.meta.record == *record {
            current.generation = generation;
            return Ok(());
        }
        let fresh = read_current(&record, generation)?;
        if current.meta != fresh.meta {
            self.public.clear();
        }
        *current = fresh;
        Ok(())
    }
}

/// PIN rules: the token's shortest and longest, text without control characters, and nothing that reads as a name and a
/// PIN; on a token founded as a CloudHSM no colon at all.
///
/// # Errors
/// [`Error::PinLength`], [`Error::PinInvalid`].
pub fn check_pin(pin: &[u8], settings: &Settings, founding: Founding) -> Result<(), Error> {
    let (min, max) = founding.pin_bytes(settings);
    if !(min..=max).contains(&pin.len()) {
        return Err(Error::PinLength { got: pin.len(), min, max });
    }
    if founding == Founding::CloudHsm && pin.contains(&b':') {
        return Err(Error::PinInvalid("it has a ':', which separates the user's name from the password"));
    }
    match std::str::from_utf8(pin) {
        // It would be read as the PIN of the user of that name (see [`Credential`]).
        Ok(text) if text.split_once(':').is_some_and(|(name, _)| check_name(name.as_bytes()).is_ok()) => {
            Err(Error::PinInvalid("it looks like NAME:PIN, which logs in the user of that name"))
        }
        Ok(text) if !text.contains(char::is_control) => Ok(()),
        _ => Err(Error::PinInvalid("a PIN is UTF-8 text without control characters")),
    }
}

/// User names: as CloudHSM has them, letters, digits and `_`, case folded; `-` and `.` besides. Returns the name as kept.
///
/// # Errors
/// [`Error::UserName`].
pub fn check_name(name: &[u8]) -> Result<String, Error> {
    if name.is_empty() || name.len() > USER_NAME_BYTES_MAX {
        return Err(Error::UserName("a name has 1 to 31 characters"));
    }
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')) {
        return Err(Error::UserName("a name has letters, digits, '_', '-' and '.' only"));
    }
    Ok(name.iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

fn read_failures(record: Option<&[u8]>) -> u32 {
    record.and_then(|record| record.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn read_current(record: &[u8], generation: u64) -> Result<Current, Error> {
    let meta = Arc::new(Meta::decode(record)?);
    let public_tags = Arc::new(TagKey::new(&meta.id)?);
    Ok(Current { generation, meta, public_tags })
}

/// Removes every record of a token that is to be deleted: the processes that have it open find it gone.
///
/// # Errors
/// The store's.
pub fn erase(store: &dyn Store) -> Result<(), Error> {
    store.transact(&mut |transaction| Ok(delete_all(transaction)?))?;
    Ok(())
}

/// Why a store has no token record: what is deleted has no records at all.
fn no_token(store: &dyn Store) -> Error {
    let mut empty = true;
    let looked = store.scan(b"", None, &mut |_, _| {
        empty = false;
        ControlFlow::Break(())
    });
    match looked {
        Ok(()) if empty => Error::TokenDeleted,
        Ok(()) => damaged("there is no token record"),
        Err(error) => error.into(),
    }
}

fn delete_all(transaction: &mut dyn Transaction) -> Result<(), crate::store::StoreError> {
    let mut keys = Vec::new();
    transaction.scan(b"", None, &mut |key, _| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    keys.iter().try_for_each(|key| transaction.delete(key))
}
