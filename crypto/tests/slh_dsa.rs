//! SLH-DSA: NIST's keys, signatures of an independent implementation, prehashed messages, and what is refused.

mod common;

use common::hex;
use serde_json::Value;
use strongroom_crypto::Error;
use strongroom_crypto::hash::{Algorithm, digest};
use strongroom_crypto::slh_dsa::{Hedge, Message, ParameterSet, PrivateKey, PublicKey};

/// The sets that sign in tens of milliseconds.
const FAST: [ParameterSet; 4] =
    [ParameterSet::Sha2_128f, ParameterSet::Shake128f, ParameterSet::Sha2_192f, ParameterSet::Sha2_256f];

/// SHA-256 of the deterministic signatures that the Python package slh-dsa 0.2.5 makes with the first of NIST's keys
/// over the message 00 01 .. 63 with the context "a context".
#[test]
fn signatures_of_another_implementation() {
    let known = [
        (ParameterSet::Sha2_128s, "1785673d62d3d089f745c8a50a32359b7b84cd966f5fa65d9b58a4418d7b21af"),
        (ParameterSet::Shake128s, "608aa18fc8688f3a14c842b745829f1114124754e2fa102b2b82f4ab5a7c59de"),
        (ParameterSet::Sha2_128f, "a0761c7afd02427269dd496a3154825ab1f9494396d8c585ed202dbca900143b"),
        (ParameterSet::Shake128f, "b4c45a63b817b4e802222fa850cbaa181b9aa054e5ad6d39daf87f01510aedca"),
        (ParameterSet::Sha2_192s, "bafee572b9bd3e1655825cb4fc3651339de078c9fb51ab9f497882776072b688"),
        (ParameterSet::Shake192s, "b668d6b3546c802207eea60937eddcbeef3b7dffabf941a5e256367957cee5cf"),
        (ParameterSet::Sha2_192f, "3d8d165cd352d40ae36fb3d253f68e48529385b6a5a05e6ddd6f11bf1b4165ed"),
        (ParameterSet::Shake192f, "f4e58080c154126ce898e03fbb6f4dc5b97077d32219ff39ca393ffa9d5334a3"),
        (ParameterSet::Sha2_256s, "402f8180d2a03d26f3ac2c04c13d3983f1d575ff7611f0c94672a61d4d71c13f"),
        (ParameterSet::Shake256s, "4e352c6e68be8783098d0e55fb7ddea96297b971229de58a74808865b96b229d"),
        (ParameterSet::Sha2_256f, "d6f1487e5ba3de91cc030f12ed356a7713f73d47a36dabffbbbc77f1fe2b2041"),
        (ParameterSet::Shake256f, "3423b0df09667682d0e1363d028967e6705521e6ec8be9aae511dd2f6fa6bee8"),
    ];
    assert_eq!(known.map(|(set, _)| set), ParameterSet::ALL);
    let content: Vec<u8> = (0..100).collect();
    for (set, expected) in known {
        check_known(set, &Message::Pure(&content), expected);
    }
}

/// As above, prehashed, with the key of SLH-DSA-SHA2-128f. The package knows four of the functions; for the others it
/// was given the object identifier and the digest.
#[test]
fn prehashed_signatures_of_another_implementation() {
    let known = [
        (Algorithm::Sha256, "c69bcea200c3a1d2e1843d9dfc8d0f1354724d0c3bfe29072a5ecde82578244d"),
        (Algorithm::Sha384, "2d8a84d290d60f75bfbab0035dd5e61abfc2d0cca647c2b05d2073acd0eec7e2"),
        (Algorithm::Sha512, "083e1e40406a2dc058cdf324007e299ed18f96126a773974c8b6ea860fd7b729"),
        (Algorithm::Sha224, "0334034222c8bb11647fbb9c5a5b6588387267ed9369aee55582cec68ebdd297"),
        (Algorithm::Sha512_224, "90ecf2018cab09299c26d0772001d4e8667169fe084b0b3b3c7b5256d621b644"),
        (Algorithm::Sha512_256, "78aff0889e82e88829aa020154955a9f7d0b3b88b63768736112795b9f1c9f69"),
        (Algorithm::Sha3_224, "9c5ef3e18ea7a8b6819f6d07dd3380e365126b81837cb928a1e94d08dc640663"),
        (Algorithm::Sha3_256, "45200334d77e7423e49b93c4da670c47053eb48ad0bb2adf450d5d7d4f22153f"),
        (Algorithm::Sha3_384, "7288634b5f2cde7d5d7cbca59c87907b4fcdf61d787f25a3089085bcc2b337ce"),
        (Algorithm::Sha3_512, "c659b91ee31c79979e9d5f0383536c2197b8fdee9fb4860c705a3db129c0bfce"),
        (Algorithm::Shake128, "3c2d5726fb829e9fa1b17fea9fccf45ea8c37fb578f1f3ad81702858d8086345"),
        (Algorithm::Shake256, "8e7419bc6cc14e4720eeea405f2298acaac9c5ddfba040761ba0b30d5a117164"),
    ];
    let content: Vec<u8> = (0..100).collect();
    for (algorithm, expected) in known {
        let mut hashed = [0; 64];
        let len = digest(algorithm, &content, &mut hashed).expect("hashed");
        let message = Message::Prehashed { algorithm, digest: &hashed[..len] };
        check_known(ParameterSet::Sha2_128f, &message, expected);
    }
}

