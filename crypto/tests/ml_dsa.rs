//! ML-DSA: the Wycheproof files, signatures of an independent implementation, prehashed messages, and what is refused.

mod common;

use common::hex;
use serde_json::Value;
use strongroom_crypto::Error;
use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::ml_dsa::{Hedge, Message, ParameterSet, PrivateKey, PublicKey, SEED_BYTES};

const PREHASHES: [Algorithm; 12] = [
    Algorithm::Sha256,
    Algorithm::Sha384,
    Algorithm::Sha512,
    Algorithm::Sha224,
    Algorithm::Sha512_224,
    Algorithm::Sha512_256,
    Algorithm::Sha3_224,
    Algorithm::Sha3_256,
    Algorithm::Sha3_384,
    Algorithm::Sha3_512,
    Algorithm::Shake128,
    Algorithm::Shake256,
];

#[test]
fn wycheproof_signatures() {
    for (set, name, expected) in [
        (ParameterSet::MlDsa44, "mldsa_44_sign_seed_test.json", [73, 4]),
        (ParameterSet::MlDsa65, "mldsa_65_sign_seed_test.json", [83, 4]),
        (ParameterSet::MlDsa65, "mldsa_65_sign_noseed_test.json", [62, 5]),
        (ParameterSet::MlDsa87, "mldsa_87_sign_seed_test.json", [74, 4]),
    ] {
        let [mut accepted, mut refused] = [0; 2];
        for_each(name, |group, case| {
            let key = match group["privateSeed"].as_str() {
                Some(seed) => PrivateKey::from_seed(set, &hex(seed)),
                None => PrivateKey::from_expanded(set, &hex(group["privateKey"].as_str().expect("a key"))),
            };
            // A case without a message gives mu, one with randomness is not deterministic: neither is for here.
            let (Some(message), true) = (case["msg"].as_str(), case["rnd"].is_null()) else {
                return;
            };
            let (message, context) = (hex(message), hex(case["ctx"].as_str().unwrap_or_default()));
            let mut signature = vec![0; set.signature_bytes()];
            let outcome = key.and_then(|key| {
                assert_eq!(Some(key.public_bytes()), group["publicKey"].as_str().map(hex));
                key.sign(&Message::Pure(&message), &context, Hedge::Deterministic, &mut signature)
            });
            if case["result"] == "valid" {
                assert_eq!(outcome, Ok(set.signature_bytes()), "{name} {}", case["tcId"]);
                assert_eq!(signature, hex(case["sig"].as_str().expect("text")), "{name} {}", case["tcId"]);
                accepted += 1;
            } else {
                let refusal = outcome.expect_err("refused");
                let fits = matches!(refusal, Error::KeyLength { .. } | Error::KeyValue(_) | Error::Parameter(_));
                assert!(fits, "{name} {}: {refusal:?}", case["tcId"]);
                refused += 1;
            }
        });
        assert_eq!([accepted, refused], expected, "{name}");
    }
}

#[test]
fn wycheproof_verifications() {
    for (set, name, expected) in [
        (ParameterSet::MlDsa44, "mldsa_44_verify_test.json", [77, 103]),
        (ParameterSet::MlDsa65, "mldsa_65_verify_test.json", [79, 131]),
        (ParameterSet::MlDsa87, "mldsa_87_verify_test.json", [71, 170]),
    ] {
        let [mut accepted, mut refused] = [0; 2];
        for_each(name, |group, case| {
            let field = |name: &str| hex(case[name].as_str().unwrap_or_default());
            let key = PublicKey::from_bytes(set, &hex(group["publicKey"].as_str().expect("a key")));
            let (message, context) = (field("msg"), field("ctx"));
            let outcome = key.and_then(|key| key.verify(&Message::Pure(&message), &context, &field("sig")));
            if case["result"] == "valid" {
                assert_eq!(outcome, Ok(()), "{name} {}", case["tcId"]);
                accepted += 1;
            } else {
                let refusal = outcome.expect_err("refused");
                let fits = matches!(refusal, Error::KeyLength { .. } | Error::Authentication | Error::Parameter(_));
                assert!(fits, "{name} {}: {refusal:?}", case["tcId"]);
                refused += 1;
            }
        });
        assert_eq!([accepted, refused], expected, "{name}");
    }
}

