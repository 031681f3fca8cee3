//! Wraps by authenticated ciphers (§5.18.6, §5.18.7, §6.13.3, §6.13.5).

use std::ptr;

use cryptoki_sys::*;

use super::{ccm, gcm, secret, unwrapped, unwrapped_secret, value, wrapping_key, wrapping_pair};
use crate::module::{Outcome, Token, refused};
use crate::pair_samples::{PAIRS, open, pair_sample};
use crate::parameters::{Mechanism, Parameter, Place, plain};
use crate::template::{flag, number, with};

fn gcm_message(iv: &[u8], fixed_bits: CK_ULONG, generator: CK_ULONG, tag: &[u8]) -> Mechanism {
    let parameter = Parameter::GcmMessage { iv: Place::of(iv), fixed_bits, generator, tag: Place::of(tag) };
    Mechanism { id: CKM_AES_GCM, parameter }
}

fn ccm_message(nonce: &[u8], generator: CK_ULONG, mac: &[u8]) -> Mechanism {
    let (nonce, mac) = (Place::of(nonce), Place::of(mac));
    Mechanism {
        id: CKM_AES_CCM,
        parameter: Parameter::CcmMessage { data_len: 0, nonce, fixed_bits: 0, generator, mac },
    }
}

/// The IV and the tag that are in a parameter now.
fn parts(mechanism: &Mechanism) -> (Vec<u8>, Vec<u8>) {
    match &mechanism.parameter {
        Parameter::GcmMessage { iv, tag, .. } => (iv.bytes(), tag.bytes()),
        Parameter::CcmMessage { nonce, mac, .. } => (nonce.bytes(), mac.bytes()),
        other => panic!("{other:?} is of no message"),
    }
}

/// The same mechanism with the IV and the tag that a wrap left.
fn to_unwrap(mechanism: &Mechanism) -> Mechanism {
    let (iv, tag) = parts(mechanism);
    match mechanism.id {
        CKM_AES_GCM => gcm_message(&iv, 0, CKG_NO_GENERATE, &tag),
        _ => ccm_message(&iv, CKG_NO_GENERATE, &tag),
    }
}

fn mechanisms() -> Vec<Mechanism> {
    let mut all = vec![gcm_message(&[7; 16], 0, CKG_NO_GENERATE, &[0; 16])];
    for tag in [4, 8, 12, 13, 14, 15, 16] {
        all.push(gcm_message(&[1; 12], 0, CKG_NO_GENERATE, &vec![0; tag]));
    }
    for generator in [CKG_GENERATE, CKG_GENERATE_RANDOM] {
        all.push(gcm_message(&[0; 12], 0, generator, &[0; 16]));
        all.push(gcm_message(&[5; 12], 32, generator, &[0; 16]));
        all.push(ccm_message(&[0; 12], generator, &[0; 16]));
    }
    for (nonce, mac) in [(7, 4), (10, 6), (12, 8), (13, 16)] {
        all.push(ccm_message(&vec![2; nonce], CKG_NO_GENERATE, &vec![0; mac]));
    }
    all
}

const AADS: [&[u8]; 3] = [b"", b"about this key", &[0x61; 5000]];

