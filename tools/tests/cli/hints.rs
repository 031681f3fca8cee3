//! What `strongroom key import` says of files that it does not take as they are: advice that can be followed.

use std::process::Command;

use serde_json::json;

use super::files::{path, shell};
use super::pairs::openssl;
use super::place::{Place, set_mode};

fn refused(place: &Place, name: &str, words: &[&str]) -> String {
    place.run(&["key", "import", &path(place, name)]).pins().refused(1, words)
}

/// A key made by `ssh-keygen`, and its public half with `.pub` behind the name.
fn ssh_key(place: &Place, name: &str, options: &[&str]) {
    let made = Command::new("ssh-keygen").args(["-q", "-f", name]).args(options).current_dir(place.path("")).status();
    assert!(made.expect("ssh-keygen is installed").success(), "{name}");
}

/// A private key and a certificate of it.
fn key_and_certificate(place: &Place, name: &str) -> String {
    let (key, certificate) = (format!("{name}.key"), format!("{name}.crt"));
    openssl(place, &["genpkey", "-algorithm", "ED25519", "-out", &key]);
    openssl(place, &["req", "-x509", "-key", &key, "-subj", &format!("/CN={name}"), "-out", &certificate]);
    std::fs::read_to_string(place.path(&certificate)).unwrap()
}

#[test]
fn a_key_of_openssh_is_converted_where_ssh_keygen_can() {
    let place = Place::with_token();
    for (name, options) in [
        ("rsa", &["-t", "rsa", "-b", "2048", "-N", ""][..]),
        ("ecdsa", &["-t", "ecdsa", "-N", ""]),
        ("sealed", &["-t", "rsa", "-b", "2048", "-N", "orange"]),
    ] {
        ssh_key(&place, name, options);
        let told = refused(&place, name, &["OPENSSH PRIVATE KEY", "ssh-keygen -p -m PKCS8 -N '' -f COPY"]);
        assert!(told.contains("passphrase where it has one"), "{told}");
        std::fs::copy(place.path(name), place.path("COPY")).unwrap();
        let passphrase = if name == "sealed" { "orange" } else { "" };
        shell(&place, &format!("ssh-keygen -q -p -m PKCS8 -P '{passphrase}' -N '' -f COPY"));
        place.run(&["key", "import", &path(&place, "COPY"), "--label", name]).pins().succeeds();
        std::fs::remove_file(place.path("COPY")).unwrap();
    }
    for (name, passphrase) in [("ed", ""), ("sealed-ed", "orange")] {
        ssh_key(&place, name, &["-t", "ed25519", "-N", passphrase]);
        let told = refused(&place, name, &["ssh-keygen cannot change ssh-ed25519 keys", "key generate --type ed25519"]);
        assert!(!told.contains("-m PKCS8"), "{told}");
    }
}

#[test]
fn a_public_key_of_openssh_is_imported_as_the_hint_says() {
    let place = Place::with_token();
    ssh_key(&place, "rsa", &["-t", "rsa", "-b", "2048", "-N", ""]);
    let told = refused(&place, "rsa.pub", &["a public key of OpenSSH", "ssh-keygen -e -m PKCS8 -f"]);
    let (_, hint) = told.split_once("OpenSSH; ").unwrap();
    let (hint, _) = hint.split_once(" imports it").unwrap();
    let out = shell(&place, hint);
    assert!(out.starts_with("Imported the public rsa key "), "{out}");
    ssh_key(&place, "ed", &["-t", "ed25519", "-N", ""]);
    refused(&place, "ed.pub", &["ssh-keygen writes no ssh-ed25519 keys in the form that can be imported"]);
}

