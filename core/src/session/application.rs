//! What one application holds of one token: its login, its session objects and its count of sessions.
//!
//! PKCS#11 has one login per application and token, shared by all sessions (3.2 §5.6.8); it lives here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use cryptoki_sys::*;
use parking_lot::{Mutex, RwLock};
use strongroom_crypto::random::Source;

use super::builtin;
use crate::access::{self, Action, Actor};
use crate::attribute::{Flag, Template};
use crate::error::Error;
use crate::limits::{SESSION_OBJECTS_MAX, SESSIONS_MAX};
use crate::object::{Object, Ownership, UserId, birth::Maker};
use crate::policy::Policy;
use crate::seal::Role;
use crate::token::audit::{Event, Fact};
use crate::token::{Credential, FIRST_OFFICER, Login, Making, Numbered, Token, UNSEEN};

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
    /// checked in an epoch holds throughout it, save that a session object may have been destroyed, which it knows itself.
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

    /// Logs in (`C_Login`, `C_LoginUser`) for a session, if `is_open` still says that it is open when the PIN has been checked.
    pub(crate) fn log_in(
        &self,
        credential: Credential<'_>,
        is_open: impl Fn() -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.current()?;
        if let Some(login) = self.login() {
            let same = credential.name.is_none_or(|name| name.eq_ignore_ascii_case(login.name.as_bytes()));
            return Err(if login.role.answers_to(credential.role) && same {
                Error::AlreadyLoggedIn
            } else {
                Error::AnotherUserLoggedIn
            });
        }
        if credential.role.is_security_officer() {
            let counts = self.sessions.lock();
            if counts.all > counts.read_write {
                return Err(Error::ReadOnlySessionsExist);
            }
        }
        // The key derivation runs without any lock.
        let login = self.token.login(credential)?;
        let counts = self.sessions.lock();
        is_open()?;
        if login.role.is_security_officer() && counts.all > counts.read_write {
            return Err(Error::ReadOnlySessionsExist);
        }
        let mut current = self.login.write();
        if current.is_some() {
            return Err(Error::AlreadyLoggedIn);
        }
        self.actor.store(pack(login.actor()), Ordering::Release);
        *current = Some(Arc::new(login));
        // What happened during the key derivation is looked at once more, and what nobody was allowed to do is forgotten.
        self.seen.store(UNSEEN, Ordering::Release);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Logs out (`C_Logout`): private session objects go, and nothing begun with private keys goes on.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`].
    pub(crate) fn log_out(&self) -> Result<(), Error> {
        let login = self.login();
        if !self.end_login() {
            return Err(Error::NotLoggedIn);
        }
        if let Some(login) = login {
            // Logging out works whatever has become of the token.
            let _ = self.token.record_login(&login, Event::LoggedOut);
        }
        Ok(())
    }

    fn end_login(&self) -> bool {
        let ended = {
            let mut login = self.login.write();
            self.actor.store(pack(Actor::Anonymous), Ordering::Release);
            login.take().is_some()
        };
        self.logouts.fetch_add(1, Ordering::AcqRel);
        self.epoch.fetch_add(1, Ordering::AcqRel);
        let mut gone = 0;
        self.objects.retain(|object| {
            let private = object.has(Flag::Private);
            if private {
                object.retire();
                gone += 1;
            }
            !private
        });
        self.count.fetch_sub(gone, Ordering::Relaxed);
        ended
    }

    /// Who is logged in.
    pub fn login(&self) -> Option<Arc<Login>> {
        self.login.read().clone()
    }

    /// Who is logged in, as the access table knows it.
    pub fn actor(&self) -> Actor {
        unpack(self.actor.load(Ordering::Acquire))
    }

    /// How many logins ended so far.
    pub(super) fn logouts(&self) -> u64 {
        self.logouts.load(Ordering::Acquire)
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

    /// The object with this handle, if whoever is logged in may see it.
    ///
    /// # Errors
    /// [`Error::NoObject`].
    pub(crate) fn object(&self, number: u64) -> Result<Arc<Object>, Error> {
        self.current()?;
        if let Some(object) = builtin::object(number) {
            return Ok(object);
        }
        let (object, actor) = if number >= SESSION_OBJECTS_START {
            (self.objects.get(number).ok_or(Error::NoObject(number))?, self.actor())
        } else {
            let login = self.login();
            let actor = login.as_deref().map_or(Actor::Anonymous, Login::actor);
            (self.token.object(number, login.as_deref())?, actor)
        };
        access::check(Action::See, actor, &object)?;
        Ok(object)
    }

    /// The key with this handle, if whoever is logged in may use it. The approvals that takes are still to be had: operations
    /// get them from [`super::operation::KeyUse`], calls without operations from [`super::approval::Approvals`].
    ///
    /// # Errors
    /// [`Error::NoKey`]; [`Error::NotLoggedIn`].
    pub(crate) fn key_before_approval(&self, number: u64) -> Result<Arc<Object>, Error> {
        let object = self.object(number).map_err(|error| match error {
            Error::NoObject(number) => Error::NoKey(number),
            other => other,
        })?;
        if !object.kind.is_key() {
            return Err(Error::NoKey(number));
        }
        access::check(Action::Use, self.actor(), &object)?;
        Ok(object)
    }

    /// Who makes objects in session `session`.
    pub(crate) fn maker<'a>(&'a self, actor: Actor, session: u64) -> Maker<'a> {
        // If the actor logged out before this, the number differs from the one found when the object is kept, or the actor.
        let logouts = self.logouts();
        let ownership = Ownership::of(actor.user());
        let policy = self.policy();
        Maker { ownership, officer: actor.is_officer(), session, logouts, policy, random: &*self.random }
    }

    /// Keeps new objects of one owner where their `CKA_TOKEN` says, all of them or none, and returns their handles.
    /// `logouts` is how many logins had ended when the owner was settled: nobody else's login keeps them.
    pub(crate) fn keep_all(&self, objects: Vec<Object>, logouts: u64, made: Fact<'_>) -> Result<Vec<u64>, Error> {
        let (login, actor) = (self.login(), self.actor());
        objects.iter().try_for_each(|object| self.may_keep(object, login.as_deref(), actor, logouts))?;
        self.make_room(objects.iter().filter(|object| !object.has(Flag::Token)).count() as u64)?;
        let mut numbers: Vec<u64> = vec![0; objects.len()];
        let (token, session): (Vec<_>, Vec<_>) =
            objects.into_iter().zip(&mut numbers).partition(|(object, _)| object.has(Flag::Token));
        let (token, places): (Vec<Object>, Vec<&mut u64>) = token.into_iter().unzip();
        let mut gone = None;
        let mut here = Vec::with_capacity(session.len());
        for (object, place) in session {
            match self.keep_here(object, actor, logouts) {
                Ok(number) => {
                    *place = number;
                    here.push(number);
                }
                Err(error) => gone = Some(error),
            }
        }
        // What cannot be undone comes last, in one transaction.
        let kept = match gone {
            Some(error) => Err(error),
            None if token.is_empty() => Ok(Vec::new()),
            None => self.token.insert_all(token, login.as_deref(), self.making(made)),
        };
        match kept {
            Ok(kept) => kept.iter().zip(places).for_each(|(object, place)| *place = object.number),
            Err(error) => {
                for number in here {
                    self.drop_object(number);
                }
                return Err(error);
            }
        }
        Ok(numbers)
    }

    /// As [`Application::keep_all`], of one object.
    pub(crate) fn keep(&self, object: Object, logouts: u64, made: Fact<'_>) -> Result<u64, Error> {
        let (login, actor) = (self.login(), self.actor());
        self.may_keep(&object, login.as_deref(), actor, logouts)?;
        if object.has(Flag::Token) {
            let kept = self.token.insert_all(vec![object], login.as_deref(), self.making(made))?;
            return Ok(kept.first().map_or(0, |object| object.number));
        }
        self.make_room(1)?;
        self.keep_here(object, actor, logouts)
    }

    /// From now on, keys with an identifier that another key of the token has are refused ([`Error::IdTaken`]).
    pub fn demand_unique_ids(&self) {
        self.unique_ids.store(true, Ordering::Relaxed);
    }

    fn making<'a>(&self, fact: Fact<'a>) -> Making<'a> {
        Making { fact, unique_ids: self.unique_ids.load(Ordering::Relaxed) }
    }

    fn may_keep(&self, object: &Object, login: Option<&Login>, actor: Actor, logouts: u64) -> Result<(), Error> {
        refuse_unactivated(login)?;
        let user = login.map_or(UserId::NOBODY, |login| login.user);
        if user != object.ownership.owner || actor.user() != user || self.logouts() != logouts {
            return Err(Error::NotLoggedIn);
        }
        access::check(Action::Make, actor, object)
    }

    fn make_room(&self, session_objects: u64) -> Result<(), Error> {
        if self.count.fetch_add(session_objects, Ordering::Relaxed) + session_objects > SESSION_OBJECTS_MAX as u64 {
            self.count.fetch_sub(session_objects, Ordering::Relaxed);
            return Err(Error::TokenFull("the application has too many session objects".to_owned()));
        }
        Ok(())
    }

    /// Keeps an object of the session, for which there is room.
    fn keep_here(&self, mut object: Object, actor: Actor, logouts: u64) -> Result<u64, Error> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        object.number = number;
        let private = object.has(Flag::Private);
        self.objects.insert(number, Arc::new(object));
        // A logout at this very moment must not leave a private object behind.
        if private && (self.actor() != actor || self.logouts() != logouts) {
            self.drop_object(number);
            return Err(Error::NotLoggedIn);
        }
        Ok(number)
    }

    /// Replaces an object by what `change` makes of it.
    pub(crate) fn replace(
        &self,
        number: u64,
        change: &mut dyn FnMut(&Object) -> Result<Object, Error>,
    ) -> Result<(), Error> {
        let login = self.login();
        refuse_unactivated(login.as_deref())?;
        if number >= SESSION_OBJECTS_START {
            loop {
                let old = self.object(number)?;
                let new = Arc::new(change(&old)?);
                if self.objects.replace_if(number, new, |kept| Arc::ptr_eq(kept, &old)) {
                    old.retire();
                    break;
                }
            }
        } else {
            self.token.replace(number, login.as_deref(), change)?;
        }
        Ok(())
    }

    /// Destroys an object that may be destroyed.
    pub(crate) fn destroy(&self, object: &Object) -> Result<(), Error> {
        let (number, login) = (object.number, self.login());
        refuse_unactivated(login.as_deref())?;
        if number >= SESSION_OBJECTS_START {
            if !self.drop_object(number) {
                return Err(Error::NoObject(number));
            }
        } else {
            self.token.remove(object, login.as_deref())?;
        }
        Ok(())
    }

    /// The handles of all objects that match and may be seen. Built-in objects only show when asked for by class.
    pub(crate) fn search(&self, template: &Template<'_>) -> Result<Vec<u64>, Error> {
        self.current()?;
        let login = self.login();
        let actor = login.as_deref().map_or(Actor::Anonymous, Login::actor);
        let mut found = match template.flag(Flag::Token) {
            Some(false) => Vec::new(),
            _ => self.token.search(template, login.as_deref())?,
        };
        if template.flag(Flag::Token) != Some(true) {
            self.objects.for_each(|number, object| {
                if access::check(Action::See, actor, object).is_ok() && object.matches(template) {
                    found.push(number);
                }
            });
        }
        if let Some(class) = template.ulong(CKA_CLASS) {
            found
                .extend(builtin::of_class(class).filter(|object| object.matches(template)).map(|object| object.number));
        }
        Ok(found)
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

    pub(super) fn drop_object(&self, number: u64) -> bool {
        let dropped = self.objects.remove(number);
        if let Some(object) = &dropped {
            object.retire();
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        dropped.is_some()
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

/// An actor in one word: the user's number below, the role above.
fn pack(actor: Actor) -> u64 {
    match actor {
        Actor::Anonymous => 0,
        Actor::Officer(user) => 1 << 32 | u64::from(user.0),
        Actor::User(user) => 2 << 32 | u64::from(user.0),
    }
}

fn unpack(word: u64) -> Actor {
    let user = UserId(word as u32);
    match word >> 32 {
        0 => Actor::Anonymous,
        1 => Actor::Officer(user),
        _ => Actor::User(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_fit_in_a_word() {
        for actor in [Actor::Anonymous, Actor::Officer(UserId(1)), Actor::User(UserId(u32::MAX))] {
            assert_eq!(unpack(pack(actor)), actor);
        }
    }
}
