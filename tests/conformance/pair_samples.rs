//! One sample of each type of key pair and each of its curves or parameter sets: how it is generated, which attributes
//! are its secret, and how it signs.

use std::sync::OnceLock;

use cryptoki_sys::*;

use crate::module::Outcome;
use crate::parameters::plain;
use crate::session::Session;
use crate::template::{Entry, bytes, flag, number, with};

/// A type of key pair.
pub(crate) struct PairSample {
    pub(crate) name: &'static str,
    pub(crate) key_type: CK_KEY_TYPE,
    pub(crate) generate: CK_MECHANISM_TYPE,
    /// What the template of the public half must say.
    pub(crate) public: Public,
    /// How it signs, if it does.
    pub(crate) signs: Option<CK_MECHANISM_TYPE>,
}

/// What a public template says of the pair.
#[derive(Clone, Copy)]
pub(crate) enum Public {
    Rsa(CK_ULONG),
    Curve(&'static [u8]),
    /// Generated parameters of so many bits.
    Group(CK_MECHANISM_TYPE, CK_ULONG),
    Set(CK_ULONG),
}

const fn curve(name: &'static str, oid: &'static [u8]) -> PairSample {
    PairSample {
        name,
        key_type: CKK_EC,
        generate: CKM_EC_KEY_PAIR_GEN,
        public: Public::Curve(oid),
        signs: Some(CKM_ECDSA_SHA256),
    }
}

const fn edwards(name: &'static str, oid: &'static [u8]) -> PairSample {
    PairSample {
        name,
        key_type: CKK_EC_EDWARDS,
        generate: CKM_EC_EDWARDS_KEY_PAIR_GEN,
        public: Public::Curve(oid),
        signs: Some(CKM_EDDSA),
    }
}

const fn montgomery(name: &'static str, oid: &'static [u8]) -> PairSample {
    PairSample {
        name,
        key_type: CKK_EC_MONTGOMERY,
        generate: CKM_EC_MONTGOMERY_KEY_PAIR_GEN,
        public: Public::Curve(oid),
        signs: None,
    }
}

const fn set(
    name: &'static str,
    key_type: CK_KEY_TYPE,
    generate: CK_MECHANISM_TYPE,
    set: CK_ULONG,
    signs: Option<CK_MECHANISM_TYPE>,
) -> PairSample {
    PairSample { name, key_type, generate, public: Public::Set(set), signs }
}

const fn slh_dsa(name: &'static str, number: CK_ULONG) -> PairSample {
    set(name, CKK_SLH_DSA, CKM_SLH_DSA_KEY_PAIR_GEN, number, Some(CKM_SLH_DSA))
}

const fn ml_dsa(name: &'static str, number: CK_ULONG) -> PairSample {
    set(name, CKK_ML_DSA, CKM_ML_DSA_KEY_PAIR_GEN, number, Some(CKM_ML_DSA))
}

const fn ml_kem(name: &'static str, number: CK_ULONG) -> PairSample {
    set(name, CKK_ML_KEM, CKM_ML_KEM_KEY_PAIR_GEN, number, None)
}

/// Object identifiers of SEC 2, RFC 5639 and RFC 8410.
pub(crate) const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
pub(crate) const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
pub(crate) const X25519: &[u8] = b"\x06\x03\x2b\x65\x6e";
pub(crate) const X448: &[u8] = b"\x06\x03\x2b\x65\x6f";

/// Every sample.
pub(crate) const PAIRS: &[PairSample] = &[
    PairSample {
        name: "RSA 2048",
        key_type: CKK_RSA,
        generate: CKM_RSA_PKCS_KEY_PAIR_GEN,
        public: Public::Rsa(2048),
        signs: Some(CKM_SHA256_RSA_PKCS),
    },
    curve("secp224r1", b"\x06\x05\x2b\x81\x04\x00\x21"),
    curve("secp256r1", P256),
    curve("secp384r1", b"\x06\x05\x2b\x81\x04\x00\x22"),
    curve("secp521r1", b"\x06\x05\x2b\x81\x04\x00\x23"),
    curve("secp256k1", b"\x06\x05\x2b\x81\x04\x00\x0a"),
    curve("brainpoolP224r1", b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x05"),
    curve("brainpoolP256r1", b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07"),
    curve("brainpoolP320r1", b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x09"),
    curve("brainpoolP384r1", b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"),
    curve("brainpoolP512r1", b"\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"),
    edwards("Ed25519", ED25519),
    edwards("Ed448", b"\x06\x03\x2b\x65\x71"),
    montgomery("X25519", X25519),
    montgomery("X448", X448),
    PairSample {
        name: "DSA 2048",
        key_type: CKK_DSA,
        generate: CKM_DSA_KEY_PAIR_GEN,
        public: Public::Group(CKM_DSA_PARAMETER_GEN, 2048),
        signs: Some(CKM_DSA_SHA256),
    },
    PairSample {
        name: "DH 2048",
        key_type: CKK_DH,
        generate: CKM_DH_PKCS_KEY_PAIR_GEN,
        public: Public::Group(CKM_DH_PKCS_PARAMETER_GEN, 2048),
        signs: None,
    },
    PairSample {
        name: "X9.42 DH 2048",
        key_type: CKK_X9_42_DH,
        generate: CKM_X9_42_DH_KEY_PAIR_GEN,
        public: Public::Group(CKM_X9_42_DH_PARAMETER_GEN, 2048),
        signs: None,
    },
    ml_kem("ML-KEM-512", CKP_ML_KEM_512),
    ml_kem("ML-KEM-768", CKP_ML_KEM_768),
    ml_kem("ML-KEM-1024", CKP_ML_KEM_1024),
    ml_dsa("ML-DSA-44", CKP_ML_DSA_44),
    ml_dsa("ML-DSA-65", CKP_ML_DSA_65),
    ml_dsa("ML-DSA-87", CKP_ML_DSA_87),
    slh_dsa("SLH-DSA-SHA2-128f", CKP_SLH_DSA_SHA2_128F),
    slh_dsa("SLH-DSA-SHA2-128s", CKP_SLH_DSA_SHA2_128S),
    slh_dsa("SLH-DSA-SHA2-192f", CKP_SLH_DSA_SHA2_192F),
    slh_dsa("SLH-DSA-SHA2-192s", CKP_SLH_DSA_SHA2_192S),
    slh_dsa("SLH-DSA-SHA2-256f", CKP_SLH_DSA_SHA2_256F),
    slh_dsa("SLH-DSA-SHA2-256s", CKP_SLH_DSA_SHA2_256S),
    slh_dsa("SLH-DSA-SHAKE-128f", CKP_SLH_DSA_SHAKE_128F),
    slh_dsa("SLH-DSA-SHAKE-128s", CKP_SLH_DSA_SHAKE_128S),
    slh_dsa("SLH-DSA-SHAKE-192f", CKP_SLH_DSA_SHAKE_192F),
    slh_dsa("SLH-DSA-SHAKE-192s", CKP_SLH_DSA_SHAKE_192S),
    slh_dsa("SLH-DSA-SHAKE-256f", CKP_SLH_DSA_SHAKE_256F),
    slh_dsa("SLH-DSA-SHAKE-256s", CKP_SLH_DSA_SHAKE_256S),
];

/// The sample with this name.
pub(crate) fn pair_sample(name: &str) -> &'static PairSample {
    PAIRS.iter().find(|sample| sample.name == name).expect("a sample")
}

/// A private half whose value can be read.
pub(crate) fn open() -> [Entry; 2] {
    [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)]
}

impl PairSample {
    /// The public template.
    pub(crate) fn public(&self, session: Session) -> Vec<Entry> {
        match self.public {
            Public::Rsa(bits) => vec![number(CKA_MODULUS_BITS, bits), bytes(CKA_PUBLIC_EXPONENT, [1, 0, 1])],
            Public::Curve(oid) => vec![bytes(CKA_EC_PARAMS, oid)],
            Public::Set(number_of_set) => vec![number(CKA_PARAMETER_SET, number_of_set)],
            Public::Group(mechanism, bits) => group(session, mechanism, bits),
        }
    }

    /// A pair of session objects whose private half has `more`.
    pub(crate) fn pair(
        &self,
        session: Session,
        public: &[Entry],
        private: &[Entry],
    ) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        session.generate_pair(&plain(self.generate), &with(&self.public(session), public), private)
    }

    /// The attributes of the private half that are secret.
    pub(crate) fn secrets(&self) -> &'static [CK_ATTRIBUTE_TYPE] {
        match self.key_type {
            CKK_RSA => {
                &[CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT]
            }
            CKK_ML_KEM | CKK_ML_DSA => &[CKA_VALUE, CKA_SEED],
            _ => &[CKA_VALUE],
        }
    }

    /// The attributes of both halves, or of the private one, that make up the key and are not secret.
    pub(crate) fn private_public(&self) -> &'static [CK_ATTRIBUTE_TYPE] {
        match self.public {
            Public::Rsa(_) => &[CKA_MODULUS, CKA_PUBLIC_EXPONENT],
            Public::Curve(_) => &[CKA_EC_PARAMS],
            Public::Set(_) => &[CKA_PARAMETER_SET],
            Public::Group(CKM_DH_PKCS_PARAMETER_GEN, _) => &[CKA_PRIME, CKA_BASE],
            Public::Group(..) => &[CKA_PRIME, CKA_SUBPRIME, CKA_BASE],
        }
    }

