//! `key_mgmt_util`: keys and their use. One crypto user is logged in at a time, and the keys of a session live as long as
//! the program.
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
//! | `host`, `files` | values of keys on their way in and out; files |
//! | `login` | loginHSM, logoutHSM, loginStatus |
//! | `find`, `inspect`, `delete` | the keys there are, their attributes, their end |
//! | `information` | listUsers, getHSMInfo, Error2String and the like |

mod aes_wrap;
mod commands;
mod creation;
mod delete;
mod export;
mod files;
mod find;
mod handles;
mod header;
mod host;
mod import;
mod information;
mod inspect;
mod login;
mod modes;
mod pairs;
mod quorum;
mod sign;
mod symmetric;
mod wrapping;

pub use modes::run;

use super::link::Link;
use super::screen::Screen;

/// What a command works with.
pub(crate) struct Tool {
    /// The token.
    pub(crate) link: Link,
    /// Where it prints.
    pub(crate) screen: Screen,
    /// Whether the program was left with `exit`.
    pub(crate) left: bool,
}
