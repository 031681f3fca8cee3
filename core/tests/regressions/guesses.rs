//! Guesses at PINs: none is answered that was not counted, whatever keeps the store from being written.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::limits::PIN_FAILURES_MAX;
use strongroom_core::object::UserId;
use strongroom_core::seal::Role;
use strongroom_core::session::Session;
use strongroom_core::store::{Aborted, Body, MemoryStore, Store, StoreError, Transaction, Visitor};
use strongroom_core::token::audit::{Entry, Event};
use strongroom_core::token::{Credential, FIRST_OFFICER, Founding, INITIAL_PASSWORD, Login, Token, layout};
use strongroom_crypto::random::System;

use super::fixture::*;
use super::order::*;

const NEW_PIN: &[u8] = b"another-pin";

/// Promise: where the store cannot be written, as on a full disk or while somebody holds its lock, the right PIN and a
/// wrong one get the same answer, in every function that asks for one, and nothing changes.
#[test]
fn who_cannot_be_counted_is_told_nothing() {
    for (what, ask) in ASKED {
        for obstacle in [full, busy, failing] {
            let scene = Scene::new(what);
            let before = read(&*scene.medium.store);
            scene.medium.refuse_after(0, obstacle);
            let [wrong, right] = [WRONG, scene.right].map(|pin| ask(&scene, pin).unwrap_err().to_string());
            assert_eq!(wrong, right, "{what}");
            assert!(read(&*scene.medium.store) == before, "{what}");
        }
    }
}

/// Promise: until it is answered, a wrong PIN has written what a right one has: the same records, in the same lengths.
#[test]
fn right_and_wrong_write_the_same() {
    for (what, ask) in ASKED {
        for failures in [0_u32, 3] {
            let [wrong, right] = [false, true].map(|right| {
                let scene = Scene::new(what);
                (0..failures).for_each(|_| assert!(matches!(ask(&scene, WRONG), Err(Error::PinWrong))));
                scene.medium.written.lock().unwrap().clear();
                let _ = ask(&scene, if right { scene.right } else { WRONG });
                let written = scene.medium.written.lock().unwrap();
                written.first().unwrap().clone()
            });
            assert_eq!(wrong, right, "{what}, after {failures}");
            assert_eq!(wrong.len(), 1, "{what}");
        }
    }
}

/// Promise: a right PIN after a right one is written to the disk as well: SQLite leaves out what is there already.
#[test]
fn a_right_pin_reaches_the_disk() {
    let place = Place::new();
    make_token(&place.0);
    let token = Arc::clone(hsm(&place.0).application(0).unwrap().token());
    let log_in = || token.login(Credential { role: Role::User, name: Some(b"user"), pin: USER_PIN }).map(drop).unwrap();
    let log = || std::fs::metadata(place.0.join("slot-0/token.db-wal")).map_or(0, |log| log.len());
    // The log is emptied now and then.
    let grows = (0..10).any(|_| {
        let before = log();
        log_in();
        log() > before
    });
    assert!(grows);
}

/// Promise: an officer who is locked manages nobody at a session that is open: not himself, nor an officer who could.
#[test]
fn a_locked_officer_makes_no_officer_to_be_unlocked_by() {
    let scene = Scene::new("a login");
    let officer = scene.token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    (0..PIN_FAILURES_MAX).for_each(|_| drop(scene.log_in(Role::Officer, WRONG)));
    let made = scene.token.add_user(&officer, Role::Officer, "puppet", b"puppets-pin");
    assert!(matches!(made, Err(Error::PinLocked)), "{made:?}");
    assert!(matches!(scene.token.unlock(&officer, "so"), Err(Error::PinLocked)));
    assert!(matches!(scene.log_in(Role::Officer, OFFICER_PIN), Err(Error::PinLocked)));
}

