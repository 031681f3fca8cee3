//! Ordered key-value storage of one token: the trait, and its engines.
//!
//! The layout of a token (objects, users, tags, counters) is written once above this trait; an engine only keeps
//! bytes. Every engine passes the same conformance suite (`conformance`).
//!
//! Rules an engine keeps:
//! - A transaction is all or nothing, and durable when [`Store::transact`] returns `Ok`.
//! - Writers wait for each other, in this process and across processes; waiting is never an error until
//!   [`crate::limits::STORE_WAIT_MS`] has passed.
//! - Reads outside a transaction see committed data only, and never wait for a writer.
//! - [`Store::generation`] differs from an earlier answer if any process was told since that its commit is done.

mod memory;
mod range;
mod sqlite;

#[cfg(test)]
mod conformance;

pub use memory::MemoryStore;
pub use sqlite::SqliteStore;

use std::fmt;
use std::ops::ControlFlow;

/// Keys and values of one token, in ascending byte order of the keys.
pub trait Store: Send + Sync {
    /// The value at `key`, if there is one.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Visits the pairs whose key starts with `prefix`, and is greater than `after` where that is given, in key order,
    /// until `visit` breaks. All pairs visited belong to one snapshot.
    ///
    /// `visit` must not call the store.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError>;

    /// Runs `body` with exclusive write access and commits what it did; an error from `body` undoes all of it.
    ///
    /// `body` may run more than once (an engine without locks repeats it after a conflict), so it must not have
    /// side effects of its own, and it must not call the store other than through its argument.
    fn transact(&self, body: Body<'_>) -> Result<(), Aborted>;

    /// A number that has changed once a commit is reported done to whoever made it, in whatever process. Costs
    /// nanoseconds.
    fn generation(&self) -> u64;

    /// Rewrites everything, so that no trace of a deleted or replaced value is left in the engine's files, as far as
    /// the file system allows. Takes seconds for large tokens, while writers wait.
    fn compact(&self) -> Result<(), StoreError>;

    /// Checks the engine's own structures, reading everything; the problems found, in words for the administrator.
    fn check(&self) -> Result<Vec<String>, StoreError>;
}

/// Called with each key and value of a scan.
pub type Visitor<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// The work of one transaction.
pub type Body<'a> = &'a mut dyn FnMut(&mut dyn Transaction) -> Result<(), Aborted>;

/// Reads and writes inside one transaction: reads see the writes that came before them.
pub trait Transaction {
    /// As [`Store::get`].
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// As [`Store::scan`]; `visit` must not use the transaction.
    fn scan(&mut self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError>;
    /// Sets `key` to `value`, replacing what was there.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    /// Removes `key`; absent is fine.
    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError>;
}

/// Why a transaction left no trace.
#[derive(Debug)]
pub enum Aborted {
    /// The engine failed.
    Store(StoreError),
    /// The body gave up, for a reason of the floor above.
    Body(Box<crate::error::Error>),
}

impl From<StoreError> for Aborted {
    fn from(error: StoreError) -> Self {
        Aborted::Store(error)
    }
}

impl From<crate::error::Error> for Aborted {
    fn from(error: crate::error::Error) -> Self {
        Aborted::Body(Box::new(error))
    }
}

/// What an engine can fail with. The text is for the administrator: which file, what happened, what to do.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StoreError {
    /// Another writer held the store for longer than [`crate::limits::STORE_WAIT_MS`].
    Busy(String),
    /// The disk is full or a quota is exhausted.
    Full(String),
    /// The medium or its permissions do not allow writing.
    ReadOnly(String),
    /// The file is not a store, is of a later version, or is damaged.
    Damaged(String),
    /// Reading or writing failed.
    Io(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, text) = match self {
            StoreError::Busy(text) => ("the token store is busy", text),
            StoreError::Full(text) => ("the token store is full", text),
            StoreError::ReadOnly(text) => ("the token store is read-only", text),
            StoreError::Damaged(text) => ("the token store is damaged", text),
            StoreError::Io(text) => ("the token store cannot be read or written", text),
        };
        write!(f, "{what}: {text}")
    }
}

impl std::error::Error for StoreError {}
