//! The types of user, by the words the tools have for them.

use strongroom_core::seal::Role;
use strongroom_core::token::UserInfo;

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

/// The words the tools take as a type of user.
pub(crate) const TYPES: &[&str] = &["CU", "CO", "PCO", "PRECO", "AU"];
/// The type of user that keys belong to.
pub(crate) const CRYPTO_USER: &str = "CU";
