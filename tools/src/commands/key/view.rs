//! Keys as a listing shows them: in a table and as JSON.

use std::sync::Arc;

use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::attribute::{AttributeType, Flag};
use strongroom_core::object::{AttributeValue, Object};

use crate::table::{Column, Table};
use crate::text::{hex, stored};

/// Keys as a table, a line each.
pub(crate) fn keys_table(keys: &[Arc<Object>]) -> Table {
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
pub(crate) fn key_json(key: &Object) -> Value {
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

/// The check value as hexadecimal digits, where the key has one.
pub(crate) fn check_value(key: &Object) -> Option<String> {
    match key.attribute(AttributeType(CKA_CHECK_VALUE)) {
        Ok(AttributeValue::Bytes(bytes)) if !bytes.is_empty() => Some(hex(bytes)),
        _ => None,
    }
}

/// The size in bits: the type's, where it has only one, else the value's.
pub(crate) fn size_bits(key: &Object) -> Option<u64> {
    match (key.kind.lengths.only(), key.attribute(AttributeType(CKA_VALUE_LEN))) {
        (Some(bytes), _) => Some(bytes as u64 * 8),
        (None, Ok(AttributeValue::Ulong(bytes))) if bytes != CK_UNAVAILABLE_INFORMATION => Some(bytes * 8),
        _ => None,
    }
}

/// The label in quotation marks with a blank before it, or nothing.
pub(crate) fn named_label(key: &Object) -> String {
    match key.label() {
        [] => String::new(),
        label => format!(" \"{}\"", stored(label)),
    }
}

/// The flags worth a word in a listing.
fn flag_names(key: &Object) -> Vec<&'static str> {
    let words = [
        (key.has(Flag::Private), "private", "public"),
        (key.has(Flag::Sensitive), "sensitive", ""),
        (!key.has(Flag::Sensitive) && key.has(Flag::Extractable), "readable", ""),
        (key.has(Flag::Extractable), "extractable", ""),
        (key.has(Flag::Local), "", "imported"),
        (key.has(Flag::Trusted), "trusted", ""),
    ];
    words.into_iter().map(|(is, yes, no)| if is { yes } else { no }).filter(|word| !word.is_empty()).collect()
}

fn usage_names(key: &Object) -> Vec<&'static str> {
    USAGES.iter().filter(|(_, _, flag)| key.has(*flag)).map(|(name, ..)| *name).collect()
}

/// What a key may do: the name, the attribute, the flag.
pub(crate) const USAGES: &[(&str, u64, Flag)] = &[
    ("encrypt", CKA_ENCRYPT, Flag::Encrypt),
    ("decrypt", CKA_DECRYPT, Flag::Decrypt),
    ("sign", CKA_SIGN, Flag::Sign),
    ("verify", CKA_VERIFY, Flag::Verify),
    ("wrap", CKA_WRAP, Flag::Wrap),
    ("unwrap", CKA_UNWRAP, Flag::Unwrap),
    ("derive", CKA_DERIVE, Flag::Derive),
];
