//! What a file has: the value of a secret key, or a key or certificate in PEM or DER; or what to do about it.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use clap::ValueEnum;
use cryptoki_sys::*;
use rustix::fs::{FileType, fstat};
use strongroom_core::object::schema::Kind;
use strongroom_crypto::Error;
use strongroom_crypto::encoding::{
    Certificate, PrivateKeyInfo, PublicKeyInfo, StoredPublic, Traditional, is_encrypted_private_key, unknown_algorithm,
};
use zeroize::Zeroizing;

use super::{ImportArgs, advice};
use crate::commands::key::types::{KeyType, possible_bits};
use crate::failure::Failure;
use crate::pem::{self, Block};
use crate::place::Context;
use crate::text::{is_hex, one_line, parse_hex, shell_path};

/// How a file has the value of a secret key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Hexadecimal digits
    Hex,
    /// The bytes themselves
    Binary,
}

/// What a file has.
pub(super) enum Content {
    /// The value of a secret key, and the form it was read in.
    Secret(&'static Kind, Zeroizing<Vec<u8>>, Format),
    Private(Private),
    Public(Zeroizing<Vec<u8>>),
    Certificate(Zeroizing<Vec<u8>>),
}

/// A private key in one of its forms.
pub(super) struct Private {
    der: Zeroizing<Vec<u8>>,
    /// The form, where it is not PKCS#8.
    form: Option<Traditional>,
    /// The DER of the curve's name, where it stood before the key.
    curve: Option<Zeroizing<Vec<u8>>>,
}

impl Private {
    fn pkcs8(der: Zeroizing<Vec<u8>>) -> Private {
        Private { der, form: None, curve: None }
    }

    /// The parts of the key, and the public half that the file has beside it.
    ///
    /// # Errors
    /// What is malformed, or not known here.
    pub(super) fn decode(&self) -> Result<(PrivateKeyInfo<'_>, Option<StoredPublic<'_>>), Error> {
        match self.form {
            None => PrivateKeyInfo::decode_with_public(&self.der),
            Some(form) => form.decode(&self.der, self.curve.as_ref().map(|curve| curve.as_slice())),
        }
    }
}

/// A file that was read.
pub(super) struct Input {
    /// Its name for messages.
    pub(super) name: String,
    /// Its name in commands, quoted.
    pub(super) path: String,
    content: Zeroizing<Vec<u8>>,
    /// Whether it stays when it was read, unlike a pipe.
    pub(super) is_file: bool,
    /// Its mode, where others of this machine can read it.
    pub(super) open_mode: Option<u32>,
}

impl Input {
    /// Reads the file that is to be imported.
    ///
    /// # Errors
    /// One that cannot be read, is too long or is empty.
    pub(super) fn read(context: &Context, args: &ImportArgs) -> Result<Input, Failure> {
        let input = if args.file.as_os_str() == "-" {
            context.claim_descriptor(0)?;
            let name = "standard input".to_owned();
            let found = fstat(std::io::stdin());
            let is_file = found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file());
            let content = read(crate::input::Standard).map_err(|error| Failure::io(&name, &error))?;
            Input { name, path: UNNAMED.to_owned(), content, is_file, open_mode: None }
        } else {
            let name = one_line(&args.file.display().to_string());
            let unreadable = |error: std::io::Error| Failure::io(&format!("{name} cannot be read"), &error);
            let file = File::open(&args.file).map_err(unreadable)?;
            let found = file.metadata().map_err(unreadable)?;
            let mode = found.mode() & 0o777;
            let open_mode = (mode & 0o044 != 0 && !found.file_type().is_fifo()).then_some(mode);
            let content = read(file).map_err(unreadable)?;
            let is_file = found.is_file();
            // A pipe of the shell is gone when somebody follows a hint.
            let path = if is_file { shell_path(&args.file) } else { UNNAMED.to_owned() };
            Input { path, name, content, is_file, open_mode }
        };
        if input.content.is_empty() {
            let why = if input.is_file { "" } else { "; did the command before it fail?" };
            return Err(input.refused(&format!(" is empty{why}")));
        }
        Ok(input)
    }

    /// The value of a secret key.
    ///
    /// # Errors
    /// Anything else, or a length that keys of this type do not have.
    pub(super) fn secret(&self, kind: KeyType, format: Option<Format>) -> Result<Content, Failure> {
        let (bits, kind) = secret_kind(kind)?;
        if self.text().is_some_and(|text| text.contains(pem::BEGIN)) {
            return Err(self.refused(" is PEM, no value of a secret key; leave --type out to import what it has"));
        }
        let text = self.text().map(str::trim).unwrap_or_default();
        let read_as = match format {
            Some(format) => format,
            None if is_hex(text) => Format::Hex,
            None => {
                self.refuse_line()?;
                Format::Binary
            }
        };
        let value =
            match read_as {
                Format::Binary => self.content.clone(),
                // What the file has instead is not repeated: it may be the key.
                Format::Hex => Zeroizing::new(parse_hex(text).map_err(|_| {
                    self.refused(": hexadecimal digits are needed, two for each byte, and nothing else")
                })?),
            };
        let wanted = bits.map_or_else(|| possible_bits(kind), |bits| bits.to_string());
        if !kind.lengths.allow(value.len()) || bits.is_some_and(|bits| bits != value.len() * 8) {
            return Err(Failure::refused(
                CKR_ATTRIBUTE_VALUE_INVALID,
                format!(
                    "{} has a value of {} bits{}; {}{} keys have {wanted} bits",
                    self.name,
                    value.len() * 8,
                    if read_as == Format::Hex && format.is_none() { " in hexadecimal digits" } else { "" },
                    kind.name,
                    bits.map_or_else(String::new, |bits| format!("-{bits}")),
                ),
            ));
        }
        Ok(Content::Secret(kind, value, read_as))
    }

