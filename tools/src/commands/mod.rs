//! The commands, one file per family.

pub(crate) mod attest;
pub(crate) mod audit;
pub(crate) mod doctor;
pub(crate) mod key;
pub(crate) mod mechanisms;
pub(crate) mod policy;
pub(crate) mod random;
pub(crate) mod token;
pub(crate) mod user;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output::Answer;
use crate::place::Context;

/// Everything the program does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, list, show and delete tokens
    #[command(subcommand, arg_required_else_help = true)]
    Token(token::TokenCommand),
    /// Manage the users of a token, as its officer
    #[command(subcommand, arg_required_else_help = true)]
    User(user::UserCommand),
    /// Generate, import, list, show and delete keys, pairs and certificates, as a user
    #[command(subcommand, arg_required_else_help = true, after_help = key::HELP)]
    Key(key::KeyCommand),
    /// Show and check the audit log of a token
    #[command(subcommand, arg_required_else_help = true)]
    Audit(audit::AuditCommand),
    /// Write random bytes
    Random(random::RandomArgs),
    /// List the mechanisms: key sizes, functions, and which policies offer them
    Mechanisms(mechanisms::MechanismsArgs),
    /// Check the configuration, the permissions and the tokens, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Check that the module and the programs are those that were installed
    #[command(subcommand, arg_required_else_help = true)]
    Attest(attest::AttestCommand),
}

/// Runs a command.
///
/// # Errors
/// What it refuses or fails with.
pub(crate) fn run(context: &Context, command: &Command) -> Result<Answer, Failure> {
    match command {
        Command::Token(command) => token::run(context, command),
        Command::User(command) => user::run(context, command),
        Command::Key(command) => key::run(context, command),
        Command::Audit(command) => audit::run(context, command),
        Command::Random(args) => random::run(context, args),
        Command::Mechanisms(args) => mechanisms::run(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Attest(command) => attest::run(context, command),
    }
}
