//! The key between two users: what one owns and shares with the other is wrapped under it. It is made and sealed once
//! per pair of users, not once per object, so that sharing costs no public-key operation.
//!
//! ```text
//! pair key --sealed under the owner's own wrapping key--> the owner
//!          --sealed under a key encapsulated to the sharee's certified sharing key--> the sharee
//! ```

use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;
use strongroom_crypto::{aead, kem, sign};

use super::{Bundle, SHARING, TokenId, User, UserKeys, WRAP_BYTES, binding, field, open, seal, subject};
use crate::error::Error;
use crate::object::UserId;
use crate::object::codec::{Reader, Writer, damaged};

/// What one user owns and another shares is wrapped under this.
pub struct PairKey {
    pub(super) key: aead::Key,
}

/// The record of a pair key.
pub struct PairRecord {
    /// For the owner, under the owner's wrapping key.
    kept: Vec<u8>,
    /// The encapsulation to the sharee.
    ciphertext: Vec<u8>,
    /// For the sharee, under the encapsulated key.
    sent: Vec<u8>,
    /// The owner's, over all of it.
    signature: [u8; 64],
}

impl PairRecord {
    /// A new key between the owner of these keys and `sharee`, for whom the authority vouches.
    pub fn new(
        token: &TokenId,
        owner: UserId,
        keys: &UserKeys,
        sharee: &User,
        random: &dyn Source,
    ) -> Result<PairRecord, Error> {
        let public = sharee.sharing_key.as_slice().try_into().map_err(|_| changed())?;
        let mut secret = SecretBytes::zeroed(32)?;
        random.fill(secret.expose_mut())?;
        let (ciphertext, encapsulated) = kem::encapsulate(public)?;
        let aad = aad(token, owner, sharee.id);
        let kept = seal(&keys.wrapping, &aad, secret.expose(), random)?;
        let sent = seal(&key(&encapsulated)?, &aad, secret.expose(), random)?;
        let mut record = PairRecord { kept, ciphertext, sent, signature: [0; 64] };
        record.signature = keys.signing.sign(&[&record.statement(token, owner, sharee.id)])?;
        Ok(record)
    }

    /// The key, for the owner.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn open_as_owner(
        &self,
        token: &TokenId,
        (owner, keys): (UserId, &UserKeys),
        sharee: UserId,
    ) -> Result<PairKey, Error> {
        let secret = open(&keys.wrapping, &aad(token, owner, sharee), &self.kept).map_err(|_| changed())?;
        Ok(PairKey { key: key(&secret)? })
    }

    /// The key, for the sharee whose bundle this is; `owner_key` verifies what the owner signed.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn open_as_sharee(
        &self,
        token: &TokenId,
        (owner, owner_key): (UserId, &[u8; 32]),
        (sharee, bundle): (UserId, &Bundle),
    ) -> Result<PairKey, Error> {
        let statement = self.statement(token, owner, sharee);
        sign::verify(owner_key, &[&statement], &self.signature).map_err(|_| changed())?;
        let own = kem::KeyPair::from_seed(&*field::<96>(bundle.bytes.expose(), SHARING)?)?;
        let encapsulated = own.decapsulate(&self.ciphertext).map_err(|_| changed())?;
        let secret = open(&key(&encapsulated)?, &aad(token, owner, sharee), &self.sent).map_err(|_| changed())?;
        Ok(PairKey { key: key(&secret)? })
    }

    /// The record as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(RECORD_FORMAT);
        writer.raw(&self.kept);
        writer.counted(&self.ciphertext);
        writer.raw(&self.sent);
        writer.raw(&self.signature);
        writer.finish()
    }

    /// The record these bytes are.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<PairRecord, Error> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != RECORD_FORMAT {
            return Err(damaged("the record of a pair of users has an unknown format"));
        }
        let kept = reader.raw(WRAP_BYTES)?.to_vec();
        let ciphertext = reader.counted()?.to_vec();
        let sent = reader.raw(WRAP_BYTES)?.to_vec();
        let signature = reader.array()?;
        reader.end()?;
        Ok(PairRecord { kept, ciphertext, sent, signature })
    }

    fn statement(&self, token: &TokenId, owner: UserId, sharee: UserId) -> Vec<u8> {
        let parts = [&sharee.0.to_le_bytes()[..], &self.kept, &self.ciphertext, &self.sent];
        binding("strongroom pair", token, subject(owner), &parts)
    }
}

fn aad(token: &TokenId, owner: UserId, sharee: UserId) -> Vec<u8> {
    binding("strongroom pair key", token, subject(owner), &[&sharee.0.to_le_bytes()])
}

fn key(secret: &SecretBytes) -> Result<aead::Key, Error> {
    Ok(aead::Key::new(secret.expose().try_into().map_err(|_| changed())?)?)
}

fn changed() -> Error {
    damaged("the key between two users was changed")
}

const RECORD_FORMAT: u8 = 1;
