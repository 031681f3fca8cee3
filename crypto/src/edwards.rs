//! Ed25519 and Ed448 (RFC 8032), with contexts and prehashing.
//!
//! Ed25519 is computed by AWS-LC, Ed448 by the `crrl` crate, which also checks the public keys of both. Signatures are
//! deterministic: the same message under the same variant has always the same one.

mod ed25519;
mod ed448;

use std::fmt;

use crate::ec::printable_string;
use crate::memory::SecretBytes;
use crate::{Error, random};

/// A curve with its signature scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Curve {
    Ed25519,
    Ed448,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Curve; 2] = [Curve::Ed25519, Curve::Ed448];

    /// The name of the curve in RFC 7748, which is the one that PKCS#11 uses.
    pub const fn name(self) -> &'static str {
        match self {
            Curve::Ed25519 => "edwards25519",
            Curve::Ed448 => "edwards448",
        }
    }

    /// The object identifier in DER, with tag and length (RFC 8410 §3).
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Curve::Ed25519 => b"\x06\x03\x2b\x65\x70",
            Curve::Ed448 => b"\x06\x03\x2b\x65\x71",
        }
    }

    // The one that older clients use for the curve (1.3.6.1.4.1.11591.15).
    const fn older_oid(self) -> &'static [u8] {
        match self {
            Curve::Ed25519 => b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01",
            Curve::Ed448 => b"\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x02",
        }
    }

    const fn scheme_name(self) -> &'static str {
        match self {
            Curve::Ed25519 => "Ed25519",
            Curve::Ed448 => "Ed448",
        }
    }

    /// The curve that DER parameters name, by object identifier or by name in a PrintableString (PKCS#11 3.2, "Edwards
    /// Elliptic Curve"). None for others.
    pub fn from_params(der: &[u8]) -> Option<Curve> {
        let name = printable_string(der);
        Curve::ALL.into_iter().find(|curve| match name {
            Some(name) => [curve.name(), curve.scheme_name()].iter().any(|known| known.eq_ignore_ascii_case(name)),
            None => [curve.oid(), curve.older_oid()].contains(&der),
        })
    }

    /// Bytes of a public key.
    pub const fn public_bytes(self) -> usize {
        match self {
            Curve::Ed25519 => ed25519::PUBLIC_BYTES,
            Curve::Ed448 => ed448::PUBLIC_BYTES,
        }
    }

    /// Bytes of a seed, which is what a private key is.
    pub const fn seed_bytes(self) -> usize {
        self.public_bytes()
    }

    /// Bytes of a signature.
    pub const fn signature_bytes(self) -> usize {
        2 * self.public_bytes()
    }
}

