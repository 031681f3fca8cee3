//! Elliptic curves: Wycheproof, values from OpenSSL, round trips, what is refused.

mod common;

use common::{Random, hex};
use serde_json::Value;
use strongroom_crypto::Error;
use strongroom_crypto::ec::{Curve, PrivateKey, PublicKey};
use strongroom_crypto::hash::{Algorithm, OUTPUT_BYTES_MAX, digest};

/// Runs `check` over every case of a Wycheproof file, given with its group.
fn wycheproof(name: &str, mut check: impl FnMut(&Value, &Value)) {
    let path = format!("{}/../tests/vectors/wycheproof/{name}", env!("CARGO_MANIFEST_DIR"));
    let root: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let groups = root["testGroups"].as_array().unwrap();
    let cases =
        groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |case| (group, case)));
    let count = cases.inspect(|(group, case)| check(group, case)).count();
    assert_eq!(root["numberOfTests"].as_u64(), Some(count as u64), "{name}");
}

fn bytes(value: &Value) -> Vec<u8> {
    hex(value.as_str().unwrap())
}

fn curve_named(value: &Value) -> Curve {
    Curve::ALL.into_iter().find(|curve| Some(curve.name()) == value.as_str()).unwrap()
}

#[test]
fn wycheproof_ecdsa() {
    for name in [
        "ecdsa_brainpoolP256r1_sha256_p1363_test.json",
        "ecdsa_brainpoolP384r1_sha384_p1363_test.json",
        "ecdsa_brainpoolP512r1_sha512_p1363_test.json",
        "ecdsa_secp224r1_sha224_p1363_test.json",
        "ecdsa_secp224r1_sha256_p1363_test.json",
        "ecdsa_secp224r1_sha512_p1363_test.json",
        "ecdsa_secp256k1_sha256_p1363_test.json",
        "ecdsa_secp256k1_sha512_p1363_test.json",
        "ecdsa_secp256r1_sha256_p1363_test.json",
        "ecdsa_secp256r1_sha512_p1363_test.json",
        "ecdsa_secp384r1_sha384_p1363_test.json",
        "ecdsa_secp384r1_sha512_p1363_test.json",
        "ecdsa_secp521r1_sha512_p1363_test.json",
    ] {
        wycheproof(name, |group, case| {
            let algorithm = match group["sha"].as_str() {
                Some("SHA-224") => Algorithm::Sha224,
                Some("SHA-256") => Algorithm::Sha256,
                Some("SHA-384") => Algorithm::Sha384,
                Some("SHA-512") => Algorithm::Sha512,
                other => panic!("{name}: {other:?}"),
            };
            let curve = curve_named(&group["publicKey"]["curve"]);
            let key = PublicKey::from_point(curve, &bytes(&group["publicKey"]["uncompressed"])).unwrap();
            let mut hash = [0; OUTPUT_BYTES_MAX];
            let len = digest(algorithm, &bytes(&case["msg"]), &mut hash).unwrap();
            let expected = if case["result"] == "valid" { Ok(()) } else { Err(Error::Authentication) };
            assert_eq!(key.verify(&hash[..len], &bytes(&case["sig"])), expected, "{name} {case}");
        });
    }
}

/// The one acceptable case of each file is a compressed point.
#[test]
fn wycheproof_ecdh() {
    for name in [
        "ecdh_secp224r1_ecpoint_test.json",
        "ecdh_secp256r1_ecpoint_test.json",
        "ecdh_secp384r1_ecpoint_test.json",
        "ecdh_secp521r1_ecpoint_test.json",
    ] {
        wycheproof(name, |group, case| {
            let key = PrivateKey::from_scalar(curve_named(&group["curve"]), &bytes(&case["private"])).unwrap();
            let secret = key.agree(&bytes(&case["public"]));
            if case["result"] == "invalid" {
                assert!(matches!(secret, Err(Error::KeyValue(_))), "{name} {case}");
            } else {
                assert_eq!(secret.unwrap().expose(), bytes(&case["shared"]), "{name} {case}");
            }
        });
    }
}

