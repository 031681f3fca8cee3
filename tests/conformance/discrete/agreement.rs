//! Diffie-Hellman of PKCS #3 (§6.4.2 to §6.4.10) and of X9.42 (§6.4.12 and on).

use cryptoki_sys::*;

use super::{bits, copied, given, of};
use crate::differential::openssl;
use crate::module::{Token, directory, refused};
use crate::pair_samples::{group, open};
use crate::parameters::{Mechanism, Parameter, plain, with_iv};
use crate::session::{Session, Work};
use crate::template::{Entry, bytes, flag, key_template, number, with, without};

const DH: (CK_KEY_TYPE, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE) =
    (CKK_DH, CKM_DH_PKCS_KEY_PAIR_GEN, CKM_DH_PKCS_PARAMETER_GEN);
const X942: (CK_KEY_TYPE, CK_MECHANISM_TYPE, CK_MECHANISM_TYPE) =
    (CKK_X9_42_DH, CKM_X9_42_DH_KEY_PAIR_GEN, CKM_X9_42_DH_PARAMETER_GEN);

fn x942(kdf: CK_ULONG, other: &[u8], public: &[u8]) -> Mechanism {
    let parameter = Parameter::X942Dh { kdf, other: other.to_vec(), public: public.to_vec() };
    Mechanism { id: CKM_X9_42_DH_DERIVE, parameter }
}

fn private_key_info(session: Session, private: CK_OBJECT_HANDLE) -> Vec<u8> {
    let usages = [CKA_WRAP, CKA_DECRYPT].map(|usage| flag(usage, true));
    let key = session.create(&with(&key_template(CKK_AES, &[3; 16]), &usages)).unwrap();
    let wrapped = session.wrap(&plain(CKM_AES_KEY_WRAP_KWP), key, private).unwrap();
    session.run(Work::Decrypt, &plain(CKM_AES_KEY_WRAP_KWP), key, &wrapped).unwrap()
}

#[test]
fn pairs_have_the_bits_asked_for() {
    let token = Token::new();
    let session = token.user();
    // RFC 7919 appendix A says how long a private value is at least, where nobody does.
    for (prime_bits, least) in [(2048, 225), (3072, 275), (4096, 325)] {
        let public = group(session, CKM_DH_PKCS_PARAMETER_GEN, prime_bits);
        let (own, private) = session.generate_pair(&plain(CKM_DH_PKCS_KEY_PAIR_GEN), &public, &open()).unwrap();
        let x = session.get(private, CKA_VALUE).unwrap();
        assert_eq!(session.number(private, CKA_VALUE_BITS) as usize, bits(&x));
        assert!((least - 60..=least).contains(&bits(&x)), "{} bits", bits(&x));
        assert!(bits(&session.get(own, CKA_VALUE).unwrap()) <= prime_bits as usize);
        for part in [CKA_PRIME, CKA_BASE] {
            assert_eq!(session.get(own, part), session.get(private, part));
        }
    }
    let public = group(session, CKM_DH_PKCS_PARAMETER_GEN, 2048);
    for value_bits in [225, 256, 512, 1024, 2047] {
        let private = with(&open(), &[number(CKA_VALUE_BITS, value_bits)]);
        let (_, private) = session.generate_pair(&plain(CKM_DH_PKCS_KEY_PAIR_GEN), &public, &private).unwrap();
        let x = session.get(private, CKA_VALUE).unwrap();
        assert!((value_bits as usize - 60..=value_bits as usize).contains(&bits(&x)), "{value_bits}: {}", bits(&x));
        assert_eq!(session.number(private, CKA_VALUE_BITS) as usize, bits(&x));
    }
    for value_bits in [1, 64, 4096, CK_ULONG::MAX] {
        let private = [number(CKA_VALUE_BITS, value_bits)];
        let refusal = session.generate_pair(&plain(CKM_DH_PKCS_KEY_PAIR_GEN), &public, &private);
        assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{value_bits}");
    }
}

