//! Private keys in the forms before PKCS#8, which OpenSSL calls traditional: RSAPrivateKey (RFC 8017 appendix A.1.2),
//! ECPrivateKey (RFC 5915), and OpenSSL's own sequence of numbers for DSA. Strict DER, borrowed from the input.

use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Reader, SliceReader, Tag, TagNumber, Tagged};
use strongroom_crypto::Error;
use strongroom_crypto::encoding::{PrivateKeyInfo, RsaPrivate};

/// One of these forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traditional {
    Rsa,
    Ec,
    Dsa,
}

impl Traditional {
    /// All of them. No key has two of these forms.
    pub(super) const ALL: [Traditional; 3] = [Traditional::Rsa, Traditional::Ec, Traditional::Dsa];

    /// The form that the first line of a PEM file names.
    pub(super) fn labelled(label: &str) -> Option<Traditional> {
        match label {
            "RSA PRIVATE KEY" => Some(Traditional::Rsa),
            "EC PRIVATE KEY" => Some(Traditional::Ec),
            "DSA PRIVATE KEY" => Some(Traditional::Dsa),
            _ => None,
        }
    }

    /// The key that is all of `der`. `curve` is the DER of the curve's name, for an EC key that does not say it itself.
    ///
    /// # Errors
    /// [`Error::Encoding`] for anything else.
    pub(super) fn decode<'a>(self, der: &'a [u8], curve: Option<&'a [u8]>) -> Result<PrivateKeyInfo<'a>, Error> {
        let mut outer = SliceReader::new(der).map_err(malformed)?;
        let content = field(&mut outer, Tag::Sequence)?;
        outer.finish().map_err(malformed)?;
        let mut fields = SliceReader::new(content).map_err(malformed)?;
        let key = match self {
            Traditional::Rsa => rsa(&mut fields)?,
            Traditional::Ec => ec(&mut fields, curve)?,
            Traditional::Dsa => dsa(&mut fields)?,
        };
        fields.finish().map_err(malformed)?;
        Ok(key)
    }
}

fn rsa<'a>(fields: &mut SliceReader<'a>) -> Result<PrivateKeyInfo<'a>, Error> {
    version(fields, 0)?;
    let (modulus, public_exponent, private_exponent) = (number(fields)?, number(fields)?, number(fields)?);
    let mut of_primes = [&[][..]; 5];
    for part in &mut of_primes {
        *part = number(fields)?;
    }
    // Some programs write zeros for all that depends on the primes.
    let absent = of_primes.iter().all(|part| *part == [0]);
    let [prime_1, prime_2, exponent_1, exponent_2, coefficient] =
        of_primes.map(|part| if absent { None } else { Some(part) });
    Ok(PrivateKeyInfo::Rsa(RsaPrivate {
        modulus,
        public_exponent,
        private_exponent,
        prime_1,
        prime_2,
        exponent_1,
        exponent_2,
        coefficient,
    }))
}

fn ec<'a>(fields: &mut SliceReader<'a>, curve: Option<&'a [u8]>) -> Result<PrivateKeyInfo<'a>, Error> {
    version(fields, 1)?;
    let scalar = field(fields, Tag::OctetString)?;
    let params = optional(fields, CURVE)?.or(curve).ok_or(Error::Encoding("the key says no curve"))?;
    let public = match optional(fields, PUBLIC)? {
        None => None,
        Some(content) => {
            let mut public = SliceReader::new(content).map_err(malformed)?;
            let point = public.decode::<BitStringRef<'a>>().map_err(malformed)?;
            public.finish().map_err(malformed)?;
            Some(point.as_bytes().ok_or(Error::Encoding("a bit string of other than whole bytes"))?)
        }
    };
    Ok(PrivateKeyInfo::Ec { params, scalar, public })
}

fn dsa<'a>(fields: &mut SliceReader<'a>) -> Result<PrivateKeyInfo<'a>, Error> {
    version(fields, 0)?;
    let (p, q, g) = (number(fields)?, number(fields)?, number(fields)?);
    // The public value between them is computed anew.
    let (_, x) = (number(fields)?, number(fields)?);
    Ok(PrivateKeyInfo::Dsa { p, q, g, x })
}

fn version(fields: &mut SliceReader<'_>, wanted: u8) -> Result<(), Error> {
    if number(fields)? == [wanted] { Ok(()) } else { Err(Error::Encoding("an unknown version")) }
}

