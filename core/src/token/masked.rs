//! Objects that leave the token masked, and come back: CloudHSM's way to carry keys, those that are not extractable
//! too, between copies of one HSM.

use super::audit::{Event, Fact};
use super::objects::expect_login;
use super::{Login, Token, layout};
use crate::access;
use crate::attribute::Flag;
use crate::error::Error;
use crate::object::{Object, change};
use crate::seal::{self, Envelope, Role};

impl Token {
    /// Takes an object out, masked. It stays in the token.
    ///
    /// # Errors
    /// Those of [`access::check_masking`]; [`Error::Prohibited`] for a trusted object; [`Error::NoObject`]; the
    /// store's.
    pub(crate) fn mask(&self, number: u64, login: &Login) -> Result<Vec<u8>, Error> {
        let mut masked = Vec::new();
        self.store.transact(&mut |transaction| {
            expect_login(transaction, login)?;
            let record = transaction.get(&layout::object(number))?.ok_or(Error::NoObject(number))?;
            access::check_masking(login.actor(), &Envelope::read(&record)?.ownership)?;
            if seal::trust_of(&record)?.is_some() {
                return Err(TRUSTED.into());
            }
            masked = login.keys.mask(&login.token, number, &record, &*self.random)?;
            self.record(transaction, login, Fact::of(Event::MaskedOut).object(number))
        })?;
        Ok(masked)
    }

    /// The object in a container, opened by its owner, as it is to be kept anew. It has the number it was masked under.
    ///
    /// # Errors
    /// [`Error::MaskedObject`]; [`Error::NotOwner`] for anyone else's; [`Error::Prohibited`] for officers, for a
    /// trusted object, for one whose management takes approvals, and where too few users are left for those of its use.
    pub(crate) fn unmask(&self, container: &[u8], login: &Login) -> Result<Object, Error> {
        if login.role != Role::User {
            return Err(Error::Prohibited(
                "only its owner puts a masked object in: an officer has no key that opens what it holds",
            ));
        }
        let (number, record) = login.keys.unmask(&login.token, container)?;
        // Every user of the token can make containers, for what nobody but the owner can make.
        let forged = |error| match error {
            Error::Damaged(_) => Error::MaskedObject("what it holds is not as its owner made it"),
            other => other,
        };
        let envelope = Envelope::read(record.expose()).map_err(forged)?;
        if envelope.ownership.owner != login.user {
            return Err(Error::NotOwner);
        }
        let masked = self.open_record(number, &envelope, Some(login)).map_err(forged)?;
        if masked.has(Flag::Trusted) {
            return Err(TRUSTED);
        }
        access::check_masking(login.actor(), &masked.ownership)?;
        change::unmasked(&masked, self.living(masked.ownership.sharees)?, &*self.random)
    }
}

/// As copies: a twin could learn to decrypt what the trusted key wrapped.
const TRUSTED: Error =
    Error::Prohibited("a trusted object is not masked: its twin would not be held to what was trusted");
