//! What a token's policy refuses, in words that say whose rule it is.

use serde_json::Value;

use super::pairs::openssl;
use super::place::{PIN, Place, set_mode};

fn with_policy(policy: &str) -> Place {
    let place = Place::new();
    place.run(&["token", "init", "--label", policy, "--policy", policy]).pins().succeeds();
    place
}

/// What is said of a key that is imported whatever the policy does with it, and whether the core signs with it.
fn imported(place: &Place, mechanism: &str) -> (Value, bool) {
    use strongroom_core::hsm::{Hsm, Options};
    use strongroom_core::mechanism::{Call, Parameter, named};
    set_mode(&place.path("key.pem"), 0o600);
    let made = place.run(&["key", "import", place.path("key.pem").to_str().unwrap(), "--force"]).pins().json();
    let hsm = Hsm::start(Options { dir: Some(place.tokens()), conf: Some(place.path("strongroom.toml")) }).unwrap();
    let session = hsm.session(hsm.open_session(0, true).unwrap()).unwrap();
    session.login(1, Some(PIN.as_bytes()), None).unwrap();
    let call = Call { mechanism: named(mechanism).unwrap(), parameter: Parameter::None };
    let signs = session.sign_init(&call, made["key"]["number"].as_u64().unwrap()).is_ok();
    (made["warning"].clone(), signs)
}

