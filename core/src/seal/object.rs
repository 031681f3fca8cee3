//! Token objects as sealed records.
//!
//! Four shapes: a private object is one sealed box (attributes and value together, so no attribute can be edited); a
//! shared one is the same, with its data key wrapped for each user it is shared with, and signed by its owner, as
//! others can open the box now; a public object is clear and signed by its owner, or by nobody where nobody was logged
//! in: a checksum is in the signature's place then, against accidents only, and such an object is never a key; a public
//! key object with a secret value is clear and signed, and its value sealed under a key that every user of the token
//! has. In front stands an envelope that any of them shares.

use std::sync::Arc;

use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;
use strongroom_crypto::{aead, hash, sign};

use zeroize::Zeroizing;

use super::{PairKey, TokenId, UserKeys, WRAP_BYTES, binding, open, seal};
use crate::attribute::Flag;
use crate::error::Error;
use crate::object::codec::{Reader, Writer, damaged, decode, encode_attributes, encode_fixed_attributes};
use crate::object::{KeysId, Object, Ownership, Sharees, UserId};

/// A token object's record, read as far as it is readable by anyone.
pub struct Envelope<'a> {
    /// Changes with every write of the record.
    pub revision: u64,
    /// Who owns the object, and the approvals it takes.
    pub ownership: Ownership,
    shape: Shape,
    version: u64,
    trust: Option<[u8; 64]>,
    header: &'a [u8],
    rest: &'a [u8],
}

/// Who opens an object.
pub struct Viewer<'a> {
    /// The user.
    pub user: UserId,
    /// What the user's PIN opened.
    pub keys: &'a UserKeys,
    /// The keys between this user and others.
    pub pairs: PairKeys<'a>,
}

/// Finds the key under which the first user's objects are wrapped for the second.
pub type PairKeys<'a> = &'a dyn Fn(UserId, UserId) -> Result<Arc<PairKey>, Error>;

/// What came out of a record.
pub enum Opened {
    /// The object, whole.
    Whole(Object),
    /// A public object whose secret value stays closed to this caller.
    WithoutValue(Object),
}

/// Finds the key that verifies what a user signed.
pub type VerifyingKeys<'a> = &'a dyn Fn(UserId) -> Result<[u8; 32], Error>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Shape {
    Private = 1,
    Public = 2,
    PublicWithSecret = 3,
    Shared = 4,
}

const RECORD_FORMAT: u8 = 1;
const HEADER_BYTES: usize = 1 + 4 + 1 + 1 + 8;

