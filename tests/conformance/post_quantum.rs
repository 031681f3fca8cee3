//! ML-KEM, ML-DSA and SLH-DSA (PKCS#11 3.2 §6.67 to §6.69) through the module's functions.
//!
//! | module | what it asks |
//! | --- | --- |
//! | `ml_kem` | encapsulation and decapsulation, and the keys that come out of them |
//! | `kem_keys` | ML-KEM keys imported in each form |
//! | `ml_dsa`, `slh_dsa` | signatures: contexts, hedging, prehashed messages, parts |
//! | `objects` | pairs as objects: secret parts, encodings, check values, a new start |

mod kem_keys;
mod ml_dsa;
mod ml_kem;
mod objects;
mod slh_dsa;
