//! An object's record as an editor of the files, or a hostile user, could leave it: nothing opens that the holder of
//! the owner's key did not write, and what opens can be read and used.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use libfuzzer_sys::fuzz_target;
use strongroom_core::attribute::{Flag, Template};
use strongroom_core::object::codec::{Writer, encode_attributes, encode_fixed_attributes};
use strongroom_core::object::{Object, UserId};
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::token::{Login, layout};
use strongroom_fuzz::forge::{Forger, Header, nobodys};
use strongroom_fuzz::input::Input;
use strongroom_fuzz::invariants::examine;
use strongroom_fuzz::world::{OTHER, PIN, Records, USER, World, raw, write};

/// The world, with everyone logged in.
struct Stage {
    world: World,
    token: [u8; 16],
    session: Arc<Session>,
    logins: [Login; 3],
    /// The user, and the other one, with their keys in the open.
    forgers: [(UserId, Forger); 2],
    /// Header and body of the genuine records, and what is fixed of the trusted objects.
    genuine: BTreeMap<u64, Vec<u8>>,
    trusted: BTreeMap<u64, Vec<u8>>,
}

/// A record to open.
struct Record {
    number: u64,
    bytes: Vec<u8>,
    /// Whose key made it, where the harness had that key.
    forger: Option<UserId>,
}

fuzz_target!(|data: &[u8]| {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    let stage = STAGE.get_or_init(Stage::new);
    let mut input = Input::new(data);
    if let Some(record) = stage.record(&mut input) {
        stage.open(&record, &mut input);
    }
});

impl Stage {
    fn new() -> Stage {
        let world = World::new(1);
        let session = world.session(true);
        session.login(CKU_USER, Some(PIN), None).expect("a login");
        let logins = [world.login(Role::Officer, "so"), world.login(Role::User, USER), world.login(Role::User, OTHER)];
        let token = world.token.meta().expect("a token").id;
        let forgers = [1, 2].map(|at| {
            let user = logins[at].user;
            let record = &world.records[&layout::user(user)[..]];
            (user, Forger::open(token, record, PIN).expect("a user record as docs/store-format.md describes it"))
        });
        let mut genuine = BTreeMap::new();
        let mut trusted = BTreeMap::new();
        for (key, record) in &world.records {
            if let Some(number) = layout::object_number(key) {
                genuine.insert(number, body(record).to_vec());
                if let Ok(object) = world.token.object(number, Some(&logins[1]))
                    && object.has(Flag::Trusted)
                {
                    trusted.insert(number, encode_fixed_attributes(&object).expect("attributes"));
                }
            }
        }
        assert!(!trusted.is_empty());
        let stage = Stage { world, token, session, logins, forgers, genuine, trusted };
        stage.forges_well();
        for number in stage.genuine.keys() {
            stage.clear(&Records::from([(layout::object(*number).to_vec(), Vec::new())]));
        }
        stage
    }

    /// A forger whose records never open would find nothing: what a genuine key is made of opens again.
    fn forges_well(&self) {
        let (user, forger) = &self.forgers[0];
        let token = &self.world.token;
        let number = *self.genuine.keys().next_back().expect("an object") + 1;
        let header = Header { shape: 1, owner: user.0, approvals: [0, 0], version: 1 };
        let keys = self.genuine.keys().filter_map(|number| token.object(*number, Some(&self.logins[1])).ok());
        for key in keys.filter(|key| key.kind.is_secret() && key.ownership.owner == *user) {
            let attributes = encode_attributes(&key).expect("attributes");
            let mut text = Writer::default();
            text.counted(&attributes);
            text.u8(1);
            text.counted(&[7; 32]);
            let record = match key.has(Flag::Private) {
                true => forger.private(number, header, &text.finish()),
                false => forger.public(number, Header { shape: 3, ..header }, &attributes, Some(&[7; 32])),
            };
            let row = Records::from([(layout::object(number).to_vec(), record.expect("a record"))]);
            write(token.store(), &Records::new(), &row);
            let opened = token.object(number, Some(&self.logins[1])).expect("a forged record opens for its owner");
            assert!(opened.material().is_ok());
            self.clear(&row);
        }
    }

