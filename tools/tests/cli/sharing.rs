//! `strongroom key share` and `key unshare`.

use serde_json::{Value, json};

use super::place::{NEW_PIN, PIN, Place};

/// A place with the users "user" and "alice".
fn place() -> Place {
    let place = Place::with_token();
    place.run(&["user", "add", "alice"]).pins().env("STRONGROOM_NEW_PIN", NEW_PIN).succeeds();
    place
}

fn list(place: &Place, user: &str) -> Vec<Value> {
    let pin = if user == "user" { PIN } else { NEW_PIN };
    let listed = place.run(&["key", "list", "--user", user]).env("STRONGROOM_PIN", pin).json();
    listed["keys"].as_array().unwrap().clone()
}

#[test]
fn a_key_is_shared_and_no_longer() {
    let place = place();
    place.run(&["key", "generate", "--type", "aes", "--label", "orders"]).pins().succeeds();
    assert_eq!(list(&place, "alice").len(), 0);
    let said = place.run(&["key", "share", "orders", "--with", "Alice"]).pins().succeeds();
    assert_eq!(said, "User \"alice\" may use the aes key 1 \"orders\" now.\n");
    for user in ["user", "alice"] {
        let [key] = &list(&place, user)[..] else { panic!("not one key for {user}") };
        assert_eq!((&key["owner"], &key["shared_with"]), (&json!("user"), &json!(["alice"])));
        assert_eq!((&key["use_approvals"], &key["management_approvals"]), (&json!(0), &json!(0)));
    }
    let shown = place.run(&["key", "show", "orders"]).pins().succeeds();
    assert!(shown.contains("Owner") && shown.contains("Shared with") && shown.contains(" alice\n"), "{shown}");
    assert!(place.run(&["key", "list"]).pins().succeeds().contains(",shared"));
    let json = place.run(&["key", "show", "orders"]).pins().json();
    assert_eq!(json["key"]["attributes"]["sr_shared_with"], json!([3]));
    let said = place.run(&["key", "unshare", "orders", "--with", "alice"]).pins().json();
    assert_eq!(said["key"]["shared_with"], json!([]));
    assert_eq!(list(&place, "alice").len(), 0);
}

#[test]
fn of_a_pair_the_private_half_is_shared() {
    let place = place();
    place.run(&["key", "generate", "--type", "ec", "--curve", "P-256", "--label", "tls"]).pins().succeeds();
    place.run(&["key", "share", "tls", "--with", "alice"]).pins().succeeds();
    let classes: Vec<_> = list(&place, "alice").iter().map(|key| key["class"].clone()).collect();
    assert!(classes.contains(&json!("private")), "{classes:?}");
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let place = place();
    place.run(&["key", "generate", "--type", "aes", "--label", "orders"]).pins().succeeds();
    let public = ["key", "generate", "--type", "aes", "--label", "open", "--private", "false"];
    place.run(&public).pins().succeeds();
    let share = |key: &str, with: &str| place.run(&["key", "share", key, "--with", with]).pins();
    share("orders", "bob").refused(1, &["no user \"bob\"", "alice"]);
    share("orders", "a b").refused(2, &["letters, digits"]);
    share("orders", "so").refused(1, &["aes key 1 \"orders\"", "\"so\""]);
    share("orders", "user").refused(1, &["owns or shares the key already"]);
    share("missing", "alice").refused(1, &["no key \"missing\""]);
    share("open", "alice").refused(1, &["only private secret keys"]);
    place.run(&["key", "share", "orders"]).pins().refused(2, &["--with"]);
    place.run(&["key", "unshare", "orders", "--with", "alice"]).pins().refused(1, &["not shared with this user"]);
    share("orders", "alice").succeeds();
    let theirs = ["key", "delete", "orders", "--yes", "--user", "alice"];
    place.run(&theirs).env("STRONGROOM_PIN", NEW_PIN).refused(1, &["belongs to another user"]);
}
