//! Users, trust and approvals through a session: what the vendor interface of the C module offers. The rules are the
//! token's; here is only which of its users a session speaks for.
//!
//! What changes users needs a session that may write. Approvals are asked for and brought in any session, as keys are
//! used in any.

use std::sync::Arc;

use cryptoki_sys::CKA_TRUSTED;

use super::application::refuse_unactivated;
use super::{NO_PIN_PAD, Session, approval};
use crate::access::{Action, Service};
use crate::attribute::{AttributeType, Entry, Flag, Given, Template};
use crate::error::{Error, Sought};
use crate::object::UserId;
use crate::seal::Role;
use crate::token::quorum::{Approval, Progress, QuorumToken};
use crate::token::{Login, Token, UserInfo, check_name};

impl Session {
    /// All users, by number, each with whether a key to approve with is registered. Like the token's label this is no
    /// secret, and needs no login.
    ///
    /// # Errors
    /// The store's.
    pub fn users(&self) -> Result<Vec<(UserInfo, bool)>, Error> {
        self.application.current()?;
        let token = self.token();
        token.users()?.into_iter().map(|user| token.is_approver(user.id).map(|approves| (user, approves))).collect()
    }

    /// Makes a user or an officer, as an officer.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::SessionReadOnly`], [`Error::UserName`], the PIN's,
    /// [`Error::Arguments`] for a role that nobody is given, [`Error::ApprovalsMissing`].
    pub fn add_user(&self, role: Role, name: &[u8], pin: Option<&[u8]>) -> Result<UserId, Error> {
        let officer = self.managing()?;
        self.token().add_user(&officer, role, &check_name(name)?, pin.ok_or(NO_PIN_PAD)?)
    }

    /// Removes a user who owns nothing, as an officer.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::SessionReadOnly`], [`Error::NoSuchUser`],
    /// [`Error::Prohibited`] while the user owns or is needed for something, [`Error::ApprovalsMissing`].
    pub fn delete_user(&self, user: UserId) -> Result<(), Error> {
        let officer = self.managing()?;
        self.token().delete_user(&officer, &self.user(user)?.name)
    }

    /// Sets the PIN of any user as an officer, and unlocks the user.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::SessionReadOnly`], [`Error::NoSuchUser`], the PIN's,
    /// [`Error::Prohibited`] without escrow, [`Error::ApprovalsMissing`].
    pub fn reset_pin(&self, user: UserId, pin: Option<&[u8]>) -> Result<(), Error> {
        let officer = self.managing()?;
        self.token().reset_pin(&officer, &self.user(user)?.name, pin.ok_or(NO_PIN_PAD)?)
    }

    /// Forgets a user's wrong PINs, as an officer.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::SessionReadOnly`], [`Error::NoSuchUser`],
    /// [`Error::ApprovalsMissing`].
    pub fn unlock_user(&self, user: UserId) -> Result<(), Error> {
        let officer = self.managing()?;
        self.token().unlock(&officer, &self.user(user)?.name)
    }

    /// Declares an object trusted, or no longer, as an officer: a public one or, unseen, a private one of the token.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::SessionReadOnly`], [`Error::NoObject`], and for what
    /// cannot be trusted as [`Session::set_attributes`].
    pub fn set_trusted(&self, number: u64, trusted: bool) -> Result<(), Error> {
        let officer = self.managing()?;
        if officer.role != Role::Officer {
            return Err(Error::NotLoggedIn);
        }
        match self.application.object(number) {
            Err(Error::NoObject(_)) => self.token().set_trust(&officer, number, trusted),
            Err(error) => Err(error),
            Ok(_) => {
                let value = Given::Flag(Flag::Trusted, trusted);
                let entry = Entry { attribute: AttributeType(CKA_TRUSTED), value };
                self.set_attributes(number, &Template::from_entries(vec![entry]))
            }
        }
    }

    /// Registers the RSA key (SubjectPublicKeyInfo) with which a user will approve: as that user, or as an officer.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone else, [`Error::SessionReadOnly`], [`Error::NoSuchUser`], [`Error::Approval`]
    /// for a key that is not RSA of 2048 bits or more, and for a signature over the challenge that does not verify.
    pub fn register_approver(
        &self,
        user: UserId,
        public_key: &[u8],
        challenge: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let login = self.managing()?;
        self.token().register_approver(&login, &self.user(user)?.name, public_key, challenge, signature)
    }

