//! What Strongroom adds to PKCS#11: the interface "Strongroom" with functions for users, sharing, approvals (quorum)
//! and the last error's text. `include/strongroom/strongroom.h` says the same in C, and `tests/header.rs` keeps the two
//! equal.
//!
//! | module | what for |
//! | --- | --- |
//! | `exports` | the exported functions `SR_*` and their list |
//! | `users` | users, sharing, trust |
//! | `quorum` | keys to approve with, quorum tokens |

// The names are those of the C header, which keeps to the manner of the standard's.
#![allow(non_camel_case_types, non_snake_case)]

mod exports;
mod quorum;
mod users;

use cryptoki_sys::*;
use strongroom_core::limits::USER_NAME_BYTES_MAX;
use strongroom_core::object::UserId;
use strongroom_core::token::quorum::FILE_BYTES;

pub use exports::*;

/// The name of the interface.
pub(crate) const NAME: &std::ffi::CStr = c"Strongroom";

/// An officer (PKCS#11: SO; CloudHSM: CO).
pub const SR_ROLE_OFFICER: CK_ULONG = 1;
/// A user of keys (PKCS#11: the user; CloudHSM: CU).
pub const SR_ROLE_USER: CK_ULONG = 2;
/// The first officer of a token founded as a CloudHSM, whose password is still the published one (CloudHSM: PRECO).
pub const SR_ROLE_UNACTIVATED: CK_ULONG = 3;
/// The appliance user of such a token, who has no login (CloudHSM: AU).
pub const SR_ROLE_APPLIANCE: CK_ULONG = 4;

/// Too many wrong PINs: an officer unlocks the user, or sets the PIN.
pub const SR_USER_LOCKED: CK_FLAGS = 1;
/// An officer can set the PIN without losing the user's keys.
pub const SR_USER_ESCROWED: CK_FLAGS = 2;
/// A key to approve with is registered.
pub const SR_USER_APPROVER: CK_FLAGS = 4;

/// Managing users, approved by officers (CloudHSM: `USER_MGMT`).
pub const SR_SERVICE_USER_MANAGEMENT: CK_ULONG = 3;
/// Setting how many officers approve, approved by officers (CloudHSM: `MISC_CO`).
pub const SR_SERVICE_OFFICERS: CK_ULONG = 4;
/// Using a key, approved by its users (CloudHSM: `USE_KEY`).
pub const SR_SERVICE_USE_KEY: CK_ULONG = 5;
/// Sharing, changing, wrapping, destroying a key, and wrapping with it, approved by its users (CloudHSM: `MANAGE_KEY`).
pub const SR_SERVICE_MANAGE_KEY: CK_ULONG = 6;

/// Bytes of a user's name, with one for an end mark.
pub const SR_USER_NAME_BYTES: usize = USER_NAME_BYTES_MAX + 1;
/// Bytes of what approvers sign.
pub const SR_QUORUM_FILE_BYTES: usize = FILE_BYTES;

/// A user, as `SR_ListUsers` lists it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SR_USER_INFO {
    /// The number, never given to another.
    pub userID: CK_ULONG,
    /// `SR_ROLE_*`.
    pub role: CK_ULONG,
    /// `SR_USER_*`.
    pub flags: CK_FLAGS,
    /// Wrong PINs that are left before the user is locked.
    pub ulAttemptsLeft: CK_ULONG,
    /// Lower case, with NULs behind it.
    pub name: [CK_UTF8CHAR; SR_USER_NAME_BYTES],
}

/// A quorum token, as `SR_ListQuorumTokens` lists it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct SR_QUORUM_TOKEN_INFO {
    /// The number.
    pub tokenID: CK_ULONG,
    /// `SR_SERVICE_*`.
    pub service: CK_ULONG,
    /// The key it is for; 0 where the service is about users.
    pub hKey: CK_OBJECT_HANDLE,
    /// The user who asked for it and may use it.
    pub requesterID: CK_ULONG,
    /// Approvals it takes.
    pub ulNeeded: CK_ULONG,
    /// Approvals it has.
    pub ulGiven: CK_ULONG,
    /// Seconds for which it is good, to be approved or, once it is, to be used.
    pub ulSecondsLeft: CK_ULONG,
    /// What approvers sign.
    pub file: [CK_BYTE; SR_QUORUM_FILE_BYTES],
}

/// The user of this number. What is no number of a user is nobody's.
fn user(number: CK_ULONG) -> UserId {
    u32::try_from(number).map_or(UserId::NOBODY, UserId)
}

#[cfg(test)]
mod tests {
    use strongroom_core::access::Service;
    use strongroom_core::seal::Role;

    use super::*;

    #[test]
    fn numbers_are_those_of_the_core() {
        let roles = [SR_ROLE_OFFICER, SR_ROLE_USER, SR_ROLE_UNACTIVATED, SR_ROLE_APPLIANCE];
        let own = [Role::Officer, Role::User, Role::Unactivated, Role::Appliance];
        assert_eq!(roles, own.map(|role| role as CK_ULONG));
        let services = [SR_SERVICE_USER_MANAGEMENT, SR_SERVICE_OFFICERS, SR_SERVICE_USE_KEY, SR_SERVICE_MANAGE_KEY];
        assert_eq!(services, Service::ALL.map(|service| service as CK_ULONG));
    }

    #[test]
    fn numbers_out_of_range_are_nobodys() {
        assert_eq!(user(7), UserId(7));
        assert_eq!(user(1 << 32 | 7), UserId::NOBODY);
    }
}
