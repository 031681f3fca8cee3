//! OpenSC's `pkcs11-tool`, the first program anyone tries on a PKCS#11 module. Results are compared with `openssl`.

use crate::harness::{LABEL, Place, USER_PIN, refuse, succeed, tool};
use crate::page::Page;

const VECTOR: &str = "000102030405060708090a0b0c0d0e0f";

#[test]
fn page_works() {
    let place = Place::new("pkcs11-tool-page");
    if place.is_peer() {
        // Named users, and slots that await a token, are ours.
        return;
    }
    let told = Page::read("pkcs11-tool").run(&place);
    assert_eq!(told.matches("Verified OK").count(), 3, "{told}");
    assert_eq!(told.matches("Signature is valid").count(), 3, "{told}");
    let mut verify = place.command(tool("openssl"));
    succeed(verify.args(["verify", "-CAfile", "authority.pem", "papers.read"]));
    // The check can fail: a changed letter is refused.
    place.write("letter", b"something else");
    for (key, signature) in [("papers.pub", "letter.rsa"), ("doors.pub", "letter.ecdsa")] {
        let mut verify = place.command(tool("openssl"));
        let answer = refuse(verify.args(["dgst", "-sha256", "-verify", key, "-signature", signature, "letter"]));
        assert!(answer.contains("Verification failure"), "{answer}");
    }
    returned_key_is_the_wrapped_one(&place);
    first_key_signs_whatever_the_label(&place);
    usage_sign_forbids_nothing(&place);
}

/// What is sealed with one opens with the other. Names of the mechanism the tool has not.
fn returned_key_is_the_wrapped_one(place: &Place) {
    let user = ["--token-label", "second", "--login", "--pin", "1234-user"];
    place.write("plain", &[7; 64]);
    for (work, id, files) in [("--encrypt", "05", ["plain", "sealed"]), ("--decrypt", "06", ["sealed", "opened"])] {
        let [from, to] = files;
        place.pkcs11_tool(user.into_iter().chain([work, "--mechanism", "AES-ECB", "--id", id, "-i", from, "-o", to]));
    }
    assert_eq!(place.read("opened"), place.read("plain"));
    let wrap = ["--wrap", "--mechanism", "AES-KEY-WRAP-PAD", "--id", "04", "--application-id", "05", "-o", "none"];
    let mut wrapping = place.command(tool("pkcs11-tool"));
    let told = refuse(wrapping.arg("--module").arg(&place.module).args(user).args(wrap));
    assert!(told.contains("Unknown PKCS11 mechanism \"AES-KEY-WRAP-PAD\""), "{told}");
}

/// What the page says of `pkcs11-tool` 0.23: the first private key is the RSA key.
fn first_key_signs_whatever_the_label(place: &Place) {
    let mut sign = place.command(tool("pkcs11-tool"));
    sign.arg("--module").arg(&place.module).args(["--token-label", "second", "--login", "--pin", "1234-user"]);
    let told = refuse(sign.args(["--sign", "--mechanism", "ECDSA-SHA256", "--label", "doors", "-i", "letter"]));
    assert!(told.contains("CKR_KEY_TYPE_INCONSISTENT"), "{told}");
}

/// Likewise.
fn usage_sign_forbids_nothing(place: &Place) {
    let user = ["--token-label", "second", "--login", "--pin", "1234-user", "--keypairgen", "--usage-sign"];
    for (kind, usage) in [("rsa:2048", "decrypt, sign, unwrap"), ("EC:prime256v1", "sign, derive")] {
        let made = place.pkcs11_tool(user.into_iter().chain(["--key-type", kind]));
        assert!(made.lines().any(|line| line.trim() == format!("Usage:      {usage}")), "{made}");
    }
}

#[test]
fn token_is_initialised_and_listed() {
    let place = Place::with_token("pkcs11-tool-init");
    let slots = place.pkcs11_tool(["--list-slots"]);
    assert!(slots.contains(LABEL), "{slots}");
    assert!(slots.contains("token initialized") && slots.contains("PIN initialized"), "{slots}");
    assert!(slots.contains("uninitialized"), "one empty slot is offered last:\n{slots}");
    let info = place.pkcs11_tool(["--show-info"]);
    assert!(info.contains("Library") && info.contains("Cryptoki version"), "{info}");
}

#[test]
fn pin_is_changed_and_the_old_one_refused() {
    let place = Place::with_token("pkcs11-tool-pin");
    place.as_user(["--change-pin", "--new-pin", "another-pin"]);
    let mut old = place.command(tool("pkcs11-tool"));
    old.arg("--module").arg(&place.module);
    old.args(["--token-label", LABEL, "--login", "--pin", USER_PIN, "--list-objects"]);
    let answer = refuse(&mut old);
    assert!(answer.contains("CKR_PIN_INCORRECT"), "{answer}");
    place.pkcs11_tool(["--token-label", LABEL, "--login", "--pin", "another-pin", "--list-objects"]);
}