impl<'a> Envelope<'a> {
    /// Reads the envelope of a record.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn read(record: &'a [u8]) -> Result<Envelope<'a>, Error> {
        let mut reader = Reader::new(record);
        if reader.u8()? != RECORD_FORMAT {
            return Err(damaged("an object record of an unknown format"));
        }
        let revision = reader.u64()?;
        let trust = match reader.u8()? {
            0 => None,
            1 => Some(reader.array()?),
            _ => return Err(damaged("an object record of an unknown form")),
        };
        let body = reader.rest();
        let mut reader = Reader::new(body);
        let shape = match reader.u8()? {
            1 => Shape::Private,
            2 => Shape::Public,
            3 => Shape::PublicWithSecret,
            4 => Shape::Shared,
            _ => return Err(damaged("an object record of an unknown shape")),
        };
        let mut ownership = Ownership {
            owner: UserId(reader.u32()?),
            use_approvals: reader.u8()?,
            management_approvals: reader.u8()?,
            sharees: Sharees::NONE,
        };
        let version = reader.u64()?;
        let (header, rest) = body.split_at_checked(HEADER_BYTES).ok_or_else(|| damaged("a record is too short"))?;
        if shape == Shape::Shared {
            ownership.sharees = read_sharees(rest, ownership.owner)?;
        }
        Ok(Envelope { revision, ownership, shape, version, trust, header, rest })
    }

    /// Whether anyone may see the object.
    pub fn is_public(&self) -> bool {
        !matches!(self.shape, Shape::Private | Shape::Shared)
    }

    /// What its owner committed to of a private object, so that an officer can trust it without seeing it.
    ///
    /// # Errors
    /// [`Error::Prohibited`] for a public object, which anyone can see.
    pub fn commitment(&self) -> Result<[u8; 32], Error> {
        match self.rest.first_chunk() {
            Some(commitment) if !self.is_public() => Ok(*commitment),
            _ => Err(Error::Prohibited("only private objects carry a commitment")),
        }
    }

    /// Opens the object for a user, or as far as it is public for nobody.
    ///
    /// `authority` is the token's, which alone makes an object trusted.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a record that was changed by anyone but its owner; [`Error::NoObject`] where the caller
    /// has no key to it.
    pub fn open(
        &self,
        token: &TokenId,
        number: u64,
        viewer: Option<&Viewer<'_>>,
        authority: &[u8; 32],
        verifying_keys: VerifyingKeys<'_>,
    ) -> Result<Opened, Error> {
        let mut opened = match self.shape {
            Shape::Private | Shape::Shared => {
                let viewer = viewer.filter(|viewer| self.ownership.is_associated(viewer.user));
                let viewer = viewer.ok_or(Error::NoObject(number))?;
                Opened::Whole(self.open_private(token, number, viewer, verifying_keys)?)
            }
            Shape::Public | Shape::PublicWithSecret => {
                self.open_public(token, number, viewer.map(|viewer| viewer.keys), verifying_keys)?
            }
        };
        let (Opened::Whole(object) | Opened::WithoutValue(object)) = &mut opened;
        if object.has(Flag::Private) == self.is_public() || !object.has(Flag::Token) {
            return Err(damaged("an object contradicts its envelope"));
        }
        let trusted = match &self.trust {
            Some(signature) => {
                let statement = trust_statement(token, number, object.ownership.owner, &commitment(object)?);
                sign::verify(authority, &[&statement], signature).is_ok()
            }
            None => false,
        };
        object.flags.set(Flag::Trusted, trusted);
        Ok(opened)
    }

    fn open_private(
        &self,
        token: &TokenId,
        number: u64,
        viewer: &Viewer<'_>,
        verifying_keys: VerifyingKeys<'_>,
    ) -> Result<Object, Error> {
        let owner = self.ownership.owner;
        let mut signed = self.rest;
        if self.shape == Shape::Shared {
            let (statement, signature) = self.rest.split_last_chunk::<64>().ok_or_else(changed)?;
            let parts = shared_statement(token, number, self.header, statement);
            sign::verify(&verifying_keys(owner)?, &[&parts], signature).map_err(|_| changed())?;
            signed = statement;
        }
        let mut reader = Reader::new(signed);
        let _commitment: [u8; 32] = reader.array()?;
        let mut wrapped = None;
        if self.shape == Shape::Shared {
            for _ in 0..reader.u8()? {
                let user = reader.u32()?;
                let _keys: KeysId = reader.array()?;
                let grant = reader.raw(WRAP_BYTES)?;
                wrapped = wrapped.or((user == viewer.user.0).then_some(grant));
            }
        }
        let owners = reader.raw(WRAP_BYTES)?;
        let sealed = reader.rest();
        let key = match viewer.user == owner {
            true => unwrap_key(&viewer.keys.wrapping, token, number, self.header, owners)?,
            false => {
                let pair = (viewer.pairs)(owner, viewer.user)?;
                unwrap_key(&pair.key, token, number, self.header, wrapped.ok_or_else(changed)?)?
            }
        };
        let aad = binding("strongroom object", token, number, &[self.header]);
        let plain = open(&key, &aad, sealed).map_err(|_| changed())?;
        let mut reader = Reader::new(plain.expose());
        let attributes = reader.counted()?;
        let secret = match reader.u8()? {
            0 => None,
            _ => Some(SecretBytes::from_slice(reader.counted()?)?),
        };
        reader.end()?;
        let mut object = decode(number, self.version, self.ownership, attributes, secret)?;
        object.borrowed = viewer.user != owner;
        if object.kind.is_secret() && object.material.is_none() { Err(changed()) } else { Ok(object) }
    }

    fn open_public(
        &self,
        token: &TokenId,
        number: u64,
        keys: Option<&UserKeys>,
        verifying_keys: VerifyingKeys<'_>,
    ) -> Result<Opened, Error> {
        let (signed, signature) = self.rest.split_last_chunk::<64>().ok_or_else(changed)?;
        let statement = public_statement(token, number, self.header, signed);
        let nobodys = self.ownership.owner == UserId::NOBODY;
        if nobodys {
            if *signature != checksum(&statement)? {
                return Err(changed());
            }
        } else {
            let key = verifying_keys(self.ownership.owner)?;
            sign::verify(&key, &[&statement], signature).map_err(|_| changed())?;
        }
        let mut reader = Reader::new(signed);
        let attributes = reader.counted()?;
        if self.shape == Shape::Public {
            reader.end()?;
            let object = decode(number, self.version, self.ownership, attributes, None)?;
            // Nobody's word is no signature: what nobody owns is never a key.
            let forged = object.kind.is_secret() || (nobodys && object.kind.is_key());
            return if forged { Err(changed()) } else { Ok(Opened::Whole(object)) };
        }
        if nobodys {
            return Err(changed());
        }
        let wrapped = reader.raw(WRAP_BYTES)?;
        let sealed = reader.counted()?;
        reader.end()?;
        let Some(keys) = keys else {
            return decode(number, self.version, self.ownership, attributes, None).map(Opened::WithoutValue);
        };
        let key = unwrap_key(&keys.common, token, number, self.header, wrapped)?;
        let aad = binding("strongroom value", token, number, &[self.header, attributes]);
        let secret = open(&key, &aad, sealed).map_err(|_| changed())?;
        decode(number, self.version, self.ownership, attributes, Some(secret)).map(Opened::Whole)
    }
}

