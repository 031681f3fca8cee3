//! The page on genSymKey. Its indentation is one tab.

use std::process::Command;
use std::time::{Duration, Instant};

use super::kmu::{Kmu, USER, handle, handles};
use super::place::PIN;

/// What the page shows for a key that was made, with the handle left open.
const CREATED: &str = "
\tCfm3GenerateSymmetricKey returned: 0x00 : HSM Return: SUCCESS

\tSymmetric Key Created.  Key Handle: HANDLE

\tCluster Error Status
\tNode id 0 and err state 0x00000000 : HSM Return: SUCCESS
";

/// The answer with the handle left open.
fn opened(answer: &str) -> String {
    answer.replacen(&format!("Key Handle: {}\n", handle(answer)), "Key Handle: HANDLE\n", 1)
}

#[test]
fn generate_an_aes_key() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l aes256"]);
    assert_eq!(said[0], CREATED.replace("HANDLE", "6"), "the first key of an HSM");
    assert_eq!(kmu.keys(), [6], "the next session finds it");
}

#[test]
fn create_a_session_key() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 24 -l tmpAES -id wrap01 -nex -sess ", "findKey -l tmpAES"]);
    assert_eq!(opened(&said[0]), CREATED);
    let key = handle(&said[0]);
    assert_eq!(handles(&said[1]), [key]);
    let read = format!("getAttribute -o {key} -a 512 -out attr");
    assert!(kmu.one(&read).contains("0xa8"), "it is gone with its session");
    assert_eq!(kmu.keys(), Vec::<u64>::new());
    let said = kmu.session(&[
        "genSymKey -t 31 -s 24 -l tmpAES -id wrap01 -nex -sess ",
        &format!("getAttribute -o {key} -a 512 -out attr"),
    ]);
    assert!(said[1].contains("0x00"), "{said:?}");
    let file = kmu.file("attr");
    for lines in ["TOKEN\n0x00", "EXTRACTABLE\n0x00", "VALUE_LEN\n0x00000018", "ID\nwrap01"] {
        assert!(file.contains(&format!("OBJ_ATTR_{lines}\n")), "no {lines:?} in {file}");
    }
}

#[test]
fn return_quickly() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 16 -s 512 -l IT_test_key -min_srv 1 -timeout 1"]);
    assert_eq!(opened(&said[0]), CREATED);
    let script = format!(
        "for i in {{1..30}}; \n     do {} Cfm3Util singlecmd loginHSM -u CU -s {USER} -p {PIN} genSymKey -l aes -t 31 -s \
         32 -min_srv 1 -timeout 1; \n done;",
        env!("CARGO_BIN_EXE_key_mgmt_util")
    );
    let begun = Instant::now();
    let out = kmu.place.start("bash", &["-c", &script]).succeeds();
    assert!(begun.elapsed() < Duration::from_secs(30), "-timeout 1: {:?}", begun.elapsed());
    assert_eq!(out.matches("Symmetric Key Created.  Key Handle: ").count(), 30);
    let found = handles(&kmu.one("findKey -l aes"));
    assert_eq!(found.len(), 30);
}

#[test]
fn create_a_quorum_authorized_generic_key() {
    let kmu = Kmu::installed();
    let line = "genSymKey -t 16 -s 2048 -l generic-mV2 -m_value 2 -u 6 -attest";
    let said = kmu.one(line);
    let block = "\n\tCluster Error Status";
    let expected = CREATED.replace(block, &format!("\n\tAttestation Check : [PASS]\n{block}"));
    assert_eq!(opened(&said), expected, "on one node");
    let key = handle(&said);
    let said = kmu.session_of("carol", &[&format!("getKeyInfo -k {key}"), &format!("deleteKey -k {key}")]);
    let info = "
\tCfm3GetKey returned: 0x00 : HSM Return: SUCCESS

\tOwned by user 3

\talso, shared to following 1 user(s):

\t\t 6

\t 2 Users need to approve to use/manage this key
";
    assert_eq!(said[0], info);
    assert!(said[1].contains("0xc6 : HSM Error: Key Access is denied"), "{said:?}");
    assert!(kmu.one(&format!("deleteKey -k {key}")).contains("0xf0 : HSM Error: RET_MXN_AUTH_FAILED"));

    // A byte of the module is not the one that was recorded.
    let module = kmu.place.path("opt/lib/libstrongroom.so.0");
    let mut bytes = std::fs::read(&module).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&module, bytes).unwrap();
    assert_eq!(kmu.one(line), "\n\tAttestation Check : [FAIL]\n");
    assert_eq!(kmu.keys(), [key], "no key is made");
}

