//! Key management (PKCS#11 3.2 §5.18).

use cryptoki_sys::{CK_MECHANISM, CK_OBJECT_HANDLE};
use strongroom_core::attribute::Template;
use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Attributes, Pointer};
use crate::parameters;

/// `C_GenerateKey`.
pub(crate) fn generate(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    template: Attributes,
    key: Pointer<CK_OBJECT_HANDLE>,
) -> Outcome {
    let session = hsm.session(session)?;
    key.required()?;
    let handle =
        parameters::with_call(mechanism, |call| session.generate_key(&call, &Template::parse(&template.raw()?)?))?;
    Ok(key.write(handle)?)
}
