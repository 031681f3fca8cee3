//! What PKCS#11 keeps beside a certificate, and what tells one kind of file from another.

use der::Tag;

use super::algorithm::Algorithm;
use super::fields::{Fields, constructed};
use crate::Error;

/// The fields of an X.509 certificate (RFC 5280 §4.1) that PKCS#11 keeps as attributes, each in DER with its tag and
/// length. Nothing is verified: neither the signature nor the names nor the dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The serial number, an INTEGER.
    pub serial_number: &'a [u8],
    /// The name of who signed it.
    pub issuer: &'a [u8],
    /// The name of whose it is.
    pub subject: &'a [u8],
    /// The SubjectPublicKeyInfo, of whatever algorithm.
    pub public_key_info: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// The certificate that is all of `der`.
    ///
    /// # Errors
    /// [`Error::Encoding`] for what is no certificate in strict DER.
    pub fn decode(der: &'a [u8]) -> Result<Certificate<'a>, Error> {
        let mut certificate = Fields::of_sequence(der)?;
        let mut signed = certificate.sequence()?;
        certificate.content(Tag::Sequence)?;
        certificate.bits()?;
        certificate.end()?;
        signed.optional(constructed(VERSION))?;
        let serial_number = signed.whole(Tag::Integer)?;
        signed.content(Tag::Sequence)?;
        let issuer = signed.whole(Tag::Sequence)?;
        signed.content(Tag::Sequence)?;
        let subject = signed.whole(Tag::Sequence)?;
        let public_key_info = signed.whole(Tag::Sequence)?;
        Ok(Certificate { serial_number, issuer, subject, public_key_info })
    }
}

/// Whether all of `der` has the form of an encrypted PKCS#8 key (EncryptedPrivateKeyInfo, RFC 5958 §3).
pub fn is_encrypted_private_key(der: &[u8]) -> bool {
    let read = || {
        let mut info = Fields::of_sequence(der)?;
        info.content(Tag::Sequence)?;
        info.octets()?;
        info.end()
    };
    read().is_ok()
}

/// The object identifier of the algorithm that a key in PKCS#8 or SubjectPublicKeyInfo is for, with dots, where it is
/// not known here.
pub fn unknown_algorithm(der: &[u8]) -> Option<String> {
    let read = || {
        let mut info = Fields::of_sequence(der)?;
        let is_private = info.next() == Some(Tag::Integer);
        if is_private {
            info.number()?;
        }
        let oid = info.sequence()?.oid()?;
        if is_private {
            info.octets()?
        } else {
            info.bits()?
        };
        Ok::<_, Error>(oid)
    };
    read().ok().filter(|oid| Algorithm::from_oid(*oid).is_none()).map(|oid| oid.to_string())
}

const VERSION: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    /// A sequence or another field with fewer than 128 bytes.
    fn field(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        [&[tag, u8::try_from(content.len()).unwrap()], content.as_slice()].concat()
    }

    fn certificate(version: &[u8]) -> Vec<u8> {
        let algorithm = field(0x30, &[&[0x06, 3, 0x2b, 0x65, 0x70]]);
        let name = |letter: u8| field(0x30, &[&field(0x31, &[&[0x13, 1, letter]])]);
        let (validity, key) = (field(0x30, &[]), field(0x30, &[&algorithm, &[0x03, 2, 0, 7]]));
        let signed = [version, &[0x02, 2, 0, 0x80], &algorithm, &name(b'i'), &validity, &name(b's'), &key];
        field(0x30, &[&field(0x30, &signed), &algorithm, &[0x03, 2, 0, 9]])
    }

    #[test]
    fn the_fields_of_a_certificate_are_found() {
        for version in [&[][..], &[0xa0, 3, 2, 1, 2]] {
            let der = certificate(version);
            let read = Certificate::decode(&der).unwrap();
            assert_eq!(read.serial_number, [2, 2, 0, 0x80]);
            assert!(read.issuer.ends_with(b"i") && read.subject.ends_with(b"s"));
            assert_eq!((read.public_key_info[0], *read.public_key_info.last().unwrap()), (0x30, 7));
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let der = certificate(&[]);
        for end in 0..der.len() {
            assert!(Certificate::decode(&der[..end]).is_err(), "{end}");
        }
        assert!(Certificate::decode(&[der.as_slice(), &[0]].concat()).is_err());
        assert!(!is_encrypted_private_key(&der));
    }

    #[test]
    fn encrypted_keys_are_known_by_their_form() {
        let algorithm = field(0x30, &[&[0x06, 3, 0x2b, 0x65, 0x70]]);
        assert!(is_encrypted_private_key(&field(0x30, &[&algorithm, &[0x04, 1, 9]])));
        assert!(!is_encrypted_private_key(&field(0x30, &[&[0x02, 1, 0], &algorithm, &[0x04, 1, 9]])));
        assert!(!is_encrypted_private_key(b""));
    }

    #[test]
    fn an_algorithm_that_is_not_known_is_named() {
        let algorithm = |last| field(0x30, &[&[0x06, 3, 0x2b, 0x65, last]]);
        let private = |last| field(0x30, &[&[0x02, 1, 0], &algorithm(last), &[0x04, 1, 9]]);
        let public = |last| field(0x30, &[&algorithm(last), &[0x03, 2, 0, 7]]);
        for der in [private(0x22), public(0x22)] {
            assert_eq!(unknown_algorithm(&der).as_deref(), Some("1.3.101.34"));
            for end in 0..der.len() {
                assert_eq!(unknown_algorithm(&der[..end]), None, "{end}");
            }
        }
        assert_eq!((unknown_algorithm(&private(0x70)), unknown_algorithm(&public(0x70))), (None, None));
        assert_eq!(unknown_algorithm(&field(0x30, &[&algorithm(0x22), &[0x04, 1, 9]])), None, "an encrypted key");
    }
}
