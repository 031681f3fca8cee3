//! deleteKey.

use super::Tool;
use super::commands::{Command, MANAGEMENT};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "deleteKey",
    group: MANAGEMENT,
    call: CALL,
    description: "Deletes a key for ever. The other half of a pair stays.",
    flags: &[&[Flag::required("-k", "key-handle", "Key handle", "the key")]],
    needs_user: true,
    status: true,
    run: delete,
}];

fn delete(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let number = tool.handle(options, "-k")?;
    tool.link.session().destroy_object(number)?;
    tool.screen.result(CALL, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

const CALL: &str = "Cfm3DeleteKey";