/// SHA-256 of the deterministic signatures that dilithium-py 1.5.1 makes with the key of the seed 00 01 .. 1f over the
/// message 00 01 .. 63 with the context "a context"; the prehashed messages were framed by hand (FIPS 204 §5.4.1).
#[test]
fn signatures_of_another_implementation() {
    let known: [(ParameterSet, Option<Algorithm>, &str); 19] = [
        (ParameterSet::MlDsa44, None, "28df3959c2542e3997baad85bd6a7b29c5f19ee3217cc5c7fbe4019c3a11d43b"),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha256),
            "30fa665319afdb460e6329881dd82489d6ce638a95def79fa1171c2910200cba",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha384),
            "44ed357e49dd571a31d2328115727353cf91e0706c01af28ad8af520f3a26674",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha512),
            "d94c965a6625eeee223d1c8b003559657dab79da8f9ba903f14cd6a8e95d9558",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha224),
            "0468a518c2500c8ab7632e032efcdea7dd39c41d58d94a557be4f622a948404a",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha512_224),
            "342c8c4ce2d5b285d17daa7e7f5a487d059fc97937d85bd2c79e0de44e5579f0",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha512_256),
            "709a83449f6af91ee773e4f897ae16fbfc59f2adfd16e352fd5119161f5ac446",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha3_224),
            "90f1d0756af6b1572402a9da3ff1d6362b5920a90e62b3250f64ebecef326306",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha3_256),
            "352fc78f451e844a5137dcfb2d8de4e4c69c213a42528a4d8150c533f61b77d5",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha3_384),
            "b84848dc9d4e347b0f8f29c0764086947aa10b5a15c9c9a6e7580f65455248c7",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Sha3_512),
            "f705d641149654473e2227006ed24ddd2cc5f5932196586790a873ee99f77c09",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Shake128),
            "218f41ec83f33b586c9a1a06ed6cb39c2dab69cee3619e8d075609dfed68ad59",
        ),
        (
            ParameterSet::MlDsa44,
            Some(Algorithm::Shake256),
            "692b97d8d46aabf25e71d6ea0901d5d122a57a47a88f07f7556f911e9664394b",
        ),
        (ParameterSet::MlDsa65, None, "a1fbe1a82a2e2ebc20d4a17f8b1e4ea6e8607c7e893fe930c66b884362ea84b5"),
        (
            ParameterSet::MlDsa65,
            Some(Algorithm::Sha512),
            "af4caca64d3044f9b47666afe3dae0103f152f019011f946f70871b4e96284d0",
        ),
        (
            ParameterSet::MlDsa65,
            Some(Algorithm::Shake256),
            "ccba861b39aa340a67a14d0cfad39d3f8c9687186300d598563c0db5bfd452a5",
        ),
        (ParameterSet::MlDsa87, None, "100b835c1ef4677964c9ae8ab3c3d0f2b72da26d0036fcb53764e02a87876976"),
        (
            ParameterSet::MlDsa87,
            Some(Algorithm::Sha512),
            "6f6ee96170da8ffdced1c231ab026066eb57350e3f23f7f8f54831ebf98a1e13",
        ),
        (
            ParameterSet::MlDsa87,
            Some(Algorithm::Shake256),
            "622e80318a8bcbeb7b740923da8c68e4b6e67eef20e83c10c773c1777e9a6229",
        ),
    ];
    let seed: Vec<u8> = (0..32).collect();
    let content: Vec<u8> = (0..100).collect();
    for (set, algorithm, expected) in known {
        let key = PrivateKey::from_seed(set, &seed).expect("a key");
        let mut hashed = [0; 64];
        let message = prehashed(algorithm, &content, &mut hashed);
        let mut signature = vec![0; set.signature_bytes()];
        let outcome = key.sign(&message, b"a context", Hedge::Deterministic, &mut signature);
        assert_eq!(outcome, Ok(signature.len()));
        let mut fingerprint = [0; 32];
        digest(Algorithm::Sha256, &signature, &mut fingerprint).expect("hashed");
        assert_eq!(fingerprint, *hex(expected), "{set:?} {algorithm:?}");
    }
}

