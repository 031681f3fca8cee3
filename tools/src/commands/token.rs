//! `strongroom token`: making, listing, describing and deleting tokens.

use std::ops::ControlFlow;

use clap::{Args, Subcommand};
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::error::Error;
use strongroom_core::hsm::config::StoreKind;
use strongroom_core::hsm::{Config, Hsm, Slots};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::token::{APPLIANCE_USER, Credential, DEFAULT_USER, Founding, Token, UserInfo, layout};
use strongroom_crypto::memory::constant_time_eq;

use super::user::{user_json, users_table};
use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::pin::{OfficerPin, Pin, UserPin};
use crate::place::{AsOfficer, Context, explain_login, first_officer, user_name, without_tokens};
use crate::table::{Column, Table, pairs};
use crate::terminal;
use crate::text::{any_case, counted, one_line, quoted};

/// The commands about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token in the free slot, with an officer and a user
    #[command(after_long_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// List the tokens
    #[command(after_long_help = LIST_EXAMPLES)]
    List,
    /// Show one token and its users
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show,
    /// Make a token anew in its slot: every key and user in it is gone
    #[command(after_long_help = RESET_EXAMPLES)]
    Reset(ResetArgs),
    /// Delete a token for ever, with every key in it
    #[command(after_long_help = DELETE_EXAMPLES)]
    Delete(DeleteArgs),
}

/// Options of `token init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Name of the token: 1 to 32 bytes
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// Name of its first user, who owns and uses keys
    #[arg(long, value_name = "NAME", default_value = DEFAULT_USER)]
    user: String,
    /// Make no user yet
    #[arg(long, conflicts_with_all = ["user", "pin_file", "pin_fd"])]
    no_user: bool,
    /// Give it the users and rules of a CloudHSM: the officer "admin" as user 1, the appliance user "app_user", passwords
    /// of 7 to 32 bytes without ':', six wrong ones that lock
    #[arg(long)]
    cloudhsm: bool,
    /// What the token allows: standard, strict (each key has one purpose and leaves in no way that tells it) or fips
    /// (approved algorithms only)
    #[arg(long, value_name = "POLICY", value_parser = any_case::<Policy>)]
    policy: Option<Policy>,
    /// Cost of guessing a PIN: default, strong, or test (almost none: marks the token as a test token)
    #[arg(long, value_name = "COST", value_parser = any_case::<Kdf>)]
    kdf: Option<Kdf>,
    /// Leave no copy of users' keys with the officer: a forgotten PIN then loses the user's keys
    #[arg(long)]
    no_escrow: bool,
    /// Make it even though another token has this label
    #[arg(long)]
    force: bool,
    /// The new officer's PIN.
    #[command(flatten)]
    so_pin: OfficerPin,
    /// The new user's PIN.
    #[command(flatten)]
    pin: UserPin,
}

/// Options of `token reset`.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// New name of the token: 1 to 32 bytes. Unless given, it keeps its name
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Name of its first user, who owns and uses keys
    #[arg(long, value_name = "NAME", default_value = DEFAULT_USER)]
    user: String,
    /// Make no user yet
    #[arg(long, conflicts_with_all = ["user", "pin_file", "pin_fd"])]
    no_user: bool,
    /// Give it the label even though another token has it
    #[arg(long)]
    force: bool,
    /// Do not ask to type the label
    #[arg(long)]
    yes: bool,
    /// The officer's PIN, which stays.
    #[command(flatten)]
    so_pin: OfficerPin,
    /// The new user's PIN.
    #[command(flatten)]
    pin: UserPin,
}

/// Options of `token delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Do not ask to type the label
    #[arg(long)]
    yes: bool,
    /// Do not ask for the officer's PIN: for one that is forgotten, or a token that is damaged
    #[arg(long, conflicts_with_all = ["so_pin_file", "so_pin_fd"])]
    without_pin: bool,
    /// Who allows it.
    #[command(flatten)]
    officer: AsOfficer,
}

