//! How the program is started: with a prompt, with one command, with a file of commands.

use std::collections::HashMap;
use std::process::ExitCode;

use super::Tool;
use super::commands::{self, Outcome};
use crate::cloudhsm::link::{Link, fips_mode};
use crate::cloudhsm::passwords::REST_UNREAD;
use crate::cloudhsm::screen::Screen;
use crate::cloudhsm::words::{self, LINE_BYTES_MAX, Word};
use crate::input::{Line, Lines};

/// Runs the tool with the arguments of the process.
pub fn run() -> ExitCode {
    let mut arguments = match words::of_arguments(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(problem) => {
            say(&problem);
            return ExitCode::FAILURE;
        }
    };
    let strict = take(&mut arguments, STRICT) || std::env::var(STRICT_VARIABLE).is_ok_and(|value| value == "1");
    // The name of the program behind the one that the guide's scripts start.
    if arguments.first().is_some_and(|word| **word == "Cfm3Util") {
        arguments.remove(0);
    }
    let mode = arguments.first().map(|word| word.to_string());
    let rest = arguments.get(1..).unwrap_or_default();
    if mode.as_deref() == Some("-v") && rest.is_empty() {
        let mut screen = Screen::standard();
        screen.lines(&[concat!("key_mgmt_util of Strongroom ", env!("CARGO_PKG_VERSION"))]);
        return end(screen, Ok(Outcome::Done), strict);
    }
    if matches!(mode.as_deref(), Some("-h" | "--help")) && rest.is_empty() {
        let mut screen = Screen::standard();
        screen.lines(&FORMS.map(|(form, meaning)| format!("{form:FORM_WIDTH$}  {meaning}").trim_end().to_owned()));
        return end(screen, Ok(Outcome::Done), strict);
    }
    if let (Some(mode @ ("singlecmd" | "scriptfile")), Some(first)) = (mode.as_deref(), rest.first())
        && **first == *STRICT
    {
        say(&format!("{STRICT} stands before {mode}"));
        return ExitCode::FAILURE;
    }
    if !matches!((mode.as_deref(), rest.len()), (None, _) | (Some("singlecmd"), 1..) | (Some("scriptfile"), 1)) {
        say(&format!("it is started as {}", FORMS.map(|(form, _)| form).join(", or ")));
        return ExitCode::FAILURE;
    }
    let link = match Link::open() {
        Ok(link) => link,
        Err(problem) => {
            say(&format!("Daemon socket connection error: {problem}"));
            return ExitCode::FAILURE;
        }
    };
    let input = Lines::standard(LINE_BYTES_MAX);
    let mut tool = Tool { link, screen: Screen::standard(), input, left: false, renumbered: HashMap::new() };
    let outcome = match (mode.as_deref(), rest) {
        (Some("singlecmd"), words) => single(&mut tool, words),
        (Some(_), [file]) => script(&mut tool, file),
        _ => interactive(&mut tool),
    };
    if matches!(outcome, Ok(Outcome::Ended)) {
        say(REST_UNREAD);
    }
    end(tool.screen, outcome, strict)
}

/// What ends the program at once, whatever its exit status means otherwise.
struct Stop;

/// One command, after the words that log in where they are there.
fn single(tool: &mut Tool, words: &[Word]) -> Result<Outcome, Stop> {
    let hidden = words.iter().take(LOGIN_WORDS).any(|word| **word == "-hpswd");
    let count = if hidden { LOGIN_WORDS - 1 } else { LOGIN_WORDS };
    let (login, command) = match words.first() {
        Some(first) if **first == "loginHSM" && words.len() > count => words.split_at(count),
        _ => (&[][..], words),
    };
    if !login.is_empty() && commands::carry_out(tool, login) != Outcome::Done {
        return Err(Stop);
    }
    let outcome = commands::carry_out(tool, command);
    match command.first() {
        // A login with nothing behind it.
        Some(first) if outcome != Outcome::Done && first.eq_ignore_ascii_case("loginHSM") => Err(Stop),
        _ => Ok(outcome),
    }
}

