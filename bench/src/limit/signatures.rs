//! Signatures of key pairs, by the library that ours come from: AWS-LC, and the crates `k256` and `fips205`.

use std::ffi::c_uint;
use std::ptr;

use aws_lc_sys as aws;
use fips205::slh_dsa_sha2_128f as slh;
use fips205::traits::{KeyGen as _, SerDes as _, Signer as _, Verifier as _};
use k256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};

use super::{Owned, random_array};

/// A key pair that is kept, or its public half.
pub(crate) trait Signer {
    /// Signs a digest or message and gives the length of the signature.
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize;

    /// Whether this is a signature of the digest or message.
    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool;
}

/// How an RSA signature pads a SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RsaPadding {
    /// PKCS #1 v1.5.
    Pkcs1,
    /// PSS with SHA-256 throughout and a salt as long.
    Pss,
}

/// RSA.
pub(crate) struct Rsa {
    key: Owned<aws::RSA>,
    padding: RsaPadding,
}

impl Rsa {
    /// A new pair with the exponent 65537.
    pub(crate) fn generate(bits: usize, padding: RsaPadding) -> Self {
        Self { key: super::pairs::rsa(bits), padding }
    }

    /// The public key of these numbers.
    pub(crate) fn public(modulus: &[u8], exponent: &[u8], padding: RsaPadding) -> Self {
        Self { key: super::pairs::rsa_public(modulus, exponent), padding }
    }
}

impl Signer for Rsa {
    #[inline]
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize {
        let key = self.key.as_ptr();
        let (mut short, mut long): (c_uint, usize) = (0, 0);
        // SAFETY: the key lives; message and output come with their lengths, or the output holds a whole signature.
        let is_done = unsafe {
            match self.padding {
                RsaPadding::Pkcs1 => {
                    assert!(output.len() >= aws::RSA_size(key) as usize, "room for a signature");
                    aws::RSA_sign(
                        aws::NID_sha256,
                        message.as_ptr(),
                        message.len(),
                        output.as_mut_ptr(),
                        &mut short,
                        key,
                    )
                }
                RsaPadding::Pss => aws::RSA_sign_pss_mgf1(
                    key,
                    &mut long,
                    output.as_mut_ptr(),
                    output.len(),
                    message.as_ptr(),
                    message.len(),
                    aws::EVP_sha256(),
                    aws::EVP_sha256(),
                    32,
                ),
            }
        };
        assert_eq!(is_done, 1, "RSA signature");
        short as usize + long
    }

    #[inline]
    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool {
        let key = self.key.as_ptr();
        let (data, length) = (message.as_ptr(), message.len());
        // SAFETY: the key lives; message and signature come with their lengths.
        let is_good = unsafe {
            match self.padding {
                RsaPadding::Pkcs1 => {
                    aws::RSA_verify(aws::NID_sha256, data, length, signature.as_ptr(), signature.len(), key)
                }
                RsaPadding::Pss => aws::RSA_verify_pss_mgf1(
                    key,
                    data,
                    length,
                    aws::EVP_sha256(),
                    aws::EVP_sha256(),
                    32,
                    signature.as_ptr(),
                    signature.len(),
                ),
            }
        };
        is_good == 1
    }
}

/// ECDSA over a curve of AWS-LC.
pub(crate) struct Ecdsa {
    key: Owned<aws::EC_KEY>,
    half_bytes: usize,
}

impl Ecdsa {
    /// A new pair on the curve of this number of the library, whose order has so many bytes.
    pub(crate) fn generate(curve: i32, half_bytes: usize) -> Self {
        Self { key: super::pairs::ec(curve), half_bytes }
    }

    /// The public key with this uncompressed point.
    pub(crate) fn public(curve: i32, half_bytes: usize, point: &[u8]) -> Self {
        Self { key: super::pairs::ec_public(curve, point), half_bytes }
    }
}

impl Signer for Ecdsa {
    #[inline]
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize {
        let (first, rest) = output.split_at_mut(self.half_bytes);
        let second = rest.get_mut(..self.half_bytes).expect("room for a signature");
        // SAFETY: key and signature live, the message comes with its length, and each half with its own.
        let results = unsafe {
            let signature = aws::ECDSA_do_sign(message.as_ptr(), message.len(), self.key.as_ptr());
            let signature = Owned::new(signature, aws::ECDSA_SIG_free);
            let (r, s) = (aws::ECDSA_SIG_get0_r(signature.as_ptr()), aws::ECDSA_SIG_get0_s(signature.as_ptr()));
            [
                aws::BN_bn2bin_padded(first.as_mut_ptr(), first.len(), r),
                aws::BN_bn2bin_padded(second.as_mut_ptr(), second.len(), s),
            ]
        };
        assert_eq!(results, [1, 1], "ECDSA signature");
        2 * self.half_bytes
    }

