//! PKCS#8: PrivateKeyInfo and OneAsymmetricKey.

use std::fmt;

use der::Tag;

use super::algorithm::{Algorithm, Edwards, MlDsa, MlKem, Montgomery, SlhDsa};
use super::exactly;
use super::fields::{Fields, constructed, primitive, whole_bytes};
use super::public::{Group, curve, dh, only_number};
use super::stored::StoredPublic;
use super::writing::{Node, oid};
use crate::Error;
use crate::memory::SecretBytes;

/// A private key as PKCS#8 holds it. Numbers are big-endian and not negative.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub enum PrivateKeyInfo<'a> {
    /// RFC 8017 appendix A.1.2.
    Rsa(RsaPrivate<'a>),
    /// RFC 5915: `params` is the DER of the curve's name or of all its numbers. `scalar` should have the bytes of the
    /// curve's order; `public` is the encoded point, if the file has it.
    Ec { params: &'a [u8], scalar: &'a [u8], public: Option<&'a [u8]> },
    /// RFC 8410.
    Edwards { curve: Edwards, seed: &'a [u8] },
    /// RFC 8410.
    Montgomery { curve: Montgomery, bytes: &'a [u8] },
    /// Dss-Parms (RFC 3279 §2.3.2) and an INTEGER.
    Dsa { p: &'a [u8], q: &'a [u8], g: &'a [u8], x: &'a [u8] },
    /// PKCS#3's parameters and an INTEGER.
    Dh { p: &'a [u8], g: &'a [u8], x: &'a [u8] },
    /// DomainParameters and an INTEGER. Cofactor and validation parameters are skipped on reading and not written.
    X942Dh { p: &'a [u8], q: &'a [u8], g: &'a [u8], x: &'a [u8] },
    /// RFC 9935 §6. A file has the seed, the expanded key, or both, which is then not known to be consistent.
    MlKem { set: MlKem, seed: Option<&'a [u8]>, expanded: Option<&'a [u8]> },
    /// RFC 9881 §6, as for ML-KEM.
    MlDsa { set: MlDsa, seed: Option<&'a [u8]>, expanded: Option<&'a [u8]> },
    /// RFC 9909.
    SlhDsa { set: SlhDsa, bytes: &'a [u8] },
}

/// The numbers of an RSA private key.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct RsaPrivate<'a> {
    pub modulus: &'a [u8],
    pub public_exponent: &'a [u8],
    pub private_exponent: &'a [u8],
    pub prime_1: Option<&'a [u8]>,
    pub prime_2: Option<&'a [u8]>,
    pub exponent_1: Option<&'a [u8]>,
    pub exponent_2: Option<&'a [u8]>,
    pub coefficient: Option<&'a [u8]>,
}

impl<'a> PrivateKeyInfo<'a> {
    /// The key in DER, version 0, without attributes, in secret memory.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for bytes that do not have the algorithm's length; [`Error::KeyValue`] for an RSA key
    /// without its primes, and for a key with neither seed nor expanded form; [`Error::Encoding`] for curve parameters
    /// that are no DER of a curve; [`Error::Memory`].
    pub fn encode(&self) -> Result<SecretBytes, Error> {
        match *self {
            PrivateKeyInfo::Rsa(key) => key.encode(),
            PrivateKeyInfo::Ec { params, scalar, public } => {
                let point = Node::Bits(public.unwrap_or_default());
                let key = [Node::Number(&[EC_VERSION]), Node::Octets(scalar), Node::explicit(EC_PUBLIC, &point)];
                let (without_public, _) = key.split_at(2);
                let key = Node::sequence(if public.is_some() { &key } else { without_public });
                write(&[oid(Algorithm::Ec)?, Node::Encoded(curve(params)?)], Node::octets_of(&key))
            }
            PrivateKeyInfo::Edwards { curve, seed } => {
                let key = Node::Octets(exactly(seed, curve.bytes())?);
                write(&[oid(Algorithm::Edwards(curve))?], Node::octets_of(&key))
            }
            PrivateKeyInfo::Montgomery { curve, bytes } => {
                let key = Node::Octets(exactly(bytes, curve.bytes())?);
                write(&[oid(Algorithm::Montgomery(curve))?], Node::octets_of(&key))
            }
            PrivateKeyInfo::Dsa { p, q, g, x } => {
                let group = [Node::Number(p), Node::Number(q), Node::Number(g)];
                write(&[oid(Algorithm::Dsa)?, Node::sequence(&group)], Node::octets_of(&Node::Number(x)))
            }
            PrivateKeyInfo::Dh { p, g, x } => {
                let group = [Node::Number(p), Node::Number(g)];
                write(&[oid(Algorithm::Dh)?, Node::sequence(&group)], Node::octets_of(&Node::Number(x)))
            }
            PrivateKeyInfo::X942Dh { p, q, g, x } => {
                let group = [Node::Number(p), Node::Number(g), Node::Number(q)];
                write(&[oid(Algorithm::X942Dh)?, Node::sequence(&group)], Node::octets_of(&Node::Number(x)))
            }
            PrivateKeyInfo::MlKem { set, seed, expanded } => {
                let identifier = [oid(Algorithm::MlKem(set))?];
                write_lattice(&identifier, Lattice { seed, expanded }.checked(MlKem::SEED_BYTES, set.expanded_bytes())?)
            }
            PrivateKeyInfo::MlDsa { set, seed, expanded } => {
                let identifier = [oid(Algorithm::MlDsa(set))?];
                write_lattice(&identifier, Lattice { seed, expanded }.checked(MlDsa::SEED_BYTES, set.expanded_bytes())?)
            }
            PrivateKeyInfo::SlhDsa { set, bytes } => {
                write(&[oid(Algorithm::SlhDsa(set))?], Node::Octets(exactly(bytes, set.private_bytes())?))
            }
        }
    }

    /// The key that is all of `der`, version 0 or 1. Attributes are skipped, and so is the public key of version 1,
    /// except where an EC key does not have its own.
    ///
    /// # Errors
    /// [`Error::Encoding`] for what is no PKCS#8 in strict DER or for another algorithm; [`Error::KeyLength`] for a key
    /// without the algorithm's length.
    pub fn decode(der: &'a [u8]) -> Result<PrivateKeyInfo<'a>, Error> {
        PrivateKeyInfo::decode_with_public(der).map(|(key, _)| key)
    }

    /// As [`PrivateKeyInfo::decode`], with the public half that stands beside the private one and is not compared.
    ///
    /// # Errors
    /// As [`PrivateKeyInfo::decode`].
    pub fn decode_with_public(der: &'a [u8]) -> Result<(PrivateKeyInfo<'a>, Option<StoredPublic<'a>>), Error> {
        let mut info = Fields::of_sequence(der)?;
        let version = info.number()?;
        let mut identifier = info.sequence()?;
        let key = info.octets()?;
        info.optional(constructed(ATTRIBUTES))?;
        let mut public = match version {
            [0] => None,
            [1] => info.optional(primitive(PUBLIC_KEY))?.map(whole_bytes).transpose()?,
            _ => return Err(Error::Encoding("an unknown version")),
        };
        info.end()?;
        let decoded = match identifier.algorithm()? {
            Algorithm::Rsa => {
                identifier.null()?;
                PrivateKeyInfo::Rsa(RsaPrivate::decode(key)?)
            }
            Algorithm::Ec => {
                let params = identifier.curve()?;
                let key = EcPrivate::decode(key)?;
                if key.params.is_some_and(|inner| inner != params) {
                    return Err(Error::Encoding("two different curves"));
                }
                if let (Some(inner), Some(outer)) = (key.public, public)
                    && inner != outer
                {
                    return Err(Error::Encoding("two different public keys"));
                }
                public = public.or(key.public);
                PrivateKeyInfo::Ec { params, scalar: key.scalar, public }
            }
            Algorithm::Edwards(curve) => {
                PrivateKeyInfo::Edwards { curve, seed: exactly(only_octets(key)?, curve.bytes())? }
            }
            Algorithm::Montgomery(curve) => {
                PrivateKeyInfo::Montgomery { curve, bytes: exactly(only_octets(key)?, curve.bytes())? }
            }
            Algorithm::Dsa => {
                let Group { p, q, g } = Group::dsa(&mut identifier)?;
                PrivateKeyInfo::Dsa { p, q, g, x: only_number(key)? }
            }
            Algorithm::Dh => {
                let (p, g) = dh(&mut identifier)?;
                PrivateKeyInfo::Dh { p, g, x: only_number(key)? }
            }
            Algorithm::X942Dh => {
                let Group { p, q, g } = Group::x942(&mut identifier)?;
                PrivateKeyInfo::X942Dh { p, q, g, x: only_number(key)? }
            }
            Algorithm::MlKem(set) => {
                let lattice = Lattice::decode(key)?;
                let Lattice { seed, expanded } = lattice.checked(MlKem::SEED_BYTES, set.expanded_bytes())?;
                PrivateKeyInfo::MlKem { set, seed, expanded }
            }
            Algorithm::MlDsa(set) => {
                let lattice = Lattice::decode(key)?;
                let Lattice { seed, expanded } = lattice.checked(MlDsa::SEED_BYTES, set.expanded_bytes())?;
                PrivateKeyInfo::MlDsa { set, seed, expanded }
            }
            Algorithm::SlhDsa(set) => PrivateKeyInfo::SlhDsa { set, bytes: exactly(key, set.private_bytes())? },
        };
        identifier.end()?;
        Ok((decoded, public.map(StoredPublic::Bits)))
    }
}

impl fmt::Debug for PrivateKeyInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PrivateKeyInfo::Rsa(_) => "PrivateKeyInfo::Rsa",
            PrivateKeyInfo::Ec { .. } => "PrivateKeyInfo::Ec",
            PrivateKeyInfo::Edwards { .. } => "PrivateKeyInfo::Edwards",
            PrivateKeyInfo::Montgomery { .. } => "PrivateKeyInfo::Montgomery",
            PrivateKeyInfo::Dsa { .. } => "PrivateKeyInfo::Dsa",
            PrivateKeyInfo::Dh { .. } => "PrivateKeyInfo::Dh",
            PrivateKeyInfo::X942Dh { .. } => "PrivateKeyInfo::X942Dh",
            PrivateKeyInfo::MlKem { .. } => "PrivateKeyInfo::MlKem",
            PrivateKeyInfo::MlDsa { .. } => "PrivateKeyInfo::MlDsa",
            PrivateKeyInfo::SlhDsa { .. } => "PrivateKeyInfo::SlhDsa",
        })
    }
}

impl<'a> RsaPrivate<'a> {
    fn encode(&self) -> Result<SecretBytes, Error> {
        let missing = Error::KeyValue("an RSA key without its primes");
        let key = [
            Node::Number(&[RSA_VERSION]),
            Node::Number(self.modulus),
            Node::Number(self.public_exponent),
            Node::Number(self.private_exponent),
            Node::Number(self.prime_1.ok_or(missing)?),
            Node::Number(self.prime_2.ok_or(missing)?),
            Node::Number(self.exponent_1.ok_or(missing)?),
            Node::Number(self.exponent_2.ok_or(missing)?),
            Node::Number(self.coefficient.ok_or(missing)?),
        ];
        write(&[oid(Algorithm::Rsa)?, Node::Null], Node::octets_of(&Node::sequence(&key)))
    }

    /// RSAPrivateKey with two primes. Some programs write zeros for all that depends on the primes: it is absent then.
    pub(super) fn decode(der: &'a [u8]) -> Result<RsaPrivate<'a>, Error> {
        let mut fields = Fields::of_sequence(der)?;
        if fields.number()? != [RSA_VERSION] {
            return Err(Error::Encoding("an RSA key with more than two primes"));
        }
        let (modulus, public_exponent, private_exponent) = (fields.number()?, fields.number()?, fields.number()?);
        let mut of_primes = [&[][..]; 5];
        for number in &mut of_primes {
            *number = fields.number()?;
        }
        fields.end()?;
        let absent = of_primes.iter().all(|number| *number == [0]);
        let [prime_1, prime_2, exponent_1, exponent_2, coefficient] =
            of_primes.map(|number| if absent { None } else { Some(number) });
        Ok(RsaPrivate {
            modulus,
            public_exponent,
            private_exponent,
            prime_1,
            prime_2,
            exponent_1,
            exponent_2,
            coefficient,
        })
    }
}

impl fmt::Debug for RsaPrivate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPrivate")
    }
}

