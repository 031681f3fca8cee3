//! wrapKey, unWrapKey: keys wrapped by other keys, in files.

use cryptoki_sys::*;
use strongroom_core::attribute::{Entry, Given, Template};
use strongroom_core::mechanism::{Call, Oaep, Parameter};
use strongroom_core::object::Object;
use strongroom_core::object::schema::Kind;
use strongroom_core::policy::Policy;
use strongroom_core::session::{Output, Session};

use super::Tool;
use super::commands::{Command, TRANSPORT};
use super::creation::{
    ATTESTED, Creation, Half, NOT_EXTRACTABLE, QUORUM, SERVERS, SESSION, SHARED, entry, usage_bits,
    usages as usages_on, usages_of,
};
use super::find::key;
use super::header::Header;
use super::host::{UNWRAP, WRAP, with, wrap};
use super::pairs::pair_usages;
use super::symmetric::secret_usages;
use crate::cloudhsm::attributes::{self, Value, bytes};
use crate::cloudhsm::files::{self, Target};
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};
use crate::text::{parse_hex, quoted};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "wrapKey",
        group: TRANSPORT,
        call: WRAP,
        description: "Wraps a key with another one, into a file.",
        flags: &[WHAT, HOW],
        needs_user: true,
        status: false,
        run: wrap_key,
    },
    Command {
        name: "unWrapKey",
        group: TRANSPORT,
        call: UNWRAP,
        description: "Unwraps the key in a file.",
        flags: &[FROM, HOW, BARE, NOT_EXTRACTABLE, SESSION, SERVERS, SHARED, QUORUM, ATTESTED],
        needs_user: true,
        status: true,
        run: unwrap_key,
    },
];

static WHAT: &[Flag] = &[
    Flag::required("-k", "key-handle", "Key handle", "the key, which must be extractable and the user's own"),
    Flag::required("-w", "wrapping-key-handle", "Wrapping key handle", "the key to wrap with"),
    Flag::required("-out", "file", "Output file", "the file, which is overwritten"),
];
static FROM: &[Flag] = &[
    Flag::required("-f", "file", "Key file", "the file with the wrapped key"),
    Flag::required("-w", "wrapping-key-handle", "Wrapping key handle", "the key to unwrap with"),
];
static HOW: &[Flag] = &[
    Flag::required(
        "-m",
        "mechanism",
        "Wrapping mechanism",
        "the mechanism\n(4 = AES_KEY_WRAP_PAD_PKCS5, 5 = NIST_AES_WRAP_NO_PAD (RFC 3394), 6 = NIST_AES_WRAP_PAD (RFC 5649),\n\
         7 = RSA_AES, 8 = RSA_OAEP, 10 = AES_GCM, 11 = CLOUDHSM_AES_GCM, 12 = RSA_PKCS)",
    ),
    Flag::optional(
        "-t",
        "hash-type",
        "the hash of mechanisms 7 and 8\n(2 = SHA1, 3 = SHA256 (default), 4 = SHA384, 5 = SHA512, 6 = SHA224)",
    ),
    Flag::optional("-aad", "file", "a file with data that mechanisms 10 and 11 authenticate too"),
    Flag::optional("-tag_size", "bytes", "the bytes of the tag of mechanisms 10 and 11\n(8 to 16; default: 16)"),
    Flag::optional("-iv_file", "file", "the file with the IV of mechanism 10 (only with -noheader)"),
    Flag::optional("-i", "IV", "the initial value of mechanisms 4 and 5: 0xA6A6A6A6A6A6A6A6\n(only with -noheader)"),
    Flag::switch("-noheader", "a file that holds the wrapped key and nothing else"),
];
static BARE: &[Flag] = &[
    Flag::optional("-l", "label", "a label (needed with -noheader)"),
    Flag::optional("-id", "key-ID", "an identifier that no other key has (only with -noheader)"),
    Flag::optional("-kc", "key-class", "the class (needed with -noheader)\n(3 = private, 4 = secret)"),
    Flag::optional(
        "-kt",
        "key-type",
        "the type (needed with -noheader)\n(0 = RSA, 1 = DSA, 3 = EC, 16 = generic secret, 21 = triple DES, 31 = AES)",
    ),
];

/// How a key is wrapped, as the options say.
struct Way {
    number: u64,
    hash: (u64, u64),
    aad: Vec<u8>,
    tag_bytes: u64,
    bare: bool,
}

