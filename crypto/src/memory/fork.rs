//! Telling a forked child from its parent, at the price of one load.

use std::sync::atomic::{AtomicU32, Ordering};

use super::pages::{Mapping, Purpose};
use crate::Error;

/// Knows whether the process has been forked since the guard was armed.
///
/// The guard is a word in a page that the kernel clears in a child. It can live in a static: the page is never
/// unmapped, so a guard should be armed once and [rearmed](ForkGuard::rearm) by a child, not made anew.
#[derive(Debug)]
pub struct ForkGuard {
    word: &'static AtomicU32,
    /// Compared only where the kernel cannot clear pages (before Linux 4.14).
    process: AtomicU32,
}

impl ForkGuard {
    /// Maps the page. [`Error::Memory`] when there is none.
    pub fn arm() -> Result<ForkGuard, Error> {
        let mapping = Mapping::new(size_of::<AtomicU32>(), Purpose::Bookkeeping)?;
        let armed = if mapping.wiped_on_fork() { WIPED } else { COMPARED };
        // SAFETY: the mapping is page aligned, zero, and from here on never unmapped.
        let word: &'static AtomicU32 = unsafe { mapping.leak().cast::<AtomicU32>().as_ref() };
        word.store(armed, Ordering::Relaxed);
        Ok(ForkGuard { word, process: AtomicU32::new(std::process::id()) })
    }

    /// Whether this process is a child, forked since the guard was armed.
    #[inline]
    pub fn in_child(&self) -> bool {
        match self.word.load(Ordering::Relaxed) {
            WIPED => false,
            COMPARED => self.process.load(Ordering::Relaxed) != std::process::id(),
            _ => true,
        }
    }

    /// Makes this process the guarded one, once a child has put its own house in order.
    pub fn rearm(&self) {
        self.process.store(std::process::id(), Ordering::Relaxed);
        // A page that was cleared will be cleared again: the advice outlives the fork.
        _ = self.word.compare_exchange(0, WIPED, Ordering::Release, Ordering::Relaxed);
    }
}

const WIPED: u32 = 0x5374_726f;
const COMPARED: u32 = 0x6e67_726f;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::testing::check_in_child;

    #[test]
    fn only_the_child_is_in_the_child() {
        let guard = ForkGuard::arm().expect("memory");
        assert!(!guard.in_child());
        check_in_child(|| guard.in_child());
        assert!(!guard.in_child());
    }

    #[test]
    fn a_rearmed_child_guards_its_own_children() {
        let guard = ForkGuard::arm().expect("memory");
        check_in_child(|| {
            let noticed = guard.in_child();
            guard.rearm();
            let settled = !guard.in_child();
            check_in_child(|| guard.in_child());
            noticed && settled && !guard.in_child()
        });
        assert!(!guard.in_child());
    }

    /// Where the kernel cannot clear pages, the process numbers are compared.
    #[test]
    fn the_fallback_tells_too() {
        static WORD: AtomicU32 = AtomicU32::new(COMPARED);
        let guard = ForkGuard { word: &WORD, process: AtomicU32::new(std::process::id()) };
        assert!(!guard.in_child());
        check_in_child(|| {
            let noticed = guard.in_child();
            guard.rearm();
            noticed && !guard.in_child()
        });
        assert!(!guard.in_child());
    }
}