#[test]
fn keys_come_back_with_their_associated_data() {
    let token = Token::new();
    let session = token.user();
    let key = wrapping_key(session, CKK_AES, 32);
    let mut cases = 0;
    for mechanism in mechanisms() {
        for (key_type, len) in [(CKK_AES, 32), (CKK_GENERIC_SECRET, 1), (CKK_GENERIC_SECRET, 3583), (CKK_DES3, 24)] {
            for aad in AADS {
                let value = value(key_type, len, 1);
                let target = session.create(&secret(key_type, &value)).unwrap();
                let wrapped = session.wrap_authenticated(&mechanism, key, target, aad).unwrap();
                assert_eq!(wrapped.len(), len);
                let again = to_unwrap(&mechanism);
                let template = unwrapped_secret(key_type, len);
                let back = session.unwrap_authenticated(&again, key, &wrapped, &template, aad);
                let back = back.unwrap_or_else(|code| panic!("{mechanism:?}: {code:?}"));
                assert_eq!(session.get(back, CKA_VALUE), Ok(value));
                // The same data as C_Encrypt makes of it, tag and all.
                let (iv, tag) = parts(&mechanism);
                let whole = match mechanism.id {
                    CKM_AES_GCM => Mechanism {
                        id: CKM_AES_GCM,
                        parameter: Parameter::Gcm { iv, aad: aad.to_vec(), tag_bits: tag.len() as CK_ULONG * 8 },
                    },
                    _ => Mechanism {
                        id: CKM_AES_CCM,
                        parameter: Parameter::Ccm {
                            data_len: 0,
                            nonce: iv,
                            aad: aad.to_vec(),
                            mac_len: tag.len() as CK_ULONG,
                        },
                    },
                };
                let blob = session.wrap(&whole, key, target).unwrap();
                assert_eq!(blob, [wrapped, tag].concat());
                cases += 1;
            }
        }
        for sample in PAIRS.iter().filter(|sample| sample.key_type != CKK_SLH_DSA) {
            let (public, private) = sample.pair(session, &[], &open()).unwrap();
            let wrapped = session.wrap_authenticated(&mechanism, key, private, b"aad").unwrap();
            let (again, template) = (to_unwrap(&mechanism), unwrapped(CKO_PRIVATE_KEY, sample.key_type));
            let back = session.unwrap_authenticated(&again, key, &wrapped, &template, b"aad").unwrap();
            sample.check_pair(session, public, back);
            cases += 1;
            for object in [public, private, back] {
                session.destroy(object).unwrap();
            }
        }
    }
    println!("{cases} authenticated wraps");
}

#[test]
fn anything_changed_is_found_out() {
    let token = Token::new();
    let session = token.user();
    let (key, other) = (wrapping_key(session, CKK_AES, 32), wrapping_key(session, CKK_AES, 16));
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 2))).unwrap();
    let template = unwrapped_secret(CKK_AES, 32);
    for mechanism in mechanisms() {
        let wrapped = session.wrap_authenticated(&mechanism, key, target, b"aad").unwrap();
        let (iv, tag) = parts(&mechanism);
        let make = |iv: &[u8], tag: &[u8]| match mechanism.id {
            CKM_AES_GCM => gcm_message(iv, 0, CKG_NO_GENERATE, tag),
            _ => ccm_message(iv, CKG_NO_GENERATE, tag),
        };
        let unwrap = |iv: &[u8], tag: &[u8], wrapped: &[u8], aad: &[u8], key| {
            session.unwrap_authenticated(&make(iv, tag), key, wrapped, &template, aad).map(|_| ())
        };
        assert_eq!(unwrap(&iv, &tag, &wrapped, b"aad", key), Ok(()));
        let changed = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            bytes[0] ^= 1;
            bytes
        };
        // An AES-CCM tag of 4 bytes is right for one in four thousand million; this is not that one.
        for outcome in [
            unwrap(&changed(&iv), &tag, &wrapped, b"aad", key),
            unwrap(&iv, &changed(&tag), &wrapped, b"aad", key),
            unwrap(&iv, &tag, &changed(&wrapped), b"aad", key),
            unwrap(&iv, &tag, &wrapped, b"aae", key),
            unwrap(&iv, &tag, &wrapped, b"", key),
            unwrap(&iv, &tag, &wrapped[1..], b"aad", key),
            unwrap(&iv, &tag, &[], b"aad", key),
            unwrap(&iv, &tag, &wrapped, b"aad", other),
        ] {
            assert_eq!(outcome, refused(CKR_WRAPPED_KEY_INVALID), "{mechanism:?}");
        }
    }
}

