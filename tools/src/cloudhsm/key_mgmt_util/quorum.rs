//! registerMofnPubKey, getToken, approveToken, listTokens, delToken: the approvals that the use of a key takes.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{Flag as Attribute, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::birth::private_key_entries;
use strongroom_core::seal::Role;
use strongroom_core::session::Output;
use strongroom_core::token::Login;
use strongroom_crypto::encoding::PrivateKeyInfo;

use super::Tool;
use super::commands::{Command, QUORUM};
use super::creation::{entry, flag};
use super::host::call;
use crate::cloudhsm::approvals;
use crate::cloudhsm::attributes::bytes;
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::quorum_tokens;
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "registerMofnPubKey",
        group: QUORUM,
        call: REGISTER,
        description: "Registers the key with which the user will approve: RSA of 2048 to 4096 bits.",
        flags: &[REGISTRATION],
        needs_user: true,
        status: true,
        run: register,
    },
    Command {
        name: "getToken",
        group: QUORUM,
        call: GET,
        description: "Asks for a token, for one use of a key that takes approvals.",
        flags: &[WANTED],
        needs_user: true,
        status: true,
        run: get,
    },
    Command {
        name: "approveToken",
        group: QUORUM,
        call: APPROVE,
        description: "Brings the approvals of a token.",
        flags: &[&[Flag::required("-af", "file", "Approval file", "the file that lists the approvals")]],
        needs_user: true,
        status: true,
        run: approve,
    },
    Command {
        name: "listTokens",
        group: QUORUM,
        call: LIST,
        description: "Lists the tokens that are good for something, whoever asked for them.",
        flags: &[],
        needs_user: true,
        status: false,
        run: list,
    },
    Command {
        name: "delToken",
        group: QUORUM,
        call: DELETE,
        description: "Deletes the user's tokens: one, or all.",
        flags: &[&[
            Flag::optional("-tf", "file", "the file with the token"),
            Flag::optional("-f", "4", "4 for all of the user's tokens"),
        ]],
        needs_user: true,
        status: true,
        run: delete,
    },
];

static REGISTRATION: &[Flag] = &[
    Flag::required("-u", "user-type", "User type", "the type of user: CU"),
    Flag::required("-s", "user-name", "User name", "the name: that of the user who is logged in"),
    Flag::required("-n", "tag", "Tag", "any text, which is signed to show who has the private key"),
    Flag::optional("-k", "file", "the file with the private key, which signs here and is kept nowhere"),
    Flag::optional("-pk", "file", "the file with the public key, where the signature was made elsewhere"),
    Flag::optional("-sf", "file", "the file with that signature of the tag"),
];
static WANTED: &[Flag] = &[
    Flag::required("-n", "service", "Service number", "what for: 5 = use of the key, 6 = management"),
    Flag::required("-k", "key-handle", "Key Handle", "the key"),
    Flag::required("-u", "user-name", "User name", "the name of the user who is logged in"),
    Flag::required("-f", "file", "Output file", "the file for the token, which is overwritten"),
    Flag::optional("-F", "4", "4 to make room by tokens that have expired (which is done in any case)"),
];

