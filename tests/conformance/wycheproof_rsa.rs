//! Project Wycheproof's files for RSA, through the module's functions: signatures made and verified, OAEP, PKCS #1 v1.5
//! decryption.
//!
//! What the files call acceptable, and what it is here:
//!
//! | flag | what | here |
//! | --- | --- | --- |
//! | `MissingNull` | a DigestInfo whose algorithm has no NULL | refused: RFC 8017 §8.2.2 compares encodings |
//! | `SmallModulus` | signing with 1024 bits | done, but not under the policy `fips` |
//! | `SmallPublicKey` | signing with e = 3 | done: PKCS #1 v1.5 signatures are compared as a whole |
//! | `WeakHash` | signing with SHA-1 | done, but not under the policy `fips` |
//!
//! MGF1 with SHA-512/224 has no number in PKCS#11, so the file that needs it cannot be asked.

use std::path::Path;

use cryptoki_sys::*;
use serde_json::Value;

use crate::module::{Token, refused};
use crate::parameters::plain;
use crate::rsa::{HASHES, Hash, oaep, private_template, pss, public_template};
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, with};
use crate::vectors::hex;

/// Runs every case of a file, with the key of its group; none may be missing.
fn each(
    name: &str,
    template: impl Fn(&Value) -> Vec<Entry>,
    mut check: impl FnMut(Session, CK_OBJECT_HANDLE, &Value, &Value),
) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wycheproof").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let root: Value = serde_json::from_str(&text).expect("JSON");
    let token = Token::new();
    let session = token.user();
    let (mut count, mut valid, mut acceptable) = (0u64, 0, 0);
    for group in root["testGroups"].as_array().expect("groups") {
        let key = session.create(&template(group)).unwrap_or_else(|code| panic!("{name}: {code:?}"));
        for case in group["tests"].as_array().expect("tests") {
            check(session, key, group, case);
            session.cancel_all();
            count += 1;
            valid += u64::from(case["result"] == "valid");
            acceptable += u64::from(case["result"] == "acceptable");
        }
        session.destroy(key).unwrap();
    }
    println!("{name}: {count} cases, {valid} valid, {acceptable} acceptable");
    assert!(valid + acceptable > 0);
    assert_eq!(Some(count), root["numberOfTests"].as_u64());
}

fn field(value: &Value, name: &str) -> Vec<u8> {
    hex(value[name].as_str().unwrap_or_else(|| panic!("{value}: {name}")))
}

fn public(group: &Value) -> Vec<Entry> {
    let key = &group["publicKey"];
    public_template(&field(key, "modulus"), &field(key, "publicExponent"))
}

fn private(group: &Value) -> Vec<Entry> {
    let key = &group["privateKey"];
    let template =
        private_template(&field(key, "modulus"), &field(key, "publicExponent"), &field(key, "privateExponent"));
    let parts = [
        (CKA_PRIME_1, "prime1"),
        (CKA_PRIME_2, "prime2"),
        (CKA_EXPONENT_1, "exponent1"),
        (CKA_EXPONENT_2, "exponent2"),
        (CKA_COEFFICIENT, "coefficient"),
    ];
    let given = parts.iter().filter(|(_, name)| key[name].is_string());
    with(&template, &given.map(|(attribute, name)| bytes(*attribute, field(key, name))).collect::<Vec<_>>())
}

fn hash(name: &Value) -> &'static Hash {
    HASHES.iter().find(|hash| name.as_str() == Some(hash.wycheproof)).unwrap_or_else(|| panic!("{name}"))
}

/// Bytes of the group's modulus.
fn modulus_bytes(group: &Value) -> usize {
    group["keySize"].as_u64().expect("keySize") as usize / 8
}

/// What a signature that is not good is refused with.
fn refusal(group: &Value, signature: &[u8]) -> CK_RV {
    if signature.len() == modulus_bytes(group) { CKR_SIGNATURE_INVALID } else { CKR_SIGNATURE_LEN_RANGE }
}

