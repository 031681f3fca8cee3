//! How the tool is started and what it says to people.

use super::cli::{ALICE, Cli, NOBODY, PROGRAM, answers};
use super::place::PIN;

#[test]
fn one_command_logs_in_as_the_environment_says() {
    let cli = Cli::new();
    let run = |role: Option<&str>, pin: Option<&str>| {
        let mut run = cli.place.start(PROGRAM, &["key", "list"]).without("CLOUDHSM_ROLE").without("CLOUDHSM_PIN");
        for (name, value) in [("CLOUDHSM_ROLE", role), ("CLOUDHSM_PIN", pin)] {
            if let Some(value) = value {
                run = run.env(name, value);
            }
        }
        let outcome = run.outcome();
        (outcome.code, answers(&outcome.out).remove(0)["data"].to_string())
    };
    let pin = format!("alice:{PIN}");
    assert_eq!(run(Some("crypto-user"), Some(&pin)).0, 0);
    for (role, pin, words) in [
        (None, Some(pin.as_str()), "Set CLOUDHSM_ROLE"),
        (Some("crypto-user"), None, "Set CLOUDHSM_ROLE"),
        (Some(""), Some(pin.as_str()), "CLOUDHSM_ROLE is not set. Set CLOUDHSM_ROLE (admin or crypto-user) and"),
        (
            Some("crypto-user"),
            Some(""),
            "CLOUDHSM_PIN is not set. Set CLOUDHSM_ROLE (admin or crypto-user) and CLOUDHSM_PIN (user:",
        ),
        (Some("CU"), Some(pin.as_str()), "CLOUDHSM_ROLE takes admin or crypto-user"),
        // What stands in the wrong variable may be a password, which no answer tells.
        (Some(pin.as_str()), Some("crypto-user"), "CLOUDHSM_ROLE takes admin or crypto-user"),
        (Some("crypto-user"), Some("alice"), "user:password"),
        (Some("admin"), Some(pin.as_str()), "Login failed"),
        (Some("crypto-user"), Some("alice:wrong-one"), "Login failed"),
        (Some("crypto-user"), Some("erin:wrong-one"), "Login failed"),
    ] {
        let (code, said) = run(role, pin);
        assert!(code == 1 && said.contains(words), "{said}");
    }
}

#[test]
fn what_is_mistyped_is_answered_by_usage() {
    let cli = Cli::new();
    cli.mistyped(NOBODY, "", "Usage: cloudhsm-cli");
    cli.mistyped(NOBODY, "key", "Usage: cloudhsm-cli key");
    cli.mistyped(NOBODY, "colour", "unrecognized subcommand 'colour'");
    cli.mistyped(NOBODY, "user list --colour", "unexpected argument '--colour'");
    for line in ["--help", "help key list", "key wrap aes-gcm --help", "--version"] {
        let outcome = cli.run(NOBODY, line);
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""), "{line}");
        assert!(outcome.out.contains("cloudhsm-cli"), "{line}: {outcome:?}");
    }
}

#[test]
fn a_pipe_gets_the_answers_alone_and_a_status_that_says_whether_all_was_done() {
    let cli = Cli::new();
    let pipe = |text: &str| cli.place.start(PROGRAM, &["interactive"]).input(text).outcome();
    let good = pipe("user list\n\n   \nquorum token-sign list-quorum-values\nquit\n");
    assert_eq!((good.code, answers(&good.out).len(), good.err.as_str()), (0, 2, ""));
    let without_end = pipe("user list");
    assert_eq!((without_end.code, answers(&without_end.out).len()), (0, 1));
    let refused = pipe("key list\nuser list\n");
    assert_eq!((refused.code, answers(&refused.out).len()), (1, 2));
    let mistyped = pipe("key lsit\nuser list\n");
    assert_eq!((mistyped.code, answers(&mistyped.out).len()), (1, 1));
    assert!(mistyped.err.contains("unrecognized subcommand 'lsit'"), "{mistyped:?}");
    let open = pipe("user list --cluster-id \"open\nuser list\n");
    assert!(open.out.contains("not closed"), "{open:?}");
    let long = pipe(&format!("user list {}\nuser list\n", "x".repeat(70_000)));
    assert!(long.out.contains("65536 are the most"), "{}", long.out);
    assert_eq!(answers(&long.out).len(), 2);
    let cut = format!("user list {}\u{e9}\nuser list\n", "x".repeat(65536 - 11));
    for lines in [cut.as_bytes(), b"user list \xff\nuser list\n"] {
        let broken = cli.place.start(PROGRAM, &["interactive"]).input(lines).outcome();
        let said = answers(&broken.out);
        assert_eq!((broken.code, said.len(), &said[1]["error_code"]), (1, 2, &0.into()), "{broken:?}");
    }
    let twice = pipe("interactive\n");
    assert!(twice.out.contains("the prompt already"));
    let help = pipe("help key\n");
    assert!(help.code == 0 && help.out.contains("generate-symmetric"), "{help:?}");
}

