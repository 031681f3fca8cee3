//! General-purpose functions (PKCS#11 3.2 §5.4); their life cycle is in [`crate::lifecycle`].

use cryptoki_sys::{CK_INFO, CK_VERSION, CRYPTOKI_VERSION_MAJOR, CRYPTOKI_VERSION_MINOR};
use strongroom_core::hsm::Hsm;

use crate::failure::{Failure, Outcome};
use crate::memory::Pointer;
use crate::text::padded;

/// `C_GetInfo`.
pub(crate) fn info(_hsm: &Hsm, info: Pointer<CK_INFO>) -> Outcome {
    Ok(info.write(CK_INFO {
        cryptokiVersion: CK_VERSION { major: CRYPTOKI_VERSION_MAJOR, minor: CRYPTOKI_VERSION_MINOR },
        manufacturerID: padded("Strongroom"),
        flags: 0,
        libraryDescription: padded("Strongroom software HSM"),
        libraryVersion: LIBRARY_VERSION,
    })?)
}

/// `C_GetFunctionStatus` and `C_CancelFunction`: left from a time before threads.
pub(crate) fn not_parallel(hsm: &Hsm, session: u64) -> Outcome {
    hsm.session(session)?;
    Err(Failure::NotParallel)
}

/// The first two numbers of the crate's version.
const LIBRARY_VERSION: CK_VERSION =
    CK_VERSION { major: number(env!("CARGO_PKG_VERSION_MAJOR")), minor: number(env!("CARGO_PKG_VERSION_MINOR")) };

const fn number(text: &str) -> u8 {
    match u8::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("a version number has at most three digits"),
    }
}