fn check_known(set: ParameterSet, message: &Message<'_>, expected: &str) {
    let (private, public) = nist_keys(set).remove(0);
    let key = PrivateKey::from_bytes(set, &private).expect("a key");
    let mut signature = vec![0; set.signature_bytes()];
    let outcome = key.sign(message, b"a context", Hedge::Deterministic, &mut signature);
    assert_eq!(outcome, Ok(set.signature_bytes()));
    let mut fingerprint = [0; 32];
    digest(Algorithm::Sha256, &signature, &mut fingerprint).expect("hashed");
    assert_eq!(fingerprint, *hex(expected), "{set:?} {message:?}");
    let public = PublicKey::from_bytes(set, &public).expect("a key");
    assert_eq!(public.verify(message, b"a context", &signature), Ok(()));
    assert_eq!(public.verify(message, b"another", &signature), Err(Error::Authentication));
}

/// The root of each key is computed from its seeds and compared with NIST's.
#[test]
fn the_keys_of_nist() {
    for set in ParameterSet::ALL {
        let keys = nist_keys(set);
        for (private, public) in &keys {
            let key = PrivateKey::from_bytes(set, private).expect("a key");
            assert_eq!(key.set(), set);
            assert_eq!(key.public_bytes(), *public, "{}", set.name());
            assert_eq!(key.bytes().expect("memory").expose(), private);
        }
        assert_eq!(keys.len(), if set.name().ends_with('f') { 6 } else { 2 });
        let mut wrong = keys[0].0.clone();
        let last = wrong.len() - 1;
        wrong[last] ^= 1;
        assert!(matches!(PrivateKey::from_bytes(set, &wrong), Err(Error::KeyValue(_))));
    }
}

#[test]
fn signatures_are_bound_to_message_kind_context_and_key() {
    for set in FAST {
        let key = PrivateKey::generate(set).expect("a key");
        let imported = PrivateKey::from_bytes(set, key.bytes().expect("memory").expose()).expect("a key");
        assert_eq!(imported.public_bytes(), key.public_bytes());
        let public = PublicKey::from_bytes(set, &key.public_bytes()).expect("a key");
        assert_eq!((public.set(), public.bytes()), (set, &key.public_bytes()[..]));
        let other =
            PublicKey::from_bytes(set, &PrivateKey::generate(set).expect("a key").public_bytes()).expect("a key");
        let refused = Err(Error::Authentication);
        let digest = [7; 32];
        for message in [Message::Pure(&digest), Message::Prehashed { algorithm: Algorithm::Sha256, digest: &digest }] {
            let mut signature = vec![0xaa; set.signature_bytes() + 3];
            let len = imported.sign(&message, b"context", Hedge::Required, &mut signature).expect("signed");
            assert_eq!((len, &signature[len..]), (set.signature_bytes(), &[0xaa; 3][..]));
            let signature = &signature[..len];
            assert_eq!(public.verify(&message, b"context", signature), Ok(()));
            assert_eq!(other.verify(&message, b"context", signature), refused);
            assert_eq!(public.verify(&message, b"", signature), refused);
            assert_eq!(public.verify(&message, b"context", &signature[1..]), refused);
            assert_eq!(public.verify(&message, b"context", b""), refused);
            let (other_kind, other_hash) = match message {
                Message::Pure(digest) => {
                    (Algorithm::Sha256, Message::Prehashed { algorithm: Algorithm::Shake128, digest })
                }
                Message::Prehashed { digest, .. } => (Algorithm::Sha3_256, Message::Pure(digest)),
            };
            let changed = Message::Prehashed { algorithm: other_kind, digest: &digest };
            assert_eq!(public.verify(&changed, b"context", signature), refused);
            assert_eq!(public.verify(&other_hash, b"context", signature), refused);
            let mut broken = signature.to_vec();
            broken[len / 2] ^= 1;
            assert_eq!(public.verify(&message, b"context", &broken), refused);
        }
        assert!(!format!("{key:?}{public:?}").contains('['));
    }
}

