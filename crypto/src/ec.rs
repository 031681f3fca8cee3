//! ECDSA and ECDH over the prime curves of NIST, SECG and Brainpool (FIPS 186-5, SEC 1, RFC 5639).
//!
//! A key is made once and then used by any number of threads. secp256k1 is computed by the `k256` crate, the others by
//! AWS-LC. Every curve here has cofactor 1: Diffie-Hellman with and without the cofactor are the same.

mod curve;
mod library;
mod secp256k1;
mod stack;

use std::fmt;

pub use curve::Curve;
pub(crate) use curve::printable_string;
pub(crate) use stack::scrubbed;

use crate::memory::SecretBytes;
use crate::{Error, random};

/// A public key: a point of the curve, not infinity.
pub struct PublicKey {
    curve: Curve,
    point: Point,
    kind: PublicKind,
}

enum PublicKind {
    Library(library::PublicKey),
    Secp256k1(secp256k1::PublicKey),
}

impl PublicKey {
    /// The key with this point (SEC 1 §2.3.4), uncompressed, compressed or hybrid.
    ///
    /// # Errors
    /// [`Error::KeyValue`] for what is no point of the curve, for a coordinate out of the field, and for infinity.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<PublicKey, Error> {
        match curve {
            Curve::Secp256k1 => Ok(PublicKey::from_secp256k1(secp256k1::PublicKey::from_point(point)?)),
            _ => PublicKey::from_library(curve, library::PublicKey::from_point(curve, point)?),
        }
    }

    fn from_library(curve: Curve, key: library::PublicKey) -> Result<PublicKey, Error> {
        let mut point = Point::new(curve);
        key.write_uncompressed(point.bytes_mut())?;
        Ok(PublicKey { curve, point, kind: PublicKind::Library(key) })
    }

    fn from_secp256k1(key: secp256k1::PublicKey) -> PublicKey {
        let mut point = Point::new(Curve::Secp256k1);
        key.write_uncompressed(point.bytes_mut());
        PublicKey { curve: Curve::Secp256k1, point, kind: PublicKind::Secp256k1(key) }
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The point, uncompressed: a byte 4 and the two coordinates.
    pub fn uncompressed(&self) -> Vec<u8> {
        self.point.bytes().to_vec()
    }

    /// Checks an ECDSA signature, r and s of [`Curve::order_bytes`] each, of a digest of at least one byte. Of a digest
    /// longer than the order the leftmost bits count (FIPS 186-5 §6.4.2). Both values of s that belong to an r are
    /// signatures.
    ///
    /// # Errors
    /// [`Error::Authentication`] for a signature that is not that key's, of whatever length; [`Error::DataLength`] for
    /// an empty digest; [`Error::Memory`].
    pub fn verify(&self, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        check_digest(digest)?;
        let order_bytes = self.curve.order_bytes();
        let (r, s) = signature.split_at_checked(order_bytes).ok_or(Error::Authentication)?;
        if s.len() != order_bytes {
            return Err(Error::Authentication);
        }
        match &self.kind {
            PublicKind::Library(key) => key.verify(digest, r, s),
            PublicKind::Secp256k1(key) => key.verify(digest, r, s),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ec::PublicKey({})", self.curve.name())
    }
}

/// A private key: a number from 1 to the order of the curve less 1.
pub struct PrivateKey {
    curve: Curve,
    kind: PrivateKind,
}

enum PrivateKind {
    Library(library::PrivateKey),
    Secp256k1(secp256k1::PrivateKey),
}

impl PrivateKey {
    /// A new key, by testing candidates (FIPS 186-5 A.2.2).
    ///
    /// # Errors
    /// [`Error::Memory`] and the errors of [`random::fill`].
    pub fn generate(curve: Curve) -> Result<PrivateKey, Error> {
        let mut candidate = SecretBytes::zeroed(curve.order_bytes())?;
        for _ in 0..CANDIDATES_MAX {
            random::fill(candidate.expose_mut())?;
            if let Some(first) = candidate.expose_mut().first_mut() {
                *first &= curve.first_byte_mask();
            }
            match PrivateKey::from_scalar(curve, candidate.expose()) {
                Err(Error::KeyValue(_)) => {}
                done => return done,
            }
        }
        Err(Error::Library("random"))
    }

    /// The key with this number, big-endian; it may be shorter than the order, or longer by leading zeros.
    ///
    /// # Errors
    /// [`Error::KeyValue`] for 0 and for numbers not below the order; [`Error::Memory`].
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<PrivateKey, Error> {
        let excess_bytes = scalar.len().saturating_sub(curve.order_bytes());
        let (excess, scalar) = scalar.split_at(excess_bytes);
        if excess.iter().fold(0, |all, byte| all | byte) != 0 {
            return Err(Error::KeyValue(OUT_OF_RANGE));
        }
        let kind = match curve {
            Curve::Secp256k1 => PrivateKind::Secp256k1(secp256k1::PrivateKey::from_scalar(scalar)?),
            _ => PrivateKind::Library(library::PrivateKey::from_scalar(curve, scalar)?),
        };
        Ok(PrivateKey { curve, kind })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The private number, [`Curve::order_bytes`] wide.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::KeyValue`] in a forked child, where a secp256k1 key is gone.
    pub fn scalar(&self) -> Result<SecretBytes, Error> {
        match &self.kind {
            PrivateKind::Library(key) => key.scalar(self.curve),
            PrivateKind::Secp256k1(key) => key.scalar(),
        }
    }

    /// The public key. It is computed at each call, which costs about as much as a signature; for secp256k1 it is kept.
    ///
    /// # Errors
    /// As [`scalar`](PrivateKey::scalar).
    pub fn public(&self) -> Result<PublicKey, Error> {
        match &self.kind {
            PrivateKind::Library(key) => PublicKey::from_library(self.curve, key.public(self.curve)?),
            PrivateKind::Secp256k1(key) => Ok(PublicKey::from_secp256k1(key.public()?)),
        }
    }

    /// Writes the ECDSA signature of a digest of at least one byte, r and s of [`Curve::order_bytes`] each, and returns
    /// its length. The same digest gets another signature each time. Of a digest longer than the order the leftmost
    /// bits count (FIPS 186-5 §6.4.1).
    ///
    /// # Errors
    /// [`Error::DataLength`] for an empty digest; [`Error::OutputTooSmall`]; those of [`scalar`](PrivateKey::scalar)
    /// and of [`random::fill`].
    pub fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        check_digest(digest)?;
        let needed = self.curve.signature_bytes();
        let out = out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        match &self.kind {
            PrivateKind::Library(key) => key.sign(digest, out)?,
            PrivateKind::Secp256k1(key) => key.sign(digest, out)?,
        }
        Ok(needed)
    }

    /// The shared secret with the owner of a point (SEC 1 §3.3.1): the x coordinate, [`Curve::field_bytes`] wide. The
    /// point may have the forms of [`PublicKey::from_point`].
    ///
    /// # Errors
    /// Those of [`PublicKey::from_point`] and of [`scalar`](PrivateKey::scalar).
    pub fn agree(&self, peer_point: &[u8]) -> Result<SecretBytes, Error> {
        match &self.kind {
            PrivateKind::Library(key) => key.agree(self.curve, peer_point),
            PrivateKind::Secp256k1(key) => key.agree(peer_point),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ec::PrivateKey({})", self.curve.name())
    }
}

// An uncompressed point, in place.
struct Point {
    bytes: [u8; POINT_BYTES_MAX],
    len: usize,
}

impl Point {
    fn new(curve: Curve) -> Point {
        Point { bytes: [0; POINT_BYTES_MAX], len: curve.point_bytes() }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

// Nothing that is signed has a digest of no bytes; the libraries would take it for the number 0.
fn check_digest(digest: &[u8]) -> Result<(), Error> {
    if digest.is_empty() { Err(Error::DataLength) } else { Ok(()) }
}

const OUT_OF_RANGE: &str = "not a number from 1 to the order less 1";
const NOT_A_POINT: &str = "not a point of the curve";
// Of P-521.
const POINT_BYTES_MAX: usize = 133;
// At worst 11 candidates in 20 are in range (brainpoolP384r1).
const CANDIDATES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    #[test]
    fn points_fit_their_place() {
        assert_eq!(Curve::ALL.map(Curve::point_bytes).into_iter().max(), Some(POINT_BYTES_MAX));
    }

    #[test]
    fn a_forked_child_signs_like_its_parent_or_is_told_that_the_key_is_gone() {
        for curve in Curve::ALL {
            let key = PrivateKey::generate(curve).expect("key");
            let public = key.public().expect("public");
            let mut signature = vec![0; curve.signature_bytes()];
            check_in_child(|| match key.sign(b"digest", &mut signature) {
                Ok(_) => public.verify(b"digest", &signature) == Ok(()),
                error => {
                    let gone = Error::KeyValue("wiped by a fork");
                    error == Err(gone)
                        && key.scalar().err() == Some(gone)
                        && key.public().err() == Some(gone)
                        && key.agree(&public.uncompressed()).err() == Some(gone)
                        && PrivateKey::generate(curve).is_ok()
                }
            });
            assert_eq!(key.sign(b"digest", &mut signature), Ok(curve.signature_bytes()));
            assert_eq!(public.verify(b"digest", &signature), Ok(()));
        }
    }
}
