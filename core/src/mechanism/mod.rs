//! The mechanism catalogue: one entry per mechanism, from which come the mechanism list, `C_GetMechanismInfo`, parameter
//! parsing, dispatch and the table in the manual. What is not here does not work, and what is here works.

mod catalogue;
pub mod parameter;

use std::fmt;

use cryptoki_sys::*;
use strongroom_crypto::hash;

use crate::object::MacForm;
use crate::policy::Policy;

pub use catalogue::CATALOGUE;
pub use parameter::{Parameter, ParameterKind};

/// One mechanism.
#[derive(Debug)]
pub struct Mechanism {
    /// `CK_MECHANISM_TYPE`.
    pub id: u64,
    /// Its name in the standard.
    pub name: &'static str,
    /// The smallest key, in the unit the standard defines for the mechanism (`ulMinKeySize`).
    pub min_key: u64,
    /// The largest key, in the same unit (`ulMaxKeySize`).
    pub max_key: u64,
    /// What it does: `CKF_ENCRYPT` and so on.
    pub functions: u64,
    /// What parameter it takes.
    pub parameter: ParameterKind,
    /// Which policies offer it.
    pub grade: Grade,
    /// How it works.
    pub work: Work,
}

/// How far a mechanism is trusted today, which decides the policies that offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grade {
    /// Approved by FIPS 140-3: offered under every policy.
    Approved,
    /// Sound but not approved: not offered under `fips`.
    Sound,
    /// Broken or obsolete, for programs that still ask: offered under `standard` only.
    Legacy,
}

/// How a mechanism works.
#[derive(Debug)]
pub enum Work {
    /// Generates a secret key of this type.
    GenerateSecret(u64),
    /// Hashes.
    Digest(hash::Algorithm),
    /// Encrypts and decrypts with keys of these types.
    Cipher {
        /// The types of key.
        key_types: &'static [u64],
        /// The mode.
        mode: CipherMode,
    },
    /// Makes and checks MACs with keys of these types.
    Mac {
        /// The types of key.
        key_types: &'static [u64],
        /// The MAC.
        form: MacForm,
        /// How long the MAC is.
        length: MacLength,
    },
}

/// A mode of encryption, without its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the modes' own names
pub enum CipherMode {
    Ecb,
    Cbc,
    CbcPad,
    CbcCts,
    Ctr,
    Ofb,
    Cfb1,
    Cfb8,
    Cfb128,
    Gcm,
    Ccm,
    Xts,
    Rc4,
    ChaCha20,
    ChaCha20Poly1305,
}

/// How long a mechanism's MAC is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacLength {
    /// Always this many bytes.
    Fixed(usize),
    /// The parameter says, up to this many bytes (the `_GENERAL` mechanisms).
    Given(usize),
    /// The tag length of `CK_GCM_PARAMS`.
    GcmTag,
}

/// A mechanism with the parameter of one call.
#[derive(Debug)]
pub struct Call<'a> {
    /// The mechanism.
    pub mechanism: &'static Mechanism,
    /// Its parameter.
    pub parameter: Parameter<'a>,
}

/// The number of a mechanism; displays as its name where we know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MechanismName(pub u64);

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(self.0) {
            Some(mechanism) => f.write_str(mechanism.name),
            None => write!(f, "mechanism 0x{:08x}", self.0),
        }
    }
}

/// The mechanism with this number.
pub fn find(id: u64) -> Option<&'static Mechanism> {
    let at = CATALOGUE.binary_search_by_key(&id, |mechanism| mechanism.id).ok()?;
    CATALOGUE.get(at)
}

/// The mechanism with this name, with or without `CKM_`.
pub fn named(name: &str) -> Option<&'static Mechanism> {
    CATALOGUE.iter().find(|mechanism| {
        mechanism.name.eq_ignore_ascii_case(name)
            || mechanism.name.strip_prefix("CKM_").is_some_and(|short| short.eq_ignore_ascii_case(name))
    })
}

impl Mechanism {
    /// Whether tokens under `policy` offer it.
    pub fn is_offered(&self, policy: Policy) -> bool {
        match self.grade {
            Grade::Approved => true,
            Grade::Sound => policy != Policy::Fips,
            Grade::Legacy => policy == Policy::Standard,
        }
    }

    /// Whether it has this function (`CKF_ENCRYPT` and so on).
    pub fn does(&self, function: CK_FLAGS) -> bool {
        self.functions & function != 0
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_is_in_order() {
        for pair in CATALOGUE.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} before {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn functions_fit_the_work() {
        for mechanism in CATALOGUE {
            let expected = match mechanism.work {
                Work::GenerateSecret(_) => CKF_GENERATE,
                Work::Digest(_) => CKF_DIGEST,
                Work::Cipher { .. } => CKF_ENCRYPT | CKF_DECRYPT,
                Work::Mac { .. } => CKF_SIGN | CKF_VERIFY,
            };
            assert_eq!(mechanism.functions, expected, "{mechanism}");
        }
    }

    #[test]
    fn policies_narrow() {
        let offered = |id, policy| find(id).unwrap().is_offered(policy);
        assert!(offered(CKM_MD5, Policy::Standard));
        assert!(!offered(CKM_MD5, Policy::Strict));
        assert!(!offered(CKM_DES_CBC, Policy::Fips));
        assert!(offered(CKM_RC4, Policy::Standard));
        assert!(!offered(CKM_RC4, Policy::Fips));
        assert!(offered(CKM_AES_GCM, Policy::Fips));
    }
}
