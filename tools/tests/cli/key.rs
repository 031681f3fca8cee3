//! `strongroom key`.

use serde_json::{Value, json};

use super::place::{PIN, Place};

fn generate(place: &Place, arguments: &[&str]) -> Value {
    place.run(&[&["key", "generate"], arguments].concat()).pins().json()["key"].clone()
}

fn list(place: &Place, arguments: &[&str]) -> Vec<Value> {
    place.run(&[&["key", "list"], arguments].concat()).pins().json()["keys"].as_array().unwrap().clone()
}

#[test]
fn generate_makes_what_was_asked() {
    let place = Place::with_token();
    let key = generate(&place, &["--type", "aes", "--size", "128", "--label", "orders", "--id", "0a:0B"]);
    assert_eq!((key["number"].as_u64(), key["size_bits"].as_u64()), (Some(1), Some(128)));
    assert_eq!((key["label"].as_str(), key["id"].as_str()), (Some("orders"), Some("0a0b")));
    assert_eq!(key["kcv"].as_str().unwrap().len(), 6);
    assert_eq!(key["unique_id"].as_str().unwrap().len(), 32);
    assert_eq!((&key["private"], &key["sensitive"], &key["extractable"]), (&json!(true), &json!(true), &json!(false)));
    assert_eq!(key["usage"], json!(["encrypt", "decrypt", "sign", "verify", "wrap", "unwrap"]));
    let chosen = ["--usage", "wrap,unwrap", "--extractable", "--sensitive", "false", "--private", "false"];
    let key = generate(&place, &[&["--type", "aes"], &chosen[..]].concat());
    assert_eq!((key["size_bits"].as_u64(), &key["usage"]), (Some(256), &json!(["wrap", "unwrap"])));
    assert_eq!((&key["private"], &key["sensitive"], &key["extractable"]), (&json!(false), &json!(false), &json!(true)));
    let out = place.run(&["key", "generate", "--type", "generic", "--size", "512", "--label", "s"]).pins().succeeds();
    assert!(out.starts_with("Generated generic key 3 \"s\", 512 bits"), "{out}");
}

#[test]
fn every_type_in_the_help_can_be_generated() {
    let place = Place::with_token();
    let help = place.run(&["key", "generate", "--help"]).succeeds().replace('\n', " ");
    let listed = |heading: &str| {
        let list = help.split(heading).nth(1).unwrap_or_else(|| panic!("{heading}: {help}"));
        list.split('.').next().unwrap().split(", ").map(|name| name.trim().to_owned()).collect::<Vec<String>>()
    };
    let types = [listed("Types of secret key:"), listed("Types of pair:")].concat();
    assert!(types.len() > 40, "{types:?}");
    // A search for primes of DSA takes seconds, which is not what this is about.
    let types = types.iter().filter(|name| !matches!(name.as_str(), "dsa" | "x942-dh"));
    for name in types.clone() {
        assert_eq!(generate(&place, &["--type", name])["type"], **name);
    }
    let secret = list(&place, &["--class", "secret"]).len();
    let pairs = list(&place, &["--class", "private"]).len();
    assert_eq!((secret + pairs, list(&place, &["--class", "public"]).len()), (types.count(), pairs));
    assert_eq!(list(&place, &["--type", "des3"])[0]["size_bits"], 192);
}

