//! `strongroom key import`: what openssl writes is read, and what cannot be read is said with what to do.

use serde_json::{Value, json};

use super::pairs::openssl;
use super::place::{Place, set_mode};

fn import(place: &Place, file: &str, arguments: &[&str]) -> Value {
    let path = place.path(file);
    place.run(&[&["key", "import", path.to_str().unwrap()], arguments].concat()).pins().json()
}

/// A private key in PKCS#8.
fn private_key(place: &Place, name: &str, algorithm: &[&str]) {
    openssl(place, &[&["genpkey", "-out", name, "-algorithm"], algorithm].concat());
    set_mode(&place.path(name), 0o600);
}

#[test]
fn private_keys_come_with_their_public_halves() {
    let place = Place::with_token();
    for (name, algorithm) in [
        ("rsa", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..]),
        ("ec", &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ("ed25519", &["ED25519"]),
        ("ed448", &["ED448"]),
        ("x25519", &["X25519"]),
        ("x448", &["X448"]),
        ("dh", &["DH", "-pkeyopt", "group:ffdhe2048"]),
    ] {
        private_key(&place, "key.pem", algorithm);
        let made = import(&place, "key.pem", &["--label", name]);
        let (private, public) = (&made["key"], &made["public_key"]);
        assert_eq!((&private["type"], &public["type"]), (&json!(name), &json!(name)));
        assert_eq!((&private["class"], &public["class"]), (&json!("private"), &json!("public")));
        assert_eq!((&private["local"], &private["sensitive"]), (&json!(false), &json!(true)));
        assert_eq!((&private["id"], &private["kcv"]), (&public["id"], &public["kcv"]));
        let theirs = openssl(&place, &["pkey", "-in", "key.pem", "-pubout"]);
        assert_eq!(place.run(&["key", "public", name]).succeeds(), theirs, "{name}");
        openssl(&place, &["pkcs8", "-topk8", "-nocrypt", "-in", "key.pem", "-outform", "DER", "-out", "key.der"]);
        set_mode(&place.path("key.der"), 0o600);
        let again = import(&place, "key.der", &["--force"]);
        assert_eq!(again["public_key"]["number"], public["number"], "the half that was there stays the only one");
        assert_eq!((&again["key"]["label"], &again["key"]["id"]), (&json!(name), &private["id"]));
    }
    private_key(&place, "key.pem", &["ED25519"]);
    let alone = import(&place, "key.pem", &["--private-only"]);
    assert_eq!(alone["public_key"], Value::Null);
}

#[test]
fn public_keys_of_every_type_go_from_token_to_token() {
    let (from, to) = (Place::with_token(), Place::with_token());
    for name in [
        "rsa-2048",
        "ec",
        "ed25519",
        "ed448",
        "x25519",
        "x448",
        "dsa-1024",
        "dh",
        "x942-dh-1024",
        "ml-kem-512",
        "ml-kem-1024",
        "ml-dsa-44",
        "ml-dsa-87",
        "slh-dsa-sha2-128f",
        "slh-dsa-shake-128f",
    ] {
        let made = from.run(&["key", "generate", "--type", name, "--label", name]).pins().json();
        let pem = from.run(&["key", "public", name]).succeeds();
        std::fs::write(to.path("public.pem"), pem).unwrap();
        let read = import(&to, "public.pem", &["--label", name])["public_key"].clone();
        for member in ["type", "kcv", "size_bits", "curve", "parameter_set", "usage"] {
            assert_eq!(read[member], made["public_key"][member], "{name}: {member}");
        }
    }
}

