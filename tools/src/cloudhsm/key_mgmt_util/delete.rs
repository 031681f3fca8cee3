//! deleteKey.

use strongroom_core::attribute::Flag as Attribute;

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
    let number = options.needed_number("-k")?;
    let session = tool.link.session();
    let result = session.destroy_object(number);
    // The core has one error for what an object forbids and for what its owner does.
    if result.is_err() && session.object(number).is_ok_and(|key| !key.has(Attribute::Destroyable)) {
        return Err(Refusal::code(Code::POLICY, format!("key {number} is not destroyable (OBJ_ATTR_DESTROYABLE)")));
    }
    result?;
    tool.screen.result(CALL, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

const CALL: &str = "Cfm3DeleteKey";
