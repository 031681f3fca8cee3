//! `strongroom attest` in installations of its own: the real program, and a stand-in for the module, whose bytes are
//! all that matters here.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use strongroom_tools::attestation::{MODULES, PROGRAMS};

use super::place::{Place, set_mode};

/// A tree with a program and a module, below a place.
struct Tree {
    root: PathBuf,
}

impl Tree {
    /// As `make install` lays it out, with its manifest.
    fn installed(place: &Place) -> Tree {
        let tree = Tree::bare(place, "opt");
        tree.attest("make").passes();
        tree
    }

    fn bare(place: &Place, name: &str) -> Tree {
        let tree = Tree { root: place.path(name) };
        fs::create_dir_all(tree.path("bin")).unwrap();
        fs::create_dir_all(tree.path("lib/pkcs11")).unwrap();
        place_program(&tree.path("bin/strongroom"));
        fs::write(tree.path(MODULE), "the module's bytes").unwrap();
        symlink("libstrongroom.so.0", tree.path("lib/libstrongroom.so")).unwrap();
        symlink("../libstrongroom.so.0", tree.path("lib/pkcs11/libstrongroom.so")).unwrap();
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn attest(&self, command: &str) -> Verdict {
        attest(&self.path("bin/strongroom"), command)
    }

    /// The check fails for exactly one reason, which names this file and has these words.
    fn fails(&self, name: &str, words: &str) {
        let faults = self.attest("check").faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        let path = self.path(name);
        assert!(faults[0].contains(path.to_str().unwrap()) && faults[0].contains(words), "{faults:?}");
    }
}

/// What the program answered.
#[derive(Debug)]
struct Verdict {
    code: i32,
    json: Value,
}

impl Verdict {
    fn passes(&self) -> Vec<&str> {
        let said = &self.json["attestation"];
        assert_eq!((self.code, said["result"].as_str()), (0, Some("PASS")), "{self:?}");
        assert_eq!(said["faults"], Value::Array(Vec::new()), "{self:?}");
        said["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect()
    }

    fn faults(&self) -> Vec<String> {
        let said = &self.json["attestation"];
        assert_eq!((self.code, said["result"].as_str()), (1, Some("FAIL")), "{self:?}");
        said["faults"].as_array().unwrap().iter().map(|fault| fault.as_str().unwrap().to_owned()).collect()
    }
}

fn attest(program: &Path, command: &str) -> Verdict {
    verdict(Command::new(program).args(["attest", command, "--json"]))
}

fn verdict(command: &mut Command) -> Verdict {
    let output = command.output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    Verdict { code: output.status.code().unwrap(), json }
}

/// Puts the program somewhere, without writing a hundred megabytes where that can be avoided.
fn place_program(to: &Path) {
    if fs::hard_link(PROGRAM, to).is_err() {
        copy_program(to);
    }
}

/// Copies the program in another process: a file that this one, or a sibling test's child, has open for writing cannot
/// be run.
fn copy_program(to: &Path) {
    assert!(Command::new("cp").arg(PROGRAM).arg(to).status().unwrap().success());
}

#[test]
fn what_was_installed_passes() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let verdict = tree.attest("check");
    let files = ["bin/strongroom", "lib/libstrongroom.so", "lib/libstrongroom.so.0", "lib/pkcs11/libstrongroom.so"];
    assert_eq!(verdict.passes(), files);
    for (name, path) in [("root", ""), ("manifest", MANIFEST), ("key", KEY), ("certificate", CERTIFICATE)] {
        let path = if path.is_empty() { tree.root.clone() } else { tree.path(path) };
        assert_eq!(verdict.json["attestation"][name], path.to_str().unwrap());
    }
    let output = Command::new(tree.path("bin/strongroom")).args(["attest", "check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.starts_with("PASS: 4 files of "), "{told}");
}

#[test]
fn one_changed_bit_of_the_module_fails_and_names_it() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let mut bytes = fs::read(tree.path(MODULE)).unwrap();
    bytes[5] ^= 1;
    fs::write(tree.path(MODULE), &bytes).unwrap();
    tree.fails(MODULE, "its SHA-256 is another one");
    let output = Command::new(tree.path("bin/strongroom")).args(["attest", "check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.starts_with("FAIL: ") && told.contains("To do: install again"), "{told}");
    bytes.pop();
    fs::write(tree.path(MODULE), &bytes).unwrap();
    tree.fails(MODULE, "17 bytes instead of 18");
    fs::write(tree.path(MODULE), "the module's bytes").unwrap();
    tree.attest("check").passes();
}

#[test]
fn a_changed_program_fails_although_it_is_the_one_that_checks() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let program = tree.path("bin/strongroom");
    fs::remove_file(&program).unwrap();
    copy_program(&program);
    tree.attest("check").passes();
    let appended = Command::new("sh").arg("-c").arg("printf x >> \"$0\"").arg(&program).status();
    assert!(appended.unwrap().success());
    let faults = tree.attest("check").faults();
    assert!(faults.iter().any(|fault| fault.contains("bin/strongroom was changed")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.contains("the running program is not")), "{faults:?}");
}

#[test]
fn the_manifest_is_worth_what_its_signature_is() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let manifest = fs::read_to_string(tree.path(MANIFEST)).unwrap();
    let write = |text: &str| fs::write(tree.path(MANIFEST), text).unwrap();
    // The change that somebody makes who has changed the module and knows how the manifest is built.
    write(&manifest.replacen("file\t", "file\t1", 1));
    tree.fails(MANIFEST, "was changed, or not signed with the key in");
    let without: String = manifest.lines().filter(|line| !line.contains("pkcs11")).map(|l| format!("{l}\n")).collect();
    write(&without);
    tree.fails(MANIFEST, "was changed");
    let (body, signature) = manifest.split_once("signature\t").unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    write(&format!("{body}signature\t{other}{}", &signature[1..]));
    tree.fails(MANIFEST, "was changed");
    write(body);
    tree.fails(MANIFEST, "is not as strongroom attest make writes it");
    write("");
    tree.fails(MANIFEST, "is not as");
    write(&"x".repeat(70_000));
    tree.fails(MANIFEST, "is not as");
    fs::remove_file(tree.path(MANIFEST)).unwrap();
    tree.fails(MANIFEST, "there is no manifest at");
    write(&manifest);
    tree.attest("check").passes();
}

#[test]
fn another_key_fails() {
    let place = Place::new();
    let (tree, other) = (Tree::installed(&place), Tree::bare(&place, "other"));
    other.attest("make").passes();
    // The same files, signed with a key that is not pinned here.
    fs::copy(other.path(MANIFEST), tree.path(MANIFEST)).unwrap();
    tree.fails(MANIFEST, "not signed with the key in");
    fs::copy(other.path(KEY), tree.path(KEY)).unwrap();
    tree.fails(CERTIFICATE, "is the certificate of another key than the one in");
    fs::copy(other.path(CERTIFICATE), tree.path(CERTIFICATE)).unwrap();
    tree.attest("check").passes();
    fs::write(tree.path(KEY), "strongroom attestation key 1\tAAAA\n").unwrap();
    tree.fails(KEY, "is not as");
    fs::remove_file(tree.path(KEY)).unwrap();
    tree.fails(KEY, "the manifest's key is missing");
}

#[test]
fn a_key_that_others_can_replace_is_no_key() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    for (name, loose, tight) in [(KEY, 0o664, 0o644), (KEY, 0o646, 0o644), ("etc/strongroom", 0o775, 0o755)] {
        set_mode(&tree.path(name), loose);
        tree.fails(name, "can be written by others");
        set_mode(&tree.path(name), tight);
    }
    tree.attest("check").passes();
    if is_root() {
        chown(tree.path(KEY), Some(NOBODY), None).unwrap();
        tree.fails(KEY, "can be written by others");
    }
}

/// Who can rename a directory on the way to the key can put another key there.
#[test]
fn so_are_the_directories_above_the_key() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let above = [place.path(""), tree.root.clone(), tree.path("etc")];
    let below = [tree.root.clone(), tree.path("etc"), tree.path("etc/strongroom")];
    for directory in &above[1..] {
        for loose in [0o775, 0o757] {
            set_mode(directory, loose);
            tree.fails(directory.to_str().unwrap(), "can be written by others");
        }
        // There everybody makes files, and nobody renames another's.
        set_mode(directory, 0o1777);
        tree.attest("check").passes();
        set_mode(directory, 0o755);
    }
    // Nobody but the owner makes a file beside the key either.
    set_mode(&tree.path("etc/strongroom"), 0o1777);
    tree.fails("etc/strongroom", "can be written by others");
    set_mode(&tree.path("etc/strongroom"), 0o755);
    if is_root() {
        for (above, below) in above.iter().zip(&below) {
            chown(below, Some(NOBODY), None).unwrap();
            tree.fails(below.to_str().unwrap(), "can be written by others");
            if above.starts_with(&tree.root) {
                set_mode(above, 0o1777);
                tree.fails(below.to_str().unwrap(), "can be written by others");
                set_mode(above, 0o755);
            }
            chown(below, Some(0), None).unwrap();
        }
    }
    tree.attest("check").passes();
    set_mode(&tree.root, 0o777);
    let output = Command::new(tree.path("bin/strongroom")).args(["attest", "check"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("To do: ") && told.contains("chmod go-w"), "{told}");
}

#[test]
fn missing_files_fail() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    fs::rename(tree.path(MODULE), place.path("aside")).unwrap();
    tree.fails(MODULE, "is missing");
    fs::rename(place.path("aside"), tree.path(MODULE)).unwrap();
    fs::remove_file(tree.path("lib/pkcs11/libstrongroom.so")).unwrap();
    tree.fails("lib/pkcs11/libstrongroom.so", "is missing");
}

