//! How such a token begins, is activated and made anew.

use std::sync::Arc;

use strongroom_core::access::Service;
use strongroom_core::error::Error;
use strongroom_core::hsm::Hsm;
use strongroom_core::hsm::config::{Config, StoreKind};
use strongroom_core::object::UserId;
use strongroom_core::seal::{Role, User};
use strongroom_core::store::{MemoryStore, Store};
use strongroom_core::token::audit::Level;
use strongroom_core::token::{
    APPLIANCE_USER, APPLIANCE_USER_ID, Credential, FIRST_OFFICER, Founding, INITIAL_PASSWORD, Token, UserInfo, layout,
};
use strongroom_crypto::random::System;

use super::{ADMIN_PIN, ALICES_PIN, LABEL, activated, changed, found, hsm, login, records, settings, user};

fn who(user: &UserInfo) -> (u32, Role, &str, bool) {
    (user.id.0, user.role, &user.name, user.primary)
}

/// Promise: a fresh CloudHSM has an officer `admin` with the published password, and the appliance user; numbers begin
/// where a CloudHSM's do.
#[test]
fn a_fresh_one_has_an_admin_to_be_activated_and_the_appliance_user() {
    let token = found(Founding::CloudHsm, None);
    assert_eq!(token.meta().unwrap().founding, Founding::CloudHsm);
    let users = token.users().unwrap();
    let listed: Vec<_> = users.iter().map(who).collect();
    assert_eq!(listed, [(1, Role::Unactivated, "admin", false), (2, Role::Appliance, "app_user", false)]);
    assert!(!users[0].escrowed);
    assert_eq!(token.store().get(layout::NEXT_USER).unwrap().unwrap(), 3u32.to_le_bytes());
    assert_eq!(token.store().get(layout::NEXT_OBJECT).unwrap().unwrap(), 6u64.to_le_bytes());
    for name in [None, Some(&b"admin"[..]), Some(b"ADMIN")] {
        for role in [Role::Officer, Role::Unactivated] {
            let preco = token.login(Credential { role, name, pin: INITIAL_PASSWORD }).unwrap();
            assert_eq!((preco.role, preco.user), (Role::Unactivated, FIRST_OFFICER));
        }
    }
}

/// Promise: a plain token is as it ever was.
#[test]
fn a_plain_one_begins_with_the_officer_so() {
    let token = found(Founding::Plain, Some(b"officer"));
    let users = token.users().unwrap();
    assert_eq!(users.iter().map(who).collect::<Vec<_>>(), [(1, Role::Officer, "so", false)]);
    assert!(users[0].escrowed);
    let officer = token.login(Credential::first_officer(b"officer")).unwrap();
    assert_eq!(token.add_user(&officer, Role::User, APPLIANCE_USER, b"1234").unwrap(), APPLIANCE_USER_ID);
    login(&token, Role::User, APPLIANCE_USER, b"1234").unwrap();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let without = Token::found(store, Arc::new(System), settings(), Founding::Plain, LABEL, None);
    assert!(matches!(without, Err(Error::Arguments(_))));
}

/// Promise: until it changes its password, the first officer manages nobody.
#[test]
fn an_officer_who_is_not_activated_manages_nobody() {
    let token = found(Founding::CloudHsm, None);
    let preco = token.login(Credential::first_officer(INITIAL_PASSWORD)).unwrap();
    let before = records(&token);
    let refused = [
        token.init_pin(&preco, ALICES_PIN),
        token.add_user(&preco, Role::User, "alice", ALICES_PIN).map(drop),
        token.add_user(&preco, Role::Officer, "deputy", ALICES_PIN).map(drop),
        token.reset_pin(&preco, "admin", ADMIN_PIN),
        token.unlock(&preco, "admin"),
        token.delete_user(&preco, "admin"),
        token.register_approver(&preco, "admin", &[], b"", &[]),
    ];
    for result in refused {
        assert!(matches!(result, Err(Error::NotActivated)), "{result:?}");
    }
    assert_eq!(records(&token), before);
}

