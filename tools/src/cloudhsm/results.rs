//! Result codes: what they are, what they say, and which of the core's errors each stands for.

use std::fmt;

use strongroom_core::attribute::{AttributeType, CKA_SR_SHARED_WITH};
use strongroom_core::error::Error;
use strongroom_core::token::Token;

use super::users::unlocking;

/// A result code. It displays as the text that stands behind it in result lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(u32);

/// Why a command did nothing, or not all.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It was not typed as it must be: its help says how, after a line that says what is wrong.
    Misuse(String),
    /// The same, where scripts know the help alone: the person is told what is wrong.
    Mistyped(String),
    /// The tool itself refuses or fails, in these words.
    Said(String),
    /// A password was to be asked for, and there is nobody to ask.
    Unasked(String),
    /// A call returned a code.
    Returned(Returned),
    /// All is said already.
    Told,
}

/// A code that a call returned.
#[derive(Debug)]
pub(crate) struct Returned {
    /// The code.
    pub(crate) code: Code,
    /// The call, where it is not the command's own.
    pub(crate) call: Option<&'static str>,
    /// What is to be known beyond the code's text.
    pub(crate) reason: String,
    /// Whether the HSM said so, and not the tool before it asked.
    pub(crate) from_hsm: bool,
}

impl Refusal {
    /// The command's help, after this line.
    pub(crate) fn misuse(line: impl Into<String>) -> Refusal {
        Refusal::Misuse(line.into())
    }

    /// The command's help, and these words to the person.
    pub(crate) fn mistyped(reason: impl Into<String>) -> Refusal {
        Refusal::Mistyped(reason.into())
    }

    /// A value that an option does not take; `taken` says which it takes.
    pub(crate) fn value(name: &str, taken: &str, given: impl fmt::Display) -> Refusal {
        Refusal::Mistyped(format!("{name} takes {taken}, not {given}"))
    }

    /// A code that the tool gives before the HSM is asked.
    pub(crate) fn before(code: Code, reason: impl Into<String>) -> Refusal {
        Refusal::Returned(Returned { code, call: None, reason: reason.into(), from_hsm: false })
    }

    /// A code of the HSM's.
    pub(crate) fn code(code: Code, reason: impl Into<String>) -> Refusal {
        Refusal::Returned(Returned { code, call: None, reason: reason.into(), from_hsm: true })
    }

    /// A login of `name` that the core refuses. Of users who do not exist logins have a code of their own.
    pub(crate) fn of_login(token: &Token, name: &str, error: &Error) -> Refusal {
        let code = match error {
            Error::NoSuchUser(_) => Code::USER_NOT_INITIALIZED,
            other => Code::of(other),
        };
        let reason = unlocking(token, name, error).unwrap_or_else(|| words(error));
        Refusal::code(code, reason)
    }

    /// The same, of this call.
    pub(crate) fn of(self, call: &'static str) -> Refusal {
        match self {
            Refusal::Returned(returned) => Refusal::Returned(Returned { call: Some(call), ..returned }),
            other => other,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::code(Code::of(&error), words(&error))
    }
}

/// What the core says, in the words of these tools: they have passwords where PKCS#11 has PINs.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::PinNotSet => "the user has no password yet; an officer sets it".to_owned(),
        Error::PinWrong | Error::PinLength { .. } | Error::PinInvalid(_) | Error::PinLocked => {
            error.to_string().replace("PIN", "password")
        }
        // Whom a key is shared with is no attribute of these tools.
        Error::AttributeValue { attribute: AttributeType(CKA_SR_SHARED_WITH), reason } => (*reason).to_owned(),
        _ => error.to_string(),
    }
}

