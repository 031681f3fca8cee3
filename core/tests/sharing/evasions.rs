//! Ways around quorum: uses of a key that would tell something of it, or do its work, without using an approval up.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS,
};
use strongroom_core::error::Error;
use strongroom_core::limits::QUORUM_TOKENS_OF_USER_MAX;
use strongroom_core::mechanism::{Call, Parameter, find};
use strongroom_core::session::{Message, MessageKind, Output};
use strongroom_core::token::quorum::USABLE_SECONDS;

use crate::*;

/// Promise: an approval to unwrap is good for one ciphertext, also where what comes out does not fit the template: a wrong
/// check value is an answer. RSA without padding would tell all of a plaintext so, byte by byte.
#[test]
fn an_answer_about_what_was_unwrapped_uses_the_approval() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let (one, bits, byte) = (1_u64.to_ne_bytes(), 2048_u64.to_ne_bytes(), 1_u64.to_ne_bytes());
    let public = template(&[(CKA_MODULUS_BITS, &bits[..]), (CKA_WRAP, TRUE)]);
    let private = [(CKA_TOKEN, TRUE), (CKA_UNWRAP, TRUE), (CKA_SR_MANAGEMENT_APPROVALS, &one)];
    let pair = call(CKM_RSA_PKCS_KEY_PAIR_GEN);
    let (_, key) = alice.session.generate_key_pair(&pair, &public, &template(&private)).unwrap();
    let token = alice.token().request_approval(&alice.login(), Service::ManageKey, Some(key)).unwrap();
    alice.bring(&token, &["alice"]).unwrap();
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
    let told = |guess: u8| {
        let mut digest = [0; 20];
        hash::digest(Algorithm::Sha1, &[guess], &mut digest).unwrap();
        let own = [
            (CKA_CLASS, &class[..]),
            (CKA_KEY_TYPE, &key_type),
            (CKA_VALUE_LEN, &byte),
            (CKA_CHECK_VALUE, &digest[..3]),
        ];
        alice.session.unwrap_key(&call(CKM_RSA_X_509), key, &[7; 256], &template(&own))
    };
    let answers: Vec<_> = (0..=255).map(|guess| told(guess).err()).collect();
    let about_the_value = |error: &&Option<Error>| !matches!(error, Some(Error::ApprovalsMissing { .. }));
    assert_eq!(answers.iter().filter(about_the_value).count(), 1);
}

/// Promise: the same of what is derived: a wrong check value uses the approval up.
#[test]
fn an_answer_about_what_was_derived_uses_the_approval() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let key = alice.mac_key(&[(CKA_SR_USE_APPROVALS, &1_u64.to_ne_bytes())]);
    let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
    alice.bring(&token, &["alice"]).unwrap();
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
    let own = [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type), (CKA_CHECK_VALUE, b"no!")];
    let derive = || alice.session.derive_key(&call(CKM_SHA256_KEY_DERIVATION), key, &template(&own));
    assert!(matches!(derive(), Err(Error::AttributeValue { .. })));
    assert!(matches!(derive(), Err(Error::ApprovalsMissing { .. })));
}

/// Promise: who is told how long a plaintext is has used the key, and may still have the plaintext.
#[test]
fn the_length_of_a_plaintext_uses_the_approval() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let uses = [(CKA_ENCRYPT, TRUE), (CKA_DECRYPT, TRUE)];
    let one = 1_u64.to_ne_bytes();
    let key = alice.secret(CKK_AES, &[5; 32], &[&uses[..], &[(CKA_SR_USE_APPROVALS, &one)]].concat()).unwrap();
    let same = alice.secret(CKK_AES, &[5; 32], &uses).unwrap();
    let s = &alice.session;
    for mechanism in [cbc_pad(), call(CKM_AES_KEY_WRAP_KWP)] {
        let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
        alice.bring(&token, &["alice"]).unwrap();
        let mut sealed = vec![0; 64];
        s.encrypt_init(&mechanism, same).unwrap();
        let length = s.encrypt(b"seventeen bytes !", Output::Buffer(&mut sealed)).unwrap();
        sealed.truncate(length);
        s.decrypt_init(&mechanism, key).unwrap();
        let told = s.decrypt(&sealed, Output::Buffer(&mut []));
        assert!(matches!(told, Err(Error::BufferTooSmall { needed: 17 })), "{told:?}");
        assert_eq!(s.decrypt(&sealed, Output::Buffer(&mut [0; 17])).unwrap(), 17);
        let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
        alice.bring(&token, &["alice"]).unwrap();
        s.decrypt_init(&mechanism, key).unwrap();
        assert!(s.decrypt(&sealed, Output::Buffer(&mut [])).is_err());
        s.decrypt_cancel().unwrap();
        assert!(matches!(s.decrypt_init(&mechanism, key), Err(Error::ApprovalsMissing { .. })));
    }
}

