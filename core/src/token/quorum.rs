//! Quorum tokens: m users approve one operation, and one token is good for one operation that succeeds.
//!
//! ```text
//! request: a user asks for a token for a service and a key, and gets 80 bytes
//! approve: users who own or share the key sign these bytes; the requester brings the signatures
//! use:     the next operation of the requester with that key takes the token, and gives it back where it fails
//! ```
//!
//! Nothing in a record is taken on trust: who approved is what the signatures say, each time, under the keys and for
//! the users there are then. So an editor of the files can delete a token, and put a used one back, but not make one.

mod record;
mod taking;

use std::ops::ControlFlow;
use std::sync::Arc;

use super::approvers::{Read, check_approval};
use super::audit::{Event, Fact};
use super::certified::expect_certified;
use super::objects::expect_login;
use super::{Login, Meta, Token, layout, officers};
use crate::access::Service;
use crate::error::{Error, Sought};
use crate::limits::{QUORUM_TOKENS_MAX, QUORUM_TOKENS_OF_USER_MAX};
use crate::object::{Ownership, UserId};
use crate::seal::{Envelope, Role, User};
use crate::store::{Aborted, Transaction};
use record::{all, decoded, id_in, next_id};

/// One quorum token.
#[derive(Debug, Clone)]
pub struct QuorumToken {
    /// Its number.
    pub id: u32,
    /// What it is for.
    pub service: Service,
    /// The key it is for; 0 where the service is about the token.
    pub key: u64,
    /// Who asked for it, and may use it.
    pub requester: UserId,
    /// The requester's name.
    pub name: String,
    /// When it was asked for, in seconds since 1970.
    pub issued: u64,
    /// What approvers sign.
    pub file: [u8; FILE_BYTES],
    /// The key's unique id; zeros where it is for no key.
    unique_id: [u8; 32],
    approvals: Vec<(UserId, Vec<u8>)>,
}

/// One approval as it comes in: who, and the signature over the token's file.
#[derive(Debug, Clone, Copy)]
pub struct Approval<'a> {
    /// The approver's role.
    pub role: Role,
    /// The approver's name.
    pub name: &'a str,
    /// RSASSA-PKCS1-v1_5 with SHA-256 over the file.
    pub signature: &'a [u8],
}

/// How far a token is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many approvals it takes.
    pub needed: u8,
    /// How many there are.
    pub given: u8,
}

/// A token that was taken for an operation. It goes back unless the operation succeeds.
#[derive(Debug)]
pub(crate) struct Taken {
    id: u32,
    /// When it was asked for, in seconds since 1970.
    pub(crate) issued: u64,
    record: Vec<u8>,
    meta: Arc<Meta>,
}

