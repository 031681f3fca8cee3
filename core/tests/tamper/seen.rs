//! What everyone sees of a token, and whether that is still what was written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{AttributeType, Flag, Template};
use strongroom_core::error::Error;
use strongroom_core::object::birth::{Maker, create};
use strongroom_core::object::{MacForm, Object, Ownership};
use strongroom_core::policy::Policy;
use strongroom_core::seal::Role;
use strongroom_core::store::Store;
use strongroom_core::token::{Credential, Login, Token};
use strongroom_crypto::cipher::{Cipher, Direction, Mode};
use strongroom_crypto::hash::Algorithm;
use strongroom_crypto::mac::Mac;
use strongroom_crypto::random::System;

use super::fixture::*;

/// Something that was seen, or why not.
type Look<T> = Result<T, String>;

/// What all users see of a token.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Label, number, policy and settings.
    meta: Look<String>,
    /// The users, by number.
    users: Look<BTreeMap<u32, String>>,
    /// How many officers must approve.
    quorum: Look<String>,
    nobody: View,
    user: Look<View>,
    other: Look<View>,
    officer: Look<View>,
    /// As `user`, after one more key was made.
    later: Option<Look<View>>,
    /// As `user`, after the officer set another PIN for them.
    reset: Option<Look<View>>,
    /// What must never be: each with its story.
    wrong: Vec<String>,
}

/// How closely to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Care {
    /// Try wrong PINs, and another PIN set by the officer.
    pub(crate) pins: bool,
    /// Make one more key.
    pub(crate) make: bool,
}

impl Care {
    pub(crate) const ALL: Care = Care { pins: true, make: true };
    pub(crate) const LOOK: Care = Care { pins: false, make: false };
}

/// What one user sees.
#[derive(Debug)]
struct View {
    /// All objects, and those of each label.
    found: BTreeMap<&'static [u8], Look<BTreeSet<u64>>>,
    objects: BTreeMap<u64, Look<Facts>>,
    /// What the keys give.
    uses: BTreeMap<u64, Look<Vec<u8>>>,
}

/// Everything about one object that must not change.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    version: u64,
    unique_id: [u8; 32],
    flags: u64,
    ownership: Ownership,
    attributes: BTreeMap<u64, String>,
}

/// What became of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Nobody sees a difference.
    Harmless,
    /// Something is not found any more, or no longer trusted; what is there is right.
    Hidden,
    /// Somebody gets an error.
    Detected,
}

const LABELS: [&[u8]; 11] = [
    b"",
    b"sealed",
    b"readable",
    b"public secret",
    b"mac",
    b"trusted",
    b"letter",
    b"others",
    b"nobodys",
    b"officers",
    b"destroyed",
];

impl Seen {
    /// Looks at the token in `store` as everybody. Looking with care changes it.
    pub(crate) fn of(store: Arc<dyn Store>, care: Care) -> Look<Seen> {
        let token = told(token(store))?;
        let mut wrong = Vec::new();
        let nobody = View::of(&token, None);
        let user = log_in(&token, Role::User, None, USER_PIN);
        let other = log_in(&token, Role::User, Some(OTHER), OTHER_PIN);
        let officer = log_in(&token, Role::Officer, None, OFFICER_PIN);
        if care.pins {
            wrong.extend(wrong_logins(&token));
        }
        let mut seen = Seen {
            meta: told(token.meta()).map(|meta| format!("{meta:?}")),
            users: users(&token),
            quorum: quorum(&token),
            nobody,
            user: user.as_ref().map(|user| View::of(&token, Some(user))).map_err(Clone::clone),
            other: other.map(|other| View::of(&token, Some(&other))),
            officer: officer.as_ref().map(|officer| View::of(&token, Some(officer))).map_err(Clone::clone),
            reset: None,
            later: None,
            wrong,
        };
        if care.make {
            seen.later = Some(user.and_then(|user| seen.make_another(&token, &user)));
        }
        if care.pins {
            seen.reset = Some(officer.and_then(|officer| reset(&token, &officer)));
        }
        Ok(seen)
    }

