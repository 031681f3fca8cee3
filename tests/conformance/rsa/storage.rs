//! RSA pairs on the token: kept, copied, shared; both halves or none.

use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use super::numbers::GOOD;
use super::{generate, oaep, pss};
use crate::module::{self, Token, USER_PIN, refused};
use crate::parameters::plain;
use crate::session::{NOTHING, Session, Work};
use crate::template::{Entry, bytes, flag, number, with};

const ON_TOKEN: fn() -> Entry = || flag(CKA_TOKEN, true);

fn token_pair(session: Session, id: &[u8]) -> (CK_OBJECT_HANDLE, CK_OBJECT_HANDLE) {
    let common = [ON_TOKEN(), bytes(CKA_ID, id)];
    generate(session, &with(&[number(CKA_MODULUS_BITS, 1024)], &common), &common).unwrap()
}

fn by_class(session: Session, class: CK_OBJECT_CLASS) -> Vec<CK_OBJECT_HANDLE> {
    session.find(&[number(CKA_CLASS, class)])
}

#[test]
fn rsa_pairs_on_the_token_outlive_the_module() {
    let _alone = module::alone();
    let conf = module::directory().join("conformance.toml");
    module::initialize_with(module::directory(), &conf).unwrap();
    let token = Token::of_lone_test();
    let session = token.user();
    let (public, private) = token_pair(session, b"kept");
    let imported = session.create(&with(&GOOD.private_template(), &[ON_TOKEN()])).unwrap();
    let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
    let mechanism = plain(CKM_SHA256_RSA_PKCS);
    let signatures = [private, imported].map(|key| session.sign(&mechanism, key, b"data").unwrap());
    let ciphertext = session.run(Work::Encrypt, &oaep(CKM_SHA256, CKG_MGF1_SHA1, b"l"), public, b"text").unwrap();
    for _ in 0..2 {
        call!(C_Finalize(ptr::null_mut())).unwrap();
        module::initialize_with(module::directory(), &conf).unwrap();
        let session = token.read_write();
        // The public half is there for everybody, the private one for its user.
        assert_eq!(session.find(&[bytes(CKA_ID, b"kept")]), [public]);
        session.check(&mechanism, public, b"data", &signatures[0]).unwrap();
        session.login(CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.find(&[bytes(CKA_ID, b"kept")]), [public, private]);
        for half in [public, private] {
            assert_eq!(session.get(half, CKA_PUBLIC_KEY_INFO).unwrap(), info);
            assert_eq!(session.number(half, CKA_KEY_GEN_MECHANISM), CKM_RSA_PKCS_KEY_PAIR_GEN);
            assert!(session.flag(half, CKA_LOCAL));
        }
        assert!(session.flag(private, CKA_ALWAYS_SENSITIVE) && session.flag(private, CKA_NEVER_EXTRACTABLE));
        assert_eq!(session.get(private, CKA_PRIVATE_EXPONENT), refused(CKR_ATTRIBUTE_SENSITIVE));
        for (key, signature) in [private, imported].into_iter().zip(&signatures) {
            assert_eq!(session.sign(&mechanism, key, b"data").as_ref(), Ok(signature));
        }
        let text = session.run(Work::Decrypt, &oaep(CKM_SHA256, CKG_MGF1_SHA1, b"l"), private, &ciphertext);
        assert_eq!(text.unwrap(), b"text");
    }
    drop(token);
    call!(C_Finalize(ptr::null_mut())).unwrap();
}

