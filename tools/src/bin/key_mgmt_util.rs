//! `key_mgmt_util`: keys and their use, spoken as AWS CloudHSM's tool of that name does.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    strongroom_tools::cloudhsm::key_mgmt_util::run()
}
