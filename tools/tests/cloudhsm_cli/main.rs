//! `cloudhsm-cli`, command by command: a use of each that works, with the whole answer, and each that is refused, with
//! what is said and that nothing was made.

#[path = "../support/cloudhsm_cli.rs"]
mod cli;
#[path = "../cli/place.rs"]
#[allow(dead_code)]
mod place;

mod changes;
mod keys;
mod modes;
mod quorum;
mod signatures;
mod users;
mod wrapping;