/// Promise: a key whose use alone takes approvals encrypts and decrypts for nobody by wrapping and unwrapping, nor leaves to
/// be used elsewhere; with the approvals of a use it does.
#[test]
fn wrapping_stands_in_for_no_other_use() {
    let world = World::new();
    let (alice, bob) = (world.desk("alice"), world.desk("bob"));
    alice.register();
    let (with, one) = (numbers(&[BOB]), 1_u64.to_ne_bytes());
    let terms = [(CKA_SR_SHARED_WITH, &with[..]), (CKA_SR_USE_APPROVALS, &one)];
    let uses = [(CKA_WRAP, TRUE), (CKA_UNWRAP, TRUE), (CKA_EXTRACTABLE, TRUE)];
    let key = alice.secret(CKK_AES, &[5; 32], &[&terms[..], &uses].concat()).unwrap();
    let data = bob.secret(CKK_GENERIC_SECRET, b"a message of bob's", &[(CKA_EXTRACTABLE, TRUE)]).unwrap();
    let own = alice.secret(CKK_AES, &[6; 32], &uses).unwrap();
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
    let readable =
        [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type), (CKA_SENSITIVE, FALSE), (CKA_EXTRACTABLE, TRUE)];
    let encrypt = || bob.session.wrap_key(&cbc_pad(), key, data, Output::Buffer(&mut [0; 32])).map(drop);
    let decrypt = || bob.session.unwrap_key(&cbc_pad(), key, &[0; 32], &template(&readable)).map(drop);
    let leave = || {
        let out = Output::Buffer(&mut [0; 64]);
        alice.session.wrap_key(&call(CKM_AES_KEY_WRAP_KWP), own, key, out).map(drop)
    };
    let approve = |desk: &Desk| {
        let token = desk.token().request_approval(&desk.login(), Service::UseKey, Some(key)).unwrap();
        desk.bring(&token, &["alice"]).unwrap();
    };
    assert!(matches!(encrypt(), Err(Error::ApprovalsMissing { .. })));
    assert!(matches!(decrypt(), Err(Error::ApprovalsMissing { .. })));
    assert!(matches!(leave(), Err(Error::ApprovalsMissing { .. })));
    approve(&bob);
    encrypt().unwrap();
    assert!(matches!(encrypt(), Err(Error::ApprovalsMissing { .. })));
    approve(&alice);
    leave().unwrap();
    assert!(matches!(leave(), Err(Error::ApprovalsMissing { .. })));
}

/// Promise: nobody reads the value of a key under quorum, however open it was made: neither as an attribute, nor digested, nor
/// in another key, with approvals or without.
#[test]
fn the_value_of_a_guarded_key_is_not_read() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let one = 1_u64.to_ne_bytes();
    for terms in [CKA_SR_USE_APPROVALS, CKA_SR_MANAGEMENT_APPROVALS] {
        let key = alice.mac_key(&[(terms, &one[..]), (CKA_SENSITIVE, FALSE)]);
        let service = if terms == CKA_SR_USE_APPROVALS { Service::UseKey } else { Service::ManageKey };
        let token = alice.token().request_approval(&alice.login(), service, Some(key)).unwrap();
        alice.bring(&token, &["alice"]).unwrap();
        let object = alice.session.object(key).unwrap();
        let value = object.attribute(AttributeType(CKA_VALUE));
        assert!(matches!(value, Err(Error::AttributeSensitive(_))));
        assert!(alice.found(&[(CKA_VALUE, b"a key of thirty-two bytes, shared")]).is_empty());
        alice.session.digest_init(&call(CKM_SHA256)).unwrap();
        assert!(matches!(alice.session.digest_key(key), Err(Error::KeyIndigestible)));
        let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
        let readable =
            [(CKA_CLASS, &class[..]), (CKA_KEY_TYPE, &key_type), (CKA_SENSITIVE, FALSE), (CKA_EXTRACTABLE, TRUE)];
        let concatenate = find(CKM_CONCATENATE_BASE_AND_DATA).unwrap();
        let beside = Call { mechanism: concatenate, parameter: Parameter::Bytes(b"known") };
        let derived = alice.session.derive_key(&beside, key, &template(&readable));
        assert!(matches!(derived, Err(Error::KeyNotPermitted(_))), "{derived:?}");
    }
}

