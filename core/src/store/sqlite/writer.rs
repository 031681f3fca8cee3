//! The one writing connection of a process, and group commit.
//!
//! Threads take turns on the connection. Who finishes its body while others wait does not commit: it passes the open
//! transaction on, and sleeps until the batch's outcome is known; the last in the row, or the one that makes the batch
//! large or old enough, commits for all. A body runs inside a savepoint when it is not the first, so its failure undoes
//! itself alone. Whoever took part, successfully or not, returns after the outcome: even a refusal may rest on what
//! the batch had changed.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rusqlite::{Connection, Error};

use super::connection::{self, Purpose};
use super::generation::Generation;
use super::jitter;
use super::place::{Place, is_busy};
use crate::limits::STORE_WAIT_MS;
use crate::store::{Aborted, Body, StoreError, Transaction, Visitor};

/// Serialises the writers of one process.
#[derive(Default)]
pub(super) struct Writer {
    turns: Mutex<Turns>,
    /// Signalled when the connection becomes free.
    freed: Condvar,
}

#[derive(Default)]
struct Turns {
    taken: bool,
    /// Kept here between turns, with the batch's transaction open if there is a batch; opened at the first turn.
    session: Option<Box<Session>>,
    batch: Option<Arc<Batch>>,
    waiting: usize,
}

/// The connection and what a turn needs to know about it.
struct Session {
    connection: Connection,
    /// Bodies in the open transaction.
    members: usize,
    begun: Instant,
    changed: bool,
    /// Something was deleted or replaced: its old bytes are still in the log.
    erasure_due: bool,
    erased: Option<Instant>,
    /// When other processes last had a chance.
    polite: Instant,
    queue: Option<File>,
    /// The connection failed in a way that makes it unfit for the next turn.
    broken: bool,
    ever_changed: bool,
}

/// The fate of one transaction, shared by all whose bodies are in it.
#[derive(Default)]
struct Batch {
    outcome: Mutex<Option<Result<(), StoreError>>>,
    known: Condvar,
}

/// What a body came to.
enum Ran {
    Done,
    Refused(Aborted),
    Panicked(Box<dyn Any + Send>),
}

impl Writer {
    /// As [`crate::store::Store::transact`].
    pub(super) fn transact(&self, place: &Place, generation: &Generation, body: Body<'_>) -> Result<(), Aborted> {
        let mut turn = Turn::take(self, connection::deadline())?;
        let ran = turn.run(place, body)?;
        let committed = match turn.pass_on() {
            Some(batch) => batch.wait(),
            None => turn.commit(place, generation),
        };
        match (ran, committed) {
            (Ran::Panicked(panic), _) => resume_unwind(panic),
            (_, Err(error)) => Err(error.into()),
            (Ran::Refused(reason), Ok(())) => Err(reason),
            (Ran::Done, Ok(())) => Ok(()),
        }
    }

    /// Runs `work` under the write lock if that is free at once.
    pub(super) fn with_lock_if_free(&self, place: &Place, work: impl FnOnce()) {
        let Some(mut turn) = Turn::take_if_idle(self) else { return };
        if let Ok(session) = turn.session(place)
            && session.try_begin().is_ok()
        {
            work();
            session.abandon();
        }
    }

    /// As [`crate::store::Store::compact`].
    pub(super) fn compact(&self, place: &Place, generation: &Generation) -> Result<(), StoreError> {
        let mut turn = Turn::take(self, connection::deadline())?;
        if turn.session(place)?.members > 0 {
            turn.commit_batch(place, generation)?;
        }
        let session = turn.session(place)?;
        connection::patiently(|| connection::rewrite(&session.connection))
            .and_then(|()| connection::patiently(|| connection::truncate_log(&session.connection)))
            .map(drop)
            .map_err(|error| place.failed("compacting", &error))
    }
}

impl Drop for Writer {
    /// Merges the log, so that the database file is complete by itself, and what was deleted is gone.
    fn drop(&mut self) {
        if let Some(session) = self.turns.get_mut().session.as_mut()
            && session.ever_changed
        {
            // If others use the token now, it is for them to do.
            let _ = connection::truncate_log(&session.connection);
        }
    }
}