/// The two forms of an ML-KEM or ML-DSA private key.
struct Lattice<'a> {
    seed: Option<&'a [u8]>,
    expanded: Option<&'a [u8]>,
}

impl<'a> Lattice<'a> {
    /// The CHOICE of RFC 9881 §6 and RFC 9935 §6.
    fn decode(der: &'a [u8]) -> Result<Lattice<'a>, Error> {
        let mut fields = Fields::new(der)?;
        let lattice = match fields.next() {
            Some(Tag::OctetString) => Lattice { seed: None, expanded: Some(fields.octets()?) },
            Some(Tag::Sequence) => {
                let mut both = fields.sequence()?;
                let (seed, expanded) = (both.octets()?, both.octets()?);
                both.end()?;
                Lattice { seed: Some(seed), expanded: Some(expanded) }
            }
            _ => Lattice { seed: Some(fields.content(primitive(SEED))?), expanded: None },
        };
        fields.end()?;
        Ok(lattice)
    }

    fn checked(self, seed_bytes: usize, expanded_bytes: usize) -> Result<Lattice<'a>, Error> {
        self.seed.map(|seed| exactly(seed, seed_bytes)).transpose()?;
        self.expanded.map(|expanded| exactly(expanded, expanded_bytes)).transpose()?;
        Ok(self)
    }
}

