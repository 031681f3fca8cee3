//! Post-quantum pairs as objects (PKCS#11 3.2 §4.8, §4.9 and §6.67 to §6.69).

use cryptoki_sys::*;

use crate::module::{self, Token, initialize_with, refused};
use crate::pairs::{Pair, decapsulate, digest, encapsulate, generate_pair, private_of_set, public_of_set, readable};
use crate::parameters::plain;
use crate::session::Session;
use crate::template::{Entry, bytes, flag, number, with};
use crate::vectors::hex;

/// One set of each kind of pair: the mechanism, the type of key, the set, and its secret parts.
const KINDS: [(CK_MECHANISM_TYPE, CK_KEY_TYPE, CK_ULONG, &[CK_ATTRIBUTE_TYPE]); 3] = [
    (CKM_ML_KEM_KEY_PAIR_GEN, CKK_ML_KEM, CKP_ML_KEM_768, &[CKA_SEED, CKA_VALUE]),
    (CKM_ML_DSA_KEY_PAIR_GEN, CKK_ML_DSA, CKP_ML_DSA_65, &[CKA_SEED, CKA_VALUE]),
    (CKM_SLH_DSA_KEY_PAIR_GEN, CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128F, &[CKA_VALUE]),
];

fn generate(session: Session, at: usize, private: &[Entry]) -> Pair {
    let (mechanism, _, set, _) = KINDS[at];
    generate_pair(session, mechanism, &[number(CKA_PARAMETER_SET, set)], private).unwrap()
}

#[test]
fn generated_pairs_have_the_attributes_of_their_kind() {
    let token = Token::new();
    let session = token.user();
    for (at, (mechanism, key_type, set, secrets)) in KINDS.into_iter().enumerate() {
        let pair = generate(session, at, &[]);
        for (key, class) in [(pair.public, CKO_PUBLIC_KEY), (pair.private, CKO_PRIVATE_KEY)] {
            assert_eq!(session.number(key, CKA_CLASS), class);
            assert_eq!(session.number(key, CKA_KEY_TYPE), key_type);
            assert_eq!(session.number(key, CKA_PARAMETER_SET), set);
            assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), mechanism);
            assert!(session.flag(key, CKA_LOCAL));
            assert!(!session.flag(key, CKA_TOKEN));
            assert_eq!(session.flag(key, CKA_PRIVATE), class == CKO_PRIVATE_KEY);
        }
        for attribute in [CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
            assert!(session.flag(pair.private, attribute), "0x{attribute:x}");
        }
        assert!(!session.flag(pair.private, CKA_EXTRACTABLE));
        let signs = key_type != CKK_ML_KEM;
        assert_eq!(session.flag(pair.private, CKA_SIGN), signs);
        assert_eq!(session.flag(pair.public, CKA_VERIFY), signs);
        assert_eq!(session.flag(pair.private, CKA_DECAPSULATE), !signs);
        assert_eq!(session.flag(pair.public, CKA_ENCAPSULATE), !signs);
        for attribute in secrets {
            assert_eq!(session.get(pair.private, *attribute), refused(CKR_ATTRIBUTE_SENSITIVE));
        }
        // A public key has no secret parts but its value, which is none.
        assert_eq!(session.get(pair.public, CKA_SEED), refused(CKR_ATTRIBUTE_TYPE_INVALID));
        assert!(!session.get(pair.public, CKA_VALUE).unwrap().is_empty());
    }
}

