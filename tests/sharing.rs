//! Keys that several users use in several processes: what one shares or no longer shares, the others see at their next
//! call.

// Every block calls the module as a C program would, with pointers to variables that outlive the call.
#![allow(clippy::undocumented_unsafe_blocks)]

mod support;

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;

use cryptoki_sys::*;
use support::module::{Answer, ok};
use support::worker::Workshop;
use support::{Place, USER_PIN, module_file};

/// Promise: a key that is no longer shared is gone for other processes at their next call, whatever they are in the
/// middle of.
#[test]
fn an_unshared_key_is_gone_for_other_processes_at_once() {
    let place = Place::with_token("sharing");
    let mut owner = place.worker();
    owner.ask("initialize").unwrap();
    owner.ask("open").unwrap();
    owner.ask("login-so").unwrap();
    let bob = owner.ask("create-user bob bobs-pin").unwrap();
    owner.ask("logout").unwrap();
    owner.ask(&format!("login {USER_PIN}")).unwrap();
    let key = owner.ask("create shared").unwrap();
    let mut sharee = place.worker();
    sharee.ask("initialize").unwrap();
    sharee.ask("open").unwrap();
    sharee.ask("login bob:bobs-pin").unwrap();
    let encrypt = format!("encrypt {key}");
    for _ in 0..3 {
        assert_eq!(sharee.ask(&encrypt), Err(CKR_KEY_HANDLE_INVALID));
        assert!(sharee.handles("find").is_empty());
        owner.ask(&format!("share {key} {bob}")).unwrap();
        assert_eq!(sharee.ask(&encrypt), owner.ask(&encrypt));
        assert_eq!(sharee.handles("find shared"), [key.parse::<u64>().unwrap()]);
        assert_eq!(sharee.ask(&format!("destroy {key}")), Err(CKR_ACTION_PROHIBITED));
        sharee.ask(&format!("begin {key}")).unwrap();
        sharee.ask("update").unwrap();
        owner.ask(&format!("unshare {key} {bob}")).unwrap();
        // What was begun has ended.
        assert_eq!(sharee.ask("update"), Err(CKR_OPERATION_NOT_INITIALIZED));
    }
    owner.ask(&format!("share {key} {bob}")).unwrap();
    sharee.ask(&encrypt).unwrap();
    owner.ask("logout").unwrap();
    owner.ask("login-so").unwrap();
    owner.ask(&format!("delete-user {bob}")).unwrap();
    assert_eq!(sharee.ask(&encrypt), Err(CKR_KEY_HANDLE_INVALID));
    assert_eq!(sharee.ask("state").unwrap(), CKS_RW_PUBLIC_SESSION.to_string());
    sharee.finish();
    owner.finish();
}

/// The other processes of these tests.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn worker() {
    support::worker::work(|shop, order, words| match order {
        "create-user" => Some(create_user(shop, words[0], words[1])),
        "delete-user" => Some(about_user(shop, c"SR_DeleteUser", number(words[0]))),
        "share" => Some(about_key(shop, c"SR_ShareKey", number(words[0]), number(words[1]))),
        "unshare" => Some(about_key(shop, c"SR_UnshareKey", number(words[0]), number(words[1]))),
        _ => None,
    });
}

fn number(word: &str) -> CK_ULONG {
    word.parse().unwrap()
}

fn create_user(shop: &Workshop, name: &str, pin: &str) -> Answer<String> {
    type Function =
        unsafe extern "C" fn(CK_ULONG, CK_ULONG, *mut u8, CK_ULONG, *mut u8, CK_ULONG, *mut CK_ULONG) -> CK_RV;
    let create: Function = unsafe { std::mem::transmute(symbol(c"SR_CreateUser")) };
    let pair = |text: &str| (text.as_ptr().cast_mut(), text.len() as CK_ULONG);
    let ((name, name_len), (pin, pin_len), mut user) = (pair(name), pair(pin), 0);
    let role = strongroom::SR_ROLE_USER;
    ok(unsafe { create(shop.session(), role, name, name_len, pin, pin_len, &mut user) })?;
    Ok(user.to_string())
}

fn about_user(shop: &Workshop, function: &CStr, user: CK_ULONG) -> Answer<String> {
    let function: unsafe extern "C" fn(CK_ULONG, CK_ULONG) -> CK_RV = unsafe { std::mem::transmute(symbol(function)) };
    ok(unsafe { function(shop.session(), user) }).map(|()| String::new())
}

fn about_key(shop: &Workshop, function: &CStr, key: CK_ULONG, user: CK_ULONG) -> Answer<String> {
    let function: unsafe extern "C" fn(CK_ULONG, CK_ULONG, CK_ULONG) -> CK_RV =
        unsafe { std::mem::transmute(symbol(function)) };
    ok(unsafe { function(shop.session(), key, user) }).map(|()| String::new())
}

/// A function by its name: programs need not ask for the interface.
fn symbol(name: &CStr) -> *mut libc::c_void {
    let path = CString::new(module_file().as_os_str().as_bytes()).unwrap();
    let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!library.is_null());
    let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!symbol.is_null(), "{name:?}");
    symbol
}
