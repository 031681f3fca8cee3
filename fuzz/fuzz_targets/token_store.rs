//! A whole store as an editor of the files could leave it: it opens or it is damaged, only the right PIN logs in,
//! only as who the authority certified, and no object opens that was not written for its place.

#![no_main]

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use libfuzzer_sys::fuzz_target;
use strongroom_core::attribute::{Flag, Template};
use strongroom_core::object::UserId;
use strongroom_core::seal::{Role, User};
use strongroom_core::store::MemoryStore;
use strongroom_core::token::{Credential, Login, Token, layout};
use strongroom_crypto::random::Seeded;
use strongroom_fuzz::input::Input;
use strongroom_fuzz::invariants::examine;
use strongroom_fuzz::world::{OTHER, PIN, Records, USER, World, raw, records_of, settings, write};

/// What two tokens wrote.
struct Pool {
    rows: Vec<(Vec<u8>, Vec<u8>)>,
    first: Records,
    /// By token and object: header and body.
    genuine: HashSet<([u8; 16], u64, Vec<u8>)>,
    /// By token: who its users are.
    users: BTreeMap<([u8; 16], UserId), (Role, String)>,
}

fuzz_target!(|data: &[u8]| {
    static POOL: OnceLock<Pool> = OnceLock::new();
    let pool = POOL.get_or_init(Pool::new);
    let mut input = Input::new(data);
    let records = pool.edited(&mut input);
    let costly = |record: &Vec<u8>| {
        User::decode(record).is_ok_and(|user| user.kdf().memory_kib > 64 || user.kdf().iterations > 4)
    };
    if records.values().any(costly) {
        return;
    }
    let store = Arc::new(MemoryStore::new());
    write(&*store, &Records::new(), &records);
    let random = Arc::new(Seeded::new([3; 32]));
    let Ok(token) = Token::open(store, random, settings()) else { return };
    pool.look(&token, &mut input);
});

impl Pool {
    fn new() -> Pool {
        let worlds = [World::new(1), World::new(2)];
        let mut pool = Pool {
            rows: Vec::new(),
            first: worlds[0].records.clone(),
            genuine: HashSet::new(),
            users: BTreeMap::new(),
        };
        for world in &worlds {
            pool.learn(world);
            // Older records are genuine too: an editor may put them back.
            let session = world.session(true);
            session.login(CKU_USER, Some(PIN), None).expect("a login");
            for number in world.records.keys().filter_map(|key| layout::object_number(key)) {
                let label = [raw(CKA_LABEL, b"later")];
                let _ = session.set_attributes(number, &Template::parse(&label).expect("a template"));
            }
            pool.learn(world);
        }
        pool
    }

    fn learn(&mut self, world: &World) {
        let id = world.token.meta().expect("a token").id;
        for (key, value) in records_of(world.token.store()) {
            if let Some(number) = layout::object_number(&key) {
                self.genuine.insert((id, number, body(&value).to_vec()));
            }
            self.rows.push((key, value));
        }
        for user in world.token.users().expect("users") {
            self.users.insert((id, user.id), (user.role, user.name));
        }
    }

    fn edited(&self, input: &mut Input<'_>) -> Records {
        let mut records = if input.u8() < 224 { self.first.clone() } else { Records::new() };
        for _ in 0..input.below(12) {
            let (key, value) = &self.rows[input.below(self.rows.len())];
            match input.u8() % 7 {
                0 => drop(records.insert(input.bytes().to_vec(), input.long_bytes().to_vec())),
                1 => drop(records.insert(key.clone(), value.clone())),
                2 => drop(records.remove(key)),
                3 => drop(records.insert(self.rows[input.below(self.rows.len())].0.clone(), value.clone())),
                4 => drop(records.insert(patched(key, input), value.clone())),
                5 => drop(records.insert(key.clone(), input.long_bytes().to_vec())),
                _ => drop(records.insert(key.clone(), patched(value, input))),
            }
        }
        records
    }

