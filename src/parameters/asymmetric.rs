//! RSA, key agreement, signatures with a context.

use strongroom_core::error::Error;
use strongroom_core::mechanism::Parameter;
use strongroom_core::mechanism::parameter::Oaep;

use super::{bytes, known};
use crate::memory::{self, Agreement, Input, SignContext};

pub(super) fn pss(caller: &Input) -> Result<Parameter<'_>, Error> {
    let memory::Pss { hash, mgf, salt_bytes } = known(memory::Pss::read(caller))?;
    Ok(Parameter::Pss { hash, mgf, salt_bytes })
}

pub(super) fn oaep(oaep: &memory::Oaep) -> Result<Oaep<'_>, Error> {
    Ok(Oaep { hash: oaep.hash, mgf: oaep.mgf, source: oaep.source, label: bytes(&oaep.label)? })
}

pub(super) fn agreement(agreement: &Agreement) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::Agreement {
        kdf: agreement.kdf,
        shared: bytes(&agreement.shared)?,
        public: bytes(&agreement.public)?,
        key_bits: agreement.key_bits,
    })
}

pub(super) fn context(context: &SignContext) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::SignContext { hedge: context.hedge, context: bytes(&context.context)?, hash: context.hash })
}
