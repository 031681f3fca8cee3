//! user: the users of the HSM.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use strongroom_core::error::Error;
use strongroom_core::seal::Role;
use strongroom_core::token::UserInfo;
use zeroize::Zeroizing;

use super::Tool;
use super::answer::{Answer, Refused};
use super::approval;
use super::commands::{ASIDE, NotOffered, Password, password};
use crate::cloudhsm::files;
use crate::cloudhsm::passwords::unasked;
use crate::terminal;

/// user
#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a user
    Create(Create),
    /// Delete a user who owns nothing
    Delete(Delete),
    /// List the users
    List,
    /// Set a password: one's own, or as an admin anybody's, which unlocks the user
    ChangePassword(ChangePassword),
    /// The key to approve with
    #[command(subcommand)]
    ChangeQuorum(ChangeQuorum),
    #[command(hide = true)]
    ChangeMfa(NotOffered),
    #[command(hide = true)]
    Replicate(NotOffered),
}

/// A user, as every command names one.
#[derive(Args)]
struct Who {
    /// The user's name
    #[arg(long)]
    username: String,
    /// The user's role
    #[arg(long)]
    role: RoleName,
}

/// user create
#[derive(Args)]
pub(super) struct Create {
    #[command(flatten)]
    who: Who,
    /// The password, which is asked for where this is not given
    #[arg(long, value_parser = password, allow_hyphen_values = true)]
    password: Option<Password>,
    /// A signed quorum token
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
}

/// user delete
#[derive(Args)]
pub(super) struct Delete {
    #[command(flatten)]
    who: Who,
    /// A signed quorum token
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
}

/// user change-password
#[derive(Args)]
pub(super) struct ChangePassword {
    #[command(flatten)]
    who: Who,
    /// The new password, which is asked for where this is not given
    #[arg(long, value_parser = password, allow_hyphen_values = true)]
    password: Option<Password>,
    /// A signed quorum token
    #[arg(long, value_name = "FILE")]
    approval: Option<PathBuf>,
    #[arg(long, hide = true)]
    deregister_mfa: bool,
    #[arg(long, hide = true)]
    deregister_quorum: bool,
}

/// user change-quorum
#[derive(Subcommand)]
pub(super) enum ChangeQuorum {
    /// By signatures
    #[command(subcommand)]
    TokenSign(TokenSign),
}

/// user change-quorum token-sign
#[derive(Subcommand)]
pub(super) enum TokenSign {
    /// Register the key with which the user who is logged in will approve
    Register(Register),
}

/// user change-quorum token-sign register
#[derive(Args)]
pub(super) struct Register {
    /// The RSA public key, in PEM
    #[arg(long, value_name = "FILE")]
    public_key: PathBuf,
    /// The signed registration token
    #[arg(long, value_name = "FILE")]
    signed_token: PathBuf,
}

/// A role, by the word of this tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleName {
    /// Manages users
    Admin,
    /// Owns and uses keys
    CryptoUser,
}

impl RoleName {
    /// The role of this name.
    pub(super) fn named(name: &str) -> Option<RoleName> {
        [RoleName::Admin, RoleName::CryptoUser].into_iter().find(|role| role.name() == name)
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            RoleName::Admin => ADMIN,
            RoleName::CryptoUser => CRYPTO_USER,
        }
    }

    /// The core's role.
    pub(super) fn role(self) -> Role {
        match self {
            RoleName::Admin => Role::Officer,
            RoleName::CryptoUser => Role::User,
        }
    }

    /// Whether it names this role.
    pub(super) fn is_of(self, role: Role) -> bool {
        self.role() == role || (self, role) == (RoleName::Admin, Role::Unactivated)
    }
}

impl Command {
    /// Whether somebody must be logged in.
    pub(super) fn needs_login(&self) -> bool {
        !matches!(self, Command::List)
    }

    /// What is said of a command that is only a word.
    pub(super) fn not_offered(&self) -> Option<&'static str> {
        match self {
            Command::ChangeMfa(_) => Some(NO_SECOND_FACTOR),
            Command::Replicate(_) => Some(NO_REPLICAS),
            _ => None,
        }
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        match self {
            Command::Create(create) => create.run(tool),
            Command::Delete(delete) => delete.run(tool),
            Command::List => list(tool),
            Command::ChangePassword(change) => change.run(tool),
            Command::ChangeQuorum(ChangeQuorum::TokenSign(TokenSign::Register(register))) => register.run(tool),
            Command::ChangeMfa(_) => Err(Refused::said(NO_SECOND_FACTOR)),
            Command::Replicate(_) => Err(Refused::said(NO_REPLICAS)),
        }
    }
}

