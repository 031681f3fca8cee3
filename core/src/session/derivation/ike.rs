//! The keys of IKE (PKCS#11 3.2, "IKE Mechanisms"; RFC 2409, RFC 7296).

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_crypto::derive::ike::{self, First, Prf};
use strongroom_crypto::hash::Algorithm;
use strongroom_crypto::memory::SecretBytes;

use super::{Derived, Run, Sources, with_default};
use crate::attribute::{AttributeType, Given};
use crate::error::Error;
use crate::mechanism::{Derivation, Ike, hashes};
use crate::object::Object;

/// The function of an exchange.
struct Function {
    prf: Prf,
    /// The types of key it takes.
    key_types: Vec<u64>,
    /// The one made for it.
    own_type: u64,
}

impl Function {
    fn is_weak(&self) -> bool {
        matches!(self.prf, Prf::CmacAes | Prf::Hmac(Algorithm::Md5))
    }
}

impl Run<'_> {
    pub(super) fn ike(&self, derivation: Derivation, parameter: &Ike<'_>) -> Result<Derived, Error> {
        match (derivation, *parameter) {
            (Derivation::IkePrf, Ike::Prf { prf, data_as_key, rekey, initiator, responder, new_key }) => {
                let function = self.function(prf)?;
                if data_as_key && rekey {
                    return Err(Error::Arguments("bDataAsKey and bRekey exclude each other"));
                }
                let new_key = if rekey { Some(self.key(new_key, GENERIC)?) } else { None };
                self.ike_first(&function, data_as_key, new_key, initiator, responder)
            }
            (Derivation::Ike1Prf, Ike::Prf1 { prf, previous, shared, initiator, responder, number }) => {
                let function = self.function(prf)?;
                let base = self.key(self.base, &function.key_types)?;
                let shared = self.key(shared, GENERIC)?;
                let previous = previous.map(|previous| self.key(previous, &[])).transpose()?;
                if self.template.find(CKA_KEY_TYPE).is_none() {
                    return Err(Error::TemplateIncomplete(AttributeType(CKA_KEY_TYPE)));
                }
                self.may_be_data(function.is_weak(), [&shared].into_iter().chain(&previous))?;
                let sources = sources(base, [Some(&shared), previous.as_ref()]);
                self.one(&sources, self.template, |target| {
                    let bytes = target.bytes.unwrap_or(function.prf.output_bytes());
                    let mut value = SecretBytes::zeroed(bytes)?;
                    let session = ike::Session {
                        previous: value_of(previous.as_ref())?,
                        shared: shared.material()?.value(),
                        initiator_cookie: initiator,
                        responder_cookie: responder,
                        number,
                    };
                    ike::ike1_prf(function.prf, sources.value()?, &session, value.expose_mut())?;
                    Ok(value)
                })
            }
            (Derivation::Ike2PrfPlus, Ike::Prf2Plus { prf, seed_key, seed }) => {
                let function = self.function(prf)?;
                let base = self.key(self.base, &function.key_types)?;
                let seed_key = seed_key.map(|key| self.key(key, &[])).transpose()?;
                self.check_length(function.prf)?;
                self.may_be_data(function.is_weak(), &seed_key)?;
                let sources = sources(base, [seed_key.as_ref()]);
                self.one(&sources, self.template, |target| {
                    let mut value = SecretBytes::zeroed(target.needed_bytes()?)?;
                    let seed_key = value_of(seed_key.as_ref())?.unwrap_or_default();
                    ike::prf_plus(function.prf, sources.value()?, seed_key, seed, value.expose_mut())?;
                    Ok(value)
                })
            }
            (Derivation::Ike1Extended, Ike::Extended1 { prf, shared, extra }) => {
                let function = self.function(prf)?;
                let base = self.key(self.base, &function.key_types)?;
                let shared = shared.map(|key| self.key(key, GENERIC)).transpose()?;
                self.check_length(function.prf)?;
                self.may_be_data(function.is_weak(), &shared)?;
                let sources = sources(base, [shared.as_ref()]);
                self.one(&sources, self.template, |target| {
                    let bytes = target.needed_bytes()?;
                    let base = sources.value()?;
                    // Such a key is the start of the base key, which must have one ("IKEv1 Extended Derive").
                    let cut = shared.is_none() && extra.is_empty() && bytes <= function.prf.output_bytes();
                    if cut && bytes > base.len() {
                        return Err(Error::KeySize { got: bytes });
                    }
                    // IKE takes cipher keys out of SKEYID_e so (RFC 2409, appendix B). Other keys, whose length is
                    // free, would spell a base key out, and so would these where its beginning is known.
                    let proper = target.kind.subtype == Some(CKK_AES) && base.len() == function.prf.output_bytes();
                    if cut && !proper && self.inheritance(&sources).bytes_min > 0 {
                        return Err(CUT);
                    }
                    let mut value = SecretBytes::zeroed(bytes)?;
                    let shared = value_of(shared.as_ref())?;
                    ike::ike1_extended(function.prf, base, shared, extra, value.expose_mut())?;
                    Ok(value)
                })
            }
            _ => Err(Error::MechanismParameter("not what this mechanism takes")),
        }
    }

    /// "IKE PRF DERIVE": a key as long as the function's output, of its type unless the template says otherwise.
    fn ike_first(
        &self,
        function: &Function,
        data_as_key: bool,
        new_key: Option<Arc<Object>>,
        initiator: &[u8],
        responder: &[u8],
    ) -> Result<Derived, Error> {
        let base = self.key(self.base, if data_as_key { GENERIC } else { &function.key_types })?;
        self.may_be_data(function.is_weak(), &new_key)?;
        let sources = sources(base, [new_key.as_ref()]);
        let template = with_default(self.template, CKA_KEY_TYPE, Given::Ulong(function.own_type));
        self.one(&sources, &template, |target| {
            if let Some(bytes) = target.bytes.filter(|bytes| *bytes != function.prf.output_bytes()) {
                return Err(Error::KeySize { got: bytes });
            }
            let first = match value_of(new_key.as_ref())? {
                Some(new) => First::Rekey(new),
                None if data_as_key => First::NoncesAsKey,
                None => First::BaseAsKey,
            };
            Ok(ike::prf_derive(function.prf, first, sources.value()?, initiator, responder)?)
        })
    }

    /// The function a parameter names. With AES-CMAC a pre-shared key of any length is a generic secret (RFC 4615).
    fn function(&self, mechanism: u64) -> Result<Function, Error> {
        self.offered(mechanism)?;
        if mechanism == CKM_AES_CMAC {
            return Ok(Function { prf: Prf::CmacAes, key_types: vec![CKK_AES, CKK_GENERIC_SECRET], own_type: CKK_AES });
        }
        let hash = hashes::hmac(mechanism).ok_or(NO_SUCH_PRF)?;
        let own_type = hashes::hmac_key_type(mechanism).ok_or(NO_SUCH_PRF)?;
        Ok(Function { prf: Prf::Hmac(hash), key_types: vec![CKK_GENERIC_SECRET, own_type], own_type })
    }

    /// A length beyond what the function can give is an error of its own, whatever the type of key.
    fn check_length(&self, prf: Prf) -> Result<(), Error> {
        match self.template.ulong(CKA_VALUE_LEN) {
            Some(given) if given > 255 * prf.output_bytes() as u64 => {
                Err(Error::KeySize { got: usize::try_from(given).unwrap_or(usize::MAX) })
            }
            _ => Ok(()),
        }
    }
}

fn sources<const N: usize>(base: Arc<Object>, others: [Option<&Arc<Object>>; N]) -> Sources {
    Sources { base, others: others.into_iter().flatten().map(Arc::clone).collect() }
}

fn value_of(key: Option<&Arc<Object>>) -> Result<Option<&[u8]>, Error> {
    key.map(|key| Ok(key.material()?.value())).transpose()
}

const GENERIC: &[u64] = &[CKK_GENERIC_SECRET];
const CUT: Error = Error::KeyNotPermitted(
    "of a confidential key only AES keys are cut, and only if it is as long as what the pseudo-random function gives",
);
const NO_SUCH_PRF: Error = Error::MechanismParameter("prfMechanism is not one that IKE is offered with");
