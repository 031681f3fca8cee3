//! Diffie-Hellman over a prime field (PKCS#3, X9.42, RFC 7919).
//!
//! The library's own derivation is slow, as it draws private values as long as the prime and checks peers by an
//! exponentiation of that length. Here private values have the length that the group's security calls for, the
//! arithmetic is the library's constant-time exponentiation, and what depends on the prime is computed once.

pub(crate) mod bignum;
mod groups;

use std::cmp::Ordering;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use aws_lc_sys::{DH_free, DH_generate_parameters_ex, DH_get0_pqg, DH_new};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::SecretBytes;
use crate::random;
use bignum::{Modulus, Number, keep_bits, random_below, significant};

pub use groups::KnownGroup;

/// A group, prepared once and shared by its keys.
#[derive(Clone)]
pub struct Parameters(Arc<Group>);

struct Group {
    p: Modulus,
    g: Number,
    q: Option<Number>,
    /// q is (p - 1) / 2: there are no small subgroups but the one of p - 1.
    safe: bool,
    p_less_one: Number,
}

impl Parameters {
    /// A group of somebody else: prime, base and, if known, the order of the base.
    ///
    /// Costs prime tests, unless the prime is a [`KnownGroup`]'s. When no order is given it is found if the prime is
    /// safe, that is if (p - 1) / 2 is prime too.
    ///
    /// # Errors
    /// [`Error::KeyLength`] for primes of less than 1024 or more than 8192 bits; [`Error::KeyValue`] when `p` or `q` is
    /// not prime, `g` is not in 2..=p-2, `q` does not divide p - 1 or is not the order of `g`.
    pub fn new(p: &[u8], g: &[u8], q: Option<&[u8]>) -> Result<Parameters, Error> {
        let (group, known) = Parameters::parts(p, g, q)?;
        if known {
            return Ok(group);
        }
        let Group { p, g, q, safe, p_less_one } = Arc::into_inner(group.0).ok_or(Error::Memory)?;
        if !p.number().is_prime(PRIME_ROUNDS)? {
            return Err(Error::KeyValue("p is not prime"));
        }
        let half = p_less_one.half()?;
        let Some(q) = q else {
            let safe = half.is_prime(PRIME_ROUNDS)?;
            let q = if safe { Some(half) } else { None };
            return Ok(Parameters(Arc::new(Group { p, g, q, safe, p_less_one })));
        };
        if !q.is_prime(PRIME_ROUNDS)? {
            return Err(Error::KeyValue("q is not prime"));
        }
        if !p_less_one.is_multiple_of(&q)? {
            return Err(Error::KeyValue("q does not divide p - 1"));
        }
        // In a safe group a base of twice the order serves as well.
        if !safe && !p.power_is_one(&g, &q)? {
            return Err(Error::KeyValue("q is not the order of g"));
        }
        Ok(Parameters(Arc::new(Group { p, g, q: Some(q), safe, p_less_one })))
    }

    /// A group that [`Parameters::new`] or [`Parameters::generate`] has seen before, such as one from our own sealed
    /// store: nothing is tested for being prime. Give it the order that [`Parameters::q`] told.
    ///
    /// # Errors
    /// As [`Parameters::new`], as far as they cost nothing.
    pub fn known(p: &[u8], g: &[u8], q: Option<&[u8]>) -> Result<Parameters, Error> {
        Parameters::parts(p, g, q).map(|(group, _)| group)
    }

    /// The group with base 2.
    pub fn of(group: KnownGroup) -> Result<Parameters, Error> {
        Parameters::known(&group.prime()?, &[2], None)
    }

