//! Where pairs are found, by whom, and for how long.

use std::ptr;

use cryptoki_sys::*;

use super::one_of_each;
use crate::differential::openssl;
use crate::module::{self, Token, USER_PIN, alone, initialize_with, refused};
use crate::pair_samples::{PAIRS, pair_sample};
use crate::parameters::plain;
use crate::session::{NOTHING, Session};
use crate::template::{Entry, bytes, flag, number};

fn kept(more: &[Entry]) -> Vec<Entry> {
    [&[flag(CKA_TOKEN, true)], more].concat()
}

/// By what makes up the key, by what was chosen for it, by both.
#[test]
fn keys_are_found() {
    let token = Token::new();
    let session = token.user();
    let mut pairs = Vec::new();
    for (at, sample) in one_of_each().into_iter().enumerate() {
        for place in [false, true] {
            let id = [at as u8, u8::from(place)];
            let more = [flag(CKA_TOKEN, place), bytes(CKA_ID, id), bytes(CKA_LABEL, sample.name)];
            pairs.push((sample, id, sample.pair(session, &more, &more).unwrap()));
        }
    }
    for (sample, id, (public, private)) in &pairs {
        let both = [*public.min(private), *public.max(private)];
        let (public_class, private_class) = (number(CKA_CLASS, CKO_PUBLIC_KEY), number(CKA_CLASS, CKO_PRIVATE_KEY));
        assert_eq!(session.find(&[bytes(CKA_ID, id)]), both, "{}", sample.name);
        assert_eq!(session.find(&[bytes(CKA_ID, id), public_class.clone()]), [*public], "{}", sample.name);
        assert_eq!(session.find(&[bytes(CKA_ID, id), private_class.clone()]), [*private], "{}", sample.name);
        let info = bytes(CKA_PUBLIC_KEY_INFO, session.get(*public, CKA_PUBLIC_KEY_INFO).unwrap());
        assert_eq!(session.find(&[info]), both, "{}", sample.name);
        let check = bytes(CKA_CHECK_VALUE, session.get(*public, CKA_CHECK_VALUE).unwrap());
        assert!(session.find(&[check]).contains(private), "{}", sample.name);
        assert_eq!(session.find(&[number(CKA_KEY_TYPE, sample.key_type)]).len(), 4, "{}", sample.name);
        for part in sample.public_parts() {
            let value = bytes(part, session.get(*public, part).unwrap());
            assert!(
                session.find(&[value.clone(), public_class.clone()]).contains(public),
                "{} 0x{part:x}",
                sample.name
            );
            let unique = !sample.private_public().contains(&part) || part == CKA_MODULUS;
            if unique {
                assert_eq!(session.find(&[value, public_class.clone()]), [*public], "{} 0x{part:x}", sample.name);
            }
        }
        for part in sample.private_public() {
            let value = bytes(*part, session.get(*private, *part).unwrap());
            assert!(session.find(&[value, private_class.clone()]).contains(private), "{} 0x{part:x}", sample.name);
        }
        for secret in sample.secrets() {
            assert_eq!(session.find(&[bytes(*secret, [1; 32]), private_class.clone()]), NOTHING);
        }
    }
}

/// A search is no oracle for the value of a key that may not be read.
#[test]
fn secrets_are_not_found_by_their_value() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        let (_, private) = sample.pair(session, &[], &crate::pair_samples::open()).unwrap();
        let parts: Vec<_> =
            sample.secrets().iter().map(|part| bytes(*part, session.get(private, *part).unwrap())).collect();
        for part in &parts {
            assert_eq!(session.find(std::slice::from_ref(part)), [private], "{}", sample.name);
        }
        session.set(private, &[flag(CKA_SENSITIVE, true)]).unwrap();
        for part in &parts {
            assert_eq!(session.find(std::slice::from_ref(part)), NOTHING, "{}", sample.name);
        }
    }
}

