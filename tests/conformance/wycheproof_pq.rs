//! Project Wycheproof's files for ML-KEM and ML-DSA: each case imports its key, runs, and compares.
//!
//! What the module's functions cannot run: encapsulation with a chosen random value (the ciphertexts of
//! `mlkem_768_encaps_test.json` are not compared), signatures of a value mu without its message, and signatures with a
//! chosen random value, which are verified.

use cryptoki_sys::*;

use crate::module::{Code, Outcome, refused};
use crate::pairs::{
    check_first, check_first_in_parts, decapsulate, encapsulate, private_of_set, public_of_set, readable, with_context,
};
use crate::session::{Session, Work};
use crate::template::{bytes, with};
use crate::vectors::hex;
use crate::wycheproof::{Case, each};

/// The group's field, decoded; empty where it is missing.
fn group(case: &Case<'_>, field: &str) -> Vec<u8> {
    hex(case.group[field].as_str().unwrap_or_default())
}

/// Imports a private key with this part, decapsulates and compares; counts what refused invalid cases.
fn check_decapsulation(
    session: Session,
    case: &Case<'_>,
    set: CK_ULONG,
    part: CK_ATTRIBUTE_TYPE,
    refusals: &mut [u64; 2],
) {
    let field = if part == CKA_SEED { "seed" } else { "dk" };
    let template = private_of_set(CKK_ML_KEM, set, &[bytes(part, case.bytes(field))]);
    let outcome = session.create(&with(&template, &readable())).map(|key| {
        if case.valid() {
            // The value begins with the private vector, then the public key comes.
            let (public, value) = (case.bytes("ek"), session.get(key, CKA_VALUE).unwrap());
            let end = value.len() - 64;
            assert_eq!(value[end - public.len()..end], public, "{}", case.case);
            assert!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap().ends_with(&public), "{}", case.case);
        }
        decapsulate(session, key, &readable(), &case.bytes("c"))
    });
    match outcome {
        Ok(Ok(key)) => {
            assert!(case.valid(), "{}", case.case);
            assert_eq!(session.get(key, CKA_VALUE).unwrap(), case.bytes("K"), "{}", case.case);
        }
        Ok(Err(code)) => {
            assert_eq!((case.valid(), code.0), (false, CKR_WRAPPED_KEY_LEN_RANGE), "{}", case.case);
            refusals[1] += 1;
        }
        Err(code) => {
            assert_eq!((case.valid(), code.0), (false, CKR_ATTRIBUTE_VALUE_INVALID), "{}", case.case);
            refusals[0] += 1;
        }
    }
}

#[test]
fn ml_kem_decapsulation() {
    for (set, size) in [(CKP_ML_KEM_512, 512), (CKP_ML_KEM_768, 768), (CKP_ML_KEM_1024, 1024)] {
        for (name, part) in [
            (format!("mlkem_{size}_test.json"), CKA_SEED),
            (format!("mlkem_{size}_semi_expanded_decaps_test.json"), CKA_VALUE),
        ] {
            let mut refusals = [0; 2];
            each(&name, |session, case| check_decapsulation(session, case, set, part, &mut refusals));
            println!("{name}: {} keys and {} ciphertexts refused", refusals[0], refusals[1]);
        }
    }
}

#[test]
fn ml_kem_keys_of_seeds() {
    each("mlkem_768_keygen_seed_test.json", |session, case| {
        let template = private_of_set(CKK_ML_KEM, CKP_ML_KEM_768, &[bytes(CKA_SEED, case.bytes("seed"))]);
        let key = session.create(&with(&template, &readable())).unwrap();
        assert_eq!(session.get(key, CKA_VALUE).unwrap(), case.bytes("dk"), "{}", case.case);
        assert!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap().ends_with(&case.bytes("ek")), "{}", case.case);
    });
}

#[test]
fn ml_kem_encapsulation() {
    let [mut too_large, mut too_long] = [0; 2];
    each("mlkem_768_encaps_test.json", |session, case| {
        let value = case.bytes("ek");
        let right_length = value.len() == 1184;
        match session.create(&public_of_set(CKK_ML_KEM, CKP_ML_KEM_768, &value)) {
            Ok(key) => {
                assert!(case.valid(), "{}", case.case);
                // The random value is the module's own: only the lengths can be compared.
                let (ciphertext, secret) = encapsulate(session, key, &readable()).unwrap();
                assert_eq!(ciphertext.len(), case.bytes("c").len());
                assert_eq!(session.get(secret, CKA_VALUE).unwrap().len(), case.bytes("K").len());
            }
            Err(Code(CKR_PUBLIC_KEY_INVALID)) => {
                assert!(!case.valid() && right_length, "{}", case.case);
                too_large += 1;
            }
            outcome => {
                assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{}", case.case);
                assert!(!case.valid() && !right_length, "{}", case.case);
                too_long += 1;
            }
        }
    });
    println!("{too_large} keys with a coefficient too large, {too_long} of a wrong length");
    assert!(too_large > 0);
}

