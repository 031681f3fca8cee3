//! `key_mgmt_util`, command by command: a use of each that works, and each that is refused, with what is said and that
//! nothing was made.

#[path = "../support/kmu.rs"]
#[allow(dead_code)]
mod kmu;
#[path = "../cli/place.rs"]
#[allow(dead_code)]
mod place;

mod attributes;
mod certificates;
mod creation;
mod finding;
mod masked;
mod memory;
mod modes;
mod pairs;
mod quorum;
mod sharing;
mod signatures;
mod transport;
mod wrapping;