#[test]
fn signatures_are_bound_to_message_kind_context_and_key() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).expect("a key");
        let public = PublicKey::from_bytes(set, &key.public_bytes()).expect("a key");
        let other = PrivateKey::generate(set).expect("a key").public_bytes();
        let other = PublicKey::from_bytes(set, &other).expect("a key");
        for algorithm in [None].into_iter().chain(PREHASHES.map(Some)) {
            for hedge in [Hedge::Preferred, Hedge::Required, Hedge::Deterministic] {
                let (mut hashed, mut wrong) = ([0; 64], [0; 64]);
                let message = prehashed(algorithm, b"a message", &mut hashed);
                let mut signature = vec![0xaa; set.signature_bytes() + 3];
                let len = key.sign(&message, b"context", hedge, &mut signature).expect("signed");
                assert_eq!(len, set.signature_bytes());
                assert_eq!(signature[len..], [0xaa; 3]);
                let signature = &signature[..len];
                assert_eq!(public.verify(&message, b"context", signature), Ok(()));
                let refused = Err(Error::Authentication);
                assert_eq!(other.verify(&message, b"context", signature), refused);
                assert_eq!(public.verify(&message, b"", signature), refused);
                assert_eq!(public.verify(&message, b"context", &signature[1..]), refused);
                assert_eq!(public.verify(&message, b"context", b""), refused);
                let changed = prehashed(algorithm, b"A message", &mut wrong);
                assert_eq!(public.verify(&changed, b"context", signature), refused);
                if let Message::Prehashed { digest, .. } = message {
                    assert_eq!(public.verify(&Message::Pure(digest), b"context", signature), refused);
                }
                let mut broken = signature.to_vec();
                broken[17] ^= 1;
                assert_eq!(public.verify(&message, b"context", &broken), refused);
            }
        }
    }
}

#[test]
fn hedged_signatures_differ_and_deterministic_ones_repeat() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).expect("a key");
        let imported = PrivateKey::from_expanded(set, key.expanded().expect("memory").expose()).expect("a key");
        assert!(imported.seed().expect("memory").is_none());
        assert_eq!(imported.public_bytes(), key.public_bytes());
        let seed = key.seed().expect("memory").expect("known");
        let same = PrivateKey::from_seed(set, seed.expose()).expect("a key");
        let sign = |key: &PrivateKey, hedge| {
            let mut signature = vec![0; set.signature_bytes()];
            key.sign(&Message::Pure(b"m"), b"", hedge, &mut signature).expect("signed");
            signature
        };
        for hedge in [Hedge::Preferred, Hedge::Required] {
            assert_ne!(sign(&key, hedge), sign(&key, hedge));
        }
        assert_eq!(sign(&key, Hedge::Deterministic), sign(&imported, Hedge::Deterministic));
        assert_eq!(sign(&key, Hedge::Deterministic), sign(&same, Hedge::Deterministic));
        assert!(!format!("{key:?}").contains('['));
    }
}

