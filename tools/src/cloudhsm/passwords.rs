//! Passwords that are asked for and not shown.

use zeroize::Zeroizing;

use super::results::Refusal;
use crate::terminal;

/// Asks for a password; `instead` says how one is given where nobody can be asked.
///
/// # Errors
/// [`Refusal::Unasked`] where standard input is no terminal; a person who gives up.
pub(crate) fn ask(question: &str, instead: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    if !terminal::is_interactive() {
        return Err(Refusal::Unasked(unasked(instead)));
    }
    terminal::ask_secret(question).map_err(|failure| Refusal::Said(format!("Error: {}", failure.message())))
}

/// What is said where nobody can be asked.
pub(crate) fn unasked(instead: &str) -> String {
    format!("the password is needed, and standard input is no terminal to ask on; {instead}")
}

/// What is said of a run that ends there: its next line may be the password that was asked for, and no line that is
/// refused may show it.
pub(crate) const REST_UNREAD: &str = "the lines that follow are not run: the next one may be the password";
