//! What users and sharing cost in a token of ours with many keys. PKCS#11 has no calls for it, so this asks the core;
//! every user works in an HSM of his own on the same files, as in a process of his own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use cryptoki_sys::*;
use strongroom_core::attribute::{CKA_SR_SHARED_WITH, RawAttribute, RawValue, Template};
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::limits::KEY_USERS_MAX;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::object::UserId;
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::{Output, Session};
use strongroom_core::token::audit::Level;
use strongroom_core::token::{Credential, Settings};
use strongroom_crypto::random::System;

use crate::measure::{median, nanoseconds};
use crate::report::{grouped, markdown, significant};

/// Measures with `count` keys in tokens under `directory`; the table, in Markdown.
pub(crate) fn table(count: usize, directory: &Path) -> Result<String, String> {
    let world = World::new(directory).map_err(|error| error.to_string())?;
    let rows = world.measure(count).map_err(|error| error.to_string())?;
    let header = ["users (us of one call)", "calls", "one call", "all, s", "compared with", "ratio"];
    let lines: Vec<Vec<String>> =
        [header.map(str::to_owned).into()].into_iter().chain(rows.iter().map(|row| row.cells(&rows))).collect();
    Ok(markdown(&lines))
}

/// The samples of one thing, in nanoseconds of one call.
struct Row {
    name: &'static str,
    samples: Vec<f64>,
    /// The row that says what it would cost otherwise.
    basis: Option<&'static str>,
}

impl Row {
    fn new(name: &'static str, basis: Option<&'static str>) -> Row {
        Row { name, samples: Vec::new(), basis }
    }

    /// Adds one sample.
    fn time<T>(&mut self, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let start = Instant::now();
        let result = call()?;
        self.samples.push(nanoseconds(start.elapsed()));
        Ok(result)
    }

    /// The median of many short calls; of few long ones, during which a busy machine does other work too, the shortest.
    fn figure(&self) -> f64 {
        match self.samples.len() {
            0..FEW => self.samples.iter().copied().fold(f64::NAN, f64::min),
            _ => median(&self.samples).unwrap_or(f64::NAN),
        }
    }

    fn cells(&self, rows: &[Row]) -> Vec<String> {
        let basis = rows.iter().find(|row| Some(row.name) == self.basis);
        let calls = match self.samples.len() {
            few @ 0..FEW => few.to_string(),
            many => grouped(many as f64),
        };
        vec![
            self.name.to_owned(),
            calls,
            grouped(self.figure() / 1e3),
            significant(self.samples.iter().sum::<f64>() / 1e9),
            self.basis.unwrap_or_default().to_owned(),
            basis.map(|basis| format!("{}x", significant(self.figure() / basis.figure()))).unwrap_or_default(),
        ]
    }
}

/// What making showed, the private keys and the shared ones.
type Made = (Vec<Row>, Vec<u64>, Vec<u64>);

/// A token on disk with two owners of keys, those they share them with, and one who has none.
struct World {
    directory: PathBuf,
    sharees: Vec<UserId>,
}

/// One user's process.
struct Desk {
    session: Arc<Session>,
    // Last, so that the session ends first.
    _hsm: Hsm,
}

impl World {
    fn new(directory: &Path) -> Result<World, Error> {
        let mut world = World { directory: directory.to_owned(), sharees: Vec::new() };
        let hsm = world.hsm();
        hsm.init_token(0, Some(OFFICER_PIN), b"strongroom-bench                ")?;
        let token = Arc::clone(hsm.application(0)?.token());
        let officer = token.login(Credential::first_officer(OFFICER_PIN))?;
        for name in [OWNER, SHARING_OWNER, NEWCOMER] {
            token.add_user(&officer, Role::User, name, PIN)?;
        }
        for number in 1..KEY_USERS_MAX {
            world.sharees.push(token.add_user(&officer, Role::User, &sharee(number), PIN)?);
        }
        Ok(world)
    }

    fn hsm(&self) -> Hsm {
        let settings = Settings { policy: Policy::Standard, kdf: Kdf::Default, escrow: true, pin_bytes_min: 4 };
        let (dir, store, audit) = (self.directory.clone(), StoreKind::Sqlite, Level::default());
        Hsm::with(Config { dir, file: None, store, settings, module_iv: false, audit }, Arc::new(System))
    }