#[test]
fn keys_signatures_and_secrets_of_openssl_are_understood() {
    for foreign in &OPENSSL {
        let curve = foreign.curve;
        let key = PrivateKey::from_scalar(curve, &hex(foreign.scalar)).unwrap();
        assert_eq!(key.public().unwrap().uncompressed(), hex(foreign.point), "{curve:?}");
        assert_eq!(key.agree(&hex(foreign.peer_point)).unwrap().expose(), hex(foreign.secret), "{curve:?}");
        let mut hash = [0; 32];
        digest(Algorithm::Sha256, b"the digest that is signed", &mut hash).unwrap();
        let public = PublicKey::from_point(curve, &hex(foreign.point)).unwrap();
        assert_eq!(public.verify(&hash, &hex(foreign.signature)), Ok(()), "{curve:?}");
        hash[31] ^= 1;
        let kept = curve.order_bytes() == 28;
        assert_eq!(public.verify(&hash, &hex(foreign.signature)).is_ok(), kept, "{curve:?}");
    }
}

#[test]
fn signatures_verify_for_digests_of_every_length() {
    let mut random = Random::new(1);
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let public = key.public().unwrap();
        let mut signature = vec![0; curve.signature_bytes()];
        assert_eq!(key.sign(&[], &mut signature), Err(Error::DataLength));
        assert_eq!(public.verify(&[], &signature), Err(Error::DataLength));
        for len in 1..=70 {
            let mut hash = random.bytes(len);
            hash[0] |= 1;
            assert_eq!(key.sign(&hash, &mut signature), Ok(signature.len()));
            assert_eq!(public.verify(&hash, &signature), Ok(()), "{curve:?} {len}");

            // Only the leftmost bits of the order's length count.
            let mut longer = hash.clone();
            longer.push(0x55);
            let whole = 8 * len >= curve.bits();
            assert_eq!(public.verify(&longer, &signature).is_ok(), whole, "{curve:?} {len}");
            let mut last_bit = hash.clone();
            last_bit[len - 1] ^= 1;
            assert_eq!(public.verify(&last_bit, &signature).is_ok(), 8 * len > curve.bits(), "{curve:?} {len}");

            hash[0] ^= 0x80;
            assert_eq!(public.verify(&hash, &signature), Err(Error::Authentication), "{curve:?} {len}");
        }
    }
}

#[test]
fn digests_of_zero_and_of_the_order_are_signed_like_others() {
    for (curve, _, order) in LIMITS {
        let key = PrivateKey::generate(curve).unwrap();
        let public = key.public().unwrap();
        let mut signature = vec![0; curve.signature_bytes()];
        // P-521's order does not fill its bytes, so its leftmost bits are other ones.
        for hash in [vec![0; curve.order_bytes()], hex(order), vec![0xff; curve.order_bytes()], vec![0; 1]] {
            key.sign(&hash, &mut signature).unwrap();
            assert_eq!(public.verify(&hash, &signature), Ok(()), "{curve:?}");
            if hash == hex(order) && curve != Curve::P521 {
                assert_eq!(public.verify(&[0], &signature), Ok(()), "{curve:?}");
            }
        }
    }
}

#[test]
fn the_same_digest_never_gets_the_same_signature() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let mut signatures: Vec<Vec<u8>> = (0..20)
            .map(|_| {
                let mut signature = vec![0; curve.signature_bytes()];
                key.sign(b"the same", &mut signature).unwrap();
                signature[..curve.order_bytes()].to_vec()
            })
            .collect();
        signatures.sort();
        signatures.dedup();
        assert_eq!(signatures.len(), 20, "{curve:?}");
    }
}