impl Token {
    /// Asks for a token for one operation of this service: with this key, or with the token's users where the service
    /// is about these.
    ///
    /// # Errors
    /// [`Error::NoObject`] for a key that is not the caller's to use; [`Error::Approval`] where no approval is needed;
    /// [`Error::TokenFull`] for one token too many.
    pub fn request_approval(&self, login: &Login, service: Service, key: Option<u64>) -> Result<QuorumToken, Error> {
        let object = match (service.is_of_key(), key) {
            (true, Some(number)) => {
                let object = self.object(number, Some(login))?;
                if !object.ownership.is_associated(login.user) {
                    return Err(Error::NoObject(number));
                }
                Some(object)
            }
            (true, None) => return Err(Error::Approval("the use of a key is approved for one key: say which")),
            (false, None) if login.role == Role::Officer => None,
            (false, None) => return Err(Error::NotLoggedIn),
            (false, Some(_)) => return Err(Error::Approval("this service is not about a key")),
        };
        let meta = self.meta()?;
        let ownership = object.as_deref().map(|object| &object.ownership);
        if needed(&meta, service, ownership, &mut |key| Ok(self.store.get(key)?))? == 0 {
            return Err(Error::Approval("this takes no approval"));
        }
        let (key, unique_id) = object.as_deref().map_or((0, [0; 32]), |object| (object.number, object.unique_id));
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce)?;
        let issued = self.clock.now();
        let mut made = None;
        self.store.transact(&mut |transaction| {
            expect_login(transaction, login)?;
            let (mut others, mut own) = (0, 0);
            for token in all(transaction)? {
                let replaced = !service.is_of_key() && token.service == service && token.requester == login.user;
                if !token.lasts_until(issued) {
                    transaction.delete(&layout::quorum_token(token.id))?;
                } else if replaced {
                    transaction.delete(&layout::quorum_token(token.id))?;
                    self.record(transaction, login, Fact::of(Event::QuorumDeleted).second(token.id.into()))?;
                } else {
                    others += 1;
                    own += usize::from(token.requester == login.user);
                }
            }
            if own >= QUORUM_TOKENS_OF_USER_MAX || others >= QUORUM_TOKENS_MAX {
                return Err(Error::TokenFull("there are too many quorum tokens; use or delete some".to_owned()).into());
            }
            let id = next_id(transaction)?;
            let (requester, name) = (login.user, login.name.clone());
            let mut token = QuorumToken {
                id,
                service,
                key,
                requester,
                name,
                issued,
                file: [0; FILE_BYTES],
                unique_id,
                approvals: Vec::new(),
            };
            token.file = token.write_file(&meta.id, &nonce)?;
            transaction.put(&layout::quorum_token(id), &token.encode())?;
            made = Some(token);
            self.record(transaction, login, Fact::of(Event::QuorumRequested).object(key).second(id.into()))
        })?;
        made.ok_or(Error::NotLoggedIn)
    }

    /// Adds approvals to the caller's own token: all of them or, where one is not good, none. Who approves twice counts
    /// once.
    ///
    /// # Errors
    /// [`Error::Approval`] says what is wrong with the token or an approval.
    pub fn approve(&self, login: &Login, file: &[u8], approvals: &[Approval<'_>]) -> Result<Progress, Error> {
        let id = id_in(file)?;
        let approved = self.add_approvals(login, id, file, approvals);
        if let Err(error @ (Error::Approval(_) | Error::NoSuchUser(_))) = &approved {
            self.record_refusal(login, Fact::of(Event::QuorumRefused).second(id.into()).refused(error));
        }
        approved
    }

    fn add_approvals(
        &self,
        login: &Login,
        id: u32,
        file: &[u8],
        approvals: &[Approval<'_>],
    ) -> Result<Progress, Error> {
        let (meta, now) = (self.meta()?, self.clock.now());
        let mut progress = None;
        self.store.transact(&mut |transaction| {
            expect_login(transaction, login)?;
            let record = transaction.get(&layout::quorum_token(id))?;
            let record = record.ok_or(Error::Approval("there is no such token: used, expired, or of another HSM"))?;
            let mut token = QuorumToken::decode(id, &record)?;
            if token.file != *file {
                return Err(Error::Approval("this is not the token that was given out").into());
            }
            if token.requester != login.user {
                return Err(Error::Approval("the approvals of a token are brought by the user who asked for it").into());
            }
            if !token.is_approvable(now) {
                return Err(Error::Approval("the token has expired").into());
            }
            let users = users(transaction)?;
            let read: Read<'_> = &mut |key| Ok(transaction.get(key)?);
            let ownership = token.ownership(read)?;
            for approval in approvals {
                let named = users.iter().find(|user| user.role == approval.role && user.name == approval.name);
                let user = named.ok_or_else(|| Error::NoSuchUser(Sought::Name(approval.name.to_owned())))?;
                check(&meta, &token, ownership.as_ref(), user, approval.signature, read)?;
                token.approvals.retain(|(earlier, _)| *earlier != user.id);
                if token.approvals.len() >= APPROVALS_MAX {
                    return Err(Error::Approval("a token has at most 20 approvals").into());
                }
                token.approvals.push((user.id, approval.signature.to_vec()));
            }
            token.approvals.sort_unstable_by_key(|(user, _)| *user);
            let needed = needed(&meta, token.service, ownership.as_ref(), read)?;
            progress = Some(Progress { needed, given: token.given() });
            transaction.put(&layout::quorum_token(id), &token.encode())?;
            self.record(transaction, login, Fact::of(Event::QuorumApproved).object(token.key).second(id.into()))
        })?;
        progress.ok_or(Error::NotLoggedIn)
    }

    /// All tokens that are still good for something, by number.
    ///
    /// # Errors
    /// The store's.
    pub fn quorum_tokens(&self) -> Result<Vec<QuorumToken>, Error> {
        let now = self.clock.now();
        Ok(decoded(&self.quorum_records()?)?.into_iter().filter(|token| token.lasts_until(now)).collect())
    }

    /// How far a token is approved, and for how many seconds more it is good: to be approved or, once it is, to be
    /// used.
    ///
    /// # Errors
    /// The store's.
    pub fn progress(&self, token: &QuorumToken) -> Result<(Progress, u64), Error> {
        let read: Read<'_> = &mut |key| Ok(self.store.get(key)?);
        let ownership = token.ownership(read)?;
        let needed = needed(&*self.meta()?, token.service, ownership.as_ref(), read)?;
        let given = token.given();
        let seconds = if given >= needed { USABLE_SECONDS } else { APPROVABLE_SECONDS };
        let left = token.issued.saturating_add(seconds).saturating_sub(self.clock.now());
        Ok((Progress { needed, given }, left))
    }

    /// Whether a token that was asked for at this time, in seconds since 1970, would still be good for something.
    pub(crate) fn approves_still(&self, issued: u64) -> bool {
        lasts_until(issued, self.clock.now())
    }

    /// Deletes tokens, and returns how many: the caller's own, or as an officer everybody's; of these all, or one.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for everybody's without being an officer.
    pub fn delete_quorum_tokens(&self, login: &Login, only: Option<u32>, everybodys: bool) -> Result<usize, Error> {
        if everybodys && login.role != Role::Officer {
            return Err(Error::NotLoggedIn);
        }
        let mut deleted = 0;
        self.store.transact(&mut |transaction| {
            deleted = 0;
            expect_login(transaction, login)?;
            for token in all(transaction)? {
                let meant = everybodys || token.requester == login.user;
                if meant && only.is_none_or(|only| only == token.id) {
                    transaction.delete(&layout::quorum_token(token.id))?;
                    let deleted_one = Fact::of(Event::QuorumDeleted).object(token.key).second(token.id.into());
                    self.record(transaction, login, deleted_one)?;
                    deleted += 1;
                }
            }
            Ok(())
        })?;
        Ok(deleted)
    }

    /// A refusal stands whether or not it could be logged, as on a token that is write-protected.
    fn record_refusal(&self, login: &Login, fact: Fact<'_>) {
        let _ = self.record_alone(Some(login), fact);
    }
}

/// Whether this user's signature approves of the token: the user may approve of it, and signed it.
fn check(
    meta: &Meta,
    token: &QuorumToken,
    ownership: Option<&Ownership>,
    user: &User,
    signature: &[u8],
    read: Read<'_>,
) -> Result<(), Error> {
    expect_certified(user, meta, &layout::user(user.id))?;
    let may = match ownership {
        Some(ownership) => user.role == Role::User && ownership.is_associated_by(user.id, &user.keys_id()?),
        None => user.role == Role::Officer,
    };
    if !may {
        return Err(Error::Approval(match token.service.is_of_key() {
            true => "only users who own or share the key approve of its use",
            false => "only officers approve of this",
        }));
    }
    check_approval(meta, user, &token.file, signature, read)
}

/// How many approvals the service takes; of a key, the key's ownership says it.
fn needed(meta: &Meta, service: Service, ownership: Option<&Ownership>, read: Read<'_>) -> Result<u8, Error> {
    match service {
        Service::UseKey => Ok(ownership.map_or(0, |ownership| ownership.use_approvals)),
        Service::ManageKey => Ok(ownership.map_or(0, |ownership| ownership.management_approvals)),
        Service::UserManagement | Service::Officers => officers::approvals(meta, service, read),
    }
}

impl QuorumToken {
    /// The users whose approvals it has, ascending. Whether each still counts is seen when it is used.
    pub fn approvers(&self) -> impl Iterator<Item = UserId> {
        self.approvals.iter().map(|(user, _)| *user)
    }

    fn given(&self) -> u8 {
        u8::try_from(self.approvals.len()).unwrap_or(u8::MAX)
    }

    /// Whether approvals are still taken.
    fn is_approvable(&self, now: u64) -> bool {
        age(self.issued, now).is_some_and(|age| age < APPROVABLE_SECONDS)
    }

    /// Whether it is still good for something.
    fn lasts_until(&self, now: u64) -> bool {
        lasts_until(self.issued, now)
    }

    /// Whose the key is and who shares it, as the key's record says; nothing where the token is for no key.
    fn ownership(&self, read: Read<'_>) -> Result<Option<Ownership>, Error> {
        if self.key == 0 {
            return Ok(None);
        }
        let record = read(&layout::object(self.key))?.ok_or(Error::NoObject(self.key))?;
        Ok(Some(Envelope::read(&record)?.ownership))
    }
}

fn lasts_until(issued: u64, now: u64) -> bool {
    age(issued, now).is_some_and(|age| age < USABLE_SECONDS)
}

/// None for a token from the future: a clock was set back, and nobody knows how old it is.
fn age(issued: u64, now: u64) -> Option<u64> {
    now.checked_sub(issued)
}

pub(super) fn users(transaction: &mut dyn Transaction) -> Result<Vec<User>, Error> {
    let mut users = Vec::new();
    transaction.scan(layout::USERS, None, &mut |_, record| {
        users.push(User::decode(record));
        ControlFlow::Continue(())
    })?;
    users.into_iter().collect()
}

/// Takes away what a user who is deleted asked for, and the key with which that user approved.
pub(super) fn forget(transaction: &mut dyn Transaction, user: UserId) -> Result<(), Aborted> {
    for token in all(transaction)?.iter().filter(|token| token.requester == user) {
        transaction.delete(&layout::quorum_token(token.id))?;
    }
    Ok(transaction.delete(&layout::approver(user))?)
}

/// Bytes of a token's file.
pub const FILE_BYTES: usize = 80;
/// Approvals of one token: CloudHSM's number.
const APPROVALS_MAX: usize = 20;
/// Seconds in which approvals are taken: CloudHSM's ten minutes.
pub const APPROVABLE_SECONDS: u64 = 600;
/// Seconds in which an approved token can be used: ten minutes more.
pub const USABLE_SECONDS: u64 = 1200;