/// Runs a command about tokens.
///
/// # Errors
/// What it refuses or fails with.
pub(crate) fn run(context: &Context, command: &TokenCommand) -> Result<Answer, Failure> {
    match command {
        TokenCommand::Init(args) => init(context, args),
        TokenCommand::List => list(context),
        TokenCommand::Show => show(context),
        TokenCommand::Reset(args) => reset(context, args),
        TokenCommand::Delete(args) => delete(context, args),
    }
}

fn init(context: &Context, args: &InitArgs) -> Result<Answer, Failure> {
    if context.global().token.is_some() {
        return Err(Failure::usage("--token names a token that is there; a new one gets its name from --label"));
    }
    let label = padded_label(&args.label)?;
    let founding = if args.cloudhsm { Founding::CloudHsm } else { Founding::Plain };
    let user = checked_name(&args.user, args.no_user, founding)?;
    let hsm = context.hsm_with(configured(context, args)?);
    refuse_same_label(context, &hsm, &args.label, args.force)?;
    let settings = hsm.config().settings;
    let officer_pin = args.so_pin.source().new_one(context, "the officer", &settings, founding)?;
    let user_pin = match args.no_user {
        true => None,
        false => {
            let who = format!("user {}", quoted(&user));
            Some(args.pin.source().new_one(context, &who, &settings, founding)?)
        }
    };
    warn_of_one_pin(context, &officer_pin, user_pin.as_ref());
    let held = hsm.hold()?;
    // Somebody may have made one meanwhile.
    refuse_same_label(context, &hsm, &args.label, args.force)?;
    let slot = make(&hsm, founding, &label, &officer_pin)?;
    drop(held);
    let user = user_pin.map(|pin| (user, pin));
    populate(&hsm, slot, &officer_pin, user.as_ref())?;
    made("Made", &hsm, slot, user.as_ref())
}

fn reset(context: &Context, args: &ResetArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let slot = context.slot(&hsm)?;
    let found = Found::read(&hsm, slot)?;
    let label = padded_label(args.label.as_deref().unwrap_or(&found.label))?;
    let name = checked_name(&args.user, args.no_user, found.founding)?;
    confirm(args.yes, &RESETS, &found.label, slot, Some(found.objects))?;
    let settings = hsm.config().settings;
    // A published password is nothing to ask for: the officer gets one of its own.
    let officer_pin = match found.is_activated() {
        true => args.so_pin.source().known(context, "the officer")?,
        false => args.so_pin.source().new_one(context, "the officer", &settings, found.founding)?,
    };
    let user = match args.no_user {
        true => None,
        false => {
            let who = format!("user {}", quoted(&name));
            Some((name, args.pin.source().new_one(context, &who, &settings, found.founding)?))
        }
    };
    let held = hsm.hold()?;
    if args.label.as_deref().is_some_and(|label| label.trim_end() != found.label) {
        refuse_same_label(context, &hsm, args.label.as_deref().unwrap_or_default(), args.force)?;
    }
    let application = hsm.application(slot)?;
    let token = application.token();
    let officer = first_officer(token)?;
    token.reinitialize(&label, officer_pin.bytes()).map_err(|error| explain_login(token, &officer, error.into()))?;
    drop(held);
    warn_of_one_pin(context, &officer_pin, user.as_ref().map(|(_, pin)| pin));
    populate(&hsm, slot, &officer_pin, user.as_ref())?;
    made("Reset", &hsm, slot, user.as_ref())
}

/// Whoever knows the one PIN is officer and user.
fn warn_of_one_pin(context: &Context, officer: &Pin, user: Option<&Pin>) {
    if user.is_some_and(|user| constant_time_eq(officer.bytes(), user.bytes())) {
        context.warn(
            "the officer and the user get the same PIN, so that whoever uses keys can manage users too; 'strongroom user \
             set-pin' changes one",
        );
    }
}

fn checked_name(user: &str, no_user: bool, founding: Founding) -> Result<String, Failure> {
    let name = user_name(user, "user")?;
    let owner = match founding {
        _ if no_user => return Ok(name),
        Founding::CloudHsm if name == APPLIANCE_USER => "the appliance user's",
        _ if name == founding.first_officer() => "the officer's",
        _ => return Ok(name),
    };
    Err(Failure::usage(format!("{} is {owner} name; the user needs another one", quoted(&name))))
}

