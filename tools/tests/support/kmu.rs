//! `key_mgmt_util` on a fresh HSM with the users of the guide's examples.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::{Outcome, PIN, Place};

/// A token whose users 3, 4, 5 and 6 are crypto users.
pub(crate) struct Kmu {
    pub(crate) place: Place,
    program: PathBuf,
}

/// The user who works in the examples: number 3.
pub(crate) const USER: &str = "example_user";

impl Kmu {
    /// The token. All users have the same password.
    pub(crate) fn new() -> Kmu {
        Kmu::with("kdf = \"test\"\n")
    }

    /// The token under this configuration.
    pub(crate) fn with(configuration: &str) -> Kmu {
        let place = Place::new();
        place.configure(configuration);
        place.run(&["token", "init", "--cloudhsm", "--label", "test", "--user", USER]).pins().succeeds();
        for name in ["alice", "bob", "carol"] {
            place.run(&["user", "add", name]).pins().env("STRONGROOM_NEW_PIN", PIN).succeeds();
        }
        Kmu { place, program: PROGRAM.into() }
    }

    /// The same, with the program in an installation whose files are recorded.
    pub(crate) fn installed() -> Kmu {
        let kmu = Kmu::new();
        let program = install(&kmu.place, PROGRAM);
        Kmu { program, ..kmu }
    }

    /// Types these lines at the prompt. Returns what the program said before the first, and then of each.
    pub(crate) fn prompt(&self, lines: &[&str]) -> Vec<String> {
        let outcome =
            self.place.start(self.program.to_str().unwrap(), &[]).input(&format!("{}\n", lines.join("\n"))).outcome();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.out.split("\nCommand: ").map(str::to_owned).collect()
    }

    /// Types these lines at the prompt after a login. Returns what the program said of each.
    pub(crate) fn session(&self, lines: &[&str]) -> Vec<String> {
        self.session_of(USER, lines)
    }

    /// The same for another user.
    pub(crate) fn session_of(&self, user: &str, lines: &[&str]) -> Vec<String> {
        let login = format!("loginHSM -u CU -s {user} -p {PIN}");
        let said = self.prompt(&[&[login.as_str()], lines].concat());
        assert_eq!(said[1], LOGGED_IN);
        said[2..=lines.len() + 1].to_vec()
    }

    /// What the program says of one command after a login.
    pub(crate) fn one(&self, line: &str) -> String {
        self.session(&[line]).remove(0)
    }

    /// The program with one command after the login words.
    pub(crate) fn single(&self, command: &[&str]) -> Outcome {
        let login = ["singlecmd", "loginHSM", "-u", "CU", "-s", USER, "-p", PIN];
        self.start(&[&login, command].concat())
    }

    /// The program with these arguments.
    pub(crate) fn start(&self, arguments: &[&str]) -> Outcome {
        self.place.start(self.program.to_str().unwrap(), arguments).outcome()
    }

    /// A file in the place.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.place.path(name)).unwrap()
    }

    /// The handles of all keys that the user can see.
    pub(crate) fn keys(&self) -> Vec<u64> {
        handles(&self.one("findKey"))
    }
}

/// Makes an installation below `opt`, with this program. Returns where it is there.
pub(crate) fn install(place: &Place, program: &str) -> PathBuf {
    for directory in ["opt/bin", "opt/lib"] {
        fs::create_dir_all(place.path(directory)).unwrap();
    }
    let installed = [program, env!("CARGO_BIN_EXE_strongroom")].map(|program| {
        let to = place.path("opt/bin").join(Path::new(program).file_name().unwrap());
        // By another process: a file that this one has open for writing cannot be run.
        assert!(Command::new("cp").arg(program).arg(&to).status().unwrap().success());
        to
    });
    fs::write(place.path("opt/lib/libstrongroom.so.0"), "the module's bytes").unwrap();
    let [program, strongroom] = installed;
    place.start(strongroom.to_str().unwrap(), &["attest", "make"]).succeeds();
    program
}

/// The handles in the answer of findKey.
pub(crate) fn handles(answer: &str) -> Vec<u64> {
    let list = answer.lines().skip_while(|line| !line.contains("0::")).nth(1).unwrap_or_default();
    list.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// The handle in an answer.
pub(crate) fn handle(answer: &str) -> u64 {
    let (_, after) = answer.split_once("andle: ").unwrap_or_else(|| panic!("no handle in {answer:?}"));
    after.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap()
}

/// The two handles in the answer of a command that makes a pair: public, private.
pub(crate) fn pair(answer: &str) -> (u64, u64) {
    let (before, private) = answer.split_once("private key").unwrap_or_else(|| panic!("no pair in {answer:?}"));
    (handle(before), handle(private))
}

/// The number of the first result line.
pub(crate) fn code(answer: &str) -> &str {
    let (_, after) = answer.split_once(" returned: 0x").unwrap_or_else(|| panic!("no result in {answer:?}"));
    after.split(' ').next().unwrap()
}

/// What the program says of a login.
pub(crate) const LOGGED_IN: &str = "\n\tCfm3LoginHSM returned: 0x00 : HSM Return: SUCCESS\n\n\tCluster Error Status\n\t\
                                    Node id 0 and err state 0x00000000 : HSM Return: SUCCESS\n";

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_key_mgmt_util");
