//! Signatures with SLH-DSA and HashSLH-DSA (PKCS#11 3.2 §6.69).

use std::path::Path;

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::pairs::{
    Pair, check_first, check_first_in_parts, digest, pair_of_set, private_of_set, public_of_set, with_context,
    with_hash,
};
use crate::parameters::plain;
use crate::session::{Session, Work};
use crate::template::{bytes, number, with, without};
use crate::vectors::hex;

/// A parameter set.
struct Set {
    number: CK_ULONG,
    name: &'static str,
    /// Bytes of its public keys; private ones have twice as many.
    public_bytes: usize,
    /// Bytes of its signatures (FIPS 205 table 2).
    signature_bytes: usize,
    /// SHA-256 of the deterministic signature that the Python package slh-dsa 0.2.5 makes with the first of NIST's
    /// keys over the message 00 01 .. 63 with the context "a context".
    known: &'static str,
}

const fn set(
    number: CK_ULONG,
    name: &'static str,
    public_bytes: usize,
    signature_bytes: usize,
    known: &'static str,
) -> Set {
    Set { number, name, public_bytes, signature_bytes, known }
}

const SETS: [Set; 12] = [
    set(
        CKP_SLH_DSA_SHA2_128S,
        "SLH-DSA-SHA2-128s",
        32,
        7856,
        "1785673d62d3d089f745c8a50a32359b7b84cd966f5fa65d9b58a4418d7b21af",
    ),
    set(
        CKP_SLH_DSA_SHAKE_128S,
        "SLH-DSA-SHAKE-128s",
        32,
        7856,
        "608aa18fc8688f3a14c842b745829f1114124754e2fa102b2b82f4ab5a7c59de",
    ),
    set(
        CKP_SLH_DSA_SHA2_128F,
        "SLH-DSA-SHA2-128f",
        32,
        17088,
        "a0761c7afd02427269dd496a3154825ab1f9494396d8c585ed202dbca900143b",
    ),
    set(
        CKP_SLH_DSA_SHAKE_128F,
        "SLH-DSA-SHAKE-128f",
        32,
        17088,
        "b4c45a63b817b4e802222fa850cbaa181b9aa054e5ad6d39daf87f01510aedca",
    ),
    set(
        CKP_SLH_DSA_SHA2_192S,
        "SLH-DSA-SHA2-192s",
        48,
        16224,
        "bafee572b9bd3e1655825cb4fc3651339de078c9fb51ab9f497882776072b688",
    ),
    set(
        CKP_SLH_DSA_SHAKE_192S,
        "SLH-DSA-SHAKE-192s",
        48,
        16224,
        "b668d6b3546c802207eea60937eddcbeef3b7dffabf941a5e256367957cee5cf",
    ),
    set(
        CKP_SLH_DSA_SHA2_192F,
        "SLH-DSA-SHA2-192f",
        48,
        35664,
        "3d8d165cd352d40ae36fb3d253f68e48529385b6a5a05e6ddd6f11bf1b4165ed",
    ),
    set(
        CKP_SLH_DSA_SHAKE_192F,
        "SLH-DSA-SHAKE-192f",
        48,
        35664,
        "f4e58080c154126ce898e03fbb6f4dc5b97077d32219ff39ca393ffa9d5334a3",
    ),
    set(
        CKP_SLH_DSA_SHA2_256S,
        "SLH-DSA-SHA2-256s",
        64,
        29792,
        "402f8180d2a03d26f3ac2c04c13d3983f1d575ff7611f0c94672a61d4d71c13f",
    ),
    set(
        CKP_SLH_DSA_SHAKE_256S,
        "SLH-DSA-SHAKE-256s",
        64,
        29792,
        "4e352c6e68be8783098d0e55fb7ddea96297b971229de58a74808865b96b229d",
    ),
    set(
        CKP_SLH_DSA_SHA2_256F,
        "SLH-DSA-SHA2-256f",
        64,
        49856,
        "d6f1487e5ba3de91cc030f12ed356a7713f73d47a36dabffbbbc77f1fe2b2041",
    ),
    set(
        CKP_SLH_DSA_SHAKE_256F,
        "SLH-DSA-SHAKE-256f",
        64,
        49856,
        "3423b0df09667682d0e1363d028967e6705521e6ec8be9aae511dd2f6fa6bee8",
    ),
];

