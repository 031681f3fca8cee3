//! `make install` into an empty tree, and C and C++ programs built against that tree with pkg-config.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Place, build_directory, repository, succeed, tool};
use crate::page::Page;
use crate::programs::{Language, compiler, silent, sources};

#[test]
fn programs_link_against_the_installed_module() {
    let place = Place::new("install-link");
    let tree = install(&place);
    for language in [Language::C, Language::Cpp] {
        for source in ["walk.c", "interfaces.c"] {
            let run_place = Place::new("install-run");
            let program = link(&run_place, &tree, source, language);
            let mut command = run_place.command(program);
            command.env("LD_LIBRARY_PATH", tree.join("usr/lib")).env_remove("STRONGROOM_MODULE");
            silent(&mut command);
        }
    }
}

/// `docs/clients/c.md`.
#[test]
fn page_works() {
    let page = Page::read("c");
    let place = Place::new("c");
    if place.is_peer() {
        // The page's program links against our name and prints it.
        return;
    }
    let tree = install(&place);
    let mut shell = page.shell(&place);
    shell.env("LD_LIBRARY_PATH", tree.join("usr/lib")).env_remove("STRONGROOM_MODULE");
    for (name, value) in pkg_config(&tree).get_envs() {
        shell.env(name, value.unwrap());
    }
    succeed(&mut shell);
}

#[test]
fn everything_is_where_users_of_a_c_library_look() {
    let place = Place::new("install-tree");
    let tree = install(&place);
    for file in INSTALLED {
        assert!(tree.join(file).is_file(), "{file} is missing");
    }
    for link in ["usr/lib/libstrongroom.so", "usr/lib/pkcs11/libstrongroom.so"] {
        let target = fs::read_link(tree.join(link)).unwrap();
        assert!(target.ends_with("libstrongroom.so.0") && target.is_relative(), "{link} -> {}", target.display());
    }
    let version = succeed(pkg_config(&tree).args(["--modversion", "strongroom"]));
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
    let module = succeed(pkg_config(&tree).args(["--variable=p11_module_path", "strongroom"]));
    assert!(module.trim().ends_with("/usr/lib/pkcs11/libstrongroom.so"), "{module}");
    let registration = fs::read_to_string(tree.join("usr/share/p11-kit/modules/strongroom.module")).unwrap();
    assert!(registration.contains("module: /usr/lib/pkcs11/libstrongroom.so\n"), "{registration}");
    for page in MAN_PAGES {
        let mut man = place.command(tool("man"));
        man.args(["--warnings", "-l"]).arg(tree.join("usr/share/man").join(page));
        assert!(succeed(&mut man).contains("NAME"), "{page}");
    }
}

/// The tree can be packed and unpacked elsewhere; a byte that changes on the way is found.
#[test]
fn an_installation_attests_to_itself() {
    let place = Place::new("install-attest");
    let (tree, target) = (install(&place), place.file("target"));
    fs::rename(&tree, &target).unwrap();
    let check = || place.command(target.join("usr/bin/strongroom")).args(["attest", "check"]).output().unwrap();
    let passed = check();
    let told = String::from_utf8(passed.stdout).unwrap();
    assert!(passed.status.success() && told.starts_with("PASS: 7 files of "), "{told}");
    let module = target.join("usr/lib/libstrongroom.so.0");
    let mut bytes = fs::read(&module).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&module, bytes).unwrap();
    let failed = check();
    let told = String::from_utf8(failed.stdout).unwrap();
    let expected = format!("FAIL: {} was changed", module.display());
    assert!(failed.status.code() == Some(1) && told.starts_with(&expected), "{told}");
}

/// Where the Makefile removes the manifest, the certificate and the key from is where the program puts them.
#[test]
fn nothing_is_left_of_an_installation_at_any_prefix() {
    for prefix in ["/usr", "/usr/local", "/opt/strongroom"] {
        let place = Place::new("install-prefix");
        let tree = place.file("tree");
        let arguments = [format!("PREFIX={prefix}"), format!("P11_KIT_MODULES={prefix}/p11")];
        succeed(installation(&place, &tree).args(&arguments));
        succeed(make(&place, &tree).arg("uninstall").args(&arguments));
        let left = succeed(place.command(tool("find")).arg(&tree).args(["!", "-type", "d"]));
        assert_eq!(left, "", "{prefix}");
    }
}

