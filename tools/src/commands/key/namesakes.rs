//! What has the label or the identifier of a new key already. Both may be given twice, but then mean no key alone.

use std::sync::Arc;

use cryptoki_sys::*;
use strongroom_core::attribute::{Entry, Given};
use strongroom_core::object::Object;
use strongroom_core::session::Session;

use super::find::{entry, first};
use super::public::public_key_info;
use super::view::named;
use super::wanted::Wanted;
use crate::failure::Failure;
use crate::text::{hex, quoted};

/// Warnings of other objects with the label or the identifier that was asked for. Those of the same public key are
/// meant to have both.
///
/// # Errors
/// The store's.
pub(super) fn warnings(session: &Session, wanted: &Wanted, made: &[&Object]) -> Result<Vec<String>, Failure> {
    let infos: Vec<Vec<u8>> = made.iter().filter_map(|object| public_key_info(object).ok()).collect();
    let is_other = |object: &Object| {
        let is_made = made.iter().any(|made| made.number == object.number);
        !is_made && (infos.is_empty() || !public_key_info(object).is_ok_and(|info| infos.contains(&info)))
    };
    let other = |entries: Vec<Entry<'_>>| first(session, entries, &is_other);
    let mut warnings = Vec::new();
    if let Some(label) = &wanted.label
        && let Some(other) = other(vec![entry(CKA_LABEL, Given::Bytes(label.as_bytes()))])?
    {
        warnings.push(format!(
            "the {} has the label {} too; tell them apart by number or identifier (id=HEX)",
            without_label(&other),
            quoted(label)
        ));
    }
    if let Some(id) = &wanted.id {
        for made in made {
            let same = vec![entry(CKA_CLASS, Given::Ulong(made.kind.class)), entry(CKA_ID, Given::Bytes(&id.0))];
            if let Some(other) = other(same)? {
                warnings.push(format!(
                    "the {} has the identifier {} too; programs that find keys by it take either",
                    named(&other),
                    hex(&id.0)
                ));
            }
        }
    }
    Ok(warnings)
}

fn without_label(object: &Arc<Object>) -> String {
    format!("{} {}", super::view::described(object), object.number)
}
