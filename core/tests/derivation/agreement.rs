//! Agreements of two key pairs.

use cryptoki_sys::*;
use strongroom_core::mechanism::Parameter;
use strongroom_crypto::dh::{KnownGroup, Parameters};
use strongroom_crypto::encoding::as_octet_string;
use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::{ec, montgomery};

use crate::fixture::*;

fn with<'a>(kdf: u64, shared: &'a [u8], public: &'a [u8]) -> Parameter<'a> {
    Parameter::Agreement { kdf, shared, public, key_bits: 0 }
}

fn private(token: &Token, key_type: u64, params: &[u8], value: &[u8]) -> u64 {
    token.create(&[
        number(CKA_CLASS, CKO_PRIVATE_KEY),
        number(CKA_KEY_TYPE, key_type),
        bytes(CKA_EC_PARAMS, params),
        bytes(CKA_VALUE, value),
    ])
}

/// RFC 7748 §5.2: the first test vectors of both functions.
#[test]
fn montgomery_keys_agree_as_the_rfc_says() {
    let token = token();
    for (curve, scalar, point, secret) in [
        (
            montgomery::Curve::X25519,
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            montgomery::Curve::X448,
            "3d262fddf9ec8e88495266fea19a34d28882acef045104d0d1aae121
                 700a779c984c24f8cdd78fbff44943eba368f54b29259a4f1c600ad3",
            "06fce640fa3487bfda5f6cf2d5263f8aad88334cbd07437f020f08f9
                 814dc031ddbdc38c19c6da2583fa5429db94ada18aa7a7fb4ef8a086",
            "ce3e4ff95a60dc6697da1db1d85e6afbdf79b50a2412d7546d5f239f
                 e14fbaadeb445fc66a01b0779d98223961111e21766282f73dd96b6f",
        ),
    ] {
        let key = private(&token, CKK_EC_MONTGOMERY, curve.oid(), &hex(scalar));
        let (point, secret) = (hex(point), hex(secret));
        let agree =
            |public: &[u8], more: &[Entry]| token.derived(CKM_ECDH1_DERIVE, with(CKD_NULL, &[], public), key, more);
        assert_eq!(agree(&point, &[]), secret);
        assert_eq!(agree(&as_octet_string(&point), &[]), secret);
        // What is cut off is the leading end.
        assert_eq!(agree(&point, &[number(CKA_VALUE_LEN, 20)]), secret[secret.len() - 20..]);
        let refusal = |public: &[u8]| token.refusal(CKM_ECDH1_DERIVE, with(CKD_NULL, &[], public), key, &[]);
        for bad in [&[0; 32][..], &[0; 56], &point[1..], &[]] {
            assert_eq!(refusal(bad), CKR_PUBLIC_KEY_INVALID);
        }
        assert_eq!(
            token.refusal(CKM_ECDH1_COFACTOR_DERIVE, with(CKD_NULL, &[], &point), key, &[]),
            CKR_KEY_TYPE_INCONSISTENT
        );
    }
}

#[test]
fn points_come_in_every_form_and_must_lie_on_the_curve() {
    let token = token();
    for curve in [ec::Curve::P256, ec::Curve::P521, ec::Curve::Secp256k1] {
        let (own, peer) = (ec::PrivateKey::generate(curve).unwrap(), ec::PrivateKey::generate(curve).unwrap());
        let key = private(&token, CKK_EC, curve.oid(), own.scalar().unwrap().expose());
        let point = peer.public().unwrap().uncompressed();
        let secret = peer.agree(&own.public().unwrap().uncompressed()).unwrap();
        let (x, y) = point[1..].split_at(curve.field_bytes());
        let compressed = [&[2 + (y[y.len() - 1] & 1)], x].concat();
        for mechanism in [CKM_ECDH1_DERIVE, CKM_ECDH1_COFACTOR_DERIVE] {
            for form in [&point, &compressed, &as_octet_string(&point), &as_octet_string(&compressed)] {
                let value = token.derived(mechanism, with(CKD_NULL, &[], form), key, &[]);
                assert_eq!(value, secret.expose());
            }
            let mut off = point.clone();
            *off.last_mut().unwrap() ^= 1;
            for bad in [&off[..], &as_octet_string(&off), &[0], &[], &point[1..]] {
                let refusal = token.refusal(mechanism, with(CKD_NULL, &[], bad), key, &[]);
                assert_eq!(refusal, CKR_PUBLIC_KEY_INVALID);
            }
        }
    }
}

