//! `strongroom token`.

use std::fs;

use super::place::{NEW_PIN, PIN, Place, SO_PIN, set_mode};

#[test]
fn init_makes_a_token_with_officer_and_user() {
    let place = Place::new();
    let out = place.run(&["token", "init", "--label", "first"]).pins().succeeds();
    assert!(out.contains("\"first\" in slot 0, serial "), "{out}");
    assert!(out.contains("TEST TOKEN: its PINs are cheap to guess"), "{out}");
    let token = place.run(&["token", "show"]).json()["token"].clone();
    assert_eq!(token["label"], "first");
    assert_eq!(token["slot"], 0);
    assert_eq!(token["serial"].as_str().unwrap().len(), 16);
    assert_eq!(token["policy"], "standard");
    assert_eq!(token["model"], "Strongroom test");
    assert_eq!((token["test"].clone(), token["escrow"].clone()), (true.into(), true.into()));
    assert_eq!(token["objects"], 0);
    let users = token["users"].as_array().unwrap();
    assert_eq!((users[0]["name"].as_str(), users[0]["role"].as_str()), (Some("so"), Some("officer")));
    assert_eq!((users[1]["name"].as_str(), users[1]["role"].as_str()), (Some("user"), Some("user")));
    assert_eq!(users[1]["escrowed"], true);
}

#[test]
fn init_takes_choices() {
    let place = Place::new();
    let arguments = ["token", "init", "--label", "strict", "--user", "Alice", "--policy", "strict", "--kdf", "default"];
    let made = place.run(&[&arguments[..], &["--no-escrow"]].concat()).pins().json()["token"].clone();
    assert_eq!(
        (made["policy"].as_str(), made["test"].as_bool(), made["escrow"].as_bool()),
        (Some("strict"), Some(false), Some(false),)
    );
    assert_eq!(made["users"][1]["name"], "alice");
    assert_eq!(made["users"][1]["escrowed"], false);
    let empty = place.run(&["token", "init", "--label", "empty", "--no-user"]).env("STRONGROOM_SO_PIN", SO_PIN).json();
    assert_eq!(empty["token"]["users"].as_array().unwrap().len(), 1);
    assert_eq!(empty["token"]["slot"], 1);
    place.run(&["key", "list", "--token", "empty"]).pins().refused(1, &["no user yet", "strongroom user add user"]);
}

#[test]
fn init_refuses_what_cannot_be() {
    let place = Place::new();
    place.run(&["token", "init"]).refused(2, &["--label"]);
    place.run(&["token", "init", "--label", ""]).pins().refused(2, &["label", "empty"]);
    let long = "x".repeat(33);
    place.run(&["token", "init", "--label", &long]).pins().refused(2, &["33 bytes, 32 are allowed"]);
    place.run(&["token", "init", "--label", "a\u{7}b"]).pins().refused(2, &["control characters"]);
    place.run(&["token", "init", "--label", "a", "--policy", "lax"]).refused(2, &["lax", "standard, strict, fips"]);
    place.run(&["token", "init", "--label", "a", "--kdf", "weak"]).refused(2, &["weak", "default, strong, test"]);
    place.run(&["token", "init", "--label", "a", "--user", "a b"]).pins().refused(2, &["\"a b\"", "letters"]);
    place.run(&["token", "init", "--label", "a", "--user", "so"]).pins().refused(2, &["officer's name"]);
    place.run(&["token", "init", "--label", "a", "--no-user", "--user", "b"]).refused(2, &["--no-user"]);
    place.run(&["token", "init", "--label", "a", "--token", "0"]).pins().refused(2, &["--token", "--label"]);
    let short =
        place.run(&["token", "init", "--label", "a"]).env("STRONGROOM_SO_PIN", "123").env("STRONGROOM_PIN", PIN);
    short.refused(1, &["new PIN of the officer", "3 bytes, 4 to 255"]);
    let short =
        place.run(&["token", "init", "--label", "a"]).env("STRONGROOM_SO_PIN", SO_PIN).env("STRONGROOM_PIN", "1");
    let message = short.refused_json(1, "CKR_PIN_LEN_RANGE");
    assert!(message.contains("new PIN of user \"user\""), "{message}");
    assert!(!place.tokens().exists(), "a refused initialisation leaves nothing");
}

