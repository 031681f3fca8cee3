//! X25519 and X448 (RFC 7748).
//!
//! X25519 is computed by AWS-LC. X448 is computed by the `crrl` crate, which is constant-time but does not wipe: the
//! stack is overwritten behind it.

use std::fmt;

use aws_lc_sys::{X25519, X25519_public_from_private};
use crrl::x448::{x448, x448_base};

use crate::cipher::evp::clear_errors;
use crate::ec::{printable_string, scrubbed};
use crate::memory::{SecretBytes, wipe};
use crate::{Error, random};

/// A curve with its function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Curve {
    X25519,
    X448,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Curve; 2] = [Curve::X25519, Curve::X448];

    /// The name of the curve in RFC 7748, which is the one that PKCS#11 uses.
    pub const fn name(self) -> &'static str {
        match self {
            Curve::X25519 => "curve25519",
            Curve::X448 => "curve448",
        }
    }

    /// The object identifier in DER, with tag and length (RFC 8410 §3).
    pub const fn oid(self) -> &'static [u8] {
        match self {
            Curve::X25519 => b"\x06\x03\x2b\x65\x6e",
            Curve::X448 => b"\x06\x03\x2b\x65\x6f",
        }
    }

    // The one that older clients use (1.3.6.1.4.1.3029.1.5.1); X448 never had one.
    const fn older_oid(self) -> Option<&'static [u8]> {
        match self {
            Curve::X25519 => Some(b"\x06\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01"),
            Curve::X448 => None,
        }
    }

    const fn function_name(self) -> &'static str {
        match self {
            Curve::X25519 => "X25519",
            Curve::X448 => "X448",
        }
    }

    /// The curve that DER parameters name, by object identifier or by name in a PrintableString (PKCS#11 3.2,
    /// "Montgomery Elliptic Curve"). None for others.
    pub fn from_params(der: &[u8]) -> Option<Curve> {
        let name = printable_string(der);
        Curve::ALL.into_iter().find(|curve| match name {
            Some(name) => [curve.name(), curve.function_name()].iter().any(|known| known.eq_ignore_ascii_case(name)),
            None => {
                curve.oid() == der || curve.older_oid() == Some(der) || (*curve == Curve::X25519 && der == MISCOUNTED)
            }
        })
    }

    /// Bytes of a private key, a public key and a shared secret.
    pub const fn bytes(self) -> usize {
        match self {
            Curve::X25519 => X25519_BYTES,
            Curve::X448 => X448_BYTES,
        }
    }
}

/// The name of Curve25519 as OpenSC's `pkcs11-tool` up to 0.26 gives it: its length is one too many.
const MISCOUNTED: &[u8] = b"\x13\x0bcurve25519";

/// A private key, in locked memory, with its public key.
pub struct PrivateKey {
    curve: Curve,
    /// The private key, then the public key.
    pair: SecretBytes,
    public: [u8; X448_BYTES],
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Memory`] and the errors of [`random::fill`].
    pub fn generate(curve: Curve) -> Result<PrivateKey, Error> {
        let mut bytes = SecretBytes::zeroed(curve.bytes())?;
        random::fill(bytes.expose_mut())?;
        PrivateKey::from_bytes(curve, bytes.expose())
    }

    /// The key of these bytes. Any will do: the bits that RFC 7748 §5 fixes are fixed in use, not here.
    ///
    /// # Errors
    /// [`Error::KeyLength`]; [`Error::Memory`].
    pub fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<PrivateKey, Error> {
        if bytes.len() != curve.bytes() {
            return Err(Error::KeyLength { got: bytes.len() });
        }
        let mut pair = SecretBytes::zeroed(2 * curve.bytes())?;
        let (private, public) = pair.expose_mut().split_at_mut(curve.bytes());
        private.copy_from_slice(bytes);
        match curve {
            // SAFETY: both buffers have the 32 bytes of a key.
            Curve::X25519 => unsafe { X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) },
            Curve::X448 => {
                let private = x448_bytes(private)?;
                scrubbed(|| public.copy_from_slice(&x448_base(private)));
            }
        }
        let mut key = PrivateKey { curve, pair, public: [0; X448_BYTES] };
        key.public[..curve.bytes()].copy_from_slice(&key.pair.expose()[curve.bytes()..]);
        Ok(key)
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// The private key, as it was given.
    ///
    /// # Errors
    /// [`Error::Memory`]; [`Error::KeyValue`] in a forked child, where the key is gone.
    pub fn bytes(&self) -> Result<SecretBytes, Error> {
        SecretBytes::from_slice(self.private()?)
    }

    /// The public key, which is kept.
    pub fn public_bytes(&self) -> Vec<u8> {
        self.public().to_vec()
    }

    /// The shared secret with the owner of a public key (RFC 7748 §6), which may have any value of its length.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for a public key of another length; [`Error::KeyValue`] for one that gives the all-zero
    /// secret; those of [`bytes`](PrivateKey::bytes).
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes, Error> {
        if peer.len() != self.curve.bytes() {
            return Err(Error::KeyLength { got: peer.len() });
        }
        let private = self.private()?;
        let mut secret = SecretBytes::zeroed(self.curve.bytes())?;
        let out = secret.expose_mut();
        match self.curve {
            Curve::X25519 => {
                // SAFETY: all three buffers have 32 bytes. The all-zero secret, the only failure, is found below.
                if unsafe { X25519(out.as_mut_ptr(), private.as_ptr(), peer.as_ptr()) } != 1 {
                    clear_errors();
                    wipe(out);
                }
            }
            Curve::X448 => {
                let (private, peer) = (x448_bytes(private)?, x448_bytes(peer)?);
                scrubbed(|| out.copy_from_slice(&x448(peer, private)));
            }
        }
        if secret.ct_eq(&[0; X448_BYTES][..self.curve.bytes()]) {
            return Err(Error::KeyValue("a point of small order"));
        }
        Ok(secret)
    }

    fn public(&self) -> &[u8] {
        &self.public[..self.curve.bytes()]
    }

    fn private(&self) -> Result<&[u8], Error> {
        let (private, public) = self.pair.expose().split_at(self.curve.bytes());
        // The second half is the public key, unless a fork has wiped it.
        if public == self.public() { Ok(private) } else { Err(Error::KeyValue("wiped by a fork")) }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "montgomery::PrivateKey({})", self.curve.name())
    }
}

fn x448_bytes(bytes: &[u8]) -> Result<&[u8; X448_BYTES], Error> {
    bytes.try_into().map_err(|_| Error::KeyLength { got: bytes.len() })
}

const X25519_BYTES: usize = 32;
const X448_BYTES: usize = 56;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    #[test]
    fn a_forked_child_cannot_use_the_key_but_can_make_another() {
        for curve in Curve::ALL {
            let key = PrivateKey::generate(curve).expect("key");
            let peer = PrivateKey::generate(curve).expect("key").public_bytes();
            let secret = key.agree(&peer).expect("secret");
            check_in_child(|| {
                let gone = Some(Error::KeyValue("wiped by a fork"));
                key.agree(&peer).err() == gone
                    && key.bytes().err() == gone
                    && PrivateKey::generate(curve).is_ok_and(|key| key.agree(&peer).is_ok())
            });
            assert!(key.agree(&peer).expect("secret").ct_eq(secret.expose()));
        }
    }
}