    /// Whether what is seen `now` may be seen of a token that was edited.
    pub(crate) fn judge(&self, now: &Look<Seen>) -> Result<Verdict, String> {
        let now = match now {
            Ok(now) => now,
            Err(_) => return Ok(Verdict::Detected),
        };
        if let Some(wrong) = now.wrong.first() {
            return Err(wrong.clone());
        }
        let mut verdict = same("the token", &self.meta, &now.meta)?;
        verdict = verdict.max(match (&self.users, &now.users) {
            (Ok(old), Ok(new)) => subset("the users", old, new, |_, _| false)?,
            _ => Verdict::Detected,
        });
        verdict = verdict.max(same("the quorum of officers", &self.quorum, &now.quorum)?);
        verdict = verdict.max(self.nobody.judge("nobody", &now.nobody)?);
        for (who, old, new) in [
            ("the user", Some(&self.user), Some(&now.user)),
            ("the other user", Some(&self.other), Some(&now.other)),
            ("the officer", Some(&self.officer), Some(&now.officer)),
            ("the user after a reset", self.reset.as_ref(), now.reset.as_ref()),
            ("the user after one more key", self.later.as_ref(), now.later.as_ref()),
        ] {
            let (Some(old), Some(new)) = (old, new) else { continue };
            verdict = verdict.max(match (old, new) {
                (Ok(old), Ok(new)) => old.judge(who, new)?,
                (Err(_), Ok(_)) => return Err(format!("{who} gets in")),
                (_, Err(_)) => Verdict::Detected,
            });
        }
        Ok(verdict)
    }

    /// Everything is as it has to be before anything is edited.
    pub(crate) fn expect_whole(&self) {
        assert!(self.wrong.is_empty(), "{:?}", self.wrong);
        let user = self.user.as_ref().unwrap();
        assert_eq!(user.found[LABELS[0]], Ok([1, 2, 3, 4, 5, 6, 8, 9].into()));
        assert_eq!(self.nobody.found[LABELS[0]], Ok([3, 5, 8, 9].into()));
        for number in [SEALED, READABLE, PUBLIC_SECRET, MAC] {
            assert!(user.uses[&number].is_ok(), "{number}: {:?}", user.uses[&number]);
            let value = &user.objects[&number].as_ref().unwrap().attributes[&CKA_VALUE];
            assert_eq!(value == SENSITIVE, number != READABLE, "{number}: {value}");
        }
        assert!(self.other.as_ref().unwrap().uses[&OTHERS].is_ok());
        for view in [&self.nobody, self.officer.as_ref().unwrap()] {
            assert!(view.uses.values().all(Result::is_err), "{:?}", view.uses);
        }
        for trusted in [TRUSTED, OFFICERS] {
            let facts = self.nobody.objects[&trusted].as_ref().unwrap();
            assert_eq!(facts.attributes[&CKA_TRUSTED], "Flag(true)");
        }
        for view in [&self.user, &self.other, &self.officer].into_iter().chain(&self.reset).chain(&self.later) {
            view.as_ref().unwrap();
        }
        let text = format!("{self:?}");
        for secret in SECRETS {
            assert!(!text.contains(&format!("{secret:?}")), "a sensitive value was released");
        }
    }

    /// Makes a key, which must not be in the way of what is there.
    fn make_another(&mut self, token: &Token, user: &Login) -> Look<View> {
        let ownership = Ownership::of(user.user);
        let maker =
            Maker { ownership, officer: false, session: 1, logouts: 0, policy: Policy::Standard, random: &System };
        let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_AES.to_ne_bytes());
        let entries = [
            (CKA_CLASS, &class[..]),
            (CKA_KEY_TYPE, &key_type),
            (CKA_VALUE, &[7; 16]),
            (CKA_TOKEN, TRUE),
            (CKA_LABEL, b"one more"),
        ];
        let object = told(create(&template(&entries), &maker))?;
        let number = told(token.insert(object, Some(user)))?.number;
        if number <= LAST {
            self.wrong.push(format!("a new object has the number {number} of another"));
        }
        let mut view = View::of(token, Some(user));
        for found in view.found.values_mut().flatten() {
            found.remove(&number);
        }
        view.objects.remove(&number);
        view.uses.remove(&number);
        Ok(view)
    }
}

