//! How the program is started, and what it makes of lines.

use super::kmu::{Kmu, LOGGED_IN, USER};
use super::place::{PIN, Place};

#[test]
fn the_prompt_is_preceded_by_what_the_program_is() {
    let kmu = Kmu::new();
    let said = kmu.prompt(&["loginStatus"]);
    let lines: Vec<&str> = said[0].lines().collect();
    assert!(lines[1].starts_with("\tCfm3Initialize() returned app id : ") && lines[1].len() == 44, "{lines:?}");
    assert_eq!(&lines[2..], ["", "\tsession_handle 1", "", "\tCurrent FIPS mode is: 00000000"]);
    assert_eq!(said[1], "\n\tNo user has logged-in\n");
    let fips = Kmu::with("kdf = \"test\"\npolicy = \"fips\"\n");
    assert!(fips.prompt(&[])[0].ends_with("\tCurrent FIPS mode is: 00000002\n"));
}

#[test]
fn a_login_lasts_until_logout() {
    let kmu = Kmu::new();
    let login = format!("loginHSM -u CU -s {USER} -p {PIN}");
    let said = kmu.prompt(&[&login, "loginStatus", &login, "logoutHSM", "loginStatus", "logoutHSM", "exit", "findKey"]);
    assert_eq!(said[1], LOGGED_IN);
    assert_eq!(said[2], "\n\tCU has logged-in\n");
    assert!(said[3].contains("Cfm3LoginHSM returned: 0xed : HSM Error: A user is logged in already\n"), "{said:?}");
    assert_eq!(said[4], LOGGED_IN.replace("Login", "Logout"));
    assert_eq!(said[5], "\n\tNo user has logged-in\n");
    assert!(said[6].contains("Cfm3LogoutHSM returned: 0xe5"), "{said:?}");
    assert_eq!(said.len(), 8, "nothing after exit");
    assert_eq!(kmu.prompt(&["quit", "loginStatus"]).len(), 2, "nor after quit");
}

#[test]
fn a_refused_login_says_which_code() {
    let kmu = Kmu::new();
    for (line, code) in [
        (format!("loginHSM -u CU -s {USER} -p wrong"), "0xa3 : HSM Error: RET_USER_LOGIN_FAILURE"),
        (format!("loginHSM -u CU -s nobody -p {PIN}"), "0x9d : HSM Error: User is not initialized"),
        (format!("loginHSM -u CO -s admin -p {PIN}"), "0xdb : HSM Error: Invalid User Type"),
        (format!("loginHSM -u cu -s {USER} -p {PIN}"), "0xdb : HSM Error: Invalid User Type"),
        (format!("loginHSM -u CU -s admin -p {PIN}"), "0x9d"),
    ] {
        let said = kmu.prompt(&[&line]).remove(1);
        assert!(said.starts_with(&format!("\n\tCfm3LoginHSM returned: {code}")), "{line}: {said}");
        assert!(said.contains(&format!("err state 0x000000{}", &code[2..4])), "{said}");
    }
    for line in ["loginHSM", "loginHSM -u CU", "loginHSM -u CU -s x", "loginHSM -u CU -s x -p y -hpswd", "loginHSM x"] {
        let said = kmu.prompt(&[line]).remove(1);
        assert!(said.contains("Syntax: loginHSM -h") && !said.contains("returned"), "{said}");
    }
}

#[test]
fn a_password_can_be_hidden() {
    let kmu = Kmu::new();
    let program = env!("CARGO_BIN_EXE_key_mgmt_util");
    let line = format!("singlecmd loginHSM -u CU -s {USER} -hpswd findKey");
    let arguments: Vec<&str> = line.split(' ').collect();
    let outcome = kmu.place.at_terminal_of(program, &arguments, &[("Enter password: ", &format!("{PIN}\n"))]);
    outcome.tells_no_pin();
    assert!(outcome.out.contains("Cfm3LoginHSM returned: 0x00"), "{outcome:?}");
    assert!(outcome.out.contains("Cfm3FindKey returned: 0x00"), "{outcome:?}");
}

