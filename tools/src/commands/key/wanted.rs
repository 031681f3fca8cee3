//! What a new key is to be: the options that generating and importing share.

use clap::{ArgAction, Args};
use cryptoki_sys::*;
use strongroom_core::attribute::{Entry, Flag, Given};
use strongroom_core::mechanism::{Mechanism, MechanismName, find, named};
use strongroom_core::object::schema::Kind;

use super::find::entry;
use super::view::USAGES;
use super::{Bytes, parse_id};
use crate::failure::Failure;

/// The options about a new key's attributes.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Name of the key (CKA_LABEL)
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// Identifier of the key (CKA_ID), in hexadecimal digits [default for pairs: one that both halves share]
    #[arg(long, value_name = "HEX", value_parser = parse_id)]
    pub(crate) id: Option<Bytes>,
    /// What the key may do, all else forbidden: encrypt, decrypt, sign, verify, wrap, unwrap, derive, encapsulate,
    /// decapsulate, sign-recover, verify-recover; of a pair each half what it can [default: what its type can]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_usage)]
    usage: Vec<Flag>,
    /// The only mechanisms the key may be used with, by name (AES_GCM,AES_CMAC) [default: any]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_mechanism)]
    mechanisms: Vec<u64>,
    /// Whether the key may leave the token wrapped by another key
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = false, default_missing_value = "true",
          action = ArgAction::Set)]
    extractable: bool,
    /// Whether its value is hidden from everyone, its owner included
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true",
          action = ArgAction::Set)]
    sensitive: bool,
    /// Whether it is seen after login only; the public half of a pair always is before
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true",
          action = ArgAction::Set)]
    private: bool,
    /// Whether its attributes may be changed later
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true",
          action = ArgAction::Set)]
    modifiable: bool,
}

/// What a new key is called where nobody says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Unsaid<'a> {
    /// `CKA_LABEL`.
    pub(crate) label: &'a [u8],
    /// `CKA_ID`.
    pub(crate) id: &'a [u8],
}

impl Wanted {
    /// The entries of the template for an object of this kind, for the token.
    pub(crate) fn entries<'a>(&'a self, kind: &Kind, unsaid: Unsaid<'a>) -> Vec<Entry<'a>> {
        let has = |attribute| kind.rule(attribute).is_some();
        let mut entries = vec![
            entry(CKA_TOKEN, Given::Flag(Flag::Token, true)),
            entry(CKA_PRIVATE, Given::Flag(Flag::Private, self.private && kind.is_secret())),
            entry(CKA_MODIFIABLE, Given::Flag(Flag::Modifiable, self.modifiable)),
        ];
        if kind.is_secret() {
            entries.push(entry(CKA_EXTRACTABLE, Given::Flag(Flag::Extractable, self.extractable)));
            entries.push(entry(CKA_SENSITIVE, Given::Flag(Flag::Sensitive, self.sensitive)));
        }
        entries.push(entry(CKA_LABEL, Given::Bytes(self.label.as_ref().map_or(unsaid.label, String::as_bytes))));
        let id = self.id.as_ref().map_or(unsaid.id, |id| &id.0);
        if !id.is_empty() && has(CKA_ID) {
            entries.push(entry(CKA_ID, Given::Bytes(id)));
        }
        if !self.usage.is_empty() {
            let known = USAGES.iter().filter(|(_, attribute, _)| has(*attribute));
            entries.extend(
                known.map(|(_, attribute, flag)| entry(*attribute, Given::Flag(*flag, self.usage.contains(flag)))),
            );
        }
        if !self.mechanisms.is_empty() && has(CKA_ALLOWED_MECHANISMS) {
            entries.push(entry(CKA_ALLOWED_MECHANISMS, Given::Mechanisms(self.mechanisms.as_slice().into())));
        }
        entries
    }

    /// Refuses a usage or a mechanism that objects of none of these kinds have.
    ///
    /// # Errors
    /// The usage or the mechanism, by name.
    pub(crate) fn check(&self, kinds: &[&Kind]) -> Result<(), Failure> {
        self.check_usage(kinds)?;
        self.check_mechanisms(kinds)
    }

