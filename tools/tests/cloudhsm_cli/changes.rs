//! key delete, share, unshare, set-attribute.

use serde_json::{Value, json};

use super::cli::{ADMIN, ALICE, BOB, CAROL, Cli};

/// An HSM with an AES key of alice's called k; its reference.
fn with_key(more: &str) -> (Cli, String) {
    let cli = Cli::new();
    let made = cli.ok(ALICE, &format!("key generate-symmetric aes --label k --key-length-bytes 32 {more}"));
    let reference = made["key"]["key-reference"].as_str().unwrap().to_owned();
    (cli, reference)
}

fn attribute(cli: &Cli, name: &str) -> Value {
    cli.ok(ALICE, "key list --verbose")["matched_keys"][0]["attributes"][name].clone()
}

#[test]
fn keys_are_shared_and_no_longer() {
    let (cli, reference) = with_key("");
    let filter = format!("--filter key-reference={reference}");
    let share = |user: &str| format!("key share {filter} --username {user} --role crypto-user");
    cli.answers(ALICE, &share("BOB"), &json!({ "message": "Key shared successfully" }));
    assert_eq!((cli.key_count(BOB), cli.key_count(CAROL)), (1, 0));
    for (who, line, words) in [
        (ALICE, share("bob"), "owns or shares the key already"),
        (ALICE, share("alice"), "owns or shares the key already"),
        (ALICE, share("erin"), "There is no crypto-user with the name erin"),
        (ALICE, format!("key share {filter} --username admin --role admin"), "role crypto-user"),
        (BOB, share("carol"), "belongs to another user"),
        (CAROL, share("carol"), "matched 0 keys"),
        (BOB, format!("key delete {filter}"), "belongs to another user"),
        (BOB, format!("key set-attribute {filter} --name encrypt --value true"), "belongs to another user"),
        (CAROL, format!("key delete {filter}"), "matched 0 keys"),
        (ADMIN, format!("key delete {filter}"), "takes the role crypto-user"),
        (ALICE, format!("key unshare {filter} --username carol --role crypto-user"), "not shared with this user"),
    ] {
        cli.refuses(who, &line, words);
    }
    assert_eq!((cli.key_count(ALICE), cli.key_count(BOB), cli.key_count(CAROL)), (1, 1, 0));
    let unshare = format!("key unshare {filter} --username bob --role crypto-user");
    cli.answers(ALICE, &unshare, &json!({ "message": "Key unshared successfully" }));
    assert_eq!(cli.key_count(BOB), 0);
}

#[test]
fn public_keys_are_not_shared() {
    let cli = Cli::new();
    cli.ok(ALICE, "key generate-asymmetric-pair ec --curve secp256r1 --public-label p --private-label q");
    let line = "key share --filter attr.label=p --username bob --role crypto-user";
    cli.refuses(ALICE, line, "only private secret keys and private keys in the token are shared");
}

#[test]
fn keys_are_deleted_by_their_owners() {
    let (cli, _) = with_key("");
    cli.ok(ALICE, "key generate-symmetric aes --label fast --key-length-bytes 32 --attributes destroyable=false");
    cli.refuses(ALICE, "key delete --filter attr.key-type=aes", "matched 2 keys. Refine selection criteria");
    cli.refuses(ALICE, "key delete --filter attr.label=fast", "not destroyable");
    cli.mistyped(ALICE, "key delete", "--filter");
    assert_eq!(cli.key_count(ALICE), 2);
    cli.answers(ALICE, "key delete --filter attr.label=k", &json!({ "message": "Key deleted successfully" }));
    cli.refuses(ALICE, "key delete --filter attr.label=k", "Key selection criteria matched 0 keys.");
    assert_eq!(cli.key_count(ALICE), 1);
}

