//! `STRONGROOM_TRACE`: one line per call, for a person who wants to know what a program asks and why it is refused.
//!
//! A line holds the time, process and thread, the function with its arguments, how long it took, its result and the
//! reason. Arguments are shown as numbers, names and lengths. PINs, data and key values never are: bytes are counted,
//! and of attributes only those are shown whose values are no secret of anybody.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::PanicHookInfo;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, ValueKind};
use strongroom_core::clock::date;
use strongroom_core::hsm::config;
use strongroom_core::mechanism::MechanismName;
use strongroom_core::names;

use crate::failure::Failure;
use crate::memory::{Attributes, CallerMechanism, Pointer, Traced};

/// Where the lines go.
pub(crate) struct Trace {
    file: File,
}

/// A line in the making.
pub(crate) struct Line {
    text: String,
    begun: Instant,
}

impl Trace {
    /// What `STRONGROOM_TRACE` asks for: `stderr`, or a file that is appended to. None where it asks for nothing or for
    /// a file that cannot be opened: a guest complains to nobody.
    pub(crate) fn from_environment() -> Option<Trace> {
        let target = config::variable("STRONGROOM_TRACE")?;
        let file = if target.as_os_str() == "stderr" {
            // A descriptor of our own: the library's stderr has a lock, which a fork could leave locked.
            File::from(std::io::stderr().as_fd().try_clone_to_owned().ok()?)
        } else {
            OpenOptions::new().append(true).create(true).mode(0o600).open(target).ok()?
        };
        Some(Trace { file })
    }

    /// Writes a line, at once, so that lines of several processes do not mix.
    pub(crate) fn write(&self, line: &str) {
        // There is nobody to tell that the trace cannot be written.
        _ = (&self.file).write_all(line.as_bytes());
    }
}

