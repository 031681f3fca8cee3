//! What holds before and around the commands, and the commands that need no token.

use super::place::{PIN, Place};

#[test]
fn help_shows_the_first_three_commands() {
    let place = Place::new();
    let help = place.run(&["--help"]).succeeds();
    for line in [
        "strongroom token init --label first",
        "strongroom key generate --type aes --size 256 --label greeting",
        "strongroom key list",
    ] {
        assert!(help.contains(line), "{help}");
    }
    let lost = place.run(&[]).outcome();
    assert_eq!(lost.code, 2);
    assert!(lost.err.contains("Commands:") && lost.out.is_empty(), "{lost:?}");
}

#[test]
fn the_commands_of_the_first_help_work_as_they_stand() {
    let place = Place::new();
    let help = place.run(&["--help"]).succeeds();
    let commands: Vec<&str> =
        help.lines().skip_while(|line| !line.starts_with("The first three")).skip(1).take(3).map(str::trim).collect();
    assert_eq!(commands.len(), 3);
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        place.run(&words).pins().succeeds();
    }
    assert_eq!(place.run(&["key", "list"]).pins().json()["keys"][0]["label"], "greeting");
}

#[test]
fn every_command_has_examples() {
    let place = Place::new();
    let families: [(&str, &[&str]); 7] = [
        ("token", &["init", "list", "show", "delete"]),
        ("user", &["add", "list", "set-pin", "unlock", "delete"]),
        ("key", &["generate", "import", "public", "certificate", "list", "show", "delete"]),
        ("random", &[]),
        ("mechanisms", &[]),
        ("doctor", &[]),
        ("attest", &["make", "check"]),
    ];
    for (family, commands) in families {
        let alone: Vec<Vec<&str>> = match commands {
            [] => vec![vec![family, "--help"]],
            commands => commands.iter().map(|command| vec![family, command, "--help"]).collect(),
        };
        for arguments in alone {
            let help = place.run(&arguments).succeeds();
            let own = format!("  strongroom {}", arguments[..arguments.len() - 1].join(" "));
            assert!(help.contains("Examples:") && help.contains(&own), "{arguments:?}: {help}");
        }
    }
}

