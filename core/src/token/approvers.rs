//! The keys with which users approve: an RSA public key per user, registered by the user or by an officer.
//!
//! What approves is an ordinary RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017 §8.2), which `openssl dgst -sha256
//! -sign` makes; the private key never comes near the token.

use std::ops::ControlFlow;

use strongroom_crypto::encoding::PublicKeyInfo;
use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::rsa::{PublicKey, SignaturePadding};
use strongroom_crypto::sign;

use super::audit::{Event, Fact};
use super::{Login, Meta, Token, layout};
use crate::access::Service;
use crate::error::{Error, Sought};
use crate::object::UserId;
use crate::object::codec::{Reader, Writer, damaged};
use crate::seal::{Role, User, approver_statement};
use crate::store::Transaction;

/// Reads a record of the store, in or out of a transaction.
pub(super) type Read<'a> = &'a mut dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>, Error>;

/// The record of a registered key.
struct Registration {
    /// The officer who registered it, or the user.
    by: UserId,
    /// SubjectPublicKeyInfo in DER.
    public_key: Vec<u8>,
    signature: [u8; 64],
}

impl Token {
    /// Registers the key with which a user will approve, or another in its place. `signature` over `challenge`, any
    /// bytes, shows that somebody has the private half.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but the user and officers, [`Error::NotActivated`]; [`Error::NoSuchUser`];
    /// [`Error::Approval`] for a key that is not RSA of 2048 to 4096 bits, for one that another user has registered,
    /// with which one signature would be two approvals, and for a signature that does not verify;
    /// [`Error::ApprovalsMissing`] where an officer registers another's.
    pub fn register_approver(
        &self,
        login: &Login,
        name: &str,
        public_key: &[u8],
        challenge: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let user = self.certified_user(name)?;
        // Whoever knows a published password would leave a key behind that nobody vouches for any more.
        if login.role == Role::Unactivated || user.id != login.user {
            login.expect_officer()?;
        }
        if challenge.is_empty() || challenge.len() > CHALLENGE_BYTES_MAX {
            return Err(Error::Approval("what is signed to register a key has 1 to 245 bytes"));
        }
        let key = rsa_key(public_key)?;
        if !verifies(&key, challenge, signature)? {
            return Err(Error::Approval("the signature over the challenge does not verify with this key"));
        }
        let statement = approver_statement(&login.token, user.id, public_key);
        let signature = match user.id == login.user {
            true => login.keys.sign(&[&statement])?,
            false => login.keys.sign_as_authority(&[&statement])?,
        };
        let record = Registration { by: login.user, public_key: public_key.to_vec(), signature }.encode();
        self.transact_as_officer(login, &mut |transaction| {
            if transaction.get(&layout::user(user.id))?.is_none() {
                return Err(Error::NoSuchUser(Sought::Name(user.name.clone())).into());
            }
            // Otherwise an officer alone would be as many officers as he likes.
            if user.id != login.user {
                self.take_officers_approval(transaction, login, Service::UserManagement)?;
            }
            if is_taken(transaction, user.id, &key)? {
                return Err(Error::Approval("another user approves with this key: each has a key of their own").into());
            }
            transaction.put(&layout::approver(user.id), &record)?;
            self.record(transaction, login, Fact::user(Event::ApproverRegistered, &user))
        })
    }

    /// Whether a user has registered a key to approve with.
    ///
    /// # Errors
    /// The store's.
    pub fn is_approver(&self, user: UserId) -> Result<bool, Error> {
        Ok(self.store.get(&layout::approver(user))?.is_some())
    }
}

/// Whether another user than this one approves with the key. A damaged record approves of nothing.
fn is_taken(transaction: &mut dyn Transaction, user: UserId, key: &PublicKey) -> Result<bool, Error> {
    let modulus = key.modulus()?;
    let mut is_taken = false;
    transaction.scan(layout::APPROVERS, None, &mut |key, record| {
        let of_another = layout::approver_number(key).is_some_and(|other| other != user);
        let theirs = || rsa_key(&Registration::decode(record)?.public_key)?.modulus().map_err(Error::from);
        is_taken |= of_another && theirs().is_ok_and(|theirs| theirs == modulus);
        ControlFlow::Continue(())
    })?;
    Ok(is_taken)
}

/// Whether this is the user's approval of `file`: the user exists, is not locked, has registered a key for which the
/// user or the authority vouches, and signed.
///
/// # Errors
/// [`Error::Approval`]; [`Error::Damaged`].
pub(super) fn check_approval(
    meta: &Meta,
    user: &User,
    file: &[u8],
    signature: &[u8],
    read: Read<'_>,
) -> Result<(), Error> {
    let failures = super::login::read_failures(read(&layout::failures(user.id))?.as_deref())?;
    if failures >= meta.founding.pin_failures_max() {
        return Err(Error::Approval("a user who is locked does not approve"));
    }
    let record = read(&layout::approver(user.id))?;
    let record = record.ok_or(Error::Approval("a user who approves has registered no key for it"))?;
    let registration = Registration::decode(&record)?;
    let statement = approver_statement(&meta.id, user.id, &registration.public_key);
    let by = if registration.by == user.id { &user.verifying_key } else { &meta.authority };
    sign::verify(by, &[&statement], &registration.signature)
        .map_err(|_| damaged("a key to approve with was changed"))?;
    match verifies(&rsa_key(&registration.public_key)?, file, signature)? {
        true => Ok(()),
        false => Err(Error::Approval("a signature does not verify with the key its user registered")),
    }
}

/// An RSA key that is long enough, and whose signatures are verified fast, in SubjectPublicKeyInfo. They are verified
/// while nobody else writes: with the longest keys and exponents one user could hold up all others.
fn rsa_key(public_key: &[u8]) -> Result<PublicKey, Error> {
    const REFUSED: Error = Error::Approval(
        "a key to approve with is RSA of 2048 to 4096 bits with an exponent below 2^32, as a SubjectPublicKeyInfo",
    );
    let Ok(PublicKeyInfo::Rsa { modulus, public_exponent }) = PublicKeyInfo::decode(public_key) else {
        return Err(REFUSED);
    };
    let exponent_bytes = public_exponent.iter().skip_while(|byte| **byte == 0).count();
    let key = PublicKey::new(modulus, public_exponent).map_err(|_| REFUSED)?;
    let is_fit = (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&key.bits()) && exponent_bytes <= EXPONENT_BYTES_MAX;
    if is_fit { Ok(key) } else { Err(REFUSED) }
}

/// Whether this is the key's signature of `file`.
fn verifies(key: &PublicKey, file: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let mut digest = [0; 32];
    hash::digest(Algorithm::Sha256, file, &mut digest)?;
    Ok(key.verify(&SignaturePadding::Pkcs1Digest(Algorithm::Sha256), &digest, signature).is_ok())
}

impl Registration {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(RECORD_FORMAT);
        writer.u32(self.by.0);
        writer.counted(&self.public_key);
        writer.raw(&self.signature);
        writer.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Registration, Error> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != RECORD_FORMAT {
            return Err(damaged("a key to approve with has a record of an unknown format"));
        }
        let by = UserId(reader.u32()?);
        let public_key = reader.counted()?.to_vec();
        let signature = reader.array()?;
        reader.end()?;
        Ok(Registration { by, public_key, signature })
    }
}

const RECORD_FORMAT: u8 = 1;
const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 4096;
const EXPONENT_BYTES_MAX: usize = 4;
/// What fits into one block of RSA-2048 with padding: CloudHSM's number.
const CHALLENGE_BYTES_MAX: usize = 245;