#[test]
fn a_label_is_given_twice_only_by_force() {
    let place = Place::with_token();
    place.run(&["token", "init", "--label", "test"]).pins().refused(1, &["slot 0", "\"test\"", "--force"]);
    let forced = place.run(&["token", "init", "--label", "test", "--force"]).pins().outcome();
    assert_eq!(forced.code, 0, "{forced:?}");
    assert!(forced.err.starts_with("strongroom: warning: "), "{forced:?}");
    place.run(&["token", "show", "--token", "test"]).refused(1, &["several tokens", "slot 0", "slot 1", "slot=N"]);
}

#[test]
fn a_token_is_found_by_label_slot_and_serial() {
    let place = Place::with_token();
    place.run(&["token", "init", "--label", "0"]).pins().succeeds();
    place.run(&["token", "show"]).refused(1, &["2 tokens", "--token", "\"test\" (slot 0", "\"0\" (slot 1"]);
    let slot = |wanted: &str| place.run(&["token", "show", "--token", wanted]).json()["token"]["slot"].clone();
    assert_eq!(slot("test"), 0);
    assert_eq!(slot("1"), 1);
    assert_eq!(slot("slot=0"), 0);
    assert_eq!(slot("label=0"), 1);
    let serial = place.run(&["token", "show", "--token", "test"]).json()["token"]["serial"].clone();
    assert_eq!(slot(serial.as_str().unwrap()), 0);
    assert_eq!(slot(&format!("serial={}", serial.as_str().unwrap().to_uppercase())), 0);
    place.run(&["token", "show", "--token", "0"]).refused(1, &["several tokens are \"0\""]);
    place.run(&["token", "show", "--token", "absent"]).refused(1, &["no token \"absent\"", "\"test\" (slot 0"]);
    place.run(&["token", "show", "--token", "slot=7"]).refused_json(1, "CKR_SLOT_ID_INVALID");
}

#[test]
fn a_token_where_others_can_look_is_warned_of() {
    let place = Place::new();
    fs::create_dir(place.tokens()).unwrap();
    set_mode(&place.tokens(), 0o750);
    let made = place.run(&["token", "init", "--label", "t"]).pins().outcome();
    let words =
        format!("strongroom: warning: {} is open to other users (mode 0750); chmod 700 ", place.tokens().display());
    assert!(made.code == 0 && made.err.starts_with(&words), "{made:?}");
    set_mode(&place.tokens(), 0o700);
    let made = place.run(&["token", "init", "--label", "u"]).pins().outcome();
    assert_eq!((made.code, made.err.as_str()), (0, ""));
}

#[test]
fn without_tokens_commands_say_how_to_make_one() {
    let place = Place::new();
    place.run(&["token", "show"]).refused(1, &["no token in", "strongroom token init --label NAME"]);
    place.run(&["key", "list"]).pins().refused_json(1, "CKR_TOKEN_NOT_PRESENT");
    place.run(&["user", "list"]).refused(1, &["no token in"]);
    let listed = place.run(&["token", "list"]).json();
    assert_eq!((listed["tokens"].as_array().unwrap().len(), listed["free_slot"].as_u64()), (0, Some(0)));
    place.configure("store = \"memory\"\nkdf = \"test\"\n");
    place.run(&["token", "init", "--label", "a"]).pins().refused(1, &["store = \"memory\""]);
    let words = "with store = \"memory\" each process has tokens of its own, which no other sees";
    place.run(&["token", "show"]).refused(1, &[words]);
    let out = place.run(&["token", "list"]).succeeds();
    assert!(out.starts_with("There is no token: ") && out.contains(words) && !out.contains("token init"), "{out}");
}

