//! The audit log: what is in it, and that whoever touches it is found out.

mod edits;
mod events;
mod fixture;
