//! The certificates that getCert asks for. Nobody made this HSM, and nobody claimed it with a certificate of his own.
//! So there is one: that of the installation, which vouches for itself.

use super::results::{Code, Refusal};
use crate::attestation;

/// The certificate of this number, in PEM.
///
/// # Errors
/// A number that is none; one whose certificate there is not, or is not as it was installed.
pub(crate) fn fetch(number: u64) -> Result<String, Refusal> {
    let none =
        |reason: &str| Err(Refusal::before(Code::CERTIFICATE, format!("there is no certificate {number}: {reason}")));
    match number {
        MANUFACTURER_ROOT | MANUFACTURER_HARDWARE => {
            none("the HSM is software, and no manufacturer certified it; see 16")
        }
        CUSTOMER_ROOT | CLUSTER_BY_CUSTOMER => {
            none("the HSM belongs to who installed it, without a certificate of a customer; see 16")
        }
        CLUSTER_BY_MANUFACTURER => {
            attestation::certificate().map_err(|problem| Refusal::before(Code::CERTIFICATE, problem))
        }
        _ => Err(Refusal::misuse(format!("Error: {number} is no type of certificate"))),
    }
}

/// What a type of certificate is, for the help.
pub(crate) const TYPES: &str = "the certificate: 16, that of this installation; there are no 1, 2, 4 and 8";

const MANUFACTURER_ROOT: u64 = 1;
const MANUFACTURER_HARDWARE: u64 = 2;
const CUSTOMER_ROOT: u64 = 4;
const CLUSTER_BY_CUSTOMER: u64 = 8;
const CLUSTER_BY_MANUFACTURER: u64 = 16;
