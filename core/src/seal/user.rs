//! One user's record: who they are, certified by the token's authority, and the bundle their PIN opens.

use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::memory::SecretBytes;
use strongroom_crypto::random::Source;
use strongroom_crypto::sign::{self, SigningKey};
use strongroom_crypto::{aead, kdf, kem};

use super::{Bundle, SHARING, SIGNING, TokenId, UserKeys, WRAP_BYTES, binding, field, open, seal, subject};
use crate::error::Error;
use crate::object::codec::{Reader, Writer, damaged};
use crate::object::{KeysId, UserId};
use crate::policy::KdfCost;

/// What a user may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Manages users, never uses keys (PKCS#11: the SO; CloudHSM: CO).
    Officer = 1,
    /// Owns and uses keys (PKCS#11: the user; CloudHSM: CU).
    User = 2,
    /// The first officer of a fresh CloudHSM, whose password is published: may change that, which makes it an
    /// [`Role::Officer`], and nothing else (CloudHSM: PRECO).
    Unactivated = 3,
    /// The CloudHSM's own user: listed, and nothing more. It has no record, no keys and no login (CloudHSM: AU).
    Appliance = 4,
}

impl Role {
    /// Whether PKCS#11 calls it the security officer (`CKU_SO`).
    pub fn is_security_officer(self) -> bool {
        matches!(self, Role::Officer | Role::Unactivated)
    }

    /// Whether who logs in as `asked` may be one of these: a program that asks for an officer need not know whether it
    /// is activated.
    pub fn answers_to(self, asked: Role) -> bool {
        self == asked || (asked == Role::Officer && self == Role::Unactivated)
    }
}

/// One user.
pub struct User {
    /// The number, never given twice.
    pub id: UserId,
    /// The role.
    pub role: Role,
    /// The name, lower case.
    pub name: String,
    /// Verifies what the user signs.
    pub verifying_key: [u8; 32],
    /// To which others seal what they share with the user.
    pub(super) sharing_key: Vec<u8>,
    certificate: [u8; 64],
    kdf: KdfCost,
    salt: [u8; 16],
    wrapped: Vec<u8>,
    escrowed: Option<Vec<u8>>,
    bundle: Vec<u8>,
}

/// The key that seals a bundle, while it is in the open.
pub struct BundleKey {
    bytes: SecretBytes,
}

impl User {
    /// Enrols a user with new secrets.
    ///
    /// `officer` holds the authority's and the escrow key: the new user's own bundle for the first officer.
    pub fn enrol(
        (id, role, name): (UserId, Role, &str),
        token: &TokenId,
        bundle: &Bundle,
        officer: &UserKeys,
        escrow: bool,
        (pin, cost): (&[u8], KdfCost),
        random: &dyn Source,
    ) -> Result<User, Error> {
        let secrets = bundle.bytes.expose();
        let signing = field::<32>(secrets, SIGNING)?;
        let sharing = field::<96>(secrets, SHARING)?;
        let verifying_key = SigningKey::from_seed(&signing)?.verifying_key();
        let sharing_key = kem::KeyPair::from_seed(&sharing)?.public().to_vec();
        let mut user = User {
            id,
            role,
            name: name.to_owned(),
            verifying_key,
            sharing_key,
            certificate: [0; 64],
            kdf: cost,
            salt: [0; 16],
            wrapped: Vec::new(),
            escrowed: None,
            bundle: Vec::new(),
        };
        user.certificate = officer.sign_as_authority(&[&user.certified(token)])?;
        let key = user.seal_bundle(token, bundle, escrow.then_some(officer), random)?;
        user.set_pin(token, &key, pin, cost, random)?;
        Ok(user)
    }

    /// Opens the bundle with the PIN. Takes as long as the key derivation was set to take.
    ///
    /// # Errors
    /// [`Error::PinWrong`]; [`Error::Damaged`] where the PIN fits and the bundle does not.
    pub fn open(&self, token: &TokenId, pin: &[u8]) -> Result<(BundleKey, Bundle), Error> {
        let bytes = open(&self.user_key(pin)?, &self.wrap_binding(token), &self.wrapped)
            .map_err(|error| wrong_key(error, Error::PinWrong))?;
        let key = BundleKey { bytes };
        let bundle = self.open_with(token, &key)?;
        Ok((key, bundle))
    }

