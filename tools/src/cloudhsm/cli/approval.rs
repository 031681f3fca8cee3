//! Signed quorum tokens: what the command line gives to approvers, and gets back from them.
//!
//! Approvers sign a digest that is ready. An RSASSA-PKCS1-v1_5 signature with SHA-256 over the bytes themselves is the
//! same signature (RFC 8017 §8.2), and that is how the core checks it.

use std::path::Path;

use serde_json::{Value, json};
use strongroom_core::error::Error;
use strongroom_core::seal::Role;
use strongroom_core::token::quorum::{Approval, QuorumToken};
use strongroom_crypto::hash::{self, Algorithm};

use super::Tool;
use super::answer::{Refused, quorum_words};
use super::data;
use super::key::reference;
use super::quorum::document_name;
use super::user::RoleName;
use crate::cloudhsm::files;

/// A registration as its user signed it.
pub(super) struct Registration {
    /// What was signed.
    pub(super) challenge: Vec<u8>,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

/// The file of a token, for approvers to add their signatures.
///
/// # Errors
/// The library's.
pub(super) fn document(token: &QuorumToken) -> Result<Value, Refused> {
    let mut document = json!({ "version": VERSION, "service": document_name(token.service) });
    let mut set =
        |name: &str, value: Value| document.as_object_mut().and_then(|fields| fields.insert(name.to_owned(), value));
    if token.service.is_of_key() {
        set("key_reference", json!(reference(token.key)));
    }
    set("approval_data", json!(data::base64(&token.file)));
    set("token", json!(data::base64(&digest(&token.file)?)));
    set("signatures", json!([]));
    Ok(document)
}

/// The file of a registration, for the user to sign.
///
/// # Errors
/// The library's.
pub(super) fn registration_document(challenge: &[u8]) -> Result<Value, Refused> {
    let unsigned = data::base64(&digest(challenge)?);
    let token = json!({ "approval_data": data::base64(challenge), "unsigned": unsigned, "signed": "" });
    Ok(json!({ "version": VERSION, "tokens": [token] }))
}

/// Brings the approvals in a file to the HSM, for the command that follows.
///
/// # Errors
/// A file that is not what it must be; approvals that are not good, in the words for those that are missing.
pub(super) fn bring(tool: &Tool, file: Option<&Path>) -> Result<(), Refused> {
    let Some(path) = file else { return Ok(()) };
    let login = tool.login()?;
    let wrong = |problem: &str| Refused::Said(format!("{}: {problem}; {APPROVALS_HAVE}", path.display()));
    let document = parsed(path, APPROVALS_HAVE)?;
    let data = bytes(&document, "approval_data").ok_or_else(|| wrong("approval_data is missing, or no base64"))?;
    if bytes(&document, "token").as_deref() != Some(&digest(&data)?) {
        return Err(wrong("token is not the SHA-256 digest of approval_data"));
    }
    let listed = document.get("signatures").and_then(Value::as_array).ok_or_else(|| wrong("signatures is missing"))?;
    let mut signatures = Vec::with_capacity(listed.len());
    for entry in listed {
        let text = |name| entry.get(name).and_then(Value::as_str);
        let role = text("role").and_then(RoleName::named);
        let role =
            role.ok_or_else(|| wrong("a signature has no role, or one that is neither admin nor crypto-user"))?;
        let name = text("username").ok_or_else(|| wrong("a signature has no username"))?.to_lowercase();
        let signature = bytes(entry, "signature").ok_or_else(|| wrong("a signature is missing, or no base64"))?;
        signatures.push((role.role(), name, signature));
    }
    let approvals: Vec<Approval<'_>> =
        signatures.iter().map(|(role, name, signature)| Approval { role: *role, name, signature }).collect();
    let brought = tool.link.token().approve(&login, &data, &approvals);
    brought.map(|_| ()).map_err(|error| match error {
        Error::Approval(_) | Error::NoSuchUser(_) => not_approved(login.role, &error),
        other => other.into(),
    })
}

/// The signed registration in a file.
///
/// # Errors
/// A file that is not what it must be.
pub(super) fn registration(path: &Path) -> Result<Registration, Refused> {
    let wrong = |problem: &str| Refused::Said(format!("{}: {problem}; {REGISTRATION_HAS}", path.display()));
    let document = parsed(path, REGISTRATION_HAS)?;
    // Each node of a cluster has a token of its own, and there is one node.
    let token = match document.get("tokens").and_then(Value::as_array).map(Vec::as_slice) {
        Some([only]) => only,
        _ => return Err(wrong("it does not hold one token under tokens")),
    };
    let challenge = bytes(token, "approval_data").ok_or_else(|| wrong("approval_data is missing, or no base64"))?;
    let signature = bytes(token, "signed").ok_or_else(|| wrong("signed is missing, or no base64"))?;
    if signature.is_empty() {
        return Err(wrong("signed is empty"));
    }
    Ok(Registration { challenge, signature })
}

fn not_approved(role: Role, error: &Error) -> Refused {
    Refused::Explained(quorum_words(Some(role)), error.to_string())
}

fn parsed(path: &Path, expected: &str) -> Result<Value, Refused> {
    let wrong = |problem: String| Refused::Said(format!("{}: {problem}; {expected}", path.display()));
    let document: Value =
        serde_json::from_slice(&files::read(path)?).map_err(|error| wrong(format!("it is no JSON: {error}")))?;
    match document.get("version").and_then(Value::as_str) {
        Some(VERSION) => Ok(document),
        Some(other) => Err(wrong(format!("its version is {other}"))),
        None => Err(wrong("it has no version".to_owned())),
    }
}

fn bytes(document: &Value, name: &str) -> Option<Vec<u8>> {
    data::from_base64(document.get(name)?.as_str()?)
}

fn digest(bytes: &[u8]) -> Result<[u8; 32], Refused> {
    let mut digest = [0; 32];
    hash::digest(Algorithm::Sha256, bytes, &mut digest).map_err(Error::from)?;
    Ok(digest)
}

const VERSION: &str = "2.0";
const APPROVALS_HAVE: &str = "a token's file has version (2.0), service, approval_data, token (the SHA-256 digest of \
                              approval_data) and signatures: a list of objects with username, role (admin or crypto-user) \
                              and signature";
const REGISTRATION_HAS: &str = "the file of a registration has version (2.0) and tokens: a list of one object with \
                                approval_data, unsigned (its SHA-256 digest) and signed (the signature of unsigned, a ready \
                                digest, by the user's private key, in base64)";
