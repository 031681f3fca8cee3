//! Key management (PKCS#11 3.2 §5.18): keys that are made. Wrapping is in [`crate::wrapping`].

use cryptoki_sys::{CK_MECHANISM, CK_OBJECT_HANDLE};
use strongroom_core::attribute::Template;
use strongroom_core::hsm::Hsm;
use strongroom_core::session::{Derived, Session};

use crate::failure::Outcome;
use crate::memory::{Attributes, Input, Pointer, Space};
use crate::parameters::{self, Destinations};

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

/// `C_GenerateKeyPair`.
pub(crate) fn generate_pair(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    (public, private): (Attributes, Attributes),
    (public_key, private_key): (Pointer<CK_OBJECT_HANDLE>, Pointer<CK_OBJECT_HANDLE>),
) -> Outcome {
    let session = hsm.session(session)?;
    public_key.required()?;
    private_key.required()?;
    let handles = parameters::with_call(mechanism, |call| {
        let (public, private) = (public.raw()?, private.raw()?);
        session.generate_key_pair(&call, &Template::parse(&public)?, &Template::parse(&private)?)
    })?;
    public_key.write(handles.0)?;
    Ok(private_key.write(handles.1)?)
}

/// `C_DeriveKey`. Where the keys go is checked before any is made; keys whose handles cannot be told are destroyed.
pub(crate) fn derive(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    base: u64,
    template: Attributes,
    key: Pointer<CK_OBJECT_HANDLE>,
) -> Outcome {
    let session = hsm.session(session)?;
    let destinations = Destinations::read(mechanism, key)?;
    let derived =
        parameters::with_call(mechanism, |call| session.derive_key(&call, base, &Template::parse(&template.raw()?)?))
            .inspect_err(|_| destinations.void())?;
    if let Err(error) = destinations.store(&derived) {
        destroy(&session, &derived);
        destinations.void();
        return Err(error.into());
    }
    Ok(())
}

fn destroy(session: &Session, derived: &Derived) {
    let tls = derived.tls.iter().flat_map(|keys| [keys.client_mac, keys.server_mac, keys.client_key, keys.server_key]);
    for handle in [derived.key].into_iter().chain(derived.additional.iter().copied()).chain(tls) {
        if handle != 0 {
            // Nothing more can be done for a key that may not be destroyed.
            _ = session.destroy_object(handle);
        }
    }
}

/// `C_EncapsulateKey`. Only a call with room for the ciphertext makes a key.
pub(crate) fn encapsulate(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    public: u64,
    template: Attributes,
    ciphertext: Space,
    key: Pointer<CK_OBJECT_HANDLE>,
) -> Outcome {
    let session = hsm.session(session)?;
    if !ciphertext.is_query() {
        key.required()?;
    }
    let mut made = None;
    ciphertext.deliver_apart(|output| {
        parameters::with_call(mechanism, |call| {
            let (len, handle) = session.encapsulate_key(&call, public, &Template::parse(&template.raw()?)?, output)?;
            made = handle;
            Ok(len)
        })
    })?;
    made.map_or(Ok(()), |handle| Ok(key.write(handle)?))
}

/// `C_DecapsulateKey`.
pub(crate) fn decapsulate(
    hsm: &Hsm,
    session: u64,
    mechanism: Pointer<CK_MECHANISM>,
    private: u64,
    template: Attributes,
    ciphertext: Input,
    key: Pointer<CK_OBJECT_HANDLE>,
) -> Outcome {
    let session = hsm.session(session)?;
    key.required()?;
    let ciphertext = ciphertext.bytes()?;
    let handle = parameters::with_call(mechanism, |call| {
        session.decapsulate_key(&call, private, ciphertext, &Template::parse(&template.raw()?)?)
    })?;
    Ok(key.write(handle)?)
}