/// The exclusive use of the connection. Dropping it, in whatever state, lets the next thread go on.
struct Turn<'a> {
    writer: &'a Writer,
    session: Option<Box<Session>>,
    batch: Option<Arc<Batch>>,
    released: bool,
}

impl<'a> Turn<'a> {
    fn take(writer: &'a Writer, deadline: Instant) -> Result<Self, StoreError> {
        let mut turns = writer.turns.lock();
        turns.waiting += 1;
        // Whether it is free is asked before the time: a batch passed on to those who wait must not be left lying.
        while turns.taken {
            if writer.freed.wait_until(&mut turns, deadline).timed_out() && turns.taken {
                turns.waiting -= 1;
                let text = format!("other threads of this process have been changing it for {STORE_WAIT_MS} ms");
                return Err(StoreError::Busy(text));
            }
        }
        turns.waiting -= 1;
        turns.taken = true;
        Ok(Self { writer, session: turns.session.take(), batch: turns.batch.take(), released: false })
    }

    /// A turn without waiting, and not in the middle of a batch.
    fn take_if_idle(writer: &'a Writer) -> Option<Self> {
        let mut turns = writer.turns.lock();
        if turns.taken || turns.batch.is_some() {
            return None;
        }
        turns.taken = true;
        Some(Self { writer, session: turns.session.take(), batch: None, released: false })
    }

    fn release(&mut self, mut turns: MutexGuard<'_, Turns>) {
        self.released = true;
        turns.taken = false;
        drop(turns);
        self.writer.freed.notify_one();
    }

    fn session(&mut self, place: &Place) -> Result<&mut Session, StoreError> {
        let session = match self.session.take() {
            Some(session) if !session.broken => session,
            _ => Box::new(Session::open(place)?),
        };
        Ok(self.session.insert(session))
    }

    /// Runs `body` in the transaction of the batch, or in a new one.
    fn run(&mut self, place: &Place, body: Body<'_>) -> Result<Ran, StoreError> {
        let session = self.session(place)?;
        if session.members == 0 {
            session.begin(place)?;
        }
        let (ran, lost) = session.run(place, body);
        if let Some(error) = lost
            && let Some(batch) = self.batch.take()
        {
            batch.settle(Err(error));
        }
        Ok(ran)
    }

    /// Leaves the open transaction to those who wait for their turn, if there are any: the batch whose outcome is to
    /// be waited for. `None` if this thread has to end the transaction itself.
    fn pass_on(&mut self) -> Option<Arc<Batch>> {
        let session = self.session.as_ref()?;
        let full = session.members >= BATCH_MEMBERS_MAX || session.begun.elapsed() >= BATCH_AGE_MAX;
        if session.members == 0 || full {
            return None;
        }
        let mut turns = self.writer.turns.lock();
        if turns.waiting == 0 {
            return None;
        }
        // Under the lock since they were counted: nobody who waits leaves while the connection is free.
        let batch = Arc::clone(self.batch.get_or_insert_default());
        turns.session = self.session.take();
        turns.batch = self.batch.take();
        self.release(turns);
        Some(batch)
    }

    /// Ends the turn, and the transaction if one is open.
    fn commit(mut self, place: &Place, generation: &Generation) -> Result<(), StoreError> {
        let outcome = self.commit_batch(place, generation);
        if let Some(session) = self.session.as_mut() {
            session.erase();
        }
        outcome
    }

    fn commit_batch(&mut self, place: &Place, generation: &Generation) -> Result<(), StoreError> {
        let Some(session) = self.session.as_mut().filter(|session| session.members > 0) else { return Ok(()) };
        let outcome = session.commit(place, generation);
        if let Some(batch) = self.batch.take() {
            batch.settle(outcome.clone());
        }
        outcome
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        // An open transaction is left here only by a panic outside the bodies.
        if let Some(batch) = self.batch.take() {
            batch.settle(Err(StoreError::Io("the transaction was given up half-way".into())));
        }
        let session = self.session.take().filter(|session| !session.broken && session.members == 0);
        let mut turns = self.writer.turns.lock();
        turns.session = session;
        self.release(turns);
    }
}