    /// A new group with a safe prime of `bits` bits and base 4, whose order is (p - 1) / 2.
    ///
    /// Takes seconds to minutes for 2048 bits, depending on luck, and much longer for more: a [`KnownGroup`] is as
    /// good.
    ///
    /// # Errors
    /// [`Error::Parameter`] for other sizes than 1024..=4096 in steps of 64.
    pub fn generate(bits: usize) -> Result<Parameters, Error> {
        if !(MIN_BITS..=MAX_GENERATED_BITS).contains(&bits) || !bits.is_multiple_of(64) {
            return Err(Error::Parameter("the size of the prime"));
        }
        let size = i32::try_from(bits).map_err(|_| Error::Parameter("the size of the prime"))?;
        // SAFETY: the object is a new one, freed after its prime was copied; there is no callback.
        let p = unsafe {
            let group = DH_new();
            if group.is_null() {
                clear_errors();
                return Err(Error::Memory);
            }
            let p = if DH_generate_parameters_ex(group, size, 2, ptr::null_mut()) == 1 {
                let mut p = ptr::null();
                DH_get0_pqg(group, &mut p, ptr::null_mut(), ptr::null_mut());
                Number::copy_of(p)
            } else {
                clear_errors();
                Err(Error::Library("DH_generate_parameters_ex"))
            };
            DH_free(group);
            p?
        };
        // The prime is 11 modulo 24, so that 2 has the order p - 1 and tells whether a private value is odd. 4 does
        // not.
        Parameters::known(&p.to_vec()?, &[4], Some(&p.half()?.to_vec()?))
    }

    /// The prime, big-endian without leading zeros.
    pub fn p(&self) -> Result<Vec<u8>, Error> {
        self.0.p.number().to_vec()
    }

    /// The base.
    pub fn g(&self) -> Result<Vec<u8>, Error> {
        self.0.g.to_vec()
    }

    /// The order of the subgroup, if known.
    pub fn q(&self) -> Result<Option<Vec<u8>>, Error> {
        self.0.q.as_ref().map(Number::to_vec).transpose()
    }

    /// Whether the order of the base is known, or the prime is safe: then no public value has a small order.
    pub fn has_order(&self) -> bool {
        self.0.q.is_some()
    }

    /// Bytes of the prime: of public values and of what is agreed.
    pub fn bytes(&self) -> usize {
        self.0.p.number().bytes()
    }

    /// Checks a public value wholly: in 2..=p-2 and, where the order is known, of that order (SP 800-56A rev. 3
    /// §5.6.2.3.1). In a safe group that costs five to sixteen times an agreement.
    ///
    /// # Errors
    /// [`Error::KeyValue`].
    pub fn check_public_value(&self, value: &[u8]) -> Result<(), Error> {
        let value = self.in_range(value)?;
        match &self.0.q {
            Some(q) if !self.0.p.power_is_one(&value, q)? => Err(OUTSIDE),
            _ => Ok(()),
        }
    }

    /// The group without tests for primes, and whether it is a known one.
    fn parts(p: &[u8], g: &[u8], q: Option<&[u8]>) -> Result<(Parameters, bool), Error> {
        let (p, g) = (significant(p), significant(g));
        if p.len() > MAX_BITS / 8 || p.len() < MIN_BITS / 8 {
            return Err(Error::KeyLength { got: p.len() });
        }
        if g.len() > p.len() || q.is_some_and(|q| significant(q).len() > p.len()) {
            return Err(Error::KeyValue("a base or an order beyond p"));
        }
        let p = Number::from_bytes(p)?;
        if p.bits() < MIN_BITS {
            return Err(Error::KeyLength { got: p.bytes() });
        }
        if !p.is_odd() {
            return Err(Error::KeyValue("p is not prime"));
        }
        let known = KnownGroup::with_prime(&p)?.is_some();
        let (g, p_less_one) = (Number::from_bytes(g)?, p.less_one()?);
        if g.cmp_word(1) != Ordering::Greater || g >= p_less_one {
            return Err(Error::KeyValue("a base outside 2..=p-2"));
        }
        let half = p_less_one.half()?;
        let q = match q {
            Some(q) => Some(Number::from_bytes(significant(q))?),
            None if known => Some(half.try_clone()?),
            None => None,
        };
        if q.as_ref().is_some_and(|q| q.bits() < MIN_ORDER_BITS || !q.is_odd() || *q > half) {
            return Err(Error::KeyValue("an impossible order"));
        }
        let safe = q.as_ref() == Some(&half);
        let known = known && safe;
        let p = Modulus::new(p)?;
        Ok((Parameters(Arc::new(Group { p, g, q, safe, p_less_one })), known))
    }

