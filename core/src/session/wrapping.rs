//! Keys that leave and come back encrypted (PKCS#11 3.2 §5.18.3 to §5.18.7): the calls, and which keys they take.

mod hybrid;
mod scheme;
mod unwrapped;

use std::sync::Arc;

use cryptoki_sys::*;

use super::approval::Approvals;
use super::{Output, Session};
use crate::access::{self, Action};
use crate::asymmetric;
use crate::attribute::{AttributeType, Flag, Template};
use crate::error::Error;
use crate::mechanism::{Call, Keys, Mechanism, MechanismName};
use crate::object::Object;
use crate::object::birth::{self, Inheritance};
use crate::token::audit::{Event, Fact};
use scheme::{block_bytes, scheme};
use unwrapped::{Unwrapped, unwrapped};

impl Session {
    /// Wraps a key (`C_WrapKey`).
    ///
    /// # Errors
    /// The mechanism's, the keys'; [`Error::BufferTooSmall`].
    pub fn wrap_key(&self, call: &Call<'_>, wrapping: u64, key: u64, output: Output<'_>) -> Result<usize, Error> {
        self.wrap(call, wrapping, key, None, output)
    }

    /// Wraps a key with associated data (`C_WrapKeyAuthenticated`).
    ///
    /// # Errors
    /// As [`Session::wrap_key`].
    pub fn wrap_key_authenticated(
        &self,
        call: &Call<'_>,
        wrapping: u64,
        key: u64,
        aad: &[u8],
        output: Output<'_>,
    ) -> Result<usize, Error> {
        self.wrap(call, wrapping, key, Some(aad), output)
    }

    /// Unwraps a key (`C_UnwrapKey`), and returns its handle.
    ///
    /// # Errors
    /// The mechanism's, the key's, the template's; [`Error::WrappedKeyInvalid`], [`Error::WrappedKeyLength`].
    pub fn unwrap_key(
        &self,
        call: &Call<'_>,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template<'_>,
    ) -> Result<u64, Error> {
        self.unwrap(call, unwrapping, wrapped, template, None)
    }

    /// Unwraps a key with associated data (`C_UnwrapKeyAuthenticated`), and returns its handle.
    ///
    /// # Errors
    /// As [`Session::unwrap_key`].
    pub fn unwrap_key_authenticated(
        &self,
        call: &Call<'_>,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template<'_>,
        aad: &[u8],
    ) -> Result<u64, Error> {
        self.unwrap(call, unwrapping, wrapped, template, Some(aad))
    }

