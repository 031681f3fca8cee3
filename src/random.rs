//! Random numbers (PKCS#11 3.2 §5.19).

use strongroom_core::hsm::Hsm;

use crate::failure::Outcome;
use crate::memory::{Input, Room};

/// `C_SeedRandom`.
pub(crate) fn seed(hsm: &Hsm, session: u64, seed: Input) -> Outcome {
    Ok(hsm.session(session)?.seed_random(seed.bytes()?)?)
}

/// `C_GenerateRandom`.
pub(crate) fn generate(hsm: &Hsm, session: u64, mut random: Room) -> Outcome {
    Ok(hsm.session(session)?.random(random.bytes()?)?)
}
