//! What is not taken, each with its code (PKCS#11 3.2 §5.1.6, §6.3).

use cryptoki_sys::*;

use super::program::{Desk, tagged};
use super::{Curve, EDWARDS, MONTGOMERY, SHORT, all, generate, named, shortened, sign};
use crate::module::{Outcome, Token, refused};
use crate::parameters::{Mechanism, Parameter, plain};
use crate::session::{NOTHING, Session, Work};
use crate::template::{bytes, with, without};
use crate::vectors::hex;

/// A number that much larger, of the same width.
fn plus(number: &[u8], more: u8) -> Vec<u8> {
    let mut sum = number.to_vec();
    let mut carry = u16::from(more);
    for byte in sum.iter_mut().rev() {
        carry += u16::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
    sum
}

/// Wherever parameters are given, they are refused so.
fn params_are_refused(session: Session, curve: &Curve, params: &[u8], code: CK_RV) {
    let entry = [bytes(CKA_EC_PARAMS, params)];
    let context = format!("{} {params:02x?}", curve.name);
    assert_eq!(generate(session, curve.generation(), &entry, &[]), refused(code), "{context}");
    let public = with(&curve.public(&vec![4; 2 * curve.bytes + 1]), &entry);
    assert_eq!(session.create(&public), refused(code), "{context}");
    assert_eq!(session.create(&with(&curve.private(&vec![1; curve.bytes]), &entry)), refused(code), "{context}");
}

#[test]
fn curves_that_are_not_offered() {
    let token = Token::new();
    let session = token.user();
    // secp192r1, secp256k1's neighbour secp192k1, sect283r1, brainpoolP256t1, a 2-byte identifier, names.
    let mut unknown = ["06082a8648ce3d030101", "06052b8104001f", "06052b81040011", "06092b2403030208010108", "060155"]
        .map(hex)
        .to_vec();
    for name in ["secp192r1", "P-192", "secp256r", "secp256r11", "brainpoolP256t1", " P-256", "x"] {
        unknown.push(tagged(0x13, name.as_bytes()));
    }
    for curve in [&SHORT[1], &EDWARDS[0], &MONTGOMERY[0]] {
        for params in &unknown {
            params_are_refused(session, curve, params, CKR_CURVE_NOT_SUPPORTED);
        }
        // §6.3.10 and §6.3.11: each type of key has its own curves.
        for other in all().filter(|other| other.key_type != curve.key_type) {
            params_are_refused(session, curve, &other.params(), CKR_CURVE_NOT_SUPPORTED);
            for name in other.names {
                params_are_refused(session, curve, &tagged(0x13, name.as_bytes()), CKR_CURVE_NOT_SUPPORTED);
            }
        }
    }
    assert_eq!(session.find(&[]), NOTHING);
}

/// implicitlyCA must not be used in Cryptoki; Edwards and Montgomery keys have no explicit parameters.
#[test]
fn parameters_that_are_none() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    let explicit = desk.made(&["ecparam", "-name", "prime256v1", "-param_enc", "explicit", "-outform", "DER"], &[]);
    for curve in [&SHORT[1], &EDWARDS[0], &MONTGOMERY[0]] {
        let oid = curve.params();
        let longer = [&oid[..], &[0]].concat();
        let name = tagged(0x13, curve.names[0].as_bytes());
        let utf8 = tagged(0x0c, curve.names[0].as_bytes());
        let bare = &oid[2..];
        let cut = &explicit[..explicit.len() - 1];
        for params in [
            &b"\x05\x00"[..],
            b"\x06\x00",
            b"\x06",
            b"x",
            &oid[..oid.len() - 1],
            &longer,
            &name[..name.len() - 1],
            &utf8,
            bare,
            cut,
        ] {
            params_are_refused(session, curve, params, CKR_DOMAIN_PARAMS_INVALID);
        }
        if curve.key_type != CKK_EC {
            params_are_refused(session, curve, &explicit, CKR_DOMAIN_PARAMS_INVALID);
        }
        params_are_refused(session, curve, b"", CKR_TEMPLATE_INCOMPLETE);
        assert_eq!(generate(session, curve.generation(), &[], &[]), refused(CKR_TEMPLATE_INCOMPLETE));
        for attribute in [CKA_EC_PARAMS, CKA_EC_POINT] {
            let refusal = session.create(&without(&curve.public(&[4]), attribute));
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCOMPLETE));
        }
        for attribute in [CKA_EC_PARAMS, CKA_VALUE] {
            let refusal = session.create(&without(&curve.private(&[4]), attribute));
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCOMPLETE));
        }
    }
    assert_eq!(session.find(&[]), NOTHING);
}

