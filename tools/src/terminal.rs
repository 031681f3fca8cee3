//! The terminal: secrets asked for without echo, questions, progress of long work.

mod silence;

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::time::{Duration, Instant};

use cryptoki_sys::{CKR_ARGUMENTS_BAD, CKR_FUNCTION_CANCELED, CKR_FUNCTION_FAILED};
use zeroize::Zeroizing;

use crate::failure::Failure;
use silence::Silence;

/// Whether there is a person to ask: standard input is a terminal.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks for a line that is not shown while it is typed.
///
/// # Errors
/// Where the terminal cannot be used, and where the person gives up with Ctrl-C or Ctrl-D.
pub(crate) fn ask_secret(question: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let terminal = open()?;
    // Silence comes first: whoever sees the question may answer it at once.
    let silence = Silence::begin(&terminal).map_err(trouble)?;
    let answer = tell(&terminal, &format!("{question}: ")).and_then(|()| read_line(&terminal));
    drop(silence);
    // The person's Enter was not shown either.
    tell(&terminal, "\n")?;
    answer
}

/// Asks for a line.
///
/// # Errors
/// As [`ask_secret`].
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    let terminal = open()?;
    tell(&terminal, &format!("{question} "))?;
    Ok(String::from_utf8_lossy(&read_line(&terminal)?).trim().to_owned())
}

/// Has the person agree; `yes` is agreement given beforehand.
///
/// # Errors
/// Where the person does not agree, or there is nobody to ask.
pub(crate) fn confirm(yes: bool, question: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !is_interactive() {
        let message =
            format!("standard input is no terminal, so this cannot be asked: {question} Give --yes to go on unasked");
        return Err(Failure::usage(message));
    }
    match ask(&format!("{question} [y/N]"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::refused(CKR_FUNCTION_CANCELED, "not confirmed; nothing was changed")),
    }
}

/// Says something between two questions.
///
/// # Errors
/// Where the terminal cannot be used.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    tell(&open()?, &format!("{line}\n"))
}

/// Shows how far long work is, on standard error where that is a terminal; short work shows nothing.
pub(crate) struct Progress {
    what: &'static str,
    total: usize,
    shown: Cell<Option<Instant>>,
    visible: bool,
}

impl Progress {
    /// Begins work on `total` things.
    pub(crate) fn new(what: &'static str, total: usize) -> Progress {
        let visible = total >= PROGRESS_FROM && std::io::stderr().is_terminal();
        Progress { what, total, shown: Cell::new(None), visible }
    }

    /// `done` things are done.
    pub(crate) fn at(&self, done: usize) {
        if !self.visible || self.shown.get().is_some_and(|shown| shown.elapsed() < PROGRESS_INTERVAL) {
            return;
        }
        self.shown.set(Some(Instant::now()));
        // Progress is a courtesy: a closed standard error is no reason to stop.
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K{}: {done} of {}", self.what, self.total);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.get().is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn open() -> Result<File, Failure> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|error| Failure::io("the terminal", &error))
}

fn tell(mut terminal: &File, text: &str) -> Result<(), Failure> {
    terminal.write_all(text.as_bytes()).map_err(|error| Failure::io("the terminal", &error))
}

/// One line without its end. The buffer is never reallocated, so that no copy of a secret stays behind.
fn read_line(mut terminal: &File) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(vec![0; LINE_BYTES_MAX]);
    let mut length = 0;
    loop {
        let rest = line.get_mut(length..).unwrap_or_default();
        if rest.is_empty() {
            let message = format!("the answer is longer than {LINE_BYTES_MAX} bytes");
            return Err(Failure::refused(CKR_ARGUMENTS_BAD, message));
        }
        let count = terminal.read(rest).map_err(|error| Failure::io("the terminal", &error))?;
        length += count;
        let last = line.get(..length).and_then(<[u8]>::last).copied();
        match (count, last) {
            (0, _) if length == 0 => return Err(given_up()),
            (0, _) => break,
            (_, Some(CTRL_C)) => return Err(given_up()),
            (_, Some(b'\n')) => {
                length -= 1;
                break;
            }
            _ => {}
        }
    }
    line.truncate(length);
    Ok(line)
}

fn given_up() -> Failure {
    Failure::refused(CKR_FUNCTION_CANCELED, "given up at the question; nothing was changed")
}

fn trouble(error: std::io::Error) -> Failure {
    Failure::refused(CKR_FUNCTION_FAILED, format!("the terminal cannot be set up for a secret: {error}"))
}

const CTRL_C: u8 = 3;
/// A line of a terminal is never longer than this.
const LINE_BYTES_MAX: usize = 4096;
/// Fewer things than this are done before anyone wonders.
const PROGRESS_FROM: usize = 1000;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