/// The mechanisms that hash, with the digest mechanism, none for SHAKE, and what the package makes so with the key of
/// SLH-DSA-SHA2-128f.
#[rustfmt::skip]
const HASHING: [(CK_MECHANISM_TYPE, Option<CK_MECHANISM_TYPE>, &str); 10] = [
    (CKM_HASH_SLH_DSA_SHA256, Some(CKM_SHA256), "c69bcea200c3a1d2e1843d9dfc8d0f1354724d0c3bfe29072a5ecde82578244d"),
    (CKM_HASH_SLH_DSA_SHA384, Some(CKM_SHA384), "2d8a84d290d60f75bfbab0035dd5e61abfc2d0cca647c2b05d2073acd0eec7e2"),
    (CKM_HASH_SLH_DSA_SHA512, Some(CKM_SHA512), "083e1e40406a2dc058cdf324007e299ed18f96126a773974c8b6ea860fd7b729"),
    (CKM_HASH_SLH_DSA_SHA224, Some(CKM_SHA224), "0334034222c8bb11647fbb9c5a5b6588387267ed9369aee55582cec68ebdd297"),
    (CKM_HASH_SLH_DSA_SHA3_224, Some(CKM_SHA3_224), "9c5ef3e18ea7a8b6819f6d07dd3380e365126b81837cb928a1e94d08dc640663"),
    (CKM_HASH_SLH_DSA_SHA3_256, Some(CKM_SHA3_256), "45200334d77e7423e49b93c4da670c47053eb48ad0bb2adf450d5d7d4f22153f"),
    (CKM_HASH_SLH_DSA_SHA3_384, Some(CKM_SHA3_384), "7288634b5f2cde7d5d7cbca59c87907b4fcdf61d787f25a3089085bcc2b337ce"),
    (CKM_HASH_SLH_DSA_SHA3_512, Some(CKM_SHA3_512), "c659b91ee31c79979e9d5f0383536c2197b8fdee9fb4860c705a3db129c0bfce"),
    (CKM_HASH_SLH_DSA_SHAKE128, None, "3c2d5726fb829e9fa1b17fea9fccf45ea8c37fb578f1f3ad81702858d8086345"),
    (CKM_HASH_SLH_DSA_SHAKE256, None, "8e7419bc6cc14e4720eeea405f2298acaac9c5ddfba040761ba0b30d5a117164"),
];

fn content() -> Vec<u8> {
    (0..100).collect()
}

/// NIST's keys of a set: private and public.
fn nist_keys(set: &Set) -> Vec<(Vec<u8>, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/acvp/slh_dsa_keygen.json");
    let root: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let groups = root["testGroups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["parameterSet"] == set.name).unwrap();
    let field = |case: &serde_json::Value, name: &str| hex(case[name].as_str().unwrap());
    group["tests"].as_array().unwrap().iter().map(|case| (field(case, "sk"), field(case, "pk"))).collect()
}

fn import(session: Session, set: &Set, (private, public): &(Vec<u8>, Vec<u8>)) -> Pair {
    let private = private_of_set(CKK_SLH_DSA, set.number, &[bytes(CKA_VALUE, private)]);
    let public = public_of_set(CKK_SLH_DSA, set.number, public);
    Pair { private: session.create(&private).unwrap(), public: session.create(&public).unwrap() }
}

#[test]
fn every_set_signs_as_another_implementation() {
    let token = Token::new();
    let session = token.user();
    for set in &SETS {
        let pair = import(session, set, &nist_keys(set)[0]);
        let mechanism = with_context(CKM_SLH_DSA, CKH_DETERMINISTIC_REQUIRED, b"a context");
        let signature = session.sign(&mechanism, pair.private, &content()).unwrap();
        assert_eq!(signature.len(), set.signature_bytes, "{}", set.name);
        assert_eq!(digest(session, CKM_SHA256, &signature), hex(set.known), "{}", set.name);
        session.check(&mechanism, pair.public, &content(), &signature).unwrap();
        session.check_in_parts(&mechanism, pair.public, &content(), &signature, &[1, 50]).unwrap();
        check_first(session, &mechanism, pair.public, &content(), &signature).unwrap();
        check_first_in_parts(session, &mechanism, pair.public, &content(), &signature, &[0, 64]).unwrap();
        let other = with_context(CKM_SLH_DSA, CKH_HEDGE_PREFERRED, b"another context");
        let outcome = session.check(&other, pair.public, &content(), &signature);
        assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
        for at in [0, set.signature_bytes / 2, set.signature_bytes - 1] {
            let mut wrong = signature.clone();
            wrong[at] ^= 1;
            let outcome = session.check(&mechanism, pair.public, &content(), &wrong);
            assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID), "{}: byte {at}", set.name);
        }
        for wrong in [&signature[1..], &[&signature[..], &[0]].concat(), &[]] {
            let outcome = session.check(&mechanism, pair.public, &content(), wrong);
            assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE));
            let outcome = check_first(session, &mechanism, pair.public, &content(), wrong);
            assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE));
        }
    }
    println!("{} sets", SETS.len());
}

