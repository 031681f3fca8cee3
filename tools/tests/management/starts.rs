//! How the program is started, shortened names, one server, help, and what is not there.

use std::fs;

use super::cmu::{CONNECTED, FRESH, PROGRAM, founded, officer, prompt, start};
use super::kmu::install;
use super::place::{PIN, Place, SO_PIN};

#[test]
fn a_directory_becomes_a_fresh_hsm_once() {
    let place = Place::new();
    let (tokens, config) = (place.tokens(), "/opt/cloudhsm/etc/cloudhsm_mgmt_util.cfg");
    let none = start(&place, &[config], "");
    assert_eq!((none.code, none.out.as_str()), (0, format!("{CONNECTED}aws-cloudhsm>\n").as_str()));
    let absence = format!(
        "there is no token in {}; make one with 'strongroom token init --cloudhsm --user NAME --label LABEL', which asks \
         for the passwords of the officer admin and of the crypto user NAME, or with 'cloudhsm-cli cluster activate' or \
         'loginHSM PRECO admin password' in cloudhsm_mgmt_util, which make a fresh HSM whose officer makes the users\n",
        tokens.display()
    );
    assert_eq!(none.err, format!("cloudhsm_mgmt_util: {absence}"));
    // A directory that was mistyped stays without a token.
    let commands = ["listUsers", "getHSMInfo", "info server 0", "loginHSM CO admin password", "loginHSM CU admin x"];
    for said in &prompt(&place, &commands)[..commands.len()] {
        assert_eq!(*said, format!("Error: {absence}"));
    }
    assert!(prompt(&place, &["enable_e2e", "listAttributes", "help", "quit"])[0].starts_with("E2E enabled"));
    assert!(!tokens.exists());
    let first = start(&place, &[config], &format!("{FRESH}\n"));
    assert_eq!(first.out, format!("{CONNECTED}aws-cloudhsm>loginHSM success on server 0(localhost)\naws-cloudhsm>\n"));
    let made = format!("a fresh HSM was made in {}; choose a password with changePswd\n", tokens.display());
    assert_eq!((first.code, first.err), (0, format!("cloudhsm_mgmt_util: {absence}cloudhsm_mgmt_util: {made}")));
    let second = start(&place, &[], &format!("{FRESH}\n"));
    assert_eq!((second.code, second.err.as_str(), second.out), (0, "", first.out));
    // A token that is named is not made, and one in memory would be gone at once.
    let place = Place::new();
    let named = place.start(PROGRAM, &[]).env("STRONGROOM_TOKEN", "other").outcome();
    assert_eq!(named.code, 1);
    assert!(named.err.contains("there is no token"), "{named:?}");
    assert!(!place.tokens().exists());
    place.configure("kdf = \"test\"\nstore = \"memory\"\n");
    let memory = start(&place, &[], "");
    assert_eq!((memory.code, memory.out.as_str()), (1, ""));
    assert!(memory.err.contains("with store = \"memory\""), "{memory:?}");
}

