//! `strongroom key`: generating, listing, describing and deleting keys, as a user.
//!
//! Which key is meant is found in `key/find.rs`; how keys look is in `key/view.rs`, and all attributes of one in
//! `key/attributes.rs`.

mod attributes;
mod find;
mod view;

use clap::{ArgAction, Args, Subcommand};
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::attribute::{Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::mechanism::{CATALOGUE, Call, Mechanism, Parameter, Work, named};
use strongroom_core::object::schema::{Kind, Lengths};
use strongroom_core::session::Session;

use find::{Found, choose, entry, find};
use view::{USAGES, check_value, key_json, keys_table, named_label, size_bits};

use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::place::{AsUser, Context};
use crate::table::pairs;
use crate::terminal;
use crate::text::parse_hex;

/// The commands about keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Generate a key that stays in the token
    #[command(after_long_help = GENERATE_EXAMPLES)]
    Generate(Box<GenerateArgs>),
    /// List the keys
    #[command(after_long_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Show all attributes of one key
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// Delete a key for ever
    #[command(after_long_help = DELETE_EXAMPLES)]
    Delete(DeleteArgs),
}

/// Options of `key generate`.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Type of key: aes, generic, des3, rc4, chacha20, sha256-hmac, ...
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type)]
    kind: &'static Kind,
    /// Size in bits [default: the type's only or largest one; 256 where any is possible]
    #[arg(long, value_name = "BITS")]
    size: Option<usize>,
    /// Name of the key (CKA_LABEL)
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Identifier of the key (CKA_ID), in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = parse_id)]
    id: Option<Bytes>,
    /// What the key may do, all else forbidden: encrypt, decrypt, sign, verify, wrap, unwrap, derive
    /// [default: what its type can]
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
    /// Whether it is seen after login only
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true",
          action = ArgAction::Set)]
    private: bool,
    /// Whether its attributes may be changed later
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_value_t = true, default_missing_value = "true",
          action = ArgAction::Set)]
    modifiable: bool,
    /// Who will own it.
    #[command(flatten)]
    user: AsUser,
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
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_type)]
    kind: Option<&'static Kind>,
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
    match command {
        KeyCommand::Generate(args) => generate(context, args),
        KeyCommand::List(args) => list(context, args),
        KeyCommand::Show(args) => show(context, args),
        KeyCommand::Delete(args) => delete(context, args),
    }
}

fn generate(context: &Context, args: &GenerateArgs) -> Result<Answer, Failure> {
    let mechanism =
        generator(args.kind).ok_or_else(|| Failure::usage(format!("{} keys cannot be generated", args.kind.name)))?;
    let length = length_bytes(args.kind, args.size)?;
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, true)?;
    let mut entries = vec![
        entry(CKA_VALUE_LEN, Given::Ulong(length as u64)),
        entry(CKA_TOKEN, Given::Flag(Flag::Token, true)),
        entry(CKA_EXTRACTABLE, Given::Flag(Flag::Extractable, args.extractable)),
        entry(CKA_SENSITIVE, Given::Flag(Flag::Sensitive, args.sensitive)),
        entry(CKA_PRIVATE, Given::Flag(Flag::Private, args.private)),
        entry(CKA_MODIFIABLE, Given::Flag(Flag::Modifiable, args.modifiable)),
    ];
    entries.extend(args.label.as_ref().map(|label| entry(CKA_LABEL, Given::Bytes(label.as_bytes()))));
    entries.extend(args.id.as_ref().map(|id| entry(CKA_ID, Given::Bytes(&id.0))));
    if !args.usage.is_empty() {
        entries.extend(
            USAGES.iter().map(|(_, attribute, flag)| entry(*attribute, Given::Flag(*flag, args.usage.contains(flag)))),
        );
    }
    if !args.mechanisms.is_empty() {
        entries.push(entry(CKA_ALLOWED_MECHANISMS, Given::Mechanisms(args.mechanisms.as_slice().into())));
    }
    let call = Call { mechanism, parameter: Parameter::None };
    let number = session
        .generate_key(&call, &Template::from_entries(entries))
        .map_err(|error| explain_generation(error, &session, mechanism))?;
    let key = session.object(number)?;
    let text = format!(
        "Generated {} key {number}{}, {} bits{}.\n",
        key.kind.name,
        named_label(&key),
        length * 8,
        check_value(&key).map_or_else(String::new, |kcv| format!(", KCV {kcv}")),
    );
    Ok(Answer::new(text, json!({ "key": key_json(&key) })))
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
    wanted.extend(args.kind.and_then(|kind| kind.subtype).map(|subtype| entry(CKA_KEY_TYPE, Given::Ulong(subtype))));
    let Found { keys, unreadable } = find(&session, wanted, "reading keys")?;
    for (number, problem) in &unreadable {
        context.warn(&format!("object {number} cannot be read: {problem}; 'strongroom doctor' says more"));
    }
    let json = json!({
        "keys": keys.iter().map(|key| key_json(key)).collect::<Vec<_>>(),
        "unreadable": unreadable.iter().map(|(number, problem)| json!({ "number": number, "message": problem }))
            .collect::<Vec<_>>(),
    });
    let text = match keys.is_empty() {
        true => "There is no such key.\n".to_owned(),
        false => keys_table(&keys).text(),
    };
    Ok(Answer { text, json, faulty: !unreadable.is_empty() })
}

