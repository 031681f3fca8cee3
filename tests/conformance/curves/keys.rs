//! Pairs on curves as objects: how they are made, what they tell, how long they live, who may use them.

use std::ptr;

use cryptoki_sys::*;

use super::agreement::{agreement, secret_template};
use super::program::{Desk, tagged};
use super::{Curve, EDWARDS, MONTGOMERY, SHORT, all, generate, named, sign};
use crate::module::{self, Token, USER_PIN, refused};
use crate::parameters::{Mechanism, plain};
use crate::session::{NOTHING, Session, Work};
use crate::template::{bytes, flag, number, with};
use crate::vectors::hex;

/// What signs with keys of this type.
fn signature(curve: &Curve) -> Option<Mechanism> {
    match curve.key_type {
        CKK_EC => Some(plain(CKM_ECDSA_SHA256)),
        CKK_EC_EDWARDS => Some(plain(CKM_EDDSA)),
        _ => None,
    }
}

/// §4.9, §5.18.2 and the tables of §6.3: what generation contributes, and what a silent template leaves.
#[test]
fn a_generated_pair_has_the_attributes_the_standard_names() {
    let token = Token::new();
    let session = token.user();
    let extra_bits = std::iter::repeat(CKM_EC_KEY_PAIR_GEN_W_EXTRA_BITS).zip(&SHORT);
    for (id, curve) in all().map(|curve| (curve.generation(), curve)).chain(extra_bits) {
        let params = [bytes(CKA_EC_PARAMS, curve.params())];
        let (public, private) = generate(session, id, &params, &[]).unwrap();
        for (key, class) in [(public, CKO_PUBLIC_KEY), (private, CKO_PRIVATE_KEY)] {
            assert_eq!(session.number(key, CKA_CLASS), class);
            assert_eq!(session.number(key, CKA_KEY_TYPE), curve.key_type);
            assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), id);
            assert!(session.flag(key, CKA_LOCAL));
            assert!(!session.flag(key, CKA_TOKEN));
            assert_eq!(session.get(key, CKA_EC_PARAMS).unwrap(), curve.params());
        }
        for (attribute, expected) in [
            (CKA_PRIVATE, true),
            (CKA_SENSITIVE, true),
            (CKA_ALWAYS_SENSITIVE, true),
            (CKA_EXTRACTABLE, false),
            (CKA_NEVER_EXTRACTABLE, true),
            (CKA_SIGN, curve.key_type != CKK_EC_MONTGOMERY),
            (CKA_DERIVE, curve.key_type != CKK_EC_EDWARDS),
            (CKA_SIGN_RECOVER, false),
            (CKA_DECRYPT, false),
            (CKA_UNWRAP, false),
            (CKA_ALWAYS_AUTHENTICATE, false),
            (CKA_WRAP_WITH_TRUSTED, false),
        ] {
            assert_eq!(session.flag(private, attribute), expected, "{} 0x{attribute:x}", curve.name);
        }
        for (attribute, expected) in [
            (CKA_PRIVATE, false),
            (CKA_VERIFY, curve.key_type != CKK_EC_MONTGOMERY),
            (CKA_VERIFY_RECOVER, false),
            (CKA_ENCRYPT, false),
            (CKA_WRAP, false),
            (CKA_TRUSTED, false),
        ] {
            assert_eq!(session.flag(public, attribute), expected, "{} 0x{attribute:x}", curve.name);
        }
        assert_eq!(session.get(private, CKA_VALUE), refused(CKR_ATTRIBUTE_SENSITIVE));
        assert_eq!(session.get(public, CKA_VALUE), refused(CKR_ATTRIBUTE_TYPE_INVALID));
        assert_eq!(session.get(private, CKA_EC_POINT), refused(CKR_ATTRIBUTE_TYPE_INVALID));
        // No two are the same.
        let (another, _) = generate(session, id, &params, &[]).unwrap();
        assert_ne!(session.get(another, CKA_EC_POINT), session.get(public, CKA_EC_POINT));
    }
}

