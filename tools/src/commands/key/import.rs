//! `strongroom key import`: keys and certificates from files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use cryptoki_sys::*;
use serde_json::json;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::birth::{private_key_entries, public_key_entries};
use strongroom_core::object::schema::Kind;
use strongroom_core::object::{AttributeValue, Object};
use strongroom_core::session::Session;
use strongroom_crypto::encoding::{Certificate, PrivateKeyInfo, PublicKeyInfo, is_encrypted_private_key};
use strongroom_crypto::hash;
use zeroize::Zeroizing;

use super::find::{entry, with_public_key};
use super::generate::possible_bits;
use super::public::public_key_info;
use super::types::{KeyType, size_bits};
use super::view::{check_value, described, key_json, named_label};
use super::wanted::{Unsaid, Wanted};
use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::pem;
use crate::place::{AsUser, Context};
use crate::text::{counted, one_line, parse_hex};

/// Options of `key import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// File with a private key (PKCS#8), a public key (SubjectPublicKeyInfo) or a certificate (X.509) in PEM or DER, or
    /// with the value of a secret key; - is standard input
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
    /// What it is to be.
    #[command(flatten)]
    wanted: Wanted,
    /// Who will own it.
    #[command(flatten)]
    user: AsUser,
}

/// How a file has the value of a secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Hexadecimal digits
    Hex,
    /// The bytes themselves
    Binary,
}

/// What a file has.
enum Content {
    Secret(&'static Kind, Zeroizing<Vec<u8>>),
    Private(Zeroizing<Vec<u8>>),
    Public(Zeroizing<Vec<u8>>),
    Certificate(Zeroizing<Vec<u8>>),
}

/// Imports what a file has.
///
/// # Errors
/// What it refuses or fails with.
pub(super) fn run(context: &Context, args: &ImportArgs) -> Result<Answer, Failure> {
    let file = Input::read(context, args)?;
    let content = match args.kind {
        Some(kind) => file.secret(kind, args.format)?,
        None => file.structure()?,
    };
    let import = Import { file: &file, args };
    match content {
        Content::Secret(kind, value) => import.secret(context, kind, &value),
        Content::Private(der) => import.private(context, &der),
        Content::Public(der) => import.public(context, &der),
        Content::Certificate(der) => import.certificate(context, &der),
    }
}

/// A file that was read.
struct Input {
    /// Its name for messages.
    name: String,
    /// Its name in commands.
    path: String,
    content: Zeroizing<Vec<u8>>,
    /// Its mode, where others of this machine can read it.
    open_mode: Option<u32>,
}

impl Input {
    fn read(context: &Context, args: &ImportArgs) -> Result<Input, Failure> {
        if args.file.as_os_str() == "-" {
            context.claim_descriptor(0)?;
            let name = "standard input".to_owned();
            let content = read(std::io::stdin().lock()).map_err(|error| Failure::io(&name, &error))?;
            return Ok(Input { name, path: "FILE".to_owned(), content, open_mode: None });
        }
        let name = one_line(&args.file.display().to_string());
        let unreadable = |error: std::io::Error| Failure::usage(format!("{name} cannot be read: {error}"));
        let file = File::open(&args.file).map_err(unreadable)?;
        let found = file.metadata().map_err(unreadable)?;
        let mode = found.mode() & 0o777;
        let open_mode = (mode & 0o044 != 0 && !found.file_type().is_fifo()).then_some(mode);
        let content = read(file).map_err(unreadable)?;
        Ok(Input { path: name.clone(), name, content, open_mode })
    }

