//! The template of a key that comes from outside in an encoding: what `C_CreateObject` takes.

use cryptoki_sys::*;
use strongroom_crypto::encoding::{PrivateKeyInfo, PublicKeyInfo};

use super::{curves, info, post_quantum};
use crate::attribute::{AttributeType, Entry, Given};

/// Class, type and parts of a private key. Nothing of it is checked here.
pub fn private_key_entries<'a>(info: &PrivateKeyInfo<'a>) -> Vec<Entry<'a>> {
    let (key_type, decoded) = info::parts_of(info);
    entries(CKO_PRIVATE_KEY, key_type, decoded.bytes, decoded.set)
}

/// Class, type and parts of a public key. Nothing of it is checked here.
pub fn public_key_entries<'a>(info: &PublicKeyInfo<'a>) -> Vec<Entry<'a>> {
    let (key_type, bytes, set) = match *info {
        PublicKeyInfo::Rsa { modulus, public_exponent } => {
            (CKK_RSA, vec![(CKA_MODULUS, modulus), (CKA_PUBLIC_EXPONENT, public_exponent)], None)
        }
        PublicKeyInfo::Ec { params, point } => (CKK_EC, vec![(CKA_EC_PARAMS, params), (CKA_EC_POINT, point)], None),
        PublicKeyInfo::Edwards { curve, bytes } => {
            (CKK_EC_EDWARDS, vec![(CKA_EC_PARAMS, curves::edwards_params(curve)), (CKA_EC_POINT, bytes)], None)
        }
        PublicKeyInfo::Montgomery { curve, bytes } => {
            (CKK_EC_MONTGOMERY, vec![(CKA_EC_PARAMS, curves::montgomery_params(curve)), (CKA_EC_POINT, bytes)], None)
        }
        PublicKeyInfo::Dsa { p, q, g, y } => {
            (CKK_DSA, vec![(CKA_PRIME, p), (CKA_SUBPRIME, q), (CKA_BASE, g), (CKA_VALUE, y)], None)
        }
        PublicKeyInfo::Dh { p, g, y } => (CKK_DH, vec![(CKA_PRIME, p), (CKA_BASE, g), (CKA_VALUE, y)], None),
        PublicKeyInfo::X942Dh { p, q, g, y } => {
            (CKK_X9_42_DH, vec![(CKA_PRIME, p), (CKA_SUBPRIME, q), (CKA_BASE, g), (CKA_VALUE, y)], None)
        }
        PublicKeyInfo::MlKem { set, bytes } => {
            (CKK_ML_KEM, vec![(CKA_VALUE, bytes)], info::number_of(set, &info::ML_KEM))
        }
        PublicKeyInfo::MlDsa { set, bytes } => {
            (CKK_ML_DSA, vec![(CKA_VALUE, bytes)], info::number_of(set, &info::ML_DSA))
        }
        PublicKeyInfo::SlhDsa { set, bytes } => {
            (CKK_SLH_DSA, vec![(CKA_VALUE, bytes)], info::number_of(set, &post_quantum::SLH_DSA_ENCODED))
        }
    };
    entries(CKO_PUBLIC_KEY, key_type, bytes, set)
}

fn entries<'a>(class: u64, key_type: u64, bytes: Vec<(u64, &'a [u8])>, set: Option<u64>) -> Vec<Entry<'a>> {
    let entry = |attribute, value| Entry { attribute: AttributeType(attribute), value };
    let mut entries = vec![entry(CKA_CLASS, Given::Ulong(class)), entry(CKA_KEY_TYPE, Given::Ulong(key_type))];
    entries.extend(set.map(|set| entry(CKA_PARAMETER_SET, Given::Ulong(set))));
    entries.extend(bytes.into_iter().map(|(attribute, bytes)| entry(attribute, Given::Bytes(bytes))));
    entries
}
