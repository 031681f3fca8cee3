//! wrapKey, unWrapKey.

use serde_json::Value;

use super::kmu::{Kmu, USER, code, handle, pair};

/// The keys to wrap with, and keys to be wrapped.
struct Keys {
    aes: u64,
    rsa_public: u64,
    rsa_private: u64,
    payload: u64,
    private: u64,
}

fn with_keys() -> (Kmu, Keys) {
    let kmu = Kmu::new();
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l aes",
        "genRSAKeyPair -m 2048 -e 65537 -l rsa",
        "genSymKey -t 21 -s 24 -l payload",
        "genECCKeyPair -i 2 -l private",
    ]);
    let (rsa_public, rsa_private) = pair(&said[1]);
    let (_, private) = pair(&said[3]);
    let keys = Keys { aes: handle(&said[0]), rsa_public, rsa_private, payload: handle(&said[2]), private };
    std::fs::write(kmu.place.path("aad"), "bound to it").unwrap();
    (kmu, keys)
}

fn attributes(kmu: &Kmu, key: u64) -> String {
    kmu.one(&format!("getAttribute -o {key} -a 512 -out attr"));
    kmu.file("attr")
}

#[test]
fn what_is_wrapped_with_a_header_comes_back_as_it_was() {
    let (kmu, keys) = with_keys();
    let (aes, rsa) = ((keys.aes, keys.aes), (keys.rsa_public, keys.rsa_private));
    for (payload, (wrapping, unwrapping), mechanism) in [
        (keys.payload, aes, "4"),
        (keys.payload, aes, "5"),
        (keys.payload, aes, "6"),
        (keys.payload, rsa, "7"),
        (keys.payload, rsa, "7 -t 5"),
        (keys.payload, rsa, "8"),
        (keys.payload, rsa, "8 -t 2"),
        (keys.payload, aes, "10"),
        (keys.payload, aes, "10 -aad aad -tag_size 8"),
        (keys.payload, aes, "11"),
        (keys.payload, rsa, "12"),
        (keys.private, aes, "4"),
        (keys.private, aes, "5"),
        (keys.private, aes, "6"),
        (keys.private, rsa, "7"),
        (keys.private, aes, "10"),
        (keys.private, aes, "11 -aad aad"),
    ] {
        let said = kmu.session(&[
            &format!("wrapKey -k {payload} -w {wrapping} -out wrapped -m {mechanism}"),
            &format!("unWrapKey -f wrapped -w {unwrapping} -m {mechanism}"),
        ]);
        let length = std::fs::metadata(kmu.place.path("wrapped")).unwrap().len();
        let wrapped = format!(
            "\n\tKey Wrapped.\n\n\tWrapped Key written to file \"wrapped length {length}\n\n\tCfm3WrapKey returned: 0x00 : HSM \
             Return: SUCCESS\n"
        );
        assert_eq!(said[0], wrapped, "{mechanism}");
        let copy = handle(&said[1]);
        let unwrapped = format!(
            "\n\tCfm3UnWrapKey returned: 0x00 : HSM Return: SUCCESS\n\n\tKey Unwrapped.  Key Handle: {copy}\n\n\tCluster Error \
             Status\n\tNode id 0 and err state 0x00000000 : HSM Return: SUCCESS\n"
        );
        assert_eq!(said[1], unwrapped, "{mechanism}");
        let expected = attributes(&kmu, payload).replace("LOCAL\n0x01", "LOCAL\n0x00");
        assert_eq!(attributes(&kmu, copy), expected, "{mechanism}");
    }
}

#[test]
fn a_header_has_the_identifier_too() {
    let (kmu, Keys { aes, .. }) = with_keys();
    let key = handle(&kmu.one("genSymKey -t 31 -s 16 -l named -id PAY"));
    let unwrap = format!("unWrapKey -f wrapped -w {aes} -m 6");
    let said = kmu.session(&[
        &format!("wrapKey -k {key} -w {aes} -out wrapped -m 6"),
        &unwrap,
        &format!("deleteKey -k {key}"),
        &unwrap,
        "findKey -id PAY -l named",
    ]);
    assert_eq!((code(&said[1]), code(&said[3])), ("e2", "00"), "it is unique: {said:?}");
    assert_eq!(super::kmu::handles(&said[4]), [handle(&said[3])]);
}