#[test]
fn links_are_compared_and_never_followed() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let link = tree.path("lib/pkcs11/libstrongroom.so");
    fs::remove_file(&link).unwrap();
    symlink("/elsewhere/libstrongroom.so", &link).unwrap();
    tree.fails("lib/pkcs11/libstrongroom.so", "a link to \"/elsewhere/libstrongroom.so\" instead of");
    // The same bytes at the end of the link: whoever made it can change them later.
    fs::remove_file(&link).unwrap();
    symlink("../libstrongroom.so.0", &link).unwrap();
    fs::rename(tree.path(MODULE), place.path("aside")).unwrap();
    symlink(place.path("aside"), tree.path(MODULE)).unwrap();
    tree.fails(MODULE, "it is a link instead of a file");
    fs::remove_file(tree.path(MODULE)).unwrap();
    fs::rename(place.path("aside"), tree.path(MODULE)).unwrap();
    fs::rename(tree.path(KEY), place.path("key")).unwrap();
    symlink(place.path("key"), tree.path(KEY)).unwrap();
    tree.fails(KEY, "is a link");
}

/// The module of yesterday with the manifest and the key of yesterday, at places that the pinned key's owner never
/// wrote.
#[test]
fn an_older_tree_that_links_lead_to_fails() {
    let place = Place::new();
    let (older, tree) = (Tree::bare(&place, "older"), Tree::bare(&place, "opt"));
    older.attest("make").passes();
    fs::write(tree.path(MODULE), "the newer bytes").unwrap();
    tree.attest("make").passes();
    let parts = ["etc", "lib", "share"];
    for part in parts {
        fs::rename(tree.path(part), tree.path("aside")).unwrap();
        symlink(older.path(part), tree.path(part)).unwrap();
        let faults = tree.attest("check").faults();
        let told = format!("{} is a link", tree.path(part).display());
        assert!(faults.iter().any(|fault| fault.contains(&told)), "{faults:?}");
        fs::remove_file(tree.path(part)).unwrap();
        fs::rename(tree.path("aside"), tree.path(part)).unwrap();
    }
    tree.attest("check").passes();
    for part in parts {
        fs::rename(tree.path(part), tree.path(&format!("{part}.x"))).unwrap();
        symlink(older.path(part), tree.path(part)).unwrap();
    }
    tree.attest("check").faults();
    // Nor does a manifest go where somebody's link leads.
    let pinned = fs::read(older.path(KEY)).unwrap();
    let refused = Command::new(tree.path("bin/strongroom")).args(["attest", "make"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert_eq!(fs::read(older.path(KEY)).unwrap(), pinned);
}

#[test]
fn libraries_are_known_by_the_place_they_are_in() {
    let place = Place::new();
    let tree = Tree::bare(&place, "opt");
    symlink("lib", tree.path("lib64")).unwrap();
    assert!(tree.attest("make").passes().iter().all(|name| !name.starts_with("lib64")));
    fs::remove_file(tree.path("lib64")).unwrap();
    fs::create_dir(place.path("outside")).unwrap();
    symlink(place.path("outside"), tree.path("lib64")).unwrap();
    tree.attest("check").passes();
    fs::write(place.path("outside/libstrongroom.so"), "of another version").unwrap();
    let outside = place.path("outside/libstrongroom.so");
    tree.fails(outside.to_str().unwrap(), "is not in the manifest");
    let refused = Command::new(tree.path("bin/strongroom")).args(["attest", "make"]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && told.contains("is reached over a link that leads out of"), "{told}");
}

#[test]
fn what_cannot_be_read_fails() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    set_mode(&tree.path(MODULE), 0);
    set_mode(&place.path(""), 0o755);
    let mut command = Command::new(tree.path("bin/strongroom"));
    command.args(["attest", "check", "--json"]);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let faults = verdict(&mut command).faults();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(MODULE) && faults[0].contains("cannot be read: Permission denied"), "{faults:?}");
    // Neither a file nor a link, and nobody writes to it: the check must not wait.
    fs::remove_file(tree.path(MODULE)).unwrap();
    assert!(Command::new("mkfifo").arg(tree.path(MODULE)).status().unwrap().success());
    tree.fails(MODULE, "cannot be read: it is not a file");
}