impl Code {
    /// Done.
    pub(crate) const SUCCESS: Code = Code(0x00);
    /// A signature that does not verify.
    pub(crate) const BAD_PKCS_DATA: Code = Code(0x1b);
    /// No more sessions.
    pub(crate) const SESSIONS: Code = Code(0x8c);
    /// A user without a password, or none of this name.
    pub(crate) const USER_NOT_INITIALIZED: Code = Code(0x9d);
    /// A wrong password, or a locked user.
    pub(crate) const LOGIN_FAILURE: Code = Code(0xa3);
    /// No such object for this caller.
    pub(crate) const INVALID_HANDLE: Code = Code(0xa8);
    /// The policy forbids it.
    pub(crate) const POLICY: Code = Code(0xb3);
    /// Visible, but not this caller's to do this with.
    pub(crate) const ACCESS_DENIED: Code = Code(0xc6);
    /// No user has this number.
    pub(crate) const NO_USER: Code = Code(0xce);
    /// Another type of user is needed.
    pub(crate) const USER_TYPE: Code = Code(0xdb);
    /// The token is full.
    pub(crate) const FULL: Code = Code(0xe0);
    /// A size that keys of the type do not have.
    pub(crate) const KEY_SIZE: Code = Code(0xe1);
    /// Another key has the identifier.
    pub(crate) const ID_NOT_UNIQUE: Code = Code(0xe2);
    /// The owner is among those a key is to be shared with.
    pub(crate) const SHARED_WITH_OWNER: Code = Code(0xe3);
    /// Fewer users than approvals.
    pub(crate) const TOO_FEW_USERS: Code = Code(0xe4);
    /// Nobody is logged in.
    pub(crate) const NOT_LOGGED_IN: Code = Code(0xe5);
    /// The key stays inside.
    pub(crate) const NOT_EXTRACTABLE: Code = Code(0xe6);
    /// The key is not for this function.
    pub(crate) const KEY_FUNCTION: Code = Code(0xe7);
    /// The key is of another type.
    pub(crate) const KEY_TYPE: Code = Code(0xe8);
    /// Data that is not what it must be: a wrapped key, a ciphertext.
    pub(crate) const BAD_DATA: Code = Code(0xe9);
    /// Data of an impossible length.
    pub(crate) const DATA_LENGTH: Code = Code(0xea);
    /// An attribute the key does not have, or not with this value.
    pub(crate) const ATTRIBUTE: Code = Code(0xeb);
    /// The mechanism does not exist.
    pub(crate) const MECHANISM: Code = Code(0xec);
    /// Somebody is logged in already.
    pub(crate) const ALREADY_LOGGED_IN: Code = Code(0xed);
    /// The store cannot be read or written.
    pub(crate) const STORE: Code = Code(0xee);
    /// Too few users approved.
    pub(crate) const QUORUM: Code = Code(0xf0);
    /// A quorum token, or an approval of one, that is not good.
    pub(crate) const APPROVAL: Code = Code(0xf1);
    /// The officer's password is still the published one.
    pub(crate) const NOT_ACTIVATED: Code = Code(0xf2);
    /// A name or a password that cannot be one.
    pub(crate) const USER_INPUT: Code = Code(0xf3);
    /// No such certificate, or one that is not good.
    pub(crate) const CERTIFICATE: Code = Code(0xf4);
    /// Everything else.
    pub(crate) const FAILED: Code = Code(0xef);

    /// The code with this number.
    pub(crate) fn new(number: u32) -> Code {
        Code(number)
    }

    /// Its number.
    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// Its own text, if there is such a code.
    pub(crate) fn text(self) -> Option<&'static str> {
        TEXTS.iter().find(|(code, _)| *code == self).map(|(_, text)| *text)
    }

    /// The one table from the core's errors to codes.
    pub(crate) fn of(error: &Error) -> Code {
        match error {
            Error::PinWrong | Error::PinLocked => Code::LOGIN_FAILURE,
            Error::PinNotSet => Code::USER_NOT_INITIALIZED,
            Error::UserName(_) | Error::PinLength { .. } | Error::PinInvalid(_) => Code::USER_INPUT,
            Error::NoSuchUser(_) => Code::NO_USER,
            Error::NotLoggedIn | Error::ContextLogin(_) => Code::NOT_LOGGED_IN,
            Error::AlreadyLoggedIn | Error::AnotherUserLoggedIn => Code::ALREADY_LOGGED_IN,
            Error::TooManySessions => Code::SESSIONS,
            Error::NoObject(_)
            | Error::NoKey(_)
            | Error::WrappingKeyHandle(_)
            | Error::UnwrappingKeyHandle(_)
            | Error::NoSession(_) => Code::INVALID_HANDLE,
            Error::NotOwner => Code::ACCESS_DENIED,
            Error::Prohibited(_) | Error::MechanismLeftOut(..) | Error::CurveLeftOut(_) | Error::KeyLeftOut(_) => {
                Code::POLICY
            }
            Error::ApprovalsMissing { .. } => Code::QUORUM,
            Error::Approval(_) => Code::APPROVAL,
            Error::IdTaken(_) => Code::ID_NOT_UNIQUE,
            Error::NotActivated => Code::NOT_ACTIVATED,
            Error::TokenFull(_) | Error::HostMemory => Code::FULL,
            Error::KeySize { .. } | Error::WrappingKeySize { .. } | Error::UnwrappingKeySize { .. } => Code::KEY_SIZE,
            Error::KeyUnextractable(_) | Error::AttributeSensitive(_) => Code::NOT_EXTRACTABLE,
            Error::KeyNotPermitted(_) | Error::MechanismNotAllowed(_) | Error::KeyNotWrappable(_) => Code::KEY_FUNCTION,
            Error::KeyType(_)
            | Error::WrappingKeyType(_)
            | Error::UnwrappingKeyType(_)
            | Error::CurveNotSupported
            | Error::ParameterSetNotSupported
            | Error::KeyIndigestible => Code::KEY_TYPE,
            Error::SignatureInvalid | Error::SignatureLength => Code::BAD_PKCS_DATA,
            Error::WrappedKeyInvalid
            | Error::MaskedObject(_)
            | Error::EncryptedDataInvalid
            | Error::AeadDecryption
            | Error::DataInvalid
            | Error::PublicKeyInvalid(_)
            | Error::DomainParameters(_) => Code::BAD_DATA,
            Error::WrappedKeyLength | Error::EncryptedDataLength | Error::DataLength => Code::DATA_LENGTH,
            Error::AttributeReadOnly(_)
            | Error::AttributeUnknown(_)
            | Error::AttributeValue { .. }
            | Error::TemplateIncomplete(_)
            | Error::TemplateInconsistent { .. } => Code::ATTRIBUTE,
            Error::MechanismInvalid(_) | Error::MechanismParameter(_) => Code::MECHANISM,
            Error::WriteProtected(_)
            | Error::Damaged(_)
            | Error::Device(_)
            | Error::Busy(_)
            | Error::TokenDeleted
            | Error::TokenUnreadable(_) => Code::STORE,
            _ => Code::FAILED,
        }
    }
}

