//! Deriving keys, and where the keys go that a parameter asks for.

use cryptoki_sys::{CK_INVALID_HANDLE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_VERSION};
use strongroom_core::attribute::Template;
use strongroom_core::error::Error;
use strongroom_core::mechanism::parameter::{CounterFormat, Hkdf, Ike, Kdf108, Kdf108Field, Pbkdf2, TlsRandom};
use strongroom_core::mechanism::{Derivation, Mechanism, Parameter, ParameterKind, Work};
use strongroom_core::session::Derived;

use super::{bytes, known};
use crate::memory::{self, Attributes, DerivedKey, Pointer, TlsOutput};

/// Where `C_DeriveKey` stores what it makes. All of it is checked before any key is made.
pub(crate) struct Destinations {
    key: Option<Pointer<CK_OBJECT_HANDLE>>,
    additional: Vec<DerivedKey>,
    /// Whether the handles are to say after a failure that there is no key.
    several: bool,
    tls: Option<TlsOutput>,
    version: Option<Pointer<CK_VERSION>>,
}

impl Destinations {
    /// What the mechanism and its parameter name, and `phKey`, which may be NULL where the mechanism gives no key
    /// there.
    ///
    /// # Errors
    /// `CKR_ARGUMENTS_BAD` for a `phKey` that is NULL and needed, `CKR_MECHANISM_PARAM_INVALID` for a place in the
    /// parameter that is, or that must be and is not; what [`super::with_call`] gives of the mechanism.
    pub(crate) fn read(
        mechanism: Pointer<CK_MECHANISM>,
        key: Pointer<CK_OBJECT_HANDLE>,
    ) -> Result<Destinations, Error> {
        let (mechanism, parameter) = super::read(mechanism)?;
        let mut places = Destinations { key: None, additional: Vec::new(), several: false, tls: None, version: None };
        match mechanism.parameter {
            ParameterKind::TlsKeys => {
                places.tls = Some(known(memory::TlsKeys::read(&parameter))?.output(gives_ivs(mechanism))?);
                return Ok(places);
            }
            ParameterKind::TlsMaster => {
                places.version = version_place(mechanism, known(memory::TlsMaster::read(&parameter))?.version)?;
            }
            ParameterKind::TlsExtendedMaster => {
                let version = known(memory::TlsExtendedMaster::read(&parameter))?.version;
                places.version = version_place(mechanism, version)?;
            }
            ParameterKind::CounterKdf => {
                (places.additional, places.several) = (memory::Kdf108::read(&parameter)?.additional, true);
            }
            ParameterKind::FeedbackKdf => {
                (places.additional, places.several) = (memory::Kdf108::read_feedback(&parameter)?.additional, true);
            }
            _ => {}
        }
        places.key = Some(key.required()?);
        for additional in &places.additional {
            additional.key.required().map_err(|_| Error::MechanismParameter("a CK_DERIVED_KEY has no phKey"))?;
        }
        Ok(places)
    }

    /// Says that nothing was made where the mechanism makes several keys: which template was at fault is to be seen
    /// there ("Deriving Additional Keys"), and it is not told apart here, so that no handle is one.
    pub(crate) fn void(&self) {
        if self.several {
            for place in self.key.into_iter().chain(self.additional.iter().map(|additional| additional.key)) {
                // They were checked when they were read.
                _ = place.write(CK_INVALID_HANDLE);
            }
        }
    }

    /// Stores what was made.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID` where there is no place for a part of it.
    pub(crate) fn store(&self, derived: &Derived) -> Result<(), Error> {
        const NO_PLACE: Error = Error::MechanismParameter("it has no place for what is derived");
        if derived.additional.len() != self.additional.len() || derived.tls.is_some() != self.tls.is_some() {
            return Err(NO_PLACE);
        }
        if let (Some(place), Some(keys)) = (&self.tls, &derived.tls) {
            place.write(keys)?;
        }
        for (place, handle) in self.additional.iter().zip(&derived.additional) {
            place.key.write(*handle)?;
        }
        if let (Some(place), Some((major, minor))) = (self.version, derived.version)
            && !place.is_null()
        {
            place.write(CK_VERSION { major, minor })?;
        }
        self.key.map_or(Ok(()), |place| place.write(derived.key))
    }
}

