//! A directory of tokens for one test, and the program run on it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// PINs that occur nowhere else, so that finding one in an output is a leak.
pub(crate) const SO_PIN: &str = "officer-4711-zebra";
pub(crate) const PIN: &str = "user-0815-walrus";
pub(crate) const NEW_PIN: &str = "fresh-2357-okapi";

/// A directory that is gone when the test ends.
pub(crate) struct Place {
    root: PathBuf,
}

/// What one run of the program left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// One run of the program, being prepared.
pub(crate) struct Run {
    command: Command,
    input: Vec<u8>,
}

impl Place {
    /// An empty place whose PINs cost nothing.
    pub(crate) fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("strongroom-cli-{}-{count}-{now}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&root).unwrap();
        let place = Place { root };
        place.configure("kdf = \"test\"\n");
        place
    }

    /// A place with one token, its officer and its user.
    pub(crate) fn with_token() -> Place {
        let place = Place::new();
        place.run(&["token", "init", "--label", "test"]).pins().succeeds();
        place
    }

    /// Writes the configuration file.
    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("strongroom.toml"), text).unwrap();
    }

    /// A path in the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory of the tokens.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.path("tokens")
    }

    /// A file with mode 0600.
    pub(crate) fn secret_file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.start(PROGRAM, arguments)
    }

    /// Another program with these arguments, in the place's directory.
    pub(crate) fn start(&self, program: &str, arguments: &[&str]) -> Run {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root);
        self.surround(&mut command);
        Run { command, input: Vec::new() }
    }

    /// The program with these arguments at a terminal: each question is awaited, then answered. Returns the exit code
    /// and all that stood on the terminal.
    pub(crate) fn at_terminal(&self, arguments: &[&str], dialogue: &[(&str, &str)]) -> Outcome {
        self.at_terminal_of(PROGRAM, arguments, dialogue)
    }

    /// The same for another program.
    pub(crate) fn at_terminal_of(&self, program: &str, arguments: &[&str], dialogue: &[(&str, &str)]) -> Outcome {
        let line: Vec<String> = std::iter::once(program)
            .chain(arguments.iter().copied())
            .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
            .collect();
        let mut command = Command::new("script");
        command.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]);
        self.surround(&mut command);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let mut seen = Vec::new();
        for (question, answer) in dialogue {
            let from = seen.len();
            while !String::from_utf8_lossy(&seen[from..]).contains(question) {
                let mut byte = [0];
                let shown = || String::from_utf8_lossy(&seen).into_owned();
                assert_eq!(screen.read(&mut byte).unwrap(), 1, "ended before {question:?}: {}", shown());
                seen.push(byte[0]);
            }
            keyboard.write_all(answer.as_bytes()).unwrap();
            keyboard.flush().unwrap();
        }
        screen.read_to_end(&mut seen).unwrap();
        drop(keyboard);
        let code = child.wait().unwrap().code().unwrap();
        Outcome { code, out: String::from_utf8_lossy(&seen).replace("\r\n", "\n"), err: String::new() }
    }

    fn surround(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("STRONGROOM_") {
                command.env_remove(name);
            }
        }
        command.env("STRONGROOM_DIR", self.tokens()).env("STRONGROOM_CONF", self.path("strongroom.toml"));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Run {
    /// With an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Run {
        self.command.env(name, value);
        self
    }

    /// Without an environment variable.
    pub(crate) fn without(mut self, name: &str) -> Run {
        self.command.env_remove(name);
        self
    }

    /// With the PINs of the officer and the user in the environment.
    pub(crate) fn pins(self) -> Run {
        self.env("STRONGROOM_SO_PIN", SO_PIN).env("STRONGROOM_PIN", PIN)
    }

    /// With this on standard input.
    pub(crate) fn input(mut self, text: &(impl AsRef<[u8]> + ?Sized)) -> Run {
        self.input = text.as_ref().to_vec();
        self
    }

    /// With an argument that need not be text.
    pub(crate) fn argument(mut self, argument: &[u8]) -> Run {
        self.command.arg(OsStr::from_bytes(argument));
        self
    }

    /// Starts it, with pipes to write to and to read from.
    pub(crate) fn spawn(mut self) -> Child {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs it. No PIN may be in what it says, whatever it was asked.
    pub(crate) fn outcome(mut self) -> Outcome {
        let command = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read its input may be gone already.
        let _ = child.stdin.take().unwrap().write_all(&self.input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let outcome =
            Outcome { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) };
        outcome.tells_no_pin();
        outcome
    }

    /// Runs it; it must succeed. Returns standard output.
    pub(crate) fn succeeds(self) -> String {
        let outcome = self.outcome();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.out
    }

    /// Runs it; it must succeed. Returns the bytes on standard output.
    pub(crate) fn bytes(mut self) -> Vec<u8> {
        let output = self.command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs it with `--json`; it must succeed.
    pub(crate) fn json(mut self) -> Value {
        self.command.arg("--json");
        let out = self.succeeds();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Runs it; it must be refused with this exit code, one line, and these words in it.
    pub(crate) fn refused(self, code: i32, words: &[&str]) -> String {
        let outcome = self.outcome();
        assert_eq!(outcome.code, code, "{outcome:?}");
        assert_eq!(outcome.out, "", "{outcome:?}");
        assert!(outcome.err.starts_with("strongroom: "), "{outcome:?}");
        assert_eq!(outcome.err.lines().count(), 1, "{outcome:?}");
        for word in words {
            assert!(outcome.err.contains(word), "no {word:?} in {outcome:?}");
        }
        outcome.err
    }

    /// Runs it with `--json`; it must be refused with this exit code and this code of the standard.
    pub(crate) fn refused_json(mut self, code: i32, rv: &str) -> String {
        self.command.arg("--json");
        let outcome = self.outcome();
        assert_eq!((outcome.code, outcome.out.as_str()), (code, ""), "{outcome:?}");
        let value: Value = serde_json::from_str(&outcome.err).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
        assert_eq!(value["error"]["code"], rv, "{outcome:?}");
        value["error"]["message"].as_str().unwrap().to_owned()
    }
}

impl Outcome {
    /// No PIN is in what was said.
    pub(crate) fn tells_no_pin(&self) {
        for pin in [SO_PIN, PIN, NEW_PIN] {
            assert!(!self.out.contains(pin) && !self.err.contains(pin), "a PIN was told: {self:?}");
        }
    }
}

/// Changes the mode of a file.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_strongroom");
