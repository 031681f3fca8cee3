//! What `strict` and `fips` leave out: wraps that do not tell what was changed.

use std::ptr;

use cryptoki_sys::*;

use super::{Way, unwrapped_secret, ways};
use crate::module::{self, Token, alone, initialize_with, refused};
use crate::pair_samples::pair_sample;
use crate::parameters::{plain, with_iv};
use crate::session::Work;
use crate::template::{flag, nested, number};

/// Mechanisms that only `standard` wraps with.
const LEFT_OUT: [CK_MECHANISM_TYPE; 8] = [
    CKM_AES_ECB,
    CKM_AES_CBC,
    CKM_AES_CBC_PAD,
    CKM_DES3_ECB,
    CKM_DES3_CBC,
    CKM_DES3_CBC_PAD,
    CKM_RSA_PKCS,
    CKM_RSA_X_509,
];

/// These share a key stream where the caller gives an IV twice: `strict` leaves them out too.
const STREAMS: [CK_MECHANISM_TYPE; 2] = [CKM_AES_GCM, CKM_AES_CCM];

const KEPT: [CK_MECHANISM_TYPE; 8] = [
    CKM_AES_KEY_WRAP,
    CKM_AES_KEY_WRAP_PAD,
    CKM_AES_KEY_WRAP_KWP,
    CKM_AES_KEY_WRAP_PKCS7,
    CKM_RSA_PKCS_OAEP,
    CKM_RSA_AES_KEY_WRAP,
    CKM_ECDH_AES_KEY_WRAP,
    CKM_ECDH_COF_AES_KEY_WRAP,
];

fn functions(token: &Token, id: CK_MECHANISM_TYPE) -> Option<CK_FLAGS> {
    let mut info = CK_MECHANISM_INFO::default();
    match call!(C_GetMechanismInfo(token.slot, id, &mut info)) {
        Ok(()) => Some(info.flags),
        refusal => {
            assert_eq!(refusal, refused(CKR_MECHANISM_INVALID));
            None
        }
    }
}

#[test]
fn wraps_without_authentication_are_left_out() {
    const WRAPS: CK_FLAGS = CKF_WRAP | CKF_UNWRAP;
    let _turn = alone();
    for policy in ["strict", "fips"] {
        let lines = format!("policy = \"{policy}\"\n");
        let conf = module::write_configuration(module::directory(), "wrapping.toml", &lines);
        initialize_with(module::directory(), &conf).unwrap();
        let token = Token::of_lone_test();
        for id in LEFT_OUT {
            assert_eq!(functions(&token, id).unwrap_or_default() & WRAPS, 0, "{policy} 0x{id:x}");
        }
        for id in KEPT {
            assert_eq!(functions(&token, id).unwrap() & WRAPS, WRAPS, "{policy} 0x{id:x}");
        }
        for id in STREAMS {
            let wraps = functions(&token, id).unwrap() & WRAPS;
            assert_eq!(wraps, if policy == "strict" { 0 } else { WRAPS }, "{policy} 0x{id:x}");
        }
        // What these do besides wrapping stays.
        assert_ne!(functions(&token, CKM_AES_CBC).unwrap() & CKF_ENCRYPT, 0);
        assert_ne!(functions(&token, CKM_RSA_PKCS).unwrap() & CKF_SIGN, 0);
        let decrypts = functions(&token, CKM_RSA_PKCS).unwrap() & CKF_DECRYPT != 0;
        assert_eq!(decrypts, policy == "strict");

        let session = token.user();
        // Under `strict` a key wraps if it was made here and stays here, and says what it unwraps.
        let demands = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_AES), flag(CKA_ENCRYPT, true)];
        let wraps = [
            number(CKA_VALUE_LEN, 32),
            flag(CKA_WRAP, true),
            flag(CKA_UNWRAP, true),
            nested(CKA_UNWRAP_TEMPLATE, &demands),
        ];
        let key = session.generate(&plain(CKM_AES_KEY_GEN), &wraps).unwrap();
        let leaves = [number(CKA_VALUE_LEN, 16), flag(CKA_EXTRACTABLE, true), flag(CKA_WRAP_WITH_TRUSTED, false)];
        let target = session.generate(&plain(CKM_AES_KEY_GEN), &leaves).unwrap();
        let (public, private) =
            pair_sample("RSA 2048").pair(session, &[flag(CKA_WRAP, true)], &[flag(CKA_UNWRAP, true)]).unwrap();
        let template = [number(CKA_VALUE_LEN, 16)];
        let template = if policy == "strict" { template.to_vec() } else { unwrapped_secret(CKK_AES, 16) };
        for (mechanism, (wrapping, unwrapping)) in [
            (plain(CKM_AES_ECB), (key, key)),
            (with_iv(CKM_AES_CBC, &[1; 16]), (key, key)),
            (with_iv(CKM_AES_CBC_PAD, &[1; 16]), (key, key)),
            (plain(CKM_RSA_PKCS), (public, private)),
            (plain(CKM_RSA_X_509), (public, private)),
        ] {
            let wrap = session.wrap(&mechanism, wrapping, target);
            assert_eq!(wrap, refused(CKR_MECHANISM_INVALID), "{policy} {mechanism:?}");
            let unwrap = session.unwrap(&mechanism, unwrapping, &[1; 256], &template);
            assert_eq!(unwrap, refused(CKR_MECHANISM_INVALID), "{policy} {mechanism:?}");
        }
        assert!(session.run(Work::Encrypt, &with_iv(CKM_AES_CBC, &[1; 16]), target, &[0; 32]).is_ok());
        let wrapped = session.wrap(&plain(CKM_AES_KEY_WRAP_KWP), key, target).unwrap();
        assert!(session.unwrap(&plain(CKM_AES_KEY_WRAP_KWP), key, &wrapped, &template).is_ok());
        call!(C_Finalize(ptr::null_mut())).unwrap();
    }
}

/// Each way to wrap is in the mechanism list with `CKF_WRAP`, and each mechanism with `CKF_WRAP` is among the ways.
#[test]
fn the_list_says_what_wraps() {
    let token = Token::new();
    let session = token.user();
    let mut ways: Vec<CK_MECHANISM_TYPE> = ways(session).iter().map(|way: &Way| way.mechanism.id).collect();
    ways.sort_unstable();
    ways.dedup();
    let mut count = 0;
    call!(C_GetMechanismList(token.slot, ptr::null_mut(), &mut count)).unwrap();
    let mut list = vec![0; count as usize];
    call!(C_GetMechanismList(token.slot, list.as_mut_ptr(), &mut count)).unwrap();
    for (flag, name) in [(CKF_WRAP, "CKF_WRAP"), (CKF_UNWRAP, "CKF_UNWRAP")] {
        let mut listed: Vec<_> =
            list.iter().copied().filter(|id| functions(&token, *id).unwrap() & flag != 0).collect();
        listed.sort_unstable();
        assert_eq!(listed, ways, "{name}");
    }
}
