//! The place a command works at: the configuration in force, the token that is meant, and who logs in to it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use cryptoki_sys::{CKR_ARGUMENTS_BAD, CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT, CKU_USER};
use strongroom_core::access::Service;
use strongroom_core::hsm::config::StoreKind;
use strongroom_core::hsm::{Config, Hsm, Options};
use strongroom_core::seal::Role;
use strongroom_core::session::Session;
use strongroom_core::session::application::Application;
use strongroom_core::token::{Credential, DEFAULT_USER, FIRST_OFFICER, Founding, Login, Token, UserInfo, check_name};

use crate::args::Global;
use crate::failure::{Explain, Failure};
use crate::output;
use crate::pin::{OfficerPin, UserPin};
use crate::text::{counted, quoted, shell_path};

/// What every command gets: the global options, and what the process has used up.
pub(crate) struct Context {
    global: Global,
    descriptors: RefCell<BTreeSet<u32>>,
}

/// The user who works with keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AsUser {
    /// User to log in as [default: the only user, of several the one named "user"]
    #[arg(long, value_name = "NAME", help_heading = "PINs")]
    pub(crate) user: Option<String>,
    /// The user's PIN.
    #[command(flatten)]
    pub(crate) pin: UserPin,
}

/// The officer who manages users.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AsOfficer {
    /// Officer to log in as [default: the token's first one, "so" or "admin"]
    #[arg(long, value_name = "NAME", help_heading = "PINs")]
    pub(crate) officer: Option<String>,
    /// The officer's PIN.
    #[command(flatten)]
    pub(crate) pin: OfficerPin,
}

impl Context {
    /// The place these options name.
    pub(crate) fn new(global: Global) -> Context {
        Context { global, descriptors: RefCell::default() }
    }

    /// Whether answers are JSON.
    pub(crate) fn json(&self) -> bool {
        self.global.json
    }

    /// The global options.
    pub(crate) fn global(&self) -> &Global {
        &self.global
    }

    /// Warns, and goes on.
    pub(crate) fn warn(&self, message: &str) {
        output::warn(message, self.json());
    }

    /// The configuration in force.
    ///
    /// # Errors
    /// A configuration file that cannot be used.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let options = Options { dir: self.global.dir.clone(), conf: self.global.conf.clone() };
        Ok(Config::load(options)?)
    }

    /// The HSM under this configuration.
    pub(crate) fn hsm_with(&self, config: Config) -> Hsm {
        Hsm::with(config, Arc::new(strongroom_crypto::random::System))
    }

    /// The HSM.
    ///
    /// # Errors
    /// As [`Context::config`].
    pub(crate) fn hsm(&self) -> Result<Hsm, Failure> {
        Ok(self.hsm_with(self.config()?))
    }

    /// The slot of the token that is meant: the one `--token` names, or the only one.
    ///
    /// # Errors
    /// None such, or several.
    pub(crate) fn slot(&self, hsm: &Hsm) -> Result<u64, Failure> {
        let slots = hsm.tokens()?.tokens;
        if slots.is_empty() {
            return Err(no_token(hsm.config()));
        }
        match (&self.global.token, slots.as_slice()) {
            (None, [only]) => Ok(*only),
            (None, _) => Err(Failure::refused(
                CKR_ARGUMENTS_BAD,
                format!(
                    "there are {}; say which one with --token: {}",
                    counted(slots.len(), "token"),
                    listing(hsm, &slots)
                ),
            )),
            (Some(wanted), _) => match matching(hsm, &slots, wanted).as_slice() {
                [only] => Ok(*only),
                [] => Err(Failure::refused(
                    CKR_SLOT_ID_INVALID,
                    format!("there is no token {}; there are: {}", quoted(wanted), listing(hsm, &slots)),
                )),
                several => Err(Failure::refused(
                    CKR_ARGUMENTS_BAD,
                    format!("several tokens are {}; say slot=N or serial=S: {}", quoted(wanted), listing(hsm, several)),
                )),
            },
        }
    }

    /// The token that is meant.
    ///
    /// # Errors
    /// As [`Context::slot`]; a token that cannot be read.
    pub(crate) fn application(&self, hsm: &Hsm) -> Result<Arc<Application>, Failure> {
        let slot = self.slot(hsm)?;
        hsm.application(slot).about(|| format!("token in slot {slot}"))
    }

    /// Notes that a descriptor is read to its end, which works once.
    ///
    /// # Errors
    /// The second time.
    pub(crate) fn claim_descriptor(&self, descriptor: u32) -> Result<(), Failure> {
        match self.descriptors.borrow_mut().insert(descriptor) {
            true => Ok(()),
            false => Err(Failure::usage(format!("descriptor {descriptor} is named twice; each PIN needs its own"))),
        }
    }
}

