//! registerQuorumPubKey, setMValue, getMValue, getToken, approveToken, listTokens, with `openssl` as the approvers'
//! tool.

use std::fs;
use std::process::Command;

use super::cmu::{self, CAUTION, after, founded, officer, users};
use super::place::{PIN, Place, SO_PIN};

const OFFICERS: [&str; 3] = ["officer1", "officer2", "officer3"];

/// An HSM with four officers, three of whom have registered a key.
fn officers() -> Place {
    let place = founded(&["bob"], PIN);
    let create: Vec<String> = OFFICERS.iter().map(|name| format!("createUser CO {name} {PIN}\ny")).collect();
    officer(&place, &create.iter().map(String::as_str).collect::<Vec<_>>());
    fs::write(place.path("challenge"), "any bytes").unwrap();
    for name in OFFICERS {
        key_of(&place, name);
        let said = officer(&place, &[&register(name)]);
        assert_eq!(said[0], format!("{CAUTION}registerQuorumPubKey success on server 0(localhost)\n"));
    }
    place
}

/// Makes an RSA pair, and a signature over the challenge that shows who has it.
fn key_of(place: &Place, name: &str) {
    openssl(place, &format!("genrsa -out {name}.key 2048"));
    openssl(place, &format!("rsa -in {name}.key -pubout -out {name}.pub"));
    openssl(place, &format!("dgst -sha256 -sign {name}.key -out {name}.challenge challenge"));
}

fn register(name: &str) -> String {
    format!("registerQuorumPubKey CO {name} challenge {name}.challenge {name}.pub\ny")
}

fn openssl(place: &Place, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(place.path("")).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
}

/// What the program says to the first of them.
fn first(place: &Place, commands: &[&str]) -> Vec<String> {
    after(place, &format!("loginHSM CO officer1 {PIN}"), commands)
}

/// Signs the token in the file as these officers, and lists their approvals.
fn approve(place: &Place, names: &[&str]) {
    let mut list = format!(
        "# approvals\nMulti Token File Path = token;\nToken File Path = ;\nNumber of Approvals = {};\n",
        names.len()
    );
    for name in names {
        openssl(place, &format!("dgst -sha256 -sign {name}.key -out {name}.sig token"));
        list.push_str(&format!("Approver Type = 2;\nApprover Name = {name};\nApproval File = {name}.sig;\n"));
    }
    fs::write(place.path("approvals"), list).unwrap();
}