#[test]
fn several_structures_are_split_as_the_hint_says() {
    let place = Place::with_token();
    let chain = [key_and_certificate(&place, "a"), key_and_certificate(&place, "b")].concat();
    place.secret_file("chain.pem", &format!("Bag Attributes: none\n{chain}"));
    let told = refused(&place, "chain.pem", &["2 structures (CERTIFICATE, CERTIFICATE)", "openssl x509 -in"]);
    assert!(!told.contains("pkey"), "{told}");
    let (_, hint) = told.split_once("the first certificate, ").unwrap();
    let (hint, _) = hint.split_once(" makes a file of each").unwrap();
    shell(&place, &format!("strongroom --version && {hint}"));
    let imported = |part: &str| place.run(&["key", "import", &path(&place, part)]).pins().json();
    assert_eq!(imported("part-01.pem")["certificate"]["type"], "x509");
    assert_eq!(imported("part-02.pem")["certificate"]["type"], "x509");

    let keys = ["a.key", "b.key"].map(|name| std::fs::read_to_string(place.path(name)).unwrap()).concat();
    place.secret_file("keys.pem", &keys);
    let told = refused(&place, "keys.pem", &["2 structures (PRIVATE KEY, PRIVATE KEY)", "csplit"]);
    assert!(!told.contains("openssl"), "{told}");
    place.secret_file("all.pem", &format!("{keys}{chain}"));
    refused(&place, "all.pem", &["4 structures", "csplit", "the first certificate"]);
    let key = std::fs::read_to_string(place.path("a.key")).unwrap();
    place.secret_file("web.pem", &format!("{key}{chain}"));
    refused(&place, "web.pem", &["openssl pkey -in", "the first certificate", "csplit"]);
}

#[test]
fn files_of_other_kinds_are_told_from_each_other() {
    let place = Place::with_token();
    key_and_certificate(&place, "web");
    let pack = ["pkcs12", "-export", "-inkey", "web.key", "-in", "web.crt", "-passout", "pass:x", "-out", "web.p12"];
    openssl(&place, &pack);
    refused(&place, "web.p12", &["is a PKCS#12 file", "add -legacy"]);
    let whole = std::fs::read(place.path("web.p12")).unwrap();
    std::fs::write(place.path("cut.p12"), &whole[..whole.len() - 9]).unwrap();
    let told = refused(&place, "cut.p12", &["PKCS#12 file that was cut off"]);
    assert!(!told.contains("openssl"), "{told}");
    for form in ["PEM", "DER"] {
        openssl(&place, &["crl2pkcs7", "-nocrl", "-certfile", "web.crt", "-outform", form, "-out", "web.p7b"]);
        let told = refused(&place, "web.p7b", &["openssl pkcs7", "-print_certs -in"]);
        let (_, hint) = told.trim_end().split_once("where it has one: ").unwrap();
        let label = format!("strongroom key import --force --label {form}");
        let out = shell(&place, &hint.replacen("strongroom key import", &label, 1));
        assert!(out.starts_with("Imported the x509 certificate "), "{out}");
    }
}

