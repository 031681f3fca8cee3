//! What only this engine promises: several processes, crashes, damaged files, permissions.
//!
//! Other processes are this test binary, started again with [`ROLE`] set, so that it runs [`child_process`] only.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use strongroom_crypto::memory::counter::SharedCounter;

use super::SqliteStore;
use crate::store::conformance::{delete, increment, number, pairs, put, suite};
use crate::store::{Aborted, Body, Store, StoreError, Visitor};

suite!(|| Arc::new(Owned::new()));

#[test]
fn a_commit_of_another_instance_is_seen_at_once() {
    let directory = Directory::new();
    let one = SqliteStore::create(&directory.path).unwrap();
    let two = SqliteStore::open(&directory.path, false).unwrap();
    let viewer = SqliteStore::open(&directory.path, true).unwrap();
    for round in 0..200_u64 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let before = (reader.generation(), viewer.generation());
        increment(writer, b"n").unwrap();
        assert_ne!(reader.generation(), before.0);
        assert_ne!(viewer.generation(), before.1);
        assert_eq!((number(reader, b"n"), number(&viewer, b"n")), (round + 1, round + 1));
    }
    assert!(matches!(increment(&viewer, b"n"), Err(Aborted::Store(StoreError::ReadOnly(_)))));
}

#[test]
fn eight_processes_open_and_write_at_once() {
    let directory = Directory::new();
    drop(SqliteStore::create(&directory.path).unwrap());
    for round in 1..=3 {
        // The second and third time there is a log to recover, and files are missing.
        let children: Vec<_> = (0..8).map(|_| spawn("increment 25", &directory.path)).collect();
        children.into_iter().for_each(expect_success);
        let connection = Connection::open(directory.path.join("token.db")).unwrap();
        connection.execute_batch("SELECT count(*) FROM kv").unwrap();
        drop(connection);
        if round == 2 {
            fs::remove_file(directory.path.join("generation")).unwrap();
        }
        let store = SqliteStore::open(&directory.path, false).unwrap();
        assert_eq!(number(&store, b"n"), round * 200);
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_kill() {
    let directory = Directory::new();
    let mut watcher = Cached::new(SqliteStore::create(&directory.path).unwrap());
    for round in 0..12_u64 {
        let mut children: Vec<_> = (0..3).map(|writer| spawn(&format!("write {writer}"), &directory.path)).collect();
        let end = Instant::now() + Duration::from_millis(250 + 17 * round);
        while Instant::now() < end {
            watcher.expect_acknowledged(&directory.path);
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
            watcher.expect_acknowledged(&directory.path);
        }
        let fresh = SqliteStore::open(&directory.path, false).unwrap();
        Cached::new(fresh).expect_acknowledged(&directory.path);
        if round % 4 == 3 {
            // Nobody is left: the next opener recovers.
            drop(watcher);
            watcher = Cached::new(SqliteStore::open(&directory.path, false).unwrap());
            assert_eq!(watcher.store.check().unwrap(), Vec::<String>::new());
        }
    }
    assert!((0..3).all(|writer| acknowledged(&directory.path, writer) > 0), "the children wrote");
}

#[test]
fn a_patient_process_is_not_starved_by_a_busy_one() {
    let directory = Directory::new();
    let store = SqliteStore::create(&directory.path).unwrap();
    let mut children: Vec<_> = (0..2).map(|writer| spawn(&format!("write {writer}"), &directory.path)).collect();
    while (0..2).any(|writer| acknowledged(&directory.path, writer) == 0) {
        thread::sleep(Duration::from_millis(1));
    }
    let slowest = (0..30).map(|_| {
        let start = Instant::now();
        increment(&store, b"n").unwrap();
        start.elapsed()
    });
    let slowest = slowest.max().unwrap();
    children.iter_mut().for_each(|child| child.kill().unwrap());
    children.iter_mut().for_each(|child| assert!(!child.wait().unwrap().success()));
    assert!(slowest < Duration::from_secs(3), "waited for {slowest:?}");
}

#[test]
fn a_writer_that_died_around_its_commit_hides_nothing() {
    let directory = Directory::new();
    let store = SqliteStore::create(&directory.path).unwrap();
    put(&store, b"a", b"1");
    let word = SharedCounter::open(&directory.path.join("generation")).unwrap();
    let settled = store.generation();
    assert_eq!(settled, word.load());
    // As a writer that is killed after its commit: it has told nobody.
    word.store(settled + 1);
    assert_eq!(store.generation(), settled);
    let other = Connection::open(directory.path.join("token.db")).unwrap();
    other.execute("UPDATE kv SET v = ?1 WHERE k = ?2", (b"2", b"a")).unwrap();
    assert_eq!(store.generation(), settled);
    thread::sleep(Duration::from_millis(120));
    store.generation();
    assert_eq!(word.load(), settled + 2, "a reader ended the wait");
    assert_eq!(store.generation(), settled + 2);
    assert_eq!(store.get(b"a").unwrap(), Some(b"2".to_vec()));
    // The next writer goes on from an odd value too.
    word.store(settled + 3);
    put(&store, b"a", b"3");
    assert_eq!(word.load(), settled + 6);
}

#[test]
fn a_late_second_bump_changes_nothing() {
    let directory = Directory::new();
    let store = SqliteStore::create(&directory.path).unwrap();
    let first = store.generation.announce();
    let second = store.generation.announce();
    assert!(first % 2 == 1 && second % 2 == 1 && second > first);
    store.generation.conclude(first);
    let word = SharedCounter::open(&directory.path.join("generation")).unwrap();
    assert_eq!(word.load(), second, "still under way");
    store.generation.conclude(second);
    assert_eq!(word.load(), second + 1);
}

#[test]
fn deleted_and_replaced_values_are_gone_from_the_files() {
    let directory = Directory::new();
    let marker = |index: u32| format!("marker-{index:08}-of-a-key-that-is-to-be-destroyed").into_bytes();
    let store = SqliteStore::create(&directory.path).unwrap();
    let sizes = [1, 10, 100, 300];
    for index in 0..400_u32 {
        let value = marker(index).repeat(sizes[index as usize % 4]);
        put(&store, &index.wrapping_mul(2_654_435_761).to_be_bytes(), &value);
    }
    let gone = |index: u32| !index.is_multiple_of(3);
    for index in (0..400_u32).filter(|index| gone(*index)) {
        let key = index.wrapping_mul(2_654_435_761).to_be_bytes();
        if index % 2 == 0 { delete(&store, &key) } else { put(&store, &key, b"replaced") }
    }
    // While the process lives, at the next commit after the interval; then for good.
    thread::sleep(Duration::from_millis(1100));
    delete(&store, &1_u32.wrapping_mul(2_654_435_761).to_be_bytes());
    assert_eq!(fs::metadata(directory.path.join("token.db-wal")).unwrap().len(), 0);
    // SQLite's rebalancing may have left copies in unused parts of pages.
    store.compact().unwrap();
    drop(store);
    let bytes: Vec<u8> = files(&directory.path).iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let text = String::from_utf8_lossy(&bytes);
    let found = |index: u32| text.contains(std::str::from_utf8(&marker(index)).unwrap());
    let left: Vec<_> = (0..400).filter(|index| gone(*index) && found(*index)).collect();
    assert!(left.is_empty(), "still in the files: {left:?}");
    assert!((0..400).filter(|index| !gone(*index)).all(found), "the test finds what is there");
}

#[test]
fn files_are_private_whatever_the_umask() {
    for umask in ["000", "777", "022"] {
        let directory = Directory::new();
        let direct = child_command("create-and-leave", &directory.path);
        let program = direct.get_program().to_owned();
        let arguments: Vec<_> = direct.get_args().map(ToOwned::to_owned).collect();
        let mut command = child_environment(Command::new("sh"), "create-and-leave", &directory.path);
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        expect_success(command.args(["-c", &script]).arg(program).args(arguments).spawn().unwrap());
        let names: Vec<_> = files(&directory.path);
        for expected in ["token.db", "token.db-wal", "token.db-shm", "generation"] {
            assert!(names.contains(&directory.path.join(expected)), "{expected} in {names:?}");
        }
        for path in names {
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600, "{} under {umask}", path.display());
        }
    }
}

#[test]
fn foreign_files_are_refused_in_words() {
    let with = |prepare: &dyn Fn(&Path)| {
        let directory = Directory::new();
        prepare(&directory.path.join("token.db"));
        let error = SqliteStore::open(&directory.path, false).map(drop).unwrap_err();
        assert!(error.to_string().contains("token.db"), "{error}");
        error
    };
    let sql = |path: &Path, text: &str| Connection::open(path).unwrap().execute_batch(text).unwrap();
    assert!(matches!(with(&|_| ()), StoreError::Io(_)));
    let damaged: [&dyn Fn(&Path); 7] = [
        &|path| fs::write(path, "").unwrap(),
        &|path| fs::write(path, "not a database").unwrap(),
        &|path| fs::write(path, vec![b'x'; 10_000]).unwrap(),
        &|path| sql(path, "CREATE TABLE kv(k, v)"),
        &|path| sql(path, "PRAGMA application_id = 0x5374726d; PRAGMA user_version = 2; CREATE TABLE kv(k, v)"),
        &|path| sql(path, "PRAGMA application_id = 0x5374726d; PRAGMA user_version = 1; CREATE TABLE t(k, v)"),
        &|path| symlink("/dev/null", path).unwrap(),
    ];
    for prepare in damaged {
        let error = with(prepare);
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    }
    let error = with(&|path| sql(path, "PRAGMA application_id = 0x5374726d; PRAGMA user_version = 2"));
    assert!(error.to_string().contains("use a later Strongroom"), "{error}");
    let missing = SqliteStore::open(Path::new("/nonexistent/token"), false).map(drop).unwrap_err();
    assert!(matches!(missing, StoreError::Io(_)));
}

#[test]
fn values_that_are_not_bytes_are_damage() {
    let directory = Directory::new();
    drop(SqliteStore::create(&directory.path).unwrap());
    let other = Connection::open(directory.path.join("token.db")).unwrap();
    other.execute("INSERT INTO kv VALUES(?1, 5)", [b"number"]).unwrap();
    drop(other);
    let store = SqliteStore::open(&directory.path, false).unwrap();
    assert!(matches!(store.get(b"number"), Err(StoreError::Damaged(_))));
    let result = store.transact(&mut |transaction| transaction.get(b"number").map(drop).map_err(Aborted::from));
    assert!(matches!(result, Err(Aborted::Store(StoreError::Damaged(_)))));
    put(&store, b"number", b"bytes");
    assert_eq!(store.get(b"number").unwrap(), Some(b"bytes".to_vec()));
}

#[test]
fn create_does_not_touch_an_existing_token() {
    let directory = Directory::new();
    let store = SqliteStore::create(&directory.path).unwrap();
    put(&store, b"a", b"1");
    assert!(matches!(SqliteStore::create(&directory.path), Err(StoreError::Io(_))));
    assert_eq!(store.get(b"a").unwrap(), Some(b"1".to_vec()));
}

#[test]
fn a_copy_outside_log_mode_is_brought_back() {
    let directory = Directory::new();
    drop(SqliteStore::create(&directory.path).unwrap());
    let other = Connection::open(directory.path.join("token.db")).unwrap();
    other.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).unwrap();
    drop(other);
    let reader = SqliteStore::open(&directory.path, false).unwrap();
    assert_eq!(reader.get(b"a").unwrap(), None);
    let store = SqliteStore::open(&directory.path, false).unwrap();
    put(&store, b"a", b"1");
    assert_eq!(reader.get(b"a").unwrap(), Some(b"1".to_vec()));
    let header = fs::read(directory.path.join("token.db")).unwrap();
    assert_eq!(header[18..20], [2, 2], "WAL mode");
}

