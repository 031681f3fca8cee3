//! getKeyInfo, getAttribute, setAttribute, listAttributes: what is known about a key.

use cryptoki_sys::*;
use strongroom_core::attribute::Flag as Attribute;

use super::Tool;
use super::commands::{Command, HELPERS, MANAGEMENT};
use super::find::key;
use crate::cloudhsm::attributes::{self, ALL, LISTED, Value};
use crate::cloudhsm::files;
use crate::cloudhsm::options::{Flag, Options, number};
use crate::cloudhsm::results::{Code, Refusal};
use crate::cloudhsm::words::Word;
use crate::input::Line;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "getKeyInfo",
        group: MANAGEMENT,
        call: GET_KEY,
        description: "Says who owns a key, and whom it is shared with.",
        flags: &[&[Flag::required("-k", "key-handle", "Key handle", "the key")]],
        needs_user: true,
        status: false,
        run: info,
    },
    Command {
        name: "getAttribute",
        group: MANAGEMENT,
        call: GET,
        description: "Writes an attribute of a key, or all, to a file.",
        flags: &[&[
            Flag::required("-o", "object-handle", "Object handle", "the key"),
            Flag::required("-a", "attribute", "Attribute", "the attribute; 512 is all, listAttributes lists them"),
            Flag::required("-out", "file", "Output file", "the file, which is overwritten"),
        ]],
        needs_user: true,
        status: false,
        run: get,
    },
    Command {
        name: "setAttribute",
        group: MANAGEMENT,
        call: SET,
        description: "Makes a session key persistent. It has a new handle then.",
        flags: &[&[
            Flag::required("-o", "object-handle", "Object handle", "the key"),
            Flag::required("-a", "attribute", "Attribute", "the attribute: 1, OBJ_ATTR_TOKEN"),
        ]],
        needs_user: true,
        status: true,
        run: set,
    },
    Command {
        name: "listAttributes",
        group: HELPERS,
        call: "",
        description: "Lists the attributes and their numbers.",
        flags: &[],
        needs_user: false,
        status: false,
        run: list,
    },
];

/// Words with the guide's short form of an option spelled out: one of its examples has `-attr_7` for `-out attr_7`. No
/// option begins so, which is why nothing else can be meant.
pub(super) fn spelled_out(command: &str, words: &[Word]) -> Vec<Word> {
    let is_short = |word: &Word| command == "getAttribute" && word.starts_with("-attr_");
    // After an option the word is its value, whatever it looks like.
    let mut after_option = false;
    let mut spelled = Vec::with_capacity(words.len() + 1);
    for word in words {
        match word.strip_prefix('-') {
            Some(file) if !after_option && is_short(word) => {
                spelled.extend(["-out", file].map(|word| Word::new(word.to_owned())));
            }
            _ => {
                after_option = !after_option && word.starts_with('-');
                spelled.push(word.clone());
            }
        }
    }
    spelled
}

fn info(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let key = key(tool, tool.handle(options, "-k")?)?;
    tool.screen.result(GET_KEY, Code::SUCCESS);
    let ownership = key.ownership;
    tool.screen.paragraph(&[format!("\tOwned by user {}", ownership.owner.0)]);
    let sharees: Vec<String> = ownership.sharees.iter().map(|user| user.0.to_string()).collect();
    if !sharees.is_empty() {
        tool.screen.paragraph(&[format!("\talso, shared to following {} user(s):", sharees.len())]);
        tool.screen.paragraph(&[format!("\t\t {}", sharees.join(", "))]);
    }
    let approvals = ownership.use_approvals.max(ownership.management_approvals);
    if approvals > 0 {
        tool.screen.paragraph(&[format!("\t {approvals} Users need to approve to use/manage this key")]);
    }
    Ok(())
}

fn get(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let wanted = options.needed_number("-a")?;
    let file = options.needed("-out")?;
    let key = key(tool, tool.handle(options, "-o")?)?;
    let mut said = Vec::new();
    let found = if wanted == ALL {
        let all = attributes::all(&key);
        said.push(format!("got all attributes of size {} attr cnt {}", attributes::block_bytes(&all), all.len()));
        all
    } else {
        let none = |reason: &str| Refusal::code(Code::ATTRIBUTE, format!("-a {wanted}: {reason}"));
        let attribute = attributes::find(wanted).ok_or_else(|| none("listAttributes lists those there are"))?;
        let value = Value::of(&key, attribute).ok_or_else(|| none("this key does not have it"))?;
        vec![(attribute, value)]
    };
    let text: String = found
        .iter()
        .map(|(attribute, value)| format!("OBJ_ATTR_{}\n{}\n", attribute.name, value.text(wanted != ALL)))
        .collect();
    files::write(file, text.as_bytes())?;
    said.push(format!("Attributes dumped into {file} file"));
    tool.screen.paragraph(&said);
    tool.screen.result(GET, Code::SUCCESS);
    Ok(())
}

fn set(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let handle = tool.handle(options, "-o")?;
    let attribute = options.needed_number("-a")?;
    let key = key(tool, handle)?;
    if attribute != CKA_TOKEN {
        return Err(Refusal::Said("This attribute is either not modifiable or unknown".to_owned()));
    }
    tool.screen.paragraph(&["This attribute is defined as a boolean value."]);
    tool.screen.prompt("Enter the boolean attribute value (0 or 1):");
    let refused = |reason: String| Err(Refusal::code(Code::ATTRIBUTE, reason));
    match (answer(tool)?.map(|line| number(line.trim())), key.has(Attribute::Token)) {
        (Some(Some(1)), false) => {}
        (Some(Some(1)), true) => return refused(format!("key {handle} is persistent already")),
        (Some(_), _) => return refused("a key becomes persistent (1), never the other way round".to_owned()),
        (None, true) => return refused(format!("no value was given, and key {handle} is persistent already")),
        (None, false) => return refused("no value was given; 1 on the next line makes the key persistent".to_owned()),
    }
    let copy = tool.link.make_persistent(&key)?;
    tool.screen.result(SET, Code::SUCCESS);
    tool.renumbered.insert(handle, copy);
    tool.screen.made(&format!("The key is persistent now.  Key Handle: {copy}"));
    tool.screen.lines(&[format!("\t{handle} stands for it here until the user logs out")]);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

fn list(tool: &mut Tool, _: &Options<'_>) -> Result<(), Refusal> {
    tool.screen.paragraph(&["Following are the possible attribute values for getAttributes:", ""]);
    let names = LISTED.iter().filter_map(|number| attributes::find(*number)).map(|row| (row.name, row.number));
    let lines: Vec<String> = names
        .chain([("ALL", ALL)])
        .map(|(name, number)| format!("      {:<32}= {number}", format!("OBJ_ATTR_{name}")))
        .collect();
    tool.screen.lines(&lines);
    Ok(())
}

/// The next line, which comes from where the command comes from; nothing where there is none, or nothing on it.
fn answer(tool: &mut Tool) -> Result<Option<Line>, Refusal> {
    let line = tool.input.next().map_err(|error| error.to_string()).and_then(Option::transpose);
    let line = line.map_err(|problem| Refusal::Said(format!("Error: the answer cannot be read: {problem}")))?;
    Ok(line.filter(|line| !line.trim().is_empty()))
}

const GET_KEY: &str = "Cfm3GetKey";
const GET: &str = "Cfm3GetAttribute";
const SET: &str = "Cfm3SetAttribute";
