//! What the module shows to and wants from the process it is loaded into, read from the file itself.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::harness::{Place, repository, succeed, tool};

#[test]
fn only_the_interface_is_exported() {
    let place = Place::new("symbols-exported");
    let exported: BTreeSet<String> = symbols(&place, "--defined-only").into_iter().map(|symbol| symbol.name).collect();
    let mut declared = declared_functions("pkcs11.h", "C_");
    assert_eq!(declared.len(), 104, "the functions of PKCS#11 3.2");
    let own = declared_functions("strongroom.h", "SR_");
    assert!(own.len() > 10, "{own:?}");
    declared.extend(own);
    let foreign: Vec<_> = exported.difference(&declared).collect();
    let missing: Vec<_> = declared.difference(&exported).collect();
    assert!(foreign.is_empty() && missing.is_empty(), "exported too much: {foreign:?}; missing: {missing:?}");
}

#[test]
fn only_the_system_libraries_are_needed() {
    let place = Place::new("symbols-needed");
    for symbol in symbols(&place, "--undefined-only") {
        // A versioned symbol comes from the library that made the version. Weak ones may stay empty.
        let of_the_system = symbol.version.starts_with("GLIBC_") || symbol.version.starts_with("GCC_");
        let of_the_loader = ["_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__gmon_start__"]
            .contains(&symbol.name.as_str());
        assert!(of_the_system || of_the_loader, "the module wants {} of its host", symbol.name);
    }
    for line in dynamic_section(&place).lines().filter(|line| line.contains("(NEEDED)")) {
        let name = line.split(['[', ']']).nth(1).unwrap_or_default();
        let known = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2"];
        assert!(known.contains(&name) || name.starts_with("ld-linux"), "the module needs {name}");
    }
}

#[test]
fn module_has_its_name_and_stays_loaded() {
    let place = Place::new("symbols-soname");
    let section = dynamic_section(&place);
    assert!(section.contains("soname: [libstrongroom.so.0]"), "{section}");
    assert!(section.lines().any(|line| line.contains("FLAGS_1") && line.contains("NODELETE")), "{section}");
}

/// A host that exports `C_Initialize` itself, or loads another module globally, must not get between our function lists
/// and our functions.
#[test]
fn function_lists_point_into_the_module() {
    let place = Place::new("symbols-bound");
    let relocations = succeed(Command::new(tool("readelf")).arg("-rW").arg(&place.module));
    let preemptible: Vec<_> = relocations
        .lines()
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("C_") || word.starts_with("SR_"))
        .collect();
    assert!(preemptible.is_empty(), "bound at load time, to whoever has the name: {preemptible:?}");
}

#[test]
fn memory_is_not_both_writable_and_executable() {
    let place = Place::new("symbols-stack");
    let headers = succeed(Command::new(tool("readelf")).arg("-lW").arg(&place.module));
    let stack = headers.lines().find(|line| line.contains("GNU_STACK")).expect("a GNU_STACK header");
    assert!(!stack.contains("RWE"), "{stack}");
    assert!(headers.contains("GNU_RELRO"), "{headers}");
    assert!(headers.lines().all(|line| !(line.contains("LOAD") && line.contains("RWE"))), "{headers}");
}

struct Symbol {
    name: String,
    version: String,
}

fn symbols(place: &Place, which: &str) -> Vec<Symbol> {
    succeed(Command::new(tool("nm")).args(["-D", which]).arg(&place.module))
        .lines()
        .filter_map(|line| line.split_whitespace().next_back())
        .map(|symbol| {
            let (name, version) = symbol.split_once('@').unwrap_or((symbol, ""));
            Symbol { name: name.into(), version: version.trim_start_matches('@').into() }
        })
        .collect()
}

fn dynamic_section(place: &Place) -> String {
    succeed(Command::new(tool("readelf")).arg("-dW").arg(&place.module))
}

fn declared_functions(header: &str, prefix: &str) -> BTreeSet<String> {
    let header = fs::read_to_string(repository().join("include/strongroom").join(header)).expect("read the header");
    header
        .lines()
        .filter_map(|line| line.strip_prefix("CK_RV ")?.split('(').next())
        .filter(|name| name.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}