/// Promise: a wrong PIN counts also where there is no room for its entry in the log.
#[test]
fn a_wrong_pin_that_cannot_be_logged_is_counted() {
    for (what, ask) in ASKED {
        let scene = Scene::new(what);
        let entries = events(&scene.token).len();
        for _ in 0..scene.failures_max() {
            scene.medium.refuse_after(1, full);
            assert!(matches!(ask(&scene, WRONG), Err(Error::PinWrong)), "{what}");
        }
        scene.medium.allow();
        assert_eq!(events(&scene.token).len(), entries, "{what}");
        assert!(matches!(ask(&scene, scene.right), Err(Error::PinLocked)), "{what}");
    }
}

/// Promise: whoever began to guess in time, and is answered after the last try, learns nothing.
#[test]
fn guesses_under_way_at_the_last_try_are_told_nothing() {
    for (what, ask) in ASKED {
        for right in [false, true] {
            let scene = Scene::new(what);
            let (key, count) = (layout::failures(scene.user), u64::from(scene.failures_max()).to_le_bytes());
            let store = Arc::clone(&scene.medium.store);
            scene.medium.before_next(move || {
                store.transact(&mut |transaction| Ok(transaction.put(&key, &count)?)).unwrap();
            });
            let (entries, pin) = (events(&scene.token).len(), if right { scene.right } else { WRONG });
            assert!(matches!(ask(&scene, pin), Err(Error::PinLocked)), "{what}");
            assert_eq!(scene.medium.store.get(&key).unwrap().unwrap(), count, "{what}");
            assert_eq!(events(&scene.token).len(), entries, "{what}");
        }
    }
}

/// Promise: on a medium that is write-protected there is no count, and PINs work as ever.
#[test]
fn a_write_protected_medium_takes_pins() {
    for (what, ask) in &ASKED[..3] {
        let scene = Scene::new(what);
        scene.medium.refuse_after(0, protected);
        for _ in 0..PIN_FAILURES_MAX + 1 {
            assert!(matches!(ask(&scene, WRONG), Err(Error::PinWrong)), "{what}");
        }
        ask(&scene, scene.right).unwrap();
    }
}

