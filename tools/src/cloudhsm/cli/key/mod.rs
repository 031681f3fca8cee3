//! key: keys.
//!
//! | module | what for |
//! | --- | --- |
//! | `filter` | which keys are meant |
//! | `view` | a key in JSON |
//! | `attributes` | attributes by their names here, given and changed |
//! | `terms` | the options of all commands that make keys |
//! | `generate` | generate-symmetric, generate-asymmetric-pair |
//! | `list` | list |
//! | `change` | delete, share, unshare, set-attribute |
//! | `methods` | the methods of wrapping, as mechanisms |
//! | `wrap`, `unwrap` | wrap, unwrap |
//! | `file` | generate-file, import pem |

mod attributes;
mod change;
mod file;
pub(super) mod filter;
mod generate;
mod list;
pub(super) mod methods;
mod terms;
mod unwrap;
mod view;
mod wrap;

use clap::Subcommand;
use strongroom_core::mechanism::{Call, Parameter, find};

use super::Tool;
use super::answer::{Answer, Refused};
use super::commands::NotOffered;

/// key
#[derive(Subcommand)]
pub(super) enum Command {
    /// Generate a secret key
    #[command(subcommand)]
    GenerateSymmetric(generate::Symmetric),
    /// Generate a key pair
    #[command(subcommand)]
    GenerateAsymmetricPair(generate::Pair),
    /// List keys
    List(list::List),
    /// Delete a key; the other half of a pair stays
    Delete(change::Delete),
    /// Share a key with another user
    Share(change::Share),
    /// Share a key with a user no longer
    Unshare(change::Share),
    /// Change an attribute of a key
    SetAttribute(change::SetAttribute),
    /// Wrap a key with another one
    #[command(subcommand)]
    Wrap(wrap::Wrap),
    /// Unwrap a key
    #[command(subcommand)]
    Unwrap(unwrap::Unwrap),
    /// Write a key to a file: a public one, or a reference to a private one
    GenerateFile(file::GenerateFile),
    /// Import a key
    #[command(subcommand)]
    Import(file::Import),
    #[command(hide = true)]
    Replicate(NotOffered),
}

impl Command {
    /// What is said of a command that is only a word.
    pub(super) fn not_offered(&self) -> Option<&'static str> {
        matches!(self, Command::Replicate(_)).then_some(NO_REPLICAS)
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        match self {
            Command::GenerateSymmetric(symmetric) => symmetric.run(tool),
            Command::GenerateAsymmetricPair(pair) => pair.run(tool),
            Command::List(list) => list.run(tool),
            Command::Delete(delete) => delete.run(tool),
            Command::Share(share) => share.run(tool, true),
            Command::Unshare(share) => share.run(tool, false),
            Command::SetAttribute(set) => set.run(tool),
            Command::Wrap(wrap) => wrap.run(tool),
            Command::Unwrap(unwrap) => unwrap.run(tool),
            Command::GenerateFile(file) => file.run(tool),
            Command::Import(import) => import.run(tool),
            Command::Replicate(_) => Err(Refused::said(NO_REPLICAS)),
        }
    }
}

/// A key's handle as this tool writes it.
pub(super) fn reference(number: u64) -> String {
    format!("0x{number:016x}")
}

/// A call of a mechanism.
///
/// # Errors
/// A mechanism that is not in the catalogue.
pub(super) fn call(mechanism: u64, parameter: Parameter<'_>) -> Result<Call<'_>, Refused> {
    let unknown = || Refused::said("The HSM does not offer this mechanism.");
    Ok(Call { mechanism: find(mechanism).ok_or_else(unknown)?, parameter })
}

const NO_REPLICAS: &str = "key replicate is not offered: the processes that work on a token see the same keys at once.";
