//! key generate-symmetric, generate-asymmetric-pair, list, generate-file, import.

use serde_json::{Value, json};

use super::cli::{ADMIN, ALICE, BOB, CAROL, Cli, NOBODY, PROGRAM, key, looks_like};
use super::place::PIN;

#[test]
fn aes_keys_have_what_is_said_and_the_defaults() {
    let cli = Cli::new();
    let plain = json!({ "key": key(&json!({})) });
    cli.answers(ALICE, "key generate-symmetric aes --label k --key-length-bytes 32", &plain);
    let changed = json!({ "key": key(&json!({
        "key-info": {
            "shared-users": [
                { "username": "bob", "key-coverage": "full" },
                { "username": "carol", "key-coverage": "full" },
            ],
            "key-quorum-values": { "manage-key-quorum-value": 3, "use-key-quorum-value": 2 },
        },
        "attributes": {
            "label": "other", "id": "0x01ab", "encrypt": true, "decrypt": true, "wrap": true, "unwrap": true,
            "sign": false, "verify": false, "derive": true, "extractable": false, "never-extractable": true,
            "destroyable": false, "modifiable": false, "wrap-with-trusted": true, "key-length-bytes": 16,
        },
    })) });
    cli.answers(
        ALICE,
        "key generate-symmetric aes --label other --key-length-bytes 16 --attributes id=0x01AB encrypt=true decrypt=true \
         wrap=true unwrap=true sign=false verify=false derive=true extractable=false destroyable=false modifiable=false \
         wrap-with-trusted=true private=true sensitive=true --share-crypto-users Bob carol --manage-key-quorum-value 3 \
         --use-key-quorum-value 2",
        &changed,
    );
    let same = "key generate-symmetric aes --label k --key-length-bytes 16 --attributes id=0x01ab";
    cli.refuses(BOB, same, "another key has this CKA_ID");
    let session = json!({ "key": key(&json!({
        "key-info": { "cluster-coverage": "session" },
        "attributes": { "token": false, "key-length-bytes": 24 },
    })) });
    cli.answers(ALICE, "key generate-symmetric aes --label k --key-length-bytes 24 --session", &session);
    cli.answers(ALICE, "key generate-symmetric aes --label k --key-length-bytes 24 --attributes token=false", &session);
    assert_eq!(cli.key_count(ALICE), 2, "session keys are gone with their process");
    assert_eq!(cli.key_count(BOB), 1);
}

#[test]
fn generic_secrets_have_no_check_value() {
    let cli = Cli::new();
    let expected = json!({ "key": key(&json!({
        "attributes": { "key-type": "generic-secret", "check-value": null, "key-length-bytes": 800 },
    })) });
    cli.answers(ALICE, "key generate-symmetric generic-secret --label k --key-length-bytes 800", &expected);
    for length in ["0", "801"] {
        let line = format!("key generate-symmetric generic-secret --label k --key-length-bytes {length}");
        cli.refuses(ALICE, &line, &format!("1 to 800 bytes, not {length}"));
    }
    assert_eq!(cli.key_count(ALICE), 1);
}

