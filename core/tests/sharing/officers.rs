//! Quorum of officers on managing users.

use strongroom_core::access::Service;
use strongroom_core::error::Error;
use strongroom_core::token::layout;

use crate::*;

fn officer(world: &World, name: &str) -> (Arc<Token>, Login) {
    let token = Arc::clone(world.hsm().application(0).unwrap().token());
    let pin = if name == "so" { OFFICER_PIN.to_vec() } else { pin(name) };
    let login = token.login(Credential { role: Role::Officer, name: Some(name.as_bytes()), pin: &pin }).unwrap();
    (token, login)
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

/// Promise: with a quorum of two, no officer alone makes, deletes, unlocks or resets users, nor changes the numbers; one token
/// serves one of these, and the numbers keep their order.
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

/// Promise: no officer alone registers keys to approve with for the others, to be two officers with them; the others register
/// their own.
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
    assert!(matches!(so.0.quorum_value(Service::Officers), Err(Error::Damaged(_))));
    assert!(matches!(so.0.add_user(&so.1, Role::User, "eve", b"eve-and-eve"), Err(Error::Damaged(_))));
}
