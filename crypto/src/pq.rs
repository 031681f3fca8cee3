//! What the signature schemes ML-DSA ([`ml_dsa`](crate::ml_dsa), FIPS 204) and SLH-DSA ([`slh_dsa`](crate::slh_dsa),
//! FIPS 205) have in common: the two kinds of message, the context string and the choice of randomness.

pub(crate) mod library;
pub(crate) mod shake;

use zeroize::Zeroizing;

use crate::Error;
use crate::hash::Algorithm;
use crate::random;

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// The message itself: ML-DSA or SLH-DSA.
    Pure(&'a [u8]),
    /// The digest of the message: HashML-DSA (FIPS 204 §5.4) or HashSLH-DSA (FIPS 205 §10.2.2). The signature names
    /// the algorithm, and is not one of the digest taken as a message.
    Prehashed {
        /// What the digest was made with: SHA-2, SHA-3 or SHAKE.
        algorithm: Algorithm,
        /// As long as [`Algorithm::output_bytes`] says.
        digest: &'a [u8],
    },
}

/// Whether fresh randomness goes into a signature (PKCS#11 3.2 CK_HEDGE_TYPE).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hedge {
    /// Randomness when there is some: the protection against faults and side channels that the standards advise.
    #[default]
    Preferred,
    /// Randomness, or no signature.
    Required,
    /// None: the same signature for the same message each time.
    Deterministic,
}

impl Hedge {
    /// The randomness of one signature, or none for a deterministic one.
    ///
    /// # Errors
    /// Those of [`random::fill`] when randomness is required.
    pub(crate) fn draw<const N: usize>(self) -> Result<Option<Zeroizing<[u8; N]>>, Error> {
        let mut randomness = Zeroizing::new([0; N]);
        match self {
            Hedge::Deterministic => Ok(None),
            Hedge::Required => random::fill(&mut *randomness).map(|()| Some(randomness)),
            Hedge::Preferred => Ok(random::fill(&mut *randomness).ok().map(|()| randomness)),
        }
    }
}

/// The longest context string, in bytes (FIPS 204 §5.2, FIPS 205 §10.2).
pub const CONTEXT_BYTES_MAX: usize = 255;

/// The message with its context, as both standards encode it: a byte for the kind, the length of the context, the
/// context and what is signed.
pub(crate) struct Framed<'a> {
    start: [u8; 2],
    context: &'a [u8],
    identifier: Option<[u8; IDENTIFIER_BYTES]>,
    content: &'a [u8],
}

impl<'a> Framed<'a> {
    /// # Errors
    /// [`Error::Parameter`] for a context that is too long and for a hash function nobody prehashes with;
    /// [`Error::DataLength`] for a digest of another length than its function's.
    pub(crate) fn new(message: &Message<'a>, context: &'a [u8]) -> Result<Framed<'a>, Error> {
        let too_long = Error::Parameter("a context of more than 255 bytes");
        let context_bytes = u8::try_from(context.len()).map_err(|_| too_long)?;
        match *message {
            Message::Pure(content) => Ok(Framed { start: [0, context_bytes], context, identifier: None, content }),
            Message::Prehashed { algorithm, digest } => {
                let identifier = identifier(algorithm).ok_or(Error::Parameter("no hash function to sign with"))?;
                if digest.len() != algorithm.output_bytes() {
                    return Err(Error::DataLength);
                }
                Ok(Framed { start: [1, context_bytes], context, identifier: Some(identifier), content: digest })
            }
        }
    }

    /// The pieces of the encoding, in order.
    pub(crate) fn pieces(&self) -> [&[u8]; 4] {
        let identifier = self.identifier.as_ref().map_or(&[][..], |identifier| identifier);
        [&self.start, self.context, identifier, self.content]
    }

    /// The DER object identifier of the hash function, for a digest.
    pub(crate) fn identifier(&self) -> Option<&[u8; IDENTIFIER_BYTES]> {
        self.identifier.as_ref()
    }
}

/// The DER object identifier 2.16.840.1.101.3.4.2.x (NIST hashAlgs).
fn identifier(algorithm: Algorithm) -> Option<[u8; IDENTIFIER_BYTES]> {
    let last = match algorithm {
        Algorithm::Sha256 => 1,
        Algorithm::Sha384 => 2,
        Algorithm::Sha512 => 3,
        Algorithm::Sha224 => 4,
        Algorithm::Sha512_224 => 5,
        Algorithm::Sha512_256 => 6,
        Algorithm::Sha3_224 => 7,
        Algorithm::Sha3_256 => 8,
        Algorithm::Sha3_384 => 9,
        Algorithm::Sha3_512 => 10,
        Algorithm::Shake128 => 11,
        Algorithm::Shake256 => 12,
        Algorithm::Md5 | Algorithm::Sha1 => return None,
    };
    Some([0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last])
}

/// A copy of bytes that are not secret. [`Error::Memory`] when there is no memory for it.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| Error::Memory)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

const IDENTIFIER_BYTES: usize = 11;
