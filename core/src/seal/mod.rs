//! The key hierarchy: PIN -> user key -> bundle key -> bundle -> object keys.
//!
//! ```text
//! PIN --Argon2id(salt)--> user key --wraps--> bundle key --seals--> bundle: key-encryption key, metadata key,
//!                                  officer's escrow key --wraps--^           signing seed, sharing seed, authority key
//! object: a data key of its own, wrapped by its owner's key-encryption key, seals all its attributes and its value;
//!         for each user it is shared with, wrapped once more under the key of the two users
//! ```
//!
//! A PIN change rewraps one bundle key. An officer's PIN reset unwraps it with the escrow key instead. What is written
//! down where is in `docs/store-format.md`; who the users are is the business of [`crate::token`].

mod masked;
mod object;
mod pair;
mod user;

use strongroom_crypto::aead;
use strongroom_crypto::kdf::TagKey;
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;
use strongroom_crypto::sign::SigningKey;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::object::UserId;
use crate::object::codec::damaged;

pub use object::{Envelope, Opened, PairKeys, VerifyingKeys, Viewer};
pub(crate) use object::{commitment, trust_of, trust_statement, with_trust, write};
pub use pair::{PairKey, PairRecord};
pub use user::{BundleKey, Role, User};

/// The number of a token, random and for life: it ties every sealed record to its token.
pub type TokenId = [u8; 16];

/// What a user's PIN opens.
pub struct UserKeys {
    /// Wraps the data keys of the objects the user owns.
    wrapping: aead::Key,
    /// Wraps the data keys of public keys' values: every user has it.
    common: aead::Key,
    /// Seals masked objects: every user has it.
    masking: aead::Key,
    /// Makes the search tags of private attributes: every user has it.
    tags: TagKey,
    /// Signs the user's public objects.
    signing: SigningKey,
    /// The token's authority, whose word the user takes for who is who.
    authority: [u8; 32],
    officer: Option<OfficerKeys>,
}

/// What an officer's PIN opens besides.
struct OfficerKeys {
    escrow: aead::Key,
    authority: SigningKey,
}

/// The secrets a user is made of, in the order of the bundle.
pub struct Bundle {
    bytes: SecretBytes,
}

const WRAPPING: usize = 0;
const METADATA: usize = 32;
const SIGNING: usize = 64;
const SHARING: usize = 96;
const AUTHORITY: usize = 192;
const USER_BYTES: usize = 224;
const ESCROW: usize = 224;
const AUTHORITY_SEED: usize = 256;
const OFFICER_BYTES: usize = 288;

impl Bundle {
    /// New secrets for the first officer of a token, who brings the token's own with them.
    pub fn first_officer(random: &dyn Source) -> Result<Bundle, Error> {
        let mut bytes = SecretBytes::zeroed(OFFICER_BYTES)?;
        random.fill(bytes.expose_mut())?;
        let authority = SigningKey::from_seed(&*field::<32>(bytes.expose(), AUTHORITY_SEED)?)?.verifying_key();
        put(&mut bytes, AUTHORITY, &authority)?;
        Ok(Bundle { bytes })
    }

    /// New secrets for another user of the officer's token.
    pub fn for_role(role: Role, officer: &Bundle, random: &dyn Source) -> Result<Bundle, Error> {
        let length = match role {
            Role::Officer => OFFICER_BYTES,
            Role::User | Role::Unactivated | Role::Appliance => USER_BYTES,
        };
        let mut bytes = SecretBytes::zeroed(length)?;
        random.fill(bytes.expose_mut())?;
        let shared = match role {
            Role::Officer => &[METADATA, AUTHORITY, ESCROW, AUTHORITY_SEED][..],
            Role::User | Role::Unactivated | Role::Appliance => &[METADATA, AUTHORITY],
        };
        for at in shared {
            put(&mut bytes, *at, &*field::<32>(officer.bytes.expose(), *at)?)?;
        }
        Ok(Bundle { bytes })
    }

    fn from_bytes(bytes: SecretBytes) -> Result<Bundle, Error> {
        match bytes.len() {
            USER_BYTES | OFFICER_BYTES => Ok(Bundle { bytes }),
            _ => Err(damaged("a user's bundle has a wrong length")),
        }
    }

    /// The keys made of these secrets.
    pub fn keys(&self) -> Result<UserKeys, Error> {
        let bytes = self.bytes.expose();
        let metadata = field::<32>(bytes, METADATA)?;
        let of_all = |purpose: &[u8]| Zeroizing::new(strongroom_crypto::kdf::hmac_sha256(&*metadata, &[purpose]));
        let officer = match self.is_officers() {
            true => Some(OfficerKeys {
                escrow: aead::Key::new(&*field::<32>(bytes, ESCROW)?)?,
                authority: SigningKey::from_seed(&*field::<32>(bytes, AUTHORITY_SEED)?)?,
            }),
            false => None,
        };
        Ok(UserKeys {
            wrapping: aead::Key::new(&*field::<32>(bytes, WRAPPING)?)?,
            common: aead::Key::new(&of_all(b"strongroom common key"))?,
            masking: aead::Key::new(&of_all(b"strongroom masking key"))?,
            tags: TagKey::new(&*metadata)?,
            signing: SigningKey::from_seed(&*field::<32>(bytes, SIGNING)?)?,
            authority: *field::<32>(bytes, AUTHORITY)?,
            officer,
        })
    }

