//! registerMofnPubKey, getToken, approveToken, listTokens, delToken.

use std::process::Command;

use super::kmu::{Kmu, USER, code, pair};
use super::place::PIN;

/// An HSM whose users example_user, alice and bob approve with keys of their own, and a pair of the first that takes
/// two approvals of the first two. Returns the public and the private half.
fn with_quorum() -> (Kmu, u64, u64) {
    let kmu = Kmu::new();
    for user in [USER, "alice", "bob"] {
        openssl(&kmu, &format!("genrsa -out {user}.pem 2048"));
        let said = kmu.session_of(user, &[&format!("registerMofnPubKey -u CU -n tag -s {user} -k {user}.pem")]);
        let done = "\n\tCfm3RegisterMofNKey returned: 0x00 : HSM Return: SUCCESS\n\n\tCluster Error Status\n\tNode id 0 and err \
                    state 0x00000000 : HSM Return: SUCCESS\n";
        assert_eq!(said[0], done);
    }
    let (public, private) = pair(&kmu.one("genECCKeyPair -i 2 -l q -u 4 -m_value 2"));
    std::fs::write(kmu.place.path("data"), "to be signed").unwrap();
    (kmu, public, private)
}

fn openssl(kmu: &Kmu, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(kmu.place.path("")).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
}

/// Signs the token as these users, and lists their approvals.
fn approve(kmu: &Kmu, users: &[&str]) {
    let mut list = format!(
        "# approvals\nMulti Token File Path = token;\nToken File Path = ;\nNumber of Approvals = {};\n",
        users.len()
    );
    for user in users {
        openssl(kmu, &format!("dgst -sha256 -sign {user}.pem -out {user}.sig token"));
        list.push_str(&format!("Approver Type = 1;\nApprover Name = {user};\nApproval File = {user}.sig;\n"));
    }
    std::fs::write(kmu.place.path("approvals"), list).unwrap();
}

#[test]
fn a_token_is_good_for_one_use() {
    let (kmu, public, private) = with_quorum();
    let sign = format!("sign -f data -k {private} -m 17 -out signature");
    let said =
        kmu.session(&[&sign, &format!("getToken -n 5 -k {private} -u {USER} -f token"), "approveToken -af approvals"]);
    assert!(said[0].contains("Cfm3Sign returned: 0xf0 : HSM Error: RET_MXN_AUTH_FAILED"), "{said:?}");
    let token = format!("\n\tToken:\n\tId:1\n\tService:5\n\tNode:0\n\tKey Handle:{private}\n\tUser:{USER}\n");
    let expected = format!(
        "\n\tCfm3GetToken returned: 0x00 : HSM Return: SUCCESS\n{token}\n\tCluster Error Status\n\tNode id 0 and err state \
         0x00000000 : HSM Return: SUCCESS\n"
    );
    assert_eq!(said[1], expected);
    assert_eq!(std::fs::read(kmu.place.path("token")).unwrap().len(), 80);
    assert!(said[2].contains("Error: approvals cannot be read"), "{said:?}");
    approve(&kmu, &["alice"]);
    let said = kmu.session(&["approveToken -af approvals", "listTokens", &sign]);
    assert_eq!(code(&said[0]), "00", "{said:?}");
    let listed = said[1]
        .strip_prefix(&format!("\n\t-------- Token - 0 ----------{token}"))
        .unwrap_or_else(|| panic!("{said:?}"));
    assert!(
        listed.starts_with("\tToken Validity: ") && listed.contains(" sec\n\tRequired num of approvers : 2\n"),
        "{listed}"
    );
    let end = "\tCurrent num of approvals : 1\n\tApprover-0: alice\n\n\tNum of tokens = 1\n\n\tCfm3ListTokens returned: 0x00 : \
               HSM Return: SUCCESS\n";
    assert!(listed.ends_with(end), "{listed}");
    assert_eq!(code(&said[2]), "f0", "one of two");
    approve(&kmu, &[USER, "alice"]);
    let verify = format!("verify -f data -s signature -k {public} -m 17");
    let said = kmu.session(&["approveToken -af approvals", &sign, &verify, &sign, "listTokens"]);
    let codes: Vec<&str> = said.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["00", "00", "00", "f0", "00"], "{said:?}");
    assert!(said[4].starts_with("\n\tno tokens found\n"), "{said:?}");
}

