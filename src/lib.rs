//! The PKCS#11 module `libstrongroom.so`: the C door into the HSM of `strongroom_core`.
//!
//! Each exported function turns the caller's pointers into checked, typed values, calls the core and turns its answer
//! into the standard's return value. No rule about keys or users is decided here.
//!
//! | module | what for |
//! | --- | --- |
//! | `exports` | the list of exported functions, each one line of translation |
//! | `entry` | what every call goes through: initialised? forked? panicked? traced? |
//! | `memory` | the only `unsafe`: the caller's memory, and the door that threads pass while one of them may finalise |
//! | `lifecycle` | `C_Initialize` and `C_Finalize` |
//! | `general`, `slots`, `sessions`, ... | one file per chapter of the standard, safe code only |
//! | `interfaces` | the function lists and interfaces |
//! | `parameters` | mechanism parameters, from the caller's structs to the core's values |
//! | `trace`, `last_error` | `STRONGROOM_TRACE`; the last error in words |
//! | `vendor` | what Strongroom adds: the interface "Strongroom" |
#![deny(unsafe_code)]

mod asynchronous;
mod decryption;
mod digests;
mod dual;
mod encryption;
mod entry;
mod exports;
mod failure;
mod general;
mod interfaces;
mod keys;
mod last_error;
mod lifecycle;
mod memory;
mod message_signing;
mod messages;
mod objects;
mod parameters;
mod random;
mod reserved;
mod sessions;
mod signing;
mod slots;
mod text;
mod trace;
mod vendor;
mod verification;
mod wrapping;

pub use exports::*;
pub use vendor::*;
