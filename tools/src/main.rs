//! `strongroom`: the command line for people and scripts. It works on the same tokens as the PKCS#11 module, through
//! the same core; like every door it translates and has no rule of its own.
//!
//! | module | what for |
//! | --- | --- |
//! | `args` | what can be typed before and around the commands |
//! | `commands` | one file per family of commands, each with its options |
//! | `place` | the configuration, and which token is meant |
//! | `pem` | files with keys and certificates |
//! | `pin`, `terminal` | where PINs come from, questions, progress |
//! | `output`, `failure`, `table`, `text`, `time` | answers and refusals, as text and as JSON |
#![forbid(unsafe_code)]

mod args;
mod commands;
mod failure;
mod output;
mod pem;
mod pin;
mod place;
mod table;
mod terminal;
mod text;
mod time;

use std::process::ExitCode;

use strongroom_tools::attestation;

fn main() -> ExitCode {
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
