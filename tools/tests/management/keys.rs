//! findAllKeys, getKeyInfo, shareKey, listAttributes, getAttribute, setAttribute.

use super::cmu::{self, CAUTION, after, officer};
use super::kmu::{Kmu, USER, handle, pair};
use super::place::PIN;

/// What the program says to a crypto user.
fn user(kmu: &Kmu, name: &str, commands: &[&str]) -> Vec<String> {
    after(&kmu.place, &format!("loginHSM CU {name} {PIN}"), commands)
}

/// An HSM with a secret key, and a pair: its public half and its private one.
fn with_keys() -> (Kmu, u64, u64, u64) {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l aes", "genRSAKeyPair -m 2048 -e 65537 -l rsa"]);
    let (secret, (public, private)) = (handle(&said[0]), pair(&said[1]));
    (kmu, secret, public, private)
}

#[test]
fn a_key_is_shared_and_no_longer() {
    let (kmu, secret, ..) = with_keys();
    let (give, take) = (format!("shareKey {secret} 4 1\ny"), format!("shareKey {secret} 4 0\ny"));
    let find = format!("findSingleKey -k {secret}");
    assert!(kmu.session_of("alice", &[&find])[0].contains("Invalid object handle"));
    let said = user(&kmu, USER, &[&give]);
    assert_eq!(said[0], format!("{CAUTION}shareKey success on server 0(localhost)\n"));
    assert!(kmu.session_of("alice", &[&find])[0].contains("Cfm3FindKey returned: 0x00"));
    user(&kmu, USER, &[&take]);
    assert!(kmu.session_of("alice", &[&find])[0].contains("Invalid object handle"));
}

#[test]
fn what_cannot_be_shared_is_not() {
    let (kmu, secret, public, private) = with_keys();
    user(&kmu, USER, &[&format!("shareKey {private} 4 1\ny")]);
    let info: Vec<String> = [secret, public, private].iter().map(|key| format!("getKeyInfo {key}")).collect();
    let info: Vec<&str> = info.iter().map(String::as_str).collect();
    let before = officer(&kmu.place, &info);
    for (name, key, whom, text) in [
        (USER, public, 4, "This operation violates the current configured/FIPS policies"),
        (USER, secret, 3, "A key cannot be shared with its owner"),
        (USER, secret, 1, "This user does not exist"),
        (USER, secret, 99, "This user does not exist"),
        (USER, 4711, 4, "Invalid object handle is passed to this operation"),
        ("alice", private, 5, "Key Access is denied"),
        ("bob", private, 6, "Invalid object handle is passed to this operation"),
    ] {
        let said = user(&kmu, name, &[&format!("shareKey {key} {whom} 1\ny\nI")]).remove(0);
        let expected = format!(
            "{CAUTION}shareKey failed: {text}\nshareKey failed on server 0(localhost)\n\nRetry/rollBack/Ignore?(R/B/I):"
        );
        assert_eq!(said, expected, "{name} {key} {whom}");
    }
    let own = cmu::start(&kmu.place, &[], &format!("loginHSM CU {USER} {PIN}\nshareKey {secret} 3 1\ny\nI\n"));
    assert_eq!(own.err, "cloudhsm_mgmt_util: shareKey: the user owns or shares the key already\n");
    for (line, words) in [
        (format!("shareKey {secret} 4 2"), "Error: 2 is neither 0 nor 1\n"),
        (format!("shareKey {secret} x 1"), "Error: x is no number\n"),
        (format!("shareKey {secret} 4294967296 1"), "Error: there is no user with number 4294967296\n"),
        (format!("shareKey {secret} 4"), "Syntax: shareKey -h\n"),
    ] {
        assert!(user(&kmu, USER, &[&line])[0].contains(words), "{line}");
    }
    let said = officer(&kmu.place, &[&format!("shareKey {secret} 4 1\ny\nI")]);
    assert!(said[0].contains("shareKey failed: Key Access is denied\n"), "{said:?}");
    assert_eq!(officer(&kmu.place, &info), before);
}