#[test]
fn many_threads_use_one_rsa_pair() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = token_pair(session, b"shared");
    let expected = session.sign(&plain(CKM_SHA256_RSA_PKCS), private, b"data").unwrap();
    std::thread::scope(|scope| {
        for number in 0..8u8 {
            let (token, expected) = (&token, &expected);
            scope.spawn(move || {
                let session = if number % 2 == 0 { token.read_write() } else { token.read_only() };
                for round in 0..20u8 {
                    assert_eq!(session.sign(&plain(CKM_SHA256_RSA_PKCS), private, b"data").as_ref(), Ok(expected));
                    let data = [number, round];
                    let mechanism = pss(CKM_SHA384_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384, 48);
                    let signature = session.sign(&mechanism, private, &data).unwrap();
                    session.check(&mechanism, public, &data, &signature).unwrap();
                    let ciphertext = session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), public, &data).unwrap();
                    assert_eq!(session.run(Work::Decrypt, &plain(CKM_RSA_PKCS), private, &ciphertext).unwrap(), data);
                }
                session.close().unwrap();
            });
        }
    });
    // A session key is for every session of the application, and goes with its own.
    let other = token.read_write();
    let (own, _) = generate(other, &[number(CKA_MODULUS_BITS, 1024)], &[]).unwrap();
    session.run(Work::Encrypt, &plain(CKM_RSA_PKCS), own, b"data").unwrap();
    other.close().unwrap();
    assert_eq!(session.begin(Work::Encrypt, &plain(CKM_RSA_PKCS), own), refused(CKR_KEY_HANDLE_INVALID));
}

#[test]
fn threads_that_make_rsa_pairs_make_whole_pairs() {
    let token = Token::new();
    let session = token.user();
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let token = &token;
            scope.spawn(move || {
                let session = token.read_write();
                for round in 0..4 {
                    let (public, private) = token_pair(session, &[thread, round]);
                    let signature = session.sign(&plain(CKM_SHA256_RSA_PKCS), private, b"data").unwrap();
                    session.check(&plain(CKM_SHA256_RSA_PKCS), public, b"data", &signature).unwrap();
                }
            });
        }
    });
    let moduli = |class| -> BTreeSet<Vec<u8>> {
        let keys = by_class(session, class);
        keys.into_iter().map(|key| session.get(key, CKA_MODULUS).unwrap()).collect()
    };
    assert_eq!(moduli(CKO_PUBLIC_KEY).len(), 16);
    assert_eq!(moduli(CKO_PUBLIC_KEY), moduli(CKO_PRIVATE_KEY));
}

#[test]
fn rsa_pairs_are_copied_half_by_half() {
    let token = Token::new();
    let session = token.user();
    let (public, private) = generate(session, &[number(CKA_MODULUS_BITS, 1024)], &[]).unwrap();
    let mechanism = plain(CKM_SHA256_RSA_PKCS);
    let signature = session.sign(&mechanism, private, b"data").unwrap();
    for stored in [true, false] {
        let change = [flag(CKA_TOKEN, stored), bytes(CKA_LABEL, b"copy")];
        let (public_copy, private_copy) =
            (session.copy(public, &change).unwrap(), session.copy(private, &change).unwrap());
        for (copy, original) in [(public_copy, public), (private_copy, private)] {
            assert_ne!(copy, original);
            assert_eq!(session.flag(copy, CKA_TOKEN), stored);
            assert_eq!(session.get(copy, CKA_LABEL).unwrap(), b"copy");
            for same in [CKA_MODULUS, CKA_PUBLIC_EXPONENT, CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_KEY_GEN_MECHANISM]
            {
                assert_eq!(session.get(copy, same), session.get(original, same), "0x{same:x}");
            }
            assert!(session.flag(copy, CKA_LOCAL));
        }
        assert_eq!(session.sign(&mechanism, private_copy, b"data").as_ref(), Ok(&signature));
        session.check(&mechanism, public_copy, b"data", &signature).unwrap();
        // A copy's own life.
        session.destroy(private_copy).unwrap();
        assert_eq!(session.sign(&mechanism, private, b"data").as_ref(), Ok(&signature));
    }
    for (half, template, code) in [
        (private, vec![flag(CKA_EXTRACTABLE, true)], CKR_ATTRIBUTE_READ_ONLY),
        (private, vec![flag(CKA_SENSITIVE, false)], CKR_ATTRIBUTE_READ_ONLY),
        (private, vec![flag(CKA_PRIVATE, false)], CKR_TEMPLATE_INCONSISTENT),
        (private, vec![bytes(CKA_PRIVATE_EXPONENT, [3])], CKR_ATTRIBUTE_READ_ONLY),
        (private, vec![flag(CKA_ALWAYS_SENSITIVE, false)], CKR_ATTRIBUTE_READ_ONLY),
        (public, vec![bytes(CKA_MODULUS, [3])], CKR_ATTRIBUTE_READ_ONLY),
        (public, vec![number(CKA_MODULUS_BITS, 2048)], CKR_ATTRIBUTE_READ_ONLY),
        (public, vec![number(CKA_CLASS, CKO_PRIVATE_KEY)], CKR_ATTRIBUTE_READ_ONLY),
        (public, vec![flag(CKA_TRUSTED, true)], CKR_ATTRIBUTE_READ_ONLY),
    ] {
        assert_eq!(session.copy(half, &template), refused(code), "{template:?}");
    }
    let single = with(&GOOD.private_template(), &[flag(CKA_COPYABLE, false)]);
    let single = session.create(&single).unwrap();
    assert_eq!(session.copy(single, &[]), refused(CKR_ACTION_PROHIBITED));
}

