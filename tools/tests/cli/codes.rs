//! Exit codes: 2 where what was typed cannot be right, whatever tokens and files hold; 1 for every other refusal.

use super::place::{NEW_PIN, Place};

#[test]
fn what_cannot_be_right_is_code_2() {
    let place = Place::with_token();
    for arguments in [
        &["key", "frobnicate"][..],
        &["key", "list", "--frobnicate"],
        &["key", "list", "--pin-file", "a", "--pin-fd", "0"],
        &["key", "list", "--class", "secrets"],
        &["key", "show", "id=zz"],
        &["key", "list", "--user", "no name"],
        &["key", "generate", "--type", "generic", "--size", "7"],
        &["key", "generate", "--type", "aes-100"],
        &["key", "generate", "--type", "rsa-512"],
        &["key", "generate", "--type", "rsa", "--size", "512"],
        &["key", "generate", "--type", "dh-1000"],
        &["key", "generate", "--type", "ec", "--curve", "P-192"],
        &["key", "generate", "--type", "aes", "--mechanisms", "RSA_PKCS"],
        &["key", "import", "-", "--type", "rsa"],
        &["key", "import", "-", "--type", "aes", "--format", "hexa"],
        &["token", "init", "--label", "a", "--user", "no name"],
        &["token", "init", "--label", ""],
        &["token", "delete"],
        &["user", "add", "no name"],
        &["user", "delete", "user"],
        &["random", "0"],
    ] {
        let outcome = place.run(arguments).pins().outcome();
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{arguments:?}: {outcome:?}");
    }
}

#[test]
fn what_files_tokens_and_pins_are_not_is_code_1() {
    let place = Place::with_token();
    let absent = place.path("absent").to_str().unwrap().to_owned();
    let directory = place.path("").to_str().unwrap().to_owned();
    let empty = place.secret_file("empty", "");
    let pem = place.secret_file("pem", "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n");
    let refused = |arguments: &[&str]| {
        let outcome = place.run(arguments).pins().outcome();
        assert_eq!((outcome.code, outcome.out.as_str()), (1, ""), "{arguments:?}: {outcome:?}");
    };
    for arguments in [
        &["--conf", &absent, "key", "list"][..],
        &["--token", "b", "key", "list"],
        &["key", "import", &absent],
        &["key", "import", &directory],
        &["key", "import", &empty],
        &["key", "import", &pem],
        &["key", "import", &pem, "--type", "aes"],
        &["key", "import", &empty, "--type", "aes"],
        &["key", "list", "--pin-file", &absent],
        &["key", "list", "--pin-file", &directory],
        &["key", "list", "--pin-file", &empty],
        &["key", "list", "--pin-fd", "9"],
        &["key", "list", "--user", "nobody"],
        &["key", "show", "none"],
        &["key", "certificate", "none", "--out", &pem],
        &["user", "unlock", "nobody"],
    ] {
        refused(arguments);
    }
    place.run(&["key", "list"]).refused(1, &["--pin-file"]);
    place.run(&["key", "list"]).env("STRONGROOM_PIN", NEW_PIN).refused(1, &["the PIN is wrong"]);
    place.run(&["token", "init", "--label", "test", "--force"]).pins().succeeds();
    refused(&["key", "list"]);
    refused(&["key", "list", "--token", "test"]);
    place.run(&["key", "list"]).pins().refused_json(1, "CKR_ARGUMENTS_BAD");
    place.run(&["key", "list", "--token", "test"]).pins().refused_json(1, "CKR_ARGUMENTS_BAD");
    place.run(&["key", "list", "--token", "none"]).pins().refused_json(1, "CKR_SLOT_ID_INVALID");
}
