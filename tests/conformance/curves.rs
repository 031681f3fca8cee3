//! Elliptic curves (PKCS#11 3.2 §6.3): keys, ECDSA, EdDSA, and the agreement of keys.
//!
//! | file | what it asks |
//! | --- | --- |
//! | `program` | nothing: it runs `openssl` and reads and writes the little DER that takes |
//! | `exchange` | signatures and public keys from here in `openssl`, and the other way round |
//! | `encodings` | the forms of `CKA_EC_PARAMS`, `CKA_EC_POINT` and `CKA_VALUE`, and what comes back |
//! | `refusals` | curves, points, numbers and signatures that are not taken, each with its code |
//! | `edwards` | EdDSA: its five schemes, their parameter, parts, RFC 8032 |
//! | `keys` | generation, templates, defaults, what is secret, check values, restarts, threads, policies |
//! | `agreement` | ECDH against `openssl` and against published values |

pub(crate) mod agreement;
mod edwards;
mod encodings;
mod exchange;
mod keys;
mod program;
mod refusals;

use cryptoki_sys::*;

use crate::module::Outcome;
use crate::parameters::{Mechanism, plain};
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, number, with};
use crate::vectors::hex;

/// A curve, told as its standards do (SEC 2, RFC 5639, RFC 8410), not as the module does.
pub(crate) struct Curve {
    /// What `openssl` calls it.
    pub(crate) name: &'static str,
    pub(crate) key_type: CK_KEY_TYPE,
    /// The object identifier in DER.
    pub(crate) oid: &'static str,
    /// Every name a client may give.
    pub(crate) names: &'static [&'static str],
    /// Bytes of a private key; half a signature's.
    pub(crate) bytes: usize,
    /// The order of the base point; empty where private keys are any bytes.
    order: &'static str,
}

const fn short(
    name: &'static str,
    oid: &'static str,
    names: &'static [&'static str],
    bytes: usize,
    order: &'static str,
) -> Curve {
    Curve { name, key_type: CKK_EC, oid, names, bytes, order }
}

pub(crate) const SHORT: [Curve; 10] = [
    short(
        "secp224r1",
        "06052b81040021",
        &["secp224r1", "SECP224R1", "P-224", "ansix9p224r1"],
        28,
        "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
    ),
    short(
        "prime256v1",
        "06082a8648ce3d030107",
        &["secp256r1", "Secp256R1", "P-256", "prime256v1", "ansix9p256r1"],
        32,
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    ),
    short(
        "secp384r1",
        "06052b81040022",
        &["secp384r1", "P-384", "p-384", "ansix9p384r1"],
        48,
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    short(
        "secp521r1",
        "06052b81040023",
        &["secp521r1", "P-521", "ansix9p521r1"],
        66,
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d0
         3bb5c9b8899c47aebb6fb71e91386409",
    ),
    short(
        "secp256k1",
        "06052b8104000a",
        &["secp256k1", "ansix9p256k1"],
        32,
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    ),
    short(
        "brainpoolP224r1",
        "06092b2403030208010105",
        &["brainpoolP224r1"],
        28,
        "d7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939f",
    ),
    short(
        "brainpoolP256r1",
        "06092b2403030208010107",
        &["brainpoolP256r1", "brainpoolp256r1"],
        32,
        "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
    ),
    short(
        "brainpoolP320r1",
        "06092b2403030208010109",
        &["brainpoolP320r1"],
        40,
        "d35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482ec7ee8658e98691555b44c59311",
    ),
    short(
        "brainpoolP384r1",
        "06092b240303020801010b",
        &["brainpoolP384r1"],
        48,
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
    ),
    short(
        "brainpoolP512r1",
        "06092b240303020801010d",
        &["brainpoolP512r1", "BRAINPOOLP512R1"],
        64,
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac1047
         1db1d381085ddaddb58796829ca90069",
    ),
];

pub(crate) const EDWARDS: [Curve; 2] = [
    Curve {
        name: "ED25519",
        key_type: CKK_EC_EDWARDS,
        oid: "06032b6570",
        names: &["edwards25519", "Edwards25519", "Ed25519"],
        bytes: 32,
        order: "",
    },
    Curve {
        name: "ED448",
        key_type: CKK_EC_EDWARDS,
        oid: "06032b6571",
        names: &["edwards448", "Ed448"],
        bytes: 57,
        order: "",
    },
];

pub(crate) const MONTGOMERY: [Curve; 2] = [
    Curve {
        name: "X25519",
        key_type: CKK_EC_MONTGOMERY,
        oid: "06032b656e",
        names: &["curve25519", "Curve25519", "X25519"],
        bytes: 32,
        order: "",
    },
    Curve {
        name: "X448",
        key_type: CKK_EC_MONTGOMERY,
        oid: "06032b656f",
        names: &["curve448", "X448"],
        bytes: 56,
        order: "",
    },
];

pub(crate) fn all() -> impl Iterator<Item = &'static Curve> {
    SHORT.iter().chain(&EDWARDS).chain(&MONTGOMERY)
}

