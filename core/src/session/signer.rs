//! What makes and checks a signature once an operation has begun: MACs, key pairs, the finished messages of TLS.

use cryptoki_sys::*;
use strongroom_crypto::hash::{self, Hash};
use strongroom_crypto::mac::Mac;
use strongroom_crypto::memory::constant_time_eq;
use strongroom_crypto::pq::{Hedge, Message};
use strongroom_crypto::rsa::SignaturePadding;
use strongroom_crypto::{derive, edwards};
use zeroize::Zeroizing;

use super::collected::Collected;
use crate::asymmetric::{PrivateKey, PublicKey};
use crate::error::Error;
use crate::mechanism::{self, Call, MechanismName, Parameter, Scheme, hashes};
use crate::object::Object;

/// A running signature.
pub(super) enum Signer {
    /// A MAC, so many bytes of it.
    Mac(Mac, usize),
    /// The signature of a key pair.
    Pair(PairSigner),
    /// A MAC of TLS 1.0 to 1.2.
    Tls(TlsSigner),
}

/// A running signature of a key pair.
pub(super) struct PairSigner {
    scheme: Scheme,
    options: Options,
    hash: Option<Hash>,
    data: Collected,
    /// Bytes of the signature.
    bytes: usize,
}

/// What the parameter of the call says.
enum Options {
    None,
    Pss { hash: hash::Algorithm, mgf: hash::Algorithm, salt_bytes: usize },
    EdDsa { prehash: bool, context: Option<Box<[u8]>> },
    Context { hedge: Hedge, context: Box<[u8]>, hash: Option<hash::Algorithm> },
}

/// A running `CKM_TLS_MAC` (PKCS#11 3.2, TLS 1.2 mechanisms).
pub(super) struct TlsSigner {
    /// The PRF's hash; none for the PRF of TLS 1.0 and 1.1.
    hash: Option<hash::Algorithm>,
    label: &'static [u8],
    bytes: usize,
    data: Collected,
}