/// Promise: no user takes all the tokens there can be.
#[test]
fn one_user_leaves_tokens_for_others() {
    let world = World::new();
    let (alice, bob) = (world.desk("alice"), world.desk("bob"));
    let one = 1_u64.to_ne_bytes();
    let guarded = |desk: &Desk| desk.mac_key(&[(CKA_SR_USE_APPROVALS, &one)]);
    let (hers, his) = (guarded(&alice), guarded(&bob));
    let ask = |desk: &Desk, key| desk.token().request_approval(&desk.login(), Service::UseKey, Some(key));
    for _ in 0..QUORUM_TOKENS_OF_USER_MAX {
        ask(&bob, his).unwrap();
    }
    assert!(matches!(ask(&bob, his), Err(Error::TokenFull(_))));
    ask(&alice, hers).unwrap();
}

/// Promise: an operation that waits keeps no token for later: one that an officer deletes meanwhile, or that grows too old, is
/// gone, whatever the operation was in the middle of.
#[test]
fn operations_that_wait_keep_no_tokens() {
    let world = World::new();
    let (alice, officer) = (world.desk("alice"), world.desk("so"));
    alice.register();
    let one = 1_u64.to_ne_bytes();
    let terms = [(CKA_SR_USE_APPROVALS, &one[..]), (CKA_ENCRYPT, TRUE), (CKA_SIGN, TRUE)];
    let key = alice.secret(CKK_AES, &[5; 32], &terms).unwrap();
    let free = alice.secret(CKK_AES, &[6; 32], &[(CKA_ENCRYPT, TRUE)]).unwrap();
    let s = &alice.session;
    let small = |result| assert!(matches!(result, Err(Error::BufferTooSmall { .. })), "{result:?}");
    let message = |in_parts: bool, room: usize| {
        let (mut iv, mut tag) = ([1; 12], [0; 16]);
        let mut message =
            Message { kind: MessageKind::Gcm, iv: &mut iv, fixed_bits: 0, generator: CKG_NO_GENERATE, tag: &mut tag };
        match in_parts {
            true => s.encrypt_message_begin(&mut message, b"").map(|()| 0),
            false => s.encrypt_message(&mut message, b"", b"data", Output::Buffer(&mut vec![0; room])),
        }
    };
    let ends: [&dyn Fn(); 2] =
        [&|| assert_eq!(officer.token().delete_quorum_tokens(&officer.login(), None, true).unwrap(), 1), &|| {
            world.clock.pass(USABLE_SECONDS)
        }];
    for end in ends {
        let approve = || {
            let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
            alice.bring(&token, &["alice"]).unwrap();
        };
        let refused = |result| assert!(matches!(result, Err(Error::ApprovalsMissing { .. })), "{result:?}");
        approve();
        s.sign_init(&call(CKM_AES_CMAC), key).unwrap();
        small(s.sign(b"data", Output::Buffer(&mut [])));
        end();
        refused(s.sign(b"data", Output::Buffer(&mut [0; 16])));

        approve();
        s.message_encrypt_init(find(CKM_AES_GCM).unwrap(), key).unwrap();
        small(message(false, 0));
        message(true, 0).unwrap();
        end();
        refused(s.encrypt_message_next(b"data", Output::Buffer(&mut [0; 4]), None));
        refused(message(false, 4));
        s.message_encrypt_cancel().unwrap();

        approve();
        s.sign_init(&call(CKM_AES_CMAC), key).unwrap();
        s.encrypt_init(&call(CKM_AES_ECB), free).unwrap();
        small(s.sign_encrypt_update(&[0; 16], Output::Buffer(&mut [])));
        end();
        refused(s.sign_encrypt_update(&[0; 16], Output::Buffer(&mut [0; 16])));
    }
}

fn cbc_pad() -> Call<'static> {
    Call { mechanism: find(CKM_AES_CBC_PAD).unwrap(), parameter: Parameter::Bytes(&[0; 16]) }
}
