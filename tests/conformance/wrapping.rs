//! Keys that leave and come back encrypted (§5.18.3 to §5.18.7, §6.1.11, §6.13, §6.14, §6.7 and their neighbours).
//!
//! | file | what it asks |
//! | --- | --- |
//! | `matrix` | every mechanism with every type of key: what comes back is what left, or the standard's refusal |
//! | `refusals` | usage, trust, templates, handles, tampered and confused blobs: the exact code of each |
//! | `unwrapped` | what an unwrapped key is: its attributes, and the length of its value |
//! | `authenticated` | GCM and CCM with associated data, IVs of the module's, tags apart |
//! | `policies` | what `strict` and `fips` leave out |
//! | `values` | RFC 3394, RFC 5649, public test files |
//! | `openssl` | the `openssl` program opens what was wrapped, and wraps what is opened |

mod authenticated;
mod matrix;
mod openssl;
mod policies;
mod refusals;
mod unwrapped;
mod values;

use cryptoki_sys::*;
use strongroom_core::mechanism::cloudhsm::*;

use crate::module::{Outcome, refused};
use crate::pair_samples::pair_sample;
use crate::parameters::{Mechanism, Oaep, Parameter, Place, plain, with_iv};
use crate::samples::{Random, odd_parity};
use crate::session::Session;
use crate::template::{Entry, bytes, flag, number, with};

/// Whether a key can be wrapped.
type Expected = Outcome;

/// A way to wrap with keys that are made for it.
struct Way {
    name: String,
    mechanism: Mechanism,
    /// What encrypts.
    wrapping: CK_OBJECT_HANDLE,
    /// What decrypts.
    unwrapping: CK_OBJECT_HANDLE,
    takes: Takes,
}

/// Which values a way to wrap takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Secret keys, filled with zeros up to the next block.
    Blocks,
    /// RFC 3394: as `Blocks`, and private keys; two semiblocks at least.
    Semiblocks,
    /// RFC 3394 with PKCS #7's padding: everything that fills two semiblocks with it.
    Pkcs7,
    /// Secret keys up to so many bytes.
    UpTo(usize),
    /// As `UpTo`; zeros stand before the key.
    Raw(usize),
    /// Everything.
    All,
}

impl Way {
    /// Whether a secret key of so many bytes can be wrapped.
    fn takes_secret(&self, len: usize) -> Expected {
        match self.takes {
            Takes::Semiblocks if len <= 8 => refused(CKR_KEY_SIZE_RANGE),
            Takes::Pkcs7 if len < 8 => refused(CKR_KEY_SIZE_RANGE),
            Takes::UpTo(most) | Takes::Raw(most) if len > most => refused(CKR_KEY_SIZE_RANGE),
            _ => Ok(()),
        }
    }

    /// Whether private keys can be wrapped.
    fn takes_private(&self) -> bool {
        matches!(self.takes, Takes::All | Takes::Semiblocks | Takes::Pkcs7)
    }

    fn wrap(&self, session: Session, key: CK_OBJECT_HANDLE) -> Outcome<Vec<u8>> {
        session.wrap(&self.mechanism, self.wrapping, key)
    }

    fn unwrap(&self, session: Session, wrapped: &[u8], template: &[Entry]) -> Outcome<CK_OBJECT_HANDLE> {
        session.unwrap(&self.mechanism, self.unwrapping, wrapped, template)
    }
}

/// Bytes of the modulus of the RSA keys here.
const MODULUS: usize = 256;

fn oaep(hash: CK_MECHANISM_TYPE, mgf: CK_ULONG, label: &[u8]) -> Oaep {
    Oaep { hash, mgf, source: CKZ_DATA_SPECIFIED, label: label.to_vec() }
}

fn oaep_sha256() -> Oaep {
    oaep(CKM_SHA256, CKG_MGF1_SHA256, b"")
}

fn ecdh_aes(id: CK_MECHANISM_TYPE, key_bits: CK_ULONG, kdf: CK_ULONG, shared: &[u8]) -> Mechanism {
    Mechanism { id, parameter: Parameter::EcdhAes { key_bits, kdf, shared: shared.to_vec() } }
}

fn gcm(aad: &[u8], tag_bits: CK_ULONG) -> Mechanism {
    Mechanism { id: CKM_AES_GCM, parameter: Parameter::Gcm { iv: vec![0x22; 12], aad: aad.to_vec(), tag_bits } }
}

fn ccm(data_len: CK_ULONG, aad: &[u8], mac_len: CK_ULONG) -> Mechanism {
    let parameter = Parameter::Ccm { data_len, nonce: vec![0x23; 12], aad: aad.to_vec(), mac_len };
    Mechanism { id: CKM_AES_CCM, parameter }
}

