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
mod error;
pub mod hash;
pub mod kdf;
pub mod kem;
pub mod mac;
pub mod memory;
pub mod random;
pub mod sign;

pub use error::Error;