#[test]
fn one_pin_for_two_is_warned_of() {
    let place = Place::new();
    let run =
        |arguments: &[&str]| place.run(arguments).env("STRONGROOM_SO_PIN", PIN).env("STRONGROOM_PIN", PIN).outcome();
    let warning = "strongroom: warning: the officer and the user get the same PIN";
    let made = run(&["token", "init", "--label", "a"]);
    assert!(made.code == 0 && made.err.starts_with(warning), "{made:?}");
    let reset = run(&["token", "reset", "--yes"]);
    assert!(reset.code == 0 && reset.err.starts_with(warning), "{reset:?}");
    let other = place.run(&["token", "init", "--label", "b"]).pins().outcome();
    assert_eq!((other.code, other.err.as_str()), (0, ""));
    assert_eq!(run(&["token", "init", "--label", "c", "--no-user"]).err, "");
}

#[test]
fn a_directory_that_cannot_be_made_is_said_as_such() {
    let place = Place::new();
    // Nobody makes directories there, not even root.
    let words = ["/sys/strongroom cannot be created: ", "; choose another with --dir or STRONGROOM_DIR"];
    let told = place.run(&["--dir", "/sys/strongroom", "token", "init", "--label", "a"]).pins().refused(1, &words);
    assert!(told.starts_with("strongroom: /sys/strongroom cannot"), "{told}");
}

#[test]
fn list_shows_every_token_and_the_test_mark() {
    let place = Place::with_token();
    place.run(&["token", "init", "--label", "real", "--kdf", "default", "--policy", "fips"]).pins().succeeds();
    let out = place.run(&["token", "list"]).succeeds();
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("SLOT  LABEL  SERIAL"), "{out}");
    assert!(lines[1].contains("test") && lines[1].contains("TEST TOKEN"), "{out}");
    assert!(lines[2].contains("real") && lines[2].contains("fips") && !lines[2].contains("TEST"), "{out}");
    assert!(lines[3].starts_with("TEST TOKEN: its PINs are cheap to guess"), "{out}");
    let json = place.run(&["token", "list"]).json();
    assert_eq!((json["tokens"][0]["test"].as_bool(), json["tokens"][1]["test"].as_bool()), (Some(true), Some(false)));
    assert_eq!(json["free_slot"], 2);
}

#[test]
fn labels_cannot_write_to_the_terminal() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "a\u{202e}b"]).pins().succeeds();
    let out = place.run(&["token", "list"]).succeeds();
    assert!(out.contains("a\\u{202e}b") && !out.contains('\u{202e}'), "{out}");
}

#[test]
fn delete_wants_the_officers_pin_and_the_label() {
    let place = Place::with_token();
    place.run(&["token", "delete"]).pins().refused(2, &["--yes", "\"test\""]);
    place.run(&["token", "delete", "--yes"]).refused(1, &["STRONGROOM_SO_PIN", "--so-pin-file"]);
    let wrong = place.run(&["token", "delete", "--yes"]).env("STRONGROOM_SO_PIN", NEW_PIN);
    wrong.refused(1, &["\"so\"", "the PIN is wrong", "9 attempts left"]);
    assert_eq!(place.run(&["token", "list"]).json()["tokens"].as_array().unwrap().len(), 1);
    let gone = place.run(&["token", "delete", "--yes"]).pins().json();
    assert_eq!(gone["deleted"]["label"], "test");
    assert_eq!(place.run(&["token", "list"]).json()["tokens"].as_array().unwrap().len(), 0);
    let again = place.run(&["token", "init", "--label", "test"]).pins().json();
    assert_eq!(again["token"]["slot"], 1, "a slot number is not given twice");
}

#[test]
fn delete_asks_at_the_terminal() {
    let place = Place::with_token();
    let question = "Type its label to go on:";
    let slip = place.at_terminal(&["token", "delete", "--without-pin"], &[(question, "tset\n")]);
    assert_eq!(slip.code, 1, "{slip:?}");
    assert!(slip.out.contains("that is not the label; nothing was deleted"), "{slip:?}");
    let dialogue = [(question, "test\n"), ("PIN of officer \"so\":", &format!("{SO_PIN}\n"))];
    let done = place.at_terminal(&["token", "delete"], &dialogue);
    done.tells_no_pin();
    assert_eq!(done.code, 0, "{done:?}");
    assert!(done.out.contains("Deleted token \"test\" of slot 0"), "{done:?}");
}