    /// Refuses a line of text: with its line end, or where its digits were meant to be read, it would be a wrong key.
    fn refuse_line(&self) -> Result<(), Failure> {
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
        if self.content.last() != Some(&b'\n') || !self.content.iter().all(is_text) {
            return Ok(());
        }
        Err(self.refused(&format!(
            " is text with a line end, and not of hexadecimal digits; write the value in hexadecimal digits, or leave \
             the line end away (printf %s in place of echo); --format binary takes all {} bytes as they are",
            self.content.len()
        )))
    }

    /// A key or certificate in PEM or DER.
    ///
    /// # Errors
    /// Anything else, with what to do about it.
    pub(super) fn structure(&self) -> Result<Content, Failure> {
        match self.text().filter(|text| text.contains(pem::BEGIN)) {
            Some(text) => self.in_pem(text),
            None => self.in_der(),
        }
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.content).ok()
    }

    fn in_pem(&self, text: &str) -> Result<Content, Failure> {
        let broken = |problem: String| self.refused(&format!(": {problem}"));
        let (parameters, blocks): (Vec<Block<'_>>, Vec<Block<'_>>) =
            pem::blocks(text).map_err(broken)?.into_iter().partition(|block| block.label.ends_with(" PARAMETERS"));
        let [block] = blocks.as_slice() else {
            let names =
                |blocks: &[Block<'_>]| blocks.iter().map(|block| one_line(block.label)).collect::<Vec<_>>().join(", ");
            if blocks.is_empty() {
                let what = match names(&parameters) {
                    none if none.is_empty() => ": the dashes are missing at the end of the first line".to_owned(),
                    names => format!(" has parameters ({names}) and no key; name the file with the key made of them"),
                };
                return Err(self.refused(&what));
            }
            return Err(self.refused(&advice::several(self, &blocks)));
        };
        if let Some(form) = Traditional::labelled(block.label) {
            if block.is_encrypted() {
                return Err(self.encrypted("openssl pkey"));
            }
            let curve = parameters.iter().find(|block| block.label == "EC PARAMETERS");
            let curve = curve.map(|block| block.decode().map_err(broken)).transpose()?;
            return Ok(Content::Private(Private { der: block.decode().map_err(broken)?, form: Some(form), curve }));
        }
        match block.label {
            "PRIVATE KEY" => {
                self.known(block.decode().map_err(broken)?).map(|der| Content::Private(Private::pkcs8(der)))
            }
            "PUBLIC KEY" => self.known(block.decode().map_err(broken)?).map(Content::Public),
            "CERTIFICATE" | "X509 CERTIFICATE" => block.decode().map_err(broken).map(Content::Certificate),
            "ENCRYPTED PRIVATE KEY" => Err(self.encrypted("openssl pkcs8")),
            _ => Err(self.refused(&advice::other_form(self, block))),
        }
    }

    fn in_der(&self) -> Result<Content, Failure> {
        let der = &self.content;
        if PrivateKeyInfo::decode(der).is_ok() {
            return Ok(Content::Private(Private::pkcs8(der.clone())));
        }
        if PublicKeyInfo::decode(der).is_ok() {
            return Ok(Content::Public(der.clone()));
        }
        if Certificate::decode(der).is_ok() {
            return Ok(Content::Certificate(der.clone()));
        }
        if let Some(form) = Traditional::ALL.into_iter().find(|form| form.decode(der, None).is_ok()) {
            return Ok(Content::Private(Private { der: der.clone(), form: Some(form), curve: None }));
        }
        if is_encrypted_private_key(der) {
            return Err(self.encrypted("openssl pkcs8 -inform DER"));
        }
        if is_pkcs12(der) {
            let what = match has_whole_length(der) {
                true => format!(" is a PKCS#12 file; {}", advice::pkcs12(&self.path)),
                false => " is a PKCS#12 file that was cut off, or has something behind it; get it anew".to_owned(),
            };
            return Err(self.refused(&what));
        }
        if is_pkcs7(der) {
            return Err(self.refused(&format!(" is a PKCS#7 file; {}", advice::pkcs7(&self.path, "-inform DER "))));
        }
        if let Some(advice) = self.text().and_then(|text| advice::ssh_public(text, &self.path)) {
            return Err(self.refused(&format!(" is a public key of OpenSSH; {advice}")));
        }
        self.known(der.clone())?;
        Err(self.refused(
            " is neither PEM nor DER of a key or certificate that is known here; the value of a secret key needs its \
             --type, as in --type aes",
        ))
    }

    /// The same, unless it is a key for an algorithm that is not known.
    fn known(&self, der: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match unknown_algorithm(&der) {
            Some(oid) => Err(self.refused(&advice::unknown_algorithm(self, &oid))),
            None => Ok(der),
        }
    }

    fn encrypted(&self, command: &str) -> Failure {
        self.refused(&format!(
            " has an encrypted private key; openssl asks for its password and decrypts it without another file: \
             strongroom key import <({command} -in {})",
            self.path,
        ))
    }

    /// A refusal that begins with the file's name.
    pub(super) fn refused(&self, what: &str) -> Failure {
        Failure::refused(CKR_DATA_INVALID, format!("{}{what}", self.name))
    }
}