    /// The value of a secret key.
    fn secret(&self, kind: KeyType, format: Option<Format>) -> Result<Content, Failure> {
        let Some(kind) = Kind::secret_key(kind.number()).filter(|_| matches!(kind, KeyType::Secret(_))) else {
            return Err(Failure::usage(
                "--type is for the value of a secret key; what a PEM or DER file has is told by the file itself",
            ));
        };
        if self.text().is_some_and(|text| text.contains(pem::BEGIN)) {
            return Err(Failure::usage(format!(
                "{} is PEM, no value of a secret key; leave --type out to import what it has",
                self.name
            )));
        }
        let digits = self.text().map(str::trim).filter(|text| !text.is_empty());
        let is_hex = digits.is_some_and(|text| text.chars().all(|digit| digit.is_ascii_hexdigit()));
        let value = match (format, digits) {
            (Some(Format::Hex), None) => return Err(Failure::usage(format!("{}: no hexadecimal digits", self.name))),
            (Some(Format::Hex), Some(digits)) => Zeroizing::new(
                parse_hex(digits).map_err(|problem| Failure::usage(format!("{}: {problem}", self.name)))?,
            ),
            (None, Some(digits)) if is_hex => Zeroizing::new(
                parse_hex(digits).map_err(|problem| Failure::usage(format!("{}: {problem}", self.name)))?,
            ),
            _ => self.content.clone(),
        };
        if !kind.lengths.allow(value.len()) {
            return Err(Failure::refused(
                CKR_ATTRIBUTE_VALUE_INVALID,
                format!(
                    "{} has a value of {} bits{}; {} keys have {} bits",
                    self.name,
                    value.len() * 8,
                    if is_hex && format.is_none() { " in hexadecimal digits" } else { "" },
                    kind.name,
                    possible_bits(kind)
                ),
            ));
        }
        Ok(Content::Secret(kind, value))
    }

    /// A key or certificate in PEM or DER.
    fn structure(&self) -> Result<Content, Failure> {
        match self.text().filter(|text| text.contains(pem::BEGIN)) {
            Some(text) => self.in_pem(text),
            None => self.in_der(),
        }
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.content).ok()
    }

    fn in_pem(&self, text: &str) -> Result<Content, Failure> {
        let broken = |problem: String| Failure::refused(CKR_DATA_INVALID, format!("{}: {problem}", self.name));
        let mut blocks = pem::blocks(text).map_err(broken)?;
        blocks.retain(|block| !block.label.ends_with(" PARAMETERS"));
        let [block] = blocks.as_slice() else {
            let labels: Vec<String> = blocks.iter().map(|block| one_line(block.label)).collect();
            return Err(Failure::refused(
                CKR_DATA_INVALID,
                format!(
                    "{name} has {} ({}); import one at a time: 'openssl pkey -in {path}' writes the private key alone, \
                     'openssl x509 -in {path}' the first certificate",
                    counted(blocks.len(), "structure"),
                    labels.join(", "),
                    name = self.name,
                    path = self.path,
                ),
            ));
        };
        match block.label {
            "PRIVATE KEY" => block.decode().map_err(broken).map(Content::Private),
            "PUBLIC KEY" => block.decode().map_err(broken).map(Content::Public),
            "CERTIFICATE" | "X509 CERTIFICATE" => block.decode().map_err(broken).map(Content::Certificate),
            "ENCRYPTED PRIVATE KEY" => Err(self.encrypted("")),
            label => {
                let advice = match label {
                    "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "DSA PRIVATE KEY" => {
                        format!("PKCS#8 is needed: openssl pkcs8 -topk8 -nocrypt -in {} -out key.pem", self.path)
                    }
                    "OPENSSH PRIVATE KEY" => {
                        "PKCS#8 is needed: ssh-keygen -p -m PKCS8 -N '' -f COPY changes a copy of the file to it"
                            .to_owned()
                    }
                    "RSA PUBLIC KEY" => format!("openssl rsa -RSAPublicKey_in -in {} -pubout makes one", self.path),
                    "TRUSTED CERTIFICATE" => format!("openssl x509 -in {} makes a plain one", self.path),
                    _ => "PRIVATE KEY, PUBLIC KEY and CERTIFICATE can be imported".to_owned(),
                };
                let label = one_line(label);
                Err(Failure::refused(CKR_DATA_INVALID, format!("{} has the form \"{label}\"; {advice}", self.name)))
            }
        }
    }

    fn in_der(&self) -> Result<Content, Failure> {
        let der = &self.content;
        if PrivateKeyInfo::decode(der).is_ok() {
            return Ok(Content::Private(der.clone()));
        }
        if PublicKeyInfo::decode(der).is_ok() {
            return Ok(Content::Public(der.clone()));
        }
        if Certificate::decode(der).is_ok() {
            return Ok(Content::Certificate(der.clone()));
        }
        if is_encrypted_private_key(der) {
            return Err(self.encrypted("-inform DER "));
        }
        Err(Failure::refused(
            CKR_DATA_INVALID,
            format!(
                "{} is neither PEM nor DER of a private key (PKCS#8), a public key or a certificate that is known here; \
                 'openssl pkcs8 -topk8 -nocrypt -inform DER -in {}' makes PKCS#8 of older forms, and the value of a secret \
                 key needs its --type, as in --type aes",
                self.name, self.path,
            ),
        ))
    }

    fn encrypted(&self, form: &str) -> Failure {
        Failure::refused(
            CKR_DATA_INVALID,
            format!(
                "{} has an encrypted private key; openssl asks for its password and decrypts it without another file: \
                 strongroom key import <(openssl pkcs8 {form}-in {})",
                self.name, self.path,
            ),
        )
    }
}

