//! Operations that take the approval of several users.

use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use super::*;
use crate::messages::{Message, begin, end, whole};
use crate::module::refused;
use crate::parameters::with_iv;
use crate::refusals::uses_of;
use crate::samples::{Bench, BenchKey, Use, new_key};
use crate::session::Work;
use crate::template::bytes;

const REJECTED: CK_RV = CKR_FUNCTION_REJECTED;

/// A team whose first two users have registered keys to approve with.
fn team() -> (Team, Approvers) {
    let (team, approvers) = (Team::new(), Approvers::new(2));
    approvers.register(&team);
    (team, approvers)
}

#[test]
fn one_token_is_good_for_one_operation() {
    let (team, approvers) = team();
    let [_, bob, carol] = team.users;
    let session = team.user(0);
    let aes = aes_key(session, &quorum_of_two(&[bob, carol])).unwrap();
    let generic = [number(CKA_VALUE_LEN, 32), flag(CKA_DERIVE, true)];
    let template = kept(&[&generic, &quorum_of_two(&[bob])[..]].concat());
    let secret = session.generate(&plain(CKM_GENERIC_SECRET_KEY_GEN), &template).unwrap();
    let public = [number(CKA_MODULUS_BITS, 2048)];
    let (_, rsa) =
        session.generate_pair(&plain(CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &kept(&quorum_of_two(&[bob]))).unwrap();
    let cbc = with_iv(CKM_AES_CBC_PAD, &[1; 16]);
    let gcm = |message: &mut Message| {
        begin(session, Work::Encrypt, CKM_AES_GCM, aes)?;
        let outcome = whole(session, Work::Encrypt, message, b"", b"a message").map(drop);
        end(session, Work::Encrypt).and(outcome)
    };
    let derived = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)];
    let mut number_of = 0;
    type Operation<'a> = (CK_OBJECT_HANDLE, &'a dyn Fn() -> Outcome);
    let operations: [Operation<'_>; 6] = [
        (rsa, &|| session.sign(&plain(CKM_SHA256_RSA_PKCS), rsa, b"data").map(drop)),
        (aes, &|| session.run(Work::Encrypt, &cbc, aes, b"data").map(drop)),
        (aes, &|| session.run_in_parts(Work::Encrypt, &cbc, aes, &[5; 100], &[1, 20, 99]).map(drop)),
        (aes, &|| session.sign(&plain(CKM_AES_CMAC), aes, b"data").map(drop)),
        (secret, &|| session.derive(&plain(CKM_SHA256_KEY_DERIVATION), secret, &derived).map(drop)),
        (aes, &|| gcm(&mut Message::new(CKM_AES_GCM, &[9; 12], 16, 0))),
    ];
    for (key, operation) in operations {
        number_of += 1;
        assert_eq!(operation(), refused(REJECTED), "{number_of} before");
        session.cancel_all();
        approvers.approve(&team, session, SR_SERVICE_USE_KEY, key);
        assert_eq!(operation(), Ok(()), "{number_of} approved");
        assert_eq!(session.quorum_tokens().unwrap().len(), 0, "{number_of}");
        assert_eq!(operation(), refused(REJECTED), "{number_of} after");
        session.cancel_all();
    }
}

/// Whatever the function, the mechanism and the type of key.
#[test]
fn no_function_uses_a_key_without_the_approval_it_takes() {
    let token = Token::new();
    let bench = Bench::new(token.user());
    let mut refusals = 0;
    for key in bench.keys.iter().filter(|key| key.class != CKO_PUBLIC_KEY) {
        let (class, key_type) = (key.class, key.key_type);
        let terms = kept(&[number(CKA_SR_USE_APPROVALS, 1), number(CKA_SR_MANAGEMENT_APPROVALS, 1)]);
        let handle = new_key(bench.session, class, key_type, &terms).unwrap();
        let uses = uses_of(&BenchKey { class, key_type, handle });
        // What takes no permission tells the public half, which is no secret.
        for (sample, work, _) in uses.into_iter().filter(|(sample, ..)| sample.needs_permission()) {
            let mechanism = bench.mechanism_for(sample, work, key_type);
            let outcome = mechanism.lend(|mechanism| work.attempt(&bench, mechanism, handle, &sample.template()));
            // A ciphertext of an impossible length is seen before any key is.
            let code = if work == Use::Decapsulate { CKR_WRAPPED_KEY_LEN_RANGE } else { REJECTED };
            assert_eq!(outcome, refused(code), "{} {work:?} with type 0x{key_type:x}", sample.name);
            refusals += 1;
        }
    }
    assert!(refusals > 300, "{refusals}");
}

