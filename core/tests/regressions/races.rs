//! Two at once: what was read must still be so when something is written.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cryptoki_sys::*;
use strongroom_core::attribute::Flag;
use strongroom_core::error::Error;
use strongroom_core::object::birth::{Maker, create as born};
use strongroom_core::object::{Object, Ownership, UserId, change};
use strongroom_core::policy::{Kdf, Policy};
use strongroom_core::seal::Role;
use strongroom_core::session::Session;
use strongroom_core::store::Store;
use strongroom_core::token::{Credential, Login, Token};
use strongroom_crypto::random::System;

use super::fixture::*;
use super::order::*;

/// Promise: whatever changes a user and is overtaken by one who makes the token anew, or who changes that user first,
/// fails and writes nothing: at whichever moment that happens.
#[test]
fn a_change_of_a_user_that_was_overtaken_writes_nothing() {
    let changes: [(&str, Change); 9] = [
        ("C_SetPIN, the user's", |token, _| token.set_pin(UserId(2), USER_PIN, b"thiefs-pin")),
        ("C_SetPIN, the officer's", |token, _| token.set_pin(UserId(1), OFFICER_PIN, b"thiefs-pin")),
        ("C_InitPIN", |token, officer| token.init_pin(officer, b"thiefs-pin")),
        ("a reset", |token, officer| token.reset_pin(officer, "user", b"thiefs-pin")),
        ("another user's reset", |token, officer| token.reset_pin(officer, "short-lived", b"thiefs-pin")),
        ("an unlocking", |token, officer| token.unlock(officer, "user")),
        ("a deletion", |token, officer| token.delete_user(officer, "short-lived")),
        ("a new user", |token, officer| token.add_user(officer, Role::User, "carol", b"carols-pin").map(drop)),
        ("a new officer", |token, officer| token.add_user(officer, Role::Officer, "deputy", b"deputys-pin").map(drop)),
    ];
    let mut overtaken = 0;
    for (what, change) in changes {
        for overtaker in [Overtaker::Anew, Overtaker::OfficersDeletion, Overtaker::Reset, Overtaker::Deletion] {
            if !overtaker.concerns(what) {
                continue;
            }
            for moment in 0.. {
                let scene = Scene::new();
                let after = scene.overtake(moment, overtaker);
                let result = change(&scene.token, &scene.officer);
                if scene.store.event.cancel() {
                    assert!(moment > 0 && result.is_ok(), "{what}: {result:?}");
                    break;
                }
                overtaken += 1;
                // Before anything was read, the change finds the officer of the new token, who has the same PIN.
                let first = moment == 0 && what == "C_SetPIN, the officer's";
                let unchanged = without_failures(scene.records()) == without_failures(after.lock().unwrap().clone());
                assert!(first || result.is_err() && unchanged, "{what}, {overtaker:?}, {moment}: {result:?}");
            }
        }
    }
    assert!(overtaken > 40, "{overtaken}");
}

/// Changes a user, as the officer or with the user's PIN.
type Change = fn(&Token, &Login) -> Result<(), Error>;

/// Promise: whatever is written, changed or destroyed in a token is not written, changed or destroyed in the one that
/// takes its place, where the same number is another object.
#[test]
fn nothing_begun_in_a_token_is_done_to_the_next() {
    let works: [(&str, Work); 7] = [
        ("nobody's destruction", |token, _, _, seen| token.remove(&seen.nobodys, None)),
        ("nobody's change", |token, _, _, _| token.replace(NOBODYS, None, &mut renamed)),
        ("the user's destruction", |token, user, _, seen| token.remove(&seen.sealed, Some(user))),
        ("the user's change", |token, user, _, _| token.replace(SEALED, Some(user), &mut renamed)),
        ("the user's new object", |token, user, _, _| token.insert(letter(user.user), Some(user)).map(drop)),
        ("nobody's new object", |token, _, _, _| token.insert(letter(UserId::NOBODY), None).map(drop)),
        ("the officer's trust", |token, _, officer, _| token.replace(PUBLIC_SECRET, Some(officer), &mut trusted)),
    ];
    for (what, work) in works {
        for known in [false, true] {
            for moment in 0.. {
                let scene = Scene::new();
                let user = scene.token.login(Credential { role: Role::User, name: None, pin: USER_PIN }).unwrap();
                if known {
                    for number in [SEALED, PUBLIC_SECRET, NOBODYS] {
                        scene.token.object(number, Some(&user)).unwrap();
                        let _ = scene.token.object(number, None);
                    }
                }
                let seen = Seen {
                    nobodys: scene.token.object(NOBODYS, None).unwrap(),
                    sealed: scene.token.object(SEALED, Some(&user)).unwrap(),
                };
                let after = scene.overtake(moment, Overtaker::Anew);
                let result = work(&scene.token, &user, &scene.officer, &seen);
                if scene.store.event.cancel() {
                    assert!(moment > 0 && result.is_ok(), "{what}: {result:?}");
                    break;
                }
                let unchanged = scene.records() == *after.lock().unwrap();
                assert!(result.is_err() && unchanged, "{what}, {moment}: {result:?}");
            }
        }
    }
}