/// Gives a token that was just made its first user.
fn populate(hsm: &Hsm, slot: u64, officer_pin: &Pin, user: Option<&(String, Pin)>) -> Result<(), Failure> {
    let Some((name, pin)) = user else { return Ok(()) };
    let application = hsm.application(slot)?;
    let token = application.token();
    token
        .login(Credential::first_officer(officer_pin.bytes()))
        .and_then(|officer| token.add_user(&officer, Role::User, name, pin.bytes()))
        .about(|| format!("the token is in slot {slot}, but without the user {}", quoted(name)))?;
    Ok(())
}

fn made(verb: &str, hsm: &Hsm, slot: u64, user: Option<&(String, Pin)>) -> Result<Answer, Failure> {
    let found = Found::read(hsm, slot)?;
    let mut text = format!("{verb} token {} in slot {slot}, serial {}", quoted(&found.label), found.serial);
    let officer = found.founding.first_officer();
    text.push_str(&match user {
        None => format!(", with the officer \"{officer}\" and no user yet.\n"),
        Some((name, _)) => format!(", with the officer \"{officer}\" and the user {}.\n", quoted(name)),
    });
    if found.test {
        text.push_str(&format!("{TEST_MARK}\n"));
    }
    Ok(Answer::new(text, json!({ "token": found.json() })))
}

/// The configuration with what the options change for this one token.
fn configured(context: &Context, args: &InitArgs) -> Result<Config, Failure> {
    let mut config = context.config()?;
    if config.store == StoreKind::Memory {
        let message = "the configuration says store = \"memory\", where a token is gone with the process that made it; \
                       set store = \"sqlite\" to make one that stays";
        return Err(Failure::refused(CKR_ACTION_PROHIBITED, message));
    }
    config.settings.policy = args.policy.unwrap_or(config.settings.policy);
    config.settings.kdf = args.kdf.unwrap_or(config.settings.kdf);
    config.settings.escrow &= !args.no_escrow;
    Ok(config)
}

/// The label as the token keeps it: 32 bytes, blanks at the end (PKCS#11 3.2 §5.5.7).
fn padded_label(label: &str) -> Result<[u8; 32], Failure> {
    if label.trim().is_empty() {
        return Err(Failure::usage("the label is empty; give the token a name"));
    }
    if label.chars().any(char::is_control) {
        return Err(Failure::usage(format!("the label {} has control characters", quoted(label))));
    }
    let mut padded = [b' '; 32];
    let place = padded.get_mut(..label.len()).ok_or_else(|| {
        Failure::usage(format!("the label {} has {} bytes, 32 are allowed", quoted(label), label.len()))
    })?;
    place.copy_from_slice(label.as_bytes());
    Ok(padded)
}

fn refuse_same_label(context: &Context, hsm: &Hsm, label: &str, force: bool) -> Result<(), Failure> {
    let label = label.trim_end();
    let slots = hsm.tokens()?.tokens;
    let same = slots.into_iter().find(|slot| hsm.token_info(*slot).is_ok_and(|info| info.label == label));
    let Some(slot) = same else { return Ok(()) };
    let there = format!("the token in slot {slot} has the label {} already", quoted(label));
    if force {
        context.warn(&format!("{there}; programs that choose by label may take either"));
        return Ok(());
    }
    Err(Failure::refused(CKR_ACTION_PROHIBITED, format!("{there}; choose another, or make a second one with --force")))
}

