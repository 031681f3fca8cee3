//! Makes SQLite usable in a forked child, which by itself it is not.
//!
//! SQLite keeps two things in statics that a child inherits and must not use. The first is locks: one that another
//! thread of the parent held at the moment of the fork would never be released. The second is its list of open files,
//! found by device and inode: a child that opens the same database would join the parent's entry, believe in file locks
//! that a child does not inherit, and corrupt the database when the parent ends.
//!
//! So SQLite gets locks whose state is wiped by a fork, and sees device numbers that differ between processes, so that
//! a child's files are never the parent's. Nothing else is changed; connections of the parent stay untouched in the
//! child.

use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use libsqlite3_sys as ffi;

use super::{Locked, Wiped, ZeroIsFresh};
use crate::Error;

/// Prepares SQLite in this process. To be called before each opening of a database; costs little after the first time.
///
/// # Errors
/// [`Error::Library`] where SQLite refuses: it must not be used then. [`Error::Memory`].
pub fn prepare() -> Result<(), Error> {
    let mut prepared = PREPARED.current()?.done.lock();
    if *prepared == 1 {
        return Ok(());
    }
    STATICS.current()?;
    // SAFETY: before SQLite is initialised both calls are allowed; afterwards, as in a child of a process that has
    // prepared it, they are refused and change nothing. The methods are copied.
    let configured = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MUTEX, ptr::from_ref(&METHODS).cast_mut()) };
    if !matches!(configured, ffi::SQLITE_OK | ffi::SQLITE_MISUSE) {
        return Err(Error::Library("sqlite3_config"));
    }
    // SAFETY: may be called any number of times.
    if unsafe { ffi::sqlite3_initialize() } != ffi::SQLITE_OK {
        return Err(Error::Library("sqlite3_initialize"));
    }
    // SAFETY: the default file system lives as long as the process; each function has the type of the call it replaces,
    // which SQLite keeps untyped.
    unsafe {
        let files = ffi::sqlite3_vfs_find(ptr::null()).as_mut().ok_or(Error::Library("sqlite3_vfs_find"))?;
        let replace = files.xSetSystemCall.ok_or(Error::Library("xSetSystemCall"))?;
        let calls = [
            (c"stat", std::mem::transmute::<StatByPath, Untyped>(own_stat)),
            (c"fstat", std::mem::transmute::<StatByDescriptor, Untyped>(own_fstat)),
        ];
        for (name, call) in calls {
            if replace(files, name.as_ptr(), Some(call)) != ffi::SQLITE_OK {
                return Err(Error::Library("xSetSystemCall"));
            }
        }
    }
    *prepared = 1;
    Ok(())
}

type StatByPath = unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int;
type StatByDescriptor = unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int;
type Untyped = unsafe extern "C" fn();

/// One lock of SQLite's. Free when all bytes are zero.
#[repr(C, align(64))]
struct Mutex {
    lock: Locked<()>,
    /// The thread inside, for locks a thread may take again; 0 for nobody.
    owner: AtomicUsize,
    /// How often it is inside. Only the owner looks.
    depth: AtomicU32,
    recursive: bool,
}

/// The locks SQLite shares between all connections.
struct Statics {
    locks: [Mutex; STATIC_LOCKS],
}

struct Prepared {
    done: Locked<u8>,
}

// SAFETY: zero is a free lock that is not recursive.
unsafe impl ZeroIsFresh for Statics {}
// SAFETY: zero is a free lock, not prepared.
unsafe impl ZeroIsFresh for Prepared {}

static STATICS: Wiped<Statics> = Wiped::new();
static PREPARED: Wiped<Prepared> = Wiped::new();

const FIRST_STATIC: c_int = ffi::SQLITE_MUTEX_STATIC_MAIN;
const STATIC_LOCKS: usize = (ffi::SQLITE_MUTEX_STATIC_VFS3 - FIRST_STATIC + 1) as usize;

static METHODS: ffi::sqlite3_mutex_methods = ffi::sqlite3_mutex_methods {
    xMutexInit: Some(nothing),
    xMutexEnd: Some(nothing),
    xMutexAlloc: Some(allocate),
    xMutexFree: Some(free),
    xMutexEnter: Some(enter),
    xMutexTry: Some(try_enter),
    xMutexLeave: Some(leave),
    // Only SQLite's own debug builds ask.
    xMutexHeld: None,
    xMutexNotheld: None,
};

unsafe extern "C" fn nothing() -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn allocate(kind: c_int) -> *mut ffi::sqlite3_mutex {
    if kind >= FIRST_STATIC {
        let statics = STATICS.current().ok();
        let lock = statics.and_then(|statics| statics.locks.get(usize::try_from(kind - FIRST_STATIC).ok()?));
        return lock.map_or(ptr::null_mut(), |lock| ptr::from_ref(lock).cast_mut().cast());
    }
    let recursive = kind == ffi::SQLITE_MUTEX_RECURSIVE;
    let lock = Mutex { lock: Locked::new(()), owner: AtomicUsize::new(0), depth: AtomicU32::new(0), recursive };
    Box::into_raw(Box::new(lock)).cast()
}

unsafe extern "C" fn free(mutex: *mut ffi::sqlite3_mutex) {
    if !mutex.is_null() {
        // SAFETY: SQLite frees only what `allocate` boxed for it, once, and never a static lock.
        drop(unsafe { Box::from_raw(mutex.cast::<Mutex>()) });
    }
}

