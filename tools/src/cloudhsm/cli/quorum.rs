//! quorum token-sign: tokens that several users approve of, and how many must.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use strongroom_core::access::Service;
use strongroom_core::error::Error;

use super::Tool;
use super::answer::{Answer, Refused};
use super::approval;
use super::key::filter::{self, Filter};
use super::key::reference;
use crate::cloudhsm::files;

/// quorum
#[derive(Subcommand)]
pub(super) enum Command {
    /// By signatures
    #[command(subcommand)]
    TokenSign(TokenSign),
}

/// quorum token-sign
#[derive(Subcommand)]
pub(super) enum TokenSign {
    /// Ask for a token, which others sign
    Generate(Generate),
    /// List the tokens of all users
    List,
    /// Say how many admins must approve
    ListQuorumValues,
    /// Set how many admins must approve
    SetQuorumValue(SetQuorumValue),
    /// Delete tokens
    Delete(Delete),
}

/// quorum token-sign generate
#[derive(Args)]
pub(super) struct Generate {
    /// What is to be approved
    #[arg(long)]
    service: ServiceName,
    /// The file for the token, which is overwritten
    #[arg(long, value_name = "FILE")]
    token: PathBuf,
    /// The key, for key-usage and key-management
    #[arg(long, num_args = 1.., value_name = "FILTER", value_parser = filter::parse)]
    filter: Vec<Filter>,
}

/// quorum token-sign set-quorum-value
#[derive(Args)]
pub(super) struct SetQuorumValue {
    /// What is to be approved: user, quorum
    #[arg(long)]
    service: ServiceName,
    /// How many must approve: 2 to 8; 0 and 1 are as good as none
    #[arg(long)]
    value: u8,
    /// A signed quorum token
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
}

/// quorum token-sign delete
#[derive(Args)]
pub(super) struct Delete {
    /// Whose tokens
    #[arg(long)]
    scope: Scope,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scope {
    /// Those of the user who is logged in
    User,
    /// Everybody's, as an admin
    All,
}

/// What is approved, by the words of this tool.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ServiceName {
    /// Making and deleting users, setting passwords of others
    User,
    /// Setting how many must approve
    Quorum,
    #[value(hide = true)]
    Cluster,
    /// Registering a key to approve with
    Registration,
    /// The use of a key
    KeyUsage,
    /// Wrapping with a key, sharing it, changing it and so on
    KeyManagement,
}

impl ServiceName {
    /// The core's service; nothing where no token of the HSM is needed.
    fn service(self) -> Result<Option<Service>, Refused> {
        match self {
            ServiceName::User => Ok(Some(Service::UserManagement)),
            ServiceName::Quorum => Ok(Some(Service::Officers)),
            ServiceName::KeyUsage => Ok(Some(Service::UseKey)),
            ServiceName::KeyManagement => Ok(Some(Service::ManageKey)),
            ServiceName::Registration => Ok(None),
            ServiceName::Cluster => {
                Err(Refused::said("The service cluster is not offered: there is nothing in it to approve of here."))
            }
        }
    }
}

impl Command {
    /// Whether somebody must be logged in.
    pub(super) fn needs_login(&self) -> bool {
        !matches!(self, Command::TokenSign(TokenSign::ListQuorumValues))
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let Command::TokenSign(command) = self;
        match command {
            TokenSign::Generate(generate) => generate.run(tool),
            TokenSign::List => list(tool),
            TokenSign::ListQuorumValues => {
                let token = tool.link.token();
                let (user, quorum) =
                    (token.quorum_value(Service::UserManagement)?, token.quorum_value(Service::Officers)?);
                Ok(json!({ "user": user, "quorum": quorum }))
            }
            TokenSign::SetQuorumValue(set) => set.run(tool),
            TokenSign::Delete(delete) => {
                let login = if matches!(delete.scope, Scope::All) { tool.admin()? } else { tool.login()? };
                tool.link.token().delete_quorum_tokens(&login, None, matches!(delete.scope, Scope::All))?;
                Ok(json!("Deletion of quorum token(s) successful"))
            }
        }
    }
}

