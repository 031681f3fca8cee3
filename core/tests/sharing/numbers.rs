//! The number of a user who is gone, given again by somebody who writes the files: what was shared with the one is not
//! the other's.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS};
use strongroom_core::error::Error;
use strongroom_core::token::layout;

use crate::*;

/// An officer makes a user, as officers do, and the counter of numbers says that bob's is the next.
fn mallory_as_bob(world: &World) -> Desk {
    let so = world.desk("so");
    so.token().store().transact(&mut |store| Ok(store.put(layout::NEXT_USER, &BOB.0.to_le_bytes())?)).unwrap();
    assert_eq!(so.token().add_user(&so.login(), Role::User, "mallory", &pin("mallory")).unwrap(), BOB);
    world.desk("mallory")
}

/// Promise: who gets a deleted user's number neither uses what was shared with that user, nor after its owner changes
/// it, nor approves of it; the owner may share it with the new user.
#[test]
fn a_number_given_again_inherits_nothing() {
    let world = World::new();
    let (alice, carol) = (world.desk("alice"), world.desk("carol"));
    alice.register();
    carol.register();
    let (with, two) = (numbers(&[BOB, CAROL]), 2_u64.to_ne_bytes());
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &with)]);
    let guarded = alice.mac_key(&[(CKA_SR_SHARED_WITH, &with), (CKA_SR_USE_APPROVALS, &two)]);
    let so = world.desk("so");
    so.token().delete_user(&so.login(), "bob").unwrap();
    let mallory = mallory_as_bob(&world);
    assert!(mallory.mac(key).is_err());
    let challenge = b"it is me";
    let signature = approve("dave", challenge);
    let mallorys = mallory.login();
    mallory.token().register_approver(&mallorys, "mallory", &public_key("dave"), challenge, &signature).unwrap();
    let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(guarded)).unwrap();
    assert_eq!(alice.bring(&token, &["alice"]).unwrap(), (2, 1));
    let signature = approve("dave", &token.file);
    let approval = Approval { role: Role::User, name: "mallory", signature: &signature };
    let approved = alice.token().approve(&alice.login(), &token.file, &[approval]);
    assert!(matches!(approved, Err(Error::Approval(_))), "{approved:?}");
    assert!(matches!(alice.mac(guarded), Err(Error::ApprovalsMissing { needed: 2, given: 1 })));

    let alice = world.desk("alice");
    alice.session.set_attributes(key, &template(&[(CKA_LABEL, b"orders")])).unwrap();
    assert!(mallory.mac(key).is_err(), "the new label was for those with whom it is shared");
    assert_eq!(carol.mac(key).unwrap(), alice.mac(key).unwrap());
    assert_eq!(alice.session.object(key).unwrap().ownership.sharees.as_numbers(), [u64::from(CAROL.0)]);
    alice.session.share(key, BOB).unwrap();
    assert_eq!(mallory.mac(key).unwrap(), alice.mac(key).unwrap());
}

/// Promise: the same where the editor deletes the living user's records.
#[test]
fn a_number_taken_away_inherits_nothing() {
    let world = World::new();
    let alice = world.desk("alice");
    let key = alice.mac_key(&[(CKA_SR_SHARED_WITH, &numbers(&[BOB]))]);
    let store = alice.token().store();
    let removed = store.transact(&mut |store| {
        store.delete(&layout::user(BOB))?;
        Ok(store.delete(&layout::pair(ALICE, BOB))?)
    });
    removed.unwrap();
    let mallory = mallory_as_bob(&world);
    let alice = world.desk("alice");
    alice.session.set_attributes(key, &template(&[(CKA_LABEL, b"orders")])).unwrap();
    assert!(mallory.mac(key).is_err());
}
