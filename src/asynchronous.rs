//! Asynchronous functions (PKCS#11 3.2 §5.20): there are none. A session with `CKF_ASYNC_SESSION` cannot be opened
//! (`CKR_SESSION_ASYNC_NOT_SUPPORTED`), so no function is ever pending that these could ask for.

use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;

/// The answer of all of them. A session that does not exist is told first (PKCS#11 3.2 §5.1).
pub(crate) fn not_offered(hsm: &Hsm, session: u64) -> Outcome {
    hsm.session(session)?;
    Err(Error::NotSupported.into())
}