/// Approvals that one program brought count for the next operation of that user, whichever program does it.
#[test]
fn strongroom_says_who_brings_approvals_and_goes_by_them() {
    let (kmu, _, private) = with_quorum();
    let number = private.to_string();
    let share = |with: &str| {
        kmu.place.run(&["key", "share", &number, "--with", with, "--user", USER]).env("STRONGROOM_PIN", PIN)
    };
    let delete = || kmu.place.run(&["key", "delete", &number, "--yes", "--user", USER]).env("STRONGROOM_PIN", PIN);
    let told = "2 missing (quorum); ask for approvals and bring them with key_mgmt_util (getToken, approveToken) as the same \
                user, then give this command again";
    share("bob").refused(1, &[told, "cloudhsm-cli"]);
    delete().refused(1, &[told]);
    for last in [false, true] {
        kmu.one(&format!("getToken -n 6 -k {private} -u {USER} -f token"));
        approve(&kmu, &[USER, "alice"]);
        assert_eq!(code(&kmu.one("approveToken -af approvals")), "00");
        match last {
            false => share("bob").succeeds(),
            true => delete().succeeds(),
        };
        if !last {
            share("carol").refused(1, &[told]);
        }
    }
}

#[test]
fn one_approval_is_one() {
    let (kmu, ..) = with_quorum();
    let said = kmu.session(&["genECCKeyPair -i 2 -l alone -m_value 1", "genECCKeyPair -i 2 -l none -m_value 0"]);
    let ((_, private), (_, free)) = (pair(&said[0]), pair(&said[1]));
    let sign = format!("sign -f data -k {private} -m 17 -out signature");
    let said = kmu.session(&[
        &format!("getKeyInfo -k {private}"),
        &format!("getKeyInfo -k {free}"),
        &sign,
        &format!("deleteKey -k {private}"),
        &format!("sign -f data -k {free} -m 17 -out free"),
        &format!("getToken -n 5 -k {private} -u {USER} -f token"),
    ]);
    assert!(
        said[0].ends_with("\n\tOwned by user 3\n\n\t 1 Users need to approve to use/manage this key\n"),
        "{said:?}"
    );
    assert!(said[1].ends_with("\n\tOwned by user 3\n"), "{said:?}");
    let codes: Vec<&str> = said[2..].iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["f0", "f0", "00", "00"], "{said:?}");
    approve(&kmu, &[USER]);
    let said = kmu.session(&["approveToken -af approvals", &sign, &sign]);
    let codes: Vec<&str> = said.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["00", "00", "f0"], "the requester's own counts: {said:?}");
}

#[test]
fn sharing_takes_approvals() {
    let (kmu, _, private) = with_quorum();
    let (share, unshare) = (format!("shareKey -k {private} -u 5"), format!("shareKey -k {private} -u 5 -unshare"));
    assert_eq!(code(&kmu.one(&share)), "f0");
    for line in [&share, &unshare] {
        kmu.one(&format!("getToken -n 6 -k {private} -u {USER} -f token"));
        approve(&kmu, &[USER, "alice"]);
        let said = kmu.session(&["approveToken -af approvals", line, line]);
        assert_eq!((code(&said[0]), code(&said[1])), ("00", "00"), "{line}: {said:?}");
        assert_eq!(code(&said[2]), "eb", "done already, which takes no approval: {said:?}");
    }
    kmu.one(&format!("getToken -n 6 -k {private} -u {USER} -f token"));
    approve(&kmu, &[USER, "alice"]);
    let said =
        kmu.session(&["approveToken -af approvals", &format!("shareKey -k {private} -u 4 -unshare"), "listTokens"]);
    assert_eq!(code(&said[1]), "b3", "fewer users than must approve: {said:?}");
    assert!(said[2].contains("Num of tokens = 1"), "{said:?}");
    let info = kmu.one(&format!("getKeyInfo -k {private}"));
    assert!(info.contains("\n\t\t 4\n\n\t 2 Users need"), "{info}");
}

