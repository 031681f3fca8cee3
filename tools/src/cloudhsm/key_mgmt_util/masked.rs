//! extractMaskedObject, insertMaskedObject: objects, those that are not extractable too, in files that this token and
//! its copies take back.

use super::Tool;
use super::commands::{Command, TRANSPORT};
use super::creation::{Creation, SERVERS};
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "extractMaskedObject",
        group: TRANSPORT,
        call: EXTRACT,
        description: "Writes a key to a file that only this token and copies of it can read.",
        flags: &[&[
            Flag::required("-o", "object-handle", "Object handle", "the key, which is the user's own"),
            Flag::required("-out", "file", "Output file", "the file, which is overwritten"),
        ]],
        needs_user: true,
        status: false,
        run: extract,
    },
    Command {
        name: "insertMaskedObject",
        group: TRANSPORT,
        call: INSERT,
        description: "Puts a key back from a file of extractMaskedObject. It has a new handle then.",
        flags: &[&[Flag::required("-f", "file", "Masked object file", "the file")], SERVERS],
        needs_user: true,
        status: true,
        run: insert,
    },
];

fn extract(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (number, file) = (tool.handle(options, "-o")?, options.needed("-out")?);
    let target = Target::secret(file)?;
    target.write(&tool.link.session().extract_masked(number)?)?;
    tool.screen.paragraph(&[format!("\tObject was masked and written to file \"{file}\"")]);
    tool.screen.result(EXTRACT, Code::SUCCESS);
    Ok(())
}

fn insert(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let creation = Creation::read(tool, options)?;
    let masked = files::read(options.needed("-f")?)?;
    let key = tool.link.session().insert_masked(&masked)?;
    tool.screen.result(INSERT, Code::SUCCESS);
    tool.screen.made(&format!("New Key Handle: {key}"));
    creation.conclude(tool);
    Ok(())
}

const EXTRACT: &str = "Cfm3ExtractMaskedObject";
const INSERT: &str = "Cfm3InsertMaskedObject";
