//! The confirmation before keys are lost: whoever is at the terminal types the token's label.

use cryptoki_sys::*;

use crate::failure::Failure;
use crate::terminal;
use crate::text::{counted, quoted};

/// How a confirmation speaks of what is about to happen.
pub(super) struct Words {
    pub(super) doing: &'static str,
    pub(super) does: &'static str,
    pub(super) loses: &'static str,
    pub(super) done: &'static str,
}

/// Has the person type the label, so that no token goes by a slip of the finger.
pub(super) fn confirm(yes: bool, words: &Words, label: &str, slot: u64, objects: Option<usize>) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !terminal::is_interactive() {
        let message = format!(
            "{} the token {} asks to type its label, and standard input is no terminal; --yes {} it unasked",
            words.doing,
            quoted(label),
            words.does
        );
        return Err(Failure::usage(message));
    }
    let holding = objects.map_or_else(String::new, |objects| format!(" and {} in it", counted(objects, "object")));
    terminal::say(&format!("This {} the token {} in slot {slot}{holding} for ever.", words.loses, quoted(label)))?;
    match terminal::ask("Type its label to go on:")? == label.trim() {
        true => Ok(()),
        false => {
            Err(Failure::refused(CKR_FUNCTION_CANCELED, format!("that is not the label; nothing was {}", words.done)))
        }
    }
}
