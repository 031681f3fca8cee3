//! The default engine: one SQLite database per token, shared by any number of processes of one host.
//!
//! A token is a directory with `token.db` (with SQLite's `-wal` and `-shm` beside it) and `generation`. The database
//! has one table of keys and values, in WAL mode, every commit synchronised to the disk.
//!
//! - [`connection`] opens connections and knows the statements; [`place`] knows the files and explains failures.
//! - Reads take a connection from a pool; each is one statement, so one snapshot, and short.
//! - [`writer`] is the one writing connection, with group commit.
//! - [`generation`] is the counter by which every process notices the others' commits.
//!
//! What is deleted or replaced is overwritten with zeros in the database, and the log is emptied soon after (at once if
//! that has not happened within a second, else at the next commit or when the store is dropped). Two traces can stay
//! until then or longer: SQLite moves neighbours between pages without clearing where they were, which only
//! [`Store::compact`] removes; and what the file system and the disk keep of overwritten blocks is theirs.
//!
//! Limits, by nature of the WAL: the processes must share a host (no network file system; this is not checked), and a
//! process that forked must forget the store in the child, neither using nor dropping it. There are no threads and no
//! exit handlers here. The directory must not be renamed while a store is open on it.

mod connection;
mod generation;
mod place;
mod writer;

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, Error, ErrorCode};

use super::{Aborted, Body, Store, StoreError, Visitor};
use connection::Purpose;
use generation::Generation;
use place::Place;
use writer::Writer;

/// A token in a directory of its own.
pub struct SqliteStore {
    place: Place,
    /// What readers are opened as.
    reading: Purpose,
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
    generation: Generation,
}

impl SqliteStore {
    /// Creates a token in `directory`, which exists, is private to the owner and has no token yet.
    ///
    /// The files get mode 0600. After a crash half-way the directory is of no use and can be removed.
    pub fn create(directory: &Path) -> Result<Self, StoreError> {
        prepare_library()?;
        let place = Place::at(directory)?;
        place.create_database()?;
        connection::open(&place, Purpose::Write)
            .and_then(|connection| connection::lay_out(&connection))
            .map_err(|error| place.failed("creating", &error))?;
        place.sync_directory()?;
        Self::open(directory, false)
    }

    /// Opens the token in `directory`. With `read_only`, or where the medium does not allow writing, changes are
    /// refused with [`StoreError::ReadOnly`]; not where the disk is only full.
    ///
    /// The first opening after a crash recovers what was committed. A database of another application, of a later
    /// version or with a damaged header is [`StoreError::Damaged`].
    pub fn open(directory: &Path, read_only: bool) -> Result<Self, StoreError> {
        prepare_library()?;
        let place = Place::at(directory)?;
        place.expect_database()?;
        let (reader, reading) = open_reader(&place)?;
        let immutable = reading == Purpose::ReadImmutable;
        let generation = Generation::open(&place, read_only, immutable)?;
        Ok(Self { place, reading, readers: Mutex::new(vec![reader]), writer: Writer::default(), generation })
    }

    /// Whether `directory` holds a token, or may hold one that cannot be looked at.
    pub fn exists(directory: &Path) -> bool {
        let found = Place::at(directory).map(|place| place.database().symlink_metadata());
        !matches!(found, Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound)
    }

    /// Deletes the token in `directory`, which stays behind empty. The database goes first: without it there is no
    /// token.
    pub fn delete(directory: &Path) -> Result<(), StoreError> {
        let place = Place::at(directory)?;
        for path in [place.database()].into_iter().chain(place.all()) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::Io(format!("{} cannot be deleted: {error}", path.display())));
                }
                _ => {}
            }
        }
        place.sync_directory()
    }

    /// Runs `attempt` on a connection of the pool, again while it is busy: that lasts as long as a recovery.
    fn read<T>(&self, attempt: impl FnMut(&Connection) -> Result<T, Error>) -> Result<T, StoreError> {
        let pooled = self.readers.lock().pop();
        let reader = match pooled {
            Some(reader) => reader,
            None => {
                connection::open(&self.place, self.reading).map_err(|error| self.place.failed("opening", &error))?
            }
        };
        let mut attempt = attempt;
        let result = connection::patiently(|| attempt(&reader));
        if result.is_ok() {
            let mut readers = self.readers.lock();
            if readers.len() < READERS_KEPT_MAX {
                readers.push(reader);
            }
        }
        result.map_err(|error| self.place.failed("reading", &error))
    }
}

