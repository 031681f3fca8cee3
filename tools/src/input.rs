//! What is typed or comes through a pipe: standard input and files of commands, a line at a time. Lines hold passwords,
//! and the buffer that the standard library has for standard input is never wiped, so it is not used.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use zeroize::{Zeroize, Zeroizing};

/// A line that was typed; wiped when dropped, because it may hold a password.
pub(crate) type Line = Zeroizing<String>;

/// Standard input, without a buffer.
pub(crate) struct Standard;

impl Read for Standard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdin(), buffer)?)
    }
}

/// The lines of an input. What was read is wiped as soon as it was given away.
pub(crate) struct Lines {
    input: Box<dyn Read>,
    /// Bytes of the longest line, without its end.
    bytes_max: usize,
    buffer: Zeroizing<Vec<u8>>,
    /// Where in the buffer those bytes begin that nobody has yet, and where they end.
    start: usize,
    end: usize,
}

impl Lines {
    /// The lines of standard input.
    pub(crate) fn standard(bytes_max: usize) -> Lines {
        Lines::new(Standard, bytes_max)
    }

    /// The lines of a file.
    ///
    /// # Errors
    /// One that cannot be opened.
    pub(crate) fn file(path: impl AsRef<Path>, bytes_max: usize) -> io::Result<Lines> {
        Ok(Lines::new(File::open(path)?, bytes_max))
    }

    fn new(input: impl Read + 'static, bytes_max: usize) -> Lines {
        let buffer = Zeroizing::new(vec![0; BUFFER_BYTES]);
        Lines { input: Box::new(input), bytes_max, buffer, start: 0, end: 0 }
    }

    /// The next line without its end, or words for one that is refused as a whole: it is longer than any, or no text.
    /// Nothing where there are no more.
    ///
    /// # Errors
    /// An input that cannot be read, or that goes on for ever without a line end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<Line, String>>> {
        // Room for all of it at once: a buffer that grows leaves copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(self.bytes_max));
        let mut length = 0;
        loop {
            if self.start == self.end && !self.fill()? {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let unread = self.buffer.get_mut(self.start..self.end).unwrap_or_default();
            let end = unread.iter().position(|byte| *byte == b'\n');
            let (part, _) = unread.split_at_mut(end.unwrap_or(unread.len()));
            length += part.len();
            if length <= self.bytes_max {
                line.extend_from_slice(part);
            }
            self.start += part.len();
            part.zeroize();
            if end.is_some() {
                self.start += 1;
                break;
            }
            if length > DROPPED_BYTES_MAX {
                return Err(io::Error::other(format!("it has more than {DROPPED_BYTES_MAX} bytes without a line end")));
            }
        }
        Ok(Some(if length > self.bytes_max {
            Err(format!("the line has {length} bytes, {} are the most", self.bytes_max))
        } else {
            String::from_utf8(std::mem::take(&mut *line)).map(Zeroizing::new).map_err(|error| {
                error.into_bytes().zeroize();
                "the line is no text in UTF-8".to_owned()
            })
        }))
    }

    /// Reads what there is. Returns whether there is anything.
    fn fill(&mut self) -> io::Result<bool> {
        loop {
            match self.input.read(&mut self.buffer) {
                Ok(count) => {
                    (self.start, self.end) = (0, count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

const BUFFER_BYTES: usize = 8192;
/// As much of one line is read and dropped, before the input is taken for one that has no end.
const DROPPED_BYTES_MAX: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], bytes_max: usize) -> Vec<Result<String, String>> {
        let mut lines = Lines::new(io::Cursor::new(bytes.to_vec()), bytes_max);
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(line.map(|line| line.to_string()));
            assert!(lines.buffer[..lines.start].iter().all(|byte| matches!(byte, 0 | b'\n')), "it is wiped");
        }
        found
    }

    #[test]
    fn lines_end_where_they_end() {
        let said = |lines: &[&str]| lines.iter().map(|line| Ok((*line).to_owned())).collect::<Vec<_>>();
        assert_eq!(all(b"", 9), said(&[]));
        assert_eq!(all(b"\n", 9), said(&[""]));
        assert_eq!(all(b"one\n\ntwo\r\nlast", 9), said(&["one", "", "two\r", "last"]));
        let long = "x".repeat(3 * BUFFER_BYTES);
        assert_eq!(all(format!("{long}\n{long}").as_bytes(), long.len()), said(&[&long, &long]));
    }

    #[test]
    fn a_line_that_is_too_long_or_no_text_is_refused_and_the_next_is_read() {
        let long = "\u{e9}".repeat(BUFFER_BYTES);
        for bytes_max in [10, 11] {
            let found = all(format!("{long}\nnext\n").as_bytes(), bytes_max);
            assert_eq!(
                found,
                [Err(format!("the line has 16384 bytes, {bytes_max} are the most")), Ok("next".to_owned())]
            );
        }
        let found = all(b"a\xffb\nnext\n\xc3", 10);
        assert_eq!(found[0], Err("the line is no text in UTF-8".to_owned()));
        assert_eq!((found[1].clone(), found[2].clone()), (Ok("next".to_owned()), found[0].clone()));
    }

    #[test]
    fn an_input_without_an_end_is_given_up() {
        let mut lines = Lines::new(io::repeat(0), 10);
        assert!(lines.next().unwrap_err().to_string().contains("without a line end"));
    }
}
