//! Ed25519 and Ed448: RFC 8032, Wycheproof, the signatures of the HSM's own records, what is refused.

mod common;

use common::{Random, hex};
use serde_json::Value;
use strongroom_crypto::edwards::{Curve, PrivateKey, PublicKey, Variant};
use strongroom_crypto::{Error, sign};

#[test]
fn wycheproof() {
    for (name, curve) in [("ed25519_test.json", Curve::Ed25519), ("ed448_test.json", Curve::Ed448)] {
        let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
        let root: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let bytes = |value: &Value| hex(value.as_str().unwrap());
        let mut count = 0;
        for group in root["testGroups"].as_array().unwrap() {
            let key = PublicKey::from_bytes(curve, &bytes(&group["publicKey"]["pk"])).unwrap();
            for case in group["tests"].as_array().unwrap() {
                let expected = if case["result"] == "valid" { Ok(()) } else { Err(Error::Authentication) };
                let (message, signature) = (bytes(&case["msg"]), bytes(&case["sig"]));
                assert_eq!(key.verify(&Variant::Pure, &message, &signature), expected, "{name} {case}");
                count += 1;
            }
        }
        assert_eq!(root["numberOfTests"].as_u64(), Some(count), "{name}");
    }
}

/// RFC 8032 §7.1 to §7.5.
#[test]
fn rfc_8032_vectors() {
    for (curve, variant, seed, public, message, signature) in RFC_8032 {
        let (message, signature) = (hex(message), hex(signature));
        let key = PrivateKey::from_seed(curve, &hex(seed)).unwrap();
        let mut out = vec![0; curve.signature_bytes()];
        assert_eq!(key.sign(&variant, &message, &mut out), Ok(out.len()));
        assert_eq!(out, signature, "{variant:?}");
        assert_eq!(key.public().bytes(), hex(public));
        let public = PublicKey::from_bytes(curve, &hex(public)).unwrap();
        assert_eq!(public.verify(&variant, &message, &signature), Ok(()));
        assert!(key.seed().unwrap().ct_eq(&hex(seed)));
    }
}

#[test]
fn the_records_of_the_hsm_have_the_same_signatures() {
    let mut random = Random::new(3);
    for len in 0..300 {
        let seed: [u8; 32] = random.bytes(32).try_into().unwrap();
        let message = random.bytes(len);
        let (own, key) =
            (sign::SigningKey::from_seed(&seed).unwrap(), PrivateKey::from_seed(Curve::Ed25519, &seed).unwrap());
        let mut signature = [0; 64];
        key.sign(&Variant::Pure, &message, &mut signature).unwrap();
        assert_eq!(own.sign(&[&message]).unwrap(), signature);
        assert_eq!(own.verifying_key(), key.public().bytes());
    }
}

#[test]
fn a_signature_holds_for_its_message_variant_and_key_alone() {
    let long = [0x5a; 255];
    for curve in Curve::ALL {
        let variants = [
            Variant::Pure,
            Variant::Context(b"context"),
            Variant::Context(b"contexs"),
            Variant::Context(&long),
            Variant::Prehashed(b""),
            Variant::Prehashed(b"context"),
            Variant::Prehashed(&long),
        ];
        let key = PrivateKey::generate(curve).unwrap();
        let public = PublicKey::from_bytes(curve, key.public().bytes()).unwrap();
        let another = PrivateKey::generate(curve).unwrap().public();
        for signed in &variants {
            let mut signature = vec![0; curve.signature_bytes()];
            key.sign(signed, b"message", &mut signature).unwrap();
            for verified in &variants {
                let expected = if signed == verified { Ok(()) } else { Err(Error::Authentication) };
                assert_eq!(public.verify(verified, b"message", &signature), expected, "{signed:?} {verified:?}");
            }
            let refused = |public: &PublicKey, message: &[u8], signature: &[u8]| {
                public.verify(signed, message, signature) == Err(Error::Authentication)
            };
            assert!(refused(&another, b"message", &signature));
            assert!(refused(&public, b"messagf", &signature));
            assert!(refused(&public, b"", &signature));
            assert!(refused(&public, b"message", &signature[1..]));
            assert!(refused(&public, b"message", &[]));
            assert!(refused(&public, b"message", &[&signature[..], &[0]].concat()));
            for bit in 0..8 * signature.len() {
                let mut changed = signature.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(refused(&public, b"message", &changed), "{signed:?} {bit}");
            }
        }
    }
}

