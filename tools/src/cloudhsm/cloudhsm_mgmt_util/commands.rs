//! The table of commands, and how one is carried out.

use std::ops::RangeInclusive;

use super::shell::say;
use super::{SERVER, Tool, attributes, keys, login, quorum, servers, users};
use crate::cloudhsm::options::number;
use crate::cloudhsm::results::{Refusal, Returned};
use crate::cloudhsm::words::Word;
use crate::text::{one_line, quoted};

/// One command.
pub(super) struct Command {
    /// What is typed, or the beginning of it.
    pub(super) name: &'static str,
    /// The words after it, as the help shows them.
    pub(super) usage: &'static str,
    /// How many these are.
    pub(super) words: RangeInclusive<usize>,
    /// What it does, in a sentence.
    pub(super) description: &'static str,
    /// What the words are.
    pub(super) explained: &'static [(&'static str, &'static str)],
    /// Whether a user must be logged in.
    pub(super) needs_login: bool,
    /// What it does.
    pub(super) run: fn(&mut Tool, &Words<'_>) -> Result<(), Refusal>,
}

/// The words after a command's name.
pub(super) struct Words<'a>(&'a [Word]);

impl<'a> Words<'a> {
    /// The word at this place.
    pub(super) fn text(&self, at: usize) -> Option<&'a str> {
        self.0.get(at).map(|word| word.as_str())
    }

    /// The word at a place where the command has one always.
    pub(super) fn needed(&self, at: usize) -> Result<&'a str, Refusal> {
        self.text(at).ok_or_else(|| Refusal::mistyped("a word is missing"))
    }

    /// The number at such a place.
    ///
    /// # Errors
    /// The command's help, after a line that says what is no number.
    pub(super) fn number(&self, at: usize) -> Result<u64, Refusal> {
        let word = self.needed(at)?;
        number(word).ok_or_else(|| Refusal::misuse(format!("Error: {word} is no number")))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// It did what it was asked for.
    Done,
    /// It did not.
    Refused,
    /// It did not, because nobody could be asked for a password. The next line may be one, so none follows.
    Ended,
}

impl Outcome {
    /// The worse of both.
    pub(super) fn and(self, other: Outcome) -> Outcome {
        self.max(other)
    }
}

/// Carries out the command these words are; no words are none.
pub(super) fn carry_out(tool: &mut Tool, words: &[Word]) -> Outcome {
    let Some((name, words)) = words.split_first() else { return Outcome::Done };
    let command = match named(name) {
        Ok(command) => command,
        Err(problem) => {
            tool.screen.lines(&[problem]);
            return Outcome::Refused;
        }
    };
    if let [only] = words
        && matches!(only.as_str(), "-h" | "--help")
    {
        tool.screen.lines(&help(command));
        return Outcome::Done;
    }
    let result = match command.words.contains(&words.len()) {
        false => Err(Refusal::Mistyped(miscounted(command, words.len()))),
        true if command.needs_login => tool.login().map(|_| ()),
        true => Ok(()),
    };
    match result.and_then(|()| (command.run)(tool, &Words(words))) {
        Ok(()) => Outcome::Done,
        Err(refusal) => {
            tell(tool, command, &refusal);
            if matches!(refusal, Refusal::Unasked(_)) { Outcome::Ended } else { Outcome::Refused }
        }
    }
}

/// Which words are missing, by their names in the usage, or that there are too many. These are not repeated: one may
/// be a password.
fn miscounted(command: &Command, count: usize) -> String {
    // What may be left out stands in brackets, and comes last or is no word of its own.
    let optional = |word: &&str| word.starts_with('[') || word.ends_with(']');
    let needed: Vec<&str> = command.usage.split(' ').filter(|word| !word.is_empty() && !optional(word)).collect();
    match needed.get(count..).unwrap_or_default() {
        [] if command.usage.is_empty() => format!("{} takes no words", command.name),
        [] => format!("{} takes {}, and no more", command.name, command.usage),
        [only] => format!("{only} is missing"),
        [few @ .., last] => format!("{} and {last} are missing", few.join(", ")),
    }
}

/// The command of this name, or the only one whose name begins so.
///
/// # Errors
/// Words for what is none, or may be several.
pub(super) fn named(name: &str) -> Result<&'static Command, String> {
    let begins = |command: &&Command| command.name.get(..name.len()).is_some_and(|it| it.eq_ignore_ascii_case(name));
    let meant: Vec<&'static Command> = all().filter(begins).collect();
    let whole = meant.iter().find(|command| command.name.len() == name.len());
    match (whole, meant.as_slice()) {
        (Some(command), _) => Ok(command),
        (None, [only]) => Ok(only),
        (None, []) => Err(format!("Error: there is no command {}; help lists them", quoted(name))),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|command| command.name).collect();
            Err(format!("Error: {} may be {}", quoted(name), names.join(", ")))
        }
    }
}