/// Promise: a change of the published password makes the primary officer, who has every right of one, also with the
/// login's word alone; the login before it ends.
#[test]
fn a_password_of_its_own_activates_the_admin() {
    type Change = fn(&Token) -> Result<(), Error>;
    let changes: [Change; 3] = [
        |token| token.set_pin(FIRST_OFFICER, INITIAL_PASSWORD, ADMIN_PIN),
        |token| token.change_own_pin(&token.login(Credential::first_officer(INITIAL_PASSWORD))?, ADMIN_PIN),
        |token| token.reinitialize(LABEL, ADMIN_PIN),
    ];
    for change in changes {
        let token = found(Founding::CloudHsm, None);
        let preco = token.login(Credential::first_officer(INITIAL_PASSWORD)).unwrap();
        change(&token).unwrap();
        let admin = user(&token, "admin");
        assert_eq!(who(&admin), (1, Role::Officer, "admin", true));
        assert!(admin.escrowed);
        assert!(!token.is_current(&preco).unwrap());
        assert!(matches!(token.change_own_pin(&preco, ALICES_PIN), Err(Error::NotLoggedIn)));
        assert!(matches!(login(&token, Role::Officer, "admin", INITIAL_PASSWORD), Err(Error::PinWrong)));
        assert!(matches!(login(&token, Role::Unactivated, "admin", ADMIN_PIN), Err(Error::NoSuchUser(_))));
        let admin = login(&token, Role::Officer, "admin", ADMIN_PIN).unwrap();
        assert_eq!(token.add_user(&admin, Role::User, "alice", ALICES_PIN).unwrap(), UserId(3));
        login(&token, Role::User, "alice", ALICES_PIN).unwrap();
    }
}

/// Promise: a password nobody may have does not activate: too short, too long, with a colon, the published one.
#[test]
fn activation_takes_a_password_of_its_own_only() {
    let token = found(Founding::CloudHsm, None);
    let preco = token.login(Credential::first_officer(INITIAL_PASSWORD)).unwrap();
    let before = records(&token);
    for pin in [&b"secret"[..], &[b'x'; 33], b"pass:word", INITIAL_PASSWORD] {
        let results = [
            token.change_own_pin(&preco, pin),
            token.set_pin(FIRST_OFFICER, INITIAL_PASSWORD, pin),
            token.reinitialize(LABEL, pin),
            Token::found(
                Arc::new(MemoryStore::new()),
                Arc::new(System),
                settings(),
                Founding::CloudHsm,
                LABEL,
                Some(pin),
            )
            .map(drop),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::PinLength { .. } | Error::PinInvalid(_))), "{result:?}");
        }
    }
    assert_eq!(changed(&before, &records(&token)), [layout::failures(FIRST_OFFICER)]);
    assert!(matches!(token.set_pin(FIRST_OFFICER, b"not-the-one", ADMIN_PIN), Err(Error::PinWrong)));
    assert_eq!(user(&token, "admin").role, Role::Unactivated);
}

/// Promise: whoever has the files from before the activation, which the published password opens, has nothing that
/// opens or signs anything after it. The token's number stays.
#[test]
fn activation_makes_all_secrets_anew() {
    let token = found(Founding::CloudHsm, None);
    let meta = token.meta().unwrap();
    let before = records(&token);
    token.set_pin(FIRST_OFFICER, INITIAL_PASSWORD, ADMIN_PIN).unwrap();
    let after = records(&token);
    let [user, failures] = [layout::user(FIRST_OFFICER), layout::failures(FIRST_OFFICER)];
    let anew: [&[u8]; 4] = [layout::META, &user, layout::QUORUM_VALUES, &failures];
    assert_eq!(changed(&before, &after), anew);
    let activated = token.meta().unwrap();
    assert_eq!((activated.id, activated.label, activated.founding), (meta.id, meta.label, Founding::CloudHsm));
    assert_ne!(activated.authority, meta.authority);
    // The old officer's record is nobody's now, and held no officer's keys even before.
    let old = User::decode(&before[&layout::user(FIRST_OFFICER).to_vec()]).unwrap();
    assert!(!old.is_certified(&meta.id, &activated.authority));
    let (_, bundle) = old.open(&meta.id, INITIAL_PASSWORD).unwrap();
    assert!(bundle.keys().unwrap().sign_as_authority(&[b"anything"]).is_err());
    let put = |records: &std::collections::BTreeMap<_, Vec<u8>>, key: &[u8]| {
        token.store().transact(&mut |transaction| Ok(transaction.put(key, &records[key])?)).unwrap();
    };
    put(&before, layout::QUORUM_VALUES);
    assert!(matches!(token.quorum_value(Service::Officers), Err(Error::Damaged(_))));
    put(&before, &layout::user(FIRST_OFFICER));
    assert!(matches!(token.login(Credential::first_officer(INITIAL_PASSWORD)), Err(Error::Damaged(_))));
    assert!(matches!(token.set_pin(FIRST_OFFICER, INITIAL_PASSWORD, ADMIN_PIN), Err(Error::Damaged(_))));
    assert!(matches!(token.reinitialize(LABEL, ADMIN_PIN), Err(Error::Damaged(_))));
    put(&after, &layout::user(FIRST_OFFICER));
    token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
}

