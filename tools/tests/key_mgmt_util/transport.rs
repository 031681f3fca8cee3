//! exSymKey, exportPrivateKey, exportPubKey, imSymKey, importPrivateKey, importPubKey, and files that hold handles.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::kmu::{Kmu, code, handle, pair};

fn shell(kmu: &Kmu, script: &str) -> String {
    let output = Command::new("sh").args(["-ec", script]).current_dir(kmu.place.path("")).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The program with an AES key to wrap with, whose value a file has too.
fn with_wrapping_key() -> (Kmu, u64) {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l wrap"));
    kmu.one(&format!("exSymKey -k {key} -w {key} -out wrap.key"));
    (kmu, key)
}

#[test]
fn symmetric_keys_go_out_and_in() {
    let (kmu, wrap) = with_wrapping_key();
    let mode = || std::fs::metadata(kmu.place.path("wrap.key")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    super::place::set_mode(&kmu.place.path("wrap.key"), 0o644);
    kmu.one(&format!("exSymKey -k {wrap} -w {wrap} -out wrap.key"));
    assert_eq!(mode(), 0o600, "of a file that was there too");
    for (key_type, size) in [(31, 16), (31, 24), (21, 24), (16, 20)] {
        let key = handle(&kmu.one(&format!("genSymKey -t {key_type} -s {size} -l out")));
        let said = kmu.session(&[
            &format!("exSymKey -k {key} -w {wrap} -out one"),
            &format!("exSymKey -k {key} -w {wrap} -out other -wk wrap.key -m 4"),
            &format!("imSymKey -f one -w {wrap} -t {key_type} -l in -id {key_type}.{size}"),
            &format!("imSymKey -f one -w {wrap} -t {key_type} -l in -wk wrap.key -sess"),
        ]);
        let exported = "\n\tCfm3WrapKey returned: 0x00 : HSM Return: SUCCESS\n\n\tCfm3UnWrapHostKey returned: 0x00 : HSM \
                        Return: SUCCESS\n\nWrapped Symmetric Key written to file \"one\"\n";
        assert_eq!(said[0], exported);
        let value = std::fs::read(kmu.place.path("one")).unwrap();
        assert_eq!((value.len(), &value), (size, &std::fs::read(kmu.place.path("other")).unwrap()));
        let imported = handle(&said[2]);
        let expected = format!(
            "\n\tCfm3WrapHostKey returned: 0x00 : HSM Return: SUCCESS\n\n\tCfm3CreateUnwrapTemplate returned: 0x00 : HSM \
             Return: SUCCESS\n\n\tCfm3UnWrapKey returned: 0x00 : HSM Return: SUCCESS\n\n\tSymmetric Key Unwrapped.  Key \
             Handle: {imported}\n\n\tCluster Error Status\n\tNode id 0 and err state 0x00000000 : HSM Return: SUCCESS\n"
        );
        assert_eq!(said[2], expected);
        assert!(handle(&said[3]) > imported, "a session key: {said:?}");
        kmu.session(&[
            &format!("getAttribute -o {key} -a 512 -out attr_out"),
            &format!("getAttribute -o {imported} -a 512 -out attr_in"),
        ]);
        let expected = kmu
            .file("attr_out")
            .replace("LOCAL\n0x01", "LOCAL\n0x00")
            .replace("LABEL\nout", "LABEL\nin")
            .replace("ID\n\n", &format!("ID\n{key_type}.{size}\n"));
        assert_eq!(kmu.file("attr_in"), expected);
    }
}

#[test]
fn pairs_go_out_and_in() {
    let (kmu, wrap) = with_wrapping_key();
    for (line, check) in [
        ("genRSAKeyPair -m 2048 -e 65537 -l p", "openssl pkey -in private -check -noout"),
        ("genECCKeyPair -i 2 -l p", "openssl pkey -in private -check -noout"),
        ("genECCKeyPair -i 16 -l p", "openssl pkey -in private -check -noout"),
        ("genDSAKeyPair -m 2048 -l p", "true"),
    ] {
        let (public, private) = pair(&kmu.one(line));
        let said = kmu.session(&[
            &format!("exportPubKey -k {public} -out public"),
            &format!("exportPrivateKey -k {private} -w {wrap} -out private"),
            &format!("exportPrivateKey -k {private} -w {wrap} -out private2 -wk wrap.key"),
            &format!("importPrivateKey -f private -w {wrap} -l back"),
            &format!("importPrivateKey -f private -w {wrap} -l back -wk wrap.key"),
            "importPubKey -f public -l back",
        ]);
        let exported = "\nPEM formatted public key is written to public\n\n\tCfm3ExportPubKey returned: 0x00 : HSM Return: SUCCESS\n";
        assert_eq!(said[0], exported);
        assert!(said[1].ends_with("\nPEM formatted private key is written to private\n"), "{said:?}");
        assert_eq!(kmu.file("private"), kmu.file("private2"));
        shell(&kmu, check);
        shell(&kmu, "openssl pkey -in private -pubout -out derived; cmp derived public");
        let lines: Vec<&str> = said[3].lines().filter(|line| !line.is_empty()).collect();
        assert!(lines[0].starts_with("BER encoded key length is "), "{said:?}");
        assert_eq!(lines[4], format!("\tPrivate Key Unwrapped.  Key Handle: {}", handle(&said[3])));
        assert!(said[5].contains(&format!("\n\tPublic Key Handle: {}\n", handle(&said[5]))), "{said:?}");
        for (original, copy) in [(private, handle(&said[3])), (private, handle(&said[4])), (public, handle(&said[5]))] {
            kmu.session(&[
                &format!("getAttribute -o {original} -a 512 -out original"),
                &format!("getAttribute -o {copy} -a 512 -out copy"),
            ]);
            let expected =
                kmu.file("original").replace("LOCAL\n0x01", "LOCAL\n0x00").replace("LABEL\np\n", "LABEL\nback\n");
            assert_eq!(kmu.file("copy"), expected, "{line}");
        }
    }
}

#[test]
fn private_keys_of_openssl_come_in_in_both_forms() {
    let (kmu, wrap) = with_wrapping_key();
    shell(
        &kmu,
        "openssl genrsa -out rsa 2048 2>/dev/null; openssl rsa -in rsa -traditional -out rsa1 2>/dev/null
         openssl ecparam -name prime256v1 -genkey -out ec1; openssl pkey -in ec1 -out ec
         openssl pkey -in rsa -pubout -out public; openssl pkey -in ec -aes128 -passout pass:x -out locked
         openssl rsa -in rsa -traditional -aes128 -passout pass:x -out locked1 2>/dev/null; cat rsa ec > two",
    );
    for file in ["rsa", "rsa1", "ec", "ec1"] {
        let said = kmu.one(&format!("importPrivateKey -f {file} -w {wrap} -l {file}"));
        assert!(said.contains("Private Key Unwrapped.  Key Handle: "), "{file}: {said}");
    }
    let count = kmu.keys().len();
    for (file, words) in [
        ("locked", "protected by a password"),
        ("locked1", "protected by a password"),
        ("two", "several private keys"),
        ("public", "no private key in PEM"),
        ("wrap.key", "locked"),
        ("absent", "absent cannot be read"),
    ] {
        let said = kmu.one(&format!("importPrivateKey -f {file} -w {wrap} -l x"));
        let words = if words == "locked" { "wrap.key: it " } else { words };
        assert!(said.contains("\tError: ") && said.contains(words) && !said.contains("returned"), "{file}: {said}");
    }
    let said = kmu.one("importPubKey -f rsa -l x");
    assert!(said.contains("no public key in PEM"), "{said}");
    assert_eq!(kmu.keys().len(), count);
}

#[test]
fn what_stays_inside_is_not_exported() {
    let (kmu, wrap) = with_wrapping_key();
    let said = kmu.session(&[
        "genSymKey -t 31 -s 32 -l nex -nex",
        "genECCKeyPair -i 2 -l nex -nex",
        "genSymKey -t 21 -s 24 -l d",
    ]);
    let (secret, (public, private), des) = (handle(&said[0]), pair(&said[1]), handle(&said[2]));
    std::fs::write(kmu.place.path("short"), [1; 15]).unwrap();
    std::fs::write(kmu.place.path("wrong"), [1; 32]).unwrap();
    for (line, words) in [
        (format!("exSymKey -k {secret} -w {wrap} -out out"), "Cfm3WrapKey returned: 0xe6"),
        (format!("exportPrivateKey -k {private} -w {wrap} -out out"), "Cfm3WrapKey returned: 0xe6"),
        (format!("exSymKey -k {private} -w {wrap} -out out"), &format!("\t{private} is not a symmetric key")),
        (format!("exportPrivateKey -k {secret} -w {wrap} -out out"), "is not a private key"),
        (format!("exportPubKey -k {private} -out out"), "is not a public key"),
        (format!("exSymKey -k {wrap} -w {des} -out out"), "Cfm3WrapKey returned: 0xe8"),
        (format!("exSymKey -k {wrap} -w {public} -out out"), "Cfm3WrapKey returned: 0xe8"),
        (format!("exSymKey -k {wrap} -w 4711 -out out"), "Cfm3WrapKey returned: 0xa8"),
        ("exSymKey -k 4711 -w 4711 -out out".to_owned(), "Cfm3WrapKey returned: 0xa8"),
        (format!("exSymKey -k {wrap} -w {wrap} -out out -wk short"), "Invalid file. Should be an AES key"),
        (format!("exSymKey -k {wrap} -w {wrap} -out out -wk wrong"), "Cfm3UnWrapHostKey returned: 0xe9"),
        (format!("exSymKey -k {wrap} -w {wrap} -out out -m 5"), "Syntax: exSymKey"),
        (format!("exSymKey -k {wrap} -out out"), "Error: Wrapping key handle (-w) is missing."),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(words), "{line}: {said}");
    }
    assert!(!kmu.place.path("out").exists());
    let said = kmu.session_of("alice", &[&format!("exSymKey -k {wrap} -w {wrap} -out out")]);
    assert_eq!(code(&said[0]), "a8");
}

#[test]
fn what_is_no_key_is_not_imported() {
    let (kmu, wrap) = with_wrapping_key();
    let des = handle(&kmu.one("genSymKey -t 21 -s 24 -l d"));
    std::fs::write(kmu.place.path("short"), [1; 15]).unwrap();
    std::fs::write(kmu.place.path("empty"), []).unwrap();
    let count = kmu.keys().len();
    for (line, words) in [
        (format!("imSymKey -f short -w {wrap} -t 31 -l x"), "returned: 0xe1"),
        (format!("imSymKey -f wrap.key -w {wrap} -t 21 -l x"), "returned: 0xe1"),
        (format!("imSymKey -f empty -w {wrap} -t 31 -l x"), "Error: empty is empty"),
        (format!("imSymKey -f wrap.key -w {wrap} -t 18 -l x"), "Syntax: imSymKey"),
        (format!("imSymKey -f wrap.key -w {wrap} -t 31"), "Error: Key label (-l) is missing."),
        (format!("imSymKey -f wrap.key -w {des} -t 31 -l x"), "Cfm3WrapHostKey returned: 0xe8"),
        ("imSymKey -f wrap.key -w 4711 -t 31 -l x".to_owned(), "Cfm3WrapHostKey returned: 0xa8"),
        (format!("imSymKey -f wrap.key -w {wrap} -t 31 -l x -wk short"), "Invalid file. Should be an AES key"),
        (format!("imSymKey -f wrap.key -w {wrap} -t 31 -l x -nex"), "Syntax: imSymKey"),
        (format!("imSymKey -f wrap.key -w {wrap} -t 31 -l x -m_value 2"), "Syntax: imSymKey"),
        (
            format!("imSymKey -f wrap.key -w {wrap} -t 31 -l x -timeout 3"),
            "Minimum servers (-min_srv) option is missing",
        ),
    ] {
        let said = kmu.one(&line);
        assert!(said.contains(words) && !said.contains("Handle: "), "{line}: {said}");
    }
    std::fs::write(kmu.place.path("wrong"), [1; 32]).unwrap();
    let said = kmu.one(&format!("imSymKey -f wrap.key -w {wrap} -t 31 -l x -wk wrong"));
    assert!(said.contains("Cfm3UnWrapKey returned: 0xe9"), "{said}");
    assert_eq!(kmu.keys().len(), count);
}

#[test]
fn files_can_hold_handles() {
    let (kmu, wrap) = with_wrapping_key();
    for line in ["genRSAKeyPair -m 2048 -e 65537 -l p", "genECCKeyPair -i 2 -l p", "genECCKeyPair -i 15 -l p"] {
        let (public, private) = pair(&kmu.one(line));
        let said = kmu.session(&[
            &format!("getCaviumPrivKey -k {private} -out fake"),
            "IsValidKeyHandlefile -f fake",
            &format!("exportPrivateKey -k {private} -w {wrap} -out real"),
            "IsValidKeyHandlefile -f real",
            &format!("exportPubKey -k {public} -out public"),
            &format!("deleteKey -k {private}"),
            "IsValidKeyHandlefile -f fake",
        ]);
        let written = "\nPrivate Key Handle is written to fake in fake PEM format\n\n\tgetCaviumPrivKey returned: 0x00 : HSM \
                       Return: SUCCESS\n";
        assert_eq!(said[0], written);
        assert_eq!(said[1], format!("\nInput file has key handle: {private}\n"));
        assert_eq!(said[3], "\nInput key file has real private key\n");
        assert_eq!(said[6], format!("\nInput file has invalid key handle: {private}\n"));
        if line.starts_with("genRSA") {
            let modulus = "openssl rsa -in fake -noout -modulus; openssl rsa -pubin -in public -noout -modulus";
            let both = shell(&kmu, modulus);
            let lines: Vec<&str> = both.lines().collect();
            assert_eq!(lines[0], lines[1]);
        }
    }
    let secret = kmu.one(&format!("getCaviumPrivKey -k {wrap} -out out"));
    assert!(secret.contains("is not a private key") && !kmu.place.path("out").exists(), "{secret}");
    assert!(kmu.one("IsValidKeyHandlefile -f wrap.key").contains("Error: wrap.key: it "));
}
