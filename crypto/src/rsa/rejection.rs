//! PKCS #1 v1.5 decryption without an oracle: implicit rejection (draft-irtf-cfrg-rsa-guidance §7).
//!
//! A block that is not padded right becomes a message too: one that depends on the key and the ciphertext only, of a
//! length that does as well. Nobody without the key can tell it from a message that was really sent, so there is no
//! answer to learn from (Bleichenbacher's attack), and nothing here takes a branch or an address from the padding.

use std::hint::black_box;

use aws_lc_sys::{EVP_sha256, HMAC};
use zeroize::Zeroizing;

use super::handle::block;
use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::hash::{self, Algorithm};

/// Takes the message out of a decrypted block, or makes one up; returns its length.
///
/// `private_exponent`, `ciphertext` and `decrypted` are as long as the modulus.
///
/// # Errors
/// [`Error::OutputTooSmall`]; never one that tells of the padding.
pub(super) fn unpad(
    private_exponent: &[u8],
    ciphertext: &[u8],
    decrypted: &[u8],
    out: &mut [u8],
) -> Result<usize, Error> {
    let block_bytes = decrypted.len();
    let mut synthetic = block();
    let synthetic = synthetic.get_mut(..block_bytes).ok_or(Error::CiphertextLength)?;
    let synthetic_length = make_up(private_exponent, ciphertext, synthetic)?;

    // Lengths are those of blocks, far below 2^31.
    let block_length = block_bytes as u32;
    let (mut good, mut searching, mut separator) = (!0, !0, 0);
    for (place, byte) in (0_u32..).zip(decrypted) {
        let byte = u32::from(*byte);
        match place {
            0 => good &= when_equal(byte, 0),
            1 => good &= when_equal(byte, 2),
            _ => {
                let zero = when_equal(byte, 0);
                separator = select(searching & zero, place, separator);
                searching &= !zero;
            }
        }
    }
    good &= !searching & !when_less(separator, SEPARATOR_PLACE_MIN);

    let length = select(good, block_length.wrapping_sub(separator).wrapping_sub(1), synthetic_length);
    for (made_up, real) in synthetic.iter_mut().zip(decrypted) {
        *made_up = select(good, (*real).into(), (*made_up).into()) as u8;
    }
    // From here on there is one message, and its length goes to the caller.
    let needed = length as usize;
    let message = block_bytes.checked_sub(needed).and_then(|start| synthetic.get(start..)).unwrap_or_default();
    let out = out.get_mut(..needed).ok_or(Error::OutputTooSmall { needed })?;
    out.copy_from_slice(message);
    Ok(needed)
}

// Fills `message` and returns how many of its last bytes to use.
fn make_up(private_exponent: &[u8], ciphertext: &[u8], message: &mut [u8]) -> Result<u32, Error> {
    let mut secret = Zeroizing::new([0; DIGEST_BYTES]);
    hash::digest(Algorithm::Sha256, private_exponent, &mut *secret)?;
    let mut key = Zeroizing::new([0; DIGEST_BYTES]);
    hmac(&secret, ciphertext, &mut key)?;

    let mut candidates = Zeroizing::new([0; LENGTH_CANDIDATES * 2]);
    expand(&key, b"length", &mut *candidates)?;
    // Shorter than this, so that there is room for the padding.
    let limit = (message.len() as u32).saturating_sub(SEPARATOR_PLACE_MIN);
    let mask = u32::MAX.checked_shr(limit.leading_zeros()).unwrap_or(0);
    let mut length = 0;
    let (pairs, _) = candidates.as_chunks::<2>();
    for pair in pairs {
        let candidate = u32::from(u16::from_be_bytes(*pair)) & mask;
        length = select(when_less(candidate, limit), candidate, length);
    }
    expand(&key, b"message", message)?;
    Ok(length)
}

// The draft's IRPRF: HMAC-SHA-256 over a counter, the label and the length in bits.
fn expand(key: &[u8; DIGEST_BYTES], label: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let bits = u16::try_from(out.len() * 8).map_err(|_| Error::Library("IRPRF"))?.to_be_bytes();
    for (counter, part) in (0_u16..).zip(out.chunks_mut(DIGEST_BYTES)) {
        let mut input = [0; INPUT_BYTES_MAX];
        let fields = counter.to_be_bytes().into_iter().chain(label.iter().copied()).chain(bits);
        let mut input_bytes = 0;
        for (place, byte) in input.iter_mut().zip(fields) {
            *place = byte;
            input_bytes += 1;
        }
        let mut digest = Zeroizing::new([0; DIGEST_BYTES]);
        hmac(key, input.get(..input_bytes).unwrap_or_default(), &mut digest)?;
        part.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    }
    Ok(())
}

fn hmac(key: &[u8; DIGEST_BYTES], data: &[u8], out: &mut [u8; DIGEST_BYTES]) -> Result<(), Error> {
    let mut written = 0;
    // SAFETY: every buffer is passed with its length; the output takes the 32 bytes of SHA-256, whose table is static.
    let result = unsafe {
        HMAC(EVP_sha256(), key.as_ptr().cast(), key.len(), data.as_ptr(), data.len(), out.as_mut_ptr(), &mut written)
    };
    if result.is_null() {
        clear_errors();
        return Err(Error::Library("HMAC"));
    }
    Ok(())
}

// All ones if the two are equal, else zero. Both are below 2^31, here and in the others.
fn when_equal(a: u32, b: u32) -> u32 {
    let different = a ^ b;
    black_box((different.wrapping_neg() >> 31).wrapping_sub(1))
}

// All ones if `a` is less, else zero.
fn when_less(a: u32, b: u32) -> u32 {
    black_box((a.wrapping_sub(b) >> 31).wrapping_neg())
}

// The first if the mask is all ones, the second if it is zero.
fn select(mask: u32, first: u32, second: u32) -> u32 {
    second ^ (black_box(mask) & (first ^ second))
}

const DIGEST_BYTES: usize = 32;
const LENGTH_CANDIDATES: usize = 128;
// Counter, the longer label, length.
const INPUT_BYTES_MAX: usize = 2 + 7 + 2;
// 00 02 and eight bytes of padding come before the zero.
const SEPARATOR_PLACE_MIN: u32 = 10;
