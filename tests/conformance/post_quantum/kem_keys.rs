//! ML-KEM keys that are generated and imported (PKCS#11 3.2 §6.68.2 to §6.68.4), and the rules ML-DSA shares.

use cryptoki_sys::*;

use super::ml_kem::SETS;
use crate::module::{Token, refused};
use crate::pairs::{decapsulate, encapsulate, generate_pair, pair_of_set, private_of_set, public_of_set, readable};
use crate::template::{bytes, number, with, without};

/// The mechanism, the type of key, its sets and the bytes of their seeds.
const SEEDED: [(CK_MECHANISM_TYPE, CK_KEY_TYPE, [CK_ULONG; 3], usize); 2] = [
    (CKM_ML_KEM_KEY_PAIR_GEN, CKK_ML_KEM, [CKP_ML_KEM_512, CKP_ML_KEM_768, CKP_ML_KEM_1024], 64),
    (CKM_ML_DSA_KEY_PAIR_GEN, CKK_ML_DSA, [CKP_ML_DSA_44, CKP_ML_DSA_65, CKP_ML_DSA_87], 32),
];

#[test]
fn private_keys_are_imported_from_seed_value_or_both() {
    let token = Token::new();
    let session = token.user();
    for (mechanism, key_type, sets, seed_bytes) in SEEDED {
        for set in sets {
            let pair = generate_pair(session, mechanism, &[number(CKA_PARAMETER_SET, set)], &readable()).unwrap();
            let part = |attribute| bytes(attribute, session.get(pair.private, attribute).unwrap());
            let (seed, value) = (part(CKA_SEED), part(CKA_VALUE));
            assert_eq!(session.get(pair.private, CKA_SEED).unwrap().len(), seed_bytes);
            let info = session.get(pair.public, CKA_PUBLIC_KEY_INFO).unwrap();
            for parts in [vec![seed.clone()], vec![value.clone()], vec![seed.clone(), value.clone()]] {
                let has_seed = parts.iter().any(|part| part.attribute == CKA_SEED);
                let template = with(&private_of_set(key_type, set, &parts), &readable());
                let imported = session.create(&template).unwrap();
                assert_eq!(session.get(imported, CKA_VALUE), session.get(pair.private, CKA_VALUE));
                let kept = session.get(imported, CKA_SEED);
                if has_seed {
                    assert_eq!(kept, session.get(pair.private, CKA_SEED));
                } else {
                    // There is no seed to be had from the value.
                    assert_eq!(kept, Ok(vec![]));
                }
                assert_eq!(session.get(imported, CKA_PUBLIC_KEY_INFO).unwrap(), info);
                assert!(!session.flag(imported, CKA_LOCAL));
                assert!(!session.flag(imported, CKA_ALWAYS_SENSITIVE));
                assert!(!session.flag(imported, CKA_NEVER_EXTRACTABLE));
                if key_type == CKK_ML_KEM {
                    let (ciphertext, mine) = encapsulate(session, pair.public, &readable()).unwrap();
                    let theirs = decapsulate(session, imported, &readable(), &ciphertext).unwrap();
                    assert_eq!(session.get(mine, CKA_VALUE), session.get(theirs, CKA_VALUE));
                }
            }
        }
    }
}

