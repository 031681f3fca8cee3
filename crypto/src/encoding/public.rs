//! SubjectPublicKeyInfo.

use super::algorithm::{Algorithm, Edwards, MlDsa, MlKem, Montgomery, SlhDsa};
use super::exactly;
use super::fields::Fields;
use super::writing::{Node, oid};
use crate::Error;

/// A public key as an X.509 SubjectPublicKeyInfo holds it. Numbers are big-endian and not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PublicKeyInfo<'a> {
    /// RFC 3279 §2.3.1.
    Rsa { modulus: &'a [u8], public_exponent: &'a [u8] },
    /// RFC 5480: `params` is the DER of the curve's name or of all its numbers, `point` an encoded point.
    Ec { params: &'a [u8], point: &'a [u8] },
    /// RFC 8410.
    Edwards { curve: Edwards, bytes: &'a [u8] },
    /// RFC 8410.
    Montgomery { curve: Montgomery, bytes: &'a [u8] },
    /// RFC 3279 §2.3.2.
    Dsa { p: &'a [u8], q: &'a [u8], g: &'a [u8], y: &'a [u8] },
    /// PKCS#3.
    Dh { p: &'a [u8], g: &'a [u8], y: &'a [u8] },
    /// RFC 3279 §2.3.3. Cofactor and validation parameters are skipped on reading and not written.
    X942Dh { p: &'a [u8], q: &'a [u8], g: &'a [u8], y: &'a [u8] },
    /// RFC 9935.
    MlKem { set: MlKem, bytes: &'a [u8] },
    /// RFC 9881.
    MlDsa { set: MlDsa, bytes: &'a [u8] },
    /// RFC 9909.
    SlhDsa { set: SlhDsa, bytes: &'a [u8] },
}

impl<'a> PublicKeyInfo<'a> {
    /// The key in DER.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for bytes that do not have the algorithm's length; [`Error::Encoding`] for curve parameters
    /// that are no DER of a curve; [`Error::Memory`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        match *self {
            PublicKeyInfo::Rsa { modulus, public_exponent } => {
                let key = [Node::Number(modulus), Node::Number(public_exponent)];
                write(&[oid(Algorithm::Rsa)?, Node::Null], Node::bits_of(&Node::sequence(&key)))
            }
            PublicKeyInfo::Ec { params, point } => {
                write(&[oid(Algorithm::Ec)?, Node::Encoded(curve(params)?)], Node::Bits(point))
            }
            PublicKeyInfo::Edwards { curve, bytes } => {
                write(&[oid(Algorithm::Edwards(curve))?], Node::Bits(exactly(bytes, curve.bytes())?))
            }
            PublicKeyInfo::Montgomery { curve, bytes } => {
                write(&[oid(Algorithm::Montgomery(curve))?], Node::Bits(exactly(bytes, curve.bytes())?))
            }
            PublicKeyInfo::Dsa { p, q, g, y } => {
                let group = [Node::Number(p), Node::Number(q), Node::Number(g)];
                write(&[oid(Algorithm::Dsa)?, Node::sequence(&group)], Node::bits_of(&Node::Number(y)))
            }
            PublicKeyInfo::Dh { p, g, y } => {
                let group = [Node::Number(p), Node::Number(g)];
                write(&[oid(Algorithm::Dh)?, Node::sequence(&group)], Node::bits_of(&Node::Number(y)))
            }
            PublicKeyInfo::X942Dh { p, q, g, y } => {
                let group = [Node::Number(p), Node::Number(g), Node::Number(q)];
                write(&[oid(Algorithm::X942Dh)?, Node::sequence(&group)], Node::bits_of(&Node::Number(y)))
            }
            PublicKeyInfo::MlKem { set, bytes } => {
                write(&[oid(Algorithm::MlKem(set))?], Node::Bits(exactly(bytes, set.public_bytes())?))
            }
            PublicKeyInfo::MlDsa { set, bytes } => {
                write(&[oid(Algorithm::MlDsa(set))?], Node::Bits(exactly(bytes, set.public_bytes())?))
            }
            PublicKeyInfo::SlhDsa { set, bytes } => {
                write(&[oid(Algorithm::SlhDsa(set))?], Node::Bits(exactly(bytes, set.public_bytes())?))
            }
        }
    }

    /// The key that is all of `der`.
    ///
    /// # Errors
    /// [`Error::Encoding`] for what is no SubjectPublicKeyInfo in strict DER or for another algorithm;
    /// [`Error::KeyLength`] for a key without the algorithm's length.
    pub fn decode(der: &'a [u8]) -> Result<PublicKeyInfo<'a>, Error> {
        let mut info = Fields::of_sequence(der)?;
        let mut identifier = info.sequence()?;
        let key = info.bits()?;
        info.end()?;
        let decoded = match identifier.algorithm()? {
            Algorithm::Rsa => {
                identifier.null()?;
                let mut fields = Fields::of_sequence(key)?;
                let (modulus, public_exponent) = (fields.number()?, fields.number()?);
                fields.end()?;
                PublicKeyInfo::Rsa { modulus, public_exponent }
            }
            Algorithm::Ec => PublicKeyInfo::Ec { params: identifier.curve()?, point: key },
            Algorithm::Edwards(curve) => PublicKeyInfo::Edwards { curve, bytes: exactly(key, curve.bytes())? },
            Algorithm::Montgomery(curve) => PublicKeyInfo::Montgomery { curve, bytes: exactly(key, curve.bytes())? },
            Algorithm::Dsa => {
                let Group { p, q, g } = Group::dsa(&mut identifier)?;
                PublicKeyInfo::Dsa { p, q, g, y: only_number(key)? }
            }
            Algorithm::Dh => {
                let (p, g) = dh(&mut identifier)?;
                PublicKeyInfo::Dh { p, g, y: only_number(key)? }
            }
            Algorithm::X942Dh => {
                let Group { p, q, g } = Group::x942(&mut identifier)?;
                PublicKeyInfo::X942Dh { p, q, g, y: only_number(key)? }
            }
            Algorithm::MlKem(set) => PublicKeyInfo::MlKem { set, bytes: exactly(key, set.public_bytes())? },
            Algorithm::MlDsa(set) => PublicKeyInfo::MlDsa { set, bytes: exactly(key, set.public_bytes())? },
            Algorithm::SlhDsa(set) => PublicKeyInfo::SlhDsa { set, bytes: exactly(key, set.public_bytes())? },
        };
        identifier.end()?;
        Ok(decoded)
    }
}

fn write(identifier: &[Node<'_>], key: Node<'_>) -> Result<Vec<u8>, Error> {
    Node::sequence(&[Node::sequence(identifier), key]).to_vec()
}

/// A prime, the order of a subgroup and its generator.
pub(super) struct Group<'a> {
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) g: &'a [u8],
}

impl<'a> Group<'a> {
    /// RFC 3279 §2.3.2, Dss-Parms. They must be there: inheriting them needs a certificate.
    pub(super) fn dsa(identifier: &mut Fields<'a>) -> Result<Group<'a>, Error> {
        let mut fields = identifier.sequence()?;
        let (p, q, g) = (fields.number()?, fields.number()?, fields.number()?);
        fields.end()?;
        Ok(Group { p, q, g })
    }

    /// RFC 3279 §2.3.3, DomainParameters.
    pub(super) fn x942(identifier: &mut Fields<'a>) -> Result<Group<'a>, Error> {
        let mut fields = identifier.sequence()?;
        let (p, g, q) = (fields.number()?, fields.number()?, fields.number()?);
        if fields.next() == Some(der::Tag::Integer) {
            fields.number()?;
        }
        if fields.next() == Some(der::Tag::Sequence) {
            let mut validation = fields.sequence()?;
            validation.bits()?;
            validation.number()?;
            validation.end()?;
        }
        fields.end()?;
        Ok(Group { p, q, g })
    }
}

/// Prime and base of PKCS#3's DHParameter; the length of private values, if there, is skipped.
pub(super) fn dh<'a>(identifier: &mut Fields<'a>) -> Result<(&'a [u8], &'a [u8]), Error> {
    let mut fields = identifier.sequence()?;
    let (p, g) = (fields.number()?, fields.number()?);
    if fields.next().is_some() {
        fields.number()?;
    }
    fields.end()?;
    Ok((p, g))
}

/// An INTEGER that is all of `der`.
pub(super) fn only_number(der: &[u8]) -> Result<&[u8], Error> {
    let mut fields = Fields::new(der)?;
    let number = fields.number()?;
    fields.end()?;
    Ok(number)
}

/// Curve parameters that are to be written as they are.
pub(super) fn curve(params: &[u8]) -> Result<&[u8], Error> {
    let mut fields = Fields::new(params)?;
    let curve = fields.curve()?;
    fields.end()?;
    Ok(curve)
}
