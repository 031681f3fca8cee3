//! The C header against the bindings the module is compiled with: every constant, every structure's size and every
//! member's offset, as a C compiler sees them; and that it compiles alone, in every dialect, without a warning.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn header_is_what_the_generator_writes() {
    let script = repository().join("include/generate.py");
    let written = succeed(Command::new("python3").arg(script).arg(bindings_file()));
    let checked_in = fs::read_to_string(repository().join("include/strongroom/pkcs11.h")).unwrap();
    assert!(written == checked_in, "run include/generate.py and check the result in");
}

#[test]
fn constants_have_the_values_of_the_bindings() {
    let constants = constants();
    assert!(constants.len() > 1000, "{} constants found in the bindings", constants.len());
    let mut program = String::from(PROGRAM_START);
    for name in constants.keys() {
        writeln!(program, "    printf(\"{name} %lu\\n\", (unsigned long)({name}));").unwrap();
    }
    program.push_str(PROGRAM_END);
    assert_same(&constants, &printed("constants", &program));
}

#[test]
fn structures_have_the_layout_of_the_bindings() {
    let layout = layout();
    assert!(layout.len() > 700, "{} sizes and offsets found in the bindings", layout.len());
    let mut program = String::from(PROGRAM_START);
    for name in layout.keys() {
        let value = match name.split_once('.') {
            Some((structure, member)) => format!("offsetof({structure}, {member})"),
            None => format!("sizeof({name})"),
        };
        writeln!(program, "    printf(\"{name} %lu\\n\", (unsigned long){value});").unwrap();
    }
    program.push_str(PROGRAM_END);
    assert_same(&layout, &printed("layout", &program));
}

#[test]
fn headers_compile_alone_in_every_dialect() {
    for header in ["pkcs11.h", "strongroom.h"] {
        // Twice: the include guards hold.
        let program = format!("#include <strongroom/{header}>\n#include <strongroom/{header}>\nint unused;\n");
        for (compiler, standard, language) in [
            ("cc", "-std=c89", "c"),
            ("cc", "-std=c99", "c"),
            ("cc", "-std=c17", "c"),
            ("g++", "-std=c++98", "c++"),
            ("g++", "-std=c++11", "c++"),
            ("g++", "-std=c++20", "c++"),
        ] {
            let source = source_file(&format!("alone-{header}-{standard}"), &program);
            let mut command = Command::new(compiler);
            command.args([standard, "-x", language, "-fsyntax-only"]).args(WARNINGS).args(include_path());
            succeed(command.arg(source));
        }
    }
}

#[test]
fn programs_that_define_the_usual_macros_compile_too() {
    let program = "#define CK_PTR *\n#define NULL_PTR 0\n\
        #define CK_DECLARE_FUNCTION(returnType, name) returnType name\n\
        #define CK_DECLARE_FUNCTION_POINTER(returnType, name) returnType (* name)\n\
        #define CK_CALLBACK_FUNCTION(returnType, name) returnType (* name)\n\
        #include <strongroom/pkcs11.h>\n\
        typedef CK_CALLBACK_FUNCTION(CK_RV, my_notify)(CK_SESSION_HANDLE, CK_NOTIFICATION, CK_VOID_PTR);\n\
        CK_NOTIFY taken(my_notify given);\n\
        CK_NOTIFY taken(my_notify given) { return given; }\n";
    let source = source_file("macros", program);
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-x", "c", "-fsyntax-only"]).args(WARNINGS).args(include_path());
    succeed(command.arg(source));
}

#[test]
fn version_is_the_one_of_the_package() {
    let header = fs::read_to_string(repository().join("include/strongroom/strongroom.h")).unwrap();
    let expected = [
        format!("#define STRONGROOM_VERSION_MAJOR {}\n", env!("CARGO_PKG_VERSION_MAJOR")),
        format!("#define STRONGROOM_VERSION_MINOR {}\n", env!("CARGO_PKG_VERSION_MINOR")),
        format!("#define STRONGROOM_VERSION_PATCH {}\n", env!("CARGO_PKG_VERSION_PATCH")),
        format!("#define STRONGROOM_VERSION \"{}\"\n", env!("CARGO_PKG_VERSION")),
    ];
    for line in expected {
        assert!(header.contains(&line), "strongroom.h lacks {line}");
    }
}

/// Names and values that the bindings declare.
fn constants() -> BTreeMap<String, u64> {
    bindings()
        .split(';')
        .filter_map(|item| item.trim().strip_prefix("pub const "))
        .filter_map(|item| item.split_once(": "))
        .filter_map(|(name, rest)| Some((name.to_owned(), rest.split_once(" = ")?.1.trim().parse().ok()?)))
        .collect()
}

/// `STRUCTURE` -> size and `STRUCTURE.member` -> offset, from the assertions in the bindings, which rustc has checked.
fn layout() -> BTreeMap<String, u64> {
    let text = bindings();
    let mut layout = BTreeMap::new();
    for assertion in text.split("[\"").skip(1) {
        let Some((what, rest)) = assertion.split_once("\"]") else {
            continue;
        };
        let Some(value) = rest.split_once("usize]").and_then(|(before, _)| before.rsplit_once("- ")) else {
            continue;
        };
        let name = if let Some(structure) = what.strip_prefix("Size of ") {
            structure.to_owned()
        } else if let Some(member) = what.strip_prefix("Offset of field: ") {
            // Rust reserves `type`; the standard's member has that name.
            member.replace("::type_", "::type").replace("::", ".")
        } else {
            continue;
        };
        if name.starts_with("CK_") {
            layout.insert(name, value.1.trim().parse().unwrap());
        }
    }
    layout
}

fn assert_same(expected: &BTreeMap<String, u64>, printed: &BTreeMap<String, u64>) {
    let wrong: Vec<_> = expected.iter().filter(|(name, value)| printed.get(*name) != Some(value)).collect();
    assert!(wrong.is_empty(), "the header differs from the bindings: {wrong:?}");
    assert_eq!(expected.len(), printed.len());
}

/// Compiles and runs a C program that prints `name value` lines.
fn printed(name: &str, program: &str) -> BTreeMap<String, u64> {
    let source = source_file(name, program);
    let binary = source.with_extension("program");
    let mut command = Command::new("cc");
    command.args(["-std=c99", "-x", "c"]).args(WARNINGS).args(include_path()).arg("-o").arg(&binary);
    succeed(command.arg(source));
    succeed(&mut Command::new(binary))
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

fn source_file(name: &str, program: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("header-{name}.source"));
    fs::write(&path, program).unwrap();
    path
}

fn include_path() -> [PathBuf; 2] {
    [PathBuf::from("-I"), repository().join("include")]
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn bindings() -> String {
    fs::read_to_string(bindings_file()).unwrap()
}

/// The file of the cryptoki-sys crate that this build used.
fn bindings_file() -> PathBuf {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--filter-platform", &target]).current_dir(repository());
    let metadata: serde_json::Value = serde_json::from_str(&succeed(&mut cargo)).unwrap();
    let manifest = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .find(|package| package["name"] == "cryptoki-sys")
        .and_then(|package| package["manifest_path"].as_str())
        .expect("cryptoki-sys is a dependency");
    Path::new(manifest).with_file_name("src").join("bindings").join(target + ".rs")
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];
const PROGRAM_START: &str =
    "#include <strongroom/pkcs11.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n";
const PROGRAM_END: &str = "    return 0;\n}\n";