#[test]
fn each_message_decrypted_takes_a_token() {
    let (team, approvers) = team();
    let session = team.user(0);
    let key = aes_key(session, &quorum_of_two(&[team.users[1]])).unwrap();
    let mut message = Message::new(CKM_AES_GCM, &[9; 12], 16, 0);
    approvers.approve(&team, session, SR_SERVICE_USE_KEY, key);
    begin(session, Work::Encrypt, CKM_AES_GCM, key).unwrap();
    let ciphertext = whole(session, Work::Encrypt, &mut message, b"aad", b"a message").unwrap();
    end(session, Work::Encrypt).unwrap();
    approvers.approve(&team, session, SR_SERVICE_USE_KEY, key);
    begin(session, Work::Decrypt, CKM_AES_GCM, key).unwrap();
    let opened = whole(session, Work::Decrypt, &mut message, b"aad", &ciphertext).unwrap();
    assert_eq!(opened, b"a message");
    assert_eq!(whole(session, Work::Decrypt, &mut message, b"aad", &ciphertext), refused(REJECTED));
    // A forgery that was tried has used its token up.
    session.cancel_all();
    approvers.approve(&team, session, SR_SERVICE_USE_KEY, key);
    begin(session, Work::Decrypt, CKM_AES_GCM, key).unwrap();
    let forged = whole(session, Work::Decrypt, &mut message, b"other", &ciphertext);
    assert_eq!(forged, refused(CKR_AEAD_DECRYPT_FAILED));
    assert_eq!(session.quorum_tokens().unwrap().len(), 0);
}

#[test]
fn a_wrap_takes_a_token_for_each_key() {
    let (team, approvers) = team();
    let session = team.user(0);
    let terms = quorum_of_two(&[team.users[1]]);
    let wrapping = aes_key(session, &terms).unwrap();
    let extractable = [flag(CKA_EXTRACTABLE, true)];
    let key = aes_key(session, &[&terms[..], &extractable].concat()).unwrap();
    let wrap = || session.wrap(&plain(CKM_AES_KEY_WRAP), wrapping, key);
    assert_eq!(wrap(), refused(REJECTED));
    approvers.approve(&team, session, SR_SERVICE_MANAGE_KEY, wrapping);
    assert_eq!(wrap(), refused(REJECTED));
    // What failed has used nothing up.
    assert_eq!(session.quorum_tokens().unwrap().len(), 1);
    approvers.approve(&team, session, SR_SERVICE_MANAGE_KEY, key);
    assert_eq!(wrap().unwrap().len(), 40);
    assert_eq!(session.quorum_tokens().unwrap().len(), 0);
    assert_eq!(wrap(), refused(REJECTED));
}