/// An import that is under way.
struct Import<'a> {
    file: &'a Input,
    args: &'a ImportArgs,
}

impl Import<'_> {
    fn secret(&self, context: &Context, kind: &'static Kind, value: &[u8]) -> Result<Answer, Failure> {
        self.args.wanted.check(&[kind])?;
        let hsm = context.hsm()?;
        let session = self.args.user.session(context, &hsm, true)?;
        let mut entries = vec![
            entry(CKA_CLASS, Given::Ulong(CKO_SECRET_KEY)),
            entry(CKA_KEY_TYPE, Given::Ulong(kind.subtype.unwrap_or_default())),
            entry(CKA_VALUE, Given::Bytes(value)),
        ];
        entries.extend(self.args.wanted.entries(kind, Unsaid::default()));
        let key = self.create(&session, entries)?;
        self.warn(context);
        Ok(Answer::new(imported(&key, "", true), json!({ "key": key_json(&key) })))
    }

    fn private(&self, context: &Context, der: &[u8]) -> Result<Answer, Failure> {
        let info = PrivateKeyInfo::decode(der)
            .map_err(Error::from)
            .about(|| format!("{}: the private key cannot be read", self.file.name))?;
        let parts = || private_key_entries(&info);
        let private_kind = self.kind_of(&parts(), CKO_PRIVATE_KEY)?;
        let public_kind = self.kind_of(&parts(), CKO_PUBLIC_KEY)?;
        let kinds = if self.args.private_only { &[private_kind][..] } else { &[private_kind, public_kind] };
        self.args.wanted.check(kinds)?;
        let hsm = context.hsm()?;
        let session = self.args.user.session(context, &hsm, true)?;
        // For a moment it is a session's: so it is checked in full, and tells its public key, before anything is kept.
        let trial = [parts(), vec![entry(CKA_TOKEN, Given::Flag(Flag::Token, false))]].concat();
        let trial = self.create(&session, trial)?;
        let public_info = public_key_info(&trial)?;
        session.destroy_object(trial.number)?;

        let called = Called::of(&session, &public_info)?;
        let private =
            self.create(&session, [parts(), self.args.wanted.entries(private_kind, called.unsaid())].concat())?;
        self.warn(context);
        if self.args.private_only {
            return Ok(Answer::new(imported(&private, "", true), json!({ "key": key_json(&private) })));
        }
        let public = match with_public_key(&session, CKO_PUBLIC_KEY, &public_info)?.into_iter().next() {
            Some(known) => known,
            None => {
                let made = self.public_half(&session, &public_info, public_kind, &called);
                made.map_err(|failure| {
                    failure.advise(&format!("the private key is kept as {}, without its public half", private.number))
                })?
            }
        };
        let half = format!(", its public key {}", public.number);
        let json = json!({ "key": key_json(&private), "public_key": key_json(&public) });
        Ok(Answer::new(imported(&private, &half, true), json))
    }

    fn public(&self, context: &Context, der: &[u8]) -> Result<Answer, Failure> {
        let info = PublicKeyInfo::decode(der)
            .map_err(Error::from)
            .about(|| format!("{}: the public key cannot be read", self.file.name))?;
        let kind = self.kind_of(&public_key_entries(&info), CKO_PUBLIC_KEY)?;
        self.args.wanted.check(&[kind])?;
        let hsm = context.hsm()?;
        let session = self.args.user.session(context, &hsm, true)?;
        let key = self.public_half(&session, der, kind, &Called::of(&session, der)?)?;
        Ok(Answer::new(imported(&key, "", false), json!({ "public_key": key_json(&key) })))
    }

    fn certificate(&self, context: &Context, der: &[u8]) -> Result<Answer, Failure> {
        let certificate = Certificate::decode(der)
            .map_err(Error::from)
            .about(|| format!("{}: the certificate cannot be read", self.file.name))?;
        let kind = Kind::find(CKO_CERTIFICATE, Some(CKC_X_509)).ok_or(Error::NotSupported)?;
        self.args.wanted.check(&[kind])?;
        let hsm = context.hsm()?;
        let session = self.args.user.session(context, &hsm, true)?;
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
        let partner = called.partner.as_ref().map(|key| format!(", of the key {}", key.number)).unwrap_or_default();
        Ok(Answer::new(imported(&made, &partner, false), json!({ "certificate": key_json(&made) })))
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
        let key_type = parts.iter().find_map(|part| match part {
            Entry { attribute: AttributeType(CKA_KEY_TYPE), value: Given::Ulong(key_type) } => Some(*key_type),
            _ => None,
        });
        key_type.and_then(|key_type| Kind::pair_half(class, key_type)).ok_or_else(|| {
            Failure::refused(CKR_ATTRIBUTE_VALUE_INVALID, format!("{}: keys of this type are not kept", self.file.name))
        })
    }

    fn create(&self, session: &Session, entries: Vec<Entry<'_>>) -> Result<Arc<Object>, Failure> {
        let number = session.create_object(&Template::from_entries(entries)).about(|| self.file.name.clone())?;
        Ok(session.object(number)?)
    }

    /// Others who can read the file have the key as well.
    fn warn(&self, context: &Context) {
        if let Some(mode) = self.file.open_mode {
            let name = &self.file.name;
            context.warn(&format!("other users of this machine can read {name} (mode {mode:04o}), which has the key"));
        }
    }
}

