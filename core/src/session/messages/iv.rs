//! IVs made by the module for a series of messages: never the same twice.

use cryptoki_sys::*;
use strongroom_crypto::random::Source;

use crate::error::Error;

/// Makes the IVs of one series. What the first asks for holds for all: with another split between fixed and generated
/// bits two IVs could meet.
#[derive(Default)]
pub(super) struct IvMaker {
    series: Option<Series>,
}

struct Series {
    generator: u64,
    fixed_bits: u64,
    /// What the counter is added to, or XORed into.
    base: Vec<u8>,
    last: Vec<u8>,
    counter: u64,
}

impl IvMaker {
    /// Puts the next IV in place of the caller's, whose first `fixed_bits` bits stay (PKCS#11 3.2 §6.13.3).
    ///
    /// `CKG_GENERATE` and `CKG_GENERATE_RANDOM` count up from a random start, which is the construction of NIST SP
    /// 800-38D §8.2.2 that cannot repeat itself within a series.
    ///
    /// # Errors
    /// [`Error::MechanismParameter`] for a generator that does not exist, where too few bits are left to generate,
    /// where the series began with another choice, and where all its IVs are used up; [`Error::HostMemory`]; the
    /// generator's.
    pub(super) fn make(
        &mut self,
        generator: u64,
        fixed_bits: u64,
        iv: &mut [u8],
        random: &dyn Source,
    ) -> Result<(), Error> {
        let random_start = match generator {
            CKG_NO_GENERATE => return Ok(()),
            CKG_GENERATE | CKG_GENERATE_RANDOM => true,
            CKG_GENERATE_COUNTER | CKG_GENERATE_COUNTER_XOR => false,
            _ => return Err(Error::MechanismParameter("there is no such generator of IVs")),
        };
        let free_bits = (iv.len() as u64).saturating_mul(8).saturating_sub(fixed_bits);
        if free_bits < if random_start { RANDOM_BITS_MIN } else { 1 } {
            return Err(Error::MechanismParameter("the fixed bits leave too few to generate"));
        }
        let series = match &mut self.series {
            Some(series) => series,
            none => {
                let mut base = copy(iv)?;
                match generator {
                    CKG_GENERATE_COUNTER => base.fill(0),
                    CKG_GENERATE_COUNTER_XOR => {}
                    _ => random.fill(&mut base)?,
                }
                none.insert(Series { generator, fixed_bits, base, last: copy(iv)?, counter: 0 })
            }
        };
        series.next(generator, fixed_bits, free_bits, iv)
    }
}

impl Series {
    fn next(&mut self, generator: u64, fixed_bits: u64, free_bits: u64, iv: &mut [u8]) -> Result<(), Error> {
        if (generator, fixed_bits, iv.len()) != (self.generator, self.fixed_bits, self.base.len()) {
            return Err(Error::MechanismParameter("one series of messages has one kind of IV"));
        }
        let xor = generator == CKG_GENERATE_COUNTER_XOR;
        // What the last call stored may come back; the counter goes into what came first.
        if xor && iv != self.base && iv != self.last {
            return Err(Error::MechanismParameter("the IV that the counter goes into must not vary"));
        }
        let used_up = free_bits < 64 && self.counter >> free_bits != 0;
        let after = self.counter.checked_add(1).filter(|_| !used_up);
        let after = after.ok_or(Error::MechanismParameter("all IVs of this series are used up"))?;
        let counter = self.counter.to_be_bytes().into_iter().rev().chain(std::iter::repeat(0));
        let mut carry = 0;
        for ((made, base), counted) in self.last.iter_mut().zip(&self.base).rev().zip(counter) {
            *made = if xor {
                base ^ counted
            } else {
                let sum = u16::from(*base) + u16::from(counted) + carry;
                carry = sum >> 8;
                sum as u8
            };
        }
        let masks = (0..).map(|byte| fixed_mask(fixed_bits, byte));
        for ((made, given), mask) in self.last.iter_mut().zip(&mut *iv).zip(masks) {
            *made = *given & mask | *made & !mask;
        }
        iv.copy_from_slice(&self.last);
        self.counter = after;
        Ok(())
    }
}

/// The bits that stay in one byte of the IV.
fn fixed_mask(fixed_bits: u64, byte: u64) -> u8 {
    match fixed_bits.saturating_sub(byte.saturating_mul(8)) {
        bits @ 0..8 => !(0xff >> bits),
        _ => 0xff,
    }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| Error::HostMemory)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// As many bits as the shortest nonce of CCM has: fewer would soon meet the random ones of another series.