#[test]
fn wrong_options_lengths_and_keys_are_refused() {
    for set in ParameterSet::ALL {
        let key = PrivateKey::generate(set).expect("a key");
        let public = PublicKey::from_bytes(set, &key.public_bytes()).expect("a key");
        let mut output = vec![0; set.signature_bytes()];
        let mut refusal = |message: Message<'_>, context: &[u8]| {
            let signed = key.sign(&message, context, Hedge::Preferred, &mut output).expect_err("refused");
            assert_eq!(public.verify(&message, context, &output), Err(signed));
            signed
        };
        assert!(matches!(refusal(Message::Pure(b"m"), &[0; 256]), Error::Parameter(_)));
        for algorithm in [Algorithm::Md5, Algorithm::Sha1] {
            let digest = &[0; 20][..algorithm.output_bytes()];
            assert!(matches!(refusal(Message::Prehashed { algorithm, digest }, b""), Error::Parameter(_)));
        }
        for algorithm in PREHASHES {
            for digest in [&[0; 65][..algorithm.output_bytes() - 1], &[0; 65][..algorithm.output_bytes() + 1], b""] {
                assert_eq!(refusal(Message::Prehashed { algorithm, digest }, b""), Error::DataLength);
            }
        }
        let needed = set.signature_bytes();
        let outcome = key.sign(&Message::Pure(b"m"), &[7; 255], Hedge::Preferred, &mut output[..needed - 1]);
        assert_eq!(outcome, Err(Error::OutputTooSmall { needed }));
        assert_eq!(key.sign(&Message::Pure(b"m"), &[7; 255], Hedge::Preferred, &mut output), Ok(needed));
        assert_eq!(public.verify(&Message::Pure(b"m"), &[7; 255], &output), Ok(()));

        for len in [0, SEED_BYTES - 1, SEED_BYTES + 1, set.expanded_bytes()] {
            assert_eq!(PrivateKey::from_seed(set, &vec![1; len]).err(), Some(Error::KeyLength { got: len }));
        }
        for len in [0, SEED_BYTES, set.expanded_bytes() - 1, set.expanded_bytes() + 1] {
            assert_eq!(PrivateKey::from_expanded(set, &vec![0; len]).err(), Some(Error::KeyLength { got: len }));
        }
        for len in [0, set.public_bytes() - 1, set.public_bytes() + 1] {
            assert_eq!(PublicKey::from_bytes(set, &vec![0; len]).err(), Some(Error::KeyLength { got: len }));
        }
        let expanded = key.expanded().expect("memory");
        // The matrix seed, the hash of the public key, the secret vectors, the low half of the public one. Bytes 32
        // to 63 may be anything.
        for position in [0, 64, 127, 128, 300, set.expanded_bytes() - 1] {
            let mut wrong = expanded.expose().to_vec();
            wrong[position] ^= 1;
            assert!(matches!(PrivateKey::from_expanded(set, &wrong), Err(Error::KeyValue(_))), "{position}");
        }
    }
}

#[test]
fn a_key_serves_many_threads() {
    let key = PrivateKey::generate(ParameterSet::MlDsa44).expect("a key");
    let public = PublicKey::from_bytes(key.set(), &key.public_bytes()).expect("a key");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..50u8 {
                    let mut signature = vec![0; key.set().signature_bytes()];
                    key.sign(&Message::Pure(&[round]), b"", Hedge::Preferred, &mut signature).expect("signed");
                    assert_eq!(public.verify(&Message::Pure(&[round]), b"", &signature), Ok(()));
                }
            });
        }
    });
}

fn prehashed<'a>(algorithm: Option<Algorithm>, content: &'a [u8], hashed: &'a mut [u8; 64]) -> Message<'a> {
    match algorithm {
        None => Message::Pure(content),
        Some(algorithm) => {
            let len = digest(algorithm, content, hashed).expect("hashed");
            Message::Prehashed { algorithm, digest: &hashed[..len] }
        }
    }
}

fn for_each(name: &str, mut check: impl FnMut(&Value, &Value)) {
    let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let root: Value = serde_json::from_str(&text).expect("JSON");
    for group in root["testGroups"].as_array().expect("groups") {
        for case in group["tests"].as_array().expect("tests") {
            check(group, case);
        }
    }
}
