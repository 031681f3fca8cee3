//! Project Wycheproof's files for HKDF and PBKDF2, whose results are "valid" and "invalid" alone: nothing is left to
//! choose. HKDF's invalid cases ask for more than 255 blocks. All cases run, RFC 6070's with 16777216 iterations too.

use std::path::Path;

use cryptoki_sys::*;
use serde_json::Value;

use crate::module::{Code, Token};
use crate::parameters::{Hkdf, Mechanism, Parameter, Pbkdf2};
use crate::session::Session;
use crate::template::{Entry, flag, key_template, number, with};
use crate::vectors::hex;

/// How the cases of a file went.
#[derive(Default)]
struct Count {
    accepted: u64,
    refused: u64,
}

fn each(name: &str, mut check: impl FnMut(Session, &Value, &mut Count)) -> Count {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wycheproof").join(name);
    let content = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let root: Value = serde_json::from_str(&content).expect("JSON");
    let token = Token::new();
    let session = token.user();
    let mut count = Count::default();
    for group in root["testGroups"].as_array().expect("groups") {
        for case in group["tests"].as_array().expect("tests") {
            check(session, case, &mut count);
        }
    }
    let Count { accepted, refused } = count;
    println!("{name}: {accepted} accepted, {refused} refused");
    assert_eq!(Some(accepted + refused), root["numberOfTests"].as_u64());
    assert!(accepted > 0);
    count
}

fn field(case: &Value, field: &str) -> Vec<u8> {
    hex(case[field].as_str().unwrap_or_else(|| panic!("{case}: {field}")))
}

fn size(case: &Value, field: &str) -> CK_ULONG {
    case[field].as_u64().unwrap_or_else(|| panic!("{case}: {field}"))
}

/// A generic secret that can be read.
fn template(len: CK_ULONG) -> Vec<Entry> {
    vec![
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        number(CKA_VALUE_LEN, len),
        flag(CKA_SENSITIVE, false),
        flag(CKA_EXTRACTABLE, true),
    ]
}

/// The bytes come as the value of a key where one can be as long as that, else as that of a data object.
fn hkdf(session: Session, hash: CK_MECHANISM_TYPE, case: &Value) -> Result<Vec<u8>, Code> {
    let open = [flag(CKA_DERIVE, true), flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let base = session.create(&with(&key_template(CKK_HKDF, &field(case, "ikm")), &open)).unwrap();
    let (salt, len) = (field(case, "salt"), size(case, "size"));
    let parameter = Hkdf {
        extract: true,
        expand: true,
        hash,
        salt_type: if salt.is_empty() { CKF_HKDF_SALT_NULL } else { CKF_HKDF_SALT_DATA },
        salt,
        salt_key: 0,
        info: field(case, "info"),
    };
    let of = |id, template: &[Entry]| {
        let key = session.derive(&Mechanism { id, parameter: Parameter::Hkdf(parameter.clone()) }, base, template)?;
        let value = session.get(key, CKA_VALUE).unwrap();
        session.destroy(key).unwrap();
        Ok(value)
    };
    let data = of(CKM_HKDF_DATA, &[number(CKA_CLASS, CKO_DATA), number(CKA_VALUE_LEN, len)]);
    if len <= SECRET_BYTES_MAX {
        assert_eq!(of(CKM_HKDF_DERIVE, &template(len)).as_ref().ok(), data.as_ref().ok(), "{case}");
    }
    session.destroy(base).unwrap();
    data
}

#[test]
fn hkdf_files() {
    for (name, hash) in [
        ("hkdf_sha1_test.json", CKM_SHA_1),
        ("hkdf_sha256_test.json", CKM_SHA256),
        ("hkdf_sha384_test.json", CKM_SHA384),
        ("hkdf_sha512_test.json", CKM_SHA512),
    ] {
        let count = each(name, |session, case, count| {
            let outcome = hkdf(session, hash, case);
            match case["result"].as_str() {
                Some("valid") => {
                    assert_eq!(outcome, Ok(field(case, "okm")), "{case}");
                    count.accepted += 1;
                }
                Some("invalid") => {
                    assert_eq!(outcome, Err(Code(CKR_ATTRIBUTE_VALUE_INVALID)), "{case}");
                    count.refused += 1;
                }
                other => panic!("{case}: {other:?}"),
            }
        });
        assert!(count.refused > 0);
    }
}

#[test]
fn pbkdf2_files() {
    for (name, prf) in [
        ("pbkdf2_hmacsha1_test.json", CKP_PKCS5_PBKD2_HMAC_SHA1),
        ("pbkdf2_hmacsha224_test.json", CKP_PKCS5_PBKD2_HMAC_SHA224),
        ("pbkdf2_hmacsha256_test.json", CKP_PKCS5_PBKD2_HMAC_SHA256),
        ("pbkdf2_hmacsha384_test.json", CKP_PKCS5_PBKD2_HMAC_SHA384),
        ("pbkdf2_hmacsha512_test.json", CKP_PKCS5_PBKD2_HMAC_SHA512),
    ] {
        each(name, |session, case, count| {
            assert_eq!(case["result"], "valid", "{case}");
            let parameter = Parameter::Pbkdf2(Pbkdf2 {
                salt_source: CKZ_SALT_SPECIFIED,
                salt: field(case, "salt"),
                iterations: size(case, "iterationCount"),
                prf,
                prf_data: Vec::new(),
                password: field(case, "password"),
            });
            let key = session.generate(&Mechanism { id: CKM_PKCS5_PBKD2, parameter }, &template(size(case, "dkLen")));
            let key = key.unwrap_or_else(|code| panic!("{case}: {code:?}"));
            assert_eq!(session.get(key, CKA_VALUE).unwrap(), field(case, "dk"), "{case}");
            session.destroy(key).unwrap();
            count.accepted += 1;
        });
    }
}

/// Bytes of the longest generic secret.
const SECRET_BYTES_MAX: CK_ULONG = 3583;
