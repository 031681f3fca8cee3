//! quorum token-sign, user change-quorum, and --approval wherever a quorum may apply. Approvers sign with openssl,
//! which gets the ready digest and knows nothing of the HSM.

use serde_json::{Value, json};

use super::cli::{ADMIN, ALICE, BOB, CAROL, Cli, NOBODY, Who, base64, from_base64};
use super::place::{PIN, SO_PIN};

/// Makes an RSA pair for a user, and registers its public half.
fn register(cli: &Cli, who: Who) {
    let (role, name) = who.unwrap();
    cli.openssl(&format!("genrsa -out {name}.pem 2048"));
    cli.openssl(&format!("pkey -in {name}.pem -pubout -out {name}.pub"));
    let path = json!({ "path": format!("{name}.reg") });
    cli.answers(who, &format!("quorum token-sign generate --service registration --token {name}.reg"), &path);
    let mut document: Value = serde_json::from_slice(&cli.file(&format!("{name}.reg"))).unwrap();
    super::cli::looks_like(
        &json!({ "version": "2.0", "tokens": [{ "approval_data": "~base64", "unsigned": "~base64:32", "signed": "" }] }),
        &document,
        "registration",
    );
    let line = format!("user change-quorum token-sign register --public-key {name}.pub --signed-token {name}.reg");
    cli.refuses(who, &line, "signed is empty; the file of a registration has version (2.0) and tokens: ");
    let digest = document["tokens"][0]["unsigned"].as_str().unwrap().to_owned();
    document["tokens"][0]["signed"] = json!(signature(cli, name, &digest));
    cli.write(&format!("{name}.reg"), document.to_string());
    cli.answers(who, &line, &json!({ "username": name, "role": role }));
}

/// A user's signature over a ready digest, by openssl.
fn signature(cli: &Cli, name: &str, digest: &str) -> String {
    cli.write("digest", from_base64(digest).unwrap());
    cli.openssl(&format!("pkeyutl -sign -inkey {name}.pem -in digest -out signature -pkeyopt digest:sha256"));
    base64(&cli.file("signature"))
}

/// Adds users' signatures to the file of a token.
fn sign(cli: &Cli, file: &str, users: &[Who]) {
    let mut document: Value = serde_json::from_slice(&cli.file(file)).unwrap();
    let digest = document["token"].as_str().unwrap().to_owned();
    for who in users {
        let (role, name) = who.unwrap();
        let entry = json!({ "username": name, "role": role, "signature": signature(cli, name, &digest) });
        document["signatures"].as_array_mut().unwrap().push(entry);
    }
    cli.write(file, document.to_string());
}

/// An HSM where everyone has registered a key, and alice has a pair `r` whose private half takes two approvals for use.
fn with_guarded_key() -> Cli {
    let cli = Cli::new();
    for who in [ALICE, BOB, CAROL] {
        register(&cli, who);
    }
    cli.ok(
        ALICE,
        "key generate-asymmetric-pair ec --curve secp256r1 --public-label p --private-label r --public-attributes \
         verify=true --private-attributes sign=true --share-crypto-users bob --use-private-key-quorum-value 2",
    );
    cli
}

const SIGN: &str = "crypto sign ecdsa --key-filter attr.label=r --hash-function sha256 --data AAAA";
const USE: &str = "quorum token-sign generate --service key-usage --filter attr.label=r --token t";

#[test]
fn a_value_of_one_is_one_approval() {
    let cli = Cli::new();
    let made = "key generate-symmetric generic-secret --label one --key-length-bytes 32 --use-key-quorum-value 1";
    let made = cli.ok(ALICE, made);
    assert_eq!(made["key"]["key-info"]["key-quorum-values"]["use-key-quorum-value"], 1);
    let wrap = "key wrap aes-gcm --payload-filter attr.label=one --wrapping-filter attr.label=w --tag-length-bits 128";
    cli.ok(ALICE, "key generate-symmetric aes --label w --key-length-bytes 32 --attributes wrap=true");
    cli.unapproved(ALICE, wrap, "1 user; 0 approved, 1 missing");
}

