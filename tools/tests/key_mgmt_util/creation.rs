//! What the commands share that make keys, tried with genSymKey.

use super::kmu::{Kmu, PROGRAM, USER, code, handle};
use super::place::PIN;

/// Lines that are refused before the HSM is asked, and what is said; where that is nothing, the help alone.
const MISUSED: &[(&str, &str)] = &[
    ("genSymKey", "Error: Key type (-t) is missing."),
    ("genSymKey -t 31", "Error: Key size (-s) is missing."),
    ("genSymKey -t 31 -s 32", "Error: Key label (-l) is missing."),
    ("genSymKey -s 32 -l x -nex", "Error: Key type (-t) is missing."),
    ("genSymKey -t aes -s 32 -l x", ""),
    ("genSymKey -t 31 -s big -l x", ""),
    ("genSymKey -t 31 -s -32 -l x", ""),
    ("genSymKey -t 19 -s 32 -l x", ""),
    ("genSymKey -t 31 -s 32 -l x -z", ""),
    ("genSymKey -t 31 -s 32 -l x y", ""),
    ("genSymKey -t 31 -s 32 -l x -l y", ""),
    ("genSymKey -t 31 -s 32 -l", ""),
    ("genSymKey -t 31 -s 32 -l x -nex -nex", ""),
    ("genSymKey -t 31 -s 32 -l x -m_value 9", ""),
    ("genSymKey -t 31 -s 32 -l x -m_value two", ""),
    ("genSymKey -t 31 -s 32 -l x -min_srv 29", ""),
    ("genSymKey -t 31 -s 32 -l x -min_srv 0", ""),
    ("genSymKey -t 31 -s 32 -l x -min_srv 1 -timeout soon", ""),
    ("genSymKey -t 31 -s 32 -l x -timeout 1", "Error: Minimum servers (-min_srv) option is missing"),
    ("genSymKey -t 31 -s 32 -l x -sess -u 4", "Error: sharing session keys is not allowed"),
    ("genSymKey -t 31 -s 32 -l x -sess -m_value 1", "Error: session keys take no approvals (-m_value)"),
    ("genSymKey -t 31 -s 32 -l x -timeout 1 -sess -u 4", "Error: Minimum servers (-min_srv) option is missing"),
    ("genSymKey -t 31 -s 32 -l x -u", ""),
    ("genSymKey -t 31 -s 32 -l x -u alice", ""),
    ("genSymKey -t 31 -s 32 -l x -u 4,", ""),
    ("genSymKey -t 31 -s 32 -l x -u +4", ""),
];

#[test]
fn what_is_misused_is_answered_with_the_help() {
    let kmu = Kmu::new();
    let lines: Vec<&str> = MISUSED.iter().map(|(line, _)| *line).collect();
    for (said, (line, error)) in kmu.session(&lines).iter().zip(MISUSED) {
        let before = if error.is_empty() { String::new() } else { format!("\n\t{error}\n") };
        let help = said.strip_prefix(&before).unwrap_or_else(|| panic!("{line}: {said}"));
        assert!(help.starts_with("\nDescription\n===========\n"), "{line}: {said}");
        assert!(help.contains("\nSyntax: genSymKey -h\n        genSymKey -t <key-type>\n"), "{line}: {said}");
        assert!(!said.contains("returned"), "{line}: {said}");
    }
    assert_eq!(kmu.keys(), Vec::<u64>::new());
}

