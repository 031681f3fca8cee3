//! The forms of files that `strongroom key import` takes, and what it says of others.

use std::process::Command;

use serde_json::json;

use super::pairs::openssl;
use super::place::{PIN, Place, set_mode};

/// Runs a line of shell in the place, as somebody does who follows a hint; it must succeed.
pub(crate) fn shell(place: &Place, line: &str) -> String {
    let program = env!("CARGO_BIN_EXE_strongroom");
    let output = Command::new("bash")
        .args(["-c", &line.replacen("strongroom", program, 1)])
        .current_dir(place.path(""))
        .env("STRONGROOM_DIR", place.tokens())
        .env("STRONGROOM_CONF", place.path("strongroom.toml"))
        .env("STRONGROOM_PIN", PIN)
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn path(place: &Place, name: &str) -> String {
    place.path(name).to_str().unwrap().to_owned()
}

#[test]
fn keys_in_the_forms_before_pkcs8_are_read() {
    let place = Place::with_token();
    openssl(&place, &["genrsa", "-traditional", "-out", "rsa.pem", "2048"]);
    openssl(&place, &["ecparam", "-genkey", "-name", "secp384r1", "-out", "ec.pem"]);
    openssl(&place, &["ecparam", "-genkey", "-name", "secp521r1", "-noout", "-out", "bare.pem"]);
    let group = ["-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"];
    openssl(&place, &[&["genpkey", "-genparam", "-out", "group.pem"], &group[..]].concat());
    openssl(&place, &["genpkey", "-paramfile", "group.pem", "-out", "dsa.p8"]);
    openssl(&place, &["pkey", "-in", "dsa.p8", "-traditional", "-out", "dsa.pem"]);
    for (name, label, begins) in [
        ("rsa", "RSA PRIVATE KEY", "-----BEGIN RSA PRIVATE KEY-----"),
        ("ec", "EC PRIVATE KEY", "-----BEGIN EC PARAMETERS-----"),
        ("bare", "EC PRIVATE KEY", "-----BEGIN EC PRIVATE KEY-----"),
        ("dsa", "DSA PRIVATE KEY", "-----BEGIN DSA PRIVATE KEY-----"),
    ] {
        let file = format!("{name}.pem");
        set_mode(&place.path(&file), 0o600);
        let pem = std::fs::read_to_string(place.path(&file)).unwrap();
        assert!(pem.starts_with(begins) && pem.contains(label), "{name}");
        let made = place.run(&["key", "import", &path(&place, &file), "--label", name]).pins().json();
        assert_eq!((&made["key"]["class"], &made["public_key"]["class"]), (&json!("private"), &json!("public")));
        let theirs = openssl(&place, &["pkey", "-in", &file, "-pubout"]);
        assert_eq!(place.run(&["key", "public", name]).succeeds(), theirs, "{name}");
        openssl(&place, &["pkey", "-in", &file, "-traditional", "-outform", "DER", "-out", "key.der"]);
        set_mode(&place.path("key.der"), 0o600);
        let der = path(&place, "key.der");
        place.run(&["key", "import", &der]).pins().refused(1, &["the token has this key already", name]);
    }
    let key = openssl(&place, &["ec", "-in", "ec.pem", "-no_public"]);
    let alone = Place::with_token();
    let out = alone.run(&["key", "import", "-"]).input(&key).pins().succeeds();
    assert!(out.starts_with("Imported the private ec P-384 key 1, 384 bits, its public key "), "{out}");
}

/// The last bytes of an EC key on P-256 are its point, in both forms.
#[test]
fn a_key_with_the_public_half_of_another_is_refused() {
    let place = Place::with_token();
    let refused = |name: &str| {
        set_mode(&place.path(name), 0o600);
        let words = ["the public key that it has beside the private key is another one's", "nothing was imported"];
        place.run(&["key", "import", &path(&place, name)]).pins().refused(1, &words);
        place.run(&["key", "import", &path(&place, name), "--private-only", "--force"]).pins().refused(1, &words);
    };
    for form in [&["ec", "-outform", "DER"][..], &["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"]] {
        let [one, other] = ["one", "other"].map(|name| {
            openssl(&place, &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem"]);
            openssl(&place, &[form, &["-in", "key.pem", "-out", name]].concat());
            std::fs::read(place.path(name)).unwrap()
        });
        let point = one.len() - 65;
        std::fs::write(place.path("mixed"), [&one[..point], &other[point..]].concat()).unwrap();
        refused("mixed");
    }
    let group = ["-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"];
    openssl(&place, &[&["genpkey", "-genparam", "-out", "group.pem"], &group[..]].concat());
    openssl(&place, &["genpkey", "-paramfile", "group.pem", "-out", "dsa.p8"]);
    openssl(&place, &["pkey", "-in", "dsa.p8", "-traditional", "-outform", "DER", "-out", "dsa.der"]);
    let mut dsa = std::fs::read(place.path("dsa.der")).unwrap();
    // The private value has at most 23 bytes, with tag and length; before it stands the public one.
    let within_y = dsa.len() - 60;
    dsa[within_y] ^= 1;
    std::fs::write(place.path("changed"), dsa).unwrap();
    refused("changed");
    assert_eq!(place.run(&["key", "list"]).pins().json()["keys"], json!([]));
}

#[test]
fn a_public_half_may_have_another_form() {
    for form in ["compressed", "hybrid"] {
        let place = Place::with_token();
        openssl(&place, &["ecparam", "-genkey", "-name", "secp521r1", "-noout", "-out", "key.pem"]);
        openssl(&place, &["ec", "-in", "key.pem", "-conv_form", form, "-out", "formed.pem"]);
        set_mode(&place.path("formed.pem"), 0o600);
        let made = place.run(&["key", "import", &path(&place, "formed.pem"), "--label", form]).pins().json();
        assert_eq!(made["key"]["curve"], "P-521");
        let theirs = openssl(&place, &["pkey", "-in", "key.pem", "-pubout"]);
        assert_eq!(place.run(&["key", "public", form]).succeeds(), theirs, "{form}");
    }
}

#[test]
fn parameters_of_another_curve_are_refused() {
    let place = Place::with_token();
    openssl(&place, &["ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "key.pem"]);
    openssl(&place, &["ecparam", "-name", "secp384r1", "-out", "parameters.pem"]);
    let read = |name| std::fs::read_to_string(place.path(name)).unwrap();
    place.secret_file("mixed.pem", &(read("parameters.pem") + &read("key.pem")));
    let words = ["mixed.pem: the private key cannot be read", "parameters before the key are of another curve"];
    place.run(&["key", "import", &path(&place, "mixed.pem")]).pins().refused(1, &words);
}

#[test]
fn parameters_alone_are_no_key() {
    let place = Place::with_token();
    openssl(&place, &["ecparam", "-name", "prime256v1", "-out", "ec.pem"]);
    let group = ["-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"];
    openssl(&place, &[&["genpkey", "-genparam", "-out", "dsa.pem"], &group[..]].concat());
    openssl(&place, &["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048", "-out", "dh.pem"]);
    for (name, kind) in [("ec", "EC PARAMETERS"), ("dsa", "DSA PARAMETERS"), ("dh", "DH PARAMETERS")] {
        let words = [&format!("{name}.pem has parameters ({kind}) and no key"), "name the file with the key"];
        let told = place.run(&["key", "import", &path(&place, &format!("{name}.pem"))]).pins().refused(1, &words);
        assert!(!told.contains("structures"), "{told}");
    }
    place.secret_file("cut.pem", "-----BEGIN PRIVATE KEY\nMAA=\n");
    place.run(&["key", "import", &path(&place, "cut.pem")]).pins().refused(1, &["cut.pem: the dashes are missing"]);
}

#[test]
fn a_hint_can_be_pasted_whatever_the_file_is_called() {
    let place = Place::with_token();
    for name in ["a b.pem", "$(touch x)", "it's; touch x", "`touch x`", "line\ntouch x", "-a b"] {
        openssl(&place, &["genpkey", "-algorithm", "ED25519", "-out", "key.pem"]);
        openssl(&place, &["pkcs8", "-topk8", "-passout", "pass:orange", "-in", "key.pem", "-out", "sealed.pem"]);
        std::fs::rename(place.path("sealed.pem"), place.path(name)).unwrap();
        let told = place.run(&["key", "import", &path(&place, name)]).pins().refused(1, &["encrypted private key"]);
        let (_, hint) = told.split_once("without another file: ").unwrap();
        let out = shell(&place, &hint.trim_end().replacen(" -in ", " -passin pass:orange -in ", 1));
        assert!(out.starts_with("Imported the private ed25519 key "), "{name}: {out}");
    }
    assert!(!place.path("x").exists(), "a name became a command");
}

#[test]
fn an_encrypted_key_is_imported_as_the_hint_says() {
    let place = Place::with_token();
    let sealed = ["genrsa", "-traditional", "-aes128", "-passout", "pass:orange", "-out", "sealed.pem", "2048"];
    openssl(&place, &sealed);
    let pem = std::fs::read_to_string(place.path("sealed.pem")).unwrap();
    assert!(pem.contains("BEGIN RSA PRIVATE KEY") && pem.contains("Proc-Type: 4,ENCRYPTED"), "{pem}");
    let told = place.run(&["key", "import", &path(&place, "sealed.pem")]).pins().refused(
        1,
        &["has an encrypted private key", "without another file", "strongroom key import <(openssl pkey -in"],
    );
    assert!(!told.contains("-out"), "{told}");
    let out = shell(&place, "strongroom key import <(openssl pkey -in sealed.pem -passin pass:orange)");
    assert!(out.starts_with("Imported the private rsa key "), "{out}");
}

#[test]
fn pkcs12_is_imported_as_the_hint_says() {
    let place = Place::with_token();
    openssl(&place, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "key.pem"]);
    openssl(&place, &["req", "-x509", "-key", "key.pem", "-subj", "/CN=x", "-out", "crt.pem"]);
    let pack =
        ["pkcs12", "-export", "-inkey", "key.pem", "-in", "crt.pem", "-passout", "pass:orange", "-out", "web.p12"];
    openssl(&place, &pack);
    let words =
        ["is a PKCS#12 file", "-nocerts -nodes)", "-nokeys -clcerts)", "strongroom key import <(openssl pkcs12 -in"];
    place.run(&["key", "import", &path(&place, "web.p12")]).pins().refused(1, &words);
    let take = |part: &str| {
        shell(&place, &format!("strongroom key import <(openssl pkcs12 -in web.p12 {part} -passin pass:orange)"))
    };
    let (key, certificate) = (take("-nocerts -nodes"), take("-nokeys -clcerts"));
    assert!(key.starts_with("Imported the private ec P-256 key "), "{key}");
    assert!(certificate.starts_with("Imported the x509 certificate ") && certificate.contains(", of the key "));
}

#[test]
fn what_is_no_key_is_said_in_few_words() {
    let place = Place::with_token();
    for name in ["empty", "noise", "words"] {
        let content = match name {
            "words" => "no key at all\n",
            "noise" => "\u{1}\u{2}\u{3}",
            _ => "",
        };
        place.secret_file(name, content);
    }
    place.run(&["key", "import", &path(&place, "empty")]).pins().refused(1, &["empty is empty"]);
    place.run(&["key", "import", &path(&place, "empty"), "--type", "aes"]).pins().refused(1, &["empty is empty"]);
    place.run(&["key", "import", "-"]).pins().refused(1, &["standard input is empty"]);
    for name in ["noise", "words"] {
        let told =
            place.run(&["key", "import", &path(&place, name)]).pins().refused(1, &["neither PEM nor DER", "--type"]);
        assert!(!told.contains("openssl") && !told.contains("PKCS"), "{told}");
    }
}