impl Signer {
    /// Bytes of the signature.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Signer::Mac(_, bytes) => *bytes,
            Signer::Pair(signer) => signer.bytes,
            Signer::Tls(signer) => signer.bytes,
        }
    }

    /// Takes a part of the data.
    ///
    /// # Errors
    /// [`Error::DataLength`] for more than the mechanism can sign.
    pub(super) fn update(&mut self, part: &[u8]) -> Result<(), Error> {
        match self {
            Signer::Mac(mac, _) => Ok(mac.update(part)?),
            Signer::Pair(signer) => signer.update(part),
            Signer::Tls(signer) => signer.data.add(part, None),
        }
    }

    /// Signs the data with `last` behind it, into `place`, which is long enough.
    ///
    /// # Errors
    /// The data's.
    pub(super) fn sign(&mut self, key: &Object, last: &[u8], place: &mut [u8]) -> Result<usize, Error> {
        match self {
            Signer::Mac(mac, _) => {
                mac.update(last)?;
                Ok(mac.finish(place)?)
            }
            Signer::Pair(signer) => signer.sign(key.private_key()?, last, place),
            Signer::Tls(signer) => signer.sign(key.material()?.value(), last, place),
        }
    }

    /// Checks a signature of the data with `last` behind it.
    ///
    /// # Errors
    /// [`Error::SignatureInvalid`], [`Error::SignatureLength`].
    pub(super) fn verify(&mut self, key: &Object, last: &[u8], signature: &[u8]) -> Result<(), Error> {
        if let Signer::Pair(signer) = self {
            return signer.verify(key.public_key()?, last, signature);
        }
        if signature.len() != self.bytes() {
            return Err(Error::SignatureLength);
        }
        let good = match self {
            Signer::Mac(mac, _) => {
                mac.update(last)?;
                mac.verify(signature)?
            }
            Signer::Tls(signer) => {
                let mut own = Zeroizing::new(vec![0; signer.bytes]);
                signer.sign(key.material()?.value(), last, &mut own)?;
                constant_time_eq(&own, signature)
            }
            Signer::Pair(_) => false,
        };
        if good { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

impl PairSigner {
    /// Begins a signature by `call` with `key`, either half of a pair.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`, `CKR_KEY_SIZE_RANGE`.
    pub(super) fn start(scheme: Scheme, call: &Call<'_>, key: &Object) -> Result<PairSigner, Error> {
        let bytes = signature_bytes(key)?;
        let options = Options::of(scheme, &call.parameter, key.public.is_some())?;
        options.check(scheme, key, bytes)?;
        Ok(PairSigner { scheme, options, hash: scheme.hash().map(Hash::new), data: Collected::default(), bytes })
    }

    /// Takes the parameter of another signature with the same key and mechanism.
    ///
    /// # Errors
    /// As [`PairSigner::start`].
    pub(super) fn restart(&mut self, call: &Call<'_>, key: &Object) -> Result<(), Error> {
        self.options = Options::of(self.scheme, &call.parameter, key.public.is_some())?;
        self.options.check(self.scheme, key, self.bytes)
    }

    /// Forgets the data so far.
    pub(super) fn begin_again(&mut self) {
        self.hash = self.scheme.hash().map(Hash::new);
        self.data = Collected::default();
    }

    fn update(&mut self, part: &[u8]) -> Result<(), Error> {
        let limit = self.limit();
        match &mut self.hash {
            Some(hash) => {
                hash.update(part);
                Ok(())
            }
            None => self.data.add(part, limit),
        }
    }

    /// The most data that can be of use where the caller hashes. ECDSA takes the leftmost bits of any (PKCS#11 3.2
    /// §6.3.12).
    fn limit(&self) -> Option<usize> {
        match self.scheme {
            Scheme::RsaPkcs1(None) | Scheme::RsaRaw | Scheme::RsaPss(None) => Some(self.bytes),
            Scheme::Dsa(None) => Some(LONGEST_HASH),
            _ => None,
        }
    }

    /// Runs `run` with the data to be signed, or its hash.
    fn with_data<R>(
        &mut self,
        last: &[u8],
        run: impl FnOnce(&Scheme, &Options, &[u8]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let limit = self.limit();
        match &mut self.hash {
            Some(hash) => {
                let mut digest = [0; LONGEST_HASH];
                hash.update(last);
                let bytes = hash.finish(&mut digest)?;
                run(&self.scheme, &self.options, digest.get(..bytes).unwrap_or_default())
            }
            None => run(&self.scheme, &self.options, self.data.with(last, limit)?),
        }
    }

    fn sign(&mut self, key: &PrivateKey, last: &[u8], place: &mut [u8]) -> Result<usize, Error> {
        self.with_data(last, |scheme, options, data| {
            Ok(match (key, scheme) {
                (PrivateKey::Rsa(key), scheme) => key.sign(&padding(scheme, options, data)?, data, place)?,
                (PrivateKey::Ec(key), Scheme::Ecdsa(_)) => key.sign(data, place)?,
                (PrivateKey::Dsa(key), Scheme::Dsa(_)) => key.sign(data, place)?,
                (PrivateKey::Edwards(key), Scheme::EdDsa) => key.sign(&variant(key.curve(), options), data, place)?,
                (PrivateKey::MlDsa(key), Scheme::MlDsa(_)) => {
                    let (message, context, hedge) = message(scheme, options, data)?;
                    key.sign(&message, context, hedge, place)?
                }
                (PrivateKey::SlhDsa(key), Scheme::SlhDsa(_)) => {
                    let (message, context, hedge) = message(scheme, options, data)?;
                    key.sign(&message, context, hedge, place)?
                }
                _ => return Err(Error::NotSupported),
            })
        })
    }

    fn verify(&mut self, key: &PublicKey, last: &[u8], signature: &[u8]) -> Result<(), Error> {
        let bytes = self.bytes;
        let mut widened = Vec::new();
        let signature = match self.scheme {
            Scheme::Ecdsa(_) | Scheme::Dsa(_) => wide(signature, bytes, &mut widened)?,
            _ if signature.len() != bytes => return Err(Error::SignatureLength),
            _ => signature,
        };
        self.with_data(last, |scheme, options, data| {
            let outcome = match (key, scheme) {
                (PublicKey::Rsa(key), scheme) => key.verify(&padding(scheme, options, data)?, data, signature),
                (PublicKey::Ec(key), Scheme::Ecdsa(_)) => key.verify(data, signature),
                (PublicKey::Dsa(key), Scheme::Dsa(_)) => key.verify(data, signature),
                (PublicKey::Edwards(key), Scheme::EdDsa) => key.verify(&variant(key.curve(), options), data, signature),
                (PublicKey::MlDsa(key), Scheme::MlDsa(_)) => {
                    let (message, context, _) = message(scheme, options, data)?;
                    key.verify(&message, context, signature)
                }
                (PublicKey::SlhDsa(key), Scheme::SlhDsa(_)) => {
                    let (message, context, _) = message(scheme, options, data)?;
                    key.verify(&message, context, signature)
                }
                _ => return Err(Error::NotSupported),
            };
            outcome.map_err(|error| match error {
                strongroom_crypto::Error::Authentication => Error::SignatureInvalid,
                other => other.into(),
            })
        })
    }
}

impl Options {
    /// Whether they fit a key whose signatures have so many bytes.
    fn check(&self, scheme: Scheme, key: &Object, bytes: usize) -> Result<(), Error> {
        let Options::Pss { hash, salt_bytes, .. } = self else { return Ok(()) };
        // RFC 8017 §9.1.1: the block is a bit shorter than the modulus.
        let zeros = key.inner_bytes(CKA_MODULUS).and_then(<[u8]>::first).map_or(0, |first| first.leading_zeros());
        let room = (bytes * 8).saturating_sub(zeros as usize + 1).div_ceil(8);
        if salt_bytes.saturating_add(hash.output_bytes() + 2) > room {
            return Err(Error::MechanismParameter("sLen is longer than the key leaves room for"));
        }
        match scheme {
            Scheme::RsaPss(Some(own)) if own != *hash => {
                Err(Error::MechanismParameter("hashAlg is not the hash of the mechanism"))
            }
            _ => Ok(()),
        }
    }

    fn of(scheme: Scheme, parameter: &Parameter<'_>, verifies: bool) -> Result<Options, Error> {
        Ok(match (scheme, parameter) {
            (Scheme::RsaPss(_), Parameter::Pss { hash, mgf, salt_bytes }) => Options::Pss {
                hash: hashes::hash(*hash)?,
                mgf: hashes::mgf(*mgf)?,
                salt_bytes: usize::try_from(*salt_bytes).map_err(|_| TOO_LONG)?,
            },
            (Scheme::EdDsa, Parameter::None) => Options::EdDsa { prehash: false, context: None },
            (Scheme::EdDsa, Parameter::EdDsa { prehash, context }) => {
                Options::EdDsa { prehash: *prehash, context: Some(bounded(context)?) }
            }
            (Scheme::MlDsa(form) | Scheme::SlhDsa(form), Parameter::None) if form != mechanism::Message::Hashed => {
                Options::Context { hedge: Hedge::Preferred, context: Box::default(), hash: None }
            }
            (Scheme::MlDsa(_) | Scheme::SlhDsa(_), Parameter::SignContext { hedge, context, hash }) => {
                Options::Context {
                    hedge: match *hedge {
                        CKH_HEDGE_PREFERRED => Hedge::Preferred,
                        CKH_HEDGE_REQUIRED => Hedge::Required,
                        CKH_DETERMINISTIC_REQUIRED => Hedge::Deterministic,
                        // PKCS#11 3.2 §6.67.5: on verification it is ignored.
                        _ if verifies => Hedge::Preferred,
                        _ => return Err(Error::MechanismParameter("hedgeVariant is not one of CKH_*")),
                    },
                    context: bounded(context)?,
                    hash: hash.map(hashes::prehash).transpose()?,
                }
            }
            (_, Parameter::None) if !matches!(scheme, Scheme::RsaPss(_) | Scheme::MlDsa(_) | Scheme::SlhDsa(_)) => {
                Options::None
            }
            _ => return Err(Error::MechanismParameter("not what this mechanism takes")),
        })
    }
}

impl TlsSigner {
    /// Begins a MAC.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub(super) fn start(call: &Call<'_>) -> Result<TlsSigner, Error> {
        let Parameter::TlsMac { hash, bytes, server_or_client } = call.parameter else {
            return Err(Error::MechanismInvalid(MechanismName(call.mechanism.id)));
        };
        let label: &'static [u8] = match server_or_client {
            1 => b"server finished",
            2 => b"client finished",
            _ => return Err(Error::MechanismParameter("ulServerOrClient is 1 or 2")),
        };
        // RFC 5246 §7.4.9 and RFC 2246 §7.4.9 have 12 bytes; a cipher suite may ask for more.
        let bytes = usize::try_from(bytes).ok().filter(|bytes| (12..=64).contains(bytes));
        let bytes = bytes.ok_or(Error::MechanismParameter("ulMacLength is 12 to 64"))?;
        Ok(TlsSigner { hash: tls_hash(hash)?, label, bytes, data: Collected::default() })
    }

    fn sign(&mut self, secret: &[u8], last: &[u8], place: &mut [u8]) -> Result<usize, Error> {
        let data = self.data.with(last, None)?;
        let place = place.get_mut(..self.bytes).ok_or(Error::BufferTooSmall { needed: self.bytes })?;
        match self.hash {
            Some(hash) => derive::tls12_prf(hash, secret, self.label, &[data], place)?,
            None => derive::tls10_prf(secret, self.label, &[data], place)?,
        }
        Ok(self.bytes)
    }
}

/// The hash of a TLS PRF: `CKM_TLS_PRF` is that of TLS 1.0 and 1.1.
pub(super) fn tls_hash(mechanism: u64) -> Result<Option<hash::Algorithm>, Error> {
    match mechanism {
        CKM_TLS_PRF => Ok(None),
        other => hashes::hash(other).map(Some),
    }
}

/// Bytes of a signature with either half of this pair.
fn signature_bytes(key: &Object) -> Result<usize, Error> {
    if key.public.is_some() {
        return Ok(match key.public_key()? {
            PublicKey::Rsa(key) => key.bytes(),
            PublicKey::Ec(key) => 2 * key.curve().order_bytes(),
            PublicKey::Edwards(key) => key.curve().signature_bytes(),
            PublicKey::Dsa(key) => key.parameters().signature_bytes(),
            PublicKey::MlDsa(key) => key.set().signature_bytes(),
            PublicKey::SlhDsa(key) => key.set().signature_bytes(),
            PublicKey::MlKem(_) | PublicKey::Peer => return Err(Error::NotSupported),
        });
    }
    Ok(match &**key.private_key()? {
        PrivateKey::Rsa(key) => key.bytes(),
        PrivateKey::Ec(key) => 2 * key.curve().order_bytes(),
        PrivateKey::Edwards(key) => key.curve().signature_bytes(),
        PrivateKey::Dsa(key) => key.parameters().signature_bytes(),
        PrivateKey::MlDsa(key) => key.set().signature_bytes(),
        PrivateKey::SlhDsa(key) => key.set().signature_bytes(),
        PrivateKey::MlKem(_) | PrivateKey::Montgomery(_) | PrivateKey::Dh(_) => return Err(Error::NotSupported),
    })
}

/// How RSA pads this data, whose length must be that of a hash where it says so.
fn padding(scheme: &Scheme, options: &Options, data: &[u8]) -> Result<SignaturePadding, Error> {
    Ok(match (scheme, options) {
        (Scheme::RsaRaw, _) => SignaturePadding::Raw,
        (Scheme::RsaPkcs1(None), _) => SignaturePadding::Pkcs1,
        (Scheme::RsaPkcs1(Some(hash)), _) => SignaturePadding::Pkcs1Digest(*hash),
        (Scheme::RsaPss(_), Options::Pss { hash, mgf, salt_bytes }) => {
            if data.len() != hash.output_bytes() {
                return Err(Error::DataLength);
            }
            SignaturePadding::Pss { hash: *hash, mgf: *mgf, salt_bytes: *salt_bytes }
        }
        _ => return Err(Error::NotSupported),
    })
}

/// Which of the variants of RFC 8032. Without a parameter, and with one that says nothing, it is the pure one.
fn variant(curve: edwards::Curve, options: &Options) -> edwards::Variant<'_> {
    match options {
        Options::EdDsa { prehash: true, context } => {
            edwards::Variant::Prehashed(context.as_deref().unwrap_or_default())
        }
        Options::EdDsa { prehash: false, context: Some(context) }
            if !context.is_empty() || curve == edwards::Curve::Ed448 =>
        {
            edwards::Variant::Context(context)
        }
        _ => edwards::Variant::Pure,
    }
}