/// Lines whose answer is the help alone, and what the person is told.
const MISTYPED: &[(&str, &str)] = &[
    ("genSymKey -t 99 -s 32 -l x", "Error: -t takes 16, 18, 21 or 31, not 99"),
    ("genSymKey -t aes -s 32 -l x", "Error: -t takes a number, not \"aes\""),
    ("genSymKey -t 31 -s 32 -l x -z", "Error: there is no option \"-z\""),
    ("genSymKey -t 31 -s 32 -l x y", "Error: there is a word too many after -l: "),
    ("genSymKey -t 31 -s 32 -l x -l y", "Error: -l is given twice"),
    ("genSymKey -t 31 -s 32 -l", "Error: -l needs a value: <label>"),
    ("genSymKey -t 31 -s 32 -l x -m_value 9", "Error: -m_value takes 0 to 8, not 9"),
    ("genSymKey -t 31 -s 32 -l x -min_srv 29", "Error: -min_srv takes 1 to 28, not 29"),
    ("genSymKey -t 31 -s 32 -l x -u 4,", "Error: -u takes numbers of users with commas between, not \"4,\""),
    ("genECCKeyPair -i 17 -l x", "Error: -i takes 2, 13, 14, 15 or 16, not 17"),
    ("imSymKey -t 18 -l x -f f -w 6", "Error: -t takes 16, 21 or 31, not 18"),
    ("findKey -sess 2", "Error: -sess takes 0 or 1, not 2"),
    ("sign -f f -k 6 -m 10 -out o", "Error: -m takes 0 to 9 or 15 to 19, not 10"),
    ("shareKey -k 6 -u 4,5", "Error: -u takes the number of one user, not 2 of them"),
    ("unWrapKey -f f -w 6 -m 99", "Error: -m takes 4 to 8 and 10 to 12, not 99"),
    ("genSimKey -t 31", "Error: there is no command genSimKey; did you mean genSymKey?"),
    ("frobnicate", "Error: there is no command frobnicate; help lists them"),
];

