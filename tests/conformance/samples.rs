//! One sample of each mechanism: its keys, a good parameter, what data it takes and how much it gives back, and the key
//! sizes `C_GetMechanismInfo` must tell, in the unit the mechanism's chapter names. Written from the standard's tables
//! (PKCS#11 3.2 chapter 6 and Historical Mechanisms), not from the module's catalogue.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `pairs` | the mechanisms of key pairs |
//! | `derivations` | those that derive keys |
//! | `keys` | a key of every type |
//! | `uses` | every function that takes a mechanism, called alike |

mod derivations;
mod keys;
mod pairs;
mod uses;

use cryptoki_sys::*;
use strongroom_core::mechanism::cloudhsm::*;

use crate::parameters::{Mechanism, Parameter};
use crate::session::{Session, Work};
use crate::template::{Entry, flag, key_template, number, with};

pub(crate) use keys::{Bench, BenchKey, PAIR_TYPES, TARGET_VALUE, new_key};
pub(crate) use pairs::pair_template;
pub(crate) use uses::{ALL_USES, Use};

/// A mechanism and how to use it.
pub(crate) struct Sample {
    pub(crate) id: CK_MECHANISM_TYPE,
    pub(crate) name: &'static str,
    /// The types of key it takes or makes.
    pub(crate) keys: &'static [CK_KEY_TYPE],
    /// `ulMinKeySize` and `ulMaxKeySize`.
    pub(crate) sizes: (CK_ULONG, CK_ULONG),
    pub(crate) grade: Grade,
    pub(crate) kind: Kind,
    /// `CKF_*` besides those all of its kind have.
    pub(crate) more: CK_FLAGS,
}

/// Which policies offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Grade {
    Fips,
    Strict,
    Standard,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Generate,
    /// Bytes of the digest.
    Digest(usize),
    Mac {
        /// Bytes of the MAC with the sample's parameter.
        bytes: usize,
        /// The longest MAC a `CK_MAC_GENERAL_PARAMS` may ask for.
        longest: Option<usize>,
    },
    Cipher {
        /// Data comes in multiples of so many bytes.
        step: usize,
        /// The shortest data.
        min: usize,
        growth: Growth,
        /// A good parameter for data of so many bytes.
        parameter: fn(usize) -> Parameter,
    },
    GeneratePair,
    GenerateParameters,
    /// A key from a password.
    Password,
    Signature {
        /// Bytes of data it signs; any number where it hashes them.
        data: usize,
        parameter: fn() -> Parameter,
    },
    /// RSA encryption; with some paddings, signatures too.
    Rsa(fn() -> Parameter),
    /// An AES key wrap, which encrypts data as well.
    KeyWrap,
    /// A key wrap with a key pair and an AES key in between.
    Hybrid(fn() -> Parameter),
    Encapsulation,
    /// The MAC of a TLS handshake.
    TlsMac,
    Derive {
        /// A good parameter for a base key of this type.
        parameter: fn(&Bench, CK_KEY_TYPE) -> Parameter,
        /// The template of the new key.
        template: fn() -> Vec<Entry>,
    },
}

/// How much longer ciphertext is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    None,
    /// Padded to the next block.
    Pad(usize),
    /// A tag follows.
    Tag(usize),
}

impl Sample {
    /// The mechanism with a good parameter for data of `data_len` bytes.
    pub(crate) fn mechanism(&self, data_len: usize) -> Mechanism {
        let parameter = match self.kind {
            Kind::Cipher { parameter, .. } => parameter(data_len),
            Kind::Mac { longest: Some(_), bytes } => Parameter::MacLength(bytes as CK_ULONG),
            Kind::Mac { .. } if self.id == CKM_AES_GMAC => gcm(data_len).without_aad(),
            Kind::Signature { parameter, .. } | Kind::Rsa(parameter) | Kind::Hybrid(parameter) => parameter(),
            Kind::KeyWrap => Parameter::None,
            Kind::TlsMac => Parameter::TlsMac { hash: CKM_SHA256, mac_len: 12, server_or_client: 1 },
            Kind::Password => derivations::password(),
            Kind::Derive { .. } => panic!("{} takes a parameter that depends on keys", self.name),
            _ => Parameter::None,
        };
        Mechanism { id: self.id, parameter }
    }