#[test]
fn secret_parts_stay_inside_unless_somebody_said_otherwise() {
    let token = Token::new();
    let session = token.user();
    for (at, (_, key_type, set, secrets)) in KINDS.into_iter().enumerate() {
        for (sensitive, extractable) in [(false, true), (true, true), (false, false), (true, false)] {
            let flags = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
            let pair = generate(session, at, &flags);
            assert_eq!(session.flag(pair.private, CKA_ALWAYS_SENSITIVE), sensitive);
            assert_eq!(session.flag(pair.private, CKA_NEVER_EXTRACTABLE), !extractable);
            for attribute in secrets {
                let value = session.get(pair.private, *attribute);
                if sensitive || !extractable {
                    assert_eq!(value, refused(CKR_ATTRIBUTE_SENSITIVE));
                } else {
                    assert!(!value.unwrap().is_empty());
                }
                // Nobody changes them, and nobody finds a key by them.
                assert_eq!(session.set(pair.private, &[bytes(*attribute, [1; 32])]), refused(CKR_ATTRIBUTE_READ_ONLY));
            }
        }
        let pair = generate(session, at, &readable());
        let values: Vec<Entry> =
            secrets.iter().map(|part| bytes(*part, session.get(pair.private, *part).unwrap())).collect();
        assert_eq!(session.find(&values), [pair.private]);
        // Sensitive it stays, in copies as well.
        session.set(pair.private, &[flag(CKA_SENSITIVE, true)]).unwrap();
        assert_eq!(session.get(pair.private, CKA_VALUE), refused(CKR_ATTRIBUTE_SENSITIVE));
        assert!(session.find(&values).is_empty());
        assert_eq!(session.set(pair.private, &[flag(CKA_SENSITIVE, false)]), refused(CKR_ATTRIBUTE_READ_ONLY));
        let copy = session.copy(pair.private, &[]).unwrap();
        assert_eq!(session.get(copy, CKA_VALUE), refused(CKR_ATTRIBUTE_SENSITIVE));
        assert_eq!(session.copy(pair.private, &[flag(CKA_SENSITIVE, false)]), refused(CKR_ATTRIBUTE_READ_ONLY));
        // What was imported was never only here.
        let imported = session.create(&private_of_set(key_type, set, &values)).unwrap();
        assert!(session.flag(imported, CKA_SENSITIVE) && !session.flag(imported, CKA_EXTRACTABLE));
        assert!(!session.flag(imported, CKA_ALWAYS_SENSITIVE) && !session.flag(imported, CKA_NEVER_EXTRACTABLE));
    }
}

/// RFC 9881 and RFC 9935, appendices C.1: the pairs of the seeds 00 01 02 ..., by the SHA-256 of their public key
/// info. RFC 9909, appendices C.1 and C.2: a pair in full.
#[test]
fn public_key_infos_are_those_of_the_standards() {
    let token = Token::new();
    let session = token.user();
    let numbers: Vec<u8> = (0..64).collect();
    for (key_type, set, seed_bytes, known) in [
        (CKK_ML_DSA, CKP_ML_DSA_44, 32, "837832708c5236d951581f1fddf2b79991b3424a0486d16da1ddad0fd69701be"),
        (CKK_ML_DSA, CKP_ML_DSA_65, 32, "b8b62131bfbe84433efb2273d7f5b87f7a22854a2cfd366fc2aead86d837c52d"),
        (CKK_ML_DSA, CKP_ML_DSA_87, 32, "07e57c4f14dbad1267f621ec3777b4e2e6c4fbc4c22fbb87510ff8e0b3c6a642"),
        (CKK_ML_KEM, CKP_ML_KEM_512, 64, "0e3c8b89b54202d2545f7aba2e2aaa3cffa7b6191919ad738fab35b4f313cf71"),
        (CKK_ML_KEM, CKP_ML_KEM_768, 64, "c23e23dd3d485a9256cda09358a4a286e00b373db10761eadf99f710649ca31c"),
        (CKK_ML_KEM, CKP_ML_KEM_1024, 64, "d2b7480ae006a14b37c1e8a8e45ea39022e32a9b1a7b90d594c84d869c6ac420"),
    ] {
        let template = private_of_set(key_type, set, &[bytes(CKA_SEED, &numbers[..seed_bytes])]);
        let private = session.create(&template).unwrap();
        let info = session.get(private, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(digest(session, CKM_SHA256, &info), hex(known), "0x{key_type:x} {set}");
        // SEQUENCE { SEQUENCE { OID of 9 bytes }, BIT STRING without unused bits }.
        let public = session.create(&public_of_set(key_type, set, &info[22..])).unwrap();
        assert_eq!(session.get(public, CKA_PUBLIC_KEY_INFO).unwrap(), info);
    }
    let private = "a2263bca4586083652316004952 3d621677fad90d51eb6067a327e0d1e64a501
        2b8109ec777caa4e1f024ccfcf9497d99180509280f4256af2b07af80289b494";
    let info = "3030300b060960864801650304031403 2100
        2b8109ec777caa4e1f024ccfcf9497d99180509280f4256af2b07af80289b494";
    let template = private_of_set(CKK_SLH_DSA, CKP_SLH_DSA_SHA2_128S, &[bytes(CKA_VALUE, hex(private))]);
    let private = session.create(&template).unwrap();
    assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO).unwrap(), hex(info));
}

