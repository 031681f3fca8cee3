//! listUsers, getHSMInfo, getPartitionInfo, getCert, Error2String, listECCCurveIds: what concerns no key.

use cryptoki_sys::CKA_TOKEN;
use strongroom_core::access::Service;
use strongroom_core::attribute::Flag as Attribute;
use strongroom_core::hsm::MANUFACTURER;
use strongroom_core::policy::Policy;

use super::Tool;
use super::commands::{ADMINISTRATION, ASYMMETRIC, Command, HELPERS};
use super::creation::flag;
use super::find::search;
use crate::cloudhsm::link::fips_mode;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::users::type_name;
use crate::cloudhsm::{certificates, files};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "listUsers",
        group: ADMINISTRATION,
        call: LIST_USERS,
        description: "Lists the users.",
        flags: &[],
        needs_user: true,
        status: false,
        run: list_users,
    },
    Command {
        name: "getHSMInfo",
        group: ADMINISTRATION,
        call: "Cfm3GetHSMInfo",
        description: "Says what the HSM is.",
        flags: &[],
        needs_user: false,
        status: false,
        run: hsm_info,
    },
    Command {
        name: "getPartitionInfo",
        group: ADMINISTRATION,
        call: PARTITION,
        description: "Says what there is in the token.",
        flags: &[],
        needs_user: false,
        status: false,
        run: partition_info,
    },
    Command {
        name: "getCert",
        group: ADMINISTRATION,
        call: "Cfm3GetCert",
        description: "Writes a certificate of the HSM to a PEM file.",
        flags: &[&[
            Flag::required("-f", "file", "Output file", "the file, which is overwritten"),
            Flag::optional("-s", "certificate-type", certificates::TYPES),
            Flag::optional("-t", "certificate-type", "the same as -s"),
        ]],
        needs_user: false,
        status: false,
        run: certificate,
    },
    Command {
        name: "listECCCurveIds",
        group: ASYMMETRIC,
        call: "",
        description: "Lists the numbers of curves.",
        flags: &[],
        needs_user: false,
        status: false,
        run: list_curves,
    },
    Command {
        name: "Error2String",
        group: HELPERS,
        call: "",
        description: "Says what a result code means.",
        flags: &[&[Flag::required("-r", "response-code", "Response code", "the code: 0xa8 or 168")]],
        needs_user: false,
        status: false,
        run: error_to_string,
    },
];

fn list_users(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    let users = tool.link.token().users()?;
    tool.screen.paragraph(&[format!("\tNumber Of Users found {}", users.len())]);
    tool.screen.paragraph(&[format!(
        "\t{:5}\t{:>10}\t{}\t{:<32}\t{}\t{:>15}\t\t{}",
        "Index", "User ID", "User Type", "User Name", "MofnPubKey", "LoginFailureCnt", "2FA"
    )]);
    let mut rows = Vec::with_capacity(users.len());
    for (at, user) in users.iter().enumerate() {
        let approver = if tool.link.token().is_approver(user.id)? { "YES" } else { "NO" };
        let (index, id, kind) = (at + 1, user.id.0, type_name(user));
        rows.push(format!(
            "\t{index}\t{id:>10}\t{kind}\t\t{:<32}\t{approver:>3} {:>15}\t\t {:>3}",
            user.name, user.failures, "NO"
        ));
    }
    tool.screen.lines(&rows);
    tool.screen.result(LIST_USERS, Code::SUCCESS);
    Ok(())
}

fn hsm_info(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    let meta = tool.link.token().meta()?;
    let line = |label: &str, value: &str| format!("\t{label:<21}:{value}");
    tool.screen.paragraph(&["\tGetting HSM Info"]);
    tool.screen.paragraph(&[
        line("Label", &meta.label_text()),
        line("Model", MODEL),
        String::new(),
        line("Serial Number", &meta.serial()),
        line("FIPS state", &mode(meta.policy)),
        String::new(),
        line("Manufacturer ID", MANUFACTURER),
        line("Firmware ID", concat!("Strongroom ", env!("CARGO_PKG_VERSION"))),
    ]);
    tool.screen.result("Cfm3GetHSMInfo", Code::SUCCESS);
    Ok(())
}

fn partition_info(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    let token = tool.link.token();
    let meta = token.meta()?;
    let line = |label: &str, value: &str| format!("\t{label:<28}:{value}");
    let count = |label: &str, value: u64| line(label, &format!("{value:>5}"));
    let of_session = search(tool, vec![flag(CKA_TOKEN, Attribute::Token, false)])?;
    let mut lines = vec![
        line("name", &meta.label_text()),
        line("status", "occupied"),
        line("FIPS state", &mode(meta.policy)),
        count("Users", token.users()?.len() as u64),
        count("OccupiedTokenKeys", token.object_count()?),
        count("OccupiedSessionKeys", of_session.len() as u64),
        count("SessionCount", tool.link.session().application().session_counts().all),
    ];
    for (name, service) in [("USER_MGMT", Service::UserManagement), ("MISC_CO", Service::Officers)] {
        lines.push(count(&format!("MValue[{name}]"), token.quorum_value(service)?.into()));
    }
    lines.push(count("Node ID", 0));
    tool.screen.paragraph(&["\tGetting Partition Info"]);
    tool.screen.paragraph(&lines);
    tool.screen.result(PARTITION, Code::SUCCESS);
    Ok(())
}

fn certificate(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let file = options.needed("-f")?;
    let number = match (options.number("-s")?, options.number("-t")?) {
        (Some(number), None) | (None, Some(number)) => number,
        (None, None) => return Err(Refusal::misuse("Error: Certificate type (-s) is missing.")),
        (Some(_), Some(_)) => return Err(Refusal::mistyped("-s and -t are one option by two names")),
    };
    let certificate = certificates::fetch(number)?;
    files::write(file, certificate.as_bytes())?;
    // The original's line is none of its others.
    tool.screen.paragraph(&[format!("\tCfm3GetCert() returned 0 :{}", Code::SUCCESS)]);
    Ok(())
}

/// The mode as the tools say it.
fn mode(policy: Policy) -> String {
    let name = match policy {
        Policy::Fips => "FIPS mode with single factor authentication",
        Policy::Standard | Policy::Strict => "non-FIPS mode with single factor authentication",
    };
    format!("{} [{name}]", fips_mode(policy))
}

fn list_curves(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    let lines: Vec<String> = CURVES.iter().enumerate().map(|(at, name)| format!("\t{name:<12} = {}", at + 1)).collect();
    tool.screen.paragraph(&lines);
    Ok(())
}

fn error_to_string(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let number = options.needed_number("-r")?;
    let code = u32::try_from(number).map(Code::new).ok().filter(|code| code.text().is_some());
    let line = match code {
        Some(code) => format!("\tError Code {number:x} maps to {code}."),
        None => format!("\tError Code {number:x} maps to Unknown error"),
    };
    tool.screen.paragraph(&[line]);
    Ok(())
}

const PARTITION: &str = "Cfm3GetPartitionInfo";
const LIST_USERS: &str = "Cfm3ListUsers";
const MODEL: &str = "Strongroom";

/// The curves in the order of their numbers, which begin with 1. Not all are offered: see genECCKeyPair.
const CURVES: &[&str] = &[
    "prime192v1",
    "prime256v1",
    "sect163k1",
    "sect163r2",
    "sect233k1",
    "sect233r1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
    "secp224r1",
    "secp384r1",
    "secp521r1",
    "secp256k1",
];