#[test]
fn keys_are_generated_found_and_deleted() {
    let place = Place::with_token("pkcs11-tool-keygen");
    for (number, size) in [(1, "AES:16"), (2, "AES:24"), (3, "AES:32"), (4, "GENERIC:64")] {
        let id = format!("{number:02}");
        let made = place.as_user(["--keygen", "--key-type", size, "--label", size, "--id", &id]);
        let length = size.split(':').next_back().unwrap();
        assert!(made.contains("Secret Key Object") && made.contains(&format!("length {length}")), "{made}");
    }
    if !place.is_peer() {
        // This client sends CKA_VALUE_LEN with DES3 keys too.
        let made = place.as_user(["--keygen", "--key-type", "DES3:24", "--label", "DES3:24", "--id", "05"]);
        assert!(made.contains("DES3"), "{made}");
    }
    // Each call was a process of its own: the keys are on the token.
    let listed = place.as_user(["--list-objects", "--type", "secrkey"]);
    for label in ["AES:16", "AES:24", "AES:32", "GENERIC:64"] {
        assert!(listed.contains(label), "{listed}");
    }
    assert!(listed.contains("never extractable, local"), "{listed}");
    place.as_user(["--delete-object", "--type", "secrkey", "--id", "02"]);
    let listed = place.as_user(["--list-objects", "--type", "secrkey"]);
    assert!(!listed.contains("AES:24") && listed.contains("AES:32"), "{listed}");
}

#[test]
fn private_keys_are_hidden_without_login() {
    let place = Place::with_token("pkcs11-tool-private");
    place.as_user(["--keygen", "--key-type", "AES:32", "--label", "hidden", "--id", "01", "--private", "--sensitive"]);
    let listed = place.pkcs11_tool(["--token-label", LABEL, "--list-objects"]);
    assert!(!listed.contains("hidden"), "{listed}");
    let listed = place.as_user(["--list-objects"]);
    assert!(listed.contains("hidden"), "{listed}");
}

#[test]
fn file_is_encrypted_as_openssl_does() {
    let place = Place::with_token("pkcs11-tool-encrypt");
    let key = place.write_data("key", 32);
    // Longer than the tool's buffer: the file goes through in many parts. Both a ragged and a round length.
    for length_bytes in [0, 1, 1000, 1024, 100_003] {
        let label = format!("key {length_bytes}");
        place.as_user(
            ["--write-object", "key", "--type", "secrkey", "--key-type", "AES:32", "--id", "0a", "--label"]
                .into_iter()
                .chain([label.as_str()]),
        );
        let plain = place.write_data("plain", length_bytes);
        place.as_user(["--encrypt", "-m", "AES-CBC-PAD", "--id", "0a", "--iv", VECTOR, "-i", "plain", "-o", "sealed"]);
        openssl_encrypt(&place, &["-aes-256-cbc", "-iv", VECTOR], &key);
        assert_eq!(place.read("sealed"), place.read("expected"), "AES-CBC-PAD of {length_bytes} bytes");
        place.as_user(["--decrypt", "-m", "AES-CBC-PAD", "--id", "0a", "--iv", VECTOR, "-i", "sealed", "-o", "opened"]);
        assert_eq!(place.read("opened"), plain, "AES-CBC-PAD of {length_bytes} bytes");
        place.as_user(["--delete-object", "--type", "secrkey", "--id", "0a"]);
    }
}

#[test]
fn whole_blocks_are_encrypted_as_openssl_does() {
    let place = Place::with_token("pkcs11-tool-blocks");
    let key = place.write_data("key", 16);
    place.as_user(["--write-object", "key", "--type", "secrkey", "--key-type", "AES:16", "--id", "0a"]);
    let plain = place.write_data("plain", 4096);
    for (mechanism, cipher) in [("AES-ECB", "-aes-128-ecb"), ("AES-CBC", "-aes-128-cbc")] {
        place.as_user(["--encrypt", "-m", mechanism, "--id", "0a", "--iv", VECTOR, "-i", "plain", "-o", "sealed"]);
        let vector: &[&str] = if mechanism == "AES-CBC" { &["-iv", VECTOR] } else { &[] };
        openssl_encrypt(&place, &[&[cipher, "-nopad"], vector].concat(), &key);
        assert_eq!(place.read("sealed"), place.read("expected"), "{mechanism}");
        place.as_user(["--decrypt", "-m", mechanism, "--id", "0a", "--iv", VECTOR, "-i", "sealed", "-o", "opened"]);
        assert_eq!(place.read("opened"), plain, "{mechanism}");
    }
}

#[test]
fn hmac_is_the_one_openssl_computes() {
    let place = Place::with_token("pkcs11-tool-hmac");
    let key = place.write_data("key", 64);
    place.write_data("plain", 20_000);
    place.as_user(["--write-object", "key", "--type", "secrkey", "--id", "0b", "--usage-sign"]);
    for (mechanism, digest) in
        [("SHA-1-HMAC", "-sha1"), ("SHA256-HMAC", "-sha256"), ("SHA384-HMAC", "-sha384"), ("SHA512-HMAC", "-sha512")]
    {
        place.as_user(["--sign", "-m", mechanism, "--id", "0b", "-i", "plain", "-o", "mac"]);
        let mut openssl = place.command(tool("openssl"));
        openssl.args(["dgst", digest, "-binary", "-out", "expected", "-mac", "HMAC", "-macopt"]);
        succeed(openssl.arg(format!("hexkey:{}", hexadecimal(&key))).arg("plain"));
        assert_eq!(place.read("mac"), place.read("expected"), "{mechanism}");
        place.as_user(["--verify", "-m", mechanism, "--id", "0b", "-i", "plain", "--signature-file", "mac"]);
    }
}