    fn desk(&self, name: &str) -> Result<Desk, Error> {
        let hsm = self.hsm();
        let session = hsm.session(hsm.open_session(0, true)?)?;
        session.login(CKU_USER, Some(PIN), Some(name.as_bytes()))?;
        Ok(Desk { session, _hsm: hsm })
    }

    fn measure(&self, count: usize) -> Result<Vec<Row>, Error> {
        let (mut rows, private, shared) = self.make(count)?;
        rows.extend(self.first_uses(&private, &shared)?);
        rows.extend(self.searches()?);
        rows.extend(self.pins()?);
        rows.extend(self.share(&private)?);
        Ok(rows)
    }

    /// Making keys for oneself, and by turns keys that are shared from the first moment.
    fn make(&self, count: usize) -> Result<Made, Error> {
        let (owner, sharing_owner) = (self.desk(OWNER)?, self.desk(SHARING_OWNER)?);
        let users: Vec<u8> = self.sharees.iter().flat_map(|user| u64::from(user.0).to_ne_bytes()).collect();
        let mut rows = [Row::new(MAKE, None), Row::new("make, shared with 7", Some(MAKE))];
        let (mut private, mut shared) = (Vec::new(), Vec::new());
        for block in (0..count).collect::<Vec<_>>().chunks(BLOCK) {
            for number in block {
                private.push(rows[0].time(|| owner.make(*number, &[]))?);
            }
            for number in block {
                shared.push(rows[1].time(|| sharing_owner.make(*number, &[(CKA_SR_SHARED_WITH, &users)]))?);
            }
        }
        Ok((rows.into(), private, shared))
    }

    /// The first and the second use of each key by a process: the owner's of private ones, and by turns a sharee's.
    fn first_uses(&self, private: &[u64], shared: &[u64]) -> Result<[Row; 4], Error> {
        let desks = [self.desk(OWNER)?, self.desk(&sharee(1))?];
        let mut rows = [
            Row::new(FIRST_USE, None),
            Row::new("first use by a sharee", Some(FIRST_USE)),
            Row::new(SECOND_USE, None),
            Row::new("second use by a sharee", Some(SECOND_USE)),
        ];
        if let Some(key) = shared.first() {
            let mut proofs = [[0; 16]; 2];
            desks[1].encrypt(*key, &mut proofs[0])?;
            self.desk(SHARING_OWNER)?.encrypt(*key, &mut proofs[1])?;
            if proofs[0] != proofs[1] {
                return Err(Error::Device("a sharee's key is not its owner's".to_owned()));
            }
        }
        let mut block = [0; 16];
        for second in [0, 2] {
            for keys in private.chunks(BLOCK).zip(shared.chunks(BLOCK)) {
                for (place, keys) in [keys.0, keys.1].into_iter().enumerate() {
                    for key in keys {
                        rows[second + place].time(|| desks[place].encrypt(*key, &mut block))?;
                    }
                }
            }
        }
        Ok(rows)
    }

    /// Searches of fresh processes: by label, and for everything, which opens it all.
    fn searches(&self) -> Result<[Row; 4], Error> {
        let mut rows = [
            Row::new(FIND_LABEL, None),
            Row::new("first search, by label, by a sharee", Some(FIND_LABEL)),
            Row::new(FIND_ALL, None),
            Row::new("first search, for all keys, by a sharee", Some(FIND_ALL)),
        ];
        for _ in 0..ROUNDS {
            for (place, name) in [OWNER, &sharee(2)].into_iter().enumerate() {
                let desk = self.desk(name)?;
                let number = rows[place].time(|| desk.find(&[(CKA_LABEL, label(0).as_bytes())]))?.len();
                let all = rows[2 + place].time(|| desk.find(&[]))?.len();
                if number != 1 || all == 0 {
                    return Err(Error::Device(format!("{name} finds {number} keys of one label, {all} in all")));
                }
            }
        }
        Ok(rows)
    }

    /// PIN changes and logins of who has many keys, by turns with who has none.
    fn pins(&self) -> Result<[Row; 4], Error> {
        let mut rows = [
            Row::new(LOGIN, None),
            Row::new("login", Some(LOGIN)),
            Row::new(PIN_CHANGE, None),
            Row::new("PIN change", Some(PIN_CHANGE)),
        ];
        for _ in 0..ROUNDS {
            for (place, name) in [NEWCOMER, OWNER].into_iter().enumerate() {
                let hsm = self.hsm();
                let session = hsm.session(hsm.open_session(0, true)?)?;
                rows[place].time(|| session.login(CKU_USER, Some(PIN), Some(name.as_bytes())))?;
                rows[2 + place].time(|| session.set_pin(Some(PIN), Some(PIN)))?;
            }
        }
        Ok(rows)
    }

