//! Why a call failed: the core's errors, and the few that exist only at the C boundary.

use std::fmt;

use cryptoki_sys::*;
use strongroom_core::error::Error;

/// What an entry function ends with.
pub(crate) type Outcome = Result<(), Failure>;

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The core, or a check of the caller's arguments, refused.
    Refused(Error),
    /// There has been no `C_Initialize` in this process.
    NotInitialized,
    /// There has been one already.
    AlreadyInitialized,
    /// The caller's mutexes would have to be used, and cannot be.
    CannotLock,
    /// `C_GetFunctionStatus` and `C_CancelFunction`.
    NotParallel,
    /// A session without `CKF_SERIAL_SESSION`.
    ParallelSession,
    /// A session with `CKF_ASYNC_SESSION`.
    AsynchronousSession,
    /// No interface has the name, version and flags asked for.
    NoInterface,
    /// The caller's array has too few places.
    TooFewPlaces {
        /// Places needed.
        needed: usize,
    },
    /// A panic was caught.
    Panicked,
}

impl Failure {
    /// The return value of the standard.
    pub(crate) fn rv(&self) -> CK_RV {
        match self {
            Failure::Refused(error) => error.rv(),
            Failure::NotInitialized => CKR_CRYPTOKI_NOT_INITIALIZED,
            Failure::AlreadyInitialized => CKR_CRYPTOKI_ALREADY_INITIALIZED,
            Failure::CannotLock => CKR_CANT_LOCK,
            Failure::NotParallel => CKR_FUNCTION_NOT_PARALLEL,
            Failure::ParallelSession => CKR_SESSION_PARALLEL_NOT_SUPPORTED,
            Failure::AsynchronousSession => CKR_SESSION_ASYNC_NOT_SUPPORTED,
            Failure::NoInterface => CKR_FUNCTION_FAILED,
            Failure::TooFewPlaces { .. } => CKR_BUFFER_TOO_SMALL,
            Failure::Panicked => CKR_GENERAL_ERROR,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(error) => write!(f, "{error}"),
            Failure::NotInitialized => write!(f, "this process has not called C_Initialize"),
            Failure::AlreadyInitialized => write!(f, "C_Initialize has been called already"),
            Failure::CannotLock => write!(f, "mutex callbacks are not used; set CKF_OS_LOCKING_OK"),
            Failure::NotParallel => write!(f, "no function runs in parallel"),
            Failure::ParallelSession => write!(f, "sessions need CKF_SERIAL_SESSION"),
            Failure::AsynchronousSession => write!(f, "there are no asynchronous sessions"),
            Failure::NoInterface => write!(f, "no interface has this name, version and flags"),
            Failure::TooFewPlaces { needed } => write!(f, "the array has too few places, {needed} are needed"),
            Failure::Panicked => write!(f, "a defect of the module was caught"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Refused(error)
    }
}