#[test]
fn keys_come_in() {
    let token = Token::new();
    let session = token.user();
    for (key_type, generate, parameters) in [DH, X942] {
        let good = group(session, parameters, 2048);
        let (public, private) = session.generate_pair(&plain(generate), &good, &open()).unwrap();
        let mut parts: Vec<CK_ATTRIBUTE_TYPE> = good.iter().map(|entry| entry.attribute).collect();
        parts.push(CKA_VALUE);
        let public_template = with(&of(CKO_PUBLIC_KEY, key_type), &copied(session, public, &parts));
        let private_template = with(&of(CKO_PRIVATE_KEY, key_type), &copied(session, private, &parts));
        let private_template = with(&private_template, &open());
        let (own, secret) = (session.create(&public_template).unwrap(), session.create(&private_template).unwrap());
        for attribute in [CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE] {
            for other in [own, private, secret] {
                assert_eq!(session.get(public, attribute), session.get(other, attribute));
            }
        }
        assert_eq!(session.get(secret, CKA_VALUE), session.get(private, CKA_VALUE));
        if key_type == CKK_DH {
            assert_eq!(session.number(secret, CKA_VALUE_BITS), session.number(private, CKA_VALUE_BITS));
            let refusal = session.create(&with(&private_template, &[number(CKA_VALUE_BITS, 225)]));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_READ_ONLY));
        }
        let p = given(&good, CKA_PRIME);
        let mut last = p.clone();
        *last.last_mut().unwrap() -= 1;
        for (bad, why) in [(vec![0], "zero"), (vec![1], "one"), (last.clone(), "p - 1"), (p.clone(), "p")] {
            let refusal = session.create(&with(&public_template, &[bytes(CKA_VALUE, bad)]));
            assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "0x{key_type:x}: {why}");
        }
        for (bad, why) in [(vec![0], "zero"), (p.clone(), "p"), (vec![0xff; 300], "too long")] {
            let refusal = session.create(&with(&private_template, &[bytes(CKA_VALUE, bad)]));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "0x{key_type:x}: {why}");
        }
        for missing in parts {
            for template in [&public_template, &private_template] {
                assert_eq!(session.create(&without(template, missing)), refused(CKR_TEMPLATE_INCOMPLETE));
            }
        }
    }
}

/// Two parties have the same secret, and `openssl` has it too.
#[test]
fn agreements_are_those_of_openssl() {
    let token = Token::new();
    let session = token.user();
    for (key_type, generate, parameters) in [DH, X942] {
        let good = group(session, parameters, 2048);
        let pair = || session.generate_pair(&plain(generate), &good, &open()).unwrap();
        let ((public, private), (peer, peer_private)) = (pair(), pair());
        let agree = |private, public| {
            let public = session.get(public, CKA_VALUE).unwrap();
            let mechanism = match key_type {
                CKK_DH => with_iv(CKM_DH_PKCS_DERIVE, &public),
                _ => x942(CKD_NULL, b"", &public),
            };
            let template = [
                number(CKA_CLASS, CKO_SECRET_KEY),
                number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
                flag(CKA_SENSITIVE, false),
            ];
            let template = with(&template, &[flag(CKA_EXTRACTABLE, true), number(CKA_VALUE_LEN, 256)]);
            let key = session.derive(&mechanism, private, &template).unwrap();
            assert!(!session.flag(key, CKA_LOCAL));
            session.get(key, CKA_VALUE).unwrap()
        };
        let secret = agree(private, peer);
        assert_eq!(secret, agree(peer_private, public));
        assert_ne!(secret, agree(private, public));
        let path = |name: &str| directory().join(format!("dh-{key_type}-{name}"));
        std::fs::write(path("own"), private_key_info(session, private)).unwrap();
        std::fs::write(path("peer"), session.get(peer, CKA_PUBLIC_KEY_INFO).unwrap()).unwrap();
        let mut arguments: Vec<String> = vec!["pkeyutl".into(), "-derive".into()];
        for (option, name) in [("-inkey", "own"), ("-peerkey", "peer")] {
            arguments.extend([option.into(), path(name).display().to_string()]);
        }
        arguments.extend(["-keyform", "DER", "-peerform", "DER"].map(String::from));
        let theirs = openssl(&arguments, b"");
        // The secret has as many bytes as the prime; `openssl` leaves zeros in front out.
        let zeros = secret.len() - theirs.len();
        assert!(secret[..zeros].iter().all(|byte| *byte == 0));
        assert_eq!(secret[zeros..], theirs, "0x{key_type:x}");
        for name in ["own", "peer"] {
            _ = std::fs::remove_file(path(name));
        }
    }
}

