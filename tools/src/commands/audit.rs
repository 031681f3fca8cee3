//! `strongroom audit`: the audit log of a token.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use strongroom_core::clock::{Clock, SystemClock};
use strongroom_core::mechanism::MechanismName;
use strongroom_core::names::return_value;
use strongroom_core::object::UserId;
use strongroom_core::seal::Role;
use strongroom_core::session::application::Application;
use strongroom_core::token::Token;
use strongroom_core::token::audit::{Entry, Mark, Report, Second};

use crate::failure::Failure;
use crate::output::Answer;
use crate::place::{AsOfficer, Context};
use crate::table::{Column, Table};
use crate::text::{one_line, quoted};
use crate::time::{self, Since};

/// The commands about the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the entries of the log
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Check that the log is all there, unchanged and in its order, as the officer
    #[command(after_long_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
}

/// Options of `audit show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Only entries from this time on: 2025-01-31, 2025-01-31T08:00 (UTC), or how long ago: 30m, 12h, 7d
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Only entries by this user or about this user; a name, or a number for one who was deleted
    #[arg(long, value_name = "NAME|NUMBER")]
    user: Option<String>,
    /// Only entries about the object with this number (its handle), or with its help
    #[arg(long, value_name = "NUMBER")]
    object: Option<u64>,
    /// Only the last N of these entries
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

/// Options of `audit verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Check without an officer's PIN: finds accidents, but nobody who knows how the log is made
    #[arg(long, conflicts_with_all = ["officer", "so_pin_file", "so_pin_fd"])]
    without_pin: bool,
    /// What an earlier check told of the last entry; it must still be in the log
    #[arg(long, value_name = "SEQUENCE:HASH")]
    expect: Option<Mark>,
    /// Who checks.
    #[command(flatten)]
    officer: AsOfficer,
}

/// Runs a command about the audit log.
///
/// # Errors
/// What it refuses or fails with.
pub(crate) fn run(context: &Context, command: &AuditCommand) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let application = context.application(&hsm)?;
    match command {
        AuditCommand::Show(args) => show(context, &application, args),
        AuditCommand::Verify(args) => verify(context, &application, args),
    }
}

fn show(context: &Context, application: &Application, args: &ShowArgs) -> Result<Answer, Failure> {
    let token = application.token();
    let names = Names::of(token)?;
    let users = args.user.as_deref().map(|user| names.meant(user)).transpose()?;
    let since = args.since.map(|since| since.seen_from(SystemClock.now_ms()));
    let wanted = |entry: &Entry| {
        since.is_none_or(|since| entry.time_ms >= since)
            && args.object.is_none_or(|object| concerns_object(entry, object))
            && users.as_ref().is_none_or(|users| users.iter().any(|user| concerns_user(entry, *user)))
    };
    let mut shown = VecDeque::new();
    let mut unreadable = Vec::new();
    token.audit_entries(&mut |sequence, entry| {
        match entry {
            Ok(entry) if wanted(&entry) => shown.push_back(entry),
            Ok(_) => {}
            Err(_) => unreadable.push(sequence),
        }
        if args.last.is_some_and(|last| shown.len() > last) {
            shown.pop_front();
        }
        ControlFlow::Continue(())
    })?;
    if let Some(first) = unreadable.first() {
        let count = entries(unreadable.len() as u64);
        context.warn(&format!("{count} cannot be read, the first is {first}; 'strongroom audit verify' says more"));
    }
    let json: Vec<Value> = shown.iter().map(|entry| entry_json(entry, &names)).collect();
    Ok(Answer::new(table(&shown, &names).text(), json!({ "slot": application.slot, "entries": json })))
}

