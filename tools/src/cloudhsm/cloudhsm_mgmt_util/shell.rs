//! How the program is started, its prompt, and where its lines come from.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;

use zeroize::Zeroizing;

use super::commands::{self, Outcome};
use super::{SERVER, Tool};
use crate::cloudhsm::link::Link;
use crate::cloudhsm::screen::Screen;
use crate::cloudhsm::words::{self, LINE_BYTES_MAX};

/// A line that was typed; wiped when dropped, because it may hold a password.
pub(super) type Line = Zeroizing<String>;

/// Where lines come from: commands, and the answers to questions.
pub(super) enum Input {
    /// Standard input.
    Standard,
    /// A file.
    File(BufReader<File>),
}

impl Input {
    /// The next line; nothing at the end.
    pub(super) fn line(&mut self) -> io::Result<Option<Line>> {
        match self {
            Input::Standard => line(&mut io::stdin().lock()),
            Input::File(file) => line(file),
        }
    }
}

/// Runs the tool with the arguments of the process.
pub fn run() -> ExitCode {
    let start = words::of_arguments(std::env::args_os()).map_err(|problem| failure(&problem));
    let mut start = match start.and_then(|words| Start::of(words.iter().map(|word| word.to_string()))) {
        Ok(start) => start,
        Err(early) => return early,
    };
    start.strict |= std::env::var(STRICT_VARIABLE).is_ok_and(|value| value == "1");
    let input = match &start.file {
        None => Input::Standard,
        Some(path) => match File::open(path) {
            Ok(file) => Input::File(BufReader::new(file)),
            Err(error) => return failure(&format!("{path} cannot be read: {error}")),
        },
    };
    let (link, fresh) = match Link::open_or_found() {
        Ok(opened) => opened,
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
    if fresh {
        if let Some(warning) = tool.link.open_directory() {
            say(&format!("warning: {warning}"));
        }
        say("this is a fresh HSM: log in with 'loginHSM PRECO admin password', then choose a password with changePswd");
    }
    let outcome = all_lines(&mut tool);
    match (outcome, tool.screen.finish()) {
        (_, Err(error)) => failure(&format!("the answer cannot be written: {error}")),
        (Err(error), _) => failure(&format!("commands cannot be read: {error}")),
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
    while !tool.left {
        tool.screen.prompt(if tool.on_server { "server0>" } else { "aws-cloudhsm>" });
        let Some(line) = tool.input.line()? else {
            tool.screen.lines(&[""]);
            break;
        };
        if line.trim_start().starts_with('#') {
            continue;
        }
        outcome = outcome.and(match words::split(&line) {
            Ok(words) => commands::carry_out(tool, &words),
            Err(problem) => {
                tool.screen.lines(&[format!("Error: {problem}; nothing was done")]);
                Outcome::Refused
            }
        });
    }
    Ok(outcome)
}

/// Reads a line. Its buffer has room for all of it at once, so that no copy of a password stays behind.
fn line(input: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Zeroizing::new(String::with_capacity(LINE_BYTES_MAX + 2));
    let read = io::Read::take(&mut *input, LINE_BYTES_MAX as u64 + 1).read_line(&mut line)?;
    if read > LINE_BYTES_MAX && !line.ends_with('\n') {
        // The rest is dropped, and the length is refused.
        input.skip_until(b'\n')?;
    }
    Ok((read > 0).then_some(line))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_to_its_end_whatever_its_length() {
        let text = format!("one\n{}\nlast", "a".repeat(LINE_BYTES_MAX + 100));
        let mut input = text.as_bytes();
        assert_eq!(&*line(&mut input).unwrap().unwrap(), "one\n");
        assert_eq!(line(&mut input).unwrap().unwrap().len(), LINE_BYTES_MAX + 1);
        assert_eq!(&*line(&mut input).unwrap().unwrap(), "last");
        assert!(line(&mut input).unwrap().is_none());
    }
}