#[test]
fn where_nobody_can_be_asked_no_line_follows_that_may_be_the_password() {
    let kmu = Kmu::new();
    let lines = format!("loginHSM -u CU -s {USER} -hpswd\n{PIN}\nloginStatus\n");
    std::fs::write(kmu.place.path("script"), &lines).unwrap();
    for arguments in [&[][..], &["scriptfile", "script"]] {
        let said = kmu.place.start(env!("CARGO_BIN_EXE_key_mgmt_util"), arguments).input(&lines).outcome();
        said.tells_no_pin();
        assert!(
            said.code == 1 && said.out.contains("standard input is no terminal to ask on; give -p PASSWORD"),
            "{said:?}"
        );
        assert!(!said.out.contains("logged-in") && said.err.contains("lines that follow are not run"), "{said:?}");
    }
}

#[test]
fn locked_users_are_answered_as_wrong_passwords_are() {
    let kmu = Kmu::new();
    let wrong = format!("loginHSM -u CU -s {USER} -p wrong");
    let right = format!("loginHSM -u CU -s {USER} -p {PIN}");
    kmu.prompt(&[wrong.as_str(); 5]);
    // Standard error says more: who is locked, and who helps.
    let how = "locked after too many wrong passwords; an officer unlocks the user: 'strongroom user unlock example_user' \
               leaves the password as it is, changePswd in cloudhsm_mgmt_util and 'user change-password' in cloudhsm-cli \
               set a new one";
    for (line, words) in [
        (&wrong, "key_mgmt_util: loginHSM: the password is wrong; the user \"example_user\" is "),
        (&right, "key_mgmt_util: loginHSM: the user \"example_user\" is "),
    ] {
        let said = kmu.start(&[&["singlecmd"], &*line.split(' ').collect::<Vec<_>>()].concat());
        assert!(said.out.contains("0xa3 : HSM Error: RET_USER_LOGIN_FAILURE"), "{said:?}");
        assert_eq!(said.err, format!("{words}{how}\n"));
    }
}

#[test]
fn without_a_login_no_command_reaches_the_keys() {
    let kmu = Kmu::new();
    for line in [
        "genSymKey -t 31 -s 32 -l x",
        "findKey",
        "getKeyInfo -k 1",
        "deleteKey -k 1",
        "listUsers",
        "getAttribute -o 1 -a 512 -out x",
        "exportPubKey -k 1 -out x",
        "importPubKey -l x -f y",
    ] {
        let said = kmu.prompt(&[line]).remove(1);
        assert!(said.ends_with(" returned: 0xe5 : HSM Error: No user is logged in\n"), "{line}: {said}");
    }
    for line in ["getHSMInfo", "listECCCurveIds", "listAttributes", "Error2String -r 0xdb", "error2string -r 219"] {
        let said = kmu.prompt(&[line]).remove(1);
        assert!(!said.contains("Syntax") && !said.contains("0xe5"), "{line}: {said}");
    }
}

