//! ECDSA and ECDH over AWS-LC.
//!
//! An EC_KEY is complete when it is made and then only read, by any number of threads at once. The library keeps it in
//! its own memory, not in the locked one, and wipes that when it frees it.

use std::ptr::{self, NonNull};

use aws_lc_sys::{
    BIGNUM, BN_bin2bn, BN_bn2bin_padded, BN_clear_free, CBS, EC_GROUP, EC_GROUP_get_curve_name, EC_KEY, EC_KEY_free,
    EC_KEY_get0_group, EC_KEY_get0_private_key, EC_KEY_get0_public_key, EC_KEY_new_by_curve_name,
    EC_KEY_parse_parameters, EC_KEY_set_private_key, EC_KEY_set_public_key, EC_POINT, EC_POINT_free,
    EC_POINT_is_at_infinity, EC_POINT_mul, EC_POINT_new, EC_POINT_oct2point, EC_POINT_point2oct, ECDH_compute_key,
    ECDSA_SIG, ECDSA_SIG_free, ECDSA_SIG_get0_r, ECDSA_SIG_get0_s, ECDSA_SIG_new, ECDSA_SIG_set0, ECDSA_do_sign,
    ECDSA_do_verify, point_conversion_form_t,
};

use super::{Curve, NOT_A_POINT, OUT_OF_RANGE};
use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::SecretBytes;

pub(super) struct PublicKey {
    key: Key,
}

impl PublicKey {
    pub(super) fn from_point(curve: Curve, point: &[u8]) -> Result<PublicKey, Error> {
        let key = Key::new(curve)?;
        let point = key.point(point)?;
        PublicKey::with_point(key, &point)
    }

    fn with_point(key: Key, point: &Point) -> Result<PublicKey, Error> {
        // SAFETY: the key takes a copy of the point, and nobody else has the key yet.
        let done = unsafe { EC_KEY_set_public_key(key.0.as_ptr(), point.0.as_ptr()) };
        if done == 1 { Ok(PublicKey { key }) } else { Err(failed("EC_KEY_set_public_key")) }
    }

    /// Writes the uncompressed point into exactly its length.
    pub(super) fn write_uncompressed(&self, out: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the key has a point, and the output is writable for its length.
        let written = unsafe {
            EC_POINT_point2oct(
                self.key.group(),
                EC_KEY_get0_public_key(self.key.0.as_ptr()),
                UNCOMPRESSED,
                out.as_mut_ptr(),
                out.len(),
                ptr::null_mut(),
            )
        };
        if written == out.len() { Ok(()) } else { Err(failed("EC_POINT_point2oct")) }
    }

    pub(super) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Result<(), Error> {
        let signature = Signature::from_numbers(Number::new(r)?, Number::new(s)?)?;
        // SAFETY: the digest is readable for its length, signature and key are whole and only read.
        let good = unsafe { ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.0.as_ptr(), self.key.0.as_ptr()) };
        if good == 1 {
            Ok(())
        } else {
            clear_errors();
            Err(Error::Authentication)
        }
    }
}

pub(super) struct PrivateKey {
    key: Key,
}

impl PrivateKey {
    /// The key of at most as many bytes as the order has.
    pub(super) fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<PrivateKey, Error> {
        let key = Key::new(curve)?;
        let number = Number::new(scalar)?;
        // SAFETY: the key takes a copy of the number, and nobody else has the key yet.
        if unsafe { EC_KEY_set_private_key(key.0.as_ptr(), number.0.as_ptr()) } == 1 {
            Ok(PrivateKey { key })
        } else {
            clear_errors();
            Err(Error::KeyValue(OUT_OF_RANGE))
        }
    }

    pub(super) fn scalar(&self, curve: Curve) -> Result<SecretBytes, Error> {
        let mut scalar = SecretBytes::zeroed(curve.order_bytes())?;
        // SAFETY: the key has a private number, which lives as long as the key.
        unsafe { write_number(EC_KEY_get0_private_key(self.key.0.as_ptr()), scalar.expose_mut()) }?;
        Ok(scalar)
    }

    pub(super) fn public(&self, curve: Curve) -> Result<PublicKey, Error> {
        let key = Key::new(curve)?;
        let point = Point::new(&key)?;
        // SAFETY: the group and the point are the key's curve's, and the private number lives as long as its key. The
        // library multiplies the base point by numbers below the order in constant time.
        let done = unsafe {
            EC_POINT_mul(
                key.group(),
                point.0.as_ptr(),
                EC_KEY_get0_private_key(self.key.0.as_ptr()),
                ptr::null(),
                ptr::null(),
                ptr::null_mut(),
            )
        };
        if done != 1 {
            return Err(failed("EC_POINT_mul"));
        }
        PublicKey::with_point(key, &point)
    }

    /// Writes r and s, each into half of the output.
    pub(super) fn sign(&self, digest: &[u8], out: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the digest is readable for its length, the key has its private number and is only read.
        let signature = unsafe { ECDSA_do_sign(digest.as_ptr(), digest.len(), self.key.0.as_ptr()) };
        let signature = Signature(NonNull::new(signature).ok_or_else(|| failed("ECDSA_do_sign"))?);
        let (r, s) = out.split_at_mut(out.len() / 2);
        // SAFETY: both numbers live as long as the signature.
        unsafe {
            write_number(ECDSA_SIG_get0_r(signature.0.as_ptr()), r)?;
            write_number(ECDSA_SIG_get0_s(signature.0.as_ptr()), s)
        }
    }

