//! The library calls our module ends in, made directly with everything kept that can be kept: the `limit` column, and
//! the reference that the modules' results are compared with. This is the other place with `unsafe` (see `module`).
//!
//! Here are ciphers, MACs and digests; below, key pairs, their signatures, and secrets that are shared.

pub(crate) mod pairs;
pub(crate) mod secrets;
pub(crate) mod signatures;

use std::ptr::{self, NonNull};

use aws_lc_sys as aws;

/// An object of the library, freed when dropped.
pub(crate) struct Owned<T> {
    pointer: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what the library made; `free` is what the library frees it with.
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Self {
        Self { pointer: NonNull::new(pointer).expect("what the library makes"), free }
    }

    #[inline]
    fn as_ptr(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: taken over from the library, freed once.
        unsafe { (self.free)(self.pointer.as_ptr()) };
    }
}

/// An AES-256-GCM key with its tables.
pub(crate) struct GcmKey(*mut aws::EVP_AEAD_CTX);

impl GcmKey {
    /// Prepares the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // SAFETY: the key is as long as this cipher wants it.
        let context = unsafe { aws::EVP_AEAD_CTX_new(aws::EVP_aead_aes_256_gcm(), key.as_ptr(), key.len(), 16) };
        assert!(!context.is_null(), "AES-256-GCM context");
        Self(context)
    }

    /// Ciphertext and tag; `output` has room for 16 bytes more than the data.
    #[inline]
    pub(crate) fn seal(&self, iv: &[u8; 12], data: &[u8], output: &mut [u8]) -> usize {
        let mut length = 0;
        // SAFETY: the context lives, and every pointer comes with the length of its slice.
        let is_done = unsafe {
            aws::EVP_AEAD_CTX_seal(
                self.0,
                output.as_mut_ptr(),
                &mut length,
                output.len(),
                iv.as_ptr(),
                iv.len(),
                data.as_ptr(),
                data.len(),
                ptr::null(),
                0,
            )
        };
        assert_eq!(is_done, 1, "AES-GCM seal");
        length
    }

    /// The inverse of [`Self::seal`].
    #[inline]
    pub(crate) fn open(&self, iv: &[u8; 12], sealed: &[u8], output: &mut [u8]) -> usize {
        let mut length = 0;
        // SAFETY: as in `seal`.
        let is_done = unsafe {
            aws::EVP_AEAD_CTX_open(
                self.0,
                output.as_mut_ptr(),
                &mut length,
                output.len(),
                iv.as_ptr(),
                iv.len(),
                sealed.as_ptr(),
                sealed.len(),
                ptr::null(),
                0,
            )
        };
        assert_eq!(is_done, 1, "AES-GCM open");
        length
    }
}

impl Drop for GcmKey {
    fn drop(&mut self) {
        // SAFETY: made by EVP_AEAD_CTX_new, freed once.
        unsafe { aws::EVP_AEAD_CTX_free(self.0) };
    }
}

/// An AES-256 key schedule in both directions.
pub(crate) struct AesKey {
    encrypt: aws::AES_KEY,
    decrypt: aws::AES_KEY,
}

impl AesKey {
    /// Expands the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let empty = aws::AES_KEY { rd_key: [0; 60], rounds: 0 };
        let mut schedules = Self { encrypt: empty, decrypt: empty };
        // SAFETY: 256 bits are read from 32 bytes; the schedules are of the library's own type.
        let results = unsafe {
            [
                aws::AES_set_encrypt_key(key.as_ptr(), 256, &mut schedules.encrypt),
                aws::AES_set_decrypt_key(key.as_ptr(), 256, &mut schedules.decrypt),
            ]
        };
        assert_eq!(results, [0, 0], "AES key schedules");
        schedules
    }

    /// CBC over whole blocks.
    #[inline]
    pub(crate) fn cbc_encrypt(&self, iv: &[u8; 16], data: &[u8], output: &mut [u8]) {
        self.cbc(&self.encrypt, iv, data, output, 1);
    }

    /// The inverse of [`Self::cbc_encrypt`].
    #[inline]
    pub(crate) fn cbc_decrypt(&self, iv: &[u8; 16], data: &[u8], output: &mut [u8]) {
        self.cbc(&self.decrypt, iv, data, output, 0);
    }

    #[inline]
    fn cbc(&self, schedule: &aws::AES_KEY, iv: &[u8; 16], data: &[u8], output: &mut [u8], direction: i32) {
        assert!(data.len().is_multiple_of(16) && output.len() >= data.len(), "whole blocks and room for them");
        let mut chain = *iv;
        // SAFETY: the assertion above holds; the chaining value is one block.
        unsafe {
            aws::AES_cbc_encrypt(
                data.as_ptr(),
                output.as_mut_ptr(),
                data.len(),
                schedule,
                chain.as_mut_ptr(),
                direction,
            );
        }
    }

    /// CTR with a 128-bit big-endian counter.
    #[inline]
    pub(crate) fn ctr(&self, start: &[u8; 16], data: &[u8], output: &mut [u8]) {
        assert!(output.len() >= data.len(), "room for the output");
        let (mut counter, mut stream, mut used) = (*start, [0; 16], 0);
        // SAFETY: the assertion above holds; counter and key stream are one block each.
        unsafe {
            aws::AES_ctr128_encrypt(
                data.as_ptr(),
                output.as_mut_ptr(),
                data.len(),
                &self.encrypt,
                counter.as_mut_ptr(),
                stream.as_mut_ptr(),
                &mut used,
            );
        }
    }
}

