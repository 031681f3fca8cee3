//! How things are timed: what a trial is, how samples are taken and summed up, and how the trials of several modules
//! alternate round by round, so that a busy moment of the machine falls on all of them.

use std::time::{Duration, Instant};

use cryptoki_sys::{
    CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID,
};
use serde::Serialize;

use crate::module::CallError;

/// One module's side of one bench: proven correct by its preparation, and ready to be measured.
pub(crate) type Trial = Box<dyn Probe>;

/// Something that can be measured for a while.
pub(crate) trait Probe {
    /// Measures for about this long and records what it saw under the numbers of the bench's rows.
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem>;
}

/// Why a module has no figure in a row.
#[derive(Debug, Clone)]
pub(crate) enum Problem {
    /// The module does not offer this.
    Missing,
    /// It offers it and the result is wrong.
    Wrong(String),
    /// A call failed.
    Failed(String),
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error.code {
            CKR_MECHANISM_INVALID | CKR_FUNCTION_NOT_SUPPORTED => Problem::Missing,
            // NSS has the mechanism and not each curve.
            CKR_CURVE_NOT_SUPPORTED | CKR_DOMAIN_PARAMS_INVALID => Problem::Missing,
            _ => Problem::Failed(error.to_string()),
        }
    }
}

/// The samples of one trial: per row, per round.
pub(crate) struct Record {
    rows: Vec<Vec<Vec<f64>>>,
}

impl Record {
    /// An empty record for a bench of so many rows.
    pub(crate) fn new(rows: usize) -> Self {
        Self { rows: vec![Vec::new(); rows] }
    }

    /// Adds one sample to the round under way.
    pub(crate) fn push(&mut self, row: usize, value: f64) {
        if let Some(round) = self.rows.get_mut(row).and_then(|rounds| rounds.last_mut()) {
            round.push(value);
        }
    }

    fn begin_round(&mut self) {
        for rounds in &mut self.rows {
            rounds.push(Vec::new());
        }
    }

    /// Sums up one row; none where nothing was sampled.
    pub(crate) fn summary(&self, row: usize) -> Option<Summary> {
        let rounds = self.rows.get(row)?;
        let mut all: Vec<f64> = rounds.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        Some(Summary {
            p50: quantile(&all, 0.5)?,
            mean: all.iter().sum::<f64>() / all.len() as f64,
            min: *all.first()?,
            p10: quantile(&all, 0.1)?,
            p90: quantile(&all, 0.9)?,
            p99: quantile(&all, 0.99)?,
            max: *all.last()?,
            samples: all.len(),
            rounds_p50: rounds.iter().filter_map(|round| median(round)).collect(),
        })
    }
}

/// What one row of one module comes to. Times are nanoseconds per operation, rates operations per second.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub(crate) p50: f64,
    pub(crate) mean: f64,
    pub(crate) min: f64,
    pub(crate) p10: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
    pub(crate) samples: usize,
    /// The median of each round: how steady the machine was.
    pub(crate) rounds_p50: Vec<f64>,
}

/// A probe of a short operation: each sample is the mean of as many calls as fill [`SAMPLE_MIN`].
pub(crate) fn latency(operation: impl FnMut() -> Result<(), CallError> + 'static) -> Trial {
    Box::new(Latency { operation, batch: 0 })
}

/// A probe of an operation that times its own essential part, because it has to prepare or clean up around it.
pub(crate) fn self_timed(operation: impl FnMut() -> Result<Duration, CallError> + 'static) -> Trial {
    Box::new(SelfTimed { operation })
}