#[test]
fn an_import_that_lacks_one_of_two_approvals_spends_none() {
    let (kmu, ..) = with_quorum();
    let wrapping = super::kmu::handle(&kmu.one("genSymKey -t 31 -s 32 -l w -m_value 1"));
    std::fs::write(kmu.place.path("key"), [7; 32]).unwrap();
    let import = format!("imSymKey -l i -t 31 -f key -w {wrapping}");
    let keys = kmu.keys();
    let tokens = |count| format!("Num of tokens = {count}");
    for (service, listed) in [(5, 1), (6, 2)] {
        kmu.one(&format!("getToken -n {service} -k {wrapping} -u {USER} -f token"));
        approve(&kmu, &[USER]);
        let said = kmu.session(&["approveToken -af approvals", "listTokens"]);
        assert!(code(&said[0]) == "00" && said[1].contains(&tokens(listed)), "{said:?}");
        if service == 5 {
            let said = kmu.session(&[&import, "listTokens"]);
            assert!(code(&said[0]) == "f0" && said[1].contains(&tokens(1)), "{said:?}");
            assert_eq!(kmu.keys(), keys);
        }
    }
    let said = kmu.session(&[&import, "listTokens"]);
    assert!(said[0].contains("Symmetric Key Unwrapped") && said[1].contains("no tokens found"), "{said:?}");
}

#[test]
fn a_key_under_quorum_is_not_masked() {
    let (kmu, _, private) = with_quorum();
    kmu.one(&format!("getToken -n 6 -k {private} -u {USER} -f token"));
    approve(&kmu, &[USER, "alice"]);
    let out = format!("extractMaskedObject -o {private} -out masked");
    let said = kmu.session(&["approveToken -af approvals", &out, "listTokens"]);
    assert_eq!((code(&said[0]), code(&said[1])), ("00", "b3"), "{said:?}");
    assert!(said[2].contains("Num of tokens = 1"), "{said:?}");
    assert!(!kmu.place.path("masked").exists());
}

#[test]
fn approvals_that_are_not_good_approve_nothing() {
    let (kmu, _, private) = with_quorum();
    let sign = format!("sign -f data -k {private} -m 17 -out signature");
    kmu.one(&format!("getToken -n 5 -k {private} -u {USER} -f token"));
    approve(&kmu, &[USER, "bob"]);
    let said = kmu.session(&["approveToken -af approvals", &sign]);
    assert_eq!((code(&said[0]), code(&said[1])), ("f1", "f0"), "bob does not share the key: {said:?}");
    approve(&kmu, &[USER, "alice"]);
    std::fs::copy(kmu.place.path("bob.sig"), kmu.place.path("alice.sig")).unwrap();
    let said = kmu.session(&["approveToken -af approvals", &sign]);
    assert_eq!((code(&said[0]), code(&said[1])), ("f1", "f0"), "another's signature: {said:?}");
    approve(&kmu, &[USER, "alice"]);
    let said = kmu.session_of("alice", &["approveToken -af approvals"]);
    assert_eq!(code(&said[0]), "f1", "brought by another user");
    std::fs::write(kmu.place.path("token"), [0; 79]).unwrap();
    let said = kmu.one("approveToken -af approvals");
    assert!(said.contains("Improper token passed: 79 bytes, where one has 80"), "{said}");
    std::fs::write(kmu.place.path("approvals"), "nonsense").unwrap();
    assert!(kmu.one("approveToken -af approvals").contains("approvals: line 1: "));
    assert!(!kmu.place.path("signature").exists());
}