impl Way {
    fn read(options: &Options<'_>) -> Result<Way, Refusal> {
        let number = options.needed_number("-m")?;
        if !MECHANISMS.contains(&number) {
            return Err(Refusal::value("-m", "4 to 8 and 10 to 12", number));
        }
        let bare = options.has("-noheader");
        let is_gcm = matches!(number, GCM | GCM_WITH_IV);
        let hash = options.number("-t")?.unwrap_or(SHA256);
        let known = HASHES.iter().find(|(known, _)| *known == hash).map(|(_, hash)| *hash);
        let hash = known.ok_or_else(|| Refusal::value("-t", "2 to 6", hash))?;
        let tag_bytes = options.number("-tag_size")?.unwrap_or(TAG_BYTES_MAX);
        for (name, fits, with) in [
            ("-t", matches!(number, RSA_AES | RSA_OAEP), "-m 7 and 8"),
            ("-aad", is_gcm, "-m 10 and 11"),
            ("-tag_size", is_gcm, "-m 10 and 11"),
            ("-iv_file", bare && number == GCM, "-m 10 and -noheader"),
            ("-i", bare && matches!(number, PKCS5 | RFC_3394), "-m 4 and 5 and -noheader"),
        ] {
            if options.has(name) && !fits {
                return Err(Refusal::mistyped(format!("{name} goes with {with}")));
            }
        }
        if !(TAG_BYTES_MIN..=TAG_BYTES_MAX).contains(&tag_bytes) {
            return Err(Refusal::value("-tag_size", "8 to 16", tag_bytes));
        }
        if bare && number == GCM && !options.has("-iv_file") {
            return Err(Refusal::misuse("Error: IV file (-iv_file) is missing."));
        }
        if let Some(iv) = options.text("-i")
            && parse_hex(iv).map_err(|_| Refusal::value("-i", "hexadecimal digits", quoted(iv)))? != DEFAULT_IV
        {
            return Err(Refusal::Said("Error: the only initial value (-i) taken is 0xA6A6A6A6A6A6A6A6".to_owned()));
        }
        let aad = options.text("-aad").map(files::read).transpose()?.map(|aad| aad.to_vec()).unwrap_or_default();
        Ok(Way { number, hash, aad, tag_bytes, bare })
    }

    fn is_gcm(&self) -> bool {
        matches!(self.number, GCM | GCM_WITH_IV)
    }

    /// The call; `iv` is that of AES-GCM.
    fn call<'a>(&self, iv: &'a [u8]) -> Result<Call<'a>, Refusal> {
        let (hash, mgf) = self.hash;
        let oaep = Oaep { hash, mgf, source: CKZ_DATA_SPECIFIED, label: &[] };
        match self.number {
            PKCS5 => with(CKM_AES_KEY_WRAP_PKCS7, Parameter::None),
            RFC_3394 => with(CKM_AES_KEY_WRAP, Parameter::None),
            RFC_5649 => with(CKM_AES_KEY_WRAP_KWP, Parameter::None),
            RSA_AES => with(CKM_RSA_AES_KEY_WRAP, Parameter::RsaAes { key_bits: 256, oaep }),
            RSA_OAEP => with(CKM_RSA_PKCS_OAEP, Parameter::Oaep(oaep)),
            GCM | GCM_WITH_IV => with(CKM_AES_GCM, Parameter::Gcm { iv, aad: &[], tag_bits: self.tag_bytes * 8 }),
            _ => with(CKM_RSA_PKCS, Parameter::None),
        }
    }

    /// The IV and the wrapped key, where the one stands before the other.
    fn iv_before<'a>(&self, iv: Vec<u8>, bytes: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
        match bytes.split_at_checked(GCM_IV_BYTES) {
            Some((before, rest)) if self.number == GCM_WITH_IV => (before.to_vec(), rest),
            _ => (iv, bytes),
        }
    }
}

