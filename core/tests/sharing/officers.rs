//! Quorum of officers on managing users.

use std::ops::ControlFlow;

use strongroom_core::access::Service;
use strongroom_core::error::Error;
use strongroom_core::token::audit::Event;
use strongroom_core::token::layout;
use strongroom_core::token::quorum::USABLE_SECONDS;

use crate::*;

fn officer(world: &World, name: &str) -> (Arc<Token>, Login) {
    let token = Arc::clone(world.hsm().application(0).unwrap().token());
    let pin = if name == "so" { OFFICER_PIN.to_vec() } else { pin(name) };
    let login = token.login(Credential { role: Role::Officer, name: Some(name.as_bytes()), pin: &pin }).unwrap();
    (token, login)
}

/// Gives a wrong PIN for a user.
fn fail(token: &Token, name: &str) {
    let wrong = Credential { role: Role::User, name: Some(name.as_bytes()), pin: b"wrong-pin" };
    assert!(matches!(token.login(wrong), Err(Error::PinWrong)));
}

fn register((token, login): &(Arc<Token>, Login)) {
    let signature = approve(&login.name, b"it is me");
    token.register_approver(login, &login.name, &public_key(&login.name), b"it is me", &signature).unwrap();
}

fn bring((token, login): &(Arc<Token>, Login), quorum: &QuorumToken, names: &[&str]) -> Result<(u8, u8), Error> {
    let signatures: Vec<_> = names.iter().map(|name| approve(name, &quorum.file)).collect();
    let approvals: Vec<_> = names
        .iter()
        .zip(&signatures)
        .map(|(name, signature)| Approval { role: Role::Officer, name, signature })
        .collect();
    token.approve(login, &quorum.file, &approvals).map(|progress| (progress.needed, progress.given))
}

/// Promise: with a quorum of two, no officer alone makes, deletes, unlocks or resets users, nor changes the numbers;
/// one token serves one of these, and the numbers keep their order.
#[test]
fn officers_approve_of_each_other() {
    let world = World::new();
    let so = officer(&world, "so");
    assert!(matches!(so.0.set_quorum_value(&so.1, Service::UserManagement, 2), Err(Error::Approval(_))), "one officer");
    so.0.add_user(&so.1, Role::Officer, "deputy", &pin("deputy")).unwrap();
    let deputy = officer(&world, "deputy");
    register(&so);
    register(&deputy);
    so.0.set_quorum_value(&so.1, Service::Officers, 2).unwrap();
    let set = |value| so.0.set_quorum_value(&so.1, Service::UserManagement, value);
    assert!(matches!(set(2), Err(Error::ApprovalsMissing { needed: 2, given: 0 })));
    let token = so.0.request_approval(&so.1, Service::Officers, None).unwrap();
    assert_eq!(bring(&so, &token, &["so", "deputy"]).unwrap(), (2, 2));
    set(2).unwrap();
    assert!(matches!(set(1), Err(Error::ApprovalsMissing { .. })));
    assert_eq!(so.0.quorum_value(Service::UserManagement).unwrap(), 2);

    let make = || so.0.add_user(&so.1, Role::User, "eve", b"eve-and-eve").map(drop);
    assert!(matches!(make(), Err(Error::ApprovalsMissing { needed: 2, given: 0 })));
    // Where there is nothing to forget, nothing is approved of.
    so.0.unlock(&so.1, "bob").unwrap();
    fail(&so.0, "bob");
    let refused =
        [so.0.delete_user(&so.1, "dave"), so.0.reset_pin(&so.1, "bob", b"another-pin"), so.0.unlock(&so.1, "bob")];
    for result in refused {
        assert!(matches!(result, Err(Error::ApprovalsMissing { .. })), "{result:?}");
    }
    // The own PIN takes none.
    so.0.change_own_pin(&so.1, OFFICER_PIN).unwrap();
    let token = so.0.request_approval(&so.1, Service::UserManagement, None).unwrap();
    // A new one takes its place.
    let token_again = so.0.request_approval(&so.1, Service::UserManagement, None).unwrap();
    assert!(bring(&so, &token, &["so"]).is_err());
    bring(&so, &token_again, &["so"]).unwrap();
    assert!(matches!(make(), Err(Error::ApprovalsMissing { needed: 2, given: 1 })));
    // Users do not approve of this, nor does an officer twice.
    let bobs = approve("bob", &token_again.file);
    let approval = Approval { role: Role::User, name: "bob", signature: &bobs };
    assert!(so.0.approve(&so.1, &token_again.file, &[approval]).is_err());
    bring(&so, &token_again, &["so"]).unwrap();
    assert!(make().is_err());
    bring(&so, &token_again, &["deputy"]).unwrap();
    make().unwrap();
    assert!(matches!(so.0.delete_user(&so.1, "eve"), Err(Error::ApprovalsMissing { .. })));
    assert!(matches!(so.0.delete_user(&so.1, "deputy"), Err(Error::Prohibited(_))), "one officer would be left");
}

/// Promise: no officer alone registers keys to approve with for the others, to be two officers with them; the others
/// register their own.
#[test]
fn an_officer_alone_does_not_register_the_others() {
    let world = World::new();
    let so = officer(&world, "so");
    so.0.add_user(&so.1, Role::Officer, "deputy", &pin("deputy")).unwrap();
    let deputy = officer(&world, "deputy");
    let as_deputy = || {
        let (public, signature) = (public_key("dave"), approve("dave", b"it is me"));
        so.0.register_approver(&so.1, "deputy", &public, b"it is me", &signature)
    };
    as_deputy().unwrap();
    so.0.set_quorum_value(&so.1, Service::UserManagement, 2).unwrap();
    register(&so);
    register(&deputy);
    assert!(matches!(as_deputy(), Err(Error::ApprovalsMissing { needed: 2, given: 0 })));
    let token = so.0.request_approval(&so.1, Service::UserManagement, None).unwrap();
    bring(&so, &token, &["so", "deputy"]).unwrap();
    as_deputy().unwrap();
    assert!(matches!(as_deputy(), Err(Error::ApprovalsMissing { .. })));
}

