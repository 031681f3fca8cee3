//! The command line as its users meet it: the real program, in directories of its own.

mod attest;
mod audit;
mod cloudhsm;
mod codes;
mod doctor;
mod files;
mod hints;
mod import;
mod key;
mod namesakes;
mod pairs;
mod pins;
#[allow(dead_code)] // the tests of the other tools use it too
mod place;
mod plain;
mod policies;
mod sharing;
mod token;
mod twins;
mod user;
