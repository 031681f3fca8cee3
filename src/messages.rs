//! Encryption and decryption by messages (PKCS#11 3.2 §5.9 and §5.11).
//!
//! The parameter at the beginning of a series is not looked at: all there is to know comes with each message. The core
//! works on copies of IV and tag, since a caller may have them anywhere, even within the output.

use cryptoki_sys::{CK_FLAGS, CK_MECHANISM, CKF_END_OF_MESSAGE};
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
use crate::parameters::{self, caller_message};

/// `C_MessageEncryptInit`; a NULL mechanism cancels.
pub(crate) fn encrypt_initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.message_encrypt_cancel()?);
    }
    Ok(session.message_encrypt_init(parameters::mechanism(mechanism)?, key)?)
}

/// `C_EncryptMessage`. The IV, if the module made it, and the tag go into the parameter.
pub(crate) fn encrypt(
    hsm: &Hsm,
    session: u64,
    parameter: Input,
    associated: Input,
    data: Input,
    encrypted: Space,
) -> Outcome {
    let session = hsm.session(session)?;
    session.expect_message_encryption(false)?;
    let caller = caller_message(&parameter)?;
    if !encrypted.is_query() {
        caller.require_tag()?;
    }
    let mut own = caller.copy()?;
    let associated = encrypted.apart(&associated)?;
    encrypted.exchange(
        &data,
        || {},
        |data, output| session.encrypt_message(&mut own.message(), &associated, data, output),
    )?;
    if !encrypted.is_query() {
        caller.return_iv(&own);
        caller.return_tag(&own);
    }
    Ok(())
}

/// `C_EncryptMessageBegin`. The IV, if the module made it, goes into the parameter.
pub(crate) fn encrypt_begin(hsm: &Hsm, session: u64, parameter: Input, associated: Input) -> Outcome {
    let session = hsm.session(session)?;
    session.expect_message_encryption(false)?;
    let caller = caller_message(&parameter)?;
    let mut own = caller.copy()?;
    session.encrypt_message_begin(&mut own.message(), associated.bytes()?)?;
    caller.return_iv(&own);
    Ok(())
}

/// `C_EncryptMessageNext`. The parameter is used with the last part, where the tag goes into it.
pub(crate) fn encrypt_next(
    hsm: &Hsm,
    session: u64,
    parameter: Input,
    part: Input,
    encrypted: Space,
    flags: CK_FLAGS,
) -> Outcome {
    let session = hsm.session(session)?;
    session.expect_message_encryption(true)?;
    let refused = || _ = session.encrypt_message_abandon();
    if flags & CKF_END_OF_MESSAGE == 0 {
        return Ok(encrypted.exchange(&part, refused, |part, output| session.encrypt_message_next(part, output, None))?);
    }
    let own = caller_message(&parameter).and_then(|caller| {
        if !encrypted.is_query() {
            caller.require_tag()?;
        }
        Ok((caller, caller.copy()?))
    });
    let (caller, mut own) = own.inspect_err(|_| refused())?;
    encrypted
        .exchange(&part, refused, |part, output| session.encrypt_message_next(part, output, Some(own.tag_mut())))?;
    if !encrypted.is_query() {
        caller.return_tag(&own);
    }
    Ok(())
}

/// `C_MessageEncryptFinal`.
pub(crate) fn encrypt_final(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.session(session)?.message_encrypt_final()?)
}

/// `C_MessageDecryptInit`; a NULL mechanism cancels.
pub(crate) fn decrypt_initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.message_decrypt_cancel()?);
    }
    Ok(session.message_decrypt_init(parameters::mechanism(mechanism)?, key)?)
}

/// `C_DecryptMessage`.
pub(crate) fn decrypt(
    hsm: &Hsm,
    session: u64,
    parameter: Input,
    associated: Input,
    encrypted: Input,
    data: Space,
) -> Outcome {
    let session = hsm.session(session)?;
    session.expect_message_decryption(false)?;
    let caller = caller_message(&parameter)?;
    let mut own = if data.is_query() { caller.copy()? } else { caller.copy_with_tag()? };
    let associated = data.apart(&associated)?;
    Ok(data.exchange(
        &encrypted,
        || {},
        |encrypted, output| session.decrypt_message(&mut own.message(), &associated, encrypted, output),
    )?)
}

/// `C_DecryptMessageBegin`. The tag may still be missing.
pub(crate) fn decrypt_begin(hsm: &Hsm, session: u64, parameter: Input, associated: Input) -> Outcome {
    let session = hsm.session(session)?;
    session.expect_message_decryption(false)?;
    let mut own = caller_message(&parameter)?.copy()?;
    Ok(session.decrypt_message_begin(&mut own.message(), associated.bytes()?)?)
}

/// `C_DecryptMessageNext`. The parameter is used with the last part: it has the tag.
pub(crate) fn decrypt_next(
    hsm: &Hsm,
    session: u64,
    parameter: Input,
    part: Input,
    data: Space,
    flags: CK_FLAGS,
) -> Outcome {
    let session = hsm.session(session)?;
    session.expect_message_decryption(true)?;
    let refused = || _ = session.decrypt_message_abandon();
    if flags & CKF_END_OF_MESSAGE == 0 {
        return Ok(data.exchange(&part, refused, |part, output| session.decrypt_message_next(part, output, None))?);
    }
    let own = caller_message(&parameter)
        .and_then(|caller| if data.is_query() { caller.copy() } else { caller.copy_with_tag() });
    let mut own = own.inspect_err(|_| refused())?;
    Ok(data.exchange(&part, refused, |part, output| session.decrypt_message_next(part, output, Some(own.tag_mut())))?)
}

/// `C_MessageDecryptFinal`.
pub(crate) fn decrypt_final(hsm: &Hsm, session: u64) -> Outcome {
    Ok(hsm.session(session)?.message_decrypt_final()?)
}
