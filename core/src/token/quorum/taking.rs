//! Taking a quorum token for an operation, and giving it back where that fails.

use super::record::{Record, collect};
use super::{QuorumToken, Taken, check, needed};
use crate::access::Service;
use crate::error::Error;
use crate::object::Object;
use crate::seal::User;
use crate::store::{Aborted, Body, Transaction};
use crate::token::approvers::Read;
use crate::token::audit::{Event, Fact};
use crate::token::login::expect_unlocked;
use crate::token::objects::{expect, expect_login};
use crate::token::{Login, Meta, Token, layout};

impl Token {
    /// Whether a token approves of the next operation of this user with this key.
    ///
    /// # Errors
    /// [`Error::ApprovalsMissing`].
    pub(crate) fn expect_approval(&self, login: &Login, service: Service, key: &Object) -> Result<(), Error> {
        let records = self.quorum_records()?;
        let wanted = Wanted { service, key: Some(key), login, now: self.clock.now() };
        let found = wanted.find(&*self.meta()?, &records, &mut |key| Ok(self.store.get(key)?)).map(|_| ());
        self.refused(login, key.number, found)
    }

    /// Takes the token that approves of this operation: it is good for no other from now on.
    ///
    /// # Errors
    /// [`Error::ApprovalsMissing`].
    pub(crate) fn take_approval(&self, login: &Login, service: Service, key: &Object) -> Result<Taken, Error> {
        let meta = self.meta()?;
        let wanted = Wanted { service, key: Some(key), login, now: self.clock.now() };
        let mut taken = None;
        let outcome = self.store.transact(&mut |transaction| {
            expect_login(transaction, login)?;
            taken = wanted.take(self, &meta, transaction)?;
            Ok(())
        });
        self.refused(login, key.number, outcome.map_err(Error::from))?;
        let (id, record) = taken.ok_or(Error::NotLoggedIn)?;
        let issued = QuorumToken::decode(id, &record)?.issued;
        Ok(Taken { id, issued, record, meta })
    }

    /// Runs a transaction of an officer's, for as long as the login is good and the officer is not locked: who is could
    /// make another officer, to unlock himself by. Where approvals were missing, an entry of
    /// the log tells: one written in the transaction would be gone with it.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`], [`Error::PinLocked`], `body`'s, the store's.
    pub(in crate::token) fn transact_as_officer(&self, officer: &Login, body: Body<'_>) -> Result<(), Error> {
        let outcome = self.store.transact(&mut |transaction| {
            expect_login(transaction, officer)?;
            expect_unlocked(transaction, &officer.meta, officer.user)?;
            body(transaction)
        });
        self.refused(officer, 0, outcome.map_err(Error::from))
    }

    /// Takes, within [`Token::transact_as_officer`], the token that approves of what an officer does there; nothing
    /// where none is needed.
    ///
    /// # Errors
    /// [`Error::ApprovalsMissing`].
    pub(in crate::token) fn take_officers_approval(
        &self,
        transaction: &mut dyn Transaction,
        officer: &Login,
        service: Service,
    ) -> Result<(), Aborted> {
        let wanted = Wanted { service, key: None, login: officer, now: self.clock.now() };
        wanted.take(self, &officer.meta, transaction).map(|_| ())
    }

    /// Gives a token back whose operation failed.
    pub(crate) fn give_back(&self, taken: &Taken) {
        let key = layout::quorum_token(taken.id);
        // What cannot be given back is lost, which is the safe side.
        let _ = self.store.transact(&mut |transaction| {
            expect(transaction, &taken.meta, None)?;
            transaction.put(&key, &taken.record)?;
            self.record(transaction, None, Fact::of(Event::QuorumReturned).second(taken.id.into()))
        });
    }

    /// Logs that approvals were missing, where they were.
    fn refused<T>(&self, login: &Login, key: u64, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error @ Error::ApprovalsMissing { .. }) = &result {
            self.record_refusal(login, Fact::of(Event::QuorumRefused).object(key).refused(error));
        }
        result
    }
}

/// The operation a token is looked for.
struct Wanted<'a> {
    service: Service,
    key: Option<&'a Object>,
    login: &'a Login,
    now: u64,
}

impl Wanted<'_> {
    fn take(&self, token: &Token, meta: &Meta, transaction: &mut dyn Transaction) -> Result<Option<Record>, Aborted> {
        let mut records = Vec::new();
        transaction.scan(layout::QUORUM_TOKENS, None, &mut collect(&mut records))?;
        let found = self.find(meta, &records, &mut |key| Ok(transaction.get(key)?))?;
        let Some((id, record)) = found else { return Ok(None) };
        transaction.delete(&layout::quorum_token(*id))?;
        let key = self.key.map_or(0, |key| key.number);
        token.record(transaction, self.login, Fact::of(Event::QuorumUsed).object(key).second((*id).into()))?;
        Ok(Some((*id, record.clone())))
    }

    /// The record of the oldest token that approves; none where the operation takes no approval.
    fn find<'r>(&self, meta: &Meta, records: &'r [Record], read: Read<'_>) -> Result<Option<&'r Record>, Error> {
        let ownership = self.key.map(|key| &key.ownership);
        let needed = needed(meta, self.service, ownership, read)?;
        if needed == 0 {
            return Ok(None);
        }
        let mut most = 0;
        for record in records {
            let token = QuorumToken::decode(record.0, &record.1)?;
            if !self.is_met_by(meta, &token)? {
                continue;
            }
            let mut given = 0;
            for (at, (approver, signature)) in token.approvals.iter().enumerate() {
                // Of several users with one key, where somebody wrote the files, one approves.
                if token.approvals.iter().take(at).any(|(_, earlier)| earlier == signature) {
                    continue;
                }
                let Some(user) = read(&layout::user(*approver))? else { continue };
                let user = User::decode(&user)?;
                match check(meta, &token, ownership, &user, signature, read) {
                    Ok(()) => given += 1,
                    Err(Error::Approval(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            if given >= needed {
                return Ok(Some(record));
            }
            most = most.max(given);
        }
        Err(Error::ApprovalsMissing { needed, given: most })
    }

    /// Whether the token is for this operation, whoever approved it.
    fn is_met_by(&self, meta: &Meta, token: &QuorumToken) -> Result<bool, Error> {
        let key = self.key.map_or((0, [0; 32]), |key| (key.number, key.unique_id));
        Ok(token.service == self.service
            && (token.key, token.unique_id) == key
            && token.requester == self.login.user
            && token.name == self.login.name
            && token.lasts_until(self.now)
            && token.file.last_chunk() == Some(&token.tie(&meta.id)?))
    }
}
