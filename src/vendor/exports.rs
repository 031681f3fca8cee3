//! The exported functions `SR_*`, each translated into a call of its chapter, and the list of them.

// The attribute that exports a name unmangled counts as unsafe code, and `exported!` takes the callers' promise here.
#![allow(unsafe_code)]

use cryptoki_sys::*;

use super::{SR_QUORUM_TOKEN_INFO, SR_USER_INFO, quorum, users};
use crate::last_error;
use crate::memory::{Input, List, Space, exported};

/// Exports the functions and lists them in their order: none can be missing from the list.
macro_rules! interface {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($argument:ident: $type:ty),* $(,)?) => $entry:ident($body:expr);
    )*) => {
        exported! { $($(#[$meta])* fn $name($($argument: $type),*) => $entry($body);)* }

        /// The functions of the interface "Strongroom", version 1.0. A later version begins as this one.
        #[repr(C)]
        pub struct SR_FUNCTION_LIST {
            /// The version of the list.
            pub version: CK_VERSION,
            $($(#[$meta])* pub $name: unsafe extern "C" fn($($type),*) -> CK_RV,)*
        }

        pub(crate) static LIST: SR_FUNCTION_LIST =
            SR_FUNCTION_LIST { version: CK_VERSION { major: 1, minor: 0 }, $($name,)* };
    };
}

interface! {
    /// Lists the users.
    fn SR_ListUsers(session: CK_SESSION_HANDLE, users: *mut SR_USER_INFO, count: *mut CK_ULONG) =>
        initialised(|hsm| users::list(hsm, session, List::new(users, count)));
    /// Makes a user, by an officer.
    fn SR_CreateUser(
        session: CK_SESSION_HANDLE, role: CK_ULONG, name: *mut CK_UTF8CHAR, name_len: CK_ULONG,
        pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG, user: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            users::create(hsm, session, role, Input::new(name, name_len), Input::new(pin, pin_len), user)
        });
    /// Removes a user who owns nothing, by an officer.
    fn SR_DeleteUser(session: CK_SESSION_HANDLE, user: CK_ULONG) =>
        initialised(|hsm| users::delete(hsm, session, user));
    /// Sets the PIN of a user, by an officer.
    fn SR_SetUserPIN(session: CK_SESSION_HANDLE, user: CK_ULONG, pin: *mut CK_UTF8CHAR, pin_len: CK_ULONG) =>
        initialised(|hsm| users::set_pin(hsm, session, user, Input::new(pin, pin_len)));
    /// Forgets the wrong PINs of a user, by an officer.
    fn SR_UnlockUser(session: CK_SESSION_HANDLE, user: CK_ULONG) =>
        initialised(|hsm| users::unlock(hsm, session, user));
    /// Shares a key with a user, by its owner.
    fn SR_ShareKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, user: CK_ULONG) =>
        initialised(|hsm| users::share(hsm, session, key, user));
    /// Ends the sharing of a key with a user, by its owner.
    fn SR_UnshareKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, user: CK_ULONG) =>
        initialised(|hsm| users::unshare(hsm, session, key, user));
    /// Declares an object trusted, or no longer, by an officer.
    fn SR_SetTrusted(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, trusted: CK_BBOOL) =>
        initialised(|hsm| users::set_trusted(hsm, session, object, trusted));
    /// Registers the key with which a user approves.
    fn SR_RegisterApprover(
        session: CK_SESSION_HANDLE, user: CK_ULONG, public_key: *mut CK_BYTE, public_key_len: CK_ULONG,
        challenge: *mut CK_BYTE, challenge_len: CK_ULONG, signature: *mut CK_BYTE, signature_len: CK_ULONG,
    ) =>
        initialised(|hsm| {
            let (public_key, challenge) = (Input::new(public_key, public_key_len), Input::new(challenge, challenge_len));
            quorum::register(hsm, session, user, public_key, challenge, Input::new(signature, signature_len))
        });
    /// Asks for a quorum token.
    fn SR_RequestApproval(
        session: CK_SESSION_HANDLE, service: CK_ULONG, key: CK_OBJECT_HANDLE, file: *mut CK_BYTE,
        file_len: *mut CK_ULONG,
    ) =>
        initialised(|hsm| quorum::request(hsm, session, service, key, Space::new(file, file_len)));
    /// Adds a user's approval to a quorum token.
    fn SR_Approve(
        session: CK_SESSION_HANDLE, file: *mut CK_BYTE, file_len: CK_ULONG, user: CK_ULONG,
        signature: *mut CK_BYTE, signature_len: CK_ULONG, missing: *mut CK_ULONG,
    ) =>
        initialised(|hsm| {
            let signature = Input::new(signature, signature_len);
            quorum::approve(hsm, session, Input::new(file, file_len), user, signature, missing)
        });
    /// Lists the quorum tokens that are good for something.
    fn SR_ListQuorumTokens(session: CK_SESSION_HANDLE, tokens: *mut SR_QUORUM_TOKEN_INFO, count: *mut CK_ULONG) =>
        initialised(|hsm| quorum::list(hsm, session, List::new(tokens, count)));
    /// Deletes a quorum token.
    fn SR_DeleteQuorumToken(session: CK_SESSION_HANDLE, token: CK_ULONG) =>
        initialised(|hsm| quorum::delete(hsm, session, token));
    /// Tells how many officers approve of a service.
    fn SR_GetQuorumValue(session: CK_SESSION_HANDLE, service: CK_ULONG, value: *mut CK_ULONG) =>
        initialised(|hsm| quorum::value(hsm, session, service, value));
    /// Sets how many officers approve of a service, by an officer.
    fn SR_SetQuorumValue(session: CK_SESSION_HANDLE, service: CK_ULONG, value: CK_ULONG) =>
        initialised(|hsm| quorum::set_value(hsm, session, service, value));
    /// Tells the calling thread's last error in words.
    fn SR_GetLastErrorText(text: *mut CK_UTF8CHAR, text_len: *mut CK_ULONG) =>
        about_last_error(|| Ok(Space::new(text, text_len).deliver(|| {}, last_error::read)?));
}
