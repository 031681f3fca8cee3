//! `strongroom key`: generating, importing, listing, describing and deleting keys, as a user.
//!
//! | module | what for |
//! | --- | --- |
//! | `generate`, `import`, `public`, `certificate` | the commands of these names |
//! | `wanted` | the options about a new key's attributes |
//! | `types`, `suggest` | the names of types, curves and parameter sets; which one was meant |
//! | `find`, `namesakes` | which keys are meant; which could be meant as well |
//! | `sharing` | sharing, and whose a key is |
//! | `view`, `attributes` | how keys look: in a line, with all attributes |

mod attributes;
mod certificate;
mod find;
mod generate;
mod import;
mod namesakes;
mod public;
mod sharing;
mod suggest;
mod types;
mod view;
mod wanted;

use std::sync::Arc;

use clap::{Args, Subcommand};
use cryptoki_sys::*;
use serde_json::{Map, Value, json};
use strongroom_core::attribute::{Flag, Given};
use strongroom_core::object::Object;
use strongroom_core::session::Session;

use find::{Found, Pair, entry, find, meant, only, with_public_key, without_certificates};
use sharing::Owners;
use types::{KeyType, bytes, curve_name, parameter_set, size_bits, type_name};
use view::{CLASSES, class_name, key_json, keys_table, named};

use crate::failure::{Approvals, Explain, Failure};
use crate::output::Answer;
use crate::place::{AsUser, Context};
use crate::table::pairs;
use crate::terminal;
use crate::text::parse_hex;

/// The commands about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Generate a key, or a pair, that stays in the token
    #[command(after_long_help = generate::more_help())]
    Generate(Box<generate::GenerateArgs>),
    /// Import a key or a certificate from a file
    #[command(after_long_help = import::EXAMPLES)]
    Import(Box<import::ImportArgs>),
    /// Write the public key alone, of a pair or out of a certificate, for other programs
    #[command(after_long_help = public::EXAMPLES)]
    Public(public::PublicArgs),
    /// Write a whole certificate, for other programs
    #[command(after_long_help = certificate::EXAMPLES)]
    Certificate(certificate::CertificateArgs),
    /// List the keys, certificates and domain parameters
    #[command(after_long_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Show all attributes of a key, or of both halves of a pair
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Let another user use a key
    #[command(after_long_help = sharing::SHARE_EXAMPLES)]
    Share(sharing::ShareArgs),
    /// Let another user no longer use a key
    #[command(after_long_help = sharing::UNSHARE_EXAMPLES)]
    Unshare(sharing::ShareArgs),
    /// Delete a key, a pair or a certificate for ever
    #[command(after_long_help = DELETE_EXAMPLES)]
    Delete(DeleteArgs),
}

/// Options of `key list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only keys with this label
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Only keys with this identifier (CKA_ID)
    #[arg(long, value_name = "HEX", value_parser = parse_id)]
    id: Option<Bytes>,
    /// Only keys of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = KeyType::parse)]
    kind: Option<KeyType>,
    /// Only objects of this class: secret, private, public, certificate, parameters
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    class: Option<u64>,
    /// Only keys that are not private (CKA_PRIVATE false), without login
    #[arg(long, conflicts_with_all = ["user", "pin_file", "pin_fd"])]
    public: bool,
    /// Whose keys.
    #[command(flatten)]
    user: AsUser,
}

/// Options of `key show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Which key: its number, its label, label=TEXT or id=HEX
    key: String,
    /// Only objects of this class: secret, private, public, certificate, parameters
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    class: Option<u64>,
    /// Show the value too, of a key that is not sensitive and is extractable
    #[arg(long)]
    reveal: bool,
    /// Whose key.
    #[command(flatten)]
    user: AsUser,
}