    /// The attributes of the public half that make up the key, as `C_CreateObject` needs them.
    pub(crate) fn public_parts(&self) -> Vec<CK_ATTRIBUTE_TYPE> {
        let own: &[CK_ATTRIBUTE_TYPE] = match self.public {
            Public::Rsa(_) => &[],
            Public::Curve(_) => &[CKA_EC_POINT],
            Public::Set(_) | Public::Group(..) => &[CKA_VALUE],
        };
        [self.private_public(), own].concat()
    }

    /// The complete template of a half: these attributes of an existing one.
    pub(crate) fn import(
        &self,
        session: Session,
        class: CK_OBJECT_CLASS,
        half: CK_OBJECT_HANDLE,
        parts: &[CK_ATTRIBUTE_TYPE],
    ) -> Vec<Entry> {
        let mut template = vec![number(CKA_CLASS, class), number(CKA_KEY_TYPE, self.key_type)];
        template.extend(parts.iter().map(|part| bytes(*part, session.get(half, *part).unwrap())));
        template
    }

    /// Signs with the one half and verifies with the other, where the type of key does that.
    pub(crate) fn check_pair(&self, session: Session, public: CK_OBJECT_HANDLE, private: CK_OBJECT_HANDLE) {
        let Some(mechanism) = self.signs else { return };
        let mechanism = plain(mechanism);
        let message = self.name.as_bytes();
        let signature = session.sign(&mechanism, private, message);
        let signature = signature.unwrap_or_else(|code| panic!("{}: {code:?}", self.name));
        assert_eq!(session.check(&mechanism, public, message, &signature), Ok(()), "{}", self.name);
    }
}