/// The kind of secret key that `--type` names, and its size where the name says it.
///
/// # Errors
/// A type of pair.
pub(super) fn secret_kind(kind: KeyType) -> Result<(Option<usize>, &'static Kind), Failure> {
    match (kind, Kind::secret_key(kind.number())) {
        (KeyType::Secret { bits, .. }, Some(kind)) => Ok((bits, kind)),
        _ => Err(Failure::usage(
            "--type is for the value of a secret key; what a PEM or DER file has is told by the file itself",
        )),
    }
}

/// Whether this begins as a PKCS#12 file (PFX, RFC 7292 §4): version 3, and content that names its type. Such files are
/// often BER, so that no strict parser says it.
fn is_pkcs12(bytes: &[u8]) -> bool {
    let start = bytes.get(..PFX_START).unwrap_or(bytes);
    let has = |part: &[u8]| start.windows(part.len()).any(|window| window == part);
    start.first() == Some(&SEQUENCE) && has(PFX_VERSION) && has(PKCS7)
}

/// Whether this begins as PKCS#7 or CMS (RFC 5652 §3): a SEQUENCE that begins with its type.
fn is_pkcs7(bytes: &[u8]) -> bool {
    let start = bytes.get(..PKCS7_START).unwrap_or(bytes);
    bytes.first() == Some(&SEQUENCE) && start.windows(PKCS7.len()).any(|window| window == PKCS7)
}

/// Whether the outermost field is as long as the file. Where BER leaves the length open, nobody knows.
fn has_whole_length(bytes: &[u8]) -> bool {
    let Some((&first, rest)) = bytes.get(1..).and_then(<[u8]>::split_first) else { return false };
    let Some(digits) = first.checked_sub(LONG_LENGTH) else { return usize::from(first) == rest.len() };
    let Some((digits, content)) = rest.split_at_checked(usize::from(digits)) else { return false };
    let length = digits.iter().try_fold(0_usize, |sum, digit| sum.checked_mul(256)?.checked_add((*digit).into()));
    digits.is_empty() || length == Some(content.len())
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

const SEQUENCE: u8 = 0x30;
/// INTEGER 3 and the beginning of a SEQUENCE.
const PFX_VERSION: &[u8] = &[0x02, 0x01, 0x03, SEQUENCE];
/// OBJECT IDENTIFIER 1.2.840.113549.1.7, as far as it is the same for all types of content.
const PKCS7: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
/// Within so many bytes both are seen, however the lengths are written.
const PFX_START: usize = 32;
/// Within so many bytes the type of PKCS#7 is seen.
const PKCS7_START: usize = 16;
/// From here on the byte of a length says how many bytes the length has.
const LONG_LENGTH: u8 = 0x80;
/// What hints call a file that has no name.
const UNNAMED: &str = "FILE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pkcs12_is_known_by_its_first_bytes() {
        let content = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
        let der = [&[0x30, 0x82, 1, 0, 2, 1, 3, 0x30, 0x82, 0, 0xf0][..], &content].concat();
        let ber = [&[0x30, 0x80, 2, 1, 3, 0x30, 0x80][..], &content].concat();
        assert!(is_pkcs12(&der) && is_pkcs12(&ber));
        assert!(!is_pkcs12(&content) && !is_pkcs12(&der[..16]) && !is_pkcs12(b""));
        assert!(!is_pkcs7(&der) && is_pkcs7(&[&[0x30, 0x82, 1, 0][..], &content].concat()));
    }

    #[test]
    fn a_file_that_was_cut_off_is_known_by_its_length() {
        for whole in [&[0x30, 1, 7][..], &[0x30, 0x81, 2, 7, 7], &[0x30, 0x82, 0, 1, 7]] {
            assert!(has_whole_length(whole) && !has_whole_length(&whole[..whole.len() - 1]), "{whole:?}");
            assert!(!has_whole_length(&[whole, &[0]].concat()), "{whole:?}");
        }
        assert!(has_whole_length(&[0x30, 0x80, 7, 0, 0]) && !has_whole_length(b"") && !has_whole_length(&[0x30]));
        assert!(!has_whole_length(&[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0, 7]));
    }
}