#[test]
fn a_key_that_takes_two_approvals_is_used_once_with_two() {
    let cli = with_guarded_key();
    cli.unapproved(ALICE, SIGN, "2 users; 0 approved, 2 missing");
    cli.answers(ALICE, USE, &json!({ "path": "t" }));
    let document: Value = serde_json::from_slice(&cli.file("t")).unwrap();
    let expected = json!({
        "version": "2.0", "service": "key-usage", "key_reference": "~reference", "approval_data": "~base64:80",
        "token": "~base64:32", "signatures": [],
    });
    super::cli::looks_like(&expected, &document, "token");
    cli.write("record", from_base64(document["approval_data"].as_str().unwrap()).unwrap());
    cli.openssl("dgst -sha256 -binary -out digest record");
    assert_eq!(base64(&cli.file("digest")), document["token"], "what is signed is the digest of the record");
    let approved = format!("{SIGN} --approval t");
    cli.unapproved(ALICE, &approved, "0 approved, 2 missing");
    sign(&cli, "t", &[ALICE]);
    cli.unapproved(ALICE, &approved, "1 approved, 1 missing");
    // Who approves twice counts once.
    sign(&cli, "t", &[ALICE]);
    cli.unapproved(ALICE, &approved, "1 approved, 1 missing");
    sign(&cli, "t", &[BOB]);
    cli.answers(ALICE, &approved, &json!({ "key-reference": "~reference", "signature": "~base64:64" }));
    cli.unapproved(ALICE, &approved, "there is no such token");
    cli.unapproved(ALICE, SIGN, "0 approved, 2 missing");
}

#[test]
fn approvals_that_are_not_good_are_refused_as_a_whole() {
    let cli = with_guarded_key();
    let approved = format!("{SIGN} --approval t");
    cli.ok(ALICE, USE);
    sign(&cli, "t", &[ALICE, CAROL]);
    cli.unapproved(ALICE, &approved, "only users who own or share the key");
    cli.ok(ALICE, USE);
    let mut document: Value = serde_json::from_slice(&cli.file("t")).unwrap();
    let digest = document["token"].as_str().unwrap().to_owned();
    let entry =
        |name: &str, signature: String| json!({ "username": name, "role": "crypto-user", "signature": signature });
    document["signatures"] =
        json!([entry("alice", signature(&cli, "alice", &digest)), entry("bob", signature(&cli, "alice", &digest))]);
    cli.write("t", document.to_string());
    cli.unapproved(ALICE, &approved, "does not verify");
    document["signatures"] = json!([entry("erin", String::new())]);
    cli.write("t", document.to_string());
    cli.unapproved(ALICE, &approved, "no user \"erin\"");
    cli.ok(ALICE, USE);
    sign(&cli, "t", &[ALICE, BOB]);
    cli.unapproved(BOB, &approved, "by the user who asked for it");
    let mut changed: Value = serde_json::from_slice(&cli.file("t")).unwrap();
    changed["token"] = json!(base64(&[0; 32]));
    cli.write("changed", changed.to_string());
    cli.refuses(ALICE, &format!("{SIGN} --approval changed"), "not the SHA-256 digest");
    for (content, words) in [
        ("{", "it is no JSON"),
        ("{}", "it has no version"),
        ("{\"version\":\"1.0\"}", "its version is 1.0"),
        ("{\"version\":\"2.0\"}", "approval_data is missing"),
    ] {
        cli.write("wrong", content);
        cli.refuses(ALICE, &format!("{SIGN} --approval wrong"), words);
        let fields = "a token's file has version (2.0), service, approval_data, token ";
        cli.refuses(ALICE, &format!("{SIGN} --approval wrong"), fields);
    }
    cli.write("wrong", "");
    cli.refuses(ALICE, &format!("{SIGN} --approval wrong"), "is empty");
    cli.refuses(ALICE, &format!("{SIGN} --approval none"), "cannot be read");
    cli.ok(ALICE, &approved);
}

