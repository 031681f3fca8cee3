//! getKeyInfo, getAttribute, setAttribute, listAttributes, deleteKey.

use super::kmu::{Kmu, code, handle};

#[test]
fn one_attribute_is_written_in_four_bytes() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 21 -s 24 -l \"two words\""));
    for (attribute, name, value) in [
        ("0", "CLASS", "0x00000004"),
        ("256", "KEY_TYPE", "0x00000015"),
        ("0x100", "KEY_TYPE", "0x00000015"),
        ("1", "TOKEN", "0x00000001"),
        ("2", "PRIVATE", "0x00000001"),
        ("3", "LABEL", "two words"),
        ("258", "ID", ""),
        ("353", "VALUE_LEN", "0x00000018"),
        ("354", "EXTRACTABLE", "0x00000001"),
    ] {
        let said = kmu.one(&format!("getAttribute -a {attribute} -out attr -o {key}"));
        let shown = "\nAttributes dumped into attr file\n\n\tCfm3GetAttribute returned: 0x00 : HSM Return: SUCCESS\n";
        assert_eq!(said, shown);
        assert_eq!(kmu.file("attr"), format!("OBJ_ATTR_{name}\n{value}\n"));
    }
    kmu.one(&format!("getAttribute -a 371 -out attr -o {key}"));
    let file = kmu.file("attr");
    assert!(file.starts_with("OBJ_ATTR_KCV\n0x") && file.len() == 22, "{file}");
}

#[test]
fn what_cannot_be_read_writes_nothing() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 16 -s 24 -l x"));
    for (line, wanted) in [
        (format!("getAttribute -o {key} -a 371 -out attr"), "eb"),
        (format!("getAttribute -o {key} -a 288 -out attr"), "eb"),
        (format!("getAttribute -o {key} -a 17 -out attr"), "eb"),
        ("getAttribute -o 4711 -a 512 -out attr".to_owned(), "a8"),
        ("getAttribute -o 4711 -a 512 -attr_7".to_owned(), "a8"),
    ] {
        let said = kmu.one(&line);
        assert_eq!(code(&said), wanted, "{line}: {said}");
    }
    for (line, words) in [
        ("getAttribute", "Error: Object handle (-o) is missing."),
        ("getAttribute -o 1", "Error: Attribute (-a) is missing."),
        ("getAttribute -o 1 -a 512", "Error: Output file (-out) is missing."),
        ("getAttribute -o 1 -a 512 -out attr -attr_7", "Syntax"),
        ("getAttribute -o 1 -a 512 -attribute", "Syntax"),
        ("getAttribute -o x -a 512 -out attr", "Syntax"),
    ] {
        let said = kmu.one(line);
        assert!(said.contains(words) && !said.contains("returned"), "{line}: {said}");
    }
    let nowhere = kmu.one(&format!("getAttribute -o {key} -a 512 -out absent/attr"));
    assert!(nowhere.contains("\tError: absent/attr cannot be written: "), "{nowhere}");
    assert!(!kmu.place.path("attr").exists() && !kmu.place.path("attr_7").exists());
}

#[test]
fn the_short_form_of_the_guide_is_no_other_option() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 16 -l x"));
    kmu.one(&format!("getAttribute -o {key} -a 512 -out -attr_1"));
    assert!(kmu.place.path("-attr_1").exists(), "after -out it is a file's name");
    assert!(kmu.one("genSymKey -t 31 -s 16 -l y -attr_7").contains("Syntax: genSymKey"));
}

#[test]
fn a_session_key_becomes_persistent() {
    let kmu = Kmu::new();
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l kept -id I -nex -sess",
        "setAttribute -o 2147483648 -a 1",
        "1",
        "findKey -sess 1",
        "findKey -sess 0 -l kept",
    ]);
    assert!(said[1].starts_with(
        "\nThis attribute is defined as a boolean value.\nEnter the boolean attribute value (0 or 1):\n\tCfm3SetAttribute \
         returned: 0x00"
    ));
    assert!(said[2].contains("present 0") && said[3].contains("present 1"), "{said:?}");
    let key = handle(&said[1]);
    assert_eq!(kmu.keys(), [key]);
    kmu.one(&format!("getAttribute -o {key} -a 512 -out attr"));
    let file = kmu.file("attr");
    for lines in ["TOKEN\n0x01", "LOCAL\n0x01", "EXTRACTABLE\n0x00", "SENSITIVE\n0x01", "ID\nI"] {
        assert!(file.contains(&format!("OBJ_ATTR_{lines}\n")), "{file}");
    }
    let said = kmu.session(&[&format!("setAttribute -o {key} -a 1"), "1"]);
    assert_eq!(code(&said[0]), "eb");
    let said = kmu.session(&[&format!("setAttribute -o {key} -a 1"), "0"]);
    assert_eq!(code(&said[0]), "eb");
    let none = kmu.single(&["setAttribute", "-o", &key.to_string(), "-a", "1"]);
    let words = format!("setAttribute: no value was given, and key {key} is persistent already\n");
    assert!(none.err.ends_with(&words), "{none:?}");
    let other = kmu.one(&format!("setAttribute -o {key} -a 3"));
    assert_eq!(other, "\n\tThis attribute is either not modifiable or unknown\n");
    assert_eq!(code(&kmu.one("setAttribute -o 4711 -a 1")), "a8");
    assert_eq!(kmu.keys(), [key]);
}

