//! The library's big numbers, owned.
//!
//! The library wipes what it frees. Methods that are not constant-time say so; they are for keys that come in, once.

use std::cmp::Ordering;
use std::ffi::c_int;
use std::ptr::{self, NonNull};

use aws_lc_sys::{
    BIGNUM, BN_CTX, BN_CTX_free, BN_CTX_new, BN_MONT_CTX, BN_MONT_CTX_free, BN_MONT_CTX_new_consttime, BN_bin2bn,
    BN_bn2bin_padded, BN_cmp, BN_cmp_word, BN_count_low_zero_bits, BN_div, BN_from_montgomery, BN_gcd, BN_is_odd,
    BN_mod_exp_mont_consttime, BN_mod_mul, BN_mul, BN_new, BN_nnmod, BN_num_bits, BN_primality_test,
    BN_prime_checks_for_generation, BN_rand_range_ex, BN_rshift, BN_sub, BN_sub_word, BN_to_montgomery,
};

use crate::Error;
use crate::cipher::evp::clear_errors;

/// A number, never negative where it comes from outside.
pub(super) struct Number {
    number: NonNull<BIGNUM>,
}

// SAFETY: a number owns its words and is bound to no thread.
unsafe impl Send for Number {}
// SAFETY: every method that changes the number takes it by unique reference.
unsafe impl Sync for Number {}

impl Number {
    fn new() -> Result<Number, Error> {
        // SAFETY: takes nothing, gives an owned number or null.
        owned(unsafe { BN_new() }).map(|number| Number { number })
    }

    /// The number of these bytes, the most significant first.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Number, Error> {
        // SAFETY: the bytes are readable for their length; for a null place the library makes a new number.
        owned(unsafe { BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) }).map(|number| Number { number })
    }

    /// For a call of the library that only reads it.
    pub(super) fn as_ptr(&self) -> *const BIGNUM {
        self.number.as_ptr()
    }

    /// For a call of the library that takes it over.
    pub(super) fn into_raw(self) -> *mut BIGNUM {
        let number = self.number.as_ptr();
        std::mem::forget(self);
        number
    }

    /// Bits up to the first one.
    pub(super) fn bits(&self) -> usize {
        // SAFETY: a valid number.
        unsafe { BN_num_bits(self.as_ptr()) as usize }
    }

    /// Whether the last bit is one.
    pub(super) fn is_odd(&self) -> bool {
        // SAFETY: a valid number.
        unsafe { BN_is_odd(self.as_ptr()) == 1 }
    }

    /// Which of the two is larger.
    pub(super) fn compare(&self, other: &Number) -> Ordering {
        // SAFETY: valid numbers.
        unsafe { BN_cmp(self.as_ptr(), other.as_ptr()) }.cmp(&0)
    }

    /// Whether this is larger than `word`.
    pub(super) fn exceeds(&self, word: u64) -> bool {
        // SAFETY: a valid number.
        unsafe { BN_cmp_word(self.as_ptr(), word) > 0 }
    }

    /// Whether this is `word`.
    pub(super) fn equals(&self, word: u64) -> bool {
        // SAFETY: a valid number.
        unsafe { BN_cmp_word(self.as_ptr(), word) == 0 }
    }

    /// The number less `word`.
    pub(super) fn less_word(&self, word: u64) -> Result<Number, Error> {
        let mut result = self.shifted_right(0)?;
        // SAFETY: a valid number that nobody else refers to.
        done(unsafe { BN_sub_word(result.as_mut_ptr(), word) }, "BN_sub_word")?;
        Ok(result)
    }

    /// The difference, which is negative when `other` is larger.
    pub(super) fn less(&self, other: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's.
        done(unsafe { BN_sub(result.as_mut_ptr(), self.as_ptr(), other.as_ptr()) }, "BN_sub")?;
        Ok(result)
    }

    /// The zero bits before the last one bit.
    pub(super) fn low_zero_bits(&self) -> usize {
        // SAFETY: a valid number.
        usize::try_from(unsafe { BN_count_low_zero_bits(self.as_ptr()) }).unwrap_or(0)
    }

    /// The number divided by a power of two.
    pub(super) fn shifted_right(&self, bits: usize) -> Result<Number, Error> {
        let mut result = Number::new()?;
        let bits = c_int::try_from(bits).map_err(|_| Error::Library("BN_rshift"))?;
        // SAFETY: valid numbers, the result nobody else's.
        done(unsafe { BN_rshift(result.as_mut_ptr(), self.as_ptr(), bits) }, "BN_rshift")?;
        Ok(result)
    }

    fn as_mut_ptr(&mut self) -> *mut BIGNUM {
        self.number.as_ptr()
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        // SAFETY: the number is owned and not used again.
        unsafe { aws_lc_sys::BN_clear_free(self.number.as_ptr()) };
    }
}

/// Writes a number of the library's to `out`, filled up with zeros in front, in time that depends on the widths alone.
///
/// # Safety
/// `number` is valid.
pub(super) unsafe fn write_padded(number: *const BIGNUM, out: &mut [u8]) -> Result<(), Error> {
    // SAFETY: the number is valid as promised, the bytes are writable for their length.
    done(unsafe { BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number) }, "BN_bn2bin_padded")
}

/// Temporary numbers for longer computations, and these computations.
pub(super) struct Scratch {
    context: NonNull<BN_CTX>,
}

impl Scratch {
    pub(super) fn new() -> Result<Scratch, Error> {
        // SAFETY: takes nothing, gives an owned context or null.
        owned(unsafe { BN_CTX_new() }).map(|context| Scratch { context })
    }

