//! What a token has already, and several objects of one label.

use serde_json::{Value, json};

use super::pairs::openssl;
use super::place::{Place, set_mode};

/// A private key and its certificate, as `web.key` and `web.crt`.
fn web(place: &Place) {
    openssl(place, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "web.key"]);
    openssl(place, &["req", "-x509", "-key", "web.key", "-subj", "/CN=web", "-days", "3", "-out", "web.crt"]);
    openssl(place, &["pkey", "-in", "web.key", "-pubout", "-out", "web.pub"]);
    set_mode(&place.path("web.key"), 0o600);
}

fn import(place: &Place, file: &str, arguments: &[&str]) -> Value {
    let path = place.path(file);
    place.run(&[&["key", "import", path.to_str().unwrap()], arguments].concat()).pins().json()
}

fn count(place: &Place) -> usize {
    place.run(&["key", "list"]).pins().json()["keys"].as_array().unwrap().len()
}

#[test]
fn what_the_token_has_is_imported_again_only_by_force() {
    let place = Place::with_token();
    web(&place);
    for (file, has) in [
        ("web.key", "this key already: the private ec P-256 key 1 \"web\""),
        ("web.pub", "this key already: the public ec P-256 key 2 \"web\""),
        ("web.crt", "this certificate already: the x509 certificate 3 \"web\""),
    ] {
        if file != "web.pub" {
            assert_eq!(import(&place, file, &["--label", "web"])["warning"], Value::Null);
        }
        let path = place.path(file).to_str().unwrap().to_owned();
        place.run(&["key", "import", &path, "--label", "other"]).pins().refused(1, &[has, "--force imports it again"]);
        place.run(&["key", "import", &path]).pins().refused_json(1, "CKR_ACTION_PROHIBITED");
    }
    assert_eq!(count(&place), 3);
    let again = import(&place, "web.key", &["--force"]);
    assert_eq!((&again["key"]["number"], &again["public_key"]["number"]), (&json!(4), &json!(2)), "{again}");
    assert_eq!(again["known"], json!([2]));
    import(&place, "web.crt", &["--force"]);
    import(&place, "web.pub", &["--force"]);
    assert_eq!(count(&place), 6);
}

#[test]
fn of_a_pair_the_half_that_is_new_is_imported() {
    let place = Place::with_token();
    web(&place);
    let alone = import(&place, "web.key", &["--private-only", "--label", "web"]);
    assert_eq!((&alone["key"]["number"], &alone["public_key"]), (&json!(1), &Value::Null));
    let path = place.path("web.key").to_str().unwrap().to_owned();
    place.run(&["key", "import", &path, "--private-only"]).pins().refused(1, &["the private ec P-256 key 1 \"web\""]);
    let out = place.run(&["key", "import", &path]).pins().succeeds();
    let told = "The token has the private ec P-256 key 1 \"web\" already. Imported the public ec P-256 key ";
    assert!(out.starts_with(told), "{out}");
    assert_eq!(count(&place), 2);
    let number = place.run(&["key", "list", "--class", "private"]).pins().json()["keys"][0]["number"].to_string();
    place.run(&["key", "delete", &number, "--yes"]).pins().succeeds();
    let out = place.run(&["key", "import", &path]).pins().succeeds();
    assert!(out.contains(" was there, KCV "), "{out}");
    assert_eq!(count(&place), 2);
}

#[test]
fn a_secret_key_with_the_same_check_value_is_warned_of() {
    let place = Place::with_token();
    place.secret_file("value", "000102030405060708090a0b0c0d0e0f");
    place.secret_file("other", "ff0102030405060708090a0b0c0d0e0f");
    assert_eq!(import(&place, "value", &["--type", "aes", "--label", "k"])["warning"], Value::Null);
    assert_eq!(import(&place, "other", &["--type", "aes"])["warning"], Value::Null);
    let warning = import(&place, "value", &["--type", "aes"])["warning"].clone();
    assert_eq!(warning, "the aes key 1 \"k\" has the same check value: it is probably the same key");
}

#[test]
fn a_label_in_use_is_noted() {
    let place = Place::with_token();
    let generate = |arguments: &[&str]| place.run(&[&["key", "generate"], arguments].concat()).pins().outcome();
    assert_eq!(generate(&["--type", "aes", "--label", "k"]).err, "");
    assert_eq!(generate(&["--type", "aes"]).err, "");
    assert_eq!(generate(&["--type", "aes"]).err, "", "no label is not the same label");
    for kind in ["aes", "ed25519"] {
        let noted = generate(&["--type", kind, "--label", "k"]);
        assert_eq!(noted.code, 0, "{noted:?}");
        assert!(noted.err.starts_with("strongroom: warning: the aes key 1 has the label \"k\" too"), "{noted:?}");
    }
    assert_eq!(count(&place), 6);
}