#[test]
fn an_empty_context_is_none_for_ed448_and_refused_for_ed25519() {
    let key = PrivateKey::generate(Curve::Ed448).unwrap();
    let mut signature = [0; 114];
    key.sign(&Variant::Pure, b"message", &mut signature).unwrap();
    assert_eq!(key.public().verify(&Variant::Context(b""), b"message", &signature), Ok(()));

    let key = PrivateKey::generate(Curve::Ed25519).unwrap();
    let mut signature = [0; 64];
    assert!(matches!(key.sign(&Variant::Context(b""), b"message", &mut signature), Err(Error::Parameter(_))));
    assert!(matches!(key.public().verify(&Variant::Context(b""), b"message", &signature), Err(Error::Parameter(_))));
}

#[test]
fn contexts_of_more_than_255_bytes_are_refused() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let mut signature = vec![0; curve.signature_bytes()];
        for variant in [Variant::Context(&[0; 256]), Variant::Prehashed(&[0; 256])] {
            assert!(matches!(key.sign(&variant, b"message", &mut signature), Err(Error::Parameter(_))));
            assert!(matches!(key.public().verify(&variant, b"message", &signature), Err(Error::Parameter(_))));
        }
    }
}

#[test]
fn the_output_must_take_the_signature_and_may_be_larger() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let needed = curve.signature_bytes();
        let mut out = vec![0xaa; needed + 3];
        let short = key.sign(&Variant::Pure, b"message", &mut out[..needed - 1]);
        assert_eq!(short, Err(Error::OutputTooSmall { needed }));
        assert_eq!(key.sign(&Variant::Pure, b"message", &mut out), Ok(needed));
        assert_eq!(out[needed..], [0xaa; 3]);
        assert_eq!(key.public().verify(&Variant::Pure, b"message", &out[..needed]), Ok(()));
    }
}

#[test]
fn keys_have_one_length() {
    for curve in Curve::ALL {
        for got in (0..=64).chain([114]).filter(|got| *got != curve.seed_bytes()) {
            let bytes = vec![9; got];
            assert_eq!(PrivateKey::from_seed(curve, &bytes).err(), Some(Error::KeyLength { got }));
            assert_eq!(PublicKey::from_bytes(curve, &bytes).err(), Some(Error::KeyLength { got }));
        }
        assert_eq!(PrivateKey::from_seed(curve, &vec![0; curve.seed_bytes()]).unwrap().curve(), curve);
    }
}

/// Under the keys that are refused, the signature R = neutral point, S = 0 fits one message in eight or more. The last
/// two stand for the first two, not reduced, which not every code path of the library takes.
#[test]
fn ed25519_keys_of_small_order_are_refused() {
    let mut zero_s = [0; 64];
    zero_s[0] = 1;
    for y in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let mut point: [u8; 32] = hex(y).try_into().unwrap();
        for sign_of_x in [0, 0x80] {
            point[31] ^= sign_of_x;
            let refused = PublicKey::from_bytes(Curve::Ed25519, &point).err();
            assert!(matches!(refused, Some(Error::KeyValue(_))), "{y}");
        }
        point[31] &= 0x7f;
        if y[2..].starts_with("ff") && !y.starts_with("ec") {
            continue;
        }
        let fits = (0..200u8).filter(|message| sign::verify(&point, &[&[*message]], &zero_s).is_ok()).count();
        assert!(fits > 5, "{y}: {fits}");
    }
}

#[test]
fn ed448_keys_of_small_order_or_off_the_curve_are_refused() {
    let refused = |bytes: &[u8]| matches!(PublicKey::from_bytes(Curve::Ed448, bytes).err(), Some(Error::KeyValue(_)));
    let (mut neutral, mut minus_one) = ([0; 57], [0xff; 57]);
    neutral[0] = 1;
    minus_one[0] = 0xfe;
    minus_one[28] = 0xfe;
    minus_one[56] = 0;
    // y = 1, -1, 0 and 0 with the other x; y = p, which is 0 but not reduced; all bits.
    let mut zero = [0; 57];
    let mut prime = minus_one;
    prime[0] = 0xff;
    for point in [neutral, minus_one, zero, prime, [0xff; 57]] {
        assert!(refused(&point), "{point:02x?}");
    }
    zero[56] = 0x80;
    assert!(refused(&zero));
    // Half of all y belong to no point.
    let points = (0..200u8)
        .filter(|y| {
            let mut point = [0; 57];
            (point[0], point[1]) = (*y, 7);
            !refused(&point)
        })
        .count();
    assert!((50..150).contains(&points), "{points}");
}

