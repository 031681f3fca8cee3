//! Algorithms over bytes and prepared keys, random numbers and secret memory.
//!
//! This is the only crate of Strongroom that names a crypto library, and with the module's C boundary the only one
//! with `unsafe`. It knows nothing of PKCS#11, tokens or users: who may do what is decided above.
//!
//! | module | what for |
//! | --- | --- |
//! | [`cipher`] | running encryptions and decryptions with prepared keys |
//! | [`mac`], [`hash`] | message authentication codes and digests |
//! | [`aead`], [`kdf`], [`sign`], [`kem`] | what protects keys at rest and ties users to them |
//! | [`random`] | random numbers, safe across fork |
//! | [`memory`] | locked, wiped memory; fork detection; counters shared between processes |

pub mod aead;
pub mod cipher;
pub mod derive;
pub mod dh;
pub mod dsa;
pub mod ec;
pub mod edwards;
pub mod encoding;
mod error;
pub mod hash;
pub mod kdf;
pub mod kem;
pub mod keywrap;
pub mod mac;
pub mod memory;
pub mod ml_dsa;
pub mod ml_kem;
pub mod montgomery;
pub mod pq;
pub mod random;
pub mod rsa;
pub mod sign;
pub mod slh_dsa;

pub use error::Error;
