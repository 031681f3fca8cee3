//! info, server, exit, getHSMInfo and the like: what is about servers and not about users or keys; help and quit.

use strongroom_core::hsm::MANUFACTURER;
use strongroom_core::policy::Policy;

use super::commands::{self, Command, Words};
use super::{SERVER, Tool};
use crate::cloudhsm::link::fips_mode;
use crate::cloudhsm::results::Refusal;
use crate::cloudhsm::users::type_name;
use crate::cloudhsm::{certificates, files};
use crate::text::quoted;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "info",
        usage: "server <number>",
        words: 2..=2,
        description: "Says who is logged in to a server.",
        explained: &[NUMBER],
        needs_login: false,
        run: info,
    },
    Command {
        name: "getHSMInfo",
        usage: "",
        words: 0..=0,
        description: "Says what the HSM is.",
        explained: &[],
        needs_login: false,
        run: hsm_info,
    },
    Command {
        name: "server",
        usage: "<number>",
        words: 1..=1,
        description: "Goes on with one server, up to exit.",
        explained: &[NUMBER],
        needs_login: false,
        run: server,
    },
    Command {
        name: "exit",
        usage: "",
        words: 0..=0,
        description: "Leaves the one server, or else the program.",
        explained: &[],
        needs_login: false,
        run: exit,
    },
    Command {
        name: "syncKey",
        usage: "<key-handle> <server>",
        words: 2..=2,
        description: "Copies a key to another server. There is none.",
        explained: &[],
        needs_login: true,
        run: sync,
    },
    Command {
        name: "syncUser",
        usage: "<user-id> <server>",
        words: 2..=2,
        description: "Copies a user to another server. There is none.",
        explained: &[],
        needs_login: true,
        run: sync,
    },
    Command {
        name: "getCert",
        usage: "<file> <type>",
        words: 2..=2,
        description: "Writes a certificate of the HSM to a PEM file.",
        explained: &[("file", "the file, which is overwritten"), ("type", certificates::TYPES)],
        needs_login: false,
        run: certificate,
    },
    Command {
        name: "enable_e2e",
        usage: "",
        words: 0..=0,
        description: "Does nothing: there is no connection that would have to be encrypted.",
        explained: &[],
        needs_login: false,
        run: end_to_end,
    },
    Command {
        name: "help",
        usage: "[<command>]",
        words: 0..=1,
        description: "Lists the commands, or explains one.",
        explained: &[],
        needs_login: false,
        run: help,
    },
    Command {
        name: "quit",
        usage: "",
        words: 0..=0,
        description: "Leaves the program.",
        explained: &[],
        needs_login: false,
        run: quit,
    },
];

const NUMBER: (&str, &str) = ("number", "0: there is one server");

fn info(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let of = words.needed(0)?;
    if of != "server" {
        return Err(Refusal::mistyped(format!("info is about \"server\", not {}", quoted(of))));
    }
    expect_server(words, 1)?;
    let login = match tool.who() {
        None => "Not logged in".to_owned(),
        Some(login) => {
            let users = tool.token()?.users()?;
            let kind = users.iter().find(|user| user.id == login.user).map_or("?", type_name);
            format!("Logged in as '{}({kind})'", login.name)
        }
    };
    let partition = format!("hsm-{}", tool.token()?.meta()?.serial());
    let row = |[id, name, host, port, state, partition, login]: [&str; 7]| {
        format!("{id:<8}{name:<16}{host:<16}{port:<8}{state:<16}{partition:<24}{login}")
    };
    tool.screen.lines(&[
        row(["Id", "Name", "Hostname", "Port", "State", "Partition", "LoginState"]),
        row(["0", "localhost", "localhost", "-", "Connected", &partition, &login]),
    ]);
    Ok(())
}

fn hsm_info(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    let meta = tool.token()?.meta()?;
    let mode = match meta.policy {
        Policy::Fips => "FIPS mode with single factor authentication",
        Policy::Standard | Policy::Strict => "non-FIPS mode with single factor authentication",
    };
    let line = |label: &str, value: &str| format!("\t{label:<21}:{value}");
    tool.screen.lines(&[
        "Getting HSM Info on 1 nodes",
        "\t\t*** Server 0 HSM Info ***",
        "",
        &line("Label", &meta.label_text()),
        &line("Model", "Strongroom"),
        "",
        &line("Serial Number", &meta.serial()),
        &line("FIPS state", &format!("{} [{mode}]", fips_mode(meta.policy))),
        "",
        &line("Manufacturer ID", MANUFACTURER),
        &line("Firmware ID", concat!("Strongroom ", env!("CARGO_PKG_VERSION"))),
        "",
    ]);
    tool.done("getHSMInfo");
    Ok(())
}

fn server(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    expect_server(words, 0)?;
    tool.on_server = true;
    tool.screen.lines(&["Server is in 'E2' mode..."]);
    Ok(())
}

fn exit(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    if std::mem::take(&mut tool.on_server) { Ok(()) } else { quit(tool, words) }
}

fn sync(_: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    let text = "Error: there is one server, and every program sees the same users and keys: nothing is to be copied";
    Err(Refusal::Said(text.to_owned()))
}

fn certificate(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let file = words.needed(0)?;
    let certificate = certificates::fetch(words.number(1)?)?;
    files::write(file, certificate.as_bytes())?;
    tool.screen.lines(&["getCert Success"]);
    Ok(())
}

fn end_to_end(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    tool.screen.lines(&[format!("E2E enabled on {SERVER}")]);
    Ok(())
}

fn help(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    if let Some(name) = words.text(0) {
        tool.screen.lines(&commands::help(commands::named(name).map_err(Refusal::Said)?));
        return Ok(());
    }
    tool.screen.lines(&["Commands Available:", "", "Syntax: <command> <words>", "        <command> -h", ""]);
    let rows: Vec<String> =
        commands::all().map(|command| format!("    {:<22}{}", command.name, command.description)).collect();
    tool.screen.lines(&rows);
    Ok(())
}

fn quit(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    tool.left = true;
    tool.screen.lines(&["disconnecting from servers, please wait..."]);
    Ok(())
}

fn expect_server(words: &Words<'_>, at: usize) -> Result<(), Refusal> {
    match words.number(at)? {
        0 => Ok(()),
        number => Err(Refusal::Said(format!("Error: there is no server {number}; there is one, 0"))),
    }
}
