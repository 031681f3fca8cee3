//! loginHSM, logoutHSM, and how a user is named.

use cryptoki_sys::{CKU_SO, CKU_USER};
use strongroom_core::seal::Role;
use strongroom_core::token::{Founding, UserInfo};
use zeroize::Zeroizing;

use super::Tool;
use super::commands::{Command, Words};
use super::shell::say;
use crate::cloudhsm::link::Link;
use crate::cloudhsm::passwords::ask;
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::users::{CRYPTO_USER, TYPES, type_name};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "loginHSM",
        usage: "<user-type> <user-name> <password|-hpswd> [-2fa <file>]",
        words: 3..=5,
        description: "Logs a user in.",
        explained: &[
            ("user-type", "CO, CU, or PRECO for the officer of a fresh HSM"),
            ("user-name", "the name"),
            ("password", "the password; with -hpswd it is asked for and not shown"),
            ("-2fa", "is not needed: no user here has a second factor"),
        ],
        needs_login: false,
        run: log_in,
    },
    Command {
        name: "logoutHSM",
        usage: "",
        words: 0..=0,
        description: "Logs the user out. Quorum tokens are kept until they expire.",
        explained: &[],
        needs_login: true,
        run: log_out,
    },
];

fn log_in(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (kind, name) = (user_type(words)?, words.needed(1)?);
    if second_factor(words)? {
        say("loginHSM: -2fa is not needed; no user here has a second factor");
    }
    begin(tool, kind, name)?;
    if let Some(known) = find(tool, name)? {
        expect_type(&known, kind)?;
    }
    let password = match words.needed(2)? {
        HIDDEN => ask("Enter password", INSTEAD)?,
        password => Zeroizing::new(password.as_bytes().to_vec()),
    };
    let user_type = if matches!(kind, CRYPTO_USER | APPLIANCE) { CKU_USER } else { CKU_SO };
    let token = tool.token()?;
    let done = tool.session()?.login(user_type, Some(&password), Some(name.as_bytes()));
    done.map_err(|error| Refusal::of_login(token, name, &error))?;
    tool.done("loginHSM");
    Ok(())
}

/// Makes a fresh HSM where there is no token and the officer of one is to log in.
fn begin(tool: &mut Tool, kind: &str, name: &str) -> Result<(), Refusal> {
    if tool.link.is_none() && kind == UNACTIVATED && name.eq_ignore_ascii_case(Founding::CloudHsm.first_officer()) {
        let (link, directory) = Link::fresh().map_err(|problem| Refusal::Said(format!("Error: {problem}")))?;
        if let Some(warning) = link.open_directory() {
            say(&format!("warning: {warning}"));
        }
        say(&format!("a fresh HSM was made in {}; choose a password with changePswd", directory.display()));
        tool.link = Some(link);
    }
    Ok(())
}

fn log_out(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    tool.link()?.log_out()?;
    tool.done("logoutHSM");
    Ok(())
}

/// The first word: a type of user.
///
/// # Errors
/// The command's help.
pub(super) fn user_type<'a>(words: &Words<'a>) -> Result<&'a str, Refusal> {
    user_type_of(words, TYPES)
}

/// The same for a command that takes these types. A type of which there are users is for it to refuse.
///
/// # Errors
/// The command's help.
pub(super) fn user_type_of<'a>(words: &Words<'a>, taken: &[&str]) -> Result<&'a str, Refusal> {
    let kind = words.needed(0)?;
    match TYPES.contains(&kind) {
        true => Ok(kind),
        false => Err(Refusal::misuse(format!("Error: {kind} is no type of user; they are {}", taken.join(", ")))),
    }
}

/// Whether a second factor is asked for, after the first three words.
///
/// # Errors
/// The command's help, for anything else there.
pub(super) fn second_factor(words: &Words<'_>) -> Result<bool, Refusal> {
    match (words.count(), words.text(3)) {
        (0..=3, _) => Ok(false),
        (5, Some("-2fa")) => Ok(true),
        _ => Err(Refusal::mistyped("after the password only -2fa and a file can follow")),
    }
}

/// A new password: the third word, or what is typed twice.
///
/// # Errors
/// Where there is no terminal, or the two are not the same.
pub(super) fn new_password(words: &Words<'_>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    match words.needed(2)? {
        HIDDEN => {
            let (first, second) = (ask("Enter password", INSTEAD)?, ask("Enter password again", INSTEAD)?);
            match first == second {
                true => Ok(first),
                false => Err(Refusal::Said("Error: the two passwords differ; nothing was done".to_owned())),
            }
        }
        password => Ok(Zeroizing::new(password.as_bytes().to_vec())),
    }
}

/// The user of a name, if there is one.
///
/// # Errors
/// The store's.
pub(super) fn find(tool: &Tool, name: &str) -> Result<Option<UserInfo>, Refusal> {
    Ok(tool.token()?.users()?.into_iter().find(|user| user.name.eq_ignore_ascii_case(name)))
}

/// The user of a type and a name.
///
/// # Errors
/// None such.
pub(super) fn known(tool: &Tool, kind: &str, name: &str) -> Result<UserInfo, Refusal> {
    let user = find(tool, name)?;
    let user = user.ok_or_else(|| Refusal::code(Code::NO_USER, format!("there is no user \"{name}\"")))?;
    expect_type(&user, kind)?;
    Ok(user)
}

/// The primary officer is an officer too.
fn expect_type(user: &UserInfo, kind: &str) -> Result<(), Refusal> {
    let own = type_name(user);
    match own == kind || (kind == OFFICER && user.role == Role::Officer) {
        true => Ok(()),
        false => Err(Refusal::code(Code::USER_TYPE, format!("{} is a {own}", user.name))),
    }
}

/// The word for a password that is asked for.
const HIDDEN: &str = "-hpswd";
/// What is done where nobody can be asked.
const INSTEAD: &str = "give the password in the place of -hpswd";
/// The type of users who are officers.
pub(super) const OFFICER: &str = "CO";
const APPLIANCE: &str = "AU";
/// The type of the officer of a fresh HSM.
const UNACTIVATED: &str = "PRECO";