#[test]
fn ivs_of_the_module_are_new_each_time() {
    let token = Token::new();
    let session = token.user();
    let key = wrapping_key(session, CKK_AES, 32);
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 3))).unwrap();
    let mut seen = std::collections::HashSet::new();
    for round in 0..20 {
        let generator = [CKG_GENERATE, CKG_GENERATE_RANDOM][round % 2];
        let mechanism = gcm_message(&[0xf0; 12], 32, generator, &[0; 16]);
        session.wrap_authenticated(&mechanism, key, target, b"").unwrap();
        let iv = parts(&mechanism).0;
        assert_eq!(iv[..4], [0xf0; 4], "the fixed part stays");
        assert!(seen.insert(iv));
        let mechanism = ccm_message(&[0; 13], generator, &[0; 16]);
        session.wrap_authenticated(&mechanism, key, target, b"").unwrap();
        assert!(seen.insert(parts(&mechanism).0));
        // The parameters of C_WrapKey.
        let (iv, fixed_bits) = (Place::of(&[0; 12]), 0);
        let parameter = Parameter::GcmWrap { iv, fixed_bits, generator, aad: b"aad".to_vec(), tag_bits: 128 };
        let mechanism = Mechanism { id: CKM_AES_GCM, parameter };
        let wrapped = session.wrap(&mechanism, key, target).unwrap();
        let Parameter::GcmWrap { iv, .. } = &mechanism.parameter else { unreachable!() };
        let iv = iv.bytes();
        let back = Mechanism {
            id: CKM_AES_GCM,
            parameter: Parameter::Gcm { iv: iv.clone(), aad: b"aad".to_vec(), tag_bits: 128 },
        };
        assert!(session.unwrap(&back, key, &wrapped, &unwrapped_secret(CKK_AES, 32)).is_ok());
        assert!(seen.insert(iv));
    }
    // A counter begins anew with each wrap.
    for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR, 99] {
        let mechanism = gcm_message(&[0; 12], 0, generator, &[0; 16]);
        let refusal = session.wrap_authenticated(&mechanism, key, target, b"");
        assert_eq!(refusal, refused(CKR_MECHANISM_PARAM_INVALID));
    }
}

/// A query changes nothing, neither does a buffer that is too small.
#[test]
fn output_follows_the_convention() {
    let token = Token::new();
    let session = token.user();
    let key = wrapping_key(session, CKK_AES, 32);
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 4))).unwrap();
    for mechanism in [gcm_message(&[0; 12], 0, CKG_GENERATE, &[0; 16]), ccm_message(&[0; 12], CKG_GENERATE, &[0; 8])] {
        let wrap = |output: *mut u8, len: &mut CK_ULONG| -> Outcome {
            mechanism.lend(|mechanism| {
                let aad = b"aad".as_ptr().cast_mut();
                call!(C_WrapKeyAuthenticated(session.0, mechanism, key, target, aad, 3, output, len))
            })
        };
        let mut len = 0;
        assert_eq!(wrap(ptr::null_mut(), &mut len), Ok(()));
        assert_eq!(len, 32);
        let mut buffer = [0xa5; 40];
        len = 31;
        assert_eq!(wrap(buffer.as_mut_ptr(), &mut len), refused(CKR_BUFFER_TOO_SMALL));
        assert_eq!((len, buffer), (32, [0xa5; 40]));
        let (iv, tag) = parts(&mechanism);
        assert!(iv.iter().chain(&tag).all(|byte| *byte == 0), "nothing was written");
        len = 40;
        assert_eq!(wrap(buffer.as_mut_ptr(), &mut len), Ok(()));
        assert_eq!(len, 32);
        assert_eq!(buffer[32..], [0xa5; 8]);
        let (iv, tag) = parts(&mechanism);
        assert!(iv.iter().any(|byte| *byte != 0) && tag.iter().any(|byte| *byte != 0));
    }
}

