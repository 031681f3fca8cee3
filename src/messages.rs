//! Functions that are not offered: message-based operations (PKCS#11 3.2 §5.9, §5.11, §5.14, §5.16), recovery from
//! signatures, asymmetric and derived keys, wrapping, and asynchronous operations.

use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;

/// The answer of all of them. A session that does not exist is told first (PKCS#11 3.2 §5.1).
pub(crate) fn not_offered(hsm: &Hsm, session: u64) -> Outcome {
    hsm.session(session)?;
    Err(Error::NotSupported.into())
}
