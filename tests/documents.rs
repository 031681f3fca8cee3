//! The documents, checked against the tree: what they link to, name and list is there.

use std::fs;
use std::path::{Path, PathBuf};

use cryptoki_sys::*;
use strongroom_core::mechanism::{CATALOGUE, Grade, Mechanism};

#[test]
fn relative_links_resolve() {
    let mut links = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for target in prose(&text).flat_map(targets) {
            if target.contains("://") || target.starts_with('#') || target.starts_with("mailto:") {
                continue;
            }
            let path = target.split('#').next().unwrap_or_default();
            let place = document.parent().unwrap().join(path);
            assert!(place.exists(), "{} links to {target}", name(&document));
            links += 1;
        }
    }
    assert!(links > 20, "only {links} links were found");
}

/// Paths of the machine a document was written on mean nothing to its reader.
#[test]
fn no_line_names_a_machine_path() {
    let places = [env!("CARGO_MANIFEST_DIR"), "/root/", "/home/"];
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let found = places.iter().find(|place| line.contains(**place));
            assert_eq!(found, None, "{}:{number}: {line}", name(&document));
        }
    }
}

/// Prose has at most 120 columns, in documents and in comments; tables and output have what they have.
#[test]
fn prose_keeps_to_its_width() {
    let folders = ["src", "core", "crypto", "tools", "bench", "fuzz/src", "fuzz/fuzz_targets", "tests"];
    let is_long = |line: &str| line.chars().count() > 120;
    for source in folders.iter().flat_map(|folder| files(root().join(folder), "rs")) {
        let text = fs::read_to_string(&source).unwrap();
        let comments = (1..).zip(text.lines()).filter(|(_, line)| line.trim_start().starts_with("//"));
        for (number, line) in comments.filter(|(_, line)| !line.contains('|')) {
            assert!(!is_long(line), "{}:{number}: {line}", name(&source));
        }
    }
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for line in prose(&text).filter(|line| !line.trim_start().starts_with('|')) {
            assert!(!is_long(line), "{}: {line}", name(&document));
        }
    }
}

/// A test is named as `file::function`, in code marks.
#[test]
fn tests_named_in_the_specification_exist() {
    let text = fs::read_to_string(root().join("SPECIFICATION.md")).unwrap();
    let mut named = 0;
    for (file, function) in code_words(&text).filter_map(|word| word.split_once("::")) {
        if !file.ends_with(".rs") {
            continue;
        }
        let source = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("fn {function}(")), "{file} has no {function}");
        named += 1;
    }
    assert!(named > 50, "only {named} tests were found");
}

/// A row of a table of promises says what holds it, or that nothing does.
#[test]
fn every_promise_is_held_or_pending() {
    let text = fs::read_to_string(root().join("SPECIFICATION.md")).unwrap();
    let rows =
        text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise") && !line.contains("---"));
    for row in rows {
        let held = row.rsplit('|').nth(1).unwrap_or_default();
        assert!(held.contains("::") || held.contains("`bench") || held.contains("**[pending]**"), "{row}");
    }
}

/// Every attack in the page on policies has its test, and no test of an attack is left out.
#[test]
fn attacks_have_their_tests() {
    let page = fs::read_to_string(root().join("docs/policies.md")).unwrap();
    let mut files: Vec<_> = fs::read_dir(root().join("core/tests/strict")).unwrap().map(|file| file.unwrap()).collect();
    files.sort_by_key(|file| file.file_name());
    let mut tests = Vec::new();
    for file in files {
        let text = fs::read_to_string(file.path()).unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("fn a")?.strip_suffix("() {"));
        let own = names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit()));
        tests.extend(own.map(|name| format!("{}::a{name}", file.file_name().display())));
    }
    for number in 1..=23 {
        let row = page.lines().find(|line| line.starts_with(&format!("| A{number} |"))).unwrap();
        let start = format!("::a{number}_");
        assert!(tests.iter().any(|test| test.contains(&start) && row.contains(&format!("`{test}`"))), "{row}");
    }
    let named: Vec<&str> = page.split('`').filter(|word| word.contains(".rs::a")).collect();
    assert!(named.iter().all(|name| tests.iter().any(|test| test == name)), "{named:?}");
}

#[test]
fn the_mechanisms_page_is_the_catalogue() {
    let text = fs::read_to_string(root().join("docs/mechanisms.md")).unwrap();
    let mut rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| CKM_"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    // The page has a table for each family, the catalogue one for all; numbers have as many digits.
    rows.sort_by_key(|row| row[1]);
    let listed: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    let known: Vec<&str> = CATALOGUE.iter().map(|mechanism| mechanism.name).collect();
    assert_eq!(listed, known, "strongroom mechanisms --markdown writes the page");
    for (row, mechanism) in rows.iter().zip(CATALOGUE) {
        let number = row[1].strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        assert_eq!(number, Some(mechanism.id), "{mechanism}");
        assert_eq!(sizes(row[2]), (mechanism.min_key, mechanism.max_key), "{mechanism}");
        assert_eq!(row[3], functions(mechanism), "{mechanism}");
        let grade = match mechanism.grade {
            Grade::Approved => "approved",
            Grade::Sound => "sound",
            Grade::Legacy => "legacy",
        };
        assert_eq!(row[4], grade, "{mechanism}");
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("[{} mechanisms]", CATALOGUE.len())), "README.md counts the mechanisms");
}

