//! sign, verify, aesWrapUnwrap.

use std::process::{Command, Output};

use super::kmu::{Kmu, PROGRAM, USER, code, handle, pair};
use super::place::PIN;

fn openssl(kmu: &Kmu, line: &str) -> Output {
    Command::new("openssl").args(line.split(' ')).current_dir(kmu.place.path("")).output().unwrap()
}

fn with_message() -> Kmu {
    let kmu = Kmu::new();
    std::fs::write(kmu.place.path("message"), "to be signed").unwrap();
    std::fs::write(kmu.place.path("other"), "to be signed too").unwrap();
    kmu
}

#[test]
fn signatures_are_those_of_openssl() {
    let kmu = with_message();
    let said =
        kmu.session(&["genRSAKeyPair -m 2048 -e 65537 -l r", "genECCKeyPair -i 2 -l e", "genECCKeyPair -i 15 -l e"]);
    let (rsa, p256, p521) = (pair(&said[0]), pair(&said[1]), pair(&said[2]));
    let (pkcs1, pss) = ("", " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest");
    for ((public, private), mechanism, hash, padding) in [
        (rsa, 0, "sha1", pkcs1),
        (rsa, 1, "sha256", pkcs1),
        (rsa, 2, "sha384", pkcs1),
        (rsa, 3, "sha512", pkcs1),
        (rsa, 4, "sha224", pkcs1),
        (rsa, 5, "sha1", pss),
        (rsa, 6, "sha256", pss),
        (rsa, 7, "sha384", pss),
        (rsa, 8, "sha512", pss),
        (rsa, 9, "sha224", pss),
        (p256, 15, "sha1", ""),
        (p256, 16, "sha224", ""),
        (p256, 17, "sha256", ""),
        (p256, 18, "sha384", ""),
        (p256, 19, "sha512", ""),
        (p521, 19, "sha512", ""),
    ] {
        let said = kmu.session(&[
            &format!("exportPubKey -k {public} -out public.pem"),
            &format!("sign -f message -k {private} -m {mechanism} -out signature"),
            &format!("verify -f message -s signature -k {public} -m {mechanism}"),
            &format!("verify -f other -s signature -k {public} -m {mechanism}"),
            &format!("verify -f message -s other -k {public} -m {mechanism}"),
        ]);
        let signed = "\n\tCfm3Sign returned: 0x00 : HSM Return: SUCCESS\n\nsignature is written to file signature\n\n\tCluster \
                      Error Status\n\tNode id 0 and err state 0x00000000 : HSM Return: SUCCESS\n";
        assert_eq!(said[1], signed);
        let verified = "\nSignature verification successful\n\n\tCfm3Verify returned: 0x00 : HSM Return: SUCCESS\n";
        assert_eq!(said[2], verified);
        for wrong in &said[3..] {
            assert_eq!(wrong, "\n\tCfm3Verify returned: 0x1b : CSP Error: ERR_BAD_PKCS_DATA\n", "{mechanism}");
        }
        let line = format!("dgst -{hash}{padding} -verify public.pem -signature signature message");
        let theirs = openssl(&kmu, &line);
        assert!(theirs.status.success(), "{mechanism}: {theirs:?}");
    }
}

#[test]
fn what_cannot_sign_is_refused() {
    let kmu = with_message();
    let (public, private) = pair(&kmu.one("genECCKeyPair -i 2 -l e"));
    let secret = handle(&kmu.one("genSymKey -t 31 -s 32 -l s"));
    for (line, expected) in [
        (format!("sign -f message -k {public} -m 17 -out signature"), "e7"),
        (format!("sign -f message -k {private} -m 1 -out signature"), "e8"),
        (format!("sign -f message -k {secret} -m 17 -out signature"), "e8"),
        ("sign -f message -k 4711 -m 17 -out signature".to_owned(), "a8"),
        (format!("verify -f message -s message -k {private} -m 17"), "e7"),
        ("verify -f message -s message -k 4711 -m 17".to_owned(), "a8"),
    ] {
        let said = kmu.one(&line);
        assert_eq!(code(&said), expected, "{line}: {said}");
    }
    for (line, words) in [
        (format!("sign -f absent -k {private} -m 17 -out signature"), "Error: absent cannot be read: "),
        (format!("sign -f message -k {private} -m 10 -out signature"), "Syntax: sign -h"),
        ("sign -f message -k 1 -m 17".to_owned(), "Error: Output file (-out) is missing."),
        ("sign -k 1 -m 17 -out signature".to_owned(), "Error: Message file (-f) is missing."),
        ("verify -f message -k 1 -m 17".to_owned(), "Error: Signature file (-s) is missing."),
        ("verify -f message -s message -k 1".to_owned(), "Error: Signature mechanism (-m) is missing."),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(words) && !said.contains("returned"), "{line}: {said}");
    }
    assert!(!kmu.place.path("signature").exists());
}

