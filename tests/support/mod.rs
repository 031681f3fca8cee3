//! What the tests with several processes share: a place for a token, the module as a stranger's program loads it, and
//! workers, which are this test program started again and told what to do line by line.

// Each test program uses a part of it. Every block calls the module as a C program would, with pointers to variables
// that outlive the call.
#![allow(dead_code, clippy::undocumented_unsafe_blocks)]

pub(crate) mod module;
pub(crate) mod worker;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use worker::Worker;

/// A token directory with its configuration, removed when the test has passed.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
}

impl Place {
    /// A place without a token. The cheap key derivation of test tokens is configured.
    pub(crate) fn new(name: &str) -> Place {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let unique = format!("{name}-{}-{number}", std::process::id());
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(unique);
        fs::create_dir_all(directory.join("tokens")).unwrap();
        fs::write(directory.join("strongroom.toml"), "kdf = \"test\"\n").unwrap();
        Place { directory }
    }

    /// A place with one token, in slot 0, with both PINs set.
    pub(crate) fn with_token(name: &str) -> Place {
        let place = Place::new(name);
        let mut maker = place.worker();
        maker.ask("initialize").unwrap();
        maker.ask("init-token").unwrap();
        maker.ask("open").unwrap();
        maker.ask("login-so").unwrap();
        maker.ask(&format!("init-pin {USER_PIN}")).unwrap();
        maker.finish();
        place
    }

    /// A new process.
    pub(crate) fn worker(&self) -> Worker {
        Worker::start(self)
    }

    /// A new process with a session in which the user is logged in.
    pub(crate) fn user(&self) -> Worker {
        let mut worker = self.worker();
        worker.ask("initialize").unwrap();
        worker.ask("open").unwrap();
        worker.ask(&format!("login {USER_PIN}")).unwrap();
        worker
    }

    /// A command that sees this place and nothing of the user's own settings.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("STRONGROOM_DIR", self.directory.join("tokens"))
            .env("STRONGROOM_CONF", self.directory.join("strongroom.toml"))
            .env("STRONGROOM_MODULE", module_file())
            .env("HOME", &self.directory)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("STRONGROOM_TRACE");
        command
    }

    /// The directory of the token's files.
    pub(crate) fn slot(&self) -> PathBuf {
        self.directory.join("tokens/slot-0")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A failed test leaves its place for whoever looks into it.
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// `STRONGROOM_MODULE`, else the module that cargo built for this very test run.
pub(crate) fn module_file() -> PathBuf {
    if let Some(module) = std::env::var_os("STRONGROOM_MODULE") {
        return PathBuf::from(module);
    }
    // `cargo test` writes it beside the test programs; only `cargo build` copies it one level up.
    let own = std::env::current_exe().expect("the path of this test");
    let beside = own.parent().expect("target/PROFILE/deps");
    [beside.join("libstrongroom.so"), beside.join("../libstrongroom.so")]
        .into_iter()
        .find(|path| path.is_file())
        .expect("libstrongroom.so is built with its tests")
}

/// Numbers that depend on the seed only: a failed run can be repeated as far as the processes' timing can.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn of(seed: u64) -> Numbers {
        Numbers(seed)
    }

    /// A new seed, or `STRONGROOM_TEST_SEED`.
    pub(crate) fn seed() -> u64 {
        let given = std::env::var("STRONGROOM_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        given.unwrap_or_else(|| u64::from_le_bytes(strongroom_crypto::random::bytes().unwrap()) >> 16)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// The officer's PIN of [`Place::with_token`].
pub(crate) const SO_PIN: &str = "officer-pin";
/// The user's PIN there.
pub(crate) const USER_PIN: &str = "user-pin";