/// The text of a result line: whose it is, then the code's own.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text().unwrap_or("Unknown error");
        match self.0 {
            0 => write!(f, "HSM Return: {text}"),
            1..0x80 => write!(f, "CSP Error: {text}"),
            0x80..0x3000_0000 => write!(f, "HSM Error: {text}"),
            _ => write!(f, "HSM CLUSTER ERROR: {text}"),
        }
    }
}

/// Every code and its text. Those up to 0xdb and the last are CloudHSM's; 0xe0 to 0xff are ours.
static TEXTS: &[(Code, &str)] = &[
    (Code::SUCCESS, "SUCCESS"),
    (Code::BAD_PKCS_DATA, "ERR_BAD_PKCS_DATA"),
    (Code::SESSIONS, "Already maximum number of sessions are issued"),
    (Code::USER_NOT_INITIALIZED, "User is not initialized or there is no user with this name"),
    (Code::LOGIN_FAILURE, "RET_USER_LOGIN_FAILURE"),
    (Code::INVALID_HANDLE, "Invalid object handle is passed to this operation"),
    (Code::POLICY, "This operation violates the current configured/FIPS policies"),
    (Code::ACCESS_DENIED, "Key Access is denied"),
    (Code::NO_USER, "This user does not exist"),
    (Code::USER_TYPE, "Invalid User Type"),
    (Code::FULL, "No room for more keys or users"),
    (Code::KEY_SIZE, "Invalid key size"),
    (Code::ID_NOT_UNIQUE, "Key ID is not unique"),
    (Code::SHARED_WITH_OWNER, "A key cannot be shared with its owner"),
    (Code::TOO_FEW_USERS, "Fewer users are associated with the key than m_value asks for"),
    (Code::NOT_LOGGED_IN, "No user is logged in"),
    (Code::NOT_EXTRACTABLE, "Key is not extractable"),
    (Code::KEY_FUNCTION, "Key does not permit this operation"),
    (Code::KEY_TYPE, "Key type does not fit this operation"),
    (Code::BAD_DATA, "Data is not valid for this operation"),
    (Code::DATA_LENGTH, "Invalid data length"),
    (Code::ATTRIBUTE, "Key has no such attribute, or not with this value"),
    (Code::MECHANISM, "Invalid mechanism or parameter"),
    (Code::ALREADY_LOGGED_IN, "A user is logged in already"),
    (Code::STORE, "Token storage cannot be read or written"),
    (Code::FAILED, "Operation failed"),
    (Code::QUORUM, "RET_MXN_AUTH_FAILED"),
    (Code::APPROVAL, "Quorum token or approval is not valid"),
    (Code::NOT_ACTIVATED, "The officer is not activated"),
    (Code::USER_INPUT, "ERR_INVALID_USER_INPUT"),
    (Code::CERTIFICATE, "Certificate does not exist or is not valid"),
    (Code(0x3000_0085), "Server in cluster is unavailable"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_text_and_texts_are_in_order() {
        for pair in TEXTS.windows(2) {
            assert!(pair[0].0.0 < pair[1].0.0, "{:?}", pair[1]);
        }
        assert_eq!(
            Code::of(&Error::NoKey(9)).to_string(),
            "HSM Error: Invalid object handle is passed to this operation"
        );
        assert_eq!(Code::of(&Error::SignatureInvalid).to_string(), "CSP Error: ERR_BAD_PKCS_DATA");
        assert_eq!(Code::SUCCESS.to_string(), "HSM Return: SUCCESS");
        assert_eq!(Code::new(0x3000_0085).to_string(), "HSM CLUSTER ERROR: Server in cluster is unavailable");
        assert_eq!(Code::new(0x77).to_string(), "CSP Error: Unknown error");
    }
}
