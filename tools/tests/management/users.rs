//! loginHSM, logoutHSM, createUser, deleteUser, changePswd, listUsers.

use super::cmu::{self, CAUTION, PROGRAM, after, founded, officer, prompt, users};
use super::kmu::Kmu;
use super::place::{NEW_PIN, PIN, SO_PIN};

#[test]
fn reasons_speak_of_passwords_and_of_who_unlocks() {
    let place = founded(&["alice"], PIN);
    let said = |lines: &[&str]| cmu::start(&place, &[], &(lines.join("\n") + "\n")).err;
    let login = format!("loginHSM CO admin {SO_PIN}");
    let short = said(&[&login, "createUser CU bob short\ny\nI"]);
    assert_eq!(short, "cloudhsm_mgmt_util: createUser: the password has 5 bytes, 7 to 32 are allowed\n");
    let told = said(&["loginHSM CU alice wrong-one"; 6]);
    let (first, last) = (told.lines().next().unwrap(), told.lines().last().unwrap());
    assert_eq!(first, "cloudhsm_mgmt_util: loginHSM: the password is wrong");
    assert!(
        last.contains("the password is wrong; the user \"alice\" is locked after too many wrong passwords"),
        "{last}"
    );
    assert!(last.contains("changePswd in cloudhsm_mgmt_util") && !told.contains("PIN"), "{told}");
    // What is told works.
    let (change, own) = (format!("changePswd CU alice {PIN}\ny"), format!("loginHSM CU alice {PIN}"));
    assert_eq!(said(&[&login, &change, "logoutHSM", &own]), "");
    // Nobody unlocks the only officer.
    let told = said(&["loginHSM CO admin wrong-one"; 6]);
    assert!(
        told.ends_with("there is no other officer who could unlock this one; users go on with their keys\n"),
        "{told}"
    );
}

#[test]
fn logins_that_are_refused() {
    let place = founded(&["bob"], PIN);
    for (line, text) in [
        ("loginHSM CU nobody secret-word", "User is not initialized or there is no user with this name"),
        ("loginHSM CO bob secret-word", "Invalid User Type"),
        ("loginHSM CU admin secret-word", "Invalid User Type"),
        ("loginHSM PRECO admin password", "Invalid User Type"),
        ("loginHSM AU app_user password", "This operation violates the current configured/FIPS policies"),
    ] {
        let said = prompt(&place, &[line, "listUsers"]);
        assert_eq!(said[0], format!("loginHSM failed: {text}\nloginHSM failed on server 0(localhost)\n"), "{line}");
        assert_eq!(said[1], "listUsers failed: No user is logged in\n");
    }
    for (line, words) in [
        ("loginHSM", "Syntax: loginHSM -h\n"),
        ("loginHSM CU bob", "Syntax: loginHSM -h\n"),
        ("loginHSM CU bob secret-word x", "Syntax: loginHSM -h\n"),
        ("loginHSM CU bob secret-word -3fa file", "Syntax: loginHSM -h\n"),
        ("loginHSM cu bob secret-word", "Error: cu is no type of user; they are CU, CO, PCO, PRECO, AU\n"),
    ] {
        assert!(prompt(&place, &[line])[0].contains(words), "{line}");
    }
    // The primary officer is an officer, a name has no case, and a second factor nobody has is not looked at.
    for login in [
        format!("loginHSM PCO admin {SO_PIN}"),
        format!("loginHSM CU BOB {PIN}"),
        format!("loginHSM CU bob {PIN} -2fa file"),
    ] {
        let said = after(&place, &login, &["loginHSM CO admin secret-word", "logoutHSM", "logoutHSM"]);
        assert!(said[0].starts_with("loginHSM failed: A user is logged in already\n"), "{said:?}");
        assert_eq!(said[1], "logoutHSM success on server 0(localhost)\n");
        assert_eq!(said[2], "logoutHSM failed: No user is logged in\n");
    }
}