#[test]
fn damaged_files_are_errors_or_harmless() {
    let original = Directory::new();
    let store = SqliteStore::create(&original.path).unwrap();
    for index in 0..300_u32 {
        put(&store, &index.to_be_bytes(), &[index as u8; 200]);
    }
    put(&store, b"large", &[9; 20_000]);
    // Copied while open: everything is in the log. Then merged: everything is in the database. Nothing writes.
    let read = |path: PathBuf| (path.file_name().unwrap().to_owned(), fs::read(&path).unwrap());
    let unmerged: Vec<_> = files(&original.path).into_iter().map(read).collect();
    drop(store);
    let merged: Vec<_> = files(&original.path).into_iter().map(read).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    let (mut refused, mut harmless) = (0, 0);
    for (contents, victim) in
        [&unmerged, &merged].into_iter().flat_map(|all| all.iter().map(move |(name, _)| (all, name)))
    {
        for round in 0..24 {
            let copy = Directory::new();
            for (name, bytes) in contents {
                let mut bytes = bytes.clone();
                if name == victim {
                    match round % 4 {
                        0 => bytes.truncate(next(bytes.len())),
                        1 => bytes.iter_mut().take(100).for_each(|byte| *byte = next(256) as u8),
                        _ => (0..1 + round / 2).for_each(|_| {
                            let at = next(bytes.len());
                            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 + next(255) as u8);
                        }),
                    }
                }
                fs::write(copy.path.join(name), bytes).unwrap();
            }
            if use_everything(&copy.path).is_ok() { harmless += 1 } else { refused += 1 }
        }
    }
    assert!(refused >= 10, "{refused} refused, {harmless} harmless");
    assert!(harmless >= 40, "a damaged counter or index is rebuilt: {refused} refused, {harmless} harmless");
}

