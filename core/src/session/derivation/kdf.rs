//! HKDF (PKCS#11 3.2, "HKDF Mechanisms"), SP 800-108 ("SP800-108 Key Derivation") and PBKDF2 ("PKCS #5 PBKD2 key
//! generation").

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_crypto::derive;
use strongroom_crypto::derive::sp800_108::{self, Field, LengthMethod, Prf};
use strongroom_crypto::hash::Algorithm;
use strongroom_crypto::memory::SecretBytes;

use super::{Derived, Run, Session, Sources, first};
use crate::access::{self, Action};
use crate::attribute::{AttributeType, Template};
use crate::error::Error;
use crate::limits::{KDF_FIELD_BYTES_MAX, PASSWORD_STEPS_MAX};
use crate::mechanism::{CounterFormat, Hkdf, Kdf108, Kdf108Field, Kdf108Parameter, Pbkdf2, hashes};
use crate::object::Object;
use crate::object::birth::{self, Maker, Target};

/// The data that a step of SP 800-108 takes from keys is kept with its place among the fields.
enum Input<'a> {
    Field(Field<'a>),
    Key(Arc<Object>),
}

impl Run<'_> {
    /// HKDF. The standard wants a base key as long as the hash; RFC 5869 does not for what is extracted, and there are
    /// secrets of all lengths (agreed ones among them) to extract from, so that any length is taken.
    pub(super) fn hkdf(&self, key_types: &[u64], hkdf: &Hkdf<'_>) -> Result<Derived, Error> {
        let hash = self.hkdf_hash(hkdf)?;
        let sources = self.hkdf_sources(key_types, hkdf, hash)?;
        self.one(&sources, self.template, |target| {
            let bytes = match (hkdf.expand, target.bytes) {
                (true, _) => target.needed_bytes()?,
                (false, Some(bytes)) if bytes != hash.output_bytes() => return Err(Error::KeySize { got: bytes }),
                (false, _) => hash.output_bytes(),
            };
            hkdf_value(&sources, hkdf, hash, bytes)
        })
    }

    /// HKDF whose output is a data object, for all to read. A sensitive key gives none, unless its
    /// `CKA_ALLOWED_MECHANISMS` says that it shall: the same call of `CKM_HKDF_DERIVE` makes a key of these bytes.
    pub(super) fn hkdf_data(&self, key_types: &[u64], hkdf: &Hkdf<'_>) -> Result<Derived, Error> {
        let hash = self.hkdf_hash(hkdf)?;
        let sources = self.hkdf_sources(key_types, hkdf, hash)?;
        if self.may_tell(&sources).is_err() {
            let reason = "a data object would show what comes of a sensitive key";
            return Err(Error::TemplateInconsistent { attribute: AttributeType(CKA_CLASS), reason });
        }
        let template = &sources.template(self.template)?;
        let attribute = AttributeType(CKA_VALUE_LEN);
        let bytes = match (template.ulong(CKA_VALUE_LEN), hkdf.expand) {
            (Some(given), _) => usize::try_from(given)
                .ok()
                .filter(|bytes| (1..=255 * hash.output_bytes()).contains(bytes))
                .ok_or(Error::AttributeValue { attribute, reason: "not a length HKDF can give" })?,
            (None, true) => return Err(Error::TemplateIncomplete(attribute)),
            (None, false) => hash.output_bytes(),
        };
        if !hkdf.expand && bytes != hash.output_bytes() {
            return Err(Error::KeySize { got: bytes });
        }
        let value = hkdf_value(&sources, hkdf, hash, bytes)?;
        self.used();
        self.kept(&sources.base, birth::data(template, value.expose(), &self.maker)?)
    }

    fn hkdf_hash(&self, hkdf: &Hkdf<'_>) -> Result<Algorithm, Error> {
        if !hkdf.extract && !hkdf.expand {
            return Err(Error::MechanismParameter("bExtract or bExpand must be true"));
        }
        self.hash(hkdf.hash)
    }

    /// The base key and the salt key. A data object as long as the hash may stand for the base key, to be extracted
    /// with a salt.
    fn hkdf_sources(&self, key_types: &[u64], hkdf: &Hkdf<'_>, hash: Algorithm) -> Result<Sources, Error> {
        let application = &self.session.application;
        let data = application.object(self.base).ok().filter(|object| object.kind.class == CKO_DATA);
        let base = match data {
            Some(data) => {
                access::check(Action::Use, application.actor(), &data)?;
                let bytes = data.inner_bytes(CKA_VALUE).unwrap_or_default().len();
                if bytes != hash.output_bytes() {
                    return Err(Error::KeySize { got: bytes });
                }
                if !hkdf.extract || hkdf.salt_type == CKF_HKDF_SALT_NULL {
                    return Err(Error::MechanismParameter("a data object is only extracted from, with a salt"));
                }
                data
            }
            None => self.key(self.base, key_types)?,
        };
        let others = match hkdf.salt_type {
            CKF_HKDF_SALT_KEY if hkdf.extract => vec![self.key(hkdf.salt_key, &[])?],
            CKF_HKDF_SALT_NULL | CKF_HKDF_SALT_DATA => Vec::new(),
            _ if !hkdf.extract => Vec::new(),
            _ => return Err(Error::MechanismParameter("ulSaltType is one of CKF_HKDF_SALT_*")),
        };
        Ok(Sources { base, others })
    }

    /// SP 800-108, one key or several: all of them are made or none ("Deriving Additional Keys").
    ///
    /// Keys among the input count for the secrecy of what is derived. The standard calls a derived key always sensitive
    /// if one of them is; here all must be.
    pub(super) fn kdf108(
        &self,
        key_types: &[u64],
        mode: Kdf108,
        parameter: &Kdf108Parameter<'_>,
    ) -> Result<Derived, Error> {
        let (prf, prf_types) = self.kdf108_prf(parameter.prf)?;
        if mode != Kdf108::Feedback && !parameter.iv.is_empty() {
            return Err(Error::MechanismParameter("only the feedback mode has an IV"));
        }
        let given = parameter.fields.iter().map(|field| match field {
            Kdf108Field::Bytes(bytes) => bytes.len(),
            _ => 0,
        });
        if given.fold(0, usize::saturating_add) > KDF_FIELD_BYTES_MAX {
            return Err(Error::MechanismParameter("the fields are longer than 64 KiB together"));
        }
        let mut sources = self.sources(if prf_types.is_empty() { key_types } else { prf_types })?;
        let inputs: Vec<Input<'_>> = parameter
            .fields
            .iter()
            .map(|field| match field {
                // It must be one that could be the base key ("CK_PRF_DATA_TYPE").
                Kdf108Field::Key(number) => Ok(Input::Key(self.key(*number, key_types)?)),
                field => Ok(Input::Field(kdf108_field(mode, field)?)),
            })
            .collect::<Result<_, Error>>()?;
        let keys = inputs.iter().filter_map(|input| match input {
            Input::Key(key) => Some(key),
            Input::Field(_) => None,
        });
        self.may_be_data(matches!(prf, Prf::CmacAes | Prf::CmacDes3), keys)?;
        sources.others.extend(inputs.iter().filter_map(|input| match input {
            Input::Key(key) => Some(Arc::clone(key)),
            Input::Field(_) => None,
        }));
        let fields: Vec<Field<'_>> = inputs
            .iter()
            .map(|input| match input {
                Input::Field(field) => Ok(*field),
                Input::Key(key) => Ok(Field::Bytes(key.material()?.value())),
            })
            .collect::<Result<_, Error>>()?;
        let wanted: Vec<(Template<'_>, Target)> = std::iter::once(self.template)
            .chain(&parameter.additional)
            .map(|template| {
                let template = self.inherited(&sources, template)?;
                let target = Target::of(&template)?;
                Ok((template, target))
            })
            .collect::<Result<_, Error>>()?;
        let mut values: Vec<SecretBytes> = wanted
            .iter()
            .map(|(_, target)| Ok(SecretBytes::zeroed(target.needed_bytes()?)?))
            .collect::<Result<_, Error>>()?;
        let mut outputs: Vec<&mut [u8]> = values.iter_mut().map(SecretBytes::expose_mut).collect();
        let base = sources.value()?;
        match mode {
            Kdf108::Counter => sp800_108::counter(prf, base, &fields, &mut outputs)?,
            Kdf108::Feedback => sp800_108::feedback(prf, base, parameter.iv, &fields, &mut outputs)?,
            Kdf108::DoublePipeline => sp800_108::double_pipeline(prf, base, &fields, &mut outputs)?,
        }
        self.used();
        let inheritance = self.inheritance(&sources);
        let objects: Vec<Object> = wanted
            .iter()
            .zip(values)
            .map(|((template, target), value)| birth::derived(target, template, value, inheritance, &self.maker))
            .collect::<Result<_, Error>>()?;
        let mut kept = self.session.keep_all(objects, self.maker.logouts, self.made(&sources.base))?.into_iter();
        let key = kept.next().ok_or(Error::NotSupported)?;
        Ok(Derived { key, additional: kept.collect(), ..Derived::default() })
    }

    /// The function of SP 800-108 and the types of base key it takes, where not all ("CK_SP800_108_PRF_TYPE").
    fn kdf108_prf(&self, mechanism: u64) -> Result<(Prf, &'static [u64]), Error> {
        self.offered(mechanism)?;
        match mechanism {
            CKM_AES_CMAC => Ok((Prf::CmacAes, &[CKK_AES])),
            CKM_DES3_CMAC => Ok((Prf::CmacDes3, &[CKK_DES3, CKK_DES2])),
            CKM_SHA_1_HMAC | CKM_SHA224_HMAC | CKM_SHA256_HMAC | CKM_SHA384_HMAC | CKM_SHA512_HMAC
            | CKM_SHA3_224_HMAC | CKM_SHA3_256_HMAC | CKM_SHA3_384_HMAC | CKM_SHA3_512_HMAC => {
                let hash = hashes::hmac(mechanism).ok_or(NO_SUCH_PRF)?;
                Ok((Prf::Hmac(hash), &[]))
            }
            _ => Err(NO_SUCH_PRF),
        }
    }
}

