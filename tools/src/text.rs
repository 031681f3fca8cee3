//! Small forms of text: numbers and bytes as people read them, and foreign strings made harmless for a terminal or a
//! shell.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::str::FromStr;

pub(crate) use strongroom_core::text::{is_harmless, one_line};

/// `bytes` as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Whether all of this is hexadecimal digits as [`parse_hex`] takes them, be their number even or not.
pub(crate) fn is_hex(text: &str) -> bool {
    let mut digits = hex_digits(text).peekable();
    digits.peek().is_some() && digits.all(|digit| digit.is_ascii_hexdigit())
}

fn hex_digits(text: &str) -> impl Iterator<Item = char> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    digits.chars().filter(|digit| *digit != ':')
}

/// The bytes that hexadecimal digits stand for; `0x` before and `:` between bytes are fine.
pub(crate) fn parse_hex(digits: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = hex_digits(digits).collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err("an even number of hexadecimal digits is needed, two for each byte".to_owned());
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let number = pair.iter().try_fold(0, |sum, digit| Some(sum * 16 + digit.to_digit(16)?));
            number
                .and_then(|number| u8::try_from(number).ok())
                .ok_or_else(|| format!("\"{}\" are not hexadecimal digits", pair.iter().collect::<String>()))
        })
        .collect()
}

/// A name that may be typed in capitals.
pub(crate) fn any_case<T: FromStr<Err = String>>(name: &str) -> Result<T, String> {
    name.to_ascii_lowercase().parse()
}

/// Text of several lines or columns, with every other character written out that would move the cursor or hide
/// something.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let stays = |character| matches!(character, '\n' | '\t') || is_harmless(character);
    if text.chars().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match stays(character) {
            true => safe.push(character),
            false => safe.extend(character.escape_default()),
        }
    }
    Cow::Owned(safe)
}

/// JSON that is read as before, and that a terminal shows as it is. What would move the cursor or turn the line can
/// only stand in its strings, where an escape is the same; line ends between its parts stay.
pub(crate) fn json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character == '\n' || is_harmless(character) {
            true => safe.push(character),
            false => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(safe, "\\u{unit:04x}");
                }
            }
        }
    }
    safe
}

/// A label or other stored bytes for a terminal: text where it is text, else hexadecimal digits.
pub(crate) fn stored(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => one_line(text),
        Err(_) => format!("0x{}", hex(bytes)),
    }
}

/// Text in quotation marks, made harmless.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text))
}

/// A path as one word of a suggested command: somebody will paste it into a shell, whoever gave the file its name.
pub(crate) fn shell_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let is_option = bytes.first() == Some(&b'-');
    let word = if is_option { [b"./", bytes].concat() } else { bytes.to_vec() };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./:@%+,".contains(byte);
    match std::str::from_utf8(&word) {
        Ok(text) if !text.is_empty() && word.iter().all(is_plain) => text.to_owned(),
        Ok(text) if text.chars().all(is_harmless) => format!("'{}'", text.replace('\'', r"'\''")),
        // What cannot be shown as it is: bytes in the form that bash and zsh have for them.
        _ => {
            word.iter().fold("$'".to_owned(), |quoted, byte| match is_plain(byte) {
                true => quoted + char::from(*byte).encode_utf8(&mut [0; 4]),
                false => quoted + &format!("\\x{byte:02x}"),
            }) + "'"
        }
    }
}

/// `count` and the noun for it, whose plural ends in "s": "1 key", "3 keys".
pub(crate) fn counted(count: usize, singular: &str) -> String {
    match count {
        1 => format!("1 {singular}"),
        _ => format!("{count} {singular}s"),
    }
}

/// A size in bytes with the unit people use.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut rest = count;
    let mut unit = "bytes";
    for larger in UNITS {
        if rest < 10 * 1024 {
            break;
        }
        rest /= 1024;
        unit = larger;
    }
    format!("{rest} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        assert_eq!(hex(&[0, 0xab, 0x10]), "00ab10");
        assert_eq!(parse_hex("00aB10").unwrap(), [0, 0xab, 0x10]);
        assert_eq!(parse_hex("0x01:02").unwrap(), [1, 2]);
        assert!(parse_hex("").is_err() && parse_hex("0x").is_err());
        assert!(parse_hex("abc").unwrap_err().contains("even number"));
        assert!(parse_hex("zz").unwrap_err().contains("\"zz\""));
        assert!(parse_hex("é0").is_err());
    }

    #[test]
    fn terminals_are_safe_from_labels() {
        assert_eq!(stored("a\u{1b}[2Jb".as_bytes()), "a\\u{1b}[2Jb");
        assert_eq!(quoted("\u{202e}x"), "\"\\u{202e}x\"");
        assert_eq!(stored(b"plain"), "plain");
        assert_eq!(stored(&[0xff, 0]), "0xff00");
        assert_eq!(lines("a\n\tb\r\u{9b}c"), "a\n\tb\\r\\u{9b}c");
    }

    #[test]
    fn json_is_safe_for_terminals_and_says_the_same() {
        let hostile: String = (0..0x2100).chain(0xfff0..0x1_0010).filter_map(char::from_u32).collect();
        let value = serde_json::json!({ "label": hostile, "rows": ["Schl\u{fc}ssel", "\u{1f511}", 1, null] });
        for text in [value.to_string(), format!("{value:#}")] {
            let safe = json(&text);
            assert!(safe.chars().all(|character| character == '\n' || is_harmless(character)), "{safe}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
            assert!(safe.contains("Schl\u{fc}ssel") && safe.contains('\u{1f511}') && safe.contains("\\u202e"));
        }
    }

    #[test]
    fn a_shell_reads_a_path_as_it_is() {
        use std::ffi::OsStr;
        let word = |path: &[u8]| shell_path(Path::new(OsStr::from_bytes(path)));
        assert_eq!(word(b"/srv/ann/key-1.pem"), "/srv/ann/key-1.pem");
        assert_eq!(word(b"a b.pem"), "'a b.pem'");
        assert_eq!(word(b"$(touch x)"), "'$(touch x)'");
        assert_eq!(word(b"it's"), r"'it'\''s'");
        assert_eq!((word(b"~"), word(b"-in"), word(b"")), ("'~'".to_owned(), "./-in".to_owned(), "''".to_owned()));
        assert_eq!(word("schlüssel".as_bytes()), "'schlüssel'");
        assert_eq!(word(b"a\n'b\\"), r"$'a\x0a\x27b\x5c'");
        for path in
            [&b"a b"[..], b"$(touch x)", b"it's", b"`x`;\"y\" &|<>*?[!]{}", b"a\nb\tc", b"\xff1 x", b"-a b", b"\\"]
        {
            let line = format!("printf %s {}", shell_path(Path::new(OsStr::from_bytes(path))));
            let read = std::process::Command::new("bash").args(["-c", &line]).output().unwrap().stdout;
            assert!(read == path || read.strip_prefix(b"./") == Some(path), "{line}");
        }
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!(counted(1, "key"), "1 key");
        assert_eq!(counted(0, "key"), "0 keys");
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(64 * 1024), "64 KiB");
        assert_eq!(bytes(20 << 30), "20 GiB");
    }
}