    fn check_usage(&self, kinds: &[&Kind]) -> Result<(), Failure> {
        // Every pair has every flag of its half; those that mean something to its type are set where nobody says.
        let can = |kind: &Kind, attribute, flag| match kind.class {
            CKO_PUBLIC_KEY | CKO_PRIVATE_KEY => kind.default_flags.has(flag),
            _ => kind.rule(attribute).is_some(),
        };
        let possible = |attribute, flag| kinds.iter().any(|kind| can(kind, attribute, flag));
        let foreign =
            USAGES.iter().find(|(_, attribute, flag)| self.usage.contains(flag) && !possible(*attribute, *flag));
        match (foreign, kinds.first()) {
            (Some((name, ..)), Some(kind)) => {
                let names =
                    USAGES.iter().filter(|(_, attribute, flag)| possible(*attribute, *flag)).map(|(name, ..)| *name);
                let theirs = match names.collect::<Vec<_>>().join(", ") {
                    none if none.is_empty() => "they have none at all".to_owned(),
                    names => format!("theirs are {names}"),
                };
                Err(Failure::usage(format!("--usage {name}: {} objects have no such usage; {theirs}", kind.name)))
            }
            _ => Ok(()),
        }
    }

    /// Refuses the usages of a pair that are all its public half's, so that the private one could do nothing.
    ///
    /// # Errors
    /// The usages, and those that are the private half's.
    pub(crate) fn check_private_half(&self, kind: &Kind) -> Result<(), Failure> {
        if self.usage.is_empty() || self.usage.iter().any(|flag| kind.default_flags.has(*flag)) {
            return Ok(());
        }
        let names = |is: &dyn Fn(Flag) -> bool| {
            let names = USAGES.iter().filter(|(_, _, flag)| is(*flag)).map(|(name, ..)| *name);
            names.collect::<Vec<_>>().join(",")
        };
        Err(Failure::usage(format!(
            "--usage {}: the private {} key could do nothing; say what it is for too: {}",
            names(&|flag| self.usage.contains(&flag)),
            kind.name,
            names(&|flag| kind.default_flags.has(flag)),
        )))
    }

    fn check_mechanisms(&self, kinds: &[&Kind]) -> Result<(), Failure> {
        let fits = |id: &u64| find(*id).is_some_and(|mechanism| kinds.iter().any(|kind| takes(mechanism, kind)));
        let (Some(id), Some(kind)) = (self.mechanisms.iter().find(|id| !fits(id)), kinds.first()) else {
            return Ok(());
        };
        Err(Failure::usage(format!(
            "--mechanisms {}: it does not use {} keys, so that it would allow nothing; 'strongroom mechanisms' lists \
             those that do",
            MechanismName(*id),
            kind.name
        )))
    }
}

/// Whether a mechanism is used with keys of this kind. One that makes keys is not, and a certificate is none.
fn takes(mechanism: &Mechanism, kind: &Kind) -> bool {
    kind.subtype.filter(|_| kind.is_key()).is_some_and(|key_type| mechanism.takes(kind.class, key_type))
}

fn parse_usage(name: &str) -> Result<Flag, String> {
    USAGES.iter().find(|(known, ..)| *known == name).map(|(_, _, flag)| *flag).ok_or_else(|| {
        let names: Vec<&str> = USAGES.iter().map(|(name, ..)| *name).collect();
        format!("the usages are {}", names.join(", "))
    })
}

fn parse_mechanism(name: &str) -> Result<u64, String> {
    let known = named(name).map(|mechanism| mechanism.id);
    known.ok_or_else(|| "'strongroom mechanisms' lists those there are".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_checked_word_by_word() {
        assert_eq!(parse_usage("wrap").unwrap(), Flag::Wrap);
        assert_eq!(parse_usage("sign-recover").unwrap(), Flag::SignRecover);
        assert!(parse_usage("crypt").unwrap_err().contains("encrypt"));
        assert_eq!(parse_mechanism("aes_gcm").unwrap(), CKM_AES_GCM);
        assert!(parse_mechanism("AES_ROT13").is_err());
    }

    #[test]
    fn mechanisms_fit_kinds_of_key() {
        let takes = |name, kind| takes(named(name).unwrap(), Kind::named(kind).unwrap());
        assert!(takes("AES_GCM", "aes") && takes("SHA256_HMAC", "generic") && takes("HKDF_DERIVE", "hkdf"));
        assert!(takes("SP800_108_COUNTER_KDF", "aes") && !takes("AES_GCM", "des3") && !takes("RSA_PKCS", "aes"));
        assert!(!takes("AES_KEY_GEN", "aes"));
        assert!(!takes("RSA_PKCS", "x509"), "a certificate's type has the number of RSA's");
    }
}
