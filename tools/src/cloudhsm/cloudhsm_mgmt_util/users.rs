//! createUser, deleteUser, changePswd, listUsers.

use cryptoki_sys::CKU_SO;
use strongroom_core::seal::Role;

use super::commands::{Command, Words};
use super::critical::{Asked, attempt, caution};
use super::login::{OFFICER, known, new_password, second_factor, user_type, user_type_of};
use super::{SERVER, Tool};
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::users::{CRYPTO_USER, type_name};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "createUser",
        usage: "<user-type> <user-name> <password|-hpswd>",
        words: 3..=5,
        description: "Makes a user. An officer does this.",
        explained: &[
            ("user-type", "CO, who manages users, or CU, who owns and uses keys"),
            (
                "user-name",
                "the name: 1 to 31 letters (a to z), digits, '_', '-' and '.'; capitals become small letters",
            ),
            ("password", "7 to 32 characters without ':'; with -hpswd it is asked for and not shown"),
        ],
        needs_login: true,
        run: create,
    },
    Command {
        name: "deleteUser",
        usage: "<user-type> <user-name>",
        words: 2..=2,
        description: "Deletes a user who owns no keys, and asks nothing before. An officer does this.",
        explained: &[("user-type", "CO or CU"), ("user-name", "the name")],
        needs_login: true,
        run: delete,
    },
    Command {
        name: "changePswd",
        usage: "<user-type> <user-name> <password|-hpswd>",
        words: 3..=5,
        description: "Changes a password: users their own, officers every one. It unlocks the user.",
        explained: &[
            ("user-type", "the user's type: PRECO, CO or CU"),
            ("user-name", "the name"),
            ("password", "the new password; with -hpswd it is asked for and not shown"),
        ],
        needs_login: true,
        run: change_password,
    },
    Command {
        name: "listUsers",
        usage: "",
        words: 0..=0,
        description: "Lists the users.",
        explained: &[],
        needs_login: true,
        run: list,
    },
];

fn create(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (kind, name) = (user_type_of(words, &[OFFICER, CRYPTO_USER])?, words.needed(1)?);
    refuse_second_factor(words)?;
    let role = match kind {
        OFFICER => Role::Officer,
        CRYPTO_USER => Role::User,
        _ => return Err(Refusal::before(Code::USER_TYPE, format!("{kind}: users that are made are CO or CU"))),
    };
    let password = new_password(words)?;
    caution(tool)?;
    tool.screen.lines(&[format!("Creating User {name}({kind}) on 1 nodes")]);
    attempt(tool, "createUser", Asked::Creation, |tool| {
        let officer = tool.login()?;
        tool.token()?.add_user(&officer, role, name, &password).map_err(|error| tool.refused(error))?;
        Ok(())
    })
}

fn delete(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (kind, name) = (user_type(words)?, words.needed(1)?);
    tool.screen.lines(&[format!("Deleting user {name}({kind}) on 1 nodes")]);
    attempt(tool, "deleteUser", Asked::Change, |tool| {
        let officer = tool.login()?;
        let user = known(tool, kind, name)?;
        tool.token()?.delete_user(&officer, &user.name).map_err(|error| tool.refused(error))
    })
}

fn change_password(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (kind, name) = (user_type(words)?, words.needed(1)?);
    refuse_second_factor(words)?;
    let password = new_password(words)?;
    caution(tool)?;
    tool.screen.lines(&[format!("Changing password for {name}({kind}) on 1 nodes")]);
    attempt(tool, "changePswd", Asked::Change, |tool| {
        let login = tool.login()?;
        let user = known(tool, kind, name)?;
        let done = match user.id == login.user {
            false => tool.token()?.reset_pin(&login, &user.name, &password),
            true => tool.token()?.change_own_pin(&login, &password),
        };
        done.map_err(|error| tool.refused(error))?;
        if user.role == Role::Unactivated && user.id == login.user {
            go_on(tool, &user.name, &password)?;
        }
        Ok(())
    })
}

/// Logs an officer in again whom the new password has activated: all that the old one opened is gone.
fn go_on(tool: &Tool, name: &str, password: &[u8]) -> Result<(), Refusal> {
    // The old login has ended, whether or not it was looked at since.
    let _ = tool.link()?.log_out();
    let token = tool.token()?;
    let done = tool.session()?.login(CKU_SO, Some(password), Some(name.as_bytes()));
    done.map_err(|error| Refusal::of_login(token, name, &error))
}

fn list(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    let users = tool.token()?.users()?;
    let mut lines = vec![
        format!("Users on {SERVER}:"),
        format!("Number of users found:{}", users.len()),
        String::new(),
        row(["User Id", "User Type", "User Name", "MofnPubKey", "LoginFailureCnt", "2FA"]),
    ];
    for user in &users {
        let approver = if tool.token()?.is_approver(user.id)? { "YES" } else { "NO" };
        let (id, failures) = (user.id.0.to_string(), user.failures.to_string());
        lines.push(row([&id, type_name(user), &user.name, approver, &failures, "NO"]));
    }
    tool.screen.lines(&lines);
    Ok(())
}

fn row([id, kind, name, approver, failures, factor]: [&str; 6]) -> String {
    format!("    {id:>8}      {kind:<12}{name:<32}{approver:>10}  {failures:>15}  {factor:>6}")
}

/// # Errors
/// Where a second factor is asked for: a password alone opens what a user owns, and the user would trust in more.
fn refuse_second_factor(words: &Words<'_>) -> Result<(), Refusal> {
    match second_factor(words)? {
        false => Ok(()),
        true => Err(Refusal::Said(
            "Error: -2fa: there is no second factor here; without -2fa the password alone logs in".to_owned(),
        )),
    }
}
