//! What every engine must do, as tests: [`suite`] makes one test of each function here for a way to make a store.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use super::{Aborted, Store, StoreError};
use crate::error::Error;

/// Makes a new, empty store each time it is called.
pub(super) type Make<'a> = &'a dyn Fn() -> Arc<dyn Store>;

/// One test per rule, for the engine that `$make` makes.
macro_rules! suite {
    ($make:expr) => {
        $crate::store::conformance::suite!(@tests $make;
            get_put_delete, scan_order_and_bounds, scan_stops, unusual_keys, unusual_values, read_your_writes,
            failure_undoes, panic_undoes, readers_do_not_see_open_transactions, scans_are_snapshots,
            no_lost_update, failures_in_batches, panics_in_batches, generation_changes, generation_is_never_stale,
            no_change_no_commit, check_finds_nothing,
        );
    };
    (@tests $make:expr; $($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                $crate::store::conformance::$name(&|| -> std::sync::Arc<dyn $crate::store::Store> { ($make)() });
            }
        )*
    };
}
pub(super) use suite;

pub(super) fn get_put_delete(make: Make<'_>) {
    let store = make();
    assert_eq!(store.get(b"a").unwrap(), None);
    put(&*store, b"a", b"1");
    assert_eq!(store.get(b"a").unwrap(), Some(b"1".to_vec()));
    put(&*store, b"a", b"2");
    assert_eq!(store.get(b"a").unwrap(), Some(b"2".to_vec()));
    delete(&*store, b"a");
    assert_eq!(store.get(b"a").unwrap(), None);
    delete(&*store, b"a");
    assert!(pairs(&*store, b"", None).is_empty());
}

pub(super) fn scan_order_and_bounds(make: Make<'_>) {
    let store = make();
    let keys: [&[u8]; 8] = [b"", b"a", b"a\0", b"a/1", b"a/1\xff", b"a/2", b"b", b"\xff\xff"];
    for key in keys.iter().rev() {
        put(&*store, key, key);
    }
    assert_eq!(keys_of(&*store, b"", None), keys);
    assert_eq!(keys_of(&*store, b"a", None), keys[1..6]);
    assert_eq!(keys_of(&*store, b"a/", None), keys[3..6]);
    assert_eq!(keys_of(&*store, b"a/1", Some(b"a/1")), keys[4..5]);
    assert_eq!(keys_of(&*store, b"a/", Some(b"a/1\xff")), keys[5..6]);
    assert_eq!(keys_of(&*store, b"a/", Some(b"a")), keys[3..6], "after a key before the prefix");
    assert!(keys_of(&*store, b"a/", Some(b"b")).is_empty(), "after a key behind the prefix");
    assert!(keys_of(&*store, b"c", None).is_empty());
    assert_eq!(keys_of(&*store, b"", Some(b"b")), keys[7..]);
    assert_eq!(keys_of(&*store, b"", Some(b"")), keys[1..]);
    assert!(pairs(&*store, b"", None).iter().all(|(key, value)| key == value));
}