#[test]
fn read_only_directories_can_be_read() {
    for kept in ["all", "database-and-counter", "database"] {
        let directory = unwritable_directory(|path| {
            for file in files(path) {
                let name = file.file_name().unwrap().to_str().unwrap();
                if kept != "all" && name != "token.db" && !(kept == "database-and-counter" && name == "generation") {
                    fs::remove_file(&file).unwrap();
                }
            }
        });
        expect_success(spawn_without_privileges("read-only", &directory.path));
    }
}

/// Where PINs are not counted, nothing but the medium or its permissions may be the reason.
#[test]
fn what_is_in_the_way_of_a_file_is_no_write_protection() {
    for name in ["generation", "token.db-shm"] {
        let directory = Directory::new();
        drop(SqliteStore::create(&directory.path).unwrap());
        fs::remove_file(directory.path.join(name)).unwrap();
        fs::create_dir(directory.path.join(name)).unwrap();
        let store = SqliteStore::open(&directory.path, false);
        let written = store.map_err(Aborted::from).and_then(|store| increment(&store, b"n"));
        assert!(matches!(written, Err(Aborted::Store(StoreError::Io(_)))), "{name}: {written:?}");
    }
}

#[test]
fn a_log_that_cannot_be_merged_is_not_ignored() {
    let directory = unwritable_directory(|path| {
        fs::remove_file(path.join("token.db-shm")).unwrap();
        fs::write(path.join("token.db-wal"), [1; 100]).unwrap();
    });
    expect_success(spawn_without_privileges("unmerged", &directory.path));
}

