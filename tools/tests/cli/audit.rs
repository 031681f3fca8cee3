//! `strongroom audit`.

use std::ops::ControlFlow;
use std::process;

use serde_json::Value;
use strongroom_core::store::{SqliteStore, Store};

use super::place::{NEW_PIN, PIN, Place, SO_PIN};

/// A token with a user who was deleted and keys that were.
fn place() -> Place {
    let place = Place::with_token();
    place.run(&["key", "generate", "--type", "aes", "--label", "first"]).pins().succeeds();
    place.run(&["key", "generate", "--type", "ec", "--curve", "P-256", "--label", "second"]).pins().succeeds();
    place.run(&["key", "delete", "first", "--yes"]).pins().succeeds();
    place.run(&["user", "add", "bob"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    assert_eq!(place.run(&["key", "list", "--user", "bob"]).env("STRONGROOM_PIN", "wrong").outcome().code, 1);
    place.run(&["user", "delete", "bob", "--yes"]).pins().succeeds();
    place
}

fn entries(place: &Place, options: &[&str]) -> Vec<Value> {
    let shown = place.run(&[&["audit", "show"], options].concat()).json();
    shown["entries"].as_array().unwrap().clone()
}

fn events(place: &Place, options: &[&str]) -> Vec<String> {
    entries(place, options).iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
}

/// Opens the store of the token, as an editor of the files would.
fn edit(place: &Place, edit: &mut dyn FnMut(&mut dyn strongroom_core::store::Transaction)) {
    let store = SqliteStore::open(&place.tokens().join("slot-0"), false).unwrap();
    let edited = store.transact(&mut |transaction| {
        edit(transaction);
        Ok(())
    });
    edited.unwrap();
}

const ALL: [&str; 9] = [
    "token-initialised",
    "user-made",
    "object-generated",
    "object-generated",
    "object-generated",
    "object-destroyed",
    "user-made",
    "pin-wrong",
    "user-deleted",
];

#[test]
fn show_lists_what_happened() {
    let place = place();
    assert_eq!(events(&place, &[]), ALL);
    let all = entries(&place, &[]);
    assert_eq!(all[2]["mechanism"], "CKM_AES_KEY_GEN");
    assert_eq!((all[2]["user"]["name"].as_str(), all[2]["role"].as_str()), (Some("user"), Some("user")));
    assert_eq!((all[0]["user"]["name"].as_str(), all[0]["role"].as_str()), (Some("so"), Some("officer")));
    assert_eq!((all[7]["user"].clone(), all[7]["result"].as_str()), (Value::Null, Some("CKR_PIN_INCORRECT")));
    assert_eq!((all[8]["with_user"]["name"].as_str(), all[8]["with_user"]["id"].as_u64()), (Some("bob"), Some(3)));
    assert!(all[0]["time"].as_str().unwrap().ends_with('Z'));
    assert!(all.iter().all(|entry| entry["process"].as_u64().unwrap() != u64::from(process::id())));
    let text = place.run(&["audit", "show"]).succeeds();
    assert!(text.starts_with("ENTRY  TIME (UTC)           USER  EVENT"), "{text}");
    assert_eq!(text.lines().count(), 10, "{text}");
    assert!(!text.contains("first") && !text.contains("second"), "labels are nobody's business: {text}");
}

#[test]
fn show_names_whom_an_event_is_about_even_where_the_entry_does_not() {
    let place = Place::with_token();
    place.run(&["key", "generate", "--type", "aes", "--label", "orders"]).pins().succeeds();
    place.run(&["user", "add", "bob"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    for (command, event) in [("share", "key-shared"), ("unshare", "key-unshared")] {
        place.run(&["key", command, "orders", "--with", "bob", "--user", "user"]).pins().succeeds();
        let about = |options: &[&str]| {
            let last = entries(&place, &[&["--last", "1"], options].concat()).remove(0);
            assert_eq!(last["event"], event);
            (last["with_user"]["id"].as_u64(), last["with_user"]["name"].as_str().map(str::to_owned))
        };
        assert_eq!(about(&[]), (Some(3), Some("bob".to_owned())));
        assert_eq!(about(&["--user", "bob"]), (Some(3), Some("bob".to_owned())));
        let text = place.run(&["audit", "show", "--last", "1"]).succeeds();
        assert!(text.contains("  user 3 (bob)  "), "{text}");
    }
    // Who is gone keeps the name that the log has.
    place.run(&["user", "delete", "bob", "--yes"]).pins().succeeds();
    let text = place.run(&["audit", "show"]).succeeds();
    let shared = text.lines().find(|line| line.contains("key-shared")).unwrap();
    assert!(shared.contains("  user 3 (bob)  "), "{text}");
}

#[test]
fn show_filters() {
    let place = place();
    assert_eq!(events(&place, &["--last", "2"]), ALL[7..]);
    assert_eq!(events(&place, &["--last", "0"]), [""; 0]);
    assert_eq!(events(&place, &["--user", "BOB"]), ["user-made", "pin-wrong", "user-deleted"]);
    assert_eq!(events(&place, &["--user", "3", "--last", "1"]), ["user-deleted"]);
    assert_eq!(events(&place, &["--object", "1"]), ["object-generated", "object-destroyed"]);
    assert_eq!(events(&place, &["--since", "1h"]), ALL);
    assert_eq!(events(&place, &["--since", "2020-01-01"]), ALL);
    assert_eq!(events(&place, &["--since", "2999-01-01T00:00"]), [""; 0]);
    place.run(&["audit", "show", "--user", "ghost"]).refused(1, &["no user \"ghost\"", "audit log"]);
    place.run(&["audit", "show", "--since", "soon"]).refused(2, &["soon", "2025-01-31", "7d"]);
    place.run(&["audit", "show", "--object", "x"]).refused(2, &["whole number"]);
}

#[test]
fn verify_vouches_for_a_log_that_is_whole() {
    let place = place();
    let text = place.run(&["audit", "verify"]).pins().succeeds();
    assert!(text.starts_with("The audit log is whole: 9 entries"), "{text}");
    assert!(text.contains("--expect"), "{text}");
    assert!(
        text.contains("This is about the log alone; keys and users are checked by 'strongroom doctor'.\n"),
        "{text}"
    );
    let json = place.run(&["audit", "verify"]).pins().json();
    assert_eq!((json["whole"].as_bool(), json["with_pin"].as_bool()), (Some(true), Some(true)));
    let last = json["last"].as_str().unwrap();
    assert!(text.contains(&format!("Last entry: {last}\n")), "{text}");
    place.run(&["audit", "verify", "--expect", last]).pins().succeeds();
    // What was noted stays true while the log goes on.
    place.run(&["key", "generate", "--type", "aes"]).pins().succeeds();
    place.run(&["audit", "verify", "--expect", last]).pins().succeeds();
    let text = place.run(&["audit", "verify", "--without-pin"]).succeeds();
    assert!(text.contains("10 entries") && text.contains("but not somebody who changed the log"), "{text}");
    place.run(&["audit", "verify", "--expect", "9"]).pins().refused(2, &["SEQUENCE:HASH"]);
    place.run(&["audit", "verify", "--without-pin", "--so-pin-fd", "0"]).refused(2, &["--without-pin"]);
    let wrong = place.run(&["audit", "verify"]).env("STRONGROOM_SO_PIN", PIN);
    assert!(wrong.refused_json(1, "CKR_PIN_INCORRECT").contains("9 attempts left"));
}

#[test]
fn verify_finds_what_was_touched_and_where() {
    let place = place();
    let mut fourth = Vec::new();
    edit(&place, &mut |transaction| {
        let key = [&b"A"[..], &4u64.to_be_bytes()].concat();
        fourth = transaction.get(&key).unwrap().unwrap();
        let mut changed = fourth.clone();
        // Somebody else is to have done it.
        changed[19] ^= 1;
        transaction.put(&key, &changed).unwrap();
    });
    let outcome = place.run(&["audit", "verify"]).pins().outcome();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.out.contains("is not as it was written:\n  at 4: the entry is not"), "{outcome:?}");
    let json = place.run(&["audit", "verify", "--json"]).pins().outcome();
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json["whole"].as_bool(), json["problems"][0]["sequence"].as_u64()), (Some(false), Some(4)));
    assert_eq!(place.run(&["audit", "verify", "--without-pin"]).outcome().code, 1);
    let doctor = place.run(&["doctor"]).outcome();
    assert!(doctor.code == 1 && doctor.out.contains("the audit log, at entry 5"), "{doctor:?}");
    // An entry that nobody can read.
    edit(&place, &mut |transaction| transaction.put(&[&b"A"[..], &4u64.to_be_bytes()].concat(), b"").unwrap());
    let shown = place.run(&["audit", "show"]).outcome();
    assert_eq!((shown.code, shown.out.lines().count()), (0, 9), "{shown:?}");
    assert!(shown.err.contains("1 entry cannot be read, the first is 4"), "{shown:?}");
}

#[test]
fn a_damaged_user_is_named() {
    for (at, words) in [
        // A letter of the name, which the certificate covers.
        (12, "the record of user 2 (\"us%r\") was changed"),
        // The format.
        (0, "the record of user 2 cannot be read: "),
    ] {
        let place = Place::with_token();
        edit(&place, &mut |transaction| {
            let key = strongroom_core::token::layout::user(strongroom_core::object::UserId(2));
            let mut record = transaction.get(&key).unwrap().unwrap();
            record[at] ^= 0x40;
            transaction.put(&key, &record).unwrap();
        });
        let advice = "'strongroom doctor' says more; --without-pin checks the chain";
        place.run(&["audit", "verify"]).pins().refused(1, &[words, advice]);
        assert!(place.run(&["audit", "verify", "--without-pin"]).succeeds().contains("fits: 2 entries"));
        let doctor = place.run(&["doctor"]).outcome();
        assert!(doctor.code == 1 && doctor.out.contains(words), "{doctor:?}");
    }
}

#[test]
fn an_older_copy_is_found_with_a_noted_entry() {
    let place = place();
    let copy = place.path("copy");
    let slot = place.tokens().join("slot-0");
    std::fs::create_dir(&copy).unwrap();
    for file in ["token.db", "token.db-wal"] {
        let _ = std::fs::copy(slot.join(file), copy.join(file));
    }
    place.run(&["key", "generate", "--type", "aes"]).pins().succeeds();
    let last = place.run(&["audit", "verify"]).pins().json()["last"].as_str().unwrap().to_owned();
    std::fs::remove_dir_all(&slot).unwrap();
    std::fs::rename(&copy, &slot).unwrap();
    place.run(&["audit", "verify"]).pins().succeeds();
    let outcome = place.run(&["audit", "verify", "--expect", &last]).pins().outcome();
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.out.contains("older copy"), "{outcome:?}");
}

#[test]
fn the_configuration_says_how_much_is_logged() {
    let place = Place::with_token();
    place.configure("kdf = \"test\"\naudit = \"use\"\n");
    place.run(&["key", "list"]).pins().succeeds();
    assert_eq!(events(&place, &["--last", "1"]), ["logged-in"]);
    place.run(&["audit", "verify", "--officer", "so"]).env("STRONGROOM_SO_PIN", SO_PIN).succeeds();
    place.configure("audit = \"all\"\n");
    place.run(&["audit", "show"]).refused(1, &["audit: \"all\" is not one of management, logins, use"]);
}

/// The store holds no more of the log than the documents say: entries, and one head.
#[test]
fn the_log_is_entries_and_a_head() {
    let place = place();
    let store = SqliteStore::open(&place.tokens().join("slot-0"), true).unwrap();
    let mut lengths = Vec::new();
    let all = store.scan(b"A", None, &mut |key, record| {
        lengths.push((key.len(), record.len()));
        ControlFlow::Continue(())
    });
    all.unwrap();
    assert_eq!(lengths.len(), 10);
    assert_eq!(lengths[9], (2, 73));
    assert!(lengths[..9].iter().all(|(key, record)| *key == 9 && (132..140).contains(record)), "{lengths:?}");
}