#[test]
fn a_damaged_token_is_listed_and_can_be_deleted() {
    let place = Place::with_token();
    place.run(&["token", "init", "--label", "sound"]).pins().succeeds();
    let slot = place.tokens().join("slot-0");
    for entry in fs::read_dir(&slot).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "db") {
            fs::write(&path, b"this is no database").unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
    let listed = place.run(&["token", "list"]).outcome();
    assert_eq!(listed.code, 1, "{listed:?}");
    assert!(listed.out.contains("(unreadable)") && listed.out.contains("sound"), "{listed:?}");
    place.run(&["token", "show", "--token", "slot=0"]).refused(1, &["token in slot 0"]);
    place.run(&["token", "delete", "--token", "slot=0", "--yes"]).pins().refused(1, &["--without-pin"]);
    let gone = place.run(&["token", "delete", "--token", "slot=0", "--yes", "--without-pin"]).json();
    assert_eq!(gone["deleted"]["slot"], 0);
    assert_eq!(place.run(&["token", "show"]).json()["token"]["label"], "sound");
}

#[test]
fn reset_empties_a_token_where_it_is() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "test", "--kdf", "test", "--policy", "strict"]).pins().succeeds();
    place.run(&["key", "generate", "--label", "k", "--type", "aes"]).pins().succeeds();
    let before = place.run(&["token", "show"]).json()["token"].clone();
    place.run(&["token", "reset"]).pins().refused(2, &["--yes resets", "\"test\""]);
    let wrong =
        place.run(&["token", "reset", "--yes"]).env("STRONGROOM_SO_PIN", NEW_PIN).env("STRONGROOM_PIN", NEW_PIN);
    wrong.refused(1, &["\"so\"", "the PIN is wrong", "9 attempts left"]);
    let refused = place.run(&["token", "show"]).json()["token"].clone();
    assert_eq!((&refused["serial"], &refused["objects"]), (&before["serial"], &before["objects"]));
    let after = place.run(&["token", "reset", "--yes"]).pins().json()["token"].clone();
    for same in ["slot", "label", "policy", "test"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_ne!(after["serial"], before["serial"]);
    assert_eq!(after["objects"], 0);
    place.run(&["key", "generate", "--label", "k", "--type", "aes"]).pins().succeeds();
    let bare = place.run(&["token", "reset", "--yes", "--label", "bare", "--no-user"]).pins().json();
    assert_eq!((&bare["token"]["label"], bare["token"]["users"].as_array().unwrap().len()), (&"bare".into(), 1));
}

#[test]
fn of_eight_with_one_label_one_is_made() {
    let place = Place::new();
    let made = std::thread::scope(|scope| {
        let init = || place.run(&["token", "init", "--label", "same"]).pins().outcome().code;
        let all: Vec<_> = (0..8).map(|_| scope.spawn(init)).collect();
        all.into_iter().map(|one| one.join().unwrap()).filter(|code| *code == 0).count()
    });
    assert_eq!(made, 1);
    assert_eq!(place.run(&["token", "list"]).json()["tokens"].as_array().unwrap().len(), 1);
}

#[test]
fn eight_at_once_make_eight_tokens() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let place = &place;
            scope.spawn(move || {
                place.run(&["token", "init", "--label", &format!("t{number}")]).pins().succeeds();
            });
        }
    });
    let listed = place.run(&["token", "list"]).json();
    let mut labels: Vec<String> =
        listed["tokens"].as_array().unwrap().iter().map(|token| token["label"].as_str().unwrap().to_owned()).collect();
    labels.sort();
    assert_eq!(labels, (0..8).map(|number| format!("t{number}")).collect::<Vec<_>>());
}
