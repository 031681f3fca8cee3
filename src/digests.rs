//! Message digests (PKCS#11 3.2 §5.12).

use cryptoki_sys::CK_MECHANISM;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Pointer, Space};
use crate::parameters;

/// `C_DigestInit`; a NULL mechanism cancels.
pub(crate) fn initialize(hsm: &Hsm, session: u64, mechanism: Pointer<CK_MECHANISM>) -> Outcome {
    let session = hsm.session(session)?;
    if mechanism.is_null() {
        return Ok(session.digest_cancel()?);
    }
    Ok(parameters::with_call(mechanism, |call| session.digest_init(&call))?)
}

/// `C_Digest`.
pub(crate) fn digest(hsm: &Hsm, session: u64, data: Input, digest: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.digest_cancel();
    Ok(digest.exchange(&data, refused, |data, output| session.digest(data, output))?)
}

/// `C_DigestUpdate`.
pub(crate) fn update(hsm: &Hsm, session: u64, part: Input) -> Outcome {
    let session = hsm.session(session)?;
    let part = part.bytes().inspect_err(|_| _ = session.digest_cancel())?;
    Ok(session.digest_update(part)?)
}

/// `C_DigestKey`.
pub(crate) fn key(hsm: &Hsm, session: u64, key: u64) -> Outcome {
    Ok(hsm.session(session)?.digest_key(key)?)
}

/// `C_DigestFinal`.
pub(crate) fn finish(hsm: &Hsm, session: u64, digest: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = session.digest_cancel();
    Ok(digest.deliver(refused, |output| session.digest_final(output))?)
}