#[test]
fn users_who_cannot_be_made_are_not() {
    let place = founded(&["bob"], PIN);
    let before = users(&place);
    for (line, text) in [
        ("createUser CU bob secret-word\ny\nA", "ERR_INVALID_USER_INPUT"),
        ("createUser CU app_user secret-word\ny\nI", "ERR_INVALID_USER_INPUT"),
        ("createUser CU a-name-of-more-than-31-characters secret-word\ny\na", "ERR_INVALID_USER_INPUT"),
        ("createUser CU carol secret\ny\nA", "ERR_INVALID_USER_INPUT"),
        ("createUser CU carol secret:word\ny\nA", "ERR_INVALID_USER_INPUT"),
        ("createUser CU carol secret-word-of-more-than-32-bytes\ny\nA", "ERR_INVALID_USER_INPUT"),
    ] {
        let said = officer(&place, &[line]).remove(0);
        let name = line.split(' ').nth(2).unwrap();
        let expected = format!(
            "{CAUTION}Creating User {name}(CU) on 1 nodes\ncreateUser failed: {text}\ncreating user on server \
             0(localhost) failed\n\nRetry/Ignore/Abort?(R/I/A):"
        );
        assert_eq!(said, expected, "{line}");
    }
    for (line, said) in [
        ("createUser PCO carol secret-word", "createUser failed: Invalid User Type\n"),
        ("createUser AU carol secret-word", "createUser failed: Invalid User Type\n"),
        (
            "createUser CU carol secret-word -2fa keys",
            "Error: -2fa: there is no second factor here; without -2fa the \
          password alone logs in\n",
        ),
    ] {
        assert_eq!(officer(&place, &[line])[0], said, "{line}");
    }
    assert!(officer(&place, &["createUser CU carol"])[0].contains("Syntax: createUser -h\n"));
    let said = cmu::start(&place, &[], "createUser CU\n");
    assert_eq!(said.err, "cloudhsm_mgmt_util: Error: <user-name> and <password|-hpswd> are missing\n");
    let said = officer(&place, &["createUser KU carol secret-word"]);
    assert!(said[0].starts_with("Error: KU is no type of user; they are CO, CU\n"), "{said:?}");
    let said = prompt(&place, &["createUser CU carol secret-word"]);
    assert_eq!(said[0], "createUser failed: No user is logged in\n");
    let said = after(&place, &format!("loginHSM CU bob {PIN}"), &["createUser CU carol secret-word\ny\nA"]);
    assert!(said[0].contains("createUser failed: Invalid User Type\n"), "{said:?}");
    assert_eq!(users(&place), before);
}

#[test]
fn a_question_has_one_of_its_answers() {
    let place = founded(&[], PIN);
    let before = users(&place);
    let said = officer(&place, &["createUser CU carol secret-word\nmaybe\nn", "listUsers"]);
    let again = "Do you want to continue(y/n)?";
    assert_eq!(said[0], format!("{CAUTION}Invalid option, please type 'y' or 'n'\n{again}"));
    // A refusal is tried again as often as somebody asks for it.
    let said = officer(&place, &["createUser CU carol word\ny\nR\nx\nI"]).remove(0);
    assert_eq!(said.matches("createUser failed: ERR_INVALID_USER_INPUT\n").count(), 2, "{said}");
    assert!(said.ends_with("Invalid option, please type 'R', 'I' or 'A'\nRetry/Ignore/Abort?(R/I/A):"), "{said}");
    // The end of the input is no consent.
    let login = format!("loginHSM CO admin {SO_PIN}\n");
    for rest in ["createUser CU carol secret-word", "createUser CU carol word\ny"] {
        let outcome = cmu::start(&place, &[], &format!("{login}{rest}\n"));
        assert!(outcome.out.contains("Error: there is no answer, and nothing was done\n"), "{outcome:?}");
    }
    assert_eq!(users(&place), before);
}

#[test]
fn users_are_deleted_who_own_nothing() {
    let kmu = Kmu::new();
    let place = &kmu.place;
    kmu.one("genSymKey -t 31 -s 32 -l k");
    let before = users(place);
    let failed = |name: &str, kind: &str, text: &str| {
        format!(
            "Deleting user {name}({kind}) on 1 nodes\ndeleteUser failed: {text}\ndeleteUser failed on server \
             0(localhost)\n\nRetry/rollBack/Ignore?(R/B/I):"
        )
    };
    let policy = "This operation violates the current configured/FIPS policies";
    for (kind, name, text) in [
        ("CU", "example_user", policy),
        ("CO", "admin", policy),
        ("PCO", "admin", policy),
        ("AU", "app_user", policy),
        ("CU", "admin", "Invalid User Type"),
        ("CO", "alice", "Invalid User Type"),
        ("CU", "nobody", "This user does not exist"),
    ] {
        let said = officer(place, &[&format!("deleteUser {kind} {name}\nB")]);
        assert_eq!(said[0], failed(name, kind, text));
    }
    let said = after(place, &format!("loginHSM CU alice {PIN}"), &["deleteUser CU bob\nI"]);
    assert_eq!(said[0], failed("bob", "CU", "Invalid User Type"));
    assert!(officer(place, &["deleteUser bob"])[0].contains("Syntax: deleteUser -h\n"));
    assert_eq!(users(place), before);
    let said = officer(place, &["deleteUser CU bob"]);
    // As in the guide's examples, nothing is asked first.
    assert_eq!(said[0], "Deleting user bob(CU) on 1 nodes\ndeleteUser success on server 0(localhost)\n");
    assert_eq!(users(place).len(), before.len() - 1);
}

