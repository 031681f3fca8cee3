//! Finding keys: all that match, or the one that is meant.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{AttributeType, Entry, Flag, Given, Template};
use strongroom_core::error::Error;
use strongroom_core::object::Object;
use strongroom_core::session::Session;

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
///
/// # Errors
/// None such, or several, which are named.
pub(crate) fn choose(session: &Session, wanted: &str) -> Result<Arc<Object>, Failure> {
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

/// An entry of a template.
pub(crate) fn entry(attribute: u64, value: Given<'_>) -> Entry<'_> {
    Entry { attribute: AttributeType(attribute), value }
}

/// Keys of one label that a refusal names.
const LISTED_MAX: usize = 10;
