//! Files that commands read and write. They are overwritten, as in CloudHSM's tools, and nobody else may read new ones.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;

use zeroize::Zeroizing;

use super::results::Refusal;
use crate::pem;

/// What a small file holds.
///
/// # Errors
/// Words for one that cannot be read, is empty, or is longer than any token, signature or key.
pub(crate) fn read(path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| Refusal::Said(format!("Error: {path} cannot be read: {error}")))?;
    match bytes.len() as u64 {
        0 => Err(Refusal::Said(format!("Error: {path} is empty"))),
        1..=FILE_BYTES_MAX => Ok(bytes),
        _ => Err(Refusal::Said(format!("Error: {path} holds more than {FILE_BYTES_MAX} bytes"))),
    }
}

/// Writes a file, over one that is there.
///
/// # Errors
/// Words for one that cannot be written.
pub(crate) fn write(path: &str, content: &[u8]) -> Result<(), Refusal> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(content));
    written.map_err(|error| Refusal::Said(format!("Error: {path} cannot be written: {error}")))
}

/// The public key in a PEM file, as SubjectPublicKeyInfo.
///
/// # Errors
/// Words for a file that holds something else.
pub(crate) fn public_key(path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let content = read(path)?;
    let wrong = |problem: &str| Refusal::Said(format!("Error: {path}: {problem}"));
    let text = std::str::from_utf8(&content).map_err(|_| wrong("it is no PEM file"))?;
    let blocks = pem::blocks(text).map_err(|problem| wrong(&problem))?;
    let block = blocks.iter().find(|block| block.label == "PUBLIC KEY");
    block.ok_or_else(|| wrong("it holds no public key in PEM (BEGIN PUBLIC KEY)"))?.decode().map_err(|it| wrong(&it))
}

/// More than a list of twenty approvals, or any key.
const FILE_BYTES_MAX: u64 = 1 << 20;
