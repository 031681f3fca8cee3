//! Quorum on keys: no use without enough approvals, one use for one token, and nothing that is not what was approved.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS};
use strongroom_core::error::Error;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::session::{Message, MessageKind, Output};
use strongroom_core::token::audit::Event;
use strongroom_core::token::layout;
use strongroom_core::token::quorum::{APPROVABLE_SECONDS, USABLE_SECONDS};

use crate::*;

/// A key of alice's that bob and carol share, with as many approvals for its use and its management.
fn guarded(alice: &Desk, used: u64, managed: u64, more: &[(u64, &[u8])]) -> u64 {
    let (used, managed, with) = (used.to_ne_bytes(), managed.to_ne_bytes(), numbers(&[BOB, CAROL]));
    let own = [(CKA_SR_SHARED_WITH, &with[..]), (CKA_SR_USE_APPROVALS, &used), (CKA_SR_MANAGEMENT_APPROVALS, &managed)];
    alice.mac_key(&[&own[..], more].concat())
}

fn registered(world: &World) -> [Desk; 4] {
    USERS.map(|name| {
        let desk = world.desk(name);
        desk.register();
        desk
    })
}

fn missing<T: std::fmt::Debug>(result: Result<T, Error>) -> (u8, u8) {
    match result {
        Err(Error::ApprovalsMissing { needed, given }) => (needed, given),
        other => panic!("{other:?}"),
    }
}

/// How often the log says so.
fn logged(desk: &Desk, event: Event) -> usize {
    let mut count = 0;
    let read = desk.token().audit_entries(&mut |_, entry| {
        count += usize::from(entry.unwrap().event == event);
        std::ops::ControlFlow::Continue(())
    });
    read.unwrap();
    count
}

/// Promise: refused with 0 and 1 of 2 approvals, done once with 2, refused again; every step is in the log. The owner
/// is not exempt, and the requester's own approval counts.
#[test]
fn one_token_is_good_for_one_operation() {
    let world = World::new();
    let [alice, bob, ..] = registered(&world);
    let key = guarded(&alice, 2, 0, &[]);
    assert_eq!(missing(alice.mac(key)), (2, 0));
    assert_eq!(missing(bob.mac(key)), (2, 0));
    let token = bob.token().request_approval(&bob.login(), Service::UseKey, Some(key)).unwrap();
    assert_eq!(missing(bob.mac(key)), (2, 0));
    assert_eq!(bob.bring(&token, &["bob"]).unwrap(), (2, 1));
    assert_eq!(missing(bob.mac(key)), (2, 1));
    assert_eq!(bob.bring(&token, &["alice"]).unwrap(), (2, 2));
    // It is bob's, for the use of this key.
    assert_eq!(missing(alice.mac(key)), (2, 0));
    bob.mac(key).unwrap();
    assert_eq!(missing(bob.mac(key)), (2, 0));
    let replayed = bob.bring(&token, &["alice", "bob"]);
    assert!(matches!(replayed, Err(Error::Approval(_))), "{replayed:?}");
    let count = |event| logged(&bob, event);
    assert_eq!((count(Event::QuorumRequested), count(Event::QuorumApproved), count(Event::QuorumUsed)), (1, 2, 1));
    assert_eq!(count(Event::QuorumRefused), 7);
    // Verifying public things and reading attributes take none.
    bob.session.object(key).unwrap();
}

