//! From components to a key: what is missing is completed, what comes from outside is checked.

use std::cmp::Ordering;

use super::bignum::{Montgomery, Number, Scratch};
use super::handle::{Handle, Secrets};
use super::{Check, Component, Components, MODULUS_BITS_MAX, MODULUS_BITS_MIN, is_roca};
use crate::Error;

/// A private key of these components.
///
/// # Errors
/// [`Error::KeyLength`] for the modulus, [`Error::KeyValue`] for any component.
pub(super) fn private(components: &Components<'_>, check: Check) -> Result<Handle, Error> {
    let (modulus, public_exponent) = public_numbers(components.modulus, components.public_exponent)?;
    let limit = modulus.bits().div_ceil(8);
    let number = |bytes: &[u8], why| number(bytes, limit).ok_or(Error::KeyValue(why))?;
    let given = |bytes: Option<&[u8]>, why| bytes.map(|bytes| number(bytes, why)).transpose();

    let private_exponent = number(components.private_exponent, "private exponent")?;
    if !private_exponent.exceeds(1) || private_exponent.compare(&modulus) != Ordering::Less {
        return Err(Error::KeyValue("private exponent"));
    }
    let mut scratch = Scratch::new()?;
    let primes = match (given(components.prime_1, "prime 1")?, given(components.prime_2, "prime 2")?) {
        (Some(p), Some(q)) => Some([p, q]),
        (None, None) => None,
        _ => return Err(Error::KeyValue("one prime without the other")),
    };
    let found = primes.is_none();
    let primes = match primes {
        Some(primes) => primes,
        None => find_primes(&modulus, &public_exponent, &private_exponent, &mut scratch)?,
    };
    if !primes.iter().all(|prime| prime.is_odd() && prime.exceeds(2)) {
        return Err(Error::KeyValue("a prime is even"));
    }
    let [p, q] = &primes;
    if scratch.product(p, q)?.compare(&modulus) != Ordering::Equal {
        return Err(Error::KeyValue("the modulus is not the product of the primes"));
    }

    // Values for primes that were found here are made here too: whose they are is not known.
    let usable = |bytes: Option<&'_ [u8]>, why| if found { Ok(None) } else { given(bytes, why) };
    let mut exponent = |bytes, prime: &Number, why| match usable(bytes, why)? {
        Some(exponent) => Ok(exponent),
        None => scratch.remainder(&private_exponent, &prime.less_word(1)?),
    };
    let exponents =
        [exponent(components.exponent_1, p, "exponent 1")?, exponent(components.exponent_2, q, "exponent 2")?];
    let coefficient = match usable(components.coefficient, "coefficient")? {
        Some(coefficient) => coefficient,
        None => inverse_of_prime(q, p, &mut scratch)?,
    };

    if check == Check::Full {
        check_shape(components.modulus, &modulus, &private_exponent, &primes)?;
    }
    let candidates = [p.shifted_right(0)?, q.shifted_right(0)?];
    let handle =
        Handle::new(modulus, public_exponent, Some(Secrets { private_exponent, primes, exponents, coefficient }))?;
    if check == Check::Full {
        if !handle.is_consistent() {
            return Err(Error::KeyValue("the components do not belong together"));
        }
        for candidate in &candidates {
            if !scratch.is_prime(candidate)? {
                return Err(Error::KeyValue("a prime is not prime"));
            }
        }
    }
    Ok(handle)
}

/// A public key of these components.
///
/// # Errors
/// As for [`private`].
pub(super) fn public(modulus: &[u8], public_exponent: &[u8]) -> Result<Handle, Error> {
    let (modulus, public_exponent) = public_numbers(modulus, public_exponent)?;
    Handle::new(modulus, public_exponent, None)
}

/// The public key in a private one.
pub(super) fn public_of(private: &Handle) -> Result<Handle, Error> {
    let modulus = private.component(Component::Modulus)?;
    let public_exponent = private.component(Component::PublicExponent)?;
    public(modulus.expose(), public_exponent.expose())
}

/// An exponent for key generation.
///
/// # Errors
/// [`Error::KeyValue`] when it is even, 1, or longer than 32 bits, which is all the library generates for.
pub(super) fn exponent_for_generation(bytes: &[u8]) -> Result<Number, Error> {
    let exponent = number(bytes, GENERATION_EXPONENT_BYTES_MAX).ok_or(Error::KeyValue("public exponent"))??;
    if exponent.is_odd() && exponent.exceeds(2) { Ok(exponent) } else { Err(Error::KeyValue("public exponent")) }
}