#[test]
fn a_key_that_takes_approvals_is_not_shared_without() {
    let kmu = Kmu::new();
    let key = pair(&kmu.one("genECCKeyPair -i 2 -l q -u 5 -m_value 2")).1;
    for line in [format!("shareKey {key} 4 1\ny\nI"), format!("setAttribute {key} 3 x\ny\nI")] {
        let said = user(&kmu, USER, &[&line]).remove(0);
        assert!(said.contains(" failed: RET_MXN_AUTH_FAILED\n"), "{said}");
    }
    let said = user(&kmu, USER, &[&format!("shareKey {key} 5 0\ny\nI")]).remove(0);
    assert!(said.contains("shareKey failed: This operation violates the current"), "too few would be left: {said}");
}

#[test]
fn whose_keys_are_whose_is_told() {
    let (kmu, secret, public, private) = with_keys();
    user(&kmu, USER, &[&format!("shareKey {secret} 4 1\ny"), &format!("shareKey {secret} 6 1\ny")]);
    let quorum = pair(&kmu.one("genECCKeyPair -i 2 -l q -u 5 -m_value 2")).1;
    let all = "findAllKeys 3 0";
    let keys = format!("{secret}(o),{public}(o),{private}(o),{quorum}(o)");
    let by_officer = officer(&kmu.place, &[all, "findAllKeys 4 1", "findAllKeys 1 0", "findAllKeys 3 1 list"]);
    let mut owned: Vec<&str> = by_officer[0].lines().nth(3).unwrap().split(',').collect();
    assert!(by_officer[0].starts_with(
        "Keys on server 0(localhost):\nNumber of keys found 5\nnumber of keys matched from start index 0::5\n"
    ));
    assert!(by_officer[0].ends_with("\nfindAllKeys success on server 0(localhost)\n"));
    owned.retain(|key| !keys.contains(key));
    assert_eq!(owned.len(), 1, "the public half of the second pair: {by_officer:?}");
    let shared: Vec<&str> = by_officer[1].lines().collect();
    assert_eq!(
        shared[..5],
        [
            "Keys on server 0(localhost):",
            "Number of keys found 1",
            "number of keys matched from start index 0::1",
            &format!("{secret}(s)"),
            "Key Hash:"
        ]
    );
    assert!(shared[5].len() == 64 && shared[6] == "findAllKeys success on server 0(localhost)", "{shared:?}");
    assert_eq!(
        by_officer[2],
        "Keys on server 0(localhost):\nNumber of keys found 0\nfindAllKeys success on server 0(localhost)\n"
    );
    assert_eq!(by_officer[3], "Written to: list\nfindAllKeys success on server 0(localhost)\n");
    assert!(kmu.file("list").ends_with(&format!("Key Hash:\n{}\n", shared[5])));
    // Others learn what concerns them, and the same hash.
    let by_alice = user(&kmu, "alice", &["findAllKeys 4 1", all]);
    assert_eq!(by_alice[0], by_officer[1]);
    assert!(by_alice[1].contains(&format!("{secret}(o)")) && !by_alice[1].contains(&format!("{private}(o)")));
    for (line, words) in [
        ("findAllKeys 99 0", "findAllKeys failed: This user does not exist\n"),
        ("findAllKeys 3 2", "Error: 2 is neither 0 nor 1\n"),
        ("findAllKeys 3", "Syntax: findAllKeys -h\n"),
        ("findAllKeys 3 0 no/such/file", "Error: no/such/file cannot be written: "),
    ] {
        assert!(officer(&kmu.place, &[line])[0].contains(words), "{line}");
    }
}

