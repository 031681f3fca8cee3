//! What the log can say: one row per event.

use crate::attribute::Flag;
use crate::error::Error;
use crate::object::codec::damaged;

/// What the second number of an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Nothing.
    None,
    /// The user whom the event is about.
    User,
    /// Another key or object that took part.
    Object,
    /// A quorum token.
    QuorumToken,
    /// A number of approvals.
    Approvals,
}

macro_rules! events {
    ($($variant:ident = $code:literal, $name:literal, $second:ident, $what:literal;)+) => {
        /// What happened. The codes are written to the store: never renumber them, never give one twice.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Event {
            $(#[doc = $what] $variant = $code,)+
        }

        impl Event {
            /// Every event, by code.
            pub const ALL: &[Event] = &[$(Event::$variant),+];

            /// The name in listings.
            pub fn name(self) -> &'static str {
                match self { $(Event::$variant => $name),+ }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Event::$variant => $what),+ }
            }

            /// What the second number of its entries is.
            pub fn second(self) -> Second {
                match self { $(Event::$variant => Second::$second),+ }
            }
        }
    };
}

events! {
    TokenInitialized = 1, "token-initialised", None, "The token was initialised, and its log begun.";
    UserMade = 2, "user-made", User, "A user was made.";
    UserDeleted = 3, "user-deleted", User, "A user was deleted.";
    PinReset = 4, "pin-reset", User, "An officer set a user's PIN, and unlocked the user.";
    PinChanged = 5, "pin-changed", User, "A user changed the own PIN.";
    UserUnlocked = 6, "user-unlocked", User, "An officer let a user try again.";
    PinWrong = 7, "pin-wrong", User, "Somebody gave a wrong PIN for a user.";
    UserLocked = 8, "user-locked", User, "A user was locked after too many wrong PINs.";
    ObjectGenerated = 16, "object-generated", None, "A key, a half of a pair or domain parameters were generated.";
    ObjectCreated = 17, "object-created", None, "An object was created from values that came from outside.";
    ObjectUnwrapped = 18, "object-unwrapped", Object, "A key came in, unwrapped by the second one.";
    ObjectDerived = 19, "object-derived", Object, "A key was derived from the second one.";
    ObjectCopied = 20, "object-copied", Object, "An object was copied from the second one; into a session, where it has no number.";
    ObjectEncapsulated = 21, "object-encapsulated", Object, "A key was made and encapsulated for the second one.";
    ObjectDecapsulated = 22, "object-decapsulated", Object, "A key was decapsulated with the second one.";
    ObjectChanged = 24, "object-changed", None, "Attributes of an object were changed.";
    TrustGiven = 25, "trust-given", None, "An officer declared a key or certificate trusted.";
    TrustTaken = 26, "trust-taken", None, "An officer took the trust in a key or certificate back.";
    ObjectDestroyed = 27, "object-destroyed", None, "An object was destroyed.";
    KeyWrapped = 28, "key-wrapped", Object, "A key was let out, wrapped by the second one.";
    KeyShared = 32, "key-shared", User, "A key was shared with a user.";
    KeyUnshared = 33, "key-unshared", User, "A key is no longer shared with a user.";
    ApproverRegistered = 34, "approver-registered", User, "The key with which a user approves was registered.";
    QuorumRequested = 35, "quorum-requested", QuorumToken, "Somebody asked for approvals.";
    QuorumApproved = 36, "quorum-approved", QuorumToken, "Approvals came in.";
    QuorumUsed = 37, "quorum-used", QuorumToken, "A quorum token was taken for an operation.";
    QuorumRefused = 38, "quorum-refused", QuorumToken, "An approval was not good, or an operation lacked approvals.";
    QuorumDeleted = 39, "quorum-deleted", QuorumToken, "A quorum token was deleted unused.";
    QuorumValueSet = 40, "quorum-value-set", Approvals, "How many officers must approve was set.";
    MaskedOut = 41, "masked-out", None, "An object was taken out, masked. It stayed in the token.";
    MaskedIn = 42, "masked-in", Object, "A masked object was put in, which had the second number when it was taken out.";
    QuorumReturned = 43, "quorum-returned", QuorumToken, "An operation failed, and its quorum token is good again.";
    LoggedIn = 64, "logged-in", None, "Somebody logged in.";
    LoggedOut = 65, "logged-out", None, "Somebody logged out.";
    LoggedInForUse = 66, "logged-in-for-use", None, "Somebody gave the PIN for one use of a key that wants it each time.";
    UsedToEncrypt = 96, "encrypt", None, "A key was asked to encrypt.";
    UsedToDecrypt = 97, "decrypt", None, "A key was asked to decrypt.";
    UsedToSign = 98, "sign", None, "A key was asked to sign, or to make a MAC.";
    UsedToSignRecover = 99, "sign-recover", None, "A key was asked to sign with the data in the signature.";
    UsedToVerify = 100, "verify", None, "A key was asked to verify.";
    UsedToVerifyRecover = 101, "verify-recover", None, "A key was asked to verify and to recover the data.";
    UsedToWrap = 102, "wrap", None, "A key was asked to wrap another one.";
    UsedToUnwrap = 103, "unwrap", None, "A key was asked to unwrap another one.";
    UsedToDerive = 104, "derive", None, "A key was asked to go into a derivation.";
    UsedToEncapsulate = 105, "encapsulate", None, "A key was asked to encapsulate.";
    UsedToDecapsulate = 106, "decapsulate", None, "A key was asked to decapsulate.";
}

impl Event {
    /// The event of this code.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn of_code(code: u16) -> Result<Event, Error> {
        let known = Event::ALL.iter().find(|event| **event as u16 == code);
        known.copied().ok_or_else(|| damaged("an audit entry of an event that this version does not know"))
    }

    /// The use of a key that this attribute permits.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for an attribute that permits none.
    pub(crate) fn of_use(usage: Flag) -> Result<Event, Error> {
        Ok(match usage {
            Flag::Encrypt => Event::UsedToEncrypt,
            Flag::Decrypt => Event::UsedToDecrypt,
            Flag::Sign => Event::UsedToSign,
            Flag::SignRecover => Event::UsedToSignRecover,
            Flag::Verify => Event::UsedToVerify,
            Flag::VerifyRecover => Event::UsedToVerifyRecover,
            Flag::Wrap => Event::UsedToWrap,
            Flag::Unwrap => Event::UsedToUnwrap,
            Flag::Derive => Event::UsedToDerive,
            Flag::Encapsulate => Event::UsedToEncapsulate,
            Flag::Decapsulate => Event::UsedToDecapsulate,
            _ => return Err(Error::NotSupported),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_names_are_given_once() {
        let codes: Vec<u16> = Event::ALL.iter().map(|event| *event as u16).collect();
        assert!(codes.is_sorted_by(|a, b| a < b));
        let names: HashSet<&str> = Event::ALL.iter().map(|event| event.name()).collect();
        assert_eq!(names.len(), Event::ALL.len());
        assert!(Event::ALL.iter().all(|event| Event::of_code(*event as u16).unwrap() == *event));
        assert!(matches!(Event::of_code(0), Err(Error::Damaged(_))));
    }
}
