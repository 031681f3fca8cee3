//! `strongroom key import`: keys and certificates from files.

mod advice;
mod file;

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::birth::{private_key_entries, public_key_entries};
use strongroom_core::object::schema::Kind;
use strongroom_core::object::{AttributeValue, Object};
use strongroom_core::policy::FIPS_RSA_BITS_MIN;
use strongroom_core::session::Session;
use strongroom_crypto::encoding::{Certificate, PublicKeyInfo, StoredPublic};
use strongroom_crypto::rsa::{MODULUS_BITS_MAX, MODULUS_BITS_MIN};
use strongroom_crypto::{ec, hash};

use file::{Content, Format, Input, Private};

use super::find::{entry, find, with_public_key};
use super::namesakes;
use super::public::public_key_info;
use super::types::{KeyType, bit_length, bytes, name_of, rsa_sizes, size_bits, type_name};
use super::view::{check_value, key_json, named};
use super::wanted::{Unsaid, Wanted};
use crate::commands::policy::{Limit, Reason, limit};
use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::place::{AsUser, Context};

/// Options of `key import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// File with a private key (PKCS#8, or PKCS#1 and SEC 1 as "RSA PRIVATE KEY" and "EC PRIVATE KEY"), a public key
    /// (SubjectPublicKeyInfo) or a certificate (X.509) in PEM or DER, or with the value of a secret key; - is standard
    /// input
    file: PathBuf,
    /// For a secret key: its type (aes, generic, sha256-hmac, ...)
    #[arg(long = "type", value_name = "TYPE", value_parser = KeyType::parse)]
    kind: Option<KeyType>,
    /// For a secret key: how the file has its value [default: hex where there are hexadecimal digits only]
    #[arg(long, value_name = "FORMAT", requires = "kind")]
    format: Option<Format>,
    /// Import a private key without its public half
    #[arg(long)]
    private_only: bool,
    /// Import what the token has already, or what its policy does not use
    #[arg(long)]
    force: bool,
    /// What it is to be.
    #[command(flatten)]
    wanted: Wanted,
    /// Who will own it.
    #[command(flatten)]
    user: AsUser,
}

/// Imports what a file has.
///
/// # Errors
/// What it refuses or fails with.
pub(super) fn run(context: &Context, args: &ImportArgs) -> Result<Answer, Failure> {
    // What cannot be right is said before anything is read.
    args.kind.map(file::secret_kind).transpose()?;
    let file = Input::read(context, args)?;
    let content = match args.kind {
        Some(kind) => file.secret(kind, args.format)?,
        None => file.structure()?,
    };
    let import = Import { context, file: &file, args, warnings: RefCell::default() };
    match content {
        Content::Secret(kind, value, read_as) => import.secret(kind, &value, read_as),
        Content::Private(private) => import.private(&private),
        Content::Public(der) => import.public(&der),
        Content::Certificate(der) => import.certificate(&der),
    }
}

/// An import that is under way.
struct Import<'a> {
    context: &'a Context,
    file: &'a Input,
    args: &'a ImportArgs,
    warnings: RefCell<Vec<String>>,
}

