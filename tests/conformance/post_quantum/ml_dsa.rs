//! Signatures with ML-DSA and HashML-DSA (PKCS#11 3.2 §6.67).

use cryptoki_sys::*;

use crate::module::{Token, refused};
use crate::pairs::{
    Pair, check_first, check_first_in_parts, digest, generate_pair, pair_of_set, private_of_set, public_of_set,
    with_context, with_hash,
};
use crate::parameters::{Mechanism, Parameter, plain, with_iv};
use crate::session::{Session, Work};
use crate::template::{bytes, flag, number};
use crate::vectors::hex;

/// Each set, with the bytes of its signatures (FIPS 204 table 2).
const SETS: [(CK_ULONG, usize); 3] = [(CKP_ML_DSA_44, 2420), (CKP_ML_DSA_65, 3309), (CKP_ML_DSA_87, 4627)];

const HEDGES: [CK_ULONG; 3] = [CKH_HEDGE_PREFERRED, CKH_HEDGE_REQUIRED, CKH_DETERMINISTIC_REQUIRED];

/// The mechanisms that hash, and what they hash with: the digest mechanism, none for SHAKE.
const HASHING: [(CK_MECHANISM_TYPE, Option<CK_MECHANISM_TYPE>); 10] = [
    (CKM_HASH_ML_DSA_SHA224, Some(CKM_SHA224)),
    (CKM_HASH_ML_DSA_SHA256, Some(CKM_SHA256)),
    (CKM_HASH_ML_DSA_SHA384, Some(CKM_SHA384)),
    (CKM_HASH_ML_DSA_SHA512, Some(CKM_SHA512)),
    (CKM_HASH_ML_DSA_SHA3_224, Some(CKM_SHA3_224)),
    (CKM_HASH_ML_DSA_SHA3_256, Some(CKM_SHA3_256)),
    (CKM_HASH_ML_DSA_SHA3_384, Some(CKM_SHA3_384)),
    (CKM_HASH_ML_DSA_SHA3_512, Some(CKM_SHA3_512)),
    (CKM_HASH_ML_DSA_SHAKE128, None),
    (CKM_HASH_ML_DSA_SHAKE256, None),
];

fn dsa_pair(session: Session, set: CK_ULONG) -> Pair {
    pair_of_set(session, CKM_ML_DSA_KEY_PAIR_GEN, set)
}

/// The pair of this seed. The public value comes out of the public key info, whose last bytes it is (RFC 9881 §4).
fn pair_of_seed(session: Session, set: CK_ULONG, seed: &[u8]) -> Pair {
    let private = session.create(&private_of_set(CKK_ML_DSA, set, &[bytes(CKA_SEED, seed)])).unwrap();
    let info = session.get(private, CKA_PUBLIC_KEY_INFO).unwrap();
    let public_bytes = [1312, 1952, 2592][set as usize - 1];
    let value = &info[info.len() - public_bytes..];
    Pair { private, public: session.create(&public_of_set(CKK_ML_DSA, set, value)).unwrap() }
}

fn content() -> Vec<u8> {
    (0..100).collect()
}

