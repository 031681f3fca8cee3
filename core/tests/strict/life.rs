//! What stands against those who write the files, and against what was begun before.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::session::{Output, Session};
use strongroom_core::token::Settings;
use strongroom_crypto::random::System;

use crate::fixture::*;
use crate::words::*;

/// A22: attributes edited in the files, or put back. Every byte of a token is flipped, and its records are swapped and
/// replayed, in `core/tests/tamper`. What `strict` adds is among those attributes: what a key was for is in its record,
/// sealed with it, and another process, which never saw the key at work, knows it.
#[test]
fn a22_what_a_key_was_for_is_in_its_record() {
    let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
    let dir = std::env::temp_dir().join(format!("strongroom-strict-{:016x}", u64::from_le_bytes(unique)));
    let open = || {
        let settings = Settings { policy: Policy::Strict, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
        let config = Config {
            dir: dir.clone(),
            file: None,
            store: StoreKind::Sqlite,
            settings,
            module_iv: false,
            audit: Default::default(),
        };
        Hsm::with(config, Arc::new(System))
    };
    let session = |hsm: &Hsm| hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    let key = {
        let hsm = open();
        hsm.init_token(0, Some(b"officer"), b"strict                          ").unwrap();
        let session = session(&hsm);
        session.login(CKU_SO, Some(b"officer"), None).unwrap();
        session.init_pin(Some(b"user-pin")).unwrap();
        session.logout().unwrap();
        session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
        let key = aes(&[flag(CKA_DECRYPT, true), flag(CKA_TOKEN, true)]);
        let key = session.generate_key(&plain(CKM_AES_KEY_GEN), &template(&key)).unwrap();
        let uses = [CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN, CKA_VERIFY].map(|use_| flag(use_, false));
        session.set_attributes(key, &template(&uses)).unwrap();
        key
    };
    let hsm = open();
    let session = session(&hsm);
    session.login(CKU_USER, Some(b"user-pin"), None).unwrap();
    let set = |use_| session.set_attributes(key, &template(&[flag(use_, true)])).map_err(|error| error.rv());
    assert_eq!(set(CKA_WRAP), Err(CKR_TEMPLATE_INCONSISTENT));
    assert_eq!(set(CKA_DECRYPT), Ok(()));
    let _ = std::fs::remove_dir_all(&dir);
}

/// A23: what was begun with a key goes on after the logout, or after the key is gone. (At every other moment, and from
/// other processes: `core/tests/regressions/login.rs`, `races.rs`, `tokens.rs`.)
#[test]
fn a23_nothing_goes_on_without_its_key() {
    let token = strict();
    let begun = |session: &Session, end: &dyn Fn(&Session, u64)| {
        let key = token.generate(CKM_GENERIC_SECRET_KEY_GEN, &[number(CKA_VALUE_LEN, 32), flag(CKA_TOKEN, true)]);
        session.sign_init(&plain(CKM_SHA256_HMAC), key).unwrap();
        session.sign_update(b"begun").unwrap();
        end(session, key);
        session.sign_final(Output::Buffer(&mut [0; 32])).unwrap_err().rv()
    };
    let gone = begun(&token.session, &|session, key| session.destroy_object(key).unwrap());
    assert_eq!(gone, CKR_OPERATION_NOT_INITIALIZED);
    let logged_out = begun(&token.session, &|session, _| session.logout().unwrap());
    assert!([CKR_USER_NOT_LOGGED_IN, CKR_OPERATION_NOT_INITIALIZED].contains(&logged_out), "{logged_out:#x}");
}
