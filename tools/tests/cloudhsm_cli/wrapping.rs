//! key wrap, key unwrap.

use serde_json::{Value, json};

use super::cli::{ALICE, BOB, Cli, from_base64, key};

/// An HSM where alice has a wrapping key `w`, a pair `p` and `q` to wrap with, and keys `k`, `g`, `e` and `r` to wrap.
fn with_keys() -> Cli {
    let cli = Cli::new();
    let said = cli.session(
        ALICE,
        &[
            "key generate-symmetric aes --label w --key-length-bytes 32 --attributes wrap=true unwrap=true",
            "key generate-symmetric aes --label k --key-length-bytes 32",
            "key generate-symmetric generic-secret --label g --key-length-bytes 21",
            "key generate-asymmetric-pair rsa --public-exponent 65537 --modulus-size-bits 2048 --public-label p \
             --private-label q --public-attributes wrap=true --private-attributes unwrap=true",
            "key generate-asymmetric-pair ec --curve secp256r1 --public-label ep --private-label e \
             --private-attributes sign=true",
        ],
    );
    assert!(said.iter().all(|answer| answer["error_code"] == 0), "{said:?}");
    cli
}

fn check_value(cli: &Cli, label: &str) -> Value {
    let found = cli.ok(ALICE, &format!("key list --verbose --filter attr.label={label}"));
    found["matched_keys"][0]["attributes"]["check-value"].clone()
}

#[test]
fn every_method_brings_a_key_out_and_in() {
    let cli = with_keys();
    let oaep = "--hash-function sha256 --mgf mgf1-sha256";
    for (method, options, wrapping, unwrapping, bytes) in [
        ("aes-gcm", "--tag-length-bits 128 --aad 0x10", "w", "w", 48),
        ("aes-gcm", "--tag-length-bits 64", "w", "w", 40),
        ("cloudhsm-aes-gcm", "--tag-length-bits 128 --aad 0x10", "w", "w", 60),
        ("aes-no-pad", "", "w", "w", 40),
        ("aes-pkcs5-pad", "", "w", "w", 48),
        ("aes-zero-pad", "", "w", "w", 40),
        ("rsa-aes", oaep, "p", "q", 296),
        ("rsa-oaep", oaep, "p", "q", 256),
        ("rsa-oaep", "--hash-function sha512 --mgf mgf1-sha512", "p", "q", 256),
        ("rsa-pkcs", "", "p", "q", 256),
    ] {
        let hyphens = method.starts_with("rsa");
        let name = |name: &str| if hyphens { name.replace('_', "-") } else { name.to_owned() };
        let mut expected = json!({});
        let mut set =
            |field: &str, value: &str| drop(expected.as_object_mut().unwrap().insert(name(field), json!(value)));
        set("payload_key_reference", "~reference");
        set("wrapping_key_reference", "~reference");
        if method == "aes-gcm" {
            set("iv", "~hex:12");
        }
        let in_file = expected.clone();
        expected.as_object_mut().unwrap().insert(name("wrapped_key_data"), json!(format!("~base64:{bytes}")));
        let wrap = format!(
            "key wrap {method} --payload-filter attr.label=k --wrapping-filter attr.label={wrapping} {options}"
        );
        let answer = cli.answers(ALICE, &wrap, &expected);
        let data = answer[name("wrapped_key_data")].as_str().unwrap();
        let iv = |answer: &Value| answer["iv"].as_str().map(|iv| format!("--iv {iv}")).unwrap_or_default();
        let unwrap = format!(
            "key unwrap {method} --filter attr.label={unwrapping} --key-type-class aes --label back {options} \
             --attributes encrypt=true"
        );
        let back = json!({ "key": key(&json!({ "attributes": {
            "label": "back", "local": false, "always-sensitive": false, "encrypt": true,
        } })) });
        let from_data = cli.answers(ALICE, &format!("{unwrap} --data {data} {}", iv(&answer)), &back);
        assert_eq!(from_data["key"]["attributes"]["check-value"], check_value(&cli, "k"), "{method}");
        let answer = cli.answers(ALICE, &format!("{wrap} --path wrapped"), &in_file);
        assert_eq!(cli.file("wrapped").len(), bytes, "{method}");
        let from_file = cli.answers(
            ALICE,
            &format!("{unwrap} --session --data-path wrapped {}", iv(&answer)),
            &json!({
                "key": key(&json!({
                    "key-info": { "cluster-coverage": "session" },
                    "attributes": {
                        "label": "back", "local": false, "always-sensitive": false, "encrypt": true, "token": false,
                    },
                })),
            }),
        );
        assert_eq!(from_file["key"]["attributes"]["check-value"], check_value(&cli, "k"), "{method}");
        let mut changed = from_base64(data).unwrap();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        cli.write("changed", &changed);
        let before = cli.key_count(ALICE);
        if method != "rsa-pkcs" {
            let outcome = cli.run(ALICE, &format!("{unwrap} --data-path changed {}", iv(&answer)));
            assert_eq!(outcome.code, 1, "{method}: {outcome:?}");
        }
        assert_eq!(cli.key_count(ALICE), before);
    }
}