/// Promise: who lost the key between the beginning of an operation and its end approves of it no more, and does not end
/// it.
#[test]
fn an_operation_that_began_earlier_counts_the_users_of_now() {
    let world = World::new();
    let [alice, bob, ..] = registered(&world);
    let key = guarded(&alice, 2, 0, &[]);
    let elsewhere = world.desk("alice");
    let end = |desk: &Desk| desk.session.sign(b"data", Output::Buffer(&mut [0; 32]));
    for desk in [&alice, &bob] {
        let token = desk.token().request_approval(&desk.login(), Service::UseKey, Some(key)).unwrap();
        desk.bring(&token, &["alice", "carol"]).unwrap();
        desk.session.sign_init(&call(CKM_SHA256_HMAC), key).unwrap();
    }
    elsewhere.session.unshare(key, CAROL).unwrap();
    assert_eq!(missing(end(&alice)), (2, 1));
    assert_eq!(missing(end(&bob)), (2, 1));
    elsewhere.session.share(key, CAROL).unwrap();
    bob.session.sign_init(&call(CKM_SHA256_HMAC), key).unwrap();
    elsewhere.session.unshare(key, BOB).unwrap();
    let ended = end(&bob);
    assert!(matches!(ended, Err(Error::OperationNotInitialized)), "{ended:?}");
    // The approvals are all there still.
    assert_eq!(alice.mac(key).unwrap().len(), 32);
}

/// Promise: a signature by somebody who does not own or share the key, by nobody, twice by the same, over something
/// else, with another key, or of a user who has not registered, is no approval; one bad one among good ones spoils all
/// of that call.
#[test]
fn what_is_no_approval() {
    let world = World::new();
    let [alice, bob, carol, _] = registered(&world);
    let key = guarded(&alice, 2, 0, &[]);
    let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    let by = |name, signature: &[u8], file: &[u8]| {
        let approval = Approval { role: Role::User, name, signature };
        alice.token().approve(&alice.login(), file, &[approval])
    };
    let good = approve("bob", &token.file);
    let mut altered = token.file;
    altered[20] ^= 1;
    let mut broken = good.clone();
    broken[100] ^= 1;
    let other_token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    for (what, result) in [
        ("a stranger", by("dave", &approve("dave", &token.file), &token.file)),
        ("nobody", by("eve", &good, &token.file)),
        ("another's key", by("carol", &good, &token.file)),
        ("a broken signature", by("bob", &broken, &token.file)),
        ("an altered file", by("bob", &approve("bob", &altered), &altered)),
        ("another file", by("bob", &approve("bob", &other_token.file), &token.file)),
        ("a short file", by("bob", &good, &token.file[..79])),
        ("an empty signature", by("bob", &[], &token.file)),
    ] {
        assert!(matches!(result, Err(Error::Approval(_) | Error::NoSuchUser(_))), "{what}: {result:?}");
    }
    let role = Approval { role: Role::Officer, name: "bob", signature: &good };
    assert!(alice.token().approve(&alice.login(), &token.file, &[role]).is_err());
    // Not the requester.
    assert!(matches!(bob.bring(&token, &["bob"]), Err(Error::Approval(_))));
    // All or none.
    assert!(alice.bring(&token, &["bob", "dave"]).is_err());
    assert_eq!(missing(alice.mac(key)), (2, 0));
    assert_eq!(alice.bring(&token, &["bob", "bob"]).unwrap(), (2, 1));
    assert_eq!(missing(alice.mac(key)), (2, 1));
    // Who is no longer associated, locked or not registered any more does not count when it comes to use.
    assert_eq!(alice.bring(&token, &["carol"]).unwrap(), (2, 2));
    for _ in 0..10 {
        let _ = carol.token().verify_pin(&carol.login(), b"wrong-pin");
    }
    assert_eq!(missing(alice.mac(key)), (2, 1));
    let officer = world.desk("so");
    officer.token().unlock(&officer.login(), "carol").unwrap();
    alice.session.unshare(key, BOB).unwrap();
    assert_eq!(missing(alice.mac(key)), (2, 1));
    alice.session.share(key, BOB).unwrap();
    alice.mac(key).unwrap();
}