    /// The key of the first entry of the token's audit log, which all officers can make.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone else's secrets.
    pub(crate) fn audit_key(&self, token: &TokenId) -> Result<Zeroizing<[u8; 32]>, Error> {
        if !self.is_officers() {
            return Err(Error::NotLoggedIn);
        }
        let seed = field::<32>(self.bytes.expose(), AUTHORITY_SEED)?;
        Ok(Zeroizing::new(strongroom_crypto::kdf::hmac_sha256(&*seed, &[b"strongroom audit log\0", token])))
    }

    /// Whether these are an officer's secrets.
    fn is_officers(&self) -> bool {
        self.bytes.len() == OFFICER_BYTES
    }

    /// Whether an officer's secrets are those of the authority they name; a user has only the name.
    fn knows_authority(&self) -> Result<bool, Error> {
        let bytes = self.bytes.expose();
        if !self.is_officers() {
            return Ok(true);
        }
        let own = SigningKey::from_seed(&*field::<32>(bytes, AUTHORITY_SEED)?)?.verifying_key();
        Ok(own == *field::<32>(bytes, AUTHORITY)?)
    }

    /// Whether both hold the same secrets.
    pub fn is(&self, other: &Bundle) -> bool {
        self.bytes.ct_eq(other.bytes.expose())
    }
}

impl UserKeys {
    /// The token's authority as this user knows it.
    pub fn authority(&self) -> &[u8; 32] {
        &self.authority
    }

    /// The key of private search tags.
    pub fn tags(&self) -> &TagKey {
        &self.tags
    }

    /// The user's own signature over `parts`.
    ///
    /// # Errors
    /// The crypto library's.
    pub fn sign(&self, parts: &[&[u8]]) -> Result<[u8; 64], Error> {
        Ok(self.signing.sign(parts)?)
    }

    /// The authority's signature over `parts`.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] for anyone but an officer.
    pub fn sign_as_authority(&self, parts: &[&[u8]]) -> Result<[u8; 64], Error> {
        let officer = self.officer.as_ref().ok_or(Error::NotLoggedIn)?;
        Ok(officer.authority.sign(parts)?)
    }
}

/// Seals `secret` under `key`: nonce, ciphertext, tag.
fn seal(key: &aead::Key, aad: &[u8], secret: &[u8], random: &dyn Source) -> Result<Vec<u8>, Error> {
    let mut nonce = [0; 12];
    random.fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(secret.len() + SEAL_BYTES);
    sealed.extend_from_slice(&nonce);
    key.seal(&nonce, aad, secret, &mut sealed)?;
    Ok(sealed)
}

/// Opens what [`seal`] sealed.
///
/// # Errors
/// The crypto crate's `Authentication` where key, associated data or bytes are not those of the sealing.
fn open(key: &aead::Key, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, strongroom_crypto::Error> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<12>().ok_or(strongroom_crypto::Error::Authentication)?;
    key.open(nonce, aad, ciphertext)
}

/// Bytes that sealing adds: a nonce and a tag.
const SEAL_BYTES: usize = 12 + 16;

/// Bytes of a sealed 32-byte key.
const WRAP_BYTES: usize = 32 + SEAL_BYTES;

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<Zeroizing<[u8; N]>, Error> {
    let field = bytes.get(at..at + N).and_then(|field| field.try_into().ok());
    field.map(Zeroizing::new).ok_or_else(|| damaged("a user's bundle is too short"))
}

fn put(bytes: &mut SecretBytes, at: usize, value: &[u8]) -> Result<(), Error> {
    let place = bytes.expose_mut().get_mut(at..at + value.len());
    place.ok_or_else(|| damaged("a user's bundle is too short"))?.copy_from_slice(value);
    Ok(())
}

/// Associated data that ties a sealed record to its token, its subject and its purpose.
fn binding(purpose: &'static str, token: &TokenId, subject: u64, rest: &[&[u8]]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(purpose.len() + 32 + rest.iter().map(|part| part.len() + 8).sum::<usize>());
    aad.extend_from_slice(purpose.as_bytes());
    aad.push(0);
    aad.extend_from_slice(token);
    aad.extend_from_slice(&subject.to_le_bytes());
    for part in rest {
        aad.extend_from_slice(&(part.len() as u64).to_le_bytes());
        aad.extend_from_slice(part);
    }
    aad
}

/// What vouches for the key with which a user approves.
pub(crate) fn approver_statement(token: &TokenId, user: UserId, public_key: &[u8]) -> Vec<u8> {
    binding("strongroom approver", token, subject(user), &[public_key])
}

/// What vouches for the numbers of officers who approve.
pub(crate) fn quorum_statement(token: &TokenId, values: [u8; 2]) -> Vec<u8> {
    binding("strongroom quorum values", token, 0, &[&values])
}

/// The name of a user in associated data.
fn subject(user: UserId) -> u64 {
    u64::from(user.0)
}
