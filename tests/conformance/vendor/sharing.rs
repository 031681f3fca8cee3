//! Keys that several users use.

use cryptoki_sys::*;

use super::*;
use crate::module::refused;
use crate::parameters::with_iv;
use crate::session::Work;
use crate::template::{bytes, key_template};

fn words(session: Session, key: CK_OBJECT_HANDLE, attribute: CK_ATTRIBUTE_TYPE) -> Vec<CK_ULONG> {
    let value = session.get(key, attribute).unwrap();
    value.chunks(8).map(|word| CK_ULONG::from_ne_bytes(word.try_into().unwrap())).collect()
}

#[test]
fn attributes_of_sharing_are_given_read_and_searched() {
    let team = Team::new();
    let [alice, bob, carol] = team.users;
    let session = team.user(0);
    let plain_key = aes_key(session, &[]).unwrap();
    assert_eq!(session.number(plain_key, CKA_SR_OWNER), alice);
    assert!(words(session, plain_key, CKA_SR_SHARED_WITH).is_empty());
    assert_eq!(session.number(plain_key, CKA_SR_USE_APPROVALS), 0);
    assert_eq!(session.number(plain_key, CKA_SR_MANAGEMENT_APPROVALS), 0);
    let shared = aes_key(session, &quorum_of_two(&[carol, bob])).unwrap();
    assert_eq!(words(session, shared, CKA_SR_SHARED_WITH), [bob, carol]);
    assert_eq!(session.number(shared, CKA_SR_USE_APPROVALS), 2);
    assert_eq!(session.number(shared, CKA_SR_MANAGEMENT_APPROVALS), 2);
    assert_eq!(session.find(&[number(CKA_SR_OWNER, alice)]), [plain_key, shared]);
    assert_eq!(session.find(&[number(CKA_SR_USE_APPROVALS, 2)]), [shared]);
    assert_eq!(session.find(&[numbers(CKA_SR_SHARED_WITH, &[bob, carol])]), [shared]);
    assert!(session.find(&[number(CKA_SR_OWNER, bob)]).is_empty());
    for user in [1, 2] {
        let session = team.user(user);
        assert_eq!(session.find(&[number(CKA_SR_OWNER, alice)]), [shared]);
        assert_eq!(session.number(shared, CKA_SR_OWNER), alice);
    }
}

#[test]
fn terms_of_sharing_that_cannot_be_are_refused() {
    let team = Team::new();
    let [alice, bob, _] = team.users;
    let session = team.user(0);
    for (entry, code) in [
        (number(CKA_SR_OWNER, bob), CKR_ATTRIBUTE_READ_ONLY),
        (numbers(CKA_SR_SHARED_WITH, &[alice]), CKR_ATTRIBUTE_VALUE_INVALID),
        (numbers(CKA_SR_SHARED_WITH, &[bob, bob]), CKR_ATTRIBUTE_VALUE_INVALID),
        (bytes(CKA_SR_SHARED_WITH, [0; 7]), CKR_ATTRIBUTE_VALUE_INVALID),
        (numbers(CKA_SR_SHARED_WITH, &[99]), CKR_USER_TYPE_INVALID),
        (number(CKA_SR_USE_APPROVALS, 2), CKR_ATTRIBUTE_VALUE_INVALID),
        (number(CKA_SR_MANAGEMENT_APPROVALS, 9), CKR_ATTRIBUTE_VALUE_INVALID),
        (number(CKA_SR_USE_APPROVALS, CK_ULONG::MAX), CKR_ATTRIBUTE_VALUE_INVALID),
    ] {
        assert_eq!(aes_key(session, std::slice::from_ref(&entry)), refused(code), "{entry:?}");
    }
    let in_session = [number(CKA_VALUE_LEN, 32), numbers(CKA_SR_SHARED_WITH, &[bob])];
    let generated = session.generate(&plain(CKM_AES_KEY_GEN), &in_session);
    assert_eq!(generated, refused(CKR_TEMPLATE_INCONSISTENT));
    let key = aes_key(session, &[]).unwrap();
    for entry in [numbers(CKA_SR_SHARED_WITH, &[bob]), number(CKA_SR_USE_APPROVALS, 1), number(CKA_SR_OWNER, bob)] {
        assert_eq!(session.set(key, std::slice::from_ref(&entry)), refused(CKR_ATTRIBUTE_READ_ONLY), "{entry:?}");
    }
    assert_eq!(session.find(&[number(CKA_CLASS, CKO_SECRET_KEY)]), [key]);
}