/// What an object is called that has the same public key as another one, where nobody says.
struct Called {
    /// The other one.
    partner: Option<Arc<Object>>,
    label: Vec<u8>,
    id: Vec<u8>,
}

impl Called {
    /// As a key or a certificate on the token with the same public key; without one, the identifier is the SHA-1 hash of
    /// the public key, so that what is imported later finds it.
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

/// What is said of an object that was imported.
fn imported(object: &Object, more: &str, is_secret: bool) -> String {
    format!(
        "Imported the {} {}{}{}{more}{}.\n{}",
        described(object),
        object.number,
        named_label(object),
        size_bits(object).map_or_else(String::new, |bits| format!(", {bits} bits")),
        check_value(object).map_or_else(String::new, |kcv| format!(", KCV {kcv}")),
        if is_secret { "The file still has the key: delete it if the token is to have the only one.\n" } else { "" },
    )
}

/// Everything there is, into a buffer that is never reallocated, so that no copy stays behind.
fn read(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX + 1));
    from.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > FILE_BYTES_MAX {
        true => Err(std::io::Error::other(format!("it holds more than {FILE_BYTES_MAX} bytes, which is no key"))),
        false => Ok(bytes),
    }
}

/// Room for any key or certificate, with explanations.
const FILE_BYTES_MAX: usize = 1 << 18;

pub(super) const EXAMPLES: &str = "\
A private key comes with its public half, unless --private-only. What has no --label and no --id gets those of the key \
or certificate on the token with the same public key, so that other programs know that they belong together.

Encrypted keys are decrypted by openssl, which asks for the password:
  strongroom key import <(openssl pkcs8 -in encrypted.pem) --label tls

Examples:
  strongroom key import server.key --label tls
  strongroom key import server.crt
  strongroom key import peer.pub --label peer --usage verify
  strongroom key import value.bin --type aes --label backup --usage wrap,unwrap
  echo 000102030405060708090a0b0c0d0e0f | strongroom key import - --type aes --format hex";
