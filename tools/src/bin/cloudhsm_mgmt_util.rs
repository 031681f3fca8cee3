//! `cloudhsm_mgmt_util`: users and what officers do, spoken as AWS CloudHSM's tool of that name does.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    strongroom_tools::cloudhsm::cloudhsm_mgmt_util::run()
}
