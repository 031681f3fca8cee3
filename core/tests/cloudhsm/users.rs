//! Users: names, passwords, lock-out, resets and deletion.

use strongroom_core::error::Error;
use strongroom_core::limits::PIN_FAILURES_MAX;
use strongroom_core::object::UserId;
use strongroom_core::seal::Role;
use strongroom_core::token::{APPLIANCE_USER, APPLIANCE_USER_ID, Credential, Founding, Token, layout};

use super::{ADMIN_PIN, ALICES_PIN, activated, activated_with, changed, found, login, records, user};

const NEW_PIN: &[u8] = b"a-new-password";

/// Promise: the appliance user is listed and that is all: nobody logs in as it, changes or deletes it, or takes its
/// name or number.
#[test]
fn nobody_is_the_appliance_user() {
    let (token, admin) = activated();
    let before = records(&token);
    let refused = [
        token.reset_pin(&admin, APPLIANCE_USER, NEW_PIN),
        token.unlock(&admin, APPLIANCE_USER),
        token.delete_user(&admin, APPLIANCE_USER),
        token.set_pin(APPLIANCE_USER_ID, b"password", NEW_PIN),
        login(&token, Role::User, APPLIANCE_USER, b"password").map(drop),
        login(&token, Role::Officer, "APP_USER", b"").map(drop),
        login(&token, Role::Appliance, APPLIANCE_USER, b"password").map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(Error::Prohibited(_))), "{result:?}");
    }
    for pin in [&b"app_user:password"[..], b"password"] {
        for role in [Role::User, Role::Appliance] {
            assert!(token.login(Credential { role, name: None, pin }).is_err());
        }
    }
    for name in [APPLIANCE_USER, "App_User"] {
        for role in [Role::User, Role::Officer] {
            assert!(matches!(token.add_user(&admin, role, name, NEW_PIN), Err(Error::UserName(_))));
        }
    }
    assert!(matches!(token.add_user(&admin, Role::Appliance, "other", NEW_PIN), Err(Error::Arguments(_))));
    assert!(matches!(token.add_user(&admin, Role::Unactivated, "other", NEW_PIN), Err(Error::Arguments(_))));
    assert_eq!(records(&token), before);
    // Not even with a counter that somebody set back.
    token.store().transact(&mut |transaction| Ok(transaction.put(layout::NEXT_USER, &2u32.to_le_bytes())?)).unwrap();
    assert!(matches!(token.add_user(&admin, Role::User, "alice", NEW_PIN), Err(Error::Damaged(_))));
}

/// Promise: passwords have 7 to 32 bytes and no colon, wherever one is set.
#[test]
fn passwords_keep_cloudhsms_rules() {
    let (token, admin) = activated();
    token.add_user(&admin, Role::User, "alice", ALICES_PIN).unwrap();
    let alice = login(&token, Role::User, "alice", ALICES_PIN).unwrap();
    for pin in [&b"secret"[..], &[b'x'; 33], b":password", b"pass word:", "p\u{e4}ssword:".as_bytes()] {
        let results = [
            token.add_user(&admin, Role::User, "bob", pin).map(drop),
            token.init_pin(&admin, pin),
            token.reset_pin(&admin, "alice", pin),
            token.change_own_pin(&alice, pin),
            token.set_pin(alice.user, ALICES_PIN, pin),
        ];
        for result in results {
            assert!(
                matches!(result, Err(Error::PinLength { min: 7, max: 32, .. } | Error::PinInvalid(_))),
                "{result:?}"
            );
        }
    }
    for pin in [&b"seven-7"[..], &[b'x'; 32]] {
        token.change_own_pin(&alice, pin).unwrap();
        login(&token, Role::User, "alice", pin).unwrap();
    }
}

