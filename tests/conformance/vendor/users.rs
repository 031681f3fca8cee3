//! Users, by officers.

use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use super::*;
use crate::module::{USER_PIN, refused};

fn name(user: &SR_USER_INFO) -> &str {
    CStr::from_bytes_until_nul(&user.name).unwrap().to_str().unwrap()
}

#[test]
fn users_are_made_listed_and_deleted() {
    let token = Token::new();
    let officer = token.officer();
    let dora = officer.create_user(SR_ROLE_USER, b"Dora.1", PIN).unwrap();
    let second = officer.create_user(SR_ROLE_OFFICER, b"second", PIN).unwrap();
    officer.close().unwrap();
    // Who the users are is no secret.
    let session = token.read_only();
    let users = session.users().unwrap();
    let told: Vec<_> = users.iter().map(|user| (name(user), user.role)).collect();
    let expected =
        [("so", SR_ROLE_OFFICER), ("user", SR_ROLE_USER), ("dora.1", SR_ROLE_USER), ("second", SR_ROLE_OFFICER)];
    assert_eq!(told, expected);
    assert_eq!((users[2].userID, users[3].userID), (dora, second));
    assert!(users.iter().all(|user| user.flags == SR_USER_ESCROWED && user.ulAttemptsLeft > 1), "{users:?}");
    assert!(users.iter().all(|user| user.name.last() == Some(&0)));
    session.login_user(CKU_USER, PIN, b"dora.1").unwrap();
    token.close_all();
    let session = token.read_write();
    session.login_user(CKU_SO, PIN, b"second").unwrap();
    session.delete_user(dora).unwrap();
    assert_eq!(session.delete_user(dora), refused(CKR_USER_TYPE_INVALID));
    assert_eq!(session.delete_user(second), refused(CKR_ACTION_PROHIBITED));
    assert_eq!(session.users().unwrap().len(), 3);
}

#[test]
fn pins_are_set_and_users_unlocked() {
    let token = Token::new();
    let officer = token.officer();
    let dora = officer.create_user(SR_ROLE_USER, b"dora", PIN).unwrap();
    officer.logout().unwrap();
    let dora_of = |session: Session| session.users().unwrap().into_iter().find(|user| user.userID == dora).unwrap();
    for _ in 0..dora_of(officer).ulAttemptsLeft {
        assert_eq!(officer.login_user(CKU_USER, b"a wrong one", b"dora"), refused(CKR_PIN_INCORRECT));
    }
    let locked = dora_of(officer);
    assert_eq!((locked.flags & SR_USER_LOCKED, locked.ulAttemptsLeft), (SR_USER_LOCKED, 0));
    assert_eq!(officer.login_user(CKU_USER, PIN, b"dora"), refused(CKR_PIN_LOCKED));
    officer.login(CKU_SO, SO_PIN).unwrap();
    vendor!(SR_UnlockUser(officer.0, dora)).unwrap();
    assert_eq!(dora_of(officer).flags & SR_USER_LOCKED, 0);
    officer.set_user_pin(dora, b"another PIN").unwrap();
    officer.logout().unwrap();
    assert_eq!(officer.login_user(CKU_USER, PIN, b"dora"), refused(CKR_PIN_INCORRECT));
    officer.login_user(CKU_USER, b"another PIN", b"dora").unwrap();
}

#[test]
fn only_officers_manage_users() {
    let team = Team::new();
    let [_, bob, _] = team.users;
    let anybody = |session: Session, code| {
        assert_eq!(session.create_user(SR_ROLE_USER, b"dora", PIN), refused(code));
        assert_eq!(session.delete_user(bob), refused(code));
        assert_eq!(session.set_user_pin(bob, b"another PIN"), refused(code));
        assert_eq!(vendor!(SR_UnlockUser(session.0, bob)), refused(code));
        assert_eq!(session.set_quorum_value(SR_SERVICE_USER_MANAGEMENT, 1), refused(code));
        assert_eq!(session.set_trusted(1, CK_TRUE), refused(code));
    };
    anybody(team.user(0), CKR_USER_NOT_LOGGED_IN);
    team.token.close_all();
    anybody(team.token.read_write(), CKR_USER_NOT_LOGGED_IN);
    anybody(Session(0), CKR_SESSION_HANDLE_INVALID);
    let closed = team.token.read_write();
    closed.close().unwrap();
    anybody(closed, CKR_SESSION_HANDLE_INVALID);
    team.user(0);
    anybody(team.token.read_only(), CKR_SESSION_READ_ONLY);
    // The login of another token is none here.
    let other = Token::new();
    other.officer();
    team.token.close_all();
    anybody(team.token.read_write(), CKR_USER_NOT_LOGGED_IN);
}