#[test]
fn rsa_pkcs1_verification() {
    for name in [
        "rsa_signature_2048_sha224_test.json",
        "rsa_signature_2048_sha256_test.json",
        "rsa_signature_2048_sha384_test.json",
        "rsa_signature_2048_sha512_test.json",
        "rsa_signature_2048_sha3_224_test.json",
        "rsa_signature_2048_sha3_256_test.json",
        "rsa_signature_2048_sha3_384_test.json",
        "rsa_signature_2048_sha3_512_test.json",
        "rsa_signature_3072_sha256_test.json",
        "rsa_signature_3072_sha384_test.json",
        "rsa_signature_3072_sha512_test.json",
        "rsa_signature_4096_sha256_test.json",
        "rsa_signature_4096_sha384_test.json",
        "rsa_signature_4096_sha512_test.json",
    ] {
        each(name, public, |session, key, group, case| {
            let hash = hash(&group["sha"]);
            let (data, signature) = (field(case, "msg"), field(case, "sig"));
            let mechanism = plain(hash.pkcs1.unwrap());
            // What is acceptable lacks the NULL.
            let expected = if case["result"] == "valid" { Ok(()) } else { refused(refusal(group, &signature)) };
            assert_eq!(session.check(&mechanism, key, &data, &signature), expected, "{name} {case}");
            let parts = session.check_in_parts(&mechanism, key, &data, &signature, &[data.len() / 2]);
            assert_eq!(parts, expected, "{name} {case}");
            if case["result"] == "valid" {
                // The DigestInfo in it ends with the digest, and is signed data of its own.
                let info = session.verify_recover(&plain(CKM_RSA_PKCS), key, &signature).unwrap();
                assert!(info.ends_with(&session.run(Work::Digest, &plain(hash.digest), 0, &data).unwrap()));
                session.check(&plain(CKM_RSA_PKCS), key, &info, &signature).unwrap();
            }
        });
    }
}

#[test]
fn rsa_pkcs1_signing() {
    for name in [
        "rsa_pkcs1_1024_sig_gen_test.json",
        "rsa_pkcs1_2048_sig_gen_test.json",
        "rsa_pkcs1_3072_sig_gen_test.json",
        "rsa_pkcs1_4096_sig_gen_test.json",
    ] {
        each(name, private, |session, key, group, case| {
            let mechanism = plain(hash(&group["sha"]).pkcs1.unwrap());
            let (data, signature) = (field(case, "msg"), field(case, "sig"));
            assert_eq!(session.sign(&mechanism, key, &data).as_ref(), Ok(&signature), "{name} {case}");
            let parts = session.run_in_parts(Work::Sign, &mechanism, key, &data, &[data.len() / 3]);
            assert_eq!(parts.as_ref(), Ok(&signature), "{name} {case}");
            let [modulus, exponent] = [CKA_MODULUS, CKA_PUBLIC_EXPONENT].map(|part| session.get(key, part).unwrap());
            let public = session.create(&public_template(&modulus, &exponent)).unwrap();
            session.check(&mechanism, public, &data, &signature).unwrap();
            session.destroy(public).unwrap();
        });
    }
}

#[test]
fn rsa_pss_verification() {
    for name in [
        "rsa_pss_2048_sha1_mgf1_20_test.json",
        "rsa_pss_2048_sha256_mgf1_0_test.json",
        "rsa_pss_2048_sha256_mgf1_32_test.json",
        "rsa_pss_2048_sha256_mgf1sha1_20_test.json",
        "rsa_pss_2048_sha384_mgf1_48_test.json",
        "rsa_pss_3072_sha256_mgf1_32_test.json",
        "rsa_pss_4096_sha256_mgf1_32_test.json",
        "rsa_pss_4096_sha384_mgf1_48_test.json",
        "rsa_pss_4096_sha512_mgf1_32_test.json",
        "rsa_pss_4096_sha512_mgf1_64_test.json",
    ] {
        each(name, public, |session, key, group, case| {
            let (hash, mgf) = (hash(&group["sha"]), hash(&group["mgfSha"]).mgf.unwrap());
            let salt = group["sLen"].as_u64().unwrap() as usize;
            let (data, signature) = (field(case, "msg"), field(case, "sig"));
            let expected = if case["result"] == "valid" { Ok(()) } else { refused(refusal(group, &signature)) };
            let whole = pss(hash.pss.unwrap(), hash.digest, mgf, salt);
            assert_eq!(session.check(&whole, key, &data, &signature), expected, "{name} {case}");
            let digest = session.run(Work::Digest, &plain(hash.digest), 0, &data).unwrap();
            let hashed = pss(CKM_RSA_PKCS_PSS, hash.digest, mgf, salt);
            assert_eq!(session.check(&hashed, key, &digest, &signature), expected, "{name} {case}");
        });
    }
}

