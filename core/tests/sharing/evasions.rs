//! Ways around quorum: uses of a key that would tell something of it, or do its work, without using an approval up.

use cryptoki_sys::*;
use strongroom_core::access::Service;
use strongroom_core::attribute::{
    AttributeType, CKA_SR_MANAGEMENT_APPROVALS, CKA_SR_SHARED_WITH, CKA_SR_USE_APPROVALS,
};
use strongroom_core::error::Error;
use strongroom_core::limits::QUORUM_TOKENS_OF_USER_MAX;
use strongroom_core::mechanism::{Call, Oaep, Parameter, find};
use strongroom_core::session::{Message, MessageKind, Output};
use strongroom_core::token::quorum::USABLE_SECONDS;

use crate::*;

/// Promise: an approval to unwrap is good for one ciphertext, also where what comes out does not fit the template: a
/// wrong check value is an answer. RSA without padding would tell all of a plaintext so, byte by byte.
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

/// Promise: a key whose use alone takes approvals encrypts and decrypts for nobody by wrapping and unwrapping, nor
/// leaves to be used elsewhere; with the approvals of a use it does.
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

/// Promise: nobody reads the value of a key under quorum, however open it was made: neither as an attribute, nor
/// digested, nor in another key, with approvals or without.
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

/// Promise: an operation that waits keeps no token for later: one that an officer deletes meanwhile, or that grows too
/// old, is gone, whatever the operation was in the middle of.
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

/// Promise: a part without bytes takes no approval that would then be kept for later, in none of the ways that take
/// parts.
#[test]
fn a_part_without_bytes_takes_no_approval() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let one = 1_u64.to_ne_bytes();
    let uses = [(CKA_ENCRYPT, TRUE), (CKA_DECRYPT, TRUE), (CKA_SIGN, TRUE), (CKA_VERIFY, TRUE)];
    let key = alice.secret(CKK_AES, &[5; 32], &[&uses[..], &[(CKA_SR_USE_APPROVALS, &one)]].concat()).unwrap();
    let free = alice.secret(CKK_AES, &[6; 32], &uses).unwrap();
    let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let (public, own) = (template(&[(CKA_EC_PARAMS, &p256)]), [(CKA_TOKEN, TRUE), (CKA_SR_USE_APPROVALS, &one)]);
    let pair = alice.session.generate_key_pair(&call(CKM_EC_KEY_PAIR_GEN), &public, &template(&own)).unwrap();
    for key in [key, pair.1] {
        let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
        alice.bring(&token, &["alice"]).unwrap();
    }
    let s = &alice.session;
    let (ecb, cmac) = (call(CKM_AES_ECB), call(CKM_AES_CMAC));
    s.encrypt_init(&ecb, key).unwrap();
    assert_eq!(s.encrypt_update(&[], Output::Buffer(&mut [])).unwrap(), 0);
    s.decrypt_init(&ecb, key).unwrap();
    assert_eq!(s.decrypt_update(&[], Output::Buffer(&mut [])).unwrap(), 0);
    s.sign_init(&cmac, key).unwrap();
    s.sign_update(&[]).unwrap();
    s.verify_init(&cmac, key).unwrap();
    s.verify_update(&[]).unwrap();
    s.sign_encrypt_update(&[], Output::Buffer(&mut [])).unwrap();
    s.decrypt_verify_update(&[], Output::Buffer(&mut [])).unwrap();
    s.verify_cancel().unwrap();
    s.verify_signature_init(&cmac, key, &[0; 16]).unwrap();
    s.verify_signature_update(&[]).unwrap();
    s.message_encrypt_init(find(CKM_AES_GCM).unwrap(), key).unwrap();
    let (mut iv, mut tag) = ([1; 12], [0; 16]);
    let mut message =
        Message { kind: MessageKind::Gcm, iv: &mut iv, fixed_bits: 0, generator: CKG_NO_GENERATE, tag: &mut tag };
    s.encrypt_message_begin(&mut message, b"").unwrap();
    assert_eq!(s.encrypt_message_next(&[], Output::Buffer(&mut []), None).unwrap(), 0);
    s.message_sign_init(&call(CKM_ECDSA_SHA256), pair.1).unwrap();
    s.sign_message_begin().unwrap();
    s.sign_message_next(&[], None).unwrap();
    assert_eq!(alice.token().quorum_tokens().unwrap().len(), 2);
    // With a partner too that takes none.
    s.encrypt_cancel().unwrap();
    s.encrypt_init(&ecb, free).unwrap();
    s.sign_encrypt_update(&[], Output::Buffer(&mut [])).unwrap();
    assert_eq!(alice.token().quorum_tokens().unwrap().len(), 2);
    world.clock.pass(USABLE_SECONDS);
    let late = [
        s.decrypt_update(&[0; 16], Output::Buffer(&mut [0; 16])).map(drop),
        s.sign_update(b"data"),
        s.verify_signature_update(b"data"),
        s.encrypt_message_next(b"data", Output::Buffer(&mut [0; 4]), None).map(drop),
        s.sign_message_next(b"data", None).map(drop),
    ];
    for result in late {
        assert!(matches!(result, Err(Error::ApprovalsMissing { .. })), "{result:?}");
    }
}