#[test]
fn hedged_signatures_differ_and_deterministic_ones_repeat() {
    let set = ParameterSet::Sha2_128f;
    let key = PrivateKey::generate(set).expect("a key");
    let sign = |hedge| {
        let mut signature = vec![0; set.signature_bytes()];
        key.sign(&Message::Pure(b"m"), b"", hedge, &mut signature).expect("signed");
        signature
    };
    for hedge in [Hedge::Preferred, Hedge::Required] {
        assert_ne!(sign(hedge), sign(hedge));
    }
    assert_eq!(sign(Hedge::Deterministic), sign(Hedge::Deterministic));
}

#[test]
fn wrong_options_and_lengths_are_refused() {
    let set = ParameterSet::Sha2_128f;
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
    for algorithm in [Algorithm::Sha256, Algorithm::Sha3_512, Algorithm::Shake128, Algorithm::Shake256] {
        for digest in [&[0; 65][..algorithm.output_bytes() - 1], &[0; 65][..algorithm.output_bytes() + 1], b""] {
            assert_eq!(refusal(Message::Prehashed { algorithm, digest }, b""), Error::DataLength);
        }
    }
    let needed = set.signature_bytes();
    let outcome = key.sign(&Message::Pure(b"m"), b"", Hedge::Preferred, &mut output[..needed - 1]);
    assert_eq!(outcome, Err(Error::OutputTooSmall { needed }));
    assert_eq!(key.sign(&Message::Pure(b"m"), &[7; 255], Hedge::Preferred, &mut output), Ok(needed));
    assert_eq!(public.verify(&Message::Pure(b"m"), &[7; 255], &output), Ok(()));

    for set in ParameterSet::ALL {
        for len in [0, set.private_bytes() - 1, set.private_bytes() + 1] {
            assert_eq!(PrivateKey::from_bytes(set, &vec![0; len]).err(), Some(Error::KeyLength { got: len }));
        }
        for len in [0, set.public_bytes() - 1, set.public_bytes() + 1] {
            assert_eq!(PublicKey::from_bytes(set, &vec![0; len]).err(), Some(Error::KeyLength { got: len }));
        }
    }
}

/// The crate works on the stack. Threads of applications have less of it than the main one.
#[test]
fn the_largest_set_signs_and_verifies_on_a_small_stack() {
    let set = ParameterSet::Sha2_256f;
    let work = move || {
        let key = PrivateKey::generate(set).expect("a key");
        let mut signature = vec![0; set.signature_bytes()];
        key.sign(&Message::Pure(b"m"), b"", Hedge::Preferred, &mut signature).expect("signed");
        let public = PublicKey::from_bytes(set, &key.public_bytes()).expect("a key");
        assert_eq!(public.verify(&Message::Pure(b"m"), b"", &signature), Ok(()));
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("a thread");
    thread.join().expect("no panic");
}

const STACK_BYTES: usize = 512 << 10;

/// Private and public key of each case.
fn nist_keys(set: ParameterSet) -> Vec<(Vec<u8>, Vec<u8>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/acvp/slh_dsa_keygen.json");
    let root: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("vectors")).expect("JSON");
    let mut groups = root["testGroups"].as_array().expect("groups").iter();
    let group = groups.find(|group| group["parameterSet"] == set.name()).expect("the set");
    let bytes = |case: &Value, name: &str| hex(case[name].as_str().expect("text"));
    group["tests"].as_array().expect("cases").iter().map(|case| (bytes(case, "sk"), bytes(case, "pk"))).collect()
}