/// Makes the token in the free slot, in the next one where another process was faster.
fn make(hsm: &Hsm, founding: Founding, label: &[u8; 32], pin: &Pin) -> Result<u64, Failure> {
    loop {
        let Slots { free, .. } = hsm.tokens()?;
        match hsm.found_token(free, founding, label, Some(pin.bytes())) {
            Ok(()) => return Ok(free),
            Err(Error::Busy(_)) if hsm.tokens()?.free != free => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn list(context: &Context) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let Slots { tokens, free } = hsm.tokens()?;
    let mut table = Table::new(&[
        Column::Number("SLOT"),
        Column::Text("LABEL"),
        Column::Text("SERIAL"),
        Column::Text("POLICY"),
        Column::Number("USERS"),
        Column::Number("OBJECTS"),
        Column::Text("NOTES"),
    ]);
    let mut listed = Vec::new();
    let mut test = false;
    let mut faulty = false;
    for slot in &tokens {
        match Found::read(&hsm, *slot) {
            Ok(found) => {
                test |= found.test;
                table.row(vec![
                    slot.to_string(),
                    one_line(&found.label),
                    found.serial.clone(),
                    found.policy.to_string(),
                    found.users.len().to_string(),
                    found.objects.to_string(),
                    found.notes().join(", "),
                ]);
                listed.push(found.json());
            }
            Err(failure) => {
                faulty = true;
                let mut cells = vec![slot.to_string(), "(unreadable)".to_owned()];
                cells.extend(std::iter::repeat_n(String::new(), 4));
                cells.push(one_line(failure.message()));
                table.row(cells);
                listed.push(json!({ "slot": slot, "problem": failure.message() }));
            }
        }
    }
    let dir = hsm.config().dir.display().to_string();
    let mut text = match tokens.is_empty() {
        true => capitalised(&without_tokens(hsm.config())) + "\n",
        false => table.text(),
    };
    if test {
        text.push_str(&format!("{TEST_MARK}\n"));
    }
    let json = json!({ "directory": dir, "tokens": listed, "free_slot": free });
    Ok(Answer { text, json, faulty })
}

/// A refusal's words as an answer, which is a sentence.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn show(context: &Context) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let found = Found::read(&hsm, context.slot(&hsm)?)?;
    let mut lines = vec![
        ("Label", one_line(&found.label)),
        ("Slot", found.slot.to_string()),
        ("Serial", found.serial.clone()),
        ("Manufacturer", found.manufacturer.to_owned()),
        ("Model", found.model.to_owned()),
        ("Policy", found.policy.to_string()),
        ("Escrow", if found.escrow { "yes" } else { "no" }.to_owned()),
        ("Founded", if found.founding == Founding::CloudHsm { "as a CloudHSM" } else { "plain" }.to_owned()),
        ("Objects", found.objects.to_string()),
        ("Flags", found.flag_names().join(", ")),
        ("Directory", hsm.slot_dir(found.slot).display().to_string()),
    ];
    if found.test {
        lines.insert(0, ("Mark", TEST_MARK.to_owned()));
    }
    let text = format!("{}\n{}", pairs(&lines), users_table(&found.users).text());
    Ok(Answer::new(text, json!({ "token": found.json() })))
}

fn delete(context: &Context, args: &DeleteArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let slot = context.slot(&hsm)?;
    let found = match Found::read(&hsm, slot) {
        Ok(found) => Some(found),
        // A damaged token can still be deleted by whoever owns its files.
        Err(_) if args.without_pin => None,
        Err(failure) => return Err(failure.advise("--without-pin deletes a token that cannot be read")),
    };
    let label = found.as_ref().map_or_else(|| format!("slot {slot}"), |found| found.label.clone());
    confirm(args.yes, &DELETES, &label, slot, found.as_ref().map(|found| found.objects))?;
    if !args.without_pin {
        let application = hsm.application(slot)?;
        args.officer.login(context, application.token())?;
    }
    hsm.delete_token(slot)?;
    let text = format!("Deleted token {} of slot {slot}; the slot's number is not given again.\n", quoted(&label));
    let serial = found.map(|found| found.serial);
    Ok(Answer::new(text, json!({ "deleted": { "slot": slot, "label": label, "serial": serial } })))
}

/// Has the person type the label, so that no token goes by a slip of the finger.
fn confirm(yes: bool, words: &Words, label: &str, slot: u64, objects: Option<usize>) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !terminal::is_interactive() {
        let message = format!(
            "{} the token {} asks to type its label, and standard input is no terminal; --yes {} it unasked",
            words.doing,
            quoted(label),
            words.does
        );
        return Err(Failure::usage(message));
    }
    let holding = objects.map_or_else(String::new, |objects| format!(" and {} in it", counted(objects, "object")));
    terminal::say(&format!("This {} the token {} in slot {slot}{holding} for ever.", words.loses, quoted(label)))?;
    match terminal::ask("Type its label to go on:")? == label.trim() {
        true => Ok(()),
        false => {
            Err(Failure::refused(CKR_FUNCTION_CANCELED, format!("that is not the label; nothing was {}", words.done)))
        }
    }
}

