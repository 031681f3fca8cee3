//! Verification of signatures and MACs (PKCS#11 3.2 §5.15).

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer};
use crate::parameters;

/// `C_VerifyInit`; a NULL mechanism cancels.
pub(crate) fn initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.verify_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.verify_init(&call, key))?)
}

/// `C_Verify`.
pub(crate) fn verify(hsm: &Hsm, session: u64, data: Input, signature: Input) -> Outcome {
    let session = hsm.session(session)?;
    let refused = |_: &_| _ = session.verify_cancel();
    let data = data.bytes().inspect_err(refused)?;
    let signature = signature.bytes().inspect_err(refused)?;
    Ok(session.verify(data, signature)?)
}

/// `C_VerifyUpdate`.
pub(crate) fn update(hsm: &Hsm, session: u64, part: Input) -> Outcome {
    let session = hsm.session(session)?;
    let part = part.bytes().inspect_err(|_| _ = session.verify_cancel())?;
    Ok(session.verify_update(part)?)
}

/// `C_VerifyFinal`.
pub(crate) fn finish(hsm: &Hsm, session: u64, signature: Input) -> Outcome {
    let session = hsm.session(session)?;
    let signature = signature.bytes().inspect_err(|_| _ = session.verify_cancel())?;
    Ok(session.verify_final(signature)?)
}
