//! What can be typed: the global options, the commands, and what happens to a command line that makes no sense.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser};

use crate::commands::Command;
use crate::failure::Failure;

/// One invocation of the program.
#[derive(Debug, Parser)]
#[command(
    name = "strongroom",
    version,
    about = "Manages the tokens, users and keys of Strongroom, a software HSM",
    long_about = None,
    after_help = FIRST_STEPS,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    max_term_width = 110
)]
pub(crate) struct Invocation {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options every command has.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Global {
    /// Directory of all tokens [default: STRONGROOM_DIR, else the configuration's, else the user's data directory]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) dir: Option<PathBuf>,
    /// Configuration file [default: STRONGROOM_CONF, else strongroom.toml beside the tokens, else the system's]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) conf: Option<PathBuf>,
    /// Token to work on, by label, slot number or serial number; needed where there are several
    #[arg(long, global = true, value_name = "LABEL|SLOT|SERIAL", help_heading = "Global options")]
    pub(crate) token: Option<String>,
    /// Print one JSON object instead of text, on standard error for refusals
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}

/// What ends the program before a command runs.
#[derive(Debug)]
pub(crate) enum Early {
    /// Help or the version was asked for.
    Told(String),
    /// There is nothing to do without a command: the help says which there are.
    Lost(String),
    /// The command line makes no sense.
    Usage(Failure, bool),
}

impl Early {
    /// Prints it and returns the exit code.
    pub(crate) fn print(self) -> ExitCode {
        match self {
            Early::Told(text) => match crate::output::write(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => failure.print(false),
            },
            Early::Lost(text) => {
                use std::io::Write;
                // Where standard error is closed there is nobody to help.
                let _ = std::io::stderr().lock().write_all(text.as_bytes());
                ExitCode::from(2)
            }
            Early::Usage(failure, json) => failure.print(json),
        }
    }
}

/// Understands a command line.
///
/// # Errors
/// [`Early`], where no command is to run.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Invocation, Early> {
    let arguments: Vec<OsString> = arguments.collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    if let Some(option) = arguments.iter().find_map(|argument| pin_option(argument)) {
        return Err(Early::Usage(pin_on_command_line(option), json));
    }
    Invocation::try_parse_from(&arguments).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Early::Told(error.to_string()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => Early::Lost(error.to_string()),
        _ => Early::Usage(Failure::usage(complaint(&error)), json),
    })
}

/// The option that would carry a PIN, where someone tries one: other users of the machine could read it.
fn pin_option(argument: &OsStr) -> Option<&'static str> {
    let text = argument.to_str()?;
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    ["--pin", "--so-pin", "--new-pin", "--password"].into_iter().find(|option| *option == name)
}

fn pin_on_command_line(option: &str) -> Failure {
    let family = if option == "--password" { "--pin" } else { option };
    Failure::usage(format!(
        "there is no option {option}, for other users of this machine can read command lines; give the PIN by \
         {family}-file FILE, {family}-fd N or the environment, or let the program ask"
    ))
}

/// The parser's complaint on one line.
fn complaint(error: &clap::Error) -> String {
    let surplus = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => !argument.starts_with('-'),
        _ => false,
    };
    if error.kind() == ErrorKind::UnknownArgument && surplus {
        // It is not repeated: it may be a PIN.
        return "there is an argument too many; PINs are never arguments; --help shows what can be given".to_owned();
    }
    if let Some(ContextValue::String(command)) = error.get(ContextKind::InvalidSubcommand)
        && command == "export"
    {
        return NO_EXPORT.to_owned();
    }
    let text = error.to_string();
    let paragraphs = text.split("\n\n").take_while(|paragraph| !paragraph.starts_with("Usage:"));
    let lines: Vec<&str> = paragraphs
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    let line = lines.join("; ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let line = line
        .replace("were not provided:;", "were not provided:")
        .replace("tip: ", "")
        .replace("invalid digit found in string", "a whole number is needed");
    match line {
        line if line.contains("--help") => line,
        line if line.ends_with('?') => format!("{line} {MORE}"),
        line => format!("{line}; {MORE}"),
    }
}

const MORE: &str = "--help shows what can be given";
const NO_EXPORT: &str = "there is no command export: 'strongroom key public' writes a public key, 'strongroom key \
                         certificate' a certificate; private and secret keys leave the token only wrapped by another \
                         key, where they are extractable, through a program (C_WrapKey)";

const FIRST_STEPS: &str = "\
The first three commands, for a token and a key in it:
  strongroom token init --label first
  strongroom key generate --type aes --size 256 --label greeting
  strongroom key list

PINs are asked for on the terminal, or come from --pin-file, --pin-fd or STRONGROOM_PIN; never from an argument. \
'strongroom COMMAND --help' has examples. Exit codes: 0 done; 1 refused or failed: files, tokens, \
keys, PINs; 2 wrong usage, whatever those hold.";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let arguments = std::iter::once("strongroom").chain(arguments.iter().copied()).map(OsString::from);
        match parse(arguments) {
            Err(Early::Usage(failure, _)) => failure.message().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Invocation::command().debug_assert();
    }

    #[test]
    fn pins_are_refused_and_not_repeated() {
        for arguments in [&["key", "list", "--pin", "4711"][..], &["key", "list", "--pin=4711"]] {
            let refusal = refusal(arguments);
            assert!(refusal.contains("--pin-file FILE"), "{refusal}");
            assert!(!refusal.contains("4711"), "{refusal}");
        }
        assert!(refusal(&["token", "init", "--so-pin=4711"]).contains("--so-pin-fd N"));
        let surplus = refusal(&["user", "set-pin", "alice", "4711"]);
        assert!(surplus.contains("argument too many") && !surplus.contains("4711"), "{surplus}");
    }

    #[test]
    fn complaints_are_one_line() {
        let unknown = refusal(&["token", "list", "--lable", "x"]);
        assert!(unknown.starts_with("unexpected argument '--lable' found"), "{unknown}");
        let missing = refusal(&["token", "init"]);
        assert!(missing.contains("--label"), "{missing}");
        assert!(!missing.contains('\n') && !unknown.contains('\n'));
    }

    #[test]
    fn help_is_an_answer_and_nothing_is_a_question() {
        let told = parse(["strongroom", "--help"].into_iter().map(OsString::from));
        assert!(matches!(told, Err(Early::Told(text)) if text.contains("strongroom token init --label first")));
        let lost = parse(["strongroom"].into_iter().map(OsString::from));
        assert!(matches!(lost, Err(Early::Lost(text)) if text.contains("Commands:")));
    }
}
