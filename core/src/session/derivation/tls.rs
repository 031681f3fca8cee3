//! The keys of TLS 1.0 to 1.2 (PKCS#11 3.2, "TLS 1.2 Mechanisms"; RFC 5246, RFC 7627, RFC 5705).

use cryptoki_sys::*;
use strongroom_crypto::derive;
use strongroom_crypto::memory::SecretBytes;

use super::{Derived, Run, Sources, TlsKeys, first, with_default};
use crate::attribute::{AttributeType, Entry, Flag, Given, Template};
use crate::error::Error;
use crate::mechanism::TlsRandom;
use crate::object::Object;
use crate::object::birth::{self, Target};
use crate::policy::Policy;
use crate::session::signer::tls_hash;

/// Bytes of what is cut out of the key block.
pub(super) struct Sizes {
    mac: usize,
    key: usize,
    iv: usize,
}

impl Sizes {
    /// What `CK_TLS12_KEY_MAT_PARAMS` asks for. No cipher suite has longer IVs than a block; longer ones would only
    /// serve to read keys ("Key and MAC derivation", the note).
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn of(mac_bits: u64, key_bits: u64, iv_bits: u64, export: bool) -> Result<Sizes, Error> {
        if export {
            return Err(Error::MechanismParameter("bIsExport must be false"));
        }
        let bytes = |bits: u64| {
            let bytes = usize::try_from(bits / 8).ok().filter(|_| bits.is_multiple_of(8));
            bytes.filter(|bytes| *bytes <= PART_BYTES_MAX).ok_or(Error::MechanismParameter("a size TLS does not have"))
        };
        let sizes = Sizes { mac: bytes(mac_bits)?, key: bytes(key_bits)?, iv: bytes(iv_bits)? };
        if sizes.key == 0 || sizes.iv > IV_BYTES_MAX {
            return Err(Error::MechanismParameter("a size TLS does not have"));
        }
        Ok(sizes)
    }

    /// Whether a cipher suite could have them. Sizes in between would give the key block again and again, a byte
    /// further each time.
    fn are_of_a_suite(&self) -> bool {
        matches!(self.mac, 0 | 16 | 20 | 32 | 48 | 64) && matches!(self.key, 16 | 24 | 32)
    }
}