#[test]
fn both_values_of_s_are_accepted_and_changes_are_not() {
    for (curve, _, order) in LIMITS {
        let key = PrivateKey::generate(curve).unwrap();
        let public = key.public().unwrap();
        let order_bytes = curve.order_bytes();
        let mut signature = vec![0; 2 * order_bytes];
        key.sign(b"digest", &mut signature).unwrap();
        let other_s = subtract(&hex(order), &signature[order_bytes..]);
        if curve == Curve::Secp256k1 {
            assert!(signature[order_bytes..] < other_s[..], "the smaller s");
        }
        let other = [&signature[..order_bytes], &other_s].concat();
        assert_eq!(public.verify(b"digest", &other), Ok(()), "{curve:?}");

        for bit in (0..16 * order_bytes).step_by(7) {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(public.verify(b"digest", &changed), Err(Error::Authentication), "{curve:?} {bit}");
        }
        let (r, s) = signature.split_at(order_bytes);
        let (zero, order) = (vec![0; order_bytes], hex(order));
        let wrong = [
            vec![],
            r.to_vec(),
            signature[..2 * order_bytes - 1].to_vec(),
            [&signature[..], &[0]].concat(),
            [&[0], &signature[..]].concat(),
            [s, r].concat(),
            [&zero[..], s].concat(),
            [r, &zero].concat(),
            [&zero[..], &zero].concat(),
            [&order[..], s].concat(),
            [r, &order].concat(),
            vec![0xff; 2 * order_bytes],
        ];
        for signature in wrong {
            assert_eq!(public.verify(b"digest", &signature), Err(Error::Authentication), "{curve:?}");
        }
        let another = PrivateKey::generate(curve).unwrap().public().unwrap();
        assert_eq!(another.verify(b"digest", &signature), Err(Error::Authentication), "{curve:?}");
    }
}

#[test]
fn the_output_must_take_the_signature_and_may_be_larger() {
    for curve in Curve::ALL {
        let key = PrivateKey::generate(curve).unwrap();
        let needed = curve.signature_bytes();
        let mut out = vec![0xaa; needed + 3];
        assert_eq!(key.sign(b"digest", &mut out[..needed - 1]), Err(Error::OutputTooSmall { needed }));
        assert_eq!(key.sign(b"digest", &mut out), Ok(needed));
        assert_eq!(out[needed..], [0xaa; 3]);
        assert_eq!(key.public().unwrap().verify(b"digest", &out[..needed]), Ok(()));
    }
}

#[test]
fn private_numbers_go_from_one_to_the_order_less_one() {
    for (curve, _, order) in LIMITS {
        let order = hex(order);
        let one = number(1, curve.order_bytes());
        let last = subtract(&order, &one);
        let padded = [&[0; 5], &last[..]].concat();
        for scalar in [&one[..], &[1], &last, &padded] {
            let key = PrivateKey::from_scalar(curve, scalar).unwrap();
            let width = curve.order_bytes();
            let mut expected = vec![0; width.max(scalar.len())];
            let start = expected.len() - scalar.len();
            expected[start..].copy_from_slice(scalar);
            assert_eq!(key.scalar().unwrap().expose(), &expected[expected.len() - width..], "{curve:?}");
        }
        let refused = [
            vec![],
            vec![0],
            vec![0; curve.order_bytes() + 4],
            order.clone(),
            add(&order, &one),
            vec![0xff; curve.order_bytes()],
            [&[1], &one[..]].concat(),
            [&[0, 0x80, 0], &one[..]].concat(),
        ];
        for scalar in refused {
            assert!(matches!(PrivateKey::from_scalar(curve, &scalar), Err(Error::KeyValue(_))), "{curve:?}");
        }
        // The last number is -1: the base point with the other y.
        let base = PrivateKey::from_scalar(curve, &one).unwrap().public().unwrap().uncompressed();
        let mirrored = PrivateKey::from_scalar(curve, &last).unwrap().public().unwrap().uncompressed();
        let x_end = 1 + curve.field_bytes();
        assert_eq!(base[..x_end], mirrored[..x_end]);
        assert_ne!(base[x_end..], mirrored[x_end..]);
    }
}

