//! Measures PKCS#11 modules side by side: the same calls, in one process, in turn round by round, every result proven
//! before it is timed. Prints a table with the ratio of ours to the best of the others, and JSON with every figure.
//!
//! `module` loads the modules, `token` prepares them, `pair` makes their key pairs, `benches` says what is measured,
//! `measure` how, `report` shows it. `users` measures what only Strongroom has.

// A command-line program speaks to its user.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod benches;
mod limit;
mod measure;
mod module;
mod pair;
mod report;
mod template;
mod token;
mod users;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};

use crate::benches::{Bench, cold};
use crate::measure::{Problem, Trial, interleave};
use crate::report::{ModuleDescription, Outcome, Report, Settings};
use crate::token::{TemporaryDirectory, Token};

/// Measure PKCS#11 modules side by side.
///
/// Figures are nanoseconds per operation (median of all samples; the mean for RSA key pairs) or operations per second
/// (best round). `none`: the module does not offer it. `WRONG`: it gave a wrong result; `FAILED`: a call failed; both
/// make the exit status 1. `limit` is the raw call of the cryptographic library below Strongroom.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Modules to measure against
    #[arg(long, num_args = 1.., value_name = "MODULE")]
    against: Vec<PathBuf>,
    /// Our module [default: libstrongroom.so beside this program, else in target/release]
    #[arg(long, value_name = "MODULE")]
    module: Option<PathBuf>,
    /// Only these groups, or rows whose names begin so
    #[arg(long, value_delimiter = ',', value_name = "GROUP,...")]
    only: Vec<String>,
    /// Length of one round of one module in one bench
    #[arg(long, default_value_t = 0.1, value_name = "S")]
    seconds: f64,
    /// Rounds per bench
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// Write all figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print the table as Markdown
    #[arg(long)]
    markdown: bool,
    /// Numbers of keys in the token for the groups `objects` and `cold`
    #[arg(long, value_delimiter = ',', default_value = "10,10000", value_name = "N,...")]
    objects: Vec<usize>,
    /// Numbers of threads for the group `threads`
    #[arg(long, value_delimiter = ',', default_value = "1,2", value_name = "N,...")]
    threads: Vec<usize>,
    /// Measure users and sharing with so many keys, and nothing else: Strongroom alone, without a module
    #[arg(long, value_name = "N", conflicts_with_all = ["against", "module", "only", "list", "json"])]
    users: Option<usize>,
    /// Keep the tokens in memory (/dev/shm), so that the disk does not count
    #[arg(long)]
    ram: bool,
    /// Keep the tokens under this directory [default: the system's temporary directory]
    #[arg(long, value_name = "DIR", conflicts_with = "ram")]
    directory: Option<PathBuf>,
    /// A line for Strongroom's configuration file, such as the cost of deriving a key from a PIN
    #[arg(long = "set", value_name = "LINE")]
    settings: Vec<String>,
    /// List groups and rows, measure nothing
    #[arg(long)]
    list: bool,
    /// Do not say what is being measured
    #[arg(long, short)]
    quiet: bool,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == cold::CHILD_ARGUMENT) {
        return exit_code(cold::child(&arguments.collect::<Vec<_>>()).map(|()| true));
    }
    exit_code(run(Arguments::parse()))
}

/// Ends the program as its argument parser does: one line and how to get help, exit status 2.
fn usage(error: &str) -> ! {
    Arguments::command().error(ErrorKind::InvalidValue, error).exit()
}