fn wrap_key(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let (number, wrapping) = (tool.handle(options, "-k")?, tool.handle(options, "-w")?);
    let file = options.needed("-out")?;
    let way = Way::read(options)?;
    let (iv_file, aad_file) = (("-iv_file", options.text("-iv_file")), ("-aad", options.text("-aad")));
    files::apart(("-out", Some(file)), &[iv_file, aad_file])?;
    files::apart(iv_file, &[aad_file])?;
    let key = key(tool, number)?;
    if way.number == RFC_3394 && !fits_without_padding(&key) {
        return Err(Refusal::before(
            Code::KEY_SIZE,
            "mechanism 5 wraps secrets of a multiple of 8 bytes; 6 takes this one",
        ));
    }
    let session = tool.link.session();
    let mut iv = Vec::new();
    if way.is_gcm() {
        iv.resize(GCM_IV_BYTES, 0);
        session.random(&mut iv)?;
    }
    let mut content = Vec::new();
    if !way.bare {
        content = Header {
            mechanism: way.number as u8,
            class: key.kind.class as u8,
            key_type: key.kind.subtype.and_then(|kind| u32::try_from(kind).ok()).unwrap_or_default(),
            usages: usage_bits(&key),
            label: key.label().to_vec(),
            id: bytes(&key, CKA_ID).unwrap_or_default().to_vec(),
            iv: if way.number == GCM { iv.clone() } else { Vec::new() },
        }
        .encode()
        .map_err(|problem| Refusal::Said(format!("Error: {problem}; -noheader wraps the key without")))?;
    }
    let target = Target::open(file)?;
    let iv_target = options.text("-iv_file").map(Target::open).transpose()?;
    let aad = [content.as_slice(), &way.aad].concat();
    if way.number == GCM_WITH_IV {
        content.extend(&iv);
    }
    content.extend(match way.is_gcm() {
        true => wrap_authenticated(session, &way.call(&iv)?, wrapping, number, &aad)?,
        false => wrap(session, &way.call(&[])?, wrapping, number)?,
    });
    if let Some(iv_target) = iv_target {
        iv_target.write(&iv)?;
    }
    target.write(&content)?;
    tool.screen.paragraph(&["\tKey Wrapped.".to_owned()]);
    // The quotation mark is not closed in the tool that scripts know.
    tool.screen.paragraph(&[format!("\tWrapped Key written to file \"{file} length {}", content.len())]);
    tool.screen.result(WRAP, Code::SUCCESS);
    Ok(())
}

fn unwrap_key(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let wrapping = tool.handle(options, "-w")?;
    let way = Way::read(options)?;
    let file = options.needed("-f")?;
    for (name, thing) in [("-l", "Key label"), ("-kc", "Key class"), ("-kt", "Key type")] {
        if way.bare && !options.has(name) {
            return Err(Refusal::misuse(format!("Error: {thing} ({name}) is missing.")));
        }
    }
    if let Some(name) = ["-l", "-id", "-kc", "-kt"].iter().find(|name| !way.bare && options.has(name)) {
        return Err(Refusal::mistyped(format!("{name} goes with -noheader: the header says it")));
    }
    let creation = Creation::read(tool, options)?;
    let content = files::read(file)?;
    let policy = tool.link.policy()?;
    let wrapped = match way.bare {
        true => Wrapped::bare(&content, &way, options, policy)?,
        false => Wrapped::with_header(&content, &way, policy)
            .map_err(|problem| Refusal::Said(format!("Error: {file}: {problem}")))?,
    };
    let creation = creation.named(&wrapped.label, &wrapped.id);
    let mut entries = creation.entries(Half::Confidential);
    entries.push(entry(CKA_CLASS, Given::Ulong(wrapped.kind.class)));
    entries.push(entry(CKA_KEY_TYPE, Given::Ulong(wrapped.kind.subtype.unwrap_or_default())));
    entries.extend(wrapped.usages);
    let template = Template::from_entries(entries);
    let (session, call) = (tool.link.session(), way.call(&wrapped.iv)?);
    let named = if way.bare { UNWRAP_BARE } else { UNWRAP };
    let key = match way.is_gcm() {
        true => session.unwrap_key_authenticated(&call, wrapping, wrapped.bytes, &template, &wrapped.aad),
        false => session.unwrap_key(&call, wrapping, wrapped.bytes, &template),
    };
    let key = key.map_err(|error| Refusal::from(error).of(named))?;
    if way.bare {
        tool.screen.result(TEMPLATE_BARE, Code::SUCCESS);
    }
    tool.screen.result(named, Code::SUCCESS);
    tool.screen.made(&format!("Key Unwrapped.  Key Handle: {key}"));
    creation.conclude(tool);
    Ok(())
}

/// What a file holds.
struct Wrapped<'a> {
    kind: &'static Kind,
    usages: Vec<Entry<'a>>,
    label: Vec<u8>,
    id: Vec<u8>,
    aad: Vec<u8>,
    iv: Vec<u8>,
    bytes: &'a [u8],
}

