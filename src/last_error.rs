//! The calling thread's last error in words (`SR_GetLastErrorText`): the function, the return value and the reason, as
//! the trace tells them, without secrets.
//!
//! A success leaves it alone, as it does `errno`, and costs nothing here. The text lies in the thread's own storage and
//! needs no destructor, which a module that can be unloaded must not leave with a thread.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use strongroom_core::error::Error;
use strongroom_core::names;
use strongroom_core::session::Output;

use crate::failure::Failure;

/// A text that is cut where its place ends.
struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

thread_local! {
    static LAST: RefCell<Text> = const { RefCell::new(Text { bytes: [0; TEXT_BYTES_MAX], len: 0 }) };
}

/// Keeps why a call of this thread failed.
pub(crate) fn record(function: &str, failure: &Failure) {
    LAST.with(|last| {
        if let Ok(mut text) = last.try_borrow_mut() {
            text.len = 0;
            // A text that is cut is not worth another error.
            _ = write!(text, "{function}: {}: {failure}", names::return_value(failure.rv()));
        }
    });
}

/// Gives the text of this thread's last error, without an end mark; nothing where there was none.
///
/// # Errors
/// [`Error::BufferTooSmall`].
pub(crate) fn read(output: Output<'_>) -> Result<usize, Error> {
    LAST.with(|last| {
        let text = last.try_borrow().map_err(|_| Error::HostMemory)?;
        let text = text.bytes.get(..text.len).unwrap_or_default();
        if let Output::Buffer(buffer) = output {
            let place = buffer.get_mut(..text.len()).ok_or(Error::BufferTooSmall { needed: text.len() })?;
            place.copy_from_slice(text);
        }
        Ok(text.len())
    })
}

impl fmt::Write for Text {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        let mut len = more.len().min(room.len());
        while !more.is_char_boundary(len) {
            len -= 1;
        }
        for (place, byte) in room.iter_mut().zip(more.bytes().take(len)) {
            *place = byte;
        }
        self.len += len;
        if len == more.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

/// No text of an error is longer, but for those that name long paths.
const TEXT_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let mut buffer = vec![0; read(Output::Length).unwrap()];
        let len = read(Output::Buffer(&mut buffer)).unwrap();
        assert_eq!(len, buffer.len());
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn each_thread_has_its_own_last_error() {
        assert_eq!(text(), "");
        record("C_Sign", &Error::ApprovalsMissing { needed: 2, given: 1 }.into());
        assert!(text().starts_with("C_Sign: CKR_FUNCTION_REJECTED: this takes the approval of 2 users"));
        std::thread::spawn(|| assert_eq!(text(), "")).join().unwrap();
        record("C_Finalize", &Failure::NotInitialized);
        assert_eq!(text(), "C_Finalize: CKR_CRYPTOKI_NOT_INITIALIZED: this process has not called C_Initialize");
        let short = read(Output::Buffer(&mut [0; 5]));
        assert!(matches!(short, Err(Error::BufferTooSmall { needed }) if needed == text().len()));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        record("C_Sign", &Error::Device("é".repeat(1000)).into());
        let long = text();
        assert!((TEXT_BYTES_MAX - 1..=TEXT_BYTES_MAX).contains(&long.len()) && long.ends_with('é'));
    }

    #[test]
    fn nothing_is_left_to_do_at_the_end_of_a_thread() {
        assert!(!std::mem::needs_drop::<RefCell<Text>>());
    }
}
