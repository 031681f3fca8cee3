//! Public and private keys as objects (§4.7 to §4.9, §4.11, §5.7, §5.18.2): the rules of their attributes, import,
//! check values, searches, who sees them, what a restart leaves.

mod attributes;
mod places;

use cryptoki_sys::*;

use crate::pair_samples::{PAIRS, PairSample};

/// One sample of each type of key.
fn one_of_each() -> Vec<&'static PairSample> {
    let mut types: Vec<CK_KEY_TYPE> = Vec::new();
    let mut first = |sample: &&PairSample| {
        let new = !types.contains(&sample.key_type);
        types.push(sample.key_type);
        new
    };
    PAIRS.iter().filter(|sample| first(sample)).collect()
}
