//! Users, sharing and trust (`SR_ListUsers` and so on).

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::seal::Role;
use strongroom_core::token::UserInfo;

use super::*;
use crate::failure::Outcome;
use crate::memory::{Input, List, Pointer};

/// `SR_ListUsers`.
pub(super) fn list(hsm: &Hsm, session: u64, list: List<SR_USER_INFO>) -> Outcome {
    let users = hsm.session(session)?.users()?;
    list.fill(users.iter().map(|(user, approves)| info(user, *approves)))
}

/// `SR_CreateUser`.
pub(super) fn create(
    hsm: &Hsm,
    session: u64,
    role: CK_ULONG,
    name: Input,
    pin: Input,
    user: Pointer<CK_ULONG>,
) -> Outcome {
    let session = hsm.session(session)?;
    user.required()?;
    let role = match role {
        SR_ROLE_OFFICER => Role::Officer,
        SR_ROLE_USER => Role::User,
        _ => return Err(Error::Arguments("only officers and users are made").into()),
    };
    let made = session.add_user(role, name.bytes()?, pin.optional()?)?;
    Ok(user.write(made.0.into())?)
}

/// `SR_DeleteUser`.
pub(super) fn delete(hsm: &Hsm, session: u64, user: CK_ULONG) -> Outcome {
    Ok(hsm.session(session)?.delete_user(super::user(user))?)
}

/// `SR_SetUserPIN`.
pub(super) fn set_pin(hsm: &Hsm, session: u64, user: CK_ULONG, pin: Input) -> Outcome {
    Ok(hsm.session(session)?.reset_pin(super::user(user), pin.optional()?)?)
}

/// `SR_UnlockUser`.
pub(super) fn unlock(hsm: &Hsm, session: u64, user: CK_ULONG) -> Outcome {
    Ok(hsm.session(session)?.unlock_user(super::user(user))?)
}

/// `SR_ShareKey`.
pub(super) fn share(hsm: &Hsm, session: u64, key: u64, user: CK_ULONG) -> Outcome {
    Ok(hsm.session(session)?.share(key, super::user(user))?)
}

/// `SR_UnshareKey`.
pub(super) fn unshare(hsm: &Hsm, session: u64, key: u64, user: CK_ULONG) -> Outcome {
    Ok(hsm.session(session)?.unshare(key, super::user(user))?)
}

/// `SR_SetTrusted`.
pub(super) fn set_trusted(hsm: &Hsm, session: u64, object: u64, trusted: CK_BBOOL) -> Outcome {
    let session = hsm.session(session)?;
    let trusted = match trusted {
        CK_FALSE => false,
        CK_TRUE => true,
        _ => return Err(Error::Arguments("a CK_BBOOL is CK_TRUE or CK_FALSE").into()),
    };
    Ok(session.set_trusted(object, trusted)?)
}

fn info(user: &UserInfo, approves: bool) -> SR_USER_INFO {
    let mut name = [0; SR_USER_NAME_BYTES];
    for (place, byte) in name.iter_mut().zip(user.name.bytes().take(SR_USER_NAME_BYTES - 1)) {
        *place = byte;
    }
    let flag = |set: bool, flag: CK_FLAGS| if set { flag } else { 0 };
    SR_USER_INFO {
        userID: user.id.0.into(),
        role: user.role as CK_ULONG,
        flags: flag(user.locked, SR_USER_LOCKED)
            | flag(user.escrowed, SR_USER_ESCROWED)
            | flag(approves, SR_USER_APPROVER),
        ulAttemptsLeft: user.attempts_left.into(),
        name,
    }
}
