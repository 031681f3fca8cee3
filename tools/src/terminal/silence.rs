//! A terminal that shows nothing of what is typed, and is as before afterwards: also when a signal ends the program
//! meanwhile, after which a person could not see what they type, nor stop anything with Ctrl-C.

use std::fs::File;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The terminal without echo, until dropped. Ctrl-C ends the line instead of the program.
pub(super) struct Silence;

impl Silence {
    /// Begins it. There is one at a time.
    ///
    /// # Errors
    /// What is no terminal; no thread to wait for signals.
    pub(super) fn begin(terminal: &File) -> io::Result<Silence> {
        let mut state = state();
        if !state.watched {
            watch()?;
            state.watched = true;
        }
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG;
        silent.local_modes |= LocalModes::ICANON;
        silent.special_codes[SpecialCodeIndex::VEOL] = super::CTRL_C;
        state.silent = Some((terminal.try_clone()?, before));
        tcsetattr(terminal, OptionalActions::Drain, &silent)?;
        Ok(Silence)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        state().restore(OptionalActions::Drain);
    }
}

struct State {
    /// Whether a thread waits for signals. It does so to the end of the program.
    watched: bool,
    /// The terminal that is silent now, and how it was before.
    silent: Option<(File, Termios)>,
}

impl State {
    fn restore(&mut self, when: OptionalActions) {
        if let Some((terminal, before)) = self.silent.take() {
            // A terminal that went away needs nothing restored.
            let _ = tcsetattr(terminal, when, &before);
        }
    }
}

/// Ends the program by the signals that would end it anyhow, after the terminal is as before. A signal that whoever
/// started the program had it ignore, as `nohup` does, stays ignored.
fn watch() -> io::Result<()> {
    let ignored = ignored();
    let ending = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(ending)?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            // Held to the end, so that no other question begins.
            let mut state = state();
            // Not after what is written is shown: a terminal may be stopped.
            state.restore(OptionalActions::Now);
            let _ = emulate_default_handler(signal);
        }
    })?;
    Ok(())
}

/// The signals this process ignores, one bit each, as the kernel shows them.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

static STATE: Mutex<State> = Mutex::new(State { watched: false, silent: None });