#[test]
fn officers_approve_of_one_user() {
    let place = officers();
    let create = format!("createUser CU carol {PIN}\ny");
    let refused = format!("{create}\nA");
    let said = first(&place, &["getMValue 3", "setMValue 4 2\ny", "setMValue 3 2\ny\nI", "getMValue 4"]);
    assert_eq!(said[0], "MValue of service 3[USER_MGMT] on server 0 : [1]\n");
    assert_eq!(
        said[1],
        format!("{CAUTION}Setting M Value(2) for 4 on 1 nodes\nsetMValue success on server 0(localhost)\n")
    );
    // From now on the numbers are guarded themselves.
    assert_eq!(
        said[2],
        format!(
            "{CAUTION}Setting M Value(2) for 3 on 1 nodes\nsetMValue failed: RET_MXN_AUTH_FAILED\nsetMValue failed on \
             server 0(localhost)\n\nRetry/rollBack/Ignore?(R/B/I):"
        )
    );
    assert_eq!(said[3], "MValue of service 4[MISC_CO] on server 0 : [2]\n");
    first(&place, &["getToken 4 officer1 token"]);
    approve(&place, &["officer1", "officer2"]);
    let said = first(&place, &["approveToken approvals", "setMValue 3 2\ny", "getMValue 3", &refused]);
    assert_eq!(said[0], "approveToken success on server 0(localhost)\n");
    assert!(said[1].ends_with("setMValue success on server 0(localhost)\n"), "{said:?}");
    assert_eq!(said[2], "MValue of service 3[USER_MGMT] on server 0 : [2]\n");
    assert_eq!(
        said[3],
        format!(
            "{CAUTION}Creating User carol(CU) on 1 nodes\ncreateUser failed: RET_MXN_AUTH_FAILED\ncreating user on \
             server 0(localhost) failed\n\nRetry/Ignore/Abort?(R/I/A):"
        )
    );

    let said = first(&place, &["getToken 3 officer1 token", "listTokens"]);
    let token = "Token:\nId:2\nService:3\nNode:0\nKey Handle:0\nUser:officer1\n";
    assert_eq!(said[0], format!("getToken success on server 0(localhost)\n{token}"));
    assert_eq!(fs::read(place.path("token")).unwrap().len(), 80);
    let banner = "=====================\n    Server 0(localhost)\n=====================\n";
    let listed = said[1].strip_prefix(&format!("{banner}-------- Token - 0 ----------\n{token}Token Validity: "));
    let (seconds, rest) = listed.unwrap_or_else(|| panic!("{said:?}")).split_once(" sec\n").unwrap();
    assert!((1..=600).contains(&seconds.parse::<u32>().unwrap()), "{seconds}");
    assert_eq!(
        rest,
        "Required num of approvers : 2\nCurrent num of approvals : 0\nNum of tokens = 1\n\nlistTokens success\n"
    );
    approve(&place, &["officer3"]);
    let said = first(&place, &["approveToken approvals", &refused, "listTokens"]);
    assert!(said[1].contains("createUser failed: RET_MXN_AUTH_FAILED\n"), "one of two: {said:?}");
    assert!(said[2].contains("Current num of approvals : 1\nApprover-0: officer3\n"), "{said:?}");
    approve(&place, &["officer1"]);
    let twice = format!("createUser CU dave {PIN}\ny\nA");
    let said = first(&place, &["approveToken approvals", &create, &twice, "listTokens"]);
    assert!(said[1].ends_with("createUser success on server 0(localhost)\n"), "{said:?}");
    assert!(said[2].contains("createUser failed: RET_MXN_AUTH_FAILED\n"), "a token is good for one: {said:?}");
    assert_eq!(said[3], format!("{banner}Num of tokens = 0\n\nlistTokens success\n"));
    let names: Vec<String> = users(&place).iter().map(|row| row.split(' ').nth(2).unwrap().to_owned()).collect();
    assert_eq!(names, ["admin", "app_user", "bob", "officer1", "officer2", "officer3", "carol"]);
}

#[test]
fn others_passwords_and_deletion_take_approvals_and_ones_own_password_none() {
    let place = officers();
    officer(&place, &["setMValue 3 2\ny"]);
    let before = users(&place);
    let said = first(
        &place,
        &[
            &format!("changePswd CU bob {PIN}\ny\nI"),
            "deleteUser CU bob\nI",
            &format!("changePswd CO officer1 {SO_PIN}\ny"),
        ],
    );
    assert!(said[0].contains("changePswd failed: RET_MXN_AUTH_FAILED\n"), "{said:?}");
    assert!(said[1].contains("deleteUser failed: RET_MXN_AUTH_FAILED\n"), "{said:?}");
    assert!(said[2].ends_with("changePswd success on server 0(localhost)\n"), "{said:?}");
    assert_eq!(users(&place), before);
}