    /// A public value in 2..=p-2.
    fn in_range(&self, value: &[u8]) -> Result<Number, Error> {
        let value = significant(value);
        if value.len() > self.bytes() {
            return Err(OUTSIDE);
        }
        let value = Number::from_bytes(value)?;
        if value.cmp_word(1) != Ordering::Greater || value >= self.0.p_less_one {
            return Err(OUTSIDE);
        }
        Ok(value)
    }

    /// Bits of a private value when the caller does not say: what RFC 7919 appendix A gives for safe primes, all of
    /// the prime where short values may be unsafe.
    fn private_bits(&self) -> usize {
        match (&self.0.q, self.0.p.number().bits()) {
            (Some(q), _) if !self.0.safe => q.bits(),
            (None, bits) => bits - 1,
            (_, ..=2048) => 225,
            (_, ..=3072) => 275,
            (_, ..=4096) => 325,
            (_, ..=6144) => 375,
            _ => 400,
        }
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dh::Parameters({} bits)", self.0.p.number().bits())
    }
}

/// A private value of a group.
pub struct PrivateKey {
    parameters: Parameters,
    x: SecretBytes,
}

impl PrivateKey {
    /// A new private value of `bits` bits (PKCS#11's `CKA_VALUE_BITS`), the highest of which is set, or of the length
    /// that suits the group.
    ///
    /// # Errors
    /// [`Error::Parameter`] for less than 160 bits, less than 224 where the prime has 2048 or more, or more than the
    /// order has.
    pub fn generate(parameters: &Parameters, bits: Option<usize>) -> Result<PrivateKey, Error> {
        let group = &parameters.0;
        let most = group.q.as_ref().map_or(group.p.number().bits() - 1, Number::bits);
        let least = if group.p.number().bits() < 2048 { MIN_ORDER_BITS } else { 224 };
        let x = match (bits, &group.q) {
            (Some(bits), _) if bits < least.min(most) || bits > most => {
                return Err(Error::Parameter("the length of the private value"));
            }
            (None, Some(q)) if !group.safe => random_below(q)?,
            (Some(bits), Some(q)) if bits == most => long_private_value(q, bits)?,
            _ => {
                let bits = bits.unwrap_or(parameters.private_bits());
                let mut x = SecretBytes::zeroed(bits.div_ceil(8))?;
                random::fill(x.expose_mut())?;
                set_length(x.expose_mut(), bits);
                x
            }
        };
        Ok(PrivateKey { parameters: parameters.clone(), x })
    }

    /// A private value that exists.
    ///
    /// # Errors
    /// [`Error::KeyValue`] for zero, and for values that are not less than the order (in safe groups: than p - 1).
    pub fn new(parameters: &Parameters, x: &[u8]) -> Result<PrivateKey, Error> {
        let x = significant(x);
        let limit = match &parameters.0.q {
            Some(q) if !parameters.0.safe => q,
            _ => &parameters.0.p_less_one,
        };
        if x.is_empty() || x.len() > limit.bytes() || Number::from_bytes(x)? >= *limit {
            return Err(Error::KeyValue("a private value outside the group"));
        }
        Ok(PrivateKey { parameters: parameters.clone(), x: SecretBytes::from_slice(x)? })
    }

    /// The group.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The private value.
    pub fn x(&self) -> Result<SecretBytes, Error> {
        self.exponent()?;
        self.x.try_clone()
    }

    /// The public value, in as many bytes as the prime has.
    ///
    /// # Errors
    /// [`Error::KeyValue`] in a forked child, where the private value is gone.
    pub fn public_value(&self) -> Result<Vec<u8>, Error> {
        let group = &self.parameters.0;
        group.p.secret_power(&group.g, &self.exponent()?)?.to_padded_vec(self.parameters.bytes())
    }

    /// What is agreed with the owner of the public value `peer`, in as many bytes as the prime has: leading zeros are
    /// kept, as PKCS#11, RFC 2631 and TLS 1.3 want it.
    ///
    /// The public value must be in 2..=p-2 and, in a group with a small order q, have that order: otherwise the result
    /// would tell about the private value. In a safe group there is nothing to tell but whether the private value is
    /// odd (RFC 7919 §5.1), and the range is all that is checked (SP 800-56A rev. 3 §5.6.2.3.2).
    ///
    /// # Errors
    /// [`Error::KeyValue`] for another public value, and in a forked child, where the private value is gone.
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes, Error> {
        let group = &self.parameters.0;
        let peer = self.parameters.in_range(peer)?;
        if let Some(q) = &group.q
            && !group.safe
            && !group.p.power_is_one(&peer, q)?
        {
            return Err(OUTSIDE);
        }
        let agreed = group.p.secret_power(&peer, &self.exponent()?)?;
        // Only in a group of unknown order.
        if agreed.cmp_word(1) != Ordering::Greater || agreed == group.p_less_one {
            return Err(OUTSIDE);
        }
        let mut secret = SecretBytes::zeroed(self.parameters.bytes())?;
        agreed.write(secret.expose_mut())?;
        Ok(secret)
    }

