//! The module against the text of PKCS#11 3.2, chapter by chapter, through the shared library as a client loads it.
//!
//! | file | what it asks |
//! | --- | --- |
//! | `lifecycle` | what every function answers before, between and after; tokens initialised and initialised anew |
//! | `sessions`, `login` | session states, object life, PINs, roles, lockout, logins for one operation |
//! | `cloudhsm` | a token founded as a CloudHSM: its users and their rules |
//! | `objects`, `attributes`, `keys` | chapter 4: objects, each attribute's rules, key values and check values |
//! | `ciphers`, `macs`, `digests`, `dual`, `random` | operations: output convention, parts, errors, several at once |
//! | `messages` | encryption by messages: values, IVs of the module, errors |
//! | `signing_functions` | verification with the signature first; signatures by messages; what nobody validated |
//! | `always_authenticate` | key pairs that want a login for each operation |
//! | `post_quantum` | ML-KEM, ML-DSA, SLH-DSA: keys, encapsulation, signatures |
//! | `profiles` | the profiles the module says it meets |
//! | `again`, `waiting` | one signature after another; that no session waits for another's long work |
//! | `mechanisms`, `refusals`, `wrong_parameters` | the mechanism list against a table of samples: every mechanism, parameter, key type and usage |
//! | `curves` | elliptic curves: encodings, refusals, values, the life of their keys |
//! | `wrapping` | keys that leave and come back encrypted: every mechanism and type of key, refusals, policies |
//! | `discrete` | DSA, Diffie-Hellman, X9.42 and their domain parameters |
//! | `pair_objects` | public and private keys as objects: each attribute's rules, import, search, certificates |
//! | `rsa` | RSA: pairs, signatures, encryption, wrapping |
//! | `derivation` | `C_DeriveKey`: every mechanism's answer, where handles go, refusals, what is inherited |
//! | `vendor` | what Strongroom adds: users, sharing, approvals, the last error's words |
//! | `wycheproof`, `wycheproof_*`, `vectors`, `differential` | values: public test files, published numbers, the `openssl` program |
//! | `cryptoki_client` | the same module as Rust's `cryptoki` crate uses it, from several processes |
//!
//! A process has one module and so one state: tests that only use tokens of their own run side by side, tests that
//! finalise the module run alone (`module::Token`, `module::alone`).

// Every block calls the module as a C program would, with pointers to variables that outlive the call.
#![allow(clippy::undocumented_unsafe_blocks)]
// The suite says how many cases it ran.
#![allow(clippy::print_stdout)]

#[macro_use]
mod module;
mod pair_samples;
mod pairs;
mod parameters;
mod samples;
mod session;
mod template;

mod again;
mod always_authenticate;
mod attributes;
mod ciphers;
mod cloudhsm;
mod cryptoki_client;
mod curves;
mod derivation;
mod differential;
mod digests;
mod discrete;
mod dual;
mod keys;
mod lifecycle;
mod login;
mod macs;
mod mechanisms;
mod messages;
mod objects;
mod pair_objects;
mod post_quantum;
mod profiles;
mod random;
mod refusals;
mod rsa;
mod sessions;
mod signing_functions;
mod vectors;
mod vendor;
mod waiting;
mod wrapping;
mod wrong_parameters;
mod wycheproof;
mod wycheproof_curves;
mod wycheproof_derivation;
mod wycheproof_pq;
mod wycheproof_rsa;
