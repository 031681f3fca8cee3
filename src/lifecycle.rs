//! `C_Initialize` and `C_Finalize` (PKCS#11 3.2 §5.4).

use std::ffi::c_void;

use cryptoki_sys::CKF_OS_LOCKING_OK;
use strongroom_core::error::Error;
use strongroom_core::hsm::{Hsm, Options};

use crate::failure::{Failure, Outcome};
use crate::memory::door::{self, Door};
use crate::memory::{InitializeArguments, Pointer};
use crate::reserved;
use crate::trace::Trace;

/// This process's part of the door to the HSM, with its trace.
pub(crate) type Gate = door::Gate<Hsm, Option<Trace>>;

static DOOR: Door<Hsm, Option<Trace>> = Door::new();

/// This process's gate, if `C_Initialize` has been called in this process.
#[inline]
pub(crate) fn gate() -> Option<&'static Gate> {
    DOOR.gate()
}

/// This process's gate, made now if need be.
///
/// # Errors
/// `CKR_HOST_MEMORY`.
pub(crate) fn own_gate() -> Result<&'static Gate, Error> {
    DOOR.own_gate(Trace::from_environment)
}

/// `C_Initialize`.
///
/// The module locks with the system's primitives. A caller that gives mutex callbacks without `CKF_OS_LOCKING_OK`
/// forbids that, for which the standard has `CKR_CANT_LOCK`. The module starts no threads, so it keeps to
/// `CKF_LIBRARY_CANT_CREATE_OS_THREADS` without looking. `pReserved` may hold a string as NSS passes it to its softoken
/// (see [`reserved`]).
pub(crate) fn initialize(gate: &Gate, arguments: Pointer<c_void>) -> Outcome {
    let turn = gate.turn();
    if turn.is_open() {
        return Err(Failure::AlreadyInitialized);
    }
    turn.open(Hsm::start(options(arguments)?)?);
    Ok(())
}

fn options(arguments: Pointer<c_void>) -> Result<Options, Failure> {
    let Some(arguments) = InitializeArguments::read(arguments) else {
        return Ok(Options::default());
    };
    match arguments.callbacks {
        0 => {}
        4 if arguments.flags & CKF_OS_LOCKING_OK != 0 => {}
        4 => return Err(Failure::CannotLock),
        _ => return Err(Error::Arguments("give all four mutex callbacks, or none").into()),
    }
    match arguments.reserved(RESERVED_BYTES_MAX)? {
        None => Ok(Options::default()),
        Some(string) => Ok(reserved::options(&string)?),
    }
}

/// `C_Finalize`. Calls that other threads are in the middle of end as they would have; later ones find the module
/// finalised.
pub(crate) fn finalize(reserved: Pointer<c_void>) -> Outcome {
    let gate = gate().ok_or(Failure::NotInitialized)?;
    let turn = gate.turn();
    if !turn.is_open() {
        return Err(Failure::NotInitialized);
    }
    if !reserved.is_null() {
        return Err(Error::Arguments("pReserved of C_Finalize is not NULL").into());
    }
    turn.close();
    Ok(())
}

/// Bytes of the longest `pReserved` string.
const RESERVED_BYTES_MAX: usize = 64 * 1024;
