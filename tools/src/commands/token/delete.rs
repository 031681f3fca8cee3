//! `strongroom token delete`: a token and its keys, for ever.

use clap::Args;
use serde_json::json;

use super::confirmation::{Words, confirm};
use super::found::Found;
use crate::failure::Failure;
use crate::output::Answer;
use crate::place::{AsOfficer, Context};
use crate::text::quoted;

/// Options of `token delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Do not ask to type the label
    #[arg(long)]
    yes: bool,
    /// Do not ask for the officer's PIN: for one that is forgotten, or a token that is damaged
    #[arg(long, conflicts_with_all = ["so_pin_file", "so_pin_fd"])]
    without_pin: bool,
    /// Who allows it.
    #[command(flatten)]
    officer: AsOfficer,
}

pub(super) fn delete(context: &Context, args: &DeleteArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let slot = context.slot(&hsm)?;
    let found = match Found::read(&hsm, slot) {
        Ok(found) => Some(found),
        // A damaged token can still be deleted by whoever owns its files.
        Err(_) if args.without_pin => None,
        Err(failure) => return Err(failure.advise("--without-pin deletes a token that cannot be read")),
    };
    let label = found.as_ref().map_or_else(|| format!("slot {slot}"), |found| found.label.clone());
    confirm(args.yes, &DELETES, &label, slot, found.as_ref().map(|found| found.objects))?;
    if !args.without_pin {
        let application = hsm.application(slot)?;
        args.officer.login(context, application.token())?;
    }
    hsm.delete_token(slot)?;
    let text = format!("Deleted token {} of slot {slot}; the slot's number is not given again.\n", quoted(&label));
    let serial = found.map(|found| found.serial);
    Ok(Answer::new(text, json!({ "deleted": { "slot": slot, "label": label, "serial": serial } })))
}

const DELETES: Words = Words { doing: "deleting", does: "deletes", loses: "deletes", done: "deleted" };

pub(super) const DELETE_EXAMPLES: &str = "\
The label is asked for as a confirmation, and the officer's PIN is needed, so that neither a slip nor a stranger at an \
open terminal deletes keys. The PIN is a guard against accidents, not against the owner of the files, who can remove \
them anyway: --without-pin is for a forgotten PIN or a damaged token. Close the programs that use the token first. A \
deleted token does not come back, and its slot number is not given again.

Examples:
  strongroom token delete --token payments
  strongroom token delete --token slot=2 --yes --so-pin-file officer.pin
  strongroom token delete --token slot=3 --without-pin";