/// What is shown of a token.
struct Found {
    slot: u64,
    label: String,
    serial: String,
    manufacturer: &'static str,
    model: &'static str,
    flags: u64,
    policy: Policy,
    test: bool,
    escrow: bool,
    founding: Founding,
    users: Vec<UserInfo>,
    objects: usize,
}

impl Found {
    fn read(hsm: &Hsm, slot: u64) -> Result<Found, Failure> {
        let subject = || format!("token in slot {slot}");
        let info = hsm.token_info(slot).about(subject)?;
        let application = hsm.application(slot).about(subject)?;
        let token = application.token();
        let meta = token.meta().about(subject)?;
        Ok(Found {
            slot,
            label: info.label,
            serial: info.serial,
            manufacturer: info.manufacturer,
            model: info.model,
            flags: info.flags,
            policy: meta.policy,
            test: meta.test,
            escrow: meta.escrow,
            founding: meta.founding,
            users: token.users().about(subject)?,
            objects: count_objects(token).about(subject)?,
        })
    }

    fn flag_names(&self) -> Vec<&'static str> {
        FLAGS.iter().filter(|(flag, _)| self.flags & flag != 0).map(|(_, name)| *name).collect()
    }

    /// Whether the officer has a PIN of its own.
    fn is_activated(&self) -> bool {
        !self.users.iter().any(|user| user.role == Role::Unactivated)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.test {
            notes.push("TEST TOKEN".to_owned());
        }
        if self.founding == Founding::CloudHsm {
            notes.push("CloudHSM".to_owned());
        }
        if !self.is_activated() {
            notes.push("not activated".to_owned());
        }
        if !self.users.iter().any(|user| user.role == Role::User) {
            notes.push("no user yet".to_owned());
        }
        notes.extend(self.users.iter().filter(|user| user.locked).map(|user| format!("\"{}\" is locked", user.name)));
        notes
    }

    fn json(&self) -> Value {
        json!({
            "slot": self.slot,
            "label": self.label,
            "serial": self.serial,
            "manufacturer": self.manufacturer,
            "model": self.model,
            "policy": self.policy.to_string(),
            "test": self.test,
            "escrow": self.escrow,
            "cloudhsm": self.founding == Founding::CloudHsm,
            "objects": self.objects,
            "flags": self.flag_names().iter().map(|name| name.to_lowercase()).collect::<Vec<_>>(),
            "users": self.users.iter().map(user_json).collect::<Vec<_>>(),
        })
    }
}