#[test]
fn private_keys_are_not_there_before_login() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        let (public, private) = sample.pair(session, &kept(&[]), &kept(&[])).unwrap();
        session.logout().unwrap();
        assert_eq!(session.find(&[number(CKA_KEY_TYPE, sample.key_type)]), [public], "{}", sample.name);
        assert_eq!(session.get(private, CKA_KEY_TYPE), refused(CKR_OBJECT_HANDLE_INVALID), "{}", sample.name);
        assert_eq!(session.destroy(private), refused(CKR_OBJECT_HANDLE_INVALID), "{}", sample.name);
        assert_eq!(session.size(private), refused(CKR_OBJECT_HANDLE_INVALID), "{}", sample.name);
        if let Some(mechanism) = sample.signs {
            let refusal = session.sign(&plain(mechanism), private, b"x");
            assert_eq!(refusal, refused(CKR_KEY_HANDLE_INVALID), "{}", sample.name);
            // Everybody verifies.
            assert_eq!(session.verify_init(&plain(mechanism), public), Ok(()), "{}", sample.name);
            session.cancel_all();
        }
        assert_eq!(
            sample.pair(session, &[], &kept(&[])).map(|_| ()),
            refused(CKR_USER_NOT_LOGGED_IN),
            "{}",
            sample.name
        );
        session.login(CKU_USER, USER_PIN).unwrap();
        sample.check_pair(session, public, private);
    }
}

/// Found before login, used after it.
#[test]
fn private_keys_that_are_not_private_objects() {
    let token = Token::new();
    let session = token.user();
    let open_place = kept(&[flag(CKA_PRIVATE, false), bytes(CKA_LABEL, "open")]);
    for sample in one_of_each() {
        let (public, private) = sample.pair(session, &kept(&[]), &open_place).unwrap();
        session.logout().unwrap();
        assert_eq!(session.find(&[number(CKA_KEY_TYPE, sample.key_type), bytes(CKA_LABEL, "open")]), [private]);
        assert!(!session.flag(private, CKA_PRIVATE));
        assert_eq!(session.get(private, CKA_PUBLIC_KEY_INFO), session.get(public, CKA_PUBLIC_KEY_INFO));
        for secret in sample.secrets() {
            assert_eq!(session.get(private, *secret), refused(CKR_ATTRIBUTE_SENSITIVE), "{}", sample.name);
        }
        if let Some(mechanism) = sample.signs {
            let refusal = session.sign(&plain(mechanism), private, b"x");
            assert_eq!(refusal, refused(CKR_USER_NOT_LOGGED_IN), "{}", sample.name);
        }
        session.login(CKU_USER, USER_PIN).unwrap();
        sample.check_pair(session, public, private);
        // One that may be read is still not read before login.
        let readable = [&open_place[..], &crate::pair_samples::open()].concat();
        let (_, readable) = sample.pair(session, &[], &readable).unwrap();
        let part = sample.secrets()[0];
        assert!(session.get(readable, part).is_ok());
        session.logout().unwrap();
        assert_eq!(session.get(readable, part), refused(CKR_ATTRIBUTE_SENSITIVE), "{}", sample.name);
        session.login(CKU_USER, USER_PIN).unwrap();
    }
}

#[test]
fn session_pairs_go_with_their_session() {
    let token = Token::new();
    let session = token.user();
    for sample in one_of_each() {
        let other = token.read_only();
        let (public, private) = sample.pair(other, &[], &[]).unwrap();
        sample.check_pair(session, public, private);
        let size = session.size(private).unwrap();
        assert!((64..20_000).contains(&size), "{}: {size}", sample.name);
        other.close().unwrap();
        for gone in [public, private] {
            assert_eq!(session.get(gone, CKA_CLASS), refused(CKR_OBJECT_HANDLE_INVALID), "{}", sample.name);
        }
    }
}

