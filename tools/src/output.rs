//! What a command answers: text for a person, or one JSON object for a program, on standard output.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::failure::Failure;

/// A command's answer in both forms; only one is printed.
pub(crate) struct Answer {
    /// For people, with its line ends.
    pub(crate) text: String,
    /// For programs: an object with stable snake_case keys.
    pub(crate) json: Value,
    /// Whether something was found wrong, or left out, so that the exit code is 1.
    pub(crate) faulty: bool,
}

impl Answer {
    /// An answer about something that went well.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Answer {
        Answer { text: text.into(), json, faulty: false }
    }

    /// Nothing more to print: the command wrote its answer itself.
    pub(crate) fn written() -> Answer {
        Answer::new("", Value::Null)
    }
}

/// Prints the answer and returns the exit code.
pub(crate) fn print(answer: &Answer, json: bool) -> ExitCode {
    let text = match (json, &answer.json) {
        (_, Value::Null) => return ExitCode::SUCCESS,
        (true, value) => format!("{value}\n"),
        (false, _) => answer.text.clone(),
    };
    match write(text.as_bytes()) {
        Ok(()) => ExitCode::from(u8::from(answer.faulty)),
        Err(failure) => failure.print(json),
    }
}

/// Writes to standard output. A reader who has seen enough is no failure.
///
/// # Errors
/// Anything else, a full disk for example.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::io("the answer cannot be written", &error)),
    }
}

/// Warns on standard error: the command goes on.
pub(crate) fn warn(message: &str, json: bool) {
    let line = match json {
        true => json!({ "warning": { "message": message } }).to_string(),
        false => format!("strongroom: warning: {}", crate::text::one_line(message)),
    };
    // Where standard error is closed there is nobody to warn.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