/// What is signed, the context, and how random the signature is.
fn message<'a>(scheme: &Scheme, options: &'a Options, data: &'a [u8]) -> Result<(Message<'a>, &'a [u8], Hedge), Error> {
    let (Scheme::MlDsa(form) | Scheme::SlhDsa(form), Options::Context { hedge, context, hash }) = (scheme, options)
    else {
        return Err(Error::NotSupported);
    };
    let message = match (form, hash) {
        (mechanism::Message::Pure, _) => Message::Pure(data),
        (mechanism::Message::Hash(algorithm), _) => Message::Prehashed { algorithm: *algorithm, digest: data },
        (mechanism::Message::Hashed, Some(algorithm)) if data.len() == algorithm.output_bytes() => {
            Message::Prehashed { algorithm: *algorithm, digest: data }
        }
        (mechanism::Message::Hashed, Some(_)) => return Err(Error::DataLength),
        (mechanism::Message::Hashed, None) => return Err(Error::MechanismParameter("it must name the hash")),
    };
    Ok((message, context, *hedge))
}

/// A signature of two numbers may be shorter than it could be, if both halves are (PKCS#11 3.2 §6.3.1).
fn wide<'a>(signature: &'a [u8], bytes: usize, place: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
    if signature.len() == bytes {
        return Ok(signature);
    }
    if signature.len() > bytes || !signature.len().is_multiple_of(2) || signature.is_empty() {
        return Err(Error::SignatureLength);
    }
    let (r, s) = signature.split_at(signature.len() / 2);
    for half in [r, s] {
        place.resize(place.len() + bytes / 2 - half.len(), 0);
        place.extend_from_slice(half);
    }
    Ok(place)
}

/// The contexts of RFC 8032 and FIPS 204 and 205 have at most 255 bytes.
fn bounded(context: &[u8]) -> Result<Box<[u8]>, Error> {
    if context.len() > 255 {
        return Err(Error::MechanismParameter("the context has at most 255 bytes"));
    }
    Ok(context.into())
}

const TOO_LONG: Error = Error::MechanismParameter("longer than the memory");

/// Bytes of the longest hash.
const LONGEST_HASH: usize = 64;
