//! Keys of several users: who may do what with a key that is shared, what a sharee or a thief can open, and quorum.
//!
//! Each user works in a process of his own, as far as the core can tell: an HSM of his own on the same files.

mod approvals;
mod evasions;
mod grants;
mod log;
mod masked;
mod model;
mod numbers;
mod officers;
mod records;
mod thief;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use strongroom_core::attribute::{RawAttribute, RawValue, Template};
use strongroom_core::clock::Clock;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::UserId;
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::token::audit::Level;
use strongroom_core::token::quorum::{Approval, QuorumToken};
use strongroom_core::token::{Credential, Login, Settings, Token};
use strongroom_crypto::encoding::PublicKeyInfo;
use strongroom_crypto::hash::{self, Algorithm};
use strongroom_crypto::random::System;
use strongroom_crypto::rsa::{Component, PrivateKey, SignaturePadding};

pub(crate) const OFFICER_PIN: &[u8] = b"officer";
/// The users, with numbers from 2 on; the PIN of each is the name twice.
pub(crate) const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
pub(crate) const ALICE: UserId = UserId(2);
pub(crate) const BOB: UserId = UserId(3);
pub(crate) const CAROL: UserId = UserId(4);
pub(crate) const DAVE: UserId = UserId(5);

pub(crate) const TRUE: &[u8] = &[1];
pub(crate) const FALSE: &[u8] = &[0];

/// A token on disk with the users, and a clock that stands still.
pub(crate) struct World {
    pub(crate) dir: PathBuf,
    pub(crate) clock: Arc<StoppedClock>,
}

/// Milliseconds since 1970.
pub(crate) struct StoppedClock(AtomicU64);