impl Run<'_> {
    /// "Master key derivation", and "for Diffie-Hellman".
    pub(super) fn tls_master(
        &self,
        key_types: &[u64],
        dh: bool,
        hash: u64,
        random: &TlsRandom<'_>,
    ) -> Result<Derived, Error> {
        self.master(key_types, dh, hash, b"master secret", &[random.client, random.server])
    }

    /// The same with the extended master secret of RFC 7627.
    pub(super) fn tls_extended_master(
        &self,
        key_types: &[u64],
        dh: bool,
        hash: u64,
        session_hash: &[u8],
    ) -> Result<Derived, Error> {
        if session_hash.is_empty() {
            return Err(Error::MechanismParameter("there is no session hash"));
        }
        self.master(key_types, dh, hash, b"extended master secret", &[session_hash])
    }

    fn master(&self, key_types: &[u64], dh: bool, hash: u64, label: &[u8], seed: &[&[u8]]) -> Result<Derived, Error> {
        let hash = self.hash(hash)?;
        let sources = self.sources(key_types)?;
        let secret = sources.value()?;
        // The version is two bytes of the key. Of a confidential one they are told if they are a version.
        let version = match secret {
            _ if dh => None,
            [major, minor, ..] if secret.len() == MASTER_BYTES => {
                let told = matches!((major, minor), (3, 0..=4)) || !self.inheritance(&sources).is_confidential();
                Some(if told { (*major, *minor) } else { (0, 0) })
            }
            _ => return Err(Error::KeySize { got: secret.len() }),
        };
        let template = master_template(self.template)?;
        let derived = self.one(&sources, &template, |target| {
            if target.kind.subtype != Some(CKK_GENERIC_SECRET) {
                return Err(contradiction(CKA_KEY_TYPE, "a master key is a generic secret"));
            }
            if target.bytes.is_some_and(|bytes| bytes != MASTER_BYTES) {
                return Err(contradiction(CKA_VALUE_LEN, "a master key has 48 bytes"));
            }
            let mut value = SecretBytes::zeroed(MASTER_BYTES)?;
            derive::tls12_prf(hash, secret, label, seed, value.expose_mut())?;
            Ok(value)
        })?;
        Ok(Derived { version, ..derived })
    }

    /// "Key and MAC derivation": two MAC keys, two write keys, two IVs out of the key block (RFC 5246 §6.3), in this
    /// order and the client's first.
    pub(super) fn tls_keys(
        &self,
        key_types: &[u64],
        hash: u64,
        random: &TlsRandom<'_>,
        sizes: &Sizes,
    ) -> Result<Derived, Error> {
        let hash = self.hash(hash)?;
        let sources = self.master_key(key_types)?;
        if !sizes.are_of_a_suite() && self.inheritance(&sources).is_confidential() {
            return Err(Error::KeySize { got: sizes.mac.max(sizes.key) });
        }
        if sizes.iv > 0 && self.inheritance(&sources).is_confidential() {
            match self.session.application.policy() {
                Policy::Standard => {}
                Policy::Strict => return Err(NO_IVS_STRICT),
                Policy::Fips => return Err(NO_IVS_FIPS),
            }
        }
        for (flag, attribute) in [(Flag::Sensitive, CKA_SENSITIVE), (Flag::Extractable, CKA_EXTRACTABLE)] {
            if self.template.flag(flag).is_some_and(|given| given != sources.base.has(flag)) {
                return Err(contradiction(attribute, "the keys have what the master key has"));
            }
        }
        let mut block = SecretBytes::zeroed(2 * (sizes.mac + sizes.key + sizes.iv))?;
        let seed = [random.server, random.client];
        derive::tls12_prf(hash, sources.value()?, b"key expansion", &seed, block.expose_mut())?;
        self.used();
        let mut rest = block.expose();
        let mut next = |bytes: usize| {
            let (part, after) = rest.split_at_checked(bytes).ok_or(Error::NotSupported)?;
            rest = after;
            Ok::<&[u8], Error>(part)
        };
        let macs = [next(sizes.mac)?, next(sizes.mac)?];
        let keys = [next(sizes.key)?, next(sizes.key)?];
        let (client_iv, server_iv) = (next(sizes.iv)?.to_vec(), next(sizes.iv)?.to_vec());

        let usages = [(CKA_ENCRYPT, Flag::Encrypt), (CKA_DECRYPT, Flag::Decrypt), (CKA_DERIVE, Flag::Derive)];
        // The standard has all three; a key of one purpose derives no more.
        let one_purpose = self.session.application.policy() == Policy::Strict;
        let usages = usages.into_iter().filter(|(_, flag)| !one_purpose || *flag != Flag::Derive);
        let write = usages.fold(self.template.clone(), |template, (attribute, flag)| {
            with_default(&template, attribute, Given::Flag(flag, true))
        });
        let mac = mac_template(self.template);
        let mut objects = Vec::with_capacity(4);
        if sizes.mac > 0 {
            for part in macs {
                objects.push(self.tls_key(&sources, &mac, part)?);
            }
        }
        for part in keys {
            objects.push(self.tls_key(&sources, &write, part)?);
        }
        let handles = self.session.keep_all(objects, self.maker.logouts, self.made(&sources.base))?;
        let (client_mac, server_mac, client_key, server_key) = match *handles {
            [client_key, server_key] => (0, 0, client_key, server_key),
            [client_mac, server_mac, client_key, server_key] => (client_mac, server_mac, client_key, server_key),
            _ => return Err(Error::NotSupported),
        };
        let tls = TlsKeys { client_mac, server_mac, client_key, server_key, client_iv, server_iv };
        Ok(Derived { tls: Some(tls), ..Derived::default() })
    }

    fn tls_key(&self, sources: &Sources, template: &Template<'_>, value: &[u8]) -> Result<Object, Error> {
        let template = &self.inherited(sources, template)?;
        let target = Target::of(template)?;
        if target.bytes.is_some_and(|bytes| bytes != value.len()) {
            return Err(contradiction(CKA_VALUE_LEN, "not the size in the mechanism's parameter"));
        }
        birth::derived(&target, template, first(value, value.len())?, self.inheritance(sources), &self.maker)
    }

    /// "Generic Key Derivation using the TLS PRF": the exporter of RFC 5705.
    pub(super) fn tls_exporter(
        &self,
        key_types: &[u64],
        hash: u64,
        label: &[u8],
        random: &TlsRandom<'_>,
        context: Option<&[u8]>,
    ) -> Result<Derived, Error> {
        let hash = match tls_hash(hash)? {
            Some(_) => Some(self.hash(hash)?),
            None => None,
        };
        let sources = self.master_key(key_types)?;
        let length;
        let mut seed = vec![random.client, random.server];
        if let Some(context) = context {
            let bytes = u16::try_from(context.len());
            length =
                bytes.map_err(|_| Error::MechanismParameter("the context has more than 65535 bytes"))?.to_be_bytes();
            seed.extend([&length[..], context]);
        }
        let template = self.inherited(&sources, self.template)?;
        self.one(&sources, &template, |target| {
            let mut value = SecretBytes::zeroed(target.needed_bytes()?)?;
            match hash {
                Some(hash) => derive::tls12_prf(hash, sources.value()?, label, &seed, value.expose_mut())?,
                None => derive::tls10_prf(sources.value()?, label, &seed, value.expose_mut())?,
            }
            Ok(value)
        })
    }

    fn master_key(&self, key_types: &[u64]) -> Result<Sources, Error> {
        let sources = self.sources(key_types)?;
        match sources.value()?.len() {
            MASTER_BYTES => Ok(sources),
            got => Err(Error::KeySize { got }),
        }
    }
}

