//! Every way to wrap with every type of key and every length: the key comes back as it was, or the standard's refusal
//! comes.

use std::ptr;

use cryptoki_sys::*;

use super::{Takes, Way, secret, unwrapped, unwrapped_secret, value, ways};
use crate::module::{Token, refused};
use crate::pair_samples::{PAIRS, PairSample, open};
use crate::samples::KEY_TYPES;
use crate::session::Session;
use crate::template::{flag, with};

/// The longest generic secret the token keeps.
const LONGEST: usize = 3583;

/// Types of secret key, with lengths they can have.
fn secret_keys() -> Vec<(CK_KEY_TYPE, usize)> {
    let mut keys: Vec<(CK_KEY_TYPE, usize)> = (1..=64).map(|len| (CKK_GENERIC_SECRET, len)).collect();
    keys.extend([65, 100, 128, 245, 246, 1000, LONGEST].map(|len| (CKK_GENERIC_SECRET, len)));
    for key_type in KEY_TYPES.iter().copied().chain([CKK_HKDF]) {
        let lengths: &[usize] = match key_type {
            CKK_AES => &[16, 24, 32],
            CKK_AES_XTS => &[32, 64],
            CKK_DES => &[8],
            CKK_DES2 => &[16],
            CKK_DES3 => &[24],
            CKK_CHACHA20 => &[32],
            CKK_RC4 => &[1, 5, 16, 255],
            CKK_GENERIC_SECRET => &[],
            _ => &[1, 20, 64, LONGEST],
        };
        keys.extend(lengths.iter().map(|len| (key_type, *len)));
    }
    keys
}

#[test]
fn secret_keys_come_back_as_they_left() {
    let token = Token::new();
    let session = token.user();
    let (ways, keys) = (ways(session), secret_keys());
    let (mut came, mut refusals) = (0, 0);
    for (key_type, len) in &keys {
        let value = value(*key_type, *len, 1);
        let key = session.create(&secret(*key_type, &value)).unwrap();
        for way in &ways {
            let context = format!("{}: 0x{key_type:x} of {len} bytes", way.name);
            let wrapped = way.wrap(session, key);
            if let Err(code) = way.takes_secret(*len) {
                assert_eq!(wrapped, Err(code), "{context}");
                refusals += 1;
                continue;
            }
            let wrapped = wrapped.unwrap_or_else(|code| panic!("{context}: {code:?}"));
            let back = way.unwrap(session, &wrapped, &unwrapped_secret(*key_type, *len));
            let back = back.unwrap_or_else(|code| panic!("{context}: {code:?}"));
            assert_eq!(session.get(back, CKA_VALUE).as_ref(), Ok(&value), "{context}");
            assert_eq!(session.get(back, CKA_CHECK_VALUE), session.get(key, CKA_CHECK_VALUE), "{context}");
            session.destroy(back).unwrap();
            came += 1;
        }
        session.destroy(key).unwrap();
    }
    println!("{} ways, {} secret keys: {came} came back, {refusals} refused", ways.len(), keys.len());
}

/// What a template without `CKA_VALUE_LEN` gives: the length, where type or mechanism say it, else a refusal (§5.18.4).
#[test]
fn a_length_is_needed_where_nothing_else_says_it() {
    let token = Token::new();
    let session = token.user();
    for way in ways(session) {
        for (key_type, len) in [
            (CKK_GENERIC_SECRET, 24),
            (CKK_AES, 16),
            (CKK_AES, 24),
            (CKK_AES, 32),
            (CKK_DES3, 24),
            (CKK_DES2, 16),
            (CKK_CHACHA20, 32),
            (CKK_AES_XTS, 32),
            (CKK_SHA256_HMAC, 64),
        ] {
            let context = format!("{}: 0x{key_type:x} of {len} bytes", way.name);
            let value = value(key_type, len, 2);
            let key = session.create(&secret(key_type, &value)).unwrap();
            let wrapped = way.wrap(session, key).unwrap();
            let back = way.unwrap(session, &wrapped, &unwrapped(CKO_SECRET_KEY, key_type));
            let one_length = matches!(key_type, CKK_DES3 | CKK_DES2 | CKK_CHACHA20);
            let known = match way.takes {
                _ if one_length => true,
                Takes::Raw(_) => false,
                // The padding of 24 bytes makes them look like 32 where blocks have 16.
                Takes::Blocks => matches!(key_type, CKK_AES | CKK_AES_XTS) && (len != 24 || way.name.contains("DES")),
                Takes::Semiblocks => matches!(key_type, CKK_AES | CKK_AES_XTS),
                Takes::UpTo(_) | Takes::All | Takes::Pkcs7 => true,
            };
            if known {
                let back = back.unwrap_or_else(|code| panic!("{context}: {code:?}"));
                assert_eq!(session.get(back, CKA_VALUE).as_ref(), Ok(&value), "{context}");
                assert_eq!(session.number(back, CKA_KEY_TYPE), key_type);
            } else {
                assert_eq!(back, refused(CKR_TEMPLATE_INCOMPLETE), "{context}");
            }
        }
    }
}

