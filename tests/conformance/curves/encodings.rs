//! The forms in which programs give curves, points and private keys, and the one in which they come back.

use cryptoki_sys::*;

use super::program::{Desk, element, point_of, tagged};
use super::{Curve, EDWARDS, MONTGOMERY, SHORT, all, generate, named, sign};
use crate::module::{Token, refused};
use crate::parameters::plain;
use crate::session::Session;
use crate::template::{bytes, flag, with};
use crate::vectors::hex;

fn printable(name: &str) -> Vec<u8> {
    tagged(0x13, name.as_bytes())
}

/// Generates with these parameters, makes the public key again from them, and expects them back.
fn takes(session: Session, curve: &Curve, params: &[u8], kept: &[u8]) {
    let entry = bytes(CKA_EC_PARAMS, params);
    let readable = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let pair = generate(session, curve.generation(), std::slice::from_ref(&entry), &readable);
    let (public, private) = pair.unwrap_or_else(|code| panic!("{} {params:02x?}: {code:?}", curve.name));
    let (point, value) = (session.get(public, CKA_EC_POINT).unwrap(), session.get(private, CKA_VALUE).unwrap());
    let again = session.create(&with(&curve.public(&point), std::slice::from_ref(&entry))).unwrap();
    let secret = session.create(&with(&curve.private(&value), &[entry])).unwrap();
    let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
    for key in [public, private, again, secret] {
        assert_eq!(session.get(key, CKA_EC_PARAMS).unwrap(), kept, "{}", curve.name);
        assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), info, "{}", curve.name);
    }
    // Whatever the form of its parameters, the info has the object identifier.
    let oid = hex(curve.oid);
    assert!(info.windows(oid.len()).any(|window| window == oid), "{}", curve.name);
    let mechanism = match curve.key_type {
        CKK_EC => plain(CKM_ECDSA_SHA256),
        CKK_EC_EDWARDS => plain(CKM_EDDSA),
        _ => return,
    };
    let signature = sign(session, &mechanism, secret, b"message").unwrap();
    for key in [public, again] {
        assert_eq!(session.check(&mechanism, key, b"message", &signature), Ok(()));
    }
}

#[test]
fn a_curve_is_known_by_identifier_and_by_every_name_it_has() {
    let token = Token::new();
    let session = token.user();
    for curve in all() {
        takes(session, curve, &curve.params(), &curve.params());
        for name in curve.names {
            takes(session, curve, &printable(name), &printable(name));
        }
    }
}

/// OpenSSL wrote these before RFC 8410, GnuPG does still; OpenSC's pkcs11-tool counts one byte too many in a name. What
/// is kept of that is sound.
#[test]
fn older_identifiers_and_a_miscounted_name_are_taken() {
    let token = Token::new();
    let session = token.user();
    for (name, older) in [
        ("ED25519", "06092b06010401da470f01"),
        ("ED448", "06092b06010401da470f02"),
        ("X25519", "060a2b060104019755010501"),
    ] {
        takes(session, named(name), &hex(older), &hex(older));
    }
    takes(session, named("X25519"), b"\x13\x0bcurve25519", &hex("06032b656e"));
}

#[test]
fn explicit_parameters_of_a_known_curve_are_taken() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    for curve in &SHORT {
        let arguments = ["ecparam", "-name", curve.name, "-param_enc", "explicit", "-outform", "DER"];
        let params = desk.made(&arguments, &[]);
        assert_eq!(params[0], 0x30);
        takes(session, curve, &params, &params);
        // Another base point makes it another curve, which nobody has checked.
        let (_, content, _) = element(&params);
        let (_, _, after_version) = element(content);
        let (_, _, after_field) = element(after_version);
        let (_, _, base_point) = element(after_field);
        assert_eq!(base_point[0], 4);
        let mut other = params.clone();
        other[params.len() - base_point.len() + 20] ^= 1;
        let refusal = generate(session, CKM_EC_KEY_PAIR_GEN, &[bytes(CKA_EC_PARAMS, other)], &[]);
        assert_eq!(refusal, refused(CKR_CURVE_NOT_SUPPORTED), "{}", curve.name);
    }
}

