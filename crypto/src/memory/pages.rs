//! Anonymous pages fit for secrets: locked, left out of core dumps, zero in a forked child.
//!
//! The arena, the random generators, the fork guard and the key derivation take their memory here.

use std::ffi::c_void;
use std::mem::{align_of, size_of};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering};

use crate::Error;

/// How much of the memory for secrets is locked against swapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LockedMemory {
    /// Bytes that cannot be swapped out.
    pub locked_bytes: usize,
    /// Bytes that could not be locked, because RLIMIT_MEMLOCK was exhausted or locking is not permitted.
    pub unlocked_bytes: usize,
}

/// How much memory for secrets this process has mapped, locked and unlocked, for a diagnosis to show.
///
/// A forked child starts from zero: its own mappings count, the inherited ones hold nothing.
pub fn locked_memory_status() -> LockedMemory {
    match ACCOUNT.current() {
        Ok(account) => LockedMemory {
            locked_bytes: account.locked_bytes.load(Ordering::Relaxed),
            unlocked_bytes: account.unlocked_bytes.load(Ordering::Relaxed),
        },
        Err(_) => LockedMemory::default(),
    }
}

/// What a mapping is for decides whether it is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Secrets: locked as far as the limit allows, and counted in [`locked_memory_status`].
    Secrets,
    /// Large working memory of one computation, far over any common limit: not locked.
    Scratch,
    /// Bookkeeping without secrets: not locked.
    Bookkeeping,
}

/// A private anonymous mapping, all zero when made. Unmapped when dropped, without being wiped first.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
    locked: bool,
    counted: bool,
    wiped_on_fork: bool,
}

// SAFETY: a mapping is plain memory, reachable from any thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps at least `len` bytes, rounded up to whole pages. [`Error::Memory`] when there is none.
    pub(crate) fn new(len: usize, purpose: Purpose) -> Result<Mapping, Error> {
        let len = len.checked_next_multiple_of(page_len()).filter(|len| *len > 0).ok_or(Error::Memory)?;
        let mut mapping =
            Mapping { start: map_anonymous(len)?, len, locked: false, counted: false, wiped_on_fork: false };
        mapping.protect(purpose);
        Ok(mapping)
    }

    /// Maps exactly `len` bytes at a multiple of `len`, which is a power of two and at least a page.
    pub(crate) fn new_aligned(len: usize, purpose: Purpose) -> Result<Mapping, Error> {
        debug_assert!(len.is_power_of_two() && len >= page_len());
        let wide = map_anonymous(len.checked_mul(2).ok_or(Error::Memory)?)?;
        let before = wide.as_ptr().align_offset(len);
        let after = len - before;
        // SAFETY: `before <= len` (a multiple of a page, as the mapping starts on a page) and the two parts unmapped
        // are the ends of the mapping just made, which nobody else knows.
        let start = unsafe {
            let start = wide.add(before);
            unmap(wide, before);
            unmap(start.add(len), after);
            start
        };
        let mut mapping = Mapping { start, len, locked: false, counted: false, wiped_on_fork: false };
        mapping.protect(purpose);
        Ok(mapping)
    }

    /// The first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Bytes mapped.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the pages are locked in memory.
    pub(crate) fn locked(&self) -> bool {
        self.locked
    }

    /// Whether a forked child reads zeros here.
    pub(crate) fn wiped_on_fork(&self) -> bool {
        self.wiped_on_fork
    }

    /// Keeps the pages for the life of the process.
    pub(crate) fn leak(self) -> NonNull<u8> {
        let start = self.start;
        std::mem::forget(self);
        start
    }

    /// Asks for what the purpose needs. All of it is best effort: an old kernel or a low limit is no reason to refuse.
    fn protect(&mut self, purpose: Purpose) {
        let (start, len) = (self.start.as_ptr().cast::<c_void>(), self.len);
        // SAFETY: the range is the mapping just made; the advice changes only what dumps, forks and swapping do.
        unsafe {
            libc::madvise(start, len, libc::MADV_DONTDUMP);
            self.wiped_on_fork = libc::madvise(start, len, libc::MADV_WIPEONFORK) == 0;
            match purpose {
                Purpose::Secrets => self.locked = lock_secrets(self.start.as_ptr(), len),
                // Fewer page faults; a kernel without huge pages ignores it.
                Purpose::Scratch => _ = libc::madvise(start, len, libc::MADV_HUGEPAGE),
                Purpose::Bookkeeping => {}
            }
        }
        self.counted = purpose == Purpose::Secrets;
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.counted {
            forget_secrets(self.len, self.locked);
        }
        // SAFETY: the mapping is ours and its owner is going away.
        unsafe { unmap(self.start, self.len) };
    }
}

/// Locks pages as far as the limit allows, and counts them. Says whether they are locked.
fn lock_secrets(start: *mut u8, len: usize) -> bool {
    // SAFETY: locking changes only whether the pages are swapped; pages that do not exist give an error.
    let locked = unsafe { libc::mlock(start.cast(), len) == 0 };
    if let Ok(account) = ACCOUNT.current() {
        account.side(locked).fetch_add(len, Ordering::Relaxed);
    }
    locked
}

/// Takes a mapping that was leaked, and unmapped by hand, off the account.
pub(crate) fn forget_secrets(len: usize, locked: bool) {
    if let Ok(account) = ACCOUNT.current() {
        let side = account.side(locked);
        _ = side.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes.saturating_sub(len)));
    }
}