/// Promise: of two who activate at the same time one does; the other's password is nobody's.
#[test]
fn one_of_two_activates() {
    let token = found(Founding::CloudHsm, None);
    let [one, two] = [(); 2].map(|()| token.login(Credential::first_officer(INITIAL_PASSWORD)).unwrap());
    token.change_own_pin(&one, ADMIN_PIN).unwrap();
    assert!(matches!(token.change_own_pin(&two, ALICES_PIN), Err(Error::NotLoggedIn)));
    token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
}

/// Promise: making the token anew keeps the way of founding; the officer is activated, the users are gone.
#[test]
fn anew_it_is_as_it_was_founded() {
    let (token, admin) = activated();
    token.add_user(&admin, Role::User, "alice", ALICES_PIN).unwrap();
    assert!(matches!(token.reinitialize(LABEL, b"not-the-one"), Err(Error::PinWrong)));
    token.reinitialize(LABEL, ADMIN_PIN).unwrap();
    let users = token.users().unwrap();
    let listed: Vec<_> = users.iter().map(who).collect();
    assert_eq!(listed, [(1, Role::Officer, "admin", true), (2, Role::Appliance, "app_user", false)]);
    assert_eq!(token.store().get(layout::NEXT_OBJECT).unwrap().unwrap(), 6u64.to_le_bytes());
    let admin = token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
    assert_eq!(token.add_user(&admin, Role::User, "bob", ALICES_PIN).unwrap(), UserId(3));
}

/// Promise: a locked officer of a fresh CloudHSM is no dead end: the password is published, so the token can be made
/// anew.
#[test]
fn a_fresh_one_that_is_locked_can_be_made_anew() {
    let token = found(Founding::CloudHsm, None);
    let preco = token.login(Credential::first_officer(INITIAL_PASSWORD)).unwrap();
    for _ in 0..6 {
        assert!(matches!(token.login(Credential::first_officer(b"a-wrong-one")), Err(Error::PinWrong)));
    }
    assert!(matches!(token.change_own_pin(&preco, ADMIN_PIN), Err(Error::PinLocked)));
    assert!(matches!(token.set_pin(FIRST_OFFICER, INITIAL_PASSWORD, ADMIN_PIN), Err(Error::PinLocked)));
    token.reinitialize(LABEL, ADMIN_PIN).unwrap();
    token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
}

/// Promise: a token says in its signed record how it was founded: nobody changes that from outside, and a flag of a
/// later version is refused, not guessed.
#[test]
fn the_way_of_founding_is_signed() {
    let (token, _) = activated();
    let mut record = records(&token)[layout::META].clone();
    // Format, number, label, policy.
    let flags = 1 + 16 + 32 + 1;
    assert_eq!(record[flags] & 4, 4);
    record[flags] &= !4;
    token.store().transact(&mut |transaction| Ok(transaction.put(layout::META, &record)?)).unwrap();
    assert!(matches!(token.meta(), Err(Error::Damaged(_))));
}

/// Promise: a directory without tokens becomes a fresh CloudHSM once, whoever asks at the same time; what is there
/// stays.
#[test]
fn a_directory_without_tokens_becomes_a_fresh_cloudhsm_once() {
    let unique: [u8; 8] = strongroom_crypto::random::bytes().unwrap();
    let dir = std::env::temp_dir().join(format!("strongroom-fresh-{:016x}", u64::from_le_bytes(unique)));
    let open = || {
        let settings = settings();
        let config = Config {
            dir: dir.clone(),
            file: None,
            store: StoreKind::Sqlite,
            settings,
            module_iv: false,
            audit: Level::default(),
        };
        Hsm::with(config, Arc::new(System))
    };
    let slots: Vec<u64> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| open().fresh_cloudhsm().unwrap())).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(slots, [0; 4]);
    let hsm = open();
    assert_eq!(hsm.tokens().unwrap().tokens, [0]);
    let token = Arc::clone(hsm.application(0).unwrap().token());
    token.set_pin(FIRST_OFFICER, INITIAL_PASSWORD, ADMIN_PIN).unwrap();
    assert_eq!(hsm.fresh_cloudhsm().unwrap(), 0);
    token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Promise: founding takes a free slot only.
#[test]
fn founding_takes_a_free_slot_only() {
    let hsm = hsm();
    hsm.found_token(0, Founding::CloudHsm, LABEL, Some(ADMIN_PIN)).unwrap();
    assert!(matches!(hsm.found_token(0, Founding::Plain, LABEL, Some(ADMIN_PIN)), Err(Error::Busy(_))));
    assert!(matches!(hsm.found_token(5, Founding::Plain, LABEL, Some(ADMIN_PIN)), Err(Error::NoSlot(5))));
    assert_eq!(hsm.application(0).unwrap().token().meta().unwrap().founding, Founding::CloudHsm);
}