#[test]
fn tokens_are_asked_for_and_deleted() {
    let (kmu, public, private) = with_quorum();
    let plain = pair(&kmu.one("genECCKeyPair -i 2 -l plain")).1;
    for (line, expected) in [
        (format!("getToken -n 5 -k {plain} -u {USER} -f token"), "f1"),
        (format!("getToken -n 5 -k {public} -u {USER} -f token"), "f1"),
        (format!("getToken -n 5 -k {private} -u alice -f token"), "f1"),
        (format!("getToken -n 5 -k 4711 -u {USER} -f token"), "a8"),
    ] {
        let said = kmu.one(&line);
        assert_eq!(code(&said), expected, "{line}: {said}");
    }
    for (line, words) in [
        (format!("getToken -n 3 -k {private} -u {USER} -f token"), "Invalid service number"),
        (format!("getToken -n 5 -u {USER} -f token"), "Error: Key Handle (-k) is missing."),
        (format!("getToken -n 5 -k {private} -u {USER} -f token -F 3"), "Syntax: getToken"),
        ("delToken".to_owned(), "Error: Token file (-tf) is missing."),
        ("delToken -f 3".to_owned(), "Syntax: delToken"),
        ("approveToken".to_owned(), "Error: Approval file (-af) is missing."),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(words) && !said.contains("returned"), "{line}: {said}");
    }
    assert!(!kmu.place.path("token").exists());
    let ask = |service: u32, file: &str| format!("getToken -n {service} -k {private} -u {USER} -f {file} -F 4");
    let said = kmu.session(&[
        &ask(5, "one"),
        &ask(6, "two"),
        &ask(6, "three"),
        "delToken -tf two",
        "delToken -tf two",
        "listTokens",
    ]);
    let codes: Vec<&str> = said.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["00", "00", "00", "00", "f1", "00"], "{said:?}");
    assert!(said[5].contains("\n\tNum of tokens = 2\n"), "{said:?}");
    let said = kmu.session_of("alice", &["delToken -tf one", "delToken -f 4", "listTokens"]);
    assert!(said[0].contains("0xf1") && said[2].contains("Num of tokens = 2"), "another's: {said:?}");
    let said = kmu.session(&["delToken -f 4", "listTokens"]);
    assert!(said[1].contains("no tokens found"), "{said:?}");
}

#[test]
fn keys_to_approve_with_are_registered() {
    let kmu = Kmu::new();
    for line in [
        "genrsa -out rsa 2048",
        "genrsa -out short 1024",
        "ecparam -name prime256v1 -genkey -out ec",
        "pkey -in rsa -pubout -out public",
    ] {
        openssl(&kmu, line);
    }
    std::fs::write(kmu.place.path("tag"), "a tag").unwrap();
    openssl(&kmu, "dgst -sha256 -sign rsa -out signature tag");
    let by = |options: &str| kmu.one(&format!("registerMofnPubKey -s {USER} {options}"));
    assert_eq!(code(&by("-u CU -n \"a tag\" -pk public -sf signature")), "00");
    assert_eq!(code(&by("-u CU -n \"another tag\" -pk public -sf signature")), "f1");
    assert_eq!(code(&by("-u CU -n tag -k short")), "f1");
    assert_eq!(code(&by("-u CO -n tag -k rsa")), "db");
    assert!(by("-u CU -n tag -k ec").contains("Error: ec: an RSA key is needed"));
    assert!(by("-u CU -n tag").contains("Error: Private key file (-k) is missing."));
    assert!(by("-u CU -n tag -k rsa -pk public").contains("Syntax: registerMofnPubKey"));
    let other = kmu.single(&["registerMofnPubKey", "-u", "CU", "-n", "tag", "-s", "alice", "-k", "rsa"]);
    assert!(other.out.contains("Cfm3RegisterMofNKey returned: 0xdb"), "{other:?}");
    assert!(other.err.ends_with(": only alice or an officer registers this key\n"), "{other:?}");
    // What is registered is nobody's yet.
    let wrong =
        kmu.single(&["registerMofnPubKey", "-u", "CU", "-n", "x", "-s", USER, "-pk", "public", "-sf", "signature"]);
    assert!(wrong.err.ends_with("the signature over the challenge does not verify with this key\n"), "{wrong:?}");
    let users = kmu.one("listUsers");
    let row = |name: &str| users.lines().find(|line| line.contains(name)).unwrap().contains("YES");
    assert!(row(USER) && !row("alice"), "{users}");
    assert_eq!(kmu.keys(), Vec::<u64>::new());
}
