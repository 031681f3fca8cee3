//! The pages of `docs/clients`, and others below `docs` that have commands, executed: a test runs the very commands
//! that a reader copies, so that page and product cannot come apart.
//!
//! A page begins with [`PREFACE`] and has blocks. The first `sh` block names the module and makes the token `first`; it
//! is the same on every page that needs a token, and [`Page::place`] does it for the module under test. All other `sh`
//! blocks run in order in one shell, which stops at the first command that fails. A block in another language whose
//! first line is a comment with a file's name is that file. A `console` block shows commands after `$` and what they
//! print, to the letter. A `text` block is only read.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Place, repository, succeed, tool};
use crate::install::program_file;

/// A page of `docs/clients` or `docs`.
pub(crate) struct Page {
    name: &'static str,
    blocks: Vec<Block>,
}

struct Block {
    /// The heading that the block is under.
    heading: String,
    language: String,
    text: String,
}

impl Page {
    /// Reads `docs/clients/NAME.md`, or else `docs/NAME.md`.
    pub(crate) fn read(name: &'static str) -> Self {
        let path = Self::files().into_iter().find(|path| path.file_stem().is_some_and(|stem| stem == name));
        let path = path.unwrap_or_else(|| panic!("there is no page {name}.md"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}.md: {error}"));
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        let mut heading = "";
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ").filter(|_| !open) {
                heading = title;
            } else if let Some(language) = line.strip_prefix("```") {
                if !open {
                    let (heading, language) = (heading.to_owned(), language.to_owned());
                    blocks.push(Block { heading, language, text: String::new() });
                }
                open = !open;
            } else if let (true, Some(block)) = (open, blocks.last_mut()) {
                let _ = writeln!(block.text, "{line}");
            }
        }
        assert!(!open, "{name}.md ends within a block");
        Self { name, blocks }
    }

    /// The headings with commands under them, but for the first block, in the order of the page.
    pub(crate) fn headings(&self) -> Vec<&str> {
        let blocks = self.commands().filter(|block| block.text != FIRST_BLOCK);
        let mut headings: Vec<&str> = blocks.map(|block| block.heading.as_str()).collect();
        headings.dedup();
        headings
    }

    /// The files of all pages: those of the clients, and whatever else begins as they do.
    pub(crate) fn files() -> Vec<PathBuf> {
        let entries = |directory: &str| std::fs::read_dir(repository().join(directory)).unwrap();
        let clients = entries("docs/clients").map(|entry| entry.unwrap().path());
        let others = entries("docs").map(|entry| entry.unwrap().path());
        let others = others.filter(|path| std::fs::read_to_string(path).is_ok_and(|text| text.contains(PREFACE)));
        clients.chain(others).collect()
    }

    /// The page without what is under a heading: another module than ours has not everything.
    pub(crate) fn without(mut self, heading: &str) -> Self {
        let before = self.blocks.len();
        self.blocks.retain(|block| block.heading != heading);
        assert!(self.blocks.len() < before, "{}.md has nothing under {heading}", self.name);
        self
    }

    /// The commands under a heading.
    pub(crate) fn under(&self, heading: &str) -> String {
        self.commands().filter(|block| block.heading == heading).map(|block| block.text.as_str()).collect()
    }

    /// A place as the page's first block leaves it: with the token `first`.
    pub(crate) fn place(&self) -> Place {
        let first = self.commands().next().unwrap_or_else(|| panic!("{}.md has no commands", self.name));
        assert_eq!(first.text, FIRST_BLOCK, "the first block of {}.md", self.name);
        let place = Place::new(self.name);
        place.pkcs11_tool(["--init-token", "--slot", "0", "--label", "first", "--so-pin", PAGE_SO_PIN]);
        place.pkcs11_tool(
            ["--token-label", "first", "--login", "--login-type", "so", "--so-pin", PAGE_SO_PIN, "--init-pin"]
                .into_iter()
                .chain(["--new-pin", PAGE_PIN]),
        );
        place
    }

    /// Writes the page's files into the place and returns a shell that will run its commands, all but what
    /// [`Page::place`] has done.
    pub(crate) fn shell(&self, place: &Place) -> Command {
        let mut script = String::from("set -eu -o pipefail\n");
        self.write_files(place);
        for block in self.commands().filter(|block| block.text != FIRST_BLOCK) {
            if block.language == "console" {
                script.push_str(&block.comparison());
            } else {
                script.push_str(&block.text);
            }
        }
        place.write("page.sh", script.as_bytes());
        let mut shell = place.command(tool("bash"));
        shell.arg("page.sh");
        shell
    }

    /// Writes the page's files into the place.
    pub(crate) fn write_files(&self, place: &Place) {
        for block in self.blocks.iter().filter(|block| !block.is_shell()) {
            if let Some(name) = block.file_name() {
                place.write(&name, block.text.as_bytes());
            }
        }
    }

    /// Runs the page's commands and returns what they print.
    pub(crate) fn run(&self, place: &Place) -> String {
        succeed(&mut self.shell(place))
    }

    fn commands(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.is_shell())
    }
}