/// The commands of a file, which holds the answers to questions too.
fn script(tool: &mut Tool, file: &str) -> Result<Outcome, Stop> {
    let unreadable = |error| {
        say(&format!("{file} cannot be read: {error}"));
        Stop
    };
    tool.input = Lines::file(file, LINE_BYTES_MAX).map_err(unreadable)?;
    let mut outcome = Outcome::Done;
    while !tool.left && outcome != Outcome::Ended {
        let Some(line) = tool.input.next().map_err(unreadable)? else { break };
        outcome = outcome.and(typed(tool, line));
    }
    Ok(outcome)
}

/// A prompt, and what is typed or comes through a pipe behind it.
fn interactive(tool: &mut Tool) -> Result<Outcome, Stop> {
    let policy = tool.link.policy().map_or(0, fips_mode);
    let session = tool.link.session().handle;
    tool.screen.paragraph(&[
        format!("\tCfm3Initialize() returned app id : {:08x}", std::process::id()),
        String::new(),
        format!("\tsession_handle {session:x}"),
        String::new(),
        format!("\tCurrent FIPS mode is: {policy:08x}"),
    ]);
    let mut outcome = Outcome::Done;
    while !tool.left && outcome != Outcome::Ended {
        tool.screen.prompt("\nCommand: ");
        match tool.input.next() {
            Ok(Some(line)) => outcome = outcome.and(typed(tool, line)),
            Ok(None) => {
                tool.screen.lines(&[""]);
                break;
            }
            Err(error) => {
                say(&format!("standard input cannot be read: {error}"));
                return Err(Stop);
            }
        }
    }
    Ok(outcome)
}

/// A line of commands. Lines that begin with # are remarks.
fn typed(tool: &mut Tool, line: Result<Line, String>) -> Outcome {
    if line.as_ref().is_ok_and(|line| words::is_remark(line)) {
        return Outcome::Done;
    }
    match line.and_then(|line| words::split(&line)) {
        Ok(words) => commands::carry_out(tool, &words),
        Err(problem) => {
            tool.screen.paragraph(&[format!("\tError: {problem}; nothing was done")]);
            Outcome::Refused
        }
    }
}

fn end(screen: Screen, outcome: Result<Outcome, Stop>, strict: bool) -> ExitCode {
    let printed = screen.finish();
    if let Err(error) = &printed {
        say(&format!("the answer cannot be written: {error}"));
    }
    match outcome {
        Ok(Outcome::Done) if printed.is_ok() => ExitCode::SUCCESS,
        Ok(Outcome::Refused) if printed.is_ok() && !strict => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Takes an option of the tool itself out of the arguments, where it stands before the mode.
fn take(arguments: &mut Vec<Word>, name: &str) -> bool {
    let found = arguments.first().is_some_and(|word| **word == *name);
    if found {
        arguments.remove(0);
    }
    found
}

/// Says something to the person, not to the script.
pub(super) fn say(message: &str) {
    use std::io::Write;
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "key_mgmt_util: {}", crate::text::one_line(message));
}

/// The environment variable that makes a refusal the exit status.
const STRICT_VARIABLE: &str = "STRONGROOM_STRICT_EXIT";
/// loginHSM, -u, CU, -s, the name, -p, the password.
const LOGIN_WORDS: usize = 7;
/// The option that does the same.
const STRICT: &str = "--strict-exit";
/// How the program is started, and what it does then.
const FORMS: [(&str, &str); 5] = [
    ("key_mgmt_util [--strict-exit]", "prompts for commands; reads a pipe as well"),
    ("key_mgmt_util [--strict-exit] singlecmd [loginHSM -u CU -s NAME -p PASSWORD|-hpswd] COMMAND", "runs one command"),
    ("key_mgmt_util [--strict-exit] scriptfile FILE", "runs the commands of a file"),
    ("key_mgmt_util -v", "says its version"),
    ("key_mgmt_util -h", "says this"),
];
/// The longest of these.
const FORM_WIDTH: usize = 91;
