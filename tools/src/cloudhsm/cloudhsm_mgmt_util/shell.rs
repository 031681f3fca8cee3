//! How the program is started, its prompt, and where its lines come from.

use std::io;
use std::process::ExitCode;

use super::commands::{self, Outcome};
use super::{SERVER, Tool};
use crate::cloudhsm::link::Link;
use crate::cloudhsm::passwords::REST_UNREAD;
use crate::cloudhsm::screen::Screen;
use crate::cloudhsm::words::{self, LINE_BYTES_MAX};
use crate::input::Lines;

/// Runs the tool with the arguments of the process.
pub fn run() -> ExitCode {
    let start = words::of_arguments(std::env::args_os()).map_err(|problem| failure(&problem));
    let mut start = match start.and_then(|words| Start::of(words.iter().map(|word| word.to_string()))) {
        Ok(start) => start,
        Err(early) => return early,
    };
    start.strict |= std::env::var(STRICT_VARIABLE).is_ok_and(|value| value == "1");
    let input = match &start.file {
        None => Lines::standard(LINE_BYTES_MAX),
        Some(path) => match Lines::file(path, LINE_BYTES_MAX) {
            Ok(lines) => lines,
            Err(error) => return failure(&format!("{path} cannot be read: {error}")),
        },
    };
    let link = match Link::find() {
        Ok(found) => found,
        Err(problem) => return failure(&problem),
    };
    let mut tool = Tool { link, screen: Screen::standard(), input, on_server: false, left: false };
    tool.screen.lines(&[
        "Connecting to the server(s), it may take time",
        "depending on the server(s) load, please wait...",
        "",
        &format!("Connected to {SERVER}"),
        "",
    ]);
    if tool.link.is_none() {
        say(&Link::absence());
    }
    let outcome = all_lines(&mut tool);
    match (outcome, tool.screen.finish()) {
        (_, Err(error)) => failure(&format!("the answer cannot be written: {error}")),
        (Err(error), _) => failure(&format!("commands cannot be read: {error}")),
        (Ok(Outcome::Ended), _) => failure(REST_UNREAD),
        (Ok(Outcome::Refused), _) if start.strict => ExitCode::FAILURE,
        (Ok(_), _) => ExitCode::SUCCESS,
    }
}

/// How the program was started.
#[derive(Default)]
struct Start {
    strict: bool,
    file: Option<String>,
    configured: bool,
}

impl Start {
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Start, ExitCode> {
        let mut start = Start::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--strict-exit" => start.strict = true,
                "--file" if start.file.is_none() => start.file = Some(arguments.next().ok_or_else(misuse)?),
                "-v" | "--version" => {
                    return Err(told(concat!("cloudhsm_mgmt_util of Strongroom ", env!("CARGO_PKG_VERSION"))));
                }
                "-h" | "--help" => return Err(told(USAGE)),
                // What is in it is about servers and ports, and there are none.
                path if !path.starts_with('-') && !start.configured => start.configured = true,
                _ => return Err(misuse()),
            }
        }
        Ok(start)
    }
}

/// Carries out line after line, up to the last or to `quit`. Lines that begin with # are remarks.
fn all_lines(tool: &mut Tool) -> io::Result<Outcome> {
    let mut outcome = Outcome::Done;
    while !tool.left && outcome != Outcome::Ended {
        tool.screen.prompt(if tool.on_server { "server0>" } else { "aws-cloudhsm>" });
        let Some(line) = tool.input.next()? else {
            tool.screen.lines(&[""]);
            break;
        };
        if line.as_ref().is_ok_and(|line| words::is_remark(line)) {
            continue;
        }
        outcome = outcome.and(match line.and_then(|line| words::split(&line)) {
            Ok(words) => commands::carry_out(tool, &words),
            Err(problem) => {
                tool.screen.lines(&[format!("Error: {problem}; nothing was done")]);
                Outcome::Refused
            }
        });
    }
    Ok(outcome)
}

fn told(text: &str) -> ExitCode {
    let mut screen = Screen::standard();
    screen.lines(&[text]);
    if screen.finish().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn misuse() -> ExitCode {
    failure(USAGE)
}

fn failure(problem: &str) -> ExitCode {
    say(problem);
    ExitCode::FAILURE
}

/// Says something to the person, not to the script.
pub(super) fn say(message: &str) {
    use std::io::Write;
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr().lock(), "cloudhsm_mgmt_util: {}", crate::text::one_line(message));
}

/// The environment variable that makes a refusal the exit status.
const STRICT_VARIABLE: &str = "STRONGROOM_STRICT_EXIT";
const USAGE: &str = "it is started as cloudhsm_mgmt_util [--strict-exit] [--file FILE] [CONFIGFILE]; commands come from \
                     FILE or from standard input, and CONFIGFILE is not read";
