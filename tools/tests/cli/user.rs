//! `strongroom user`.

use serde_json::Value;

use super::place::{NEW_PIN, PIN, Place, SO_PIN};

fn user(place: &Place, name: &str) -> Value {
    let listed = place.run(&["user", "list"]).json();
    let users = listed["users"].as_array().unwrap();
    users.iter().find(|user| user["name"] == name).cloned().unwrap_or(Value::Null)
}

/// The exit code of a login of the user with this PIN.
fn login(place: &Place, name: &str, pin: &str) -> i32 {
    place.run(&["key", "list", "--user", name]).env("STRONGROOM_PIN", pin).outcome().code
}

#[test]
fn add_makes_users_of_both_roles() {
    let place = Place::with_token();
    let made = place.run(&["user", "add", "Alice"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).json();
    assert_eq!((made["user"]["id"].as_u64(), made["user"]["name"].as_str()), (Some(3), Some("alice")));
    assert_eq!(made["user"]["escrowed"], true);
    assert_eq!(login(&place, "alice", NEW_PIN), 0);
    assert_eq!(login(&place, "ALICE", NEW_PIN), 0);
    let made = place.run(&["user", "add", "deputy", "--role", "officer"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    assert_eq!(made.json()["user"]["role"], "officer");
    let by_deputy = place.run(&["user", "add", "bob", "--officer", "deputy"]);
    by_deputy.env("STRONGROOM_SO_PIN", NEW_PIN).env("STRONGROOM_NEW_PIN", PIN).succeeds();
    assert_eq!(login(&place, "bob", PIN), 0);
    let text = place.run(&["user", "list"]).succeeds();
    assert!(text.starts_with("ID  NAME    ROLE     WRONG PINS  LOCKED  ESCROW\n"), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[test]
fn add_refuses_what_cannot_be() {
    let place = Place::with_token();
    let add = |name: &str| place.run(&["user", "add", name]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    add("user").refused(1, &["there is a user \"user\" already"]);
    add("a b").refused(2, &["\"a b\"", "letters, digits"]);
    add(&"x".repeat(32)).refused(2, &["1 to 31"]);
    place.run(&["user", "add"]).refused(2, &["<NAME>"]);
    place.run(&["user", "add", "x", "--role", "king"]).refused(2, &["king", "user, officer"]);
    let wrong = place.run(&["user", "add", "x"]).env("STRONGROOM_SO_PIN", PIN).env("STRONGROOM_NEW_PIN", NEW_PIN);
    assert!(wrong.refused_json(1, "CKR_PIN_INCORRECT").contains("9 attempts left"));
    add("x").env("STRONGROOM_NEW_PIN", "abc").refused(1, &["new PIN of user \"x\"", "3 bytes"]);
    add("x").env("STRONGROOM_NEW_PIN", "a\u{1}bcd").refused(1, &["control characters"]);
    let nobody = place.run(&["user", "add", "x", "--officer", "user"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    nobody.refused(1, &["no officer \"user\"", "there are: so"]);
    place.run(&["user", "add", "x"]).pins().refused(1, &["--new-pin-file", "STRONGROOM_NEW_PIN"]);
    assert_eq!(user(&place, "x"), Value::Null);
}

#[test]
fn set_pin_changes_ones_own() {
    let place = Place::with_token();
    place.run(&["key", "generate", "--type", "aes", "--label", "kept"]).pins().succeeds();
    place.run(&["user", "set-pin"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    assert_eq!(login(&place, "user", PIN), 1);
    let listed = place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).json();
    assert_eq!(listed["keys"][0]["label"], "kept");
    let officer = place.run(&["user", "set-pin", "so"]).env("STRONGROOM_SO_PIN", SO_PIN);
    officer.env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["user", "unlock", "user"]).env("STRONGROOM_SO_PIN", NEW_PIN).succeeds();
}

#[test]
fn set_pin_refuses_a_wrong_old_one() {
    let place = Place::with_token();
    let set = |old: &str| place.run(&["user", "set-pin"]).env("STRONGROOM_PIN", old).env("STRONGROOM_NEW_PIN", NEW_PIN);
    set("wrong").refused(1, &["\"user\"", "the PIN is wrong", "9 attempts left"]);
    assert_eq!(set("wrong").refused_json(1, "CKR_PIN_INCORRECT").matches("8 attempts").count(), 1);
    assert_eq!(user(&place, "user")["wrong_pins"], 2);
    set(PIN).env("STRONGROOM_NEW_PIN", "x").refused(1, &["1 bytes"]);
    assert_eq!(login(&place, "user", PIN), 0);
    assert_eq!(user(&place, "user")["wrong_pins"], 0);
    let nobody = place.run(&["user", "set-pin", "nobody"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    nobody.refused(1, &["no user \"nobody\"", "so, user"]);
    place.run(&["user", "set-pin", "--reset", "--pin-fd", "0"]).refused(2, &["--reset"]);
}

#[test]
fn the_officer_resets_a_pin_and_the_keys_stay() {
    let place = Place::with_token();
    place.run(&["key", "generate", "--type", "aes", "--label", "kept"]).pins().succeeds();
    let reset = place.run(&["user", "set-pin", "user", "--reset"]).env("STRONGROOM_SO_PIN", SO_PIN);
    let out = reset.env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    assert!(out.contains("is reset"), "{out}");
    let listed = place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).json();
    assert_eq!(listed["keys"][0]["label"], "kept");
    // Officers' keys are in escrow too: another officer, or this one, resets the PIN.
    place.run(&["user", "add", "deputy", "--role", "officer"]).pins().env("STRONGROOM_NEW_PIN", PIN).succeeds();
    let officer = place.run(&["user", "set-pin", "so", "--reset", "--officer", "deputy"]);
    officer.env("STRONGROOM_SO_PIN", PIN).env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["user", "unlock", "user"]).env("STRONGROOM_SO_PIN", NEW_PIN).succeeds();
}

#[test]
fn without_escrow_there_is_no_reset() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "t", "--no-escrow"]).pins().succeeds();
    let reset = place.run(&["user", "set-pin", "user", "--reset"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    assert!(reset.refused_json(1, "CKR_ACTION_PROHIBITED").contains("not in escrow"));
}

#[test]
fn ten_wrong_pins_lock_and_the_officer_unlocks() {
    let place = Place::with_token();
    for left in (1..10).rev() {
        let wrong = place.run(&["key", "list"]).env("STRONGROOM_PIN", "wrong");
        wrong.refused(1, &["the PIN is wrong", &format!("{left} attempt")]);
    }
    let last = place.run(&["key", "list"]).env("STRONGROOM_PIN", "wrong");
    last.refused(1, &["the PIN is wrong; the user is now locked", "strongroom user unlock user"]);
    let how = "an officer unlocks the user: 'strongroom user unlock user' leaves the PIN as it is, 'strongroom user set-pin \
               user --reset' sets a new one";
    let locked = place.run(&["key", "list"]).pins().refused(1, &["locked", how]);
    assert!(!locked.contains("attempts left"), "{locked}");
    place.run(&["key", "list"]).pins().refused_json(1, "CKR_PIN_LOCKED");
    assert_eq!(
        (user(&place, "user")["locked"].as_bool(), user(&place, "user")["wrong_pins"].as_u64()),
        (Some(true), Some(10))
    );
    let out = place.run(&["token", "list"]).succeeds();
    assert!(out.contains("\"user\" is locked"), "{out}");
    let flags = place.run(&["token", "show"]).json()["token"]["flags"].clone();
    assert!(flags.as_array().unwrap().contains(&"user_pin_locked".into()), "{flags}");
    let out = place.run(&["user", "unlock", "user"]).pins().succeeds();
    assert!(out.contains("is unlocked"), "{out}");
    assert_eq!(login(&place, "user", PIN), 0);
    let again = place.run(&["user", "unlock", "user"]).pins().succeeds();
    assert!(again.contains("was not locked"), "{again}");
    place.run(&["user", "unlock", "ghost"]).pins().refused(1, &["no user \"ghost\""]);
    place.run(&["user", "unlock"]).refused(2, &["<NAME>"]);
}

#[test]
fn an_unlocking_of_nothing_leaves_no_entry() {
    let place = Place::with_token();
    let unlock = || place.run(&["user", "unlock", "user"]).pins().succeeds();
    let entries = || place.run(&["audit", "show"]).succeeds().matches("user-unlocked").count();
    assert!(unlock().contains("was not locked"));
    assert_eq!(entries(), 0);
    assert_eq!(login(&place, "user", "wrong"), 1);
    assert!(unlock().contains("was not locked"), "one of ten");
    assert_eq!((entries(), user(&place, "user")["wrong_pins"].as_u64()), (1, Some(0)));
}

#[test]
fn an_officer_who_is_locked_needs_another_one() {
    let place = Place::with_token();
    let lock = |officer: &str| {
        let unlock = || place.run(&["user", "unlock", "user", "--officer", officer]).env("STRONGROOM_SO_PIN", "wrong");
        for _ in 0..9 {
            assert_eq!(unlock().outcome().code, 1);
        }
        unlock().refused(1, &["the PIN is wrong; the officer is now locked"])
    };
    place.run(&["user", "add", "deputy", "--role", "officer"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    let told = lock("so");
    assert!(
        told.contains(
            "another officer can unlock this one: 'strongroom user unlock so --officer deputy' leaves the PIN"
        ),
        "{told}"
    );
    let unlock = place.run(&["user", "unlock", "so", "--officer", "deputy"]).env("STRONGROOM_SO_PIN", NEW_PIN);
    unlock.succeeds();
    // The other way of those that are told.
    assert!(lock("so").contains("'strongroom user set-pin so --officer deputy --reset' sets a new one"));
    let reset = place.run(&["user", "set-pin", "so", "--officer", "deputy", "--reset"]);
    reset.env("STRONGROOM_SO_PIN", NEW_PIN).env("STRONGROOM_NEW_PIN", SO_PIN).succeeds();
    place.run(&["user", "delete", "deputy", "--yes"]).pins().succeeds();
    let told = lock("so");
    assert!(told.contains("there is no other officer who could unlock this one"), "{told}");
}

#[test]
fn delete_spares_who_owns_something() {
    let place = Place::with_token();
    place.run(&["user", "add", "bob"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    let key = ["key", "generate", "--type", "aes", "--label", "k", "--user", "bob"];
    place.run(&key).env("STRONGROOM_PIN", NEW_PIN).succeeds();
    place.run(&["user", "delete", "bob", "--yes"]).pins().refused(1, &["user \"bob\"", "still owns objects"]);
    let gone = ["key", "delete", "k", "--user", "bob", "--yes"];
    place.run(&gone).env("STRONGROOM_PIN", NEW_PIN).succeeds();
    place.run(&["user", "delete", "bob"]).pins().refused(2, &["--yes"]);
    let deleted = place.run(&["user", "delete", "bob", "--yes"]).pins().json();
    assert_eq!(deleted["deleted"]["name"], "bob");
    assert_eq!(user(&place, "bob"), Value::Null);
    place.run(&["user", "delete", "bob", "--yes"]).pins().refused(1, &["no user \"bob\""]);
    place.run(&["user", "delete", "so", "--yes"]).pins().refused_json(1, "CKR_ACTION_PROHIBITED");
}

#[test]
fn several_users_are_told_apart() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "t", "--user", "alice"]).pins().succeeds();
    place.run(&["key", "list"]).pins().succeeds();
    place.run(&["user", "add", "bob"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["key", "list"]).pins().refused(1, &["--user", "alice, bob"]);
    place.run(&["key", "generate", "--type", "aes", "--user", "alice"]).pins().succeeds();
    let bobs = place.run(&["key", "list", "--user", "bob"]).env("STRONGROOM_PIN", NEW_PIN).json();
    assert_eq!(bobs["keys"].as_array().unwrap().len(), 0, "private keys are their owner's");
    place.run(&["key", "list", "--user", "carol"]).pins().refused(1, &["no user \"carol\"", "alice, bob"]);
    let officer = ["\"so\" is a security officer, who manages users and uses no keys", "alice, bob"];
    place.run(&["key", "list", "--user", "so"]).pins().refused(1, &officer);
}

#[test]
fn a_wrong_pin_of_nobody_in_particular_tells_of_the_others() {
    let place = Place::with_token();
    let list = |options: &[&str]| {
        let words = [&["key", "list"], options].concat();
        place.run(&words).env("STRONGROOM_PIN", NEW_PIN).refused(1, &["\"user\": the PIN is wrong"])
    };
    let hint = "; --user names another user";
    assert!(!list(&[]).contains(hint), "there is one user");
    place.run(&["user", "add", "alice"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    assert!(list(&[]).contains(hint));
    assert!(!list(&["--user", "user"]).contains(hint));
    assert_eq!(login(&place, "alice", NEW_PIN), 0);
}