#[test]
fn hash_is_the_one_openssl_computes() {
    let place = Place::with_token("pkcs11-tool-hash");
    place.write_data("plain", 20_000);
    for (mechanism, digest) in
        [("SHA-1", "-sha1"), ("SHA224", "-sha224"), ("SHA256", "-sha256"), ("SHA384", "-sha384"), ("SHA512", "-sha512")]
    {
        place.as_user(["--hash", "-m", mechanism, "-i", "plain", "-o", "hash"]);
        let mut openssl = place.command(tool("openssl"));
        succeed(openssl.args(["dgst", digest, "-binary", "-out", "expected", "plain"]));
        assert_eq!(place.read("hash"), place.read("expected"), "{mechanism}");
    }
}

#[test]
fn random_bytes_differ() {
    let place = Place::with_token("pkcs11-tool-random");
    for name in ["first", "second"] {
        place.pkcs11_tool(["--token-label", LABEL, "--generate-random", "64", "-o", name]);
    }
    assert_eq!(place.read("first").len(), 64);
    assert_ne!(place.read("first"), place.read("second"));
}

#[test]
fn imported_value_is_read_back_unless_sensitive() {
    let place = Place::with_token("pkcs11-tool-read");
    let key = place.write_data("key", 32);
    place.as_user(
        ["--write-object", "key", "--type", "secrkey", "--key-type", "AES:32", "--id", "0c", "--extractable"]
            .into_iter()
            .chain(["--label", "open"]),
    );
    let listed = place.as_user(["--list-objects"]);
    assert!(listed.replace([' ', '\n'], "").contains(&hexadecimal(&key)), "{listed}");
    place.as_user(["--keygen", "--key-type", "AES:32", "--id", "0d", "--label", "closed", "--sensitive"]);
    let listed = place.as_user(["--list-objects"]);
    assert_eq!(listed.matches("VALUE:").count(), listed.matches("open").count(), "{listed}");
}

#[test]
fn data_object_and_certificate_are_kept() {
    let place = Place::with_token("pkcs11-tool-data");
    let data = place.write_data("data", 500);
    place.as_user(["--write-object", "data", "--type", "data", "--label", "note", "--application-label", "test"]);
    place.as_user(["--read-object", "--type", "data", "--label", "note", "-o", "note"]);
    assert_eq!(place.read("note"), data);

    let mut openssl = place.command(tool("openssl"));
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "private.pem", "-subj", "/CN=client"]);
    succeed(openssl.args(["-outform", "DER", "-out", "certificate.der", "-days", "10"]));
    place.as_user(["--write-object", "certificate.der", "--type", "cert", "--label", "client", "--id", "0e"]);
    place.pkcs11_tool(["--token-label", LABEL, "--read-object", "--type", "cert", "--id", "0e", "-o", "read.der"]);
    assert_eq!(place.read("read.der"), place.read("certificate.der"));
}

#[test]
fn mechanisms_are_listed() {
    let place = Place::with_token("pkcs11-tool-mechanisms");
    let listed = place.pkcs11_tool(["--token-label", LABEL, "--list-mechanisms"]);
    for line in
        ["AES-GCM, keySize={16,32}, encrypt, decrypt", "AES-KEY-GEN, keySize={16,32}, generate", "SHA256, digest"]
    {
        assert!(listed.contains(line), "{line} is missing:\n{listed}");
    }
    if !place.is_peer() {
        for name in ["RC4-KEY-GEN", "DES3-CBC-PAD", "AES-CMAC", "SHA3-256", "GENERIC-SECRET-KEY-GEN"] {
            assert!(listed.contains(name), "{name} is missing:\n{listed}");
        }
        let interfaces = place.pkcs11_tool(["--list-interfaces"]);
        assert!(interfaces.contains("3.2") && interfaces.contains("3.0") && interfaces.contains("2.40"));
    }
}

#[test]
fn own_tests_of_the_tool_pass() {
    let place = Place::with_token("pkcs11-tool-test");
    let told = place.as_user(["--test"]);
    assert!(told.contains("No errors"), "{told}");
    if !place.is_peer() {
        place.pkcs11_tool(["--token-label", LABEL, "--test-fork"]);
    }
    let told = place.pkcs11_tool(["--test-threads", "ILGISLT0", "--test-threads", "ILGISLT0"]);
    assert!(!told.contains("CKR_GENERAL_ERROR"), "{told}");
}

fn openssl_encrypt(place: &Place, cipher: &[&str], key: &[u8]) {
    let mut openssl = place.command(tool("openssl"));
    openssl.arg("enc").args(cipher).args(["-K", &hexadecimal(key), "-in", "plain", "-out", "expected"]);
    succeed(&mut openssl);
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