fn write(identifier: &[Node<'_>], key: Node<'_>) -> Result<SecretBytes, Error> {
    Node::sequence(&[Node::Number(&[VERSION]), Node::sequence(identifier), key]).to_secret()
}

fn write_lattice(identifier: &[Node<'_>], key: Lattice<'_>) -> Result<SecretBytes, Error> {
    match key {
        Lattice { seed: Some(seed), expanded: Some(expanded) } => {
            let both = [Node::Octets(seed), Node::Octets(expanded)];
            write(identifier, Node::octets_of(&Node::sequence(&both)))
        }
        Lattice { seed: Some(seed), expanded: None } => {
            write(identifier, Node::octets_of(&Node::ImplicitOctets(SEED, seed)))
        }
        Lattice { seed: None, expanded: Some(expanded) } => write(identifier, Node::octets_of(&Node::Octets(expanded))),
        Lattice { seed: None, expanded: None } => Err(Error::KeyValue("neither a seed nor an expanded key")),
    }
}

/// An ECPrivateKey (RFC 5915 §3).
pub(super) struct EcPrivate<'a> {
    pub(super) scalar: &'a [u8],
    pub(super) params: Option<&'a [u8]>,
    pub(super) public: Option<&'a [u8]>,
}

impl<'a> EcPrivate<'a> {
    /// The key that is all of `der`.
    pub(super) fn decode(der: &'a [u8]) -> Result<EcPrivate<'a>, Error> {
        let mut fields = Fields::of_sequence(der)?;
        if fields.number()? != [EC_VERSION] {
            return Err(Error::Encoding("an unknown version"));
        }
        let scalar = fields.octets()?;
        let params = fields.optional(constructed(EC_PARAMS))?;
        let public = match fields.optional(constructed(EC_PUBLIC))? {
            None => None,
            Some(content) => {
                let mut public = Fields::new(content)?;
                let point = public.bits()?;
                public.end()?;
                Some(point)
            }
        };
        fields.end()?;
        Ok(EcPrivate { scalar, params, public })
    }
}

/// An OCTET STRING that is all of `der`.
fn only_octets(der: &[u8]) -> Result<&[u8], Error> {
    super::octet_string(der).ok_or(Error::Encoding("no octet string"))
}

/// What is written, for the sake of programs that know only RFC 5208.
const VERSION: u8 = 0;
const ATTRIBUTES: u32 = 0;
const PUBLIC_KEY: u32 = 1;
const RSA_VERSION: u8 = 0;
const EC_VERSION: u8 = 1;
const EC_PARAMS: u32 = 0;
const EC_PUBLIC: u32 = 1;
const SEED: u32 = 0;
