//! Secrets that two sides share or that one hands to the other: OAEP, Diffie-Hellman, ML-KEM, key wrap, HKDF.

use std::ptr;

use aws_lc_sys as aws;

use super::{AesKey, Owned, pairs};

/// An RSA pair ready for OAEP with SHA-1.
pub(crate) struct OaepKey {
    decryption: Owned<aws::EVP_PKEY_CTX>,
    encryption: Owned<aws::EVP_PKEY_CTX>,
}

impl OaepKey {
    /// A new pair.
    pub(crate) fn generate(bits: usize) -> Self {
        Self::of(&pairs::rsa(bits), true)
    }

    /// The public key of these numbers, which only encrypts.
    pub(crate) fn public(modulus: &[u8], exponent: &[u8]) -> Self {
        Self::of(&pairs::rsa_public(modulus, exponent), false)
    }

    fn of(rsa: &Owned<aws::RSA>, is_private: bool) -> Self {
        // SAFETY: everything is new or lives; the contexts take references of their own; the methods are static.
        unsafe {
            let key = Owned::new(aws::EVP_PKEY_new(), aws::EVP_PKEY_free);
            assert_eq!(aws::EVP_PKEY_set1_RSA(key.as_ptr(), rsa.as_ptr()), 1, "RSA envelope");
            let context = |is_decryption: bool| {
                let context = aws::EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut());
                let context = Owned::new(context, aws::EVP_PKEY_CTX_free);
                let init = if is_decryption { aws::EVP_PKEY_decrypt_init } else { aws::EVP_PKEY_encrypt_init };
                let results = [
                    init(context.as_ptr()),
                    aws::EVP_PKEY_CTX_set_rsa_padding(context.as_ptr(), aws::RSA_PKCS1_OAEP_PADDING),
                    aws::EVP_PKEY_CTX_set_rsa_oaep_md(context.as_ptr(), aws::EVP_sha1()),
                    aws::EVP_PKEY_CTX_set_rsa_mgf1_md(context.as_ptr(), aws::EVP_sha1()),
                ];
                assert_eq!(results, [1, 1, 1, 1], "OAEP context");
                context
            };
            Self { decryption: context(is_private), encryption: context(false) }
        }
    }

    /// Encrypts into a whole block and gives its length.
    pub(crate) fn encrypt(&self, data: &[u8], output: &mut [u8]) -> usize {
        let mut length = output.len();
        // SAFETY: the context is ready; both buffers come with their lengths.
        let is_done = unsafe {
            let (start, room) = (output.as_mut_ptr(), &mut length);
            aws::EVP_PKEY_encrypt(self.encryption.as_ptr(), start, room, data.as_ptr(), data.len())
        };
        assert_eq!(is_done, 1, "OAEP encryption");
        length
    }

    /// The inverse of [`Self::encrypt`].
    #[inline]
    pub(crate) fn decrypt(&self, data: &[u8], output: &mut [u8]) -> usize {
        let mut length = output.len();
        // SAFETY: the context is ready; both buffers come with their lengths.
        let is_done = unsafe {
            let (start, room) = (output.as_mut_ptr(), &mut length);
            aws::EVP_PKEY_decrypt(self.decryption.as_ptr(), start, room, data.as_ptr(), data.len())
        };
        assert_eq!(is_done, 1, "OAEP decryption");
        length
    }
}

/// A P-256 pair for Diffie-Hellman.
pub(crate) struct EcdhKey(Owned<aws::EC_KEY>);

