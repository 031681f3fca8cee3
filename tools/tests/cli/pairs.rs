//! `strongroom key` with pairs: generating, showing, deleting them, and what other programs make of their public keys.

use std::process::Command;

use serde_json::{Value, json};

use super::place::Place;

fn generate(place: &Place, arguments: &[&str]) -> Value {
    place.run(&[&["key", "generate"], arguments].concat()).pins().json()
}

/// Runs `openssl` in the place; it must succeed. Returns standard output.
pub(crate) fn openssl(place: &Place, arguments: &[&str]) -> String {
    let directory = place.path("");
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().expect("openssl is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn both_halves_of_a_pair_are_shown() {
    let place = Place::with_token();
    let made = generate(&place, &["--type", "rsa-2048", "--label", "signing", "--id", "0a"]);
    let (private, public) = (&made["key"], &made["public_key"]);
    assert_eq!((&private["class"], &public["class"]), (&json!("private"), &json!("public")));
    for half in [private, public] {
        assert_eq!((&half["type"], &half["size_bits"]), (&json!("rsa"), &json!(2048)));
        assert_eq!((&half["label"], &half["id"]), (&json!("signing"), &json!("0a")));
        assert_eq!(half["kcv"], private["kcv"]);
    }
    assert_eq!((&private["private"], &private["sensitive"]), (&json!(true), &json!(true)));
    assert_eq!((&public["private"], &private["extractable"]), (&json!(false), &json!(false)));
    assert_eq!(public["usage"], json!(["encrypt", "verify", "wrap", "verify-recover"]));

    let shown = place.run(&["key", "show", "signing"]).pins().json();
    assert_eq!((&shown["key"]["number"], &shown["public_key"]["number"]), (&private["number"], &public["number"]));
    assert_eq!(shown["key"]["attributes"]["private_exponent"], Value::Null);
    assert_eq!(shown["key"]["attributes"]["modulus"], shown["public_key"]["attributes"]["modulus"]);
    let text = place.run(&["key", "show", "signing"]).pins().succeeds();
    assert!(text.contains("CKA_PRIME_1") && text.contains("(sensitive)"), "{text}");
    let public_only = place.run(&["key", "show", "signing", "--class", "public"]).pins().json();
    assert_eq!(public_only["key"]["class"], "public");

    let out = place.run(&["key", "generate", "--type", "ec", "--label", "tls"]).pins().succeeds();
    assert!(
        out.starts_with("Generated ec P-256 key pair \"tls\": private key 4, public key 3, 256 bits, KCV "),
        "{out}"
    );
}

#[test]
fn mechanisms_are_those_that_the_core_uses_such_pairs_with() {
    let place = Place::with_token();
    let made = generate(&place, &["--type", "x25519", "--mechanisms", "ECDH_AES_KEY_WRAP,ECDH1_DERIVE"]);
    assert_eq!(made["key"]["type"], "x25519");
    let refused = |name, mechanism: &str| {
        let words = [mechanism, "does not use"];
        place.run(&["key", "generate", "--type", name, "--mechanisms", mechanism]).pins().refused(2, &words);
    };
    refused("x25519", "ECDH_COF_AES_KEY_WRAP");
    refused("ec", "ECDH_X_AES_KEY_WRAP");
    refused("ed25519", "ECDH_AES_KEY_WRAP");
}

#[test]
fn every_curve_and_parameter_set_is_named() {
    let place = Place::with_token();
    for (curve, named, bits) in [
        ("P-224", "P-224", 224),
        ("secp256r1", "P-256", 256),
        ("P-521", "P-521", 521),
        ("secp256k1", "secp256k1", 256),
        ("brainpoolP512r1", "brainpoolP512r1", 512),
    ] {
        let key = generate(&place, &["--type", "ec", "--curve", curve])["key"].clone();
        assert_eq!((&key["curve"], &key["size_bits"]), (&json!(named), &json!(bits)));
    }
    for (name, curve) in [("ed25519", "Ed25519"), ("ed448", "Ed448"), ("x25519", "X25519"), ("x448", "X448")] {
        let key = generate(&place, &["--type", name])["key"].clone();
        assert_eq!((&key["type"], &key["curve"]), (&json!(name), &json!(curve)));
    }
    for (name, set) in
        [("ml-kem-768", "ML-KEM-768"), ("ml-dsa-65", "ML-DSA-65"), ("slh-dsa-sha2-128f", "SLH-DSA-SHA2-128f")]
    {
        let made = generate(&place, &["--type", name, "--label", name]);
        assert_eq!((&made["key"]["type"], &made["key"]["parameter_set"]), (&json!(name), &json!(set)));
        assert_eq!(made["public_key"]["type"], *name);
        let shown = place.run(&["key", "show", name]).pins().json();
        assert_eq!(shown["key"]["attributes"]["parameter_set"], set);
    }
    let listed = place.run(&["key", "list", "--type", "ml-dsa-65"]).pins().json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    let listed = place.run(&["key", "list", "--class", "private", "--type", "ec"]).pins().json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 5);
    let text = place.run(&["key", "list"]).pins().succeeds();
    assert!(text.lines().any(|line| line.contains("private  ec brainpoolP512r1")), "{text}");
    place.run(&["key", "list", "--class", "secrets"]).refused(2, &["the classes are secret, private"]);
}

