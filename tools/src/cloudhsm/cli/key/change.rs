//! key delete, share, unshare, set-attribute.

use std::path::PathBuf;

use clap::Args;
use cryptoki_sys::{CKA_TOKEN, CKA_TRUSTED};
use serde_json::json;
use strongroom_core::attribute::{Flag, Template};
use strongroom_core::error::Error;
use strongroom_core::seal::Role;

use super::attributes::Change;
use super::filter::{self, Filter, single};
use super::reference;
use crate::cloudhsm::cli::answer::{Answer, Refused};
use crate::cloudhsm::cli::user::RoleName;
use crate::cloudhsm::cli::{Tool, approval};

/// The key, and approvals of what is done to it.
#[derive(Args)]
struct Which {
    /// Which key: key-reference=0x..., or attr.NAME=VALUE, all of which must fit
    #[arg(long, num_args = 1.., required = true, value_name = "FILTER", value_parser = filter::parse)]
    filter: Vec<Filter>,
    /// A signed quorum token
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
}

/// key delete
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Delete {
    #[command(flatten)]
    which: Which,
}

/// key share, key unshare
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct Share {
    #[command(flatten)]
    which: Which,
    /// The user
    #[arg(long)]
    username: String,
    /// The user's role: crypto-user
    #[arg(long)]
    role: RoleName,
}

/// key set-attribute
#[derive(Args)]
pub(in crate::cloudhsm::cli) struct SetAttribute {
    #[command(flatten)]
    which: Which,
    /// The attribute
    #[arg(long)]
    name: String,
    /// Its new value
    #[arg(long)]
    value: String,
}

impl Delete {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        tool.crypto_user()?;
        let key = single(tool, &self.which.filter)?;
        approval::bring(tool, self.which.approval.as_deref())?;
        tool.link.session().destroy_object(key.number)?;
        Ok(json!({ "message": "Key deleted successfully" }))
    }
}

impl Share {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool, share: bool) -> Answer {
        tool.crypto_user()?;
        if self.role != RoleName::CryptoUser {
            return Err(Refused::said("Keys are shared with users of the role crypto-user."));
        }
        let user = tool.user(&self.username, self.role)?.id;
        let key = single(tool, &self.which.filter)?;
        approval::bring(tool, self.which.approval.as_deref())?;
        let session = tool.link.session();
        let message = match share {
            true => session.share(key.number, user).map(|()| "Key shared successfully")?,
            false => session.unshare(key.number, user).map(|()| "Key unshared successfully")?,
        };
        Ok(json!({ "message": message }))
    }
}

impl SetAttribute {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.login()?;
        let change = Change::read(&self.name, &self.value)?;
        if let (Change::Flag(CKA_TRUSTED, _, trusted), Role::Officer) = (&change, login.role) {
            return self.trust(tool, *trusted);
        }
        if matches!(change, Change::Flag(CKA_TRUSTED, ..)) {
            return Err(Refused::said("The attribute trusted is set by an admin."));
        }
        tool.crypto_user()?;
        let key = single(tool, &self.which.filter)?;
        approval::bring(tool, self.which.approval.as_deref())?;
        let Change::Flag(CKA_TOKEN, _, token) = change else {
            let template = Template::from_entries(vec![change.entry()]);
            tool.link.session().set_attributes(key.number, &template)?;
            return Ok(json!({ "message": CHANGED }));
        };
        if !token || key.has(Flag::Token) {
            return Err(Refused::said(
                "The attribute token changes from false to true only: a session key becomes persistent.",
            ));
        }
        let copy = tool.link.make_persistent(&key)?;
        // A key that outlasts the session has another handle.
        Ok(json!({ "message": CHANGED, "key-reference": reference(copy) }))
    }

    /// An admin does not see whose keys there are, and names the key by its reference.
    fn trust(&self, tool: &Tool, trusted: bool) -> Answer {
        let login = tool.admin()?;
        approval::bring(tool, self.which.approval.as_deref())?;
        let session = tool.link.session();
        let change = Change::Flag(CKA_TRUSTED, Flag::Trusted, trusted);
        match (single(tool, &self.which.filter), self.which.filter.as_slice()) {
            (Ok(key), _) => session.set_attributes(key.number, &Template::from_entries(vec![change.entry()]))?,
            (Err(_), [Filter::Reference(number)]) => {
                tool.link.token().set_trust(&login, *number, trusted).map_err(|error| match error {
                    Error::NoObject(_) => Refused::said("Key selection criteria matched 0 keys."),
                    other => other.into(),
                })?;
            }
            (Err(_), _) => {
                return Err(Refused::said(
                    "An admin names a private key by its reference, --filter key-reference=0x...: its attributes are its users' to see.",
                ));
            }
        }
        Ok(json!({ "message": CHANGED }))
    }
}

const CHANGED: &str = "Attribute set successfully";
