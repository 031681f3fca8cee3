//! shareKey.

use super::kmu::{Kmu, code, handle, handles, pair};

#[test]
fn a_key_is_shared_and_no_longer() {
    let kmu = Kmu::new();
    let key = handle(&kmu.one("genSymKey -t 31 -s 32 -l s"));
    let done = "\n\tCfm3ShareKey returned: 0x00 : HSM Return: SUCCESS\n\n\tCluster Error Status\n\tNode id 0 and err state \
                0x00000000 : HSM Return: SUCCESS\n";
    let said = kmu.session(&[
        &format!("shareKey -k {key} -u 5"),
        &format!("shareKey -u 4 -k {key}"),
        &format!("getKeyInfo -k {key}"),
    ]);
    assert_eq!((said[0].as_str(), said[1].as_str()), (done, done));
    assert!(said[2].contains("shared to following 2 user(s):\n\n\t\t 4, 5\n"), "{said:?}");
    assert_eq!(handles(&kmu.session_of("bob", &["findKey"])[0]), [key]);
    let said = kmu.session(&[&format!("shareKey -k {key} -u 5 -unshare"), &format!("getKeyInfo -k {key}")]);
    assert_eq!(said[0], done);
    assert!(said[1].ends_with("1 user(s):\n\n\t\t 4\n"), "{said:?}");
    assert!(kmu.session_of("bob", &["findKey"])[0].contains("present 0"));
}

#[test]
fn what_is_refused_shares_nothing() {
    let kmu = Kmu::new();
    let said =
        kmu.session(&["genSymKey -t 31 -s 32 -l s -u 4", "genECCKeyPair -i 2 -l p", "genSymKey -t 31 -s 32 -l m"]);
    let (key, (public, _), mine) = (handle(&said[0]), pair(&said[1]), handle(&said[2]));
    let said = kmu.session(&["genSymKey -t 31 -s 32 -l x -sess", "shareKey -k 2147483648 -u 4"]);
    assert_eq!(code(&said[1]), "b3", "a session key: {said:?}");
    for (line, expected) in [
        (format!("shareKey -k {key} -u 3"), "e3"),
        (format!("shareKey -k {key} -u 4"), "eb"),
        (format!("shareKey -k {key} -u 5 -unshare"), "eb"),
        (format!("shareKey -k {key} -u 1"), "ce"),
        (format!("shareKey -k {key} -u 99"), "ce"),
        (format!("shareKey -k {public} -u 4"), "b3"),
        ("shareKey -k 4711 -u 4".to_owned(), "a8"),
    ] {
        let said = kmu.one(&line);
        assert_eq!(code(&said), expected, "{line}: {said}");
    }
    let said = kmu.single(&["shareKey", "-k", &key.to_string(), "-u", "4"]);
    assert_eq!(said.err, "key_mgmt_util: shareKey: the user owns or shares the key already\n");
    let by_alice = kmu.session_of(
        "alice",
        &[&format!("shareKey -k {key} -u 5"), &format!("shareKey -k {key} -u 3"), &format!("shareKey -k {mine} -u 5")],
    );
    let codes: Vec<&str> = by_alice.iter().map(|said| code(said)).collect();
    assert_eq!(codes, ["c6", "c6", "a8"], "{by_alice:?}");
    for (line, words) in [
        ("shareKey", "Error: Key handle (-k) is missing."),
        ("shareKey -k 6", "Error: User ID (-u) is missing."),
        ("shareKey -k 6 -u 4,5", "Syntax: shareKey"),
        ("shareKey -k 6 -u alice", "Syntax: shareKey"),
    ] {
        let said = kmu.one(line);
        assert!(said.contains(words) && !said.contains("returned"), "{line}: {said}");
    }
    let said = kmu.session(&[&format!("getKeyInfo -k {key}"), &format!("getKeyInfo -k {mine}")]);
    assert!(said[0].ends_with("1 user(s):\n\n\t\t 4\n") && said[1].ends_with("\tOwned by user 3\n"), "{said:?}");
    assert_eq!(code(&kmu.prompt(&["shareKey -k 6 -u 4"])[1]), "e5");
}
