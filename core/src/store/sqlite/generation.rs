//! The number that tells whether any process has committed: one shared word, read in nanoseconds.
//!
//! The protocol. The word lives in the file `generation`, mapped by every process of the token.
//! 1. A writer that holds SQLite's write lock raises the word to a new **odd** value O: a commit is under way.
//! 2. It commits. SQLite gives up the write lock.
//! 3. It replaces O by O + 1, **even**, if the word is still O (compare and exchange).
//!
//! A later writer that finds an odd value, left by a writer that is late with step 3 or dead, raises it to the next
//! odd one. So the word only ever grows, and nobody but writers (and [`Generation::settle`], under the same lock)
//! changes it.
//!
//! An even word is its own answer. While the word is odd the answer stays what it was before: the commit is under way,
//! nobody has been told that it is done, and asking the database at every call would make each of them pay for it.
//!
//! The promise: if an answer A was given, and after that a commit C was reported done, a later answer differs from A.
//! C's writer raised the word to some odd O under the write lock before C, and it was at least O + 1 when C was
//! reported, by its own step 3 or because a later writer had raised it further. It only grows, so every later answer is
//! at least O + 1. A is at most the word when it was given; had that been O + 1 or more before C was visible, somebody
//! would have concluded O before C: not C's own writer, whose step 3 comes after C; not an earlier one, whose step 3
//! expects its own, smaller, odd value and fails; not a later one or `settle`, who need the write lock, which C's
//! writer holds until C is visible. So A was given after C was visible, or A < O + 1.
//!
//! A writer that is killed between steps 2 and 3 has reported nothing. What it committed is noticed with the next
//! commit, or when a reader that sees the word odd for [`SETTLE_AFTER`] concludes it.
//!
//! Whoever sees O + 1 also sees the commit by a read that starts afterwards: the exchange of step 3 follows the commit
//! in the writer's program order and releases it, and a read starts by looking at SQLite's shared index. A fence after
//! step 1 keeps it ahead of the commit.

use std::io::ErrorKind;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use strongroom_crypto::memory::counter::SharedCounter;

use super::connection::{self, Purpose};
use super::place::{Place, io_error};
use crate::store::StoreError;

/// The generation counter of one open token.
pub(super) struct Generation {
    /// None where the file can be neither created nor read: every answer then costs a look at the database.
    word: Option<SharedCounter>,
    /// Why commits cannot be announced, where they cannot.
    obstacle: Option<StoreError>,
    /// Nobody can change the medium: the answer is always the same.
    immutable: bool,
    probe: Mutex<Probe>,
    /// The odd value that was last seen, and since when.
    watched: Mutex<Option<(u64, Instant)>>,
}

/// What has been answered where there is no word.
#[derive(Default)]
struct Probe {
    connection: Option<Connection>,
    last_version: Option<i64>,
    last_answer: u64,
}

/// An odd value is expected to vanish within a commit's time; the writer may be dead after this.
const SETTLE_AFTER: Duration = Duration::from_millis(50);

impl Generation {
    /// # Errors
    /// What may have passed at the next attempt, too many open files for example. A token in a place that takes no
    /// writing can be read.
    pub(super) fn open(place: &Place, read_only: bool, immutable: bool) -> Result<Self, StoreError> {
        let path = place.counter();
        // Created if it is missing, as after a backup that left it out.
        let shared = match read_only || immutable {
            true => Err(place.read_only("was opened for reading, or this user may not write it or the directory")),
            false => match SharedCounter::open(&path) {
                Ok(word) => Ok(word),
                Err(_) if place.is_write_protected() => Err(place
                    .read_only("cannot be written, as this user may not write the generation file or the directory")),
                Err(error) => {
                    let obstacle = io_error(&path, "cannot be opened for writing", &error);
                    match error.kind() {
                        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Err(obstacle),
                        _ => return Err(obstacle),
                    }
                }
            },
        };
        let (word, obstacle) = match shared {
            Ok(word) => (Some(word), None),
            Err(obstacle) => (SharedCounter::open_read_only(&path).ok(), Some(obstacle)),
        };
        Ok(Self { word, obstacle, immutable, probe: Mutex::default(), watched: Mutex::default() })
    }

    /// Whether commits can be announced; without, nobody may write.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] where the medium or its permissions are against it, and what else is in the way.
    pub(super) fn expect_writable(&self) -> Result<(), StoreError> {
        self.obstacle.clone().map_or(Ok(()), Err)
    }

    /// Step 1; the caller holds the write lock. The odd value.
    pub(super) fn announce(&self) -> u64 {
        let Some(word) = &self.word else { return 0 };
        let mut seen = word.load();
        loop {
            // Unless the word was even, its last writer is late or dead.
            let odd = seen.wrapping_add(1) | 1;
            match word.compare_exchange(seen, odd) {
                Ok(_) => {
                    fence(Ordering::SeqCst);
                    return odd;
                }
                Err(now) => seen = now,
            }
        }
    }

    /// Step 3, after the commit or its failure.
    pub(super) fn conclude(&self, odd: u64) {
        if let Some(word) = &self.word {
            // Failing means that a later writer is under way, who will do it.
            let _ = word.compare_exchange(odd, odd.wrapping_add(1));
        }
    }

    /// The answer, and an odd value that needs [`Self::settle`] because its writer seems to be dead.
    pub(super) fn read(&self, place: &Place) -> (u64, Option<u64>) {
        if self.immutable {
            return (0, None);
        }
        match self.word.as_ref().map(SharedCounter::load) {
            Some(value) if value & 1 == 0 => (value, None),
            Some(value) => (value & !1, self.overdue(value)),
            None => (self.read_without_word(place), None),
        }
    }

    /// Ends the wait for a dead writer. The caller holds the write lock, so that no writer is between steps 1 and 2.
    pub(super) fn settle(&self, odd: u64) {
        self.conclude(odd);
    }

    /// An odd value whose writer must be dead, for a reader who could conclude it.
    fn overdue(&self, value: u64) -> Option<u64> {
        if self.obstacle.is_some() {
            return None;
        }
        let mut watched = self.watched.try_lock()?;
        match *watched {
            Some((odd, since)) if odd == value => {
                let overdue = since.elapsed() > SETTLE_AFTER;
                if overdue {
                    *watched = None;
                }
                overdue.then_some(value)
            }
            _ => {
                *watched = Some((value, Instant::now()));
                None
            }
        }
    }

    /// Without a word to read, every answer costs a look at the database.
    #[cold]
    fn read_without_word(&self, place: &Place) -> u64 {
        let mut probe = self.probe.lock();
        let version = probe.data_version(place);
        if version.is_none() || version != probe.last_version {
            probe.last_version = version;
            probe.last_answer = probe.last_answer.wrapping_add(1);
        }
        probe.last_answer
    }
}

impl Probe {
    /// `None` is an answer that equals no other.
    fn data_version(&mut self, place: &Place) -> Option<i64> {
        if self.connection.is_none() {
            self.connection = connection::open(place, Purpose::Read).ok();
        }
        let version = connection::data_version(self.connection.as_ref()?).ok();
        if version.is_none() {
            self.connection = None;
            self.last_version = None;
        }
        version
    }
}