    /// What it does to data with a secret key, or without any.
    pub(crate) fn work(&self) -> &'static [Work] {
        match self.kind {
            Kind::Digest(_) => &[Work::Digest],
            Kind::Mac { .. } => &[Work::Sign],
            Kind::Cipher { .. } => &[Work::Encrypt, Work::Decrypt],
            _ => &[],
        }
    }

    /// `CKF_*` of its functions.
    pub(crate) fn functions(&self) -> CK_FLAGS {
        self.more
            | match self.kind {
                Kind::Generate | Kind::GenerateParameters | Kind::Password => CKF_GENERATE,
                Kind::GeneratePair => CKF_GENERATE_KEY_PAIR,
                Kind::Digest(_) => CKF_DIGEST,
                Kind::Mac { .. } | Kind::TlsMac => CKF_SIGN | CKF_VERIFY,
                Kind::Signature { .. } => {
                    CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE
                }
                Kind::Cipher { .. } => CKF_ENCRYPT | CKF_DECRYPT,
                Kind::Rsa(_) | Kind::KeyWrap => CKF_ENCRYPT | CKF_DECRYPT | CKF_WRAP | CKF_UNWRAP,
                Kind::Hybrid(_) => CKF_WRAP | CKF_UNWRAP,
                Kind::Encapsulation => CKF_ENCAPSULATE | CKF_DECAPSULATE,
                Kind::Derive { .. } => CKF_DERIVE,
            }
    }

    /// `CKF_*` of its functions under a policy. `strict` and `fips` wrap nothing without authentication, and with RSA
    /// only by OAEP; `strict` wraps nothing under an IV of the caller's either, and `fips` makes no new signatures with
    /// SHA-1, and does not encrypt with the padding of PKCS #1 v1.5 (SP 800-131A).
    pub(crate) fn functions_under(&self, policy: Grade) -> CK_FLAGS {
        let wraps = match self.id {
            _ if policy == Grade::Standard => 0,
            CKM_AES_ECB | CKM_AES_CBC | CKM_AES_CBC_PAD | CKM_DES3_ECB | CKM_DES3_CBC | CKM_DES3_CBC_PAD
            | CKM_RSA_PKCS | CKM_RSA_X_509 => CKF_WRAP | CKF_UNWRAP,
            CKM_AES_GCM | CKM_AES_CCM if policy == Grade::Strict => CKF_WRAP | CKF_UNWRAP,
            _ => 0,
        };
        let more = match self.id {
            _ if policy != Grade::Fips => 0,
            CKM_RSA_PKCS => CKF_ENCRYPT | CKF_DECRYPT,
            CKM_SHA1_RSA_PKCS | CKM_SHA1_RSA_PKCS_PSS | CKM_ECDSA_SHA1 => CKF_SIGN | CKF_MESSAGE_SIGN,
            _ => 0,
        };
        self.functions() & !wraps & !more
    }

    /// Every function that takes it.
    pub(crate) fn uses(&self) -> impl Iterator<Item = Use> {
        let functions = self.functions();
        ALL_USES.iter().copied().filter(move |work| functions & work.function() != 0 && !self.is_beside(*work))
    }

    /// Some functions take only some of the mechanisms with a flag: there is no flag for them alone.
    fn is_beside(&self, work: Use) -> bool {
        match work {
            Use::WrapAuthenticated | Use::UnwrapAuthenticated => !matches!(self.id, CKM_AES_GCM | CKM_AES_CCM),
            _ => false,
        }
    }

    /// Whether a key must allow this use. A public key comes out of a private one whatever that may do.
    pub(crate) fn needs_permission(&self) -> bool {
        self.id != CKM_PUB_KEY_FROM_PRIV_KEY
    }

    /// Where it makes a key, a template for it.
    pub(crate) fn template(&self) -> Vec<Entry> {
        match self.kind {
            Kind::Derive { template, .. } => template(),
            Kind::Generate if matches!(self.keys[0], CKK_DES | CKK_DES2 | CKK_DES3) => Vec::new(),
            Kind::Generate => vec![number(CKA_VALUE_LEN, key_value(self.keys[0], 1).len() as CK_ULONG)],
            Kind::GenerateParameters => pairs::parameter_template(self.keys[0]),
            _ => secret_template(16),
        }
    }

    /// Bytes that come out for `data_len` bytes that go in.
    pub(crate) fn output_len(&self, data_len: usize) -> usize {
        match self.kind {
            Kind::Digest(bytes) | Kind::Mac { bytes, .. } => bytes,
            Kind::Cipher { growth, .. } => match growth {
                Growth::None => data_len,
                Growth::Pad(block) => (data_len / block + 1) * block,
                Growth::Tag(bytes) => data_len + bytes,
            },
            _ => 0,
        }
    }

    /// Lengths of data worth trying: the shortest, those around blocks, and a longer one.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let (step, min) = match self.kind {
            Kind::Cipher { step, min, .. } => (step, min),
            _ => (1, 0),
        };
        let wanted = [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 1000, 4096];
        let mut lengths: Vec<usize> = wanted.into_iter().map(|len| (len.max(min)).next_multiple_of(step)).collect();
        lengths.dedup();
        lengths
    }

    /// A session key for it with a value made from `seed`.
    pub(crate) fn key(&self, session: Session, seed: u64) -> CK_OBJECT_HANDLE {
        match self.keys {
            [] => 0,
            [key_type, ..] => session.create(&usable_key(*key_type, seed)).unwrap(),
        }
    }
}

