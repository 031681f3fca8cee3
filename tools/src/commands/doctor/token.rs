//! The checks of each token: its store, its own record, its users, and every object as far as it can be opened.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use strongroom_core::error::Error;
use strongroom_core::hsm::{Config, Hsm};
use strongroom_core::object::UserId;
use strongroom_core::seal::{Envelope, Role, User};
use strongroom_core::session::application::Application;
use strongroom_core::token::{Login, Meta, Token, UserInfo, layout};

use super::{DoctorArgs, Findings};
use crate::commands::token::TEST_MARK;
use crate::failure::Failure;
use crate::place::{Context, unlocking_approvals};
use crate::terminal::Progress;
use crate::text::{counted, quoted};

/// Checks every token, or the one that is meant.
///
/// # Errors
/// Where `--token` names none.
pub(crate) fn check_all(
    context: &Context,
    args: &DoctorArgs,
    config: &Config,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let hsm = context.hsm_with(config.clone());
    let slots = match hsm.tokens() {
        Ok(slots) => slots.tokens,
        Err(error) => {
            findings.error("tokens", error.to_string(), "let this user read the directory");
            return Ok(());
        }
    };
    if slots.is_empty() && context.global().token.is_none() {
        findings.ok("tokens", "there is none yet; 'strongroom token init' makes one");
        return Ok(());
    }
    let chosen = match (context.global().token.is_some(), slots.as_slice()) {
        (false, [_, _, ..]) => None,
        _ => Some(context.slot(&hsm)?),
    };
    if chosen.is_none() && args.user.pin.source().is_given() {
        findings.warning("tokens", "the PIN was not tried: there are several tokens", "say which one with --token");
    }
    check_serials(&hsm, &slots, findings);
    let option = |slot: u64| if slots.len() > 1 { format!(" --token slot={slot}") } else { String::new() };
    for slot in slots.iter().copied().filter(|slot| chosen.is_none_or(|chosen| chosen == *slot)) {
        let subject = format!("slot {slot}");
        match hsm.application(slot) {
            Ok(application) => {
                let with_pin = chosen.is_some() && args.user.pin.source().is_given();
                check(context, args, &hsm, &Examined { application, with_pin, option: option(slot) }, findings);
            }
            Err(error) => {
                let advice = "restore the directory of this slot from a backup";
                findings.error(&subject, format!("the token cannot be opened: {error}"), advice);
            }
        }
    }
    Ok(())
}

/// A copied directory is a token with the serial number of another.
fn check_serials(hsm: &Hsm, slots: &[u64], findings: &mut Findings) {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for (slot, info) in slots.iter().filter_map(|slot| Some((*slot, hsm.token_info(*slot).ok()?))) {
        let Some(first) = seen.get(&info.serial) else {
            seen.insert(info.serial, slot);
            continue;
        };
        let message = format!("slots {first} and {slot} have the same serial number {}: one is a copy", info.serial);
        let advice = "programs that choose by serial number take either; move the directory of the copy elsewhere";
        findings.warning("tokens", message, advice);
    }
}

/// A token that is being checked.
struct Examined {
    application: Arc<Application>,
    /// Whether a PIN was given for it.
    with_pin: bool,
    /// What commands need to mean it, with a blank before.
    option: String,
}

fn check(context: &Context, args: &DoctorArgs, hsm: &Hsm, examined: &Examined, findings: &mut Findings) {
    let application = &examined.application;
    let subject = format!("slot {}", application.slot);
    let token = application.token();
    check_store(token, &subject, findings);
    let meta = match token.meta() {
        Ok(meta) => meta,
        Err(error) => {
            findings.error(&subject, format!("the token's record: {error}"), BACKUP);
            return;
        }
    };
    let text = format!(
        "token {}, serial {}: its record is signed by its authority",
        quoted(&meta.label_text()),
        meta.serial()
    );
    findings.ok(&subject, text);
    if meta.test {
        findings.warning(&subject, TEST_MARK, "make a token without kdf = \"test\" for real keys");
    }
    check_audit(token, (&subject, &examined.option), findings);
    let users = check_users(token, &meta, (&subject, &examined.option), findings);
    let login = match examined.with_pin {
        true => login(context, args, hsm, application, &subject, findings),
        false => None,
    };
    check_objects(token, &users, login.as_deref(), &subject, findings);
}

