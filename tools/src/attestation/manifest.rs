//! The form of a manifest and of a pinned key. One field is parted from the next by a tab:
//!
//! ```text
//! strongroom attestation 1
//! file  8237464  5f70...e2ab  bin/strongroom
//! link  libstrongroom.so.0  lib/libstrongroom.so
//! signature  (base64)
//! ```
//!
//! The signature is Ed25519 over all lines before its own. Entries are sorted by path.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use strongroom_crypto::sign::{self, PUBLIC_LEN, SIGNATURE_LEN, SigningKey};

use super::{Fault, MODULES};

/// What is installed, by path from the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) entries: BTreeMap<String, Entry>,
}

/// One thing that is installed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file: its bytes, and their SHA-256 in hexadecimal digits as `sha256sum` prints it.
    File { length: u64, sha256: String },
    /// A symbolic link.
    Link { target: String },
}

/// Why a text is no manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Form,
    Signature,
}

impl Manifest {
    /// The text with its signature.
    pub(super) fn sign(&self, key: &SigningKey) -> Result<String, strongroom_crypto::Error> {
        let mut text = self.text();
        let signature = Base64::encode_string(&key.sign(&[text.as_bytes()])?);
        text.push_str(&format!("{SIGNATURE}{signature}\n"));
        Ok(text)
    }

    /// Checks the signature, and only then reads what is signed.
    pub(super) fn open(text: &str, key: &[u8; PUBLIC_LEN]) -> Result<Manifest, Refusal> {
        let start = text.rfind(SIGNATURE).ok_or(Refusal::Form)?;
        let (signed, last) = text.split_at_checked(start).ok_or(Refusal::Form)?;
        let signature = last.strip_prefix(SIGNATURE).and_then(|last| last.strip_suffix('\n')).ok_or(Refusal::Form)?;
        let signature = fixed::<SIGNATURE_LEN>(signature).ok_or(Refusal::Form)?;
        sign::verify(key, &[signed.as_bytes()], &signature).map_err(|_| Refusal::Signature)?;
        Manifest::parse(signed).ok_or(Refusal::Form)
    }

    /// Whether the module is among the files.
    pub(super) fn has_module(&self) -> bool {
        let is_module = |name: &str| Path::new(name).file_name().is_some_and(|name| MODULES.iter().any(|m| name == *m));
        self.entries.iter().any(|(name, entry)| matches!(entry, Entry::File { .. }) && is_module(name))
    }

    fn text(&self) -> String {
        let mut text = format!("{TITLE}\n");
        for (name, entry) in &self.entries {
            // Writing to a String does not fail.
            let _ = match entry {
                Entry::File { length, sha256 } => writeln!(text, "file\t{length}\t{sha256}\t{name}"),
                Entry::Link { target } => writeln!(text, "link\t{target}\t{name}"),
            };
        }
        text
    }

    fn parse(text: &str) -> Option<Manifest> {
        let mut lines = text.lines();
        lines.next().filter(|line| *line == TITLE)?;
        let entries = lines.map(parse_entry).collect::<Option<BTreeMap<_, _>>>()?;
        let manifest = Manifest { entries };
        // Twice the same path, another order, other line ends: not what was written here.
        (manifest.text() == text).then_some(manifest)
    }
}

impl Entry {
    /// How what is found at a path differs from what was signed.
    pub(super) fn difference(&self, found: &Entry, path: PathBuf) -> Option<Fault> {
        match (self, found) {
            (signed, found) if signed == found => None,
            (Entry::File { length: signed, .. }, Entry::File { length: found, .. }) if signed != found => {
                Some(Fault::Length { path, signed: *signed, found: *found })
            }
            (Entry::File { .. }, Entry::File { .. }) => Some(Fault::Content(path)),
            (Entry::Link { target: signed }, Entry::Link { target: found }) => {
                Some(Fault::Target { path, signed: signed.clone(), found: found.clone() })
            }
            (signed, found) => Some(Fault::Kind(path, signed.kind(), found.kind())),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Entry::File { .. } => "file",
            Entry::Link { .. } => "link",
        }
    }
}