#[test]
fn managing_a_key_takes_approvals_of_its_own() {
    let cli = Cli::new();
    for who in [ALICE, BOB] {
        register(&cli, who);
    }
    let terms = "--key-length-bytes 32 --share-crypto-users bob --manage-key-quorum-value 2";
    cli.ok(ALICE, &format!("key generate-symmetric aes --label w --attributes wrap=true unwrap=true {terms}"));
    cli.ok(ALICE, &format!("key generate-symmetric aes --label k {terms}"));
    let token = |key: &str, file: &str| {
        let line =
            format!("quorum token-sign generate --service key-management --filter attr.label={key} --token {file}");
        cli.ok(ALICE, &line);
        sign(&cli, file, &[ALICE, BOB]);
    };
    let wrap = "key wrap aes-zero-pad --payload-filter attr.label=k --wrapping-filter attr.label=w --path f";
    cli.unapproved(ALICE, wrap, "0 approved");
    token("w", "tw");
    cli.unapproved(ALICE, &format!("{wrap} --wrapping-approval tw"), "0 approved");
    token("k", "tk");
    assert!(!cli.place.path("f").exists());
    cli.ok(ALICE, &format!("{wrap} --wrapping-approval tw --payload-approval tk"));
    assert_eq!(cli.file("f").len(), 40);
    cli.unapproved(ALICE, wrap, "0 approved");
    for (key, command) in [
        ("w", "unwrap aes-zero-pad --filter attr.label=w --key-type-class aes --label back --data-path f"),
        ("k", "set-attribute --filter attr.label=k --name encrypt --value true"),
        ("k", "share --filter attr.label=k --username carol --role crypto-user"),
        ("k", "unshare --filter attr.label=k --username carol --role crypto-user"),
        ("k", "delete --filter attr.label=k"),
    ] {
        let line = format!("key {command}");
        cli.unapproved(ALICE, &line, "0 approved");
        token(key, "t");
        cli.ok(ALICE, &format!("{line} --approval t"));
        let again = cli.run(ALICE, &format!("{line} --approval t"));
        assert_eq!(again.code, 1, "{again:?}");
    }
}

#[test]
fn admins_approve_of_what_admins_do() {
    let cli = Cli::new();
    let olga: Who = Some(("admin", "olga"));
    let values = |user: u8, quorum: u8| {
        cli.answers(NOBODY, "quorum token-sign list-quorum-values", &json!({ "user": user, "quorum": quorum }));
    };
    values(1, 1);
    let set =
        |service: &str, value: u8| format!("quorum token-sign set-quorum-value --service {service} --value {value}");
    let (said, err) = cli.refused(ADMIN, &set("quorum", 2));
    assert_eq!(said, "Invalid quorum value provided.");
    assert!(err.contains("no more than there are"), "{err}");
    cli.ok(ADMIN, &format!("user create --username olga --role admin --password {SO_PIN}"));
    register(&cli, ADMIN);
    register(&cli, olga);
    let enabled = json!([{ "strategy": "token-sign", "status": "enabled" }]);
    assert_eq!(cli.ok(NOBODY, "user list")["users"][0]["quorum"], enabled);

    cli.answers(ADMIN, &set("quorum", 2), &json!("Set quorum value successful"));
    cli.unapproved(ADMIN, &set("user", 2), "0 approved, 2 missing");
    cli.ok(ADMIN, "quorum token-sign generate --service quorum --token t");
    let document: Value = serde_json::from_slice(&cli.file("t")).unwrap();
    let expected = json!({
        "version": "2.0", "service": "quorum-management", "approval_data": "~base64:80", "token": "~base64:32",
        "signatures": [],
    });
    super::cli::looks_like(&expected, &document, "token");
    sign(&cli, "t", &[ADMIN, olga]);
    cli.ok(ADMIN, &format!("{} --approval t", set("user", 2)));
    values(2, 2);

    let create = format!("user create --username dave --role crypto-user --password {PIN}");
    cli.unapproved(ADMIN, &create, "2 missing");
    cli.ok(ADMIN, "quorum token-sign generate --service user --token t");
    sign(&cli, "t", &[ADMIN]);
    cli.unapproved(ADMIN, &format!("{create} --approval t"), "1 approved, 1 missing");
    let listed = json!({ "tokens": [{
        "username": "admin", "service": "user", "approvals-required": 2, "number-of-approvals": 1,
        "token-timeout-seconds": null, "cluster-coverage": "full",
    }] });
    let mut tokens = cli.ok(ALICE, "quorum token-sign list");
    let seconds = tokens["tokens"][0]["token-timeout-seconds"].take();
    super::cli::looks_like(&listed, &tokens, "list");
    assert!((1..=600).contains(&seconds.as_u64().unwrap()), "{seconds}");
    sign(&cli, "t", &[olga]);
    cli.ok(ADMIN, &format!("{create} --approval t"));
    cli.unapproved(ADMIN, "user delete --username dave --role crypto-user --approval t", "there is no such token");
    for line in [
        "user delete --username dave --role crypto-user".to_owned(),
        format!("user change-password --username bob --role crypto-user --password {PIN}"),
    ] {
        cli.unapproved(ADMIN, &line, "2 missing");
        cli.ok(ADMIN, "quorum token-sign generate --service user --token t");
        sign(&cli, "t", &[ADMIN, olga]);
        cli.ok(ADMIN, &format!("{line} --approval t"));
    }
}