#[test]
fn only_authenticated_ciphers_take_associated_data() {
    let token = Token::new();
    let session = token.user();
    let key = wrapping_key(session, CKK_AES, 32);
    let (public, private) = wrapping_pair(session, "RSA 2048");
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 5))).unwrap();
    let template = unwrapped_secret(CKK_AES, 32);
    for (mechanism, (wrapping, unwrapping)) in [
        (plain(CKM_AES_KEY_WRAP_KWP), (key, key)),
        (plain(CKM_AES_ECB), (key, key)),
        (plain(CKM_RSA_PKCS), (public, private)),
        (plain(CKM_SHA256), (key, key)),
    ] {
        let wrap = session.wrap_authenticated(&mechanism, wrapping, target, b"aad");
        assert_eq!(wrap, refused(CKR_MECHANISM_INVALID), "{mechanism:?}");
        let unwrap = session.unwrap_authenticated(&mechanism, unwrapping, &[1; 40], &template, b"aad");
        assert_eq!(unwrap, refused(CKR_MECHANISM_INVALID), "{mechanism:?}");
    }
    // The parameter is that of a message, here; and not there.
    for wrong in [gcm(b"", 128), ccm(32, b"", 16), super::gcm_wrap(), plain(CKM_AES_GCM)] {
        let wrap = session.wrap_authenticated(&wrong, key, target, b"aad");
        assert_eq!(wrap, refused(CKR_MECHANISM_PARAM_INVALID), "{wrong:?}");
    }
    let message = gcm_message(&[0; 12], 0, CKG_GENERATE, &[0; 16]);
    assert_eq!(session.wrap(&message, key, target), refused(CKR_MECHANISM_PARAM_INVALID));
    let ccm_for_gcm = Mechanism { id: CKM_AES_GCM, ..ccm_message(&[0; 12], CKG_GENERATE, &[0; 8]) };
    assert_eq!(session.wrap_authenticated(&ccm_for_gcm, key, target, b""), refused(CKR_MECHANISM_PARAM_INVALID));
}

#[test]
fn the_rules_of_keys_hold_here_too() {
    let token = Token::new();
    let session = token.user();
    let mechanism = || gcm_message(&[9; 12], 0, CKG_NO_GENERATE, &[0; 16]);
    let key = wrapping_key(session, CKK_AES, 32);
    let generic = wrapping_key(session, CKK_GENERIC_SECRET, 32);
    let target = session.create(&secret(CKK_AES, &value(CKK_AES, 32, 6))).unwrap();
    let wrap = |wrapping, key| session.wrap_authenticated(&mechanism(), wrapping, key, b"").map(|_| ());
    let used = mechanism();
    let blob = session.wrap_authenticated(&used, key, target, b"").unwrap();
    let again = to_unwrap(&used);
    let unwrap = |unwrapping, template: &[crate::template::Entry]| {
        session.unwrap_authenticated(&again, unwrapping, &blob, template, b"").map(|_| ())
    };
    let template = unwrapped_secret(CKK_AES, 32);
    assert_eq!(wrap(0, target), refused(CKR_WRAPPING_KEY_HANDLE_INVALID));
    assert_eq!(wrap(key, 0), refused(CKR_KEY_HANDLE_INVALID));
    assert_eq!(wrap(generic, target), refused(CKR_WRAPPING_KEY_TYPE_INCONSISTENT));
    assert_eq!(unwrap(0, &template), refused(CKR_UNWRAPPING_KEY_HANDLE_INVALID));
    assert_eq!(unwrap(generic, &template), refused(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT));
    assert_eq!(unwrap(key, &[]), refused(CKR_TEMPLATE_INCOMPLETE));
    assert_eq!(unwrap(key, &with(&template, &[number(CKA_VALUE_LEN, 16)])), refused(CKR_WRAPPED_KEY_LEN_RANGE));
    assert_eq!(unwrap(key, &unwrapped(CKO_PRIVATE_KEY, CKK_EC)), refused(CKR_WRAPPED_KEY_INVALID));
    session.set(key, &[flag(CKA_WRAP, false), flag(CKA_UNWRAP, false)]).unwrap();
    assert_eq!(wrap(key, target), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    assert_eq!(unwrap(key, &template), refused(CKR_KEY_FUNCTION_NOT_PERMITTED));
    session.set(key, &[flag(CKA_WRAP, true)]).unwrap();
    let (public, _) = pair_sample("secp256r1").pair(session, &[], &[]).unwrap();
    assert_eq!(wrap(key, public), refused(CKR_KEY_NOT_WRAPPABLE));
    session.set(target, &[flag(CKA_WRAP_WITH_TRUSTED, true)]).unwrap();
    assert_eq!(wrap(key, target), refused(CKR_KEY_NOT_WRAPPABLE));
    session.set(target, &[flag(CKA_EXTRACTABLE, false)]).unwrap();
    assert_eq!(wrap(key, target), refused(CKR_KEY_UNEXTRACTABLE));
}