/// §5.1.6: "The public key fails a public key validation."
#[test]
fn points_that_are_none_of_the_curve() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    for curve in &SHORT {
        let point = desk.key(curve).point;
        let last = point.len() - 1;
        let mut off = point.clone();
        off[last] ^= 1;
        let mut other_form = point.clone();
        other_form[0] = 5;
        let mut wrong_hybrid = point.clone();
        wrong_hybrid[0] = 7 - (point[last] & 1);
        // A coordinate out of the field: x = all ones is above every prime here.
        let mut large = point.clone();
        large[1..=curve.bytes].fill(0xff);
        let zero = [&[4], &vec![0; 2 * curve.bytes][..]].concat();
        let longer = [&point[..], &[0]].concat();
        let shorter = &point[..last];
        let half = &point[..=curve.bytes];
        let coordinates = &point[1..];
        for bad in
            [&[0][..], &off, &other_form, &wrong_hybrid, &large, &zero, &longer, shorter, half, coordinates, &[4]]
        {
            for form in [bad.to_vec(), tagged(4, bad)] {
                let refusal = session.create(&curve.public(&form));
                assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "{} {form:02x?}", curve.name);
            }
        }
        let twice = tagged(4, &tagged(4, &point));
        assert_eq!(session.create(&curve.public(&twice)), refused(CKR_PUBLIC_KEY_INVALID));
        assert_eq!(session.create(&curve.public(b"")), refused(CKR_TEMPLATE_INCOMPLETE));
    }
    // A point of another curve of the same length.
    let point = desk.key(named("secp256k1")).point;
    for name in ["prime256v1", "brainpoolP256r1"] {
        assert_eq!(session.create(&named(name).public(&point)), refused(CKR_PUBLIC_KEY_INVALID));
    }
    for curve in EDWARDS.iter().chain(&MONTGOMERY) {
        for len in [1, curve.bytes - 1, curve.bytes + 1, 2 * curve.bytes] {
            for form in [vec![9; len], tagged(4, &vec![9; len])] {
                // As an OCTET STRING of two bytes less, one of these has the right length in all.
                if form.len() != curve.bytes {
                    let refusal = session.create(&curve.public(&form));
                    assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "{} {len}", curve.name);
                }
            }
        }
    }
    assert_eq!(session.find(&[]), NOTHING);
}

/// Half of all y belong to no point (RFC 8032 §5.1.3, §5.2.3); the others are those of two.
#[test]
fn edwards_points_off_the_curve() {
    let token = Token::new();
    let session = token.user();
    for curve in &EDWARDS {
        let mut points = 0;
        for y in 2..202 {
            let mut point = vec![0; curve.bytes];
            (point[0], point[1]) = (y, 7);
            match session.create(&curve.public(&point)) {
                Ok(_) => points += 1,
                refusal => assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "{} {y}", curve.name),
            }
        }
        assert!((60..140).contains(&points), "{} {points}", curve.name);
        let refusal = session.create(&curve.public(&vec![0xff; curve.bytes]));
        assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "not reduced");
    }
}