/// What the other processes do; an error is a failed test there.
#[test]
#[ignore = "runs in the processes that the other tests start"]
fn child_process() {
    let role = std::env::var(ROLE).expect("started by another test");
    let directory = PathBuf::from(std::env::var_os(PLACE).expect("started by another test"));
    let (role, argument) = role.split_once(' ').unwrap_or((&role, ""));
    match role {
        "increment" => {
            let store = SqliteStore::open(&directory, false).unwrap();
            let count = argument.parse().unwrap();
            (0..count).for_each(|_: u32| increment(&store, b"n").unwrap());
        }
        "write" => write_and_acknowledge(&directory, argument),
        "create-and-leave" => {
            let store = SqliteStore::create(&directory).unwrap();
            increment(&store, b"n").unwrap();
        }
        "read-only" => {
            let store = SqliteStore::open(&directory, false).unwrap();
            assert_eq!((store.get(b"a").unwrap(), pairs(&store, b"", None).len()), (Some(b"1".to_vec()), 1));
            assert_eq!(store.generation(), store.generation());
            let refused = store.transact(&mut |transaction| Ok(transaction.put(b"a", b"2")?));
            assert!(matches!(refused, Err(Aborted::Store(StoreError::ReadOnly(_)))), "{refused:?}");
        }
        "unmerged" => {
            let refused = SqliteStore::open(&directory, false).map(drop);
            assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
        }
        _ => panic!("no such role: {role}"),
    }
}

/// Two threads, so that batches are interrupted too.
fn write_and_acknowledge(directory: &Path, writer: &str) {
    let store = SqliteStore::open(directory, false).unwrap();
    let (store, key) = (&store, format!("writer/{writer}"));
    let start = number(store, key.as_bytes());
    thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                put(store, format!("other/{writer}").as_bytes(), &[7; 600]);
                delete(store, format!("other/{writer}").as_bytes());
            }
        });
        let mut log = OpenOptions::new().create(true).append(true).open(log_of(directory, writer)).unwrap();
        for value in start + 1.. {
            put(store, key.as_bytes(), &value.to_be_bytes());
            log.write_all(&value.to_be_bytes()).unwrap();
        }
    });
}

/// The last value a writer of [`write_and_acknowledge`] knows to be committed.
fn acknowledged(directory: &Path, writer: u32) -> u64 {
    let log = fs::read(log_of(directory, &writer.to_string())).unwrap_or_default();
    log.chunks_exact(8).next_back().map_or(0, |last| u64::from_be_bytes(last.try_into().unwrap()))
}

fn log_of(directory: &Path, writer: &str) -> PathBuf {
    directory.with_extension(format!("{writer}.log"))
}

/// Reads again only when the generation says so, as the floor above does.
struct Cached {
    store: SqliteStore,
    generation: Option<u64>,
    numbers: [u64; 3],
}

impl Cached {
    fn new(store: SqliteStore) -> Self {
        Self { store, generation: None, numbers: [0; 3] }
    }