fn gcm_wrap() -> Mechanism {
    let (fixed_bits, generator) = (0, CKG_NO_GENERATE);
    let parameter =
        Parameter::GcmWrap { iv: Place::of(&[0x24; 12]), fixed_bits, generator, aad: b"about".to_vec(), tag_bits: 96 };
    Mechanism { id: CKM_AES_GCM, parameter }
}

fn ccm_wrap() -> Mechanism {
    let (fixed_bits, generator) = (0, CKG_NO_GENERATE);
    let nonce = Place::of(&[0x25; 13]);
    let parameter =
        Parameter::CcmWrap { data_len: 0, nonce, fixed_bits, generator, aad: b"about".to_vec(), mac_len: 16 };
    Mechanism { id: CKM_AES_CCM, parameter }
}

/// A session key that wraps and unwraps.
fn wrapping_key(session: Session, key_type: CK_KEY_TYPE, len: usize) -> CK_OBJECT_HANDLE {
    let template = secret(key_type, &value(key_type, len, 77));
    session.create(&with(&template, &[flag(CKA_WRAP, true), flag(CKA_UNWRAP, true)])).unwrap()
}

/// A pair of session objects that wraps and unwraps.
fn wrapping_pair(session: Session, name: &str) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let sample = pair_sample(name);
    sample.pair(session, &[flag(CKA_WRAP, true)], &[flag(CKA_UNWRAP, true)]).unwrap()
}

/// A value that a key of this type and length can have.
fn value(key_type: CK_KEY_TYPE, len: usize, seed: u64) -> Vec<u8> {
    let mut value = Random(seed.wrapping_mul(104_729) + key_type + len as u64).bytes(len);
    // Not a zero at the end, which could be taken for padding.
    if let Some(last) = value.last_mut() {
        *last |= 1;
    }
    if matches!(key_type, CKK_DES | CKK_DES2 | CKK_DES3) {
        odd_parity(&mut value);
    }
    value
}

/// The template of a secret session key that may leave.
fn secret(key_type: CK_KEY_TYPE, value: &[u8]) -> Vec<Entry> {
    vec![
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, key_type),
        bytes(CKA_VALUE, value),
        flag(CKA_EXTRACTABLE, true),
    ]
}

/// The template of an unwrapped key of this type, readable.
fn unwrapped(class: CK_OBJECT_CLASS, key_type: CK_KEY_TYPE) -> Vec<Entry> {
    vec![number(CKA_CLASS, class), number(CKA_KEY_TYPE, key_type), flag(CKA_SENSITIVE, false)]
}

/// As `unwrapped`, with the length of a secret key.
fn unwrapped_secret(key_type: CK_KEY_TYPE, len: usize) -> Vec<Entry> {
    let template = unwrapped(CKO_SECRET_KEY, key_type);
    with(&template, &[number(CKA_VALUE_LEN, len as CK_ULONG)])
}