impl Store for SqliteStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|reader| connection::select(reader, key))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        self.read(|reader| connection::visit_range(reader, prefix, after, visit))
    }

    fn transact(&self, body: Body<'_>) -> Result<(), Aborted> {
        self.generation.expect_writable()?;
        self.writer.transact(&self.place, &self.generation, body)
    }

    fn generation(&self) -> u64 {
        let (answer, overdue) = self.generation.read(&self.place);
        if let Some(odd) = overdue {
            self.writer.with_lock_if_free(&self.place, || self.generation.settle(odd));
        }
        answer
    }

    fn compact(&self) -> Result<(), StoreError> {
        self.generation.expect_writable()?;
        self.writer.compact(&self.place, &self.generation)
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        let mut problems = self.read(|reader| {
            let mut problems = connection::integrity(reader)?;
            problems.extend(connection::mismatch(reader)?);
            Ok(problems)
        })?;
        for path in self.place.all() {
            match std::fs::symlink_metadata(&path) {
                Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                    let mode = found.permissions().mode() & 0o7777;
                    problems.push(format!("{} is open to other users (mode {mode:04o})", path.display()));
                }
                _ => {}
            }
        }
        Ok(problems)
    }
}

/// A process that was forked must not meet its parent's locks and files.
fn prepare_library() -> Result<(), StoreError> {
    strongroom_crypto::memory::sqlite::prepare()
        .map_err(|error| StoreError::Io(format!("SQLite does not start: {error}")))
}

/// A reading connection to a file that is known to be ours, and as what it had to be opened.
fn open_reader(place: &Place) -> Result<(Connection, Purpose), StoreError> {
    let open = |purpose| {
        let reader = connection::open(place, purpose)?;
        let mismatch = connection::patiently(|| connection::mismatch(&reader))?;
        Ok((reader, mismatch))
    };
    let accept = |(reader, mismatch): (Connection, Option<String>), purpose| match mismatch {
        Some(mismatch) => Err(place.damaged(&mismatch)),
        None => Ok((reader, purpose)),
    };
    match open(Purpose::Read) {
        Ok(opened) => return accept(opened, Purpose::Read),
        // The files that SQLite coordinates with cannot be made, or cannot be changed and nobody is using them.
        Err(Error::SqliteFailure(failure, _))
            if matches!(failure.code, ErrorCode::CannotOpen | ErrorCode::ReadOnly) && place.is_write_protected() => {}
        Err(error) => return Err(place.failed("opening", &error)),
    }
    if place.has_unmerged_log() {
        return Err(place.read_only(
            "has changes in its log that a crash left unmerged, and the directory cannot be written; \
             open the token once where it can be",
        ));
    }
    match open(Purpose::ReadImmutable) {
        Ok(opened) => accept(opened, Purpose::ReadImmutable),
        Err(error) => Err(place.failed("opening read-only", &error)),
    }
}

/// A random duration; not for secrets.
fn jitter(range: Range<Duration>) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    let width_ns = u64::try_from((range.end - range.start).as_nanos()).unwrap_or(u64::MAX).max(1);
    range.start + Duration::from_nanos(random % width_ns)
}

/// Reading connections kept for the next read, 2 MB of cache at most each. More threads than this read at the same
/// time only on machines with more cores.
const READERS_KEPT_MAX: usize = 8;
