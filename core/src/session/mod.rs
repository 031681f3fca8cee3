//! Sessions: what an application does with one token, one call after another.
//!
//! | module | what for |
//! | --- | --- |
//! | [`application`] | the login and the session objects all sessions of a token share |
//! | `objects` | making, finding, reading, changing, destroying objects; generating keys |
//! | `pairs`, `wrapping`, `derivation`, `encapsulation` | keys that come of keys |
//! | `ciphers`, `signatures`, `digests`, `messages`, `message_signatures` | the operations in progress |
//! | `blocks`, `signer` | what works inside them for key pairs |
//! | `recording` | what the audit log tells of the use of keys |
//! | `dual`, `state` | two operations in one call; saving a state |
//! | `management` | users, trust, approvals |

pub mod application;
mod approval;
mod blocks;
mod builtin;
mod ciphers;
mod collected;
mod derivation;
mod digests;
mod dual;
mod encapsulation;
mod management;
mod masked;
mod message_signatures;
mod messages;
mod objects;
mod operation;
mod pairs;
mod recording;
mod signatures;
mod signer;
mod state;
mod wrapping;

use std::collections::HashSet;
use std::sync::Arc;

use cryptoki_sys::*;
use parking_lot::{Mutex, MutexGuard};

use crate::access::Actor;
use crate::error::{Error, Sought};
use crate::seal::Role;
use crate::token::{Credential, Founding, NumberHash};
use application::Application;
use ciphers::CipherOperation;
use digests::DigestOperation;
use message_signatures::MessageSignature;
use messages::MessageOperation;
use operation::{KeyedSlot, Slot};
use signatures::{RecoverOperation, SignOperation};

pub use derivation::{Derived, TlsKeys};
pub use messages::{Message, MessageKind};

/// Makes what all tokens share.
pub(crate) fn prepare() {
    builtin::of_class(CKO_PROFILE).for_each(drop);
}

/// Where the output of an operation goes (PKCS#11 3.2 §5.2).
#[derive(Debug)]
pub enum Output<'a> {
    /// Nowhere: the caller only asks how long it is.
    Length,
    /// Here.
    Buffer(&'a mut [u8]),
}

/// One session.
pub struct Session {
    /// Its handle.
    pub handle: u64,
    /// Whether it may change the token.
    pub read_write: bool,
    application: Arc<Application>,
    state: Mutex<State>,
}

/// What a session is in the middle of.
#[derive(Default)]
struct State {
    closed: bool,
    made: HashSet<u64, NumberHash>,
    found: Option<std::vec::IntoIter<u64>>,
    encryption: Slot<CipherOperation>,
    decryption: Slot<CipherOperation>,
    digest: Slot<DigestOperation>,
    signature: Slot<SignOperation>,
    verification: Slot<SignOperation>,
    sign_recovery: Slot<RecoverOperation>,
    verify_recovery: Slot<RecoverOperation>,
    message_encryption: Slot<MessageOperation>,
    message_decryption: Slot<MessageOperation>,
    message_signature: Slot<MessageSignature>,
    message_verification: Slot<MessageSignature>,
}

/// What `C_GetSessionInfo` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionInfo {
    /// The slot.
    pub slot: u64,
    /// `CKS_*`.
    pub state: u64,
    /// `CKF_RW_SESSION`, `CKF_SERIAL_SESSION`.
    pub flags: u64,
    /// Always 0.
    pub device_error: u64,
}

impl Session {
    /// Opens a session.
    pub(crate) fn open(application: Arc<Application>, handle: u64, read_write: bool) -> Result<Session, Error> {
        application.enter(read_write)?;
        Ok(Session { handle, read_write, application, state: Mutex::default() })
    }

    /// Closes the session: what it made and was in the middle of is gone.
    pub(crate) fn close(&self) {
        let made = {
            let mut state = self.state.lock();
            if state.closed {
                return;
            }
            let made = std::mem::take(&mut *state).made;
            state.closed = true;
            made
        };
        self.application.leave(self.read_write, made.into_iter());
    }

    /// The application's view of the token.
    pub fn application(&self) -> &Arc<Application> {
        &self.application
    }