/// Every way to wrap, in session objects.
fn ways(session: Session) -> Vec<Way> {
    let mut ways = Vec::new();
    let mut add = |name: String, mechanism, (wrapping, unwrapping), takes| {
        ways.push(Way { name, mechanism, wrapping, unwrapping, takes });
    };
    for len in [16, 24, 32] {
        let key = wrapping_key(session, CKK_AES, len);
        let both = (key, key);
        let aes = |mode: &str| format!("AES-{} {mode}", len * 8);
        add(aes("ECB"), plain(CKM_AES_ECB), both, Takes::Blocks);
        add(aes("CBC"), with_iv(CKM_AES_CBC, &[3; 16]), both, Takes::Blocks);
        add(aes("CBC_PAD"), with_iv(CKM_AES_CBC_PAD, &[4; 16]), both, Takes::All);
        add(aes("GCM"), gcm(b"", 128), both, Takes::All);
        add(aes("GCM with a header and a short tag"), gcm(b"header", 96), both, Takes::All);
        add(aes("GCM as CK_GCM_WRAP_PARAMS"), gcm_wrap(), both, Takes::All);
        // §6.13.5: what the caller says of the length is ignored.
        add(aes("CCM"), ccm(0, b"", 16), both, Takes::All);
        add(aes("CCM with a header and a length"), ccm(12_345, b"header", 8), both, Takes::All);
        add(aes("CCM as CK_CCM_WRAP_PARAMS"), ccm_wrap(), both, Takes::All);
        add(aes("KW"), plain(CKM_AES_KEY_WRAP), both, Takes::Semiblocks);
        add(aes("KW with an IV"), with_iv(CKM_AES_KEY_WRAP, &[6; 8]), both, Takes::Semiblocks);
        add(aes("KW_PAD"), plain(CKM_AES_KEY_WRAP_PAD), both, Takes::All);
        add(aes("KWP"), plain(CKM_AES_KEY_WRAP_KWP), both, Takes::All);
        add(aes("KWP with an IV"), with_iv(CKM_AES_KEY_WRAP_KWP, &[7; 4]), both, Takes::All);
        add(aes("KW_PKCS7"), plain(CKM_AES_KEY_WRAP_PKCS7), both, Takes::Pkcs7);
        add(aes("KW_PKCS7 with an IV"), with_iv(CKM_AES_KEY_WRAP_PKCS7, &[8; 8]), both, Takes::Pkcs7);
        add(aes("CloudHSM's NO_PAD"), plain(CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD), both, Takes::Semiblocks);
        add(aes("CloudHSM's PKCS5_PAD"), plain(CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD), both, Takes::Pkcs7);
        add(aes("CloudHSM's ZERO_PAD"), plain(CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD), both, Takes::All);
    }
    for (key_type, len, name, [ecb, cbc, pad]) in [
        (CKK_DES3, 24, "DES3", [CKM_DES3_ECB, CKM_DES3_CBC, CKM_DES3_CBC_PAD]),
        (CKK_DES2, 16, "DES2", [CKM_DES3_ECB, CKM_DES3_CBC, CKM_DES3_CBC_PAD]),
        (CKK_DES, 8, "DES", [CKM_DES_ECB, CKM_DES_CBC, CKM_DES_CBC_PAD]),
    ] {
        let key = wrapping_key(session, key_type, len);
        add(format!("{name} ECB"), plain(ecb), (key, key), Takes::Blocks);
        add(format!("{name} CBC"), with_iv(cbc, &[9; 8]), (key, key), Takes::Blocks);
        add(format!("{name} CBC_PAD"), with_iv(pad, &[10; 8]), (key, key), Takes::All);
    }
    let rsa = wrapping_pair(session, "RSA 2048");
    add("RSA PKCS".into(), plain(CKM_RSA_PKCS), rsa, Takes::UpTo(MODULUS - 11));
    add("RSA X.509".into(), plain(CKM_RSA_X_509), rsa, Takes::Raw(MODULUS));
    for (name, oaep, hash_len) in [
        ("SHA-1", oaep(CKM_SHA_1, CKG_MGF1_SHA1, b""), 20),
        ("SHA-256 and a label", oaep(CKM_SHA256, CKG_MGF1_SHA256, b"label"), 32),
        ("SHA-512 and MGF1 with SHA-1", oaep(CKM_SHA512, CKG_MGF1_SHA1, b""), 64),
    ] {
        let mechanism = Mechanism { id: CKM_RSA_PKCS_OAEP, parameter: Parameter::Oaep(oaep) };
        add(format!("RSA OAEP with {name}"), mechanism, rsa, Takes::UpTo(MODULUS - 2 * hash_len - 2));
    }
    for key_bits in [128, 192, 256] {
        let parameter = Parameter::RsaAes { key_bits, oaep: Some(oaep_sha256()) };
        let mechanism = Mechanism { id: CKM_RSA_AES_KEY_WRAP, parameter };
        add(format!("RSA and AES-{key_bits}"), mechanism, rsa, Takes::All);
    }
    for (id, pair) in [
        (CKM_ECDH_AES_KEY_WRAP, "secp256r1"),
        (CKM_ECDH_AES_KEY_WRAP, "X448"),
        (CKM_ECDH_COF_AES_KEY_WRAP, "secp521r1"),
        (CKM_ECDH_COF_AES_KEY_WRAP, "secp256k1"),
        (CKM_ECDH_COF_AES_KEY_WRAP, "brainpoolP384r1"),
        (CKM_ECDH_X_AES_KEY_WRAP, "X25519"),
        (CKM_ECDH_X_AES_KEY_WRAP, "X448"),
    ] {
        let keys = wrapping_pair(session, pair);
        for (kdf, shared, key_bits) in
            [(CKD_NULL, &b""[..], 128), (CKD_SHA256_KDF, b"shared", 192), (CKD_SHA256_KDF_SP800, b"", 256)]
        {
            let name = format!("0x{id:x} with {pair}, kdf {kdf} and AES-{key_bits}");
            add(name, ecdh_aes(id, key_bits, kdf, shared), keys, Takes::All);
        }
    }
    ways
}