/// A key that another door made, with this label and this identifier.
fn made_elsewhere(kmu: &Kmu, label: &str, id: &str) -> u64 {
    let words = ["key", "generate", "--type", "aes", "--extractable", "--label", label, "--id", id, "--user", USER];
    kmu.place.run(&words).pins().json()["key"]["number"].as_u64().unwrap()
}

fn listed(kmu: &Kmu, key: u64) -> Value {
    let keys = kmu.place.run(&["key", "list", "--user", USER]).pins().json();
    keys["keys"].as_array().unwrap().iter().find(|row| row["number"] == key).unwrap().clone()
}

#[test]
fn labels_and_identifiers_of_other_doors_come_back_byte_for_byte() {
    let (kmu, Keys { aes, .. }) = with_keys();
    let long = "l".repeat(255);
    for (at, (label, id)) in
        [("binary", "00c0ffee"), ("a\u{1b}[2J\nb\u{202e}", "0a"), (long.as_str(), &"fe".repeat(255))].iter().enumerate()
    {
        let key = made_elsewhere(&kmu, label, id);
        let before = listed(&kmu, key);
        for mechanism in ["6", "10", "11"] {
            let said = kmu.session(&[
                &format!("wrapKey -k {key} -w {aes} -out wrapped{at} -m {mechanism}"),
                // The identifier is unique among keys that are kept.
                &format!("unWrapKey -f wrapped{at} -w {aes} -m {mechanism} -sess"),
            ]);
            assert_eq!((code(&said[0]), code(&said[1])), ("00", "00"), "{said:?}");
            assert!(!said.concat().contains('\u{1b}'), "{said:?}");
        }
        kmu.one(&format!("deleteKey -k {key}"));
        let copy = handle(&kmu.one(&format!("unWrapKey -f wrapped{at} -w {aes} -m 11")));
        let after = listed(&kmu, copy);
        assert_eq!((&after["label"], &after["id"]), (&before["label"], &before["id"]));
    }
}

#[test]
fn what_a_header_has_no_room_for_is_refused_before_anything_is_written() {
    let (kmu, Keys { aes, .. }) = with_keys();
    for (label, id, words) in [
        ("l".repeat(256), "01".to_owned(), "the key's label has 256 bytes, and a header has room for 255"),
        ("long".to_owned(), "02".repeat(300), "the key's ID has 300 bytes, and a header has room for 255"),
    ] {
        let key = made_elsewhere(&kmu, &label, &id);
        let said = kmu.one(&format!("wrapKey -k {key} -w {aes} -out wrapped -m 6"));
        assert!(said.contains(words) && said.contains("-noheader") && !said.contains("returned"), "{said}");
        assert!(!kmu.place.path("wrapped").exists());
        let said = kmu.one(&format!("wrapKey -k {key} -w {aes} -out bare -m 6 -noheader"));
        assert_eq!(code(&said), "00", "{said}");
    }
}

#[test]
fn what_is_wrapped_without_a_header_is_said_by_options() {
    let (kmu, keys) = with_keys();
    let (aes, rsa) = ((keys.aes, keys.aes), (keys.rsa_public, keys.rsa_private));
    for ((wrapping, unwrapping), mechanism, length) in [
        (aes, "4", 40),
        (aes, "4 -i 0xA6A6A6A6A6A6A6A6", 40),
        (aes, "5", 32),
        (aes, "6", 32),
        (rsa, "8", 256),
        (aes, "10 -iv_file iv", 40),
        (aes, "11 -tag_size 12", 48),
        (rsa, "12", 256),
    ] {
        let id = mechanism.replace(' ', ".");
        let said = kmu.session(&[
            &format!("wrapKey -noheader -k {} -w {wrapping} -out wrapped -m {mechanism}", keys.payload),
            &format!(
                "unWrapKey -noheader -f wrapped -w {unwrapping} -m {mechanism} -l payload -kc 4 -kt 21 -nex -sess"
            ),
            &format!("unWrapKey -noheader -f wrapped -w {unwrapping} -m {mechanism} -l payload -id {id} -kc 4 -kt 21"),
        ]);
        assert_eq!(std::fs::metadata(kmu.place.path("wrapped")).unwrap().len(), length, "{mechanism}");
        let lines: Vec<&str> = said[1].lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(
            lines[0], "\tCfm3CreateUnwrapTemplate2 returned: 0x00 : HSM Return: SUCCESS",
            "{mechanism}: {said:?}"
        );
        assert_eq!(lines[1], "\tCfm2UnWrapWithTemplate3 returned: 0x00 : HSM Return: SUCCESS");
        let expected = attributes(&kmu, keys.payload)
            .replace("LOCAL\n0x01", "LOCAL\n0x00")
            .replace("ID\n\n", &format!("ID\n{id}\n"));
        assert_eq!(attributes(&kmu, handle(&said[2])), expected, "{mechanism}");
    }
}