/// Whether IVs come with the keys: `CKM_TLS12_KEY_SAFE_DERIVE` ignores their size and never gives any.
fn gives_ivs(mechanism: &Mechanism) -> bool {
    !matches!(mechanism.work, Work::Derive { derivation: Derivation::TlsKeys { safe: true }, .. })
}

/// Where the version in a premaster secret goes, if there is one in it.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`: a secret that Diffie-Hellman agreed on holds no version, and "the pVersion field of
/// the structure must be set to NULL_PTR" (PKCS#11 3.2, "Master key derivation for Diffie-Hellman").
fn version_place(mechanism: &Mechanism, place: Pointer<CK_VERSION>) -> Result<Option<Pointer<CK_VERSION>>, Error> {
    match mechanism.work {
        Work::Derive {
            derivation: Derivation::TlsMaster { dh: true } | Derivation::TlsExtendedMaster { dh: true },
            ..
        } => {
            if place.is_null() {
                Ok(None)
            } else {
                Err(Error::MechanismParameter("pVersion must be NULL: there is no version in the premaster secret"))
            }
        }
        _ => Ok(Some(place)),
    }
}

pub(super) fn hkdf(params: &memory::Hkdf) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::Hkdf(Hkdf {
        extract: params.extract,
        expand: params.expand,
        hash: params.hash,
        salt_type: params.salt_type,
        salt: bytes(&params.salt)?,
        salt_key: params.salt_key,
        info: bytes(&params.info)?,
    }))
}

pub(super) fn pbkdf2(params: &memory::Pbkdf2) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::Pbkdf2(Pbkdf2 {
        salt_source: params.salt_source,
        salt: bytes(&params.salt)?,
        iterations: params.iterations,
        prf: params.prf,
        prf_data: bytes(&params.prf_data)?,
        password: bytes(&params.password)?,
    }))
}

pub(super) fn kdf108(params: &memory::Kdf108) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::Kdf108(Box::new(Kdf108 {
        prf: params.prf,
        fields: params.fields.iter().map(field).collect::<Result<_, _>>()?,
        iv: bytes(&params.iv)?,
        additional: params.additional.iter().map(|key| template(&key.template)).collect::<Result<_, _>>()?,
    })))
}

fn field(field: &memory::Kdf108Field) -> Result<Kdf108Field<'_>, Error> {
    let format =
        |format: &memory::CounterFormat| CounterFormat { little_endian: format.little_endian, bits: format.bits };
    Ok(match field {
        memory::Kdf108Field::Iteration(counter) => Kdf108Field::Iteration(counter.as_ref().map(format)),
        memory::Kdf108Field::Counter(counter) => Kdf108Field::Counter(format(counter)),
        memory::Kdf108Field::Length { method, format: own } => {
            Kdf108Field::Length { method: *method, format: format(own) }
        }
        memory::Kdf108Field::Bytes(own) => Kdf108Field::Bytes(bytes(own)?),
        memory::Kdf108Field::Key(handle) => Kdf108Field::Key(*handle),
    })
}

/// A template within a parameter: where it is no template at all, the parameter is wrong.
fn template(attributes: &Attributes) -> Result<Template<'_>, Error> {
    let raw = attributes.raw().map_err(|error| match error {
        Error::Arguments(why) => Error::MechanismParameter(why),
        other => other,
    })?;
    Template::parse(&raw)
}

pub(super) fn random(random: &memory::TlsRandom) -> Result<TlsRandom<'_>, Error> {
    Ok(TlsRandom { client: bytes(&random.client)?, server: bytes(&random.server)? })
}

