//! Known answers of what is not of a protocol.

use cryptoki_sys::*;
use strongroom_core::mechanism::{Call, Hkdf, Parameter, Pbkdf2, find};
use strongroom_crypto::hash::{self, Algorithm};

use crate::fixture::*;

fn length(bytes: u64) -> Entry {
    number(CKA_VALUE_LEN, bytes)
}

#[test]
fn keys_are_concatenated_xored_and_cut_as_the_standard_shows() {
    let token = token();
    let base = token.generic(&hex("01234567"));
    let other = token.generic(&hex("89abcdef"));
    let data = hex("89abcdef");
    let of = |mechanism, parameter, more: &[Entry]| token.derived(mechanism, parameter, base, more);
    assert_eq!(of(CKM_CONCATENATE_BASE_AND_KEY, Parameter::Key(other), &[]), hex("0123456789abcdef"));
    assert_eq!(of(CKM_CONCATENATE_BASE_AND_DATA, Parameter::Bytes(&data), &[]), hex("0123456789abcdef"));
    assert_eq!(of(CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(&data), &[]), hex("89abcdef01234567"));
    assert_eq!(of(CKM_CONCATENATE_DATA_AND_BASE, Parameter::Bytes(&data), &[length(5)]), hex("89abcdef01"));
    assert_eq!(of(CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&data), &[]), hex("88888888"));
    assert_eq!(of(CKM_XOR_BASE_AND_DATA, Parameter::Bytes(&data[..3]), &[]), hex("888888"));
    let base = token.generic(&hex("329f84a9"));
    let extract =
        |start, bytes| token.derived(CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(start), base, &[length(bytes)]);
    assert_eq!(extract(21, 2), hex("9526"));
    assert_eq!(extract(0, 4), hex("329f84a9"));
    assert_eq!(extract(8, 4), hex("9f84a932"));
    assert_eq!(extract(31, 1), [0x99]);
}

#[test]
fn a_des_key_gets_its_parity() {
    let token = token();
    let base = token.generic(&[0; 24]);
    let value = token.derived(CKM_EXTRACT_KEY_FROM_KEY, Parameter::Extract(0), base, &[number(CKA_KEY_TYPE, CKK_DES3)]);
    assert_eq!(value, [1; 24]);
}

