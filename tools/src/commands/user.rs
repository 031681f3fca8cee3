//! `strongroom user`: the users of a token.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use strongroom_core::hsm::Hsm;
use strongroom_core::seal::Role;
use strongroom_core::session::application::Application;
use strongroom_core::token::{DEFAULT_USER, UserInfo};

use crate::failure::{Approvals, Explain, Failure};
use crate::output::Answer;
use crate::pin::{NewPin, OfficerPin, UserPin};
use crate::place::{AsOfficer, Context, explain_login, find_user, user_name};
use crate::table::{Column, Table};
use crate::terminal;
use crate::text::quoted;

/// The commands about users.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user, as the officer
    #[command(after_long_help = ADD_EXAMPLES)]
    Add(AddArgs),
    /// List the users
    #[command(after_long_help = LIST_EXAMPLES)]
    List,
    /// Change a PIN: one's own with the old one, or another user's as the officer (--reset)
    #[command(after_long_help = SET_PIN_EXAMPLES)]
    SetPin(SetPinArgs),
    /// Let a user try again who was locked after too many wrong PINs, as the officer
    #[command(after_long_help = UNLOCK_EXAMPLES)]
    Unlock(UnlockArgs),
    /// Delete a user who owns nothing, as the officer
    #[command(after_long_help = DELETE_EXAMPLES)]
    Delete(DeleteArgs),
}

/// Options of `user add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Name: 1 to 31 letters, digits, '_', '-' or '.'; upper and lower case are the same
    name: String,
    /// What the user may do: own and use keys, or manage users
    #[arg(long, value_enum, default_value = "user")]
    role: RoleName,
    /// The new user's PIN.
    #[command(flatten)]
    new_pin: NewPin,
    /// Who makes the user.
    #[command(flatten)]
    officer: AsOfficer,
}

/// Options of `user set-pin`.
#[derive(Debug, Args)]
pub(crate) struct SetPinArgs {
    /// Whose PIN
    #[arg(default_value = DEFAULT_USER)]
    name: String,
    /// As the officer, without the old PIN; also unlocks the user
    #[arg(long, conflicts_with_all = ["pin_file", "pin_fd"])]
    reset: bool,
    /// Officer to log in as, with --reset [default: the token's first one, "so" or "admin"]
    #[arg(long, value_name = "NAME", help_heading = "PINs")]
    officer: Option<String>,
    /// The old PIN of a user.
    #[command(flatten)]
    pin: UserPin,
    /// The officer's PIN: the old one of an officer's own, or the one that allows a reset.
    #[command(flatten)]
    so_pin: OfficerPin,
    /// The new PIN.
    #[command(flatten)]
    new_pin: NewPin,
}

/// Options of `user unlock`.
#[derive(Debug, Args)]
pub(crate) struct UnlockArgs {
    /// Who may try again
    name: String,
    /// Who allows it.
    #[command(flatten)]
    officer: AsOfficer,
}

/// Options of `user delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Who is deleted
    name: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Who does it.
    #[command(flatten)]
    officer: AsOfficer,
}

/// The roles by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Owns and uses keys
    User,
    /// Manages users, never uses keys
    Officer,
}

/// Runs a command about users.
///
/// # Errors
/// What it refuses or fails with.
pub(crate) fn run(context: &Context, command: &UserCommand) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let application = context.application(&hsm)?;
    let outcome = match command {
        UserCommand::Add(args) => add(context, &application, args, &hsm),
        UserCommand::List => list(&application),
        UserCommand::SetPin(args) => set_pin(context, &application, args, &hsm),
        UserCommand::Unlock(args) => unlock(context, &application, args),
        UserCommand::Delete(args) => delete(context, &application, args),
    };
    outcome.map_err(|failure| failure.advise_approvals(Approvals::OfOfficers))
}