pub(super) fn scan_stops(make: Make<'_>) {
    let store = make();
    for key in [b"1", b"2", b"3"] {
        put(&*store, key, b"");
    }
    let mut seen = Vec::new();
    let mut visit = |key: &[u8], _: &[u8]| {
        seen.push(key.to_vec());
        if key == b"2" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    store.scan(b"", None, &mut visit).unwrap();
    assert_eq!(seen, [b"1", b"2"]);
    put(&*store, b"4", b"");
    assert_eq!(keys_of(&*store, b"", Some(b"3")), [b"4"], "a broken scan leaves nothing behind");
}

pub(super) fn unusual_keys(make: Make<'_>) {
    let store = make();
    for length in 0..5 {
        put(&*store, &vec![0xff; length], &[1; 3]);
        put(&*store, &vec![0; length], &[2; 3]);
    }
    assert_eq!(keys_of(&*store, b"\xff", None).len(), 4);
    assert_eq!(keys_of(&*store, b"\xff\xff", Some(b"\xff\xff\xff")), [vec![0xff; 4]]);
    assert_eq!(keys_of(&*store, b"\0", None).len(), 4);
    assert_eq!(keys_of(&*store, b"", None).len(), 9);
    let long = vec![0xff; 5000];
    put(&*store, &long, b"long");
    assert_eq!(store.get(&long).unwrap(), Some(b"long".to_vec()));
    assert_eq!(keys_of(&*store, &long, None), [long]);
}

pub(super) fn unusual_values(make: Make<'_>) {
    let store = make();
    let large: Vec<u8> = (0..1_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    put(&*store, b"empty", b"");
    put(&*store, b"large", &large);
    put(&*store, b"zeros", &[0; 5000]);
    assert_eq!(store.get(b"empty").unwrap(), Some(Vec::new()));
    assert_eq!(store.get(b"large").unwrap().as_ref(), Some(&large));
    put(&*store, b"large", b"small now");
    assert_eq!(store.get(b"large").unwrap(), Some(b"small now".to_vec()));
    put(&*store, b"empty", &large);
    assert_eq!(pairs(&*store, b"empty", None), [(b"empty".to_vec(), large)]);
    assert_eq!(store.get(b"zeros").unwrap(), Some(vec![0; 5000]));
}

pub(super) fn read_your_writes(make: Make<'_>) {
    let store = make();
    put(&*store, b"k/1", b"old");
    put(&*store, b"k/3", b"old");
    let mut body = |transaction: &mut dyn super::Transaction| {
        transaction.put(b"k/1", b"new")?;
        transaction.put(b"k/2", b"new")?;
        transaction.delete(b"k/3")?;
        transaction.delete(b"k/none")?;
        assert_eq!(transaction.get(b"k/1")?, Some(b"new".to_vec()));
        assert_eq!(transaction.get(b"k/2")?, Some(b"new".to_vec()));
        assert_eq!(transaction.get(b"k/3")?, None);
        let mut seen = Vec::new();
        transaction.scan(b"k/", None, &mut |key, value| {
            seen.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })?;
        assert_eq!(seen, [(b"k/1".to_vec(), b"new".to_vec()), (b"k/2".to_vec(), b"new".to_vec())]);
        transaction.put(b"k/3", b"again")?;
        let mut last = Vec::new();
        transaction.scan(b"k/", Some(b"k/2"), &mut |_, value| {
            last = value.to_vec();
            ControlFlow::Break(())
        })?;
        assert_eq!(last, b"again");
        Ok(())
    };
    store.transact(&mut body).unwrap();
    assert_eq!(keys_of(&*store, b"k/", None), [b"k/1", b"k/2", b"k/3"]);
}

pub(super) fn failure_undoes(make: Make<'_>) {
    let store = make();
    put(&*store, b"kept", b"1");
    let result = store.transact(&mut |transaction| {
        transaction.put(b"new", b"2")?;
        transaction.put(b"kept", b"2")?;
        Err(refusal())
    });
    assert!(matches!(result, Err(Aborted::Body(_))));
    let result = store.transact(&mut |transaction| {
        transaction.delete(b"kept")?;
        Err(StoreError::Full("test".into()).into())
    });
    assert!(matches!(result, Err(Aborted::Store(StoreError::Full(_)))));
    assert_eq!(pairs(&*store, b"", None), [(b"kept".to_vec(), b"1".to_vec())]);
}

pub(super) fn panic_undoes(make: Make<'_>) {
    let store = make();
    let result = catch_unwind(AssertUnwindSafe(|| {
        store.transact(&mut |transaction| {
            transaction.put(b"a", b"1")?;
            panic!("expected by the test");
        })
    }));
    assert!(result.is_err());
    assert_eq!(store.get(b"a").unwrap(), None);
    put(&*store, b"a", b"2");
    assert_eq!(store.get(b"a").unwrap(), Some(b"2".to_vec()));
}

pub(super) fn readers_do_not_see_open_transactions(make: Make<'_>) {
    let store = make();
    put(&*store, b"a", b"old");
    let generation = store.generation();
    let (inside, outside) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut body = |transaction: &mut dyn super::Transaction| {
                transaction.put(b"a", b"new")?;
                inside.wait();
                outside.wait();
                Ok(())
            };
            store.transact(&mut body).unwrap();
        });
        inside.wait();
        assert_eq!(store.get(b"a").unwrap(), Some(b"old".to_vec()));
        assert_eq!(pairs(&*store, b"", None), [(b"a".to_vec(), b"old".to_vec())]);
        assert_eq!(store.generation(), generation, "nothing is committed yet");
        outside.wait();
    });
    assert_eq!(store.get(b"a").unwrap(), Some(b"new".to_vec()));
    assert_ne!(store.generation(), generation);
}

pub(super) fn scans_are_snapshots(make: Make<'_>) {
    let store = make();
    let write_all = |round: u32| {
        let mut body = |transaction: &mut dyn super::Transaction| {
            for index in 0..100_u8 {
                transaction.put(&[index], &round.to_be_bytes())?;
            }
            Ok(())
        };
        store.transact(&mut body).unwrap();
    };
    write_all(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let values: Vec<_> = pairs(&*store, b"", None).into_iter().map(|(_, value)| value).collect();
                    assert_eq!(values.len(), 100);
                    assert!(values.windows(2).all(|two| two[0] == two[1]), "a scan saw two transactions");
                }
            });
        }
        (1..50).for_each(write_all);
        done.store(true, Ordering::Relaxed);
    });
}

pub(super) fn no_lost_update(make: Make<'_>) {
    let store = make();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..200).for_each(|_| increment(&*store, b"counter").unwrap()));
        }
    });
    assert_eq!(number(&*store, b"counter"), THREADS * 200);
}