/// Promise: a token is approved for ten minutes and used for twenty, and one from the future is good for nothing.
#[test]
fn tokens_expire() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let key = guarded(&alice, 1, 0, &[]);
    let request = || alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    let (slow, early) = (request(), request());
    alice.bring(&early, &["alice"]).unwrap();
    world.clock.pass(APPROVABLE_SECONDS - 1);
    let progress = alice.token().progress(&slow).unwrap();
    assert_eq!((progress.0.needed, progress.0.given, progress.1), (1, 0, 1));
    world.clock.pass(1);
    assert!(matches!(alice.bring(&slow, &["alice"]), Err(Error::Approval(_))));
    world.clock.pass(USABLE_SECONDS - APPROVABLE_SECONDS - 1);
    alice.mac(key).unwrap();
    let late = request();
    alice.bring(&late, &["alice"]).unwrap();
    world.clock.pass(USABLE_SECONDS);
    assert!(alice.token().quorum_tokens().unwrap().is_empty());
    assert_eq!(missing(alice.mac(key)), (1, 0));
    assert!(matches!(alice.bring(&late, &["alice"]), Err(Error::Approval(_))));
    let future = request();
    alice.bring(&future, &["alice"]).unwrap();
    world.clock.set_back(60);
    assert_eq!(missing(alice.mac(key)), (1, 0));
}