impl Line {
    /// Notes the call and its arguments as they are before it.
    pub(crate) fn begin(function: &str, arguments: &[(&'static str, Traced)]) -> Line {
        let mut text = String::with_capacity(256);
        stamp(&mut text);
        text.push_str(function);
        text.push('(');
        _ = write_arguments(&mut text, arguments);
        text.push(')');
        Line { text, begun: Instant::now() }
    }

    /// Adds what came of it.
    pub(crate) fn end(mut self, arguments: &[(&'static str, Traced)], failure: Option<&Failure>) -> String {
        let rv = failure.map_or(CKR_OK, Failure::rv);
        let micros = self.begun.elapsed().as_micros();
        _ = write!(self.text, " = {} [{micros} us]", names::return_value(rv));
        if matches!(rv, CKR_OK | CKR_BUFFER_TOO_SMALL | CKR_ATTRIBUTE_SENSITIVE | CKR_ATTRIBUTE_TYPE_INVALID) {
            _ = write_results(&mut self.text, arguments);
        }
        if let Some(failure) = failure {
            _ = write!(self.text, ": {failure}");
        }
        self.text.push('\n');
        self.text
    }
}

/// The line that tells of a caught panic.
pub(crate) fn panic_line(panic: &PanicHookInfo<'_>) -> String {
    let mut text = String::new();
    stamp(&mut text);
    let payload = panic.payload();
    let what = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let what = what.unwrap_or("no text");
    _ = match panic.location() {
        Some(location) => writeln!(text, "panic at {location}: {what}"),
        None => writeln!(text, "panic: {what}"),
    };
    text
}

/// Date and time (UTC), process and thread.
fn stamp(text: &mut String) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let micros = now.subsec_micros();
    _ = write!(text, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06} ");
    // The standard library's own thread numbers need a destructor per thread, which a loadable module must not leave.
    let thread = std::fs::read_link("/proc/thread-self").ok();
    let thread = thread.as_deref().and_then(|link| link.file_name()?.to_str());
    _ = write!(text, "{}/{} ", std::process::id(), thread.unwrap_or("?"));
}

fn write_arguments(text: &mut String, arguments: &[(&'static str, Traced)]) -> fmt::Result {
    let mut rest = arguments;
    let mut separator = "";
    while let [(name, argument), after @ ..] = rest {
        rest = after;
        text.push_str(separator);
        separator = ", ";
        match (argument, after) {
            (Traced::Bytes(start), [(_, Traced::Number(len)), after @ ..]) => {
                rest = after;
                write_bytes(text, name, *start, *len)?;
            }
            (Traced::Bytes(start), [(_, Traced::Word(len)), after @ ..]) => {
                rest = after;
                match (start.is_null(), len.read()) {
                    (_, Err(_)) => write!(text, "{name}={start:?} with no length")?,
                    (true, _) => write!(text, "{name}=length?")?,
                    (false, Ok(len)) => write!(text, "{name}=room for {len} bytes")?,
                }
            }
            (Traced::Template(start), [(_, Traced::Number(count)), after @ ..]) => {
                rest = after;
                write!(text, "{name}=")?;
                // What is asked for has no values yet, only whatever the caller's buffers held.
                write_template(text, Attributes::new(*start, *count), *name != WANTED)?;
            }
            (argument, _) => write_argument(text, name, *argument)?,
        }
    }
    Ok(())
}

fn write_bytes(text: &mut String, name: &str, start: Pointer<u8>, len: CK_ULONG) -> fmt::Result {
    if start.is_null() { write!(text, "{name}=NULL, {len} bytes") } else { write!(text, "{name}={len} bytes") }
}

fn write_argument(text: &mut String, name: &str, argument: Traced) -> fmt::Result {
    match argument {
        Traced::Number(number) => match name {
            "user_type" => write!(text, "{name}={}", names::user_type(number)),
            "mechanism_type" => write!(text, "{name}={}", MechanismName(number)),
            "flags" => write!(text, "{name}=0x{number:x}"),
            _ => write!(text, "{name}={number}"),
        },
        Traced::Mechanism(pointer) => match CallerMechanism::read(pointer) {
            Err(_) => write!(text, "{name}=NULL"),
            Ok(mechanism) => match mechanism.parameter.len() {
                0 => write!(text, "{name}={}", MechanismName(mechanism.id)),
                len => write!(text, "{name}={} with {len} bytes of parameter", MechanismName(mechanism.id)),
            },
        },
        Traced::Bytes(pointer) => write!(text, "{name}={pointer:?}"),
        Traced::Word(pointer) => write!(text, "{name}={pointer:?}"),
        Traced::Template(pointer) => write!(text, "{name}={pointer:?}"),
        Traced::Present(true) => write!(text, "{name}=set"),
        Traced::Present(false) => write!(text, "{name}=NULL"),
    }
}

/// The numbers and attributes that the call has stored.
fn write_results(text: &mut String, arguments: &[(&'static str, Traced)]) -> fmt::Result {
    let mut rest = arguments;
    while let [(name, argument), after @ ..] = rest {
        rest = after;
        match (argument, after) {
            (Traced::Word(word), _) => {
                // Of an array of numbers the length alone is told, by the word that follows it.
                if !ARRAYS.contains(name)
                    && let Ok(number) = word.read()
                {
                    write!(text, ", {name}={number}")?;
                }
            }
            (Traced::Template(start), [(_, Traced::Number(count)), ..]) if *name == WANTED => {
                write!(text, ", {name}=")?;
                write_template(text, Attributes::new(*start, *count), true)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn write_template(text: &mut String, attributes: Attributes, with_values: bool) -> fmt::Result {
    let Ok(count) = attributes.len() else {
        return text.write_str("impossible");
    };
    text.push('{');
    for index in 0..count {
        let attribute = attributes.attribute(index);
        let len = attributes.traced_len(index);
        let separator = if index == 0 { "" } else { ", " };
        write!(text, "{separator}{attribute}")?;
        match attributes.traced_value(index) {
            _ if len == CK_UNAVAILABLE_INFORMATION => text.push_str("=unavailable"),
            Some(value) if with_values && write_value(text, attribute, value)? => {}
            _ => write!(text, "={len} bytes")?,
        }
    }
    text.write_char('}')
}

/// Writes a value that is nobody's secret; `false` if this one may be.
fn write_value(text: &mut String, attribute: AttributeType, value: &[u8]) -> Result<bool, fmt::Error> {
    let number = value.try_into().map(CK_ULONG::from_ne_bytes);
    match (attribute.0, attribute.kind(), number) {
        (CKA_CLASS, _, Ok(number)) => write!(text, "={}", names::object_class(number))?,
        (CKA_KEY_TYPE, _, Ok(number)) => write!(text, "={}", names::key_type(number))?,
        (CKA_CERTIFICATE_TYPE, _, Ok(number)) => write!(text, "={}", names::certificate_type(number))?,
        (CKA_KEY_GEN_MECHANISM | CKA_MECHANISM_TYPE, _, Ok(number)) => write!(text, "={}", MechanismName(number))?,
        (_, Some(ValueKind::Ulong), Ok(number)) => write!(text, "={number}")?,
        (_, Some(ValueKind::Flag(_)), _) => match value {
            [0] => text.push_str("=false"),
            [1] => text.push_str("=true"),
            _ => return Ok(false),
        },
        (CKA_LABEL | CKA_APPLICATION | CKA_UNIQUE_ID | CKA_START_DATE | CKA_END_DATE, _, _) => {
            let shown = value.get(..SHOWN_BYTES_MAX).unwrap_or(value);
            write!(text, "={:?}", String::from_utf8_lossy(shown))?;
        }
        (CKA_ID | CKA_OBJECT_ID, _, _) => {
            text.push('=');
            for byte in value.iter().take(SHOWN_BYTES_MAX) {
                write!(text, "{byte:02x}")?;
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The name under which `exports` has the template of `C_GetAttributeValue`.
const WANTED: &str = "wanted";
/// The names under which `exports` has arrays of numbers.
const ARRAYS: &[&str] = &["list", "objects"];
/// Of a long label or id, the beginning will do.
const SHOWN_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_may_be_secret_are_not_shown() {
        let shown = |attribute, value: &[u8]| {
            let mut text = String::new();
            write_value(&mut text, AttributeType(attribute), value).unwrap().then_some(text)
        };
        assert_eq!(shown(CKA_VALUE, &[1; 16]), None);
        assert_eq!(shown(CKA_PRIVATE_EXPONENT, &[1; 8]), None);
        assert_eq!(shown(CKA_SEED, b"seed"), None);
        assert_eq!(shown(0x8000_0001, &[1; 8]), None);
        assert_eq!(shown(CKA_CLASS, &CKO_SECRET_KEY.to_ne_bytes()).unwrap(), "=CKO_SECRET_KEY");
        assert_eq!(shown(CKA_CLASS, &[1]), None);
        assert_eq!(shown(CKA_TOKEN, &[1]).unwrap(), "=true");
        assert_eq!(shown(CKA_TOKEN, &[2]), None);
        assert_eq!(shown(CKA_LABEL, b"a\n\xff").unwrap(), "=\"a\\n\u{fffd}\"");
        assert_eq!(shown(CKA_ID, &[1, 0xab]).unwrap(), "=01ab");
        assert_eq!(shown(CKA_VALUE_LEN, &16u64.to_ne_bytes()).unwrap(), "=16");
    }
}
