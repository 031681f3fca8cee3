//! What stays in the memory of a tool after a logout: no password, and no line that had one.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::process::Child;

use super::kmu::{Kmu, USER};
use super::place::PIN;

/// Where a needle is in the memory of a process that may be looked at.
fn found(process: &Child, needle: &[u8]) -> Result<Vec<String>, std::io::Error> {
    let id = process.id();
    let (maps, memory) = (fs::read_to_string(format!("/proc/{id}/maps"))?, File::open(format!("/proc/{id}/mem"))?);
    let mut found = Vec::new();
    for map in maps.lines() {
        let (range, what) = map.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |digits| u64::from_str_radix(digits, 16).unwrap();
        let (start, end) = (number(start), number(end));
        let mut bytes = vec![0; (end - start) as usize];
        // Secret memory, and the kernel's own pages, are nobody's to read.
        let readable = what.starts_with('r') && memory.read_exact_at(&mut bytes, start).is_ok();
        if readable && bytes.windows(needle.len()).any(|window| window == needle) {
            found.push(map.to_owned());
        }
    }
    Ok(found)
}

/// The end of the password: of what was freed and not wiped, the beginning is the allocator's.
const TAIL: &str = "walrus";

/// Types a login and a logout, waits until the tool has said this, and looks for what was typed.
fn leaves_nothing(program: &str, arguments: &[&str], login: &str, logout: &str, said: &str) {
    let kmu = Kmu::new();
    let mut tool = kmu.place.start(program, arguments).spawn();
    let mut keyboard = tool.stdin.take().unwrap();
    let mut screen = tool.stdout.take().unwrap();
    assert!(PIN.ends_with(TAIL));
    keyboard.write_all(format!("{login}{PIN}\n{logout}\n").as_bytes()).unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(said) {
        let mut byte = [0];
        assert_eq!(screen.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&seen));
        seen.push(byte[0]);
    }
    // The last thing it says is there before it waits for the next line.
    std::thread::sleep(std::time::Duration::from_millis(200));
    match (found(&tool, TAIL.as_bytes()), found(&tool, login.as_bytes()), found(&tool, b"strongroom")) {
        (Ok(password), Ok(line), Ok(something)) => {
            assert!(!something.is_empty(), "nothing of its memory could be read");
            assert!(password.is_empty() && line.is_empty(), "{password:#?} {line:#?}");
        }
        #[allow(clippy::print_stderr)]
        _ => eprintln!("skipped: the system does not let a process look at the memory of the one it started"),
    }
    drop(keyboard);
    assert!(tool.wait().unwrap().success());
}

#[test]
fn key_mgmt_util_keeps_no_password() {
    let program = env!("CARGO_BIN_EXE_key_mgmt_util");
    leaves_nothing(program, &[], &format!("loginHSM -u CU -s {USER} -p "), "logoutHSM", "Cfm3LogoutHSM returned: 0x00");
}

#[test]
fn cloudhsm_mgmt_util_keeps_no_password() {
    let program = env!("CARGO_BIN_EXE_cloudhsm_mgmt_util");
    leaves_nothing(program, &[], &format!("loginHSM CU {USER} "), "logoutHSM", "logoutHSM success");
}

#[test]
fn cloudhsm_cli_keeps_no_password() {
    let program = env!("CARGO_BIN_EXE_cloudhsm-cli");
    let login = format!("login --username {USER} --role crypto-user --password ");
    leaves_nothing(program, &["interactive"], &login, "logout", "Logout successful");
}