impl Session {
    fn open(place: &Place) -> Result<Self, StoreError> {
        let connection = connection::open(place, Purpose::Write).map_err(|error| place.failed("opening", &error))?;
        connection::ensure_log_mode(&connection).map_err(|error| place.failed("preparing to write", &error))?;
        let now = Instant::now();
        Ok(Self {
            connection,
            members: 0,
            begun: now,
            changed: false,
            erasure_due: false,
            erased: None,
            polite: now,
            queue: File::open(place.counter()).ok(),
            broken: false,
            ever_changed: false,
        })
    }

    /// Starts a transaction as a writer; never a reading one that would be upgraded, which can fail half-way.
    fn try_begin(&mut self) -> Result<(), Error> {
        connection::run(&self.connection, "BEGIN IMMEDIATE")?;
        self.begun = Instant::now();
        self.changed = false;
        Ok(())
    }

    fn begin(&mut self, place: &Place) -> Result<(), StoreError> {
        self.give_way();
        let deadline = connection::deadline();
        let mut queued = false;
        let result = loop {
            match self.try_begin() {
                Err(error) if is_busy(&error) && Instant::now() < deadline => {
                    // Joining can fail while a busy process looks at the queue, so try again each time.
                    queued = queued || self.queue.as_ref().is_some_and(|queue| queue.try_lock_shared().is_ok());
                    self.polite = Instant::now();
                    connection::pause();
                }
                result => break result,
            }
        };
        if queued && let Some(queue) = &self.queue {
            let _ = queue.unlock();
        }
        result.map_err(|error| {
            self.broken = !is_busy(&error);
            place.failed(&format!("waiting up to {STORE_WAIT_MS} ms to write"), &error)
        })
    }

    /// Leaves a gap for other processes if this one has written without pause for long. They poll, and would hardly
    /// ever meet the moment between two transactions. Those who wait hold a shared lock on the counter file, which the
    /// kernel takes back when they die.
    fn give_way(&mut self) {
        if self.polite.elapsed() < UNINTERRUPTED_MAX {
            return;
        }
        if let Some(queue) = &self.queue {
            match queue.try_lock() {
                Ok(()) => drop(queue.unlock()),
                Err(_) => thread::sleep(jitter(GAP_MIN..GAP_MAX)),
            }
        }
        self.polite = Instant::now();
    }

    /// Runs `body`; also the error with which the whole transaction was lost, if it was.
    fn run(&mut self, place: &Place, body: Body<'_>) -> (Ran, Option<StoreError>) {
        let nested = self.members > 0;
        if nested && let Err(error) = connection::run(&self.connection, "SAVEPOINT body") {
            let error = place.failed("starting", &error);
            return (Ran::Refused(error.clone().into()), self.lost_unless_open(error));
        }
        let mut transaction = SqliteTransaction::new(&self.connection, place);
        let result = catch_unwind(AssertUnwindSafe(|| body(&mut transaction)));
        let SqliteTransaction { failure, changed, erased, .. } = transaction;
        let ran = match (result, failure) {
            (Err(panic), _) => Ran::Panicked(panic),
            (Ok(Err(reason)), _) => Ran::Refused(reason),
            // The body ignored it; half a transaction must not be committed.
            (Ok(Ok(())), Some(failure)) => Ran::Refused(failure.into()),
            (Ok(Ok(())), None) => Ran::Done,
        };
        if matches!(ran, Ran::Done) {
            self.changed |= changed;
            self.erasure_due |= erased;
            let released = if nested { connection::run(&self.connection, "RELEASE body") } else { Ok(()) };
            let lost = released.err().map(|error| place.failed("ending", &error));
            let lost = lost.or_else(|| self.connection.is_autocommit().then(|| vanished(place)));
            return match lost {
                None => {
                    self.members += 1;
                    (ran, None)
                }
                Some(error) => {
                    self.abandon();
                    (Ran::Refused(error.clone().into()), Some(error))
                }
            };
        }
        (ran, self.undo(nested, place))
    }

    /// Takes back the changes of one body, or the whole transaction if that is all there is.
    fn undo(&mut self, nested: bool, place: &Place) -> Option<StoreError> {
        if !nested {
            self.abandon();
            return None;
        }
        let undone = connection::run(&self.connection, "ROLLBACK TO body")
            .and_then(|()| connection::run(&self.connection, "RELEASE body"));
        match undone {
            Ok(()) => self.lost_unless_open(vanished(place)),
            Err(error) => {
                self.abandon();
                Some(place.failed("undoing", &error))
            }
        }
    }

