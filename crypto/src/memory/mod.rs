//! Memory for secrets, detection of fork, and counters that processes share.
//!
//! Everything here lives inside a host process that is not ours, so nothing starts a thread, registers an exit
//! handler or leaves a thread-local destructor behind, and every allocation can fail without taking the host down.
//!
//! Secret memory is locked against swapping where the limit allows, left out of core dumps, and zero in a forked
//! child: the child has to load its keys again (see [`fork::ForkGuard`]), it never inherits them.

mod arena;
pub mod counter;
pub mod fork;
mod lock;
mod pages;
mod secret;
pub mod sqlite;
#[cfg(test)]
pub(crate) mod testing;

use std::arch::asm;
use std::ffi::c_void;

pub use pages::{LockedMemory, locked_memory_status};
pub use secret::{Plain, SecretBox, SecretBytes};

pub(crate) use lock::Locked;
pub(crate) use pages::{Mapping, Purpose, Wiped, ZeroIsFresh};

/// Whether two byte strings are equal, in time that depends only on their lengths.
///
/// Strings of different lengths are unequal; the lengths themselves are not treated as secret.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // SAFETY: both pointers are valid for reads of the common length.
    unsafe { aws_lc_sys::CRYPTO_memcmp(a.as_ptr().cast::<c_void>(), b.as_ptr().cast::<c_void>(), a.len()) == 0 }
}

/// Overwrites `bytes` with zeros in a way the compiler cannot leave out, at the speed of an ordinary fill.
#[inline]
pub fn wipe(bytes: &mut [u8]) {
    // Filling an empty slice at a dangling address is slow on some processors.
    if bytes.is_empty() {
        return;
    }
    bytes.fill(0);
    keep_stores(bytes.as_ptr());
}

/// Overwrites a plain C struct (on the stack, usually) with zeros in a way the compiler cannot leave out.
#[inline]
pub fn wipe_plain<T: Plain>(value: &mut T) {
    // SAFETY: `Plain` promises that the all-zero pattern is a valid value.
    unsafe { std::ptr::from_mut(value).write_bytes(0, 1) };
    keep_stores(std::ptr::from_ref(value).cast());
}

/// Makes the compiler assume that the memory behind `pointer` is read here.
#[inline(always)]
fn keep_stores(pointer: *const u8) {
    // SAFETY: the block is empty; it only claims to read memory, so stores before it must happen.
    unsafe { asm!("/* {0} */", in(reg) pointer, options(nostack, preserves_flags, readonly)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_time_eq_compares_content_and_length() {
        assert!(constant_time_eq(b"", b""));
        assert!(constant_time_eq(b"abc", b"abc"));
        assert!(!constant_time_eq(b"abc", b"abd"));
        assert!(!constant_time_eq(b"abc", b"ab"));
        assert!(!constant_time_eq(b"", b"a"));
    }

    #[test]
    fn wipe_zeroes() {
        let mut bytes = [7u8; 33];
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 33]);
        let mut plain = [9u8; 16];
        wipe_plain(&mut plain);
        assert_eq!(plain, [0; 16]);
    }
}
