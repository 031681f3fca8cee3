//! `strongroom doctor`.

use std::fs;

use serde_json::Value;

use super::place::{NEW_PIN, PIN, Place, set_mode};

fn examine(place: &Place, arguments: &[&str], pin: Option<&str>) -> (i32, Value) {
    let mut run = place.run(&[&["doctor", "--json"], arguments].concat());
    if let Some(pin) = pin {
        run = run.env("STRONGROOM_PIN", pin);
    }
    let outcome = run.outcome();
    let json = serde_json::from_str(&outcome.out).unwrap_or_else(|error| panic!("{error}: {outcome:?}"));
    (outcome.code, json)
}

fn has(answer: &Value, status: &str, words: &str) -> bool {
    let checks = answer["checks"].as_array().unwrap();
    checks.iter().any(|check| check["status"] == status && check["message"].as_str().unwrap().contains(words))
}

#[test]
fn a_sound_place_is_ok() {
    let place = Place::with_token();
    set_mode(&place.path("strongroom.toml"), 0o644);
    place.run(&["key", "generate", "--type", "aes"]).pins().succeeds();
    place.run(&["key", "generate", "--type", "aes", "--private", "false"]).pins().succeeds();
    let (code, answer) = examine(&place, &[], None);
    assert_eq!((code, answer["errors"].as_u64()), (0, Some(0)), "{answer}");
    for words in [
        "strongroom.toml (named by STRONGROOM_CONF)",
        "kdf = test (the file)",
        "policy = standard (default)",
        "(STRONGROOM_DIR)",
        "closed to other users",
        "the store is whole",
        "its record is signed by its authority",
        "2 users certified",
        "1 object opened, 1 private and not opened",
        "free for",
    ] {
        assert!(has(&answer, "ok", words), "{words}: {answer}");
    }
    assert!(has(&answer, "warning", "TEST TOKEN"), "{answer}");
    let (code, answer) = examine(&place, &[], Some(PIN));
    assert_eq!(code, 0, "{answer}");
    assert!(has(&answer, "ok", "\"user\" can log in") && has(&answer, "ok", "2 objects opened"), "{answer}");
    let text = place.run(&["doctor"]).succeeds();
    assert!(text.starts_with("STATUS   SUBJECT        FINDING\n"), "{text}");
    assert!(text.contains("0 errors, "), "{text}");
}

#[test]
fn a_trace_that_cannot_be_written_is_a_warning() {
    let place = Place::with_token();
    let examine = |target: &str| place.run(&["doctor"]).env("STRONGROOM_TRACE", target).json();
    let absent = place.path("absent/trace").to_str().unwrap().to_owned();
    let directory = place.path("").to_str().unwrap().to_owned();
    for target in [&absent, &directory] {
        let words = format!("STRONGROOM_TRACE is {target}, which cannot be opened");
        assert!(has(&examine(target), "warning", &words), "{words}");
    }
    let fresh = place.path("trace").to_str().unwrap().to_owned();
    assert!(has(&examine(&fresh), "ok", &format!("calls to {fresh}")));
    assert!(!place.path("trace").exists(), "a check makes no file");
    assert!(has(&examine("stderr"), "ok", "standard error"));
    let silent = place.run(&["doctor"]).json();
    assert!(silent["checks"].as_array().unwrap().iter().all(|check| check["subject"] != "trace"), "{silent}");
}

#[test]
fn a_copied_token_is_a_warning() {
    let place = Place::with_token();
    fs::create_dir(place.tokens().join("slot-7")).unwrap();
    set_mode(&place.tokens().join("slot-7"), 0o700);
    for entry in fs::read_dir(place.tokens().join("slot-0")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.tokens().join("slot-7").join(entry.file_name())).unwrap();
    }
    let (code, answer) = examine(&place, &[], None);
    assert_eq!(code, 0, "{answer}");
    assert!(has(&answer, "warning", "slots 0 and 7 have the same serial number"), "{answer}");
}

#[test]
fn advice_means_the_token_it_is_about() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "a", "--no-user"]).pins().succeeds();
    let advice = || place.run(&["doctor"]).outcome().out;
    assert!(advice().contains("no key can be made: strongroom user add user\n"), "{}", advice());
    place.run(&["token", "init", "--label", "b"]).pins().succeeds();
    assert!(advice().contains("strongroom user add user --token slot=0\n"), "{}", advice());
}

#[test]
fn advice_is_given_once() {
    let place = Place::with_token();
    for entry in fs::read_dir(place.tokens().join("slot-0")).unwrap() {
        fs::write(entry.unwrap().path(), b"this is no database, and it is long enough to be looked at").unwrap();
    }
    let text = place.run(&["doctor"]).outcome().out;
    assert!(text.lines().all(|line| line.matches("from a backup").count() <= 1), "{text}");
    assert!(text.contains("from a backup"), "{text}");
}

