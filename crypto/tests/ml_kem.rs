//! ML-KEM: the Wycheproof files, both forms of a private key, and what is refused.

mod common;

use common::{Case, Vectors};
use strongroom_crypto::Error;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::ml_kem::{ParameterSet, PrivateKey, PublicKey, SEED_BYTES, SHARED_BYTES};

#[test]
fn decapsulations_from_the_seed() {
    for (set, name) in [
        (ParameterSet::MlKem512, "mlkem_512_test.json"),
        (ParameterSet::MlKem768, "mlkem_768_test.json"),
        (ParameterSet::MlKem1024, "mlkem_1024_test.json"),
    ] {
        Vectors::load(name).run(|case| {
            let outcome = PrivateKey::from_seed(set, &case.bytes("seed")).and_then(|key| {
                assert_eq!(key.public_bytes(), case.bytes("ek"), "{case}");
                let imported = PrivateKey::from_expanded(set, key.expanded()?.expose())?;
                assert_eq!(imported.public_bytes(), key.public_bytes());
                let shared = key.decapsulate(&case.bytes("c"))?;
                assert!(imported.decapsulate(&case.bytes("c"))?.ct_eq(shared.expose()), "{case}");
                Ok(shared)
            });
            check(case, outcome);
        });
    }
}

#[test]
fn decapsulations_from_the_expanded_key() {
    for (set, name) in [
        (ParameterSet::MlKem512, "mlkem_512_semi_expanded_decaps_test.json"),
        (ParameterSet::MlKem768, "mlkem_768_semi_expanded_decaps_test.json"),
        (ParameterSet::MlKem1024, "mlkem_1024_semi_expanded_decaps_test.json"),
    ] {
        Vectors::load(name).run(|case| {
            let key = PrivateKey::from_expanded(set, &case.bytes("dk"));
            let shared = key.and_then(|key| key.decapsulate(&case.bytes("c")));
            check(case, shared);
        });
    }
}

#[test]
fn both_keys_of_a_seed() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/vectors/wycheproof/mlkem_768_keygen_seed_test.json"
    ));
    let root: serde_json::Value = serde_json::from_str(&text.expect("vectors")).expect("JSON");
    let cases = root["testGroups"][0]["tests"].as_array().expect("cases");
    assert_eq!(cases.len(), 100);
    for case in cases {
        let field = |name: &str| common::hex(case[name].as_str().expect("text"));
        let key = PrivateKey::from_seed(ParameterSet::MlKem768, &field("seed")).expect("a key");
        assert_eq!(key.public_bytes(), field("ek"), "{}", case["tcId"]);
        assert_eq!(key.expanded().expect("memory").expose(), field("dk"), "{}", case["tcId"]);
        assert_eq!(key.seed().expect("memory").expect("known").expose(), field("seed"));
    }
}

fn encapsulated(public: &PublicKey) -> (Vec<u8>, SecretBytes) {
    let mut ciphertext = vec![0; public.set().ciphertext_bytes()];
    let shared = public.encapsulate(&mut ciphertext).expect("encapsulated");
    (ciphertext, shared)
}

#[test]
fn a_generated_key_encapsulates_and_decapsulates() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).expect("a key");
        assert_eq!(key.set(), set);
        assert_eq!(key.public_bytes().len(), set.public_bytes());
        assert_eq!(key.expanded().expect("memory").len(), set.expanded_bytes());
        let seed = key.seed().expect("memory").expect("known");
        let same = PrivateKey::from_seed(set, seed.expose()).expect("a key");
        let imported = PrivateKey::from_expanded(set, key.expanded().expect("memory").expose()).expect("a key");
        assert!(imported.seed().expect("memory").is_none());
        let public = PublicKey::from_bytes(set, &key.public_bytes()).expect("a key");
        assert_eq!((public.set(), public.bytes()), (set, &key.public_bytes()[..]));
        let (first, _) = encapsulated(&public);
        let (ciphertext, shared) = encapsulated(&public);
        assert_eq!((ciphertext.len(), shared.len()), (set.ciphertext_bytes(), SHARED_BYTES));
        assert_ne!(first, ciphertext);
        for len in [0, set.ciphertext_bytes() - 1, set.ciphertext_bytes() + 1] {
            assert!(matches!(public.encapsulate(&mut vec![0; len]), Err(Error::CiphertextLength)));
        }
        for key in [&key, &same, &imported] {
            assert!(key.decapsulate(&ciphertext).expect("decapsulated").ct_eq(shared.expose()));
        }
        let mut wrong = ciphertext.clone();
        wrong[100] ^= 1;
        let rejected = key.decapsulate(&wrong).expect("another secret");
        assert!(!rejected.ct_eq(shared.expose()));
        assert!(key.decapsulate(&wrong).expect("the same again").ct_eq(rejected.expose()));
        assert!(!format!("{key:?}{public:?}").contains('['));
    }
}

#[test]
fn wrong_lengths_and_inconsistent_keys_are_refused() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).expect("a key");
        let (expanded, public) = (key.expanded().expect("memory"), key.public_bytes());
        for len in [0, 1, SEED_BYTES - 1, SEED_BYTES + 1] {
            assert_eq!(PrivateKey::from_seed(set, &vec![1; len]).err(), Some(Error::KeyLength { got: len }));
        }
        for len in [0, SEED_BYTES, set.expanded_bytes() - 1, set.expanded_bytes() + 1] {
            assert_eq!(PrivateKey::from_expanded(set, &vec![0; len]).err(), Some(Error::KeyLength { got: len }));
        }
        for len in [0, set.public_bytes() - 1, set.public_bytes() + 1] {
            assert_eq!(PublicKey::from_bytes(set, &vec![0; len]).err(), Some(Error::KeyLength { got: len }));
        }
        for len in [0, set.ciphertext_bytes() - 1, set.ciphertext_bytes() + 1] {
            assert_eq!(key.decapsulate(&vec![0; len]).err(), Some(Error::CiphertextLength));
        }
        // The inner private key, the public key, its hash: each change is found. The last 32 bytes may be anything.
        let inner_bytes = set.expanded_bytes() - set.public_bytes() - 64;
        for position in [5, inner_bytes + 5, set.expanded_bytes() - 33] {
            let mut wrong = expanded.expose().to_vec();
            wrong[position] ^= 1;
            assert!(matches!(PrivateKey::from_expanded(set, &wrong), Err(Error::KeyValue(_))), "{position}");
        }
        let mut wrong = public;
        wrong[..2].copy_from_slice(&[0xff, 0xff]);
        assert!(matches!(PublicKey::from_bytes(set, &wrong), Err(Error::KeyValue(_))));
    }
}

#[test]
fn a_key_serves_many_threads() {
    let key = PrivateKey::generate(ParameterSet::MlKem768).expect("a key");
    let public = PublicKey::from_bytes(key.set(), &key.public_bytes()).expect("a key");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let (ciphertext, shared) = encapsulated(&public);
                    assert!(key.decapsulate(&ciphertext).expect("decapsulated").ct_eq(shared.expose()));
                }
            });
        }
    });
}

fn check(case: &Case<'_>, outcome: Result<SecretBytes, Error>) {
    if case.valid() {
        assert_eq!(outcome.expect("decapsulated").expose(), case.bytes("K"), "{case}");
    } else {
        assert!(
            matches!(outcome, Err(Error::KeyLength { .. } | Error::KeyValue(_) | Error::CiphertextLength)),
            "{case}: {:?}",
            outcome.err()
        );
    }
}
