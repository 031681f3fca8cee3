//! The function lists and interfaces.

use std::ffi::CStr;
use std::ptr;

use cryptoki_sys::*;
use strongroom::*;

use crate::support::*;

fn find(name: Option<&CStr>, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Result<CK_INTERFACE, CK_RV> {
    let name = name.map_or(ptr::null_mut(), |name| name.as_ptr().cast_mut().cast());
    let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
    let version = version.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let mut found = ptr::null_mut();
    match unsafe { C_GetInterface(name, version, &mut found, flags) } {
        CKR_OK => Ok(unsafe { *found }),
        rv => Err(rv),
    }
}

/// The version of the list, after a look at each of its pointers.
fn checked_version(interface: &CK_INTERFACE) -> (u8, u8) {
    let version = unsafe { interface.pFunctionList.cast::<CK_VERSION>().read() };
    let size = match (version.major, version.minor) {
        (2, 40) => size_of::<CK_FUNCTION_LIST>(),
        (3, 0) => size_of::<CK_FUNCTION_LIST_3_0>(),
        (3, 2) => size_of::<CK_FUNCTION_LIST_3_2>(),
        (1, 0) => size_of::<SR_FUNCTION_LIST>(),
        other => panic!("{other:?}"),
    };
    let words = size / size_of::<usize>();
    for word in 1..words {
        let function = unsafe { interface.pFunctionList.cast::<usize>().add(word).read() };
        assert_ne!(function, 0, "function {word} of {version:?}");
    }
    (version.major, version.minor)
}

#[test]
fn interfaces_are_found_by_name_version_and_flags() {
    let _turn = turn();
    let standard = Some(c"PKCS 11");
    for (name, version, expected) in [
        (None, None, (3, 2)),
        (standard, None, (3, 2)),
        (None, Some((2, 40)), (2, 40)),
        (standard, Some((2, 40)), (2, 40)),
        (standard, Some((3, 0)), (3, 0)),
        (standard, Some((3, 2)), (3, 2)),
    ] {
        let found = find(name, version, 0).unwrap();
        assert_eq!(checked_version(&found), expected);
        assert_eq!(unsafe { CStr::from_ptr(found.pInterfaceName.cast()) }, c"PKCS 11");
    }
    for version in [None, Some((1, 0))] {
        let found = find(Some(c"Strongroom"), version, 0).unwrap();
        assert_eq!(checked_version(&found), (1, 0));
        assert_eq!(unsafe { CStr::from_ptr(found.pInterfaceName.cast()) }, c"Strongroom");
    }
    for (name, version, flags) in [
        (Some(c"PKCS 1"), None, 0),
        (Some(c"PKCS 11 "), None, 0),
        (Some(c""), None, 0),
        (Some(c"Strongroo"), None, 0),
        (Some(c"Strongroom"), Some((2, 0)), 0),
        (Some(c"Strongroom"), Some((3, 2)), 0),
        (Some(c"Strongroom"), None, CKF_INTERFACE_FORK_SAFE),
        // Without a name the standard's is meant.
        (None, Some((1, 0)), 0),
        (standard, Some((1, 0)), 0),
        (standard, Some((3, 1)), 0),
        (None, Some((9, 9)), 0),
        (standard, None, CKF_INTERFACE_FORK_SAFE),
        (None, None, 1 << 40),
    ] {
        assert_eq!(find(name, version, flags).unwrap_err(), CKR_FUNCTION_FAILED);
    }
    assert_eq!(unsafe { C_GetInterface(ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) }, CKR_ARGUMENTS_BAD);
}

#[test]
fn the_list_has_all_versions() {
    let _turn = turn();
    let mut count = 0;
    let mut interfaces = [CK_INTERFACE::default(); 5];
    unsafe {
        assert_eq!(C_GetInterfaceList(ptr::null_mut(), ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetInterfaceList(ptr::null_mut(), &mut count), CKR_OK);
        assert_eq!(count, 4);
        count = 3;
        assert_eq!(C_GetInterfaceList(interfaces.as_mut_ptr(), &mut count), CKR_BUFFER_TOO_SMALL);
        assert_eq!(count, 4);
        count = 5;
        assert_eq!(C_GetInterfaceList(interfaces.as_mut_ptr(), &mut count), CKR_OK);
        assert_eq!(count, 4);
    }
    let versions: Vec<_> = interfaces[..4].iter().map(checked_version).collect();
    assert_eq!(versions, [(3, 2), (3, 0), (2, 40), (1, 0)]);

    let mut list = ptr::null_mut();
    unsafe {
        assert_eq!(C_GetFunctionList(ptr::null_mut()), CKR_ARGUMENTS_BAD);
        assert_eq!(C_GetFunctionList(&mut list), CKR_OK);
        assert_eq!(list.cast(), interfaces[2].pFunctionList);
    }
}

/// Programs that look functions up one by one find each of them.
#[test]
fn every_function_is_exported_by_the_library() {
    let own = std::env::current_exe().unwrap();
    let library = own.parent().unwrap().join("libstrongroom.so");
    let path = std::ffi::CString::new(library.to_str().unwrap()).unwrap();
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    assert!(!handle.is_null(), "{} cannot be loaded", library.display());
    let symbol = |name: &str| {
        let name = std::ffi::CString::new(name).unwrap();
        unsafe { libc::dlsym(handle, name.as_ptr()) }
    };
    for (name, _, _) in crate::arguments::FUNCTIONS {
        assert!(!symbol(name).is_null(), "{name}");
    }
    for name in ["C_Initialize", "C_Finalize", "C_Logout", "C_CloseSession", "C_CloseAllSessions"] {
        assert!(!symbol(name).is_null(), "{name}");
    }
    unsafe { libc::dlclose(handle) };
}
