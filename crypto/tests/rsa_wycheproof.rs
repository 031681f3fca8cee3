//! The Wycheproof files for RSA: signatures, encryption, PKCS #1 v1.5 with implicit rejection.

mod common;

use std::path::PathBuf;

use common::hex;
use serde_json::Value;
use strongroom_crypto::Error;
use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::rsa::{Check, Components, EncryptionPadding, PrivateKey, PublicKey, SignaturePadding};

#[test]
fn pkcs1_signatures_verify() {
    for (name, cases) in [
        ("rsa_signature_2048_sha224_test.json", 258),
        ("rsa_signature_2048_sha256_test.json", 259),
        ("rsa_signature_2048_sha384_test.json", 258),
        ("rsa_signature_2048_sha512_test.json", 259),
        ("rsa_signature_2048_sha3_224_test.json", 258),
        ("rsa_signature_2048_sha3_256_test.json", 257),
        ("rsa_signature_2048_sha3_384_test.json", 258),
        ("rsa_signature_2048_sha3_512_test.json", 258),
        ("rsa_signature_3072_sha384_test.json", 259),
        ("rsa_signature_4096_sha512_test.json", 259),
    ] {
        let mut count = 0;
        for (group, case) in &file(name) {
            count += 1;
            let key = public_key(group);
            let hash = algorithm(&group["sha"]);
            // A DigestInfo without its NULL is "acceptable" there and wrong here.
            let valid = case["result"] == "valid";
            let (digest, signature) = (digest(hash, &bytes(case, "msg")), bytes(case, "sig"));
            let outcome = key.verify(&SignaturePadding::Pkcs1Digest(hash), &digest, &signature);
            assert_eq!(outcome, if valid { Ok(()) } else { Err(Error::Authentication) }, "{name} {}", case["tcId"]);

            // What is in a good signature is the DigestInfo, and it ends with the digest.
            if valid {
                let mut content = [0; 512];
                let length = key.recover(&SignaturePadding::Pkcs1, &signature, &mut content).unwrap();
                assert!(content[..length].ends_with(&digest), "{name} {}", case["tcId"]);
                assert_eq!(key.verify(&SignaturePadding::Pkcs1, &content[..length], &signature), Ok(()));
            }
        }
        assert_eq!(count, cases, "{name}");
    }
}

#[test]
fn pkcs1_signatures_are_made_as_others_make_them() {
    for (name, cases) in [
        ("rsa_pkcs1_1024_sig_gen_test.json", 33),
        ("rsa_pkcs1_2048_sig_gen_test.json", 43),
        ("rsa_pkcs1_3072_sig_gen_test.json", 26),
        ("rsa_pkcs1_4096_sig_gen_test.json", 24),
    ] {
        let mut count = 0;
        for (group, case) in &file(name) {
            // These keys have no primes: they are found.
            let key = private_key(group, Check::Known);
            count += 1;
            let hash = algorithm(&group["sha"]);
            let mut signature = vec![0; key.bytes()];
            let padding = SignaturePadding::Pkcs1Digest(hash);
            let digest = digest(hash, &bytes(case, "msg"));
            assert_eq!(key.sign(&padding, &digest, &mut signature), Ok(signature.len()));
            assert_eq!(signature, bytes(case, "sig"), "{name} {}", case["tcId"]);
        }
        assert_eq!(count, cases, "{name}");
    }
}

