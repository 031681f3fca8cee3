//! Session management (PKCS#11 3.2 §5.6).

use cryptoki_sys::*;
use strongroom_core::hsm::Hsm;

use crate::failure::{Failure, Outcome};
use crate::memory::{Input, Pointer, Space};

/// `C_OpenSession`. There is nothing to notify an application of, so its callback is not kept.
pub(crate) fn open(hsm: &Hsm, slot: u64, flags: CK_FLAGS, session: Pointer<CK_SESSION_HANDLE>) -> Outcome {
    session.required()?;
    if flags & CKF_SERIAL_SESSION == 0 {
        return Err(Failure::ParallelSession);
    }
    if flags & CKF_ASYNC_SESSION != 0 {
        return Err(Failure::AsynchronousSession);
    }
    Ok(session.write(hsm.open_session(slot, flags & CKF_RW_SESSION != 0)?)?)
}

/// `C_CloseSession`.
pub(crate) fn close(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.close_session(session)?)
}

/// `C_CloseAllSessions`.
pub(crate) fn close_all(hsm: &Hsm, slot: u64) -> Outcome {
    Ok(hsm.close_all_sessions(slot)?)
}

/// `C_GetSessionInfo`.
pub(crate) fn info(hsm: &Hsm, session: u64, info: Pointer<CK_SESSION_INFO>) -> Outcome {
    let session = hsm.session(session)?.info()?;
    Ok(info.write(CK_SESSION_INFO {
        slotID: session.slot,
        state: session.state,
        flags: session.flags,
        ulDeviceError: session.device_error,
    })?)
}

/// `C_SessionCancel`.
pub(crate) fn cancel(hsm: &Hsm, session: u64, flags: CK_FLAGS) -> Outcome {
    Ok(hsm.session(session)?.cancel(flags)?)
}

/// `C_GetSessionValidationFlags`.
pub(crate) fn validation_flags(hsm: &Hsm, session: u64, kind: u64, flags: Pointer<CK_FLAGS>) -> Outcome {
    let session = hsm.session(session)?;
    flags.required()?;
    Ok(flags.write(session.validation_flags(kind)?)?)
}

/// `C_GetOperationState`.
pub(crate) fn operation_state(hsm: &Hsm, session: u64, state: Space) -> Outcome {
    let session = hsm.session(session)?;
    Ok(state.deliver(|| {}, |output| session.save_state(output))?)
}

/// `C_SetOperationState`.
pub(crate) fn set_operation_state(
    hsm: &Hsm,
    session: u64,
    state: Input,
    encryption_key: u64,
    authentication_key: u64,
) -> Outcome {
    let session = hsm.session(session)?;
    Ok(session.restore_state(state.bytes()?, encryption_key, authentication_key)?)
}

/// `C_Login`. A NULL PIN asks for a protected authentication path.
pub(crate) fn login(hsm: &Hsm, session: u64, user_type: u64, pin: Input) -> Outcome {
    Ok(hsm.session(session)?.login(user_type, pin.optional()?, None)?)
}

/// `C_LoginUser`. A NULL name is no name.
pub(crate) fn login_user(hsm: &Hsm, session: u64, user_type: u64, pin: Input, name: Input) -> Outcome {
    Ok(hsm.session(session)?.login(user_type, pin.optional()?, name.optional()?)?)
}

/// `C_Logout`.
pub(crate) fn logout(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.logout(session)?)
}

/// `C_InitPIN`.
pub(crate) fn initialize_pin(hsm: &Hsm, session: u64, pin: Input) -> Outcome {
    Ok(hsm.session(session)?.init_pin(pin.optional()?)?)
}

/// `C_SetPIN`.
pub(crate) fn set_pin(hsm: &Hsm, session: u64, old: Input, new: Input) -> Outcome {
    Ok(hsm.session(session)?.set_pin(old.optional()?, new.optional()?)?)
}