/// Under a key of small order one signature fits many messages.
#[test]
fn edwards_points_of_small_order() {
    let token = Token::new();
    let session = token.user();
    for (curve, points) in [
        (
            &EDWARDS[0],
            &[
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0000000000000000000000000000000000000000000000000000000000000080",
                "0100000000000000000000000000000000000000000000000000000000000000",
                "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            ][..],
        ),
        (
            &EDWARDS[1],
            &[
                "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
                 000000000000000000",
                "010000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000
                 000000000000000000",
                "fefffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffffffffffffffffffffffffffffffffff
                 ffffffffffffffff00",
            ],
        ),
    ] {
        for point in points {
            let refusal = session.create(&curve.public(&hex(point)));
            assert_eq!(refusal, refused(CKR_PUBLIC_KEY_INVALID), "{} {point}", curve.name);
        }
    }
}

#[test]
fn private_numbers_out_of_range() {
    let token = Token::new();
    let session = token.user();
    for curve in &SHORT {
        let order = curve.order();
        let mut last = order.clone();
        *last.last_mut().unwrap() -= 1;
        for good in [vec![1], last] {
            session.destroy(session.create(&curve.private(&good)).unwrap()).unwrap();
        }
        let ones = vec![0xff; curve.bytes];
        let longer = [&[1], &order[..]].concat();
        for bad in [vec![0], vec![0; curve.bytes], vec![0; 200], order.clone(), plus(&order, 1), ones, longer] {
            let refusal = session.create(&curve.private(&bad));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{} {bad:02x?}", curve.name);
        }
        assert_eq!(session.create(&curve.private(b"")), refused(CKR_TEMPLATE_INCOMPLETE));
    }
    for curve in EDWARDS.iter().chain(&MONTGOMERY) {
        for len in [1, curve.bytes - 1, curve.bytes + 1, 2 * curve.bytes] {
            let refusal = session.create(&curve.private(&vec![9; len]));
            assert_eq!(refusal, refused(CKR_ATTRIBUTE_VALUE_INVALID), "{} {len}", curve.name);
        }
    }
    assert_eq!(session.find(&[]), NOTHING);
}

/// §6.3.1: both halves may be shorter, by as much. Java's SunPKCS11 sends them without the zeros they share.
#[test]
fn a_signature_without_the_zeros_its_halves_share_is_taken() {
    let token = Token::new();
    let session = token.user();
    for curve in &SHORT {
        let (public, private) = curve.pair(session);
        let mut short = 0;
        // P-521's first byte is one bit; of the others one in 65,536 would be short.
        for round in 0..if curve.bytes == 66 { 200u32 } else { 1 } {
            let digest = round.to_be_bytes();
            let signature = sign(session, &plain(CKM_ECDSA), private, &digest).unwrap();
            let trimmed = shortened(&signature);
            if trimmed.len() == signature.len() && round != 0 {
                continue;
            }
            short += usize::from(trimmed.len() < signature.len());
            assert_eq!(session.check(&plain(CKM_ECDSA), public, &digest, &trimmed), Ok(()), "{}", curve.name);
            // Still shorter it is another's.
            let (r, s) = trimmed.split_at(trimmed.len() / 2);
            let cut = [&r[1..], &s[1..]].concat();
            let refusal = session.check(&plain(CKM_ECDSA), public, &digest, &cut);
            assert_eq!(refusal, refused(CKR_SIGNATURE_INVALID), "{}", curve.name);
            if short > 0 {
                break;
            }
        }
        if curve.bytes == 66 {
            assert!(short > 0);
        }
    }
}

#[test]
fn signatures_of_lengths_that_cannot_be() {
    let token = Token::new();
    let session = token.user();
    for curve in SHORT.iter().chain(&EDWARDS) {
        let (public, private) = curve.pair(session);
        let mechanism = plain(if curve.key_type == CKK_EC { CKM_ECDSA } else { CKM_EDDSA });
        let signature = sign(session, &mechanism, private, b"message").unwrap();
        let whole = 2 * curve.bytes;
        assert_eq!(signature.len(), whole);
        for len in (0..=whole + 4).chain([2 * whole, 1000]).filter(|len| *len != whole) {
            let mut other = signature.clone();
            other.resize(len, 0);
            let may_be = curve.key_type == CKK_EC && len < whole && len % 2 == 0 && len > 0;
            let code = if may_be { CKR_SIGNATURE_INVALID } else { CKR_SIGNATURE_LEN_RANGE };
            let outcome = session.check(&mechanism, public, b"message", &other);
            assert_eq!(outcome, refused(code), "{} {len}", curve.name);
            // The operation is over.
            assert_eq!(session.verify(b"message", &signature), refused(CKR_OPERATION_NOT_INITIALIZED));
        }
        for bit in (0..8 * whole).step_by(7) {
            let mut changed = signature.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let outcome = session.check(&mechanism, public, b"message", &changed);
            assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID), "{} {bit}", curve.name);
        }
    }
}