#[test]
fn data_is_wrapped_and_unwrapped() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l k"));
    for (length, wrapped_length) in [(24, 40), (8, 24), (15, 24), (4079, 4088)] {
        let data: Vec<u8> = (0..length).map(|at| at as u8).collect();
        std::fs::write(kmu.place.path("data"), &data).unwrap();
        let said = kmu.session(&[
            &format!("aesWrapUnwrap -m 1 -f data -w {key}"),
            &format!("aesWrapUnwrap -m 0 -f wrapped_key -w {key} -out back -i 0xA6A6A6A6A6A6A6A6"),
        ]);
        let wrapped = std::fs::read(kmu.place.path("wrapped_key")).unwrap_or_else(|_| panic!("{said:?}"));
        assert_eq!(wrapped.len(), wrapped_length, "{length}");
        assert!(std::fs::read(kmu.place.path("back")).unwrap() == data, "{length}");
        assert!(said[0].starts_with(
            "\n\tWarning: IV (-i) is missing.\n\t         0xA6A6A6A6A6A6A6A6 is considered as default IV\n"
        ));
        let digits: Vec<String> = wrapped[..8].iter().map(|byte| format!("{byte:02X}")).collect();
        assert!(said[0].contains(&format!("\nresult data:\n{}\n", digits.join(" "))), "{said:?}");
        assert!(said[0].ends_with(
            "\nresult written to file wrapped_key\n\n\tCfm3WrapHostKey returned: 0x00 : HSM Return: SUCCESS\n"
        ));
        assert!(said[1].ends_with("\n\tCfm3UnWrapHostKey returned: 0x00 : HSM Return: SUCCESS\n"), "{said:?}");
    }
    std::fs::write(kmu.place.path("long"), [0; 4096]).unwrap();
    std::fs::write(kmu.place.path("noise"), [7; 40]).unwrap();
    std::fs::write(kmu.place.path("short"), [7; 7]).unwrap();
    std::fs::remove_file(kmu.place.path("back")).unwrap();
    for (line, words) in [
        (format!("aesWrapUnwrap -m 1 -f long -w {key} -out back"), "long has 4096 bytes, fewer than 4096 are taken"),
        (format!("aesWrapUnwrap -m 1 -f short -w {key} -out back"), "Cfm3WrapHostKey returned: 0xea"),
        (format!("aesWrapUnwrap -m 0 -f noise -w {key} -out back"), "Cfm3UnWrapHostKey returned: 0xe9"),
        ("aesWrapUnwrap -m 0 -f noise -w 4711 -out back".to_owned(), "Cfm3UnWrapHostKey returned: 0xa8"),
        (format!("aesWrapUnwrap -m 2 -f noise -w {key} -out back"), "Syntax: aesWrapUnwrap -h"),
        (format!("aesWrapUnwrap -m 1 -f noise -w {key} -out back -i A6"), "Syntax: aesWrapUnwrap -h"),
        ("aesWrapUnwrap -m 1 -f noise".to_owned(), "Error: Wrapping key handle (-w) is missing."),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(words), "{line}: {said}");
    }
    assert!(!kmu.place.path("back").exists());
}

#[test]
fn an_output_that_is_an_input_is_refused_and_both_files_stay() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l aes", "genRSAKeyPair -m 2048 -e 65537 -l rsa"]);
    let (aes, (_, rsa)) = (handle(&said[0]), pair(&said[1]));
    std::fs::write(kmu.place.path("in"), [7; 32]).unwrap();
    std::os::unix::fs::symlink("in", kmu.place.path("link")).unwrap();
    for (line, option) in [
        (format!("sign -f in -k {rsa} -m 1 -out ./in"), "-f"),
        (format!("sign -f in -k {rsa} -m 1 -out link"), "-f"),
        (format!("exSymKey -k {aes} -w {aes} -wk in -out in"), "-wk"),
        (format!("exportPrivateKey -k {rsa} -w {aes} -wk in -out in"), "-wk"),
        (format!("aesWrapUnwrap -m 1 -f in -w {aes} -out in"), "-f"),
        (format!("wrapKey -k {aes} -w {aes} -m 10 -aad in -out in"), "-aad"),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(&format!("Error: -out and {option} name one file, ")), "{line}: {said}");
        assert!(!said.contains("returned"), "{line}: {said}");
        assert_eq!(std::fs::read(kmu.place.path("in")).unwrap(), [7; 32], "{line}");
    }
    let said = kmu.one(&format!("sign -f in -k {rsa} -m 1 -out signature"));
    assert!(said.contains("Cfm3Sign returned: 0x00"), "{said}");
}

#[test]
fn an_output_that_a_full_disk_does_not_take_stays_as_it_was() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l k"));
    std::fs::write(kmu.place.path("data"), [7; 100]).unwrap();
    let said = kmu.one(&format!("aesWrapUnwrap -m 1 -f data -w {key} -out /dev/full"));
    assert!(said.contains("Error: /dev/full cannot be written: No space left") && !said.contains("SUCCESS"), "{said}");
    assert!(!std::fs::metadata("/dev/full").unwrap().is_file());
    // A disk of two pages, in a name space of this test's own, where the system gives one.
    let script = format!(
        "mkdir disk && mount -t tmpfs -o size=8k tmpfs disk || exit 77
         printf older >disk/out; printf x >disk/filler
         \"$0\" singlecmd loginHSM -u CU -s {USER} -p {PIN} aesWrapUnwrap -m 1 -f data -w {key} -out disk/out
         ls -A disk; cat disk/out"
    );
    let outcome = kmu.place.start("unshare", &["-rm", "sh", "-c", &script, PROGRAM]).outcome();
    if outcome.code != 0 {
        return;
    }
    assert!(outcome.out.contains("Error: disk/out cannot be written: No space left on device"), "{outcome:?}");
    assert!(outcome.out.ends_with("\nfiller\nout\nolder"), "{outcome:?}");
}
