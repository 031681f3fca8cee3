//! Ed25519 over AWS-LC.

use aws_lc_sys::{
    ED25519_keypair_from_seed, ED25519_sign, ED25519_verify, ED25519ctx_sign, ED25519ctx_verify, ED25519ph_sign,
    ED25519ph_verify,
};

use super::Variant;
use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::SecretBytes;

pub(super) struct PrivateKey {
    /// Seed and public key, the form the library takes.
    private: SecretBytes,
    public: [u8; PUBLIC_BYTES],
}

impl PrivateKey {
    pub(super) fn from_seed(seed: &[u8; SEED_BYTES]) -> Result<PrivateKey, Error> {
        let mut private = SecretBytes::zeroed(SEED_BYTES + PUBLIC_BYTES)?;
        let mut public = [0; PUBLIC_BYTES];
        // SAFETY: the buffers have the 32, 64 and 32 bytes that the call writes and reads.
        unsafe {
            ED25519_keypair_from_seed(public.as_mut_ptr(), private.expose_mut().as_mut_ptr(), seed.as_ptr());
        }
        Ok(PrivateKey { private, public })
    }

    pub(super) fn public(&self) -> &[u8; PUBLIC_BYTES] {
        &self.public
    }

    pub(super) fn seed(&self) -> Result<SecretBytes, Error> {
        SecretBytes::from_slice(&self.private()?[..SEED_BYTES])
    }

    /// Writes the signature into its 64 bytes, for a context that has been checked.
    pub(super) fn sign(&self, variant: &Variant<'_>, message: &[u8], out: &mut [u8]) -> Result<(), Error> {
        debug_assert_eq!(out.len(), SIGNATURE_BYTES);
        let private = self.private()?.as_ptr();
        let (out, start, len) = (out.as_mut_ptr(), message.as_ptr(), message.len());
        // SAFETY: message and context are readable for their lengths, the key has 64 bytes and so has the output.
        let done = unsafe {
            match variant {
                Variant::Pure => ED25519_sign(out, start, len, private),
                Variant::Context(context) => ED25519ctx_sign(out, start, len, private, context.as_ptr(), context.len()),
                Variant::Prehashed(context) => {
                    ED25519ph_sign(out, start, len, private, context.as_ptr(), context.len())
                }
            }
        };
        if done == 1 {
            Ok(())
        } else {
            clear_errors();
            Err(Error::Library("ED25519_sign"))
        }
    }

    fn private(&self) -> Result<&[u8], Error> {
        let private = self.private.expose();
        // The second half is the public key, unless a fork has wiped it.
        if private.get(SEED_BYTES..) == Some(&self.public[..]) {
            Ok(private)
        } else {
            Err(Error::KeyValue("wiped by a fork"))
        }
    }
}

/// Checks a signature of any length, for a context that has been checked.
pub(super) fn verify(
    key: &[u8; PUBLIC_BYTES],
    variant: &Variant<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let signature: &[u8; SIGNATURE_BYTES] = signature.try_into().map_err(|_| Error::Authentication)?;
    let (start, len, signature, key) = (message.as_ptr(), message.len(), signature.as_ptr(), key.as_ptr());
    // SAFETY: message and context are readable for their lengths, signature and key have their fixed lengths.
    let good = unsafe {
        match variant {
            Variant::Pure => ED25519_verify(start, len, signature, key),
            Variant::Context(context) => ED25519ctx_verify(start, len, signature, key, context.as_ptr(), context.len()),
            Variant::Prehashed(context) => {
                ED25519ph_verify(start, len, signature, key, context.as_ptr(), context.len())
            }
        }
    };
    if good == 1 {
        Ok(())
    } else {
        clear_errors();
        Err(Error::Authentication)
    }
}

/// Refuses what encodes no point, which AWS-LC tells only by verifying nothing, and points of small order.
pub(super) fn check_point(key: &[u8; PUBLIC_BYTES]) -> Result<(), Error> {
    let point = crrl::ed25519::Point::decode(key).ok_or(Error::KeyValue("not a point of the curve"))?;
    if point.has_low_order() != 0 { Err(Error::KeyValue("a point of small order")) } else { Ok(()) }
}

pub(super) const PUBLIC_BYTES: usize = 32;
const SEED_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
