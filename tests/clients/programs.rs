//! C and C++ programs compiled with our headers alone: the walk through the API, and everything a host process may do
//! to a library (fork, unload, exit in the middle, bad pointers, valgrind).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Place, repository, run, succeed, told, tool};

#[test]
fn c_program_walks_through_the_api() {
    let place = Place::new("walk-c");
    let program = compile(&place, "walk.c", Language::C);
    silent(&mut place.command(program));
}

#[test]
fn same_program_is_also_cpp() {
    let place = Place::new("walk-cpp");
    let program = compile(&place, "walk.c", Language::Cpp);
    silent(&mut place.command(program));
}

#[test]
fn cpp_program_works_with_four_threads() {
    let place = Place::new("threads");
    let program = compile(&place, "threads.cpp", Language::Cpp);
    silent(&mut place.command(program));
}

#[test]
fn every_interface_is_offered() {
    let place = Place::new("interfaces");
    let program = compile(&place, "interfaces.c", Language::C);
    silent(&mut place.command(program));
}

#[test]
fn child_starts_over_and_parent_goes_on() {
    let place = Place::new("fork");
    let program = compile(&place, "fork.c", Language::C);
    silent(&mut place.command(program));
}

#[test]
fn thousand_loads_leave_nothing_behind() {
    let place = Place::new("reload");
    let program = compile(&place, "reload.c", Language::C);
    succeed(&mut place.command(program));
}

#[test]
fn process_may_leave_without_finalize() {
    let place = Place::new("leave");
    let program = compile(&place, "leave.c", Language::C);
    for way in [
        "return",
        "use-at-exit",
        "finalize-at-exit",
        "live-thread",
        "operation-active",
        "dlclose",
        "finalize-dlclose",
        "thread-outlives",
    ] {
        let place = Place::new("leave-way");
        let mut command = place.command(&program);
        command.arg(way);
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(7), "{way}: {}", told(&command, &output));
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{way}: {}", told(&command, &output));
    }
}

#[test]
fn bad_pointers_and_lengths_are_refused() {
    let place = Place::new("pointers");
    let program = compile(&place, "pointers.c", Language::C);
    for phase in ["uninitialised", "public", "user"] {
        let place = Place::new("pointers-phase");
        succeed(place.command(&program).arg(phase));
    }
}

#[test]
fn guest_leaves_the_host_as_it_was() {
    let place = Place::new("guest");
    let program = compile(&place, "guest.c", Language::C);
    silent(&mut place.command(program));
    // Only what the module itself made: the place is ours.
    for entry in fs::read_dir(place.file("tokens")).unwrap() {
        assert_private(&entry.unwrap().path());
    }
}

#[test]
fn token_directory_is_made_private() {
    let place = Place::new("directory");
    let program = compile(&place, "guest.c", Language::C);
    let mut command = place.command(program);
    command.env("STRONGROOM_DIR", place.file("made/by/the/module"));
    silent(&mut command);
    if !place.is_peer() {
        assert_private(&place.file("made/by/the/module"));
    }
}

#[test]
fn valgrind_finds_nothing() {
    let place = Place::new("valgrind");
    let program = compile(&place, "walk.c", Language::C);
    let mut command = place.command(tool("valgrind"));
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    command.args(["--show-leak-kinds=definite", "--log-file=valgrind.log"]).arg(program);
    let output = run(&mut command);
    let log = String::from_utf8_lossy(&place.read("valgrind.log")).into_owned();
    assert!(output.status.success() && log.is_empty(), "{}\n{log}", told(&command, &output));
}

/// The languages a client of the module may be written in.
#[derive(Clone, Copy)]
pub(crate) enum Language {
    C,
    Cpp,
}

/// A compiler of the language with every warning an error.
pub(crate) fn compiler(language: Language) -> Command {
    let mut command = match language {
        Language::C => Command::new(tool("cc")),
        Language::Cpp => Command::new(tool("g++")),
    };
    match language {
        Language::C => command.arg("-std=c99"),
        Language::Cpp => command.args(["-std=c++11", "-x", "c++"]),
    };
    command.args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g"]);
    command
}

/// Compiles a program of this directory that loads the module with dlopen.
fn compile(place: &Place, source: &str, language: Language) -> PathBuf {
    let program = place.file("program");
    let mut command = compiler(language);
    command.arg("-I").arg(repository().join("include")).arg("-o").arg(&program).arg(sources().join(source));
    succeed(command.args(["-ldl", "-pthread"]));
    program
}

pub(crate) fn sources() -> PathBuf {
    repository().join("tests/clients")
}

/// Succeeds without a word: the programs print only what is wrong, and the module prints nothing.
pub(crate) fn silent(command: &mut Command) {
    let output = run(command);
    assert!(output.status.success(), "{}", told(command, &output));
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{}", told(command, &output));
}

/// Files 0600 and directories 0700, all the way down.
fn assert_private(path: &Path) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() {
        assert_eq!(mode, 0o700, "{}", path.display());
        for entry in fs::read_dir(path).unwrap() {
            assert_private(&entry.unwrap().path());
        }
    } else {
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}