impl Block {
    fn is_shell(&self) -> bool {
        matches!(self.language.as_str(), "sh" | "console")
    }

    /// `// Name.java`, `# name.py`, `; name.cfg`, `/* name.c */`: the file that this block is.
    fn file_name(&self) -> Option<String> {
        let first = self.text.lines().next()?;
        let name = ["// ", "# ", "; ", "/* "].iter().find_map(|mark| first.strip_prefix(mark))?;
        let name = name.trim_end_matches(" */");
        let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
        (plain && name.contains('.')).then(|| name.to_owned())
    }

    /// The commands of a `console` block, each followed by a comparison with what the page says it prints.
    fn comparison(&self) -> String {
        let mut script = String::new();
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no command before: {line}"));
            let mut expected = String::new();
            while let Some(printed) = lines.next_if(|line| !line.starts_with("$ ")) {
                let _ = writeln!(expected, "{printed}");
            }
            let _ = write!(script, "{{ {command}\n}} > page.printed\n");
            let _ = write!(script, "diff - page.printed >&2 <<'END OF PAGE'\n{expected}END OF PAGE\n");
        }
        script
    }
}

/// `pkcs11-tool` with the user of the page's token logged in.
pub(crate) fn as_user<'a>(place: &Place, arguments: impl IntoIterator<Item = &'a str>) -> String {
    place.pkcs11_tool(["--token-label", "first", "--login", "--pin", PAGE_PIN].into_iter().chain(arguments))
}

/// The `PATH` of a reader who has `strongroom` and a Python with PyKCS11: those of this build, and the system's.
pub(crate) fn search_path() -> OsString {
    let python = repository().join("target/python/bin");
    assert!(python.join("python").is_file(), "target/python is missing: run make test-deps");
    let mut path = OsString::from(python);
    let program = program_file();
    for directory in [program.parent().unwrap().as_os_str(), &std::env::var_os("PATH").unwrap()] {
        path.push(":");
        path.push(directory);
    }
    path
}

/// A program or file of this directory.
pub(crate) fn program(name: &str) -> PathBuf {
    repository().join("tests/clients/programs").join(name)
}

/// The user's PIN of the token on the pages.
pub(crate) const PAGE_PIN: &str = "1234-user";
/// The officer's PIN there.
pub(crate) const PAGE_SO_PIN: &str = "5678-officer";

/// What every page says before its commands.
pub(crate) const PREFACE: &str = "
The commands are for an installed Strongroom (`make install`). Without that, say where you ran `make`:
`export STRONGROOM_MODULE=\"$PWD/target/release/libstrongroom.so\" PATH=\"$PWD/target/release:$PATH\"`.
To only try them, say `export STRONGROOM_DIR=\"$(mktemp -d)\"`.
";

/// The first commands of every page that needs a token.
pub(crate) const FIRST_BLOCK: &str = "\
export STRONGROOM_MODULE=\"${STRONGROOM_MODULE:-/usr/local/lib/pkcs11/libstrongroom.so}\"
STRONGROOM_SO_PIN=5678-officer STRONGROOM_PIN=1234-user strongroom token init --label first
";
