//! Why a command was refused or failed, as one line for a person or one JSON object for a program.

use std::io::Write;
use std::process::ExitCode;

use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::error::Error;
use strongroom_core::names::return_value;

/// A refusal: what is said, under which code, and with which exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    code: CK_RV,
    message: String,
}

/// Whose approvals an operation takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Approvals {
    /// Those of a key's users.
    OfKey,
    /// Officers'.
    OfOfficers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The request was understood and refused, or failed.
    Refused,
    /// The request itself is wrong.
    Usage,
}

impl Failure {
    /// A request that makes no sense, whatever tokens and files hold: exit code 2.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Usage, code: CKR_ARGUMENTS_BAD, message: message.into() }
    }

    /// A request that was refused for a reason of the tool's own; `code` is the standard's closest return value.
    pub(crate) fn refused(code: u64, message: impl Into<String>) -> Failure {
        Failure { kind: Kind::Refused, code, message: message.into() }
    }

    /// Reading or writing something that is not the token's failed.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Failure {
        Failure::refused(CKR_FUNCTION_FAILED, format!("{what}: {error}"))
    }

    /// The same failure, saying first what it is about.
    pub(crate) fn about(self, subject: &str) -> Failure {
        Failure { message: format!("{subject}: {}", self.message), ..self }
    }

    /// The same failure, saying last what to do about it.
    pub(crate) fn advise(self, advice: &str) -> Failure {
        Failure { message: format!("{}; {advice}", self.message), ..self }
    }

    /// The same failure; where it is that approvals are missing, saying last which programs ask for and bring them:
    /// this one does not.
    pub(crate) fn advise_approvals(self, of: Approvals) -> Failure {
        if !self.is(CKR_FUNCTION_REJECTED) {
            return self;
        }
        self.advise(match of {
            Approvals::OfKey => {
                "ask for approvals and bring them with key_mgmt_util (getToken, approveToken) as the same user, then give \
                 this command again; or use cloudhsm-cli ('quorum token-sign generate --service key-management', then its \
                 'key' commands with --approval)"
            }
            Approvals::OfOfficers => {
                "ask for approvals and bring them with cloudhsm_mgmt_util (getToken, approveToken) as the same officer, \
                 then give this command again; or use cloudhsm-cli ('quorum token-sign generate --service user', then its \
                 'user' commands with --approval)"
            }
        })
    }

    /// The same failure, of a request that makes no sense for what a file holds: exit code 1.
    pub(crate) fn of_file(self) -> Failure {
        Failure { kind: Kind::Refused, ..self }
    }

    /// What is said.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether this is the standard's return value `code`.
    pub(crate) fn is(&self, code: u64) -> bool {
        self.code == code
    }

    /// Says it on standard error and returns the exit code.
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        let line = match json {
            true => {
                let error = json!({ "code": return_value(self.code).to_string(), "message": self.message });
                crate::text::json(&json!({ "error": error }).to_string())
            }
            false => format!("strongroom: {}", crate::text::one_line(&self.message)),
        };
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
        ExitCode::from(match self.kind {
            Kind::Refused => 1,
            Kind::Usage => 2,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::refused(error.rv(), error.to_string())
    }
}

/// Puts words around a core's error.
pub(crate) trait Explain<T> {
    /// The error, saying first what it is about.
    fn about(self, subject: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: Into<Failure>> Explain<T> for Result<T, E> {
    fn about(self, subject: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| error.into().about(&subject()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        assert_eq!(Failure::from(Error::PinWrong).code, CKR_PIN_INCORRECT);
        assert_eq!(Failure::from(Error::HostMemory).code, CKR_HOST_MEMORY);
        assert_eq!(Failure::from(Error::NoSlot(3)).code, CKR_SLOT_ID_INVALID);
        assert!(Failure::from(Error::PinLocked).is(CKR_PIN_LOCKED));
        assert_eq!(Failure::usage("x").code, CKR_ARGUMENTS_BAD);
    }

    #[test]
    fn words_go_around_the_message() {
        let failure = Failure::from(Error::NoSlot(3)).about("token \"a\"").advise("list them");
        assert_eq!(failure.message(), "token \"a\": there is no slot 3; list them");
        assert_eq!(failure.kind, Kind::Refused);
    }

    #[test]
    fn missing_approvals_come_with_who_brings_them() {
        let missing = || Failure::from(Error::ApprovalsMissing { needed: 2, given: 1 });
        assert!(missing().advise_approvals(Approvals::OfKey).message().contains("(quorum); ask for approvals"));
        assert!(missing().advise_approvals(Approvals::OfOfficers).message().contains("cloudhsm_mgmt_util"));
        let other = Failure::from(Error::PinWrong);
        assert_eq!(other.advise_approvals(Approvals::OfKey).message(), Error::PinWrong.to_string());
    }
}
