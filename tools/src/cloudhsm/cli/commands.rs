//! What can be typed.

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use zeroize::Zeroizing;

use super::answer::{Answer, Refused};
use super::{Tool, cluster, crypto, key, login, quorum, user};
use crate::cloudhsm::words::Word;

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

/// A password of the command line, or [`ASIDE`] for that of a line behind the prompt.
pub(super) type Password = Zeroizing<String>;

/// Takes the password out of a line, and leaves [`ASIDE`] in its place: the parser would keep copies of it that are
/// never wiped.
pub(super) fn set_aside(words: &mut [Word]) -> Option<Word> {
    let mut aside = None;
    let mut is_next = false;
    for word in words {
        if is_next {
            aside = Some(std::mem::replace(word, Word::new(ASIDE.to_owned())));
        } else if let Some(password) = word.strip_prefix("--password=") {
            aside = Some(Word::new(password.to_owned()));
            *word = Word::new(format!("--password={ASIDE}"));
        }
        is_next = !is_next && **word == "--password";
    }
    aside
}

/// What no argument of a program can be.
pub(super) const ASIDE: &str = "\0";

impl Command {
    /// Whether somebody must be logged in.
    pub(super) fn needs_login(&self) -> bool {
        match self {
            Command::Interactive | Command::Login(_) | Command::Logout | Command::Quit => false,
            Command::Cluster(_) => false,
            Command::User(command) => command.needs_login(),
            Command::Quorum(command) => command.needs_login(),
            Command::Key(_) | Command::Crypto(_) => true,
        }
    }

    /// Whether it is what one begins with on a fresh HSM, so that it makes one where there is no token.
    pub(super) fn begins(&self) -> bool {
        matches!(self, Command::Cluster(cluster::Command::Activate(_)) | Command::User(user::Command::List))
    }

    /// The answer of a command that needs no HSM.
    pub(super) fn without_hsm(&self) -> Option<Answer> {
        let words = match self {
            Command::Quit => return Some(Ok(json!(null))),
            Command::Interactive => PROMPT_ALREADY,
            Command::Login(login) => login.not_offered()?,
            Command::Cluster(command) => command.not_offered()?,
            Command::User(command) => command.not_offered()?,
            Command::Key(command) => command.not_offered()?,
            Command::Logout | Command::Quorum(_) | Command::Crypto(_) => return None,
        };
        Some(Err(Refused::said(words)))
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        match self {
            Command::Interactive => Err(Refused::said(PROMPT_ALREADY)),
            Command::Login(login) => login.run(tool),
            Command::Logout => login::log_out(tool),
            Command::Quit => Ok(json!(null)),
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

const PROMPT_ALREADY: &str = "This is the prompt already.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn a_password_is_set_aside() {
        let aside = |line: &str| {
            let mut words: Vec<Word> = line.split(' ').map(|word| Word::new(word.to_owned())).collect();
            let aside = set_aside(&mut words).map(|word| word.to_string());
            (words.iter().map(|word| word.to_string()).collect::<Vec<_>>().join(" "), aside)
        };
        assert_eq!(aside("user list"), ("user list".to_owned(), None));
        for (line, parsed) in [
            ("login --password secret --role admin", "login --password \0 --role admin"),
            ("login --password=secret --role admin", "login --password=\0 --role admin"),
        ] {
            assert_eq!(aside(line), (parsed.to_owned(), Some("secret".to_owned())));
        }
        assert_eq!(
            aside("login --password --password"),
            ("login --password \0".to_owned(), Some("--password".to_owned()))
        );
        assert_eq!(aside("login --password"), ("login --password".to_owned(), None));
    }

    #[test]
    fn the_commands_make_sense_to_clap() {
        Invocation::command().debug_assert();
        Line::command().debug_assert();
    }
}
