//! Masked objects through a session: CloudHSM's `extractMaskedObject` and `insertMaskedObject`. PKCS#11 has no such
//! thing.

use super::Session;
use super::application::SESSION_OBJECTS_START;
use super::approval::Approvals;
use crate::access::{self, Action};
use crate::error::Error;
use crate::policy::Policy;
use crate::seal::Role;
use crate::token::audit::{Event, Fact};

impl Session {
    /// Takes an object of the token out, masked, for this token or a copy of it. Its owner does, with the approvals its
    /// use takes, or an officer, who can do nothing with it.
    ///
    /// # Errors
    /// [`Error::NoObject`]; [`Error::NotOwner`]; [`Error::ApprovalsMissing`]; [`Error::Prohibited`] for session
    /// objects, for trusted ones, for those whose management takes approvals, for an officer where use does, and under
    /// the policy `strict`.
    pub fn extract_masked(&self, number: u64) -> Result<Vec<u8>, Error> {
        self.offers_masking()?;
        let login = self.application.login().ok_or(Error::NotLoggedIn)?;
        if number >= SESSION_OBJECTS_START {
            return Err(Error::Prohibited("a session object is not masked: it goes with its session"));
        }
        let mut approvals = Approvals::default();
        if login.role == Role::User {
            let object = self.application.object(number)?;
            access::check(Action::Export, self.application.actor(), &object)?;
            access::check_masking(self.application.actor(), &object.ownership)?;
            approvals.take(&self.application, Action::Export, &object)?;
        }
        let masked = self.application.token().mask(number, &login)?;
        approvals.used();
        Ok(masked)
    }

    /// Puts a masked object in again, with the attributes, sharees and approvals it had, and a handle of its own.
    ///
    /// # Errors
    /// [`Error::MaskedObject`]; [`Error::NotOwner`]; [`Error::Prohibited`] for officers, under the policy `strict`, for
    /// what [`Session::extract_masked`] does not take out, and where too few users are left for the approvals it takes;
    /// those of any new object.
    pub fn insert_masked(&self, container: &[u8]) -> Result<u64, Error> {
        self.offers_masking()?;
        let logouts = self.application.logouts();
        let login = self.application.login().ok_or(Error::NotLoggedIn)?;
        let object = self.application.token().unmask(container, &login)?;
        let before = object.number;
        self.keep(object, logouts, Fact::of(Event::MaskedIn).second(before))
    }

    fn offers_masking(&self) -> Result<(), Error> {
        self.application.current()?;
        match self.application.policy() {
            Policy::Strict => Err(Error::Prohibited(
                "under the policy strict attributes only get stronger, and a masked object would bring back older ones",
            )),
            Policy::Standard | Policy::Fips => Ok(()),
        }
    }
}
