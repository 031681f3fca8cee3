//! PEM (RFC 7468): binary structures as text between a first and a last line that name them.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// One structure in a text.
pub(crate) struct Block<'a> {
    /// What the first line names: "PRIVATE KEY", "CERTIFICATE".
    pub(crate) label: &'a str,
    body: &'a str,
}

/// The structures in a text, in their order. Lines around them are explanations.
///
/// # Errors
/// Words for a structure that does not end.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let Some((label, after)) = after.split_once(DASHES) else { break };
        let end = format!("{END}{label}{DASHES}");
        let Some((body, after)) = after.split_once(&end) else {
            return Err(format!("the line \"{}\" is missing", crate::text::one_line(&end)));
        };
        blocks.push(Block { label, body });
        rest = after;
    }
    Ok(blocks)
}

impl Block<'_> {
    /// Whether a header says that the structure is encrypted (RFC 1421 §4.6.1.1), as old private keys have it.
    pub(crate) fn is_encrypted(&self) -> bool {
        let is = |line: &str| line.strip_prefix("Proc-Type:").is_some_and(|kind| kind.contains("ENCRYPTED"));
        self.body.lines().any(is)
    }

    /// The structure.
    ///
    /// # Errors
    /// Words for what is no base64.
    pub(crate) fn decode(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut digits = Zeroizing::new(Vec::with_capacity(self.body.len()));
        digits.extend(self.body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
        let mut bytes = Zeroizing::new(vec![0; digits.len()]);
        let length = Base64::decode(&*digits, &mut bytes).map(<[u8]>::len);
        bytes.truncate(length.map_err(|_| "the lines between the first and the last are no base64".to_owned())?);
        Ok(bytes)
    }
}

/// A structure that is not secret as PEM.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    encode_secret(label, bytes).to_string()
}

/// A secret structure as PEM. The text is never reallocated, so that no copy stays behind.
pub(crate) fn encode_secret(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let digits = Zeroizing::new(Base64::encode_string(bytes));
    let frame = BEGIN.len() + END.len() + 2 * (label.len() + DASHES.len()) + 3;
    let mut text = Zeroizing::new(String::with_capacity(frame + digits.len() + digits.len() / LINE));
    for part in [BEGIN, label, DASHES, "\n"] {
        text.push_str(part);
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % LINE == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    for part in ["\n", END, label, DASHES, "\n"] {
        text.push_str(part);
    }
    text
}

/// How the first line begins.
pub(crate) const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// Digits in a line.
const LINE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_both_ways() {
        for length in [0, 1, 47, 48, 49, 200] {
            let bytes: Vec<u8> = (0..length).collect();
            let text = format!("Bag Attributes: x\n{}\nmore", encode("PUBLIC KEY", &bytes));
            let blocks = blocks(&text).unwrap();
            assert_eq!((blocks.len(), blocks[0].label), (1, "PUBLIC KEY"));
            assert_eq!(*blocks[0].decode().unwrap(), bytes);
            assert!(text.lines().all(|line| line.len() <= LINE));
        }
    }

    #[test]
    fn several_are_told_apart_and_line_ends_may_be_of_any_kind() {
        let text = "-----BEGIN A-----\r\nAQI=\r\n-----END A-----\r\n-----BEGIN B-----\nAw==\n-----END B-----";
        let found = blocks(text).unwrap();
        let read: Vec<(&str, Vec<u8>)> =
            found.iter().map(|block| (block.label, block.decode().unwrap().to_vec())).collect();
        assert_eq!(read, [("A", vec![1, 2]), ("B", vec![3])]);
    }

    #[test]
    fn old_keys_say_in_a_header_that_they_are_encrypted() {
        let text = |header| format!("-----BEGIN A-----\n{header}AQI=\n-----END A-----\n");
        let encrypted = |header| blocks(&text(header)).unwrap()[0].is_encrypted();
        assert!(encrypted("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n"));
        assert!(!encrypted("") && !encrypted("Proc-Type: 4,MIC-CLEAR\n\n"));
    }

    #[test]
    fn what_is_broken_is_said() {
        assert!(blocks("-----BEGIN A-----\nAQI=\n").err().unwrap().contains("-----END A-----"));
        assert!(blocks("-----BEGIN A-----\nA QI\n-----END A-----").unwrap()[0].decode().is_err());
        assert!(blocks("").unwrap().is_empty());
    }
}