/// The standard has an OCTET STRING for the points of `CKK_EC`, bare bytes for the others; programs mix them up. What
/// comes back is always an OCTET STRING.
#[test]
fn a_point_is_taken_bare_wrapped_or_compressed_and_comes_back_wrapped() {
    let (token, desk) = (Token::new(), Desk::new());
    let session = token.user();
    for curve in all() {
        let theirs = desk.key(curve);
        let mut forms = vec![theirs.point.clone(), tagged(4, &theirs.point)];
        if curve.key_type == CKK_EC {
            let arguments = ["ec", "-pubin", "-inform", "DER", "-in", "p", "-pubout", "-outform", "DER"];
            let compressed = [&arguments[..], &["-conv_form", "compressed"]].concat();
            let compressed = point_of(&desk.made(&compressed, &[("p", &theirs.info)]));
            assert_eq!(compressed.len(), 1 + curve.bytes);
            let mut hybrid = theirs.point.clone();
            hybrid[0] = 6 + (hybrid[hybrid.len() - 1] & 1);
            forms.extend([tagged(4, &compressed), compressed, tagged(4, &hybrid), hybrid]);
        }
        for form in forms {
            let key = session.create(&curve.public(&form)).unwrap_or_else(|code| panic!("{form:02x?}: {code:?}"));
            assert_eq!(session.get(key, CKA_EC_POINT).unwrap(), tagged(4, &theirs.point), "{}", curve.name);
            assert_eq!(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap(), theirs.info, "{}", curve.name);
        }
    }
}

/// `CKA_VALUE` is a big integer: leading zeros may be there or not. It comes back as wide as the order.
#[test]
fn a_private_number_may_be_short_or_have_leading_zeros() {
    let token = Token::new();
    let session = token.user();
    for curve in &SHORT {
        for number in [vec![1], vec![2, 0], [0x7f; 20].to_vec()] {
            let wide = [&vec![0; curve.bytes - number.len()][..], &number].concat();
            let wider = [&[0; 9], &wide[..]].concat();
            let readable = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
            let mut infos = Vec::new();
            for form in [&number, &wide, &wider] {
                let key = session.create(&with(&curve.private(form), &readable)).unwrap();
                assert_eq!(session.get(key, CKA_VALUE).unwrap(), wide, "{}", curve.name);
                infos.push(session.get(key, CKA_PUBLIC_KEY_INFO).unwrap());
            }
            assert!(infos.iter().all(|info| *info == infos[0]));
        }
    }
}

/// RFC 8410 and some programs have an OCTET STRING in the private key. Bytes that only look like one are what they are:
/// one seed in 65,536 begins so.
#[test]
fn a_seed_may_be_wrapped_and_may_look_as_if_it_were() {
    let token = Token::new();
    let session = token.user();
    for curve in EDWARDS.iter().chain(&MONTGOMERY) {
        let mut look_alike = vec![0x5a; curve.bytes];
        look_alike[..2].copy_from_slice(&[4, curve.bytes as u8 - 2]);
        for seed in [vec![7; curve.bytes], look_alike] {
            for place in [false, true] {
                let more = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true), flag(CKA_TOKEN, place)];
                let bare = session.create(&with(&curve.private(&seed), &more)).unwrap();
                let wrapped = session.create(&with(&curve.private(&tagged(4, &seed)), &more)).unwrap();
                for key in [bare, wrapped] {
                    assert_eq!(session.get(key, CKA_VALUE).unwrap(), seed, "{}", curve.name);
                }
                let info = session.get(bare, CKA_PUBLIC_KEY_INFO).unwrap();
                assert_eq!(session.get(wrapped, CKA_PUBLIC_KEY_INFO).unwrap(), info);
                if curve.key_type == CKK_EC_EDWARDS {
                    let point = &info[info.len() - curve.bytes..];
                    let public = session.create(&curve.public(point)).unwrap();
                    let signature = sign(session, &plain(CKM_EDDSA), bare, b"message").unwrap();
                    assert_eq!(session.check(&plain(CKM_EDDSA), public, b"message", &signature), Ok(()));
                }
            }
        }
    }
}