#[test]
fn an_output_without_a_place_is_refused_first() {
    let (kmu, keys) = with_keys();
    let wrap = format!("wrapKey -noheader -k {} -w {} -m 10", keys.payload, keys.aes);
    std::fs::write(kmu.place.path("x"), "older").unwrap();
    for options in ["-out x -iv_file x", "-out x -iv_file ./x", "-out new -iv_file ./new"] {
        let said = kmu.one(&format!("{wrap} {options}"));
        assert!(said.contains("-out and -iv_file name one file") && !said.contains("returned"), "{said}");
    }
    for options in ["-out no/such -iv_file iv", "-out out -iv_file no/such"] {
        let said = kmu.one(&format!("{wrap} {options}"));
        assert!(said.contains("Error: no/such cannot be written") && !said.contains("returned"), "{said}");
    }
    assert_eq!(kmu.file("x"), "older");
    for name in ["new", "iv", "out"] {
        assert!(!kmu.place.path(name).exists(), "{name}");
    }
}

#[test]
fn a_header_of_a_gcm_file_is_bound_to_the_key() {
    let (kmu, keys) = with_keys();
    let (payload, aes) = (keys.payload, keys.aes);
    kmu.one(&format!("wrapKey -k {payload} -w {aes} -out wrapped -m 10 -aad aad"));
    let good = std::fs::read(kmu.place.path("wrapped")).unwrap();
    let count = kmu.keys().len();
    for at in 4..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(kmu.place.path(&format!("bad{at}")), bad).unwrap();
    }
    let lines: Vec<String> =
        (4..good.len()).map(|at| format!("unWrapKey -f bad{at} -w {aes} -m 10 -aad aad")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for (at, said) in kmu.session(&lines).iter().enumerate() {
        assert!(!said.contains("Key Handle"), "byte {}: {said}", at + 4);
    }
    let said = kmu.one(&format!("unWrapKey -f wrapped -w {aes} -m 10"));
    assert_eq!(code(&said), "e9", "without its associated data");
    assert_eq!(kmu.keys().len(), count);
}

