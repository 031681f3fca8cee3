//! The table of commands, and how one is carried out.

use strongroom_core::policy::Policy;

use super::modes::say;
use super::{
    Tool, aes_wrap, delete, export, find, handles, import, information, inspect, login, masked, pairs, quorum, share,
    sign, symmetric, wrapping,
};
use crate::cloudhsm::options::{Flags, Options, help};
use crate::cloudhsm::results::{Code, Refusal, Returned};
use crate::cloudhsm::words::{Word, nearest};
use crate::text::one_line;

/// One command.
pub(crate) struct Command {
    /// What is typed.
    pub(crate) name: &'static str,
    /// Under which heading `help` lists it.
    pub(crate) group: &'static str,
    /// The library's name for what it calls, which result lines say.
    pub(crate) call: &'static str,
    /// What it does, in a sentence.
    pub(crate) description: &'static str,
    /// Its options.
    pub(crate) flags: Flags,
    /// Whether a crypto user must be logged in.
    pub(crate) needs_user: bool,
    /// Whether a refusal of the HSM's is followed by the status of the nodes.
    pub(crate) status: bool,
    /// What it does.
    pub(crate) run: fn(&mut Tool, &Options<'_>) -> Result<(), Refusal>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It did what it was asked for.
    Done,
    /// It did not.
    Refused,
    /// It did not, because nobody could be asked for a password. The next line may be one, so none follows.
    Ended,
}

impl Outcome {
    /// The worse of both.
    pub(crate) fn and(self, other: Outcome) -> Outcome {
        self.max(other)
    }
}

/// Carries out the command these words are; no words are none.
pub(crate) fn carry_out(tool: &mut Tool, words: &[Word]) -> Outcome {
    let Some((name, words)) = words.split_first() else { return Outcome::Done };
    // The other two tools are left with `quit`.
    let meant = if name.eq_ignore_ascii_case("quit") { "exit" } else { name.as_str() };
    let Some(command) = all().find(|command| command.name.eq_ignore_ascii_case(meant)) else {
        overview(tool);
        if **name == "help" {
            return Outcome::Done;
        }
        say(&format!("Error: {}", no_command(name)));
        return Outcome::Refused;
    };
    if let [only] = words
        && matches!(only.as_str(), "-h" | "--help")
    {
        tool.screen.paragraph(&help(command.name, command.description, command.flags));
        return Outcome::Done;
    }
    let words = inspect::spelled_out(command.name, words);
    let result = Options::parse(command.flags, &words).and_then(|options| {
        if command.needs_user && tool.link.login().is_none() {
            return Err(Refusal::before(Code::NOT_LOGGED_IN, "loginHSM comes first"));
        }
        (command.run)(tool, &options)
    });
    match result {
        Ok(()) => Outcome::Done,
        Err(refusal) => {
            tell(tool, command, &refusal);
            if matches!(refusal, Refusal::Unasked(_)) { Outcome::Ended } else { Outcome::Refused }
        }
    }
}

/// Prints a refusal, on one line, whatever a file that is wrong holds. What a script looks for goes to standard output,
/// the reason behind it to standard error.
fn tell(tool: &mut Tool, command: &Command, refusal: &Refusal) {
    match refusal {
        Refusal::Misuse(line) => {
            tool.screen.paragraph(&[format!("\t{}", one_line(line))]);
            tool.screen.paragraph(&help(command.name, command.description, command.flags));
        }
        Refusal::Mistyped(reason) => {
            tool.screen.paragraph(&help(command.name, command.description, command.flags));
            say(&format!("Error: {reason}"));
        }
        Refusal::Told => {}
        Refusal::Unasked(text) => tool.screen.paragraph(&[format!("\tError: {text}")]),
        Refusal::Said(text) => tool.screen.paragraph(&[format!("\t{}", one_line(text))]),
        Refusal::Returned(Returned { code, call, reason, from_hsm }) => {
            tool.screen.result(call.unwrap_or(command.call), *code);
            if *from_hsm && command.status {
                tool.screen.status(*code);
            }
            say(&format!("{}: {}", command.name, with_policy(tool, command, *code, reason)));
        }
    }
}

/// What is said of a word that is no command.
fn no_command(name: &str) -> String {
    let meant = nearest(name, all().map(|command| command.name));
    let advice = meant.map_or_else(|| "help lists them".to_owned(), |meant| format!("did you mean {meant}?"));
    format!("there is no command {}; {advice}", one_line(name))
}

/// The reason, and where the policy has a part in it, where policies are explained.
fn with_policy(tool: &Tool, command: &Command, code: Code, reason: &str) -> String {
    match tool.link.policy() {
        Ok(Policy::Strict)
            if code == Code::KEY_FUNCTION && command.group == TRANSPORT && !reason.contains("policy") =>
        {
            format!(
                "{reason}; under the policy strict a key is for data or for other keys, and those made with this tool are \
                 for data: docs/policies.md"
            )
        }
        Ok(Policy::Strict | Policy::Fips) if reason.contains("policy") => format!("{reason}: docs/policies.md"),
        _ => reason.to_owned(),
    }
}

/// Every command, in the order in which `help` lists them.
pub(crate) fn all() -> impl Iterator<Item = &'static Command> {
    [
        login::COMMANDS,
        information::COMMANDS,
        quorum::COMMANDS,
        pairs::COMMANDS,
        symmetric::COMMANDS,
        export::COMMANDS,
        import::COMMANDS,
        wrapping::COMMANDS,
        masked::COMMANDS,
        find::COMMANDS,
        inspect::COMMANDS,
        share::COMMANDS,
        delete::COMMANDS,
        sign::COMMANDS,
        aes_wrap::COMMANDS,
        handles::COMMANDS,
    ]
    .into_iter()
    .flatten()
}

/// Lists the commands, two in a line under their headings.
fn overview(tool: &mut Tool) {
    tool.screen.paragraph(&["Help Commands Available:", "", "Syntax: <command> -h", ""]);
    for group in GROUPS {
        let names: Vec<&str> = all().filter(|command| command.group == *group).map(|command| command.name).collect();
        if names.is_empty() {
            continue;
        }
        tool.screen.paragraph(&[format!("\t{group}")]);
        let rows: Vec<String> = names
            .chunks(2)
            .map(|row| match row {
                [left, right] => format!("\t\t{left:<24}{right}"),
                row => format!("\t\t{}", row.concat()),
            })
            .collect();
        tool.screen.lines(&rows);
    }
}

pub(super) const ADMINISTRATION: &str = "Configuration and Admin Commands";
pub(super) const QUORUM: &str = "M of N commands";
pub(super) const SYMMETRIC: &str = "Key Generation Commands: Symmetric Keys";
pub(super) const ASYMMETRIC: &str = "Key Generation Commands: Asymmetric Keys";
pub(super) const TRANSPORT: &str = "Key Import/Export Commands";
pub(super) const MANAGEMENT: &str = "Key Management Commands";
pub(super) const CRYPTOGRAPHY: &str = "Management Crypto Commands";
pub(super) const HELPERS: &str = "Helper Commands";

/// The headings in their order.
const GROUPS: &[&str] = &[ADMINISTRATION, QUORUM, ASYMMETRIC, SYMMETRIC, TRANSPORT, MANAGEMENT, CRYPTOGRAPHY, HELPERS];
