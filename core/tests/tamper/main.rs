//! What a thief or an editor of a token's files gets: nothing. Every byte of a token is flipped, and its records are
//! swapped, replayed, cut and forged; then every user looks at the token again.
//!
//! The rule, for each edit: what is read is what was written, or an error, or nothing at all. A sensitive value never
//! comes out, an attribute never changes, a key never gives another result. What an edit *can* do is to hide or to
//! destroy, and to take a whole record, or a whole token, back to an earlier state: `edits` says for each what is
//! noticed.

mod edits;
mod fixture;
mod flips;
mod rules;
mod seen;