/// Compares what makes up the key.
fn same(session: Session, sample: &PairSample, key: CK_OBJECT_HANDLE, back: CK_OBJECT_HANDLE, context: &str) {
    let told = [CKA_CLASS, CKA_KEY_TYPE, CKA_PUBLIC_KEY_INFO, CKA_CHECK_VALUE];
    for attribute in sample.secrets().iter().chain(sample.private_public()).chain(&told) {
        let (before, after) = (session.get(key, *attribute), session.get(back, *attribute));
        assert!(before.is_ok(), "{context}: 0x{attribute:x}: {before:?}");
        assert_eq!(before, after, "{context}: 0x{attribute:x}");
    }
}

/// Each private key through each way that differs from the others in more than the size of an AES key.
#[test]
fn private_keys_come_back_as_they_left() {
    let token = Token::new();
    let session = token.user();
    let ways: Vec<Way> = ways(session).into_iter().filter(|way| !way.name.starts_with("AES-192")).collect();
    let (mut came, mut refusals) = (0, 0);
    for sample in PAIRS {
        let (public, private) = sample.pair(session, &[], &open()).unwrap();
        // Checking these takes long: half a second for each group, or each signature. Each has other ways.
        let slow = matches!(sample.key_type, CKK_SLH_DSA | CKK_DSA | CKK_DH | CKK_X9_42_DH);
        let step = if slow { 9 } else { 1 };
        for way in ways.iter().skip(sample.name.len() % step).step_by(step) {
            let context = format!("{}: {}", way.name, sample.name);
            let wrapped = way.wrap(session, private);
            if !way.takes_private() {
                assert_eq!(wrapped, refused(CKR_KEY_NOT_WRAPPABLE), "{context}");
                refusals += 1;
                continue;
            }
            let wrapped = wrapped.unwrap_or_else(|code| panic!("{context}: {code:?}"));
            let back = way.unwrap(session, &wrapped, &unwrapped(CKO_PRIVATE_KEY, sample.key_type));
            let back = back.unwrap_or_else(|code| panic!("{context}: {code:?}"));
            same(session, sample, private, back, &context);
            sample.check_pair(session, public, back);
            session.destroy(back).unwrap();
            came += 1;
        }
        session.destroy(private).unwrap();
        session.destroy(public).unwrap();
    }
    println!("{} ways, {} private keys: {came} came back, {refusals} refused", ways.len(), PAIRS.len());
}

/// A sensitive key leaves too, if it may: nobody reads it, and it works when it comes back.
#[test]
fn sensitive_token_keys_work_when_they_come_back() {
    let token = Token::new();
    let session = token.user();
    let ways: Vec<Way> = ways(session).into_iter().filter(Way::takes_private).collect();
    for (sample, way) in PAIRS.iter().filter(|sample| sample.signs.is_some()).zip(ways.iter().cycle()) {
        let place = flag(CKA_TOKEN, true);
        let (public, private) = sample
            .pair(session, &[], &[place.clone(), flag(CKA_SENSITIVE, true), flag(CKA_EXTRACTABLE, true)])
            .unwrap();
        let wrapped = way.wrap(session, private).unwrap();
        let template = with(&unwrapped(CKO_PRIVATE_KEY, sample.key_type), &[place, flag(CKA_SENSITIVE, true)]);
        let back = way.unwrap(session, &wrapped, &template).unwrap();
        session.destroy(private).unwrap();
        for secret in sample.secrets() {
            assert_eq!(session.get(back, *secret), refused(CKR_ATTRIBUTE_SENSITIVE), "{}", sample.name);
        }
        sample.check_pair(session, public, back);
    }
}

/// §5.2: a length query, a buffer that is too small, one that fits, one that is larger.
#[test]
fn output_follows_the_convention() {
    let token = Token::new();
    let session = token.user();
    let key = session.create(&secret(CKK_AES, &value(CKK_AES, 16, 3))).unwrap();
    let pair = PAIRS[1].pair(session, &[], &open()).unwrap().1;
    for way in ways(session) {
        for target in [key, pair] {
            if target == pair && !way.takes_private() {
                continue;
            }
            way.mechanism.lend(|mechanism| {
                let mut needed = 0;
                let query = call!(C_WrapKey(session.0, mechanism, way.wrapping, target, ptr::null_mut(), &mut needed));
                assert_eq!(query, Ok(()), "{}", way.name);
                let mut buffer = vec![0xa5; needed as usize + 40];
                for room in [0, 1, needed - 1] {
                    let mut len = room;
                    let start = buffer.as_mut_ptr();
                    let small = call!(C_WrapKey(session.0, mechanism, way.wrapping, target, start, &mut len));
                    assert_eq!(small, refused(CKR_BUFFER_TOO_SMALL), "{}", way.name);
                    assert_eq!(len, needed, "{}", way.name);
                }
                assert!(buffer.iter().all(|byte| *byte == 0xa5), "{}", way.name);
                for room in [needed, needed + 40] {
                    let mut len = room;
                    let start = buffer.as_mut_ptr();
                    let fits = call!(C_WrapKey(session.0, mechanism, way.wrapping, target, start, &mut len));
                    assert_eq!(fits, Ok(()), "{}", way.name);
                    assert_eq!(len, needed, "{}", way.name);
                    assert!(buffer[needed as usize..].iter().all(|byte| *byte == 0xa5), "{}", way.name);
                }
            });
        }
    }
}