#[test]
fn a_key_that_became_persistent_is_known_by_its_old_handle_too() {
    let kmu = Kmu::new();
    std::fs::write(kmu.place.path("data"), [7; 24]).unwrap();
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l kept -sess",
        "setAttribute -o 2147483648 -a 1",
        "1",
        "getKeyInfo -k 2147483648",
        "getAttribute -o 0x80000000 -a 1 -out attr",
        "aesWrapUnwrap -m 1 -f data -w 2147483648",
        "shareKey -k 2147483648 -u 4",
        "genSymKey -t 31 -s 32 -l other -sess",
        "deleteKey -k 2147483648",
        "findKey",
    ]);
    let key = handle(&said[1]);
    let both = format!(
        "\n\tThe key is persistent now.  Key Handle: {key}\n\t2147483648 stands for it here until the user \
                        logs out\n"
    );
    assert!(said[1].contains(&both), "{said:?}");
    let codes: Vec<&str> = said[2..6].iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["00", "00", "00", "00"], "{said:?}");
    assert_eq!(kmu.file("attr"), "OBJ_ATTR_TOKEN\n0x00000001\n");
    assert_eq!(handle(&said[6]), 2_147_483_649, "an old handle is never another key's");
    assert_eq!(code(&said[7]), "00", "{said:?}");
    assert_eq!(super::kmu::handles(&said[8]), [2_147_483_649], "{said:?}");
    let login = format!("loginHSM -u CU -s {} -p {}", super::kmu::USER, super::place::PIN);
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l kept -sess",
        "setAttribute -o 2147483648 -a 1",
        "1",
        "logoutHSM",
        &login,
        "getKeyInfo -k 2147483648",
    ]);
    assert_eq!(code(&said[4]), "a8", "until the logout: {said:?}");
}

#[test]
fn a_key_is_deleted_by_its_owner_once() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l x"));
    let said = kmu.session(&[&format!("deleteKey -k {key}"), &format!("deleteKey -k {key}"), "deleteKey -k 0x63"]);
    assert_eq!(
        said[0],
        "\n\tCfm3DeleteKey returned: 0x00 : HSM Return: SUCCESS\n\n\tCluster Error Status\n\tNode id 0 and err state \
         0x00000000 : HSM Return: SUCCESS\n"
    );
    let gone = "HSM Error: Invalid object handle is passed to this operation";
    assert_eq!(
        said[1],
        format!(
            "\n\tCfm3DeleteKey returned: 0xa8 : {gone}\n\n\tCluster Error Status\n\tNode id 0 and err state 0x000000a8 : \
             {gone}\n"
        )
    );
    assert_eq!(code(&said[2]), "a8");
    assert!(kmu.one("deleteKey").contains("\tError: Key handle (-k) is missing.\n"));
    let (public, private) = super::kmu::pair(&kmu.one("genECCKeyPair -i 2 -l pair"));
    assert_eq!(code(&kmu.one(&format!("deleteKey -k {private}"))), "00");
    assert_eq!(kmu.keys(), [public], "the other half stays");
    let said = kmu.session_of("alice", &[&format!("deleteKey -k {public}")]);
    assert_eq!(code(&said[0]), "c6", "visible, but another user's");
}

