//! The module as its users meet it: real programs, written by others or compiled here with our header, load
//! `libstrongroom.so` and work with it.
//!
//! A missing tool fails the test; `make test-deps` installs them all. `STRONGROOM_MODULE` names another module to run
//! the same tests against, which tells a wrong test from a wrong module.

mod backup;
mod demo;
mod dnssec;
mod gnutls;
mod harness;
mod install;
mod java;
mod node;
mod nss;
mod openssh;
mod openssl;
mod p11_kit;
#[path = "programs/page.rs"]
mod page;
mod pages;
mod pkcs11_tool;
mod post_quantum;
mod programs;
mod python;
mod quorum;
mod softhsm2;
mod sources;
mod symbols;
mod test_suites;
mod web;