/// Whether a name can stand in a manifest.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_control)
}

/// The text of a pinned key.
pub(super) fn pin(key: &[u8; PUBLIC_LEN]) -> String {
    format!("{PIN}{}\n", Base64::encode_string(key))
}

/// A pinned key.
pub(super) fn parse_pin(text: &str) -> Option<[u8; PUBLIC_LEN]> {
    fixed(text.strip_prefix(PIN)?.strip_suffix('\n')?)
}

fn parse_entry(line: &str) -> Option<(String, Entry)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let (name, entry) = match fields[..] {
        ["file", length, sha256, name] => {
            (name, Entry::File { length: length.parse().ok()?, sha256: sha256.to_owned() })
        }
        ["link", target, name] => (name, Entry::Link { target: target.to_owned() }),
        _ => return None,
    };
    Some((name.to_owned(), entry))
}

fn fixed<const N: usize>(base64: &str) -> Option<[u8; N]> {
    Base64::decode_vec(base64).ok()?.try_into().ok()
}

const TITLE: &str = "strongroom attestation 1";
const SIGNATURE: &str = "signature\t";
const PIN: &str = "strongroom attestation key 1\t";

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let file = |length| Entry::File { length, sha256: "00ff".repeat(16) };
        let link = Entry::Link { target: "libstrongroom.so.0".to_owned() };
        let entries = [
            ("bin/strongroom".to_owned(), file(7)),
            ("lib/libstrongroom.so.0".to_owned(), file(9)),
            ("lib/libstrongroom.so".to_owned(), link),
        ];
        Manifest { entries: entries.into() }
    }

    fn key() -> SigningKey {
        SigningKey::from_seed(&[7; 32]).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let key = key();
        let text = manifest().sign(&key).unwrap();
        assert!(text.starts_with("strongroom attestation 1\nfile\t7\t00ff"), "{text}");
        assert_eq!(Manifest::open(&text, &key.verifying_key()), Ok(manifest()));
        assert!(manifest().has_module());
        assert_eq!(parse_pin(&pin(&key.verifying_key())), Some(key.verifying_key()));
    }

    #[test]
    fn any_changed_byte_is_refused() {
        let key = key();
        let text = manifest().sign(&key).unwrap();
        for place in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[place] ^= 1;
            let changed = String::from_utf8(changed).unwrap();
            assert!(Manifest::open(&changed, &key.verifying_key()).is_err(), "byte {place}: {changed}");
        }
        for cut in 0..text.len() {
            assert!(Manifest::open(&text[..cut], &key.verifying_key()).is_err(), "cut at {cut}");
        }
        assert!(Manifest::open(&format!("{text}\n"), &key.verifying_key()).is_err());
        let other = SigningKey::from_seed(&[8; 32]).unwrap();
        assert_eq!(Manifest::open(&text, &other.verifying_key()), Err(Refusal::Signature));
    }

    /// Even a good signature makes no manifest of another text.
    #[test]
    fn only_the_form_that_is_written_is_read() {
        let key = key();
        let text = manifest().text();
        let (first, rest) = text.split_once('\n').unwrap();
        let entry = "file\t7\t00ff\tbin/other\n";
        for changed in [
            String::new(),
            rest.to_owned(),
            format!("strongroom attestation 2\n{rest}"),
            format!("{first}\n{rest}{entry}"),
            format!("{text}{}", rest.lines().last().unwrap()),
            text.replace("file\t7", "file\t07"),
            text.replace("file\t7", "directory\t7"),
            text.replace('\n', "\r\n"),
            format!("{text}\n"),
        ] {
            let signature = Base64::encode_string(&key.sign(&[changed.as_bytes()]).unwrap());
            let signed = format!("{changed}{SIGNATURE}{signature}\n");
            assert_eq!(Manifest::open(&signed, &key.verifying_key()), Err(Refusal::Form), "{changed}");
        }
    }

    #[test]
    fn a_link_alone_is_no_module() {
        let mut manifest = manifest();
        manifest.entries.remove("lib/libstrongroom.so.0");
        assert!(!manifest.has_module());
    }
}