/// The template of a master key: it is for TLS and nothing else ("Master key derivation", `CKA_ALLOWED_MECHANISMS`),
/// and keys are derived from it.
fn master_template<'t>(template: &Template<'t>) -> Result<Template<'t>, Error> {
    match template.find(CKA_ALLOWED_MECHANISMS) {
        Some(Given::Mechanisms(list)) if !list.is_empty() && list.iter().all(|own| MASTER_USES.contains(own)) => {}
        None => {}
        Some(_) => return Err(contradiction(CKA_ALLOWED_MECHANISMS, "a master key is for TLS")),
    }
    let template = with_default(template, CKA_ALLOWED_MECHANISMS, Given::Mechanisms(MASTER_USES.into()));
    Ok(with_default(&template, CKA_DERIVE, Given::Flag(Flag::Derive, true)))
}

/// The template of a MAC key: where it is kept is the caller's to say, the rest is settled ("Key and MAC derivation").
fn mac_template<'t>(template: &Template<'t>) -> Template<'t> {
    let kept = [CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE, CKA_SENSITIVE, CKA_EXTRACTABLE];
    let entries = template.entries().iter().filter(|entry| kept.contains(&entry.attribute.0)).cloned();
    let own = [
        (CKA_KEY_TYPE, Given::Ulong(CKK_GENERIC_SECRET)),
        (CKA_SIGN, Given::Flag(Flag::Sign, true)),
        (CKA_VERIFY, Given::Flag(Flag::Verify, true)),
    ];
    let own = own.into_iter().map(|(attribute, value)| Entry { attribute: AttributeType(attribute), value });
    Template::from_entries(entries.chain(own).collect())
}

fn contradiction(attribute: u64, reason: &'static str) -> Error {
    Error::TemplateInconsistent { attribute: AttributeType(attribute), reason }
}

const MASTER_USES: [u64; 6] =
    [CKM_TLS12_KEY_AND_MAC_DERIVE, CKM_TLS12_KEY_SAFE_DERIVE, CKM_TLS_KDF, CKM_TLS_MAC, CKM_TLS12_KDF, CKM_TLS12_MAC];
const MASTER_BYTES: usize = 48;
const IV_BYTES_MAX: usize = 16;
/// More than any cipher suite has.
const PART_BYTES_MAX: usize = 256;
const NO_IVS_STRICT: Error =
    Error::KeyNotPermitted("the token's policy (strict) gives no IVs out of a confidential key block");
const NO_IVS_FIPS: Error =
    Error::KeyNotPermitted("the token's policy (fips) gives no IVs out of a confidential key block");
