//! Signatures and MACs, and signatures that hold their data (PKCS#11 3.2 §5.13).

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
use crate::parameters;

/// `C_SignInit`; a NULL mechanism cancels.
pub(crate) fn initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.sign_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.sign_init(&call, key))?)
}

/// `C_Sign`.
pub(crate) fn sign(hsm: &Hsm, session: u64, data: Input, signature: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.sign_cancel();
    Ok(signature.exchange(&data, refused, |data, output| session.sign(data, output))?)
}

/// `C_SignUpdate`.
pub(crate) fn update(hsm: &Hsm, session: u64, part: Input) -> Outcome {
    let session = hsm.session(session)?;
    let part = part.bytes().inspect_err(|_| _ = session.sign_cancel())?;
    Ok(session.sign_update(part)?)
}

/// `C_SignFinal`.
pub(crate) fn finish(hsm: &Hsm, session: u64, signature: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.sign_cancel();
    Ok(signature.deliver(refused, |output| session.sign_final(output))?)
}

/// `C_SignRecoverInit`; a NULL mechanism cancels.
pub(crate) fn recover_initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.sign_recover_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.sign_recover_init(&call, key))?)
}

/// `C_SignRecover`.
pub(crate) fn recover(hsm: &Hsm, session: u64, data: Input, signature: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.sign_recover_cancel();
    Ok(signature.exchange(&data, refused, |data, output| session.sign_recover(data, output))?)
}
