//! The types of user, by the words the tools have for them.

use strongroom_core::seal::Role;

/// The word for a role in listings.
pub(crate) fn type_name(role: Role) -> &'static str {
    match role {
        Role::Officer => "CO",
        Role::User => "CU",
    }
}

/// The words the tools take as a type of user.
pub(crate) const TYPES: &[&str] = &["CU", "CO", "PCO", "PRECO", "AU"];
/// The type of user that keys belong to.
pub(crate) const CRYPTO_USER: &str = "CU";
