//! Decryption (PKCS#11 3.2 §5.10).

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
use crate::parameters;

/// `C_DecryptInit`; a NULL mechanism cancels.
pub(crate) fn initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>, key: u64) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.decrypt_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.decrypt_init(&call, key))?)
}

/// `C_Decrypt`.
pub(crate) fn decrypt(hsm: &Hsm, session: u64, encrypted: Input, data: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.decrypt_cancel();
    Ok(data.exchange(&encrypted, refused, |encrypted, output| session.decrypt(encrypted, output))?)
}

/// `C_DecryptUpdate`.
pub(crate) fn update(hsm: &Hsm, session: u64, encrypted: Input, part: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.decrypt_cancel();
    Ok(part.exchange(&encrypted, refused, |encrypted, output| session.decrypt_update(encrypted, output))?)
}

/// `C_DecryptFinal`.
pub(crate) fn finish(hsm: &Hsm, session: u64, part: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.decrypt_cancel();
    Ok(part.deliver(refused, |output| session.decrypt_final(output))?)
}