#[test]
fn hashes_of_keys_are_keys() {
    let token = token();
    let base = token.generic(b"abc");
    for (mechanism, algorithm, bytes) in [
        (CKM_SHA1_KEY_DERIVATION, Algorithm::Sha1, 20),
        (CKM_SHA224_KEY_DERIVATION, Algorithm::Sha224, 28),
        (CKM_SHA256_KEY_DERIVATION, Algorithm::Sha256, 32),
        (CKM_SHA384_KEY_DERIVATION, Algorithm::Sha384, 48),
        (CKM_SHA512_KEY_DERIVATION, Algorithm::Sha512, 64),
        (CKM_SHA512_224_KEY_DERIVATION, Algorithm::Sha512_224, 28),
        (CKM_SHA512_256_KEY_DERIVATION, Algorithm::Sha512_256, 32),
        (CKM_SHA3_224_KEY_DERIVATION, Algorithm::Sha3_224, 28),
        (CKM_SHA3_256_KEY_DERIVATION, Algorithm::Sha3_256, 32),
        (CKM_SHA3_384_KEY_DERIVATION, Algorithm::Sha3_384, 48),
        (CKM_SHA3_512_KEY_DERIVATION, Algorithm::Sha3_512, 64),
        (CKM_SHAKE_128_KEY_DERIVATION, Algorithm::Shake128, 32),
        (CKM_SHAKE_256_KEY_DERIVATION, Algorithm::Shake256, 64),
    ] {
        let mut digest = vec![0; bytes];
        hash::digest(algorithm, b"abc", &mut digest).unwrap();
        assert_eq!(token.derived(mechanism, Parameter::None, base, &[]), digest);
        let aes = [number(CKA_KEY_TYPE, CKK_AES), length(16)];
        assert_eq!(token.derived(mechanism, Parameter::None, base, &aes), digest[..16]);
        let longer = open_and(&[length(bytes as u64 + 1)]);
        assert_eq!(token.refusal(mechanism, Parameter::None, base, &longer), CKR_KEY_SIZE_RANGE);
    }
    // FIPS 180-4's own example.
    assert_eq!(
        token.derived(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &[]),
        hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
}

#[test]
fn data_is_encrypted_to_become_a_key() {
    // FIPS 197 appendix C.1, and the first blocks of SP 800-38A F.2.1.
    let token = token();
    let key = token.secret(CKK_AES, &hex("000102030405060708090a0b0c0d0e0f"), &open());
    let data = hex("00112233445566778899aabbccddeeff");
    let value = token.derived(CKM_AES_ECB_ENCRYPT_DATA, Parameter::Bytes(&data), key, &[]);
    assert_eq!(value, hex("69c4e0d86a7b0430d8cdb78070b4c55a"));
    assert_eq!(token.derived(CKM_AES_ECB_ENCRYPT_DATA, Parameter::Bytes(&data), key, &[length(5)]), value[..5]);
    let key = token.secret(CKK_AES, &hex("2b7e151628aed2a6abf7158809cf4f3c"), &open());
    let iv = hex("000102030405060708090a0b0c0d0e0f");
    let data = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    let cbc = |data| Parameter::EncryptData { iv: &iv, data };
    assert_eq!(
        token.derived(CKM_AES_CBC_ENCRYPT_DATA, cbc(&data), key, &[]),
        hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2")
    );
    let longer = open_and(&[length(33)]);
    assert_eq!(token.refusal(CKM_AES_CBC_ENCRYPT_DATA, cbc(&data), key, &longer), CKR_DATA_LEN_RANGE);
    assert_eq!(token.refusal(CKM_AES_CBC_ENCRYPT_DATA, cbc(&data[1..]), key, &open()), CKR_MECHANISM_PARAM_INVALID);
    // SP 800-17 appendix A: the variable plaintext test.
    let key = token.secret(CKK_DES, &[1; 8], &open());
    let data = hex("8000000000000000");
    let mut expected = hex("95f8a5e5dd31d900");
    assert_eq!(token.derived(CKM_DES_ECB_ENCRYPT_DATA, Parameter::Bytes(&data), key, &[]), expected);
    let iv = data;
    let zero = Parameter::EncryptData { iv: &iv, data: &[0; 8] };
    assert_eq!(token.derived(CKM_DES_CBC_ENCRYPT_DATA, zero.clone(), key, &[]), expected);
    let key = token.secret(CKK_DES3, &[1; 24], &open());
    assert_eq!(token.derived(CKM_DES3_CBC_ENCRYPT_DATA, zero, key, &[]), expected);
    let becomes = [number(CKA_KEY_TYPE, CKK_DES)];
    let value = token.derived(CKM_DES3_ECB_ENCRYPT_DATA, Parameter::Bytes(&iv), key, &becomes);
    strongroom_crypto::cipher::des::odd_parity(&mut expected);
    assert_eq!(value, expected);
}

fn hkdf<'a>(salt: &'a [u8], info: &'a [u8]) -> Hkdf<'a> {
    Hkdf { extract: true, expand: true, hash: CKM_SHA256, salt_type: CKF_HKDF_SALT_DATA, salt, salt_key: 0, info }
}

/// RFC 5869 appendix A.1, whole and in parts, and A.3.
#[test]
fn hkdf_gives_what_the_rfc_says() {
    let token = token();
    let base = token.generic(&[0x0b; 22]);
    let (salt, info) = (hex("000102030405060708090a0b0c"), hex("f0f1f2f3f4f5f6f7f8f9"));
    let prk = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
    let okm = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    let whole = hkdf(&salt, &info);
    let derive = |hkdf, base, more: &[Entry]| token.derived(CKM_HKDF_DERIVE, Parameter::Hkdf(hkdf), base, more);
    assert_eq!(derive(whole, base, &[length(42)]), okm);
    assert_eq!(derive(Hkdf { expand: false, ..whole }, base, &[]), prk);
    assert_eq!(derive(Hkdf { expand: false, ..whole }, base, &[length(32)]), prk);
    let key = token.secret(CKK_HKDF, &prk, &open());
    let expand = Hkdf { extract: false, salt_type: 77, ..whole };
    assert_eq!(derive(expand, key, &[length(42)]), okm);
    let salt_key = token.generic(&salt);
    let with_key = Hkdf { salt_type: CKF_HKDF_SALT_KEY, salt: &[], salt_key, ..whole };
    assert_eq!(derive(with_key, base, &[length(42)]), okm);
    let none = Hkdf { salt_type: CKF_HKDF_SALT_NULL, salt: b"ignored", info: &[], ..whole };
    assert_eq!(
        derive(none, base, &[length(42)]),
        hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    );
    // The data object is of the same bytes.
    let object = [number(CKA_CLASS, CKO_DATA), length(42)];
    let data = token.derive(CKM_HKDF_DATA, Parameter::Hkdf(whole), base, &object).unwrap().key;
    assert_eq!((token.number(data, CKA_CLASS), token.value(data)), (CKO_DATA, okm));
}

#[test]
fn hkdf_extracts_from_a_data_object_as_long_as_the_hash() {
    let token = token();
    let data = |bytes_given: &[u8]| token.create(&[number(CKA_CLASS, CKO_DATA), bytes(CKA_VALUE, bytes_given)]);
    let (base, salt) = (data(&[7; 32]), hkdf(b"salt", b""));
    let key = token.generic(&[7; 32]);
    let derive = |hkdf, base| token.derived(CKM_HKDF_DERIVE, Parameter::Hkdf(hkdf), base, &[length(16)]);
    assert_eq!(derive(salt, base), derive(salt, key));
    let refusal = |hkdf, base| token.refusal(CKM_HKDF_DERIVE, Parameter::Hkdf(hkdf), base, &[length(16)]);
    assert_eq!(refusal(salt, data(&[7; 31])), CKR_KEY_SIZE_RANGE);
    assert_eq!(refusal(Hkdf { extract: false, ..salt }, base), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(Hkdf { salt_type: CKF_HKDF_SALT_NULL, ..salt }, base), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(token.refusal(CKM_SHA256_KEY_DERIVATION, Parameter::None, base, &open()), CKR_KEY_HANDLE_INVALID);
}

#[test]
fn hkdf_refuses_what_it_cannot_do() {
    let token = token();
    let base = token.generic(&[7; 32]);
    let refusal = |hkdf, more: &[Entry]| token.refusal(CKM_HKDF_DERIVE, Parameter::Hkdf(hkdf), base, &open_and(more));
    let good = hkdf(b"salt", b"info");
    assert_eq!(refusal(good, &[length(16)]), CKR_OK);
    assert_eq!(refusal(good, &[]), CKR_TEMPLATE_INCOMPLETE);
    assert_eq!(refusal(Hkdf { extract: false, expand: false, ..good }, &[length(16)]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(Hkdf { hash: CKM_AES_GCM, ..good }, &[length(16)]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(Hkdf { salt_type: 3, ..good }, &[length(16)]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(Hkdf { expand: false, ..good }, &[length(31)]), CKR_KEY_SIZE_RANGE);
    assert_eq!(refusal(Hkdf { hash: CKM_MD5, ..good }, &[length(255 * 16)]), CKR_ATTRIBUTE_VALUE_INVALID);
    let with_key = |salt_key| Hkdf { salt_type: CKF_HKDF_SALT_KEY, salt_key, ..good };
    assert_eq!(refusal(with_key(4711), &[length(16)]), CKR_KEY_HANDLE_INVALID);
    let aes = token.secret(CKK_AES, &[7; 32], &open());
    assert_eq!(token.refusal(CKM_HKDF_DERIVE, Parameter::Hkdf(good), aes, &[length(16)]), CKR_KEY_TYPE_INCONSISTENT);
}

/// RFC 7914 §11 and RFC 6070.
#[test]
fn a_key_from_a_password() {
    let token = token();
    let good = Pbkdf2 {
        salt_source: CKZ_SALT_SPECIFIED,
        salt: b"salt",
        iterations: 1,
        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
        prf_data: &[],
        password: b"passwd",
    };
    let call = |parameter| Call { mechanism: find(CKM_PKCS5_PBKD2).unwrap(), parameter: Parameter::Pbkdf2(parameter) };
    let make = |parameter, more: &[Entry]| token.session.generate_key(&call(parameter), &template(&open_and(more)));
    let generic = number(CKA_KEY_TYPE, CKK_GENERIC_SECRET);
    let key = make(good, &[generic.clone(), length(64)]).unwrap();
    assert_eq!(
        token.value(key),
        hex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc
             49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")
    );
    use strongroom_core::attribute::Flag;
    assert!(token.has(key, Flag::Local));
    assert_eq!(token.number(key, CKA_KEY_GEN_MECHANISM), CKM_PKCS5_PBKD2);
    let sha1 = Pbkdf2 { prf: CKP_PKCS5_PBKD2_HMAC_SHA1, iterations: 4096, password: b"password", ..good };
    let key = make(sha1, &[generic.clone(), length(20)]).unwrap();
    assert_eq!(token.value(key), hex("4b007901b765489abead49d926f721d065a429c1"));
    for prf in CKP_PKCS5_PBKD2_HMAC_SHA224..=CKP_PKCS5_PBKD2_HMAC_SHA512_256 {
        make(Pbkdf2 { prf, ..good }, &[number(CKA_KEY_TYPE, CKK_AES), length(32)]).unwrap();
    }
    // A type with one length needs none.
    make(good, &[number(CKA_KEY_TYPE, CKK_DES3)]).unwrap();
    // It was never secret from who knows the password.
    let secret = template(&[]);
    assert_eq!(token.session.generate_key(&call(good), &secret).unwrap_err().rv(), CKR_TEMPLATE_INCOMPLETE);
    let entries = [generic.clone(), length(32)];
    let key = token.session.generate_key(&call(good), &template(&entries)).unwrap();
    assert!(token.has(key, Flag::Sensitive) && !token.has(key, Flag::AlwaysSensitive));
    assert!(!token.has(key, Flag::Extractable) && !token.has(key, Flag::NeverExtractable));

    let refusal = |parameter| make(parameter, &entries).unwrap_err().rv();
    for bad in [
        Pbkdf2 { iterations: 0, ..good },
        Pbkdf2 { iterations: u64::MAX, ..good },
        Pbkdf2 { iterations: 100_000_001, ..good },
        Pbkdf2 { prf: CKP_PKCS5_PBKD2_HMAC_GOSTR3411, ..good },
        Pbkdf2 { prf: 0, ..good },
        Pbkdf2 { prf_data: b"x", ..good },
        Pbkdf2 { salt_source: 0, ..good },
    ] {
        assert_eq!(refusal(bad), CKR_MECHANISM_PARAM_INVALID);
    }
    assert_eq!(make(good, &[generic]).unwrap_err().rv(), CKR_TEMPLATE_INCOMPLETE);
}
