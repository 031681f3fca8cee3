//! login, logout.

use clap::{Args, Subcommand};
use cryptoki_sys::{CKU_SO, CKU_USER};
use serde_json::json;
use strongroom_core::error::Error;

use super::Tool;
use super::answer::{Answer, Refused};
use super::commands::{NotOffered, Password, password};
use super::user::{RoleName, new_or_known};
use crate::cloudhsm::users::unlocking;

/// login
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Login {
    #[command(subcommand)]
    second_factor: Option<SecondFactor>,
    /// The user's name
    #[arg(long, required = true)]
    username: Option<String>,
    /// The user's role
    #[arg(long, required = true)]
    role: Option<RoleName>,
    /// The password, which is asked for where this is not given; others on this machine may see it here
    #[arg(long, value_parser = password, allow_hyphen_values = true)]
    password: Option<Password>,
}

#[derive(Subcommand)]
enum SecondFactor {
    #[command(hide = true)]
    MfaTokenSign(NotOffered),
}

impl Login {
    /// What is said of a form that is only a word.
    pub(super) fn not_offered(&self) -> Option<&'static str> {
        self.second_factor.as_ref().map(|SecondFactor::MfaTokenSign(_)| NO_SECOND_FACTOR)
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        let (Some(username), Some(role), None) = (&self.username, self.role, &self.second_factor) else {
            return Err(Refused::said(NO_SECOND_FACTOR));
        };
        let password = new_or_known(tool, self.password.as_ref(), false)?;
        log_in(tool, username, role, &password)?;
        Ok(json!({ "username": username.to_lowercase(), "role": role.name() }))
    }
}

/// Logs a user in.
///
/// # Errors
/// The core's. Of a name, a role and a password it is not told which is wrong.
pub(super) fn log_in(tool: &Tool, name: &str, role: RoleName, password: &[u8]) -> Result<(), Refused> {
    let kind = match role {
        RoleName::Admin => CKU_SO,
        RoleName::CryptoUser => CKU_USER,
    };
    let done = tool.link.session().login(kind, Some(password), Some(name.as_bytes()));
    done.map_err(|error| match error {
        Error::PinWrong | Error::PinLocked | Error::PinNotSet | Error::NoSuchUser(_) => {
            match unlocking(tool.link.token(), name, &error) {
                Some(advice) => Refused::Explained(FAILED, advice),
                None => Refused::said(FAILED),
            }
        }
        other => other.into(),
    })
}

const FAILED: &str =
    "Login failed: the name, the role or the password is wrong, or the user is locked (RET_USER_LOGIN_FAILURE).";

/// logout
pub(super) fn log_out(tool: &mut Tool) -> Answer {
    tool.login()?;
    tool.link.log_out()?;
    Ok(json!("Logout successful"))
}

const NO_SECOND_FACTOR: &str = "login mfa-token-sign is not offered: users have no second factor here.";
