//! getAttribute, setAttribute, listAttributes.

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::Object;

use super::commands::{Command, Words};
use super::critical::{Asked, attempt, caution};
use super::keys::{refuse_sealed, sealed};
use super::{SERVER, Tool};
use crate::cloudhsm::attributes::{self, ALL, LISTED, Value};
use crate::cloudhsm::files;
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "listAttributes",
        usage: "",
        words: 0..=0,
        description: "Lists the attributes and their numbers.",
        explained: &[],
        needs_login: false,
        run: list,
    },
    Command {
        name: "getAttribute",
        usage: "<key-handle> <attribute> [<file>]",
        words: 2..=3,
        description: "Shows an attribute of a key, or all.",
        explained: &[
            ("key-handle", "the key"),
            ("attribute", "the number of the attribute; 512 is all, listAttributes lists them"),
            ("file", "a file for the answer, which is overwritten"),
        ],
        needs_login: true,
        run: get,
    },
    Command {
        name: "setAttribute",
        usage: "<key-handle> <attribute> [<value>]",
        words: 2..=3,
        description: "Changes an attribute of a key. Its owner does this; 134 (TRUSTED) an officer.",
        explained: &[
            ("key-handle", "the key"),
            (
                "attribute",
                "3 (label), 134, 260, 261, 262, 263, 264, 266, 268 or 528; 370 is settled when the key is made",
            ),
            ("value", "0 or 1, or the label; it is asked for where it is not given"),
        ],
        needs_login: true,
        run: set,
    },
];

/// The attributes that are true or false and that CloudHSM's tool changes. Which of them may change, the core says.
const SWITCHES: &[(u64, Flag)] = &[
    (CKA_TRUSTED, Flag::Trusted),
    (CKA_ENCRYPT, Flag::Encrypt),
    (CKA_DECRYPT, Flag::Decrypt),
    (CKA_WRAP, Flag::Wrap),
    (CKA_UNWRAP, Flag::Unwrap),
    (CKA_SIGN, Flag::Sign),
    (CKA_VERIFY, Flag::Verify),
    (CKA_DERIVE, Flag::Derive),
    (CKA_DESTROYABLE, Flag::Destroyable),
    (CKA_WRAP_WITH_TRUSTED, Flag::WrapWithTrusted),
];

/// Bytes of a label.
const LABEL_BYTES_MAX: usize = 127;

fn list(tool: &mut Tool, _: &Words<'_>) -> Result<(), Refusal> {
    let mut rows: Vec<(&str, u64)> =
        LISTED.iter().filter_map(|number| attributes::find_managed(*number)).map(|it| (it.name, it.number)).collect();
    rows.extend(attributes::MANAGED.iter().map(|it| (it.name, it.number)));
    rows.sort_by_key(|(_, number)| *number);
    rows.push(("ALL", ALL));
    tool.screen.lines(&["Following are the possible attribute values for getAttribute:", ""]);
    let line = |(name, number): &(&str, u64)| format!("      {:<32}= {number}", format!("OBJ_ATTR_{name}"));
    tool.screen.lines(&rows.iter().map(line).collect::<Vec<_>>());
    Ok(())
}

fn get(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (number, wanted) = (words.number(0)?, words.number(1)?);
    let key = visible(tool, number)?;
    let found = match wanted {
        ALL => attributes::all_managed(&key),
        _ => {
            let none = |reason: &str| Refusal::code(Code::ATTRIBUTE, format!("attribute {wanted}: {reason}"));
            let attribute =
                attributes::find_managed(wanted).ok_or_else(|| none("listAttributes lists those there are"))?;
            vec![(attribute, Value::of(&key, attribute).ok_or_else(|| none("this key does not have it"))?)]
        }
    };
    let text: String = found
        .iter()
        .map(|(attribute, value)| format!("OBJ_ATTR_{}\n{}\n", attribute.name, value.text(wanted != ALL)))
        .collect();
    match words.text(2) {
        None => tool.screen.lines(&[format!("Attribute Value on {SERVER}:"), text.trim_end_matches('\n').to_owned()]),
        Some(file) => {
            files::write(file, text.as_bytes())?;
            if wanted == ALL {
                let (size, count) = (attributes::block_bytes(&found), found.len());
                tool.screen.lines(&[format!("got all attributes of size {size} attr cnt {count}")]);
            }
            tool.screen.lines(&[format!("Attributes dumped into {file} file")]);
        }
    }
    Ok(())
}

fn set(tool: &mut Tool, words: &Words<'_>) -> Result<(), Refusal> {
    let (number, attribute) = (words.number(0)?, words.number(1)?);
    let switch = SWITCHES.iter().find(|(known, _)| *known == attribute).map(|(_, flag)| *flag);
    if switch.is_none() && attribute != CKA_LABEL {
        return Err(Refusal::Said(match attribute {
            CKA_WRAP_TEMPLATE | CKA_UNWRAP_TEMPLATE => {
                "Error: templates are given when a key is made, by a PKCS#11 program, and do not change".to_owned()
            }
            _ => "This attribute is either not modifiable or unknown".to_owned(),
        }));
    }
    let value = match words.text(2) {
        Some(value) => value.to_owned(),
        None => ask(tool, switch.is_some())?,
    };
    let given = match switch {
        Some(flag) => match value.as_str() {
            "0" => Given::Flag(flag, false),
            "1" => Given::Flag(flag, true),
            _ => return Err(Refusal::misuse(format!("Error: the value of attribute {attribute} is 0 or 1"))),
        },
        None if value.len() > LABEL_BYTES_MAX || value.contains(char::is_control) => {
            return Err(Refusal::Said(format!(
                "Error: a label has at most {LABEL_BYTES_MAX} bytes, and no control characters"
            )));
        }
        None => Given::Bytes(value.as_bytes()),
    };
    let template = Template::from_entries(vec![Entry { attribute: AttributeType(attribute), value: given }]);
    caution(tool)?;
    attempt(tool, "setAttribute", Asked::Change, |tool| match sealed(tool, number)? {
        true if attribute == CKA_TRUSTED => {
            let done = tool.token()?.set_trust(&*tool.login()?, number, value == "1");
            done.map_err(|error| tool.refused(error))
        }
        true => Err(refuse_sealed(number)),
        false => {
            let done = tool.session()?.set_attributes(number, &template);
            done.map_err(|error| tool.refused(error))
        }
    })
}

fn ask(tool: &mut Tool, is_switch: bool) -> Result<String, Refusal> {
    let question = match is_switch {
        true => {
            tool.screen.lines(&["This attribute is defined as a boolean value."]);
            "Enter the boolean attribute value (0 or 1):"
        }
        false => "Enter the attribute value:",
    };
    let answer = tool.answer(question)?;
    let answer = answer.ok_or_else(|| Refusal::Said("Error: there is no answer, and nothing was done".to_owned()))?;
    Ok(answer.trim().to_owned())
}

/// The key, opened for whoever is logged in.
///
/// # Errors
/// No such key; one that is sealed to others.
fn visible(tool: &Tool, number: u64) -> Result<std::sync::Arc<Object>, Refusal> {
    match tool.session()?.object(number) {
        Ok(object) if object.kind.is_key() => Ok(object),
        Ok(_) => Err(Error::NoKey(number).into()),
        Err(Error::NoObject(_)) if sealed(tool, number)? => Err(refuse_sealed(number)),
        Err(error) => Err(tool.refused(error)),
    }
}