impl View {
    fn of(token: &Token, viewer: Option<&Login>) -> View {
        let find = |label: &[u8]| {
            let template = if label.is_empty() { Template::default() } else { template(&[(CKA_LABEL, label)]) };
            told(token.search(&template, viewer)).map(BTreeSet::from_iter)
        };
        let found: BTreeMap<_, _> = LABELS.into_iter().map(|label| (label, find(label))).collect();
        let numbers = found.values().flatten().flatten().copied().chain(1..=DESTROYED).collect::<BTreeSet<u64>>();
        let mut view = View { found, objects: BTreeMap::new(), uses: BTreeMap::new() };
        for number in numbers {
            let object = told(token.object(number, viewer));
            if let Ok(object) = &object
                && object.kind.is_secret()
            {
                view.uses.insert(number, told(used(object)));
            }
            view.objects.insert(number, object.map(|object| facts(&object)));
        }
        view
    }

    fn judge(&self, who: &str, now: &View) -> Result<Verdict, String> {
        let mut verdict = Verdict::Harmless;
        for (label, old) in &self.found {
            let what = format!("{who} looks for {:?}", String::from_utf8_lossy(label));
            verdict = verdict.max(match (old, &now.found[label]) {
                (Ok(old), Ok(new)) if old == new => Verdict::Harmless,
                (Ok(old), Ok(new)) if new.is_subset(old) => Verdict::Hidden,
                // A listing names what its envelope allows to be seen; whether it can be opened is seen then.
                (Ok(old), Ok(new)) if new.difference(old).all(|number| now.objects[number].is_err()) => {
                    Verdict::Detected
                }
                (_, Err(_)) => Verdict::Detected,
                (old, new) => return Err(format!("{what}: {old:?} became {new:?}")),
            });
        }
        let lost_trust = |old: &Look<Facts>, new: &Look<Facts>| match (old, new) {
            (Ok(old), Ok(new)) => old.without_trust() == *new,
            _ => false,
        };
        verdict = verdict.max(subset(&format!("{who} reads"), &self.objects, &now.objects, lost_trust)?);
        Ok(verdict.max(subset(&format!("{who} uses"), &self.uses, &now.uses, |_, _| false)?))
    }
}

impl Facts {
    fn without_trust(&self) -> Facts {
        let mut attributes = self.attributes.clone();
        attributes.insert(CKA_TRUSTED, "Flag(false)".to_owned());
        Facts { flags: self.flags & !(1 << Flag::Trusted as u8), attributes, ..*self }
    }
}

/// How a verdict treats the entries of a map: an entry that became an error, or is gone, is detected, or hidden.
trait Entry: PartialEq + std::fmt::Debug {
    fn is_error(&self) -> bool {
        false
    }
}

impl Entry for String {}

impl<T: PartialEq + std::fmt::Debug> Entry for Look<T> {
    fn is_error(&self) -> bool {
        self.is_err()
    }
}

fn subset<K: Ord + std::fmt::Debug, V: Entry>(
    what: &str,
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    weaker: impl Fn(&V, &V) -> bool,
) -> Result<Verdict, String> {
    let mut verdict = Verdict::Harmless;
    for (key, value) in new {
        verdict = verdict.max(match old.get(key) {
            Some(before) if before == value || (before.is_error() && value.is_error()) => Verdict::Harmless,
            _ if value.is_error() => Verdict::Detected,
            Some(before) if weaker(before, value) => Verdict::Hidden,
            before => return Err(format!("{what} {key:?}: {before:?} became {value:?}")),
        });
    }
    Ok(if old.keys().all(|key| new.contains_key(key)) { verdict } else { verdict.max(Verdict::Hidden) })
}