#[test]
fn a_certificate_with_the_label_of_its_pair_is_no_obstacle() {
    let place = Place::with_token();
    web(&place);
    import(&place, "web.key", &["--label", "web"]);
    import(&place, "web.crt", &[]);
    let shown = place.run(&["key", "show", "web"]).pins().json();
    let class = |shown: &Value| shown["class"].as_str().unwrap_or_default().to_owned();
    assert_eq!((class(&shown["key"]), class(&shown["public_key"])), ("private".to_owned(), "public".to_owned()));
    assert_eq!(
        (shown["certificates"].as_array().unwrap().len(), class(&shown["certificates"][0])),
        (1, "certificate".into())
    );
    let text = place.run(&["key", "show", "web"]).pins().succeeds();
    assert!(text.contains("CKA_PRIVATE_EXPONENT") || text.contains("CKA_EC_PARAMS"), "{text}");
    assert_eq!(text.matches("\nClass ").count(), 3, "{text}");
    let words = &["3 keys are \"web\"", "the number of one", "a --class, or --pair", "3 (x509 certificate)"];
    place.run(&["key", "delete", "web", "--yes"]).pins().refused(1, words);
    place
        .run(&["key", "delete", "web", "--pair"])
        .pins()
        .refused(2, &["--yes", "1 \"web\" and the public ec P-256 key 2"]);
    let out = place.run(&["key", "delete", "web", "--pair", "--yes"]).pins().succeeds();
    assert!(out.ends_with("key 2 \"web\".\nThere is still the x509 certificate 3 \"web\".\n"), "{out}");
    let certificate = place.run(&["key", "show", "web"]).pins().json();
    assert_eq!((class(&certificate["key"]), &certificate["certificates"]), ("certificate".to_owned(), &Value::Null));
    place
        .run(&["key", "delete", "web", "--pair", "--yes"])
        .pins()
        .refused(1, &["x509 certificate 3 \"web\" is not one"]);
}

#[test]
fn certificates_of_a_deleted_pair_are_told_whatever_their_label() {
    let place = Place::with_token();
    web(&place);
    let pair = import(&place, "web.key", &["--label", "web"]);
    import(&place, "web.crt", &["--label", "elsewhere"]);
    let half = pair["public_key"]["number"].to_string();
    let gone = place.run(&["key", "delete", &half, "--pair", "--yes"]).pins().json();
    assert_eq!((&gone["deleted"]["number"], &gone["deleted_public_key"]["number"]), (&json!(1), &json!(2)));
    assert_eq!(gone["certificates_kept"], json!([{ "number": 3, "label": "elsewhere" }]));
}

#[test]
fn a_certificate_is_written_as_a_whole() {
    let place = Place::with_token();
    web(&place);
    import(&place, "web.key", &["--label", "web"]);
    place.run(&["key", "certificate", "web"]).pins().refused(1, &["no certificate \"web\"", "--class certificate"]);
    import(&place, "web.crt", &[]);
    let pem = openssl(&place, &["x509", "-in", "web.crt"]);
    // Nobody has to log in for what anyone may see.
    assert_eq!(place.run(&["key", "certificate", "web"]).succeeds(), pem);
    assert_eq!(place.run(&["key", "certificate", "3"]).json()["certificate"]["pem"], pem);
    for half in ["1", "2"] {
        assert_eq!(place.run(&["key", "certificate", half]).pins().succeeds(), pem, "a key leads to its certificate");
    }
    let out = place.path("out.crt").to_str().unwrap().to_owned();
    let told = place.run(&["key", "certificate", "web", "--out", &out]).succeeds();
    assert_eq!(told, format!("Wrote the x509 certificate 3 \"web\" to {out}.\n"));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), pem);
    place.run(&["key", "certificate", "web", "--out", &out]).refused(1, &["out.crt is there already"]);
    let der = place.path("out.der").to_str().unwrap().to_owned();
    place.run(&["key", "certificate", "web", "--der", "--out", &der]).succeeds();
    assert_eq!(openssl(&place, &["x509", "-inform", "DER", "-in", "out.der"]), pem);
    assert_eq!(place.run(&["key", "certificate", "web", "--der"]).bytes(), std::fs::read(&der).unwrap());
    place.run(&["key", "certificate", "absent"]).pins().refused(1, &["no key \"absent\""]);
    place.run(&["key", "generate", "--type", "aes", "--label", "secret"]).pins().succeeds();
    place.run(&["key", "certificate", "secret"]).pins().refused(1, &["no certificate \"secret\""]);
    let import = openssl(&place, &["req", "-x509", "-key", "web.key", "-subj", "/CN=next", "-days", "3"]);
    place.run(&["key", "import", "-"]).input(&import).pins().succeeds();
    place.run(&["key", "certificate", "web"]).pins().refused(1, &["2 keys are \"web\"", "give the number of one"]);
}
