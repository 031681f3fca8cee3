//! What is printed: paragraphs with a blank line before each, as the tools of CloudHSM separate them.

use std::io::{self, Write};

use super::results::Code;
use crate::text::lines;

/// Where a tool prints. What would move a terminal's cursor is written out, wherever it comes from.
pub(crate) struct Screen {
    out: Box<dyn Write>,
    trouble: Option<io::Error>,
    /// What could not be printed of keys that were made.
    unsaid: Vec<String>,
}

impl Screen {
    /// Standard output.
    pub(crate) fn standard() -> Screen {
        Screen { out: Box::new(io::stdout()), trouble: None, unsaid: Vec::new() }
    }

    /// Prints lines as they are.
    pub(crate) fn lines<T: AsRef<str>>(&mut self, lines: &[T]) {
        lines.iter().for_each(|line| self.write(&format!("{}\n", line.as_ref())));
    }

    /// Prints lines after a blank one.
    pub(crate) fn paragraph<T: AsRef<str>>(&mut self, lines: &[T]) {
        self.write("\n");
        self.lines(lines);
    }

    /// Prints the line that names a key that was made. Where it cannot be printed, [`Screen::finish`] says it.
    pub(crate) fn made(&mut self, line: &str) {
        self.paragraph(&[format!("\t{line}")]);
        let flushed = self.out.flush();
        self.note(flushed);
        if self.trouble.is_some() {
            self.unsaid.push(line.to_owned());
        }
    }

    /// Prints the line that says what a call of the library returned.
    pub(crate) fn result(&mut self, call: &str, code: Code) {
        self.paragraph(&[result_line(call, code)]);
    }

    /// Prints the status block: what each node returned.
    pub(crate) fn status(&mut self, code: Code) {
        let node = format!("\tNode id 0 and err state 0x{:08x} : {code}", code.number());
        self.paragraph(&["\tCluster Error Status", &node]);
    }

    /// Prints a prompt and waits for nothing.
    pub(crate) fn prompt(&mut self, prompt: &str) {
        self.write(prompt);
        let flushed = self.out.flush();
        self.note(flushed);
    }

    /// Whether all could be printed.
    ///
    /// # Errors
    /// The first failure, with what it kept from being printed of keys that were made: their handles are in no other
    /// place.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed);
        match self.trouble {
            None => Ok(()),
            Some(error) if self.unsaid.is_empty() => Err(error),
            Some(error) => Err(io::Error::new(error.kind(), format!("{error}; it says: {}", self.unsaid.join("; ")))),
        }
    }

    fn write(&mut self, text: &str) {
        let written = self.out.write_all(lines(text).as_bytes());
        self.note(written);
    }

    fn note(&mut self, done: io::Result<()>) {
        if let Err(error) = done {
            self.trouble.get_or_insert(error);
        }
    }
}

/// The line that says what a call of the library returned.
pub(crate) fn result_line(call: &str, code: Code) -> String {
    format!("\t{call} returned: 0x{:02x} : {code}", code.number())
}
