//! The HSM as one process sees it: slots, tokens, sessions.

pub mod config;
mod home;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cryptoki_sys::*;
use parking_lot::RwLock;
use strongroom_crypto::random::{Source, System};

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::limits::{PIN_BYTES_MAX, SESSIONS_MAX, USER_NAME_BYTES_MAX};
use crate::mechanism::{CATALOGUE, Mechanism, MechanismName, find};
use crate::policy::Policy;
use crate::session::Session;
use crate::session::application::{Application, SESSION_OBJECTS_START};
use crate::token::{Founding, Numbered, Token};
use home::Home;

pub use config::{Config, Options};
pub use home::Slots;

/// One running HSM.
pub struct Hsm {
    config: Config,
    home: Home,
    random: Arc<dyn Source>,
    clock: Arc<dyn Clock>,
    applications: RwLock<BTreeMap<u64, Arc<Application>>>,
    sessions: Numbered<Arc<Session>>,
    next_session: AtomicU64,
    next_session_object: Arc<AtomicU64>,
}

/// What `C_GetSlotInfo` says.
#[derive(Debug, Clone)]
pub struct SlotInfo {
    /// For people.
    pub description: String,
    /// Who made it.
    pub manufacturer: &'static str,
    /// `CKF_TOKEN_PRESENT`.
    pub flags: u64,
    /// Hardware version.
    pub hardware: (u8, u8),
    /// Firmware version.
    pub firmware: (u8, u8),
}

/// What `C_GetTokenInfo` says.
#[derive(Debug, Clone)]
pub struct TokenInfo {
    /// The label.
    pub label: String,
    /// Who made it.
    pub manufacturer: &'static str,
    /// The model; a test token says so.
    pub model: &'static str,
    /// The serial number.
    pub serial: String,
    /// `CKF_*`.
    pub flags: u64,
    /// Most sessions.
    pub max_sessions: u64,
    /// Sessions of this application.
    pub sessions: u64,
    /// Most sessions that write.
    pub max_rw_sessions: u64,
    /// Sessions of this application that write.
    pub rw_sessions: u64,
    /// Bytes of the longest PIN; where programs log in with `name:password`, of all that.
    pub max_pin: u64,
    /// Bytes of the shortest PIN.
    pub min_pin: u64,
    /// Hardware version.
    pub hardware: (u8, u8),
    /// Firmware version.
    pub firmware: (u8, u8),
}

/// The maker's name in every structure that asks for one.
pub const MANUFACTURER: &str = "Strongroom";
/// The version of the product, as PKCS#11's two numbers.
pub const VERSION: (u8, u8) = (0, 1);

/// The label of a fresh CloudHSM's token: programs for CloudHSM look for this one.
const FRESH_LABEL: &[u8; 32] = b"cavium                          ";
const MODEL: &str = "Strongroom";
const TEST_MODEL: &str = "Strongroom test";

impl Hsm {
    /// Starts the HSM.
    ///
    /// # Errors
    /// [`Error::Configuration`].
    pub fn start(options: Options) -> Result<Hsm, Error> {
        Ok(Hsm::with(Config::load(options)?, Arc::new(System)))
    }

    /// Starts the HSM with a configuration and a source of random numbers.
    pub fn with(config: Config, random: Arc<dyn Source>) -> Hsm {
        // Made now, so that no fork finds them half made.
        crate::session::prepare();
        Hsm {
            home: Home::new(&config),
            config,
            random,
            clock: Arc::new(SystemClock),
            applications: RwLock::default(),
            sessions: Numbered::default(),
            next_session: AtomicU64::new(1),
            next_session_object: Arc::new(AtomicU64::new(SESSION_OBJECTS_START)),
        }
    }

    /// The same HSM with another clock than the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Hsm {
        self.clock = clock;
        self
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The directory of a slot's token; of no use where tokens live in memory.
    pub fn slot_dir(&self, slot: u64) -> std::path::PathBuf {
        self.home.slot_dir(slot)
    }