#[test]
fn help_says_what_is_done_elsewhere() {
    let place = Place::new();
    let text = |arguments: &[&str]| {
        let help = place.run(arguments).succeeds();
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(
        text(&["key", "--help"]).contains("is what programs do through the PKCS#11 module, pkcs11-tool and openssl")
    );
    let (public, certificate) = (text(&["key", "public", "--help"]), text(&["key", "certificate", "--help"]));
    assert!(public.contains("'strongroom key certificate' writes a certificate as a whole"), "{public}");
    assert!(certificate.contains("'strongroom key public' writes the public key in it alone"), "{certificate}");
    let strict = text(&["token", "init", "--help"]);
    assert!(strict.contains("strict (each key has one purpose and leaves in no way that tells it)"), "{strict}");
}

#[test]
fn version_is_the_products() {
    assert_eq!(Place::new().run(&["--version"]).succeeds(), format!("strongroom {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_is_one_line_and_code_2() {
    let place = Place::new();
    place.run(&["tokn"]).refused(2, &["tokn"]);
    let words = ["'strongroom key public'", "'strongroom key certificate'", "only wrapped by another key"];
    let told = place.run(&["key", "export", "3"]).refused(2, &words);
    assert!(!told.contains("import"), "{told}");
    place.run(&["token", "list", "--frobnicate"]).refused(2, &["--frobnicate", "--help"]);
    place.run(&["random"]).refused(2, &["BYTES"]);
    place.run(&["random", ""]).refused(2, &["no number of bytes is given; 1 to 1073741824 bytes"]);
    place.run(&["random", "0"]).refused(2, &["'0'", "there is nothing to write; 1 to 1073741824 bytes"]);
    place.run(&["random", "x"]).refused(2, &["'x'", "a whole number from 1 to 1073741824 is needed"]);
    place.run(&["random", "1073741825"]).refused(2, &["'1073741825'", "too much for one call"]);
    place.run(&["random", "99999999999999999999999"]).refused(2, &["too much for one call"]);
    place.run(&["random", "8", "--hex", "--raw"]).refused(2, &["--raw"]);
    place.run(&["mechanisms", "--policy", "lax"]).refused(2, &["lax", "standard, strict, fips"]);
    place.run(&["random", "x"]).refused_json(2, "CKR_ARGUMENTS_BAD");
    place.run(&[]).refused_json(2, "CKR_ARGUMENTS_BAD");
    place.run(&["random", "16", "--raw"]).refused_json(2, "CKR_ARGUMENTS_BAD");
}

#[test]
fn a_pin_as_an_argument_is_refused_and_not_repeated() {
    let place = Place::with_token();
    for arguments in [
        vec!["key", "list", "--pin", PIN],
        vec!["key", "list", "--pin=user-0815-walrus"],
        vec!["token", "init", "--label", "x", "--so-pin", PIN],
        vec!["user", "set-pin", "user", "--new-pin", PIN],
        vec!["user", "set-pin", "user", PIN],
    ] {
        place.run(&arguments).refused(2, &["PIN"]);
    }
}

#[test]
fn a_broken_configuration_names_line_and_key() {
    let place = Place::new();
    place.configure("\nkdff = \"test\"\n");
    place.run(&["token", "list"]).refused(1, &["strongroom.toml:2", "kdff"]);
    place.configure("kdf = \"weak\"\n");
    let message = place.run(&["token", "list"]).refused_json(1, "CKR_FUNCTION_FAILED");
    assert!(message.contains("kdf: \"weak\" is not one of default, strong, test"), "{message}");
    let missing = place.path("absent.toml");
    place.run(&["--conf", missing.to_str().unwrap(), "token", "list"]).refused(1, &["absent.toml", "cannot be read"]);
}

#[test]
fn options_go_before_the_environment() {
    let place = Place::with_token();
    let other = place.path("elsewhere");
    let json = place.run(&["--dir", other.to_str().unwrap(), "token", "list"]).json();
    assert_eq!(json["tokens"].as_array().unwrap().len(), 0);
    assert_eq!(json["directory"], other.to_str().unwrap());
    assert!(!other.exists(), "listing makes nothing");
    let out = place.run(&["token", "list", "--dir", other.to_str().unwrap()]).succeeds();
    assert!(out.contains("strongroom token init --label NAME"), "{out}");
}

#[test]
fn random_comes_in_three_forms() {
    let place = Place::new();
    let hex = place.run(&["random", "32"]).succeeds();
    assert_eq!(hex.len(), 65);
    assert!(hex.trim_end().bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_ne!(hex, place.run(&["random", "32", "--hex"]).succeeds());
    let base64 = place.run(&["random", "100000", "--base64"]).succeeds();
    assert_eq!(base64.trim_end().len(), 100_000_usize.div_ceil(3) * 4);
    assert_eq!(base64.matches('=').count(), 2);
    let json = place.run(&["random", "16"]).json();
    assert_eq!(json["random"]["bytes"], 16);
    assert_eq!(json["random"]["hex"].as_str().unwrap().len(), 32);
    assert_eq!(place.run(&["random", "3", "--base64"]).json()["random"]["base64"].as_str().unwrap().len(), 4);
}

#[test]
fn raw_random_is_bytes_and_nothing_else() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["random", "100001", "--raw"])
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert_eq!(output.stdout.len(), 100_001);
    let ones: u32 = output.stdout.iter().map(|byte| byte.count_ones()).sum();
    assert!((396_000..404_000).contains(&ones), "{ones} ones in 800,008 bits");
}

#[test]
fn mechanisms_come_from_the_catalogue() {
    let place = Place::new();
    let all = place.run(&["mechanisms"]).json();
    let all = all["mechanisms"].as_array().unwrap().clone();
    assert_eq!(all.len(), strongroom_core::mechanism::CATALOGUE.len());
    let gcm = all.iter().find(|mechanism| mechanism["name"] == "CKM_AES_GCM").unwrap();
    assert_eq!(gcm["number"], 0x1087);
    assert_eq!(gcm["key_size_min"], 16);
    assert_eq!(gcm["key_size_unit"], "bytes");
    assert_eq!(gcm["grade"], "approved");
    let fips = place.run(&["mechanisms", "--policy", "fips"]).succeeds();
    assert!(fips.contains("CKM_AES_GCM") && !fips.contains("CKM_RC4") && !fips.contains("CKM_MD5"), "{fips}");
}

#[test]
fn the_manual_has_the_catalogue_of_today() {
    let page = Place::new().run(&["mechanisms", "--markdown"]).succeeds();
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mechanisms.md")).unwrap();
    assert!(page == kept, "make it anew: strongroom mechanisms --markdown > docs/mechanisms.md");
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_strongroom"))
        .args(["random", "32"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("strongroom: the answer cannot be written: "), "{told}");
}