/// Works on an object, as nobody, as the user or as the officer.
type Work = fn(&Token, &Login, &Login, &Seen) -> Result<(), Error>;

/// Objects looked at before anything happened.
struct Seen {
    nobodys: Arc<Object>,
    sealed: Arc<Object>,
}

/// Promise: an officer who was deleted makes no users and no officers.
#[test]
fn a_deleted_officer_makes_no_users() {
    let shared = store(&records());
    let (one, two) = (token(Arc::clone(&shared)).unwrap(), token(Arc::clone(&shared)).unwrap());
    let first = two.login(Credential::first_officer(OFFICER_PIN)).unwrap();
    two.add_user(&first, Role::Officer, "deputy", b"deputys-pin").unwrap();
    let named = |name, pin| Credential { role: Role::Officer, name: Some(name), pin };
    let deputy = one.login(named(b"deputy", b"deputys-pin")).unwrap();
    one.add_user(&deputy, Role::User, "carol", b"carols-pin").unwrap();
    two.delete_user(&first, "deputy").unwrap();
    let before = read(&*shared);
    for role in [Role::Officer, Role::User] {
        assert!(matches!(one.add_user(&deputy, role, "backdoor", b"backdoor-pin"), Err(Error::NotLoggedIn)));
    }
    assert!(matches!(one.init_pin(&deputy, b"backdoor-pin"), Err(Error::NotLoggedIn)));
    assert!(matches!(one.reset_pin(&deputy, OTHER, b"backdoor-pin"), Err(Error::NotLoggedIn)));
    assert!(matches!(one.unlock(&deputy, OTHER), Err(Error::NotLoggedIn)));
    assert!(matches!(one.delete_user(&deputy, "carol"), Err(Error::NotLoggedIn)));
    assert_eq!(read(&*shared), before);
    assert!(matches!(two.login(named(b"backdoor", b"backdoor-pin")), Err(Error::NoSuchUser(_))));
}