impl AsUser {
    /// A session of the user who logs in.
    ///
    /// # Errors
    /// The PIN's, explained.
    pub(crate) fn session(&self, context: &Context, hsm: &Hsm, read_write: bool) -> Result<Arc<Session>, Failure> {
        let application = context.application(hsm)?;
        let name = self.name(application.token())?;
        let pin = self.pin.source().known(context, &format!("user {}", quoted(&name)))?;
        let session = hsm.session(hsm.open_session(application.slot, read_write)?)?;
        // Where nobody is named, the PIN itself may name the user (name:password), as in every program.
        let named = (self.user.is_some() || name != DEFAULT_USER).then_some(name.as_bytes());
        let result = session.login(CKU_USER, Some(pin.bytes()), named);
        result.map_err(|error| {
            let failure = explain_login(application.token(), &name, error.into());
            match failure.is(cryptoki_sys::CKR_PIN_INCORRECT) && self.user.is_none() && others(application.token()) {
                true => failure.advise("--user names another user"),
                false => failure,
            }
        })?;
        Ok(session)
    }

    /// The name of the user who is meant.
    ///
    /// # Errors
    /// Several users, none of them the default one; no user at all; a name that cannot be one.
    pub(crate) fn name(&self, token: &Token) -> Result<String, Failure> {
        let users = token.users()?;
        let names: Vec<&str> =
            users.iter().filter(|user| user.role == Role::User).map(|user| user.name.as_str()).collect();
        if let Some(name) = &self.user {
            let name = user_name(name, "user")?;
            if users.iter().any(|user| user.role.is_security_officer() && user.name == name) {
                return Err(Failure::refused(
                    cryptoki_sys::CKR_USER_TYPE_INVALID,
                    format!(
                        "{} is a security officer, who manages users and uses no keys; the users are: {}",
                        quoted(&name),
                        those(&names)
                    ),
                ));
            }
            return match names.contains(&name.as_str()) {
                true => Ok(name),
                false => Err(no_such_user(&name, "user", &names)),
            };
        }
        match names.as_slice() {
            [] => Err(Failure::refused(
                cryptoki_sys::CKR_USER_PIN_NOT_INITIALIZED,
                "the token has no user yet; make one with: strongroom user add user",
            )),
            [only] => Ok((*only).to_owned()),
            several if several.contains(&DEFAULT_USER) => Ok(DEFAULT_USER.to_owned()),
            several => {
                Err(Failure::refused(CKR_ARGUMENTS_BAD, format!("say who logs in with --user: {}", several.join(", "))))
            }
        }
    }
}

impl AsOfficer {
    /// Logs the officer in.
    ///
    /// # Errors
    /// The PIN's, explained.
    pub(crate) fn login(&self, context: &Context, token: &Token) -> Result<Login, Failure> {
        let name = match &self.officer {
            Some(name) => user_name(name, "officer")?,
            None => first_officer(token)?,
        };
        let users = token.users()?;
        let officers = users.iter().filter(|user| user.role.is_security_officer());
        let officers: Vec<&str> = officers.map(|user| user.name.as_str()).collect();
        if !officers.contains(&name.as_str()) {
            return Err(no_such_user(&name, "officer", &officers));
        }
        let pin = self.pin.source().known(context, &format!("officer {}", quoted(&name)))?;
        let credential = Credential { role: Role::Officer, name: Some(name.as_bytes()), pin: pin.bytes() };
        token.login(credential).map_err(|error| explain_login(token, &name, error.into()))
    }
}

