//! RSA keys and mechanisms (PKCS#11 3.2 §6.1).
//!
//! | file | what it asks |
//! | --- | --- |
//! | `generation` | sizes, exponents, defaults, what the attributes of a new pair say and hide |
//! | `imports` | keys that come in: complete, incomplete, wrong, weak |
//! | `operations` | the output convention, lengths, parts, recovery, parameters, refusals |
//! | `openssl` | every mechanism against the `openssl` program, both ways |
//! | `oracle` | PKCS #1 v1.5 decryption and unwrapping say nothing of the padding |
//! | `storage` | pairs on the token: kept, copied, shared by threads; both halves or none |
//! | `wrapping` | secret keys that leave and come back in an RSA block |
//! | `policies` | what `fips` and `strict` leave out |
//! | `numbers` | fixed keys, sound and weak |

mod generation;
mod imports;
mod numbers;
mod openssl;
mod operations;
mod oracle;
mod policies;
mod storage;
mod wrapping;

use cryptoki_sys::*;

use crate::module::Outcome;
use crate::parameters::{Mechanism, Oaep, Parameter, plain};
use crate::session::{Session, Work};
use crate::template::{Entry, flag, key_template, number, with};

/// A hash function as RSA's mechanisms and other programs name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hash {
    /// The digest mechanism.
    pub(crate) digest: CK_MECHANISM_TYPE,
    /// The PKCS #1 v1.5 signature with it, where there is one.
    pub(crate) pkcs1: Option<CK_MECHANISM_TYPE>,
    /// The PSS signature with it, where there is one.
    pub(crate) pss: Option<CK_MECHANISM_TYPE>,
    /// MGF1 with it, where there is one.
    pub(crate) mgf: Option<CK_ULONG>,
    /// Bytes of the hash.
    pub(crate) bytes: usize,
    /// As `openssl` calls it.
    pub(crate) openssl: &'static str,
    /// As Wycheproof calls it.
    pub(crate) wycheproof: &'static str,
}

/// Every hash function that signs or encrypts with RSA here.
pub(crate) const HASHES: [Hash; 11] = [
    Hash {
        digest: CKM_MD5,
        pkcs1: Some(CKM_MD5_RSA_PKCS),
        pss: None,
        mgf: None,
        bytes: 16,
        openssl: "md5",
        wycheproof: "MD5",
    },
    Hash {
        digest: CKM_SHA_1,
        pkcs1: Some(CKM_SHA1_RSA_PKCS),
        pss: Some(CKM_SHA1_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA1),
        bytes: 20,
        openssl: "sha1",
        wycheproof: "SHA-1",
    },
    Hash {
        digest: CKM_SHA224,
        pkcs1: Some(CKM_SHA224_RSA_PKCS),
        pss: Some(CKM_SHA224_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA224),
        bytes: 28,
        openssl: "sha224",
        wycheproof: "SHA-224",
    },
    Hash {
        digest: CKM_SHA256,
        pkcs1: Some(CKM_SHA256_RSA_PKCS),
        pss: Some(CKM_SHA256_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA256),
        bytes: 32,
        openssl: "sha256",
        wycheproof: "SHA-256",
    },
    Hash {
        digest: CKM_SHA384,
        pkcs1: Some(CKM_SHA384_RSA_PKCS),
        pss: Some(CKM_SHA384_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA384),
        bytes: 48,
        openssl: "sha384",
        wycheproof: "SHA-384",
    },
    Hash {
        digest: CKM_SHA512,
        pkcs1: Some(CKM_SHA512_RSA_PKCS),
        pss: Some(CKM_SHA512_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA512),
        bytes: 64,
        openssl: "sha512",
        wycheproof: "SHA-512",
    },
    Hash {
        digest: CKM_SHA512_224,
        pkcs1: None,
        pss: None,
        mgf: None,
        bytes: 28,
        openssl: "sha512-224",
        wycheproof: "SHA-512/224",
    },
    Hash {
        digest: CKM_SHA3_224,
        pkcs1: Some(CKM_SHA3_224_RSA_PKCS),
        pss: Some(CKM_SHA3_224_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA3_224),
        bytes: 28,
        openssl: "sha3-224",
        wycheproof: "SHA3-224",
    },
    Hash {
        digest: CKM_SHA3_256,
        pkcs1: Some(CKM_SHA3_256_RSA_PKCS),
        pss: Some(CKM_SHA3_256_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA3_256),
        bytes: 32,
        openssl: "sha3-256",
        wycheproof: "SHA3-256",
    },
    Hash {
        digest: CKM_SHA3_384,
        pkcs1: Some(CKM_SHA3_384_RSA_PKCS),
        pss: Some(CKM_SHA3_384_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA3_384),
        bytes: 48,
        openssl: "sha3-384",
        wycheproof: "SHA3-384",
    },
    Hash {
        digest: CKM_SHA3_512,
        pkcs1: Some(CKM_SHA3_512_RSA_PKCS),
        pss: Some(CKM_SHA3_512_RSA_PKCS_PSS),
        mgf: Some(CKG_MGF1_SHA3_512),
        bytes: 64,
        openssl: "sha3-512",
        wycheproof: "SHA3-512",
    },
];

