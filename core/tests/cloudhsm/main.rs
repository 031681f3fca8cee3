//! Tokens founded as a CloudHSM: who is on them from the start, what a first officer with a published password may do,
//! and the rules for passwords, lock-out and deletion.

mod founding;
mod holdings;
mod pkcs11;
mod users;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::store::{MemoryStore, Store};
use strongroom_core::token::audit::Level;
use strongroom_core::token::layout;
use strongroom_core::token::{Credential, Founding, Login, Settings, Token, UserInfo};
use strongroom_crypto::random::System;

pub(crate) const LABEL: &[u8; 32] = b"cluster                         ";
pub(crate) const ADMIN_PIN: &[u8] = b"admins-password";
pub(crate) const ALICES_PIN: &[u8] = b"alices-password";

pub(crate) fn settings() -> Settings {
    Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 }
}

/// A token founded in this way.
pub(crate) fn found(founding: Founding, pin: Option<&[u8]>) -> Token {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    Token::found(store, Arc::new(System), settings(), founding, LABEL, pin).unwrap()
}

/// A token with an activated admin, as the admin.
pub(crate) fn activated() -> (Token, Login) {
    activated_with(true)
}

/// The same, with or without escrow of the users' keys.
pub(crate) fn activated_with(escrow: bool) -> (Token, Login) {
    let (store, settings): (Arc<dyn Store>, _) = (Arc::new(MemoryStore::new()), Settings { escrow, ..settings() });
    let founding = Founding::CloudHsm;
    let token = Token::found(store, Arc::new(System), settings, founding, LABEL, Some(ADMIN_PIN)).unwrap();
    let admin = token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
    (token, admin)
}

pub(crate) fn hsm() -> Hsm {
    let config = Config {
        dir: "unused".into(),
        file: None,
        store: StoreKind::Memory,
        settings: settings(),
        module_iv: false,
        audit: Level::default(),
    };
    Hsm::with(config, Arc::new(System))
}

pub(crate) fn login(token: &Token, role: Role, name: &str, pin: &[u8]) -> Result<Login, Error> {
    token.login(Credential { role, name: Some(name.as_bytes()), pin })
}

pub(crate) fn user(token: &Token, name: &str) -> UserInfo {
    token.users().unwrap().into_iter().find(|user| user.name == name).unwrap()
}

/// Every record, to see what a call changed.
pub(crate) fn records(token: &Token) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut records = BTreeMap::new();
    let scanned = token.store().scan(b"", None, &mut |key, value| {
        records.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    records
}

/// The keys of the records that differ, the audit log left out: every change is in it.
pub(crate) fn changed(before: &BTreeMap<Vec<u8>, Vec<u8>>, after: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Vec<u8>> {
    let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
    let differs = |key: &&Vec<u8>| !key.starts_with(layout::AUDIT) && before.get(*key) != after.get(*key);
    keys.filter(differs).cloned().collect()
}
