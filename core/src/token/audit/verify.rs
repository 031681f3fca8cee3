//! Whether the log is what was written.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use super::entry::{Entry, Hash, Head, MacKey, hash_of, is_sealed};
use crate::error::Error;
use crate::token::{Login, Token, layout};

/// A place in the log that somebody noted: the sequence of an entry and the hash of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The entry's place.
    pub sequence: u64,
    /// The hash of its record.
    pub hash: Hash,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The entry at which it shows.
    pub sequence: u64,
    /// What is wrong with it.
    pub what: String,
}

/// What a check of the log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Entries that are there.
    pub entries: u64,
    /// The last of them: what to note, and to compare the next time. None in an empty log.
    pub last: Option<Mark>,
    /// Whether the MACs were checked, or the chain alone.
    pub with_key: bool,
    /// The first problems, at most [`PROBLEMS_MAX`].
    pub problems: Vec<Problem>,
    /// All problems, also those that are not listed.
    pub problem_count: u64,
}

/// Problems that a report lists.
pub const PROBLEMS_MAX: usize = 100;

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.sequence)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Mark {
    type Err = String;

    fn from_str(text: &str) -> Result<Mark, String> {
        let mark = text.split_once(':').and_then(|(sequence, digits)| {
            let sequence = sequence.parse().ok().filter(|sequence| *sequence > 0)?;
            let digits: Vec<u8> = digits.chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect::<Option<_>>()?;
            let bytes: Vec<u8> =
                digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
            let hash = bytes.try_into().ok().filter(|_| digits.len() == 64)?;
            Some(Mark { sequence, hash })
        });
        mark.ok_or_else(|| {
            "it is SEQUENCE:HASH, as 'audit verify' prints it: a number and 64 hexadecimal digits".to_owned()
        })
    }
}

impl Token {
    /// Checks the log from its first entry to its head. With an officer's login the MACs as well: then what was written
    /// before somebody came who can write the files is proved to be all there, unchanged and in its order. Without one
    /// only the chain is checked, which finds accidents and whoever does not compute it anew. `noted` is a mark of an
    /// earlier report that must still be in the log: it shows that the whole token is no older copy.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for a login that is no officer's; the store's. What is wrong with the log is in the
    /// report.
    pub fn verify_audit(&self, officer: Option<&Login>, noted: Option<&Mark>) -> Result<Report, Error> {
        let key = match officer {
            Some(officer) if officer.meta == self.meta()? => {
                Some(MacKey::first(officer.bundle.audit_key(&officer.token)?))
            }
            Some(_) => return Err(Error::NotLoggedIn),
            None => None,
        };
        let mut check = Check::new(key, noted);
        let mut trouble = None;
        self.store.scan(layout::AUDIT, None, &mut |key, record| match check.row(key, record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                trouble = Some(error);
                ControlFlow::Break(())
            }
        })?;
        match trouble {
            Some(error) => Err(error),
            None => Ok(check.end()),
        }
    }
}

/// A check in progress. The rows come in the order of their keys: the entries, then the head.
struct Check<'a> {
    noted: Option<&'a Mark>,
    /// The key of the next entry; none where nobody knows it.
    key: Option<MacKey>,
    next: u64,
    /// The hash of the last record, where that is there.
    hash: Option<Hash>,
    /// Whether the last record was found to be false.
    last_false: bool,
    first_previous: Option<Hash>,
    head: Option<Head>,
    report: Report,
}