/// The check value is the first bytes of the SHA-1 hash of the public key info, for both halves.
#[test]
fn both_halves_have_one_check_value() {
    let token = Token::new();
    let session = token.user();
    for (at, (_, key_type, set, secrets)) in KINDS.into_iter().enumerate() {
        let pair = generate(session, at, &readable());
        let info = session.get(pair.public, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(session.get(pair.private, CKA_PUBLIC_KEY_INFO).unwrap(), info);
        let expected = &digest(session, CKM_SHA_1, &info)[..3];
        for key in [pair.public, pair.private] {
            assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), expected);
        }
        let values: Vec<Entry> =
            secrets.iter().map(|part| bytes(*part, session.get(pair.private, *part).unwrap())).collect();
        let template = private_of_set(key_type, set, &values);
        session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, expected)])).unwrap();
        let wrong = [expected[0] ^ 1, expected[1], expected[2]];
        let outcome = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, wrong)]));
        assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID));
        let silent = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, [])])).unwrap();
        assert_eq!(session.get(silent, CKA_CHECK_VALUE), Ok(vec![]));
    }
}

#[test]
fn token_keys_outlive_the_module() {
    let _alone = module::alone();
    let directory = module::directory();
    let start = || initialize_with(directory, &directory.join("conformance.toml")).unwrap();
    start();
    let token = Token::of_lone_test();
    let session = token.user();
    let kept = [flag(CKA_TOKEN, true), bytes(CKA_ID, b"kept")];
    let mut before = Vec::new();
    for (mechanism, _, set, _) in KINDS {
        let public = with(&kept, &[number(CKA_PARAMETER_SET, set)]);
        let pair = generate_pair(session, mechanism, &public, &kept).unwrap();
        let facts = |key| {
            [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_UNIQUE_ID].map(|attribute| session.get(key, attribute).unwrap())
        };
        before.push((pair, facts(pair.public), facts(pair.private)));
    }
    let (kem, dsa) = (before[0].0, before[1].0);
    let (ciphertext, _) = encapsulate(session, kem.public, &[flag(CKA_TOKEN, true)]).unwrap();
    let shared = decapsulate(session, kem.private, &readable(), &ciphertext).unwrap();
    let shared = session.get(shared, CKA_VALUE).unwrap();
    let signature = session.sign(&plain(CKM_ML_DSA), dsa.private, b"before").unwrap();
    // A private key imported by its value alone has no seed afterwards either.
    let open = generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &[number(CKA_PARAMETER_SET, 1)], &readable()).unwrap();
    let value = session.get(open.private, CKA_VALUE).unwrap();
    let imported = with(&private_of_set(CKK_ML_KEM, 1, &[bytes(CKA_VALUE, &value)]), &with(&kept, &readable()));
    let imported = session.create(&imported).unwrap();

    call!(C_Finalize(std::ptr::null_mut())).unwrap();
    start();
    let session = token.user();
    for (pair, public, private) in &before {
        for (key, facts) in [(pair.public, public), (pair.private, private)] {
            let now = [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_UNIQUE_ID];
            assert_eq!(now.map(|attribute| session.get(key, attribute).unwrap()), *facts);
        }
        assert_eq!(session.get(pair.private, CKA_VALUE), refused(CKR_ATTRIBUTE_SENSITIVE));
        assert!(session.flag(pair.private, CKA_ALWAYS_SENSITIVE) && session.flag(pair.private, CKA_LOCAL));
    }
    let again = decapsulate(session, kem.private, &readable(), &ciphertext).unwrap();
    assert_eq!(session.get(again, CKA_VALUE).unwrap(), shared);
    session.check(&plain(CKM_ML_DSA), dsa.public, b"before", &signature).unwrap();
    for (id, (pair, ..)) in [(CKM_ML_DSA, &before[1]), (CKM_SLH_DSA, &before[2])] {
        let signature = session.sign(&plain(id), pair.private, b"after").unwrap();
        session.check(&plain(id), pair.public, b"after", &signature).unwrap();
    }
    assert_eq!(session.get(imported, CKA_VALUE).unwrap(), value);
    assert_eq!(session.get(imported, CKA_SEED), Ok(vec![]));
    // Private keys are for who logged in.
    session.logout().unwrap();
    assert_eq!(session.get(kem.private, CKA_PARAMETER_SET), refused(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(
        session.find(&[bytes(CKA_ID, b"kept")]),
        before.iter().map(|(pair, ..)| pair.public).collect::<Vec<_>>()
    );
    drop(token);
    call!(C_Finalize(std::ptr::null_mut())).unwrap();
}
