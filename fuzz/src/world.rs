//! A token in memory with two users, an officer and an object of every shape. Between inputs it is put back as it
//! was, so that each input runs alone.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use cryptoki_sys::*;
use strongroom_core::attribute::{CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS, RawAttribute, RawValue, Template};
use strongroom_core::hsm::config::StoreKind;
use strongroom_core::hsm::{Config, Hsm};
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::Session;
use strongroom_core::store::Store;
use strongroom_core::token::audit::Level;
use strongroom_core::token::{Credential, Login, Settings, Token, layout};
use strongroom_crypto::random::{Seeded, Source};

/// Everything in a store.
pub type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// One PIN for all three, because a key derivation is what costs most: officer, `user`, `other`.
pub const PIN: &[u8] = b"1234";
/// The user who owns most objects.
pub const USER: &str = "user";
/// A user who owns one.
pub const OTHER: &str = "other";

/// An HSM with one token, and the token's records as they were at first.
pub struct World {
    /// The HSM.
    pub hsm: Hsm,
    /// The token in its only slot.
    pub token: Arc<Token>,
    /// What was in the store at first.
    pub records: Records,
    random: Arc<Stream>,
    generation: Mutex<u64>,
}

/// Random numbers that begin again with every input.
struct Stream(Mutex<Seeded>);

impl Source for Stream {
    fn fill(&self, out: &mut [u8]) -> Result<(), strongroom_crypto::Error> {
        self.0.lock().expect("a generator").fill(out)
    }
}

impl World {
    /// A world whose random numbers begin with `seed`.
    pub fn new(seed: u8) -> World {
        let random = Arc::new(Stream(Mutex::new(Seeded::new([seed; 32]))));
        let hsm = Hsm::with(config(), Arc::clone(&random) as Arc<dyn Source>);
        hsm.init_token(0, Some(PIN), b"fuzz                            ").expect("a token");
        let token = Arc::clone(hsm.application(0).expect("an application").token());
        let mut world = World { hsm, token, records: Records::new(), random, generation: Mutex::new(0) };
        world.furnish();
        world.records = records_of(world.token.store());
        *world.generation.lock().expect("a number") = world.token.generation();
        world
    }

    /// A new session.
    pub fn session(&self, read_write: bool) -> Arc<Session> {
        let handle = self.hsm.open_session(0, read_write).expect("a session");
        self.hsm.session(handle).expect("a session")
    }

    /// Logs a user in beside PKCS#11's one login.
    pub fn login(&self, role: Role, name: &str) -> Login {
        self.token.login(Credential { role, name: Some(name.as_bytes()), pin: PIN }).expect("a login")
    }

    /// Puts everything back as it was at first.
    pub fn reset(&self) {
        self.hsm.close_all_sessions(0).expect("a slot");
        *self.random.0.lock().expect("a generator") = Seeded::new([255; 32]);
        let mut generation = self.generation.lock().expect("a number");
        if *generation == self.token.generation() {
            return;
        }
        let now = records_of(self.token.store());
        let objects = || now.keys().chain(self.records.keys()).filter_map(|key| layout::object_number(key));
        write(self.token.store(), &now, &Records::new());
        // What a store lost, the token forgets when it looks.
        let untouched = now.contains_key(layout::META) && now.get(layout::META) == self.records.get(layout::META);
        assert!(untouched, "nobody makes the token of this world anew");
        write(self.token.store(), &Records::new(), &[(layout::META.to_vec(), now[layout::META].clone())].into());
        for number in objects() {
            assert!(self.token.object(number, None).is_err(), "object {number} of an empty store");
        }
        write(self.token.store(), &Records::new(), &self.records);
        *generation = self.token.generation();
    }

