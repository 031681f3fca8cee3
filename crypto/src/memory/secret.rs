//! Owners of secret memory: bytes, and the plain structs in which AWS-LC keeps prepared keys.

use std::fmt;
use std::mem::{align_of, needs_drop, size_of};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::{arena, constant_time_eq};
use crate::Error;

/// Secret bytes in locked memory. They never move and are wiped when dropped.
///
/// In a forked child they read zero. A child must not use them; [`ForkGuard`](super::fork::ForkGuard) tells.
pub struct SecretBytes {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the block has one owner and plain content; `&SecretBytes` gives only reads.
unsafe impl Send for SecretBytes {}
// SAFETY: as above.
unsafe impl Sync for SecretBytes {}

impl SecretBytes {
    /// `len` zero bytes. [`Error::Memory`] when there is no memory; a length of 0 takes none.
    pub fn zeroed(len: usize) -> Result<SecretBytes, Error> {
        let start = if len == 0 { NonNull::dangling() } else { arena::allocate(len)? };
        Ok(SecretBytes { start, len })
    }

    /// A copy of `bytes`; wiping the original is the caller's part. [`Error::Memory`] when there is no memory.
    pub fn from_slice(bytes: &[u8]) -> Result<SecretBytes, Error> {
        let mut copy = SecretBytes::zeroed(bytes.len())?;
        copy.expose_mut().copy_from_slice(bytes);
        Ok(copy)
    }

    /// A second copy in memory of its own. There is no `Clone`: copies of secrets should be visible in the code.
    pub fn try_clone(&self) -> Result<SecretBytes, Error> {
        SecretBytes::from_slice(self.expose())
    }

    /// The secret.
    #[inline]
    pub fn expose(&self) -> &[u8] {
        // SAFETY: the block has `len` initialised bytes, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The secret, to be written.
    #[inline]
    pub fn expose_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `expose`, and `&mut self` makes it the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    /// Bytes held.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the secret equals `other`, in time that depends only on the lengths.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        constant_time_eq(self.expose(), other)
    }
}

impl Drop for SecretBytes {
    #[inline]
    fn drop(&mut self) {
        if self.len > 0 {
            // SAFETY: the block was allocated with this length and is given back once.
            unsafe { arena::release(self.start, self.len) };
        }
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.len)
    }
}

/// A struct that is nothing but its bytes, such as the key schedules of a C library.
///
/// # Safety
///
/// All bytes zero is a valid value, dropping does nothing, and overwriting a value with zeros leaks nothing and
/// breaks nothing. A pointer inside must be valid to be null.
pub unsafe trait Plain {}

// SAFETY: numbers are nothing but their bytes.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: an array is what its elements are.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
// SAFETY: an array of words and a round count.
unsafe impl Plain for aws_lc_sys::AES_KEY {}
// SAFETY: words, a block buffer and counts.
unsafe impl Plain for aws_lc_sys::SHA256_CTX {}

/// One plain struct in the same memory as [`SecretBytes`]: locked, never moved, wiped when dropped.
///
/// In a forked child it reads zero. For a key schedule that means a round count of zero, which block functions
/// written in assembly do not survive: check for the fork before use.
pub struct SecretBox<T: Plain> {
    value: NonNull<T>,
}

// SAFETY: the box owns its value like any other box.
unsafe impl<T: Plain + Send> Send for SecretBox<T> {}
// SAFETY: as above.
unsafe impl<T: Plain + Sync> Sync for SecretBox<T> {}

impl<T: Plain> SecretBox<T> {
    /// An all-zero value, to be filled in place. [`Error::Memory`] when there is no memory.
    pub fn new_zeroed() -> Result<SecretBox<T>, Error> {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 64 && !needs_drop::<T>()) };
        Ok(SecretBox { value: arena::allocate(size_of::<T>())?.cast() })
    }
}

impl<T: Plain> Deref for SecretBox<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the block is large enough, aligned (to 64, or to a power of two not less than its length) and, being
        // zero at first, always a valid `T`.
        unsafe { self.value.as_ref() }
    }
}

impl<T: Plain> DerefMut for SecretBox<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `&mut self` makes it the only reference.
        unsafe { self.value.as_mut() }
    }
}

impl<T: Plain> Drop for SecretBox<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the block was allocated with this length and is given back once.
        unsafe { arena::release(self.value.cast(), size_of::<T>()) };
    }
}