#[test]
fn generated_keys_differ_and_agree() {
    for curve in Curve::ALL {
        let keys = [0; 20].map(|_| PrivateKey::generate(curve).unwrap());
        for pair in keys.windows(2) {
            let [one, other] = pair else { unreachable!() };
            assert!(!one.scalar().unwrap().ct_eq(other.scalar().unwrap().expose()));
            let point = other.public().unwrap().uncompressed();
            let secret = one.agree(&point).unwrap();
            assert_eq!(secret.len(), curve.field_bytes());
            assert!(other.agree(&one.public().unwrap().uncompressed()).unwrap().ct_eq(secret.expose()));
            for form in forms(&point) {
                assert!(one.agree(&form).unwrap().ct_eq(secret.expose()));
                assert_eq!(PublicKey::from_point(curve, &form).unwrap().uncompressed(), point);
            }
            let again = PrivateKey::from_scalar(curve, one.scalar().unwrap().expose()).unwrap();
            assert_eq!(again.public().unwrap().uncompressed(), one.public().unwrap().uncompressed());
        }
        assert_eq!((keys[0].curve(), keys[0].public().unwrap().curve()), (curve, curve));
    }
}

#[test]
fn what_is_no_point_is_refused() {
    for (curve, prime, _) in LIMITS {
        let key = PrivateKey::generate(curve).unwrap();
        let point = PrivateKey::generate(curve).unwrap().public().unwrap().uncompressed();
        let field_bytes = curve.field_bytes();
        let (x, y) = (&point[1..=field_bytes], &point[1 + field_bytes..]);
        let prime = hex(prime);
        let mut wrong: Vec<Vec<u8>> = vec![
            vec![],
            vec![0],
            vec![4],
            vec![0; point.len()],
            [&[4], &vec![0; 2 * field_bytes][..]].concat(),
            [&[4], y, x].concat(),
            [&[4], &prime[..], y].concat(),
            [&[4], x, &prime].concat(),
            [&[4], x, &vec![0xff; field_bytes]].concat(),
            [&[2], &prime[..]].concat(),
            [&[2], &vec![0xff; field_bytes][..]].concat(),
            [&[2], x, y].concat(),
            [&[5], x].concat(),
            [&[4], x].concat(),
            [&[6 | y[field_bytes - 1] & 1 ^ 1], x, y].concat(),
            point[..point.len() - 1].to_vec(),
            [&point[..], &[0]].concat(),
        ];
        wrong.extend((0..=255).filter(|tag| !matches!(tag, 4 | 6 | 7)).map(|tag| [&[tag], x, y].concat()));
        let mut flipped = point.clone();
        flipped[point.len() - 1] ^= 1;
        wrong.push(flipped);
        wrong.push([&[4], x, &subtract(&prime, y)].concat());
        // The mirrored point alone is a point.
        let mirrored = wrong.pop().unwrap();
        assert!(PublicKey::from_point(curve, &mirrored).is_ok());
        for point in wrong {
            let refused = |error: Option<Error>| matches!(error, Some(Error::KeyValue(_)));
            assert!(refused(PublicKey::from_point(curve, &point).err()), "{curve:?} {point:02x?}");
            assert!(refused(key.agree(&point).err()), "{curve:?} {point:02x?}");
        }
    }
}

/// A coordinate plus the field's prime is the same element, and another encoding of the point.
#[test]
fn coordinates_above_the_prime_are_refused() {
    for (curve, prime, _) in LIMITS {
        let compressed = |x: &[u8]| PublicKey::from_point(curve, &[&[2], x].concat());
        let (x, point) = (1..1000)
            .map(|x| number(x, curve.field_bytes()))
            .find_map(|x| compressed(&x).ok().map(|key| (x, key.uncompressed())))
            .expect("half of all x belong to points");
        let above = add(&hex(prime), &x);
        assert_eq!(above.len(), curve.field_bytes());
        assert!(compressed(&above).is_err(), "{curve:?}");
        let y = &point[1 + curve.field_bytes()..];
        for tag in [4, 6 | y[y.len() - 1] & 1] {
            assert!(PublicKey::from_point(curve, &[&[tag], &x[..], y].concat()).is_ok(), "{curve:?}");
            assert!(PublicKey::from_point(curve, &[&[tag], &above[..], y].concat()).is_err(), "{curve:?}");
        }
    }
}

