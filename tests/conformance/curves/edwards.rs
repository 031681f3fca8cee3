//! EdDSA (PKCS#11 3.2 §6.3.14, RFC 8032).

use cryptoki_sys::*;

use super::{EDWARDS, named, sign};
use crate::module::{Outcome, Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::samples::Random;
use crate::session::{Session, Work};
use crate::vectors::hex;

/// `CK_EDDSA_PARAMS`, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Variant<'a>(Option<(bool, &'a [u8])>);

const NONE: Variant<'static> = Variant(None);

impl Variant<'_> {
    fn mechanism(self) -> Mechanism {
        let parameter = match self.0 {
            None => Parameter::None,
            Some((prehash, context)) => Parameter::EdDsa { prehash, context: context.to_vec() },
        };
        Mechanism { id: CKM_EDDSA, parameter }
    }

    fn sign(self, session: Session, key: CK_OBJECT_HANDLE, message: &[u8]) -> Outcome<Vec<u8>> {
        sign(session, &self.mechanism(), key, message)
    }

    fn check(self, session: Session, key: CK_OBJECT_HANDLE, message: &[u8], signature: &[u8]) -> Outcome {
        session.check(&self.mechanism(), key, message, signature)
    }
}

/// §7.1 to §7.5.
#[test]
fn the_vectors_of_rfc_8032() {
    let token = Token::new();
    let session = token.user();
    for (name, variant, seed, point, message, signature) in RFC_8032 {
        let curve = named(name);
        let private = session.create(&curve.private(&hex(seed))).unwrap();
        let public = session.create(&curve.public(&hex(point))).unwrap();
        let (message, signature) = (hex(message), hex(signature));
        assert_eq!(variant.sign(session, private, &message), Ok(signature.clone()), "{variant:?}");
        assert_eq!(variant.check(session, public, &message, &signature), Ok(()), "{variant:?}");
        let info = session.get(private, CKA_PUBLIC_KEY_INFO).unwrap();
        assert!(info.ends_with(&hex(point)));
    }
    println!("{} vectors of RFC 8032", RFC_8032.len());
}

/// The table of §6.3.14. A parameter that says nothing leaves the pure scheme: RFC 8032 has no Ed25519ctx with an empty
/// context, and Ed448's empty context is its default.
#[test]
fn a_parameter_that_says_nothing_is_none() {
    let token = Token::new();
    let session = token.user();
    for curve in &EDWARDS {
        let (public, private) = curve.pair(session);
        let signature = NONE.sign(session, private, b"message").unwrap();
        let empty = Variant(Some((false, b"")));
        assert_eq!(empty.sign(session, private, b"message"), Ok(signature.clone()));
        assert_eq!(empty.check(session, public, b"message", &signature), Ok(()));
    }
}

#[test]
fn a_signature_is_deterministic_and_holds_for_its_scheme_and_context_alone() {
    let token = Token::new();
    let session = token.user();
    let long = [0x5a; 255];
    let variants = [
        NONE,
        Variant(Some((false, b"context"))),
        Variant(Some((false, b"contexs"))),
        Variant(Some((false, &long))),
        Variant(Some((true, b""))),
        Variant(Some((true, b"context"))),
        Variant(Some((true, &long))),
    ];
    for curve in &EDWARDS {
        let (public, private) = curve.pair(session);
        for signed in variants {
            let signature = signed.sign(session, private, b"message").unwrap();
            assert_eq!(signed.sign(session, private, b"message").as_ref(), Ok(&signature));
            assert_eq!(signature.len(), 2 * curve.bytes);
            for verified in variants {
                let expected = if signed == verified { Ok(()) } else { refused(CKR_SIGNATURE_INVALID) };
                let outcome = verified.check(session, public, b"message", &signature);
                assert_eq!(outcome, expected, "{} {signed:?} {verified:?}", curve.name);
            }
        }
    }
}

#[test]
fn parts_give_the_same_signature_as_the_whole() {
    let token = Token::new();
    let session = token.user();
    let mut random = Random(3101);
    for curve in &EDWARDS {
        let (public, private) = curve.pair(session);
        for variant in [NONE, Variant(Some((false, b"context"))), Variant(Some((true, b"context")))] {
            for len in [0, 1, 100, 5000] {
                let message = random.bytes(len);
                let signature = variant.sign(session, private, &message).unwrap();
                session.begin(Work::Sign, &variant.mechanism(), private).unwrap();
                session.verify_init(&variant.mechanism(), public).unwrap();
                for part in message.chunks(1 + len / 3) {
                    session.update(Work::Sign, part).unwrap();
                    session.verify_update(part).unwrap();
                }
                assert_eq!(session.finish(Work::Sign).unwrap(), signature, "{variant:?} {len}");
                assert_eq!(session.verify_final(&signature), Ok(()), "{variant:?} {len}");
            }
        }
        // After a part there is no whole.
        session.begin(Work::Sign, &plain(CKM_EDDSA), private).unwrap();
        session.update(Work::Sign, b"part").unwrap();
        assert_eq!(session.whole(Work::Sign, b"rest"), refused(CKR_OPERATION_NOT_INITIALIZED));
        session.cancel_all();
    }
}