impl Generate {
    fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.login()?;
        let service = self.service.service()?;
        let of_key = service.is_some_and(Service::is_of_key);
        if of_key && self.filter.is_empty() {
            return Err(Refused::said(
                "--filter is needed: approvals of key-usage and key-management are for one key.",
            ));
        }
        if !of_key && !self.filter.is_empty() {
            return Err(Refused::said("--filter goes with the services key-usage and key-management."));
        }
        let document = match service {
            Some(service) => {
                let key = match of_key {
                    true => Some(filter::single(tool, &self.filter)?.number),
                    false => {
                        tool.admin()?;
                        None
                    }
                };
                approval::document(&tool.link.token().request_approval(&login, service, key)?)?
            }
            None => {
                let mut challenge = [0; CHALLENGE_BYTES];
                tool.link.session().random(&mut challenge)?;
                approval::registration_document(&challenge)?
            }
        };
        files::write(&self.token, format!("{document:#}\n").as_bytes())?;
        Ok(json!({ "path": self.token.display().to_string() }))
    }
}

impl SetQuorumValue {
    fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.admin()?;
        let service = self.service.service()?.filter(|service| !service.is_of_key());
        let service =
            service.ok_or_else(|| Refused::said("Quorum values are set for the services user and quorum."))?;
        approval::bring(tool, self.approval.as_deref())?;
        let set = tool.link.token().set_quorum_value(&login, service, self.value);
        set.map_err(|error| match error {
            Error::Approval(_) => Refused::Explained(INVALID_VALUE, error.to_string()),
            other => other.into(),
        })?;
        Ok(json!("Set quorum value successful"))
    }
}

/// Tokens of admins stand one by one; those for a key are counted.
fn list(tool: &Tool) -> Answer {
    tool.login()?;
    let token = tool.link.token();
    let mut entries: Vec<Value> = Vec::new();
    let mut counted: Vec<(String, Service, u64, u64)> = Vec::new();
    for quorum in token.quorum_tokens()? {
        if quorum.service.is_of_key() {
            let same = |entry: &&mut (String, Service, u64, u64)| {
                (entry.0.as_str(), entry.1, entry.2) == (quorum.name.as_str(), quorum.service, quorum.key)
            };
            match counted.iter_mut().find(same) {
                Some(entry) => entry.3 += 1,
                None => counted.push((quorum.name, quorum.service, quorum.key, 1)),
            }
            continue;
        }
        let (progress, seconds) = token.progress(&quorum)?;
        entries.push(json!({
            "username": quorum.name,
            "service": list_name(quorum.service),
            "approvals-required": progress.needed,
            "number-of-approvals": progress.given,
            "token-timeout-seconds": seconds,
            "cluster-coverage": "full",
        }));
    }
    entries.extend(counted.into_iter().map(|(name, service, key, count)| {
        json!({
            "username": name,
            "service": list_name(service),
            "key-reference": reference(key),
            "minimum-token-count": count,
        })
    }));
    Ok(json!({ "tokens": entries }))
}

/// A service in the file of a token.
pub(super) fn document_name(service: Service) -> &'static str {
    match service {
        Service::UserManagement => "user-management",
        Service::Officers => "quorum-management",
        Service::UseKey | Service::ManageKey => list_name(service),
    }
}

/// A service in listings, and as it is typed.
fn list_name(service: Service) -> &'static str {
    match service {
        Service::UserManagement => "user",
        Service::Officers => "quorum",
        Service::UseKey => "key-usage",
        Service::ManageKey => "key-management",
    }
}

/// What is said of a number of approvals that cannot be.
pub(super) const INVALID_VALUE: &str = "Invalid quorum value provided.";
/// Bytes a user signs to register a key.
const CHALLENGE_BYTES: usize = 32;
