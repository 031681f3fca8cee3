//! Keys agreed upon (PKCS#11 3.2 §6.3.17 and §6.3.18).

use cryptoki_sys::*;

use super::program::{Desk, tagged};
use super::{EDWARDS, MONTGOMERY, SHORT, generate, named};
use crate::module::{Token, refused};
use crate::parameters::{Mechanism, Parameter};
use crate::samples::Random;
use crate::session::Session;
use crate::template::{Entry, bytes, flag, number, with};
use crate::vectors::hex;

/// `CKM_ECDH1_DERIVE` with this point and without a KDF.
pub(crate) fn agreement(point: &[u8]) -> Mechanism {
    with_kdf(CKM_ECDH1_DERIVE, CKD_NULL, b"", point)
}

fn with_kdf(id: CK_MECHANISM_TYPE, kdf: CK_EC_KDF_TYPE, shared: &[u8], point: &[u8]) -> Mechanism {
    Mechanism { id, parameter: Parameter::Ecdh { kdf, shared: shared.to_vec(), public: point.to_vec() } }
}

/// A generic secret that can be read.
pub(crate) fn secret_template() -> Vec<Entry> {
    vec![
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        flag(CKA_SENSITIVE, false),
        flag(CKA_EXTRACTABLE, true),
    ]
}

fn secret(session: Session, mechanism: &Mechanism, base: CK_OBJECT_HANDLE, more: &[Entry]) -> Vec<u8> {
    let key = session.derive(mechanism, base, &with(&secret_template(), more)).unwrap();
    let value = session.get(key, CKA_VALUE).unwrap();
    session.destroy(key).unwrap();
    value
}

/// Both halves made here and there; the other side's point bare, wrapped and, where that exists, compressed.
#[test]
fn secrets_are_those_of_openssl() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    let mut count = 0;
    for curve in SHORT.iter().chain(&MONTGOMERY) {
        for _ in 0..4 {
            let theirs = desk.key(curve);
            let (public, private) = curve.pair(session);
            let expected = desk.agree(&theirs.private, &session.get(public, CKA_PUBLIC_KEY_INFO).unwrap());
            let mut forms = vec![theirs.point.clone(), tagged(4, &theirs.point)];
            if curve.key_type == CKK_EC {
                let sign = 2 + (theirs.point[theirs.point.len() - 1] & 1);
                let compressed = [&[sign], &theirs.point[1..=curve.bytes]].concat();
                forms.extend([tagged(4, &compressed), compressed]);
            }
            for form in &forms {
                assert_eq!(secret(session, &agreement(form), private, &[]), expected, "{}", curve.name);
                if curve.key_type == CKK_EC {
                    let cofactor = with_kdf(CKM_ECDH1_COFACTOR_DERIVE, CKD_NULL, b"", form);
                    assert_eq!(secret(session, &cofactor, private, &[]), expected, "{}", curve.name);
                }
            }
            // Their private key here, our point there.
            let other = desk.key(curve);
            let own = session.create(&curve.private(&theirs.value)).unwrap();
            let expected = desk.agree(&other.private, &theirs.info);
            assert_eq!(secret(session, &agreement(&other.point), own, &[]), expected, "{}", curve.name);
            count += forms.len() + 1;
        }
    }
    println!("{count} agreements with openssl");
}

/// RFC 7748 §6.1 and §6.2: private and public key, the same of the other side, the secret.
#[rustfmt::skip]
const RFC_7748: [(&str, [&str; 5]); 2] = [
    ("X25519", [
        "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
        "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
        "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
        "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
    ]),
    ("X448", [
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
    ]),
];

#[test]
fn the_vectors_of_rfc_7748() {
    let token = Token::new();
    let session = token.user();
    for (name, [one, one_point, other, other_point, expected]) in RFC_7748 {
        let curve = named(name);
        for (value, own, peer) in [(one, one_point, other_point), (other, other_point, one_point)] {
            let key = session.create(&curve.private(&hex(value))).unwrap();
            assert!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap().ends_with(&hex(own)));
            assert_eq!(secret(session, &agreement(&hex(peer)), key, &[]), hex(expected), "{name}");
        }
    }
}