#[test]
fn a_pair_has_an_identifier_that_other_programs_find_it_by() {
    let place = Place::with_token();
    let first = generate(&place, &["--type", "ed25519"]);
    let second = generate(&place, &["--type", "ed25519"]);
    assert_eq!(first["key"]["id"], first["public_key"]["id"]);
    assert_eq!(first["key"]["id"].as_str().unwrap().len(), 16);
    assert_ne!(first["key"]["id"], second["key"]["id"]);
}

#[test]
fn options_reach_the_half_they_are_about() {
    let place = Place::with_token();
    let options = ["--usage", "sign,verify", "--extractable", "--mechanisms", "RSA_PKCS_PSS"];
    let made = generate(&place, &[&["--type", "rsa-2048", "--label", "k"], &options[..]].concat());
    assert_eq!((&made["key"]["usage"], &made["public_key"]["usage"]), (&json!(["sign"]), &json!(["verify"])));
    assert_eq!((&made["key"]["extractable"], &made["public_key"]["extractable"]), (&json!(true), &json!(false)));
    let shown = place.run(&["key", "show", "k"]).pins().json();
    for half in ["key", "public_key"] {
        assert_eq!(shown[half]["attributes"]["allowed_mechanisms"], json!(["CKM_RSA_PKCS_PSS"]));
    }
}

#[test]
fn what_cannot_be_is_said_with_what_can() {
    let place = Place::with_token();
    let run = |arguments: &[&str]| place.run(&[&["key", "generate"], arguments].concat()).pins();
    run(&["--type", "ec", "--curve", "P-192"]).refused(2, &["P-192", "the curves are P-224, P-256"]);
    run(&["--type", "aes", "--curve", "P-256"]).refused(2, &["only pairs of type ec"]);
    run(&["--type", "ec", "--size", "256"]).refused(2, &["--curve chooses it"]);
    run(&["--type", "ed25519", "--bits", "256"]).refused(2, &["only one size"]);
    run(&["--type", "rsa-2048", "--bits", "4096"]).refused(2, &["--size 4096", "rsa-2048"]);
    run(&["--type", "rsa", "--bits", "2000"]).refused(2, &["--size 2000", "1024 to 16384 bits"]);
    run(&["--type", "dh", "--bits", "2000"]).refused(2, &["--size 2000", "RFC 7919"]);
    run(&["--type", "ed25519", "--usage", "encrypt"]).refused(2, &["--usage encrypt", "theirs are sign, verify"]);
    run(&["--type", "rsa-512"]).refused_json(2, "CKR_ARGUMENTS_BAD");
    assert_eq!(place.run(&["key", "list"]).pins().json()["keys"], json!([]));
}