/// Options of `key delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Which key: its number, its label, label=TEXT or id=HEX
    key: String,
    /// Only objects of this class: secret, private, public, certificate, parameters
    #[arg(long, value_name = "CLASS", value_parser = parse_class)]
    class: Option<u64>,
    /// Delete both halves of the pair
    #[arg(long, conflicts_with = "class")]
    pair: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Whose key.
    #[command(flatten)]
    user: AsUser,
}

/// Bytes given as hexadecimal digits: an option of one value, not of many.
#[derive(Debug, Clone)]
struct Bytes(Vec<u8>);

/// Runs a command about keys.
///
/// # Errors
/// What it refuses or fails with.
pub(crate) fn run(context: &Context, command: &KeyCommand) -> Result<Answer, Failure> {
    let outcome = match command {
        KeyCommand::Generate(args) => generate::run(context, args),
        KeyCommand::Import(args) => import::run(context, args),
        KeyCommand::Public(args) => public::run(context, args),
        KeyCommand::Certificate(args) => certificate::run(context, args),
        KeyCommand::List(args) => list(context, args),
        KeyCommand::Show(args) => show(context, args),
        KeyCommand::Share(args) => sharing::run(context, args, true),
        KeyCommand::Unshare(args) => sharing::run(context, args, false),
        KeyCommand::Delete(args) => delete(context, args),
    };
    outcome.map_err(|failure| failure.advise_approvals(Approvals::OfKey))
}

fn list(context: &Context, args: &ListArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let session = match args.public {
        true => hsm.session(hsm.open_session(context.application(&hsm)?.slot, false)?)?,
        false => args.user.session(context, &hsm, false)?,
    };
    let mut wanted = Vec::new();
    wanted.extend(args.label.as_ref().map(|label| entry(CKA_LABEL, Given::Bytes(label.as_bytes()))));
    wanted.extend(args.id.as_ref().map(|id| entry(CKA_ID, Given::Bytes(&id.0))));
    wanted.extend(args.kind.map(|kind| entry(CKA_KEY_TYPE, Given::Ulong(kind.number()))));
    wanted.extend(args.class.map(|class| entry(CKA_CLASS, Given::Ulong(class))));
    let Found { mut keys, unreadable } = find(&session, wanted, "reading keys")?;
    keys.retain(|key| args.kind.is_none_or(|kind| kind.is_that_of(key)));
    for (number, problem) in &unreadable {
        context.warn(&format!("object {number} cannot be read: {problem}; 'strongroom doctor' says more"));
    }
    let owners = Owners::of(&session)?;
    let json = json!({
        "keys": keys.iter().map(|key| owners.added_to(key_json(key), key)).collect::<Vec<_>>(),
        "unreadable": unreadable.iter().map(|(number, problem)| json!({ "number": number, "message": problem }))
            .collect::<Vec<_>>(),
    });
    let is_choice =
        args.public || args.label.is_some() || args.id.is_some() || args.kind.is_some() || args.class.is_some();
    let text = match keys.is_empty() {
        true if !is_choice && unreadable.is_empty() => {
            "There are no keys yet; make one with: strongroom key generate --type aes --label NAME\n".to_owned()
        }
        true => "There is no such key.\n".to_owned(),
        false => keys_table(&keys).text(),
    };
    Ok(Answer { text, json, faulty: !unreadable.is_empty() })
}

fn show(context: &Context, args: &ShowArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, false)?;
    let found = meant(&session, &args.key, args.class)?;
    // A pair and its certificates usually have one label: all of them are meant then.
    let (keys, certificates) = match found.iter().all(|object| object.kind.class == CKO_CERTIFICATE) {
        true => (vec![only(&args.key, found, "")?], Vec::new()),
        false => without_certificates(found),
    };
    let (key, public) = match Pair::of(&keys) {
        Some(Pair { private, public }) => (private, Some(public)),
        None => (only(&args.key, keys, " or a --class")?, None),
    };
    let mut texts = Vec::new();
    let mut json = Map::new();
    let mut add = |object: &Object| {
        let (text, json) = shown(context, &session, object, args.reveal)?;
        texts.push(text);
        Ok::<_, Failure>(json)
    };
    json.insert("key".to_owned(), add(&key)?);
    if let Some(public) = public {
        json.insert("public_key".to_owned(), add(&public)?);
    }
    if !certificates.is_empty() {
        let shown = certificates.iter().map(|certificate| add(certificate)).collect::<Result<Vec<_>, _>>()?;
        json.insert("certificates".to_owned(), shown.into());
    }
    Ok(Answer::new(texts.join("\n"), json.into()))
}

