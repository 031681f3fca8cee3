//! `cloudhsm_mgmt_util`, command by command: the guide's flow word for word, a use of each command that works, and each
//! that is refused, with what is said and that nothing changed.

#[path = "../support/cmu.rs"]
mod cmu;
#[path = "../support/kmu.rs"]
#[allow(dead_code)]
mod kmu;
#[path = "../cli/place.rs"]
#[allow(dead_code)]
mod place;

mod guide;
mod keys;
mod quorum;
mod starts;
mod users;