/// Promise: an object belongs to whoever was logged in when its making began, who sees it and may destroy it; if that
/// changes meanwhile, at whichever moment, it may be refused instead, and nothing is left.
#[test]
fn objects_made_while_logins_change_have_their_makers() {
    let (mut met, mut wrong) = (0, Vec::new());
    for on_token in [true, false] {
        for private in [true, false] {
            for change in CHANGES_OF_LOGIN.iter().filter(|change| on_token || !private || change.0 != Who::Nobody) {
                met += make_in_every_way(on_token, private, *change, &mut wrong);
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(met > 50, "{met}");
}

/// Promise: so does a private session object that was begun when nobody was logged in, which is to say that it is
/// refused.
#[test]
fn private_session_objects_of_nobody_are_refused() {
    let mut wrong = Vec::new();
    for change in CHANGES_OF_LOGIN.iter().filter(|change| change.0 == Who::Nobody) {
        assert!(make_in_every_way(false, true, *change, &mut wrong) > 0);
    }
    assert_eq!(wrong, [""; 0]);
}

/// Counts the moments there were, and tells what was wrong at which.
fn make_in_every_way(on_token: bool, private: bool, change: (Who, Who), wrong: &mut Vec<String>) -> usize {
    let mut met = 0;
    for way in [Way::Generated, Way::Created, Way::Copied] {
        for moment in 0.. {
            match made_while(on_token, private, change, way, moment) {
                Ok(true) => {}
                Ok(false) => break,
                Err(what) => {
                    wrong.push(format!("{way:?}, token {on_token}, private {private}, {change:?}, {moment}: {what}"));
                }
            }
            met += 1;
        }
    }
    met
}

/// Who may be logged in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    Nobody,
    User,
    Other,
    Officer,
}

const CHANGES_OF_LOGIN: &[(Who, Who)] = &[
    (Who::Nobody, Who::User),
    (Who::Nobody, Who::Officer),
    (Who::User, Who::Nobody),
    (Who::User, Who::User),
    (Who::User, Who::Other),
    (Who::User, Who::Officer),
    (Who::Officer, Who::Nobody),
    (Who::Officer, Who::User),
];

/// The ways to make an object.
#[derive(Debug, Clone, Copy)]
enum Way {
    Generated,
    Created,
    Copied,
}

/// Makes an object as `maker`, with a change of the login to `next` before one of the draws of random numbers. Whether
/// there was such a draw; what is wrong with the object.
fn made_while(
    on_token: bool,
    private: bool,
    (maker, next): (Who, Who),
    way: Way,
    moment: usize,
) -> Result<bool, String> {
    let random = Arc::new(EventfulSource::default());
    let hsm = hsm_in_memory(Kdf::Test, Arc::clone(&random) as _);
    let (session, elsewhere) = (open(&hsm), open(&hsm));
    let flag = |set| if set { TRUE } else { FALSE };
    let class = CKO_DATA.to_ne_bytes();
    let data = [(CKA_CLASS, &class[..]), (CKA_TOKEN, flag(on_token)), (CKA_PRIVATE, flag(private))];
    become_(&session, maker);
    let model = session.create_object(&template(&[(CKA_CLASS, &class), (CKA_TOKEN, FALSE), (CKA_PRIVATE, FALSE)]));
    let model = model.unwrap();
    let before = session.application().token().store().get(b"Co").unwrap();
    let changing = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&changing);
    // A login that the maker's own transaction keeps waiting comes right after it.
    random.0.set(moment, move || {
        let change = std::thread::spawn(move || become_(&elsewhere, next));
        let begun = Instant::now();
        while !change.is_finished() && begun.elapsed() < Duration::from_millis(20) {
            std::thread::sleep(Duration::from_micros(50));
        }
        *kept.lock().unwrap() = Some(change);
    });
    let made = match way {
        Way::Generated => generate(&session, on_token, private),
        Way::Created => session.create_object(&template(&data)),
        Way::Copied => session.copy_object(model, &template(&data[1..])),
    };
    if random.0.cancel() {
        return Ok(false);
    }
    changing.lock().unwrap().take().unwrap().join().unwrap();
    let untouched = session.application().token().store().get(b"Co").unwrap() == before;
    become_(&session, maker);
    match made {
        Err(_) if untouched || !on_token => no_object_but(&session, model).map(|()| true),
        Err(error) => Err(format!("{error}, and a number is gone")),
        Ok(number) => {
            // A session object of the login that ended went with it, as PKCS#11 has it.
            let gone = !on_token && private && maker != Who::Nobody;
            match session.object(number) {
                Ok(object) if object.ownership.owner != owner(maker) => Err(format!("{:?}", object.ownership.owner)),
                Ok(_) => session.destroy_object(number).map(|()| true).map_err(|error| error.to_string()),
                Err(_) if gone => Ok(true),
                Err(error) => Err(error.to_string()),
            }
        }
    }
}

/// Logs out whoever is logged in, if anyone is, and logs `who` in.
fn become_(session: &Session, who: Who) {
    if session.application().login().is_some() {
        session.logout().unwrap();
    }
    match who {
        Who::Nobody => {}
        Who::User => log_in(session),
        Who::Other => log_in_other(session),
        Who::Officer => log_in_officer(session),
    }
}

fn owner(who: Who) -> UserId {
    UserId(match who {
        Who::Nobody => return UserId::NOBODY,
        Who::Officer => 1,
        Who::User => 2,
        Who::Other => 3,
    })
}

fn no_object_but(session: &Session, model: u64) -> Result<(), String> {
    for who in [Who::Nobody, Who::User, Who::Other, Who::Officer] {
        become_(session, who);
        let mut found = [0; 8];
        session.find_init(&template(&[])).unwrap();
        let count = session.find(&mut found).unwrap();
        session.find_final().unwrap();
        if found[..count].iter().any(|number| *number != model) {
            return Err(format!("refused, and {who:?} finds {:?}", &found[..count]));
        }
    }
    Ok(())
}

/// A token that is open twice, here and by the one who overtakes.
struct Scene {
    store: Arc<EventfulStore>,
    token: Token,
    officer: Login,
    elsewhere: Arc<Elsewhere>,
}

/// What the one who overtakes has.
struct Elsewhere {
    store: Arc<dyn Store>,
    token: Token,
    first: Login,
}

/// What the one who overtakes does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Overtaker {
    Anew,
    OfficersDeletion,
    Reset,
    Deletion,
}

