//! Every byte, one at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use strongroom_core::store::{SqliteStore, Store};

use super::fixture::*;
use super::seen::{Care, Seen, Verdict};

/// Promise: every byte of every record, key or value, flipped: detected or harmless.
#[test]
fn a_flipped_byte_of_any_record_is_detected_or_harmless() {
    let records = records();
    let original = Seen::of(store(&records), Care::ALL).unwrap();
    original.expect_whole();
    let again = Seen::of(store(&records), Care::ALL);
    assert_eq!(original.judge(&again), Ok(Verdict::Harmless), "looking twice must show the same");
    let mut edits = Vec::new();
    for (key, value) in &records {
        for (at, byte) in key.iter().chain(value).enumerate() {
            edits.extend(masks(at, *byte).map(|mask| (key, at, mask)));
        }
    }
    let tally = Tally::default();
    in_parallel(&edits, |(key, at, mask)| {
        let mut edited = records.clone();
        let (mut key, mut value) = edited.remove_entry(*key).unwrap();
        let kind = key[0];
        match at.checked_sub(key.len()) {
            None => key[*at] ^= mask,
            Some(at) => value[at] ^= mask,
        }
        edited.insert(key, value);
        let story = || format!("byte {at} of record {:?} ^ {mask:#04x}", String::from_utf8_lossy(&[kind]));
        let care = Care { pins: b"UM".contains(&kind), make: kind == b'C' };
        tally.count(kind, &story, || original.judge(&Seen::of(store(&edited), care)));
    });
    tally.print("records", edits.len());
}

/// Promise: every byte of the database and of the counter beside it flipped: detected or harmless.
#[test]
fn a_flipped_byte_of_any_file_is_detected_or_harmless() {
    let place = Place::new();
    make_token(&place.0);
    let slot = place.0.join("slot-0");
    let files = ["token.db", "generation"].map(|name| (name, fs::read(slot.join(name)).unwrap()));
    let records = read(&SqliteStore::open(&slot, true).unwrap());
    let original = Seen::of(store(&records), Care::ALL).unwrap();
    original.expect_whole();
    // Behind its first word the counter's file means nothing.
    let lengths = files.iter().map(|(name, bytes)| if *name == "generation" { 64 } else { bytes.len() });
    let edits: Vec<_> = (0..).zip(lengths).flat_map(|(file, length)| (0..length).map(move |at| (file, at))).collect();
    let tally = Tally::default();
    let places: Mutex<Vec<Place>> = Mutex::default();
    in_parallel(&edits, |(file, at): &(usize, usize)| {
        let place = places.lock().pop().unwrap_or_else(Place::new);
        let mask = masks(*at, files[*file].1[*at]).next().unwrap();
        write(&place.0, &files, Some((*file, *at, mask)));
        let story = || format!("byte {at} of {} ^ {mask:#04x}", files[*file].0);
        tally.count(files[*file].0.as_bytes()[0], &story, || look(&place.0, &records, &original, at % 16 == 0));
        places.lock().push(place);
    });
    tally.print("files", edits.len());
}

/// Looks at a token in files; at its users and objects only where its records are not what they were.
fn look(dir: &Path, records: &Records, original: &Seen, closely: bool) -> Result<Verdict, String> {
    let Ok(store) = SqliteStore::open(dir, false) else { return Ok(Verdict::Detected) };
    let mut pairs = records.iter();
    let scanned = store.scan(b"", None, &mut |key, value| match pairs.next() {
        Some((own_key, own_value)) if own_key == key && own_value == value => std::ops::ControlFlow::Continue(()),
        _ => std::ops::ControlFlow::Break(()),
    });
    let same = scanned.is_ok()
        && pairs.next().is_none()
        && records.iter().all(|(key, value)| matches!(store.get(key), Ok(Some(found)) if found == *value));
    if same && !closely {
        return Ok(Verdict::Harmless);
    }
    original.judge(&Seen::of(Arc::new(store), if closely { Care::ALL } else { Care::LOOK }))
}

fn write(dir: &Path, files: &[(&str, Vec<u8>)], flip: Option<(usize, usize, u8)>) {
    for leftover in ["token.db-wal", "token.db-shm", "token.db-journal"] {
        let _ = fs::remove_file(dir.join(leftover));
    }
    for (index, (name, bytes)) in files.iter().enumerate() {
        let mut bytes = bytes.clone();
        if let Some((file, at, mask)) = flip
            && file == index
        {
            bytes[at] ^= mask;
        }
        fs::write(dir.join(name), bytes).unwrap();
    }
}

/// All bits of a byte, one bit of it (another one for each byte), and for a small number what makes it zero, in turns.
fn masks(at: usize, byte: u8) -> impl Iterator<Item = u8> {
    let one = 1 << (at.wrapping_mul(2_654_435_761) >> 7 & 7);
    let small = (1..8).contains(&byte) && byte != one;
    let mut masks = [0xff, one, byte];
    masks[..if small { 3 } else { 2 }].rotate_left(at % 2);
    masks.into_iter().take(if small { 3 } else { 2 })
}

#[derive(Default)]
struct Tally {
    counts: Mutex<BTreeMap<(u8, Verdict), usize>>,
    wrong: Mutex<Vec<String>>,
    slowest: Mutex<(Duration, String)>,
}

impl Tally {
    fn count(&self, kind: u8, story: &dyn Fn() -> String, judge: impl FnOnce() -> Result<Verdict, String>) {
        let start = Instant::now();
        match judge() {
            Ok(verdict) => *self.counts.lock().entry((kind, verdict)).or_default() += 1,
            Err(what) => self.wrong.lock().push(format!("{}: {what}", story())),
        }
        let took = start.elapsed();
        let mut slowest = self.slowest.lock();
        if took > slowest.0 {
            *slowest = (took, story());
        }
    }

    /// The outcome: no edit may have weakened or released anything, nor kept anybody waiting.
    #[allow(clippy::print_stdout)] // the counts belong to the test's result
    fn print(&self, what: &str, edits: usize) {
        for ((kind, verdict), count) in &*self.counts.lock() {
            println!("{what} {:?}: {count} {verdict:?}", char::from(*kind));
        }
        let (took, story) = &*self.slowest.lock();
        println!("{what}: {edits} flips; the slowest took {took:?}: {story}");
        let wrong = self.wrong.lock();
        assert!(wrong.is_empty(), "{} of {edits}, such as:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
        assert!(*took < HANG, "{story} took {took:?}");
    }
}

/// Far beyond what any call takes, and below the patience of a caller.
const HANG: Duration = Duration::from_secs(20);

fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
