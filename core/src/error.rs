//! What the core can refuse, with the evidence, and the one table from errors to PKCS#11 return values.

use std::fmt;

use cryptoki_sys::*;

use crate::attribute::AttributeType;
use crate::mechanism::MechanismName;
use crate::object::UserId;
use crate::policy::Policy;
use crate::store::{Aborted, StoreError};
use crate::text::OneLine;

/// Why a call was refused or failed. [`Error::rv`] gives the return value the standard names for it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The caller's arguments are unusable: says which.
    Arguments(&'static str),
    /// The slot does not exist.
    NoSlot(u64),
    /// The slot holds no initialised token.
    TokenNotInitialized(u64),
    /// The token cannot be read: not ours, of a later version, or damaged.
    TokenUnreadable(String),
    /// The session handle is unknown or closed.
    NoSession(u64),
    /// The application has as many sessions as [`crate::limits::SESSIONS_MAX`] allows.
    TooManySessions,
    /// The session is read-only and the call changes the token.
    SessionReadOnly,
    /// Read-only sessions exist, so the officer cannot log in.
    ReadOnlySessionsExist,
    /// The officer is logged in, so a read-only session cannot be opened.
    OfficerLoggedIn,
    /// Sessions are open on the token that is to be initialised.
    SessionsExist,
    /// The token or the medium is write-protected.
    WriteProtected(String),

    /// The PIN is wrong.
    PinWrong,
    /// The PIN is too short, too long, or not what this token takes.
    PinLength {
        /// Bytes given.
        got: usize,
        /// Fewest bytes allowed.
        min: usize,
        /// Most bytes allowed.
        max: usize,
    },
    /// The new PIN holds characters it must not.
    PinInvalid(&'static str),
    /// Too many wrong PINs: the officer must unlock the user.
    PinLocked,
    /// The user has no PIN yet.
    PinNotSet,
    /// The first officer of a fresh CloudHSM may only change its own, published password.
    NotActivated,
    /// The same user is logged in already.
    AlreadyLoggedIn,
    /// Another user is logged in.
    AnotherUserLoggedIn,
    /// Nobody, or the wrong kind of user, is logged in.
    NotLoggedIn,
    /// There is no such user.
    NoSuchUser(Sought),
    /// The user name cannot be used.
    UserName(&'static str),
    /// A context-specific login is needed before the operation, or was given without one.
    ContextLogin(&'static str),

    /// The object handle is unknown, destroyed, or not visible to this caller.
    NoObject(u64),
    /// The key handle is unknown, destroyed, or not visible to this caller.
    NoKey(u64),
    /// The object or the token's rules forbid the action.
    Prohibited(&'static str),
    /// Only the owner may do this with the object, and the caller merely shares it.
    NotOwner,
    /// Too few users approved of this use of the object.
    ApprovalsMissing {
        /// How many it takes.
        needed: u8,
        /// The most that approved of one quorum token for it.
        given: u8,
    },
    /// The key with this number has the same `CKA_ID`, and identifiers were to be unique.
    IdTaken(u64),
    /// A quorum token, or an approval of one, is not good: says why.
    Approval(&'static str),
    /// The attribute can never be given or changed here.
    AttributeReadOnly(AttributeType),
    /// The attribute is sensitive and stays inside.
    AttributeSensitive(AttributeType),
    /// The attribute does not exist for this object.
    AttributeUnknown(AttributeType),
    /// The attribute's value is not possible.
    AttributeValue {
        /// Which attribute.
        attribute: AttributeType,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// A required attribute is missing.
    TemplateIncomplete(AttributeType),
    /// Attributes of the template contradict each other, the mechanism or the object.
    TemplateInconsistent {
        /// Which attribute, or one of them.
        attribute: AttributeType,
        /// What contradicts it.
        reason: &'static str,
    },

    /// The mechanism does not exist, or not for this function.
    MechanismInvalid(MechanismName),
    /// The token's policy leaves the mechanism out, or this function of it.
    MechanismLeftOut(MechanismName, Policy),
    /// The key's `CKA_ALLOWED_MECHANISMS` does not name the mechanism.
    MechanismNotAllowed(MechanismName),
    /// The mechanism's parameter is unusable.
    MechanismParameter(&'static str),
    /// The key's type does not fit the mechanism.
    KeyType(MechanismName),
    /// The key's or the requested key's size does not fit the mechanism.
    KeySize {
        /// Bytes.
        got: usize,
    },
    /// The key's attributes do not permit this function or mechanism.
    KeyNotPermitted(&'static str),
    /// The key cannot be digested.
    KeyIndigestible,
    /// A public key that is no sound key of its kind.
    PublicKeyInvalid(&'static str),
    /// Domain parameters that are not sound.
    DomainParameters(&'static str),
    /// The curve is not one of those offered.
    CurveNotSupported,
    /// The token's policy does not approve of the curve.
    CurveLeftOut(Policy),
    /// The token's policy keeps no keys of this type, because it offers nothing for them.
    KeyLeftOut(Policy),
    /// The parameter set is not one of those offered.
    ParameterSetNotSupported,

    /// The key to be wrapped is not extractable.
    KeyUnextractable(&'static str),
    /// The key to be wrapped is not one this mechanism or this wrapping key wraps.
    KeyNotWrappable(&'static str),
    /// The wrapping key is unknown, destroyed, or not visible to this caller.
    WrappingKeyHandle(u64),
    /// The wrapping key's type does not fit the mechanism.
    WrappingKeyType(MechanismName),
    /// The wrapping key's size does not fit the mechanism.
    WrappingKeySize {
        /// Bytes.
        got: usize,
    },
    /// The wrapping key is weaker than the key to be wrapped, in bits of strength.
    WrappingKeyWeak {
        /// The wrapping key's.
        bits: u32,
        /// The wrapped key's.
        needed: u32,
    },
    /// The unwrapping key is unknown, destroyed, or not visible to this caller.
    UnwrappingKeyHandle(u64),
    /// The unwrapping key's type does not fit the mechanism.
    UnwrappingKeyType(MechanismName),
    /// The unwrapping key's size does not fit the mechanism.
    UnwrappingKeySize {
        /// Bytes.
        got: usize,
    },
    /// A wrapped key that is no sound key: one error for every cause.
    WrappedKeyInvalid,
    /// No masked object of this token: says why.
    MaskedObject(&'static str),
    /// A wrapped key of an impossible length.
    WrappedKeyLength,

    /// An operation of this kind is active already.
    OperationActive,
    /// No operation of this kind is active.
    OperationNotInitialized,
    /// The operation cannot be cancelled.
    OperationCancelFailed,
    /// The output buffer is too small; nothing was consumed.
    BufferTooSmall {
        /// Bytes needed.
        needed: usize,
    },
    /// Plaintext of an impossible length.
    DataLength,
    /// Data of an impossible kind.
    DataInvalid,
    /// Ciphertext of an impossible length.
    EncryptedDataLength,
    /// Ciphertext that does not decrypt: one error for every cause.
    EncryptedDataInvalid,
    /// A message whose tag is wrong: one error for every cause.
    AeadDecryption,
    /// A signature or MAC of an impossible length.
    SignatureLength,
    /// A signature or MAC that does not verify.
    SignatureInvalid,
    /// A saved state that is not one of ours, or of something else.
    SavedStateInvalid,
    /// The operation's state cannot be saved.
    StateUnsaveable,
    /// Restoring the state needs a key that was not given.
    KeyNeeded,
    /// Restoring the state needs no key, but one was given.
    KeyNotNeeded,
    /// The key given is not the one the state was saved with.
    KeyChanged,
    /// The token's random number generator takes no seed of this kind.
    SeedNotSupported,
    /// The function is not offered.
    NotSupported,
    /// Nothing has happened to any slot.
    NoEvent,

    /// The token's memory, quota or disk is exhausted.
    TokenFull(String),
    /// The process's memory is exhausted.
    HostMemory,
    /// The store or a record in it is damaged: says what.
    Damaged(String),
    /// The token was deleted while it was in use.
    TokenDeleted,
    /// Reading or writing the store failed: says what.
    Device(String),
    /// Something else holds what the call needs, for too long.
    Busy(String),
    /// The configuration cannot be used: names the file, the line and the key.
    Configuration(String),
    /// The crypto library failed where it cannot.
    Library(strongroom_crypto::Error),
}

/// A user who is not there, as he was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// By name.
    Name(String),
    /// By number.
    Number(UserId),
    /// By number, among those who own and use keys.
    CryptoUser(UserId),
    /// By a user type of PKCS#11 (`CKU_...`).
    Type(u64),
}

impl Error {
    /// The return value of the standard for this error (PKCS#11 3.2 §5.1).
    pub fn rv(&self) -> CK_RV {
        match self {
            Error::Arguments(_) => CKR_ARGUMENTS_BAD,
            Error::NoSlot(_) => CKR_SLOT_ID_INVALID,
            Error::TokenNotInitialized(_) => CKR_TOKEN_NOT_RECOGNIZED,
            Error::TokenUnreadable(_) => CKR_TOKEN_NOT_RECOGNIZED,
            Error::NoSession(_) => CKR_SESSION_HANDLE_INVALID,
            Error::TooManySessions => CKR_SESSION_COUNT,
            Error::SessionReadOnly => CKR_SESSION_READ_ONLY,
            Error::ReadOnlySessionsExist => CKR_SESSION_READ_ONLY_EXISTS,
            Error::OfficerLoggedIn => CKR_SESSION_READ_WRITE_SO_EXISTS,
            Error::SessionsExist => CKR_SESSION_EXISTS,
            Error::WriteProtected(_) => CKR_TOKEN_WRITE_PROTECTED,
            Error::PinWrong => CKR_PIN_INCORRECT,
            Error::PinLength { .. } => CKR_PIN_LEN_RANGE,
            Error::PinInvalid(_) => CKR_PIN_INVALID,
            Error::PinLocked => CKR_PIN_LOCKED,
            Error::PinNotSet => CKR_USER_PIN_NOT_INITIALIZED,
            // "The operation cannot be carried out unless C_SetPIN is called" (PKCS#11, meaning of CKR_PIN_EXPIRED).
            Error::NotActivated => CKR_PIN_EXPIRED,
            Error::AlreadyLoggedIn => CKR_USER_ALREADY_LOGGED_IN,
            Error::AnotherUserLoggedIn => CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
            Error::NotLoggedIn => CKR_USER_NOT_LOGGED_IN,
            Error::NoSuchUser(_) => CKR_USER_TYPE_INVALID,
            Error::UserName(_) => CKR_ARGUMENTS_BAD,
            Error::ContextLogin(_) => CKR_USER_NOT_LOGGED_IN,
            Error::NoObject(_) => CKR_OBJECT_HANDLE_INVALID,
            Error::NoKey(_) => CKR_KEY_HANDLE_INVALID,
            Error::Prohibited(_) | Error::NotOwner => CKR_ACTION_PROHIBITED,
            Error::ApprovalsMissing { .. } | Error::Approval(_) => CKR_FUNCTION_REJECTED,
            Error::AttributeReadOnly(_) => CKR_ATTRIBUTE_READ_ONLY,
            Error::AttributeSensitive(_) => CKR_ATTRIBUTE_SENSITIVE,
            Error::AttributeUnknown(_) => CKR_ATTRIBUTE_TYPE_INVALID,
            Error::AttributeValue { .. } | Error::KeyLeftOut(_) | Error::IdTaken(_) => CKR_ATTRIBUTE_VALUE_INVALID,
            Error::TemplateIncomplete(_) => CKR_TEMPLATE_INCOMPLETE,
            Error::TemplateInconsistent { .. } => CKR_TEMPLATE_INCONSISTENT,
            Error::MechanismInvalid(_) | Error::MechanismLeftOut(..) | Error::MechanismNotAllowed(_) => {
                CKR_MECHANISM_INVALID
            }
            Error::MechanismParameter(_) => CKR_MECHANISM_PARAM_INVALID,
            Error::KeyType(_) => CKR_KEY_TYPE_INCONSISTENT,
            Error::KeySize { .. } => CKR_KEY_SIZE_RANGE,
            Error::KeyNotPermitted(_) => CKR_KEY_FUNCTION_NOT_PERMITTED,
            Error::KeyIndigestible => CKR_KEY_INDIGESTIBLE,
            Error::PublicKeyInvalid(_) => CKR_PUBLIC_KEY_INVALID,
            Error::DomainParameters(_) => CKR_DOMAIN_PARAMS_INVALID,
            Error::CurveNotSupported | Error::CurveLeftOut(_) => CKR_CURVE_NOT_SUPPORTED,
            Error::ParameterSetNotSupported => CKR_PARAMETER_SET_NOT_SUPPORTED,
            Error::KeyUnextractable(_) => CKR_KEY_UNEXTRACTABLE,
            Error::KeyNotWrappable(_) => CKR_KEY_NOT_WRAPPABLE,
            Error::WrappingKeyHandle(_) => CKR_WRAPPING_KEY_HANDLE_INVALID,
            Error::WrappingKeyType(_) => CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
            Error::WrappingKeySize { .. } | Error::WrappingKeyWeak { .. } => CKR_WRAPPING_KEY_SIZE_RANGE,
            Error::UnwrappingKeyHandle(_) => CKR_UNWRAPPING_KEY_HANDLE_INVALID,
            Error::UnwrappingKeyType(_) => CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
            Error::UnwrappingKeySize { .. } => CKR_UNWRAPPING_KEY_SIZE_RANGE,
            Error::WrappedKeyInvalid | Error::MaskedObject(_) => CKR_WRAPPED_KEY_INVALID,
            Error::WrappedKeyLength => CKR_WRAPPED_KEY_LEN_RANGE,
            Error::OperationActive => CKR_OPERATION_ACTIVE,
            Error::OperationNotInitialized => CKR_OPERATION_NOT_INITIALIZED,
            Error::OperationCancelFailed => CKR_OPERATION_CANCEL_FAILED,
            Error::BufferTooSmall { .. } => CKR_BUFFER_TOO_SMALL,
            Error::DataLength => CKR_DATA_LEN_RANGE,
            Error::DataInvalid => CKR_DATA_INVALID,
            Error::EncryptedDataLength => CKR_ENCRYPTED_DATA_LEN_RANGE,
            Error::EncryptedDataInvalid => CKR_ENCRYPTED_DATA_INVALID,
            Error::AeadDecryption => CKR_AEAD_DECRYPT_FAILED,
            Error::SignatureLength => CKR_SIGNATURE_LEN_RANGE,
            Error::SignatureInvalid => CKR_SIGNATURE_INVALID,
            Error::SavedStateInvalid => CKR_SAVED_STATE_INVALID,
            Error::StateUnsaveable => CKR_STATE_UNSAVEABLE,
            Error::KeyNeeded => CKR_KEY_NEEDED,
            Error::KeyNotNeeded => CKR_KEY_NOT_NEEDED,
            Error::KeyChanged => CKR_KEY_CHANGED,
            Error::SeedNotSupported => CKR_RANDOM_SEED_NOT_SUPPORTED,
            Error::NotSupported => CKR_FUNCTION_NOT_SUPPORTED,
            Error::NoEvent => CKR_NO_EVENT,
            Error::TokenFull(_) => CKR_DEVICE_MEMORY,
            Error::HostMemory => CKR_HOST_MEMORY,
            Error::TokenDeleted => CKR_DEVICE_REMOVED,
            Error::Damaged(_) | Error::Device(_) | Error::Library(_) => CKR_DEVICE_ERROR,
            Error::Busy(_) | Error::Configuration(_) => CKR_FUNCTION_FAILED,
        }
    }
}

/// On one line, whatever names and texts of the caller's it tells of.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(&mut OneLine(f))
    }
}

impl Error {
    fn tell(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Error::Arguments(what) => write!(f, "{what}"),
            Error::NoSlot(slot) => write!(f, "there is no slot {slot}"),
            Error::TokenNotInitialized(slot) => write!(f, "the token in slot {slot} is not initialised"),
            Error::TokenUnreadable(text) => write!(f, "{text}"),
            Error::NoSession(handle) => write!(f, "there is no session {handle}"),
            Error::TooManySessions => write!(f, "the application has too many open sessions"),
            Error::SessionReadOnly => write!(f, "the session is read-only"),
            Error::ReadOnlySessionsExist => write!(f, "close the read-only sessions before the officer logs in"),
            Error::OfficerLoggedIn => write!(f, "no read-only session while the officer is logged in"),
            Error::SessionsExist => write!(f, "close the sessions on this token first"),
            Error::PinWrong => write!(f, "the PIN is wrong"),
            Error::PinLength { got, min, max } => write!(f, "the PIN has {got} bytes, {min} to {max} are allowed"),
            Error::PinInvalid(why) => write!(f, "the PIN is not usable: {why}"),
            Error::PinLocked => {
                write!(f, "the user is locked after too many wrong PINs")
            }
            Error::PinNotSet => write!(f, "the user has no PIN yet; the officer sets it (C_InitPIN)"),
            Error::NotActivated => write!(
                f,
                "the officer is not activated: its password is still the published one, and changing that is all it may do"
            ),
            Error::AlreadyLoggedIn => write!(f, "this user is logged in already"),
            Error::AnotherUserLoggedIn => write!(f, "another user is logged in; log out first"),
            Error::NotLoggedIn => write!(f, "log in first"),
            Error::NoSuchUser(Sought::Name(name)) => write!(f, "there is no user \"{name}\""),
            Error::NoSuchUser(Sought::Number(id)) => write!(f, "there is no user with number {}", id.0),
            Error::NoSuchUser(Sought::CryptoUser(id)) => write!(f, "there is no crypto user with number {}", id.0),
            Error::NoSuchUser(Sought::Type(user_type)) => write!(f, "there is no user of type {user_type}"),
            Error::UserName(why) => write!(f, "the user name is not usable: {why}"),
            Error::ContextLogin(why) => write!(f, "{why}"),
            Error::NoObject(handle) => write!(f, "there is no object {handle} for this caller"),
            Error::NoKey(handle) => write!(f, "there is no key {handle} for this caller"),
            Error::Prohibited(why) | Error::Approval(why) => write!(f, "{why}"),
            Error::IdTaken(number) => write!(f, "another key has this CKA_ID: key {number}"),
            Error::NotOwner => write!(f, "the object belongs to another user"),
            Error::ApprovalsMissing { needed, given } => {
                let missing = needed.saturating_sub(*given);
                let users = if *needed == 1 { "user" } else { "users" };
                write!(f, "this takes the approval of {needed} {users}; {given} approved, {missing} missing (quorum)")
            }
            Error::AttributeReadOnly(attribute) => write!(f, "{attribute} cannot be given or changed here"),
            Error::AttributeSensitive(attribute) => write!(f, "{attribute} is sensitive and stays inside"),
            Error::AttributeUnknown(attribute) => write!(f, "this object has no {attribute}"),
            Error::AttributeValue { attribute, reason } => write!(f, "{attribute}: {reason}"),
            Error::TemplateIncomplete(attribute) => write!(f, "the template needs {attribute}"),
            Error::TemplateInconsistent { attribute, reason } => write!(f, "{attribute}: {reason}"),
            Error::MechanismInvalid(mechanism) => write!(f, "{mechanism} is not offered for this function"),
            Error::MechanismLeftOut(mechanism, policy) => {
                write!(f, "the token's policy ({policy}) leaves {mechanism} out for this function")
            }
            Error::MechanismNotAllowed(mechanism) => {
                write!(f, "the key's CKA_ALLOWED_MECHANISMS does not name {mechanism}")
            }
            Error::MechanismParameter(why) => write!(f, "the mechanism's parameter: {why}"),
            Error::KeyType(mechanism) => write!(f, "the key's type does not fit {mechanism}"),
            Error::KeySize { got } => write!(f, "a key of {got} bytes does not fit the mechanism"),
            Error::KeyNotPermitted(why) => write!(f, "{why}"),
            Error::KeyIndigestible => write!(f, "this key cannot be digested"),
            Error::PublicKeyInvalid(why) => write!(f, "the public key is not valid: {why}"),
            Error::DomainParameters(why) => write!(f, "the domain parameters are not valid: {why}"),
            Error::CurveNotSupported => write!(f, "the curve in CKA_EC_PARAMS is not offered"),
            Error::CurveLeftOut(policy) => {
                write!(f, "the token's policy ({policy}) does not approve of the curve in CKA_EC_PARAMS")
            }
            Error::KeyLeftOut(policy) => {
                write!(f, "the token's policy ({policy}) offers nothing for keys of this type")
            }
            Error::ParameterSetNotSupported => write!(f, "the parameter set in CKA_PARAMETER_SET is not offered"),
            Error::KeyUnextractable(why) | Error::KeyNotWrappable(why) => write!(f, "{why}"),
            Error::WrappingKeyHandle(handle) => write!(f, "there is no wrapping key {handle} for this caller"),
            Error::UnwrappingKeyHandle(handle) => write!(f, "there is no unwrapping key {handle} for this caller"),
            Error::WrappingKeyType(mechanism) => write!(f, "the wrapping key's type does not fit {mechanism}"),
            Error::UnwrappingKeyType(mechanism) => write!(f, "the unwrapping key's type does not fit {mechanism}"),
            Error::WrappingKeySize { got } | Error::UnwrappingKeySize { got } => {
                write!(f, "a wrapping key of {got} bytes does not fit the mechanism")
            }
            Error::WrappingKeyWeak { bits, needed } => write!(
                f,
                "under the token's policy (strict) a key wraps none that is stronger: this one has {bits} bits of strength, \
                 the other {needed}"
            ),
            Error::WrappedKeyInvalid => write!(f, "the wrapped key is not a sound key of the type expected"),
            Error::MaskedObject(why) => write!(f, "a masked object of this token is needed: {why}"),
            Error::WrappedKeyLength => write!(f, "the wrapped key has an impossible length"),
            Error::OperationActive => write!(f, "an operation of this kind is active already"),
            Error::OperationNotInitialized => write!(f, "no operation of this kind is active"),
            Error::OperationCancelFailed => write!(f, "the operation cannot be cancelled"),
            Error::BufferTooSmall { needed } => write!(f, "the buffer is too small, {needed} bytes are needed"),
            Error::DataLength => write!(f, "the data length does not fit the mechanism"),
            Error::DataInvalid => write!(f, "the data does not fit the mechanism"),
            Error::EncryptedDataLength => write!(f, "the ciphertext length does not fit the mechanism"),
            Error::EncryptedDataInvalid => write!(f, "the ciphertext is invalid"),
            Error::AeadDecryption => write!(f, "the message is not what was encrypted"),
            Error::SignatureLength => write!(f, "the signature length does not fit the mechanism"),
            Error::SignatureInvalid => write!(f, "the signature is invalid"),
            Error::SavedStateInvalid => write!(f, "this is not a saved operation state of this token"),
            Error::StateUnsaveable => write!(f, "the state of this operation cannot be saved"),
            Error::KeyNeeded => write!(f, "restoring this state needs its key"),
            Error::KeyNotNeeded => write!(f, "this state holds no operation with a key"),
            Error::KeyChanged => write!(f, "the key is not the one the state was saved with"),
            Error::SeedNotSupported => write!(f, "the generator takes no seed"),
            Error::NotSupported => write!(f, "the function is not offered"),
            Error::NoEvent => write!(f, "nothing has happened to any slot"),
            Error::TokenDeleted => write!(f, "the token was deleted"),
            Error::WriteProtected(text) | Error::TokenFull(text) | Error::Damaged(text) | Error::Device(text) => {
                write!(f, "{text}")
            }
            Error::HostMemory => write!(f, "the process is out of memory"),
            Error::Busy(text) | Error::Configuration(text) => write!(f, "{text}"),
            Error::Library(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Busy(_) => Error::Busy(text),
            StoreError::Full(_) => Error::TokenFull(text),
            StoreError::ReadOnly(_) => Error::WriteProtected(format!("the token is write-protected: {text}")),
            StoreError::Damaged(_) => Error::Damaged(text),
            StoreError::Io(_) => Error::Device(text),
        }
    }
}

impl From<Aborted> for Error {
    fn from(aborted: Aborted) -> Self {
        match aborted {
            Aborted::Store(error) => error.into(),
            Aborted::Body(error) => *error,
        }
    }
}

/// Errors of the crypto crate where a mechanism runs: they are about the caller's key, parameter or data.
impl From<strongroom_crypto::Error> for Error {
    fn from(error: strongroom_crypto::Error) -> Self {
        use strongroom_crypto::Error as Crypto;
        match error {
            Crypto::KeyLength { got } => Error::KeySize { got },
            Crypto::KeyValue(why) => Error::KeyNotPermitted(why),
            Crypto::Parameter(why) => Error::MechanismParameter(why),
            Crypto::DataLength => Error::DataLength,
            Crypto::DataValue => Error::DataInvalid,
            Crypto::CiphertextLength => Error::EncryptedDataLength,
            Crypto::Authentication => Error::EncryptedDataInvalid,
            Crypto::Encoding(why) => Error::KeyNotPermitted(why),
            Crypto::OutputTooSmall { needed } => Error::BufferTooSmall { needed },
            Crypto::Memory => Error::HostMemory,
            Crypto::Finished => Error::OperationNotInitialized,
            other => Error::Library(other),
        }
    }
}
