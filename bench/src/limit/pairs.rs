//! Key pairs of the library, new or of public numbers.

use std::ptr;

use aws_lc_sys as aws;

use super::Owned;

/// A new RSA pair with the exponent 65537.
pub(crate) fn rsa(bits: usize) -> Owned<aws::RSA> {
    // SAFETY: both objects are new; no progress is asked for.
    unsafe {
        let key = Owned::new(aws::RSA_new(), aws::RSA_free);
        let exponent = Owned::new(aws::BN_new(), aws::BN_free);
        let results = [
            aws::BN_set_word(exponent.as_ptr(), 65537),
            aws::RSA_generate_key_ex(key.as_ptr(), bits as i32, exponent.as_ptr(), ptr::null_mut()),
        ];
        assert_eq!(results, [1, 1], "RSA pair");
        key
    }
}

/// The RSA public key of these numbers.
pub(super) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Owned<aws::RSA> {
    let number = |bytes: &[u8]| {
        // SAFETY: the bytes come with their length.
        let number = unsafe { aws::BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) };
        Owned::new(number, aws::BN_free)
    };
    let (modulus, exponent) = (number(modulus), number(exponent));
    // SAFETY: the key takes copies of both numbers.
    Owned::new(unsafe { aws::RSA_new_public_key(modulus.as_ptr(), exponent.as_ptr()) }, aws::RSA_free)
}

/// A new pair on the curve of this number of the library.
pub(crate) fn ec(curve: i32) -> Owned<aws::EC_KEY> {
    // SAFETY: the key is new.
    unsafe {
        let key = Owned::new(aws::EC_KEY_new_by_curve_name(curve), aws::EC_KEY_free);
        assert_eq!(aws::EC_KEY_generate_key(key.as_ptr()), 1, "pair on a curve");
        key
    }
}

/// The public key with this point.
pub(super) fn ec_public(curve: i32, point: &[u8]) -> Owned<aws::EC_KEY> {
    // SAFETY: the key is new; the point comes with its length.
    unsafe {
        let key = Owned::new(aws::EC_KEY_new_by_curve_name(curve), aws::EC_KEY_free);
        let group = aws::EC_KEY_get0_group(key.as_ptr());
        let place = Owned::new(aws::EC_POINT_new(group), aws::EC_POINT_free);
        let results = [
            aws::EC_POINT_oct2point(group, place.as_ptr(), point.as_ptr(), point.len(), ptr::null_mut()),
            aws::EC_KEY_set_public_key(key.as_ptr(), place.as_ptr()),
        ];
        assert_eq!(results, [1, 1], "a point of the curve");
        key
    }
}

/// A new Ed25519 pair, which is thrown away.
pub(crate) fn ed25519() {
    let (mut public, mut private) = ([0; 32], [0; 64]);
    // SAFETY: both are as long as the library writes.
    unsafe { aws::ED25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
}

/// A new ML-DSA-65 pair.
pub(crate) fn ml_dsa_65() -> Owned<aws::EVP_PKEY> {
    generate(aws::EVP_PKEY_PQDSA, |context| {
        // SAFETY: the context is one for this kind of key.
        unsafe { aws::EVP_PKEY_CTX_pqdsa_set_params(context, aws::NID_MLDSA65) }
    })
}

/// A new ML-KEM-768 pair.
pub(crate) fn ml_kem_768() -> Owned<aws::EVP_PKEY> {
    generate(aws::EVP_PKEY_KEM, |context| {
        // SAFETY: the context is one for this kind of key.
        unsafe { aws::EVP_PKEY_CTX_kem_set_params(context, aws::NID_MLKEM768) }
    })
}

fn generate(kind: i32, set: impl FnOnce(*mut aws::EVP_PKEY_CTX) -> i32) -> Owned<aws::EVP_PKEY> {
    let mut key = ptr::null_mut();
    // SAFETY: the context is new; the place takes one pointer.
    let results = unsafe {
        let context = Owned::new(aws::EVP_PKEY_CTX_new_id(kind, ptr::null_mut()), aws::EVP_PKEY_CTX_free);
        // Parameters come after the beginning.
        let begun = aws::EVP_PKEY_keygen_init(context.as_ptr());
        [begun, set(context.as_ptr()), aws::EVP_PKEY_keygen(context.as_ptr(), &mut key)]
    };
    assert_eq!(results, [1, 1, 1], "key pair");
    Owned::new(key, aws::EVP_PKEY_free)
}