#[test]
fn uninstall_takes_away_what_install_brought() {
    let place = Place::new("install-uninstall");
    let tree = install(&place);
    succeed(make(&place, &tree).arg("uninstall"));
    for file in INSTALLED.iter().chain(&["usr/lib/libstrongroom.so", "usr/lib/pkcs11/libstrongroom.so"]) {
        assert!(fs::symlink_metadata(tree.join(file)).is_err(), "{file} is still there");
    }
}

const MAN_PAGES: &[&str] = &[
    "man1/strongroom.1",
    "man1/key_mgmt_util.1",
    "man1/cloudhsm_mgmt_util.1",
    "man1/cloudhsm-cli.1",
    "man5/strongroom.toml.5",
    "man7/libstrongroom.7",
];

const INSTALLED: &[&str] = &[
    "usr/lib/libstrongroom.so.0",
    "usr/bin/strongroom",
    "usr/bin/key_mgmt_util",
    "usr/bin/cloudhsm_mgmt_util",
    "usr/bin/cloudhsm-cli",
    "usr/include/strongroom/pkcs11.h",
    "usr/include/strongroom/strongroom.h",
    "usr/lib/pkgconfig/strongroom.pc",
    "usr/share/p11-kit/modules/strongroom.module",
    "usr/share/man/man1/strongroom.1",
    "usr/share/man/man1/key_mgmt_util.1",
    "usr/share/man/man1/cloudhsm_mgmt_util.1",
    "usr/share/man/man1/cloudhsm-cli.1",
    "usr/share/man/man5/strongroom.toml.5",
    "usr/share/man/man7/libstrongroom.7",
    "usr/share/strongroom/manifest",
    "usr/share/strongroom/attest.crt",
    "etc/strongroom/attest-usr.pub",
];

/// Installs the module under test, with the programs built beside it, and returns the tree.
fn install(place: &Place) -> PathBuf {
    let tree = place.file("tree");
    succeed(&mut installation(place, &tree));
    tree
}

/// `make install` into a tree.
fn installation(place: &Place, tree: &Path) -> Command {
    let products = place.file("products");
    fs::create_dir_all(&products).unwrap();
    fs::copy(&place.module, products.join("libstrongroom.so")).unwrap();
    for program in ["strongroom", "key_mgmt_util", "cloudhsm_mgmt_util", "cloudhsm-cli"] {
        fs::copy(built(program), products.join(program)).unwrap();
    }
    let mut command = make(place, tree);
    command.arg("install").arg(format!("PRODUCTS={}", products.display()));
    command
}

fn make(place: &Place, tree: &Path) -> Command {
    let mut command = place.command(tool("make"));
    command.arg("-C").arg(repository()).arg("PREFIX=/usr").arg(format!("DESTDIR={}", tree.display()));
    command
}

/// The `strongroom` program of this build; cargo builds it here when only tests were asked for.
pub(crate) fn program_file() -> PathBuf {
    built("strongroom")
}

/// A program beside the module under test; it is built where it is not there.
fn built(name: &str) -> PathBuf {
    let program = build_directory().join(name);
    if !program.is_file() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace"]).current_dir(repository());
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        succeed(&mut cargo);
    }
    program
}

/// pkg-config for a tree that is not at the root of the file system.
fn pkg_config(tree: &Path) -> Command {
    let mut command = Command::new(tool("pkg-config"));
    command
        .env("PKG_CONFIG_LIBDIR", tree.join("usr/lib/pkgconfig"))
        .env("PKG_CONFIG_SYSROOT_DIR", tree)
        // Without these it leaves out /usr/include and /usr/lib, which a compiler knows but this tree is not.
        .env("PKG_CONFIG_ALLOW_SYSTEM_CFLAGS", "1")
        .env("PKG_CONFIG_ALLOW_SYSTEM_LIBS", "1");
    command
}

fn link(place: &Place, tree: &Path, source: &str, language: Language) -> PathBuf {
    let program = place.file("program");
    let flags = succeed(pkg_config(tree).args(["--cflags", "--libs", "strongroom"]));
    let mut command = compiler(language);
    command.arg("-DLINKED").arg("-o").arg(&program).arg(sources().join(source));
    succeed(command.args(flags.split_whitespace()));
    program
}