#[test]
fn kdfs_make_any_length_of_an_agreed_secret() {
    let token = token();
    let (own, peer) =
        (ec::PrivateKey::generate(ec::Curve::P256).unwrap(), ec::PrivateKey::generate(ec::Curve::P256).unwrap());
    let key = private(&token, CKK_EC, ec::Curve::P256.oid(), own.scalar().unwrap().expose());
    let point = peer.public().unwrap().uncompressed();
    let secret = own.agree(&point).unwrap();
    let hashed = |parts: [&[u8]; 3]| {
        let mut digest = vec![0; 32];
        hash::digest(Algorithm::Sha256, &parts.concat(), &mut digest).unwrap();
        digest
    };
    let (one, two) = (1u32.to_be_bytes(), 2u32.to_be_bytes());
    let z = secret.expose();
    let length = [number(CKA_VALUE_LEN, 40)];
    for (kdf, first, second) in [
        (CKD_SHA256_KDF, hashed([z, &one, b"info"]), hashed([z, &two, b"info"])),
        (CKD_SHA256_KDF_SP800, hashed([&one, z, b"info"]), hashed([&two, z, b"info"])),
    ] {
        let value = token.derived(CKM_ECDH1_DERIVE, with(kdf, b"info", &point), key, &length);
        assert_eq!(value, [&first[..], &second[..8]].concat());
        assert_eq!(token.refusal(CKM_ECDH1_DERIVE, with(kdf, b"info", &point), key, &[]), CKR_TEMPLATE_INCOMPLETE);
    }
    let refusal = |parameter, more: &[Entry]| token.refusal(CKM_ECDH1_DERIVE, parameter, key, more);
    assert_eq!(refusal(with(CKD_NULL, b"info", &point), &[]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(with(4711, &[], &point), &[]), CKR_MECHANISM_PARAM_INVALID);
    assert_eq!(refusal(with(CKD_NULL, &[], &point), &length), CKR_KEY_SIZE_RANGE);
    let aes = [number(CKA_KEY_TYPE, CKK_AES)];
    let key = token.derive(CKM_ECDH1_DERIVE, with(CKD_NULL, &[], &point), key, &aes).unwrap().key;
    assert_eq!(token.number(key, CKA_VALUE_LEN), 32);
}

#[test]
fn values_of_prime_fields_agree() {
    let token = token();
    let group = Parameters::of(KnownGroup::Ffdhe2048).unwrap();
    let p = group.p().unwrap();
    let base = [bytes(CKA_PRIME, &p), bytes(CKA_BASE, &[2])];
    let q = group.q().unwrap().unwrap();
    let x942 = [&base[..], &[bytes(CKA_SUBPRIME, &q)]].concat();
    let plain = |public: &[u8]| Parameter::Bytes(Box::leak(public.to_vec().into_boxed_slice()));
    let (a_public, a) = token.pair(CKM_DH_PKCS_KEY_PAIR_GEN, &base, &[]);
    let (b_public, b) = token.pair(CKM_DH_PKCS_KEY_PAIR_GEN, &base, &[]);
    let (a_public, b_public) = (token.value(a_public), token.value(b_public));
    let secret = token.derived(CKM_DH_PKCS_DERIVE, plain(&b_public), a, &[]);
    assert_eq!(secret.len(), 256);
    assert_eq!(token.derived(CKM_DH_PKCS_DERIVE, plain(&a_public), b, &[]), secret);
    let short = token.derived(CKM_DH_PKCS_DERIVE, plain(&a_public), b, &[number(CKA_VALUE_LEN, 16)]);
    assert_eq!(short, secret[240..]);
    for bad in [&[][..], &[0], &[1], &p] {
        assert_eq!(token.refusal(CKM_DH_PKCS_DERIVE, plain(bad), a, &[]), CKR_PUBLIC_KEY_INVALID);
    }

    let (a_public, a) = token.pair(CKM_X9_42_DH_KEY_PAIR_GEN, &x942, &[]);
    let (b_public, b) = token.pair(CKM_X9_42_DH_KEY_PAIR_GEN, &x942, &[]);
    let (a_public, b_public) = (token.value(a_public), token.value(b_public));
    let secret = token.derived(CKM_X9_42_DH_DERIVE, with(CKD_NULL, &[], &b_public), a, &[]);
    assert_eq!(token.derived(CKM_X9_42_DH_DERIVE, with(CKD_NULL, &[], &a_public), b, &[]), secret);
    let mut digest = [0; 20];
    hash::digest(Algorithm::Sha1, &[&secret[..], &[0, 0, 0, 1], b"other"].concat(), &mut digest).unwrap();
    let hashed = with(CKD_SHA1_KDF_CONCATENATE, b"other", &b_public);
    assert_eq!(token.derived(CKM_X9_42_DH_DERIVE, hashed, a, &[number(CKA_VALUE_LEN, 20)]), digest);
    for kdf in [CKD_SHA1_KDF_ASN1, CKD_SHA256_KDF] {
        let refusal = token.refusal(CKM_X9_42_DH_DERIVE, with(kdf, b"other", &b_public), a, &[]);
        assert_eq!(refusal, CKR_MECHANISM_PARAM_INVALID);
    }
    assert_eq!(token.refusal(CKM_DH_PKCS_DERIVE, plain(&b_public), a, &[]), CKR_KEY_TYPE_INCONSISTENT);
}