#[test]
fn what_came_later_fails() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    place_program(&tree.path("bin/key_mgmt_util"));
    tree.fails("bin/key_mgmt_util", "is not in the manifest");
    tree.attest("make").passes();
    fs::create_dir(tree.path("lib/x86_64-linux-gnu")).unwrap();
    fs::write(tree.path("lib/x86_64-linux-gnu/libstrongroom.so"), "another").unwrap();
    tree.fails("lib/x86_64-linux-gnu/libstrongroom.so", "is not in the manifest");
}

#[test]
fn a_program_answers_for_the_installation_it_is_in() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    // Beside the others under a name of its own, and alone elsewhere.
    place_program(&tree.path("bin/mine"));
    let faults = attest(&tree.path("bin/mine"), "check").faults();
    assert!(faults.len() == 1 && faults[0].contains("bin/mine is not in the manifest"), "{faults:?}");
    place_program(&place.path("strongroom"));
    let faults = attest(&place.path("strongroom"), "check").faults();
    assert!(faults.len() == 1 && faults[0].contains("there is no manifest at"), "{faults:?}");
    // A link to the program is the program.
    symlink(tree.path("bin/strongroom"), place.path("link")).unwrap();
    attest(&place.path("link"), "check").passes();
    // The name it is called by and the environment decide nothing.
    let mut command = Command::new(place.path("strongroom"));
    command.arg0(tree.path("bin/strongroom")).args(["attest", "check", "--json"]).current_dir(&tree.root);
    for name in ["STRONGROOM_DIR", "STRONGROOM_CONF", "STRONGROOM_ROOT", "PREFIX", "HOME", "PATH"] {
        command.env(name, &tree.root);
    }
    let faults = verdict(&mut command).faults();
    assert!(faults[0].contains("there is no manifest at"), "{faults:?}");
}