/// The curve that `openssl` calls so.
pub(crate) fn named(name: &str) -> &'static Curve {
    all().find(|curve| curve.name == name).expect("a curve of the table")
}

impl Curve {
    /// `CKA_EC_PARAMS`.
    pub(crate) fn params(&self) -> Vec<u8> {
        hex(self.oid)
    }

    /// The order of the base point.
    pub(crate) fn order(&self) -> Vec<u8> {
        hex(self.order)
    }

    /// The mechanism that makes pairs.
    pub(crate) fn generation(&self) -> CK_MECHANISM_TYPE {
        match self.key_type {
            CKK_EC => CKM_EC_KEY_PAIR_GEN,
            CKK_EC_EDWARDS => CKM_EC_EDWARDS_KEY_PAIR_GEN,
            _ => CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
        }
    }

    fn half(&self, class: CK_OBJECT_CLASS) -> Vec<Entry> {
        vec![number(CKA_CLASS, class), number(CKA_KEY_TYPE, self.key_type), bytes(CKA_EC_PARAMS, self.params())]
    }

    /// The template of a public key.
    pub(crate) fn public(&self, point: &[u8]) -> Vec<Entry> {
        with(&self.half(CKO_PUBLIC_KEY), &[bytes(CKA_EC_POINT, point)])
    }

    /// The template of a private key.
    pub(crate) fn private(&self, value: &[u8]) -> Vec<Entry> {
        with(&self.half(CKO_PRIVATE_KEY), &[bytes(CKA_VALUE, value)])
    }

    /// A new pair whose private half can be read: the public key and the private one.
    pub(crate) fn pair(&self, session: Session) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
        let public = [bytes(CKA_EC_PARAMS, self.params())];
        let private = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
        generate(session, self.generation(), &public, &private).unwrap()
    }
}

/// `C_GenerateKeyPair`: the public key and the private one.
pub(crate) fn generate(
    session: Session,
    id: CK_MECHANISM_TYPE,
    public: &[Entry],
    private: &[Entry],
) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    session.generate_pair(&plain(id), public, private)
}

/// A signature over all data at once. Its length is asked for first, and must be exact.
pub(crate) fn sign(session: Session, mechanism: &Mechanism, key: CK_OBJECT_HANDLE, data: &[u8]) -> Outcome<Vec<u8>> {
    session.begin(Work::Sign, mechanism, key)?;
    let start = data.as_ptr().cast_mut();
    let mut len = 0;
    session.whole_raw(Work::Sign, (start, data.len() as CK_ULONG, std::ptr::null_mut(), &mut len))?;
    let mut signature = vec![0; len as usize];
    session.whole_raw(Work::Sign, (start, data.len() as CK_ULONG, signature.as_mut_ptr(), &mut len))?;
    assert_eq!(len, signature.len() as CK_ULONG);
    Ok(signature)
}

/// The numbers of a signature with as few bytes as both halves need: Java's SunPKCS11 sends them so.
pub(crate) fn shortened(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let zeros = r.iter().zip(s).take_while(|(r, s)| **r == 0 && **s == 0).count();
    [&r[zeros..], &s[zeros..]].concat()
}
