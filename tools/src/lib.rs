//! What the programs of Strongroom share.
#![forbid(unsafe_code)]

pub mod attestation;
