//! findKey, findSingleKey.

use super::kmu::{Kmu, code, handle, handles, pair};

#[test]
fn all_criteria_must_fit() {
    let kmu = Kmu::new();
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l one -id I1",
        "genSymKey -t 21 -s 24 -l one -id I2",
        "genSymKey -t 16 -s 32 -l two",
        "genRSAKeyPair -m 2048 -e 65537 -l rsa -id R",
    ]);
    let (aes, des, generic) = (handle(&said[0]), handle(&said[1]), handle(&said[2]));
    let (public, private) = pair(&said[3]);
    kmu.session(&[
        &format!("getAttribute -o {aes} -a 371 -out kcv"),
        &format!("getAttribute -o {public} -a 288 -out modulus"),
    ]);
    let kcv = kmu.file("kcv").lines().nth(1).unwrap().to_owned();
    let modulus = kmu.file("modulus").lines().skip(1).collect::<Vec<_>>().join("\n");
    std::fs::write(kmu.place.path("modulus"), modulus).unwrap();
    let (kcv_bare, kcv_short) = (kcv.replace("0x", ""), kcv[..6].to_owned());
    for (criteria, expected) in [
        ("", vec![aes, des, generic, public, private]),
        ("-c 4", vec![aes, des, generic]),
        ("-c 2", vec![public]),
        ("-c 3", vec![private]),
        ("-t 31", vec![aes]),
        ("-t 0", vec![public, private]),
        ("-t 0x15", vec![des]),
        ("-l one", vec![aes, des]),
        ("-l on", vec![]),
        ("-l one -t 21", vec![des]),
        ("-id I1", vec![aes]),
        ("-idx 4931", vec![aes]),
        ("-id R", vec![public, private]),
        ("-sess 0 -c 4", vec![aes, des, generic]),
        ("-sess 1", vec![]),
        (&format!("-kcv {kcv}"), vec![aes]),
        (&format!("-kcv {kcv_bare}"), vec![aes]),
        (&format!("-kcv {kcv_short}"), vec![]),
        ("-m modulus", vec![public, private]),
        ("-u 3 -c 4", vec![aes, des, generic]),
        ("-u 4", vec![public]),
    ] {
        let said = kmu.one(&format!("findKey {criteria}"));
        assert_eq!(handles(&said), expected, "{criteria}: {said}");
        assert!(said.starts_with(&format!("\n\tTotal number of keys present {}\n", expected.len())), "{said}");
    }
    for wrong in ["-c", "-c secret", "-sess 2", "-id a -idx 61", "-idx 6", "-kcv xyz", "-u alice", "-k 1"] {
        let said = kmu.one(&format!("findKey {wrong}"));
        assert!(said.contains("Syntax: findKey -h") && !said.contains("returned"), "{wrong}: {said}");
    }
    assert!(kmu.one("findKey -m absent").contains("\tError: absent cannot be read: "));
    let said = kmu.session_of("alice", &["findKey"]).remove(0);
    assert_eq!(handles(&said), [public], "public keys are everyone's");
}

#[test]
fn the_result_comes_last() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l a", "genSymKey -t 31 -s 32 -l b", "findKey", "findKey -l c"]);
    let (first, second) = (handle(&said[0]), handle(&said[1]));
    let end = "\n\tCluster Error Status\n\tNode id 0 and err state 0x00000000 : HSM Return: SUCCESS\n\n\tCfm3FindKey returned: \
               0x00 : HSM Return: SUCCESS\n";
    let found = format!(
        "\n\tTotal number of keys present 2\n\n\t number of keys matched from start index 0::1\n\t{first}, {second}\n{end}"
    );
    assert_eq!(said[2], found);
    assert_eq!(said[3], format!("\n\tTotal number of keys present 0\n{end}"));
}

#[test]
fn one_key_is_there_or_not() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l a"));
    let said = kmu.session(&[
        &format!("findSingleKey -k {key}"),
        &format!("findSingleKey -k 0x{key:x}"),
        "findSingleKey -k 99",
    ]);
    assert_eq!((code(&said[0]), code(&said[1]), code(&said[2])), ("00", "00", "a8"));
    assert!(kmu.one("findSingleKey").contains("Error: Key handle (-k) is missing."));
}