#[test]
fn a_keys_users_and_approvals_are_told() {
    let (kmu, secret, public, _) = with_keys();
    user(&kmu, USER, &[&format!("shareKey {secret} 4 1\ny"), &format!("shareKey {secret} 6 1\ny")]);
    let quorum = pair(&kmu.one("genECCKeyPair -i 2 -l q -u 5 -m_value 2")).1;
    let shown = "Key Info on server 0(localhost):\n\n\tToken/Flash Key,\n\n\tOwned by user 3\n";
    let shared = format!("{shown}\n\talso, shared to following 2 user(s):\n\n\t\t4\n\t\t6\n");
    let (plain, flagged) = (format!("getKeyInfo {secret}"), format!("getKeyInfo -k {secret} info"));
    for said in [user(&kmu, USER, &[&plain]), user(&kmu, "alice", &[&plain]), officer(&kmu.place, &[&plain])] {
        assert_eq!(said[0], shared);
    }
    assert_eq!(user(&kmu, USER, &[&flagged])[0], "Written to: info\n");
    assert_eq!(kmu.file("info"), shared);
    assert_eq!(user(&kmu, "bob", &[&format!("getKeyInfo {public}")])[0], shown);
    let said = user(&kmu, "bob", &[&format!("getKeyInfo -k {quorum}")]).remove(0);
    assert_eq!(
        said,
        format!(
            "{shown}\n\talso, shared to following 1 user(s):\n\n\t\t5\n\n\t 2 Users need to approve to use/manage this key\n"
        )
    );
    let no = "getKeyInfo failed: Invalid object handle is passed to this operation\ngetKeyInfo failed on server \
              0(localhost)\n";
    assert_eq!(user(&kmu, "bob", &[&plain])[0], no);
    assert_eq!(officer(&kmu.place, &["getKeyInfo 4711"])[0], no);
    for line in ["getKeyInfo", "getKeyInfo -k", "getKeyInfo x", "getKeyInfo 6 a b"] {
        assert!(officer(&kmu.place, &[line])[0].contains("Syntax: getKeyInfo -h\n"), "{line}");
    }
}

#[test]
fn attributes_are_listed_and_read() {
    let (kmu, secret, public, private) = with_keys();
    let said = user(
        &kmu,
        USER,
        &[
            "listAttributes",
            &format!("getAttribute {secret} 353"),
            &format!("getAttribute {secret} 512"),
            &format!("getAttribute {public} 512 all"),
            &format!("getAttribute {secret} 3 label"),
        ],
    );
    assert!(said[0].starts_with(
        "Following are the possible attribute values for getAttribute:\n\n      OBJ_ATTR_CLASS                  = 0\n"
    ));
    for (name, number) in
        [("TRUSTED", 134), ("DERIVE", 268), ("DESTROYABLE", 370), ("KCV", 371), ("WRAP_WITH_TRUSTED", 528)]
    {
        let line = format!("      {:<32}= {number}", format!("OBJ_ATTR_{name}"));
        assert_eq!(said[0].lines().filter(|shown| *shown == line).count(), 1, "{line}");
    }
    assert!(said[0].ends_with("      OBJ_ATTR_ALL                    = 512\n"));
    assert_eq!(said[1], "Attribute Value on server 0(localhost):\nOBJ_ATTR_VALUE_LEN\n0x00000020\n");
    let all: Vec<&str> = said[2].lines().collect();
    assert_eq!(all[..3], ["Attribute Value on server 0(localhost):", "OBJ_ATTR_CLASS", "0x04"]);
    assert_eq!(all.len(), 1 + 2 * (17 + 6), "{all:?}");
    assert!(said[3].contains(" attr cnt 26\nAttributes dumped into all file\n"), "{said:?}");
    assert!(kmu.file("all").ends_with("OBJ_ATTR_NEVER_EXTRACTABLE\n0x00\n"));
    assert_eq!(said[4], "Attributes dumped into label file\n");
    assert_eq!(kmu.file("label"), "OBJ_ATTR_LABEL\naes\n");
    // Public keys are for all to see.
    let line = format!("getAttribute {public} 0");
    for said in [user(&kmu, "bob", &[&line]), officer(&kmu.place, &[&line])] {
        assert_eq!(said[0], "Attribute Value on server 0(localhost):\nOBJ_ATTR_CLASS\n0x00000002\n");
    }
    for (name, line, text) in [
        (USER, format!("getAttribute {secret} 288"), "Key has no such attribute, or not with this value"),
        (USER, format!("getAttribute {secret} 77"), "Key has no such attribute, or not with this value"),
        (USER, "getAttribute 4711 0".to_owned(), "Invalid object handle is passed to this operation"),
        ("bob", format!("getAttribute {private} 0"), "Invalid object handle is passed to this operation"),
    ] {
        let said = user(&kmu, name, &[&line]).remove(0);
        assert_eq!(
            said,
            format!("getAttribute failed: {text}\ngetAttribute failed on server 0(localhost)\n"),
            "{line}"
        );
    }
    let said = officer(&kmu.place, &[&format!("getAttribute {private} 0"), "getAttribute 4711 0", "getAttribute 6"]);
    assert_eq!(said[0], "getAttribute failed: Key Access is denied\ngetAttribute failed on server 0(localhost)\n");
    assert!(said[1].contains("Invalid object handle"), "{said:?}");
    assert!(said[2].contains("Syntax: getAttribute -h\n"), "{said:?}");
}