/// The chain of the audit log; what its MACs say takes an officer's PIN.
fn check_audit(token: &Token, (subject, option): (&str, &str), findings: &mut Findings) {
    let advice = format!("'strongroom audit verify{option}' with the officer's PIN says more");
    match token.verify_audit(None, None) {
        Ok(report) => match report.problems.first() {
            None => {
                findings.ok(subject, format!("the chain of the audit log fits; its last entry is {}", report.entries))
            }
            Some(problem) => {
                findings.error(
                    subject,
                    format!("the audit log, at entry {}: {}", problem.sequence, problem.what),
                    &advice,
                );
            }
        },
        Err(error) => findings.error(subject, format!("the audit log cannot be read: {error}"), &advice),
    }
}

fn check_store(token: &Token, subject: &str, findings: &mut Findings) {
    match token.store().check() {
        Ok(problems) if problems.is_empty() => findings.ok(subject, "the store is whole"),
        Ok(problems) => {
            for problem in problems {
                findings.error(subject, format!("the store: {problem}"), BACKUP);
            }
        }
        Err(error) => findings.error(subject, format!("the store cannot be checked: {error}"), BACKUP),
    }
}

/// Every user record decodes, has its own number and is certified by the token's authority.
fn check_users(
    token: &Token,
    meta: &Meta,
    (subject, option): (&str, &str),
    findings: &mut Findings,
) -> BTreeSet<UserId> {
    let mut records = Vec::new();
    let scanned = token.store().scan(layout::USERS, None, &mut |key, record| {
        records.push((key.to_vec(), record.to_vec()));
        ControlFlow::Continue(())
    });
    if let Err(error) = scanned {
        findings.error(subject, format!("the users cannot be read: {error}"), BACKUP);
    }
    let mut sound = BTreeSet::new();
    for (key, record) in &records {
        let number = layout::user_number(key).map_or_else(String::new, |number| format!(" {}", number.0));
        let problem = match User::decode(record) {
            Ok(user) if layout::user(user.id).as_slice() != key.as_slice() => {
                format!("({}) is in the wrong place", quoted(&user.name))
            }
            Ok(user) if !user.is_certified(&meta.id, &meta.authority) => {
                format!("({}) was changed from outside", quoted(&user.name))
            }
            Ok(user) => {
                sound.insert(user.id);
                continue;
            }
            Err(error) => format!("cannot be read: {error}"),
        };
        findings.error(subject, format!("the record of user{number} {problem}"), BACKUP);
    }
    if sound.len() == records.len() {
        findings.ok(subject, format!("{} certified by the token's authority", counted(sound.len(), "user")));
        let users = token.users().unwrap_or_default();
        check_states(token, &users, subject, option, findings);
    }
    sound
}

/// Users who cannot do what they are there for.
fn check_states(token: &Token, users: &[UserInfo], subject: &str, option: &str, findings: &mut Findings) {
    for user in users.iter().filter(|user| user.locked) {
        let message = format!("{} is locked after too many wrong PINs", quoted(&user.name));
        let advice = match user.role {
            Role::User => {
                let takes = unlocking_approvals(token).map_or_else(String::new, |takes| format!(" ({takes})"));
                format!("strongroom user unlock {}{option}{takes}", user.name)
            }
            _ => "another officer can unlock this one; without any, nobody can manage users".to_owned(),
        };
        findings.warning(subject, message, advice);
    }
    for user in users.iter().filter(|user| user.role == Role::Unactivated) {
        findings.warning(
            subject,
            format!("{} is not activated: its password is the published one of a fresh HSM", quoted(&user.name)),
            format!("strongroom user set-pin {}{option}", user.name),
        );
    }
    if !users.iter().any(|user| user.role == Role::User) {
        findings.warning(
            subject,
            "there is no user yet, so no key can be made",
            format!("strongroom user add user{option}"),
        );
    }
    if !users.iter().any(|user| user.role.is_security_officer()) {
        findings.error(subject, "there is no officer, so nobody can manage users", BACKUP);
    }
}

