//! How the tool is started: with one command, or with a prompt.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::Value;
use strongroom_core::seal::Role;
use zeroize::Zeroizing;

use super::Tool;
use super::answer::{Answer, Refused, envelope};
use super::commands::{Command, Invocation, Line, set_aside};
use super::login::log_in;
use super::user::RoleName;
use crate::cloudhsm::link::Link;
use crate::cloudhsm::passwords::REST_UNREAD;
use crate::cloudhsm::words;
use crate::input::Lines;
use crate::{output, text};

/// Runs the tool with the arguments of the process.
pub fn run() -> ExitCode {
    let invocation = match Invocation::try_parse() {
        Ok(invocation) => invocation,
        Err(early) => {
            let argument = words::of_arguments(std::env::args_os()).err();
            return match argument.filter(|_| early.kind() == ErrorKind::InvalidUtf8) {
                Some(problem) => {
                    say(&problem);
                    ExitCode::from(MISTYPED)
                }
                None => mistyped(&early),
            };
        }
    };
    let link = match &invocation.cluster_id {
        Some(id) => Link::named("--cluster-id", Some(id.clone())),
        None => Link::find(),
    };
    let mut tool = match link {
        Ok(link) => link.map(|link| Tool { link, aside: None }),
        Err(problem) => return ExitCode::from(print(&Err(Refused::Said(problem)), None)),
    };
    ExitCode::from(match &invocation.command {
        Command::Interactive => interactive(&mut tool),
        command => single(&mut tool, command),
    })
}

/// One command, for whom the environment logs in where the command needs a login.
fn single(tool: &mut Option<Tool>, command: &Command) -> u8 {
    let run = |tool: &mut Tool| {
        if command.needs_login() {
            log_in_from_environment(tool)?;
        }
        command.run(tool)
    };
    let answer = command.without_hsm().unwrap_or_else(|| at_hsm(tool, command).and_then(run));
    conclude(tool.as_ref(), command, &answer)
}

/// The tool at its HSM. Where there is no token, a command one begins with makes a fresh HSM.
fn at_hsm<'a>(tool: &'a mut Option<Tool>, command: &Command) -> Result<&'a mut Tool, Refused> {
    let ready = match tool.take() {
        Some(tool) => tool,
        None if command.begins() => {
            let (link, directory) = Link::fresh().map_err(Refused::Said)?;
            if let Some(warning) = link.open_directory() {
                say(&format!("warning: {warning}"));
            }
            say(&format!(
                "a fresh HSM was made in {}; 'cluster activate' gives its admin a password",
                directory.display()
            ));
            Tool { link, aside: None }
        }
        None => return Err(Refused::Said(Link::absence())),
    };
    Ok(tool.insert(ready))
}

/// Lines with a command each, until one says `quit` or there are no more. At a terminal there is a prompt, through a
/// pipe there are the answers alone. The status says whether all could be done.
fn interactive(tool: &mut Option<Tool>) -> u8 {
    let prompts = std::io::stdin().is_terminal();
    let mut lines = Lines::standard(LINE_BYTES_MAX);
    let mut status = 0;
    loop {
        if prompts && output::write(PROMPT.as_bytes()).is_err() {
            return 1;
        }
        let done = match lines.next() {
            Ok(Some(Ok(line))) => typed(tool, &line),
            Ok(Some(Err(problem))) => ControlFlow::Continue(print(&Err(Refused::Said(problem)), None)),
            Ok(None) => break,
            Err(error) => {
                say(&format!("standard input cannot be read: {error}"));
                return 1;
            }
        };
        let (ControlFlow::Continue(code) | ControlFlow::Break(code)) = done;
        status = status.max(code);
        if done.is_break() {
            break;
        }
    }
    status
}

/// Carries out a line; its code, and whether it is the last.
fn typed(tool: &mut Option<Tool>, line: &str) -> ControlFlow<u8, u8> {
    use ControlFlow::{Break, Continue};
    let mut words = match words::split_within(line, LINE_BYTES_MAX) {
        Ok(words) if words.is_empty() => return Continue(0),
        Ok(words) => words,
        Err(problem) => return Continue(print(&Err(Refused::Said(problem)), None)),
    };
    let aside = set_aside(&mut words);
    let typed = match Line::try_parse_from(words.iter().map(|word| word.as_str())) {
        Ok(Line { command: Command::Quit, .. }) => return Break(0),
        Ok(typed) => typed,
        Err(early) => return Continue(u8::from(mistyped(&early) != ExitCode::SUCCESS)),
    };
    let command = &typed.command;
    let run = |tool: &mut Tool| {
        tool.aside = aside;
        match other_cluster(tool, typed.cluster_id.as_deref()) {
            Some(refused) => Err(refused),
            None => command.run(tool),
        }
    };
    let answer = command.without_hsm().unwrap_or_else(|| at_hsm(tool, command).and_then(run));
    let code = conclude(tool.as_ref(), command, &answer);
    match answer {
        Err(Refused::Unasked(_)) => {
            say(REST_UNREAD);
            Break(code)
        }
        _ => Continue(code),
    }
}

