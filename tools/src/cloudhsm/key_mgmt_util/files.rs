//! Files that commands read and write. They are overwritten, as in CloudHSM's tool; those with keys are their owner's alone.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use strongroom_crypto::encoding::{PrivateKeyInfo, Traditional};
use strongroom_crypto::memory::SecretBytes;
use zeroize::Zeroizing;

use crate::cloudhsm::results::Refusal;
use crate::pem;

/// What a file holds.
///
/// # Errors
/// Words for one that cannot be read, is empty, or is longer than any key or message that these commands take.
pub(super) fn read(path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let unreadable = |error| Refusal::Said(format!("Error: {path} cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len().min(FILE_BYTES_MAX) as usize;
    // Never reallocated where the file has the length it says, so that no copy of a key stays behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 {
        0 => Err(Refusal::Said(format!("Error: {path} is empty"))),
        1..=FILE_BYTES_MAX => Ok(bytes),
        _ => Err(Refusal::Said(format!("Error: {path} holds more than {FILE_BYTES_MAX} bytes"))),
    }
}

/// Writes a file that anyone may read, over one that is there.
///
/// # Errors
/// Words for one that cannot be written.
pub(super) fn write(path: &str, content: &[u8]) -> Result<(), Refusal> {
    std::fs::write(path, content).map_err(|error| unwritable(path, &error))
}

/// Writes a file that only its owner may read, over one that is there, whoever could read that.
///
/// # Errors
/// Words for one that cannot be written.
pub(super) fn write_secret(path: &str, content: &[u8]) -> Result<(), Refusal> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(path)?;
        // A pipe or a terminal has a mode that says nothing.
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
        }
        file.write_all(content)
    };
    write().map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &str, error: &std::io::Error) -> Refusal {
    Refusal::Said(format!("Error: {path} cannot be written: {error}"))
}

/// The AES key in a file, for work outside the HSM.
///
/// # Errors
/// Words for a file that holds something else.
pub(super) fn wrapping_key(path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let key = read(path)?;
    match key.len() {
        16 | 24 | 32 => Ok(key),
        _ => Err(Refusal::Said("Invalid file. Should be an AES key".to_owned())),
    }
}

/// The private key in a PEM file, as PKCS#8.
///
/// # Errors
/// Words for a file that holds something else, or a key that a password protects.
pub(super) fn private_key(path: &str) -> Result<SecretBytes, Refusal> {
    let content = read(path)?;
    let wrong = |problem: &str| Refusal::Said(format!("Error: {path}: {problem}"));
    let text = std::str::from_utf8(&content).map_err(|_| wrong("it is no PEM file"))?;
    let blocks = pem::blocks(text).map_err(|problem| wrong(&problem))?;
    let keys = || blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY"));
    let block = match (keys().next(), keys().nth(1)) {
        (Some(only), None) => only,
        (None, _) => return Err(wrong("it holds no private key in PEM")),
        _ => return Err(wrong("it holds several private keys; one is imported at a time")),
    };
    if block.label == "ENCRYPTED PRIVATE KEY" || block.is_encrypted() {
        return Err(wrong("the key is protected by a password; openssl pkey -in FILE -out PLAIN takes it off"));
    }
    let der = block.decode().map_err(|problem| wrong(&problem))?;
    let unreadable = |error: strongroom_crypto::Error| wrong(&error.to_string());
    let info = match Traditional::labelled(block.label) {
        Some(form) => form.decode(&der, None).map_err(unreadable)?.0,
        None => PrivateKeyInfo::decode(&der).map_err(unreadable)?,
    };
    info.encode().map_err(unreadable)
}

/// The public key in a PEM file, as SubjectPublicKeyInfo.
///
/// # Errors
/// Words for a file that holds something else.
pub(super) fn public_key(path: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let content = read(path)?;
    let wrong = |problem: &str| Refusal::Said(format!("Error: {path}: {problem}"));
    let text = std::str::from_utf8(&content).map_err(|_| wrong("it is no PEM file"))?;
    let blocks = pem::blocks(text).map_err(|problem| wrong(&problem))?;
    let block = blocks.iter().find(|block| block.label == "PUBLIC KEY");
    block.ok_or_else(|| wrong("it holds no public key in PEM (BEGIN PUBLIC KEY)"))?.decode().map_err(|it| wrong(&it))
}

const OWNER_ONLY: u32 = 0o600;
/// More than any key, and room for messages to sign.
const FILE_BYTES_MAX: u64 = 64 << 20;