fn add(context: &Context, application: &Application, args: &AddArgs, hsm: &Hsm) -> Result<Answer, Failure> {
    let token = application.token();
    let name = user_name(&args.name, "user")?;
    if token.users()?.iter().any(|user| user.name == name) {
        let message = format!("there is a user {} already; names are given once", quoted(&name));
        return Err(Failure::refused(cryptoki_sys::CKR_ARGUMENTS_BAD, message));
    }
    let officer = args.officer.login(context, token)?;
    let whose = format!("user {}", quoted(&name));
    let founding = token.meta()?.founding;
    let pin = args.new_pin.source().new_one(context, &whose, &hsm.config().settings, founding)?;
    let role = match args.role {
        RoleName::User => Role::User,
        RoleName::Officer => Role::Officer,
    };
    token.add_user(&officer, role, &name, pin.bytes()).about(|| whose.clone())?;
    let user = find_user(token, &name)?;
    Ok(Answer::new(
        format!("Made {} {}, id {}.\n", role_name(role), quoted(&name), user.id.0),
        json!({ "user": user_json(&user) }),
    ))
}

fn list(application: &Application) -> Result<Answer, Failure> {
    let users = application.token().users()?;
    let json = json!({ "slot": application.slot, "users": users.iter().map(user_json).collect::<Vec<_>>() });
    Ok(Answer::new(users_table(&users).text(), json))
}

fn set_pin(context: &Context, application: &Application, args: &SetPinArgs, hsm: &Hsm) -> Result<Answer, Failure> {
    let token = application.token();
    let user = find_user(token, &args.name)?;
    let whose = format!("{} {}", in_words(user.role), quoted(&user.name));
    let (settings, founding) = (hsm.config().settings, token.meta()?.founding);
    if args.reset {
        let officer = AsOfficer { officer: args.officer.clone(), pin: args.so_pin.clone() };
        if !user.escrowed && matches!(user.role, Role::Officer | Role::User) {
            let message = format!(
                "the PIN of {whose} cannot be reset: the keys behind it are not in escrow; with the old PIN: \
                 strongroom user set-pin {}",
                user.name
            );
            return Err(Failure::refused(cryptoki_sys::CKR_ACTION_PROHIBITED, message));
        }
        let officer = officer.login(context, token)?;
        let new = args.new_pin.source().new_one(context, &whose, &settings, founding)?;
        token.reset_pin(&officer, &user.name, new.bytes()).about(|| whose.clone())?;
    } else {
        let source = match user.role {
            Role::User => args.pin.source(),
            _ => args.so_pin.source(),
        };
        let old = source.known(context, &whose)?;
        let new = args.new_pin.source().new_one(context, &whose, &settings, founding)?;
        let set = token.set_pin(user.id, old.bytes(), new.bytes());
        set.map_err(|error| explain_login(token, &user.name, error.into()))?;
    }
    let done = match user.role {
        _ if args.reset => "reset",
        Role::Unactivated => "changed; the officer is active now",
        _ => "changed",
    };
    let user = find_user(token, &user.name)?;
    Ok(Answer::new(format!("The PIN of {whose} is {done}.\n"), json!({ "user": user_json(&user) })))
}

fn unlock(context: &Context, application: &Application, args: &UnlockArgs) -> Result<Answer, Failure> {
    let token = application.token();
    let user = find_user(token, &args.name)?;
    let officer = args.officer.login(context, token)?;
    token.unlock(&officer, &user.name)?;
    let text = match user.locked {
        true => format!("{} is unlocked.\n", quoted(&user.name)),
        false => format!("{} was not locked; the count of wrong PINs is 0.\n", quoted(&user.name)),
    };
    let user = find_user(token, &user.name)?;
    Ok(Answer::new(text, json!({ "user": user_json(&user) })))
}