fn show(context: &Context, args: &ShowArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, false)?;
    let key = choose(&session, &args.key)?;
    let owner = session.application().token().users()?.into_iter().find(|user| user.id == key.ownership.owner);
    let owner = owner.map(|user| user.name);
    let mut lines = vec![
        ("Number", key.number.to_string()),
        ("Type", key.kind.name.to_owned()),
        ("Size", size_bits(&key).map_or_else(String::new, |bits| format!("{bits} bits"))),
        ("Owner", owner.clone().unwrap_or_else(|| format!("user {}", key.ownership.owner.0))),
    ];
    let attributes = attributes::of(&key, args.reveal);
    lines.extend(attributes.iter().map(|attribute| (attribute.name, attribute.text.clone())));
    let mut json = key_json(&key);
    if let Value::Object(members) = &mut json {
        members.insert("owner".to_owned(), json!(owner));
        members.insert("attributes".to_owned(), attributes::json(&attributes));
    }
    Ok(Answer::new(pairs(&lines), json!({ "key": json })))
}

fn delete(context: &Context, args: &DeleteArgs) -> Result<Answer, Failure> {
    let hsm = context.hsm()?;
    let session = args.user.session(context, &hsm, true)?;
    let key = choose(&session, &args.key)?;
    let what = format!("{} key {}{}", key.kind.name, key.number, named_label(&key));
    terminal::confirm(args.yes, &format!("Delete the {what} for ever?"))?;
    session.destroy_object(key.number).about(|| what.clone())?;
    let label = String::from_utf8_lossy(key.label());
    Ok(Answer::new(format!("Deleted the {what}.\n"), json!({ "deleted": { "number": key.number, "label": label } })))
}

/// The mechanism that generates keys of this kind.
fn generator(kind: &Kind) -> Option<&'static Mechanism> {
    CATALOGUE
        .iter()
        .find(|mechanism| matches!(mechanism.work, Work::GenerateSecret(key_type) if kind.subtype == Some(key_type)))
}

/// The length of the key that is asked for.
fn length_bytes(kind: &Kind, bits: Option<usize>) -> Result<usize, Failure> {
    let Some(bits) = bits else {
        return Ok(match kind.lengths {
            Lengths::OneOf(lengths) => lengths.iter().copied().max().unwrap_or(DEFAULT_KEY_BYTES),
            Lengths::Between(..) | Lengths::None => DEFAULT_KEY_BYTES,
        });
    };
    if bits % 8 == 0 && kind.lengths.allow(bits / 8) {
        return Ok(bits / 8);
    }
    let possible = match kind.lengths {
        Lengths::OneOf(lengths) => lengths.iter().map(|bytes| (bytes * 8).to_string()).collect::<Vec<_>>().join(", "),
        Lengths::Between(min, max) => format!("{} to {}, in steps of 8", min * 8, max * 8),
        Lengths::None => "no".to_owned(),
    };
    Err(Failure::usage(format!("--size {bits}: {} keys have {possible} bits", kind.name)))
}