#[test]
fn pss_signatures_verify() {
    for (name, cases) in [
        ("rsa_pss_2048_sha1_mgf1_20_test.json", 88),
        ("rsa_pss_2048_sha256_mgf1_0_test.json", 103),
        ("rsa_pss_2048_sha256_mgf1_32_test.json", 108),
        ("rsa_pss_2048_sha256_mgf1sha1_20_test.json", 108),
        ("rsa_pss_2048_sha384_mgf1_48_test.json", 141),
        ("rsa_pss_3072_sha256_mgf1_32_test.json", 108),
        ("rsa_pss_4096_sha256_mgf1_32_test.json", 108),
        ("rsa_pss_4096_sha384_mgf1_48_test.json", 141),
        ("rsa_pss_4096_sha512_mgf1_32_test.json", 177),
        ("rsa_pss_4096_sha512_mgf1_64_test.json", 179),
    ] {
        let mut count = 0;
        for (group, case) in &file(name) {
            count += 1;
            let (hash, mgf) = (algorithm(&group["sha"]), algorithm(&group["mgfSha"]));
            let salt_bytes = group["sLen"].as_u64().unwrap() as usize;
            let digest = digest(hash, &bytes(case, "msg"));
            let outcome = public_key(group).verify(
                &SignaturePadding::Pss { hash, mgf, salt_bytes },
                &digest,
                &bytes(case, "sig"),
            );
            let expected = if case["result"] == "valid" { Ok(()) } else { Err(Error::Authentication) };
            assert_eq!(outcome, expected, "{name} {} {}", case["tcId"], case["comment"]);
        }
        assert_eq!(count, cases, "{name}");
    }
}

#[test]
fn oaep() {
    for (name, cases) in [
        ("rsa_oaep_2048_sha1_mgf1sha1_test.json", 36),
        ("rsa_oaep_2048_sha224_mgf1sha1_test.json", 31),
        ("rsa_oaep_2048_sha224_mgf1sha224_test.json", 35),
        ("rsa_oaep_2048_sha256_mgf1sha1_test.json", 31),
        ("rsa_oaep_2048_sha256_mgf1sha256_test.json", 37),
        ("rsa_oaep_2048_sha384_mgf1sha1_test.json", 31),
        ("rsa_oaep_2048_sha384_mgf1sha384_test.json", 34),
        ("rsa_oaep_2048_sha512_224_mgf1sha1_test.json", 32),
        ("rsa_oaep_2048_sha512_224_mgf1sha512_224_test.json", 35),
        ("rsa_oaep_2048_sha512_mgf1sha1_test.json", 31),
        ("rsa_oaep_2048_sha512_mgf1sha512_test.json", 33),
        ("rsa_oaep_3072_sha256_mgf1sha256_test.json", 37),
        ("rsa_oaep_4096_sha512_mgf1sha512_test.json", 36),
    ] {
        let mut count = 0;
        let cases_of_file = file(name);
        let key = private_key(&cases_of_file[0].0, Check::Full);
        for (group, case) in &cases_of_file {
            count += 1;
            let label = bytes(case, "label");
            let padding = EncryptionPadding::Oaep {
                hash: algorithm(&group["sha"]),
                mgf: algorithm(&group["mgfSha"]),
                label: &label,
            };
            let ciphertext = bytes(case, "ct");
            let mut plaintext = vec![0; key.bytes()];
            let outcome = key.decrypt(&padding, &ciphertext, &mut plaintext).map(|length| plaintext[..length].to_vec());
            let expected = match case["result"].as_str() {
                Some("valid") => Ok(bytes(case, "msg")),
                _ if ciphertext.len() != key.bytes() => Err(Error::CiphertextLength),
                _ => Err(Error::Authentication),
            };
            assert_eq!(outcome, expected, "{name} {} {}", case["tcId"], case["comment"]);
        }
        assert_eq!(count, cases, "{name}");
    }
}

