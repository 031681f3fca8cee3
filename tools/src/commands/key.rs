//! `strongroom key`: generating, listing, describing and deleting keys, as a user.

use std::sync::Arc;

use clap::{ArgAction, Args, Subcommand};
use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::mechanism::{CATALOGUE, Call, Mechanism, Parameter, Work, named};
use strongroom_core::object::schema::{Kind, Lengths};
use strongroom_core::object::{AttributeValue, Object};
use strongroom_core::session::Session;

use super::attributes;
use crate::failure::{Explain, Failure};
use crate::output::Answer;
use crate::place::{AsUser, Context};
use crate::table::{Column, Table, pairs};
use crate::terminal::{self, Progress};
use crate::text::{counted, hex, parse_hex, quoted, stored};

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

/// Keys found, and objects that could not be read.
struct Found {
    keys: Vec<Arc<Object>>,
    unreadable: Vec<(u64, String)>,
}

/// The keys that match, in the order of their numbers.
fn find(session: &Session, wanted: Vec<Entry<'_>>, what: &'static str) -> Result<Found, Failure> {
    let mut template = vec![];
    if !wanted.is_empty() {
        template.push(entry(CKA_TOKEN, Given::Flag(Flag::Token, true)));
        template.extend(wanted);
    }
    session.find_init(&Template::from_entries(template))?;
    let mut numbers = Vec::new();
    loop {
        let mut batch = [0; 256];
        let count = session.find(&mut batch)?;
        if count == 0 {
            break;
        }
        numbers.extend(batch.iter().take(count));
    }
    session.find_final()?;
    let mut found = Found { keys: Vec::new(), unreadable: Vec::new() };
    let progress = Progress::new(what, numbers.len());
    for (done, number) in numbers.into_iter().enumerate() {
        progress.at(done);
        match session.object(number) {
            Ok(object) if object.kind.is_key() => found.keys.push(object),
            // Another program may have deleted it in this moment.
            Ok(_) | Err(Error::NoObject(_)) => {}
            Err(Error::Damaged(problem)) => found.unreadable.push((number, problem)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The one key that is meant by a number, a label or an identifier.
fn choose(session: &Session, wanted: &str) -> Result<Arc<Object>, Failure> {
    let (form, value) = match wanted.split_once('=') {
        Some((form @ ("label" | "id"), value)) => (form, value),
        _ => ("", wanted),
    };
    if form.is_empty()
        && let Ok(number) = value.parse()
    {
        let refused = |error: Error| match error {
            Error::NoObject(_) => Failure::refused(
                CKR_OBJECT_HANDLE_INVALID,
                format!("there is no key {number} for this user; a label of digits only is given as label={number}"),
            ),
            other => Failure::from(other).about(&format!("key {number}")),
        };
        let object = session.object(number).map_err(refused)?;
        return match object.kind.is_key() {
            true => Ok(object),
            false => Err(Failure::refused(CKR_KEY_HANDLE_INVALID, format!("object {number} is no key"))),
        };
    }
    let id;
    let entry = match form {
        "id" => {
            id = parse_hex(value).map_err(|problem| Failure::usage(format!("id={value}: {problem}")))?;
            entry(CKA_ID, Given::Bytes(&id))
        }
        _ => entry(CKA_LABEL, Given::Bytes(value.as_bytes())),
    };
    let mut keys = find(session, vec![entry], "reading keys")?.keys;
    match (keys.len(), keys.pop()) {
        (1, Some(only)) => Ok(only),
        (_, None) => Err(Failure::refused(
            CKR_OBJECT_HANDLE_INVALID,
            format!("there is no key {} for this user; 'strongroom key list' shows those there are", quoted(wanted)),
        )),
        (count, Some(last)) => {
            let all = keys.iter().chain(std::iter::once(&last));
            let listed: Vec<String> =
                all.take(LISTED_MAX).map(|key| format!("{} ({})", key.number, key.kind.name)).collect();
            let more = count.saturating_sub(LISTED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Err(Failure::refused(
                CKR_ARGUMENTS_BAD,
                format!(
                    "{} are {}; give the number of one: {}{more}",
                    counted(count, "key"),
                    quoted(wanted),
                    listed.join(", ")
                ),
            ))
        }
    }
}

fn keys_table(keys: &[Arc<Object>]) -> Table {
    let mut table = Table::new(&[
        Column::Number("NUMBER"),
        Column::Text("LABEL"),
        Column::Text("ID"),
        Column::Text("TYPE"),
        Column::Number("BITS"),
        Column::Text("KCV"),
        Column::Text("FLAGS"),
        Column::Text("USAGE"),
    ]);
    for key in keys {
        table.row(vec![
            key.number.to_string(),
            stored(key.label()),
            hex(id(key)),
            key.kind.name.to_owned(),
            size_bits(key).map_or_else(String::new, |bits| bits.to_string()),
            check_value(key).unwrap_or_default(),
            flag_names(key).join(","),
            usage_names(key).join(","),
        ]);
    }
    table
}

/// A key as JSON, without the attributes few ask for.
fn key_json(key: &Object) -> Value {
    json!({
        "number": key.number,
        "label": String::from_utf8_lossy(key.label()),
        "id": hex(id(key)),
        "unique_id": String::from_utf8_lossy(&key.unique_id),
        "type": key.kind.name,
        "size_bits": size_bits(key),
        "kcv": check_value(key),
        "private": key.has(Flag::Private),
        "sensitive": key.has(Flag::Sensitive),
        "extractable": key.has(Flag::Extractable),
        "local": key.has(Flag::Local),
        "trusted": key.has(Flag::Trusted),
        "usage": usage_names(key),
    })
}

fn id(key: &Object) -> &[u8] {
    match key.attribute(AttributeType(CKA_ID)) {
        Ok(AttributeValue::Bytes(bytes)) => bytes,
        _ => &[],
    }
}

fn check_value(key: &Object) -> Option<String> {
    match key.attribute(AttributeType(CKA_CHECK_VALUE)) {
        Ok(AttributeValue::Bytes(bytes)) if !bytes.is_empty() => Some(hex(bytes)),
        _ => None,
    }
}

/// The size in bits: the type's, where it has only one, else the value's.
fn size_bits(key: &Object) -> Option<u64> {
    match (key.kind.lengths.only(), key.attribute(AttributeType(CKA_VALUE_LEN))) {
        (Some(bytes), _) => Some(bytes as u64 * 8),
        (None, Ok(AttributeValue::Ulong(bytes))) if bytes != CK_UNAVAILABLE_INFORMATION => Some(bytes * 8),
        _ => None,
    }
}

fn named_label(key: &Object) -> String {
    match key.label() {
        [] => String::new(),
        label => format!(" \"{}\"", stored(label)),
    }
}

/// The flags worth a word in a listing.
fn flag_names(key: &Object) -> Vec<&'static str> {
    let words = [
        (key.has(Flag::Private), "private", "public"),
        (key.has(Flag::Sensitive), "sensitive", "readable"),
        (key.has(Flag::Extractable), "extractable", ""),
        (key.has(Flag::Local), "", "imported"),
        (key.has(Flag::Trusted), "trusted", ""),
    ];
    words.into_iter().map(|(is, yes, no)| if is { yes } else { no }).filter(|word| !word.is_empty()).collect()
}

fn usage_names(key: &Object) -> Vec<&'static str> {
    USAGES.iter().filter(|(_, _, flag)| key.has(*flag)).map(|(name, ..)| *name).collect()
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

fn entry(attribute: u64, value: Given<'_>) -> Entry<'_> {
    Entry { attribute: AttributeType(attribute), value }
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

const USAGES: &[(&str, u64, Flag)] = &[
    ("encrypt", CKA_ENCRYPT, Flag::Encrypt),
    ("decrypt", CKA_DECRYPT, Flag::Decrypt),
    ("sign", CKA_SIGN, Flag::Sign),
    ("verify", CKA_VERIFY, Flag::Verify),
    ("wrap", CKA_WRAP, Flag::Wrap),
    ("unwrap", CKA_UNWRAP, Flag::Unwrap),
    ("derive", CKA_DERIVE, Flag::Derive),
];

/// The size of a key where any is possible and none is asked for.
const DEFAULT_KEY_BYTES: usize = 32;
/// Keys of one label that a refusal names.
const LISTED_MAX: usize = 10;

const GENERATE_EXAMPLES: &str = "\
Sizes are in bits: AES 128, 192 or 256; DES3 192 and DES2 128, with their parity bits; generic secrets and HMAC keys \
8 to 28664, RC4 8 to 2040, in steps of 8. A key stays in the token, sensitive and not extractable, unless an option says \
otherwise.

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
