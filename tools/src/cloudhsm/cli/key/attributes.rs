//! Attributes of keys by their names here: which can be given to a new key, and which can be changed.

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given};
use strongroom_core::object::schema::Kind;
use strongroom_core::policy::Policy;

use crate::cloudhsm::cli::answer::Refused;
use crate::text::parse_hex;

/// One attribute as it is typed: `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    name: String,
    value: String,
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// Words for anything else.
pub(super) fn parse(text: &str) -> Result<Typed, String> {
    let (name, value) = text.split_once('=').ok_or("an attribute is given as NAME=VALUE")?;
    Ok(Typed { name: name.to_owned(), value: value.to_owned() })
}

/// What is given for a new key beside what its command settles.
pub(super) struct Wanted {
    flags: Vec<(&'static Row, bool)>,
    id: Option<Vec<u8>>,
}

impl Wanted {
    /// Checks what was typed for a key of this kind.
    ///
    /// # Errors
    /// An attribute there is none of, or that cannot be given.
    pub(super) fn read(typed: &[Typed], kind: &Kind) -> Result<Wanted, Refused> {
        let mut wanted = Wanted { flags: Vec::new(), id: None };
        for Typed { name, value } in typed {
            if name == "id" {
                if wanted.id.is_some() {
                    return Err(twice(name));
                }
                wanted.id = Some(id(value)?);
                continue;
            }
            let row = ROWS.iter().find(|row| row.name == name && row.at_creation);
            let row = row.ok_or_else(|| {
                Refused::Said(format!(
                    "The attribute {name} cannot be given to a new key; its own options say what it is."
                ))
            })?;
            if wanted.flags.iter().any(|(earlier, _)| earlier.name == row.name) {
                return Err(twice(name));
            }
            let value = boolean(name, value)?;
            if name == "private" && !value {
                return Err(Refused::said("The attribute private is always true: keys are seen with a login only."));
            }
            if value && name != "private" && kind.rule(row.attribute).is_none() {
                return Err(Refused::Said(format!("Keys of the kind {} have no attribute {name}.", kind.name)));
            }
            wanted.flags.push((row, value));
        }
        Ok(wanted)
    }

    /// Whether the key is to outlast the session, where that was said.
    pub(super) fn token(&self) -> Option<bool> {
        self.flag("token")
    }

    /// The entries of a template. Usages that are not given are off, but for those of `usual`: no default of the core's
    /// has a part in it.
    pub(super) fn entries<'a>(&'a self, kind: &Kind, usual: &[Flag]) -> Vec<Entry<'a>> {
        let mut entries = Vec::new();
        for (attribute, flag) in USAGES.iter().filter(|(attribute, _)| kind.rule(*attribute).is_some()) {
            let given = self.flags.iter().find(|(row, _)| row.attribute == *attribute).map(|(_, value)| *value);
            entries.push(self::flag(*attribute, *flag, given.unwrap_or(usual.contains(flag))));
        }
        // Whether anybody may see it, and how long it lives, the command settles.
        let settled = |row: &Row| matches!(row.attribute, CKA_TOKEN | CKA_PRIVATE) || is_usage(row.attribute);
        for (row, value) in self.flags.iter().filter(|(row, _)| !settled(row)) {
            if kind.rule(row.attribute).is_some() {
                entries.push(flag(row.attribute, row.flag, *value));
            }
        }
        for (name, attribute, flag) in CONFIDENTIAL {
            if kind.rule(*attribute).is_some() && self.flag(name).is_none() {
                entries.push(self::flag(*attribute, *flag, true));
            }
        }
        if let Some(id) = self.id.as_deref().filter(|id| !id.is_empty()) {
            entries.push(entry(CKA_ID, Given::Bytes(id)));
        }
        entries
    }

    /// What secret keys are for unless it is said otherwise: to sign and to verify. Where a key has one purpose only
    /// (strict), that is not added to another.
    pub(super) fn usual(&self, policy: Policy) -> &'static [Flag] {
        let other = ["wrap", "unwrap", "derive"].iter().any(|name| self.flag(name) == Some(true));
        if other && policy == Policy::Strict { &[] } else { &[Flag::Sign, Flag::Verify] }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.flags.iter().find(|(row, _)| row.name == name).map(|(_, value)| *value)
    }
}

/// A change of one attribute.
pub(super) enum Change {
    /// A boolean.
    Flag(u64, Flag, bool),
    /// A label, or an identifier.
    Bytes(u64, Vec<u8>),
}

impl Change {
    /// Checks the name and the value.
    ///
    /// # Errors
    /// An attribute there is none of, that never changes, or that has no such value.
    pub(super) fn read(name: &str, value: &str) -> Result<Change, Refused> {
        match name {
            "label" => return Ok(Change::Bytes(CKA_LABEL, label(value)?.as_bytes().to_vec())),
            "id" => return Ok(Change::Bytes(CKA_ID, id(value)?)),
            _ => {}
        }
        let row = ROWS.iter().find(|row| row.name == name && row.later);
        let row = row.ok_or_else(|| {
            Refused::Said(format!("The attribute {name} does not exist, or does not change once the key is made."))
        })?;
        Ok(Change::Flag(row.attribute, row.flag, boolean(name, value)?))
    }

