//! The options of all commands that make secret and private keys: how long they live, who uses them, who approves.

use clap::Args;
use cryptoki_sys::*;
use strongroom_core::attribute::{
    CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, Entry, Flag, Given,
};

use super::attributes::{Typed, Wanted, entry, flag, label, parse};
use crate::cloudhsm::cli::Tool;
use crate::cloudhsm::cli::answer::Refused;
use crate::cloudhsm::cli::quorum::INVALID_VALUE;
use crate::cloudhsm::cli::user::RoleName;

/// Of one secret or private key.
#[derive(Args)]
pub(super) struct Options {
    /// The label, which need not be unique
    #[arg(long)]
    pub(super) label: String,
    /// A key that is gone when the session ends
    #[arg(long)]
    pub(super) session: bool,
    /// What the key may be used for and so on: encrypt=true decrypt=true id=0x01
    #[arg(long, num_args = 1.., value_name = "NAME=VALUE", value_parser = parse)]
    pub(super) attributes: Vec<Typed>,
    /// Crypto users to share the key with
    #[arg(long, num_args = 1.., value_name = "USER")]
    share_crypto_users: Vec<String>,
    /// How many of its users must approve of sharing, changing, wrapping and so on
    #[arg(long, value_name = "N", default_value_t = 0)]
    manage_key_quorum_value: u64,
    /// How many of its users must approve of each use
    #[arg(long, value_name = "N", default_value_t = 0)]
    use_key_quorum_value: u64,
}

impl Options {
    /// Who uses the key, and who approves.
    ///
    /// # Errors
    /// As [`People::read`].
    pub(super) fn people(&self, tool: &Tool) -> Result<People, Refused> {
        People::read(tool, &self.share_crypto_users, self.manage_key_quorum_value, self.use_key_quorum_value)
    }
}

/// Who uses a key beside its owner, and how many approve.
pub(super) struct People {
    shared_with: Box<[u64]>,
    management: u64,
    usage: u64,
}

impl People {
    /// Finds the users, and checks the numbers.
    ///
    /// # Errors
    /// A user there is none of; more approvals than users, in the words that scripts know.
    pub(super) fn read(tool: &Tool, names: &[String], management: u64, usage: u64) -> Result<People, Refused> {
        let mut shared_with = Vec::with_capacity(names.len());
        for name in names {
            shared_with.push(u64::from(tool.user(name, RoleName::CryptoUser)?.id.0));
        }
        let associated = shared_with.len() as u64 + 1;
        let most = management.max(usage);
        if most > APPROVALS_MAX || most > associated {
            return Err(Refused::Explained(
                INVALID_VALUE,
                format!(
                    "{associated} users own or share the key, and at most {APPROVALS_MAX} approve; {most} were asked for"
                ),
            ));
        }
        Ok(People { shared_with: shared_with.into(), management, usage })
    }

    /// The entries of a template.
    pub(super) fn entries(&self) -> Vec<Entry<'static>> {
        let mut entries = Vec::new();
        if !self.shared_with.is_empty() {
            entries.push(entry(CKA_SR_SHARED_WITH, Given::Mechanisms(self.shared_with.clone())));
        }
        if self.usage > 0 {
            entries.push(entry(CKA_SR_USE_APPROVALS, Given::Ulong(self.usage)));
        }
        if self.management > 0 {
            entries.push(entry(CKA_SR_MANAGEMENT_APPROVALS, Given::Ulong(self.management)));
        }
        entries
    }
}

/// What a key is called, how long it lives, and whether it is anybody's to see.
///
/// # Errors
/// A label that cannot be.
pub(super) fn named<'a>(
    text: &'a str,
    session: bool,
    wanted: &Wanted,
    confidential: bool,
) -> Result<Vec<Entry<'a>>, Refused> {
    let token = !session && wanted.token() != Some(false);
    Ok(vec![
        flag(CKA_TOKEN, Flag::Token, token),
        flag(CKA_PRIVATE, Flag::Private, confidential),
        entry(CKA_LABEL, Given::Bytes(label(text)?.as_bytes())),
    ])
}

/// Approvals a key can ask for.
const APPROVALS_MAX: u64 = 8;