/// Unmaps pages.
///
/// # Safety
///
/// The range is page aligned, belongs to a mapping of ours, and nothing refers to it any more.
pub(crate) unsafe fn unmap(start: NonNull<u8>, len: usize) {
    if len > 0 {
        // SAFETY: promised by the caller. An error leaves the pages mapped, which is a leak and nothing worse.
        unsafe { libc::munmap(start.as_ptr().cast(), len) };
    }
}

/// A type for which all-zero bytes are a valid, fresh value.
///
/// # Safety
///
/// Every byte zero is a valid value, and the type needs no drop: its memory is wiped under it in a forked child.
pub(crate) unsafe trait ZeroIsFresh: Sync {}

/// A static that is fresh again in a forked child, made at first use.
///
/// On a kernel without MADV_WIPEONFORK the process number is compared at each use, and a child gets a new instance;
/// the parent's secrets then stay readable in the child's old one.
pub(crate) struct Wiped<T> {
    page: AtomicPtr<WipedPage<T>>,
    purpose: Purpose,
}

#[repr(C)]
struct WipedPage<T> {
    /// [`WIPES`] where a fork clears the page, 0 once it has; without that, the number of the process.
    owner: AtomicU32,
    value: T,
}

impl<T: ZeroIsFresh + 'static> Wiped<T> {
    /// Nothing is mapped before the first use.
    pub(crate) const fn new() -> Wiped<T> {
        Wiped { page: AtomicPtr::new(ptr::null_mut()), purpose: Purpose::Bookkeeping }
    }

    /// As [`Wiped::new`], in locked memory.
    pub(crate) const fn new_secret() -> Wiped<T> {
        Wiped { page: AtomicPtr::new(ptr::null_mut()), purpose: Purpose::Secrets }
    }

    /// The instance of this process.
    #[inline]
    pub(crate) fn current(&self) -> Result<&'static T, Error> {
        let seen = self.page.load(Ordering::Acquire);
        // SAFETY: a page in this static is never unmapped, and all its zero bytes are a valid `T`.
        match unsafe { seen.as_ref() } {
            Some(page) if page.owner.load(Ordering::Relaxed) == WIPES => Ok(&page.value),
            page => self.first_use(seen, page),
        }
    }

    #[cold]
    fn first_use(&self, seen: *mut WipedPage<T>, page: Option<&'static WipedPage<T>>) -> Result<&'static T, Error> {
        let Some(page) = page else {
            return self.replace(seen);
        };
        match page.owner.compare_exchange(0, WIPES, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => {
                // The first use in a child. The page came with the fork, the lock on it did not.
                if self.purpose == Purpose::Secrets {
                    lock_secrets(seen.cast(), size_of::<WipedPage<T>>().next_multiple_of(page_len()));
                }
                Ok(&page.value)
            }
            Err(owner) if owner == WIPES || owner == std::process::id() => Ok(&page.value),
            Err(_) => self.replace(seen),
        }
    }

    fn replace(&self, seen: *mut WipedPage<T>) -> Result<&'static T, Error> {
        const { assert!(align_of::<WipedPage<T>>() <= 4096 && !std::mem::needs_drop::<T>()) };
        let mapping = Mapping::new(size_of::<WipedPage<T>>(), self.purpose)?;
        let fresh = mapping.start().cast::<WipedPage<T>>();
        // SAFETY: the mapping is large enough, page aligned and zero, which `ZeroIsFresh` makes a valid value.
        let page: &'static WipedPage<T> = unsafe { fresh.as_ref() };
        page.owner.store(if mapping.wiped_on_fork { WIPES } else { std::process::id() }, Ordering::Relaxed);
        match self.page.compare_exchange(seen, fresh.as_ptr(), Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                mapping.leak();
                Ok(&page.value)
            }
            // SAFETY: another thread was first, with a page that is never unmapped; ours is unmapped unused.
            Err(winner) => Ok(unsafe { &(*winner).value }),
        }
    }
}

/// Bytes mapped for secrets.
#[derive(Debug)]
struct Account {
    locked_bytes: AtomicUsize,
    unlocked_bytes: AtomicUsize,
}

// SAFETY: two zero counters are a fresh account.
unsafe impl ZeroIsFresh for Account {}

impl Account {
    fn side(&self, locked: bool) -> &AtomicUsize {
        if locked { &self.locked_bytes } else { &self.unlocked_bytes }
    }
}

static ACCOUNT: Wiped<Account> = Wiped::new();

/// No process has this number: they end below 2^22.
const WIPES: u32 = u32::MAX;

fn map_anonymous(len: usize) -> Result<NonNull<u8>, Error> {
    // SAFETY: a new private mapping at an address of the kernel's choice touches no existing memory.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if start == libc::MAP_FAILED {
        return Err(Error::Memory);
    }
    NonNull::new(start.cast()).ok_or(Error::Memory)
}

fn page_len() -> usize {
    // SAFETY: reads a constant of the system.
    let len = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(len).ok().filter(|len| len.is_power_of_two()).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_mappings_are_aligned_and_zero() {
        for _ in 0..8 {
            let mapping = Mapping::new_aligned(32 * 1024, Purpose::Bookkeeping).expect("memory");
            assert_eq!(mapping.start().as_ptr() as usize % (32 * 1024), 0);
            // SAFETY: the mapping is readable over its length.
            let bytes = unsafe { std::slice::from_raw_parts(mapping.start().as_ptr(), mapping.len()) };
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn impossible_lengths_are_errors() {
        assert_eq!(Mapping::new(usize::MAX, Purpose::Scratch).err(), Some(Error::Memory));
        assert_eq!(Mapping::new(usize::MAX / 2, Purpose::Scratch).err(), Some(Error::Memory));
        assert_eq!(Mapping::new(0, Purpose::Scratch).err(), Some(Error::Memory));
    }
}