impl Parameter {
    /// GMAC's data comes from the call.
    fn without_aad(self) -> Parameter {
        match self {
            Parameter::Gcm { iv, tag_bits, .. } => Parameter::Gcm { iv, aad: Vec::new(), tag_bits },
            other => other,
        }
    }
}

/// The template of a generic secret of so many bytes that comes out of another key, and shows its value.
pub(crate) fn secret_template(len: CK_ULONG) -> Vec<Entry> {
    vec![
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        number(CKA_VALUE_LEN, len),
        flag(CKA_SENSITIVE, false),
        flag(CKA_EXTRACTABLE, true),
    ]
}

/// The template of a session key of this type that may do everything.
pub(crate) fn usable_key(key_type: CK_KEY_TYPE, seed: u64) -> Vec<Entry> {
    let usages = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY].map(|usage| flag(usage, true));
    with(&key_template(key_type, &key_value(key_type, seed)), &usages)
}

/// A value a key of this type can have.
pub(crate) fn key_value(key_type: CK_KEY_TYPE, seed: u64) -> Vec<u8> {
    let len = match key_type {
        CKK_AES => [16, 24, 32][(seed % 3) as usize],
        CKK_AES_XTS => [32, 64][(seed % 2) as usize],
        CKK_DES => 8,
        CKK_DES2 => 16,
        CKK_DES3 => 24,
        CKK_RC4 => 16,
        CKK_CHACHA20 => 32,
        _ => 20 + (seed % 200) as usize,
    };
    let mut value = Random(seed.wrapping_mul(7919) + key_type).bytes(len);
    if matches!(key_type, CKK_DES | CKK_DES2 | CKK_DES3) {
        odd_parity(&mut value);
    }
    value
}

/// Sets the low bit of each byte so that the number of ones is odd.
pub(crate) fn odd_parity(value: &mut [u8]) {
    for byte in value {
        *byte = (*byte & 0xfe) | u8::from((*byte & 0xfe).count_ones().is_multiple_of(2));
    }
}

/// Numbers that are the same in every run (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Places to cut data of `len` bytes, in ascending order, some of them the same.
    pub(crate) fn cuts(&mut self, len: usize) -> Vec<usize> {
        let mut cuts: Vec<usize> = (0..self.below(6)).map(|_| self.below(len + 1)).collect();
        cuts.sort_unstable();
        cuts
    }
}

/// Every secret key type of the token.
pub(crate) const KEY_TYPES: &[CK_KEY_TYPE] = &[
    CKK_AES,
    CKK_AES_XTS,
    CKK_GENERIC_SECRET,
    CKK_DES,
    CKK_DES2,
    CKK_DES3,
    CKK_RC4,
    CKK_CHACHA20,
    CKK_HKDF,
    CKK_MD5_HMAC,
    CKK_SHA_1_HMAC,
    CKK_SHA224_HMAC,
    CKK_SHA256_HMAC,
    CKK_SHA384_HMAC,
    CKK_SHA512_HMAC,
    CKK_SHA512_224_HMAC,
    CKK_SHA512_256_HMAC,
    CKK_SHA3_224_HMAC,
    CKK_SHA3_256_HMAC,
    CKK_SHA3_384_HMAC,
    CKK_SHA3_512_HMAC,
];

fn none(_: usize) -> Parameter {
    Parameter::None
}

fn iv8(_: usize) -> Parameter {
    Parameter::Bytes(vec![0x18; 8])
}

fn iv16(_: usize) -> Parameter {
    Parameter::Bytes(vec![0x19; 16])
}

fn ctr(_: usize) -> Parameter {
    Parameter::Ctr { bits: 64, block: [0x21; 16] }
}

fn gcm(_: usize) -> Parameter {
    Parameter::Gcm { iv: vec![0x22; 12], aad: b"header".to_vec(), tag_bits: 128 }
}

fn ccm(data_len: usize) -> Parameter {
    let data_len = data_len as CK_ULONG;
    Parameter::Ccm { data_len, nonce: vec![0x23; 12], aad: b"header".to_vec(), mac_len: 8 }
}

