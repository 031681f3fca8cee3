//! cluster: the HSM itself.

use clap::{Args, Subcommand};
use serde_json::json;
use strongroom_core::hsm::MANUFACTURER;
use strongroom_core::policy::Policy;
use strongroom_core::seal::Role;
use strongroom_core::token::{FIRST_OFFICER, INITIAL_PASSWORD};

use super::Tool;
use super::answer::{Answer, Refused};
use super::commands::{NotOffered, Password, password};
use super::user::new_or_known;
use crate::cloudhsm::link::fips_mode;

/// cluster
#[derive(Subcommand)]
pub(super) enum Command {
    /// Give the admin of a fresh HSM a password
    Activate(Activate),
    /// Say what the HSM is
    HsmInfo,
    #[command(hide = true)]
    Mtls(NotOffered),
}

/// cluster activate
#[derive(Args)]
pub(super) struct Activate {
    /// The admin's new password, which is asked for where this is not given
    #[arg(long, value_parser = password, allow_hyphen_values = true)]
    password: Option<Password>,
}

impl Command {
    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        match self {
            Command::Activate(activate) => activate.run(tool),
            Command::HsmInfo => info(tool),
            Command::Mtls(_) => {
                Err(Refused::said("cluster mtls is not offered: there is no network between this tool and the HSM."))
            }
        }
    }
}

impl Activate {
    fn run(&self, tool: &mut Tool) -> Answer {
        // The published password is tried on nobody else: that would count as a wrong one.
        let fresh = tool.link.token().users()?.iter().any(|user| user.id == FIRST_OFFICER && user.role == Role::Unactivated);
        if !fresh {
            return Err(Refused::said("The cluster is activated already."));
        }
        let password = new_or_known(tool, self.password.as_ref(), true)?;
        tool.link.token().set_pin(FIRST_OFFICER, INITIAL_PASSWORD, &password)?;
        Ok(json!("Cluster activation successful"))
    }
}

fn info(tool: &Tool) -> Answer {
    let meta = tool.link.token().meta()?;
    let mode = match meta.policy {
        Policy::Fips => "FIPS mode with single factor authentication",
        Policy::Standard | Policy::Strict => "non-FIPS mode with single factor authentication",
    };
    Ok(json!({
        "hsms": [{
            "vendor": MANUFACTURER,
            "model": "software HSM",
            "serial-number": meta.serial(),
            "hardware-version-major": "0",
            "hardware-version-minor": "0",
            "firmware-version-major": env!("CARGO_PKG_VERSION_MAJOR"),
            "firmware-version-minor": env!("CARGO_PKG_VERSION_MINOR"),
            "firmware-build-number": env!("CARGO_PKG_VERSION_PATCH"),
            "firmware-id": concat!("Strongroom ", env!("CARGO_PKG_VERSION")),
            "fips-state": format!("{} [{mode}]", fips_mode(meta.policy)),
        }]
    }))
}