impl Session {
    /// A key from a password (`CKM_PKCS5_PBKD2`).
    ///
    /// # Errors
    /// The template's; `CKR_MECHANISM_PARAM_INVALID`.
    pub(in crate::session) fn password_key(
        &self,
        parameter: &Pbkdf2<'_>,
        template: &Template<'_>,
        maker: &Maker<'_>,
    ) -> Result<Object, Error> {
        if parameter.salt_source != CKZ_SALT_SPECIFIED {
            return Err(Error::MechanismParameter("saltSource is CKZ_SALT_SPECIFIED"));
        }
        if !parameter.prf_data.is_empty() {
            return Err(Error::MechanismParameter("the function takes no data"));
        }
        let hash = password_hash(parameter.prf)?;
        if template.find(CKA_KEY_TYPE).is_none() {
            return Err(Error::TemplateIncomplete(AttributeType(CKA_KEY_TYPE)));
        }
        let target = Target::of(template)?;
        let bytes = target.needed_bytes()?;
        let steps = parameter.iterations.checked_mul(bytes.div_ceil(hash.output_bytes()) as u64);
        let iterations = u32::try_from(parameter.iterations)
            .ok()
            .filter(|iterations| *iterations > 0 && steps.is_some_and(|steps| steps <= PASSWORD_STEPS_MAX));
        let iterations =
            iterations.ok_or(Error::MechanismParameter("iterations is 0 or more than can be waited for"))?;
        let mut value = SecretBytes::zeroed(bytes)?;
        derive::pbkdf2(hash, parameter.password, parameter.salt, iterations, value.expose_mut())?;
        birth::of_password(&target, template, value, CKM_PKCS5_PBKD2, maker)
    }
}

