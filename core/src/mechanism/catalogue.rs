//! The rows of the catalogue.

use cryptoki_sys::*;
use strongroom_crypto::hash::Algorithm::{self, *};

use super::Grade::{self, Approved, Legacy, Sound};
use super::MacLength::{Fixed, GcmTag, Given};
use super::ParameterKind::{Iv, None, Tweak};
use super::{CipherMode, MacLength, Mechanism, ParameterKind, Work};
use crate::limits::GENERIC_SECRET_BYTES_MAX;
use crate::object::MacForm;

const AES: &[u64] = &[CKK_AES];
const DES3: &[u64] = &[CKK_DES3, CKK_DES2];

const fn generate(id: u64, name: &'static str, key_type: u64, min_key: u64, max_key: u64, grade: Grade) -> Mechanism {
    let work = Work::GenerateSecret(key_type);
    Mechanism { id, name, min_key, max_key, functions: CKF_GENERATE, parameter: None, grade, work }
}

const fn digest(id: u64, name: &'static str, algorithm: Algorithm, grade: Grade) -> Mechanism {
    let work = Work::Digest(algorithm);
    Mechanism { id, name, min_key: 0, max_key: 0, functions: CKF_DIGEST, parameter: None, grade, work }
}

const fn cipher(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    mode: CipherMode,
    parameter: ParameterKind,
    (min_key, max_key): (u64, u64),
    grade: Grade,
) -> Mechanism {
    let work = Work::Cipher { key_types, mode };
    Mechanism { id, name, min_key, max_key, functions: CKF_ENCRYPT | CKF_DECRYPT, parameter, grade, work }
}

#[expect(clippy::too_many_arguments, reason = "the columns of a table")]
const fn mac(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    form: MacForm,
    length: MacLength,
    parameter: ParameterKind,
    (min_key, max_key): (u64, u64),
    grade: Grade,
) -> Mechanism {
    let work = Work::Mac { key_types, form, length };
    Mechanism { id, name, min_key, max_key, functions: CKF_SIGN | CKF_VERIFY, parameter, grade, work }
}

/// HMAC takes generic secrets and keys made for it; sizes in bytes.
const fn hmac(
    id: u64,
    name: &'static str,
    key_types: &'static [u64],
    algorithm: Algorithm,
    length: MacLength,
    grade: Grade,
) -> Mechanism {
    let parameter = match length {
        Given(_) => ParameterKind::MacLength,
        Fixed(_) | GcmTag => None,
    };
    let sizes = (1, GENERIC_SECRET_BYTES_MAX as u64);
    mac(id, name, key_types, MacForm::Hmac(algorithm), length, parameter, sizes, grade)
}