#[test]
fn a_tree_can_be_moved() {
    let place = Place::new();
    let tree = Tree::bare(&place, "stage/usr");
    tree.attest("make").passes();
    assert!(place.path("stage/etc/strongroom/attest-usr.pub").is_file());
    fs::rename(place.path("stage"), place.path("target")).unwrap();
    let moved = Tree { root: place.path("target/usr") };
    moved.attest("check").passes();
    fs::write(moved.path(MODULE), "the module's byteS").unwrap();
    moved.fails(MODULE, "was changed");
}

#[test]
fn a_build_tree_has_a_manifest_of_its_own() {
    let place = Place::new();
    fs::create_dir(place.path("release")).unwrap();
    let (program, module) = (place.path("release/strongroom"), place.path("release/libstrongroom.so"));
    place_program(&program);
    let refused = Command::new(&program).args(["attest", "make"]).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1) && told.contains("there is no libstrongroom.so in"), "{told}");
    fs::write(&module, "module").unwrap();
    assert_eq!(attest(&program, "make").passes(), ["libstrongroom.so", "strongroom"]);
    fs::write(&module, "rebuilt").unwrap();
    let faults = attest(&program, "check").faults();
    assert!(faults.len() == 1 && faults[0].contains("libstrongroom.so was changed"), "{faults:?}");
    attest(&program, "make").passes();
}

