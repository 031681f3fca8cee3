//! What an unwrapped key is (§5.18.4).

use cryptoki_sys::*;

use super::{secret, unwrapped, unwrapped_secret, value, ways, wrapping_key};
use crate::module::{Token, refused};
use crate::pair_samples::{PAIRS, open, pair_sample};
use crate::parameters::plain;
use crate::template::{Entry, bytes, flag, nested, number, numbers, with, without};

const KWP: CK_MECHANISM_TYPE = CKM_AES_KEY_WRAP_KWP;

#[test]
fn it_was_not_made_here_and_not_always_secret() {
    let token = Token::new();
    let session = token.user();
    let kwp = plain(KWP);
    let key = wrapping_key(session, CKK_AES, 32);
    let aes = [number(CKA_VALUE_LEN, 32), flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)];
    let made = session.generate(&plain(CKM_AES_KEY_GEN), &aes).unwrap();
    let mut cases = vec![(session.wrap(&kwp, key, made).unwrap(), CKO_SECRET_KEY, CKK_AES)];
    for sample in PAIRS.iter().filter(|sample| sample.key_type != CKK_SLH_DSA) {
        let private = sample.pair(session, &[], &open()).unwrap().1;
        cases.push((session.wrap(&kwp, key, private).unwrap(), CKO_PRIVATE_KEY, sample.key_type));
    }
    for (blob, class, key_type) in &cases {
        let template = without(&unwrapped(*class, *key_type), CKA_SENSITIVE);
        for place in [false, true] {
            let context = format!("0x{key_type:x}");
            let back = session.unwrap(&kwp, key, blob, &with(&template, &[flag(CKA_TOKEN, place)])).unwrap();
            let attribute = |attribute| session.flag(back, attribute);
            assert!(!attribute(CKA_LOCAL), "{context}");
            assert!(!attribute(CKA_ALWAYS_SENSITIVE), "{context}");
            assert!(!attribute(CKA_NEVER_EXTRACTABLE), "{context}");
            assert!(attribute(CKA_EXTRACTABLE), "{context}");
            assert!(attribute(CKA_SENSITIVE), "{context}");
            assert!(attribute(CKA_PRIVATE), "{context}");
            assert_eq!(attribute(CKA_TOKEN), place, "{context}");
            assert_eq!(session.number(back, CKA_KEY_GEN_MECHANISM), CK_UNAVAILABLE_INFORMATION, "{context}");
            assert_eq!(session.get(back, CKA_UNIQUE_ID).unwrap().len(), 32, "{context}");
            assert_eq!(session.find(&[bytes(CKA_UNIQUE_ID, session.get(back, CKA_UNIQUE_ID).unwrap())]), [back]);
            session.destroy(back).unwrap();
        }
        let closed = with(&template, &[flag(CKA_EXTRACTABLE, false), bytes(CKA_LABEL, "x"), bytes(CKA_ID, [7])]);
        let back = session.unwrap(&kwp, key, blob, &closed).unwrap();
        assert!(!session.flag(back, CKA_EXTRACTABLE));
        assert!(!session.flag(back, CKA_NEVER_EXTRACTABLE));
        assert_eq!(session.get(back, CKA_LABEL).as_deref(), Ok(&b"x"[..]));
        assert_eq!(session.get(back, CKA_ID).as_deref(), Ok(&[7][..]));
        assert_eq!(session.wrap(&kwp, key, back), refused(CKR_KEY_UNEXTRACTABLE));
    }
}