impl<T: Plain> fmt::Debug for SecretBox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBox({} bytes)", size_of::<T>())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::memory::locked_memory_status;
    use crate::memory::testing::check_in_child;

    #[test]
    fn content_clones_and_comparison() {
        for len in [0, 1, 16, 33, 64, 4096, 4097, 100_000] {
            let bytes: Vec<u8> = (0..len).map(|index| index as u8 ^ 0x5a).collect();
            let secret = SecretBytes::from_slice(&bytes).expect("memory");
            let copy = secret.try_clone().expect("memory");
            assert_eq!((secret.expose(), secret.len(), secret.is_empty()), (&bytes[..], len, len == 0));
            assert!(secret.ct_eq(copy.expose()));
            assert!(len == 0 || secret.expose().as_ptr() != copy.expose().as_ptr());
            assert!(!secret.ct_eq(&[0; 7]));
            assert_eq!(format!("{secret:?}"), format!("SecretBytes({len} bytes)"));
        }
    }

    #[test]
    fn impossible_lengths_are_errors() {
        assert_eq!(SecretBytes::zeroed(usize::MAX).err(), Some(Error::Memory));
        assert_eq!(SecretBytes::zeroed(isize::MAX as usize).err(), Some(Error::Memory));
    }

    #[test]
    fn a_dropped_secret_leaves_nothing_behind() {
        let secret = SecretBytes::from_slice(&[0xa5; 200]).expect("memory");
        let start = secret.expose().as_ptr();
        drop(secret);
        // SAFETY: the span stays mapped. The block may be in use again by another test, but not with this content.
        let left: Vec<u8> = (0..200).map(|index| unsafe { start.add(index).read_volatile() }).collect();
        // The first word may be the link to the next free block.
        assert!(left[8..].iter().all(|byte| *byte != 0xa5));
    }

    #[test]
    fn boxes_start_as_zero_and_keep_their_value() {
        let mut value = SecretBox::<[u64; 40]>::new_zeroed().expect("memory");
        assert_eq!(*value, [0; 40]);
        value[39] = 7;
        assert_eq!(value[39], 7);
        assert_eq!(format!("{value:?}"), "SecretBox(320 bytes)");
    }

    #[test]
    fn secrets_may_be_freed_by_another_thread() {
        let secrets: Vec<SecretBytes> =
            (0..1000).map(|index| SecretBytes::from_slice(&[index as u8; 48]).expect("memory")).collect();
        std::thread::spawn(move || drop(secrets)).join().expect("no panic");
        let secret = SecretBytes::zeroed(48).expect("memory");
        assert_eq!(secret.expose(), [0; 48]);
    }

    #[test]
    fn a_child_reads_zeros_and_may_drop_what_it_inherited() {
        let small = SecretBytes::from_slice(&[1; 32]).expect("memory");
        let large = SecretBytes::from_slice(&[2; 10_000]).expect("memory");
        let mut moved = Some((small, large));
        check_in_child(|| {
            let Some((small, large)) = moved.take() else {
                return false;
            };
            let zero = small.expose().iter().chain(large.expose()).all(|byte| *byte == 0);
            drop((small, large));
            let fresh: Vec<SecretBytes> =
                (0..500).map(|index| SecretBytes::from_slice(&[index as u8 | 1; 32]).expect("memory")).collect();
            zero && fresh.iter().enumerate().all(|(index, secret)| secret.expose() == [index as u8 | 1; 32])
        });
        let (small, large) = moved.take().expect("the child took its own copy");
        assert!(small.ct_eq(&[1; 32]) && large.ct_eq(&[2; 10_000]));
    }

    /// Threads hold the shards' locks nearly all the time; a child that inherited a held one would hang.
    #[test]
    fn a_child_allocates_whatever_other_threads_were_doing() {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Two for each shard.
            for _ in 0..16 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let secrets: Vec<_> = (1..200).map(|len| SecretBytes::zeroed(len * 40)).collect();
                        drop(secrets);
                        crate::random::bytes::<32>().expect("random");
                    }
                });
            }
            for _ in 0..60 {
                check_in_child(|| {
                    crate::random::bytes::<32>().is_ok()
                        && (1..300)
                            .all(|len| SecretBytes::from_slice(&vec![3; len]).is_ok_and(|s| s.ct_eq(&vec![3; len])))
                });
            }
            stop.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn without_a_right_to_lock_secrets_still_work_and_the_status_says_so() {
        check_in_child(|| {
            let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: takes the limit, and the privilege to ignore it, from this child only.
            unsafe {
                assert_eq!(libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit), 0);
                drop_privilege_to_lock();
            }
            let before = locked_memory_status();
            let secrets: Vec<_> = (0..100).map(|_| SecretBytes::from_slice(&[9; 2000]).expect("memory")).collect();
            let after = locked_memory_status();
            secrets.iter().all(|secret| secret.ct_eq(&[9; 2000]))
                && after.locked_bytes == before.locked_bytes
                && after.unlocked_bytes >= before.unlocked_bytes + 200_000
        });
    }

    #[test]
    fn the_status_counts_large_secrets_both_ways() {
        check_in_child(|| {
            let total = || {
                let status = locked_memory_status();
                status.locked_bytes + status.unlocked_bytes
            };
            let before = total();
            let large = SecretBytes::zeroed(1_000_000).expect("memory");
            let during = total();
            drop(large);
            during >= before + 1_000_000 && total() == before
        });
    }

    /// Root may lock whatever the limit: gives up CAP_IPC_LOCK, if the process has it.
    ///
    /// # Safety
    ///
    /// For a child that ends soon: it changes the rights of the calling thread.
    unsafe fn drop_privilege_to_lock() {
        #[repr(C)]
        struct Header {
            version: u32,
            process: i32,
        }
        const VERSION_3: u32 = 0x2008_0522;
        const CAP_IPC_LOCK: u32 = 14;
        let mut header = Header { version: VERSION_3, process: 0 };
        // Effective, permitted and inheritable, for the first and the second 32 capabilities.
        let mut sets = [0u32; 6];
        // SAFETY: the structures have the layout of version 3 of the capability calls.
        unsafe {
            assert_eq!(libc::syscall(libc::SYS_capget, &mut header, sets.as_mut_ptr()), 0);
            sets[0] &= !(1 << CAP_IPC_LOCK);
            assert_eq!(libc::syscall(libc::SYS_capset, &mut header, sets.as_ptr()), 0);
        }
    }
}