#[test]
fn an_owner_changes_attributes() {
    let (kmu, secret, public, _) = with_keys();
    let done = format!("{CAUTION}setAttribute success on server 0(localhost)\n");
    let said = user(
        &kmu,
        USER,
        &[
            &format!("setAttribute {secret} 3 \"new label\"\ny"),
            &format!("setAttribute {secret} 262 0\ny"),
            &format!("setAttribute {secret} 528\n1\ny"),
        ],
    );
    assert_eq!((&said[0], &said[1]), (&done, &done));
    let asked = "This attribute is defined as a boolean value.\nEnter the boolean attribute value (0 or 1):";
    assert_eq!(said[2], format!("{asked}{done}"));
    let read = |number: u64| user(&kmu, USER, &[&format!("getAttribute {secret} {number}")]).remove(0);
    assert!(read(3).ends_with("OBJ_ATTR_LABEL\nnew label\n"));
    assert!(read(262).ends_with("OBJ_ATTR_WRAP\n0x00000000\n"));
    assert!(read(528).ends_with("OBJ_ATTR_WRAP_WITH_TRUSTED\n0x00000001\n"));
    let all = format!("getAttribute {secret} 512");
    let before = user(&kmu, USER, &[&all]);
    user(&kmu, USER, &[&format!("shareKey {secret} 4 1\ny")]);
    for (name, rest, text) in [
        (USER, "528 0", "setAttribute failed: Key has no such attribute, or not with this value\n"),
        (USER, "370 0", "setAttribute failed: Key has no such attribute, or not with this value\n"),
        (USER, "134 1", "setAttribute failed: Key has no such attribute, or not with this value\n"),
        ("alice", "262 1", "setAttribute failed: Key Access is denied\n"),
        ("bob", "262 1", "setAttribute failed: Invalid object handle is passed to this operation\n"),
    ] {
        let said = user(&kmu, name, &[&format!("setAttribute {secret} {rest}\ny\nI")]).remove(0);
        assert!(said.contains(text), "{rest}: {said}");
    }
    for (rest, text) in [
        ("262 2", "Error: the value of attribute 262 is 0 or 1\n"),
        ("354 1", "This attribute is either not modifiable or unknown\n"),
        ("0 1", "This attribute is either not modifiable or unknown\n"),
        ("1073742353 x", "Error: templates are given when a key is made"),
        ("1073742354 x", "Error: templates are given when a key is made"),
        ("3 \"a\u{7f}b\"", "Error: a label has at most 127 bytes, and no control characters\n"),
        ("", "Syntax: setAttribute -h\n"),
    ] {
        let said = user(&kmu, USER, &[&format!("setAttribute {secret} {rest}")]).remove(0);
        assert!(said.contains(text), "{rest}: {said}");
    }
    let said = officer(
        &kmu.place,
        &[&format!("setAttribute {secret} 262 1\ny\nI"), &format!("setAttribute {public} 262 0\ny\nI")],
    );
    assert!(said.iter().all(|said| said.contains("setAttribute failed: Key Access is denied\n")), "{said:?}");
    assert_eq!(user(&kmu, USER, &[&all]), before);
}

#[test]
fn an_officer_trusts_keys() {
    let (kmu, secret, public, _) = with_keys();
    for key in [secret, public] {
        let read = format!("getAttribute {key} 134");
        let trusted = |value| format!("OBJ_ATTR_TRUSTED\n0x0000000{value}\n");
        for value in [1, 0] {
            let said = officer(&kmu.place, &[&format!("setAttribute {key} 134 {value}\ny")]);
            assert_eq!(said[0], format!("{CAUTION}setAttribute success on server 0(localhost)\n"));
            let said = user(&kmu, USER, &[&read]);
            assert!(said[0].ends_with(&trusted(value)), "{said:?}");
        }
    }
    let said = officer(&kmu.place, &["setAttribute 4711 134 1\ny\nI"]);
    assert!(said[0].contains("setAttribute failed: Invalid object handle is passed to this operation\n"), "{said:?}");
}