    fn wrap(
        &self,
        call: &Call<'_>,
        wrapping: u64,
        key: u64,
        aad: Option<&[u8]>,
        output: Output<'_>,
    ) -> Result<usize, Error> {
        self.functions(call.mechanism, CKF_WRAP)?;
        call.check_hash(self.application.policy(), CKF_WRAP)?;
        let usage = (Flag::Wrap, "the key may not wrap (CKA_WRAP)");
        let (key_types, class) = takes(call.mechanism, CKO_PUBLIC_KEY)?;
        let wrapping = self
            .key_for(wrapping, call.mechanism, key_types, class, usage, CKF_WRAP)
            .map_err(|error| as_wrapping(error, call.mechanism))?;
        let scheme = scheme(call, aad).map_err(|error| as_wrapping(error, call.mechanism))?;
        let key = self.wrappable(key, &wrapping)?;
        if key.has(Flag::WrapWithTrusted) && !scheme.is_made_for_keys() {
            return Err(Error::KeyNotWrappable(
                "a key that only a trusted one wraps (CKA_WRAP_WITH_TRUSTED) leaves by AES key wrap or by RSA with padding",
            ));
        }
        self.application.policy().check_wrap(&wrapping, &key, scheme.bits_max())?;
        let key_type = key.kind.subtype.unwrap_or_default();
        let encoded;
        let value = match key.kind.class {
            CKO_PRIVATE_KEY if !scheme.takes_any_length() => {
                return Err(Error::KeyNotWrappable("this mechanism wraps secret keys only"));
            }
            CKO_PRIVATE_KEY => {
                encoded = asymmetric::private_key_info(key_type, &*key)?;
                encoded.expose()
            }
            _ => key.material()?.value(),
        };
        if let Output::Length = output {
            return scheme.wrapped_len(&wrapping, value.len());
        }
        let Output::Buffer(buffer) = output else { return Err(Error::NotSupported) };
        let needed = scheme.wrapped_len(&wrapping, value.len())?;
        let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Wrap, &wrapping)?;
        approvals.take(&self.application, Action::Export, &key)?;
        self.application.record_use(&wrapping, Flag::Wrap, call.mechanism.id)?;
        // The caller gets it when it is in the log, and the log says nothing of what failed.
        let mut wrapped = vec![0; needed];
        let length = scheme.wrap(&wrapping, value, &mut wrapped);
        approvals.settle(&length);
        let length = length.map_err(|error| match error {
            Error::DataLength | Error::DataInvalid => Error::KeySize { got: value.len() },
            other => as_wrapping(other, call.mechanism),
        })?;
        self.application.record_wrapping(&key, &wrapping, call.mechanism.id)?;
        place.copy_from_slice(&wrapped);
        Ok(length)
    }

    /// The key with this handle, if it may be wrapped with `wrapping`.
    fn wrappable(&self, number: u64, wrapping: &Object) -> Result<Arc<Object>, Error> {
        let key = self.application.key_before_approval(number)?;
        if !key.kind.is_secret() {
            return Err(Error::KeyNotWrappable("only secret and private keys are wrapped"));
        }
        access::check(Action::Export, self.application.actor(), &key)?;
        key.material()?;
        if !key.has(Flag::Extractable) {
            return Err(Error::KeyUnextractable("the key is not extractable (CKA_EXTRACTABLE)"));
        }
        if key.has(Flag::WrapWithTrusted) && !wrapping.has(Flag::Trusted) {
            return Err(Error::KeyNotWrappable("only a trusted key wraps this one (CKA_WRAP_WITH_TRUSTED)"));
        }
        if key.has(Flag::AlwaysAuthenticate) {
            return Err(NO_LOGIN_POSSIBLE);
        }
        // PKCS#11 3.2 §5.18.3 names this error.
        if !key.meets(wrapping.demands(CKA_WRAP_TEMPLATE)) {
            return Err(Error::NoKey(number));
        }
        Ok(key)
    }

    fn unwrap(
        &self,
        call: &Call<'_>,
        unwrapping: u64,
        wrapped: &[u8],
        template: &Template<'_>,
        aad: Option<&[u8]>,
    ) -> Result<u64, Error> {
        self.functions(call.mechanism, CKF_UNWRAP)?;
        call.check_hash(self.application.policy(), CKF_UNWRAP)?;
        let usage = (Flag::Unwrap, "the key may not unwrap (CKA_UNWRAP)");
        let (key_types, class) = takes(call.mechanism, CKO_PRIVATE_KEY)?;
        let unwrapping = self
            .key_for(unwrapping, call.mechanism, key_types, class, usage, CKF_UNWRAP)
            .map_err(|error| as_unwrapping(error, call.mechanism))?;
        let scheme = scheme(call, aad)?;
        let demands = &*self.application.policy().unwrap_demands(&unwrapping)?;
        let template = &birth::merged(template, demands)?;
        birth::check_tellings(template, Inheritance::exchanged(demands).tellings)?;
        let hidden = birth::hides(demands);
        if hidden && !scheme.tells_nothing() {
            return Err(Error::KeyNotPermitted(
                "what CKA_UNWRAP_TEMPLATE keeps inside is unwrapped only by mechanisms that check it or hide its padding",
            ));
        }
        let target = Unwrapped::of(template)?;
        if target.kind.class == CKO_PRIVATE_KEY && !scheme.takes_any_length() {
            let attribute = AttributeType(CKA_CLASS);
            return Err(Error::TemplateInconsistent { attribute, reason: "this mechanism unwraps secret keys only" });
        }
        let maker = self.application.maker(self.application.actor(), self.handle);
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Wrap, &unwrapping)?;
        self.application.record_use(&unwrapping, Flag::Unwrap, call.mechanism.id)?;
        let value = scheme.unwrap(&unwrapping, wrapped).map_err(|error| as_wrapped(error, call.mechanism));
        // From now on every answer tells of what came out, also that it does not fit the template.
        approvals.settle(&value);
        let block = block_bytes(&unwrapping);
        let unwrapped = unwrapped(&scheme, value?, block, (&target, template, hidden), &maker)?;
        let made = Fact::of(Event::ObjectUnwrapped).second(unwrapping.number_in_log()).by(call.mechanism.id);
        self.keep(unwrapped, maker.logouts, made)
    }

    /// The key with this handle, for one use by a mechanism that takes keys of these types (any where there are none)
    /// and this class.
    pub(super) fn key_for(
        &self,
        number: u64,
        mechanism: &Mechanism,
        key_types: &[u64],
        class: u64,
        (usage, refusal): (Flag, &'static str),
        function: CK_FLAGS,
    ) -> Result<Arc<Object>, Error> {
        let key = self.application.key_before_approval(number)?;
        let fits = key.kind.subtype.is_some_and(|own| key_types.is_empty() || key_types.contains(&own));
        if !fits || key.kind.class != class {
            return Err(Error::KeyType(MechanismName(mechanism.id)));
        }
        if !key.has(usage) {
            return Err(Error::KeyNotPermitted(refusal));
        }
        if !key.allows_mechanism(mechanism.id) {
            return Err(Error::MechanismNotAllowed(MechanismName(mechanism.id)));
        }
        if key.has(Flag::AlwaysAuthenticate) {
            return Err(NO_LOGIN_POSSIBLE);
        }
        self.approved(&key, function)?;
        if key.kind.is_secret() {
            key.material()?;
        }
        Ok(key)
    }
}

