//! `strongroom token init`: a token in the free slot.

use clap::Args;
use cryptoki_sys::*;
use strongroom_core::error::Error;
use strongroom_core::hsm::config::StoreKind;
use strongroom_core::hsm::{Config, Hsm, Slots};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::token::{DEFAULT_USER, Founding};

use super::making::{checked_name, made, padded_label, populate, refuse_same_label, warn_of_one_pin};
use crate::failure::Failure;
use crate::output::Answer;
use crate::pin::{OfficerPin, Pin, UserPin};
use crate::place::{Context, open_directory};
use crate::text::{any_case, quoted};

/// Options of `token init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Name of the token: 1 to 32 bytes
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// Name of its first user, who owns and uses keys
    #[arg(long, value_name = "NAME", default_value = DEFAULT_USER)]
    user: String,
    /// Make no user yet
    #[arg(long, conflicts_with_all = ["user", "pin_file", "pin_fd"])]
    no_user: bool,
    /// Give it the users and rules of a CloudHSM: the officer "admin" as user 1, the appliance user "app_user",
    /// passwords of 7 to 32 bytes without ':', six wrong ones that lock
    #[arg(long)]
    cloudhsm: bool,
    /// What the token allows: standard, strict (each key has one purpose and leaves in no way that tells it) or fips
    /// (approved algorithms only)
    #[arg(long, value_name = "POLICY", value_parser = any_case::<Policy>)]
    policy: Option<Policy>,
    /// Cost of guessing a PIN: default, strong, or test (almost none: marks the token as a test token)
    #[arg(long, value_name = "COST", value_parser = any_case::<Kdf>)]
    kdf: Option<Kdf>,
    /// Leave no copy of users' keys with the officer: a forgotten PIN then loses the user's keys
    #[arg(long)]
    no_escrow: bool,
    /// Make it even though another token has this label
    #[arg(long)]
    force: bool,
    /// The new officer's PIN.
    #[command(flatten)]
    so_pin: OfficerPin,
    /// The new user's PIN.
    #[command(flatten)]
    pin: UserPin,
}

pub(super) fn init(context: &Context, args: &InitArgs) -> Result<Answer, Failure> {
    if context.global().token.is_some() {
        return Err(Failure::usage("--token names a token that is there; a new one gets its name from --label"));
    }
    let label = padded_label(&args.label)?;
    let founding = if args.cloudhsm { Founding::CloudHsm } else { Founding::Plain };
    let user = checked_name(&args.user, args.no_user, founding)?;
    let hsm = context.hsm_with(configured(context, args)?);
    refuse_same_label(context, &hsm, &args.label, args.force)?;
    let settings = hsm.config().settings;
    let officer_pin = args.so_pin.source().new_one(context, "the officer", &settings, founding)?;
    let user_pin = match args.no_user {
        true => None,
        false => {
            let who = format!("user {}", quoted(&user));
            Some(args.pin.source().new_one(context, &who, &settings, founding)?)
        }
    };
    warn_of_one_pin(context, &officer_pin, user_pin.as_ref());
    let held = hsm.hold()?;
    // Somebody may have made one meanwhile.
    refuse_same_label(context, &hsm, &args.label, args.force)?;
    if let Some(warning) = open_directory(hsm.config()) {
        context.warn(&warning);
    }
    let slot = make(&hsm, founding, &label, &officer_pin)?;
    drop(held);
    let user = user_pin.map(|pin| (user, pin));
    populate(&hsm, slot, &officer_pin, user.as_ref())?;
    made("Made", &hsm, slot, user.as_ref())
}

/// The configuration with what the options change for this one token.
fn configured(context: &Context, args: &InitArgs) -> Result<Config, Failure> {
    let mut config = context.config()?;
    if config.store == StoreKind::Memory {
        let message = "the configuration says store = \"memory\", where a token is gone with the process that made it; \
                       set store = \"sqlite\" to make one that stays";
        return Err(Failure::refused(CKR_ACTION_PROHIBITED, message));
    }
    config.settings.policy = args.policy.unwrap_or(config.settings.policy);
    config.settings.kdf = args.kdf.unwrap_or(config.settings.kdf);
    config.settings.escrow &= !args.no_escrow;
    Ok(config)
}

/// Makes the token in the free slot, in the next one where another process was faster.
fn make(hsm: &Hsm, founding: Founding, label: &[u8; 32], pin: &Pin) -> Result<u64, Failure> {
    loop {
        let Slots { free, .. } = hsm.tokens()?;
        match hsm.found_token(free, founding, label, Some(pin.bytes())) {
            Ok(()) => return Ok(free),
            Err(Error::Busy(_)) if hsm.tokens()?.free != free => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) const INIT_EXAMPLES: &str = "\
The officer (PKCS#11: SO) manages users and never uses keys; the user owns and uses keys. Both PINs are asked for, \
unless they are given by option or environment.

--cloudhsm is for programs and habits from AWS CloudHSM: its officer \"admin\" is active at once, programs log the user in \
with name:password, and object numbers begin at 6.

Examples:
  strongroom token init --label first
  strongroom token init --label payments --user alice --policy strict --kdf strong
  strongroom token init --label ci --kdf test --so-pin-file so.pin --pin-file user.pin
  strongroom token init --label cluster --cloudhsm --user alice
  strongroom token init --label empty --no-user --so-pin-file officer.pin";
