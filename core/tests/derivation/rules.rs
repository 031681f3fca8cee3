//! What holds for every derivation.

use std::slice;

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::mechanism::{Call, Hkdf, Parameter, find};
use strongroom_core::policy::Policy;

use crate::fixture::*;

#[test]
fn only_keys_that_may_derive_do() {
    let token = token();
    let hash = |base, entries: &[Entry]| token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, entries);
    let key = |more: &[Entry]| {
        let own = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), bytes(CKA_VALUE, &[1; 16])];
        token.create(&[&own[..], more].concat())
    };
    assert_eq!(hash(key(&[flag(CKA_DERIVE, true)]), &[]), CKR_OK);
    assert_eq!(hash(key(&[flag(CKA_DERIVE, false)]), &[]), CKR_KEY_FUNCTION_NOT_PERMITTED);
    let others = [flag(CKA_DERIVE, true), numbers(CKA_ALLOWED_MECHANISMS, &[CKM_SHA384_KEY_DERIVATION])];
    assert_eq!(hash(key(&others), &[]), CKR_MECHANISM_INVALID);
    assert_eq!(hash(4711, &[]), CKR_KEY_HANDLE_INVALID);
    let des = token.refusal(CKM_DES3_ECB_ENCRYPT_DATA, Parameter::Bytes(&[0; 8]), key(&[flag(CKA_DERIVE, true)]), &[]);
    assert_eq!(des, CKR_KEY_TYPE_INCONSISTENT);
    let generic = token.generic(&[1; 16]);
    let not_a_derivation = token.refusal(CKM_AES_ECB, Parameter::None, generic, &[]);
    assert_eq!(not_a_derivation, CKR_MECHANISM_INVALID);
    assert_eq!(
        token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::Bytes(&[1]), generic, &[]),
        CKR_MECHANISM_PARAM_INVALID
    );
    assert_eq!(token.refusal(CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(4711), generic, &[]), CKR_KEY_HANDLE_INVALID);
    let other = key(&[flag(CKA_DERIVE, false)]);
    assert_eq!(
        token.refusal(CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(other), generic, &[]),
        CKR_KEY_FUNCTION_NOT_PERMITTED
    );
    let (public, _) = token.pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &[number(CKA_MODULUS_BITS, 1024)], &[]);
    assert_eq!(
        token.refusal(CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(public), generic, &[]),
        CKR_KEY_TYPE_INCONSISTENT
    );
}

