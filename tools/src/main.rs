//! `strongroom`: the command line for people and scripts.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    strongroom_tools::strongroom()
}