    /// The entry of a template.
    pub(super) fn entry(&self) -> Entry<'_> {
        match self {
            Change::Flag(attribute, which, value) => flag(*attribute, *which, *value),
            Change::Bytes(attribute, bytes) => entry(*attribute, Given::Bytes(bytes)),
        }
    }
}

/// A label.
///
/// # Errors
/// One that is too long, or that would break a line.
pub(super) fn label(label: &str) -> Result<&str, Refused> {
    if label.len() > TEXT_BYTES_MAX {
        let length = label.len();
        return Err(Refused::Said(format!("The label has {length} bytes, {TEXT_BYTES_MAX} are the most.")));
    }
    match label.contains(char::is_control) {
        true => Err(Refused::said("The label has a control character in it.")),
        false => Ok(label),
    }
}

/// An identifier: hexadecimal digits, or nothing.
fn id(digits: &str) -> Result<Vec<u8>, Refused> {
    if digits.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = parse_hex(digits).map_err(|problem| Refused::Said(format!("id={digits}: {problem}")))?;
    match bytes.len() {
        0..=TEXT_BYTES_MAX => Ok(bytes),
        length => Err(Refused::Said(format!("The id has {length} bytes, {TEXT_BYTES_MAX} are the most."))),
    }
}

fn twice(name: &str) -> Refused {
    Refused::Said(format!("The attribute {name} is given twice."))
}

fn boolean(name: &str, value: &str) -> Result<bool, Refused> {
    value.parse().map_err(|_| Refused::Said(format!("The attribute {name} is true or false, not {value}.")))
}

/// An entry of a template.
pub(super) fn entry(attribute: u64, value: Given<'_>) -> Entry<'_> {
    Entry { attribute: AttributeType(attribute), value }
}

/// A boolean entry of a template.
pub(super) fn flag<'a>(attribute: u64, which: Flag, value: bool) -> Entry<'a> {
    entry(attribute, Given::Flag(which, value))
}

fn is_usage(attribute: u64) -> bool {
    USAGES.iter().any(|(usage, _)| *usage == attribute)
}

/// A boolean attribute, and when it can be said.
struct Row {
    name: &'static str,
    attribute: u64,
    flag: Flag,
    at_creation: bool,
    later: bool,
}

const fn row(name: &'static str, attribute: u64, flag: Flag, at_creation: bool, later: bool) -> Row {
    Row { name, attribute, flag, at_creation, later }
}

/// Where the core has the same rule for what changes later, it is not here: it refuses what it does not change.
static ROWS: &[Row] = &[
    row("encrypt", CKA_ENCRYPT, Flag::Encrypt, true, true),
    row("decrypt", CKA_DECRYPT, Flag::Decrypt, true, true),
    row("sign", CKA_SIGN, Flag::Sign, true, true),
    row("verify", CKA_VERIFY, Flag::Verify, true, true),
    row("wrap", CKA_WRAP, Flag::Wrap, true, true),
    row("unwrap", CKA_UNWRAP, Flag::Unwrap, true, true),
    row("derive", CKA_DERIVE, Flag::Derive, true, true),
    row("destroyable", CKA_DESTROYABLE, Flag::Destroyable, true, true),
    row("extractable", CKA_EXTRACTABLE, Flag::Extractable, true, false),
    row("sensitive", CKA_SENSITIVE, Flag::Sensitive, true, false),
    row("private", CKA_PRIVATE, Flag::Private, true, false),
    row("modifiable", CKA_MODIFIABLE, Flag::Modifiable, true, true),
    row("token", CKA_TOKEN, Flag::Token, true, true),
    row("wrap-with-trusted", CKA_WRAP_WITH_TRUSTED, Flag::WrapWithTrusted, true, true),
    row("trusted", CKA_TRUSTED, Flag::Trusted, false, true),
];

/// What keys may be used for. Those that have no name here are off.
const USAGES: &[(u64, Flag)] = &[
    (CKA_ENCRYPT, Flag::Encrypt),
    (CKA_DECRYPT, Flag::Decrypt),
    (CKA_WRAP, Flag::Wrap),
    (CKA_UNWRAP, Flag::Unwrap),
    (CKA_SIGN, Flag::Sign),
    (CKA_SIGN_RECOVER, Flag::SignRecover),
    (CKA_VERIFY, Flag::Verify),
    (CKA_VERIFY_RECOVER, Flag::VerifyRecover),
    (CKA_DERIVE, Flag::Derive),
];
/// What secret and private keys are unless it is said otherwise.
const CONFIDENTIAL: &[(&str, u64, Flag)] =
    &[("sensitive", CKA_SENSITIVE, Flag::Sensitive), ("extractable", CKA_EXTRACTABLE, Flag::Extractable)];
/// Bytes of a label or an identifier.
const TEXT_BYTES_MAX: usize = 127;