fn delete(context: &Context, application: &Application, args: &DeleteArgs) -> Result<Answer, Failure> {
    let token = application.token();
    let user = find_user(token, &args.name)?;
    let whose = format!("{} {}", in_words(user.role), quoted(&user.name));
    terminal::confirm(args.yes, &format!("Delete the {whose}?"))?;
    let officer = args.officer.login(context, token)?;
    token.delete_user(&officer, &user.name).about(|| whose.clone())?;
    Ok(Answer::new(format!("Deleted the {whose}.\n"), json!({ "deleted": { "id": user.id.0, "name": user.name } })))
}

/// A user as JSON.
pub(crate) fn user_json(user: &UserInfo) -> Value {
    json!({
        "id": user.id.0,
        "name": user.name,
        "role": role_name(user.role),
        "wrong_pins": user.failures,
        "locked": user.locked,
        "escrowed": user.escrowed,
    })
}

/// Users as a table.
pub(crate) fn users_table(users: &[UserInfo]) -> Table {
    let mut table = Table::new(&[
        Column::Number("ID"),
        Column::Text("NAME"),
        Column::Text("ROLE"),
        Column::Number("WRONG PINS"),
        Column::Text("LOCKED"),
        Column::Text("ESCROW"),
    ]);
    let yes = |flag| if flag { "yes" } else { "no" }.to_owned();
    for user in users {
        table.row(vec![
            user.id.0.to_string(),
            crate::text::one_line(&user.name),
            role_name(user.role).to_owned(),
            user.failures.to_string(),
            yes(user.locked),
            yes(user.escrowed),
        ]);
    }
    table
}

fn in_words(role: Role) -> &'static str {
    match role {
        Role::Officer | Role::Unactivated => "officer",
        Role::User => "user",
        Role::Appliance => "appliance user",
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Officer => "officer",
        Role::User => "user",
        Role::Unactivated => "unactivated",
        Role::Appliance => "appliance",
    }
}

const ADD_EXAMPLES: &str = "\
Examples:
  strongroom user add alice
  strongroom user add bob --so-pin-file officer.pin --new-pin-file bob.pin
  strongroom user add deputy --role officer";

const LIST_EXAMPLES: &str = "\
WRONG PINS counts those in a row; at 10 the user is locked, at 6 on a token made with --cloudhsm. ESCROW says whether an \
officer can set a new PIN without losing the user's keys. On a token founded as a CloudHSM the role \"unactivated\" is that \
of its first officer while the password is still the published one: 'strongroom user set-pin admin' activates it. The \
role \"appliance\" is the HSM's own user, whom nobody can be.

Examples:
  strongroom user list
  strongroom user list --token payments --json";

const SET_PIN_EXAMPLES: &str = "\
A PIN change rewrites one record; keys stay as they are. An officer's own old PIN comes from the --so-pin options. \
An officer resets other officers' PINs too.

Examples:
  strongroom user set-pin
  strongroom user set-pin alice --pin-file old.pin --new-pin-file new.pin
  strongroom user set-pin alice --reset
  strongroom user set-pin so";

const UNLOCK_EXAMPLES: &str = "\
Where several officers must approve of changes to users, this takes approvals too, unless no wrong PIN was given.

Examples:
  strongroom user unlock alice
  strongroom user unlock alice --so-pin-file officer.pin";

const DELETE_EXAMPLES: &str = "\
A user who owns objects is not deleted: delete the objects first, as that user.

Examples:
  strongroom user delete bob
  strongroom user delete bob --yes --so-pin-file officer.pin";

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_core::object::UserId;

    #[test]
    fn users_are_told_with_stable_keys() {
        let user = UserInfo {
            id: UserId(2),
            role: Role::User,
            primary: false,
            name: "alice".to_owned(),
            failures: 10,
            attempts_left: 0,
            locked: true,
            escrowed: false,
        };
        assert_eq!(
            user_json(&user),
            json!({"id": 2, "name": "alice", "role": "user", "wrong_pins": 10, "locked": true, "escrowed": false})
        );
        let table = users_table(&[user]).text();
        assert!(table.contains(" 2  alice  user          10  yes     no\n"), "{table}");
    }
}