#[test]
fn the_person_is_told_what_is_mistyped() {
    let kmu = Kmu::new();
    for (line, reason) in MISTYPED {
        let said = kmu.single(&line.split(' ').collect::<Vec<_>>());
        assert!(said.err.starts_with(&format!("key_mgmt_util: {reason}")), "{line}: {said:?}");
        assert_eq!(said.err.lines().count(), 1, "{line}: {said:?}");
        assert!(!said.out.contains("Error:") && said.out.contains("Syntax: "), "{line}: {said:?}");
    }
    for (line, reason) in [
        ("genSymKey -t 31 -s 256 -l x", "AES keys have 16, 24 or 32 bytes, not 256"),
        ("genSymKey -t 21 -s 16 -l x", "triple DES keys have 24 bytes, not 16"),
        ("genSymKey -t 18 -s 256 -l x", "RC4 keys have 1 to 255 bytes, not 256"),
        ("genSymKey -t 16 -s 0 -l x", "generic secrets have 1 to 3583 bytes, not 0"),
    ] {
        let said = kmu.single(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(said.err, format!("key_mgmt_util: genSymKey: {reason}\n"), "{line}");
    }
    // What scripts know as a line of the answer is not said twice.
    let said = kmu.single(&["genSymKey", "-t", "31"]);
    assert!(said.out.contains("Error: Key size (-s) is missing.") && said.err.is_empty(), "{said:?}");
    // A word too many may be a password.
    let said = kmu.start(&["singlecmd", "loginHSM", "-u", "CU", "secret-word"]);
    assert!(!said.err.contains("secret-word") && said.err.contains("a word too many after -u"), "{said:?}");
}

/// Lines that are refused with a code or a text of the tool's own.
const REFUSED: &[(&str, &str)] = &[
    ("genSymKey -t 31 -s 20 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 31 -s 256 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 21 -s 16 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 18 -s 256 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 16 -s 0 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 16 -s 3584 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 16 -s 18446744073709551615 -l x", "0xe1 : HSM Error: Invalid key size"),
    ("genSymKey -t 31 -s 32 -l x -u 3", "0xe3 : HSM Error: A key cannot be shared with its owner"),
    ("genSymKey -t 31 -s 32 -l x -m_value 2", "0xe4 : HSM Error: Fewer users are associated"),
    (
        "genSymKey -t 31 -s 32 -l x -m_value 3 -u 4",
        "Error: m_value (3) needs at least 3 associated users (owner and -u), found 2",
    ),
    ("genSymKey -t 31 -s 32 -l x -u 4,5,4", "Error: -u names user 4 twice"),
    ("genSymKey -t 31 -s 32 -l x -u 4,5,6,7,8,9,10,11", "Error: -u names 8 users, 7 are the most"),
    ("genSymKey -t 31 -s 32 -l \"a\tb\"", "Error: the label (-l) has a control character in it"),
    ("genSymKey -t 31 -s 32 -l x -id \"a\tb\"", "Error: the ID (-id) has a control character in it"),
];

#[test]
fn what_is_refused_makes_nothing() {
    let kmu = Kmu::new();
    let lines: Vec<&str> = REFUSED.iter().map(|(line, _)| *line).collect();
    for (said, (line, words)) in kmu.session(&lines).iter().zip(REFUSED) {
        assert!(said.contains(words) && !said.contains("0x00 :"), "{line}: {said}");
    }
    let long = "x".repeat(128);
    let said =
        kmu.session(&[&format!("genSymKey -t 31 -s 32 -l {long}"), &format!("genSymKey -t 31 -s 32 -l x -id {long}")]);
    assert!(said[0].contains("Error: the label (-l) has 128 bytes, 127 are the most"), "{said:?}");
    assert!(said[1].contains("Error: the ID (-id) has 128 bytes, 127 are the most"), "{said:?}");
    assert_eq!(kmu.keys(), Vec::<u64>::new());
}

#[test]
fn refusals_of_the_hsm_show_the_nodes_and_others_do_not() {
    let kmu = Kmu::new();
    let said = kmu.session(&["genSymKey -t 31 -s 20 -l x", "genSymKey -t 31 -s 32 -l x -u 3"]);
    let node = "\n\n\tCluster Error Status\n\tNode id 0 and err state 0x000000e1 : HSM Error: Invalid key size\n";
    assert!(said[0].ends_with(node), "{said:?}");
    assert!(!said[1].contains("Cluster"), "{said:?}");
}

#[test]
fn keys_of_each_type_have_their_usages_and_sizes() {
    let kmu = Kmu::new();
    let cipher = "ENCRYPT DECRYPT WRAP UNWRAP";
    for (key_type, sizes, usages, check_value) in [
        (31, &[16, 24, 32][..], cipher, true),
        (21, &[24], cipher, true),
        (16, &[1, 512, 2048, 3583], "SIGN VERIFY", false),
        (18, &[5, 16, 255], "ENCRYPT DECRYPT", false),
    ] {
        for size in sizes {
            let made = kmu.one(&format!("genSymKey -t {key_type} -s {size} -l x"));
            kmu.one(&format!("getAttribute -o {} -a 512 -out attr", handle(&made)));
            let file = kmu.file("attr");
            let lines: Vec<&str> = file.lines().collect();
            let on: Vec<&str> = ["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "SIGN", "VERIFY"]
                .into_iter()
                .filter(|name| file.contains(&format!("OBJ_ATTR_{name}\n0x01\n")))
                .collect();
            assert_eq!(on.join(" "), usages, "type {key_type}");
            assert!(file.contains(&format!("OBJ_ATTR_VALUE_LEN\n0x{size:08x}\n")), "{file}");
            assert!(file.contains(&format!("OBJ_ATTR_KEY_TYPE\n0x{key_type:02x}\n")), "{file}");
            assert_eq!(lines.contains(&"OBJ_ATTR_KCV"), check_value, "type {key_type}");
            assert_eq!(lines.len(), if check_value { 34 } else { 32 });
        }
    }
}

#[test]
fn more_servers_than_there_are_keep_the_key_and_say_so() {
    let kmu = Kmu::new();
    let said = kmu.one("genSymKey -t 31 -s 32 -l x -min_srv 2 -timeout 5");
    assert!(said.contains("Key Handle: ") && said.contains("0x00000000 : HSM Return: SUCCESS"), "{said}");
    let warning = "\n\tNot a valid min_srv count, please check the number of servers in cluster !!\n\tNumber of servers in \
                   cluster: 1\n";
    assert!(said.ends_with(warning), "{said}");
    assert_eq!(kmu.keys().len(), 1);
}

#[test]
fn policies_refuse_what_they_do_not_offer() {
    let fips = Kmu::with("kdf = \"test\"\npolicy = \"fips\"\n");
    let said =
        fips.session(&["genSymKey -t 18 -s 16 -l x", "genSymKey -t 21 -s 24 -l x", "genSymKey -t 31 -s 16 -l x"]);
    let lines = "\n\tRC4 is not allowed in FIPS mode\n\n\tCurrent FIPS mode is: 00000002\n";
    let refused = said[0].strip_prefix(lines).unwrap();
    // What follows is what is said of every type that the policy leaves out.
    assert_eq!((refused, code(refused)), (said[1].as_str(), "b3"));
    assert_eq!(code(&said[2]), "00");
    let strict = Kmu::with("kdf = \"test\"\npolicy = \"strict\"\n");
    assert_eq!(code(&strict.one("genSymKey -t 18 -s 16 -l x")), "b3");
    assert_eq!((fips.keys().len(), strict.keys().len()), (1, 0));
    // Under strict a key is for data or for keys, and those of this tool are for data.
    let said = strict.session(&["genSymKey -t 31 -s 32 -l x", "genRSAKeyPair -m 2048 -e 65537 -l r"]);
    let (key, (public, private)) = (handle(&said[0]), super::kmu::pair(&said[1]));
    for (key, usages) in [(key, "ENCRYPT DECRYPT"), (public, "ENCRYPT VERIFY"), (private, "DECRYPT SIGN")] {
        strict.one(&format!("getAttribute -o {key} -a 512 -out attr"));
        let file = strict.file("attr");
        let on: Vec<&str> = ["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "SIGN", "VERIFY"]
            .into_iter()
            .filter(|name| file.contains(&format!("OBJ_ATTR_{name}\n0x01\n")))
            .collect();
        assert_eq!(on.join(" "), usages);
    }
    let said = strict.one(&format!("exSymKey -k {key} -w {key} -out out"));
    assert_eq!(code(&said), "e7", "{said}");
    let said = fips.session(&["genSymKey -t 31 -s 32 -l x", "genRSAKeyPair -m 2048 -e 65537 -l r"]);
    let (key, (public, _)) = (handle(&said[0]), super::kmu::pair(&said[1]));
    let said = fips.one(&format!("wrapKey -k {key} -w {public} -m 12 -out wrapped"));
    assert_eq!(code(&said), "b3", "{said}");
}

#[test]
fn a_refusal_by_a_policy_names_the_policy() {
    let strict = Kmu::with("kdf = \"test\"\npolicy = \"strict\"\n");
    let fips = Kmu::with("kdf = \"test\"\npolicy = \"fips\"\n");
    for kmu in [&strict, &fips] {
        // Handles 6, and 7 and 8.
        kmu.session(&["genSymKey -t 31 -s 32 -l x", "genRSAKeyPair -m 2048 -e 65537 -l r"]);
    }
    // 32 bytes, of whatever type.
    assert!(fips.one("wrapKey -k 6 -w 6 -m 6 -noheader -out wrapped").contains("Key Wrapped."));
    for (kmu, line, words) in [
        (&strict, "genSymKey -t 18 -s 16 -l x", "the token's policy (strict) leaves CKM_RC4_KEY_GEN out"),
        (&strict, "exSymKey -k 6 -w 6 -out y", "under the policy strict a key is for data or for other keys"),
        (&strict, "wrapKey -k 6 -w 7 -m 8 -out y", "under the policy strict a key is for data or for other keys"),
        (&strict, "wrapKey -k 6 -w 7 -m 12 -out y", "the token's policy (strict) leaves CKM_RSA_PKCS out"),
        (&strict, "extractMaskedObject -o 6 -out y", "under the policy strict attributes only get stronger"),
        (&fips, "genSymKey -t 18 -s 16 -l x", "the token's policy (fips) leaves CKM_RC4_KEY_GEN out"),
        (&fips, "genSymKey -t 21 -s 24 -l x", "the token's policy (fips) leaves CKM_DES3_KEY_GEN out"),
        (&fips, "genECCKeyPair -i 16 -l x", "the token's policy (fips) does not approve of the curve"),
        (&fips, "wrapKey -k 6 -w 7 -m 12 -out y", "the token's policy (fips) leaves CKM_RSA_PKCS out"),
        (&fips, "sign -f wrapped -k 8 -m 5 -out y", "the token's policy (fips)"),
        (
            &fips,
            "unWrapKey -f wrapped -w 6 -m 6 -noheader -l x -kc 4 -kt 18",
            "the token's policy (fips) offers nothing for keys of this type",
        ),
    ] {
        let said = kmu.single(&line.split(' ').collect::<Vec<_>>());
        assert!(said.err.contains(words) && said.err.ends_with(": docs/policies.md\n"), "{line}: {said:?}");
        let refused = said.out.split("SUCCESS").last().unwrap();
        assert!(refused.contains("0xb3 : HSM Error") || refused.contains("0xe7 : HSM Error"), "{line}: {said:?}");
    }
    let plain = Kmu::new();
    plain.one("genSymKey -t 16 -s 16 -l x");
    let said = plain.single(&["exSymKey", "-k", "6", "-w", "6", "-out", "y"]);
    assert!(!said.err.is_empty() && !said.err.contains("policy"), "{said:?}");
}

#[test]
fn an_identifier_is_one_keys_or_one_pairs() {
    let kmu = Kmu::new();
    let said = kmu.session(&[
        "genECCKeyPair -i 2 -l p -id I",
        "genSymKey -t 31 -s 32 -l w",
        "genSymKey -t 31 -s 32 -l x -id I",
        "genSymKey -t 31 -s 32 -l x -id I -sess",
        "genECCKeyPair -i 2 -l p -id I",
        "genSymKey -t 31 -s 32 -l x -id J",
        "genSymKey -t 31 -s 32 -l y",
        "genSymKey -t 31 -s 32 -l z -id \"\"",
    ]);
    let codes: Vec<&str> = said.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["00", "00", "e2", "00", "e2", "00", "00", "00"], "session keys are in no token: {said:?}");
    let other = kmu.session_of("alice", &["genSymKey -t 31 -s 32 -l x -id J", "genSymKey -t 31 -s 32 -l x -id I"]);
    assert_eq!((code(&other[0]), code(&other[1])), ("e2", "e2"), "whoever the key belongs to: {other:?}");
    let ((public, private), wrap) = (super::kmu::pair(&said[0]), handle(&said[1]));
    let said = kmu.session(&[
        &format!("exportPubKey -k {public} -out public"),
        &format!("exportPrivateKey -k {private} -w {wrap} -out private"),
        &format!("importPrivateKey -l p -id K -f private -w {wrap}"),
        "importPubKey -l p -id K -f public",
        "importPubKey -l p -id K -f public",
        &format!("importPrivateKey -l p -id K -f private -w {wrap}"),
    ]);
    assert!(said[2].contains("Key Handle: ") && said[3].contains("Key Handle: "), "halves of a pair: {said:?}");
    assert!(said[4].contains("0xe2") && said[5].contains("0xe2"), "{said:?}");
}

#[test]
fn keys_are_shared_with_users_who_exist() {
    let kmu = Kmu::new();
    for users in ["1", "2", "99", "4,99"] {
        let said = kmu.one(&format!("genSymKey -t 31 -s 32 -l x -u {users}"));
        assert!(said.contains("0xce : HSM Error: This user does not exist"), "{users}: {said}");
        assert!(said.contains("err state 0x000000ce"), "{said}");
    }
    let said = kmu.single(&["genSymKey", "-t", "31", "-s", "32", "-l", "x", "-u", "4,99"]);
    assert_eq!(said.err, "key_mgmt_util: genSymKey: there is no crypto user with number 99\n");
    assert_eq!(kmu.keys(), Vec::<u64>::new());
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l shared -u 4 -m_value 0",
        "genECCKeyPair -i 2 -l pair -u 4,5 -m_value 3",
        "genSymKey -t 31 -s 32 -l mine",
    ]);
    let (shared, (public, private), mine) = (handle(&said[0]), super::kmu::pair(&said[1]), handle(&said[2]));
    let said = kmu.session(&[
        &format!("getKeyInfo -k {shared}"),
        &format!("getKeyInfo -k {private}"),
        &format!("getKeyInfo -k {public}"),
        "findKey -u 4",
        "findKey -u 4,5",
        "findKey -u 6",
    ]);
    assert!(said[0].ends_with("\n\t\t 4\n"), "{said:?}");
    assert!(said[1].ends_with("\n\t\t 4, 5\n\n\t 3 Users need to approve to use/manage this key\n"), "{said:?}");
    assert!(said[2].ends_with("\n\tOwned by user 3\n"), "{said:?}");
    assert_eq!(super::kmu::handles(&said[3]), [shared, public.min(private), public.max(private)]);
    assert_eq!(super::kmu::handles(&said[4]), [public.min(private), public.max(private)]);
    assert_eq!(super::kmu::handles(&said[5]), [public]);

    std::fs::write(kmu.place.path("data"), [7; 24]).unwrap();
    let by_alice = kmu.session_of(
        "alice",
        &[
            &format!("getAttribute -o {shared} -a 512 -out attr"),
            &format!("aesWrapUnwrap -m 1 -f data -w {shared}"),
            &format!("exSymKey -k {shared} -w {shared} -out out"),
            &format!("wrapKey -k {shared} -w {shared} -m 6 -out out"),
            &format!("deleteKey -k {shared}"),
            &format!("sign -f data -k {private} -m 17 -out out"),
            &format!("getKeyInfo -k {mine}"),
        ],
    );
    let codes: Vec<&str> = by_alice.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["00", "00", "c6", "c6", "c6", "f0", "a8"], "{by_alice:?}");
    assert!(!kmu.place.path("out").exists());
}