#[test]
fn generate_refuses_what_cannot_be() {
    let place = Place::with_token();
    let run = |arguments: &[&str]| place.run(&[&["key", "generate"], arguments].concat()).pins();
    run(&[]).refused(2, &["--type"]);
    run(&["--type", "aes", "--size", "100"]).refused(2, &["--size 100", "128, 192, 256 bits"]);
    run(&["--type", "aes", "--size", "32"]).refused(2, &["--size 32"]);
    run(&["--type", "rc4", "--size", "2048"]).refused(2, &["8 to 2040"]);
    run(&["--type", "aes", "--size", "big"]).refused(2, &["big", "a whole number is needed"]);
    run(&["--type", "aes-100"]).refused(2, &["aes keys have 128, 192, 256 bits"]);
    run(&["--type", "aes-128", "--size", "256"]).refused(2, &["--size 256", "aes-128"]);
    let short = run(&["--type", "rsa4096"]).refused(2, &["did you mean rsa-4096? --help"]);
    assert!(short.len() < 160, "{short}");
    run(&["--type", "P256"]).refused(2, &["did you mean --type ec --curve P-256?"]);
    let types = run(&["--type", "x509"]).refused(2, &["no such type", "'strongroom key generate --help' lists them"]);
    assert!(!types.contains("generic"), "{types}");
    assert_eq!(types.matches("--help").count(), 1, "{types}");
    run(&["--type", "aes", "--id", "xyz"]).refused(2, &["hexadecimal"]);
    run(&["--type", "aes", "--usage", "encrypt,fly"]).refused(2, &["fly", "the usages are"]);
    run(&["--type", "aes", "--mechanisms", "ROT13"]).refused(2, &["ROT13", "strongroom mechanisms"]);
    run(&["--type", "aes", "--mechanisms", "AES_GCM,RSA_PKCS"]).refused(2, &["CKM_RSA_PKCS: it does not use aes keys"]);
    run(&["--type", "ec", "--usage", "verify"]).refused(2, &["the private ec key could do nothing", "sign,derive"]);
    run(&["--type", "aes", "--sensitive", "maybe"]).refused(2, &["maybe"]);
    place.run(&["key", "generate", "--type", "aes"]).refused(1, &["--pin-file", "--pin-fd", "STRONGROOM_PIN"]);
    place.run(&["key", "generate", "--type", "aes"]).env("STRONGROOM_PIN", "wrong").refused(1, &["the PIN is wrong"]);
    assert_eq!(list(&place, &[]).len(), 0);
}

#[test]
fn the_tokens_policy_decides_what_is_generated() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "f", "--policy", "fips"]).pins().succeeds();
    let message = place.run(&["key", "generate", "--type", "rc4"]).pins().refused_json(1, "CKR_MECHANISM_INVALID");
    assert!(message.contains("policy is \"fips\"") && message.contains("CKM_RC4_KEY_GEN"), "{message}");
    assert_eq!(generate(&place, &["--type", "aes"])["type"], "aes");
}

