//! The flow of the guide: a fresh HSM, its officer, users, keys that they share.

use super::cmu::{CAUTION, FRESH, after, officer, prompt};
use super::place::{PIN, Place, SO_PIN};

#[test]
fn a_fresh_hsm_gets_its_officer_and_users() {
    let place = Place::new();
    let change = format!("changePswd PRECO admin {SO_PIN}\ny");
    let (officer_line, user_line) = (format!("createUser CO officer1 {PIN}\ny"), format!("createUser CU bob {PIN}\ny"));
    let said = prompt(
        &place,
        &["enable_e2e", FRESH, "listUsers", &change, "listUsers", &officer_line, &user_line, "listUsers", "quit"],
    );
    let before = "\
Users on server 0(localhost):
Number of users found:2

     User Id      User Type   User Name                       MofnPubKey  LoginFailureCnt     2FA
           1      PRECO       admin                                   NO                0      NO
           2      AU          app_user                                NO                0      NO
";
    let after = before.replace("PRECO", "PCO  ");
    let rows = "           3      CO          officer1                                NO                0      NO
           4      CU          bob                                     NO                0      NO
";
    let expected = [
        "E2E enabled on server 0(localhost)\n".to_owned(),
        "loginHSM success on server 0(localhost)\n".to_owned(),
        before.to_owned(),
        format!("{CAUTION}Changing password for admin(PRECO) on 1 nodes\nchangePswd success on server 0(localhost)\n"),
        after.clone(),
        format!("{CAUTION}Creating User officer1(CO) on 1 nodes\ncreateUser success on server 0(localhost)\n"),
        format!("{CAUTION}Creating User bob(CU) on 1 nodes\ncreateUser success on server 0(localhost)\n"),
        after.replace("found:2", "found:4") + rows,
        "disconnecting from servers, please wait...\n".to_owned(),
    ];
    assert_eq!(said, expected);
}

#[test]
fn what_the_published_password_opens_ends_with_it() {
    let place = Place::new();
    let said =
        prompt(&place, &[FRESH, &format!("createUser CU bob {PIN}\ny\nA"), "findAllKeys 1 0", "setMValue 3 2\ny\nI"]);
    assert!(said[1].contains("createUser failed: The officer is not activated\n"), "{said:?}");
    assert!(said[2].starts_with("findAllKeys failed: The officer is not activated\n"), "{said:?}");
    assert!(said[3].contains("setMValue failed: "), "{said:?}");
    // Not even with the password it has.
    let said = prompt(&place, &[FRESH, "changePswd PRECO admin password\ny\nB"]);
    assert!(said[1].contains("changePswd failed: ERR_INVALID_USER_INPUT\n"), "{said:?}");
    after(&place, FRESH, &[&format!("changePswd PRECO admin {SO_PIN}\ny")]);
    let said = prompt(&place, &[FRESH, "loginHSM CO admin password"]);
    assert_eq!(said[0], "loginHSM failed: Invalid User Type\nloginHSM failed on server 0(localhost)\n");
    assert_eq!(said[1], "loginHSM failed: RET_USER_LOGIN_FAILURE\nloginHSM failed on server 0(localhost)\n");
    assert_eq!(officer(&place, &["logoutHSM"]), ["logoutHSM success on server 0(localhost)\n"]);
}

#[test]
fn too_many_wrong_passwords_lock_until_an_officer_sets_another() {
    let place = super::cmu::founded(&["bob"], PIN);
    let login = format!("loginHSM CU bob {PIN}");
    let refused = "loginHSM failed: RET_USER_LOGIN_FAILURE\nloginHSM failed on server 0(localhost)\n";
    let wrong = ["loginHSM CU bob wrong-password"; 5];
    let said = prompt(&place, &[&wrong[..], &[login.as_str()]].concat());
    assert!(said[..5].iter().all(|said| said == refused), "{said:?}");
    assert_eq!(said[5], "loginHSM success on server 0(localhost)\n", "five are forgiven");
    let wrong = ["loginHSM CU bob wrong-password"; 7];
    let said = prompt(&place, &[&wrong[..], &[login.as_str()]].concat());
    assert!(said[..8].iter().all(|said| said == refused), "a locked user is answered as a wrong password: {said:?}");
    assert_eq!(super::cmu::users(&place)[2], "3 CU bob NO 6 NO");
    let new = format!("changePswd CU bob {SO_PIN}\ny");
    let said = officer(&place, &[&new]);
    assert_eq!(
        said[0],
        format!("{CAUTION}Changing password for bob(CU) on 1 nodes\nchangePswd success on server 0(localhost)\n")
    );
    assert_eq!(super::cmu::users(&place)[2], "3 CU bob NO 0 NO");
    after(&place, &format!("loginHSM CU bob {SO_PIN}"), &[]);
}
