//! Values of keys on their way between the HSM and this program. A value leaves the HSM wrapped by an AES key and is
//! unwrapped with the same key, by the HSM or, where a file has the key, here; and the other way round. What may leave,
//! and by which key, the core decides in both steps.

use cryptoki_sys::CKM_AES_KEY_WRAP_KWP;
use strongroom_core::access::Action;
use strongroom_core::attribute::Template;
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::session::{Output, Session};
use strongroom_crypto::keywrap;
use strongroom_crypto::memory::SecretBytes;
use zeroize::Zeroizing;

use super::Tool;
use crate::cloudhsm::files;
use crate::cloudhsm::results::{Code, Refusal};

/// A key's value, or a private key in PKCS#8, taken out with the AES key `wrapping`, which the file `outside` holds
/// too.
///
/// # Errors
/// The core's; the file's.
pub(super) fn take_out(
    tool: &mut Tool,
    wrapping: u64,
    key: u64,
    outside: Option<&str>,
) -> Result<SecretBytes, Refusal> {
    let outside = outside.map(wrapping_key).transpose()?;
    let session = tool.link.session();
    session.expect_approvals(key, &[Action::Export])?;
    session
        .expect_approvals(wrapping, with_wrapping_key(outside.is_some()))
        .map_err(|it| Refusal::from(it).of(WRAP))?;
    let wrapped = wrap(session, &call(CKM_AES_KEY_WRAP_KWP)?, wrapping, key).map_err(|it| it.of(WRAP))?;
    tool.screen.result(WRAP, Code::SUCCESS);
    let session = tool.link.session();
    let mut value = SecretBytes::zeroed(wrapped.len()).map_err(Error::from)?;
    let unwrapped = match outside {
        None => session
            .decrypt_init(&call(CKM_AES_KEY_WRAP_KWP)?, wrapping)
            .and_then(|()| session.decrypt(&wrapped, Output::Buffer(value.expose_mut()))),
        Some(outside) => keywrap::Key::new(&outside)
            .and_then(|outside| outside.unwrap_padded(None, &wrapped, value.expose_mut()))
            .map_err(Error::from),
    };
    let length = unwrapped.map_err(|error| Refusal::from(error).of(UNWRAP_HOST))?;
    tool.screen.result(UNWRAP_HOST, Code::SUCCESS);
    Ok(SecretBytes::from_slice(value.expose().get(..length).unwrap_or_default()).map_err(Error::from)?)
}

/// Puts a value into the HSM with the AES key `wrapping`, which the file `outside` holds too, and returns the key's
/// handle.
///
/// # Errors
/// The core's; the file's.
pub(super) fn put_in(
    tool: &mut Tool,
    wrapping: u64,
    value: &[u8],
    outside: Option<&str>,
    template: &Template<'_>,
) -> Result<u64, Refusal> {
    let outside = outside.map(wrapping_key).transpose()?;
    let session = tool.link.session();
    let approved = session.expect_approvals(wrapping, with_wrapping_key(outside.is_some()));
    approved.map_err(|error| Refusal::from(error).of(WRAP_HOST))?;
    let mut wrapped = vec![0; value.len().next_multiple_of(8) + 8];
    let done = match outside {
        None => session
            .encrypt_init(&call(CKM_AES_KEY_WRAP_KWP)?, wrapping)
            .and_then(|_| session.encrypt(value, Output::Buffer(&mut wrapped))),
        Some(outside) => keywrap::Key::new(&outside)
            .and_then(|outside| outside.wrap_padded(None, value, &mut wrapped))
            .map_err(Error::from),
    };
    let length = done.map_err(|error| Refusal::from(error).of(WRAP_HOST))?;
    wrapped.truncate(length);
    tool.screen.result(WRAP_HOST, Code::SUCCESS);
    tool.screen.result(TEMPLATE, Code::SUCCESS);
    let session = tool.link.session();
    let key = session.unwrap_key(&call(CKM_AES_KEY_WRAP_KWP)?, wrapping, &wrapped, template);
    let key = key.map_err(|error| Refusal::from(error).of(UNWRAP))?;
    tool.screen.result(UNWRAP, Code::SUCCESS);
    Ok(key)
}

/// What is done with the wrapping key, each with an approval of its own where the key takes any: outside of the HSM
/// nothing is approved.
fn with_wrapping_key(outside: bool) -> &'static [Action] {
    if outside { &[Action::Wrap] } else { &[Action::Wrap, Action::Use] }
}

/// The AES key in a file, for work outside the HSM.
fn wrapping_key(path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let key = files::read(path)?;
    match key.len() {
        16 | 24 | 32 => Ok(key),
        _ => Err(Refusal::Said("Invalid file. Should be an AES key".to_owned())),
    }
}

/// The wrapped form of a key.
///
/// # Errors
/// The core's.
pub(super) fn wrap(session: &Session, call: &Call<'_>, wrapping: u64, key: u64) -> Result<Vec<u8>, Refusal> {
    let length = session.wrap_key(call, wrapping, key, Output::Length)?;
    let mut wrapped = vec![0; length];
    let length = session.wrap_key(call, wrapping, key, Output::Buffer(&mut wrapped))?;
    wrapped.truncate(length);
    Ok(wrapped)
}

/// A call of a mechanism that takes no parameter.
///
/// # Errors
/// A mechanism that is not in the catalogue.
pub(super) fn call(mechanism: u64) -> Result<Call<'static>, Refusal> {
    with(mechanism, Parameter::None)
}

/// A call of a mechanism.
///
/// # Errors
/// A mechanism that is not in the catalogue.
pub(super) fn with(mechanism: u64, parameter: Parameter<'_>) -> Result<Call<'_>, Refusal> {
    let unknown = || Refusal::code(Code::MECHANISM, "the mechanism is not offered");
    Ok(Call { mechanism: find(mechanism).ok_or_else(unknown)?, parameter })
}

pub(super) const WRAP: &str = "Cfm3WrapKey";
pub(super) const UNWRAP: &str = "Cfm3UnWrapKey";
pub(super) const WRAP_HOST: &str = "Cfm3WrapHostKey";
pub(super) const UNWRAP_HOST: &str = "Cfm3UnWrapHostKey";
const TEMPLATE: &str = "Cfm3CreateUnwrapTemplate";
