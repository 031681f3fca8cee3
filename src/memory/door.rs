//! The door between calls and the instance they use: opened by `C_Initialize`, closed by `C_Finalize`, and shut in a
//! forked child until it opens its own.
//!
//! A call marks itself as inside with one atomic addition, on one of several counters so that threads seldom share a
//! cache line, and looks at the instance only then. Closing takes the instance away first and then waits until nobody
//! is inside: a call either sees that the instance is gone, or is seen and waited for.
//!
//! All that a process needs for this is in a [`Gate`] of its own. A child finds its parent's gate, knows by the wiped
//! page that it is not its own, and makes another: it never takes a lock, counts on a counter or drops an instance that
//! it inherited. What it inherited stays allocated and untouched.

use std::cell::Cell;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use strongroom_core::error::Error;
use strongroom_crypto::memory::fork::ForkGuard;

/// The door to a `T`, with an `S` that is settled once per process. Lives in a static.
pub(crate) struct Door<T, S> {
    gate: AtomicPtr<Gate<T, S>>,
}

/// One process's part of a door. Once made it stays for the life of the process.
pub(crate) struct Gate<T, S> {
    process: ForkGuard,
    instance: AtomicPtr<T>,
    /// Opening and closing take turns.
    turn: Mutex<()>,
    inside: [Counter; COUNTERS],
    settled: S,
    /// The parent's gate, which leak checkers should not miss.
    _inherited: *mut Gate<T, S>,
}

/// Apart from its neighbours' cache lines.
#[repr(align(128))]
struct Counter(AtomicUsize);

// SAFETY: the instance may be shared between threads and dropped by any; so may what was settled; the inherited gate is
// never touched.
unsafe impl<T: Send + Sync, S: Send + Sync> Sync for Gate<T, S> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync, S: Send + Sync> Send for Gate<T, S> {}

/// The instance, for as long as the call that holds this is inside.
pub(crate) struct Inside<'g, T> {
    instance: &'g T,
    counter: &'g AtomicUsize,
}

/// The exclusive right to open or close a gate.
pub(crate) struct Turn<'g, T, S> {
    gate: &'g Gate<T, S>,
    _lock: MutexGuard<'g, ()>,
}

impl<T: Send + Sync, S: Send + Sync> Door<T, S> {
    pub(crate) const fn new() -> Door<T, S> {
        Door { gate: AtomicPtr::new(ptr::null_mut()) }
    }

    /// This process's gate, if it has one already.
    #[inline]
    pub(crate) fn gate(&self) -> Option<&'static Gate<T, S>> {
        let gate = self.gate.load(Ordering::Acquire);
        // SAFETY: gates are never freed once they are published here.
        let gate: &'static Gate<T, S> = unsafe { gate.as_ref() }?;
        (!gate.process.in_child()).then_some(gate)
    }

    /// This process's gate, made now if need be.
    ///
    /// # Errors
    /// `CKR_HOST_MEMORY`.
    pub(crate) fn own_gate(&self, settle: impl Fn() -> S) -> Result<&'static Gate<T, S>, Error> {
        loop {
            let found = self.gate.load(Ordering::Acquire);
            if let Some(gate) = self.gate() {
                return Ok(gate);
            }
            let made = Box::into_raw(Box::new(Gate {
                process: ForkGuard::arm()?,
                instance: AtomicPtr::new(ptr::null_mut()),
                turn: Mutex::new(()),
                inside: [const { Counter(AtomicUsize::new(0)) }; COUNTERS],
                settled: settle(),
                _inherited: found,
            }));
            if self.gate.compare_exchange(found, made, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: just made here, and not published.
                drop(unsafe { Box::from_raw(made) });
            }
        }
    }
}