impl<'a> Check<'a> {
    fn new(key: Option<MacKey>, noted: Option<&'a Mark>) -> Check<'a> {
        let with_key = key.is_some();
        let report = Report { entries: 0, last: None, with_key, problems: Vec::new(), problem_count: 0 };
        Check { noted, key, next: 1, hash: None, last_false: false, first_previous: None, head: None, report }
    }

    fn row(&mut self, key: &[u8], record: &[u8]) -> Result<(), Error> {
        if key == layout::AUDIT_HEAD {
            match Head::decode(record) {
                Ok(head) => self.head = Some(head),
                Err(error) => self.problem(self.next, format!("the head cannot be read: {error}")),
            }
            return Ok(());
        }
        match layout::audit_sequence(key) {
            Some(sequence) if sequence >= self.next && sequence - self.next <= GAP_MAX => self.entry(sequence, record),
            _ => {
                self.problem(self.next, "there is a record in the log that is no entry of it");
                Ok(())
            }
        }
    }

    fn entry(&mut self, sequence: u64, record: &[u8]) -> Result<(), Error> {
        if sequence > self.next {
            self.problem(self.next, missing(self.next, sequence - 1));
            self.key = self.key.take().map(|key| (self.next..sequence).fold(key, |key, _| key.next()));
            self.hash = None;
        }
        let hash = hash_of(record)?;
        let sealed = self.key.as_ref().is_none_or(|key| is_sealed(record, key));
        let mut wrong = None;
        match Entry::decode(record) {
            _ if !sealed => wrong = Some("the entry is not the one that was written here".to_owned()),
            Err(error) => wrong = Some(format!("the entry cannot be read: {error}")),
            Ok(entry) if entry.sequence != sequence => wrong = Some(format!("here stands entry {}", entry.sequence)),
            Ok(entry) => {
                let follows = self.hash.is_none_or(|hash| hash == entry.previous);
                if !follows && !self.last_is_known_false() {
                    wrong = Some(format!("entry {} is not the one that this entry was written after", sequence - 1));
                }
                if sequence == 1 {
                    self.first_previous = Some(entry.previous);
                }
            }
        }
        self.last_false = wrong.is_some();
        if let Some(what) = wrong {
            self.problem(sequence, what);
        }
        if let Some(noted) = self.noted.filter(|noted| noted.sequence == sequence && noted.hash != hash) {
            self.problem(noted.sequence, "the entry is not the one that was noted");
        }
        self.key = self.key.take().map(|key| key.next());
        self.next = sequence + 1;
        self.hash = Some(hash);
        self.report.entries += 1;
        self.report.last = Some(Mark { sequence, hash });
        Ok(())
    }

    fn end(mut self) -> Report {
        if self.report.entries == 0 {
            self.problem(1, "the log is empty: a token's initialisation is its first entry");
        }
        match self.head.take() {
            None => self.problem(self.next, "the log has no head, or none that can be read"),
            Some(head) => self.head(&head),
        }
        if let Some(noted) = self.noted.filter(|noted| noted.sequence >= self.next) {
            let last = self.next - 1;
            let what = match self.first_previous {
                Some(previous) if previous == noted.hash => "the token was made anew after the noted entry".to_owned(),
                _ => format!("the log ends with entry {last}, before the noted one: it is an older copy, or was cut"),
            };
            self.problem(noted.sequence, what);
        }
        self.report
    }

    fn head(&mut self, head: &Head) {
        if head.next > self.next {
            self.problem(self.next, missing(self.next, head.next - 1));
        } else if head.next < self.next {
            self.problem(head.next, "the head was set back: it goes on at this entry, which is there already");
        } else if self.hash.is_some_and(|hash| hash != head.hash) && !self.last_is_known_false() {
            self.problem(self.next - 1, "the entry is not the last one that was written, says the head");
        }
        // Where the head goes on elsewhere its key is that of another entry, and that was said.
        if head.next == self.next && self.key.as_ref().is_some_and(|key| !key.is(&head.key)) {
            let what = "the head has not the key that comes after the last entry: entries after it were taken away, or \
                        the head was changed";
            self.problem(self.next - 1, what);
        }
    }

    /// Whether it was the last entry that was found to be false, by its MAC: then nothing else is wrong where something
    /// does not fit it.
    fn last_is_known_false(&self) -> bool {
        self.last_false && self.key.is_some()
    }

    fn problem(&mut self, sequence: u64, what: impl Into<String>) {
        self.report.problem_count += 1;
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(Problem { sequence, what: what.into() });
        }
    }
}

fn missing(first: u64, last: u64) -> String {
    match last - first {
        0 => format!("entry {first} is missing"),
        _ => format!("the entries {first} to {last} are missing"),
    }
}

/// The longest gap over which keys are followed: what comes after a longer one was not written by us.
const GAP_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_printed() {
        let mark = Mark { sequence: 41, hash: std::array::from_fn(|at| at as u8 * 7) };
        assert_eq!(mark.to_string().parse(), Ok(mark));
        assert_eq!(mark.to_string().to_uppercase().parse(), Ok(mark));
        for wrong in
            ["", "41", "41:", ":00", "0:00", "x:00", &mark.to_string()[..60], &format!("{mark}0"), &format!("{mark}00")]
        {
            assert!(wrong.parse::<Mark>().unwrap_err().contains("SEQUENCE:HASH"), "{wrong}");
        }
    }
}
