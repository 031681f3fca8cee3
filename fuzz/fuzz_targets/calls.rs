//! Calls in any order through three sessions: no panic, no sensitive value shows in any output, after a logout no
//! private object is visible and nothing begun with a key that needs a login goes on.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cryptoki_sys::*;
use libfuzzer_sys::fuzz_target;
use strongroom_core::access::Actor;
use strongroom_core::attribute::{Flag, RawAttribute, Template};
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter, Work, find};
use strongroom_core::object::Object;
use strongroom_core::session::{Output, Session};
use strongroom_core::token::layout;
use strongroom_fuzz::input::Input;
use strongroom_fuzz::invariants::{examine, hides_its_value, protects_no_less};
use strongroom_fuzz::world::{OTHER, PIN, World, raw};

/// The five operations of a session that can be active at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
    Digest,
}

/// What the world looks like from outside.
struct Model<'w> {
    world: &'w World,
    sessions: Vec<Arc<Session>>,
    handles: Vec<u64>,
    /// How each object looked when it was last seen, by its unique id.
    seen: BTreeMap<[u8; 32], Arc<Object>>,
    /// By session and kind: whether the operation needs the login under which it began, and whether that ended.
    operations: BTreeMap<(usize, Kind), (bool, bool)>,
    states: Vec<Vec<u8>>,
    actor: Actor,
}

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<World> = OnceLock::new();
    let world = WORLD.get_or_init(|| World::new(1));
    let mut input = Input::new(data);
    let mut model = Model::new(world);
    for _ in 0..64 {
        if input.is_empty() {
            break;
        }
        model.step(&mut input);
        model.look();
    }
    drop(model);
    world.reset();
});