impl EcdhKey {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        Self(pairs::ec(aws::NID_X9_62_prime256v1))
    }

    /// The uncompressed point.
    pub(crate) fn point(&self) -> [u8; 65] {
        let mut point = [0; 65];
        // SAFETY: the key lives and has group and point; the output comes with its length.
        let length = unsafe {
            aws::EC_POINT_point2oct(
                aws::EC_KEY_get0_group(self.0.as_ptr()),
                aws::EC_KEY_get0_public_key(self.0.as_ptr()),
                aws::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                point.as_mut_ptr(),
                point.len(),
                ptr::null_mut(),
            )
        };
        assert_eq!(length, point.len(), "a point");
        point
    }

    /// The shared secret with the owner of a point.
    #[inline]
    pub(crate) fn agree(&self, peer: &[u8]) -> [u8; 32] {
        let mut secret = [0_u8; 32];
        // SAFETY: group, point and key belong together; point and output come with their lengths.
        let written = unsafe {
            let group = aws::EC_KEY_get0_group(self.0.as_ptr());
            let point = Owned::new(aws::EC_POINT_new(group), aws::EC_POINT_free);
            let is_point = aws::EC_POINT_oct2point(group, point.as_ptr(), peer.as_ptr(), peer.len(), ptr::null_mut());
            assert_eq!(is_point, 1, "a point of the curve");
            let (start, room) = (secret.as_mut_ptr().cast(), secret.len());
            aws::ECDH_compute_key(start, room, point.as_ptr(), self.0.as_ptr(), None)
        };
        assert_eq!(written, 32, "shared secret");
        secret
    }
}

/// An X25519 pair.
pub(crate) struct X25519Key {
    private: [u8; 32],
    /// The public key.
    pub(crate) public: [u8; 32],
}

impl X25519Key {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        let mut pair = Self { private: [0; 32], public: [0; 32] };
        // SAFETY: both are as long as the library writes.
        unsafe { aws::X25519_keypair(pair.public.as_mut_ptr(), pair.private.as_mut_ptr()) };
        pair
    }

    /// The shared secret with the owner of a public key of 32 bytes.
    #[inline]
    pub(crate) fn agree(&self, peer: &[u8]) -> [u8; 32] {
        let mut secret = [0; 32];
        assert_eq!(peer.len(), 32, "a public key");
        // SAFETY: all three have 32 bytes.
        let is_done = unsafe { aws::X25519(secret.as_mut_ptr(), self.private.as_ptr(), peer.as_ptr()) };
        assert_eq!(is_done, 1, "shared secret");
        secret
    }
}

/// An ML-KEM-768 pair, or its public half.
pub(crate) struct MlKemKey {
    context: Owned<aws::EVP_PKEY_CTX>,
}

impl MlKemKey {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        Self::of(&pairs::ml_kem_768())
    }

    /// The public key of these bytes.
    pub(crate) fn public(bytes: &[u8]) -> Self {
        // SAFETY: the bytes come with their length.
        let key = unsafe { aws::EVP_PKEY_kem_new_raw_public_key(aws::NID_MLKEM768, bytes.as_ptr(), bytes.len()) };
        Self::of(&Owned::new(key, aws::EVP_PKEY_free))
    }

    fn of(key: &Owned<aws::EVP_PKEY>) -> Self {
        // SAFETY: the key lives; the context takes a reference of its own.
        let context = unsafe { aws::EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut()) };
        Self { context: Owned::new(context, aws::EVP_PKEY_CTX_free) }
    }

    /// A new shared secret, with its ciphertext in `ciphertext`.
    #[inline]
    pub(crate) fn encapsulate(&self, ciphertext: &mut [u8; ML_KEM_768_CIPHERTEXT_BYTES]) -> [u8; 32] {
        let (mut secret, mut bytes, mut room) = ([0; 32], 32, ciphertext.len());
        // SAFETY: the context has its key; both outputs come with their lengths.
        let is_done = unsafe {
            let (start, secret) = (ciphertext.as_mut_ptr(), secret.as_mut_ptr());
            aws::EVP_PKEY_encapsulate(self.context.as_ptr(), start, &mut room, secret, &mut bytes)
        };
        assert_eq!((is_done, room, bytes), (1, ciphertext.len(), 32), "encapsulation");
        secret
    }

    /// The shared secret of a ciphertext.
    #[inline]
    pub(crate) fn decapsulate(&self, ciphertext: &[u8]) -> [u8; 32] {
        let (mut secret, mut bytes) = ([0; 32], 32);
        // SAFETY: the context has its key; output and ciphertext come with their lengths.
        let is_done = unsafe {
            let (start, length) = (ciphertext.as_ptr(), ciphertext.len());
            aws::EVP_PKEY_decapsulate(self.context.as_ptr(), secret.as_mut_ptr(), &mut bytes, start, length)
        };
        assert_eq!((is_done, bytes), (1, 32), "decapsulation");
        secret
    }
}