#[test]
fn a_refused_rsa_pair_leaves_neither_half() {
    let token = Token::new();
    let bits = [number(CKA_MODULUS_BITS, 1024)];
    let stored = |bits: &[Entry]| with(bits, &[ON_TOKEN()]);
    let open = [flag(CKA_PRIVATE, false)];

    // Nobody is logged in: the private half is a private object, the public one is not.
    let stranger = token.read_write();
    assert_eq!(generate(stranger, &bits, &[]), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(generate(stranger, &stored(&bits), &[]), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(generate(stranger, &with(&bits, &[flag(CKA_PRIVATE, true)]), &open), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(stranger.find(&[]), NOTHING);

    // A read-only session: whichever half would go on the token.
    let session = token.user();
    let reader = token.read_only();
    for (public, private) in [
        (stored(&bits), vec![]),
        (bits.to_vec(), vec![ON_TOKEN()]),
        (stored(&bits), vec![ON_TOKEN()]),
        (stored(&bits), vec![ON_TOKEN(), flag(CKA_PRIVATE, false)]),
    ] {
        assert_eq!(generate(reader, &public, &private), refused(CKR_SESSION_READ_ONLY));
        assert_eq!(session.find(&[]), NOTHING);
    }
    // What is wrong with one half is wrong with the pair.
    let dates = [bytes(CKA_START_DATE, b"20300101"), bytes(CKA_END_DATE, b"20200101")];
    for (public, private) in [(with(&stored(&bits), &dates), vec![]), (stored(&bits), dates.to_vec())] {
        assert_eq!(generate(session, &public, &private), refused(CKR_TEMPLATE_INCONSISTENT));
        assert_eq!(session.find(&[]), NOTHING);
    }
    // Each half may have its own place.
    let (public, private) = generate(session, &stored(&bits), &[]).unwrap();
    assert!(session.flag(public, CKA_TOKEN) && !session.flag(private, CKA_TOKEN));
    let (public, private) = generate(session, &bits, &[ON_TOKEN()]).unwrap();
    assert!(!session.flag(public, CKA_TOKEN) && session.flag(private, CKA_TOKEN));
    let (public, private) = generate(session, &with(&bits, &[flag(CKA_PRIVATE, true)]), &[]).unwrap();
    assert_eq!(session.find(&[]).len(), 6);
    session.logout().unwrap();
    assert_eq!(by_class(stranger, CKO_PRIVATE_KEY), NOTHING);
    assert_eq!(by_class(stranger, CKO_PUBLIC_KEY).len(), 2);
    let pkcs1 = plain(CKM_RSA_PKCS);
    assert_eq!(stranger.begin(Work::Encrypt, &pkcs1, public), refused(CKR_KEY_HANDLE_INVALID));
    assert_eq!(stranger.begin(Work::Decrypt, &pkcs1, private), refused(CKR_KEY_HANDLE_INVALID));
}