#[test]
fn an_empty_place_is_ok() {
    let place = Place::new();
    let (code, answer) = examine(&place, &[], None);
    assert_eq!(code, 0, "{answer}");
    assert!(has(&answer, "ok", "does not exist yet"), "{answer}");
    assert!(!place.tokens().exists());
}

#[test]
fn settings_say_where_they_come_from() {
    let place = Place::new();
    place.configure("dir = \"/nonexistent/strongroom\"\npin_length_min = 8\nescrow = false\n");
    let outcome = place.run(&["doctor", "--json"]).without("STRONGROOM_DIR").outcome();
    let answer: Value = serde_json::from_str(&outcome.out).unwrap();
    for words in [
        "dir = /nonexistent/strongroom (the file)",
        "pin_length_min = 8 (the file)",
        "escrow = false (the file)",
        "store = sqlite (default)",
        "gcm_iv = caller (default)",
    ] {
        assert!(has(&answer, "ok", words), "{words}: {answer}");
    }
    let other = place.path("other");
    let (_, answer) = examine(&place, &["--dir", other.to_str().unwrap()], None);
    assert!(has(&answer, "ok", "(--dir)"), "{answer}");
}

#[test]
fn a_broken_configuration_is_an_error() {
    let place = Place::new();
    place.configure("kdf = 5\n");
    let (code, answer) = examine(&place, &[], None);
    assert_eq!(code, 1);
    assert!(has(&answer, "error", "strongroom.toml:1"), "{answer}");
    assert_eq!(answer["checks"][0]["advice"], "correct the file");
}

#[test]
fn a_configuration_that_is_not_there_is_not_to_be_corrected() {
    let place = Place::new();
    let absent = place.path("absent.toml");
    let (code, answer) = examine(&place, &["--conf", absent.to_str().unwrap()], None);
    assert_eq!(code, 1);
    assert!(has(&answer, "error", "absent.toml: cannot be read"), "{answer}");
    let advice = |answer: &Value| answer["checks"][0]["advice"].clone();
    assert_eq!(advice(&answer), "make that file, or leave --conf out; no configuration is needed");
    fs::remove_file(place.path("strongroom.toml")).unwrap();
    let (_, answer) = examine(&place, &[], None);
    assert_eq!(advice(&answer), "make that file, or unset STRONGROOM_CONF; no configuration is needed");
    fs::create_dir(place.path("strongroom.toml")).unwrap();
    let (_, answer) = examine(&place, &[], None);
    assert_eq!(advice(&answer), "let this user read the file");
}

#[test]
fn open_permissions_are_errors() {
    let place = Place::with_token();
    set_mode(&place.tokens(), 0o755);
    let database = place.tokens().join("slot-0/token.db");
    set_mode(&database, 0o640);
    set_mode(&place.path("strongroom.toml"), 0o666);
    let (code, answer) = examine(&place, &[], None);
    assert_eq!(code, 1, "{answer}");
    assert!(has(&answer, "error", "tokens is open to other users (mode 0755)"), "{answer}");
    assert!(has(&answer, "error", "token.db is open to other users (mode 0640)"), "{answer}");
    assert!(has(&answer, "warning", "can be changed by others (mode 0666)"), "{answer}");
    let advice: Vec<&str> =
        answer["checks"].as_array().unwrap().iter().filter_map(|check| check["advice"].as_str()).collect();
    assert!(advice.iter().any(|advice| advice.starts_with("chmod 700 ")), "{advice:?}");
}

#[test]
fn leftovers_are_pointed_out() {
    let place = Place::with_token();
    fs::create_dir(place.tokens().join(".new-0011223344556677")).unwrap();
    let (code, answer) = examine(&place, &[], None);
    assert_eq!(code, 0, "{answer}");
    assert!(has(&answer, "warning", "initialisation that did not finish"), "{answer}");
}