/// A three-key DES key schedule.
pub(crate) struct TripleDesKey([aws::DES_key_schedule; 3]);

impl TripleDesKey {
    /// Expands the key.
    pub(crate) fn new(key: &[u8; 24]) -> Self {
        let mut schedules = [aws::DES_key_schedule::default(); 3];
        let (parts, _) = key.as_chunks::<8>();
        for (part, schedule) in parts.iter().zip(&mut schedules) {
            let block = aws::DES_cblock { bytes: *part };
            // SAFETY: both are of the library's own types.
            unsafe { aws::DES_set_key_unchecked(&block, schedule) };
        }
        Self(schedules)
    }

    /// CBC over whole blocks.
    #[inline]
    pub(crate) fn cbc_encrypt(&self, iv: &[u8; 8], data: &[u8], output: &mut [u8]) {
        assert!(data.len().is_multiple_of(8) && output.len() >= data.len(), "whole blocks and room for them");
        let [first, second, third] = &self.0;
        let mut chain = aws::DES_cblock { bytes: *iv };
        // SAFETY: the assertion above holds; schedules and chaining value are of the library's own types.
        unsafe {
            aws::DES_ede3_cbc_encrypt(
                data.as_ptr(),
                output.as_mut_ptr(),
                data.len(),
                first,
                second,
                third,
                &mut chain,
                1,
            );
        }
    }
}

/// HMAC-SHA-256 with the key's two hashed blocks kept.
pub(crate) struct HmacKey(*mut aws::HMAC_CTX);

impl HmacKey {
    /// Hashes the key's two blocks.
    pub(crate) fn new(key: &[u8]) -> Self {
        // SAFETY: the context is new, and the key comes with its length.
        let context = unsafe {
            let context = aws::HMAC_CTX_new();
            assert!(!context.is_null(), "HMAC context");
            let is_done =
                aws::HMAC_Init_ex(context, key.as_ptr().cast(), key.len(), aws::EVP_sha256(), ptr::null_mut());
            assert_eq!(is_done, 1, "HMAC key");
            context
        };
        Self(context)
    }

    /// One message's MAC.
    #[inline]
    pub(crate) fn sign(&mut self, data: &[u8], output: &mut [u8; 32]) {
        let mut length = 0;
        // SAFETY: the context has a key; no key given again means the same one; the output is a SHA-256 long.
        let results = unsafe {
            [
                aws::HMAC_Init_ex(self.0, ptr::null(), 0, ptr::null(), ptr::null_mut()),
                aws::HMAC_Update(self.0, data.as_ptr(), data.len()),
                aws::HMAC_Final(self.0, output.as_mut_ptr(), &mut length),
            ]
        };
        assert_eq!(results, [1, 1, 1], "HMAC");
    }
}

impl Drop for HmacKey {
    fn drop(&mut self) {
        // SAFETY: made by HMAC_CTX_new, freed once.
        unsafe { aws::HMAC_CTX_free(self.0) };
    }
}

/// AES-256-CMAC with its subkeys kept.
pub(crate) struct CmacKey(*mut aws::CMAC_CTX);

