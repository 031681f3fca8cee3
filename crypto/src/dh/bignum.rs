//! AWS-LC's big numbers, owned.

use std::cmp::Ordering;
use std::ptr::{self, NonNull};

use aws_lc_sys::{
    BIGNUM, BN_CTX, BN_CTX_free, BN_CTX_new, BN_MONT_CTX, BN_MONT_CTX_free, BN_MONT_CTX_new_for_modulus, BN_bin2bn,
    BN_bn2bin_padded, BN_clear_free, BN_cmp, BN_cmp_word, BN_dup, BN_is_odd, BN_is_prime_fasttest_ex, BN_mod_exp_mont,
    BN_mod_exp_mont_consttime, BN_new, BN_nnmod, BN_num_bits, BN_num_bytes, BN_rshift1, BN_sub_word,
};

use crate::Error;
use crate::cipher::evp::clear_errors;
use crate::memory::SecretBytes;
use crate::random;

/// A number that is not negative; wiped when dropped, as is all memory the library frees.
pub(crate) struct Number(NonNull<BIGNUM>);

// SAFETY: the number owns all it points to, bound to no thread.
unsafe impl Send for Number {}
// SAFETY: calls on a shared number take it by const pointer and only read it.
unsafe impl Sync for Number {}

impl Number {
    /// The big-endian number. Its time depends on the length of `bytes` alone.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Number, Error> {
        // SAFETY: the bytes are readable for their length; without a number to fill, the call gives a new one or null.
        unsafe { Number::owned(BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut())) }
    }

    /// Takes over a number the library made. [`Error::Memory`] for null.
    ///
    /// # Safety
    /// The number is nobody else's, or null.
    pub(crate) unsafe fn owned(number: *mut BIGNUM) -> Result<Number, Error> {
        NonNull::new(number).map(Number).ok_or_else(|| {
            clear_errors();
            Error::Memory
        })
    }

    /// A copy of a number the library owns.
    ///
    /// # Safety
    /// The number is valid.
    pub(crate) unsafe fn copy_of(number: *const BIGNUM) -> Result<Number, Error> {
        // SAFETY: the number is valid, as the caller promises; the copy is a new one or null.
        unsafe { Number::owned(BN_dup(number)) }
    }

    pub(crate) fn try_clone(&self) -> Result<Number, Error> {
        // SAFETY: a number that is owned is valid.
        unsafe { Number::copy_of(self.as_ptr()) }
    }

    pub(crate) fn as_ptr(&self) -> *const BIGNUM {
        self.0.as_ptr()
    }

    /// Gives the number away to a library object that will free it.
    pub(crate) fn into_raw(self) -> *mut BIGNUM {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }

    pub(crate) fn bits(&self) -> usize {
        // SAFETY: the number is valid.
        unsafe { BN_num_bits(self.as_ptr()) as usize }
    }

    /// Bytes of the number without leading zeros.
    pub(crate) fn bytes(&self) -> usize {
        // SAFETY: the number is valid.
        unsafe { BN_num_bytes(self.as_ptr()) as usize }
    }

    pub(crate) fn is_odd(&self) -> bool {
        // SAFETY: the number is valid.
        unsafe { BN_is_odd(self.as_ptr()) == 1 }
    }

    pub(crate) fn cmp_word(&self, word: u64) -> Ordering {
        // SAFETY: the number is valid.
        unsafe { BN_cmp_word(self.as_ptr(), word) }.cmp(&0)
    }

    /// This number less one; it must not be zero.
    pub(crate) fn less_one(&self) -> Result<Number, Error> {
        let less = self.try_clone()?;
        // SAFETY: the copy is ours alone.
        checked(unsafe { BN_sub_word(less.0.as_ptr(), 1) }, "BN_sub_word")?;
        Ok(less)
    }

    /// Half of this number, rounded down.
    pub(crate) fn half(&self) -> Result<Number, Error> {
        let half = Number::new()?;
        // SAFETY: both numbers are valid, and the first is ours alone.
        checked(unsafe { BN_rshift1(half.0.as_ptr(), self.as_ptr()) }, "BN_rshift1")?;
        Ok(half)
    }

    /// Whether `divisor`, not zero, divides this number. Not in constant time.
    pub(crate) fn is_multiple_of(&self, divisor: &Number) -> Result<bool, Error> {
        let (rest, scratch) = (Number::new()?, Scratch::new()?);
        // SAFETY: all are valid; `rest` and the scratch memory are ours alone.
        let done = unsafe { BN_nnmod(rest.0.as_ptr(), self.as_ptr(), divisor.as_ptr(), scratch.0.as_ptr()) };
        checked(done, "BN_nnmod")?;
        Ok(rest.cmp_word(0) == Ordering::Equal)
    }

    /// Whether this number is prime, by trial divisions and `rounds` Miller-Rabin tests with random bases.
    pub(crate) fn is_prime(&self, rounds: i32) -> Result<bool, Error> {
        let scratch = Scratch::new()?;
        // SAFETY: number and scratch memory are valid; there is no callback.
        match unsafe { BN_is_prime_fasttest_ex(self.as_ptr(), rounds, scratch.0.as_ptr(), 1, ptr::null_mut()) } {
            1 => Ok(true),
            0 => Ok(false),
            _ => {
                clear_errors();
                Err(Error::Library("BN_is_prime_fasttest_ex"))
            }
        }
    }

    /// Writes the number into all of `out`, with leading zeros; its time depends on the lengths alone.
    pub(crate) fn write(&self, out: &mut [u8]) -> Result<(), Error> {
        // SAFETY: the buffer is writable for its length, which the call checks against the number.
        checked(unsafe { BN_bn2bin_padded(out.as_mut_ptr(), out.len(), self.as_ptr()) }, "BN_bn2bin_padded")
    }

    /// A public number's bytes without leading zeros.
    pub(crate) fn to_vec(&self) -> Result<Vec<u8>, Error> {
        self.to_padded_vec(self.bytes())
    }

    /// A public number in `len` bytes.
    pub(crate) fn to_padded_vec(&self, len: usize) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| Error::Memory)?;
        bytes.resize(len, 0);
        self.write(&mut bytes)?;
        Ok(bytes)
    }

    fn new() -> Result<Number, Error> {
        // SAFETY: takes nothing, gives a new number or null.
        unsafe { Number::owned(BN_new()) }
    }
}