#[test]
fn an_officer_who_is_not_activated_manages_nobody() {
    let token = Token::of_cloudhsm(None);
    let session = token.read_write();
    session.login(CKU_SO, b"password").unwrap();
    let users = session.users().unwrap();
    let roles: Vec<_> = users.iter().map(|user| user.role).collect();
    assert_eq!(roles, [SR_ROLE_UNACTIVATED, SR_ROLE_APPLIANCE]);
    assert_eq!(session.create_user(SR_ROLE_USER, b"dora", PIN), refused(CKR_PIN_EXPIRED));
    assert_eq!(session.delete_user(2), refused(CKR_PIN_EXPIRED));
    assert_eq!(session.set_user_pin(2, PIN), refused(CKR_PIN_EXPIRED));
    assert_eq!(session.set_quorum_value(SR_SERVICE_OFFICERS, 1), refused(CKR_PIN_EXPIRED));
    assert_eq!(session.register(users[0].userID, b"key", b"c", b"s"), refused(CKR_PIN_EXPIRED));
    assert_eq!(session.request(SR_SERVICE_USER_MANAGEMENT, 0), refused(CKR_PIN_EXPIRED));
}

#[test]
fn what_cannot_be_a_user_is_refused() {
    let token = Token::new();
    let officer = token.officer();
    for name in [&b""[..], b"two words", b"\xff", b"user", b"so", &[b'a'; 32]] {
        assert_eq!(officer.create_user(SR_ROLE_USER, name, PIN), refused(CKR_ARGUMENTS_BAD), "{name:?}");
    }
    for role in [0, SR_ROLE_UNACTIVATED, SR_ROLE_APPLIANCE, 5, CK_ULONG::MAX] {
        assert_eq!(officer.create_user(role, b"dora", PIN), refused(CKR_ARGUMENTS_BAD));
    }
    assert_eq!(officer.create_user(SR_ROLE_USER, b"dora", b"abc"), refused(CKR_PIN_LEN_RANGE));
    for user in [0, 99, 1 << 32 | 1, CK_ULONG::MAX] {
        assert_eq!(officer.delete_user(user), refused(CKR_USER_TYPE_INVALID));
        assert_eq!(officer.set_user_pin(user, PIN), refused(CKR_USER_TYPE_INVALID));
    }
    assert_eq!(officer.users().unwrap().len(), 2);
}

#[test]
fn pointers_and_lengths_are_checked_before_anything_is_made() {
    let token = Token::new();
    let officer = token.officer();
    let (s, role) = (officer.0, SR_ROLE_USER);
    let ((name, name_len), (pin, pin_len)) = (pair(b"dora"), pair(PIN));
    let (null, nowhere, mut user) = (ptr::null_mut(), ptr::null_mut(), 7);
    for outcome in [
        vendor!(SR_CreateUser(s, role, null, name_len, pin, pin_len, &mut user)),
        vendor!(SR_CreateUser(s, role, name, name_len, null, pin_len, &mut user)),
        vendor!(SR_CreateUser(s, role, name, name_len, null, 0, &mut user)),
        vendor!(SR_CreateUser(s, role, name, CK_ULONG::MAX, pin, pin_len, &mut user)),
        vendor!(SR_CreateUser(s, role, name, name_len, pin, 1 << 63, &mut user)),
        vendor!(SR_CreateUser(s, role, name, name_len, pin, pin_len, nowhere)),
        vendor!(SR_SetUserPIN(s, 2, null, 5)),
        vendor!(SR_ListUsers(s, ptr::null_mut(), nowhere)),
        vendor!(SR_GetQuorumValue(s, SR_SERVICE_OFFICERS, nowhere)),
        vendor!(SR_SetTrusted(s, 1, 2)),
    ] {
        assert_eq!(outcome, refused(CKR_ARGUMENTS_BAD));
    }
    assert_eq!((user, officer.users().unwrap().len()), (7, 2));
    // A place that need not be aligned, and a list with too few places.
    let mut places = [0u8; 17];
    let odd = unsafe { places.as_mut_ptr().add(1) }.cast::<CK_ULONG>();
    vendor!(SR_CreateUser(s, role, name, name_len, pin, pin_len, odd)).unwrap();
    assert_eq!(unsafe { odd.read_unaligned() }, 3);
    let mut count = 2;
    let mut users = [officer.users().unwrap()[0]; 2];
    assert_eq!(vendor!(SR_ListUsers(s, users.as_mut_ptr(), &mut count)), refused(CKR_BUFFER_TOO_SMALL));
    assert_eq!(count, 3);
    officer.logout().unwrap();
    officer.login(CKU_USER, USER_PIN).unwrap();
}