fn chacha20(_: usize) -> Parameter {
    Parameter::ChaCha20 { counter: vec![1, 0, 0, 0], counter_bits: 32, nonce: vec![0x24; 12], nonce_bits: 96 }
}

fn poly1305(_: usize) -> Parameter {
    Parameter::Poly1305 { nonce: vec![0x25; 12], aad: b"header".to_vec() }
}

const AES: &[CK_KEY_TYPE] = &[CKK_AES];
const DES: &[CK_KEY_TYPE] = &[CKK_DES];
const DES3: &[CK_KEY_TYPE] = &[CKK_DES3, CKK_DES2];
const BYTES: (CK_ULONG, CK_ULONG) = (16, 32);
const FIXED: (CK_ULONG, CK_ULONG) = (0, 0);
/// Bytes of the longest generic secret the token keeps.
const SECRET_MAX: CK_ULONG = 3583;

const WRAPS: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
const MESSAGES: CK_FLAGS = CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;

const fn cipher(step: usize, min: usize, growth: Growth, parameter: fn(usize) -> Parameter) -> Kind {
    Kind::Cipher { step, min, growth, parameter }
}

const fn mac(bytes: usize) -> Kind {
    Kind::Mac { bytes, longest: None }
}

const fn general(longest: usize) -> Kind {
    Kind::Mac { bytes: longest - 1, longest: Some(longest) }
}

macro_rules! rows {
    ($($id:ident: $keys:expr, $sizes:expr, $grade:ident, $kind:expr $(, $more:expr)?;)*) => {
        &[$($crate::samples::Sample {
            id: $id,
            name: stringify!($id),
            keys: $keys,
            sizes: $sizes,
            grade: $crate::samples::Grade::$grade,
            kind: $kind,
            more: 0 $(| $more)?,
        },)*]
    };
}
use rows;

macro_rules! hashes {
    ($($digest:ident $hmac:ident $general:ident $generate:ident $key:ident $bytes:literal;)*) => {
        rows! {
            $($digest: &[], FIXED, Fips, Kind::Digest($bytes);
            $hmac: &[CKK_GENERIC_SECRET, $key], (1, SECRET_MAX), Fips, mac($bytes);
            $general: &[CKK_GENERIC_SECRET, $key], (1, SECRET_MAX), Fips, general($bytes);
            $generate: &[$key], (1, SECRET_MAX), Fips, Kind::Generate;)*
        }
    };
}

const HASHES: &[Sample] = hashes! {
    CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN CKK_SHA_1_HMAC 20;
    CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN CKK_SHA224_HMAC 28;
    CKM_SHA256 CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN CKK_SHA256_HMAC 32;
    CKM_SHA384 CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN CKK_SHA384_HMAC 48;
    CKM_SHA512 CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN CKK_SHA512_HMAC 64;
    CKM_SHA512_224 CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL CKM_SHA512_224_KEY_GEN CKK_SHA512_224_HMAC 28;
    CKM_SHA512_256 CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL CKM_SHA512_256_KEY_GEN CKK_SHA512_256_HMAC 32;
    CKM_SHA3_224 CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN CKK_SHA3_224_HMAC 28;
    CKM_SHA3_256 CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN CKK_SHA3_256_HMAC 32;
    CKM_SHA3_384 CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN CKK_SHA3_384_HMAC 48;
    CKM_SHA3_512 CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN CKK_SHA3_512_HMAC 64;
};