#[test]
fn one_command_on_the_command_line() {
    let kmu = Kmu::new();
    let done = kmu.single(&["genSymKey", "-t", "31", "-s", "32", "-l", "two words"]);
    assert_eq!(done.code, 0);
    assert!(done.out.starts_with(LOGGED_IN) && done.out.contains("Key Handle: "), "{done:?}");
    assert_eq!(done.out.matches("Cluster Error Status").count(), 2);
    let wrong = kmu.start(&["singlecmd", "loginHSM", "-u", "CU", "-s", USER, "-p", "wrong", "findKey"]);
    assert_eq!(wrong.code, 1, "a login that fails is told by the exit status, always");
    assert!(!wrong.out.contains("FindKey"), "{wrong:?}");
    for words in [&["-u", "CU", "-s", USER, "-p", "wrong"][..], &["-u", "CU", "-s", "nobody"], &[]] {
        let wrong = kmu.start(&[&["singlecmd", "loginHSM"], words].concat());
        assert_eq!(wrong.code, 1, "with nothing behind it too: {wrong:?}");
    }
    for words in [&["-u", "CU", "-s", USER, "-p", PIN][..], &["-h"]] {
        assert_eq!(kmu.start(&[&["singlecmd", "loginHSM"], words].concat()).code, 0, "{words:?}");
    }
    assert_eq!(kmu.start(&["singlecmd", "help"]).code, 0);
    assert_eq!(kmu.start(&["-v"]).out, concat!("key_mgmt_util of Strongroom ", env!("CARGO_PKG_VERSION"), "\n"));
    for help in ["-h", "--help"] {
        let said = kmu.start(&[help]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        for form in ["singlecmd [loginHSM -u CU", "scriptfile FILE", "-v ", "-h ", "[--strict-exit]  "] {
            assert!(said.out.contains(form), "{form}: {said:?}");
        }
    }
    for mode in ["singlecmd", "scriptfile"] {
        let said = kmu.start(&[mode, "--strict-exit", "loginStatus"]);
        let words = format!("key_mgmt_util: --strict-exit stands before {mode}\n");
        assert_eq!((said.code, said.out.as_str(), said.err), (1, "", words));
    }
    for wrong in [&["singlecmd"][..], &["frobnicate"], &["scriptfile"], &["-v", "x"]] {
        let said = kmu.start(wrong);
        assert!(said.code == 1 && said.err.contains("singlecmd [loginHSM -u CU"), "{said:?}");
    }
}

#[test]
fn refusals_change_the_exit_status_where_that_is_asked_for() {
    let kmu = Kmu::new();
    let login = ["singlecmd", "loginHSM", "-u", "CU", "-s", USER, "-p", PIN];
    for (command, strict) in [
        (&["deleteKey", "-k", "99"][..], 1),
        (&["genSymKey", "-t", "31"], 1),
        (&["frobnicate"], 1),
        (&["genSymKey", "-t", "31", "-s", "32", "-l", "x"], 0),
        (&["genSymKey", "-h"], 0),
    ] {
        let words = [&login, command].concat();
        assert_eq!(kmu.start(&words).code, 0, "{command:?}");
        assert_eq!(kmu.start(&[&["--strict-exit"], words.as_slice()].concat()).code, strict, "{command:?}");
        let program = env!("CARGO_BIN_EXE_key_mgmt_util");
        let run = kmu.place.start(program, &words).env("STRONGROOM_STRICT_EXIT", "1");
        assert_eq!(run.outcome().code, strict, "{command:?}");
    }
}

#[test]
fn a_file_of_commands() {
    let kmu = Kmu::new();
    let script = format!(
        "# makes a key\n\n  # and looks\nloginHSM -u CU -s {USER} -p {PIN}\ngenSymKey -t 31 -s 16 -l \"a b\"\nfindKey -l \"a b\"\n\
         !touch here\nexit\nfindKey\n"
    );
    std::fs::write(kmu.place.path("script"), script).unwrap();
    let done = kmu.start(&["scriptfile", "script"]);
    assert_eq!(done.code, 0);
    assert_eq!(done.out.matches("Cfm3FindKey").count(), 1, "{done:?}");
    assert!(done.out.contains("Total number of keys present 1") && !kmu.place.path("here").exists());
    let endless = kmu.start(&["scriptfile", "/dev/zero"]);
    assert!(endless.code == 1 && endless.err.contains("/dev/zero cannot be read: "), "{endless:?}");
    let missing = kmu.start(&["scriptfile", "absent"]);
    assert!(missing.code == 1 && missing.err.contains("absent cannot be read"), "{missing:?}");
}

#[test]
fn answers_come_from_where_commands_come_from() {
    let kmu = Kmu::new();
    let script = format!(
        "loginHSM -u CU -s {USER} -p {PIN}\ngenSymKey -t 31 -s 16 -l mine -sess\nsetAttribute -o 2147483648 -a 1\n1\n\
         findKey -l mine -sess 0\n"
    );
    std::fs::write(kmu.place.path("script"), &script).unwrap();
    let program = env!("CARGO_BIN_EXE_key_mgmt_util");
    let done = kmu.place.start(program, &["--strict-exit", "scriptfile", "script"]).input("0\n").outcome();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("The key is persistent now") && done.out.contains("Total number of keys present 1"));
    assert!(!done.out.contains("Help Commands Available"), "the answer is no command: {done:?}");
}

#[test]
fn a_line_that_is_no_text_is_refused_and_the_next_one_runs() {
    let kmu = Kmu::new();
    let program = env!("CARGO_BIN_EXE_key_mgmt_util");
    let lines = b"# a remark\n  # another\nfindKey -l \xff\nloginStatus\n";
    let done = kmu.place.start(program, &[]).input(lines).outcome();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("\tError: the line is no text in UTF-8; nothing was done\n"), "{done:?}");
    assert!(done.out.contains("No user has logged-in") && !done.out.contains("Help Commands"), "{done:?}");
    std::fs::write(kmu.place.path("script"), lines).unwrap();
    let script = kmu.start(&["scriptfile", "script"]);
    assert!(script.out.contains("no text in UTF-8") && script.out.contains("No user has logged-in"), "{script:?}");
}