    /// Asks for a quorum token for one operation: with this key, or about the token's users.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::NoObject`], [`Error::Approval`] where no approval is needed,
    /// [`Error::TokenFull`].
    pub fn request_approval(&self, service: Service, key: Option<u64>) -> Result<QuorumToken, Error> {
        self.token().request_approval(&*self.logged_in()?, service, key)
    }

    /// Adds a user's approval, a signature over the file, to the caller's own quorum token.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::NoSuchUser`], [`Error::Approval`].
    pub fn approve(&self, file: &[u8], user: UserId, signature: &[u8]) -> Result<Progress, Error> {
        let login = self.logged_in()?;
        let user = self.user(user)?;
        self.token().approve(&login, file, &[Approval { role: user.role, name: &user.name, signature }])
    }

    /// Whether the approvals are there that each of these actions with a key will take, for what takes several steps:
    /// the first would spend its approval in vain where the second lacks its own.
    ///
    /// # Errors
    /// [`Error::NoObject`], [`Error::ApprovalsMissing`].
    pub fn expect_approvals(&self, key: u64, actions: &[Action]) -> Result<(), Error> {
        let key = self.application.object(key)?;
        actions.iter().try_for_each(|action| approval::expect(&self.application, *action, &key))
    }

    /// The quorum tokens that are still good for something, of all users, with how far each is approved and for how
    /// many seconds more it is good.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], the store's.
    pub fn quorum_tokens(&self) -> Result<Vec<(QuorumToken, Progress, u64)>, Error> {
        self.logged_in()?;
        let token = self.token();
        let mut listed = Vec::new();
        for found in token.quorum_tokens()? {
            match token.progress(&found) {
                Ok((progress, seconds)) => listed.push((found, progress, seconds)),
                // The key is gone, and the token is good for nothing.
                Err(Error::NoObject(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(listed)
    }

    /// Deletes a quorum token: one's own, or as an officer anybody's.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::Approval`] where the caller has no such token.
    pub fn delete_quorum_token(&self, id: u32) -> Result<(), Error> {
        let login = self.logged_in()?;
        match self.token().delete_quorum_tokens(&login, Some(id), login.role == Role::Officer)? {
            0 => Err(Error::Approval("there is no such token of this user: used, expired, or never given")),
            _ => Ok(()),
        }
    }

    /// How many officers approve of a service about the token; 1 where an officer acts alone.
    ///
    /// # Errors
    /// [`Error::Approval`] for a service about keys, the store's.
    pub fn quorum_value(&self, service: Service) -> Result<u8, Error> {
        self.application.current()?;
        self.token().quorum_value(service)
    }

    /// Sets how many officers approve of a service about the token, as an officer.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer, [`Error::SessionReadOnly`], [`Error::Approval`] for a number
    /// that cannot be, [`Error::ApprovalsMissing`].
    pub fn set_quorum_value(&self, service: Service, value: u8) -> Result<(), Error> {
        self.token().set_quorum_value(&*self.managing()?, service, value)
    }

    /// Who is logged in and activated, in a session that is open.
    fn logged_in(&self) -> Result<Arc<Login>, Error> {
        drop(self.state()?);
        self.application.current()?;
        let login = self.application.login().ok_or(Error::NotLoggedIn)?;
        refuse_unactivated(Some(&login))?;
        Ok(login)
    }

    /// As [`Session::logged_in`], in a session that may write.
    fn managing(&self) -> Result<Arc<Login>, Error> {
        let login = self.logged_in()?;
        if self.read_write { Ok(login) } else { Err(Error::SessionReadOnly) }
    }

    fn token(&self) -> &Token {
        self.application.token()
    }

    fn user(&self, id: UserId) -> Result<UserInfo, Error> {
        let found = self.token().users()?.into_iter().find(|user| user.id == id);
        found.ok_or(Error::NoSuchUser(Sought::Number(id)))
    }
}