/// The value can be read where the key is not sensitive and may leave, and only there; what was once open stays known
/// as such.
#[test]
fn what_is_secret_cannot_be_read() {
    let token = Token::new();
    let session = token.user();
    for curve in all() {
        let params = [bytes(CKA_EC_PARAMS, curve.params())];
        for (sensitive, extractable) in [(false, false), (false, true), (true, false), (true, true)] {
            let template = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
            let (_, key) = generate(session, curve.generation(), &params, &template).unwrap();
            assert_eq!(session.flag(key, CKA_ALWAYS_SENSITIVE), sensitive);
            assert_eq!(session.flag(key, CKA_NEVER_EXTRACTABLE), !extractable);
            match session.get(key, CKA_VALUE) {
                Ok(value) => assert!(!sensitive && extractable && value.len() == curve.bytes, "{}", curve.name),
                refusal => {
                    assert!(sensitive || !extractable);
                    assert_eq!(refusal, refused(CKR_ATTRIBUTE_SENSITIVE));
                }
            }
            if !sensitive {
                session.set(key, &[flag(CKA_SENSITIVE, true)]).unwrap();
                assert_eq!(session.get(key, CKA_VALUE), refused(CKR_ATTRIBUTE_SENSITIVE));
                assert!(!session.flag(key, CKA_ALWAYS_SENSITIVE));
            }
        }
        // A key that came from outside was never only here.
        let theirs = Desk::new().key(curve);
        let key = session.create(&curve.private(&theirs.value)).unwrap();
        for attribute in [CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE] {
            assert!(!session.flag(key, attribute), "{} 0x{attribute:x}", curve.name);
        }
        assert!(session.flag(key, CKA_SENSITIVE));
        assert_eq!(session.number(key, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION);
        // What is searched for by its secret is not found.
        assert_eq!(session.find(&[bytes(CKA_VALUE, &theirs.value)]), NOTHING);
    }
}

#[test]
fn templates_are_obeyed_or_refused_whole() {
    let token = Token::new();
    let session = token.user();
    for curve in [&SHORT[2], &EDWARDS[1], &MONTGOMERY[1]] {
        let params = vec![bytes(CKA_EC_PARAMS, curve.params())];
        let public = with(&params, &[bytes(CKA_LABEL, b"public"), bytes(CKA_ID, b"1"), flag(CKA_TOKEN, true)]);
        let private = [
            bytes(CKA_LABEL, b"private"),
            bytes(CKA_ID, b"1"),
            bytes(CKA_SUBJECT, b"subject"),
            flag(CKA_DERIVE, false),
            flag(CKA_SIGN, false),
            flag(CKA_TOKEN, false),
        ];
        let (own, secret) = generate(session, curve.generation(), &public, &private).unwrap();
        assert_eq!(session.get(own, CKA_LABEL).unwrap(), b"public");
        assert_eq!(session.get(secret, CKA_LABEL).unwrap(), b"private");
        assert_eq!(session.get(secret, CKA_SUBJECT).unwrap(), b"subject");
        assert!(session.flag(own, CKA_TOKEN) && !session.flag(secret, CKA_TOKEN));
        if let Some(mechanism) = signature(curve) {
            let refusal = session.begin(Work::Sign, &mechanism, secret);
            assert_eq!(refusal, refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
        }
        let before = session.find(&[]);
        for (more, secret, code) in [
            (bytes(CKA_EC_POINT, [4]), false, CKR_ATTRIBUTE_READ_ONLY),
            (bytes(CKA_EC_PARAMS, curve.params()), true, CKR_ATTRIBUTE_READ_ONLY),
            (bytes(CKA_VALUE, [1]), true, CKR_ATTRIBUTE_READ_ONLY),
            (flag(CKA_LOCAL, true), true, CKR_ATTRIBUTE_READ_ONLY),
            (bytes(CKA_MODULUS, [1]), true, CKR_TEMPLATE_INCONSISTENT),
            (bytes(CKA_VALUE, [1]), false, CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_KEY_TYPE, CKK_RSA), true, CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_KEY_TYPE, CKK_RSA), false, CKR_TEMPLATE_INCONSISTENT),
            (number(CKA_CLASS, CKO_SECRET_KEY), true, CKR_TEMPLATE_INCONSISTENT),
        ] {
            let (mut public, mut private) = (params.clone(), vec![]);
            if secret {
                private.push(more.clone())
            } else {
                public.push(more.clone())
            }
            let refusal = generate(session, curve.generation(), &public, &private);
            assert_eq!(refusal, refused(code), "{} {more:?}", curve.name);
        }
        assert_eq!(session.find(&[]), before);
        // What the mechanism contributes may be said.
        let said = |class| [number(CKA_CLASS, class), number(CKA_KEY_TYPE, curve.key_type)];
        let public = with(&params, &said(CKO_PUBLIC_KEY));
        generate(session, curve.generation(), &public, &said(CKO_PRIVATE_KEY)).unwrap();
    }
}