    #[inline]
    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool {
        let Some((r, s)) = signature.split_at_checked(self.half_bytes) else {
            return false;
        };
        // SAFETY: the halves and the message come with their lengths; the signature takes over both numbers.
        unsafe {
            let numbers = Owned::new(aws::ECDSA_SIG_new(), aws::ECDSA_SIG_free);
            let (r, s) = (
                aws::BN_bin2bn(r.as_ptr(), r.len(), ptr::null_mut()),
                aws::BN_bin2bn(s.as_ptr(), s.len(), ptr::null_mut()),
            );
            aws::ECDSA_SIG_set0(numbers.as_ptr(), r, s) == 1
                && aws::ECDSA_do_verify(message.as_ptr(), message.len(), numbers.as_ptr(), self.key.as_ptr()) == 1
        }
    }
}

/// ECDSA over secp256k1, of the crate `k256`.
pub(crate) struct Secp256k1 {
    private: Option<k256::ecdsa::SigningKey>,
    public: k256::ecdsa::VerifyingKey,
}

impl Secp256k1 {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        let private = k256::ecdsa::SigningKey::from_slice(&random_array::<32>()).expect("all but 2^-128 of the values");
        Self { public: *private.verifying_key(), private: Some(private) }
    }

    /// The public key with this uncompressed point.
    pub(crate) fn public(point: &[u8]) -> Self {
        let public = k256::ecdsa::VerifyingKey::from_sec1_bytes(point).expect("a point of the curve");
        Self { public, private: None }
    }
}

impl Signer for Secp256k1 {
    #[inline]
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize {
        let key = self.private.as_ref().expect("a private key");
        let signature: k256::ecdsa::Signature = key.sign_prehash(message).expect("a signature");
        let bytes = signature.to_bytes();
        output.get_mut(..bytes.len()).expect("room for a signature").copy_from_slice(&bytes);
        bytes.len()
    }

    #[inline]
    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(signature) = k256::ecdsa::Signature::from_slice(signature) else {
            return false;
        };
        // The crate takes only the smaller of the two values of s.
        self.public.verify_prehash(message, &signature.normalize_s()).is_ok()
    }
}

/// Ed25519.
pub(crate) struct Ed25519 {
    private: [u8; 64],
    public: [u8; 32],
}

impl Ed25519 {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        let mut pair = Self { private: [0; 64], public: [0; 32] };
        // SAFETY: both are as long as the library writes.
        unsafe { aws::ED25519_keypair(pair.public.as_mut_ptr(), pair.private.as_mut_ptr()) };
        pair
    }

    /// The public key of these 32 bytes.
    pub(crate) fn public(bytes: &[u8]) -> Self {
        Self { private: [0; 64], public: bytes.try_into().expect("32 bytes") }
    }
}

impl Signer for Ed25519 {
    #[inline]
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize {
        assert!(output.len() >= 64, "room for a signature");
        // SAFETY: the message comes with its length; key and output have the 64 bytes that are read and written.
        let is_done =
            unsafe { aws::ED25519_sign(output.as_mut_ptr(), message.as_ptr(), message.len(), self.private.as_ptr()) };
        assert_eq!(is_done, 1, "Ed25519 signature");
        64
    }

    #[inline]
    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool {
        // SAFETY: the message comes with its length; signature and key have the 64 and 32 bytes that are read.
        signature.len() == 64
            && unsafe {
                aws::ED25519_verify(message.as_ptr(), message.len(), signature.as_ptr(), self.public.as_ptr()) == 1
            }
    }
}

/// ML-DSA-65.
pub(crate) struct MlDsa65 {
    signing: Option<Owned<aws::EVP_MD_CTX>>,
    verifying: Owned<aws::EVP_MD_CTX>,
    /// What the contexts refer to.
    _key: Owned<aws::EVP_PKEY>,
}