#[test]
fn a_fresh_hsm_where_others_can_look_is_warned_of() {
    let place = Place::new();
    fs::create_dir(place.tokens()).unwrap();
    super::place::set_mode(&place.tokens(), 0o755);
    let first = start(&place, &[], &format!("{FRESH}\n"));
    let warning = format!(
        "cloudhsm_mgmt_util: warning: {dir} is open to other users (mode 0755); chmod 700 {dir}\n",
        dir = place.tokens().display()
    );
    assert!(first.code == 0 && first.err.contains(&warning), "{first:?}");
    assert_eq!(start(&place, &[], "").err, "", "it is said once, and by 'strongroom doctor'");
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
    let strict = place.start(PROGRAM, &[]).env("STRONGROOM_STRICT_EXIT", "1").input(refused).outcome();
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
fn a_line_that_cannot_be_one_is_refused_and_the_next_one_runs() {
    let place = founded(&["bob"], PIN);
    let cut = format!("{}\u{e9}\n", "x".repeat(1400));
    for broken in [&b"info server \xff\n"[..], cut.as_bytes()] {
        let lines = [broken, b"info server 0\n"].concat();
        for arguments in [&[][..], &["--file", "commands"]] {
            fs::write(place.path("commands"), &lines).unwrap();
            let outcome = place.start(PROGRAM, arguments).input(&lines).outcome();
            assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{outcome:?}");
            assert!(
                outcome.out.contains("; nothing was done\n") && outcome.out.contains("Not logged in"),
                "{outcome:?}"
            );
        }
    }
    let endless = start(&place, &["--file", "/dev/zero"], "");
    assert!(endless.code == 1 && endless.err.contains("cannot be read"), "{endless:?}");
    let broken =
        [format!("loginHSM CO admin {SO_PIN}\ncreateUser CU eve {PIN}\n").as_bytes(), b"y\xff\nlistUsers\n"].concat();
    let outcome = place.start(PROGRAM, &[]).input(&broken).outcome();
    assert!(outcome.out.contains("the answer cannot be read: the line is no text"), "{outcome:?}");
    assert!(outcome.out.contains("bob") && !outcome.out.contains("eve"), "{outcome:?}");
    let said = place.start(PROGRAM, &["--file"]).argument(b"caf\xe9").outcome();
    assert_eq!(said.err, "cloudhsm_mgmt_util: argument 2 is no text in UTF-8: \"caf\\xe9\"\n");
}

#[test]
fn what_others_gave_moves_no_cursor() {
    let place = founded(&["bob"], PIN);
    fs::write(place.path("approvals"), "\u{1b}[2J\u{202e} = 1;\n").unwrap();
    place.run(&["key", "generate", "--type", "aes", "--label", "a\u{202e}b", "--user", "bob"]).pins().succeeds();
    let lines = ["approveToken approvals", "getAttribute 6 3", "listUsers -\u{1b}[2J", "\u{1b}[2J"];
    let said = super::cmu::after(&place, &format!("loginHSM CU bob {PIN}"), &lines).concat();
    assert!(said.contains("\\u{1b}[2J\\u{202e}") && said.contains("OBJ_ATTR_LABEL\na?b\n"), "{said:?}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
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
    let said = officer(&place, &["getHSMInfo", "syncKey 6 1", "syncUser 3 1", "info cluster 0", "server"]);
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
    assert!(said[3].contains("Syntax: info -h\n        info server <number>\n"), "{said:?}");
    assert!(said[4].contains("Syntax: server -h\n"), "{said:?}");
}

#[test]
fn the_certificate_is_that_of_the_installation() {
    let place = founded(&[], PIN);
    let program = install(&place, PROGRAM);
    let lines = "server 0\ngetCert in 16\nexit\ngetCert out 16\ngetCert refused 1\ngetCert refused 8\ngetCert refused 32\n\
                 getCert refused x\ngetCert refused\ngetCert no/such/file 16\nquit\n";
    let outcome = place.start(program.to_str().unwrap(), &[]).input(lines).outcome();
    let said: Vec<&str> = outcome.out.split("aws-cloudhsm>").collect();
    assert_eq!(said[1], "Server is in 'E2' mode...\nserver0>getCert Success\nserver0>");
    assert_eq!(said[2], "getCert Success\n");
    let failed = "getCert failed: Certificate does not exist or is not valid\n";
    assert_eq!(said[3..5], [failed, failed]);
    assert!(said[5].starts_with("Error: 32 is no type of certificate\nDescription\n"), "{said:?}");
    assert!(said[6].starts_with("Error: x is no number\nDescription\n"), "{said:?}");
    assert!(said[7].contains("Syntax: getCert -h\n        getCert <file> <type>\n"), "{said:?}");
    assert!(said[8].starts_with("Error: no/such/file cannot be written: "), "{said:?}");
    assert!(outcome.err.contains("getCert: there is no certificate 1: the HSM is software"), "{outcome:?}");
    assert!(outcome.err.contains("getCert: there is no certificate 8: the HSM belongs to"), "{outcome:?}");
    let certificate = place.path("opt/share/strongroom/attest.crt");
    for name in ["in", "out"] {
        assert_eq!(fs::read(place.path(name)).unwrap(), fs::read(&certificate).unwrap());
    }

    let mut bytes = fs::read(&certificate).unwrap();
    bytes[100] = if bytes[100] == b'A' { b'B' } else { b'A' };
    fs::write(&certificate, bytes).unwrap();
    let outcome = place.start(program.to_str().unwrap(), &[]).input("getCert refused 16\nquit\n").outcome();
    assert!(outcome.out.contains(failed) && outcome.err.contains("attest.crt"), "{outcome:?}");
    assert!(!place.path("refused").exists());
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
        user-name  the name: 1 to 31 letters (a to z), digits, '_', '-' and '.'; capitals become small letters
        password   7 to 32 characters without ':'; with -hpswd it is asked for and not shown
";
    assert_eq!((said[4].as_str(), said[6].as_str()), (help, help));
    assert_eq!(said[5], "Error: there is no command \"x\"; help lists them\n");
    let long = "a".repeat(1401);
    let said = prompt(&place, &[&long, "\"open", ""]);
    assert_eq!(said[0], "Error: the line has 1401 bytes, 1400 are the most; nothing was done\n");
    assert_eq!(said[1], "Error: a double quote is not closed; nothing was done\n");
}