#[test]
fn create_and_examine_a_key() {
    let kmu = Kmu::new();
    let line = "genSymKey -t 21 -s 24 -l 3DES_shared -id IT-02 -u 4,5";
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l aes256", line]);
    assert_eq!(said[1], CREATED.replace("HANDLE", "7"), "the second key of an HSM");
    let said = kmu.session(&["getKeyInfo -k 7", "getAttribute -o 7 -a 512 -attr_7", "exSymKey -k 7 -w 6 -out 3des"]);
    let info = "
\tCfm3GetKey returned: 0x00 : HSM Return: SUCCESS

\tOwned by user 3

\talso, shared to following 2 user(s):

\t\t 4, 5
";
    assert_eq!(said[0], info);
    let (first, rest) = said[1].trim_start_matches('\n').split_once('\n').unwrap();
    let size = first.strip_prefix("got all attributes of size ").unwrap().strip_suffix(" attr cnt 17").unwrap();
    assert!(size.parse::<u32>().unwrap() > 100, "{first}");
    let dumped = "Attributes dumped into attr_7 file\n\n\tCfm3GetAttribute returned: 0x00 : HSM Return: SUCCESS\n";
    assert_eq!(rest, dumped);
    assert_eq!(kmu.file("attr_7"), format!("{ATTR_7}0x{}\n", recomputed(&kmu, "3des")));

    for user in ["alice", "bob"] {
        assert_eq!(kmu.session_of(user, &["getKeyInfo -k 7"])[0], info);
    }
    assert!(kmu.session_of("carol", &["getKeyInfo -k 7"])[0].contains("returned: 0xa8"));
    // "The command fails if the ID is not unique in the cluster or if the current user is user 4 or 5."
    let said = kmu.session_of("alice", &[line]);
    assert!(said[0].contains("returned: 0xe3"), "{said:?}");
    let said = kmu.one(line);
    assert!(said.contains("returned: 0xe2 : HSM Error: Key ID is not unique"), "{said}");
    assert_eq!(kmu.keys(), [6, 7]);
}

/// The check value of the key in a file, by openssl: the first three bytes of a block of zeros, encrypted.
fn recomputed(kmu: &Kmu, file: &str) -> String {
    let key = std::fs::read(kmu.place.path(file)).unwrap();
    let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(kmu.place.path("zeros"), [0; 8]).unwrap();
    let output = Command::new("openssl")
        .args(["enc", "-des-ede3", "-nopad", "-K", &digits, "-in"])
        .arg(kmu.place.path("zeros"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout.iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

/// The file of the page, but for the usages that its text says the key has, which the listing does not, and the check
/// value.
const ATTR_7: &str = "OBJ_ATTR_CLASS
0x04
OBJ_ATTR_KEY_TYPE
0x15
OBJ_ATTR_TOKEN
0x01
OBJ_ATTR_PRIVATE
0x01
OBJ_ATTR_ENCRYPT
0x01
OBJ_ATTR_DECRYPT
0x01
OBJ_ATTR_WRAP
0x01
OBJ_ATTR_UNWRAP
0x01
OBJ_ATTR_SIGN
0x00
OBJ_ATTR_VERIFY
0x00
OBJ_ATTR_LOCAL
0x01
OBJ_ATTR_SENSITIVE
0x01
OBJ_ATTR_EXTRACTABLE
0x01
OBJ_ATTR_LABEL
3DES_shared
OBJ_ATTR_ID
IT-02
OBJ_ATTR_VALUE_LEN
0x00000018
OBJ_ATTR_KCV
";