#[test]
fn what_no_key_can_have_makes_none() {
    let cli = Cli::new();
    let label = "x".repeat(128);
    for (rest, words) in [
        ("--label k --key-length-bytes 17", "16, 24 or 32 bytes, not 17"),
        (&format!("--label {label} --key-length-bytes 16"), "128 bytes, 127 are the most"),
        ("--label k --key-length-bytes 16 --attributes trusted=true", "trusted cannot be given"),
        ("--label k --key-length-bytes 16 --attributes colour=true", "colour cannot be given"),
        ("--label k --key-length-bytes 16 --attributes local=true", "local cannot be given"),
        ("--label k --key-length-bytes 16 --attributes encrypt=1", "true or false, not 1"),
        ("--label k --key-length-bytes 16 --attributes private=false", "private is always true"),
        ("--label k --key-length-bytes 16 --attributes sign=true sign=false", "given twice"),
        ("--label k --key-length-bytes 16 --attributes id=0x1", "even number"),
        ("--label k --key-length-bytes 16 --share-crypto-users erin", "no crypto-user with the name erin"),
        ("--label k --key-length-bytes 16 --share-crypto-users admin", "no crypto-user with the name admin"),
        ("--label k --key-length-bytes 16 --share-crypto-users alice", "not shared with its owner"),
        ("--label k --key-length-bytes 16 --share-crypto-users bob bob", "named twice"),
        (
            "--label k --key-length-bytes 16 --session --share-crypto-users bob",
            "only private keys in the token are shared",
        ),
        ("--label k --key-length-bytes 16 --use-key-quorum-value 2", "Invalid quorum value provided."),
        (
            "--label k --key-length-bytes 16 --share-crypto-users bob --manage-key-quorum-value 3",
            "Invalid quorum value provided.",
        ),
        ("--label k --key-length-bytes 16 --use-key-quorum-value 9", "Invalid quorum value provided."),
    ] {
        cli.refuses(ALICE, &format!("key generate-symmetric aes {rest}"), words);
    }
    cli.mistyped(ALICE, "key generate-symmetric aes --label k", "--key-length-bytes");
    cli.mistyped(ALICE, "key generate-symmetric des --label k --key-length-bytes 16", "unrecognized subcommand");
    cli.mistyped(ALICE, "key generate-symmetric aes --label k --key-length-bytes 16 --attributes id", "NAME=VALUE");
    cli.refuses(ADMIN, "key generate-symmetric aes --label k --key-length-bytes 16", "takes the role crypto-user");
    cli.refuses(NOBODY, "key generate-symmetric aes --label k --key-length-bytes 16", "CLOUDHSM_PIN");
    assert_eq!(cli.key_count(ALICE), 0);
}

fn half(class: &str, more: &Value) -> Value {
    let public = class == "public-key";
    let mut attributes = json!({
        "class": class, "sign": false, "verify": false, "sensitive": !public, "always-sensitive": !public,
    });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    key(&json!({ "attributes": attributes }))
}