pub(super) fn failures_in_batches(make: Make<'_>) {
    let store = make();
    let (started, succeeded) = (Barrier::new(THREADS as usize), AtomicUsize::new(0));
    let (store, started, succeeded) = (&store, &started, &succeeded);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                started.wait();
                for round in 0..100 {
                    let key = format!("{thread}/{round}");
                    let fails = (thread + round) % 3 == 0;
                    let result = store.transact(&mut |transaction| {
                        transaction.put(key.as_bytes(), b"")?;
                        let count = transaction.get(b"count")?.map_or(0, parse);
                        transaction.put(b"count", &(count + 1).to_be_bytes())?;
                        if fails { Err(refusal()) } else { Ok(()) }
                    });
                    assert_eq!(result.is_err(), fails);
                    assert_eq!(store.get(key.as_bytes()).unwrap().is_none(), fails, "known when transact returns");
                    succeeded.fetch_add(usize::from(!fails), Ordering::Relaxed);
                }
            });
        }
    });
    let succeeded = succeeded.load(Ordering::Relaxed);
    assert_eq!(number(&**store, b"count"), succeeded as u64);
    assert_eq!(pairs(&**store, b"", None).len(), succeeded + 1);
}

pub(super) fn panics_in_batches(make: Make<'_>) {
    let store = make();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let store = &store;
            scope.spawn(move || {
                for round in 0..50 {
                    if thread == 0 {
                        let mut body = |transaction: &mut dyn super::Transaction| -> Result<(), Aborted> {
                            transaction.put(format!("panicked/{round}").as_bytes(), b"")?;
                            // Without the message of the panic hook.
                            std::panic::resume_unwind(Box::new("expected by the test"));
                        };
                        assert!(catch_unwind(AssertUnwindSafe(|| store.transact(&mut body))).is_err());
                    } else {
                        increment(&**store, b"counter").unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(number(&*store, b"counter"), (THREADS - 1) * 50);
    assert!(pairs(&*store, b"panicked/", None).is_empty());
}

pub(super) fn generation_changes(make: Make<'_>) {
    let store = make();
    let mut last = store.generation();
    assert_eq!(store.generation(), last, "nothing happened");
    for round in 0..10_u8 {
        put(&*store, b"a", &[round]);
        let now = store.generation();
        assert_ne!(now, last, "after a put");
        assert_eq!(store.generation(), now);
        last = now;
    }
    delete(&*store, b"a");
    assert_ne!(store.generation(), last, "after a delete");
}

/// A reader that keeps what it read until the generation changes must never see a counter behind one that a writer
/// had acknowledged before the reader asked.
pub(super) fn generation_is_never_stale(make: Make<'_>) {
    let store = make();
    put(&*store, b"counter", &0_u64.to_be_bytes());
    let acknowledged = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut cached = (store.generation().wrapping_sub(1), 0);
                while !done.load(Ordering::SeqCst) {
                    let at_least = acknowledged.load(Ordering::SeqCst) as u64;
                    let generation = store.generation();
                    if cached.0 != generation {
                        cached = (generation, number(&*store, b"counter"));
                    }
                    assert!(cached.1 >= at_least, "cached {} of {at_least}", cached.1);
                }
            });
        }
        for _ in 0..500 {
            increment(&*store, b"counter").unwrap();
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
    });
}

pub(super) fn no_change_no_commit(make: Make<'_>) {
    let store = make();
    let generation = store.generation();
    store.transact(&mut |_| Ok(())).unwrap();
    let read_only = store.transact(&mut |transaction| {
        transaction.get(b"a")?;
        Ok(())
    });
    assert!(read_only.is_ok());
    assert_eq!(store.generation(), generation, "a transaction without changes commits nothing");
}

pub(super) fn check_finds_nothing(make: Make<'_>) {
    let store = make();
    for index in 0..200_u32 {
        put(&*store, &index.to_be_bytes(), &[7; 300]);
    }
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
}

/// Sets one key in a transaction of its own.
pub(super) fn put(store: &dyn Store, key: &[u8], value: &[u8]) {
    store.transact(&mut |transaction| Ok(transaction.put(key, value)?)).unwrap();
}

/// Deletes one key in a transaction of its own.
pub(super) fn delete(store: &dyn Store, key: &[u8]) {
    store.transact(&mut |transaction| Ok(transaction.delete(key)?)).unwrap();
}

/// Everything under a prefix.
pub(super) fn pairs(store: &dyn Store, prefix: &[u8], after: Option<&[u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        pairs.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    store.scan(prefix, after, &mut visit).unwrap();
    pairs
}

/// Adds one to a number, in a transaction of its own.
pub(super) fn increment(store: &dyn Store, key: &[u8]) -> Result<(), Aborted> {
    store.transact(&mut |transaction| {
        let next = transaction.get(key)?.map_or(0, parse) + 1;
        Ok(transaction.put(key, &next.to_be_bytes())?)
    })
}

/// The number that [`increment`] keeps.
pub(super) fn number(store: &dyn Store, key: &[u8]) -> u64 {
    store.get(key).unwrap().map_or(0, parse)
}

fn keys_of(store: &dyn Store, prefix: &[u8], after: Option<&[u8]>) -> Vec<Vec<u8>> {
    pairs(store, prefix, after).into_iter().map(|(key, _)| key).collect()
}

fn parse(value: Vec<u8>) -> u64 {
    u64::from_be_bytes(value.try_into().unwrap())
}

/// A reason of the floor above; which does not matter here.
fn refusal() -> Aborted {
    Aborted::Body(Box::new(Error::TooManySessions))
}

const THREADS: u64 = 8;