/// What a later process finds: the same handles, attributes and keys.
#[test]
fn pairs_survive() {
    let _turn = alone();
    let conf = module::write_configuration(module::directory(), "pairs.toml", "");
    initialize_with(module::directory(), &conf).unwrap();
    let token = Token::of_lone_test();
    let session = token.user();
    let known = |session: Session, half: CK_OBJECT_HANDLE, attributes: &[CK_ATTRIBUTE_TYPE]| -> Vec<Vec<u8>> {
        attributes.iter().map(|attribute| session.get(half, *attribute).unwrap()).collect()
    };
    let told = [CKA_CLASS, CKA_KEY_TYPE, CKA_ID, CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_UNIQUE_ID, CKA_LOCAL];
    let mut pairs = Vec::new();
    for (at, sample) in PAIRS.iter().enumerate().filter(|(at, sample)| sample.key_type != CKK_SLH_DSA || at % 5 == 0) {
        let id = [bytes(CKA_ID, [at as u8])];
        let private = [&kept(&id)[..], &crate::pair_samples::open()].concat();
        let (public, private) = sample.pair(session, &kept(&id), &private).unwrap();
        let public_told = known(session, public, &[&told[..], &sample.public_parts()].concat());
        let private_told = [&told[..], sample.private_public(), sample.secrets()].concat();
        let private_told = known(session, private, &private_told);
        pairs.push((sample, public, private, public_told, private_told));
    }
    let handles = session.find(&[]);
    call!(C_Finalize(ptr::null_mut())).unwrap();
    initialize_with(module::directory(), &conf).unwrap();
    let session = token.user();
    assert_eq!(session.find(&[]), handles);
    for (sample, public, private, public_told, private_told) in pairs {
        let now = known(session, public, &[&told[..], &sample.public_parts()].concat());
        assert_eq!(now, public_told, "{}", sample.name);
        let now = known(session, private, &[&told[..], sample.private_public(), sample.secrets()].concat());
        assert_eq!(now, private_told, "{}", sample.name);
        sample.check_pair(session, public, private);
    }
    drop(token);
    call!(C_Finalize(ptr::null_mut())).unwrap();
}

/// A certificate, its public key and its private key have one `CKA_ID`, as programs expect.
#[test]
fn certificates_are_linked_by_id() {
    let token = Token::new();
    let session = token.user();
    for name in ["RSA 2048", "secp256r1", "Ed25519"] {
        let sample = pair_sample(name);
        let (public, private) = sample.pair(session, &kept(&[]), &kept(&crate::pair_samples::open())).unwrap();
        // A certificate of another key is enough here, but for its public key info.
        let options =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -outform DER -keyout /dev/null";
        let der = openssl(&options.split(' ').map(String::from).collect::<Vec<_>>(), b"");
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let id = session.run(crate::session::Work::Digest, &plain(CKM_SHA_1), 0, &info).unwrap();
        let subject = b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x78";
        let certificate = session
            .create(&kept(&[
                number(CKA_CLASS, CKO_CERTIFICATE),
                number(CKA_CERTIFICATE_TYPE, CKC_X_509),
                bytes(CKA_SUBJECT, subject),
                bytes(CKA_ID, &id),
                bytes(CKA_VALUE, &der),
                bytes(CKA_PUBLIC_KEY_INFO, &info),
            ]))
            .unwrap();
        for half in [public, private] {
            session.set(half, &[bytes(CKA_ID, &id), bytes(CKA_SUBJECT, subject)]).unwrap();
        }
        let mut all = vec![public, private, certificate];
        all.sort_unstable();
        assert_eq!(session.find(&[bytes(CKA_ID, &id)]), all);
        assert_eq!(session.find(&[bytes(CKA_PUBLIC_KEY_INFO, &info)]), all);
        session.logout().unwrap();
        all.retain(|object| *object != private);
        assert_eq!(session.find(&[bytes(CKA_ID, &id)]), all);
        session.login(CKU_USER, USER_PIN).unwrap();
        sample.check_pair(session, public, private);
        for object in [public, private, certificate] {
            session.destroy(object).unwrap();
        }
    }
}