#[test]
fn a_key_serves_many_threads() {
    for curve in [Curve::P256, Curve::Secp256k1, Curve::BrainpoolP256r1] {
        let key = PrivateKey::generate(curve).unwrap();
        let public = key.public().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..8u8 {
                let (key, public) = (&key, &public);
                scope.spawn(move || {
                    let mut signature = vec![0; curve.signature_bytes()];
                    for round in 0..50 {
                        let hash = [[thread; 31].as_slice(), &[round]].concat();
                        key.sign(&hash, &mut signature).unwrap();
                        assert_eq!(public.verify(&hash, &signature), Ok(()));
                        assert_eq!(key.agree(&public.uncompressed()).unwrap().len(), 32);
                    }
                });
            }
        });
    }
}

#[test]
fn curves_are_known_by_identifier_and_by_name() {
    for curve in Curve::ALL {
        assert_eq!(Curve::from_params(curve.oid()), Some(curve));
        assert_eq!(Curve::from_params(&[curve.oid(), &[0]].concat()), None);
        assert_eq!(Curve::from_params(&curve.oid()[..curve.oid().len() - 1]), None);
        assert_eq!(Curve::from_params(&printable(curve.name())), Some(curve));
    }
    for (name, curve) in [
        ("prime256v1", Curve::P256),
        ("P-224", Curve::P224),
        ("P-256", Curve::P256),
        ("p-384", Curve::P384),
        ("P-521", Curve::P521),
        ("BRAINPOOLP320R1", Curve::BrainpoolP320r1),
    ] {
        assert_eq!(Curve::from_params(&printable(name)), Some(curve));
        assert_eq!(Curve::from_params(&[&printable(name)[..], &[0]].concat()), None);
        assert_eq!(Curve::from_params(&printable(name)[..5]), None);
    }
    // NULL (implicit parameters), secp192r1, Ed25519, an empty string and nothing.
    let unknown: [&[u8]; 6] =
        [b"\x05\x00", b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x01", b"\x06\x03\x2b\x65\x70", b"\x13\x00", b"\x13", b""];
    for params in unknown {
        assert_eq!(Curve::from_params(params), None);
    }
    assert_eq!(Curve::from_params(&printable("P-192")), None);
}

#[test]
fn explicit_parameters_are_taken_when_they_are_exactly_a_curves() {
    for (curve, params) in EXPLICIT {
        let params = hex(params);
        assert_eq!(Curve::from_params(&params), Some(curve));
        assert_eq!(Curve::from_params(&[&params[..], &[0]].concat()), None);
        // The seed from which b was made is not looked at.
        let seed = params.windows(3).position(|part| part == [0x03, 0x15, 0x00]).map(|start| start + 2..start + 23);
        for index in 0..params.len() {
            assert_eq!(Curve::from_params(&params[..index]), None, "{curve:?} {index}");
            let mut changed = params.clone();
            changed[index] ^= 1;
            let ignored = seed.as_ref().is_some_and(|seed| seed.contains(&index));
            assert!(Curve::from_params(&changed).is_none() || ignored, "{curve:?} {index}");
        }
    }
}

/// The forms of an uncompressed point: compressed and hybrid.
fn forms(point: &[u8]) -> [Vec<u8>; 2] {
    let (x, y) = point[1..].split_at(point.len() / 2);
    let odd = y[y.len() - 1] & 1;
    [[&[2 | odd], x].concat(), [&[6 | odd], x, y].concat()]
}

fn printable(text: &str) -> Vec<u8> {
    [&[0x13, text.len() as u8], text.as_bytes()].concat()
}

fn number(value: u16, width: usize) -> Vec<u8> {
    let mut bytes = vec![0; width];
    bytes[width - 2..].copy_from_slice(&value.to_be_bytes());
    bytes
}

/// The sum or difference of two numbers of the same width, which has that width too.
fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    combine(a, b, 1)
}

fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    combine(a, b, -1)
}

fn combine(a: &[u8], b: &[u8], sign: i32) -> Vec<u8> {
    assert_eq!(a.len(), b.len());
    let (mut out, mut carry) = (vec![0; a.len()], 0);
    for index in (0..a.len()).rev() {
        let sum = i32::from(a[index]) + sign * i32::from(b[index]) + carry;
        (out[index], carry) = (sum.rem_euclid(256) as u8, sum.div_euclid(256));
    }
    assert_eq!(carry, 0);
    out
}