impl Overtaker {
    /// Whether it takes the ground from under this change.
    fn concerns(self, change: &str) -> bool {
        match self {
            Overtaker::Anew => true,
            Overtaker::OfficersDeletion => !change.starts_with("C_SetPIN"),
            Overtaker::Reset => change == "C_SetPIN, the user's",
            Overtaker::Deletion => change == "another user's reset",
        }
    }
}

impl Scene {
    fn new() -> Scene {
        let inner = store(&records_with_a_deputy());
        let store = EventfulStore::new(Arc::clone(&inner));
        let token = Token::open(Arc::clone(&store) as _, Arc::new(System), settings()).unwrap();
        let deputy = Credential { role: Role::Officer, name: Some(b"deputy-of-so"), pin: b"deputys-pin" };
        let officer = token.login(deputy).unwrap();
        let other = Token::open(Arc::clone(&inner), Arc::new(System), settings()).unwrap();
        let first = other.login(Credential::first_officer(OFFICER_PIN)).unwrap();
        Scene { store, token, officer, elsewhere: Arc::new(Elsewhere { store: inner, token: other, first }) }
    }

    /// Lets it happen before the store is used for the nth time; the records as they are just after that.
    fn overtake(&self, moment: usize, overtaker: Overtaker) -> Arc<Mutex<Records>> {
        let after = Arc::new(Mutex::default());
        let (kept, elsewhere) = (Arc::clone(&after), Arc::clone(&self.elsewhere));
        self.store.event.set(moment, move || {
            let Elsewhere { store, token, first } = &*elsewhere;
            match overtaker {
                Overtaker::Anew => begin_anew(token),
                Overtaker::OfficersDeletion => token.delete_user(first, "deputy-of-so").unwrap(),
                Overtaker::Reset => token.reset_pin(first, "user", b"fresh-pin").unwrap(),
                Overtaker::Deletion => token.delete_user(first, "short-lived").unwrap(),
            }
            *kept.lock().unwrap() = read(&**store);
        });
        after
    }

    fn records(&self) -> Records {
        read(&*self.elsewhere.store)
    }
}

/// Makes the token anew, with as many objects: all of them anybody's.
fn begin_anew(token: &Token) {
    token.reinitialize(b"anew                            ", OFFICER_PIN).unwrap();
    for _ in 1..=LAST {
        token.insert(letter(UserId::NOBODY), None).unwrap();
    }
}

/// The records of a token with a second officer and a user who owns nothing. Users 1 and 2 are the usual ones.
fn records_with_a_deputy() -> Records {
    static RECORDS: std::sync::OnceLock<Records> = std::sync::OnceLock::new();
    let made = RECORDS.get_or_init(|| {
        let shared = store(&records());
        let token = token(Arc::clone(&shared)).unwrap();
        let officer = token.login(Credential::first_officer(OFFICER_PIN)).unwrap();
        token.add_user(&officer, Role::Officer, "deputy-of-so", b"deputys-pin").unwrap();
        token.add_user(&officer, Role::User, "short-lived", b"while-it-lasts").unwrap();
        // So that there is something to unlock.
        let wrong = Credential { role: Role::User, name: Some(b"user"), pin: b"wrong-pin" };
        assert!(matches!(token.login(wrong), Err(Error::PinWrong)));
        read(&*shared)
    });
    made.clone()
}

fn renamed(object: &Object) -> Result<Object, Error> {
    change::set(object, &template(&[(CKA_LABEL, b"renamed")]), false)
}

/// The same in all but trust.
fn trusted(object: &Object) -> Result<Object, Error> {
    let mut changed = change::set(object, &template(&[]), true)?;
    changed.flags.set(Flag::Trusted, true);
    changed.version = object.version;
    Ok(changed)
}

fn letter(owner: UserId) -> Object {
    let class = CKO_DATA.to_ne_bytes();
    let private = if owner == UserId::NOBODY { FALSE } else { TRUE };
    let entries = [(CKA_CLASS, &class[..]), (CKA_TOKEN, TRUE), (CKA_PRIVATE, private), (CKA_LABEL, b"late")];
    let ownership = Ownership::of(owner);
    born(
        &template(&entries),
        &Maker { ownership, officer: false, session: 1, logouts: 0, policy: Policy::Standard, random: &System },
    )
    .unwrap()
}