#[test]
fn what_is_said_to_be_useless_is_what_the_core_does_not_use() {
    let dsa = ["-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"];
    let maker = Place::new();
    openssl(&maker, &[&["genpkey", "-genparam", "-out", "group.pem"], &dsa[..]].concat());
    let group = maker.path("group.pem").to_str().unwrap().to_owned();
    for policy in ["standard", "strict", "fips"] {
        let place = with_policy(policy);
        for (algorithm, mechanism, fips) in [
            (
                &["RSA", "-pkeyopt", "rsa_keygen_bits:1024"][..],
                "SHA256_RSA_PKCS",
                "2048 bits or more, and this one has 1024",
            ),
            (&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "SHA256_RSA_PKCS", ""),
            (
                &["RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
                "SHA256_RSA_PKCS",
                "a public exponent of 65537 or more",
            ),
            (&["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ECDSA_SHA256", ""),
            (&["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "ECDSA_SHA256", "nothing with keys on secp256k1"),
            (&["ED25519"], "EDDSA", ""),
            (&["DSA"], "DSA_SHA256", "offers no dsa keys"),
        ] {
            match algorithm {
                ["DSA"] => drop(openssl(&place, &["genpkey", "-paramfile", &group, "-out", "key.pem"])),
                _ => drop(openssl(&place, &[&["genpkey", "-out", "key.pem", "-algorithm"], algorithm].concat())),
            }
            let (warning, signs) = imported(&place, mechanism);
            assert_eq!(signs, warning.is_null(), "{policy}: {algorithm:?}: {warning}");
            let strict_too = algorithm.contains(&"rsa_keygen_pubexp:3");
            let refused = policy == "fips" && !fips.is_empty() || policy == "strict" && strict_too;
            assert_eq!(signs, !refused, "{policy}: {algorithm:?}");
            assert!(signs || warning.as_str().unwrap().contains(fips), "{warning}");
        }
    }
}

#[test]
fn a_key_that_the_policy_does_not_use_is_refused() {
    let place = with_policy("fips");
    openssl(&place, &["genpkey", "-out", "key.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    openssl(&place, &["pkey", "-in", "key.pem", "-pubout", "-out", "key.pub"]);
    set_mode(&place.path("key.pem"), 0o600);
    let import = |file: &str| place.run(&["key", "import", place.path(file).to_str().unwrap()]).pins();
    import("key.pem").refused(1, &["policy \"fips\"", "2048 bits", "nothing was imported", "--force keeps it"]);
    import("key.pem").refused_json(1, "CKR_KEY_SIZE_RANGE");
    assert_eq!(place.run(&["key", "list"]).pins().json()["keys"].as_array().unwrap().len(), 0);
    let made = import("key.pub").json();
    let warning = made["warning"].as_str().unwrap();
    assert_eq!(
        warning,
        "the token's policy \"fips\" only verifies with RSA keys below 2048 bits, and this one has 1024"
    );
    openssl(&place, &["genpkey", "-out", "key.pem", "-algorithm", "X25519"]);
    import("key.pem").refused(1, &["policy \"fips\" offers no x25519 keys"]);
    for (policy, refused) in [("strict", &["des", "rc4"][..]), ("fips", &["des", "des3", "rc4"])] {
        let place = with_policy(policy);
        let value = place.secret_file("value", "0123456789abcdef23456789abcdef01456789abcdef0123");
        let short = place.secret_file("short", "0123456789abcdef");
        for kind in ["des", "des3", "rc4", "aes"] {
            let file = if kind == "des" { &short } else { &value };
            let import = place.run(&["key", "import", file, "--type", kind]).pins();
            match refused.contains(&kind) {
                true => drop(import.refused(1, &[&format!("policy \"{policy}\" offers no {kind} keys")])),
                false => drop(import.succeeds()),
            }
        }
    }
}

#[test]
fn names_may_be_typed_in_capitals() {
    let place = Place::new();
    place.run(&["token", "init", "--label", "f", "--policy", "FIPS", "--kdf", "Test"]).pins().succeeds();
    assert_eq!(place.run(&["token", "show"]).json()["token"]["policy"], "fips");
    place.run(&["key", "generate", "--type", "ML-DSA-65"]).pins().succeeds();
    place.run(&["key", "list", "--type", "Ml-Dsa-65"]).pins().succeeds();
    place.run(&["mechanisms", "--policy", "FIPS"]).succeeds();
}

#[test]
fn a_policy_is_named_once() {
    let place = with_policy("fips");
    let exponent = "rsa_keygen_pubexp:3";
    openssl(&place, &["genpkey", "-out", "key.pem", "-algorithm", "RSA", "-pkeyopt", exponent]);
    set_mode(&place.path("key.pem"), 0o600);
    let import = place.run(&["key", "import", place.path("key.pem").to_str().unwrap()]).pins();
    let told = import.refused(1, &["the token's policy (fips) wants RSA keys with", "--force keeps it"]);
    assert_eq!(told.matches("policy").count(), 1, "{told}");
}

#[test]
fn refusals_to_generate_name_the_policy() {
    let place = with_policy("fips");
    let generate = |arguments: &[&str]| place.run(&[&["key", "generate"], arguments].concat()).pins();
    generate(&["--type", "rsa-1024"])
        .refused(1, &["--size 1024", "policy \"fips\" needs 2048 bits", "--type rsa-2048"]);
    generate(&["--type", "rsa-1024"]).refused_json(1, "CKR_KEY_SIZE_RANGE");
    generate(&["--type", "ec", "--curve", "secp256k1"]).refused(1, &["--curve secp256k1", "policy \"fips\""]);
    generate(&["--type", "ec", "--curve", "secp256k1"]).refused_json(1, "CKR_CURVE_NOT_SUPPORTED");
    let told = generate(&["--type", "dsa"])
        .refused(1, &["policy is \"fips\", which offers no dsa keys", "mechanisms --policy"]);
    assert!(!told.contains("PARAMETER_GEN"), "{told}");
    generate(&["--type", "x942-dh"]).refused(1, &["policy is \"fips\"", "no domain parameters"]);
    generate(&["--type", "rsa-2048"]).succeeds();
    let lax = Place::with_token();
    lax.run(&["key", "generate", "--type", "rsa-1024"]).pins().succeeds();
}

#[test]
fn mechanisms_under_a_policy_have_the_functions_that_are_left() {
    let place = Place::new();
    let functions = |arguments: &[&str], name: &str| -> Vec<String> {
        let all = place.run(&[&["mechanisms"], arguments].concat()).json();
        let found = all["mechanisms"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
        found["functions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let is = |arguments: &[&str], name, function: &str| functions(arguments, name).contains(&function.to_owned());
    assert!(is(&[], "CKM_RSA_PKCS", "encrypt") && is(&["--policy", "standard"], "CKM_RSA_PKCS", "wrap"));
    assert!(
        is(&["--policy", "strict"], "CKM_RSA_PKCS", "encrypt") && !is(&["--policy", "strict"], "CKM_RSA_PKCS", "wrap")
    );
    let fips = ["--policy", "fips"];
    assert_eq!(functions(&fips, "CKM_RSA_PKCS"), ["sign", "verify", "sign recover", "verify recover"]);
    assert_eq!(functions(&fips, "CKM_SHA1_RSA_PKCS"), ["verify", "message verify", "multi-part messages"]);
    let text = place.run(&["mechanisms", "--policy", "fips"]).succeeds();
    let line = text.lines().find(|line| line.starts_with("CKM_RSA_PKCS ")).unwrap();
    assert!(!line.contains("crypt") && !line.contains("wrap"), "{line}");
    let rules = text.lines().last().unwrap();
    for rule in [
        "RSA keys below 2048 bits or with a public exponent below 65537 only verify",
        "DH keys agree only in the groups of RFC 3526 and RFC 7919 from 2048 bits on",
        "keys on secp256k1, X25519 and X448 and DSA keys are not used at all",
    ] {
        assert!(rules.starts_with("Under fips, ") && rules.contains(rule), "{rules}");
    }
    for other in [&["mechanisms"][..], &["mechanisms", "--policy", "strict"]] {
        assert!(!place.run(other).succeeds().contains("Under fips"), "{other:?}");
    }
}
