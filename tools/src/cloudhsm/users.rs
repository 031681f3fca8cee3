//! The types of user, by the words the tools have for them.

use strongroom_core::error::Error;
use strongroom_core::seal::Role;
use strongroom_core::token::{Token, UserInfo};

use crate::place;

/// The word for a user's type in listings.
pub(crate) fn type_name(user: &UserInfo) -> &'static str {
    match user.role {
        Role::Officer if user.primary => "PCO",
        Role::Officer => "CO",
        Role::User => "CU",
        Role::Unactivated => "PRECO",
        Role::Appliance => "AU",
    }
}

/// Who unlocks the user of this name, and how, if `error` is that he is locked, or became so by it.
pub(crate) fn unlocking(token: &Token, name: &str, error: &Error) -> Option<String> {
    let now = match error {
        Error::PinLocked => "",
        Error::PinWrong => "the password is wrong; ",
        _ => return None,
    };
    let users = token.users().ok()?;
    let user = users.iter().find(|user| user.locked && user.name.eq_ignore_ascii_case(name))?;
    let who = match user.role {
        Role::User => "user",
        _ => "officer",
    };
    let how = place::unlocking(user, &users, "password", |_| SETS_ANEW.to_owned());
    Some(format!("{now}the {who} \"{}\" is locked after too many wrong passwords; {how}", user.name))
}

/// The words the tools take as a type of user.
pub(crate) const TYPES: &[&str] = &["CU", "CO", "PCO", "PRECO", "AU"];
/// The type of user that keys belong to.
pub(crate) const CRYPTO_USER: &str = "CU";
const SETS_ANEW: &str = "changePswd in cloudhsm_mgmt_util and 'user change-password' in cloudhsm-cli set a new one";