#[test]
fn list_chooses() {
    let place = Place::with_token();
    assert!(place.run(&["key", "list"]).pins().succeeds().starts_with("There are no keys yet; make one with: "));
    for choice in [&["--public"][..], &["--class", "secret"], &["--label", "a"]] {
        let run = place.run(&[&["key", "list"], choice].concat()).env("STRONGROOM_PIN", PIN);
        assert_eq!(run.succeeds(), "There is no such key.\n");
    }
    generate(&place, &["--type", "aes", "--label", "a", "--id", "01"]);
    generate(&place, &["--type", "generic", "--label", "a"]);
    generate(&place, &["--type", "aes", "--label", "open", "--private", "false"]);
    let numbers = |arguments: &[&str]| -> Vec<u64> {
        list(&place, arguments).iter().map(|key| key["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&[]), [1, 2, 3]);
    assert_eq!(numbers(&["--label", "a"]), [1, 2]);
    assert_eq!(numbers(&["--type", "aes"]), [1, 3]);
    assert_eq!((numbers(&["--type", "aes-256"]), numbers(&["--type", "aes-128"])), (vec![1, 3], vec![]));
    assert_eq!(numbers(&["--label", "a", "--type", "aes"]), [1]);
    assert_eq!(numbers(&["--id", "01"]), [1]);
    assert_eq!(numbers(&["--id", "02"]), [0; 0]);
    let public = place.run(&["key", "list", "--public"]).json();
    assert_eq!(public["keys"].as_array().unwrap().len(), 1);
    assert_eq!(public["keys"][0]["label"], "open");
    place.run(&["key", "list", "--public", "--user", "user"]).refused(2, &["--public"]);
    let text = place.run(&["key", "list"]).pins().succeeds();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("NUMBER  LABEL  ID  CLASS   TYPE     BITS  KCV     FLAGS"), "{text}");
    assert!(lines[3].contains("open") && lines[3].contains("public,sensitive"), "{text}");
}

#[test]
fn show_tells_all_but_secrets() {
    let place = Place::with_token();
    generate(&place, &["--type", "aes", "--label", "k", "--mechanisms", "AES_GCM,CKM_AES_CMAC"]);
    let text = place.run(&["key", "show", "k"]).pins().succeeds();
    let told = |name, value| text.lines().any(|line| line.split_whitespace().eq([name, value]));
    for (name, value) in [
        ("CKA_ALWAYS_SENSITIVE", "true"),
        ("CKA_KEY_GEN_MECHANISM", "CKM_AES_KEY_GEN"),
        ("CKA_VALUE_LEN", "32"),
        ("CKA_VALUE", "(sensitive)"),
    ] {
        assert!(told(name, value), "{name}: {text}");
    }
    assert!(text.contains("CKM_AES_GCM, CKM_AES_CMAC"), "{text}");
    let key = place.run(&["key", "show", "1"]).pins().json()["key"].clone();
    assert_eq!(key["owner"], "user");
    assert_eq!(key["attributes"]["value"], Value::Null);
    assert_eq!(key["attributes"]["never_extractable"], true);
    assert_eq!(key["attributes"]["allowed_mechanisms"], json!(["CKM_AES_GCM", "CKM_AES_CMAC"]));
    assert_eq!(key["attributes"]["class"], "secret key");
}

#[test]
fn a_value_is_shown_on_demand_only() {
    let place = Place::with_token();
    generate(&place, &["--type", "aes", "--label", "open", "--sensitive", "false", "--extractable"]);
    generate(&place, &["--type", "aes", "--label", "closed"]);
    let value = |arguments: &[&str]| place.run(arguments).pins().json()["key"]["attributes"]["value"].clone();
    assert_eq!(value(&["key", "show", "open"]), Value::Null);
    let text = place.run(&["key", "show", "open"]).pins().succeeds();
    assert!(text.contains("(32 bytes, not sensitive; --reveal shows them)"), "{text}");
    assert_eq!(value(&["key", "show", "open", "--reveal"]).as_str().unwrap().len(), 64);
    assert_eq!(value(&["key", "show", "closed", "--reveal"]), Value::Null);
    let noted = place.run(&["key", "show", "closed", "--reveal"]).pins().outcome();
    let warning = "strongroom: warning: the aes key 2 \"closed\" is sensitive: its value stays inside";
    assert!(noted.code == 0 && noted.err.starts_with(warning), "{noted:?}");
    for arguments in [&["key", "show", "open", "--reveal"][..], &["key", "show", "closed"]] {
        assert_eq!(place.run(arguments).pins().outcome().err, "");
    }
    generate(&place, &["--type", "aes", "--label", "fixed", "--sensitive", "false"]);
    let noted = place.run(&["key", "show", "fixed", "--reveal"]).pins().outcome();
    assert!(noted.err.contains("is not extractable: its value stays inside"), "{noted:?}");
}

#[test]
fn a_key_is_chosen_by_number_label_and_id() {
    let place = Place::with_token();
    generate(&place, &["--type", "aes", "--label", "2", "--id", "ff01"]);
    generate(&place, &["--type", "aes", "--label", "twin"]);
    generate(&place, &["--type", "generic", "--label", "twin"]);
    let number = |wanted: &str| place.run(&["key", "show", wanted]).pins().json()["key"]["number"].clone();
    assert_eq!(number("2"), 2, "digits are a number");
    assert_eq!(number("label=2"), 1);
    assert_eq!(number("id=ff01"), 1);
    place.run(&["key", "show", "absent"]).pins().refused(1, &["no key \"absent\"", "strongroom key list"]);
    place.run(&["key", "show", "99"]).pins().refused(1, &["no key 99", "label=99"]);
    place.run(&["key", "show", "99"]).pins().refused_json(1, "CKR_OBJECT_HANDLE_INVALID");
    place.run(&["key", "show", "id=zz"]).pins().refused(2, &["id=zz"]);
    place.run(&["key", "show", "twin"]).pins().refused(1, &["2 keys are \"twin\"", "2 (aes), 3 (generic)"]);
    place.run(&["key", "show"]).refused(2, &["<KEY>"]);
}

#[test]
fn delete_deletes_one_and_asks_before() {
    let place = Place::with_token();
    for label in ["twin", "twin", "single"] {
        generate(&place, &["--type", "aes", "--label", label]);
    }
    place.run(&["key", "delete", "twin", "--yes"]).pins().refused(1, &["2 keys are \"twin\"", "1 (aes), 2 (aes)"]);
    place.run(&["key", "delete", "single"]).pins().refused(2, &["--yes"]);
    assert_eq!(list(&place, &[]).len(), 3);
    assert_eq!(place.run(&["key", "delete", "single", "--yes"]).pins().json()["deleted"]["number"], 3);
    place.run(&["key", "delete", "1", "--yes"]).pins().succeeds();
    assert_eq!(list(&place, &[]).len(), 1);
    place.run(&["key", "delete", "single", "--yes"]).pins().refused(1, &["no key \"single\""]);
    let dialogue = [
        ("PIN of user \"user\":", format!("{PIN}\n")),
        ("Delete the aes key 2 \"twin\" for ever? [y/N]", "n\n".into()),
    ];
    let dialogue: Vec<(&str, &str)> = dialogue.iter().map(|(question, answer)| (*question, answer.as_str())).collect();
    let kept = place.at_terminal(&["key", "delete", "2"], &dialogue);
    assert_eq!(kept.code, 1, "{kept:?}");
    assert!(kept.out.contains("nothing was changed"), "{kept:?}");
    let agreed = [dialogue[0], (dialogue[1].0, "y\n")];
    assert_eq!(place.at_terminal(&["key", "delete", "2"], &agreed).code, 0);
    assert_eq!(list(&place, &[]).len(), 0);
}

#[test]
fn ten_thousand_keys_are_listed() {
    use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
    use strongroom_core::hsm::{Hsm, Options};
    use strongroom_core::mechanism::{Call, Parameter, named};
    let place = Place::with_token();
    let hsm = Hsm::start(Options { dir: Some(place.tokens()), conf: Some(place.path("strongroom.toml")) }).unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(1, Some(PIN.as_bytes()), None).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for _ in 0..1000 {
                    let entry = |attribute, value| Entry { attribute: AttributeType(attribute), value };
                    let entries = vec![
                        entry(0x1, Given::Flag(Flag::Token, true)),
                        entry(0x3, Given::Bytes(b"many")),
                        entry(0x161, Given::Ulong(32)),
                    ];
                    let call = Call { mechanism: named("AES_KEY_GEN").unwrap(), parameter: Parameter::None };
                    session.generate_key(&call, &Template::from_entries(entries)).unwrap();
                }
            });
        }
    });
    let start = std::time::Instant::now();
    assert_eq!(list(&place, &[]).len(), 10_000);
    assert_eq!(list(&place, &["--label", "many"]).len(), 10_000);
    // Both together take a third of a second on an idle machine; a listing that is not linear takes minutes.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    place.run(&["key", "show", "many"]).pins().refused(1, &["10000 keys are \"many\"", "and 9990 more"]);
}