/// The field's prime and the order of each curve, as OpenSSL prints them.
#[rustfmt::skip]
const LIMITS: [(Curve, &str, &str); 10] = [
    (
        Curve::P224,
        "ffffffffffffffffffffffffffffffff000000000000000000000001",
        "ffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3d",
    ),
    (
        Curve::P256,
        "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    ),
    (
        Curve::P384,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
    (
        Curve::P521,
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
         ffffffffffffffffffffffffffffffffffff",
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709
         a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
    (
        Curve::Secp256k1,
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
    ),
    (
        Curve::BrainpoolP224r1,
        "d7c134aa264366862a18302575d1d787b09f075797da89f57ec8c0ff",
        "d7c134aa264366862a18302575d0fb98d116bc4b6ddebca3a5a7939f",
    ),
    (
        Curve::BrainpoolP256r1,
        "a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377",
        "a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7",
    ),
    (
        Curve::BrainpoolP320r1,
        "d35e472036bc4fb7e13c785ed201e065f98fcfa6f6f40def4f92b9ec7893ec28fcd412b1f1b32e27",
        "d35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482ec7ee8658e98691555b44c59311",
    ),
    (
        Curve::BrainpoolP384r1,
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53",
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
    ),
    (
        Curve::BrainpoolP512r1,
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca703308717d4d9b009bc66842aecda12ae6a380e6
         2881ff2f2d82c68528aa6056583a48f3",
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870553e5c414ca92619418661197fac1047
         1db1d381085ddaddb58796829ca90069",
    ),
];

/// A key pair, another one's point, a signature by the key and the secret of the two, all made by OpenSSL 3.0.
struct Foreign {
    curve: Curve,
    scalar: &'static str,
    point: &'static str,
    peer_point: &'static str,
    signature: &'static str,
    secret: &'static str,
}

#[rustfmt::skip]
const OPENSSL: [Foreign; 7] = [
    Foreign {
        curve: Curve::BrainpoolP224r1,
        scalar: "bb0567155b64367c71da84ea52a94de5f1ddf96ceb3cfe5c5d5c5889",
        point: "0490d881cd6591027b5fd73d7d11c8b87d3c51e3180245f8c9383af8ae214209082f7aa67c2be81ba8258ff7d413d8fd
            11ac1820cdb384b810",
        peer_point: "04d6275a5e733f8bf978fa0ba312f407005a3200b71e0b621fc5e8036c93b69fdf3304379e55764bfd82c6a75a583849
            9c11e42ef33e8e74af",
        signature: "d6f8fb332fc0407e84a93e82634cf382af22b533431d97a110e9ebad7eaf005810f89346f007b14940c6af4488fc8a25
            d2c16e87d1fe85c5",
        secret: "073bfdfbcc4b415b6178e263f9f0e71e8b32e8ee49ab25e936ac6e68",
    },
    Foreign {
        curve: Curve::BrainpoolP256r1,
        scalar: "1c4589aadf45860f6748498c109b6f415f9e2889f92850d09354210a66ffc612",
        point: "0416c4aa4a732c475c13fd9adaa891ee4ed85bd5d10794a2d9765a5c88622b15bc057c3931f966c5c593ab6cf045c4e7
            c81c3ae66299ae4e0e1679c01693d9fcdb",
        peer_point: "0442e00edc58f0deba33d85f26c4b3dbd6f473091dd9fc408d513ccce34f44090d320d89ef0451f65ea296203f235f45
            de9a8a002d3d0d416a482d8abdd91e1b52",
        signature: "26539d7ed722a34710c07997c272a0aa2e518d58dd0430c2e580b815e5bab9d32757b4a0de26dfba423e95f91ac4fe35
            2c2f08861f916ce3c355d4382a09c1d7",
        secret: "67d5e420ed48481ec6cb6d1a3714650f2aca06d99d37fe6975fd58cbac30887b",
    },
    Foreign {
        curve: Curve::BrainpoolP320r1,
        scalar: "b5dad6e91664388314e3884c29181729caacf6d5f807a3a4bb302ceb08eddb12d876ddbd175b5e4c",
        point: "04865c54777bd0067ec860db28cf9c49a2164af9d13e28fa5d8fa2c7caa76f7b7d13dc5885f7deaf8399a171497b953b
            225728e58b0a4d171a9a7cc74b481026bc51cc4a794a29e3d54c2f7fcb1fc3bf23",
        peer_point: "049319046d171550cbec3bc9626f4ba976f8fd453ca5f8b9d2f61d7e3d02a467559a1513d47364c3d77837627d3be099
            e30f84f643c09bdae074066844683caa1f22d4045f0f6e3d1cb15e39a350f8a18e",
        signature: "407ece1e3d98ba254942836f78947c484de7dafd81bd720f8ce36a2cd89b9b7c903d85f7d6d848a987dafb6d4f41fb39
            4dfc33b4d647b5c4bc486147b3b2944bac884f0f96c36ceee21a51aba11be2d0",
        secret: "a324239ada1cbda30c94535b8cdcb05ce4f39b08623ced1eac0b500e95797b48903e678a243f8060",
    },
    Foreign {
        curve: Curve::BrainpoolP384r1,
        scalar: "629b4d178bdc3ab84666908552b910e584f0e22aed31b89e46814d3342acd8dc9c6c0ba33fd87609c14fcb75aafc385e",
        point: "0480d9749702e62ddf4e2d350d2c0153b028bb59842f8c7646b59767e0580a776183981fb0cca921eaa0d03eabe5f07e
            9c686fe64eda8b63ed676161d0a227f6d86d2b291145aaeefda4c447c8297ef34aa66599e1c3933a3f28eda07315c84f
            2a",
        peer_point: "047d921f79848d1ef55aeb13e4fba860b96c320661b74c2f299ce04fcd6da0f286e9c72111486cf8932729638a3cbcfa
            d56fd4feb4d8e06e7f53cdeb7b4963554ba8c08331a023566e71f36263dc7741bce866e6970912cd7ca8df1a95e3e8ff
            a8",
        signature: "7edfd171a34efa84b97bcbd76ee3ba67057af0b37f457c49c9fd068f30aeab486b30e04bf5ce7088a5d8feae35517845
            66f2fdd2aea84d1f1721e95867ae91cece2aa8a5e9962a0bc67471e56f9917f12be10eb9534e598eaaeeab09e8178c79",
        secret: "22e56ce552705590ca0299b60166e40043411bd5aa62e1ddfd853684bc21ef953e80af0edc8c9ad83dcb354cc5c7a368",
    },
    Foreign {
        curve: Curve::BrainpoolP512r1,
        scalar: "59474ba1892a824a22a61e6ec404439bf6d61b534fb67c2bdca111401db835e33cc937c72e8ad6d504fb2eaa4f2d0de8
            d4927bf7659022f652a3e3eabe599e6f",
        point: "0421b31ff44d32f70300e03669869d0e560b38f15b4411fc61fa0554ff3fd94631d1e607e45894eb978faf478e084aa8
            ad0df9fc5d49125e500aaa0294635c239558701d19d0a5365afc8c8896ec5c9310d402715402807b01652db9c9311348
            e1aa7763ff25626fc3ca17964e48554d2406da86839d8d71e4d192056795eee3c2",
        peer_point: "04a08eb00da2975125c2cd9c31aa14383a4b58674c7f1674ad8e8c86a87f4fd17a2b4634f06a303d622403eeee1e9e94
            62da88657ce7cb9b9e7b44dc806f6934da61ec49095c888d32c02c58e098cf90396df144c20a85d35c795e3a6912f426
            f028c50047acdb669d9dda10c89ffee002003a4942ffa257ec1654429a699eff90",
        signature: "582841d46894858b2e1ac0429cbc591eef594d7ee5b55ccf2c8ccc42b02f56671525417dabb271cf1e87c851397eeeb3
            c63b8542dba542a5c2e12a3b2f2a903662e2e93e71d1f2677a1cad89d365baa3e961736657795adffac1de92f19d126f
            bd484d079123762789f2a383448096b01d1cd80e2f0a6cd66d416dd7962dabf3",
        secret: "18bffbbbc6304d98f0f7a21e7e31010d5055533493c163a4c0fb63d5f2dd8c2155ca8452ea08982d2a14c87202aca693
            b4361aa7c23bb1e56d19c600797caba1",
    },
    Foreign {
        curve: Curve::Secp256k1,
        scalar: "f22a8735bb47e27105183f48c342af944a335049a0fd0770cb2fa9782115b5b7",
        point: "046504f645dd0489d709cae7a9aaf4ec7647d39fede078df0701ce2562da2604f8f8f0b119bbd480c64e2edbd9d6d670
            4dbd4eea5345d44d69ce8d9257c09dbf88",
        peer_point: "041a2fb414eef659b29c6c4ac3758109521885d1675428ddea27633b555af5acd28b4fc8eaf80f92b5da4bfd781e8cba
            94897e10d7e161ab53b7b2ecb019564168",
        signature: "4994aa8daed0e0f7ebe1063821414230ac44b1cdcad1c4364220bb3d5caa4ecc02013eab65b5f2d91cb51898cbd831b0
            2468f6d41ed209b570490ef9c79a517e",
        secret: "6699a3e012205145d409ab027c1ed7c0833002544f6801ad5f4a69d5cdba94ce",
    },
    Foreign {
        curve: Curve::P224,
        scalar: "013bfa426b265cf5bee9bb281e2c48da775b619eb1ae896a2db7ffa7",
        point: "04e1f6ccdb0b408710bb30a9a2ac5f14c132c0e0bca4d28796a30159d9f7f8d1f746213b14a57cf2ca9a0ae782c0be56
            1fee9d37e305219984",
        peer_point: "0463e0173aadfa941062e27e6da92c4c16c16a17480c73ed3635beac907215ae87d394c48968cecb8789be01c84633db
            a38b955b0bc59a4cd7",
        signature: "b4c98bd9eee5b07389622a1dc2c2b78ee2e24ac7fb20b9719336471fbcdebfa99d9e6879cbe5a900055d7acb3dea4be8
            9f9d266050e010b7",
        secret: "9a0fb8bc76181199d85ae3493da796a510b0c888e754f999a508e28b",
    },
];

/// Explicit parameters as OpenSSL 3.0 writes them.
#[rustfmt::skip]
const EXPLICIT: [(Curve, &str); 3] = [
    (
        Curve::P256,
        "3081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ffffffffffffffffffffffff
         305b0420ffffffff00000001000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3ebbd557698
         86bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247
         f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb64068
         37bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101",
    ),
    (
        Curve::BrainpoolP320r1,
        "30820110020101303406072a8648ce3d0101022900d35e472036bc4fb7e13c785ed201e065f98fcfa6f6f40def4f92b9ec7893ec
         28fcd412b1f1b32e27305404283ee30b568fbab0f883ccebd46d3f3bb8a2a73513f5eb79da66190eb085ffa9f492f375a97d860e
         b40428520883949dfdbc42d3ad198640688a6fe13f41349554b49acc31dccd884539816f5eb4ac8fb1f1a604510443bd7e9afb53
         d8b85289bcc48ee5bfe6f20137d10a087eb6e7871e2a10a599c710af8d0d39e2061114fdd05545ec1cc8ab4093247f77275e0743
         ffed117182eaa9c77877aaac6ac7d35245d1692e8ee1022900d35e472036bc4fb7e13c785ed201e065f98fcfa5b68f12a32d482e
         c7ee8658e98691555b44c59311020101",
    ),
    (
        Curve::P521,
        "308201c3020101304d06072a8648ce3d0101024201ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
         ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff30819f044201ffffffffffffffffffffffff
         ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
         fc04420051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf
         073573df883d2c34f1ef451fd46b503f00031500d09e8800291cb85396cc6717393284aaa0da64ba0481850400c6858e06b70404
         e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e
         7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b901
         3fad0761353c7086a272c24088be94769fd16650024201ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
         fffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409020101",
    ),
];
