//! `strongroom doctor`: is everything as it should be, and if not, what to do. It changes nothing but the count of
//! wrong PINs, where it is given one.
//!
//! The surroundings are checked here, each token in `doctor/token.rs`.

mod token;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::fs::{Access, access};
use rustix::process::{Resource, geteuid, getrlimit};
use serde_json::{Value, json};
use strongroom_core::hsm::Config;
use strongroom_core::hsm::config::{CONF_VARIABLE, DIR_VARIABLE, StoreKind, variable};
use strongroom_crypto::memory::{SecretBytes, locked_memory_status};

use crate::failure::Failure;
use crate::output::Answer;
use crate::place::{AsUser, Context, open_to_others};
use crate::table::{Column, Table};
use crate::text::{bytes, counted, one_line, shell_path};

/// Options of `doctor`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The user whose private objects are opened too, where a PIN is given; nobody is asked for one.
    #[command(flatten)]
    user: AsUser,
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// As it should be.
    Ok,
    /// It works, but somebody should look.
    Warning,
    /// Something is broken, or secrets are open to others.
    Error,
}

/// What was checked, in order.
#[derive(Default)]
struct Findings {
    list: Vec<Finding>,
}

struct Finding {
    status: Status,
    subject: String,
    message: String,
    advice: Option<String>,
}

/// Checks everything.
///
/// # Errors
/// Only what makes the request itself useless; what is found wrong is the answer.
pub(crate) fn run(context: &Context, args: &DoctorArgs) -> Result<Answer, Failure> {
    let mut findings = Findings::default();
    match context.config() {
        Err(failure) => {
            let advice = configuration_advice(context, failure.message());
            findings.error("configuration", failure.message(), advice);
        }
        Ok(config) => {
            configuration(context, &config, &mut findings);
            if directory(&config, &mut findings) {
                token::check_all(context, args, &config, &mut findings)?;
            }
            disk(&config, &mut findings);
        }
    }
    memory(&mut findings);
    trace(&mut findings);
    Ok(findings.answer())
}

impl Findings {
    fn ok(&mut self, subject: &str, message: impl Into<String>) {
        self.add(Status::Ok, subject, message.into(), None);
    }

    fn warning(&mut self, subject: &str, message: impl Into<String>, advice: impl Into<String>) {
        self.add(Status::Warning, subject, message.into(), Some(advice.into()));
    }

    fn error(&mut self, subject: &str, message: impl Into<String>, advice: impl Into<String>) {
        let (message, advice) = (message.into(), advice.into());
        // Where the core says the same already, once is enough.
        let is_said = [&message, &advice].into_iter().all(|words| words.contains("from a backup"));
        self.add(Status::Error, subject, message, (!is_said).then_some(advice));
    }

    fn add(&mut self, status: Status, subject: &str, message: String, advice: Option<String>) {
        self.list.push(Finding { status, subject: subject.to_owned(), message, advice });
    }

    fn count(&self, status: Status) -> usize {
        self.list.iter().filter(|finding| finding.status == status).count()
    }

    fn answer(&self) -> Answer {
        let mut table = Table::new(&[Column::Text("STATUS"), Column::Text("SUBJECT"), Column::Text("FINDING")]);
        for finding in &self.list {
            let advice = finding.advice.as_ref().map_or_else(String::new, |advice| format!(": {advice}"));
            let line = one_line(&format!("{}{advice}", finding.message));
            table.row(vec![finding.status.name().to_owned(), one_line(&finding.subject), line]);
        }
        let (errors, warnings) = (self.count(Status::Error), self.count(Status::Warning));
        let text = format!("{}\n{}, {}.\n", table.text(), counted(errors, "error"), counted(warnings, "warning"));
        let json = json!({
            "checks": self.list.iter().map(Finding::json).collect::<Vec<_>>(),
            "errors": errors,
            "warnings": warnings,
        });
        Answer { text, json, faulty: errors > 0 }
    }
}

impl Finding {
    fn json(&self) -> Value {
        json!({
            "status": self.status.name(),
            "subject": self.subject,
            "message": self.message,
            "advice": self.advice,
        })
    }
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Error => "error",
        }
    }
}

/// What to do about a configuration that cannot be used.
fn configuration_advice(context: &Context, problem: &str) -> String {
    let (named, unnamed) = match &context.global().conf {
        Some(file) => (Some(file.clone()), "leave --conf out"),
        None => (variable(CONF_VARIABLE), "unset STRONGROOM_CONF"),
    };
    match named {
        Some(file) if !file.exists() => format!("make that file, or {unnamed}; no configuration is needed"),
        _ if problem.contains("cannot be read") => "let this user read the file".to_owned(),
        _ if problem.contains("no home directory") => "or name a directory with --dir".to_owned(),
        _ => "correct the file".to_owned(),
    }
}

