//! The objects an application sees: those its sessions made, those of the token and those that are built in. Where each
//! new one is kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cryptoki_sys::*;

use super::{Application, SESSION_OBJECTS_START, refuse_unactivated};
use crate::access::{self, Action, Actor};
use crate::attribute::{Flag, Template};
use crate::error::Error;
use crate::limits::SESSION_OBJECTS_MAX;
use crate::object::{Object, Ownership, UserId, birth::Maker};
use crate::session::builtin;
use crate::token::audit::Fact;
use crate::token::{Login, Making};

impl Application {
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

    /// The key with this handle, if whoever is logged in may use it. The approvals that takes are still to be had:
    /// operations get them from [`crate::session::operation::KeyUse`], calls without operations from
    /// [`crate::session::approval::Approvals`].
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
        // If the actor logged out before this, the number differs from the one found when the object is kept, or the
        // actor.
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
        let of_the_token = object.origin.is_some();
        let number = self.keep_here(object, actor, logouts)?;
        if of_the_token && let Err(error) = self.record_copy(made) {
            self.drop_object(number);
            return Err(error);
        }
        Ok(number)
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

    pub(in crate::session) fn drop_object(&self, number: u64) -> bool {
        let dropped = self.objects.remove(number);
        if let Some(object) = &dropped {
            object.retire();
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        dropped.is_some()
    }
}