#[test]
fn an_iv_has_a_length() {
    let cli = with_keys();
    let line = "key unwrap aes-gcm --filter attr.label=w --key-type-class aes --label back --tag-length-bits 128 --data \
                AAAA --iv 0000";
    cli.refuses(ALICE, line, "the IV has 12 bytes, not 2");
}

#[test]
fn keys_of_every_kind_come_back_with_their_terms() {
    let cli = with_keys();
    for (label, kind, id, shown) in [
        (
            "g",
            "generic-secret",
            "0x05",
            json!({ "key-type": "generic-secret", "check-value": null, "key-length-bytes": 21 }),
        ),
        (
            "e",
            "ec-private",
            "0x06",
            json!({
                "key-type": "ec", "class": "private-key", "sign": false, "verify": false, "key-length-bytes": 138,
                "ec-point": "~hex:65", "curve": "prime256v1",
            }),
        ),
    ] {
        let line = format!(
            "key wrap aes-zero-pad --payload-filter attr.label={label} --wrapping-filter attr.label=w --path f"
        );
        cli.ok(ALICE, &line);
        let mut attributes = json!({ "label": "back", "local": false, "always-sensitive": false, "id": id });
        attributes.as_object_mut().unwrap().extend(shown.as_object().unwrap().clone());
        let expected = json!({ "key": key(&json!({
            "key-info": {
                "shared-users": [{ "username": "bob", "key-coverage": "full" }],
                "key-quorum-values": { "manage-key-quorum-value": 2, "use-key-quorum-value": 2 },
            },
            "attributes": attributes,
        })) });
        let line = format!(
            "key unwrap aes-zero-pad --filter attr.label=w --key-type-class {kind} --label back --data-path f \
             --attributes id={id} --share-crypto-users bob --manage-key-quorum-value 2 --use-key-quorum-value 2"
        );
        cli.answers(ALICE, &line, &expected);
    }
    assert_eq!(cli.ok(BOB, "key list --filter attr.label=back")["total_key_count"], 2);
}

#[test]
fn openssl_unwraps_what_rsa_wrapped() {
    let cli = Cli::new();
    cli.openssl("genrsa -out r.pem 2048");
    cli.openssl("pkey -in r.pem -pubout -out rp.pem");
    cli.ok(ALICE, "key import pem --path rp.pem --label theirs --key-type-class rsa-public --attributes wrap=true");
    cli.ok(ALICE, "key generate-symmetric generic-secret --label g --key-length-bytes 21");
    let line = "--payload-filter attr.label=g --wrapping-filter attr.label=theirs --path f";
    cli.ok(ALICE, &format!("key wrap rsa-oaep {line} --hash-function sha256 --mgf mgf1-sha256"));
    cli.openssl(
        "pkeyutl -decrypt -inkey r.pem -in f -out g -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256",
    );
    assert_eq!(cli.file("g").len(), 21);
}

