//! Foreign text made harmless for a terminal, and for a log of one line per entry.

use std::fmt::{self, Write};

/// Writes text on one line, with every character written out that would move the cursor or hide something.
pub struct OneLine<W>(pub W);

impl<W: Write> Write for OneLine<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for run in text.split_inclusive(|character| !is_harmless(character)) {
            let last = run.chars().next_back().filter(|last| !is_harmless(*last));
            self.0.write_str(run.strip_suffix(|end| Some(end) == last).unwrap_or(run))?;
            if let Some(last) = last {
                write!(self.0, "{}", last.escape_default())?;
            }
        }
        Ok(())
    }
}

/// The text as [`OneLine`] writes it.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    // Writing to a string cannot fail.
    let _ = OneLine(&mut line).write_str(text);
    line
}

/// Direction marks can make a line read as another one, so they are not harmless either.
pub fn is_harmless(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let ends_line = matches!(character, '\u{2028}' | '\u{2029}');
    !character.is_control() && !turns && !ends_line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_safe_from_foreign_text() {
        assert_eq!(one_line("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(one_line("\r\n\t"), "\\r\\n\\t");
        assert_eq!(one_line("Schlüssel \u{202e}x"), "Schlüssel \\u{202e}x");
        assert_eq!(one_line("plain, with a \\n of its own"), "plain, with a \\n of its own");
    }
}