/// Parameters of so many bits, generated once.
pub(crate) fn group(session: Session, mechanism: CK_MECHANISM_TYPE, bits: CK_ULONG) -> Vec<Entry> {
    static DSA_1024: OnceLock<Vec<Entry>> = OnceLock::new();
    static DSA_2048: OnceLock<Vec<Entry>> = OnceLock::new();
    static X942_2048: OnceLock<Vec<Entry>> = OnceLock::new();
    let place = match (mechanism, bits) {
        (CKM_DSA_PARAMETER_GEN, 1024) => &DSA_1024,
        (CKM_DSA_PARAMETER_GEN, 2048) => &DSA_2048,
        (CKM_X9_42_DH_PARAMETER_GEN, 2048) => &X942_2048,
        _ => return new_group(session, mechanism, bits),
    };
    place.get_or_init(|| new_group(session, mechanism, bits)).clone()
}

fn new_group(session: Session, mechanism: CK_MECHANISM_TYPE, bits: CK_ULONG) -> Vec<Entry> {
    let mut template = vec![number(CKA_PRIME_BITS, bits)];
    if mechanism != CKM_DH_PKCS_PARAMETER_GEN {
        template.push(number(CKA_SUBPRIME_BITS, if bits == 1024 { 160 } else { 256 }));
    }
    let object = session.generate(&plain(mechanism), &template).unwrap();
    let attributes: &[CK_ATTRIBUTE_TYPE] = match mechanism {
        CKM_DH_PKCS_PARAMETER_GEN => &[CKA_PRIME, CKA_BASE],
        _ => &[CKA_PRIME, CKA_SUBPRIME, CKA_BASE],
    };
    let template = attributes.iter().map(|part| bytes(*part, session.get(object, *part).unwrap())).collect();
    session.destroy(object).unwrap();
    template
}
