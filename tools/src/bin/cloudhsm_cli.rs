//! `cloudhsm-cli`: users, keys and approvals, spoken as AWS CloudHSM's tool of that name does.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    strongroom_tools::cloudhsm::cli::run()
}