    fn furnish(&self) {
        let session = self.session(true);
        data(&session, b"nobody's", &[(CKA_TOKEN, &[1]), (CKA_PRIVATE, &[0])]);
        let officer = self.login(Role::Officer, "so");
        self.token.add_user(&officer, Role::User, USER, PIN).expect("a user");
        self.token.add_user(&officer, Role::User, OTHER, PIN).expect("another user");
        session.login(CKU_USER, Some(PIN), Some(OTHER.as_bytes())).expect("a login");
        key(&session, CKM_AES_KEY_GEN, b"other's", &[(CKA_TOKEN, &[1])]);
        session.logout().expect("a logout");
        session.login(CKU_USER, Some(PIN), None).expect("a login");
        key(&session, CKM_AES_KEY_GEN, b"private", &[(CKA_TOKEN, &[1])]);
        key(&session, CKM_AES_KEY_GEN, b"public", &[(CKA_TOKEN, &[1]), (CKA_PRIVATE, &[0])]);
        let open: &[(u64, &[u8])] = &[(CKA_TOKEN, &[1]), (CKA_SENSITIVE, &[0]), (CKA_EXTRACTABLE, &[1])];
        key(&session, CKM_GENERIC_SECRET_KEY_GEN, b"open", open);
        key(&session, CKM_AES_KEY_GEN, b"careful", &[(CKA_TOKEN, &[1]), (CKA_ALWAYS_AUTHENTICATE, &[1])]);
        data(&session, b"private", &[(CKA_TOKEN, &[1]), (CKA_PRIVATE, &[1])]);
        let other = self.token.users().expect("users").into_iter().find(|user| user.name == OTHER).expect("a user");
        let (with, one) = (u64::from(other.id.0).to_ne_bytes(), 1u64.to_ne_bytes());
        key(&session, CKM_AES_KEY_GEN, b"shared", &[(CKA_TOKEN, &[1]), (CKA_SR_SHARED_WITH, &with)]);
        let guarded = [(CKA_TOKEN, &[1][..]), (CKA_SR_SHARED_WITH, &with), (CKA_SR_USE_APPROVALS, &one)];
        key(&session, CKM_AES_KEY_GEN, b"guarded", &guarded);
        data(&session, b"public", &[(CKA_TOKEN, &[1]), (CKA_PRIVATE, &[0])]);
        let certificate = certificate(&session);
        session.logout().expect("a logout");
        session.login(CKU_SO, Some(PIN), None).expect("a login");
        let trusted = [raw(CKA_TRUSTED, &[1])];
        session.set_attributes(certificate, &Template::parse(&trusted).expect("a template")).expect("trust");
        self.hsm.close_all_sessions(0).expect("a slot");
    }
}

/// The settings of every token here: PINs cost next to nothing.
pub fn settings() -> Settings {
    Settings { policy: Policy::Standard, kdf: Kdf::Test, escrow: true, pin_bytes_min: 4 }
}

/// Everything in `store`.
pub fn records_of(store: &dyn Store) -> Records {
    let mut records = Records::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        records.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    store.scan(b"", None, &mut visit).expect("a scan");
    records
}

/// Takes the keys of `gone` out of `store` and puts `new` in.
pub fn write(store: &dyn Store, gone: &Records, new: &Records) {
    let body = &mut |transaction: &mut dyn strongroom_core::store::Transaction| {
        for key in gone.keys() {
            transaction.delete(key)?;
        }
        for (key, value) in new {
            transaction.put(key, value)?;
        }
        Ok(())
    };
    store.transact(body).expect("a transaction");
}

/// One entry of a template.
pub fn raw(attribute: u64, value: &[u8]) -> RawAttribute<'_> {
    RawAttribute { attribute, value: RawValue::Bytes(value) }
}

fn config() -> Config {
    Config {
        dir: PathBuf::from("/nonexistent"),
        file: None,
        store: StoreKind::Memory,
        settings: settings(),
        module_iv: false,
        audit: Level::default(),
    }
}

fn key(session: &Session, mechanism: u64, label: &[u8], more: &[(u64, &[u8])]) {
    let length = 32u64.to_ne_bytes();
    let mut entries = vec![raw(CKA_VALUE_LEN, &length), raw(CKA_LABEL, label)];
    entries.extend(more.iter().map(|(attribute, value)| raw(*attribute, value)));
    let call = Call { mechanism: find(mechanism).expect("a mechanism"), parameter: Parameter::None };
    session.generate_key(&call, &Template::parse(&entries).expect("a template")).expect("a key");
}

fn data(session: &Session, label: &[u8], more: &[(u64, &[u8])]) {
    let class = CKO_DATA.to_ne_bytes();
    let mut entries = vec![raw(CKA_CLASS, &class), raw(CKA_LABEL, label), raw(CKA_VALUE, b"some data")];
    entries.extend(more.iter().map(|(attribute, value)| raw(*attribute, value)));
    session.create_object(&Template::parse(&entries).expect("a template")).expect("an object");
}

fn certificate(session: &Session) -> u64 {
    let (class, subtype) = (CKO_CERTIFICATE.to_ne_bytes(), CKC_X_509.to_ne_bytes());
    let entries = [
        raw(CKA_CLASS, &class),
        raw(CKA_CERTIFICATE_TYPE, &subtype),
        raw(CKA_TOKEN, &[1]),
        raw(CKA_SUBJECT, b"subject"),
        raw(CKA_VALUE, b"certificate"),
    ];
    session.create_object(&Template::parse(&entries).expect("a template")).expect("a certificate")
}