/// How many objects the token holds, of whatever owner.
fn count_objects(token: &Token) -> Result<usize, Error> {
    let mut count = 0;
    token.store().scan(layout::OBJECTS, None, &mut |_, _| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    Ok(count)
}

/// What marks a token whose PINs protect nothing.
pub(crate) const TEST_MARK: &str = "TEST TOKEN: its PINs are cheap to guess; keep nothing of value in it";

/// The flags of `C_GetTokenInfo` a token of ours can have (PKCS#11 3.2 §3.2).
const FLAGS: &[(u64, &str)] = &[
    (CKF_RNG, "RNG"),
    (CKF_WRITE_PROTECTED, "WRITE_PROTECTED"),
    (CKF_LOGIN_REQUIRED, "LOGIN_REQUIRED"),
    (CKF_USER_PIN_INITIALIZED, "USER_PIN_INITIALIZED"),
    (CKF_DUAL_CRYPTO_OPERATIONS, "DUAL_CRYPTO_OPERATIONS"),
    (CKF_TOKEN_INITIALIZED, "TOKEN_INITIALIZED"),
    (CKF_USER_PIN_COUNT_LOW, "USER_PIN_COUNT_LOW"),
    (CKF_USER_PIN_FINAL_TRY, "USER_PIN_FINAL_TRY"),
    (CKF_USER_PIN_LOCKED, "USER_PIN_LOCKED"),
    (CKF_SO_PIN_COUNT_LOW, "SO_PIN_COUNT_LOW"),
    (CKF_SO_PIN_FINAL_TRY, "SO_PIN_FINAL_TRY"),
    (CKF_SO_PIN_LOCKED, "SO_PIN_LOCKED"),
    (CKF_SO_PIN_TO_BE_CHANGED, "SO_PIN_TO_BE_CHANGED"),
];

const INIT_EXAMPLES: &str = "\
The officer (PKCS#11: SO) manages users and never uses keys; the user owns and uses keys. Both PINs are asked for, \
unless they are given by option or environment.

--cloudhsm is for programs and habits from AWS CloudHSM: its officer \"admin\" is active at once, programs log the user in \
with name:password, and object numbers begin at 6.

Examples:
  strongroom token init --label first
  strongroom token init --label payments --user alice --policy strict --kdf strong
  strongroom token init --label ci --kdf test --so-pin-file so.pin --pin-file user.pin
  strongroom token init --label cluster --cloudhsm --user alice
  strongroom token init --label empty --no-user --so-pin-file officer.pin";

const LIST_EXAMPLES: &str = "\
Examples:
  strongroom token list
  strongroom token list --json
  strongroom --dir /srv/tokens token list";

const SHOW_EXAMPLES: &str = "\
Examples:
  strongroom token show
  strongroom token show --token payments
  strongroom token show --token slot=2 --json";

/// How a confirmation speaks of what is about to happen.
struct Words {
    doing: &'static str,
    does: &'static str,
    loses: &'static str,
    done: &'static str,
}

const DELETES: Words = Words { doing: "deleting", does: "deletes", loses: "deletes", done: "deleted" };
const RESETS: Words = Words { doing: "resetting", does: "resets", loses: "empties", done: "reset" };

const RESET_EXAMPLES: &str = "\
The slot keeps its number, the token its name unless --label gives another, its policy, its way of founding, and its \
mark as a test token. It gets a new serial number. The officer's PIN is needed, and stays (where a \
fresh CloudHSM's officer is not activated yet, it is a new one, and activates); the user gets a new one. For tests that begin with an \
empty token: other than delete and init it leaves the slot where it is.

Examples:
  strongroom token reset --token payments
  strongroom token reset --token ci --yes --so-pin-file so.pin --pin-file user.pin";

const DELETE_EXAMPLES: &str = "\
The label is asked for as a confirmation, and the officer's PIN is needed, so that neither a slip nor a stranger at an \
open terminal deletes keys. The PIN is a guard against accidents, not against the owner of the files, who can remove \
them anyway: --without-pin is for a forgotten PIN or a damaged token. Close the programs that use the token first. A \
deleted token does not come back, and its slot number is not given again.

Examples:
  strongroom token delete --token payments
  strongroom token delete --token slot=2 --yes --so-pin-file officer.pin
  strongroom token delete --token slot=3 --without-pin";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_32_bytes() {
        assert_eq!(&padded_label("a b").unwrap()[..4], b"a b ");
        assert_eq!(padded_label(&"ä".repeat(16)).unwrap(), *"ä".repeat(16).as_bytes().first_chunk::<32>().unwrap());
        let refusal = padded_label(&"x".repeat(33)).unwrap_err();
        assert!(refusal.message().contains("33 bytes, 32 are allowed"), "{}", refusal.message());
        assert!(padded_label(" ").is_err());
        assert!(padded_label("a\nb").unwrap_err().message().contains("a\\nb"));
    }
}