#[test]
fn ml_dsa_verification() {
    for (name, set) in [
        ("mldsa_44_verify_test.json", CKP_ML_DSA_44),
        ("mldsa_65_verify_test.json", CKP_ML_DSA_65),
        ("mldsa_87_verify_test.json", CKP_ML_DSA_87),
    ] {
        // Refused as a key, as a context, by the length, as a signature.
        let mut refusals = [0; 4];
        each(name, |session, case| {
            let key = match session.create(&public_of_set(CKK_ML_DSA, set, &group(case, "publicKey"))) {
                Ok(key) => key,
                outcome => {
                    assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{}", case.case);
                    assert!(!case.valid());
                    return refusals[0] += 1;
                }
            };
            if let Some(info) = case.group["publicKeyDer"].as_str() {
                assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), hex(info), "{}", case.case);
            }
            let context = hex(case.case["ctx"].as_str().unwrap_or_default());
            let mechanism = with_context(CKM_ML_DSA, CKH_HEDGE_PREFERRED, &context);
            let (message, signature) = (case.bytes("msg"), case.bytes("sig"));
            let cuts = [message.len() / 3, message.len() / 2];
            let outcomes: [Outcome; 4] = [
                session.check(&mechanism, key, &message, &signature),
                session.check_in_parts(&mechanism, key, &message, &signature, &cuts),
                check_first(session, &mechanism, key, &message, &signature),
                check_first_in_parts(session, &mechanism, key, &message, &signature, &cuts),
            ];
            assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{}: {outcomes:?}", case.case);
            match outcomes[0] {
                Ok(()) => assert!(case.valid(), "{}", case.case),
                Err(Code(code)) => {
                    assert!(!case.valid(), "{}: 0x{code:x}", case.case);
                    let kinds = [CKR_MECHANISM_PARAM_INVALID, CKR_SIGNATURE_LEN_RANGE, CKR_SIGNATURE_INVALID];
                    let kind = kinds.iter().position(|kind| *kind == code);
                    refusals[1 + kind.unwrap_or_else(|| panic!("{}: 0x{code:x}", case.case))] += 1;
                }
            }
            session.destroy(key).unwrap();
        });
        let [keys, contexts, lengths, signatures] = refusals;
        println!("{name}: refused {keys} keys, {contexts} contexts, {lengths} lengths, {signatures} signatures");
    }
}

#[test]
fn ml_dsa_signatures() {
    for (name, set) in [
        ("mldsa_44_sign_seed_test.json", CKP_ML_DSA_44),
        ("mldsa_65_sign_seed_test.json", CKP_ML_DSA_65),
        ("mldsa_65_sign_noseed_test.json", CKP_ML_DSA_65),
        ("mldsa_87_sign_seed_test.json", CKP_ML_DSA_87),
    ] {
        let [mut signed, mut verified, mut refusals, mut no_message] = [0; 4];
        each(name, |session, case| {
            let part = match case.group["privateSeed"].as_str() {
                Some(seed) => bytes(CKA_SEED, hex(seed)),
                None => bytes(CKA_VALUE, group(case, "privateKey")),
            };
            let key = match session.create(&private_of_set(CKK_ML_DSA, set, &[part])) {
                Ok(key) => key,
                outcome => {
                    // A seed of no bytes is no seed.
                    let missing = case.group["privateSeed"].as_str() == Some("");
                    let code = if missing { CKR_TEMPLATE_INCOMPLETE } else { CKR_ATTRIBUTE_VALUE_INVALID };
                    assert_eq!(outcome, refused(code), "{}", case.case);
                    assert!(!case.valid());
                    return refusals += 1;
                }
            };
            let public = group(case, "publicKey");
            assert!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap().ends_with(&public), "{}", case.case);
            let Some(message) = case.case["msg"].as_str().map(hex) else {
                return no_message += 1;
            };
            let context = hex(case.case["ctx"].as_str().unwrap_or_default());
            let mechanism = with_context(CKM_ML_DSA, CKH_DETERMINISTIC_REQUIRED, &context);
            if !case.valid() {
                let outcome = session.sign(&mechanism, key, &message);
                assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID), "{}", case.case);
                return refusals += 1;
            }
            let signature = case.bytes("sig");
            if case.case["rnd"].is_null() {
                assert_eq!(session.sign(&mechanism, key, &message).unwrap(), signature, "{}", case.case);
                let cuts = [message.len() / 2];
                let parts = session.run_in_parts(Work::Sign, &mechanism, key, &message, &cuts).unwrap();
                assert_eq!(parts, signature, "{}", case.case);
                signed += 1;
            }
            let public = session.create(&public_of_set(CKK_ML_DSA, set, &public)).unwrap();
            session.check(&mechanism, public, &message, &signature).unwrap();
            verified += 1;
        });
        println!("{name}: {signed} signed, {verified} verified, {refusals} refused, {no_message} without a message");
    }
}