impl<T: Send + Sync, S> Gate<T, S> {
    /// Goes in, unless the gate is closed.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Inside<'_, T>> {
        // Turned away without a trace, so that hopeless calls cannot keep a closing thread waiting.
        if self.instance.load(Ordering::Relaxed).is_null() {
            return None;
        }
        let Counter(counter) = &self.inside[own_counter()];
        counter.fetch_add(1, Ordering::SeqCst);
        // SAFETY: an instance that is still there after the addition is freed only after the subtraction: `close` takes
        // it away first and then reads the counters, all in one order (SeqCst).
        match unsafe { self.instance.load(Ordering::SeqCst).as_ref() } {
            Some(instance) => Some(Inside { instance, counter }),
            None => {
                counter.fetch_sub(1, Ordering::Release);
                None
            }
        }
    }

    /// What was settled when the gate was made.
    #[inline]
    pub(crate) fn settled(&self) -> &S {
        &self.settled
    }

    /// Waits for the right to open or close.
    pub(crate) fn turn(&self) -> Turn<'_, T, S> {
        Turn { gate: self, _lock: self.turn.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl<T: Send + Sync, S> Turn<'_, T, S> {
    /// Whether there is an instance.
    pub(crate) fn is_open(&self) -> bool {
        !self.gate.instance.load(Ordering::Acquire).is_null()
    }

    /// Lets calls in, to `instance`. A gate that is open stays as it is.
    pub(crate) fn open(&self, instance: T) {
        if !self.is_open() {
            self.gate.instance.store(Box::into_raw(Box::new(instance)), Ordering::SeqCst);
        }
    }

    /// Takes the instance away, waits for the calls inside, and drops it. `false` if there is none.
    ///
    /// Calls that are still inside after [`LEAVING_TIME`] keep the instance for good: it is not freed.
    pub(crate) fn close(&self) -> bool {
        let instance = self.gate.instance.swap(ptr::null_mut(), Ordering::SeqCst);
        if instance.is_null() {
            return false;
        }
        if self.all_left() {
            // SAFETY: made by `open`; nobody is inside, and nobody who enters finds it.
            drop(unsafe { Box::from_raw(instance) });
        }
        true
    }

    fn all_left(&self) -> bool {
        let started = Instant::now();
        for Counter(counter) in &self.gate.inside {
            let mut patience = SPINS;
            while counter.load(Ordering::SeqCst) != 0 {
                if patience > 0 {
                    patience -= 1;
                    std::hint::spin_loop();
                } else if started.elapsed() > LEAVING_TIME {
                    return false;
                } else {
                    std::thread::sleep(PAUSE);
                }
            }
        }
        true
    }
}

impl<T> Deref for Inside<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.instance
    }
}

impl<T> Drop for Inside<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::Release);
    }
}

/// The index of this thread's counter: threads get them in turn.
#[inline]
fn own_counter() -> usize {
    thread_local! {
        /// One more than the index; no destructor, so nothing of ours runs when the thread ends.
        static OWN: Cell<usize> = const { Cell::new(0) };
    }
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    OWN.with(|own| {
        if own.get() == 0 {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % COUNTERS + 1);
        }
        (own.get() - 1) % COUNTERS
    })
}

const COUNTERS: usize = 64;

/// Calls last microseconds as a rule; a login or a wait for another process's transaction, up to seconds.
const LEAVING_TIME: Duration = Duration::from_secs(40);
const PAUSE: Duration = Duration::from_micros(200);
const SPINS: u32 = 1000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    /// Knows when it is dropped, and shows it to whoever still looks.
    struct Guest {
        alive: AtomicBool,
        drops: Arc<AtomicUsize>,
    }

    impl Drop for Guest {
        fn drop(&mut self) {
            self.alive.store(false, Ordering::SeqCst);
            self.drops.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn guest(drops: &Arc<AtomicUsize>) -> Guest {
        Guest { alive: AtomicBool::new(true), drops: Arc::clone(drops) }
    }

    #[test]
    fn opens_once_and_closes_once() {
        static DOOR: Door<Guest, u32> = Door::new();
        let drops = Arc::default();
        assert!(DOOR.gate().is_none());
        let gate = DOOR.own_gate(|| 7).unwrap();
        assert!(ptr::eq(gate, DOOR.own_gate(|| 8).unwrap()));
        assert_eq!(*gate.settled(), 7);
        assert!(gate.enter().is_none());
        assert!(!gate.turn().close());
        for round in 1..4 {
            gate.turn().open(guest(&drops));
            assert!(gate.turn().is_open());
            assert!(gate.enter().unwrap().alive.load(Ordering::SeqCst));
            assert!(gate.turn().close());
            assert_eq!(drops.load(Ordering::SeqCst), round);
            assert!(gate.enter().is_none());
        }
    }

    #[test]
    fn nobody_inside_loses_the_instance() {
        static DOOR: Door<Guest, ()> = Door::new();
        let drops = Arc::default();
        let gate = DOOR.own_gate(|| ()).unwrap();
        let end = AtomicBool::new(false);
        let rounds = if cfg!(miri) { 20 } else { 3000 };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !end.load(Ordering::Relaxed) {
                        if let Some(inside) = gate.enter() {
                            for _ in 0..20 {
                                assert!(inside.alive.load(Ordering::SeqCst));
                            }
                        }
                    }
                });
            }
            for _ in 0..rounds {
                gate.turn().open(guest(&drops));
                std::thread::yield_now();
                assert!(gate.turn().close());
            }
            end.store(true, Ordering::Relaxed);
        });
        assert_eq!(drops.load(Ordering::SeqCst), rounds);
    }

    #[test]
    fn one_gate_for_all_who_come_at_once() {
        static DOOR: Door<Guest, ()> = Door::new();
        let gates: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| ptr::from_ref(DOOR.own_gate(|| ()).unwrap()).addr())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(gates.iter().all(|gate| *gate == gates[0]));
    }
}