fn login(
    context: &Context,
    args: &DoctorArgs,
    hsm: &Hsm,
    application: &Arc<Application>,
    subject: &str,
    findings: &mut Findings,
) -> Option<Arc<Login>> {
    let token = application.token();
    // A PIN in the environment is for whoever needs it; that it is nobody's here is nothing wrong with the token.
    if args.user.user.is_none()
        && let Err(failure) = args.user.name(token)
    {
        let users = token.users().unwrap_or_default().into_iter().filter(|user| user.role == Role::User);
        let names: Vec<String> = users.map(|user| user.name).collect();
        match names.as_slice() {
            [] => findings.ok(subject, format!("private objects were not checked: {}", failure.message())),
            names => findings.ok(
                subject,
                format!(
                    "private objects were not checked: give --user NAME and a PIN; the users are {}",
                    names.join(", ")
                ),
            ),
        }
        return None;
    }
    match args.user.session(context, hsm, false) {
        Ok(_) => {
            let login = application.login();
            if let Some(login) = &login {
                findings.ok(subject, format!("{} can log in", quoted(&login.name)));
            }
            login
        }
        Err(failure) => {
            findings.error(subject, format!("no login: {}", failure.message()), "give the right PIN, or none");
            None
        }
    }
}

/// What is wrong with the objects, and how many were opened.
#[derive(Default)]
struct Objects {
    opened: usize,
    closed: usize,
    broken: usize,
    strangers: usize,
}

/// Every object opens, or at least its envelope does where nobody with a key to it is logged in.
fn check_objects(
    token: &Token,
    users: &BTreeSet<UserId>,
    login: Option<&Login>,
    subject: &str,
    findings: &mut Findings,
) {
    let mut envelopes = Vec::new();
    let scanned = token.store().scan(layout::OBJECTS, None, &mut |key, record| {
        let envelope = Envelope::read(record).map(|envelope| (envelope.ownership.owner, envelope.is_public()));
        envelopes.push((layout::object_number(key), envelope));
        ControlFlow::Continue(())
    });
    if let Err(error) = scanned {
        findings.error(subject, format!("the objects cannot be read: {error}"), BACKUP);
        return;
    }
    let mut objects = Objects::default();
    let progress = Progress::new("checking objects", envelopes.len());
    for (done, (number, envelope)) in envelopes.into_iter().enumerate() {
        progress.at(done);
        let Some(number) = number else {
            objects.broken += 1;
            findings.error(subject, "an object record is in the wrong place", BACKUP);
            continue;
        };
        match open(token, number, envelope, login) {
            Ok(Some(owner)) => {
                objects.opened += 1;
                objects.strangers += usize::from(owner != UserId::NOBODY && !users.contains(&owner));
            }
            Ok(None) => objects.closed += 1,
            Err(error) => {
                objects.broken += 1;
                // A thousand broken objects are one problem.
                if objects.broken <= NAMED_MAX {
                    findings.error(subject, format!("object {number}: {error}"), "delete it, or restore a backup");
                }
            }
        }
    }
    drop(progress);
    objects.tell(subject, findings);
}

impl Objects {
    fn tell(&self, subject: &str, findings: &mut Findings) {
        if self.broken > NAMED_MAX {
            findings.error(subject, format!("{} are broken in all", counted(self.broken, "object")), BACKUP);
        }
        if self.strangers > 0 {
            let message = format!("{} to users who do not exist", belong(self.strangers));
            findings.warning(subject, message, "they can be read but not changed");
        }
        let closed = match self.closed {
            0 => String::new(),
            closed => format!(", {closed} private and not opened for want of the owner's PIN"),
        };
        findings.ok(subject, format!("{} opened{closed}", counted(self.opened, "object")));
    }
}

/// Opens an object; its owner where that worked, nothing where the caller has no key to it.
fn open(
    token: &Token,
    number: u64,
    envelope: Result<(UserId, bool), Error>,
    login: Option<&Login>,
) -> Result<Option<UserId>, Error> {
    let (owner, public) = envelope?;
    let mine = login.is_some_and(|login| login.user == owner);
    if !public && !mine {
        return Ok(None);
    }
    match token.object(number, login) {
        Ok(_) => Ok(Some(owner)),
        // Another program may have deleted it meanwhile.
        Err(Error::NoObject(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn belong(count: usize) -> String {
    format!("{} belong{}", counted(count, "object"), if count == 1 { "s" } else { "" })
}

const BACKUP: &str = "restore the token from a backup";
/// Broken objects that get a line of their own.
const NAMED_MAX: usize = 20;