impl Clock for StoppedClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl StoppedClock {
    pub(crate) fn set_back(&self, seconds: u64) {
        self.0.fetch_sub(seconds * 1000, Ordering::Relaxed);
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

/// One user's process.
pub(crate) struct Desk {
    hsm: Hsm,
    pub(crate) session: Arc<Session>,
}

impl World {
    pub(crate) fn new() -> World {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("strongroom-sharing-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let world = World { dir, clock: Arc::new(StoppedClock(AtomicU64::new(1_800_000_000_000))) };
        let hsm = world.hsm();
        hsm.init_token(0, Some(OFFICER_PIN), b"sharing                         ").unwrap();
        let token = Arc::clone(hsm.application(0).unwrap().token());
        let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
        for name in USERS {
            token.add_user(&officer, Role::User, name, &pin(name)).unwrap();
        }
        world
    }

    /// A copy of its files, while nobody works with them.
    pub(crate) fn copy(original: &World) -> World {
        let dir = original.dir.with_extension("copy");
        let copied = Command::new("cp").arg("-r").args([&original.dir, &dir]).status().unwrap();
        assert!(copied.success());
        World { dir, clock: Arc::clone(&original.clock) }
    }

    pub(crate) fn hsm(&self) -> Hsm {
        let settings = Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 };
        let (dir, store, audit) = (self.dir.clone(), StoreKind::Sqlite, Level::default());
        let config = Config { dir, file: None, store, settings, module_iv: false, audit };
        Hsm::with(config, Arc::new(System)).with_clock(Arc::clone(&self.clock) as Arc<dyn Clock>)
    }

    /// A process in which this user has logged in.
    pub(crate) fn desk(&self, name: &str) -> Desk {
        self.desk_with(name, &pin(name))
    }

    /// The same, with a PIN that was changed.
    pub(crate) fn desk_with(&self, name: &str, pin: &[u8]) -> Desk {
        let hsm = self.hsm();
        let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
        match name {
            "so" => session.login(CKU_SO, Some(OFFICER_PIN), None).unwrap(),
            _ => session.login(CKU_USER, Some(pin), Some(name.as_bytes())).unwrap(),
        }
        Desk { hsm, session }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub(crate) fn pin(name: &str) -> Vec<u8> {
    name.repeat(2).into_bytes()
}

impl Desk {
    pub(crate) fn token(&self) -> &Arc<Token> {
        self.session.application().token()
    }

    pub(crate) fn login(&self) -> Arc<Login> {
        self.session.application().login().unwrap()
    }

    pub(crate) fn another_session(&self) -> Arc<Session> {
        self.hsm.session(self.hsm.open_session(0, true).unwrap()).unwrap()
    }

    /// A secret key in the token with this value, with `more` in its template.
    pub(crate) fn secret(&self, key_type: u64, value: &[u8], more: &[(u64, &[u8])]) -> Result<u64, Error> {
        let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), key_type.to_ne_bytes());
        let own = [
            (CKA_CLASS, &class[..]),
            (CKA_KEY_TYPE, &key_type),
            (CKA_VALUE, value),
            (CKA_TOKEN, TRUE),
            (CKA_PRIVATE, TRUE),
        ];
        self.session.create_object(&template(&[&own, more].concat()))
    }

    /// A key for HMAC, extractable, with `more` in its template.
    pub(crate) fn mac_key(&self, more: &[(u64, &[u8])]) -> u64 {
        let own = [(CKA_SIGN, TRUE), (CKA_VERIFY, TRUE), (CKA_DERIVE, TRUE), (CKA_EXTRACTABLE, TRUE)];
        self.secret(CKK_GENERIC_SECRET, b"a key of thirty-two bytes, shared", &[&own, more].concat()).unwrap()
    }

    pub(crate) fn mac(&self, key: u64) -> Result<Vec<u8>, Error> {
        self.session.sign_init(&call(CKM_SHA256_HMAC), key)?;
        let mut mac = vec![0; 32];
        self.session.sign(b"data", Output::Buffer(&mut mac))?;
        Ok(mac)
    }

    pub(crate) fn found(&self, entries: &[(u64, &[u8])]) -> Vec<u64> {
        self.session.find_init(&template(entries)).unwrap();
        let mut handles = [0; 64];
        let count = self.session.find(&mut handles).unwrap();
        self.session.find_final().unwrap();
        handles[..count].to_vec()
    }

    /// Registers the user's key to approve with, as the user.
    pub(crate) fn register(&self) {
        let (login, challenge) = (self.login(), b"it is me");
        let signature = approve(&login.name, challenge);
        self.token().register_approver(&login, &login.name, &public_key(&login.name), challenge, &signature).unwrap();
    }

    /// Brings these users' approvals of the caller's token.
    pub(crate) fn bring(&self, token: &QuorumToken, names: &[&str]) -> Result<(u8, u8), Error> {
        let signatures: Vec<_> = names.iter().map(|name| approve(name, &token.file)).collect();
        let approval = |(name, signature)| Approval { role: Role::User, name, signature };
        let approvals: Vec<_> =
            names.iter().zip(&signatures).map(|(name, signature)| approval((*name, &signature[..]))).collect();
        let progress = self.token().approve(&self.login(), &token.file, &approvals)?;
        Ok((progress.needed, progress.given))
    }
}

pub(crate) fn call(mechanism: u64) -> Call<'static> {
    Call { mechanism: find(mechanism).unwrap(), parameter: Parameter::None }
}

pub(crate) fn template<'a>(entries: &[(u64, &'a [u8])]) -> Template<'a> {
    let raw: Vec<_> = entries
        .iter()
        .map(|(attribute, bytes)| RawAttribute { attribute: *attribute, value: RawValue::Bytes(bytes) })
        .collect();
    Template::parse_search(&raw).unwrap()
}

pub(crate) fn numbers(users: &[UserId]) -> Vec<u8> {
    users.iter().flat_map(|user| u64::from(user.0).to_ne_bytes()).collect()
}

/// Each user's own RSA key, outside of the token.
fn private_key(name: &str) -> &'static PrivateKey {
    static KEYS: OnceLock<Vec<PrivateKey>> = OnceLock::new();
    let names: Vec<&str> = USERS.into_iter().chain(["so", "deputy"]).collect();
    let make = || names.iter().map(|_| PrivateKey::generate(2048, &[1, 0, 1]).unwrap()).collect();
    let at = names.iter().position(|known| *known == name).unwrap();
    &KEYS.get_or_init(make)[at]
}

pub(crate) fn public_key(name: &str) -> Vec<u8> {
    let part = |component| private_key(name).component(component).unwrap();
    let (modulus, exponent) = (part(Component::Modulus), part(Component::PublicExponent));
    PublicKeyInfo::Rsa { modulus: modulus.expose(), public_exponent: exponent.expose() }.encode().unwrap()
}

/// The user's signature.
pub(crate) fn approve(name: &str, file: &[u8]) -> Vec<u8> {
    let mut digest = [0; 32];
    hash::digest(Algorithm::Sha256, file, &mut digest).unwrap();
    let mut signature = vec![0; 256];
    let padding = SignaturePadding::Pkcs1Digest(Algorithm::Sha256);
    private_key(name).sign(&padding, &digest, &mut signature).unwrap();
    signature
}
