//! The fingerprint of keys made by a faulty generator (CVE-2017-15361, "ROCA"), which can be factored.

/// Whether a modulus has the fingerprint: it is a power of 65537 modulo the product of the primes up to 167, and both
/// its primes are, in keys of that generator. A sound modulus has it with a probability below 2^-100.
///
/// The modulus is big-endian and public; the time depends on it.
pub fn is_roca(modulus: &[u8]) -> bool {
    let mut found: [Logarithm; PRIMES.len()] = [Logarithm { value: 0, order: 1 }; PRIMES.len()];
    for (place, prime) in PRIMES.into_iter().enumerate() {
        let Some(logarithm) = Logarithm::of(remainder(modulus, prime), prime) else {
            return false;
        };
        // One and the same exponent for all primes: it must agree where the orders have a divisor in common.
        let (before, rest) = found.split_at_mut(place);
        if before.iter().any(|other| !logarithm.agrees(other)) {
            return false;
        }
        if let Some(next) = rest.first_mut() {
            *next = logarithm;
        }
    }
    true
}

// An exponent of 65537 modulo a prime, known modulo the order of 65537.
#[derive(Clone, Copy)]
struct Logarithm {
    value: u32,
    order: u32,
}

impl Logarithm {
    fn of(power: u32, prime: u32) -> Option<Logarithm> {
        let (mut value, mut current) = (None, 1);
        for exponent in 0..prime {
            if current == power {
                value = value.or(Some(exponent));
            }
            current = current * (GENERATOR % prime) % prime;
            if current == 1 {
                return value.map(|value| Logarithm { value, order: exponent + 1 });
            }
        }
        None
    }

    fn agrees(&self, other: &Logarithm) -> bool {
        let divisor = common_divisor(self.order, other.order);
        self.value % divisor == other.value % divisor
    }
}

fn remainder(number: &[u8], divisor: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % divisor)
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

const GENERATOR: u32 = 65537;

// Every key length of the faulty generator uses at least these.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];