const KDFS: [(CK_EC_KDF_TYPE, &str, &str); 18] = [
    (CKD_SHA1_KDF, "X963KDF", "SHA1"),
    (CKD_SHA224_KDF, "X963KDF", "SHA224"),
    (CKD_SHA256_KDF, "X963KDF", "SHA256"),
    (CKD_SHA384_KDF, "X963KDF", "SHA384"),
    (CKD_SHA512_KDF, "X963KDF", "SHA512"),
    (CKD_SHA3_224_KDF, "X963KDF", "SHA3-224"),
    (CKD_SHA3_256_KDF, "X963KDF", "SHA3-256"),
    (CKD_SHA3_384_KDF, "X963KDF", "SHA3-384"),
    (CKD_SHA3_512_KDF, "X963KDF", "SHA3-512"),
    (CKD_SHA1_KDF_SP800, "SSKDF", "SHA1"),
    (CKD_SHA224_KDF_SP800, "SSKDF", "SHA224"),
    (CKD_SHA256_KDF_SP800, "SSKDF", "SHA256"),
    (CKD_SHA384_KDF_SP800, "SSKDF", "SHA384"),
    (CKD_SHA512_KDF_SP800, "SSKDF", "SHA512"),
    (CKD_SHA3_224_KDF_SP800, "SSKDF", "SHA3-224"),
    (CKD_SHA3_256_KDF_SP800, "SSKDF", "SHA3-256"),
    (CKD_SHA3_384_KDF_SP800, "SSKDF", "SHA3-384"),
    (CKD_SHA3_512_KDF_SP800, "SSKDF", "SHA3-512"),
];

#[test]
fn derivation_functions_are_those_of_openssl() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    let mut random = Random(3201);
    for curve in [&SHORT[1], &SHORT[3], &SHORT[4], &MONTGOMERY[0], &MONTGOMERY[1]] {
        let theirs = desk.key(curve);
        let (_, private) = curve.pair(session);
        let agreed = secret(session, &agreement(&theirs.point), private, &[]);
        for (kdf, function, hash) in KDFS {
            let shared_len = random.below(40);
            let (shared, len) = (random.bytes(shared_len), 1 + random.below(200));
            let digits = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let options = [
                ("-keylen", len.to_string()),
                ("-kdfopt", format!("digest:{hash}")),
                ("-kdfopt", format!("hexkey:{}", digits(&agreed))),
                ("-kdfopt", format!("hexinfo:{}", digits(&shared))),
            ];
            // Without shared data, no info at all.
            let options = &options[..if shared.is_empty() { 3 } else { 4 }];
            let options = options.iter().flat_map(|(name, value)| [*name, value]);
            let arguments: Vec<&str> = ["kdf"].into_iter().chain(options).chain(["-binary", function]).collect();
            let expected = desk.made(&arguments, &[]);
            let mechanism = with_kdf(CKM_ECDH1_DERIVE, kdf, &shared, &theirs.point);
            let value = secret(session, &mechanism, private, &[number(CKA_VALUE_LEN, len as CK_ULONG)]);
            assert_eq!(value, expected, "{} {function} {hash} {len}", curve.name);
        }
    }
    println!("{} derivations compared with openssl", 5 * KDFS.len());
}

/// "The truncation removes bytes from the leading end of the secret value."
#[test]
fn a_secret_is_cut_to_the_length_of_the_key() {
    let token = Token::new();
    let session = token.user();
    let curve = &SHORT[3];
    let (_, private) = curve.pair(session);
    let peer = Desk::new().key(curve);
    let whole = secret(session, &agreement(&peer.point), private, &[]);
    assert_eq!(whole.len(), curve.bytes);
    let of = |key_type, len: Option<CK_ULONG>| {
        let mut template = with(&secret_template(), &[number(CKA_KEY_TYPE, key_type)]);
        template.extend(len.map(|len| number(CKA_VALUE_LEN, len)));
        session.derive(&agreement(&peer.point), private, &template).map(|key| session.get(key, CKA_VALUE).unwrap())
    };
    for len in [1, 16, 65, 66] {
        assert_eq!(of(CKK_GENERIC_SECRET, Some(len)).unwrap(), whole[whole.len() - len as usize..]);
    }
    for len in [16, 24, 32] {
        assert_eq!(of(CKK_AES, Some(len)).unwrap(), whole[whole.len() - len as usize..]);
    }
    assert_eq!(of(CKK_GENERIC_SECRET, Some(67)), refused(CKR_KEY_SIZE_RANGE));
    assert_eq!(of(CKK_AES, None), refused(CKR_TEMPLATE_INCOMPLETE));
    assert_eq!(of(CKK_AES, Some(17)), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    assert_eq!(of(CKK_CHACHA20, None).unwrap(), whole[whole.len() - 32..]);
}

/// §6.3.17: the template may say how open the key is; that it was never open it has from its base key.
#[test]
fn a_derived_key_is_as_its_template_says_and_remembers_its_base() {
    let token = Token::new();
    let session = token.user();
    let curve = &SHORT[1];
    let peer = Desk::new().key(curve);
    let params = [bytes(CKA_EC_PARAMS, curve.params())];
    let (_, closed) = generate(session, curve.generation(), &params, &[]).unwrap();
    let (_, open) = curve.pair(session);
    for (base, was_closed) in [(closed, true), (open, false)] {
        for (sensitive, extractable) in [(false, true), (true, false), (true, true), (false, false)] {
            let more = [flag(CKA_SENSITIVE, sensitive), flag(CKA_EXTRACTABLE, extractable)];
            let key = session.derive(&agreement(&peer.point), base, &with(&secret_template(), &more)).unwrap();
            assert_eq!(session.flag(key, CKA_SENSITIVE), sensitive);
            assert_eq!(session.flag(key, CKA_EXTRACTABLE), extractable);
            assert_eq!(session.flag(key, CKA_ALWAYS_SENSITIVE), was_closed && sensitive);
            assert_eq!(session.flag(key, CKA_NEVER_EXTRACTABLE), was_closed && !extractable);
            assert!(!session.flag(key, CKA_LOCAL));
        }
    }
}

#[test]
fn points_of_the_other_side_that_are_not_sound() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    for curve in &SHORT {
        let (_, private) = curve.pair(session);
        let point = desk.key(curve).point;
        let last = point.len() - 1;
        let mut off = point.clone();
        off[last] ^= 1;
        let zero = [&[4], &vec![0; 2 * curve.bytes][..]].concat();
        let longer = [&point[..], &[0]].concat();
        for bad in [&[0][..], &off, &zero, &longer, &point[..last], &point[1..], &point[..1]] {
            for form in [bad.to_vec(), tagged(4, bad)] {
                for id in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE] {
                    let outcome = session.derive(&with_kdf(id, CKD_NULL, b"", &form), private, &secret_template());
                    assert_eq!(outcome, refused(CKR_PUBLIC_KEY_INVALID), "{} {form:02x?}", curve.name);
                }
            }
        }
    }
    // Points of small order give the same secret to everybody.
    for curve in &MONTGOMERY {
        let (_, private) = curve.pair(session);
        let mut one = vec![0; curve.bytes];
        one[0] = 1;
        for bad in [vec![0; curve.bytes], one, vec![9; curve.bytes - 1], vec![9; curve.bytes + 1]] {
            let outcome = session.derive(&agreement(&bad), private, &secret_template());
            assert_eq!(outcome, refused(CKR_PUBLIC_KEY_INVALID), "{} {bad:02x?}", curve.name);
        }
    }
}