pub(super) fn tls_keys(params: &memory::TlsKeys) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::TlsKeys {
        hash: params.hash,
        random: random(&params.random)?,
        mac_bits: params.mac_bits,
        key_bits: params.key_bits,
        iv_bits: params.iv_bits,
        export: params.export,
    })
}

pub(super) fn tls_kdf(params: &memory::TlsKdf) -> Result<Parameter<'_>, Error> {
    let context = bytes(&params.context)?;
    Ok(Parameter::TlsKdf {
        hash: params.hash,
        label: bytes(&params.label)?,
        random: random(&params.random)?,
        context: (!params.context.is_null()).then_some(context),
    })
}

pub(super) fn ike2_prf_plus(params: &memory::Ike2PrfPlus) -> Result<Parameter<'_>, Error> {
    let seed = bytes(&params.seed)?;
    Ok(Parameter::Ike(Ike::Prf2Plus { prf: params.prf, seed_key: params.seed_key, seed }))
}

pub(super) fn ike_prf(params: &memory::IkePrf) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::Ike(Ike::Prf {
        prf: params.prf,
        data_as_key: params.data_as_key,
        rekey: params.rekey,
        initiator: bytes(&params.initiator)?,
        responder: bytes(&params.responder)?,
        new_key: params.new_key,
    }))
}

pub(super) fn ike1_prf(params: &memory::Ike1Prf) -> Result<Parameter<'_>, Error> {
    Ok(Parameter::Ike(Ike::Prf1 {
        prf: params.prf,
        previous: params.previous,
        shared: params.shared,
        initiator: bytes(&params.initiator)?,
        responder: bytes(&params.responder)?,
        number: params.number,
    }))
}

pub(super) fn ike1_extended(params: &memory::Ike1Extended) -> Result<Parameter<'_>, Error> {
    let extra = bytes(&params.extra)?;
    Ok(Parameter::Ike(Ike::Extended1 { prf: params.prf, shared: params.shared, extra }))
}

#[cfg(test)]
mod tests {
    use cryptoki_sys::CK_ULONG;
    use strongroom_core::session::TlsKeys;

    use super::*;
    use crate::memory::tests::pointer;

    #[test]
    fn what_is_derived_goes_to_its_places() {
        let mut handles = [0 as CK_ULONG; 3];
        let mut version = CK_VERSION::default();
        let start = handles.as_mut_ptr();
        let place = |index| pointer(start.wrapping_add(index));
        let template = Attributes::new(pointer(std::ptr::null_mut()), 0);
        let destinations = Destinations {
            key: Some(place(0)),
            additional: vec![DerivedKey { template, key: place(1) }, DerivedKey { template, key: place(2) }],
            several: true,
            tls: None,
            version: Some(pointer(&raw mut version)),
        };
        let derived = Derived { key: 5, additional: vec![6, 7], tls: None, version: Some((3, 3)) };
        destinations.store(&derived).unwrap();
        assert_eq!((handles, version.major, version.minor), ([5, 6, 7], 3, 3));

        let keys = TlsKeys {
            client_mac: 0,
            server_mac: 0,
            client_key: 8,
            server_key: 9,
            client_iv: vec![],
            server_iv: vec![],
        };
        for homeless in [
            Derived { key: 5, ..Derived::default() },
            Derived { key: 5, additional: vec![6, 7, 8], ..Derived::default() },
            Derived { additional: vec![6, 7], tls: Some(keys), ..Derived::default() },
        ] {
            assert!(destinations.store(&homeless).is_err());
        }
        // A version that nobody asks for is not stored.
        let nowhere = Destinations { version: Some(pointer(std::ptr::null_mut())), ..destinations };
        nowhere.store(&derived).unwrap();
        nowhere.void();
        assert_eq!(handles, [0; 3]);
        nowhere.store(&derived).unwrap();
        Destinations { several: false, ..nowhere }.void();
        assert_eq!(handles, [5, 6, 7]);
    }
}