/// Points published with their check values: the first bytes of the SHA-1 hash of the SubjectPublicKeyInfo.
const CHECK_VALUES: [(&str, &str, &str); 4] = [
    (
        "secp224r1",
        "0442d53274a6c0ec1a23c165dcb9ccdd72c64e98ae1a9594bb5284e752c746280667e11f1e983493c1c605e0a8071ede
         47ca280f94c6b2aa33",
        "2a737d",
    ),
    (
        "secp224r1",
        "047096513df542250a6b228fd9cb67fd0c903abc93488467681974d6f371083fce1d79da8ad1e9ede745fb9f38ac8622
         a1b3ebe9270556000c",
        "d7c1a7",
    ),
    (
        "secp224r1",
        "0487af31882189ec29eddf17a48e8b9cebb075b7b5afc5522fe9c83a029a450cc68592889a1ebf45f32240da5140d587
         29ffd7b2d44262ddb8",
        "edef86",
    ),
    (
        "prime256v1",
        "044a0f9d01d10f7437d9fa20995f0cc742552e5ba16d3d7e9a65a33e20ad3e569e68eb62477a9960a87911e6121d112b
         698e469a0329a665eba74ee5ac55eae9f5",
        "bbb32a",
    ),
];

#[test]
fn check_values_are_the_published_ones() {
    let token = Token::new();
    let session = token.user();
    for (name, point, check) in CHECK_VALUES {
        let template = named(name).public(&hex(point));
        let key = session.create(&template).unwrap();
        assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), hex(check));
        session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, hex(check))])).unwrap();
        let refusal = session.create(&with(&template, &[bytes(CKA_CHECK_VALUE, [0, 0, 0])]));
        assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID));
    }
    for curve in all() {
        let (public, private) = curve.pair(session);
        let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
        let digest = session.run(Work::Digest, &plain(CKM_SHA_1), 0, &info).unwrap();
        for key in [public, private] {
            assert_eq!(session.get(key, CKA_CHECK_VALUE).unwrap(), digest[..3], "{}", curve.name);
        }
    }
}

/// §4.9: a public key info that is given must be that of the key.
#[test]
fn a_public_key_info_that_is_given_must_be_right() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    for curve in [&SHORT[0], &SHORT[4], &EDWARDS[0], &MONTGOMERY[1]] {
        let (one, other) = (desk.key(curve), desk.key(curve));
        for template in [curve.public(&one.point), curve.private(&one.value)] {
            session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, &one.info)])).unwrap();
            let refusal = session.create(&with(&template, &[bytes(CKA_PUBLIC_KEY_INFO, &other.info)]));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{}", curve.name);
        }
    }
}

/// The officer and the public see public keys and no private ones.
#[test]
fn private_keys_are_the_users() {
    let token = Token::new();
    let session = token.user();
    let place = flag(CKA_TOKEN, true);
    let curve = &SHORT[1];
    let params = [bytes(CKA_EC_PARAMS, curve.params()), place.clone()];
    let (public, private) = generate(session, curve.generation(), &params, &[place]).unwrap();
    session.logout().unwrap();
    assert_eq!(session.find(&[]), [public]);
    assert_eq!(session.begin(Work::Sign, &plain(CKM_ECDSA), private), refused(CKR_KEY_HANDLE_INVALID));
    session.verify_init(&plain(CKM_ECDSA), public).unwrap();
    session.cancel_all();
    let refusal = generate(session, curve.generation(), &[bytes(CKA_EC_PARAMS, curve.params())], &[]);
    assert_eq!(refusal, refused(CKR_USER_NOT_LOGGED_IN));
    let visitor = token.read_only();
    for (public, private) in [(true, false), (false, true)] {
        let params = [bytes(CKA_EC_PARAMS, curve.params()), flag(CKA_TOKEN, public)];
        let refusal =
            generate(visitor, curve.generation(), &params, &[flag(CKA_TOKEN, private), flag(CKA_PRIVATE, false)]);
        assert_eq!(refusal, refused(CKR_SESSION_READ_ONLY));
    }
    assert_eq!(session.find(&[]), [public]);
    let open = [flag(CKA_PRIVATE, false)];
    generate(session, curve.generation(), &[bytes(CKA_EC_PARAMS, curve.params())], &open).unwrap();
}

fn start() {
    module::initialize_with(module::directory(), &module::directory().join("conformance.toml")).unwrap();
}