const OTHERS: &[Sample] = rows! {
    CKM_MD5: &[], FIXED, Standard, Kind::Digest(16);
    CKM_MD5_HMAC: &[CKK_GENERIC_SECRET, CKK_MD5_HMAC], (1, SECRET_MAX), Standard, mac(16);
    CKM_MD5_HMAC_GENERAL: &[CKK_GENERIC_SECRET, CKK_MD5_HMAC], (1, SECRET_MAX), Standard, general(16);
    CKM_GENERIC_SECRET_KEY_GEN: &[CKK_GENERIC_SECRET], (8, SECRET_MAX * 8), Fips, Kind::Generate;
    CKM_AES_KEY_GEN: AES, BYTES, Fips, Kind::Generate;
    CKM_AES_ECB: AES, BYTES, Fips, cipher(16, 0, Growth::None, none), WRAPS;
    CKM_AES_CBC: AES, BYTES, Fips, cipher(16, 0, Growth::None, iv16), WRAPS;
    CKM_AES_CBC_PAD: AES, BYTES, Fips, cipher(1, 0, Growth::Pad(16), iv16), WRAPS;
    CKM_AES_CTS: AES, BYTES, Fips, cipher(1, 16, Growth::None, iv16);
    CKM_AES_CTR: AES, BYTES, Fips, cipher(1, 0, Growth::None, ctr);
    CKM_AES_OFB: AES, BYTES, Fips, cipher(1, 0, Growth::None, iv16);
    CKM_AES_CFB1: AES, BYTES, Fips, cipher(1, 0, Growth::None, iv16);
    CKM_AES_CFB8: AES, BYTES, Fips, cipher(1, 0, Growth::None, iv16);
    CKM_AES_CFB128: AES, BYTES, Fips, cipher(1, 0, Growth::None, iv16);
    CKM_AES_GCM: AES, BYTES, Fips, cipher(1, 0, Growth::Tag(16), gcm), WRAPS | MESSAGES;
    CKM_AES_CCM: AES, BYTES, Fips, cipher(1, 0, Growth::Tag(8), ccm), WRAPS | MESSAGES;
    CKM_AES_GMAC: AES, BYTES, Fips, mac(16);
    CKM_AES_CMAC: AES, BYTES, Fips, mac(16);
    CKM_AES_CMAC_GENERAL: AES, BYTES, Fips, general(16);
    CKM_AES_MAC: AES, BYTES, Strict, mac(8);
    CKM_AES_MAC_GENERAL: AES, BYTES, Strict, general(16);
    CKM_AES_XTS_KEY_GEN: &[CKK_AES_XTS], (32, 64), Fips, Kind::Generate;
    CKM_AES_XTS: &[CKK_AES_XTS], (32, 64), Fips, cipher(1, 16, Growth::None, iv16);
    CKM_DES_KEY_GEN: DES, FIXED, Standard, Kind::Generate;
    CKM_DES_ECB: DES, FIXED, Standard, cipher(8, 0, Growth::None, none), WRAPS;
    CKM_DES_CBC: DES, FIXED, Standard, cipher(8, 0, Growth::None, iv8), WRAPS;
    CKM_DES_CBC_PAD: DES, FIXED, Standard, cipher(1, 0, Growth::Pad(8), iv8), WRAPS;
    CKM_DES2_KEY_GEN: &[CKK_DES2], FIXED, Strict, Kind::Generate;
    CKM_DES3_KEY_GEN: &[CKK_DES3], FIXED, Strict, Kind::Generate;
    CKM_DES3_ECB: DES3, FIXED, Strict, cipher(8, 0, Growth::None, none), WRAPS;
    CKM_DES3_CBC: DES3, FIXED, Strict, cipher(8, 0, Growth::None, iv8), WRAPS;
    CKM_DES3_CBC_PAD: DES3, FIXED, Strict, cipher(1, 0, Growth::Pad(8), iv8), WRAPS;
    CKM_DES3_CMAC: DES3, FIXED, Strict, mac(8);
    CKM_DES3_CMAC_GENERAL: DES3, FIXED, Strict, general(8);
    CKM_RC4_KEY_GEN: &[CKK_RC4], (8, 2040), Standard, Kind::Generate;
    CKM_RC4: &[CKK_RC4], (8, 2040), Standard, cipher(1, 0, Growth::None, none);
    CKM_CHACHA20_KEY_GEN: &[CKK_CHACHA20], (32, 32), Strict, Kind::Generate;
    CKM_CHACHA20: &[CKK_CHACHA20], (256, 256), Strict, cipher(1, 0, Growth::None, chacha20);
    CKM_CHACHA20_POLY1305: &[CKK_CHACHA20], (256, 256), Strict, cipher(1, 0, Growth::Tag(16), poly1305), MESSAGES;
    CKM_AES_KEY_WRAP: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_AES_KEY_WRAP_PAD: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_AES_KEY_WRAP_KWP: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_AES_KEY_WRAP_PKCS7: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD: AES, BYTES, Fips, Kind::KeyWrap;
    CKM_HKDF_KEY_GEN: &[CKK_HKDF], (1, SECRET_MAX), Fips, Kind::Generate;
    CKM_TLS_MAC: &[CKK_GENERIC_SECRET], (48, 48), Fips, Kind::TlsMac;
    CKM_TLS12_MAC: &[CKK_GENERIC_SECRET], (48, 48), Fips, Kind::TlsMac;
};

/// Every sample.
pub(crate) fn samples() -> impl Iterator<Item = &'static Sample> {
    [HASHES, OTHERS, pairs::SAMPLES, derivations::SAMPLES].into_iter().flatten()
}

/// The sample of one mechanism.
pub(crate) fn sample(id: CK_MECHANISM_TYPE) -> &'static Sample {
    samples().find(|sample| sample.id == id).expect("a sample")
}