#[test]
fn keys_to_approve_with_are_shown_in_the_list() {
    let place = officers();
    let approvers: Vec<String> = users(&place).iter().filter(|row| row.contains(" YES ")).cloned().collect();
    assert_eq!(approvers, ["4 CO officer1 YES 0 NO", "5 CO officer2 YES 0 NO", "6 CO officer3 YES 0 NO"]);
    // Users register their own, and nobody's else; a challenge that another key signed is none.
    let theirs = "registerQuorumPubKey CU bob challenge officer1.challenge officer1.pub\ny\nI";
    let own = "registerQuorumPubKey CU bob challenge bob.challenge bob.pub\ny";
    let bob = format!("loginHSM CU bob {PIN}");
    assert!(after(&place, &bob, &[theirs])[0].contains("Quorum token or approval is not valid"));
    key_of(&place, "bob");
    assert!(after(&place, &bob, &[own])[0].ends_with("registerQuorumPubKey success on server 0(localhost)\n"));
    openssl(&place, "genrsa -out short.key 1024");
    openssl(&place, "rsa -in short.key -pubout -out short.pub");
    openssl(&place, "dgst -sha256 -sign short.key -out short.challenge challenge");
    openssl(&place, "ecparam -name prime256v1 -genkey -noout -out curve.key");
    openssl(&place, "ec -in curve.key -pubout -out curve.pub");
    fs::write(place.path("long"), [7; 246]).unwrap();
    openssl(&place, "dgst -sha256 -sign officer1.key -out long.sig long");
    let approval = "Quorum token or approval is not valid";
    for (line, text) in [
        ("CO admin challenge officer2.challenge officer1.pub", approval),
        ("CO admin challenge short.challenge short.pub", approval),
        ("CO admin challenge officer1.challenge curve.pub", approval),
        ("CO admin long long.sig officer1.pub", approval),
        ("CU admin challenge officer1.challenge officer1.pub", "Invalid User Type"),
        ("CO nobody challenge officer1.challenge officer1.pub", "This user does not exist"),
    ] {
        let said = officer(&place, &[&format!("registerQuorumPubKey {line}\ny\nI")]);
        assert!(said[0].contains(&format!("registerQuorumPubKey failed: {text}\n")), "{line}: {said:?}");
    }
    let line = "registerQuorumPubKey CO admin challenge officer2.challenge officer1.pub\ny\nI";
    let wrong = cmu::start(&place, &[], &format!("loginHSM CO admin {SO_PIN}\n{line}\n"));
    assert!(wrong.err.ends_with("the signature over the challenge does not verify with this key\n"), "{wrong:?}");
    let said = after(&place, &bob, &["registerQuorumPubKey CO admin challenge officer1.challenge officer1.pub\ny\nI"]);
    assert!(said[0].contains("registerQuorumPubKey failed: Invalid User Type\n"), "{said:?}");
    for (line, text) in [
        ("CO admin missing officer1.challenge officer1.pub", "Error: missing cannot be read: "),
        ("CO admin challenge officer1.challenge challenge", "Error: challenge: it holds no public key in PEM"),
        ("CO admin challenge officer1.challenge", "Syntax: registerQuorumPubKey -h\n"),
    ] {
        let said = officer(&place, &[&format!("registerQuorumPubKey {line}")]);
        assert!(said[0].contains(text), "{line}: {said:?}");
    }
    assert!(users(&place)[0].contains("admin NO "));
}

#[test]
fn numbers_of_approvals_that_cannot_be_are_refused() {
    let place = officers();
    let failed = "setMValue failed: ERR_INVALID_USER_INPUT\n";
    for (line, text) in [
        ("setMValue 3 5\ny\nI", failed),
        ("setMValue 3 9\ny\nI", failed),
        ("setMValue 3 256", "Error: 256 is no number of approvals\n"),
        ("setMValue 3", "Syntax: setMValue -h\n"),
        ("setMValue x 2", "Error: x is no number\n"),
        ("setMValue 5 2", "Invalid service number 5"),
        ("getMValue 6", "Invalid service number 6"),
        ("getToken 3 officer1 token", "getToken failed: Quorum token or approval is not valid\n"),
    ] {
        let said = first(&place, &[line]);
        assert!(said[0].contains(text), "{line}: {said:?}");
    }
    let said = after(
        &place,
        &format!("loginHSM CU bob {PIN}"),
        &["setMValue 3 2\ny\nI", "getToken 3 bob token", "getMValue 3"],
    );
    assert!(said[0].contains("setMValue failed: Invalid User Type\n"), "{said:?}");
    assert!(said[1].starts_with("getToken failed: Invalid User Type\n"), "{said:?}");
    assert_eq!(said[2], "MValue of service 3[USER_MGMT] on server 0 : [1]\n");
    assert!(!place.path("token").exists());
}

