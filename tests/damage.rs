//! A damaged token behind the module: whatever byte of its files is wrong, the program that uses it gets an error or
//! what was written, and goes on living. `core/tests/tamper` goes through every byte; here is a sample, with a process
//! each.

#![allow(clippy::print_stdout)] // counts and seeds belong to the tests' results

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cryptoki_sys::*;
use support::module::Answer;
use support::worker::{Workshop, hexadecimal, words_of};
use support::{Numbers, Place, USER_PIN};

/// Promise: a flipped byte of the database never releases a value, weakens an attribute, changes a key or harms the
/// process.
#[test]
fn a_flipped_byte_of_the_database_does_no_harm() {
    let (files, original) = token(true);
    let tally = flip(&files, "token.db", 400, &original);
    assert!(tally.detected > 20 && tally.harmless > 20, "{tally:?}");
}

/// Promise: the same for the log, as a crash leaves it behind.
#[test]
fn a_flipped_byte_of_the_log_does_no_harm() {
    let (files, original) = token(false);
    assert!(files.iter().any(|(name, bytes)| name == "token.db-wal" && bytes.len() > 10_000));
    let tally = flip(&files, "token.db-wal", 200, &original);
    // Behind a damaged page the log ends, as it does behind one that a crash left unfinished.
    assert!(tally.detected + tally.hidden > 100, "{tally:?}");
}

/// Promise: the counter and the shared index beside the database may hold anything: nothing is lost.
#[test]
fn the_files_beside_the_database_may_hold_anything() {
    let (files, original) = token(true);
    let seed = Numbers::seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut numbers = Numbers::of(seed);
    for name in ["generation", "token.db-shm"] {
        for length in [0, 1, 7, 8, 4096, 32768, 40_000] {
            for filling in [0, 1, 0xff, 0x100] {
                let mut garbage = vec![filling as u8; length];
                if filling > 0xff {
                    garbage.fill_with(|| numbers.below(256) as u8);
                }
                let mut edited = files.clone();
                edited.insert(name.to_owned(), garbage);
                let seen = look(&edited);
                assert_eq!(seen, original, "{name} with {length} bytes");
            }
        }
    }
}

/// Promise: files cut short, emptied or gone are an error, or nothing is lost.
#[test]
fn files_cut_short_do_no_harm() {
    let (files, original) = token(false);
    let whole = files["token.db"].len();
    let log = files["token.db-wal"].len();
    let mut tally = Tally::default();
    for (name, length) in [("token.db", whole), ("token.db-wal", log)] {
        for cut in [0, 1, 31, 32, 100, 512, 4095, 4096, 4097, length / 2, length - 4096, length - 1] {
            let mut edited = files.clone();
            edited.get_mut(name).unwrap().truncate(cut.min(length));
            tally.judge(&original, &look(&edited), &format!("{name} cut to {cut} bytes"));
        }
    }
    for name in ["token.db", "token.db-wal", "token.db-shm", "generation"] {
        let mut edited = files.clone();
        edited.remove(name);
        tally.judge(&original, &look(&edited), &format!("{name} removed"));
    }
    println!("files cut short: {tally:?}");
}

/// The processes that look.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn worker() {
    support::worker::work(|shop, order, _| match order {
        "look" => Some(Ok(look_around(shop))),
        "narrow" => {
            let (module, session) = (shop.module, shop.session());
            let key = module.find(session, Some("narrow")).unwrap()[0];
            Some(module.set_flag(session, key, CKA_DECRYPT, false).map(|()| String::new()))
        }
        _ => None,
    });
}

/// The files of a token, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// What a program sees of a token: each thing, and its value or why there is none.
type Seen = BTreeMap<String, String>;

/// A token with some keys: merged into the database, or as a crash leaves it, in the log.
fn token(merged: bool) -> (Files, Seen) {
    let place = Place::with_token("damage");
    let mut maker = place.user();
    for label in ["first", "narrow", "gone", "last"] {
        maker.ask(&format!("create {label}")).unwrap();
    }
    if merged {
        maker.ask("destroy 3").unwrap();
        maker.ask("narrow").unwrap();
        maker.finish();
    } else {
        maker.kill();
    }
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    let files = fs::read_dir(place.slot()).unwrap().map(read).collect();
    let seen = look(&files);
    for sound in ["token", "login", "found", "1.encrypt", "2.encrypt", "4.encrypt"] {
        assert!(!seen[sound].starts_with("rv"), "{sound}: {}", seen[sound]);
    }
    assert_eq!(seen[&format!("1.{CKA_VALUE}")], format!("rv {CKR_ATTRIBUTE_SENSITIVE}"));
    assert_eq!(seen["wrong PIN"], format!("rv {CKR_PIN_INCORRECT}"));
    (files, seen)
}

