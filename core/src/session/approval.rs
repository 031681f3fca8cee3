//! The approvals an operation takes (quorum): taken when the key is about to be used, and given back where that fails.

use std::sync::Arc;

use super::application::Application;
use crate::access::{self, Action, Service};
use crate::error::Error;
use crate::object::Object;
use crate::token::Token;
use crate::token::quorum::Taken;

/// The quorum tokens taken for one operation. Those not [`used`](Approvals::used) go back when it is dropped.
#[derive(Default)]
pub(super) struct Approvals {
    taken: Vec<Approval>,
    /// When the oldest of those used was asked for.
    issued: Option<u64>,
}

struct Approval {
    token: Arc<Token>,
    service: Service,
    key: u64,
    taken: Taken,
}

impl Approvals {
    /// Takes the approvals that `action` with this key needs, if it needs any. A key that plays two parts in one
    /// operation is approved once.
    ///
    /// # Errors
    /// [`Error::ApprovalsMissing`]; [`Error::NotLoggedIn`].
    pub(super) fn take(&mut self, application: &Application, action: Action, key: &Object) -> Result<(), Error> {
        let Some((service, _)) = access::approvals(action, key) else { return Ok(()) };
        if self.taken.iter().any(|earlier| earlier.service == service && earlier.key == key.number) {
            return Ok(());
        }
        let login = application.login().ok_or(Error::NotLoggedIn)?;
        let taken = application.token().take_approval(&login, service, key)?;
        self.taken.push(Approval { token: Arc::clone(application.token()), service, key: key.number, taken });
        Ok(())
    }

    /// The operation has been carried out: the tokens are gone for good.
    pub(super) fn used(&mut self) {
        let issued = self.taken.iter().map(|approval| approval.taken.issued);
        self.issued = self.issued.into_iter().chain(issued).min();
        self.taken.clear();
    }

    /// Whether an operation that used them may go on: for as long as they could have been used.
    ///
    /// # Errors
    /// [`Error::Approval`].
    pub(super) fn expect_recent(&self, application: &Application) -> Result<(), Error> {
        match self.issued {
            Some(issued) if !application.token().approves_still(issued) => {
                Err(Error::Approval("the operation has lasted longer than its approval: 20 minutes from the request"))
            }
            _ => Ok(()),
        }
    }

    /// As [`Approvals::used`], where the operation's result says so.
    pub(super) fn settle<T>(&mut self, result: &Result<T, Error>) {
        if is_carried_out(result) {
            self.used();
        }
    }

    /// Whether any were taken that are not used up.
    pub(super) fn are_held(&self) -> bool {
        !self.taken.is_empty()
    }
}

impl Drop for Approvals {
    fn drop(&mut self) {
        for approval in &self.taken {
            approval.token.give_back(&approval.taken);
        }
    }
}

/// Whether an operation used its key: it succeeded, or its answer is that what the key was used on is not genuine.
/// Otherwise one approval would serve to try any number of forgeries.
pub(super) fn is_carried_out<T>(result: &Result<T, Error>) -> bool {
    matches!(
        result,
        Ok(_)
            | Err(Error::SignatureInvalid
                | Error::AeadDecryption
                | Error::EncryptedDataInvalid
                | Error::WrappedKeyInvalid)
    )
}

/// Whether the approvals are there that `action` with this key will take.
///
/// # Errors
/// As [`Approvals::take`].
pub(super) fn expect(application: &Application, action: Action, key: &Object) -> Result<(), Error> {
    let Some((service, _)) = access::approvals(action, key) else { return Ok(()) };
    let login = application.login().ok_or(Error::NotLoggedIn)?;
    application.token().expect_approval(&login, service, key)
}
