//! Several processes, and several threads, on one token at the same time: nobody fails, nothing is lost, and everybody
//! sees what the others did.

#![allow(clippy::undocumented_unsafe_blocks)] // see support
#![allow(clippy::print_stdout)] // counts and seeds belong to the tests' results

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cryptoki_sys::*;
use support::module::{Answer, Module};
use support::worker::Workshop;
use support::{Numbers, Place, USER_PIN, Worker, module_file};

/// Promise: two processes that create 500 keys each at once get 1,000 keys and no error.
#[test]
fn two_processes_create_a_thousand_keys_at_once() {
    let place = Place::with_token("thousand");
    let mut creators = [place.user(), place.user()];
    let start = Instant::now();
    for (creator, name) in creators.iter_mut().zip(["one", "two"]) {
        creator.tell(&format!("create-many 500 {name}"));
    }
    let mut created = BTreeMap::new();
    for (creator, name) in creators.iter_mut().zip(["one", "two"]) {
        let answer = creator.answer().unwrap_or_else(|rv| panic!("{name}: {rv:#x}"));
        for (number, handle) in answer.split(' ').enumerate() {
            created.insert(handle.parse::<u64>().unwrap(), format!("{name}-{number}"));
        }
    }
    println!("1,000 keys by two processes in {:?}", start.elapsed());
    assert_eq!(created.len(), 1000, "two keys have the same handle");
    let mut third = place.user();
    assert_eq!(third.handles("find"), created.keys().copied().collect::<Vec<_>>());
    for (handle, label) in &created {
        assert_eq!(third.handles(&format!("find {label}")), [*handle]);
        assert_eq!(&third.ask(&format!("label-of {handle}")).unwrap(), label);
    }
    let mut results = BTreeSet::new();
    for handle in created.keys().step_by(10) {
        let result = third.ask(&format!("encrypt {handle}")).unwrap();
        assert_eq!(creators[0].ask(&format!("encrypt {handle}")).unwrap(), result);
        assert!(results.insert(result), "two keys have the same value");
    }
}

