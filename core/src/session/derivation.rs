//! Keys derived from keys (PKCS#11 3.2 §5.18.8).
//!
//! | module | derivations |
//! | --- | --- |
//! | `agreement` | agreements of two key pairs |
//! | `simple` | concatenation, XOR, extraction, hashes, encryption of data |
//! | `kdf` | HKDF, SP 800-108, PBKDF2 |
//! | `tls`, `ike` | the keys of these protocols |
//!
//! What is derived is never more open than the keys it is derived from, also where the standard would let a template
//! ask for that (SHA-1, HKDF, TLS): [`Inheritance`]. Every secret key that goes into a derivation needs `CKA_DERIVE`
//! and must allow the mechanism, not the base key alone: otherwise a concatenation would turn any key into one that can
//! be derived from. What their `CKA_DERIVE_TEMPLATE` demands of new keys holds likewise for all of them.

mod agreement;
mod ike;
mod kdf;
mod simple;
mod tls;

use std::cell::RefCell;
use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_crypto::derive;
use strongroom_crypto::hash::Algorithm;
use strongroom_crypto::memory::SecretBytes;

use super::Session;
use super::approval::Approvals;
use crate::access::{self, Action};
use crate::attribute::{AttributeType, Entry, Flag, Given, Template};
use crate::error::Error;
use crate::mechanism::hashes::{self, AgreementKdf, agreement_kdf};
use crate::mechanism::{Call, Derivation, MechanismName, Parameter, Work, find};
use crate::object::Object;
use crate::object::birth::{self, Inheritance, Maker, Target};
use crate::token::audit::{Event, Fact};

/// What `C_DeriveKey` made.
#[derive(Debug, Default)]
pub struct Derived {
    /// The handle for `phKey`; 0 where the mechanism gives none.
    pub key: u64,
    /// The handles for `CK_DERIVED_KEY.phKey`, in the order of the templates.
    pub additional: Vec<u64>,
    /// What goes into `CK_SSL3_KEY_MAT_OUT`.
    pub tls: Option<TlsKeys>,
    /// What goes into `pVersion` of the TLS master key mechanisms.
    pub version: Option<(u8, u8)>,
}

/// `CK_SSL3_KEY_MAT_OUT`.
#[derive(Debug)]
pub struct TlsKeys {
    /// `hClientMacSecret`, 0 for none.
    pub client_mac: u64,
    /// `hServerMacSecret`, 0 for none.
    pub server_mac: u64,
    /// `hClientKey`.
    pub client_key: u64,
    /// `hServerKey`.
    pub server_key: u64,
    /// For `pIVClient`.
    pub client_iv: Vec<u8>,
    /// For `pIVServer`.
    pub server_iv: Vec<u8>,
}

/// One call of `C_DeriveKey`.
struct Run<'a> {
    session: &'a Session,
    call: &'a Call<'a>,
    base: u64,
    template: &'a Template<'a>,
    maker: Maker<'a>,
    approvals: RefCell<Approvals>,
}

/// The keys that go into a derivation.
struct Sources {
    base: Arc<Object>,
    others: Vec<Arc<Object>>,
}

impl Session {
    /// Derives keys (`C_DeriveKey`). No lock is held meanwhile, and either all keys are kept or none.
    ///
    /// # Errors
    /// The mechanism's, the key's, the template's.
    pub fn derive_key(&self, call: &Call<'_>, base: u64, template: &Template<'_>) -> Result<Derived, Error> {
        self.functions(call.mechanism, CKF_DERIVE)?;
        let Work::Derive { key_types, derivation } = &call.mechanism.work else {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        };
        let maker = self.application.maker(self.application.actor(), self.handle);
        let approvals = RefCell::default();
        let run = Run { session: self, call, base, template, maker, approvals };
        let derived = run.derive(key_types, derivation);
        run.approvals.borrow_mut().settle(&derived);
        derived
    }
}