/// Promise: an operation in parts lasts no longer than the approval it took could have been used, by the token's clock,
/// and is over then, whatever other approvals there are; so does one that was told how long its plaintext is.
#[test]
fn an_approval_grows_old_in_the_middle_of_an_operation() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let one = 1_u64.to_ne_bytes();
    let uses = [(CKA_ENCRYPT, TRUE), (CKA_DECRYPT, TRUE), (CKA_SIGN, TRUE), (CKA_VERIFY, TRUE)];
    let key = alice.secret(CKK_AES, &[5; 32], &[&uses[..], &[(CKA_SR_USE_APPROVALS, &one)]].concat()).unwrap();
    let same = alice.secret(CKK_AES, &[5; 32], &uses).unwrap();
    let s = &alice.session;
    let approve = || {
        let token = alice.token().request_approval(&alice.login(), Service::UseKey, Some(key)).unwrap();
        alice.bring(&token, &["alice"]).unwrap();
    };
    let block = || s.decrypt_update(&[7; 16], Output::Buffer(&mut [0; 16])).map(drop);
    let part = || s.encrypt_message_next(b"data", Output::Buffer(&mut [0; 4]), None).map(drop);
    let begin = || {
        let (mut iv, mut tag) = ([1; 12], [0; 16]);
        let mut message =
            Message { kind: MessageKind::Gcm, iv: &mut iv, fixed_bits: 0, generator: CKG_NO_GENERATE, tag: &mut tag };
        s.encrypt_message_begin(&mut message, b"")
    };
    let mut sealed = vec![0; 16];
    s.encrypt_init(&cbc_pad(), same).unwrap();
    s.encrypt(b"short", Output::Buffer(&mut sealed)).unwrap();
    approve();
    s.message_encrypt_init(find(CKM_AES_GCM).unwrap(), key).unwrap();
    let ends: [&dyn Fn(); 2] = [&|| world.clock.pass(USABLE_SECONDS), &|| world.clock.set_back(USABLE_SECONDS)];
    for end in ends {
        let over = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Approval(_))), "{result:?}");
        let ended = |result| assert!(matches!(result, Err(Error::OperationNotInitialized)), "{result:?}");
        // In its time, and at the end of it.
        approve();
        s.decrypt_init(&call(CKM_AES_ECB), key).unwrap();
        block().unwrap();
        world.clock.pass(USABLE_SECONDS - 1);
        block().unwrap();
        s.decrypt_final(Output::Buffer(&mut [])).unwrap();

        approve();
        s.decrypt_init(&call(CKM_AES_ECB), key).unwrap();
        block().unwrap();
        end();
        approve();
        over(block());
        ended(block());
        // The approval that came meanwhile is there for the next operation.
        s.sign_init(&call(CKM_AES_CMAC), key).unwrap();
        s.sign_update(b"da").unwrap();
        end();
        over(s.sign_final(Output::Buffer(&mut [0; 16])).map(drop));
        ended(s.sign_update(b"ta"));

        approve();
        s.decrypt_init(&cbc_pad(), key).unwrap();
        let told = s.decrypt(&sealed, Output::Buffer(&mut []));
        assert!(matches!(told, Err(Error::BufferTooSmall { needed: 5 })), "{told:?}");
        end();
        over(s.decrypt(&sealed, Output::Buffer(&mut [0; 16])).map(drop));
        ended(s.decrypt_final(Output::Buffer(&mut [])).map(drop));

        // A message is over, the series is not.
        approve();
        begin().unwrap();
        part().unwrap();
        end();
        over(part());
        approve();
        begin().unwrap();
        part().unwrap();
        s.encrypt_message_abandon().unwrap();
    }
}

