//! Templates: entries with values of their own, and the C form of them for the time of a call.

use cryptoki_sys::*;

/// One entry of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) attribute: CK_ATTRIBUTE_TYPE,
    pub(crate) value: EntryValue,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryValue {
    Bytes(Vec<u8>),
    Template(Vec<Entry>),
}

pub(crate) fn bytes(attribute: CK_ATTRIBUTE_TYPE, value: impl AsRef<[u8]>) -> Entry {
    Entry { attribute, value: EntryValue::Bytes(value.as_ref().to_vec()) }
}

pub(crate) fn flag(attribute: CK_ATTRIBUTE_TYPE, value: bool) -> Entry {
    bytes(attribute, [u8::from(value)])
}

pub(crate) fn number(attribute: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Entry {
    bytes(attribute, value.to_ne_bytes())
}

pub(crate) fn numbers(attribute: CK_ATTRIBUTE_TYPE, values: &[CK_ULONG]) -> Entry {
    bytes(attribute, values.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<u8>>())
}

pub(crate) fn nested(attribute: CK_ATTRIBUTE_TYPE, entries: &[Entry]) -> Entry {
    Entry { attribute, value: EntryValue::Template(entries.to_vec()) }
}

/// The template of a secret key with this value.
pub(crate) fn key_template(key_type: CK_KEY_TYPE, value: &[u8]) -> Vec<Entry> {
    vec![number(CKA_CLASS, CKO_SECRET_KEY), number(CKA_KEY_TYPE, key_type), bytes(CKA_VALUE, value)]
}

/// `template` with more entries; one with the same attribute takes the place of the earlier.
pub(crate) fn with(template: &[Entry], more: &[Entry]) -> Vec<Entry> {
    let given = |entry: &&Entry| more.iter().all(|other| other.attribute != entry.attribute);
    template.iter().filter(given).chain(more).cloned().collect()
}

/// `template` without an attribute.
pub(crate) fn without(template: &[Entry], attribute: CK_ATTRIBUTE_TYPE) -> Vec<Entry> {
    template.iter().filter(|entry| entry.attribute != attribute).cloned().collect()
}

/// Lends the C form of a template.
pub(crate) fn lend<R>(template: &[Entry], run: impl FnOnce(*mut CK_ATTRIBUTE, CK_ULONG) -> R) -> R {
    let mut inner: Vec<Vec<CK_ATTRIBUTE>> = Vec::new();
    let outer = raw(template, &mut inner);
    let mut outer = outer;
    run(outer.as_mut_ptr(), outer.len() as CK_ULONG)
}

fn raw(template: &[Entry], inner: &mut Vec<Vec<CK_ATTRIBUTE>>) -> Vec<CK_ATTRIBUTE> {
    let mut entries = Vec::new();
    for entry in template {
        let (start, len) = match &entry.value {
            EntryValue::Bytes(value) => (value.as_ptr().cast_mut().cast(), value.len()),
            EntryValue::Template(value) => {
                let mut nested = raw(value, inner);
                let place = (nested.as_mut_ptr().cast(), size_of_val(nested.as_slice()));
                // The heap block stays where it is while the vector moves.
                inner.push(nested);
                place
            }
        };
        entries.push(CK_ATTRIBUTE { type_: entry.attribute, pValue: start, ulValueLen: len as CK_ULONG });
    }
    entries
}
