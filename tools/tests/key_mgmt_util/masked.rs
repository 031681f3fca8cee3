//! extractMaskedObject, insertMaskedObject.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::kmu::{Kmu, code, handle, pair};

#[test]
fn a_key_that_does_not_leave_comes_back() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l s -id I -nex -u 4"));
    let masked = kmu.session(&[
        &format!("getAttribute -o {key} -a 512 -out before"),
        &format!("extractMaskedObject -o {key} -out masked"),
    ]);
    let written = "\n\tObject was masked and written to file \"masked\"\n\n\tCfm3ExtractMaskedObject returned: 0x00 : HSM \
                   Return: SUCCESS\n";
    assert_eq!(masked[1], written);
    let mode = fs::metadata(kmu.place.path("masked")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(fs::read(kmu.place.path("masked")).unwrap().starts_with(b"SRMO\x01"));
    // Its identifier is its own as long as it is there.
    let said = kmu.session(&[
        "insertMaskedObject -f masked",
        &format!("deleteKey -k {key}"),
        "insertMaskedObject -f masked -min_srv 1",
    ]);
    assert_eq!((code(&said[0]), code(&said[1])), ("e2", "00"), "{said:?}");
    let twin = handle(&said[2]);
    let expected = format!(
        "\n\tCfm3InsertMaskedObject returned: 0x00 : HSM Return: SUCCESS\n\n\tNew Key Handle: {twin}\n\n\tCluster Error \
         Status\n\tNode id 0 and err state 0x00000000 : HSM Return: SUCCESS\n"
    );
    assert_eq!(said[2], expected);
    assert!(twin > key);
    let said = kmu.session(&[&format!("getAttribute -o {twin} -a 512 -out after"), &format!("getKeyInfo -k {twin}")]);
    assert_eq!(kmu.file("after"), kmu.file("before"));
    assert!(said[1].ends_with("\tOwned by user 3\n\n\talso, shared to following 1 user(s):\n\n\t\t 4\n"), "{said:?}");
    assert_eq!(kmu.keys(), [twin]);
}

#[test]
fn who_does_not_own_it_takes_nothing_out_and_puts_nothing_in() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l s -u 4", "genECCKeyPair -i 2 -l p"]);
    let (key, (public, _)) = (handle(&said[0]), pair(&said[1]));
    kmu.one(&format!("extractMaskedObject -o {key} -out masked"));
    let out = format!("extractMaskedObject -o {key} -out stolen");
    let by_alice = kmu.session_of(
        "alice",
        &[&out, &format!("extractMaskedObject -o {public} -out stolen"), "insertMaskedObject -f masked"],
    );
    let codes: Vec<&str> = by_alice.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["c6", "c6", "c6"], "{by_alice:?}");
    let by_bob = kmu.session_of("bob", &[&out, "insertMaskedObject -f masked"]);
    assert_eq!((code(&by_bob[0]), code(&by_bob[1])), ("a8", "c6"), "{by_bob:?}");
    assert_eq!(code(&kmu.prompt(&[&out])[1]), "e5");
    assert!(!kmu.place.path("stolen").exists());
    assert_eq!(kmu.keys().len(), 3);
}

#[test]
fn what_is_refused_makes_nothing() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l s"));
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l x -sess", "extractMaskedObject -o 2147483648 -out masked"]);
    assert_eq!(code(&said[1]), "b3", "a session key: {said:?}");
    assert_eq!(code(&kmu.one("extractMaskedObject -o 4711 -out masked")), "a8");
    assert!(!kmu.place.path("masked").exists());
    kmu.one(&format!("extractMaskedObject -o {key} -out masked"));
    let whole = fs::read(kmu.place.path("masked")).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    let elsewhere = Kmu::new();
    elsewhere.one("genSymKey -t 31 -s 32 -l s");
    elsewhere.one(&format!("extractMaskedObject -o {key} -out masked"));
    let foreign = fs::read(elsewhere.place.path("masked")).unwrap();
    for content in [&changed, &whole[..whole.len() - 1], &foreign, b"text"] {
        fs::write(kmu.place.path("wrong"), content).unwrap();
        let said = kmu.one("insertMaskedObject -f wrong");
        assert!(said.contains("0xe9 : HSM Error") && said.contains("err state 0x000000e9"), "{said}");
    }
    for (line, words) in [
        ("extractMaskedObject -o 6", "Error: Output file (-out) is missing."),
        ("extractMaskedObject -out masked", "Error: Object handle (-o) is missing."),
        ("insertMaskedObject", "Error: Masked object file (-f) is missing."),
        ("insertMaskedObject -f masked -timeout 1", "Error: Minimum servers (-min_srv) option is missing"),
        ("insertMaskedObject -f absent", "Error: absent cannot be read"),
    ] {
        let said = kmu.one(line);
        assert!(said.contains(words) && !said.contains("returned"), "{line}: {said}");
    }
    assert_eq!(kmu.keys(), [key]);
    let strict = Kmu::with("kdf = \"test\"\npolicy = \"strict\"\n");
    let key = handle(&strict.one("genSymKey -t 31 -s 32 -l s"));
    assert_eq!(code(&strict.one(&format!("extractMaskedObject -o {key} -out masked"))), "b3");
    fs::write(strict.place.path("masked"), &whole).unwrap();
    assert_eq!(code(&strict.one("insertMaskedObject -f masked")), "b3");
    assert_eq!(strict.keys(), [key]);
}
