//! genRSAKeyPair, genECCKeyPair, genDSAKeyPair.

use std::process::Command;

use super::kmu::{Kmu, code, pair};

/// The value of an attribute in the file of a key.
fn value(file: &str, name: &str) -> String {
    let lines = file.lines().skip_while(|line| *line != format!("OBJ_ATTR_{name}")).skip(1);
    lines.take_while(|line| !line.starts_with("OBJ_ATTR_")).collect()
}

fn attributes(kmu: &Kmu, key: u64) -> String {
    kmu.one(&format!("getAttribute -o {key} -a 512 -out attr"));
    kmu.file("attr")
}

/// The check value of a public key by openssl: the beginning of the SHA-1 hash of its DER.
fn recomputed(kmu: &Kmu, public: u64) -> String {
    kmu.one(&format!("exportPubKey -k {public} -out public.pem"));
    let script = "openssl pkey -pubin -in public.pem -outform DER | openssl dgst -sha1 -r | cut -c 1-6";
    let output = Command::new("sh").args(["-c", script]).current_dir(kmu.place.path("")).output().unwrap();
    format!("0x{}", String::from_utf8(output.stdout).unwrap().trim())
}

#[test]
fn pairs_have_the_attributes_of_the_guide() {
    let kmu = Kmu::new();
    for (line, public_usages, private_usages, sizes, bits) in [
        ("genRSAKeyPair -m 2048 -e 65537 -l p", "ENCRYPT WRAP VERIFY", "DECRYPT UNWRAP SIGN", 512..=512, "0x00000800"),
        ("genECCKeyPair -i 2 -l p", "VERIFY", "SIGN", 65..=138, "0x0000019f"),
        ("genECCKeyPair -i 13 -l p", "VERIFY", "SIGN", 57..=122, "0x000002c9"),
        ("genECCKeyPair -i 14 -l p", "VERIFY", "SIGN", 97..=185, "0x000002cb"),
        ("genECCKeyPair -i 15 -l p", "VERIFY", "SIGN", 133..=241, "0x000002cc"),
        ("genECCKeyPair -i 16 -l p", "VERIFY", "SIGN", 65..=135, "0x000002ca"),
    ] {
        let id = line.split(' ').take(3).collect::<String>();
        let said = kmu.one(&format!("{line} -id {id}"));
        let (public, private) = pair(&said);
        let expected = format!(
            "\n\tCfm3GenerateKeyPair returned: 0x00 : HSM Return: SUCCESS\n\n\tCfm3GenerateKeyPair:    public key handle: \
             {public}    private key handle: {private}\n\n\tCluster Error Status\n\tNode id 0 and err state 0x00000000 : HSM \
             Return: SUCCESS\n"
        );
        assert_eq!(said, expected);
        let (one, other) = (attributes(&kmu, public), attributes(&kmu, private));
        let kcv = recomputed(&kmu, public);
        for (file, usages, class, sensitive) in
            [(&one, public_usages, "0x02", "0x00"), (&other, private_usages, "0x03", "0x01")]
        {
            let on: Vec<&str> = ["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "SIGN", "VERIFY"]
                .into_iter()
                .filter(|name| value(file, name) == "0x01")
                .collect();
            assert_eq!(on.join(" "), usages, "{line}");
            for (name, expected) in [
                ("CLASS", class),
                ("SENSITIVE", sensitive),
                ("PRIVATE", "0x01"),
                ("EXTRACTABLE", "0x01"),
                ("LOCAL", "0x01"),
                ("TOKEN", "0x01"),
                ("LABEL", "p"),
                ("ID", &id),
                ("KCV", &kcv),
                ("MODULUS_BITS", bits),
            ] {
                assert_eq!(value(file, name), expected, "{line}: {name}");
            }
        }
        assert_eq!(value(&one, "MODULUS"), value(&other, "MODULUS"));
        assert_eq!(value(&one, "VALUE_LEN"), format!("0x{:08x}", sizes.start()), "{line}");
        let private_length = u32::from_str_radix(&value(&other, "VALUE_LEN")[2..], 16).unwrap();
        match line.starts_with("genRSA") {
            true => assert!((1214..=1220).contains(&private_length), "{private_length}"),
            false => assert_eq!(private_length, *sizes.end(), "{line}"),
        }
    }
}

#[test]
fn the_private_half_stays_inside_where_that_is_asked_for() {
    let kmu = Kmu::new();
    let (public, private) = pair(&kmu.one("genECCKeyPair -i 2 -l p -nex"));
    assert_eq!(value(&attributes(&kmu, private), "EXTRACTABLE"), "0x00");
    assert_eq!(value(&attributes(&kmu, public), "EXTRACTABLE"), "0x01");
    let said = kmu.session(&["genECCKeyPair -i 2 -l p -sess", "findKey -sess 1"]);
    let (public, private) = pair(&said[0]);
    assert_eq!(super::kmu::handles(&said[1]), [public.min(private), public.max(private)]);
    assert_eq!(kmu.keys().len(), 2);
}

#[test]
fn a_dsa_pair_has_2048_bits() {
    let kmu = Kmu::new();
    let (public, private) = pair(&kmu.one("genDSAKeyPair -m 2048 -l d"));
    let (one, other) = (attributes(&kmu, public), attributes(&kmu, private));
    assert_eq!((value(&one, "KEY_TYPE"), value(&other, "KEY_TYPE")), ("0x01".to_owned(), "0x01".to_owned()));
    assert_eq!(value(&one, "KCV"), recomputed(&kmu, public));
    assert_eq!(kmu.keys(), [public, private], "no domain parameters are left");
}

#[test]
fn what_is_not_offered_makes_nothing() {
    let kmu = Kmu::new();
    for (line, expected) in [
        ("genRSAKeyPair -m 1024 -e 65537 -l x", "e1"),
        ("genRSAKeyPair -m 2049 -e 65537 -l x", "e1"),
        ("genRSAKeyPair -m 8192 -e 65537 -l x", "e1"),
        ("genRSAKeyPair -m 2048 -e 3 -l x", "b3"),
        ("genRSAKeyPair -m 2048 -e 65538 -l x", "b3"),
        ("genECCKeyPair -i 1 -l x", "b3"),
        ("genECCKeyPair -i 12 -l x", "b3"),
        ("genDSAKeyPair -m 1024 -l x", "e1"),
        ("genRSAKeyPair -m 2048 -e 65537 -l x -u 3", "e3"),
        ("genECCKeyPair -i 2 -l x -m_value 2", "e4"),
    ] {
        assert_eq!(code(&kmu.one(line)), expected, "{line}");
    }
    for (line, words) in [
        ("genRSAKeyPair -e 65537 -l x", "Error: Modulus length (-m) is missing."),
        ("genRSAKeyPair -m 2048 -l x", "Error: Public exponent (-e) is missing."),
        ("genRSAKeyPair -m 2048 -e 65537", "Error: Key label (-l) is missing."),
        ("genECCKeyPair -l x", "Error: Curve id (-i) is missing."),
        ("genECCKeyPair -i 17 -l x", "Syntax: genECCKeyPair"),
        ("genECCKeyPair -i 0 -l x", "Syntax: genECCKeyPair"),
        ("genDSAKeyPair -l x", "Error: Modulus length (-m) is missing."),
    ] {
        let said = kmu.one(line);
        assert!(said.contains(words) && !said.contains("returned"), "{line}: {said}");
    }
    assert_eq!(kmu.keys(), Vec::<u64>::new());
    let fips = Kmu::with("kdf = \"test\"\npolicy = \"fips\"\n");
    let said = fips.session(&["genECCKeyPair -i 16 -l x", "genDSAKeyPair -m 2048 -l x", "genECCKeyPair -i 2 -l x"]);
    assert_eq!((code(&said[0]), code(&said[1]), code(&said[2])), ("b3", "b3", "00"));
}