    fn exponent(&self) -> Result<Number, Error> {
        let exponent = Number::from_bytes(self.x.expose())?;
        if exponent.cmp_word(0) == Ordering::Equal {
            return Err(Error::KeyValue("wiped by a fork"));
        }
        Ok(exponent)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dh::PrivateKey({:?})", self.parameters)
    }
}

/// A private value below `q` with as many bits as `q`.
fn long_private_value(q: &Number, bits: usize) -> Result<SecretBytes, Error> {
    for _ in 0..128 {
        let x = random_below(q)?;
        if Number::from_bytes(x.expose())?.bits() == bits {
            return Ok(x);
        }
    }
    // Between 2^(bits - 1) and an order just above it there is hardly anything to choose from.
    Err(Error::Parameter("the length of the private value"))
}

/// Makes `x` a number of exactly `bits` bits.
fn set_length(x: &mut [u8], bits: usize) {
    keep_bits(x, bits);
    if let Some(first) = x.first_mut() {
        *first |= 1 << ((bits - 1) % 8);
    }
}

const OUTSIDE: Error = Error::KeyValue("a public value outside the group");
const MIN_BITS: usize = 1024;
const MAX_BITS: usize = 8192;
const MAX_GENERATED_BITS: usize = 4096;
const MIN_ORDER_BITS: usize = 160;
/// Whoever chose the number has a chance of 2^-64 to pass off a composite one.
const PRIME_ROUNDS: i32 = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    /// Fermat's test finds a wrong digit.
    #[test]
    fn known_primes_are_safe_and_2_has_the_order_of_half() {
        let two = Number::from_bytes(&[2]).expect("memory");
        for group in KnownGroup::ALL {
            let parameters = Parameters::of(group).expect("a group");
            let inner = &parameters.0;
            let half = Modulus::new(inner.p_less_one.half().expect("memory")).expect("memory");
            assert_eq!(inner.p.power_is_one(&two, half.number()), Ok(true), "{group:?}");
            assert_eq!(half.power_is_one(&two, &half.number().less_one().expect("memory")), Ok(true), "{group:?}");
            assert!(inner.safe && inner.q.as_ref() == Some(half.number()));
            assert_eq!(KnownGroup::with_prime(inner.p.number()), Ok(Some(group)));
        }
        let other = Modulus::new(Number::from_bytes(&[0xff; 256]).expect("memory")).expect("memory");
        assert_eq!(KnownGroup::with_prime(other.number()), Ok(None));
        assert_eq!(other.power_is_one(&two, &other.number().less_one().expect("memory")), Ok(false));
    }

    #[test]
    fn random_values_below_a_limit_reach_all_of_it() {
        let limit = Number::from_bytes(&[5]).expect("memory");
        let mut seen = [0; 5];
        for _ in 0..2000 {
            seen[usize::from(random_below(&limit).expect("random").expose()[0])] += 1;
        }
        assert!(seen[0] == 0 && seen[1..].iter().all(|count| (400..600).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_forked_child_has_no_private_value_and_can_make_new_ones() {
        let parameters = Parameters::of(KnownGroup::Ffdhe2048).expect("a group");
        let key = PrivateKey::generate(&parameters, None).expect("a key");
        let public = key.public_value().expect("memory");
        check_in_child(|| {
            let own = PrivateKey::generate(&parameters, None).expect("a key");
            let wiped = Some(Error::KeyValue("wiped by a fork"));
            key.agree(&public).err() == wiped && key.x().err() == wiped && own.agree(&public).is_ok()
        });
        assert!(key.agree(&public).is_ok());
    }
}