#[test]
fn attributes_are_changed() {
    let (cli, reference) = with_key("");
    let filter = format!("--filter key-reference={reference}");
    let changed = json!({ "message": "Attribute set successfully" });
    for (name, value, shown) in [
        ("encrypt", "true", json!(true)),
        ("decrypt", "true", json!(true)),
        ("wrap", "true", json!(true)),
        ("unwrap", "true", json!(true)),
        ("sign", "false", json!(false)),
        ("verify", "false", json!(false)),
        ("derive", "true", json!(true)),
        ("label", "renamed", json!("renamed")),
        ("id", "0x0A", json!("0x0a")),
        ("wrap-with-trusted", "true", json!(true)),
    ] {
        cli.answers(ALICE, &format!("key set-attribute {filter} --name {name} --value {value}"), &changed);
        assert_eq!(attribute(&cli, name), shown, "{name}");
    }
    for (name, value, words) in [
        ("wrap-with-trusted", "false", "CKA_WRAP_WITH_TRUSTED"),
        ("encrypt", "yes", "true or false, not yes"),
        ("extractable", "false", "does not change once the key is made"),
        ("sensitive", "false", "does not change once the key is made"),
        ("colour", "true", "does not exist"),
        ("check-value", "0x000000", "does not change"),
        ("trusted", "true", "set by an admin"),
        ("token", "true", "from false to true only"),
        ("token", "false", "from false to true only"),
        ("destroyable", "false", "CKA_DESTROYABLE"),
        ("modifiable", "false", "CKA_MODIFIABLE"),
    ] {
        cli.refuses(ALICE, &format!("key set-attribute {filter} --name {name} --value {value}"), words);
    }
    cli.ok(ALICE, "key generate-symmetric aes --label fixed --key-length-bytes 32 --attributes modifiable=false");
    cli.refuses(ALICE, "key set-attribute --filter attr.label=fixed --name sign --value false", "not modifiable");
    assert_eq!(attribute(&cli, "extractable"), true);
}

#[test]
fn an_admin_trusts_a_key_named_by_its_reference() {
    let (cli, reference) = with_key("--attributes wrap=true");
    let line =
        |value: &str| format!("key set-attribute --filter key-reference={reference} --name trusted --value {value}");
    cli.answers(ADMIN, &line("true"), &json!({ "message": "Attribute set successfully" }));
    assert_eq!(attribute(&cli, "trusted"), true);
    cli.ok(ADMIN, &line("false"));
    assert_eq!(attribute(&cli, "trusted"), false);
    cli.refuses(ADMIN, "key set-attribute --filter attr.label=k --name trusted --value true", "by its reference");
    cli.refuses(ADMIN, "key set-attribute --filter key-reference=0x99 --name trusted --value true", "matched 0 keys");
    cli.refuses(
        ADMIN,
        &format!("key set-attribute --filter key-reference={reference} --name label --value x"),
        "takes the role crypto-user",
    );
    assert_eq!(attribute(&cli, "trusted"), false);
}

#[test]
fn a_session_key_becomes_persistent_under_another_reference() {
    let cli = Cli::new();
    let said = cli.session(
        ALICE,
        &[
            "key generate-symmetric aes --label s --key-length-bytes 32 --session",
            "key set-attribute --filter attr.label=s --name token --value true",
            "key list",
        ],
    );
    let expected = json!({
        "error_code": 0, "data": { "message": "Attribute set successfully", "key-reference": "~reference" },
    });
    super::cli::looks_like(&expected, &said[2], "token");
    assert_ne!(said[2]["data"]["key-reference"], said[1]["data"]["key"]["key-reference"]);
    assert_eq!(said[3]["data"]["total_key_count"], 1);
    assert_eq!(cli.key_count(ALICE), 1);
    assert_eq!(attribute(&cli, "token"), true);
}

#[test]
fn a_key_that_cannot_be_deleted_does_not_become_persistent() {
    let cli = Cli::new();
    let said = cli.session(
        ALICE,
        &[
            "key generate-symmetric aes --label stuck --key-length-bytes 16 --session --attributes destroyable=false",
            "key set-attribute --filter attr.label=stuck --name token --value true",
            "key list --filter attr.label=stuck",
        ],
    );
    assert_eq!(said[2]["error_code"], 1);
    assert!(said[2]["data"].as_str().unwrap().contains("CKA_DESTROYABLE"), "{said:?}");
    assert_eq!(said[3]["data"]["total_key_count"], 1, "{said:?}");
    assert_eq!(cli.key_count(ALICE), 0);
}
