//! The string in `pReserved` of `C_Initialize`: words `key=value` as NSS passes them to its softoken.
//!
//! `dir='...'` overrides `STRONGROOM_DIR` and `conf='...'` overrides `STRONGROOM_CONF`; other words are for other
//! modules and are ignored. A value may stand in single or double quotes; within them a backslash takes the next byte
//! as it is.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use strongroom_core::error::Error;
use strongroom_core::hsm::Options;

/// The options in a `pReserved` string.
///
/// # Errors
/// `CKR_ARGUMENTS_BAD` for a quote that is not closed.
pub(crate) fn options(string: &[u8]) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut rest = string.trim_ascii_start();
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'=' || byte.is_ascii_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let value = match after.split_first() {
            Some((b'=', after)) => {
                let (value, after) = value(after)?;
                rest = after;
                value
            }
            _ => {
                rest = after;
                Vec::new()
            }
        };
        match key {
            b"dir" if !value.is_empty() => options.dir = Some(path(value)),
            b"conf" if !value.is_empty() => options.conf = Some(path(value)),
            _ => {}
        }
        rest = rest.trim_ascii_start();
    }
    Ok(options)
}

/// The value at the start of `text`, and what follows it.
fn value(text: &[u8]) -> Result<(Vec<u8>, &[u8]), Error> {
    let Some((quote @ (b'\'' | b'"'), mut rest)) = text.split_first() else {
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Ok((value.to_vec(), rest));
    };
    let mut value = Vec::new();
    loop {
        match rest {
            [b'\\', escaped, after @ ..] => {
                value.push(*escaped);
                rest = after;
            }
            [byte, after @ ..] if byte == quote => return Ok((value, after)),
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [] => return Err(Error::Arguments("a quote in pReserved is not closed")),
        }
    }
}

fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Option<String>) {
        let Options { dir, conf, .. } = options(text.as_bytes()).unwrap();
        let text = |path: Option<PathBuf>| path.map(|path| path.to_str().unwrap().to_owned());
        (text(dir), text(conf))
    }

    fn both(dir: &str, conf: &str) -> (Option<String>, Option<String>) {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (text(dir), text(conf))
    }

    #[test]
    fn words_are_found() {
        assert_eq!(read(""), both("", ""));
        assert_eq!(read("dir='/a b' conf=\"/c\""), both("/a b", "/c"));
        assert_eq!(read("  dir=/a\tconf=/c  "), both("/a", "/c"));
        assert_eq!(read("configdir='sql:/x' flags=readOnly dir='/a' secmod='' alone"), both("/a", ""));
        assert_eq!(read(r"dir='/it\'s' conf='\\'"), both("/it's", "\\"));
        assert_eq!(read("mydir='/a' dir="), both("", ""));
        assert_eq!(read("dir='/a'conf='/c'"), both("/a", "/c"));
        assert_eq!(read("= =x dir=/a"), both("/a", ""));
    }

    #[test]
    fn open_quotes_are_refused() {
        for text in ["dir='", "dir='/a", "x=\"'", r"conf='\'"] {
            assert!(options(text.as_bytes()).is_err(), "{text}");
        }
    }
}
