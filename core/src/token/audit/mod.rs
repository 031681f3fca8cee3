//! The audit log of a token: what was done to it and, where that is asked for, with it.
//!
//! An entry is written in the transaction of what it tells, so it is there exactly if that happened. Each names the
//! hash of the one before it, and carries a MAC under a key of its own. The key of the next entry lies in the head of
//! the log, so that any process can go on with it; the keys before it are gone. The first one follows from what all
//! officers know. So whoever can write the files can neither change, nor take away, nor put in anything before the
//! entry at which he came, without an officer's seeing it: see `verify`.

mod entry;
mod event;
mod verify;

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use cryptoki_sys::{CKR_PIN_INCORRECT, CKR_PIN_LOCKED};
use zeroize::Zeroizing;

use super::objects::expect;
use super::{Login, Meta, Token, layout};
use crate::attribute::Flag;
use crate::clock::Clock;
use crate::error::Error;
use crate::object::UserId;
use crate::object::codec::damaged;
use crate::seal::User;
use crate::store::{Aborted, Transaction};
use entry::{Head, MacKey, hash_of};

pub use entry::{Entry, Hash};
pub use event::{Event, Second};
pub use verify::{Mark, PROBLEMS_MAX, Problem, Report};

/// How much is logged; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// What is done to the token, its users and its objects.
    #[default]
    Management,
    /// Logins as well.
    Logins,
    /// Every use of a token key as well, before it begins.
    Use,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Level, String> {
        match name {
            "management" => Ok(Level::Management),
            "logins" => Ok(Level::Logins),
            "use" => Ok(Level::Use),
            _ => Err(format!("\"{name}\" is not one of management, logins, use")),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Management => "management",
            Level::Logins => "logins",
            Level::Use => "use",
        })
    }
}

/// What an entry tells, apart from when, where and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    event: Event,
    object: u64,
    second: u64,
    mechanism: Option<u64>,
    result: u64,
    name: &'a str,
}

impl<'a> Fact<'a> {
    /// Something that happened.
    pub fn of(event: Event) -> Fact<'a> {
        Fact { event, object: 0, second: 0, mechanism: None, result: 0, name: "" }
    }

    /// Something that happened to, or with, an object.
    pub fn object(self, object: u64) -> Fact<'a> {
        Fact { object, ..self }
    }

    /// Another object that took part.
    pub fn second(self, second: u64) -> Fact<'a> {
        Fact { second, ..self }
    }

    /// That was refused, for this reason.
    pub fn refused(self, error: &Error) -> Fact<'a> {
        Fact { result: error.rv(), ..self }
    }

    /// By a mechanism.
    pub fn by(self, mechanism: u64) -> Fact<'a> {
        Fact { mechanism: Some(mechanism), ..self }
    }

    /// Something that happened to a user.
    pub fn user(event: Event, user: &'a User) -> Fact<'a> {
        Fact { second: u64::from(user.id.0), name: &user.name, ..Fact::of(event) }
    }
}

/// By whom.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    user: UserId,
    role: u8,
}

impl From<&Login> for Who {
    fn from(login: &Login) -> Who {
        Who { user: login.user, role: login.role as u8 }
    }
}

impl From<Option<&Login>> for Who {
    fn from(login: Option<&Login>) -> Who {
        login.map_or(Who { user: UserId::NOBODY, role: 0 }, Who::from)
    }
}

/// Who has shown to be this user.
impl From<&User> for Who {
    fn from(user: &User) -> Who {
        Who { user: user.id, role: user.role as u8 }
    }
}

/// When, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    time_ms: u64,
    process: u32,
    system_user: u32,
}

impl Stamp {
    pub(super) fn now(clock: &dyn Clock) -> Stamp {
        let system_user = rustix::process::getuid().as_raw();
        Stamp { time_ms: clock.now_ms(), process: std::process::id(), system_user }
    }
}

/// Begins a log. `previous` is the hash of the last record of the log before it, or zeros.
pub(super) fn begin(
    transaction: &mut dyn Transaction,
    first_key: &Zeroizing<[u8; 32]>,
    previous: Hash,
) -> Result<(), Aborted> {
    let head = Head { next: 1, hash: previous, key: MacKey::first(first_key.clone()) };
    Ok(transaction.put(layout::AUDIT_HEAD, &head.encode())?)
}

/// The hash of the last record, to begin the next log with; zeros where that cannot be read.
pub(super) fn last_hash(transaction: &mut dyn Transaction) -> Result<Hash, Aborted> {
    let record = transaction.get(layout::AUDIT_HEAD)?.map(Zeroizing::new);
    Ok(record.and_then(|record| Head::decode(&record).ok()).map_or([0; 32], |head| head.hash))
}