/// Bytes of an ML-KEM-768 ciphertext (FIPS 203 §8).
pub(crate) const ML_KEM_768_CIPHERTEXT_BYTES: usize = 1088;

impl AesKey {
    /// RFC 3394 key wrap of a 32-byte key.
    #[inline]
    pub(crate) fn wrap(&self, data: &[u8; 32]) -> [u8; 40] {
        let mut output = [0; 40];
        // SAFETY: the output has 8 bytes more than the data; no initial value means the standard one.
        let written =
            unsafe { aws::AES_wrap_key(&self.encrypt, ptr::null(), output.as_mut_ptr(), data.as_ptr(), data.len()) };
        assert_eq!(written, 40, "key wrap");
        output
    }

    /// The inverse of [`Self::wrap`].
    #[inline]
    pub(crate) fn unwrap(&self, wrapped: &[u8; 40]) -> [u8; 32] {
        let mut output = [0; 32];
        // SAFETY: the output has 8 bytes fewer than what is wrapped; no initial value means the standard one.
        let written = unsafe {
            aws::AES_unwrap_key(&self.decrypt, ptr::null(), output.as_mut_ptr(), wrapped.as_ptr(), wrapped.len())
        };
        assert_eq!(written, 32, "key unwrap");
        output
    }
}

/// HKDF with SHA-256: extraction and expansion.
#[inline]
pub(crate) fn hkdf(secret: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    // SAFETY: every pointer comes with its length.
    let is_done = unsafe {
        aws::HKDF(
            output.as_mut_ptr(),
            output.len(),
            aws::EVP_sha256(),
            secret.as_ptr(),
            secret.len(),
            salt.as_ptr(),
            salt.len(),
            info.as_ptr(),
            info.len(),
        )
    };
    assert_eq!(is_done, 1, "HKDF");
    output
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bytes, hex};
    use super::*;

    /// RFC 3394 §4.6; RFC 5869 A.1, its first 32 bytes.
    #[test]
    fn references_give_published_values() {
        let key = AesKey::new(&bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
        let data = bytes("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
        let wrapped = key.wrap(&data);
        assert_eq!(hex(&wrapped), "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
        assert_eq!(key.unwrap(&wrapped), data);
        let output =
            hkdf(&[0x0b; 22], &bytes::<13>("000102030405060708090a0b0c"), &bytes::<10>("f0f1f2f3f4f5f6f7f8f9"));
        assert_eq!(hex(&output), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn both_sides_get_the_same_secret() {
        let (ours, theirs) = (EcdhKey::generate(), EcdhKey::generate());
        assert_eq!(ours.agree(&theirs.point()), theirs.agree(&ours.point()));
        let (ours, theirs) = (X25519Key::generate(), X25519Key::generate());
        assert_eq!(ours.agree(&theirs.public), theirs.agree(&ours.public));
        let (pair, mut ciphertext) = (MlKemKey::generate(), [0; ML_KEM_768_CIPHERTEXT_BYTES]);
        assert_eq!(pair.encapsulate(&mut ciphertext), pair.decapsulate(&ciphertext));
        let (pair, mut sealed, mut opened) = (OaepKey::generate(2048), [0; 256], [0; 256]);
        for _ in 0..2 {
            assert_eq!(pair.encrypt(b"a key", &mut sealed), 256);
            let length = pair.decrypt(&sealed, &mut opened);
            assert_eq!(&opened[..length], b"a key");
        }
    }
}
