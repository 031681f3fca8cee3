//! Sessions (§5.6.1 to §5.6.7): opening, closing, states, counts, cancelling, saving the state of a digest.

use std::collections::HashSet;
use std::ptr;

use cryptoki_sys::*;

use crate::module::{SO_PIN, Token, USER_PIN, refused, slots};
use crate::parameters::plain;
use crate::samples::{sample, usable_key};
use crate::session::{ALL_WORK, Session, Work};
use crate::template::{bytes, flag, number};

#[test]
fn opening_takes_the_right_flags_and_slot() {
    let token = Token::new();
    let mut session = 0;
    let open = |slot, flags, session| call!(C_OpenSession(slot, flags, ptr::null_mut(), None, session));
    let parallel = refused(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_eq!(open(token.slot, 0, &mut session), parallel);
    assert_eq!(open(token.slot, CKF_RW_SESSION, &mut session), parallel);
    assert_eq!(open(token.slot, CKF_SERIAL_SESSION, ptr::null_mut()), refused(CKR_ARGUMENTS_BAD));
    assert_eq!(open(!0, CKF_SERIAL_SESSION, &mut session), refused(CKR_SLOT_ID_INVALID));
    let asynchronous = open(token.slot, CKF_SERIAL_SESSION | CKF_ASYNC_SESSION, &mut session);
    assert_eq!(asynchronous, refused(CKR_SESSION_ASYNC_NOT_SUPPORTED));
    // The free slot's token is not initialised.
    let free = *slots().last().unwrap();
    assert_eq!(open(free, CKF_SERIAL_SESSION, &mut session), refused(CKR_TOKEN_NOT_RECOGNIZED));
    assert_eq!(token.info().ulSessionCount, 0);
    assert_eq!(session, 0);
}

#[test]
fn counts_and_infos_tell_what_is_open() {
    let token = Token::new();
    let sessions: Vec<Session> =
        (0..6).map(|at| if at % 3 == 0 { token.read_only() } else { token.read_write() }).collect();
    assert_eq!(sessions.iter().map(|session| session.0).collect::<HashSet<_>>().len(), 6);
    assert!(sessions.iter().all(|session| session.0 != CK_INVALID_HANDLE));
    let info = token.info();
    assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (6, 4));
    let (reader, writer) = (sessions[0].info().unwrap(), sessions[1].info().unwrap());
    assert_eq!((reader.slotID, reader.flags, reader.ulDeviceError), (token.slot, CKF_SERIAL_SESSION, 0));
    assert_eq!((writer.slotID, writer.flags), (token.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION));
    assert_eq!(call!(C_GetSessionInfo(sessions[0].0, ptr::null_mut())), refused(CKR_ARGUMENTS_BAD));
    sessions[1].close().unwrap();
    assert_eq!(sessions[1].close(), refused(CKR_SESSION_HANDLE_INVALID));
    let info = token.info();
    assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (5, 3));
    token.close_all();
    assert_eq!(token.info().ulSessionCount, 0);
    token.close_all();
    assert_eq!(call!(C_CloseAllSessions(!0)), refused(CKR_SLOT_ID_INVALID));
    // Closing one token's sessions leaves another's.
    let other = Token::without_user();
    let theirs = other.read_only();
    token.close_all();
    theirs.info().unwrap();
}

