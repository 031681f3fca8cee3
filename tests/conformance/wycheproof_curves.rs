//! Project Wycheproof's files for elliptic curves.
//!
//! The files know three results. Valid cases are accepted and invalid ones refused, with one exception that PKCS#11 3.2
//! §6.3.1 makes: both halves of an ECDSA signature may be shorter, by as much, than the order of the curve. A file that
//! calls a signature invalid for its size alone is overruled where the numbers in it are those of a signature; the
//! signature at its full width then has to verify, too.
//!
//! "Acceptable" leaves the choice. What is chosen: compressed points are accepted; so are points of the twist of a
//! Montgomery curve and coordinates that are not reduced, as RFC 7748 §5 demands; a point of small order, which gives
//! the all-zero secret, is refused, as its §6 permits.
//!
//! The two files of ECDSA signatures in DER are left out: PKCS#11 has no such signatures.

use std::path::Path;

use cryptoki_sys::*;
use serde_json::Value;

use crate::curves::agreement::{agreement, secret_template};
use crate::curves::{Curve, EDWARDS, MONTGOMERY, named};
use crate::module::{Code, Token, refused};
use crate::parameters::plain;
use crate::session::Session;
use crate::vectors::hex;

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{value}: {field}"))
}

fn field(value: &Value, field: &str) -> Vec<u8> {
    hex(text(value, field))
}

fn flagged(case: &Value, flag: &str) -> bool {
    case["flags"].as_array().is_some_and(|flags| flags.iter().any(|given| given == flag))
}

/// How the cases of a file went.
#[derive(Default)]
struct Count {
    cases: u64,
    accepted: u64,
    refused: u64,
    /// Called invalid for their size, and sound.
    overruled: u64,
}

/// Runs every group of a file, all in one session; none may be missing.
fn each(name: &str, mut check: impl FnMut(Session, &Value, &mut Count)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/wycheproof").join(name);
    let content = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let root: Value = serde_json::from_str(&content).expect("JSON");
    let token = Token::new();
    let session = token.user();
    let mut count = Count::default();
    for group in root["testGroups"].as_array().expect("groups") {
        check(session, group, &mut count);
        session.cancel_all();
    }
    let Count { cases, accepted, refused, overruled } = count;
    println!("{name}: {cases} cases, {accepted} accepted, {refused} refused, {overruled} sound though short");
    assert_eq!(Some(cases), root["numberOfTests"].as_u64());
    assert_eq!(cases, accepted + refused + overruled);
    assert!(accepted > 0 && refused > 0);
}

fn cases(group: &Value) -> &[Value] {
    group["tests"].as_array().expect("tests")
}

fn curve_of(key: &Value) -> &'static Curve {
    match text(key, "curve") {
        "secp256r1" => named("prime256v1"),
        other => named(other),
    }
}

fn mechanism_of(group: &Value) -> CK_MECHANISM_TYPE {
    match text(group, "sha") {
        "SHA-224" => CKM_ECDSA_SHA224,
        "SHA-256" => CKM_ECDSA_SHA256,
        "SHA-384" => CKM_ECDSA_SHA384,
        "SHA-512" => CKM_ECDSA_SHA512,
        other => panic!("{other}"),
    }
}

/// A signature with each half as wide as the order.
fn widened(signature: &[u8], bytes: usize) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    [r, s].map(|half| [&vec![0; bytes - half.len()][..], half].concat()).concat()
}