#[test]
fn agreements_that_are_refused() {
    let token = Token::new();
    let session = token.user();
    let template = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), number(CKA_VALUE_LEN, 32)];
    for (key_type, generate, parameters) in [DH, X942] {
        let good = group(session, parameters, 2048);
        let (public, private) = session.generate_pair(&plain(generate), &good, &open()).unwrap();
        let peer = session.get(public, CKA_VALUE).unwrap();
        let p = given(&good, CKA_PRIME);
        let mut last = p.clone();
        *last.last_mut().unwrap() -= 1;
        let mechanism = |peer: &[u8]| match key_type {
            CKK_DH => with_iv(CKM_DH_PKCS_DERIVE, peer),
            _ => x942(CKD_NULL, b"", peer),
        };
        let derive =
            |peer: &[u8], base, template: &[Entry]| session.derive(&mechanism(peer), base, template).map(|_| ());
        assert_eq!(derive(&peer, private, &template), Ok(()));
        for (bad, why) in
            [(vec![0], "zero"), (vec![1], "one"), (last, "p - 1"), (p, "p"), (vec![0xff; 257], "too long")]
        {
            assert_eq!(derive(&bad, private, &template), refused(CKR_PUBLIC_KEY_INVALID), "0x{key_type:x}: {why}");
        }
        assert_eq!(derive(&peer, public, &template), refused(CKR_KEY_TYPE_INCONSISTENT));
        assert_eq!(derive(&peer, 0, &template), refused(CKR_KEY_HANDLE_INVALID));
        let long = with(&template[..1], &[number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), number(CKA_VALUE_LEN, 257)]);
        assert_eq!(derive(&peer, private, &long), refused(CKR_KEY_SIZE_RANGE));
        session.set(private, &[flag(CKA_DERIVE, false)]).unwrap();
        assert_eq!(derive(&peer, private, &template), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    }
}

/// Two tokens agree on an AES key that both can use.
#[test]
fn agreed_keys_are_used() {
    let (one, other) = (Token::new(), Token::new());
    let (here, there) = (one.user(), other.user());
    let good = group(here, CKM_DH_PKCS_PARAMETER_GEN, 3072);
    let pair = |session: Session| {
        session.generate_pair(&plain(CKM_DH_PKCS_KEY_PAIR_GEN), &good, &[flag(CKA_TOKEN, true)]).unwrap()
    };
    let ((public, private), (other_public, other_private)) = (pair(here), pair(there));
    let template = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), number(CKA_VALUE_LEN, 32)];
    let agree = |session: Session, private, public: Vec<u8>| {
        session.derive(&with_iv(CKM_DH_PKCS_DERIVE, &public), private, &template).unwrap()
    };
    let key = agree(here, private, there.get(other_public, CKA_VALUE).unwrap());
    let other_key = agree(there, other_private, here.get(public, CKA_VALUE).unwrap());
    let iv = with_iv(CKM_AES_CBC_PAD, &[5; 16]);
    let sent = here.run(Work::Encrypt, &iv, key, b"a message").unwrap();
    assert_eq!(there.run(Work::Decrypt, &iv, other_key, &sent).as_deref(), Ok(&b"a message"[..]));
}