/// Promise: the sixth wrong password locks, of officers too; the count rises no further; another officer's reset
/// unlocks. On a plain token it is the tenth.
#[test]
fn the_sixth_wrong_password_locks() {
    let (token, admin) = activated();
    token.add_user(&admin, Role::User, "alice", ALICES_PIN).unwrap();
    token.add_user(&admin, Role::Officer, "deputy", ALICES_PIN).unwrap();
    let deputy = login(&token, Role::Officer, "deputy", ALICES_PIN).unwrap();
    for (role, name, right) in [(Role::User, "alice", ALICES_PIN), (Role::Officer, "admin", ADMIN_PIN)] {
        for count in 1..=6 {
            assert!(matches!(login(&token, role, name, b"a-wrong-one"), Err(Error::PinWrong)));
            let info = user(&token, name);
            assert_eq!((info.failures, info.attempts_left, info.locked), (count, 6 - count, count == 6));
        }
        for pin in [b"a-wrong-one", right] {
            assert!(matches!(login(&token, role, name, pin), Err(Error::PinLocked)));
        }
        assert_eq!(user(&token, name).failures, 6);
        token.reset_pin(&deputy, name, NEW_PIN).unwrap();
        assert_eq!((user(&token, name).failures, user(&token, name).locked), (0, false));
        login(&token, role, name, NEW_PIN).unwrap();
    }
    let plain = found(Founding::Plain, Some(b"officer"));
    for _ in 0..PIN_FAILURES_MAX {
        assert!(matches!(plain.login(Credential::first_officer(b"wrong")), Err(Error::PinWrong)));
    }
    assert!(user(&plain, "so").locked);
    assert!(matches!(plain.login(Credential::first_officer(b"officer")), Err(Error::PinLocked)));
}

/// Promise: a password that an officer sets ends the logins of that user, officers too, and what is open cannot set yet
/// another; the user's own change ends none. Where there is no escrow, and so no such password, nothing ends.
#[test]
fn a_password_that_an_officer_sets_ends_the_users_logins() {
    for (escrow, role) in [(true, Role::User), (true, Role::Officer), (false, Role::User), (false, Role::Officer)] {
        let (token, admin) = activated_with(escrow);
        token.add_user(&admin, role, "alice", ALICES_PIN).unwrap();
        let [one, two] = [(); 2].map(|()| login(&token, role, "alice", ALICES_PIN).unwrap());
        token.change_own_pin(&one, NEW_PIN).unwrap();
        token.set_pin(one.user, NEW_PIN, ALICES_PIN).unwrap();
        token.reset_pin(&admin, "admin", ADMIN_PIN).unwrap();
        assert!([&one, &two, &admin].iter().all(|login| token.is_current(login).unwrap()));
        if !escrow && role == Role::User {
            assert!(matches!(token.reset_pin(&admin, "alice", NEW_PIN), Err(Error::Prohibited(_))));
            token.change_own_pin(&two, NEW_PIN).unwrap();
            assert!(token.is_current(&one).unwrap());
            continue;
        }
        token.reset_pin(&admin, "alice", NEW_PIN).unwrap();
        for ended in [&one, &two] {
            assert!(!token.is_current(ended).unwrap());
            assert!(matches!(token.change_own_pin(ended, ALICES_PIN), Err(Error::NotLoggedIn)));
            assert!(matches!(token.verify_pin(ended, NEW_PIN), Err(Error::NotLoggedIn)));
        }
        let three = login(&token, role, "alice", NEW_PIN).unwrap();
        token.change_own_pin(&three, ALICES_PIN).unwrap();
        assert!(token.is_current(&three).unwrap() && token.is_current(&admin).unwrap());
    }
}

/// Promise: whoever is locked stays locked until another, an officer, says otherwise: a login that is open changes no
/// password and lifts no lock of its own.
#[test]
fn nobody_unlocks_himself() {
    for (escrow, role) in [(true, Role::User), (true, Role::Officer), (false, Role::User), (false, Role::Officer)] {
        let (token, admin) = activated_with(escrow);
        token.add_user(&admin, role, "alice", ALICES_PIN).unwrap();
        let alice = login(&token, role, "alice", ALICES_PIN).unwrap();
        for _ in 0..6 {
            assert!(matches!(token.verify_pin(&alice, NEW_PIN), Err(Error::PinWrong)));
        }
        let before = records(&token);
        let mut refused = vec![
            token.change_own_pin(&alice, NEW_PIN),
            token.set_pin(alice.user, ALICES_PIN, NEW_PIN),
            token.verify_pin(&alice, ALICES_PIN),
        ];
        if role == Role::Officer {
            refused.push(token.reset_pin(&alice, "alice", NEW_PIN));
            refused.push(token.unlock(&alice, "alice"));
        }
        assert!(refused.iter().all(|result| matches!(result, Err(Error::PinLocked))), "{refused:?}");
        assert_eq!(records(&token), before);
        token.unlock(&admin, "alice").unwrap();
        token.change_own_pin(&alice, NEW_PIN).unwrap();
        login(&token, role, "alice", NEW_PIN).unwrap();
    }
}