#[test]
fn what_cannot_be_wrapped_or_unwrapped_is_refused() {
    let cli = with_keys();
    let said = cli.session(
        ALICE,
        &[
            "key generate-symmetric aes --label inside --key-length-bytes 32 --attributes extractable=false",
            "key generate-symmetric aes --label choosy --key-length-bytes 32 --attributes wrap-with-trusted=true",
            "key share --filter attr.label=k --username bob --role crypto-user",
            "key share --filter attr.label=w --username bob --role crypto-user",
        ],
    );
    assert!(said.iter().all(|answer| answer["error_code"] == 0), "{said:?}");
    let keys = |payload: &str, wrapping: &str| {
        format!("--payload-filter attr.label={payload} --wrapping-filter attr.label={wrapping} --path none")
    };
    for (who, line, words) in [
        (ALICE, format!("aes-zero-pad {}", keys("inside", "w")), "CKA_EXTRACTABLE"),
        (ALICE, format!("aes-zero-pad {}", keys("choosy", "w")), "only a trusted key wraps this one"),
        (ALICE, format!("aes-zero-pad {}", keys("k", "g")), "type does not fit"),
        (ALICE, format!("aes-zero-pad {}", keys("g", "k")), "CKA_WRAP"),
        (ALICE, format!("aes-zero-pad {}", keys("k", "none")), "matched 0 keys"),
        (ALICE, format!("aes-zero-pad {}", keys("none", "w")), "matched 0 keys"),
        (ALICE, format!("aes-no-pad {}", keys("g", "w")), "multiple of 8 bytes"),
        (ALICE, format!("rsa-pkcs {}", keys("k", "w")), "does not fit"),
        (ALICE, format!("aes-gcm --tag-length-bits 32 {}", keys("k", "w")), "not 32"),
        (ALICE, format!("aes-gcm --tag-length-bits 129 {}", keys("k", "w")), "not 129"),
        (ALICE, format!("aes-gcm --tag-length-bits 128 --aad xyz {}", keys("k", "w")), "--aad"),
        (ALICE, format!("rsa-oaep --hash-function sha1 --mgf mgf1-sha256 {}", keys("k", "p")), "--mgf"),
        (BOB, format!("aes-zero-pad {}", keys("k", "w")), "belongs to another user"),
    ] {
        cli.refuses(who, &format!("key wrap {line}"), words);
    }
    assert!(!cli.place.path("none").exists());
    cli.mistyped(ALICE, &format!("key wrap aes-gcm {}", keys("k", "w")), "--tag-length-bits");
    cli.mistyped(ALICE, &format!("key wrap des3 {}", keys("k", "w")), "unrecognized subcommand");
    let before = cli.key_count(ALICE);
    let unwrap = "--filter attr.label=w --label back";
    for (line, words) in [
        (format!("aes-zero-pad {unwrap} --key-type-class aes --data AAAA"), "length"),
        (format!("aes-zero-pad {unwrap} --key-type-class aes --data ?"), "--data is no base64"),
        (format!("aes-zero-pad {unwrap} --key-type-class aes --data-path none"), "cannot be read"),
        (format!("cloudhsm-aes-gcm {unwrap} --key-type-class aes --tag-length-bits 128 --data AAAA"), "too short"),
        (
            format!("aes-zero-pad {unwrap} --key-type-class aes --data AAAA --use-key-quorum-value 2"),
            "Invalid quorum value provided.",
        ),
    ] {
        cli.refuses(ALICE, &format!("key unwrap {line}"), words);
    }
    cli.mistyped(ALICE, &format!("key unwrap aes-zero-pad {unwrap} --key-type-class aes"), "--data");
    cli.mistyped(
        ALICE,
        &format!("key unwrap aes-zero-pad {unwrap} --key-type-class rsa-public --data AAAA"),
        "rsa-private",
    );
    assert_eq!(cli.key_count(ALICE), before);
}

#[test]
fn a_wrapped_key_does_not_take_the_place_of_an_approval() {
    let cli = Cli::new();
    cli.ok(ALICE, "key generate-symmetric aes --label k --key-length-bytes 16 --attributes wrap=true");
    cli.write("token", "{}");
    let line = "key wrap aes-zero-pad --payload-filter attr.label=k --wrapping-filter attr.label=k";
    for option in ["--payload-approval", "--wrapping-approval"] {
        let words = format!("--path and {option} name one file, ./token");
        cli.refuses(ALICE, &format!("{line} --path ./token {option} token"), &words);
    }
    assert_eq!(cli.file("token"), b"{}");
}