impl Import<'_> {
    fn secret(&self, kind: &'static Kind, value: &[u8], read_as: Format) -> Result<Answer, Failure> {
        self.args.wanted.check(&[kind])?;
        let hsm = self.context.hsm()?;
        let session = self.args.user.session(self.context, &hsm, true)?;
        self.check_policy(&session, kind, None)?;
        let mut entries = vec![
            entry(CKA_CLASS, Given::Ulong(CKO_SECRET_KEY)),
            entry(CKA_KEY_TYPE, Given::Ulong(kind.subtype.unwrap_or_default())),
            entry(CKA_VALUE, Given::Bytes(value)),
        ];
        entries.extend(self.args.wanted.entries(kind, Unsaid::default()));
        let key = self.create(&session, entries)?;
        self.warn_of_readers();
        self.warn_of_twin(&session, &key)?;
        self.warn_of_namesakes(&session, &[&key])?;
        let (name, form) = match read_as {
            Format::Hex => ("hex", "hexadecimal digits".to_owned()),
            Format::Binary => ("binary", format!("{} raw bytes", value.len())),
        };
        let text = format!("{}The value was read as {form}.\n", self.imported(&key, ""));
        Ok(self.answer(text, json!({ "key": key_json(&key), "read_as": name })))
    }

    fn private(&self, private: &Private) -> Result<Answer, Failure> {
        let (info, stored) = private
            .decode()
            .map_err(Error::from)
            .about(|| format!("{}: the private key cannot be read", self.file.name))?;
        let parts = || private_key_entries(&info);
        let private_kind = self.kind_of(&parts(), CKO_PRIVATE_KEY)?;
        let public_kind = self.kind_of(&parts(), CKO_PUBLIC_KEY)?;
        let kinds = if self.args.private_only { &[private_kind][..] } else { &[private_kind, public_kind] };
        self.check_wanted(kinds)?;
        self.args.wanted.check_private_half(private_kind).map_err(|failure| {
            failure.of_file().advise(&format!(
                "the public key alone: strongroom key import <(openssl pkey -in {} -pubout)",
                self.file.path
            ))
        })?;
        let hsm = self.context.hsm()?;
        let session = self.args.user.session(self.context, &hsm, true)?;
        let trial = self.trial(&session, parts())?;
        let public_info = public_key_info(&trial)?;
        self.check_stored(stored, &public_info)?;
        self.check_policy(&session, private_kind, Some(&trial))?;
        let known = |class| Ok::<_, Failure>(with_public_key(&session, class, &public_info)?.into_iter().next());
        let known_public = if self.args.private_only { None } else { known(CKO_PUBLIC_KEY)? };
        let known_private = known(CKO_PRIVATE_KEY)?.filter(|_| !self.args.force);
        if let Some(known) = &known_private
            && (self.args.private_only || known_public.is_some())
        {
            return Err(known_already("key", known));
        }

        let called = Called::of(&session, &public_info)?;
        let public_half = || self.public_half(&session, &public_info, public_kind, &called);
        if let Some(private) = known_private {
            let public = public_half()?;
            self.warn_of_namesakes(&session, &[&public])?;
            let text = format!("The token has the {} already. {}", named(&private), self.imported(&public, ""));
            return Ok(self.answer(text, pair_json(&private, &public, &[private.number])));
        }
        let private =
            self.create(&session, [parts(), self.args.wanted.entries(private_kind, called.unsaid())].concat())?;
        self.warn_of_readers();
        if self.args.private_only {
            self.warn_of_namesakes(&session, &[&private])?;
            return Ok(self.answer(self.imported(&private, ""), json!({ "key": key_json(&private) })));
        }
        if let Some(public) = known_public {
            self.warn_of_namesakes(&session, &[&private])?;
            let text = self.imported(&private, &format!(", its public key {} was there", public.number));
            return Ok(self.answer(text, pair_json(&private, &public, &[public.number])));
        }
        let public = public_half().map_err(|failure| {
            failure.advise(&format!("the private key is kept as {}, without its public half", private.number))
        })?;
        self.warn_of_namesakes(&session, &[&private, &public])?;
        let text = self.imported(&private, &format!(", its public key {}", public.number));
        Ok(self.answer(text, pair_json(&private, &public, &[])))
    }

    fn public(&self, der: &[u8]) -> Result<Answer, Failure> {
        let info = PublicKeyInfo::decode(der)
            .map_err(Error::from)
            .about(|| format!("{}: the public key cannot be read", self.file.name))?;
        let kind = self.kind_of(&public_key_entries(&info), CKO_PUBLIC_KEY)?;
        self.check_wanted(&[kind])?;
        let hsm = self.context.hsm()?;
        let session = self.args.user.session(self.context, &hsm, true)?;
        let trial = self.trial(&session, public_key_entries(&info))?;
        self.refuse_twin("key", with_public_key(&session, CKO_PUBLIC_KEY, &public_key_info(&trial)?)?)?;
        self.check_policy(&session, kind, Some(&trial))?;
        let key = self.public_half(&session, der, kind, &Called::of(&session, der)?)?;
        self.warn_of_namesakes(&session, &[&key])?;
        Ok(self.answer(self.imported(&key, ""), json!({ "public_key": key_json(&key) })))
    }

    fn certificate(&self, der: &[u8]) -> Result<Answer, Failure> {
        let certificate = Certificate::decode(der)
            .map_err(Error::from)
            .about(|| format!("{}: the certificate cannot be read", self.file.name))?;
        let kind = Kind::find(CKO_CERTIFICATE, Some(CKC_X_509)).ok_or(Error::NotSupported)?;
        self.check_wanted(&[kind])?;
        let hsm = self.context.hsm()?;
        let session = self.args.user.session(self.context, &hsm, true)?;
        let same = vec![entry(CKA_CLASS, Given::Ulong(CKO_CERTIFICATE)), entry(CKA_VALUE, Given::Bytes(der))];
        self.refuse_twin("certificate", find(&session, same, "looking for the certificate")?.keys)?;
        let called = Called::of(&session, certificate.public_key_info)?;
        let mut entries = vec![
            entry(CKA_CLASS, Given::Ulong(CKO_CERTIFICATE)),
            entry(CKA_CERTIFICATE_TYPE, Given::Ulong(CKC_X_509)),
            entry(CKA_VALUE, Given::Bytes(der)),
            entry(CKA_SUBJECT, Given::Bytes(certificate.subject)),
            entry(CKA_ISSUER, Given::Bytes(certificate.issuer)),
            entry(CKA_SERIAL_NUMBER, Given::Bytes(certificate.serial_number)),
            entry(CKA_PUBLIC_KEY_INFO, Given::Bytes(certificate.public_key_info)),
        ];
        entries.extend(self.args.wanted.entries(kind, called.unsaid()));
        let made = self.create(&session, entries)?;
        self.warn_of_namesakes(&session, &[&made])?;
        let partner = called.partner.as_ref().map(|key| format!(", of the key {}", key.number)).unwrap_or_default();
        Ok(self.answer(self.imported(&made, &partner), json!({ "certificate": key_json(&made) })))
    }

    fn public_half(
        &self,
        session: &Session,
        der: &[u8],
        kind: &'static Kind,
        called: &Called,
    ) -> Result<Arc<Object>, Failure> {
        let info = PublicKeyInfo::decode(der).map_err(Error::from)?;
        self.create(session, [public_key_entries(&info), self.args.wanted.entries(kind, called.unsaid())].concat())
    }

    /// The kind of half that these parts make.
    fn kind_of(&self, parts: &[Entry<'_>], class: u64) -> Result<&'static Kind, Failure> {
        self.check_modulus(parts)?;
        let key_type = parts.iter().find_map(|part| match part {
            Entry { attribute: AttributeType(CKA_KEY_TYPE), value: Given::Ulong(key_type) } => Some(*key_type),
            _ => None,
        });
        key_type.and_then(|key_type| Kind::pair_half(class, key_type)).ok_or_else(|| {
            Failure::refused(CKR_ATTRIBUTE_VALUE_INVALID, format!("{}: keys of this type are not kept", self.file.name))
        })
    }

    /// Refuses what keys of the types that the file has cannot do.
    fn check_wanted(&self, kinds: &[&Kind]) -> Result<(), Failure> {
        self.args.wanted.check(kinds).map_err(Failure::of_file)
    }

    /// Refuses an RSA key that is too short or too long for any policy.
    fn check_modulus(&self, parts: &[Entry<'_>]) -> Result<(), Failure> {
        let modulus = parts.iter().find_map(|part| match part {
            Entry { attribute: AttributeType(CKA_MODULUS), value: Given::Bytes(modulus) } => Some(bit_length(modulus)),
            _ => None,
        });
        match modulus {
            Some(bits) if !(MODULUS_BITS_MIN as u64..=MODULUS_BITS_MAX as u64).contains(&bits) => {
                Err(Failure::refused(
                    CKR_KEY_SIZE_RANGE,
                    format!("{}: {}; this one has {bits}", self.file.name, rsa_sizes()),
                ))
            }
            _ => Ok(()),
        }
    }

    fn create(&self, session: &Session, entries: Vec<Entry<'_>>) -> Result<Arc<Object>, Failure> {
        let number = session.create_object(&Template::from_entries(entries)).about(|| self.file.name.clone())?;
        Ok(session.object(number)?)
    }

    /// The key as an object that is gone again: so it is checked in full, and tells its public key, before anything is
    /// kept.
    fn trial(&self, session: &Session, parts: Vec<Entry<'_>>) -> Result<Arc<Object>, Failure> {
        let trial = self.create(session, [parts, vec![entry(CKA_TOKEN, Given::Flag(Flag::Token, false))]].concat())?;
        session.destroy_object(trial.number)?;
        Ok(trial)
    }

    /// Refuses a private key with another one's public half beside it: one of them is not what its owner thinks.
    fn check_stored(&self, stored: Option<StoredPublic<'_>>, public_info: &[u8]) -> Result<(), Failure> {
        let is_own = stored.map(|stored| stored.is_of(public_info)).transpose().map_err(Error::from)?;
        if is_own.unwrap_or(true) {
            return Ok(());
        }
        Err(Failure::refused(
            CKR_DATA_INVALID,
            format!(
                "{}: the public key that it has beside the private key is another one's; nothing was imported, as the \
                 file is damaged or of two keys: have it written anew where the key was made",
                self.file.name
            ),
        ))
    }

    /// Refuses a key that the token's policy does not use, and warns of one that it only half uses.
    fn check_policy(&self, session: &Session, kind: &'static Kind, key: Option<&Object>) -> Result<(), Failure> {
        let policy = session.application().token().meta()?.policy;
        let curve = key.and_then(|key| bytes(key, CKA_EC_PARAMS)).and_then(ec::Curve::from_params);
        let least = FIPS_RSA_BITS_MIN;
        let of_policy = |why: String| format!("the token's policy \"{policy}\" {why}");
        let (code, why) = match limit(policy, kind, key.and_then(size_bits), curve) {
            None => {
                match key.filter(|key| key.kind.class == CKO_PRIVATE_KEY).map(|key| policy.check_key(key, CKF_SIGN)) {
                    Some(Err(error @ Error::KeyNotPermitted(why))) => (error.rv(), why.to_owned()),
                    Some(Err(error)) => (error.rv(), of_policy(format!("does not use such a key: {error}"))),
                    _ => return Ok(()),
                }
            }
            Some(Limit::OnlyVerifies(bits)) => {
                self.warn(format!(
                    "the token's policy \"{policy}\" only verifies with RSA keys below {least} bits, and this one has \
                     {bits}"
                ));
                return Ok(());
            }
            Some(Limit::Useless(Reason::Type)) => {
                let offers = format!("offers no {} keys", key.map_or(kind.name, type_name));
                (CKR_KEY_FUNCTION_NOT_PERMITTED, of_policy(offers))
            }
            Some(Limit::Useless(Reason::Bits(bits))) => (
                CKR_KEY_SIZE_RANGE,
                of_policy(format!("uses RSA keys of {least} bits or more, and this one has {bits}")),
            ),
            Some(Limit::Useless(Reason::Curve)) => (
                CKR_CURVE_NOT_SUPPORTED,
                of_policy(format!("does nothing with keys on {}", curve.map(name_of).unwrap_or_default())),
            ),
        };
        if self.args.force {
            self.warn(format!("{why}; it is kept all the same"));
            return Ok(());
        }
        let name = &self.file.name;
        Err(Failure::refused(code, format!("{name}: {why}; nothing was imported, --force keeps it all the same")))
    }

    /// Refuses to import what the token has.
    fn refuse_twin(&self, what: &str, same: Vec<Arc<Object>>) -> Result<(), Failure> {
        match same.first() {
            Some(known) if !self.args.force => Err(known_already(what, known)),
            _ => Ok(()),
        }
    }

    /// A secret key is compared by its check value, which makes it likely, not certain, that two are the same.
    fn warn_of_twin(&self, session: &Session, key: &Object) -> Result<(), Failure> {
        let (Some(kcv), Some(key_type)) = (bytes(key, CKA_CHECK_VALUE), key.kind.subtype) else { return Ok(()) };
        let same = vec![
            entry(CKA_CLASS, Given::Ulong(CKO_SECRET_KEY)),
            entry(CKA_KEY_TYPE, Given::Ulong(key_type)),
            entry(CKA_CHECK_VALUE, Given::Bytes(kcv)),
        ];
        let same = find(session, same, "comparing check values")?.keys;
        if let Some(twin) = same.iter().find(|twin| twin.number != key.number && size_bits(twin) == size_bits(key)) {
            self.warn(format!("the {} has the same check value: it is probably the same key", named(twin)));
        }
        Ok(())
    }

    /// Where the label or the identifier alone does not mean what was imported.
    fn warn_of_namesakes(&self, session: &Session, made: &[&Object]) -> Result<(), Failure> {
        namesakes::warnings(session, &self.args.wanted, made)?.into_iter().for_each(|warning| self.warn(warning));
        Ok(())
    }

    /// Others who can read the file have the key as well.
    fn warn_of_readers(&self) {
        if let Some(mode) = self.file.open_mode {
            let name = &self.file.name;
            self.warn(format!("other users of this machine can read {name} (mode {mode:04o}), which has the key"));
        }
    }

    /// What is said of an object that was imported. A file keeps what is secret, a pipe does not.
    fn imported(&self, object: &Object, more: &str) -> String {
        let is_left = self.file.is_file && matches!(object.kind.class, CKO_SECRET_KEY | CKO_PRIVATE_KEY);
        format!(
            "Imported the {}{}{more}{}.\n{}",
            named(object),
            size_bits(object).map_or_else(String::new, |bits| format!(", {bits} bits")),
            check_value(object).map_or_else(String::new, |kcv| format!(", KCV {kcv}")),
            if is_left { "The file still has the key: delete it if the token is to have the only one.\n" } else { "" },
        )
    }

    fn warn(&self, message: String) {
        self.context.warn(&message);
        self.warnings.borrow_mut().push(message);
    }

    /// The answer, with what was warned of.
    fn answer(&self, text: String, mut json: Value) -> Answer {
        let warnings = self.warnings.borrow();
        if let Value::Object(members) = &mut json {
            let warning = if warnings.is_empty() { Value::Null } else { warnings.join("; ").into() };
            members.insert("warning".to_owned(), warning);
        }
        Answer::new(text, json)
    }
}

/// Both halves, and the numbers of what was there before.
fn pair_json(private: &Object, public: &Object, known: &[u64]) -> Value {
    json!({ "key": key_json(private), "public_key": key_json(public), "known": known })
}

fn known_already(what: &str, known: &Object) -> Failure {
    Failure::refused(
        CKR_ACTION_PROHIBITED,
        format!("the token has this {what} already: the {}; --force imports it again", named(known)),
    )
}

/// What an object is called that has the same public key as another one, where nobody says.
struct Called {
    /// The other one.
    partner: Option<Arc<Object>>,
    label: Vec<u8>,
    id: Vec<u8>,
}

impl Called {
    /// As a key or a certificate on the token with the same public key; without one, the identifier is the SHA-1 hash
    /// of the public key, so that what is imported later finds it.
    fn of(session: &Session, info: &[u8]) -> Result<Called, Failure> {
        for class in [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE] {
            let partner = with_public_key(session, class, info)?.into_iter().next();
            if let Some(partner) = partner {
                let id = match partner.attribute(AttributeType(CKA_ID)) {
                    Ok(AttributeValue::Bytes(id)) => id.to_vec(),
                    _ => Vec::new(),
                };
                return Ok(Called { label: partner.label().to_vec(), id, partner: Some(partner) });
            }
        }
        let mut id = vec![0; 20];
        hash::digest(hash::Algorithm::Sha1, info, &mut id).map_err(Error::from)?;
        Ok(Called { partner: None, label: Vec::new(), id })
    }

    fn unsaid(&self) -> Unsaid<'_> {
        Unsaid { label: &self.label, id: &self.id }
    }
}

pub(super) const EXAMPLES: &str = "\
What a file has is told by the file itself: PEM or DER, PKCS#8 or one of the older forms. Of PKCS#12 files the parts \
are imported one by one. A private key comes with its public half, unless --private-only. What has no --label and no \
--id gets those of the key or certificate on the token with the same public key, so that other programs know that they \
belong together.

A value of a secret key is hexadecimal digits where the file has nothing else (0x before and colons between them are \
fine), else the bytes as they are; the answer says which. A line of other text is refused: --format binary takes it \
with its line end.

What the token has already is refused, and so is a key that its policy does not use; --force imports both.

Encrypted keys are decrypted by openssl, which asks for the password and writes no file:
  strongroom key import <(openssl pkey -in encrypted.pem) --label tls
  strongroom key import <(openssl pkcs12 -in server.p12 -nocerts -nodes) --label tls
  strongroom key import <(openssl pkcs12 -in server.p12 -nokeys -clcerts)

Examples:
  strongroom key import server.key --label tls
  strongroom key import server.crt
  strongroom key import peer.pub --label peer --usage verify
  strongroom key import value.bin --type aes --label backup --usage wrap,unwrap
  echo 000102030405060708090a0b0c0d0e0f | strongroom key import - --type aes --format hex";
