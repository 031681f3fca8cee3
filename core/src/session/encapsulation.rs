//! Keys that two sides get of a key pair (PKCS#11 3.2 §5.18.9 and §5.18.10).

use cryptoki_sys::*;
use strongroom_crypto::memory::SecretBytes;

use super::approval::Approvals;
use super::wrapping::as_unwrapping;
use super::{Output, Session};
use crate::access::Action;
use crate::asymmetric::{PrivateKey, PublicKey};
use crate::attribute::{Flag, Template, TemplateAttribute};
use crate::error::Error;
use crate::mechanism::{Call, MechanismName, Parameter, Work};
use crate::object::Object;
use crate::object::birth::{self, Inheritance, Maker, Target};
use crate::token::audit::{Event, Fact};

impl Session {
    /// Makes a key and the ciphertext from which the owner of the private key gets it too (`C_EncapsulateKey`). Returns
    /// the length of the ciphertext and, unless only that was asked for, the key's handle.
    ///
    /// # Errors
    /// The mechanism's, the key's, the template's; [`Error::BufferTooSmall`], which makes no key.
    pub fn encapsulate_key(
        &self,
        call: &Call<'_>,
        public: u64,
        template: &Template<'_>,
        output: Output<'_>,
    ) -> Result<(usize, Option<u64>), Error> {
        self.functions(call.mechanism, CKF_ENCAPSULATE)?;
        let key_type = kem_type(call)?;
        let usage = (Flag::Encapsulate, "the key may not encapsulate (CKA_ENCAPSULATE)");
        let public = self.key_for(public, call.mechanism, &[key_type], CKO_PUBLIC_KEY, usage, CKF_ENCAPSULATE)?;
        let PublicKey::MlKem(key) = public.public_key()? else { return Err(Error::NotSupported) };
        let needed = key.set().ciphertext_bytes();
        let Output::Buffer(buffer) = output else { return Ok((needed, None)) };
        let place = buffer.get_mut(..needed).ok_or(Error::BufferTooSmall { needed })?;
        self.application.record_use(&public, Flag::Encapsulate, call.mechanism.id)?;
        // PKCS#11 3.2 §5.18.9 names this error for what contradicts the template of the key.
        let demands = public.demands(CKA_ENCAPSULATE_TEMPLATE);
        let template = &birth::merged(template, demands).map_err(|error| match error {
            Error::TemplateInconsistent { .. } => Error::NoKey(public.number),
            other => other,
        })?;
        let target = Target::of(template)?;
        let maker = self.application.maker(self.application.actor(), self.handle);
        let value = shortened(&target, key.encapsulate(place)?)?;
        let object = exchanged(&target, template, value, demands, &maker)?;
        let made = Fact::of(Event::ObjectEncapsulated).second(public.number).by(call.mechanism.id);
        let handle = self.keep(object, maker.logouts, made)?;
        Ok((needed, Some(handle)))
    }

    /// Gets the key of a ciphertext (`C_DecapsulateKey`), and returns its handle.
    ///
    /// # Errors
    /// The mechanism's, the key's, the template's; [`Error::WrappedKeyLength`].
    pub fn decapsulate_key(
        &self,
        call: &Call<'_>,
        private: u64,
        ciphertext: &[u8],
        template: &Template<'_>,
    ) -> Result<u64, Error> {
        self.functions(call.mechanism, CKF_DECAPSULATE)?;
        let key_type = kem_type(call)?;
        let usage = (Flag::Decapsulate, "the key may not decapsulate (CKA_DECAPSULATE)");
        let private = self
            .key_for(private, call.mechanism, &[key_type], CKO_PRIVATE_KEY, usage, CKF_DECAPSULATE)
            .map_err(|error| as_unwrapping(error, call.mechanism))?;
        let PrivateKey::MlKem(key) = &**private.private_key()? else { return Err(Error::NotSupported) };
        if ciphertext.len() != key.set().ciphertext_bytes() {
            return Err(Error::WrappedKeyLength);
        }
        self.application.record_use(&private, Flag::Decapsulate, call.mechanism.id)?;
        let demands = private.demands(CKA_DECAPSULATE_TEMPLATE);
        let template = &birth::merged(template, demands)?;
        let target = Target::of(template)?;
        let maker = self.application.maker(self.application.actor(), self.handle);
        let mut approvals = Approvals::default();
        approvals.take(&self.application, Action::Use, &private)?;
        let value = key.decapsulate(ciphertext)?;
        approvals.used();
        let object = exchanged(&target, template, shortened(&target, value)?, demands, &maker)?;
        let made = Fact::of(Event::ObjectDecapsulated).second(private.number_in_log()).by(call.mechanism.id);
        self.keep(object, maker.logouts, made)
    }
}

fn kem_type(call: &Call<'_>) -> Result<u64, Error> {
    match (&call.mechanism.work, &call.parameter) {
        (Work::Encapsulation(key_type), Parameter::None) => Ok(*key_type),
        (Work::Encapsulation(_), _) => Err(Error::MechanismParameter("this mechanism takes none")),
        _ => Err(Error::MechanismInvalid(MechanismName(call.mechanism.id))),
    }
}

/// A key of two sides: it was in no token before, and is extractable where the template is silent (PKCS#11 3.2 §5.18.9
/// and §5.18.10).
fn exchanged(
    target: &Target,
    template: &Template<'_>,
    value: SecretBytes,
    demands: &[TemplateAttribute],
    maker: &Maker<'_>,
) -> Result<Object, Error> {
    let mut key = birth::derived(target, template, value, Inheritance::exchanged(demands), maker)?;
    key.flags.set(Flag::Extractable, template.flag(Flag::Extractable).unwrap_or(true));
    Ok(key)
}

/// The first bytes of a shared secret, as many as the key takes.
fn shortened(target: &Target, secret: SecretBytes) -> Result<SecretBytes, Error> {
    let bytes = target.bytes_of(secret.len())?;
    if bytes == secret.len() {
        return Ok(secret);
    }
    Ok(SecretBytes::from_slice(secret.expose().get(..bytes).unwrap_or_default())?)
}