    /// What the session is (`C_GetSessionInfo`, PKCS#11 3.2 §5.6.4).
    ///
    /// # Errors
    /// The store's.
    pub fn info(&self) -> Result<SessionInfo, Error> {
        self.application.current()?;
        let state = match (self.application.actor(), self.read_write) {
            // An officer who is not activated.
            (Actor::Anonymous, true) if self.application.login().is_some() => CKS_RW_SO_FUNCTIONS,
            (Actor::Anonymous, false) => CKS_RO_PUBLIC_SESSION,
            (Actor::Anonymous, true) => CKS_RW_PUBLIC_SESSION,
            (Actor::User(_), false) => CKS_RO_USER_FUNCTIONS,
            (Actor::User(_), true) => CKS_RW_USER_FUNCTIONS,
            (Actor::Officer(_), _) => CKS_RW_SO_FUNCTIONS,
        };
        let flags = CKF_SERIAL_SESSION | if self.read_write { CKF_RW_SESSION } else { 0 };
        Ok(SessionInfo { slot: self.application.slot, state, flags, device_error: 0 })
    }

    /// Logs in (`C_Login`, `C_LoginUser`, PKCS#11 3.2 §5.6.8 and §5.6.9).
    ///
    /// # Errors
    /// The PIN's; [`Error::AlreadyLoggedIn`], [`Error::AnotherUserLoggedIn`], [`Error::ReadOnlySessionsExist`];
    /// [`Error::OperationNotInitialized`] for a context-specific login nobody waits for.
    pub fn login(&self, user_type: u64, pin: Option<&[u8]>, name: Option<&[u8]>) -> Result<(), Error> {
        let role = match user_type {
            CKU_SO => Role::Officer,
            CKU_USER => Role::User,
            CKU_CONTEXT_SPECIFIC => return self.login_for_operation(pin.ok_or(NO_PIN_PAD)?),
            _ => return Err(Error::NoSuchUser(Sought::Type(user_type))),
        };
        let pin = pin.ok_or(NO_PIN_PAD)?;
        let credential = Credential { role, name: name.filter(|name| !name.is_empty()), pin };
        self.application.log_in(credential, || self.state().map(drop))
    }