#[test]
fn a_token_without_user_or_with_a_locked_one_is_a_warning() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "t", "--no-user"]).pins().without("STRONGROOM_PIN").succeeds();
    let (_, answer) = examine(&place, &[], None);
    assert!(has(&answer, "warning", "there is no user yet"), "{answer}");
    place.run(&["user", "add", "user"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    for _ in 0..10 {
        place.run(&["key", "list"]).env("STRONGROOM_PIN", "wrong").refused(1, &[]);
    }
    let (_, answer) = examine(&place, &[], None);
    assert!(has(&answer, "warning", "\"user\" is locked"), "{answer}");
}

#[test]
fn a_wrong_pin_is_an_error_and_is_not_tried_on_several_tokens() {
    let place = Place::with_token();
    let (code, answer) = examine(&place, &[], Some(NEW_PIN));
    assert_eq!(code, 1, "{answer}");
    assert!(has(&answer, "error", "no login: \"user\": the PIN is wrong"), "{answer}");
    place.run(&["token", "init", "--label", "second"]).pins().succeeds();
    let (code, answer) = examine(&place, &[], Some(NEW_PIN));
    assert_eq!(code, 0, "{answer}");
    assert!(has(&answer, "warning", "the PIN was not tried"), "{answer}");
    let (code, answer) = examine(&place, &["--token", "second"], Some(PIN));
    assert_eq!(code, 0, "{answer}");
    assert!(!has(&answer, "ok", "token \"test\"") && has(&answer, "ok", "token \"second\""), "{answer}");
    place.run(&["doctor", "--token", "third"]).refused(1, &["no token \"third\""]);
}

#[test]
fn a_pin_that_may_be_several_users_is_not_tried_and_is_no_error() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "t", "--no-user"]).pins().without("STRONGROOM_PIN").succeeds();
    let (code, answer) = examine(&place, &[], Some(PIN));
    assert_eq!((code, answer["errors"].as_u64()), (0, Some(0)), "{answer}");
    assert!(has(&answer, "ok", "private objects were not checked: the token has no user yet"), "{answer}");
    for name in ["alice", "bob"] {
        place.run(&["user", "add", name]).pins().env("STRONGROOM_NEW_PIN", PIN).succeeds();
    }
    let (code, answer) = examine(&place, &[], Some(PIN));
    assert_eq!((code, answer["errors"].as_u64()), (0, Some(0)), "{answer}");
    let note = "private objects were not checked: give --user NAME and a PIN; the users are alice, bob";
    assert!(has(&answer, "ok", note), "{answer}");
    let (code, answer) = examine(&place, &["--user", "bob"], Some(PIN));
    assert!(code == 0 && has(&answer, "ok", "\"bob\" can log in"), "{answer}");
    let (code, answer) = examine(&place, &["--user", "nobody"], Some(PIN));
    assert!(code == 1 && has(&answer, "error", "no login: there is no user \"nobody\""), "{answer}");
}

#[test]
fn a_changed_token_is_an_error() {
    let place = Place::with_token();
    for label in ["one", "two"] {
        place.run(&["key", "generate", "--type", "aes", "--label", label, "--private", "false"]).pins().succeeds();
    }
    let mut faults = 0;
    for (record, words) in [("O", "object 1"), ("U", "user"), ("M", "the token")] {
        let copy = Place::new();
        copy_token(&place, &copy);
        flip_record(&copy, record);
        let (code, answer) = examine(&copy, &[], None);
        assert_eq!(code, 1, "{record}: {answer}");
        assert!(has(&answer, "error", words), "{record}: {answer}");
        faults += 1;
    }
    assert_eq!(faults, 3);
}

#[test]
fn a_file_that_is_no_database_is_an_error() {
    let place = Place::with_token();
    let database = place.tokens().join("slot-0/token.db");
    fs::write(&database, vec![7; 8192]).unwrap();
    let (code, answer) = examine(&place, &[], None);
    assert_eq!(code, 1, "{answer}");
    assert!(has(&answer, "error", "the token cannot be opened"), "{answer}");
}

fn copy_token(from: &Place, to: &Place) {
    let (from, to) = (from.tokens().join("slot-0"), to.tokens().join("slot-0"));
    fs::create_dir_all(&to).unwrap();
    for directory in [to.parent().unwrap(), &to] {
        set_mode(directory, 0o700);
    }
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Changes the last byte of the first record of this kind, through the store itself, so that the store stays whole.
fn flip_record(place: &Place, kind: &str) {
    use std::ops::ControlFlow;
    use strongroom_core::store::{SqliteStore, Store};
    let store = SqliteStore::open(&place.tokens().join("slot-0"), false).unwrap();
    let mut found = None;
    let scanned = store.scan(kind.as_bytes(), None, &mut |key, record| {
        found = Some((key.to_vec(), record.to_vec()));
        ControlFlow::Break(())
    });
    scanned.unwrap();
    let (key, mut record) = found.unwrap();
    // Of a user's record, the certificate lies in the middle; the other records end with a signature.
    let at = if kind == "U" { 12 } else { record.len() - 1 };
    record[at] ^= 1;
    store.transact(&mut |transaction| Ok(transaction.put(&key, &record)?)).unwrap();
}