#[test]
fn attributes_are_listed_with_their_numbers() {
    let said = Kmu::new().prompt(&["listAttributes"]).remove(1);
    assert!(
        said.starts_with("\nFollowing are the possible attribute values for getAttributes:\n\n      OBJ_ATTR_CLASS ")
    );
    let numbers: Vec<&str> =
        said.lines().filter(|line| line.contains("OBJ_ATTR_")).filter_map(|line| line.split("= ").nth(1)).collect();
    let expected = "0 1 2 3 256 258 259 260 261 262 263 264 266 355 288 289 290 353 354 371 512";
    assert_eq!(numbers.join(" "), expected);
}

#[test]
fn codes_have_texts() {
    let kmu = Kmu::new();
    for (given, said) in [
        ("0xdb", "Error Code db maps to HSM Error: Invalid User Type."),
        ("219", "Error Code db maps to HSM Error: Invalid User Type."),
        ("0x0", "Error Code 0 maps to HSM Return: SUCCESS."),
        ("0x1b", "Error Code 1b maps to CSP Error: ERR_BAD_PKCS_DATA."),
        ("0x30000085", "Error Code 30000085 maps to HSM CLUSTER ERROR: Server in cluster is unavailable."),
        ("0x77", "Error Code 77 maps to Unknown error"),
        ("0x1000000db", "Error Code 1000000db maps to Unknown error"),
    ] {
        assert_eq!(kmu.prompt(&[&format!("Error2String -r {given}")]).remove(1), format!("\n\t{said}\n"));
    }
    let missing = kmu.prompt(&["Error2String"]).remove(1);
    assert!(missing.contains("\tError: Response code (-r) is missing.\n"), "{missing}");
}

#[test]
fn the_page_lists_the_codes() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/cloudhsm.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| 0x")?.split_once(" | "));
    let rows: Vec<(&str, &str)> = rows.collect();
    let lines: Vec<String> = rows.iter().map(|(code, _)| format!("Error2String -r 0x{code}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let kmu = Kmu::new();
    for (said, (code, text)) in kmu.session(&lines).iter().zip(&rows) {
        let text = text.split([':', '|', '(']).next().unwrap().trim();
        assert!(said.contains(&format!(": {text}.")), "0x{code}: {said}");
    }
    let known = (0xe0..=0xff).filter(|code| !kmu.one(&format!("Error2String -r {code}")).contains("Unknown"));
    assert!(known.count() == rows.iter().filter(|(code, _)| code.len() == 2 && *code >= "e0").count());
}

#[test]
fn users_are_listed() {
    let kmu = Kmu::new();
    let wrong = "loginHSM -u CU -s bob -p wrong";
    kmu.prompt(&[wrong, wrong]);
    let said = kmu.one("listUsers");
    let rows: Vec<&str> = said.lines().collect();
    assert_eq!(rows[1], "\tNumber Of Users found 6");
    for title in ["Index", "User ID", "User Type", "User Name", "MofnPubKey", "LoginFailureCnt", "2FA"] {
        assert!(rows[3].contains(title), "{rows:?}");
    }
    let row = |number: usize, id: u32, kind: &str, name: &str, failures: u32| {
        format!("\t{number}\t{id:>10}\t{kind}\t\t{name:<32}\t NO {failures:>15}\t\t  NO")
    };
    assert_eq!(rows[4], row(1, 1, "PCO", "admin", 0));
    assert_eq!(rows[5], row(2, 2, "AU", "app_user", 0));
    assert_eq!(rows[6], row(3, 3, "CU", "example_user", 0));
    assert_eq!(rows[8], row(5, 5, "CU", "bob", 2));
    assert_eq!(rows[11], "\tCfm3ListUsers returned: 0x00 : HSM Return: SUCCESS");
}

#[test]
fn the_partition_is_described() {
    let kmu = Kmu::new();
    kmu.one("genECCKeyPair -i 2 -l p");
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l x -sess", "getPartitionInfo"]).remove(1);
    let lines = [
        "name                        :test",
        "status                      :occupied",
        "FIPS state                  :0 [non-FIPS mode with single factor authentication]",
        "Users                       :    6",
        "OccupiedTokenKeys           :    2",
        "OccupiedSessionKeys         :    1",
        "SessionCount                :    1",
        "MValue[USER_MGMT]           :    1",
        "MValue[MISC_CO]             :    1",
        "Node ID                     :    0",
    ];
    let expected = format!(
        "\n\tGetting Partition Info\n\n\t{}\n\n\tCfm3GetPartitionInfo returned: 0x00 : HSM Return: SUCCESS\n",
        lines.join("\n\t")
    );
    assert_eq!(said, expected);
    assert_eq!(code(&kmu.prompt(&["getPartitionInfo"])[1]), "00", "without a login");
}