fn verify(context: &Context, application: &Application, args: &VerifyArgs) -> Result<Answer, Failure> {
    let token = application.token();
    let officer =
        match args.without_pin {
            true => None,
            false => Some(args.officer.login(context, token).map_err(|failure| {
                match failure.is(cryptoki_sys::CKR_DEVICE_ERROR) {
                    true => {
                        failure.advise("'strongroom doctor' says more; --without-pin checks the chain of the log alone")
                    }
                    false => failure,
                }
            })?),
        };
    let report = token.verify_audit(officer.as_ref(), args.expect.as_ref())?;
    let problems: Vec<Value> = report
        .problems
        .iter()
        .map(|problem| json!({ "sequence": problem.sequence, "problem": problem.what }))
        .collect();
    let json = json!({
        "slot": application.slot,
        "whole": report.problem_count == 0,
        "with_pin": report.with_key,
        "entries": report.entries,
        "last": report.last.map(|last| last.to_string()),
        "problem_count": report.problem_count,
        "problems": problems,
    });
    Ok(Answer { text: verdict(&report, args.expect.is_some()), json, faulty: report.problem_count > 0 })
}

/// What a check found, in words.
fn verdict(report: &Report, compared: bool) -> String {
    let entries = entries(report.entries);
    let mut text = match (report.problem_count, report.with_key) {
        (0, true) => format!("The audit log is whole: {entries}, all as they were written.\n"),
        (0, false) => format!("The chain of the audit log fits: {entries}.\n"),
        _ => "The audit log is not as it was written:\n".to_owned(),
    };
    for problem in &report.problems {
        text.push_str(&format!("  at {}: {}\n", problem.sequence, one_line(&problem.what)));
    }
    let more = report.problem_count - report.problems.len() as u64;
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
    if let Some(last) = report.last {
        text.push_str(&format!("Last entry: {last}\n"));
    }
    text.push_str("This is about the log alone; keys and users are checked by 'strongroom doctor'.\n");
    match (report.problem_count, report.with_key, compared) {
        (0, false, _) => text.push_str(
            "Nobody's PIN was asked for: this finds accidents, but not somebody who changed the log and computed the \
             chain anew. An officer's PIN does.\n",
        ),
        (0, true, false) => text.push_str(
            "An older copy of the whole token would look the same. Note the last entry elsewhere, and compare the next \
             time with --expect.\n",
        ),
        _ => {}
    }
    text
}

fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// The users' names by number, as far as they are known: who is there, and who is named in the log.
struct Names(BTreeMap<u64, String>);

impl Names {
    fn of(token: &Token) -> Result<Names, Failure> {
        let mut names = BTreeMap::new();
        token.audit_entries(&mut |_, entry| {
            if let Ok(entry) = entry
                && entry.event.second() == Second::User
                // Not every event about a user names the user.
                && !entry.name.is_empty()
            {
                names.insert(entry.second, entry.name);
            }
            ControlFlow::Continue(())
        })?;
        names.extend(token.users()?.into_iter().map(|user| (u64::from(user.id.0), user.name)));
        Ok(Names(names))
    }

    /// The numbers a person means: several where a name was given again.
    fn meant(&self, user: &str) -> Result<Vec<u64>, Failure> {
        if let Ok(number) = user.parse() {
            return Ok(vec![number]);
        }
        let name = user.to_lowercase();
        let meant: Vec<u64> = self.0.iter().filter(|(_, known)| **known == name).map(|(number, _)| *number).collect();
        match meant.is_empty() {
            true => Err(Failure::refused(
                cryptoki_sys::CKR_USER_TYPE_INVALID,
                format!("there is no user {} on the token, and none in its audit log", quoted(user)),
            )),
            false => Ok(meant),
        }
    }

    /// A user for a listing: the name, or the number.
    fn listed(&self, user: u64) -> String {
        match self.0.get(&user) {
            Some(name) => one_line(name),
            None => user.to_string(),
        }
    }

    /// The user an entry is about: the name there, or else the one that is known.
    fn about<'a>(&'a self, entry: &'a Entry) -> Option<&'a str> {
        let known = || self.0.get(&entry.second).map(String::as_str);
        Some(entry.name.as_str()).filter(|name| !name.is_empty()).or_else(known)
    }
}

