//! Cold start: what a short-lived process pays to use one key of a token. The parent starts this program again as a
//! child that loads the module, logs in, finds a key, encrypts with it and exits; the child times its own steps.

use std::ffi::{CString, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cryptoki_sys::{CK_SLOT_ID, CKU_USER};

use super::{Bench, Row, Unit, message};
use crate::limit::GcmKey;
use crate::measure::{Probe, Problem, Record, Trial, nanoseconds};
use crate::module::{CallError, Mechanism, Module};
use crate::template::Template;
use crate::token::{Environment, Token, USER_PIN, key_label, key_value};

/// The first argument that makes this program the child. Not for people, so not in its help.
pub(crate) const CHILD_ARGUMENT: &str = "--cold-start-child";

/// The bench over a token of exactly `population` keys.
pub(super) fn bench(population: usize) -> Bench {
    let rows = ROWS.map(|name| Row { name: format!("cold.{name}.{population}"), unit: Unit::Nanoseconds });
    let prepare = move |token: &Token| -> Result<Trial, Problem> {
        token.populate(population)?;
        let number = population / 2;
        let mut expected = message(PLAINTEXT_BYTES);
        expected.resize(PLAINTEXT_BYTES + 16, 0);
        GcmKey::new(&key_value(number)).seal(&IV, &message(PLAINTEXT_BYTES), &mut expected);
        let mut probe = ColdStart {
            program: std::env::current_exe().map_err(|error| Problem::Failed(error.to_string()))?,
            path: token.module.path().to_owned(),
            environment: token.environment.clone(),
            slot: token.slot,
            label: key_label(number),
            expected: hexadecimal(&expected),
        };
        probe.run()?;
        Ok(Box::new(probe))
    };
    Bench { group: "cold", rows: rows.into(), prepare: Box::new(prepare), limit: None }
}

/// The child's whole life. Prints its steps in nanoseconds and the ciphertext.
pub(crate) fn child(arguments: &[OsString]) -> Result<(), String> {
    let [path, slot, label, parameters @ ..] = arguments else {
        return Err("not for people".to_owned());
    };
    let slot: CK_SLOT_ID =
        slot.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| "the slot is no number".to_owned())?;
    let label = label.to_string_lossy();
    let parameters = match parameters {
        [text, ..] => Some(CString::new(text.as_bytes()).map_err(|error| error.to_string())?),
        [] => None,
    };
    let start = Instant::now();
    let module: &'static Module = Box::leak(Box::new(Module::load(Path::new(path))?));
    let steps = || -> Result<(Vec<Instant>, Vec<u8>), CallError> {
        let mut steps = vec![Instant::now()];
        module.initialize(&[], parameters.as_deref())?;
        steps.push(Instant::now());
        let session = module.open_session(slot)?;
        steps.push(Instant::now());
        session.login(CKU_USER, USER_PIN)?;
        steps.push(Instant::now());
        let mut found = [0; 2];
        let count = session.find(&Template::search_by_label(&label), &mut found)?;
        if count != 1 {
            return Err(CallError { function: "C_FindObjects (count)", code: cryptoki_sys::CKR_GENERAL_ERROR });
        }
        steps.push(Instant::now());
        let mut output = vec![0; PLAINTEXT_BYTES + 16];
        let [key, _] = found;
        session.encrypt(Mechanism::Gcm(&IV), key, &message(PLAINTEXT_BYTES), &mut output)?;
        steps.push(Instant::now());
        // A client that exits at once leaves its session open; closing it is not measured.
        std::mem::forget(session);
        Ok((steps, output))
    };
    let (steps, output) = steps().map_err(|error| error.to_string())?;
    let mut line = String::new();
    let mut before = start;
    for step in steps {
        let _ = write!(line, "{} ", (step - before).as_nanos());
        before = step;
    }
    let mut standard_output = std::io::stdout().lock();
    writeln!(standard_output, "{line}{}", hexadecimal(&output)).map_err(|error| error.to_string())
}

struct ColdStart {
    program: PathBuf,
    path: PathBuf,
    environment: Environment,
    slot: CK_SLOT_ID,
    label: String,
    expected: String,
}

impl ColdStart {
    /// One child: from before it is started until it is gone, and the steps it reported.
    fn run(&mut self) -> Result<(f64, [f64; STEPS]), Problem> {
        let mut command = Command::new(&self.program);
        command.arg(CHILD_ARGUMENT).arg(&self.path).arg(self.slot.to_string()).arg(&self.label);
        if let Some(parameters) = &self.environment.parameters {
            command.arg(OsString::from_vec(parameters.as_bytes().to_vec()));
        }
        command.envs(self.environment.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
        let start = Instant::now();
        let output = command.output().map_err(|error| Problem::Failed(format!("starting a child: {error}")))?;
        let elapsed = start.elapsed();
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            return Err(Problem::Failed(format!("child: {}: {}", output.status, reason.trim())));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let mut words = text.split_whitespace();
        let mut steps = [0.0; STEPS];
        for step in &mut steps {
            let word = words.next().and_then(|word| word.parse().ok());
            *step = word.ok_or_else(|| Problem::Failed(format!("child: unexpected answer {text:?}")))?;
        }
        if words.next() != Some(&*self.expected) {
            return Err(Problem::Wrong("the child's ciphertext differs from the reference".to_owned()));
        }
        Ok((nanoseconds(elapsed), steps))
    }
}

impl Probe for ColdStart {
    fn round(&mut self, budget: Duration, record: &mut Record) -> Result<(), Problem> {
        let (start, mut runs) = (Instant::now(), 0);
        while start.elapsed() < budget || runs < RUNS_PER_ROUND_MIN {
            let (process, steps) = self.run()?;
            let [load, initialise, _, login, find, _] = steps;
            let inside: f64 = steps.iter().sum();
            let values = [process, process - login, inside, inside - login, load, initialise, login, find];
            for (row, value) in values.into_iter().enumerate() {
                record.push(row, value);
            }
            runs += 1;
        }
        Ok(())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `process`: from the parent's start of the child to its end. `inside`: the child's steps without the start of the
/// program and its exit. `but_login`: without `C_Login`, which is the derivation of a key from the PIN.
const ROWS: [&str; 8] =
    ["process", "process_but_login", "inside", "inside_but_login", "load", "initialize", "login", "find"];
/// Load, initialise, open a session, log in, find, encrypt.
const STEPS: usize = 6;
const RUNS_PER_ROUND_MIN: u32 = 5;
const PLAINTEXT_BYTES: usize = 64;
const IV: [u8; 12] = [3; 12];