#[test]
fn pairs_of_every_curve_outlive_the_process_that_made_them() {
    let _alone = module::alone();
    start();
    let token = Token::of_lone_test();
    let session = token.user();
    let desk = Desk::new();
    let mut kept = Vec::new();
    for curve in all() {
        let place = flag(CKA_TOKEN, true);
        let params = [bytes(CKA_EC_PARAMS, curve.params()), place.clone()];
        let (public, private) = generate(session, curve.generation(), &params, std::slice::from_ref(&place)).unwrap();
        let theirs = session.create(&with(&curve.private(&desk.key(curve).value), &[place])).unwrap();
        let made = signature(curve).map(|mechanism| sign(session, &mechanism, private, b"before").unwrap());
        let seen = |session: Session| {
            [CKA_EC_PARAMS, CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_UNIQUE_ID]
                .map(|attribute| [public, private, theirs].map(|key| session.get(key, attribute).unwrap()))
        };
        kept.push((curve, [public, private, theirs], made, seen(session)));
    }
    call!(C_Finalize(ptr::null_mut())).unwrap();
    start();
    let session = token.read_only();
    session.login(CKU_USER, USER_PIN).unwrap();
    for (curve, [public, private, theirs], made, seen) in kept {
        let now = [CKA_EC_PARAMS, CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE, CKA_UNIQUE_ID]
            .map(|attribute| [public, private, theirs].map(|key| session.get(key, attribute).unwrap()));
        assert_eq!(now, seen, "{}", curve.name);
        let Some(mechanism) = signature(curve) else { continue };
        assert_eq!(session.check(&mechanism, public, b"before", &made.unwrap()), Ok(()), "{}", curve.name);
        let after = sign(session, &mechanism, private, b"after").unwrap();
        assert_eq!(session.check(&mechanism, public, b"after", &after), Ok(()), "{}", curve.name);
        let info = session.get(theirs, CKA_PUBLIC_KEY_INFO).unwrap();
        let message = sign(session, &mechanism, theirs, b"after").unwrap();
        let hash = (curve.key_type == CKK_EC).then_some("sha256");
        assert!(desk.verifies(curve, &info, hash, b"after", &message), "{}", curve.name);
    }
    drop(token);
    call!(C_Finalize(ptr::null_mut())).unwrap();
}

#[test]
fn threads_share_a_key() {
    let token = Token::new();
    let session = token.user();
    for curve in SHORT.iter().chain(&EDWARDS) {
        let (public, private) = curve.pair(session);
        std::thread::scope(|scope| {
            for thread in 0..6u8 {
                let token = &token;
                scope.spawn(move || {
                    let mechanism = &signature(curve).unwrap();
                    let session = token.read_only();
                    for round in 0..10 {
                        let message = [thread, round];
                        let made = sign(session, mechanism, private, &message).unwrap();
                        assert_eq!(session.check(mechanism, public, &message, &made), Ok(()));
                        let other = session.check(mechanism, public, &[round, thread, 1], &made);
                        assert_eq!(other, refused(CKR_SIGNATURE_INVALID));
                    }
                    session.close().unwrap();
                });
            }
        });
    }
}

/// SP 800-186 has neither secp256k1 nor the Montgomery curves; FIPS 186-5 has Ed25519 and Ed448.
#[test]
fn the_policy_fips_takes_only_approved_curves() {
    let desk = Desk::new();
    let _alone = module::alone();
    for policy in ["fips", "standard"] {
        let conf = module::write_configuration(module::directory(), "curves.toml", &format!("policy = \"{policy}\"\n"));
        module::initialize_with(module::directory(), &conf).unwrap();
        let token = Token::of_lone_test();
        let session = token.user();
        for curve in all() {
            let params = [bytes(CKA_EC_PARAMS, curve.params())];
            let approved = policy == "standard" || curve.key_type != CKK_EC_MONTGOMERY && curve.name != "secp256k1";
            let pair = generate(session, curve.generation(), &params, &[]);
            let code = if curve.key_type == CKK_EC { CKR_CURVE_NOT_SUPPORTED } else { CKR_MECHANISM_INVALID };
            match pair {
                Ok(_) => assert!(approved, "{policy} {}", curve.name),
                refusal => {
                    assert!(!approved, "{policy} {}", curve.name);
                    assert_eq!(refusal, refused(code), "{policy} {}", curve.name);
                }
            }
            // Kept it may be; used it may not.
            let theirs = desk.key(curve);
            let public = session.create(&curve.public(&tagged(4, &theirs.point))).unwrap();
            let private = session.create(&curve.private(&theirs.value)).unwrap();
            let expected = if approved { Ok(()) } else { refused(CKR_KEY_FUNCTION_NOT_PERMITTED) };
            if curve.key_type != CKK_EC_EDWARDS {
                let derived = session.derive(&agreement(&theirs.point), private, &secret_template());
                assert_eq!(derived.map(|_| ()), expected, "{policy} {}", curve.name);
            }
            let Some(mechanism) = signature(curve) else { continue };
            assert_eq!(session.begin(Work::Sign, &mechanism, private), expected, "{policy} {}", curve.name);
            assert_eq!(session.verify_init(&mechanism, public), expected, "{policy} {}", curve.name);
            session.cancel_all();
        }
        drop(token);
        call!(C_Finalize(ptr::null_mut())).unwrap();
    }
}