/// SHA-256 of the deterministic signatures that dilithium-py 1.5.1 makes with the key of the seed 00 01 .. 1f over the
/// message 00 01 .. 63 with the context "a context".
#[test]
fn signatures_of_another_implementation() {
    let token = Token::new();
    let session = token.user();
    let seed: Vec<u8> = (0..32).collect();
    let mut pairs = SETS.map(|(set, _)| (set, pair_of_seed(session, set, &seed))).into_iter();
    let mut check = |set, known: &[(CK_MECHANISM_TYPE, &str)]| {
        let (own, pair) = pairs.next().unwrap();
        assert_eq!(own, set);
        for (mechanism, expected) in known {
            let mechanism = with_context(*mechanism, CKH_DETERMINISTIC_REQUIRED, b"a context");
            let signature = session.sign(&mechanism, pair.private, &content()).unwrap();
            assert_eq!(digest(session, CKM_SHA256, &signature), hex(expected), "{set} {mechanism:?}");
            session.check(&mechanism, pair.public, &content(), &signature).unwrap();
            let parts = session.run_in_parts(Work::Sign, &mechanism, pair.private, &content(), &[0, 1, 64]).unwrap();
            assert_eq!(parts, signature);
        }
    };
    check(
        CKP_ML_DSA_44,
        &[
            (CKM_ML_DSA, "28df3959c2542e3997baad85bd6a7b29c5f19ee3217cc5c7fbe4019c3a11d43b"),
            (CKM_HASH_ML_DSA_SHA256, "30fa665319afdb460e6329881dd82489d6ce638a95def79fa1171c2910200cba"),
            (CKM_HASH_ML_DSA_SHA384, "44ed357e49dd571a31d2328115727353cf91e0706c01af28ad8af520f3a26674"),
            (CKM_HASH_ML_DSA_SHA512, "d94c965a6625eeee223d1c8b003559657dab79da8f9ba903f14cd6a8e95d9558"),
            (CKM_HASH_ML_DSA_SHA224, "0468a518c2500c8ab7632e032efcdea7dd39c41d58d94a557be4f622a948404a"),
            (CKM_HASH_ML_DSA_SHA3_224, "90f1d0756af6b1572402a9da3ff1d6362b5920a90e62b3250f64ebecef326306"),
            (CKM_HASH_ML_DSA_SHA3_256, "352fc78f451e844a5137dcfb2d8de4e4c69c213a42528a4d8150c533f61b77d5"),
            (CKM_HASH_ML_DSA_SHA3_384, "b84848dc9d4e347b0f8f29c0764086947aa10b5a15c9c9a6e7580f65455248c7"),
            (CKM_HASH_ML_DSA_SHA3_512, "f705d641149654473e2227006ed24ddd2cc5f5932196586790a873ee99f77c09"),
            (CKM_HASH_ML_DSA_SHAKE128, "218f41ec83f33b586c9a1a06ed6cb39c2dab69cee3619e8d075609dfed68ad59"),
            (CKM_HASH_ML_DSA_SHAKE256, "692b97d8d46aabf25e71d6ea0901d5d122a57a47a88f07f7556f911e9664394b"),
        ],
    );
    check(
        CKP_ML_DSA_65,
        &[
            (CKM_ML_DSA, "a1fbe1a82a2e2ebc20d4a17f8b1e4ea6e8607c7e893fe930c66b884362ea84b5"),
            (CKM_HASH_ML_DSA_SHA512, "af4caca64d3044f9b47666afe3dae0103f152f019011f946f70871b4e96284d0"),
            (CKM_HASH_ML_DSA_SHAKE256, "ccba861b39aa340a67a14d0cfad39d3f8c9687186300d598563c0db5bfd452a5"),
        ],
    );
    check(
        CKP_ML_DSA_87,
        &[
            (CKM_ML_DSA, "100b835c1ef4677964c9ae8ab3c3d0f2b72da26d0036fcb53764e02a87876976"),
            (CKM_HASH_ML_DSA_SHA512, "6f6ee96170da8ffdced1c231ab026066eb57350e3f23f7f8f54831ebf98a1e13"),
            (CKM_HASH_ML_DSA_SHAKE256, "622e80318a8bcbeb7b740923da8c68e4b6e67eef20e83c10c773c1777e9a6229"),
        ],
    );
}

#[test]
fn contexts_have_up_to_255_bytes_and_bind_the_signature() {
    let token = Token::new();
    let session = token.user();
    for (set, signature_bytes) in SETS {
        let pair = dsa_pair(session, set);
        for id in [CKM_ML_DSA].into_iter().chain(HASHING.map(|(id, _)| id)) {
            let contexts: [&[u8]; 4] = [&[], &[7], &[7; 2], &[7; 255]];
            for context in contexts {
                let mechanism = with_context(id, CKH_HEDGE_PREFERRED, context);
                let signature = session.sign(&mechanism, pair.private, b"a message").unwrap();
                assert_eq!(signature.len(), signature_bytes);
                for other in contexts {
                    let mechanism = with_context(id, CKH_HEDGE_PREFERRED, other);
                    let outcome = session.check(&mechanism, pair.public, b"a message", &signature);
                    let expected = if other == context { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) };
                    assert_eq!(outcome, expected, "0x{id:x} {} and {} bytes", context.len(), other.len());
                }
            }
            for len in [256, 257, 1 << 16] {
                let mechanism = with_context(id, CKH_HEDGE_PREFERRED, &vec![7; len]);
                let refusal = refused(CKR_MECHANISM_PARAM_INVALID);
                assert_eq!(session.begin(Work::Sign, &mechanism, pair.private), refusal);
                assert_eq!(session.verify_init(&mechanism, pair.public), refusal);
                assert!(!session.is_active(Work::Sign));
            }
        }
    }
}