unsafe extern "C" fn enter(mutex: *mut ffi::sqlite3_mutex) {
    // SAFETY: SQLite passes what `allocate` returned and has not freed.
    let Some(mutex) = (unsafe { mutex.cast::<Mutex>().as_ref() }) else { return };
    if !mutex.enter_again() {
        std::mem::forget(mutex.lock.lock());
        mutex.entered();
    }
}

unsafe extern "C" fn try_enter(mutex: *mut ffi::sqlite3_mutex) -> c_int {
    // SAFETY: as in `enter`.
    let Some(mutex) = (unsafe { mutex.cast::<Mutex>().as_ref() }) else { return ffi::SQLITE_OK };
    if mutex.enter_again() {
        return ffi::SQLITE_OK;
    }
    match mutex.lock.try_lock() {
        Some(guard) => {
            std::mem::forget(guard);
            mutex.entered();
            ffi::SQLITE_OK
        }
        None => ffi::SQLITE_BUSY,
    }
}

unsafe extern "C" fn leave(mutex: *mut ffi::sqlite3_mutex) {
    // SAFETY: as in `enter`.
    let Some(mutex) = (unsafe { mutex.cast::<Mutex>().as_ref() }) else { return };
    if mutex.recursive && mutex.depth.fetch_sub(1, Ordering::Relaxed) > 1 {
        return;
    }
    mutex.owner.store(0, Ordering::Relaxed);
    // SAFETY: this thread is inside and has forgotten its guard.
    unsafe { mutex.lock.unlock() };
}

impl Mutex {
    fn enter_again(&self) -> bool {
        let again = self.recursive && self.owner.load(Ordering::Relaxed) == this_thread();
        if again {
            self.depth.fetch_add(1, Ordering::Relaxed);
        }
        again
    }

    fn entered(&self) {
        if self.recursive {
            self.owner.store(this_thread(), Ordering::Relaxed);
            self.depth.store(1, Ordering::Relaxed);
        }
    }
}

/// A number no other living thread has.
fn this_thread() -> usize {
    thread_local! {
        static HERE: u8 = const { 0 };
    }
    HERE.with(|here| ptr::from_ref(here).addr())
}

unsafe extern "C" fn own_stat(path: *const c_char, found: *mut libc::stat) -> c_int {
    // SAFETY: SQLite passes what stat(2) takes.
    unsafe { of_this_process(libc::stat(path, found), found) }
}

unsafe extern "C" fn own_fstat(descriptor: c_int, found: *mut libc::stat) -> c_int {
    // SAFETY: SQLite passes what fstat(2) takes.
    unsafe { of_this_process(libc::fstat(descriptor, found), found) }
}

/// Marks the device number with the process, far above the numbers devices have.
unsafe fn of_this_process(result: c_int, found: *mut libc::stat) -> c_int {
    if result == 0 {
        // SAFETY: the call that succeeded has filled it.
        unsafe { (*found).st_dev ^= libc::dev_t::from(std::process::id()) << 40 };
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recursive_locks_count_and_others_exclude() {
        // SAFETY: the locks are used as SQLite uses them, by the thread that holds them.
        unsafe {
            let recursive = allocate(ffi::SQLITE_MUTEX_RECURSIVE);
            enter(recursive);
            enter(recursive);
            leave(recursive);
            let elsewhere = std::thread::scope(|scope| {
                let address = recursive.addr();
                scope.spawn(move || try_enter(ptr::with_exposed_provenance_mut(address))).join().unwrap()
            });
            assert_eq!(elsewhere, ffi::SQLITE_BUSY);
            leave(recursive);
            assert_eq!(try_enter(recursive), ffi::SQLITE_OK);
            leave(recursive);
            free(recursive);
            let fast = allocate(ffi::SQLITE_MUTEX_FAST);
            assert_eq!(try_enter(fast), ffi::SQLITE_OK);
            assert_eq!(try_enter(fast), ffi::SQLITE_BUSY);
            leave(fast);
            free(fast);
        }
    }

    #[test]
    fn a_child_finds_static_locks_free() {
        prepare().unwrap();
        // SAFETY: the child only takes the lock and leaves.
        unsafe {
            let lock = allocate(ffi::SQLITE_MUTEX_STATIC_APP1);
            enter(lock);
            let child = libc::fork();
            if child == 0 {
                libc::_exit(try_enter(lock));
            }
            let mut status = -1;
            libc::waitpid(child, &mut status, 0);
            assert_eq!(status, 0);
            assert_eq!(try_enter(lock), ffi::SQLITE_BUSY);
            leave(lock);
        }
    }

    #[test]
    fn sqlite_really_uses_them() {
        prepare().unwrap();
        prepare().unwrap();
        // SAFETY: asks SQLite for the address of one of its static locks.
        let theirs = unsafe { ffi::sqlite3_mutex_alloc(ffi::SQLITE_MUTEX_STATIC_APP2) };
        let ours = &STATICS.current().unwrap().locks[(ffi::SQLITE_MUTEX_STATIC_APP2 - FIRST_STATIC) as usize];
        assert_eq!(theirs.addr(), ptr::from_ref(ours).addr());
    }
}