/// Promise: every door of the session asks: signatures, MACs and their verification, encryption, in parts, by messages,
/// derivation, wrapping with and of the key, unwrapping, sharing, changing, destroying; copies are refused.
#[test]
fn every_use_of_the_key_takes_approvals() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let with = numbers(&[BOB]);
    let one = 1_u64.to_ne_bytes();
    let terms = [(CKA_SR_SHARED_WITH, &with[..]), (CKA_SR_USE_APPROVALS, &one), (CKA_SR_MANAGEMENT_APPROVALS, &one)];
    let uses = [
        (CKA_ENCRYPT, TRUE),
        (CKA_DECRYPT, TRUE),
        (CKA_WRAP, TRUE),
        (CKA_UNWRAP, TRUE),
        (CKA_SIGN, TRUE),
        (CKA_VERIFY, TRUE),
        (CKA_DERIVE, TRUE),
        (CKA_EXTRACTABLE, TRUE),
    ];
    let key = alice.secret(CKK_AES, &[5; 32], &[&terms[..], &uses].concat()).unwrap();
    let open = [(CKA_SENSITIVE, FALSE), (CKA_EXTRACTABLE, TRUE)];
    let readable = alice.secret(CKK_GENERIC_SECRET, &[6; 32], &[&terms[..], &open].concat()).unwrap();
    let free = alice.secret(CKK_AES, &[7; 32], &uses).unwrap();
    let s = &alice.session;
    let class = CKO_SECRET_KEY.to_ne_bytes();
    let key_type = CKK_GENERIC_SECRET.to_ne_bytes();
    let unwrapped = [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type)];
    let mut wrapped = vec![0; 64];
    let length = s.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), free, free, Output::Buffer(&mut wrapped)).unwrap();
    wrapped.truncate(length);
    let gcm = || Call { mechanism: find(CKM_AES_GCM).unwrap(), parameter: Parameter::None };
    let ecb = || call(CKM_AES_ECB);
    let message = |encrypt: bool| -> Result<usize, Error> {
        let (mut iv, mut tag) = ([1; 12], [0; 16]);
        let mut message =
            Message { kind: MessageKind::Gcm, iv: &mut iv, fixed_bits: 0, generator: CKG_NO_GENERATE, tag: &mut tag };
        let out = &mut [0; 4][..];
        match encrypt {
            true => {
                s.message_encrypt_init(gcm().mechanism, key)?;
                let done = s.encrypt_message(&mut message, b"", b"data", Output::Buffer(out));
                s.message_encrypt_cancel().and(done)
            }
            false => {
                s.message_decrypt_init(gcm().mechanism, key)?;
                let done = s.decrypt_message(&mut message, b"", b"data", Output::Buffer(out));
                s.message_decrypt_cancel()?;
                // The tag is wrong, which is an answer.
                match done {
                    Err(Error::AeadDecryption) => Ok(0),
                    other => other,
                }
            }
        }
    };
    type Use<'a> = Box<dyn Fn() -> Result<(), Error> + 'a>;
    let uses: Vec<(&str, Service, u64, Use<'_>)> = vec![
        (
            "encrypt",
            Service::UseKey,
            key,
            Box::new(|| {
                s.encrypt_init(&ecb(), key)?;
                s.encrypt(&[0; 16], Output::Buffer(&mut [0; 16])).map(drop)
            }),
        ),
        (
            "decrypt in parts",
            Service::UseKey,
            key,
            Box::new(|| {
                s.decrypt_init(&ecb(), key)?;
                s.decrypt_update(&[0; 16], Output::Buffer(&mut [0; 16]))?;
                s.decrypt_update(&[0; 16], Output::Buffer(&mut [0; 16]))?;
                s.decrypt_final(Output::Buffer(&mut [0; 16])).map(drop)
            }),
        ),
        (
            "sign",
            Service::UseKey,
            key,
            Box::new(|| {
                s.sign_init(&call(CKM_AES_CMAC), key)?;
                s.sign_update(b"da")?;
                s.sign_update(b"ta")?;
                s.sign_final(Output::Buffer(&mut [0; 16])).map(drop)
            }),
        ),
        (
            "verify",
            Service::UseKey,
            key,
            Box::new(|| {
                s.verify_init(&call(CKM_AES_CMAC), key)?;
                match s.verify(b"data", &[0; 16]) {
                    Err(Error::SignatureInvalid) => Ok(()),
                    other => other,
                }
            }),
        ),
        ("encrypt a message", Service::UseKey, key, Box::new(|| message(true).map(drop))),
        ("decrypt a message", Service::UseKey, key, Box::new(|| message(false).map(drop))),
        (
            "derive",
            Service::UseKey,
            key,
            Box::new(|| {
                let parameter = Parameter::Bytes(&[3; 32]);
                let encrypt = Call { mechanism: find(CKM_AES_ECB_ENCRYPT_DATA).unwrap(), parameter };
                s.derive_key(&encrypt, key, &template(&unwrapped)).map(drop)
            }),
        ),
        (
            "wrap with it",
            Service::ManageKey,
            key,
            Box::new(|| s.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), key, free, Output::Buffer(&mut [0; 64])).map(drop)),
        ),
        (
            "wrap it",
            Service::ManageKey,
            key,
            Box::new(|| s.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), free, key, Output::Buffer(&mut [0; 64])).map(drop)),
        ),
        (
            "unwrap with it",
            Service::ManageKey,
            key,
            Box::new(|| match s.unwrap_key(&call(CKM_AES_KEY_WRAP_KWP), key, &wrapped, &template(&unwrapped)) {
                Err(Error::WrappedKeyInvalid) => Ok(()),
                other => other.map(drop),
            }),
        ),
        ("share", Service::ManageKey, key, Box::new(|| s.share(key, CAROL))),
        ("unshare", Service::ManageKey, key, Box::new(|| s.unshare(key, CAROL))),
        ("change", Service::ManageKey, key, Box::new(|| s.set_attributes(key, &template(&[(CKA_LABEL, b"x")])))),
        ("destroy", Service::ManageKey, readable, Box::new(|| s.destroy_object(readable))),
    ];
    let approve = |service, key| {
        let token = alice.token().request_approval(&alice.login(), service, Some(key)).unwrap();
        alice.bring(&token, &["bob"]).unwrap();
    };
    for (what, service, key, using) in &uses {
        let refused = using();
        assert!(matches!(refused, Err(Error::ApprovalsMissing { needed: 1, given: 0 })), "{what}: {refused:?}");
        // The other kind of approval does not do.
        let other = if *service == Service::UseKey { Service::ManageKey } else { Service::UseKey };
        approve(other, *key);
        assert!(matches!(using(), Err(Error::ApprovalsMissing { .. })), "{what}");
        alice.token().delete_quorum_tokens(&alice.login(), None, false).unwrap();
        approve(*service, *key);
        using().unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(alice.token().quorum_tokens().unwrap().is_empty(), "{what}");
        if *what != "destroy" {
            assert!(using().is_err(), "{what} again");
        }
    }
    let copy = s.copy_object(key, &template(&[]));
    assert!(matches!(copy, Err(Error::Prohibited(_))), "{copy:?}");
}