/// PKCS#11 3.2 §6.67.5: no parameter is an empty context and CKH_HEDGE_PREFERRED.
#[test]
fn the_parameter_may_be_absent_but_where_it_names_the_hash() {
    let token = Token::new();
    let session = token.user();
    let pair = dsa_pair(session, CKP_ML_DSA_44);
    for id in [CKM_ML_DSA].into_iter().chain(HASHING.map(|(id, _)| id)) {
        let explicit = with_context(id, CKH_HEDGE_PREFERRED, b"");
        let signature = session.sign(&plain(id), pair.private, b"a message").unwrap();
        session.check(&explicit, pair.public, b"a message", &signature).unwrap();
        let signature = session.sign(&explicit, pair.private, b"a message").unwrap();
        session.check(&plain(id), pair.public, b"a message", &signature).unwrap();
    }
    let with_hash = with_hash(CKM_ML_DSA, CKH_HEDGE_PREFERRED, b"", CKM_SHA256);
    for mechanism in [
        plain(CKM_HASH_ML_DSA),
        with_context(CKM_HASH_ML_DSA, CKH_HEDGE_PREFERRED, b""),
        with_iv(CKM_ML_DSA, &[0; 8]),
        with_hash,
    ] {
        let refusal = refused(CKR_MECHANISM_PARAM_INVALID);
        assert_eq!(session.begin(Work::Sign, &mechanism, pair.private), refusal, "{mechanism:?}");
        assert_eq!(session.verify_init(&mechanism, pair.public), refusal, "{mechanism:?}");
    }
}

#[test]
fn hedged_signatures_differ_and_deterministic_ones_repeat() {
    let token = Token::new();
    let session = token.user();
    for (set, _) in SETS {
        let pair = dsa_pair(session, set);
        for id in [CKM_ML_DSA, CKM_HASH_ML_DSA_SHA512] {
            for hedge in HEDGES {
                let mechanism = with_context(id, hedge, b"c");
                let sign = || session.sign(&mechanism, pair.private, b"m").unwrap();
                let (first, second) = (sign(), sign());
                assert_eq!(first == second, hedge == CKH_DETERMINISTIC_REQUIRED, "{mechanism:?}");
                // To verify, it does not matter which: the parameter is ignored.
                for hedge in HEDGES.into_iter().chain([3, CK_ULONG::MAX]) {
                    let mechanism = with_context(id, hedge, b"c");
                    session.check(&mechanism, pair.public, b"m", &first).unwrap();
                    check_first(session, &mechanism, pair.public, b"m", &second).unwrap();
                }
            }
            for hedge in [3, CK_ULONG::MAX] {
                let outcome = session.begin(Work::Sign, &with_context(id, hedge, b"c"), pair.private);
                assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID));
            }
        }
    }
}

#[test]
fn messages_in_parts_are_the_same_as_whole_ones() {
    let token = Token::new();
    let session = token.user();
    let message: Vec<u8> = (0..5000u32).map(|at| at as u8).collect();
    for (set, _) in SETS {
        let pair = dsa_pair(session, set);
        for id in [CKM_ML_DSA].into_iter().chain(HASHING.map(|(id, _)| id)) {
            let mechanism = with_context(id, CKH_DETERMINISTIC_REQUIRED, b"context");
            let whole = session.sign(&mechanism, pair.private, &message).unwrap();
            for cuts in [&[][..], &[0], &[1, 2, 3], &[4096], &[64, 128, 4999, 5000]] {
                let parts = session.run_in_parts(Work::Sign, &mechanism, pair.private, &message, cuts).unwrap();
                assert_eq!(parts, whole);
                session.check_in_parts(&mechanism, pair.public, &message, &whole, cuts).unwrap();
                check_first_in_parts(session, &mechanism, pair.public, &message, &whole, cuts).unwrap();
            }
            // Nothing is a message too.
            let empty = session.sign(&mechanism, pair.private, b"").unwrap();
            session.check(&mechanism, pair.public, b"", &empty).unwrap();
            session.check_in_parts(&mechanism, pair.public, b"", &empty, &[]).unwrap();
            let outcome = session.check(&mechanism, pair.public, &message, &empty);
            assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
        }
    }
}