/// Promise: where a key is wrapped in two steps, nothing is said of what the private key made of the first one unless
/// that uses the approval up: a second part of a wrong length is refused alike, whether the first is good or not.
#[test]
fn a_wrap_of_two_steps_tells_nothing_of_the_first() {
    let world = World::new();
    let alice = world.desk("alice");
    alice.register();
    let one = 1_u64.to_ne_bytes();
    let s = &alice.session;
    let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let own = [(CKA_TOKEN, TRUE), (CKA_UNWRAP, TRUE), (CKA_SR_MANAGEMENT_APPROVALS, &one[..])];
    let bits = 2048_u64.to_ne_bytes();
    let oaep = Oaep { hash: CKM_SHA256, mgf: CKG_MGF1_SHA256, source: CKZ_DATA_SPECIFIED, label: &[] };
    let agreement = Parameter::Agreement { kdf: CKD_SHA256_KDF, shared: &[], public: &[], key_bits: 256 };
    let hybrids = [
        (
            CKM_RSA_PKCS_KEY_PAIR_GEN,
            (CKA_MODULUS_BITS, &bits[..]),
            CKM_RSA_AES_KEY_WRAP,
            Parameter::RsaAes { key_bits: 256, oaep },
        ),
        (CKM_EC_KEY_PAIR_GEN, (CKA_EC_PARAMS, &p256[..]), CKM_ECDH_AES_KEY_WRAP, agreement),
    ];
    let payload = alice.mac_key(&[]);
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), CKK_GENERIC_SECRET.to_ne_bytes());
    let unwrapped = template(&[(CKA_CLASS, &class), (CKA_KEY_TYPE, &key_type)]);
    for (generate, public, mechanism, parameter) in hybrids {
        let public = template(&[public, (CKA_WRAP, TRUE)]);
        let (public, private) = s.generate_key_pair(&call(generate), &public, &template(&own)).unwrap();
        let hybrid = Call { mechanism: find(mechanism).unwrap(), parameter };
        let mut good = vec![0; 512];
        let length = s.wrap_key(&hybrid, public, payload, Output::Buffer(&mut good)).unwrap();
        good.truncate(length);
        let mut broken = good.clone();
        broken[10] ^= 1;
        let approve = || {
            let token = alice.token().request_approval(&alice.login(), Service::ManageKey, Some(private)).unwrap();
            alice.bring(&token, &["alice"]).unwrap();
        };
        let unwrap = |wrapped: &[u8]| s.unwrap_key(&hybrid, private, wrapped, &unwrapped);
        approve();
        for wrapped in [&good, &broken] {
            for cut in [1, 8 * 5, 8 * 6] {
                let refused = unwrap(&wrapped[..length - cut]);
                assert!(matches!(refused, Err(Error::WrappedKeyLength)), "{cut}: {refused:?}");
                assert_eq!(alice.token().quorum_tokens().unwrap().len(), 1);
            }
        }
        assert!(matches!(unwrap(&broken), Err(Error::WrappedKeyInvalid)));
        assert!(matches!(unwrap(&good), Err(Error::ApprovalsMissing { .. })));
        approve();
        // Whole blocks are looked at, and that is an answer.
        assert!(matches!(unwrap(&good[..length - 8]), Err(Error::WrappedKeyInvalid)));
        assert!(matches!(unwrap(&good), Err(Error::ApprovalsMissing { .. })));
        approve();
        unwrap(&good).unwrap();
    }
}

fn cbc_pad() -> Call<'static> {
    Call { mechanism: find(CKM_AES_CBC_PAD).unwrap(), parameter: Parameter::Bytes(&[0; 16]) }
}