#[test]
fn keys_and_parameters_that_an_agreement_does_not_take() {
    let token = Token::new();
    let session = token.user();
    let curve = &SHORT[1];
    let (public, private) = curve.pair(session);
    let peer = Desk::new().key(curve).point;
    let derive = |mechanism: &Mechanism, key| session.derive(mechanism, key, &secret_template());
    for kdf in [0, 0x7fff, CKD_SHA1_KDF_ASN1, CKD_BLAKE2B_256_KDF, CK_ULONG::MAX] {
        let mechanism = with_kdf(CKM_ECDH1_DERIVE, kdf, b"", &peer);
        assert_eq!(derive(&mechanism, private), refused(CKR_MECHANISM_PARAM_INVALID), "{kdf}");
    }
    let shared = with_kdf(CKM_ECDH1_DERIVE, CKD_NULL, b"x", &peer);
    assert_eq!(derive(&shared, private), refused(CKR_MECHANISM_PARAM_INVALID));
    // A KDF has no length of its own.
    let endless = with_kdf(CKM_ECDH1_DERIVE, CKD_SHA256_KDF, b"", &peer);
    assert_eq!(derive(&endless, private), refused(CKR_TEMPLATE_INCOMPLETE));
    for parameter in [Parameter::None, Parameter::Bytes(vec![1; 8]), Parameter::Bytes(vec![1; 39])] {
        let mechanism = Mechanism { id: CKM_ECDH1_DERIVE, parameter };
        assert_eq!(derive(&mechanism, private), refused(CKR_MECHANISM_PARAM_INVALID));
    }
    let (edwards_public, edwards) = EDWARDS[0].pair(session);
    for key in [public, edwards_public, edwards] {
        assert_eq!(derive(&agreement(&peer), key), refused(CKR_KEY_TYPE_INCONSISTENT));
    }
    let (montgomery_public, montgomery) = MONTGOMERY[0].pair(session);
    let point = session.get(montgomery_public, CKA_EC_POINT).unwrap();
    let cofactor = with_kdf(CKM_ECDH1_COFACTOR_DERIVE, CKD_NULL, b"", &point);
    assert_eq!(derive(&cofactor, montgomery), refused(CKR_KEY_TYPE_INCONSISTENT));
    let params = [bytes(CKA_EC_PARAMS, curve.params())];
    let (_, mute) = generate(session, curve.generation(), &params, &[flag(CKA_DERIVE, false)]).unwrap();
    assert_eq!(derive(&agreement(&peer), mute), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    assert_eq!(derive(&agreement(&peer), 0), refused(CKR_KEY_HANDLE_INVALID));
}
