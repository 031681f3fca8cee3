//! loginHSM, logoutHSM, loginStatus, exit.

use cryptoki_sys::CKU_USER;
use strongroom_core::seal::Role;
use zeroize::Zeroizing;

use super::Tool;
use super::commands::{ADMINISTRATION, Command};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::passwords::ask;
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::users::{CRYPTO_USER, TYPES};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "loginHSM",
        group: ADMINISTRATION,
        call: LOGIN,
        description: "Logs a crypto user in.",
        flags: &[LOGIN_FLAGS],
        needs_user: false,
        status: true,
        run: log_in,
    },
    Command {
        name: "logoutHSM",
        group: ADMINISTRATION,
        call: LOGOUT,
        description: "Logs the user out. Session keys are gone then.",
        flags: &[],
        needs_user: false,
        status: true,
        run: log_out,
    },
    Command {
        name: "loginStatus",
        group: ADMINISTRATION,
        call: "",
        description: "Says which type of user is logged in.",
        flags: &[],
        needs_user: false,
        status: false,
        run: status,
    },
    Command {
        name: "exit",
        group: ADMINISTRATION,
        call: "",
        description: "Leaves the program.",
        flags: &[],
        needs_user: false,
        status: false,
        run: leave,
    },
];

static LOGIN_FLAGS: &[Flag] = &[
    Flag::required("-u", "user-type", "User type", "the type of user: CU, who owns and uses keys"),
    Flag::required("-s", "user-name", "User name", "the name"),
    Flag::optional("-p", "password", "the password; others on this machine may see it there"),
    Flag::switch("-hpswd", "that the password is asked for and not shown"),
];

fn log_in(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let kind = options.needed("-u")?;
    let name = options.needed("-s")?;
    if options.has("-p") == options.has("-hpswd") {
        return Err(match options.has("-p") {
            true => Refusal::mistyped("-p and -hpswd exclude each other"),
            false => Refusal::misuse("Error: User password (-p) is missing."),
        });
    }
    if kind != CRYPTO_USER {
        let reason = match TYPES.contains(&kind) {
            true => "only a crypto user (CU) logs in here; officers work with cloudhsm_mgmt_util",
            false => "the type of user is CU",
        };
        return Err(Refusal::code(Code::USER_TYPE, reason));
    }
    let password = match options.text("-p") {
        Some(password) => Zeroizing::new(password.as_bytes().to_vec()),
        None => ask("Enter password", "give -p PASSWORD in the place of -hpswd")?,
    };
    let done = tool.link.session().login(CKU_USER, Some(&password), Some(name.as_bytes()));
    done.map_err(|error| Refusal::of_login(tool.link.token(), name, &error))?;
    tool.screen.result(LOGIN, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn log_out(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    tool.link.log_out()?;
    tool.renumbered.clear();
    tool.screen.result(LOGOUT, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn status(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    let line = match tool.link.login().map(|login| login.role) {
        None => "\tNo user has logged-in",
        Some(Role::User) => "\tCU has logged-in",
        Some(Role::Appliance) => "\tAU has logged-in",
        Some(Role::Officer) => "\tCO has logged-in",
        Some(Role::Unactivated) => "\t Default CO has logged in",
    };
    tool.screen.paragraph(&[line]);
    Ok(())
}

fn leave(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    tool.left = true;
    Ok(())
}

const LOGIN: &str = "Cfm3LoginHSM";
const LOGOUT: &str = "Cfm3LogoutHSM";