impl<'a> Wrapped<'a> {
    /// A file that holds the wrapped key and nothing else: the options say what it is.
    fn bare(content: &'a [u8], way: &Way, options: &Options<'_>, policy: Policy) -> Result<Wrapped<'a>, Refusal> {
        let (class, key_type) = (options.needed_number("-kc")?, options.needed_number("-kt")?);
        let (kind, usages) = match class {
            CKO_PRIVATE_KEY => (Kind::pair_half(class, key_type), Some(pair_usages(key_type).1)),
            CKO_SECRET_KEY => (Kind::secret_key(key_type), secret_usages(key_type)),
            _ => (None, None),
        };
        let unknown = || {
            Refusal::mistyped(format!(
                "-kc takes 3 with -kt 0, 1 or 3, or 4 with -kt 16, 21 or 31, not {class} with {key_type}"
            ))
        };
        let (kind, wanted) = kind.zip(usages).ok_or_else(unknown)?;
        let text = |name| options.text(name).unwrap_or_default().as_bytes().to_vec();
        let iv = options.text("-iv_file").map(files::read).transpose()?.map(|iv| iv.to_vec()).unwrap_or_default();
        let (iv, bytes) = way.iv_before(iv, content);
        let aad = way.aad.clone();
        Ok(Wrapped {
            kind,
            usages: usages_on(policy, kind, wanted),
            label: text("-l"),
            id: text("-id"),
            aad,
            iv,
            bytes,
        })
    }

    /// A file whose header says what it is.
    fn with_header(content: &'a [u8], way: &Way, policy: Policy) -> Result<Wrapped<'a>, String> {
        let (header, bytes) = Header::decode(content)?;
        if u64::from(header.mechanism) != way.number {
            return Err(format!("it was wrapped with mechanism {}", header.mechanism));
        }
        let (class, key_type) = (header.class.into(), header.key_type.into());
        let kind = match class {
            CKO_PRIVATE_KEY => Kind::pair_half(class, key_type),
            CKO_SECRET_KEY => Kind::secret_key(key_type),
            _ => None,
        };
        let kind = kind.ok_or("its header names no kind of key that can be unwrapped")?;
        let head = content.get(..content.len() - bytes.len()).unwrap_or_default();
        let aad = [head, &way.aad].concat();
        let usages = usages_of(policy, kind, header.usages);
        let (iv, bytes) = way.iv_before(header.iv, bytes);
        Ok(Wrapped { kind, usages, label: header.label, id: header.id, aad, iv, bytes })
    }
}

/// Whether RFC 3394 wraps the key as it is. To other secrets the core adds zeros, as PKCS#11 has it, and nobody would
/// know how many; a private key says itself where it ends.
fn fits_without_padding(key: &Object) -> bool {
    match attributes::find(CKA_VALUE_LEN).and_then(|length| Value::of(key, length)) {
        Some(Value::Number(length)) if key.kind.class == CKO_SECRET_KEY => length.is_multiple_of(8),
        _ => true,
    }
}

fn wrap_authenticated(
    session: &Session,
    call: &Call<'_>,
    wrapping: u64,
    key: u64,
    aad: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let length = session.wrap_key_authenticated(call, wrapping, key, aad, Output::Length)?;
    let mut wrapped = vec![0; length];
    let length = session.wrap_key_authenticated(call, wrapping, key, aad, Output::Buffer(&mut wrapped))?;
    wrapped.truncate(length);
    Ok(wrapped)
}

const UNWRAP_BARE: &str = "Cfm2UnWrapWithTemplate3";
const TEMPLATE_BARE: &str = "Cfm3CreateUnwrapTemplate2";

const PKCS5: u64 = 4;
const RFC_3394: u64 = 5;
const RFC_5649: u64 = 6;
const RSA_AES: u64 = 7;
const RSA_OAEP: u64 = 8;
const GCM: u64 = 10;
const GCM_WITH_IV: u64 = 11;
const RSA_PKCS: u64 = 12;
/// Those that are offered: of CloudHSM's, all but the one for keys of triple DES (9).
const MECHANISMS: &[u64] = &[PKCS5, RFC_3394, RFC_5649, RSA_AES, RSA_OAEP, GCM, GCM_WITH_IV, RSA_PKCS];

const SHA256: u64 = 3;
/// The hashes by their numbers here: the hash, and the mask generation function with it.
const HASHES: &[(u64, (u64, u64))] = &[
    (2, (CKM_SHA_1, CKG_MGF1_SHA1)),
    (SHA256, (CKM_SHA256, CKG_MGF1_SHA256)),
    (4, (CKM_SHA384, CKG_MGF1_SHA384)),
    (5, (CKM_SHA512, CKG_MGF1_SHA512)),
    (6, (CKM_SHA224, CKG_MGF1_SHA224)),
];
/// RFC 3394 §2.2.3.1.
const DEFAULT_IV: [u8; 8] = [0xa6; 8];
const GCM_IV_BYTES: usize = 12;
const TAG_BYTES_MIN: u64 = 8;
const TAG_BYTES_MAX: u64 = 16;