#[test]
fn a_manifest_can_be_read_whatever_the_umask_and_leaves_no_private_key() {
    let place = Place::new();
    let tree = Tree::bare(&place, "opt");
    let script = "umask 077; exec \"$0\" attest make";
    let made = Command::new("sh").arg("-c").arg(script).arg(tree.path("bin/strongroom")).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    for (name, files) in [(MANIFEST, 2), (CERTIFICATE, 2), (KEY, 1)] {
        assert_eq!(fs::metadata(tree.path(name)).unwrap().mode() & 0o777, 0o644, "{name}");
        let directory = tree.path(name).parent().unwrap().to_owned();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o755);
        assert_eq!(fs::read_dir(directory).unwrap().count(), files, "beside {name}");
    }
    // A key is used once.
    let first = fs::read(tree.path(KEY)).unwrap();
    tree.attest("make").passes();
    assert_ne!(fs::read(tree.path(KEY)).unwrap(), first);
}

/// What docs/attestation.md says about the certificate, with the commands it gives.
#[test]
fn others_check_the_manifest_under_the_certificate() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    fs::copy(tree.path(MANIFEST), place.path("manifest")).unwrap();
    fs::copy(tree.path(CERTIFICATE), place.path("attest.crt")).unwrap();
    let shell = |line: &str| Command::new("sh").args(["-c", line]).current_dir(place.path("")).output().unwrap();
    let says = |line: &str| {
        let output = shell(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let key = "openssl x509 -in attest.crt -noout -pubkey | openssl pkey -pubin -outform DER | tail -c 32";
    let pinned = fs::read_to_string(tree.path(KEY)).unwrap();
    assert!(pinned.ends_with(&format!("\t{}", says(&format!("{key} | base64")))), "{pinned}");
    let hash = says(&format!("{key} | sha256sum"));
    let name = format!("CN = Strongroom installation {}\n", &hash[..16]);
    assert_eq!(says("openssl x509 -in attest.crt -noout -subject"), format!("subject={name}"));
    assert_eq!(says("openssl x509 -in attest.crt -noout -issuer"), format!("issuer={name}"));
    assert_eq!(says("openssl verify -x509_strict -check_ss_sig -CAfile attest.crt attest.crt"), "attest.crt: OK\n");
    let text = says("openssl x509 -in attest.crt -noout -text");
    for words in [
        "Version: 3 (0x2)",
        "Not After : Dec 31 23:59:59 9999 GMT",
        "X509v3 Basic Constraints: critical\n                CA:FALSE\n",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
    ] {
        assert!(text.contains(words), "{words:?}: {text}");
    }

    let parts = "head -n -1 manifest > signed; tail -n 1 manifest | cut -f 2 | base64 -d > signature
        openssl x509 -in attest.crt -noout -pubkey > key.pem";
    let verify = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile signature";
    says(parts);
    assert_eq!(says(verify), "Signature Verified Successfully\n");
    let mut signed = fs::read(place.path("signed")).unwrap();
    signed[40] ^= 1;
    fs::write(place.path("signed"), signed).unwrap();
    assert!(!shell(verify).status.success());
}

#[test]
fn a_missing_or_changed_certificate_fails() {
    let place = Place::new();
    let tree = Tree::installed(&place);
    let text = fs::read(tree.path(CERTIFICATE)).unwrap();
    let write = |text: &[u8]| fs::write(tree.path(CERTIFICATE), text).unwrap();
    // In the last line of digits is the signature.
    let mut changed = text.clone();
    let place_of_digit = text.len() - "\n-----END CERTIFICATE-----\n".len() - 20;
    changed[place_of_digit] = if changed[place_of_digit] == b'A' { b'B' } else { b'A' };
    write(&changed);
    tree.fails(CERTIFICATE, "was changed, or not signed with the key in");
    write(&[&text[..], b"\n"].concat());
    tree.fails(CERTIFICATE, "is not as strongroom attest make writes it");
    write(b"");
    tree.fails(CERTIFICATE, "is not as");
    fs::remove_file(tree.path(CERTIFICATE)).unwrap();
    tree.fails(CERTIFICATE, "there is no certificate at");
    write(&text);
    tree.attest("check").passes();
}

#[test]
fn make_installs_nothing_that_the_check_does_not_know() {
    let makefile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Makefile")).unwrap();
    let value = |name: &str| makefile.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
    for program in value("PROGRAMS").split_whitespace() {
        assert!(PROGRAMS.contains(&program), "{program}");
    }
    assert!(MODULES.contains(&value("MODULE")) && MODULES.contains(&value("MODULE_ABI")));
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_strongroom");
const MODULE: &str = "lib/libstrongroom.so.0";
const MANIFEST: &str = "share/strongroom/manifest";
const CERTIFICATE: &str = "share/strongroom/attest.crt";
const KEY: &str = "etc/strongroom/attest.pub";
const NOBODY: u32 = 65534;