/// Which file was read, and where each setting comes from.
fn configuration(context: &Context, config: &Config, findings: &mut Findings) {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let named_by = match (&context.global().conf, set(CONF_VARIABLE)) {
        (Some(_), _) => " (named by --conf)",
        (None, true) => " (named by STRONGROOM_CONF)",
        (None, false) => "",
    };
    match &config.file {
        Some(file) => {
            findings.ok("configuration", format!("read from {}{named_by}", file.display()));
            writable_by_others(file, findings);
        }
        None => findings.ok("configuration", "no file; every setting has its default"),
    }
    let given = config.file.as_ref().map(|file| keys_of(file)).unwrap_or_default();
    let from_file = |key: &str| if given.iter().any(|given| given == key) { "the file" } else { "default" };
    let dir_from = match (&context.global().dir, set(DIR_VARIABLE)) {
        (Some(_), _) => "--dir",
        (None, true) => DIR_VARIABLE,
        (None, false) => from_file("dir"),
    };
    let store = match config.store {
        StoreKind::Sqlite => "sqlite",
        StoreKind::Memory => "memory",
    };
    let settings = config.settings;
    let lines = [
        ("dir", config.dir.display().to_string(), dir_from),
        ("store", store.to_owned(), from_file("store")),
        ("kdf", settings.kdf.to_string(), from_file("kdf")),
        ("policy", settings.policy.to_string(), from_file("policy")),
        ("escrow", settings.escrow.to_string(), from_file("escrow")),
        ("pin_length_min", settings.pin_bytes_min.to_string(), from_file("pin_length_min")),
        ("audit", config.audit.to_string(), from_file("audit")),
        ("gcm_iv", if config.module_iv { "module" } else { "caller" }.to_owned(), from_file("gcm_iv")),
    ];
    for (key, value, from) in lines {
        findings.ok("setting", format!("{key} = {value} ({from})"));
    }
}

/// The keys a configuration file sets. It was read without complaint before.
fn keys_of(file: &Path) -> Vec<String> {
    let table = fs::read_to_string(file).ok().and_then(|text| text.parse::<toml::Table>().ok());
    table.unwrap_or_default().keys().cloned().collect()
}

fn writable_by_others(file: &Path, findings: &mut Findings) {
    if let Ok(found) = fs::metadata(file)
        && found.mode() & 0o022 != 0
    {
        let message = format!("{} can be changed by others (mode {:04o})", file.display(), found.mode() & 0o7777);
        findings.warning("configuration", message, format!("chmod go-w {}", shell_path(file)));
    }
}

/// The directory and what is in it: directories 0700, files 0600, all of one owner. Whether there is anything to open.
fn directory(config: &Config, findings: &mut Findings) -> bool {
    if config.store == StoreKind::Memory {
        findings.ok("directory", "not used: store = \"memory\" keeps tokens within one process");
        return false;
    }
    let dir = &config.dir;
    let found = match fs::metadata(dir) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => {
            findings.error("directory", format!("{} is no directory", dir.display()), "name another one");
            return false;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("{} does not exist yet; the first token makes it", dir.display());
            findings.ok("directory", message);
            return false;
        }
        Err(error) => {
            findings.error("directory", format!("{}: {error}", dir.display()), "let this user read it");
            return false;
        }
    };
    let before = findings.list.len();
    let mut seen = 0;
    permissions(dir, config.file.as_deref(), &mut seen, findings);
    if findings.list.len() == before {
        findings.ok(
            "directory",
            format!("{} is closed to other users, with all in it ({})", dir.display(), counted(seen, "file")),
        );
    }
    let (owner, me) = (found.uid(), geteuid().as_raw());
    if owner != me {
        let message = format!("{} belongs to user {owner}, and this is user {me}", dir.display());
        let advice = "run programs that use it as its owner, so that every file in it stays usable";
        findings.warning("directory", message, advice);
    }
    network_file_system(dir, findings);
    true
}

/// Looks at a directory and below, and counts what it sees. `except` is a file with rules of its own.
fn permissions(dir: &Path, except: Option<&Path>, seen: &mut usize, findings: &mut Findings) {
    one_permission(dir, seen, findings);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            findings.error("directory", format!("{}: {error}", dir.display()), "let its owner read it");
            return;
        }
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let draft = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(".new-"));
        if draft {
            let message = format!("{} is left from an initialisation that did not finish", path.display());
            let advice = "the next initialisation removes it, unless a process is at work in it";
            findings.warning("directory", message, advice);
        } else if found.is_dir() {
            permissions(&path, except, seen, findings);
        } else if except != Some(path.as_path()) {
            one_permission(&path, seen, findings);
        }
    }
}

fn one_permission(path: &Path, seen: &mut usize, findings: &mut Findings) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    *seen += usize::from(found.is_file());
    if found.is_symlink() {
        let message = format!("{} is a symbolic link", path.display());
        findings.warning("directory", message, "put the file itself there, or name its directory");
    } else if let Some((message, advice)) = open_to_others(path, &found) {
        findings.error("directory", message, advice);
    }
}