fn concerns_user(entry: &Entry, user: u64) -> bool {
    u64::from(entry.user.0) == user || (entry.event.second() == Second::User && entry.second == user)
}

fn concerns_object(entry: &Entry, object: u64) -> bool {
    entry.object == object || (entry.event.second() == Second::Object && entry.second == object)
}

fn table(entries: &VecDeque<Entry>, names: &Names) -> Table {
    let mut table = Table::new(&[
        Column::Number("ENTRY"),
        Column::Text("TIME (UTC)"),
        Column::Text("USER"),
        Column::Text("EVENT"),
        Column::Text("OBJECT"),
        Column::Text("WITH"),
        Column::Text("MECHANISM"),
        Column::Text("RESULT"),
        Column::Number("PROCESS"),
    ]);
    let number = |number: u64| if number == 0 { "-".to_owned() } else { number.to_string() };
    for entry in entries {
        table.row(vec![
            entry.sequence.to_string(),
            time::text(entry.time_ms),
            if entry.user == UserId::NOBODY { "-".to_owned() } else { names.listed(u64::from(entry.user.0)) },
            entry.event.name().to_owned(),
            number(entry.object),
            match entry.event.second() {
                Second::User => match names.about(entry) {
                    Some(name) => format!("user {} ({})", entry.second, one_line(name)),
                    None => format!("user {}", entry.second),
                },
                _ => number(entry.second),
            },
            entry.mechanism.map_or_else(|| "-".to_owned(), |mechanism| MechanismName(mechanism).to_string()),
            return_value(entry.result).to_string(),
            entry.process.to_string(),
        ]);
    }
    table
}

fn entry_json(entry: &Entry, names: &Names) -> Value {
    let user = |number: u64| json!({ "id": number, "name": names.0.get(&number) });
    let object = |number: u64| if number == 0 { Value::Null } else { number.into() };
    let second = |kind| if entry.event.second() == kind { entry.second } else { 0 };
    json!({
        "sequence": entry.sequence,
        "time": time::rfc3339(entry.time_ms),
        "event": entry.event.name(),
        "user": if entry.user == UserId::NOBODY { Value::Null } else { user(u64::from(entry.user.0)) },
        "role": role_name(entry.role),
        "object": object(entry.object),
        "with_object": object(second(Second::Object)),
        "with_user": match second(Second::User) {
            0 => Value::Null,
            number => json!({ "id": number, "name": names.about(entry) }),
        },
        "mechanism": entry.mechanism.map(|mechanism| MechanismName(mechanism).to_string()),
        "result": return_value(entry.result).to_string(),
        "process": entry.process,
        "system_user": entry.system_user,
    })
}

fn role_name(role: u8) -> Value {
    match role {
        0 => Value::Null,
        role if role == Role::Officer as u8 => "officer".into(),
        role if role == Role::User as u8 => "user".into(),
        other => other.into(),
    }
}

const SHOW_EXAMPLES: &str = "\
Entries are numbered from 1 without gaps. WITH is the user whom an event is about, by number and name, or the other key \
that took part: the wrapping key, the key another one was derived or copied from. No PIN is needed: the log holds no \
secrets and no labels. Whether it is what was written is what 'strongroom audit verify' says. What is logged: audit in \
the configuration.

Examples:
  strongroom audit show --last 20
  strongroom audit show --since 7d --user alice
  strongroom audit show --object 12 --json";

const VERIFY_EXAMPLES: &str = "\
With an officer's PIN: every entry is there, unchanged and in its order, up to the moment at which somebody came who can \
write the files of the token. It does not show that the whole token is no older copy: note the last entry that is printed \
in another place, and give it to --expect the next time. Without a PIN: the entries follow each other, which somebody who \
changed them can have arranged. It says nothing about keys and users: 'strongroom doctor' checks these. Exit code 1 \
where something is wrong.

Examples:
  strongroom audit verify --so-pin-file officer.pin
  strongroom audit verify --expect 41:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  strongroom audit verify --without-pin --json";
