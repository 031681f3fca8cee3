//! X25519 and X448: RFC 7748, Wycheproof, what is refused.

mod common;

use common::hex;
use serde_json::Value;
use strongroom_crypto::Error;
use strongroom_crypto::montgomery::{Curve, PrivateKey};

/// Cases are acceptable that use a point of the twist, one that is not reduced, or one of small order; only the last
/// are refused here, by the secret they give.
#[test]
fn wycheproof() {
    for (name, curve) in [("x25519_test.json", Curve::X25519), ("x448_test.json", Curve::X448)] {
        let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
        let root: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let bytes = |value: &Value| hex(value.as_str().unwrap());
        let (mut count, mut zero) = (0, 0);
        for case in root["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
            let (private, public, shared) = (bytes(&case["private"]), bytes(&case["public"]), bytes(&case["shared"]));
            let secret = PrivateKey::from_bytes(curve, &private).unwrap().agree(&public);
            count += 1;
            if public.len() != curve.bytes() {
                assert_eq!(case["result"], "invalid", "{name} {case}");
                assert_eq!(secret.err(), Some(Error::KeyLength { got: public.len() }), "{name} {case}");
            } else if shared.iter().all(|byte| *byte == 0) {
                assert_eq!(case["result"], "acceptable", "{name} {case}");
                assert!(matches!(secret, Err(Error::KeyValue(_))), "{name} {case}");
                zero += 1;
            } else {
                assert_ne!(case["result"], "invalid", "{name} {case}");
                assert_eq!(secret.unwrap().expose(), shared, "{name} {case}");
            }
        }
        assert_eq!(root["numberOfTests"].as_u64(), Some(count), "{name}");
        assert!(zero > 5, "{name}");
    }
}

/// RFC 7748 §6.1 and §6.2.
#[test]
fn rfc_7748_vectors() {
    for [private, public, peer_private, peer_public, shared] in RFC_7748 {
        let curve = if hex(private).len() == 32 { Curve::X25519 } else { Curve::X448 };
        let own = PrivateKey::from_bytes(curve, &hex(private)).unwrap();
        let peer = PrivateKey::from_bytes(curve, &hex(peer_private)).unwrap();
        assert_eq!(own.public_bytes(), hex(public));
        assert_eq!(peer.public_bytes(), hex(peer_public));
        assert_eq!(own.agree(&hex(peer_public)).unwrap().expose(), hex(shared));
        assert_eq!(peer.agree(&hex(public)).unwrap().expose(), hex(shared));
        assert_eq!(own.bytes().unwrap().expose(), hex(private));
    }
}

#[test]
fn generated_keys_differ_and_agree() {
    for curve in Curve::ALL {
        let keys = [0; 40].map(|_| PrivateKey::generate(curve).unwrap());
        for pair in keys.windows(2) {
            let [one, other] = pair else { unreachable!() };
            assert_ne!(one.public_bytes(), other.public_bytes());
            let secret = one.agree(&other.public_bytes()).unwrap();
            assert_eq!(secret.len(), curve.bytes());
            assert!(other.agree(&one.public_bytes()).unwrap().ct_eq(secret.expose()));
            let again = PrivateKey::from_bytes(curve, one.bytes().unwrap().expose()).unwrap();
            assert_eq!((again.public_bytes(), again.curve()), (one.public_bytes(), curve));
        }
    }
}

/// The public key is the function's value at the base point, by whichever way it was computed.
#[test]
fn the_public_key_is_what_the_base_point_gives() {
    for (curve, base) in [(Curve::X25519, 9), (Curve::X448, 5)] {
        let mut point = vec![0; curve.bytes()];
        point[0] = base;
        for fill in 0..=255 {
            let key = PrivateKey::from_bytes(curve, &vec![fill; curve.bytes()]).unwrap();
            assert_eq!(key.agree(&point).unwrap().expose(), key.public_bytes());
        }
    }
}

#[test]
fn keys_have_one_length() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        for got in (0..=65).filter(|got| *got != curve.bytes()) {
            assert_eq!(PrivateKey::from_bytes(curve, &vec![9; got]).err(), Some(Error::KeyLength { got }));
            assert_eq!(key.agree(&vec![9; got]).err(), Some(Error::KeyLength { got }));
        }
    }
}

#[test]
fn curves_are_known_by_identifier_and_by_name() {
    let printable = |text: &str| [&[0x13, text.len() as u8], text.as_bytes()].concat();
    let older = hex("060a2b060104019755010501");
    let known = Curve::ALL.iter().map(|curve| (curve.oid().to_vec(), *curve)).chain([
        (older, Curve::X25519),
        (printable("curve25519"), Curve::X25519),
        (printable("X25519"), Curve::X25519),
        (printable("curve448"), Curve::X448),
        (printable("x448"), Curve::X448),
    ]);
    for (params, curve) in known {
        assert_eq!(Curve::from_params(&params), Some(curve));
        assert_eq!(Curve::from_params(&[&params[..], &[0]].concat()), None);
        assert_eq!(Curve::from_params(&params[..params.len() - 1]), None);
    }
    let unknown: [&[u8]; 4] = [b"", b"\x05\x00", b"\x06\x03\x2b\x65\x70", b"\x13\x0cedwards25519"];
    for params in unknown {
        assert_eq!(Curve::from_params(params), None);
    }
}

#[test]
fn a_key_serves_many_threads() {
    for curve in Curve::ALL {
        let (key, peer) = (PrivateKey::generate(curve).unwrap(), PrivateKey::generate(curve).unwrap().public_bytes());
        let secret = key.agree(&peer).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..30).for_each(|_| assert!(key.agree(&peer).unwrap().ct_eq(secret.expose()))));
            }
        });
    }
}

/// Private key, public key, the same of the other side, shared secret.
#[rustfmt::skip]
const RFC_7748: [[&str; 5]; 2] = [
    [
        "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
    ],
    [
        "9a8f4925d1519f5775cf46b04b5800d4ee9ee8bae8bc5565d498c28d
         d9c9baf574a9419744897391006382a6f127ab1d9ac2d8c0a598726b",
        "9b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c
         22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0",
        "1c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d
         6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d",
        "3eb7a829b0cd20f5bcfc0b599b6feccf6da4627107bdb0d4f345b430
         27d8b972fc3e34fb4232a13ca706dcb57aec3dae07bdc1c67bf33609",
        "07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282b
         b60c0b56fd2464c335543936521c24403085d59a449a5037514a879d",
    ],
];
