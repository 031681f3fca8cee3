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
//! The promise: if an answer A was given, and a commit C becomes visible after that, a later answer differs from A.
//! - A was an even value. C's writer raised the word to some O under the write lock before C. Had that been before A
//!   was read, the word would have gone from O (or more) to even before C was visible. Step 3 of C's own writer comes
//!   after C; a step 3 of an earlier writer expects its own, smaller, odd value and fails; a later writer or `settle`
//!   needs the write lock, which C's writer holds until C is visible. So O came after A, and O > A for ever.
//! - A was given while the word was odd. Then it stands for the pair (word, `PRAGMA data_version`), and is never used
//!   for another pair. The data version, read through a connection that never writes, changes with every commit, so
//!   C gives another pair. This holds too when C's writer was killed between steps 2 and 3.
//! - No answer of one kind equals an answer of the other: the highest bit tells them apart.
//!
//! Whoever sees O + 1 also sees the commit by a read that starts afterwards: the exchange of step 3 follows the commit
//! in the writer's program order and releases it, and a read starts by looking at SQLite's shared index. A fence after
//! step 1 keeps it ahead of the commit.

use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use strongroom_crypto::memory::counter::SharedCounter;

use super::connection::{self, Purpose};
use super::place::Place;

/// The generation counter of one open token.
pub(super) struct Generation {
    /// None where the file can be neither created nor read: every answer then costs a look at the database.
    word: Option<SharedCounter>,
    writable: bool,
    /// Nobody can change the medium: the answer is always the same.
    immutable: bool,
    probe: Mutex<Probe>,
}

/// What has been answered while the word was odd.
#[derive(Default)]
struct Probe {
    connection: Option<Connection>,
    last_pair: Option<(u64, i64)>,
    last_answer: u64,
    /// The odd value that is being watched, and since when.
    watched: Option<(u64, Instant)>,
}

/// An odd value is expected to vanish within a commit's time; the writer may be dead after this.
const SETTLE_AFTER: Duration = Duration::from_millis(50);

/// Set in the answers that are not values of the word.
const UNSETTLED: u64 = 1 << 63;

impl Generation {
    pub(super) fn open(place: &Place, read_only: bool, immutable: bool) -> Self {
        let path = place.counter();
        // Created if it is missing, as after a backup that left it out.
        let shared = if read_only || immutable { None } else { SharedCounter::open(&path).ok() };
        let writable = shared.is_some();
        let word = shared.or_else(|| SharedCounter::open_read_only(&path).ok());
        Self { word, writable, immutable, probe: Mutex::default() }
    }

    /// Whether commits can be announced; without, nobody may write.
    pub(super) fn is_writable(&self) -> bool {
        self.writable
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
            Some(value) if value & 1 == 0 => (value & !UNSETTLED, None),
            Some(value) => self.read_unsettled(place, value),
            None => self.read_unsettled(place, 0),
        }
    }

    /// Ends the wait for a dead writer. The caller holds the write lock, so that no writer is between steps 1 and 2.
    pub(super) fn settle(&self, odd: u64) {
        self.conclude(odd);
    }

    #[cold]
    fn read_unsettled(&self, place: &Place, value: u64) -> (u64, Option<u64>) {
        let mut probe = self.probe.lock();
        let pair = probe.data_version(place).map(|version| (value, version));
        if pair.is_none() || pair != probe.last_pair {
            probe.last_pair = pair;
            probe.last_answer = probe.last_answer.wrapping_add(1);
        }
        let answer = UNSETTLED | probe.last_answer;
        (answer, probe.overdue(value).then_some(value).filter(|_| self.writable))
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
            self.last_pair = None;
        }
        version
    }

    fn overdue(&mut self, value: u64) -> bool {
        match self.watched {
            Some((watched, since)) if watched == value => {
                let overdue = since.elapsed() > SETTLE_AFTER;
                if overdue {
                    self.watched = Some((value, Instant::now()));
                }
                overdue
            }
            _ => {
                self.watched = Some((value, Instant::now()));
                false
            }
        }
    }
}