    /// The slots, the free one last (`C_GetSlotList`, PKCS#11 3.2 §5.5.1). Every slot holds a token, initialised or
    /// not.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn slots(&self) -> Result<Vec<u64>, Error> {
        let Slots { mut tokens, free } = self.home.slots()?;
        tokens.push(free);
        Ok(tokens)
    }

    /// The slots with a token, and the one that awaits one.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn tokens(&self) -> Result<Slots, Error> {
        self.home.slots()
    }

    /// What a slot is.
    ///
    /// # Errors
    /// [`Error::NoSlot`].
    pub fn slot_info(&self, slot: u64) -> Result<SlotInfo, Error> {
        self.check_slot(slot)?;
        Ok(SlotInfo {
            description: format!("Strongroom slot {slot}"),
            manufacturer: MANUFACTURER,
            flags: CKF_TOKEN_PRESENT,
            hardware: VERSION,
            firmware: VERSION,
        })
    }

    /// What the token in a slot is.
    ///
    /// # Errors
    /// [`Error::NoSlot`]; [`Error::TokenUnreadable`] for one that is damaged.
    pub fn token_info(&self, slot: u64) -> Result<TokenInfo, Error> {
        let mut info = TokenInfo {
            label: String::new(),
            manufacturer: MANUFACTURER,
            model: MODEL,
            serial: String::new(),
            flags: CKF_RNG | CKF_LOGIN_REQUIRED | CKF_DUAL_CRYPTO_OPERATIONS,
            max_sessions: SESSIONS_MAX as u64,
            sessions: 0,
            max_rw_sessions: SESSIONS_MAX as u64,
            rw_sessions: 0,
            max_pin: PIN_BYTES_MAX as u64,
            min_pin: self.config.settings.pin_bytes_min as u64,
            hardware: VERSION,
            firmware: VERSION,
        };
        if !self.check_slot(slot)? {
            return Ok(info);
        }
        let application = self.application(slot)?;
        let meta = application.token().meta()?;
        let counts = application.session_counts();
        info.label = meta.label_text();
        info.serial = meta.serial();
        info.model = if meta.test { TEST_MODEL } else { MODEL };
        info.flags |= CKF_TOKEN_INITIALIZED | application.pin_flags()?;
        let (min_pin, max_pin) = meta.founding.pin_bytes(&self.config.settings);
        info.min_pin = min_pin as u64;
        info.max_pin = match meta.founding {
            Founding::Plain => max_pin as u64,
            // A program that goes by this must get a name and a colon through.
            Founding::CloudHsm => (USER_NAME_BYTES_MAX + 1 + max_pin) as u64,
        };
        info.sessions = counts.all;
        info.rw_sessions = counts.read_write;
        Ok(info)
    }

    /// The mechanisms of the token in a slot.
    ///
    /// # Errors
    /// [`Error::NoSlot`].
    pub fn mechanisms(&self, slot: u64) -> Result<Vec<&'static Mechanism>, Error> {
        let policy = self.policy(slot)?;
        Ok(CATALOGUE.iter().filter(|mechanism| mechanism.is_offered(policy)).collect())
    }

    /// One mechanism of the token in a slot, and what it does there (`CKF_ENCRYPT` and so on).
    ///
    /// # Errors
    /// [`Error::NoSlot`], [`Error::MechanismInvalid`].
    pub fn mechanism(&self, slot: u64, id: u64) -> Result<(&'static Mechanism, u64), Error> {
        let policy = self.policy(slot)?;
        let mechanism = find(id).filter(|mechanism| mechanism.is_offered(policy));
        let mechanism = mechanism.ok_or(Error::MechanismInvalid(MechanismName(id)))?;
        Ok((mechanism, mechanism.functions_under(policy)))
    }

    /// The policy of the token in a slot, or of one that would be made there.
    fn policy(&self, slot: u64) -> Result<Policy, Error> {
        match self.check_slot(slot)? {
            true => Ok(self.application(slot)?.token().meta()?.policy),
            false => Ok(self.config.settings.policy),
        }
    }

    /// Initialises the token of a slot (`C_InitToken`, PKCS#11 3.2 §5.5.7): a new one where the slot is free, the old
    /// one anew where the officer's PIN is right.
    ///
    /// # Errors
    /// [`Error::NoSlot`], [`Error::SessionsExist`], the PIN's, the store's.
    pub fn init_token(&self, slot: u64, pin: Option<&[u8]>, label: &[u8; 32]) -> Result<(), Error> {
        let pin = pin.ok_or(Error::Arguments("a PIN is needed: the token has no keypad of its own"))?;
        if self.check_slot(slot)? {
            let application = self.application(slot)?;
            if application.session_counts().all > 0 {
                return Err(Error::SessionsExist);
            }
            return application.token().reinitialize(label, pin);
        }
        self.create(slot, Founding::Plain, label, Some(pin))
    }

    /// Founds a token in the free slot, in either way. Without a PIN the first officer of a CloudHSM is not activated.
    ///
    /// # Errors
    /// [`Error::NoSlot`]; [`Error::Busy`] where the slot has a token; as [`Token::found`].
    pub fn found_token(
        &self,
        slot: u64,
        founding: Founding,
        label: &[u8; 32],
        pin: Option<&[u8]>,
    ) -> Result<(), Error> {
        if self.check_slot(slot)? {
            return Err(home::taken(slot));
        }
        self.create(slot, founding, label, pin)
    }

    /// Makes a directory without tokens a fresh CloudHSM, whose officer `admin` has the published password and must
    /// change it. Returns the slot, or that of the first token where there is one: of several processes that ask at the
    /// same time one makes it. Not to be asked while holding a [`Hsm::hold`].
    ///
    /// # Errors
    /// The store's; [`Error::Busy`] where another process was faster on a file system without locks.
    pub fn fresh_cloudhsm(&self) -> Result<u64, Error> {
        let _held = self.hold()?;
        let Slots { tokens, free } = self.home.slots()?;
        match tokens.first() {
            Some(slot) => Ok(*slot),
            None => self.create(free, Founding::CloudHsm, FRESH_LABEL, None).map(|()| free),
        }
    }

    fn create(&self, slot: u64, founding: Founding, label: &[u8; 32], pin: Option<&[u8]>) -> Result<(), Error> {
        let settings = self.config.settings;
        self.home.create(slot, &|store| {
            Token::found(store, Arc::clone(&self.random), settings, founding, label, pin).map(|_| ())
        })
    }

    /// Keeps other processes that ask for this from going on, until the file is dropped: between a look at the tokens
    /// and the making of one.
    ///
    /// # Errors
    /// [`Error::Device`], [`Error::WriteProtected`].
    pub fn hold(&self) -> Result<Option<std::fs::File>, Error> {
        self.home.hold()
    }

    /// Deletes the token of a slot for ever.
    ///
    /// # Errors
    /// [`Error::NoSlot`], [`Error::SessionsExist`].
    pub fn delete_token(&self, slot: u64) -> Result<(), Error> {
        let mut applications = self.applications.write();
        if applications.get(&slot).is_some_and(|application| application.session_counts().all > 0) {
            return Err(Error::SessionsExist);
        }
        applications.remove(&slot);
        self.home.delete(slot)
    }

    /// Opens a session (`C_OpenSession`, PKCS#11 3.2 §5.6.1).
    ///
    /// # Errors
    /// [`Error::NoSlot`], [`Error::TokenNotInitialized`], [`Error::TooManySessions`], [`Error::OfficerLoggedIn`].
    pub fn open_session(&self, slot: u64, read_write: bool) -> Result<u64, Error> {
        let application = self.application(slot)?;
        let handle = self.next_session.fetch_add(1, Ordering::Relaxed);
        let session = Session::open(application, handle, read_write)?;
        self.sessions.insert(handle, Arc::new(session));
        Ok(handle)
    }

    /// Closes a session.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn close_session(&self, handle: u64) -> Result<(), Error> {
        let session = self.sessions.remove(handle).ok_or(Error::NoSession(handle))?;
        session.close();
        Ok(())
    }

    /// Closes all sessions of a slot.
    ///
    /// # Errors
    /// [`Error::NoSlot`].
    pub fn close_all_sessions(&self, slot: u64) -> Result<(), Error> {
        self.check_slot(slot)?;
        let mut closing = Vec::new();
        self.sessions.for_each(|handle, session| {
            if session.application().slot == slot {
                closing.push(handle);
            }
        });
        for handle in closing {
            if let Some(session) = self.sessions.remove(handle) {
                session.close();
            }
        }
        Ok(())
    }

    /// The session with this handle.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn session(&self, handle: u64) -> Result<Arc<Session>, Error> {
        self.sessions.get(handle).ok_or(Error::NoSession(handle))
    }

    /// Logs out of the token of a session (`C_Logout`, PKCS#11 3.2 §5.6.10), and lets go of the keys its sessions hold.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::NotLoggedIn`].
    pub fn logout(&self, handle: u64) -> Result<(), Error> {
        let session = self.session(handle)?;
        session.logout()?;
        let slot = session.application().slot;
        self.sessions.for_each(|_, session| {
            if session.application().slot == slot {
                session.forget_keys();
            }
        });
        Ok(())
    }

    /// Nothing ever happens to a slot by itself (`C_WaitForSlotEvent`, PKCS#11 3.2 §5.5.4).
    ///
    /// # Errors
    /// Always: [`Error::NoEvent`], or [`Error::NotSupported`] for who would wait for ever.
    pub fn wait_for_slot_event(&self, dont_block: bool) -> Result<u64, Error> {
        Err(if dont_block { Error::NoEvent } else { Error::NotSupported })
    }

    /// The application's view of the token in a slot.
    ///
    /// # Errors
    /// [`Error::NoSlot`], [`Error::TokenNotInitialized`], the store's.
    pub fn application(&self, slot: u64) -> Result<Arc<Application>, Error> {
        if let Some(application) = self.applications.read().get(&slot) {
            return Ok(Arc::clone(application));
        }
        if !self.check_slot(slot)? {
            return Err(Error::TokenNotInitialized(slot));
        }
        let mut applications = self.applications.write();
        if let Some(application) = applications.get(&slot) {
            return Ok(Arc::clone(application));
        }
        let store = self.home.open(slot)?;
        let token = Token::open(store, Arc::clone(&self.random), self.config.settings)?
            .with_clock(Arc::clone(&self.clock))
            .with_audit(self.config.audit);
        let application = Arc::new(Application::new(
            slot,
            Arc::new(token),
            Arc::clone(&self.random),
            Arc::clone(&self.next_session_object),
            self.config.module_iv,
        ));
        applications.insert(slot, Arc::clone(&application));
        Ok(application)
    }

    /// Whether the slot holds an initialised token.
    fn check_slot(&self, slot: u64) -> Result<bool, Error> {
        if self.applications.read().contains_key(&slot) {
            return Ok(true);
        }
        let slots = self.home.slots()?;
        if slots.tokens.binary_search(&slot).is_ok() {
            return Ok(true);
        }
        if slot == slots.free { Ok(false) } else { Err(Error::NoSlot(slot)) }
    }
}

impl Drop for Hsm {
    fn drop(&mut self) {
        self.sessions.for_each(|_, session| session.close());
    }
}
