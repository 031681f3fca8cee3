//! How the program is started, shortened names, one server, help, and what is not there.

use super::cmu::{CONNECTED, FRESH, founded, officer, prompt, start};
use super::place::{PIN, Place, SO_PIN};

#[test]
fn a_directory_becomes_a_fresh_hsm_once() {
    let place = Place::new();
    let first = start(&place, &["/opt/cloudhsm/etc/cloudhsm_mgmt_util.cfg"], "");
    assert_eq!((first.code, first.out.as_str()), (0, format!("{CONNECTED}aws-cloudhsm>\n").as_str()));
    assert_eq!(
        first.err,
        "cloudhsm_mgmt_util: this is a fresh HSM: log in with 'loginHSM PRECO admin password', then choose a password \
         with changePswd\n"
    );
    let second = start(&place, &[], "");
    assert_eq!((second.code, second.err.as_str()), (0, ""));
    // A token that is named is not made, and one in memory would be gone at once.
    let place = Place::new();
    let named = place.start(super::cmu::PROGRAM, &[]).env("STRONGROOM_TOKEN", "other").outcome();
    assert_eq!(named.code, 1);
    assert!(named.err.contains("there is no token"), "{named:?}");
    assert!(!place.tokens().exists());
    place.configure("kdf = \"test\"\nstore = \"memory\"\n");
    let memory = start(&place, &[], "");
    assert_eq!((memory.code, memory.out.as_str()), (1, ""));
    assert!(memory.err.contains("with store = \"memory\""), "{memory:?}");
}

#[test]
fn other_tokens_can_be_used_too() {
    let place = Place::with_token();
    let said = prompt(
        &place,
        &[&format!("loginHSM CO so {SO_PIN}"), "listUsers", "logoutHSM", &format!("loginHSM CU user {PIN}")],
    );
    assert!(said[1].contains("           1      CO          so     "), "{said:?}");
    assert_eq!(said[3], "loginHSM success on server 0(localhost)\n");
}

#[test]
fn commands_come_from_a_file_and_refusals_may_be_the_exit_status() {
    let place = Place::new();
    let file = place
        .secret_file("commands", &format!("# first\n{FRESH}\n\nchangePswd PRECO admin {SO_PIN}\ny\nquit\nlistUsers\n"));
    let outcome = start(&place, &["--strict-exit", "--file", &file, "cluster.cfg"], "nonsense\n");
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.out.ends_with("aws-cloudhsm>disconnecting from servers, please wait...\n"), "{outcome:?}");
    let refused = "loginHSM CO admin wrong-password\nquit\n";
    assert_eq!(start(&place, &[], refused).code, 0);
    assert_eq!(start(&place, &["--strict-exit"], refused).code, 1);
    let strict = place.start(super::cmu::PROGRAM, &[]).env("STRONGROOM_STRICT_EXIT", "1").input(refused).outcome();
    assert_eq!(strict.code, 1);
    assert_eq!(start(&place, &["--strict-exit"], "nonsense\n").code, 1);
    for arguments in [&["a.cfg", "b.cfg"][..], &["--file"], &["--files", "x"], &["-x"]] {
        let outcome = start(&place, arguments, "");
        assert_eq!((outcome.code, outcome.out.as_str()), (1, ""), "{arguments:?}");
        assert!(outcome.err.contains("it is started as cloudhsm_mgmt_util [--strict-exit]"), "{outcome:?}");
    }
    let missing = start(&place, &["--file", "missing"], "");
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("missing cannot be read: "), "{missing:?}");
    for (argument, words) in [("-v", "cloudhsm_mgmt_util of Strongroom "), ("-h", "CONFIGFILE is not read")] {
        let outcome = start(&place, &[argument], "");
        assert_eq!(outcome.code, 0);
        assert!(outcome.out.contains(words), "{outcome:?}");
    }
}

