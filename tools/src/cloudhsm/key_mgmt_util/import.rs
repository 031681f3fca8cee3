//! imSymKey, importPrivateKey, importPubKey: keys of other programs.

use cryptoki_sys::*;
use strongroom_core::attribute::{Given, Template};
use strongroom_core::object::birth::{private_key_entries, public_key_entries};
use strongroom_core::object::schema::Kind;
use strongroom_crypto::encoding::{PrivateKeyInfo, PublicKeyInfo};

use super::Tool;
use super::commands::{Command, TRANSPORT};
use super::creation::{ATTESTED, Creation, Half, NAMED, QUORUM, SERVERS, SESSION, SHARED, entry, usages};
use super::host::{UNWRAP, put_in};
use super::pairs::pair_usages;
use super::symmetric::secret_usages;
use crate::cloudhsm::files;
use crate::cloudhsm::options::{Flag, Options};
use crate::cloudhsm::results::{Code, Refusal};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "imSymKey",
        group: TRANSPORT,
        call: UNWRAP,
        description: "Imports a symmetric key from a file that holds its bytes.",
        flags: &[SYMMETRIC, IN, NAMED, SESSION, SERVERS, SHARED, ATTESTED],
        needs_user: true,
        status: true,
        run: symmetric,
    },
    Command {
        name: "importPrivateKey",
        group: TRANSPORT,
        call: UNWRAP,
        description: "Imports a private key from a PEM file.",
        flags: &[IN, NAMED, SESSION, SERVERS, SHARED, QUORUM, ATTESTED],
        needs_user: true,
        status: true,
        run: private,
    },
    Command {
        name: "importPubKey",
        group: TRANSPORT,
        call: CREATE,
        description: "Imports a public key from a PEM file.",
        flags: &[&[Flag::required("-f", "file", "Key file", "the file with the key")], NAMED, SESSION, SERVERS],
        needs_user: true,
        status: true,
        run: public,
    },
];

static SYMMETRIC: &[Flag] =
    &[Flag::required("-t", "key-type", "Key type", "the type\n(16 = generic secret, 21 = triple DES, 31 = AES)")];
static IN: &[Flag] = &[
    Flag::required("-f", "file", "Key file", "the file with the key"),
    Flag::required("-w", "wrapping-key-handle", "Wrapping key handle", "an AES key that the key enters the HSM under"),
    Flag::optional("-wk", "file", "a file with the same AES key, to wrap outside the HSM"),
];

fn symmetric(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let key_type = options.needed_number("-t")?;
    let wrapping = tool.handle(options, "-w")?;
    let wanted = secret_usages(key_type).filter(|_| key_type != CKK_RC4);
    let offered = wanted.zip(Kind::secret_key(key_type));
    let (wanted, kind) = offered.ok_or_else(|| Refusal::value("-t", "16, 21 or 31", key_type))?;
    let creation = Creation::read(tool, options)?;
    let file = options.needed("-f")?;
    let value = files::read(file)?;
    if !kind.lengths.allow(value.len()) {
        let length = value.len();
        return Err(Refusal::before(Code::KEY_SIZE, format!("{file} has {length} bytes, which no such key has")));
    }
    let mut entries = creation.entries(Half::Confidential);
    entries.push(entry(CKA_CLASS, Given::Ulong(CKO_SECRET_KEY)));
    entries.push(entry(CKA_KEY_TYPE, Given::Ulong(key_type)));
    entries.extend(usages(tool.link.policy()?, kind, wanted));
    let key = put_in(tool, wrapping, &value, options.text("-wk"), &Template::from_entries(entries))?;
    tool.screen.made(&format!("Symmetric Key Unwrapped.  Key Handle: {key}"));
    creation.conclude(tool);
    Ok(())
}

fn private(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let wrapping = tool.handle(options, "-w")?;
    let creation = Creation::read(tool, options)?;
    let file = options.needed("-f")?;
    let der = files::private_key(file)?;
    let unreadable = |error: strongroom_crypto::Error| Refusal::Said(format!("Error: {file}: {error}"));
    let info = PrivateKeyInfo::decode(der.expose()).map_err(unreadable)?;
    let parts = Template::from_entries(private_key_entries(&info));
    let key_type = parts.ulong(CKA_KEY_TYPE).unwrap_or_default();
    let kind = Kind::pair_half(CKO_PRIVATE_KEY, key_type).ok_or_else(|| no_such_pairs(file))?;
    tool.screen.paragraph(&[format!("BER encoded key length is {}", der.len())]);
    let mut entries = creation.entries(Half::Confidential);
    entries.push(entry(CKA_CLASS, Given::Ulong(CKO_PRIVATE_KEY)));
    entries.push(entry(CKA_KEY_TYPE, Given::Ulong(key_type)));
    entries.extend(usages(tool.link.policy()?, kind, pair_usages(key_type).1));
    let key = put_in(tool, wrapping, der.expose(), options.text("-wk"), &Template::from_entries(entries))?;
    tool.screen.made(&format!("Private Key Unwrapped.  Key Handle: {key}"));
    creation.conclude(tool);
    Ok(())
}

fn public(tool: &mut Tool, options: &Options<'_>) -> Result<(), Refusal> {
    let creation = Creation::read(tool, options)?;
    let file = options.needed("-f")?;
    let der = files::public_key(file)?;
    let info = PublicKeyInfo::decode(&der).map_err(|error| Refusal::Said(format!("Error: {file}: {error}")))?;
    let mut entries = public_key_entries(&info);
    let parts = Template::from_entries(entries.clone());
    let key_type = parts.ulong(CKA_KEY_TYPE).unwrap_or_default();
    let kind = Kind::pair_half(CKO_PUBLIC_KEY, key_type).ok_or_else(|| no_such_pairs(file))?;
    entries.extend(creation.entries(Half::Public));
    entries.extend(usages(tool.link.policy()?, kind, pair_usages(key_type).0));
    let key = tool.link.session().create_object(&Template::from_entries(entries))?;
    tool.screen.result(CREATE, Code::SUCCESS);
    tool.screen.made(&format!("Public Key Handle: {key}"));
    creation.conclude(tool);
    Ok(())
}

fn no_such_pairs(file: &str) -> Refusal {
    Refusal::Mistyped(format!("{file} holds a key of a type that is not offered"))
}

const CREATE: &str = "Cfm3CreatePublicKey";