/// §4.10: the attributes a key demands of those it unwraps.
#[test]
fn unwrap_templates_are_applied() {
    let token = Token::new();
    let session = token.user();
    let demands = [
        flag(CKA_SENSITIVE, true),
        flag(CKA_EXTRACTABLE, false),
        flag(CKA_DECRYPT, false),
        bytes(CKA_LABEL, b"unwrapped here"),
        numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_CBC, CKM_AES_GCM]),
    ];
    let more = [flag(CKA_WRAP, true), flag(CKA_UNWRAP, true), nested(CKA_UNWRAP_TEMPLATE, &demands)];
    let template = with(&secret(CKK_AES, &value(CKK_AES, 32, 1)), &more);
    let kwp = plain(KWP);
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 2))).unwrap();
    for place in [false, true] {
        let key = session.create(&with(&template, &[flag(CKA_TOKEN, place)])).unwrap();
        let blob = session.wrap(&kwp, key, target).unwrap();
        let plain_template = without(&unwrapped_secret(CKK_AES, 16), CKA_SENSITIVE);
        let agreeing: [&[Entry]; 3] = [
            &[],
            &[flag(CKA_SENSITIVE, true)],
            &[bytes(CKA_LABEL, b"unwrapped here"), numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_CBC, CKM_AES_GCM])],
        ];
        for more in agreeing {
            let back = session.unwrap(&kwp, key, &blob, &with(&plain_template, more)).unwrap();
            assert!(session.flag(back, CKA_SENSITIVE));
            assert!(!session.flag(back, CKA_EXTRACTABLE));
            assert!(!session.flag(back, CKA_DECRYPT));
            assert!(session.flag(back, CKA_ENCRYPT));
            assert_eq!(session.get(back, CKA_LABEL).as_deref(), Ok(&b"unwrapped here"[..]));
            let mechanisms = [CKM_AES_CBC, CKM_AES_GCM].map(CK_ULONG::to_ne_bytes).concat();
            assert_eq!(session.get(back, CKA_ALLOWED_MECHANISMS), Ok(mechanisms));
        }
        let before = session.find(&[]).len();
        for conflict in [
            flag(CKA_SENSITIVE, false),
            flag(CKA_EXTRACTABLE, true),
            flag(CKA_DECRYPT, true),
            bytes(CKA_LABEL, b"other"),
            bytes(CKA_LABEL, b""),
            numbers(CKA_ALLOWED_MECHANISMS, &[CKM_AES_CBC]),
        ] {
            let refusal = session.unwrap(&kwp, key, &blob, &with(&plain_template, std::slice::from_ref(&conflict)));
            assert_eq!(refusal, refused(CKR_TEMPLATE_INCONSISTENT), "{conflict:?}");
        }
        assert_eq!(session.find(&[]).len(), before);
    }
    // Of private keys, by a private key; class and type may be the unwrapping key's to say.
    let demands = [number(CKA_CLASS, CKO_PRIVATE_KEY), number(CKA_KEY_TYPE, CKK_EC), flag(CKA_DERIVE, false)];
    let private_template = [flag(CKA_UNWRAP, true), nested(CKA_UNWRAP_TEMPLATE, &demands)];
    let (wrapping, unwrapping) =
        pair_sample("secp384r1").pair(session, &[flag(CKA_WRAP, true)], &private_template).unwrap();
    let mechanism = super::ecdh_aes(CKM_ECDH_COF_AES_KEY_WRAP, 256, CKD_SHA256_KDF, b"");
    let (_, private) = pair_sample("secp256r1").pair(session, &[], &open()).unwrap();
    let blob = session.wrap(&mechanism, wrapping, private).unwrap();
    let back = session.unwrap(&mechanism, unwrapping, &blob, &[]).unwrap();
    assert!(!session.flag(back, CKA_DERIVE));
    let refusal = session.unwrap(&mechanism, unwrapping, &blob, &unwrapped(CKO_PRIVATE_KEY, CKK_EC_EDWARDS));
    assert_eq!(refusal, refused(CKR_TEMPLATE_INCONSISTENT));
}

/// RSA with PKCS #1's padding: whoever sends blobs learns nothing from whether the padding was right. Where the length
/// is known a wrong blob becomes a key of that length, the same each time.
#[test]
fn wrong_pkcs1_padding_is_not_told() {
    let token = Token::new();
    let session = token.user();
    let way = ways(session).into_iter().find(|way| way.mechanism.id == CKM_RSA_PKCS).unwrap();
    let key = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 3))).unwrap();
    let wrapped = way.wrap(session, key).unwrap();
    let template = unwrapped_secret(CKK_AES, 16);
    let mut values = Vec::new();
    for at in [0, 1, 100, 255] {
        let mut wrong = wrapped.clone();
        wrong[at] ^= 1;
        // Not at least the modulus.
        wrong[0] &= 0x3f;
        let value = || {
            let back = way.unwrap(session, &wrong, &template).unwrap();
            session.get(back, CKA_VALUE).unwrap()
        };
        let first = value();
        assert_eq!(first.len(), 16);
        assert_eq!(first, value(), "the same at each try");
        values.push(first);
    }
    // A right padding around a key of another length does not differ from a wrong one.
    let back = way.unwrap(session, &wrapped, &unwrapped_secret(CKK_AES, 32)).unwrap();
    values.push(session.get(back, CKA_VALUE).unwrap());
    values.push(value(CKK_AES, 16, 3));
    values.sort();
    let count = values.len();
    values.dedup();
    assert_eq!(values.len(), count);
}