/// Promise: right PINs in any number at once, from any number of processes, are all taken, and lock nobody; of wrong
/// ones beside them each is counted.
#[test]
fn many_logins_at_once_are_all_taken() {
    const EACH: usize = 40;
    let place = Place::new();
    make_token(&place.0);
    let (taken, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let log_in = |token: &Token, pin| token.login(Credential { role: Role::User, name: Some(b"user"), pin }).map(drop);
    std::thread::scope(|scope| {
        for process in 0..8 {
            let (place, taken, wrong, log_in) = (&place, &taken, &wrong, &log_in);
            scope.spawn(move || {
                let hsm = hsm(&place.0);
                let token = Arc::clone(hsm.application(0).unwrap().token());
                for _ in 0..EACH {
                    log_in(&token, USER_PIN).unwrap();
                    taken.fetch_add(1, Ordering::Relaxed);
                }
                // Fewer in all than lock.
                assert!(matches!(log_in(&token, WRONG), Err(Error::PinWrong)), "{process}");
                wrong.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!((taken.into_inner(), wrong.into_inner()), (8 * EACH, 8));
    let hsm = hsm(&place.0);
    let token = Arc::clone(hsm.application(0).unwrap().token());
    assert_eq!(events(&token).iter().filter(|event| **event == Event::PinWrong).count(), 8);
    log_in(&token, USER_PIN).unwrap();
}

/// Promise: on a disk that is full, as anybody can make it with public objects, nobody guesses without being counted.
#[test]
#[ignore = "needs root, to mount a small file system: run with --ignored"]
fn a_full_disk_lets_nobody_guess() {
    let place = Place::new();
    make_token(&place.0);
    let disk = SmallDisk::mount(&place.0.with_extension("disk"));
    assert!(Command::new("cp").arg("-r").args([&place.0.join("slot-0"), &disk.0]).status().unwrap().success());
    let hsm = hsm(&disk.0);
    let session = open(&hsm);
    fill(&session);
    let token = Arc::clone(session.application().token());
    let log_in =
        |name: &str, pin| token.login(Credential { role: Role::User, name: Some(name.as_bytes()), pin }).map(drop);
    // The last pages go for wrong PINs of the attacker's own.
    while matches!(log_in("user", WRONG), Err(Error::PinWrong)) {}
    let mut answered = 0;
    for _ in 0..200 {
        answered += u32::from(matches!(log_in(OTHER, WRONG), Err(Error::PinWrong)));
    }
    let counted = token.users().unwrap().into_iter().find(|user| user.name == OTHER).unwrap().failures;
    assert_eq!(answered, counted);
    // Somebody without the token open yet fares no better.
    let token = Arc::clone(self::hsm(&disk.0).application(0).unwrap().token());
    let right = token.login(Credential { role: Role::User, name: Some(OTHER.as_bytes()), pin: OTHER_PIN }).map(drop);
    assert!(matches!(right, Err(Error::TokenFull(_) | Error::PinLocked)), "{right:?}");
}

/// What a login takes, most of it a commit. `STRONGROOM_MEASURED` is a directory on the disk that is meant.
#[test]
#[ignore = "a measurement: run with --ignored --nocapture"]
#[allow(clippy::print_stdout)] // the figures are the result
fn time_of_a_login() {
    let place = match std::env::var_os("STRONGROOM_MEASURED") {
        Some(parent) => Place(PathBuf::from(parent).join(format!("strongroom-logins-{}", std::process::id()))),
        None => Place::new(),
    };
    std::fs::create_dir_all(&place.0).unwrap();
    make_token(&place.0);
    let token = Arc::clone(hsm(&place.0).application(0).unwrap().token());
    let mut times: Vec<_> = (0..220)
        .map(|_| {
            let begun = Instant::now();
            token.login(Credential { role: Role::User, name: Some(b"user"), pin: USER_PIN }).unwrap();
            begun.elapsed()
        })
        .skip(20)
        .collect();
    times.sort_unstable();
    println!(
        "{}: median {:?}, 9 of 10 within {:?}, longest {:?}",
        place.0.display(),
        times[100],
        times[180],
        times[199]
    );
}

const WRONG: &[u8] = b"a-wrong-pin";

/// Every function that asks for a PIN, with which it is asked.
const ASKED: [(&str, Ask); 6] = [
    ("a login", |scene, pin| scene.log_in(Role::User, pin)),
    ("an officer's login", |scene, pin| scene.log_in(Role::Officer, pin)),
    ("a login for one use", |scene, pin| scene.token.verify_pin(scene.login.as_ref().unwrap(), pin)),
    ("a change of PIN", |scene, pin| scene.token.set_pin(scene.user, pin, NEW_PIN)),
    ("making the token anew", |scene, pin| scene.token.reinitialize(TOKEN_LABEL, pin)),
    ("an activation", |scene, pin| scene.token.set_pin(FIRST_OFFICER, pin, NEW_PIN)),
];

type Ask = fn(&Scene, &[u8]) -> Result<(), Error>;

/// A token whose PIN is asked for, on a medium that can fail.
struct Scene {
    medium: Arc<Medium>,
    token: Token,
    user: UserId,
    login: Option<Login>,
    right: &'static [u8],
}

impl Scene {
    fn new(what: &str) -> Scene {
        let activation = what == "an activation";
        let of_officer = ["an officer's login", "making the token anew"].contains(&what);
        let (founding, pin) = match activation {
            true => (Founding::CloudHsm, None),
            false => (Founding::Plain, Some(OFFICER_PIN)),
        };
        let medium = Arc::<Medium>::default();
        let store = Arc::clone(&medium) as Arc<dyn Store>;
        let token = Token::found(store, Arc::new(System), settings(), founding, TOKEN_LABEL, pin).unwrap();
        if activation {
            return Scene { medium, token, user: FIRST_OFFICER, login: None, right: INITIAL_PASSWORD };
        }
        let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
        token.init_pin(&officer, USER_PIN).unwrap();
        let login = token.login(Credential { role: Role::User, name: None, pin: USER_PIN }).unwrap();
        let (user, right) = if of_officer { (FIRST_OFFICER, OFFICER_PIN) } else { (login.user, USER_PIN) };
        Scene { medium, token, user, login: Some(login), right }
    }

    fn log_in(&self, role: Role, pin: &[u8]) -> Result<(), Error> {
        self.token.login(Credential { role, name: None, pin }).map(drop)
    }

    fn failures_max(&self) -> u32 {
        self.token.meta().unwrap().founding.pin_failures_max()
    }
}

/// A store that refuses transactions when it is told to, and notes what was written in each.
#[derive(Default)]
struct Medium {
    store: Arc<MemoryStore>,
    /// How many more transactions there will be, and how the next one fails.
    obstacle: Mutex<Option<(usize, Failing)>>,
    before_next: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    written: Mutex<Vec<Vec<Written>>>,
}

impl Medium {
    fn refuse_after(&self, transactions: usize, error: Failing) {
        *self.obstacle.lock().unwrap() = Some((transactions, error));
    }

    fn allow(&self) {
        *self.obstacle.lock().unwrap() = None;
    }

    fn before_next(&self, act: impl FnOnce() + Send + 'static) {
        *self.before_next.lock().unwrap() = Some(Box::new(act));
    }
}

impl Store for Medium {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        self.store.scan(prefix, after, visit)
    }

    fn transact(&self, body: Body<'_>) -> Result<(), Aborted> {
        match &mut *self.obstacle.lock().unwrap() {
            Some((0, error)) => return Err(error().into()),
            Some((left, _)) => *left -= 1,
            None => {}
        }
        let act = self.before_next.lock().unwrap().take();
        act.into_iter().for_each(|act| act());
        let mut written = Vec::new();
        let outcome = self.store.transact(&mut |transaction| {
            written.clear();
            body(&mut Noting { transaction, written: &mut written })
        });
        self.written.lock().unwrap().push(written);
        outcome
    }

    fn generation(&self) -> u64 {
        self.store.generation()
    }

    fn compact(&self) -> Result<(), StoreError> {
        self.store.compact()
    }

    fn check(&self) -> Result<Vec<String>, StoreError> {
        self.store.check()
    }
}

type Failing = fn() -> StoreError;

/// The key of a record that was written, and how long it is.
type Written = (Vec<u8>, usize);

/// A transaction that notes which records become others.
struct Noting<'a> {
    transaction: &'a mut dyn Transaction,
    written: &'a mut Vec<Written>,
}

impl Transaction for Noting<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.transaction.get(key)
    }

    fn scan(&mut self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        self.transaction.scan(prefix, after, visit)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        if self.transaction.get(key)?.as_deref() != Some(value) {
            self.written.push((key.to_vec(), value.len()));
        }
        self.transaction.put(key, value)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.written.push((key.to_vec(), 0));
        self.transaction.delete(key)
    }
}

fn full() -> StoreError {
    StoreError::Full("the tub runs over".to_owned())
}

fn busy() -> StoreError {
    StoreError::Busy("somebody is in".to_owned())
}

fn failing() -> StoreError {
    StoreError::Io("the tap drips".to_owned())
}

fn protected() -> StoreError {
    StoreError::ReadOnly("the tab is up".to_owned())
}

fn events(token: &Token) -> Vec<Event> {
    let mut events = Vec::new();
    let visited = token.audit_entries(&mut |_, entry: Result<Entry, Error>| {
        events.push(entry.unwrap().event);
        std::ops::ControlFlow::Continue(())
    });
    visited.unwrap();
    events
}

/// Makes public data objects, without a login, until not one byte more is taken.
fn fill(session: &Session) {
    let class = CKO_DATA.to_ne_bytes();
    let mut bytes = 1 << 17;
    while bytes > 0 {
        let value = vec![7; bytes];
        let data = [(CKA_CLASS, &class[..]), (CKA_TOKEN, TRUE), (CKA_PRIVATE, FALSE), (CKA_VALUE, &value[..])];
        if session.create_object(&template(&data)).is_err() {
            bytes /= 2;
        }
    }
}

/// A file system of one megabyte.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(place: &std::path::Path) -> SmallDisk {
        std::fs::create_dir_all(place).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(place).status();
        assert!(mounted.unwrap().success(), "needs root");
        SmallDisk(place.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}