    /// Does with the token what a program does.
    fn look(&self, token: &Token, input: &mut Input<'_>) {
        let _ = (token.users(), token.meta());
        for (role, name) in [(Role::User, USER), (Role::Officer, "so")] {
            let wrong = Credential { role, name: Some(name.as_bytes()), pin: b"wrong" };
            assert!(token.login(wrong).is_err(), "a wrong PIN is right");
        }
        let mut logins = Vec::new();
        for (role, name) in [(Role::Officer, None), (Role::User, None), (Role::User, Some(OTHER.as_bytes()))] {
            if let Ok(login) = token.login(Credential { role, name, pin: PIN }) {
                self.check_login(token, &login);
                logins.push(login);
            }
        }
        self.check_objects(token, None);
        for login in &logins {
            self.check_objects(token, Some(login));
        }
        manage(token, &logins, input);
    }

    fn check_login(&self, token: &Token, login: &Login) {
        let id = token.meta().expect("a token").id;
        let known = self.users.get(&(id, login.user)).expect("a user of this token");
        assert_eq!((known.0, known.1.as_str()), (login.role, login.name.as_str()), "the authority certified another");
    }

    fn check_objects(&self, token: &Token, viewer: Option<&Login>) {
        let id = token.meta().expect("a token").id;
        let label = [raw(CKA_LABEL, b"private")];
        let class = CKO_SECRET_KEY.to_ne_bytes();
        let class = [raw(CKA_CLASS, &class)];
        for template in [&[][..], &label, &class] {
            let template = Template::parse(template).expect("a template");
            for number in token.search(&template, viewer).unwrap_or_default() {
                let _ = token.object(number, viewer);
            }
        }
        for (key, record) in records_of(token.store()) {
            let Some(number) = layout::object_number(&key) else { continue };
            let Ok(object) = token.object(number, viewer) else { continue };
            assert!(self.genuine.contains(&(id, number, body(&record).to_vec())), "opened what nobody wrote");
            if object.has(Flag::Private) {
                let own = viewer
                    .is_some_and(|viewer| object.ownership.is_associated(viewer.user) && viewer.role == Role::User);
                assert!(own, "somebody else's object opened");
            }
            examine(&object);
        }
    }
}

/// Changes things: whatever the store holds, each is done or refused.
fn manage(token: &Token, logins: &[Login], input: &mut Input<'_>) {
    // A token that is not marked as a test token makes costly PINs.
    if !token.meta().is_ok_and(|meta| meta.test) {
        return;
    }
    for login in logins {
        let number = u64::from(input.u8() % 12) + 1;
        match input.u8() % 6 {
            0 => drop(token.add_user(login, Role::User, "new", PIN)),
            1 => drop(token.reset_pin(login, USER, b"5678")),
            2 => drop(token.delete_user(login, OTHER)),
            3 => drop(token.set_pin(login.user, PIN, b"5678")),
            4 => drop(token.object(number, Some(login)).and_then(|object| token.remove(&object, Some(login)))),
            _ => drop(token.replace(number, Some(login), &mut |object| {
                let entries = [raw(CKA_LABEL, b"new")];
                strongroom_core::object::change::set(object, &Template::parse(&entries)?, false)
            })),
        }
        let _ = token.is_current(login);
    }
}

fn patched(bytes: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let keep = usize::from(input.u8());
    if keep < 64 {
        bytes.truncate(bytes.len() * keep / 64);
    }
    for _ in 0..input.below(6) {
        let at = usize::from(input.u8()) << 8 | usize::from(input.u8());
        let change = input.u8();
        if let Some(byte) = at.checked_rem(bytes.len()).and_then(|at| bytes.get_mut(at)) {
            *byte ^= change;
        }
    }
    bytes.extend_from_slice(input.bytes());
    bytes
}

/// Header and body: what a record has behind its revision and its trust.
fn body(record: &[u8]) -> &[u8] {
    let trusted = record.get(9) == Some(&1);
    record.get(if trusted { 74 } else { 10 }..).unwrap_or_default()
}
