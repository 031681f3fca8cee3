//! What changes the HSM: the caution before it with its question, and the question after a refusal.

use super::commands::tell_code;
use super::{SERVER, Tool};
use crate::cloudhsm::results::Refusal;

/// What is asked after a refusal of the HSM's.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// After createUser.
    Creation,
    /// After every other command that changes something.
    Change,
}

/// Prints the caution, and asks whether to go on.
///
/// # Errors
/// Where the answer is no, or there is none.
pub(super) fn caution(tool: &mut Tool) -> Result<(), Refusal> {
    tool.screen.paragraph(CAUTION);
    tool.screen.lines(&[""]);
    loop {
        let answer = tool.answer("Do you want to continue(y/n)?")?;
        match answer.as_deref().map(|line| line.trim()) {
            Some("y" | "Y") => return Ok(()),
            Some("n" | "N") => return Err(Refusal::Told),
            Some(_) => tool.screen.lines(&["Invalid option, please type 'y' or 'n'"]),
            None => return Err(no_answer(tool)),
        }
    }
}

/// Does something, says that it is done, and where the HSM refuses asks whether to try again.
///
/// # Errors
/// The refusal.
pub(super) fn attempt(
    tool: &mut Tool,
    command: &str,
    asked: Asked,
    work: impl Fn(&mut Tool) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    loop {
        match work(tool) {
            Ok(()) => {
                tool.done(command);
                return Ok(());
            }
            Err(Refusal::Returned(returned)) if returned.from_hsm => {
                tell_code(tool, command, &returned);
                let line = match asked {
                    Asked::Creation => format!("creating user on {SERVER} failed"),
                    Asked::Change => format!("{command} failed on {SERVER}"),
                };
                tool.screen.lines(&[line, String::new()]);
                if !again(tool, asked)? {
                    return Err(Refusal::Told);
                }
            }
            Err(other) => return Err(other),
        }
    }
}

/// Asks whether to try again. There is one server, so that there is nothing to roll back, and ignoring is giving up.
fn again(tool: &mut Tool, asked: Asked) -> Result<bool, Refusal> {
    let (question, letters) = match asked {
        Asked::Creation => ("Retry/Ignore/Abort?(R/I/A):", ["I", "A"]),
        Asked::Change => ("Retry/rollBack/Ignore?(R/B/I):", ["B", "I"]),
    };
    loop {
        let answer = tool.answer(question)?.map(|line| line.trim().to_ascii_uppercase());
        match answer.as_deref() {
            Some("R") => return Ok(true),
            Some(letter) if letters.contains(&letter) => return Ok(false),
            Some(_) => {
                let [one, other] = letters;
                tool.screen.lines(&[format!("Invalid option, please type 'R', '{one}' or '{other}'")]);
            }
            None => return Err(no_answer(tool)),
        }
    }
}

fn no_answer(tool: &mut Tool) -> Refusal {
    tool.screen.lines(&[""]);
    Refusal::Said("Error: there is no answer, and nothing was done".to_owned())
}

const CAUTION: &[&str] = &[
    "*************************CAUTION********************************",
    "This is a CRITICAL operation, should be done on all nodes in the",
    "cluster. AWS does NOT synchronize these changes automatically with the",
    "nodes on which this operation is not executed or failed, please",
    "ensure this operation is executed on all nodes in the cluster.",
    "****************************************************************",
];
