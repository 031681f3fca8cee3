//! registerQuorumPubKey, setMValue, getMValue, getToken, approveToken, listTokens: what officers approve of.

use strongroom_core::access::Service;
use strongroom_core::error::Error;

use super::commands::{Command, Words};
use super::critical::{Asked, attempt, caution};
use super::login::{known, user_type};
use super::{SERVER, Tool};
use crate::cloudhsm::approvals;
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::quorum_tokens;
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "registerQuorumPubKey",
        usage: "<user-type> <user-name> <challenge> <signature> <public-key>",
        words: 5..=5,
        description: "Registers the key with which a user approves: users their own, officers every one.",
        explained: &[
            ("user-type", "CO or CU"),
            ("user-name", "the name"),
            ("challenge", "a file with 1 to 245 bytes of any kind"),
            ("signature", "a file with its signature: RSA PKCS #1 v1.5 with SHA-256"),
            ("public-key", "a PEM file with the public key: RSA of 2048 to 4096 bits"),
        ],
        needs_login: true,
        run: register,
    },
    Command {
        name: "setMValue",
        usage: "<service> <m-value>",
        words: 2..=2,
        description: "Sets how many officers approve of a service. An officer does this.",
        explained: &[SERVICE, ("m-value", "2 to 8, at most as many as there are officers; 0 and 1 let each act alone")],
        needs_login: true,
        run: set_value,
    },
    Command {
        name: "getMValue",
        usage: "<service>",
        words: 1..=1,
        description: "Says how many officers approve of a service.",
        explained: &[SERVICE],
        needs_login: true,
        run: get_value,
    },
    Command {
        name: "getToken",
        usage: "<service> <user-name> <file>",
        words: 3..=3,
        description: "Asks for a token, for one operation that officers approve of.",
        explained: &[
            SERVICE,
            ("user-name", "the name of the officer who is logged in"),
            ("file", "a file for the token, which is overwritten; approvers sign it"),
        ],
        needs_login: true,
        run: get_token,
    },
    Command {
        name: "approveToken",
        usage: "<file>",
        words: 1..=1,
        description: "Brings the approvals of a token.",
        explained: &[("file", "the file that names the token, the approvers and their signatures")],
        needs_login: true,
        run: approve,
    },
    Command {
        name: "listTokens",
        usage: "",
        words: 0..=0,
        description: "Lists the tokens that are good for something, whoever asked for them.",
        explained: &[],
        needs_login: true,
        run: list,
    },
];

const SERVICE: (&str, &str) = ("service", "3 (USER_MGMT: users) or 4 (MISC_CO: these numbers)");

fn register(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (kind, name) = (user_type(words)?, words.needed(1)?);
    let (challenge, signature) = (files::read(words.needed(2)?)?, files::read(words.needed(3)?)?);
    let public_key = files::public_key(words.needed(4)?)?;
    caution(tool)?;
    attempt(tool, "registerQuorumPubKey", Asked::Change, |tool| {
        let login = tool.login()?;
        let user = known(tool, kind, name)?;
        let done = tool.token()?.register_approver(&login, &user.name, &public_key, &challenge, &signature);
        done.map_err(|error| tool.refused(error))
    })
}

fn set_value(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (service, value) = (service(words)?, words.number(1)?);
    let value =
        u8::try_from(value).map_err(|_| Refusal::misuse(format!("Error: {value} is no number of approvals")))?;
    caution(tool)?;
    tool.screen.lines(&[format!("Setting M Value({value}) for {} on 1 nodes", service as u16)]);
    attempt(tool, "setMValue", Asked::Change, |tool| {
        let officer = tool.login()?;
        tool.token()?.set_quorum_value(&officer, service, value).map_err(|error| match error {
            Error::Approval(reason) => Refusal::code(Code::USER_INPUT, reason),
            error => tool.refused(error),
        })
    })
}

fn get_value(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let service = service(words)?;
    let value = tool.token()?.quorum_value(service)?;
    let name = match service {
        Service::UserManagement => "USER_MGMT",
        _ => "MISC_CO",
    };
    tool.screen.lines(&[format!("MValue of service {}[{name}] on server 0 : [{value}]", service as u16)]);
    Ok(())
}

fn get_token(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (service, name, file) = (service(words)?, words.needed(1)?, words.needed(2)?);
    let login = tool.login()?;
    if !name.eq_ignore_ascii_case(&login.name) {
        return Err(Refusal::code(Code::APPROVAL, format!("{name}: a token is for who asks, {}", login.name)));
    }
    let target = Target::open(file)?;
    let token = tool.token()?.request_approval(&login, service, None).map_err(|error| tool.refused(error))?;
    target.write(&token.file)?;
    tool.done("getToken");
    tool.screen.lines(&quorum_tokens::lines(&token));
    Ok(())
}

fn approve(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let brought = approvals::read(words.needed(0)?)?;
    let login = tool.login()?;
    tool.token()?.approve(&login, &brought.token, &brought.given()).map_err(|error| tool.refused(error))?;
    tool.done("approveToken");
    Ok(())
}

fn list(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    let tokens = quorum_tokens::listed(tool.token()?)?;
    const LINE: &str = "=====================";
    let mut shown: Vec<String> =
        [LINE, &format!("    {}", SERVER.replacen('s', "S", 1)), LINE].map(str::to_owned).to_vec();
    let count = tokens.len();
    shown.extend(tokens.into_iter().flatten());
    shown.extend([format!("Num of tokens = {count}"), String::new(), "listTokens success".to_owned()]);
    tool.screen.lines(&shown);
    Ok(())
}

/// The first word: a service that officers approve of.
fn service(words: &Words<'_>) -> Result<Service, Refusal> {
    let number = words.number(0)?;
    let service = u16::try_from(number).ok().and_then(Service::numbered).filter(|service| !service.is_of_key());
    service.ok_or_else(|| {
        Refusal::misuse(format!(
            "Invalid service number {number}: officers approve of 3 and 4; tokens for keys are key_mgmt_util's"
        ))
    })
}
