//! What a token allows beyond the letter of the standard, and how hard its PINs are to guess. Both are chosen when the
//! token, or the PIN, is made, and kept with it.

use std::fmt;
use std::str::FromStr;

/// Which mechanisms and combinations a token offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// PKCS#11 to the letter, plus what breaks no honest program.
    #[default]
    Standard,
    /// No obsolete algorithms.
    Strict,
    /// Approved algorithms only.
    Fips,
}

/// The cost of guessing a PIN: a setting of Argon2id (RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kdf {
    /// 19 MiB, two passes: about 16 ms.
    #[default]
    Default,
    /// 64 MiB, three passes: about 140 ms.
    Strong,
    /// Almost free, and almost no protection: only for tokens marked as test tokens.
    Test,
}

/// The parameters of Argon2id, kept with each user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Kdf {
    /// The parameters of this setting.
    pub fn cost(self) -> KdfCost {
        let (memory_kib, iterations) = match self {
            Kdf::Default => (19 * 1024, 2),
            Kdf::Strong => (64 * 1024, 3),
            Kdf::Test => (8, 1),
        };
        KdfCost { memory_kib, iterations, lanes: 1 }
    }
}

impl KdfCost {
    /// Whether a record may ask for this much work: a damaged one must take neither all memory nor all day.
    pub fn is_sane(self) -> bool {
        let work_kib = u64::from(self.memory_kib) * u64::from(self.iterations);
        (8..=WORK_KIB_MAX).contains(&u64::from(self.memory_kib))
            && (1..=WORK_KIB_MAX).contains(&work_kib)
            && (1..=8).contains(&self.lanes)
    }
}

/// Memory times passes, four times those of [`Kdf::Strong`]: about half a second.
const WORK_KIB_MAX: u64 = 768 * 1024;

/// The names of the settings, in configuration files and listings.
macro_rules! names {
    ($type:ident: $($variant:ident = $name:literal),+) => {
        impl FromStr for $type {
            type Err = String;
            fn from_str(name: &str) -> Result<$type, String> {
                match name {
                    $($name => Ok($type::$variant),)+
                    _ => Err(format!("\"{name}\" is not one of {}", [$($name),+].join(", "))),
                }
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($type::$variant => $name),+ })
            }
        }
    };
}

names!(Policy: Standard = "standard", Strict = "strict", Fips = "fips");
names!(Kdf: Default = "default", Strong = "strong", Test = "test");