/// The types of key a mechanism wraps with, and their class: `pair` where they are key pairs.
fn takes(mechanism: &Mechanism, pair: u64) -> Result<(&[u64], u64), Error> {
    match mechanism.keys() {
        Some(Keys { types, classes }) if classes.contains(&pair) => Ok((types, pair)),
        Some(Keys { types, .. }) => Ok((types, CKO_SECRET_KEY)),
        None => Err(Error::MechanismInvalid(MechanismName(mechanism.id))),
    }
}

/// The errors of a key, of the key that wraps.
fn as_wrapping(error: Error, mechanism: &Mechanism) -> Error {
    match error {
        Error::NoKey(number) => Error::WrappingKeyHandle(number),
        Error::KeyType(_) => Error::WrappingKeyType(MechanismName(mechanism.id)),
        Error::KeySize { got } => Error::WrappingKeySize { got },
        other => other,
    }
}

/// The errors of a key, of the key that unwraps.
pub(super) fn as_unwrapping(error: Error, mechanism: &Mechanism) -> Error {
    match error {
        Error::NoKey(number) => Error::UnwrappingKeyHandle(number),
        Error::KeyType(_) => Error::UnwrappingKeyType(MechanismName(mechanism.id)),
        Error::KeySize { got } => Error::UnwrappingKeySize { got },
        other => other,
    }
}

/// The errors of a ciphertext, of a wrapped key.
fn as_wrapped(error: Error, mechanism: &Mechanism) -> Error {
    match error {
        Error::EncryptedDataInvalid | Error::DataInvalid => Error::WrappedKeyInvalid,
        Error::EncryptedDataLength | Error::DataLength => Error::WrappedKeyLength,
        other => as_unwrapping(other, mechanism),
    }
}

/// There is no moment at which to log in between beginning these functions and ending them.
const NO_LOGIN_POSSIBLE: Error = Error::ContextLogin(
    "this key wants a login for each use (CKA_ALWAYS_AUTHENTICATE), and this function has no place for one",
);