#[test]
fn ecdsa() {
    for name in [
        "ecdsa_secp224r1_sha224_p1363_test.json",
        "ecdsa_secp224r1_sha256_p1363_test.json",
        "ecdsa_secp224r1_sha512_p1363_test.json",
        "ecdsa_secp256r1_sha256_p1363_test.json",
        "ecdsa_secp256r1_sha512_p1363_test.json",
        "ecdsa_secp384r1_sha384_p1363_test.json",
        "ecdsa_secp384r1_sha512_p1363_test.json",
        "ecdsa_secp521r1_sha512_p1363_test.json",
        "ecdsa_secp256k1_sha256_p1363_test.json",
        "ecdsa_secp256k1_sha512_p1363_test.json",
        "ecdsa_brainpoolP256r1_sha256_p1363_test.json",
        "ecdsa_brainpoolP384r1_sha384_p1363_test.json",
        "ecdsa_brainpoolP512r1_sha512_p1363_test.json",
    ] {
        each(name, |session, group, count| {
            let curve = curve_of(&group["publicKey"]);
            let key = session.create(&curve.public(&field(&group["publicKey"], "uncompressed"))).unwrap();
            assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), field(group, "publicKeyDer"));
            let mechanism = plain(mechanism_of(group));
            for case in cases(group) {
                count.cases += 1;
                let (message, signature) = (field(case, "msg"), field(case, "sig"));
                let outcome = session.check(&mechanism, key, &message, &signature);
                let short = signature.len() < 2 * curve.bytes && signature.len() % 2 == 0 && !signature.is_empty();
                match (text(case, "result"), outcome) {
                    ("valid", Ok(())) => count.accepted += 1,
                    ("invalid", Ok(())) if short && flagged(case, "SignatureSize") => {
                        let wide = widened(&signature, curve.bytes);
                        assert_eq!(session.check(&mechanism, key, &message, &wide), Ok(()), "{case}");
                        count.overruled += 1;
                    }
                    ("invalid", Err(code)) => {
                        let possible = short || signature.len() == 2 * curve.bytes;
                        let expected = if possible { CKR_SIGNATURE_INVALID } else { CKR_SIGNATURE_LEN_RANGE };
                        assert_eq!(code, Code(expected), "{case}");
                        count.refused += 1;
                    }
                    (_, outcome) => panic!("{name} {case}: {outcome:?}"),
                }
            }
            session.destroy(key).unwrap();
        });
    }
}

#[test]
fn eddsa() {
    for (name, curve) in [("ed25519_test.json", &EDWARDS[0]), ("ed448_test.json", &EDWARDS[1])] {
        each(name, |session, group, count| {
            let key = session.create(&curve.public(&field(&group["publicKey"], "pk"))).unwrap();
            assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), field(group, "publicKeyDer"));
            for case in cases(group) {
                count.cases += 1;
                let (message, signature) = (field(case, "msg"), field(case, "sig"));
                let outcome = session.check(&plain(CKM_EDDSA), key, &message, &signature);
                let expected = match (text(case, "result"), signature.len() == 2 * curve.bytes) {
                    ("valid", _) => Ok(()),
                    (_, true) => refused(CKR_SIGNATURE_INVALID),
                    (_, false) => refused(CKR_SIGNATURE_LEN_RANGE),
                };
                assert_eq!(outcome, expected, "{name} {case}");
                if outcome.is_ok() { count.accepted += 1 } else { count.refused += 1 }
            }
            session.destroy(key).unwrap();
        });
    }
}

#[test]
fn ecdh() {
    for name in [
        "ecdh_secp224r1_ecpoint_test.json",
        "ecdh_secp256r1_ecpoint_test.json",
        "ecdh_secp384r1_ecpoint_test.json",
        "ecdh_secp521r1_ecpoint_test.json",
    ] {
        each(name, |session, group, count| {
            let curve = curve_of(group);
            for case in cases(group) {
                count.cases += 1;
                let key = session.create(&curve.private(&field(case, "private"))).unwrap();
                let derived = session.derive(&agreement(&field(case, "public")), key, &secret_template());
                let secret = derived.map(|secret| session.get(secret, CKA_VALUE).unwrap());
                let compressed = flagged(case, "CompressedPublic");
                match text(case, "result") {
                    "acceptable" => assert!(compressed, "{case}"),
                    result => assert_eq!(result == "valid", secret.is_ok(), "{case}"),
                }
                if secret.is_ok() || compressed {
                    assert_eq!(secret, Ok(field(case, "shared")), "{case}");
                    count.accepted += 1;
                } else {
                    assert_eq!(secret, refused(CKR_PUBLIC_KEY_INVALID), "{case}");
                    count.refused += 1;
                }
            }
        });
    }
}

#[test]
fn xdh() {
    for (name, curve) in [("x25519_test.json", &MONTGOMERY[0]), ("x448_test.json", &MONTGOMERY[1])] {
        each(name, |session, group, count| {
            for case in cases(group) {
                count.cases += 1;
                let key = session.create(&curve.private(&field(case, "private"))).unwrap();
                let derived = session.derive(&agreement(&field(case, "public")), key, &secret_template());
                let secret = derived.map(|secret| session.get(secret, CKA_VALUE).unwrap());
                let expected = field(case, "shared");
                let zero = expected.iter().all(|byte| *byte == 0);
                if text(case, "result") == "invalid" || zero {
                    assert_ne!(text(case, "result"), "valid", "{case}");
                    assert_eq!(secret, refused(CKR_PUBLIC_KEY_INVALID), "{case}");
                    count.refused += 1;
                } else {
                    assert_eq!(secret, Ok(expected), "{case}");
                    count.accepted += 1;
                }
            }
        });
    }
}