fn register(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let name = options.needed("-s")?;
    let tag = options.needed("-n")?.as_bytes();
    if options.needed("-u")? != "CU" {
        return Err(Refusal::code(Code::USER_TYPE, "a crypto user (CU) registers a key here"));
    }
    let (public, signature) = match (options.text("-k"), options.text("-pk"), options.text("-sf")) {
        (Some(private), None, None) => signed_here(tool, private, tag)?,
        (None, Some(public), Some(signature)) => {
            (files::public_key(public)?.to_vec(), files::read(signature)?.to_vec())
        }
        (None, None, None) => return Err(Refusal::misuse("Error: Private key file (-k) is missing.")),
        (Some(_), _, _) => return Err(Refusal::mistyped("-k excludes -pk and -sf")),
        _ => return Err(Refusal::mistyped("-pk and -sf belong together")),
    };
    let login = login(tool)?;
    let done = tool.link.token().register_approver(&login, &name.to_lowercase(), &public, tag, &signature);
    done.map_err(|error| match error {
        Error::NotLoggedIn if !name.eq_ignore_ascii_case(&login.name) => {
            Refusal::code(Code::USER_TYPE, format!("only {name} or an officer registers this key"))
        }
        error => error.into(),
    })?;
    tool.screen.result(REGISTER, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

/// The public key of a private one in a file, and its signature of the tag. The key is an object of the session
/// meanwhile.
fn signed_here(tool: &Tool, file: &str, tag: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let der = files::private_key(file)?;
    let info = PrivateKeyInfo::decode(der.expose()).map_err(Error::from)?;
    if !matches!(info, PrivateKeyInfo::Rsa(_)) {
        return Err(Refusal::Said(format!("Error: {file}: an RSA key is needed")));
    }
    let mut entries = private_key_entries(&info);
    entries.push(flag(CKA_TOKEN, Attribute::Token, false));
    entries.push(flag(CKA_PRIVATE, Attribute::Private, true));
    entries.push(flag(CKA_SIGN, Attribute::Sign, true));
    entries.push(entry(CKA_LABEL, Given::Bytes(b"approver")));
    let session = tool.link.session();
    let number = session.create_object(&Template::from_entries(entries))?;
    let signed = session.object(number).and_then(|key| {
        let public = bytes(&key, CKA_PUBLIC_KEY_INFO).unwrap_or_default().to_vec();
        let mut signature = vec![0; SIGNATURE_BYTES_MAX];
        session.sign_init(&call(CKM_SHA256_RSA_PKCS).map_err(|_| Error::NotSupported)?, number)?;
        let length = session.sign(tag, Output::Buffer(&mut signature))?;
        signature.truncate(length);
        Ok((public, signature))
    });
    session.destroy_object(number)?;
    Ok(signed?)
}

fn get(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let service = options.number("-n")?.and_then(|number| u16::try_from(number).ok()).and_then(Service::numbered);
    let service =
        service.filter(|service| service.is_of_key()).ok_or_else(|| Refusal::misuse("Invalid service number"))?;
    let key = tool.handle(options, "-k")?;
    let (name, file) = (options.needed("-u")?, options.needed("-f")?);
    if let Some(flag) = options.number("-F")?.filter(|flag| *flag != ALL_FLAG) {
        return Err(Refusal::value("-F", &ALL_FLAG.to_string(), flag));
    }
    let login = login(tool)?;
    if !name.eq_ignore_ascii_case(&login.name) {
        return Err(Refusal::code(Code::APPROVAL, format!("-u {name}: a token is for who asks, {}", login.name)));
    }
    let target = Target::open(file)?;
    let token = tool.link.token().request_approval(&login, service, Some(key))?;
    target.write(&token.file)?;
    tool.screen.result(GET, Code::SUCCESS);
    tool.screen.paragraph(&indented(&quorum_tokens::lines(&token)));
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn approve(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let brought = approvals::read(options.needed("-af")?)?;
    let login = login(tool)?;
    tool.link.token().approve(&login, &brought.token, &brought.given())?;
    tool.screen.result(APPROVE, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn list(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    let tokens = quorum_tokens::listed(tool.link.token())?;
    match tokens.len() {
        0 => tool.screen.paragraph(&["\tno tokens found"]),
        count => {
            tokens.iter().for_each(|lines| tool.screen.paragraph(&indented(lines)));
            tool.screen.paragraph(&[format!("\tNum of tokens = {count}")]);
        }
    }
    tool.screen.result(LIST, Code::SUCCESS);
    Ok(())
}

fn delete(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let login = login(tool)?;
    let token = tool.link.token();
    match (options.text("-tf"), options.number("-f")?) {
        (Some(file), None) => {
            let content = files::read(file)?;
            let record = approvals::token(&content).map_err(|problem| Refusal::Said(format!("Error: {problem}")))?;
            let known = token.quorum_tokens()?.into_iter().find(|known| known.file == *record);
            let deleted = match known {
                Some(known) => token.delete_quorum_tokens(&login, Some(known.id), false)?,
                None => 0,
            };
            if deleted == 0 {
                return Err(Refusal::code(Code::APPROVAL, format!("{file}: there is no such token of the user's")));
            }
        }
        (None, Some(ALL_FLAG)) => {
            token.delete_quorum_tokens(&login, None, false)?;
        }
        (None, None) => return Err(Refusal::misuse("Error: Token file (-tf) is missing.")),
        (None, Some(flag)) => return Err(Refusal::value("-f", &ALL_FLAG.to_string(), flag)),
        (Some(_), Some(_)) => return Err(Refusal::mistyped("-tf and -f exclude each other")),
    }
    tool.screen.result(DELETE, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn indented(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| format!("\t{line}")).collect()
}

fn login(tool: &Tool) -> Result<std::sync::Arc<Login>, Refusal> {
    let login = tool.link.login().filter(|login| login.role == Role::User);
    login.ok_or_else(|| Refusal::before(Code::NOT_LOGGED_IN, "loginHSM comes first"))
}

const REGISTER: &str = "Cfm3RegisterMofNKey";
const GET: &str = "Cfm3GetToken";
const APPROVE: &str = "Cfm3ApproveToken";
const LIST: &str = "Cfm3ListTokens";
const DELETE: &str = "Cfm3DeleteToken";
/// The number that stands for "all".
const ALL_FLAG: u64 = 4;
/// More than a signature with an RSA key of 16384 bits has.
const SIGNATURE_BYTES_MAX: usize = 4096;