/// All there is to say of an object.
fn shown(context: &Context, session: &Session, key: &Object, reveal: bool) -> Result<(String, Value), Failure> {
    let owners = Owners::of(session)?;
    let mut lines = vec![
        ("Number", key.number.to_string()),
        ("Class", class_name(key).unwrap_or_default().to_owned()),
        ("Type", type_name(key).to_owned()),
    ];
    lines.extend(curve_name(key).map(|curve| ("Curve", curve.to_owned())));
    lines.extend(parameter_set(key).map(|set| ("Parameter set", set)));
    lines.extend(size_bits(key).map(|bits| ("Size", format!("{bits} bits"))));
    lines.extend(owners.lines(key));
    let attributes = attributes::of(key, reveal);
    if reveal && attributes.iter().any(|attribute| attribute.stays_inside) {
        let why = if key.has(Flag::Sensitive) { "sensitive" } else { "not extractable" };
        context.warn(&format!("the {} is {why}: its value stays inside, and --reveal does not show it", named(key)));
    }
    lines.extend(attributes.iter().map(|attribute| (attribute.name, attribute.text.clone())));
    let mut json = owners.added_to(key_json(key), key);
    if let Value::Object(members) = &mut json {
        members.insert("attributes".to_owned(), attributes::json(&attributes));
    }
    Ok((pairs(&lines), json))
}

fn delete(context: &Context, args: &DeleteArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, true)?;
    let found = meant(&session, &args.key, args.class)?;
    let mut shared = None;
    let (doomed, spared) = if args.pair {
        let (Pair { private, public }, certificates) = whole_pair(&session, &args.key, found)?;
        match other_private(&session, &private)? {
            Some(other) => {
                shared = Some((public, other));
                (vec![private], certificates)
            }
            None => (vec![private, public], certificates),
        }
    } else {
        let halves: Vec<Arc<Object>> = without_certificates(found.clone()).0;
        let advice =
            if Pair::of(&halves).is_some() { ", a --class, or --pair for both halves" } else { " or a --class" };
        (vec![only(&args.key, found, advice)?], Vec::new())
    };
    let names: Vec<String> = doomed.iter().map(|key| format!("the {}", named(key))).collect();
    let what = names.join(" and ");
    terminal::confirm(args.yes, &format!("Delete {what} for ever?"))?;
    for (key, name) in doomed.iter().zip(&names) {
        session.destroy_object(key.number).about(|| name.clone())?;
    }
    let json = |key: &Object| json!({ "number": key.number, "label": String::from_utf8_lossy(key.label()) });
    let deleted = match doomed.as_slice() {
        [private, public] => json!({
            "deleted": json(private),
            "deleted_public_key": json(public),
            "certificates_kept": spared.iter().map(|certificate| json(certificate)).collect::<Vec<_>>(),
        }),
        others => json!({
            "deleted": others.first().map(|key| json(key)),
            "public_key_kept": shared.as_ref().map(|(public, _)| json(public)),
        }),
    };
    let shared = shared.map_or_else(String::new, |(public, other)| {
        format!("The {} stays: it is that of the {} too.\n", named(&public), named(&other))
    });
    let stay: Vec<String> = spared.iter().map(|certificate| format!("the {}", named(certificate))).collect();
    let stay = match stay.as_slice() {
        [] => String::new(),
        [one] => format!("There is still {one}.\n"),
        several => format!("There are still {}.\n", several.join(" and ")),
    };
    Ok(Answer::new(format!("Deleted {what}.\n{shared}{stay}"), deleted))
}

