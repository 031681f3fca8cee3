//! How long inputs may be, and the library's names of hash functions.

use std::ffi::c_int;

use aws_lc_sys::{
    EVP_MD, EVP_md5, EVP_sha1, EVP_sha3_224, EVP_sha3_256, EVP_sha3_384, EVP_sha3_512, EVP_sha224, EVP_sha256,
    EVP_sha384, EVP_sha512, EVP_sha512_224, EVP_sha512_256, NID_md5, NID_sha1, NID_sha3_224, NID_sha3_256,
    NID_sha3_384, NID_sha3_512, NID_sha224, NID_sha256, NID_sha384, NID_sha512, NID_sha512_224, NID_sha512_256,
};

use super::EncryptionPadding;
use crate::Error;
use crate::hash::Algorithm;

/// What PKCS #1 v1.5 adds at least: two bytes in front, eight of padding, a zero.
pub(super) const PKCS1_BYTES: usize = 11;

/// The hash function as MGF1, PSS and OAEP take it.
///
/// # Errors
/// [`Error::Parameter`] for a function RSA is not defined with.
pub(super) fn method(hash: Algorithm) -> Result<*const EVP_MD, Error> {
    let (_, method, _) = find(hash)?;
    // SAFETY: takes nothing, gives a static table.
    Ok(unsafe { method() })
}

/// The hash function as the library names it where it builds a DigestInfo (RFC 8017 §9.2 note 1).
///
/// # Errors
/// As for [`method`].
pub(super) fn digest_info_name(hash: Algorithm) -> Result<c_int, Error> {
    find(hash).map(|(_, _, name)| name)
}

/// The longest plaintext in a block of `block_bytes`, or none if the block is too short for the padding.
pub(super) fn max_plaintext(padding: &EncryptionPadding<'_>, block_bytes: usize) -> Option<usize> {
    match padding {
        EncryptionPadding::Raw => Some(block_bytes),
        EncryptionPadding::Pkcs1 => block_bytes.checked_sub(PKCS1_BYTES),
        EncryptionPadding::Oaep { hash, .. } => block_bytes.checked_sub(2 * hash.output_bytes() + 2),
    }
}

/// The salt's length as the library takes it, if digest and salt fit into a modulus of `modulus_bits`
/// (RFC 8017 §9.1.1 step 3).
///
/// # Errors
/// [`Error::Parameter`].
pub(super) fn pss_salt(hash: Algorithm, salt_bytes: usize, modulus_bits: usize) -> Result<c_int, Error> {
    let encoded_bytes = modulus_bits.saturating_sub(1).div_ceil(8);
    let room = encoded_bytes.checked_sub(hash.output_bytes() + 2).ok_or(Error::Parameter("hash for this key"))?;
    match c_int::try_from(salt_bytes) {
        Ok(salt) if salt_bytes <= room => Ok(salt),
        _ => Err(Error::Parameter("salt length")),
    }
}

/// `input` with zeros in front, as long as `out`.
///
/// # Errors
/// [`Error::DataLength`] when it is longer.
pub(super) fn pad_left(input: &[u8], out: &mut [u8]) -> Result<(), Error> {
    let zeros = out.len().checked_sub(input.len()).ok_or(Error::DataLength)?;
    let (front, back) = out.split_at_mut(zeros);
    front.fill(0);
    back.copy_from_slice(input);
    Ok(())
}

fn find(hash: Algorithm) -> Result<Function, Error> {
    FUNCTIONS.into_iter().find(|(algorithm, ..)| *algorithm == hash).ok_or(Error::Parameter("hash function"))
}

type Function = (Algorithm, unsafe extern "C" fn() -> *const EVP_MD, c_int);

const FUNCTIONS: [Function; 12] = [
    (Algorithm::Md5, EVP_md5, NID_md5),
    (Algorithm::Sha1, EVP_sha1, NID_sha1),
    (Algorithm::Sha224, EVP_sha224, NID_sha224),
    (Algorithm::Sha256, EVP_sha256, NID_sha256),
    (Algorithm::Sha384, EVP_sha384, NID_sha384),
    (Algorithm::Sha512, EVP_sha512, NID_sha512),
    (Algorithm::Sha512_224, EVP_sha512_224, NID_sha512_224),
    (Algorithm::Sha512_256, EVP_sha512_256, NID_sha512_256),
    (Algorithm::Sha3_224, EVP_sha3_224, NID_sha3_224),
    (Algorithm::Sha3_256, EVP_sha3_256, NID_sha3_256),
    (Algorithm::Sha3_384, EVP_sha3_384, NID_sha3_384),
    (Algorithm::Sha3_512, EVP_sha3_512, NID_sha3_512),
];
