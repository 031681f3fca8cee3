//! Encryption (PKCS#11 3.2 §5.8).

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
use crate::parameters;

/// `C_EncryptInit`; a NULL mechanism cancels. An IV made in the module goes where the caller's `CK_GCM_PARAMS` has one.
pub(crate) fn initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.encrypt_cancel()?);
    }
    if let Some(iv) = parameters::with_call(mechanism, |call| session.encrypt_init(&call, key))?
        && let Err(error) = parameters::return_iv(mechanism, &iv)
    {
        // Nobody will ever know this IV.
        _ = session.encrypt_cancel();
        return Err(error.into());
    }
    Ok(())
}

/// `C_Encrypt`.
pub(crate) fn encrypt(hsm: &Hsm, session: u64, data: Input, encrypted: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.encrypt_cancel();
    Ok(encrypted.exchange(&data, refused, |data, output| session.encrypt(data, output))?)
}

/// `C_EncryptUpdate`.
pub(crate) fn update(hsm: &Hsm, session: u64, part: Input, encrypted: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.encrypt_cancel();
    Ok(encrypted.exchange(&part, refused, |part, output| session.encrypt_update(part, output))?)
}

/// `C_EncryptFinal`.
pub(crate) fn finish(hsm: &Hsm, session: u64, encrypted: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.encrypt_cancel();
    Ok(encrypted.deliver(refused, |output| session.encrypt_final(output))?)
}
