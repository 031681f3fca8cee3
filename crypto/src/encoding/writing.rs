//! Writing a DER structure: a tree of borrowed fields, measured first and then written once.

use std::slice;

use der::asn1::{BitStringRef, OctetStringRef, UintRef};
use der::oid::ObjectIdentifier;
use der::{Encode, Header, Length, Tag, Writer};

use super::algorithm::Algorithm;
use super::fields::{constructed, primitive};
use crate::Error;
use crate::memory::SecretBytes;

/// A field to be written.
pub(super) enum Node<'a> {
    /// A number, big-endian; leading zeros do not matter, and no bytes are zero.
    Number(&'a [u8]),
    Octets(&'a [u8]),
    Bits(&'a [u8]),
    Oid(ObjectIdentifier),
    Null,
    /// A field that is DER already.
    Encoded(&'a [u8]),
    /// A field that holds fields, behind bytes of its own.
    Holder {
        tag: Tag,
        before: &'static [u8],
        content: &'a [Node<'a>],
    },
    /// Field `[n]` with the content of an OCTET STRING, implicitly tagged.
    ImplicitOctets(u32, &'a [u8]),
}

impl<'a> Node<'a> {
    pub(super) fn sequence(content: &'a [Node<'a>]) -> Node<'a> {
        Node::Holder { tag: Tag::Sequence, before: &[], content }
    }

    /// An OCTET STRING that holds a field.
    pub(super) fn octets_of(content: &'a Node<'a>) -> Node<'a> {
        Node::Holder { tag: Tag::OctetString, before: &[], content: slice::from_ref(content) }
    }

    /// A BIT STRING that holds a field.
    pub(super) fn bits_of(content: &'a Node<'a>) -> Node<'a> {
        Node::Holder { tag: Tag::BitString, before: &[0], content: slice::from_ref(content) }
    }

    /// Field `[number]` that holds another, explicitly tagged.
    pub(super) fn explicit(number: u32, content: &'a Node<'a>) -> Node<'a> {
        Node::Holder { tag: constructed(number), before: &[], content: slice::from_ref(content) }
    }

    /// The whole structure in ordinary memory, for what is public.
    pub(super) fn to_vec(&self) -> Result<Vec<u8>, Error> {
        let len = self.len()?;
        let mut der = Vec::new();
        der.try_reserve_exact(len).map_err(|_| Error::Memory)?;
        der.resize(len, 0);
        self.write_to(&mut der)?;
        Ok(der)
    }

    /// The whole structure in secret memory.
    pub(super) fn to_secret(&self) -> Result<SecretBytes, Error> {
        let mut der = SecretBytes::zeroed(self.len()?)?;
        self.write_to(der.expose_mut())?;
        Ok(der)
    }

    fn len(&self) -> Result<usize, Error> {
        self.encoded_len().and_then(usize::try_from).map_err(unwritable)
    }

    fn write_to(&self, der: &mut [u8]) -> Result<(), Error> {
        let len = der.len();
        let written = self.encode_to_slice(der).map_err(unwritable)?.len();
        if written == len { Ok(()) } else { Err(Error::Encoding("not the length announced")) }
    }
}

impl Encode for Node<'_> {
    fn encoded_len(&self) -> der::Result<Length> {
        match self {
            Node::Number(bytes) => number(bytes)?.encoded_len(),
            Node::Octets(bytes) => OctetStringRef::new(bytes)?.encoded_len(),
            Node::Bits(bytes) => BitStringRef::from_bytes(bytes)?.encoded_len(),
            Node::Oid(oid) => oid.encoded_len(),
            Node::Null => der::asn1::Null.encoded_len(),
            Node::Encoded(der) => Length::try_from(der.len()),
            Node::ImplicitOctets(number, bytes) => Length::try_from(bytes.len())?.for_tlv(primitive(*number)),
            Node::Holder { tag, before, content } => {
                let header = holder(*tag, before, content)?;
                header.encoded_len()? + header.length()
            }
        }
    }

    fn encode(&self, writer: &mut impl Writer) -> der::Result<()> {
        match self {
            Node::Number(bytes) => number(bytes)?.encode(writer),
            Node::Octets(bytes) => OctetStringRef::new(bytes)?.encode(writer),
            Node::Bits(bytes) => BitStringRef::from_bytes(bytes)?.encode(writer),
            Node::Oid(oid) => oid.encode(writer),
            Node::Null => der::asn1::Null.encode(writer),
            Node::Encoded(der) => writer.write(der),
            Node::ImplicitOctets(number, bytes) => {
                Header::new(primitive(*number), Length::try_from(bytes.len())?).encode(writer)?;
                writer.write(bytes)
            }
            Node::Holder { tag, before, content } => {
                holder(*tag, before, content)?.encode(writer)?;
                writer.write(before)?;
                content.iter().try_for_each(|node| node.encode(writer))
            }
        }
    }
}

/// The identifier of an algorithm, to begin an AlgorithmIdentifier with.
pub(super) fn oid<'a>(algorithm: Algorithm) -> Result<Node<'a>, Error> {
    algorithm.oid().map(Node::Oid).ok_or(Error::Encoding("an unknown algorithm"))
}

/// The header of a field that holds fields.
fn holder(tag: Tag, before: &[u8], content: &[Node<'_>]) -> der::Result<Header> {
    let before = Length::try_from(before.len())?;
    let len = content.iter().try_fold(before, |len, node| len + node.encoded_len()?)?;
    Ok(Header::new(tag, len))
}

fn number(bytes: &[u8]) -> der::Result<UintRef<'_>> {
    UintRef::new(if bytes.is_empty() { &[0] } else { bytes })
}

fn unwritable(_: der::Error) -> Error {
    Error::Encoding("too long for DER")
}