/// Processes of several hosts on one token would not see each other's changes.
fn network_file_system(dir: &Path, findings: &mut Findings) {
    let Ok(found) = rustix::fs::statfs(dir) else { return };
    // The kind of number differs between platforms; the magic numbers fit into 32 bits on all of them.
    let kind = found.f_type as u32;
    if let Some((_, name)) = NETWORK_FILE_SYSTEMS.iter().find(|(magic, _)| *magic == kind) {
        let message = format!("{} is on {name}", dir.display());
        findings.error("directory", message, "keep tokens on a local disk: several hosts would damage them");
    }
}

fn disk(config: &Config, findings: &mut Findings) {
    if config.store == StoreKind::Memory {
        return;
    }
    // The directory may not exist yet; then its nearest parent says.
    let existing = config.dir.ancestors().find(|path| path.exists());
    let Some(found) = existing.and_then(|path| rustix::fs::statvfs(path).ok()) else { return };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let message = format!("{} free for {}", bytes(free), config.dir.display());
    match free {
        0..DISK_ERROR_BYTES => findings.error("disk", message, "make room: no key can be made or changed"),
        DISK_ERROR_BYTES..DISK_WARNING_BYTES => findings.warning("disk", message, "make room soon"),
        _ => findings.ok("disk", message),
    }
}

/// Whether the module can write the trace it is asked for; it complains to nobody where it cannot.
fn trace(findings: &mut Findings) {
    let Some(target) = variable(TRACE_VARIABLE) else { return };
    if target.as_os_str() == "stderr" {
        return findings.ok("trace", "programs write the module's calls to standard error");
    }
    // A file that is not there yet is not made for the sake of a check.
    let opened = match fs::metadata(&target) {
        Ok(_) => fs::OpenOptions::new().append(true).open(&target).map(drop),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            access(parent, Access::WRITE_OK | Access::EXEC_OK).map_err(Into::into)
        }
        Err(error) => Err(error),
    };
    let name = target.display();
    match opened {
        Ok(()) => findings.ok("trace", format!("programs write the module's calls to {name}")),
        Err(error) => findings.warning(
            "trace",
            format!("{TRACE_VARIABLE} is {name}, which cannot be opened: {error}; programs go on without a trace"),
            "name a file that can be written, or stderr",
        ),
    }
}

/// Whether secrets can be kept from the swap space.
fn memory(findings: &mut Findings) {
    // Something must be asked for, before it is known whether it can be locked.
    let probe = SecretBytes::zeroed(64);
    let status = locked_memory_status();
    let limit = getrlimit(Resource::Memlock).current.map_or_else(|| "no limit".to_owned(), bytes);
    match (probe, status.unlocked_bytes) {
        (Err(_), _) => findings.error("memory", "no memory for secrets can be had", "free some memory"),
        (Ok(_), 0) => findings.ok(
            "memory",
            format!(
                "{} of secrets locked against swapping (RLIMIT_MEMLOCK: {limit})",
                bytes(status.locked_bytes as u64)
            ),
        ),
        (Ok(_), unlocked) => findings.warning(
            "memory",
            format!("{} of secrets could be swapped out (RLIMIT_MEMLOCK: {limit})", bytes(unlocked as u64)),
            "raise the limit with 'ulimit -l' or LimitMEMLOCK=, or encrypt the swap space",
        ),
    }
}

const DISK_ERROR_BYTES: u64 = 10 << 20;
const DISK_WARNING_BYTES: u64 = 100 << 20;
/// Where the module's trace goes.
const TRACE_VARIABLE: &str = "STRONGROOM_TRACE";

/// File systems that several hosts share, by their magic number (statfs(2)).
const NETWORK_FILE_SYSTEMS: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
];

const EXAMPLES: &str = "\
One line for each check: ok, warning or error, and what to do. Without a PIN, private objects are checked as far as \
their envelope; with one (--pin-file, --pin-fd or STRONGROOM_PIN) each object of that user is opened. Where it is not \
clear whose PIN it is, --user says so; without it the PIN is not tried. With several tokens the PIN is used for the one \
that --token names. Exit code 1 where there is any error.

Examples:
  strongroom doctor
  strongroom doctor --token payments --user alice --pin-file alice.pin
  strongroom doctor --json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_makes_the_answer_faulty() {
        let mut findings = Findings::default();
        findings.ok("a", "fine");
        findings.warning("b", "odd", "look");
        assert!(!findings.answer().faulty);
        findings.error("c", "broken", "mend it");
        let answer = findings.answer();
        assert!(answer.faulty);
        assert!(answer.text.contains("error    c        broken: mend it\n"), "{}", answer.text);
        assert!(answer.text.ends_with("1 error, 1 warning.\n"), "{}", answer.text);
        assert_eq!(answer.json["errors"], 1);
        assert_eq!(answer.json["checks"][1]["advice"], "look");
    }
}