impl CmacKey {
    /// Prepares the key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // SAFETY: the context is new, and the key is as long as this cipher wants it.
        let context = unsafe {
            let context = aws::CMAC_CTX_new();
            assert!(!context.is_null(), "CMAC context");
            let is_done =
                aws::CMAC_Init(context, key.as_ptr().cast(), key.len(), aws::EVP_aes_256_cbc(), ptr::null_mut());
            assert_eq!(is_done, 1, "CMAC key");
            context
        };
        Self(context)
    }

    /// One message's MAC.
    #[inline]
    pub(crate) fn sign(&mut self, data: &[u8], output: &mut [u8; 16]) {
        let mut length = 0;
        // SAFETY: the context has a key; the output is one block long.
        let results = unsafe {
            [
                aws::CMAC_Reset(self.0),
                aws::CMAC_Update(self.0, data.as_ptr(), data.len()),
                aws::CMAC_Final(self.0, output.as_mut_ptr(), &mut length),
            ]
        };
        assert_eq!(results, [1, 1, 1], "CMAC");
    }
}

impl Drop for CmacKey {
    fn drop(&mut self) {
        // SAFETY: made by CMAC_CTX_new, freed once.
        unsafe { aws::CMAC_CTX_free(self.0) };
    }
}

/// SHA-256 of a message.
#[inline]
pub(crate) fn sha256(data: &[u8], output: &mut [u8; 32]) {
    // SAFETY: the message comes with its length; the output is as long as the digest.
    unsafe { aws::SHA256(data.as_ptr(), data.len(), output.as_mut_ptr()) };
}

/// SHA-512 of a message.
#[inline]
pub(crate) fn sha512(data: &[u8], output: &mut [u8; 64]) {
    // SAFETY: the message comes with its length; the output is as long as the digest.
    unsafe { aws::SHA512(data.as_ptr(), data.len(), output.as_mut_ptr()) };
}

/// So many random bytes.
fn random_array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // SAFETY: the output comes with its length.
    assert_eq!(unsafe { aws::RAND_bytes(bytes.as_mut_ptr(), bytes.len()) }, 1, "random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The references themselves, against published values: FIPS 180-2, RFC 4231 case 2, SP 800-38A F.2.5 and F.5.5,
    /// SP 800-38B D.3, SP 800-67 (first edition) B.1, the GCM specification's case 14.
    #[test]
    fn references_give_published_values() {
        let (mut short, mut long) = ([0; 32], [0; 64]);
        sha256(b"abc", &mut short);
        assert_eq!(hex(&short), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        sha512(b"abc", &mut long);
        assert!(hex(&long).starts_with("ddaf35a193617abacc417349ae204131"));
        HmacKey::new(b"Jefe").sign(b"what do ya want for nothing?", &mut short);
        assert_eq!(hex(&short), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

        let key = bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
        let block: [u8; 16] = bytes("6bc1bee22e409f96e93d7e117393172a");
        let (mut output, mut back) = ([0; 16], [0; 16]);
        let aes = AesKey::new(&key);
        let iv = bytes("000102030405060708090a0b0c0d0e0f");
        aes.cbc_encrypt(&iv, &block, &mut output);
        assert_eq!(hex(&output), "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
        aes.cbc_decrypt(&iv, &output, &mut back);
        assert_eq!(back, block);
        aes.ctr(&bytes("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), &block, &mut output);
        assert_eq!(hex(&output), "601ec313775789a5b7a7f504bbf3d228");
        CmacKey::new(&key).sign(&block, &mut output);
        assert_eq!(hex(&output), "28a7023f452e8f82bd4bf28d8c37c35c");

        let des = TripleDesKey::new(&bytes("0123456789abcdef23456789abcdef01456789abcdef0123"));
        des.cbc_encrypt(&[0; 8], b"The qufc", &mut output);
        assert_eq!(hex(&output[..8]), "a826fd8ce53b855f");

        let mut sealed = [0; 32];
        assert_eq!(GcmKey::new(&[0; 32]).seal(&[0; 12], &[0; 16], &mut sealed), 32);
        assert_eq!(hex(&sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
        assert_eq!(GcmKey::new(&[0; 32]).open(&[0; 12], &sealed, &mut back), 16);
        assert_eq!(back, [0; 16]);
    }

    pub(super) fn hex(data: &[u8]) -> String {
        data.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn bytes<const N: usize>(text: &str) -> [u8; N] {
        let mut value = [0; N];
        for (index, byte) in value.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).expect("hexadecimal");
        }
        value
    }
}