/// An INTEGER that is not negative: big-endian, without leading zeros.
fn number<'a>(fields: &mut SliceReader<'a>) -> Result<&'a [u8], Error> {
    fields.decode::<UintRef<'a>>().map(|number| number.as_bytes()).map_err(malformed)
}

/// The content of the next field, which must have this tag.
fn field<'a>(fields: &mut SliceReader<'a>, tag: Tag) -> Result<&'a [u8], Error> {
    let field = fields.decode::<AnyRef<'a>>().map_err(malformed)?;
    if field.tag() == tag { Ok(field.value()) } else { Err(Error::Encoding("another type of field")) }
}

/// The content of the next field if it has this tag.
fn optional<'a>(fields: &mut SliceReader<'a>, tag: Tag) -> Result<Option<&'a [u8]>, Error> {
    match Tag::peek(fields) {
        Ok(next) if next == tag => field(fields, tag).map(Some),
        _ => Ok(None),
    }
}

fn malformed(_: der::Error) -> Error {
    Error::Encoding("malformed DER")
}

/// The tags of an ECPrivateKey's optional fields, which hold another field each.
const CURVE: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
const PUBLIC: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(1) };

#[cfg(test)]
mod tests {
    use super::*;

    /// Version 0 and eight numbers.
    const RSA: &[u8] = &[0x30, 27, 2, 1, 0, 2, 1, 33, 2, 1, 3, 2, 1, 7, 2, 1, 11, 2, 1, 3, 2, 1, 7, 2, 1, 1, 2, 1, 2];
    /// Version 1, a scalar, P-256 by name, a point.
    const EC: &[u8] =
        &[0x30, 26, 2, 1, 1, 4, 1, 9, 0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 0xa1, 6, 3, 4, 0, 4, 5, 6];

    #[test]
    fn the_parts_are_found() {
        let Ok(PrivateKeyInfo::Rsa(key)) = Traditional::Rsa.decode(RSA, None) else { panic!("no RSA key") };
        assert_eq!((key.modulus, key.public_exponent, key.coefficient), (&[33][..], &[3][..], Some(&[2][..])));
        let Ok(PrivateKeyInfo::Ec { params, scalar, public }) = Traditional::Ec.decode(EC, None) else {
            panic!("no EC key")
        };
        assert_eq!((params, scalar, public), (&EC[10..20], &[9][..], Some(&[4, 5, 6][..])));
        let dsa = [0x30, 18, 2, 1, 0, 2, 1, 23, 2, 1, 11, 2, 1, 4, 2, 1, 5, 2, 1, 6];
        let Ok(PrivateKeyInfo::Dsa { p, q, g, x }) = Traditional::Dsa.decode(&dsa, None) else { panic!("no DSA key") };
        assert_eq!((p, q, g, x), (&[23][..], &[11][..], &[4][..], &[6][..]));
    }

    #[test]
    fn a_curve_may_stand_before_the_key() {
        let bare = [0x30, 6, 2, 1, 1, 4, 1, 9];
        assert!(Traditional::Ec.decode(&bare, None).is_err());
        let named = Traditional::Ec.decode(&bare, Some(&EC[10..20]));
        assert!(matches!(named, Ok(PrivateKeyInfo::Ec { params, public: None, .. }) if params == &EC[10..20]));
    }

    #[test]
    fn anything_else_is_refused() {
        for (form, der) in [(Traditional::Rsa, RSA), (Traditional::Ec, EC)] {
            for end in 0..der.len() {
                assert!(form.decode(&der[..end], None).is_err(), "{form:?} cut at {end}");
            }
            assert!(form.decode(&[der, &[0]].concat(), None).is_err(), "{form:?} with a byte behind");
            for other in Traditional::ALL.into_iter().filter(|other| *other != form) {
                assert!(other.decode(der, None).is_err(), "{form:?} as {other:?}");
            }
        }
        let zeros = [0x30, 27, 2, 1, 0, 2, 1, 33, 2, 1, 3, 2, 1, 7, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0];
        let Ok(PrivateKeyInfo::Rsa(key)) = Traditional::Rsa.decode(&zeros, None) else { panic!("no RSA key") };
        assert!(key.prime_1.is_none() && key.coefficient.is_none());
    }
}