/// Flips single bits and whole bytes of a file, spread over all of it.
fn flip(files: &Files, name: &str, count: usize, original: &Seen) -> Tally {
    let seed = Numbers::seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut numbers = Numbers::of(seed);
    let mut tally = Tally::default();
    let length = files[name].len();
    for number in 0..count {
        let at = (length * number / count + numbers.below((length / count) as u64 + 1) as usize).min(length - 1);
        let mask = if number % 2 == 0 { 0xff } else { 1 << numbers.below(8) };
        let mut edited = files.clone();
        edited.get_mut(name).unwrap()[at] ^= mask;
        tally.judge(original, &look(&edited), &format!("byte {at} of {name} ^ {mask:#04x}"));
    }
    println!("{name}: {tally:?}");
    tally
}

#[derive(Debug, Default)]
struct Tally {
    /// All is as it was.
    harmless: usize,
    /// There are errors.
    detected: usize,
    /// Something is not there, as if it had never been.
    hidden: usize,
}

impl Tally {
    fn judge(&mut self, original: &Seen, seen: &Seen, story: &str) {
        for (what, value) in seen {
            let refused = value.starts_with("rv");
            let fine = match (what.as_str(), original.get(what)) {
                // Something may be hidden; nothing may be added.
                ("found", Some(before)) => {
                    refused || value.split_whitespace().all(|handle| before.split(' ').any(|other| handle == other))
                }
                ("wrong PIN", _) => refused,
                (_, Some(before)) => refused || value == before,
                (_, None) => refused,
            };
            assert!(fine, "{story}: {what} was {:?} and became {value:?}", original.get(what));
        }
        let gone = [CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID].map(|rv| format!("rv {rv}"));
        let refused = |(what, value): (&String, &String)| {
            value.starts_with("rv") && !gone.contains(value) && original.get(what) != Some(value)
        };
        match original == seen {
            true => self.harmless += 1,
            false if seen.iter().any(refused) => self.detected += 1,
            false => self.hidden += 1,
        }
    }
}

/// What a process that finds these files sees.
fn look(files: &Files) -> Seen {
    let place = Place::new("look");
    fs::create_dir(place.slot()).unwrap();
    restore(&place.slot(), files);
    let start = Instant::now();
    let mut process = place.worker();
    let told = process.ask("look").unwrap();
    drop(process);
    assert!(start.elapsed() < HANG, "it took {:?}", start.elapsed());
    told.split(';').filter_map(|fact| fact.split_once('=')).map(|(what, value)| (what.into(), value.into())).collect()
}

fn restore(directory: &Path, files: &Files) {
    for (name, bytes) in files {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

/// Everything a program can ask of the token, and what it is told.
fn look_around(shop: &Workshop) -> String {
    let module = shop.module;
    let mut facts = Vec::new();
    let mut note = |what: &str, answer: Answer<String>| {
        facts.push(format!("{what}={}", answer.unwrap_or_else(|rv| format!("rv {rv}"))));
    };
    module.initialize().unwrap();
    note("token", token_info(shop));
    match module.open() {
        Err(rv) => note("open", Err(rv)),
        Ok(session) => {
            note("wrong PIN", module.login(session, CKU_USER, "wrong-pin").map(|()| "accepted".to_owned()));
            note("login", module.login(session, CKU_USER, USER_PIN).map(|()| "accepted".to_owned()));
            note("found", module.find(session, None).map(|found| words_of(&found)));
            for label in ["first", "narrow", "gone", "last"] {
                note(label, module.find(session, Some(label)).map(|_| String::new()));
            }
            for object in 1..=5 {
                for which in ATTRIBUTES {
                    let value = module.attribute(session, object, *which);
                    note(&format!("{object}.{which}"), value.map(|value| hexadecimal(&value)));
                }
                let sealed = module.encrypt(session, object, b"plaintext");
                note(&format!("{object}.encrypt"), sealed.map(|sealed| hexadecimal(&sealed)));
                let opened = module.decrypt(session, object, &[0; 32]);
                note(&format!("{object}.decrypt"), opened.map(|opened| hexadecimal(&opened)));
            }
        }
    }
    facts.join(";")
}

fn token_info(shop: &Workshop) -> Answer<String> {
    let info = shop.module.token_info()?;
    Ok(hexadecimal(&info.label) + &hexadecimal(&info.serialNumber))
}

const ATTRIBUTES: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_CLASS,
    CKA_KEY_TYPE,
    CKA_LABEL,
    CKA_ID,
    CKA_UNIQUE_ID,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_SENSITIVE,
    CKA_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
    CKA_NEVER_EXTRACTABLE,
    CKA_LOCAL,
    CKA_TRUSTED,
    CKA_WRAP_WITH_TRUSTED,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_DERIVE,
    CKA_KEY_GEN_MECHANISM,
    CKA_CHECK_VALUE,
    CKA_VALUE_LEN,
    CKA_VALUE,
];

/// Far beyond what looking takes.
const HANG: Duration = Duration::from_secs(20);
