//! findAllKeys, getKeyInfo, shareKey: whose keys are whose.

use strongroom_core::error::Error;
use strongroom_core::object::UserId;
use strongroom_core::token::Holding;

use super::commands::{Command, Words};
use super::critical::{Asked, attempt, caution};
use super::{SERVER, Tool};
use crate::cloudhsm::files;
use crate::cloudhsm::results::{self, Code, Refusal};
use crate::text::hex;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "findAllKeys",
        usage: "<user-id> <0|1> [<file>]",
        words: 2..=3,
        description: "Lists the keys that a user owns (o) or shares (s): an officer all, a user those the user knows of.",
        explained: &[
            ("user-id", "the number of the user; listUsers shows it"),
            ("0|1", "1 to show the hash of whose keys are whose, of all users"),
            ("file", "a file for the list, which is overwritten"),
        ],
        needs_login: true,
        run: find_all,
    },
    Command {
        name: "getKeyInfo",
        usage: "[-k] <key-handle> [<file>]",
        words: 1..=3,
        description: "Says who owns a key, whom it is shared with, and how many must approve of its use.",
        explained: &[("key-handle", "the key"), ("file", "a file for the answer, which is overwritten")],
        needs_login: true,
        run: info,
    },
    Command {
        name: "shareKey",
        usage: "<key-handle> <user-id> <1|0>",
        words: 3..=3,
        description: "Shares a key with a user, or no longer. Its owner does this.",
        explained: &[
            ("key-handle", "the key: a secret or private one that stays in the token"),
            ("user-id", "the number of the crypto user; listUsers shows it"),
            ("1|0", "1 shares, 0 ends it"),
        ],
        needs_login: true,
        run: share,
    },
];

fn find_all(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let user = user_id(words, 0)?;
    let hashed = switch(words, 1)?;
    if !tool.token()?.users()?.iter().any(|known| known.id == user) {
        return Err(Refusal::code(Code::NO_USER, format!("there is no user with number {}", user.0)));
    }
    let holdings = tool.token()?.holdings(&*tool.login()?).map_err(|error| tool.refused(error))?;
    let mut keys = Vec::new();
    for held in holdings.objects.iter().filter(|held| held.ownership.is_associated(user)) {
        if is_key(tool, held)? {
            let relation = if held.ownership.owner == user { 'o' } else { 's' };
            keys.push(format!("{}({relation})", held.number));
        }
    }
    let mut lines = vec![format!("Keys on {SERVER}:"), format!("Number of keys found {}", keys.len())];
    if !keys.is_empty() {
        // The original's second number is the count here, where its findKey has the last index.
        lines.push(format!("number of keys matched from start index 0::{}", keys.len()));
        lines.push(keys.join(","));
    }
    if hashed {
        lines.extend(["Key Hash:".to_owned(), hex(&holdings.digest)]);
    }
    put(tool, lines, words.text(2))?;
    tool.done("findAllKeys");
    Ok(())
}

fn info(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let at = usize::from(words.text(0) == Some("-k"));
    let number = words.number(at)?;
    if words.count() > at + 2 {
        return Err(Refusal::mistyped("getKeyInfo takes a key and a file, and no more"));
    }
    let held = holding(tool, number)?;
    if !is_key(tool, &held)? {
        return Err(Error::NoKey(number).into());
    }
    let ownership = held.ownership;
    let mut lines = vec![format!("Key Info on {SERVER}:"), String::new(), "\tToken/Flash Key,".to_owned()];
    lines.extend([String::new(), format!("\tOwned by user {}", ownership.owner.0)]);
    let sharees = ownership.sharees.as_numbers();
    if !sharees.is_empty() {
        lines.extend([String::new(), format!("\talso, shared to following {} user(s):", sharees.len()), String::new()]);
        lines.extend(sharees.iter().map(|sharee| format!("\t\t{sharee}")));
    }
    let approvals = ownership.use_approvals.max(ownership.management_approvals);
    if approvals > 0 {
        lines.extend([String::new(), format!("\t {approvals} Users need to approve to use/manage this key")]);
    }
    put(tool, lines, words.text(at + 1))
}

fn share(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (number, user, shared) = (words.number(0)?, user_id(words, 1)?, switch(words, 2)?);
    caution(tool)?;
    attempt(tool, "shareKey", Asked::Change, |tool| {
        let session = tool.session()?;
        let done = if shared { session.share(number, user) } else { session.unshare(number, user) };
        done.map_err(|error| match error {
            Error::AttributeValue { .. } if tool.who().is_some_and(|owner| owner.user == user) => {
                Refusal::code(Code::SHARED_WITH_OWNER, results::words(&error))
            }
            Error::NoObject(_) if sealed(tool, number).unwrap_or(false) => refuse_sealed(number),
            error => tool.refused(error),
        })
    })
}

/// What is known of the object with this number.
///
/// # Errors
/// No object that the user may know of.
pub(super) fn holding(tool: &Tool, number: u64) -> Result<Holding, Refusal> {
    let holdings = tool.token()?.holdings(&*tool.login()?).map_err(|error| tool.refused(error))?;
    let held = holdings.objects.into_iter().find(|held| held.number == number);
    held.ok_or_else(|| Error::NoObject(number).into())
}

/// Whether the object exists and is sealed to others than whoever is logged in, as all private ones are to an officer.
///
/// # Errors
/// As [`holding`].
pub(super) fn sealed(tool: &Tool, number: u64) -> Result<bool, Refusal> {
    let held = holding(tool, number)?;
    Ok(!held.public && !held.ownership.is_associated(tool.login()?.user))
}

/// What an officer is told who asks for what is in a sealed key.
pub(super) fn refuse_sealed(number: u64) -> Refusal {
    Refusal::code(
        Code::ACCESS_DENIED,
        format!("key {number} is sealed for those who own or share it, and an officer's login does not open it"),
    )
}

/// Whether an object is a key, as far as that can be known: of a sealed one it cannot.
fn is_key(tool: &Tool, held: &Holding) -> Result<bool, Refusal> {
    match tool.session()?.object(held.number) {
        Ok(object) => Ok(object.kind.is_key()),
        Err(Error::NoObject(_)) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Prints lines, or writes them to a file.
fn put(tool: &mut Tool, lines: Vec<String>, file: Option<&str>) -> Result<(), Refusal> {
    match file {
        None => tool.screen.lines(&lines),
        Some(file) => {
            files::write(file, format!("{}\n", lines.join("\n")).as_bytes())?;
            tool.screen.lines(&[format!("Written to: {file}")]);
        }
    }
    Ok(())
}

fn user_id(words: &Words<'_>, at: usize) -> Result<UserId, Refusal> {
    let number = words.number(at)?;
    u32::try_from(number)
        .map(UserId)
        .map_err(|_| Refusal::misuse(format!("Error: there is no user with number {number}")))
}

fn switch(words: &Words<'_>, at: usize) -> Result<bool, Refusal> {
    match words.needed(at)? {
        "1" => Ok(true),
        "0" => Ok(false),
        word => Err(Refusal::misuse(format!("Error: {word} is neither 0 nor 1"))),
    }
}