    fn expect_acknowledged(&mut self, directory: &Path) {
        let at_least = [0, 1, 2].map(|writer| acknowledged(directory, writer));
        let generation = self.store.generation();
        if self.generation != Some(generation) {
            self.numbers = ["writer/0", "writer/1", "writer/2"].map(|key| number(&self.store, key.as_bytes()));
            self.generation = Some(generation);
        }
        for (number, at_least) in self.numbers.iter().zip(at_least) {
            assert!(*number >= at_least, "{number} of {at_least}");
        }
    }
}

fn use_everything(directory: &Path) -> Result<(), StoreError> {
    let store = SqliteStore::open(directory, false)?;
    store.generation();
    let mut count = 0;
    store.scan(b"", None, &mut |_, _| {
        count += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    for index in 0..300_u32 {
        store.get(&index.to_be_bytes())?;
    }
    let written = store.transact(&mut |transaction| {
        transaction.delete(&7_u32.to_be_bytes())?;
        Ok(transaction.put(b"new", &[1; 3000])?)
    });
    if let Err(Aborted::Store(error)) = written {
        return Err(error);
    }
    assert_eq!(store.get(b"new")?.map(|value| value.len()), Some(3000));
    match store.check()?.first() {
        Some(problem) if !problem.contains("open to other users") => Err(StoreError::Damaged(problem.clone())),
        _ => Ok(()),
    }
}

/// A token with one pair, in a directory that its owner may not write.
fn unwritable_directory(prepare: impl Fn(&Path)) -> Directory {
    let directory = Directory::new();
    let store = SqliteStore::create(&directory.path).unwrap();
    put(&store, b"a", b"1");
    drop(store);
    prepare(&directory.path);
    for path in files(&directory.path).iter().chain([&directory.path]) {
        if is_root(&directory.path) {
            chown(path, Some(NOBODY), None).unwrap();
        }
        let mode = if path.is_dir() { 0o500 } else { 0o400 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    directory
}

/// The child as a user whom permissions bind, with a copy of the binary where that user can reach it.
fn spawn_without_privileges(role: &str, directory: &Path) -> Child {
    let mut command = child_command(role, directory);
    if is_root(directory) {
        let program = directory.with_extension("program");
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = child_environment(Command::new(program), role, directory);
        command.args(arguments).uid(NOBODY).current_dir("/");
    }
    // A process that another thread has just forked holds the copy open for writing until it runs its own program.
    loop {
        match command.spawn() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(1));
            }
            child => return child.unwrap(),
        }
    }
}

fn is_root(directory: &Path) -> bool {
    // What this process makes belongs to its user.
    let probe = directory.with_extension("owner");
    fs::write(&probe, "").unwrap();
    fs::metadata(probe).unwrap().uid() == 0
}

fn spawn(role: &str, directory: &Path) -> Child {
    child_command(role, directory).spawn().unwrap()
}

fn child_command(role: &str, directory: &Path) -> Command {
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = child_environment(Command::new(std::env::current_exe().unwrap()), role, directory);
    command.args(["--exact", &format!("{module}::child_process"), "--ignored", "--nocapture"]);
    command
}

fn child_environment(mut command: Command, role: &str, directory: &Path) -> Command {
    command.env(ROLE, role).env(PLACE, directory).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn expect_success(child: Child) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// A private directory, removed with everything beside it that begins with its name.
struct Directory {
    path: PathBuf,
}

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("strongroom-store-{}-{number}", id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Self { path }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::set_permissions(&self.path, Permissions::from_mode(0o700));
        let _ = fs::remove_dir_all(&self.path);
        for extension in ["0.log", "1.log", "2.log", "program", "owner"] {
            let _ = fs::remove_file(self.path.with_extension(extension));
        }
    }
}

/// A store that takes its directory with it.
struct Owned {
    store: SqliteStore,
    _directory: Directory,
}

impl Owned {
    fn new() -> Self {
        let directory = Directory::new();
        Self { store: SqliteStore::create(&directory.path).unwrap(), _directory: directory }
    }
}

impl Store for Owned {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, visit: Visitor<'_>) -> Result<(), StoreError> {
        self.store.scan(prefix, after, visit)
    }

    fn transact(&self, body: Body<'_>) -> Result<(), Aborted> {
        self.store.transact(body)
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

const ROLE: &str = "STRONGROOM_STORE_TEST_ROLE";
const PLACE: &str = "STRONGROOM_STORE_TEST_PLACE";
const NOBODY: u32 = 65_534;