/// The name of the officer who is meant where nobody is named.
///
/// # Errors
/// The store's.
pub(crate) fn first_officer(token: &Token) -> Result<String, Failure> {
    let first = token.users()?.into_iter().find(|user| user.id == FIRST_OFFICER);
    Ok(first.map_or_else(|| Founding::Plain.first_officer().to_owned(), |user| user.name))
}

/// A name that was typed, in the form it is kept in.
///
/// # Errors
/// A name that no user can have.
pub(crate) fn user_name(name: &str, role: &str) -> Result<String, Failure> {
    check_name(name.as_bytes()).map_err(|error| Failure::usage(format!("{role} {}: {error}", quoted(name))))
}

/// The user of this name, in either role.
///
/// # Errors
/// None such.
pub(crate) fn find_user(token: &Token, name: &str) -> Result<UserInfo, Failure> {
    let name = user_name(name, "user")?;
    let users = token.users()?;
    let names: Vec<String> = users.iter().map(|user| user.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    users.into_iter().find(|user| user.name == name).ok_or_else(|| no_such_user(&name, "user", &names))
}

/// A refused login with what a person wants to know next.
pub(crate) fn explain_login(token: &Token, name: &str, failure: Failure) -> Failure {
    let users = token.users().unwrap_or_default();
    let failure = failure.about(&quoted(name));
    let Some(user) = users.iter().find(|user| user.name == name) else { return failure };
    let wrong = failure.is(cryptoki_sys::CKR_PIN_INCORRECT);
    if user.locked {
        // The last wrong PIN is answered as a wrong one; that it locked the user must be said here.
        let failure = match (wrong, user.role) {
            (false, _) => failure,
            (true, Role::User) => failure.advise("the user is now locked"),
            (true, _) => failure.advise("the officer is now locked"),
        };
        let failure = failure.advise(&unlocking(user, &users, "PIN", |whom| {
            format!("'strongroom user set-pin {whom} --reset' sets a new one")
        }));
        return match unlocking_approvals(token) {
            Some(takes) => failure.advise(&takes),
            None => failure,
        };
    }
    match wrong {
        true => {
            let left = counted(user.attempts_left as usize, "attempt");
            failure.advise(&format!("{left} left before the user is locked"))
        }
        false => failure,
    }
}

/// Who unlocks a locked user, and how. `secret` is what tools call a PIN, and `anew` says how an officer sets a new
/// one, given who is meant.
pub(crate) fn unlocking(user: &UserInfo, users: &[UserInfo], secret: &str, anew: impl Fn(&str) -> String) -> String {
    let by = |whom: &str| {
        let anew = if user.escrowed { format!(", {}", anew(whom)) } else { String::new() };
        format!("'strongroom user unlock {whom}' leaves the {secret} as it is{anew}")
    };
    let name = &user.name;
    match (user.role, users.iter().find(|other| other.role == Role::Officer && other.id != user.id)) {
        (Role::User, _) => format!("an officer unlocks the user: {}", by(name)),
        (_, Some(other)) => {
            format!("another officer can unlock this one: {}", by(&format!("{name} --officer {}", other.name)))
        }
        (_, None) => "there is no other officer who could unlock this one; users go on with their keys".to_owned(),
    }
}

/// What setting a PIN or an unlocking takes where several officers must approve of it.
pub(crate) fn unlocking_approvals(token: &Token) -> Option<String> {
    let needed = token.quorum_value(Service::UserManagement).ok().filter(|needed| *needed > 1)?;
    Some(format!("this takes the approval of {}", counted(needed.into(), "officer")))
}

/// Whether the token has several users.
fn others(token: &Token) -> bool {
    token.users().is_ok_and(|users| users.iter().filter(|user| user.role == Role::User).count() > 1)
}

/// What is said of a directory or file that other users of the machine may open, and what to do about it.
pub(crate) fn open_to_others(path: &Path, found: &Metadata) -> Option<(String, String)> {
    let wanted = if found.is_dir() { "700" } else { "600" };
    let said = || {
        let message = format!("{} is open to other users (mode {:04o})", path.display(), found.mode() & 0o7777);
        (message, format!("chmod {wanted} {}", shell_path(path)))
    };
    (found.mode() & 0o077 != 0).then(said)
}

/// What is said before a token is made in a directory that other users may open.
pub(crate) fn open_directory(config: &Config) -> Option<String> {
    let found = std::fs::metadata(&config.dir).ok().filter(|_| config.store == StoreKind::Sqlite)?;
    let (message, advice) = open_to_others(&config.dir, &found)?;
    Some(format!("{message}; {advice}"))
}

fn no_such_user(name: &str, role: &str, names: &[&str]) -> Failure {
    Failure::refused(
        cryptoki_sys::CKR_USER_TYPE_INVALID,
        format!("there is no {role} {} on the token; there are: {}", quoted(name), those(names)),
    )
}

fn those(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn no_token(config: &Config) -> Failure {
    Failure::refused(CKR_TOKEN_NOT_PRESENT, without_tokens(config))
}

/// Says that there is no token, and what to do.
pub(crate) fn without_tokens(config: &Config) -> String {
    match config.store {
        StoreKind::Memory => "there is no token: with store = \"memory\" each process has tokens of its own, which no \
                              other sees; store = \"sqlite\" keeps them"
            .to_owned(),
        StoreKind::Sqlite => {
            format!("there is no token in {}; make one with: strongroom token init --label NAME", config.dir.display())
        }
    }
}

/// The same to somebody who has scripts for CloudHSM. An HSM made by chance, where a directory was mistyped, would have
/// the published password: only what begins with a fresh HSM makes one.
pub(crate) fn without_cloudhsm(config: &Config) -> String {
    match config.store {
        StoreKind::Memory => without_tokens(config),
        StoreKind::Sqlite => format!(
            "there is no token in {}; make one with 'strongroom token init --cloudhsm --user NAME --label LABEL', which asks \
             for the passwords of the officer admin and of the crypto user NAME, or with 'cloudhsm-cli cluster activate' \
             or 'loginHSM PRECO admin password' in cloudhsm_mgmt_util, which make a fresh HSM whose officer makes the users",
            config.dir.display()
        ),
    }
}

/// The slots whose token `wanted` may mean. A token that cannot be read is known by its slot only.
fn matching(hsm: &Hsm, slots: &[u64], wanted: &str) -> Vec<u64> {
    let (form, value) = match wanted.split_once('=') {
        Some((form @ ("slot" | "label" | "serial"), value)) => (Some(form), value),
        _ => (None, wanted),
    };
    let fits = |kind: &str| form.is_none_or(|form| form == kind);
    let is_meant = |slot: &&u64| {
        if fits("slot") && value.parse() == Ok(**slot) {
            return true;
        }
        hsm.token_info(**slot).is_ok_and(|info| {
            (fits("label") && info.label == value) || (fits("serial") && info.serial.eq_ignore_ascii_case(value))
        })
    };
    slots.iter().filter(is_meant).copied().collect()
}

/// The tokens in few words; not all of very many.
fn listing(hsm: &Hsm, slots: &[u64]) -> String {
    let shown = slots.iter().take(LISTED_MAX).map(|slot| match hsm.token_info(*slot) {
        Ok(info) => format!("{} (slot {slot}, serial {})", quoted(&info.label), info.serial),
        Err(_) => format!("slot {slot} (unreadable)"),
    });
    let mut parts: Vec<String> = shown.collect();
    if slots.len() > LISTED_MAX {
        parts.push(format!("and {} more", slots.len() - LISTED_MAX));
    }
    parts.join(", ")
}

const LISTED_MAX: usize = 8;