#[test]
fn approvals_that_are_not_good_approve_nothing() {
    let place = officers();
    officer(&place, &["setMValue 3 2\ny"]);
    let failed =
        "approveToken failed: Quorum token or approval is not valid\napproveToken failed on server 0(localhost)\n";
    let said = first(
        &place,
        &["getToken 3 officer2 token", "getToken 3 officer1 no/such/file", "listTokens", "getToken 3 officer1 token"],
    );
    assert!(said[0].starts_with("getToken failed: Quorum token or approval is not valid\n"), "{said:?}");
    assert!(said[1].starts_with("Error: no/such/file cannot be written: "), "{said:?}");
    assert!(said[2].contains("Num of tokens = 0\n"), "what could not be written is gone: {said:?}");
    assert!(said[3].starts_with("getToken success"), "{said:?}");
    approve(&place, &["officer1", "officer2"]);
    fs::copy(place.path("officer3.challenge"), place.path("officer2.sig")).unwrap();
    assert_eq!(first(&place, &["approveToken approvals"])[0], failed, "not a signature of the token");
    approve(&place, &["officer1", "officer2"]);
    let said = after(&place, &format!("loginHSM CO officer2 {PIN}"), &["approveToken approvals"]);
    assert_eq!(said[0], failed, "brought by another officer");
    let list = fs::read_to_string(place.path("approvals")).unwrap();
    let broken = list.replace("Approvals = 2;", "Approvals = 3;");
    fs::write(place.path("broken"), broken).unwrap();
    fs::write(place.path("token"), [0; 79]).unwrap();
    let said = first(
        &place,
        &["approveToken broken", "approveToken approvals", "approveToken missing", "approveToken", "listTokens"],
    );
    assert_eq!(
        said[0],
        "Error: broken: 3 approvals are announced, and 2 are there as a whole: each has Approver Type, \
         Approver Name and Approval File, in this order\n"
    );
    assert_eq!(said[1], "Error: approvals: token: Improper token passed: 79 bytes, where one has 80\n");
    assert!(said[2].starts_with("Error: missing cannot be read: "), "{said:?}");
    assert!(said[3].contains("Syntax: approveToken -h\n"), "{said:?}");
    assert!(said[4].contains("Current num of approvals : 0\n"), "{said:?}");
}

/// Approvals that one program brought count for the next operation of that officer, whichever program does it.
#[test]
fn strongroom_says_who_brings_approvals_and_goes_by_them() {
    let place = officers();
    officer(&place, &["setMValue 3 2\ny"]);
    let run = |words: &[&str]| {
        place
            .run(&[words, &["--officer", "officer1"]].concat())
            .env("STRONGROOM_SO_PIN", PIN)
            .env("STRONGROOM_NEW_PIN", PIN)
    };
    let told = "2 missing (quorum); ask for approvals and bring them with cloudhsm_mgmt_util (getToken, approveToken) as the \
                same officer, then give this command again";
    let add = || run(&["user", "add", "carol"]);
    add().refused(1, &["user \"carol\"", told, "cloudhsm-cli"]);
    let approved = || {
        first(&place, &["getToken 3 officer1 token"]);
        approve(&place, &["officer1", "officer2"]);
        first(&place, &["approveToken approvals"]);
    };
    approved();
    add().succeeds();
    // Nobody unlocks alone, which is said with the advice to unlock.
    let wrong = || place.run(&["key", "list", "--user", "bob"]).env("STRONGROOM_PIN", "wrong-password");
    for _ in 0..5 {
        wrong().refused(1, &["attempt"]);
    }
    wrong().refused(1, &["strongroom user unlock bob", "; this takes the approval of 2 officers"]);
    let findings = place.run(&["doctor"]).outcome().out;
    assert!(findings.contains("strongroom user unlock bob (this takes the approval of 2 officers)"), "{findings}");
    let unlock = || run(&["user", "unlock", "bob"]);
    unlock().refused(1, &[told]);
    run(&["user", "delete", "bob", "--yes"]).refused(1, &[told]);
    run(&["user", "set-pin", "bob", "--reset"]).refused(1, &[told]);
    approved();
    unlock().succeeds();
    place.run(&["key", "list", "--user", "bob"]).env("STRONGROOM_PIN", PIN).succeeds();
}
