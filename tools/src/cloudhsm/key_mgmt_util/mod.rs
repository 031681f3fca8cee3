//! `key_mgmt_util`: keys and their use. One crypto user is logged in at a time, and the keys of a session live as long
//! as the program.
//!
//! | module | what for |
//! | --- | --- |
//! | `modes` | how the program is started: interactive, `singlecmd`, `scriptfile` |
//! | `commands` | the table of commands, and how one is carried out |
//! | `creation` | the options that all commands share that make keys |
//! | `symmetric`, `pairs` | genSymKey; genRSAKeyPair and its kin |
//! | `export`, `import` | keys for other programs, keys of other programs |
//! | `wrapping`, `header` | wrapKey, unWrapKey, and the header of their files |
//! | `sign`, `aes_wrap` | sign, verify; aesWrapUnwrap |
//! | `quorum` | approvals of the use of keys |
//! | `handles` | files that hold handles |
//! | `host` | values of keys on their way in and out |
//! | `login` | loginHSM, logoutHSM, loginStatus |
//! | `masked` | extractMaskedObject, insertMaskedObject |
//! | `find`, `inspect`, `share`, `delete` | the keys there are, their attributes, who uses them, their end |
//! | `information` | listUsers, getHSMInfo, Error2String and the like |

mod aes_wrap;
mod commands;
mod creation;
mod delete;
mod export;
mod find;
mod handles;
mod header;
mod host;
mod import;
mod information;
mod inspect;
mod login;
mod masked;
mod modes;
mod pairs;
mod quorum;
mod share;
mod sign;
mod symmetric;
mod wrapping;

pub use modes::run;

use std::collections::HashMap;

use super::link::Link;
use super::options::Options;
use super::results::Refusal;
use super::screen::Screen;
use crate::input::Lines;

/// What a command works with.
pub(crate) struct Tool {
    /// The token.
    pub(crate) link: Link,
    /// Where it prints.
    pub(crate) screen: Screen,
    /// Where lines come from: commands, and the answers to questions.
    pub(crate) input: Lines,
    /// Whether the program was left with `exit`.
    pub(crate) left: bool,
    /// Keys of the session that became persistent: the handles they had, and those they have.
    pub(crate) renumbered: HashMap<u64, u64>,
}

impl Tool {
    /// The handle that a required option gives. The one that a key had before it became persistent stands for the key.
    pub(crate) fn handle(&self, options: &Options<'_>, name: &str) -> Result<u64, Refusal> {
        let given = options.needed_number(name)?;
        Ok(self.renumbered.get(&given).copied().unwrap_or(given))
    }
}