impl<'w> Model<'w> {
    fn new(world: &'w World) -> Model<'w> {
        let sessions = [true, true, false].map(|read_write| world.session(read_write)).to_vec();
        let handles = world.records.keys().filter_map(|key| layout::object_number(key)).collect();
        Model {
            world,
            sessions,
            handles,
            seen: BTreeMap::new(),
            operations: BTreeMap::new(),
            states: Vec::new(),
            actor: Actor::Anonymous,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let at = input.below(self.sessions.len());
        let session = Arc::clone(&self.sessions[at]);
        match input.u8() % 32 {
            0 => self.log_in(&session, input),
            1 => drop(session.logout()),
            2 | 3 => self.make(&session, input),
            4 => self.copy(&session, input),
            5 => {
                let handle = self.handle(input);
                let _ = session.set_attributes(handle, &Template::parse(&input.template()).unwrap_or_default());
            }
            6 => drop(session.destroy_object(self.handle(input))),
            7 => self.state(at, &session, input),
            8 => self.administer(at, &session, input),
            9 => self.find(&session, input),
            10..=14 => self.init(at, &session, input),
            15..=17 => self.update(at, &session, input),
            18 | 19 => self.finish(at, &session, input),
            20 | 21 => self.whole(at, &session, input),
            22 => self.dual(at, &session, input),
            23 | 24 => self.pair(&session, input),
            25 => self.wrap(at, &session, input),
            26 | 27 => self.unwrap(&session, input),
            28..=30 => self.derive(&session, input),
            _ => drop(session.object_size(self.handle(input))),
        }
    }

    fn log_in(&mut self, session: &Session, input: &mut Input<'_>) {
        let user_type = input.one_of(&[CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 77]);
        let name = input.one_of(&[None, None, Some(OTHER.as_bytes()), Some(&b"nobody"[..])]);
        let pin = input.one_of(&[Some(PIN), Some(PIN), Some(PIN), Some(&b"wrong"[..]), Some(b"user:1234"), None]);
        let _ = session.login(user_type, pin, name);
    }

    fn administer(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        match input.u8() % 6 {
            0 => drop(session.init_pin(Some(PIN))),
            1 => drop(session.set_pin(Some(PIN), Some(input.one_of(&[PIN, b"5678", b""])))),
            2 => {
                let _ = session.cancel(input.u64());
            }
            3 => drop(session.info()),
            4 => {
                let mut random = [0; 32];
                session.random(&mut random[..input.below(33)]).expect("random bytes");
            }
            _ => {
                self.world.hsm.close_session(session.handle).expect("an open session");
                assert!(matches!(session.encrypt_cancel(), Err(Error::NoSession(_))), "a closed session works");
                self.operations.retain(|(of, _), _| *of != at);
                if let Ok(handle) = self.world.hsm.open_session(0, session.read_write) {
                    self.sessions[at] = self.world.hsm.session(handle).expect("a session");
                } else {
                    self.sessions[at] = self.world.session(true);
                }
            }
        }
    }

    fn make(&mut self, session: &Session, input: &mut Input<'_>) {
        let call = input.call();
        let way = input.u8();
        let raw = input.template();
        let Ok(template) = Template::parse(&raw) else { return };
        let slow = matches!(call.mechanism.work, Work::GenerateParameters(_));
        let made = match way {
            0..=63 => plant(session, input),
            64..=207 if slow => return,
            64..=207 => session.generate_key(&call, &template),
            _ => session.create_object(&template),
        };
        let Ok(handle) = made else { return };
        self.handles.push(handle);
        session.object(handle).expect("its maker sees it");
    }

    /// Pairs of the kinds that take no time.
    fn pair(&mut self, session: &Session, input: &mut Input<'_>) {
        let (mechanism, own): (u64, RawAttribute<'_>) = match input.u8() % 5 {
            0 => (CKM_EC_KEY_PAIR_GEN, raw(CKA_EC_PARAMS, P256)),
            1 => (CKM_EC_EDWARDS_KEY_PAIR_GEN, raw(CKA_EC_PARAMS, ED25519)),
            2 => (CKM_EC_MONTGOMERY_KEY_PAIR_GEN, raw(CKA_EC_PARAMS, X25519)),
            3 => (CKM_ML_KEM_KEY_PAIR_GEN, raw(CKA_PARAMETER_SET, &[1, 0, 0, 0, 0, 0, 0, 0])),
            _ => (CKM_ML_DSA_KEY_PAIR_GEN, raw(CKA_PARAMETER_SET, &[1, 0, 0, 0, 0, 0, 0, 0])),
        };
        let call = Call { mechanism: find(mechanism).expect("a mechanism"), parameter: Parameter::None };
        let mut public = input.template();
        let own_type = own.attribute;
        public.retain(|entry| entry.attribute != own_type);
        public.push(own);
        let private = input.template();
        let (Ok(public), Ok(private)) = (Template::parse(&public), Template::parse(&private)) else { return };
        let Ok((public, private)) = session.generate_key_pair(&call, &public, &private) else { return };
        for handle in [public, private] {
            session.object(handle).expect("its maker sees it");
            self.handles.push(handle);
        }
    }

    fn wrap(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        let (wrapping, key) = (self.handle(input), self.handle(input));
        let call = input.call();
        let before = session.object(key);
        let mut buffer = Buffer::new(input);
        let result = session.wrap_key(&call, wrapping, key, buffer.output());
        if result.is_ok() {
            assert!(before.is_ok_and(|key| key.has(Flag::Extractable)), "an unextractable key came out");
        }
        self.judge(at, &[], &result, &buffer);
        if let (Ok(length), true) = (&result, buffer.there) {
            self.states.push(buffer.bytes[..*length].to_vec());
        }
    }

    fn unwrap(&mut self, session: &Session, input: &mut Input<'_>) {
        let unwrapping = self.handle(input);
        let call = input.call();
        let blob = match self.states.len() {
            0 => input.long_bytes().to_vec(),
            count => self.states[input.below(count)].clone(),
        };
        let raw = input.template();
        let Ok(template) = Template::parse(&raw) else { return };
        if let Ok(handle) = session.unwrap_key(&call, unwrapping, &blob, &template) {
            let made = session.object(handle).expect("its maker sees it");
            let claims = [Flag::Local, Flag::AlwaysSensitive, Flag::NeverExtractable];
            assert!(claims.iter().all(|claim| !made.has(*claim)), "{made:?} claims what nobody knows");
            self.handles.push(handle);
        }
    }

    fn derive(&mut self, session: &Session, input: &mut Input<'_>) {
        let base = self.handle(input);
        let call = input.call();
        let before = session.object(base);
        let raw = input.template();
        let Ok(template) = Template::parse(&raw) else { return };
        let Ok(derived) = session.derive_key(&call, base, &template) else { return };
        let before = before.expect("what is derived from is seen");
        let tls =
            derived.tls.iter().flat_map(|keys| [keys.client_mac, keys.server_mac, keys.client_key, keys.server_key]);
        let made = [derived.key].into_iter().chain(derived.additional.iter().copied()).chain(tls);
        for handle in made.filter(|handle| *handle != 0) {
            let object = session.object(handle).expect("its maker sees it");
            if object.kind.class == CKO_SECRET_KEY && before.kind.class == CKO_SECRET_KEY {
                assert!(!before.has(Flag::Sensitive) || object.has(Flag::Sensitive), "{object:?} lost its secrecy");
                assert!(before.has(Flag::Extractable) || !object.has(Flag::Extractable), "{object:?} comes out");
            }
            self.handles.push(handle);
        }
    }

    fn copy(&mut self, session: &Session, input: &mut Input<'_>) {
        let handle = self.handle(input);
        let raw = input.template();
        let Ok(template) = Template::parse(&raw) else { return };
        let Ok(before) = session.object(handle) else { return };
        if let Ok(copy) = session.copy_object(handle, &template) {
            self.handles.push(copy);
            protects_no_less(&before, &session.object(copy).expect("its maker sees it"));
        }
    }

    fn find(&mut self, session: &Session, input: &mut Input<'_>) {
        let raw = input.template();
        let Ok(template) = Template::parse_search(&raw) else { return };
        let mut numbers = [0; 64];
        if session.find_init(&template).is_ok() {
            let count = session.find(&mut numbers).expect("numbers");
            for number in &numbers[..count] {
                assert!(session.object(*number).expect("what is found can be seen").matches(&template));
            }
            if input.u8() < 192 {
                session.find_final().expect("an end");
            }
        }
    }

    fn init(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        let kind = kind(input);
        let handle = self.handle(input);
        let key = session.object(handle);
        let call = input.call();
        let begun = match kind {
            Kind::Encrypt => session.encrypt_init(&call, handle).map(|_| ()),
            Kind::Decrypt => session.decrypt_init(&call, handle),
            Kind::Sign => session.sign_init(&call, handle),
            Kind::Verify => session.verify_init(&call, handle),
            Kind::Digest => session.digest_init(&call),
        };
        if begun.is_ok() {
            let needs_login = kind != Kind::Digest
                && key.is_ok_and(|key| key.has(Flag::Private) || (key.has(Flag::Token) && key.kind.is_secret()));
            assert!(!needs_login || matches!(self.actor, Actor::User(_)), "a key was used without its user");
            self.operations.insert((at, kind), (needs_login, false));
        }
    }

    fn update(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        let kind = kind(input);
        let mut buffer = Buffer::new(input);
        let handle = self.handle(input);
        let keyed = input.u8() < 64;
        let data = input.long_bytes();
        let result = match kind {
            Kind::Encrypt => session.encrypt_update(data, buffer.output()),
            Kind::Decrypt => session.decrypt_update(data, buffer.output()),
            Kind::Sign => session.sign_update(data).map(|()| 0),
            Kind::Verify => session.verify_update(data).map(|()| 0),
            Kind::Digest if keyed => session.digest_key(handle).map(|()| 0),
            Kind::Digest => session.digest_update(data).map(|()| 0),
        };
        self.judge(at, &[kind], &result, &buffer);
    }

    fn finish(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        let kind = kind(input);
        let mut buffer = Buffer::new(input);
        let result = match kind {
            Kind::Encrypt => session.encrypt_final(buffer.output()),
            Kind::Decrypt => session.decrypt_final(buffer.output()),
            Kind::Sign => session.sign_final(buffer.output()),
            Kind::Verify => session.verify_final(input.bytes()).map(|()| 0),
            Kind::Digest => session.digest_final(buffer.output()),
        };
        self.judge(at, &[kind], &result, &buffer);
    }

    fn whole(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        let kind = kind(input);
        let mut buffer = Buffer::new(input);
        let data = input.long_bytes();
        let result = match kind {
            Kind::Encrypt => session.encrypt(data, buffer.output()),
            Kind::Decrypt => session.decrypt(data, buffer.output()),
            Kind::Sign => session.sign(data, buffer.output()),
            Kind::Verify => session.verify(data, input.bytes()).map(|()| 0),
            Kind::Digest => session.digest(data, buffer.output()),
        };
        self.judge(at, &[kind], &result, &buffer);
    }

    fn dual(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        let choice = input.u8() % 4;
        let mut buffer = Buffer::new(input);
        let data = input.long_bytes();
        let (result, kinds) = match choice {
            0 => (session.digest_encrypt_update(data, buffer.output()), [Kind::Digest, Kind::Encrypt]),
            1 => (session.decrypt_digest_update(data, buffer.output()), [Kind::Digest, Kind::Decrypt]),
            2 => (session.sign_encrypt_update(data, buffer.output()), [Kind::Sign, Kind::Encrypt]),
            _ => (session.decrypt_verify_update(data, buffer.output()), [Kind::Verify, Kind::Decrypt]),
        };
        self.judge(at, &kinds, &result, &buffer);
    }

    fn state(&mut self, at: usize, session: &Session, input: &mut Input<'_>) {
        if input.u8() < 128 {
            let mut buffer = Buffer::new(input);
            let result = session.save_state(buffer.output());
            if let (Ok(length), true) = (&result, buffer.there) {
                self.states.push(buffer.bytes[..*length].to_vec());
            }
            self.judge(at, &[], &result, &buffer);
            return;
        }
        let mut saved = match self.states.len() {
            0 => input.long_bytes().to_vec(),
            count => self.states[input.below(count)].clone(),
        };
        let (place, change) = (usize::from(input.u8()), input.u8());
        if let Some(byte) = saved.get_mut(place) {
            *byte ^= change;
        }
        if session.restore_state(&saved, 0, 0).is_ok() {
            self.operations.retain(|(of, _), _| *of != at);
        }
    }

    /// What a call gave back: a length within its buffer, no secret, and nothing from an operation whose login ended.
    fn judge(&self, at: usize, kinds: &[Kind], result: &Result<usize, Error>, buffer: &Buffer) {
        let Ok(length) = result else { return };
        for kind in kinds {
            assert_ne!(self.operations.get(&(at, *kind)), Some(&(true, true)), "an operation outlived its login");
        }
        if buffer.there {
            assert!(*length <= buffer.size, "{length} bytes in a buffer of {}", buffer.size);
        }
        assert!(buffer.bytes[buffer.size..].iter().all(|byte| *byte == GUARD), "written behind the buffer");
        let shows = |window: &[u8]| same(window, &SECRET);
        assert!(!buffer.bytes[..buffer.size].windows(SECRET.len()).any(shows), "a sensitive value came out");
    }

    /// What holds between any two calls.
    fn look(&mut self) {
        // Asking a session makes the application notice what changed.
        let _ = self.sessions[0].info();
        let actor = self.sessions[0].application().actor();
        if actor != self.actor {
            if self.actor != Actor::Anonymous {
                self.operations.values_mut().for_each(|(_, ended)| *ended = true);
            }
            self.actor = actor;
        }
        for handle in &self.handles {
            let Ok(object) = self.sessions[0].object(*handle) else { continue };
            hides_its_value(&object);
            if object.has(Flag::Private) {
                let may = matches!(actor, Actor::User(user) if object.ownership.is_associated(user));
                assert!(may, "{object:?} shows to {actor:?}");
            }
            if let Some(before) = self.seen.get(&object.unique_id) {
                if Arc::ptr_eq(before, &object) {
                    continue;
                }
                protects_no_less(before, &object);
            }
            examine(&object);
            self.seen.insert(object.unique_id, object);
        }
    }

    fn handle(&self, input: &mut Input<'_>) -> u64 {
        match input.u8() {
            255 => input.u64(),
            // The newest are the most telling.
            at if at & 1 == 1 => self.handles[self.handles.len() - 1 - usize::from(at / 2) % self.handles.len()],
            at => self.handles[usize::from(at / 2) % self.handles.len()],
        }
    }
}

/// Imports a sensitive key whose value no output may contain.
fn plant(session: &Session, input: &mut Input<'_>) -> Result<u64, Error> {
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let key_type = input.one_of(&[CKK_AES, CKK_AES, CKK_GENERIC_SECRET, CKK_CHACHA20, CKK_RC4]).to_ne_bytes();
    let flags = [CKA_TOKEN, CKA_PRIVATE, CKA_ALWAYS_AUTHENTICATE, CKA_EXTRACTABLE];
    let values = flags.map(|_| [input.u8() & 1]);
    let mut entries = vec![raw(CKA_CLASS, &class), raw(CKA_KEY_TYPE, &key_type), raw(CKA_VALUE, &SECRET)];
    entries.push(raw(CKA_SENSITIVE, &[1]));
    entries.extend(flags.iter().zip(&values).map(|(flag, value)| raw(*flag, value)));
    session.create_object(&Template::parse(&entries)?)
}

fn kind(input: &mut Input<'_>) -> Kind {
    input.one_of(&[Kind::Encrypt, Kind::Decrypt, Kind::Sign, Kind::Verify, Kind::Digest])
}

/// An output buffer with something behind it.
struct Buffer {
    bytes: Vec<u8>,
    size: usize,
    there: bool,
}

impl Buffer {
    fn new(input: &mut Input<'_>) -> Buffer {
        let size = match input.u8() {
            small @ 0..=63 => usize::from(small),
            _ => 4096,
        };
        let there = size != 63;
        Buffer { bytes: vec![GUARD; size + 32], size, there }
    }

    fn output(&mut self) -> Output<'_> {
        if self.there { Output::Buffer(&mut self.bytes[..self.size]) } else { Output::Length }
    }
}

const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
const X25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x6e];
const GUARD: u8 = 0xa5;
/// A key that is in no input.
const SECRET: [u8; 32] = *b"\x8d\x01\xf3\x62\xc9\x17\xee\x50\x3b\xa4\x76\xd8\x2f\x99\x0c\xe5\
    \x41\xb7\x68\xfa\x13\xdd\x86\x35\x5a\xc2\x0f\x94\xe8\x71\x2b\xbd";

/// Compared byte by byte: the fuzzer watches longer comparisons, and would put the secret into its next input.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