#[test]
fn rsa_pairs_have_their_numbers_in_the_answer() {
    let cli = Cli::new();
    let answer = cli.ok(
        ALICE,
        "key generate-asymmetric-pair rsa --public-exponent 65537 --modulus-size-bits 2048 --public-label p --private-label q \
         --public-attributes verify=true id=0x07 --private-attributes sign=true id=0x07 --share-crypto-users bob \
         --use-private-key-quorum-value 2",
    );
    // The PKCS#8 form of the private key has a length that depends on its numbers.
    let length = answer["private_key"]["attributes"]["key-length-bytes"].as_u64().unwrap();
    assert!((1213..=1219).contains(&length), "{length}");
    let numbers = |attributes: Value| {
        let mut all = attributes;
        let more = json!({
            "key-type": "rsa", "id": "0x07", "public-exponent": "0x010001", "modulus": "~hex:256", "modulus-size-bits": 2048,
        });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let public = half("public-key", &numbers(json!({ "label": "p", "verify": true, "key-length-bytes": 512 })));
    let mut private = half("private-key", &numbers(json!({ "label": "q", "sign": true, "key-length-bytes": length })));
    private["key-info"]["shared-users"] = json!([{ "username": "bob", "key-coverage": "full" }]);
    private["key-info"]["key-quorum-values"]["use-key-quorum-value"] = json!(2);
    looks_like(&json!({ "public_key": public, "private_key": private }), &answer, "rsa");
    let check_value = |half: &str| answer[half]["attributes"]["check-value"].clone();
    assert_eq!(check_value("public_key"), check_value("private_key"));
    for (bits, exponent, words) in [
        (1024, 65537, "not 1024"),
        (2049, 65537, "not 2049"),
        (4352, 65537, "not 4352"),
        (2048, 3, "not 3"),
        (2048, 65538, "not 65538"),
    ] {
        let line = format!(
            "key generate-asymmetric-pair rsa --public-exponent {exponent} --modulus-size-bits {bits} --public-label p \
             --private-label q"
        );
        cli.refuses(ALICE, &line, words);
    }
    assert_eq!(cli.key_count(ALICE), 2);
    assert_eq!(cli.key_count(CAROL), 1, "public keys are everybody's");
}

#[test]
fn pairs_on_every_curve() {
    let cli = Cli::new();
    for (curve, shown, public_bytes, private_bytes) in [
        ("prime256v1", "prime256v1", 65, 138),
        ("secp256r1", "prime256v1", 65, 138),
        ("secp224r1", "secp224r1", 57, 122),
        ("secp384r1", "secp384r1", 97, 185),
        ("secp256k1", "secp256k1", 65, 135),
        ("secp521r1", "secp521r1", 133, 241),
    ] {
        let line =
            format!("key generate-asymmetric-pair ec --curve {curve} --public-label k --private-label k --session");
        let more = |length: u64| {
            json!({
                "key-type": "ec", "token": false, "key-length-bytes": length, "ec-point": format!("~hex:{public_bytes}"),
                "curve": shown,
            })
        };
        let mut expected = json!({ "public_key": half("public-key", &more(public_bytes)), "private_key": half("private-key", &more(private_bytes)) });
        for half in ["public_key", "private_key"] {
            expected[half]["key-info"]["cluster-coverage"] = json!("session");
        }
        let answer = cli.answers(ALICE, &line, &expected);
        assert!(answer["public_key"]["attributes"]["ec-point"].as_str().unwrap().starts_with("0x04"));
    }
    let line = "key generate-asymmetric-pair ec --public-label k --private-label k --curve";
    cli.mistyped(ALICE, &format!("{line} sect571r1"), "secp224r1");
    for (rest, words) in [
        ("--private-attributes wrap=true", "have no attribute wrap"),
        ("--public-attributes sign=true", "have no attribute sign"),
        ("--manage-private-key-quorum-value 2", "Invalid quorum value provided."),
    ] {
        cli.refuses(ALICE, &format!("{line} secp256r1 {rest}"), words);
    }
    assert_eq!(cli.key_count(ALICE), 0);
}

#[test]
fn keys_are_listed_in_pages_and_found_by_what_they_are() {
    let cli = Cli::new();
    let lines: Vec<String> =
        (0..12).map(|number| format!("key generate-symmetric aes --label k{number} --key-length-bytes 16")).collect();
    let made = cli.session(ALICE, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    let reference = made[1]["data"]["key"]["key-reference"].as_str().unwrap().to_owned();
    cli.ok(ALICE, "key generate-symmetric generic-secret --label secret --key-length-bytes 20 --attributes id=0xABCD");
    let brief = |label: &str| json!({ "key-reference": "~reference", "attributes": { "label": label } });
    let page = |from: usize, to: usize| (from..to).map(|number| brief(&format!("k{number}"))).collect::<Vec<_>>();
    let first = json!({
        "matched_keys": page(0, 10), "total_key_count": 13, "returned_key_count": 10, "next_token": "10",
    });
    cli.answers(ALICE, "key list", &first);
    let last = [page(10, 12), vec![brief("secret")]].concat();
    let rest = json!({
        "matched_keys": last, "total_key_count": 13, "returned_key_count": 3,
    });
    cli.answers(ALICE, "key list --starting-token 10", &rest);
    let none = json!({ "matched_keys": [], "total_key_count": 13, "returned_key_count": 0 });
    cli.answers(ALICE, "key list --starting-token 99", &none);
    let two = json!({ "matched_keys": page(0, 2), "total_key_count": 13, "returned_key_count": 2, "next_token": "2" });
    cli.answers(ALICE, "key list --max-items 2", &two);
    let full = json!({
        "matched_keys": [key(&json!({ "attributes": {
            "key-type": "generic-secret", "label": "secret", "id": "0xabcd", "check-value": null, "key-length-bytes": 20,
        } }))],
        "total_key_count": 1,
        "returned_key_count": 1,
    });
    for filter in [
        "attr.label=secret",
        "attr.id=0xABCD",
        "attr.key-type=generic-secret attr.class=secret-key attr.sign=true",
        "attr.key-length-bytes=20",
    ] {
        cli.answers(ALICE, &format!("key list --verbose --filter {filter}"), &full);
    }
    let short = reference.replacen("0x00000000000000", "0x", 1);
    for filter in [&reference, &short] {
        let found = cli.ok(ALICE, &format!("key list --filter key-reference={filter}"));
        assert_eq!(found["matched_keys"][0]["key-reference"], reference.as_str());
    }
    for filter in ["attr.label=none", "attr.encrypt=true", "key-reference=0x99", "attr.label=secret attr.key-type=aes"]
    {
        assert_eq!(cli.ok(ALICE, &format!("key list --filter {filter}"))["total_key_count"], 0, "{filter}");
    }
    assert_eq!(cli.ok(BOB, &format!("key list --filter key-reference={reference}"))["total_key_count"], 0);
    cli.mistyped(ALICE, "key list --filter attr.colour=red", "no attribute colour");
    cli.mistyped(ALICE, "key list --filter key-reference=6", "hexadecimal digits");
    cli.mistyped(ALICE, "key list --filter label=x", "attr.NAME=VALUE");
    cli.refuses(ALICE, "key list --max-items 0", "at least 1");
    cli.refuses(ALICE, "key list --starting-token x", "next_token");
    let admins = json!({ "matched_keys": [], "total_key_count": 0, "returned_key_count": 0 });
    cli.answers(ADMIN, "key list --verbose", &admins);
}

#[test]
fn public_keys_go_out_and_come_in() {
    let cli = Cli::new();
    cli.ok(ALICE, "key generate-asymmetric-pair ec --curve secp384r1 --public-label p --private-label q");
    let written = json!({ "message": "Successfully generated key file" });
    let line = "key generate-file --encoding pem --path p.pem --filter";
    cli.answers(ALICE, &format!("{line} attr.label=p"), &written);
    cli.openssl("pkey -pubin -in p.pem -noout -text");
    cli.refuses(ALICE, &format!("{line} attr.label=q"), "for public keys");
    cli.refuses(ALICE, &format!("{line} attr.label=none"), "Key selection criteria matched 0 keys.");
    cli.refuses(
        ALICE,
        &format!("{line} attr.key-type=ec"),
        "Key selection criteria matched 2 keys. Refine selection criteria to select a single key.",
    );
    cli.refuses(ALICE, "key generate-file --encoding ksp-key-reference --path p2 --filter attr.label=q", "offered");
    assert!(!cli.place.path("p2").exists());
    let expected = |changes: Value| {
        let mut all = json!({ "class": "public-key", "sensitive": false, "always-sensitive": false, "sign": false, "local": false });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!({ "key": key(&json!({ "attributes": all })), "message": "Successfully imported key" })
    };
    let ec = expected(json!({
        "label": "in", "key-type": "ec", "verify": true, "id": "0x09", "key-length-bytes": 97, "ec-point": "~hex:97",
        "curve": "secp384r1",
    }));
    cli.answers(
        ALICE,
        "key import pem --path p.pem --label in --key-type-class ec-public --attributes verify=true id=0x09",
        &ec,
    );
    cli.openssl("genrsa -out r.pem 2048");
    cli.openssl("pkey -in r.pem -pubout -out rp.pem");
    let rsa = expected(json!({
        "label": "r", "key-type": "rsa", "verify": false, "key-length-bytes": 512, "public-exponent": "0x010001",
        "modulus": "~hex:256", "modulus-size-bits": 2048,
    }));
    cli.answers(ALICE, "key import pem --path rp.pem --label r --key-type-class rsa-public", &rsa);
    let before = cli.key_count(ALICE);
    cli.refuses(
        ALICE,
        "key import pem --path rp.pem --label r --key-type-class ec-public",
        "holds no public key of a curve",
    );
    cli.refuses(ALICE, "key import pem --path r.pem --label r --key-type-class rsa-public", "no public key in PEM");
    cli.refuses(ALICE, "key import pem --path none.pem --label r --key-type-class rsa-public", "cannot be read");
    cli.mistyped(ALICE, "key import pem --path r.pem --label r --key-type-class rsa-private", "rsa-public");
    assert_eq!(cli.key_count(ALICE), before);
}

#[test]
fn a_strict_token_takes_keys_of_one_purpose() {
    let cli = Cli::under("kdf = \"test\"\npolicy = \"strict\"\n");
    let line = "key generate-symmetric aes --label k --key-length-bytes 32 --attributes wrap=true unwrap=true";
    for mixed in ["encrypt=true", "sign=true", "derive=true"] {
        cli.refuses(ALICE, &format!("{line} {mixed}"), "strict");
    }
    assert_eq!(cli.key_count(ALICE), 0);
    let key = |line: &str| cli.ok(ALICE, line)["key"]["attributes"].clone();
    let wrapping = key(line);
    assert_eq!((&wrapping["wrap"], &wrapping["sign"]), (&json!(true), &json!(false)));
    let plain = key("key generate-symmetric aes --label m --key-length-bytes 32");
    assert_eq!((&plain["wrap"], &plain["sign"]), (&json!(false), &json!(true)));
}

#[test]
fn what_is_not_there_says_so() {
    let cli = Cli::new();
    for line in [
        "key replicate --filter attr.label=x --source-cluster-id a",
        "user replicate --username a",
        "user change-mfa token-sign --token f",
        "cluster mtls get-enforcement",
        "login mfa-token-sign --token f",
    ] {
        cli.refuses(NOBODY, line, "is not offered");
    }
}

#[test]
fn what_is_said_twice_or_is_no_number_is_refused() {
    let cli = Cli::new();
    let generate = "key generate-symmetric aes --label k --key-length-bytes 16 --attributes";
    for ids in ["id=0x01 id=0x02", "id=0x01 id=0x01", "id= id=0x01"] {
        cli.refuses(ALICE, &format!("{generate} {ids}"), "The attribute id is given twice.");
    }
    assert_eq!(cli.key_count(ALICE), 0);
    cli.mistyped(ALICE, "key list --filter key-reference=0x+1", "a key reference is 0x and hexadecimal digits");
}

/// The key is there, and its reference is nowhere else.
#[test]
fn a_reference_that_cannot_be_printed_is_said_on_standard_error() {
    let cli = Cli::new();
    let full = |command: &str| {
        let script = format!("exec \"$0\" {command} >/dev/full");
        let run = cli.place.start("sh", &["-c", &script, PROGRAM]);
        let outcome = run.env("CLOUDHSM_ROLE", "crypto-user").env("CLOUDHSM_PIN", format!("alice:{PIN}")).outcome();
        assert_eq!(outcome.code, 1, "{command}: {outcome:?}");
        assert!(outcome.err.contains("the answer cannot be written: No space left on device"), "{outcome:?}");
        outcome.err
    };
    let references = || {
        let listed = cli.ok(ALICE, "key list");
        let keys = listed["matched_keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["key-reference"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let said = full("key generate-symmetric aes --label k --key-length-bytes 16");
    let [key] = &references()[..] else { panic!("{said}") };
    assert!(said.ends_with(&format!("; the command was carried out: key {key}\n")), "{said}");
    let said = full("key generate-asymmetric-pair ec --curve secp256r1 --public-label p --private-label q");
    assert!(said.contains("carried out: public key 0x") && said.contains(", private key 0x"), "{said}");
    assert!(references().iter().filter(|key| said.contains(key.as_str())).count() == 2, "{said}");
    assert!(!full("key list").contains("carried out"));
}
