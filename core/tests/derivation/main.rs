//! Derived keys as a door asks for them: what they are, and that they are as secret as what they come from.

mod agreement;
mod answers;
mod attacks;
mod fixture;
mod inheritance;
mod nist;
mod protocols;
mod public_key;
mod rules;
mod slices;
