//! What is shown of a token, in words and as JSON.

use std::ops::ControlFlow;

use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::policy::Policy;
use strongroom_core::seal::Role;
use strongroom_core::token::{Founding, Token, UserInfo, layout};

use crate::commands::user::user_json;
use crate::failure::{Explain, Failure};

/// What is shown of a token.
pub(super) struct Found {
    pub(super) slot: u64,
    pub(super) label: String,
    pub(super) serial: String,
    pub(super) manufacturer: &'static str,
    pub(super) model: &'static str,
    flags: u64,
    pub(super) policy: Policy,
    pub(super) test: bool,
    pub(super) escrow: bool,
    pub(super) founding: Founding,
    pub(super) users: Vec<UserInfo>,
    pub(super) objects: usize,
}

impl Found {
    pub(super) fn read(hsm: &Hsm, slot: u64) -> Result<Found, Failure> {
        let subject = || format!("token in slot {slot}");
        let info = hsm.token_info(slot).about(subject)?;
        let application = hsm.application(slot).about(subject)?;
        let token = application.token();
        let meta = token.meta().about(subject)?;
        Ok(Found {
            slot,
            label: info.label,
            serial: info.serial,
            manufacturer: info.manufacturer,
            model: info.model,
            flags: info.flags,
            policy: meta.policy,
            test: meta.test,
            escrow: meta.escrow,
            founding: meta.founding,
            users: token.users().about(subject)?,
            objects: count_objects(token).about(subject)?,
        })
    }

    pub(super) fn flag_names(&self) -> Vec<&'static str> {
        FLAGS.iter().filter(|(flag, _)| self.flags & flag != 0).map(|(_, name)| *name).collect()
    }

    /// Whether the officer has a PIN of its own.
    pub(super) fn is_activated(&self) -> bool {
        !self.users.iter().any(|user| user.role == Role::Unactivated)
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.test {
            notes.push("TEST TOKEN".to_owned());
        }
        if self.founding == Founding::CloudHsm {
            notes.push("CloudHSM".to_owned());
        }
        if !self.is_activated() {
            notes.push("not activated".to_owned());
        }
        if !self.users.iter().any(|user| user.role == Role::User) {
            notes.push("no user yet".to_owned());
        }
        notes.extend(self.users.iter().filter(|user| user.locked).map(|user| format!("\"{}\" is locked", user.name)));
        notes
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "slot": self.slot,
            "label": self.label,
            "serial": self.serial,
            "manufacturer": self.manufacturer,
            "model": self.model,
            "policy": self.policy.to_string(),
            "test": self.test,
            "escrow": self.escrow,
            "cloudhsm": self.founding == Founding::CloudHsm,
            "objects": self.objects,
            "flags": self.flag_names().iter().map(|name| name.to_lowercase()).collect::<Vec<_>>(),
            "users": self.users.iter().map(user_json).collect::<Vec<_>>(),
        })
    }
}

/// How many objects the token holds, of whatever owner.
fn count_objects(token: &Token) -> Result<usize, Error> {
    let mut count = 0;
    token.store().scan(layout::OBJECTS, None, &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// The flags of `C_GetTokenInfo` a token of ours can have (PKCS#11 3.2 §3.2).
const FLAGS: &[(u64, &str)] = &[
    (CKF_RNG, "RNG"),
    (CKF_WRITE_PROTECTED, "WRITE_PROTECTED"),
    (CKF_LOGIN_REQUIRED, "LOGIN_REQUIRED"),
    (CKF_USER_PIN_INITIALIZED, "USER_PIN_INITIALIZED"),
    (CKF_DUAL_CRYPTO_OPERATIONS, "DUAL_CRYPTO_OPERATIONS"),
    (CKF_TOKEN_INITIALIZED, "TOKEN_INITIALIZED"),
    (CKF_USER_PIN_COUNT_LOW, "USER_PIN_COUNT_LOW"),
    (CKF_USER_PIN_FINAL_TRY, "USER_PIN_FINAL_TRY"),
    (CKF_USER_PIN_LOCKED, "USER_PIN_LOCKED"),
    (CKF_SO_PIN_COUNT_LOW, "SO_PIN_COUNT_LOW"),
    (CKF_SO_PIN_FINAL_TRY, "SO_PIN_FINAL_TRY"),
    (CKF_SO_PIN_LOCKED, "SO_PIN_LOCKED"),
    (CKF_SO_PIN_TO_BE_CHANGED, "SO_PIN_TO_BE_CHANGED"),
];