/// The record of `object`, sealed and signed by the user who owns it, or by nobody for what nobody owns.
///
/// # Errors
/// [`Error::NotLoggedIn`] where the object needs a user's keys and there are none.
pub(crate) fn write(
    object: &Object,
    revision: u64,
    token: &TokenId,
    owner: Option<&Viewer<'_>>,
    trust: Option<[u8; 64]>,
    random: &dyn Source,
) -> Result<Vec<u8>, Error> {
    let keys = owner.map(|owner| owner.keys);
    let shape = match (object.has(Flag::Private), &object.material) {
        (true, _) if object.ownership.sharees != Sharees::NONE => Shape::Shared,
        (true, _) => Shape::Private,
        (false, None) => Shape::Public,
        (false, Some(_)) => Shape::PublicWithSecret,
    };
    let header = header(shape, object);
    let mut record = Writer::default();
    record.u8(RECORD_FORMAT);
    record.u64(revision);
    match trust {
        Some(signature) => {
            record.u8(1);
            record.raw(&signature);
        }
        None => record.u8(0),
    }
    record.raw(&header);
    let attributes = Zeroizing::new(encode_attributes(object)?);
    if object.has(Flag::Private) {
        let owner = owner.ok_or(Error::NotLoggedIn)?;
        let body = private_body(object, (shape, &header), token, owner, &attributes, random)?;
        record.raw(&body);
        return Ok(record.finish());
    }
    let mut signed = Writer::default();
    signed.counted(&attributes);
    if let Some(material) = &object.material {
        let keys = keys.ok_or(Error::NotLoggedIn)?;
        let (key, wrapped) = new_key(&keys.common, token, object.number, &header, random)?;
        let aad = binding("strongroom value", token, object.number, &[&header, &attributes]);
        signed.raw(&wrapped);
        signed.counted(&seal(&key, &aad, material.sealed(), random)?);
    }
    let signed = signed.finish();
    let signature = match (keys, object.ownership.owner) {
        (_, UserId::NOBODY) => checksum(&public_statement(token, object.number, &header, &signed))?,
        (Some(keys), _) => keys.signing.sign(&[&public_statement(token, object.number, &header, &signed)])?,
        (None, _) => return Err(Error::NotLoggedIn),
    };
    record.raw(&signed);
    record.raw(&signature);
    Ok(record.finish())
}

/// What comes behind the header of a private object.
fn private_body(
    object: &Object,
    (shape, header): (Shape, &[u8]),
    token: &TokenId,
    owner: &Viewer<'_>,
    attributes: &[u8],
    random: &dyn Source,
) -> Result<Vec<u8>, Error> {
    let number = object.number;
    let mut secret = SecretBytes::zeroed(32)?;
    random.fill(secret.expose_mut())?;
    let key_binding = binding("strongroom data key", token, number, &[header]);
    let wrap = |wrapping: &aead::Key| seal(wrapping, &key_binding, secret.expose(), random);
    let mut body = Writer::default();
    body.raw(&commitment(object)?);
    if shape == Shape::Shared {
        let sharees = &object.ownership.sharees;
        body.u8(sharees.as_numbers().len() as u8);
        for sharee in sharees.iter() {
            body.u32(sharee.0);
            body.raw(sharees.keys_of(sharee).ok_or_else(|| damaged("a key is shared with a user nobody looked up"))?);
            body.raw(&wrap(&(owner.pairs)(owner.user, sharee)?.key)?);
        }
    }
    body.raw(&wrap(&owner.keys.wrapping)?);
    let key = aead::Key::new(secret.expose().try_into().map_err(|_| changed())?)?;
    let aad = binding("strongroom object", token, number, &[header]);
    let plain = plaintext(attributes, object)?;
    body.raw(&seal(&key, &aad, plain.expose(), random)?);
    let mut body = body.finish();
    if shape == Shape::Shared {
        let signature = owner.keys.signing.sign(&[&shared_statement(token, number, header, &body)])?;
        body.extend_from_slice(&signature);
    }
    Ok(body)
}

/// The record with another envelope: only the authority's trust in the object changes.
pub(crate) fn with_trust(record: &[u8], revision: u64, trust: Option<[u8; 64]>) -> Result<Vec<u8>, Error> {
    let envelope = Envelope::read(record)?;
    let mut changed = Writer::default();
    changed.u8(RECORD_FORMAT);
    changed.u64(revision);
    match trust {
        Some(signature) => {
            changed.u8(1);
            changed.raw(&signature);
        }
        None => changed.u8(0),
    }
    changed.raw(envelope.header);
    changed.raw(envelope.rest);
    Ok(changed.finish())
}

