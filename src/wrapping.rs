//! Keys that leave and come back encrypted (PKCS#11 3.2 §5.18).
//!
//! The core knows one form of an authenticated wrap: the tag follows the ciphertext. `C_WrapKeyAuthenticated` and its
//! counterpart have it in the parameter, so it is split off and put back here.

use cryptoki_sys::{CK_MECHANISM, CK_OBJECT_HANDLE};
use strongroom_core::attribute::Template;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::session::{Output, Session};

use crate::failure::Outcome;
use crate::memory::{Attributes, Input, Pointer, Space};
use crate::parameters::{self, Wrap};

/// `C_WrapKey`. An IV that the module made goes into the caller's parameter.
pub(crate) fn wrap(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    wrapping: u64,
    key: u64,
    wrapped: Space,
) -> Outcome {
    let session = hsm.session(session)?;
    let Some(mut wrap) = Wrap::read(mechanism)? else {
        return Ok(wrapped.deliver_apart(|output| {
            parameters::with_call(mechanism, |call| session.wrap_key(&call, wrapping, key, output))
        })?);
    };
    wrap.make_iv(&session)?;
    wrapped.deliver_apart(|output| wrap.with_call(|call| session.wrap_key(&call, wrapping, key, output)))?;
    if !wrapped.is_query() {
        wrap.store();
    }
    Ok(())
}

/// `C_UnwrapKey`.
pub(crate) fn unwrap(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    unwrapping: u64,
    wrapped: Input,
    template: Attributes,
    key: Pointer<CK_OBJECT_HANDLE>,
) -> Outcome {
    let session = hsm.session(session)?;
    key.required()?;
    let wrapped = wrapped.bytes()?;
    let raw = template.raw()?;
    let template = Template::parse(&raw)?;
    let handle = match Wrap::read(mechanism)? {
        Some(mut wrap) => wrap.with_call(|call| session.unwrap_key(&call, unwrapping, wrapped, &template))?,
        None => parameters::with_call(mechanism, |call| session.unwrap_key(&call, unwrapping, wrapped, &template))?,
    };
    Ok(key.write(handle)?)
}

/// `C_WrapKeyAuthenticated`.
pub(crate) fn wrap_authenticated(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    (wrapping, key): (u64, u64),
    associated: Input,
    wrapped: Space,
) -> Outcome {
    let session = hsm.session(session)?;
    let associated = associated.bytes()?;
    let Some(mut wrap) = Wrap::read_authenticated(mechanism, false)? else {
        return Ok(wrapped.deliver_apart(|output| {
            parameters::with_call(mechanism, |call| {
                session.wrap_key_authenticated(&call, wrapping, key, associated, output)
            })
        })?);
    };
    wrap.make_iv(&session)?;
    wrapped.deliver_apart(|output| apart(&mut wrap, &session, (wrapping, key), associated, output))?;
    if !wrapped.is_query() {
        wrap.store();
    }
    Ok(())
}

/// Wraps, and takes the tag from behind the ciphertext.
fn apart(
    wrap: &mut Wrap,
    session: &Session,
    (wrapping, key): (u64, u64),
    associated: &[u8],
    output: Output<'_>,
) -> Result<usize, Error> {
    let tag_bytes = wrap.tag().len();
    let mut run = |output: Output<'_>| {
        wrap.with_call(|call| session.wrap_key_authenticated(&call, wrapping, key, associated, output))
    };
    let needed = run(Output::Length)?.saturating_sub(tag_bytes);
    let Output::Buffer(buffer) = output else { return Ok(needed) };
    if buffer.len() < needed {
        return Err(Error::BufferTooSmall { needed });
    }
    let mut both = Vec::new();
    both.try_reserve_exact(needed.saturating_add(tag_bytes)).map_err(|_| Error::HostMemory)?;
    both.resize(needed.saturating_add(tag_bytes), 0);
    let len = run(Output::Buffer(&mut both))?.saturating_sub(tag_bytes);
    let made = both.split_at_checked(len).and_then(|(ciphertext, rest)| {
        buffer.get_mut(..len)?.copy_from_slice(ciphertext);
        wrap.tag().copy_from_slice(rest.get(..tag_bytes)?);
        Some(len)
    });
    made.ok_or(Error::BufferTooSmall { needed: len })
}

/// `C_UnwrapKeyAuthenticated`.
pub(crate) fn unwrap_authenticated(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    unwrapping: u64,
    wrapped: Input,
    template: Attributes,
    (associated, key): (Input, Pointer<CK_OBJECT_HANDLE>),
) -> Outcome {
    let session = hsm.session(session)?;
    key.required()?;
    let (wrapped, associated) = (wrapped.bytes()?, associated.bytes()?);
    let raw = template.raw()?;
    let template = Template::parse(&raw)?;
    let handle = match Wrap::read_authenticated(mechanism, true)? {
        Some(mut wrap) => {
            let mut both = Vec::new();
            let tag = wrap.tag();
            both.try_reserve_exact(wrapped.len().saturating_add(tag.len())).map_err(|_| Error::HostMemory)?;
            both.extend_from_slice(wrapped);
            both.extend_from_slice(tag);
            wrap.with_call(|call| session.unwrap_key_authenticated(&call, unwrapping, &both, &template, associated))?
        }
        None => parameters::with_call(mechanism, |call| {
            session.unwrap_key_authenticated(&call, unwrapping, wrapped, &template, associated)
        })?,
    };
    Ok(key.write(handle)?)
}
