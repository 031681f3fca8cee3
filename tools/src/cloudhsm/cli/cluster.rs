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
    /// What is said of a command that is only a word.
    pub(super) fn not_offered(&self) -> Option<&'static str> {
        matches!(self, Command::Mtls(_)).then_some(NO_MTLS)
    }

    /// Carries it out.
    pub(super) fn run(&self, tool: &mut Tool) -> Answer {
        match self {
            Command::Activate(activate) => activate.run(tool),
            Command::HsmInfo => info(tool),
            Command::Mtls(_) => Err(Refused::said(NO_MTLS)),
        }
    }
}

impl Activate {
    fn run(&self, tool: &mut Tool) -> Answer {
        if !is_fresh(tool)? {
            return Err(Refused::said("The cluster is activated already."));
        }
        let password = new_or_known(tool, self.password.as_ref(), true)?;
        // Somebody else may have been faster, while the password was typed or in this moment. The published password is
        // tried on nobody else: that would count as a wrong one.
        let faster =
            || Refused::said("Somebody else has just activated the cluster, with another password than yours.");
        if !is_fresh(tool)? {
            return Err(faster());
        }
        match tool.link.token().set_pin(FIRST_OFFICER, INITIAL_PASSWORD, &password) {
            Ok(()) => Ok(json!("Cluster activation successful")),
            Err(_) if !is_fresh(tool)? => Err(faster()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the admin still has the published password.
fn is_fresh(tool: &Tool) -> Result<bool, Refused> {
    let users = tool.link.token().users()?;
    Ok(users.iter().any(|user| user.id == FIRST_OFFICER && user.role == Role::Unactivated))
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

const NO_MTLS: &str = "cluster mtls is not offered: there is no network between this tool and the HSM.";
