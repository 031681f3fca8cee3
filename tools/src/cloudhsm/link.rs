//! The token a tool works on, and the session it works in.

use std::path::PathBuf;
use std::sync::Arc;

use cryptoki_sys::CKA_TOKEN;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::hsm::config::StoreKind;
use strongroom_core::hsm::{Config, Hsm, Options};
use strongroom_core::object::Object;
use strongroom_core::policy::Policy;
use strongroom_core::session::Session;
use strongroom_core::token::{Login, Token};

use super::results::Refusal;
use crate::place::{open_directory, without_cloudhsm};
use crate::text::quoted;

/// The HSM with one session on one of its tokens. What the session made is gone with it.
pub(crate) struct Link {
    hsm: Hsm,
    session: Arc<Session>,
}

impl Link {
    /// Opens a session on the token that `STRONGROOM_TOKEN` names by label or slot, else on that of the lowest slot.
    ///
    /// # Errors
    /// Words for people: no such token, one that cannot be read, a configuration that cannot be used.
    pub(crate) fn open() -> Result<Link, String> {
        Link::on(hsm()?, TOKEN_VARIABLE, wanted())
    }

    /// The same; `None` where there is no token, and none is named: the HSM may be made, by [`Link::fresh`].
    ///
    /// # Errors
    /// As [`Link::open`].
    pub(crate) fn find() -> Result<Option<Link>, String> {
        Link::named(TOKEN_VARIABLE, wanted())
    }

    /// The same for the token that `by` names, an option for example.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub(crate) fn named(by: &str, wanted: Option<String>) -> Result<Option<Link>, String> {
        let hsm = hsm()?;
        let none = hsm.tokens().map_err(|error| error.to_string())?.tokens.is_empty();
        // A token in memory would be gone with this process, whatever was done with it.
        match none && wanted.is_none() && hsm.config().store == StoreKind::Sqlite {
            true => Ok(None),
            false => Link::on(hsm, by, wanted).map(Some),
        }
    }

    /// Makes a fresh HSM where there is no token: see [`Hsm::fresh_cloudhsm`]. Returns its directory too, to be said.
    ///
    /// # Errors
    /// As [`Link::open`], and words for where no token can be made.
    pub(crate) fn fresh() -> Result<(Link, PathBuf), String> {
        let hsm = hsm()?;
        hsm.fresh_cloudhsm().map_err(|error| error.to_string())?;
        let directory = hsm.config().dir.clone();
        Ok((Link::on(hsm, TOKEN_VARIABLE, None)?, directory))
    }

    /// Says that there is no token, and what makes one.
    pub(crate) fn absence() -> String {
        hsm().map_or_else(|problem| problem, |hsm| without_cloudhsm(hsm.config()))
    }

    fn on(hsm: Hsm, by: &str, wanted: Option<String>) -> Result<Link, String> {
        let slots = hsm.tokens().map_err(|error| error.to_string())?.tokens;
        let lowest = *slots.first().ok_or_else(|| without_cloudhsm(hsm.config()))?;
        let slot = match wanted {
            Some(wanted) => slots
                .iter()
                .copied()
                .find(|slot| hsm.token_info(*slot).is_ok_and(|info| info.label == wanted))
                .or_else(|| slots.iter().copied().find(|slot| wanted.parse() == Ok(*slot)))
                .ok_or_else(|| {
                    format!("{by}: there is no token {}; 'strongroom token list' shows them", quoted(&wanted))
                })?,
            None => lowest,
        };
        let session = hsm.open_session(slot, true).and_then(|handle| hsm.session(handle));
        let session = session.map_err(|error| format!("token in slot {slot}: {error}"))?;
        // CloudHSM's rule for identifiers, which PKCS#11 does not have.
        session.application().demand_unique_ids();
        Ok(Link { hsm, session })
    }

    /// What is said of a fresh HSM in a directory that other users may open.
    pub(crate) fn open_directory(&self) -> Option<String> {
        open_directory(self.hsm.config())
    }

    /// The session.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// The token.
    pub(crate) fn token(&self) -> &Token {
        self.session.application().token()
    }

    /// The policy of the token.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn policy(&self) -> Result<Policy, Refusal> {
        Ok(self.token().meta()?.policy)
    }

    /// Makes a session key persistent and returns its new handle: a copy takes its place. There are both or one, never
    /// a persistent key beside a refusal.
    ///
    /// # Errors
    /// A key that cannot be deleted, for the one of the session would stay; the core's, for the copy.
    pub(crate) fn make_persistent(&self, key: &Object) -> Result<u64, Error> {
        if !key.has(Flag::Destroyable) {
            return Err(Error::Prohibited(
                "the key is not destroyable (CKA_DESTROYABLE), so that a persistent one cannot take its place",
            ));
        }
        let persistent = Entry { attribute: AttributeType(CKA_TOKEN), value: Given::Flag(Flag::Token, true) };
        let copy = self.session.copy_object(key.number, &Template::from_entries(vec![persistent]))?;
        if let Err(error) = self.session.destroy_object(key.number) {
            // The copy is as destroyable as the key. Where it cannot be taken back either, the first error says more.
            let _ = self.session.destroy_object(copy);
            return Err(error);
        }
        Ok(copy)
    }

    /// Who is logged in.
    pub(crate) fn login(&self) -> Option<Arc<Login>> {
        self.session.application().login()
    }

    /// Logs out.
    ///
    /// # Errors
    /// Where nobody is logged in.
    pub(crate) fn log_out(&self) -> Result<(), Refusal> {
        Ok(self.hsm.logout(self.session.handle)?)
    }
}

fn hsm() -> Result<Hsm, String> {
    let config = Config::load(Options::default()).map_err(|error| error.to_string())?;
    Ok(Hsm::with(config, Arc::new(strongroom_crypto::random::System)))
}

/// The token that is named.
fn wanted() -> Option<String> {
    std::env::var(TOKEN_VARIABLE).ok().filter(|wanted| !wanted.is_empty())
}

/// The number of the tools for the mode a token is in: single-factor logins, in FIPS mode or not.
pub(crate) fn fips_mode(policy: Policy) -> u32 {
    match policy {
        Policy::Fips => 2,
        Policy::Standard | Policy::Strict => 0,
    }
}

/// The environment variable that names the token, where there are several.
pub(crate) const TOKEN_VARIABLE: &str = "STRONGROOM_TOKEN";
