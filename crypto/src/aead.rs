//! AES-256-GCM for records at rest: one key, one nonce, one call.
//!
//! The seal floor above wraps keys and authenticates attributes with it; PKCS#11's own GCM operations are in
//! [`cipher`](crate::cipher).

use aws_lc_sys::EVP_aead_aes_256_gcm;

use crate::Error;
use crate::cipher::evp::AeadContext;
use crate::memory::SecretBytes;

/// A prepared AES-256-GCM key. Shared by any number of threads, wiped when dropped.
pub struct Key {
    context: AeadContext,
}

impl Key {
    /// Expands the key. [`Error::Memory`] when there is no memory for it.
    pub fn new(key: &[u8; KEY_LEN]) -> Result<Key, Error> {
        // SAFETY: returns a pointer to a static method table.
        let method = unsafe { EVP_aead_aes_256_gcm() };
        Ok(Key { context: AeadContext::new(method, key)? })
    }

    /// Encrypts `plaintext` and appends ciphertext and tag ([`TAG_LEN`] bytes more than the plaintext) to `out`.
    ///
    /// A nonce must never meet the same key twice. [`Error::Memory`] when `out` cannot grow, [`Error::DataLength`]
    /// when the data is longer than GCM allows; `out` is unchanged then.
    pub fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let sealed_len = plaintext.len().checked_add(TAG_LEN).ok_or(Error::DataLength)?;
        out.try_reserve(sealed_len).map_err(|_| Error::Memory)?;
        out.resize(start + sealed_len, 0);
        let (ciphertext, tag) = out[start..].split_at_mut(plaintext.len());
        let sealed = self.context.seal(nonce, aad, plaintext, ciphertext, tag);
        if sealed.is_err() {
            out.truncate(start);
        }
        sealed
    }

    /// Checks and decrypts what [`Key::seal`] appended.
    ///
    /// [`Error::Authentication`] if key, nonce, associated data or ciphertext is not the one sealed, whatever the
    /// difference; [`Error::Memory`].
    pub fn open(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, Error> {
        let (ciphertext, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(Error::Authentication)?;
        let mut plaintext = SecretBytes::zeroed(ciphertext.len())?;
        self.context.open(nonce, aad, ciphertext, tag, plaintext.expose_mut())?;
        Ok(plaintext)
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("aead::Key")
    }
}

/// [`Key::seal`] with a key that is used once.
pub fn seal(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    plaintext: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    Key::new(key)?.seal(nonce, aad, plaintext, out)
}

/// [`Key::open`] with a key that is used once.
pub fn open(key: &[u8; KEY_LEN], nonce: &[u8; NONCE_LEN], aad: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, Error> {
    Key::new(key)?.open(nonce, aad, ciphertext)
}

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes a sealed record is longer than its plaintext.
pub const TAG_LEN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::hex;

    fn array<const N: usize>(text: &str) -> [u8; N] {
        hex(text).try_into().expect("length")
    }

    /// Test cases 13, 14 and 16 of the GCM specification submitted to NIST.
    #[test]
    fn nist_vectors() {
        let zero_key = [0; 32];
        let long_key = array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let cases: [([u8; 32], &str, &str, &str, &str); 3] = [
            (zero_key, "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
            (
                zero_key,
                "000000000000000000000000",
                "",
                "00000000000000000000000000000000",
                "cea7403d4d606b6e074ec5d3baf39d18 d0d1c8a799996bf0265b98b5d48ab919",
            ),
            (
                long_key,
                "cafebabefacedbaddecaf888",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
                 8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
                 76fc6ece0f4e1768cddf8853bb2d551b",
            ),
        ];
        for (key, nonce, aad, plaintext, sealed) in cases {
            let (nonce, aad, plaintext, sealed) = (array(nonce), hex(aad), hex(plaintext), hex(sealed));
            let mut out = b"before".to_vec();
            seal(&key, &nonce, &aad, &plaintext, &mut out).expect("sealed");
            assert_eq!(out.strip_prefix(b"before"), Some(&sealed[..]));
            assert_eq!(open(&key, &nonce, &aad, &sealed).expect("opened").expose(), plaintext);
        }
    }

    #[test]
    fn any_change_is_refused() {
        let key = Key::new(&[7; 32]).expect("memory");
        let mut sealed = Vec::new();
        key.seal(&[1; 12], b"aad", b"secret", &mut sealed).expect("sealed");
        let refused = |nonce, aad, ciphertext: &[u8]| {
            assert_eq!(key.open(nonce, aad, ciphertext).err(), Some(Error::Authentication));
        };
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            refused(&[1; 12], b"aad", &changed);
        }
        for len in 0..sealed.len() {
            refused(&[1; 12], b"aad", &sealed[..len]);
        }
        refused(&[2; 12], b"aad", &sealed);
        refused(&[1; 12], b"", &sealed);
        assert_eq!(
            Key::new(&[8; 32]).expect("memory").open(&[1; 12], b"aad", &sealed).err(),
            Some(Error::Authentication)
        );
        assert_eq!(key.open(&[1; 12], b"aad", &sealed).expect("opened").expose(), b"secret");
    }
}