#[test]
fn a_key_is_changed_shared_and_destroyed_with_approval() {
    let (team, approvers) = team();
    let [_, bob, carol] = team.users;
    let session = team.user(0);
    let key = aes_key(session, &quorum_of_two(&[bob])).unwrap();
    type Step<'a> = &'a dyn Fn() -> Outcome;
    let steps: [Step<'_>; 4] = [
        &|| session.set(key, &[bytes(CKA_LABEL, b"changed")]),
        &|| session.share(key, carol),
        &|| session.unshare(key, carol),
        &|| session.destroy(key),
    ];
    assert_eq!(session.copy(key, &[]), refused(CKR_ACTION_PROHIBITED));
    for (at, step) in steps.into_iter().enumerate() {
        assert_eq!(step(), refused(REJECTED), "{at}");
        // To use it is another service than to manage it.
        approvers.approve(&team, session, SR_SERVICE_USE_KEY, key);
        assert_eq!(step(), refused(REJECTED), "{at}");
        for token in session.quorum_tokens().unwrap() {
            session.delete_quorum_token(token.tokenID).unwrap();
        }
        approvers.approve(&team, session, SR_SERVICE_MANAGE_KEY, key);
        assert_eq!(step(), Ok(()), "{at}");
    }
    assert_eq!(session.get(key, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
}

#[test]
fn a_token_tells_how_far_it_is() {
    let (team, approvers) = team();
    let [alice, bob, carol] = team.users;
    let session = team.user(0);
    let key = aes_key(session, &quorum_of_two(&[bob, carol])).unwrap();
    let file = session.request(SR_SERVICE_USE_KEY, key).unwrap();
    let told = session.quorum_tokens().unwrap();
    let [token] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((token.service, token.hKey, token.requesterID), (SR_SERVICE_USE_KEY, key, alice));
    assert_eq!((token.ulNeeded, token.ulGiven, &token.file[..]), (2, 0, &file[..]));
    assert!((500..=600).contains(&token.ulSecondsLeft), "{}", token.ulSecondsLeft);
    assert_eq!(session.approve(&file, alice, &approvers.sign(0, &file)), Ok(1));
    // Who approves twice counts once.
    assert_eq!(session.approve(&file, alice, &approvers.sign(0, &file)), Ok(1));
    assert_eq!(session.quorum_tokens().unwrap()[0].ulGiven, 1);
    let (f, s) = (pair(&file), approvers.sign(1, &file));
    let signature = pair(&s);
    // The number missing need not be asked for.
    vendor!(SR_Approve(session.0, f.0, f.1, bob, signature.0, signature.1, ptr::null_mut())).unwrap();
    assert_eq!(session.quorum_tokens().unwrap()[0].ulGiven, 2);
    let number = session.quorum_tokens().unwrap()[0].tokenID;
    // Others see the token, and can neither use nor delete it.
    let other = team.user(1);
    assert_eq!(other.quorum_tokens().unwrap().len(), 1);
    assert_eq!(other.delete_quorum_token(number), refused(REJECTED));
    assert_eq!(other.sign(&plain(CKM_AES_CMAC), key, b"data"), refused(REJECTED));
    let officer = team.officer();
    officer.delete_quorum_token(number).unwrap();
    assert_eq!(officer.delete_quorum_token(number), refused(REJECTED));
    assert_eq!(officer.delete_quorum_token(1 << 32 | number), refused(REJECTED));
}

#[test]
fn approvals_that_are_not_good_are_refused() {
    let (team, approvers) = team();
    let [alice, bob, carol] = team.users;
    let session = team.user(0);
    let key = aes_key(session, &quorum_of_two(&[bob, carol])).unwrap();
    let file = session.request(SR_SERVICE_USE_KEY, key).unwrap();
    let good = approvers.sign(0, &file);
    let mut changed = good.clone();
    changed[100] ^= 1;
    let mut other_file = file.clone();
    other_file[79] ^= 1;
    assert_eq!(session.approve(&file, alice, &changed), refused(REJECTED));
    assert_eq!(session.approve(&file, alice, b""), refused(REJECTED));
    assert_eq!(session.approve(&file, bob, &good), refused(REJECTED));
    assert_eq!(session.approve(&other_file, alice, &approvers.sign(0, &other_file)), refused(REJECTED));
    assert_eq!(session.approve(&file[..79], alice, &good), refused(REJECTED));
    assert_eq!(session.approve(b"", alice, &good), refused(REJECTED));
    // She has registered no key.
    assert_eq!(session.approve(&file, carol, &good), refused(REJECTED));
    assert_eq!(session.approve(&file, 99, &good), refused(CKR_USER_TYPE_INVALID));
    assert_eq!(session.quorum_tokens().unwrap()[0].ulGiven, 0);
    // Approvals are brought by who asked.
    let other = team.user(1);
    assert_eq!(other.approve(&file, alice, &good), refused(REJECTED));
    // What takes no approval, or is not there.
    let session = team.user(0);
    let free = aes_key(session, &[]).unwrap();
    assert_eq!(session.request(SR_SERVICE_USE_KEY, free), refused(REJECTED));
    assert_eq!(session.request(SR_SERVICE_USE_KEY, 0), refused(REJECTED));
    assert_eq!(session.request(SR_SERVICE_USE_KEY, 9999), refused(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(session.request(SR_SERVICE_USER_MANAGEMENT, 0), refused(CKR_USER_NOT_LOGGED_IN));
    for service in [0, 2, 7, 1 << 16 | 5, CK_ULONG::MAX] {
        assert_eq!(session.request(service, key), refused(CKR_ARGUMENTS_BAD));
        assert_eq!(session.quorum_value(service), refused(CKR_ARGUMENTS_BAD));
    }
    session.logout().unwrap();
    assert_eq!(session.request(SR_SERVICE_USE_KEY, key), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(session.approve(&file, alice, &good), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(session.quorum_tokens().map(drop), refused(CKR_USER_NOT_LOGGED_IN));
}

#[test]
fn a_request_without_room_makes_no_token() {
    let (team, _approvers) = team();
    let session = team.user(0);
    let key = aes_key(session, &quorum_of_two(&[team.users[1]])).unwrap();
    let (mut file, service) = ([0u8; 100], SR_SERVICE_USE_KEY);
    let mut len = 0;
    vendor!(SR_RequestApproval(session.0, service, key, ptr::null_mut(), &mut len)).unwrap();
    assert_eq!(len, 80);
    len = 79;
    let short = vendor!(SR_RequestApproval(session.0, service, key, file.as_mut_ptr(), &mut len));
    assert_eq!((short, len), (refused(CKR_BUFFER_TOO_SMALL), 80));
    let nowhere = vendor!(SR_RequestApproval(session.0, service, key, file.as_mut_ptr(), ptr::null_mut()));
    assert_eq!(nowhere, refused(CKR_ARGUMENTS_BAD));
    assert_eq!((session.quorum_tokens().unwrap().len(), file), (0, [0; 100]));
    len = 100;
    vendor!(SR_RequestApproval(session.0, service, key, file.as_mut_ptr(), &mut len)).unwrap();
    assert_eq!((len, session.quorum_tokens().unwrap().len()), (80, 1));
    // In a session that may only read, too: keys are used there.
    let reading = team.token.read_only();
    reading.request(service, key).unwrap();
    assert_eq!(reading.quorum_tokens().unwrap().len(), 2);
}

#[test]
fn keys_to_approve_with_are_proven() {
    let team = Team::new();
    let approvers = Approvers::new(2);
    let [alice, bob, _] = team.users;
    let (key, signature) = (approvers.public_key(0), approvers.sign(0, b"challenge"));
    let session = team.user(0);
    let approves = |session: Session| {
        let users = session.users().unwrap();
        users.iter().filter(|user| user.flags & SR_USER_APPROVER != 0).map(|user| user.userID).collect::<Vec<_>>()
    };
    assert_eq!(session.register(alice, &key, b"another", &signature), refused(REJECTED));
    assert_eq!(session.register(alice, &key, b"", &signature), refused(REJECTED));
    assert_eq!(session.register(alice, &key, &[7; 246], &approvers.sign(0, &[7; 246])), refused(REJECTED));
    assert_eq!(session.register(alice, b"no key", b"challenge", &signature), refused(REJECTED));
    assert_eq!(session.register(alice, &key[..key.len() - 1], b"challenge", &signature), refused(REJECTED));
    assert_eq!(session.register(bob, &key, b"challenge", &signature), refused(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(session.register(99, &key, b"challenge", &signature), refused(CKR_USER_TYPE_INVALID));
    let ((start, len), null) = (pair(&key), ptr::null_mut());
    let nothing = vendor!(SR_RegisterApprover(session.0, alice, start, len, null, 9, start, len));
    assert_eq!(nothing, refused(CKR_ARGUMENTS_BAD));
    assert!(approves(session).is_empty());
    session.register(alice, &key, b"challenge", &signature).unwrap();
    let reading = team.token.read_only();
    assert_eq!(reading.register(alice, &key, b"challenge", &signature), refused(CKR_SESSION_READ_ONLY));
    let officer = team.officer();
    assert_eq!(officer.register(bob, &key, b"challenge", &signature), refused(REJECTED), "it is alice's");
    officer.register(bob, &approvers.public_key(1), b"challenge", &approvers.sign(1, b"challenge")).unwrap();
    assert_eq!(approves(officer), [alice, bob]);
}

#[test]
fn officers_approve_of_officers() {
    let token = Token::without_user();
    let approvers = Approvers::new(2);
    let officer = token.officer();
    let second = officer.create_user(SR_ROLE_OFFICER, b"second", PIN).unwrap();
    let officers = [1, second];
    for (which, user) in officers.into_iter().enumerate() {
        officer.register(user, &approvers.public_key(which), b"c", &approvers.sign(which, b"c")).unwrap();
    }
    assert_eq!(officer.quorum_value(SR_SERVICE_USER_MANAGEMENT), Ok(1));
    assert_eq!(officer.quorum_value(SR_SERVICE_USE_KEY), refused(REJECTED));
    assert_eq!(officer.set_quorum_value(SR_SERVICE_USE_KEY, 2), refused(REJECTED));
    for value in [3, 256, 257, CK_ULONG::MAX] {
        assert_eq!(officer.set_quorum_value(SR_SERVICE_USER_MANAGEMENT, value), refused(REJECTED));
    }
    officer.set_quorum_value(SR_SERVICE_USER_MANAGEMENT, 2).unwrap();
    assert_eq!(officer.quorum_value(SR_SERVICE_USER_MANAGEMENT), Ok(2));
    assert_eq!(officer.create_user(SR_ROLE_USER, b"dora", PIN), refused(REJECTED));
    let file = officer.request(SR_SERVICE_USER_MANAGEMENT, CK_INVALID_HANDLE).unwrap();
    for (which, user) in officers.into_iter().enumerate() {
        officer.approve(&file, user, &approvers.sign(which, &file)).unwrap();
    }
    let dora = officer.create_user(SR_ROLE_USER, b"dora", PIN).unwrap();
    assert_eq!(officer.delete_user(dora), refused(REJECTED));
    assert_eq!(officer.set_user_pin(dora, b"another PIN"), refused(REJECTED));
    assert_eq!(officer.delete_user(second), refused(CKR_ACTION_PROHIBITED));
}