/// The hash that the caller computes and the hash that the mechanism computes give one signature.
#[test]
fn hashes_by_the_caller_and_by_the_mechanism_agree() {
    let token = Token::new();
    let session = token.user();
    let pair = dsa_pair(session, CKP_ML_DSA_65);
    for (id, hash) in HASHING {
        let hashing = with_context(id, CKH_DETERMINISTIC_REQUIRED, b"c");
        let signature = session.sign(&hashing, pair.private, &content()).unwrap();
        let Some(hash) = hash else { continue };
        let hashed = digest(session, hash, &content());
        let given = with_hash(CKM_HASH_ML_DSA, CKH_DETERMINISTIC_REQUIRED, b"c", hash);
        assert_eq!(session.sign(&given, pair.private, &hashed).unwrap(), signature);
        session.check(&given, pair.public, &hashed, &signature).unwrap();
        check_first(session, &given, pair.public, &hashed, &signature).unwrap();
        // Pure, it is another message, and so it is with the object identifier of another hash.
        let pure = with_context(CKM_ML_DSA, CKH_HEDGE_PREFERRED, b"c");
        let outcome = session.check(&pure, pair.public, &hashed, &signature);
        assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
        let same_length = HASHING
            .iter()
            .filter_map(|(_, other)| *other)
            .filter(|other| *other != hash && digest(session, *other, b"").len() == hashed.len());
        for other in same_length {
            let other = with_hash(CKM_HASH_ML_DSA, CKH_HEDGE_PREFERRED, b"c", other);
            let outcome = session.check(&other, pair.public, &hashed, &signature);
            assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
        }
        for len in [0, 1, hashed.len() - 1, hashed.len() + 1, 1000] {
            assert_eq!(session.sign(&given, pair.private, &vec![0; len]), refused(CKR_DATA_LEN_RANGE));
        }
    }
    // Hashes without a mechanism that hashes: SHA-512/224 and SHA-512/256. SHAKE has no digest mechanism; the
    // derivation mechanism names it.
    for (hash, len) in [(CKM_SHA512_224, 28), (CKM_SHA512_256, 32)] {
        let hashed = digest(session, hash, &content());
        assert_eq!(hashed.len(), len);
        let given = with_hash(CKM_HASH_ML_DSA, CKH_HEDGE_REQUIRED, b"", hash);
        let signature = session.sign(&given, pair.private, &hashed).unwrap();
        session.check(&given, pair.public, &hashed, &signature).unwrap();
    }
    for (hash, len) in [(CKM_SHAKE_128_KEY_DERIVATION, 32), (CKM_SHAKE_256_KEY_DERIVATION, 64)] {
        let given = with_hash(CKM_HASH_ML_DSA, CKH_HEDGE_PREFERRED, b"", hash);
        let signature = session.sign(&given, pair.private, &vec![1; len]).unwrap();
        session.check(&given, pair.public, &vec![1; len], &signature).unwrap();
        assert_eq!(session.sign(&given, pair.private, &vec![1; 96 - len]), refused(CKR_DATA_LEN_RANGE));
    }
    for hash in [CKM_MD5, CKM_SHA_1, CKM_SHA256_HMAC, CKM_SHA256_RSA_PKCS, CKM_AES_CBC, 0, CK_ULONG::MAX] {
        let given = with_hash(CKM_HASH_ML_DSA, CKH_HEDGE_PREFERRED, b"", hash);
        let outcome = session.begin(Work::Sign, &given, pair.private);
        assert_eq!(outcome, refused(CKR_MECHANISM_PARAM_INVALID), "0x{hash:x}");
    }
}

#[test]
fn the_signature_of_one_mechanism_or_set_never_verifies_under_another() {
    let token = Token::new();
    let session = token.user();
    let pairs = SETS.map(|(set, bytes)| (dsa_pair(session, set), bytes));
    let ids: Vec<CK_MECHANISM_TYPE> = [CKM_ML_DSA].into_iter().chain(HASHING.map(|(id, _)| id)).collect();
    let mut count = 0;
    for (pair, own_bytes) in &pairs {
        for id in &ids {
            let signature = session.sign(&plain(*id), pair.private, b"a message").unwrap();
            for (other, bytes) in &pairs {
                for other_id in &ids {
                    let expected = match (other == pair, other_id == id) {
                        (true, true) => Ok(()),
                        (true, false) => refused(CKR_SIGNATURE_INVALID),
                        (false, _) => refused(CKR_SIGNATURE_LEN_RANGE),
                    };
                    let outcome = session.check(&plain(*other_id), other.public, b"a message", &signature);
                    assert_eq!(outcome, expected);
                    if own_bytes != bytes {
                        // Cut or filled to the length of the other set, it is merely wrong.
                        let mut fitted = signature.clone();
                        fitted.resize(*bytes, 0);
                        let outcome = session.check(&plain(*other_id), other.public, b"a message", &fitted);
                        assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
                    }
                    count += 1;
                }
            }
            let stranger = dsa_pair(session, session.number(pair.public, CKA_PARAMETER_SET));
            let outcome = session.check(&plain(*id), stranger.public, b"a message", &signature);
            assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID));
        }
    }
    println!("{count} pairs of mechanisms and sets");
}