/// Promise: wrapping one guarded key with another takes a token for each, and where one is missing the other is not
/// used up.
#[test]
fn wrapping_takes_two_tokens() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let one = 1_u64.to_ne_bytes();
    let terms = [(CKA_SR_MANAGEMENT_APPROVALS, &one[..]), (CKA_WRAP, TRUE), (CKA_EXTRACTABLE, TRUE)];
    let wrapping = alice.secret(CKK_AES, &[1; 32], &terms).unwrap();
    let payload = alice.secret(CKK_AES, &[2; 32], &terms).unwrap();
    let wrap = || {
        let out = Output::Buffer(&mut [0; 40]);
        alice.session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), wrapping, payload, out)
    };
    let request = |key| {
        let token = alice.token().request_approval(&alice.login(), Service::ManageKey, Some(key)).unwrap();
        alice.bring(&token, &["alice"]).unwrap();
    };
    // How long it will be takes none.
    let length = alice.session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), wrapping, payload, Output::Length).unwrap();
    assert_eq!(length, 40);
    request(wrapping);
    assert_eq!(missing(wrap()), (1, 0));
    assert_eq!(alice.token().quorum_tokens().unwrap().len(), 1);
    request(payload);
    assert_eq!(wrap().unwrap(), 40);
    assert!(alice.token().quorum_tokens().unwrap().is_empty());
}

/// Promise: an operation that fails before it used the key gives its token back; asking for a length and a buffer that
/// is too small use nothing up; a forgery that was tried does.
#[test]
fn what_fails_uses_nothing_up() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let key = guarded(&alice, 1, 0, &[]);
    let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    alice.bring(&token, &["carol"]).unwrap();
    let left = || alice.token().quorum_tokens().unwrap().len();
    let s = &alice.session;
    s.sign_init(&call(CKM_SHA256_HMAC), key).unwrap();
    assert_eq!(s.sign(b"data", Output::Length).unwrap(), 32);
    assert_eq!(left(), 1);
    assert!(matches!(s.sign(b"data", Output::Buffer(&mut [0; 8])), Err(Error::BufferTooSmall { .. })));
    assert_eq!(left(), 1, "given back");
    s.sign_cancel().unwrap();
    let aes = alice.secret(
        CKK_AES,
        &[8; 32],
        &[(CKA_SR_USE_APPROVALS, &1_u64.to_ne_bytes()), (CKA_DECRYPT, TRUE), (CKA_ENCRYPT, TRUE)],
    );
    let aes = aes.unwrap();
    let for_aes = alice.token().request_approval(&alice.login(), Service::UseKey, Some(aes)).unwrap();
    alice.bring(&for_aes, &["alice"]).unwrap();
    s.encrypt_init(&call(CKM_AES_ECB), aes).unwrap();
    assert!(matches!(s.encrypt(&[0; 15], Output::Buffer(&mut [0; 32])), Err(Error::DataLength)));
    assert_eq!(left(), 2, "given back");
    s.encrypt_init(&call(CKM_AES_ECB), aes).unwrap();
    s.encrypt(&[0; 16], Output::Buffer(&mut [0; 32])).unwrap();
    assert_eq!(left(), 1);
    s.verify_init(&call(CKM_SHA256_HMAC), key).unwrap();
    assert!(matches!(s.verify(b"data", &[0; 32]), Err(Error::SignatureInvalid)));
    assert_eq!(left(), 0);
    let again = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    alice.bring(&again, &["carol"]).unwrap();
    s.sign_init(&call(CKM_SHA256_HMAC), key).unwrap();
    assert!(matches!(s.sign(b"data", Output::Buffer(&mut [0; 8])), Err(Error::BufferTooSmall { .. })));
    assert_eq!(left(), 1);
    s.sign(b"data", Output::Buffer(&mut [0; 32])).unwrap();
    assert_eq!(left(), 0);
}

