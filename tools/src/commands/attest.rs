//! `strongroom attest`: makes the manifest of this installation, and compares the two.

use crate::attestation::{Fault, Installation, advice};
use clap::Subcommand;
use cryptoki_sys::CKR_FUNCTION_FAILED;
use serde_json::json;

use crate::failure::Failure;
use crate::output::Answer;
use crate::place::Context;
use crate::text::counted;

/// The commands about the installation this program belongs to.
#[derive(Debug, Subcommand)]
pub(crate) enum AttestCommand {
    /// Record the module and the programs as they are now: what make install does last
    #[command(after_long_help = MAKE)]
    Make,
    /// Compare the module and the programs with what was recorded
    #[command(after_long_help = CHECK)]
    Check,
}

/// Makes or checks.
///
/// # Errors
/// Files that cannot be read or written. A check that fails is an answer.
pub(crate) fn run(_: &Context, command: &AttestCommand) -> Result<Answer, Failure> {
    let installation = Installation::running().map_err(refused)?;
    let made = match command {
        AttestCommand::Make => {
            installation.make().map_err(refused)?;
            format!(
                "Made {} and {}; their key is in {}\n",
                installation.manifest_path().display(),
                installation.certificate_path().display(),
                installation.key_path().display()
            )
        }
        AttestCommand::Check => String::new(),
    };
    let checked = installation.check();
    let text = match &checked {
        Ok(files) => {
            let list: String = files.iter().map(|file| format!("  {file}\n")).collect();
            format!("PASS: {} of {} as recorded\n{list}", counted(files.len(), "file"), installation.root().display())
        }
        Err(faults) => {
            let list: String = faults.iter().map(|fault| format!("FAIL: {fault}\n")).collect();
            format!("{list}\nTo do: {}.\n", advice(faults))
        }
    };
    let (files, faults) = match &checked {
        Ok(files) => (files.as_slice(), Vec::new()),
        Err(faults) => (&[][..], faults.iter().map(Fault::to_string).collect()),
    };
    let json = json!({ "attestation": {
        "result": if checked.is_ok() { "PASS" } else { "FAIL" },
        "root": installation.root().to_string_lossy(),
        "manifest": installation.manifest_path().to_string_lossy(),
        "key": installation.key_path().to_string_lossy(),
        "certificate": installation.certificate_path().to_string_lossy(),
        "files": files,
        "faults": faults,
    } });
    Ok(Answer { text: format!("{made}{text}"), json, faulty: checked.is_err() })
}

fn refused(fault: Fault) -> Failure {
    Failure::refused(CKR_FUNCTION_FAILED, fault.to_string())
}

const MAKE: &str = "\
The manifest is signed with a key that is made for it and thrown away; the public key is kept at another place, and in \
a certificate beside the manifest. It blesses what is there: run it right after an installation, as the user who \
installed.

Examples:
  strongroom attest make
  sudo strongroom attest make";

const CHECK: &str = "\
The manifest and its key are found by the place of this program alone. Exit code 0: PASS; 1: FAIL, with each file \
that is not as it was.

Examples:
  strongroom attest check
  strongroom attest check --json";