#[test]
fn lengths_other_than_the_sets_are_told() {
    let token = Token::new();
    let session = token.user();
    for (set, signature_bytes) in SETS {
        let pair = dsa_pair(session, set);
        for id in [CKM_ML_DSA, CKM_HASH_ML_DSA_SHA256] {
            let signature = session.sign(&plain(id), pair.private, b"m").unwrap();
            for wrong in [&signature[..0], &signature[1..], &[&signature[..], &[0]].concat()] {
                let outcome = session.check(&plain(id), pair.public, b"m", wrong);
                assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE));
                let outcome = session.check_in_parts(&plain(id), pair.public, b"m", wrong, &[]);
                assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE));
                let outcome = check_first(session, &plain(id), pair.public, b"m", wrong);
                assert_eq!(outcome, refused(CKR_SIGNATURE_LEN_RANGE));
            }
            for at in [0, 40, signature_bytes / 2, signature_bytes - 1] {
                let mut wrong = signature.clone();
                wrong[at] ^= 1;
                let outcome = session.check(&plain(id), pair.public, b"m", &wrong);
                assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID), "byte {at}");
            }
            // The output convention.
            session.begin(Work::Sign, &plain(id), pair.private).unwrap();
            let mut buffer = vec![0xa5; signature_bytes];
            let mut length = signature_bytes as CK_ULONG - 1;
            let data = b"m".as_ptr().cast_mut();
            let outcome = session.whole_raw(Work::Sign, (data, 1, buffer.as_mut_ptr(), &mut length));
            assert_eq!(outcome, refused(CKR_BUFFER_TOO_SMALL));
            assert_eq!((length as usize, &buffer), (signature_bytes, &vec![0xa5; signature_bytes]));
            session.whole_raw(Work::Sign, (data, 1, buffer.as_mut_ptr(), &mut length)).unwrap();
            session.check(&plain(id), pair.public, b"m", &buffer).unwrap();
        }
    }
}

#[test]
fn only_the_right_key_with_permission_signs() {
    let token = Token::new();
    let session = token.user();
    let pair = dsa_pair(session, CKP_ML_DSA_44);
    let kem = pair_of_set(session, CKM_ML_KEM_KEY_PAIR_GEN, CKP_ML_KEM_512);
    let hash_based = pair_of_set(session, CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F);
    for wrong in [kem, hash_based] {
        let refusal = refused(CKR_KEY_TYPE_INCONSISTENT);
        assert_eq!(session.begin(Work::Sign, &plain(CKM_ML_DSA), wrong.private), refusal);
        assert_eq!(session.verify_init(&plain(CKM_ML_DSA), wrong.public), refusal);
    }
    assert_eq!(session.begin(Work::Sign, &plain(CKM_ML_DSA), 0), refused(CKR_KEY_HANDLE_INVALID));
    let public = [number(CKA_PARAMETER_SET, CKP_ML_DSA_44), flag(CKA_VERIFY, false)];
    let weak = generate_pair(session, CKM_ML_DSA_KEY_PAIR_GEN, &public, &[flag(CKA_SIGN, false)]).unwrap();
    let refusal = refused(CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_eq!(session.begin(Work::Sign, &plain(CKM_ML_DSA), weak.private), refusal);
    assert_eq!(session.verify_init(&plain(CKM_ML_DSA), weak.public), refusal);
    assert_eq!(session.begin(Work::Sign, &plain(CKM_ML_DSA), pair.public), refusal);
    assert_eq!(session.verify_init(&plain(CKM_ML_DSA), pair.private), refusal);
    let vendor = Mechanism { id: CKM_ML_DSA_KEY_PAIR_GEN, parameter: Parameter::None };
    assert_eq!(session.begin(Work::Sign, &vendor, pair.private), refused(CKR_MECHANISM_INVALID));
}