#[test]
fn there_is_one_server() {
    let place = founded(&["bob"], PIN);
    let lines = format!("info server 0\nserver 0\nloginHSM CO admin {SO_PIN}\ninfo server 0\nexit\nserver 1\nexit\n");
    let outcome = start(&place, &[], &lines);
    let said: Vec<&str> = outcome.out.split("aws-cloudhsm>").collect();
    let info = |said: &str, login: &str| {
        let rows: Vec<&str> = said.lines().collect();
        let words = |row: &str| row.split_whitespace().take(6).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(rows[0]), ["Id", "Name", "Hostname", "Port", "State", "Partition"]);
        assert_eq!(words(rows[1])[..5], ["0", "localhost", "localhost", "-", "Connected"]);
        assert!(rows[1].ends_with(login), "{rows:?}");
    };
    info(said[1], "Not logged in");
    let inside: Vec<&str> = said[2].split("server0>").collect();
    assert_eq!(inside[0], "Server is in 'E2' mode...\n");
    assert_eq!(inside[1], "loginHSM success on server 0(localhost)\n");
    info(inside[2], "Logged in as 'admin(PCO)'");
    assert_eq!(said[3], "Error: there is no server 1; there is one, 0\n");
    assert_eq!(said[4], "disconnecting from servers, please wait...\n");
    let said =
        officer(&place, &["getHSMInfo", "syncKey 6 1", "syncUser 3 1", "getCert file 1", "info cluster 0", "server"]);
    assert!(
        said[0].starts_with("Getting HSM Info on 1 nodes\n\t\t*** Server 0 HSM Info ***\n\n\tLabel                :")
    );
    assert!(
        said[0].contains("\n\tFIPS state           :0 [non-FIPS mode with single factor authentication]\n"),
        "{said:?}"
    );
    for said in &said[1..3] {
        assert!(
            said.starts_with("Error: there is one server, and every program sees the same users and keys"),
            "{said}"
        );
    }
    assert!(said[3].starts_with("Error: this HSM is a program and has no maker's certificates"), "{said:?}");
    assert!(said[4].contains("Syntax: info -h\n        info server <number>\n"), "{said:?}");
    assert!(said[5].contains("Syntax: server -h\n"), "{said:?}");
}

#[test]
fn help_lists_every_command_and_names_may_be_shortened() {
    let place = founded(&[], PIN);
    let said = officer(&place, &["help", "listU", "list", "frobnicate", "help createU", "help x", "createUser -h"]);
    for name in [
        "loginHSM",
        "logoutHSM",
        "createUser",
        "deleteUser",
        "changePswd",
        "listUsers",
        "listAttributes",
        "getAttribute",
        "setAttribute",
        "findAllKeys",
        "getKeyInfo",
        "shareKey",
        "getHSMInfo",
        "info",
        "server",
        "registerQuorumPubKey",
        "setMValue",
        "getMValue",
        "getToken",
        "approveToken",
        "listTokens",
        "getCert",
        "enable_e2e",
        "syncKey",
        "syncUser",
        "quit",
        "help",
        "exit",
    ] {
        assert!(said[0].lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
    }
    assert!(said[1].starts_with("Users on server 0(localhost):\n"));
    assert_eq!(said[2], "Error: \"list\" may be listUsers, listAttributes, listTokens\n");
    assert_eq!(said[3], "Error: there is no command \"frobnicate\"; help lists them\n");
    let help = "\
Description
===========
Makes a user. An officer does this.

Syntax: createUser -h
        createUser <user-type> <user-name> <password|-hpswd>

Where:  user-type  CO, who manages users, or CU, who owns and uses keys
        user-name  the name: up to 31 letters, digits and _
        password   7 to 32 characters without ':'; with -hpswd it is asked for and not shown
";
    assert_eq!((said[4].as_str(), said[6].as_str()), (help, help));
    assert_eq!(said[5], "Error: there is no command \"x\"; help lists them\n");
    let long = "a".repeat(1401);
    let said = prompt(&place, &[&long, "\"open", ""]);
    assert_eq!(said[0], "Error: the line has 1401 bytes, 1400 are the most; nothing was done\n");
    assert_eq!(said[1], "Error: a double quote is not closed; nothing was done\n");
}