const RANDOM_BITS_MIN: u64 = 56;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A generator that gives one byte for ever.
    struct Constant(u8);

    impl Source for Constant {
        fn fill(&self, out: &mut [u8]) -> Result<(), strongroom_crypto::Error> {
            out.fill(self.0);
            Ok(())
        }
    }

    fn make(maker: &mut IvMaker, generator: u64, fixed_bits: u64, iv: &[u8]) -> Result<Vec<u8>, CK_RV> {
        let mut iv = iv.to_vec();
        maker.make(generator, fixed_bits, &mut iv, &Constant(0xff)).map_err(|error| error.rv())?;
        Ok(iv)
    }

    #[test]
    fn counters_start_at_zero_and_leave_the_fixed_bits() {
        let mut maker = IvMaker::default();
        for counter in 0..600u16 {
            let made = make(&mut maker, CKG_GENERATE_COUNTER, 32, &[0xaa; 12]).unwrap();
            assert_eq!(made[..4], [0xaa; 4]);
            assert_eq!(made[4..10], [0; 6]);
            assert_eq!(made[10..], counter.to_be_bytes());
        }
        let mut maker = IvMaker::default();
        assert_eq!(make(&mut maker, CKG_GENERATE_COUNTER, 3, &[0xff; 7]), Ok(vec![0xe0, 0, 0, 0, 0, 0, 0]));
        assert_eq!(make(&mut maker, CKG_GENERATE_COUNTER, 3, &[0xff; 7]), Ok(vec![0xe0, 0, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn counters_are_xored_into_what_came_first() {
        let base = [0x55; 12];
        let mut maker = IvMaker::default();
        let mut seen = HashSet::new();
        let mut passed = base.to_vec();
        for counter in 0..300u16 {
            let made = make(&mut maker, CKG_GENERATE_COUNTER_XOR, 32, &passed).unwrap();
            assert_eq!(made[..10], base[..10]);
            assert_eq!(made[10..], (0x5555 ^ counter).to_be_bytes());
            assert!(seen.insert(made.clone()));
            // A caller passes the first again, or leaves what was stored.
            passed = if counter % 3 == 0 { base.to_vec() } else { made };
        }
        assert_eq!(make(&mut maker, CKG_GENERATE_COUNTER_XOR, 32, &[0x56; 12]), Err(CKR_MECHANISM_PARAM_INVALID));
    }

    #[test]
    fn a_random_start_counts_up_and_around() {
        let mut maker = IvMaker::default();
        let first = make(&mut maker, CKG_GENERATE, 8, &[1; 12]).unwrap();
        assert_eq!(first, [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(make(&mut maker, CKG_GENERATE, 8, &first).unwrap(), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        // The fixed bits may change; the rest goes on.
        assert_eq!(make(&mut maker, CKG_GENERATE, 8, &[2; 12]).unwrap(), [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_series_ends_when_its_ivs_are_used_up() {
        for (fixed_bits, ivs) in [(95, 2), (92, 16), (88, 256)] {
            for generator in [CKG_GENERATE_COUNTER, CKG_GENERATE_COUNTER_XOR] {
                let mut maker = IvMaker::default();
                let mut seen = HashSet::new();
                for _ in 0..ivs {
                    assert!(seen.insert(make(&mut maker, generator, fixed_bits, &[3; 12]).unwrap()));
                }
                for _ in 0..2 {
                    let refusal = make(&mut maker, generator, fixed_bits, &[3; 12]);
                    assert_eq!(refusal, Err(CKR_MECHANISM_PARAM_INVALID));
                }
            }
        }
    }

    #[test]
    fn what_leaves_no_room_is_refused() {
        let refused = |generator, fixed_bits, len| {
            make(&mut IvMaker::default(), generator, fixed_bits, &vec![0; len]) == Err(CKR_MECHANISM_PARAM_INVALID)
        };
        for fixed_bits in [96, 97, u64::MAX] {
            assert!(refused(CKG_GENERATE_COUNTER, fixed_bits, 12));
        }
        for generator in [CKG_GENERATE, CKG_GENERATE_RANDOM] {
            assert!(!refused(generator, 0, 7) && !refused(generator, 40, 12));
            assert!(refused(generator, 41, 12) && refused(generator, 0, 6) && refused(generator, 0, 0));
        }
        assert!(refused(5, 0, 12) && refused(u64::MAX, 0, 12));
        assert!(!refused(CKG_NO_GENERATE, u64::MAX, 0));
        let mut maker = IvMaker::default();
        make(&mut maker, CKG_GENERATE_COUNTER, 32, &[0; 12]).unwrap();
        for (generator, fixed_bits, len) in
            [(CKG_GENERATE_COUNTER, 40, 12), (CKG_GENERATE_COUNTER, 32, 13), (CKG_GENERATE, 32, 12)]
        {
            assert_eq!(make(&mut maker, generator, fixed_bits, &vec![0; len]), Err(CKR_MECHANISM_PARAM_INVALID));
        }
    }
}
