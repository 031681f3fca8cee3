//! Key pairs for tests, and the mechanisms of post-quantum pairs with their parameters.

use cryptoki_sys::*;

use crate::module::Outcome;
use crate::parameters::{Mechanism, Parameter, plain};
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, number};

/// The handles of a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) public: CK_OBJECT_HANDLE,
    pub(crate) private: CK_OBJECT_HANDLE,
}

/// What makes the secrets of a key readable.
pub(crate) fn readable() -> [Entry; 2] {
    [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)]
}

pub(crate) fn generate_pair(
    session: Session,
    mechanism: CK_MECHANISM_TYPE,
    public: &[Entry],
    private: &[Entry],
) -> Outcome<Pair> {
    let (public, private) = session.generate_pair(&plain(mechanism), public, private)?;
    Ok(Pair { public, private })
}

/// A pair of a parameter set, with defaults.
pub(crate) fn pair_of_set(session: Session, mechanism: CK_MECHANISM_TYPE, set: CK_ULONG) -> Pair {
    generate_pair(session, mechanism, &[number(CKA_PARAMETER_SET, set)], &[]).unwrap()
}

pub(crate) fn rsa_pair(session: Session, private: &[Entry]) -> Pair {
    generate_pair(session, CKM_RSA_PKCS_KEY_PAIR_GEN, &[number(CKA_MODULUS_BITS, 2048)], private).unwrap()
}

/// A pair on NIST's P-256.
pub(crate) fn ec_pair(session: Session, private: &[Entry]) -> Pair {
    let curve = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    generate_pair(session, CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, curve)], private).unwrap()
}

pub(crate) fn ed25519_pair(session: Session, private: &[Entry]) -> Pair {
    let curve = [0x06, 0x03, 0x2b, 0x65, 0x70];
    generate_pair(session, CKM_EC_EDWARDS_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, curve)], private).unwrap()
}

/// The template of a public key of a parameter set.
pub(crate) fn public_of_set(key_type: CK_KEY_TYPE, set: CK_ULONG, value: &[u8]) -> Vec<Entry> {
    vec![
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, key_type),
        number(CKA_PARAMETER_SET, set),
        bytes(CKA_VALUE, value),
    ]
}

/// The template of a private key of a parameter set, with its secret parts.
pub(crate) fn private_of_set(key_type: CK_KEY_TYPE, set: CK_ULONG, parts: &[Entry]) -> Vec<Entry> {
    let head = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, key_type), number(CKA_PARAMETER_SET, set)];
    head.iter().chain(parts).cloned().collect()
}

/// A mechanism with a context.
pub(crate) fn with_context(id: CK_MECHANISM_TYPE, hedge: CK_ULONG, context: &[u8]) -> Mechanism {
    Mechanism { id, parameter: Parameter::SignContext { hedge, context: context.to_vec() } }
}

/// A mechanism with a context and the hash the caller used.
pub(crate) fn with_hash(id: CK_MECHANISM_TYPE, hedge: CK_ULONG, context: &[u8], hash: CK_MECHANISM_TYPE) -> Mechanism {
    Mechanism { id, parameter: Parameter::HashSignContext { hedge, context: context.to_vec(), hash } }
}

/// Encapsulates with ML-KEM.
pub(crate) fn encapsulate(
    session: Session,
    key: CK_OBJECT_HANDLE,
    template: &[Entry],
) -> Outcome<(Vec<u8>, CK_OBJECT_HANDLE)> {
    session.encapsulate(&plain(CKM_ML_KEM), key, template)
}

/// Decapsulates with ML-KEM.
pub(crate) fn decapsulate(
    session: Session,
    key: CK_OBJECT_HANDLE,
    template: &[Entry],
    ciphertext: &[u8],
) -> Outcome<CK_OBJECT_HANDLE> {
    session.decapsulate(&plain(CKM_ML_KEM), key, template, ciphertext)
}

/// Verifies a signature that comes first.
pub(crate) fn check_first(
    session: Session,
    mechanism: &Mechanism,
    key: CK_OBJECT_HANDLE,
    data: &[u8],
    signature: &[u8],
) -> Outcome {
    session.verify_signature_init(mechanism, key, signature)?;
    session.verify_signature(data)
}

/// The same in parts that end at `cuts`.
pub(crate) fn check_first_in_parts(
    session: Session,
    mechanism: &Mechanism,
    key: CK_OBJECT_HANDLE,
    data: &[u8],
    signature: &[u8],
    cuts: &[usize],
) -> Outcome {
    session.verify_signature_init(mechanism, key, signature)?;
    let mut from = 0;
    for to in cuts.iter().copied().chain([data.len()]) {
        session.verify_signature_update(&data[from..to])?;
        from = to;
    }
    session.verify_signature_final()
}

/// The digest of these bytes, by the module.
pub(crate) fn digest(session: Session, mechanism: CK_MECHANISM_TYPE, data: &[u8]) -> Vec<u8> {
    session.run(Work::Digest, &plain(mechanism), 0, data).unwrap()
}
