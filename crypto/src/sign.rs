//! Ed25519 (RFC 8032): what users sign their records and approvals with.
//!
//! Signatures that PKCS#11 callers ask for are made elsewhere; this is for the HSM's own records.

use std::borrow::Cow;
use std::fmt;

use aws_lc_sys::{ED25519_keypair_from_seed, ED25519_sign, ED25519_verify};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::SecretBytes;

/// A private signing key, in locked memory.
pub struct SigningKey {
    /// Seed and public key, the form the library takes.
    private: SecretBytes,
    public: [u8; PUBLIC_LEN],
}

impl SigningKey {
    /// The key of a 32-byte seed, which is kept secret. [`Error::Memory`] when there is no memory for it.
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Result<SigningKey, Error> {
        let mut private = SecretBytes::zeroed(SEED_LEN + PUBLIC_LEN)?;
        let mut public = [0; PUBLIC_LEN];
        // SAFETY: the buffers have the 32, 64 and 32 bytes that the call writes and reads.
        unsafe {
            ED25519_keypair_from_seed(public.as_mut_ptr(), private.expose_mut().as_mut_ptr(), seed.as_ptr());
        }
        Ok(SigningKey { private, public })
    }

    /// The public key.
    pub fn verifying_key(&self) -> [u8; PUBLIC_LEN] {
        self.public
    }

    /// The signature of the concatenation of the parts. The same message has always the same signature.
    ///
    /// [`Error::Memory`] when the parts cannot be joined; [`Error::KeyValue`] in a forked child, where the key is gone.
    pub fn sign(&self, parts: &[&[u8]]) -> Result<[u8; SIGNATURE_LEN], Error> {
        let private = self.private.expose();
        // The second half is the public key, unless a fork has wiped it.
        if private.get(SEED_LEN..) != Some(&self.public[..]) {
            return Err(Error::KeyValue("wiped by a fork"));
        }
        let message = joined(parts)?;
        let mut signature = [0; SIGNATURE_LEN];
        // SAFETY: the message is readable for its length, the key has 64 bytes and so has the signature.
        let done = unsafe { ED25519_sign(signature.as_mut_ptr(), message.as_ptr(), message.len(), private.as_ptr()) };
        if done == 1 {
            Ok(signature)
        } else {
            clear_errors();
            Err(Error::Library("ED25519_sign"))
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// Checks a signature over the concatenation of the parts.
///
/// [`Error::Authentication`] if it is not that key's, or the key is not a point of the curve; [`Error::Memory`] when
/// the parts cannot be joined.
pub fn verify(public: &[u8; PUBLIC_LEN], parts: &[&[u8]], signature: &[u8; SIGNATURE_LEN]) -> Result<(), Error> {
    let message = joined(parts)?;
    // SAFETY: the message is readable for its length, the signature and the key have their fixed lengths.
    let good = unsafe { ED25519_verify(message.as_ptr(), message.len(), signature.as_ptr(), public.as_ptr()) };
    if good == 1 {
        Ok(())
    } else {
        clear_errors();
        Err(Error::Authentication)
    }
}

/// Bytes of a seed.
pub const SEED_LEN: usize = 32;
/// Bytes of a public key.
pub const PUBLIC_LEN: usize = 32;
/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

/// Ed25519 reads the message twice, so the library wants it in one piece.
fn joined<'a>(parts: &[&'a [u8]]) -> Result<Cow<'a, [u8]>, Error> {
    if let [part] = parts {
        return Ok(Cow::Borrowed(part));
    }
    let len = parts.iter().try_fold(0usize, |sum, part| sum.checked_add(part.len())).ok_or(Error::Memory)?;
    let mut message = Vec::new();
    message.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    parts.iter().for_each(|part| message.extend_from_slice(part));
    Ok(Cow::Owned(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::{check_in_child, hex};

    /// RFC 8032 §7.1, tests 1 to 3.
    #[test]
    fn rfc_8032_vectors() {
        let cases = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                "",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (seed, public, message, signature) in cases {
            let key = SigningKey::from_seed(&hex(seed).try_into().expect("32 bytes")).expect("memory");
            let (message, signature) = (hex(message), hex(signature));
            assert_eq!(key.verifying_key(), *hex(public));
            assert_eq!(key.sign(&[&message]).expect("signed"), *signature);
            let (start, end) = message.split_at(message.len() / 2);
            assert_eq!(key.sign(&[start, b"", end]).expect("signed"), *signature);
            let signature: [u8; 64] = signature.try_into().expect("64 bytes");
            assert_eq!(verify(&key.verifying_key(), &[start, end], &signature), Ok(()));
        }
    }

    #[test]
    fn any_change_is_refused() {
        let key = SigningKey::from_seed(&[5; 32]).expect("memory");
        let (public, signature) = (key.verifying_key(), key.sign(&[b"message"]).expect("signed"));
        for bit in 0..512 {
            let mut changed = signature;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(verify(&public, &[b"message"], &changed), Err(Error::Authentication));
        }
        assert_eq!(verify(&public, &[b"messagf"], &signature), Err(Error::Authentication));
        assert_eq!(verify(&public, &[], &signature), Err(Error::Authentication));
        assert_eq!(verify(&[0xff; 32], &[b"message"], &signature), Err(Error::Authentication));
    }

    #[test]
    fn a_forked_child_cannot_sign_but_can_verify() {
        let key = SigningKey::from_seed(&[5; 32]).expect("memory");
        let signature = key.sign(&[b"message"]).expect("signed");
        check_in_child(|| {
            key.sign(&[b"message"]) == Err(Error::KeyValue("wiped by a fork"))
                && verify(&key.verifying_key(), &[b"message"], &signature) == Ok(())
        });
        assert_eq!(key.sign(&[b"message"]), Ok(signature));
    }
}