#[test]
fn an_attestation_that_fails_makes_no_key() {
    let kmu = Kmu::new();
    let failed = "\n\tAttestation Check : [FAIL]\n";
    assert_eq!(kmu.one("genSymKey -t 31 -s 32 -l x -attest"), failed, "nothing is recorded in a build tree");
    assert_eq!(kmu.keys(), Vec::<u64>::new());

    let kmu = Kmu::installed();
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l w -attest",
        "genRSAKeyPair -m 2048 -e 65537 -l r -attest",
        "genSymKey -t 31 -s 20 -l x -attest",
    ]);
    let (wrap, (_, private)) = (handle(&said[0]), super::kmu::pair(&said[1]));
    assert_eq!(code(&said[2]), "e1", "what passes makes nothing that cannot be");
    kmu.session(&[
        &format!("exSymKey -k {wrap} -w {wrap} -out raw"),
        &format!("exportPrivateKey -k {private} -w {wrap} -out pem"),
        &format!("wrapKey -k {wrap} -w {wrap} -m 6 -out wrapped"),
    ]);
    let before = kmu.keys();
    let module = kmu.place.path("opt/lib/libstrongroom.so.0");
    let mut bytes = std::fs::read(&module).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&module, &bytes).unwrap();
    let lines = [
        "genSymKey -t 31 -s 32 -l x -attest",
        "genSymKey -t 31 -s 32 -l x -sess -attest",
        "genECCKeyPair -i 2 -l x -attest",
        "genDSAKeyPair -m 2048 -l x -attest",
        &format!("imSymKey -f raw -w {wrap} -t 31 -l x -attest"),
        &format!("importPrivateKey -f pem -w {wrap} -l x -attest"),
        &format!("unWrapKey -f wrapped -w {wrap} -m 6 -attest"),
    ];
    for (said, line) in kmu.session(&lines).iter().zip(lines) {
        assert_eq!(said, failed, "{line}");
    }
    assert_eq!(kmu.keys(), before);
    let login = ["--strict-exit", "singlecmd", "loginHSM", "-u", "CU", "-s", USER, "-p", PIN];
    let strict = kmu.start(&[&login[..], &["genSymKey", "-t", "31", "-s", "32", "-l", "x", "-attest"]].concat());
    assert_eq!(strict.code, 1);
    assert!(
        strict.err.contains("no key was made; attestation: ") && strict.err.contains("libstrongroom"),
        "{strict:?}"
    );
    bytes[7] ^= 1;
    std::fs::write(&module, &bytes).unwrap();
    assert!(kmu.one("genSymKey -t 31 -s 32 -l x -attest").contains("\n\tAttestation Check : [PASS]\n"));
}

