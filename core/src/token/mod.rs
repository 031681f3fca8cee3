//! One token: its users, its objects and its store behind one API.
//!
//! A login is a value: [`Token::login`] returns what the user's PIN opened, and every use of a private object takes
//! one. That a PKCS#11 application has one login per token is that standard's rule and lives with its sessions; a
//! server holds as many logins as it has callers.

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
mod users;

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::RwLock;
use strongroom_crypto::kdf::TagKey;
use strongroom_crypto::random::Source;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::limits::USER_NAME_BYTES_MAX;
use crate::object::codec::damaged;
use crate::policy::{Kdf, Policy};
use crate::store::{Store, Transaction};
use audit::Level;
use cache::ObjectCache;
use certified::CertifiedUsers;

pub use cache::{NumberHash, Numbered, UNSEEN};
pub use founding::{APPLIANCE_USER, APPLIANCE_USER_ID, FIRST_OFFICER, Founding, INITIAL_PASSWORD};
pub use login::{Credential, Login};
pub use meta::Meta;
pub use objects::Making;
pub use sharing::{Holding, Holdings};
pub use users::UserInfo;

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

/// User names: as CloudHSM has them, letters, digits and `_`, case folded; `-` and `.` besides. Returns the name as
/// kept.
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
