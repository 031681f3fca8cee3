//! A line as words, and the arguments of the program.

use std::ffi::OsString;

use zeroize::Zeroizing;

/// A word; wiped when dropped, because it may be a password.
pub(crate) type Word = Zeroizing<String>;

/// The words of a line: spaces separate them, and double quotes keep spaces in one.
///
/// # Errors
/// Words for a line that is too long, or whose quotes do not end.
pub(crate) fn split(line: &str) -> Result<Vec<Word>, String> {
    split_within(line, LINE_BYTES_MAX)
}

/// Whether a line is a remark: a blank may stand before the #.
pub(crate) fn is_remark(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The arguments of the program without its name, which comes first.
///
/// # Errors
/// Words for one that is no text: a name or a password that was changed silently would be another one.
pub(crate) fn of_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Vec<Word>, String> {
    let mut words: Vec<Word> = Vec::new();
    for argument in arguments.into_iter().skip(1) {
        let word = argument.into_string().map_err(|argument| {
            let place = words.len() + 1;
            match words.last() {
                Some(option) if matches!(option.as_str(), "-p" | "--password") => {
                    format!("argument {place}, a password, is no text in UTF-8")
                }
                _ => {
                    let text = argument.as_encoded_bytes().escape_ascii();
                    format!("argument {place} is no text in UTF-8: \"{text}\"")
                }
            }
        })?;
        words.push(Zeroizing::new(word));
    }
    Ok(words)
}

/// The same for a tool whose lines are longer.
///
/// # Errors
/// As [`split`].
pub(crate) fn split_within(line: &str, bytes_max: usize) -> Result<Vec<Word>, String> {
    if line.len() > bytes_max {
        return Err(format!("the line has {} bytes, {bytes_max} are the most", line.len()));
    }
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_with(|| roomy(line));
            }
            ' ' | '\t' | '\r' | '\n' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_with(|| roomy(line)).push(character),
        }
    }
    if quoted {
        return Err("a double quote is not closed".to_owned());
    }
    words.extend(word);
    match words.len() {
        0..=WORDS_MAX => Ok(words),
        count => Err(format!("the line has {count} words, {WORDS_MAX} are the most")),
    }
}

/// The name that was probably meant: the nearest, if few letters make the difference.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let few = word.chars().count() / 3;
    names.map(|name| (distance(word, name), name)).filter(|(distance, _)| *distance <= few).min().map(|(_, name)| name)
}

/// How many letters are to be put in, taken out or changed to make one word of the other, be they large or small.
fn distance(one: &str, other: &str) -> usize {
    let letters = |word: &str| word.chars().map(|letter| letter.to_ascii_lowercase()).collect::<Vec<char>>();
    let (one, other) = (letters(one), letters(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in (1..).zip(&one) {
        let mut next = vec![at];
        for (pair, known) in row.windows(2).zip(&other) {
            let [diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((left + 1).min(above + 1).min(diagonal + usize::from(letter != known)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Room for any word of the line, so that none is moved and leaves a copy behind.
fn roomy(line: &str) -> Word {
    Zeroizing::new(String::with_capacity(line.len()))
}

/// Bytes of a line, as in the tools of CloudHSM.
pub(crate) const LINE_BYTES_MAX: usize = 1400;
/// Words of a line, as in the tools of CloudHSM.
const WORDS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line).unwrap().iter().map(|word| word.to_string()).collect()
    }

    #[test]
    fn spaces_separate_and_quotes_keep() {
        assert_eq!(words("genSymKey  -t 31 -l aes256 "), ["genSymKey", "-t", "31", "-l", "aes256"]);
        assert_eq!(words("-l \"two words\" -id x"), ["-l", "two words", "-id", "x"]);
        assert_eq!(words("-l \"\""), ["-l", ""]);
        assert_eq!(words("a\"b c\"d\te"), ["ab cd", "e"]);
        assert!(words(" \r\n").is_empty());
    }

    #[test]
    fn a_name_with_few_wrong_letters_is_found() {
        let near = |word| nearest(word, ["genSymKey", "genRSAKeyPair", "findKey", "findSingleKey"].into_iter());
        assert_eq!(near("genSimKey"), Some("genSymKey"));
        assert_eq!(near("GENSYMKEYS"), Some("genSymKey"));
        assert_eq!(near("genSymmetricKey"), None);
        assert_eq!(near("fndKey"), Some("findKey"));
        assert_eq!(near("\u{e9}"), None);
        assert_eq!(near(""), None);
        assert_eq!((distance("", "abc"), distance("abc", ""), distance("kitten", "sitting")), (3, 3, 3));
    }

    #[test]
    fn arguments_are_text() {
        use std::os::unix::ffi::OsStringExt;
        let read = |before: &str, last: &[u8]| {
            of_arguments([OsString::from("tool"), OsString::from(before), OsString::from_vec(last.to_vec())])
        };
        assert_eq!(read("scriptfile", b"\xc3\xa9").unwrap()[1].as_str(), "\u{e9}");
        let problem = read("scriptfile", b"a\x1b\xe9\"").unwrap_err();
        assert_eq!(problem, "argument 2 is no text in UTF-8: \"a\\x1b\\xe9\\\"\"");
        assert_eq!(read("-p", b"\xe9").unwrap_err(), "argument 2, a password, is no text in UTF-8");
    }

    #[test]
    fn what_is_too_much_or_not_closed_is_refused() {
        assert!(split("-l \"open").unwrap_err().contains("not closed"));
        assert!(split(&"a ".repeat(100)).is_ok());
        assert_eq!(split(&"a ".repeat(101)).unwrap_err(), "the line has 101 words, 100 are the most");
        assert!(split(&"a".repeat(1400)).is_ok());
        assert_eq!(split(&"a".repeat(1401)).unwrap_err(), "the line has 1401 bytes, 1400 are the most");
    }
}
