//! Public keys made of private ones.

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Flag};
use strongroom_core::mechanism::Parameter;
use strongroom_crypto::dh::{KnownGroup, Parameters};
use strongroom_crypto::{ec, edwards, montgomery};

use crate::fixture::*;

/// Every type of pair: how it is made, with what public template.
fn pairs() -> Vec<(u64, Vec<Entry>)> {
    let group = Parameters::of(KnownGroup::Ffdhe2048).unwrap();
    let dh = vec![bytes(CKA_PRIME, &group.p().unwrap()), bytes(CKA_BASE, &[2])];
    let x942 = [&dh[..], &[bytes(CKA_SUBPRIME, &group.q().unwrap().unwrap())]].concat();
    let curve = |params| vec![bytes(CKA_EC_PARAMS, params)];
    let set = |set| vec![number(CKA_PARAMETER_SET, set)];
    vec![
        (CKM_RSA_PKCS_KEY_PAIR_GEN, vec![number(CKA_MODULUS_BITS, 1024)]),
        (CKM_EC_KEY_PAIR_GEN, curve(ec::Curve::P384.oid())),
        (CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(edwards::Curve::Ed25519.oid())),
        (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve(montgomery::Curve::X448.oid())),
        (CKM_DH_PKCS_KEY_PAIR_GEN, dh),
        (CKM_X9_42_DH_KEY_PAIR_GEN, x942),
        (CKM_ML_KEM_KEY_PAIR_GEN, set(CKP_ML_KEM_512)),
        (CKM_ML_DSA_KEY_PAIR_GEN, set(CKP_ML_DSA_44)),
        (CKM_SLH_DSA_KEY_PAIR_GEN, set(CKP_SLH_DSA_SHA2_128F)),
    ]
}

fn of(token: &Token, private: u64, entries: &[Entry]) -> u64 {
    token.derive(CKM_PUB_KEY_FROM_PRIV_KEY, Parameter::None, private, entries).unwrap().key
}

#[test]
fn it_is_the_public_half_whatever_the_type() {
    let token = token();
    for (mechanism, template) in pairs() {
        // Neither CKA_DERIVE nor a login for each use matters.
        let never = [flag(CKA_DERIVE, false), flag(CKA_ALWAYS_AUTHENTICATE, true)];
        let (public, private) = token.pair(mechanism, &template, &never);
        let (public, made) = (token.session.object(public).unwrap(), of(&token, private, &[]));
        let made = token.session.object(made).unwrap();
        assert_eq!(made.kind.class, CKO_PUBLIC_KEY);
        for rule in public.kind.rules() {
            let attribute = AttributeType(rule.attribute);
            if !matches!(rule.attribute, CKA_LOCAL | CKA_UNIQUE_ID | CKA_DERIVE) {
                let (own, other) = (made.attribute(attribute), public.attribute(attribute));
                assert_eq!(own.unwrap(), other.unwrap(), "{} {attribute}", public.kind.name);
            }
        }
        assert!(!made.has(Flag::Local) && !made.has(Flag::Derive));
    }
}

#[test]
fn attributes_come_from_the_private_key_unless_the_template_has_them() {
    let token = token();
    let params = [bytes(CKA_EC_PARAMS, ec::Curve::P256.oid())];
    let (_, private) = token.pair(
        CKM_EC_KEY_PAIR_GEN,
        &params,
        &[
            bytes(CKA_LABEL, b"private"),
            bytes(CKA_ID, b"id"),
            bytes(CKA_SUBJECT, b"subject"),
            bytes(CKA_START_DATE, b"20250101"),
            flag(CKA_SIGN, false),
            flag(CKA_DERIVE, true),
            numbers(CKA_ALLOWED_MECHANISMS, &[CKM_PUB_KEY_FROM_PRIV_KEY, CKM_ECDH1_DERIVE]),
        ],
    );
    let key = of(&token, private, &[]);
    assert_eq!((token.bytes(key, CKA_ID), token.bytes(key, CKA_SUBJECT)), (b"id".to_vec(), b"subject".to_vec()));
    assert_eq!((token.bytes(key, CKA_LABEL), token.bytes(key, CKA_START_DATE)), (Vec::new(), b"20250101".to_vec()));
    assert_eq!(token.number(key, CKA_KEY_GEN_MECHANISM), CKM_EC_KEY_PAIR_GEN);
    assert!(token.has(key, Flag::Derive) && !token.has(key, Flag::Verify));
    assert!(!token.has(key, Flag::Token) && !token.has(key, Flag::Private) && !token.has(key, Flag::Trusted));
    assert!(token.session.object(key).unwrap().allows_mechanism(CKM_ECDH1_DERIVE));
    assert!(!token.session.object(key).unwrap().allows_mechanism(CKM_ECDSA));
    let own = [
        number(CKA_CLASS, CKO_PUBLIC_KEY),
        number(CKA_KEY_TYPE, CKK_EC),
        bytes(CKA_EC_PARAMS, ec::Curve::P256.oid()),
        bytes(CKA_ID, b"other"),
        flag(CKA_VERIFY, true),
        flag(CKA_TOKEN, true),
        flag(CKA_PRIVATE, true),
    ];
    let key = of(&token, private, &own);
    assert_eq!(token.bytes(key, CKA_ID), b"other");
    assert!([Flag::Verify, Flag::Token, Flag::Private].iter().all(|flag| token.has(key, *flag)));
}

#[test]
fn what_contradicts_it_is_refused() {
    let token = token();
    let params = [bytes(CKA_EC_PARAMS, ec::Curve::P256.oid())];
    let (public, private) = token.pair(CKM_EC_KEY_PAIR_GEN, &params, &[]);
    let refusal = |base, entries: &[Entry]| token.refusal(CKM_PUB_KEY_FROM_PRIV_KEY, Parameter::None, base, entries);
    for bad in [
        number(CKA_CLASS, CKO_PRIVATE_KEY),
        number(CKA_KEY_TYPE, CKK_RSA),
        bytes(CKA_EC_POINT, b"another"),
        bytes(CKA_EC_PARAMS, ec::Curve::P384.oid()),
        bytes(CKA_MODULUS, b"modulus"),
        flag(CKA_SENSITIVE, true),
    ] {
        assert_eq!(refusal(private, &[bad]), CKR_TEMPLATE_INCONSISTENT);
    }
    for bad in [flag(CKA_LOCAL, true), flag(CKA_TRUSTED, true), number(CKA_KEY_GEN_MECHANISM, CKM_EC_KEY_PAIR_GEN)] {
        assert_eq!(refusal(private, &[bad]), CKR_ATTRIBUTE_READ_ONLY);
    }
    assert_eq!(refusal(public, &[]), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(refusal(token.generic(b"secret"), &[]), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(refusal(4711, &[]), CKR_KEY_HANDLE_INVALID);
}