#[test]
fn a_key_is_its_owners() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l mine"));
    let said = kmu.session_of(
        "alice",
        &[
            "findKey",
            &format!("getKeyInfo -k {key}"),
            &format!("deleteKey -k {key}"),
            &format!("getAttribute -o {key} -a 512 -out attr"),
        ],
    );
    assert!(said[0].contains("Total number of keys present 0"), "{said:?}");
    for said in &said[1..] {
        assert_eq!(code(said), "a8", "{said}");
    }
    assert!(!kmu.place.path("attr").exists());
    assert_eq!(kmu.keys(), [key]);
}

#[test]
fn an_option_is_no_value_of_another_one() {
    let kmu = Kmu::new();
    // As in a script where $LABEL is empty and has no quotes.
    for option in ["-nex", "-id", "-l", "-h"] {
        let said = kmu.single(&["genSymKey", "-t", "31", "-s", "32", "-l", option, "7"]);
        assert!(said.err.contains(&format!("Error: -l has no value: {option} is an option\n")), "{said:?}");
        assert!(said.out.contains("Syntax: genSymKey -h") && !said.out.contains("SymmetricKey returned"), "{said:?}");
    }
    assert!(kmu.keys().is_empty());
    assert!(kmu.one("genSymKey -t 31 -s 32 -l -backup-").contains("Key Handle: "), "a label may begin with a hyphen");
}

/// The key is there, and its handle is nowhere else.
#[test]
fn a_handle_that_cannot_be_printed_is_said_on_standard_error() {
    let kmu = Kmu::new();
    let full = |command: &str| {
        let script = format!("exec \"$0\" singlecmd loginHSM -u CU -s {USER} -p {PIN} {command} >/dev/full");
        let outcome = kmu.place.start("sh", &["-c", &script, PROGRAM]).outcome();
        assert_eq!(outcome.code, 1, "{command}: {outcome:?}");
        assert!(outcome.err.contains("the answer cannot be written: No space left on device"), "{outcome:?}");
        outcome.err
    };
    let said = full("genSymKey -t 31 -s 32 -l k");
    let [key] = kmu.keys()[..] else { panic!("{said}") };
    assert!(said.contains(&format!("; it says: Symmetric Key Created.  Key Handle: {key}\n")), "{said}");
    let said = full("genECCKeyPair -i 2 -l pair");
    let keys = kmu.keys();
    let [public, private] = keys[1..] else { panic!("{keys:?}") };
    assert!(
        said.contains(&format!("public key handle: {public}    private key handle: {private}\n")),
        "{said} {keys:?}"
    );
    assert!(!full("findKey").contains("it says"));
}