    /// a · b
    pub(super) fn product(&mut self, a: &Number, b: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's.
        done(unsafe { BN_mul(result.as_mut_ptr(), a.as_ptr(), b.as_ptr(), self.as_ptr()) }, "BN_mul")?;
        Ok(result)
    }

    /// a · b mod m. Not constant-time.
    pub(super) fn product_modulo(&mut self, a: &Number, b: &Number, m: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's.
        let code = unsafe { BN_mod_mul(result.as_mut_ptr(), a.as_ptr(), b.as_ptr(), m.as_ptr(), self.as_ptr()) };
        done(code, "BN_mod_mul")?;
        Ok(result)
    }

    /// a / b, rounded down. Not constant-time.
    pub(super) fn quotient(&mut self, a: &Number, b: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's; no remainder is wanted.
        let code = unsafe { BN_div(result.as_mut_ptr(), ptr::null_mut(), a.as_ptr(), b.as_ptr(), self.as_ptr()) };
        done(code, "BN_div")?;
        Ok(result)
    }

    /// a mod m. Not constant-time.
    pub(super) fn remainder(&mut self, a: &Number, m: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's.
        done(unsafe { BN_nnmod(result.as_mut_ptr(), a.as_ptr(), m.as_ptr(), self.as_ptr()) }, "BN_nnmod")?;
        Ok(result)
    }

    /// The greatest common divisor.
    pub(super) fn common_divisor(&mut self, a: &Number, b: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's.
        done(unsafe { BN_gcd(result.as_mut_ptr(), a.as_ptr(), b.as_ptr(), self.as_ptr()) }, "BN_gcd")?;
        Ok(result)
    }

    /// A random number from 2 up to below `limit`.
    pub(super) fn random_below(&mut self, limit: &Number) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's.
        done(unsafe { BN_rand_range_ex(result.as_mut_ptr(), 2, limit.as_ptr()) }, "BN_rand_range_ex")?;
        Ok(result)
    }

    /// Whether `candidate` is prime: Miller-Rabin with at least 16 random bases and as many as FIPS 186-5 §B.3.1 asks
    /// for a random candidate. A composite number passes each with a probability of at most 1/4, whoever chose it.
    pub(super) fn is_prime(&mut self, candidate: &Number) -> Result<bool, Error> {
        let mut probable = 0;
        // SAFETY: valid numbers; no progress is reported.
        let code = unsafe {
            BN_primality_test(
                &mut probable,
                candidate.as_ptr(),
                BN_prime_checks_for_generation,
                self.as_ptr(),
                TRIAL_DIVISION,
                ptr::null_mut(),
            )
        };
        done(code, "BN_primality_test")?;
        Ok(probable == 1)
    }

    /// base^exponent mod m, for an odd m and a base below it, in constant time.
    pub(super) fn power(
        &mut self,
        base: &Number,
        exponent: &Number,
        m: &Number,
        montgomery: &Montgomery,
    ) -> Result<Number, Error> {
        let mut result = Number::new()?;
        // SAFETY: valid numbers, the result nobody else's; the Montgomery values are those of m.
        let code = unsafe {
            BN_mod_exp_mont_consttime(
                result.as_mut_ptr(),
                base.as_ptr(),
                exponent.as_ptr(),
                m.as_ptr(),
                self.as_ptr(),
                montgomery.values.as_ptr(),
            )
        };
        done(code, "BN_mod_exp_mont_consttime")?;
        Ok(result)
    }

    /// a mod m for an `a` that is no wider than m in words, in constant time: to Montgomery's domain and back, in the
    /// order that reduces.
    pub(super) fn reduce(&mut self, a: &Number, montgomery: &Montgomery) -> Result<Number, Error> {
        let (mut divided, mut result) = (Number::new()?, Number::new()?);
        let values = montgomery.values.as_ptr();
        // SAFETY: valid numbers, the result nobody else's.
        let code = unsafe { BN_from_montgomery(divided.as_mut_ptr(), a.as_ptr(), values, self.as_ptr()) };
        done(code, "BN_from_montgomery")?;
        // SAFETY: as above.
        let code = unsafe { BN_to_montgomery(result.as_mut_ptr(), divided.as_ptr(), values, self.as_ptr()) };
        done(code, "BN_to_montgomery")?;
        Ok(result)
    }

    fn as_ptr(&mut self) -> *mut BN_CTX {
        self.context.as_ptr()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: the context is owned and not used again.
        unsafe { BN_CTX_free(self.context.as_ptr()) };
    }
}

/// What the library wants to know of a secret odd modulus beforehand.
pub(super) struct Montgomery {
    values: NonNull<BN_MONT_CTX>,
}

impl Montgomery {
    pub(super) fn new(modulus: &Number, scratch: &mut Scratch) -> Result<Montgomery, Error> {
        // SAFETY: valid objects; gives an owned one or null.
        owned(unsafe { BN_MONT_CTX_new_consttime(modulus.as_ptr(), scratch.as_ptr()) })
            .map(|values| Montgomery { values })
    }
}

impl Drop for Montgomery {
    fn drop(&mut self) {
        // SAFETY: the values are owned and not used again.
        unsafe { BN_MONT_CTX_free(self.values.as_ptr()) };
    }
}

/// An object the library has just made, or [`Error::Memory`].
pub(super) fn owned<T>(object: *mut T) -> Result<NonNull<T>, Error> {
    NonNull::new(object).ok_or_else(|| {
        clear_errors();
        Error::Memory
    })
}

/// The library's way to say that a call went well, or [`Error::Library`].
pub(super) fn done(code: c_int, call: &'static str) -> Result<(), Error> {
    if code == 1 {
        return Ok(());
    }
    clear_errors();
    Err(Error::Library(call))
}

const TRIAL_DIVISION: c_int = 1;
