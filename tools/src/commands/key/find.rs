//! Finding keys, certificates and domain parameters: all that match, or those that are meant.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::Object;
use strongroom_core::session::Session;

use super::types::bytes;
use super::view::{class_name, described};
use crate::failure::Failure;
use crate::terminal::Progress;
use crate::text::{counted, parse_hex, quoted};

/// Keys found, and objects that could not be read.
pub(crate) struct Found {
    /// The keys, in the order of their numbers.
    pub(crate) keys: Vec<Arc<Object>>,
    /// The numbers of the others, and what is wrong with them.
    pub(crate) unreadable: Vec<(u64, String)>,
}

/// The keys that match, in the order of their numbers.
///
/// # Errors
/// The store's.
pub(crate) fn find(session: &Session, wanted: Vec<Entry<'_>>, what: &'static str) -> Result<Found, Failure> {
    let mut template = vec![];
    if !wanted.is_empty() {
        template.push(entry(CKA_TOKEN, Given::Flag(Flag::Token, true)));
        template.extend(wanted);
    }
    let numbers = session.found(&Template::from_entries(template))?;
    let mut found = Found { keys: Vec::new(), unreadable: Vec::new() };
    let progress = Progress::new(what, numbers.len());
    for (done, number) in numbers.into_iter().enumerate() {
        progress.at(done);
        match session.object(number) {
            Ok(object) if is_listed(&object) => found.keys.push(object),
            // Another program may have deleted it in this moment.
            Ok(_) | Err(Error::NoObject(_)) => {}
            Err(Error::Damaged(problem)) => found.unreadable.push((number, problem)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// All that are meant by a number, a label or an identifier; at least one. `class` narrows them.
///
/// # Errors
/// None such.
pub(crate) fn meant(session: &Session, wanted: &str, class: Option<u64>) -> Result<Vec<Arc<Object>>, Failure> {
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
        return match is_listed(&object) && class.is_none_or(|class| object.kind.class == class) {
            true => Ok(vec![object]),
            false => Err(Failure::refused(CKR_KEY_HANDLE_INVALID, format!("object {number} is no such key"))),
        };
    }
    let id;
    let mut entries = Vec::new();
    entries.extend(class.map(|class| entry(CKA_CLASS, Given::Ulong(class))));
    entries.push(match form {
        "id" => {
            id = parse_hex(value).map_err(|problem| Failure::usage(format!("id={value}: {problem}")))?;
            entry(CKA_ID, Given::Bytes(&id))
        }
        _ => entry(CKA_LABEL, Given::Bytes(value.as_bytes())),
    });
    let keys = find(session, entries, "reading keys")?.keys;
    if keys.is_empty() {
        return Err(Failure::refused(
            CKR_OBJECT_HANDLE_INVALID,
            format!("there is no key {} for this user; 'strongroom key list' shows those there are", quoted(wanted)),
        ));
    }
    Ok(keys)
}

/// The only one of those that are meant.
///
/// # Errors
/// Several, which are named; `advice` says what else to do than to give a number.
pub(crate) fn only(wanted: &str, mut keys: Vec<Arc<Object>>, advice: &str) -> Result<Arc<Object>, Failure> {
    let count = keys.len();
    match (count, keys.pop()) {
        (1, Some(only)) => Ok(only),
        (_, last) => {
            let listed: Vec<String> = keys
                .iter()
                .chain(&last)
                .take(LISTED_MAX)
                .map(|key| match key.kind.class {
                    CKO_SECRET_KEY => format!("{} ({})", key.number, key.kind.name),
                    _ => format!("{} ({})", key.number, described(key)),
                })
                .collect();
            let more = count.saturating_sub(LISTED_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Err(Failure::refused(
                CKR_ARGUMENTS_BAD,
                format!(
                    "{} are {}; give the number of one{advice}: {}{more}",
                    counted(count, "key"),
                    quoted(wanted),
                    listed.join(", ")
                ),
            ))
        }
    }
}

/// A pair: its private half and its public one.
pub(crate) struct Pair {
    /// The private half.
    pub(crate) private: Arc<Object>,
    /// The public half.
    pub(crate) public: Arc<Object>,
}

/// Takes the certificates out of what has been found.
pub(crate) fn without_certificates(found: Vec<Arc<Object>>) -> (Vec<Arc<Object>>, Vec<Arc<Object>>) {
    found.into_iter().partition(|object| object.kind.class != CKO_CERTIFICATE)
}

impl Pair {
    /// The pair that these are, if they are two halves that belong together and nothing else.
    pub(crate) fn of(keys: &[Arc<Object>]) -> Option<Pair> {
        let [first, second] = keys else { return None };
        let (private, public) = match (first.kind.class, second.kind.class) {
            (CKO_PRIVATE_KEY, CKO_PUBLIC_KEY) => (first, second),
            (CKO_PUBLIC_KEY, CKO_PRIVATE_KEY) => (second, first),
            _ => return None,
        };
        let together = bytes(private, CKA_PUBLIC_KEY_INFO)? == bytes(public, CKA_PUBLIC_KEY_INFO)?;
        together.then(|| Pair { private: Arc::clone(private), public: Arc::clone(public) })
    }
}

/// The first object of the token that matches and is one of those that are looked for, if there is one.
///
/// # Errors
/// The store's.
pub(crate) fn first(
    session: &Session,
    wanted: Vec<Entry<'_>>,
    is_it: &dyn Fn(&Object) -> bool,
) -> Result<Option<Arc<Object>>, Failure> {
    let template = [vec![entry(CKA_TOKEN, Given::Flag(Flag::Token, true))], wanted].concat();
    for number in session.found(&Template::from_entries(template))? {
        match session.object(number) {
            Ok(object) if is_listed(&object) && is_it(&object) => return Ok(Some(object)),
            Ok(_) | Err(Error::NoObject(_) | Error::Damaged(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// The keys of this class with this public key.
///
/// # Errors
/// As [`find`].
pub(crate) fn with_public_key(session: &Session, class: u64, info: &[u8]) -> Result<Vec<Arc<Object>>, Failure> {
    let wanted = vec![entry(CKA_CLASS, Given::Ulong(class)), entry(CKA_PUBLIC_KEY_INFO, Given::Bytes(info))];
    Ok(find(session, wanted, "looking for the other half")?.keys)
}

/// Whether these commands know objects of this kind: keys, certificates, domain parameters.
fn is_listed(object: &Object) -> bool {
    class_name(object).is_some()
}

/// An entry of a template.
pub(crate) fn entry(attribute: u64, value: Given<'_>) -> Entry<'_> {
    Entry { attribute: AttributeType(attribute), value }
}

/// Keys of one label that a refusal names.
const LISTED_MAX: usize = 10;