#[test]
fn pkcs1_decryption_says_nothing_of_the_padding() {
    for (name, cases) in
        [("rsa_pkcs1_2048_test.json", 67), ("rsa_pkcs1_3072_test.json", 67), ("rsa_pkcs1_4096_test.json", 67)]
    {
        let (mut count, mut made_up) = (0, 0);
        for (group, case) in &file(name) {
            count += 1;
            let key = private_key(group, Check::Known);
            let (ciphertext, message) = (bytes(case, "ct"), bytes(case, "msg"));
            let decrypt = || {
                let mut plaintext = vec![0; key.bytes()];
                key.decrypt(&EncryptionPadding::Pkcs1, &ciphertext, &mut plaintext)
                    .map(|length| plaintext[..length].to_vec())
            };
            let outcome = decrypt();
            let place = format!("{name} {} {}", case["tcId"], case["comment"]);
            if case["result"] == "valid" {
                assert_eq!(outcome, Ok(message), "{place}");
                continue;
            }
            let modulus = bytes(&group["privateKey"], "modulus");
            let modulus = &modulus[modulus.len() - key.bytes()..];
            if ciphertext.len() != key.bytes() || *ciphertext >= *modulus {
                let of_right_length = ciphertext.len() == key.bytes();
                let refusal = if of_right_length { Error::Authentication } else { Error::CiphertextLength };
                assert_eq!(outcome, Err(refusal), "{place}");
                continue;
            }
            made_up += 1;
            let outcome = outcome.unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_ne!(outcome, message, "{place}");
            assert!(outcome.len() <= key.bytes() - 11, "{place}");
            assert_eq!(decrypt(), Ok(outcome), "{place}");
        }
        assert_eq!(count, cases, "{name}");
        assert!(made_up >= 15, "{name}: {made_up}");
    }
}

fn file(name: &str) -> Vec<(Value, Value)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/wycheproof").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let root: Value = serde_json::from_str(&text).unwrap();
    let mut cases = Vec::new();
    for group in root["testGroups"].as_array().unwrap() {
        for case in group["tests"].as_array().unwrap() {
            let mut group = group.clone();
            group.as_object_mut().unwrap().remove("tests");
            cases.push((group, case.clone()));
        }
    }
    assert_eq!(Some(cases.len() as u64), root["numberOfTests"].as_u64());
    cases
}

fn bytes(value: &Value, field: &str) -> Vec<u8> {
    hex(value[field].as_str().unwrap_or_else(|| panic!("{field}")))
}

fn public_key(group: &Value) -> PublicKey {
    let key = &group["publicKey"];
    PublicKey::new(&bytes(key, "modulus"), &bytes(key, "publicExponent")).unwrap()
}

fn private_key(group: &Value, check: Check) -> PrivateKey {
    let key = &group["privateKey"];
    let [prime_1, prime_2, exponent_1, exponent_2, coefficient] =
        ["prime1", "prime2", "exponent1", "exponent2", "coefficient"].map(|field| key[field].as_str().map(hex));
    let components = Components {
        modulus: &bytes(key, "modulus"),
        public_exponent: &bytes(key, "publicExponent"),
        private_exponent: &bytes(key, "privateExponent"),
        prime_1: prime_1.as_deref(),
        prime_2: prime_2.as_deref(),
        exponent_1: exponent_1.as_deref(),
        exponent_2: exponent_2.as_deref(),
        coefficient: coefficient.as_deref(),
    };
    PrivateKey::from_components(&components, check).unwrap()
}

fn digest(hash: Algorithm, message: &[u8]) -> Vec<u8> {
    let mut digest = vec![0; hash.output_bytes()];
    hash::digest(hash, message, &mut digest).unwrap();
    digest
}

fn algorithm(name: &Value) -> Algorithm {
    match name.as_str() {
        Some("SHA-1") => Algorithm::Sha1,
        Some("SHA-224") => Algorithm::Sha224,
        Some("SHA-256") => Algorithm::Sha256,
        Some("SHA-384") => Algorithm::Sha384,
        Some("SHA-512") => Algorithm::Sha512,
        Some("SHA-512/224") => Algorithm::Sha512_224,
        Some("SHA3-224") => Algorithm::Sha3_224,
        Some("SHA3-256") => Algorithm::Sha3_256,
        Some("SHA3-384") => Algorithm::Sha3_384,
        Some("SHA3-512") => Algorithm::Sha3_512,
        other => panic!("{other:?}"),
    }
}
