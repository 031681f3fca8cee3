//! The C headers against the definitions the module is compiled with: every constant, every structure's size and every
//! member's offset, as a C compiler sees them; and that they compile alone, in every dialect, without a warning.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom::*;
use strongroom_core::attribute::*;

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
    let header = vendor_header();
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

#[test]
fn vendor_definitions_are_those_of_the_module() {
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    macro_rules! constants {
        ($($name:ident)*) => { $(expected.insert(stringify!($name).to_owned(), $name as u64);)* };
    }
    macro_rules! structures {
        ($($structure:ident { $($member:ident)* })*) => {$(
            expected.insert(concat!("sizeof(", stringify!($structure), ")").to_owned(), size_of::<$structure>() as u64);
            $(expected.insert(
                concat!("offsetof(", stringify!($structure), ", ", stringify!($member), ")").to_owned(),
                offset_of!($structure, $member) as u64,
            );)*
        )*};
    }
    constants! {
        CKA_SR_OWNER CKA_SR_SHARED_WITH CKA_SR_USE_APPROVALS CKA_SR_MANAGEMENT_APPROVALS
        SR_ROLE_OFFICER SR_ROLE_USER SR_ROLE_UNACTIVATED SR_ROLE_APPLIANCE
        SR_USER_LOCKED SR_USER_ESCROWED SR_USER_APPROVER
        SR_SERVICE_USER_MANAGEMENT SR_SERVICE_OFFICERS SR_SERVICE_USE_KEY SR_SERVICE_MANAGE_KEY
        SR_USER_NAME_BYTES SR_QUORUM_FILE_BYTES
    }
    structures! {
        SR_USER_INFO { userID role flags ulAttemptsLeft name }
        SR_QUORUM_TOKEN_INFO { tokenID service hKey requesterID ulNeeded ulGiven ulSecondsLeft file }
        SR_FUNCTION_LIST {
            version SR_ListUsers SR_CreateUser SR_DeleteUser SR_SetUserPIN SR_UnlockUser SR_ShareKey SR_UnshareKey
            SR_SetTrusted SR_RegisterApprover SR_RequestApproval SR_Approve SR_ListQuorumTokens SR_DeleteQuorumToken
            SR_GetQuorumValue SR_SetQuorumValue SR_GetLastErrorText
        }
    }
    let mut program = String::from("#include <strongroom/strongroom.h>\n");
    program.push_str(PROGRAM_START);
    for what in expected.keys() {
        let name = what.replace(' ', "");
        writeln!(program, "    printf(\"{name} %lu\\n\", (unsigned long)({what}));").unwrap();
    }
    program.push_str(PROGRAM_END);
    let expected = expected.into_iter().map(|(what, value)| (what.replace(' ', ""), value)).collect();
    assert_same(&expected, &printed("vendor", &program));
    let header = vendor_header();
    let declared = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split(' ').next());
    let declared = declared.filter(|name| name.starts_with("CKA_SR_") || name.starts_with("SR_"));
    for name in declared.filter(|name| *name != "SR_INTERFACE_NAME") {
        assert!(expected.contains_key(name), "{name} is not compared");
    }
}

/// Each function's parameters, from the source that exports it, in C.
#[test]
fn vendor_functions_are_those_of_the_module() {
    let source = fs::read_to_string(repository().join("src/vendor/exports.rs")).unwrap();
    let header = vendor_header().split_whitespace().collect::<Vec<_>>().join(" ");
    let mut functions = 0;
    for function in source.split("    fn SR_").skip(1) {
        let (name, rest) = function.split_once('(').unwrap();
        let (parameters, _) = rest.split_once(')').unwrap();
        let types: Vec<String> = parameters
            .split(',')
            .filter_map(|parameter| Some(parameter.split_once(": ")?.1.trim()))
            .map(|rust| rust.strip_prefix("*mut ").map_or(rust.to_owned(), |target| format!("{target}_PTR")))
            .collect();
        for declaration in [format!("CK_RV SR_{name}("), format!("typedef CK_RV (*CK_SR_{name})(")] {
            let declared = header.split(&*declaration).nth(1).unwrap_or_else(|| panic!("no {declaration}"));
            let (declared, _) = declared.split_once(");").unwrap();
            let declared: Vec<_> = declared.split(", ").filter_map(|parameter| parameter.split(' ').next()).collect();
            assert_eq!(declared, types, "{declaration}");
        }
        assert!(header.contains(&format!(" CK_SR_{name} SR_{name};")), "{name} is not in the list");
        functions += 1;
    }
    assert_eq!(size_of::<SR_FUNCTION_LIST>() / size_of::<usize>() - 1, functions);
}

fn vendor_header() -> String {
    fs::read_to_string(repository().join("include/strongroom/strongroom.h")).unwrap()
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