    /// Sharing keys with one user after the other, and taking them from the last one.
    fn share(&self, keys: &[u64]) -> Result<[Row; 4], Error> {
        let owner = self.desk(OWNER)?;
        let [mut first, mut last] = [Row::new("share with the first", Some(MAKE)), Row::new(SHARE_LAST, Some(MAKE))];
        let [mut all, mut unshare] =
            [Row::new("share with 7, all calls", None), Row::new("unshare one of 7", Some(SHARE_LAST))];
        for (place, user) in self.sharees.iter().enumerate() {
            for key in keys {
                all.time(|| owner.session.share(*key, *user))?;
            }
            let samples = || all.samples.iter().rev().take(keys.len()).copied().collect();
            match place {
                0 => first.samples = samples(),
                _ => last.samples = samples(),
            }
        }
        let Some(user) = self.sharees.last() else { return Err(Error::Device("there are no sharees".to_owned())) };
        for key in keys {
            unshare.time(|| owner.session.unshare(*key, *user))?;
        }
        Ok([first, last, all, unshare])
    }
}

impl Desk {
    /// A new AES key of the user's in the token.
    fn make(&self, number: usize, more: &[(u64, &[u8])]) -> Result<u64, Error> {
        let (length, label) = (32_u64.to_ne_bytes(), label(number));
        let own: [(u64, &[u8]); 6] = [
            (CKA_VALUE_LEN, &length),
            (CKA_LABEL, label.as_bytes()),
            (CKA_ID, &number.to_be_bytes()),
            (CKA_TOKEN, &[1]),
            (CKA_PRIVATE, &[1]),
            (CKA_ENCRYPT, &[1]),
        ];
        let template = Template::parse(&raw(&[&own, more].concat()))?;
        self.session.generate_key(&call(CKM_AES_KEY_GEN)?, &template)
    }

    fn encrypt(&self, key: u64, block: &mut [u8; 16]) -> Result<(), Error> {
        self.session.encrypt_init(&call(CKM_AES_ECB)?, key)?;
        self.session.encrypt(&[7; 16], Output::Buffer(block)).map(drop)
    }

    fn find(&self, entries: &[(u64, &[u8])]) -> Result<Vec<u64>, Error> {
        self.session.find_init(&Template::parse_search(&raw(entries))?)?;
        let mut handles = vec![0; HANDLES_MAX];
        let found = self.session.find(&mut handles)?;
        handles.truncate(found);
        self.session.find_final().map(|()| handles)
    }
}

fn call(mechanism: u64) -> Result<Call<'static>, Error> {
    let mechanism = find(mechanism).ok_or(Error::NotSupported)?;
    Ok(Call { mechanism, parameter: Parameter::None })
}

fn raw<'a>(entries: &[(u64, &'a [u8])]) -> Vec<RawAttribute<'a>> {
    let raw =
        |(attribute, bytes): &(u64, &'a [u8])| RawAttribute { attribute: *attribute, value: RawValue::Bytes(bytes) };
    entries.iter().map(raw).collect()
}

fn sharee(number: usize) -> String {
    format!("sharee{number}")
}

fn label(number: usize) -> String {
    format!("key-{number:06}")
}

const OWNER: &str = "owner";
const SHARING_OWNER: &str = "sharing";
const NEWCOMER: &str = "newcomer";
const OFFICER_PIN: &[u8] = b"bench-officer-1234";
const PIN: &[u8] = b"bench-user-1234";

const MAKE: &str = "make";
const FIRST_USE: &str = "first use by the owner";
const SECOND_USE: &str = "second use by the owner";
const FIND_LABEL: &str = "first search, by label";
const FIND_ALL: &str = "first search, for all keys";
const LOGIN: &str = "login without keys";
const PIN_CHANGE: &str = "PIN change without keys";
const SHARE_LAST: &str = "share with the seventh";

/// Calls in a row before it is the other's turn: the first call after another process's commit looks at the store.
const BLOCK: usize = 100;
const ROUNDS: usize = 10;
/// Fewer samples than this are few.
const FEW: usize = 100;
const HANDLES_MAX: usize = 1 << 20;
