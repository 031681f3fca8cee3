//! What a command answers: text for a person, or one JSON object for a program, on standard output; or a file.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use cryptoki_sys::CKR_ACTION_PROHIBITED;
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
        (true, value) => format!("{}\n", crate::text::json(&value.to_string())),
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
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::io("the answer cannot be written", &error)),
    }
}

/// Writes a file that is new, for `--out`: never over another one, which may be the only copy of a key. After a failure
/// nothing is left of it that could be taken for a whole one.
///
/// # Errors
/// A file that is there already; a disk that is full, for example.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<(), Failure> {
    write_new_with(path, |file| file.write_all(content).and_then(|()| file.sync_all()))
}

fn write_new_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), Failure> {
    let name = path.display();
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let message = format!("{name} is there already; name another file, or remove it first");
            Failure::refused(CKR_ACTION_PROHIBITED, message)
        }
        _ => Failure::io(&format!("{name} cannot be written"), &error),
    })?;
    write(&mut file).map_err(|error| {
        let failure = Failure::io(&format!("{name} cannot be written"), &error);
        match std::fs::remove_file(path) {
            Ok(()) => failure,
            Err(error) => failure.advise(&format!("remove it, only a part is in it ({error})")),
        }
    })
}

/// Warns on standard error: the command goes on.
pub(crate) fn warn(message: &str, json: bool) {
    let line = match json {
        true => crate::text::json(&json!({ "warning": { "message": message } }).to_string()),
        false => format!("strongroom: warning: {}", crate::text::one_line(message)),
    };
    // Where standard error is closed there is nobody to warn.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path in the system's directory for temporary files where nothing is.
    fn nowhere(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("strongroom-output-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    #[test]
    fn a_file_is_written_as_a_whole_or_not_at_all() {
        let path = nowhere("whole");
        let failed = write_new_with(&path, |file| {
            file.write_all(b"the first half")?;
            Err(ErrorKind::StorageFull.into())
        });
        let message = failed.unwrap_err().message().to_owned();
        assert!(message.starts_with(&format!("{} cannot be written: ", path.display())), "{message}");
        assert!(!path.exists(), "a part of the file is left");
        write_new(&path, b"all of it").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
        assert!(write_new(&path, b"other").unwrap_err().message().contains("is there already"));
        assert_eq!(std::fs::read(&path).unwrap(), b"all of it", "another file is left alone");
        std::fs::remove_file(&path).unwrap();
    }
}