fn exit_code(result: Result<bool, String>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("strongroom-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The whole run; true where every module did everything right.
fn run(mut arguments: Arguments) -> Result<bool, String> {
    if let Some(count) = arguments.users {
        let directory = temporary_directory(&parent_directory(&arguments))?;
        print!("{}", users::table(count, directory.path())?);
        return Ok(true);
    }
    arguments.objects.sort_unstable();
    arguments.objects.retain(|population| *population > 0);
    arguments.objects.dedup();
    arguments.threads.retain(|count| *count > 0);
    let benches = selected(&arguments).unwrap_or_else(|error| usage(&error));
    if arguments.list {
        for bench in &benches {
            for row in &bench.rows {
                println!("{:<12}{}", bench.group, row.name);
            }
        }
        return Ok(true);
    }
    let budget =
        Duration::try_from_secs_f64(arguments.seconds).unwrap_or_else(|error| usage(&format!("--seconds: {error}")));
    if arguments.rounds == 0 {
        usage("--rounds: at least one");
    }
    let ours = our_module(&arguments);
    if ours.is_none() && arguments.against.is_empty() {
        usage("no module to measure: give --module or --against");
    } else if ours.is_none() {
        eprintln!("no libstrongroom.so beside this program or in target/release: only the others are measured");
    }

    let parent = parent_directory(&arguments);
    let directory = temporary_directory(&parent)?;
    let tokens = prepare_tokens(ours.as_deref(), &arguments, &directory)?;
    let settings = Settings {
        round_s: arguments.seconds,
        rounds: arguments.rounds,
        tokens_in: parent.display().to_string(),
        strongroom_settings: arguments.settings.clone(),
        bench_version: env!("CARGO_PKG_VERSION"),
    };
    let mut report = Report::new(settings, describe(&tokens), ours.is_some());
    for bench in &benches {
        if !arguments.quiet {
            eprintln!("measuring {}", bench.rows.first().map_or(bench.group, |row| &row.name));
        }
        let outcomes = measure(bench, &tokens, arguments.rounds, budget);
        report.add(bench, outcomes);
    }
    for token in &tokens {
        token.finish().map_err(|error| error.to_string())?;
    }
    print!("{}", report.render(arguments.markdown));
    if let Some(path) = &arguments.json {
        let text = report.to_json().map_err(|error| error.to_string())?;
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(report.is_clean())
}

fn parent_directory(arguments: &Arguments) -> PathBuf {
    match &arguments.directory {
        Some(directory) => directory.clone(),
        None if arguments.ram => PathBuf::from("/dev/shm"),
        None => std::env::temp_dir(),
    }
}

fn temporary_directory(parent: &Path) -> Result<TemporaryDirectory, String> {
    TemporaryDirectory::new(parent).map_err(|error| format!("{}: {error}", parent.display()))
}

/// The benches that `--only` means, all without it: by group, or else by the beginning of a row's name.
fn selected(arguments: &Arguments) -> Result<Vec<Bench>, String> {
    let mut benches = benches::catalogue(&arguments.objects, &arguments.threads);
    let mut is_selected = vec![arguments.only.is_empty(); benches.len()];
    for word in &arguments.only {
        let is_group = benches.iter().any(|bench| bench.group == word);
        let is_meant = |bench: &Bench| match is_group {
            true => bench.group == word,
            false => bench.rows.iter().any(|row| row.name.starts_with(word)),
        };
        if !benches.iter().any(is_meant) {
            return Err(format!("--only {word}: no such group or row; --list shows them"));
        }
        for (selected, bench) in is_selected.iter_mut().zip(&benches) {
            *selected |= is_meant(bench);
        }
    }
    let mut is_selected = is_selected.into_iter();
    benches.retain(|_| is_selected.next().unwrap_or(false));
    Ok(benches)
}

/// The module given, or the one that a build of the workspace leaves; none where there is neither.
fn our_module(arguments: &Arguments) -> Option<PathBuf> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name("libstrongroom.so"));
    let built = PathBuf::from("target/release/libstrongroom.so");
    let found = arguments.module.clone().or_else(|| beside().filter(|path| path.exists()));
    found.or_else(|| Some(built).filter(|path| path.exists()))
}

fn prepare_tokens(
    ours: Option<&Path>,
    arguments: &Arguments,
    directory: &TemporaryDirectory,
) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for path in ours.into_iter().chain(arguments.against.iter().map(PathBuf::as_path)) {
        // With its directory in its name, the loader searches nowhere else.
        let path = path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?;
        let place = directory.subdirectory(&tokens.len().to_string()).map_err(|error| error.to_string())?;
        tokens.push(Token::prepare(&path, &place, &arguments.settings)?);
    }
    Ok(tokens)
}

/// The columns, named by their files: `libsofthsm2.so` is `softhsm2`, a second one `softhsm2-2`.
fn describe(tokens: &[Token]) -> Vec<ModuleDescription> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let describe = |token: &Token| {
        let stem = token.module.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let stem = stem.strip_prefix("lib").unwrap_or(&stem).to_owned();
        let count = seen.entry(stem.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { stem } else { format!("{stem}-{count}") };
        ModuleDescription::new(name, token)
    };
    tokens.iter().map(describe).collect()
}

/// One bench over all modules, and last the limit.
fn measure(bench: &Bench, tokens: &[Token], rounds: usize, budget: Duration) -> Vec<Outcome> {
    let mut problems: Vec<Option<Problem>> = Vec::new();
    let mut trials: Vec<Option<Trial>> = Vec::new();
    for token in tokens {
        match (bench.prepare)(token) {
            Ok(trial) => {
                trials.push(Some(trial));
                problems.push(None);
            }
            Err(problem) => {
                trials.push(None);
                problems.push(Some(problem));
            }
        }
    }
    trials.push(bench.limit.as_ref().map(|limit| limit()));
    problems.push(None);
    let records = interleave(&mut trials, bench.rows.len(), rounds, budget);
    drop(trials);
    let swept = tokens.iter().map(|token| token.sweep().err().map(Problem::from)).chain([None]);
    records
        .into_iter()
        .zip(problems)
        .zip(swept)
        .map(|((record, problem), unswept)| match problem.or(unswept) {
            Some(problem) => Some(Err(problem)),
            None => record,
        })
        .collect()
}
