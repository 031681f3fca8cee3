//! shareKey: who may use a key beside its owner.

use super::Tool;
use super::commands::{Command, MANAGEMENT};
use super::creation::users;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "shareKey",
    group: MANAGEMENT,
    call: CALL,
    description: "Shares a key with a user, or no longer.",
    flags: &[&[
        Flag::required("-k", "key-handle", "Key handle", "the key, which is the user's own"),
        Flag::required("-u", "user-id", "User ID", "the number of the crypto user"),
        Flag::switch("-unshare", "that the key is no longer shared with the user"),
    ]],
    needs_user: true,
    status: true,
    run: share,
}];

fn share(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let key = tool.handle(options, "-k")?;
    let list = users(options.needed("-u")?)?;
    // One at a time: each takes approvals of its own.
    let [user] = list.as_slice() else {
        return Err(Refusal::value("-u", "the number of one user", format_args!("{} of them", list.len())));
    };
    if tool.link.login().is_some_and(|login| login.user == *user) {
        return Err(Refusal::before(
            Code::SHARED_WITH_OWNER,
            format!("-u {}: that is the user who is logged in", user.0),
        ));
    }
    match options.has("-unshare") {
        true => tool.link.session().unshare(key, *user)?,
        false => tool.link.session().share(key, *user)?,
    }
    tool.screen.result(CALL, Code::SUCCESS);
    tool.screen.status(Code::SUCCESS);
    Ok(())
}

const CALL: &str = "Cfm3ShareKey";