/// Which of the related schemes of RFC 8032. A signature of one is none of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant<'a> {
    /// Ed25519, or Ed448 with an empty context.
    Pure,
    /// Ed25519ctx, whose context is not empty, or Ed448. At most 255 bytes.
    Context(&'a [u8]),
    /// Ed25519ph or Ed448ph, with a context of at most 255 bytes, empty for none. The message is given whole and hashed
    /// here.
    Prehashed(&'a [u8]),
}

/// A public key.
pub struct PublicKey {
    kind: PublicKind,
}

enum PublicKind {
    Ed25519([u8; ed25519::PUBLIC_BYTES]),
    Ed448(ed448::PublicKey),
}

impl PublicKey {
    /// The key of its encoding.
    ///
    /// What encodes no point of the curve is refused (RFC 8032 §5.1.3, §5.2.3), and so are points of small order: under
    /// such a key one signature fits many messages.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::KeyValue`].
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<PublicKey, Error> {
        let wrong_length = |_| Error::KeyLength { got: bytes.len() };
        let kind = match curve {
            Curve::Ed25519 => {
                let bytes = <[u8; ed25519::PUBLIC_BYTES]>::try_from(bytes).map_err(wrong_length)?;
                ed25519::check_point(&bytes)?;
                PublicKind::Ed25519(bytes)
            }
            Curve::Ed448 => PublicKind::Ed448(ed448::PublicKey::from_bytes(bytes.try_into().map_err(wrong_length)?)?),
        };
        Ok(PublicKey { kind })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        match self.kind {
            PublicKind::Ed25519(_) => Curve::Ed25519,
            PublicKind::Ed448(_) => Curve::Ed448,
        }
    }

    /// The encoding.
    pub fn bytes(&self) -> &[u8] {
        match &self.kind {
            PublicKind::Ed25519(bytes) => bytes,
            PublicKind::Ed448(key) => key.bytes(),
        }
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// [`Error::Authentication`] for one that is not that key's, of whatever length; [`Error::Parameter`] for a context
    /// that the variant does not take; [`Error::Memory`].
    pub fn verify(&self, variant: &Variant<'_>, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        check_context(self.curve(), variant)?;
        match &self.kind {
            PublicKind::Ed25519(key) => ed25519::verify(key, variant, message, signature),
            PublicKind::Ed448(key) => key.verify(variant, message, signature),
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "edwards::PublicKey({})", self.curve().name())
    }
}

/// A private key, in locked memory, with its public key.
pub struct PrivateKey {
    kind: PrivateKind,
}

enum PrivateKind {
    Ed25519(ed25519::PrivateKey),
    Ed448(ed448::PrivateKey),
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Memory`] and the errors of [`random::fill`].
    pub fn generate(curve: Curve) -> Result<PrivateKey, Error> {
        let mut seed = SecretBytes::zeroed(curve.seed_bytes())?;
        random::fill(seed.expose_mut())?;
        PrivateKey::from_seed(curve, seed.expose())
    }

    /// The key of a seed (RFC 8032 §5.1.5, §5.2.5).
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::Memory`].
    pub fn from_seed(curve: Curve, seed: &[u8]) -> Result<PrivateKey, Error> {
        let wrong_length = |_| Error::KeyLength { got: seed.len() };
        let kind = match curve {
            Curve::Ed25519 => {
                PrivateKind::Ed25519(ed25519::PrivateKey::from_seed(seed.try_into().map_err(wrong_length)?)?)
            }
            Curve::Ed448 => PrivateKind::Ed448(ed448::PrivateKey::from_seed(seed.try_into().map_err(wrong_length)?)?),
        };
        Ok(PrivateKey { kind })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        match self.kind {
            PrivateKind::Ed25519(_) => Curve::Ed25519,
            PrivateKind::Ed448(_) => Curve::Ed448,
        }
    }

    /// The seed.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::KeyValue`] in a forked child, where the key is gone.
    pub fn seed(&self) -> Result<SecretBytes, Error> {
        match &self.kind {
            PrivateKind::Ed25519(key) => key.seed(),
            PrivateKind::Ed448(key) => key.seed(),
        }
    }

    /// The public key, which is kept.
    pub fn public(&self) -> PublicKey {
        let kind = match &self.kind {
            PrivateKind::Ed25519(key) => PublicKind::Ed25519(*key.public()),
            PrivateKind::Ed448(key) => PublicKind::Ed448(key.public()),
        };
        PublicKey { kind }
    }

    /// Writes the signature of a message and returns its length.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a context that the variant does not take; [`Error::OutputTooSmall`]; those of
    /// [`seed`](PrivateKey::seed).
    pub fn sign(&self, variant: &Variant<'_>, message: &[u8], out: &mut [u8]) -> Result<usize, Error> {
        check_context(self.curve(), variant)?;
        let needed = self.curve().signature_bytes();
        let out = out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
        match &self.kind {
            PrivateKind::Ed25519(key) => key.sign(variant, message, out)?,
            PrivateKind::Ed448(key) => key.sign(variant, message, out)?,
        }
        Ok(needed)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "edwards::PrivateKey({})", self.curve().name())
    }
}

// RFC 8032 §5.1 and §5.2, with its advice against an empty context for Ed25519ctx taken as a rule.
fn check_context(curve: Curve, variant: &Variant<'_>) -> Result<(), Error> {
    match variant {
        Variant::Context([]) if curve == Curve::Ed25519 => Err(Error::Parameter("an empty context")),
        Variant::Context(context) | Variant::Prehashed(context) if context.len() > CONTEXT_BYTES_MAX => {
            Err(Error::Parameter("a context of more than 255 bytes"))
        }
        _ => Ok(()),
    }
}

/// The longest context, in bytes.
pub const CONTEXT_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    #[test]
    fn a_forked_child_cannot_sign_but_can_verify() {
        for curve in Curve::ALL {
            let key = PrivateKey::generate(curve).expect("key");
            let mut signature = vec![0; curve.signature_bytes()];
            key.sign(&Variant::Pure, b"message", &mut signature).expect("signed");
            check_in_child(|| {
                let gone = Error::KeyValue("wiped by a fork");
                key.sign(&Variant::Pure, b"message", &mut [0; 114]) == Err(gone)
                    && key.seed().err() == Some(gone)
                    && key.public().verify(&Variant::Pure, b"message", &signature) == Ok(())
                    && PrivateKey::generate(curve).is_ok_and(|key| key.seed().is_ok())
            });
            assert_eq!(key.sign(&Variant::Pure, b"message", &mut [0; 114]), Ok(curve.signature_bytes()));
        }
    }
}