/// Takes away what is there of a log, and returns the hash with which it ended, as [`last_hash`].
pub(super) fn clear(transaction: &mut dyn Transaction) -> Result<Hash, Aborted> {
    let last = last_hash(transaction)?;
    let mut keys = Vec::new();
    transaction.scan(layout::AUDIT, None, &mut |key, _| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    keys.iter().try_for_each(|key| transaction.delete(key))?;
    Ok(last)
}

/// Appends an entry, in the transaction of what it tells: both are there, or neither.
///
/// # Errors
/// The store's; [`Error::Damaged`] where the head is not what it was.
pub(super) fn append(transaction: &mut dyn Transaction, stamp: Stamp, who: Who, fact: Fact<'_>) -> Result<(), Aborted> {
    let record = transaction.get(layout::AUDIT_HEAD)?.map(Zeroizing::new);
    let record = record.ok_or_else(|| damaged("the audit log has no head"))?;
    let head = Head::decode(&record)?;
    let key = layout::audit_entry(head.next);
    let after = head.next.checked_add(1).filter(|after| *after <= SEQUENCE_MAX);
    let (Some(after), None) = (after.filter(|_| head.next > 0), transaction.get(&key)?) else {
        return Err(damaged("the head of the audit log was set back").into());
    };
    let entry = Entry {
        sequence: head.next,
        time_ms: stamp.time_ms,
        event: fact.event,
        user: who.user,
        role: who.role,
        process: stamp.process,
        system_user: stamp.system_user,
        object: fact.object,
        second: fact.second,
        mechanism: fact.mechanism,
        result: fact.result,
        name: fact.name.to_owned(),
        previous: head.hash,
    };
    let record = entry.seal(&head.key);
    transaction.put(&key, &record)?;
    let head = Head { next: after, hash: hash_of(&record)?, key: head.key.next() };
    Ok(transaction.put(layout::AUDIT_HEAD, &head.encode())?)
}

impl Token {
    /// Logs what the transaction does.
    pub(super) fn record(
        &self,
        transaction: &mut dyn Transaction,
        who: impl Into<Who>,
        fact: Fact<'_>,
    ) -> Result<(), Aborted> {
        append(transaction, Stamp::now(&*self.clock), who.into(), fact)
    }

    /// Logs that a user's PIN was wrong, and whether it was the last try.
    ///
    /// # Errors
    /// As [`Token::record_alone`].
    pub(super) fn record_wrong_pin(&self, meta: &Meta, user: &User, is_last: bool) -> Result<(), Error> {
        let wrong = Fact { result: CKR_PIN_INCORRECT, ..Fact::user(Event::PinWrong, user) };
        let locked = Fact { result: CKR_PIN_LOCKED, ..Fact::user(Event::UserLocked, user) };
        self.store.transact(&mut |transaction| {
            expect(transaction, meta, None)?;
            self.record(transaction, None, wrong)?;
            if is_last { self.record(transaction, None, locked) } else { Ok(()) }
        })?;
        Ok(())
    }

    /// Logs what needs no other change of the token.
    ///
    /// # Errors
    /// The store's; [`Error::NotLoggedIn`] where the token or the login is not what it was.
    pub(crate) fn record_alone(&self, login: Option<&Login>, fact: Fact<'_>) -> Result<(), Error> {
        let meta = self.meta()?;
        self.store.transact(&mut |transaction| {
            expect(transaction, &meta, login)?;
            self.record(transaction, login, fact)
        })?;
        Ok(())
    }

    /// Logs a login, a logout or a login for one use, where that is asked for.
    ///
    /// # Errors
    /// As [`Token::record_alone`].
    pub(crate) fn record_login(&self, login: &Login, event: Event) -> Result<(), Error> {
        if self.audit < Level::Logins {
            return Ok(());
        }
        self.record_alone(Some(login), Fact::of(event))
    }

    /// Whether the use of keys is logged. Costs nothing.
    pub(crate) fn records_use(&self) -> bool {
        self.audit == Level::Use
    }

    /// Logs that the key of the token with this number is about to be used. A use that cannot be logged must not go on.
    ///
    /// # Errors
    /// As [`Token::record_alone`].
    pub(crate) fn record_use(&self, key: u64, usage: Flag, mechanism: u64, login: Option<&Login>) -> Result<(), Error> {
        self.record_alone(login, Fact::of(Event::of_use(usage)?).object(key).by(mechanism))
    }

    /// Visits the entries in their order, each with its place, until `visit` breaks. They are in the clear: nobody has
    /// to log in to read them, and only [`Token::verify_audit`] says whether they are true.
    ///
    /// # Errors
    /// The store's.
    pub fn audit_entries(
        &self,
        visit: &mut dyn FnMut(u64, Result<Entry, Error>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.store.scan(layout::AUDIT, None, &mut |key, record| match layout::audit_sequence(key) {
            Some(sequence) => visit(sequence, Entry::decode(record)),
            None => ControlFlow::Continue(()),
        })?;
        Ok(())
    }
}

/// Sequences stay below this, so that no entry's key begins as the head's.
pub(super) const SEQUENCE_MAX: u64 = 1 << 62;