#[test]
fn where_nobody_can_be_asked_no_line_follows_that_may_be_the_password() {
    let cli = Cli::new();
    let lines = format!("login --username alice --role crypto-user\n{PIN}\nuser list\n");
    let said = cli.place.start(PROGRAM, &["interactive"]).input(&lines).outcome();
    said.tells_no_pin();
    let words = "standard input is no terminal to ask on; give --password PASSWORD";
    assert!(said.code == 1 && said.out.contains(words) && answers(&said.out).len() == 1, "{said:?}");
    assert!(said.err.contains("the lines that follow are not run"), "{said:?}");
    cli.refuses(NOBODY, "login --username alice --role crypto-user", words);
}

#[test]
fn an_argument_that_is_no_text_is_named() {
    let cli = Cli::new();
    let said = cli.place.start(PROGRAM, &["key", "list", "--filter"]).argument(b"attr.label=caf\xe9").outcome();
    let words = "cloudhsm-cli: argument 4 is no text in UTF-8: \"attr.label=caf\\xe9\"\n";
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (2, "", words));
    let said = cli.place.start(PROGRAM, &["cluster", "activate", "--password"]).argument(b"geheim\xe9").outcome();
    assert!(said.code == 2 && !said.err.contains("geheim"), "{said:?}");
}

#[test]
fn what_others_gave_moves_no_cursor() {
    let cli = Cli::new();
    let label = "a\u{7f}\u{9b}2J\u{202e}\u{2066}\u{200f}\u{2028}z \u{fc}";
    cli.place.run(&["key", "generate", "--type", "aes", "--label", label, "--user", "alice"]).pins().succeeds();
    let list = cli.run(ALICE, "key list --verbose");
    let mine = cli.place.run(&["key", "list", "--user", "alice", "--json"]).pins().outcome();
    for out in [&list.out, &mine.out] {
        assert!(
            out.contains(r"a\u007f\u009b2J\u202e\u2066\u200f\u2028z \u{fc}".replace(r"\u{fc}", "\u{fc}").as_str()),
            "{out}"
        );
    }
    assert_eq!(answers(&list.out)[0]["data"]["matched_keys"][0]["attributes"]["label"], label);
    assert_eq!(answers(&mine.out)[0]["keys"][0]["label"], label);
    let refused = cli.place.run(&["token", "show", "--json", "--token", "x\u{9b}"]).outcome();
    assert!(refused.err.contains(r"\u") && !refused.err.contains('\u{9b}'), "{refused:?}");
    let mistyped = cli.run(ALICE, "key \u{9b}2J\u{202e}");
    assert!(mistyped.err.contains("\\u{202e}") && !mistyped.err.contains('\u{9b}'), "{mistyped:?}");
}

#[test]
fn quotes_keep_spaces() {
    let cli = Cli::new();
    let said = cli.session(
        ALICE,
        &[
            "key generate-symmetric aes --label \"two words\" --key-length-bytes 16",
            "key list --filter \"attr.label=two words\"",
        ],
    );
    assert_eq!(said[1]["data"]["key"]["attributes"]["label"], "two words");
    assert_eq!(said[2]["data"]["total_key_count"], 1);
}

#[test]
fn a_terminal_has_a_prompt_and_is_asked_for_passwords() {
    let cli = Cli::new();
    let outcome = cli.place.at_terminal_of(
        PROGRAM,
        &["interactive"],
        &[
            ("aws-cloudhsm > ", "login --username alice --role crypto-user\n"),
            ("Enter password: ", &format!("{PIN}\n")),
            ("aws-cloudhsm > ", "user change-password --username alice --role crypto-user\n"),
            ("Enter password: ", "another-one\n"),
            ("Confirm password: ", "yet-another\n"),
            ("aws-cloudhsm > ", "quit\n"),
        ],
    );
    assert!(outcome.out.contains("\"username\": \"alice\""), "{outcome:?}");
    assert!(outcome.out.contains("the two passwords differ"), "{outcome:?}");
    assert!(!outcome.out.contains("another-one") && !outcome.out.contains(PIN), "{outcome:?}");
    cli.ok(ALICE, "key list");
}

#[test]
fn the_token_is_named_by_cluster_id() {
    let cli = Cli::new();
    cli.place.run(&["token", "init", "--cloudhsm", "--label", "second", "--user", "dave"]).pins().succeeds();
    let count = |line: &str| cli.ok(NOBODY, line)["users"].as_array().unwrap().len();
    assert_eq!(
        (count("user list"), count("user list --cluster-id second"), count("--cluster-id second user list")),
        (5, 3, 3)
    );
    cli.refuses(NOBODY, "user list --cluster-id third", "there is no token \"third\"");
    let outcome = cli.place.start(PROGRAM, &["interactive", "--cluster-id", "second"]);
    let outcome = outcome.input("user list\nuser list --cluster-id second\nuser list --cluster-id third\n").outcome();
    let said = answers(&outcome.out);
    assert_eq!(said[0], said[1]);
    assert!(said[2]["data"].as_str().unwrap().contains("This session is on second"), "{outcome:?}");
}
