//! Files that commands read and write. They are overwritten, as in AWS's tool, and nobody else may read new ones.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::answer::Refused;
use crate::pem;

/// What a file holds.
///
/// # Errors
/// One that cannot be read, is empty, or is longer than any key or message that commands take.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Refused> {
    let name = path.display();
    let unreadable = |error| Refused::Said(format!("{name} cannot be read: {error}"));
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(Refused::Said(format!("{name} is empty"))),
        1..=FILE_BYTES_MAX => Ok(bytes),
        _ => Err(Refused::Said(format!("{name} holds more than {FILE_BYTES_MAX} bytes"))),
    }
}

/// Writes a file, over one that is there.
///
/// # Errors
/// One that cannot be written.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), Refused> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(content));
    written.map_err(|error| Refused::Said(format!("{} cannot be written: {error}", path.display())))
}

/// The public key in a PEM file, as SubjectPublicKeyInfo.
///
/// # Errors
/// A file that holds something else.
pub(super) fn public_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let content = read(path)?;
    let wrong = |problem: &str| Refused::Said(format!("{}: {problem}", path.display()));
    let text = std::str::from_utf8(&content).map_err(|_| wrong("it is no PEM file"))?;
    let blocks = pem::blocks(text).map_err(|problem| wrong(&problem))?;
    let block = blocks.iter().find(|block| block.label == "PUBLIC KEY");
    let block = block.ok_or_else(|| wrong("it holds no public key in PEM (BEGIN PUBLIC KEY)"))?;
    block.decode().map_err(|problem| wrong(&problem))
}

/// Data given on the command line in base64, or in a file.
///
/// # Errors
/// The file's; `option` is no base64.
pub(super) fn given(option: &str, text: Option<&str>, path: Option<&Path>) -> Result<Vec<u8>, Refused> {
    match (text, path) {
        (Some(text), _) => from_base64(text).ok_or_else(|| Refused::Said(format!("{option} is no base64"))),
        (None, Some(path)) => read(path),
        (None, None) => Err(Refused::Said(format!("{option} is missing"))),
    }
}

/// The bytes that base64 stands for.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// Bytes in base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// More than any key, and room for messages to sign.
const FILE_BYTES_MAX: u64 = 64 << 20;