/// Promise: two who use one token at the same time: one of them does.
#[test]
fn one_token_serves_one_of_many() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let key = guarded(&alice, 1, 0, &[]);
    for _ in 0..8 {
        let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
        alice.bring(&token, &["bob"]).unwrap();
        let sessions: Vec<_> = (0..4).map(|_| alice.another_session()).collect();
        for session in &sessions {
            session.sign_init(&call(CKM_SHA256_HMAC), key).unwrap();
        }
        let done: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = sessions
                .iter()
                .map(|session| scope.spawn(|| session.sign(b"data", Output::Buffer(&mut [0; 32])).is_ok()))
                .collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
        });
        assert_eq!(done, 1);
    }
}

/// Promise: an editor of the files who knows no approver's key cannot make a token good: not by a record of his own,
/// not by another key's or another token's, not by registering a key of his.
#[test]
fn an_editor_cannot_approve() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let (key, other) = (guarded(&alice, 2, 0, &[]), guarded(&alice, 2, 0, &[]));
    let approved = alice.token().request_approval(&alice.login(), Service::UseKey, Some(other)).unwrap();
    alice.bring(&approved, &["bob", "carol"]).unwrap();
    let wanted = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    alice.bring(&wanted, &["bob"]).unwrap();
    let store = alice.token().store();
    let record = |id| store.get(&layout::quorum_token(id)).unwrap().unwrap();
    let (good, short) = (record(approved.id), record(wanted.id));
    let put = |key: &[u8], value: &[u8]| store.transact(&mut |t| Ok(t.put(key, value)?)).unwrap();
    let refused = || alice.mac(key).is_err();
    // The other key's approvals under this one's number; this one's record with its signature twice, and with that of
    // the other's; with more approvals than there are.
    put(&layout::quorum_token(wanted.id), &good);
    assert!(refused());
    let (head, approval) = short.split_at(1 + 4 + 32 + 80 + 1);
    let mut twice = [head, approval, approval].concat();
    twice[head.len() - 1] = 2;
    put(&layout::quorum_token(wanted.id), &twice);
    assert!(refused());
    let foreign = &good[head.len() + 4 + 4 + 256..];
    let mut mixed = [head, approval, foreign].concat();
    mixed[head.len() - 1] = 2;
    put(&layout::quorum_token(wanted.id), &mixed);
    assert_eq!(missing(alice.mac(key)), (2, 1));
    // A key of alice's registered as carol's: nobody vouches for it.
    let genuine = store.get(&layout::approver(CAROL)).unwrap().unwrap();
    let own = store.get(&layout::approver(ALICE)).unwrap().unwrap();
    put(&layout::approver(CAROL), &own);
    put(&layout::quorum_token(wanted.id), &short);
    assert!(alice.bring(&wanted, &["carol"]).is_err());
    put(&layout::approver(CAROL), &genuine);
    assert_eq!(alice.bring(&wanted, &["carol"]).unwrap(), (2, 2));
    alice.mac(key).unwrap();
}

/// Promise: who may ask for which token, and what registering a key takes.
#[test]
fn requests_and_registrations_have_rules() {
    let world = World::new();
    let [alice, bob, _, dave] = registered(&world);
    let (key, free) = (guarded(&alice, 2, 0, &[]), alice.mac_key(&[]));
    let ask = |desk: &Desk, service, key| desk.token().request_approval(&desk.login(), service, key).map(drop);
    assert!(matches!(ask(&dave, Service::UseKey, Some(key)), Err(Error::NoObject(_))));
    assert!(matches!(ask(&alice, Service::UseKey, None), Err(Error::Approval(_))));
    assert!(matches!(ask(&alice, Service::UseKey, Some(free)), Err(Error::Approval(_))));
    assert!(matches!(ask(&alice, Service::ManageKey, Some(key)), Err(Error::Approval(_))));
    assert!(matches!(ask(&alice, Service::UserManagement, None), Err(Error::NotLoggedIn)));
    ask(&bob, Service::UseKey, Some(key)).unwrap();
    let register = |desk: &Desk, name, public: &[u8], challenge: &[u8], signature: &[u8]| {
        desk.token().register_approver(&desk.login(), name, public, challenge, signature)
    };
    let (public, signature) = (public_key("bob"), approve("bob", b"hello"));
    assert!(matches!(register(&alice, "bob", &public, b"hello", &signature), Err(Error::NotLoggedIn)));
    assert!(matches!(register(&bob, "bob", &public, b"other", &signature), Err(Error::Approval(_))));
    assert!(matches!(register(&bob, "bob", &public_key("alice"), b"hello", &signature), Err(Error::Approval(_))));
    assert!(matches!(register(&bob, "bob", &public[..100], b"hello", &signature), Err(Error::Approval(_))));
    assert!(matches!(register(&bob, "bob", &public, &[0; 246], &signature), Err(Error::Approval(_))));
    // An officer registers for a user, and the user for himself.
    register(&world.desk("so"), "bob", &public, b"hello", &signature).unwrap();
    let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    assert_eq!(alice.bring(&token, &["bob", "carol"]).unwrap(), (2, 2));
    alice.mac(key).unwrap();
}

