//! Signatures and verification by messages (PKCS#11 3.2 §5.14 and §5.16).
//!
//! No mechanism has a parameter for each message: one that is given would be ignored, so it is refused.

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
use crate::parameters;

/// `C_MessageSignInit`; a NULL mechanism cancels.
pub(crate) fn sign_initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.message_sign_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.message_sign_init(&call, key))?)
}

/// `C_SignMessage`.
pub(crate) fn sign(hsm: &Hsm, session: u64, parameter: Input, data: Input, signature: Space) -> Outcome {
    let session = hsm.session(session)?;
    no_parameter(&parameter)?;
    Ok(signature.exchange(&data, || {}, |data, output| session.sign_message(data, output))?)
}

/// `C_SignMessageBegin`.
pub(crate) fn sign_begin(hsm: &Hsm, session: u64, parameter: Input) -> Outcome {
    let session = hsm.session(session)?;
    no_parameter(&parameter)?;
    Ok(session.sign_message_begin()?)
}

/// `C_SignMessageNext`: the last part is the one with a place for the signature's length.
pub(crate) fn sign_next(hsm: &Hsm, session: u64, parameter: Input, part: Input, signature: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.sign_message_abandon();
    no_parameter(&parameter).inspect_err(|_| refused())?;
    if signature.has_no_length() {
        session.sign_message_next(part.bytes().inspect_err(|_| refused())?, None)?;
        return Ok(());
    }
    Ok(signature.exchange(&part, refused, |part, output| session.sign_message_next(part, Some(output)))?)
}

/// `C_MessageSignFinal`.
pub(crate) fn sign_final(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.session(session)?.message_sign_final()?)
}

/// `C_MessageVerifyInit`; a NULL mechanism cancels.
pub(crate) fn verify_initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.message_verify_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.message_verify_init(&call, key))?)
}

/// `C_VerifyMessage`.
pub(crate) fn verify(hsm: &Hsm, session: u64, parameter: Input, data: Input, signature: Input) -> Outcome {
    let session = hsm.session(session)?;
    no_parameter(&parameter)?;
    Ok(session.verify_message(data.bytes()?, signature.bytes()?)?)
}

/// `C_VerifyMessageBegin`.
pub(crate) fn verify_begin(hsm: &Hsm, session: u64, parameter: Input) -> Outcome {
    let session = hsm.session(session)?;
    no_parameter(&parameter)?;
    Ok(session.verify_message_begin()?)
}

/// `C_VerifyMessageNext`: the last part is the one with a signature.
pub(crate) fn verify_next(hsm: &Hsm, session: u64, parameter: Input, part: Input, signature: Input) -> Outcome {
    let session = hsm.session(session)?;
    let refused = |_: &_| _ = session.verify_message_abandon();
    no_parameter(&parameter).inspect_err(refused)?;
    let part = part.bytes().inspect_err(refused)?;
    Ok(session.verify_message_next(part, signature.optional().inspect_err(refused)?)?)
}

/// `C_MessageVerifyFinal`.
pub(crate) fn verify_final(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.session(session)?.message_verify_final()?)
}

fn no_parameter(parameter: &Input) -> Result<(), Error> {
    match parameter.len() {
        0 => Ok(()),
        _ => Err(Error::MechanismParameter("messages to sign have none of their own")),
    }
}