fn public_numbers(modulus: &[u8], public_exponent: &[u8]) -> Result<(Number, Number), Error> {
    let length = Error::KeyLength { got: without_leading_zeros(modulus).len() };
    let modulus = number(modulus, MODULUS_BITS_MAX / 8).ok_or(length)??;
    if !(MODULUS_BITS_MIN..=MODULUS_BITS_MAX).contains(&modulus.bits()) {
        return Err(length);
    }
    if !modulus.is_odd() {
        return Err(Error::KeyValue("the modulus is even"));
    }
    let exponent = number(public_exponent, modulus.bits().div_ceil(8)).ok_or(Error::KeyValue("public exponent"))??;
    if !exponent.is_odd() || !exponent.exceeds(2) || exponent.compare(&modulus) != Ordering::Less {
        return Err(Error::KeyValue("public exponent"));
    }
    Ok((modulus, exponent))
}

// What only a key from outside can have wrong, and the library does not look at.
fn check_shape(
    modulus_bytes: &[u8],
    modulus: &Number,
    private_exponent: &Number,
    primes: &[Number; 2],
) -> Result<(), Error> {
    let [p, q] = primes;
    let half_bits = modulus.bits() / 2;
    // FIPS 186-5 §A.1.1: d > 2^(nlen/2), or it can be found from n and e (Wiener).
    if private_exponent.bits() <= half_bits {
        return Err(Error::KeyValue("the private exponent is too small"));
    }
    if p.bits().min(q.bits()).saturating_mul(PRIME_SHARE_MAX) < modulus.bits() {
        return Err(Error::KeyValue("a prime is too small"));
    }
    // FIPS 186-5 §A.1.3: |p − q| > 2^(nlen/2 − 100), or n can be factored from its root (Fermat).
    if p.less(q)?.bits() <= half_bits.saturating_sub(PRIME_DISTANCE_BITS) {
        return Err(Error::KeyValue("the primes are too close to each other"));
    }
    if is_roca(modulus_bytes) {
        return Err(Error::KeyValue("the modulus has the fingerprint of CVE-2017-15361"));
    }
    Ok(())
}

// The primes from the exponents, the larger one first (SP 800-56B Appendix C): d·e − 1 = 2^t·r is a multiple of the
// order of every number, so squaring g^r leads to 1, for half of all g through a root of 1 that is not ±1.
fn find_primes(
    modulus: &Number,
    public_exponent: &Number,
    private_exponent: &Number,
    scratch: &mut Scratch,
) -> Result<[Number; 2], Error> {
    let foreign = Error::KeyValue("the private exponent does not belong to the public key");
    // Modulo a prime there is no such root, and every attempt would be in vain.
    if scratch.is_prime(modulus)? {
        return Err(foreign);
    }
    let multiple = scratch.product(private_exponent, public_exponent)?.less_word(1)?;
    let twos = multiple.low_zero_bits();
    if twos == 0 {
        return Err(foreign);
    }
    let odd = multiple.shifted_right(twos)?;
    let montgomery = Montgomery::new(modulus, scratch)?;
    let last = modulus.less_word(1)?;
    for _ in 0..FACTORING_ATTEMPTS {
        let base = scratch.random_below(&last)?;
        let mut root = scratch.power(&base, &odd, modulus, &montgomery)?;
        let mut reached = false;
        for _ in 0..twos {
            let square = scratch.product_modulo(&root, &root, modulus)?;
            reached = square.equals(1);
            if reached {
                break;
            }
            root = square;
        }
        if !reached {
            return Err(foreign);
        }
        let factor = scratch.common_divisor(&root.less_word(1)?, modulus)?;
        if factor.exceeds(1) && factor.compare(modulus) == Ordering::Less {
            let other = scratch.quotient(modulus, &factor)?;
            return Ok(if factor.compare(&other) == Ordering::Less { [other, factor] } else { [factor, other] });
        }
    }
    Err(foreign)
}

// q⁻¹ mod p = q^(p − 2) mod p, in constant time where the primes have the same width.
fn inverse_of_prime(q: &Number, p: &Number, scratch: &mut Scratch) -> Result<Number, Error> {
    let montgomery = Montgomery::new(p, scratch)?;
    let reduced = if q.bits() <= p.bits() { scratch.reduce(q, &montgomery)? } else { scratch.remainder(q, p)? };
    scratch.power(&reduced, &p.less_word(2)?, p, &montgomery)
}

// None if the number is longer than `limit` bytes.
fn number(bytes: &[u8], limit: usize) -> Option<Result<Number, Error>> {
    let bytes = without_leading_zeros(bytes);
    (bytes.len() <= limit).then(|| Number::from_bytes(bytes))
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

const GENERATION_EXPONENT_BYTES_MAX: usize = 4;
const PRIME_DISTANCE_BITS: usize = 100;
// No prime has less than a third of the modulus' bits.
const PRIME_SHARE_MAX: usize = 3;
// Each fails with a probability of at most one half.
const FACTORING_ATTEMPTS: usize = 32;