/// Every direct dependency of the product's crates has its line.
#[test]
fn dependencies_are_explained() {
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    for manifest in ["Cargo.toml", "core/Cargo.toml", "crypto/Cargo.toml", "tools/Cargo.toml", "bench/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
                continue;
            }
            let Some((key, _)) = line.split_once('=') else { continue };
            let name = key.trim().trim_end_matches(".workspace");
            let relevant = matches!(section, "[dependencies]" | "[dev-dependencies]");
            if relevant && !name.starts_with('#') && !name.starts_with("strongroom-") {
                assert!(page.contains(&format!("| `{name}` |")), "{manifest}: {name} is not in docs/dependencies.md");
            }
        }
    }
}

/// Flag bits are written to every token: the page must have them as the code does.
#[test]
fn the_store_format_has_the_flag_bits() {
    use strongroom_core::attribute::{AttributeType, Flags, ValueKind};
    let page = fs::read_to_string(root().join("docs/store-format.md")).unwrap();
    let cells: Vec<&str> =
        page.lines().filter(|line| line.starts_with('|')).flat_map(|line| line.split('|').map(str::trim)).collect();
    let mut bits = 0;
    for pair in cells.windows(2) {
        let ([bit, attribute], true) = (pair, pair[1].starts_with("CKA_")) else { continue };
        let Ok(bit) = bit.parse::<u32>() else { continue };
        let found = (0..=u64::from(u16::MAX)).map(AttributeType).find(|known| known.name() == Some(attribute));
        let Some(ValueKind::Flag(flag)) = found.and_then(AttributeType::kind) else { panic!("{attribute} is no flag") };
        assert_eq!(Flags::of(&[flag]).0, 1 << bit, "{attribute}");
        bits += 1;
    }
    assert_eq!(bits, 24);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every document of the product: at the root, and below docs.
fn documents() -> Vec<PathBuf> {
    let at_the_root = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut found = files(root().join("docs"), "md");
    found.extend(at_the_root.filter(|path| path.extension().is_some_and(|own| own == "md")));
    assert!(found.len() > 10, "{found:?}");
    found
}

/// The files below a folder whose names end like this.
fn files(folder: PathBuf, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut places = vec![folder];
    while let Some(place) = places.pop() {
        for entry in fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                places.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
    }
    found
}

fn name(document: &Path) -> String {
    document.strip_prefix(root()).unwrap_or(document).display().to_string()
}

/// The lines outside of code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// What a line's links point to.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What stands between code marks.
fn code_words(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// `16-32 bytes`, `256 bits`, `-`.
fn sizes(cell: &str) -> (u64, u64) {
    let digits = cell.split(' ').next().unwrap_or_default();
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("no size: {cell}"));
    match digits.split_once('-') {
        Some(("", "")) => (0, 0),
        Some((min, max)) => (number(min), number(max)),
        None => (number(digits), number(digits)),
    }
}

fn functions(mechanism: &Mechanism) -> String {
    let names = [
        (CKF_ENCRYPT, "encrypt"),
        (CKF_DECRYPT, "decrypt"),
        (CKF_DIGEST, "digest"),
        (CKF_SIGN, "sign"),
        (CKF_VERIFY, "verify"),
        (CKF_GENERATE, "generate"),
        (CKF_GENERATE_KEY_PAIR, "generate pair"),
        (CKF_WRAP, "wrap"),
        (CKF_UNWRAP, "unwrap"),
        (CKF_DERIVE, "derive"),
        (CKF_SIGN_RECOVER, "sign recover"),
        (CKF_VERIFY_RECOVER, "verify recover"),
        (CKF_ENCAPSULATE, "encapsulate"),
        (CKF_DECAPSULATE, "decapsulate"),
        (CKF_MESSAGE_ENCRYPT, "message encrypt"),
        (CKF_MESSAGE_DECRYPT, "message decrypt"),
        (CKF_MESSAGE_SIGN, "message sign"),
        (CKF_MESSAGE_VERIFY, "message verify"),
        (CKF_MULTI_MESSAGE, "multi-part messages"),
    ];
    let done: Vec<&str> = names.iter().filter(|(flag, _)| mechanism.does(*flag)).map(|(_, name)| *name).collect();
    done.join(", ")
}