impl PartialEq for Number {
    /// Not in constant time.
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        // SAFETY: both numbers are valid. The comparison reads all words whatever they are.
        Some(unsafe { BN_cmp(self.as_ptr(), other.as_ptr()) }.cmp(&0))
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the number is owned and not used again.
        unsafe { BN_clear_free(self.0.as_ptr()) };
    }
}

/// An odd number to calculate modulo, with what the library computes once for it.
pub(crate) struct Modulus {
    number: Number,
    prepared: NonNull<BN_MONT_CTX>,
}

// SAFETY: it owns all it points to, bound to no thread.
unsafe impl Send for Modulus {}
// SAFETY: exponentiation takes the prepared values by const pointer and only reads them.
unsafe impl Sync for Modulus {}

impl Modulus {
    /// Prepares an odd public number greater than one.
    pub(crate) fn new(number: Number) -> Result<Modulus, Error> {
        let scratch = Scratch::new()?;
        // SAFETY: number and scratch memory are valid; gives a new object or null.
        let prepared = NonNull::new(unsafe { BN_MONT_CTX_new_for_modulus(number.as_ptr(), scratch.0.as_ptr()) });
        let prepared = prepared.ok_or_else(|| {
            clear_errors();
            Error::Library("BN_MONT_CTX_new_for_modulus")
        })?;
        Ok(Modulus { number, prepared })
    }

    pub(crate) fn number(&self) -> &Number {
        &self.number
    }

    /// `base` to a secret power, in time that depends on the exponent's bytes given and on the modulus alone. The base
    /// must be less than the modulus.
    pub(crate) fn secret_power(&self, base: &Number, exponent: &Number) -> Result<Number, Error> {
        let (power, scratch) = (Number::new()?, Scratch::new()?);
        // SAFETY: all are valid; the result and the scratch memory are ours alone, the rest is only read.
        let done = unsafe {
            BN_mod_exp_mont_consttime(
                power.0.as_ptr(),
                base.as_ptr(),
                exponent.as_ptr(),
                self.number.as_ptr(),
                scratch.0.as_ptr(),
                self.prepared.as_ptr(),
            )
        };
        checked(done, "BN_mod_exp_mont_consttime")?;
        Ok(power)
    }

    /// Whether `base`, less than the modulus, to the power of `exponent` is one. For public numbers.
    pub(crate) fn power_is_one(&self, base: &Number, exponent: &Number) -> Result<bool, Error> {
        let (power, scratch) = (Number::new()?, Scratch::new()?);
        // SAFETY: as in `secret_power`.
        let done = unsafe {
            BN_mod_exp_mont(
                power.0.as_ptr(),
                base.as_ptr(),
                exponent.as_ptr(),
                self.number.as_ptr(),
                scratch.0.as_ptr(),
                self.prepared.as_ptr(),
            )
        };
        checked(done, "BN_mod_exp_mont")?;
        Ok(power.cmp_word(1) == Ordering::Equal)
    }
}

impl Drop for Modulus {
    fn drop(&mut self) {
        // SAFETY: owned and not used again.
        unsafe { BN_MONT_CTX_free(self.prepared.as_ptr()) };
    }
}

/// A secret from 1 to `limit` - 1, all equally likely, in as many bytes as the limit has.
pub(crate) fn random_below(limit: &Number) -> Result<SecretBytes, Error> {
    let (bits, mut secret) = (limit.bits(), SecretBytes::zeroed(limit.bytes())?);
    // A limit of `bits` bits is at least half of what is drawn: the chance to need all the draws is 2^-128.
    for _ in 0..128 {
        random::fill(secret.expose_mut())?;
        keep_bits(secret.expose_mut(), bits);
        let number = Number::from_bytes(secret.expose())?;
        if number < *limit && number.cmp_word(0) == Ordering::Greater {
            return Ok(secret);
        }
    }
    Err(Error::Library("random"))
}

/// Clears all but the lowest `bits` bits, the highest of which is in the first byte.
pub(crate) fn keep_bits(bytes: &mut [u8], bits: usize) {
    if let Some(first) = bytes.first_mut() {
        *first &= 0xff >> (bits.next_multiple_of(8) - bits);
    }
}

/// `bytes` without leading zeros. Tells how many there were, no more.
pub(crate) fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// Memory for the library's intermediate values.
struct Scratch(NonNull<BN_CTX>);

impl Scratch {
    fn new() -> Result<Scratch, Error> {
        // SAFETY: takes nothing, gives new scratch memory or null.
        NonNull::new(unsafe { BN_CTX_new() }).map(Scratch).ok_or_else(|| {
            clear_errors();
            Error::Memory
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: owned and not used again; the library wipes it.
        unsafe { BN_CTX_free(self.0.as_ptr()) };
    }
}

fn checked(done: i32, call: &'static str) -> Result<(), Error> {
    if done == 1 {
        return Ok(());
    }
    clear_errors();
    Err(Error::Library(call))
}
