//! Data as commands take and answer it: in base64, or in files.

use std::path::Path;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::answer::Refused;
use crate::cloudhsm::files::{self, FileError};

impl From<FileError> for Refused {
    fn from(error: FileError) -> Refused {
        Refused::Said(error.to_string())
    }
}

/// Data given on the command line in base64, or in a file.
///
/// # Errors
/// The file's; `option` is no base64.
pub(super) fn given(option: &str, text: Option<&str>, path: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Refused> {
    match (text, path) {
        (Some(text), _) => {
            from_base64(text).map(Zeroizing::new).ok_or_else(|| Refused::Said(format!("{option} is no base64")))
        }
        (None, Some(path)) => Ok(files::read(path)?),
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