fn explain_generation(error: Error, session: &Session, mechanism: &Mechanism) -> Failure {
    let refused = matches!(error, Error::MechanismInvalid(_));
    let failure = Failure::from(error);
    match session.application().token().meta() {
        Ok(meta) if refused && !mechanism.is_offered(meta.policy) => {
            failure.about(&format!("the token's policy is \"{}\"", meta.policy))
        }
        _ => failure,
    }
}

fn parse_type(name: &str) -> Result<&'static Kind, String> {
    Kind::named(name).filter(|kind| generator(kind).is_some()).ok_or_else(|| {
        let names = Kind::all().iter().filter(|kind| generator(kind).is_some()).map(|kind| kind.name);
        format!("the types are {}", names.collect::<Vec<_>>().join(", "))
    })
}

fn parse_id(digits: &str) -> Result<Bytes, String> {
    parse_hex(digits).map(Bytes)
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

/// The size of a key where any is possible and none is asked for.
const DEFAULT_KEY_BYTES: usize = 32;
const GENERATE_EXAMPLES: &str = "\
Sizes are in bits: AES 128, 192 or 256; DES3 192 and DES2 128, with their parity bits; generic secrets and HMAC keys \
8 to 28664, RC4 8 to 2040, in steps of 8. A key stays in the token, sensitive and not extractable, unless an option \
says otherwise.

Examples:
  strongroom key generate --type aes --size 256 --label orders
  strongroom key generate --type aes --label backup --usage wrap,unwrap --id 0a01
  strongroom key generate --type sha256-hmac --label sessions --pin-file user.pin
  strongroom key generate --type generic --size 512 --extractable --label secret";

const LIST_EXAMPLES: &str = "\
Examples:
  strongroom key list
  strongroom key list --type aes --label orders
  strongroom key list --public
  strongroom key list --json --pin-file user.pin";

const SHOW_EXAMPLES: &str = "\
Examples:
  strongroom key show orders
  strongroom key show 17 --json
  strongroom key show id=0a01";

const DELETE_EXAMPLES: &str = "\
Where several keys have the label, none is deleted: give the number of one.

Examples:
  strongroom key delete 17
  strongroom key delete orders --yes --pin-file user.pin";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_those_that_can_be_generated() {
        assert_eq!(parse_type("aes").unwrap().subtype, Some(CKK_AES));
        let refusal = parse_type("x509").unwrap_err();
        assert!(refusal.contains("aes") && refusal.contains("des3") && !refusal.contains("x509"), "{refusal}");
        for mechanism in CATALOGUE {
            if let Work::GenerateSecret(key_type) = mechanism.work {
                let kind = Kind::secret_key(key_type).unwrap();
                assert_eq!(generator(kind).unwrap().id, mechanism.id);
            }
        }
    }

    #[test]
    fn sizes_are_bits_of_the_type() {
        let bytes =
            |name, bits| length_bytes(parse_type(name).unwrap(), bits).map_err(|failure| failure.message().to_owned());
        assert_eq!(bytes("aes", Some(128)).unwrap(), 16);
        assert_eq!(bytes("aes", None).unwrap(), 32);
        assert_eq!(bytes("des3", None).unwrap(), 24);
        assert_eq!(bytes("generic", None).unwrap(), 32);
        assert_eq!(bytes("aes", Some(100)).unwrap_err(), "--size 100: aes keys have 128, 192, 256 bits");
        assert!(bytes("aes", Some(16)).is_err(), "16 bytes are not 16 bits");
        assert!(bytes("generic", Some(28672)).unwrap_err().contains("8 to 28664"));
    }

    #[test]
    fn lists_are_checked_word_by_word() {
        assert_eq!(parse_usage("wrap").unwrap(), Flag::Wrap);
        assert!(parse_usage("crypt").unwrap_err().contains("encrypt"));
        assert_eq!(parse_mechanism("aes_gcm").unwrap(), CKM_AES_GCM);
        assert!(parse_mechanism("AES_ROT13").is_err());
    }
}
