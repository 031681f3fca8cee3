//! What every call goes through: is the module initialised, in this process? is the call traced? did it panic?

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use cryptoki_sys::{CK_RV, CKR_OK};
use strongroom_core::hsm::Hsm;

use crate::failure::{Failure, Outcome};
use crate::last_error;
use crate::lifecycle::{self, Gate};
use crate::memory::Traced;
use crate::trace::{self, Trace};

/// The arguments of a call by name, for the trace.
pub(crate) type Arguments<const N: usize> = [(&'static str, Traced); N];

/// A call that needs an initialised module.
#[inline(always)]
pub(crate) fn initialised<const N: usize>(
    function: &'static str,
    arguments: impl FnOnce() -> Arguments<N>,
    body: impl FnOnce(&Hsm) -> Outcome,
) -> CK_RV {
    let Some(gate) = lifecycle::gate() else {
        return refused(function, &Failure::NotInitialized);
    };
    let outcome = match gate.settled() {
        None => caught(|| within(gate, body)),
        Some(trace) => traced(trace, function, &arguments(), || within(gate, body)),
    };
    ended(function, &outcome)
}

/// A call that is possible at any time.
pub(crate) fn any_time<const N: usize>(
    function: &'static str,
    arguments: impl FnOnce() -> Arguments<N>,
    body: impl FnOnce() -> Outcome,
) -> CK_RV {
    ended(function, &ungated(function, arguments, body))
}

/// A call that asks about the last error of this thread, and leaves it as it is.
pub(crate) fn about_last_error<const N: usize>(
    function: &'static str,
    arguments: impl FnOnce() -> Arguments<N>,
    body: impl FnOnce() -> Outcome,
) -> CK_RV {
    ungated(function, arguments, body).map_or_else(|failure| failure.rv(), |()| CKR_OK)
}

fn ungated<const N: usize>(
    function: &'static str,
    arguments: impl FnOnce() -> Arguments<N>,
    body: impl FnOnce() -> Outcome,
) -> Outcome {
    match lifecycle::gate().map(Gate::settled) {
        Some(Some(trace)) => traced(trace, function, &arguments(), body),
        _ => caught(body),
    }
}

/// `C_Initialize`: makes the gate, and with it the trace, before the call runs.
pub(crate) fn initialising<const N: usize>(
    function: &'static str,
    arguments: impl FnOnce() -> Arguments<N>,
    body: impl FnOnce(&'static Gate) -> Outcome,
) -> CK_RV {
    silence_panics();
    let mut gate = None;
    let made = caught(|| {
        gate = Some(lifecycle::own_gate()?);
        Ok(())
    });
    let outcome = match (gate, gate.map(Gate::settled)) {
        (Some(gate), Some(Some(trace))) => traced(trace, function, &arguments(), || body(gate)),
        (Some(gate), _) => caught(|| body(gate)),
        (None, _) => made,
    };
    ended(function, &outcome)
}

#[inline(always)]
fn within(gate: &Gate, body: impl FnOnce(&Hsm) -> Outcome) -> Outcome {
    let hsm = gate.enter().ok_or(Failure::NotInitialized)?;
    body(&hsm)
}

/// No panic crosses the C boundary: it would end the host.
#[inline(always)]
fn caught(body: impl FnOnce() -> Outcome) -> Outcome {
    let outer = INSIDE.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(Failure::Panicked));
    INSIDE.set(outer);
    outcome
}

#[cold]
#[inline(never)]
fn traced(
    trace: &Trace,
    function: &'static str,
    arguments: &[(&'static str, Traced)],
    body: impl FnOnce() -> Outcome,
) -> Outcome {
    let mut line = None;
    // A defect in the trace must not keep the call from being made.
    _ = caught(|| {
        line = Some(trace::Line::begin(function, arguments));
        Ok(())
    });
    let outcome = caught(body);
    _ = caught(|| {
        if let Some(line) = line {
            trace.write(&line.end(arguments, outcome.as_ref().err()));
        }
        Ok(())
    });
    outcome
}

#[inline(always)]
fn ended(function: &str, outcome: &Outcome) -> CK_RV {
    match outcome {
        Ok(()) => CKR_OK,
        Err(failure) => refused(function, failure),
    }
}

/// The return value of a failure, which becomes this thread's last error.
#[cold]
#[inline(never)]
fn refused(function: &str, failure: &Failure) -> CK_RV {
    // A defect in the words must not change the answer.
    _ = caught(|| {
        last_error::record(function, failure);
        Ok(())
    });
    failure.rv()
}

thread_local! {
    /// Whether this thread is in a call. No destructor.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// A guest prints nothing on its host's stderr: panics in calls are told to the trace only, others as before.
fn silence_panics() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::AcqRel) {
        return;
    }
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !INSIDE.get() {
            others(panic);
        } else if let Some(Some(trace)) = lifecycle::gate().map(Gate::settled) {
            trace.write(&trace::panic_line(panic));
        }
    }));
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::CKR_GENERAL_ERROR;

    use super::*;

    #[test]
    fn panics_become_a_return_value() {
        silence_panics();
        let outcome = caught(|| panic!("a test panics in a call"));
        assert!(matches!(outcome, Err(Failure::Panicked)));
        assert_eq!(ended("C_Test", &outcome), CKR_GENERAL_ERROR);
        assert!(!INSIDE.get());
        assert_eq!(ended("C_Test", &caught(|| Ok(()))), CKR_OK);
    }
}
