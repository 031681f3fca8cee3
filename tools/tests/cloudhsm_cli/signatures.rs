//! crypto sign, crypto verify.

use serde_json::json;

use super::cli::{ADMIN, ALICE, BOB, Cli, base64, from_base64};

const MESSAGE: &[u8] = b"to be signed";

fn with_pairs() -> Cli {
    let cli = Cli::new();
    let rsa = "key generate-asymmetric-pair rsa --public-exponent 65537 --modulus-size-bits 2048 --public-label rp \
               --private-label r --public-attributes verify=true --private-attributes sign=true";
    let ec = "key generate-asymmetric-pair ec --curve secp384r1 --public-label ep --private-label e --public-attributes \
              verify=true --private-attributes sign=true";
    let said = cli.session(
        ALICE,
        &[
            rsa,
            ec,
            "key generate-asymmetric-pair ec --curve secp256r1 --public-label np --private-label n",
            "key generate-file --encoding pem --path rp.pem --filter attr.label=rp",
        ],
    );
    assert!(said.iter().all(|answer| answer["error_code"] == 0), "{said:?}");
    cli.write("message", MESSAGE);
    cli
}

/// The digest of the message, by openssl.
fn digest(cli: &Cli, hash: &str) -> String {
    cli.openssl(&format!("dgst -{hash} -binary -out digest message"));
    base64(&cli.file("digest"))
}

#[test]
fn signatures_of_messages_and_of_their_digests_are_verified() {
    let cli = with_pairs();
    let data = base64(MESSAGE);
    let verified = json!({ "message": "Signature verified successfully" });
    for (method, private, public, bytes) in
        [("ecdsa", "e", "ep", 96), ("rsa-pkcs", "r", "rp", 256), ("rsa-pkcs-pss", "r", "rp", 256)]
    {
        for (hash, salt) in [("sha1", 20), ("sha224", 28), ("sha256", 32), ("sha384", 48), ("sha512", 64)] {
            let pss = match method {
                "rsa-pkcs-pss" => format!("--mgf mgf1-{hash} --salt-length {salt}"),
                _ => String::new(),
            };
            let options = format!("{method} --hash-function {hash} {pss}");
            let signed = json!({ "key-reference": "~reference", "signature": format!("~base64:{bytes}") });
            let raw = format!("crypto sign {options} --key-filter attr.label={private} --data {data}");
            let ready = format!(
                "crypto sign {options} --key-filter attr.label={private} --data {} --data-type digest",
                digest(&cli, hash)
            );
            for line in [&raw, &ready] {
                let signature = cli.answers(ALICE, line, &signed)["signature"].as_str().unwrap().to_owned();
                let verify =
                    format!("crypto verify {options} --key-filter attr.label={public} --signature {signature}");
                cli.answers(ALICE, &format!("{verify} --data-path message"), &verified);
                cli.answers(BOB, &format!("{verify} --data {} --data-type digest", digest(&cli, hash)), &verified);
                let (said, _) = cli.refused(ALICE, &format!("{verify} --data AAAA"));
                assert_eq!(said, "Signature verification failed");
                cli.write("signature", from_base64(&signature).unwrap());
                if method != "ecdsa" {
                    let padding = match method {
                        "rsa-pkcs-pss" => " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
                        _ => "",
                    };
                    cli.openssl(&format!("dgst -{hash}{padding} -verify rp.pem -signature signature message"));
                }
            }
        }
    }
}

#[test]
fn what_cannot_sign_or_verify_is_refused() {
    let cli = with_pairs();
    let data = base64(MESSAGE);
    let refuses = |who, line: &str, words: &str| cli.refuses(who, &format!("crypto {line}"), words);
    refuses(ALICE, &format!("sign ecdsa --key-filter attr.label=n --hash-function sha256 --data {data}"), "CKA_SIGN");
    refuses(
        ALICE,
        &format!("sign ecdsa --key-filter attr.label=r --hash-function sha256 --data {data}"),
        "does not fit",
    );
    refuses(
        ALICE,
        &format!("sign ecdsa --key-filter attr.label=x --hash-function sha256 --data {data}"),
        "matched 0 keys",
    );
    refuses(
        BOB,
        &format!("sign ecdsa --key-filter attr.label=e --hash-function sha256 --data {data}"),
        "matched 0 keys",
    );
    refuses(
        ADMIN,
        &format!("sign ecdsa --key-filter attr.label=e --hash-function sha256 --data {data}"),
        "crypto-user",
    );
    refuses(ALICE, "sign ecdsa --key-filter attr.label=e --hash-function sha256 --data ?", "--data is no base64");
    refuses(ALICE, "sign ecdsa --key-filter attr.label=e --hash-function sha256 --data-path none", "cannot be read");
    refuses(
        ALICE,
        &format!("sign rsa-pkcs --key-filter attr.label=r --hash-function sha256 --data {data} --data-type digest"),
        "has 32 bytes, the data has 12",
    );
    refuses(
        ALICE,
        &format!("verify rsa-pkcs --key-filter attr.label=rp --hash-function sha256 --data {data} --signature AAAA"),
        "Signature verification failed",
    );
    cli.mistyped(ALICE, "crypto sign ecdsa --key-filter attr.label=e --hash-function sha256", "--data");
    cli.mistyped(ALICE, "crypto sign ecdsa --key-filter attr.label=e --hash-function md5 --data AAAA", "sha256");
    cli.mistyped(ALICE, "crypto sign dsa --key-filter attr.label=e --hash-function sha256 --data AAAA", "unrecognized");
    cli.mistyped(
        ALICE,
        "crypto sign rsa-pkcs-pss --key-filter attr.label=r --hash-function sha256 --data AAAA",
        "--mgf",
    );
}
