//! `strongroom token reset`: a token made anew in its slot.

use clap::Args;
use strongroom_core::token::DEFAULT_USER;

use super::confirmation::{Words, confirm};
use super::found::Found;
use super::making::{checked_name, made, padded_label, populate, refuse_same_label, warn_of_one_pin};
use crate::failure::Failure;
use crate::output::Answer;
use crate::pin::{OfficerPin, UserPin};
use crate::place::{Context, explain_login, first_officer};
use crate::text::quoted;

/// Options of `token reset`.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// New name of the token: 1 to 32 bytes. Unless given, it keeps its name
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Name of its first user, who owns and uses keys
    #[arg(long, value_name = "NAME", default_value = DEFAULT_USER)]
    user: String,
    /// Make no user yet
    #[arg(long, conflicts_with_all = ["user", "pin_file", "pin_fd"])]
    no_user: bool,
    /// Give it the label even though another token has it
    #[arg(long)]
    force: bool,
    /// Do not ask to type the label
    #[arg(long)]
    yes: bool,
    /// The officer's PIN, which stays.
    #[command(flatten)]
    so_pin: OfficerPin,
    /// The new user's PIN.
    #[command(flatten)]
    pin: UserPin,
}

pub(super) fn reset(context: &Context, args: &ResetArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let slot = context.slot(&hsm)?;
    let found = Found::read(&hsm, slot)?;
    let label = padded_label(args.label.as_deref().unwrap_or(&found.label))?;
    let name = checked_name(&args.user, args.no_user, found.founding)?;
    confirm(args.yes, &RESETS, &found.label, slot, Some(found.objects))?;
    let settings = hsm.config().settings;
    // A published password is nothing to ask for: the officer gets one of its own.
    let officer_pin = match found.is_activated() {
        true => args.so_pin.source().known(context, "the officer")?,
        false => args.so_pin.source().new_one(context, "the officer", &settings, found.founding)?,
    };
    let user = match args.no_user {
        true => None,
        false => {
            let who = format!("user {}", quoted(&name));
            Some((name, args.pin.source().new_one(context, &who, &settings, found.founding)?))
        }
    };
    let held = hsm.hold()?;
    if args.label.as_deref().is_some_and(|label| label.trim_end() != found.label) {
        refuse_same_label(context, &hsm, args.label.as_deref().unwrap_or_default(), args.force)?;
    }
    let application = hsm.application(slot)?;
    let token = application.token();
    let officer = first_officer(token)?;
    token.reinitialize(&label, officer_pin.bytes()).map_err(|error| explain_login(token, &officer, error.into()))?;
    drop(held);
    warn_of_one_pin(context, &officer_pin, user.as_ref().map(|(_, pin)| pin));
    populate(&hsm, slot, &officer_pin, user.as_ref())?;
    made("Reset", &hsm, slot, user.as_ref())
}

const RESETS: Words = Words { doing: "resetting", does: "resets", loses: "empties", done: "reset" };

pub(super) const RESET_EXAMPLES: &str = "\
The slot keeps its number, the token its name unless --label gives another, its policy, its way of founding, and its \
mark as a test token. It gets a new serial number. The officer's PIN is needed, and stays (where a \
fresh CloudHSM's officer is not activated yet, it is a new one, and activates); the user gets a new one. For tests that begin with an \
empty token: other than delete and init it leaves the slot where it is.

Examples:
  strongroom token reset --token payments
  strongroom token reset --token ci --yes --so-pin-file so.pin --pin-file user.pin";
