//! Which mechanisms belong together, and in which unit their key sizes are.

use cryptoki_sys::*;
use strongroom_core::mechanism::{Derivation, HybridWrap, Mechanism, Work};
use strongroom_core::object::schema::{Kind, Lengths};

/// The families, by name and by the title they have in the manual.
pub(super) const FAMILIES: &[(&str, &str)] = &[
    ("rsa", "RSA"),
    ("ec", "Elliptic curves: ECDSA, ECDH"),
    ("edwards", "Edwards curves: EdDSA"),
    ("montgomery", "Montgomery curves: X25519, X448"),
    ("ml-kem", "ML-KEM"),
    ("ml-dsa", "ML-DSA"),
    ("slh-dsa", "SLH-DSA"),
    ("dsa", "DSA"),
    ("dh", "Diffie-Hellman"),
    ("aes", "AES"),
    ("chacha20", "ChaCha20"),
    ("des", "DES and triple DES"),
    ("rc4", "RC4"),
    ("hmac", "Generic secrets and HMAC"),
    ("digest", "Digests"),
    ("derivation", "Derivation"),
    ("tls", "TLS 1.2"),
    ("ike", "IKE"),
];

/// The family of a mechanism.
pub(super) fn family(mechanism: &Mechanism) -> &'static str {
    match mechanism.work {
        Work::Digest(_) => "digest",
        Work::TlsMac => "tls",
        Work::KeyWrap(_) => "aes",
        Work::Rsa(_) | Work::HybridWrap(HybridWrap::Rsa) => "rsa",
        Work::HybridWrap(HybridWrap::Ecdh) => "ec",
        Work::HybridWrap(HybridWrap::Montgomery) => "montgomery",
        Work::GenerateSecret(key_type)
        | Work::GeneratePair(key_type)
        | Work::GenerateParameters(key_type)
        | Work::Signature { key_type, .. }
        | Work::Encapsulation(key_type) => of_keys(key_type),
        Work::Cipher { key_types, .. } | Work::Mac { key_types, .. } => {
            key_types.first().map_or("hmac", |key_type| of_keys(*key_type))
        }
        Work::Derive { key_types, derivation } => match derivation {
            Derivation::Ecdh => "ec",
            Derivation::Dh | Derivation::X942Dh => "dh",
            Derivation::Encrypt(_) => key_types.first().map_or("derivation", |key_type| of_keys(*key_type)),
            Derivation::TlsMaster { .. }
            | Derivation::TlsExtendedMaster { .. }
            | Derivation::TlsKeys { .. }
            | Derivation::TlsKdf => "tls",
            Derivation::Ike2PrfPlus | Derivation::IkePrf | Derivation::Ike1Prf | Derivation::Ike1Extended => "ike",
            _ => "derivation",
        },
    }
}

fn of_keys(key_type: u64) -> &'static str {
    match key_type {
        CKK_RSA => "rsa",
        CKK_EC => "ec",
        CKK_EC_EDWARDS => "edwards",
        CKK_EC_MONTGOMERY => "montgomery",
        CKK_ML_KEM => "ml-kem",
        CKK_ML_DSA => "ml-dsa",
        CKK_SLH_DSA => "slh-dsa",
        CKK_DSA => "dsa",
        CKK_DH | CKK_X9_42_DH => "dh",
        CKK_AES | CKK_AES_XTS => "aes",
        CKK_CHACHA20 => "chacha20",
        CKK_DES | CKK_DES2 | CKK_DES3 => "des",
        CKK_RC4 => "rc4",
        CKK_HKDF => "derivation",
        _ => "hmac",
    }
}

/// The unit of the mechanism's key sizes: bits of numbers and fields, bytes of the public keys of lattices and hashes;
/// for secret keys that in which the largest size is one the type of key can have.
pub(super) fn size_unit(mechanism: &Mechanism) -> Option<&'static str> {
    let max = usize::try_from(mechanism.max_key).ok().filter(|max| *max > 0)?;
    let key_type = match mechanism.work {
        Work::Digest(_) => return None,
        Work::Rsa(_) | Work::HybridWrap(_) => return Some("bits"),
        Work::KeyWrap(_) => CKK_AES,
        Work::TlsMac => CKK_GENERIC_SECRET,
        Work::GenerateSecret(key_type)
        | Work::GeneratePair(key_type)
        | Work::GenerateParameters(key_type)
        | Work::Signature { key_type, .. }
        | Work::Encapsulation(key_type) => key_type,
        Work::Cipher { key_types, .. } | Work::Mac { key_types, .. } => *key_types.first()?,
        Work::Derive { key_types, .. } => key_types.first().copied().unwrap_or(CKK_GENERIC_SECRET),
    };
    if matches!(key_type, CKK_ML_KEM | CKK_ML_DSA | CKK_SLH_DSA) {
        return Some("bytes");
    }
    let Some(kind) = Kind::secret_key(key_type) else { return Some("bits") };
    let longest = match kind.lengths {
        Lengths::OneOf(lengths) => lengths.iter().copied().max()?,
        Lengths::Between(_, longest) => longest,
        Lengths::None => return None,
    };
    Some(if max == longest * 8 { "bits" } else { "bytes" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_core::mechanism::{CATALOGUE, named};

    #[test]
    fn every_mechanism_has_a_family_and_every_family_a_mechanism() {
        for mechanism in CATALOGUE {
            assert!(FAMILIES.iter().any(|(name, _)| *name == family(mechanism)), "{mechanism}");
        }
        for (name, _) in FAMILIES {
            assert!(CATALOGUE.iter().any(|mechanism| family(mechanism) == *name), "{name}");
        }
    }

    #[test]
    fn families_are_those_of_the_keys() {
        let family = |name| family(named(name).unwrap());
        assert_eq!(family("AES_KEY_WRAP"), "aes");
        assert_eq!(family("SHA256_HMAC"), "hmac");
        assert_eq!(family("ECDH1_DERIVE"), "ec");
        assert_eq!(family("EDDSA"), "edwards");
        assert_eq!(family("TLS12_KDF"), "tls");
        assert_eq!(family("DES3_ECB_ENCRYPT_DATA"), "des");
        assert_eq!(family("PKCS5_PBKD2"), "derivation");
    }
}