/// Every mechanism, in ascending order of its number.
#[rustfmt::skip]
pub static CATALOGUE: &[Mechanism] = &[
    digest(CKM_SHA512_224, "CKM_SHA512_224", Sha512_224, Approved),
    hmac(CKM_SHA512_224_HMAC, "CKM_SHA512_224_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA512_224_HMAC], Sha512_224, Fixed(28), Approved),
    hmac(CKM_SHA512_224_HMAC_GENERAL, "CKM_SHA512_224_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA512_224_HMAC], Sha512_224, Given(28), Approved),
    digest(CKM_SHA512_256, "CKM_SHA512_256", Sha512_256, Approved),
    hmac(CKM_SHA512_256_HMAC, "CKM_SHA512_256_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA512_256_HMAC], Sha512_256, Fixed(32), Approved),
    hmac(CKM_SHA512_256_HMAC_GENERAL, "CKM_SHA512_256_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA512_256_HMAC], Sha512_256, Given(32), Approved),
    generate(CKM_RC4_KEY_GEN, "CKM_RC4_KEY_GEN", CKK_RC4, 8, 2040, Sound),
    cipher(CKM_RC4, "CKM_RC4", &[CKK_RC4], CipherMode::Rc4, None, (8, 2040), Sound),
    generate(CKM_DES_KEY_GEN, "CKM_DES_KEY_GEN", CKK_DES, 0, 0, Legacy),
    cipher(CKM_DES_ECB, "CKM_DES_ECB", &[CKK_DES], CipherMode::Ecb, None, (0, 0), Legacy),
    cipher(CKM_DES_CBC, "CKM_DES_CBC", &[CKK_DES], CipherMode::Cbc, Iv(8), (0, 0), Legacy),
    cipher(CKM_DES_CBC_PAD, "CKM_DES_CBC_PAD", &[CKK_DES], CipherMode::CbcPad, Iv(8), (0, 0), Legacy),
    generate(CKM_DES2_KEY_GEN, "CKM_DES2_KEY_GEN", CKK_DES2, 0, 0, Sound),
    generate(CKM_DES3_KEY_GEN, "CKM_DES3_KEY_GEN", CKK_DES3, 0, 0, Sound),
    cipher(CKM_DES3_ECB, "CKM_DES3_ECB", DES3, CipherMode::Ecb, None, (0, 0), Sound),
    cipher(CKM_DES3_CBC, "CKM_DES3_CBC", DES3, CipherMode::Cbc, Iv(8), (0, 0), Sound),
    cipher(CKM_DES3_CBC_PAD, "CKM_DES3_CBC_PAD", DES3, CipherMode::CbcPad, Iv(8), (0, 0), Sound),
    mac(CKM_DES3_CMAC_GENERAL, "CKM_DES3_CMAC_GENERAL", DES3, MacForm::CmacDes3, Given(8), ParameterKind::MacLength, (0, 0), Sound),
    mac(CKM_DES3_CMAC, "CKM_DES3_CMAC", DES3, MacForm::CmacDes3, Fixed(8), None, (0, 0), Sound),
    digest(CKM_MD5, "CKM_MD5", Md5, Legacy),
    hmac(CKM_MD5_HMAC, "CKM_MD5_HMAC", &[CKK_GENERIC_SECRET, CKK_MD5_HMAC], Md5, Fixed(16), Legacy),
    hmac(CKM_MD5_HMAC_GENERAL, "CKM_MD5_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_MD5_HMAC], Md5, Given(16), Legacy),
    digest(CKM_SHA_1, "CKM_SHA_1", Sha1, Approved),
    hmac(CKM_SHA_1_HMAC, "CKM_SHA_1_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA_1_HMAC], Sha1, Fixed(20), Approved),
    hmac(CKM_SHA_1_HMAC_GENERAL, "CKM_SHA_1_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA_1_HMAC], Sha1, Given(20), Approved),
    digest(CKM_SHA256, "CKM_SHA256", Sha256, Approved),
    hmac(CKM_SHA256_HMAC, "CKM_SHA256_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA256_HMAC], Sha256, Fixed(32), Approved),
    hmac(CKM_SHA256_HMAC_GENERAL, "CKM_SHA256_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA256_HMAC], Sha256, Given(32), Approved),
    digest(CKM_SHA224, "CKM_SHA224", Sha224, Approved),
    hmac(CKM_SHA224_HMAC, "CKM_SHA224_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA224_HMAC], Sha224, Fixed(28), Approved),
    hmac(CKM_SHA224_HMAC_GENERAL, "CKM_SHA224_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA224_HMAC], Sha224, Given(28), Approved),
    digest(CKM_SHA384, "CKM_SHA384", Sha384, Approved),
    hmac(CKM_SHA384_HMAC, "CKM_SHA384_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA384_HMAC], Sha384, Fixed(48), Approved),
    hmac(CKM_SHA384_HMAC_GENERAL, "CKM_SHA384_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA384_HMAC], Sha384, Given(48), Approved),
    digest(CKM_SHA512, "CKM_SHA512", Sha512, Approved),
    hmac(CKM_SHA512_HMAC, "CKM_SHA512_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA512_HMAC], Sha512, Fixed(64), Approved),
    hmac(CKM_SHA512_HMAC_GENERAL, "CKM_SHA512_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA512_HMAC], Sha512, Given(64), Approved),
    digest(CKM_SHA3_256, "CKM_SHA3_256", Sha3_256, Approved),
    hmac(CKM_SHA3_256_HMAC, "CKM_SHA3_256_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_256_HMAC], Sha3_256, Fixed(32), Approved),
    hmac(CKM_SHA3_256_HMAC_GENERAL, "CKM_SHA3_256_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_256_HMAC], Sha3_256, Given(32), Approved),
    generate(CKM_SHA3_256_KEY_GEN, "CKM_SHA3_256_KEY_GEN", CKK_SHA3_256_HMAC, 1, 3583, Approved),
    digest(CKM_SHA3_224, "CKM_SHA3_224", Sha3_224, Approved),
    hmac(CKM_SHA3_224_HMAC, "CKM_SHA3_224_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_224_HMAC], Sha3_224, Fixed(28), Approved),
    hmac(CKM_SHA3_224_HMAC_GENERAL, "CKM_SHA3_224_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_224_HMAC], Sha3_224, Given(28), Approved),
    generate(CKM_SHA3_224_KEY_GEN, "CKM_SHA3_224_KEY_GEN", CKK_SHA3_224_HMAC, 1, 3583, Approved),
    digest(CKM_SHA3_384, "CKM_SHA3_384", Sha3_384, Approved),
    hmac(CKM_SHA3_384_HMAC, "CKM_SHA3_384_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_384_HMAC], Sha3_384, Fixed(48), Approved),
    hmac(CKM_SHA3_384_HMAC_GENERAL, "CKM_SHA3_384_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_384_HMAC], Sha3_384, Given(48), Approved),
    generate(CKM_SHA3_384_KEY_GEN, "CKM_SHA3_384_KEY_GEN", CKK_SHA3_384_HMAC, 1, 3583, Approved),
    digest(CKM_SHA3_512, "CKM_SHA3_512", Sha3_512, Approved),
    hmac(CKM_SHA3_512_HMAC, "CKM_SHA3_512_HMAC", &[CKK_GENERIC_SECRET, CKK_SHA3_512_HMAC], Sha3_512, Fixed(64), Approved),
    hmac(CKM_SHA3_512_HMAC_GENERAL, "CKM_SHA3_512_HMAC_GENERAL", &[CKK_GENERIC_SECRET, CKK_SHA3_512_HMAC], Sha3_512, Given(64), Approved),
    generate(CKM_SHA3_512_KEY_GEN, "CKM_SHA3_512_KEY_GEN", CKK_SHA3_512_HMAC, 1, 3583, Approved),
    generate(CKM_GENERIC_SECRET_KEY_GEN, "CKM_GENERIC_SECRET_KEY_GEN", CKK_GENERIC_SECRET, 8, 28664, Approved),
    cipher(CKM_AES_XTS, "CKM_AES_XTS", &[CKK_AES_XTS], CipherMode::Xts, Tweak, (32, 64), Approved),
    generate(CKM_AES_XTS_KEY_GEN, "CKM_AES_XTS_KEY_GEN", CKK_AES_XTS, 32, 64, Approved),
    generate(CKM_AES_KEY_GEN, "CKM_AES_KEY_GEN", CKK_AES, 16, 32, Approved),
    cipher(CKM_AES_ECB, "CKM_AES_ECB", AES, CipherMode::Ecb, None, (16, 32), Approved),
    cipher(CKM_AES_CBC, "CKM_AES_CBC", AES, CipherMode::Cbc, Iv(16), (16, 32), Approved),
    mac(CKM_AES_MAC, "CKM_AES_MAC", AES, MacForm::CbcMacAes, Fixed(8), None, (16, 32), Sound),
    mac(CKM_AES_MAC_GENERAL, "CKM_AES_MAC_GENERAL", AES, MacForm::CbcMacAes, Given(16), ParameterKind::MacLength, (16, 32), Sound),
    cipher(CKM_AES_CBC_PAD, "CKM_AES_CBC_PAD", AES, CipherMode::CbcPad, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CTR, "CKM_AES_CTR", AES, CipherMode::Ctr, ParameterKind::Ctr, (16, 32), Approved),
    cipher(CKM_AES_GCM, "CKM_AES_GCM", AES, CipherMode::Gcm, ParameterKind::Gcm, (16, 32), Approved),
    cipher(CKM_AES_CCM, "CKM_AES_CCM", AES, CipherMode::Ccm, ParameterKind::Ccm, (16, 32), Approved),
    cipher(CKM_AES_CTS, "CKM_AES_CTS", AES, CipherMode::CbcCts, Iv(16), (16, 32), Approved),
    mac(CKM_AES_CMAC, "CKM_AES_CMAC", AES, MacForm::CmacAes, Fixed(16), None, (16, 32), Approved),
    mac(CKM_AES_CMAC_GENERAL, "CKM_AES_CMAC_GENERAL", AES, MacForm::CmacAes, Given(16), ParameterKind::MacLength, (16, 32), Approved),
    mac(CKM_AES_GMAC, "CKM_AES_GMAC", AES, MacForm::Gmac, GcmTag, ParameterKind::Gcm, (16, 32), Approved),
    generate(CKM_CHACHA20_KEY_GEN, "CKM_CHACHA20_KEY_GEN", CKK_CHACHA20, 32, 32, Sound),
    cipher(CKM_CHACHA20, "CKM_CHACHA20", &[CKK_CHACHA20], CipherMode::ChaCha20, ParameterKind::ChaCha20, (256, 256), Sound),
    cipher(CKM_AES_OFB, "CKM_AES_OFB", AES, CipherMode::Ofb, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CFB8, "CKM_AES_CFB8", AES, CipherMode::Cfb8, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CFB128, "CKM_AES_CFB128", AES, CipherMode::Cfb128, Iv(16), (16, 32), Approved),
    cipher(CKM_AES_CFB1, "CKM_AES_CFB1", AES, CipherMode::Cfb1, Iv(16), (16, 32), Approved),
    generate(CKM_SHA_1_KEY_GEN, "CKM_SHA_1_KEY_GEN", CKK_SHA_1_HMAC, 1, 3583, Approved),
    generate(CKM_SHA224_KEY_GEN, "CKM_SHA224_KEY_GEN", CKK_SHA224_HMAC, 1, 3583, Approved),
    generate(CKM_SHA256_KEY_GEN, "CKM_SHA256_KEY_GEN", CKK_SHA256_HMAC, 1, 3583, Approved),
    generate(CKM_SHA384_KEY_GEN, "CKM_SHA384_KEY_GEN", CKK_SHA384_HMAC, 1, 3583, Approved),
    generate(CKM_SHA512_KEY_GEN, "CKM_SHA512_KEY_GEN", CKK_SHA512_HMAC, 1, 3583, Approved),
    generate(CKM_SHA512_224_KEY_GEN, "CKM_SHA512_224_KEY_GEN", CKK_SHA512_224_HMAC, 1, 3583, Approved),
    generate(CKM_SHA512_256_KEY_GEN, "CKM_SHA512_256_KEY_GEN", CKK_SHA512_256_HMAC, 1, 3583, Approved),
    cipher(CKM_CHACHA20_POLY1305, "CKM_CHACHA20_POLY1305", &[CKK_CHACHA20], CipherMode::ChaCha20Poly1305, ParameterKind::ChaCha20Poly1305, (256, 256), Sound),
];