fn same(what: &str, old: &Look<String>, new: &Look<String>) -> Result<Verdict, String> {
    match (old, new) {
        (Ok(old), Ok(new)) if old == new => Ok(Verdict::Harmless),
        (_, Err(_)) => Ok(Verdict::Detected),
        (old, new) => Err(format!("{what}: {old:?} became {new:?}")),
    }
}

fn log_in(token: &Token, role: Role, name: Option<&str>, pin: &[u8]) -> Look<Login> {
    told(token.login(Credential { role, name: name.map(str::as_bytes), pin }))
}

fn users(token: &Token) -> Look<BTreeMap<u32, String>> {
    let users = told(token.users())?;
    Ok(users.into_iter().map(|user| (user.id.0, format!("{:?} {}", user.role, user.name))).collect())
}

fn quorum(token: &Token) -> Look<String> {
    let value = |service| told(token.quorum_value(service));
    Ok(format!("{} {}", value(Service::UserManagement)?, value(Service::Officers)?))
}

/// The logins that must fail and do not.
fn wrong_logins(token: &Token) -> Vec<String> {
    let attempts = [
        (Role::User, None, &b"wrong-pin"[..]),
        (Role::Officer, None, USER_PIN),
        (Role::Officer, Some("user"), USER_PIN),
        (Role::User, Some("so"), OFFICER_PIN),
        (Role::User, None, OTHER_PIN),
    ];
    // Where the other user's record is hidden, a PIN alone means bob, who is the only one then.
    let open = attempts.into_iter().filter(|(role, name, pin)| {
        log_in(token, *role, *name, pin).is_ok_and(|login| !(*pin == OTHER_PIN && login.name == "bob"))
    });
    let told = |(role, name, pin)| format!("a login as {role:?} {name:?} with {}", String::from_utf8_lossy(pin));
    open.map(told).collect()
}

/// The user as the officer's reset leaves them.
fn reset(token: &Token, officer: &Login) -> Look<View> {
    told(token.reset_pin(officer, "user", b"another"))?;
    let user = log_in(token, Role::User, None, b"another")?;
    let mut view = View::of(token, Some(&user));
    // One more key was made by the look before.
    view.objects.retain(|number, _| *number <= DESTROYED);
    view.uses.retain(|number, _| *number <= DESTROYED);
    for found in view.found.values_mut().flatten() {
        found.retain(|number| *number <= DESTROYED);
    }
    Ok(view)
}

fn facts(object: &Object) -> Facts {
    let attributes = object.kind.rules().map(|rule| {
        let value = match object.attribute(AttributeType(rule.attribute)) {
            Ok(value) => format!("{value:?}"),
            Err(Error::AttributeSensitive(_)) => SENSITIVE.to_owned(),
            Err(other) => format!("{other:?}"),
        };
        (rule.attribute, value)
    });
    Facts {
        version: object.version,
        unique_id: object.unique_id,
        flags: object.flags.0,
        ownership: object.ownership,
        attributes: attributes.collect(),
    }
}

const SENSITIVE: &str = "sensitive";

/// What a key makes of a text, where its attributes allow it to.
fn used(object: &Object) -> Result<Vec<u8>, Error> {
    let material = object.material()?;
    let key_type = object.kind.subtype.unwrap_or_default();
    let mut out = vec![0; 64];
    let length = match key_type {
        CKK_AES if object.has(Flag::Encrypt) => {
            let mode = Mode::Gcm { iv: &[1; 12], aad: b"aad", tag_bytes: 16 };
            Cipher::start(material.cipher(key_type)?, &mode, Direction::Encrypt)?.one_shot(b"plaintext", &mut out)?
        }
        CKK_GENERIC_SECRET if object.has(Flag::Sign) => {
            let mut mac = Mac::start(&material.mac(MacForm::Hmac(Algorithm::Sha256))?, b"")?;
            mac.update(b"plaintext")?;
            mac.finish(&mut out[..32])?
        }
        _ => return Err(Error::KeyNotPermitted("not by this test")),
    };
    out.truncate(length);
    Ok(out)
}

fn told<T>(result: Result<T, Error>) -> Look<T> {
    result.map_err(|error| error.to_string())
}