#[test]
fn private_keys_that_contradict_themselves_are_refused() {
    let token = Token::new();
    let session = token.user();
    for (mechanism, key_type, sets, seed_bytes) in SEEDED {
        for set in sets {
            let public = [number(CKA_PARAMETER_SET, set)];
            let pair = generate_pair(session, mechanism, &public, &readable()).unwrap();
            let other = generate_pair(session, mechanism, &public, &readable()).unwrap();
            let seed = session.get(pair.private, CKA_SEED).unwrap();
            let value = session.get(pair.private, CKA_VALUE).unwrap();
            let invalid = CKR_ATTRIBUTE_VALUE_INVALID;
            let mut changed = value.clone();
            changed[100] ^= 1;
            let mut changed_seed = seed.clone();
            changed_seed[0] ^= 1;
            for (parts, code) in [
                (vec![], CKR_TEMPLATE_INCOMPLETE),
                (vec![bytes(CKA_SEED, [])], CKR_TEMPLATE_INCOMPLETE),
                (vec![bytes(CKA_SEED, &seed[1..])], invalid),
                (vec![bytes(CKA_SEED, vec![1; seed_bytes + 1])], invalid),
                (vec![bytes(CKA_VALUE, &value[1..])], invalid),
                (vec![bytes(CKA_VALUE, [&value[..], &[0]].concat())], invalid),
                (
                    vec![bytes(CKA_SEED, &seed), bytes(CKA_VALUE, session.get(other.private, CKA_VALUE).unwrap())],
                    invalid,
                ),
                (vec![bytes(CKA_SEED, &changed_seed), bytes(CKA_VALUE, &value)], invalid),
                (vec![bytes(CKA_SEED, &seed), bytes(CKA_VALUE, &changed)], invalid),
                (vec![bytes(CKA_SEED, &seed), bytes(CKA_VALUE, &value[1..])], invalid),
            ] {
                let outcome = session.create(&private_of_set(key_type, set, &parts));
                assert_eq!(outcome, refused(code), "0x{key_type:x} {set} {} parts", parts.len());
            }
            let template = private_of_set(key_type, set, &[bytes(CKA_SEED, &seed)]);
            let outcome = session.create(&without(&template, CKA_PARAMETER_SET));
            assert_eq!(outcome, refused(CKR_TEMPLATE_INCOMPLETE));
            for unknown in [0, 4, 99, CK_ULONG::MAX] {
                let outcome = session.create(&with(&template, &[number(CKA_PARAMETER_SET, unknown)]));
                assert_eq!(outcome, refused(CKR_PARAMETER_SET_NOT_SUPPORTED), "{unknown}");
            }
            // The value of one set is not of the length of another.
            let next = sets[(sets.iter().position(|own| *own == set).unwrap() + 1) % 3];
            let outcome = session.create(&private_of_set(key_type, next, &[bytes(CKA_VALUE, &value)]));
            assert_eq!(outcome, refused(invalid));
            // A public key info that is given must be the key's.
            let info = session.get(pair.private, CKA_PUBLIC_KEY_INFO).unwrap();
            session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, &info)])).unwrap();
            let wrong = session.get(other.private, CKA_PUBLIC_KEY_INFO).unwrap();
            let outcome = session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, wrong)]));
            assert_eq!(outcome, refused(invalid));
        }
    }
}

/// An inner hash of the value, and of ML-KEM the public key in it, are compared.
#[test]
fn values_that_are_not_sound_are_refused() {
    let token = Token::new();
    let session = token.user();
    for (set, public_bytes, _, value_bytes) in SETS {
        let public = [number(CKA_PARAMETER_SET, set)];
        let pair = generate_pair(session, CKM_ML_KEM_KEY_PAIR_GEN, &public, &readable()).unwrap();
        let value = session.get(pair.private, CKA_VALUE).unwrap();
        assert_eq!(value.len(), value_bytes);
        for at in [0, value_bytes - public_bytes - 64, value_bytes - 64, value_bytes - 33] {
            let mut wrong = value.clone();
            wrong[at] ^= 1;
            let outcome = session.create(&private_of_set(CKK_ML_KEM, set, &[bytes(CKA_VALUE, wrong)]));
            assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{set}: byte {at}");
        }
    }
}