/// Promise: an editor of the files cannot lower the numbers.
#[test]
fn the_numbers_are_the_officers() {
    let world = World::new();
    let so = officer(&world, "so");
    so.0.add_user(&so.1, Role::Officer, "deputy", &pin("deputy")).unwrap();
    so.0.set_quorum_value(&so.1, Service::Officers, 2).unwrap();
    let store = so.0.store();
    let mut record = store.get(layout::QUORUM_VALUES).unwrap().unwrap();
    record[2] = 1;
    store.transact(&mut |transaction| Ok(transaction.put(layout::QUORUM_VALUES, &record)?)).unwrap();
    let refused = || {
        assert!(matches!(so.0.quorum_value(Service::Officers), Err(Error::Damaged(_))));
        assert!(matches!(so.0.add_user(&so.1, Role::User, "eve", b"eve-and-eve"), Err(Error::Damaged(_))));
        assert!(matches!(so.0.reset_pin(&so.1, "bob", b"another-pin"), Err(Error::Damaged(_))));
        assert!(matches!(so.0.set_quorum_value(&so.1, Service::Officers, 1), Err(Error::Damaged(_))));
    };
    refused();
    // Nor are they lower where they are gone.
    store.transact(&mut |transaction| Ok(transaction.delete(layout::QUORUM_VALUES)?)).unwrap();
    refused();
}

/// Promise: whatever an officer tries without the approvals it takes is in the log.
#[test]
fn what_lacks_approvals_is_logged() {
    let world = World::new();
    let so = officer(&world, "so");
    so.0.add_user(&so.1, Role::Officer, "deputy", &pin("deputy")).unwrap();
    so.0.set_quorum_value(&so.1, Service::UserManagement, 2).unwrap();
    so.0.set_quorum_value(&so.1, Service::Officers, 2).unwrap();
    fail(&so.0, "bob");
    let before = told(&so.0).len();
    let signature = approve("so", b"it is me");
    let refused = [
        so.0.add_user(&so.1, Role::User, "eve", b"eve-and-eve").map(drop),
        so.0.delete_user(&so.1, "dave"),
        so.0.reset_pin(&so.1, "bob", b"another-pin"),
        so.0.unlock(&so.1, "bob"),
        so.0.set_quorum_value(&so.1, Service::UserManagement, 1),
        so.0.register_approver(&so.1, "deputy", &public_key("so"), b"it is me", &signature),
    ];
    assert!(refused.iter().all(|result| matches!(result, Err(Error::ApprovalsMissing { .. }))), "{refused:?}");
    assert_eq!(told(&so.0)[before..], [(Event::QuorumRefused, 0); 6]);
}

/// Promise: a token that an officer's next request replaces is logged as deleted; one that has expired goes without a
/// word.
#[test]
fn a_replaced_request_is_logged() {
    let world = World::new();
    let so = officer(&world, "so");
    so.0.add_user(&so.1, Role::Officer, "deputy", &pin("deputy")).unwrap();
    so.0.set_quorum_value(&so.1, Service::UserManagement, 2).unwrap();
    let before = told(&so.0).len();
    let ask = || u64::from(so.0.request_approval(&so.1, Service::UserManagement, None).unwrap().id);
    let (first, second) = (ask(), ask());
    world.clock.pass(USABLE_SECONDS);
    let third = ask();
    let expected = [
        (Event::QuorumRequested, first),
        (Event::QuorumDeleted, first),
        (Event::QuorumRequested, second),
        (Event::QuorumRequested, third),
    ];
    assert_eq!(told(&so.0)[before..], expected);
}

/// Promise: an officer who sets a user's PIN ends that user's sessions in all processes. The user's own change of it
/// ends none, and no session that is open lifts a lock.
#[test]
fn an_officers_word_holds_against_an_open_session() {
    let world = World::new();
    let (alice, elsewhere) = (world.desk("alice"), world.desk("alice"));
    let so = officer(&world, "so");
    let key = alice.mac_key(&[]);
    alice.session.set_pin(Some(&pin("alice")), Some(b"her own")).unwrap();
    elsewhere.mac(key).unwrap();
    let login = alice.login();
    so.0.reset_pin(&so.1, "alice", b"from-the-officer").unwrap();
    assert!(matches!(alice.token().change_own_pin(&login, b"the-thiefs"), Err(Error::NotLoggedIn)));
    for desk in [&alice, &elsewhere] {
        assert!(desk.mac(key).is_err());
        assert!(desk.session.application().login().is_none());
    }
    let alice = world.desk_with("alice", b"from-the-officer");
    alice.mac(key).unwrap();
    while !matches!(alice.token().verify_pin(&alice.login(), b"a guess"), Err(Error::PinLocked)) {}
    assert!(matches!(alice.token().change_own_pin(&alice.login(), b"the-thiefs"), Err(Error::PinLocked)));
    assert!(so.0.users().unwrap().iter().any(|user| user.name == "alice" && user.locked));
}

/// The log's events, each with its second number.
fn told(token: &Token) -> Vec<(Event, u64)> {
    let mut told = Vec::new();
    let visited = token.audit_entries(&mut |_, entry| {
        let entry = entry.unwrap();
        told.push((entry.event, entry.second));
        ControlFlow::Continue(())
    });
    visited.unwrap();
    told
}
