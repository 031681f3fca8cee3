//! The HSM of Strongroom, in safe Rust: every door (the PKCS#11 module, the tools, the servers) translates, and this
//! core decides.
//!
//! The floors, each of which knows only those below it:
//!
//! | module | what for |
//! | --- | --- |
//! | [`hsm`] | slots, life cycle, configuration |
//! | [`session`] | sessions, login state, the operation in progress |
//! | [`token`] | the users and objects of one token behind one API |
//! | [`access`] | the one table of who may do what |
//! | [`seal`] | the key hierarchy from a PIN to an object |
//! | [`store`] | ordered key-value transactions |
//! | [`object`] | attribute schema, and every way an object comes to be |
//! | [`mechanism`] | one entry per mechanism |
//! | [`attribute`], [`clock`], [`policy`], [`error`], [`limits`], [`names`], [`text`] | the vocabulary |
#![forbid(unsafe_code)]

pub mod access;
pub(crate) mod asymmetric;
pub mod attribute;
pub mod clock;
pub mod error;
pub mod hsm;
pub mod limits;
pub mod mechanism;
pub mod names;
pub mod object;
pub mod policy;
pub mod seal;
pub mod session;
pub mod store;
pub mod text;
pub mod token;