    fn record(&self, input: &mut Input<'_>) -> Option<Record> {
        let number = u64::from(input.u8() % 12) + 1;
        let form = input.u8() % 6;
        let (user, forger) = &self.forgers[input.below(2)];
        let header = |shape, input: &mut Input<'_>| Header {
            shape,
            owner: input.one_of(&[user.0, user.0, user.0, 0, 1, 2, 3, 99]),
            approvals: [input.one_of(&[0, 0, 0, 1]), input.one_of(&[0, 0, 0, 1])],
            version: u64::from(input.u8()),
        };
        let forged = |bytes| Record { number, bytes, forger: Some(*user) };
        Some(match form {
            0 => Record { number, bytes: input.rest().to_vec(), forger: None },
            1 => Record { number, bytes: self.patched(input)?, forger: None },
            2 => {
                let shape = input.one_of(&[2, 2, 2, 1, 3]);
                let header = header(shape, input);
                let bytes = nobodys(&self.token, number, header, input.rest()).ok()?;
                Record { number, bytes, forger: Some(UserId::NOBODY) }
            }
            3 => {
                let header = header(1, input);
                forged(forger.private(number, header, input.rest()).ok()?)
            }
            4 => {
                let header = header(1, input);
                let secret = input.bytes();
                let mut text = Writer::default();
                let attributes = input.long_bytes();
                text.counted(attributes);
                text.u8(1);
                text.counted(secret);
                forged(forger.private(number, header, &text.finish()).ok()?)
            }
            _ => {
                let shape = input.one_of(&[2, 3, 3, 1]);
                let header = header(shape, input);
                let secret = (shape == 3).then(|| input.bytes());
                let attributes = input.long_bytes();
                forged(forger.public(number, header, attributes, secret).ok()?)
            }
        })
    }

    /// A genuine record, maybe in another's place, with bytes changed, lost or added.
    fn patched(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let from = u64::from(input.u8() % 12) + 1;
        let mut bytes = self.world.records.get(&layout::object(from)[..])?.clone();
        let keep = usize::from(input.u8());
        if keep < 128 {
            bytes.truncate(bytes.len() * keep / 128);
        }
        for _ in 0..input.below(8) {
            let at = usize::from(input.u8()) << 8 | usize::from(input.u8());
            let change = input.u8();
            if let Some(byte) = at.checked_rem(bytes.len()).and_then(|at| bytes.get_mut(at)) {
                *byte ^= change;
            }
        }
        bytes.extend_from_slice(input.bytes());
        Some(bytes)
    }

    fn open(&self, record: &Record, input: &mut Input<'_>) {
        let token = &self.world.token;
        let key = layout::object(record.number).to_vec();
        let row = Records::from([(key, record.bytes.clone())]);
        write(token.store(), &Records::new(), &row);
        for viewer in std::iter::once(None).chain(self.logins.iter().map(Some)) {
            let Ok(object) = token.object(record.number, viewer) else { continue };
            self.check(record, &object, viewer);
            if viewer.is_some_and(|viewer| viewer.role == Role::User) || !object.has(Flag::Private) {
                token.search(&Template::default(), viewer).expect("a search goes on");
            }
        }
        let class = [raw(CKA_CLASS, &SECRET_KEY)];
        let template = Template::parse(&class).expect("a template");
        token.search(&template, Some(&self.logins[1])).expect("a search goes on");
        for _ in 0..3 {
            exercise(&self.session, record.number, input);
        }
        self.clear(&row);
    }

    /// What is kept of the record must not answer for the next one.
    fn clear(&self, row: &Records) {
        write(self.world.token.store(), row, &Records::new());
        let number = row.keys().find_map(|key| layout::object_number(key)).expect("an object's key");
        for viewer in std::iter::once(None).chain(self.logins.iter().map(Some)) {
            assert!(self.world.token.object(number, viewer).is_err(), "object {number} is gone");
        }
        assert!(self.session.object(number).is_err(), "object {number} is gone");
    }

    fn check(&self, record: &Record, object: &Object, viewer: Option<&Login>) {
        let owner = object.ownership.owner;
        match record.forger {
            Some(forger) => assert_eq!(owner, forger, "the forger opened another user's object"),
            None if owner == UserId::NOBODY
                && self.genuine.get(&record.number).is_none_or(|own| own != body(&record.bytes)) =>
            {
                panic!("a checksum was guessed");
            }
            None => assert_eq!(
                self.genuine.get(&record.number).map(Vec::as_slice),
                Some(body(&record.bytes)),
                "opened what nobody wrote"
            ),
        }
        if object.has(Flag::Private) {
            let may = |viewer: &Login| object.ownership.is_associated(viewer.user) && viewer.role == Role::User;
            assert!(viewer.is_some_and(may));
        }
        if object.kind.is_secret() && viewer.is_none_or(|viewer| viewer.role == Role::Officer) {
            assert!(object.material().is_err(), "a value opened without a user's key");
        }
        if object.kind.is_secret() {
            assert_ne!(owner, UserId::NOBODY, "nobody owns a key");
        }
        if object.has(Flag::Trusted) {
            let fixed = encode_fixed_attributes(object).expect("attributes");
            assert_eq!(self.trusted.get(&record.number), Some(&fixed), "trusted without the authority's word");
        }
        examine(object);
    }
}

/// Uses the object in some way, whatever it is.
fn exercise(session: &Session, number: u64, input: &mut Input<'_>) {
    let call = input.call();
    let data = input.bytes();
    let mut buffer = [0; 512];
    if session.encrypt_init(&call, number).is_ok() {
        let _ = session.encrypt(data, Output::Buffer(&mut buffer));
    }
    if session.decrypt_init(&call, number).is_ok() {
        let _ = session.decrypt(data, Output::Buffer(&mut buffer));
    }
    if session.sign_init(&call, number).is_ok() {
        let _ = session.sign(data, Output::Buffer(&mut buffer));
    }
    if let Ok(copy) = session.copy_object(number, &Template::parse(&[raw(CKA_TOKEN, &[0])]).expect("a template")) {
        examine(&session.object(copy).expect("the copy"));
        let _ = session.destroy_object(copy);
    }
    session.cancel(u64::MAX).expect("a session");
}

/// Header and body: what a record has behind its revision and its trust.
fn body(record: &[u8]) -> &[u8] {
    let trusted = record.get(9) == Some(&1);
    record.get(if trusted { 74 } else { 10 }..).unwrap_or_default()
}

const SECRET_KEY: [u8; 8] = CKO_SECRET_KEY.to_ne_bytes();
