//! DSA (§6.2).

use cryptoki_sys::*;

use super::{altered, copied, given, of};
use crate::differential::openssl;
use crate::module::{Outcome, Token, directory, refused};
use crate::pair_samples::{group, open};
use crate::parameters::plain;
use crate::samples::Random;
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, number, with, without};

const GROUP: [CK_ATTRIBUTE_TYPE; 3] = [CKA_PRIME, CKA_SUBPRIME, CKA_BASE];

/// Each mechanism that hashes, and the hash's name for `openssl`.
const HASHES: [(CK_MECHANISM_TYPE, &str); 9] = [
    (CKM_DSA_SHA1, "sha1"),
    (CKM_DSA_SHA224, "sha224"),
    (CKM_DSA_SHA256, "sha256"),
    (CKM_DSA_SHA384, "sha384"),
    (CKM_DSA_SHA512, "sha512"),
    (CKM_DSA_SHA3_224, "sha3-224"),
    (CKM_DSA_SHA3_256, "sha3-256"),
    (CKM_DSA_SHA3_384, "sha3-384"),
    (CKM_DSA_SHA3_512, "sha3-512"),
];

fn pair(session: Session, prime_bits: CK_ULONG) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    let public = group(session, CKM_DSA_PARAMETER_GEN, prime_bits);
    session.generate_pair(&plain(CKM_DSA_KEY_PAIR_GEN), &public, &open())
}

/// r and s as `openssl` has them.
fn to_der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let mut value = bytes[zeros.min(bytes.len() - 1)..].to_vec();
        if value[0] & 0x80 != 0 {
            value.insert(0, 0);
        }
        [vec![2, value.len() as u8], value].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

/// And back, in so many bytes each.
fn from_der(der: &[u8], half: usize) -> Vec<u8> {
    let r_len = usize::from(der[3]);
    let (r, s) = (&der[4..4 + r_len], &der[6 + r_len..]);
    let fixed = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = &number[zeros..];
        [vec![0; half - number.len()], number.to_vec()].concat()
    };
    [fixed(r), fixed(s)].concat()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(String::from).collect()
}

#[test]
fn signatures_go_both_ways_with_openssl() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(9);
    let mut cases = 0;
    for (prime_bits, half) in [(1024, 20), (2048, 32)] {
        let (public, private) = pair(session, prime_bits).unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = directory().join(format!("dsa-{prime_bits}-{name}"));
            std::fs::write(&path, content).unwrap();
            path.display().to_string()
        };
        let public_file = file("public.der", &session.get(public, CKA_PUBLIC_KEY_INFO).unwrap());
        let private_file = file("private.der", &private_key_info(session, private));
        for (mechanism, hash) in HASHES {
            for len in [0, 1, 500] {
                let message = random.bytes(len);
                let message_file = file("message", &message);
                let signature = session.sign(&plain(mechanism), private, &message).unwrap();
                assert_eq!(signature.len(), 2 * half);
                let signature_file = file("signature", &to_der(&signature));
                let verify = format!("dgst -{hash} -keyform DER -verify {public_file} -signature {signature_file}");
                openssl(&words(&format!("{verify} {message_file}")), b"");
                let sign = format!("dgst -{hash} -keyform DER -sign {private_file} {message_file}");
                let theirs = from_der(&openssl(&words(&sign), b""), half);
                assert_eq!(session.check(&plain(mechanism), public, &message, &theirs), Ok(()), "{hash}");
                // In parts, and refused when changed.
                assert_eq!(session.check_in_parts(&plain(mechanism), public, &message, &signature, &[len / 2]), Ok(()));
                let parts = session.run_in_parts(Work::Sign, &plain(mechanism), private, &message, &[len / 3]);
                assert_eq!(session.check(&plain(mechanism), public, &message, &parts.unwrap()), Ok(()));
                let mut wrong = signature.clone();
                wrong[half] ^= 1;
                let refusal = session.check(&plain(mechanism), public, &message, &wrong);
                assert_eq!(refusal, refused(CKR_SIGNATURE_INVALID));
                let other = [&message[..], b"x"].concat();
                let refusal = session.check(&plain(mechanism), public, &other, &signature);
                assert_eq!(refusal, refused(CKR_SIGNATURE_INVALID));
                for wrong in [&signature[1..], &[&signature[..], &[0]].concat(), &[]] {
                    let refusal = session.check(&plain(mechanism), public, &message, wrong);
                    assert_eq!(refusal, refused(CKR_SIGNATURE_LEN_RANGE));
                }
                for never in [vec![0; 2 * half], vec![0xff; 2 * half]] {
                    let refusal = session.check(&plain(mechanism), public, &message, &never);
                    assert_eq!(refusal, refused(CKR_SIGNATURE_INVALID));
                }
                cases += 1;
            }
        }
        for name in ["public.der", "private.der", "message", "signature"] {
            _ = std::fs::remove_file(directory().join(format!("dsa-{prime_bits}-{name}")));
        }
    }
    println!("{cases} messages");
}

/// The key in PKCS#8, as a wrap that hides nothing from us gives it.
fn private_key_info(session: Session, private: CK_OBJECT_HANDLE) -> Vec<u8> {
    let usages = [CKA_WRAP, CKA_DECRYPT].map(|usage| flag(usage, true));
    let key = session.create(&with(&crate::template::key_template(CKK_AES, &[3; 16]), &usages)).unwrap();
    let wrapped = session.wrap(&plain(CKM_AES_KEY_WRAP_KWP), key, private).unwrap();
    session.run(Work::Decrypt, &plain(CKM_AES_KEY_WRAP_KWP), key, &wrapped).unwrap()
}

