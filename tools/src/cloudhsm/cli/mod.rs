//! `cloudhsm-cli`, the newest of the three: its command lines, and answers in JSON as it gives them.
//!
//! | module | what for |
//! | --- | --- |
//! | `modes` | one command with the login of the environment, or a prompt and lines behind it |
//! | `commands` | what can be typed |
//! | `answer` | the JSON around every answer, and refusals |
//! | `login`, `cluster`, `user`, `quorum`, `key`, `crypto` | the families of commands |
//! | `approval` | signed quorum tokens, where a command takes them |
//! | `data` | data in base64, or in files |
//!
//! A command is a function of the tool and its options, and returns what stands under `data`, or a
//! `Refused`.

mod answer;
mod approval;
mod cluster;
mod commands;
mod crypto;
mod data;
mod key;
mod login;
mod modes;
mod quorum;
mod user;

use std::sync::Arc;

use strongroom_core::seal::Role;
use strongroom_core::token::{Login, UserInfo};

use self::answer::Refused;
use super::link::Link;
use super::words::Word;

pub use modes::run;

/// The tool while it runs.
struct Tool {
    link: Link,
    /// The password of the line that is carried out, where it has one.
    aside: Option<Word>,
}

impl Tool {
    /// Who is logged in.
    ///
    /// # Errors
    /// Nobody is.
    fn login(&self) -> Result<Arc<Login>, Refused> {
        self.link.login().ok_or_else(|| {
            Refused::said(
                "Nobody is logged in. Log in with 'login', or set CLOUDHSM_ROLE and CLOUDHSM_PIN for one command.",
            )
        })
    }

    /// The admin who is logged in.
    ///
    /// # Errors
    /// Nobody is, or somebody else.
    fn admin(&self) -> Result<Arc<Login>, Refused> {
        self.logged_in_as(|role| matches!(role, Role::Officer | Role::Unactivated), user::ADMIN)
    }

    /// The crypto user who is logged in.
    ///
    /// # Errors
    /// Nobody is, or somebody else.
    fn crypto_user(&self) -> Result<Arc<Login>, Refused> {
        self.logged_in_as(|role| role == Role::User, user::CRYPTO_USER)
    }

    fn logged_in_as(&self, fits: impl Fn(Role) -> bool, wanted: &str) -> Result<Arc<Login>, Refused> {
        let login = self.login()?;
        match fits(login.role) {
            true => Ok(login),
            false => Err(Refused::Said(format!(
                "This takes the role {wanted}; {} is logged in as {}.",
                login.name,
                user::role_name(login.role)
            ))),
        }
    }

    /// The user with this name and role.
    ///
    /// # Errors
    /// There is none.
    fn user(&self, name: &str, role: user::RoleName) -> Result<UserInfo, Refused> {
        let wanted = name.to_lowercase();
        let users = self.link.token().users()?;
        let found = users.into_iter().find(|user| user.name == wanted && role.is_of(user.role));
        found.ok_or_else(|| Refused::Said(format!("There is no {} with the name {name}.", role.name())))
    }
}
