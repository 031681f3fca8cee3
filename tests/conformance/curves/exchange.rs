//! What is signed and encoded here `openssl` reads, and the other way round.

use cryptoki_sys::*;

use super::program::{Desk, element, tagged};
use super::{Curve, EDWARDS, SHORT, all, sign};
use crate::module::{Token, refused};
use crate::parameters::plain;
use crate::samples::Random;

/// ECDSA with each hash, and what `openssl` calls that.
const HASHES: [(CK_MECHANISM_TYPE, &str); 9] = [
    (CKM_ECDSA_SHA1, "sha1"),
    (CKM_ECDSA_SHA224, "sha224"),
    (CKM_ECDSA_SHA256, "sha256"),
    (CKM_ECDSA_SHA384, "sha384"),
    (CKM_ECDSA_SHA512, "sha512"),
    (CKM_ECDSA_SHA3_224, "sha3-224"),
    (CKM_ECDSA_SHA3_256, "sha3-256"),
    (CKM_ECDSA_SHA3_384, "sha3-384"),
    (CKM_ECDSA_SHA3_512, "sha3-512"),
];

#[test]
fn ecdsa_with_each_hash_on_each_curve_verifies_with_openssl_and_theirs_here() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    let mut random = Random(3001);
    let mut count = 0;
    for curve in &SHORT {
        let (public, private) = curve.pair(session);
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let theirs = desk.key(curve);
        let own = session.create(&curve.public(&theirs.point)).unwrap();
        for (id, hash) in HASHES {
            let len = random.below(300);
            let message = random.bytes(len);
            let signature = sign(session, &plain(id), private, &message).unwrap();
            assert_eq!(signature.len(), 2 * curve.bytes);
            assert!(desk.verifies(curve, &info, Some(hash), &message, &signature), "{} {hash}", curve.name);
            assert!(!desk.verifies(curve, &theirs.info, Some(hash), &message, &signature));
            let signature = desk.sign(curve, &theirs.private, Some(hash), &message);
            let context = format!("{} {hash} {message:02x?} {signature:02x?}", curve.name);
            assert_eq!(session.check(&plain(id), own, &message, &signature), Ok(()), "{context}");
            let other = session.check(&plain(id), public, &message, &signature);
            assert_eq!(other, refused(CKR_SIGNATURE_INVALID), "{context}");
            // In parts.
            session.verify_init(&plain(id), own).unwrap();
            let (first, second) = message.split_at(len / 3);
            session.verify_update(first).unwrap();
            session.verify_update(second).unwrap();
            assert_eq!(session.verify_final(&signature), Ok(()), "{context}");
            count += 2;
        }
    }
    println!("{count} signatures of messages exchanged with openssl");
}

/// A digest of so many bytes, and one of at most 64 that stands for the same number: `openssl` takes no longer ones. Of
/// a digest longer than the order the leftmost bits count (FIPS 186-5 §6.4.1).
fn digests(curve: &Curve, len: usize, random: &mut Random) -> [Vec<u8>; 2] {
    let short = random.bytes(len.min(64));
    let rest = random.bytes(len - short.len());
    match (curve.bytes, len) {
        (_, ..=64) => [short.clone(), short],
        (..=64, _) => [[&short[..], &rest].concat(), short],
        (_, 65) => [[&[0], &short[..]].concat(), short],
        // Nine bits of 0, 512 of the digest, and 7 that are too many.
        _ => {
            let mut long = [0; 66];
            for (place, byte) in short.iter().enumerate() {
                long[place + 1] |= byte >> 1;
                long[place + 2] = byte << 7;
            }
            long[65] |= 0x55;
            [[&long[..], &rest[2..]].concat(), short]
        }
    }
}

#[test]
fn ecdsa_of_digests_of_any_length_verifies_with_openssl_and_theirs_here() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    let mut random = Random(3002);
    let mut count = 0;
    for curve in &SHORT {
        let (public, private) = curve.pair(session);
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let theirs = desk.key(curve);
        let own = session.create(&curve.public(&theirs.point)).unwrap();
        for len in [1, 2, 20, 27, 28, 29, 31, 32, 33, 40, 47, 48, 49, 63, 64, 65, 66, 67, 128, 200] {
            let [digest, short] = digests(curve, len, &mut random);
            assert_eq!(digest.len(), len);
            let signature = sign(session, &plain(CKM_ECDSA), private, &digest).unwrap();
            assert!(desk.verifies(curve, &info, None, &short, &signature), "{} {len}", curve.name);
            let signature = desk.sign(curve, &theirs.private, None, &short);
            let context = format!("{} {digest:02x?} {signature:02x?}", curve.name);
            assert_eq!(session.check(&plain(CKM_ECDSA), own, &digest, &signature), Ok(()), "{context}");
            let cuts = [len / 3, len / 2];
            assert_eq!(session.check_in_parts(&plain(CKM_ECDSA), own, &digest, &signature, &cuts), Ok(()), "{context}");
            let mut changed = digest.clone();
            changed[len.min(60) - 1] ^= 4;
            let counts = len.min(60) <= curve.bytes;
            let expected = if counts { refused(CKR_SIGNATURE_INVALID) } else { Ok(()) };
            assert_eq!(session.check(&plain(CKM_ECDSA), own, &changed, &signature), expected, "{context}");
            count += 2;
        }
    }
    println!("{count} signatures of digests exchanged with openssl");
}

#[test]
fn eddsa_verifies_with_openssl_and_both_make_the_same_signatures() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    let mut random = Random(3003);
    let mut count = 0;
    for curve in &EDWARDS {
        for _ in 0..12 {
            let theirs = desk.key(curve);
            let public = session.create(&curve.public(&theirs.point)).unwrap();
            let private = session.create(&curve.private(&theirs.value)).unwrap();
            let len = 1 + random.below(2000);
            let message = random.bytes(len);
            let signature = sign(session, &plain(CKM_EDDSA), private, &message).unwrap();
            assert_eq!(desk.sign(curve, &theirs.private, None, &message), signature);
            assert!(desk.verifies(curve, &theirs.info, None, &message, &signature));
            assert_eq!(session.check(&plain(CKM_EDDSA), public, &message, &signature), Ok(()));
            count += 1;
        }
        let (public, private) = curve.pair(session);
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let signature = sign(session, &plain(CKM_EDDSA), private, b"message").unwrap();
        assert!(desk.verifies(curve, &info, None, b"message", &signature));
        assert!(!desk.verifies(curve, &info, None, b"messagf", &signature));
    }
    println!("{count} EdDSA signatures equal to openssl's");
}

/// The private half has the public key, too: its info is all a program needs to find it.
#[test]
fn public_key_infos_and_points_are_what_openssl_writes() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    for curve in all() {
        let (public, private) = curve.pair(session);
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO).unwrap(), info, "{}", curve.name);
        assert_eq!(desk.read_info(&info), info, "{}", curve.name);
        let point = session.get(public, CKA_EC_POINT).unwrap();
        let (tag, content, rest) = element(&point);
        assert_eq!((tag, rest), (4, &[][..]));
        assert_eq!(info[info.len() - content.len()..], *content, "{}", curve.name);

        let theirs = desk.key(curve);
        let public = session.create(&curve.public(&theirs.point)).unwrap();
        let private = session.create(&curve.private(&theirs.value)).unwrap();
        for key in [public, private] {
            assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), theirs.info, "{}", curve.name);
        }
        assert_eq!(session.get(public, CKA_EC_POINT).unwrap(), tagged(4, &theirs.point), "{}", curve.name);
    }
}
