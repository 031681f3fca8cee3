//! Functions that serve two operations at once (PKCS#11 3.2 §5.17). An argument that is refused ends both.

use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Space};

/// `C_DigestEncryptUpdate`.
pub(crate) fn digest_encrypt(hsm: &Hsm, session: u64, part: Input, encrypted: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = (session.digest_cancel(), session.encrypt_cancel());
    Ok(encrypted.exchange(&part, refused, |part, output| session.digest_encrypt_update(part, output))?)
}

/// `C_DecryptDigestUpdate`.
pub(crate) fn decrypt_digest(hsm: &Hsm, session: u64, encrypted: Input, part: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = (session.decrypt_cancel(), session.digest_cancel());
    Ok(part.exchange(&encrypted, refused, |encrypted, output| session.decrypt_digest_update(encrypted, output))?)
}

/// `C_SignEncryptUpdate`.
pub(crate) fn sign_encrypt(hsm: &Hsm, session: u64, part: Input, encrypted: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = (session.sign_cancel(), session.encrypt_cancel());
    Ok(encrypted.exchange(&part, refused, |part, output| session.sign_encrypt_update(part, output))?)
}

/// `C_DecryptVerifyUpdate`.
pub(crate) fn decrypt_verify(hsm: &Hsm, session: u64, encrypted: Input, part: Space) -> Outcome {
    let session = hsm.session(session)?;
    let refused = || _ = (session.decrypt_cancel(), session.verify_cancel());
    Ok(part.exchange(&encrypted, refused, |encrypted, output| session.decrypt_verify_update(encrypted, output))?)
}
