//! What the fuzz targets share: reading choices from the fuzzer's bytes, a token in memory that can be put back as it
//! was, and records as a hostile user of the token could write them.

pub mod forge;
pub mod input;
pub mod invariants;
pub mod world;