#[test]
fn the_template_of_the_base_key_is_added_to_the_callers() {
    let token = token();
    let demands = nested(CKA_DERIVE_TEMPLATE, &[bytes(CKA_LABEL, b"demanded"), flag(CKA_ENCRYPT, false)]);
    let base = token.secret(CKK_GENERIC_SECRET, &[1; 32], &open_and(&[demands]));
    let derive = |more: &[Entry]| token.derive(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &open_and(more));
    let key = derive(&[]).unwrap().key;
    assert_eq!(token.bytes(key, CKA_LABEL), b"demanded");
    assert!(!token.has(key, Flag::Encrypt));
    derive(&[bytes(CKA_LABEL, b"demanded")]).unwrap();
    assert_eq!(derive(&[bytes(CKA_LABEL, b"other")]).unwrap_err().rv(), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(derive(&[flag(CKA_ENCRYPT, true)]).unwrap_err().rv(), CKR_TEMPLATE_INCONSISTENT);
}

#[test]
fn lengths_are_those_the_standard_gives() {
    let token = token();
    let base = token.generic(&[1; 48]);
    let refusal = |mechanism, parameter, more: &[Entry]| token.refusal(mechanism, parameter, base, &open_and(more));
    let (aes, des3) = (number(CKA_KEY_TYPE, CKK_AES), number(CKA_KEY_TYPE, CKK_DES3));
    let length = |bytes| number(CKA_VALUE_LEN, bytes);
    let data = || Parameter::Bytes(&[2; 16]);
    for (mechanism, parameter) in [
        (CKM_SHA256_KEY_DERIVATION, Parameter::None),
        (CKM_CONCATENATE_BASE_AND_DATA, data()),
        (CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(0)),
    ] {
        assert_eq!(refusal(mechanism, parameter.clone(), slice::from_ref(&aes)), CKR_TEMPLATE_INCOMPLETE);
        assert_eq!(refusal(mechanism, parameter.clone(), &[aes.clone(), length(17)]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(mechanism, parameter.clone(), &[length(0)]), CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(refusal(mechanism, parameter.clone(), &[length(65)]), CKR_KEY_SIZE_RANGE);
        assert_eq!(refusal(mechanism, parameter, slice::from_ref(&des3)), CKR_OK);
    }
    assert_eq!(refusal(CKM_XOR_BASE_AND_DATA, data(), &[length(17)]), CKR_KEY_SIZE_RANGE);
    assert_eq!(refusal(CKM_XOR_BASE_AND_DATA, data(), &[des3]), CKR_KEY_SIZE_RANGE);
    assert_eq!(refusal(CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&[]), &[]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(0), &[]), CKR_TEMPLATE_INCOMPLETE);
    for start in [48 * 8, u64::MAX] {
        let refusal = refusal(CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(start), &[length(1)]);
        assert_eq!(refusal, CKR_MECHANISM_PARAM_INVALID);
    }
    let (long, other) = (token.generic(&[1; 3000]), token.generic(&[2; 3000]));
    let join = |more: &[Entry]| token.refusal(CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(other), long, more);
    assert_ne!(join(&open()), CKR_OK);
    assert_eq!(join(&open_and(&[length(3583)])), CKR_OK);
}

#[test]
fn templates_of_other_things_are_refused() {
    let token = token();
    let base = token.generic(&[1; 32]);
    let refusal = |more: &[Entry]| token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, more);
    assert_eq!(refusal(&[number(CKA_CLASS, CKO_DATA)]), CKR_TEMPLATE_INCONSISTENT);
    assert_eq!(refusal(&[number(CKA_KEY_TYPE, CKK_RSA)]), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_eq!(refusal(&[bytes(CKA_VALUE, b"own")]), CKR_ATTRIBUTE_READ_ONLY);
    assert_eq!(refusal(&[flag(CKA_ALWAYS_SENSITIVE, true)]), CKR_ATTRIBUTE_READ_ONLY);
    assert_eq!(refusal(&[flag(CKA_TRUSTED, true)]), CKR_ATTRIBUTE_READ_ONLY);
}

#[test]
fn token_keys_are_derived_and_kept() {
    let token = token();
    let base = token.secret(CKK_GENERIC_SECRET, &[1; 32], &open_and(&[flag(CKA_TOKEN, true)]));
    let entries = open_and(&[flag(CKA_TOKEN, true), bytes(CKA_LABEL, b"kept")]);
    let key = token.derive(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &entries).unwrap().key;
    let value = token.value(key);
    token.session.logout().unwrap();
    token.session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    assert_eq!(token.value(key), value);
    token.session.logout().unwrap();
    let call = Call { mechanism: find(CKM_SHA256_KEY_DERIVATION).unwrap(), parameter: Parameter::None };
    assert_eq!(token.session.derive_key(&call, base, &template(&entries)).unwrap_err().rv(), CKR_KEY_HANDLE_INVALID);
}

#[test]
fn the_policy_holds_for_mechanisms_keys_and_the_hashes_inside() {
    let token = under(Policy::Fips);
    let base = token.secret(CKK_GENERIC_SECRET, &[1; 32], &[]);
    assert_eq!(token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &[]), CKR_MECHANISM_INVALID);
    let hkdf = |hash| {
        Parameter::Hkdf(Hkdf {
            extract: true,
            expand: true,
            hash,
            salt_type: CKF_HKDF_SALT_NULL,
            salt: &[],
            salt_key: 0,
            info: &[],
        })
    };
    let length = [number(CKA_VALUE_LEN, 16)];
    assert_eq!(token.refusal(CKM_HKDF_DERIVE, hkdf(CKM_SHA256), base, &length), CKR_OK);
    assert_eq!(token.refusal(CKM_HKDF_DERIVE, hkdf(CKM_MD5), base, &length), CKR_MECHANISM_PARAM_INVALID);
    let params = [bytes(CKA_EC_PARAMS, strongroom_crypto::montgomery::Curve::X25519.oid())];
    let montgomery = token.create(&[
        number(CKA_CLASS, CKO_PRIVATE_KEY),
        number(CKA_KEY_TYPE, CKK_EC_MONTGOMERY),
        params[0].clone(),
        bytes(CKA_VALUE, &[7; 32]),
    ]);
    let parameter = Parameter::Agreement { kdf: CKD_NULL, shared: &[], public: &[9; 32], key_bits: 0 };
    assert_eq!(token.refusal(CKM_ECDH1_DERIVE, parameter, montgomery, &[]), CKR_KEY_FUNCTION_NOT_PERMITTED);
}
