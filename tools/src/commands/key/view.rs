//! Keys, certificates and domain parameters as a listing shows them: in a table and as JSON.

use std::sync::Arc;

use cryptoki_sys::*;
use serde_json::{Value, json};
use strongroom_core::attribute::{AttributeType, Flag};
use strongroom_core::object::{AttributeValue, Object};

use super::types::{curve_name, parameter_set, size_bits, type_name};
use crate::table::{Column, Table};
use crate::text::{hex, stored};

/// Keys as a table, a line each.
pub(crate) fn keys_table(keys: &[Arc<Object>]) -> Table {
    let mut table = Table::new(&[
        Column::Number("NUMBER"),
        Column::Text("LABEL"),
        Column::Text("ID"),
        Column::Text("CLASS"),
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
            class_name(key).unwrap_or_default().to_owned(),
            long_type(key),
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
        "class": class_name(key),
        "type": type_name(key),
        "size_bits": size_bits(key),
        "curve": curve_name(key),
        "parameter_set": parameter_set(key),
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

/// The type, with the curve where the type has several: "ec P-256".
pub(crate) fn long_type(key: &Object) -> String {
    match (key.kind.subtype, curve_name(key)) {
        (Some(CKK_EC), Some(curve)) => format!("ec {curve}"),
        _ => type_name(key).to_owned(),
    }
}

/// The type and what it is: "aes key", "private ec P-256 key", "x509 certificate", "dh domain parameters".
pub(crate) fn described(object: &Object) -> String {
    let name = long_type(object);
    match object.kind.class {
        CKO_PUBLIC_KEY => format!("public {name} key"),
        CKO_PRIVATE_KEY => format!("private {name} key"),
        CKO_CERTIFICATE => format!("{name} certificate"),
        CKO_DOMAIN_PARAMETERS => format!("{name} domain parameters"),
        _ => format!("{name} key"),
    }
}

/// What it is, its number and its label: `private rsa key 4 "web"`.
pub(crate) fn named(object: &Object) -> String {
    format!("{} {}{}", described(object), object.number, named_label(object))
}

/// The class in one word, of the objects these commands know.
pub(crate) fn class_name(object: &Object) -> Option<&'static str> {
    CLASSES.iter().find(|(_, class)| *class == object.kind.class).map(|(name, _)| *name)
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
        (key.has(Flag::Local) || !key.kind.is_key(), "", "imported"),
        (key.has(Flag::Trusted), "trusted", ""),
        (!key.ownership.sharees.as_numbers().is_empty(), "shared", ""),
        (key.ownership.use_approvals.max(key.ownership.management_approvals) > 0, "quorum", ""),
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
    ("encapsulate", CKA_ENCAPSULATE, Flag::Encapsulate),
    ("decapsulate", CKA_DECAPSULATE, Flag::Decapsulate),
    ("sign-recover", CKA_SIGN_RECOVER, Flag::SignRecover),
    ("verify-recover", CKA_VERIFY_RECOVER, Flag::VerifyRecover),
];

/// The classes these commands know, by their names there.
pub(crate) const CLASSES: &[(&str, u64)] = &[
    ("secret", CKO_SECRET_KEY),
    ("private", CKO_PRIVATE_KEY),
    ("public", CKO_PUBLIC_KEY),
    ("certificate", CKO_CERTIFICATE),
    ("parameters", CKO_DOMAIN_PARAMETERS),
];