#[test]
fn malformed_public_keys_are_refused() {
    let token = Token::new();
    let session = token.user();
    for (set, public_bytes, ..) in SETS {
        let pair = pair_of_set(session, CKM_ML_KEM_KEY_PAIR_GEN, set);
        let value = session.get(pair.public, CKA_VALUE).unwrap();
        let template = public_of_set(CKK_ML_KEM, set, &value);
        let copy = session.create(&template).unwrap();
        assert_eq!(session.get(copy, CKA_PUBLIC_KEY_INFO), session.get(pair.private, CKA_PUBLIC_KEY_INFO));
        let (ciphertext, mine) = encapsulate(session, copy, &readable()).unwrap();
        let theirs = decapsulate(session, pair.private, &readable(), &ciphertext).unwrap();
        assert_eq!(session.get(mine, CKA_VALUE), session.get(theirs, CKA_VALUE));

        // FIPS 203 §7.2: every coefficient is less than the modulus.
        for at in [0, 3, public_bytes - 32 - 3] {
            let mut wrong = value.clone();
            wrong[at..at + 3].fill(0xff);
            let outcome = session.create(&with(&template, &[bytes(CKA_VALUE, wrong)]));
            assert_eq!(outcome, refused(CKR_PUBLIC_KEY_INVALID), "{set}: byte {at}");
        }
        for len in [1, public_bytes - 1, public_bytes + 1] {
            let outcome = session.create(&with(&template, &[bytes(CKA_VALUE, vec![0; len])]));
            assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{set}: {len} bytes");
        }
        for (template, code) in [
            (without(&template, CKA_VALUE), CKR_TEMPLATE_INCOMPLETE),
            (without(&template, CKA_PARAMETER_SET), CKR_TEMPLATE_INCOMPLETE),
            (with(&template, &[number(CKA_PARAMETER_SET, 0)]), CKR_PARAMETER_SET_NOT_SUPPORTED),
            (with(&template, &[number(CKA_PARAMETER_SET, 4)]), CKR_PARAMETER_SET_NOT_SUPPORTED),
            (with(&template, &[bytes(CKA_SEED, [0; 64])]), CKR_TEMPLATE_INCONSISTENT),
        ] {
            assert_eq!(session.create(&template), refused(code), "{set}");
        }
    }
}

#[test]
fn pairs_are_generated_of_a_set_that_exists() {
    let token = Token::new();
    let session = token.user();
    for (mechanism, known) in
        [(CKM_ML_KEM_KEY_PAIR_GEN, 3), (CKM_ML_DSA_KEY_PAIR_GEN, 3), (CKM_SLH_DSA_KEY_PAIR_GEN, 12)]
    {
        let before = session.find(&[]).len();
        assert_eq!(generate_pair(session, mechanism, &[], &[]), refused(CKR_TEMPLATE_INCOMPLETE));
        for unknown in [0, known + 1, 1 << 32, CK_ULONG::MAX] {
            let outcome = generate_pair(session, mechanism, &[number(CKA_PARAMETER_SET, unknown)], &[]);
            assert_eq!(outcome, refused(CKR_PARAMETER_SET_NOT_SUPPORTED), "{unknown}");
        }
        let set = number(CKA_PARAMETER_SET, 3);
        for (public, private) in [
            (vec![set.clone(), bytes(CKA_VALUE, [0; 32])], vec![]),
            (vec![set.clone()], vec![set.clone()]),
            (vec![set.clone()], vec![bytes(CKA_SEED, [0; 32])]),
            (vec![set.clone()], vec![bytes(CKA_VALUE, [0; 32])]),
        ] {
            let outcome = generate_pair(session, mechanism, &public, &private);
            let code = match mechanism {
                CKM_SLH_DSA_KEY_PAIR_GEN if private.iter().any(|entry| entry.attribute == CKA_SEED) => {
                    CKR_TEMPLATE_INCONSISTENT
                }
                _ => CKR_ATTRIBUTE_READ_ONLY,
            };
            assert_eq!(outcome, refused(code), "{public:?} {private:?}");
        }
        let wrong_type = [set.clone(), number(CKA_KEY_TYPE, CKK_RSA)];
        assert_eq!(generate_pair(session, mechanism, &wrong_type, &[]), refused(CKR_TEMPLATE_INCONSISTENT));
        let wrong_class = [number(CKA_CLASS, CKO_PUBLIC_KEY)];
        assert_eq!(generate_pair(session, mechanism, &[set], &wrong_class), refused(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(session.find(&[]).len(), before);
    }
}