#[test]
fn the_keys_of_nist() {
    let token = Token::new();
    let session = token.user();
    let mut count = 0;
    for set in &SETS {
        for (private, public) in nist_keys(set) {
            let pair = import(session, set, &(private.clone(), public.clone()));
            // The root in the public key was computed; the seeds are NIST's.
            let info = session.get(pair.private, CKA_PUBLIC_KEY_INFO).unwrap();
            assert!(info.ends_with(&public), "{}", set.name);
            assert_eq!(session.get(pair.public, CKA_PUBLIC_KEY_INFO).unwrap(), info);
            assert_eq!(session.get(pair.private, CKA_CHECK_VALUE), session.get(pair.public, CKA_CHECK_VALUE));
            count += 1;
        }
        let (mut private, _) = nist_keys(set).remove(0);
        let last = private.len() - 1;
        private[last] ^= 1;
        for wrong in [&private[..], &private[1..], &[&private[..], &[0]].concat(), &[1]] {
            let template = private_of_set(CKK_SLH_DSA, set.number, &[bytes(CKA_VALUE, wrong)]);
            assert_eq!(session.create(&template), refused(CKR_ATTRIBUTE_VALUE_INVALID), "{}", set.name);
        }
    }
    println!("{count} keys");
}

#[test]
fn fast_sets_generate_sign_and_verify() {
    let token = Token::new();
    let session = token.user();
    for set in SETS.iter().filter(|set| set.name.ends_with('f')) {
        let pair = pair_of_set(session, CKM_SLH_DSA_KEY_PAIR_GEN, set.number);
        assert_eq!(session.get(pair.public, CKA_VALUE).unwrap().len(), set.public_bytes);
        assert_eq!(session.number(pair.private, CKA_PARAMETER_SET), set.number);
        let signature = session.sign(&plain(CKM_SLH_DSA), pair.private, b"a message").unwrap();
        assert_eq!(signature.len(), set.signature_bytes);
        session.check(&plain(CKM_SLH_DSA), pair.public, b"a message", &signature).unwrap();
        let outcome = session.check(&plain(CKM_SLH_DSA), pair.public, b"A message", &signature);
        assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
        // The other hash has signatures as long, and keys.
        let twin = if set.name.contains("SHAKE") { set.number - 1 } else { set.number + 1 };
        let value = session.get(pair.public, CKA_VALUE).unwrap();
        let twin = session.create(&public_of_set(CKK_SLH_DSA, twin, &value)).unwrap();
        let outcome = session.check(&plain(CKM_SLH_DSA), twin, b"a message", &signature);
        assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID), "{}", set.name);
    }
}

#[test]
fn slow_sets_generate() {
    let token = Token::new();
    let session = token.user();
    for set in SETS.iter().filter(|set| set.name.ends_with('s')) {
        let pair = pair_of_set(session, CKM_SLH_DSA_KEY_PAIR_GEN, set.number);
        assert_eq!(session.get(pair.public, CKA_VALUE).unwrap().len(), set.public_bytes);
        let info = session.get(pair.private, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(session.get(pair.public, CKA_PUBLIC_KEY_INFO).unwrap(), info);
    }
}

#[test]
fn prehashed_messages() {
    let token = Token::new();
    let session = token.user();
    let set = &SETS[2];
    let pair = import(session, set, &nist_keys(set)[0]);
    for (id, hash, known) in HASHING {
        let mechanism = with_context(id, CKH_DETERMINISTIC_REQUIRED, b"a context");
        let parts = session.run_in_parts(Work::Sign, &mechanism, pair.private, &content(), &[0, 33]).unwrap();
        assert_eq!(digest(session, CKM_SHA256, &parts), hex(known), "0x{id:x}");
        session.check(&mechanism, pair.public, &content(), &parts).unwrap();
        check_first_in_parts(session, &mechanism, pair.public, &content(), &parts, &[7]).unwrap();
        let pure = with_context(CKM_SLH_DSA, CKH_HEDGE_PREFERRED, b"a context");
        assert_eq!(session.check(&pure, pair.public, &content(), &parts), refused(CKR_SIGNATURE_INVALID));
        for (other, ..) in HASHING {
            let other = with_context(other, CKH_HEDGE_PREFERRED, b"a context");
            let expected = if other.id == id { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) };
            assert_eq!(session.check(&other, pair.public, &content(), &parts), expected);
        }
        let Some(hash) = hash else { continue };
        let hashed = digest(session, hash, &content());
        let given = with_hash(CKM_HASH_SLH_DSA, CKH_HEDGE_PREFERRED, b"a context", hash);
        session.check(&given, pair.public, &hashed, &parts).unwrap();
        for len in [0, hashed.len() - 1, hashed.len() + 1] {
            assert_eq!(session.sign(&given, pair.private, &vec![0; len]), refused(CKR_DATA_LEN_RANGE));
        }
    }
    // The hash of the other two, named as a parameter.
    for (hash, known) in [
        (CKM_SHA512_224, "90ecf2018cab09299c26d0772001d4e8667169fe084b0b3b3c7b5256d621b644"),
        (CKM_SHA512_256, "78aff0889e82e88829aa020154955a9f7d0b3b88b63768736112795b9f1c9f69"),
    ] {
        let given = with_hash(CKM_HASH_SLH_DSA, CKH_DETERMINISTIC_REQUIRED, b"a context", hash);
        let signature = session.sign(&given, pair.private, &digest(session, hash, &content())).unwrap();
        assert_eq!(digest(session, CKM_SHA256, &signature), hex(known));
    }
}