impl Run<'_> {
    fn derive(&self, key_types: &[u64], derivation: &Derivation) -> Result<Derived, Error> {
        let (run, call) = (self, self.call);
        match (derivation, &call.parameter) {
            (Derivation::Ecdh, Parameter::Agreement { kdf, shared, public, .. }) => {
                run.ecdh(key_types, *kdf, shared, public)
            }
            (Derivation::Dh, Parameter::Bytes(public)) => run.dh(key_types, AgreementKdf::None, &[], public),
            (Derivation::X942Dh, Parameter::Agreement { kdf, shared, public, .. }) => {
                run.dh(key_types, hashes::x942_kdf(*kdf)?, shared, public)
            }
            (Derivation::ConcatenateKey, Parameter::Key(other)) => run.concatenate_key(key_types, *other),
            (Derivation::ConcatenateData, Parameter::Bytes(data)) => run.concatenate(key_types, &[], data),
            (Derivation::ConcatenateBefore, Parameter::Bytes(data)) => run.concatenate(key_types, data, &[]),
            (Derivation::Xor, Parameter::Bytes(data)) => run.xor(key_types, data),
            (Derivation::Extract, Parameter::Extract(start)) => run.extract(key_types, *start),
            (Derivation::Hash(hash), Parameter::None) => run.hashed(key_types, *hash),
            (Derivation::Encrypt(mode), Parameter::Bytes(data)) => run.encrypted(key_types, *mode, None, data),
            (Derivation::Encrypt(mode), Parameter::EncryptData { iv, data }) => {
                run.encrypted(key_types, *mode, Some(iv), data)
            }
            (Derivation::Hkdf, Parameter::Hkdf(hkdf)) => run.hkdf(key_types, hkdf),
            (Derivation::HkdfData, Parameter::Hkdf(hkdf)) => run.hkdf_data(key_types, hkdf),
            (Derivation::Kdf108(mode), Parameter::Kdf108(kdf)) => run.kdf108(key_types, *mode, kdf),
            (Derivation::TlsMaster { dh }, Parameter::TlsMaster { hash, random }) => {
                run.tls_master(key_types, *dh, *hash, random)
            }
            (Derivation::TlsExtendedMaster { dh }, Parameter::TlsExtendedMaster { hash, session_hash }) => {
                run.tls_extended_master(key_types, *dh, *hash, session_hash)
            }
            (
                Derivation::TlsKeys { safe },
                Parameter::TlsKeys { hash, random, mac_bits, key_bits, iv_bits, export },
            ) => {
                let iv_bits = if *safe { 0 } else { *iv_bits };
                let sizes = tls::Sizes::of(*mac_bits, *key_bits, iv_bits, *export)?;
                run.tls_keys(key_types, *hash, random, &sizes)
            }
            (Derivation::TlsKdf, Parameter::TlsKdf { hash, label, random, context }) => {
                run.tls_exporter(key_types, *hash, label, random, *context)
            }
            (
                Derivation::Ike2PrfPlus | Derivation::IkePrf | Derivation::Ike1Prf | Derivation::Ike1Extended,
                Parameter::Ike(ike),
            ) => run.ike(*derivation, ike),
            (Derivation::PublicFromPrivate, Parameter::None) => run.public_key(key_types),
            _ => Err(Error::MechanismParameter("not what this mechanism takes")),
        }
    }

    /// A secret key that goes into the derivation: the base key or another.
    fn key(&self, number: u64, key_types: &[u64]) -> Result<Arc<Object>, Error> {
        self.source(number, key_types, CKO_SECRET_KEY)
    }

    /// A key that goes into the derivation.
    fn source(&self, number: u64, key_types: &[u64], class: u64) -> Result<Arc<Object>, Error> {
        let key = self.session.key_for(number, self.call.mechanism, key_types, class, USAGE, CKF_DERIVE)?;
        self.approvals.borrow_mut().take(&self.session.application, Action::Use, &key)?;
        self.session.application.record_use(&key, Flag::Derive, self.call.mechanism.id)?;
        Ok(key)
    }

    /// How the new keys come to be.
    fn made(&self, base: &Object) -> Fact<'static> {
        Fact::of(Event::ObjectDerived).second(base.number_in_log()).by(self.call.mechanism.id)
    }

    /// The base key, where it is the only one.
    fn sources(&self, key_types: &[u64]) -> Result<Sources, Error> {
        Ok(Sources { base: self.key(self.base, key_types)?, others: Vec::new() })
    }

    /// Makes one key of what `value` gives for the target the template describes. `own` is the template, with what the
    /// mechanism adds to the caller's.
    fn one(
        &self,
        sources: &Sources,
        own: &Template<'_>,
        value: impl FnOnce(&Target) -> Result<SecretBytes, Error>,
    ) -> Result<Derived, Error> {
        let template = &sources.template(own)?;
        let target = Target::of(template)?;
        let value = value(&target)?;
        self.used();
        self.kept(&sources.base, birth::derived(&target, template, value, self.inheritance(sources), &self.maker)?)
    }

    /// The keys have been used: from now on every answer tells of what was derived, also that it does not fit a
    /// template.
    fn used(&self) {
        self.approvals.borrow_mut().used();
    }

    /// What a new key has from all sources. What somebody may use and not take out stays inside in every form.
    fn inheritance(&self, sources: &Sources) -> Inheritance {
        let foreign = sources.secrets().filter(|key| self.is_foreign(key));
        let all =
            foreign.fold(sources.inheritance(), |all, key| Inheritance { unextractable: true, ..all }.guarding(key));
        // Who named such a derivation knows that it tells the key.
        let mechanism = self.call.mechanism.id;
        match birth::is_telling(mechanism) && all.tellings.allow(mechanism) {
            true => Inheritance { bytes_min: 0, ..all },
            false => all,
        }
    }

    /// Whether all sources may go into this derivation, which puts their bytes into others as they are.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`.
    fn may_tell(&self, sources: &Sources) -> Result<(), Error> {
        let allowed = self.inheritance(sources).tellings.allow(self.call.mechanism.id);
        if allowed { Ok(()) } else { Err(TELLS) }
    }

    /// Whether `keys` may be data of a function that is none to hide data from who knows its key: parts of AES's blocks
    /// and MD5's collisions tell bytes that stand beside chosen ones.
    ///
    /// # Errors
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`.
    fn may_be_data<'k>(&self, weak: bool, keys: impl IntoIterator<Item = &'k Arc<Object>>) -> Result<(), Error> {
        if weak && keys.into_iter().any(|key| self.is_confidential(key)) { Err(WEAK_DATA) } else { Ok(()) }
    }

    /// Whether what the key is shall stay inside.
    fn is_confidential(&self, key: &Object) -> bool {
        Inheritance::of(key).is_confidential() || self.is_foreign(key)
    }

    /// Whether the key is somebody else's, who shares its use.
    fn is_foreign(&self, key: &Object) -> bool {
        access::check(Action::Export, self.session.application.actor(), key).is_err()
    }

    /// The template of a new key that is as sensitive and as extractable as its sources where nobody says otherwise.
    fn inherited<'t>(&self, sources: &'t Sources, own: &Template<'t>) -> Result<Template<'t>, Error> {
        let inheritance = self.inheritance(sources);
        let own = sources.template(own)?;
        let own = with_default(&own, CKA_SENSITIVE, Given::Flag(Flag::Sensitive, inheritance.sensitive));
        Ok(with_default(&own, CKA_EXTRACTABLE, Given::Flag(Flag::Extractable, !inheritance.unextractable)))
    }

    fn kept(&self, base: &Object, object: Object) -> Result<Derived, Error> {
        let key = self.session.keep(object, self.maker.logouts, self.made(base))?;
        Ok(Derived { key, ..Derived::default() })
    }

    /// The hash a parameter names, where the token's policy offers it.
    fn hash(&self, number: u64) -> Result<Algorithm, Error> {
        self.offered(number)?;
        hashes::hash(number)
    }

    /// Whether the token's policy offers the mechanism a parameter names.
    fn offered(&self, number: u64) -> Result<(), Error> {
        match find(number) {
            Some(mechanism) if mechanism.is_offered(self.session.application.policy()) => Ok(()),
            _ => Err(Error::MechanismParameter("it names a mechanism that is not offered")),
        }
    }

    /// The public key of a private key (PKCS#11 3.2, "Public key from private key"), whatever that key may do: nothing
    /// secret is used.
    fn public_key(&self, key_types: &[u64]) -> Result<Derived, Error> {
        let private = self.session.application.key_before_approval(self.base)?;
        let fits = key_types.is_empty() || private.kind.subtype.is_some_and(|own| key_types.contains(&own));
        if private.kind.class != CKO_PRIVATE_KEY || !fits {
            return Err(Error::KeyType(MechanismName(self.call.mechanism.id)));
        }
        if !private.allows_mechanism(self.call.mechanism.id) {
            return Err(Error::MechanismNotAllowed(MechanismName(self.call.mechanism.id)));
        }
        self.session.approved(&private, CKF_DERIVE)?;
        self.kept(&private, birth::public_from_private(&private, self.template, &self.maker)?)
    }
}

impl Sources {
    /// The base key's value.
    fn value(&self) -> Result<&[u8], Error> {
        match self.base.kind.class {
            CKO_DATA => Ok(self.base.inner_bytes(CKA_VALUE).unwrap_or_default()),
            _ => Ok(self.base.material()?.value()),
        }
    }

    /// The keys among them: all, but a data object.
    fn secrets(&self) -> impl Iterator<Item = &Arc<Object>> {
        [&self.base].into_iter().chain(&self.others).filter(|key| key.kind.is_secret())
    }

    /// What a new key has from all of them.
    fn inheritance(&self) -> Inheritance {
        let base = match self.base.kind.class {
            CKO_DATA => Inheritance::none(),
            _ => Inheritance::of(&self.base),
        };
        self.others.iter().fold(base, |all, key| all.and(Inheritance::of(key)))
    }

    /// The template of a new key, with what all of them demand of it.
    fn template<'t>(&'t self, own: &Template<'t>) -> Result<Template<'t>, Error> {
        let base = birth::merged(own, self.base.demands(CKA_DERIVE_TEMPLATE))?;
        self.others.iter().try_fold(base, |template, key| birth::merged(&template, key.demands(CKA_DERIVE_TEMPLATE)))
    }
}

/// The template with a value for `attribute`, if it has none.
fn with_default<'t>(template: &Template<'t>, attribute: u64, value: Given<'t>) -> Template<'t> {
    let mut entries = template.entries().to_vec();
    if template.find(attribute).is_none() {
        entries.push(Entry { attribute: AttributeType(attribute), value });
    }
    Template::from_entries(entries)
}

/// The first bytes of a secret.
fn first(secret: &[u8], bytes: usize) -> Result<SecretBytes, Error> {
    Ok(SecretBytes::from_slice(secret.get(..bytes).ok_or(Error::KeySize { got: bytes })?)?)
}

/// So many bytes of an agreed secret, for a wrap: those a KDF makes of it, or its first: a wrap "gets the first
/// ulAESKeyBits bits of the derived key" (PKCS#11 3.2, "ECDH AES KEY WRAP"), while a derivation keeps the last.
///
/// # Errors
/// `CKR_MECHANISM_PARAM_INVALID`; `CKR_KEY_SIZE_RANGE` for more than the secret has.
pub(super) fn agreed_bytes(kdf: u64, shared: &[u8], secret: &SecretBytes, bytes: usize) -> Result<SecretBytes, Error> {
    match agreement_kdf(kdf)? {
        AgreementKdf::None if shared.is_empty() => first(secret.expose(), bytes),
        kdf => expanded(kdf, shared, secret, bytes),
    }
}

fn expanded(kdf: AgreementKdf, shared: &[u8], secret: &SecretBytes, bytes: usize) -> Result<SecretBytes, Error> {
    let mut value = SecretBytes::zeroed(bytes)?;
    match kdf {
        AgreementKdf::None if !shared.is_empty() => {
            return Err(Error::MechanismParameter("CKD_NULL takes no shared data"));
        }
        AgreementKdf::None => {
            // "The truncation removes bytes from the leading end of the secret value" (PKCS#11 3.2, "Elliptic Curve
            // Diffie-Hellman key derivation").
            let start = secret.len().checked_sub(bytes).ok_or(Error::KeySize { got: bytes })?;
            value.expose_mut().copy_from_slice(secret.expose().get(start..).unwrap_or_default());
        }
        AgreementKdf::X963(hash) => derive::x963(hash, secret.expose(), shared, value.expose_mut())?,
        AgreementKdf::Sp800(hash) => derive::sp800_56c(hash, secret.expose(), shared, value.expose_mut())?,
    }
    Ok(value)
}

const TELLS: Error = Error::KeyNotPermitted(
    "the bytes of a confidential key go into another as they are only where its CKA_ALLOWED_MECHANISMS names the mechanism",
);
const WEAK_DATA: Error =
    Error::KeyNotPermitted("with CMAC and MD5 a confidential key is no part of what the function's key is used on");

const USAGE: (Flag, &str) = (Flag::Derive, "no keys may be derived from this one (CKA_DERIVE)");