    pub(super) fn agree(&self, curve: Curve, peer_point: &[u8]) -> Result<SecretBytes, Error> {
        let peer = self.key.point(peer_point)?;
        let mut secret = SecretBytes::zeroed(curve.field_bytes())?;
        let out = secret.expose_mut();
        // SAFETY: the output is writable for its length; point and key are of one curve and only read.
        let written =
            unsafe { ECDH_compute_key(out.as_mut_ptr().cast(), out.len(), peer.0.as_ptr(), self.key.0.as_ptr(), None) };
        if usize::try_from(written) == Ok(curve.field_bytes()) { Ok(secret) } else { Err(failed("ECDH_compute_key")) }
    }
}

/// The library's number for the curve whose explicit ECParameters (SEC 1 C.2) are all of `der`.
pub(super) fn number_of_explicit_parameters(der: &[u8]) -> Option<i32> {
    let mut rest = CBS { data: der.as_ptr(), len: der.len() };
    // SAFETY: the bytes outlive the calls; the group is null or one of the library's static ones.
    let number = unsafe {
        let group = EC_KEY_parse_parameters(&mut rest);
        if group.is_null() { None } else { Some(EC_GROUP_get_curve_name(group)) }
    };
    if number.is_none() {
        clear_errors();
    }
    number.filter(|_| rest.len == 0)
}

struct Key(NonNull<EC_KEY>);

// SAFETY: the key owns what it points to, bound to no thread.
unsafe impl Send for Key {}
// SAFETY: nothing changes a key after it is made; signing, verifying, agreeing and reading take it by const pointer.
unsafe impl Sync for Key {}

impl Key {
    fn new(curve: Curve) -> Result<Key, Error> {
        // SAFETY: takes a number, gives an owned key or null.
        let key = unsafe { EC_KEY_new_by_curve_name(curve.library_number()) };
        NonNull::new(key).map(Key).ok_or_else(no_memory)
    }

    fn group(&self) -> *const EC_GROUP {
        // SAFETY: every key has its group from the start.
        unsafe { EC_KEY_get0_group(self.0.as_ptr()) }
    }

    /// The point of the key's curve that these bytes encode. The library checks the lengths, that coordinates are below
    /// the field's prime and that they fulfil the equation; infinity it would take.
    fn point(&self, bytes: &[u8]) -> Result<Point, Error> {
        let point = Point::new(self)?;
        // SAFETY: group and point are of one curve; the bytes are readable for their length.
        let good = unsafe {
            EC_POINT_oct2point(self.group(), point.0.as_ptr(), bytes.as_ptr(), bytes.len(), ptr::null_mut()) == 1
                && EC_POINT_is_at_infinity(self.group(), point.0.as_ptr()) == 0
        };
        if good {
            Ok(point)
        } else {
            clear_errors();
            Err(Error::KeyValue(NOT_A_POINT))
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the key is owned and not used again; the library wipes it.
        unsafe { EC_KEY_free(self.0.as_ptr()) };
    }
}

struct Point(NonNull<EC_POINT>);

impl Point {
    fn new(key: &Key) -> Result<Point, Error> {
        // SAFETY: the group is valid; gives an owned point or null.
        NonNull::new(unsafe { EC_POINT_new(key.group()) }).map(Point).ok_or_else(no_memory)
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY: the point is owned and not used again.
        unsafe { EC_POINT_free(self.0.as_ptr()) };
    }
}

struct Number(NonNull<BIGNUM>);

impl Number {
    fn new(bytes: &[u8]) -> Result<Number, Error> {
        // SAFETY: the bytes are readable for their length; gives an owned number or null.
        let number = unsafe { BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) };
        NonNull::new(number).map(Number).ok_or_else(no_memory)
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the number is owned and not used again.
        unsafe { BN_clear_free(self.0.as_ptr()) };
    }
}

struct Signature(NonNull<ECDSA_SIG>);

impl Signature {
    fn from_numbers(r: Number, s: Number) -> Result<Signature, Error> {
        // SAFETY: gives an owned signature or null.
        let signature = Signature(NonNull::new(unsafe { ECDSA_SIG_new() }).ok_or_else(no_memory)?);
        // SAFETY: the signature takes over both numbers, which are not null, so the call does not fail.
        unsafe { ECDSA_SIG_set0(signature.0.as_ptr(), r.0.as_ptr(), s.0.as_ptr()) };
        std::mem::forget((r, s));
        Ok(signature)
    }
}

impl Drop for Signature {
    fn drop(&mut self) {
        // SAFETY: the signature is owned and not used again.
        unsafe { ECDSA_SIG_free(self.0.as_ptr()) };
    }
}

/// Writes a number, filled up with zeros on the left, in time that depends on the length only.
///
/// # Safety
///
/// `number` points to a number.
unsafe fn write_number(number: *const BIGNUM, out: &mut [u8]) -> Result<(), Error> {
    // SAFETY: the number is the caller's promise; the output is writable for its length.
    if unsafe { BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number) } == 1 {
        Ok(())
    } else {
        Err(failed("BN_bn2bin_padded"))
    }
}

fn no_memory() -> Error {
    clear_errors();
    Error::Memory
}

fn failed(call: &'static str) -> Error {
    clear_errors();
    Error::Library(call)
}

const UNCOMPRESSED: point_conversion_form_t = point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