/// Promise: one signature is one approval: nobody registers another's key, neither himself nor as an officer, also
/// where the other shows it with a signature of its holder's.
#[test]
fn nobody_approves_with_anothers_key() {
    let world = World::new();
    let [alice, bob, ..] = registered(&world);
    let so = world.desk("so");
    let signature = approve("alice", b"it is me");
    for (desk, name) in [(&bob, "bob"), (&so, "bob"), (&so, "so")] {
        let registered =
            desk.token().register_approver(&desk.login(), name, &public_key("alice"), b"it is me", &signature);
        assert!(matches!(registered, Err(Error::Approval(why)) if why.contains("another user")), "{registered:?}");
    }
    // One's own again is nobody else's, and bob's is what it was.
    alice.register();
    let key = guarded(&alice, 2, 0, &[]);
    let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    assert_eq!(alice.bring(&token, &["alice", "bob"]).unwrap(), (2, 2));
}

/// Promise: no key to approve with is so long, in modulus or exponent, that checking its signatures keeps others from
/// writing.
#[test]
fn keys_that_take_long_to_check_with_are_refused() {
    let world = World::new();
    let alice = world.desk("alice");
    for (bytes, exponent) in [(1024, &[1, 0, 1][..]), (256, &[1, 0, 0, 0, 1]), (256, &[0xff; 200])] {
        let modulus = vec![0xd5; bytes];
        let public = PublicKeyInfo::Rsa { modulus: &modulus, public_exponent: exponent }.encode().unwrap();
        let registered = alice.session.register_approver(ALICE, &public, b"it is me", &[1; 256]);
        let fit = "2048 to 4096 bits with an exponent below 2^32";
        assert!(matches!(registered, Err(Error::Approval(why)) if why.contains(fit)), "{registered:?}");
    }
}

/// Promise: nobody locks himself out: a key cannot take more approvals than users have it, at its making or later.
#[test]
fn a_quorum_can_always_be_met() {
    let world = World::new();
    let [alice, ..] = registered(&world);
    let three = 3_u64.to_ne_bytes();
    let too_many = alice.secret(CKK_AES, &[1; 32], &[(CKA_SR_USE_APPROVALS, &three)]);
    assert!(matches!(too_many, Err(Error::AttributeValue { .. })));
    let nine = alice.secret(CKK_AES, &[1; 32], &[(CKA_SR_USE_APPROVALS, &9_u64.to_ne_bytes())]);
    assert!(matches!(nine, Err(Error::AttributeValue { .. })));
    let key = guarded(&alice, 3, 0, &[]);
    assert!(matches!(alice.session.unshare(key, BOB), Err(Error::Prohibited(_))));
    let officer = world.desk("so");
    let deleted = officer.token().delete_user(&officer.login(), "bob");
    assert!(matches!(deleted, Err(Error::Prohibited(_))));
    alice.session.share(key, DAVE).unwrap();
    officer.token().delete_user(&officer.login(), "bob").unwrap();
    assert!(alice.session.unshare(key, DAVE).is_err());
}
