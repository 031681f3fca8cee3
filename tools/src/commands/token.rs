//! `strongroom token`: making, listing, describing and deleting tokens.

mod confirmation;
mod delete;
mod found;
mod init;
mod making;
mod reset;

use clap::Subcommand;
use serde_json::json;
use strongroom_core::hsm::Slots;
use strongroom_core::token::Founding;

use super::user::users_table;
use crate::failure::Failure;
use crate::output::Answer;
use crate::place::{Context, without_tokens};
use crate::table::{Column, Table, pairs};
use crate::text::one_line;
use delete::{DELETE_EXAMPLES, DeleteArgs, delete};
use found::Found;
use init::{INIT_EXAMPLES, InitArgs, init};
use reset::{RESET_EXAMPLES, ResetArgs, reset};

/// The commands about tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token in the free slot, with an officer and a user
    #[command(after_long_help = INIT_EXAMPLES)]
    Init(InitArgs),
    /// List the tokens
    #[command(after_long_help = LIST_EXAMPLES)]
    List,
    /// Show one token and its users
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show,
    /// Make a token anew in its slot: every key and user in it is gone
    #[command(after_long_help = RESET_EXAMPLES)]
    Reset(ResetArgs),
    /// Delete a token for ever, with every key in it
    #[command(after_long_help = DELETE_EXAMPLES)]
    Delete(DeleteArgs),
}

/// Runs a command about tokens.
///
/// # Errors
/// What it refuses or fails with.
pub(crate) fn run(context: &Context, command: &TokenCommand) -> Result<Answer, Failure> {
    match command {
        TokenCommand::Init(args) => init(context, args),
        TokenCommand::List => list(context),
        TokenCommand::Show => show(context),
        TokenCommand::Reset(args) => reset(context, args),
        TokenCommand::Delete(args) => delete(context, args),
    }
}

fn list(context: &Context) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let Slots { tokens, free } = hsm.tokens()?;
    let mut table = Table::new(&[
        Column::Number("SLOT"),
        Column::Text("LABEL"),
        Column::Text("SERIAL"),
        Column::Text("POLICY"),
        Column::Number("USERS"),
        Column::Number("OBJECTS"),
        Column::Text("NOTES"),
    ]);
    let mut listed = Vec::new();
    let mut test = false;
    let mut faulty = false;
    for slot in &tokens {
        match Found::read(&hsm, *slot) {
            Ok(found) => {
                test |= found.test;
                table.row(vec![
                    slot.to_string(),
                    one_line(&found.label),
                    found.serial.clone(),
                    found.policy.to_string(),
                    found.users.len().to_string(),
                    found.objects.to_string(),
                    found.notes().join(", "),
                ]);
                listed.push(found.json());
            }
            Err(failure) => {
                faulty = true;
                let mut cells = vec![slot.to_string(), "(unreadable)".to_owned()];
                cells.extend(std::iter::repeat_n(String::new(), 4));
                cells.push(one_line(failure.message()));
                table.row(cells);
                listed.push(json!({ "slot": slot, "problem": failure.message() }));
            }
        }
    }
    let dir = hsm.config().dir.display().to_string();
    let mut text = match tokens.is_empty() {
        true => capitalised(&without_tokens(hsm.config())) + "\n",
        false => table.text(),
    };
    if test {
        text.push_str(&format!("{TEST_MARK}\n"));
    }
    let json = json!({ "directory": dir, "tokens": listed, "free_slot": free });
    Ok(Answer { text, json, faulty })
}

/// A refusal's words as an answer, which is a sentence.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn show(context: &Context) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let found = Found::read(&hsm, context.slot(&hsm)?)?;
    let mut lines = vec![
        ("Label", one_line(&found.label)),
        ("Slot", found.slot.to_string()),
        ("Serial", found.serial.clone()),
        ("Manufacturer", found.manufacturer.to_owned()),
        ("Model", found.model.to_owned()),
        ("Policy", found.policy.to_string()),
        ("Escrow", if found.escrow { "yes" } else { "no" }.to_owned()),
        ("Founded", if found.founding == Founding::CloudHsm { "as a CloudHSM" } else { "plain" }.to_owned()),
        ("Objects", found.objects.to_string()),
        ("Flags", found.flag_names().join(", ")),
        ("Directory", hsm.slot_dir(found.slot).display().to_string()),
    ];
    if found.test {
        lines.insert(0, ("Mark", TEST_MARK.to_owned()));
    }
    let text = format!("{}\n{}", pairs(&lines), users_table(&found.users).text());
    Ok(Answer::new(text, json!({ "token": found.json() })))
}

/// What marks a token whose PINs protect nothing.
pub(crate) const TEST_MARK: &str = "TEST TOKEN: its PINs are cheap to guess; keep nothing of value in it";

const LIST_EXAMPLES: &str = "\
Examples:
  strongroom token list
  strongroom token list --json
  strongroom --dir /srv/tokens token list";

const SHOW_EXAMPLES: &str = "\
Examples:
  strongroom token show
  strongroom token show --token payments
  strongroom token show --token slot=2 --json";
