//! What a key is for. A key with two purposes reads others: one that wraps and decrypts, one that unwraps and encrypts,
//! one that derives and signs, one that agrees on secrets and unwraps.
//!
//! Every key remembers the purposes it ever had, in bits of its flags that no caller sets; copies and the two halves of
//! a new pair have them in common. Which of them go together is a matter of the token's policy.

use crate::attribute::{Flag, Flags, PURPOSE_SHIFT};

/// A set of purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purposes(u64);

/// The uses that work on data.
const DATA: [Flag; 6] =
    [Flag::Encrypt, Flag::Decrypt, Flag::Sign, Flag::SignRecover, Flag::Verify, Flag::VerifyRecover];
/// The uses that let keys out and in.
const KEYS: [Flag; 2] = [Flag::Wrap, Flag::Unwrap];
/// The uses that make keys which others may know how to make.
const SECRETS: [Flag; 3] = [Flag::Derive, Flag::Encapsulate, Flag::Decapsulate];

impl Purposes {
    /// Encrypts, decrypts, signs, verifies.
    pub const DATA: Purposes = Purposes(1);
    /// Wraps and unwraps.
    pub const KEYS: Purposes = Purposes(2);
    /// Derives, agrees, encapsulates.
    pub const SECRETS: Purposes = Purposes(4);

    /// The purpose of a use; none for attributes that are none.
    pub fn of_use(flag: Flag) -> Purposes {
        let groups = [(&DATA[..], Purposes::DATA), (&KEYS, Purposes::KEYS), (&SECRETS, Purposes::SECRETS)];
        let own = groups.into_iter().find(|(uses, _)| uses.contains(&flag));
        own.map_or(Purposes::default(), |(_, purpose)| purpose)
    }

    /// The purposes of what these flags allow today.
    pub fn of(flags: Flags) -> Purposes {
        let uses = DATA.into_iter().chain(KEYS).chain(SECRETS).filter(|use_| flags.has(*use_));
        uses.fold(Purposes::default(), |all, use_| all.and(Purposes::of_use(use_)))
    }

    /// The purposes that a key with these flags ever had.
    pub fn ever(flags: Flags) -> Purposes {
        Purposes(flags.0 >> PURPOSE_SHIFT)
    }

    /// Both sets together.
    #[must_use]
    pub fn and(self, other: Purposes) -> Purposes {
        Purposes(self.0 | other.0)
    }

    /// Whether all of `other` are among these.
    pub fn contains(self, other: Purposes) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether there are two or more.
    pub fn are_mixed(self) -> bool {
        self.0.count_ones() > 1
    }

    /// One of them: of data, of secrets, of keys, the first there is.
    #[must_use]
    pub fn first(self) -> Purposes {
        let order = [Purposes::DATA, Purposes::SECRETS, Purposes::KEYS];
        order.into_iter().find(|purpose| self.contains(*purpose)).unwrap_or_default()
    }
}

impl Flags {
    /// The uses among them.
    pub(crate) fn uses() -> impl Iterator<Item = Flag> {
        DATA.into_iter().chain(KEYS).chain(SECRETS)
    }

    /// Notes that the key has these purposes, for good.
    pub(crate) fn remember(&mut self, purposes: Purposes) {
        self.0 |= purposes.0 << PURPOSE_SHIFT;
    }

    /// Those that say which purposes the key ever had, and nothing else.
    pub(crate) fn past(self) -> Flags {
        let mut past = Flags::default();
        past.remember(Purposes::ever(self));
        past
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_are_remembered_beside_the_flags() {
        let mut flags = Flags::of(&[Flag::Token, Flag::Wrap, Flag::WrapWithTrusted]);
        assert!(Purposes::ever(flags).is_empty());
        flags.remember(Purposes::of(flags));
        flags.set(Flag::Wrap, false);
        flags.set(Flag::Decrypt, true);
        assert_eq!(Purposes::ever(flags), Purposes::KEYS);
        flags.remember(Purposes::of(flags));
        assert!(Purposes::ever(flags).are_mixed() && Purposes::ever(flags).contains(Purposes::DATA));
        assert_eq!(flags, flags.known());
        assert_eq!(flags.past().0, 0b011 << 32);
        assert!(!flags.has(Flag::Wrap) && flags.has(Flag::WrapWithTrusted));
    }

    #[test]
    fn every_use_has_one_purpose() {
        for flag in Flags::uses() {
            assert!(!Purposes::of_use(flag).is_empty() && !Purposes::of_use(flag).are_mixed(), "{flag:?}");
        }
        for flag in [Flag::Token, Flag::Sensitive, Flag::Trusted, Flag::WrapWithTrusted] {
            assert!(Purposes::of_use(flag).is_empty());
        }
        assert_eq!(Purposes::DATA.and(Purposes::KEYS).first(), Purposes::DATA);
        assert_eq!(Purposes::KEYS.and(Purposes::SECRETS).first(), Purposes::SECRETS);
    }
}