/// The trust signature a record carries.
pub(crate) fn trust_of(record: &[u8]) -> Result<Option<[u8; 64]>, Error> {
    Ok(Envelope::read(record)?.trust)
}

/// All of an object that its owner cannot change while it is trusted, in 32 bytes that tell nobody what that is: the
/// random unique id is among it.
pub(crate) fn commitment(object: &Object) -> Result<[u8; 32], Error> {
    let mut commitment = [0; 32];
    hash::digest(hash::Algorithm::Sha256, &encode_fixed_attributes(object)?, &mut commitment)?;
    Ok(commitment)
}

/// What the authority signs to make an object trusted: whose it is, and what that user committed to.
pub(crate) fn trust_statement(token: &TokenId, number: u64, owner: UserId, commitment: &[u8; 32]) -> Vec<u8> {
    binding("strongroom trusted", token, number, &[&owner.0.to_le_bytes(), commitment])
}

/// The users a shared object names, in the order in which they are written.
fn read_sharees(rest: &[u8], owner: UserId) -> Result<Sharees, Error> {
    let mut reader = Reader::new(rest);
    let _commitment: [u8; 32] = reader.array()?;
    let mut sharees = Sharees::NONE;
    let mut before = UserId::NOBODY;
    for _ in 0..reader.u8()? {
        let user = UserId(reader.u32()?);
        if user <= before || user == owner {
            return Err(damaged("a shared object names its users out of order, or its owner"));
        }
        let with_keys = sharees.with_keys(user, reader.array()?);
        sharees = with_keys.ok_or_else(|| damaged("a shared object names too many users"))?;
        reader.raw(WRAP_BYTES)?;
        before = user;
    }
    if sharees == Sharees::NONE { Err(damaged("a shared object names nobody")) } else { Ok(sharees) }
}

fn header(shape: Shape, object: &Object) -> Vec<u8> {
    let mut header = Writer::default();
    header.u8(shape as u8);
    header.u32(object.ownership.owner.0);
    header.u8(object.ownership.use_approvals);
    header.u8(object.ownership.management_approvals);
    header.u64(object.version);
    header.finish()
}

fn shared_statement(token: &TokenId, number: u64, header: &[u8], signed: &[u8]) -> Vec<u8> {
    binding("strongroom shared object", token, number, &[header, signed])
}

fn public_statement(token: &TokenId, number: u64, header: &[u8], signed: &[u8]) -> Vec<u8> {
    binding("strongroom public object", token, number, &[header, signed])
}

/// What stands in for the signature of nobody.
fn checksum(statement: &[u8]) -> Result<[u8; 64], Error> {
    let mut checksum = [0; 64];
    hash::digest(hash::Algorithm::Sha512, statement, &mut checksum)?;
    Ok(checksum)
}

fn plaintext(attributes: &[u8], object: &Object) -> Result<SecretBytes, Error> {
    let secret = object.material.as_ref().map(|material| material.sealed());
    let length = 4 + attributes.len() + 1 + secret.map_or(0, |secret| 4 + secret.len());
    let mut plain = SecretBytes::zeroed(length)?;
    let mut rest = plain.expose_mut();
    let mut append = |bytes: &[u8]| {
        let (place, behind) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        rest = behind;
    };
    append(&(attributes.len() as u32).to_le_bytes());
    append(attributes);
    match secret {
        Some(secret) => {
            append(&[1]);
            append(&(secret.len() as u32).to_le_bytes());
            append(secret);
        }
        None => append(&[0]),
    }
    Ok(plain)
}

fn new_key(
    wrapping: &aead::Key,
    token: &TokenId,
    number: u64,
    header: &[u8],
    random: &dyn Source,
) -> Result<(aead::Key, Vec<u8>), Error> {
    let mut secret = SecretBytes::zeroed(32)?;
    random.fill(secret.expose_mut())?;
    let wrapped = seal(wrapping, &binding("strongroom data key", token, number, &[header]), secret.expose(), random)?;
    let key = aead::Key::new(secret.expose().try_into().map_err(|_| changed())?)?;
    Ok((key, wrapped))
}

fn unwrap_key(
    wrapping: &aead::Key,
    token: &TokenId,
    number: u64,
    header: &[u8],
    wrapped: &[u8],
) -> Result<aead::Key, Error> {
    let aad = binding("strongroom data key", token, number, &[header]);
    let secret = open(wrapping, &aad, wrapped).map_err(|_| changed())?;
    Ok(aead::Key::new(secret.expose().try_into().map_err(|_| changed())?)?)
}

fn changed() -> Error {
    damaged("an object was changed by someone other than its owner")
}
