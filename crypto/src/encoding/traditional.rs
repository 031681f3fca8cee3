//! Private keys in the forms before PKCS#8, which OpenSSL calls traditional: RSAPrivateKey (RFC 8017 appendix A.1.2),
//! ECPrivateKey (RFC 5915), and OpenSSL's own sequence of numbers for DSA.

use super::fields::Fields;
use super::private::{EcPrivate, PrivateKeyInfo, RsaPrivate};
use super::stored::StoredPublic;
use crate::Error;

/// One of these forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Traditional {
    Rsa,
    Ec,
    Dsa,
}

impl Traditional {
    /// All of them. No key has two of these forms.
    pub const ALL: [Traditional; 3] = [Traditional::Rsa, Traditional::Ec, Traditional::Dsa];

    /// The form that the first line of a PEM file names (`RSA PRIVATE KEY`).
    pub fn labelled(label: &str) -> Option<Traditional> {
        match label {
            "RSA PRIVATE KEY" => Some(Traditional::Rsa),
            "EC PRIVATE KEY" => Some(Traditional::Ec),
            "DSA PRIVATE KEY" => Some(Traditional::Dsa),
            _ => None,
        }
    }

    /// The key that is all of `der`, and the public half that stands beside it, which nobody has compared. `curve` is
    /// the DER of the curve's name that stands before an EC key, which need not say it itself then.
    ///
    /// # Errors
    /// [`Error::Encoding`] for anything else, and for a key on another curve.
    pub fn decode<'a>(
        self,
        der: &'a [u8],
        curve: Option<&'a [u8]>,
    ) -> Result<(PrivateKeyInfo<'a>, Option<StoredPublic<'a>>), Error> {
        Ok(match self {
            Traditional::Rsa => (PrivateKeyInfo::Rsa(RsaPrivate::decode(der)?), None),
            Traditional::Ec => {
                let EcPrivate { scalar, params, public } = EcPrivate::decode(der)?;
                let params = match (params, curve) {
                    (Some(own), Some(before)) if own != before => {
                        return Err(Error::Encoding("the parameters before the key are of another curve than its own"));
                    }
                    (own, before) => own.or(before).ok_or(Error::Encoding("the key says no curve"))?,
                };
                (PrivateKeyInfo::Ec { params, scalar, public }, public.map(StoredPublic::Bits))
            }
            Traditional::Dsa => {
                let mut fields = Fields::of_sequence(der)?;
                if fields.number()? != [DSA_VERSION] {
                    return Err(Error::Encoding("an unknown version"));
                }
                let (p, q, g) = (fields.number()?, fields.number()?, fields.number()?);
                let (y, x) = (fields.number()?, fields.number()?);
                fields.end()?;
                (PrivateKeyInfo::Dsa { p, q, g, x }, Some(StoredPublic::Number(y)))
            }
        })
    }
}

const DSA_VERSION: u8 = 0;

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
        let Ok((PrivateKeyInfo::Rsa(key), None)) = Traditional::Rsa.decode(RSA, None) else { panic!("no RSA key") };
        assert_eq!((key.modulus, key.public_exponent, key.coefficient), (&[33][..], &[3][..], Some(&[2][..])));
        let Ok((PrivateKeyInfo::Ec { params, scalar, public }, stored)) = Traditional::Ec.decode(EC, None) else {
            panic!("no EC key")
        };
        assert_eq!(stored, Some(StoredPublic::Bits(&[4, 5, 6])));
        assert_eq!((params, scalar, public), (&EC[10..20], &[9][..], Some(&[4, 5, 6][..])));
        let dsa = [0x30, 18, 2, 1, 0, 2, 1, 23, 2, 1, 11, 2, 1, 4, 2, 1, 5, 2, 1, 6];
        let Ok((PrivateKeyInfo::Dsa { p, q, g, x }, stored)) = Traditional::Dsa.decode(&dsa, None) else {
            panic!("no DSA key")
        };
        assert_eq!(stored, Some(StoredPublic::Number(&[5])));
        assert_eq!((p, q, g, x), (&[23][..], &[11][..], &[4][..], &[6][..]));
    }

    #[test]
    fn a_curve_may_stand_before_the_key() {
        let bare = [0x30, 6, 2, 1, 1, 4, 1, 9];
        assert!(Traditional::Ec.decode(&bare, None).is_err());
        let named = Traditional::Ec.decode(&bare, Some(&EC[10..20]));
        assert!(matches!(named, Ok((PrivateKeyInfo::Ec { params, public: None, .. }, None)) if params == &EC[10..20]));
        assert!(Traditional::Ec.decode(EC, Some(&EC[10..20])).is_ok());
        let another = [6, 5, 0x2b, 0x81, 4, 0, 0x22];
        assert!(
            Traditional::Ec.decode(EC, Some(&another)).is_err_and(|error| error.to_string().contains("another curve"))
        );
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
        let Ok((PrivateKeyInfo::Rsa(key), _)) = Traditional::Rsa.decode(&zeros, None) else { panic!("no RSA key") };
        assert!(key.prime_1.is_none() && key.coefficient.is_none());
    }
}