/// Half of all y belong to no point; others are not reduced, or have the sign of an x that is 0.
#[test]
fn ed25519_keys_off_the_curve_are_refused() {
    let refused = |bytes: &[u8]| matches!(PublicKey::from_bytes(Curve::Ed25519, bytes).err(), Some(Error::KeyValue(_)));
    let point = |y: u8| {
        let mut point = [0; 32];
        (point[0], point[1]) = (y, 7);
        point
    };
    let points = (0..200u8).filter(|y| !refused(&point(*y))).count();
    assert!((50..150).contains(&points), "{points}");
    // p + 3 stands for 3, which is the y of a point; all bits.
    let three = hex("0300000000000000000000000000000000000000000000000000000000000000");
    assert!(!refused(&three));
    assert!(refused(&hex("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")));
    assert!(refused(&[0xff; 32]));
}

#[test]
fn curves_are_known_by_identifier_and_by_name() {
    let printable = |text: &str| [&[0x13, text.len() as u8], text.as_bytes()].concat();
    for (curve, names, older) in [
        (Curve::Ed25519, ["edwards25519", "Ed25519"], hex("06092b06010401da470f01")),
        (Curve::Ed448, ["edwards448", "ED448"], hex("06092b06010401da470f02")),
    ] {
        for params in [printable(names[0]), printable(names[1]), curve.oid().to_vec(), older] {
            assert_eq!(Curve::from_params(&params), Some(curve));
            assert_eq!(Curve::from_params(&[&params[..], &[0]].concat()), None);
            assert_eq!(Curve::from_params(&params[..params.len() - 1]), None);
        }
    }
    let unknown: [&[u8]; 4] = [b"", b"\x05\x00", b"\x06\x03\x2b\x65\x6e", b"\x13\x0acurve25519"];
    for params in unknown {
        assert_eq!(Curve::from_params(params), None);
    }
}

#[test]
fn a_key_serves_many_threads() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8u8 {
                let key = &key;
                scope.spawn(move || {
                    let mut signature = vec![0; curve.signature_bytes()];
                    for round in 0..20 {
                        key.sign(&Variant::Pure, &[thread, round], &mut signature).unwrap();
                        assert_eq!(key.public().verify(&Variant::Pure, &[thread, round], &signature), Ok(()));
                    }
                });
            }
        });
    }
}

/// Curve, variant, seed, public key, message, signature.
#[rustfmt::skip]
#[allow(clippy::type_complexity)]
const RFC_8032: [(Curve, Variant<'static>, &str, &str, &str, &str); 10] = [
    (
        Curve::Ed25519,
        Variant::Pure,
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b
         d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        Curve::Ed25519,
        Variant::Pure,
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659
         4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        Curve::Ed25519,
        Variant::Context(b"foo"),
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
        "f726936d19c800494e3fdaff20b276a8",
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a8b36950b95130022907a7fb7c4e9b2d5
         f6cca685a587b4b21f4b888e4e7edb0d",
    ),
    (
        Curve::Ed25519,
        Variant::Context(b"bar"),
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
        "f726936d19c800494e3fdaff20b276a8",
        "fc60d5872fc46b3aa69f8b5b4351d5808f92bcc044606db097abab6dbcb1aee3216c48e8b3b66431b5b186d1d28f8ee1
         5a5ca2df6668346291c2043d4eb3e90d",
    ),
    (
        Curve::Ed25519,
        Variant::Prehashed(b""),
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "616263",
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aa
         a10b8c61e636062aaad11c2a26083406",
    ),
    (
        Curve::Ed448,
        Variant::Pure,
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
        Curve::Ed448,
        Variant::Pure,
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
        Curve::Ed448,
        Variant::Context(b"foo"),
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
        Curve::Ed448,
        Variant::Prehashed(b""),
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
        Curve::Ed448,
        Variant::Prehashed(b"foo"),
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