#[test]
fn a_policy_decides_which_pairs_there_are() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "f", "--policy", "fips"]).pins().succeeds();
    let message = place.run(&["key", "generate", "--type", "x25519"]).pins().refused_json(1, "CKR_MECHANISM_INVALID");
    assert!(message.contains("policy is \"fips\""), "{message}");
    assert_eq!(generate(&place, &["--type", "ec"])["key"]["type"], "ec");
}

#[test]
fn groups_are_found_for_pairs_that_need_one() {
    let place = Place::with_token();
    let made = generate(&place, &["--type", "dh-2048", "--label", "d"]);
    assert_eq!((&made["key"]["type"], &made["key"]["size_bits"]), (&json!("dh"), &json!(2048)));
    let keys = place.run(&["key", "list"]).pins().json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2, "the domain parameters were only needed for the moment");
}

#[test]
fn public_keys_are_those_openssl_reads() {
    let place = Place::with_token();
    for (name, says) in [("rsa-2048", "Public-Key: (2048 bit)"), ("ec", "prime256v1"), ("ed25519", "ED25519")] {
        generate(&place, &["--type", name, "--label", name]);
        // Nobody has to log in for what anyone may see.
        let pem = place.run(&["key", "public", name]).succeeds();
        std::fs::write(place.path("key.pem"), &pem).unwrap();
        assert!(openssl(&place, &["pkey", "-pubin", "-in", "key.pem", "-noout", "-text"]).contains(says), "{pem}");
        assert_eq!(openssl(&place, &["pkey", "-pubin", "-in", "key.pem"]), pem, "to the letter");
        let private = place.run(&["key", "list", "--label", name, "--class", "private"]).pins().json();
        let number = private["keys"][0]["number"].to_string();
        assert_eq!(place.run(&["key", "public", &number]).pins().succeeds(), pem, "the private half knows it too");
        assert_eq!(place.run(&["key", "public", name]).json()["public_key"]["pem"], pem);
    }
    let der = place.run(&["key", "public", "ed25519", "--der"]).bytes();
    std::fs::write(place.path("key.der"), der).unwrap();
    openssl(&place, &["pkey", "-pubin", "-inform", "DER", "-in", "key.der"]);
    generate(&place, &["--type", "aes", "--label", "secret"]);
    place.run(&["key", "public", "secret"]).pins().refused(1, &["is a secret key"]);
    place.run(&["key", "public", "absent"]).pins().refused(1, &["no key \"absent\""]);
    place.run(&["key", "public", "ec", "--der", "--json"]).refused_json(2, "CKR_ARGUMENTS_BAD");
}

#[test]
fn both_halves_are_deleted_only_when_asked() {
    let place = Place::with_token();
    generate(&place, &["--type", "ed25519", "--label", "twin"]);
    generate(&place, &["--type", "ed25519", "--label", "other"]);
    let count = || place.run(&["key", "list"]).pins().json()["keys"].as_array().unwrap().len();
    place.run(&["key", "delete", "twin", "--yes"]).pins().refused(
        1,
        &["2 keys are \"twin\"", "or --pair for both halves", "1 (public ed25519 key), 2 (private ed25519 key)"],
    );
    place.run(&["key", "delete", "twin", "--pair"]).pins().refused(2, &["--yes", "and the public ed25519 key 1"]);
    assert_eq!(count(), 4);
    let deleted = place.run(&["key", "delete", "twin", "--pair", "--yes"]).pins().json();
    assert_eq!((&deleted["deleted"]["number"], &deleted["deleted_public_key"]["number"]), (&json!(2), &json!(1)));
    // One half stands for both where that is asked, and for itself otherwise.
    place.run(&["key", "delete", "4", "--pair", "--yes"]).pins().succeeds();
    assert_eq!(count(), 0);
    generate(&place, &["--type", "ed25519", "--label", "single"]);
    place.run(&["key", "delete", "single", "--class", "private", "--yes"]).pins().succeeds();
    assert_eq!(count(), 1);
    place.run(&["key", "delete", "single", "--pair", "--yes"]).pins().refused(1, &["is not one of exactly two halves"]);
    place.run(&["key", "delete", "single", "--yes"]).pins().succeeds();
    assert_eq!(count(), 0);
}