#[test]
fn contexts_hedging_and_parameters() {
    let token = Token::new();
    let session = token.user();
    let pair = pair_of_set(session, CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F);
    let contexts: [&[u8]; 3] = [&[], &[1], &[1; 255]];
    for context in contexts {
        let mechanism = with_context(CKM_SLH_DSA, CKH_HEDGE_REQUIRED, context);
        let signature = session.sign(&mechanism, pair.private, b"m").unwrap();
        for other in contexts {
            let expected = if other == context { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) };
            let outcome = session.check(&with_context(CKM_SLH_DSA, 99, other), pair.public, b"m", &signature);
            assert_eq!(outcome, expected);
        }
        let outcome = session.check(&plain(CKM_SLH_DSA), pair.public, b"m", &signature);
        assert_eq!(outcome, if context.is_empty() { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) });
    }
    for hedge in [CKH_HEDGE_PREFERRED, CKH_HEDGE_REQUIRED, CKH_DETERMINISTIC_REQUIRED] {
        let mechanism = with_context(CKM_HASH_SLH_DSA_SHA256, hedge, b"");
        let sign = || session.sign(&mechanism, pair.private, b"m").unwrap();
        let (first, second) = (sign(), sign());
        assert_eq!(first == second, hedge == CKH_DETERMINISTIC_REQUIRED);
    }
    for mechanism in [
        with_context(CKM_SLH_DSA, CKH_HEDGE_PREFERRED, &[0; 256]),
        with_context(CKM_SLH_DSA, 3, b""),
        with_context(CKM_HASH_SLH_DSA, CKH_HEDGE_PREFERRED, b""),
        with_hash(CKM_SLH_DSA, CKH_HEDGE_PREFERRED, b"", CKM_SHA256),
        with_hash(CKM_HASH_SLH_DSA, CKH_HEDGE_PREFERRED, b"", CKM_SHA_1),
        plain(CKM_HASH_SLH_DSA),
    ] {
        let outcome = session.begin(Work::Sign, &mechanism, pair.private);
        assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID), "{mechanism:?}");
    }
}

#[test]
fn keys_that_are_not_whole_are_refused() {
    let token = Token::new();
    let session = token.user();
    for set in &SETS {
        let (private, public) = nist_keys(set).remove(0);
        let public = public_of_set(CKK_SLH_DSA, set.number, &public);
        let private = private_of_set(CKK_SLH_DSA, set.number, &[bytes(CKA_VALUE, private)]);
        for template in [&public, &private] {
            for missing in [CKA_VALUE, CKA_PARAMETER_SET] {
                assert_eq!(session.create(&without(template, missing)), refused(CKR_TEMPLATE_INCOMPLETE));
            }
            for unknown in [0, 13, CK_ULONG::MAX] {
                let outcome = session.create(&with(template, &[number(CKA_PARAMETER_SET, unknown)]));
                assert_eq!(outcome, refused(CKR_PARAMETER_SET_NOT_SUPPORTED));
            }
            let seed = bytes(CKA_SEED, [0; 32]);
            assert_eq!(session.create(&with(template, &[seed])), refused(CKR_TEMPLATE_INCONSISTENT));
        }
        for len in [1, set.public_bytes - 1, set.public_bytes + 1] {
            let outcome = session.create(&with(&public, &[bytes(CKA_VALUE, vec![0; len])]));
            assert_eq!(outcome, refused(CKR_ATTRIBUTE_VALUE_INVALID));
        }
    }
}
