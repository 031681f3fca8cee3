//! Tokens founded as a CloudHSM, on the command line.

use strongroom_core::hsm::{Hsm, Options};

use super::place::{NEW_PIN, PIN, Place, SO_PIN};

/// A place with such a token, whose first user is alice.
fn place() -> Place {
    let place = Place::new();
    place.run(&["token", "init", "--label", "cluster", "--cloudhsm", "--user", "alice"]).pins().succeeds();
    place
}

/// A place with a fresh CloudHSM, as its tools find it in an empty directory.
fn fresh() -> Place {
    let place = Place::new();
    let options = Options { dir: Some(place.tokens()), conf: Some(place.path("strongroom.toml")) };
    assert_eq!(Hsm::start(options).unwrap().fresh_cloudhsm().unwrap(), 0);
    place
}

#[test]
fn init_makes_an_active_admin_the_appliance_user_and_a_user() {
    let place = Place::new();
    let out = place.run(&["token", "init", "--label", "cluster", "--cloudhsm"]).pins().succeeds();
    assert!(out.contains("with the officer \"admin\" and the user \"user\""), "{out}");
    let token = place.run(&["token", "show"]).json()["token"].clone();
    assert_eq!(token["cloudhsm"], true);
    let users: Vec<_> = token["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| (user["id"].as_u64().unwrap(), user["name"].as_str().unwrap(), user["role"].as_str().unwrap()))
        .collect();
    assert_eq!(users, [(1, "admin", "officer"), (2, "app_user", "appliance"), (3, "user", "user")]);
    let text = place.run(&["token", "show"]).succeeds();
    assert!(text.contains("as a CloudHSM"), "{text}");
    let text = place.run(&["token", "list"]).succeeds();
    assert!(text.contains("CloudHSM") && !text.contains("not activated"), "{text}");
    let key = place.run(&["key", "generate", "--type", "aes", "--label", "first"]).pins().json();
    assert_eq!(key["key"]["number"], 6);
    place.run(&["doctor"]).pins().succeeds();
}

#[test]
fn the_officer_is_admin_unless_another_is_named() {
    let place = place();
    place.run(&["user", "add", "bob"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["user", "add", "deputy", "--role", "officer"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["user", "unlock", "bob"]).pins().succeeds();
    place.run(&["user", "unlock", "bob", "--officer", "ADMIN"]).pins().succeeds();
    let reset = place.run(&["user", "set-pin", "admin", "--reset", "--officer", "deputy"]);
    reset.env("STRONGROOM_SO_PIN", NEW_PIN).env("STRONGROOM_NEW_PIN", PIN).succeeds();
    place.run(&["user", "unlock", "bob"]).env("STRONGROOM_SO_PIN", PIN).succeeds();
    place.run(&["user", "unlock", "bob", "--officer", "so"]).pins().refused(1, &["no officer \"so\"", "admin, deputy"]);
    let delete = place.run(&["user", "delete", "admin", "--yes", "--officer", "deputy"]);
    delete.env("STRONGROOM_SO_PIN", NEW_PIN).refused(1, &["primary officer"]);
}

#[test]
fn nobody_touches_the_appliance_user() {
    let place = place();
    let new = |arguments: &[&str]| place.run(arguments).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    new(&["user", "add", "app_user"]).refused(1, &["there is a user \"app_user\" already"]);
    new(&["user", "delete", "app_user", "--yes"]).refused(1, &["part of the HSM"]);
    new(&["user", "unlock", "app_user"]).refused(1, &["part of the HSM"]);
    new(&["user", "set-pin", "app_user"]).refused(1, &["part of the HSM"]);
    new(&["user", "set-pin", "app_user", "--reset"]).refused(1, &["part of the HSM"]);
    new(&["key", "list", "--user", "app_user"]).refused(1, &["no user \"app_user\"", "there are: alice"]);
}

#[test]
fn passwords_and_lock_out_are_cloudhsms() {
    let place = Place::new();
    let init = |user: &str| place.run(&["token", "init", "--label", "c", "--cloudhsm", "--user", user]).pins();
    init("admin").refused(2, &["\"admin\" is the officer's name"]);
    init("app_user").refused(2, &["\"app_user\" is the appliance user's name"]);
    init("a").env("STRONGROOM_PIN", "secret").refused(1, &["6 bytes, 7 to 32 are allowed"]);
    init("a").env("STRONGROOM_PIN", "pass word:").refused(1, &["':'"]);
    init("a").env("STRONGROOM_SO_PIN", "password").refused(1, &["published"]);
    assert!(place.run(&["token", "list"]).json()["tokens"].as_array().unwrap().is_empty());
    init("alice").succeeds();
    for left in (1..6).rev() {
        let wrong = place.run(&["key", "list"]).env("STRONGROOM_PIN", "a-wrong-one");
        wrong.refused(1, &["the PIN is wrong", &format!("{left} attempt")]);
    }
    let last = place.run(&["key", "list"]).env("STRONGROOM_PIN", "a-wrong-one");
    last.refused(1, &["the user is now locked"]);
    place.run(&["key", "list"]).pins().refused_json(1, "CKR_PIN_LOCKED");
    let reset = place.run(&["user", "set-pin", "alice", "--reset"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN);
    reset.succeeds();
    place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).succeeds();
}

#[test]
fn reset_keeps_the_way_of_founding() {
    let place = place();
    place.run(&["token", "reset", "--yes", "--user", "admin"]).pins().refused(2, &["officer's name"]);
    let out = place.run(&["token", "reset", "--yes", "--user", "bob"]).pins().succeeds();
    assert!(out.contains("with the officer \"admin\" and the user \"bob\""), "{out}");
    let wrong = place.run(&["token", "reset", "--yes"]).env("STRONGROOM_SO_PIN", NEW_PIN).env("STRONGROOM_PIN", PIN);
    wrong.refused(1, &["\"admin\"", "5 attempts left"]);
}

#[test]
fn a_fresh_one_is_told_of_and_activated() {
    let place = fresh();
    let user = place.run(&["user", "list"]).json()["users"][0].clone();
    assert_eq!((user["name"].as_str(), user["role"].as_str()), (Some("admin"), Some("unactivated")));
    let text = place.run(&["token", "list"]).succeeds();
    assert!(text.contains("not activated"), "{text}");
    let flags = place.run(&["token", "show"]).json()["token"]["flags"].clone();
    assert!(flags.as_array().unwrap().contains(&"so_pin_to_be_changed".into()), "{flags}");
    let text = place.run(&["doctor"]).succeeds();
    assert!(text.contains("\"admin\" is not activated") && text.contains("strongroom user set-pin admin"), "{text}");
    let published = |arguments: &[&str]| {
        place.run(arguments).env("STRONGROOM_SO_PIN", "password").env("STRONGROOM_NEW_PIN", SO_PIN)
    };
    let refused = published(&["user", "add", "alice"]).refused_json(1, "CKR_PIN_EXPIRED");
    assert!(refused.contains("not activated"), "{refused}");
    let out = published(&["user", "set-pin", "admin"]).succeeds();
    assert!(out.contains("officer \"admin\" is changed; the officer is active now"), "{out}");
    published(&["user", "unlock", "admin"]).refused(1, &["the PIN is wrong"]);
    place.run(&["user", "add", "alice"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).succeeds();
}

#[test]
fn a_fresh_one_is_reset_with_a_password_of_its_own() {
    let place = fresh();
    let published = place.run(&["token", "reset", "--yes"]).pins().env("STRONGROOM_SO_PIN", "password");
    published.refused(1, &["published"]);
    let out = place.run(&["token", "reset", "--yes", "--user", "alice"]).pins().succeeds();
    assert!(out.contains("with the officer \"admin\" and the user \"alice\""), "{out}");
    place.run(&["user", "unlock", "alice"]).pins().succeeds();
}
