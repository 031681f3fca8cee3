//! The policy `strict`: for each known attack on the interface (`docs/policies.md`) a test that it is refused, and a
//! search through sequences of calls for one that nobody thought of.

mod curves;
mod explorer;
mod fips;
#[path = "../derivation/fixture.rs"]
#[allow(dead_code, reason = "words of other tests too")]
mod fixture;
mod life;
mod mechanisms;
mod purposes;
mod rsa_keys;
mod transport;
mod values;
mod words;
