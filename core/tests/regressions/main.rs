//! Defects that were once there, each by what a user may rely on now that it is gone.
//!
//! Most are about order: what happens between two steps of a call. `order` brings something about at such a moment, so
//! that no test hopes for luck; where only a slow PIN makes the moment, the test repeats until it was met.

#[path = "../tamper/fixture.rs"]
#[allow(dead_code)]
mod fixture;
mod guesses;
mod login;
mod order;
mod races;
mod tokens;
mod trust;