/// Measures all trials of one bench, in turn within each round, each round beginning with another one. A trial that
/// fails on the way gives its problem instead of a record.
pub(crate) fn interleave(
    trials: &mut [Option<Trial>],
    rows: usize,
    round_count: usize,
    budget: Duration,
) -> Vec<Option<Result<Record, Problem>>> {
    let mut records: Vec<_> = trials.iter().map(|trial| trial.as_ref().map(|_| Ok(Record::new(rows)))).collect();
    for round in 0..round_count {
        for turn in 0..trials.len() {
            let index = (round + turn) % trials.len();
            let Some((Some(trial), Some(result))) = trials.get_mut(index).zip(records.get_mut(index)) else {
                continue;
            };
            if let Ok(record) = result {
                record.begin_round();
                if let Err(problem) = trial.round(budget, record) {
                    *result = Err(problem);
                }
            }
        }
    }
    records
}

struct Latency<F> {
    operation: F,
    /// Calls per sample; 0 until calibrated.
    batch: u32,
}

impl<F: FnMut() -> Result<(), CallError>> Latency<F> {
    #[inline]
    fn sample(&mut self) -> Result<Duration, CallError> {
        let start = Instant::now();
        for _ in 0..self.batch {
            (self.operation)()?;
        }
        Ok(start.elapsed())
    }

    /// Doubles the batch until it fills the shortest sample.
    fn calibrate(&mut self) -> Result<(), CallError> {
        self.batch = 1;
        while self.sample()? < SAMPLE_MIN && self.batch < BATCH_MAX {
            self.batch *= 2;
        }
        Ok(())
    }
}

impl<F: FnMut() -> Result<(), CallError>> Probe for Latency<F> {
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem> {
        if self.batch == 0 {
            self.calibrate()?;
        }
        // The other modules have had the caches since the last round: one sample to take them back.
        self.sample()?;
        let start = Instant::now();
        let mut samples = 0;
        while start.elapsed() < budget || samples < SAMPLES_PER_ROUND_MIN {
            let elapsed = self.sample()?;
            record.push(0, nanoseconds(elapsed) / f64::from(self.batch));
            samples += 1;
        }
        Ok(())
    }
}

struct SelfTimed<F> {
    operation: F,
}

impl<F: FnMut() -> Result<Duration, CallError>> Probe for SelfTimed<F> {
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem> {
        let start = Instant::now();
        let mut samples = 0;
        while start.elapsed() < budget || samples < SAMPLES_PER_ROUND_MIN {
            record.push(0, nanoseconds((self.operation)()?));
            samples += 1;
        }
        Ok(())
    }
}

/// A duration as the figures have it.
pub(crate) fn nanoseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

/// The middle of unsorted values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// The value that this share of the sorted values does not exceed (nearest rank).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Reading the clock twice takes about 50 ns: a quarter of a percent of this.
const SAMPLE_MIN: Duration = Duration::from_micros(20);
const BATCH_MAX: u32 = 1 << 20;
/// Slow operations get more than their budget rather than fewer samples than this.
const SAMPLES_PER_ROUND_MIN: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_rank() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 0.9), Some(5.0));
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn median_sorts_first() {
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
    }

    #[test]
    fn every_trial_gets_every_round_and_a_failing_one_stops_alone() {
        let good = || latency(|| Ok(()));
        let failing = latency(|| Err(CallError { function: "C_Sign", code: 5 }));
        let mut trials = [Some(good()), None, Some(failing), Some(good())];
        let records = interleave(&mut trials, 1, 3, Duration::from_millis(1));
        let rounds = |index: usize| match records.get(index) {
            Some(Some(Ok(record))) => record.summary(0).map(|summary| summary.rounds_p50.len()),
            _ => None,
        };
        assert_eq!((rounds(0), rounds(3)), (Some(3), Some(3)));
        assert!(matches!(records.get(1), Some(None)));
        assert!(matches!(records.get(2), Some(Some(Err(Problem::Failed(_))))));
    }

    #[test]
    fn a_missing_mechanism_is_not_a_failure() {
        let missing = Problem::from(CallError { function: "C_SignInit", code: CKR_MECHANISM_INVALID });
        assert!(matches!(missing, Problem::Missing));
    }
}