#[test]
fn arguments_that_are_no_text_are_refused() {
    let kmu = Kmu::new();
    let program = env!("CARGO_BIN_EXE_key_mgmt_util");
    for words in [&["singlecmd", "findKey", "-l"][..], &["scriptfile"]] {
        let said = kmu.place.start(program, words).argument(b"caf\xe9").outcome();
        let words = format!("key_mgmt_util: argument {} is no text in UTF-8: \"caf\\xe9\"\n", words.len() + 1);
        assert_eq!((said.code, said.out.as_str(), said.err), (1, "", words));
    }
}

#[test]
fn what_a_file_says_moves_no_cursor() {
    let kmu = Kmu::new();
    std::fs::write(kmu.place.path("approvals"), "\u{1b}[2J\u{9b}\r\tCfm3 = 1;\n").unwrap();
    let said = kmu.one("approveToken -af approvals");
    assert!(said.contains("\\u{1b}[2J\\u{9b}\\r\\tCfm3"), "{said:?}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{9b}') && !said.contains('\r'), "{said:?}");
}

#[test]
fn lines_have_a_length() {
    let kmu = Kmu::new();
    let long = format!("findKey -l {}", "x".repeat(2000));
    let said = kmu.session(&[&long, "findKey"]);
    assert!(said[0].contains("\tError: the line has 2011 bytes, 1400 are the most; nothing was done\n"), "{said:?}");
    assert!(said[1].contains("Total number of keys present 0"), "the rest of it is no command: {said:?}");
    assert!(kmu.one("genSymKey -l \"open").contains("a double quote is not closed"));
    assert!(kmu.one(&"x ".repeat(101)).contains("101 words"));
}

#[test]
fn help_lists_every_command_and_each_has_its_own() {
    let kmu = Kmu::new();
    let overview = kmu.prompt(&["help"]).remove(1);
    let names: Vec<&str> =
        overview.lines().filter_map(|line| line.strip_prefix("\t\t")).flat_map(str::split_whitespace).collect();
    assert!(names.len() > 25 && names.contains(&"genSymKey"), "{names:?}");
    for name in names {
        let said = kmu.prompt(&[&format!("{name} -h")]).remove(1);
        assert!(said.starts_with("\nDescription\n===========\n"), "{name}: {said}");
        assert!(
            said.contains(&format!("\nSyntax: {name} -h\n        {name}")) && said.contains("\nWhere:  -h"),
            "{said}"
        );
    }
    assert_eq!(kmu.prompt(&["frobnicate"]).remove(1), overview);
}

#[test]
fn without_a_token_nothing_starts() {
    let place = Place::new();
    let said = place.start(env!("CARGO_BIN_EXE_key_mgmt_util"), &["singlecmd", "help"]).outcome();
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("Daemon socket connection error: there is no token in "), "{said:?}");
    for way in [
        "'strongroom token init --cloudhsm --user NAME --label LABEL'",
        "'cloudhsm-cli cluster activate' or 'loginHSM PRECO admin password' in cloudhsm_mgmt_util",
    ] {
        assert!(said.err.contains(way), "{said:?}");
    }
    // Both are ways.
    let init = ["token", "init", "--cloudhsm", "--user", "alice", "--label", "first"];
    place.run(&init).pins().succeeds();
    let said = place.start(env!("CARGO_BIN_EXE_key_mgmt_util"), &["singlecmd", "help"]).outcome();
    assert_eq!((said.code, said.err.as_str()), (0, ""));
}

#[test]
fn the_environment_names_the_token() {
    let kmu = Kmu::new();
    kmu.place.run(&["token", "init", "--label", "other"]).pins().succeeds();
    let label = |wanted: Option<&str>| {
        let program = env!("CARGO_BIN_EXE_key_mgmt_util");
        let mut run = kmu.place.start(program, &["singlecmd", "getHSMInfo"]);
        if let Some(wanted) = wanted {
            run = run.env("STRONGROOM_TOKEN", wanted);
        }
        let outcome = run.outcome();
        outcome.out.lines().find_map(|line| line.strip_prefix("\tLabel                :").map(str::to_owned))
    };
    assert_eq!(label(None).as_deref(), Some("test"));
    assert_eq!(label(Some("other")).as_deref(), Some("other"));
    assert_eq!(label(Some("1")).as_deref(), Some("other"));
    assert_eq!(label(Some("absent")), None);
}
