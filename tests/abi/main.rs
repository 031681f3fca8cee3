//! The module's C functions, called the way C calls them: pointers, lengths, and return values.
//!
//! The functions share one state per process, so the tests take turns (`support::turn`). What clients in C, C++ and
//! Python see of the shared library is tested beside this folder.

// Every block calls the module as a C program would, with pointers to variables that outlive the call.
#![allow(clippy::undocumented_unsafe_blocks)]

mod arguments;
mod interfaces;
mod keys;
mod life;
mod messages;
mod objects;
mod operations;
mod overhead;
mod support;
mod trace;
mod vendor;
