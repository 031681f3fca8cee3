//! A mutex whose unlocked state is the all-zero pattern.
//!
//! The arena and the random generators keep their state in pages that read zero in a forked child. With the lock
//! in the same page, a lock that another thread held at the moment of the fork is free in the child. The standard
//! library promises no such layout, and parking locks keep a destructor per thread, which a loadable module must not.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// A value and its lock. `#[repr(C)]`, and unlocked when all bytes are zero.
#[repr(C)]
pub(crate) struct Locked<T> {
    state: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the lock gives out one `&mut T` at a time, so sharing needs only that `T` may move between threads.
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    /// Waits for the lock. Not re-entrant.
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        if self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait();
        }
        Guard { locked: self }
    }

    /// A free lock around `value`.
    pub(crate) const fn new(value: T) -> Locked<T> {
        Locked { state: AtomicU32::new(FREE), value: UnsafeCell::new(value) }
    }

    /// The lock, if it is free.
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let taken = self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then_some(Guard { locked: self })
    }

    /// Gives the lock back.
    ///
    /// # Safety
    /// The caller holds the lock and has forgotten its guard.
    pub(crate) unsafe fn unlock(&self) {
        if self.state.swap(FREE, Ordering::Release) == CONTENDED {
            self.wake();
        }
    }

    #[cold]
    fn wait(&self) {
        for _ in 0..SPINS {
            if self.state.load(Ordering::Relaxed) == FREE
                && self.state.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
            {
                return;
            }
            std::hint::spin_loop();
        }
        // From here on the holder is told, by `CONTENDED`, that somebody sleeps.
        while self.state.swap(CONTENDED, Ordering::Acquire) != FREE {
            // SAFETY: the address is that of a live, aligned 32-bit word; a null timeout waits without limit.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.state.as_ptr(),
                    libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                    CONTENDED,
                    ptr::null::<libc::timespec>(),
                );
            }
        }
    }

    #[cold]
    fn wake(&self) {
        // SAFETY: as in `wait`; waking touches no memory of ours.
        unsafe {
            libc::syscall(libc::SYS_futex, self.state.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1);
        }
    }
}

/// Exclusive access to the value until dropped.
pub(crate) struct Guard<'a, T> {
    locked: &'a Locked<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard exists only while the lock is held, so nobody else has a reference.
        unsafe { &*self.locked.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `&mut self` makes this reference the only one.
        unsafe { &mut *self.locked.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the guard exists only while the lock is held, and this is its end.
        unsafe { self.locked.unlock() };
    }
}

const FREE: u32 = 0;
const HELD: u32 = 1;
const CONTENDED: u32 = 2;

/// Critical sections last tens of nanoseconds; sleeping is for the rare one that maps pages.
const SPINS: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_take_turns() {
        let locked = Locked::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50_000 {
                        *locked.lock() += 1;
                    }
                });
            }
        });
        assert_eq!(*locked.lock(), 200_000);
    }
}
