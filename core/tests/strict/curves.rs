//! Points that are none, and public keys that are somebody else's.

use cryptoki_sys::*;
use strongroom_core::mechanism::Parameter;

use crate::fixture::*;
use crate::purposes::P256;
use crate::words::*;

const X25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x6e];
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];

/// A19 (CVE-2021-3798): points on another curve, of small order, or on the twist, which tell the private value's
/// remainders. (More of them: the Wycheproof vectors in `tests/conformance/wycheproof_curves.rs`.)
#[test]
fn a19_points_off_the_curve_are_refused() {
    let token = strict();
    let curve = [bytes(CKA_EC_PARAMS, P256)];
    let (public, private) = token.generated_pair(CKM_EC_KEY_PAIR_GEN, &curve, &[flag(CKA_DERIVE, true)]).unwrap();
    let point = token.bytes(public, CKA_EC_POINT);
    let import = |point: &[u8]| {
        let own = [number(CKA_CLASS, CKO_PUBLIC_KEY), number(CKA_KEY_TYPE, CKK_EC), bytes(CKA_EC_PARAMS, P256)];
        token.made(&[&own[..], &[bytes(CKA_EC_POINT, point)]].concat())
    };
    let agree = |private, point: &[u8]| {
        let parameter = Parameter::Agreement { kdf: CKD_NULL, shared: &[], public: point, key_bits: 0 };
        token.refusal(CKM_ECDH1_DERIVE, parameter, private, &[number(CKA_VALUE_LEN, 32)])
    };
    import(&point).unwrap();
    assert_eq!(agree(private, &point), CKR_OK);
    let mut off = point.clone();
    *off.last_mut().unwrap() ^= 1;
    let infinity = [4, 1, 0];
    for wrong in [&off[..], &[&point[..3], &[0; 64]].concat(), &infinity, &point[..40]] {
        assert_eq!(import(wrong), Err(CKR_PUBLIC_KEY_INVALID), "{wrong:02x?}");
        assert_eq!(agree(private, wrong), CKR_PUBLIC_KEY_INVALID, "{wrong:02x?}");
    }
    let curve = [bytes(CKA_EC_PARAMS, X25519)];
    let (_, private) = token.generated_pair(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, &curve, &[]).unwrap();
    // Of small order: the agreement would be zero for every private key (RFC 7748 §6.1).
    let one = [&[1][..], &[0; 31]].concat();
    for small in [&[0; 32][..], &one] {
        assert_eq!(agree(private, small), CKR_PUBLIC_KEY_INVALID);
    }
}

/// A20 ("double public key"): one Ed25519 key that signs the same with two public keys tells its private value. The
/// public key is computed here; none is taken from the caller.
#[test]
fn a20_a_private_key_has_its_own_public_key() {
    let token = strict();
    let curve = [bytes(CKA_EC_PARAMS, ED25519)];
    let open = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let (public, private) = token.generated_pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, &curve, &open).unwrap();
    let (other, _) = token.generated_pair(CKM_EC_EDWARDS_KEY_PAIR_GEN, &curve, &[]).unwrap();
    let import = |more: &[Entry]| {
        let own = [
            number(CKA_CLASS, CKO_PRIVATE_KEY),
            number(CKA_KEY_TYPE, CKK_EC_EDWARDS),
            bytes(CKA_EC_PARAMS, ED25519),
            bytes(CKA_VALUE, &token.value(private)),
        ];
        token.made(&[&own[..], more].concat())
    };
    let eddsa = plain(CKM_EDDSA);
    let again = import(&[]).unwrap();
    assert_eq!(token.bytes(again, CKA_PUBLIC_KEY_INFO), token.bytes(public, CKA_PUBLIC_KEY_INFO));
    let signature = token.sign(&eddsa, again, b"data").unwrap();
    assert_eq!(token.sign(&eddsa, private, b"data"), Ok(signature.clone()));
    token.verify(&eddsa, public, b"data", &signature).unwrap();
    assert_eq!(import(&[bytes(CKA_EC_POINT, &token.bytes(other, CKA_EC_POINT))]), Err(CKR_TEMPLATE_INCONSISTENT));
    let foreign = [bytes(CKA_PUBLIC_KEY_INFO, &token.bytes(other, CKA_PUBLIC_KEY_INFO))];
    assert_eq!(import(&foreign), Err(CKR_ATTRIBUTE_VALUE_INVALID));
    assert_eq!(token.set(private, &foreign), Err(CKR_ATTRIBUTE_VALUE_INVALID));
}