#[test]
fn what_cannot_be_wrapped_writes_nothing() {
    let (kmu, keys) = with_keys();
    let nex = handle(&kmu.one("genSymKey -t 31 -s 32 -l nex -nex"));
    let long = handle(&kmu.one("genSymKey -t 16 -s 300 -l long"));
    let odd = handle(&kmu.one("genSymKey -t 16 -s 13 -l odd"));
    let Keys { aes, rsa_public, rsa_private, payload, private } = keys;
    for (line, expected) in [
        (format!("wrapKey -k {nex} -w {aes} -out out -m 6"), "e6"),
        (format!("wrapKey -k {rsa_public} -w {aes} -out out -m 6"), "e7"),
        (format!("wrapKey -k {payload} -w {rsa_public} -out out -m 6"), "e8"),
        (format!("wrapKey -k {payload} -w {rsa_private} -out out -m 8"), "e8"),
        (format!("wrapKey -k {payload} -w {payload} -out out -m 5"), "e8"),
        (format!("wrapKey -k {long} -w {rsa_public} -out out -m 8"), "e1"),
        (format!("wrapKey -k {private} -w {rsa_public} -out out -m 12"), "e7"),
        // It would come back longer than it was.
        (format!("wrapKey -k {odd} -w {aes} -out out -m 5"), "e1"),
        (format!("wrapKey -k {odd} -w {aes} -out out -m 5 -noheader"), "e1"),
        (format!("wrapKey -k 4711 -w {aes} -out out -m 6"), "a8"),
        (format!("wrapKey -k {payload} -w 4711 -out out -m 6"), "a8"),
    ] {
        let said = kmu.one(&line);
        assert_eq!(code(&said), expected, "{line}: {said}");
    }
    for (options, words) in [
        ("", "Error: Wrapping mechanism (-m) is missing."),
        ("-m 9", "Syntax: wrapKey"),
        ("-m 6 -t 3", "Syntax: wrapKey"),
        ("-m 6 -aad aad", "Syntax: wrapKey"),
        ("-m 10 -tag_size 7", "Syntax: wrapKey"),
        ("-m 10 -tag_size 17", "Syntax: wrapKey"),
        ("-m 10 -iv_file iv", "Syntax: wrapKey"),
        ("-m 10 -noheader", "Error: IV file (-iv_file) is missing."),
        ("-m 5 -i 0xA6A6A6A6A6A6A6A6", "Syntax: wrapKey"),
        ("-m 5 -noheader -i 0x0102030405060708", "Error: the only initial value (-i) taken is 0xA6A6A6A6A6A6A6A6"),
        ("-m 5 -noheader -i x", "Syntax: wrapKey"),
        ("-m 11 -aad absent", "Error: absent cannot be read"),
    ] {
        let said = kmu.one(&format!("wrapKey -k {payload} -w {aes} -out out {options}"));
        assert!(said.contains(words) && !said.contains("returned"), "{options}: {said}");
    }
    assert!(!kmu.place.path("out").exists() && !kmu.place.path("iv").exists());
}

#[test]
fn what_cannot_be_unwrapped_makes_nothing() {
    let (kmu, keys) = with_keys();
    let Keys { aes, rsa_public, payload, .. } = keys;
    kmu.session(&[
        &format!("wrapKey -k {payload} -w {aes} -out headed -m 6"),
        &format!("wrapKey -k {payload} -w {aes} -out bare -m 6 -noheader"),
    ]);
    std::fs::write(kmu.place.path("noise"), [9; 32]).unwrap();
    let count = kmu.keys().len();
    for (line, words) in [
        (format!("unWrapKey -f headed -w {aes} -m 5"), "Error: headed: it was wrapped with mechanism 6"),
        (format!("unWrapKey -f bare -w {aes} -m 6"), "Error: bare: it has no header of this tool"),
        (format!("unWrapKey -f headed -w {payload} -m 6"), "returned: 0xe8"),
        (format!("unWrapKey -f headed -w {rsa_public} -m 6"), "returned: 0xe8"),
        ("unWrapKey -f headed -w 4711 -m 6".to_owned(), "returned: 0xa8"),
        (format!("unWrapKey -f headed -w {aes} -m 6 -l x"), "Syntax: unWrapKey"),
        (format!("unWrapKey -f bare -w {aes} -m 6 -noheader"), "Error: Key label (-l) is missing."),
        (format!("unWrapKey -f bare -w {aes} -m 6 -noheader -l x"), "Error: Key class (-kc) is missing."),
        (format!("unWrapKey -f bare -w {aes} -m 6 -noheader -l x -kc 4"), "Error: Key type (-kt) is missing."),
        (format!("unWrapKey -f bare -w {aes} -m 6 -noheader -l x -kc 2 -kt 0"), "Syntax: unWrapKey"),
        (format!("unWrapKey -f bare -w {aes} -m 6 -noheader -l x -kc 4 -kt 0"), "Syntax: unWrapKey"),
        (
            format!("unWrapKey -f noise -w {aes} -m 6 -noheader -l x -kc 4 -kt 31"),
            "Cfm2UnWrapWithTemplate3 returned: 0xe9",
        ),
        (
            format!("unWrapKey -f bare -w {aes} -m 6 -noheader -l x -kc 3 -kt 0"),
            "Cfm2UnWrapWithTemplate3 returned: 0xe",
        ),
        (format!("unWrapKey -f headed -w {aes} -m 6 -sess -u 4"), "Error: sharing session keys is not allowed"),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(words) && !said.contains("Handle: "), "{line}: {said}");
    }
    assert_eq!(kmu.keys().len(), count);
}
