//! `cloudhsm_mgmt_util`: users, whose keys are whose, and what officers approve of.
//!
//! | module | what for |
//! | --- | --- |
//! | `shell` | how the program is started, its prompt, where its lines come from |
//! | `commands` | the table of commands, and how one is carried out |
//! | `critical` | the caution, its question, and the one after a refusal |
//! | `login`, `users` | loginHSM, logoutHSM; createUser, deleteUser, changePswd, listUsers |
//! | `keys`, `attributes` | findAllKeys, getKeyInfo, shareKey; getAttribute, setAttribute, listAttributes |
//! | `quorum` | registerQuorumPubKey, setMValue, getMValue, getToken, approveToken, listTokens |
//! | `servers` | info, server, getHSMInfo and the like; help, quit |

mod attributes;
mod commands;
mod critical;
mod keys;
mod login;
mod quorum;
mod servers;
mod shell;
mod users;

pub use shell::run;

use std::sync::Arc;

use strongroom_core::error::Error;
use strongroom_core::session::Session;
use strongroom_core::token::{Login, Token};

use super::link::Link;
use super::results::{Code, Refusal};
use super::screen::Screen;
use crate::input::{Line, Lines};

/// What a command works with.
pub(crate) struct Tool {
    /// The token, as soon as there is one.
    link: Option<Link>,
    /// Where it prints.
    screen: Screen,
    /// Where lines and answers come from.
    input: Lines,
    /// Whether commands go to one server, after `server 0`.
    on_server: bool,
    /// Whether the program was left.
    left: bool,
}

impl Tool {
    /// # Errors
    /// Where there is no token, and what makes one, as for all that follows.
    fn link(&self) -> Result<&Link, Refusal> {
        self.link.as_ref().ok_or_else(|| Refusal::Said(format!("Error: {}", Link::absence())))
    }

    fn token(&self) -> Result<&Token, Refusal> {
        Ok(self.link()?.token())
    }

    fn session(&self) -> Result<&Session, Refusal> {
        Ok(self.link()?.session())
    }

    /// Who is logged in, if anybody is.
    fn who(&self) -> Option<Arc<Login>> {
        self.link.as_ref()?.login()
    }

    /// Who is logged in.
    ///
    /// # Errors
    /// Where nobody is.
    fn login(&self) -> Result<Arc<Login>, Refusal> {
        self.link()?.login().ok_or_else(|| Refusal::before(Code::NOT_LOGGED_IN, "loginHSM comes first"))
    }

    /// A refusal of the core. Where it asks for a login and somebody is logged in, it asks for another type of user.
    fn refused(&self, error: Error) -> Refusal {
        let is_current = |login: &Login| self.token().is_ok_and(|token| token.is_current(login).unwrap_or(false));
        match (error, self.who()) {
            (Error::NotLoggedIn, Some(login)) if is_current(&login) => Refusal::code(
                Code::USER_TYPE,
                format!("{} is logged in, and this takes another type of user", login.name),
            ),
            (error, _) => error.into(),
        }
    }

    /// Says that a command is done.
    fn done(&mut self, command: &str) {
        self.screen.lines(&[format!("{command} success on {SERVER}")]);
    }

    /// Prints a question and reads the answer; nothing where there are no more lines.
    ///
    /// # Errors
    /// An answer that cannot be read, or is no line.
    fn answer(&mut self, question: &str) -> Result<Option<Line>, Refusal> {
        self.screen.prompt(question);
        let line = self.input.next().map_err(|error| error.to_string()).and_then(Option::transpose);
        line.map_err(|problem| Refusal::Said(format!("Error: the answer cannot be read: {problem}; nothing was done")))
    }
}

/// The one server, as result lines name it.
const SERVER: &str = "server 0(localhost)";