impl Who {
    fn answer(&self) -> Value {
        json!({ "username": self.username.to_lowercase(), "role": self.role.name() })
    }
}

impl Create {
    fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.admin()?;
        let password = new_or_known(tool, self.password.as_ref(), true)?;
        approval::bring(tool, self.approval.as_deref())?;
        tool.link.token().add_user(&login, self.who.role.role(), &self.who.username, &password)?;
        Ok(self.who.answer())
    }
}

impl Delete {
    fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.admin()?;
        let user = named(tool, &self.who)?;
        approval::bring(tool, self.approval.as_deref())?;
        tool.link.token().delete_user(&login, &user)?;
        Ok(self.who.answer())
    }
}

impl ChangePassword {
    fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.login()?;
        if self.deregister_mfa {
            return Err(Refused::said("--deregister-mfa is not offered: users have no second factor here."));
        }
        if self.deregister_quorum {
            return Err(Refused::said(
                "--deregister-quorum is not offered: register another key in the place of the old one.",
            ));
        }
        let name = named(tool, &self.who)?;
        if name != login.name {
            tool.admin()?;
        }
        let password = new_or_known(tool, self.password.as_ref(), true)?;
        approval::bring(tool, self.approval.as_deref())?;
        match name == login.name {
            true => tool.link.token().change_own_pin(&login, &password)?,
            false => tool.link.token().reset_pin(&login, &name, &password)?,
        }
        Ok(self.who.answer())
    }
}

impl Register {
    fn run(&self, tool: &mut Tool) -> Answer {
        let login = tool.login()?;
        let key = files::public_key(&self.public_key)?;
        let registration = approval::registration(&self.signed_token)?;
        let token = tool.link.token();
        token.register_approver(&login, &login.name, &key, &registration.challenge, &registration.signature)?;
        Ok(json!({ "username": login.name, "role": role_name(login.role) }))
    }
}

fn list(tool: &Tool) -> Answer {
    let token = tool.link.token();
    let mut users = Vec::new();
    for user in token.users()? {
        let quorum = match token.is_approver(user.id)? {
            true => json!([{ "strategy": "token-sign", "status": "enabled" }]),
            false => json!([]),
        };
        users.push(json!({
            "username": user.name,
            "role": role_name(user.role),
            "locked": user.locked.to_string(),
            "mfa": [],
            "quorum": quorum,
            "cluster-coverage": "full",
        }));
    }
    Ok(json!({ "users": users }))
}

/// The name of a user that a command names, who may be the appliance user: the core says what it thinks of that.
fn named(tool: &Tool, who: &Who) -> Result<String, Refused> {
    let name = who.username.to_lowercase();
    let is_appliance = |user: &UserInfo| user.role == Role::Appliance && user.name == name;
    match tool.link.token().users()?.iter().any(is_appliance) {
        true => Ok(name),
        false => Ok(tool.user(&name, who.role)?.name),
    }
}

/// The password given, or one that is asked for: a new one twice.
///
/// # Errors
/// Nobody can be asked, or what was typed differs.
pub(super) fn new_or_known(
    tool: &mut Tool,
    given: Option<&Password>,
    new: bool,
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    if let Some(password) = given {
        let aside = tool.aside.take().filter(|_| **password == ASIDE);
        return Ok(Zeroizing::new(aside.as_ref().unwrap_or(password).as_bytes().to_vec()));
    }
    if !terminal::is_interactive() {
        return Err(Refused::Unasked(unasked("give --password PASSWORD")));
    }
    let ask = |question| terminal::ask_secret(question).map_err(|failure| Refused::Said(failure.message().to_owned()));
    let first = ask("Enter password")?;
    if new && !strongroom_crypto::memory::constant_time_eq(&first, &ask("Confirm password")?) {
        return Err(Error::PinInvalid("the two passwords differ; nothing was changed").into());
    }
    Ok(first)
}

/// The word for a role in answers.
pub(super) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Officer => ADMIN,
        Role::Unactivated => "unactivated-admin",
        Role::User => CRYPTO_USER,
        Role::Appliance => "internal(APPLIANCE_USER)",
    }
}

/// Who manages users.
pub(super) const ADMIN: &str = "admin";
/// Who owns and uses keys.
pub(super) const CRYPTO_USER: &str = "crypto-user";

const NO_SECOND_FACTOR: &str = "user change-mfa is not offered: users have no second factor here.";
const NO_REPLICAS: &str =
    "user replicate is not offered: the processes that work on a token see the same users at once.";
