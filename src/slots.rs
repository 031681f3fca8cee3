//! Slot and token management (PKCS#11 3.2 §5.5).

use std::ffi::c_void;

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, List, Pointer};
use crate::text::{padded, version};

/// `C_GetSlotList`. Every slot has its token present, so the caller's choice changes nothing.
pub(crate) fn list(hsm: &Hsm, _token_present: CK_BBOOL, list: List<CK_SLOT_ID>) -> Outcome {
    list.fill(hsm.slots()?.into_iter())
}

/// `C_GetSlotInfo`.
pub(crate) fn info(hsm: &Hsm, slot: u64, info: Pointer<CK_SLOT_INFO>) -> Outcome {
    info.required()?;
    let slot = hsm.slot_info(slot)?;
    Ok(info.write(CK_SLOT_INFO {
        slotDescription: padded(&slot.description),
        manufacturerID: padded(slot.manufacturer),
        flags: slot.flags,
        hardwareVersion: version(slot.hardware),
        firmwareVersion: version(slot.firmware),
    })?)
}

/// `C_GetTokenInfo`.
pub(crate) fn token_info(hsm: &Hsm, slot: u64, info: Pointer<CK_TOKEN_INFO>) -> Outcome {
    info.required()?;
    let token = hsm.token_info(slot)?;
    Ok(info.write(CK_TOKEN_INFO {
        label: padded(&token.label),
        manufacturerID: padded(token.manufacturer),
        model: padded(token.model),
        serialNumber: padded(&token.serial),
        flags: token.flags,
        ulMaxSessionCount: token.max_sessions,
        ulSessionCount: token.sessions,
        ulMaxRwSessionCount: token.max_rw_sessions,
        ulRwSessionCount: token.rw_sessions,
        ulMaxPinLen: token.max_pin,
        ulMinPinLen: token.min_pin,
        ulTotalPublicMemory: CK_UNAVAILABLE_INFORMATION,
        ulFreePublicMemory: CK_UNAVAILABLE_INFORMATION,
        ulTotalPrivateMemory: CK_UNAVAILABLE_INFORMATION,
        ulFreePrivateMemory: CK_UNAVAILABLE_INFORMATION,
        hardwareVersion: version(token.hardware),
        firmwareVersion: version(token.firmware),
        // Only a token with CKF_CLOCK_ON_TOKEN has one.
        utcTime: padded(""),
    })?)
}

/// `C_GetMechanismList`.
pub(crate) fn mechanisms(hsm: &Hsm, slot: u64, list: List<CK_MECHANISM_TYPE>) -> Outcome {
    list.fill(hsm.mechanisms(slot)?.into_iter().map(|mechanism| mechanism.id))
}

/// `C_GetMechanismInfo`.
pub(crate) fn mechanism_info(hsm: &Hsm, slot: u64, id: u64, info: Pointer<CK_MECHANISM_INFO>) -> Outcome {
    info.required()?;
    let (mechanism, flags) = hsm.mechanism(slot, id)?;
    Ok(info.write(CK_MECHANISM_INFO { ulMinKeySize: mechanism.min_key, ulMaxKeySize: mechanism.max_key, flags })?)
}

/// `C_InitToken`. The label has 32 bytes, padded with blanks.
pub(crate) fn initialize_token(hsm: &Hsm, slot: u64, pin: Input, label: Pointer<[u8; 32]>) -> Outcome {
    let label = label.read()?;
    Ok(hsm.init_token(slot, pin.optional()?, &label)?)
}

/// `C_WaitForSlotEvent`. Never blocks.
pub(crate) fn wait_for_event(
    hsm: &Hsm,
    flags: CK_FLAGS,
    slot: Pointer<CK_SLOT_ID>,
    reserved: Pointer<c_void>,
) -> Outcome {
    slot.required()?;
    if !reserved.is_null() {
        return Err(Error::Arguments("pReserved of C_WaitForSlotEvent is not NULL").into());
    }
    Ok(slot.write(hsm.wait_for_slot_event(flags & CKF_DONT_BLOCK != 0)?)?)
}
