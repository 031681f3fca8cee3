//! How many officers approve of what an officer does (m of n): one number for managing users, one for these numbers.

use super::approvers::Read;
use super::audit::{Event, Fact};
use super::{Login, Meta, Token, layout, quorum};
use crate::access::Service;
use crate::error::Error;
use crate::limits::KEY_USERS_MAX;
use crate::object::codec::{Reader, Writer, damaged};
use crate::seal::{Role, TokenId, User, UserKeys, quorum_statement};
use crate::store::{Aborted, Transaction};

/// The numbers of approvals, as the officer who set them last signed them.
#[derive(Clone, Copy)]
struct Values {
    user_management: u8,
    officers: u8,
}

impl Token {
    /// How many officers approve of a service about the token; 1 where an officer acts alone.
    ///
    /// # Errors
    /// [`Error::Approval`] for a service about keys.
    pub fn quorum_value(&self, service: Service) -> Result<u8, Error> {
        if service.is_of_key() {
            return Err(OF_KEY);
        }
        Ok(values(&*self.meta()?, &mut |key| Ok(self.store.get(key)?))?.of(service))
    }

    /// Sets how many officers approve of a service about the token: 2 to 8, at most as many as there are officers; 0
    /// and 1 let each act alone. Where changing the numbers takes approvals, this does.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer; [`Error::Approval`] for a number that cannot be;
    /// [`Error::ApprovalsMissing`].
    pub fn set_quorum_value(&self, officer: &Login, service: Service, value: u8) -> Result<(), Error> {
        if officer.role != Role::Officer {
            return Err(Error::NotLoggedIn);
        }
        if service.is_of_key() {
            return Err(OF_KEY);
        }
        self.transact_as_officer(officer, &mut |transaction| {
            let officers = quorum::users(transaction)?.iter().filter(|user| user.role == Role::Officer).count();
            if usize::from(value) > officers.min(KEY_USERS_MAX) {
                return Err(Error::Approval("a quorum takes at most 8 officers, and no more than there are").into());
            }
            let mut values = values(&officer.meta, &mut |key| Ok(transaction.get(key)?))?;
            match service {
                Service::UserManagement => values.user_management = value.max(1),
                _ => values.officers = value.max(1),
            }
            if values.officers > 1 && values.user_management > values.officers {
                return Err(
                    Error::Approval("USER_MGMT takes at most as many approvals as MISC_CO, which guards it").into()
                );
            }
            self.take_officers_approval(transaction, officer, Service::Officers)?;
            transaction.put(layout::QUORUM_VALUES, &values.record(&officer.token, &officer.keys)?)?;
            self.record(
                transaction,
                officer,
                Fact::of(Event::QuorumValueSet).object(service as u64).second(value.into()),
            )
        })
    }
}

/// The record with which a token begins, where each officer acts alone. It is there from the start, so that whoever
/// takes it away has not lowered the numbers.
pub(super) fn first_record(token: &TokenId, authority: &UserKeys) -> Result<Vec<u8>, Error> {
    Values { user_management: 1, officers: 1 }.record(token, authority)
}

/// Whether an officer can be deleted: as many are left as must approve.
pub(super) fn expect_dispensable(
    transaction: &mut dyn Transaction,
    officer: &Login,
    user: &User,
) -> Result<(), Aborted> {
    if user.role != Role::Officer {
        return Ok(());
    }
    let values = values(&officer.meta, &mut |key| Ok(transaction.get(key)?))?;
    let officers = quorum::users(transaction)?.iter().filter(|user| user.role == Role::Officer).count();
    if officers <= usize::from(values.user_management.max(values.officers)) {
        return Err(Error::Prohibited("fewer officers would be left than must approve").into());
    }
    Ok(())
}

/// How many officers must approve; 0 where an officer acts alone.
pub(super) fn approvals(meta: &Meta, service: Service, read: Read<'_>) -> Result<u8, Error> {
    let value = values(meta, read)?.of(service);
    Ok(if value > 1 { value } else { 0 })
}

fn values(meta: &Meta, read: Read<'_>) -> Result<Values, Error> {
    let record = read(layout::QUORUM_VALUES)?.ok_or_else(|| damaged("the quorum values are missing"))?;
    let mut reader = Reader::new(&record);
    if reader.u8()? != RECORD_FORMAT {
        return Err(damaged("the quorum values have a record of an unknown format"));
    }
    let values = Values { user_management: reader.u8()?, officers: reader.u8()? };
    let signature = reader.array()?;
    reader.end()?;
    let statement = quorum_statement(&meta.id, values.bytes());
    let signed = strongroom_crypto::sign::verify(&meta.authority, &[&statement], &signature);
    signed.map_err(|_| damaged("the quorum values were changed"))?;
    Ok(values)
}

impl Values {
    fn of(self, service: Service) -> u8 {
        match service {
            Service::UserManagement => self.user_management,
            _ => self.officers,
        }
    }

    fn record(self, token: &TokenId, authority: &UserKeys) -> Result<Vec<u8>, Error> {
        let signature = authority.sign_as_authority(&[&quorum_statement(token, self.bytes())])?;
        let mut record = Writer::default();
        record.u8(RECORD_FORMAT);
        record.raw(&self.bytes());
        record.raw(&signature);
        Ok(record.finish())
    }

    fn bytes(self) -> [u8; 2] {
        [self.user_management, self.officers]
    }
}

const RECORD_FORMAT: u8 = 1;
const OF_KEY: Error = Error::Approval("how many users approve of a key's use is settled when the key is made");