    fn lost_unless_open(&mut self, error: StoreError) -> Option<StoreError> {
        let lost = self.connection.is_autocommit();
        if lost {
            self.members = 0;
        }
        lost.then_some(error)
    }

    fn commit(&mut self, place: &Place, generation: &Generation) -> Result<(), StoreError> {
        if !self.changed {
            self.abandon();
            return Ok(());
        }
        let odd = generation.announce();
        // Only outside WAL mode can a reader keep a commit waiting.
        let result = connection::patiently(|| connection::run(&self.connection, "COMMIT"));
        if result.is_err() {
            self.abandon();
        }
        generation.conclude(odd);
        self.members = 0;
        self.ever_changed = true;
        result.map_err(|error| {
            self.broken = true;
            place.failed("committing", &error)
        })
    }

    /// Rolls back; a connection that cannot even do that is not used again.
    fn abandon(&mut self) {
        self.members = 0;
        if !self.connection.is_autocommit() && connection::run(&self.connection, "ROLLBACK").is_err() {
            self.broken = true;
        }
    }

    /// Removes what was deleted or replaced from the log as well: merged into the database, where freed space is
    /// overwritten, and the log cut to nothing. At most once in [`ERASE_INTERVAL`]; a reader in the way, or the
    /// interval, defer it to the next commit or to the end.
    fn erase(&mut self) {
        let recent = self.erased.is_some_and(|erased| erased.elapsed() < ERASE_INTERVAL);
        if !self.erasure_due || recent || self.broken {
            return;
        }
        if let Ok(true) = connection::truncate_log(&self.connection) {
            self.erasure_due = false;
            self.erased = Some(Instant::now());
        }
    }
}

impl Batch {
    fn settle(&self, outcome: Result<(), StoreError>) {
        self.outcome.lock().get_or_insert(outcome);
        self.known.notify_all();
    }

    fn wait(&self) -> Result<(), StoreError> {
        let mut outcome = self.outcome.lock();
        loop {
            if let Some(outcome) = &*outcome {
                return outcome.clone();
            }
            self.known.wait(&mut outcome);
        }
    }
}

struct SqliteTransaction<'a> {
    connection: &'a Connection,
    place: &'a Place,
    failure: Option<StoreError>,
    changed: bool,
    erased: bool,
}

impl<'a> SqliteTransaction<'a> {
    fn new(connection: &'a Connection, place: &'a Place) -> Self {
        Self { connection, place, failure: None, changed: false, erased: false }
    }

    fn noted<T>(&mut self, doing: &str, result: Result<T, Error>) -> Result<T, StoreError> {
        result.map_err(|error| {
            let failure = self.place.failed(doing, &error);
            self.failure.get_or_insert(failure).clone()
        })
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = connection::select(self.connection, key);
        self.noted("reading", found)
    }

    fn scan(&mut self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        let visited = connection::visit_range(self.connection, prefix, after, visit);
        self.noted("reading", visited)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let put = connection::upsert(self.connection, key, value);
        self.erased |= self.noted("writing", put)?;
        self.changed = true;
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        let deleted = connection::remove(self.connection, key);
        let found = self.noted("deleting", deleted)?;
        self.erased |= found;
        self.changed |= found;
        Ok(())
    }
}

fn vanished(place: &Place) -> StoreError {
    StoreError::Io(format!("{}: SQLite rolled the transaction back", place.database().display()))
}

/// Bodies in one transaction; more gains nothing and makes the first wait.
const BATCH_MEMBERS_MAX: usize = 64;
const BATCH_AGE_MAX: Duration = Duration::from_millis(20);
/// How long a process may go on writing while others wait.
const UNINTERRUPTED_MAX: Duration = Duration::from_millis(10);
/// Longer than the pause between two attempts of those who wait.
const GAP_MIN: Duration = Duration::from_micros(1300);
const GAP_MAX: Duration = Duration::from_micros(1800);
const ERASE_INTERVAL: Duration = Duration::from_secs(1);