#[test]
fn an_unknown_algorithm_is_named() {
    let place = Place::with_token();
    openssl(&place, &["genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "pss.pem"]);
    set_mode(&place.path("pss.pem"), 0o600);
    let words =
        ["RSASSA-PSS (1.2.840.113549.1.1.10)", "strongroom key import <(openssl rsa -in", "-traditional -outform DER)"];
    let told = refused(&place, "pss.pem", &words);
    let (_, hint) = told.trim_end().split_once("without it: ").unwrap();
    let (hint, public) = hint.split_once("; of a public key: ").unwrap();
    let out = shell(&place, hint);
    assert!(out.starts_with("Imported the private rsa key "), "{out}");
    openssl(&place, &["pkey", "-in", "pss.pem", "-pubout", "-out", "pss.pub"]);
    refused(&place, "pss.pub", &["RSASSA-PSS (1.2.840.113549.1.1.10)", "-RSAPublicKey_out"]);
    let public = public.replace("pss.pem", "pss.pub").replacen("key import", "key import --force", 1);
    assert!(shell(&place, &public).starts_with("Imported the public rsa key "));
    openssl(&place, &["genpkey", "-algorithm", "ED25519", "-out", "key.pem"]);
    // The identifier 1.3.101.112 stands behind twelve digits of base64.
    let other =
        std::fs::read_to_string(place.path("key.pem")).unwrap().replacen("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2UB", 1);
    place.secret_file("other.pem", &other);
    refused(&place, "other.pem", &["the algorithm 1.3.101.1, which is not known here"]);
}

#[test]
fn an_empty_pipe_makes_one_ask_for_the_command() {
    let place = Place::with_token();
    place.run(&["key", "import", "-"]).pins().refused(1, &["standard input is empty; did the command before it fail?"]);
    let line = "strongroom key import <(false) 2>&1 || true";
    let told = shell(&place, line);
    assert!(told.contains("is empty; did the command before it fail?"), "{told}");
    place.secret_file("empty", "");
    let told = refused(&place, "empty", &["empty is empty"]);
    assert!(!told.contains("command"), "{told}");
}

#[test]
fn only_a_file_still_has_the_key() {
    let place = Place::with_token();
    openssl(&place, &["genpkey", "-algorithm", "ED25519", "-out", "key.pem"]);
    set_mode(&place.path("key.pem"), 0o600);
    let left = "The file still has the key";
    assert!(shell(&place, "strongroom key import key.pem").contains(left));
    assert!(shell(&place, "strongroom key import --force - < key.pem").contains(left));
    assert!(!shell(&place, "cat key.pem | strongroom key import --force -").contains(left));
    assert!(!shell(&place, "strongroom key import --force <(cat key.pem)").contains(left));
}

#[test]
fn a_value_is_read_as_it_was_meant_or_not_at_all() {
    let place = Place::with_token();
    let import = |input: &str, more: &[&str]| {
        let arguments = [&["key", "import", "-", "--sensitive", "false", "--extractable"][..], more].concat();
        place.run(&arguments).input(input).pins()
    };
    let value = |number: &serde_json::Value| {
        let shown = place.run(&["key", "show", &number.to_string(), "--reveal"]).pins().json();
        shown["key"]["attributes"]["value"].clone()
    };
    for digits in ["00:11:22:33\n", "0x00112233\n", "0X00112233", " 00112233\r\n", "0x00:11:22:33\n"] {
        let made = import(digits, &["--type", "generic"]).json();
        assert_eq!((value(&made["key"]["number"]), &made["read_as"]), (json!("00112233"), &json!("hex")), "{digits}");
    }
    let told = import("00112233", &["--type", "generic"]).succeeds();
    assert!(told.ends_with("The value was read as hexadecimal digits.\n"), "{told}");
    let told = import("hunter2!", &["--type", "generic"]).succeeds();
    assert!(told.ends_with("The value was read as 8 raw bytes.\n"), "{told}");
    for text in ["hunter2!\n", "aGVsbG8gd29ybGQ=\r\n", "00:11:2g\n"] {
        let words = ["standard input is text with a line end", "hexadecimal digits", "printf %s", "--format binary"];
        let told = import(text, &["--type", "generic"]).refused(1, &words);
        assert!(!told.contains(text.trim()), "{told}");
        assert_eq!(import(text, &["--type", "generic", "--format", "binary"]).json()["read_as"], "binary");
    }
    import("00112\n", &["--type", "generic"]).refused(1, &["two for each byte"]);
    let told = import("00zq", &["--type", "generic", "--format", "hex"]).refused(1, &["hexadecimal digits are needed"]);
    assert!(!told.contains("zq"), "a part of the key is told: {told}");
}

#[test]
fn the_size_of_an_rsa_key_is_said_in_the_same_words() {
    let place = Place::with_token();
    openssl(&place, &["genrsa", "-out", "short.pem", "512"]);
    openssl(&place, &["rsa", "-in", "short.pem", "-pubout", "-out", "short.pub"]);
    let words = ["RSA keys have 1024 to 16384 bits; this one has 512"];
    refused(&place, "short.pem", &words);
    refused(&place, "short.pub", &words);
    let generate = |arguments: &[&str]| place.run(&[&["key", "generate"], arguments].concat()).pins();
    for (arguments, words) in [
        (&["--type", "rsa-512"][..], "RSA keys have 1024 to 16384 bits, in steps of 128"),
        (&["--type", "rsa", "--size", "512"], "--size 512: RSA keys have 1024 to 16384 bits, in steps of 128"),
        (&["--type", "rsa", "--bits", "2049"], "in steps of 128"),
        (&["--type", "rsa-32768"], "1024 to 16384 bits"),
        (&["--type", "dh-1000"], "2048, 3072, 4096, 6144 or 8192 bits"),
        (&["--type", "dsa-4096"], "1024, 2048 or 3072 bits"),
    ] {
        generate(arguments).refused(2, &[words]);
    }
}
