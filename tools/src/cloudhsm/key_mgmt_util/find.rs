//! findKey, findSingleKey: the keys there are for the user.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{Entry, Flag as Attribute, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::{Object, UserId};

use super::Tool;
use super::commands::{Command, MANAGEMENT};
use super::creation::{entry, flag, users};
use crate::cloudhsm::attributes::check_value;
use crate::cloudhsm::files;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::screen::result_line;
use crate::text::{parse_hex, quoted};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "findKey",
        group: MANAGEMENT,
        call: FIND,
        description: "Finds the keys that the user may use and that all of the options fit.",
        flags: &[CRITERIA],
        needs_user: true,
        status: true,
        run: find,
    },
    Command {
        name: "findSingleKey",
        group: MANAGEMENT,
        call: FIND,
        description: "Says whether a key is there.",
        flags: &[&[Flag::required("-k", "key-handle", "Key handle", "the key")]],
        needs_user: true,
        status: true,
        run: find_single,
    },
];

static CRITERIA: &[Flag] = &[
    Flag::optional("-c", "key-class", "the class\n(2 = public, 3 = private, 4 = secret)"),
    Flag::optional(
        "-t",
        "key-type",
        "the type\n(0 = RSA, 1 = DSA, 3 = EC, 16 = generic secret, 18 = RC4, 21 = triple DES, 31 = AES)",
    ),
    Flag::optional("-l", "key-label", "the label"),
    Flag::optional("-id", "key-ID", "the identifier"),
    Flag::optional("-idx", "key-ID", "the identifier in hexadecimal digits"),
    Flag::optional("-sess", "0|1", "1 for session keys, 0 for persistent ones"),
    Flag::optional("-u", "user-ids", "numbers of users, with commas between, who all may use the key"),
    Flag::optional("-m", "modulus", "a file with the modulus of an RSA key"),
    Flag::optional("-kcv", "key-check-value", "the check value: three bytes in hexadecimal digits"),
];

fn find(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let hex = |name| match options.text(name) {
        Some(digits) => {
            parse_hex(digits).map(Some).map_err(|_| Refusal::value(name, "hexadecimal digits", quoted(digits)))
        }
        None => Ok(None),
    };
    let (id, kcv) = (hex("-idx")?, hex("-kcv")?);
    let modulus = options.text("-m").map(modulus).transpose()?;
    let wanted_users = options.text("-u").map(users).transpose()?.unwrap_or_default();
    let mut entries = Vec::new();
    entries.extend(options.number("-c")?.map(|class| entry(CKA_CLASS, Given::Ulong(class))));
    entries.extend(options.number("-t")?.map(|kind| entry(CKA_KEY_TYPE, Given::Ulong(kind))));
    entries.extend(options.text("-l").map(|label| entry(CKA_LABEL, Given::Bytes(label.as_bytes()))));
    match (options.text("-id"), &id) {
        (Some(_), Some(_)) => return Err(Refusal::mistyped("-id and -idx exclude each other")),
        (Some(id), None) => entries.push(entry(CKA_ID, Given::Bytes(id.as_bytes()))),
        (None, Some(id)) => entries.push(entry(CKA_ID, Given::Bytes(id))),
        (None, None) => {}
    }
    entries.extend(modulus.as_deref().map(|modulus| entry(CKA_MODULUS, Given::Bytes(modulus))));
    match options.number("-sess")? {
        Some(session @ (0 | 1)) => entries.push(flag(CKA_TOKEN, Attribute::Token, session == 0)),
        Some(other) => return Err(Refusal::value("-sess", "0 or 1", other)),
        None => {}
    }
    let found = search(tool, entries)?;
    let fits = |key: &Arc<Object>| {
        kcv.as_deref().is_none_or(|kcv| check_value(key).is_some_and(|own| own == *kcv))
            && wanted_users.iter().all(|user| is_usable_by(key, *user))
    };
    let numbers: Vec<u64> = found.iter().filter(|key| fits(key)).map(|key| key.number).collect();
    tool.screen.paragraph(&[format!("\tTotal number of keys present {}", numbers.len())]);
    if let Some(last) = numbers.len().checked_sub(1) {
        let handles: Vec<String> = numbers.iter().map(u64::to_string).collect();
        tool.screen.paragraph(&[
            format!("\t number of keys matched from start index 0::{last}"),
            format!("\t{}", handles.join(", ")),
        ]);
    }
    tool.screen.status(Code::SUCCESS);
    // Of all commands this one says its result last.
    tool.screen.paragraph(&[result_line(FIND, Code::SUCCESS)]);
    Ok(())
}

fn find_single(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    key(tool, tool.handle(options, "-k")?)?;
    tool.screen.result(FIND, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

/// The key with this handle.
///
/// # Errors
/// None such for this user; an object that is no key.
pub(super) fn key(tool: &Tool, number: u64) -> Result<Arc<Object>, Refusal> {
    let object = tool.link.session().object(number)?;
    match object.kind.is_key() {
        true => Ok(object),
        false => Err(Error::NoKey(number).into()),
    }
}

/// The keys a template matches, in the order of their handles.
///
/// # Errors
/// The store's.
pub(super) fn search(tool: &Tool, entries: Vec<Entry<'_>>) -> Result<Vec<Arc<Object>>, Refusal> {
    let session = tool.link.session();
    let mut keys = Vec::new();
    for number in session.found(&Template::from_entries(entries))? {
        match session.object(number) {
            Ok(object) if object.kind.is_key() => keys.push(object),
            // Somebody may have deleted it in this moment.
            Ok(_) | Err(Error::NoObject(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(keys)
}

/// Whether a user may use the key: who owns or shares it, and everyone where it is public.
fn is_usable_by(key: &Object, user: UserId) -> bool {
    key.kind.class == CKO_PUBLIC_KEY || key.ownership.is_associated(user)
}

/// The modulus in a file: the bytes of the number, or their hexadecimal digits.
fn modulus(path: &str) -> Result<Vec<u8>, Refusal> {
    let content = files::read(path)?;
    let digits = std::str::from_utf8(&content).ok().map(|text| text.split_whitespace().collect::<String>());
    let number = digits.and_then(|digits| parse_hex(&digits).ok()).unwrap_or_else(|| content.to_vec());
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    Ok(number.get(zeros..).unwrap_or_default().to_vec())
}

const FIND: &str = "Cfm3FindKey";