#[test]
fn states_follow_the_login() {
    let token = Token::new();
    let (reader, writer) = (token.read_only(), token.read_write());
    let states = || (reader.state(), writer.state());
    assert_eq!(states(), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
    reader.login(CKU_USER, USER_PIN).unwrap();
    assert_eq!(states(), (CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS));
    assert_eq!(token.read_only().state(), CKS_RO_USER_FUNCTIONS);
    writer.logout().unwrap();
    assert_eq!(states(), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
    // No officer beside read-only sessions, and none of those beside the officer.
    assert_eq!(writer.login(CKU_SO, SO_PIN), refused(CKR_SESSION_READ_ONLY_EXISTS));
    assert_eq!(reader.login(CKU_SO, SO_PIN), refused(CKR_SESSION_READ_ONLY_EXISTS));
    token.close_all();
    let writer = token.officer();
    assert_eq!(writer.state(), CKS_RW_SO_FUNCTIONS);
    assert_eq!(token.open(0).map(|_| ()), refused(CKR_SESSION_READ_WRITE_SO_EXISTS));
    assert_eq!(token.read_write().state(), CKS_RW_SO_FUNCTIONS);
    writer.logout().unwrap();
    token.read_only();
}

#[test]
fn the_last_session_closed_logs_out() {
    let token = Token::new();
    for close_all in [false, true] {
        let (first, second) = (token.user(), token.read_write());
        first.close().unwrap();
        assert_eq!(second.state(), CKS_RW_USER_FUNCTIONS);
        if close_all {
            token.close_all();
        } else {
            second.close().unwrap();
        }
        assert_eq!(second.info().map(|_| ()), refused(CKR_SESSION_HANDLE_INVALID));
        let fresh = token.read_write();
        assert_eq!(fresh.state(), CKS_RW_PUBLIC_SESSION);
        fresh.close().unwrap();
    }
}

#[test]
fn logout_ends_what_was_begun_with_private_keys() {
    let token = Token::new();
    let session = token.user();
    for place in [false, true] {
        let key = session.create(&crate::template::with(&usable_key(CKK_AES, 0), &[flag(CKA_TOKEN, place)])).unwrap();
        let cbc = sample(CKM_AES_CBC).mechanism(16);
        let cmac = plain(CKM_AES_CMAC);
        session.begin(Work::Encrypt, &cbc, key).unwrap();
        session.begin(Work::Decrypt, &cbc, key).unwrap();
        session.begin(Work::Sign, &cmac, key).unwrap();
        session.verify_init(&cmac, key).unwrap();
        session.update(Work::Encrypt, &[0; 16]).unwrap();
        session.logout().unwrap();
        for work in [Work::Encrypt, Work::Decrypt, Work::Sign] {
            assert!(session.update(work, &[0; 16]).is_err(), "{work:?} goes on after the logout");
            assert_eq!(session.finish(work), refused(CKR_OPERATION_NOT_INITIALIZED));
        }
        assert!(session.verify_final(&[0; 16]).is_err());
        session.login(CKU_USER, USER_PIN).unwrap();
        // Nor does it come back with the login.
        for work in [Work::Encrypt, Work::Decrypt, Work::Sign] {
            assert_eq!(session.update(work, &[0; 16]), refused(CKR_OPERATION_NOT_INITIALIZED));
        }
    }
}

#[test]
fn cancelling_ends_what_is_named_and_nothing_else() {
    let token = Token::new();
    let session = token.user();
    let key = session.create(&usable_key(CKK_AES, 0)).unwrap();
    let begin_all = || {
        session.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(16), key).unwrap();
        session.begin(Work::Decrypt, &sample(CKM_AES_CTR).mechanism(16), key).unwrap();
        session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
        session.begin(Work::Sign, &plain(CKM_AES_CMAC), key).unwrap();
    };
    let flags = [CKF_ENCRYPT, CKF_DECRYPT, CKF_DIGEST, CKF_SIGN];
    for chosen in 0..16 {
        begin_all();
        let cancelled = (0..4).filter(|at| chosen >> at & 1 == 1).fold(0, |sum, at| sum | flags[at]);
        // Flags of operations that are not active, or that nobody has, are ignored.
        session.cancel(cancelled | CKF_VERIFY | CKF_FIND_OBJECTS | CKF_WRAP).unwrap();
        for (at, work) in ALL_WORK.into_iter().enumerate() {
            assert_eq!(session.is_active(work), chosen >> at & 1 == 0, "{work:?} after {cancelled:x}");
        }
        session.cancel_all();
    }
    begin_all();
    session.cancel(0).unwrap();
    for work in ALL_WORK {
        assert!(session.is_active(work));
        session.begin_raw(work, ptr::null_mut(), 0).unwrap();
        assert!(!session.is_active(work));
    }
    session.verify_init(&plain(CKM_AES_CMAC), key).unwrap();
    assert_eq!(session.verify_init(&plain(CKM_AES_CMAC), key), refused(CKR_OPERATION_ACTIVE));
    call!(C_VerifyInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(session.verify_final(&[0; 16]), refused(CKR_OPERATION_NOT_INITIALIZED));
    assert_eq!(Session(0).cancel(CKF_ENCRYPT), refused(CKR_SESSION_HANDLE_INVALID));
}

#[test]
fn operations_belong_to_their_session() {
    let token = Token::new();
    let (one, other) = (token.user(), token.read_write());
    let key = one.create(&usable_key(CKK_AES, 0)).unwrap();
    let mechanism = sample(CKM_AES_CTR).mechanism(0);
    let expected = one.run(Work::Encrypt, &mechanism, key, b"some data of one session").unwrap();
    for work in ALL_WORK {
        assert_eq!(other.update(work, b"x"), refused(CKR_OPERATION_NOT_INITIALIZED));
    }
    one.begin(Work::Encrypt, &mechanism, key).unwrap();
    other.begin(Work::Encrypt, &mechanism, key).unwrap();
    let mut outputs = [Vec::new(), Vec::new()];
    for byte in b"some data of one session" {
        outputs[0].extend(one.update(Work::Encrypt, &[*byte]).unwrap());
        outputs[1].extend(other.update(Work::Encrypt, &[*byte]).unwrap());
    }
    assert_eq!(outputs, [expected.clone(), expected]);
    other.close().unwrap();
    assert!(one.is_active(Work::Encrypt));
}

fn state_of(session: Session) -> Result<Vec<u8>, crate::module::Code> {
    let mut len = 0;
    call!(C_GetOperationState(session.0, ptr::null_mut(), &mut len))?;
    let mut state = vec![0; len as usize];
    let mut short = len - 1;
    let refusal = call!(C_GetOperationState(session.0, state.as_mut_ptr(), &mut short));
    assert_eq!((refusal, short), (refused(CKR_BUFFER_TOO_SMALL), len));
    call!(C_GetOperationState(session.0, state.as_mut_ptr(), &mut len))?;
    state.truncate(len as usize);
    Ok(state)
}

fn restore(session: Session, state: &[u8], keys: (u64, u64)) -> Result<(), crate::module::Code> {
    let (start, len) = (state.as_ptr().cast_mut(), state.len() as CK_ULONG);
    call!(C_SetOperationState(session.0, start, len, keys.0, keys.1))
}

#[test]
fn the_state_of_a_digest_travels() {
    let token = Token::new();
    let (session, other) = (token.user(), token.read_write());
    assert_eq!(state_of(session).map(|_| ()), refused(CKR_OPERATION_NOT_INITIALIZED));
    let digests = crate::samples::samples().filter(|sample| matches!(sample.kind, crate::samples::Kind::Digest(_)));
    let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let mut count = 0;
    for digest in digests {
        let mechanism = plain(digest.id);
        let expected = session.run(Work::Digest, &mechanism, 0, &data).unwrap();
        for cut in [0, 1, 63, 64, 65, 127, 128, 500, 1000] {
            session.begin(Work::Digest, &mechanism, 0).unwrap();
            session.update(Work::Digest, &data[..cut]).unwrap();
            let state = state_of(session).unwrap();
            // The other session is in the middle of something, which ends.
            other.begin(Work::Digest, &plain(CKM_SHA_1), 0).unwrap();
            other.find_init(&[]).unwrap();
            restore(other, &state, (0, 0)).unwrap();
            assert_eq!(other.find_some(1), refused(CKR_OPERATION_NOT_INITIALIZED));
            for session in [session, other] {
                session.update(Work::Digest, &data[cut..]).unwrap();
                assert_eq!(session.finish(Work::Digest).unwrap(), expected, "{} cut at {cut}", digest.name);
            }
            for at in 0..state.len().min(17) {
                let mut broken = state.clone();
                broken[at] ^= 0x55;
                assert_eq!(restore(other, &broken, (0, 0)), refused(CKR_SAVED_STATE_INVALID), "byte {at}");
            }
            for len in [0, 1, 16, state.len() - 1] {
                assert_eq!(restore(other, &state[..len], (0, 0)), refused(CKR_SAVED_STATE_INVALID));
            }
            assert_eq!(restore(other, &state, (1, 0)), refused(CKR_KEY_NOT_NEEDED));
            assert_eq!(restore(other, &state, (0, 1)), refused(CKR_KEY_NOT_NEEDED));
            count += 1;
        }
    }
    println!("{count} states");
}

#[test]
fn states_with_keys_stay_inside() {
    let token = Token::new();
    let session = token.user();
    let key = session.create(&usable_key(CKK_AES, 0)).unwrap();
    session.begin(Work::Encrypt, &sample(CKM_AES_CBC).mechanism(16), key).unwrap();
    assert_eq!(state_of(session).map(|_| ()), refused(CKR_STATE_UNSAVEABLE));
    session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
    assert_eq!(state_of(session).map(|_| ()), refused(CKR_STATE_UNSAVEABLE));
    session.cancel_all();
    let open = [number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, CKK_GENERIC_SECRET), bytes(CKA_VALUE, b"v")];
    let open = crate::template::with(&open, &[flag(CKA_SENSITIVE, false), flag(CKA_EXTRACTABLE, true)]);
    let generic = session.create(&open).unwrap();
    session.begin(Work::Digest, &plain(CKM_SHA256), 0).unwrap();
    call!(C_DigestKey(session.0, generic)).unwrap();
    assert_eq!(state_of(session).map(|_| ()), refused(CKR_STATE_UNSAVEABLE));
    // A refused question ends nothing here: the digest goes on.
    assert!(session.is_active(Work::Digest));
}

#[test]
fn many_sessions_fit() {
    let token = Token::new();
    let sessions: Vec<Session> = (0..2000).map(|_| token.read_only()).collect();
    assert_eq!(token.info().ulSessionCount, 2000);
    for session in sessions {
        session.close().unwrap();
    }
    assert_eq!(token.info().ulSessionCount, 0);
}