    /// Sets a PIN as an officer, who opens the bundle by its escrow. It is sealed anew under another key, so that
    /// nobody who opened it before can do anything with this record: see [`User::sealed`].
    ///
    /// # Errors
    /// [`Error::Prohibited`] where nothing was left in escrow.
    pub fn reset_pin(
        &mut self,
        token: &TokenId,
        officer: &UserKeys,
        (pin, cost): (&[u8], KdfCost),
        random: &dyn Source,
    ) -> Result<(), Error> {
        let escrow = &officer.officer.as_ref().ok_or(Error::NotLoggedIn)?.escrow;
        let escrowed = self.escrowed.as_ref().ok_or(Error::Prohibited("the user's keys are not in escrow"))?;
        let bytes = open(escrow, &self.escrow_binding(token), escrowed)
            .map_err(|error| wrong_key(error, damaged("a user's escrow does not open")))?;
        let bundle = self.open_with(token, &BundleKey { bytes })?;
        let key = self.seal_bundle(token, &bundle, Some(officer), random)?;
        self.set_pin(token, &key, pin, cost, random)
    }

    /// The sealed bundle. It stays as it is when users change their PINs, and becomes another one where an officer sets
    /// a PIN: by it a login knows whether that happened since.
    pub fn sealed(&self) -> &[u8] {
        &self.bundle
    }

    /// Opens the bundle with its key, which somebody has from opening it before.
    ///
    /// # Errors
    /// [`Error::Damaged`] where it does not open, or is not the user's own.
    pub fn open_with(&self, token: &TokenId, key: &BundleKey) -> Result<Bundle, Error> {
        let bytes = open(&key.cipher()?, &self.bundle_binding(token), &self.bundle)
            .map_err(|error| wrong_key(error, damaged("a user's bundle does not open")))?;
        let bundle = Bundle::from_bytes(bytes)?;
        self.check_ownership(&bundle)?;
        Ok(bundle)
    }

    /// Whether the officer can reset the PIN without losing the user's keys.
    pub fn is_escrowed(&self) -> bool {
        self.escrowed.is_some()
    }

    /// The cost of guessing the PIN.
    pub fn kdf(&self) -> KdfCost {
        self.kdf
    }

    /// Sets a PIN for the bundle key: one record changes, no object does.
    pub fn set_pin(
        &mut self,
        token: &TokenId,
        key: &BundleKey,
        pin: &[u8],
        cost: KdfCost,
        random: &dyn Source,
    ) -> Result<(), Error> {
        random.fill(&mut self.salt)?;
        self.kdf = cost;
        self.wrapped = seal(&self.user_key(pin)?, &self.wrap_binding(token), key.bytes.expose(), random)?;
        Ok(())
    }

    /// Whether the authority vouches for this record's name, role and keys.
    pub fn is_certified(&self, token: &TokenId, authority: &[u8; 32]) -> bool {
        sign::verify(authority, &[&self.certified(token)], &self.certificate).is_ok()
    }