#[test]
fn rsa_oaep() {
    for name in [
        "rsa_oaep_2048_sha1_mgf1sha1_test.json",
        "rsa_oaep_2048_sha224_mgf1sha1_test.json",
        "rsa_oaep_2048_sha224_mgf1sha224_test.json",
        "rsa_oaep_2048_sha256_mgf1sha1_test.json",
        "rsa_oaep_2048_sha256_mgf1sha256_test.json",
        "rsa_oaep_2048_sha384_mgf1sha1_test.json",
        "rsa_oaep_2048_sha384_mgf1sha384_test.json",
        "rsa_oaep_2048_sha512_224_mgf1sha1_test.json",
        "rsa_oaep_2048_sha512_mgf1sha1_test.json",
        "rsa_oaep_2048_sha512_mgf1sha512_test.json",
        "rsa_oaep_3072_sha256_mgf1sha1_test.json",
        "rsa_oaep_3072_sha256_mgf1sha256_test.json",
        "rsa_oaep_4096_sha256_mgf1sha1_test.json",
        "rsa_oaep_4096_sha256_mgf1sha256_test.json",
        "rsa_oaep_4096_sha512_mgf1sha1_test.json",
        "rsa_oaep_4096_sha512_mgf1sha512_test.json",
    ] {
        each(name, private, |session, key, group, case| {
            let mgf = hash(&group["mgfSha"]).mgf.unwrap();
            let mechanism = oaep(hash(&group["sha"]).digest, mgf, &field(case, "label"));
            let ciphertext = field(case, "ct");
            let expected = match case["result"].as_str() {
                Some("valid") => Ok(field(case, "msg")),
                _ if ciphertext.len() != modulus_bytes(group) => refused(CKR_ENCRYPTED_DATA_LEN_RANGE),
                _ => refused(CKR_ENCRYPTED_DATA_INVALID),
            };
            let opened = session.run(Work::Decrypt, &mechanism, key, &ciphertext);
            assert_eq!(opened, expected, "{name} {case}");
        });
    }
}

#[test]
fn rsa_pkcs1_decryption_says_nothing_of_the_padding() {
    for name in ["rsa_pkcs1_2048_test.json", "rsa_pkcs1_3072_test.json", "rsa_pkcs1_4096_test.json"] {
        let mut made_up = 0;
        each(name, private, |session, key, group, case| {
            let (ciphertext, message) = (field(case, "ct"), field(case, "msg"));
            let decrypt = || session.run(Work::Decrypt, &plain(CKM_RSA_PKCS), key, &ciphertext);
            if case["result"] == "valid" {
                return assert_eq!(decrypt(), Ok(message), "{name} {case}");
            }
            if ciphertext.len() != modulus_bytes(group) {
                return assert_eq!(decrypt(), refused(CKR_ENCRYPTED_DATA_LEN_RANGE), "{name} {case}");
            }
            if ciphertext >= session.get(key, CKA_MODULUS).unwrap() {
                return assert_eq!(decrypt(), refused(CKR_ENCRYPTED_DATA_INVALID), "{name} {case}");
            }
            let outcome = decrypt().unwrap_or_else(|code| panic!("{name} {case}: {code:?}"));
            assert_ne!(outcome, message, "{name} {case}");
            assert!(outcome.len() <= modulus_bytes(group) - 11, "{name} {case}");
            assert_eq!(decrypt(), Ok(outcome), "{name} {case}");
            made_up += 1;
        });
        println!("{name}: {made_up} wrong paddings became messages");
        assert!(made_up > 0);
    }
}