/// The session is on one token: a line can name it, and no other.
fn other_cluster(tool: &Tool, wanted: Option<&str>) -> Option<Refused> {
    let wanted = wanted?;
    let label = match tool.link.token().meta() {
        Ok(meta) => meta.label_text(),
        Err(error) => return Some(error.into()),
    };
    let words = || format!("This session is on {label}. Start the tool anew with --cluster-id {wanted}.");
    (label != wanted).then(|| Refused::Said(words()))
}

fn conclude(tool: Option<&Tool>, command: &Command, answer: &Answer) -> u8 {
    match (command, answer) {
        (Command::Quit, Ok(_)) => 0,
        _ => print(answer, tool.and_then(|tool| tool.link.login()).map(|login| login.role)),
    }
}

/// Logs in as CLOUDHSM_ROLE and CLOUDHSM_PIN say.
fn log_in_from_environment(tool: &mut Tool) -> Result<(), Refused> {
    let set = |variable: &str| {
        let value = std::env::var(variable).ok().map(Zeroizing::new).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            Refused::Said(format!(
                "{variable} is not set. Set {ROLE_VARIABLE} (admin or crypto-user) and {PIN_VARIABLE} (user:password) for \
                 this command."
            ))
        })
    };
    let (role, pin) = (set(ROLE_VARIABLE)?, set(PIN_VARIABLE)?);
    let role = RoleName::named(&role).ok_or_else(|| {
        Refused::Said(format!("{ROLE_VARIABLE} takes admin or crypto-user; what is in it is neither."))
    })?;
    let (name, password) = pin
        .split_once(':')
        .ok_or_else(|| Refused::Said(format!("{PIN_VARIABLE} is not of the form user:password.")))?;
    log_in(tool, name, role, password.as_bytes())
}

/// Help and usage, as clap says them, but for what would move a terminal's cursor.
fn mistyped(early: &clap::Error) -> ExitCode {
    let said = early.to_string();
    // Where nobody listens there is nobody to tell.
    let _ = match text::lines(&said) {
        Cow::Borrowed(_) => early.print(),
        Cow::Owned(safe) => std::io::stderr().lock().write_all(safe.as_bytes()),
    };
    ExitCode::from(u8::try_from(early.exit_code()).unwrap_or(MISTYPED))
}

fn print(answer: &Answer, role: Option<Role>) -> u8 {
    let (text, code, evidence) = envelope(answer, role);
    if let Some(evidence) = evidence {
        say(&evidence);
    }
    match output::write(text.as_bytes()) {
        Ok(()) => code,
        Err(failure) => {
            let keys = answer.as_ref().map(keys_of).unwrap_or_default();
            match keys.is_empty() {
                true => say(failure.message()),
                false => say(&format!("{}; the command was carried out: {}", failure.message(), keys.join(", "))),
            }
            1
        }
    }
}

/// The keys an answer is about, which nobody else says: those that were made, for example.
fn keys_of(data: &Value) -> Vec<String> {
    let parts = [("key", "key"), ("public_key", "public key"), ("private_key", "private key")];
    let parts = parts.iter().filter_map(|(field, name)| Some((*name, data.get(field)?)));
    let whole = std::iter::once(("key", data));
    let reference = |(name, value): (&str, &Value)| Some(format!("{name} {}", value.get("key-reference")?.as_str()?));
    whole.chain(parts).filter_map(reference).collect()
}

/// Says something to the person, not to the script.
fn say(message: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "cloudhsm-cli: {}", text::one_line(message));
}

/// The exit status where a command cannot be read.
const MISTYPED: u8 = 2;
const PROMPT: &str = "aws-cloudhsm > ";
const ROLE_VARIABLE: &str = "CLOUDHSM_ROLE";
const PIN_VARIABLE: &str = "CLOUDHSM_PIN";
/// Room for a wrapped key in base64.
const LINE_BYTES_MAX: usize = 64 * 1024;
