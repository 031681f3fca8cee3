//! Approvals (quorum): keys to approve with, quorum tokens, and how many officers approve.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::session::Output;
use strongroom_core::token::quorum::{Progress, QuorumToken};

use super::*;
use crate::failure::Outcome;
use crate::memory::{Input, List, Pointer, Space};

/// `SR_RegisterApprover`.
pub(super) fn register(
    hsm: &Hsm,
    session: u64,
    user: CK_ULONG,
    public_key: Input,
    challenge: Input,
    signature: Input,
) -> Outcome {
    let session = hsm.session(session)?;
    let (public_key, challenge, signature) = (public_key.bytes()?, challenge.bytes()?, signature.bytes()?);
    Ok(session.register_approver(super::user(user), public_key, challenge, signature)?)
}

/// `SR_RequestApproval`. Only a call with room for the file makes a token.
pub(super) fn request(hsm: &Hsm, session: u64, service: CK_ULONG, key: u64, file: Space) -> Outcome {
    let session = hsm.session(session)?;
    let service = self::service(service)?;
    let key = (key != CK_INVALID_HANDLE).then_some(key);
    let result = file.deliver(
        || {},
        |output| {
            let needed = SR_QUORUM_FILE_BYTES;
            if let Output::Buffer(buffer) = output {
                let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
                place.copy_from_slice(&session.request_approval(service, key)?.file);
            }
            Ok(needed)
        },
    );
    Ok(result?)
}

/// `SR_Approve`.
pub(super) fn approve(
    hsm: &Hsm,
    session: u64,
    file: Input,
    user: CK_ULONG,
    signature: Input,
    missing: Pointer<CK_ULONG>,
) -> Outcome {
    let session = hsm.session(session)?;
    let progress = session.approve(file.bytes()?, super::user(user), signature.bytes()?)?;
    if missing.is_null() {
        return Ok(());
    }
    Ok(missing.write(progress.needed.saturating_sub(progress.given).into())?)
}

/// `SR_ListQuorumTokens`.
pub(super) fn list(hsm: &Hsm, session: u64, list: List<SR_QUORUM_TOKEN_INFO>) -> Outcome {
    let tokens = hsm.session(session)?.quorum_tokens()?;
    list.fill(tokens.iter().map(|(token, progress, seconds)| info(token, *progress, *seconds)))
}

/// `SR_DeleteQuorumToken`.
pub(super) fn delete(hsm: &Hsm, session: u64, token: CK_ULONG) -> Outcome {
    let session = hsm.session(session)?;
    // No token has the number 0.
    Ok(session.delete_quorum_token(u32::try_from(token).unwrap_or(0))?)
}

/// `SR_GetQuorumValue`.
pub(super) fn value(hsm: &Hsm, session: u64, service: CK_ULONG, value: Pointer<CK_ULONG>) -> Outcome {
    let session = hsm.session(session)?;
    value.required()?;
    Ok(value.write(session.quorum_value(self::service(service)?)?.into())?)
}

/// `SR_SetQuorumValue`.
pub(super) fn set_value(hsm: &Hsm, session: u64, service: CK_ULONG, value: CK_ULONG) -> Outcome {
    let session = hsm.session(session)?;
    // Whatever does not fit is too many for the core as well.
    Ok(session.set_quorum_value(self::service(service)?, u8::try_from(value).unwrap_or(u8::MAX))?)
}

fn service(number: CK_ULONG) -> Result<Service, Error> {
    let service = u16::try_from(number).ok().and_then(Service::numbered);
    service.ok_or(Error::Arguments("there is no service of this number"))
}

fn info(token: &QuorumToken, progress: Progress, seconds: u64) -> SR_QUORUM_TOKEN_INFO {
    SR_QUORUM_TOKEN_INFO {
        tokenID: token.id.into(),
        service: token.service as CK_ULONG,
        hKey: token.key,
        requesterID: token.requester.0.into(),
        ulNeeded: progress.needed.into(),
        ulGiven: progress.given.into(),
        ulSecondsLeft: seconds,
        file: token.file,
    }
}
