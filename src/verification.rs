//! Verification of signatures and MACs: given at the end, given at the beginning, and such that hold their data
//! (PKCS#11 3.2 §5.15).

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
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

/// `C_VerifyRecoverInit`; a NULL mechanism cancels.
pub(crate) fn recover_initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.verify_recover_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.verify_recover_init(&call, key))?)
}

/// `C_VerifyRecover`.
pub(crate) fn recover(hsm: &Hsm, session: u64, signature: Input, data: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.verify_recover_cancel();
    Ok(data.exchange(&signature, refused, |signature, output| session.verify_recover(signature, output))?)
}

/// `C_VerifySignatureInit`; a NULL mechanism cancels.
pub(crate) fn signature_initialize(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    key: u64,
    signature: Input,
) -> Outcome {
    let session = hsm.session(session)?;
    let signature = signature.bytes()?;
    if mechanism.is_null() {
        return Ok(session.verify_signature_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.verify_signature_init(&call, key, signature))?)
}

/// `C_VerifySignature`.
pub(crate) fn signature(hsm: &Hsm, session: u64, data: Input) -> Outcome {
    let session = hsm.session(session)?;
    let data = data.bytes().inspect_err(|_| _ = session.verify_signature_cancel())?;
    Ok(session.verify_signature(data)?)
}

/// `C_VerifySignatureUpdate`.
pub(crate) fn signature_update(hsm: &Hsm, session: u64, part: Input) -> Outcome {
    let session = hsm.session(session)?;
    let part = part.bytes().inspect_err(|_| _ = session.verify_signature_cancel())?;
    Ok(session.verify_signature_update(part)?)
}

/// `C_VerifySignatureFinal`.
pub(crate) fn signature_final(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.session(session)?.verify_signature_final()?)
}
