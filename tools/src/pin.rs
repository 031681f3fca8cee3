//! Where PINs come from: a file, a descriptor, the environment, or the person at the terminal; never an argument, which
//! other users of the machine could read. They are wiped after use.

use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use clap::Args;
use cryptoki_sys::{CKR_ARGUMENTS_BAD, CKR_PIN_INVALID};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use strongroom_core::token::{Founding, Settings, check_pin};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::place::Context;
use crate::terminal;

/// A PIN; wiped when dropped.
pub(crate) struct Pin(Zeroizing<Vec<u8>>);

/// Where the PIN of a user comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UserPin {
    /// Read the user's PIN from this file [else: STRONGROOM_PIN, else it is asked for]
    #[arg(long, value_name = "FILE", conflicts_with = "pin_fd", help_heading = "PINs")]
    pin_file: Option<PathBuf>,
    /// Read the user's PIN from this open file descriptor, from where it stands to its end
    #[arg(long, value_name = "N", help_heading = "PINs")]
    pin_fd: Option<u32>,
}

/// Where the PIN of an officer comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OfficerPin {
    /// Read the officer's PIN from this file [else: STRONGROOM_SO_PIN, else it is asked for]
    #[arg(long, value_name = "FILE", conflicts_with = "so_pin_fd", help_heading = "PINs")]
    so_pin_file: Option<PathBuf>,
    /// Read the officer's PIN from this open file descriptor, from where it stands to its end
    #[arg(long, value_name = "N", help_heading = "PINs")]
    so_pin_fd: Option<u32>,
}

/// Where a new PIN comes from.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct NewPin {
    /// Read the new PIN from this file [else: STRONGROOM_NEW_PIN, else it is asked for, twice]
    #[arg(long, value_name = "FILE", conflicts_with = "new_pin_fd", help_heading = "PINs")]
    new_pin_file: Option<PathBuf>,
    /// Read the new PIN from this open file descriptor, from where it stands to its end
    #[arg(long, value_name = "N", help_heading = "PINs")]
    new_pin_fd: Option<u32>,
}

/// The places one PIN may come from.
pub(crate) struct Source<'a> {
    file: Option<&'a Path>,
    descriptor: Option<u32>,
    option: &'static str,
    variable: &'static str,
}

impl Pin {
    /// The PIN itself.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What was read, without one line end, which editors and `echo` leave behind.
    fn from_line(mut line: Zeroizing<Vec<u8>>, place: &str) -> Result<Pin, Failure> {
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        }
        if line.is_empty() {
            return Err(Failure::refused(CKR_PIN_INVALID, format!("{place} holds no PIN: it is empty")));
        }
        if line.contains(&b'\n') {
            let message = format!("{place} holds more than one line; a PIN is one line");
            return Err(Failure::refused(CKR_PIN_INVALID, message));
        }
        Ok(Pin(line))
    }
}

impl UserPin {
    /// Its places.
    pub(crate) fn source(&self) -> Source<'_> {
        let (file, descriptor) = (self.pin_file.as_deref(), self.pin_fd);
        Source { file, descriptor, option: "--pin", variable: "STRONGROOM_PIN" }
    }
}

impl OfficerPin {
    /// Its places.
    pub(crate) fn source(&self) -> Source<'_> {
        let (file, descriptor) = (self.so_pin_file.as_deref(), self.so_pin_fd);
        Source { file, descriptor, option: "--so-pin", variable: "STRONGROOM_SO_PIN" }
    }
}

impl NewPin {
    /// Its places.
    pub(crate) fn source(&self) -> Source<'_> {
        let (file, descriptor) = (self.new_pin_file.as_deref(), self.new_pin_fd);
        Source { file, descriptor, option: "--new-pin", variable: "STRONGROOM_NEW_PIN" }
    }
}

impl Source<'_> {
    /// Whether an option or the environment names the PIN, so that nobody needs to be asked.
    pub(crate) fn is_given(&self) -> bool {
        self.file.is_some()
            || self.descriptor.is_some()
            || std::env::var_os(self.variable).is_some_and(|pin| !pin.is_empty())
    }

    /// The PIN, where an option or the environment gives it.
    ///
    /// # Errors
    /// A file or descriptor that cannot be read or holds no PIN.
    pub(crate) fn given(&self, context: &Context) -> Result<Option<Pin>, Failure> {
        if let Some(path) = self.file {
            return from_file(path, context).map(Some);
        }
        if let Some(descriptor) = self.descriptor {
            context.claim_descriptor(descriptor)?;
            return from_descriptor(descriptor).map(Some);
        }
        match std::env::var_os(self.variable).filter(|pin| !pin.is_empty()) {
            Some(pin) => Pin::from_line(Zeroizing::new(pin.into_vec()), self.variable).map(Some),
            None => Ok(None),
        }
    }

    /// The PIN of somebody who has one; `whose` completes "PIN of".
    ///
    /// # Errors
    /// As [`Source::given`], and where there is nobody to ask.
    pub(crate) fn known(&self, context: &Context, whose: &str) -> Result<Pin, Failure> {
        if let Some(pin) = self.given(context)? {
            return Ok(pin);
        }
        self.refuse_unattended(&format!("PIN of {whose}"))?;
        terminal::ask_secret(&format!("PIN of {whose}")).map(Pin)
    }

    /// A PIN that is to be set, which must keep the rules; a person types it twice.
    ///
    /// # Errors
    /// As [`Source::known`]; the rules'.
    pub(crate) fn new_one(
        &self,
        context: &Context,
        whose: &str,
        settings: &Settings,
        founding: Founding,
    ) -> Result<Pin, Failure> {
        if let Some(pin) = self.given(context)? {
            check_pin(pin.bytes(), settings, founding)
                .map_err(|error| Failure::from(error).about(&format!("new PIN of {whose}")))?;
            return Ok(pin);
        }
        self.refuse_unattended(&format!("new PIN of {whose}"))?;
        for _ in 1..ATTEMPTS {
            match ask_twice(whose, settings, founding)? {
                Ok(pin) => return Ok(pin),
                Err(problem) => terminal::say(problem.message())?,
            }
        }
        ask_twice(whose, settings, founding)?
    }

    fn refuse_unattended(&self, what: &str) -> Result<(), Failure> {
        if terminal::is_interactive() {
            return Ok(());
        }
        let message = format!(
            "the {what} is needed, and standard input is no terminal to ask on; give {option}-file FILE, \
             {option}-fd N or the environment variable {}",
            self.variable,
            option = self.option,
        );
        Err(Failure::refused(CKR_ARGUMENTS_BAD, message))
    }
}

