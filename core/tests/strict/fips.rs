//! The policy `fips`: approved mechanisms and keys only.

use cryptoki_sys::*;
use strongroom_core::mechanism::Parameter;
use strongroom_core::policy::Policy;

use crate::fixture::*;
use crate::words::*;

/// Types of secret keys that FIPS 140-3 approves nothing for, with the mechanism that generates them and a length.
/// "RC4 keys are not valid on FIPS-mode HSMs"; 3DES makes and encrypts nothing since 2024 (SP 800-131A revision 2).
const TYPES: [(u64, Option<u64>, usize); 6] = [
    (CKK_RC4, Some(CKM_RC4_KEY_GEN), 16),
    (CKK_DES, Some(CKM_DES_KEY_GEN), 8),
    (CKK_DES2, Some(CKM_DES2_KEY_GEN), 16),
    (CKK_DES3, Some(CKM_DES3_KEY_GEN), 24),
    (CKK_CHACHA20, Some(CKM_CHACHA20_KEY_GEN), 32),
    (CKK_MD5_HMAC, None, 16),
];

/// Bytes of odd parity.
const VALUE: [u8; 32] = [
    1, 2, 4, 7, 8, 11, 13, 14, 16, 19, 21, 22, 25, 26, 28, 31, 32, 35, 37, 38, 41, 42, 44, 47, 49, 50, 52, 55, 56, 59,
    61, 62,
];

fn lengths(key_type: u64, bytes: usize) -> Vec<Entry> {
    let fixed = matches!(key_type, CKK_DES | CKK_DES2 | CKK_DES3);
    if fixed { vec![] } else { vec![number(CKA_VALUE_LEN, bytes as u64)] }
}

/// However they would come to be.
fn refusals(token: &Token, key_type: u64, generator: Option<u64>, length: usize) -> Vec<CK_RV> {
    let own = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, key_type)];
    let imported = token.made(&[&own[..], &[bytes(CKA_VALUE, &VALUE[..length])]].concat());
    let generated = generator.map(|mechanism| token.generated(mechanism, &lengths(key_type, length)));
    let base = token.generic(&[7; 32]);
    let asked = [&own[1..], &lengths(key_type, length)].concat();
    let derived = token.derive(CKM_HKDF_DERIVE, hkdf(), base, &asked).map(|derived| derived.key);
    let wrapping = token.aes(&[flag(CKA_WRAP, true), flag(CKA_UNWRAP, true)]);
    let open = [flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, false), flag(CKA_SIGN, true)];
    let secret = token.secret(CKK_GENERIC_SECRET, &VALUE[..length], &open);
    let kwp = plain(CKM_AES_KEY_WRAP_KWP);
    let blob = token.wrap(&kwp, wrapping, secret).unwrap();
    let unwrapped = token.unwrap(&kwp, wrapping, &blob, &own);
    let all = [Some(imported), generated, Some(derived.map_err(|error| error.rv())), Some(unwrapped)];
    all.into_iter().flatten().map(|outcome| outcome.err().unwrap_or(CKR_OK)).collect()
}

fn hkdf() -> Parameter<'static> {
    Parameter::Hkdf(strongroom_core::mechanism::Hkdf {
        extract: true,
        expand: true,
        hash: CKM_SHA256,
        salt_type: CKF_HKDF_SALT_NULL,
        salt: &[],
        salt_key: 0,
        info: b"",
    })
}

#[test]
fn fips_keeps_no_keys_of_types_that_are_not_approved() {
    let token = under(Policy::Fips);
    for (key_type, generator, length) in TYPES {
        for refusal in refusals(&token, key_type, generator, length) {
            let expected = [CKR_ATTRIBUTE_VALUE_INVALID, CKR_MECHANISM_INVALID];
            assert!(expected.contains(&refusal), "{key_type:#x}: {refusal:#x}");
        }
    }
    let standard = crate::fixture::token();
    for (key_type, generator, length) in TYPES {
        let outcomes = refusals(&standard, key_type, generator, length);
        assert!(outcomes.iter().all(|outcome| *outcome == CKR_OK), "{key_type:#x}: {outcomes:x?}");
    }
}

#[test]
fn fips_generates_what_is_approved() {
    let token = under(Policy::Fips);
    for (mechanism, bytes) in [(CKM_AES_KEY_GEN, 16), (CKM_AES_KEY_GEN, 32), (CKM_GENERIC_SECRET_KEY_GEN, 48)] {
        token.generated(mechanism, &[number(CKA_VALUE_LEN, bytes)]).unwrap();
    }
    token.rsa(2048, &[], &[]).unwrap();
    // Purposes are strict's rule.
    token.aes(&[flag(CKA_WRAP, true), flag(CKA_DECRYPT, true)]);
}