/// PSS: `id` says whether the module hashes.
pub(crate) fn pss(id: CK_MECHANISM_TYPE, hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, salt_len: usize) -> Mechanism {
    Mechanism { id, parameter: Parameter::Pss { hash, mgf, salt_len: salt_len as CK_ULONG } }
}

pub(crate) fn oaep(hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, label: &[u8]) -> Mechanism {
    let parameter = Parameter::Oaep(Oaep { hash, mgf, source: CKZ_DATA_SPECIFIED, label: label.to_vec() });
    Mechanism { id: CKM_RSA_PKCS_OAEP, parameter }
}

/// The template of a public key.
pub(crate) fn public_template(modulus: &[u8], exponent: &[u8]) -> Vec<Entry> {
    use crate::template::bytes;
    vec![
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_MODULUS, modulus),
        bytes(CKA_PUBLIC_EXPONENT, exponent),
    ]
}

/// The template of a private key without its CRT values.
pub(crate) fn private_template(modulus: &[u8], exponent: &[u8], private_exponent: &[u8]) -> Vec<Entry> {
    use crate::template::bytes;
    let parts = [number(CKA_CLASS, CKO_PRIVATE_KEY), bytes(CKA_PRIVATE_EXPONENT, private_exponent)];
    with(&public_template(modulus, exponent), &parts)
}

/// A new pair of session keys: its public and its private half.
fn pair(session: Session, bits: usize) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    generate(session, &[number(CKA_MODULUS_BITS, bits as CK_ULONG)], &[]).unwrap()
}

fn generate(session: Session, public: &[Entry], private: &[Entry]) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    session.generate_pair(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), public, private)
}

/// The PKCS#8 structure of an extractable private key, wrapped with a key whose value is known.
fn wrapped_out(session: Session, private: CK_OBJECT_HANDLE) -> Outcome<Vec<u8>> {
    let usages = [flag(CKA_WRAP, true), flag(CKA_DECRYPT, true)];
    let wrapping = session.create(&with(&key_template(CKK_AES, &[0x57; 32]), &usages))?;
    let mechanism = crate::parameters::with_iv(CKM_AES_CBC_PAD, &[0x49; 16]);
    let wrapped = session.wrap(&mechanism, wrapping, private)?;
    session.run(Work::Decrypt, &mechanism, wrapping, &wrapped)
}

/// Unwraps a private key from a PKCS#8 structure.
fn wrapped_in(session: Session, info: &[u8]) -> Outcome<CK_OBJECT_HANDLE> {
    let usages = [flag(CKA_UNWRAP, true), flag(CKA_ENCRYPT, true)];
    let wrapping = session.create(&with(&key_template(CKK_AES, &[0x57; 32]), &usages))?;
    let mechanism = crate::parameters::with_iv(CKM_AES_CBC_PAD, &[0x49; 16]);
    let wrapped = session.run(Work::Encrypt, &mechanism, wrapping, info)?;
    let template = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_RSA)];
    session.unwrap(&mechanism, wrapping, &wrapped, &template)
}
