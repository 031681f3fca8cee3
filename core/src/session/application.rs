//! What one application holds of one token: its login, its session objects and its count of sessions.
//!
//! PKCS#11 has one login per application and token, shared by all sessions (3.2 §5.6.8); it lives here.

mod login;
mod objects;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use cryptoki_sys::*;
use parking_lot::{Mutex, RwLock};
use strongroom_crypto::random::Source;

use crate::access::Actor;
use crate::error::Error;
use crate::limits::SESSIONS_MAX;
use crate::object::Object;
use crate::policy::Policy;
use crate::seal::Role;
use crate::token::{FIRST_OFFICER, Login, Numbered, Token, UNSEEN};
use login::pack;

/// The first number of a session object: every token object's number is lower.
pub const SESSION_OBJECTS_START: u64 = 0x8000_0000;

/// One application's view of one token.
pub struct Application {
    /// The slot of the token.
    pub slot: u64,
    /// Whether the module makes the IVs of AES-GCM encryption.
    pub module_iv: bool,
    pub(super) token: Arc<Token>,
    pub(super) random: Arc<dyn Source>,
    login: RwLock<Option<Arc<Login>>>,
    /// The actor behind `login`, so that asking who it is shares nothing that changes.
    actor: AtomicU64,
    /// The token's policy as of `seen`.
    policy: AtomicU8,
    /// Changes whenever what was allowed may no longer be: with a logout, and with each commit of any process. What was
    /// checked in an epoch holds throughout it, save that a session object may have been destroyed, which it knows
    /// itself.
    epoch: AtomicU64,
    /// How many logins ended: what began in one does not go on in the next.
    logouts: AtomicU64,
    seen: AtomicU64,
    objects: Numbered<Arc<Object>>,
    numbers: Arc<AtomicU64>,
    count: AtomicU64,
    unique_ids: AtomicBool,
    sessions: Mutex<Counts>,
}

#[derive(Default, Clone, Copy)]
struct Counts {
    all: u64,
    read_write: u64,
}

/// How many sessions an application has open on a token.
#[derive(Debug, Clone, Copy)]
pub struct SessionCounts {
    /// All of them.
    pub all: u64,
    /// Those that may write.
    pub read_write: u64,
}

impl Application {
    /// A fresh view of `token`; `numbers` gives the numbers of session objects to all of the process's tokens.
    pub fn new(
        slot: u64,
        token: Arc<Token>,
        random: Arc<dyn Source>,
        numbers: Arc<AtomicU64>,
        module_iv: bool,
    ) -> Application {
        Application {
            slot,
            module_iv,
            token,
            random,
            login: RwLock::new(None),
            actor: AtomicU64::new(pack(Actor::Anonymous)),
            policy: AtomicU8::new(Policy::Standard as u8),
            epoch: AtomicU64::new(0),
            logouts: AtomicU64::new(0),
            seen: AtomicU64::new(UNSEEN),
            objects: Numbered::default(),
            numbers,
            count: AtomicU64::new(0),
            unique_ids: AtomicBool::new(false),
            sessions: Mutex::default(),
        }
    }

    /// The token.
    pub fn token(&self) -> &Arc<Token> {
        &self.token
    }

    /// How many sessions are open.
    pub fn session_counts(&self) -> SessionCounts {
        let counts = *self.sessions.lock();
        SessionCounts { all: counts.all, read_write: counts.read_write }
    }

    /// Counts a new session in.
    ///
    /// # Errors
    /// [`Error::OfficerLoggedIn`] for a read-only one while the officer is logged in; [`Error::TooManySessions`].
    pub(crate) fn enter(&self, read_write: bool) -> Result<(), Error> {
        let mut counts = self.sessions.lock();
        if !read_write && self.login().is_some_and(|login| login.role.is_security_officer()) {
            return Err(Error::OfficerLoggedIn);
        }
        if counts.all >= SESSIONS_MAX as u64 {
            return Err(Error::TooManySessions);
        }
        counts.all += 1;
        counts.read_write += u64::from(read_write);
        Ok(())
    }

    /// Counts a session out, with the objects it made. The last one out logs out.
    pub(crate) fn leave(&self, read_write: bool, made: impl Iterator<Item = u64>) {
        for number in made {
            self.drop_object(number);
        }
        let mut counts = self.sessions.lock();
        counts.all = counts.all.saturating_sub(1);
        counts.read_write = counts.read_write.saturating_sub(u64::from(read_write));
        // Still under the lock: a session that opens now must not lose the login it makes.
        if counts.all == 0 {
            self.end_login();
        }
    }

    /// The token's policy, as of the last [`Application::current`].
    pub(crate) fn policy(&self) -> Policy {
        let policy = self.policy.load(Ordering::Relaxed);
        [Policy::Standard, Policy::Strict].into_iter().find(|known| *known as u8 == policy).unwrap_or(Policy::Fips)
    }

    /// The epoch, after a look whether another process changed the token. Costs nanoseconds when none did.
    pub(crate) fn current(&self) -> Result<u64, Error> {
        let generation = self.token.generation();
        let seen = self.seen.load(Ordering::Acquire);
        if seen != generation {
            if let Some(login) = self.login()
                && !self.token.is_current(&login)?
            {
                self.end_login();
            }
            self.policy.store(self.token.meta()?.policy as u8, Ordering::Relaxed);
            self.epoch.fetch_add(1, Ordering::AcqRel);
            // A login that began meanwhile has asked for another look.
            let _ = self.seen.compare_exchange(seen, generation, Ordering::AcqRel, Ordering::Acquire);
        }
        Ok(self.epoch.load(Ordering::Acquire))
    }

    /// What `C_GetTokenInfo` says about PINs.
    pub(crate) fn pin_flags(&self) -> Result<u64, Error> {
        let mut flags = 0;
        let plain_user = self.token.default_user().ok();
        for user in self.token.users()? {
            let (low, last, locked) = match user.role {
                Role::User => {
                    flags |= CKF_USER_PIN_INITIALIZED;
                    (CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED)
                }
                Role::Appliance => continue,
                Role::Officer | Role::Unactivated => (CKF_SO_PIN_COUNT_LOW, CKF_SO_PIN_FINAL_TRY, CKF_SO_PIN_LOCKED),
            };
            if user.role == Role::Unactivated {
                flags |= CKF_SO_PIN_TO_BE_CHANGED;
            }
            if user.id != FIRST_OFFICER && Some(user.id) != plain_user {
                continue;
            }
            flags |= match (user.failures, user.attempts_left) {
                (0, _) => 0,
                (_, 0) => locked,
                (_, 1) => low | last,
                _ => low,
            };
        }
        Ok(flags)
    }
}

/// An officer who is not activated makes, changes and destroys nothing, and manages nobody.
///
/// # Errors
/// [`Error::NotActivated`].
pub(super) fn refuse_unactivated(login: Option<&Login>) -> Result<(), Error> {
    match login {
        Some(login) if login.role == Role::Unactivated => Err(Error::NotActivated),
        _ => Ok(()),
    }
}