impl MlDsa65 {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        let key = super::pairs::ml_dsa_65();
        Self { signing: Some(Self::context(&key, aws::EVP_DigestSignInit)), ..Self::verifying(key) }
    }

    /// The public key of these bytes.
    pub(crate) fn public(bytes: &[u8]) -> Self {
        // SAFETY: the bytes come with their length.
        let key = unsafe { aws::EVP_PKEY_pqdsa_new_raw_public_key(aws::NID_MLDSA65, bytes.as_ptr(), bytes.len()) };
        Self::verifying(Owned::new(key, aws::EVP_PKEY_free))
    }

    fn verifying(key: Owned<aws::EVP_PKEY>) -> Self {
        Self { signing: None, verifying: Self::context(&key, aws::EVP_DigestVerifyInit), _key: key }
    }

    fn context(key: &Owned<aws::EVP_PKEY>, init: Init) -> Owned<aws::EVP_MD_CTX> {
        // SAFETY: the context is new, the key lives, and this algorithm takes no hash.
        unsafe {
            let context = Owned::new(aws::EVP_MD_CTX_new(), aws::EVP_MD_CTX_free);
            let is_done = init(context.as_ptr(), ptr::null_mut(), ptr::null(), ptr::null_mut(), key.as_ptr());
            assert_eq!(is_done, 1, "ML-DSA context");
            context
        }
    }
}

impl Signer for MlDsa65 {
    #[inline]
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize {
        let context = self.signing.as_ref().expect("a private key").as_ptr();
        let mut length = output.len();
        // SAFETY: the context has its key; message and output come with their lengths.
        let is_done =
            unsafe { aws::EVP_DigestSign(context, output.as_mut_ptr(), &mut length, message.as_ptr(), message.len()) };
        assert_eq!(is_done, 1, "ML-DSA signature");
        length
    }

    #[inline]
    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool {
        let (data, length) = (message.as_ptr(), message.len());
        // SAFETY: the context has its key; message and signature come with their lengths.
        unsafe {
            aws::EVP_DigestVerify(self.verifying.as_ptr(), signature.as_ptr(), signature.len(), data, length) == 1
        }
    }
}

/// SLH-DSA-SHA2-128f, of the crate `fips205`.
pub(crate) struct SlhDsa128f {
    private: Option<slh::PrivateKey>,
    public: slh::PublicKey,
}

impl SlhDsa128f {
    /// A new pair.
    pub(crate) fn generate() -> Self {
        let [first, second, third] = [random_array(), random_array(), random_array()];
        let (public, private) = slh::KG::keygen_from_seed::<{ slh::N }>(&first, &second, &third);
        Self { private: Some(private), public }
    }

    /// The public key of these bytes.
    pub(crate) fn public(bytes: &[u8]) -> Self {
        let bytes = bytes.try_into().expect("as long as a key");
        Self { private: None, public: slh::PublicKey::try_from_bytes(bytes).expect("any bytes are a key") }
    }
}

impl Signer for SlhDsa128f {
    fn sign(&mut self, message: &[u8], output: &mut [u8]) -> usize {
        let key = self.private.as_ref().expect("a private key");
        let signature = key.try_sign(message, b"", true).expect("a signature");
        output.get_mut(..signature.len()).expect("room for a signature").copy_from_slice(&signature);
        signature.len()
    }

    fn verify(&mut self, message: &[u8], signature: &[u8]) -> bool {
        signature.try_into().is_ok_and(|signature| self.public.verify(message, signature, b""))
    }
}

/// Begins signing or verifying in one of the library's contexts.
type Init = unsafe extern "C" fn(
    *mut aws::EVP_MD_CTX,
    *mut *mut aws::EVP_PKEY_CTX,
    *const aws::EVP_MD,
    *mut aws::ENGINE,
    *mut aws::EVP_PKEY,
) -> i32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_verifies_what_it_signed_and_nothing_else() {
        let pairs: [Box<dyn Signer>; 7] = [
            Box::new(Rsa::generate(2048, RsaPadding::Pkcs1)),
            Box::new(Rsa::generate(2048, RsaPadding::Pss)),
            Box::new(Ecdsa::generate(aws::NID_X9_62_prime256v1, 32)),
            Box::new(Secp256k1::generate()),
            Box::new(Ed25519::generate()),
            Box::new(MlDsa65::generate()),
            Box::new(SlhDsa128f::generate()),
        ];
        for (number, mut pair) in pairs.into_iter().enumerate() {
            let (message, mut signature) = (random_array::<32>(), vec![0; slh::SIG_LEN]);
            // A kept context must serve again.
            for _ in 0..2 {
                let length = pair.sign(&message, &mut signature);
                assert!(pair.verify(&message, &signature[..length]), "{number}");
                assert!(!pair.verify(&[0; 32], &signature[..length]), "{number}");
                signature[length / 2] ^= 1;
                assert!(!pair.verify(&message, &signature[..length]), "{number}");
            }
        }
    }
}
