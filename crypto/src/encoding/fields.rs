//! Reading the fields of a DER structure in order, each borrowed from the input.

use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::oid::ObjectIdentifier;
use der::{Reader, SliceReader, Tag, TagNumber, Tagged};

use super::algorithm::Algorithm;
use crate::Error;

/// What is left to read of a structure.
pub(super) struct Fields<'a>(SliceReader<'a>);

impl<'a> Fields<'a> {
    /// The fields that stand side by side in `der`.
    pub(super) fn new(der: &'a [u8]) -> Result<Fields<'a>, Error> {
        SliceReader::new(der).map(Fields).map_err(malformed)
    }

    /// The fields of a SEQUENCE that is all of `der`.
    pub(super) fn of_sequence(der: &'a [u8]) -> Result<Fields<'a>, Error> {
        let mut outer = Fields::new(der)?;
        let inner = outer.sequence()?;
        outer.end()?;
        Ok(inner)
    }

    pub(super) fn sequence(&mut self) -> Result<Fields<'a>, Error> {
        Fields::new(self.content(Tag::Sequence)?)
    }

    /// An INTEGER that is not negative: big-endian, without leading zeros, at least one byte.
    pub(super) fn number(&mut self) -> Result<&'a [u8], Error> {
        self.0.decode::<UintRef<'a>>().map(|number| number.as_bytes()).map_err(malformed)
    }

    pub(super) fn octets(&mut self) -> Result<&'a [u8], Error> {
        self.content(Tag::OctetString)
    }

    /// A BIT STRING of whole bytes.
    pub(super) fn bits(&mut self) -> Result<&'a [u8], Error> {
        self.0.decode::<BitStringRef<'a>>().map_err(malformed)?.as_bytes().ok_or(HALF_A_BYTE)
    }

    pub(super) fn null(&mut self) -> Result<(), Error> {
        if self.content(Tag::Null)?.is_empty() { Ok(()) } else { Err(MALFORMED) }
    }

    /// The beginning of an AlgorithmIdentifier.
    pub(super) fn algorithm(&mut self) -> Result<Algorithm, Error> {
        Algorithm::from_oid(self.oid()?).ok_or(Error::Encoding("an unknown algorithm"))
    }

    pub(super) fn oid(&mut self) -> Result<ObjectIdentifier, Error> {
        self.0.decode::<ObjectIdentifier>().map_err(malformed)
    }

    /// The parameters of an elliptic curve (RFC 5480 §2.1.1) with tag and length: a name, or all the numbers.
    pub(super) fn curve(&mut self) -> Result<&'a [u8], Error> {
        match self.next() {
            Some(Tag::ObjectIdentifier | Tag::Sequence) => self.0.tlv_bytes().map_err(malformed),
            _ => Err(Error::Encoding("no curve")),
        }
    }

    /// The content of the next field, which must have this tag.
    pub(super) fn content(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
        let field = self.0.decode::<AnyRef<'a>>().map_err(malformed)?;
        if field.tag() == tag { Ok(field.value()) } else { Err(Error::Encoding("another type of field")) }
    }

    /// The next field with its tag, which must be this one, and its length.
    pub(super) fn whole(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
        if self.next() == Some(tag) {
            self.0.tlv_bytes().map_err(malformed)
        } else {
            Err(Error::Encoding("another type of field"))
        }
    }

    /// The content of the next field if it has this tag.
    pub(super) fn optional(&mut self, tag: Tag) -> Result<Option<&'a [u8]>, Error> {
        if self.next() == Some(tag) { self.content(tag).map(Some) } else { Ok(None) }
    }

    /// The tag of the next field; `None` at the end, or where there is no tag.
    pub(super) fn next(&self) -> Option<Tag> {
        Tag::peek(&self.0).ok()
    }

    /// Refuses further fields.
    pub(super) fn end(self) -> Result<(), Error> {
        self.0.finish().map_err(|_| Error::Encoding("bytes behind the end"))
    }
}

/// The content of an implicitly tagged BIT STRING of whole bytes.
pub(super) fn whole_bytes(content: &[u8]) -> Result<&[u8], Error> {
    match content.split_first() {
        Some((0, bytes)) => Ok(bytes),
        _ => Err(HALF_A_BYTE),
    }
}

/// The tag `[number]` of a field whose content is another type's content.
pub(super) const fn primitive(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

/// The tag `[number]` of a field that holds fields.
pub(super) const fn constructed(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

fn malformed(_: der::Error) -> Error {
    MALFORMED
}

const MALFORMED: Error = Error::Encoding("malformed DER");
const HALF_A_BYTE: Error = Error::Encoding("a bit string of other than whole bytes");