    /// Logs out (`C_Logout`, PKCS#11 3.2 §5.6.10).
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`].
    pub fn logout(&self) -> Result<(), Error> {
        // Logging out works whatever has become of the token.
        let _ = self.application.current();
        self.application.log_out()
    }

    /// Lets go of the keys of operations that are over, and of active ones that a logout ended. A session in the middle
    /// of a call keeps its own until its next step finds out.
    pub(crate) fn forget_keys(&self) {
        if let Some(mut state) = self.state.try_lock() {
            state.forget_private();
        }
    }

    /// Sets the user's PIN as the officer (`C_InitPIN`, PKCS#11 3.2 §5.5.8).
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but the officer, the PIN's.
    pub fn init_pin(&self, pin: Option<&[u8]>) -> Result<(), Error> {
        let pin = pin.ok_or(NO_PIN_PAD)?;
        self.application.current()?;
        let officer = self.application.login().ok_or(Error::NotLoggedIn)?;
        self.application.token().init_pin(&officer, pin)
    }

    /// Changes the PIN of whoever is logged in, or of the normal user (`C_SetPIN`, PKCS#11 3.2 §5.5.9). It activates an
    /// officer who is not, and ends that login.
    ///
    /// # Errors
    /// [`Error::SessionReadOnly`], the PINs'.
    pub fn set_pin(&self, old: Option<&[u8]>, new: Option<&[u8]>) -> Result<(), Error> {
        let (old, new) = (old.ok_or(NO_PIN_PAD)?, new.ok_or(NO_PIN_PAD)?);
        if !self.read_write {
            return Err(Error::SessionReadOnly);
        }
        self.application.current()?;
        let token = self.application.token();
        match self.application.login() {
            Some(login) => token.set_pin(login.user, old_password(&login.name, old), old_password(&login.name, new)),
            None => token.set_pin(token.default_user()?, old, new),
        }
    }

    /// Ends operations (`C_SessionCancel`, PKCS#11 3.2 §5.6.11).
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn cancel(&self, flags: u64) -> Result<(), Error> {
        let mut state = self.state()?;
        let asked = |flag: CK_FLAGS| flags & flag != 0;
        if asked(CKF_FIND_OBJECTS) {
            state.found = None;
        }
        if asked(CKF_ENCRYPT) {
            state.encryption.end();
        }
        if asked(CKF_DECRYPT) {
            state.decryption.end();
        }
        if asked(CKF_DIGEST) {
            state.digest.end();
        }
        if asked(CKF_SIGN) {
            state.signature.end();
        }
        if asked(CKF_VERIFY) {
            state.verification.end();
        }
        if asked(CKF_SIGN_RECOVER) {
            state.sign_recovery.end();
        }
        if asked(CKF_VERIFY_RECOVER) {
            state.verify_recovery.end();
        }
        if asked(CKF_MESSAGE_ENCRYPT) {
            state.message_encryption.end();
        }
        if asked(CKF_MESSAGE_DECRYPT) {
            state.message_decryption.end();
        }
        if asked(CKF_MESSAGE_SIGN) {
            state.message_signature.end();
        }
        if asked(CKF_MESSAGE_VERIFY) {
            state.message_verification.end();
        }
        Ok(())
    }

    /// The flags of this session's validations (`C_GetSessionValidationFlags`, PKCS#11 3.2 §5.6.12): nobody validated
    /// this module, so there are none.
    ///
    /// # Errors
    /// [`Error::Arguments`] for a kind the standard does not know.
    pub fn validation_flags(&self, kind: u64) -> Result<u64, Error> {
        drop(self.state()?);
        match kind {
            CKS_LAST_VALIDATION_OK => Ok(0),
            _ => Err(Error::Arguments("the only kind of validation flags is CKS_LAST_VALIDATION_OK")),
        }
    }

    /// Mixes the caller's entropy in (`C_SeedRandom`, PKCS#11 3.2 §5.21.1).
    ///
    /// # Errors
    /// The generator's.
    pub fn seed_random(&self, seed: &[u8]) -> Result<(), Error> {
        Ok(strongroom_crypto::random::reseed_with(seed)?)
    }

    /// Random bytes (`C_GenerateRandom`, PKCS#11 3.2 §5.21.2).
    ///
    /// # Errors
    /// The generator's.
    pub fn random(&self, out: &mut [u8]) -> Result<(), Error> {
        Ok(self.application.random.fill(out)?)
    }

    /// The state, of a session that is still open.
    fn state(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.state.lock();
        if state.closed { Err(Error::NoSession(self.handle)) } else { Ok(state) }
    }

    /// A login for the operations that wait for one (`CKA_ALWAYS_AUTHENTICATE`).
    fn login_for_operation(&self, pin: &[u8]) -> Result<(), Error> {
        if !self.state()?.waiting().any(|waits| *waits) {
            return Err(Error::OperationNotInitialized);
        }
        let login = self.application.login().ok_or(Error::NotLoggedIn)?;
        self.application.token().verify_pin(&login, old_password(&login.name, pin))?;
        // One login, one operation.
        if let Some(waits) = self.state()?.waiting().find(|waits| **waits) {
            *waits = false;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

impl State {
    /// Every operation with a key.
    fn keyed(&mut self) -> [&mut dyn KeyedSlot; 10] {
        [
            &mut self.encryption,
            &mut self.decryption,
            &mut self.signature,
            &mut self.verification,
            &mut self.sign_recovery,
            &mut self.verify_recovery,
            &mut self.message_encryption,
            &mut self.message_decryption,
            &mut self.message_signature,
            &mut self.message_verification,
        ]
    }

    /// For each active operation with a key: whether it waits for a login of its own.
    fn waiting(&mut self) -> impl Iterator<Item = &mut bool> {
        self.keyed().into_iter().filter_map(KeyedSlot::waiting)
    }

    /// Lets go of the keys of finished operations, and of private keys.
    fn forget_private(&mut self) {
        self.keyed().into_iter().for_each(KeyedSlot::forget_private);
    }

    /// Forgets a finished operation's key, so that a destroyed key is gone at once.
    fn forget_key(&mut self, number: u64) {
        self.keyed().into_iter().for_each(|slot| slot.forget(number));
    }
}

/// There is no PIN pad, so a missing PIN is no PIN.
const NO_PIN_PAD: Error = Error::Arguments("a PIN is needed: the token has no keypad of its own");

/// The password in a PIN that was given as `name:password` by the user of that name.
fn old_password<'a>(name: &str, pin: &'a [u8]) -> &'a [u8] {
    match pin.iter().position(|byte| *byte == b':') {
        Some(at) if name != Founding::Plain.first_officer() && pin[..at].eq_ignore_ascii_case(name.as_bytes()) => {
            &pin[at + 1..]
        }
        _ => pin,
    }
}
