//! C_Initialize, C_Finalize, threads and forks.

use std::ffi::{CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

fn rv_of_info() -> CK_RV {
    let mut info = CK_INFO::default();
    unsafe { C_GetInfo(&mut info) }
}

#[test]
fn calls_need_an_initialised_module() {
    let _turn = turn();
    unsafe {
        assert_eq!(rv_of_info(), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
        initialize();
        assert_eq!(rv_of_info(), CKR_OK);
        assert_eq!(C_Initialize(ptr::null_mut()), CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_eq!(C_Finalize(ptr::null_mut::<c_void>().wrapping_add(1)), CKR_ARGUMENTS_BAD);
        assert_eq!(rv_of_info(), CKR_OK);
        finalize();
        assert_eq!(rv_of_info(), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
        for _ in 0..50 {
            initialize();
            finalize();
        }
    }
}

#[test]
fn info_is_padded_with_blanks() {
    let _turn = turn();
    initialize();
    let mut info = CK_INFO::default();
    unsafe {
        assert_eq!(C_GetInfo(&mut info), CKR_OK);
        assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
        assert_eq!(&info.manufacturerID, b"Strongroom                      ");
        assert_eq!(info.flags, 0);
        let version = format!("{}.{}.", info.libraryVersion.major, info.libraryVersion.minor);
        assert!(env!("CARGO_PKG_VERSION").starts_with(&version));

        let mut token_info = CK_TOKEN_INFO::default();
        assert_eq!(C_GetTokenInfo(token(), &mut token_info), CKR_OK);
        assert_eq!(&token_info.label, b"abi                             ");
        assert_eq!(token_info.utcTime, [b' '; 16]);
        assert_ne!(token_info.flags & CKF_TOKEN_INITIALIZED, 0);
        assert!(!token_info.serialNumber.contains(&0));
        let mut slot_info = CK_SLOT_INFO::default();
        assert_eq!(C_GetSlotInfo(token(), &mut slot_info), CKR_OK);
        assert!(!slot_info.slotDescription.contains(&0));
        assert_eq!(C_GetSlotInfo(99_999, &mut slot_info), CKR_SLOT_ID_INVALID);
    }
    finalize();
}

unsafe extern "C" fn create_mutex(_: *mut *mut c_void) -> CK_RV {
    panic!("a mutex callback was called")
}

unsafe extern "C" fn use_mutex(_: *mut c_void) -> CK_RV {
    panic!("a mutex callback was called")
}

fn initialize_with(callbacks: u32, flags: CK_FLAGS, reserved: *mut c_void) -> CK_RV {
    let given = |bit: u32| callbacks & bit != 0;
    let mut arguments = CK_C_INITIALIZE_ARGS {
        CreateMutex: given(1).then_some(create_mutex as _),
        DestroyMutex: given(2).then_some(use_mutex as _),
        LockMutex: given(4).then_some(use_mutex as _),
        UnlockMutex: given(8).then_some(use_mutex as _),
        flags,
        pReserved: reserved,
    };
    let rv = unsafe { C_Initialize((&raw mut arguments).cast()) };
    if rv == CKR_OK {
        assert_eq!(slots().len(), slots().len());
        finalize();
    } else {
        assert_eq!(rv_of_info(), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    rv
}

#[test]
fn mutex_callbacks_are_all_or_none() {
    let _turn = turn();
    for callbacks in 0..16 {
        for flags in [0, CKF_OS_LOCKING_OK, CKF_LIBRARY_CANT_CREATE_OS_THREADS, 3] {
            let expected = match callbacks {
                0 => CKR_OK,
                15 if flags & CKF_OS_LOCKING_OK == 0 => CKR_CANT_LOCK,
                15 => CKR_OK,
                _ => CKR_ARGUMENTS_BAD,
            };
            assert_eq!(initialize_with(callbacks, flags, ptr::null_mut()), expected, "{callbacks} {flags}");
        }
    }
}

#[test]
fn the_reserved_string_names_directory_and_configuration() {
    let _turn = turn();
    let other = fresh_directory("abi reserved");
    let path = other.to_str().unwrap();
    let with = |text: &str| {
        let text = CString::new(text).unwrap();
        initialize_with(0, CKF_OS_LOCKING_OK, text.as_ptr().cast_mut().cast())
    };
    assert_eq!(with(""), CKR_OK);
    assert_eq!(with("configdir='sql:/nowhere' flags=readOnly"), CKR_OK);
    assert_eq!(with("dir='unclosed"), CKR_ARGUMENTS_BAD);
    assert_eq!(with(&"x".repeat(70_000)), CKR_ARGUMENTS_BAD);
    assert_eq!(with(&format!("conf='{path}/absent.toml'")), CKR_FUNCTION_FAILED);

    // A token made there is found there, and nowhere else.
    let text = CString::new(format!("dir='{path}' conf='{path}/test.toml' x=y")).unwrap();
    let mut arguments = CK_C_INITIALIZE_ARGS { pReserved: text.as_ptr().cast_mut().cast(), ..Default::default() };
    unsafe {
        assert_eq!(C_Initialize((&raw mut arguments).cast()), CKR_OK);
        let slot = *slots().last().unwrap();
        let (pin, len) = pin(SO_PIN);
        let mut label = [b' '; 32];
        assert_eq!(C_InitToken(slot, pin, len, label.as_mut_ptr()), CKR_OK);
        assert_eq!(slots().len(), 2);
        finalize();
    }
    assert!(std::fs::read_dir(&other).unwrap().count() > 1, "{:?}", other.as_os_str().as_bytes());
    _ = std::fs::remove_dir_all(other);
}

#[test]
fn finalising_under_busy_threads_crashes_nobody() {
    let _turn = turn();
    let session = user_session();
    let slot = token();
    aes_key(session);
    let (end, calls) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) {
                    let mut own = 0;
                    let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
                    let opened = unsafe { C_OpenSession(slot, flags, ptr::null_mut(), None, &mut own) };
                    assert!(matches!(opened, CKR_OK | CKR_CRYPTOKI_NOT_INITIALIZED), "{opened:#x}");
                    let mut random = [0u8; 64];
                    for _ in 0..20 {
                        let rv = unsafe { C_GenerateRandom(own, random.as_mut_ptr(), 64) };
                        let gone = matches!(rv, CKR_CRYPTOKI_NOT_INITIALIZED | CKR_SESSION_HANDLE_INVALID);
                        assert!(rv == CKR_OK || gone, "{rv:#x}");
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(1));
            finalize();
            initialize();
        }
        end.store(true, Ordering::Relaxed);
    });
    assert!(calls.load(Ordering::Relaxed) > 0);
    finalize();
}

#[test]
fn of_threads_that_initialise_at_once_one_does() {
    let _turn = turn();
    for _ in 0..20 {
        let results: Vec<CK_RV> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| unsafe { C_Initialize(ptr::null_mut()) })).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(results.iter().filter(|rv| **rv == CKR_OK).count(), 1);
        assert_eq!(results.iter().filter(|rv| **rv == CKR_CRYPTOKI_ALREADY_INITIALIZED).count(), 5);
        finalize();
    }
}

fn child_is_not_initialised(session: CK_SESSION_HANDLE) {
    let mut random = [0u8; 8];
    let mut info = CK_SESSION_INFO::default();
    unsafe {
        assert_eq!(rv_of_info(), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_GenerateRandom(session, random.as_mut_ptr(), 8), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_GetSessionInfo(session, &mut info), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}

fn child_starts_afresh(slot: CK_SLOT_ID, parents: CK_SESSION_HANDLE) {
    child_is_not_initialised(parents);
    initialize();
    let mut info = CK_SESSION_INFO::default();
    let own = open(slot);
    unsafe {
        assert_eq!(C_GetSessionInfo(own, &mut info), CKR_OK);
        assert_eq!(info.state, CKS_RW_PUBLIC_SESSION);
        assert_eq!(login(own, CKU_USER, USER_PIN), CKR_OK);
        aes_key(own);
        assert_eq!(C_Initialize(ptr::null_mut()), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    }
    finalize();
    assert_eq!(rv_of_info(), CKR_CRYPTOKI_NOT_INITIALIZED);
}

#[test]
fn a_child_starts_afresh_and_the_parent_goes_on() {
    let _turn = turn();
    in_child(|| {
        assert_eq!(rv_of_info(), CKR_CRYPTOKI_NOT_INITIALIZED);
        initialize();
        finalize();
    });
    let session = user_session();
    let slot = token();
    in_child(|| child_is_not_initialised(session));
    in_child(|| child_starts_afresh(slot, session));
    in_child(|| {
        child_starts_afresh(slot, session);
        initialize();
        let own = open(slot);
        in_child(|| child_starts_afresh(slot, own));
        finalize();
    });
    aes_key(session);
    finalize();
    in_child(|| {
        initialize();
        finalize();
    });
}

#[test]
fn a_fork_among_busy_threads_hangs_nobody() {
    let _turn = turn();
    let session = user_session();
    let slot = token();
    let end = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let own = open(slot);
                let mut random = [0u8; 64];
                while !end.load(Ordering::Relaxed) {
                    let key = aes_key(own);
                    unsafe {
                        assert_eq!(C_GenerateRandom(own, random.as_mut_ptr(), 64), CKR_OK);
                        assert_eq!(C_DestroyObject(own, key), CKR_OK);
                    }
                }
            });
        }
        for _ in 0..20 {
            in_child(|| child_starts_afresh(slot, session));
        }
        end.store(true, Ordering::Relaxed);
    });
    aes_key(session);
    finalize();
}