/// Another private key with the same public key, whose public half is then no part of one pair alone.
fn other_private(session: &Session, private: &Object) -> Result<Option<Arc<Object>>, Failure> {
    let Some(info) = bytes(private, CKA_PUBLIC_KEY_INFO) else { return Ok(None) };
    let same = with_public_key(session, CKO_PRIVATE_KEY, info)?;
    Ok(same.into_iter().find(|other| other.number != private.number))
}

/// The pair that these are or that one half of it stands for, and the certificates of its public key, which are no part
/// of it.
fn whole_pair(session: &Session, wanted: &str, found: Vec<Arc<Object>>) -> Result<(Pair, Vec<Arc<Object>>), Failure> {
    let (mut halves, mut certificates) = match found.iter().all(|object| object.kind.class == CKO_CERTIFICATE) {
        true => (found, Vec::new()),
        false => without_certificates(found),
    };
    if Pair::of(&halves).is_none() {
        let half = only(wanted, halves, "")?;
        let other = match half.kind.class {
            CKO_PRIVATE_KEY => Some(CKO_PUBLIC_KEY),
            CKO_PUBLIC_KEY => Some(CKO_PRIVATE_KEY),
            _ => None,
        };
        let others = match (other, bytes(&half, CKA_PUBLIC_KEY_INFO)) {
            (Some(class), Some(info)) => with_public_key(session, class, info)?,
            _ => Vec::new(),
        };
        halves = std::iter::once(half).chain(others).collect();
    }
    let Some(pair) = Pair::of(&halves) else {
        let named: Vec<String> = halves.iter().map(|key| named(key)).collect();
        return Err(Failure::refused(
            CKR_KEY_HANDLE_INVALID,
            format!(
                "{} is not one of exactly two halves; delete what is meant by its number, without --pair",
                named.join(", ")
            ),
        ));
    };
    if let Some(info) = bytes(&pair.public, CKA_PUBLIC_KEY_INFO) {
        let known: Vec<u64> = certificates.iter().map(|certificate| certificate.number).collect();
        let others = with_public_key(session, CKO_CERTIFICATE, info)?;
        certificates.extend(others.into_iter().filter(|other| !known.contains(&other.number)));
    }
    Ok((pair, certificates))
}

fn parse_class(name: &str) -> Result<u64, String> {
    CLASSES.iter().find(|(known, _)| *known == name).map(|(_, class)| *class).ok_or_else(|| {
        let names: Vec<&str> = CLASSES.iter().map(|(name, _)| *name).collect();
        format!("the classes are {}", names.join(", "))
    })
}

fn parse_id(digits: &str) -> Result<Bytes, String> {
    parse_hex(digits).map(Bytes)
}

const LIST_EXAMPLES: &str = "\
Examples:
  strongroom key list
  strongroom key list --class private
  strongroom key list --type aes --label orders
  strongroom key list --public
  strongroom key list --json --pin-file user.pin";

/// What stands below the commands.
pub(crate) const HELP: &str = "\
Keys are made, kept and looked after here, and used elsewhere: signing, encrypting and all the rest is what programs \
do through the PKCS#11 module, pkcs11-tool and openssl among them.";

const SHOW_EXAMPLES: &str = "\
Where the two halves of a pair have the label, both are shown, and certificates with them.

Examples:
  strongroom key show orders
  strongroom key show tls --class certificate
  strongroom key show 17 --json
  strongroom key show id=0a01";

const DELETE_EXAMPLES: &str = "\
Where several keys have the label, none is deleted: give the number of one, or a --class. Both halves of a pair go \
with --pair only; certificates stay then.

Examples:
  strongroom key delete 17
  strongroom key delete code-signing --pair
  strongroom key delete orders --yes --pin-file user.pin";
