//! What can be typed.

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use super::answer::{Answer, Refused};
use super::{Tool, cluster, crypto, key, login, quorum, user};

/// The tool with one command, or with a prompt.
#[derive(Parser)]
#[command(
    name = "cloudhsm-cli",
    version,
    about = "Manages the users, keys and approvals of an HSM, as the tool of AWS CloudHSM does",
    arg_required_else_help = true,
    max_term_width = 110
)]
pub(super) struct Invocation {
    /// The token, by label or slot [default: STRONGROOM_TOKEN, else that of the lowest slot]
    #[arg(long, global = true, value_name = "ID")]
    pub(super) cluster_id: Option<String>,
    /// The command.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// A line behind the prompt.
#[derive(Parser)]
#[command(name = "", no_binary_name = true, max_term_width = 110)]
pub(super) struct Line {
    /// The token of this session, by label
    #[arg(long, global = true, value_name = "ID")]
    pub(super) cluster_id: Option<String>,
    /// The command.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The families of commands.
#[derive(Subcommand)]
pub(super) enum Command {
    /// Start with a prompt
    Interactive,
    /// Log in
    Login(login::Login),
    /// Log out; session keys are gone then
    Logout,
    /// Leave the prompt
    Quit,
    /// The HSM itself
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Users
    #[command(subcommand)]
    User(user::Command),
    /// Approvals by several users
    #[command(subcommand)]
    Quorum(quorum::Command),
    /// Keys
    #[command(subcommand)]
    Key(key::Command),
    /// Signatures
    #[command(subcommand)]
    Crypto(crypto::Command),
}

/// A command that AWS's tool has and this one has not, with whatever stands behind it.
#[derive(Args)]
#[command(disable_help_flag = true)]
pub(super) struct NotOffered {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<String>,
}

/// A word that is wiped: clap keeps a copy of it until the command is done.
pub(super) type Password = Zeroizing<String>;

impl Command {
    /// Whether somebody must be logged in.
    pub(super) fn needs_login(&self) -> bool {
        match self {
            Command::Interactive | Command::Login(_) | Command::Logout | Command::Quit => false,
            Command::Cluster(_) => false,
            Command::User(command) => command.needs_login(),
            Command::Quorum(command) => command.needs_login(),
            Command::Key(command) => command.is_offered(),
            Command::Crypto(_) => true,
        }
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        match self {
            Command::Interactive => Err(Refused::said("This is the prompt already.")),
            Command::Login(login) => login.run(tool),
            Command::Logout => login::log_out(tool),
            Command::Quit => {
                tool.left = true;
                Ok(json!(null))
            }
            Command::Cluster(command) => command.run(tool),
            Command::User(command) => command.run(tool),
            Command::Quorum(command) => command.run(tool),
            Command::Key(command) => command.run(tool),
            Command::Crypto(command) => command.run(tool),
        }
    }
}

/// A password, as clap reads it.
pub(super) fn password(text: &str) -> Result<Password, String> {
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_make_sense_to_clap() {
        Invocation::command().debug_assert();
        Line::command().debug_assert();
    }
}