fn hkdf_value(sources: &Sources, hkdf: &Hkdf<'_>, hash: Algorithm, bytes: usize) -> Result<SecretBytes, Error> {
    let base = sources.value()?;
    let extracted;
    let pseudo_random = if hkdf.extract {
        let salt = match (hkdf.salt_type, sources.others.first()) {
            (CKF_HKDF_SALT_KEY, Some(key)) => key.material()?.value(),
            (CKF_HKDF_SALT_DATA, _) => hkdf.salt,
            _ => &[],
        };
        extracted = derive::hkdf_extract(hash, salt, base)?;
        extracted.expose()
    } else {
        base
    };
    if !hkdf.expand {
        return first(pseudo_random, bytes);
    }
    let mut value = SecretBytes::zeroed(bytes)?;
    derive::hkdf_expand(hash, pseudo_random, hkdf.info, value.expose_mut())?;
    Ok(value)
}

/// A piece of a step's input. The crypto library knows which pieces a mode has.
fn kdf108_field<'a>(mode: Kdf108, field: &Kdf108Field<'a>) -> Result<Field<'a>, Error> {
    let bits = |format: &CounterFormat| {
        usize::try_from(format.bits).map_err(|_| Error::MechanismParameter("ulWidthInBits is more than 64"))
    };
    Ok(match (mode, field) {
        (Kdf108::Counter, Kdf108Field::Iteration(Some(format))) => {
            Field::Counter { bits: bits(format)?, little_endian: format.little_endian }
        }
        (Kdf108::Feedback | Kdf108::DoublePipeline, Kdf108Field::Iteration(None)) => Field::Iteration,
        (Kdf108::Feedback | Kdf108::DoublePipeline, Kdf108Field::Counter(format)) => {
            Field::OptionalCounter { bits: bits(format)?, little_endian: format.little_endian }
        }
        (_, Kdf108Field::Length { method, format }) => {
            let method = match *method {
                CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS => LengthMethod::SumOfKeys,
                CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS => LengthMethod::SumOfSegments,
                _ => return Err(Error::MechanismParameter("dkmLengthMethod is one of CK_SP800_108_DKM_LENGTH_*")),
            };
            Field::DkmLength { method, bits: bits(format)?, little_endian: format.little_endian }
        }
        (_, Kdf108Field::Bytes(bytes)) => Field::Bytes(bytes),
        _ => return Err(Error::MechanismParameter("the field is not one of the mode, or not of its form")),
    })
}

fn password_hash(prf: u64) -> Result<Algorithm, Error> {
    Ok(match prf {
        CKP_PKCS5_PBKD2_HMAC_SHA1 => Algorithm::Sha1,
        CKP_PKCS5_PBKD2_HMAC_SHA224 => Algorithm::Sha224,
        CKP_PKCS5_PBKD2_HMAC_SHA256 => Algorithm::Sha256,
        CKP_PKCS5_PBKD2_HMAC_SHA384 => Algorithm::Sha384,
        CKP_PKCS5_PBKD2_HMAC_SHA512 => Algorithm::Sha512,
        CKP_PKCS5_PBKD2_HMAC_SHA512_224 => Algorithm::Sha512_224,
        CKP_PKCS5_PBKD2_HMAC_SHA512_256 => Algorithm::Sha512_256,
        _ => return Err(Error::MechanismParameter("prf is not one of CKP_PKCS5_PBKD2_* that is offered")),
    })
}

const NO_SUCH_PRF: Error = Error::MechanismParameter("prfType is not one that SP 800-108 is offered with");
