//! What every client test needs: the module's path, a directory of its own, and commands that tell what went wrong.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A token directory with its configuration, removed when the test has passed.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) module: PathBuf,
}

impl Place {
    /// An empty place: no token yet. The cheap key derivation of test tokens is configured.
    pub(crate) fn new(name: &str) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(directory.join("tokens")).expect("create the test directory");
        fs::write(directory.join("strongroom.toml"), "kdf = \"test\"\n").expect("write the configuration");
        let peer = format!("directories.tokendir = {}\n", directory.join("tokens").display());
        fs::write(directory.join("softhsm2.conf"), peer).expect("write the other module's configuration");
        Self { directory, module: module_file() }
    }

    /// A place with one token, labelled `LABEL`, with both PINs set.
    pub(crate) fn with_token(name: &str) -> Self {
        let place = Self::new(name);
        place.pkcs11_tool(["--init-token", "--slot", "0", "--label", LABEL, "--so-pin", SO_PIN]);
        place.pkcs11_tool(
            ["--token-label", LABEL, "--login", "--login-type", "so", "--so-pin", SO_PIN, "--init-pin"]
                .into_iter()
                .chain(["--new-pin", USER_PIN]),
        );
        place
    }

    /// A command that sees this place and nothing of the user's own settings.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("STRONGROOM_DIR", self.directory.join("tokens"))
            .env("STRONGROOM_CONF", self.directory.join("strongroom.toml"))
            .env("STRONGROOM_MODULE", &self.module)
            .env("SOFTHSM2_CONF", self.directory.join("softhsm2.conf"))
            .env("HOME", &self.directory)
            .env("XDG_RUNTIME_DIR", &self.directory)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .env_remove("STRONGROOM_TRACE")
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        if self.is_peer() {
            command.env("STRONGROOM_TEST_PEER", "1");
        }
        command
    }

    /// Whether the tests run against another module than ours.
    pub(crate) fn is_peer(&self) -> bool {
        !self.module.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libstrongroom"))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file of `length_bytes` bytes without a pattern that a block cipher could hide in.
    pub(crate) fn write_data(&self, name: &str, length_bytes: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let data: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(length_bytes)
        .collect();
        self.write(name, &data);
        data
    }

    pub(crate) fn write(&self, name: &str, data: &[u8]) {
        fs::write(self.file(name), data).expect("write a test file");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Runs `pkcs11-tool` with our module; it must succeed.
    pub(crate) fn pkcs11_tool<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        let mut command = self.command(tool("pkcs11-tool"));
        command.arg("--module").arg(&self.module).args(arguments);
        succeed(&mut command)
    }

    /// `pkcs11-tool` with the user logged in to the token.
    pub(crate) fn as_user<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        self.pkcs11_tool(["--token-label", LABEL, "--login", "--pin", USER_PIN].into_iter().chain(arguments))
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

/// Runs a command that must succeed and returns its standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{}", told(command, &output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command that must fail with an exit code (not a signal) and returns all it printed.
pub(crate) fn refuse(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.code().is_some_and(|code| code != 0), "{}", told(command, &output));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// A command and its outcome, for the reader of a failed test.
pub(crate) fn told(command: &Command, output: &Output) -> String {
    format!(
        "{command:?}\n{}\nstandard output:\n{}\nstandard error:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The full path of a tool that `make test-deps` installs.
pub(crate) fn tool(name: &str) -> PathBuf {
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is missing: run make test-deps"))
}

/// A file of a system package that `make test-deps` installs, looked for in the libraries' directories.
pub(crate) fn system_library(relative: &str) -> PathBuf {
    let architecture = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    [architecture.as_str(), "/usr/lib", "/usr/lib64"]
        .iter()
        .map(|directory| Path::new(directory).join(relative))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{relative} is missing: run make test-deps"))
}

/// The repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The directory of cargo's products for this test's profile, such as `target/debug`.
pub(crate) fn build_directory() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this test");
    own.parent().and_then(Path::parent).expect("target/PROFILE/deps").to_path_buf()
}

/// `STRONGROOM_MODULE`, else the module that cargo built for this very test run.
fn module_file() -> PathBuf {
    if let Some(module) = std::env::var_os("STRONGROOM_MODULE") {
        return PathBuf::from(module);
    }
    // `cargo test` writes it beside the test programs; only `cargo build` copies it one level up.
    [build_directory().join("deps/libstrongroom.so"), build_directory().join("libstrongroom.so")]
        .into_iter()
        .find(|path| path.is_file())
        .expect("libstrongroom.so is built with its tests")
}

/// Label of the token in [`Place::with_token`].
pub(crate) const LABEL: &str = "client test";
/// The officer's PIN there.
pub(crate) const SO_PIN: &str = "87654321";
/// The user's PIN there.
pub(crate) const USER_PIN: &str = "12345678";