/// Promise: an officer sets another officer's password, also the first one's, with and without escrow of users' keys,
/// on tokens of both foundings.
#[test]
fn an_officer_resets_other_officers() {
    for founding in [Founding::Plain, Founding::CloudHsm] {
        let token = found(founding, Some(ADMIN_PIN));
        let first = token.login(Credential::first_officer(ADMIN_PIN)).unwrap();
        token.add_user(&first, Role::Officer, "deputy", ALICES_PIN).unwrap();
        assert!(token.users().unwrap().iter().all(|user| user.escrowed || user.role == Role::Appliance));
        token.reset_pin(&first, "deputy", NEW_PIN).unwrap();
        let deputy = login(&token, Role::Officer, "deputy", NEW_PIN).unwrap();
        token.reset_pin(&deputy, founding.first_officer(), NEW_PIN).unwrap();
        assert!(matches!(token.login(Credential::first_officer(ADMIN_PIN)), Err(Error::PinWrong)));
        let first = token.login(Credential::first_officer(NEW_PIN)).unwrap();
        token.add_user(&first, Role::User, "bob", ALICES_PIN).unwrap();
    }
}

/// Promise: whoever is logged in changes the own password without the old one: one record changes, the login goes on,
/// and another officer's reset still works after it.
#[test]
fn whoever_is_logged_in_changes_the_own_password() {
    let (token, admin) = activated();
    token.add_user(&admin, Role::User, "alice", ALICES_PIN).unwrap();
    let alice = login(&token, Role::User, "alice", ALICES_PIN).unwrap();
    for (who, role) in [(&alice, Role::User), (&admin, Role::Officer)] {
        let before = records(&token);
        token.change_own_pin(who, NEW_PIN).unwrap();
        assert_eq!(changed(&before, &records(&token)), [layout::user(who.user).to_vec()]);
        assert!(token.is_current(who).unwrap());
        login(&token, role, &who.name, NEW_PIN).unwrap();
        token.reset_pin(&admin, &who.name, ALICES_PIN).unwrap();
        login(&token, role, &who.name, ALICES_PIN).unwrap();
    }
    token.delete_user(&admin, "alice").unwrap();
    assert!(matches!(token.change_own_pin(&alice, NEW_PIN), Err(Error::NotLoggedIn)));
}

/// Promise: whoever can write the files cannot have a login seal somebody else's bundle for the user.
#[test]
fn a_change_of_password_seals_ones_own_bundle_only() {
    let (token, admin) = activated();
    token.add_user(&admin, Role::User, "alice", ALICES_PIN).unwrap();
    let alice = login(&token, Role::User, "alice", ALICES_PIN).unwrap();
    let key = layout::user(alice.user);
    let mut record = token.store().get(&key).unwrap().unwrap();
    *record.last_mut().unwrap() ^= 1;
    token.store().transact(&mut |transaction| Ok(transaction.put(&key, &record)?)).unwrap();
    assert!(matches!(token.change_own_pin(&alice, NEW_PIN), Err(Error::NotLoggedIn)));
    assert_eq!(token.store().get(&key).unwrap().unwrap(), record);
}

/// Promise: the primary officer is never deleted; other officers are, but not by themselves.
#[test]
fn the_primary_officer_is_not_deleted() {
    let (token, admin) = activated();
    assert_eq!(token.add_user(&admin, Role::Officer, "deputy", ALICES_PIN).unwrap(), UserId(3));
    let deputy = login(&token, Role::Officer, "deputy", ALICES_PIN).unwrap();
    let delete = |officer, name| token.delete_user(officer, name);
    for (officer, name) in [(&admin, "admin"), (&deputy, "admin"), (&deputy, "deputy")] {
        assert!(matches!(delete(officer, name), Err(Error::Prohibited(_))), "{name}");
    }
    delete(&admin, "deputy").unwrap();
    assert!(!token.is_current(&deputy).unwrap());
    // Numbers are not given again.
    assert_eq!(token.add_user(&admin, Role::Officer, "deputy", ALICES_PIN).unwrap(), UserId(4));
    assert_eq!(primaries(&token), ["admin"]);
}

fn primaries(token: &Token) -> Vec<String> {
    token.users().unwrap().into_iter().filter(|user| user.primary).map(|user| user.name).collect()
}

/// Promise: on a plain token any officer but oneself can be deleted, the first one too.
#[test]
fn a_plain_tokens_first_officer_can_be_deleted() {
    let token = found(Founding::Plain, Some(b"officer"));
    let officer = token.login(Credential::first_officer(b"officer")).unwrap();
    token.add_user(&officer, Role::Officer, "deputy", ALICES_PIN).unwrap();
    let deputy = login(&token, Role::Officer, "deputy", ALICES_PIN).unwrap();
    token.delete_user(&deputy, "so").unwrap();
    assert!(matches!(token.login(Credential::first_officer(b"officer")), Err(Error::PinNotSet)));
}