/// Prints a refusal, on one line, whatever a file that is wrong holds. What a script looks for goes to standard output,
/// the reason behind it to standard error.
fn tell(tool: &mut Tool, command: &Command, refusal: &Refusal) {
    match refusal {
        Refusal::Misuse(line) => {
            tool.screen.lines(&[one_line(line)]);
            tool.screen.lines(&help(command));
        }
        Refusal::Mistyped(reason) => {
            tool.screen.lines(&help(command));
            say(&format!("Error: {reason}"));
        }
        Refusal::Told => {}
        Refusal::Unasked(text) => tool.screen.lines(&[format!("Error: {text}")]),
        Refusal::Said(text) => tool.screen.lines(&[one_line(text)]),
        Refusal::Returned(returned) => {
            tell_code(tool, command.name, returned);
            if returned.from_hsm {
                tool.screen.lines(&[format!("{} failed on {SERVER}", command.name)]);
            }
        }
    }
}

/// Prints the code of a refusal, and its reason.
pub(super) fn tell_code(tool: &mut Tool, command: &str, returned: &Returned) {
    let text = returned.code.text().unwrap_or("Unknown error");
    tool.screen.lines(&[format!("{command} failed: {text}")]);
    say(&format!("{command}: {}", returned.reason));
}

/// A command's help: what it does, how it is typed, what its words are.
pub(super) fn help(command: &Command) -> Vec<String> {
    let mut lines = vec![
        "Description".to_owned(),
        "===========".to_owned(),
        command.description.to_owned(),
        String::new(),
        format!("Syntax: {} -h", command.name),
        format!("        {} {}", command.name, command.usage).trim_end().to_owned(),
    ];
    if !command.explained.is_empty() {
        lines.push(String::new());
    }
    let width = command.explained.iter().map(|(word, _)| word.len()).max().unwrap_or_default();
    lines.extend(command.explained.iter().enumerate().map(|(at, (word, meaning))| {
        let lead = if at == 0 { "Where:" } else { "" };
        format!("{lead:<8}{word:width$}  {meaning}")
    }));
    lines
}

/// Every command, in the order in which `help` lists them.
pub(super) fn all() -> impl Iterator<Item = &'static Command> {
    [login::COMMANDS, users::COMMANDS, keys::COMMANDS, attributes::COMMANDS, quorum::COMMANDS, servers::COMMANDS]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(typed: &str) -> String {
        named(typed).map_or_else(|problem| problem, |command| command.name.to_owned())
    }

    #[test]
    fn a_name_may_be_shortened_as_far_as_one_is_meant() {
        assert_eq!(name("listU"), "listUsers");
        assert_eq!(name("LOGINHSM"), "loginHSM");
        assert_eq!(name("serv"), "server");
        assert_eq!(name("list"), "Error: \"list\" may be listUsers, listAttributes, listTokens");
        assert_eq!(name("listUsersX"), "Error: there is no command \"listUsersX\"; help lists them");
        assert_eq!(name("\u{e9}"), "Error: there is no command \"\u{e9}\"; help lists them");
    }

    #[test]
    fn what_is_missing_is_named() {
        for (typed, count, reason) in [
            ("createUser", 1, "<user-name> and <password|-hpswd> are missing"),
            ("loginHSM", 0, "<user-type>, <user-name> and <password|-hpswd> are missing"),
            ("loginHSM", 6, "loginHSM takes <user-type> <user-name> <password|-hpswd> [-2fa <file>], and no more"),
            ("getMValue", 0, "<service> is missing"),
            ("getKeyInfo", 0, "<key-handle> is missing"),
            ("listUsers", 1, "listUsers takes no words"),
        ] {
            assert_eq!(miscounted(named(typed).unwrap(), count), reason);
        }
        for command in all() {
            let least = *command.words.start();
            assert!(least == 0 || miscounted(command, least - 1).ends_with(" is missing"), "{}", command.name);
        }
    }

    #[test]
    fn every_name_is_found_and_none_is_another_one() {
        for command in all() {
            assert_eq!(name(command.name), command.name);
            assert_eq!(all().filter(|other| other.name.eq_ignore_ascii_case(command.name)).count(), 1);
        }
    }
}
