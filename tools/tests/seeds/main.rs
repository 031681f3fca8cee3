//! The examples of CloudHSM's guide, as written, against the lines it shows. Handles and check values differ from token
//! to token, so they are compared by their form; a check value is computed again by another program.

#[path = "../support/kmu.rs"]
#[allow(dead_code)]
mod kmu;
#[path = "../cli/place.rs"]
#[allow(dead_code)]
mod place;

mod gen_sym_key;