/// What the person typed, or what is wrong with it.
fn ask_twice(whose: &str, settings: &Settings, founding: Founding) -> Result<Result<Pin, Failure>, Failure> {
    let first = terminal::ask_secret(&format!("New PIN of {whose}"))?;
    if let Err(error) = check_pin(&first, settings, founding) {
        return Ok(Err(error.into()));
    }
    let second = terminal::ask_secret("The same PIN again")?;
    Ok(match strongroom_crypto::memory::constant_time_eq(&first, &second) {
        true => Ok(Pin(first)),
        false => Err(Failure::refused(CKR_PIN_INVALID, "the two PINs differ; nothing was changed")),
    })
}

fn from_file(path: &Path, context: &Context) -> Result<Pin, Failure> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Failure::io(&format!("the PIN file {name} cannot be read"), &error);
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    let mode = found.mode() & 0o777;
    // A pipe, as of a shell's <(command), has a mode that says nothing.
    if mode & 0o044 != 0 && !found.file_type().is_fifo() && !found.file_type().is_char_device() {
        context.warn(&format!(
            "other users of this machine can read the PIN file {name} (mode {mode:04o}); chmod 600 changes that"
        ));
    }
    Pin::from_line(read(file).map_err(unreadable)?, &name)
}

fn from_descriptor(descriptor: u32) -> Result<Pin, Failure> {
    let name = format!("descriptor {descriptor}");
    let unreadable = |error: std::io::Error| Failure::io(&format!("{name} cannot be read for a PIN"), &error);
    let line = match descriptor {
        0 => read(crate::input::Standard),
        _ => inherited(descriptor).and_then(read),
    };
    Pin::from_line(line.map_err(unreadable)?, &name)
}

/// A second descriptor for what whoever started the program opened for it. The kernel makes one of any number without
/// `unsafe`: it reads on from where the first one is, and asks for no right to open.
fn inherited(descriptor: u32) -> std::io::Result<File> {
    let number = i32::try_from(descriptor).map_err(|_| Errno::BADF)?;
    let duplicate = pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|program| pidfd_getfd(program, number, PidfdGetfdFlags::empty()));
    match duplicate {
        Ok(duplicate) => Ok(duplicate.into()),
        // Older kernels, and containers that forbid it. Opened by its name a file begins anew, and must be one that
        // this user may open; a socket cannot be.
        Err(Errno::NOSYS | Errno::PERM) => File::open(format!("/dev/fd/{descriptor}")).map_err(|error| {
            let reason = format!("{error}; this kernel does not let it be used as it is, only opened anew");
            std::io::Error::new(error.kind(), reason)
        }),
        Err(error) => Err(error.into()),
    }
}

/// Everything there is, into a buffer that is never reallocated, so that no copy stays behind.
fn read(mut from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; PIN_FILE_BYTES_MAX]);
    let mut length = 0;
    loop {
        let rest = bytes.get_mut(length..).unwrap_or_default();
        if rest.is_empty() {
            return Err(std::io::Error::other(format!("it holds {PIN_FILE_BYTES_MAX} bytes or more, which is no PIN")));
        }
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// How often a new PIN is asked for.
const ATTEMPTS: usize = 3;
/// Room for the longest PIN with a user's name before it and a line end.
const PIN_FILE_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Vec<u8>, String> {
        let pin = Pin::from_line(Zeroizing::new(text.as_bytes().to_vec()), "FILE");
        pin.map(|pin| pin.bytes().to_vec()).map_err(|failure| failure.message().to_owned())
    }

    #[test]
    fn one_line_end_is_not_part_of_the_pin() {
        assert_eq!(line("1234").unwrap(), b"1234");
        assert_eq!(line("1234\n").unwrap(), b"1234");
        assert_eq!(line("1234\r\n").unwrap(), b"1234");
        assert_eq!(line(" 12 34 \n").unwrap(), b" 12 34 ");
        assert!(line("").unwrap_err().contains("FILE holds no PIN"));
        assert!(line("\n").unwrap_err().contains("empty"));
        assert!(line("1234\n\n").unwrap_err().contains("more than one line"));
    }

    #[test]
    fn endless_input_is_refused() {
        assert!(read(std::io::repeat(b'1')).unwrap_err().to_string().contains("no PIN"));
        assert_eq!(read(&b"12"[..]).unwrap().len(), 2);
    }
}