#[test]
fn where_nobody_can_be_asked_no_line_follows_that_may_be_the_password() {
    let place = founded(&[], PIN);
    let login = format!("loginHSM CO admin {SO_PIN}\n");
    for (before, line) in [("", "loginHSM CO admin -hpswd"), (login.as_str(), "createUser CU carol -hpswd")] {
        let said = cmu::start(&place, &[], &format!("{before}{line}\n{NEW_PIN}\nlistUsers\n"));
        said.tells_no_pin();
        let words = "standard input is no terminal to ask on; give the password in the place of -hpswd\n";
        assert!(said.code == 1 && said.out.ends_with(words), "{said:?}");
        assert!(said.err.contains("the lines that follow are not run"), "{said:?}");
    }
}

#[test]
fn passwords_are_changed_by_their_users_and_by_officers() {
    let place = founded(&["alice", "bob"], PIN);
    let alice = format!("loginHSM CU alice {PIN}");
    let own = format!("changePswd CU alice {NEW_PIN}\ny");
    let others = format!("changePswd CU bob {NEW_PIN}\ny\nI");
    let said = after(&place, &alice, &[&others, "changePswd CU alice short\ny\nI", &own, "listUsers"]);
    assert!(said[0].contains("changePswd failed: Invalid User Type\n"), "{said:?}");
    assert!(said[1].contains("changePswd failed: ERR_INVALID_USER_INPUT\n"), "{said:?}");
    assert!(said[2].ends_with("changePswd success on server 0(localhost)\n"), "{said:?}");
    assert!(said[3].starts_with("Users on server 0(localhost):\n"), "the login goes on: {said:?}");
    assert!(prompt(&place, &[&alice])[0].starts_with("loginHSM failed: RET_USER_LOGIN_FAILURE\n"));
    after(&place, &format!("loginHSM CU alice {NEW_PIN}"), &[]);
    after(&place, &format!("loginHSM CU bob {PIN}"), &[]);
    for (line, text) in [
        ("changePswd CO bob secret-word\ny\nI", "changePswd failed: Invalid User Type\n"),
        ("changePswd CU nobody secret-word\ny\nI", "changePswd failed: This user does not exist\n"),
        ("changePswd AU app_user secret-word\ny\nI", "changePswd failed: This operation violates"),
        ("changePswd CU bob secret-word -2fa keys", "Error: -2fa: there is no second factor here"),
        ("changePswd CU bob", "Syntax: changePswd -h\n"),
    ] {
        let said = officer(&place, &[line]).remove(0);
        assert!(said.contains(text), "{line}: {said}");
    }
    after(&place, &format!("loginHSM CU bob {PIN}"), &[]);
}

#[test]
fn a_password_that_is_asked_for_is_not_shown() {
    let place = founded(&[], PIN);
    let outcome = place.at_terminal_of(
        PROGRAM,
        &[],
        &[
            ("aws-cloudhsm>", "loginHSM CO admin -hpswd\n"),
            ("Enter password: ", &format!("{SO_PIN}\n")),
            ("success on server 0(localhost)", ""),
            ("aws-cloudhsm>", "createUser CU carol -hpswd\n"),
            ("Enter password: ", &format!("{PIN}\n")),
            ("Enter password again: ", "another-password\n"),
            ("Error: the two passwords differ; nothing was done", ""),
            ("aws-cloudhsm>", "createUser CU carol -hpswd\n"),
            ("Enter password: ", &format!("{PIN}\n")),
            ("Enter password again: ", &format!("{PIN}\n")),
            ("Do you want to continue(y/n)?", "y\n"),
            ("createUser success on server 0(localhost)", ""),
            ("aws-cloudhsm>", "quit\n"),
        ],
    );
    outcome.tells_no_pin();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    after(&place, &format!("loginHSM CU carol {PIN}"), &[]);
}