/// `C_VerifySignatureInit` has the signature before the data; a length that cannot be it may tell then or at the end.
#[test]
fn a_signature_that_comes_first_is_held_to_the_same_lengths() {
    let token = Token::new();
    let session = token.user();
    for curve in SHORT.iter().chain(&EDWARDS) {
        let (public, private) = curve.pair(session);
        let mechanism = plain(if curve.key_type == CKK_EC { CKM_ECDSA } else { CKM_EDDSA });
        let signature = sign(session, &mechanism, private, b"message").unwrap();
        let check = |signature: &[u8]| {
            session.verify_signature_init(&mechanism, public, signature)?;
            session.verify_signature(b"message")
        };
        assert_eq!(check(&signature), Ok(()), "{}", curve.name);
        let longer = [&signature[..], &[0, 0]].concat();
        for bad in [&longer[..], &longer[..signature.len() + 1], &signature[1..], &[]] {
            assert_eq!(check(bad), refused(CKR_SIGNATURE_LEN_RANGE), "{} {}", curve.name, bad.len());
        }
        if curve.key_type == CKK_EC {
            assert_eq!(check(&shortened(&signature)), Ok(()), "{}", curve.name);
            assert_eq!(check(&signature[2..]), refused(CKR_SIGNATURE_INVALID), "{}", curve.name);
        }
    }
}

/// FIPS 186-5 §6.4.2: r and s are from 1 to n - 1.
#[test]
fn signatures_of_numbers_out_of_range() {
    let token = Token::new();
    let session = token.user();
    for curve in &SHORT {
        let (public, private) = curve.pair(session);
        let signature = sign(session, &plain(CKM_ECDSA), private, b"digest").unwrap();
        let (r, s) = signature.split_at(curve.bytes);
        let order = curve.order();
        let bad = [vec![0; curve.bytes], order.clone(), plus(&order, 1), vec![0xff; curve.bytes]];
        for number in &bad {
            for forged in [[number, s].concat(), [r, number].concat(), [&number[..], number].concat()] {
                let outcome = session.check(&plain(CKM_ECDSA), public, b"digest", &forged);
                assert_eq!(outcome, refused(CKR_SIGNATURE_INVALID), "{} {forged:02x?}", curve.name);
            }
        }
    }
}

fn both_ways(session: Session, mechanism: &Mechanism, pair: (u64, u64)) -> [Outcome; 2] {
    let begun = session.begin(Work::Sign, mechanism, pair.1);
    let verified = session.verify_init(mechanism, pair.0);
    session.cancel_all();
    [begun, verified]
}

#[test]
fn keys_and_parameters_that_a_mechanism_does_not_take() {
    let token = Token::new();
    let session = token.user();
    let (short, edwards) = (SHORT[1].pair(session), EDWARDS[0].pair(session));
    let montgomery = MONTGOMERY[0].pair(session);
    for id in [CKM_ECDSA, CKM_ECDSA_SHA256, CKM_ECDSA_SHA3_512] {
        for pair in [edwards, montgomery] {
            assert_eq!(both_ways(session, &plain(id), pair), [refused(CKR_KEY_TYPE_INCONSISTENT); 2]);
        }
        let with_parameter = Mechanism { id, parameter: Parameter::Bytes(vec![0; 8]) };
        assert_eq!(both_ways(session, &with_parameter, short), [refused(CKR_MECHANISM_PARAM_INVALID); 2]);
        // The halves have their functions.
        assert_eq!(session.begin(Work::Sign, &plain(id), short.0), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
        assert_eq!(session.verify_init(&plain(id), short.1), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    }
    for pair in [short, montgomery] {
        assert_eq!(both_ways(session, &plain(CKM_EDDSA), pair), [refused(CKR_KEY_TYPE_INCONSISTENT); 2]);
    }
    for id in [CKM_EC_KEY_PAIR_GEN, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EC_MONTGOMERY_KEY_PAIR_GEN] {
        let with_parameter = Mechanism { id, parameter: Parameter::Bytes(vec![0; 8]) };
        let refusal = session.generate_pair(&with_parameter, &[bytes(CKA_EC_PARAMS, SHORT[1].params())], &[]);
        assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID));
        assert_eq!(session.generate(&plain(id), &[]), refused(CKR_MECHANISM_INVALID), "C_GenerateKey makes no pairs");
        assert_eq!(both_ways(session, &plain(id), short), [refused(CKR_MECHANISM_INVALID); 2]);
    }
}

/// There is no message whose digest is empty.
#[test]
fn an_empty_digest_is_refused() {
    let token = Token::new();
    let session = token.user();
    for curve in &SHORT {
        let (public, private) = curve.pair(session);
        assert_eq!(session.run(Work::Sign, &plain(CKM_ECDSA), private, b""), refused(CKR_DATA_LEN_RANGE));
        let outcome = session.check(&plain(CKM_ECDSA), public, b"", &vec![1; 2 * curve.bytes]);
        assert_eq!(outcome, refused(CKR_DATA_LEN_RANGE));
    }
}