#[test]
fn parameters_that_are_not_taken() {
    let token = Token::new();
    let session = token.user();
    let context = [7; 256];
    for curve in &EDWARDS {
        let (public, private) = curve.pair(session);
        let begins = |variant: Variant<'_>| {
            let signs = session.begin(Work::Sign, &variant.mechanism(), private);
            let verifies = session.verify_init(&variant.mechanism(), public);
            session.cancel_all();
            [signs, verifies]
        };
        for prehash in [false, true] {
            assert_eq!(begins(Variant(Some((prehash, &context[..255])))), [Ok(()); 2]);
            let refusals = begins(Variant(Some((prehash, &context))));
            assert_eq!(refusals, [refused(CKR_MECHANISM_PARAM_INVALID); 2]);
        }
        // No struct of that length, and a context that is nowhere.
        for len in [1, 8, size_of::<CK_EDDSA_PARAMS>() - 1, size_of::<CK_EDDSA_PARAMS>() + 1] {
            let refusal = Variant(Some((false, b"context"))).mechanism().lend(|mechanism| {
                unsafe { (*mechanism).ulParameterLen = len as CK_ULONG };
                session.begin_raw(Work::Sign, mechanism, private)
            });
            assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID), "{len}");
        }
        let mut parameter = CK_EDDSA_PARAMS { phFlag: 0, ulContextDataLen: 5, pContextData: std::ptr::null_mut() };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_EDDSA,
            pParameter: std::ptr::from_mut(&mut parameter).cast(),
            ulParameterLen: size_of::<CK_EDDSA_PARAMS>() as CK_ULONG,
        };
        let refusal = session.begin_raw(Work::Sign, &mut mechanism, private);
        assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID));
        // Nothing has begun.
        assert_eq!(session.whole(Work::Sign, b"message"), refused(CKR_OPERATION_NOT_INITIALIZED));
    }
}

/// Curve, variant, seed, public key, message, signature.
#[rustfmt::skip]
#[allow(clippy::type_complexity)]
const RFC_8032: [(&str, Variant<'static>, &str, &str, &str, &str); 10] = [
    (
        "ED25519",
        NONE,
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
         d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "ED25519",
        NONE,
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659
         4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ED25519",
        Variant(Some((false, b"foo"))),
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
        "f726936d19c800494e3fdaff20b276a8",
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5
         f6cca685a587b4b21f4b888e4e7edb0d",
    ),
    (
        "ED25519",
        Variant(Some((false, b"bar"))),
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
        "f726936d19c800494e3fdaff20b276a8",
        "fc60d5872fc46b3aa69f8b5b4351d5808f92bcc044606db097abab6dbcb1aee3216c48e8b3b66431b5b186d1d28f8ee1
         5a5ca2df6668346291c2043d4eb3e90d",
    ),
    (
        "ED25519",
        Variant(Some((true, b""))),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "616263",
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa
         a10b8c61e636062aaad11c2a26083406",
    ),
    (
        "ED448",
        NONE,
        "6c82a562cb808d10d632be89c8513ebf6c929f34ddfa8c9f63c9960ef6e348a3528c8a3fcc2f044e39a3fc5b94492f8f
         032e7549a20098f95b",
        "5fd7449b59b461fd2ce787ec616ad46a1da1342485a70e1f8a0ea75d80e96778edf124769b46c7061bd6783df1e50f6c
         d1fa1abeafe8256180",
        "",
        "533a37f6bbe457251f023c0d88f976ae2dfb504a843e34d2074fd823d41a591f2b233f034f628281f2fd7a22ddd47d78
         28c59bd0a21bfd3980ff0d2028d4b18a9df63e006c5d1c2d345b925d8dc00b4104852db99ac5c7cdda8530a113a0f4db
         b61149f05a7363268c71d95808ff2e652600",
    ),
    (
        "ED448",
        NONE,
        "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949e
         f8021e954e0a12274e",
        "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c
         235160627b4c3a9480",
        "03",
        "26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b143c4b981b7e18f62de8ccdf633
         fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0f
         f3348ab21aa4adafd1d234441cf807c03a00",
    ),
    (
        "ED448",
        Variant(Some((false, b"foo"))),
        "c4eab05d357007c632f3dbb48489924d552b08fe0c353a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949e
         f8021e954e0a12274e",
        "43ba28f430cdff456ae531545f7ecd0ac834a55d9358c0372bfa0c6c6798c0866aea01eb00742802b8438ea4cb82169c
         235160627b4c3a9480",
        "03",
        "d4f8f6131770dd46f40867d6fd5d5055de43541f8c5e35abbcd001b32a89f7d2151f7647f11d8ca2ae279fb842d60721
         7fce6e042f6815ea000c85741de5c8da1144a6a1aba7f96de42505d7a7298524fda538fccbbb754f578c1cad10d54d0d
         5428407e85dcbc98a49155c13764e66c3c00",
    ),
    (
        "ED448",
        Variant(Some((true, b""))),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3
         ab2cec7c867c6e2c49",
        "259b71c19f83ef77a7abd26524cbdb3161b590a48f7d17de3ee0ba9c52beb743c09428a131d6b1b57303d90d8132c276
         d5ed3d5d01c0f53880",
        "616263",
        "822f6901f7480f3d5f562c592994d9693602875614483256505600bbc281ae381f54d6bce2ea911574932f52a4e6cadd
         78769375ec3ffd1b801a0d9b3f4030cd433964b6457ea39476511214f97469b57dd32dbc560a9a94d00bff07620464a3
         ad203df7dc7ce360c3cd3696d9d9fab90f00",
    ),
    (
        "ED448",
        Variant(Some((true, b"foo"))),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42ef7822e0d5104127dc05d6dbefde69e3
         ab2cec7c867c6e2c49",
        "259b71c19f83ef77a7abd26524cbdb3161b590a48f7d17de3ee0ba9c52beb743c09428a131d6b1b57303d90d8132c276
         d5ed3d5d01c0f53880",
        "616263",
        "c32299d46ec8ff02b54540982814dce9a05812f81962b649d528095916a2aa481065b1580423ef927ecf0af5888f90da
         0f6a9a85ad5dc3f280d91224ba9911a3653d00e484e2ce232521481c8658df304bb7745a73514cdb9bf3e15784ab7128
         4f8d0704a608c54a6b62d97beb511d132100",
    ),
];