/// Promise: of eight processes that start at once, 500 times, none fails.
#[test]
fn eight_processes_start_at_once_five_hundred_times() {
    let place = Place::with_token("start");
    let program = place.directory.join("start");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiled = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-D_DEFAULT_SOURCE", "-O1", "-o"])
        .arg(&program)
        .arg("-I")
        .arg(repository.join("include"))
        .arg(repository.join("tests/support/start.c"))
        .arg("-ldl")
        .status();
    assert!(compiled.unwrap().success());
    place.user().ask("create start").unwrap();
    let start = Instant::now();
    for round in 0..500 {
        let (gate, opener) = pipe();
        let started: Vec<Child> = (0..8)
            .map(|_| {
                let mut command = place.command(&program);
                command.arg(module_file()).args([USER_PIN, "start"]);
                command.stdin(gate.try_clone().unwrap()).stderr(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        drop((gate, opener));
        for (number, mut child) in started.into_iter().enumerate() {
            let status = child.wait().unwrap();
            let mut complaint = String::new();
            child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
            assert!(status.success() && complaint.is_empty(), "round {round}, {number}: {status} {complaint}");
        }
    }
    println!("4,000 processes, eight at a time, in {:?}", start.elapsed());
}

/// Promise: kill -9 at any moment, 200 times: everything acknowledged is there, nothing is half there.
#[test]
fn what_was_acknowledged_survives_kill() {
    let seed = Numbers::seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut numbers = Numbers::of(seed);
    let place = Place::with_token("kill");
    // One process watches all the time, others come fresh.
    let mut watcher = place.user();
    let mut ledger = Ledger::default();
    for round in 0..100 {
        let mut victims = [place.user(), place.user()];
        for (number, victim) in victims.iter_mut().enumerate() {
            victim.tell(&format!("mayhem {} r{round}.{number}", numbers.below(u64::MAX)));
        }
        for victim in &mut victims {
            std::thread::sleep(Duration::from_micros(numbers.below(40_000)));
            victim.kill();
        }
        let stories = victims.map(|mut victim| std::iter::from_fn(|| victim.line()).collect::<Vec<_>>());
        let touched = stories.iter().fold(Touched::default(), |touched, story| ledger.enter(story, touched));
        if round % 10 == 0 {
            ledger.expect(&mut place.user(), &touched);
        }
        ledger.expect(&mut watcher, &touched);
    }
    let mut last = place.user();
    let everything = ledger.keys.values().cloned().collect();
    ledger.expect(&mut last, &Touched { labels: everything, ..Touched::default() });
    let Ledger { keys, deeds, unknown, .. } = &ledger;
    println!("200 kills: {deeds} deeds acknowledged, {unknown} under way, {} keys left", keys.len());
    assert!(*deeds > 100 && *unknown > 20, "{deeds} deeds, {unknown} under way: the kills came at a bad time");
}

/// Promise: what one process commits, the next call of another sees.
#[test]
fn processes_see_each_others_changes() {
    let place = Place::with_token("see");
    let (mut one, mut two) = (place.user(), place.user());
    for round in 0..50 {
        let key = one.handles(&format!("create first-{round}"))[0];
        assert_eq!(two.handles(&format!("find first-{round}")), [key]);
        let result = one.ask(&format!("encrypt {key}")).unwrap();
        assert_eq!(two.ask(&format!("encrypt {key}")).unwrap(), result);
        two.ask(&format!("label {key} second-{round}")).unwrap();
        assert_eq!(one.ask(&format!("label-of {key}")).unwrap(), format!("second-{round}"));
        assert_eq!(one.handles(&format!("find first-{round}")), []);
        assert_eq!(one.handles(&format!("find second-{round}")), [key]);
        one.ask(&format!("begin {key}")).unwrap();
        one.ask("update").unwrap();
        two.ask(&format!("destroy {key}")).unwrap();
        assert_eq!(one.ask("update"), Err(CKR_OPERATION_NOT_INITIALIZED));
        assert_eq!(one.ask("end"), Err(CKR_OPERATION_NOT_INITIALIZED));
        for process in [&mut one, &mut two] {
            assert_eq!(process.ask(&format!("label-of {key}")), Err(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(process.ask(&format!("label {key} late")), Err(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(process.ask(&format!("destroy {key}")), Err(CKR_OBJECT_HANDLE_INVALID));
            assert_eq!(process.ask(&format!("encrypt {key}")), Err(CKR_KEY_HANDLE_INVALID));
            assert_eq!(process.handles("find"), []);
        }
    }
}

/// Promise: of two processes that change the same key at once, neither loses its change unnoticed, and two that destroy
/// it do so once.
#[test]
fn changes_of_one_key_by_two_processes_do_not_mix() {
    let place = Place::with_token("mix");
    let (mut one, mut two) = (place.user(), place.user());
    for round in 0..50 {
        let key = one.handles("create contested")[0];
        for (process, name) in [(&mut one, "one"), (&mut two, "two")] {
            process.tell(&format!("label {key} {name}-{round}"));
        }
        assert_eq!((one.answer(), two.answer()), (Ok(String::new()), Ok(String::new())));
        let label = one.ask(&format!("label-of {key}")).unwrap();
        assert_eq!(two.ask(&format!("label-of {key}")).unwrap(), label);
        for name in ["contested".to_owned(), format!("one-{round}"), format!("two-{round}")] {
            let expected = if name == label { vec![key] } else { Vec::new() };
            assert_eq!(two.handles(&format!("find {name}")), expected);
        }
        one.tell(&format!("destroy {key}"));
        two.tell(&format!("destroy {key}"));
        let mut outcomes = [one.answer().map(|_| ()), two.answer().map(|_| ())];
        outcomes.sort();
        assert_eq!(outcomes, [Ok(()), Err(CKR_OBJECT_HANDLE_INVALID)]);
    }
}

/// Promise: PINs and users are the token's: a change in one process holds in all.
#[test]
fn pins_change_for_all_processes() {
    let place = Place::with_token("pins");
    let (mut one, mut two) = (place.user(), place.user());
    let key = one.handles("create key")[0];
    one.ask(&format!("set-pin {USER_PIN} another-pin")).unwrap();
    // Who is logged in stays so.
    two.ask(&format!("encrypt {key}")).unwrap();
    two.ask("logout").unwrap();
    assert_eq!(two.ask(&format!("login {USER_PIN}")), Err(CKR_PIN_INCORRECT));
    two.ask("login another-pin").unwrap();
    // Wrong PINs count in all processes together.
    two.ask("logout").unwrap();
    let mut three = place.worker();
    three.ask("initialize").unwrap();
    three.ask("open").unwrap();
    for _ in 0..5 {
        assert_eq!(two.ask("login wrong-pin"), Err(CKR_PIN_INCORRECT));
        assert_eq!(three.ask("login wrong-pin"), Err(CKR_PIN_INCORRECT));
    }
    assert_eq!(two.ask("login another-pin"), Err(CKR_PIN_LOCKED));
    assert_eq!(three.ask("login another-pin"), Err(CKR_PIN_LOCKED));
    two.ask("login-so").unwrap();
    let encrypted = one.ask(&format!("encrypt {key}")).unwrap();
    two.ask("init-pin officers-choice").unwrap();
    // The officer's choice ends what was logged in before it.
    assert_eq!(one.ask(&format!("encrypt {key}")), Err(CKR_KEY_HANDLE_INVALID));
    three.ask("login officers-choice").unwrap();
    assert_eq!(three.ask(&format!("encrypt {key}")), Ok(encrypted));
}

/// Promise: making the token anew ends every login, session object handle and operation of it, in every process.
#[test]
fn a_new_token_ends_what_other_processes_do_with_the_old() {
    let place = Place::with_token("anew");
    let mut one = place.user();
    let key = one.handles("create key")[0];
    one.ask(&format!("begin {key}")).unwrap();
    one.ask("update").unwrap();
    let mut other = place.worker();
    other.ask("initialize").unwrap();
    other.ask("init-token").unwrap();
    assert_eq!(one.ask("update"), Err(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(one.ask("state").unwrap(), CKS_RW_PUBLIC_SESSION.to_string());
    assert_eq!(one.ask(&format!("encrypt {key}")), Err(CKR_KEY_HANDLE_INVALID));
    assert_eq!(one.ask(&format!("label-of {key}")), Err(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(one.ask("create late"), Err(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(one.handles("find"), []);
    assert_eq!(one.ask(&format!("login {USER_PIN}")), Err(CKR_USER_PIN_NOT_INITIALIZED));
    other.ask("open").unwrap();
    other.ask("login-so").unwrap();
    other.ask("init-pin newer-pin").unwrap();
    one.ask("login newer-pin").unwrap();
    let new = one.handles("create new")[0];
    other.ask("logout").unwrap();
    other.ask("login newer-pin").unwrap();
    assert_eq!(other.handles("find"), [new]);
    assert_eq!(one.ask(&format!("encrypt {new}")), other.ask(&format!("encrypt {new}")));
}

/// Promise: after a logout, or the destruction of its key, in another session, an operation does not go on.
#[test]
fn operations_end_with_the_login_and_with_the_key() {
    let place = Place::with_token("end");
    let mut one = place.user();
    let key = one.handles("create key")[0];
    one.ask("open").unwrap();
    one.ask(&format!("begin {key}")).unwrap();
    one.ask("update").unwrap();
    one.ask("logout").unwrap();
    assert!(matches!(one.ask("update"), Err(CKR_USER_NOT_LOGGED_IN | CKR_OPERATION_NOT_INITIALIZED)));
    assert_eq!(one.ask("update"), Err(CKR_OPERATION_NOT_INITIALIZED));
    one.ask(&format!("login {USER_PIN}")).unwrap();
    one.ask(&format!("begin {key}")).unwrap();
    one.ask("update").unwrap();
    one.ask("logout").unwrap();
    one.ask(&format!("login {USER_PIN}")).unwrap();
    assert_eq!(one.ask("update"), Err(CKR_OPERATION_NOT_INITIALIZED), "begun in the login before");
    one.ask(&format!("begin {key}")).unwrap();
    one.ask("update").unwrap();
    one.ask(&format!("destroy {key}")).unwrap();
    assert_eq!(one.ask("update"), Err(CKR_OPERATION_NOT_INITIALIZED));
    assert_eq!(one.ask("end"), Err(CKR_OPERATION_NOT_INITIALIZED));
}

/// Promise: threads that make, use, find and destroy keys while others log out and in get right results or the errors
/// of a logout, and never wait for ever.
#[test]
fn threads_work_while_others_log_out_and_in() {
    let place = Place::with_token("threads");
    let mut process = place.user();
    let counts = process.ask("threads 4").unwrap();
    println!("eight threads for four seconds: {counts}");
    let numbers: Vec<u64> = counts.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers.iter().all(|count| *count > 10), "{counts}");
    process.ask("find").unwrap();
    process.finish();
}

/// The other processes of these tests.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn worker() {
    support::worker::work(|shop, order, words| match order {
        "threads" => Some(Ok(threads(shop, words[0].parse().unwrap()))),
        _ => None,
    });
}

/// What the keys of a token are, as far as it was acknowledged.
#[derive(Default)]
struct Ledger {
    keys: BTreeMap<u64, String>,
    destroyed: BTreeSet<u64>,
    deeds: usize,
    unknown: usize,
}

/// What a round may have changed.
#[derive(Default)]
struct Touched {
    /// Every label that was in use.
    labels: BTreeSet<String>,
    /// What was announced last and not acknowledged.
    creating: Vec<String>,
    naming: Vec<(u64, String)>,
    destroying: BTreeSet<u64>,
}

impl Ledger {
    /// Enters what a process told before it was killed.
    fn enter(&mut self, story: &[String], mut touched: Touched) -> Touched {
        for (at, line) in story.iter().enumerate() {
            let words: Vec<_> = line.split(' ').collect();
            let last = at + 1 == story.len();
            let handle = words[1].parse().unwrap_or_default();
            self.deeds += usize::from(words[0].ends_with("ed"));
            match words[0] {
                "created" | "named" => {
                    touched.labels.insert(words[2].to_owned());
                    touched.labels.extend(self.keys.insert(handle, words[2].to_owned()));
                }
                "destroyed" => {
                    touched.labels.extend(self.keys.remove(&handle));
                    self.destroyed.insert(handle);
                }
                "creating" if last => touched.creating.push(words[1].to_owned()),
                "naming" if last => touched.naming.push((handle, words[2].to_owned())),
                "destroying" if last => drop(touched.destroying.insert(handle)),
                "creating" | "naming" | "destroying" => {}
                _ => panic!("{line}"),
            }
            self.unknown += usize::from(last && words[0].ends_with("ing"));
        }
        touched
    }

    /// Looks at the token: what was under way happened whole or not at all, and everything else is as entered.
    fn expect(&mut self, viewer: &mut Worker, touched: &Touched) {
        let listed: BTreeSet<u64> = viewer.handles("find").into_iter().collect();
        let mut labels = touched.labels.clone();
        for label in &touched.creating {
            if let [key] = viewer.handles(&format!("find {label}"))[..] {
                assert!(listed.contains(&key), "{label} is found and not listed");
                self.keys.insert(key, label.clone());
            }
            labels.insert(label.clone());
        }
        for (key, label) in &touched.naming {
            labels.extend([label.clone(), self.keys[key].clone()]);
            if viewer.ask(&format!("label-of {key}")).unwrap() == *label {
                self.keys.insert(*key, label.clone());
            }
        }
        for key in touched.destroying.difference(&listed) {
            labels.extend(self.keys.remove(key));
            self.destroyed.insert(*key);
        }
        assert_eq!(listed, self.keys.keys().copied().collect(), "what is listed is not what was acknowledged");
        for label in &labels {
            let expected: Vec<_> = self.keys.iter().filter(|(_, own)| *own == label).map(|(key, _)| *key).collect();
            assert_eq!(viewer.handles(&format!("find {label}")), expected, "{label}");
            for key in expected {
                assert_eq!(&viewer.ask(&format!("label-of {key}")).unwrap(), label);
                viewer.ask(&format!("encrypt {key}")).unwrap_or_else(|rv| panic!("{label} is no use: {rv:#x}"));
            }
        }
        for key in self.destroyed.iter().rev().take(20) {
            assert_eq!(viewer.ask(&format!("label-of {key}")), Err(CKR_OBJECT_HANDLE_INVALID));
        }
    }
}

/// Works with eight threads for some seconds while a ninth logs out and in; tells what was done.
fn threads(shop: &Workshop, seconds: u64) -> String {
    let module = shop.module;
    let stop = AtomicBool::new(false);
    let counts: [AtomicU64; 6] = Default::default();
    let lasting = module.generate(shop.session(), "lasting", true).unwrap();
    let expected = module.encrypt(shop.session(), lasting, b"plaintext").unwrap();
    let supervisor = module.open().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (stop, counts, expected) = (&stop, &counts, &expected);
            scope.spawn(move || {
                let mut numbers = Numbers::of(number);
                let session = module.open().unwrap();
                while !stop.load(Ordering::Relaxed) {
                    match one_deed(module, session, &mut numbers, lasting, expected) {
                        Ok(kind) => counts[kind].fetch_add(1, Ordering::Relaxed),
                        Err(
                            CKR_USER_NOT_LOGGED_IN
                            | CKR_KEY_HANDLE_INVALID
                            | CKR_OBJECT_HANDLE_INVALID
                            | CKR_OPERATION_NOT_INITIALIZED,
                        ) => counts[4].fetch_add(1, Ordering::Relaxed),
                        Err(other) => panic!("thread {number}: {other:#x}"),
                    };
                }
            });
        }
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(15));
            module.logout(supervisor).unwrap();
            std::thread::sleep(Duration::from_millis(1));
            module.login(supervisor, CKU_USER, USER_PIN).unwrap();
            counts[5].fetch_add(1, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(module.encrypt(shop.session(), lasting, b"plaintext").unwrap(), expected);
    let names = ["session keys", "token keys", "encryptions", "searches", "ended by a logout", "logouts"];
    let told = names.iter().zip(counts).map(|(name, count)| format!("{} {name},", count.into_inner()));
    told.collect::<Vec<_>>().join(" ")
}

/// One random deed, checked; which kind it was.
fn one_deed(
    module: Module,
    session: CK_SESSION_HANDLE,
    numbers: &mut Numbers,
    lasting: CK_OBJECT_HANDLE,
    expected: &[u8],
) -> Answer<usize> {
    let kind = [0, 0, 0, 1, 2, 2, 2, 2, 3][numbers.below(9) as usize];
    match kind {
        0 | 1 => {
            let label = format!("{}", numbers.below(u64::MAX));
            let key = module.generate(session, &label, kind == 1)?;
            let data = label.as_bytes();
            let sealed = module.encrypt(session, key, data)?;
            assert_eq!(module.decrypt(session, key, &sealed)?, data);
            expect_found(module, session, &label, key)?;
            module.destroy(session, key)?;
            assert_eq!(module.encrypt(session, key, data), Err(CKR_KEY_HANDLE_INVALID));
        }
        2 => {
            assert_eq!(module.encrypt(session, lasting, b"plaintext")?, expected);
            module.encrypt_init(session, lasting)?;
            let parts = [module.encrypt_update(session, b"plain")?, module.encrypt_update(session, b"text")?];
            assert_eq!([parts.concat(), module.encrypt_final(session)?].concat(), expected);
        }
        _ => expect_found(module, session, "lasting", lasting)?,
    }
    Ok(kind)
}

/// Finds one object, or none at a moment when nobody is logged in.
fn expect_found(module: Module, session: CK_SESSION_HANDLE, label: &str, object: CK_OBJECT_HANDLE) -> Answer<()> {
    match module.find(session, Some(label))?[..] {
        [found] if found == object => Ok(()),
        [] => Err(CKR_USER_NOT_LOGGED_IN),
        ref other => panic!("{label}: {other:?} found, not {object}"),
    }
}

/// The ends of a pipe that children do not inherit.
fn pipe() -> (File, OwnedFd) {
    let mut ends = [0; 2];
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0);
    unsafe { (File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) }
}