#[test]
fn public_keys_and_certificates_find_their_pairs() {
    let place = Place::with_token();
    private_key(&place, "key.pem", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl(&place, &["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"]);
    openssl(&place, &["req", "-x509", "-key", "key.pem", "-subj", "/CN=door", "-days", "3", "-out", "crt.pem"]);
    let public = import(&place, "public.pem", &["--label", "door", "--id", "0d"])["public_key"].clone();
    assert_eq!((&public["class"], &public["curve"]), (&json!("public"), &json!("P-256")));
    let private = import(&place, "key.pem", &[]);
    assert_eq!((&private["key"]["label"], &private["key"]["id"]), (&json!("door"), &json!("0d")));
    assert_eq!(private["public_key"]["number"], public["number"]);
    let certificate = import(&place, "crt.pem", &[])["certificate"].clone();
    assert_eq!((&certificate["type"], &certificate["id"]), (&json!("x509"), &json!("0d")));

    let shown = place.run(&["key", "show", "door", "--class", "certificate"]).pins().json()["key"].clone();
    let field = |name: &str| shown["attributes"][name].as_str().unwrap().to_owned();
    let serial = openssl(&place, &["x509", "-in", "crt.pem", "-noout", "-serial"]);
    let serial = serial.trim().trim_start_matches("serial=").to_lowercase();
    assert!(field("serial_number").starts_with("02") && field("serial_number").ends_with(&serial), "{serial}");
    assert_eq!((field("subject"), field("subject").contains("646f6f72")), (field("issuer"), true));
    assert_eq!(field("certificate_type"), "x509");
    let own = place.run(&["key", "public", "door"]).succeeds();
    assert_eq!(own, openssl(&place, &["x509", "-in", "crt.pem", "-noout", "-pubkey"]));
}

#[test]
fn secret_keys_are_read_as_digits_or_bytes() {
    let place = Place::with_token();
    let digits = "000102030405060708090a0b0c0d0e0f";
    place.secret_file("digits", &format!("{digits}\n"));
    let shown = ["--sensitive", "false", "--extractable", "--label", "k"];
    let key = import(&place, "digits", &[&["--type", "aes"], &shown[..]].concat())["key"].clone();
    assert_eq!((&key["size_bits"], &key["local"]), (&json!(128), &json!(false)));
    let value = place.run(&["key", "show", "k", "--reveal"]).pins().json()["key"]["attributes"]["value"].clone();
    assert_eq!(value, digits);
    let key = import(&place, "digits", &["--type", "generic", "--format", "binary"])["key"].clone();
    assert_eq!(key["size_bits"], 33 * 8);
    std::fs::write(place.path("bytes"), [0xa5; 32]).unwrap();
    set_mode(&place.path("bytes"), 0o600);
    assert_eq!(import(&place, "bytes", &["--type", "aes"])["key"]["size_bits"], 256);
    let out = place.run(&["key", "import", "-", "--type", "aes"]).input(digits).pins().succeeds();
    assert!(out.starts_with("Imported the aes key 4, 128 bits, KCV "), "{out}");
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    place.secret_file("short", "0001");
    place
        .run(&["key", "import", &path("short"), "--type", "aes"])
        .pins()
        .refused(1, &["16 bits", "128, 192, 256 bits"]);
    place
        .run(&["key", "import", &path("bytes"), "--type", "aes", "--format", "hex"])
        .pins()
        .refused(1, &["hexadecimal digits"]);
    place.run(&["key", "import", &path("bytes"), "--type", "rsa"]).pins().refused(2, &["--type is for the value"]);
    place.run(&["key", "import", &path("bytes")]).pins().refused(1, &["neither PEM nor DER", "--type aes"]);
}

#[test]
fn what_cannot_be_imported_is_said_with_what_to_do() {
    let place = Place::with_token();
    let path = |name: &str| place.path(name).to_str().unwrap().to_owned();
    let refused = |name: &str, words: &[&str]| {
        place.run(&["key", "import", &path(name), "--label", "x"]).pins().refused(1, words)
    };
    private_key(&place, "key.pem", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    for (form, option) in [("PEM", "openssl pkcs8 -in"), ("DER", "openssl pkcs8 -inform DER -in")] {
        let how = ["pkcs8", "-topk8", "-passout", "pass:orange", "-outform", form, "-in", "key.pem", "-out", "sealed"];
        openssl(&place, &how);
        let told = refused("sealed", &["encrypted private key", option, "strongroom key import <("]);
        assert!(!told.contains("orange"), "{told}");
    }
    openssl(&place, &["req", "-x509", "-key", "key.pem", "-subj", "/CN=x", "-out", "crt.pem"]);
    let both = ["key.pem", "crt.pem"].map(|name| std::fs::read_to_string(place.path(name)).unwrap()).concat();
    place.secret_file("both.pem", &both);
    refused("both.pem", &["2 structures (PRIVATE KEY, CERTIFICATE)", "openssl pkey", "openssl x509"]);
    let pem = std::fs::read_to_string(place.path("key.pem")).unwrap();
    place.secret_file("cut.pem", &pem[..pem.len() - 20]);
    refused("cut.pem", &["-----END PRIVATE KEY-----", "is missing"]);
    place.secret_file("bad.pem", &pem.replacen("MII", "M!I", 1));
    refused("bad.pem", &["no base64"]);
    place.secret_file("wrong.pem", "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    refused("wrong.pem", &["the private key cannot be read", "malformed DER"]);
    place.secret_file("huge", &"x".repeat(1 << 19));
    place.run(&["key", "import", &path("huge")]).pins().refused(1, &["more than 262144 bytes"]);
    place.run(&["key", "import", &path("absent")]).pins().refused(1, &["absent cannot be read"]);
    place.run(&["key", "import", &path("key.pem"), "--usage", "derive"]).pins().refused(1, &["--usage derive"]);
    let idle = ["--usage verify", "the private rsa key could do nothing", "decrypt,sign", "-pubout)"];
    place.run(&["key", "import", &path("key.pem"), "--usage", "verify"]).pins().refused(1, &idle);
    place
        .run(&["key", "import", &path("key.pem"), "--mechanisms", "ECDSA"])
        .pins()
        .refused(1, &["CKM_ECDSA: it does not"]);
    assert_eq!(place.run(&["key", "list"]).pins().json()["keys"], json!([]), "nothing is kept of what is refused");
}

#[test]
fn a_key_that_others_can_read_is_warned_of() {
    let place = Place::with_token();
    private_key(&place, "key.pem", &["ED25519"]);
    let path = place.path("key.pem");
    set_mode(&path, 0o644);
    let outcome = place.run(&["key", "import", path.to_str().unwrap()]).pins().outcome();
    assert!(outcome.err.contains("other users of this machine can read") && outcome.code == 0, "{outcome:?}");
    assert!(outcome.out.contains("The file still has the key"), "{outcome:?}");
}
