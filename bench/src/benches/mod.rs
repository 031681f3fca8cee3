//! What is measured. A [`Bench`] has one or more rows and knows how to prepare its trial for a module:
//! it makes the keys, proves the result, and gives the probe. The families are in the files below.

mod cipher;
pub(crate) mod cold;
mod hash;
mod keygen;
mod objects;
mod secrets;
mod session;
mod signatures;
mod threads;

use crate::measure::{Problem, Record, Summary, Trial};
use crate::token::Token;

/// One thing that is measured for all modules side by side.
pub(crate) struct Bench {
    /// The family, for `--only`.
    pub(crate) group: &'static str,
    /// The rows of the table that it fills.
    pub(crate) rows: Vec<Row>,
    /// Makes what the trial needs, proves the result and gives the probe.
    pub(crate) prepare: Prepare,
    /// The same work by the raw library call, where there is one.
    pub(crate) limit: Option<Box<dyn Fn() -> Trial>>,
}

/// Makes the trial of one module.
pub(crate) type Prepare = Box<dyn Fn(&Token) -> Result<Trial, Problem>>;

/// One line of the table.
pub(crate) struct Row {
    /// Its name, stable over versions.
    pub(crate) name: String,
    /// What its figure is.
    pub(crate) unit: Unit,
}

/// What the figure of a row is and how it comes from the samples.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    /// Nanoseconds per operation, the median of all samples.
    Nanoseconds,
    /// Nanoseconds per operation, the mean of all samples: for what takes another time whenever it is done.
    MeanNanoseconds,
    /// Operations per second, the best round: a round that shared the machine with others says nothing.
    PerSecond,
    /// The quotient of the figures of two other rows of the bench.
    Quotient {
        /// The row above the line.
        of: usize,
        /// The row below the line.
        by: usize,
        /// What it would be if nothing but the machine set the limit.
        ideal: f64,
    },
}

impl Bench {
    fn new(
        group: &'static str,
        name: impl Into<String>,
        prepare: impl Fn(&Token) -> Result<Trial, Problem> + 'static,
    ) -> Self {
        let row = Row { name: name.into(), unit: Unit::Nanoseconds };
        Self { group, rows: vec![row], prepare: Box::new(prepare), limit: None }
    }

    /// The mean is its figure.
    fn with_mean(mut self) -> Self {
        self.rows.iter_mut().for_each(|row| row.unit = Unit::MeanNanoseconds);
        self
    }

    fn with_limit(mut self, limit: impl Fn() -> Trial + 'static) -> Self {
        self.limit = Some(Box::new(limit));
        self
    }

    /// The figure of each row with the samples it comes from.
    pub(crate) fn figures(&self, record: &Record) -> Vec<Option<(f64, Option<Summary>)>> {
        let summaries: Vec<_> = (0..self.rows.len()).map(|row| record.summary(row)).collect();
        let direct = |row: usize| {
            let summary = summaries.get(row)?.as_ref()?;
            match self.rows.get(row)?.unit {
                Unit::Nanoseconds => Some(summary.p50),
                Unit::MeanNanoseconds => Some(summary.mean),
                Unit::PerSecond => Some(summary.max),
                Unit::Quotient { .. } => None,
            }
        };
        let figure = |(row, described): (usize, &Row)| match described.unit {
            Unit::Quotient { of, by, .. } => Some((direct(of)? / direct(by)?, None)),
            _ => Some((direct(row)?, summaries.get(row)?.clone())),
        };
        self.rows.iter().enumerate().map(figure).collect()
    }
}

/// All benches for these populations and thread counts, in the order of the table. Populations grow from one to the
/// next, and everything that wants a nearly empty token comes before.
pub(crate) fn catalogue(populations: &[usize], thread_counts: &[usize]) -> Vec<Bench> {
    let mut benches = session::benches();
    benches.extend(keygen::benches());
    benches.extend(cipher::benches());
    benches.extend(hash::benches());
    benches.extend(signatures::benches());
    benches.extend(secrets::benches());
    benches.extend(threads::benches(thread_counts));
    for population in populations {
        benches.extend(objects::benches(*population));
        benches.push(cold::bench(*population));
    }
    benches
}

/// A message of so many bytes, the same in every run.
fn message(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(31) ^ (index >> 8)) as u8).collect()
}

/// Fails a proof with its reason.
fn require(holds: bool, what: &str) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(Problem::Wrong(what.to_owned())) }
}

/// `16`, `1k`, `1m`: sizes as the rows name them.
fn size_name(bytes: usize) -> String {
    match bytes {
        _ if bytes >= 1 << 20 => format!("{}m", bytes >> 20),
        _ if bytes >= 1 << 10 => format!("{}k", bytes >> 10),
        _ => bytes.to_string(),
    }
}

/// The AES-256 key of the benches that compare results.
const AES_KEY: [u8; 32] = *b"\x60\x3d\xeb\x10\x15\xca\x71\xbe\x2b\x73\xae\xf0\x85\x7d\x77\x81\
    \x1f\x35\x2c\x07\x3b\x61\x08\xd7\x2d\x98\x10\xa3\x09\x14\xdf\xf4";
/// The MAC key of the benches that compare results.
const MAC_KEY: [u8; 32] = *b"\x0b\x57\x21\x90\xe3\x11\x4c\xd2\x38\x6f\xa4\x05\x7e\xbb\x19\xc8\
    \x42\x93\xf7\x60\x1a\xde\x85\x34\xcb\x0f\x76\xa9\x5d\x22\xe8\x13";

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn row_names_are_unique() {
        let benches = catalogue(&[10, 10_000], &[1, 2]);
        let names: Vec<_> = benches.iter().flat_map(|bench| &bench.rows).map(|row| row.name.as_str()).collect();
        let unique: HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }

    #[test]
    fn sizes_are_named_as_people_write_them() {
        assert_eq!([16, 1024, 16 << 10, 1 << 20].map(size_name), ["16", "1k", "16k", "1m"]);
    }
}
