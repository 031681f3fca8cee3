//! Ed448 over the `crrl` crate, which computes with secrets in constant time but does not wipe them: the prepared key
//! stays in locked memory, and the stack is overwritten behind every call.

use std::ptr;

use aws_lc_sys::{
    EVP_DigestFinalXOF, EVP_DigestInit_ex, EVP_DigestUpdate, EVP_MD_CTX_free, EVP_MD_CTX_new, EVP_shake256,
};

use super::Variant;
use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::ec::scrubbed;
use crate::memory::{Plain, SecretBox, SecretBytes};

pub(super) struct PublicKey {
    key: crrl::ed448::PublicKey,
}

impl PublicKey {
    pub(super) fn from_bytes(bytes: &[u8; PUBLIC_BYTES]) -> Result<PublicKey, Error> {
        let key = crrl::ed448::PublicKey::decode(bytes).ok_or(Error::KeyValue("not a point of the curve"))?;
        if key.point.has_low_order() != 0 {
            return Err(Error::KeyValue("a point of small order"));
        }
        Ok(PublicKey { key })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.key.encoded
    }

    /// Checks a signature of any length, for a context that has been checked.
    pub(super) fn verify(&self, variant: &Variant<'_>, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let good = match variant {
            Variant::Pure => self.key.verify_raw(signature, message),
            Variant::Context(context) => self.key.verify_ctx(signature, context, message),
            Variant::Prehashed(context) => self.key.verify_ph(signature, context, &prehash(message)?),
        };
        if good { Ok(()) } else { Err(Error::Authentication) }
    }
}

pub(super) struct PrivateKey {
    prepared: SecretBox<crrl::ed448::PrivateKey>,
    public: crrl::ed448::PublicKey,
}

// SAFETY: arrays of bytes and of words, for which zeros are as good as any other value.
unsafe impl Plain for crrl::ed448::PrivateKey {}

impl PrivateKey {
    pub(super) fn from_seed(seed: &[u8; SEED_BYTES]) -> Result<PrivateKey, Error> {
        let mut prepared = SecretBox::<crrl::ed448::PrivateKey>::new_zeroed()?;
        scrubbed(|| *prepared = crrl::ed448::PrivateKey::from_seed(seed));
        let public = prepared.public_key;
        Ok(PrivateKey { prepared, public })
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey { key: self.public }
    }

    pub(super) fn seed(&self) -> Result<SecretBytes, Error> {
        let prepared = self.prepared()?;
        let mut seed = SecretBytes::zeroed(SEED_BYTES)?;
        scrubbed(|| seed.expose_mut().copy_from_slice(&prepared.encode()));
        Ok(seed)
    }

    /// Writes the signature into its 114 bytes, for a context that has been checked.
    pub(super) fn sign(&self, variant: &Variant<'_>, message: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let prepared = self.prepared()?;
        let signature = match variant {
            Variant::Pure => scrubbed(|| prepared.sign_raw(message)),
            Variant::Context(context) => scrubbed(|| prepared.sign_ctx(context, message)),
            Variant::Prehashed(context) => {
                let digest = prehash(message)?;
                scrubbed(|| prepared.sign_ph(context, &digest))
            }
        };
        out.copy_from_slice(&signature);
        Ok(())
    }

    fn prepared(&self) -> Result<&crrl::ed448::PrivateKey, Error> {
        // The prepared key has the public key with it, unless a fork has wiped it.
        if self.prepared.public_key.encoded == self.public.encoded {
            Ok(&self.prepared)
        } else {
            Err(Error::KeyValue("wiped by a fork"))
        }
    }
}

// SHAKE256 with 64 bytes of output (RFC 8032 §5.2).
fn prehash(message: &[u8]) -> Result<[u8; PREHASH_BYTES], Error> {
    let mut digest = [0; PREHASH_BYTES];
    // SAFETY: the context is this function's own, and freeing takes null too; each buffer is passed with its length.
    let done = unsafe {
        let context = EVP_MD_CTX_new();
        let done = !context.is_null()
            && EVP_DigestInit_ex(context, EVP_shake256(), ptr::null_mut()) == 1
            && EVP_DigestUpdate(context, message.as_ptr().cast(), message.len()) == 1
            && EVP_DigestFinalXOF(context, digest.as_mut_ptr(), digest.len()) == 1;
        EVP_MD_CTX_free(context);
        done
    };
    if done {
        Ok(digest)
    } else {
        clear_errors();
        Err(Error::Memory)
    }
}

pub(super) const PUBLIC_BYTES: usize = 57;
const SEED_BYTES: usize = 57;
const PREHASH_BYTES: usize = 64;