/// `CKM_DSA` signs a hash: the leftmost bits of a longer one count, as FIPS 186-4 §4.6 has it.
#[test]
fn hashes_made_elsewhere() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = pair(session, 2048).unwrap();
    for len in [20, 28, 32, 48, 64] {
        let hash = vec![0x5c; len];
        let signature = session.sign(&plain(CKM_DSA), private, &hash).unwrap();
        assert_eq!(signature.len(), 64);
        assert_eq!(session.check(&plain(CKM_DSA), public, &hash, &signature), Ok(()));
        let again = session.sign(&plain(CKM_DSA), private, &hash).unwrap();
        assert_ne!(again, signature, "a new number each time");
        assert_eq!(session.check(&plain(CKM_DSA), public, &hash, &again), Ok(()));
    }
    // A hash made with the module, and the mechanism that makes it.
    let digest = session.run(Work::Digest, &plain(CKM_SHA256), 0, b"message").unwrap();
    let signature = session.sign(&plain(CKM_DSA), private, &digest).unwrap();
    assert_eq!(session.check(&plain(CKM_DSA_SHA256), public, b"message", &signature), Ok(()));
}

#[test]
fn keys_come_in_and_sign() {
    let token = Token::new();
    let session = token.user();
    for prime_bits in [1024, 2048] {
        let (public, private) = pair(session, prime_bits).unwrap();
        let parts = [&GROUP[..], &[CKA_VALUE]].concat();
        let public_template = with(&of(CKO_PUBLIC_KEY, CKK_DSA), &copied(session, public, &parts));
        let private_template = with(&of(CKO_PRIVATE_KEY, CKK_DSA), &copied(session, private, &parts));
        let imported = session.create(&public_template).unwrap();
        let signer = session.create(&private_template).unwrap();
        let signature = session.sign(&plain(CKM_DSA_SHA256), signer, b"data").unwrap();
        assert_eq!(session.check(&plain(CKM_DSA_SHA256), imported, b"data", &signature), Ok(()));
        assert_eq!(session.check(&plain(CKM_DSA_SHA256), public, b"data", &signature), Ok(()));
        for (one, other) in [(public, imported), (private, signer), (public, private)] {
            for attribute in [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE] {
                assert_eq!(session.get(one, attribute), session.get(other, attribute));
            }
        }
        let q = given(&private_template, CKA_SUBPRIME);
        let p = given(&public_template, CKA_PRIME);
        for (bad, why) in [
            (vec![0], "zero"),
            (q.clone(), "the order"),
            (vec![0xff; q.len()], "above the order"),
            (vec![1; q.len() + 1], "too long"),
        ] {
            let refusal = session.create(&with(&private_template, &[bytes(CKA_VALUE, bad)]));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{why}");
        }
        for (bad, why) in [(vec![1], "one"), (vec![0], "zero"), (p.clone(), "the prime"), (vec![2], "no member")] {
            let refusal = session.create(&with(&public_template, &[bytes(CKA_VALUE, bad)]));
            assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "{why}");
        }
        let outside = altered(&public_template, CKA_VALUE, |value| value[10] ^= 1);
        assert_eq!(session.create(&outside), refused(CKR_PUBLIC_KEY_INVALID));
        for missing in parts {
            for template in [&public_template, &private_template] {
                assert_eq!(session.create(&without(template, missing)), refused(CKR_TEMPLATE_INCOMPLETE));
            }
        }
    }
}

#[test]
fn templates_of_pairs() {
    let token = Token::new();
    let session = token.user();
    let good = group(session, CKM_DSA_PARAMETER_GEN, 1024);
    let generate = |public: &[Entry], private: &[Entry]| {
        session.generate_pair(&plain(CKM_DSA_KEY_PAIR_GEN), public, private).map(|_| ())
    };
    assert_eq!(generate(&good, &[]), Ok(()));
    for missing in GROUP {
        assert_eq!(generate(&without(&good, missing), &[]), refused(CKR_TEMPLATE_INCOMPLETE));
        // §6.2.3: the private half has them from the public one.
        assert_eq!(generate(&good, &[bytes(missing, [1])]), refused(CKR_ATTRIBUTE_READ_ONLY));
    }
    assert_eq!(generate(&with(&good, &[bytes(CKA_VALUE, [1])]), &[]), refused(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(generate(&good, &[bytes(CKA_VALUE, [1])]), refused(CKR_ATTRIBUTE_READ_ONLY));
    assert_eq!(generate(&good, &[number(CKA_VALUE_BITS, 160)]), refused(CKR_TEMPLATE_INCONSISTENT));
    assert_eq!(generate(&with(&good, &[number(CKA_KEY_TYPE, CKK_RSA)]), &[]), refused(CKR_TEMPLATE_INCONSISTENT));
    // A pair of another type does not sign here.
    let (_, private) = session.generate_pair(&plain(CKM_DSA_KEY_PAIR_GEN), &good, &[]).unwrap();
    let refusal = session.sign(&plain(CKM_ECDSA), private, &[0; 20]);
    assert_eq!(refusal, refused(CKR_KEY_TYPE_INCONSISTENT));
}
