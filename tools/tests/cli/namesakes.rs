//! Keys that have a label, an identifier or a public key in common.

use serde_json::Value;

use super::files::path;
use super::pairs::openssl;
use super::place::{Outcome, Place, set_mode};

fn run(place: &Place, arguments: &[&str]) -> Outcome {
    let outcome = place.run(&[&["key"], arguments].concat()).pins().outcome();
    assert_eq!(outcome.code, 0, "{arguments:?}: {outcome:?}");
    outcome
}

fn private_key(place: &Place, name: &str) -> String {
    openssl(place, &["genpkey", "-algorithm", "ED25519", "-out", name]);
    set_mode(&place.path(name), 0o600);
    path(place, name)
}

fn warns(outcome: &Outcome, words: &[&str]) {
    let warnings: Vec<&str> = outcome.err.lines().collect();
    assert_eq!(warnings.len(), words.len(), "{outcome:?}");
    for (warning, words) in warnings.iter().zip(words) {
        assert!(warning.starts_with("strongroom: warning: ") && warning.contains(words), "{words}: {outcome:?}");
    }
}

#[test]
fn a_label_that_is_taken_is_noted() {
    let place = Place::with_token();
    let (one, other) = (private_key(&place, "one.pem"), private_key(&place, "other.pem"));
    warns(&run(&place, &["import", &one, "--label", "k"]), &[]);
    warns(&run(&place, &["import", &other, "--label", "k"]), &["key 1 has the label \"k\" too; tell them apart by"]);
    place.secret_file("value", "00112233");
    let value = path(&place, "value");
    let secret = ["import", &value, "--type", "generic", "--label", "k"];
    warns(&run(&place, &secret), &["key 1 has the label \"k\" too"]);
    warns(&run(&place, &["generate", "--type", "ed25519", "--label", "k"]), &["has the label \"k\" too"]);
    // What is of one public key is meant to have one name.
    openssl(&place, &["req", "-x509", "-key", "one.pem", "-subj", "/CN=x", "-out", "crt.pem"]);
    let fresh = Place::with_token();
    let certificate = path(&place, "crt.pem");
    warns(&run(&fresh, &["import", &one, "--label", "k", "--id", "01"]), &[]);
    warns(&run(&fresh, &["import", &certificate, "--label", "k", "--id", "01"]), &[]);
    let told = fresh.run(&["key", "import", &other, "--label", "k"]).pins().json();
    assert!(told["warning"].as_str().unwrap().contains("has the label"), "{told}");
}

#[test]
fn an_identifier_that_is_taken_is_noted() {
    let place = Place::with_token();
    let (one, other) = (private_key(&place, "one.pem"), private_key(&place, "other.pem"));
    let aes = ["generate", "--type", "aes", "--id", "0a"];
    warns(&run(&place, &aes), &[]);
    warns(&run(&place, &["import", &one, "--id", "0a"]), &[]);
    warns(&run(&place, &aes), &["the aes key 1 has the identifier 0a too; programs that find keys by it take either"]);
    let both = ["private ed25519 key 2 has the identifier 0a too", "public ed25519 key 3 has the identifier 0a too"];
    warns(&run(&place, &["import", &other, "--id", "0a"]), &both);
    warns(&run(&place, &["generate", "--type", "ec", "--id", "0a"]), &both);
}

#[test]
fn a_public_key_stays_while_another_private_key_needs_it() {
    let place = Place::with_token();
    let file = private_key(&place, "key.pem");
    run(&place, &["import", &file, "--label", "a"]);
    run(&place, &["import", &file, "--label", "b", "--force"]);
    let out = run(&place, &["delete", "b", "--pair", "--yes"]).out;
    let stays = "The public ed25519 key 2 \"a\" stays: it is that of the private ed25519 key 1 \"a\" too.\n";
    assert_eq!(out, format!("Deleted the private ed25519 key 3 \"b\".\n{stays}"));
    run(&place, &["import", &file, "--label", "b", "--force"]);
    let told = place.run(&["key", "delete", "4", "--pair", "--yes"]).pins().json();
    assert_eq!((&told["deleted"]["number"], &told["public_key_kept"]["number"]), (&4.into(), &2.into()), "{told}");
    assert_eq!(told["deleted_public_key"], Value::Null);
    let told = place.run(&["key", "delete", "a", "--pair", "--yes"]).pins().json();
    assert_eq!(told["deleted_public_key"]["number"], 2);
}