    /// The record as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u8(RECORD_FORMAT);
        writer.u32(self.id.0);
        writer.u8(self.role as u8);
        writer.counted(self.name.as_bytes());
        writer.raw(&self.verifying_key);
        writer.counted(&self.sharing_key);
        writer.raw(&self.certificate);
        writer.raw(&self.kdf_bytes());
        writer.raw(&self.salt);
        writer.raw(&self.wrapped);
        writer.counted(self.escrowed.as_deref().unwrap_or_default());
        writer.counted(&self.bundle);
        writer.finish()
    }

    /// The user these bytes describe.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn decode(bytes: &[u8]) -> Result<User, Error> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != RECORD_FORMAT {
            return Err(damaged("a user record of an unknown format"));
        }
        let id = UserId(reader.u32()?);
        let role = match reader.u8()? {
            1 => Role::Officer,
            2 => Role::User,
            3 => Role::Unactivated,
            _ => return Err(damaged("a user of an unknown role")),
        };
        let name = String::from_utf8(reader.counted()?.to_vec()).map_err(|_| damaged("a user name is not UTF-8"))?;
        let verifying_key = reader.array()?;
        let sharing_key = reader.counted()?.to_vec();
        let certificate = reader.array()?;
        let kdf = KdfCost { memory_kib: reader.u32()?, iterations: reader.u32()?, lanes: reader.u32()? };
        let salt = reader.array()?;
        let wrapped = reader.raw(WRAP_BYTES)?.to_vec();
        let escrowed = Some(reader.counted()?.to_vec()).filter(|bytes| !bytes.is_empty());
        let bundle = reader.counted()?.to_vec();
        reader.end()?;
        if !kdf.is_sane() {
            return Err(damaged("a user's key derivation has impossible parameters"));
        }
        Ok(User { id, role, name, verifying_key, sharing_key, certificate, kdf, salt, wrapped, escrowed, bundle })
    }

    /// Whether the bundle holds the secrets of the keys that the authority certified. Whoever can write the files could
    /// seal a bundle of his own under a PIN of his own; only the user's bundle makes him the user.
    fn check_ownership(&self, bundle: &Bundle) -> Result<(), Error> {
        let secrets = bundle.bytes.expose();
        let signing = field::<32>(secrets, SIGNING)?;
        let sharing = field::<96>(secrets, SHARING)?;
        let own = SigningKey::from_seed(&signing)?.verifying_key() == self.verifying_key
            && kem::KeyPair::from_seed(&sharing)?.public()[..] == self.sharing_key[..]
            && bundle.is_officers() == (self.role == Role::Officer)
            && bundle.knows_authority()?;
        if own { Ok(()) } else { Err(damaged("a user's bundle is not the user's own")) }
    }

    /// Seals the bundle under a new key, and leaves that in escrow with the officers if one is given.
    fn seal_bundle(
        &mut self,
        token: &TokenId,
        bundle: &Bundle,
        escrow: Option<&UserKeys>,
        random: &dyn Source,
    ) -> Result<BundleKey, Error> {
        let mut key = BundleKey { bytes: SecretBytes::zeroed(32)? };
        random.fill(key.bytes.expose_mut())?;
        self.bundle = seal(&key.cipher()?, &self.bundle_binding(token), bundle.bytes.expose(), random)?;
        if let Some(officer) = escrow {
            let escrow = &officer.officer.as_ref().ok_or(Error::NotLoggedIn)?.escrow;
            self.escrowed = Some(seal(escrow, &self.escrow_binding(token), key.bytes.expose(), random)?);
        }
        Ok(key)
    }

    fn user_key(&self, pin: &[u8]) -> Result<aead::Key, Error> {
        let derived = kdf::argon2id(pin, &self.salt, self.kdf.memory_kib, self.kdf.iterations, self.kdf.lanes)?;
        aead_key(&derived)
    }

    fn wrap_binding(&self, token: &TokenId) -> Vec<u8> {
        binding("strongroom pin", token, subject(self.id), &[&self.kdf_bytes(), &self.salt])
    }

    fn escrow_binding(&self, token: &TokenId) -> Vec<u8> {
        binding("strongroom escrow", token, subject(self.id), &[])
    }

    fn bundle_binding(&self, token: &TokenId) -> Vec<u8> {
        binding("strongroom bundle", token, subject(self.id), &[&self.identity()])
    }

    /// What the authority certifies: who has which keys.
    fn certified(&self, token: &TokenId) -> Vec<u8> {
        let parts = [&self.identity()[..], &self.verifying_key, &self.sharing_key];
        binding("strongroom certificate", token, subject(self.id), &parts)
    }

    /// What tells this user's keys from those of anybody else with the number.
    ///
    /// # Errors
    /// The library's.
    pub fn keys_id(&self) -> Result<KeysId, Error> {
        let mut digest = [0; 32];
        hash::digest(Algorithm::Sha256, &[&self.verifying_key[..], &self.sharing_key].concat(), &mut digest)?;
        digest.first_chunk().copied().ok_or_else(|| damaged("a digest is too short"))
    }

    fn identity(&self) -> Vec<u8> {
        let mut identity = vec![self.role as u8];
        identity.extend_from_slice(self.name.as_bytes());
        identity
    }

    fn kdf_bytes(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let fields = [self.kdf.memory_kib, self.kdf.iterations, self.kdf.lanes];
        for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

impl BundleKey {
    fn cipher(&self) -> Result<aead::Key, Error> {
        aead_key(&self.bytes)
    }
}

const RECORD_FORMAT: u8 = 1;

fn aead_key(secret: &SecretBytes) -> Result<aead::Key, Error> {
    let bytes = secret.expose().try_into().map_err(|_| damaged("a wrapped key has a wrong length"))?;
    Ok(aead::Key::new(bytes)?)
}

/// A seal that does not open means `meaning`; every other error is itself.
fn wrong_key(error: strongroom_crypto::Error, meaning: Error) -> Error {
    match error {
        strongroom_crypto::Error::Authentication => meaning,
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strongroom_crypto::random::System;

    use super::*;
    use crate::policy::{Kdf, Policy};
    use crate::seal::{AUTHORITY, OFFICER_BYTES, USER_BYTES, put};
    use crate::store::{MemoryStore, Store};
    use crate::token::{Credential, Login, Settings, Token, layout};

    const SETTINGS: Settings = Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
    const EDITORS_PIN: &[u8] = b"editors-pin";

    /// Whoever can write the files seals a bundle under a PIN of his own into a user's record: one he made up with the
    /// token's authority in it, or another user's, with whom he conspires. It opens nothing that a PIN opens.
    #[test]
    fn a_bundle_under_the_editors_pin_is_not_the_users() {
        let (store, token) = token();
        let meta = token.meta().unwrap();
        for (id, role, pin) in [(1, Role::Officer, &b"officer"[..]), (2, Role::User, b"user-pin")] {
            let genuine = record(&*store, id);
            let before = login(&token, role, None, pin).unwrap();
            let conspirators = [(3, &b"deputys-pin"[..]), (4, b"bobs-pin")].map(|(id, pin)| {
                let user = User::decode(&record(&*store, id)).unwrap();
                user.open(&meta.id, pin).unwrap().1.bytes
            });
            let made_up = [OFFICER_BYTES, USER_BYTES].map(|length| made_up(length, &meta.authority));
            for secrets in made_up.iter().chain(&conspirators) {
                let mut user = User::decode(&genuine).unwrap();
                let key = BundleKey { bytes: SecretBytes::from_slice(&[7; 32]).unwrap() };
                let binding = user.bundle_binding(&meta.id);
                user.bundle = seal(&key.cipher().unwrap(), &binding, secrets.expose(), &System).unwrap();
                user.set_pin(&meta.id, &key, EDITORS_PIN, user.kdf, &System).unwrap();
                write(&*store, id, &user.encode());
                let edited = record(&*store, id);
                // The PIN fits what he wrote, and that is all.
                let mut opened = vec![
                    login(&token, role, None, EDITORS_PIN).map(drop),
                    token.set_pin(UserId(id), EDITORS_PIN, b"another-pin"),
                ];
                if role == Role::Officer {
                    opened.push(token.reinitialize(&[b' '; 32], EDITORS_PIN));
                }
                assert!(opened.iter().all(|result| matches!(result, Err(Error::Damaged(_)))), "{role:?}: {opened:?}");
                // To the login from before it is another bundle than its own.
                assert!(matches!(token.verify_pin(&before, EDITORS_PIN), Err(Error::NotLoggedIn)));
                assert_eq!(record(&*store, id), edited);
            }
            // The user's own bundle is as good as ever.
            write(&*store, id, &genuine);
            login(&token, role, None, pin).unwrap();
            token.verify_pin(&before, pin).unwrap();
        }
    }

    /// A token with two officers and two users: 1 and 3, 2 and 4.
    fn token() -> (Arc<dyn Store>, Token) {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let token = Token::create(Arc::clone(&store), Arc::new(System), SETTINGS, &[b' '; 32], b"officer").unwrap();
        let officer = login(&token, Role::Officer, None, b"officer").unwrap();
        token.init_pin(&officer, b"user-pin").unwrap();
        assert_eq!(token.add_user(&officer, Role::Officer, "deputy", b"deputys-pin").unwrap(), UserId(3));
        assert_eq!(token.add_user(&officer, Role::User, "bob", b"bobs-pin").unwrap(), UserId(4));
        (store, token)
    }

    /// Secrets nobody has, that name the token's authority.
    fn made_up(length: usize, authority: &[u8; 32]) -> SecretBytes {
        let mut secrets = SecretBytes::from_slice(&vec![0x5a; length]).unwrap();
        put(&mut secrets, AUTHORITY, authority).unwrap();
        secrets
    }

    fn login(token: &Token, role: Role, name: Option<&[u8]>, pin: &[u8]) -> Result<Login, Error> {
        token.login(Credential { role, name, pin })
    }

    fn record(store: &dyn Store, id: u32) -> Vec<u8> {
        store.get(&layout::user(UserId(id))).unwrap().unwrap()
    }

    fn write(store: &dyn Store, id: u32, record: &[u8]) {
        store.transact(&mut |transaction| Ok(transaction.put(&layout::user(UserId(id)), record)?)).unwrap();
    }
}
