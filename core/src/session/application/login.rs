//! The login of an application: who its sessions speak for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Application;
use crate::access::Actor;
use crate::attribute::Flag;
use crate::error::Error;
use crate::object::UserId;
use crate::token::audit::Event;
use crate::token::{Credential, Login, UNSEEN};

impl Application {
    /// Logs in (`C_Login`, `C_LoginUser`) for a session, if `is_open` still says that it is open when the PIN has been
    /// checked.
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
        // What happened during the key derivation is looked at once more, and what nobody was allowed to do is
        // forgotten.
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

    pub(super) fn end_login(&self) -> bool {
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
    pub(in crate::session) fn logouts(&self) -> u64 {
        self.logouts.load(Ordering::Acquire)
    }
}

/// An actor in one word: the user's number below, the role above.
pub(super) fn pack(actor: Actor) -> u64 {
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
