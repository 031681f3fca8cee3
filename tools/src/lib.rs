//! The command lines of Strongroom: `strongroom` for people and scripts, and the tools that speak as those of AWS
//! CloudHSM do. They work on the same tokens as the PKCS#11 module, through the same core; like every door they
//! translate and have no rule of their own.
//!
//! | module | what for |
//! | --- | --- |
//! | [`attestation`] | whether the files of the installation are those its maker signed |
//! | `args` | what can be typed before and around the commands |
//! | `commands` | one file per family of commands, each with its options |
//! | [`cloudhsm`] | what the CloudHSM-compatible tools share, and each of these tools |
//! | `place` | the configuration, and which token is meant |
//! | `pem` | files with keys and certificates |
//! | `pin`, `terminal` | where PINs come from, questions, progress |
//! | `input` | standard input and files of commands, which hold passwords too |
//! | `output`, `failure`, `table`, `text`, `time` | answers and refusals, as text and as JSON |
#![forbid(unsafe_code)]

mod args;
pub mod attestation;
pub mod cloudhsm;
mod commands;
mod failure;
mod input;
mod output;
mod pem;
mod pin;
mod place;
mod table;
mod terminal;
mod text;
mod time;

use std::process::ExitCode;

/// Runs `strongroom` with the arguments of the process.
pub fn strongroom() -> ExitCode {
    let invocation = match args::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(early) => return early.print(),
    };
    let context = place::Context::new(invocation.global);
    match commands::run(&context, &invocation.command) {
        Ok(answer) => output::print(&answer, context.json()),
        Err(failure) => failure.print(context.json()),
    }
}