#[test]
fn who_shares_a_key_uses_it_and_no_more() {
    let team = Team::new();
    let [_, bob, carol] = team.users;
    let owner = team.user(0);
    let readable = [flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)];
    let key = aes_key(owner, &readable).unwrap();
    let wrapping = with_iv(CKM_AES_CBC_PAD, &[1; 16]);
    let ciphertext = owner.run(Work::Encrypt, &wrapping, key, b"for both").unwrap();
    let elsewhere = team.user(1);
    assert_eq!(elsewhere.begin(Work::Encrypt, &wrapping, key), refused(CKR_KEY_HANDLE_INVALID));
    assert_eq!(elsewhere.share(key, carol), refused(CKR_OBJECT_HANDLE_INVALID));
    let owner = team.user(0);
    owner.share(key, bob).unwrap();
    let sharee = team.user(1);
    assert_eq!(sharee.run(Work::Decrypt, &wrapping, key, &ciphertext).unwrap(), b"for both");
    let own = aes_key(sharee, &[]).unwrap();
    assert_eq!(sharee.wrap(&plain(CKM_AES_KEY_WRAP), own, key), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(sharee.set(key, &[bytes(CKA_LABEL, b"mine")]), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(sharee.copy(key, &[]), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(sharee.destroy(key), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(sharee.share(key, carol), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(sharee.unshare(key, bob), refused(CKR_ACTION_PROHIBITED));
    let owner = team.user(0);
    assert_eq!(owner.get(key, CKA_LABEL).unwrap(), b"");
    owner.unshare(key, bob).unwrap();
    let stranger = team.user(1);
    assert_eq!(stranger.get(key, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(stranger.begin(Work::Decrypt, &wrapping, key), refused(CKR_KEY_HANDLE_INVALID));
    assert_eq!(stranger.find(&[number(CKA_CLASS, CKO_SECRET_KEY)]), [own]);
}

#[test]
fn sharing_is_refused_where_it_cannot_be() {
    let team = Team::new();
    let [alice, bob, _] = team.users;
    let officer = team.officer();
    let crowd: Vec<_> = (0..7)
        .map(|number| officer.create_user(SR_ROLE_USER, format!("crowd{number}").as_bytes(), PIN).unwrap())
        .collect();
    let session = team.user(0);
    let key = aes_key(session, &[]).unwrap();
    assert_eq!(session.share(key, alice), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    assert_eq!(session.unshare(key, bob), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    // The officer, and nobody.
    for user in [1, 0, 99, 1 << 32 | bob] {
        assert_eq!(session.share(key, user), refused(CKR_USER_TYPE_INVALID), "{user}");
    }
    assert_eq!(session.share(99, bob), refused(CKR_OBJECT_HANDLE_INVALID));
    let data = session.create(&kept(&[number(CKA_CLASS, CKO_DATA)])).unwrap();
    let public = [flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false)];
    let public = session.create(&[&key_template(CKK_AES, &[7; 16])[..], &public].concat()).unwrap();
    let passing = session.create(&key_template(CKK_AES, &[7; 16])).unwrap();
    for object in [data, public, passing] {
        assert_eq!(session.share(object, bob), refused(CKR_ACTION_PROHIBITED));
    }
    for user in &crowd {
        session.share(key, *user).unwrap();
    }
    assert_eq!(session.share(key, bob), refused(CKR_ATTRIBUTE_VALUE_INVALID));
    team.token.read_only();
    let reading = team.token.read_only();
    assert_eq!(reading.share(key, bob), refused(CKR_SESSION_READ_ONLY));
    assert_eq!(reading.unshare(key, crowd[0]), refused(CKR_SESSION_READ_ONLY));
    session.unshare(key, crowd[0]).unwrap();
    session.share(key, bob).unwrap();
    let officer = team.officer();
    assert_eq!(officer.share(key, bob), refused(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(officer.delete_user(alice), refused(CKR_ACTION_PROHIBITED));
    officer.delete_user(bob).unwrap();
}

#[test]
fn officers_trust_what_they_do_not_see() {
    let team = Team::new();
    let session = team.user(0);
    let key = aes_key(session, &[]).unwrap();
    let public = [flag(CKA_TOKEN, true), flag(CKA_PRIVATE, false)];
    let public = session.create(&[&key_template(CKK_AES, &[7; 16])[..], &public].concat()).unwrap();
    assert_eq!(session.set_trusted(key, CK_TRUE), refused(CKR_USER_NOT_LOGGED_IN));
    let officer = team.officer();
    assert_eq!(officer.get(key, CKA_LABEL), refused(CKR_OBJECT_HANDLE_INVALID));
    officer.set_trusted(key, CK_TRUE).unwrap();
    officer.set_trusted(public, CK_TRUE).unwrap();
    assert_eq!(officer.set_trusted(99, CK_TRUE), refused(CKR_OBJECT_HANDLE_INVALID));
    let session = team.user(0);
    assert!(session.flag(key, CKA_TRUSTED) && session.flag(public, CKA_TRUSTED));
    let officer = team.officer();
    officer.set_trusted(key, CK_FALSE).unwrap();
    officer.set_trusted(public, CK_FALSE).unwrap();
    let session = team.user(0);
    assert!(!session.flag(key, CKA_TRUSTED) && !session.flag(public, CKA_TRUSTED));
}
