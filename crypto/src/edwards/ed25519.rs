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

/// Refuses the encodings of the eight points of small order, with the values of y that are not reduced.
pub(super) fn check_order(key: &[u8; PUBLIC_BYTES]) -> Result<(), Error> {
    let (last, start) = (key[PUBLIC_BYTES - 1] & SIGN_MASK, &key[..PUBLIC_BYTES - 1]);
    let small = SMALL_ORDER.iter().any(|point| point[..PUBLIC_BYTES - 1] == *start && point[PUBLIC_BYTES - 1] == last);
    if small { Err(Error::KeyValue("a point of small order")) } else { Ok(()) }
}

pub(super) const PUBLIC_BYTES: usize = 32;
const SEED_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

// The top bit says which of two x belongs to a y.
const SIGN_MASK: u8 = 0x7f;

const fn with_ends(first: u8, middle: u8, last: u8) -> [u8; PUBLIC_BYTES] {
    let mut point = [middle; PUBLIC_BYTES];
    point[0] = first;
    point[PUBLIC_BYTES - 1] = last;
    point
}

// y without the sign of x: 0 (order 4), 1 (the neutral point), -1 (order 2), the two of order 8, and p and p + 1, which
// stand for 0 and 1.
const SMALL_ORDER: [[u8; PUBLIC_BYTES]; 7] = [
    with_ends(0, 0, 0),
    with_ends(1, 0, 0),
    with_ends(0xec, 0xff, 0x7f),
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
       \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
       \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    with_ends(0xed, 0xff, 0x7f),
    with_ends(0xee, 0xff, 0x7f),
];
