//! How strong keys are (NIST SP 800-57 part 1 revision 5, §5.6.1, table 2): the bits of a search that costs as much as
//! the best known attack.

use cryptoki_sys::*;
use strongroom_crypto::{ec, edwards, montgomery};

use crate::object::Object;

/// Moduli and primes of so many bits have this strength; shorter ones, 80.
const FACTORING: [(usize, u32); 5] = [(15360, 256), (7680, 192), (3072, 128), (2048, 112), (1024, 80)];
/// No key counts for more: the strongest security category there is.
const MOST: u32 = 256;

/// The strength of a key in bits.
pub(crate) fn bits(key: &Object) -> u32 {
    let Some(key_type) = key.kind.subtype else { return 0 };
    match (key_type, key.kind.class) {
        (CKK_RSA, _) => of_factoring(number_bits(key, CKA_MODULUS)),
        (CKK_DSA | CKK_DH | CKK_X9_42_DH, _) => of_factoring(number_bits(key, CKA_PRIME)),
        (CKK_EC, _) => {
            let curve = key.inner_bytes(CKA_EC_PARAMS).and_then(ec::Curve::from_params);
            curve.map_or(0, |curve| of_field(curve.field_bytes()))
        }
        (CKK_EC_MONTGOMERY | CKK_EC_EDWARDS, _) => of_wide_curve(key),
        // Categories 1, 3 and 5 are as hard as a search for a key of AES (FIPS 203 §8, FIPS 204 §4, FIPS 205 §11);
        // ML-DSA-44 has category 2.
        (CKK_ML_KEM, _) => match key.inner_number(CKA_PARAMETER_SET) {
            Some(CKP_ML_KEM_512) => 128,
            Some(CKP_ML_KEM_768) => 192,
            _ => MOST,
        },
        (CKK_ML_DSA, _) => match key.inner_number(CKA_PARAMETER_SET) {
            Some(CKP_ML_DSA_44) => 128,
            Some(CKP_ML_DSA_65) => 192,
            _ => MOST,
        },
        // The strength grows with the public key, of two hashes.
        (CKK_SLH_DSA, CKO_PRIVATE_KEY) => value_bits(key) / 4,
        (CKK_SLH_DSA, _) => MOST,
        (CKK_DES, _) => 56,
        // Two keys: SP 800-57 table 2 has "80 or less".
        (CKK_DES2, _) => 80,
        (CKK_DES3, _) => 112,
        (CKK_AES_XTS, _) => value_bits(key) / 2,
        _ => value_bits(key).min(MOST),
    }
}

fn of_factoring(bits: usize) -> u32 {
    FACTORING.into_iter().find(|(least, _)| bits >= *least).map_or(0, |(_, strength)| strength)
}

/// Half the bits of the field, in the steps of the table.
fn of_field(bytes: usize) -> u32 {
    match bytes {
        64.. => 256,
        48.. => 192,
        32.. => 128,
        _ => 112,
    }
}

/// SP 800-186 §3: 128 bits for Curve25519, 224 for Curve448.
fn of_wide_curve(key: &Object) -> u32 {
    let params = key.inner_bytes(CKA_EC_PARAMS).unwrap_or_default();
    let wide = montgomery::Curve::from_params(params) == Some(montgomery::Curve::X448)
        || edwards::Curve::from_params(params) == Some(edwards::Curve::Ed448);
    if wide { 224 } else { 128 }
}

fn number_bits(key: &Object, attribute: u64) -> usize {
    let bytes = key.inner_bytes(attribute).unwrap_or_default();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    ((bytes.len() - zeros) * 8).saturating_sub(first)
}

fn value_bits(key: &Object) -> u32 {
    let bytes = key.material().map_or(0, |material| material.value().len());
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_mul(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SP 800-57 part 1, table 2.
    #[test]
    fn strengths_are_those_of_the_table() {
        for (bits, strength) in
            [(1024, 80), (2047, 80), (2048, 112), (3072, 128), (4096, 128), (7680, 192), (15360, 256), (16384, 256)]
        {
            assert_eq!(of_factoring(bits), strength, "{bits}");
        }
        for (bytes, strength) in [(28, 112), (32, 128), (40, 128), (48, 192), (64, 256), (66, 256)] {
            assert_eq!(of_field(bytes), strength, "{bytes}");
        }
    }
}
