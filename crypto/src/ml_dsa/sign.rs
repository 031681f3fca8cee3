//! The signing calls of AWS-LC that take the randomness, and so can sign without any, from a key in memory of ours.
//!
//! The library exports them (crypto/fipsmodule/ml_dsa/ml_dsa.h) but has them in no public header, so that its bindings
//! lack them. The version is part of their names: another version of the library does not link before somebody has
//! compared the declarations here with that header.

use std::ffi::c_int;
use std::ptr;

use super::{HASH_BYTES, ParameterSet, RANDOMNESS_BYTES};
use crate::Error;
use crate::cipher::evp::clear_errors;

/// FIPS 204 Algorithm 7 from line 7 on. `expanded` and `output` have the lengths of the set.
pub(super) fn sign(
    set: ParameterSet,
    expanded: &[u8],
    mu: &[u8; HASH_BYTES],
    randomness: &[u8; RANDOMNESS_BYTES],
    output: &mut [u8],
) -> Result<usize, Error> {
    let needed = set.signature_bytes();
    if expanded.len() != set.expanded_bytes() || output.len() != needed {
        return Err(Error::Library("ml_dsa_extmu_sign_internal"));
    }
    let call: SignInternal = match set {
        ParameterSet::MlDsa44 => ml_dsa_extmu_44_sign_internal,
        ParameterSet::MlDsa65 => ml_dsa_extmu_65_sign_internal,
        ParameterSet::MlDsa87 => ml_dsa_extmu_87_sign_internal,
    };
    let mut written = needed;
    // SAFETY: key, mu, randomness and output have the lengths that the function of the set reads and writes; with mu
    // given there is no prefix.
    let outcome = unsafe {
        call(
            expanded.as_ptr(),
            output.as_mut_ptr(),
            &mut written,
            mu.as_ptr(),
            mu.len(),
            ptr::null(),
            0,
            randomness.as_ptr(),
        )
    };
    if outcome == 1 && written == needed {
        return Ok(needed);
    }
    clear_errors();
    Err(Error::Library("ml_dsa_extmu_sign_internal"))
}

// private_key, sig, sig_len, mu, mu_len, pre, pre_len, rnd; 1 is success.
type SignInternal =
    unsafe extern "C" fn(*const u8, *mut u8, *mut usize, *const u8, usize, *const u8, usize, *const u8) -> c_int;

macro_rules! declare {
    ($($name:ident = $link_name:literal;)*) => {
        unsafe extern "C" {
            $(
                #[link_name = $link_name]
                fn $name(
                    private_key: *const u8,
                    signature: *mut u8,
                    signature_len: *mut usize,
                    mu: *const u8,
                    mu_len: usize,
                    prefix: *const u8,
                    prefix_len: usize,
                    randomness: *const u8,
                ) -> c_int;
            )*
        }
    };
}

declare! {
    ml_dsa_extmu_44_sign_internal = "aws_lc_0_47_0_ml_dsa_extmu_44_sign_internal";
    ml_dsa_extmu_65_sign_internal = "aws_lc_0_47_0_ml_dsa_extmu_65_sign_internal";
    ml_dsa_extmu_87_sign_internal = "aws_lc_0_47_0_ml_dsa_extmu_87_sign_internal";
}