#[test]
fn tokens_are_asked_for_listed_and_deleted() {
    let cli = with_guarded_key();
    let generate =
        |service: &str, more: &str| format!("quorum token-sign generate --service {service} --token t {more}");
    for (who, line, words) in [
        (ALICE, generate("key-usage", ""), "--filter is needed"),
        (ALICE, generate("registration", "--filter attr.label=r"), "--filter goes with"),
        (ALICE, generate("key-usage", "--filter attr.label=none"), "matched 0 keys"),
        (ALICE, generate("key-management", "--filter attr.label=r"), "takes no approval"),
        (CAROL, generate("key-usage", "--filter attr.label=r"), "matched 0 keys"),
        (ALICE, generate("user", ""), "takes the role admin"),
        (ADMIN, generate("user", ""), "takes no approval"),
        (ADMIN, generate("cluster", ""), "not offered"),
        (ALICE, "quorum token-sign set-quorum-value --service user --value 2".to_owned(), "takes the role admin"),
        (
            ADMIN,
            "quorum token-sign set-quorum-value --service key-usage --value 2".to_owned(),
            "services user and quorum",
        ),
        (ALICE, "quorum token-sign delete --scope all".to_owned(), "takes the role admin"),
    ] {
        cli.refuses(who, &line, words);
    }
    assert!(!cli.place.path("t").exists());
    cli.mistyped(ALICE, "quorum token-sign generate --service keys --token t", "key-usage");
    let none = json!({ "tokens": [] });
    cli.answers(ALICE, "quorum token-sign list", &none);
    for who in [ALICE, ALICE, BOB] {
        cli.ok(who, USE);
    }
    let row = |name: &str, count: u64| json!({ "username": name, "service": "key-usage", "key-reference": "~reference", "minimum-token-count": count });
    cli.answers(CAROL, "quorum token-sign list", &json!({ "tokens": [row("alice", 2), row("bob", 1)] }));
    let deleted = json!("Deletion of quorum token(s) successful");
    cli.answers(ALICE, "quorum token-sign delete --scope user", &deleted);
    cli.answers(ALICE, "quorum token-sign list", &json!({ "tokens": [row("bob", 1)] }));
    cli.answers(ADMIN, "quorum token-sign delete --scope all", &deleted);
    cli.answers(ALICE, "quorum token-sign list", &none);
}

#[test]
fn keys_to_approve_with_are_rsa_and_belong_to_who_signed() {
    let cli = Cli::new();
    register(&cli, ALICE);
    cli.openssl("genrsa -out short.pem 1024");
    cli.openssl("pkey -in short.pem -pubout -out short.pub");
    let line = |key: &str, token: &str| {
        format!("user change-quorum token-sign register --public-key {key} --signed-token {token}")
    };
    cli.refuses(ALICE, &line("short.pub", "alice.reg"), "2048");
    cli.openssl("genrsa -out other.pem 2048");
    cli.openssl("pkey -in other.pem -pubout -out other.pub");
    cli.refuses(BOB, &line("other.pub", "alice.reg"), "does not verify");
    cli.refuses(BOB, &line("alice.pem", "alice.reg"), "no public key in PEM");
    cli.refuses(BOB, &line("other.pub", "other.pub"), "it is no JSON");
    cli.write("two", "{\"version\":\"2.0\",\"tokens\":[]}");
    cli.refuses(BOB, &line("other.pub", "two"), "one token under tokens");
    let users = cli.ok(NOBODY, "user list");
    assert_eq!(users["users"][2]["quorum"].as_array().unwrap().len(), 1);
    assert_eq!(users["users"][3]["quorum"], json!([]));
}
